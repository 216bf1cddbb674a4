// SPDX-License-Identifier: Apache-2.0
/* Runs in state opening get their list, one after the other, whoever made them: a firing, an
 * approved plan of a schedule, the revert at a deadline, a restart. One that cannot get it ends and
 * says why; one that may get it later lets the others go first; one whose deadline passes meanwhile
 * is missed (RL-8). A scheduler that dies leaves a run that any other one opens. */
#include <stdlib.h>

#include "common/log/log.h"
#include "common/metrics/metrics.h"
#include "services/scheduler/scheduler.h"

#define LATER_MS 60000 /* the database was slow, or away */
#define AGAIN_MS 1000  /* others were in the way */

struct opener {
	struct arena arena;
	struct m_targets none;
	struct opening opening;
	int64_t later_ms; /* it could not be opened: tried again then; 0 = it ends */
	const char *cause;
};

static bool opening;

static void over(struct opener *o)
{
	opening = false;
	arena_fini(&o->arena);
	free(o);
}

/* ---- a run that was not opened ---- */

static void ended(
	unused struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct opener *o = arg;

	if (f == NULL)
		runs_publish(r[n - 1], &o->arena);
	over(o);
	if (f == NULL)
		opener_next();
}

/* No list was made: the run has no jobs, and never will. */
static void end_run(struct opener *o, struct txn *t, enum run_state state)
{
	struct db_args *a = db_add(t, &SQL_OPENING_ENDS);

	db_uuid(a, &o->opening.run);
	db_int(a, (int64_t)state);
	db_text(a, o->cause);
	run_get_add(t, &o->opening.run);
	db_commit(t, ended, o);
}

static void put_off(unused struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	over(arg);
	if (f == NULL)
		opener_next();
}

static void failed_begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct opener *o = arg;

	if (f != NULL) {
		over(o);
	} else if (o->later_ms == 0) {
		end_run(o, t, RUN_STATE_FAILED);
	} else {
		struct db_args *a = db_add(t, &SQL_OPENING_LATER);
		db_uuid(a, &o->opening.run);
		db_int(a, o->later_ms);
		db_commit(t, put_off, o);
	}
}

static void failed(struct opener *o, const struct fault *f)
{
	log_warn(L("a run could not be opened"), L_UUID("run", &o->opening.run), L_FAULT(f));
	metric_add(metric_counter("carnet_runs_not_opened_total", "",
			   "attempts to open a run that failed"),
		1);
	if (!fault_of_row(f))
		o->later_ms = db_transient(f) ? AGAIN_MS : LATER_MS;
	o->cause = error_info(f->code)->name;
	db_begin(scheduler.service->db, failed_begun, o);
}

/* ---- the next one ---- */

static void committed(unused struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct opener *o = arg;

	if (f != NULL) {
		failed(o, f);
		return;
	}
	opening_tell(&o->opening);
	events_run(&o->opening.run);
	over(o);
	opener_next();
}

static void listed(struct txn *t, const struct fault *f, void *arg)
{
	if (f == NULL)
		db_commit(t, committed, arg);
	else
		failed(arg, f);
}

static void found(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct opener *p = arg;

	if (f != NULL || db_rows(r[n - 1]) == 0) {
		if (f == NULL)
			db_rollback(t);
		over(p);
		return;
	}
	struct row c = {.r = r[n - 1], .arena = &p->arena};
	struct opening *o = &p->opening;
	o->run = row_uuid(&c);
	o->task = row_uuid(&c);
	o->kind = row_text(&c);
	o->targets = json_read(&m_targets_desc, db_get_text(c.r, 0, c.col++), &p->arena);
	o->previous = row_uuid(&c);
	o->from_run = row_bool(&c);
	if (o->targets == NULL)
		o->targets = &p->none;
	p->cause = error_info(CN_RUN_DEADLINE)->name;
	if (row_bool(&c))
		end_run(p, t, RUN_STATE_MISSED);
	else
		opening_start(t, o, &p->arena, listed, p);
}

static void begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	if (f != NULL) {
		over(arg);
		return;
	}
	(void)db_add(t, &SQL_ONE_SNAPSHOT);
	(void)db_add(t, &SQL_RUN_OPENING);
	db_step(t, found, arg);
}

void opener_next(void)
{
	if (opening || scheduler.service->stopping)
		return;
	struct opener *o = mem_alloc(sizeof(*o));

	*o = (struct opener){.later_ms = 0};
	arena_init(&o->arena, 0);
	opening = true;
	db_begin(scheduler.service->db, begun, o);
}
