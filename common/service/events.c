// SPDX-License-Identifier: Apache-2.0
/* Events are hints: numbered per publisher, so that a subscriber knows when to read the state. */
#include <stdlib.h>
#include <string.h>

#include "common/base/map.h"
#include "common/clock/clock.h"
#include "common/service/internal.h"

#define PUBLISHERS_MAX 1024
#define PUBLISHER_GONE_MS 60000

/* A publisher heard by one subscription. */
struct publisher {
	struct map *home;
	uint64_t epoch, seq;
	uint64_t heard_ms;
	size_t n;
	char sender[64];
};

struct subscription {
	struct list node;
	event_fn fn;
	void *arg;
	struct map publishers; /* by sender */
};

/* ---- publishing ---- */

void events_setup(struct runtime *rt)
{
	rt->epoch = clock_wall_ms();
	list_init(&rt->subscriptions);
}

void service_publish(struct service *s, const struct msg_desc *desc, const void *body)
{
	struct runtime *rt = runtime_of(s);
	const struct msg_header header = {.sender = s->sender,
		.protocol = MSG_PROTOCOL,
		.min_protocol = MSG_PROTOCOL_MIN,
		.epoch = rt->epoch,
		.seq = ++rt->seq,
		.actor = ""};
	struct buf frame = {.max = MSG_MAX};

	msg_encode(&frame, desc, &header, body);
	if (!frame.err)
		bus_publish(s->bus, buf_span(&frame));
	else
		log_error(L("event breaks its limits"), L_STR("message", desc->name));
	buf_fini(&frame);
}

/* ---- listening ---- */

static struct publisher *publisher_of(struct subscription *sub, const char *sender, bool *ret_new)
{
	size_t n = strnlen(sender, sizeof(((struct publisher *)NULL)->sender));
	struct publisher *p = map_get(&sub->publishers, sender, n);

	*ret_new = p == NULL;
	if (p != NULL || sub->publishers.n >= PUBLISHERS_MAX)
		return p;
	p = mem_alloc(sizeof(*p));
	p->home = &sub->publishers;
	p->n = n;
	memcpy(p->sender, sender, n);
	(void)map_put(&sub->publishers, p->sender, n, p);
	return p;
}

/* Whether something was missed between the last event of this publisher and this one. */
static bool missed(struct subscription *sub, const struct msg_header *h)
{
	bool fresh = false;
	struct publisher *p = publisher_of(sub, h->sender != NULL ? h->sender : "", &fresh);

	if (p == NULL)
		return true; /* more publishers than we follow: never trust the numbers */
	bool gap = fresh || p->epoch != h->epoch || p->seq + 1 != h->seq;
	p->epoch = h->epoch;
	p->seq = h->seq;
	p->heard_ms = clock_mono_ms();
	return gap;
}

static void on_event(void *arg, struct span frame)
{
	struct subscription *sub = arg;
	const struct msg_desc *desc = NULL;
	struct msg_header header;
	struct arena arena;
	struct fault f = FAULT_INIT;
	void *body = NULL;

	arena_init(&arena, CALL_ARENA_MAX);
	if (msg_decode(frame, &arena, &desc, &header, &body, &f) != 0) {
		/* from a newer publisher perhaps: it is counted as a gap by the next one */
		metric_add(
			metric_counter("carnet_events_refused_total", "", "Unreadable events"), 1);
	} else {
		if (missed(sub, &header))
			sub->fn(sub->arg, NULL, NULL);
		if (desc != &m_heartbeat_desc)
			sub->fn(sub->arg, desc, body);
	}
	arena_fini(&arena);
}

int service_subscribe(
	struct service *s, const char *urls, event_fn fn, void *arg, struct fault *reterr)
{
	struct subscription *sub = mem_alloc(sizeof(*sub));

	sub->fn = fn;
	sub->arg = arg;
	if (bus_subscribe(s->bus, urls, (struct span){.p = NULL}, on_event, sub, reterr) != 0) {
		free(sub);
		return -1;
	}
	list_push(&runtime_of(s)->subscriptions, &sub->node);
	return 0;
}

/* ---- each second ---- */

static void forget_gone(void *value, unused void *arg)
{
	struct publisher *p = value;

	if (clock_mono_ms() - p->heard_ms < PUBLISHER_GONE_MS)
		return;
	(void)map_remove(p->home, p->sender, p->n);
	free(p);
}

void events_second(struct runtime *rt)
{
	if (rt->config->bus_publish[0] != '\0')
		service_publish(&rt->s, &m_heartbeat_desc, &(struct m_heartbeat){.has = 0});
	list_each (it, &rt->subscriptions)
		map_each(&container_of(it, struct subscription, node)->publishers, forget_gone,
			NULL);
}
