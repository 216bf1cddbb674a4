// SPDX-License-Identifier: Apache-2.0
/* The bus of a process: its life, and the inbox through which everything reaches the loop. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/bus/bus_priv.h"
#include "common/clock/clock.h"
#include "gen/errors.h"

uint64_t bus_now(const struct bus *b)
{
	return atomic_load_explicit(&b->now, memory_order_relaxed);
}

void bus_wake(struct bus *b)
{
	const uint64_t one = 1;

	(void)!write(b->wake_fd, &one, sizeof(one));
}

/* ---- the inbox ---- */

static void item_deliver(struct bus *b, struct bus_call *item)
{
	struct conn *c = item->conn;

	switch (item->kind) {
	case ITEM_REQUEST:
		serve_deliver(item);
		return; /* it is the service's now */
	case ITEM_REPLY:
		client_reply(item);
		break;
	case ITEM_EVENT:
		event_deliver(item);
		break;
	case ITEM_UP:
		if (c->role.ours == SP_REQ)
			client_up(c);
		else if (c->role.ours == SP_PUB)
			list_push(&b->subscribers, &c->live);
		break;
	case ITEM_DOWN:
		if (c->role.ours == SP_REQ)
			client_down(c);
		list_remove(&c->live);
		conn_unref(c);
		break;
	}
	free(item);
}

/* Returns whether a post was under way. */
static bool take_inbox(struct bus *b, struct list *ret_items)
{
	struct list *node;

	list_init(ret_items);
	pthread_mutex_lock(&b->lock);
	bool posted = b->posted;
	b->posted = false;
	while ((node = list_pop(&b->inbox)) != NULL)
		list_push(ret_items, node);
	pthread_mutex_unlock(&b->lock);
	return posted;
}

/* Answers and calls made meanwhile leave in one write per connection. */
static void flush_dirty(struct bus *b)
{
	struct list *node;

	while ((node = list_pop(&b->dirty)) != NULL) {
		struct conn *c = container_of(node, struct conn, dirty);
		conn_flush(c);
		conn_unref(c);
	}
}

static void drain(void *arg)
{
	struct gate *gate = arg;
	struct bus *b = gate->bus;
	struct list items;
	struct list *node;

	if (b == NULL) { /* the bus ended meanwhile */
		free(gate);
		return;
	}
	(void)take_inbox(b, &items);
	b->corked = true;
	while ((node = list_pop(&items)) != NULL)
		item_deliver(b, container_of(node, struct bus_call, node));
	if (atomic_exchange(&b->expire, false))
		client_expire(b);
	client_run_ended(b);
	client_pump(b);
	b->corked = false;
	flush_dirty(b);
}

static void post_locked(struct bus *b)
{
	if (b->posted || atomic_load(&b->ending))
		return;
	b->posted = true;
	loop_post(b->loop, drain, b->gate);
}

void bus_enqueue(struct bus *b, struct list *items)
{
	pthread_mutex_lock(&b->lock);
	items->prev->next = &b->inbox;
	items->next->prev = b->inbox.prev;
	b->inbox.prev->next = items->next;
	b->inbox.prev = items->prev;
	list_init(items);
	post_locked(b);
	pthread_mutex_unlock(&b->lock);
}

void bus_kick(struct bus *b)
{
	pthread_mutex_lock(&b->lock);
	post_locked(b);
	pthread_mutex_unlock(&b->lock);
}

/* ---- life ---- */

static int read_tls(struct bus *b, const struct bus_opts *opts, struct fault *reterr)
{
	if (opts->ca_file == NULL || opts->cert_file == NULL || opts->key_file == NULL)
		return 0;
	if ((b->ca = net_read_pem(opts->ca_file, reterr)) == NULL ||
		(b->cert = net_read_pem(opts->cert_file, reterr)) == NULL ||
		(b->key = net_read_pem(opts->key_file, reterr)) == NULL)
		return -1;
	return 0;
}

