// SPDX-License-Identifier: Apache-2.0
/* Groups: written after their members, with those members that are in the target
 * (docs/spec/address-books.md 10.2, AB-3). Pure. */
#include <stdlib.h>
#include <string.h>

#include "common/base/map.h"
#include "common/book/convert/convert_priv.h"

/* ---- order ---- */

struct walk {
	const struct book_list *list;
	struct map index; /* key → entry */
	uint32_t *order, n;
	uint32_t *stack, *next; /* entries on the way down, and their member in turn */
	bool *seen;
};

static uint32_t index_of(const struct walk *w, const struct book_member *m)
{
	const struct book_entry *e = m->key ? map_get(&w->index, m->key, strlen(m->key)) : NULL;

	return e ? (uint32_t)(e - w->list->entry) : UINT32_MAX;
}

static bool in_order(const struct walk *w)
{
	for (uint32_t i = 0; i < w->list->n_entries; i++) {
		const struct book_entry *e = &w->list->entry[i];
		for (uint32_t k = 0; k < e->n_members; k++) {
			uint32_t m = index_of(w, &e->member[k]);
			if (m != UINT32_MAX && m > i)
				return false;
		}
	}
	return true;
}

/* Depth first without recursion: groups may be nested as deep as a file likes. */
static void visit(struct walk *w, uint32_t root)
{
	uint32_t depth = 1;

	w->stack[0] = root;
	w->next[0] = 0;
	w->seen[root] = true;
	while (depth) {
		const struct book_entry *e = &w->list->entry[w->stack[depth - 1]];
		uint32_t k = w->next[depth - 1]++;
		if (k >= e->n_members) {
			w->order[w->n++] = w->stack[--depth];
			continue;
		}
		uint32_t m = index_of(w, &e->member[k]);
		if (m == UINT32_MAX || w->seen[m])
			continue;
		w->seen[m] = true;
		w->stack[depth] = m;
		w->next[depth++] = 0;
	}
}

uint32_t *convert_order(struct conv *c, const struct book_list *l)
{
	struct walk w = {.list = l, .index = MAP_INIT};

	w.order = conv_take(c, l->n_entries, sizeof(*w.order));
	w.stack = conv_take(c, l->n_entries, sizeof(*w.stack));
	w.next = conv_take(c, l->n_entries, sizeof(*w.next));
	w.seen = conv_take(c, l->n_entries, sizeof(*w.seen));
	for (uint32_t i = 0; i < l->n_entries; i++)
		(void)map_put(&w.index, l->entry[i].key, strlen(l->entry[i].key), &l->entry[i]);
	if (c->to->whole_model || in_order(&w)) {
		for (uint32_t i = 0; i < l->n_entries; i++)
			w.order[i] = i;
	} else {
		for (uint32_t i = 0; i < l->n_entries; i++)
			if (!l->entry[i].group)
				visit(&w, i);
		for (uint32_t i = 0; i < l->n_entries; i++)
			if (!w.seen[i])
				visit(&w, i);
	}
	map_fini(&w.index);
	return w.order;
}

/* ---- members ---- */

struct members {
	struct conv *c;
	struct book_entry *group; /* of the target */
	uint32_t at;              /* its place there */
	uint32_t *part;           /* places of its members; UINT32_MAX = dangling, text says what */
	const char **text;
	uint32_t n, cap;
};

static void lost(struct members *m, const struct book_member *member, const struct origin *o,
	const char *why)
{
	const char *name = o ? entry_name(o->entry) : "";

	conv_note(m->c, LEDGER_MEMBER_LOST, "member",
		*name          ? name
		: member->text ? member->text
			       : "",
		"", why);
}

static void add_place(struct members *m, uint32_t part, const char *text)
{
	if (m->n == m->cap) {
		uint32_t cap = m->cap ? 2 * m->cap : 16;
		uint32_t *parts = conv_take(m->c, cap, sizeof(*parts));
		const char **texts = conv_take(m->c, cap, sizeof(*texts));
		if (m->n) {
			memcpy(parts, m->part, m->n * sizeof(*parts));
			memcpy(texts, m->text, m->n * sizeof(*texts));
		}
		m->part = parts;
		m->text = texts;
		m->cap = cap;
	}
	m->part[m->n] = part;
	m->text[m->n++] = text;
}

static bool asks_password(const struct book_entry *e)
{
	for (uint32_t i = 0; i < e->n_dests; i++) {
		const char *ask = fields_get(&e->dest[i].f, F_ASK_PASSWORD);
		if (ask && strcmp(ask, "true") == 0)
			return true;
	}
	return false;
}

