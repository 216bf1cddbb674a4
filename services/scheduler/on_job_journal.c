// SPDX-License-Identifier: Apache-2.0
/* job_journal: how far writing came, durable before the worker goes on. Guarded like a result, by
 * worker, attempt and token, and by a lease that has not ended. */
#include "common/base/crashpoint.h"
#include "services/scheduler/batch.h"

enum column { JOB, ATTEMPT, TOKEN, STEP, PRE_IMAGE, RESTARTS, COLUMNS };

static void add_column(struct db_args *a, const struct m_job_journal *m, enum column column)
{
	db_array(a);
	for (size_t i = 0; i < m->entries_n; i++) {
		const struct m_journal_entry *e = &m->entries[i];
		if (column == JOB || column == PRE_IMAGE)
			db_uuid(a, column == JOB ? &e->job : &e->pre_image);
		else if (column == RESTARTS)
			db_bool(a, e->restarts);
		else
			db_int(a, column == ATTEMPT ? (int64_t)e->attempt
				  : column == TOKEN ? (int64_t)e->token
						    : (int64_t)e->step);
	}
	db_array_end(a);
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

static void fill_reply(struct m_job_journaled *reply, const struct m_job_journal *m,
	const struct db_result *r, struct arena *arena)
{
	struct uuid *refused = arena_array(arena, m->entries_n + 1, sizeof(*refused));

	bug_if(refused == NULL);
	for (size_t i = 0; i < m->entries_n; i++) {
		if (!has_row(r, &m->entries[i].job))
			refused[reply->refused_n++] = m->entries[i].job;
	}
	reply->refused = refused;
}

static void committed(
	unused struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct batch *b = arg;
	struct m_job_journaled *replies = arena_array(&b->arena, b->n, sizeof(*replies));

	if (f != NULL) {
		batch_fail(b, f);
		return;
	}
	CRASHPOINT("journal.after_commit");
	bug_if(replies == NULL);
	for (size_t i = 0; i < b->n; i++)
		fill_reply(&replies[i], b->calls[i]->body, r[n - b->n + i], &b->arena);
	b->replies = replies;
	b->reply_size = sizeof(*replies);
	batch_answer(b);
}

/* One statement has its own in order; the rows of several must be taken together. */
static void add_lock(struct txn *t, const struct batch *b)
{
	struct db_args *a = db_add(t, &SQL_ACTIVE_LOCK);

	db_array(a);
	for (size_t i = 0; i < b->n; i++) {
		const struct m_job_journal *m = b->calls[i]->body;
		for (size_t k = 0; k < m->entries_n; k++)
			db_uuid(a, &m->entries[k].job);
	}
	db_array_end(a);
}

static void begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct batch *b = arg;

	if (f != NULL) {
		batch_fail(b, f);
		return;
	}
	if (b->n > 1)
		add_lock(t, b);
	for (size_t i = 0; i < b->n; i++) {
		const struct m_job_journal *m = b->calls[i]->body;
		struct db_args *a = db_add(t, &SQL_JOB_JOURNAL);
		db_uuid(a, &m->worker);
		for (int column = 0; column < COLUMNS; column++)
			add_column(a, m, (enum column)column);
	}
	CRASHPOINT("journal.before_commit");
	db_commit(t, committed, b);
}

static void start(struct batch *b)
{
	db_begin_by_key(scheduler.service->db, begun, b);
}

static void run(struct db_batch *queue, void **items, size_t n, unused void *arg)
{
	static const struct batch_parts parts =
		BATCH_PARTS(m_job_journal, entries, m_journal_entry, m_job_journaled);
	static const struct batch_kind kind = {.start = start, .parts = &parts};

	batch_run(&kind, queue, items, n);
}

void on_job_journal(struct call *call)
{
	if (scheduler.journal == NULL)
		scheduler.journal = db_batch_new(32, run, NULL);
	db_batch_put(scheduler.journal, call);
}
