// SPDX-License-Identifier: Apache-2.0
/* Sync groups: create, update, delete. A repeated request (same idempotency key) changes nothing
 * and gets the same answer. */
#include <string.h>

#include "common/clock/clock.h"
#include "services/sync/sync.h"

/* What a change keeps until its commit. */
struct saving {
	struct uuid group;
	bool changed;
};

static struct saving *saving_new(struct call *call)
{
	struct saving *s = arena_alloc(&call->arena, sizeof(*s));

	bug_if(s == NULL);
	call->state = s;
	return s;
}

static void save_fault(struct call *call, const struct fault *f)
{
	if (strcmp(f->reason, "23505") == 0)
		call_refuse(call, CN_CONFLICT, "name", "a sync group of this name exists");
	else
		answer_fault(call, f);
}

static void saved(
	unused struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	struct saving *s = call->state;

	if (f != NULL) {
		save_fault(call, f);
		return;
	}
	if (s->changed)
		tell_changed(&s->group, NULL);
	answer_group(call, r[n - 1]);
}

static void find_by_id(struct txn *t, const struct uuid *id)
{
	struct db_args *a = db_add(t, &SQL_GROUP_FIND);

	db_uuid(a, id);
	db_null(a);
}

/* ---- create ---- */

static void created(unused struct txn *t, struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;
	const struct m_sync_group_create *m = call->body;
	struct saving *s = call->state;

	if (f != NULL) {
		save_fault(call, f);
		return;
	}
	s->changed = db_affected(r[0]) == 1;
	if (!s->changed && strcmp(db_get_text(r[1], 0, 1), m->group->name) != 0) {
		call_refuse(call, CN_CONFLICT, "request_reused", "it made another sync group");
		return;
	}
	if (s->changed)
		tell_changed(&s->group, NULL);
	answer_group(call, r[1]);
}

static void create(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;
	const struct m_sync_group_create *m = call->body;
	struct saving *s = call->state;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	struct db_args *a = db_add(t, &SQL_GROUP_INSERT);
	db_uuid(a, &s->group);
	db_text(a, m->group->name);
	db_text(a, m->group->note);
	find_by_id(t, &s->group);
	db_commit(t, created, call);
}

void on_sync_group_create(struct call *call)
{
	const struct m_sync_group_create *m = call->body;
	struct fault f = FAULT_INIT;

	if (group_name_check(m->group->name, &f) < 0) {
		call_fault(call, &f);
		return;
	}
	saving_new(call)->group = uuid_is_nil(&call->header.request) ? uuid_v7(clock_wall_ms())
								     : call->header.request;
	db_begin(sync_service.service->db, create, call);
}

/* ---- update ---- */

static void update(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	const struct m_sync_group_update *m = call->body;
	struct saving *s = call->state;
	struct fault why = FAULT_INIT;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	if (!group_found(r[0], &why)) {
		give_up(t, call, &why);
		return;
	}
	s->group = db_get_uuid(r[0], 0, 0);
	struct uuid last = db_get_uuid(r[0], 0, 2);
	s->changed = uuid_is_nil(&last) || !uuid_eq(&last, &call->header.request);
	if (s->changed && !version_fits(m->if_version, (uint64_t)db_get_int(r[0], 0, 1), &why)) {
		give_up(t, call, &why);
		return;
	}
	if (s->changed) {
		struct db_args *a = db_add(t, &SQL_GROUP_UPDATE);
		db_uuid(a, &s->group);
		db_text(a, m->group->name);
		if (m->group->note == NULL && (m->group->has & HAS_SYNC_GROUP__NOTE) != 0)
			db_text(a, "");
		else
			db_text(a, m->group->note);
		db_uuid(a, &call->header.request);
	}
	find_by_id(t, &s->group);
	db_commit(t, saved, call);
}

static void update_begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	ref_args(db_add(t, &SQL_GROUP_LOCK), ((const struct m_sync_group_update *)call->body)->ref);
	db_step(t, update, call);
}

void on_sync_group_update(struct call *call)
{
	const struct m_sync_group *g = ((const struct m_sync_group_update *)call->body)->group;
	bool named = g->name != NULL || (g->has & HAS_SYNC_GROUP__NAME) != 0;
	struct fault f = FAULT_INIT;

	if (named && group_name_check(g->name, &f) < 0) {
		call_fault(call, &f);
		return;
	}
	(void)saving_new(call);
	db_begin(sync_service.service->db, update_begun, call);
}

/* ---- delete ---- */

static void deleted(unused struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;
	struct saving *s = call->state;

	if (f != NULL) {
		answer_fault(call, f); /* members still refer to it */
		return;
	}
	tell_changed(&s->group, NULL);
	call_reply(call, &(struct m_ok){.has = 0});
}

static void delete_found(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	struct saving *s = call->state;
	struct fault why = FAULT_INIT;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	if (!group_found(r[0], &why)) {
		give_up(t, call, &why);
		return;
	}
	s->group = db_get_uuid(r[0], 0, 0);
	db_uuid(db_add(t, &SQL_GROUP_DELETE), &s->group);
	db_commit(t, deleted, call);
}

static void delete_begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	ref_args(db_add(t, &SQL_GROUP_LOCK), ((const struct m_sync_group_delete *)call->body)->ref);
	db_step(t, delete_found, call);
}

void on_sync_group_delete(struct call *call)
{
	(void)saving_new(call);
	db_begin(sync_service.service->db, delete_begun, call);
}
