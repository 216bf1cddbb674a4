// SPDX-License-Identifier: Apache-2.0
/* Members of a group, merged as a set of people whose order is kept as far as both sides leave it
 * (address-books.md 9.3). A member is a row of the merge, or the text of one that is not there. */
#include <stdlib.h>
#include <string.h>

#include "common/base/map.h"
#include "common/base/sort.h"
#include "common/book/compare/merge_priv.h"

#define TEXT ((uint64_t)1 << 32)

struct member {
	uint64_t who;     /* row, or TEXT | id of the text */
	const char *text; /* of one that is not there */
	const struct book_member *raw;
};

struct members {
	struct member *v;
	uint32_t n;
};

static uint64_t text_id(struct merger *g, const char *text)
{
	uintptr_t id = (uintptr_t)map_get(&g->texts, text, strlen(text));

	if (id == 0) {
		id = g->texts.n + 1;
		map_put(&g->texts, text, strlen(text), (void *)id);
	}
	return TEXT | id;
}

static struct members members_of(struct merger *g, const struct merge_row *row, enum merge_side s)
{
	const struct match_item *it = row->side[s];
	uint32_t n = it ? it->normal->n_members : 0;
	struct members all = {mem_alloc(size_max(n, 1) * sizeof(struct member)), n};

	for (uint32_t i = 0; i < n; i++) {
		const struct book_member *m = &it->normal->member[i];

		all.v[i] = (struct member){0, m->text, &it->raw->member[i]};
		if (m->key == NULL)
			all.v[i].who = text_id(g, m->text);
		else
			all.v[i].who =
				g->row_of[s][match_member(&g->keys[s], it->list->slot, m->key)];
	}
	return all;
}

static bool equal(const struct members *a, const struct members *b)
{
	if (a->n != b->n)
		return false;
	for (uint32_t i = 0; i < a->n; i++)
		if (a->v[i].who != b->v[i].who)
			return false;
	return true;
}

bool merge_same_members(
	struct merger *g, const struct merge_row *row, enum merge_side a, enum merge_side b)
{
	if (row->side[a]->normal->n_members != row->side[b]->normal->n_members)
		return false;
	if (row->side[a]->normal->n_members == 0)
		return true;
	struct members x = members_of(g, row, a), y = members_of(g, row, b);
	bool same = equal(&x, &y);
	free(x.v);
	free(y.v);
	return same;
}

/* ---- the set ---- */

/* How often each side has somebody. */
struct count {
	struct member m;
	uint32_t n[3];
	uint32_t due; /* how often the result still lacks it */
};

/* Left and right have no say in the order: rows stand as they do, texts by themselves. */
static int compare_counts(const void *a, const void *b)
{
	const struct member *x = &((const struct count *)a)->m, *y = &((const struct count *)b)->m;

	if (x->who >= TEXT && y->who >= TEXT)
		return strcmp(x->text, y->text);
	return (x->who > y->who) - (x->who < y->who);
}

static uint32_t wanted(const uint32_t n[static 3])
{
	if (n[MERGE_LEFT] == n[MERGE_BASE])
		return n[MERGE_RIGHT];
	if (n[MERGE_RIGHT] == n[MERGE_BASE])
		return n[MERGE_LEFT];
	return n[MERGE_LEFT] > n[MERGE_RIGHT] ? n[MERGE_LEFT] : n[MERGE_RIGHT];
}

struct counts {
	struct count *v;
	uint32_t n;
	struct map at; /* who → index + 1 */
};

static struct count *count_of(const struct counts *c, uint64_t who)
{
	uintptr_t i = (uintptr_t)map_get(&c->at, &who, sizeof(who));

	return i == 0 ? NULL : &c->v[i - 1];
}

static void count_side(struct counts *c, const struct members *all, enum merge_side s)
{
	for (uint32_t i = 0; i < all->n; i++) {
		struct count *known = count_of(c, all->v[i].who);

		if (known == NULL) {
			known = &c->v[c->n];
			*known = (struct count){.m = all->v[i]};
			map_put(&c->at, &known->m.who, sizeof(known->m.who),
				(void *)(uintptr_t)++c->n);
		}
		known->n[s]++;
	}
}

static void counts_init(struct counts *c, const struct members side[static 3])
{
	*c = (struct counts){.at = MAP_INIT};
	c->v = mem_alloc(((size_t)side[0].n + side[1].n + side[2].n + 1) * sizeof(*c->v));
	for (int s = 0; s < 3; s++)
		count_side(c, &side[s], (enum merge_side)s);
	sort_stable(c->v, c->n, sizeof(*c->v), compare_counts);
	for (uint32_t i = 0; i < c->n; i++) {
		map_put(&c->at, &c->v[i].m.who, sizeof(c->v[i].m.who), (void *)((uintptr_t)i + 1));
		c->v[i].due = wanted(c->v[i].n);
	}
}

static void counts_fini(struct counts *c)
{
	map_fini(&c->at);
	free(c->v);
}

/* ---- the order ---- */

