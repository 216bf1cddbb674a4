// SPDX-License-Identifier: Apache-2.0
/* Which record of the base becomes what: entries that stay keep their places, new ones follow the
 * entry before them, lists that are new follow at the end. */
#include <stdlib.h>
#include <string.h>

#include "common/book/engines/lines.h"

/* An entry of the base and where its record begins. */
struct place {
	size_t offset;
	uint32_t line;
	uint32_t list, entry;
};

/* A list of the base. */
struct state {
	const struct book_list *was;
	const struct book_list *is; /* NULL = it goes */
	uint32_t records;           /* still to come in the base */
	uint32_t stay;              /* how many of its entries stay */
	uint32_t cursor;            /* next of is */
};

struct walk {
	struct lines_writer *w;
	struct lines lines;
	struct record record, other; /* other: of an entry that stands elsewhere */
	struct place *place;         /* by offset */
	struct state *state;         /* of each list of the base */
	struct map was, is;          /* by slot and key: struct place, struct book_entry */
	struct saids said_was, said_is;
	struct arena folded; /* of record */
};

/* ---- keys ---- */

static struct span key_of(struct buf *b, const struct book_list *l, const struct book_entry *e)
{
	buf_reset(b);
	buf_adds(b, l->slot);
	buf_addc(b, 0);
	buf_adds(b, e->key);
	return buf_span(b);
}

static void *look_up(const struct map *m, const struct book_list *l, const struct book_entry *e)
{
	struct buf b = BUF_INIT;
	struct span k = key_of(&b, l, e);
	void *found = map_get(m, k.p, k.n);

	buf_fini(&b);
	return found;
}

