// SPDX-License-Identifier: Apache-2.0
/* Three-way merge of books (address-books.md 9.3): what each entry is on the three sides, what
 * becomes of it, and the lists around. */
#include "common/book/compare/merge.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/sort.h"
#include "common/book/compare/merge_priv.h"

/* ---- conflicts and notes ---- */

static const char *keep(struct merger *g, const char *s)
{
	char *copy = s ? arena_strdup(&g->m->arena, s) : NULL;

	g->failed |= s && copy == NULL;
	return copy;
}

int merge_settle(struct merger *g, const struct merge_conflict *c)
{
	struct merge *m = g->m;
	int side = g->opts->resolve ? g->opts->resolve(c, g->opts->arg) : -1;

	if (side < 0)
		side = g->opts->prefer;
	if (side >= MERGE_BASE && side <= MERGE_RIGHT)
		return side;
	if (m->n == m->cap) {
		m->cap = m->cap ? m->cap * 2 : 16;
		m->conflict = mem_realloc(m->conflict, m->cap * sizeof(*m->conflict));
	}
	m->conflict[m->n++] = (struct merge_conflict){keep(g, c->list), keep(g, c->key),
		keep(g, c->name), keep(g, c->field), keep(g, c->reason), keep(g, c->base),
		keep(g, c->left), keep(g, c->right)};
	return -1;
}

void merge_note(struct merger *g, const char *fmt, ...)
{
	struct merge *m = g->m;
	struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_addv(&text, fmt, ap);
	va_end(ap);
	if (m->n_notes == m->cap_notes) {
		m->cap_notes = m->cap_notes ? m->cap_notes * 2 : 16;
		m->note = mem_realloc(m->note, m->cap_notes * sizeof(*m->note));
	}
	m->note[m->n_notes++] = keep(g, buf_str(&text));
	buf_fini(&text);
}

struct merge_conflict merge_conflict_of(const struct merge_row *row, const char *field)
{
	const struct match_item *it = NULL;

	for (int s = 2; s >= 0; s--)
		it = row->side[s] ? row->side[s] : it;
	return (struct merge_conflict){.list = it->list->slot,
		.key = it->raw->key,
		.name = entry_name(it->raw),
		.field = field};
}

bool merge_same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

int merge_pick(const char *base, const char *left, const char *right)
{
	if (merge_same_text(left, base))
		return MERGE_RIGHT;
	if (merge_same_text(right, base) || merge_same_text(left, right))
		return MERGE_LEFT;
	return -1;
}

/* ---- rows ---- */

static uint32_t *indexes(uint32_t n)
{
	uint32_t *v = mem_alloc(size_max(n, 1) * sizeof(*v));

	memset(v, 0xFF, n * sizeof(*v));
	return v;
}

static void add_base_rows(struct merger *g)
{
	for (uint32_t i = 0; i < g->side[MERGE_BASE].n; i++) {
		g->row[i].side[MERGE_BASE] = &g->side[MERGE_BASE].v[i];
		g->row_of[MERGE_BASE][i] = i;
	}
	g->n = g->side[MERGE_BASE].n;
	for (int s = MERGE_LEFT; s <= MERGE_RIGHT; s++) {
		match_sides(&g->side[MERGE_BASE], &g->side[s]);
		for (uint32_t i = 0; i < g->side[s].n; i++) {
			uint32_t row = g->side[s].v[i].pair;

			if (row == NO_PAIR)
				continue;
			g->row[row].side[s] = &g->side[s].v[i];
			g->row_of[s][i] = row;
		}
	}
}

static int compare_content(const struct book_entry *x, const struct book_entry *y)
{
	struct buf a = BUF_INIT, b = BUF_INIT;

	entry_content(x, &a);
	entry_content(y, &b);
	int order = a.n != b.n ? (a.n < b.n ? -1 : 1) : a.n ? memcmp(a.p, b.p, a.n) : 0;
	buf_fini(&a);
	buf_fini(&b);
	return order;
}

