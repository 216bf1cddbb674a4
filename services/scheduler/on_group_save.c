// SPDX-License-Identifier: Apache-2.0
/* group_create, group_update, group_delete, group_change_members. A circle of groups is refused
 * when it is saved (group_cycle), and so is a nesting deeper than 16. */
#include <string.h>

#include "services/scheduler/device.h"
#include "services/scheduler/scheduler.h"

#define DEPTH_MAX 16

static bool check(struct call *call, const struct m_group *g, enum group_kind kind)
{
	const struct filter *tree = NULL;
	struct fault f = FAULT_INIT;

	if (g->name != NULL && name_is_id(g->name)) {
		call_refuse(call, CN_VALIDATION_FAILED, "name_is_id", "name: it looks like an id");
		return false;
	}
	if (g->name != NULL && (*g->name == '\0' || strchr(g->name, '/') != NULL)) {
		call_refuse(
			call, CN_VALIDATION_FAILED, "required", "name: one without '/' is needed");
		return false;
	}
	if (kind == GROUP_KIND_STATIC && g->filter != NULL) {
		call_refuse(
			call, CN_VALIDATION_FAILED, "filter", "filter: a static group has none");
		return false;
	}
	if (kind == GROUP_KIND_DYNAMIC && g->filter != NULL && *g->filter == '\0') {
		call_refuse(
			call, CN_VALIDATION_FAILED, "filter", "filter: a dynamic group needs one");
		return false;
	}
	if (filter_parse(g->filter, FILTER_DEVICES, &call->arena, &tree, &f) < 0) {
		call_fault(call, &f);
		return false;
	}
	return true;
}

/* ---- create ---- */

static void create_begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;
	const struct m_group *g = ((const struct m_group_create *)call->body)->group;
	struct uuid id = request_id(call);

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	struct db_args *a = db_add(t, &SQL_GROUP_INSERT);
	db_uuid(a, &id);
	db_text(a, g->name);
	db_int(a, (int64_t)g->kind);
	db_text(a, g->filter);
	db_text(a, call->scope);
	a = db_add(t, &SQL_GROUP_GET);
	db_uuid(a, &id);
	db_null(a);
	db_commit(t, group_answer, call);
}

void on_group_create(struct call *call)
{
	const struct m_group *g = ((const struct m_group_create *)call->body)->group;

	if (g->name == NULL || g->kind == 0)
		call_refuse(call, CN_VALIDATION_FAILED, "required", "%s: a group needs one",
			g->name == NULL ? "name" : "kind");
	else if (g->kind == GROUP_KIND_DYNAMIC && g->filter == NULL)
		call_refuse(
			call, CN_VALIDATION_FAILED, "filter", "filter: a dynamic group needs one");
	else if (check(call, g, g->kind))
		db_begin(scheduler.service->db, create_begun, call);
}

/* ---- update ---- */

static void update_found(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	const struct m_group_update *m = call->body;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	if (!found_one(call, r[0], "group") ||
		!version_fits(call, m->if_version, (uint64_t)db_get_int(r[0], 0, 1)) ||
		!check(call, m->group, (enum group_kind)db_get_int(r[0], 0, 2))) {
		db_rollback(t);
		return;
	}
	if (m->group->kind != 0 && (int64_t)m->group->kind != db_get_int(r[0], 0, 2)) {
		db_rollback(t);
		call_refuse(call, CN_CONFLICT, "group_kind", "the kind of a group cannot change");
		return;
	}
	struct uuid id = db_get_uuid(r[0], 0, 0);
	struct db_args *a = db_add(t, &SQL_GROUP_UPDATE);
	db_uuid(a, &id);
	db_text(a, m->group->name);
	db_text(a, m->group->filter);
	db_text(a, call->scope);
	a = db_add(t, &SQL_GROUP_GET);
	db_uuid(a, &id);
	db_null(a);
	db_commit(t, group_answer, call);
}

static void update_begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	ref_args(db_add(t, &SQL_GROUP_FIND), ((const struct m_group_update *)call->body)->ref);
	db_step(t, update_found, call);
}

void on_group_update(struct call *call)
{
	db_begin(scheduler.service->db, update_begun, call);
}

/* ---- delete ---- */

static void delete_checked(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	if (!db_is_null(r[0], 0, 0)) {
		call_refuse(call, CN_CONFLICT, "in_use", "in use by %.400s",
			call->scope != NULL ? "something that stands for it"
					    : db_get_text(r[0], 0, 0));
		db_rollback(t);
		return;
	}
	db_uuid(db_add(t, &SQL_GROUP_DELETE), call->state);
	db_commit(t, answer_ok, call);
}

static void delete_found(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	const struct m_group_delete *m = call->body;
	struct uuid *id = arena_alloc(&call->arena, sizeof(*id));

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	if (!found_one(call, r[0], "group") ||
		!version_fits(call, m->if_version, (uint64_t)db_get_int(r[0], 0, 1))) {
		db_rollback(t);
		return;
	}
	bug_if(id == NULL);
	*id = db_get_uuid(r[0], 0, 0);
	call->state = id;
	db_uuid(db_add(t, &SQL_GROUP_IN_USE), id);
	db_step(t, delete_checked, call);
}

static void delete_begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	ref_args(db_add(t, &SQL_GROUP_FIND), ((const struct m_group_delete *)call->body)->ref);
	db_step(t, delete_found, call);
}

