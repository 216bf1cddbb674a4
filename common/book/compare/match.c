// SPDX-License-Identifier: Apache-2.0
/* Pairs of entries, pass by pass: each takes only what is unique on both sides and leaves the rest
 * to the next (address-books.md 9.1). */
#include "common/book/compare/match.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/map.h"
#include "common/book/compare/diff.h"

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
				&s->view->list[i].entry[j], NO_PAIR, false};
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
	size_t at; /* in pass.text */
	uint32_t n;
	uint32_t item[2]; /* NO_PAIR = none, SEVERAL = tied */
};

#define SEVERAL (UINT32_MAX - 1)

/* Its memory serves one pass after the other. */
struct pass {
	struct match_side *side[2];
	struct buf text;
	struct key *key;
	uint32_t *slot; /* of the table: index of a key + 1, 0 = free */
	uint32_t n_keys, cap_keys, n_slots;
	uint32_t *partner[2];
	bool one_list; /* on both sides, and the same: lists need not be told apart */
	bool ties;     /* a key stands on both sides, and on one several times */
};

static void index_keys(struct pass *p)
{
	memset(p->slot, 0, p->n_slots * sizeof(*p->slot));
	for (uint32_t k = 0; k < p->n_keys; k++) {
		size_t i = p->key[k].hash & (p->n_slots - 1);

		while (p->slot[i] != 0)
			i = (i + 1) & (p->n_slots - 1);
		p->slot[i] = k + 1;
	}
}

/* Room for one more key, and never more than half of the slots in use. */
static void make_room(struct pass *p)
{
	if (p->n_keys == p->cap_keys) {
		p->cap_keys = p->cap_keys * 2;
		p->key = mem_realloc(p->key, p->cap_keys * sizeof(*p->key));
	}
	if (p->n_keys * 2 < p->n_slots)
		return;
	p->n_slots *= 2;
	p->slot = mem_realloc(p->slot, p->n_slots * sizeof(*p->slot));
	index_keys(p);
}

static struct key *find(struct pass *p, uint64_t hash, size_t at, uint32_t n)
{
	size_t i = hash & (p->n_slots - 1);

	for (; p->slot[i] != 0; i = (i + 1) & (p->n_slots - 1)) {
		struct key *k = &p->key[p->slot[i] - 1];
		if (k->hash == hash && k->n == n &&
			memcmp(p->text.p + k->at, p->text.p + at, n) == 0)
			return k;
	}
	p->slot[i] = p->n_keys + 1;
	p->key[p->n_keys] = (struct key){hash, at, n, {NO_PAIR, NO_PAIR}};
	return &p->key[p->n_keys++];
}

/* Who holds it, as long as that is one. */
static void note(uint32_t *holder, uint32_t item)
{
	if (*holder == NO_PAIR)
		*holder = item;
	else if (*holder != item)
		*holder = SEVERAL;
}

/* The text from begin on is a key of that item. */
static void add_key(struct pass *p, int side, uint32_t item, size_t begin)
{
	size_t n = p->text.n - begin;

	bug_if(p->text.err || n > UINT32_MAX); /* out of memory */
	make_room(p);
	struct key *k = find(p, map_hash(p->text.p + begin, n), begin, (uint32_t)n);
	note(&k->item[side], p->side[side]->v[item].pair == NO_PAIR ? item : SEVERAL);
}

static void pass_init(struct pass *p, struct match_side *l, struct match_side *r)
{
	const struct book *x = l->book, *y = r->book;

	*p = (struct pass){.side = {l, r}, .n_slots = 128};
	p->one_list =
		x->n_lists == 1 && y->n_lists == 1 && strcmp(x->list[0].slot, y->list[0].slot) == 0;
	while (p->n_slots < (l->n + r->n) * 2)
		p->n_slots *= 2;
	p->cap_keys = l->n + r->n + 1;
	p->key = mem_alloc(p->cap_keys * sizeof(*p->key));
	p->slot = mem_alloc(p->n_slots * sizeof(*p->slot));
	for (int s = 0; s < 2; s++)
		p->partner[s] = mem_alloc(size_max(p->side[s]->n, 1) * sizeof(uint32_t));
}

static void pass_fini(struct pass *p)
{
	free(p->key);
	free(p->slot);
	free(p->partner[0]);
	free(p->partner[1]);
	buf_fini(&p->text);
}

/* What may be keys of an entry. */
typedef void (*keys_fn)(struct pass *p, int side, uint32_t item, bool in_list);
/* Must also hold for a pair; NULL = nothing. */
typedef bool (*holds_fn)(const struct match_item *l, const struct match_item *r);

