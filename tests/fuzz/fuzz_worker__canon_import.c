// SPDX-License-Identifier: Apache-2.0
/* Menu pages and import forms of a device: any bytes. A form is ready or refused; where it goes
 * stays on the machine, and no header of the body is the page's own. */
#include <string.h>

#include "gen/errors.h"
#include "services/worker/adapters/canon_import.h"
#include "services/worker/adapters/page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct profile words = {.refused = {"error"},
	.imported = {"imported"},
	.mode_erase = {"Erase"},
	.decrypt_no = {"No decryption"},
	.menu_import = {"Import"}};

static void send(struct span page)
{
	const struct canon_sheet sheet = {page, "/rps/x.cgi?a=b"};
	struct canon_post post;
	struct fault f = FAULT_INIT;
	struct span file = {(const uint8_t *)"# Canon\r\n", 9};

	if (canon_import_form(&sheet, &words, "list_1", file, &post, &f) == 0)
		bug_if(post.path[0] != '/' || strncmp(post.path, "//", 2) == 0 || !post.body.n);
	else
		bug_if(f.code != CN_PROTOCOL_ERROR);
	buf_fini(&post.body);
	f.code = 0;
	bug_if(canon_values_import_form(&sheet, "pass", file, &post, &f) < 0 && !f.code);
	buf_fini(&post.body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span page = {data, n};
	char link[64], path[64];
	struct buf b = BUF_INIT;

	send(page);
	(void)canon_said(page, &words);
	if (page_link(page, words.menu_import, link, sizeof(link)) &&
		page_resolve("/rps/menu.cgi", link, path, sizeof(path)))
		bug_if(path[0] != '/' || strncmp(path, "//", 2) == 0);
	bug_if(canon_without_passwords(page, &b) > n || b.n > n);
	buf_fini(&b);
	return 0;
}
