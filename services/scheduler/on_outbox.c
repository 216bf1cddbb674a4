// SPDX-License-Identifier: Apache-2.0
/* outbox_take: what happened, for whoever tells people and machines of it. A row is given out again
 * until it was said to be safe elsewhere (RL-10). */
#include "services/scheduler/list.h"
#include "services/scheduler/scheduler.h"

#define TAKE_MAX 100u
#define HELD_MS 30000

static void taken(
	unused struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	struct m_outbox_page page = {0};

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	struct db_result *rows = r[n - 1];
	struct m_outbox_event *items =
		arena_array(&call->arena, (size_t)db_rows(rows) + 1, sizeof(*items));
	bug_if(items == NULL);
	for (int row = 0; row < db_rows(rows); row++) {
		struct row c = {.r = rows, .row = row, .arena = &call->arena};
		struct m_outbox_event *e = &items[page.items_n++];
		e->id = row_uuid(&c);
		e->kind = row_text(&c);
		e->subject = row_text(&c);
		e->at = row_time(&c);
		e->data = row_text(&c);
	}
	page.items = items;
	call_reply(call, &page);
}

static void begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;
	const struct m_outbox_take *m = call->body;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	if (m->done_n > 0) {
		struct db_args *a = db_add(t, &SQL_OUTBOX_DONE);
		db_array(a);
		for (size_t i = 0; i < m->done_n; i++)
			db_uuid(a, &m->done[i]);
		db_array_end(a);
	}
	if (m->want_n > 0) {
		struct db_args *a = db_add(t, &SQL_OUTBOX_WANT);
		db_array(a);
		for (size_t i = 0; i < m->want_n; i++)
			db_text(a, m->want[i]);
		db_array_end(a);
	}
	struct db_args *a = db_add(t, &SQL_OUTBOX_TAKE);
	db_int(a, (int64_t)size_min((size_t)m->max, TAKE_MAX));
	db_int(a, HELD_MS);
	db_int(a, PAGE_BYTES);
	db_commit(t, taken, call);
}

void on_outbox_take(struct call *call)
{
	db_begin(scheduler.service->db, begun, call);
}

void outbox_failed(struct txn *t, size_t n,
	const char *(*cause_of)(const void *list, size_t i, struct uuid *ret_job), const void *list)
{
	struct db_args *a = NULL;
	struct uuid job;

	for (size_t i = 0; i < n; i++) {
		if (cause_of(list, i, &job) == NULL)
			continue;
		if (a == NULL)
			db_array(a = db_add(t, &SQL_OUTBOX_FAILED));
		db_uuid(a, &job);
	}
	if (a == NULL)
		return;
	db_array_end(a);
	db_array(a);
	for (size_t i = 0; i < n; i++) {
		const char *cause = cause_of(list, i, &job);
		if (cause != NULL)
			db_text(a, cause);
	}
	db_array_end(a);
}
