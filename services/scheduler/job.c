// SPDX-License-Identifier: Apache-2.0
/* The one door for a job's state: every report and every loss of a worker passes here. */
#include "services/scheduler/job.h"

#include <string.h>

#include "gen/errors.h"
#include "gen/job_states.h"

#define SUSPECT_NARROWS 8u /* each unexplained death makes the group this much narrower */

bool job_terminal(enum job_state state)
{
	return job_state_final(state);
}

bool job_held(enum job_state state)
{
	return state == JOB_STATE_CLAIMED || state == JOB_STATE_RUNNING ||
	       state == JOB_STATE_STORING;
}

uint64_t job_backoff(uint64_t first_ms, uint64_t max_ms, uint64_t n, uint64_t random)
{
	uint64_t most = first_ms;

	for (uint64_t i = 0; i < n && most < max_ms; i++)
		most *= 2;
	if (most > max_ms)
		most = max_ms;
	return random % (most + 1);
}

/* The state that the code asks for, whatever the word of the report: a worker may not make a
 * failure of what is skipped or deferred, nor a retry of what is never retried. */
static enum job_state state_of(const struct m_job_outcome *r, const struct error_info *info)
{
	bool gave_up = r->state == JOB_STATE_FAILED || r->state == JOB_STATE_RETRY;

	if (info == NULL || !gave_up)
		return r->state;
	if (info->outcome == ERROR_OUTCOME_SKIPPED)
		return JOB_STATE_SKIPPED;
	if (info->outcome == ERROR_OUTCOME_DEFERRED)
		return JOB_STATE_DEFERRED;
	if (info->outcome == ERROR_OUTCOME_FAILED)
		return JOB_STATE_FAILED;
	return r->state;
}

/* What follows the last allowed retry of a cause: its own end, or failed. */
static enum job_state after_retries(const struct error_info *info)
{
	bool skips = info != NULL && info->then == ERROR_OUTCOME_SKIPPED;

	return skips ? JOB_STATE_SKIPPED : JOB_STATE_FAILED;
}

/* A job that is storing has nothing to defer: the device is done. It tries again, uncharged. */
static void judge_wait(const struct job *j, const struct m_job_outcome *r,
	const struct job_timers *t, uint64_t random, struct job_verdict *v)
{
	const struct error_info *info = r->code == 0 ? NULL : error_info((int)r->code);

	v->state = state_of(r, info);
	if (v->state == JOB_STATE_DEFERRED) {
		v->deferrals++;
		/* half to one and a half times the usual, so that a fleet does not come back as one
		 */
		v->wait_ms = t->defer_ms / 2 + random % (t->defer_ms + 1);
		if (j->state == JOB_STATE_STORING)
			v->state = JOB_STATE_RETRY;
	} else if (v->state == JOB_STATE_RETRY) {
		uint64_t limit = j->errors_max == 0 ? JOB_ERRORS_MAX : j->errors_max;
		v->errors++;
		v->wait_ms = job_backoff(t->backoff_ms, t->backoff_max_ms, j->errors, random);
		if (info != NULL && info->retries > 0 && info->retries < limit)
			limit = info->retries + 1;
		if (v->errors >= limit)
			v->state = after_retries(info);
	} else {
		return;
	}
	if (v->wait_ms < r->retry_ms)
		v->wait_ms = r->retry_ms;
}

bool job_unsettled(enum write_step step)
{
	return step == WRITE_STEP_SENT || step == WRITE_STEP_ANSWERED ||
	       step == WRITE_STEP_REVERTING;
}

void job_cancel(const struct job *j, enum write_step step, struct job_verdict *v)
{
	bool stops = v->state == JOB_STATE_DEFERRED || v->state == JOB_STATE_RETRY;

	if (!j->cancel || !stops || job_unsettled(step))
		return;
	if (j->state == JOB_STATE_STORING) { /* no edge leads there: it ends when it comes back */
		v->wait_ms = 0;
		return;
	}
	v->state = JOB_STATE_CANCELLED;
	v->cause = j->aborting ? CN_CANCELLED_BY_BUDGET : CN_CANCELLED_BY_USER;
}

bool job_judge(const struct job *j, const struct m_job_outcome *r, const struct job_timers *t,
	uint64_t random, struct job_verdict *ret_verdict)
{
	struct job_verdict v = {.cause = (int)r->code,
		.errors = j->errors,
		.crashes = j->crashes,
		.deferrals = j->deferrals};

	if (!job_held(j->state) || r->attempt != j->attempt || r->token != j->token)
		return false;
	judge_wait(j, r, t, random, &v);
	if (v.state == JOB_STATE_CANCELLED && j->cut && !j->cancel) {
		v.state = JOB_STATE_DEFERRED; /* the next claim says until when */
		v.cause = CN_WINDOW_CLOSED;
		v.deferrals++;
	}
	if (v.state == JOB_STATE_CANCELLED && j->aborting)
		v.cause = CN_CANCELLED_BY_BUDGET; /* a worker knows only that it is to stop */
	job_cancel(j, r->step == 0 ? j->step : r->step, &v);
	if (job_held(v.state) || !job_edge(j->state, v.state))
		return false;
	*ret_verdict = v;
	return true;
}

/* Its worker died in the attempt that wrote: nobody has looked at the device since. One more
 * attempt looks, whatever the count; when that one kills its worker too, the count holds. */
static bool owes_look(const struct job *j)
{
	return job_unsettled(j->step) && j->attempt <= j->sent_in;
}

struct job_verdict job_orphan(const struct job *j, enum job_blame blame, uint64_t in_flight,
	const struct job_timers *t, uint64_t random)
{
	uint64_t crashes_max = j->crashes_max == 0 ? JOB_CRASHES_MAX : j->crashes_max;
	struct job_verdict v = {.state = JOB_STATE_RETRY,
		.cause = CN_INTERNAL_ERROR,
		.errors = j->errors,
		.crashes = j->crashes,
		.deferrals = j->deferrals};

	if (blame == JOB_SUSPECT && in_flight > 1) {
		uint64_t width = j->suspect > 0 ? j->suspect : in_flight;
		v.suspect = width / SUSPECT_NARROWS == 0 ? 1 : width / SUSPECT_NARROWS;
	} else if (blame != JOB_NEIGHBOUR) { /* alone in flight: found */
		v.crashes++;
		v.suspect = j->suspect;
		v.wait_ms = job_backoff(t->backoff_ms, t->backoff_max_ms, j->crashes, random);
		if (v.crashes >= crashes_max && !owes_look(j)) {
			v.state = JOB_STATE_DEAD;
			v.cause = CN_CRASH_LIMIT;
		}
	} else {
		v.suspect = j->suspect;
	}
	return v;
}
