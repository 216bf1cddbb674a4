// SPDX-License-Identifier: Apache-2.0
/* The differences between two books (address-books.md 9.2): pairs first, then list by list. */
#include "common/book/compare/diff.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/sort.h"
#include "common/book/compare/diff_priv.h"

void diff_add(struct differ *x, const struct diff_change *c)
{
	struct diff *d = x->d;

	if (d->n == d->cap) {
		d->cap = d->cap ? d->cap * 2 : 64;
		d->change = mem_realloc(d->change, d->cap * sizeof(*d->change));
	}
	d->change[d->n++] = *c;
}

const char *diff_keep(struct differ *x, const char *s)
{
	x->too_big |= s == NULL;
	return s ? s : "";
}

struct diff_change diff_change_of(const struct diff_pair *p, enum diff_op op, enum diff_part part)
{
	const char *name = p->r ? entry_name(p->r->raw) : "";

	return (struct diff_change){
		.op = op,
		.list = (p->r ? p->r : p->l)->list->slot,
		.left = p->l ? p->l->raw : NULL,
		.right = p->r ? p->r->raw : NULL,
		.name = *name || p->l == NULL ? name : entry_name(p->l->raw),
		.field = "",
		.part = part,
		.left_dest = DIFF_NO_DEST,
		.right_dest = DIFF_NO_DEST,
	};
}

void diff_add_content(struct diff_pair *p, struct diff_change *c, const char *field,
	const char *before, const char *after)
{
	c->field = field;
	c->before = before;
	c->after = after;
	p->content = true;
	diff_add(p->x, c);
}

/* ---- entries ---- */

static bool same_value(const struct diff_pair *p, enum book_field id)
{
	const char *l = fields_get(&p->l->normal->f, id), *r = fields_get(&p->r->normal->f, id);

	return l == r || (l && r && strcmp(l, r) == 0);
}

static void add_place(struct diff_pair *p, enum diff_op op, const char *field, const char *before,
	const char *after)
{
	struct diff_change c = diff_change_of(p, op, DIFF_WHOLE);

	c.field = field;
	c.before = before;
	c.after = after;
	diff_add(p->x, &c);
	if (op == DIFF_MOVE)
		p->x->d->moved++;
	else
		p->x->d->renumbered++;
}

static void diff_place(struct diff_pair *p)
{
	const struct book_entry *l = p->l->raw, *r = p->r->raw;
	const char *from = p->l->list->slot, *to = p->r->list->slot;

	if (strcmp(from, to) != 0) {
		add_place(p, DIFF_MOVE, "list", from, to);
	} else if (!same_value(p, F_NUMBER) || !same_value(p, F_UUID)) {
		enum book_field id = same_value(p, F_NUMBER) ? F_UUID : F_NUMBER;

		add_place(p, DIFF_RENUMBER, field_info(id)->name, fields_get(&l->f, id),
			fields_get(&r->f, id));
	} else if (strcmp(l->key, r->key) != 0) {
		add_place(p, DIFF_RENUMBER, "key", l->key, r->key);
	}
}

static void diff_entry(struct differ *x, const struct match_item *l, const struct match_item *r)
{
	struct diff_pair p = {x, l, r, false};

	diff_place(&p);
	diff_fields(&p);
	diff_tags(&p);
	diff_dests(&p);
	diff_members(&p);
	diff_extras(&p);
	if (p.content)
		x->d->changed++;
	else
		x->d->unchanged++;
}

static void diff_lone_entry(
	struct differ *x, const struct match_item *l, const struct match_item *r)
{
	struct diff_pair p = {x, l, r, false};
	struct diff_change c = diff_change_of(&p, r ? DIFF_ADD : DIFF_REMOVE, DIFF_WHOLE);

	diff_add(x, &c);
	if (r)
		x->d->added++;
	else
		x->d->removed++;
}

/* ---- lists ---- */

/* A list with its items. */
struct part {
	const struct book_list *list, *normal;
	const struct match_item *v;
};

static int compare_parts(const void *a, const void *b)
{
	return number_order(
		((const struct part *)a)->list->slot, ((const struct part *)b)->list->slot);
}

