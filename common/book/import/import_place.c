// SPDX-License-Identifier: Apache-2.0
/* Numbers, capacity and the keys that follow from them, over what the device has already. */
#include <string.h>

#include "common/book/import/import_priv.h"

static const char *said(const struct book_entry *e)
{
	return fields_get(&e->f, F_NUMBER);
}

/* 0 = it is none. */
static uint32_t number_in(const char *s)
{
	uint32_t n = 0;

	if (!s || !*s || strlen(s) > 9)
		return 0;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return 0;
		n = n * 10 + (uint32_t)(*s - '0');
	}
	return n;
}

static uint32_t number_of(const struct book_entry *e)
{
	return number_in(said(e));
}

static bool in_range(const struct target *t, uint32_t n)
{
	const struct profile_list *l = t->limits;

	return n != 0 && (!l || (n >= l->first && (l->last == 0 || n <= l->last)));
}

/* What such a device wrote, such a device takes: it knows better than a table. */
static bool may_have(const struct target *t, const struct row *r, uint32_t n)
{
	return n != 0 && (in_range(t, n) || t->native || (r->was && number_of(r->was) == n));
}

static void drop(struct importer *im, const struct target *t, struct row *r, const char *why)
{
	const struct ledger_line line = {.action = LEDGER_ENTRY_DROPPED, .reason = why};

	r->dropped = true;
	import_note(im, t, r->src, &line);
}

static void renumbered(struct importer *im, const struct target *t, const struct row *r)
{
	const char *old = said(r->src);
	const struct ledger_line line = {.action = old ? LEDGER_RENUMBERED : LEDGER_DEFAULTED,
		.field = "number",
		.before = old,
		.after = import_fmt(im, "%u", r->number),
		.reason = !old                             ? "each entry has a number"
			  : in_range(t, number_of(r->src)) ? "the number is taken"
							   : "the list has not this number"};

	import_note(im, t, r->src, &line);
}

static bool take(struct map *used, uint32_t n, struct row *r)
{
	if (map_get(used, &n, sizeof(n)))
		return false;
	(void)map_put(used, &n, sizeof(n), r);
	return true;
}

/* Whoever got a number that a group names and nobody has would be in it. */
static void keep_free(struct map *used, struct row *r, const struct book_entry *e)
{
	for (uint32_t i = 0; e && i < e->n_members; i++) {
		uint32_t n = e->member[i].key ? 0 : number_in(e->member[i].text);
		if (n)
			(void)take(used, n, r);
	}
}

/* Those that keep theirs come before all that need a new one. */
static void keep_numbers(struct importer *im, struct target *t, struct map *used)
{
	for (uint32_t i = 0; i < t->n; i++) {
		struct row *r = &t->row[i];
		if (import_in_place(im, r) && number_of(r->was))
			(void)take(used, number_of(r->was), r);
	}
	for (uint32_t i = 0; i < t->n; i++)
		keep_free(used, &t->row[i],
			import_in_place(im, &t->row[i]) ? t->row[i].was : t->row[i].src);
	for (uint32_t i = 0; i < t->n; i++) {
		struct row *r = &t->row[i];
		uint32_t n = import_in_place(im, r) || r->dropped ? 0 : number_of(r->src);
		if (n && may_have(t, r, n) && take(used, n, r))
			r->number = n;
	}
}

/* Of a format that does not say who is in a group, those that are there stay: one that is made
 * would be empty, and say so of people who were in it. */
static void drop_new_groups(struct importer *im, struct target *t)
{
	unsigned flags = im->opts->codec->flags;

	if ((flags & CODEC_GROUPS) || !(flags & CODEC_IDS))
		return;
	for (uint32_t i = 0; i < t->n; i++)
		if (!t->row[i].was && t->row[i].src->group)
			drop(im, t, &t->row[i],
				import_fmt(im, "%s does not say who is in it",
					im->opts->codec->title));
}

void import_numbers(struct importer *im, struct target *t)
{
	const struct profile_list *l = t->limits;
	uint32_t next = l && l->first ? l->first : 1;
	struct map used = MAP_INIT;

	drop_new_groups(im, t);
	if (!im->opts->codec->holds(DEST_NONE, F_NUMBER))
		return;
	keep_numbers(im, t, &used);
	for (uint32_t i = 0; i < t->n; i++) {
		struct row *r = &t->row[i];
		if (import_in_place(im, r) || r->number || r->dropped)
			continue;
		if (!im->opts->profile->numbers_required && !said(r->src))
			continue;
		if (t->native && said(r->src) && number_of(r->src) == 0)
			continue; /* its own way to say a number */
		while (!take(&used, next, r))
			next++;
		if (l && l->last && next > l->last) {
			drop(im, t, r, import_fmt(im, "no number up to %u is free", l->last));
			continue;
		}
		r->number = next++;
		renumbered(im, t, r);
	}
	map_fini(&used);
}

/* ---- capacity (R21) ---- */

struct counts {
	uint32_t list, all;
	uint32_t *pool;
};

