// SPDX-License-Identifier: Apache-2.0
/* Execution windows: list, get, delete, and when one device's are open together (FL-37). */
#include "common/clock/clock.h"
#include "services/scheduler/list.h"
#include "services/scheduler/place.h"
#include "services/scheduler/zones.h"

#define WHEN_DEFAULT 10u
#define WHEN_MOST 100u
#define WHEN_AHEAD_MS ((int64_t)400 * 86400000)

void row_window(struct row *c, struct m_window *w)
{
	row_window_rules(c, w);
	w->version = row_uint(c);
	w->tasks = json_read_texts(db_get_text(c->r, c->row, c->col++), c->arena, &w->tasks_n);
	w->sites = json_read_texts(db_get_text(c->r, c->row, c->col++), c->arena, &w->sites_n);
	w->groups = json_read_texts(db_get_text(c->r, c->row, c->col++), c->arena, &w->groups_n);
	w->devices = json_read_texts(db_get_text(c->r, c->row, c->col++), c->arena, &w->devices_n);
}

/* ---- list, get ---- */

static void listed(unused struct txn *t, struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;
	struct m_window_page page = {.items = NULL};

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	bool more;
	size_t rows = page_rows(call, r[0], &more);
	struct m_window *items = arena_array(&call->arena, rows + 1, sizeof(*items));
	bug_if(items == NULL);
	for (; page.items_n < rows; page.items_n++) {
		struct row c = {.r = r[0], .row = (int)page.items_n, .arena = &call->arena};
		row_window(&c, &items[page.items_n]);
	}
	page.items = items;
	if (more)
		page.next = cursor_make(call, items[rows - 1].name, &items[rows - 1].id);
	call_reply(call, &page);
}

static void seen(struct db_args *a, void *arg)
{
	const struct call *call = arg;

	db_text(a, call->sees);
	page_args(a, call);
}

void on_window_list(struct call *call)
{
	const struct m_window_list *m = call->body;

	if (page_start(call, m->cursor, m->limit) != NULL)
		db_query(scheduler.service->db, &SQL_WINDOW_LIST, seen, listed, call);
}

static void get_ref(struct db_args *a, void *arg)
{
	struct call *call = arg;

	ref_args(a, ((const struct m_window_get *)call->body)->ref);
	db_text(a, call->sees);
}

static void got(unused struct txn *t, struct db_result **r, unused size_t n, const struct fault *f,
	void *arg)
{
	struct call *call = arg;
	struct m_window window = {.name = NULL};
	struct m_window_one reply = {.window = &window};

	if (f != NULL) {
		answer_fault(call, f);
	} else if (found_one(call, r[0], "window")) {
		struct row c = {.r = r[0], .arena = &call->arena};
		row_window(&c, &window);
		call_reply(call, &reply);
	}
}

void on_window_get(struct call *call)
{
	db_query(scheduler.service->db, &SQL_WINDOW_GET, get_ref, got, call);
}

/* ---- delete ---- */

static void found(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	struct m_window w = {.name = NULL};

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	if (found_one(call, r[0], "window")) {
		struct row c = {.r = r[0], .arena = &call->arena};
		row_window(&c, &w);
		if (version_fits(call, ((const struct m_window_delete *)call->body)->if_version,
			    w.version)) {
			db_uuid(db_add(t, &SQL_WINDOW_DELETE), &w.id);
			db_commit(t, answer_ok, call);
			return;
		}
	}
	db_rollback(t);
}

static void delete_begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	ref_args(db_add(t, &SQL_WINDOW_FIND), ((const struct m_window_delete *)call->body)->ref);
	db_step(t, found, call);
}

void on_window_delete(struct call *call)
{
	db_begin(scheduler.service->db, delete_begun, call);
}

/* ---- when ---- */

/* When the windows of a key are open together, from now or later on. */
static void add_times(struct m_window_times *reply, struct m_opening_time *items,
	const struct windows *all, const char *key, const struct m_window_when *m)
{
	int64_t at = m->after == 0 ? (int64_t)clock_wall_ms() : m->after;
	size_t most = m->limit == 0 ? WHEN_DEFAULT : size_min(m->limit, WHEN_MOST);
	struct window_open open = {.to_ms = at};

	while (reply->items_n < most && windows_open(all, key, zone_or_utc(reply->zone), open.to_ms,
						at + WHEN_AHEAD_MS, &open))
		items[reply->items_n++] =
			(struct m_opening_time){.from = open.from_ms, .to = open.to_ms};
}

static void when_read(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	const struct m_window_when *m = call->body;
	struct m_opening_time items[WHEN_MOST];
	struct m_window_times reply = {.items = items};
	struct windows all;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	db_rollback(t);
	if (!found_one(call, r[0], "device"))
		return;
	struct row c = {.r = r[0], .arena = &call->arena};
	const char *key = row_text(&c);
	reply.zone = row_text(&c);
	struct uuid task = row_uuid(&c);
	if (m->task != NULL && uuid_is_nil(&task)) {
		call_refuse(call, CN_NOT_FOUND, "task", "no such task");
		return;
	}
	windows_take(r[1], &call->arena, &all);
	reply.windows = windows_names(&all, key, &call->arena, &reply.windows_n);
	if (reply.windows_n > 0)
		add_times(&reply, items, &all, key, m);
	call_reply(call, &reply);
}

static void when_begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;
	const struct m_window_when *m = call->body;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	struct db_args *a = db_add(t, &SQL_WINDOW_OF_DEVICE);
	ref_args(a, m->ref);
	ref_args(a, m->task);
	db_text(a, call->sees);
	(void)db_add(t, &SQL_WINDOW_RULES);
	db_step(t, when_read, call);
}

void on_window_when(struct call *call)
{
	db_begin(scheduler.service->db, when_begun, call);
}
