// SPDX-License-Identifier: Apache-2.0
/* The planner: each firing becomes one run, whoever plans (FL-33). One transaction: due tasks are
 * taken with SKIP LOCKED, their firings written under two unique keys, their runs made in state
 * opening (opener.c goes on), the next firing planned. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/crashpoint.h"
#include "common/clock/clock.h"
#include "common/log/log.h"
#include "common/metrics/metrics.h"
#include "services/scheduler/kind.h"
#include "services/scheduler/local.h"
#include "services/scheduler/run.h"
#include "services/scheduler/schedule.h"
#include "services/scheduler/zones.h"

#define TASKS_PER_TICK 16
#define MEMBERS_MS 600000    /* who they are is looked at so often */
#define ASIDE_MS 600000      /* a task whose firing cannot be written */
#define BEHIND_MAX_MS 600000 /* who is behind for longer was away */

/* A task whose firing is due, or whose members are to be looked at again. */
struct due {
	struct m_task task;
	const char *local; /* the occurrence */
	int64_t now_ms;
	struct zones zones; /* of its members, when each has its own time */
};

struct plan {
	struct arena arena;
	struct due *due;
	size_t n, looked;
	int64_t most; /* so many at a time */
	struct uuid missed[TASKS_PER_TICK];
	size_t n_missed;
};

static bool planning;
static int64_t behind_ms; /* when this planner began with what is due; 0 = nothing was left */
static unsigned alone;    /* ticks to come that fire one task: the batch failed, for one of them */
static bool
	blind; /* members of some task could not be found: fire without, the rest must not wait */

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

static void add_firing(struct txn *t, const struct uuid *task, const struct firing *f,
	const struct uuid *run, uint64_t n)
{
	struct db_args *a = db_add(t, &SQL_FIRING_INSERT);

	db_uuid(a, task);
	db_time_ms(a, f->due_ms);
	db_text(a, f->local);
	db_uuid(a, run);
	db_int(a, (int64_t)n);
}

static void add_run(
	struct txn *t, const struct m_task *task, const struct uuid *run, const struct firing *f)
{
	struct db_args *a = db_add(t, &SQL_RUN_OF_FIRING);
	bool own = schedule_by_target(task->schedule);

	db_uuid(a, run);
	db_uuid(a, &task->id);
	db_int(a, RUN_STATE_OPENING);
	db_time_ms(a, f->due_ms);
	db_int(a, scheduler.config.run_deadline_ms);
	db_int(a, JOB_ERRORS_MAX);
	db_int(a, JOB_CRASHES_MAX);
	db_int(a, kind_plans(task->kind) ? RUN_PHASE_PLAN : 0);
	if (!own && (task->schedule == NULL || task->schedule->jitter == 0))
		return;
	a = db_add(t, &SQL_RUN_AT);
	db_uuid(a, run);
	db_text(a, own ? f->local : NULL);
	db_int(a, (int64_t)task->schedule->jitter);
}

static void set_next(struct txn *t, const struct m_task *task, const struct firing *next)
{
	struct db_args *a = db_add(t, &SQL_TASK_FIRED);

	db_uuid(a, &task->id);
	db_time_ms(a, next == NULL ? 0 : next->due_ms);
	db_text(a, next == NULL ? NULL : next->local);
	if (!schedule_by_target(task->schedule))
		return;
	a = db_add(t, &SQL_TASK_REPLAN);
	db_uuid(a, &task->id);
	db_int(a, MEMBERS_MS);
}

/* The firing that is planned, by the zones of today: a member may have come or gone. */
static struct firing planned(const struct due *d)
{
	struct firing f = {.due_ms = d->task.next_at};
	int64_t floating, first = INT64_MAX;

	(void)snprintf(f.local, sizeof(f.local), "%s", d->local == NULL ? "" : d->local);
	for (size_t i = 0; i < d->zones.n && local_moment(f.local, &floating); i++) {
		int64_t at = zone_instant(d->zones.list[i], floating, NULL) * 1000;
		first = at < first ? at : first;
	}
	if (first != INT64_MAX)
		f.due_ms = first;
	return f;
}

/* Firings that come to nothing are a run, too, one for all in a row: it is shown and told. */
static void add_missed(struct txn *t, struct plan *p, const struct m_task *task,
	const struct firing *first, const struct catch_up *c)
{
	struct uuid run = uuid_v7(clock_wall_ms());

	log_warn(L("firings were missed"), L_UUID("task", &task->id), L_UUID("run", &run),
		L_STR("first", first->local), L_INT("n", c->missed));
	add_firing(t, &task->id, first, &run, c->missed);
	add_run(t, task, &run, first);
	struct db_args *a = db_add(t, &SQL_RUN_MISSED);
	db_uuid(a, &run);
	db_int(a, (int64_t)c->missed);
	p->missed[p->n_missed++] = run;
}

