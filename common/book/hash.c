// SPDX-License-Identifier: Apache-2.0
/* Serialisation and hashes of normal forms, `carnet.norm.v1` (address-books.md section 8). Frozen:
 * tests/golden/book/hash_vectors.txt. */
#include <stdlib.h>
#include <string.h>

#include "common/base/sort.h"
#include "common/book/norm.h"
#include "common/crypto/crypto.h"

/* Item numbers that are no fields. */
enum {
	ITEM_KEY = 0,
	ITEM_TAG = 5,
	ITEM_DEST = 20,
	ITEM_MEMBER = 30,
	ITEM_EXTRA = 40,
	ITEM_SECRET = 200
};

/* Place: where an entry stands, not what it is. */
static bool is_place(enum book_field id)
{
	return id == F_NUMBER || id == F_UUID;
}

/* ---- items ---- */

static void add_head(struct buf *out, unsigned number, size_t n)
{
	const uint8_t b[6] = {(uint8_t)(number >> 8), (uint8_t)number, (uint8_t)(n >> 24),
		(uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};

	buf_add(out, b, sizeof(b));
}

static void add_u32(struct buf *out, size_t v)
{
	const uint8_t b[4] = {
		(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};

	buf_add(out, b, sizeof(b));
}

static void add_item(struct buf *out, unsigned number, const char *value)
{
	size_t n = strlen(value);

	add_head(out, number, n);
	buf_add(out, value, n);
}

/* Two texts as one item; NUL stands between them and in neither. */
static void add_pair(struct buf *out, unsigned number, const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);

	add_head(out, number, n + 1 + m);
	buf_add(out, a, n + 1);
	buf_add(out, b, m);
}

/* Opens an item whose length is not known yet; end_item writes it. */
static size_t begin_item(struct buf *out, unsigned number)
{
	add_head(out, number, 0);
	return out->n;
}

static void end_item(struct buf *out, size_t begin)
{
	size_t n = out->n - begin;

	if (out->err)
		return;
	for (size_t i = 0; i < 4; i++)
		out->p[begin - 4 + i] = (uint8_t)(n >> (24 - 8 * i));
}

/* ---- destinations ---- */

static void add_secret(struct buf *out, const struct book_secret *s, const struct book_key *key)
{
	const struct span pieces[] = {
		{(const uint8_t *)"carnet.secret.v1", sizeof("carnet.secret.v1")},
		{(const uint8_t *)s->text, s->text ? strlen(s->text) : 0},
	};
	uint8_t digest[SHA256_LEN];

	if (s->state == SECRET_ABSENT)
		return;
	size_t begin = begin_item(out, ITEM_SECRET);
	buf_adds(out, secret_state_name(s->state));
	if (s->state == SECRET_CLEAR || s->state == SECRET_ENCRYPTED) {
		hmac_sha256(
			(struct span){key->b, sizeof(key->b)}, pieces, array_len(pieces), digest);
		buf_addc(out, 0);
		buf_add(out, digest, sizeof(digest));
		buf_adds(out, s->scheme ? s->scheme : "");
	}
	end_item(out, begin);
}

static void add_dest(struct buf *out, const struct book_dest *d, const struct book_key *key)
{
	buf_add(out, (const uint8_t[]){(uint8_t)(d->kind >> 8), (uint8_t)d->kind}, 2);
	for (uint32_t i = 0; i < d->f.n; i++)
		add_item(out, d->f.v[i].id, d->f.v[i].value);
	if (key != NULL)
		add_secret(out, &d->secret, key);
}

struct piece {
	const struct buf *in;
	size_t begin, n;
};

static int compare_pieces(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;
	int order = memcmp(x->in->p + x->begin, y->in->p + y->begin, size_min(x->n, y->n));

	return order ? order : (x->n > y->n) - (x->n < y->n);
}

/* Ordered by their bytes: destinations have no order of their own. */
static void add_dests(struct buf *out, const struct book_entry *e, const struct book_key *key)
{
	struct buf all = BUF_INIT;
	struct piece *v = mem_alloc(e->n_dests * sizeof(*v));

	for (uint32_t i = 0; i < e->n_dests; i++) {
		v[i] = (struct piece){&all, all.n, 0};
		add_dest(&all, &e->dest[i], key);
		v[i].n = all.n - v[i].begin;
	}
	out->err |= all.err;
	if (!out->err)
		sort_stable(v, e->n_dests, sizeof(*v), compare_pieces);
	for (uint32_t i = 0; i < e->n_dests && !out->err; i++) {
		size_t begin = begin_item(out, ITEM_DEST);
		buf_add(out, all.p + v[i].begin, v[i].n);
		end_item(out, begin);
	}
	free(v);
	buf_fini(&all);
}

static void add_only_dest(struct buf *out, const struct book_dest *d, const struct book_key *key)
{
	size_t begin = begin_item(out, ITEM_DEST);

	add_dest(out, d, key);
	end_item(out, begin);
}

/* ---- entries ---- */

static void add_fields(
	struct buf *out, const struct fields *f, unsigned from, unsigned to, bool place)
{
	for (uint32_t i = 0; i < f->n; i++)
		if (f->v[i].id >= from && f->v[i].id < to && (place || !is_place(f->v[i].id)))
			add_item(out, f->v[i].id, f->v[i].value);
}

static void add_member(struct buf *out, const struct book_member *m)
{
	size_t begin = begin_item(out, ITEM_MEMBER);

	buf_addc(out, m->key ? '=' : '?');
	buf_adds(out, m->key ? m->key : m->text);
	end_item(out, begin);
}

static void serialise(
	const struct book_entry *e, const struct book_key *key, bool place, struct buf *out)
{
	add_fields(out, &e->f, 0, ITEM_TAG, place);
	for (uint32_t i = 0; i < e->n_tags; i++)
		add_pair(out, ITEM_TAG, e->tag[i].system, e->tag[i].value);
	add_fields(out, &e->f, ITEM_TAG, FIELD_NUMBERS, place);
	if (e->n_dests == 1)
		add_only_dest(out, &e->dest[0], key);
	else if (e->n_dests > 1)
		add_dests(out, e, key);
	if (e->group)
		add_only_dest(out, &(struct book_dest){.kind = DEST_GROUP}, key);
	for (uint32_t i = 0; i < e->n_members; i++)
		add_member(out, &e->member[i]);
	for (uint32_t i = 0; i < e->n_extras; i++)
		add_pair(out, ITEM_EXTRA, e->extra[i].name, e->extra[i].value);
}

void entry_serialise(const struct book_entry *e, const struct book_key *key, struct buf *out)
{
	serialise(e, key, true, out);
}

void entry_content(const struct book_entry *e, struct buf *out)
{
	serialise(e, NULL, false, out);
}

static void hash_entry(const struct book_entry *e, const struct book_key *key, const char *label,
	size_t n, struct buf *tmp, uint8_t hash[static BOOK_HASH])
{
	buf_reset(tmp);
	buf_add(tmp, label, n);
	serialise(e, key, false, tmp);
	bug_if(tmp->err); /* out of memory */
	sha256(buf_span(tmp), hash);
}

static void hash_both(const struct book_entry *e, const struct book_key *key, struct buf *tmp,
	struct book_hashes *ret)
{
	static const char pub[] = "carnet.entry.v1", full[] = "carnet.entryf.v1";

	*ret = (struct book_hashes){{0}, {0}};
	hash_entry(e, NULL, pub, sizeof(pub), tmp, ret->pub);
	if (key != NULL)
		hash_entry(e, key, full, sizeof(full), tmp, ret->full);
}

void entry_hash(const struct book_entry *e, const struct book_key *key, struct book_hashes *ret)
{
	struct buf tmp = BUF_INIT;

	hash_both(e, key, &tmp, ret);
	buf_fini(&tmp);
}

/* ---- lists and books ---- */

struct leaf {
	const char *number, *uuid, *key; /* "" = none; key only where it is neither of the two */
	const struct book_entry *e;
	struct book_hashes hash;
};

int number_order(const char *a, const char *b)
{
	size_t n = a ? strlen(a) : 0, m = b ? strlen(b) : 0;

	return n != m ? (n < m ? -1 : 1) : n ? memcmp(a, b, n) : 0;
}

/* By number, and then by whatever makes the order of the file no matter. */
static int compare_leaves(const void *a, const void *b)
{
	const struct leaf *x = a, *y = b;
	int order = number_order(x->number, y->number);

	if (order == 0)
		order = strcmp(x->uuid, y->uuid);
	if (order == 0)
		order = strcmp(x->key, y->key);
	if (order == 0)
		order = memcmp(x->hash.pub, y->hash.pub, BOOK_HASH);
	return order ? order : memcmp(x->hash.full, y->hash.full, BOOK_HASH);
}

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

static void set_leaf(struct leaf *l, const struct book_entry *e)
{
	l->e = e;
	l->uuid = or_empty(fields_get(&e->f, F_UUID));
	l->number = or_empty(fields_get(&e->f, F_NUMBER));
	l->key = strcmp(e->key, l->number) == 0 || strcmp(e->key, l->uuid) == 0 ? "" : e->key;
}

/* Number, uuid and identity, as far as there are any, then the hash of the content. */
static void add_leaf(struct buf *out, const struct leaf *l, const uint8_t hash[static BOOK_HASH])
{
	size_t begin = out->n;

	add_u32(out, 0);
	if (*l->key)
		add_item(out, ITEM_KEY, l->key);
	for (uint32_t i = 0; i < l->e->f.n; i++)
		if (is_place(l->e->f.v[i].id))
			add_item(out, l->e->f.v[i].id, l->e->f.v[i].value);
	end_item(out, begin + 4);
	buf_add(out, hash, BOOK_HASH);
}

static void add_list_head(struct buf *out, const struct book_list *l)
{
	static const char label[] = "carnet.list.v1";

	buf_add(out, label, sizeof(label));
	add_u32(out, strlen(l->slot));
	buf_adds(out, l->slot);
	add_u32(out, strlen(or_empty(l->name)));
	buf_adds(out, or_empty(l->name));
}

static void hash_leaves(const struct book_list *l, const struct leaf *leaf, bool full,
	struct buf *tmp, uint8_t hash[static BOOK_HASH])
{
	buf_reset(tmp);
	add_list_head(tmp, l);
	for (uint32_t i = 0; i < l->n_entries; i++)
		add_leaf(tmp, &leaf[i], full ? leaf[i].hash.full : leaf[i].hash.pub);
	bug_if(tmp->err);
	sha256(buf_span(tmp), hash);
}

void list_hash(const struct book_list *l, const struct book_key *key, struct book_hashes *ret)
{
	struct leaf *leaf = mem_alloc(size_max(l->n_entries, 1) * sizeof(*leaf));
	struct buf tmp = BUF_INIT;

	for (uint32_t i = 0; i < l->n_entries; i++) {
		set_leaf(&leaf[i], &l->entry[i]);
		hash_both(&l->entry[i], key, &tmp, &leaf[i].hash);
	}
	sort_stable(leaf, l->n_entries, sizeof(*leaf), compare_leaves);
	*ret = (struct book_hashes){{0}, {0}};
	hash_leaves(l, leaf, false, &tmp, ret->pub);
	if (key != NULL)
		hash_leaves(l, leaf, true, &tmp, ret->full);
	buf_fini(&tmp);
	free(leaf);
}

struct branch {
	const char *slot;
	struct book_hashes hash;
};

static int compare_branches(const void *a, const void *b)
{
	const struct branch *x = a, *y = b;
	int order = number_order(x->slot, y->slot);

	if (order == 0)
		order = memcmp(x->hash.pub, y->hash.pub, BOOK_HASH);
	return order ? order : memcmp(x->hash.full, y->hash.full, BOOK_HASH);
}

static void hash_branches(
	const struct branch *v, uint32_t n, bool full, uint8_t hash[static BOOK_HASH])
{
	static const char label[] = "carnet.book.v1";
	struct sha256 *h = sha256_new();

	sha256_add(h, (struct span){(const uint8_t *)label, sizeof(label)});
	for (uint32_t i = 0; i < n; i++)
		sha256_add(h, (struct span){full ? v[i].hash.full : v[i].hash.pub, BOOK_HASH});
	sha256_end(h, hash);
}

void book_hash(const struct book *b, const struct book_key *key, struct book_hashes *ret)
{
	struct branch *v = mem_alloc(size_max(b->n_lists, 1) * sizeof(*v));

	for (uint32_t i = 0; i < b->n_lists; i++) {
		v[i].slot = b->list[i].slot;
		list_hash(&b->list[i], key, &v[i].hash);
	}
	sort_stable(v, b->n_lists, sizeof(*v), compare_branches);
	*ret = (struct book_hashes){{0}, {0}};
	hash_branches(v, b->n_lists, false, ret->pub);
	if (key != NULL)
		hash_branches(v, b->n_lists, true, ret->full);
	free(v);
}

bool book_same(const struct book *a, const struct book *b, const struct book_profile *profile)
{
	static const struct book_key key = {{0}};
	struct book *x = book_normal_view(a, profile), *y = book_normal_view(b, profile);
	struct book_hashes hx, hy;

	book_hash(x, &key, &hx);
	book_hash(y, &key, &hy);
	bool same = !x->too_big && !y->too_big && memcmp(&hx, &hy, sizeof(hx)) == 0;
	book_free(x);
	book_free(y);
	return same;
}
