// SPDX-License-Identifier: Apache-2.0
/* Streams to storage. */
#include "services/worker/spool.h"

#include <string.h>

#include "gen/errors.h"
#include "services/worker/verdict.h"

#define SESSION_MAX ((size_t)256 * 1024) /* waiting bytes of one session (reliability.md 5) */
#define CHUNK_MIN ((size_t)64 * 1024)    /* smaller ones only at the end of an item */
#define CHUNK_MAX ((size_t)256 * 1024)
#define BEGIN_MS 30000u
#define CHUNK_MS 30000u
#define COMMIT_MS 60000u
#define BEGINS_MAX 4u

void spooler_init(struct spooler *s, struct peer *storage, size_t streams_max, size_t bytes_max)
{
	*s = (struct spooler){
		.storage = storage, .streams_max = streams_max, .bytes_max = bytes_max};
	list_init(&s->queue);
}

void spool_init(struct spool *s, struct spooler *shared, void *arg)
{
	*s = (struct spool){.shared = shared, .arg = arg};
	list_init(&s->node);
}

/* ---- memory ---- */

static void took(struct spool *s, size_t n)
{
	s->bytes += n;
	s->total += n;
	s->shared->bytes += n;
}

static void freed(struct spool *s, size_t n)
{
	s->bytes -= n;
	s->shared->bytes -= n;
}

static void free_items(struct spool *s)
{
	for (size_t i = 0; i < s->n_items; i++)
		buf_fini(&s->items[i].data);
	freed(s, s->bytes);
}

/* The device goes on when half of what may wait is gone. */
static void make_room(struct spool *s)
{
	if (!s->paused || s->bytes >= SESSION_MAX / 2)
		return;
	s->paused = false;
	s->room(s->arg);
}

/* ---- streams ---- */

static void open_next(struct spooler *shared);
static void pump(struct spool *s);

/* The one place where a stream ends: the next session may have it. */
static void close_stream(struct spool *s)
{
	struct spooler *shared = s->shared;
	bool had =
		s->state == SPOOL_OPENING || s->state == SPOOL_OPEN || s->state == SPOOL_COMMITTING;

	list_remove(&s->node);
	s->state = SPOOL_CLOSED;
	free_items(s);
	if (had) {
		shared->streams--;
		open_next(shared);
	}
}

static void ignore(void *arg unused, const void *body unused, const struct fault *f unused,
	uint64_t instance unused)
{
}

static void abort_stream(struct spool *s)
{
	struct m_store_abort m = {
		.stream = s->stream, .code = (uint64_t)s->fault.code, .detail = s->fault.detail};
	struct peer_opts opts = {
		.instance = s->instance, .trace = s->trace, .deadline_ms = CHUNK_MS};

	if (!uuid_is_nil(&s->stream))
		peer_call(s->shared->storage, &m_store_abort_desc, &m, &opts, ignore, NULL);
}

/* The session has let go: no call of ours is under way any more. */
static void drop_now(struct spool *s)
{
	if (s->state == SPOOL_OPEN)
		abort_stream(s);
	close_stream(s);
	s->gone(s->arg);
}

static void fail(struct spool *s, const struct fault *f)
{
	s->fault = verdict_storage_fault(f);
	s->stream = (struct uuid){{0}};
	close_stream(s);
	s->failed(s->arg, &s->fault);
}

static void take_result(struct spool *s, const struct m_stored *r)
{
	s->result = *r;
	s->result.flags = NULL; /* of the message's memory */
	s->result.flags_n = 0;
	s->have_result = true;
}

static void ask_stream(struct spool *s);

/* Another instance may take it: one that ends or starts must not cost a second reading of the
 * device. */
static bool begin_elsewhere(struct spool *s, const struct fault *f)
{
	struct fault mine = verdict_storage_fault(f);
	bool other = strcmp(mine.reason, "away") == 0 || strcmp(mine.reason, "starting") == 0;

	if (s->dropped || !other || s->begins >= BEGINS_MAX)
		return false;
	ask_stream(s);
	return true;
}

static void on_begun(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	struct spool *s = arg;
	const struct m_store_stream *r = body;

	s->outstanding = false;
	s->stirred = true;
	if (f && begin_elsewhere(s, f))
		return;
	if (!f) {
		s->stream = r->stream;
		s->instance = instance;
		s->chunk_max = r->chunk_max ? size_min(r->chunk_max, CHUNK_MAX) : CHUNK_MAX;
		s->state = SPOOL_OPEN;
		if (r->result) {
			take_result(s, r->result);
			free_items(s);
		}
	}
	if (s->dropped) {
		drop_now(s);
	} else if (f) {
		fail(s, f);
	} else {
		if (!s->finished)
			make_room(s);
		pump(s);
	}
}

static void ask_stream(struct spool *s)
{
	struct m_store_begin m = {.has = 0};
	struct peer_opts opts = {.deadline_ms = BEGIN_MS, .trace = s->trace};

	s->begins++;
	s->outstanding = true;
	s->about(s->arg, &m);
	peer_call(s->shared->storage, &m_store_begin_desc, &m, &opts, on_begun, s);
}

static void open_stream(struct spool *s)
{
	s->shared->streams++;
	s->state = SPOOL_OPENING;
	ask_stream(s);
}

static void open_next(struct spooler *shared)
{
	struct list *node;

	while (shared->streams < shared->streams_max && (node = list_pop(&shared->queue)) != NULL)
		open_stream(container_of(node, struct spool, node));
}

static void want_stream(struct spool *s)
{
	if (s->state != SPOOL_FILLING)
		return;
	s->state = SPOOL_QUEUED;
	list_push(&s->shared->queue, &s->node);
	open_next(s->shared);
}

