// SPDX-License-Identifier: Apache-2.0
/* What time alone decides (locks.md section 7), each sweep_ms, under the watch rule (7.1): this
 * instance ends a lease or a quarantine only when it has itself watched the database clock, without
 * a step, for at least that length on its own boot-time clock. */
#include <stdlib.h>

#include "common/base/crashpoint.h"
#include "common/clock/clock.h"
#include "services/lock/profile.h"
#include "services/lock/serve.h"
#include "services/lock/sql.h"
#include "services/lock/watch.h"

enum { MINUTE_MS = 60 * 1000 };

static struct {
	struct service *service;
	struct timer *timer;
	bool running;
	uint64_t asked_boot_ms; /* own clock just before the database was asked */
	struct lock_watch watch;
	uint64_t timeline; /* that was watched */
	uint64_t minute;   /* own clock of the last upkeep */
} sweep;

/* A promoted standby may have lost the last renewals: its clock is not the one that was watched. */
static void watch(int64_t db_ms, uint64_t timeline)
{
	uint64_t now = clock_boot_ms();
	int64_t drift = watch_drift(&sweep.watch, db_ms, sweep.asked_boot_ms);

	sweep.watch.seen = sweep.watch.seen && timeline == sweep.timeline;
	sweep.timeline = timeline;
	if (watch_look(&sweep.watch, db_ms, sweep.asked_boot_ms, now) == LOCK_LOOK_STEPPED)
		log_warn(L("database clock and own clock moved apart: the watch starts anew"),
			L_INT("drift_ms", drift));
}

static const void *decide_sweep(struct work *w, struct ledger *l, struct fault *reterr)
{
	(void)reterr;
	/* the clock may have stepped between the last look and this transaction, or between the
	 * look that found the rows due and the last one: what counts is the watch as it is now */
	if (l->timeline != sweep.timeline ||
		watch_stepped(&sweep.watch, l->now_ms, clock_boot_ms()))
		return NULL;
	w->rules.watched_ms = watch_length(&sweep.watch);
	ledger_sweep(l, &w->rules);
	CRASHPOINT("expire.after_row");
	return NULL;
}

static void put_sweep(struct db_result *due)
{
	struct work *w = mem_alloc(sizeof(*w));
	struct uuid *ids;

	w->arena = mem_alloc(sizeof(*w->arena));
	arena_init(w->arena, 0);
	ids = arena_array(w->arena, (size_t)db_rows(due), sizeof(*ids));
	bug_if(ids == NULL);
	for (int i = 0; i < db_rows(due); i++)
		ids[i] = db_get_uuid(due, i, 0);
	w->devices = ids;
	w->devices_n = (size_t)db_rows(due);
	w->waiters = true;
	w->rules.silent_ms = lock_settings.silent_ms;
	w->decide = decide_sweep;
	serve_put(w);
}

/* Nobody watched meanwhile: the watch starts anew. */
static void missed(void)
{
	sweep.running = false;
	sweep.watch.seen = false;
}

static void looked(
	struct txn *t, struct db_result **results, size_t n, const struct fault *f, void *arg)
{
	(void)t;
	(void)n;
	(void)arg;
	if (f != NULL) {
		missed();
		return;
	}
	sweep.running = false;
	watch(db_get_int(results[0], 0, 0), (uint64_t)db_get_int(results[0], 0, 1));
	if (db_rows(results[1]) > 0)
		put_sweep(results[1]);
}

static void begun(
	struct txn *t, struct db_result **results, size_t n, const struct fault *f, void *arg)
{
	struct db_args *a;

	(void)results;
	(void)n;
	(void)arg;
	if (f != NULL) {
		missed();
		return;
	}
	sweep.asked_boot_ms = clock_boot_ms();
	(void)db_add(t, &sql_clock);
	a = db_add(t, &sql_due);
	db_int(a, lock_settings.silent_ms);
	db_int(a, (int64_t)watch_length(&sweep.watch));
	db_commit(t, looked, NULL);
}

static void purged(
	struct txn *t, struct db_result **results, size_t n, const struct fault *f, void *arg)
{
	(void)t;
	(void)results;
	(void)n;
	(void)f;
	(void)arg;
}

static void no_args(struct db_args *a, void *arg)
{
	(void)a;
	(void)arg;
}

static void tick(void *arg)
{
	uint64_t now = clock_boot_ms();

	(void)arg;
	if (!profile_ready())
		profile_load(sweep.service);
	if (now - sweep.minute >= MINUTE_MS) {
		sweep.minute = now;
		profile_load(sweep.service);
		db_query(sweep.service->db, &sql_purge, no_args, purged, NULL);
	}
	if (sweep.running || !db_up(sweep.service->db))
		return;
	sweep.running = true;
	db_begin(sweep.service->db, begun, NULL);
}

void sweep_start(struct service *s)
{
	sweep.service = s;
	sweep.timer = timer_new(s->loop, tick, NULL);
	timer_set(sweep.timer, lock_settings.sweep_ms, lock_settings.sweep_ms);
}
