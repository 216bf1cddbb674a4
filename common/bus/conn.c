// SPDX-License-Identifier: Apache-2.0
/* One connection: output, close, watch, free. Test and submit stand under the same mutex, because
 * what is submitted to a closed stream never completes. Input is in rx.c. */
#include <stdlib.h>

#include "common/bus/bus_priv.h"

static void conn_tx_done(void *arg);

void conn_ref(struct conn *c)
{
	atomic_fetch_add(&c->refs, 1);
}

void conn_unref(struct conn *c)
{
	if (atomic_fetch_sub(&c->refs, 1) != 1)
		return;
	(void)pthread_mutex_destroy(&c->lock);
	free(c);
}

struct conn *conn_new(struct bus *b, nng_stream *stream, const struct role *role)
{
	struct conn *c = mem_alloc(sizeof(*c));

	c->bus = b;
	c->id = atomic_fetch_add(&b->next_id, 1) + 1;
	c->role = *role;
	c->stream = stream;
	c->born = c->last_rx = c->last_tx = c->last_said = bus_now(b);
	atomic_store(&c->refs, 1);
	bug_if(pthread_mutex_init(&c->lock, NULL) != 0);
	list_init(&c->node);
	list_init(&c->live);
	list_init(&c->calls);
	list_init(&c->dirty);
	c->in = mem_alloc(RX_BUFFER);
	c->in_cap = RX_BUFFER;
	bug_if(nng_aio_alloc(&c->rx, conn_rx_done, c) != 0);
	bug_if(nng_aio_alloc(&c->tx, conn_tx_done, c) != 0);
	nng_aio_set_timeout(c->rx, NNG_DURATION_INFINITE);
	nng_aio_set_timeout(c->tx, NNG_DURATION_INFINITE);
	count_add(b, conns);
	return c;
}

/* ---- under the lock ---- */

static void enqueue_down(struct conn *c)
{
	struct list items;
	struct bus_call *down = mem_alloc(sizeof(*down));

	list_init(&items);
	down->kind = ITEM_DOWN;
	down->conn = c; /* the reference of UP moves along */
	list_push(&items, &down->node);
	bus_enqueue(c->bus, &items);
}

void conn_close_locked(struct conn *c)
{
	if (c->closed)
		return;
	c->closed = true;
	c->closed_at = bus_now(c->bus);
	nng_stream_close(c->stream);
	count_add(c->bus, closes);
	if (c->ready)
		enqueue_down(c);
}

static size_t backlog(const struct conn *c)
{
	return c->out.n + c->wire.n - c->wire_at;
}

static void submit_wire(struct conn *c)
{
	nng_iov iov = {c->wire.p + c->wire_at, c->wire.n - c->wire_at};

	bug_if(nng_aio_set_iov(c->tx, 1, &iov) != 0);
	c->tx_busy = true;
	nng_stream_send(c->stream, c->tx);
}

/* The gathered frames become one write. */
static void flush_locked(struct conn *c)
{
	if (c->closed || c->tx_busy || c->out.n == 0)
		return;
	struct buf empty = c->wire;

	buf_reset(&empty);
	if (empty.cap > BACKLOG_EVENTS)
		buf_fini(&empty);
	c->wire = c->out;
	c->wire_at = 0;
	c->out = empty;
	c->submitted = c->queued;
	submit_wire(c);
}

static bool queue_locked(struct conn *c, uint32_t id, struct span body, uint64_t *ret_start)
{
	uint8_t head[FRAME_HEAD_MAX];
	struct wire wire = {c->role.ours, c->role.ipc};
	size_t n = frame_head(head, wire, id, body.n);

	if (c->closed)
		return false;
	if (body.n > c->bus->max_frame) {
		count_add(c->bus, refused_frames);
		return false;
	}
	if (backlog(c) + n + body.n > BACKLOG_MAX) {
		conn_close_locked(c);
		return false;
	}
	if (backlog(c) == 0)
		c->last_tx = bus_now(c->bus);
	buf_add(&c->out, head, n);
	buf_add(&c->out, body.p, body.n);
	if (c->out.err) {
		conn_close_locked(c);
		return false;
	}
	if (ret_start != NULL)
		*ret_start = c->queued;
	c->queued += n + body.n;
	return true;
}

