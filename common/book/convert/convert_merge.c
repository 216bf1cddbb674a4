// SPDX-License-Identifier: Apache-2.0
/* Entries of equal name and reading in one list made one, on request only: families with one
 * destination in an entry write a person several times (docs/spec/address-books.md 10.2). Pure. */
#include <string.h>

#include "common/base/map.h"
#include "common/book/convert/convert_priv.h"

static bool stand_together(
	const struct conv *c, const struct book_dest *a, const struct book_dest *b)
{
	return c->to->dests == DESTS_ANY ||
	       profile_place(c->to, a->kind, fields_get(&a->f, F_PROTOCOL)) !=
		       profile_place(c->to, b->kind, fields_get(&b->f, F_PROTOCOL));
}

static bool may_join(const struct conv *c, const struct book_entry *a, const struct book_entry *b)
{
	for (uint32_t i = 0; i < a->n_dests; i++)
		for (uint32_t k = 0; k < b->n_dests; k++)
			if (!stand_together(c, &a->dest[i], &b->dest[k]))
				return false;
	return a->n_dests + b->n_dests <= 64; /* nobody has more; keeps this bounded */
}

static void join_fields(
	struct conv *c, struct book *b, struct book_entry *to, const struct book_entry *from)
{
	for (uint32_t i = 0; i < from->f.n; i++) {
		const struct field *f = &from->f.v[i];
		const char *have = fields_get(&to->f, f->id);
		if (f->id == F_NUMBER || f->id == F_UUID)
			continue; /* the line that says merged says it */
		if (!have)
			book_set(b, &to->f, f->id, f->value);
		else if (strcmp(have, f->value) != 0)
			conv_note(c, LEDGER_DROPPED, field_info(f->id)->name, f->value, have,
				"the other entry of this name has another");
	}
	for (uint32_t i = 0; i < from->n_extras; i++)
		if (!entry_extra(to, from->extra[i].name))
			book_add_extra(b, to, from->extra[i].name, from->extra[i].value);
		else
			conv_note(c, LEDGER_DROPPED, conv_fmt(c, "extra.%s", from->extra[i].name),
				from->extra[i].value, "",
				"the other entry of this name has another");
}

static void join(struct conv *c, struct book *b, struct book_list *l, struct book_entry *to,
	const struct book_entry *from)
{
	struct origin *o = conv_take(c, 1, sizeof(*o));
	struct book_entry *e = conv_take(c, 1, sizeof(*e));

	*e = *from;
	*o = (struct origin){.list = l, .entry = e};
	c->now = o;
	conv_note(c, LEDGER_MERGED, "", e->key, to->key, "equal name and reading");
	join_fields(c, b, to, from);
	for (uint32_t i = 0; i < from->n_tags; i++)
		book_add_tag(b, to, from->tag[i].system, from->tag[i].value);
	for (uint32_t i = 0; i < from->n_dests; i++)
		*book_add_dest(b, to, DEST_NONE) = from->dest[i];
}

/* Groups that had both have the one that is left, once. */
static void rename_members(struct book_entry *e, const struct map *joined)
{
	struct map have = MAP_INIT;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < e->n_members; i++) {
		struct book_member m = e->member[i];
		const struct book_entry *to = m.key ? map_get(joined, m.key, strlen(m.key)) : NULL;
		if (to)
			m.key = m.text = to->key;
		if (m.key && map_put(&have, m.key, strlen(m.key), e) && to)
			continue;
		e->member[kept++] = m;
	}
	e->n_members = kept;
	map_fini(&have);
}

static void merge_list(struct conv *c, struct book *b, struct book_list *l)
{
	struct map names = MAP_INIT; /* "name\nreading" → the entry that stays, by its new place */
	struct map joined = MAP_INIT; /* key → key of the one that stays */
	uint32_t kept = 0;

	for (uint32_t i = 0; i < l->n_entries; i++) {
		struct book_entry *e = &l->entry[i];
		const char *reading = fields_get(&e->f, F_READING);
		const char *id = conv_fmt(c, "%s\n%s", entry_name(e), reading ? reading : "");
		struct book_entry *to = map_get(&names, id, strlen(id));
		if (!e->group && *entry_name(e) && to && may_join(c, to, e)) {
			join(c, b, l, to, e);
			(void)map_put(&joined, e->key, strlen(e->key), to);
			continue;
		}
		l->entry[kept] = *e;
		if (!e->group && !to)
			(void)map_put(&names, id, strlen(id), &l->entry[kept]);
		kept++;
	}
	b->n_entries -= l->n_entries - kept;
	l->n_entries = kept;
	for (uint32_t i = 0; joined.n && i < kept; i++)
		rename_members(&l->entry[i], &joined);
	map_fini(&names);
	map_fini(&joined);
}

struct book *convert_merge(struct conv *c)
{
	struct book *b = book_copy(c->src);

	for (uint32_t i = 0; i < b->n_lists; i++)
		merge_list(c, b, &b->list[i]);
	c->now = NULL;
	return b;
}
