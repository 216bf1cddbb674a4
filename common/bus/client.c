// SPDX-License-Identifier: Apache-2.0
/* Calls: which connection takes one, who answered, what happens when nobody does. Loop only, so the
 * table needs no lock. */
#include <stdlib.h>
#include <string.h>

#include "common/bus/bus_priv.h"
#include "common/clock/clock.h"

#define BUCKETS_MIN 256u
#define DEADLINE_DEFAULT_MS 10000u
#define END_ROUNDS 16

/* ---- the table of calls on a wire ---- */

static void table_grow(struct bus *b)
{
	size_t n = b->n_buckets == 0 ? BUCKETS_MIN : b->n_buckets * 2;
	struct list *buckets = mem_alloc(n * sizeof(*buckets));

	for (size_t i = 0; i < n; i++)
		list_init(&buckets[i]);
	for (size_t i = 0; i < b->n_buckets; i++) {
		struct list *node;
		while ((node = list_pop(&b->buckets[i])) != NULL) {
			struct out_call *call = container_of(node, struct out_call, bucket);
			list_push(&buckets[call->id & (n - 1)], node);
		}
	}
	free(b->buckets);
	b->buckets = buckets;
	b->n_buckets = n;
}

static void table_put(struct bus *b, struct out_call *call)
{
	if (b->n_calls >= b->n_buckets)
		table_grow(b);
	b->n_calls++;
	list_push(&b->buckets[call->id & (b->n_buckets - 1)], &call->bucket);
}

static struct out_call *table_find(struct bus *b, uint32_t id)
{
	if (b->n_buckets == 0)
		return NULL;
	list_each (it, &b->buckets[id & (b->n_buckets - 1)]) {
		struct out_call *call = container_of(it, struct out_call, bucket);
		if (call->id == id)
			return call;
	}
	return NULL;
}

static void table_remove(struct bus *b, struct out_call *call)
{
	if (list_empty(&call->bucket))
		return;
	list_remove(&call->bucket);
	b->n_calls--;
}

/* Ids of calls run through 30 bits; the ping bit stays clear. */
static uint32_t next_id(struct bus *b)
{
	do {
		b->call_id = (b->call_id + 1) & (FRAME_PING_BIT - 1);
	} while (table_find(b, FRAME_ID_BIT | b->call_id) != NULL);
	return FRAME_ID_BIT | b->call_id;
}

/* ---- ends ---- */

/* The one way out of a call. */
static void call_done(struct out_call *call, enum bus_result result, struct span body)
{
	bus_done_fn done = call->done;
	void *arg = call->arg;
	uint64_t peer = call->peer;

	table_remove(call->client->bus, call);
	list_remove(&call->node);
	free(call);
	done(arg, result, body, peer);
}

/* done is never called from inside bus_send: the drain does it. */
static void call_end_later(struct out_call *call, enum bus_result result)
{
	struct bus *b = call->client->bus;

	table_remove(b, call);
	list_remove(&call->node);
	call->result = result;
	list_push(&b->ended, &call->node);
	bus_kick(b);
}

void client_run_ended(struct bus *b)
{
	struct list now;
	struct list *node;

	list_init(&now);
	while ((node = list_pop(&b->ended)) != NULL)
		list_push(&now, node);
	while ((node = list_pop(&now)) != NULL) {
		struct out_call *call = container_of(node, struct out_call, node);
		call_done(call, call->result, (struct span){NULL, 0});
	}
}

/* ---- sending ---- */

static bool call_send_on(struct out_call *call, struct conn *c)
{
	struct bus *b = call->client->bus;
	struct span body = {call->body, call->n};

	call->id = next_id(b);
	if (!conn_queue(c, call->id, body, &call->start))
		return false;
	call->conn = c;
	call->peer = c->id;
	table_put(b, call);
	list_remove(&call->node);
	list_push(&c->calls, &call->node);
	conn_flush_soon(c);
	return true;
}

