// SPDX-License-Identifier: Apache-2.0
/* Reading runs and jobs: list, get, targets, grouped outcomes, transitions. */
#include <stdio.h>
#include <string.h>

#include "common/msg/scope.h"
#include "services/scheduler/list.h"
#include "services/scheduler/scheduler.h"
#include "services/scheduler/sql_columns.h"

/* ---- run_get ---- */

static void one_run(struct db_args *a, void *arg)
{
	struct call *call = arg;

	db_array(a);
	db_uuid(a, &((const struct m_run_get *)call->body)->id);
	db_array_end(a);
}

static void got_run(unused struct txn *t, struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;
	struct m_run run = {0};
	struct m_run_one reply = {.run = &run};

	if (f != NULL) {
		answer_fault(call, f);
	} else if (found_one(call, r[0], "run")) {
		struct row c = {.r = r[0], .arena = &call->arena};
		row_run(&c, &run);
		call_reply(call, &reply);
	}
}

void on_run_get(struct call *call)
{
	db_query(scheduler.service->db, &SQL_RUN_GET, one_run, got_run, call);
}

/* ---- run_list ---- */

/* Microseconds, and how many runs of those were seen: no id, for runs outside a scope are in the
 * list, too. */
struct run_cursor {
	int64_t at; /* 0 = from the newest */
	int64_t seen;
};

static bool run_cursor_read(const char *text, struct run_cursor *ret)
{
	long long at = 0, seen = 0;
	int end = 0;

	if (text != NULL && (sscanf(text, "%18lld %9lld%n", &at, &seen, &end) != 2 ||
				    text[end] != '\0' || at <= 0 || seen < 0))
		return false;
	*ret = (struct run_cursor){at, seen};
	return true;
}

static void run_list_args(struct db_args *a, void *arg)
{
	struct call *call = arg;
	const struct m_run_list *m = call->body;
	const struct run_cursor *from = call->state;

	ref_args(a, m->task);
	if (m->state == 0)
		db_null(a);
	else
		db_int(a, (int64_t)m->state);
	if (from->at == 0)
		db_null(a);
	else
		db_int(a, from->at);
	db_int(a, from->seen);
	db_int(a, (int64_t)page_limit(m->limit) + 1);
	db_text(a, call->scope);
}

/* Of a run outside nothing is told but what it came to (FL-61). */
static void only_counts(struct m_run *run)
{
	*run = (struct m_run){.state = run->state,
		.opened_at = run->opened_at,
		.ended_at = run->ended_at,
		.counts = run->counts};
}

/* Where the next page begins: after the n rows of this one. */
static const char *run_cursor_next(struct call *call, const struct db_result *r, int n, int col)
{
	const struct run_cursor *from = call->state;
	const int64_t at = db_get_int(r, n - 1, col);
	int64_t seen = 0;

	while (seen < n && db_get_int(r, n - 1 - (int)seen, col) == at)
		seen++;
	if (seen == n && at == from->at)
		seen += from->seen;
	return arena_printf(&call->arena, "%lld %lld", (long long)at, (long long)seen);
}

static void listed_runs(unused struct txn *t, struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;
	size_t limit = page_limit(((const struct m_run_list *)call->body)->limit);
	struct m_run_page page = {0};
	struct m_run *items = arena_array(&call->arena, limit + 1, sizeof(*items));

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	bug_if(items == NULL);
	limit = page_fit(r[0], limit);
	for (int row = 0; row < db_rows(r[0]) && page.items_n < limit; row++) {
		struct row c = {.r = r[0], .row = row, .arena = &call->arena};
		row_run(&c, &items[page.items_n++]);
		if (!db_get_bool(r[0], row, c.col + 1))
			only_counts(&items[page.items_n - 1]);
		if (page.items_n == limit && db_rows(r[0]) > (int)limit)
			page.next = run_cursor_next(call, r[0], row + 1, c.col);
	}
	page.items = items;
	call_reply(call, &page);
}

