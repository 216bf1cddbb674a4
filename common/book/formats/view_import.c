// SPDX-License-Identifier: Apache-2.0
/* The way back from a spreadsheet: exact where nothing was edited, a plain refusal with its place
 * where an edit left no sense. */
#include <string.h>

#include "common/base/map.h"
#include "common/book/engines/joined.h"
#include "common/book/engines/table.h"
#include "common/book/formats/view.h"
#include "common/text/utf8.h"
#include "gen/errors.h"

#define CELL_MAX ((size_t)1024 * 1024)

struct import {
	struct table t;
	struct book *book;
	const char *heading[BOOK_COLUMNS_MAX]; /* of the book's arena */
	uint32_t n;
	const char *cell[BOOK_COLUMNS_MAX]; /* NULL = absent */
	struct book_list *list;
	struct book_entry *entry;
	bool again; /* not the entry's first row */
	struct fault *fault;
};

static int wrong_at(struct import *m, size_t offset, int code, const char *reason, const char *text)
{
	struct book_fault f = {.line = 0};

	table_place(&m->t, offset, &f);
	return fault_why(m->fault, code, reason, "line %u, column %u: %s", f.line, f.column, text);
}

static int wrong(struct import *m, const char *reason, const char *text)
{
	return fault_why(m->fault, CN_PARSE_ERROR, reason, "line %u: %s", m->t.line, text);
}

/* ---- cells ---- */

static int read_cell(struct import *m, uint32_t i, const char **ret)
{
	const char *text = table_text(&m->t, i);
	size_t at = (size_t)(m->t.cell[i].raw.p - m->t.file.p);
	struct buf out = BUF_INIT;
	int r = 0;

	if (!text)
		return wrong_at(
			m, m->t.wrong.offset, m->t.wrong.code, m->t.wrong.reason, m->t.wrong.text);
	if (!*text) {
		*ret = NULL;
		return 0;
	}
	if (view_unguard((struct span){(const uint8_t *)text, strlen(text)}, &out) < 0)
		r = wrong_at(m, at, CN_PARSE_ERROR, "base64", "text behind b64: that is no base64");
	else if ((out.n && memchr(out.p, 0, out.n)) || !utf8_valid(out.p, out.n))
		r = wrong_at(m, at, CN_PARSE_ERROR, "bytes", "bytes that no address book holds");
	else
		*ret = book_str(m->book, buf_str(&out));
	buf_fini(&out);
	return r;
}

static int read_cells(struct import *m, const char **cell)
{
	for (uint32_t i = 0; i < m->t.n; i++)
		if (read_cell(m, i, &cell[i]) < 0)
			return -1;
	return 0;
}

static const char *cell(const struct import *m, const char *name)
{
	for (uint32_t i = 0; i < m->n; i++)
		if (m->heading[i] && strcmp(m->heading[i], name) == 0)
			return m->cell[i];
	return NULL;
}

/* ---- rows ---- */

static int find_list(struct import *m)
{
	const char *slot = cell(m, "list"), *kind = cell(m, "list_kind");
	int k = kind ? list_kind_named(kind) : LIST_FLAT;

	if (!slot)
		return wrong(m, "list", "the column list is empty");
	if (k < 0)
		return wrong(m, "list_kind", "no kind of list has this name");
	if (m->list && strcmp(m->list->slot, slot) == 0)
		return 0;
	m->entry = NULL;
	m->list = book_find_list(m->book, slot);
	if (!m->list && m->book->n_lists >= 1000)
		return wrong(m, "lists", "more than 1,000 lists");
	if (!m->list)
		m->list = book_add_list(m->book, slot, (enum list_kind)k, cell(m, "list_name"));
	return 0;
}

static void find_entry(struct import *m, const char *key)
{
	m->again = m->entry && strcmp(m->entry->key, key) == 0;
	if (m->again)
		return;
	m->entry = book_add_entry(m->book, m->list, key);
	m->entry->at = (struct book_place){m->t.line, table_offset(&m->t)};
}

static int read_kind(struct import *m, struct book_dest **ret)
{
	const char *kind = cell(m, "kind");
	int k = kind ? dest_kind_named(kind) : 0;

	*ret = NULL;
	if (k < 0)
		return wrong(m, "bad_kind", "no kind of destination has this name");
	if (k == DEST_GROUP)
		m->entry->group = true;
	else if (k > 0)
		*ret = book_add_dest(m->book, m->entry, (enum dest_kind)k);
	return 0;
}

