// SPDX-License-Identifier: Apache-2.0
/* Books written into tables: over a base file cell by cell, or anew. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/book/engines/sheet.h"
#include "common/book/engines/words.h"
#include "gen/errors.h"

/* ---- what a column says ---- */

static const struct book_dest *dest_for(const struct about *a, const struct column *c)
{
	if (a->picked)
		return a->pick[c->kind];
	for (uint32_t i = 0; i < a->entry->n_dests; i++) {
		const struct book_dest *d = &a->entry->dest[i];
		const char *protocol = fields_get(&d->f, F_PROTOCOL);

		if (d->kind == c->kind &&
			(!c->protocol || (protocol && strcmp(protocol, c->protocol) == 0)))
			return d;
	}
	return NULL;
}

static const char *say_secret(const struct saying *y)
{
	const struct book_secret *s = &y->dest->secret;

	if (s->state == SECRET_CLEAR && y->about->reveal && !y->about->scheme)
		return s->text;
	if (s->state == SECRET_ENCRYPTED && y->about->scheme && s->scheme &&
		strcmp(s->scheme, y->about->scheme) == 0)
		return s->text;
	return "";
}

static const char *entry_tag(const struct book_entry *e, const char *system)
{
	for (uint32_t i = 0; i < e->n_tags; i++)
		if (strcmp(e->tag[i].system, system) == 0)
			return e->tag[i].value;
	return NULL;
}

static const char *say_def(const struct saying *y, const struct column *c)
{
	if (c->put)
		return c->put(y);
	if (c->flags & COLUMN_SECRET)
		return y->dest ? say_secret(y) : "";
	if (c->tag)
		return entry_tag(y->about->entry, c->tag);
	if (!c->field)
		return NULL;
	return fields_get(y->dest ? &y->dest->f : &y->about->entry->f, c->field);
}

/* "" = nothing. *ret_def: the line of the column that has the say, NULL = none of its kinds is
 * there. */
static const char *say(const struct writer *w, const struct about *a, const struct sheet_column *c,
	struct buf *text, const struct column **ret_def)
{
	struct saying y = {.about = a, .state = w->state, .text = text};
	const struct book_extra *extra;

	buf_reset(text);
	*ret_def = NULL;
	for (uint32_t i = 0; i < c->n_defs; i++) {
		const struct column *def = &c->def[i];
		const char *said;

		y.dest = def->kind == DEST_NONE ? NULL : dest_for(a, def);
		if (def->kind != DEST_NONE && !y.dest)
			continue;
		*ret_def = def;
		y.column = def;
		said = say_def(&y, def);
		if (said)
			return said;
	}
	if (c->def && w->format->prefix)
		return "";
	extra = entry_extra(a->entry, c->extra);
	return extra ? extra->value : "";
}

static bool is_bool(const struct column *def)
{
	const struct field_info *info = def && !def->put ? field_info(def->field) : NULL;

	return info && info->type == FIELD_BOOL;
}

/* ---- what is lost ---- */

static void add_ledger(struct writer *w, enum ledger_action action, const struct about *a,
	const char *field, const char *reason)
{
	const struct ledger_line line = {.action = action,
		.list = a->list->slot,
		.key = a->entry->key,
		.name = entry_name(a->entry),
		.field = field,
		.reason = reason};

	ledger_add(w->e->ledger, &line);
}

static void password_lost(struct writer *w, const struct about *a, const struct column *def)
{
	const struct book_dest *d = dest_for(a, def);
	const struct book_secret *s = d ? &d->secret : NULL;

	if (s && s->text && *s->text)
		add_ledger(w, LEDGER_SECRET_NEEDED, a, "secret",
			s->state == SECRET_CLEAR ? "passwords are left out unless they may be shown"
						 : "this cipher text means nothing in the new "
						   "file: type the password");
}

/* ---- cells ---- */

void writer_add(struct writer *w, const char *text)
{
	size_t at;

	if (charset_encode(w->base.t.charset, (struct span){(const uint8_t *)text, strlen(text)},
		    &w->out, &at) < 0) {
		fault_why(w->e->fault, CN_CHARSET_ERROR, "charset",
			"%.60s has a character that %s has not", text,
			charset_name(w->base.t.outside));
		w->failed = true;
	}
}

static void add_raw(struct writer *w, struct span raw)
{
	buf_add(&w->out, raw.p, raw.n);
}

