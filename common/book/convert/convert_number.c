// SPDX-License-Identifier: Apache-2.0
/* Capacity of lists and book, numbers, and the keys that follow from them. Pure. */
#include <stdlib.h>
#include <string.h>

#include "common/base/map.h"
#include "common/book/convert/convert_priv.h"

static struct book_entry *twin(struct conv *c, const struct target *t, uint32_t i)
{
	return &c->out->list[t->list].entry[i];
}

/* When nothing is left of its source entry, one line says so; else a line for this piece of it. */
static void drop_part(struct conv *c, struct part *p, const struct book_entry *e, const char *why)
{
	struct origin *o = p->origin;
	const struct part *all = &o->target->part[o->first];
	uint32_t left = 0;

	p->dropped = true;
	for (uint32_t i = 0; i < o->n; i++)
		left += !all[i].dropped;
	c->now = o;
	if (left == 0) {
		conv_drop_origin(c, why);
		return;
	}
	conv_note(c, LEDGER_ENTRY_DROPPED, e->n_dests ? dest_kind_name(e->dest[0].kind) : "",
		entry_name(e), "", why);
}

/* ---- capacity ---- */

static const char *over(
	struct conv *c, const struct target *t, uint32_t in_list, uint32_t in_pool, uint32_t in_all)
{
	const struct profile_list *l = t->limits;

	if (l && l->capacity && in_list >= l->capacity)
		return conv_fmt(c, "the list holds %u entries", l->capacity);
	if (l && l->together && in_pool >= l->together)
		return conv_fmt(c, "these lists hold %u entries together", l->together);
	if (c->to->entries && in_all >= c->to->entries)
		return conv_fmt(c, "the book holds %u entries", c->to->entries);
	return NULL;
}

static void check_capacity(struct conv *c)
{
	uint32_t *pools = conv_take(c, c->to->n_lists + 1, sizeof(*pools));
	uint32_t in_all = 0;

	for (uint32_t k = 0; k < c->n_targets; k++) {
		struct target *t = &c->target[k];
		uint32_t *in_pool = &pools[t->limits ? t->limits->pool : 0];
		uint32_t in_list = 0;
		for (uint32_t i = 0; i < t->n; i++) {
			const char *why = over(c, t, in_list, *in_pool, in_all);
			if (why) {
				drop_part(c, &t->part[i], twin(c, t, i), why);
				continue;
			}
			in_list++;
			(*in_pool)++;
			in_all++;
		}
	}
}

/* ---- numbers ---- */

static bool in_range(const struct profile_list *l, uint32_t n)
{
	return n != 0 && (!l || (n >= l->first && (l->last == 0 || n <= l->last)));
}

static void set_number(struct conv *c, struct target *t, uint32_t i, uint32_t n)
{
	struct part *p = &t->part[i];
	const char *text = conv_fmt(c, "%u", n);

	p->number = n;
	book_set(c->out, &twin(c, t, i)->f, F_NUMBER, text);
	if (p->wanted == n || p != &t->part[p->origin->first])
		return; /* kept, or told as split */
	c->now = p->origin;
	if (p->said)
		conv_note(c, LEDGER_RENUMBERED, "number", p->said, text,
			in_range(t->limits, p->wanted) ? "the number is taken"
						       : "the list has not this number");
	else
		conv_note(c, LEDGER_DEFAULTED, "number", "", text, "each entry has a number");
}

/* First those that can keep theirs, then the others where there is room. */
static void number_list(struct conv *c, struct target *t)
{
	const struct profile_list *l = t->limits;
	uint32_t next = l && l->first ? l->first : 1;
	struct map used = MAP_INIT;

	for (uint32_t i = 0; i < t->n; i++) {
		struct part *p = &t->part[i];
		if (p->dropped || !in_range(l, p->wanted) ||
			map_get(&used, &p->wanted, sizeof(p->wanted)))
			continue;
		(void)map_put(&used, &p->wanted, sizeof(p->wanted), p);
		set_number(c, t, i, p->wanted);
	}
	for (uint32_t i = 0; i < t->n; i++) {
		struct part *p = &t->part[i];
		bool split = p != &t->part[p->origin->first];
		if (p->dropped || p->number || !(p->said || split || c->to->numbers_required))
			continue;
		while (map_get(&used, &next, sizeof(next)))
			next++;
		if (l && l->last && next > l->last)
			drop_part(c, p, twin(c, t, i),
				conv_fmt(c, "no number up to %u is free", l->last));
		else
			set_number(c, t, i, next++);
	}
	map_fini(&used);
}

static void forget_numbers(struct conv *c, struct target *t)
{
	for (uint32_t i = 0; i < t->n; i++) {
		struct part *p = &t->part[i];
		if (p->dropped || !p->said)
			continue;
		c->now = p->origin;
		conv_note(c, LEDGER_RENUMBERED, "number", p->said, "",
			conv_fmt(c, "%s has no numbers", c->codec->title));
	}
}

/* ---- keys ---- */

/* What the target's own codec will say the identity is (section 8). */
static const char *key_of(struct conv *c, struct target *t, uint32_t i)
{
	const struct map *used = &t->keys;
	struct book_entry *e = twin(c, t, i);
	const struct part *p = &t->part[i];
	const char *uuid = fields_get(&e->f, F_UUID);
	const char *key = p->origin->entry->key;

	if (c->to->key_uuid && uuid && map_get(used, uuid, strlen(uuid))) {
		c->now = p->origin;
		conv_note(c, LEDGER_DROPPED, "uuid", uuid, "", "another entry has it, too");
		book_set(c->out, &e->f, F_UUID, NULL);
		uuid = NULL;
	}
	if (c->to->key_uuid && uuid)
		return uuid;
	if (p->number && (c->to->numbers_required || !c->to->neutral))
		return conv_fmt(c, "%u", p->number);
	for (unsigned n = 2; *key == '\0' || map_get(used, key, strlen(key)); n++)
		key = conv_fmt(c, "%s-%u", p->origin->entry->key, n);
	return key;
}

static void set_keys(struct conv *c, struct target *t)
{
	for (uint32_t i = 0; i < t->n; i++) {
		if (t->part[i].dropped)
			continue;
		const char *key = key_of(c, t, i);
		twin(c, t, i)->key = book_str(c->out, key);
		(void)map_put(&t->keys, key, strlen(key), &t->part[i]);
	}
}

void convert_numbers(struct conv *c)
{
	check_capacity(c);
	for (uint32_t k = 0; k < c->n_targets; k++) {
		if (!c->codec->holds(DEST_NONE, F_NUMBER))
			forget_numbers(c, &c->target[k]);
		else if (!c->to->whole_model && /* whose numbers are fields as others */
			 !c->opts->keep_numbers)
			number_list(c, &c->target[k]);
		set_keys(c, &c->target[k]);
	}
}
