// SPDX-License-Identifier: Apache-2.0
/* Places where a test makes an operation on a vault's directory fail, and where it hears which ones
 * were made. Built in with CARNET_CRASHPOINTS only, like crashpoints; a release holds nothing of
 * it. CARNET_VAULT_FAULT names a folder:
 *
 *     fail   "<op> <n> <errno>": the n-th operation of that name from now on fails, then the file
 *            is removed; "<op> <n> <errno> stays": that one and all later ones, while it is there
 *            "kill" instead of errno: the process dies before it; "any" instead of an operation:
 *            each but spool counts
 *     log    if it is there, a line per operation is added, before it is made
 *
 * Operations: open write rename remove sync spool. */
#pragma once

#include <stddef.h>

#ifdef CARNET_CRASHPOINTS
#define VAULT_FAULT(op, name, to, n) vault_fault(op, name, to, n)
/* Not 0: fails, errno is set. */
int vault_fault(const char *op, const char *name, const char *to, size_t n);
#else
#define VAULT_FAULT(op, name, to, n) 0
#endif
