// SPDX-License-Identifier: Apache-2.0
/* A book into XML. */
#include <string.h>

#include "common/book/engines/tree.h"
#include "gen/errors.h"

/* ---- does it fit? ---- */

static int no_place(struct tree_writer *w, const struct book_entry *e, const char *what)
{
	return fault_why(w->e->fault, CN_UNSUPPORTED_OPERATION, "no_place",
		"%.60s: this format has no place for %.60s", entry_name(e), what);
}

/* Does a row of that block hold it? The block itself may say the protocol. */
static bool block_holds(const struct tree_record *r, unsigned block, enum book_field field)
{
	if (field == F_PROTOCOL && r->block[block].protocol)
		return true;
	for (unsigned i = 0; i < r->n_rows; i++)
		if (r->row[i].block == block && r->row[i].field == field)
			return true;
	return false;
}

static int check_fields(struct tree_writer *w, const struct book_entry *e,
	const struct tree_record *r, unsigned block, const struct fields *f)
{
	for (uint32_t i = 0; i < f->n; i++)
		if (!block_holds(r, block, f->v[i].id))
			return no_place(w, e, field_info(f->v[i].id)->name);
	return 0;
}

/* Is what it says enough to be read as a destination again? */
static bool is_said(const struct tree_record *r, unsigned block, const struct book_dest *d)
{
	if (!tree_has_switch(r, block))
		return fields_get(&d->f, r->block[block].defines);
	for (unsigned i = 0; i < r->n_rows; i++)
		if (r->row[i].block == block && r->row[i].field &&
			fields_get(&d->f, r->row[i].field))
			return true;
	return false;
}

/* Each destination is the one of a block. */
static int check_dest(struct tree_writer *w, const struct tree_record *r,
	const struct book_entry *e, const struct book_dest *d)
{
	for (unsigned i = 1; i < r->n_blocks; i++)
		if (tree_dest(&r->block[i], e) == d && is_said(r, i, d))
			return check_fields(w, e, r, i, &d->f);
	return no_place(w, e, dest_kind_name(d->kind));
}

static int check_tags(struct tree_writer *w, const struct book_entry *e)
{
	bool (*holds)(const char *, const char *) = w->format->holds_tag;

	for (uint32_t i = 0; i < e->n_tags; i++)
		if (!holds || !holds(e->tag[i].system, e->tag[i].value))
			return no_place(w, e, e->tag[i].system);
	return 0;
}

static int check_entry(struct tree_writer *w, const struct book_entry *e)
{
	const struct tree_record *r = tree_record_for(w->format, e);
	int result;

	if (!r)
		return no_place(w, e, "groups");
	result = check_fields(w, e, r, 0, &e->f);
	if (result == 0)
		result = check_tags(w, e);
	if (result == 0 && e->n_members > 0 && !tree_holds(w->format, DEST_GROUP, 0))
		result = no_place(w, e, "members");
	for (uint32_t i = 0; i < e->n_dests && result == 0; i++)
		result = check_dest(w, r, e, &e->dest[i]);
	return result;
}

static int check_book(struct tree_writer *w)
{
	const struct book *b = w->e->book;
	int result = 0;

	for (uint32_t i = 0; i < b->n_lists; i++)
		for (uint32_t j = 0; j < b->list[i].n_entries && result == 0; j++)
			result = check_entry(w, &b->list[i].entry[j]);
	return result;
}

const struct tree_record *tree_record_for(const struct tree_format *f, const struct book_entry *e)
{
	for (unsigned i = 0; i < f->n_records; i++)
		if (e->group ? f->record[i].groups : f->record[i].persons)
			return &f->record[i];
	return NULL;
}

int tree_check_grown(struct tree_writer *w, const struct book_entry *e)
{
	if (w->grow.unfit)
		return fault_why(w->e->fault, CN_CHARSET_ERROR, "charset",
			"%.60s has a character that XML cannot hold", entry_name(e));
	return 0;
}

void tree_map_keys(struct map *keys, const struct book *b)
{
	for (uint32_t i = 0; i < b->n_lists; i++)
		for (uint32_t j = 0; j < b->list[i].n_entries; j++) {
			struct book_entry *e = &b->list[i].entry[j];

			(void)map_put(keys, e->key, strlen(e->key), e);
		}
}

/* ---- a fresh file ---- */

static int write_entry(
	struct tree_writer *w, const struct tree_record *r, const struct book_entry *e)
{
	const char *prefix = w->format->prefix;
	const struct span before = {(const uint8_t *)prefix, strlen(prefix)};
	const struct tree_style style = {.prefix = before,
		.inner_prefix = before,
		.space = {(const uint8_t *)"\n  ", 3},
		.unit = {(const uint8_t *)"  ", 2},
		.flat = false};

	tree_grow_begin(&w->grow, w->format, r, NULL);
	if (tree_grow_entry(w, r, e) < 0)
		return -1;
	buf_adds(w->e->out, "\n  ");
	tree_grow_record(&w->grow, &style, w->e->out);
	return tree_check_grown(w, e);
}

/* Groups come after their members. */
static int write_fresh(struct tree_writer *w)
{
	const struct book *b = w->e->book;
	int result = 0;

	w->format->head(w->e->out, b);
	for (unsigned k = 0; k < w->format->n_records; k++)
		for (uint32_t i = 0; i < b->n_lists; i++)
			for (uint32_t j = 0; j < b->list[i].n_entries && result == 0; j++) {
				const struct book_entry *e = &b->list[i].entry[j];

				if (tree_record_for(w->format, e) == &w->format->record[k])
					result = write_entry(w, &w->format->record[k], e);
			}
	buf_adds(w->e->out, w->format->tail);
	return result;
}

/* ---- both ---- */

/* Prefixes of a foreign element may be declared nowhere in this file. */
static int check_xml(struct tree_writer *w, size_t begin)
{
	struct span all = {w->e->out->p + begin, w->e->out->n - begin};
	struct fault fault = FAULT_INIT;
	struct tree t;
	int result = 0;

	if (tree_open(&t, w->format, all, NULL, &fault) < 0)
		result = fault_why(w->e->fault, CN_UNSUPPORTED_OPERATION, "foreign_extra",
			"an element of the book does not fit into this file: %s", fault.detail);
	tree_close(&t);
	return result;
}

int tree_encode(struct encoder *e, const struct codec *codec, const struct tree_format *f)
{
	struct tree_writer w = {.e = e, .codec = codec, .format = f};
	size_t begin = e->out->n;
	int result;

	tree_map_keys(&w.keys, e->book);
	result = check_book(&w);
	if (result == 0)
		result = e->base.n > 0 ? tree_write_over(&w) : write_fresh(&w);
	if (result == 0 && w.foreign && !e->out->err)
		result = check_xml(&w, begin);
	map_fini(&w.keys);
	tree_grow_fini(&w.grow);
	buf_fini(&w.text);
	buf_fini(&w.was);
	buf_fini(&w.is);
	return result;
}