static const char *over(struct importer *im, const struct target *t, const struct counts *c)
{
	const struct profile_list *l = t->limits;
	const struct book_profile *p = im->opts->profile;

	if (l && l->capacity && c->list >= l->capacity)
		return import_fmt(im, "the list holds %u entries", l->capacity);
	if (l && l->pool && l->together && c->pool[l->pool] >= l->together)
		return import_fmt(im, "these lists hold %u entries together", l->together);
	if (p->entries && c->all >= p->entries)
		return import_fmt(im, "the book holds %u entries", p->entries);
	return NULL;
}

static const struct target *writes(const struct importer *im, const struct book_list *l)
{
	for (uint32_t i = 0; i < im->n_targets; i++)
		if (im->target[i].was == l)
			return &im->target[i];
	return NULL;
}

static uint32_t pool_of(const struct importer *im, const char *slot)
{
	const struct book_profile *p = im->opts->profile;

	for (uint32_t i = 0; i < p->n_lists; i++)
		if (strcmp(p->list[i].slot, slot) == 0)
			return p->list[i].pool;
	return 0;
}

/* What stays on the device is there first. */
static void count_rest(struct importer *im, struct counts *c)
{
	for (uint32_t i = 0; i < im->before->n_lists; i++) {
		const struct book_list *l = &im->before->list[i];
		if (writes(im, l))
			continue;
		c->pool[pool_of(im, l->slot)] += l->n_entries;
		c->all += l->n_entries;
	}
	for (uint32_t k = 0; k < im->n_targets; k++)
		for (uint32_t i = 0; i < im->target[k].n; i++)
			if (import_in_place(im, &im->target[k].row[i])) {
				c->pool[pool_of(im, im->target[k].slot)]++;
				c->all++;
			}
}

static void check_list(struct importer *im, struct target *t, struct counts *c)
{
	uint32_t pool = pool_of(im, t->slot);

	c->list = 0;
	for (uint32_t i = 0; i < t->n; i++)
		c->list += import_in_place(im, &t->row[i]);
	for (uint32_t i = 0; i < t->n; i++) {
		struct row *r = &t->row[i];
		const char *why;
		if (import_in_place(im, r) || r->dropped)
			continue;
		why = over(im, t, c);
		if (why) {
			drop(im, t, r, why);
			continue;
		}
		c->list++;
		c->pool[pool]++;
		c->all++;
	}
}

void import_capacity(struct importer *im)
{
	struct counts c = {.list = 0};
	uint32_t pools = 0;

	for (uint32_t i = 0; i < im->opts->profile->n_lists; i++)
		if (im->opts->profile->list[i].pool > pools)
			pools = im->opts->profile->list[i].pool;
	c.pool = import_take(im, pools + 1, sizeof(*c.pool));
	count_rest(im, &c);
	for (uint32_t k = 0; k < im->n_targets; k++)
		check_list(im, &im->target[k], &c);
}

/* ---- keys ---- */

static bool key_is_number(const struct importer *im, const struct row *r)
{
	return r->number && (im->opts->profile->numbers_required || !im->opts->profile->neutral);
}

static const char *number_key(struct importer *im, const struct row *r)
{
	return r->number ? import_fmt(im, "%u", r->number) : r->src->key;
}

/* Machines make it: who has one keeps it. Only a machine's own book says what it was, and others of
 * that book refer to it. */
const char *import_uuid(const struct importer *im, const struct row *r)
{
	const char *was = r->was ? fields_get(&r->was->f, F_UUID) : NULL;

	return was && !im->opts->own ? was : fields_get(&r->src->f, F_UUID);
}

/* What the device's own codec will say the identity is (address-books.md section 8). One that the
 * device gives stays with who has it, and nobody new has one. */
static const char *wanted_key(
	struct importer *im, const struct target *t, const struct row *r, const struct map *used)
{
	const char *uuid = import_in_place(im, r) ? NULL : import_uuid(im, r);
	bool given = (im->opts->codec->flags & CODEC_IDS) != 0;

	if (import_in_place(im, r) || (given && r->was))
		return r->was->key;
	if (given)
		return "new";
	if (im->opts->profile->key_uuid && uuid && !map_get(used, uuid, strlen(uuid)))
		return uuid;
	if (im->opts->profile->key_uuid && uuid)
		return number_key(im, r);
	if (key_is_number(im, r) && !(t->native && number_of(r->src) == r->number))
		return import_fmt(im, "%u", r->number);
	return r->src->key;
}

void import_keys(struct importer *im, struct target *t)
{
	struct map used = MAP_INIT;

	for (int own = 1; own >= 0; own--) /* those of the device first */
		for (uint32_t i = 0; i < t->n; i++) {
			struct row *r = &t->row[i];
			if (r->dropped || import_in_place(im, r) != (own == 1))
				continue;
			const char *key = wanted_key(im, t, r, &used), *base = key;
			for (unsigned n = 2; map_get(&used, key, strlen(key)); n++)
				key = import_fmt(im, "%s-%u", base, n);
			r->key = key;
			(void)map_put(&used, key, strlen(key), r);
		}
	map_fini(&used);
}
