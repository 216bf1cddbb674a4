// SPDX-License-Identifier: Apache-2.0
/* lock_list and lock_get: what is held, waits and was seen, for people. The cursor is an offset:
 * locks come and go, a page is a look and no promise. */
#include <stdlib.h>

#include "services/lock/serve.h"
#include "services/lock/sql.h"

enum { PAGE = 100 };

static uint64_t offset_of(const struct m_lock_list *m)
{
	return m->cursor == NULL ? 0 : strtoull(m->cursor, NULL, 10);
}

static uint64_t limit_of(const struct m_lock_list *m)
{
	return m->limit == 0 ? PAGE : m->limit;
}

static void reply(struct call *call, struct db_result *r, const char *next)
{
	struct m_lock *items = arena_array(&call->arena, (size_t)db_rows(r) + 1, sizeof(*items));
	struct m_lock_page page = {.items = items, .items_n = (size_t)db_rows(r), .next = next};

	if (items == NULL) {
		call_refuse(call, CN_INTERNAL_ERROR, "", "out of memory");
		return;
	}
	for (int i = 0; i < db_rows(r); i++)
		items[i] = sql_lock_row(r, i, &call->arena);
	call_reply(call, &page);
}

static void listed(
	struct txn *t, struct db_result **results, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	const struct m_lock_list *m = call->body;
	const char *next = NULL;

	(void)t;
	(void)n;
	if (f != NULL) {
		call_fault(call, f);
		return;
	}
	if ((uint64_t)db_rows(results[0]) == limit_of(m)) {
		unsigned long long after = offset_of(m) + limit_of(m);
		next = arena_printf(&call->arena, "%llu", after);
	}
	reply(call, results[0], next);
}

static void fill_list(struct db_args *a, void *arg)
{
	const struct call *call = arg;
	const struct m_lock_list *m = call->body;

	db_uuid(a, &m->device);
	db_int(a, m->state);
	db_int(a, (int64_t)offset_of(m));
	db_int(a, (int64_t)limit_of(m));
	db_text(a, call->scope);
}

void on_lock_list(struct call *call)
{
	db_query(call->service->db, &sql_list, fill_list, listed, call);
}

static void got(
	struct txn *t, struct db_result **results, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;

	(void)t;
	(void)n;
	if (f != NULL)
		call_fault(call, f);
	else if (db_rows(results[0]) == 0)
		call_refuse(call, CN_NOT_FOUND, "lock", "nothing stands under this request id now");
	else
		reply(call, results[0], NULL);
}

static void fill_get(struct db_args *a, void *arg)
{
	const struct call *call = arg;

	db_uuid(a, &((const struct m_lock_get *)call->body)->request);
	db_text(a, call->scope);
}

void on_lock_get(struct call *call)
{
	db_query(call->service->db, &sql_get, fill_get, got, call);
}
