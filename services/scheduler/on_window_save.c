// SPDX-License-Identifier: Apache-2.0
/* window_create and window_update: one way of saving. Members given replace those there were. The
 * answer says which devices can never start, because their windows have no time in common
 * (FL-37). */
#include "common/clock/clock.h"
#include "services/scheduler/device.h"
#include "services/scheduler/place.h"
#include "services/scheduler/zones.h"

#define AHEAD_MS ((int64_t)400 * 86400000)

struct save {
	struct call *call;
	const struct m_window *change;
	bool create;
	struct m_window *window; /* as it shall be */
};

/* Devices bound by this window that never get their turn; "" = none. */
static const char *never(struct save *s, struct db_result *together, struct db_result *rules)
{
	int64_t now = (int64_t)clock_wall_ms();
	const char *first = NULL;
	struct windows all;
	struct window_open open;
	int64_t n = 0;

	windows_take(rules, &s->call->arena, &all);
	for (int row = 0; row < db_rows(together); row++) {
		struct row c = {.r = together, .row = row, .arena = &s->call->arena};
		const struct zone *zone = zone_or_utc(row_text(&c));
		if (windows_open(&all, row_text(&c), zone, now, now + AHEAD_MS, &open))
			continue;
		n += (int64_t)row_uint(&c);
		first = first == NULL ? row_text(&c) : first;
	}
	return n == 0 ? NULL
		      : arena_printf(&s->call->arena,
				"%lld devices can never start, '%s' among them: their windows "
				"have no time in common",
				(long long)n, first);
}

static void committed(
	unused struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct save *s = arg;
	struct m_window window = {.name = NULL};
	struct m_window_one reply = {.window = &window};

	if (f != NULL) {
		answer_fault(s->call, f);
		return;
	}
	if (!found_one(s->call, r[n - 3], "window"))
		return;
	struct row c = {.r = r[n - 3], .arena = &s->call->arena};
	row_window(&c, &window);
	window.note = never(s, r[n - 2], r[n - 1]);
	call_reply(s->call, &reply);
}

static void add_texts(struct db_args *a, const char *const *texts, size_t n)
{
	db_array(a);
	for (size_t i = 0; i < n; i++)
		db_text(a, texts[i]);
	db_array_end(a);
}

static const char *spans_json(struct save *s)
{
	const struct m_window *m = s->window;
	const void **list = arena_array(&s->call->arena, m->open_n + 1, sizeof(*list));

	bug_if(list == NULL);
	for (size_t i = 0; i < m->open_n; i++)
		list[i] = &m->open[i];
	return json_write_list(&m_window_span_desc, list, m->open_n, &s->call->arena);
}

static const char *days_json(struct save *s)
{
	const struct m_window *m = s->window;
	const void **list = arena_array(&s->call->arena, m->exceptions_n + 1, sizeof(*list));

	bug_if(list == NULL);
	for (size_t i = 0; i < m->exceptions_n; i++)
		list[i] = &m->exceptions[i];
	return json_write_list(&m_window_day_desc, list, m->exceptions_n, &s->call->arena);
}

static void commit(struct txn *t, void *arg)
{
	struct save *s = arg;
	struct db_args *a = db_add(t, &SQL_WINDOW_GET);

	db_uuid(a, &s->window->id);
	db_null(a);
	db_text(a, s->call->sees);
	a = db_add(t, &SQL_WINDOW_TOGETHER);
	db_uuid(a, &s->window->id);
	db_text(a, s->call->sees);
	(void)db_add(t, &SQL_WINDOW_RULES);
	db_commit(t, committed, s);
}

static void write_window(struct save *s, struct txn *t)
{
	const struct m_window *m = s->window;
	struct db_args *a = db_add(t, &SQL_WINDOW_PUT);

	db_uuid(a, &m->id);
	db_text(a, m->name);
	db_text(a, m->zone);
	db_text(a, spans_json(s));
	db_text(a, days_json(s));
	db_int(a, (int64_t)m->min_left_ms);
	db_bool(a, m->hard_end);
	db_uuid(db_add(t, &SQL_WINDOW_FREE), &m->id);
	a = db_add(t, &SQL_WINDOW_BIND);
	db_uuid(a, &m->id);
	add_texts(a, m->tasks, m->tasks_n);
	add_texts(a, m->sites, m->sites_n);
	add_texts(a, m->groups, m->groups_n);
	add_texts(a, m->devices, m->devices_n);
	scope_saved(t, s->call, &SQL_SCOPE_WINDOW, &m->id, commit, s);
}

static void resolved(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct save *s = arg;
	struct m_window *m = s->window;

	if (f != NULL)
		answer_fault(s->call, f);
	else if (refs_take(s->call, r[0], m->tasks, "task", &m->tasks) &&
		 refs_take(s->call, r[1], m->groups, "group", &m->groups) &&
		 refs_take(s->call, r[2], m->devices, "device", &m->devices))
		write_window(s, t);
	else
		db_rollback(t);
}