/* ---- filling ---- */

bool spool_item(struct spool *s, const char *name)
{
	if (s->n_items == SPOOL_ITEMS)
		return false;
	s->items[s->n_items++] = (struct spool_item){.name = name};
	return true;
}

bool spool_bytes(struct spool *s, struct span bytes)
{
	struct spool_item *item = &s->items[s->n_items - 1];
	bool full = s->bytes >= SESSION_MAX;

	if (s->have_result) {
		s->total += bytes.n; /* stored by an earlier attempt: nobody wants them */
		return true;
	}
	bool crowded = s->state != SPOOL_OPEN && s->shared->bytes >= s->shared->bytes_max;

	if (full || crowded) {
		s->paused = true;
		want_stream(s);
		return false;
	}
	buf_add(&item->data, bytes.p, bytes.n);
	took(s, bytes.n);
	pump(s);
	return true;
}

void spool_item_end(struct spool *s)
{
	s->items[s->n_items - 1].whole = true;
	pump(s);
}

void spool_finish(struct spool *s)
{
	s->finished = true;
	if (s->state == SPOOL_FILLING)
		want_stream(s);
	else
		pump(s);
}

/* ---- sending ---- */

static void on_chunk(void *arg, const void *body, const struct fault *f, uint64_t instance unused)
{
	struct spool *s = arg;
	const struct m_store_ack *ack = body;
	struct fault wrong = FAULT_INIT;

	s->outstanding = false;
	if (s->dropped) {
		drop_now(s);
		return;
	}
	if (!f && ack->offset != s->items[s->at].sent) {
		fault_set(&wrong, CN_STORE_UNAVAILABLE, "storage wants another byte than the next");
		f = &wrong;
	}
	if (f) {
		fail(s, f);
		return;
	}
	s->at += s->items[s->at].told;
	pump(s); /* may end everything when the device has given all */
}

static void send_chunk(struct spool *s, struct spool_item *item)
{
	size_t n = size_min(item->data.n, s->chunk_max);
	struct m_store_chunk m = {.stream = s->stream,
		.item_no = s->at,
		.item = item->sent == 0 ? item->name : NULL,
		.offset = item->sent,
		.bytes = {item->data.p, n},
		.last = item->whole && n == item->data.n};
	struct peer_opts opts = {
		.instance = s->instance, .trace = s->trace, .deadline_ms = CHUNK_MS};

	s->outstanding = s->stirred = true;
	peer_call(s->shared->storage, &m_store_chunk_desc, &m, &opts, on_chunk, s);
	item->sent += n;
	item->told = m.last;
	if (item->told)
		buf_fini(&item->data);
	else
		buf_drop(&item->data, n);
	freed(s, n);
	make_room(s);
}

/* Sends the next chunk when there is one worth sending. */
static void pump(struct spool *s)
{
	struct spool_item *item = &s->items[s->at];

	if (s->state != SPOOL_OPEN || s->outstanding || s->dropped)
		return;
	if (s->have_result) { /* an earlier attempt stored it: nothing to send */
		if (s->finished)
			s->sent(s->arg);
		return;
	}
	if (s->at == s->n_items) {
		if (s->finished)
			s->sent(s->arg);
		return;
	}
	if (item->whole || item->data.n >= CHUNK_MIN)
		send_chunk(s, item);
}

/* No bytes, and of an offset that no item reaches: storage tells where it is and does nothing. A
 * stream that is lost is found out by the next bytes. */
void spool_awake(struct spool *s)
{
	const struct spool_item *item = &s->items[s->at];
	bool between = s->at > 0 && (s->at == s->n_items || item->sent == 0);
	struct m_store_chunk m = {.stream = s->stream,
		.item_no = between ? s->at - 1 : s->at,
		.item = s->at == 0 && item->sent == 0 ? item->name : NULL,
		.offset = INT64_MAX};
	struct peer_opts opts = {
		.instance = s->instance, .trace = s->trace, .deadline_ms = CHUNK_MS};
	bool rests = s->state == SPOOL_OPEN && !s->outstanding && !s->dropped && !s->have_result &&
		     s->n_items > 0;

	if (rests && !s->stirred)
		peer_call(s->shared->storage, &m_store_chunk_desc, &m, &opts, ignore, NULL);
	s->stirred = false;
}

/* ---- the end ---- */

static void on_committed(
	void *arg, const void *body, const struct fault *f, uint64_t instance unused)
{
	struct spool *s = arg;
	const struct m_store_one *r = body;

	s->outstanding = false;
	s->stream = (struct uuid){{0}};
	if (!f)
		take_result(s, r->result);
	else
		s->fault = verdict_storage_fault(f);
	close_stream(s);
	if (s->dropped)
		s->gone(s->arg);
	else
		s->committed(s->arg, f ? &s->fault : NULL);
}

void spool_commit(struct spool *s, const struct m_store_commit *about)
{
	struct m_store_commit m = *about;
	struct peer_opts opts = {
		.instance = s->instance, .trace = s->trace, .deadline_ms = COMMIT_MS};

	if (s->have_result) {
		close_stream(s);
		s->committed(s->arg, NULL);
		return;
	}
	m.stream = s->stream;
	m.items = s->n_items;
	s->state = SPOOL_COMMITTING;
	s->outstanding = true;
	peer_call(s->shared->storage, &m_store_commit_desc, &m, &opts, on_committed, s);
}

void spool_drop(struct spool *s, const struct fault *why)
{
	s->dropped = true;
	if (why)
		s->fault = *why;
	if (!s->outstanding)
		drop_now(s);
}
