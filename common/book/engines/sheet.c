// SPDX-License-Identifier: Apache-2.0
/* Tables read into books: heading, rows, cells; the format says what they mean. */
#include "common/book/engines/sheet.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/book/engines/words.h"
#include "common/book/formats/view.h"
#include "gen/errors.h"

/* ---- faults ---- */

static struct book_fault place(const struct sheet *s, int cell, int code, const char *reason)
{
	struct book_fault f = {.code = code, .reason = reason};
	size_t at = s->t.begin;

	if (cell >= 0 && (uint32_t)cell < s->t.n)
		at = (size_t)(s->t.cell[cell].raw.p - s->t.file.p);
	table_place(&s->t, at, &f);
	if (cell < 0)
		f.column = f.byte = 0;
	if (cell >= 0 && (uint32_t)cell < s->n_cols)
		f.where = s->col[cell].name;
	return f;
}

void sheet_wrong(struct sheet *s, int cell, int code, const char *reason, const char *fmt, ...)
{
	struct book_fault f = place(s, cell, code, reason);
	char text[160];
	va_list ap;

	if (s->stop)
		return; /* the first one is the fault */
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (decode_wrong(s->d, &f, "%s", text) < 0)
		s->stop = true;
}

void sheet_odd(struct sheet *s, int cell, const char *reason, const char *text)
{
	struct book_fault f = place(s, cell, CN_PARSE_ERROR, reason);

	decode_odd(s->d, &f, "%s", text);
}

/* What the table found wrong, at its offset. */
static void table_wrong(struct sheet *s)
{
	struct book_fault f = {.code = s->t.wrong.code, .reason = s->t.wrong.reason};
	size_t at = s->t.wrong.offset;

	if (s->stop)
		return;
	table_place(&s->t, at, &f);
	for (uint32_t i = 0; i < s->t.n && i < s->n_cols; i++)
		if (s->t.cell[i].raw.p <= s->t.file.p + at)
			f.where = s->col[i].name;
	if (decode_wrong(s->d, &f, "%s", s->t.wrong.text) < 0)
		s->stop = true;
}

/* ---- texts ---- */

const char *plain_number(const char *text)
{
	const char *digits;
	uint64_t n = 0;

	while (text[0] == '0' && text[1])
		text++;
	digits = text;
	do {
		if (*text < '0' || *text > '9')
			return NULL;
		n = n * 10 + (uint64_t)(*text - '0');
		if (n > UINT32_MAX)
			return NULL;
	} while (*++text);
	return digits;
}

const char *sheet_text(struct sheet *s, int cell)
{
	const char *text;

	if (cell < 0 || (uint32_t)cell >= s->t.n)
		return "";
	text = table_text(&s->t, (uint32_t)cell);
	if (!text) {
		table_wrong(s);
		return NULL;
	}
	return text && s->format->blank && s->format->blank(text) ? "" : text;
}

/* ---- heading ---- */

static void trim(const char **p, size_t *n)
{
	while (*n && (**p == ' ' || **p == '\t')) {
		++*p;
		--*n;
	}
	while (*n && ((*p)[*n - 1] == ' ' || (*p)[*n - 1] == '\t'))
		--*n;
}

int sheet_column(const struct sheet *s, const char *name)
{
	for (uint32_t i = 0; name && i < s->n_cols; i++)
		if (s->col[i].def && ascii_same(s->col[i].def->name, name))
			return (int)i;
	return -1;
}

static void find_defs(const struct format *f, struct sheet_column *c, const char *name)
{
	for (size_t i = 0; i < f->n_columns; i++) {
		if (!ascii_same(f->column[i].name, name))
			continue;
		if (!c->def)
			c->def = &f->column[i];
		c->n_defs++;
	}
}

/* Names of ours are equal without case, others are not ours to compare. */
static bool seen_before(const struct sheet *s, const struct sheet_column *c)
{
	if (c->def)
		return sheet_column(s, c->def->name) >= 0;
	for (uint32_t i = 0; i < s->n_cols; i++)
		if (strcmp(s->col[i].extra, c->extra) == 0 && !(s->col[i].def && s->format->prefix))
			return true;
	return false;
}

