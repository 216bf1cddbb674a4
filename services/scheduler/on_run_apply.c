// SPDX-License-Identifier: Apache-2.0
/* run_apply: a person approves a plan as it was shown, and a run over exactly its devices with
 * changes opens (FL-27). A run that waits because its list has grown is approved here too (FL-24):
 * its own jobs go on. Repeated, it answers with the same run. */
#include <string.h>

#include "common/base/crashpoint.h"
#include "services/scheduler/scheduler.h"

struct apply {
	struct call *call;
	struct uuid run; /* that applies */
	struct opening opening;
};

/* The row of SQL_APPLY_CHECK. */
struct waiting {
	struct uuid id, task, applied_by;
	const char *kind, *cause, *reason;
	enum run_state state;
	struct span hash;
	const char *const *accept;
	size_t accept_n;
	const struct m_plan_totals *totals;
};

static void committed(
	unused struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct apply *s = arg;

	if (f != NULL) {
		answer_fault(s->call, f);
		return;
	}
	CRASHPOINT("apply.after_commit");
	opening_tell(&s->opening);
	events_run(&((const struct m_run_apply *)s->call->body)->id);
	run_answer(s->call, r, n);
}

static void commit(struct apply *s, struct txn *t, const struct uuid *run)
{
	run_get_add(t, run);
	db_commit(t, committed, s);
}

static void opened(struct txn *t, const struct fault *f, void *arg)
{
	struct apply *s = arg;
	const struct m_run_apply *m = s->call->body;

	if (f != NULL) {
		answer_fault(s->call, f);
		return;
	}
	struct db_args *a = db_add(t, &SQL_PLAN_APPLIED);
	db_uuid(a, &m->id);
	db_uuid(a, &s->run);
	if (m->always)
		db_uuid(db_add(t, &SQL_PLAN_ALWAYS), &m->id);
	CRASHPOINT("apply.before_commit");
	commit(s, t, &s->run);
}

static void made(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct apply *s = arg;

	if (f != NULL) {
		answer_fault(s->call, f);
		return;
	}
	if (db_rows(r[0]) == 0) { /* a run of another request has this id */
		db_rollback(t);
		call_refuse(s->call, CN_CONFLICT, "under_way", "this request was another one");
		return;
	}
	struct row c = {.r = r[0], .col = 1, .arena = &s->call->arena};
	s->opening = (struct opening){.run = s->run, .from_run = true};
	s->opening.task = row_uuid(&c);
	s->opening.kind = row_text(&c);
	opening_start(t, &s->opening, &s->call->arena, opened, s);
}

/* ---- what may be applied ---- */

static bool holds(const char *const *words, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(words[i], word) == 0)
			return true;
	}
	return false;
}

/* What the plan needs and nobody accepted, in words; "" = nothing. */
static const char *missing(
	const struct waiting *w, const struct m_run_apply *m, struct arena *arena)
{
	const char *text = "";

	for (size_t i = 0; w->totals != NULL && i < w->totals->needs_n; i++) {
		const char *word = w->totals->needs[i];
		if (!holds(m->accept, m->accept_n, word) && !holds(w->accept, w->accept_n, word))
			text = arena_printf(arena, "%s%s%s", text, *text == '\0' ? "" : " ", word);
	}
	return text;
}

static bool may_apply(struct call *call, const struct waiting *w)
{
	const struct m_run_apply *m = call->body;

	if (w->state == RUN_STATE_EXPIRED)
		call_refuse(call, CN_APPROVAL_EXPIRED, "", "nobody approved it in time");
	else if (w->state != RUN_STATE_AWAITING_APPROVAL)
		call_refuse(call, CN_CONFLICT, "not_waiting", "this run waits for no approval");
	else if (w->hash.n != m->hash.n || w->hash.p == NULL ||
		 memcmp(w->hash.p, m->hash.p, m->hash.n) != 0)
		call_refuse(call, CN_PLAN_STALE, "", "this is not the plan that was shown");
	else if (*missing(w, m, &call->arena) != '\0')
		call_refuse(call, CN_CONFLICT, "would_lose_data", "to be accepted first: %s",
			missing(w, m, &call->arena));
	else if (holds(m->accept, m->accept_n, "language") && w->reason == NULL &&
		 (m->reason == NULL || *m->reason == '\0'))
		call_refuse(call, CN_VALIDATION_FAILED, "reason_required",
			"say why the language may differ");
	else
		return true;
	return false;
}

