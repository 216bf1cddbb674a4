// SPDX-License-Identifier: Apache-2.0
/* The skeleton that every main shares: configuration, log, bus, handlers, health, orderly end.
 *
 *     int main(int argc, char **argv)
 *     {
 *             return service_main(&LOCK, argc, argv);
 *     }
 *
 * Start order: configuration, limits, log, loop, database, bus, start(), listeners. SIGTERM:
 * readiness red, no new requests, stop(), then end within the grace (reliability.md RL-39..43).
 * Exit codes RL-42. Loop thread only. */
#pragma once

#include "common/base/arena.h"
#include "common/base/fault.h"
#include "common/bus/bus.h"
#include "common/config/config.h"
#include "common/http/server.h"
#include "common/log/log.h"
#include "common/loop/loop.h"
#include "common/msg/msg.h"

struct service;
struct db;

/* One request being served. Ends with exactly one call_reply or call_fault, now or later. */
struct call {
	struct service *service;
	struct arena arena;          /* reset after the answer */
	struct msg_header header;    /* sender, trace, request id, person and role */
	const struct msg_desc *desc; /* of the request */
	const void *body;            /* decoded, in the arena */
	/* lines "site:NAME", "group:ID" (common/msg/scope.h): what this request may touch, and what
	 * its person may look at; NULL = everything */
	const char *scope, *sees;
	struct bus_call *bus;
	void *state; /* the handler's own */
};

typedef void (*call_fn)(struct call *call);

struct handler {
	uint16_t id; /* MSG_… of a request */
	call_fn fn;
};

/* What a service is, as data. */
struct service_def {
	const char *name;
	const struct config_table *config;
	void *settings; /* filled from config; its first keys are those of [common] */
	const struct handler *handlers; /* ends with id 0 */
	bool database;                  /* opens service->db from settings */
	/* 0, or -1 with a fault: the process ends with 69 or 78 */
	int (*start)(struct service *s, struct fault *reterr);
	/* call service_stopped(s) when done; NULL = at once */
	void (*stop)(struct service *s);
	/* before the handler of a request that has a scope: calls then when all that it names lies
	 * within, else answers; NULL = the handlers see to it */
	void (*guard)(struct call *call, call_fn then);
	/* extra requests on the health port; NULL = none. Return false for 404. */
	bool (*http)(struct service *s, struct http_request *r);
	bool (*ready)(struct service *s); /* NULL = database up when there is one */
};

struct service {
	const struct service_def *def;
	struct loop *loop;
	struct bus *bus;
	struct db *db;
	struct uuid instance; /* fresh per process */
	char sender[64];      /* "lock/<instance>" */
	bool stopping;
};

int service_main(const struct service_def *def, int argc, char **argv);
void service_stopped(struct service *s);

/* body: struct of call->desc->reply. */
void call_reply(struct call *call, const void *body);
void call_fault(struct call *call, const struct fault *f);
/* call_fault with fault_why */
void call_refuse(struct call *call, int code, const char *reason, const char *fmt, ...)
	printf_like(4, 5);

/* ---- calling others ---- */

/* A service we call: its urls come from configuration key <name>_urls. */
struct peer;
struct peer *peer_new(struct service *s, const char *urls, struct fault *reterr) must_check;
bool peer_up(const struct peer *p);

struct peer_opts {
	uint32_t deadline_ms; /* 0 = 10 s */
	struct uuid request;  /* idempotency key; nil = a fresh one */
	struct uuid trace;    /* nil = a fresh one */
	const struct call
		*for_call; /* passes on person, role, trace; NULL = as the service itself */
	const char *actor; /* gateway only: the person */
	enum msg_right role;
	const char *scope; /* gateway only: of that person; NULL = none */
	uint64_t instance; /* exactly that connection (streams); 0 = any */
};

/* body (of desc->reply) is valid during the callback; NULL when f is set. f->reason "unknown": the
 * outcome is not known, repeat with the same request id. instance names who answered. */
typedef void (*peer_fn)(void *arg, const void *body, const struct fault *f, uint64_t instance);
void peer_call(struct peer *p, const struct msg_desc *desc, const void *body,
	const struct peer_opts *opts, peer_fn fn, void *arg);

/* ---- events ---- */

void service_publish(struct service *s, const struct msg_desc *desc, const void *body);
/* fn gets each event of these urls; a NULL desc means: a gap or a new epoch, read the state again.
 */
typedef void (*event_fn)(void *arg, const struct msg_desc *desc, const void *body);
int service_subscribe(struct service *s, const char *urls, event_fn fn, void *arg,
	struct fault *reterr) must_check;