/* like: a cell of the same column whose style it takes, or NULL. */
static void put_cell(struct writer *w, const struct about *a, uint32_t col,
	const struct column *def, const char *text, const struct table_cell *like)
{
	const char *name = w->base.col[col].name;
	struct buf bracketed = BUF_INIT;
	bool quoted = like && like->quoted;

	if ((!like || like->raw.n == 0) && *text && def)
		quoted = def->flags & COLUMN_QUOTED;
	if (!like && w->format->quote_all)
		quoted = true;
	if (w->format->brackets) {
		buf_addf(&bracketed, "[%s]", text);
		text = buf_str(&bracketed);
	}
	if (table_put(&w->out, w->base.t.charset, w->base.t.delimiter, text, quoted) < 0) {
		fault_why(w->e->fault, CN_CHARSET_ERROR, "charset",
			"%.60s: %.40s has a character that %s has not", entry_name(a->entry), name,
			charset_name(w->base.t.outside));
		w->failed = true;
	}
	buf_fini(&bracketed);
}

/* What a new row says where the entry has nothing. */
static const char *default_text(
	const struct writer *w, const struct sheet_column *c, const struct column *def)
{
	if (!def)
		return c->n_defs == 1 && c->def->idle ? c->def->idle : "";
	return def->none ? def->none : sheet_default(w->e, def->kind, def->field);
}

/* Writes what the column says of a; like gives the style. */
static void write_cell(struct writer *w, const struct about *a, uint32_t col,
	const struct table_cell *like, const char *like_text)
{
	const struct column *def;
	const char *text = say(w, a, &w->base.col[col], &w->text, &def);

	if (!*text && def && def->flags & COLUMN_SECRET)
		password_lost(w, a, def);
	if (!*text)
		text = default_text(w, &w->base.col[col], def);
	if (is_bool(def) && bool_read(text))
		text = bool_like(like_text, w->format->yes, *bool_read(text) == 't');
	put_cell(w, a, col, def, text, like);
}

static bool differs(
	struct writer *w, uint32_t col, const struct about *old, const struct about *new)
{
	const struct sheet_column *c = &w->base.col[col];
	const struct column *a, *b;
	const char *was, *is;

	is = say(w, new, c, &w->text, &b);
	was = say(w, old, c, &w->old, &a);
	if (b && b->flags & COLUMN_SWITCH)
		return strcmp(is, "1") == 0 && strcmp(was, "1") != 0;
	if (a != b && strcmp(was, is) == 0)
		return w->base.t.cell[col].raw.n >
		       0; /* of another kind now: an idle word would mean something */
	return strcmp(was, is) != 0;
}

/* ---- rows ---- */

static void end_line(struct writer *w)
{
	struct span eol = table_eol(&w->base.t);

	add_raw(w, eol.n ? eol : w->eol);
}

/* Compared with the passwords, written with what may be said of them. */
static void change_row(struct writer *w, const struct about *old, const struct about *new)
{
	struct table *t = &w->base.t;
	struct about said = *new;

	said.reveal = w->e->reveal_secrets;
	for (uint32_t i = 0; i < t->n; i++) {
		if (i > 0)
			buf_addc(&w->out, t->delimiter);
		if (i < w->base.n_cols && differs(w, i, old, new)) {
			const char *text = table_text(t, i);

			write_cell(w, &said, i, &t->cell[i], text ? text : "");
		} else {
			add_raw(w, t->cell[i].raw);
		}
	}
	add_raw(w, table_eol(t));
}

/* A row of our own after the row at hand, in its style if it is an entry's. */
static void new_row(struct writer *w, const struct about *a, bool styled)
{
	struct table *t = &w->base.t;

	if (w->out.n && w->out.p[w->out.n - 1] != '\n')
		end_line(w);
	for (uint32_t i = 0; i < t->n; i++) {
		const char *text = styled ? table_text(t, i) : "";

		if (i > 0)
			buf_addc(&w->out, t->delimiter);
		if (i < w->base.n_cols)
			write_cell(w, a, i, styled ? &t->cell[i] : NULL, text ? text : "");
	}
	end_line(w);
}

/* ---- which destinations stand in which row ---- */

static void pick(struct target *t, struct about *a, uint32_t i)
{
	t->taken[i] = 1;
	a->pick[t->entry->dest[i].kind] = &t->entry->dest[i];
}

static bool pick_kind(struct target *t, struct about *a, enum dest_kind kind)
{
	uint32_t *i = &t->next[kind];

	while (*i < t->entry->n_dests && (t->taken[*i] || t->entry->dest[*i].kind != kind))
		++*i;
	if (*i == t->entry->n_dests)
		return false;
	pick(t, a, *i);
	return true;
}

