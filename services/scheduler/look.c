// SPDX-License-Identifier: Apache-2.0
/* A look at runs that moved. One transaction: lock the runs that nobody else holds, count their
 * jobs, ask more about those at a wave's or a plan's end, write what follows. */
#include "services/scheduler/look.h"

#include <stdlib.h>

#include "common/base/crashpoint.h"
#include "common/log/log.h"
#include "services/scheduler/run.h"
#include "services/scheduler/sequence.h"

#define RUNS_MAX 256u
#define FOLD_ROWS 64 /* a run's counts are folded above this many rows */

/* What a plan came to, one row of SQL_PLAN_TOTALS. */
struct closing {
	struct span hash;
	const char *totals;
	bool changes;  /* on any device */
	bool approved; /* its task's scheduled firings may apply a plan */
	bool same;     /* this one */
};

struct seen_run {
	struct uuid id;
	enum run_state was, now;
	struct run_rules rules;
	bool batch; /* its jobs follow each other (FL-26) */
	bool went_on;
	struct m_run_counts counts;
	const char *cause; /* of the new state, or NULL */
	bool fold, release;
	bool at_wave_end, at_plan_end;
	struct closing *closing;
};

struct look {
	struct arena arena;
	struct uuid *ids;
	size_t n_ids;
	struct seen_run *runs;
	size_t n;
	void (*done)(void *arg);
	void *arg;
};

static void end(struct look *l)
{
	void (*done)(void *arg) = l->done;
	void *arg = l->arg;

	arena_fini(&l->arena);
	free(l);
	done(arg);
}

/* ---- step 4: it is written ---- */

void runs_publish(struct db_result *r, struct arena *arena)
{
	for (int row = 0; row < db_rows(r); row++) {
		struct m_run run = {0};
		struct row c = {.r = r, .row = row, .arena = arena};
		row_run(&c, &run);
		struct m_run_changed event = {.run = &run};
		service_publish(scheduler.service, &m_run_changed_desc, &event);
		if (run_terminal(run.state))
			log_info(L("run ended"), L_UUID("run", &run.id),
				L_STR("state", run_state_words[run.state - 1].word),
				L_INT("targets", run.counts == NULL ? 0 : run.counts->total));
	}
}

static void written(
	unused struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct look *l = arg;

	if (f == NULL && n > 0)
		runs_publish(r[n - 1], &l->arena);
	for (size_t i = 0; f == NULL && i < l->n; i++) {
		if (l->runs[i].release ||
			l->runs[i].went_on) /* the pools are not told apart: who waits, asks */
			events_ready("");
		if (l->runs[i].went_on) /* there may be more */
			events_run(&l->runs[i].id);
	}
	end(l);
}

static bool changed(const struct seen_run *s)
{
	return s->now != s->was;
}

static bool folds(const struct seen_run *s)
{
	return s->fold || changed(s);
}

static bool wave_ends(const struct seen_run *s)
{
	return s->at_wave_end;
}

static bool plan_ends(const struct seen_run *s)
{
	return s->at_plan_end;
}

static size_t add_ids(
	struct db_args *a, const struct look *l, bool (*which)(const struct seen_run *s))
{
	size_t n = 0;

	db_array(a);
	for (size_t i = 0; i < l->n; i++) {
		if (which != NULL && !which(&l->runs[i]))
			continue;
		db_uuid(a, &l->runs[i].id);
		n++;
	}
	db_array_end(a);
	return n;
}

static bool any(const struct look *l, bool (*which)(const struct seen_run *s))
{
	for (size_t i = 0; i < l->n; i++) {
		if (which(&l->runs[i]))
			return true;
	}
	return false;
}

static void add_changes(struct txn *t, const struct look *l)
{
	struct db_args *a = db_add(t, &SQL_RUN_CHANGE);

	(void)add_ids(a, l, changed);
	db_array(a);
	for (size_t i = 0; i < l->n; i++) {
		if (changed(&l->runs[i]))
			db_int(a, (int64_t)l->runs[i].now);
	}
	db_array_end(a);
	db_array(a);
	for (size_t i = 0; i < l->n; i++) {
		if (changed(&l->runs[i]))
			db_text(a, l->runs[i].cause);
	}
	db_array_end(a);
}