void conn_say_locked(struct conn *c, uint32_t id, const uint8_t what[static SAY_SIZE])
{
	if (queue_locked(c, id, (struct span){what, SAY_SIZE}, NULL))
		flush_locked(c);
}

/* The loop has much to do still, or a caller does not read its answers. A client always reads: two
 * ends that both wait for the other to read would stand still. */
static bool behind(struct conn *c)
{
	return atomic_load(&c->undrained) > BACKLOG_CALM ||
	       (c->role.ours == SP_REP && backlog(c) > BACKLOG_CALM);
}

void conn_arm_locked(struct conn *c)
{
	if (c->closed || c->rx_busy)
		return;
	atomic_store(&c->paused, true);
	if (behind(c))
		return; /* conn_drained or conn_tx_done comes back here */
	atomic_store(&c->paused, false);
	nng_iov iov = {c->in + c->in_n, c->in_cap - c->in_n};
	bug_if(nng_aio_set_iov(c->rx, 1, &iov) != 0);
	c->rx_busy = true;
	nng_stream_recv(c->stream, c->rx);
}

static void leave_if_idle(struct conn *c)
{
	if (c->leaving && c->open == 0 && !c->tx_busy && c->out.n == 0)
		conn_close_locked(c);
}

static void sent_locked(struct conn *c)
{
	size_t n = nng_aio_count(c->tx), before = backlog(c);

	if (nng_aio_result(c->tx) != 0 || n == 0) {
		conn_close_locked(c);
		return;
	}
	c->last_tx = bus_now(c->bus);
	c->wire_at = size_min(c->wire_at + n, c->wire.n);
	if (c->role.ours == SP_REQ && before >= BACKLOG_CALM && backlog(c) < BACKLOG_CALM)
		bus_kick(c->bus); /* calls wait for this */
	if (c->wire_at < c->wire.n) {
		submit_wire(c);
		return;
	}
	flush_locked(c);
	leave_if_idle(c);
	if (atomic_load(&c->paused))
		conn_arm_locked(c);
}

/* ---- any thread ---- */

static void conn_tx_done(void *arg)
{
	struct conn *c = arg;

	pthread_mutex_lock(&c->lock);
	c->tx_busy = false;
	if (!c->closed)
		sent_locked(c);
	pthread_mutex_unlock(&c->lock);
}

void conn_start(struct conn *c)
{
	uint8_t hello[HELLO_SIZE];

	hello_write(hello, c->role.ours);
	pthread_mutex_lock(&c->lock);
	buf_add(&c->out, hello, HELLO_SIZE);
	c->queued += HELLO_SIZE;
	flush_locked(c);
	conn_arm_locked(c);
	pthread_mutex_unlock(&c->lock);
}

bool conn_queue(struct conn *c, uint32_t id, struct span body, uint64_t *ret_start)
{
	pthread_mutex_lock(&c->lock);
	bool queued = queue_locked(c, id, body, ret_start);
	if (queued)
		c->last_said = bus_now(c->bus);
	pthread_mutex_unlock(&c->lock);
	return queued;
}

void conn_flush(struct conn *c)
{
	pthread_mutex_lock(&c->lock);
	flush_locked(c);
	leave_if_idle(c);
	pthread_mutex_unlock(&c->lock);
}

void conn_flush_soon(struct conn *c)
{
	struct bus *b = c->bus;

	if (!b->corked) {
		conn_flush(c);
	} else if (list_empty(&c->dirty)) {
		conn_ref(c);
		list_push(&b->dirty, &c->dirty);
	}
}

size_t conn_backlog(struct conn *c)
{
	pthread_mutex_lock(&c->lock);
	size_t n = backlog(c);
	pthread_mutex_unlock(&c->lock);
	return n;
}

