// SPDX-License-Identifier: Apache-2.0
/* sync_member_put: a machine enters a group, or its role or state changes. Decided under the row of
 * its group, so that any number of instances count the same machines. member.version, when given,
 * is the version that the caller has seen. */
#include <string.h>

#include "services/sync/sync.h"

struct putting {
	struct uuid group;
	struct m_sync_member next;
};

static void elsewhere(struct call *call)
{
	call_refuse(call, CN_CONFLICT, "sync_elsewhere", "the device is in another sync group");
}

static void put(
	unused struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	struct putting *p = call->state;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	tell_lock(&p->next, false);
	tell_changed(&p->group, &p->next);
	answer_members(call, r[n - 1]);
}

static void answer_all(struct txn *t, struct call *call)
{
	ref_args(db_add(t, &SQL_MEMBERS), ((const struct m_sync_member_put *)call->body)->ref);
	db_commit(t, put, call);
}

/* Another instance may have put the device into another group at this moment: then no row. */
static void written(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	if (db_rows(r[0]) == 0) {
		db_rollback(t);
		elsewhere(call);
		return;
	}
	answer_all(t, call);
}

static void write_member(struct txn *t, struct call *call)
{
	struct putting *p = call->state;
	struct db_args *a = db_add(t, &SQL_MEMBER_PUT);

	db_uuid(a, &p->next.device);
	db_uuid(a, &p->group);
	db_text(a, p->next.device_name);
	db_int(a, (int64_t)p->next.role);
	db_int(a, (int64_t)p->next.state);
	db_text(a, p->next.destination);
	db_time_ms(a, p->next.seen_at);
	db_uuid(a, &call->header.request);
	db_step(t, written, call);
}

/* The member as asked, with "given and empty" as "". */
static struct m_sync_member asked(const struct call *call)
{
	struct m_sync_member m = *((const struct m_sync_member_put *)call->body)->member;

	if (m.destination == NULL && (m.has & HAS_SYNC_MEMBER__DESTINATION) != 0)
		m.destination = "";
	if (m.device_name == NULL && (m.has & HAS_SYNC_MEMBER__DEVICE_NAME) != 0)
		m.device_name = "";
	return m;
}

/* Whether this very request changed the member last: it is a repeat, and it was done. */
static bool done_before(const struct call *call, const struct db_result *device)
{
	if (db_rows(device) == 0)
		return false;
	struct uuid last = db_get_uuid(device, 0, 8);
	return !uuid_is_nil(&last) && uuid_eq(&last, &call->header.request);
}

/* 0: to be written, with *ret_done: it was already. */
static int decide(struct call *call, struct db_result **r, bool *ret_done, struct fault *reterr)
{
	struct putting *p = call->state;
	struct m_sync_member m = asked(call), *all = member_rows(call, r[1]), *now = NULL;
	size_t n = (size_t)db_rows(r[1]);

	if (!group_found(r[0], reterr))
		return -1;
	p->group = db_get_uuid(r[0], 0, 0);
	for (size_t i = 0; i < n && now == NULL; i++)
		if (uuid_eq(&all[i].device, &m.device))
			now = &all[i];
	if (now == NULL && db_rows(r[2]) > 0)
		return fault_why(reterr, CN_CONFLICT, "sync_elsewhere",
			"the device is in another sync group");
	*ret_done = now != NULL && done_before(call, r[2]);
	if (*ret_done) {
		p->next = *now;
		return 0;
	}
	if (!version_fits(m.version, now == NULL ? 0 : now->version, reterr) ||
		member_step(now, &m, &p->next, reterr) < 0)
		return -1;
	return group_admits(all, n, &p->next, reterr);
}

static void found(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	struct fault why = FAULT_INIT;
	bool done = false;

	if (f != NULL)
		answer_fault(call, f);
	else if (decide(call, r, &done, &why) < 0)
		give_up(t, call, &why);
	else if (done)
		answer_all(t, call);
	else
		write_member(t, call);
}

static void begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;
	const struct m_sync_member_put *m = call->body;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	ref_args(db_add(t, &SQL_GROUP_LOCK), m->ref);
	ref_args(db_add(t, &SQL_MEMBERS), m->ref);
	db_uuid(db_add(t, &SQL_MEMBER_DEVICE), &m->member->device);
	db_step(t, found, call);
}

void on_sync_member_put(struct call *call)
{
	const struct m_sync_member *m = ((const struct m_sync_member_put *)call->body)->member;

	if (uuid_is_nil(&m->device)) {
		call_refuse(call, CN_VALIDATION_FAILED, "required", "a member needs a device");
		return;
	}
	call->state = arena_alloc(&call->arena, sizeof(struct putting));
	bug_if(call->state == NULL);
	db_begin(sync_service.service->db, begun, call);
}
