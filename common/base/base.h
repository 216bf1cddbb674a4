// SPDX-License-Identifier: Apache-2.0
/* What every file may use: attributes, small macros, the abort of a programming error. libc only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define must_check __attribute__((warn_unused_result))
#define printf_like(fmt, args) __attribute__((format(printf, fmt, args)))
#define no_return __attribute__((noreturn))
#define unused __attribute__((unused))

#define array_len(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Bytes that somebody else owns. */
struct span {
	const uint8_t *p;
	size_t n;
};

/* A programming error, not bad data: prints file, line and condition, then aborts. On in release.
 */
#define bug_if(cond)                                                                               \
	do {                                                                                       \
		if (__builtin_expect(!!(cond), 0))                                                 \
			bug_abort(__FILE__, __LINE__, #cond);                                      \
	} while (0)

no_return void bug_abort(const char *file, int line, const char *cond);

/* malloc family for small bookkeeping of our own, never for sizes given by a peer: out of memory
 * ends the process (exit 75, the supervisor restarts it). Memory is zeroed. Free with free(). */
void *mem_alloc(size_t n) must_check;
void *mem_realloc(void *p, size_t n) must_check;
char *mem_strdup(const char *s) must_check;

static inline size_t size_min(size_t a, size_t b)
{
	return a < b ? a : b;
}

static inline size_t size_max(size_t a, size_t b)
{
	return a > b ? a : b;
}
