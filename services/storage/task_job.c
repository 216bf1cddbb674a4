// SPDX-License-Identifier: Apache-2.0
/* The tasks of storage: Verify Versions, Restore Drill, Housekeeping (docs/spec/fleet.md section
 * 11). Their schedules are the scheduler's; a run of one is a job without a device, which storage
 * claims like a worker: with a lease, an attempt, a result. What is done are chores. One at a time:
 *
 *     idle → claiming → starting → working → storing → reporting → idle
 *
 * A call that is not answered ends it here; the lease runs out and the job goes to another one. */
#include <string.h>

#include "services/storage/sql_retention.h"

#define ASK_MS ((uint64_t)2 * 1000)
#define FAMILY "storage"

/* What a kind of task is made of, and what is wrong when it does not go well. */
static const struct work {
	const char *kind, *chores[5];
	int code;
} works[] = {
	{"vault.verify", {"scrub"}, CN_STORE_VERIFY_FAILED},
	{"vault.drill", {"drill"}, CN_READBACK_DIFFERS},
	{"system.housekeeping", {"prune", "collect", "rotate", "strays"}, CN_INTERNAL_ERROR},
};

static struct {
	bool busy; /* anything but idle */
	bool held; /* the job is ours, the lease is to be renewed */
	const struct work *work;
	struct uuid job;
	uint64_t attempt, lease_ms;
	uint64_t ask_ms, renew_ms; /* monotonic: when next */
	bool well;
	char outcome[500];
} tj;

static void idle(void)
{
	tj.busy = tj.held = false;
}

/* ---- the end ---- */

static void reported(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	(void)arg;
	(void)body;
	(void)f;
	(void)instance;
	idle();
}

static void report(void)
{
	const struct m_job_outcome outcome = {.job = tj.job,
		.attempt = tj.attempt,
		.state = tj.well ? JOB_STATE_SUCCEEDED : JOB_STATE_FAILED,
		.code = tj.well ? 0 : (uint64_t)tj.work->code,
		.detail = tj.outcome};
	const struct m_job_result result = {
		.worker = app.service->instance, .results = &outcome, .results_n = 1};
	peer_call(chore_scheduler(), &m_job_result_desc, &result,
		&(struct peer_opts){.deadline_ms = 0}, reported, NULL);
}

/* ---- the way ---- */

static void advanced(void *arg, const void *body, const struct fault *f, uint64_t instance);

static void advance(enum job_state state)
{
	static enum job_state to;
	const struct m_job_step step = {.job = tj.job, .attempt = tj.attempt, .state = state};
	const struct m_job_advance ask = {
		.worker = app.service->instance, .steps = &step, .steps_n = 1};
	to = state;
	peer_call(chore_scheduler(), &m_job_advance_desc, &ask,
		&(struct peer_opts){.deadline_ms = 0}, advanced, &to);
}

static void worked(bool well, const char *outcome)
{
	tj.well = well;
	(void)snprintf(tj.outcome, sizeof(tj.outcome), "%s", outcome);
	if (tj.held)
		advance(JOB_STATE_STORING);
	else
		idle(); /* it was taken from us meanwhile */
}

static void advanced(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	const struct m_job_advanced *m = body;
	enum job_state to = *(const enum job_state *)arg;
	(void)instance;
	if (f != NULL || m->refused_n > 0 || !tj.held)
		idle();
	else if (to == JOB_STATE_STORING)
		report();
	else if (!chores_now(tj.work->chores, worked))
		idle(); /* an earlier one, which was taken from us, is not done yet */
}

static void claimed(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	const struct m_job_batch *m = body;
	(void)arg;
	(void)instance;
	tj.work = NULL;
	for (size_t i = 0; f == NULL && m->jobs_n > 0 && i < array_len(works); i++)
		if (strcmp(works[i].kind, m->jobs[0].kind) == 0)
			tj.work = &works[i];
	if (tj.work == NULL) {
		idle();
		return;
	}
	tj.job = m->jobs[0].job;
	tj.attempt = m->jobs[0].attempt;
	tj.lease_ms = m->jobs[0].lease_ms;
	tj.held = true;
	tj.renew_ms = 0;
	advance(JOB_STATE_RUNNING);
}

static void claim(void)
{
	static const char *const families[] = {FAMILY};
	const struct m_job_claim ask = {.worker = app.service->instance,
		.pool = FAMILY,
		.slots = 1,
		.families = families,
		.families_n = 1};
	tj.busy = true;
	peer_call(chore_scheduler(), &m_job_claim_desc, &ask, &(struct peer_opts){.deadline_ms = 0},
		claimed, NULL);
}

/* ---- the lease ---- */

static void renewed(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	const struct m_job_renewed *m = body;
	(void)arg;
	(void)instance;
	if (f == NULL && m->lost_n > 0 && uuid_eq(&m->lost[0], &tj.job))
		tj.held = false;
}

static void renew(uint64_t now_ms)
{
	const struct m_job_hold hold = {.job = tj.job, .attempt = tj.attempt, .progress = now_ms};
	const struct m_job_renew ask = {
		.worker = app.service->instance, .jobs = &hold, .jobs_n = 1};
	tj.renew_ms = now_ms + tj.lease_ms / 4;
	peer_call(chore_scheduler(), &m_job_renew_desc, &ask, &(struct peer_opts){.deadline_ms = 0},
		renewed, NULL);
}

void task_job_tick(uint64_t now_ms)
{
	if (tj.held && now_ms >= tj.renew_ms)
		renew(now_ms);
	if (tj.busy || now_ms < tj.ask_ms || chore_scheduler() == NULL)
		return;
	tj.ask_ms = now_ms + ASK_MS;
	claim();
}
