// SPDX-License-Identifier: Apache-2.0
/* run_cancel and job_cancel. What waits ends at once; what a worker holds is told with its next
 * renewal, a job that is storing finishes (FL-55), and one that began to write and came back is
 * told when it is claimed: it has to look at its device first. A job may be on its way between two
 * tables: the sweep repeats this for a run that is cancelling, until nothing is left; a single job
 * is marked before, and ends when it arrives. Idempotent. */
#include "services/scheduler/scheduler.h"

#define STOP_MOST 20000 /* jobs at a time; the sweep goes on */

static void stop(struct txn *t, const struct db_sql *sql, const struct uuid *run,
	const struct uuid *job, enum job_state state, int cause)
{
	struct db_args *a = db_add(t, sql);

	db_uuid(a, run);
	db_uuid(a, job);
	db_int(a, (int64_t)state);
	db_int(a, cause);
	db_int(a, STOP_MOST);
}

void stop_run(struct txn *t, const struct uuid *run, enum job_state state, int cause)
{
	stop(t, &SQL_STOP_READY, run, NULL, state, cause);
	stop(t, &SQL_STOP_LATER, run, NULL, state, cause);
	if (state != JOB_STATE_CANCELLED)
		return;
	db_uuid(db_add(t, &SQL_STOP_LOOK), run);
	db_uuid(db_add(t, &SQL_STOP_ACTIVE), run);
}

/* ---- a run ---- */

static void run_done(
	unused struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;

	if (f != NULL)
		answer_fault(call, f);
	else
		run_answer(call, r, n);
}

static void run_begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;
	const struct m_run_cancel *m = call->body;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	db_uuid(db_add(t, &SQL_RUN_CANCEL), &m->id);
	stop_run(t, &m->id, JOB_STATE_CANCELLED, CN_CANCELLED_BY_USER);
	run_get_add(t, &m->id);
	db_commit(t, run_done, call);
}

void on_run_cancel(struct call *call)
{
	db_begin(scheduler.service->db, run_begun, call);
}

/* ---- one job ---- */

static void job_done(
	unused struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	struct m_target target = {0};
	struct m_target_one reply = {.target = &target};

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	if (!found_one(call, r[n - 1], "job"))
		return;
	struct row c = {.r = r[n - 1], .arena = &call->arena};
	row_target(&c, &target);
	events_run(&target.run);
	call_reply(call, &reply);
}

/* What came while the others were waited for is ready now. */
static void stop_job(struct txn *t, const struct uuid *job)
{
	static const struct db_sql *const places[] = {
		&SQL_STOP_READY, &SQL_STOP_LATER, &SQL_STOP_READY};

	for (size_t i = 0; i < array_len(places); i++)
		stop(t, places[i], NULL, job, JOB_STATE_CANCELLED, CN_CANCELLED_BY_USER);
	db_uuid(db_add(t, &SQL_JOB_CANCEL_TOLD), job);
}

static void job_begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;
	const struct m_job_cancel *m = call->body;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	stop_job(t, &m->id);
	struct db_args *a = db_add(t, &SQL_JOB_GET);
	db_uuid(a, &m->id);
	db_null(a); /* who cancels reads */
	db_commit(t, job_done, call);
}

/* Committed: whoever moves it from now on sees it. */
static void marked(unused struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	if (f != NULL)
		answer_fault(arg, f);
	else
		db_begin(scheduler.service->db, job_begun, arg);
}

static void mark_args(struct db_args *a, void *arg)
{
	const struct m_job_cancel *m = ((struct call *)arg)->body;

	db_uuid(a, &m->id);
}

void on_job_cancel(struct call *call)
{
	db_query(scheduler.service->db, &SQL_JOB_CANCEL, mark_args, marked, call);
}
