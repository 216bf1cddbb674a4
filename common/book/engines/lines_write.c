// SPDX-License-Identifier: Apache-2.0
/* A book written over the file it came from: records that say the same keep their bytes, of others
 * only the lines that say something else change (AB-10). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/book/engines/lines.h"
#include "gen/errors.h"

/* ---- what a record says ---- */

void saids_add(struct saids *s, const char *name, const char *value)
{
	if (!value)
		return;
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 32;
		s->v = mem_realloc(s->v, s->cap * sizeof(s->v[0]));
	}
	s->v[s->n++] = (struct said){.name = name, .value = value};
}

struct said *saids_last(struct saids *s)
{
	return &s->v[s->n - 1];
}

static bool same_said(const struct said *a, const struct said *b)
{
	return a->base64 == b->base64 && a->folded == b->folded && strcmp(a->value, b->value) == 0;
}

/* ---- one record ---- */

enum { KEEP = -1, REMOVE = -2 };

/* A record being changed. */
struct edit {
	struct lines_writer *w;
	const struct record *r;
	const struct saids *was, *is;
	int *fate;   /* of each line: KEEP, REMOVE or the index in is that replaces it */
	int *behind; /* of each line, and of the begin: first of is to add there, -1 = none */
	int *next;   /* of each of is: the one to add after it */
	bool *done;  /* of each of is, then of was: its name has been dealt with */
	int at;      /* the line behind which a new one goes */
	int last;    /* of is that was added behind a line; -1 = none yet */
	int last_at;
};

static bool line_named(const struct line *l, const char *name)
{
	return l->kind >= LINE_TEXT && strlen(name) == l->name.n &&
	       ascii_same_n((const char *)l->name.p, name, l->name.n);
}

static void add_behind(struct edit *x, int i)
{
	int *link = &x->behind[x->at + 1];

	if (x->last >= 0 && x->last_at == x->at)
		link = &x->next[x->last];
	while (*link >= 0)
		link = &x->next[*link];
	*link = i;
	x->last = i;
	x->last_at = x->at;
}

/* The next from i on of that name, or -1. */
static int next_said(const struct saids *s, uint32_t i, const char *name)
{
	for (; i < s->n; i++)
		if (ascii_same(s->v[i].name, name))
			return (int)i;
	return -1;
}

static bool same_of_name(const struct edit *x, const char *name)
{
	int a = next_said(x->was, 0, name), b = next_said(x->is, 0, name);

	while (a >= 0 && b >= 0 && same_said(&x->was->v[a], &x->is->v[b])) {
		a = next_said(x->was, (uint32_t)a + 1, name);
		b = next_said(x->is, (uint32_t)b + 1, name);
	}
	return a < 0 && b < 0;
}

/* Lines of that name that hold something stand for what was said, in order. */
static bool holds(const struct edit *x, const struct line *l)
{
	return x->w->format->value(l).n > 0 && !x->w->format->silent(l);
}

/* How many lines of that name hold something. */
static uint32_t holding(const struct edit *x, const char *name)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < x->r->n; i++)
		n += line_named(&x->r->line[i], name) && holds(x, &x->r->line[i]);
	return n;
}

/* Gives the lines of one name to what is said now, one by one; what is left goes behind them. */
static void change_name(struct edit *x, const char *name)
{
	bool any = holding(x, name) > 0;
	int was = next_said(x->was, 0, name), is = next_said(x->is, 0, name);

	for (uint32_t i = 0; i < x->r->n; i++) {
		const struct line *l = &x->r->line[i];

		if (!line_named(l, name))
			continue;
		if (!x->w->format->silent(l) && (holds(x, l) || !any)) {
			bool same =
				was >= 0 && is >= 0 && same_said(&x->was->v[was], &x->is->v[is]);
			x->fate[i] = same ? KEEP : is >= 0 ? is : any ? REMOVE : KEEP;
			was = was < 0 ? -1 : next_said(x->was, (uint32_t)was + 1, name);
			is = is < 0 ? -1 : next_said(x->is, (uint32_t)is + 1, name);
		}
		x->at = (int)i;
	}
	for (; is >= 0; is = next_said(x->is, (uint32_t)is + 1, name))
		if (!x->is->v[is].implied)
			add_behind(x, is);
}

