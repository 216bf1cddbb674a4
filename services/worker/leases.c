// SPDX-License-Identifier: Apache-2.0
/* Jobs and locks are renewed in one call each; what cannot be renewed is given up in time, by the
 * loop if it can, by the kernel if it cannot (locks.md section 10). All times on the boot-time
 * clock, and counted from before the question was sent. */
#include <stdlib.h>

#include "common/base/map.h"
#include "common/clock/clock.h"
#include "gen/errors.h"
#include "services/worker/deadman.h"
#include "services/worker/session.h"

#define RENEW_CALL_MS 5000u

static bool counted(const struct session *s)
{
	return s->locked && s->lock_end > 0;
}

/* ---- the two timers ---- */

static void soft_stop(void *arg);

void leases_rearm(struct worker *w)
{
	uint64_t soft = (uint64_t)w->config->soft_margin_ms,
		 hard = (uint64_t)w->config->hard_margin_ms;
	uint64_t first = 0, now = clock_boot_ms();

	list_each (it, &w->sessions) {
		const struct session *s = container_of(it, struct session, node);
		if (counted(s) && (first == 0 || s->lock_end < first))
			first = s->lock_end;
	}
	deadman_arm(first ? first - hard : 0);
	if (first)
		timer_set(w->soft_timer, first - soft > now ? first - soft - now : 0, 0);
	else
		timer_stop(w->soft_timer);
}

void leases_granted(struct worker *w, const struct session *s)
{
	uint64_t hard = (uint64_t)w->config->hard_margin_ms, armed = deadman_armed();

	/* most grants end later than what is armed: renewals move it */
	if (armed == 0 || s->lock_end - hard < armed)
		leases_rearm(w);
}

/* These locks end soon and nobody renewed them: leave the devices while there is time. */
static void soft_stop(void *arg)
{
	struct worker *w = arg;
	uint64_t soft = (uint64_t)w->config->soft_margin_ms, now = clock_boot_ms();
	struct fault f = FAULT_INIT;

	fault_why(&f, CN_LOCK_TIMEOUT, "not_renewed", "the lock could not be renewed in time");
	list_each_safe (it, &w->sessions) {
		struct session *s = container_of(it, struct session, node);
		if (!counted(s) || s->lock_end > now + soft)
			continue;
		log_warn(L("lock not renewed: device is left"), L_UUID("job", &s->job->job));
		s->lock_end = 0;
		s->unrenewed = true;
		session_cut(s, &f, true);
	}
	leases_rearm(w);
}

/* ---- finding sessions by id ---- */

static void cut_named(struct worker *w, const struct uuid *ids, size_t n, bool by_lock,
	void (*fn)(struct session *s))
{
	struct map sessions = MAP_INIT;

	if (n == 0)
		return;
	list_each (it, &w->sessions) {
		struct session *s = container_of(it, struct session, node);
		(void)map_put(&sessions, by_lock ? s->lock_request.b : s->job->job.b, 16, s);
	}
	for (size_t i = 0; i < n; i++) {
		/* removed: the same id twice in an answer must not find a freed session */
		struct session *s = map_remove(&sessions, ids[i].b, 16);
		if (s)
			fn(s);
	}
	map_fini(&sessions);
}

/* ---- locks ---- */

struct renewal {
	struct worker *worker;
	uint64_t sent;
};

static void lock_lost(struct session *s)
{
	struct fault f = FAULT_INIT;

	fault_set(&f, CN_LEASE_LOST, "the lock service says that the lock is gone");
	s->lock_end = 0;
	session_cut(s, &f, false);
}

static void on_locks_renewed(
	void *arg, const void *body, const struct fault *f, uint64_t instance unused)
{
	struct renewal *r = arg;
	struct worker *w = r->worker;
	const struct m_lock_renewed *m = body;

	w->renewing_locks = false;
	if (f) {
		log_warn(L("locks not renewed"), L_FAULT(f));
	} else {
		list_each (it, &w->sessions) {
			struct session *s = container_of(it, struct session, node);
			if (s->renewing && counted(s))
				s->lock_end = r->sent + m->remaining_ms;
			s->renewing = false;
		}
		cut_named(w, m->lost, m->lost_n, true, lock_lost);
		leases_rearm(w);
	}
	free(r);
}