/* ---- the two ways on ---- */

static void add_accept(struct db_args *a, const struct waiting *w, const struct m_run_apply *m,
	struct arena *arena)
{
	json_t *list = json_array();

	for (size_t i = 0; i < w->accept_n; i++)
		(void)json_array_append_new(list, json_string(w->accept[i]));
	for (size_t i = 0; i < m->accept_n; i++) {
		if (!holds(w->accept, w->accept_n, m->accept[i]))
			(void)json_array_append_new(list, json_string(m->accept[i]));
	}
	db_text(a, json_dump(list, arena));
}

static void apply_plan(struct apply *s, struct txn *t, const struct waiting *w)
{
	const struct m_run_apply *m = s->call->body;
	struct db_args *a = db_add(t, &SQL_APPLY_INSERT);

	db_uuid(a, &s->run);
	db_uuid(a, &w->id);
	add_accept(a, w, m, &s->call->arena);
	db_text(a, m->reason == NULL ? "" : m->reason);
	db_int(a, scheduler.config.run_deadline_ms);
	db_int(a, (int64_t)m->confirm_ms);
	if (m->override_windows)
		db_uuid(db_add(t, &SQL_RUN_OVERRIDE), &s->run);
	db_step(t, made, s);
}

/* The sweep sees to it that its jobs are looked at; here they may be claimed. */
static void let_go(struct apply *s, struct txn *t, const struct waiting *w)
{
	const struct m_run_apply *m = s->call->body;

	if (m->override_windows) {
		db_uuid(db_add(t, &SQL_RUN_OVERRIDE), &w->id);
		db_uuid(db_add(t, &SQL_HELD_FREE), &w->id);
	}
	db_uuid(db_add(t, &SQL_GROWTH_APPROVED), &w->id);
	struct db_args *a = db_add(t, &SQL_HELD_READY);
	db_uuid(a, &w->id);
	db_int(a, 1);
	commit(s, t, &w->id);
}

static void read_waiting(struct row *c, struct waiting *w)
{
	w->id = row_uuid(c);
	w->task = row_uuid(c);
	w->kind = row_text(c);
	w->state = (enum run_state)row_uint(c);
	c->col++; /* phase */
	w->hash = row_bytes(c);
	w->applied_by = row_uuid(c);
	w->cause = row_text(c);
	w->accept = json_read_texts(db_get_text(c->r, c->row, c->col++), c->arena, &w->accept_n);
	w->totals = json_read(&m_plan_totals_desc, row_text(c), c->arena);
	w->reason = row_text(c);
}

static void checked(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct apply *s = arg;
	struct waiting w = {0};

	if (f != NULL) {
		answer_fault(s->call, f);
		return;
	}
	if (!found_one(s->call, r[n - 1], "run")) {
		db_rollback(t);
		return;
	}
	struct row c = {.r = r[n - 1], .arena = &s->call->arena};
	read_waiting(&c, &w);
	if (!uuid_is_nil(&w.applied_by)) { /* this request, or another one: it is applied once */
		commit(s, t, &w.applied_by);
		return;
	}
	if (!may_apply(s->call, &w))
		db_rollback(t);
	else if (w.cause != NULL && strcmp(w.cause, "growth") == 0)
		let_go(s, t, &w);
	else
		apply_plan(s, t, &w);
}

static void begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct apply *s = arg;

	if (f != NULL) {
		answer_fault(s->call, f);
		return;
	}
	db_uuid(db_add(t, &SQL_APPLY_CHECK), &((const struct m_run_apply *)s->call->body)->id);
	db_step(t, checked, s);
}

void on_run_apply(struct call *call)
{
	struct apply *s = arena_alloc(&call->arena, sizeof(*s));

	bug_if(s == NULL);
	s->call = call;
	s->run = request_id(call);
	db_begin(scheduler.service->db, begun, s);
}
