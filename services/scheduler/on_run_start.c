// SPDX-License-Identifier: Apache-2.0
/* run_start: a task runs now. Run, frozen list and jobs are one transaction; the run's id is the
 * request's id, so a repeated call answers with the same run. */
#include <string.h>

#include "services/scheduler/scheduler.h"

#define TRIES 4 /* of the transaction, when somebody changed the task meanwhile */

struct start {
	struct call *call;
	struct uuid run;
	struct m_task task;
	unsigned tries;
	struct opening opening;
};

static void begin(struct start *s);

static void failed(struct start *s, const struct fault *f)
{
	if (strcmp(f->reason, "40001") == 0 && s->tries < TRIES)
		begin(s);
	else
		answer_fault(s->call, f);
}

static void committed(
	unused struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct start *s = arg;

	if (f != NULL) {
		failed(s, f);
		return;
	}
	opening_tell(&s->opening);
	run_answer(s->call, r, n);
}

/* The answer is read in the transaction that made it. */
static void commit(struct start *s, struct txn *t)
{
	run_get_add(t, &s->run);
	db_commit(t, committed, s);
}

static void opened(struct txn *t, const struct fault *f, void *arg)
{
	struct start *s = arg;

	if (f != NULL)
		failed(s, f);
	else
		commit(s, t);
}

static void made(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct start *s = arg;

	if (f != NULL) {
		failed(s, f);
		return;
	}
	if (db_rows(r[0]) == 0) { /* this request made it before */
		commit(s, t);
		return;
	}
	s->opening = (struct opening){.run = s->run,
		.task = s->task.id,
		.previous = s->task.last_run,
		.kind = s->task.kind,
		.targets = s->task.targets};
	opening_start(t, &s->opening, &s->call->arena, opened, s);
}

static void found(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct start *s = arg;

	if (f != NULL) {
		failed(s, f);
		return;
	}
	struct row c = {.r = r[n - 1], .arena = &s->call->arena};
	if (!found_one(s->call, r[n - 1], "task")) {
		db_rollback(t);
		return;
	}
	s->task = (struct m_task){0};
	row_task(&c, &s->task);
	if (!s->task.active || s->task.targets == NULL) {
		db_rollback(t);
		call_refuse(s->call, CN_CONFLICT, "task_inactive", "the task is not active");
		return;
	}
	run_insert(t,
		&(struct new_run){
			.run = s->run, .task = s->task.id, .kind = s->task.kind, .cause = "now"});
	if (((const struct m_run_start *)s->call->body)->override_windows)
		db_uuid(db_add(t, &SQL_RUN_OVERRIDE), &s->run);
	run_narrow(t, s->call, &s->run);
	db_step(t, made, s);
}

static void begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct start *s = arg;
	const struct m_run_start *m = s->call->body;

	if (f != NULL) {
		answer_fault(s->call, f);
		return;
	}
	(void)db_add(t, &SQL_ONE_SNAPSHOT);
	ref_args(db_add(t, &SQL_TASK_FIND), m->ref);
	db_step(t, found, s);
}

static void begin(struct start *s)
{
	s->tries++;
	db_begin(scheduler.service->db, begun, s);
}

void on_run_start(struct call *call)
{
	struct start *s = arena_alloc(&call->arena, sizeof(*s));

	bug_if(s == NULL);
	s->call = call;
	s->run = request_id(call);
	if (((const struct m_run_start *)call->body)->override_windows && !admin_asks(call))
		call_refuse(call, CN_PERMISSION_DENIED, "window.override",
			"starting outside execution windows needs the role admin");
	else
		begin(s);
}
