// SPDX-License-Identifier: Apache-2.0
/* What was written, read again and compared by its hashes. */
#include "common/book/engines/proof.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/map.h"
#include "common/book/norm.h"
#include "common/text/utf8.h"
#include "gen/errors.h"

/* What an entry says: its public hash without the extras that the file need not say, and its
 * number. */
struct print {
	uint8_t hash[BOOK_HASH];
	const char *number;
	const struct book_entry *entry;
};

static void take_print(const struct proof *p, const struct book_entry *e, struct print *ret)
{
	struct book_entry said = *e;
	const char *number = fields_get(&e->f, F_NUMBER);
	struct book_hashes hashes;

	said.extra = mem_alloc((e->n_extras + 1) * sizeof(said.extra[0]));
	said.n_extras = 0;
	for (uint32_t i = 0; i < e->n_extras; i++)
		if (!p->unsaid || !p->unsaid(p->arg, e->extra[i].name))
			said.extra[said.n_extras++] = e->extra[i];
	entry_hash(&said, NULL, &hashes);
	free(said.extra);
	memcpy(ret->hash, hashes.pub, BOOK_HASH);
	ret->number = number ? number : "";
	ret->entry = e;
}

static int by_print(const void *a, const void *b)
{
	const struct print *x = a, *y = b;
	int c = memcmp(x->hash, y->hash, BOOK_HASH);

	return c ? c : strcmp(x->number, y->number);
}

static struct print *prints(const struct proof *p, const struct book_list *l)
{
	struct print *v = mem_alloc((l->n_entries + 1) * sizeof(*v));

	for (uint32_t i = 0; i < l->n_entries; i++)
		take_print(p, &l->entry[i], &v[i]);
	qsort(v, l->n_entries, sizeof(*v), by_print);
	return v;
}

/* NULL, or the name of what b has not as a has it. */
static const char *other_entry(
	const struct proof *p, const struct book_list *a, const struct book_list *b)
{
	struct print *x = prints(p, a), *y = prints(p, b);
	const char *name = NULL;

	for (uint32_t i = 0; i < a->n_entries && !name; i++)
		if (i >= b->n_entries || by_print(&x[i], &y[i]) != 0)
			name = entry_name(x[i].entry);
	free(x);
	free(y);
	return name;
}

static int refused(struct encoder *e, const struct book_list *l, const char *name, const char *what)
{
	fault_why(e->fault, CN_UNSUPPORTED_OPERATION, "no_place", "list %.20s, %.60s: %s", l->slot,
		name, what);
	utf8_scrub(e->fault->detail); /* what %.20s cut through */
	return -1;
}

static int compare_list(const struct proof *p, struct encoder *e, const struct book_list *x,
	const struct book_list *y)
{
	const char *name;

	if (!y || x->n_entries != y->n_entries)
		return refused(e, x, x->name, "the file cannot say which entries it has");
	if (strcmp(x->name, y->name) != 0)
		return refused(e, x, x->name, "the file has no place for its name");
	name = other_entry(p, x, y);
	return name ? refused(e, x, name, "the file cannot say all of it") : 0;
}

/* ---- keys made of names ---- */

static void index_keys(const struct book_list *l, struct map *keys)
{
	for (uint32_t i = 0; i < l->n_entries; i++)
		(void)map_put(keys, l->entry[i].key, strlen(l->entry[i].key), &l->entry[i]);
}

static const struct book_entry *find(const struct map *keys, const char *key)
{
	return map_get(keys, key, strlen(key));
}

/* Members name who they named, whatever the key is now. */
static void follow_members(struct book_list *l, const struct map *renamed)
{
	for (uint32_t i = 0; i < l->n_entries; i++)
		for (uint32_t k = 0; k < l->entry[i].n_members; k++) {
			struct book_member *m = &l->entry[i].member[k];
			const struct book_entry *now = m->key ? find(renamed, m->key) : NULL;

			m->key = now ? now->key : m->key;
		}
}

/* Whose key is gone stands where it stood, and has the key that is new there. */
static void follow(struct book_list *l, const struct book_list *read)
{
	struct map was = MAP_INIT, is = MAP_INIT, renamed = MAP_INIT;

	index_keys(l, &was);
	index_keys(read, &is);
	for (uint32_t i = 0; i < l->n_entries && i < read->n_entries; i++) {
		const char *key = l->entry[i].key;
		struct book_entry *now = &read->entry[i];

		if (find(&is, key) || find(&was, now->key))
			continue;
		(void)map_put(&renamed, key, strlen(key), now);
		l->entry[i].key = now->key;
	}
	follow_members(l, &renamed);
	map_fini(&was);
	map_fini(&is);
	map_fini(&renamed);
}

/* b with the keys that its entries have in read; read must live on. */
static struct book *followed(const struct book *b, const struct book *read)
{
	struct book *copy = book_copy(b);

	for (uint32_t i = 0; i < copy->n_lists; i++) {
		const struct book_list *now = book_find_list(read, copy->list[i].slot);

		if (now)
			follow(&copy->list[i], now);
	}
	return copy;
}

/* ---- all of it ---- */

static int compare(const struct proof *p, struct encoder *e, const struct book *read)
{
	struct book *own = p->named ? followed(e->book, read) : NULL;
	struct book *a = book_normal_view(own ? own : e->book, e->profile);
	struct book *b = book_normal_view(read, e->profile);
	int r = 0;

	for (uint32_t i = 0; i < a->n_lists && r == 0; i++)
		if (a->list[i].n_entries)
			r = compare_list(p, e, &a->list[i], book_find_list(b, a->list[i].slot));
	book_free(a);
	book_free(b);
	book_free(own);
	return r;
}

int proof_written(const struct proof *p, struct encoder *e, size_t from)
{
	const struct span out = {e->out->p + from, e->out->n - from};
	struct fault fault = FAULT_INIT;
	struct book *read = NULL;
	int r;

	r = book_decode(out, p->codec, &p->read, &read, &fault);
	if (r < 0)
		r = fault_why(e->fault, CN_UNSUPPORTED_OPERATION, "no_place",
			"what is written would not be read: %.150s", fault.detail);
	else
		r = compare(p, e, read);
	book_free(read);
	return r;
}
