// SPDX-License-Identifier: Apache-2.0
/* job_renew: all leases of a worker in one statement (RL-4). What is not its own any more, it
 * loses; what a person cancelled, it hears here. */
#include <stdlib.h>

#include "common/base/crashpoint.h"
#include "common/base/map.h"
#include "common/clock/clock.h"
#include "services/scheduler/batch.h"

#define SEEN_EVERY_MS 5000u
#define SEEN_PER_LEASE 6u /* a live worker is seen in the second half of each lease */

void worker_seen(struct txn *t, const struct uuid *worker, const char *pool)
{
	static struct map seen; /* worker → when it was noted */
	uint64_t now = clock_mono_ms();
	uint64_t every = (uint64_t)scheduler.config.lease_ms / SEEN_PER_LEASE;
	uint64_t *at = map_get(&seen, worker->b, sizeof(worker->b));

	if (at != NULL && now - *at < (every < SEEN_EVERY_MS ? every : SEEN_EVERY_MS))
		return;
	if (at == NULL) {
		at = mem_alloc(sizeof(*at));
		(void)map_put(&seen, worker->b, sizeof(worker->b), at);
	}
	*at = now;
	struct db_args *a = db_add(t, &SQL_WORKER_SEEN);
	db_uuid(a, worker);
	db_text(a, pool == NULL ? "" : pool);
}

/* All rows first, in the one order of SQL_ACTIVE_LOCK. */
static void add_lock(struct txn *t, const struct batch *b)
{
	struct db_args *a = db_add(t, &SQL_ACTIVE_LOCK);

	db_array(a);
	for (size_t i = 0; i < b->n; i++) {
		const struct m_job_renew *m = b->calls[i]->body;
		for (size_t k = 0; k < m->jobs_n; k++)
			db_uuid(a, &m->jobs[k].job);
	}
	db_array_end(a);
}

static void add_renewal(struct txn *t, const struct m_job_renew *m)
{
	struct db_args *a = db_add(t, &SQL_JOB_RENEW);

	db_uuid(a, &m->worker);
	db_array(a);
	for (size_t i = 0; i < m->jobs_n; i++)
		db_uuid(a, &m->jobs[i].job);
	db_array_end(a);
	db_array(a);
	for (size_t i = 0; i < m->jobs_n; i++)
		db_int(a, (int64_t)m->jobs[i].attempt);
	db_array_end(a);
	db_array(a);
	for (size_t i = 0; i < m->jobs_n; i++)
		db_int(a, (int64_t)m->jobs[i].progress);
	db_array_end(a);
	db_int(a, scheduler.config.lease_ms);
}

/* The jobs asked for less those renewed. */
static void fill_reply(struct m_job_renewed *reply, const struct m_job_renew *m,
	struct db_result *r, struct arena *arena)
{
	struct map kept = MAP_INIT;
	struct uuid *lost = arena_array(arena, m->jobs_n + 1, sizeof(*lost));
	struct uuid *cancel = arena_array(arena, (size_t)db_rows(r) + 1, sizeof(*cancel));

	bug_if(lost == NULL || cancel == NULL);
	for (int row = 0; row < db_rows(r); row++) {
		struct uuid id = db_get_uuid(r, row, 0);
		(void)map_put(&kept, id.b, sizeof(id.b), &kept);
		if (db_get_bool(r, row, 1))
			cancel[reply->cancel_n++] = id;
	}
	for (size_t i = 0; i < m->jobs_n; i++) {
		if (map_get(&kept, m->jobs[i].job.b, sizeof(struct uuid)) == NULL)
			lost[reply->lost_n++] = m->jobs[i].job;
	}
	map_fini(&kept);
	reply->lost = lost;
	reply->cancel = cancel;
	reply->lease_ms = (uint64_t)scheduler.config.lease_ms;
}

static void committed(unused struct txn *t, struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct batch *b = arg;
	struct m_job_renewed *replies = arena_array(&b->arena, b->n, sizeof(*replies));

	if (f != NULL) {
		batch_fail(b, f);
		return;
	}
	CRASHPOINT("renew.after_commit");
	bug_if(replies == NULL);
	for (size_t i = 0; i < b->n; i++)
		fill_reply(&replies[i], b->calls[i]->body, r[i + 1], &b->arena);
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
	for (size_t i = 0; i < b->n; i++)
		add_renewal(t, b->calls[i]->body);
	for (size_t i = 0; i < b->n; i++) {
		const struct m_job_renew *m = b->calls[i]->body;
		worker_seen(t, &m->worker, NULL);
	}
	db_commit(t, committed, b);
}

static void start(struct batch *b)
{
	db_begin_by_key(scheduler.service->db, begun, b);
}

static void run(struct db_batch *queue, void **items, size_t n, unused void *arg)
{
	static const struct batch_kind kind = {.start = start};

	batch_run(&kind, queue, items, n);
}

void on_job_renew(struct call *call)
{
	if (scheduler.renewals == NULL)
		scheduler.renewals = db_batch_new(16, run, NULL);
	db_batch_put(scheduler.renewals, call);
}
