// SPDX-License-Identifier: Apache-2.0
/* A diff applied (address-books.md 9.2, law L9). Fields are set one by one, so that what did not
 * change stays as it is written; tags, members and extras are sets and come over as such. */
#include <stdlib.h>
#include <string.h>

#include "common/base/map.h"
#include "common/book/compare/diff.h"
#include "common/book/compare/match.h"

/* What is to be done with an entry of the left side; changes of one entry stand together. */
struct edit {
	const struct diff_change *first;
	uint32_t n;
	bool gone; /* removed, or moved to another list */
};

struct patch {
	const struct book *left;
	const struct diff *d;
	struct book *to;
	struct edit *edit; /* over all lists of left */
	uint32_t *begin;   /* of each list in edit */
};

/* ---- which edit is whose ---- */

static struct edit *edit_of(struct patch *p, const struct book_entry *e)
{
	for (uint32_t i = 0; i < p->left->n_lists; i++) {
		const struct book_list *l = &p->left->list[i];

		if (e >= l->entry && e < l->entry + l->n_entries)
			return &p->edit[p->begin[i] + (uint32_t)(e - l->entry)];
	}
	bug_if(true); /* the diff of another book */
	return NULL;
}

static void sort_changes(struct patch *p)
{
	uint32_t n = 0;

	p->begin = mem_alloc(size_max(p->left->n_lists, 1) * sizeof(*p->begin));
	for (uint32_t i = 0; i < p->left->n_lists; i++) {
		p->begin[i] = n;
		n += p->left->list[i].n_entries;
	}
	p->edit = mem_alloc(size_max(n, 1) * sizeof(*p->edit));
	for (uint32_t i = 0; i < p->d->n; i++) {
		const struct diff_change *c = &p->d->change[i];

		if (c->left == NULL)
			continue;
		struct edit *e = edit_of(p, c->left);
		if (e->n++ == 0)
			e->first = c;
		e->gone |= c->op == DIFF_REMOVE || c->op == DIFF_MOVE;
	}
}

/* ---- one entry ---- */

static void copy_tags(struct book *b, struct book_entry *to, const struct book_entry *from)
{
	to->n_tags = 0;
	for (uint32_t i = 0; i < from->n_tags; i++)
		book_add_tag(b, to, from->tag[i].system, from->tag[i].value);
}

static void copy_members(struct book *b, struct book_entry *to, const struct book_entry *from)
{
	to->n_members = 0;
	for (uint32_t i = 0; i < from->n_members; i++)
		book_add_member(b, to, from->member[i].key, from->member[i].text);
}

static void copy_extras(struct book *b, struct book_entry *to, const struct book_entry *from)
{
	to->n_extras = 0;
	for (uint32_t i = 0; i < from->n_extras; i++)
		book_add_extra(b, to, from->extra[i].name, from->extra[i].value);
}

static void copy_place(struct book *b, struct book_entry *to, const struct book_entry *from)
{
	to->key = book_str(b, from->key);
	book_set(b, &to->f, F_NUMBER, fields_get(&from->f, F_NUMBER));
	book_set(b, &to->f, F_UUID, fields_get(&from->f, F_UUID));
}

static void copy_secret(struct book *b, struct book_dest *to, const struct book_secret *from)
{
	book_set_secret(b, to, from->state, from->text, from->scheme);
}

static void set_dest_field(struct book *b, struct book_entry *to, const struct diff_change *c)
{
	struct fields *f = &to->dest[c->left_dest].f;
	const struct fields *right = &c->right->dest[c->right_dest].f;

	book_set(b, f, c->id, c->after);
	/* what port goes without saying is another one now */
	if (c->id == F_PROTOCOL || c->id == F_SSL)
		book_set(b, f, F_PORT, fields_get(right, F_PORT));
}

