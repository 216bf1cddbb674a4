// SPDX-License-Identifier: Apache-2.0
/* Who of the source is who on the device, and what becomes of each. */
#include <string.h>

#include "common/book/import/import_priv.h"

static struct book *one_list(const struct book *b, const struct book_list *l, const char *slot)
{
	struct book *one = book_new(b->family);
	struct book_list *to = book_add_list(one, slot, l ? l->kind : LIST_FLAT, "");

	for (uint32_t i = 0; l && i < l->n_entries; i++)
		(void)book_copy_entry(one, to, &l->entry[i]);
	return one;
}

/* A number alone says nothing about who has it. */
static bool same_person(const struct match_item *l, const struct match_item *r)
{
	const char *a = fields_get(&l->normal->f, F_UUID), *b = fields_get(&r->normal->f, F_UUID);

	if ((a && b && strcmp(a, b) == 0) ||
		strcmp(entry_name(l->normal), entry_name(r->normal)) == 0)
		return true;
	for (uint32_t i = 0; i < l->normal->n_dests; i++)
		for (uint32_t k = 0; k < r->normal->n_dests; k++)
			if (same_address(&l->normal->dest[i], &r->normal->dest[k]))
				return true;
	return false;
}

/* Where an entry has one destination, Ana's fax is not Ana's mail. */
static bool same_kind(
	const struct importer *im, const struct match_item *l, const struct match_item *r)
{
	const struct book_entry *a = l->normal, *b = r->normal;

	if (im->opts->profile->dests != DESTS_ONE || a->n_dests == 0 || b->n_dests == 0)
		return true;
	return a->dest[0].kind == b->dest[0].kind;
}

static int pair_up(struct importer *im, struct target *t)
{
	t->left_book = one_list(im->before, t->was, t->slot);
	t->right_book = one_list(im->before, t->src, t->slot);
	if (match_side_init(&t->left, t->left_book, im->opts->profile) < 0 ||
		match_side_init(&t->right, t->right_book, im->opts->profile) < 0)
		return -1;
	match_sides(&t->left, &t->right);
	for (uint32_t i = 0; i < t->left.n; i++) {
		struct match_item *l = &t->left.v[i];
		struct match_item *r = l->pair == NO_PAIR ? NULL : &t->right.v[l->pair];
		if (!r || (same_person(l, r) && same_kind(im, l, r)))
			continue;
		l->pair = r->pair = NO_PAIR;
	}
	return 0;
}

/* ---- is it as it was? ---- */

static bool same_secret(const struct book_secret *was, const struct book_secret *is)
{
	if (is->state == SECRET_WITHHELD || is->state == SECRET_UNKNOWN)
		return true; /* it says nothing against what is there */
	return was->state == is->state && (was->text == NULL) == (is->text == NULL) &&
	       (was->text == NULL || strcmp(was->text, is->text) == 0);
}

static bool same_secrets(const struct book_entry *was, const struct book_entry *is)
{
	uint32_t pair[64];

	if (was->n_dests != is->n_dests || was->n_dests > array_len(pair))
		return false;
	match_dests(was, is, pair);
	for (uint32_t i = 0; i < was->n_dests; i++)
		if (pair[i] == NO_PAIR ||
			!same_secret(&was->dest[i].secret, &is->dest[pair[i]].secret))
			return false;
	return true;
}

static bool same_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static const struct match_item *who(const struct map *keys, const char *key)
{
	return key ? map_get(keys, key, strlen(key)) : NULL;
}

static void index_keys(struct map *keys, struct match_side *s)
{
	for (uint32_t i = 0; i < s->n; i++)
		(void)map_put(keys, s->v[i].raw->key, strlen(s->v[i].raw->key), &s->v[i]);
}