static struct part *parts_of(const struct match_side *s)
{
	struct part *v = mem_alloc(size_max(s->book->n_lists, 1) * sizeof(*v));
	const struct match_item *at = s->v;

	for (uint32_t i = 0; i < s->book->n_lists; i++) {
		v[i] = (struct part){&s->book->list[i], &s->view->list[i], at};
		at += s->book->list[i].n_entries;
	}
	sort_stable(v, s->book->n_lists, sizeof(*v), compare_parts);
	return v;
}

static void add_list(struct differ *x, enum diff_op op, const struct part *l, const struct part *r)
{
	const struct part *here = r ? r : l;
	bug_if(here == NULL);
	const struct book_list *list = here->list;
	struct diff_change c = {
		.op = op,
		.list = list->slot,
		.name = list->name,
		.field = op == DIFF_LIST_RENAMED ? "name" : "",
		.before = l ? l->list->name : NULL,
		.after = r ? r->list->name : NULL,
		.left_dest = DIFF_NO_DEST,
		.right_dest = DIFF_NO_DEST,
		.list_kind = list->kind,
	};

	diff_add(x, &c);
}

static void diff_list(struct differ *x, const struct part *l, const struct part *r)
{
	if (l == NULL)
		add_list(x, DIFF_LIST_ADDED, l, r);
	else if (r == NULL)
		add_list(x, DIFF_LIST_REMOVED, l, r);
	else if (strcmp(l->normal->name, r->normal->name) != 0)
		add_list(x, DIFF_LIST_RENAMED, l, r);
	for (uint32_t i = 0; r && i < r->list->n_entries; i++) {
		const struct match_item *it = &r->v[i];

		if (it->pair == NO_PAIR)
			diff_lone_entry(x, NULL, it);
		else
			diff_entry(x, &x->l.v[it->pair], it);
	}
	for (uint32_t i = 0; l && i < l->list->n_entries; i++)
		if (l->v[i].pair == NO_PAIR)
			diff_lone_entry(x, &l->v[i], NULL);
}

static void diff_lists(struct differ *x)
{
	struct part *l = parts_of(&x->l), *r = parts_of(&x->r);
	uint32_t n = x->l.book->n_lists, m = x->r.book->n_lists;

	for (uint32_t i = 0, j = 0; i < n || j < m;) {
		int order = i == n ? 1 : j == m ? -1 : compare_parts(&l[i], &r[j]);

		diff_list(x, order <= 0 ? &l[i] : NULL, order >= 0 ? &r[j] : NULL);
		i += order <= 0;
		j += order >= 0;
	}
	free(l);
	free(r);
}

/* ---- books ---- */

int book_diff(const struct book *left, const struct book *right, const struct book_profile *profile,
	struct diff *ret)
{
	struct differ x = {.d = ret};

	*ret = (struct diff){.n = 0};
	arena_init(&ret->arena, 2 * BOOK_ARENA_MAX);
	if (match_side_init(&x.l, left, profile) < 0)
		return -1;
	if (match_side_init(&x.r, right, profile) < 0) {
		match_side_fini(&x.l);
		return -1;
	}
	match_sides(&x.l, &x.r);
	diff_lists(&x);
	map_fini(&x.members[0]);
	map_fini(&x.members[1]);
	map_fini(&x.texts);
	match_side_fini(&x.l);
	match_side_fini(&x.r);
	if (x.too_big)
		diff_fini(ret);
	return x.too_big ? -1 : 0;
}

void diff_fini(struct diff *d)
{
	free(d->change);
	arena_fini(&d->arena);
	*d = (struct diff){.n = 0};
}

const char *diff_op_name(enum diff_op op)
{
	static const char *const names[DIFF_OPS] = {
		[DIFF_ADD] = "add",
		[DIFF_REMOVE] = "remove",
		[DIFF_CHANGE] = "change",
		[DIFF_RENUMBER] = "renumber",
		[DIFF_MOVE] = "move",
		[DIFF_SECRET_CHANGED] = "secret_changed",
		[DIFF_SECRET_UNKNOWN] = "secret_unknown",
		[DIFF_LIST_RENAMED] = "list_renamed",
		[DIFF_LIST_ADDED] = "list_added",
		[DIFF_LIST_REMOVED] = "list_removed",
	};

	return names[op];
}
