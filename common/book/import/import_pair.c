// SPDX-License-Identifier: Apache-2.0
/* Who of the source is who on the device (address-books.md 11.2).
 *
 * Whoever the device has already just as the source says goes before all others: so an import that
 * is made again pairs each with what became of it, however many have one name. Persons first, then
 * groups, which are compared by who is in them. */
#include <stdlib.h>
#include <string.h>

#include "common/base/sort.h"
#include "common/book/import/import_priv.h"

/* ---- of one name ---- */

#define NAMESAKES 48u /* of more, equal contents still find each other (match_persons) */

/* Entries that are not paired, of one name and kind. */
struct namesakes {
	struct importer *im;
	struct target *t;
	const uint32_t *l, *r;
	uint32_t n_l, n_r;
	bool says[NAMESAKES][NAMESAKES]; /* [r][l] */
	uint32_t of[NAMESAKES];          /* l → its r; NO_PAIR = none */
	bool tried[NAMESAKES];
};

struct named {
	const struct match_item *item;
	const char *name;
	uint32_t kind, at;
};

static int by_name(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : (x->kind > y->kind) - (x->kind < y->kind);
}

static struct named *names_of(const struct match_side *s, bool kinds, uint32_t *ret_n)
{
	struct named *v = mem_alloc(((size_t)s->n + 1) * sizeof(*v));
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->n; i++) {
		const struct match_item *it = &s->v[i];
		bool dest = kinds && it->normal->n_dests;
		if (it->pair == NO_PAIR && !it->aside)
			v[n++] = (struct named){it, entry_name(it->normal),
				dest ? (uint32_t)it->normal->dest[0].kind : 0, i};
	}
	sort_stable(v, n, sizeof(*v), by_name);
	*ret_n = n;
	return v;
}

static bool same_number(const struct match_item *l, const struct match_item *r)
{
	const char *a = fields_get(&l->normal->f, F_NUMBER),
		   *b = fields_get(&r->normal->f, F_NUMBER);

	return a && b && strcmp(a, b) == 0;
}

static bool take(struct namesakes *s, uint32_t l, uint32_t r)
{
	s->of[l] = r;
	return true;
}

/* One that nobody has; else whoever has one takes another. */
static bool find_one(struct namesakes *s, uint32_t r)
{
	for (uint32_t l = 0; l < s->n_l; l++)
		if (s->says[r][l] && s->of[l] == NO_PAIR)
			return take(s, l, r);
	for (uint32_t l = 0; l < s->n_l; l++) {
		if (!s->says[r][l] || s->tried[l])
			continue;
		s->tried[l] = true;
		if (find_one(s, s->of[l]))
			return take(s, l, r);
	}
	return false;
}

/* As many pairs as there can be; who has his number keeps it where that costs nobody his pair. */
static void pair_namesakes(struct namesakes *s)
{
	struct match_item *left = s->t->left.v, *right = s->t->right.v;
	bool placed[NAMESAKES] = {false};

	for (uint32_t l = 0; l < s->n_l; l++)
		s->of[l] = NO_PAIR;
	for (uint32_t r = 0; r < s->n_r; r++)
		for (uint32_t l = 0; l < s->n_l && !placed[r]; l++)
			if (s->says[r][l] && s->of[l] == NO_PAIR &&
				same_number(&left[s->l[l]], &right[s->r[r]])) {
				s->of[l] = r;
				placed[r] = true;
			}
	for (uint32_t r = 0; r < s->n_r; r++) {
		memset(s->tried, 0, sizeof(s->tried));
		if (!placed[r])
			(void)find_one(s, r);
	}
	for (uint32_t l = 0; l < s->n_l; l++)
		if (s->of[l] != NO_PAIR) {
			left[s->l[l]].pair = s->r[s->of[l]];
			right[s->r[s->of[l]]].pair = s->l[l];
		}
}

/* Nobody gets them for their numbers. What is only added to leaves those of the source free, of
 * whom it may hold another one already. */
static void reserve(struct namesakes *s)
{
	bool add = s->im->opts->mode == IMPORT_ADD;

	for (uint32_t l = 0; l < s->n_l; l++)
		for (uint32_t r = 0; r < s->n_r; r++) {
			s->t->left.v[s->l[l]].aside |= s->says[r][l];
			s->t->right.v[s->r[r]].aside |= s->says[r][l] && !add;
		}
}

