// SPDX-License-Identifier: Apache-2.0
/* Destinations and their passwords in a merge. What a side withholds says nothing; what somebody
 * knows is not lost to what nobody tells. */
#include <stdlib.h>
#include <string.h>

#include "common/book/compare/merge_priv.h"

/* ---- passwords ---- */

static bool told(const struct book_secret *s)
{
	return s->state != SECRET_WITHHELD && s->state != SECRET_UNKNOWN;
}

static bool same_secret(const struct book_secret *a, const struct book_secret *b)
{
	return a->state == b->state && merge_same_text(a->text, b->text) &&
	       merge_same_text(a->scheme, b->scheme);
}

bool merge_same_secrets(const struct book_entry *a, bool base, const struct book_entry *b)
{
	uint32_t *pair = mem_alloc(size_max(a->n_dests, 1) * sizeof(*pair));
	bool same = true;

	match_dests(a, b, pair);
	for (uint32_t i = 0; i < a->n_dests && same; i++) {
		const struct book_secret *x = &a->dest[i].secret;
		const struct book_secret *y = pair[i] == NO_PAIR ? x : &b->dest[pair[i]].secret;

		same = !told(y) || (!base && !told(x)) || same_secret(x, y);
	}
	free(pair);
	return same;
}

/* What somebody knows is not lost to what nobody tells. b may be NULL. NULL = they contradict. */
static const struct book_secret *merge_secret(
	const struct book_secret *b, const struct book_secret *l, const struct book_secret *r)
{
	bool left = told(l) && (b ? !same_secret(l, b) : l->state != SECRET_ABSENT);
	bool right = told(r) && (b ? !same_secret(r, b) : r->state != SECRET_ABSENT);

	if (left && right)
		return same_secret(l, r) ? l : NULL;
	if (left || right)
		return left ? l : r;
	if (b && told(b))
		return b;
	if (b && same_secret(l, b))
		return r;
	if (b && same_secret(r, b))
		return l;
	return l->state > r->state ? l : r;
}

static const char *secret_word(const struct book_secret *s)
{
	if (s->state == SECRET_ABSENT)
		return "not set";
	return told(s) ? "set" : secret_state_name(s->state);
}

/* ---- destinations ---- */

/* One destination on each side; NULL = not there. */
struct dest_row {
	const struct book_dest *normal[3], *raw[3];
	uint32_t nth; /* from 1 among its kind; 0 = the only one */
};

static enum dest_kind kind_of(const struct dest_row *d)
{
	for (int s = 0; s < 3; s++)
		if (d->normal[s])
			return d->normal[s]->kind;
	return DEST_NONE;
}

/* "email", "file[2]" */
static void dest_path(const struct dest_row *d, struct buf *out)
{
	buf_adds(out, dest_kind_name(kind_of(d)));
	if (d->nth > 0)
		buf_addf(out, "[%u]", d->nth);
}

static void put_secret(struct merger *g, const struct merge_row *row, const struct dest_row *d,
	struct book_dest *out)
{
	const struct book_secret *b = d->normal[MERGE_BASE] ? &d->normal[MERGE_BASE]->secret : NULL;
	const struct book_dest *left = d->normal[MERGE_LEFT], *right = d->normal[MERGE_RIGHT];
	const struct book_secret *l = &(left ? left : right)->secret;
	const struct book_secret *r = &(right ? right : left)->secret;
	const struct book_secret *pick = merge_secret(b, l, r);
	struct buf path = BUF_INIT;

	if (pick == NULL) {
		dest_path(d, &path);
		buf_adds(&path, ".secret");
		struct merge_conflict c = merge_conflict_of(row, buf_str(&path));
		c.reason = "both_changed";
		c.base = b ? secret_word(b) : NULL;
		c.left = secret_word(l);
		c.right = secret_word(r);
		int side = merge_settle(g, &c);
		pick = side == MERGE_LEFT ? l : side == MERGE_RIGHT ? r : b;
	} else if (b && told(b) && pick == b && !told(l) && !told(r)) {
		merge_note(g, "%s: both sides withhold a password that is known: it is kept",
			merge_conflict_of(row, "").name);
	}
	if (pick)
		book_set_secret(g->m->book, out, pick->state, pick->text, pick->scheme);
	buf_fini(&path);
}

static bool same_but_place(const struct book_dest *a, const struct book_dest *b)
{
	struct book_dest x = *a, y = *b;

	if (!told(&x.secret) || !told(&y.secret))
		x.secret = y.secret;
	return same_dest(&x, &y);
}

