// SPDX-License-Identifier: Apache-2.0
/* Inside of a worker: what its files share. A worker holds no state that matters: jobs belong to
 * the scheduler, locks to the lock service, versions to storage. */
#pragma once

#include "common/base/list.h"
#include "common/http/client.h"
#include "common/metrics/metrics.h"
#include "common/net/address.h"
#include "common/service/service.h"
#include "gen/config.h"
#include "gen/msg.h"
#include "services/worker/adapters/adapter.h"
#include "services/worker/adapters/profile.h"
#include "services/worker/batch.h"
#include "services/worker/credential.h"
#include "services/worker/image.h"
#include "services/worker/spool.h"

struct session;

#define WORKER_FAMILIES 8u

struct worker_profile {
	const char *family;
	const struct profile *profile; /* NULL = a family without words */
};

struct worker {
	struct service *service;
	const struct worker_config *config;
	struct peer *scheduler, *lock, *storage;
	struct http_client *http; /* to devices */
	struct address_rules rules;
	struct credential_keys keys;
	struct worker_profile profiles[WORKER_FAMILIES];

	struct list sessions; /* of jobs claimed and not yet reported */
	size_t n_sessions;
	bool draining; /* SIGTERM: nothing new */

	struct batch deaths; /* of those that died here before us, until the scheduler knows */

	/* claim.c */
	struct timer *claim_timer;
	bool claiming;
	uint64_t claim_slots;
	struct uuid claim_request;

	/* leases.c */
	struct timer *lease_timer, *soft_timer;
	bool renewing_jobs, renewing_locks;
	uint64_t turns; /* of the loop, at the last renewal */

	/* tell.c: to scheduler and lock, in batches */
	struct batch advances, results, releases;
	struct batch journals, reports; /* of jobs that write */
	struct image_budget images;     /* what they hold in memory */

	struct spooler spooler;
	struct timer *stop_timer;
	uint64_t stop_at; /* monotonic ms: then what still runs is aborted */

	size_t giving_back; /* calls under way */

	struct metric *m_sessions, *m_claimed, *m_results, *m_cut;
};

/* ---- claim.c: pulls jobs while slots are free ---- */
int claim_start(struct worker *w, struct fault *reterr) must_check;
void claim_now(struct worker *w);
/* No new question; one that is under way is waited for: what it brings goes back. */
void claim_stop(struct worker *w);

/* ---- worker.c ---- */

/* Jobs that were never started go back, uncharged (RL-39). */
void worker_give_back(struct worker *w, const struct m_job_hold *jobs, size_t n);

/* ---- leases.c: jobs and locks are kept, or given up in time (locks.md 10) ---- */
int leases_start(struct worker *w, struct fault *reterr) must_check;
/* A lock was granted: its end stands in the session. */
void leases_granted(struct worker *w, const struct session *s);
/* Locks changed: arm the dead-man, set the time of the soft stop. */
void leases_rearm(struct worker *w);
void leases_stop(struct worker *w);

/* ---- tell.c ---- */
void tell_start(struct worker *w);
/* claimed → running → storing; then session_advanced() */
void tell_advance(struct session *s, enum job_state to);
/* the lock goes back; then session_released() */
void tell_release(struct session *s);
/* how far writing came; then session_journaled() */
void tell_journal(struct session *s);
/* a login that every new device has, if one was opened (FL-16); lost, the next job says it */
void tell_factory_login(struct session *s);
/* the result; then session_reported() */
void tell_result(struct session *s);
void tell_stop(struct worker *w);