static int read_field(struct import *m, struct book_dest *d, const char *name, const char *text)
{
	enum book_field id = field_named(name);
	const struct field_info *info = field_info(id);
	struct fields *f = d ? &d->f : NULL;
	const char *before;

	if (!info)
		return wrong(m, "column", "a column of a name that views have not");
	if (info->kinds == 1u << DEST_NONE)
		f = &m->entry->f;
	if (!f || (d && f == &d->f && !(info->kinds & 1u << d->kind)))
		return wrong(m, "kind", "a destination of this kind has no such field");
	before = fields_get(f, id);
	if (before && strcmp(before, text) != 0)
		return wrong(m, "rows_differ", "the rows of one entry say different things of it");
	book_set(m->book, f, id, text);
	return 0;
}

static void read_members(struct import *m, const char *text)
{
	struct buf key = BUF_INIT, value = BUF_INIT;

	while (*text) {
		const char *k;

		text = joined_pair(text, &key, &value);
		k = key.n ? buf_str(&key) : buf_str(&value);
		if (*k == '?')
			book_add_member(m->book, m->entry, NULL, k + 1);
		else
			book_add_member(m->book, m->entry, k + (*k == '\\'),
				key.n ? buf_str(&value) : k + (*k == '\\'));
	}
	buf_fini(&key);
	buf_fini(&value);
}

static void read_pairs(struct import *m, const char *text, bool tags)
{
	struct buf name = BUF_INIT, value = BUF_INIT;

	while (*text) {
		text = joined_pair(text, &name, &value);
		if (tags)
			book_add_tag(m->book, m->entry, buf_str(&name), buf_str(&value));
		else
			book_add_extra(m->book, m->entry, buf_str(&name), buf_str(&value));
	}
	buf_fini(&name);
	buf_fini(&value);
}

static int read_secret(struct import *m, struct book_dest *d, const char *text)
{
	static const struct {
		const char *text;
		enum secret_state state;
	} STATES[] = {
		{"set", SECRET_WITHHELD}, {"not set", SECRET_ABSENT}, {"unknown", SECRET_UNKNOWN}};

	for (size_t i = 0; d && i < array_len(STATES); i++) {
		if (strcmp(STATES[i].text, text) != 0)
			continue;
		book_set_secret(m->book, d, STATES[i].state, NULL, NULL);
		return 0;
	}
	return wrong(m, "secret", "only set, not set and unknown are said of passwords");
}

static int read_named(struct import *m, struct book_dest *d, const char *name, const char *text)
{
	static const char *const DONE[] = {
		VIEW_MARK, "family", "list", "list_name", "list_kind", "key", "kind"};

	for (size_t i = 0; i < array_len(DONE); i++)
		if (strcmp(DONE[i], name) == 0)
			return 0;
	if (strncmp(name, "x.", 2) == 0)
		book_add_extra(m->book, m->entry, name + 2, text);
	else if (strcmp(name, "members") == 0)
		read_members(m, text);
	else if (strcmp(name, "tags") == 0)
		read_pairs(m, text, true);
	else if (strcmp(name, "more") == 0)
		read_pairs(m, text, false);
	else if (strcmp(name, "secret") == 0)
		return read_secret(m, d, text);
	else
		return read_field(m, d, name, text);
	return 0;
}

static int read_row(struct import *m)
{
	const char *key, *mark;
	struct book_dest *d;

	if (m->t.n != m->n)
		return wrong(m, "cell_count", "not as many cells as the heading has");
	if (read_cells(m, m->cell) < 0)
		return -1;
	mark = cell(m, VIEW_MARK);
	if (!mark || strcmp(mark, "1") != 0)
		return wrong(m, "mark", "the first column does not say 1");
	if (find_list(m) < 0)
		return -1;
	key = cell(m, "key");
	if (!key)
		return 0; /* an empty list */
	find_entry(m, key);
	if (read_kind(m, &d) < 0)
		return -1;
	for (uint32_t i = 0; i < m->n; i++)
		if (m->cell[i] && read_named(m, d, m->heading[i], m->cell[i]) < 0)
			return -1;
	return 0;
}