static int by_offset(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static void index_book(struct walk *x, const struct book *book)
{
	struct buf b = BUF_INIT;

	for (uint32_t i = 0; i < book->n_lists; i++) {
		for (uint32_t j = 0; j < book->list[i].n_entries; j++) {
			struct book_entry *e = &book->list[i].entry[j];
			struct span k = key_of(&b, &book->list[i], e);

			map_put(&x->is, k.p, k.n, e);
		}
	}
	buf_fini(&b);
}

static void index_base(struct walk *x)
{
	const struct book *base = x->w->base;
	struct buf b = BUF_INIT;
	uint32_t n = 0;

	x->place = mem_alloc((base->n_entries + 1) * sizeof(x->place[0]));
	for (uint32_t i = 0; i < base->n_lists; i++)
		for (uint32_t j = 0; j < base->list[i].n_entries; j++)
			x->place[n++] = (struct place){base->list[i].entry[j].at.offset,
				base->list[i].entry[j].at.line, i, j};
	qsort(x->place, n, sizeof(x->place[0]), by_offset);
	for (uint32_t i = 0; i < n; i++) {
		const struct book_list *l = &base->list[x->place[i].list];
		struct span k = key_of(&b, l, &l->entry[x->place[i].entry]);

		map_put(&x->was, k.p, k.n, &x->place[i]);
	}
	x->place[n].offset = SIZE_MAX;
	buf_fini(&b);
}

static void add_lists(struct map *m, const struct book *b)
{
	for (uint32_t i = 0; b && i < b->n_lists; i++)
		(void)map_put(m, b->list[i].slot, strlen(b->list[i].slot), &b->list[i]);
}

struct book_list *lines_was(const struct lines_writer *w, const char *slot)
{
	return map_get(&w->was, slot, strlen(slot));
}

struct book_list *lines_is(const struct lines_writer *w, const char *slot)
{
	return map_get(&w->is, slot, strlen(slot));
}

static void index_lists(struct walk *x)
{
	const struct book *base = x->w->base;

	x->state = mem_alloc((base->n_lists + 1) * sizeof(x->state[0]));
	for (uint32_t i = 0; i < base->n_lists; i++) {
		const struct book_list *l = &base->list[i];
		struct state *s = &x->state[i];

		*s = (struct state){.was = l, .records = l->n_entries};
		s->is = lines_is(x->w, l->slot);
		for (uint32_t j = 0; j < l->n_entries; j++)
			s->stay += look_up(&x->is, l, &l->entry[j]) != NULL;
	}
}

/* ---- entries ---- */

static void say(struct walk *x, const struct book_list *l, const struct book_entry *e,
	const struct record *old, struct saids *ret)
{
	ret->n = 0;
	ret->arena = &x->w->arena;
	x->w->format->say(x->w, l, e, old, ret);
}

/* entry, fresh or over its own record of the base. */
static int put_entry(struct walk *x, const struct book_list *l, const struct book_entry *e)
{
	const struct place *p = x->w->base ? look_up(&x->was, l, e) : NULL;
	struct lines_writer *w = x->w;
	const struct book_list *was;
	struct lines at;

	arena_reset(&w->arena);
	w->list = l;
	w->entry = e;
	if (!p) {
		say(x, l, e, NULL, &x->said_is);
		return lines_fresh(w, &x->said_is);
	}
	at = (struct lines){.file = w->e->base,
		.at = p->offset,
		.number = p->line - 1,
		.ldif = x->lines.ldif,
		.arena = &w->arena};
	if (!lines_record(&at, &x->other))
		return 0;
	was = &w->base->list[p->list];
	say(x, was, &was->entry[p->entry], &x->other, &x->said_was);
	say(x, l, e, &x->other, &x->said_is);
	return lines_change(w, &x->other, &x->said_was, &x->said_is);
}

/* The next one that stays, the new ones behind it, and at the begin those before it. */
static int put_next(struct walk *x, struct state *s)
{
	bool stays = false;

	for (; s->cursor < s->is->n_entries; s->cursor++) {
		const struct book_entry *e = &s->is->entry[s->cursor];
		bool old = look_up(&x->was, s->is, e) != NULL;

		if (old && stays)
			return 0;
		stays |= old;
		if (put_entry(x, s->is, e) < 0)
			return -1;
	}
	return 0;
}

static int put_rest(struct walk *x, const struct book_list *l, uint32_t from)
{
	for (uint32_t i = from; i < l->n_entries; i++)
		if (put_entry(x, l, &l->entry[i]) < 0)
			return -1;
	return 0;
}

/* At the record of an entry of the base. */
static int at_entry(struct walk *x, const struct place *p)
{
	struct state *s = &x->state[p->list];

	s->records--;
	x->w->crlf = x->record.crlf;
	if (!s->is)
		return 0;
	if (look_up(&x->is, s->was, &s->was->entry[p->entry]))
		return put_next(x, s);
	return s->stay == 0 && s->records == 0 ? put_next(x, s) : 0;
}

static int put_other(struct walk *x)
{
	struct lines_writer *w = x->w;

	w->crlf = x->record.crlf;
	w->list = NULL;
	w->entry = NULL;
	return w->format->other(w, &x->record);
}

static void prepare(struct lines_writer *w)
{
	add_lists(&w->was, w->base);
	add_lists(&w->is, w->e->book);
	if (w->format->prepare)
		w->format->prepare(w);
}

static int put_new_list(struct walk *x, const struct book_list *l)
{
	x->w->list = l;
	x->w->entry = NULL;
	if (x->w->format->open(x->w, l) < 0)
		return -1;
	return put_rest(x, l, 0);
}

static int over_base(struct walk *x)
{
	const struct book *base = x->w->base, *book = x->w->e->book;
	const struct place *next;

	prepare(x->w);
	index_book(x, book);
	index_base(x);
	index_lists(x);
	next = x->place;
	while (lines_record(&x->lines, &x->record)) {
		size_t offset = (size_t)(x->record.whole.p - x->lines.file.p);
		int r = next->offset == offset ? at_entry(x, next++) : put_other(x);

		arena_reset(&x->folded);
		if (r < 0)
			return -1;
	}
	for (uint32_t i = 0; i < base->n_lists; i++)
		if (x->state[i].is && x->state[i].was->n_entries == 0 &&
			put_rest(x, x->state[i].is, 0) < 0)
			return -1;
	for (uint32_t i = 0; i < book->n_lists; i++) {
		const struct book_list *l = &book->list[i];

		if (!lines_was(x->w, l->slot) && put_new_list(x, l) < 0)
			return -1;
	}
	return 0;
}

static int fresh(struct walk *x)
{
	const struct book *book = x->w->e->book;

	prepare(x->w);
	for (uint32_t i = 0; i < book->n_lists; i++)
		if (put_new_list(x, &book->list[i]) < 0)
			return -1;
	return 0;
}

static void walk_fini(struct walk *x)
{
	map_fini(&x->was);
	map_fini(&x->is);
	map_fini(&x->w->was);
	map_fini(&x->w->is);
	x->w->was = x->w->is = MAP_INIT;
	free(x->place);
	free(x->state);
	free(x->record.line);
	free(x->other.line);
	free(x->said_was.v);
	free(x->said_is.v);
	arena_fini(&x->w->arena);
	arena_fini(&x->folded);
	book_free(x->w->base);
	x->w->base = NULL;
}

int lines_encode(struct lines_writer *w)
{
	struct walk x = {.w = w, .was = MAP_INIT, .is = MAP_INIT};
	int r;

	/* no bound of their own: what they hold is bounded by base and book */
	arena_init(&w->arena, 0);
	arena_init(&x.folded, 0);
	w->closed = true;
	w->base = NULL;
	if (w->e->base.n == 0) {
		r = fresh(&x);
	} else if (book_decode(w->e->base, w->codec, NULL, &w->base, w->e->fault) < 0) {
		r = -1;
	} else {
		x.lines = (struct lines){
			.file = w->e->base, .ldif = w->format->ldif, .arena = &x.folded};
		r = over_base(&x);
	}
	walk_fini(&x);
	return r;
}
