// SPDX-License-Identifier: Apache-2.0
/* Sync groups: list and get. */
#include "services/sync/sync.h"

#define LIMIT_DEFAULT 100u
#define LIMIT_MAX 1000u

static size_t limit_of(const struct m_sync_group_list *m)
{
	return m->limit == 0 ? LIMIT_DEFAULT : m->limit > LIMIT_MAX ? LIMIT_MAX : (size_t)m->limit;
}

static void list_args(struct db_args *a, void *arg)
{
	const struct m_sync_group_list *m = ((struct call *)arg)->body;

	db_text(a, m->cursor); /* the last name of the page before */
	db_int(a, (int64_t)limit_of(m) + 1);
	db_text(a, ((struct call *)arg)->scope);
}

static void listed(unused struct txn *t, struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	size_t limit = limit_of(call->body), rows = (size_t)db_rows(r[0]);
	struct m_sync_group_page page = {.items = group_rows(call, r[0]), .items_n = rows};
	if (rows > limit) {
		page.items_n = limit;
		page.next = page.items[limit - 1].name;
	}
	call_reply(call, &page);
}

void on_sync_group_list(struct call *call)
{
	db_query(sync_service.service->db, &SQL_GROUP_LIST, list_args, listed, call);
}

static void get_args(struct db_args *a, void *arg)
{
	ref_args(a, ((const struct m_sync_group_get *)((struct call *)arg)->body)->ref);
}

static void got(unused struct txn *t, struct db_result **r, unused size_t n, const struct fault *f,
	void *arg)
{
	struct call *call = arg;

	if (f != NULL)
		answer_fault(call, f);
	else
		answer_group(call, r[0]);
}

void on_sync_group_get(struct call *call)
{
	db_query(sync_service.service->db, &SQL_GROUP_FIND, get_args, got, call);
}