/* Destinations that go are removed at the end: indexes hold until then. */
static void apply(struct book *b, struct book_entry *to, const struct diff_change *c)
{
	switch (c->part) {
	case DIFF_WHOLE:
		copy_place(b, to, c->right);
		if (c->op == DIFF_MOVE) /* members stand in the group's own list */
			copy_members(b, to, c->right);
		return;
	case DIFF_FIELD:
		book_set(b, &to->f, c->id, c->after);
		return;
	case DIFF_TAG:
		copy_tags(b, to, c->right);
		return;
	case DIFF_DEST_FIELD:
		set_dest_field(b, to, c);
		return;
	case DIFF_SECRET:
		copy_secret(b, &to->dest[c->left_dest], &c->right->dest[c->right_dest].secret);
		return;
	case DIFF_MEMBER:
		copy_members(b, to, c->right);
		return;
	case DIFF_EXTRA:
		copy_extras(b, to, c->right);
		return;
	case DIFF_DEST:
		return;
	}
}

/* The same part twice in a row: sets come over once. */
static bool again(const struct edit *e, uint32_t i)
{
	enum diff_part part = e->first[i].part;
	bool set = part == DIFF_TAG || part == DIFF_MEMBER || part == DIFF_EXTRA;

	return set && i > 0 && e->first[i - 1].part == part;
}

static void drop_dests(struct book_entry *to, const struct edit *e)
{
	uint32_t kept = 0;
	bool *gone = mem_alloc((size_t)to->n_dests + 1);

	for (uint32_t i = 0; i < e->n; i++)
		if (e->first[i].part == DIFF_DEST && e->first[i].right_dest == DIFF_NO_DEST)
			gone[e->first[i].left_dest] = true;
	for (uint32_t i = 0; i < to->n_dests; i++)
		if (!gone[i])
			to->dest[kept++] = to->dest[i];
	to->n_dests = kept;
	free(gone);
}

static void copy_dest(struct book *b, struct book_entry *e, const struct book_dest *from)
{
	struct book_dest *d = book_add_dest(b, e, from->kind);

	for (uint32_t i = 0; i < from->f.n; i++)
		book_set(b, &d->f, from->f.v[i].id, from->f.v[i].value);
	copy_secret(b, d, &from->secret);
}

static void add_dests(struct book *b, struct book_entry *to, const struct edit *e)
{
	for (uint32_t i = 0; i < e->n; i++) {
		const struct diff_change *c = &e->first[i];

		if (c->part == DIFF_DEST && c->left_dest == DIFF_NO_DEST)
			copy_dest(b, to, &c->right->dest[c->right_dest]);
	}
}

static void copy_edited(
	struct patch *p, struct book_list *l, const struct book_entry *from, const struct edit *e)
{
	struct book_entry *to = book_copy_entry(p->to, l, from);

	if (p->to->too_big)
		return;
	for (uint32_t i = 0; i < e->n; i++)
		if (!again(e, i))
			apply(p->to, to, &e->first[i]);
	drop_dests(to, e);
	add_dests(p->to, to, e);
}

/* ---- lists ---- */

static const struct diff_change *list_change(const struct patch *p, const char *slot)
{
	for (uint32_t i = 0; i < p->d->n; i++)
		if (p->d->change[i].op >= DIFF_LIST_RENAMED &&
			strcmp(p->d->change[i].list, slot) == 0)
			return &p->d->change[i];
	return NULL;
}

static void copy_list(struct patch *p, uint32_t i)
{
	const struct book_list *from = &p->left->list[i];
	const struct diff_change *c = list_change(p, from->slot);

	if (c && c->op == DIFF_LIST_REMOVED)
		return;
	struct book_list *l = book_add_list(p->to, from->slot, from->kind,
		c && c->op == DIFF_LIST_RENAMED ? c->after : from->name);
	for (uint32_t j = 0; j < from->n_entries; j++) {
		const struct edit *e = &p->edit[p->begin[i] + j];

		if (!e->gone)
			copy_edited(p, l, &from->entry[j], e);
	}
}

