// SPDX-License-Identifier: Apache-2.0
/* Jobs whose worker is gone: found by its lease, or told by its culprit slot. Who is charged
 * follows RL-15..RL-17; each worker's jobs are one transaction, and one that fails does not stop
 * those of the next (RL-8). */
#include <stdlib.h>
#include <string.h>

#include "common/base/crashpoint.h"
#include "common/log/log.h"
#include "services/scheduler/scheduler.h"

struct orphans {
	struct arena arena;
	bool expired; /* those of ended leases, worker after worker */
	bool again;   /* the worker named had more than one transaction takes, perhaps */
	struct uuid worker, culprit; /* expired: nil = from the first */
	const char *phase;
	struct uuid *workers; /* per job */
	struct uuid *jobs;
	bool *unheard; /* its worker lives: it never got the job, the answer to its claim was lost
			*/
	size_t n;
	struct ending *ends;
	size_t n_ends;
};

static bool expiring; /* one at a time */

static void expired_from(const struct uuid *worker, bool again);

/* failed: nothing was done for this worker; the next sweep comes back to it. */
static void finish(struct orphans *o, bool failed)
{
	bool more = o->expired && o->n > 0 && !scheduler.service->stopping;
	struct uuid worker = o->n > 0 ? o->workers[0] : o->worker;

	if (o->expired)
		expiring = false;
	arena_fini(&o->arena);
	free(o);
	if (more)
		expired_from(&worker, !failed);
}

static void committed(unused struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct orphans *o = arg;

	if (f == NULL) {
		CRASHPOINT("expire.after_row");
		log_warn(L("jobs without a worker"), L_INT("jobs", o->n_ends),
			L_UUID("worker", &o->workers[0]), L_STR("phase", o->phase));
		endings_tell(o->ends, o->n_ends);
	} else {
		log_error(L("jobs of a lost worker cannot be written"),
			L_UUID("worker", &o->workers[0]), L_FAULT(f));
	}
	finish(o, f != NULL);
}

/* Among whom the culprit must be: the suspects of this worker, or all its jobs when none is. */
static uint64_t in_flight(const struct orphans *o, const struct locked_job *jobs, size_t n,
	const struct uuid *worker, bool *ret_suspects)
{
	uint64_t suspects = 0, all = 0;

	for (size_t i = 0; i < n; i++) {
		if (!uuid_eq(&o->workers[jobs[i].place], worker))
			continue;
		all++;
		suspects += jobs[i].job.suspect > 0;
	}
	*ret_suspects = suspects > 0;
	return suspects > 0 ? suspects : all;
}

static enum job_blame blame(const struct orphans *o, size_t place, bool suspect, bool some_suspects)
{
	const struct uuid *job = &o->jobs[place];

	if (o->unheard[place])
		return JOB_NEIGHBOUR;
	if (!uuid_is_nil(&o->culprit))
		return uuid_eq(&o->culprit, job) ? JOB_CULPRIT : JOB_NEIGHBOUR;
	return some_suspects && !suspect ? JOB_NEIGHBOUR : JOB_SUSPECT;
}

static void judge(struct orphans *o, const struct locked_job *jobs, size_t n, size_t i)
{
	const struct locked_job *j = &jobs[i];
	struct job_timers timers = job_timers();
	bool some_suspects = false;
	uint64_t among = in_flight(o, jobs, n, &o->workers[j->place], &some_suspects);
	struct ending *e = &o->ends[o->n_ends];

	if (!job_held(j->job.state))
		return;
	*e = (struct ending){.job = o->jobs[j->place],
		.run = j->run,
		.device = j->device,
		.device_name = j->device_name,
		.kind = j->kind,
		.attempt = j->job.attempt,
		.was = j->job.state,
		.step = j->job.step,
		.lost_by = o->workers[j->place],
		.detail = "its worker was lost"};
	e->verdict = job_orphan(&j->job, blame(o, j->place, j->job.suspect > 0, some_suspects),
		among, &timers, random_u64());
	job_cancel(&j->job, j->job.step, &e->verdict);
	if (e->verdict.state == JOB_STATE_DEAD && o->phase != NULL)
		e->detail = arena_printf(&o->arena, "its worker died in it, phase %.32s", o->phase);
	o->n_ends++;
}

static void locked(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct orphans *o = arg;

	if (f != NULL) {
		finish(o, true);
		return;
	}
	size_t rows = (size_t)db_rows(r[0]);
	struct locked_job *jobs = arena_array(&o->arena, rows + 1, sizeof(*jobs));
	o->ends = arena_array(&o->arena, rows + 1, sizeof(*o->ends));
	bug_if(jobs == NULL || o->ends == NULL);
	for (size_t i = 0; i < rows; i++)
		locked_job_read(r[0], (int)i, &o->arena, &jobs[i]);
	for (size_t i = 0; i < rows; i++)
		judge(o, jobs, rows, i);
	if (o->n_ends == 0) {
		db_rollback(t);
		finish(o, true);
		return;
	}
	endings_write(t, o->ends, o->n_ends, &o->arena);
	db_commit(t, committed, o);
}

static void found(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct orphans *o = arg;

	if (f != NULL) {
		finish(o, true);
		return;
	}
	o->n = (size_t)db_rows(r[0]);
	if (o->n == 0) {
		db_rollback(t);
		finish(o, false);
		return;
	}
	o->workers = arena_array(&o->arena, o->n, sizeof(*o->workers));
	o->jobs = arena_array(&o->arena, o->n, sizeof(*o->jobs));
	o->unheard = arena_array(&o->arena, o->n, sizeof(*o->unheard));
	bug_if(o->workers == NULL || o->jobs == NULL || o->unheard == NULL);
	struct db_args *a = db_add(t, &SQL_JOB_READ);
	db_array(a);
	for (size_t i = 0; i < o->n; i++) {
		o->workers[i] = db_get_uuid(r[0], (int)i, 0);
		o->jobs[i] = db_get_uuid(r[0], (int)i, 1);
		o->unheard[i] = db_get_bool(r[0], (int)i, 2);
		db_uuid(a, &o->jobs[i]);
	}
	db_array_end(a);
	db_step(t, locked, o);
}

static void begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct orphans *o = arg;

	if (f != NULL) {
		finish(o, true);
		return;
	}
	struct db_args *a = db_add(t, o->expired ? &SQL_EXPIRED : &SQL_WORKER_JOBS);
	if (o->expired)
		db_int(a, scheduler.config.lease_ms);
	db_uuid(a, &o->worker);
	if (o->expired)
		db_bool(a, o->again);
	db_step(t, found, o);
}

void orphans_of_worker(const struct uuid *worker, const struct uuid *culprit, const char *phase)
{
	struct orphans *o = mem_alloc(sizeof(*o));

	arena_init(&o->arena, 0);
	o->worker = *worker;
	o->culprit = *culprit;
	o->phase = phase == NULL ? NULL : arena_strdup(&o->arena, phase);
	db_begin(scheduler.service->db, begun, o);
}

static void expired_from(const struct uuid *worker, bool again)
{
	struct orphans *o = mem_alloc(sizeof(*o));

	arena_init(&o->arena, 0);
	o->expired = true;
	o->worker = *worker;
	o->again = again;
	expiring = true;
	db_begin(scheduler.service->db, begun, o);
}

void orphans_expired(void)
{
	static const struct uuid first;

	if (!expiring)
		expired_from(&first, false);
}
