// SPDX-License-Identifier: Apache-2.0
/* Inside common/service: what surrounds the public struct service. One per process. */
#pragma once

#include <time.h>

#include "common/base/list.h"
#include "common/metrics/metrics.h"
#include "common/service/service.h"
#include "gen/config.h"
#include "gen/errors.h"
#include "gen/msg.h"

#define SERVICE_VERSION "0.1.0"
#define CALLS_MAX 20000 /* requests being served at once */
#define CALL_ARENA_MAX ((size_t)16 * 1024 * 1024)
#define PEER_DEADLINE_MS 10000

enum { EXIT_DONE = 0, EXIT_FORCED = 1, EXIT_DEPENDENCY = 69, EXIT_CONFIG = 78 };

struct runtime {
	struct service s;
	struct common_config *config; /* begins the service's settings */
	struct http_server *health;
	struct timer *second; /* heartbeat and watching */
	struct timer *drained;
	bool db_was_up;
	bool stopped;        /* the service has nothing more to do */
	size_t n_calls;      /* requests being served */
	uint64_t epoch, seq; /* of our events */
	struct list subscriptions;
	struct handler_stats *stats; /* one per handler, same order */
};

struct handler_stats {
	struct metric *ok, *fault, *seconds;
};

static inline struct runtime *runtime_of(struct service *s)
{
	return container_of(s, struct runtime, s);
}

/* process.c: umask, limits, inherited descriptors, no core, no ptrace. */
void process_harden(void);
void process_metrics(struct buf *out);
/* _exit(EXIT_FORCED) when the grace is over or a second signal comes, hung loop or not. */
void process_guard(uint64_t grace_ms);

/* dispatch.c */
void dispatch_setup(struct runtime *rt);
void dispatch_request(void *arg, struct bus_call *bus, struct span body);
/* Milliseconds left to the caller of call; 0 = too late. */
uint32_t call_left_ms(const struct call *call);

/* events.c */
void events_setup(struct runtime *rt);
void events_second(struct runtime *rt);

/* health.c */
int health_listen(struct runtime *rt, struct fault *reterr) must_check;

/* main.c */
void service_drained(struct runtime *rt);
bool service_plain_tcp(const struct runtime *rt);
