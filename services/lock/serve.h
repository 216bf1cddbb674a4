// SPDX-License-Identifier: Apache-2.0
/* How calls become one transaction: what arrives while the last one runs is served by the next,
 * in the order of arrival (locks.md section 4, rule 9). Loop thread only. */
#pragma once

#include "common/base/list.h"
#include "common/service/service.h"
#include "gen/config.h"
#include "gen/errors.h"
#include "services/lock/ledger.h"

/* Settings, in the units the rules want. */
struct lock_settings {
	uint32_t lease_min_ms, lease_default_ms, silent_ms;
	uint64_t sweep_ms;
	size_t batch_max;
};
extern struct lock_settings lock_settings;

/* One call, or a sweep of ours, waiting for its transaction. */
struct work {
	struct list node;    /* in the queue */
	struct call *call;   /* NULL = a sweep */
	struct arena *arena; /* of the call, or its own */
	/* which rows it needs */
	const struct uuid *devices; /* ascending, no two equal */
	size_t devices_n;
	const struct uuid *requests;
	size_t requests_n;
	bool replay;  /* the stored answer of requests[0] may be needed */
	bool look;    /* explain: nothing is locked or written */
	bool ahead;   /* may be decided before its rows are read (ahead.c) */
	bool waiters; /* sweep: the requests of all waiters too */
	/* decides in the ledger; the answer is for call_reply */
	const void *(*decide)(struct work *w, struct ledger *l, struct fault *reterr);
	struct ledger_ask ask; /* of acquire and explain */
	const struct m_observation *observed;
	size_t observed_n;
	struct ledger_rules rules; /* of a sweep */
	/* filled by serve */
	const void *answer;
	struct fault fault;
	unsigned tries;
	bool alone;    /* spoiled a transaction, or was in one that was: goes by itself */
	bool releases; /* gives locks back */
};

struct txn;
struct db_result;
struct sql_keys;
/* Decides these works on a guess and queues what takes the rows, judges the guess and writes. */
void ahead_send(struct txn *t, struct ledger *l, const struct sql_keys *keys, struct work **works,
	size_t n);
/* The results of that step: works that were served keep `ahead` and have their answer; of the
 * others nothing was done. The events of the ledger are what happened. */
void ahead_hear(struct ledger *l, struct db_result **results, size_t results_n, struct work **works,
	size_t n);

/* work.c */
void work_end(struct work *w);
int work_by_id(const void *a, const void *b);
/* Sorts and drops doubles; how many are left. */
size_t work_sort(struct uuid *ids, size_t n);

void serve_start(struct service *s);
void serve_put(struct work *w);
/* A work in the call's arena; NULL after call_refuse when memory ran out. */
struct work *serve_work(struct call *call);
/* Ids that must not be nil: a refused call and false when one is. */
bool serve_ids_ok(struct call *call, const struct uuid *ids, size_t n);
/* Sorted without doubles, in the arena; NULL when memory ran out. */
const struct uuid *serve_devices(struct arena *a, const struct uuid *ids, size_t n, size_t *ret_n);

void renew_start(struct service *s);
void sweep_start(struct service *s);

/* scope.c: before the handler of a request with a scope */
void scope_guard(struct call *call, call_fn then);
void on_lock_acquire(struct call *call);
void on_lock_explain(struct call *call);
void on_lock_renew(struct call *call);
void on_lock_release(struct call *call);
void on_lock_cancel(struct call *call);
void on_lock_observe(struct call *call);
void on_lock_end(struct call *call);
void on_lock_stand(struct call *call);
void on_lock_list(struct call *call);
void on_lock_get(struct call *call);
