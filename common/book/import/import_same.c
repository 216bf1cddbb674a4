// SPDX-License-Identifier: Apache-2.0
/* Does the device say already what the source says? An import that is made again finds so, and
 * changes nothing. */
#include <stdlib.h>
#include <string.h>

#include "common/book/import/import_priv.h"

/* ---- passwords ---- */

static bool untold(const struct book_secret *s)
{
	return s->state == SECRET_WITHHELD || s->state == SECRET_UNKNOWN;
}

/* Who does not tell says nothing against the other. */
static bool same_secret(const struct book_secret *was, const struct book_secret *is)
{
	if (untold(is) || untold(was))
		return true;
	return was->state == is->state && (was->text == NULL) == (is->text == NULL) &&
	       (was->text == NULL || strcmp(was->text, is->text) == 0);
}

static bool same_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

/* ---- all of it ---- */

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

bool import_own_extra(const struct book_entry *wanted, const char *name)
{
	return !entry_extra(wanted, name) && !(wanted->group && strncmp(name, "member", 6) == 0);
}

static void without_own(struct book_entry *was, const struct book_entry *is)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < was->n_extras; i++)
		if (!import_own_extra(is, was->extra[i].name))
			was->extra[kept++] = was->extra[i];
	was->n_extras = kept;
}

static bool same_content(const struct book_entry *was, const struct book_entry *is, bool exact)
{
	struct book_extra *extra = mem_alloc(((size_t)was->n_extras + 1) * sizeof(*extra));
	struct book_entry a = *was, b = *is;
	struct buf x = BUF_INIT, y = BUF_INIT;
	bool same;

	if (was->n_extras)
		memcpy(extra, was->extra, was->n_extras * sizeof(*extra));
	a.extra = extra;
	if (!exact)
		without_own(&a, is);
	a.n_members = b.n_members = 0;
	entry_content(&a, &x);
	entry_content(&b, &y);
	same = !x.err && !y.err && x.n == y.n && (x.n == 0 || memcmp(x.p, y.p, x.n) == 0);
	free(extra);
	buf_fini(&x);
	buf_fini(&y);
	return same;
}

/* ---- destinations ---- */

bool import_same_place(const struct book_dest *a, const struct book_dest *b)
{
	return same_address(a, b) &&
	       same_text(fields_get(&a->f, F_PROTOCOL), fields_get(&b->f, F_PROTOCOL));
}

static uint32_t place(const struct importer *im, const struct book_dest *d)
{
	return profile_place(im->opts->profile, d->kind, fields_get(&d->f, F_PROTOCOL));
}

void import_dests(const struct importer *im, const struct book_entry *is,
	const struct book_entry *was, uint32_t *pair)
{
	if (im->opts->profile->dests == DESTS_ANY) {
		match_dests(is, was, pair);
		return;
	}
	/* where one can stand, the new one does */
	for (uint32_t i = 0; i < is->n_dests; i++) {
		pair[i] = NO_PAIR;
		for (uint32_t k = 0; k < was->n_dests && pair[i] == NO_PAIR; k++)
			if (place(im, &is->dest[i]) == place(im, &was->dest[k]))
				pair[i] = k;
	}
}

/* ---- the source's fields over the device's ---- */

static bool fields_within(const struct fields *is, const struct fields *was)
{
	for (uint32_t i = 0; i < is->n; i++)
		if (is->v[i].id != F_NUMBER && is->v[i].id != F_UUID &&
			!same_text(is->v[i].value, fields_get(was, is->v[i].id)))
			return false;
	return true;
}

static bool dests_within(
	const struct importer *im, const struct book_entry *is, const struct book_entry *was)
{
	uint32_t pair[64];

	if (is->n_dests > array_len(pair))
		return false;
	import_dests(im, is, was, pair);
	for (uint32_t i = 0; i < is->n_dests; i++) {
		const struct book_dest *d = pair[i] == NO_PAIR ? NULL : &was->dest[pair[i]];
		if (!d || !import_same_place(&is->dest[i], d) ||
			!fields_within(&is->dest[i].f, &d->f) ||
			!same_secret(&d->secret, &is->dest[i].secret))
			return false;
	}
	return true;
}

static bool has_tag(const struct book_entry *e, const struct book_tag *t, bool value)
{
	for (uint32_t i = 0; i < e->n_tags; i++)
		if (strcmp(e->tag[i].system, t->system) == 0 &&
			(!value || strcmp(e->tag[i].value, t->value) == 0))
			return true;
	return false;
}

static bool tags_within(const struct book_entry *is, const struct book_entry *was)
{
	for (uint32_t i = 0; i < is->n_tags; i++)
		if (!has_tag(was, &is->tag[i], true))
			return false;
	for (uint32_t i = 0; i < was->n_tags; i++)
		if (has_tag(is, &was->tag[i], false) && !has_tag(is, &was->tag[i], true))
			return false;
	return true;
}

static bool same_person(
	const struct importer *im, const struct book_entry *was, const struct book_entry *is)
{
	if (!im->overlay)
		return same_content(was, is, im->opts->own) && same_secrets(was, is);
	return fields_within(&is->f, &was->f) && tags_within(is, was) && dests_within(im, is, was);
}

/* ---- members ---- */

static const struct match_item *who(const struct map *keys, const char *key)
{
	return key ? map_get(keys, key, strlen(key)) : NULL;
}

static bool same_member(const struct importer *im, const struct target *t,
	const struct book_member *was, const struct book_member *is)
{
	const struct match_item *l = who(&t->left_keys, was->key);
	const struct match_item *r = who(&t->right_keys, is->key);

	if (!l || !r)
		return !l && !r && same_text(was->text, is->text);
	if (l->pair != NO_PAIR && &t->right.v[l->pair] == r)
		return true;
	/* of two who are alike in all, either will do */
	return !l->raw->group && !r->raw->group && same_person(im, l->normal, r->normal);
}

/* Members are compared as persons. A reference to nobody may have been lost on the way. */
static bool same_members(const struct importer *im, const struct target *t,
	const struct book_entry *was, const struct book_entry *is)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < is->n_members; i++)
		if (n < was->n_members && same_member(im, t, &was->member[n], &is->member[i]))
			n++;
		else if (im->opts->own || who(&t->right_keys, is->member[i].key))
			return false;
	return n == was->n_members;
}

bool import_says(const struct importer *im, const struct target *t, const struct match_item *l,
	const struct match_item *r)
{
	bool members = !im->overlay || r->raw->n_members > 0;

	return same_person(im, l->normal, r->normal) &&
	       (!members || same_members(im, t, l->raw, r->raw));
}