static void add_closing(struct txn *t, const struct seen_run *s)
{
	const struct closing *c = s->closing;
	bool asks = s->now == RUN_STATE_AWAITING_APPROVAL;
	struct db_args *a = db_add(t, &SQL_PLAN_MADE);

	db_uuid(a, &s->id);
	db_bytes(a, c->hash);
	db_text(a, c->totals);
	if (asks)
		db_int(a, scheduler.config.approval_ms);
	else
		db_null(a);
	if (!asks || !c->same)
		return;
	/* the same as approved: a run that applies it, opened by any scheduler's planner (FL-27) */
	a = db_add(t, &SQL_APPLY_BY_ITSELF);
	db_uuid(a, &s->id);
	db_int(a, scheduler.config.run_deadline_ms);
	a = db_add(t, &SQL_PLAN_APPLIED);
	db_uuid(a, &s->id);
	db_null(a);
}

static void add_wave(struct txn *t, const struct seen_run *s)
{
	struct db_args *a = db_add(t, &SQL_WAVE_SET);

	db_uuid(a, &s->id);
	db_int(a, (int64_t)s->rules.wave + 1);
	a = db_add(t, &SQL_HELD_READY);
	db_uuid(a, &s->id);
	db_int(a, (int64_t)s->rules.wave + 1);
}

/* It wrote, and ends with its jobs: nobody wants it ended otherwise. */
static bool wrote(const struct seen_run *s)
{
	return changed(s) && run_terminal(s->now) && s->now != RUN_STATE_CANCELLED &&
	       s->rules.phase >= RUN_PHASE_APPLY;
}

static bool goes_on(const struct seen_run *s)
{
	return s->batch && s->now == RUN_STATE_RUNNING;
}

static void write_rest(struct look *l, struct txn *t)
{
	if (any(l, folds))
		(void)add_ids(db_add(t, &SQL_RUN_FOLD), l, folds);
	(void)add_ids(db_add(t, &SQL_RUN_GET), l, NULL);
	CRASHPOINT("look.before_commit");
	db_commit(t, written, l);
}

static void followed(
	struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct look *l = arg;

	if (f != NULL) {
		end(l);
		return;
	}
	for (size_t i = l->n; i-- > 0;) { /* theirs are the last results */
		if (goes_on(&l->runs[i]))
			l->runs[i].went_on = db_get_int(r[--n], 0, 0) > 0;
	}
	write_rest(l, t);
}

static void follow(struct look *l, struct txn *t)
{
	for (size_t i = 0; i < l->n; i++) {
		if (goes_on(&l->runs[i]))
			sequence_next(t, &l->runs[i].id);
	}
	db_step(t, followed, l);
}

static void write_all(struct look *l, struct txn *t)
{
	if (any(l, changed))
		add_changes(t, l);
	if (any(l, wrote)) {
		struct db_args *a = db_add(t, &SQL_RESTART_LATER);
		(void)add_ids(a, l, wrote);
		db_int(a, scheduler.config.run_deadline_ms);
	}
	for (size_t i = 0; i < l->n; i++) {
		const struct seen_run *s = &l->runs[i];
		if (s->closing != NULL)
			add_closing(t, s);
		if (s->release)
			add_wave(t, s);
		if (goes_on(s) && run_open(&s->counts) == s->counts.waiting)
			sequence_gate(t, &s->id);
		if (s->batch && run_terminal(s->now))
			sequence_over(t, &s->id);
		if (changed(s) && s->now == RUN_STATE_ABORTING)
			stop_run(t, &s->id, JOB_STATE_CANCELLED, CN_CANCELLED_BY_BUDGET);
	}
	if (any(l, goes_on))
		follow(l, t);
	else
		write_rest(l, t);
}

/* ---- step 3: waves and plans at their end ---- */

static struct seen_run *find(struct look *l, struct uuid id)
{
	for (size_t i = 0; i < l->n; i++) {
		if (uuid_eq(&id, &l->runs[i].id))
			return &l->runs[i];
	}
	return NULL;
}

/* A wave has ended: the budget holds, or the run ends here. */
static void judge_wave(struct seen_run *s)
{
	if (run_budget_over(&s->rules, &s->counts, true)) {
		s->now = RUN_STATE_ABORTING;
		s->cause = "budget";
	} else {
		s->release = true;
	}
}

static void judge_plan(struct seen_run *s)
{
	const struct closing *c = s->closing;

	if (!c->changes) {
		s->now = run_end(s->was, &s->counts);
		return;
	}
	s->now = RUN_STATE_AWAITING_APPROVAL;
	s->cause = c->approved && !c->same ? "plan_stale" : "approval";
}

static void read_closings(struct look *l, struct db_result *r)
{
	for (int row = 0; row < db_rows(r); row++) {
		struct row c = {.r = r, .row = row, .arena = &l->arena};
		struct seen_run *s = find(l, row_uuid(&c));
		struct closing *e = arena_alloc(&l->arena, sizeof(*e));
		bug_if(s == NULL || e == NULL);
		e->hash = row_bytes(&c);
		e->changes = row_uint(&c) > 0;
		e->totals = row_text(&c);
		e->approved = row_bool(&c);
		e->same = e->approved && row_bool(&c);
		s->closing = e;
		judge_plan(s);
	}
}