/* Each unique key names a partner; those of an entry must agree. */
static void take_pairs(struct pass *p, holds_fn holds)
{
	struct match_side *l = p->side[0], *r = p->side[1];

	for (int s = 0; s < 2; s++)
		memset(p->partner[s], 0xFF, p->side[s]->n * sizeof(uint32_t));
	for (uint32_t i = 0; i < p->n_keys; i++) {
		const struct key *k = &p->key[i];

		if (k->item[0] >= SEVERAL || k->item[1] >= SEVERAL) {
			p->ties |= k->item[0] != NO_PAIR && k->item[1] != NO_PAIR;
			continue;
		}
		note(&p->partner[0][k->item[0]], k->item[1]);
		note(&p->partner[1][k->item[1]], k->item[0]);
	}
	for (uint32_t i = 0; i < l->n; i++) {
		uint32_t j = p->partner[0][i];

		if (j >= SEVERAL || p->partner[1][j] != i || (holds && !holds(&l->v[i], &r->v[j])))
			continue;
		l->v[i].pair = j;
		r->v[j].pair = i;
	}
}

static bool counts(const struct match_side *s, uint32_t i)
{
	return !s->v[i].aside && (s->crowded || s->v[i].pair == NO_PAIR);
}

static bool anything_left(const struct match_side *s)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (s->v[i].pair == NO_PAIR && !s->v[i].aside)
			return true;
	return false;
}

static void run(struct pass *p, keys_fn keys, bool in_list, holds_fn holds)
{
	if (!anything_left(p->side[0]) || !anything_left(p->side[1]))
		return;
	buf_reset(&p->text);
	p->n_keys = 0;
	index_keys(p);
	for (int s = 0; s < 2; s++)
		for (uint32_t i = 0; i < p->side[s]->n; i++)
			if (counts(p->side[s], i))
				keys(p, s, i, in_list);
	take_pairs(p, holds);
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
	if (p->side[0]->kinds && item->normal->n_dests)
		buf_addc(&p->text, (char)item->normal->dest[0].kind);
	else if (p->side[0]->kinds)
		buf_addc(&p->text, 0);
	if (in_list && !p->one_list)
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

/* The members of a group are numbers, and those of two books are not the same. */
static void by_own_content(struct pass *p, int side, uint32_t item, bool in_list)
{
	if (!p->side[side]->v[item].raw->group)
		by_content(p, side, item, in_list);
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

/* Then a look at the numbers finds nothing that the keys did not. */
static bool keys_are_numbers(const struct match_side *s)
{
	for (uint32_t i = 0; i < s->n; i++) {
		const char *number = fields_get(&s->v[i].normal->f, F_NUMBER);

		if (number == NULL || strcmp(number, s->v[i].raw->key) != 0 ||
			fields_get(&s->v[i].normal->f, F_UUID) != NULL)
			return false;
	}
	return true;
}

/* The own list first: a person may stand in several. */
static void run_lists(struct pass *p, keys_fn keys)
{
	run(p, keys, true, NULL);
	if (!p->one_list)
		run(p, keys, false, NULL);
}

static void run_places(struct pass *p)
{
	run(p, by_uuid, false, alike);
	run(p, by_key, true, alike);
	if (!keys_are_numbers(p->side[0]) || !keys_are_numbers(p->side[1]))
		run(p, by_number, true, alike);
}

void match_sides(struct match_side *l, struct match_side *r)
{
	struct pass p;

	pass_init(&p, l, r);
	for (uint32_t i = 0; i < l->n; i++)
		l->v[i].pair = NO_PAIR;
	for (uint32_t i = 0; i < r->n; i++)
		r->v[i].pair = NO_PAIR;
	run_places(&p);
	p.ties = false;
	run_lists(&p, by_content);
	bool several = p.ties;
	if (strcmp(l->book->family, r->book->family) == 0) {
		run(&p, by_uuid, false, NULL);
		run(&p, by_key, true, NULL);
	}
	run_lists(&p, by_address);
	run_lists(&p, by_name);
	pass_fini(&p);
	if (several)
		match_equal(l, r);
}

void match_places(struct match_side *l, struct match_side *r)
{
	struct pass p;

	pass_init(&p, l, r);
	run_places(&p);
	pass_fini(&p);
}

void match_persons(struct match_side *l, struct match_side *r)
{
	struct pass p;

	pass_init(&p, l, r);
	run_lists(&p, by_own_content);
	run_places(&p);
	run(&p, by_uuid, false, NULL);
	run_lists(&p, by_address);
	run_lists(&p, by_name);
	pass_fini(&p);
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
