// SPDX-License-Identifier: Apache-2.0
/* The normal form of a whole book (address-books.md section 8). */
#include "common/book/norm.h"

#include <string.h>

#include "common/base/map.h"
#include "common/base/sort.h"

struct norm {
	struct book *to;
	const struct book_profile *profile;
	bool share; /* texts of the source may be used as they are */
};

static const char *text(struct norm *n, const char *s)
{
	return n->share ? s : book_str(n->to, s);
}

/* ---- fields ---- */

static const char *default_of(
	const struct book_profile *p, enum dest_kind kind, enum book_field field)
{
	for (uint32_t i = 0; p != NULL && i < p->n_defaults; i++)
		if (p->defaults[i].field == field && p->defaults[i].kind == kind)
			return p->defaults[i].value;
	return NULL;
}

static bool is_default(
	struct norm *n, enum dest_kind kind, enum book_field field, const char *value)
{
	const char *usual = default_of(n->profile, kind, field);

	if (usual != NULL)
		usual = norm_value(n->to, field, usual);
	return usual != NULL && strcmp(usual, value) == 0;
}

static void drop_field(struct fields *f, enum book_field id)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < f->n; i++)
		if (f->v[i].id != id)
			f->v[kept++] = f->v[i];
	f->n = kept;
}

static const char *effective(struct norm *n, const struct fields *f, enum book_field field)
{
	const char *value = fields_get(f, field);

	return value ? value : norm_value(n->to, field, default_of(n->profile, DEST_FILE, field));
}

/* The port that the protocol has anyway says nothing. */
static bool has_own_port(struct norm *n, const struct fields *f)
{
	const char *port = fields_get(f, F_PORT), *ssl, *own;

	if (port == NULL)
		return false;
	ssl = effective(n, f, F_SSL);
	own = protocol_port(effective(n, f, F_PROTOCOL), ssl && strcmp(ssl, "true") == 0);
	return own != NULL && strcmp(own, port) == 0;
}

/* How many fields from the first on are normal as they are. */
static uint32_t normal_fields(struct norm *n, enum dest_kind kind, const struct fields *f)
{
	uint32_t i = 0;

	while (i < f->n && norm_value(n->to, f->v[i].id, f->v[i].value) == f->v[i].value &&
		!is_default(n, kind, f->v[i].id, f->v[i].value))
		i++;
	return i;
}

static void norm_fields(
	struct norm *n, enum dest_kind kind, const struct fields *from, struct fields *to)
{
	uint32_t normal = n->share ? normal_fields(n, kind, from) : 0;

	*to = *from;
	if (n->share && normal == from->n && (kind != DEST_FILE || !has_own_port(n, from)))
		return;
	*to = (struct fields){.v = arena_array(&n->to->arena, from->n, sizeof(from->v[0]))};
	n->to->too_big |= to->v == NULL;
	for (uint32_t i = 0; to->v != NULL && i < from->n; i++) {
		enum book_field id = from->v[i].id;
		const char *value = from->v[i].value;

		if (i >= normal)
			value = norm_value(n->to, id, value);
		if (i >= normal && (value == NULL || is_default(n, kind, id, value)))
			continue;
		if (value == from->v[i].value)
			value = text(n, value);
		to->v[to->n++] = (struct field){id, value};
	}
	to->cap = to->n;
	if (kind == DEST_FILE && has_own_port(n, to))
		drop_field(to, F_PORT);
}

/* ---- tags, destinations, extras ---- */

static int compare_tags(const void *a, const void *b)
{
	const struct book_tag *x = a, *y = b;
	int order = strcmp(x->system, y->system);

	return order ? order : strcmp(x->value, y->value);
}

static bool tags_are_normal(struct norm *n, const struct book_entry *e)
{
	for (uint32_t i = 0; i < e->n_tags; i++)
		if (norm_value(n->to, F_NAME, e->tag[i].value) != e->tag[i].value ||
			(i > 0 && compare_tags(&e->tag[i - 1], &e->tag[i]) >= 0))
			return false;
	return true;
}

static void norm_tags(struct norm *n, const struct book_entry *from, struct book_entry *to)
{
	if (n->share && tags_are_normal(n, from)) {
		to->tag = from->tag;
		to->n_tags = to->cap_tags = from->n_tags;
		return;
	}
	for (uint32_t i = 0; i < from->n_tags; i++) {
		const char *value = norm_value(n->to, F_NAME, from->tag[i].value);
		if (value != NULL)
			book_add_tag(n->to, to, from->tag[i].system, value);
	}
	sort_stable(to->tag, to->n_tags, sizeof(to->tag[0]), compare_tags);
	uint32_t kept = 0;
	for (uint32_t i = 0; i < to->n_tags; i++)
		if (kept == 0 || compare_tags(&to->tag[kept - 1], &to->tag[i]) != 0)
			to->tag[kept++] = to->tag[i];
	to->n_tags = kept;
}

static void norm_secret(struct norm *n, const struct book_secret *from, struct book_secret *to)
{
	*to = *from;
	if (from->state == SECRET_CLEAR && (from->text == NULL || *from->text == 0))
		*to = (struct book_secret){.state = SECRET_ABSENT};
	to->text = text(n, to->text);
	to->scheme = text(n, to->scheme);
}

