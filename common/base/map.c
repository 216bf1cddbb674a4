// SPDX-License-Identifier: Apache-2.0
/* Hash table from a short byte key to a pointer: chained, doubled when full. */
#include "common/base/map.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct map_entry {
	struct map_entry *next;
	void *value;
	uint64_t hash;
	size_t n;
	uint8_t key[];
};

/* Keys come from files and peers, too, who could choose a hundred thousand that fall together under
 * a hash they know: SipHash-1-3 with a key of this process. */
static uint64_t SECRET[2];

__attribute__((constructor)) static void choose_secret(void)
{
	bug_if(getrandom(SECRET, sizeof(SECRET), 0) != (ssize_t)sizeof(SECRET));
}

static uint64_t rotated(uint64_t v, int bits)
{
	return v << bits | v >> (64 - bits);
}

/* Inline, its four words stay in registers. */
static inline __attribute__((always_inline)) void sip_round(uint64_t v[static 4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotated(v[1], 13) ^ v[0];
	v[3] = rotated(v[3], 16) ^ v[2];
	v[0] = rotated(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotated(v[1], 17) ^ v[2];
	v[3] = rotated(v[3], 21) ^ v[0];
	v[2] = rotated(v[2], 32);
}

uint64_t map_hash(const void *key, size_t n)
{
	uint64_t v[4] = {SECRET[0] ^ 0x736f6d6570736575u, SECRET[1] ^ 0x646f72616e646f6du,
		SECRET[0] ^ 0x6c7967656e657261u, SECRET[1] ^ 0x7465646279746573u};
	const uint8_t *p = key;
	uint64_t last = (uint64_t)n << 56;
	uint64_t word;

	for (; n >= 8; p += 8, n -= 8) {
		memcpy(&word, p, 8);
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	for (size_t i = 0; i < n; i++)
		last |= (uint64_t)p[i] << (8 * i);
	v[3] ^= last;
	sip_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void map_fini(struct map *m)
{
	for (size_t i = 0; i < m->n_slots; i++) {
		struct map_entry *e = m->slots[i];
		while (e != NULL) {
			struct map_entry *next = e->next;
			free(e);
			e = next;
		}
	}
	free(m->slots);
	*m = MAP_INIT;
}

static struct map_entry **find(const struct map *m, uint64_t h, const void *key, size_t n)
{
	struct map_entry **at = &m->slots[h & (m->n_slots - 1)];

	while (*at != NULL &&
		((*at)->hash != h || (*at)->n != n || (n > 0 && memcmp((*at)->key, key, n) != 0)))
		at = &(*at)->next;
	return at;
}

static void grow(struct map *m)
{
	struct map bigger = {.n_slots = m->n_slots == 0 ? 16 : m->n_slots * 2, .n = m->n};

	bigger.slots = mem_alloc(bigger.n_slots * sizeof(struct map_entry *));
	for (size_t i = 0; i < m->n_slots; i++) {
		struct map_entry *e = m->slots[i];
		while (e != NULL) {
			struct map_entry *next = e->next;
			struct map_entry **at = &bigger.slots[e->hash & (bigger.n_slots - 1)];
			e->next = *at;
			*at = e;
			e = next;
		}
	}
	free(m->slots);
	*m = bigger;
}

void *map_get(const struct map *m, const void *key, size_t n)
{
	if (m->n == 0)
		return NULL;
	struct map_entry *e = *find(m, map_hash(key, n), key, n);
	return e == NULL ? NULL : e->value;
}

void *map_put(struct map *m, const void *key, size_t n, void *value)
{
	uint64_t h = map_hash(key, n);

	bug_if(value == NULL);
	if (m->n >= m->n_slots)
		grow(m);
	struct map_entry **at = find(m, h, key, n);
	if (*at != NULL) {
		void *old = (*at)->value;
		(*at)->value = value;
		return old;
	}
	struct map_entry *e = mem_alloc(sizeof(*e) + n);
	e->value = value;
	e->hash = h;
	e->n = n;
	if (n > 0) /* an empty key may be NULL */
		memcpy(e->key, key, n);
	*at = e;
	m->n++;
	return NULL;
}

void *map_remove(struct map *m, const void *key, size_t n)
{
	if (m->n == 0)
		return NULL;
	struct map_entry **at = find(m, map_hash(key, n), key, n);
	struct map_entry *e = *at;
	if (e == NULL)
		return NULL;
	void *value = e->value;
	*at = e->next;
	free(e);
	m->n--;
	return value;
}

void map_each(struct map *m, void (*fn)(void *value, void *arg), void *arg)
{
	for (size_t i = 0; i < m->n_slots; i++) {
		struct map_entry *e = m->slots[i];
		while (e != NULL) {
			struct map_entry *next = e->next;
			fn(e->value, arg);
			e = next;
		}
	}
}
