// SPDX-License-Identifier: Apache-2.0
/* The model in memory: everything in one arena. */
#include "common/book/book.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"

struct book *book_new(const char *family)
{
	struct book *b = mem_alloc(sizeof(*b));

	arena_init(&b->arena, BOOK_ARENA_MAX);
	b->family = book_str(b, family);
	b->codec = b->charset = "";
	return b;
}

void book_free(struct book *b)
{
	if (!b)
		return;
	for (uint32_t i = 0; i < b->n_lists; i++)
		free(b->list[i].entry);
	arena_fini(&b->arena);
	free(b);
}

/* ---- memory ---- */

const char *book_strn(struct book *b, const char *s, size_t n)
{
	const char *copy = s ? arena_strndup(&b->arena, s, n) : NULL;

	if (!s || copy)
		return copy;
	b->too_big = true;
	return "";
}

const char *book_str(struct book *b, const char *s)
{
	return s ? book_strn(b, s, strlen(s)) : NULL;
}

const char *book_fmt(struct book *b, const char *fmt, ...)
{
	struct buf text = BUF_INIT;
	const char *s;
	va_list ap;

	va_start(ap, fmt);
	buf_addv(&text, fmt, ap);
	va_end(ap);
	s = book_str(b, buf_str(&text));
	buf_fini(&text);
	return s;
}

/* Room for one more element behind *n; NULL when the arena is full. The array moves as it grows. */
static void *room(struct book *b, void *array, uint32_t *cap, uint32_t n, size_t size)
{
	uint32_t more = *cap ? *cap * 2 : 1;
	void *grown;

	if (n < *cap)
		return array;
	grown = arena_array(&b->arena, more, size);
	if (!grown) {
		b->too_big = true;
		return NULL;
	}
	if (n)
		memcpy(grown, array, n * size);
	*cap = more;
	return grown;
}

/* ---- adders ---- */

struct book_list *book_add_list(
	struct book *b, const char *slot, enum list_kind kind, const char *name)
{
	struct book_list *v = room(b, b->list, &b->cap_lists, b->n_lists, sizeof(*v));
	struct book_list *l = &b->spare_list;

	if (v) {
		b->list = v;
		l = &v[b->n_lists++];
	}
	*l = (struct book_list){
		.slot = book_str(b, slot), .kind = kind, .name = book_str(b, name ? name : "")};
	return l;
}

/* Entries are the one large array: it grows in place instead of leaving its old selves in the
 * arena. */
static struct book_entry *next_entry(struct book *b, struct book_list *l)
{
	if (b->n_entries >= BOOK_ENTRIES_MAX || l == &b->spare_list) {
		b->too_big = true;
		return &b->spare_entry;
	}
	if (l->n_entries == l->cap_entries) {
		l->cap_entries += l->cap_entries / 2 + 2;
		l->entry = mem_realloc(l->entry, l->cap_entries * sizeof(l->entry[0]));
	}
	b->n_entries++;
	return &l->entry[l->n_entries++];
}

struct book_entry *book_add_entry(struct book *b, struct book_list *l, const char *key)
{
	struct book_entry *e = next_entry(b, l);

	*e = (struct book_entry){.key = book_str(b, key ? key : "")};
	return e;
}

struct book_dest *book_add_dest(struct book *b, struct book_entry *e, enum dest_kind kind)
{
	struct book_dest *v = room(b, e->dest, &e->cap_dests, e->n_dests, sizeof(*v));
	struct book_dest *d = &b->spare_dest;

	if (v) {
		e->dest = v;
		d = &v[e->n_dests++];
	}
	*d = (struct book_dest){.kind = kind};
	return d;
}

void book_add_tag(struct book *b, struct book_entry *e, const char *system, const char *value)
{
	struct book_tag *v = room(b, e->tag, &e->cap_tags, e->n_tags, sizeof(*v));

	if (!v)
		return;
	e->tag = v;
	v[e->n_tags++] = (struct book_tag){book_str(b, system), book_str(b, value)};
}

void book_add_member(struct book *b, struct book_entry *e, const char *key, const char *text)
{
	struct book_member *v = room(b, e->member, &e->cap_members, e->n_members, sizeof(*v));

	if (!v)
		return;
	e->member = v;
	v[e->n_members++] = (struct book_member){book_str(b, key), book_str(b, text ? text : "")};
}