static void merge_rules(struct m_window *to, const struct m_window *from)
{
	if (from->name != NULL)
		to->name = from->name;
	if (from->zone != NULL)
		to->zone = *from->zone == '\0' ? NULL : from->zone;
	if (from->has & HAS_WINDOW__OPEN) {
		to->open = from->open;
		to->open_n = from->open_n;
	}
	if (from->has & HAS_WINDOW__EXCEPTIONS) {
		to->exceptions = from->exceptions;
		to->exceptions_n = from->exceptions_n;
	}
	if (from->has & HAS_WINDOW__MIN_LEFT_MS)
		to->min_left_ms = from->min_left_ms;
	if (from->has & HAS_WINDOW__HARD_END)
		to->hard_end = from->hard_end;
}

static void merge_places(struct m_window *to, const struct m_window *from)
{
	if (from->has & HAS_WINDOW__TASKS) {
		to->tasks = from->tasks;
		to->tasks_n = from->tasks_n;
	}
	if (from->has & HAS_WINDOW__SITES) {
		to->sites = from->sites;
		to->sites_n = from->sites_n;
	}
	if (from->has & HAS_WINDOW__GROUPS) {
		to->groups = from->groups;
		to->groups_n = from->groups_n;
	}
	if (from->has & HAS_WINDOW__DEVICES) {
		to->devices = from->devices;
		to->devices_n = from->devices_n;
	}
}

static void check_and_resolve(struct save *s, struct txn *t)
{
	struct fault f = FAULT_INIT;
	struct m_window *m = s->window;
	struct window rules;

	merge_rules(m, s->change);
	merge_places(m, s->change);
	m->has |= HAS_WINDOW__MIN_LEFT_MS;
	if (m->name == NULL || *m->name == '\0')
		(void)fault_why(&f, CN_VALIDATION_FAILED, "required", "a window needs a name");
	else if (s->change->name != NULL && name_is_id(m->name))
		(void)fault_why(
			&f, CN_VALIDATION_FAILED, "name_is_id", "name: it looks like an id");
	if (f.code != 0 || window_read(m, &s->call->arena, &rules, &f) < 0) {
		db_rollback(t);
		call_fault(s->call, &f);
		return;
	}
	refs_add(t, s->call, &SQL_RESOLVE_TASKS, m->tasks, m->tasks_n);
	refs_add(t, s->call, &SQL_RESOLVE_GROUPS, m->groups, m->groups_n);
	refs_add(t, s->call, &SQL_RESOLVE_DEVICES, m->devices, m->devices_n);
	db_step(t, resolved, s);
}

static void found(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct save *s = arg;
	const struct m_window_update *m = s->call->body;

	if (f != NULL) {
		answer_fault(s->call, f);
		return;
	}
	if (found_one(s->call, r[0], "window")) {
		struct row c = {.r = r[0], .arena = &s->call->arena};
		row_window(&c, s->window);
		if (version_fits(s->call, m->if_version, s->window->version)) {
			check_and_resolve(s, t);
			return;
		}
	}
	db_rollback(t);
}

static void looked(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct save *s = arg;

	if (f != NULL)
		answer_fault(s->call, f);
	else if (db_rows(r[0]) == 1) /* this request made it before */
		commit(t, s);
	else
		check_and_resolve(s, t);
}

static void begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct save *s = arg;

	if (f != NULL) {
		answer_fault(s->call, f);
	} else if (s->create) {
		s->window->id = request_id(s->call);
		s->window->min_left_ms = (uint64_t)WINDOW_MIN_LEFT_MS;
		struct db_args *a = db_add(t, &SQL_WINDOW_FIND);
		db_uuid(a, &s->window->id);
		db_null(a);
		db_step(t, looked, s);
	} else {
		ref_args(db_add(t, &SQL_WINDOW_FIND),
			((const struct m_window_update *)s->call->body)->ref);
		db_step(t, found, s);
	}
}

static void save(struct call *call, const struct m_window *change, bool create)
{
	struct save *s = arena_alloc(&call->arena, sizeof(*s));

	bug_if(s == NULL);
	*s = (struct save){.call = call, .change = change, .create = create};
	s->window = arena_alloc(&call->arena, sizeof(*s->window));
	bug_if(s->window == NULL);
	*s->window = (struct m_window){.name = NULL};
	db_begin(scheduler.service->db, begun, s);
}

void on_window_create(struct call *call)
{
	save(call, ((const struct m_window_create *)call->body)->window, true);
}

void on_window_update(struct call *call)
{
	save(call, ((const struct m_window_update *)call->body)->window, false);
}