static void name_column(struct sheet *s, struct sheet_column *c, uint32_t cell)
{
	const struct format *f = s->format;
	size_t prefix = f->prefix ? strlen(f->prefix) : 0;

	find_defs(f, c, f->rename ? f->rename(s, c->name) : c->name);
	c->extra = c->def ? c->def->name : c->name;
	if (!c->def && prefix && strncmp(c->name, f->prefix, prefix) == 0 && c->name[prefix])
		c->extra = c->name + prefix;
	if (!seen_before(s, c))
		return;
	sheet_wrong(s, (int)cell, CN_PARSE_ERROR, "duplicate_column",
		"a second column of the name %.40s", c->name);
	*c = (struct sheet_column){.name = c->name, .extra = c->name};
}

static void add_column(struct sheet *s, uint32_t cell)
{
	struct sheet_column *c = &s->col[cell];
	const char *name = sheet_text(s, (int)cell);
	size_t n;

	if (!name)
		name = "";
	n = strlen(name);
	if (s->format->brackets && n > 1 && name[0] == '[' && name[n - 1] == ']') {
		name++;
		n -= 2;
	}
	trim(&name, &n);
	*c = (struct sheet_column){.name = book_strn(s->d->book, name, n)};
	if (n == 0)
		c->name = book_fmt(s->d->book, "column %u", cell + 1);
	name_column(s, c, cell);
	s->defines |= c->def && c->def->flags & COLUMN_DEFINES;
	s->n_cols = cell + 1;
}

/* An empty last cell is the trailing delimiter of the heading, no column. */
static int read_heading(struct sheet *s)
{
	const struct format *f = s->format;
	uint32_t n = s->t.n;

	if (n > 1 && s->t.cell[n - 1].raw.n == 0)
		n--;
	if (strcmp(sheet_text(s, 0) ? table_text(&s->t, 0) : "", VIEW_MARK) == 0) {
		sheet_wrong(s, 0, CN_PARSE_ERROR, "view_file",
			"this is a view for spreadsheets, not a file for a machine");
		return -1;
	}
	for (uint32_t i = 0; i < n; i++)
		add_column(s, i);
	s->t.brackets = f->brackets;
	s->number_col = sheet_column(s, f->number);
	s->key_col = sheet_column(s, f->key);
	for (size_t i = 0; i < SHEET_LOOK; i++)
		s->look[i] = sheet_column(s, f->look[i]);
	for (size_t i = 0; i < f->n_columns; i++) {
		if (!(f->column[i].flags & COLUMN_REQUIRED) ||
			sheet_column(s, f->column[i].name) >= 0)
			continue;
		sheet_wrong(s, -1, CN_PARSE_ERROR, "missing_column", "the column %s is missing",
			f->column[i].name);
		return -1;
	}
	return 0;
}

/* ---- entries ---- */

struct book_list *sheet_list(
	struct sheet *s, const char *slot, enum list_kind kind, const char *name)
{
	struct book_list *l = book_find_list(s->d->book, slot);

	if (!l && s->d->book->n_lists >= SHEET_LISTS_MAX)
		s->d->book->too_big = true;
	return l ? l : book_add_list(s->d->book, slot, kind, name);
}

/* Was the number of this list not seen before? Lists are few: they are told by their place. */
static bool first_of(struct sheet *s, uint32_t list, uint32_t number)
{
	uint64_t key = ((uint64_t)list + 1) << 32 | number;
	size_t mask, i;

	if (s->n_seen * 2 >= s->cap_seen) {
		uint64_t *old = s->seen;
		size_t n = s->cap_seen;

		s->cap_seen = n ? n * 2 : 256;
		s->seen = mem_alloc(s->cap_seen * sizeof(key));
		s->n_seen = 0;
		for (size_t j = 0; j < n; j++)
			if (old[j])
				(void)first_of(s, (uint32_t)(old[j] >> 32) - 1, (uint32_t)old[j]);
		free(old);
	}
	mask = s->cap_seen - 1;
	i = (key * 0x9e3779b97f4a7c15u) >> 20 & mask;
	while (s->seen[i] && s->seen[i] != key)
		i = (i + 1) & mask;
	if (s->seen[i])
		return false;
	s->seen[i] = key;
	s->n_seen++;
	return true;
}

