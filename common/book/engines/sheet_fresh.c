// SPDX-License-Identifier: Apache-2.0
/* The line of column names of a new table. */
#include <string.h>

#include "common/book/engines/sheet.h"

struct names {
	const struct format *format;
	const char *name[BOOK_COLUMNS_MAX];
	size_t n, known; /* the first ones are the format's */
};

/* Can a column have that name, and be told from the others? */
static bool is_new(const struct names *names, const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || strchr(" \t", name[0]) || strchr(" \t", name[n - 1]))
		return false;
	for (size_t i = names->format->prefix ? names->known : 0; i < names->n; i++)
		if (strcmp(names->name[i], name) == 0 ||
			(i < names->known && ascii_same(names->name[i], name)))
			return false;
	return true;
}

static void add_name(struct names *names, const char *name)
{
	if (names->n + 1 < BOOK_COLUMNS_MAX && is_new(names, name))
		names->name[names->n++] = name;
}

static void add_extra_names(struct names *names, const struct book *b)
{
	for (uint32_t i = 0; i < b->n_lists; i++)
		for (uint32_t j = 0; j < b->list[i].n_entries; j++)
			for (uint32_t k = 0; k < b->list[i].entry[j].n_extras; k++)
				add_name(names, b->list[i].entry[j].extra[k].name);
}

static void add_heading(struct buf *out, const struct names *names, size_t i)
{
	const struct format *f = names->format;
	struct buf name = BUF_INIT;

	if (i > 0)
		buf_addc(out, f->delimiter ? f->delimiter : ',');
	if (i >= names->known && f->prefix)
		buf_adds(&name, f->prefix);
	buf_adds(&name, names->name[i]);
	if (table_put(out, CHARSET_UTF8, f->delimiter, buf_str(&name), f->quote_all) < 0)
		bug_if(true); /* strings of a book are UTF-8 */
	buf_fini(&name);
}

void writer_heading(const struct encoder *e, const struct format *f, size_t n, struct buf *out)
{
	struct names names = {.format = f};

	for (size_t i = 0; i < n; i++)
		add_name(&names, f->column[i].name);
	names.known = names.n;
	if (f->prefix || strcmp(e->book->family, f->family) == 0)
		add_extra_names(&names, e->book);
	for (size_t i = 0; i < names.n; i++)
		add_heading(out, &names, i);
}
