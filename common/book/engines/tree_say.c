// SPDX-License-Identifier: Apache-2.0
/* What an entry says at each place of its record. */
#include <string.h>

#include "common/book/engines/tree.h"
#include "common/book/engines/words.h"
#include "gen/errors.h"

/* ---- one text ---- */

static const char *key_text(const struct map *keys, const struct book_entry *e)
{
	const char *number = fields_get(&e->f, F_NUMBER);
	const char *rest = e->key + strlen(TREE_GROUP_KEY);

	if (number)
		return number;
	if (e->group && strncmp(e->key, TREE_GROUP_KEY, strlen(TREE_GROUP_KEY)) == 0 &&
		map_get(keys, rest, strlen(rest)))
		return rest;
	return e->key;
}

static const char *field_text(const struct fields *f, enum book_field id)
{
	const char *value = fields_get(f, id);

	return value ? value : "";
}

/* Passwords that never come do not go either. */
static const char *secret_text(const struct tree_format *f, const struct book_secret *s)
{
	if (s->state == SECRET_CLEAR && f->empty != SECRET_WITHHELD)
		return s->text;
	return s->state == SECRET_ABSENT ? "" : NULL;
}

void tree_secret_lost(struct tree_writer *w, const struct book_entry *e, const struct book_dest *d)
{
	const struct book *b = w->e->book;
	struct ledger_line line = {.action = LEDGER_SECRET_NEEDED,
		.key = e->key,
		.name = entry_name(e),
		.field = "secret",
		.reason =
			d->secret.state == SECRET_CLEAR
				? "the password is not written; it must be typed again"
				: "this cipher text means nothing in the file: type the password"};

	if (!d->secret.text || !d->secret.text[0])
		return;
	for (uint32_t i = 0; i < b->n_lists; i++)
		if (e >= b->list[i].entry && e < b->list[i].entry + b->list[i].n_entries)
			line.list = b->list[i].slot;
	ledger_add(w->e->ledger, &line);
}

static const struct book_dest *dest_of(
	const struct tree_record *r, const struct tree_row *row, const struct book_entry *e)
{
	return row->block ? tree_dest(&r->block[row->block], e) : NULL;
}

const char *tree_say(const struct tree_format *f, const struct tree_record *r,
	const struct tree_row *row, const struct book_entry *e, const struct map *keys,
	struct buf *scratch)
{
	const struct book_dest *d = dest_of(r, row, e);

	if (row->role == TREE_SWITCH)
		return bool_read(d ? "yes" : "no");
	if (row->role == TREE_MODE)
		return d ? row->fresh : NULL;
	if (row->role == TREE_PLAIN)
		return NULL;
	if (row->role == TREE_KEY)
		return row->field ? key_text(keys, e) : e->key;
	if (row->block && !d)
		return "";
	if (row->role == TREE_SECRET)
		return d ? secret_text(f, &d->secret) : NULL;
	if (row->role == TREE_OWN) {
		buf_reset(scratch);
		f->say_own(e, row->path, scratch);
		return buf_str(scratch);
	}
	return field_text(d ? &d->f : &e->f, row->field);
}

const char *tree_words(const struct tree_row *row, const char *found, const char *value)
{
	bool words = row->role == TREE_BOOL || row->role == TREE_SWITCH;
	const char *yes_no = words ? bool_read(value) : NULL;

	if (!yes_no)
		return value;
	return bool_like(found, row->fresh ? row->fresh : "true", yes_no == bool_read("yes"));
}

/* ---- several ---- */

bool tree_repeats(const struct tree_row *row)
{
	return row->role == TREE_LIST || row->role == TREE_MEMBER;
}

static const char *member_text(const struct map *keys, const struct book_member *m)
{
	const struct book_entry *e = m->key ? map_get(keys, m->key, strlen(m->key)) : NULL;

	if (e)
		return key_text(keys, e);
	return m->text[0] || !m->key ? m->text : m->key;
}

static void add_text(struct buf *out, const char *text, size_t n)
{
	buf_add(out, text, n);
	buf_addc(out, 0);
}

void tree_say_all(const struct tree_record *r, const struct tree_row *row,
	const struct book_entry *e, const struct map *keys, struct buf *out)
{
	const struct book_dest *d = dest_of(r, row, e);
	const char *words = d ? field_text(&d->f, row->field) : "";

	buf_reset(out);
	for (uint32_t i = 0; row->role == TREE_MEMBER && i < e->n_members; i++) {
		const char *text = member_text(keys, &e->member[i]);

		add_text(out, text, strlen(text));
	}
	while (row->role == TREE_LIST && *(words += strspn(words, " "))) {
		size_t n = strcspn(words, " ");

		add_text(out, words, n);
		words += n;
	}
}

/* ---- a whole entry ---- */

