// SPDX-License-Identifier: Apache-2.0
/* run_rerun: a new run over exactly the targets chosen by state (required, no default: FL-62),
 * cause and device. Nothing is taken out because of the reason it failed (FL-63). */
#include <string.h>

#include "services/scheduler/kind.h"
#include "services/scheduler/scheduler.h"

struct rerun {
	struct call *call;
	struct uuid run, task;
	const char *kind;
	struct opening opening;
};

static void committed(
	unused struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct rerun *s = arg;

	if (f != NULL) {
		answer_fault(s->call, f);
		return;
	}
	opening_tell(&s->opening);
	run_answer(s->call, r, n);
}

static void commit(struct rerun *s, struct txn *t)
{
	run_get_add(t, &s->run);
	db_commit(t, committed, s);
}

static void opened(struct txn *t, const struct fault *f, void *arg)
{
	struct rerun *s = arg;

	if (f != NULL)
		answer_fault(s->call, f);
	else
		commit(s, t);
}

static void chosen(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct rerun *s = arg;

	if (f != NULL) {
		answer_fault(s->call, f);
		return;
	}
	if (db_rows(r[0]) == 0) {
		commit(s, t);
		return;
	}
	const char **ids = arena_array(&s->call->arena, (size_t)db_rows(r[1]) + 1, sizeof(*ids));
	struct opening *o = &s->opening;

	*o = (struct opening){.run = s->run, .task = s->task, .kind = s->kind};
	if (ids == NULL) {
		db_rollback(t);
		call_refuse(
			s->call, CN_QUOTA_EXCEEDED, "too_many", "too many targets for one rerun");
		return;
	}
	for (int row = 0; row < db_rows(r[1]); row++)
		ids[o->devices_n++] = arena_strdup(&s->call->arena, db_get_text(r[1], row, 0));
	o->devices = ids;
	opening_start(t, o, &s->call->arena, opened, s);
}

static void add_choice(struct txn *t, const struct m_run_rerun *m)
{
	struct db_args *a = db_add(t, &SQL_RERUN_DEVICES);

	db_uuid(a, &m->id);
	db_array(a);
	for (size_t i = 0; i < m->states_n; i++)
		db_int(a, (int64_t)m->states[i]);
	db_array_end(a);
	if (m->causes_n == 0) {
		db_null(a);
	} else {
		db_array(a);
		for (size_t i = 0; i < m->causes_n; i++) {
			const struct error_info *info = error_named(m->causes[i]);
			db_int(a, info == NULL ? -1 : info->code);
		}
		db_array_end(a);
	}
	if (m->devices_n == 0) {
		db_null(a);
		return;
	}
	db_array(a);
	for (size_t i = 0; i < m->devices_n; i++)
		db_uuid(a, &m->devices[i]);
	db_array_end(a);
}

/* With the settings of then it needs no task any more, but what they would write today was never
 * planned (FL-64). */
static bool may_run_again(const struct rerun *s, bool task_there)
{
	bool as_it_was = ((const struct m_run_rerun *)s->call->body)->as_it_was;

	if (!as_it_was && !task_there)
		call_refuse(s->call, CN_CONFLICT, "task_gone",
			"the task of this run was removed; as_it_was runs with the settings of "
			"then");
	else if (as_it_was && !kind_reads(s->kind))
		call_refuse(s->call, CN_VALIDATION_FAILED, "reads_only",
			"only what reads can run again as it was");
	else
		return true;
	return false;
}

static void add_as_it_was(struct txn *t, const struct rerun *s)
{
	struct db_args *a = db_add(t, &SQL_RUN_AS_IT_WAS);

	db_uuid(a, &s->run);
	db_uuid(a, &((const struct m_run_rerun *)s->call->body)->id);
	db_int(a, scheduler.config.run_deadline_ms);
}

static void checked(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct rerun *s = arg;
	const struct m_run_rerun *m = s->call->body;

	if (f != NULL) {
		answer_fault(s->call, f);
		return;
	}
	n--; /* the last one is ours, before it stands the snapshot */
	if (!found_one(s->call, r[n], "run")) {
		db_rollback(t);
		return;
	}
	s->task = db_get_uuid(r[n], 0, 0);
	s->kind = arena_strdup(&s->call->arena, db_get_text(r[n], 0, 1));
	if (!may_run_again(s, db_get_bool(r[n], 0, 3))) {
		db_rollback(t);
		return;
	}
	if (m->as_it_was)
		add_as_it_was(t, s);
	else
		run_insert(t, &(struct new_run){.run = s->run,
				      .task = s->task,
				      .rerun_of = m->id,
				      .kind = s->kind,
				      .cause = "rerun"});
	add_choice(t, m);
	run_narrow(t, s->call, &s->run);
	db_step(t, chosen, s);
}

static void begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct rerun *s = arg;
	const struct m_run_rerun *m = s->call->body;

	if (f != NULL) {
		answer_fault(s->call, f);
		return;
	}
	(void)db_add(t, &SQL_ONE_SNAPSHOT);
	db_uuid(db_add(t, &SQL_RERUN_CHECK), &m->id);
	db_step(t, checked, s);
}

void on_run_rerun(struct call *call)
{
	const struct m_run_rerun *m = call->body;
	struct rerun *s = arena_alloc(&call->arena, sizeof(*s));

	bug_if(s == NULL);
	s->call = call;
	s->run = request_id(call);
	for (size_t i = 0; i < m->states_n; i++) {
		if (job_terminal(m->states[i]))
			continue;
		call_refuse(call, CN_VALIDATION_FAILED, "not_ended",
			"only ended targets can run again");
		return;
	}
	if (m->states_n == 0)
		call_refuse(call, CN_VALIDATION_FAILED, "states_required",
			"say which states shall run again; there is no default");
	else
		db_begin(scheduler.service->db, begun, s);
}
