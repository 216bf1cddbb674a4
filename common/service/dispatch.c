// SPDX-License-Identifier: Apache-2.0
/* From a frame to its handler: decode, version, deadline, rights; and the answer back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock/clock.h"
#include "common/msg/scope.h"
#include "common/service/internal.h"

/* A call with what the handler need not see. */
struct request {
	struct call call;
	uint64_t start_ns;
	const struct handler_stats *stats; /* NULL before the handler is known */
};

static struct request *request_of(struct call *call)
{
	return container_of(call, struct request, call);
}

static const struct request *request_of_const(const struct call *call)
{
	return (const struct request *)(const void *)call;
}

/* ---- answering ---- */

static void count(struct request *r, bool ok)
{
	if (r->stats == NULL)
		return;
	metric_add(ok ? r->stats->ok : r->stats->fault, 1);
	metric_observe(r->stats->seconds, (double)(clock_mono_ns() - r->start_ns) / 1e9);
}

static void end(struct request *r, bool ok)
{
	struct runtime *rt = runtime_of(r->call.service);

	count(r, ok);
	arena_fini(&r->call.arena);
	free(r);
	rt->n_calls--;
	if (rt->s.stopping)
		service_drained(rt);
}

/* Whether the body obeyed its limits and went out. */
static bool send_answer(struct call *call, const struct msg_desc *desc, const void *body)
{
	const struct msg_header header = {.sender = call->service->sender,
		.trace = call->header.trace,
		.request = call->header.request,
		.protocol = MSG_PROTOCOL,
		.min_protocol = MSG_PROTOCOL_MIN,
		.actor = ""};
	struct buf frame = {.max = MSG_MAX};

	msg_encode(&frame, desc, &header, body);
	bool good = !frame.err;
	if (good)
		bus_reply(call->bus, buf_span(&frame));
	buf_fini(&frame);
	return good;
}

static void count_fault(int code)
{
	char labels[32];

	(void)snprintf(labels, sizeof(labels), "code=\"CN-%04d\"", code);
	metric_add(metric_counter("carnet_faults_total", labels, "Requests refused, by cause"), 1);
}

void call_fault(struct call *call, const struct fault *f)
{
	const struct m_fault body = {.code = (uint64_t)f->code,
		.detail = f->detail,
		.reason = f->reason,
		.needs = f->needs,
		.there = f->has,
		.retry = f->retry_s};

	count_fault(f->code);
	if (f->code == CN_INTERNAL_ERROR)
		log_warn(L("request failed"),
			L_STR("message", call->desc != NULL ? call->desc->name : ""),
			L_UUID("trace", &call->header.trace), L_FAULT(f));
	if (!send_answer(call, &m_fault_desc, &body)) /* the detail is not what a text may be */
		bug_if(!send_answer(call, &m_fault_desc, &(struct m_fault){.code = body.code}));
	end(request_of(call), false);
}

void call_refuse(struct call *call, int code, const char *reason, const char *fmt, ...)
{
	struct fault f = FAULT_INIT;
	char detail[sizeof(f.detail)];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	(void)fault_why(&f, code, reason, "%s", detail);
	call_fault(call, &f);
}

void call_reply(struct call *call, const void *body)
{
	if (send_answer(call, call->desc->reply, body))
		end(request_of(call), true);
	else
		call_refuse(call, CN_INTERNAL_ERROR, "encode", "the answer to %s breaks its limits",
			call->desc->name);
}

uint32_t call_left_ms(const struct call *call)
{
	uint64_t used = (clock_mono_ns() - request_of_const(call)->start_ns) / 1000000u;

	return used < call->header.deadline_ms ? call->header.deadline_ms - (uint32_t)used : 0;
}

/* ---- checking ---- */

static bool may(const struct msg_header *h, const struct msg_desc *desc)
{
	if (h->scope[0] != '\0')
		return scope_role(h->scope, desc->right) != MSG_INTERNAL;
	if (h->role == MSG_INTERNAL) /* a service on its own behalf */
		return h->actor == NULL || h->actor[0] == '\0';
	return msg_may(h->role, desc->right);
}

/* How far the person reaches. A request that does not know scopes is only for those who reach
 * everything: what nobody thought of is refused. */