void book_add_extra_of(
	struct book *b, struct book_entry *e, const char *own_name, const char *value)
{
	struct book_extra *v = room(b, e->extra, &e->cap_extras, e->n_extras, sizeof(*v));

	if (!v)
		return;
	e->extra = v;
	v[e->n_extras++] = (struct book_extra){own_name, book_str(b, value ? value : "")};
}

void book_add_extra(struct book *b, struct book_entry *e, const char *name, const char *value)
{
	book_add_extra_of(b, e, book_str(b, name), value);
}

void book_add_meta(struct book *b, const char *name, const char *value)
{
	struct book_extra *v = room(b, b->meta, &b->cap_meta, b->n_meta, sizeof(*v));

	if (!v)
		return;
	b->meta = v;
	v[b->n_meta++] = (struct book_extra){book_str(b, name), book_str(b, value ? value : "")};
}

void book_set(struct book *b, struct fields *f, enum book_field id, const char *value)
{
	book_set_own(b, f, id, value && *value ? book_str(b, value) : NULL);
}

void book_set_own(struct book *b, struct fields *f, enum book_field id, const char *value)
{
	uint32_t i = 0;
	void *grown;

	while (i < f->n && f->v[i].id < id)
		i++;
	if (i < f->n && f->v[i].id == id) {
		if (value && *value) {
			f->v[i].value = value;
			return;
		}
		f->n--;
		memmove(&f->v[i], &f->v[i + 1], (f->n - i) * sizeof(f->v[0]));
		return;
	}
	if (!value || !*value)
		return;
	grown = room(b, f->v, &f->cap, f->n, sizeof(f->v[0]));
	if (!grown)
		return;
	f->v = grown;
	memmove(&f->v[i + 1], &f->v[i], (f->n - i) * sizeof(f->v[0]));
	f->v[i] = (struct field){id, value};
	f->n++;
}

void book_set_secret(struct book *b, struct book_dest *d, enum secret_state state, const char *text,
	const char *scheme)
{
	bool holds = state == SECRET_CLEAR || state == SECRET_ENCRYPTED;

	d->secret.state = state;
	d->secret.text = holds ? book_str(b, text ? text : "") : NULL;
	d->secret.scheme = state == SECRET_ENCRYPTED ? book_str(b, scheme) : NULL;
}

/* ---- copies and removals ---- */

static void copy_fields(struct book *b, struct fields *to, const struct fields *from)
{
	to->v = arena_array(&b->arena, from->n, sizeof(from->v[0]));
	to->n = to->cap = to->v ? from->n : 0;
	b->too_big |= from->n && !to->v;
	for (uint32_t i = 0; i < to->n; i++)
		to->v[i] = (struct field){from->v[i].id, book_str(b, from->v[i].value)};
}

struct book_entry *book_copy_entry(
	struct book *b, struct book_list *l, const struct book_entry *from)
{
	const struct book_entry source = *from; /* the array it stands in may move */
	struct book_entry *e = book_add_entry(b, l, source.key);

	e->group = source.group;
	e->at = source.at;
	copy_fields(b, &e->f, &source.f);
	for (uint32_t i = 0; i < source.n_tags; i++)
		book_add_tag(b, e, source.tag[i].system, source.tag[i].value);
	for (uint32_t i = 0; i < source.n_dests; i++) {
		const struct book_dest *s = &source.dest[i];
		struct book_dest *d = book_add_dest(b, e, s->kind);

		copy_fields(b, &d->f, &s->f);
		book_set_secret(b, d, s->secret.state, s->secret.text, s->secret.scheme);
	}
	for (uint32_t i = 0; i < source.n_members; i++)
		book_add_member(b, e, source.member[i].key, source.member[i].text);
	for (uint32_t i = 0; i < source.n_extras; i++)
		book_add_extra(b, e, source.extra[i].name, source.extra[i].value);
	return e;
}

struct book *book_copy(const struct book *from)
{
	struct book *b = book_new(from->family);

	b->codec = book_str(b, from->codec);
	b->charset = book_str(b, from->charset);
	for (uint32_t i = 0; i < from->n_meta; i++)
		book_add_meta(b, from->meta[i].name, from->meta[i].value);
	for (uint32_t i = 0; i < from->n_lists; i++) {
		const struct book_list *s = &from->list[i];
		struct book_list *l = book_add_list(b, s->slot, s->kind, s->name);

		for (uint32_t j = 0; j < s->n_entries; j++)
			book_copy_entry(b, l, &s->entry[j]);
	}
	b->too_big |= from->too_big;
	return b;
}

