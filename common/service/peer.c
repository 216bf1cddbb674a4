// SPDX-License-Identifier: Apache-2.0
/* Calling others: header, deadline, and bus results turned into faults. */
#include <stdlib.h>
#include <string.h>

#include "common/clock/clock.h"
#include "common/service/internal.h"

struct peer {
	struct service *service;
	struct bus_client *client;
};

/* One call of ours under way. */
struct asked {
	const struct msg_desc *desc;
	peer_fn fn;
	void *arg;
	struct fault early; /* why it was not even sent */
};

struct peer *peer_new(struct service *s, const char *urls, struct fault *reterr)
{
	struct bus_client *client = bus_connect(s->bus, urls, reterr);

	if (client == NULL)
		return NULL;
	struct peer *p = mem_alloc(sizeof(*p));
	p->service = s;
	p->client = client;
	return p;
}

bool peer_up(const struct peer *p)
{
	return bus_live(p->client) > 0;
}

static void count(enum bus_result result)
{
	static const char *const labels[] = {"outcome=\"ok\"", "outcome=\"lost\"",
		"outcome=\"deadline\"", "outcome=\"unavailable\""};

	metric_add(
		metric_counter("carnet_calls_total", labels[result], "Calls to other services"), 1);
}

static int bus_fault(const struct asked *a, enum bus_result result, struct fault *f)
{
	switch (result) {
	case BUS_LOST:
		return fault_why(f, CN_INTERNAL_ERROR, "unknown",
			"connection lost while %s was under way", a->desc->name);
	case BUS_DEADLINE:
		return fault_why(
			f, CN_INTERNAL_ERROR, "unknown", "no answer to %s in time", a->desc->name);
	case BUS_UNAVAILABLE:
	case BUS_OK:
		break;
	}
	return fault_why(f, CN_INTERNAL_ERROR, "unavailable", "nobody there for %s", a->desc->name);
}

/* The body of the wanted answer, or NULL and the fault. */
static const void *read_answer(
	const struct asked *a, struct span frame, struct arena *arena, struct fault *f)
{
	const struct msg_desc *desc = NULL;
	struct msg_header header;
	void *body = NULL;

	if (msg_decode(frame, arena, &desc, &header, &body, f) != 0)
		return NULL;
	if (desc == a->desc->reply)
		return body;
	if (desc == &m_fault_desc) {
		const struct m_fault *m = body;
		(void)fault_why(f, m->code != 0 ? (int)m->code : CN_INTERNAL_ERROR,
			m->reason != NULL ? m->reason : "", "%s",
			m->detail != NULL ? m->detail : "");
		f->needs = (unsigned)m->needs;
		f->has = (unsigned)m->there;
		f->retry_s = (unsigned)m->retry;
	} else {
		(void)fault_why(f, CN_PROTOCOL_ERROR, "wrong_answer", "%s as an answer to %s",
			desc->name, a->desc->name);
	}
	return NULL;
}

static void on_done(void *arg, enum bus_result result, struct span frame, uint64_t instance)
{
	struct asked *a = arg;
	struct fault f = FAULT_INIT;
	struct arena arena;
	const void *body = NULL;

	count(result);
	arena_init(&arena, CALL_ARENA_MAX);
	if (result == BUS_OK)
		body = read_answer(a, frame, &arena, &f);
	else
		(void)bus_fault(a, result, &f);
	a->fn(a->arg, body, body != NULL ? NULL : &f, instance);
	arena_fini(&arena);
	free(a);
}

static void on_early(void *arg)
{
	struct asked *a = arg;

	count(BUS_UNAVAILABLE);
	a->fn(a->arg, NULL, &a->early, 0);
	free(a);
}

/* Who asks, for whom, and how long it may take. */
static struct msg_header make_header(const struct peer *p, const struct peer_opts *o)
{
	const struct call *for_call = o->for_call;
	struct msg_header h = {.sender = p->service->sender,
		.trace = o->trace,
		.request = o->request,
		.deadline_ms = o->deadline_ms != 0 ? o->deadline_ms : PEER_DEADLINE_MS,
		.protocol = MSG_PROTOCOL,
		.min_protocol = MSG_PROTOCOL_MIN,
		.actor = o->actor != NULL ? o->actor : "",
		.role = o->role,
		.scope = o->scope};

	if (for_call != NULL) {
		uint32_t left = call_left_ms(for_call);
		h.deadline_ms = left < h.deadline_ms ? left : h.deadline_ms;
		h.trace = for_call->header.trace;
		h.actor = for_call->header.actor;
		h.role = for_call->header.role;
		h.scope = for_call->header.scope;
	}
	if (uuid_is_nil(&h.trace))
		h.trace = uuid_v7(clock_wall_ms());
	if (uuid_is_nil(&h.request))
		h.request = uuid_v7(clock_wall_ms());
	return h;
}

void peer_call(struct peer *p, const struct msg_desc *desc, const void *body,
	const struct peer_opts *opts, peer_fn fn, void *arg)
{
	static const struct peer_opts none = {.deadline_ms = 0};
	const struct msg_header h = make_header(p, opts != NULL ? opts : &none);
	struct asked *a = mem_alloc(sizeof(*a));
	struct buf frame = {.max = MSG_MAX};

	bug_if(desc->reply == NULL);
	a->desc = desc;
	a->fn = fn;
	a->arg = arg;
	msg_encode(&frame, desc, &h, body);
	if (frame.err)
		(void)fault_why(
			&a->early, CN_INTERNAL_ERROR, "encode", "%s breaks its limits", desc->name);
	else if (h.deadline_ms == 0)
		(void)fault_why(&a->early, CN_INTERNAL_ERROR, "unavailable", "no time left for %s",
			desc->name);
	if (a->early.code != 0)
		loop_post(p->service->loop, on_early, a);
	else
		bus_send(p->client, opts != NULL ? opts->instance : 0, buf_span(&frame),
			h.deadline_ms, on_done, a);
	buf_fini(&frame);
}
