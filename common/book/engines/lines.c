// SPDX-License-Identifier: Apache-2.0
/* Lines and records as they stand in a file. */
#include "common/book/engines/lines.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/text/utf8.h"

/* One physical line: its bytes, and those before the line end. */
static struct span physical(const struct lines *l, size_t at, struct span *ret_text)
{
	const uint8_t *p = l->file.p + at;
	const uint8_t *end = memchr(p, '\n', l->file.n - at);
	size_t n = end ? (size_t)(end - p) + 1 : l->file.n - at;
	size_t text = end ? n - 1 : n;

	if (end && text > 0 && p[text - 1] == '\r')
		text--;
	*ret_text = (struct span){p, text};
	return (struct span){p, n};
}

static bool continues(const struct lines *l)
{
	return l->at < l->file.n && l->file.p[l->at] == ' ';
}

/* Name, mark and value of a line that is neither blank nor a comment. */
static void split(struct line *r, struct span text)
{
	const uint8_t *colon = text.n ? memchr(text.p, ':', text.n) : NULL;
	size_t n = colon ? (size_t)(colon - text.p) : text.n;
	uint8_t mark = colon && n + 1 < text.n ? colon[1] : 0;
	size_t skip = n + 1 + (mark == ':' || mark == '<');

	r->name = (struct span){text.p, n};
	r->kind = !colon || n == 0 || text.p[0] == ' ' ? LINE_MALFORMED
		  : mark == ':'                        ? LINE_BASE64
		  : mark == '<'                        ? LINE_URL
						       : LINE_TEXT;
	r->value = colon ? (struct span){text.p + skip, text.n - skip} : (struct span){text.p, 0};
}

/* The value with its continuation lines, in the arena. */
static void unfold(struct lines *l, struct line *r)
{
	struct buf joined = BUF_INIT;
	struct span text;
	size_t folds = 0;

	buf_add(&joined, r->value.p, size_min(r->value.n, BOOK_FIELD_MAX + 1));
	while (continues(l)) {
		struct span line = physical(l, l->at, &text);

		if (joined.n <= BOOK_FIELD_MAX && r->kind >= LINE_TEXT)
			buf_add(&joined, text.p + 1, size_min(text.n - 1, BOOK_FIELD_MAX + 1));
		r->longest |= line.n > BOOK_LINE_MAX;
		r->whole.n += line.n;
		l->at += line.n;
		l->number++;
		folds++;
	}
	r->folded = true;
	r->value.n = size_min(joined.n, BOOK_FIELD_MAX);
	r->cut = joined.n > BOOK_FIELD_MAX || folds > BOOK_FIELD_MAX;
	r->value.p = arena_dup(l->arena, joined.p, r->value.n);
	if (!r->value.p) {
		r->value.n = 0;
		r->cut = true;
	}
	buf_fini(&joined);
}

bool lines_next(struct lines *l, struct line *ret_line)
{
	struct line r = {.number = l->number + 1};
	struct span text;

	if (l->at >= l->file.n)
		return false;
	r.whole = physical(l, l->at, &text);
	r.longest = r.whole.n > BOOK_LINE_MAX;
	l->at += r.whole.n;
	l->number++;
	if (text.n == 0)
		r.kind = LINE_BLANK;
	else if (text.p[0] == '#') {
		r.kind = LINE_COMMENT;
		r.name = text;
	} else
		split(&r, text);
	if (r.kind != LINE_BLANK && continues(l))
		unfold(l, &r);
	r.cut |= r.value.n > BOOK_FIELD_MAX;
	r.value.n = size_min(r.value.n, BOOK_FIELD_MAX);
	r.crlf = r.whole.n > 1 && r.whole.p[r.whole.n - 2] == '\r';
	*ret_line = r;
	return true;
}

void lines_place(const struct line *near, const uint8_t *p, struct book_fault *place)
{
	const uint8_t *from = near->whole.p;

	place->line = near->number;
	for (const uint8_t *q = from; q < p; q++) {
		if (*q == '\n') {
			place->line++;
			from = q + 1;
		}
	}
	place->byte = (uint32_t)(p - from) + 1;
	place->column = 1;
	for (uint32_t ch; from < p; place->column++) {
		size_t k = utf8_read(from, (size_t)(p - from), &ch);
		from += k ? k : 1;
	}
}

static void keep(struct record *r, const struct line *line)
{
	r->attributes |= line->kind >= LINE_TEXT;
	r->many |= r->n == LINES_MAX || r->whole.n > RECORD_MAX;
	if (r->many)
		return;
	if (r->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 32;
		r->line = mem_realloc(r->line, r->cap * sizeof(r->line[0]));
	}
	r->line[r->n++] = *line;
}

/* Bytes of a blank line that stands there; 0 = none does. */
static size_t blank_at(const struct lines *l)
{
	const uint8_t *p = l->file.p + l->at;
	size_t n = l->file.n - l->at;

	if (n > 0 && p[0] == '\n')
		return 1;
	return n > 1 && p[0] == '\r' && p[1] == '\n' ? 2 : 0;
}

static void skip_blank(struct lines *l, struct record *r)
{
	for (size_t k; (k = blank_at(l)) > 0; l->at += k) {
		if (r->whole.n == 0)
			r->crlf = k == 2;
		r->whole.n += k;
		r->closed = true;
		l->number++;
	}
}

/* Behind comments, or the version of LDIF, stands something else. */
static bool begins_new(const struct lines *l, const struct record *r)
{
	static const char VERSION[] = "version";

	if (r->n == 0)
		return false;
	if (!r->attributes)
		return l->at < l->file.n && l->file.p[l->at] != '#';
	return l->ldif && r->n == 1 && r->line[0].name.n == strlen(VERSION) &&
	       ascii_same_n((const char *)r->line[0].name.p, VERSION, strlen(VERSION));
}

bool lines_record(struct lines *l, struct record *r)
{
	struct line line;

	*r = (struct record){.line = r->line, .cap = r->cap, .number = l->number + 1};
	r->whole.p = l->file.p + l->at;
	skip_blank(l, r);
	while (!r->closed && !begins_new(l, r) && lines_next(l, &line)) {
		if (r->whole.n == 0)
			r->crlf = line.crlf;
		r->whole.n += line.whole.n;
		keep(r, &line);
		skip_blank(l, r);
	}
	return r->whole.n > 0;
}
