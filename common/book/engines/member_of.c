// SPDX-License-Identifier: Apache-2.0
/* Membership that stands on the member. */
#include "common/book/engines/member_of.h"

#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

bool member_of_get(
	struct sheet *s, const struct record *r, const struct column *c, const char *text)
{
	struct member_of *m = s->state;

	(void)c;
	if (m->n == m->cap) {
		m->cap = m->cap ? m->cap * 2 : 64;
		m->cell = mem_realloc(m->cell, m->cap * sizeof(m->cell[0]));
	}
	m->cell[m->n++] = (struct member_cell){(uint32_t)(r->list - s->d->book->list),
		(uint32_t)(r->entry - r->list->entry), book_str(s->d->book, text)};
	return true;
}

/* Two groups of one name are none by that name. */
static struct book_entry nobody;

static void add_group(struct map *map, const char *name, struct book_entry *e)
{
	if (*name && map_put(map, name, strlen(name), e))
		(void)map_put(map, name, strlen(name), &nobody);
}

static void find_groups(struct book *b, struct member_of *m)
{
	for (uint32_t i = 0; i < b->n_lists; i++) {
		for (uint32_t j = 0; j < b->list[i].n_entries; j++) {
			struct book_entry *e = &b->list[i].entry[j];

			if (!e->group)
				continue;
			add_group(&m->groups, m->id(e), e);
			if (m->names_too)
				add_group(&m->names, entry_name(e), e);
		}
	}
}

static struct book_entry *group_named(
	const struct member_of *m, const char *p, size_t n, bool *ret_name)
{
	struct book_entry *g = map_get(&m->groups, p, n);

	*ret_name = !g;
	if (!g)
		g = map_get(&m->names, p, n);
	return g == &nobody ? NULL : g;
}

/* Calls for each group that text names; false when one is none. member NULL: only looks. */
static bool each_group(struct member_of *m, const char *text, struct book *b, const char *member)
{
	char separators[] = ",;/ ";
	bool by_name;
	bool whole = group_named(m, text, strlen(text), &by_name);

	if (m->separator)
		memcpy(separators, (char[]){m->separator, 0}, 2);
	while (*text) {
		size_t n = whole ? strlen(text) : strcspn(text, separators);
		struct book_entry *g = group_named(m, text, n, &by_name);
		char separator = text[n];

		if (!g)
			return false;
		if (separator)
			memcpy(separators, (char[]){separator, 0}, 2);
		text += n + (separator != 0);
		if (!member)
			continue;
		book_add_member(b, g, member, member);
		m->by_name |= by_name;
		m->separator = separator ? separator : m->separator;
	}
	return true;
}

void member_of_join(struct sheet *s, struct member_of *m)
{
	struct book *b = s->d->book;

	find_groups(b, m);
	for (size_t i = 0; i < m->n; i++) {
		struct book_entry *e = &b->list[m->cell[i].list].entry[m->cell[i].entry];

		if (each_group(m, m->cell[i].text, NULL, NULL))
			(void)each_group(m, m->cell[i].text, b, e->key);
		else
			book_add_extra(b, e, m->column, m->cell[i].text);
	}
}

/* ---- writing ---- */

static void note_group(struct member_of *m, struct map *map, const struct book_entry *g)
{
	const char *name = m->by_name && *entry_name(g) ? entry_name(g) : m->id(g);

	for (uint32_t i = 0; i < g->n_members; i++) {
		const char *key = g->member[i].key;
		struct buf *text = key ? map_get(map, key, strlen(key)) : NULL;

		if (!key)
			continue;
		if (text) {
			buf_addc(text, m->separator ? m->separator : ',');
		} else {
			text = mem_alloc(sizeof(*text));
			map_put(map, key, strlen(key), text);
		}
		buf_adds(text, name);
	}
}

static void note_groups(struct member_of *m, struct map *map, const struct book *b)
{
	for (uint32_t i = 0; i < b->n_lists; i++)
		for (uint32_t j = 0; j < b->list[i].n_entries; j++)
			note_group(m, map, &b->list[i].entry[j]);
}

void member_of_plan(struct writer *w, struct member_of *m)
{
	m->base = w->base_of.book;
	note_groups(m, &m->old, m->base);
	note_groups(m, &m->new, w->e->book);
}

const char *member_of_put(const struct saying *y)
{
	const struct member_of *m = y->state;
	const struct map *map = y->about->book == m->base ? &m->old : &m->new;
	const struct buf *text = map_get(map, y->about->entry->key, strlen(y->about->entry->key));

	return text ? buf_str(text) : NULL;
}

static void free_text(void *value, void *arg)
{
	(void)arg;
	buf_fini(value);
	free(value);
}

void member_of_fini(struct member_of *m)
{
	map_each(&m->old, free_text, NULL);
	map_each(&m->new, free_text, NULL);
	map_fini(&m->old);
	map_fini(&m->new);
	map_fini(&m->groups);
	map_fini(&m->names);
	free(m->cell);
}
