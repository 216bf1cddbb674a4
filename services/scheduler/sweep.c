// SPDX-License-Identifier: Apache-2.0
/* Maintenance, each tick, by every scheduler at once: rows that another one holds are passed by.
 * What is due becomes ready, ended leases are collected, deadlines and cancellations are carried
 * on, plans nobody approved expire, runs nobody confirmed are put back, runs are looked at.
 * Everything here can be done twice or be late without harm. */
#include <stdlib.h>

#include "common/base/crashpoint.h"
#include "services/scheduler/sequence.h"

#define READY_PER_TICK 20000
#define PURGE_EVERY 3600 /* ticks */
#define MINUTE 60        /* ticks */
#define FORGET_JOBS 5000 /* of the history, at one time */

static struct {
	bool busy, forgetting;
	bool released; /* jobs, in the transaction under way */
	unsigned ticks;
} sweep;

static void forget(void);

static void done(unused struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, unused void *arg)
{
	sweep.busy = false;
	if (f == NULL && sweep.released)
		events_ready(""); /* the pools are not told apart: who waits, asks */
}

/* ---- history (FL-60): once an hour, until nothing is old any more ---- */

static void forget_args(struct db_args *a, unused void *arg)
{
	db_int(a, scheduler.config.history_days);
	db_int(a, FORGET_JOBS);
}

static void forgotten(unused struct txn *t, struct db_result **r, unused size_t n,
	const struct fault *f, unused void *arg)
{
	sweep.forgetting = false;
	if (f == NULL && db_get_int(r[0], 0, 0) > 0)
		forget();
}

static void forget(void)
{
	if (sweep.forgetting || scheduler.service->stopping)
		return;
	sweep.forgetting = true;
	db_query(scheduler.service->db, &SQL_PURGE_HISTORY, forget_args, forgotten, NULL);
}

/* ---- live runs: deadline, cancel, end ---- */

/* A wave that is more than one statement takes. */
static void release(struct txn *t, const struct db_result *r)
{
	for (int row = 0; row < db_rows(r); row++) {
		struct uuid run = db_get_uuid(r, row, 0);
		struct db_args *a = db_add(t, &SQL_HELD_READY);
		db_uuid(a, &run);
		db_int(a, db_get_int(r, row, 1));
	}
	sweep.released = db_rows(r) > 0;
}

static void runs_read(struct txn *t, struct db_result **r, unused size_t n, const struct fault *f,
	unused void *arg)
{
	if (f != NULL) {
		sweep.busy = false;
		return;
	}
	for (int row = 0; row < db_rows(r[1]); row++) {
		struct uuid run = db_get_uuid(r[1], row, 0);
		stop_run(t, &run, JOB_STATE_MISSED, CN_APPROVAL_EXPIRED);
		db_uuid(db_add(t, &SQL_APPROVAL_ENDED), &run);
		sequence_over(t, &run);
		events_run(&run);
	}
	for (int row = 0; row < db_rows(r[2]); row++) {
		struct uuid put_back = db_get_uuid(r[2], row, 1);
		events_run(&put_back);
	}
	release(t, r[3]);
	CRASHPOINT("sweep.runs");
	for (int row = 0; row < db_rows(r[0]); row++) {
		struct uuid run = db_get_uuid(r[0], row, 0);
		enum run_state state = (enum run_state)db_get_int(r[0], row, 1);
		if (state == RUN_STATE_CANCELLING)
			stop_run(t, &run, JOB_STATE_CANCELLED, CN_CANCELLED_BY_USER);
		else if (state == RUN_STATE_ABORTING)
			stop_run(t, &run, JOB_STATE_CANCELLED, CN_CANCELLED_BY_BUDGET);
		else if (db_get_bool(r[0], row, 2))
			stop_run(t, &run, JOB_STATE_MISSED, CN_RUN_DEADLINE);
		events_run(&run);
	}
	CRASHPOINT("sweep.before_commit");
	db_commit(t, done, NULL);
}

static void runs_begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, unused void *arg)
{
	if (f != NULL) {
		sweep.busy = false;
		return;
	}
	(void)db_add(t, &SQL_RUN_LIVE);
	(void)db_add(t, &SQL_APPROVAL_OVER);
	db_int(db_add(t, &SQL_CONFIRM_OVER), scheduler.config.run_deadline_ms);
	(void)db_add(t, &SQL_HELD_MORE);
	db_step(t, runs_read, NULL);
}

/* ---- what is due ---- */

static void tell_pools(const struct db_result *r)
{
	for (int row = 0; row < db_rows(r); row++)
		events_ready(db_get_text(r, row, 0));
}

static void due_done(unused struct txn *t, struct db_result **r, size_t n, const struct fault *f,
	unused void *arg)
{
	if (f != NULL || n < 4) {
		sweep.busy = false;
		return;
	}
	tell_pools(r[0]);
	tell_pools(r[2]);
	for (int row = 0; row < db_rows(r[3]); row++) {
		struct uuid device = db_get_uuid(r[3], row, 0);
		events_device(&device, DEVICE_STATE_ENROLLED, NULL);
	}
	db_begin(scheduler.service->db, runs_begun, NULL);
}

static void due_begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, unused void *arg)
{
	if (f != NULL) {
		sweep.busy = false;
		return;
	}
	db_int(db_add(t, &SQL_LATER_READY), READY_PER_TICK);
	(void)db_add(t, &SQL_SUSPECT_LOCK);
	(void)db_add(t, &SQL_SUSPECT_READY);
	(void)db_add(t, &SQL_HOLD_OVER);
	(void)db_add(t, &SQL_ACTIVE_CUT);
	if (sweep.ticks % MINUTE == 0)
		told_minute();
	if (sweep.ticks++ % PURGE_EVERY == 0) {
		(void)db_add(t, &SQL_PURGE);
		forget();
		told_hour();
	}
	db_commit(t, due_done, NULL);
}

static void tick(unused void *arg)
{
	if (scheduler.service->stopping || !db_up(scheduler.service->db))
		return;
	planner_tick();
	if (sweep.busy)
		return;
	sweep.busy = true;
	orphans_expired();
	db_begin(scheduler.service->db, due_begun, NULL);
}

void sweep_start(void)
{
	scheduler.tick = timer_new(scheduler.service->loop, tick, NULL);
	timer_set(scheduler.tick, 1, (uint64_t)scheduler.config.tick_ms);
}
