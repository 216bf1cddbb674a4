// SPDX-License-Identifier: Apache-2.0
/* Any text in any field: its normal form is normal, valid and found again by the search's own
 * (address-books.md 8, 12). The first byte says which field. */
#include <stdlib.h>
#include <string.h>

#include "common/book/norm.h"
#include "common/book/search_key.h"
#include "common/text/unicode.h"
#include "common/text/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void normal(const char *s, enum book_field id)
{
	struct book *b = book_new("");
	const char *once = norm_value(b, id, s);
	const char *twice = norm_value(b, id, once);

	bug_if((once == NULL) != (twice == NULL));
	bug_if(once && (*once == 0 || strcmp(once, twice) != 0));
	bug_if(once && !utf8_valid(once, strlen(once)));
	book_free(b);
}

static void searchable(const char *s, enum search_kind kind)
{
	struct buf out = BUF_INIT;

	bug_if(search_word(kind, s, &out) < 0);
	bug_if(!utf8_valid(out.p, out.n));
	buf_fini(&out);
}

static void cut(const char *s)
{
	size_t length = unicode_length(s);

	for (size_t max = 0; max < length && max < 20; max++) {
		size_t n = unicode_cut(s, max);
		bug_if(n > strlen(s) || (s[n] & 0xC0) == 0x80);
		char *prefix = strndup(s, n);
		bug_if(prefix == NULL || unicode_length(prefix) > max);
		free(prefix);
	}
	bug_if(unicode_cut(s, length) != strlen(s));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n == 0 || memchr(data + 1, 0, n - 1) || !utf8_valid(data + 1, n - 1))
		return 0;
	char *s = strndup((const char *)data + 1, n - 1);
	bug_if(s == NULL);
	if (field_info(data[0] % FIELD_NUMBERS))
		normal(s, (enum book_field)(data[0] % FIELD_NUMBERS));
	searchable(s, (enum search_kind)(1 + data[0] % (SEARCH_KINDS - 1)));
	cut(s);
	free(s);
	return 0;
}