void book_remove_entry(struct book *b, struct book_list *l, const struct book_entry *e)
{
	size_t i = (size_t)(e - l->entry);

	bug_if(i >= l->n_entries);
	l->n_entries--;
	b->n_entries--;
	memmove(&l->entry[i], &l->entry[i + 1], (l->n_entries - i) * sizeof(l->entry[0]));
}

void book_remove_list(struct book *b, struct book_list *l)
{
	size_t i = (size_t)(l - b->list);

	bug_if(i >= b->n_lists);
	free(l->entry);
	b->n_entries -= l->n_entries;
	b->n_lists--;
	memmove(&b->list[i], &b->list[i + 1], (b->n_lists - i) * sizeof(b->list[0]));
}

void book_remove_dest(struct book_entry *e, const struct book_dest *d)
{
	size_t i = (size_t)(d - e->dest);

	bug_if(i >= e->n_dests);
	e->n_dests--;
	memmove(&e->dest[i], &e->dest[i + 1], (e->n_dests - i) * sizeof(e->dest[0]));
}

/* ---- questions ---- */

const char *fields_get(const struct fields *f, enum book_field id)
{
	for (uint32_t i = 0; i < f->n && f->v[i].id <= id; i++)
		if (f->v[i].id == id)
			return f->v[i].value;
	return NULL;
}

const char *entry_name(const struct book_entry *e)
{
	const char *name = fields_get(&e->f, F_NAME);

	return name ? name : "";
}

const char *book_meta(const struct book *b, const char *name)
{
	for (uint32_t i = 0; i < b->n_meta; i++)
		if (strcmp(b->meta[i].name, name) == 0)
			return b->meta[i].value;
	return "";
}

struct book_dest *entry_dest(const struct book_entry *e, enum dest_kind kind)
{
	for (uint32_t i = 0; i < e->n_dests; i++)
		if (e->dest[i].kind == kind)
			return &e->dest[i];
	return NULL;
}

struct book_extra *entry_extra(const struct book_entry *e, const char *name)
{
	for (uint32_t i = 0; i < e->n_extras; i++)
		if (strcmp(e->extra[i].name, name) == 0)
			return &e->extra[i];
	return NULL;
}

struct book_list *book_find_list(const struct book *b, const char *slot)
{
	for (uint32_t i = 0; i < b->n_lists; i++)
		if (strcmp(b->list[i].slot, slot) == 0)
			return &b->list[i];
	return NULL;
}

struct book_entry *list_find(const struct book_list *l, const char *key)
{
	for (uint32_t i = 0; i < l->n_entries; i++)
		if (strcmp(l->entry[i].key, key) == 0)
			return &l->entry[i];
	return NULL;
}

/* ---- names ---- */

static const char *const LIST_KINDS[] = {
	[LIST_FLAT] = "flat",
	[LIST_ADDRESS_LIST] = "address_list",
	[LIST_ONE_TOUCH] = "one_touch",
	[LIST_CODED_DIAL] = "coded_dial",
	[LIST_FAVORITES] = "favorites",
	[LIST_ADDRESS_BOOK] = "address_book",
	[LIST_SPEED_DIAL] = "speed_dial",
	[LIST_ADMIN] = "admin",
	[LIST_PERSONAL] = "personal",
	[LIST_USER_GROUP] = "user_group",
	[LIST_PROGRAM] = "program",
};

static const char *const SECRET_STATES[] = {
	[SECRET_ABSENT] = "absent",
	[SECRET_CLEAR] = "clear",
	[SECRET_ENCRYPTED] = "encrypted",
	[SECRET_WITHHELD] = "withheld",
	[SECRET_UNKNOWN] = "unknown",
};

static int named(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return (int)i;
	return -1;
}

const char *list_kind_name(enum list_kind kind)
{
	return LIST_KINDS[kind];
}

int list_kind_named(const char *name)
{
	return named(LIST_KINDS, array_len(LIST_KINDS), name);
}

const char *secret_state_name(enum secret_state state)
{
	return SECRET_STATES[state];
}

int secret_state_named(const char *name)
{
	return named(SECRET_STATES, array_len(SECRET_STATES), name);
}
