// SPDX-License-Identifier: Apache-2.0
/* Input of a connection, in the library's threads: hello, frames, pings; everything else goes into
 * the inbox of the loop, one batch per receive. */
#include <stdlib.h>
#include <string.h>

#include "common/bus/bus_priv.h"

static struct bus_call *item_new(struct conn *c, enum item_kind kind, const struct frame *f)
{
	/* the size comes from a peer: bounded by max_frame, and no memory closes the connection */
	struct bus_call *item = malloc(sizeof(*item) + f->body.n);

	if (item == NULL)
		return NULL;
	list_init(&item->node);
	item->conn = c;
	item->kind = kind;
	item->id = f->id;
	item->n = f->body.n;
	if (f->body.n > 0)
		memcpy(item->body, f->body.p, f->body.n);
	return item;
}

static bool hand_over(
	struct conn *c, enum item_kind kind, const struct frame *f, struct list *batch)
{
	struct bus_call *item = item_new(c, kind, f);

	if (item == NULL)
		return false;
	atomic_fetch_add(&c->undrained, sizeof(*item) + item->n);
	list_push(batch, &item->node);
	return true;
}

static bool take_request(struct conn *c, const struct frame *f, struct list *batch)
{
	if (frame_says(f->body, SAY_PING)) {
		conn_say_locked(c, f->id, SAY_OK);
		return true;
	}
	if (c->leaving || atomic_load(&c->bus->serve_stopped))
		return true;
	if (!hand_over(c, ITEM_REQUEST, f, batch))
		return false;
	conn_ref(c);
	c->open++;
	return true;
}

static bool take_frame(struct conn *c, const struct frame *f, struct list *batch)
{
	switch (c->role.ours) {
	case SP_REP:
		return take_request(c, f, batch);
	case SP_REQ:
		if (f->id & FRAME_PING_BIT)
			return true;
		return hand_over(c, ITEM_REPLY, f, batch);
	case SP_SUB:
		if (frame_says(f->body, SAY_HEARTBEAT))
			return true;
		return hand_over(c, ITEM_EVENT, f, batch);
	case SP_PUB: /* a subscriber says nothing after its hello */
		break;
	}
	return false;
}

static void refuse(struct conn *c)
{
	count_add(c->bus, refused_frames);
}

/* 0, or the hello's size; SIZE_MAX when it is no peer of ours. */
static size_t take_hello(struct conn *c, struct list *batch)
{
	enum frame_state s = hello_read((struct span){c->in, c->in_n}, c->role.ours);
	const struct frame none = {.id = 0};

	if (s == FRAME_REFUSED) {
		refuse(c);
		return SIZE_MAX;
	}
	if (s == FRAME_PART)
		return 0;
	struct bus_call *up = item_new(c, ITEM_UP, &none);
	if (up == NULL)
		return SIZE_MAX;
	conn_ref(c); /* until the loop has seen DOWN */
	list_push(batch, &up->node);
	c->ready = true;
	return HELLO_SIZE;
}

/* Whole frames from *at on. *ret_size: of the frame that is not whole yet, 0 = not known. */
static bool take_frames(struct conn *c, size_t *at, struct list *batch, size_t *ret_size)
{
	const struct wire wire = {c->role.ours, c->role.ipc};

	for (;;) {
		struct frame f = {.id = 0};
		struct span rest = {c->in + *at, c->in_n - *at};
		enum frame_state s = frame_read(rest, wire, c->bus->max_frame, &f, ret_size);

		if (s == FRAME_PART)
			return true;
		if (s == FRAME_REFUSED || !take_frame(c, &f, batch)) {
			refuse(c);
			return false;
		}
		*at += *ret_size;
	}
}

/* Room for a frame larger than the buffer: it grows with what really came, not with what the peer
 * promised. */
static bool make_room(struct conn *c, size_t size)
{
	size_t cap = c->in_cap;

	if (c->in_n == cap)
		cap = size_max(RX_BUFFER, size_min(size, cap * 2));
	else if (c->in_n == 0 && cap > RX_BUFFER)
		cap = RX_BUFFER;
	if (cap == c->in_cap)
		return true;
	uint8_t *p = realloc(c->in, cap);
	if (p == NULL)
		return false;
	c->in = p;
	c->in_cap = cap;
	return true;
}

static bool take(struct conn *c, struct list *batch)
{
	size_t at = 0, size = 0;

	if (!c->ready) {
		at = take_hello(c, batch);
		if (at == 0 || at == SIZE_MAX)
			return at == 0;
	}
	if (!take_frames(c, &at, batch, &size))
		return false;
	c->in_n -= at;
	if (at > 0 && c->in_n > 0)
		memmove(c->in, c->in + at, c->in_n);
	return make_room(c, size);
}

static void received_locked(struct conn *c)
{
	size_t n = nng_aio_count(c->rx);
	struct list batch;

	if (nng_aio_result(c->rx) != 0 || n == 0) {
		conn_close_locked(c);
		return;
	}
	c->last_rx = bus_now(c->bus);
	c->in_n += n;
	list_init(&batch);
	bool fine = take(c, &batch);
	/* before close: what came is delivered ahead of DOWN */
	if (!list_empty(&batch))
		bus_enqueue(c->bus, &batch);
	if (fine)
		conn_arm_locked(c);
	else
		conn_close_locked(c);
}

void conn_rx_done(void *arg)
{
	struct conn *c = arg;

	pthread_mutex_lock(&c->lock);
	c->rx_busy = false;
	if (!c->closed)
		received_locked(c);
	pthread_mutex_unlock(&c->lock);
}