void on_run_list(struct call *call)
{
	const struct m_run_list *m = call->body;
	struct run_cursor *from = arena_alloc(&call->arena, sizeof(*from));

	bug_if(from == NULL);
	call->state = from;
	if (run_cursor_read(m->cursor, from))
		db_query(scheduler.service->db, &SQL_RUN_LIST, run_list_args, listed_runs, call);
	else
		call_refuse(call, CN_VALIDATION_FAILED, "cursor", "not a cursor of this list");
}

/* Where whoever asks sees entries of books, which auditors do not (section 12): NULL = everywhere,
 * "" = nowhere. */
static const char *reads(struct call *call)
{
	const struct msg_header *h = &call->header;
	const char *things = NULL;

	if (h->scope[0] == '\0')
		return h->role == MSG_INTERNAL || msg_may(h->role, MSG_READER) ? NULL : "";
	switch (scope_reach(h->scope, MSG_READER, &call->arena, &things)) {
	case SCOPE_ALL:
		return NULL;
	case SCOPE_PART:
		return things;
	case SCOPE_NOTHING:
		break;
	}
	return "";
}

static void take_target(struct row *c, struct m_target *t)
{
	row_target(c, t);
	if (!row_bool(c))
		target_hide(t);
}

/* ---- run_targets; its cursor is "device step" ---- */

static void targets_args(struct db_args *a, void *arg)
{
	struct call *call = arg;
	const struct m_run_targets *m = call->body;
	const struct error_info *cause = m->cause == NULL ? NULL : error_named(m->cause);
	const char *part = NULL;
	struct uuid after;
	long step = 0;

	if (cursor_read(call, m->cursor, &part, &after) && part != NULL)
		step = strtol(part, NULL, 10); /* from 1, of a batch; else 0 */
	db_uuid(a, &m->id);
	if (m->state == 0)
		db_null(a);
	else
		db_int(a, (int64_t)m->state);
	if (m->cause == NULL)
		db_null(a);
	else
		db_int(a, cause == NULL ? -1 : cause->code);
	db_uuid(a, &after);
	db_int(a, step > 0 ? step - 1 : 0);
	db_int(a, (int64_t)page_limit(m->limit) + 1);
	db_text(a, call->scope);
	db_text(a, reads(call));
}

static void listed_targets(unused struct txn *t, struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;
	size_t limit = page_limit(((const struct m_run_targets *)call->body)->limit);
	struct m_target_page page = {0};
	struct m_target *items = arena_array(&call->arena, limit + 1, sizeof(*items));

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	bug_if(items == NULL);
	limit = page_fit(r[0], limit);
	for (int row = 0; row < db_rows(r[0]) && page.items_n < limit; row++) {
		struct row c = {.r = r[0], .row = row, .arena = &call->arena};
		take_target(&c, &items[page.items_n++]);
	}
	page.items = items;
	if ((size_t)db_rows(r[0]) > page.items_n)
		page.next = cursor_make(call,
			arena_printf(&call->arena, "%u", (unsigned)items[page.items_n - 1].part),
			&items[page.items_n - 1].device);
	call_reply(call, &page);
}

void on_run_targets(struct call *call)
{
	const struct m_run_targets *m = call->body;
	const char *part;
	struct uuid after;

	if (cursor_read(call, m->cursor, &part, &after))
		db_query(scheduler.service->db, &SQL_RUN_TARGETS, targets_args, listed_targets,
			call);
}

/* ---- run_outcomes ---- */

static void outcomes_args(struct db_args *a, void *arg)
{
	struct call *call = arg;

	db_uuid(a, &((const struct m_run_outcomes *)call->body)->id);
	db_text(a, call->scope);
}

static void read_outcome(struct row *c, struct m_outcome *o)
{
	o->state = (enum job_state)row_uint(c);
	o->code = row_uint(c);
	const struct error_info *info = o->code == 0 ? NULL : error_info((int)o->code);
	o->cause = info == NULL ? NULL : info->name;
	o->reason = row_text(c);
	o->n = row_uint(c);
	o->example = row_text(c);
	o->detail = row_text(c);
	o->step = (enum write_step)row_uint(c);
	o->needs = json_read_texts(db_get_text(c->r, c->row, c->col++), c->arena, &o->needs_n);
	o->add = row_uint(c);
	o->change = row_uint(c);
	o->remove = row_uint(c);
	o->losses = row_uint(c);
}