static void renew_locks(struct worker *w)
{
	struct m_held *held = mem_alloc((w->n_sessions + 1) * sizeof(*held));
	struct m_lock_renew m = {.session = w->service->instance, .locks = held};
	struct peer_opts opts = {.deadline_ms = RENEW_CALL_MS};
	struct renewal *r = mem_alloc(sizeof(*r));

	list_each (it, &w->sessions) {
		struct session *s = container_of(it, struct session, node);
		s->renewing = counted(s);
		if (s->renewing)
			held[m.locks_n++] =
				(struct m_held){.request = s->lock_request, .token = s->token};
	}
	*r = (struct renewal){.worker = w, .sent = clock_boot_ms()};
	if (m.locks_n > 0) {
		w->renewing_locks = true;
		peer_call(w->lock, &m_lock_renew_desc, &m, &opts, on_locks_renewed, r);
	} else {
		free(r);
		leases_rearm(w);
	}
	free(held);
}

/* ---- jobs ---- */

static void job_lost(struct session *s)
{
	struct fault f = FAULT_INIT;

	fault_set(&f, CN_LEASE_LOST, "the scheduler gave this job to somebody else");
	s->refused = s->step != STEP_END; /* a result under way is refused by its attempt */
	session_cut(s, &f, false);
}

static void job_cancelled(struct session *s)
{
	struct fault f = FAULT_INIT;

	fault_set(&f, CN_CANCELLED_BY_USER, "cancelled while the worker was at it");
	session_cut(s, &f, false);
}

static void on_jobs_renewed(
	void *arg, const void *body, const struct fault *f, uint64_t instance unused)
{
	struct worker *w = arg;
	const struct m_job_renewed *m = body;

	w->renewing_jobs = false;
	if (f) {
		log_warn(L("jobs not renewed"), L_FAULT(f));
		return;
	}
	cut_named(w, m->lost, m->lost_n, false, job_lost);
	cut_named(w, m->cancel, m->cancel_n, false, job_cancelled);
}

static void renew_jobs(struct worker *w)
{
	struct m_job_hold *jobs = mem_alloc((w->n_sessions + 1) * sizeof(*jobs));
	struct m_job_renew m = {.worker = w->service->instance, .jobs = jobs};
	struct peer_opts opts = {.deadline_ms = RENEW_CALL_MS};

	list_each (it, &w->sessions) {
		const struct session *s = container_of(it, struct session, node);
		jobs[m.jobs_n++] = (struct m_job_hold){
			.job = s->job->job, .attempt = s->job->attempt, .progress = s->progress};
	}
	w->renewing_jobs = true; /* also without jobs: the scheduler sees that we live */
	peer_call(w->scheduler, &m_job_renew_desc, &m, &opts, on_jobs_renewed, w);
	free(jobs);
}

/* ---- the beat ---- */

static void beat(void *arg)
{
	struct worker *w = arg;
	uint64_t turns = loop_turns(w->service->loop);

	if (turns == w->turns)
		return; /* a stuck loop renews nothing, and dies */
	w->turns = turns;
	list_each_safe (it, &w->sessions) {
		struct session *s = container_of(it, struct session, node);
		if (s->spool != NULL)
			spool_awake(s->spool);
		effects_beat(s);
	}
	if (!w->renewing_locks)
		renew_locks(w);
	if (!w->renewing_jobs && w->n_sessions > 0)
		renew_jobs(w);
}

int leases_start(struct worker *w, struct fault *reterr)
{
	const struct worker_config *c = w->config;

	if (c->hard_margin_ms >= c->soft_margin_ms || c->soft_margin_ms >= c->lock_lease_ms ||
		c->renew_ms * 2 >= c->lock_lease_ms - c->soft_margin_ms)
		return fault_set(reterr, CN_VALIDATION_FAILED,
			"timers out of order: need hard_margin_ms < soft_margin_ms < lock_lease_ms "
			"and "
			"twice renew_ms below what is left (RL-5)");
	if (deadman_init(reterr) < 0)
		return -1;
	w->soft_timer = timer_new(w->service->loop, soft_stop, w);
	w->lease_timer = timer_new(w->service->loop, beat, w);
	timer_set(w->lease_timer, (uint64_t)c->renew_ms, (uint64_t)c->renew_ms);
	return 0;
}

void leases_stop(struct worker *w)
{
	timer_stop(w->lease_timer);
	timer_stop(w->soft_timer);
	deadman_arm(0);
}
