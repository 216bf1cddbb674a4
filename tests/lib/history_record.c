// SPDX-License-Identifier: Apache-2.0
/* Lines in memory. */
#include "tests/lib/history_record.h"

#include <stdarg.h>
#include <stdlib.h>

static struct history_line *new_line(struct history_record *r, const char *fmt, va_list ap)
{
	char text[2000];

	if (r->n == r->cap) {
		r->cap = r->cap > 0 ? r->cap * 2 : 4096;
		r->lines = mem_realloc(r->lines, r->cap * sizeof(*r->lines));
	}
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	bug_if(n < 0 || (size_t)n >= sizeof(text));
	struct history_line *l = &r->lines[r->n++];
	*l = (struct history_line){.text = arena_strdup(&r->arena, text)};
	return l;
}

uint32_t history_called(struct history_record *r, int64_t at, uint32_t client, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	struct history_line *l = new_line(r, fmt, ap);
	va_end(ap);
	l->at = at;
	l->client = client;
	l->call = (uint32_t)r->n;
	return l->call;
}

void history_answered(struct history_record *r, int64_t at, uint32_t call, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	struct history_line *l = new_line(r, fmt, ap);
	va_end(ap);
	l->at = at;
	l->client = r->lines[call - 1].client;
	l->call = call;
	l->ret = true;
}

void history_write(const struct history_record *r, FILE *to)
{
	(void)fprintf(to, "%s", r->settings);
	for (size_t i = 0; i < r->n; i++) {
		const struct history_line *l = &r->lines[i];
		(void)fprintf(to, "%lld c%u %s %u %s\n", (long long)l->at, l->client,
			l->ret ? "ret" : "call", l->call, l->text);
	}
}

void history_record_fini(struct history_record *r)
{
	arena_fini(&r->arena);
	free(r->lines);
}