static void asked(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct look *l = arg;

	if (f != NULL) {
		end(l);
		return;
	}
	for (int row = 0; row < db_rows(r[0]); row++)
		find(l, db_get_uuid(r[0], row, 0))->at_wave_end = false;
	for (size_t i = 0; i < l->n; i++) {
		if (l->runs[i].at_wave_end)
			judge_wave(&l->runs[i]);
	}
	read_closings(l, r[1]);
	write_all(l, t);
}

/* ---- step 2: counts ---- */

static void judge(struct seen_run *s)
{
	if (s->was == RUN_STATE_RUNNING && run_open(&s->counts) > 0 &&
		run_budget_over(&s->rules, &s->counts, false)) {
		s->now = RUN_STATE_ABORTING;
		s->cause = "budget";
	} else if (s->was == RUN_STATE_RUNNING && run_wave_idle(&s->rules, &s->counts)) {
		s->at_wave_end = true;
	} else if (s->was == RUN_STATE_RUNNING && s->rules.phase == RUN_PHASE_PLAN &&
		   s->counts.total > 0 && run_open(&s->counts) == 0) {
		s->at_plan_end = true;
	} else if (s->was >= RUN_STATE_RUNNING) {
		s->now = run_end(s->was, &s->counts);
	}
}

static void counted(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct look *l = arg;

	if (f != NULL) {
		end(l);
		return;
	}
	for (int row = 0; row < db_rows(r[0]); row++) {
		struct seen_run *s = find(l, db_get_uuid(r[0], row, 0));
		run_count_add(&s->counts, (enum job_state)db_get_int(r[0], row, 1),
			db_get_int(r[0], row, 2));
		s->fold |= db_get_int(r[0], row, 3) > FOLD_ROWS;
	}
	for (size_t i = 0; i < l->n; i++)
		judge(&l->runs[i]);
	if (!any(l, wave_ends) && !any(l, plan_ends)) {
		write_all(l, t);
		return;
	}
	(void)add_ids(db_add(t, &SQL_WAVE_OPEN), l, wave_ends);
	(void)add_ids(db_add(t, &SQL_PLAN_TOTALS), l, plan_ends);
	db_step(t, asked, l);
}

/* ---- step 1: rows that another scheduler holds are its business ---- */

static void locked(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct look *l = arg;

	if (f != NULL || db_rows(r[0]) == 0) {
		if (f == NULL)
			db_rollback(t);
		end(l);
		return;
	}
	l->runs = arena_array(&l->arena, (size_t)db_rows(r[0]), sizeof(*l->runs));
	bug_if(l->runs == NULL);
	for (int row = 0; row < db_rows(r[0]); row++) {
		struct row c = {.r = r[0], .row = row, .arena = &l->arena};
		struct seen_run *s = &l->runs[l->n++];
		s->id = row_uuid(&c);
		s->was = (enum run_state)row_uint(&c);
		s->now = s->was;
		s->rules.phase = (enum run_phase)row_uint(&c);
		s->rules.budget_percent = row_uint(&c);
		s->rules.budget_min = row_uint(&c);
		s->rules.wave = row_uint(&c);
		s->rules.waves = row_uint(&c);
		s->batch = row_bool(&c);
	}
	(void)add_ids(db_add(t, &SQL_RUN_COUNTS), l, NULL);
	db_step(t, counted, l);
}

static void begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct look *l = arg;

	if (f != NULL) {
		end(l);
		return;
	}
	struct db_args *a = db_add(t, &SQL_RUN_LOCK);
	db_array(a);
	for (size_t i = 0; i < l->n_ids; i++)
		db_uuid(a, &l->ids[i]);
	db_array_end(a);
	db_step(t, locked, l);
}

struct look *look_new(void (*done)(void *arg), void *arg)
{
	struct look *l = mem_alloc(sizeof(*l));

	arena_init(&l->arena, 0);
	l->ids = arena_array(&l->arena, RUNS_MAX, sizeof(*l->ids));
	bug_if(l->ids == NULL);
	l->done = done;
	l->arg = arg;
	return l;
}

bool look_add(struct look *l, const struct uuid *run)
{
	if (l->n_ids == RUNS_MAX)
		return false;
	l->ids[l->n_ids++] = *run;
	return true;
}

void look_start(struct look *l)
{
	db_begin_by_key(scheduler.service->db, begun, l);
}
