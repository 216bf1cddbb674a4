// SPDX-License-Identifier: Apache-2.0
/* One entry of a merge: fields, tags and extras, each three-way. */
#include <stdlib.h>
#include <string.h>

#include "common/book/compare/merge_priv.h"

/* What one thing is on three sides; NULL = it is not there. */
struct three {
	const char *v[3];
};

/* ---- fields ---- */

/* 0 to 2: whose value. */
static int settle(
	struct merger *g, const struct merge_row *row, const char *field, const struct three *t)
{
	int side = merge_pick(t->v[MERGE_BASE], t->v[MERGE_LEFT], t->v[MERGE_RIGHT]);
	struct merge_conflict c = merge_conflict_of(row, field);

	if (side >= 0)
		return side;
	c.reason = "both_changed";
	c.base = t->v[MERGE_BASE];
	c.left = t->v[MERGE_LEFT];
	c.right = t->v[MERGE_RIGHT];
	side = merge_settle(g, &c);
	return side < 0 ? MERGE_BASE : side;
}

void merge_fields(struct merger *g, const struct merge_row *row, const char *prefix,
	const struct merge_values *s, struct fields *out)
{
	struct buf name = BUF_INIT;

	for (unsigned id = 1; id < FIELD_NUMBERS; id++) {
		enum book_field f = (enum book_field)id;
		struct three t = {{NULL}};
		bool any = false;

		if (field_info(id) == NULL || (*prefix == 0 && (f == F_NUMBER || f == F_UUID)))
			continue;
		for (int i = 0; i < 3; i++) {
			t.v[i] = s->normal[i] ? fields_get(s->normal[i], f) : NULL;
			any |= s->raw[i] && fields_get(s->raw[i], f);
		}
		if (!any)
			continue;
		buf_reset(&name);
		buf_addf(&name, "%s%s", prefix, field_info(id)->name);
		int side = settle(g, row, buf_str(&name), &t);
		/* a port that went without saying may be another protocol's now */
		if (s->raw[side] && !(f == F_PORT && t.v[side] == NULL))
			book_set(g->m->book, out, f, fields_get(s->raw[side], f));
	}
	buf_fini(&name);
}

static void merge_entry_fields(
	struct merger *g, const struct merge_row *row, struct book_entry *out)
{
	struct merge_values s = {{NULL}, {NULL}};

	for (int i = 0; i < 3; i++)
		if (row->side[i]) {
			s.normal[i] = &row->side[i]->normal->f;
			s.raw[i] = &row->side[i]->raw->f;
		}
	merge_fields(g, row, "", &s, &out->f);
}

/* ---- tags: a set ---- */

static bool has_tag(const struct match_item *it, const struct book_tag *t)
{
	uint32_t low = 0, high = it ? it->normal->n_tags : 0;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		const struct book_tag *x = &it->normal->tag[mid];
		int order = strcmp(x->system, t->system);

		order = order ? order : strcmp(x->value, t->value);
		if (order == 0)
			return true;
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

static void merge_tags(struct merger *g, const struct merge_row *row, struct book_entry *out)
{
	for (int s = MERGE_LEFT; s <= MERGE_RIGHT; s++) {
		const struct match_item *it = row->side[s];

		for (uint32_t i = 0; it && i < it->normal->n_tags; i++) {
			const struct book_tag *t = &it->normal->tag[i];
			bool in_base = has_tag(row->side[MERGE_BASE], t);
			bool in_left = has_tag(row->side[MERGE_LEFT], t);
			bool in_right = has_tag(row->side[MERGE_RIGHT], t);

			if ((in_base ? in_left && in_right : true) &&
				!(s == MERGE_RIGHT && in_left))
				book_add_tag(g->m->book, out, t->system, t->value);
		}
	}
}

/* ---- extras: the k-th of a name is a field ---- */

struct extras {
	const struct book_extra *v;
	uint32_t n, i;
};

static const char *first_name(const struct extras e[static 3])
{
	const char *name = NULL;

	for (int s = 0; s < 3; s++)
		if (e[s].i < e[s].n && (name == NULL || strcmp(e[s].v[e[s].i].name, name) < 0))
			name = e[s].v[e[s].i].name;
	return name;
}

/* Volatile ones are in no normal form: they stay as base has them. */
static void keep_volatile(struct merger *g, const struct match_item *base, struct book_entry *out)
{
	const struct book_entry *raw = base ? base->raw : NULL;

	for (uint32_t i = 0; raw && i < raw->n_extras; i++)
		if (base->normal->n_extras < raw->n_extras &&
			entry_extra(base->normal, raw->extra[i].name) == NULL)
			book_add_extra(g->m->book, out, raw->extra[i].name, raw->extra[i].value);
}

static void merge_extras(struct merger *g, const struct merge_row *row, struct book_entry *out)
{
	struct extras e[3] = {{NULL, 0, 0}};
	struct buf field = BUF_INIT;
	const char *name;

	for (int s = 0; s < 3; s++)
		if (row->side[s])
			e[s] = (struct extras){
				row->side[s]->normal->extra, row->side[s]->normal->n_extras, 0};
	while ((name = first_name(e)) != NULL) {
		struct three t = {{NULL}};

		for (int s = 0; s < 3; s++)
			if (e[s].i < e[s].n && strcmp(e[s].v[e[s].i].name, name) == 0)
				t.v[s] = e[s].v[e[s].i++].value;
		buf_reset(&field);
		buf_addf(&field, "extra.%s", name);
		const char *value = t.v[settle(g, row, buf_str(&field), &t)];
		if (value)
			book_add_extra(g->m->book, out, name, value);
	}
	keep_volatile(g, row->side[MERGE_BASE], out);
	buf_fini(&field);
}

/* ---- all of an entry ---- */

bool merge_same_content(
	struct merger *g, const struct merge_row *row, enum merge_side a, enum merge_side b)
{
	struct book_entry x = *row->side[a]->normal, y = *row->side[b]->normal;
	struct buf bx = BUF_INIT, by = BUF_INIT;

	x.n_members = y.n_members = 0; /* they go by other numbers on each side */
	entry_content(&x, &bx);
	entry_content(&y, &by);
	bool same = bx.n == by.n && memcmp(buf_str(&bx), buf_str(&by), bx.n) == 0;
	g->failed |= bx.err || by.err;
	buf_fini(&bx);
	buf_fini(&by);
	return same && merge_same_secrets(&x, a == MERGE_BASE, &y) &&
	       merge_same_members(g, row, a, b);
}

void merge_content(struct merger *g, const struct merge_row *row, struct book_entry *out)
{
	if (row->take >= 0) {
		merge_secrets(g, row, out);
		return;
	}
	merge_entry_fields(g, row, out);
	merge_tags(g, row, out);
	merge_dests(g, row, out);
	merge_extras(g, row, out);
}
