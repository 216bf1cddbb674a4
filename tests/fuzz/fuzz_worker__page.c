// SPDX-License-Identifier: Apache-2.0
/* Pages of a device: any bytes. The parser ends, stays inside the page, and its text obeys its
 * bound. */
#include "services/worker/adapters/canon_form.h"
#include "services/worker/adapters/page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct profile words = {.refused = {"failed"}, .busy = {"in use"}};
	struct span page = {data, n};
	struct buf b = BUF_INIT;
	char path[32];

	page_text(page, 100, &b);
	bug_if(b.n > 101); /* a space and a byte may come last */
	buf_reset(&b);
	canon_username_form(&b, page, "u", "p", 1);
	canon_login_path(page, path, sizeof(path));
	bug_if(path[0] != '/');
	(void)canon_login_of(page);
	(void)canon_page_of(page, &words);
	buf_fini(&b);
	return 0;
}