/* From i on, all of that name are dealt with. */
static void mark(const struct saids *s, uint32_t i, const char *name, bool *done)
{
	for (; i < s->n; i++)
		done[i] |= ascii_same(s->v[i].name, name);
}

static void one_name(struct edit *x, const char *name)
{
	if (!same_of_name(x, name)) {
		change_name(x, name);
		return;
	}
	for (uint32_t i = 0; i < x->r->n; i++)
		if (line_named(&x->r->line[i], name))
			x->at = (int)i;
}

static int put_all(struct edit *x)
{
	struct lines_writer *w = x->w;

	for (int i = -1; i < (int)x->r->n; i++) {
		const struct line *l = i < 0 ? NULL : &x->r->line[i];

		if (l && x->fate[i] == KEEP)
			buf_add(w->e->out, l->whole.p, l->whole.n);
		else if (l && x->fate[i] >= 0 && w->format->put(w, &x->is->v[x->fate[i]], l) < 0)
			return -1;
		for (int j = x->behind[i + 1]; j >= 0; j = x->next[j])
			if (w->format->put(w, &x->is->v[j], NULL) < 0)
				return -1;
	}
	return 0;
}

void lines_end(const struct lines_writer *w)
{
	buf_adds(w->e->out, w->crlf ? "\r\n" : "\n");
}

/* A last line without its end gets one as soon as something follows it. */
void lines_close(struct lines_writer *w)
{
	const struct buf *out = w->e->out;

	if (w->closed || out->n == 0)
		return;
	if (out->p[out->n - 1] != '\n')
		lines_end(w);
	lines_end(w);
	w->closed = true;
}

static int change_record(struct edit *x)
{
	struct lines_writer *w = x->w;
	const struct record *r = x->r;
	const uint8_t *end =
		r->n ? r->line[r->n - 1].whole.p + r->line[r->n - 1].whole.n : r->whole.p;
	bool *gone = x->done + x->is->n;

	memset(x->fate, 0xff, r->n * sizeof(int));
	memset(x->behind, 0xff, (r->n + 1) * sizeof(int));
	memset(x->next, 0xff, (x->is->n + 1) * sizeof(int));
	x->at = x->last = -1;
	for (uint32_t i = 0; i < x->is->n; i++) {
		if (x->done[i])
			continue;
		mark(x->is, i, x->is->v[i].name, x->done);
		mark(x->was, 0, x->is->v[i].name, gone);
		one_name(x, x->is->v[i].name);
	}
	for (uint32_t i = 0; i < x->was->n; i++) {
		if (gone[i])
			continue;
		mark(x->was, i, x->was->v[i].name, gone);
		change_name(x, x->was->v[i].name);
	}
	if (put_all(x) < 0)
		return -1;
	buf_add(w->e->out, end, (size_t)(r->whole.p + r->whole.n - end));
	return 0;
}

static bool all_same(const struct saids *a, const struct saids *b)
{
	uint32_t i = 0;

	while (i < a->n && i < b->n && same_said(&a->v[i], &b->v[i]) &&
		strcmp(a->v[i].name, b->v[i].name) == 0)
		i++;
	return i == a->n && i == b->n;
}

/* A record of the base that says `was` and shall say `is`. */
int lines_change(struct lines_writer *w, const struct record *r, const struct saids *was,
	const struct saids *is)
{
	struct edit x = {.w = w, .r = r, .was = was, .is = is};
	int rc;

	w->crlf = r->crlf;
	lines_close(w);
	w->closed = r->closed;
	if (all_same(was, is)) {
		buf_add(w->e->out, r->whole.p, r->whole.n);
		return 0;
	}
	x.fate = mem_alloc((r->n + 1) * sizeof(int));
	x.behind = mem_alloc((r->n + 1) * sizeof(int));
	x.next = mem_alloc((is->n + 1) * sizeof(int));
	x.done = mem_alloc(is->n + was->n + 1);
	rc = change_record(&x);
	free(x.fate);
	free(x.behind);
	free(x.next);
	free(x.done);
	return rc;
}

int lines_fresh(struct lines_writer *w, const struct saids *is)
{
	lines_close(w);
	for (uint32_t i = 0; i < is->n; i++)
		if (w->format->put(w, &is->v[i], NULL) < 0)
			return -1;
	lines_end(w);
	w->closed = true;
	return 0;
}
