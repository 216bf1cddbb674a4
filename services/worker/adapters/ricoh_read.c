// SPDX-License-Identifier: Apache-2.0
/* The whole book of a Ricoh machine: its ids page by page, then the properties of as many objects
 * as the machine takes at once (DC-5). What is kept are the answers, one behind the other, as they
 * came. */
#include <stdlib.h>
#include <string.h>

#include "common/base/sort.h"
#include "common/book/book.h"
#include "common/crypto/crypto.h"
#include "gen/errors.h"
#include "services/worker/adapters/ricoh_session.h"

#define PIECE ((size_t)64 * 1024)

/* A book without entries: nothing is asked, so nothing came. */
static const char EMPTY[] = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
			    "<u:getObjectsPropsResponse xmlns:u=\"" RICOH_NS
			    "\"><returnValue></returnValue></u:getObjectsPropsResponse>\n";

static void incomplete(struct ricoh *r, const char *what, size_t is, size_t should)
{
	struct fault f = FAULT_INIT;

	fault_set(&f, CN_INCOMPLETE, "%s: %zu instead of %zu", what, is, should);
	ricoh_done(r, &f);
}

void ricoh_read_forget(struct ricoh *r)
{
	struct ricoh_reading *g = &r->reading;
	uint8_t ignored[SHA256_LEN];

	free(g->id);
	buf_fini(&g->page);
	if (g->hash)
		sha256_end(g->hash, ignored);
	*g = (struct ricoh_reading){.id = NULL};
}

/* ---- properties ---- */

static void next_objects(struct ricoh *r);

static void hash_text(struct sha256 *h, const char *s)
{
	sha256_add(h, (struct span){(const uint8_t *)s, strlen(s) + 1});
}

static void hash_objects(struct sha256 *h, const struct ricoh_objects *o)
{
	for (size_t i = 0; i < o->n; i++) {
		for (size_t j = 0; j < o->object[i].n; j++) {
			hash_text(h, o->object[i].prop[j].name);
			hash_text(h, o->object[i].prop[j].value);
		}
		hash_text(h, "");
	}
}

static void finish(struct ricoh *r)
{
	struct ricoh_reading *g = &r->reading;
	struct errand *e = r->errand;
	uint64_t entries = g->n;
	ricoh_fn then = g->then;
	bool quiet = g->quiet;

	sha256_end(g->hash, r->held);
	g->hash = NULL;
	r->has_held = r->held_in_session = true;
	ricoh_read_forget(r);
	if (!quiet)
		e->item_end(e->arg, entries);
	then(r);
}

/* Hands the page over; whoever takes it may say: later. */
static void give(struct ricoh *r)
{
	struct ricoh_reading *g = &r->reading;
	struct errand *e = r->errand;

	while (g->given < g->page.n) {
		struct span piece = {g->page.p + g->given, size_min(PIECE, g->page.n - g->given)};
		if (e->bytes(e->arg, piece) != HTTP_GO)
			return;
		g->given += piece.n;
	}
	buf_reset(&g->page);
	g->given = 0;
	next_objects(r);
}

void ricoh_read_resume(struct ricoh *r)
{
	if (r->reading.given < r->reading.page.n)
		give(r);
}

static size_t asked_now(const struct ricoh *r)
{
	return size_min(r->at_once, r->reading.n - r->reading.next);
}

/* Each of those asked for, and nothing else (DV-6). */
static bool all_there(const struct ricoh *r, const struct ricoh_objects *o)
{
	const uint32_t *id = r->reading.id + r->reading.next;
	size_t n = asked_now(r), found = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < o->n; j++)
			if (ricoh_id(&o->object[j]) == id[i]) {
				found++;
				break;
			}
	return found == n && o->n == n;
}

static void on_objects(struct ricoh *r, const struct soap_answer *a)
{
	struct ricoh_reading *g = &r->reading;
	struct ricoh_objects o;
	struct fault f = FAULT_INIT;

	if (ricoh_objects(a, &o, &f) < 0) {
		ricoh_done(r, &f);
		return;
	}
	if (!all_there(r, &o)) {
		incomplete(r, "getObjectsProps: not the entries asked for", o.n, asked_now(r));
		return;
	}
	g->next += o.n;
	hash_objects(g->hash, &o);
	ricoh_said_add(&r->said, &o);
	if (!g->quiet)
		buf_add(&g->page, a->bytes.p, a->bytes.n);
	give(r);
}