static void fire(struct txn *t, struct plan *p, const struct due *d)
{
	const struct m_task *task = &d->task;
	struct firing first = planned(d);
	struct due_now now = {d->now_ms, task->next_at, behind_ms};
	struct schedule schedule;
	struct catch_up c;
	struct fault f = FAULT_INIT;

	if (first.due_ms > d->now_ms) {
		set_next(t, task, &first);
		return;
	}
	if (schedule_read(task->schedule, task->created_at, &schedule, &f) < 0)
		schedule = (struct schedule){
			.form = SCHEDULE_FORM_MANUAL, .late_ms = SCHEDULE_LATE_MS};
	else if (schedule_by_target(task->schedule))
		schedule_over(&schedule, task->schedule, d->zones.list, d->zones.n);
	schedule_catch_up(&schedule, &first, &now, &c);
	if (c.missed > 0)
		add_missed(t, p, task, &first, &c);
	if (c.runs) {
		/* the run's id is made before, so that the firing can name it; without the
		 * firing's row there is no run: the statement joins both */
		struct uuid run = uuid_v7(clock_wall_ms());
		add_firing(t, &task->id, &c.newest, &run, 1);
		add_run(t, task, &run, &c.newest);
	}
	set_next(t, task, c.has_next ? &c.next : NULL);
}

static void tell_missed(struct txn *t, const struct plan *p)
{
	struct db_args *a = db_add(t, &SQL_RUN_GET);

	db_array(a);
	for (size_t i = 0; i < p->n_missed; i++)
		db_uuid(a, &p->missed[i]);
	db_array_end(a);
}

static void given_up(struct plan *p)
{
	planning = false;
	plan_free(p);
}

static void set_aside(unused struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	given_up(arg);
	if (f == NULL)
		planner_tick();
}

static void aside_args(struct db_args *a, void *arg)
{
	const struct plan *p = arg;

	db_uuid(a, &p->due[0].task.id);
	db_int(a, ASIDE_MS);
}

/* One task must not hold up the others (RL-8): of several each is tried by itself, then. */
static void not_written(struct plan *p, const struct fault *f)
{
	if (!fault_of_row(f)) {
		given_up(p);
		return;
	}
	if (p->n > 1) {
		alone = TASKS_PER_TICK;
		given_up(p);
		planner_tick();
		return;
	}
	log_error(L("a task cannot be fired and is set aside"), L_UUID("task", &p->due[0].task.id),
		L_INT("minutes", ASIDE_MS / 60000), L_FAULT(f));
	metric_add(metric_counter("carnet_tasks_set_aside_total", "",
			   "tasks whose firing could not be written"),
		1);
	db_query(scheduler.service->db, &SQL_TASK_ASIDE, aside_args, set_aside, p);
}

static void plan_committed(
	unused struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct plan *p = arg;
	bool full = p->n == (size_t)p->most;

	if (f != NULL) {
		not_written(p, f);
		return;
	}
	CRASHPOINT("tick.after_insert");
	if (p->n_missed > 0)
		runs_publish(r[n - 1], &p->arena);
	given_up(p);
	opener_next();
	if (full)
		planner_tick();
	else
		behind_ms = 0;
}

static void look_at_members(struct txn *t, struct plan *p);

static void members_seen(struct txn *t, const struct zones *zones, const struct fault *f, void *arg)
{
	struct plan *p = arg;

	if (f != NULL) {
		log_warn(L("the members of a task could not be found"),
			L_UUID("task", &p->due[p->looked].task.id), L_FAULT(f));
		blind = true;
		given_up(p);
		return;
	}
	p->due[p->looked++].zones = *zones;
	look_at_members(t, p);
}

/* One task after the other; then all fire. */
static void look_at_members(struct txn *t, struct plan *p)
{
	for (; p->looked < p->n; p->looked++) {
		const struct m_task *task = &p->due[p->looked].task;
		if (blind || !schedule_by_target(task->schedule) || task->targets == NULL)
			continue;
		zones_of(t, &(struct zones_asked){.task = task->id, .targets = task->targets},
			&p->arena, members_seen, p);
		return;
	}
	blind = false;
	CRASHPOINT("tick.before_insert");
	for (size_t i = 0; i < p->n; i++)
		fire(t, p, &p->due[i]);
	if (p->n_missed > 0)
		tell_missed(t, p);
	db_commit(t, plan_committed, p);
}

static void due_found(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct plan *p = arg;

	if (f != NULL) {
		given_up(p);
		return;
	}
	if (db_rows(r[0]) == 0) {
		db_rollback(t);
		behind_ms = 0;
		given_up(p);
		opener_next();
		return;
	}
	p->due = arena_array(&p->arena, (size_t)db_rows(r[0]), sizeof(*p->due));
	bug_if(p->due == NULL);
	for (; p->n < (size_t)db_rows(r[0]); p->n++) {
		struct row c = {.r = r[0], .row = (int)p->n, .arena = &p->arena};
		struct due *d = &p->due[p->n];
		*d = (struct due){.zones = {.n = 0}};
		row_task(&c, &d->task);
		d->local = row_text(&c);
		d->now_ms = row_time(&c);
	}
	if (behind_ms == 0 || p->due[0].now_ms - behind_ms > BEHIND_MAX_MS)
		behind_ms = p->due[0].now_ms;
	look_at_members(t, p);
}

static void due_begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct plan *p = arg;

	if (f != NULL) {
		given_up(p);
		return;
	}
	p->most = alone > 0 ? 1 : TASKS_PER_TICK;
	alone -= alone > 0;
	db_int(db_add(t, &SQL_TASK_DUE), p->most);
	db_step(t, due_found, arg);
}

void planner_tick(void)
{
	if (planning || scheduler.service->stopping)
		return;
	planning = true;
	db_begin(scheduler.service->db, due_begun, plan_new());
}
