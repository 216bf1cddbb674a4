// SPDX-License-Identifier: Apache-2.0
/* job_advance: claimed → running → storing. The first step of a job that needs a lock names token
 * and lock request; they are checked against the live lock (locks.md section 9, check 1) and the
 * token is stored: from then on every report must carry it (FL-51). */
#include "services/scheduler/batch.h"

#define TO_STATES 2

static const enum job_state to_states[TO_STATES] = {JOB_STATE_RUNNING, JOB_STATE_STORING};

enum column { JOB, ATTEMPT, TOKEN, STATE, REQUEST, COLUMNS };

static void add_column(
	struct db_args *a, const struct m_job_advance *m, enum job_state to, int column)
{
	db_array(a);
	for (size_t i = 0; i < m->steps_n; i++) {
		const struct m_job_step *s = &m->steps[i];
		if (s->state != to)
			continue;
		if (column == JOB)
			db_uuid(a, &s->job);
		else if (column == REQUEST)
			db_uuid(a, &s->request);
		else
			db_int(a, column == ATTEMPT ? (int64_t)s->attempt
				  : column == TOKEN ? (int64_t)s->token
						    : (int64_t)to);
	}
	db_array_end(a);
}

static bool names_state(const struct m_job_advance *m, enum job_state to)
{
	for (size_t i = 0; i < m->steps_n; i++) {
		if (m->steps[i].state == to)
			return true;
	}
	return false;
}

/* One statement per state that is named, so that a message may take a job through both. */
static void add_steps(struct txn *t, const struct m_job_advance *m)
{
	for (int k = 0; k < TO_STATES; k++) {
		if (!names_state(m, to_states[k]))
			continue;
		struct db_args *a = db_add(t, &SQL_JOB_ADVANCE);
		db_uuid(a, &m->worker);
		for (int column = 0; column < COLUMNS; column++)
			add_column(a, m, to_states[k], column);
	}
}

static bool has_row(const struct db_result *r, const struct uuid *job)
{
	for (int row = 0; row < db_rows(r); row++) {
		struct uuid id = db_get_uuid(r, row, 0);
		if (uuid_eq(&id, job))
			return true;
	}
	return false;
}

/* inout_at: the next result that nobody has read. */
static void fill_reply(struct m_job_advanced *reply, const struct m_job_advance *m,
	struct db_result **r, struct arena *arena, size_t *inout_at)
{
	struct uuid *refused = arena_array(arena, m->steps_n + 1, sizeof(*refused));
	struct db_result *of[TO_STATES] = {NULL};

	bug_if(refused == NULL);
	for (int k = 0; k < TO_STATES; k++) {
		if (names_state(m, to_states[k]))
			of[k] = r[(*inout_at)++];
	}
	for (size_t i = 0; i < m->steps_n; i++) {
		const struct m_job_step *s = &m->steps[i];
		const struct db_result *rows = s->state == to_states[0]   ? of[0]
					       : s->state == to_states[1] ? of[1]
									  : NULL;
		if (rows == NULL || !has_row(rows, &s->job))
			refused[reply->refused_n++] = s->job;
	}
	reply->refused = refused;
}

static void tell_runs(struct db_result *r)
{
	for (int row = 0; row < db_rows(r); row++) {
		struct uuid run = db_get_uuid(r, row, 1);
		events_run(&run);
	}
}

static void committed(
	unused struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct batch *b = arg;
	struct m_job_advanced *replies = arena_array(&b->arena, b->n, sizeof(*replies));

	if (f != NULL) {
		batch_fail(b, f);
		return;
	}
	bug_if(replies == NULL);
	for (size_t i = 0, at = 0; i < b->n; i++)
		fill_reply(&replies[i], b->calls[i]->body, r, &b->arena, &at);
	for (size_t i = 0; i < n; i++)
		tell_runs(r[i]);
	b->replies = replies;
	b->reply_size = sizeof(*replies);
	batch_answer(b);
}

static void begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct batch *b = arg;

	if (f != NULL) {
		batch_fail(b, f);
		return;
	}
	for (size_t i = 0; i < b->n; i++)
		add_steps(t, b->calls[i]->body);
	db_commit(t, committed, b);
}

static void run(struct db_batch *queue, void **items, size_t n, unused void *arg)
{
	db_begin_by_key(scheduler.service->db, begun, batch_new(queue, items, n));
}

void on_job_advance(struct call *call)
{
	if (scheduler.steps == NULL)
		scheduler.steps = db_batch_new(32, run, NULL);
	db_batch_put(scheduler.steps, call);
}