static const char *refused(const struct members *m, const struct origin *o)
{
	const struct book_profile *p = m->c->to;

	if ((m->c->codec->flags & CODEC_GROUPS) == 0)
		return "members are not understood in this format";
	if (o->dropped || o->n == 0)
		return "it is not in the target";
	if (o->target != m->c->now->target)
		return "it is in another list";
	if (o->entry->group && !p->group_nested)
		return "a group is no member";
	if (p->group_no_ask && asks_password(o->entry))
		return "an entry that asks for its password is no member";
	if (!p->neutral && o->first >= m->at)
		return "groups in a circle";
	return NULL;
}

/* It would be somebody else's reference there. */
static bool names_entry(const struct target *t, const char *text)
{
	const char *number = text + strspn(text, "0");

	return map_get(&t->keys, text, strlen(text)) || map_get(&t->keys, number, strlen(number));
}

static void add_dangling(struct members *m, const struct book_member *member)
{
	struct conv *c = m->c;
	const struct target *t = c->now->target;
	const char *why = "there is no such entry";
	const char *text = NULL;
	bool groups = (c->codec->flags & CODEC_GROUPS) != 0;

	if (groups && member->text && c->same_family && !c->to->group_on_member &&
		!names_entry(t, member->text))
		text = convert_text(c, member->text, &why);
	if (text)
		add_place(m, UINT32_MAX, text);
	else
		lost(m, member, NULL, why);
}

static void add_member(struct members *m, const struct book_member *member, const struct origin *o)
{
	const char *why;

	if (!(m->c->codec->flags & CODEC_GROUPS)) {
		lost(m, member, o, "the format does not say who is in a group");
		return;
	}
	if (o == NULL) {
		add_dangling(m, member);
		return;
	}
	why = refused(m, o);
	if (why) {
		lost(m, member, o, why);
		return;
	}
	for (uint32_t i = 0; i < o->n; i++)
		if (!o->target->part[o->first + i].dropped)
			add_place(m, o->first + i, NULL);
}

static int ascending(const void *a, const void *b)
{
	const uint32_t *x = a;
	const uint32_t *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Where membership is said on the member it has no order, and stands once. */
static void in_entry_order(struct members *m)
{
	uint32_t kept = 0;
	bool sorted = true;

	for (uint32_t i = 1; i < m->n; i++)
		sorted &= m->part[i - 1] < m->part[i];
	if (sorted)
		return;
	qsort(m->part, m->n, sizeof(*m->part), ascending);
	for (uint32_t i = 0; i < m->n; i++)
		if (kept == 0 || m->part[i] != m->part[kept - 1])
			m->part[kept++] = m->part[i];
	if (kept < m->n)
		conv_note(m->c, LEDGER_MEMBER_LOST, "member", conv_fmt(m->c, "%u", m->n),
			conv_fmt(m->c, "%u", kept), "an entry is in a group once");
	m->n = kept;
	conv_note(m->c, LEDGER_REMAPPED, "member", "", "", "members stand in the order of entries");
}

static void write_members(struct members *m)
{
	struct conv *c = m->c;
	const struct book_entry *all = c->out->list[c->now->target->list].entry;
	uint32_t max = c->to->members ? c->to->members : UINT32_MAX;

	for (uint32_t i = 0; i < m->n; i++) {
		const char *key = m->part[i] == UINT32_MAX ? NULL : all[m->part[i]].key;
		if (i >= max)
			conv_note(c, LEDGER_MEMBER_LOST, "member",
				key ? entry_name(&all[m->part[i]]) : m->text[i], "",
				conv_fmt(c, "a group has %u members at most", max));
		else
			book_add_member(c->out, m->group, key, key ? key : m->text[i]);
	}
}

static void members_of(struct conv *c, const struct origin *o, const struct map *origins)
{
	struct target *t = o->target;
	struct members m = {
		.c = c, .group = &c->out->list[t->list].entry[o->first], .at = o->first};

	c->now = o;
	for (uint32_t i = 0; i < o->entry->n_members; i++) {
		const struct book_member *member = &o->entry->member[i];
		add_member(&m, member,
			member->key ? map_get(origins, member->key, strlen(member->key)) : NULL);
	}
	if (c->to->group_on_member)
		in_entry_order(&m);
	write_members(&m);
}

void convert_members(struct conv *c)
{
	for (uint32_t i = 0, end; i < c->n_origins; i = end) {
		const struct book_list *l = c->origin[i].list;
		struct map origins = MAP_INIT;
		for (end = i; end < c->n_origins && c->origin[end].list == l; end++)
			(void)map_put(&origins, c->origin[end].entry->key,
				strlen(c->origin[end].entry->key), &c->origin[end]);
		for (uint32_t k = i; k < end; k++)
			if (c->origin[k].entry->group && !c->origin[k].dropped && c->origin[k].n)
				members_of(c, &c->origin[k], &origins);
		map_fini(&origins);
	}
}
