// SPDX-License-Identifier: Apache-2.0
/* Pairs of entries, pass by pass: each takes only what is unique on both sides and leaves the rest
 * to the next (address-books.md 9.1). */
#include "common/book/match.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/book/diff.h"

/* ---- sides ---- */

int match_side_init(struct match_side *s, const struct book *b, const struct book_profile *profile)
{
	uint32_t n = 0;

	*s = (struct match_side){.book = b, .view = book_normal_view(b, profile)};
	if (s->view->too_big) {
		match_side_fini(s);
		return -1;
	}
	s->v = mem_alloc(size_max(b->n_entries, 1) * sizeof(*s->v));
	for (uint32_t i = 0; i < b->n_lists; i++)
		for (uint32_t j = 0; j < b->list[i].n_entries; j++)
			s->v[n++] = (struct match_item){&b->list[i], &b->list[i].entry[j],
				&s->view->list[i].entry[j], NO_PAIR};
	s->n = n;
	return 0;
}

void match_side_fini(struct match_side *s)
{
	book_free(s->view);
	free(s->v);
	*s = (struct match_side){.v = NULL};
}

/* ---- one pass: keys of both sides in one table ---- */

struct key {
	uint64_t hash;
	size_t at, n; /* in pass.text */
	uint32_t count[2], item[2];
};

struct pass {
	struct match_side *side[2];
	struct buf text;
	struct key *slot; /* n = 0: free (a key is never empty) */
	size_t n_slots, used;
};

/* Eight bytes at a time; good enough to spread, equality is looked at. */
static uint64_t hash_of(const uint8_t *p, size_t n)
{
	const uint64_t k = 0x9E3779B97F4A7C15u;
	uint64_t h = n * k, w;

	for (; n >= sizeof(w); p += sizeof(w), n -= sizeof(w)) {
		memcpy(&w, p, sizeof(w));
		h = (h ^ w) * k;
		h ^= h >> 32;
	}
	w = 0;
	memcpy(&w, p, n);
	h = (h ^ w) * k;
	return h ^ h >> 29;
}

static struct key *find(struct pass *p, uint64_t hash, const uint8_t *text, size_t n)
{
	size_t i = hash & (p->n_slots - 1);

	while (p->slot[i].n > 0 && (p->slot[i].hash != hash || p->slot[i].n != n ||
					   memcmp(p->text.p + p->slot[i].at, text, n) != 0))
		i = (i + 1) & (p->n_slots - 1);
	return &p->slot[i];
}

static void grow(struct pass *p)
{
	struct pass bigger = *p;

	bigger.n_slots = p->n_slots ? p->n_slots * 2 : 1024;
	bigger.slot = mem_alloc(bigger.n_slots * sizeof(*bigger.slot));
	for (size_t i = 0; i < p->n_slots; i++) {
		size_t at = p->slot[i].hash & (bigger.n_slots - 1);

		if (p->slot[i].n == 0)
			continue;
		while (bigger.slot[at].n > 0)
			at = (at + 1) & (bigger.n_slots - 1);
		bigger.slot[at] = p->slot[i];
	}
	free(p->slot);
	*p = bigger;
}

/* The text from begin on is a key of that item; none when it is empty. */
static void add_key(struct pass *p, int side, uint32_t item, size_t begin)
{
	size_t n = p->text.n - begin;

	bug_if(p->text.err); /* out of memory */
	if (n == 0)
		return;
	if (p->used * 2 >= p->n_slots)
		grow(p);
	uint64_t hash = hash_of(p->text.p + begin, n);
	struct key *k = find(p, hash, p->text.p + begin, n);
	if (k->n == 0) {
		*k = (struct key){.hash = hash, .at = begin, .n = n};
		p->used++;
	}
	if (k->count[side] == 0 || k->item[side] != item)
		k->count[side]++;
	k->item[side] = item;
}

/* What may be keys of an entry. */
typedef void (*keys_fn)(struct pass *p, int side, uint32_t item, bool in_list);
/* Must also hold for a pair; NULL = nothing. */
typedef bool (*holds_fn)(const struct match_item *l, const struct match_item *r);

#define SEVERAL (UINT32_MAX - 1)

/* The one partner that all unique keys of an entry name. */
static void note_partner(uint32_t *partner, uint32_t other)
{
	if (*partner == NO_PAIR)
		*partner = other;
	else if (*partner != other)
		*partner = SEVERAL;
}

static void take_pairs(struct pass *p, holds_fn holds)
{
	struct match_side *l = p->side[0], *r = p->side[1];
	uint32_t *partner[2];

	for (int s = 0; s < 2; s++) {
		partner[s] = mem_alloc(size_max(p->side[s]->n, 1) * sizeof(uint32_t));
		memset(partner[s], 0xFF, p->side[s]->n * sizeof(uint32_t));
	}
	for (size_t i = 0; i < p->n_slots; i++) {
		const struct key *k = &p->slot[i];
		if (k->n == 0 || k->count[0] != 1 || k->count[1] != 1)
			continue;
		note_partner(&partner[0][k->item[0]], k->item[1]);
		note_partner(&partner[1][k->item[1]], k->item[0]);
	}
	for (uint32_t i = 0; i < l->n; i++) {
		uint32_t j = partner[0][i];
		if (j >= SEVERAL || partner[1][j] != i || (holds && !holds(&l->v[i], &r->v[j])))
			continue;
		l->v[i].pair = j;
		r->v[j].pair = i;
	}
	free(partner[0]);
	free(partner[1]);
}

static bool anything_left(const struct match_side *s)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (s->v[i].pair == NO_PAIR)
			return true;
	return false;
}