/* Members are compared as persons. */
static bool same_members(
	const struct target *t, const struct book_entry *was, const struct book_entry *is)
{
	if (was->n_members != is->n_members)
		return false;
	for (uint32_t i = 0; i < was->n_members; i++) {
		const struct match_item *l = who(&t->left_keys, was->member[i].key);
		const struct match_item *r = who(&t->right_keys, is->member[i].key);
		if (!l != !r)
			return false;
		if (l ? l->pair == NO_PAIR || &t->right.v[l->pair] != r
		      : !same_text(was->member[i].text, is->member[i].text))
			return false;
	}
	return true;
}

/* place: its number and uuid count, too. */
static bool unchanged(
	const struct target *t, const struct match_item *l, const struct match_item *r, bool place)
{
	struct book_entry a = *l->normal, b = *r->normal;
	struct buf x = BUF_INIT, y = BUF_INIT;
	bool same;

	if (place && (!same_text(fields_get(&a.f, F_NUMBER), fields_get(&b.f, F_NUMBER)) ||
			     !same_text(fields_get(&a.f, F_UUID), fields_get(&b.f, F_UUID))))
		return false;
	a.n_members = b.n_members = 0;
	entry_content(&a, &x);
	entry_content(&b, &y);
	same = !x.err && !y.err && x.n == y.n && memcmp(x.p, y.p, x.n) == 0;
	buf_fini(&x);
	buf_fini(&y);
	return same && same_secrets(l->normal, r->normal) && same_members(t, l->raw, r->raw);
}

/* ---- rows ---- */

static const struct book_entry *was_at(const struct target *t, uint32_t i)
{
	return &t->was->entry[i];
}

static const struct book_entry *src_at(const struct target *t, uint32_t i)
{
	bug_if(t->src == NULL); /* then the right side is empty */
	return &t->src->entry[i];
}

static void rows_of_source(struct target *t)
{
	for (uint32_t i = 0; i < t->right.n; i++) {
		const struct match_item *r = &t->right.v[i];
		struct row *row = &t->row[t->n++];
		*row = (struct row){.src = src_at(t, i)};
		if (r->pair == NO_PAIR)
			continue;
		row->was = was_at(t, r->pair);
		row->stays = unchanged(t, &t->left.v[r->pair], r, true);
	}
}

/* It is there already and stays as it is: worth a line only if the source says otherwise. */
static void tell_kept(struct importer *im, struct target *t, const struct match_item *l,
	const struct match_item *r)
{
	const struct ledger_line line = {.action = LEDGER_DUPLICATE,
		.before = entry_name(r->raw),
		.after = entry_name(l->raw),
		.reason = "the device has it already, and that stays as it is"};

	if (!unchanged(t, l, r, false))
		import_note(im, t, r->raw, &line);
}

static void rows_of_device(struct importer *im, struct target *t)
{
	bool add = im->opts->mode == IMPORT_ADD;

	for (uint32_t i = 0; i < t->left.n; i++) {
		const struct match_item *l = &t->left.v[i];
		const struct match_item *r = l->pair == NO_PAIR ? NULL : &t->right.v[l->pair];
		struct row *row = &t->row[t->n++];
		*row = (struct row){.was = was_at(t, i), .src = r ? src_at(t, l->pair) : NULL};
		row->stays = add || !r || unchanged(t, l, r, false);
		if (add && r)
			tell_kept(im, t, l, r);
	}
	bug_if(t->right.n > 0 && t->right.v == NULL);
	for (uint32_t i = 0; i < t->right.n; i++)
		if (t->right.v[i].pair == NO_PAIR)
			t->row[t->n++] = (struct row){.src = src_at(t, i)};
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

int import_rows(struct importer *im, struct target *t)
{
	if (pair_up(im, t) < 0)
		return -1;
	index_keys(&t->left_keys, &t->left);
	index_keys(&t->right_keys, &t->right);
	if (im->opts->own && (im->opts->codec->flags & CODEC_IDS))
		pair_identities(t);
	t->row = import_take(im, (size_t)t->left.n + t->right.n, sizeof(*t->row));
	if (im->opts->mode == IMPORT_REPLACE)
		rows_of_source(t);
	else
		rows_of_device(im, t);
	return 0;
}
