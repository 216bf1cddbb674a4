// SPDX-License-Identifier: Apache-2.0
/* Events: to every subscriber, never kept for a slow one. */
#include <stdlib.h>
#include <string.h>

#include "common/bus/bus_priv.h"

int bus_publish_on(struct bus *b, const char *urls, struct fault *reterr)
{
	return bus_listen(b, urls, (struct role){.ours = SP_PUB}, reterr);
}

void bus_publish(struct bus *b, struct span body)
{
	list_each (it, &b->subscribers) {
		struct conn *c = container_of(it, struct conn, live);

		if (conn_backlog(c) + body.n > BACKLOG_EVENTS)
			count_add(b, dropped_events);
		else if (conn_queue(c, 0, body, NULL))
			conn_flush_soon(c);
	}
}

int bus_subscribe(struct bus *b, const char *urls, struct span prefix, bus_event_fn fn, void *arg,
	struct fault *reterr)
{
	struct subscription *s = mem_alloc(sizeof(*s));

	buf_add(&s->prefix, prefix.p, prefix.n);
	s->fn = fn;
	s->arg = arg;
	list_push(&b->subscriptions, &s->node);
	return bus_dial(b, urls, (struct role){.ours = SP_SUB, .subscription = s}, reterr);
}

void event_deliver(struct bus_call *item)
{
	const struct subscription *s = item->conn->role.subscription;

	conn_drained(item->conn, sizeof(*item) + item->n);
	if (item->n >= s->prefix.n && memcmp(item->body, buf_str(&s->prefix), s->prefix.n) == 0)
		s->fn(s->arg, (struct span){item->body, item->n});
}