static struct about about_of(const struct writer *w, const struct target *t)
{
	return (struct about){.book = w->e->book,
		.list = t->list,
		.entry = t->entry,
		.scheme = w->scheme,
		.reveal = w->e->reveal_secrets,
		.picked = w->format->row_per_dest};
}

/* ---- entries ---- */

/* Rows for destinations that have none yet; at least one row for the entry. */
static void write_rest(struct writer *w, struct target *t, bool any_row, bool styled)
{
	uint32_t n = w->format->row_per_dest ? t->entry->n_dests : 0;

	for (;;) {
		struct about a = about_of(w, t);

		while (t->rest < n && t->taken[t->rest])
			t->rest++;
		if (any_row && t->rest == n)
			break;
		if (t->rest < n)
			pick(t, &a, t->rest);
		new_row(w, &a, styled);
		any_row = true;
	}
	if (!w->failed && sheet_has_place(w, t->entry) < 0)
		w->failed = true;
}

static void base_row(struct writer *w, const struct row_ref *ref)
{
	const struct book_list *l = &w->base_of.book->list[ref->list];
	const struct book_entry *e = &l->entry[ref->entry];
	struct about old = {.book = w->base_of.book,
		.list = l,
		.entry = e,
		.scheme = w->base.scheme,
		.reveal = true};
	struct target *t = writer_target(w, l, e);
	bool keep;

	if (!t)
		return; /* removed, with its line end */
	struct about new = about_of(w, t);
	new.reveal = true;
	old.picked = new.picked;
	keep = t->rows == 0;
	for (uint32_t i = ref->first; old.picked && i < ref->first + ref->n_dests; i++) {
		old.pick[e->dest[i].kind] = &e->dest[i];
		keep |= pick_kind(t, &new, e->dest[i].kind);
	}
	t->rows++;
	if (keep)
		change_row(w, &old, &new);
	if (t->rows == t->base_rows)
		write_rest(w, t, true, true);
}

/* Entries of a list that the base has not. */
static void append_list(struct writer *w, const struct book_list *l, bool styled)
{
	struct target *t = w->target;

	for (const struct book_list *before = w->e->book->list; before < l; before++)
		t += before->n_entries;
	for (uint32_t i = 0; i < l->n_entries; i++, t++) {
		if (t->base_rows || t->rows)
			continue;
		write_rest(w, t, false, styled);
		t->rows = 1;
	}
}

/* ---- the file ---- */

static void key_of(struct buf *out, const struct book_list *l, const struct book_entry *e)
{
	buf_reset(out);
	buf_add(out, l->slot, strlen(l->slot) + 1);
	buf_adds(out, e->key);
}

struct target *writer_target(
	struct writer *w, const struct book_list *l, const struct book_entry *e)
{
	key_of(&w->key, l, e);
	return map_get(&w->by_key, w->key.p, w->key.n);
}

static void find_targets(struct writer *w)
{
	const struct book *b = w->e->book;
	struct target *t = w->target = mem_alloc((b->n_entries + 1) * sizeof(*t));
	uint8_t *taken;
	size_t n_dests = 1;

	for (uint32_t i = 0; i < b->n_lists; i++)
		for (uint32_t j = 0; j < b->list[i].n_entries; j++)
			n_dests += b->list[i].entry[j].n_dests;
	taken = w->taken = mem_alloc(n_dests);
	for (uint32_t i = 0; i < b->n_lists; i++) {
		for (uint32_t j = 0; j < b->list[i].n_entries; j++, t++) {
			t->list = &b->list[i];
			t->entry = &b->list[i].entry[j];
			t->taken = taken;
			taken += t->entry->n_dests;
			key_of(&w->key, t->list, t->entry);
			map_put(&w->by_key, w->key.p, w->key.n, t);
		}
	}
}

static int count_base_rows(struct writer *w)
{
	for (uint32_t i = 0; i < w->base.n_refs; i++) {
		const struct row_ref *ref = &w->base.ref[i];
		const struct book_list *l;
		struct target *t;

		if (ref->entry == NO_ENTRY)
			continue;
		l = &w->base_of.book->list[ref->list];
		t = writer_target(w, l, &l->entry[ref->entry]);
		if (t && t->base_rows++ && !w->format->row_per_dest)
			return fault_why(w->e->fault, CN_PARSE_ERROR, "duplicate_number",
				"entry %.60s stands twice in the base file", t->entry->key);
	}
	return 0;
}

