// SPDX-License-Identifier: Apache-2.0
/* Nothing is left out without a word: what finds no place in a file refuses the write, and what was
 * written is read again and compared. */
#include <stdlib.h>
#include <string.h>

#include "common/book/engines/sheet.h"
#include "common/book/norm.h"
#include "gen/errors.h"

const char *sheet_default(const struct encoder *e, enum dest_kind kind, enum book_field field)
{
	const struct book_profile *p = e->profile;

	for (uint32_t i = 0; field && i < p->n_defaults; i++)
		if (p->defaults[i].kind == kind && p->defaults[i].field == field)
			return p->defaults[i].value;
	return "";
}

/* ---- what finds no column ---- */

static bool column_for(const struct writer *w, const struct book_dest *d, enum book_field field)
{
	enum dest_kind kind = d ? d->kind : DEST_NONE;
	const char *protocol = d ? fields_get(&d->f, F_PROTOCOL) : NULL;

	for (uint32_t i = 0; i < w->base.n_cols; i++) {
		const struct sheet_column *c = &w->base.col[i];

		for (uint32_t k = 0; k < c->n_defs; k++) {
			const struct column *def = &c->def[k];
			bool mine = !def->protocol ||
				    (protocol && strcmp(protocol, def->protocol) == 0);

			if (def->kind == kind && mine &&
				(def->field == field || (def->protocol && field == F_PROTOCOL)))
				return true;
		}
	}
	return false;
}

static int no_place(struct writer *w, const struct book_entry *e, const char *what)
{
	return fault_why(w->e->fault, CN_UNSUPPORTED_OPERATION, "no_place",
		"%.60s: the file has no place for %.60s", entry_name(e), what);
}

static int fields_have_place(
	struct writer *w, const struct book_entry *e, const struct book_dest *d)
{
	const struct fields *f = d ? &d->f : &e->f;

	for (uint32_t i = 0; i < f->n; i++) {
		const struct field *v = &f->v[i];

		if (column_for(w, d, v->id))
			continue;
		if (strcmp(sheet_default(w->e, d ? d->kind : DEST_NONE, v->id), v->value) != 0)
			return no_place(w, e, field_info(v->id)->name);
	}
	return 0;
}

static bool extra_column(const struct writer *w, const char *name)
{
	for (uint32_t i = 0; i < w->base.n_cols; i++) {
		const struct sheet_column *c = &w->base.col[i];

		if (strcmp(c->extra, name) == 0 && !(c->def && w->format->prefix))
			return true;
	}
	return false;
}

int sheet_has_place(struct writer *w, const struct book_entry *e)
{
	if (fields_have_place(w, e, NULL) < 0)
		return -1;
	for (uint32_t i = 0; i < e->n_dests; i++) {
		if (w->format->one_dest && i > 0)
			return no_place(w, e, "a second destination");
		if (fields_have_place(w, e, &e->dest[i]) < 0)
			return -1;
	}
	if (e->n_tags && !w->format->tags)
		return no_place(w, e, e->tag[0].system);
	if (e->n_members && !w->format->members)
		return no_place(w, e, "group members");
	for (uint32_t i = 0; i < e->n_extras; i++)
		if (!extra_column(w, e->extra[i].name))
			return no_place(w, e, e->extra[i].name);
	return 0;
}

/* ---- read again ---- */

/* What an entry says: its public hash without the extras that columns of the format stand for (a
 * field that is there takes their place), and its number. */
struct print {
	uint8_t hash[BOOK_HASH];
	const char *number;
	const struct book_entry *entry;
};

static bool is_known(const struct format *f, const char *name)
{
	for (size_t i = 0; i < f->n_columns; i++)
		if (ascii_same(f->column[i].name, name))
			return true;
	return false;
}

static void take_print(const struct format *f, const struct book_entry *e, struct print *ret)
{
	struct book_entry said = *e;
	const char *number = fields_get(&e->f, F_NUMBER);
	struct book_hashes hashes;

	said.extra = mem_alloc((e->n_extras + 1) * sizeof(said.extra[0]));
	said.n_extras = 0;
	for (uint32_t i = 0; i < e->n_extras; i++)
		if (!is_known(f, e->extra[i].name))
			said.extra[said.n_extras++] = e->extra[i];
	entry_hash(&said, NULL, &hashes);
	free(said.extra);
	memcpy(ret->hash, hashes.pub, BOOK_HASH);
	ret->number = number ? number : "";
	ret->entry = e;
}

static int by_print(const void *a, const void *b)
{
	const struct print *x = a, *y = b;
	int c = memcmp(x->hash, y->hash, BOOK_HASH);

	return c ? c : strcmp(x->number, y->number);
}

static struct print *prints(const struct format *f, const struct book_list *l)
{
	struct print *p = mem_alloc((l->n_entries + 1) * sizeof(*p));

	for (uint32_t i = 0; i < l->n_entries; i++)
		take_print(f, &l->entry[i], &p[i]);
	qsort(p, l->n_entries, sizeof(*p), by_print);
	return p;
}

/* NULL, or the name of what b has not as a has it. */
static const char *other_entry(
	const struct format *f, const struct book_list *a, const struct book_list *b)
{
	struct print *x = prints(f, a), *y = prints(f, b);
	const char *name = NULL;

	for (uint32_t i = 0; i < a->n_entries && !name; i++)
		if (i >= b->n_entries || by_print(&x[i], &y[i]) != 0)
			name = entry_name(x[i].entry);
	free(x);
	free(y);
	return name;
}

static const char *other(const struct format *f, const struct book *a, const struct book *b)
{
	for (uint32_t i = 0; i < a->n_lists; i++) {
		const struct book_list *x = &a->list[i];
		const struct book_list *y = book_find_list(b, x->slot);

		if (x->n_entries == 0)
			continue;
		if (!y || strcmp(x->name, y->name) != 0 || x->n_entries != y->n_entries)
			return *x->name ? x->name : x->slot;
		if (other_entry(f, x, y))
			return other_entry(f, x, y);
	}
	return NULL;
}

static int compare(struct encoder *e, const struct format *f, const struct book *read)
{
	struct book *a = book_normal_view(e->book, e->profile);
	struct book *b = book_normal_view(read, e->profile);
	const char *name = other(f, a, b);
	int r = 0;

	if (name)
		r = fault_why(e->fault, CN_UNSUPPORTED_OPERATION, "no_place",
			"%.60s: the file cannot say all of it", name);
	book_free(a);
	book_free(b);
	return r;
}

int sheet_verify(struct encoder *e, const struct codec *codec, const struct format *f, size_t from)
{
	const struct decode_options opts = {.mapping = e->base.n ? e->mapping : NULL};
	struct fault fault = FAULT_INIT;
	struct book *read;
	int r;

	r = book_decode(
		(struct span){e->out->p + from, e->out->n - from}, codec, &opts, &read, &fault);
	if (r < 0)
		r = fault_why(e->fault, CN_UNSUPPORTED_OPERATION, "no_place",
			"what is written would not be read: %.150s", fault.detail);
	else
		r = compare(e, f, read);
	book_free(read);
	return r;
}
