// SPDX-License-Identifier: Apache-2.0
/* dist_set_create and dist_set_update: one way of saving. References are resolved to ids; members
 * given replace those there were. */
#include "services/scheduler/device.h"
#include "services/scheduler/scheduler.h"
#include "services/scheduler/task.h"

struct save {
	struct call *call;
	const struct m_dist_set *set;
	bool create, devices, groups; /* members that were given */
	struct uuid id;
};

static void commit(struct txn *t, void *arg)
{
	struct save *s = arg;

	set_get_add(t, s->call, &s->id);
	db_commit(t, set_answer, s->call);
}

static void written(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct save *s = arg;

	if (f != NULL) {
		answer_fault(s->call, f);
		return;
	}
	if (db_rows(r[n - 1]) > 0) {
		call_refuse(s->call, CN_VALIDATION_FAILED, "dynamic_group",
			"a set names static groups: '%s' is a filter", db_get_text(r[n - 1], 0, 0));
		db_rollback(t);
		return;
	}
	scope_saved(t, s->call, &SQL_SCOPE_SET, &s->id, commit, s);
}

static void add_members(struct txn *t, const struct save *s, const struct db_sql *sql,
	const char *const *ids, size_t n)
{
	struct db_args *a = db_add(t, sql);

	db_uuid(a, &s->id);
	db_array(a);
	for (size_t i = 0; i < n; i++)
		db_text(a, ids[i]);
	db_array_end(a);
}

static const char *map_json(const struct save *s)
{
	const struct m_dist_set *m = s->set;
	const void **list = arena_array(&s->call->arena, m->map_n + 1, sizeof(*list));

	bug_if(list == NULL);
	if (!s->create && (m->has & HAS_DIST_SET__MAP) == 0)
		return NULL;
	for (size_t i = 0; i < m->map_n; i++)
		list[i] = &m->map[i];
	return json_write_list(&m_slot_map_desc, list, m->map_n, &s->call->arena);
}

static void resolved(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct save *s = arg;
	const struct m_dist_set *m = s->set;
	const char *const *devices = NULL, *const *groups = NULL;

	if (f != NULL) {
		answer_fault(s->call, f);
		return;
	}
	bool good = refs_take(s->call, r[0], m->devices, "device", &devices) &&
		    refs_take(s->call, r[1], m->groups, "group", &groups);
	if (good && !db_get_bool(r[2], 0, 0)) {
		call_refuse(s->call, CN_VALIDATION_FAILED, "unknown_reference",
			"book: there is no such distribution book");
		good = false;
	}
	if (!good) {
		db_rollback(t);
		return;
	}
	struct db_args *a = db_add(t, s->create ? &SQL_SET_PUT : &SQL_SET_UPDATE);
	db_uuid(a, &s->id);
	db_text(a, m->name);
	db_uuid(a, &m->book);
	db_text(a, map_json(s));
	if (s->devices)
		add_members(t, s, &SQL_SET_DEVICES, devices, m->devices_n);
	if (s->groups)
		add_members(t, s, &SQL_SET_GROUPS, groups, m->groups_n);
	db_uuid(db_add(t, &SQL_SET_DYNAMIC), &s->id);
	db_step(t, written, s);
}

static void resolve(struct save *s, struct txn *t)
{
	refs_add(t, s->call, &SQL_RESOLVE_DEVICES, s->set->devices, s->set->devices_n);
	refs_add(t, s->call, &SQL_RESOLVE_GROUPS, s->set->groups, s->set->groups_n);
	struct db_args *a = db_add(t, &SQL_SCOPE_BOOK);
	db_uuid(a, &s->set->book);
	db_text(a, s->call->sees != NULL ? s->call->sees : s->call->scope);
	db_step(t, resolved, s);
}

static void found(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct save *s = arg;
	uint64_t wanted =
		s->create ? 0 : ((const struct m_dist_set_update *)s->call->body)->if_version;

	if (f != NULL) {
		answer_fault(s->call, f);
		return;
	}
	if (s->create && db_rows(r[0]) == 1) { /* this request made it before */
		commit(t, s);
		return;
	}
	if (s->create) {
		resolve(s, t);
		return;
	}
	if (!found_one(s->call, r[0], "set") ||
		!version_fits(s->call, wanted, (uint64_t)db_get_int(r[0], 0, 1))) {
		db_rollback(t);
		return;
	}
	s->id = db_get_uuid(r[0], 0, 0);
	resolve(s, t);
}

static void begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct save *s = arg;

	if (f != NULL) {
		answer_fault(s->call, f);
		return;
	}
	struct db_args *a = db_add(t, &SQL_SET_FIND);
	if (s->create) {
		db_uuid(a, &s->id);
		db_null(a);
	} else {
		ref_args(a, ((const struct m_dist_set_update *)s->call->body)->ref);
	}
	db_step(t, found, s);
}

static void save(struct call *call, const struct m_dist_set *m, bool create)
{
	struct save *s = arena_alloc(&call->arena, sizeof(*s));
	struct fault f = FAULT_INIT;

	bug_if(s == NULL);
	*s = (struct save){.call = call, .set = m, .create = create, .id = request_id(call)};
	s->devices = create || (m->has & HAS_DIST_SET__DEVICES) != 0;
	s->groups = create || (m->has & HAS_DIST_SET__GROUPS) != 0;
	if (create && (m->name == NULL || *m->name == '\0' || uuid_is_nil(&m->book)))
		call_refuse(call, CN_VALIDATION_FAILED, "required",
			"a set needs a name and a distribution book");
	else if (m->name != NULL && name_is_id(m->name))
		call_refuse(call, CN_VALIDATION_FAILED, "name_is_id", "name: it looks like an id");
	else if (task_map_check(m->map, m->map_n, &f) < 0)
		call_fault(call, &f);
	else
		db_begin(scheduler.service->db, begun, s);
}

void on_dist_set_create(struct call *call)
{
	save(call, ((const struct m_dist_set_create *)call->body)->set, true);
}

void on_dist_set_update(struct call *call)
{
	save(call, ((const struct m_dist_set_update *)call->body)->set, false);
}
