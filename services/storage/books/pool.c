// SPDX-License-Identifier: Apache-2.0
/* One pool of destinations: who is there already, who comes, who is picked. */
#include "services/storage/books/pool.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/map.h"
#include "common/book/compare/match.h"
#include "gen/errors.h"

struct book *pool_new(const char *family)
{
	struct book *b = book_new(family);
	(void)book_add_list(b, "1", LIST_FLAT, "Destinations");
	return b;
}

/* ---- who is the same ---- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "email=ana@example.org" of one destination in normal form. */
static char *dest_identity(const struct book_dest *d)
{
	struct buf b = BUF_INIT;
	buf_adds(&b, dest_kind_name(d->kind));
	for (uint32_t i = 0; i < d->f.n; i++)
		if (is_address(d->f.v[i].id))
			buf_addf(&b, "|%d=%s", (int)d->f.v[i].id, d->f.v[i].value);
	char *text = mem_strdup(buf_str(&b));
	buf_fini(&b);
	return text;
}

/* Kinds and addresses of an entry; "" of one that has none: nobody is its twin. */
static void identity(const struct book_entry *normal, struct buf *out)
{
	buf_reset(out);
	if (normal->group || normal->n_dests == 0)
		return;
	char **parts = mem_alloc(normal->n_dests * sizeof(*parts));
	for (uint32_t i = 0; i < normal->n_dests; i++)
		parts[i] = dest_identity(&normal->dest[i]);
	qsort(parts, normal->n_dests, sizeof(*parts), by_text);
	for (uint32_t i = 0; i < normal->n_dests; i++) {
		buf_addf(out, "%s;", parts[i]);
		free(parts[i]);
	}
	free(parts);
}

/* ---- adding ---- */

struct adding {
	struct book *pool;
	struct book_list *list;
	bool join, foreign;    /* foreign: another family than the pool's */
	struct map by_address; /* identity → index of an entry of the pool + 1 */
	struct map by_key;     /* list NUL key of the source → key in the pool */
	unsigned long next;    /* key */
	struct pool_added *ret;
};

static void *index_value(uint32_t i)
{
	return (void *)((uintptr_t)i + 1); /* never read as an address */
}

static int index_pool(struct adding *a)
{
	struct match_side side;
	struct buf text = BUF_INIT;
	if (match_side_init(&side, a->pool, NULL) < 0)
		return -1;
	for (uint32_t i = 0; i < side.n; i++) {
		unsigned long key = strtoul(side.v[i].raw->key, NULL, 10);
		if (key >= a->next)
			a->next = key + 1;
		identity(side.v[i].normal, &text);
		if (text.n > 0 && map_get(&a->by_address, text.p, text.n) == NULL)
			(void)map_put(&a->by_address, text.p, text.n, index_value(i));
	}
	buf_fini(&text);
	match_side_fini(&side);
	return 0;
}

static void note_twin(struct adding *a, const struct book_entry *comes, uint32_t there)
{
	struct pool_added *r = a->ret;
	if ((r->n_twins & (r->n_twins + 1)) == 0) /* grows at 0, 1, 3, 7 … */
		r->twin = mem_realloc(r->twin, (2 * (size_t)r->n_twins + 2) * sizeof(*r->twin));
	r->twin[r->n_twins++] = (struct pool_twin){comes, there};
}

static void source_key(struct buf *out, const struct match_item *i, const char *key)
{
	buf_reset(out);
	buf_add(out, i->list->slot, strlen(i->list->slot) + 1);
	buf_adds(out, key);
}

/* What only the other family understands does not come along. */
static void make_neutral(struct book *pool, struct book_entry *e)
{
	e->n_extras = 0;
	for (uint32_t i = 0; i < e->n_dests; i++)
		if (e->dest[i].secret.state == SECRET_ENCRYPTED)
			book_set_secret(pool, &e->dest[i], SECRET_WITHHELD, NULL, NULL);
}

static void take(struct adding *a, const struct match_item *i)
{
	struct book_entry *e = book_copy_entry(a->pool, a->list, i->raw);
	const char *key = book_fmt(a->pool, "%lu", a->next++);
	e->key = key == NULL ? "" : key;
	book_set(a->pool, &e->f, F_NUMBER, e->key);
	book_set(a->pool, &e->f, F_UUID, NULL);
	if (a->foreign)
		make_neutral(a->pool, e);
	a->ret->added++;
}

/* Where in the pool it stands then; *ret_taken: as an entry of its own. */
static uint32_t add_one(
	struct adding *a, const struct match_item *i, struct buf *text, bool *ret_taken)
{
	identity(i->normal, text);
	const void *seen = text->n == 0 ? NULL : map_get(&a->by_address, text->p, text->n);
	uint32_t at = (uint32_t)((uintptr_t)seen - 1);
	if (seen != NULL)
		note_twin(a, i->raw, at);
	*ret_taken = seen == NULL || !a->join;
	if (!*ret_taken) {
		a->ret->joined++;
		return at;
	}
	a->ret->doubles += seen != NULL;
	at = a->list->n_entries;
	take(a, i);
	if (text->n > 0 && seen == NULL)
		(void)map_put(&a->by_address, text->p, text->n, index_value(at));
	return at;
}

/* What became of each entry of the source. */
struct became {
	bool taken;
	uint32_t at;
};

static void name_members(
	struct adding *a, const struct match_item *i, struct book_entry *e, struct buf *text)
{
	for (uint32_t m = 0; m < e->n_members; m++) {
		if (e->member[m].key == NULL)
			continue;
		source_key(text, i, e->member[m].key);
		e->member[m].key = map_get(&a->by_key, text->p, text->n);
	}
}