/* The last row of an entry; the heading if there is none. */
static uint32_t last_row(const struct writer *w)
{
	for (uint32_t i = w->base.n_refs; i-- > 0;)
		if (w->base.ref[i].entry != NO_ENTRY)
			return i;
	return w->base.heading;
}

static void write_line(struct writer *w, uint32_t row)
{
	struct table *t = &w->base.t;
	int rc = row < w->base.heading ? table_next_line(t) : table_next(t);
	const struct row_ref *ref = &w->base.ref[row];

	bug_if(rc != 1); /* it was read once */
	if (table_eol(t).n)
		w->eol = table_eol(t);
	if (ref->entry != NO_ENTRY)
		base_row(w, ref);
	else if (row >= w->base.heading || !w->format->line || !w->format->line(w, table_line(t)))
		add_raw(w, (struct span){t->file.p + t->begin, t->next - t->begin});
}

static void write_all(struct writer *w)
{
	const struct book *base = w->base_of.book, *b = w->e->book;
	uint32_t anchor = last_row(w), *last;

	last = mem_alloc((base->n_lists + 1) * sizeof(*last));
	for (uint32_t row = 0; row < w->base.n_refs; row++)
		if (w->base.ref[row].entry != NO_ENTRY)
			last[w->base.ref[row].list] = row;
	table_rewind(&w->base.t);
	for (uint32_t row = 0; row < w->base.n_refs && !w->failed; row++) {
		uint32_t list = w->base.ref[row].list;
		const struct book_list *l = NULL;

		write_line(w, row);
		if (list != NO_ENTRY && last[list] == row)
			l = book_find_list(b, base->list[list].slot);
		if (l)
			append_list(w, l, true);
		for (uint32_t i = 0; row == anchor && i < b->n_lists; i++)
			append_list(w, &b->list[i], row > w->base.heading);
	}
	free(last);
}

/* Back into what the base was outside: its mark, its charset. */
static int hand_over(struct writer *w, struct span base)
{
	struct table *t = &w->base.t;
	size_t at;

	if (w->out.err)
		return fault_set(w->e->fault, CN_RESPONSE_TOO_BIG, "the file would be too large");
	/* the last line of the base had no end: neither has ours */
	if (t->file.n && t->file.p[t->file.n - 1] != '\n' && w->out.n &&
		w->out.p[w->out.n - 1] == '\n')
		w->out.n -= w->out.n > 1 && w->out.p[w->out.n - 2] == '\r' ? 2 : 1;
	buf_add(w->e->out, base.p, t->bom);
	if (t->outside == t->charset)
		buf_add(w->e->out, w->out.p, w->out.n);
	else if (charset_encode(t->outside, buf_span(&w->out), w->e->out, &at) < 0)
		return fault_set(w->e->fault, CN_CHARSET_ERROR, "not UTF-8 at byte %zu", at);
	return 0;
}

static int write_over(struct writer *w, struct span base)
{
	w->base_opts = (struct decode_options){.mapping = w->e->base.n ? w->e->mapping : NULL};
	w->base_of = (struct decoder){.file = base,
		.opts = &w->base_opts,
		.book = book_new("base"),
		.fault = w->e->fault};
	if (sheet_read(&w->base, &w->base_of, w->format, w->state) < 0)
		return -1;
	if (w->base_of.book->too_big)
		return fault_set(w->e->fault, CN_RESPONSE_TOO_BIG, "the base file is too large");
	w->scheme = w->base.scheme;
	find_targets(w);
	if (count_base_rows(w) < 0)
		return -1;
	if (w->format->plan)
		w->format->plan(w);
	write_all(w);
	return w->failed ? -1 : hand_over(w, base);
}

int sheet_encode(struct encoder *e, const struct codec *codec, const struct format *f, void *state)
{
	struct writer *w = mem_alloc(sizeof(*w));
	struct span base = e->base;
	size_t before = e->out->n;
	int r;

	w->e = e;
	w->format = f;
	w->state = state;
	w->by_key = MAP_INIT;
	w->eol = (struct span){(const uint8_t *)"\r\n", 2};
	if (base.n == 0) {
		f->fresh(e, &w->made);
		base = buf_span(&w->made);
	}
	r = write_over(w, base);
	sheet_fini(&w->base);
	book_free(w->base_of.book);
	map_fini(&w->by_key);
	free(w->target);
	free(w->taken);
	buf_fini(&w->key);
	buf_fini(&w->made);
	buf_fini(&w->out);
	buf_fini(&w->text);
	buf_fini(&w->old);
	free(w);
	return r < 0 || e->out->err ? r : sheet_verify(e, codec, f, before);
}