static void compare(struct namesakes *s)
{
	for (uint32_t r = 0; r < s->n_r; r++)
		for (uint32_t l = 0; l < s->n_l; l++)
			s->says[r][l] = import_says(
				s->im, s->t, &s->t->left.v[s->l[l]], &s->t->right.v[s->r[r]]);
}

static void each_name(struct importer *im, struct target *t, void (*fn)(struct namesakes *s))
{
	struct namesakes *s = mem_alloc(sizeof(*s));
	uint32_t l_at[NAMESAKES], r_at[NAMESAKES], n, m;
	struct named *l = names_of(&t->left, t->left.kinds, &n),
		     *r = names_of(&t->right, t->left.kinds, &m);

	for (uint32_t i = 0, j = 0; i < n && j < m;) {
		int order = by_name(&l[i], &r[j]);
		uint32_t n_l = 0, n_r = 0;
		if (order) {
			i += order < 0;
			j += order > 0;
			continue;
		}
		for (const struct named *key = &l[i]; i < n && by_name(&l[i], key) == 0; i++, n_l++)
			l_at[n_l < NAMESAKES ? n_l : 0] = l[i].at;
		for (const struct named *key = &r[j]; j < m && by_name(&r[j], key) == 0; j++, n_r++)
			r_at[n_r < NAMESAKES ? n_r : 0] = r[j].at;
		if (n_l > NAMESAKES || n_r > NAMESAKES)
			continue;
		*s = (struct namesakes){
			.im = im, .t = t, .l = l_at, .r = r_at, .n_l = n_l, .n_r = n_r};
		compare(s);
		fn(s);
	}
	free(l);
	free(r);
	free(s);
}

/* ---- the steps ---- */

static void look_at(struct match_side *s, bool groups)
{
	for (uint32_t i = 0; i < s->n; i++)
		s->v[i].aside = s->v[i].raw->group != groups;
}

static void pair_all(struct importer *im, struct target *t, bool groups)
{
	look_at(&t->left, groups);
	look_at(&t->right, groups);
	each_name(im, t, reserve);
	match_places(&t->left, &t->right);
	look_at(&t->left, groups);
	look_at(&t->right, groups);
	each_name(im, t, pair_namesakes);
	match_persons(&t->left, &t->right);
}

/* Whom nothing else tells: a group with another name, say, whose members stay with it. */
static void pair_identities(struct target *t)
{
	for (uint32_t i = 0; i < t->left.n; i++) {
		struct match_item *l = &t->left.v[i];
		struct match_item *r = map_get(&t->right_keys, l->raw->key, strlen(l->raw->key));
		if (!r || l->pair != NO_PAIR || r->pair != NO_PAIR ||
			l->raw->group != r->raw->group)
			continue;
		l->pair = (uint32_t)(r - t->right.v);
		r->pair = i;
	}
}

static struct book *one_list(const struct book *b, const struct book_list *l, const char *slot)
{
	struct book *one = book_new(b->family);
	struct book_list *to = book_add_list(one, slot, l ? l->kind : LIST_FLAT, "");

	for (uint32_t i = 0; l && i < l->n_entries; i++)
		(void)book_copy_entry(one, to, &l->entry[i]);
	return one;
}

static void index_keys(struct map *keys, struct match_side *s)
{
	for (uint32_t i = 0; i < s->n; i++)
		(void)map_put(keys, s->v[i].raw->key, strlen(s->v[i].raw->key), &s->v[i]);
}

int import_pair(struct importer *im, struct target *t)
{
	t->left_book = one_list(im->before, t->was, t->slot);
	t->right_book = one_list(im->before, t->src, t->slot);
	if (match_side_init(&t->left, t->left_book, im->opts->profile) < 0 ||
		match_side_init(&t->right, t->right_book, im->opts->profile) < 0)
		return -1;
	/* where an entry has one destination, Ana's fax is not Ana's mail */
	t->left.kinds = im->opts->profile->dests == DESTS_ONE;
	/* whom an earlier import added is one of his namesakes still: nobody takes his place */
	t->right.crowded = im->opts->mode == IMPORT_ADD;
	index_keys(&t->left_keys, &t->left);
	index_keys(&t->right_keys, &t->right);
	pair_all(im, t, false);
	pair_all(im, t, true);
	if (im->opts->own && (im->opts->codec->flags & CODEC_IDS))
		pair_identities(t);
	return 0;
}