/* A column that the row at hand switches off. */
static bool is_off(const struct sheet *s, int cell)
{
	const struct column *def = cell >= 0 ? s->col[cell].def : NULL;

	return def && s->off >> def->block & 1;
}

static bool check_number(struct sheet *s, const struct book_list *l, const char *number)
{
	uint32_t list = (uint32_t)(l - s->d->book->list);

	if (s->format->row_per_dest || first_of(s, list, (uint32_t)strtoul(number, NULL, 10)))
		return true;
	sheet_wrong(s, s->number_col, CN_PARSE_ERROR, "duplicate_number",
		"number %s stands twice in list %.40s", number, l->slot);
	return false;
}

int sheet_add(struct sheet *s, struct record *r, struct book_list *l)
{
	const char *number = is_off(s, s->number_col) ? "" : sheet_text(s, s->number_col);
	const char *uuid = sheet_text(s, s->key_col);
	const char *plain = number && *number ? plain_number(number) : "";
	char key[24];

	if (!number || !uuid || s->d->book->too_big)
		return -1;
	if (!plain) {
		sheet_wrong(s, s->number_col, CN_PARSE_ERROR, "bad_number", "this is no number");
		return -1;
	}
	if (*plain && !check_number(s, l, plain))
		return -1;
	if (!*plain) /* its place in the list is its key */
		snprintf(key, sizeof(key), "#%u", l->n_entries + 1);
	r->list = l;
	r->entry = book_add_entry(s->d->book, l, *uuid ? uuid : *plain ? plain : key);
	r->entry->at = (struct book_place){s->t.line, table_offset(&s->t)};
	return 0;
}

/* ---- cells ---- */

/* The destination whose field a column is; NULL = this entry has none such. */
static struct book_dest *dest_of(const struct record *r, const struct column *c)
{
	for (uint32_t i = r->first; i < r->entry->n_dests; i++) {
		struct book_dest *d = &r->entry->dest[i];
		const char *protocol;

		if (d->kind != c->kind)
			continue;
		if (!c->protocol)
			return d;
		protocol = fields_get(&d->f, F_PROTOCOL);
		if (protocol && strcmp(protocol, c->protocol) == 0)
			return d;
	}
	return NULL;
}

/* Rows of one entry say the same of it, or nothing. */
static bool contradicts(
	struct sheet *s, const struct record *r, const char *before, const char *text)
{
	if (!r->again || !before || strcmp(before, text) == 0)
		return false;
	sheet_wrong(s, -1, CN_PARSE_ERROR, "rows_differ",
		"the rows of one entry say different things of it");
	return true;
}

static void add_extra(struct sheet *s, const struct record *r, const char *name, const char *text)
{
	const struct book_extra *x = r->again ? entry_extra(r->entry, name) : NULL;

	if (!contradicts(s, r, x ? x->value : NULL, text) && !x)
		book_add_extra_of(s->d->book, r->entry, name, text);
}

static bool set_secret(struct sheet *s, struct book_dest *d, const char *text)
{
	book_set_secret(
		s->d->book, d, s->scheme ? SECRET_ENCRYPTED : SECRET_CLEAR, text, s->scheme);
	return true;
}

/* The text of the cell at hand need not be measured again. */
static void set_text(struct sheet *s, struct fields *f, enum book_field field, const char *text)
{
	const struct table_cell *cell = &s->t.cell[s->cell];

	if (text == cell->text)
		book_set_own(s->d->book, f, field, book_strn(s->d->book, text, cell->n));
	else
		book_set(s->d->book, f, field, text);
}

static bool set_field(
	struct sheet *s, const struct record *r, const struct column *c, const char *text)
{
	struct book_dest *d = c->kind == DEST_NONE ? NULL : dest_of(r, c);
	const struct field_info *info = field_info(c->field);

