// SPDX-License-Identifier: Apache-2.0
/* quota_get, quota_put: what the tenant may have and has; and the quota of exports. */
#include "services/storage/sql_upkeep.h"

static void got(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	(void)t;
	(void)n;
	if (f != NULL) {
		catalogue_refuse(call, f);
		return;
	}
	const struct m_quota quota = {.bytes_used = (uint64_t)db_get_int(r[0], 0, 0),
		.versions_used = (uint64_t)db_get_int(r[0], 0, 1),
		.devices_used = (uint64_t)db_get_int(r[0], 0, 2),
		.bytes = (uint64_t)db_get_int(r[0], 0, 3),
		.versions = (uint64_t)db_get_int(r[0], 0, 4),
		.devices = (uint64_t)db_get_int(r[0], 0, 5),
		.mails = (uint64_t)db_get_int(r[0], 0, 6),
		.mails_used = (uint64_t)db_get_int(r[0], 0, 7),
		.exports = (uint64_t)db_get_int(r[0], 0, 8),
		.exports_used = (uint64_t)db_get_int(r[0], 0, 9)};
	const struct m_quota_one one = {.quota = &quota};
	call_reply(call, &one);
}

void on_quota_get(struct call *call)
{
	sql_quota(got, call);
}

static void put(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	if (f != NULL)
		got(t, r, n, f, arg);
	else
		sql_quota(got, arg);
}

void on_quota_put(struct call *call)
{
	sql_quota_put(call, put);
}

/* ---- exports ---- */

struct taking {
	struct call *call;
	void (*then)(void *arg, bool may);
	void *arg;
};

static void taken(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	const struct taking *x = arg;
	struct call *call = x->call;
	bool may = f == NULL && db_get_text(r[0], 0, 0)[0] == 0;
	struct fault why = FAULT_INIT;
	(void)t;
	(void)n;
	x->then(x->arg, may); /* x lives no longer than the call */
	if (f != NULL) {
		catalogue_refuse(call, f);
	} else if (!may) {
		fault_set(&why, CN_QUOTA_EXCEEDED, "%s", db_get_text(r[0], 0, 0));
		why.retry_s = (unsigned)db_get_int(r[0], 0, 1);
		call_fault(call, &why);
	}
}

void export_take(struct call *call, void (*then)(void *arg, bool may), void *arg)
{
	struct taking *x = arena_alloc(&call->arena, sizeof(*x));
	bug_if(x == NULL);
	*x = (struct taking){call, then, arg};
	if (call->header.role == MSG_INTERNAL)
		then(arg, true);
	else
		sql_export_take(taken, x);
}
