// SPDX-License-Identifier: Apache-2.0
/* version_open and version_read: one item of a version, its book in another format or all of it as
 * an archive, piece by piece, from one instance. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock/clock.h"
#include "services/storage/books/file_name.h"
#include "services/storage/books/opened_book.h"

#define READINGS 64

/* An item somebody reads, or a book in another format. */
struct reading {
	struct uuid id;
	struct stored_item item;
	bool made;                    /* no item: all of it lies in rest, or comes out of */
	bool counted;                 /* as one of MADE, until it was read to its end */
	struct bundle *bundle;        /* … this; else NULL */
	struct stored_reader *reader; /* NULL before the first piece */
	uint64_t offset;              /* of the next piece */
	uint8_t *piece;               /* the last one given, for who asks again */
	size_t piece_n;
	uint64_t piece_at;
	bool drained;    /* no more comes into rest */
	bool ended;      /* the last piece ended the item */
	struct buf rest; /* opened bytes that did not fit */
	bool busy;
	uint64_t touched_ms;
	struct call *call;
	struct fault fault;
};

static struct map readings;
static unsigned made_now;

static void reading_free(struct reading *r)
{
	(void)map_remove(&readings, r->id.b, 16);
	made_now -= r->counted;
	stored_close(r->reader);
	bundle_free(r->bundle);
	if (r->piece != NULL)
		crypto_wipe(r->piece, CHUNK_MAX);
	free(r->piece);
	if (r->rest.p != NULL)
		crypto_wipe(r->rest.p, r->rest.cap);
	buf_fini(&r->rest);
	free(r);
}

static void sweep_one(void *value, void *arg)
{
	struct reading *r = value;
	const uint64_t *now = arg;
	if (!r->busy && *now - r->touched_ms > (uint64_t)app.config->stream_idle_ms)
		reading_free(r);
}

void readings_sweep(void)
{
	uint64_t now = clock_mono_ms();
	map_each(&readings, sweep_one, &now);
}

static void oldest_ended(void *value, void *arg)
{
	struct reading *r = value, **oldest = arg;
	if (r->ended && !r->busy && (*oldest == NULL || r->touched_ms < (*oldest)->touched_ms))
		*oldest = r;
}

/* Read to the end, a reading only waits for a lost answer: the oldest gives way. */
static bool make_room(void)
{
	struct reading *oldest = NULL;
	if (readings.n < READINGS)
		return true;
	map_each(&readings, oldest_ended, (void *)&oldest);
	if (oldest == NULL)
		return false;
	reading_free(oldest);
	return true;
}

/* ---- open ---- */

/* Memory is held for each: they are few. */
#define MADE 4

static struct reading *reading_new(void)
{
	struct reading *r = mem_alloc(sizeof(*r));
	r->id = uuid_v7(clock_wall_ms());
	r->touched_ms = clock_mono_ms();
	(void)map_put(&readings, r->id.b, 16, r);
	return r;
}

static void made_wipe(const struct made *m)
{
	if (m->whole != NULL)
		buf_wipe(m->whole);
	bundle_free(m->bundle);
}

struct giving {
	struct call *call;
	struct reading *r;
	struct m_version_stream reply; /* texts are the call's */
};

static void give(void *arg, bool may)
{
	const struct giving *g = arg;
	g->r->busy = false;
	g->r->touched_ms = clock_mono_ms();
	if (may)
		call_reply(g->call, &g->reply);
	else
		reading_free(g->r);
}

/* The name of its file, and what else the answer says of it; given when the quota allows it. */
static void answer_made(
	struct call *call, struct reading *r, const struct m_version *v, const struct made *m)
{
	struct arena *a = &call->arena;
	const char *kind = kind_word(v->kind);
	struct giving *g = arena_alloc(a, sizeof(*g));
	char *file = arena_alloc(a, FILE_NAME_MAX + 1);
	bug_if(g == NULL || file == NULL);
	file_name_make(file, v->serial[0] != 0 ? v->serial : v->device_name, kind, v->generation,
		(uint64_t)v->committed_at, m->ext);
	*g = (struct giving){call, r,
		{.stream = r->id,
			.bytes = m->whole != NULL ? r->rest.n : r->item.ref.plain_len,
			.name = arena_strdup(a, m->name),
			.format = arena_strdup(a, m->format),
			.file = file,
			.losses = m->losses,
			.title = file_title(a, v->device_name, kind, v->generation, m->ext)}};
	r->busy = true;
	export_take(call, give, g);
}

void reading_make(struct call *call, const struct made *m)
{
	if (made_now == MADE) {
		made_wipe(m);
		call_refuse(call, CN_STORE_UNAVAILABLE, "busy", "%d exports are being read", MADE);
		return;
	}
	struct reading *r = reading_new();
	r->made = r->counted = true;
	r->bundle = m->bundle;
	if (m->whole != NULL)
		r->rest = *m->whole;
	made_now++;
	answer_made(call, r, m->version, m);
}