static void add_all(struct adding *a, const struct match_side *from, const char *slot)
{
	struct buf text = BUF_INIT;
	struct became *became = mem_alloc((from->n + (size_t)1) * sizeof(*became));
	for (uint32_t i = 0; i < from->n && !a->pool->too_big; i++) {
		const struct match_item *item = &from->v[i];
		if (slot != NULL && strcmp(item->list->slot, slot) != 0)
			continue;
		became[i].at = add_one(a, item, &text, &became[i].taken);
		if (a->pool->too_big)
			break;
		source_key(&text, item, item->raw->key);
		(void)map_put(&a->by_key, text.p, text.n,
			(void *)(uintptr_t)a->list->entry[became[i].at].key);
	}
	for (uint32_t i = 0; i < from->n && !a->pool->too_big; i++)
		if (became[i].taken)
			name_members(a, &from->v[i], &a->list->entry[became[i].at], &text);
	free(became);
	buf_fini(&text);
}

static int has_list(const struct book *source, const char *slot, struct fault *reterr)
{
	for (uint32_t k = 0; k < source->n_lists; k++)
		if (slot == NULL || strcmp(source->list[k].slot, slot) == 0)
			return 0;
	return slot == NULL ? 0
			    : fault_why(reterr, CN_VALIDATION_FAILED, "unknown_list",
				      "the source has no list '%.64s'", slot);
}

int pool_add(struct book *pool, const struct book *source, const char *slot, bool join,
	struct pool_added *ret, struct fault *reterr)
{
	struct match_side from;
	struct adding a = {.pool = pool,
		.list = &pool->list[0],
		.join = join,
		.foreign = strcmp(pool->family, source->family) != 0,
		.next = 1,
		.ret = ret};
	*ret = (struct pool_added){.first = pool->list[0].n_entries};
	if (index_pool(&a) < 0 || match_side_init(&from, source, NULL) < 0) {
		map_fini(&a.by_address);
		return fault_set(reterr, CN_CAPACITY_EXCEEDED, "the lists are too much");
	}
	int rc = has_list(source, slot, reterr);
	if (rc == 0)
		add_all(&a, &from, slot);
	if (rc == 0 && a.foreign && ret->added > 0) {
		for (uint32_t i = 0; i < pool->list[0].n_entries; i++)
			make_neutral(pool, &pool->list[0].entry[i]);
		pool->family = book_str(pool, "generic");
	}
	if (rc == 0 && (pool->too_big || pool->n_entries > BOOK_ENTRIES_MAX))
		rc = fault_set(reterr, CN_CAPACITY_EXCEEDED, "the destination list is full");
	map_fini(&a.by_address);
	map_fini(&a.by_key);
	match_side_fini(&from);
	return rc;
}

void pool_added_fini(struct pool_added *a)
{
	free(a->twin);
}

/* ---- picking ---- */

#define GROUPS_IN_GROUPS 32

struct picking {
	struct book *to;
	struct book_list *list;
	const struct map *by_key;
	struct map there;
};

static void pick_entry(struct picking *p, const struct book_entry *e, unsigned depth)
{
	struct map *there = &p->there;
	if (map_get(there, e->key, strlen(e->key)) != NULL)
		return;
	(void)map_put(there, e->key, strlen(e->key), (void *)(uintptr_t)e->key);
	for (uint32_t m = 0; m < e->n_members; m++) { /* before the group that names them */
		const char *key = e->member[m].key;
		const struct book_entry *member =
			key == NULL ? NULL : map_get(p->by_key, key, strlen(key));
		if (member != NULL && depth < GROUPS_IN_GROUPS)
			pick_entry(p, member, depth + 1);
	}
	(void)book_copy_entry(p->to, p->list, e);
}

static int pick_list(struct book *to, const struct book *pool, const struct map *by_key,
	const struct pool_pick *want, struct fault *reterr)
{
	const char *slot = book_fmt(to, "%u", to->n_lists + 1);
	struct picking p = {.to = to,
		.list = book_add_list(to, slot, want->kind, want->name),
		.by_key = by_key};
	int rc = 0;
	for (uint32_t i = 0; want->all && i < pool->list[0].n_entries; i++)
		pick_entry(&p, &pool->list[0].entry[i], 0);
	for (size_t i = 0; rc == 0 && !want->all && i < want->n; i++) {
		const char *key = want->keys[i];
		const struct book_entry *e = map_get(by_key, key, strlen(key));
		if (e == NULL)
			rc = fault_why(reterr, CN_VALIDATION_FAILED, "unknown_entry",
				"the destination list has no entry '%.64s'", key);
		else
			pick_entry(&p, e, 0);
	}
	map_fini(&p.there);
	return rc;
}

static int names_differ(const struct pool_pick *lists, size_t n, struct fault *reterr)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			if (strcmp(lists[i].name, lists[k].name) == 0)
				return fault_why(reterr, CN_VALIDATION_FAILED, "list_twice",
					"there are two lists '%.64s'", lists[i].name);
	return 0;
}

int pool_book(const struct book *pool, const struct pool_pick *lists, size_t n,
	struct book **ret_book, struct fault *reterr)
{
	struct map by_key = {0};
	struct book *b = book_new(pool->family);
	int rc = names_differ(lists, n, reterr);
	for (uint32_t i = 0; i < pool->list[0].n_entries; i++) {
		struct book_entry *e = &pool->list[0].entry[i];
		(void)map_put(&by_key, e->key, strlen(e->key), e);
	}
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = pick_list(b, pool, &by_key, &lists[i], reterr);
	map_fini(&by_key);
	if (rc == 0 && b->too_big)
		rc = fault_set(reterr, CN_CAPACITY_EXCEEDED, "the book is too big");
	if (rc < 0)
		book_free(b);
	else
		*ret_book = b;
	return rc;
}
