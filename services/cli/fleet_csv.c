// SPDX-License-Identifier: Apache-2.0
/* Devices as a table, for spreadsheets: a column for each member, maps as key=value;key=value with
 * \ before what would separate. Cells that a spreadsheet would take for a formula are guarded
 * (SE-26); the reader undoes exactly that. Reading makes the document that a YAML file would be. */
#include <stdlib.h>
#include <string.h>

#include "common/book/engines/table.h"
#include "common/book/formats/view.h"
#include "services/cli/fleet.h"

static const struct fleet_noun *const devices = &fleet_nouns[F_DEVICE];

/* ---- writing ---- */

static void put_part(struct buf *out, const char *s)
{
	for (; *s != '\0'; s++) {
		if (strchr("\\;=", *s) != NULL)
			buf_addc(out, '\\');
		buf_addc(out, *s);
	}
}

static void put_value(struct buf *out, const json_t *v)
{
	if (json_is_integer(v))
		buf_addf(out, "%lld", (long long)json_integer_value(v));
	else if (json_is_boolean(v))
		buf_adds(out, json_is_true(v) ? "true" : "false");
	else if (json_is_string(v))
		buf_adds(out, json_string_value(v));
}

static void put_map(struct buf *out, const json_t *map)
{
	struct buf text = BUF_INIT;
	const char *name;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)map, name, v)
	{
		if (out->n > 0)
			buf_addc(out, ';');
		put_part(out, name);
		buf_addc(out, '=');
		buf_reset(&text);
		put_value(&text, v);
		put_part(out, buf_str(&text));
	}
	buf_fini(&text);
}

static void put_cell(struct buf *out, const char *text)
{
	struct buf guarded = BUF_INIT;

	view_guard((struct span){(const uint8_t *)text, strlen(text)}, &guarded);
	bug_if(table_put(out, CHARSET_UTF8, ',', buf_str(&guarded), true) != 0);
	buf_fini(&guarded);
}

static void put_row(struct buf *out, const json_t *device)
{
	struct buf text = BUF_INIT;

	for (size_t i = 0; i < devices->n_members; i++) {
		const json_t *v = json_object_get(device, devices->members[i].name);
		buf_reset(&text);
		if (json_is_object(v))
			put_map(&text, v);
		else
			put_value(&text, v);
		if (i > 0)
			buf_addc(out, ',');
		put_cell(out, buf_str(&text));
	}
	buf_adds(out, "\r\n");
	buf_fini(&text);
}

void fleet_write_csv(struct buf *out, const struct fleet *f)
{
	buf_adds(out, "\xef\xbb\xbf");
	for (size_t i = 0; i < devices->n_members; i++) {
		if (i > 0)
			buf_addc(out, ',');
		put_cell(out, devices->members[i].name);
	}
	buf_adds(out, "\r\n");
	for (size_t i = 0; i < f->list[F_DEVICE].n; i++)
		if (!f->list[F_DEVICE].items[i].gone)
			put_row(out, f->list[F_DEVICE].items[i].body);
}

/* ---- reading ---- */

struct sheet {
	struct fleet_source *source;
	struct arena *arena;
	struct table table;
	const struct fleet_member *columns[BOOK_COLUMNS_MAX];
	uint32_t n_columns;
};

static struct doc place_of(struct sheet *s, uint32_t cell)
{
	struct book_fault f = {.line = s->table.line};

	table_place(&s->table, (size_t)(s->table.cell[cell].raw.p - s->table.file.p), &f);
	return (struct doc){.line = f.line, .column = f.column};
}

static struct doc *node(struct sheet *s, enum doc_kind kind, const struct doc *at)
{
	struct doc *d = arena_alloc(s->arena, sizeof(*d));

	bug_if(d == NULL);
	*d = (struct doc){.kind = kind, .line = at->line, .column = at->column};
	return d;
}

static void append(struct doc *to, struct doc *d, const char *key)
{
	struct doc **end = &to->first;

	while (*end != NULL)
		end = &(*end)->next;
	*end = d;
	to->n++;
	d->key = key;
	d->key_line = d->line;
	d->key_column = d->column;
}

