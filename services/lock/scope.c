// SPDX-License-Identifier: Apache-2.0
/* Of somebody with a scope (docs/spec/fleet.md FL-69): locks on devices within. A device outside is
 * not there; a request that holds or waits on one is not theirs to keep, give back, leave or end.
 * Lists narrow themselves. */
#include <string.h>

#include "services/lock/serve.h"
#include "services/lock/sql.h"

struct named {
	struct call *call;
	call_fn then;
	const struct uuid *devices, *requests;
	size_t devices_n, requests_n;
};

static void fill(struct db_args *a, void *arg)
{
	const struct named *n = arg;

	sql_uuids(a, n->devices, n->devices_n);
	sql_uuids(a, n->requests, n->requests_n);
	db_text(a, n->call->scope);
	db_text(a, n->call->sees);
}

/* In the words of a request that is not there. */
static void refuse(struct call *call, bool seen)
{
	uint16_t id = call->desc->id;

	if (id == MSG_LOCK_RENEW || id == MSG_LOCK_RELEASE)
		call_refuse(call, CN_LEASE_LOST, "lock_lost",
			"not live under this session and token any more");
	else if (id == MSG_LOCK_CANCEL)
		call_reply(call, &(struct m_ok){.has = 0});
	else if (seen)
		call_refuse(call, CN_OUT_OF_SCOPE, "outside",
			"a device is not within what you may lock");
	else if (id == MSG_LOCK_END)
		call_refuse(call, CN_CONFLICT, "not_in_attention",
			"only a lock in attention is ended by a person");
	else
		call_refuse(call, CN_NOT_FOUND, "unknown_device", "no such device");
}

static void looked(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct named *m = arg;

	(void)t;
	(void)n;
	if (f != NULL)
		call_fault(m->call, f);
	else if (db_get_bool(r[0], 0, 0) && db_get_bool(r[0], 0, 1))
		m->then(m->call);
	else
		refuse(m->call, db_get_bool(r[0], 0, 0));
}

static void take_locks(struct named *n, const struct m_held *locks, size_t locks_n)
{
	struct uuid *requests = arena_array(&n->call->arena, locks_n + 1, sizeof(*requests));

	bug_if(requests == NULL);
	for (size_t i = 0; i < locks_n; i++)
		requests[i] = locks[i].request;
	n->requests = requests;
	n->requests_n = locks_n;
}

static void take_devices(struct named *n, const struct uuid *devices, size_t devices_n)
{
	n->devices = devices;
	n->devices_n = devices_n;
}

static void take_request(struct named *n, const struct uuid *request)
{
	n->requests = request;
	n->requests_n = 1;
}

void scope_guard(struct call *call, call_fn then)
{
	struct named *n = arena_alloc(&call->arena, sizeof(*n));
	const void *m = call->body;

	bug_if(n == NULL);
	*n = (struct named){.call = call, .then = then};
	switch (call->desc->id) {
	case MSG_LOCK_ACQUIRE:
		take_devices(n, ((const struct m_lock_acquire *)m)->devices,
			((const struct m_lock_acquire *)m)->devices_n);
		break;
	case MSG_LOCK_EXPLAIN:
		take_devices(n, ((const struct m_lock_explain *)m)->devices,
			((const struct m_lock_explain *)m)->devices_n);
		break;
	case MSG_LOCK_RENEW:
		take_locks(n, ((const struct m_lock_renew *)m)->locks,
			((const struct m_lock_renew *)m)->locks_n);
		break;
	case MSG_LOCK_RELEASE:
		take_locks(n, ((const struct m_lock_release *)m)->locks,
			((const struct m_lock_release *)m)->locks_n);
		break;
	case MSG_LOCK_CANCEL:
		take_request(n, &((const struct m_lock_cancel *)m)->request);
		break;
	case MSG_LOCK_END:
		take_request(n, &((const struct m_lock_end *)m)->request);
		break;
	default: /* a list */
		then(call);
		return;
	}
	db_query(call->service->db, &sql_in_scope, fill, looked, n);
}
