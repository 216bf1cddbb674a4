// SPDX-License-Identifier: Apache-2.0
/* A growing byte buffer with a sticky error: write ten things, check once. Not thread-safe. */
#pragma once

#include <stdarg.h>

#include "common/base/base.h"

struct buf {
	uint8_t *p; /* owned; NUL-terminated after each add, the NUL is not counted */
	size_t n;   /* bytes in use */
	size_t cap; /* bytes allocated */
	size_t max; /* upper bound of n; 0 = none */
	bool err;   /* sticky: a write passed max or memory ran out; further writes do nothing */
};

#define BUF_INIT ((struct buf){.p = NULL})

void buf_fini(struct buf *b);
/* Empties but keeps the memory; clears the error. */
void buf_reset(struct buf *b);
void buf_add(struct buf *b, const void *p, size_t n);
void buf_addc(struct buf *b, char c);
void buf_adds(struct buf *b, const char *s);
void buf_addf(struct buf *b, const char *fmt, ...) printf_like(2, 3);
void buf_addv(struct buf *b, const char *fmt, va_list ap);
/* Removes the first n bytes. */
void buf_drop(struct buf *b, size_t n);
/* The text so far; "" when nothing was added. Valid until the next write. */
const char *buf_str(const struct buf *b);
struct span buf_span(const struct buf *b);
/* Hands the memory over to the caller (free()) and empties the buffer. */
char *buf_detach(struct buf *b) must_check;
