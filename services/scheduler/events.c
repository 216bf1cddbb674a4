// SPDX-License-Identifier: Apache-2.0
/* Hints after commits. Runs that moved are looked at together ten times a second: their counts are
 * published, and a run whose jobs have all ended is ended here, by exactly one of all schedulers
 * (RL-7: the row lock decides). The sweep looks at all live runs, so a lost hint costs a second. */
#include <stdlib.h>
#include <string.h>

#include "common/base/map.h"
#include "common/log/log.h"
#include "services/scheduler/run.h"
#include "services/scheduler/scheduler.h"

#define EVERY_MS 100u
#define JOBS_PER_TURN 64u /* job events in one turn, the rest is told by the counts */
#define RUNS_PER_TURN 256u
#define FOLD_ROWS 64 /* a run's counts are folded above this many rows */

static struct {
	struct timer *timer;
	struct map runs; /* that moved; the values are uuids */
	bool busy;       /* a look is under way */
	unsigned jobs;   /* published in this turn */
} events;

/* One look at some runs. */
struct look {
	struct arena arena;
	struct uuid *runs;
	enum run_state *states; /* before, then after */
	struct m_run_counts *counts;
	bool *changed, *fold;
	size_t n;
};

static void look_end(struct look *l)
{
	arena_fini(&l->arena);
	free(l);
	events.busy = false;
}

static void publish_runs(struct db_result *r, struct look *l)
{
	for (int row = 0; row < db_rows(r); row++) {
		struct m_run run = {0};
		struct row c = {.r = r, .row = row, .arena = &l->arena};
		row_run(&c, &run);
		struct m_run_changed event = {.run = &run};
		service_publish(scheduler.service, &m_run_changed_desc, &event);
		if (run_terminal(run.state))
			log_info(L("run ended"), L_UUID("run", &run.id),
				L_STR("state", run_state_words[run.state - 1].word),
				L_INT("targets", run.counts == NULL ? 0 : run.counts->total));
	}
}

static void looked(
	unused struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct look *l = arg;

	if (f == NULL && n > 0)
		publish_runs(r[n - 1], l);
	look_end(l);
}

static void add_ids(struct db_args *a, const struct look *l, const bool *which)
{
	db_array(a);
	for (size_t i = 0; i < l->n; i++) {
		if (which == NULL || which[i])
			db_uuid(a, &l->runs[i]);
	}
	db_array_end(a);
}

static void add_changes(struct txn *t, const struct look *l)
{
	struct db_args *a = db_add(t, &SQL_RUN_CHANGE);

	add_ids(a, l, l->changed);
	db_array(a);
	for (size_t i = 0; i < l->n; i++) {
		if (l->changed[i])
			db_int(a, (int64_t)l->states[i]);
	}
	db_array_end(a);
}

static void counted(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct look *l = arg;
	bool changes = false, folds = false;

	if (f != NULL) {
		look_end(l);
		return;
	}
	for (int row = 0; row < db_rows(r[0]); row++) {
		struct uuid run = db_get_uuid(r[0], row, 0);
		for (size_t i = 0; i < l->n; i++) {
			if (!uuid_eq(&run, &l->runs[i]))
				continue;
			run_count_add(&l->counts[i], (enum job_state)db_get_int(r[0], row, 1),
				db_get_int(r[0], row, 2));
			l->fold[i] |= db_get_int(r[0], row, 3) > FOLD_ROWS;
		}
	}
	for (size_t i = 0; i < l->n; i++) {
		enum run_state now = run_end(l->states[i], &l->counts[i]);
		l->changed[i] = now != l->states[i];
		l->states[i] = now;
		l->fold[i] |= l->changed[i];
		changes |= l->changed[i];
		folds |= l->fold[i];
	}
	if (changes)
		add_changes(t, l);
	if (folds)
		add_ids(db_add(t, &SQL_RUN_FOLD), l, l->fold);
	add_ids(db_add(t, &SQL_RUN_GET), l, NULL);
	db_commit(t, looked, l);
}

/* Rows that another scheduler holds are its business. */
static void locked(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct look *l = arg;

	if (f != NULL) {
		look_end(l);
		return;
	}
	l->n = (size_t)db_rows(r[0]);
	if (l->n == 0) {
		db_rollback(t);
		look_end(l);
		return;
	}
	for (size_t i = 0; i < l->n; i++) {
		l->runs[i] = db_get_uuid(r[0], (int)i, 0);
		l->states[i] = (enum run_state)db_get_int(r[0], (int)i, 1);
	}
	add_ids(db_add(t, &SQL_RUN_COUNTS), l, NULL);
	db_step(t, counted, l);
}

static void begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct look *l = arg;

	if (f != NULL) {
		look_end(l);
		return;
	}
	add_ids(db_add(t, &SQL_RUN_LOCK), l, NULL);
	db_step(t, locked, l);
}

static void take(void *value, void *arg)
{
	struct look *l = arg;
	struct uuid *id = value;

	if (l->n == RUNS_PER_TURN)
		return;
	l->runs[l->n++] = *id;
	(void)map_remove(&events.runs, id->b, sizeof(id->b));
	free(id);
}

static void look(void)
{
	struct look *l = mem_alloc(sizeof(*l));

	arena_init(&l->arena, 0);
	l->runs = arena_array(&l->arena, RUNS_PER_TURN, sizeof(*l->runs));
	l->states = arena_array(&l->arena, RUNS_PER_TURN, sizeof(*l->states));
	l->counts = arena_array(&l->arena, RUNS_PER_TURN, sizeof(*l->counts));
	l->changed = arena_array(&l->arena, RUNS_PER_TURN, sizeof(bool));
	l->fold = arena_array(&l->arena, RUNS_PER_TURN, sizeof(bool));
	bug_if(!l->runs || !l->states || !l->counts || !l->changed || !l->fold);
	map_each(&events.runs, take, l);
	events.busy = true;
	db_begin(scheduler.service->db, begun, l);
}

static void turn(unused void *arg)
{
	events.jobs = 0;
	if (events.runs.n > 0 && !events.busy)
		look();
}

void events_start(void)
{
	events.timer = timer_new(scheduler.service->loop, turn, NULL);
	timer_set(events.timer, EVERY_MS, EVERY_MS);
}

void events_run(const struct uuid *run)
{
	if (map_get(&events.runs, run->b, sizeof(run->b)) != NULL)
		return;
	struct uuid *copy = mem_alloc(sizeof(*copy));
	*copy = *run;
	(void)map_put(&events.runs, run->b, sizeof(run->b), copy);
}

void events_job(const struct m_job_changed *e)
{
	if (events.jobs++ < JOBS_PER_TURN)
		service_publish(scheduler.service, &m_job_changed_desc, e);
}

/* At once: it is what the start of a run waits for. */
void events_ready(const char *pool)
{
	struct m_jobs_ready event = {.pool = pool};

	service_publish(scheduler.service, &m_jobs_ready_desc, &event);
}

void events_device(const struct uuid *device, enum device_state state, const char *cause)
{
	struct m_device_changed event = {.device = *device, .state = state, .cause = cause};

	service_publish(scheduler.service, &m_device_changed_desc, &event);
}