static void bus_release(struct bus *b)
{
	struct list *node;

	while ((node = list_pop(&b->clients)) != NULL)
		free(container_of(node, struct bus_client, node));
	while ((node = list_pop(&b->subscriptions)) != NULL) {
		struct subscription *s = container_of(node, struct subscription, node);
		buf_fini(&s->prefix);
		free(s);
	}
	if (b->wake_fd >= 0)
		(void)close(b->wake_fd);
	if (b->key != NULL)
		explicit_bzero(b->key, strlen(b->key));
	free(b->ca);
	free(b->cert);
	free(b->key);
	free(b->buckets);
	(void)pthread_mutex_destroy(&b->lock);
	free(b);
}

static void init_lists(struct bus *b)
{
	struct list *lists[] = {&b->inbox, &b->newborn, &b->new_endpoints, &b->new_listeners,
		&b->conns, &b->endpoints, &b->listeners, &b->clients, &b->subscriptions,
		&b->subscribers, &b->dirty, &b->ended};

	for (size_t i = 0; i < array_len(lists); i++)
		list_init(lists[i]);
}

/* Signals belong to the loop's thread. */
static int start_house(struct bus *b)
{
	sigset_t all, before;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	int r = pthread_create(&b->house, NULL, house_main, b);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

struct bus *bus_new(struct loop *loop, const struct bus_opts *opts, struct fault *reterr)
{
	static const struct bus_opts none = {.max_frame = 0};
	struct bus *b = mem_alloc(sizeof(*b));

	if (opts == NULL)
		opts = &none;
	b->loop = loop;
	b->max_frame = opts->max_frame != 0 ? opts->max_frame : (size_t)1024 * 1024;
	bug_if(b->max_frame > BACKLOG_MAX / 2);
	init_lists(b);
	bug_if(pthread_mutex_init(&b->lock, NULL) != 0);
	atomic_store(&b->now, clock_mono_ms());
	atomic_store(&b->next_deadline, UINT64_MAX);
	b->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (read_tls(b, opts, reterr) < 0) {
		bus_release(b);
		return NULL;
	}
	b->gate = mem_alloc(sizeof(*b->gate));
	b->gate->bus = b;
	if (b->wake_fd < 0 || start_house(b) != 0) {
		(void)fault_set(reterr, CN_INTERNAL_ERROR, "bus: no thread or descriptor left");
		free(b->gate);
		bus_release(b);
		return NULL;
	}
	return b;
}

/* Nothing is delivered any more; what nobody has taken is dropped. */
static void drop_item(struct bus *b, struct bus_call *item)
{
	switch (item->kind) {
	case ITEM_REQUEST:
		bus_drop(item);
		return;
	case ITEM_REPLY:
	case ITEM_EVENT:
		break;
	case ITEM_UP:
	case ITEM_DOWN:
		item_deliver(b, item);
		return;
	}
	free(item);
}

void bus_free(struct bus *b)
{
	struct list items;
	struct list *node;

	if (b == NULL)
		return;
	flush_dirty(b);
	atomic_store(&b->ending, true);
	bus_wake(b);
	(void)pthread_join(b->house, NULL);
	bool posted = take_inbox(b, &items);
	while ((node = list_pop(&items)) != NULL)
		drop_item(b, container_of(node, struct bus_call, node));
	client_end_all(b);
	b->gate->bus = NULL;
	if (!posted)
		free(b->gate);
	if (b->whole) /* else the library still holds a connection: what it points to stays */
		bus_release(b);
}

/* ---- figures ---- */

struct bus_stats bus_stats(const struct bus *b)
{
	uint64_t now = bus_now(b), last = atomic_load(&b->count.last_reply);
	struct bus_stats s = {
		.conns = atomic_load(&b->count.conns),
		.zombies = atomic_load(&b->count.zombies),
		.dials = atomic_load(&b->count.dials),
		.closes = atomic_load(&b->count.closes),
		.calls = atomic_load(&b->count.calls),
		.replies = atomic_load(&b->count.replies),
		.dropped_events = atomic_load(&b->count.dropped_events),
		.refused_frames = atomic_load(&b->count.refused_frames),
		.last_reply_age_ms = last != 0 && now > last ? now - last : 0,
	};
	return s;
}
