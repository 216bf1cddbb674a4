// SPDX-License-Identifier: Apache-2.0
/* run_confirm and run_revert: what a run wrote is kept, or the pre-images of its jobs are put back
 * (AB-35). What nobody confirmed in time, the sweep puts back. */
#include "common/base/crashpoint.h"
#include "services/scheduler/run.h"
#include "services/scheduler/scheduler.h"

struct revert {
	struct call *call;
	struct uuid reverted, run; /* run: that reverts */
	struct opening opening;
};

/* The row of SQL_REVERT_CHECK. */
struct applied {
	struct uuid task, reverted_by;
	const char *kind;
	enum run_state state, reverter; /* reverter: state of the run that reverts it */
	enum run_phase phase;
	bool confirmed;
};

static bool read_applied(
	struct call *call, struct db_result *r, struct arena *arena, struct applied *ret)
{
	struct row c = {.r = r, .arena = arena};

	if (!found_one(call, r, "run"))
		return false;
	ret->task = row_uuid(&c);
	ret->kind = row_text(&c);
	ret->state = (enum run_state)row_uint(&c);
	ret->phase = (enum run_phase)row_uint(&c);
	ret->confirmed = row_bool(&c);
	ret->reverted_by = row_uuid(&c);
	ret->reverter = (enum run_state)row_uint(&c);
	if (ret->phase == RUN_PHASE_APPLY)
		return true;
	call_refuse(call, CN_CONFLICT, "not_applied", "this run applied no plan");
	return false;
}

static void committed(
	unused struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct revert *s = arg;

	if (f != NULL) {
		answer_fault(s->call, f);
		return;
	}
	opening_tell(&s->opening);
	events_run(&s->reverted);
	run_answer(s->call, r, n);
}

/* ---- confirm ---- */

static void confirm_checked(
	struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct revert *s = arg;
	struct applied was = {0};

	if (f != NULL) {
		answer_fault(s->call, f);
		return;
	}
	if (!read_applied(s->call, r[n - 1], &s->call->arena, &was)) {
		db_rollback(t);
	} else if (!uuid_is_nil(&was.reverted_by)) {
		db_rollback(t);
		call_refuse(s->call, CN_CONFLICT, "reverted", "it was put back already");
	} else {
		db_uuid(db_add(t, &SQL_CONFIRM), &s->reverted);
		run_get_add(t, &s->reverted);
		db_commit(t, committed, s);
	}
}

/* ---- revert ---- */

static void opened(struct txn *t, const struct fault *f, void *arg)
{
	struct revert *s = arg;

	if (f != NULL) {
		answer_fault(s->call, f);
		return;
	}
	struct db_args *a = db_add(t, &SQL_REVERTED_BY);
	db_uuid(a, &s->reverted);
	db_uuid(a, &s->run);
	run_get_add(t, &s->run);
	CRASHPOINT("revert.before_commit");
	db_commit(t, committed, s);
}

static void made(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct revert *s = arg;

	if (f != NULL) {
		answer_fault(s->call, f);
	} else if (db_rows(r[0]) == 0) { /* this request made it before */
		run_get_add(t, &s->run);
		db_commit(t, committed, s);
	} else {
		opening_start(t, &s->opening, &s->call->arena, opened, s);
	}
}

static void revert_checked(
	struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct revert *s = arg;
	struct applied was = {0};

	if (f != NULL) {
		answer_fault(s->call, f);
		return;
	}
	if (!read_applied(s->call, r[n - 1], &s->call->arena, &was)) {
		db_rollback(t);
		return;
	}
	if (!run_terminal(was.state)) {
		db_rollback(t);
		call_refuse(s->call, CN_CONFLICT, "not_ended",
			"it has not ended: cancel it first, what it wrote can be put back then");
		return;
	}
	if (!run_terminal(was.reverter) && !uuid_eq(&was.reverted_by, &s->run)) {
		db_rollback(t);
		call_refuse(s->call, CN_CONFLICT, "under_way", "it is being put back");
		return;
	}
	s->opening = (struct opening){
		.run = s->run, .task = was.task, .kind = was.kind, .from_run = true};
	struct db_args *a = db_add(t, &SQL_REVERT_INSERT);
	db_uuid(a, &s->run);
	db_uuid(a, &s->reverted);
	db_int(a, scheduler.config.run_deadline_ms);
	db_step(t, made, s);
}

static void begin(struct revert *s, struct txn *t, const struct fault *f, db_fn next)
{
	if (f != NULL) {
		answer_fault(s->call, f);
		return;
	}
	db_uuid(db_add(t, &SQL_REVERT_CHECK), &s->reverted);
	db_step(t, next, s);
}

static void confirm_begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	begin(arg, t, f, confirm_checked);
}

static void revert_begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	begin(arg, t, f, revert_checked);
}

static struct revert *revert_new(struct call *call, const struct uuid *run)
{
	struct revert *s = arena_alloc(&call->arena, sizeof(*s));

	bug_if(s == NULL);
	s->call = call;
	s->reverted = *run;
	s->run = request_id(call);
	return s;
}

void on_run_confirm(struct call *call)
{
	const struct m_run_confirm *m = call->body;

	db_begin(scheduler.service->db, confirm_begun, revert_new(call, &m->id));
}

void on_run_revert(struct call *call)
{
	const struct m_run_revert *m = call->body;

	db_begin(scheduler.service->db, revert_begun, revert_new(call, &m->id));
}