static int compare_items(const struct match_item *x, const struct match_item *y)
{
	int order = number_order(x->list->slot, y->list->slot);

	if (order == 0)
		order = number_order(
			fields_get(&x->normal->f, F_NUMBER), fields_get(&y->normal->f, F_NUMBER));
	if (order == 0)
		order = strcmp(x->raw->key, y->raw->key);
	return order ? order : compare_content(x->normal, y->normal);
}

/* By the lesser of its places: the order must not know left from right. */
static const struct match_item *lesser(const struct merge_row *row)
{
	const struct match_item *l = row->side[MERGE_LEFT], *r = row->side[MERGE_RIGHT];

	if (l == NULL || r == NULL)
		return l ? l : r;
	return compare_items(l, r) <= 0 ? l : r;
}

static int compare_rows(const void *a, const void *b)
{
	return compare_items(lesser(a), lesser(b));
}

/* What is not of base; equal additions of both sides are one. */
static void add_added_rows(struct merger *g)
{
	struct match_side *l = &g->side[MERGE_LEFT], *r = &g->side[MERGE_RIGHT];
	uint32_t first = g->n;

	for (uint32_t i = 0; i < l->n; i++)
		l->v[i].pair = g->row_of[MERGE_LEFT][i];
	for (uint32_t i = 0; i < r->n; i++)
		r->v[i].pair = g->row_of[MERGE_RIGHT][i];
	match_equal(l, r);
	for (uint32_t i = 0; i < l->n; i++) {
		if (g->row_of[MERGE_LEFT][i] != NO_PAIR)
			continue;
		g->row[g->n].side[MERGE_LEFT] = &l->v[i];
		if (l->v[i].pair != NO_PAIR)
			g->row[g->n].side[MERGE_RIGHT] = &r->v[l->v[i].pair];
		g->n++;
	}
	for (uint32_t i = 0; i < r->n; i++)
		if (g->row_of[MERGE_RIGHT][i] == NO_PAIR && r->v[i].pair == NO_PAIR)
			g->row[g->n++].side[MERGE_RIGHT] = &r->v[i];
	sort_stable(g->row + first, g->n - first, sizeof(*g->row), compare_rows);
	for (uint32_t i = first; i < g->n; i++)
		for (int s = MERGE_LEFT; s <= MERGE_RIGHT; s++)
			if (g->row[i].side[s])
				g->row_of[s][g->row[i].side[s] - g->side[s].v] = i;
}

static void make_rows(struct merger *g)
{
	size_t n = (size_t)g->side[0].n + g->side[1].n + g->side[2].n;

	g->row = mem_alloc(size_max(n, 1) * sizeof(*g->row));
	for (int s = 0; s < 3; s++)
		g->row_of[s] = indexes(g->side[s].n);
	add_base_rows(g);
	add_added_rows(g);
}

/* ---- what becomes of a row ---- */

/* Removed on one side; on the other it is as it was, or changed. */
static void settle_removed(struct merger *g, struct merge_row *row)
{
	enum merge_side there = row->side[MERGE_LEFT] ? MERGE_LEFT : MERGE_RIGHT;
	struct merge_conflict c = merge_conflict_of(row, "");

	if (merge_same_content(g, row, MERGE_BASE, there))
		return;
	c.reason = "removed_and_changed";
	c.base = "there";
	c.left = there == MERGE_LEFT ? "changed" : NULL;
	c.right = there == MERGE_RIGHT ? "changed" : NULL;
	int side = merge_settle(g, &c);
	row->take = side == MERGE_BASE ? MERGE_BASE : (int)there;
	row->kept = side < 0 || side == MERGE_BASE || side == (int)there;
}