static void add_entries(struct patch *p)
{
	for (uint32_t i = 0; i < p->d->n; i++) {
		const struct diff_change *c = &p->d->change[i];

		if (c->op == DIFF_LIST_ADDED)
			book_add_list(p->to, c->list, c->list_kind, c->after);
		if (c->op != DIFF_ADD && c->op != DIFF_MOVE)
			continue;
		struct book_list *l = book_find_list(p->to, c->list);
		if (l == NULL)
			l = book_add_list(p->to, c->list, c->list_kind, "");
		if (c->op == DIFF_MOVE)
			copy_edited(p, l, c->left, edit_of(p, c->left));
		else
			book_copy_entry(p->to, l, c->right)->at = (struct book_place){0, 0};
	}
}

/* ---- members follow their targets to a new key ---- */

static bool has_members(const struct book_list *l)
{
	for (uint32_t i = 0; i < l->n_entries; i++)
		if (l->entry[i].n_members > 0)
			return true;
	return false;
}

static void index_keys(struct patch *p, uint32_t list, struct map *keys)
{
	const struct book_list *l = &p->left->list[list];

	for (uint32_t j = l->n_entries; j > 0; j--)
		map_put(keys, l->entry[j - 1].key, strlen(l->entry[j - 1].key),
			&p->edit[p->begin[list] + j - 1]);
}

static void follow(struct patch *p, const struct map *keys, struct book_member *m)
{
	const struct edit *e = m->key ? map_get(keys, m->key, strlen(m->key)) : NULL;
	bool as_text = m->key && m->text && (*m->text == 0 || strcmp(m->text, m->key) == 0);

	if (m->key == NULL)
		return;
	if (e == NULL) { /* dangling: nobody who is added later is meant */
		m->text = as_text ? m->key : m->text;
		m->key = NULL;
	} else if (e->n > 0 && e->first->op == DIFF_RENUMBER) {
		m->key = book_str(p->to, e->first->right->key);
		m->text = as_text && *m->text ? m->key : m->text;
	}
}

static bool has_part(const struct edit *e, enum diff_part part)
{
	for (uint32_t i = 0; i < e->n; i++)
		if (e->first[i].part == part)
			return true;
	return false;
}

/* Groups that came over from the right side say it in their keys already. */
static void follow_renumbered(struct patch *p, uint32_t list)
{
	const struct book_list *from = &p->left->list[list];
	struct book_list *l = book_find_list(p->to, from->slot);
	struct map keys = MAP_INIT;

	if (l == NULL || !has_members(from))
		return;
	index_keys(p, list, &keys);
	for (uint32_t j = 0, at = 0; j < from->n_entries && at < l->n_entries; j++) {
		const struct edit *e = &p->edit[p->begin[list] + j];
		if (e->gone)
			continue;
		struct book_entry *to = &l->entry[at++];
		for (uint32_t m = 0; m < to->n_members && !has_part(e, DIFF_MEMBER); m++)
			follow(p, &keys, &to->member[m]);
	}
	map_fini(&keys);
}

struct book *book_patch(const struct book *left, const struct diff *d)
{
	struct patch p = {.left = left, .d = d, .to = book_new(left->family)};

	p.to->codec = book_str(p.to, left->codec);
	p.to->charset = book_str(p.to, left->charset);
	for (uint32_t i = 0; i < left->n_meta; i++)
		book_add_meta(p.to, left->meta[i].name, left->meta[i].value);
	sort_changes(&p);
	for (uint32_t i = 0; i < left->n_lists; i++)
		copy_list(&p, i);
	add_entries(&p);
	for (uint32_t i = 0; i < left->n_lists && !p.to->too_big; i++)
		follow_renumbered(&p, i);
	p.to->too_big |= left->too_big;
	free(p.begin);
	free(p.edit);
	return p.to;
}
