// SPDX-License-Identifier: Apache-2.0
/* The planner: each firing becomes one run, whoever plans (FL-33). First transaction: due tasks are
 * taken with SKIP LOCKED, their firings written under two unique keys, their runs made in state
 * opening, the next firing planned. Second: runs in state opening get their list. A planner that
 * dies between the two leaves a run that any other one opens. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/crashpoint.h"
#include "common/clock/clock.h"
#include "common/log/log.h"
#include "services/scheduler/kind.h"
#include "services/scheduler/run.h"
#include "services/scheduler/schedule.h"
#include "services/scheduler/scheduler.h"

#define TASKS_PER_TICK 16
#define MISSED_MAX 100u /* firings recorded as missed after a downtime */

struct plan {
	struct arena arena;
	struct uuid run;
	struct m_targets none;
	struct opening opening;
};

static bool planning, opening;

static struct plan *plan_new(void)
{
	struct plan *p = mem_alloc(sizeof(*p));

	arena_init(&p->arena, 0);
	return p;
}

static void plan_free(struct plan *p)
{
	arena_fini(&p->arena);
	free(p);
}

/* ---- runs in state opening ---- */

static void open_next(void);

static void open_committed(unused struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct plan *p = arg;

	opening = false;
	if (f == NULL) {
		opening_tell(&p->opening);
		events_run(&p->run);
		open_next();
	}
	plan_free(p);
}

static void open_ended(struct txn *t, const struct fault *f, void *arg)
{
	struct plan *p = arg;

	if (f == NULL) {
		db_commit(t, open_committed, p);
		return;
	}
	log_warn(L("a run could not be opened"), L_UUID("run", &p->run), L_FAULT(f));
	opening = false;
	plan_free(p);
}

static void open_found(
	struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct plan *p = arg;

	if (f != NULL || db_rows(r[n - 1]) == 0) {
		if (f == NULL)
			db_rollback(t);
		opening = false;
		plan_free(p);
		return;
	}
	struct row c = {.r = r[n - 1], .arena = &p->arena};
	struct opening *o = &p->opening;
	o->run = row_uuid(&c);
	p->run = o->run;
	o->task = row_uuid(&c);
	o->kind = row_text(&c);
	o->targets = json_read(&m_targets_desc, db_get_text(c.r, 0, c.col++), &p->arena);
	o->previous = row_uuid(&c);
	o->from_run = row_bool(&c);
	if (o->targets == NULL)
		o->targets = &p->none;
	opening_start(t, o, &p->arena, open_ended, p);
}

static void open_begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	if (f != NULL) {
		opening = false;
		plan_free(arg);
		return;
	}
	(void)db_add(t, &SQL_ONE_SNAPSHOT);
	(void)db_add(t, &SQL_RUN_OPENING);
	db_step(t, open_found, arg);
}

static void open_next(void)
{
	if (opening)
		return;
	opening = true;
	db_begin(scheduler.service->db, open_begun, plan_new());
}

/* ---- due tasks ---- */

static void add_firing(
	struct txn *t, const struct uuid *task, const struct firing *f, const struct uuid *run)
{
	struct db_args *a = db_add(t, &SQL_FIRING_INSERT);

	db_uuid(a, task);
	db_time_ms(a, f->due_ms);
	db_text(a, f->local);
	db_uuid(a, run);
}

static void fire(struct txn *t, const struct m_task *task, const char *local, int64_t now)
{
	struct firing missed[MISSED_MAX], first = {.due_ms = task->next_at};
	struct catch_up c = {.runs = true};
	struct schedule schedule;
	struct fault f = FAULT_INIT;

	(void)snprintf(first.local, sizeof(first.local), "%s", local);
	if (schedule_read(task->schedule, task->created_at, &schedule, &f) < 0)
		schedule = (struct schedule){.form = SCHEDULE_FORM_MANUAL};
	schedule_catch_up(&schedule, &first, now, missed, MISSED_MAX, &c);
	for (size_t i = 0; i < c.n_missed; i++)
		add_firing(t, &task->id, &missed[i], NULL);
	/* the run's id is made before, so that the firing can name it; without the firing's row
	 * there is no run: the statement joins both */
	struct uuid run = uuid_v7(clock_wall_ms());
	add_firing(t, &task->id, &c.newest, c.runs ? &run : NULL);
	if (c.runs) {
		struct db_args *a = db_add(t, &SQL_RUN_OF_FIRING);
		db_uuid(a, &run);
		db_uuid(a, &task->id);
		db_int(a, RUN_STATE_OPENING);
		db_time_ms(a, c.newest.due_ms);
		db_int(a, scheduler.config.run_deadline_ms);
		db_int(a, JOB_ERRORS_MAX);
		db_int(a, JOB_CRASHES_MAX);
		db_int(a, kind_plans(task->kind) ? RUN_PHASE_PLAN : 0);
	}
	struct db_args *a = db_add(t, &SQL_TASK_FIRED);
	db_uuid(a, &task->id);
	db_time_ms(a, c.has_next ? c.next.due_ms : 0);
	db_text(a, c.has_next ? c.next.local : NULL);
}

static void plan_committed(unused struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	planning = false;
	plan_free(arg);
	if (f != NULL)
		return;
	CRASHPOINT("tick.after_insert");
	open_next();
}

static void due_found(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct plan *p = arg;

	if (f != NULL) {
		planning = false;
		plan_free(p);
		return;
	}
	if (db_rows(r[0]) == 0) {
		db_rollback(t);
		planning = false;
		plan_free(p);
		open_next();
		return;
	}
	CRASHPOINT("tick.before_insert");
	for (int row = 0; row < db_rows(r[0]); row++) {
		struct row c = {.r = r[0], .row = row, .arena = &p->arena};
		struct m_task task = {0};
		row_task(&c, &task);
		const char *local = row_text(&c);
		fire(t, &task, local == NULL ? "" : local, row_time(&c));
	}
	db_commit(t, plan_committed, p);
}

static void due_begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	if (f != NULL) {
		planning = false;
		plan_free(arg);
		return;
	}
	db_int(db_add(t, &SQL_TASK_DUE), TASKS_PER_TICK);
	db_step(t, due_found, arg);
}

void planner_tick(void)
{
	if (planning)
		return;
	planning = true;
	db_begin(scheduler.service->db, due_begun, plan_new());
}
