// SPDX-License-Identifier: Apache-2.0
/* Of somebody with a scope (docs/spec/fleet.md FL-69): a sync group is theirs to see or to change
 * when all its members are; one without members is nobody's. Lists narrow themselves. */
#include "services/sync/sync.h"

struct named {
	struct call *call;
	call_fn then;
	const char *ref;
	struct uuid device; /* that enters; nil = none */
};

static void fill(struct db_args *a, void *arg)
{
	const struct named *n = arg;

	ref_args(a, n->ref);
	db_uuid(a, &n->device);
	db_text(a, n->call->scope);
	db_text(a, n->call->sees);
}

static void looked(unused struct txn *t, struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct named *m = arg;

	if (f != NULL)
		answer_fault(m->call, f);
	else if (!db_get_bool(r[0], 0, 0))
		call_refuse(m->call, CN_NOT_FOUND, "sync_group", "no such sync group");
	else if (!db_get_bool(r[0], 0, 1))
		call_refuse(m->call, CN_NOT_FOUND, "unknown_device", "no such device");
	else if (m->call->desc->right != MSG_VIEWER && !db_get_bool(r[0], 0, 2))
		call_refuse(m->call, CN_OUT_OF_SCOPE, "outside",
			"its members have to lie within what you may change, all of them");
	else
		m->then(m->call);
}

void scope_guard(struct call *call, call_fn then)
{
	struct named *n = arena_alloc(&call->arena, sizeof(*n));
	const void *m = call->body;

	bug_if(n == NULL);
	*n = (struct named){.call = call, .then = then};
	switch (call->desc->id) {
	case MSG_SYNC_GROUP_GET:
		n->ref = ((const struct m_sync_group_get *)m)->ref;
		break;
	case MSG_SYNC_GROUP_UPDATE:
		n->ref = ((const struct m_sync_group_update *)m)->ref;
		break;
	case MSG_SYNC_MEMBER_LIST:
		n->ref = ((const struct m_sync_member_list *)m)->ref;
		break;
	case MSG_SYNC_MEMBER_PUT:
		n->ref = ((const struct m_sync_member_put *)m)->ref;
		n->device = ((const struct m_sync_member_put *)m)->member->device;
		break;
	case MSG_SYNC_MEMBER_REMOVE:
		n->ref = ((const struct m_sync_member_remove *)m)->ref;
		break;
	default: /* the list */
		then(call);
		return;
	}
	db_query(sync_service.service->db, &SQL_IN_SCOPE, fill, looked, n);
}
