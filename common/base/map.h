// SPDX-License-Identifier: Apache-2.0
/* Hash table from a short byte key to a pointer. Keys are copied; values belong to the caller.
 * Iteration order is not defined. Not thread-safe. */
#pragma once

#include "common/base/base.h"

struct map_entry;

struct map {
	struct map_entry **slots;
	size_t n_slots;
	size_t n;
};

#define MAP_INIT ((struct map){.slots = NULL})

void map_fini(struct map *m);
/* What it hashes with, for tables of another shape: differs from process to process. */
uint64_t map_hash(const void *key, size_t n);
void *map_get(const struct map *m, const void *key, size_t n);
/* Replaces; returns the former value or NULL. value must not be NULL. */
void *map_put(struct map *m, const void *key, size_t n, void *value);
/* Returns the removed value or NULL. */
void *map_remove(struct map *m, const void *key, size_t n);
/* Calls fn for each value; fn may remove the value it is given and no other. */
void map_each(struct map *m, void (*fn)(void *value, void *arg), void *arg);