	if (c->kind != DEST_NONE && !d)
		return c->idle && ascii_same(text, c->idle);
	if (c->none && ascii_same(text, c->none))
		return true;
	if (c->flags & COLUMN_SECRET)
		return d && set_secret(s, d, text);
	if (c->tag)
		book_add_tag(s->d->book, r->entry, c->tag, text);
	if (!info)
		return c->tag;
	if (info->type == FIELD_BOOL)
		text = bool_read(text);
	if (!text)
		return false;
	if (!d && contradicts(s, r, fields_get(&r->entry->f, c->field), text))
		return true;
	set_text(s, d ? &d->f : &r->entry->f, c->field, text);
	return true;
}

/* As rows have it that do not use the column. */
static bool says_nothing(const struct column *c, const char *text)
{
	return (c->idle && ascii_same(text, c->idle)) || (c->none && ascii_same(text, c->none));
}

static void read_cell(struct sheet *s, const struct record *r, uint32_t cell)
{
	const struct sheet_column *c = &s->col[cell];
	const char *text = sheet_text(s, (int)cell);
	bool secret = false;

	if (!text || !*text)
		return;
	s->cell = cell;
	for (uint32_t i = 0; i < c->n_defs; i++) {
		const struct column *def = &c->def[i];
		if (def->flags & COLUMN_OWN)
			return;
		secret |= def->flags & COLUMN_SECRET;
		if (s->off >> def->block & 1) {
			if (says_nothing(def, text))
				return;
			continue;
		}
		if (def->get ? def->get(s, r, def, text) : set_field(s, r, def, text))
			return;
	}
	/* a password never becomes plain text of the book */
	if (secret)
		sheet_odd(s, (int)cell, "lone_password",
			"a password of no known destination stays in the file only");
	else if (c->def && s->format->prefix)
		sheet_wrong(s, (int)cell, CN_PARSE_ERROR, "bad_value",
			"this is not what the column holds, or not for this kind of destination");
	else
		add_extra(s, r, c->extra, text);
}

/* Destinations exist where a column that defines them has a value. */
static void define_dests(struct sheet *s, const struct record *r)
{
	for (uint32_t i = 0; s->defines && !r->entry->group && i < s->n_cols; i++) {
		const struct column *c = s->col[i].def;
		const char *text;

		if (!c || !(c->flags & COLUMN_DEFINES) || s->t.cell[i].raw.n == 0 ||
			s->off >> c->block & 1 || dest_of(r, c))
			continue;
		text = sheet_text(s, (int)i);
		if (!text || !*text || (c->none && ascii_same(text, c->none)))
			continue;
		struct book_dest *d = book_add_dest(s->d->book, r->entry, c->kind);
		if (c->protocol)
			book_set(s->d->book, &d->f, F_PROTOCOL, c->protocol);
	}
}

/* ---- rows ---- */

static void note_ref(struct sheet *s, const struct record *r)
{
	struct row_ref ref = {NO_ENTRY, NO_ENTRY, 0, 0};

	if (r && r->entry && !s->d->book->too_big) {
		ref.list = (uint32_t)(r->list - s->d->book->list);
		ref.entry = (uint32_t)(r->entry - r->list->entry);
		ref.first = r->first;
		ref.n_dests = r->entry->n_dests - r->first;
	}
	if (s->n_refs == s->cap_refs) {
		s->cap_refs = s->cap_refs ? s->cap_refs * 2 : 64;
		s->ref = mem_realloc(s->ref, s->cap_refs * sizeof(ref));
	}
	s->ref[s->n_refs++] = ref;
}

/* A row may have the trailing delimiter that its heading has not, or the other way round. */
static bool check_cells(struct sheet *s)
{
	uint32_t n = s->t.n;

	if (n == s->n_cols + 1 && s->t.cell[n - 1].raw.n == 0)
		n--;
	if (n == s->n_cols)
		return true;
	sheet_wrong(s, -1, CN_PARSE_ERROR, "cell_count",
		"%u cells where the heading has %u columns", n, s->n_cols);
	return false;
}

