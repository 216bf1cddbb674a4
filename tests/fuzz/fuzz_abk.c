// SPDX-License-Identifier: Apache-2.0
/* Any bytes: the scanner ends, and the pieces do not change its answer. The first byte is the size
 * of the pieces. */
#include <string.h>

#include "common/book/formats/abk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct abk_info a = {0}, b = {0};
	struct fault fa = FAULT_INIT, fb = FAULT_INIT;
	struct abk_scan s;
	size_t step;
	int ra, rb = 0;

	if (n < 1)
		return 0;
	step = data[0] ? data[0] : 1;
	data++;
	n--;
	ra = abk_check((struct span){data, n}, &a, &fa);
	abk_scan_init(&s);
	for (size_t i = 0; i < n && rb == 0; i += step)
		rb = abk_scan_feed(&s, (struct span){data + i, size_min(step, n - i)}, &fb);
	if (rb == 0)
		rb = abk_scan_end(&s, &b, &fb);
	bug_if(ra != rb || fa.code != fb.code || strcmp(fa.detail, fb.detail) != 0);
	bug_if(a.entries != b.entries || a.bytes != b.bytes);
	(void)abk_looks_html((struct span){data, n});
	return 0;
}