/* Goes round the live connections; one whose peer does not read takes no more. */
static bool call_send_any(struct out_call *call)
{
	struct bus_client *cl = call->client;

	for (size_t i = 0; i < cl->n_live; i++) {
		struct list *node = list_pop(&cl->live);
		struct conn *c = container_of(node, struct conn, live);

		list_push(&cl->live, node);
		if (conn_backlog(c) < BACKLOG_CALM && call_send_on(call, c))
			return true;
	}
	return false;
}

static struct conn *live_peer(struct bus_client *cl, uint64_t peer)
{
	list_each (it, &cl->live) {
		struct conn *c = container_of(it, struct conn, live);
		if (c->id == peer)
			return c;
	}
	return NULL;
}

/* false: it has to wait. */
static bool call_send_pinned(struct out_call *call)
{
	struct conn *c = live_peer(call->client, call->peer);

	if (c != NULL && conn_backlog(c) >= BACKLOG_CALM)
		return false;
	if (c == NULL || !call_send_on(call, c))
		call_end_later(call, BUS_LOST);
	return true;
}

static void send_or_wait(struct out_call *call)
{
	struct bus_client *cl = call->client;

	if (call->pinned) {
		if (!call_send_pinned(call))
			list_push(&cl->waiting_pinned, &call->node);
	} else if (!list_empty(&cl->waiting) || !call_send_any(call)) {
		list_push(&cl->waiting, &call->node); /* in order */
	}
}

static void note_deadline(struct bus *b, uint64_t deadline)
{
	if (deadline < atomic_load_explicit(&b->next_deadline, memory_order_relaxed))
		atomic_store_explicit(&b->next_deadline, deadline, memory_order_relaxed);
}

void bus_send(struct bus_client *cl, uint64_t peer, struct span body, uint32_t deadline_ms,
	bus_done_fn done, void *arg)
{
	struct bus *b = cl->bus;
	struct out_call *call = mem_alloc(sizeof(*call) + body.n);

	list_init(&call->node);
	list_init(&call->bucket);
	call->client = cl;
	call->peer = peer;
	call->pinned = peer != 0;
	call->done = done;
	call->arg = arg;
	call->deadline = clock_mono_ms() + (deadline_ms != 0 ? deadline_ms : DEADLINE_DEFAULT_MS);
	call->n = body.n;
	if (body.n > 0)
		memcpy(call->body, body.p, body.n);
	count_add(b, calls);
	note_deadline(b, call->deadline);
	if (atomic_load(&b->ending) || body.n > b->max_frame)
		call_end_later(call, BUS_UNAVAILABLE);
	else
		send_or_wait(call);
}

/* Calls that waited for a connection, or for one with less backlog. */
void client_pump(struct bus *b)
{
	list_each (it, &b->clients) {
		struct bus_client *cl = container_of(it, struct bus_client, node);

		list_each_safe (w, &cl->waiting_pinned)
			(void)call_send_pinned(container_of(w, struct out_call, node));
		while (!list_empty(&cl->waiting) &&
			call_send_any(container_of(cl->waiting.next, struct out_call, node)))
			;
	}
}

/* ---- what the wire said ---- */

void client_up(struct conn *c)
{
	struct bus_client *cl = c->role.client;

	c->up = true;
	cl->n_live++;
	list_push(&cl->live, &c->live);
}

/* Frames that the stream was never given did not happen: they go to another connection. */
static void call_lost(struct out_call *call, uint64_t submitted)
{
	struct bus_client *cl = call->client;

	if (call->pinned || call->start < submitted) {
		call_done(call, BUS_LOST, (struct span){NULL, 0});
		return;
	}
	table_remove(cl->bus, call);
	list_remove(&call->node);
	call->conn = NULL;
	call->peer = 0;
	list_push(&cl->waiting, &call->node);
}

