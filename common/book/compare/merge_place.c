// SPDX-License-Identifier: Apache-2.0
/* Where the entries of a merge stand: list, number, uuid and key go together. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/base/map.h"
#include "common/base/sort.h"
#include "common/book/compare/merge_priv.h"

/* ---- what the sides say ---- */

struct place {
	const char *slot, *key, *number, *uuid;
};

static struct place place_of(const struct match_item *it)
{
	return (struct place){it->list->slot, it->raw->key, fields_get(&it->normal->f, F_NUMBER),
		fields_get(&it->normal->f, F_UUID)};
}

static bool same_place(const struct place *a, const struct place *b)
{
	return strcmp(a->slot, b->slot) == 0 && strcmp(a->key, b->key) == 0 &&
	       merge_same_text(a->number, b->number) && merge_same_text(a->uuid, b->uuid);
}

static int compare_place(const struct place *a, const struct place *b)
{
	int order = number_order(a->number, b->number);

	if (order == 0)
		order = strcmp(a->key, b->key);
	return order ? order : number_order(a->uuid, b->uuid);
}

static void put(struct merge_row *row, const struct place *p)
{
	row->slot = p->slot;
	row->key = p->key;
	row->number = p->number;
	row->uuid = p->uuid;
}

/* Both sides moved or renumbered it, and not alike. */
static int settle(struct merger *g, const struct merge_row *row, const struct place *p)
{
	bool lists = strcmp(p[MERGE_LEFT].slot, p[MERGE_RIGHT].slot) != 0;
	struct merge_conflict c = merge_conflict_of(row, lists ? "list" : "number");

	c.reason = "both_changed";
	c.base = lists ? p[MERGE_BASE].slot : p[MERGE_BASE].number;
	c.left = lists ? p[MERGE_LEFT].slot : p[MERGE_LEFT].number;
	c.right = lists ? p[MERGE_RIGHT].slot : p[MERGE_RIGHT].number;
	int side = merge_settle(g, &c);
	return side < 0 ? MERGE_BASE : side;
}

static void decide(struct merger *g, struct merge_row *row)
{
	const struct match_item *b = row->side[MERGE_BASE], *l = row->side[MERGE_LEFT],
				*r = row->side[MERGE_RIGHT];
	struct place p[3] = {{NULL}};

	bug_if(b == NULL && l == NULL && r == NULL);
	for (int s = 0; s < 3; s++)
		if (row->side[s])
			p[s] = place_of(row->side[s]);
	if (l == NULL || r == NULL)
		put(row, &p[l ? MERGE_LEFT : r ? MERGE_RIGHT : MERGE_BASE]);
	else if (b == NULL)
		put(row, compare_place(&p[MERGE_LEFT], &p[MERGE_RIGHT]) <= 0 ? &p[MERGE_LEFT]
									     : &p[MERGE_RIGHT]);
	else if (same_place(&p[MERGE_LEFT], &p[MERGE_BASE]))
		put(row, &p[MERGE_RIGHT]);
	else if (same_place(&p[MERGE_RIGHT], &p[MERGE_BASE]) ||
		 same_place(&p[MERGE_RIGHT], &p[MERGE_LEFT]))
		put(row, &p[MERGE_LEFT]);
	else
		put(row, &p[settle(g, row, p)]);
}

/* ---- collisions ---- */

/* Two that share a place in one of the books did so before the merge. */
static bool shared_before(const struct merge_row *a, const struct merge_row *b)
{
	for (int s = 0; s < 3; s++) {
		if (a->side[s] == NULL || b->side[s] == NULL)
			continue;
		struct place p = place_of(a->side[s]), q = place_of(b->side[s]);

		if (strcmp(p.slot, q.slot) == 0 &&
			(merge_same_text(p.key, q.key) ||
				(p.number && merge_same_text(p.number, q.number))))
			return true;
	}
	return false;
}

/* The names under which a place is taken: "#number" and "=key" of a list. */
struct taken {
	struct map map;
	struct buf key;
};

static void name_place(struct taken *t, const char *slot, char sign, const char *text)
{
	buf_reset(&t->key);
	buf_add(&t->key, slot, strlen(slot) + 1);
	buf_addc(&t->key, sign);
	buf_adds(&t->key, text);
}

static struct merge_row *holder(struct taken *t, const char *slot, char sign, const char *text)
{
	if (text == NULL)
		return NULL;
	name_place(t, slot, sign, text);
	return map_get(&t->map, t->key.p, t->key.n);
}

