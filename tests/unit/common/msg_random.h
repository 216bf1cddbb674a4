// SPDX-License-Identifier: Apache-2.0
/* Random bodies for any descriptor, and their comparison. Deterministic from a seed. */
#pragma once

#include <string.h>

#include "common/msg/msg.h"

struct random {
	uint64_t state;
	struct arena *arena;
};

static inline uint64_t random_next(struct random *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15u; /* splitmix64 */

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static inline uint64_t random_below(struct random *r, uint64_t n)
{
	return random_next(r) % n;
}

/* Small and border values are likelier than the middle. */
static inline uint64_t random_number(struct random *r, uint64_t max)
{
	uint64_t v = random_next(r) >> random_below(r, 64);

	if (random_below(r, 8) == 0)
		return max;
	return v > max ? v % (max + 1) : v;
}

static inline const char *random_text(struct random *r, size_t max)
{
	static const char *const parts[] = {"a", "Z", "0", " ", "\"", "\\", "\n", "é", "ß", "東",
		"京", "🖨", "\x7f", "<script>"};
	size_t n = random_below(r, 8) == 0 ? max : random_below(r, size_min(max, 40) + 1);
	char *s = arena_alloc(r->arena, n + 16);
	size_t used = 0;

	bug_if(s == NULL);
	while (used < n) {
		const char *part = parts[random_below(r, array_len(parts))];
		if (used + strlen(part) > n)
			part = "x";
		memcpy(s + used, part, strlen(part));
		used += strlen(part);
	}
	return s;
}

static inline struct span random_bytes(struct random *r, size_t max)
{
	size_t n = random_below(r, 16) == 0 ? max : random_below(r, size_min(max, 100) + 1);
	uint8_t *p = arena_alloc(r->arena, n);

	bug_if(p == NULL);
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)random_next(r);
	return (struct span){.p = p, .n = n};
}

static inline int random_word(struct random *r, const struct msg_enum_word *words)
{
	size_t n = 0;

	while (words[n].word != NULL)
		n++;
	return words[random_below(r, n)].number;
}

static inline void random_body(struct random *r, const struct msg_desc *desc, void *body);

static inline void random_part(struct random *r, const struct msg_field *f, void *to)
{
	void *body = to;

	if (!f->list) {
		body = arena_alloc(r->arena, f->desc->size);
		bug_if(body == NULL);
		memcpy(to, &body, sizeof(body));
	}
	random_body(r, f->desc, body);
}

/* A value that is not absence. */
static inline void random_value(struct random *r, const struct msg_field *f, void *to)
{
	switch (f->type) {
	case MSG_BOOL:
		*(bool *)to = random_below(r, 2) == 0;
		break;
	case MSG_UINT:
		*(uint64_t *)to = random_number(r, f->max != 0 ? f->max : INT64_MAX);
		break;
	case MSG_INT:
		*(int64_t *)to = (int64_t)random_next(r);
		break;
	case MSG_TIME:
		*(int64_t *)to = 1 + (int64_t)random_number(r, 253402300799998);
		break;
	case MSG_ENUM:
		*(int *)to = random_word(r, f->words);
		break;
	case MSG_TEXT:
		*(const char **)to = random_text(r, f->max);
		break;
	case MSG_BYTES:
		*(struct span *)to = random_bytes(r, f->max);
		break;
	case MSG_UUID:
		for (size_t i = 0; i < 16; i++)
			((struct uuid *)to)->b[i] = (uint8_t)(random_next(r) | 1);
		break;
	case MSG_STRUCT:
		random_part(r, f, to);
		break;
	}
}

static inline size_t value_size(const struct msg_field *f)
{
	static const size_t sizes[] = {[MSG_BOOL] = sizeof(bool),
		[MSG_UINT] = 8,
		[MSG_INT] = 8,
		[MSG_ENUM] = sizeof(int),
		[MSG_TEXT] = sizeof(char *),
		[MSG_BYTES] = sizeof(struct span),
		[MSG_UUID] = 16,
		[MSG_TIME] = 8,
		[MSG_STRUCT] = sizeof(void *)};

	return f->list && f->type == MSG_STRUCT ? f->desc->size : sizes[f->type];
}

static inline void random_list(struct random *r, const struct msg_field *f, char *body)
{
	size_t n = random_below(r, size_min(f->max_items, 4) + 1);
	char *items = arena_array(r->arena, n, value_size(f));

	bug_if(items == NULL);
	for (size_t i = 0; i < n; i++)
		random_value(r, f, items + i * value_size(f));
	memcpy(body + f->offset, &items, sizeof(items));
	memcpy(body + f->offset_n, &n, sizeof(n));
}

/* Each optional field: absent, given and empty, or with a value. */
static inline void random_body(struct random *r, const struct msg_desc *desc, void *body)
{
	char *b = body;
	uint64_t has = 0;

	for (size_t i = 0; i < desc->n_fields; i++) {
		const struct msg_field *f = &desc->fields[i];
		uint64_t luck = random_below(r, 8);
		if (!f->required && luck < 3)
			continue;
		if (luck == 3)
			has |= (uint64_t)1 << i;
		if (!f->required && luck == 3)
			continue;
		if (f->list)
			random_list(r, f, b);
		else
			random_value(r, f, b + f->offset);
	}
	memcpy(body, &has, sizeof(has));
}

static inline bool same_body(const struct msg_desc *desc, const void *a, const void *b);

static inline bool same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static inline bool same_bytes(const struct span *a, const struct span *b)
{
	if (a->p == NULL || b->p == NULL)
		return a->p == b->p;
	return a->n == b->n && (a->n == 0 || memcmp(a->p, b->p, a->n) == 0);
}

static inline bool same_value(const struct msg_field *f, const void *a, const void *b)
{
	const void *pa = a;
	const void *pb = b;

	if (f->type == MSG_TEXT)
		return same_text(*(const char *const *)a, *(const char *const *)b);
	if (f->type == MSG_BYTES)
		return same_bytes(a, b);
	if (f->type != MSG_STRUCT)
		return memcmp(a, b, value_size(f)) == 0;
	if (!f->list) {
		pa = *(const void *const *)a;
		pb = *(const void *const *)b;
	}
	return pa == NULL || pb == NULL ? pa == pb : same_body(f->desc, pa, pb);
}

/* Values alike; `has` may differ where a field travelled because of its value. */
static inline bool same_body(const struct msg_desc *desc, const void *a, const void *b)
{
	for (size_t i = 0; i < desc->n_fields; i++) {
		const struct msg_field *f = &desc->fields[i];
		const char *pa = (const char *)a + f->offset;
		const char *pb = (const char *)b + f->offset;
		if (!f->list && !same_value(f, pa, pb))
			return false;
		if (!f->list)
			continue;
		size_t n = *(const size_t *)(const void *)((const char *)a + f->offset_n);
		if (n != *(const size_t *)(const void *)((const char *)b + f->offset_n))
			return false;
		pa = *(const char *const *)(const void *)pa;
		pb = *(const char *const *)(const void *)pb;
		for (size_t k = 0; k < n; k++) {
			if (!same_value(f, pa + k * value_size(f), pb + k * value_size(f)))
				return false;
		}
	}
	return true;
}
