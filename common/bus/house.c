// SPDX-License-Identifier: Apache-2.0
/* The house thread: the only one that dials, times out and frees. */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "common/bus/bus_priv.h"
#include "common/clock/clock.h"

no_return void bus_last_resort(const char *why)
{
	(void)dprintf(STDERR_FILENO, "bus: %s, exit %d for a fresh start\n", why, EXIT_LAST_RESORT);
	_exit(EXIT_LAST_RESORT);
}

static void move_all(struct list *from, struct list *to)
{
	struct list *node;

	while ((node = list_pop(from)) != NULL)
		list_push(to, node);
}

static void take_new(struct bus *b)
{
	pthread_mutex_lock(&b->lock);
	move_all(&b->newborn, &b->conns);
	move_all(&b->new_endpoints, &b->endpoints);
	move_all(&b->new_listeners, &b->listeners);
	pthread_mutex_unlock(&b->lock);
}

static bool is_zombie(struct conn *c, uint64_t now)
{
	pthread_mutex_lock(&c->lock);
	bool zombie = c->closed && now - c->closed_at > ZOMBIE_MS;
	pthread_mutex_unlock(&c->lock);
	return zombie;
}

static void conn_step(struct bus *b, struct conn *c, uint64_t now)
{
	if (conn_reap(c)) {
		b->zombies -= c->zombie;
		list_remove(&c->node);
		conn_unref(c);
	} else if (!c->zombie && is_zombie(c, now)) {
		c->zombie = true;
		b->zombies++;
		count_add(b, zombies);
	}
}

static void watch(struct bus *b, uint64_t now)
{
	bool leave = atomic_load(&b->serve_stopped);

	list_each_safe (it, &b->conns) {
		struct conn *c = container_of(it, struct conn, node);
		conn_watch(c, now < b->calm_until);
		if (leave && c->role.ours == SP_REP)
			conn_leave(c);
	}
	list_each (it, &b->listeners) {
		struct listener *l = container_of(it, struct listener, node);
		if (leave && l->role.ours == SP_REP)
			listener_close(l);
	}
	if (b->zombies > ZOMBIES_MAX)
		bus_last_resort("too many dead connections");
}

static void check_deadlines(struct bus *b, uint64_t now)
{
	if (now < atomic_load(&b->next_deadline) || atomic_exchange(&b->expire, true))
		return;
	bus_kick(b);
}

/* After a stop of this process all peers look silent although their bytes wait in the kernel. */
static void note_time(struct bus *b, uint64_t now)
{
	uint64_t last = bus_now(b);

	if (now - last > PING_MS)
		b->calm_until = now + PING_MS;
	atomic_store_explicit(&b->now, now, memory_order_relaxed);
}

static void house_step(struct bus *b)
{
	uint64_t now = clock_mono_ms();

	note_time(b, now);
	take_new(b);
	list_each_safe (it, &b->listeners)
		listener_step(container_of(it, struct listener, node), now);
	list_each_safe (it, &b->endpoints)
		endpoint_step(container_of(it, struct endpoint, node), now);
	list_each_safe (it, &b->conns)
		conn_step(b, container_of(it, struct conn, node), now);
	if (now - b->watched_at >= WATCH_MS) {
		b->watched_at = now;
		watch(b, now);
	}
	check_deadlines(b, now);
}

/* Answers under way get a moment, then everything is closed. true when all is freed. */
static bool house_end_step(struct bus *b)
{
	uint64_t now = clock_mono_ms();

	note_time(b, now);
	take_new(b);
	list_each_safe (it, &b->listeners)
		(void)listener_end(container_of(it, struct listener, node));
	list_each_safe (it, &b->endpoints)
		(void)endpoint_end(container_of(it, struct endpoint, node));
	list_each_safe (it, &b->conns) {
		struct conn *c = container_of(it, struct conn, node);
		if (conn_backlog(c) == 0 || now - b->ended_at > END_MS / 4)
			conn_close(c);
		conn_step(b, c, now);
	}
	return list_empty(&b->listeners) && list_empty(&b->endpoints) && list_empty(&b->conns);
}

static void house_wait(struct bus *b, int ms)
{
	struct pollfd p = {.fd = b->wake_fd, .events = POLLIN};
	uint64_t n;

	if (poll(&p, 1, ms) > 0)
		(void)!read(b->wake_fd, &n, sizeof(n));
}

void *house_main(void *arg)
{
	struct bus *b = arg;

	while (!atomic_load(&b->ending)) {
		house_step(b);
		house_wait(b, TICK_MS);
	}
	b->ended_at = clock_mono_ms();
	while (!(b->whole = house_end_step(b)) && clock_mono_ms() - b->ended_at < END_MS)
		house_wait(b, 2);
	return NULL;
}
