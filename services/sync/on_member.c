// SPDX-License-Identifier: Apache-2.0
/* Members of sync groups: list and remove. */
#include "services/sync/sync.h"

/* ---- list ---- */

static void listed(unused struct txn *t, struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;
	struct fault why = FAULT_INIT;

	if (f != NULL)
		answer_fault(call, f);
	else if (!group_found(r[0], &why))
		call_fault(call, &why);
	else
		answer_members(call, r[1]);
}

static void list(struct txn *t, unused struct db_result **r, unused size_t n, const struct fault *f,
	void *arg)
{
	struct call *call = arg;
	const struct m_sync_member_list *m = call->body;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	ref_args(db_add(t, &SQL_GROUP_FIND), m->ref);
	ref_args(db_add(t, &SQL_MEMBERS), m->ref);
	db_commit(t, listed, call);
}

void on_sync_member_list(struct call *call)
{
	db_begin(sync_service.service->db, list, call);
}

/* ---- remove ---- */

struct removal {
	struct uuid group;
	const struct m_sync_member *member;
};

static void removed(
	unused struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	struct removal *gone = call->state;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	tell_lock(gone->member, true);
	tell_changed(&gone->group, gone->member);
	answer_members(call, r[n - 1]);
}

static const struct m_sync_member *member_of(
	struct call *call, const struct db_result *r, const struct uuid *device)
{
	struct m_sync_member *members = member_rows(call, r);

	for (int i = 0; i < db_rows(r); i++)
		if (uuid_eq(&members[i].device, device))
			return &members[i];
	return NULL;
}

static void found(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	const struct m_sync_member_remove *m = call->body;
	struct removal *gone = call->state;
	struct fault why = FAULT_INIT;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	gone->member = member_of(call, r[1], &m->device);
	if (!group_found(r[0], &why)) {
		give_up(t, call, &why);
		return;
	}
	if (gone->member == NULL)
		(void)fault_why(&why, CN_NOT_FOUND, "sync_member", "no such member");
	if (gone->member == NULL || member_may_leave(gone->member, &why) < 0) {
		give_up(t, call, &why);
		return;
	}
	gone->group = db_get_uuid(r[0], 0, 0);
	db_uuid(db_add(t, &SQL_MEMBER_REMOVE), &m->device);
	ref_args(db_add(t, &SQL_MEMBERS), m->ref);
	db_commit(t, removed, call);
}

static void remove_begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;
	const struct m_sync_member_remove *m = call->body;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	ref_args(db_add(t, &SQL_GROUP_LOCK), m->ref);
	ref_args(db_add(t, &SQL_MEMBERS), m->ref);
	db_step(t, found, call);
}

void on_sync_member_remove(struct call *call)
{
	call->state = arena_alloc(&call->arena, sizeof(struct removal));
	bug_if(call->state == NULL);
	db_begin(sync_service.service->db, remove_begun, call);
}
