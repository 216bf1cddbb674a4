// SPDX-License-Identifier: Apache-2.0
/* Nothing is left out without a word: what finds no place in a file refuses the write, and what was
 * written is read again and compared. */
#include <string.h>

#include "common/book/engines/proof.h"
#include "common/book/engines/sheet.h"
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

/* Extras that columns of the format stand for: a field that is there takes their place. */
static bool is_known(const void *format, const char *name)
{
	const struct format *f = format;

	for (size_t i = 0; i < f->n_columns; i++)
		if (ascii_same(f->column[i].name, name))
			return true;
	return false;
}

int sheet_verify(struct encoder *e, const struct codec *codec, const struct format *f, size_t from)
{
	const struct proof p = {.codec = codec,
		.read = {.mapping = e->base.n ? e->mapping : NULL},
		.unsaid = is_known,
		.arg = f};

	return proof_written(&p, e, from);
}
