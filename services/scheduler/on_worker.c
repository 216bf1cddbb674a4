// SPDX-License-Identifier: Apache-2.0
/* What workers say about themselves: jobs given back at an orderly end, and whom the culprit slot
 * of a dead one names (RL-15, RL-16). */
#include <string.h>

#include "services/scheduler/scheduler.h"

/* ---- job_give_back ---- */

static void add_jobs(struct db_args *a, const struct m_job_give_back *m)
{
	db_array(a);
	for (size_t i = 0; i < m->jobs_n; i++)
		db_uuid(a, &m->jobs[i].job);
	db_array_end(a);
}

static void give_back_begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;
	const struct m_job_give_back *m = call->body;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	add_jobs(db_add(t, &SQL_ACTIVE_LOCK), m);
	struct db_args *a = db_add(t, &SQL_JOB_GIVE_BACK);
	db_uuid(a, &m->worker);
	add_jobs(a, m);
	db_array(a);
	for (size_t i = 0; i < m->jobs_n; i++)
		db_int(a, (int64_t)m->jobs[i].attempt);
	db_array_end(a);
	db_int(db_add(t, &SQL_LATER_READY), 4096);
	db_commit(t, answer_ok, call);
}

void on_job_give_back(struct call *call)
{
	db_begin(scheduler.service->db, give_back_begun, call);
}

/* ---- worker_died ---- */

static void blame_late(struct txn *t, const struct m_worker_died *m)
{
	struct db_args *a = db_add(t, &SQL_LATE_BLAME);

	db_uuid(a, &m->worker);
	db_uuid(a, &m->job);
}

/* Jobs it still held are judged here; jobs whose lease had ended before are corrected. */
static void died_begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;
	const struct m_worker_died *m = call->body;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	if (!uuid_is_nil(&m->job))
		blame_late(t, m);
	db_uuid(db_add(t, &SQL_WORKER_DIED), &m->worker);
	db_commit(t, answer_ok, call);
	orphans_of_worker(&m->worker, &m->job, m->phase);
}

void on_worker_died(struct call *call)
{
	db_begin(scheduler.service->db, died_begun, call);
}

/* ---- worker_list ---- */

static void no_args(unused struct db_args *a, unused void *arg)
{
}

static void listed(unused struct txn *t, struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;
	struct m_worker_page page = {0};

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	struct m_worker *items =
		arena_array(&call->arena, (size_t)db_rows(r[0]) + 1, sizeof(*items));
	bug_if(items == NULL);
	for (int row = 0; row < db_rows(r[0]); row++) {
		struct row c = {.r = r[0], .row = row, .arena = &call->arena};
		struct m_worker *w = &items[page.items_n++];
		w->id = row_uuid(&c);
		w->pool = row_text(&c);
		w->seen_at = row_time(&c);
		w->jobs = row_uint(&c);
	}
	page.items = items;
	call_reply(call, &page);
}

void on_worker_list(struct call *call)
{
	db_query(scheduler.service->db, &SQL_WORKER_LIST, no_args, listed, call);
}
