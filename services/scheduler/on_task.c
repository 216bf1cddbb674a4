// SPDX-License-Identifier: Apache-2.0
/* Tasks: list, get, delete. */
#include <string.h>

#include "services/scheduler/list.h"
#include "services/scheduler/scheduler.h"

void task_hide(struct m_task *t)
{
	struct m_task_settings *s = (struct m_task_settings *)(uintptr_t)t->settings;

	if (s != NULL)
		s->password_sealed = (struct span){NULL, 0};
}

/* ---- list ---- */

static void listed(struct list *l, struct db_result *r)
{
	struct m_task_page page = {.total = list_total(r, SQL_TASK_COLUMNS_N)};
	struct m_task *items = arena_array(&l->call->arena, l->limit + 1, sizeof(*items));

	bug_if(items == NULL);
	for (int row = 0; row < db_rows(r) && page.items_n < l->limit; row++) {
		struct row c = {.r = r, .row = row, .arena = &l->call->arena};
		row_task(&c, &items[page.items_n]);
		task_hide(&items[page.items_n++]);
	}
	page.items = items;
	if (db_rows(r) > (int)l->limit)
		page.next = cursor_make(l->call, items[l->limit - 1].name, &items[l->limit - 1].id);
	call_reply(l->call, &page);
}

void on_task_list(struct call *call)
{
	const struct m_task_list *m = call->body;

	list_start(call,
		&(struct list_def){
			SQL_TASK_LIST, "d.name", false, FILTER_TASKS, listed, SQL_WITHIN_TASKS},
		m->filter, m->cursor, m->limit);
}

/* ---- get ---- */

static void read_ref(struct db_args *a, void *arg)
{
	struct call *call = arg;

	ref_args(a, ((const struct m_task_get *)call->body)->ref);
}

static void got(unused struct txn *t, struct db_result **r, unused size_t n, const struct fault *f,
	void *arg)
{
	struct call *call = arg;
	struct m_task task = {0};
	struct m_task_one reply = {.task = &task};

	if (f != NULL) {
		answer_fault(call, f);
	} else if (found_one(call, r[0], "task")) {
		struct row c = {.r = r[0], .arena = &call->arena};
		row_task(&c, &task);
		task_hide(&task);
		call_reply(call, &reply);
	}
}

void on_task_get(struct call *call)
{
	db_query(scheduler.service->db, &SQL_TASK_GET, read_ref, got, call);
}

/* ---- delete ---- */

static void found(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	const struct m_task_delete *m = call->body;
	struct m_task task = {0};

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	if (found_one(call, r[0], "task")) {
		struct row c = {.r = r[0], .arena = &call->arena};
		row_task(&c, &task);
		if (task.built_in) {
			call_refuse(call, CN_CONFLICT, "built_in",
				"a built-in task can be switched off, not removed");
		} else if (db_rows(r[1]) > 0) {
			call_refuse(call, CN_CONFLICT, "in_use", "it is a step of the batch %s",
				db_get_text(r[1], 0, 0));
		} else if (version_fits(call, m->if_version, task.version)) {
			db_uuid(db_add(t, &SQL_TASK_DELETE), &task.id);
			db_commit(t, answer_ok, call);
			return;
		}
	}
	db_rollback(t);
}

static void begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	ref_args(db_add(t, &SQL_TASK_FIND), ((const struct m_task_delete *)call->body)->ref);
	ref_args(db_add(t, &SQL_STEP_OF), ((const struct m_task_delete *)call->body)->ref);
	db_step(t, found, call);
}

void on_task_delete(struct call *call)
{
	db_begin(scheduler.service->db, begun, call);
}