static void settle_row(struct merger *g, struct merge_row *row)
{
	bool b = row->side[MERGE_BASE], l = row->side[MERGE_LEFT], r = row->side[MERGE_RIGHT];

	row->take = -1;
	if (b && !l && !r)
		return;
	if (b && (!l || !r)) {
		settle_removed(g, row);
		return;
	}
	row->kept = true;
	if (!l || !r)
		row->take = l ? MERGE_LEFT : MERGE_RIGHT;
	else if (b && merge_same_content(g, row, MERGE_BASE, MERGE_LEFT))
		row->take = MERGE_RIGHT;
	else if ((b && merge_same_content(g, row, MERGE_BASE, MERGE_RIGHT)) ||
		 merge_same_content(g, row, MERGE_LEFT, MERGE_RIGHT))
		row->take = MERGE_LEFT;
}

/* ---- entries ---- */

static void set_place(struct merger *g, const struct merge_row *row, struct book_entry *out)
{
	struct book *b = g->m->book;
	const char *number =
		row->take < 0 ? NULL : fields_get(&row->side[row->take]->normal->f, F_NUMBER);

	out->key = book_str(b, row->key);
	out->at = (struct book_place){0, 0};
	if (!merge_same_text(number, row->number) || number == NULL)
		book_set(b, &out->f, F_NUMBER, row->number);
	book_set(b, &out->f, F_UUID, row->uuid);
}

static void merge_row(struct merger *g, const struct merge_row *row)
{
	struct book_list *l = book_find_list(g->m->book, row->slot);
	struct book_entry *out;

	bug_if(l == NULL);
	if (row->take >= 0)
		out = book_copy_entry(g->m->book, l, row->side[row->take]->raw);
	else
		out = book_add_entry(g->m->book, l, row->key);
	if (g->m->book->too_big)
		return;
	for (int s = 0; s < 3; s++)
		out->group |= row->side[s] && row->side[s]->raw->group;
	set_place(g, row, out);
	merge_content(g, row, out);
	merge_members(g, row, out);
}

/* ---- all of it ---- */

static int start(struct merger *g, const struct book *const book[static 3])
{
	int rc = 0;

	arena_init(&g->m->arena, BOOK_ARENA_MAX);
	for (int s = 0; s < 3; s++)
		rc |= match_side_init(&g->side[s], book[s], g->opts->profile);
	g->m->book = book_new(book[MERGE_BASE]->family);
	g->m->book->codec = book_str(g->m->book, book[MERGE_BASE]->codec);
	g->m->book->charset = book_str(g->m->book, book[MERGE_BASE]->charset);
	for (uint32_t i = 0; i < book[MERGE_BASE]->n_meta; i++)
		book_add_meta(g->m->book, book[MERGE_BASE]->meta[i].name,
			book[MERGE_BASE]->meta[i].value);
	return rc;
}

static void finish(struct merger *g)
{
	for (int s = 0; s < 3; s++) {
		match_side_fini(&g->side[s]);
		map_fini(&g->keys[s]);
		free(g->row_of[s]);
	}
	map_fini(&g->texts);
	free(g->row);
}

int book_merge(const struct book *base, const struct book *left, const struct book *right,
	const struct merge_options *opts, struct merge *ret)
{
	static const struct merge_options none = {.prefer = -1};
	struct merger g = {.opts = opts ? opts : &none, .m = ret};

	*ret = (struct merge){.book = NULL};
	int rc = start(&g, (const struct book *const[]){base, left, right});
	if (rc == 0) {
		make_rows(&g);
		for (int s = 0; s < 3; s++)
			match_index_members(&g.side[s], &g.keys[s]);
		for (uint32_t i = 0; i < g.n; i++)
			settle_row(&g, &g.row[i]);
		merge_places(&g);
		merge_lists(&g);
		for (uint32_t i = 0; i < g.n && !ret->book->too_big; i++)
			if (g.row[i].kept)
				merge_row(&g, &g.row[i]);
	}
	if (ret->book->too_big || g.failed)
		rc = -1;
	finish(&g);
	if (rc < 0)
		merge_fini(ret);
	return rc;
}

void merge_fini(struct merge *m)
{
	book_free(m->book);
	arena_fini(&m->arena);
	free(m->conflict);
	free(m->note);
	*m = (struct merge){.book = NULL};
}