static bool is_place(const struct tree_record *r, const char *path)
{
	size_t n = strlen(path);

	for (unsigned i = 0; i < r->n_rows; i++)
		if (strncmp(r->row[i].path, path, n) == 0 &&
			(r->row[i].path[n] == 0 || r->row[i].path[n] == '/'))
			return true;
	return false;
}

/* The row at whose place an extra of that path may stand first; NULL = none. */
static const struct tree_row *row_of_extra(
	const struct tree_record *r, const char *path, const struct book_entry *e)
{
	for (unsigned i = 0; i < r->n_rows; i++) {
		const struct tree_row *row = &r->row[i];

		if (strcmp(row->path, path) != 0)
			continue;
		if (row->role == TREE_PLAIN && (!row->block || dest_of(r, row, e)))
			return row;
		if (row->role == TREE_MODE && e->n_dests == 0)
			return row;
	}
	return NULL;
}

/* Of nested elements an extra is a whole element, in this format's own XML. */
static int grow_extra(
	struct tree_writer *w, const struct book_entry *e, const char *name, const char *value)
{
	bool nested = !w->format->properties;

	if (nested && value[0] != '<')
		return fault_why(w->e->fault, CN_UNSUPPORTED_OPERATION, "foreign_extra",
			"%.60s: this format has no place for %.60s", entry_name(e), name);
	w->foreign |= nested;
	tree_grow_add(&w->grow, name, value, nested);
	return 0;
}

int tree_grow_extra(
	struct tree_writer *w, const struct book_entry *e, const char *name, const char *value)
{
	size_t n = strlen(name), m = strlen(TREE_OTHER);
	char path[TREE_PATH_MAX + sizeof(TREE_OTHER)];

	if (n < m || n >= sizeof(path) || strcmp(name + n - m, TREE_OTHER) != 0)
		return grow_extra(w, e, name, value);
	memcpy(path, name, n - m);
	path[n - m] = 0;
	if (!is_place(w->grow.record, path))
		return grow_extra(w, e, name, value);
	/* alone it would be read as what belongs there */
	if (!tree_grow_has(&w->grow, path))
		tree_grow_add(&w->grow, path, "", false);
	return grow_extra(w, e, path, value);
}

/* What a new record says by itself, or the entry's extra of that place. */
static int grow_plain(struct tree_writer *w, const struct tree_record *r,
	const struct tree_row *row, const struct book_entry *e)
{
	const struct book_extra *x = entry_extra(e, row->path);

	if (x && row_of_extra(r, row->path, e) == row)
		return grow_extra(w, e, x->name, x->value);
	if (row->role == TREE_PLAIN && row->fresh)
		tree_grow_add(&w->grow, row->path, row->fresh, false);
	return 0;
}

static void grow_all(struct tree_writer *w, const struct tree_record *r, const struct tree_row *row,
	const struct book_entry *e)
{
	tree_say_all(r, row, e, &w->keys, &w->is);
	for (size_t at = 0; at < w->is.n; at += strlen(buf_str(&w->is) + at) + 1)
		tree_grow_more(&w->grow, row->path, row->role == TREE_MEMBER ? row->fresh : "",
			buf_str(&w->is) + at);
}

static int grow_row(struct tree_writer *w, const struct tree_record *r, const struct tree_row *row,
	const struct book_entry *e)
{
	const struct book_dest *d = dest_of(r, row, e);
	const char *text;

	if (tree_repeats(row)) {
		grow_all(w, r, row, e);
		return 0;
	}
	text = tree_say(w->format, r, row, e, &w->keys, &w->text);
	if (row->role == TREE_PLAIN || (row->role == TREE_MODE && !d))
		return grow_plain(w, r, row, e);
	if (row->role == TREE_SECRET && d && (!text || !w->e->reveal_secrets)) {
		tree_secret_lost(w, e, d);
		text = text && !text[0] ? text : NULL;
	}
	if (!text || (row->block && !d))
		return 0;
	/* "there is none" is worth an element where a missing one says something else */
	if (text[0] || (row->role == TREE_SECRET && w->format->missing != SECRET_ABSENT))
		tree_grow_add(&w->grow, row->path, tree_words(row, "", text), false);
	return 0;
}

int tree_grow_entry(struct tree_writer *w, const struct tree_record *r, const struct book_entry *e)
{
	int result = 0;

	for (unsigned i = 0; i < r->n_rows && result == 0; i++)
		result = grow_row(w, r, &r->row[i], e);
	for (uint32_t i = 0; i < e->n_extras && result == 0; i++)
		if (!row_of_extra(r, e->extra[i].name, e) ||
			entry_extra(e, e->extra[i].name) != &e->extra[i])
			result = tree_grow_extra(w, e, e->extra[i].name, e->extra[i].value);
	return result;
}
