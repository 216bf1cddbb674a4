// SPDX-License-Identifier: Apache-2.0
/* Which list of the target a list of the source becomes, and how it is called there
 * (docs/spec/address-books.md 10.2). Pure. */
#include <string.h>

#include "common/base/map.h"
#include "common/book/convert/convert_priv.h"
#include "common/text/unicode.h"

static bool one_list(const struct conv *c)
{
	return (c->codec->flags & CODEC_LISTS) == 0 || c->to->n_lists == 1;
}

static const struct profile_list *profile_slot(const struct conv *c, const char *slot)
{
	for (uint32_t i = 0; i < c->to->n_lists; i++)
		if (strcmp(c->to->list[i].slot, slot) == 0)
			return &c->to->list[i];
	return NULL;
}

/* Some formats call lists in any case, composed or not, with more spaces or fewer. */
static const char *folded(struct conv *c, const char *slot)
{
	struct buf fold = BUF_INIT;

	if (unicode_fold(slot, false, &fold) < 0)
		buf_reset(&fold);
	char *r = conv_take(c, fold.n, 1), *to = r;
	for (const char *s = buf_str(&fold); *s; s++)
		if (*s != ' ' || (to > r && s[1] && s[1] != ' '))
			*to++ = *s;
	*to = '\0';
	buf_fini(&fold);
	return r;
}

void convert_slots(struct conv *c)
{
	c->taken = conv_take(c, c->to->n_lists, sizeof(*c->taken));
	for (uint32_t i = 0; i < c->src->n_lists; i++) {
		const struct profile_list *l = profile_slot(c, c->src->list[i].slot);
		const char *slot = folded(c, c->src->list[i].slot);
		if (!map_get(&c->called, slot, strlen(slot)))
			(void)map_put(&c->called, slot, strlen(slot), &c->src->list[i]);
		if (l)
			c->taken[l - c->to->list] = true;
	}
}

/* One that nobody has; the first when there is none. */
static const struct profile_list *free_slot(struct conv *c)
{
	for (uint32_t i = 0; i < c->to->n_lists; i++)
		if (!c->taken[i]) {
			c->taken[i] = true;
			return &c->to->list[i];
		}
	return &c->to->list[0];
}

static const char *name_of_list(struct conv *c, const struct book_list *l)
{
	const char *why = NULL;
	const char *name =
		convert_value(c, DEST_NONE, (enum book_field)0, "list.name", l->name, &why);

	if (name == NULL)
		conv_note(c, LEDGER_DROPPED, "list.name", l->name, "", why);
	return name ? name : "";
}

static struct target *add_target(struct conv *c, const char *slot, enum list_kind kind,
	const struct profile_list *limits, const char *name)
{
	struct target *t = &c->target[c->n_targets++];

	*t = (struct target){.limits = limits, .list = c->out->n_lists, .keys = MAP_INIT};
	(void)book_add_list(c->out, slot, kind, name);
	(void)map_put(&c->slots, slot, strlen(slot), t);
	return t;
}

/* Its own, or a number that no list of the source has: a file cannot call it "" or as another. */
static const char *slot_of(struct conv *c, const struct book_list *l)
{
	const char *slot = folded(c, l->slot);
	const char *why;

	if (c->to->whole_model || c->same_codec)
		return l->slot;
	if (*slot && map_get(&c->called, slot, strlen(slot)) == l &&
		convert_text(c, l->slot, &why) == l->slot)
		return l->slot;
	do
		slot = conv_fmt(c, "%u", ++c->new_slots);
	while (map_get(&c->called, slot, strlen(slot)));
	conv_note(c, LEDGER_REMAPPED, "list", l->slot, slot, "the target cannot call a list so");
	return slot;
}

/* The list of that place; made when its first entries come. limits NULL = as in the source. */
static struct target *target_at(
	struct conv *c, const struct profile_list *limits, const struct book_list *l)
{
	const char *slot = limits ? limits->slot : slot_of(c, l);
	struct target *t = c->to->whole_model ? NULL : map_get(&c->slots, slot, strlen(slot));
	const char *name = limits ? limits->name : "";

	if (t)
		return t;
	if (*l->name && c->to->list_names)
		name = name_of_list(c, l);
	return add_target(c, slot, limits ? limits->kind : l->kind, limits, name);
}

/* The one list that the format has; a list alone keeps its place and name where it can. */
static struct target *only_target(struct conv *c, const struct book_list *l)
{
	bool alone = c->src->n_lists == 1;
	const struct profile_list *limits = alone ? profile_slot(c, l->slot) : NULL;
	const char *name = "";

	if (!alone)
		conv_note(c, LEDGER_DROPPED, "list", *l->name ? l->name : l->slot, "",
			conv_fmt(c, "%s has one list", c->codec->title));
	if (c->n_targets)
		return &c->target[0];
	if (!limits && c->to->n_lists)
		limits = &c->to->list[0];
	const char *slot = limits ? limits->slot : "1";
	if (alone && strcmp(slot, l->slot) != 0)
		conv_note(
			c, LEDGER_REMAPPED, "list", l->slot, slot, "the target has not this list");
	if (alone && *l->name && c->to->list_names)
		name = name_of_list(c, l);
	return add_target(c, slot, limits ? limits->kind : LIST_FLAT, limits, name);
}

struct target *convert_list(struct conv *c, const struct book_list *l)
{
	struct origin *o = conv_take(c, 1, sizeof(*o));
	const struct profile_list *limits = profile_slot(c, l->slot);

	*o = (struct origin){.list = l};
	c->now = o;
	if (*l->name && !c->to->list_names && (!one_list(c) || c->src->n_lists == 1))
		conv_note(c, LEDGER_DROPPED, "list.name", l->name, "",
			conv_fmt(c, "%s has no names of lists", c->codec->title));
	if (one_list(c))
		return only_target(c, l);
	if (!limits && c->to->n_lists) {
		limits = free_slot(c);
		conv_note(c, LEDGER_REMAPPED, "list", l->slot, limits->slot,
			"the target has not this list");
	}
	return target_at(c, limits, l);
}

void convert_empty(struct conv *c, const struct book_list *l)
{
	struct origin *o = conv_take(c, 1, sizeof(*o));

	*o = (struct origin){.list = l};
	c->now = o;
	if (*l->name)
		conv_note(c, LEDGER_DROPPED, "list", l->name, "", "there is no entry in it");
}