static void listed_outcomes(unused struct txn *t, struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;
	struct m_outcome_page page = {0};

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	struct m_outcome *items =
		arena_array(&call->arena, (size_t)db_rows(r[0]) + 1, sizeof(*items));
	bug_if(items == NULL);
	for (int row = 0; row < db_rows(r[0]); row++) {
		struct row c = {.r = r[0], .row = row, .arena = &call->arena};
		read_outcome(&c, &items[page.items_n++]);
	}
	page.items = items;
	call_reply(call, &page);
}

void on_run_outcomes(struct call *call)
{
	db_query(scheduler.service->db, &SQL_RUN_OUTCOMES, outcomes_args, listed_outcomes, call);
}

/* ---- job_get, job_transitions ---- */

static void one_job(struct db_args *a, void *arg)
{
	struct call *call = arg;

	db_uuid(a, &((const struct m_job_get *)call->body)->id);
	db_text(a, reads(call));
}

static void got_job(unused struct txn *t, struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;
	struct m_target target = {0};
	struct m_target_one reply = {.target = &target};

	if (f != NULL) {
		answer_fault(call, f);
	} else if (found_one(call, r[0], "job")) {
		struct row c = {.r = r[0], .arena = &call->arena};
		take_target(&c, &target);
		call_reply(call, &reply);
	}
}

void on_job_get(struct call *call)
{
	db_query(scheduler.service->db, &SQL_JOB_GET, one_job, got_job, call);
}

static void read_transition(struct row *c, struct m_transition *x)
{
	x->at = row_time(c);
	x->from = (enum job_state)row_uint(c);
	x->to = (enum job_state)row_uint(c);
	x->attempt = row_uint(c);
	x->token = row_uint(c);
	uint64_t code = row_uint(c);
	const struct error_info *info = code == 0 ? NULL : error_info((int)code);
	x->cause = info == NULL ? NULL : info->name;
	x->detail = row_text(c);
	x->worker = row_text(c);
}

static void listed_transitions(unused struct txn *t, struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;
	struct m_transition_page page = {0};

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	struct m_transition *items =
		arena_array(&call->arena, (size_t)db_rows(r[0]) + 1, sizeof(*items));
	bug_if(items == NULL);
	for (int row = 0; row < db_rows(r[0]); row++) {
		struct row c = {.r = r[0], .row = row, .arena = &call->arena};
		read_transition(&c, &items[page.items_n++]);
	}
	page.items = items;
	call_reply(call, &page);
}

static void transitions_args(struct db_args *a, void *arg)
{
	struct call *call = arg;

	db_uuid(a, &((const struct m_job_transitions *)call->body)->id);
}

void on_job_transitions(struct call *call)
{
	db_query(scheduler.service->db, &SQL_JOB_TRANSITIONS, transitions_args, listed_transitions,
		call);
}

/* ---- run_changes ---- */

static void changes_args(struct db_args *a, void *arg)
{
	struct call *call = arg;

	db_uuid(a, &((const struct m_run_changes *)call->body)->id);
	db_text(a, call->scope);
}

static void listed_changes(unused struct txn *t, struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;
	struct m_run_change_page reply = {0};

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	struct m_run_change *items =
		arena_array(&call->arena, (size_t)db_rows(r[0]) + 1, sizeof(*items));
	bug_if(items == NULL);
	for (int row = 0; row < db_rows(r[0]); row++) {
		struct row c = {.r = r[0], .row = row, .arena = &call->arena};
		struct m_run_change *one = &items[reply.items_n++];
		one->since = row_text(&c);
		one->came = row_bool(&c);
		one->device = row_uuid(&c);
		one->name = row_text(&c);
	}
	reply.items = items;
	call_reply(call, &reply);
}

void on_run_changes(struct call *call)
{
	db_query(scheduler.service->db, &SQL_RUN_CHANGES, changes_args, listed_changes, call);
}
