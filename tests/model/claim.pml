/* SPDX-License-Identifier: Apache-2.0 */
/* claim(n, c): invariant n of docs/spec/locks.md section 11 asks c here. A planted bug is looked at through one
 * invariant alone (ONLY), so that it is caught for the reason it was planted for, and not by the way. */
#ifndef ONLY
#define ONLY 0
#endif
#ifndef ALL_BUT
#define ALL_BUT 0
#endif
#define claim(n, c) assert((ONLY != 0 && ONLY != n) || ALL_BUT == n || (c))
#define ENDS_FIRST 105 /* section 10, the lemma of I5: the holder is gone before its lock is */