/* The next from i on that base had and the result has. */
static uint32_t survivor(const struct counts *c, const struct members *all, uint32_t i)
{
	for (; i < all->n; i++) {
		const struct count *known = count_of(c, all->v[i].who);
		if (known->n[MERGE_BASE] > 0 && wanted(known->n) > 0)
			break;
	}
	return i;
}

static bool same_order(const struct counts *c, const struct members *a, const struct members *b)
{
	uint32_t i = survivor(c, a, 0), j = survivor(c, b, 0);

	while (i < a->n && j < b->n && a->v[i].who == b->v[j].who) {
		i = survivor(c, a, i + 1);
		j = survivor(c, b, j + 1);
	}
	return i == a->n && j == b->n;
}

/* Who alone changed the order has it; else it is base's. */
static enum merge_side order_of(const struct counts *c, const struct members side[static 3])
{
	bool left = same_order(c, &side[MERGE_BASE], &side[MERGE_LEFT]);
	bool right = same_order(c, &side[MERGE_BASE], &side[MERGE_RIGHT]);

	if (left && !right)
		return MERGE_RIGHT;
	if (right && !left)
		return MERGE_LEFT;
	return same_order(c, &side[MERGE_LEFT], &side[MERGE_RIGHT]) ? MERGE_LEFT : MERGE_BASE;
}

/* ---- what is written ---- */

struct writer {
	struct merger *g;
	const struct merge_row *row;
	struct book_entry *out;
	const struct members *side;
	struct counts counts; /* v = NULL: nobody asked yet */
};

static const struct counts *counts(struct writer *w)
{
	if (w->counts.v == NULL)
		counts_init(&w->counts, w->side);
	return &w->counts;
}

static bool in_side(struct writer *w, const struct member *m, enum merge_side s)
{
	return count_of(counts(w), m->who)->n[s] > 0;
}

/* One side has it as a member, another took it away from this list. */
static void add_dangling(struct writer *w, const struct member *m, const struct merge_row *target)
{
	struct merge_conflict c = merge_conflict_of(w->row, "member"),
			      t = merge_conflict_of(target, "");
	const char *name = *t.name ? t.name : t.key;
	const char *text = m->raw->text && *m->raw->text ? m->raw->text : m->raw->key;

	c.reason = "dangling_member";
	c.base = in_side(w, m, MERGE_BASE) ? name : NULL;
	c.left = in_side(w, m, MERGE_LEFT) ? name : NULL;
	c.right = in_side(w, m, MERGE_RIGHT) ? name : NULL;
	int side = merge_settle(w->g, &c);
	if (side < 0 || in_side(w, m, (enum merge_side)side))
		book_add_member(w->g->m->book, w->out, NULL, text);
}

static void add_member(struct writer *w, const struct member *m)
{
	const struct merge_row *target = m->who < TEXT ? &w->g->row[m->who] : NULL;

	if (target == NULL) {
		book_add_member(w->g->m->book, w->out, NULL,
			m->raw->text && *m->raw->text ? m->raw->text : m->raw->key);
	} else if (!target->kept || strcmp(target->slot, w->row->slot) != 0) {
		add_dangling(w, m, target);
	} else {
		bool written = m->raw->text && *m->raw->text;
		bool as_was = strcmp(m->raw->key, target->key) == 0;
		const char *text = !written ? "" : as_was ? m->raw->text : target->key;

		book_add_member(w->g->m->book, w->out, target->key, text);
	}
}

static void put_together(struct writer *w)
{
	const struct counts *c = counts(w);
	const struct members *order = &w->side[order_of(c, w->side)];

	for (uint32_t i = 0; i < order->n; i++) {
		struct count *known = count_of(c, order->v[i].who);
		if (known->n[MERGE_BASE] == 0 || known->due == 0)
			continue;
		known->due--;
		add_member(w, &order->v[i]);
	}
	for (uint32_t i = 0; i < c->n; i++)
		for (; c->v[i].due > 0; c->v[i].due--)
			add_member(w, &c->v[i].m);
}

/* Whose members they are where no set has to be made: enum merge_side, or -1. */
static int taken(const struct merge_row *row, const struct members side[static 3])
{
	if (row->take >= 0)
		return row->take;
	if (equal(&side[MERGE_LEFT], &side[MERGE_BASE]))
		return MERGE_RIGHT;
	if (equal(&side[MERGE_RIGHT], &side[MERGE_BASE]) ||
		equal(&side[MERGE_RIGHT], &side[MERGE_LEFT]))
		return MERGE_LEFT;
	return -1;
}

void merge_members(struct merger *g, const struct merge_row *row, struct book_entry *out)
{
	struct members side[3];
	struct writer w = {.g = g, .row = row, .out = out, .side = side};

	out->n_members = 0;
	for (int s = 0; s < 3; s++)
		side[s] = members_of(g, row, (enum merge_side)s);
	int take = taken(row, side);
	if (take < 0)
		put_together(&w);
	for (uint32_t i = 0; take >= 0 && i < side[take].n; i++)
		add_member(&w, &side[take].v[i]);
	for (int s = 0; s < 3; s++)
		free(side[s].v);
	counts_fini(&w.counts);
}