static void read_row(struct sheet *s)
{
	struct record r = {.entry = NULL};

	if (table_row_empty(&s->t) || (s->format->skip && s->format->skip(s)) || !check_cells(s) ||
		s->format->row(s, &r) == 0) {
		note_ref(s, NULL);
		return;
	}
	define_dests(s, &r);
	note_ref(s, &r);
	for (uint32_t i = 0; i < s->n_cols; i++)
		if (s->t.cell[i].raw.n)
			read_cell(s, &r, i);
}

static int read_rows(struct sheet *s)
{
	while (!s->stop && !s->d->book->too_big) {
		int rc = table_next(&s->t);

		if (rc == 0)
			return 0;
		if (s->n_refs >= SHEET_ROWS_MAX)
			s->d->book->too_big = true;
		if (rc < 0) {
			table_wrong(s);
			table_skip(&s->t);
			note_ref(s, NULL);
		} else {
			read_row(s);
		}
	}
	return s->stop ? -1 : 0;
}

/* Lines up to the heading, then the heading. */
static int read_head(struct sheet *s)
{
	int rc = 1;

	while (s->format->preamble && !s->stop) {
		rc = table_next_line(&s->t);
		if (rc < 0)
			table_wrong(s);
		if (rc <= 0 || s->n_refs > SHEET_ROWS_MAX ||
			s->format->preamble(s, table_line(&s->t)))
			break;
		note_ref(s, NULL);
	}
	if (s->stop || rc < 0)
		return -1;
	if (s->format->preamble && rc > 0)
		table_again(&s->t);
	s->heading = s->n_refs;
	rc = table_next(&s->t);
	note_ref(s, NULL);
	if (rc > 0)
		return read_heading(s);
	if (rc < 0)
		table_wrong(s);
	else
		sheet_wrong(
			s, -1, CN_PARSE_ERROR, "no_heading", "the line of column names is missing");
	return -1;
}

/* ---- files ---- */

/* The one that the first line has most of. */
static char sniff(struct span file)
{
	static const char DELIMITERS[] = {',', ';', '\t'};
	size_t best = 0, count[3] = {0};

	for (size_t i = 0; i < file.n && file.p[i] != '\n'; i++)
		for (size_t j = 0; j < 3; j++)
			count[j] += file.p[i] == (uint8_t)DELIMITERS[j];
	for (size_t j = 1; j < 3; j++)
		if (count[j] > count[best])
			best = j;
	return DELIMITERS[best];
}

int sheet_read(struct sheet *s, struct decoder *d, const struct format *f, void *state)
{
	int charset = CHARSET_UTF8;

	*s = (struct sheet){.format = f, .d = d, .state = state, .number_col = -1, .key_col = -1};
	if (f->charset)
		charset = f->charset(s);
	if (charset < 0)
		return -1;
	if (table_init(&s->t, d->file, (enum charset)charset, f->delimiter) < 0) {
		table_wrong(s);
		return -1;
	}
	if (!s->t.delimiter)
		s->t.delimiter = sniff(s->t.file);
	d->book->charset = charset_name(s->t.outside);
	if (s->t.wide.cap && d->book->arena.cap > s->t.wide.n)
		d->book->arena.cap -= s->t.wide.n / 2; /* the converted file is memory, too */
	if (read_head(s) < 0 || read_rows(s) < 0)
		return -1;
	if (f->done)
		f->done(s);
	return s->stop ? -1 : 0;
}

void sheet_fini(struct sheet *s)
{
	table_fini(&s->t);
	free(s->ref);
	free(s->seen);
}

int sheet_decode(struct decoder *d, const struct format *f, void *state)
{
	struct sheet s;
	int r = sheet_read(&s, d, f, state);

	sheet_fini(&s);
	return r;
}

bool sheet_holds(const struct format *f, enum dest_kind kind, enum book_field field)
{
	for (size_t i = 0; i < f->n_columns; i++) {
		const struct column *c = &f->column[i];

		if (c->kind == kind && (field == 0 || c->field == field))
			return true;
	}
	return false;
}
