// SPDX-License-Identifier: Apache-2.0
/* The lists of a merge: which there are, and what they are called. */
#include <stdlib.h>
#include <string.h>

#include "common/base/sort.h"
#include "common/book/compare/merge_priv.h"

static const struct book_list *list_of(const struct merger *g, int side, const char *slot)
{
	return book_find_list(g->side[side].book, slot);
}

static const char *normal_name(const struct merger *g, int side, const char *slot)
{
	const struct book_list *l = book_find_list(g->side[side].view, slot);

	return l && *l->name ? l->name : NULL;
}

static const char *merge_name(struct merger *g, const struct book_list *l, bool in_base)
{
	const char *name[3];
	int side;

	for (int s = 0; s < 3; s++)
		name[s] = normal_name(g, s, l->slot);
	if (in_base && list_of(g, MERGE_LEFT, l->slot) == NULL)
		name[MERGE_LEFT] = name[MERGE_BASE];
	if (in_base && list_of(g, MERGE_RIGHT, l->slot) == NULL)
		name[MERGE_RIGHT] = name[MERGE_BASE];
	side = merge_pick(name[MERGE_BASE], name[MERGE_LEFT], name[MERGE_RIGHT]);
	if (side < 0) {
		struct merge_conflict c = {l->slot, "", "", "list.name", "both_changed",
			name[MERGE_BASE], name[MERGE_LEFT], name[MERGE_RIGHT]};
		side = merge_settle(g, &c);
		side = side < 0 ? MERGE_BASE : side;
	}
	return name[side];
}

static bool has_rows(const struct merger *g, const char *slot)
{
	for (uint32_t i = 0; i < g->n; i++)
		if (g->row[i].kept && strcmp(g->row[i].slot, slot) == 0)
			return true;
	return false;
}

static void merge_list(struct merger *g, const struct book_list *l)
{
	bool b = list_of(g, MERGE_BASE, l->slot) != NULL;
	bool both = list_of(g, MERGE_LEFT, l->slot) && list_of(g, MERGE_RIGHT, l->slot);

	if (book_find_list(g->m->book, l->slot) != NULL)
		return;
	if (!b || both || has_rows(g, l->slot))
		(void)book_add_list(g->m->book, l->slot, l->kind, merge_name(g, l, b));
}

static int compare_lists(const void *a, const void *b)
{
	return number_order((*(const struct book_list *const *)a)->slot,
		(*(const struct book_list *const *)b)->slot);
}

/* Base's lists in their order, then added ones by slot. */
void merge_lists(struct merger *g)
{
	const struct book *l = g->side[MERGE_LEFT].book, *r = g->side[MERGE_RIGHT].book;
	const struct book_list **added =
		mem_alloc(((size_t)l->n_lists + r->n_lists + 1) * sizeof(*added));
	uint32_t n = 0;

	for (uint32_t i = 0; i < g->side[MERGE_BASE].book->n_lists; i++)
		merge_list(g, &g->side[MERGE_BASE].book->list[i]);
	for (uint32_t i = 0; i < l->n_lists; i++)
		added[n++] = &l->list[i];
	for (uint32_t i = 0; i < r->n_lists; i++)
		added[n++] = &r->list[i];
	sort_stable(added, n, sizeof(*added), compare_lists);
	for (uint32_t i = 0; i < n; i++)
		if (list_of(g, MERGE_BASE, added[i]->slot) == NULL)
			merge_list(g, added[i]);
	free(added);
}