static void answer_open(struct call *call, const struct m_version *v, const struct stored_item *i)
{
	struct reading *r = reading_new();
	r->item = *i;
	const struct made m = {.name = r->item.name,
		.format = i->native ? v->format : "json",
		.ext = i->native ? file_suffix(v->format) : "json"};
	answer_made(call, r, v, &m);
}

static void got(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	const struct m_version_open *ask = call->body;
	struct m_version version;
	struct stored_item item;
	(void)t;
	if (f != NULL) {
		catalogue_refuse(call, f);
		return;
	}
	bug_if(n != 2);
	const char *want = ask->item == NULL ? "" : ask->item;
	for (int row = 0; db_rows(r[0]) > 0 && row < db_rows(r[1]); row++) {
		stored_item_read(r[1], row, &item);
		if (want[0] == 0 ? !item.native : strcmp(want, item.name) != 0)
			continue;
		sql_version_read(r[0], 0, &call->arena, &version);
		answer_open(call, &version, &item);
		return;
	}
	call_refuse(call, CN_NOT_FOUND, "item", "no such version or item");
}

static void get(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	const struct m_version_open *ask = call->body;
	(void)r;
	(void)n;
	if (f != NULL) {
		catalogue_refuse(call, f);
		return;
	}
	sql_add_get(t, &ask->id);
	db_commit(t, got, call);
}

void on_version_open(struct call *call)
{
	const struct m_version_open *ask = call->body;
	if (!make_room())
		call_refuse(
			call, CN_STORE_UNAVAILABLE, "busy", "%d items are being read", READINGS);
	else if (ask->format != NULL && ask->format[0] != 0)
		export_start(call);
	else
		db_begin(app.service->db, get, call);
}

/* ---- read ---- */

/* The next bytes into rest; true: these were the last ones, or none could be had. */
static bool more(struct reading *r)
{
	struct span piece;
	bool end = false;
	if (r->bundle != NULL)
		return bundle_next(r->bundle, &r->rest, &end, &r->fault) < 0 || end;
	if (r->made)
		return true;
	if (r->reader == NULL)
		r->reader = stored_open(&r->item, &r->fault);
	if (r->reader == NULL || stored_next(r->reader, &piece, &r->fault) < 0)
		return true;
	buf_add(&r->rest, piece.p, piece.n);
	return piece.n == 0;
}

/* Fills r->piece with the next bytes. Work pool. */
static void fill(struct reading *r)
{
	while (!r->drained && r->rest.n < CHUNK_MAX)
		r->drained = more(r);
	if (r->fault.code != 0)
		return;
	if (r->piece == NULL)
		r->piece = mem_alloc(CHUNK_MAX);
	r->piece_n = size_min(r->rest.n, CHUNK_MAX);
	memcpy(r->piece, r->rest.p == NULL ? (const uint8_t *)"" : r->rest.p, r->piece_n);
	buf_drop(&r->rest, r->piece_n);
	r->piece_at = r->offset;
	r->offset += r->piece_n;
	r->ended = r->drained && r->rest.n == 0;
}

static void work(void *arg)
{
	fill(arg);
}

static void answer_piece(const struct reading *r, struct call *call)
{
	const struct m_version_bytes reply = {.bytes = {r->piece, r->piece_n}, .last = r->ended};
	call_reply(call, &reply);
}

static void done(void *arg)
{
	struct reading *r = arg;
	struct call *call = r->call;
	r->busy = false;
	r->touched_ms = clock_mono_ms();
	if (r->ended && r->counted) {
		made_now--;
		r->counted = false;
	}
	if (r->fault.code == 0) {
		answer_piece(r, call);
		return;
	}
	call_fault(call, &r->fault);
	reading_free(r);
}

void on_version_read(struct call *call)
{
	const struct m_version_read *ask = call->body;
	struct reading *r = map_get(&readings, ask->stream.b, 16);
	if (r == NULL) {
		call_refuse(call, CN_NOT_FOUND, "stream", "no such stream here: open again");
	} else if (r->busy) {
		call_refuse(call, CN_CONFLICT, "one_outstanding", "this stream is busy");
	} else if (r->piece != NULL && ask->offset == r->piece_at) {
		answer_piece(r, call); /* the answer was lost */
	} else if (ask->offset != r->offset || r->ended) {
		call_refuse(call, CN_VALIDATION_FAILED, "offset", "items are read in order");
	} else {
		r->busy = true;
		r->call = call;
		loop_work(app.service->loop, work, done, r);
	}
}
