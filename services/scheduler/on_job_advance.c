// SPDX-License-Identifier: Apache-2.0
/* job_advance: claimed → running → storing. The first step of a job that needs a lock names token
 * and lock request; they are checked against the live lock (locks.md section 9, check 1) and the
 * token is stored: from then on every report must carry it (FL-51). */
#include "common/base/map.h"
#include "services/scheduler/batch.h"

#define TO_STATES 2

static const enum job_state to_states[TO_STATES] = {JOB_STATE_RUNNING, JOB_STATE_STORING};

enum column { WORKER, JOB, ATTEMPT, TOKEN, STATE, REQUEST, COLUMNS };

static void add_value(struct db_args *a, const struct m_job_advance *m, const struct m_job_step *s,
	enum column column)
{
	if (column == WORKER)
		db_uuid(a, &m->worker);
	else if (column == JOB)
		db_uuid(a, &s->job);
	else if (column == REQUEST)
		db_uuid(a, &s->request);
	else
		db_int(a, column == ATTEMPT ? (int64_t)s->attempt
			  : column == TOKEN ? (int64_t)s->token
					    : (int64_t)s->state);
}

static void add_column(
	struct db_args *a, const struct batch *b, enum job_state to, enum column column)
{
	db_array(a);
	for (size_t i = 0; i < b->n; i++) {
		const struct m_job_advance *m = b->calls[i]->body;
		for (size_t k = 0; k < m->steps_n; k++) {
			if (m->steps[k].state == to)
				add_value(a, m, &m->steps[k], column);
		}
	}
	db_array_end(a);
}

/* All rows first, in the one order of SQL_ACTIVE_LOCK. */
static void add_lock(struct txn *t, const struct batch *b)
{
	struct db_args *a = db_add(t, &SQL_ACTIVE_LOCK);

	db_array(a);
	for (size_t i = 0; i < b->n; i++) {
		const struct m_job_advance *m = b->calls[i]->body;
		for (size_t k = 0; k < m->steps_n; k++)
			db_uuid(a, &m->steps[k].job);
	}
	db_array_end(a);
}

static bool names_state(const struct batch *b, enum job_state to)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct m_job_advance *m = b->calls[i]->body;
		for (size_t k = 0; k < m->steps_n; k++) {
			if (m->steps[k].state == to)
				return true;
		}
	}
	return false;
}

/* A step as it was reported: several workers may name one job. No bytes between the members. */
struct reported {
	struct uuid worker, job;
	uint64_t attempt, token, state;
};

static void fill_reply(struct m_job_advanced *reply, const struct m_job_advance *m,
	const struct map *gone_on, struct arena *arena)
{
	struct uuid *refused = arena_array(arena, m->steps_n + 1, sizeof(*refused));

	bug_if(refused == NULL);
	for (size_t i = 0; i < m->steps_n; i++) {
		const struct m_job_step *s = &m->steps[i];
		struct reported key = {m->worker, s->job, s->attempt, s->token, (uint64_t)s->state};
		if (map_get(gone_on, &key, sizeof(key)) == NULL)
			refused[reply->refused_n++] = s->job;
	}
	reply->refused = refused;
}

static void read_rows(struct db_result *r, struct map *gone_on)
{
	for (int row = 0; row < db_rows(r); row++) {
		struct row c = {.r = r, .row = row};
		struct reported key;
		key.worker = row_uuid(&c);
		key.job = row_uuid(&c);
		key.attempt = row_uint(&c);
		key.token = row_uint(&c);
		key.state = row_uint(&c);
		struct uuid run = row_uuid(&c);
		(void)map_put(gone_on, &key, sizeof(key), gone_on);
		events_run(&run);
	}
}

static void committed(
	unused struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct batch *b = arg;
	struct m_job_advanced *replies = arena_array(&b->arena, b->n, sizeof(*replies));
	struct map gone_on = MAP_INIT;

	if (f != NULL) {
		batch_fail(b, f);
		return;
	}
	bug_if(replies == NULL);
	for (size_t i = 1; i < n; i++)
		read_rows(r[i], &gone_on);
	for (size_t i = 0; i < b->n; i++)
		fill_reply(&replies[i], b->calls[i]->body, &gone_on, &b->arena);
	map_fini(&gone_on);
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
	add_lock(t, b);
	/* one statement per state that is named, so that a message may take a job through both */
	for (int k = 0; k < TO_STATES; k++) {
		if (!names_state(b, to_states[k]))
			continue;
		struct db_args *a = db_add(t, &SQL_JOB_ADVANCE);
		for (enum column column = 0; column < COLUMNS; column++)
			add_column(a, b, to_states[k], column);
	}
	db_commit(t, committed, b);
}

static void start(struct batch *b)
{
	db_begin_by_key(scheduler.service->db, begun, b);
}

static void run(struct db_batch *queue, void **items, size_t n, unused void *arg)
{
	static const struct batch_parts parts =
		BATCH_PARTS(m_job_advance, steps, m_job_step, m_job_advanced);
	static const struct batch_kind kind = {.start = start, .parts = &parts};

	batch_run(&kind, queue, items, n);
}

void on_job_advance(struct call *call)
{
	if (scheduler.steps == NULL)
		scheduler.steps = db_batch_new(32, run, NULL);
	db_batch_put(scheduler.steps, call);
}
