// SPDX-License-Identifier: Apache-2.0
/* Memory that lives as long as one message or one job: many small allocations, one end.
 * Not thread-safe. Every block is zeroed and aligned for any type; text (strdup, strndup, printf)
 * for none. */
#pragma once

#include "common/base/base.h"

struct arena_block;

struct arena {
	struct arena_block *blocks; /* newest first */
	size_t used;                /* bytes handed out since init or reset */
	size_t cap;                 /* upper bound of used; 0 = no bound */
};

/* cap: bytes that may be handed out in all, 0 for no bound (only for data of our own). */
void arena_init(struct arena *a, size_t cap);
/* Frees everything; the arena may be used again. */
void arena_reset(struct arena *a);
#define arena_fini arena_reset

/* NULL when the cap would be passed: the caller answers with its "too big". */
void *arena_alloc(struct arena *a, size_t n) must_check;
/* n * size with an overflow check. */
void *arena_array(struct arena *a, size_t n, size_t size) must_check;
void *arena_dup(struct arena *a, const void *p, size_t n) must_check;
char *arena_strndup(struct arena *a, const char *s, size_t n) must_check;
char *arena_strdup(struct arena *a, const char *s) must_check;
char *arena_printf(struct arena *a, const char *fmt, ...) must_check printf_like(2, 3);
