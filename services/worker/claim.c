// SPDX-License-Identifier: Apache-2.0
/* Pulls jobs while slots are free. Hints from the scheduler save waiting; asking again after
 * poll_ms is what is correct. */
#include <stdlib.h>
#include <string.h>

#include "common/clock/clock.h"
#include "services/worker/session.h"

#define CLAIM_MS 10000u
#define FAILED_AGAIN_MS 500u

static void claim(void *arg);

/* Claimed while this worker stops. */
static void return_all(struct worker *w, const struct m_job_batch *r)
{
	struct m_job_hold *jobs = mem_alloc((r->jobs_n + 1) * sizeof(*jobs));

	for (size_t i = 0; i < r->jobs_n; i++)
		jobs[i] = (struct m_job_hold){.job = r->jobs[i].job, .attempt = r->jobs[i].attempt};
	worker_give_back(w, jobs, r->jobs_n);
	free(jobs);
}

static void on_claimed(void *arg, const void *body, const struct fault *f, uint64_t instance unused)
{
	struct worker *w = arg;
	const struct m_job_batch *r = body;

	w->claiming = false;
	if (f) { /* perhaps claimed: what nobody hears of is free again with its lease, uncharged */
		log_debug(L("no answer to a claim"), L_FAULT(f));
		timer_set(w->claim_timer, FAILED_AGAIN_MS, 0);
		return;
	}
	w->claim_request = (struct uuid){{0}};
	metric_add(w->m_claimed, (int64_t)r->jobs_n);
	if (w->draining) {
		return_all(w, r);
		return;
	}
	timer_set(w->claim_timer,
		r->jobs_n == w->claim_slots ? 0
		: r->poll_ms                ? r->poll_ms
					    : 5000,
		0);
	for (size_t i = 0; i < r->jobs_n; i++)
		session_start(w, &r->jobs[i]);
}

/* Those of the adapters, and what stands for discovery (fleet.md section 11). */
static const char *const *families(size_t *ret_n)
{
	static const char *all[WORKER_FAMILIES + 1];
	const char *const *served = adapter_families(ret_n);

	bug_if(*ret_n > WORKER_FAMILIES);
	memcpy(all, served, *ret_n * sizeof(*all));
	all[(*ret_n)++] = "discovery";
	return all;
}

static void claim(void *arg)
{
	struct worker *w = arg;
	size_t slots = (size_t)w->config->slots, n;
	struct m_job_claim m = {.worker = w->service->instance, .pool = w->config->pool};
	struct peer_opts opts = {.deadline_ms = CLAIM_MS};

	if (w->claiming || w->draining)
		return;
	if (uuid_is_nil(&w->claim_request)) {
		n = w->n_sessions < slots ? slots - w->n_sessions : 0;
		w->claim_slots = size_min(n, (size_t)w->config->claim_batch);
		if (w->claim_slots == 0)
			return; /* claim_now() comes with the next free slot */
		w->claim_request = uuid_v7(clock_wall_ms());
	}
	m.slots = w->claim_slots;
	m.families = families(&n);
	m.families_n = n;
	opts.request = w->claim_request;
	w->claiming = true;
	peer_call(w->scheduler, &m_job_claim_desc, &m, &opts, on_claimed, w);
}

void claim_now(struct worker *w)
{
	if (w->claim_timer && !w->claiming && !w->draining)
		timer_set(w->claim_timer, 0, 0);
}

static void on_hint(void *arg, const struct msg_desc *desc, const void *body)
{
	struct worker *w = arg;
	const struct m_jobs_ready *hint = body;

	if (desc == NULL || (desc->id == MSG_JOBS_READY && hint))
		claim_now(w);
}

int claim_start(struct worker *w, struct fault *reterr)
{
	const char *events = w->config->common.scheduler_events;

	w->claim_timer = timer_new(w->service->loop, claim, w);
	timer_set(w->claim_timer, 0, 0);
	if (events && *events)
		return service_subscribe(w->service, events, on_hint, w, reterr);
	return 0;
}

void claim_stop(struct worker *w)
{
	w->draining = true;
	timer_stop(w->claim_timer);
}
