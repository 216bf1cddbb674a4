// SPDX-License-Identifier: Apache-2.0
/* A growing byte buffer with a sticky error. */
#include "common/base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_fini(struct buf *b)
{
	free(b->p);
	*b = BUF_INIT;
}

void buf_reset(struct buf *b)
{
	b->n = 0;
	b->err = false;
	if (b->p != NULL)
		b->p[0] = 0;
}

/* Room for n more bytes and the NUL; false sets the sticky error. */
static bool room(struct buf *b, size_t n)
{
	if (b->err)
		return false;
	if (n > SIZE_MAX / 4 - b->n || (b->max != 0 && n > b->max - size_min(b->n, b->max))) {
		b->err = true;
		return false;
	}
	if (b->n + n + 1 <= b->cap)
		return true;
	size_t cap = size_max(b->n + n + 1, size_max(64, b->cap + b->cap / 2));
	uint8_t *p = realloc(b->p, cap);
	if (p == NULL) {
		b->err = true;
		return false;
	}
	b->p = p;
	b->cap = cap;
	return true;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	if (!room(b, n))
		return;
	if (n > 0)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = 0;
}

void buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_addv(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;

	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	if (n >= 0 && room(b, (size_t)n)) {
		(void)vsnprintf((char *)b->p + b->n, (size_t)n + 1, fmt, again);
		b->n += (size_t)n;
	} else {
		b->err = true;
	}
	va_end(again);
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_addv(b, fmt, ap);
	va_end(ap);
}

void buf_drop(struct buf *b, size_t n)
{
	bug_if(n > b->n);
	if (n == 0)
		return;
	memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
	b->p[b->n] = 0;
}

const char *buf_str(const struct buf *b)
{
	return b->p == NULL ? "" : (const char *)b->p;
}

struct span buf_span(const struct buf *b)
{
	return (struct span){.p = b->p, .n = b->n};
}

char *buf_detach(struct buf *b)
{
	char *p = b->p == NULL ? mem_strdup("") : (char *)b->p;

	*b = (struct buf){.max = b->max};
	return p;
}