/* Gone on one side, not on the other. false = it goes. */
static bool settle_dest(struct merger *g, const struct merge_row *row, struct dest_row *d)
{
	int there = d->normal[MERGE_LEFT] ? MERGE_LEFT : MERGE_RIGHT;
	struct merge_conflict c;
	struct buf path = BUF_INIT;

	if (d->normal[MERGE_BASE] == NULL)
		return true; /* an addition */
	if (same_but_place(d->normal[there], d->normal[MERGE_BASE]))
		return false;
	dest_path(d, &path);
	c = merge_conflict_of(row, buf_str(&path));
	c.reason = "removed_and_changed";
	c.base = "there";
	c.left = there == MERGE_LEFT ? "changed" : NULL;
	c.right = there == MERGE_RIGHT ? "changed" : NULL;
	int side = merge_settle(g, &c);
	buf_fini(&path);
	if (side == MERGE_BASE)
		d->normal[there] = d->normal[MERGE_BASE], d->raw[there] = d->raw[MERGE_BASE];
	return side < 0 || side == there || side == MERGE_BASE;
}

static void put_dest(
	struct merger *g, const struct merge_row *row, struct dest_row *d, struct book_entry *e)
{
	struct merge_values s = {{NULL}, {NULL}};
	struct buf path = BUF_INIT;
	const int all[] = {MERGE_BASE, MERGE_LEFT, MERGE_RIGHT};

	if (d->normal[MERGE_LEFT] == NULL && d->normal[MERGE_RIGHT] == NULL)
		return;
	bool lone = d->normal[MERGE_LEFT] == NULL || d->normal[MERGE_RIGHT] == NULL;
	if (lone && !settle_dest(g, row, d))
		return;
	for (size_t i = 0; i < array_len(all); i++) {
		int from = all[i];
		if (lone && from != MERGE_BASE) /* the missing side has no say */
			from = d->normal[MERGE_LEFT] ? MERGE_LEFT : MERGE_RIGHT;
		s.normal[i] = d->normal[from] ? &d->normal[from]->f : NULL;
		s.raw[i] = d->raw[from] ? &d->raw[from]->f : NULL;
	}
	dest_path(d, &path);
	buf_addc(&path, '.');
	struct book_dest *out = book_add_dest(g->m->book, e, kind_of(d));
	merge_fields(g, row, buf_str(&path), &s, &out->f);
	put_secret(g, row, d, out);
	buf_fini(&path);
}

/* ---- which destinations are the same ---- */

struct dest_rows {
	struct dest_row *v;
	uint32_t n;
};

static void set_side(struct dest_row *d, int s, const struct match_item *it, uint32_t at)
{
	d->normal[s] = &it->normal->dest[at];
	d->raw[s] = &it->raw->dest[at];
}

/* Fills in the partners of base's destinations; the indexes of the others come to added. */
static uint32_t pair_side(
	const struct merge_row *row, struct dest_rows *rows, int s, uint32_t *added)
{
	const struct match_item *b = row->side[MERGE_BASE], *it = row->side[s];
	bug_if(it == NULL); /* what is put together stands on both sides */
	uint32_t n = it->normal->n_dests, m = b ? b->normal->n_dests : 0, n_added = 0;
	uint32_t *pair = mem_alloc(size_max(m, 1) * sizeof(*pair));
	bool *taken = mem_alloc((size_t)n + 1);

	if (b)
		match_dests(b->normal, it->normal, pair);
	for (uint32_t i = 0; i < m; i++)
		if (pair[i] != NO_PAIR) {
			set_side(&rows->v[i], s, it, pair[i]);
			taken[pair[i]] = true;
		}
	for (uint32_t i = 0; i < n; i++)
		if (!taken[i])
			added[n_added++] = i;
	free(pair);
	free(taken);
	return n_added;
}

/* An entry of nothing but those destinations. */
static struct book_entry only(const struct match_item *it, const uint32_t *at, uint32_t n)
{
	struct book_entry e = {.dest = mem_alloc(size_max(n, 1) * sizeof(struct book_dest))};

	for (uint32_t i = 0; i < n; i++)
		e.dest[e.n_dests++] = it->normal->dest[at[i]];
	return e;
}