static void norm_dests(struct norm *n, const struct book_entry *from, struct book_entry *to)
{
	to->dest = arena_array(&n->to->arena, from->n_dests, sizeof(from->dest[0]));
	n->to->too_big |= to->dest == NULL;
	to->n_dests = to->cap_dests = to->dest ? from->n_dests : 0;
	for (uint32_t i = 0; i < to->n_dests; i++) {
		const struct book_dest *d = &from->dest[i];

		to->dest[i] = (struct book_dest){.kind = d->kind};
		norm_fields(n, d->kind, &d->f, &to->dest[i].f);
		norm_secret(n, &d->secret, &to->dest[i].secret);
	}
}

static int compare_extras(const void *a, const void *b)
{
	const struct book_extra *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static bool is_volatile(const struct book_profile *p, const char *name)
{
	for (const char *const *v = p ? p->volatile_extras : NULL; v != NULL && *v != NULL; v++)
		if (strcmp(*v, name) == 0)
			return true;
	return false;
}

static bool extras_are_normal(const struct norm *n, const struct book_entry *e)
{
	for (uint32_t i = 0; i < e->n_extras; i++)
		if (is_volatile(n->profile, e->extra[i].name) ||
			(i > 0 && compare_extras(&e->extra[i - 1], &e->extra[i]) > 0))
			return false;
	return true;
}

static void norm_extras(struct norm *n, const struct book_entry *from, struct book_entry *to)
{
	if (n->share && extras_are_normal(n, from)) {
		to->extra = from->extra;
		to->n_extras = to->cap_extras = from->n_extras;
		return;
	}
	to->extra = arena_array(&n->to->arena, from->n_extras, sizeof(from->extra[0]));
	n->to->too_big |= to->extra == NULL;
	for (uint32_t i = 0; to->extra != NULL && i < from->n_extras; i++) {
		const struct book_extra *x = &from->extra[i];

		if (!is_volatile(n->profile, x->name))
			to->extra[to->n_extras++] =
				(struct book_extra){text(n, x->name), text(n, x->value)};
	}
	to->cap_extras = to->n_extras;
	if (to->n_extras > 1)
		sort_stable(to->extra, to->n_extras, sizeof(to->extra[0]), compare_extras);
}

/* ---- members ---- */

/* The keys that members name, each with its entry or, where there is none, with nobody. */
static struct book_entry nobody;

static void keys_of(const struct book_list *l, struct map *keys)
{
	for (uint32_t i = 0; i < l->n_entries; i++)
		for (uint32_t m = 0; m < l->entry[i].n_members; m++) {
			const char *key = l->entry[i].member[m].key;
			if (key != NULL)
				map_put(keys, key, strlen(key), &nobody);
		}
	for (uint32_t i = 0; keys->n > 0 && i < l->n_entries; i++) {
		const char *key = l->entry[i].key;
		if (map_get(keys, key, strlen(key)) != NULL)
			map_put(keys, key, strlen(key), &l->entry[i]);
	}
}

static void norm_members(struct norm *n, const struct map *keys, const struct book_entry *from,
	struct book_entry *to)
{
	to->member = arena_array(&n->to->arena, from->n_members, sizeof(from->member[0]));
	n->to->too_big |= to->member == NULL;
	to->n_members = to->cap_members = to->member ? from->n_members : 0;
	for (uint32_t i = 0; i < to->n_members; i++) {
		const struct book_member *m = &from->member[i];
		const char *dangling = m->text && *m->text ? m->text : m->key;

		if (m->key != NULL && map_get(keys, m->key, strlen(m->key)) != &nobody) {
			to->member[i] = (struct book_member){text(n, m->key), ""};
			continue;
		}
		const char *value = norm_value(n->to, F_NAME, dangling);
		if (value == dangling)
			value = text(n, value);
		to->member[i] = (struct book_member){NULL, value ? value : ""};
	}
}

/* ---- all of it ---- */

static void norm_entry(
	struct norm *n, const struct map *keys, struct book_list *l, const struct book_entry *from)
{
	struct book_entry *to = book_add_entry(n->to, l, NULL);

	to->key = text(n, from->key);
	to->group = from->group;
	to->at = from->at;
	norm_fields(n, DEST_NONE, &from->f, &to->f);
	if (from->n_tags > 0)
		norm_tags(n, from, to);
	if (from->n_dests > 0)
		norm_dests(n, from, to);
	if (from->n_members > 0)
		norm_members(n, keys, from, to);
	if (from->n_extras > 0)
		norm_extras(n, from, to);
}

static struct book *normalise(const struct book *b, const struct book_profile *profile, bool share)
{
	struct norm n = {.to = book_new(b->family), .profile = profile, .share = share};

	n.to->codec = book_str(n.to, b->codec);
	n.to->charset = book_str(n.to, b->charset);
	for (uint32_t i = 0; i < b->n_lists; i++) {
		const struct book_list *from = &b->list[i];
		const char *name = norm_value(n.to, F_NAME, from->name);
		struct book_list *l = book_add_list(n.to, from->slot, from->kind, name);
		struct map keys = MAP_INIT;

		keys_of(from, &keys);
		if (l != &n.to->spare_list && from->n_entries > 0) {
			l->entry = mem_alloc(from->n_entries * sizeof(l->entry[0]));
			l->cap_entries = from->n_entries;
		}
		for (uint32_t j = 0; j < from->n_entries; j++)
			norm_entry(&n, &keys, l, &from->entry[j]);
		map_fini(&keys);
	}
	n.to->too_big |= b->too_big;
	return n.to;
}

struct book *book_normalise(const struct book *b, const struct book_profile *profile)
{
	return normalise(b, profile, false);
}

struct book *book_normal_view(const struct book *b, const struct book_profile *profile)
{
	return normalise(b, profile, true);
}
