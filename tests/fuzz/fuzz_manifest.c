// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a manifest: refused, or read and written again as the same bytes (unless a later
 * writer added members). */
#include <string.h>

#include "common/vault/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct manifest m, again;
	struct fault f = FAULT_INIT;
	struct buf first = BUF_INIT, second = BUF_INIT;
	if (manifest_read((struct span){data, n}, &m, &f) < 0)
		return 0;
	manifest_write(&m, &first);
	bug_if(first.n > n);
	bug_if(first.n == n && memcmp(first.p, data, n) != 0);
	bug_if(manifest_read(buf_span(&first), &again, &f) < 0);
	manifest_write(&again, &second);
	bug_if(first.n != second.n || memcmp(first.p, second.p, first.n) != 0);
	manifest_fini(&m);
	manifest_fini(&again);
	buf_fini(&first);
	buf_fini(&second);
	return 0;
}