/* Equal additions of both sides are one. */
static void add_added(const struct merge_row *row, struct dest_rows *rows, uint32_t *const added[2],
	const uint32_t n[2])
{
	const struct match_item *l = row->side[MERGE_LEFT], *r = row->side[MERGE_RIGHT];
	struct book_entry x = only(l, added[0], n[0]), y = only(r, added[1], n[1]);
	uint32_t *pair = mem_alloc(size_max(n[0], 1) * sizeof(*pair));
	bool *taken = mem_alloc((size_t)n[1] + 1);

	match_dests(&x, &y, pair);
	for (uint32_t i = 0; i < n[0]; i++) {
		struct dest_row *d = &rows->v[rows->n++];

		set_side(d, MERGE_LEFT, l, added[0][i]);
		if (pair[i] == NO_PAIR || !same_but_place(&x.dest[i], &y.dest[pair[i]]))
			continue;
		set_side(d, MERGE_RIGHT, r, added[1][pair[i]]);
		taken[pair[i]] = true;
	}
	for (uint32_t i = 0; i < n[1]; i++)
		if (!taken[i])
			set_side(&rows->v[rows->n++], MERGE_RIGHT, r, added[1][i]);
	free(x.dest);
	free(y.dest);
	free(pair);
	free(taken);
}

static void number_rows(struct dest_rows *rows)
{
	uint32_t total[DEST_KINDS] = {0}, seen[DEST_KINDS] = {0};

	for (uint32_t i = 0; i < rows->n; i++)
		total[kind_of(&rows->v[i])]++;
	for (uint32_t i = 0; i < rows->n; i++) {
		enum dest_kind kind = kind_of(&rows->v[i]);
		rows->v[i].nth = total[kind] > 1 ? ++seen[kind] : 0;
	}
}

static struct dest_rows dest_rows_of(const struct merge_row *row)
{
	const struct match_item *b = row->side[MERGE_BASE];
	uint32_t n = 0, *added[2], n_added[2];
	struct dest_rows rows;

	for (int s = 0; s < 3; s++)
		n += row->side[s] ? row->side[s]->normal->n_dests : 0;
	rows.v = mem_alloc(size_max(n, 1) * sizeof(*rows.v));
	rows.n = b ? b->normal->n_dests : 0;
	for (uint32_t i = 0; b && i < rows.n; i++)
		set_side(&rows.v[i], MERGE_BASE, b, i);
	for (int i = 0; i < 2; i++) {
		added[i] = mem_alloc(size_max(n, 1) * sizeof(uint32_t));
		n_added[i] = pair_side(row, &rows, MERGE_LEFT + i, added[i]);
	}
	add_added(row, &rows, added, n_added);
	number_rows(&rows);
	free(added[0]);
	free(added[1]);
	return rows;
}

void merge_dests(struct merger *g, const struct merge_row *row, struct book_entry *out)
{
	struct dest_rows rows = dest_rows_of(row);

	for (uint32_t i = 0; i < rows.n; i++)
		put_dest(g, row, &rows.v[i], out);
	free(rows.v);
}

/* ---- of a side that is taken as it is ---- */

/* Any side: what the one has not, the other may have. */
static bool has_secret(const struct merge_row *row)
{
	for (int s = 0; s < 3; s++) {
		const struct book_entry *e = row->side[s] ? row->side[s]->normal : NULL;
		for (uint32_t i = 0; e && i < e->n_dests; i++)
			if (e->dest[i].secret.state != SECRET_ABSENT)
				return true;
	}
	return false;
}

void merge_secrets(struct merger *g, const struct merge_row *row, struct book_entry *out)
{
	const struct book_entry *from = row->side[row->take]->normal;
	uint32_t *pair[3];

	if (!has_secret(row))
		return;
	for (int s = 0; s < 3; s++) {
		pair[s] = mem_alloc(size_max(from->n_dests, 1) * sizeof(**pair));
		if (row->side[s])
			match_dests(from, row->side[s]->normal, pair[s]);
	}
	for (uint32_t i = 0; i < from->n_dests && i < out->n_dests; i++) {
		const struct book_secret *v[3] = {NULL, NULL, NULL};

		for (int s = 0; s < 3; s++)
			if (row->side[s] && pair[s][i] != NO_PAIR)
				v[s] = &row->side[s]->normal->dest[pair[s][i]].secret;
		const struct book_secret *own = &from->dest[i].secret;
		const struct book_secret *pick = merge_secret(v[MERGE_BASE],
			v[MERGE_LEFT] ? v[MERGE_LEFT] : own, v[MERGE_RIGHT] ? v[MERGE_RIGHT] : own);
		if (pick)
			book_set_secret(
				g->m->book, &out->dest[i], pick->state, pick->text, pick->scheme);
	}
	for (int s = 0; s < 3; s++)
		free(pair[s]);
}
