// SPDX-License-Identifier: Apache-2.0
/* Memory that lives as long as one message or one job. */
#include "common/base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGN _Alignof(max_align_t)
#define FIRST_BLOCK ((size_t)1024)
#define LARGEST_BLOCK ((size_t)64 * 1024)

struct arena_block {
	struct arena_block *next;
	size_t size;
	size_t used;
	_Alignas(max_align_t) uint8_t data[];
};

void arena_init(struct arena *a, size_t cap)
{
	*a = (struct arena){.cap = cap};
}

void arena_reset(struct arena *a)
{
	struct arena_block *b = a->blocks;

	while (b != NULL) {
		struct arena_block *next = b->next;
		free(b);
		b = next;
	}
	a->blocks = NULL;
	a->used = 0;
}

static struct arena_block *block_new(struct arena *a, size_t need)
{
	size_t size =
		a->blocks == NULL ? FIRST_BLOCK : size_min(a->blocks->size * 2, LARGEST_BLOCK);
	struct arena_block *b = calloc(1, sizeof(*b) + size_max(size, need));

	if (b == NULL)
		return NULL;
	b->size = size_max(size, need);
	b->next = a->blocks;
	a->blocks = b;
	return b;
}

/* align: a power of two. Text needs none and stands without gaps. */
static void *take(struct arena *a, size_t n, size_t align)
{
	struct arena_block *b = a->blocks;
	size_t gap = b == NULL ? 0 : -b->used & (align - 1);

	if (n > SIZE_MAX / 2)
		return NULL;
	if (a->cap != 0 && (a->used > a->cap || n > a->cap - a->used))
		return NULL;
	if (b == NULL || b->size - b->used < gap || b->size - b->used - gap < n) {
		b = block_new(a, n);
		gap = 0;
	}
	if (b == NULL)
		return NULL;
	void *p = b->data + b->used + gap;
	b->used += gap + n;
	a->used += n;
	return p;
}

void *arena_alloc(struct arena *a, size_t n)
{
	return take(a, size_max(n, 1), ALIGN);
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total))
		return NULL;
	return arena_alloc(a, total);
}

void *arena_dup(struct arena *a, const void *p, size_t n)
{
	void *q = arena_alloc(a, n);

	if (q != NULL && n > 0)
		memcpy(q, p, n);
	return q;
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *q = n < SIZE_MAX ? take(a, n + 1, 1) : NULL;

	if (q != NULL && n > 0)
		memcpy(q, s, n);
	return q;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	char *q = n >= 0 ? take(a, (size_t)n + 1, 1) : NULL;
	if (q == NULL)
		return NULL;
	va_start(ap, fmt);
	(void)vsnprintf(q, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return q;
}