static void run(
	struct match_side *l, struct match_side *r, keys_fn keys, bool in_list, holds_fn holds)
{
	struct pass p = {.side = {l, r}};

	if (!anything_left(l) || !anything_left(r))
		return;
	for (int s = 0; s < 2; s++)
		for (uint32_t i = 0; i < p.side[s]->n; i++)
			if (p.side[s]->v[i].pair == NO_PAIR)
				keys(&p, s, i, in_list);
	take_pairs(&p, holds);
	free(p.slot);
	buf_fini(&p.text);
}

/* ---- keys ---- */

static void add_text(struct pass *p, const char *s)
{
	buf_add(&p->text, s, strlen(s) + 1);
}

/* A group is never a person. */
static size_t begin_key(struct pass *p, const struct match_item *item, bool in_list)
{
	size_t begin = p->text.n;

	buf_addc(&p->text, item->raw->group ? 'g' : 'p');
	if (in_list)
		add_text(p, item->list->slot);
	return begin;
}

static void add_value(struct pass *p, int side, uint32_t item, bool in_list, const char *value)
{
	if (value == NULL || *value == 0)
		return;
	size_t begin = begin_key(p, &p->side[side]->v[item], in_list);
	buf_adds(&p->text, value);
	add_key(p, side, item, begin);
}

static void by_uuid(struct pass *p, int side, uint32_t item, bool in_list)
{
	add_value(p, side, item, in_list, fields_get(&p->side[side]->v[item].normal->f, F_UUID));
}

/* Where there is a uuid, that is the identity. */
static void by_key(struct pass *p, int side, uint32_t item, bool in_list)
{
	const struct book_entry *e = p->side[side]->v[item].normal;

	if (fields_get(&e->f, F_UUID) == NULL)
		add_value(p, side, item, in_list, e->key);
}

static void by_number(struct pass *p, int side, uint32_t item, bool in_list)
{
	add_value(p, side, item, in_list, fields_get(&p->side[side]->v[item].normal->f, F_NUMBER));
}

static void by_name(struct pass *p, int side, uint32_t item, bool in_list)
{
	add_value(p, side, item, in_list, fields_get(&p->side[side]->v[item].normal->f, F_NAME));
}

static void by_content(struct pass *p, int side, uint32_t item, bool in_list)
{
	const struct match_item *it = &p->side[side]->v[item];
	size_t begin = begin_key(p, it, in_list);

	entry_content(it->normal, &p->text);
	add_key(p, side, item, begin);
}

static void by_address(struct pass *p, int side, uint32_t item, bool in_list)
{
	const struct match_item *it = &p->side[side]->v[item];

	for (uint32_t i = 0; i < it->normal->n_dests; i++) {
		const struct book_dest *d = &it->normal->dest[i];
		size_t begin = begin_key(p, it, in_list), bare;

		buf_addc(&p->text, (char)d->kind);
		bare = p->text.n;
		for (uint32_t f = 0; f < d->f.n; f++) {
			if (!is_address(d->f.v[f].id))
				continue;
			buf_addc(&p->text, (char)d->f.v[f].id);
			add_text(p, d->f.v[f].value);
		}
		if (p->text.n > bare)
			add_key(p, side, item, begin);
	}
}

/* ---- the passes ---- */

#define DESTS_LOOKED_AT 32u

static bool alike(const struct match_item *l, const struct match_item *r)
{
	const struct book_entry *x = l->normal, *y = r->normal;

	if (strcmp(entry_name(x), entry_name(y)) == 0)
		return true;
	for (uint32_t i = 0; i < x->n_dests && i < DESTS_LOOKED_AT; i++)
		for (uint32_t j = 0; j < y->n_dests && j < DESTS_LOOKED_AT; j++)
			if (same_address(&x->dest[i], &y->dest[j]))
				return true;
	return false;
}

/* The own list first: a person may stand in several. */
static void run_lists(struct match_side *l, struct match_side *r, keys_fn keys)
{
	run(l, r, keys, true, NULL);
	if (l->book->n_lists > 1 || r->book->n_lists > 1 ||
		(l->n && r->n && strcmp(l->v[0].list->slot, r->v[0].list->slot) != 0))
		run(l, r, keys, false, NULL);
}

void match_sides(struct match_side *l, struct match_side *r)
{
	for (uint32_t i = 0; i < l->n; i++)
		l->v[i].pair = NO_PAIR;
	for (uint32_t i = 0; i < r->n; i++)
		r->v[i].pair = NO_PAIR;
	run(l, r, by_uuid, false, alike);
	run(l, r, by_key, true, alike);
	run(l, r, by_number, true, alike);
	run_lists(l, r, by_content);
	if (strcmp(l->book->family, r->book->family) == 0) {
		run(l, r, by_uuid, false, NULL);
		run(l, r, by_key, true, NULL);
	}
	run_lists(l, r, by_address);
	run_lists(l, r, by_name);
}

const struct book_entry **book_match(const struct book *left, const struct book *right)
{
	struct match_side l, r;

	if (match_side_init(&l, left, NULL) < 0)
		return NULL;
	if (match_side_init(&r, right, NULL) < 0) {
		match_side_fini(&l);
		return NULL;
	}
	match_sides(&l, &r);
	const struct book_entry **pair = mem_alloc(size_max(l.n, 1) * sizeof(const void *));
	for (uint32_t i = 0; i < l.n; i++)
		if (l.v[i].pair != NO_PAIR)
			pair[i] = r.v[l.v[i].pair].raw;
	match_side_fini(&l);
	match_side_fini(&r);
	return pair;
}