uint64_t conn_submitted(struct conn *c)
{
	pthread_mutex_lock(&c->lock);
	uint64_t n = c->submitted;
	pthread_mutex_unlock(&c->lock);
	return n;
}

void conn_close(struct conn *c)
{
	pthread_mutex_lock(&c->lock);
	conn_close_locked(c);
	pthread_mutex_unlock(&c->lock);
}

void conn_request_over(struct conn *c)
{
	pthread_mutex_lock(&c->lock);
	c->open--;
	leave_if_idle(c);
	pthread_mutex_unlock(&c->lock);
}

void conn_leave(struct conn *c)
{
	pthread_mutex_lock(&c->lock);
	c->leaving = true;
	leave_if_idle(c);
	pthread_mutex_unlock(&c->lock);
}

void conn_drained(struct conn *c, size_t n)
{
	size_t left = atomic_fetch_sub(&c->undrained, n) - n;

	if (left > BACKLOG_CALM || !atomic_load(&c->paused))
		return;
	pthread_mutex_lock(&c->lock);
	conn_arm_locked(c);
	pthread_mutex_unlock(&c->lock);
}

/* ---- house ---- */

/* The library lost the completion of a reset: it knows no peer any more (bus.md section 1, 2). */
static bool peer_lost(struct conn *c)
{
	nng_sockaddr sa;
	int r = nng_stream_get_addr(c->stream, NNG_OPT_REMADDR, &sa);

	return r != 0 && r != NNG_ENOTSUP;
}

static bool silent(const struct conn *c, uint64_t now)
{
	bool stuck = backlog(c) > 0 && now - c->last_tx > SERVER_SILENCE_MS;
	uint64_t heard = atomic_load(&c->paused) ? now : c->last_rx; /* deaf by our own doing */

	switch (c->role.ours) {
	case SP_REQ:
	case SP_SUB:
		return now - heard > CLIENT_SILENCE_MS;
	case SP_REP:
		return stuck || now - heard > SERVER_SILENCE_MS;
	case SP_PUB: /* its peer has nothing to say */
		return stuck;
	}
	return false;
}

static void say_alive(struct conn *c, uint64_t now)
{
	if (now - c->last_said < PING_MS)
		return;
	if (c->role.ours == SP_REQ && now - c->last_rx >= PING_MS) {
		c->last_said = now;
		conn_say_locked(c, FRAME_ID_BIT | FRAME_PING_BIT, SAY_PING);
	} else if (c->role.ours == SP_PUB && backlog(c) < BACKLOG_EVENTS) {
		c->last_said = now;
		conn_say_locked(c, 0, SAY_HEARTBEAT);
	}
}

void conn_watch(struct conn *c, bool calm)
{
	uint64_t now = bus_now(c->bus);

	pthread_mutex_lock(&c->lock);
	if (c->closed)
		;
	else if (peer_lost(c))
		conn_close_locked(c);
	else if (!c->ready && now - c->born > HELLO_MS)
		conn_close_locked(c);
	else if (c->ready && !calm && silent(c, now))
		conn_close_locked(c);
	else if (c->ready)
		say_alive(c, now);
	pthread_mutex_unlock(&c->lock);
}

bool conn_reap(struct conn *c)
{
	pthread_mutex_lock(&c->lock);
	bool idle = c->closed && !c->rx_busy && !c->tx_busy;
	pthread_mutex_unlock(&c->lock);
	if (!idle)
		return false;
	nng_aio_free(c->rx); /* wait for the end of callbacks that have left the lock */
	nng_aio_free(c->tx);
	nng_stream_free(c->stream);
	pthread_mutex_lock(&c->lock);
	c->rx = c->tx = NULL;
	c->stream = NULL;
	free(c->in);
	c->in = NULL;
	buf_fini(&c->out);
	buf_fini(&c->wire);
	pthread_mutex_unlock(&c->lock);
	atomic_fetch_sub(&c->bus->count.conns, 1);
	return true;
}