static void next_objects(struct ricoh *r)
{
	struct ricoh_reading *g = &r->reading;
	struct buf message = BUF_INIT;

	if (g->next == g->n) {
		finish(r);
	} else if (r->old) {
		ricoh_with_session(r, r->exclusive, next_objects);
	} else {
		ricoh_ask_get(&message, r->session, g->id + g->next, asked_now(r));
		ricoh_call(r, RICOH_GET, &message, on_objects);
	}
}

/* ---- ids ---- */

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* The same entry on two pages: somebody changed the book between them. */
static bool has_doubles(const struct ricoh_reading *g)
{
	uint32_t *sorted = mem_alloc((g->n + 1) * sizeof(*sorted));
	bool doubles = false;

	if (g->n)
		memcpy(sorted, g->id, g->n * sizeof(*sorted));
	sort_stable(sorted, g->n, sizeof(*sorted), compare_ids);
	for (size_t i = 1; i < g->n && !doubles; i++)
		doubles = sorted[i] == sorted[i - 1];
	free(sorted);
	return doubles;
}

static void on_all_ids(struct ricoh *r)
{
	struct ricoh_reading *g = &r->reading;
	struct errand *e = r->errand;

	if (has_doubles(g)) {
		ricoh_fail(r, CN_INCOMPLETE, "searchObjects: an entry came twice");
		return;
	}
	if (!g->quiet)
		e->item(e->arg, e->items[0]);
	if (!g->quiet && g->n == 0)
		buf_adds(&g->page, EMPTY);
	give(r);
}

static void keep_id(struct ricoh_reading *g, uint32_t id)
{
	if (id >= RICOH_BUILT_IN)
		return;
	if (g->n == g->cap) {
		g->cap = g->cap ? 2 * g->cap : 256;
		g->id = mem_realloc(g->id, g->cap * sizeof(*g->id));
	}
	g->id[g->n++] = id;
}

static void next_rows(struct ricoh *r);

static void on_rows(struct ricoh *r, const struct soap_answer *a)
{
	struct ricoh_reading *g = &r->reading;
	struct ricoh_rows rows;
	struct fault f = FAULT_INIT;

	if (ricoh_rows(a, &rows, &f) < 0) {
		ricoh_done(r, &f);
		return;
	}
	if (rows.announced > BOOK_ENTRIES_MAX) {
		ricoh_fail(r, CN_RESPONSE_TOO_BIG, "searchObjects: more entries than allowed");
		return;
	}
	if (g->asked && rows.announced != g->announced) {
		incomplete(r, "searchObjects: the number changed", rows.announced, g->announced);
		return;
	}
	g->asked = true;
	g->announced = rows.announced;
	size_t take = size_min(rows.n, g->announced - g->offset); /* the last page may be padded */
	for (size_t i = 0; i < take; i++)
		keep_id(g, rows.id[i]);
	g->offset += (uint32_t)take;
	if (g->offset == g->announced)
		on_all_ids(r);
	else if (rows.end || take == 0)
		incomplete(r, "searchObjects: rows", g->offset, g->announced);
	else
		next_rows(r);
}

static void next_rows(struct ricoh *r)
{
	struct buf message = BUF_INIT;

	if (r->old) {
		ricoh_with_session(r, r->exclusive, next_rows);
		return;
	}
	ricoh_ask_search(&message, r->session, r->reading.offset, r->at_once);
	ricoh_call(r, RICOH_SEARCH, &message, on_rows);
}

void ricoh_read_book(struct ricoh *r, bool quiet, ricoh_fn then)
{
	ricoh_read_forget(r);
	r->reading.quiet = quiet;
	r->reading.then = then;
	r->reading.hash = sha256_new();
	ricoh_with_session(r, r->open && r->exclusive, next_rows);
}