static void take(struct taken *t, struct merge_row *row)
{
	name_place(t, row->slot, '=', row->key);
	map_put(&t->map, t->key.p, t->key.n, row);
	if (row->number == NULL)
		return;
	name_place(t, row->slot, '#', row->number);
	map_put(&t->map, t->key.p, t->key.n, row);
}

static bool collides(struct taken *t, const struct merge_row *row)
{
	struct merge_row *by_key = holder(t, row->slot, '=', row->key);
	struct merge_row *by_number = holder(t, row->slot, '#', row->number);

	return (by_key && !shared_before(by_key, row)) ||
	       (by_number && !shared_before(by_number, row));
}

/* The number from which the next free one is looked for. */
static uint64_t number_of(const struct merge_row *row)
{
	const char *s = row->number ? row->number : row->key;
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if (!ascii_digit(s[i]))
			return 0;
	return n <= 18 ? strtoull(s, NULL, 10) : 0;
}

static const struct profile_list *limits_of(const struct merger *g, const char *slot)
{
	const struct book_profile *p = g->opts->profile;

	for (uint32_t i = 0; p != NULL && i < p->n_lists; i++)
		if (strcmp(p->list[i].slot, slot) == 0)
			return &p->list[i];
	return NULL;
}

/* Losers come in the order of their numbers: what one found taken, the next need not try. */
struct search {
	const char *slot;
	uint64_t tried;   /* nothing up to here is free above the loser before */
	uint64_t wrapped; /* the same from the list's first number on */
};

static uint64_t next_free(struct taken *t, const char *slot, uint64_t n, char text[static 24])
{
	do {
		n++;
		(void)snprintf(text, 24, "%llu", (unsigned long long)n);
	} while (holder(t, slot, '#', text) || holder(t, slot, '=', text));
	return n;
}

static void find_place(struct merger *g, struct taken *t, struct search *s, struct merge_row *row)
{
	const struct profile_list *limit = limits_of(g, row->slot);
	uint64_t from = number_of(row), n;
	char text[24], around[24];

	if (s->slot == NULL || strcmp(s->slot, row->slot) != 0)
		*s = (struct search){row->slot, 0, limit && limit->first ? limit->first - 1 : 0};
	n = next_free(t, row->slot, from > s->tried ? from : s->tried, text);
	if (limit && limit->last && n > limit->last) {
		uint64_t again = next_free(t, row->slot, s->wrapped, around);

		if (again <= limit->last) {
			memcpy(text, around, sizeof(text));
			s->wrapped = again;
		}
	} else {
		s->tried = n;
	}
	const char *name = entry_name(
		row->side[MERGE_LEFT] ? row->side[MERGE_LEFT]->raw : row->side[MERGE_RIGHT]->raw);
	const char *was = row->number ? row->number : row->key;
	merge_note(g, "%s was renumbered %s → %s: another entry has its place in list %s",
		*name ? name : "An entry without name", was, text, row->slot);
	char *kept = arena_strdup(&g->m->arena, text);
	g->failed |= kept == NULL;
	row->key = kept ? kept : "";
	row->number = row->number ? row->key : NULL;
	row->uuid = NULL;
	take(t, row);
}

static int compare_losers(const void *a, const void *b)
{
	const struct merge_row *x = *(struct merge_row *const *)a;
	const struct merge_row *y = *(struct merge_row *const *)b;
	int order = number_order(x->slot, y->slot);

	if (order == 0) {
		uint64_t n = number_of(x), m = number_of(y);
		order = (n > m) - (n < m);
	}
	return order; /* stable: rows are in their order */
}

void merge_places(struct merger *g)
{
	struct merge_row **loser = mem_alloc(size_max(g->n, 1) * sizeof(*loser));
	struct taken t = {.map = MAP_INIT, .key = BUF_INIT};
	struct search s = {.slot = NULL};
	uint32_t n = 0;

	for (uint32_t i = 0; i < g->n; i++) {
		struct merge_row *row = &g->row[i];

		if (!row->kept)
			continue;
		decide(g, row);
		if (collides(&t, row))
			loser[n++] = row;
		else
			take(&t, row);
	}
	sort_stable(loser, n, sizeof(struct merge_row *), compare_losers);
	for (uint32_t i = 0; i < n; i++)
		find_place(g, &t, &s, loser[i]);
	map_fini(&t.map);
	buf_fini(&t.key);
	free(loser);
}