/* The text until an end that no \ stands before; NULL at the end of all. */
static char *part(struct arena *arena, const char **at, char end)
{
	struct buf out = BUF_INIT;
	const char *p = *at;

	for (; *p != '\0' && *p != end; p++) {
		if (*p == '\\' && p[1] != '\0')
			p++;
		buf_addc(&out, *p);
	}
	*at = p + (*p == end);
	char *text = arena_strdup(arena, buf_str(&out));
	bug_if(text == NULL);
	buf_fini(&out);
	return text;
}

static struct doc *map_of(struct sheet *s, const char *text, const struct doc *at)
{
	struct doc *map = node(s, DOC_MAP, at);

	while (*text != '\0') {
		const char *key = part(s->arena, &text, '=');
		struct doc *v = node(s, DOC_SCALAR, at);
		v->text = part(s->arena, &text, ';');
		append(map, v, key);
	}
	return map;
}

/* A cell that says nothing leaves its member alone. */
static void take_cell(struct sheet *s, uint32_t cell, struct doc *row)
{
	const struct fleet_member *m = s->columns[cell];
	struct doc at = place_of(s, cell);
	const char *text = table_text(&s->table, cell);
	struct buf plain = BUF_INIT;

	if (text == NULL ||
		view_unguard((struct span){(const uint8_t *)text, strlen(text)}, &plain) != 0) {
		fleet_wrong(s->source, &at, m->name, "doc_charset", "%s", "");
	} else if (plain.n > 0) {
		struct doc *d;
		if (m->shape == SHAPE_PAIRS) {
			d = map_of(s, buf_str(&plain), &at);
		} else {
			d = node(s, DOC_SCALAR, &at);
			d->text = arena_strdup(s->arena, buf_str(&plain));
			bug_if(d->text == NULL);
		}
		append(row, d, m->name);
	}
	buf_fini(&plain);
}

static void take_heading(struct sheet *s)
{
	for (uint32_t i = 0; i < s->table.n; i++) {
		const char *name = table_text(&s->table, i);
		struct doc at = place_of(s, i);
		s->columns[i] = name == NULL ? NULL : fleet_member(devices, name);
		if (s->columns[i] == NULL)
			fleet_wrong(s->source, &at, name == NULL ? "" : name, "unknown_member",
				"%s", "");
		for (uint32_t k = 0; s->columns[i] != NULL && k < i; k++)
			if (s->columns[k] == s->columns[i])
				fleet_wrong(s->source, &at, name, "doc_twice", "%s", "");
	}
	s->n_columns = s->table.n;
}

static void take_row(struct sheet *s, struct doc *list, struct doc **last)
{
	struct doc at = place_of(s, 0);
	struct doc *row = node(s, DOC_MAP, &at);

	if (s->table.n > s->n_columns)
		fleet_wrong(s->source, &at, "", "too_many", "%u", s->n_columns);
	for (uint32_t i = 0; i < s->table.n && i < s->n_columns; i++)
		if (s->columns[i] != NULL)
			take_cell(s, i, row);
	if (*last == NULL)
		list->first = row;
	else
		(*last)->next = row;
	*last = row;
	list->n++;
}

static void take_rows(struct sheet *s, struct doc *list)
{
	struct doc *last = NULL;
	int rc;

	while ((rc = table_next(&s->table)) > 0) {
		if (table_row_empty(&s->table))
			continue;
		if (s->n_columns == 0)
			take_heading(s);
		else
			take_row(s, list, &last);
	}
	if (rc < 0) {
		struct book_fault f = {.line = s->table.line};
		table_place(&s->table, s->table.wrong.offset, &f);
		struct doc at = {.line = f.line, .column = f.column};
		fleet_wrong(s->source, &at, "", "doc_malformed", "%s", s->table.wrong.text);
	}
}

int fleet_read_csv(
	struct fleet_source *s, struct span text, struct arena *arena, const struct doc **ret)
{
	struct sheet sheet = {.source = s, .arena = arena};
	const struct doc begin = {.line = 1, .column = 1};
	struct doc *root = node(&sheet, DOC_MAP, &begin), *list = node(&sheet, DOC_LIST, &begin);

	append(root, list, devices->section);
	if (table_init(&sheet.table, text, CHARSET_UTF8, ',') != 0)
		fleet_wrong(s, &begin, "", "doc_charset", "%s", sheet.table.wrong.text);
	else
		take_rows(&sheet, list);
	table_fini(&sheet.table);
	*ret = root;
	return s->faults == 0 ? 0 : EXIT_ERROR;
}