void on_group_delete(struct call *call)
{
	db_begin(scheduler.service->db, delete_begun, call);
}

/* ---- members ---- */

enum { FIND, ADD_DEVICES, ADD_GROUPS, DROP_DEVICES, DROP_GROUPS };

/* Nobody makes their own scope wider: whatever right reaches this group has to reach already what
 * is put into it (FL-69). One question per right; their answers come first. */
static void ask_widens(struct call *call, struct txn *t, const struct db_result *devices,
	const struct db_result *groups)
{
	const struct db_result *const added[] = {devices, groups};
	const char *parts[SCOPE_PARTS_MAX];
	size_t n = scope_parts(call, parts);

	for (size_t i = 0; i < n; i++) {
		struct db_args *a = db_add(t, &SQL_SCOPE_WIDENS);
		db_uuid(a, call->state);
		for (size_t k = 0; k < array_len(added); k++) {
			db_array(a);
			for (int row = 0; row < db_rows(added[k]); row++) {
				struct uuid id = db_get_uuid(added[k], row, 1);
				db_uuid(a, &id);
			}
			db_array_end(a);
		}
		db_text(a, parts[i]);
		db_bool(a, call->scope != NULL);
	}
}

static bool widens(struct db_result **r, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (db_get_bool(r[i], 0, 0))
			return true;
	}
	return false;
}

#define CHANGES 6u /* statements after those of ask_widens */

static void members_checked(
	struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	struct uuid *id = call->state;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	if (widens(r, n - CHANGES)) {
		db_rollback(t);
		call_refuse(call, CN_OUT_OF_SCOPE, "outside",
			"a group of yours takes in only what lies within your scope");
		return;
	}
	if (db_get_bool(r[n - 1], 0, 0) || db_get_int(r[n - 1], 0, 1) > DEPTH_MAX) {
		db_rollback(t);
		call_refuse(call, CN_CONFLICT, "group_cycle",
			"add_groups: groups would contain each other, or stand more than 16 deep");
		return;
	}
	struct db_args *a = db_add(t, &SQL_GROUP_GET);
	db_uuid(a, id);
	db_null(a);
	db_commit(t, group_answer, call);
}

static bool add_members(struct call *call, struct txn *t, const struct db_sql *sql,
	const struct db_result *r, const char *const *refs, bool must_exist)
{
	struct db_args *a = NULL;

	for (int row = 0; must_exist && row < db_rows(r); row++) {
		if (db_get_int(r, row, 2) == 1)
			continue;
		call_refuse(call, CN_VALIDATION_FAILED, "unknown_reference", "%s '%.128s'",
			db_get_int(r, row, 2) == 0 ? "there is no" : "there are several of",
			refs[row]);
		return false;
	}
	a = db_add(t, sql);
	db_uuid(a, call->state);
	db_array(a);
	for (int row = 0; row < db_rows(r); row++) {
		struct uuid id = db_get_uuid(r, row, 1);
		if (db_get_int(r, row, 2) == 1)
			db_uuid(a, &id);
	}
	db_array_end(a);
	return true;
}

static void members_found(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	const struct m_group_change_members *m = call->body;
	struct uuid *id = arena_alloc(&call->arena, sizeof(*id));

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	r++; /* the lock's */
	bug_if(id == NULL);
	if (!found_one(call, r[FIND], "group") ||
		!version_fits(call, m->if_version, (uint64_t)db_get_int(r[FIND], 0, 1))) {
		db_rollback(t);
		return;
	}
	if (db_get_int(r[FIND], 0, 2) != GROUP_KIND_STATIC) {
		db_rollback(t);
		call_refuse(
			call, CN_CONFLICT, "group_kind", "a dynamic group has no listed members");
		return;
	}
	*id = db_get_uuid(r[FIND], 0, 0);
	call->state = id;
	ask_widens(call, t, r[ADD_DEVICES], r[ADD_GROUPS]);
	if (!add_members(call, t, &SQL_GROUP_ADD_DEVICES, r[ADD_DEVICES], m->add_devices, true) ||
		!add_members(call, t, &SQL_GROUP_ADD_GROUPS, r[ADD_GROUPS], m->add_groups, true) ||
		!add_members(call, t, &SQL_GROUP_DROP_DEVICES, r[DROP_DEVICES], NULL, false) ||
		!add_members(call, t, &SQL_GROUP_DROP_GROUPS, r[DROP_GROUPS], NULL, false)) {
		db_rollback(t);
		return;
	}
	db_uuid(db_add(t, &SQL_GROUP_TOUCH), id);
	db_uuid(db_add(t, &SQL_GROUP_DEPTH), id);
	db_step(t, members_checked, call);
}

static void members_begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;
	const struct m_group_change_members *m = call->body;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	(void)db_add(t, &SQL_GROUPS_LOCK);
	ref_args(db_add(t, &SQL_GROUP_FIND), m->ref);
	refs_add(t, call, &SQL_RESOLVE_DEVICES, m->add_devices, m->add_devices_n);
	refs_add(t, call, &SQL_RESOLVE_GROUPS, m->add_groups, m->add_groups_n);
	refs_add(t, call, &SQL_RESOLVE_DEVICES, m->remove_devices, m->remove_devices_n);
	refs_add(t, call, &SQL_RESOLVE_GROUPS, m->remove_groups, m->remove_groups_n);
	db_step(t, members_found, call);
}

void on_group_change_members(struct call *call)
{
	db_begin(scheduler.service->db, members_begun, call);
}
