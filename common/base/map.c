// SPDX-License-Identifier: Apache-2.0
/* Hash table from a short byte key to a pointer: chained, doubled when full. */
#include "common/base/map.h"

#include <stdlib.h>
#include <string.h>

struct map_entry {
	struct map_entry *next;
	void *value;
	uint64_t hash;
	size_t n;
	uint8_t key[];
};

/* FNV-1a: keys are our own ids, not chosen by a peer to collide. */
static uint64_t hash_of(const void *key, size_t n)
{
	const uint8_t *p = key;
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 1099511628211u;
	return h ^ h >> 29;
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
		((*at)->hash != h || (*at)->n != n || memcmp((*at)->key, key, n) != 0))
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
	struct map_entry *e = *find(m, hash_of(key, n), key, n);
	return e == NULL ? NULL : e->value;
}

void *map_put(struct map *m, const void *key, size_t n, void *value)
{
	uint64_t h = hash_of(key, n);

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
	memcpy(e->key, key, n);
	*at = e;
	m->n++;
	return NULL;
}

void *map_remove(struct map *m, const void *key, size_t n)
{
	if (m->n == 0)
		return NULL;
	struct map_entry **at = find(m, hash_of(key, n), key, n);
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