static int take_scope(struct call *call, struct fault *f)
{
	const char *lines = call->header.scope;

	if (lines[0] == '\0' ||
		scope_reach(lines, call->desc->right, &call->arena, &call->scope) == SCOPE_ALL)
		return 0;
	if (scope_reach(lines, MSG_VIEWER, &call->arena, &call->sees) == SCOPE_NOTHING ||
		!call->desc->scoped)
		return fault_why(f, CN_OUT_OF_SCOPE, "scope",
			"%s is only for those who may see everything", call->desc->name);
	return 0;
}

/* 0 or -1 with the fault that the caller gets. */
static int check(const struct call *call, struct fault *f)
{
	const struct msg_header *h = &call->header;

	if (call->desc->reply == NULL)
		return fault_why(f, CN_PROTOCOL_ERROR, "not_a_request", "%s is not a request",
			call->desc->name);
	if (msg_gate(call->desc->name, "this service", h->sender, h, f) < 0)
		return -1;
	if (h->deadline_ms == 0)
		return fault_why(
			f, CN_TIMEOUT, "deadline", "no time left for %s", call->desc->name);
	if (!may(h, call->desc))
		return fault_why(f, CN_PERMISSION_DENIED, "right", "%s is not allowed to the role",
			call->desc->name);
	if (call->service->stopping)
		return fault_why(f, CN_INTERNAL_ERROR, "unavailable", "shutting down");
	if (runtime_of(call->service)->n_calls > CALLS_MAX)
		return fault_why(f, CN_INTERNAL_ERROR, "unavailable", "too many requests at once");
	return 0;
}

static void on_ping(struct call *call)
{
	call_reply(call, &(struct m_ok){.has = 0});
}

static const struct handler *find(const struct service_def *def, uint16_t id)
{
	for (const struct handler *h = def->handlers; h != NULL && h->id != 0; h++)
		if (h->id == id)
			return h;
	return NULL;
}

static void serve(struct runtime *rt, struct request *r)
{
	struct call *call = &r->call;
	struct fault f = FAULT_INIT;
	const struct handler *h = find(rt->s.def, call->desc->id);

	if (h != NULL)
		r->stats = &rt->stats[h - rt->s.def->handlers];
	if (check(call, &f) != 0 || take_scope(call, &f) != 0)
		call_fault(call, &f);
	else if (h != NULL && call->scope != NULL && rt->s.def->guard != NULL)
		rt->s.def->guard(call, h->fn);
	else if (h != NULL)
		h->fn(call);
	else if (call->desc->id == MSG_PING)
		on_ping(call);
	else
		call_refuse(call, CN_PROTOCOL_ERROR, "unknown_message", "%s does not answer %s",
			rt->s.def->name, call->desc->name);
}

void dispatch_request(void *arg, struct bus_call *bus, struct span body)
{
	struct runtime *rt = arg;
	struct request *r = mem_alloc(sizeof(*r));
	struct call *call = &r->call;
	struct fault f = FAULT_INIT;
	void *decoded = NULL;

	r->start_ns = clock_mono_ns();
	rt->n_calls++;
	call->service = &rt->s;
	call->bus = bus;
	arena_init(&call->arena, CALL_ARENA_MAX);
	if (msg_decode(body, &call->arena, &call->desc, &call->header, &decoded, &f) != 0) {
		call->desc = NULL;
		call_fault(call, &f);
		return;
	}
	call->body = decoded;
	serve(rt, r);
}

/* ---- figures ---- */

void dispatch_setup(struct runtime *rt)
{
	static const double bounds[] = {
		.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};
	const struct handler *h = rt->s.def->handlers;
	size_t n = 0;
	char labels[96];

	while (h != NULL && h[n].id != 0)
		n++;
	rt->stats = mem_alloc((n + 1) * sizeof(*rt->stats));
	for (size_t i = 0; i < n; i++) {
		const struct msg_desc *desc = msg_find(h[i].id);
		bug_if(desc == NULL || desc->reply == NULL);
		(void)snprintf(labels, sizeof(labels), "message=\"%s\",outcome=\"ok\"", desc->name);
		rt->stats[i].ok =
			metric_counter("carnet_requests_total", labels, "Requests answered");
		(void)snprintf(
			labels, sizeof(labels), "message=\"%s\",outcome=\"fault\"", desc->name);
		rt->stats[i].fault = metric_counter("carnet_requests_total", labels, "");
		(void)snprintf(labels, sizeof(labels), "message=\"%s\"", desc->name);
		rt->stats[i].seconds = metric_histogram("carnet_request_seconds", labels,
			"From the frame to its answer", bounds, array_len(bounds));
	}
}