/* The rows of an entry stand together: a key that comes again is another entry of that name. */
static int check_keys(struct import *m)
{
	struct map seen = MAP_INIT;
	int r = 0;

	for (uint32_t i = 0; i < m->book->n_lists && r == 0; i++) {
		const struct book_list *l = &m->book->list[i];

		for (uint32_t j = 0; j < l->n_entries && r == 0; j++) {
			struct book_entry *e = &l->entry[j];

			if (map_put(&seen, e->key, strlen(e->key), e))
				r = fault_why(m->fault, CN_PARSE_ERROR, "duplicate_number",
					"line %u: key %.60s stands twice in list %.40s", e->at.line,
					e->key, l->slot);
		}
		map_fini(&seen);
		seen = MAP_INIT;
	}
	map_fini(&seen);
	return r;
}

/* ---- files ---- */

static int read_heading(struct import *m)
{
	if (table_next(&m->t) != 1)
		return wrong(m, "no_heading", "the line of column names is missing");
	m->n = m->t.n;
	if (read_cells(m, m->heading) < 0)
		return -1;
	if (!m->heading[0] || strcmp(m->heading[0], VIEW_MARK) != 0)
		return wrong(m, "no_view", "the first column is not " VIEW_MARK);
	for (uint32_t i = 0; i < m->n; i++) {
		if (!m->heading[i])
			return wrong(m, "column", "a column without a name");
		for (uint32_t j = 0; j < i; j++)
			if (strcmp(m->heading[i], m->heading[j]) == 0)
				return wrong(m, "duplicate_column", "two columns of one name");
	}
	return 0;
}

static int read_rows(struct import *m)
{
	int rc = table_next(&m->t);

	while (rc > 0 && !m->book->too_big) {
		if (!table_row_empty(&m->t) && read_row(m) < 0)
			return -1;
		rc = table_next(&m->t);
	}
	if (rc < 0)
		return wrong_at(
			m, m->t.wrong.offset, m->t.wrong.code, m->t.wrong.reason, m->t.wrong.text);
	return m->book->too_big ? fault_set(m->fault, CN_RESPONSE_TOO_BIG, "too large a view") : 0;
}

/* Spreadsheets write what their country likes: the delimiter is what follows the mark. */
static char delimiter_of(struct span file)
{
	static const char MARKED[] = "\"" VIEW_MARK "\"";
	size_t bom = file.n >= 3 && memcmp(file.p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	size_t n = sizeof(MARKED) - 1, bare = n - 2;

	file = (struct span){file.p + bom, file.n - bom};
	if (file.n > n && memcmp(file.p, MARKED, n) == 0 && file.p[n] && strchr(",;\t", file.p[n]))
		return (char)file.p[n];
	if (file.n > bare && memcmp(file.p, VIEW_MARK, bare) == 0 && file.p[bare] &&
		strchr(",;\t", file.p[bare]))
		return (char)file.p[bare];
	return 0;
}

bool view_is(struct span file)
{
	return file.n && delimiter_of(file) != 0;
}

/* The family stands in each row; the first one is taken. */
static const char *family_of(struct import *m)
{
	const char *family = NULL;

	if (read_heading(m) < 0)
		return NULL;
	if (table_next(&m->t) == 1 && m->t.n == m->n && read_cells(m, m->cell) == 0)
		family = cell(m, "family");
	return family ? family : "generic";
}

static int import(struct import *m, struct span file)
{
	const char *family;

	if (file.n > BOOK_FILE_MAX)
		return fault_set(m->fault, CN_RESPONSE_TOO_BIG, "the file is larger than 64 MiB");
	if (table_init(&m->t, file, CHARSET_UTF8, delimiter_of(file)) < 0)
		return wrong_at(
			m, m->t.wrong.offset, m->t.wrong.code, m->t.wrong.reason, m->t.wrong.text);
	m->t.field_max = CELL_MAX;
	m->t.line_max = BOOK_FILE_MAX;
	family = family_of(m);
	if (!family)
		return -1;
	m->book->family = family;
	table_rewind(&m->t);
	if (read_heading(m) < 0)
		return -1;
	return read_rows(m) < 0 ? -1 : check_keys(m);
}

int view_import(struct span file, struct book **ret_book, struct fault *reterr)
{
	struct import m = {.book = book_new("generic"), .fault = reterr};
	int r;

	if (!view_is(file))
		r = fault_why(reterr, CN_PARSE_ERROR, "no_view",
			"the file does not begin like a view: no column " VIEW_MARK);
	else
		r = import(&m, file);
	table_fini(&m.t);
	if (r < 0)
		book_free(m.book);
	else
		*ret_book = m.book;
	return r;
}