void client_down(struct conn *c)
{
	uint64_t submitted = conn_submitted(c);
	struct list lost;
	struct list *node;

	c->role.client->n_live--;
	list_remove(&c->live);
	list_init(&lost);
	while ((node = list_pop(&c->calls)) != NULL)
		list_push(&lost, node);
	while ((node = list_pop(&lost)) != NULL)
		call_lost(container_of(node, struct out_call, node), submitted);
}

void client_reply(struct bus_call *item)
{
	struct conn *c = item->conn;
	struct out_call *call = table_find(c->bus, item->id);

	conn_drained(c, sizeof(*item) + item->n);
	if (call == NULL || call->conn != c)
		return; /* past its deadline, or nonsense */
	count_add(c->bus, replies);
	atomic_store(&c->bus->count.last_reply, bus_now(c->bus));
	call_done(call, BUS_OK, (struct span){item->body, item->n});
}

/* ---- deadlines ---- */

struct scan {
	uint64_t now, next;
};

static void scan_list(struct list *calls, struct scan *s, struct list *expired)
{
	list_each_safe (it, calls) {
		struct out_call *call = container_of(it, struct out_call, node);
		if (call->deadline > s->now) {
			s->next = call->deadline < s->next ? call->deadline : s->next;
			continue;
		}
		call->result = call->conn != NULL ? BUS_DEADLINE : BUS_UNAVAILABLE;
		list_remove(it);
		list_push(expired, it);
	}
}

/* The earliest deadline is only a lower bound, so this rarely finds anything to look through:
 * answered calls do not move it. */
void client_expire(struct bus *b)
{
	struct scan s = {clock_mono_ms(), UINT64_MAX};
	struct list expired;
	struct list *node;

	list_init(&expired);
	atomic_store(&b->next_deadline, UINT64_MAX);
	list_each (it, &b->clients) {
		struct bus_client *cl = container_of(it, struct bus_client, node);
		scan_list(&cl->waiting, &s, &expired);
		scan_list(&cl->waiting_pinned, &s, &expired);
		list_each (live, &cl->live)
			scan_list(&container_of(live, struct conn, live)->calls, &s, &expired);
	}
	note_deadline(b, s.next);
	while ((node = list_pop(&expired)) != NULL) {
		struct out_call *call = container_of(node, struct out_call, node);
		call_done(call, call->result, (struct span){NULL, 0});
	}
}

/* ---- life ---- */

struct bus_client *bus_connect(struct bus *b, const char *urls, struct fault *reterr)
{
	struct bus_client *cl = mem_alloc(sizeof(*cl));

	cl->bus = b;
	list_init(&cl->live);
	list_init(&cl->waiting);
	list_init(&cl->waiting_pinned);
	if (bus_dial(b, urls, (struct role){.ours = SP_REQ, .client = cl}, reterr) < 0) {
		free(cl);
		return NULL;
	}
	list_push(&b->clients, &cl->node);
	return cl;
}

size_t bus_live(const struct bus_client *cl)
{
	return cl->n_live;
}

/* Every call ends; what its callback sends ends too, but nobody may go on for ever. */
void client_end_all(struct bus *b)
{
	list_each (it, &b->clients) {
		struct bus_client *cl = container_of(it, struct bus_client, node);
		list_each_safe (w, &cl->waiting)
			call_end_later(container_of(w, struct out_call, node), BUS_UNAVAILABLE);
		list_each_safe (w, &cl->waiting_pinned)
			call_end_later(container_of(w, struct out_call, node), BUS_UNAVAILABLE);
		list_each (live, &cl->live) {
			struct conn *c = container_of(live, struct conn, live);
			list_each_safe (w, &c->calls)
				call_end_later(container_of(w, struct out_call, node), BUS_LOST);
		}
	}
	for (int i = 0; i < END_ROUNDS && !list_empty(&b->ended); i++)
		client_run_ended(b);
}
