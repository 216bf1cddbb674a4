// SPDX-License-Identifier: Apache-2.0
/* Lists with filter, order and cursor. */
#include "services/scheduler/list.h"

#define LIMIT_DEFAULT 100u
#define LIMIT_MAX 1000u
/* A row is shorter in a message than the text that the database gives, but for its numbers. */
#define ROW_BYTES ((size_t)160)

size_t page_limit(uint64_t limit)
{
	return limit == 0 ? LIMIT_DEFAULT : limit > LIMIT_MAX ? LIMIT_MAX : (size_t)limit;
}

size_t page_fit(const struct db_result *r, size_t limit)
{
	size_t bytes = 0;

	for (int row = 0; row < db_rows(r) && (size_t)row < limit; row++) {
		bytes += ROW_BYTES + db_row_bytes(r, row);
		if (bytes > PAGE_BYTES && row > 0)
			return (size_t)row;
	}
	return limit;
}

static void listed(unused struct txn *t, struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct list *l = arg;

	buf_fini(&l->sql);
	if (f != NULL) {
		answer_fault(l->call, f);
		return;
	}
	l->limit = page_fit(r[0], l->limit);
	l->def.rows(l, r[0]);
}

static void fill(struct db_args *a, void *arg)
{
	struct list *l = arg;

	sql_values_add(a, &l->values);
	db_text(a, l->after_name);
	db_uuid(a, &l->after_id);
	db_int(a, (int64_t)l->limit + 1);
}

void list_start(struct call *call, const struct list_def *def, const char *filter,
	const char *cursor, uint64_t limit)
{
	struct list *l = arena_alloc(&call->arena, sizeof(*l));
	const struct filter *tree = NULL;
	struct fault f = FAULT_INIT;
	struct sql_seen seen;

	bug_if(l == NULL);
	*l = (struct list){.call = call, .def = *def};
	l->limit = page_limit(limit);
	if (!cursor_read(call, cursor, &l->after_name, &l->after_id))
		return;
	if (filter_parse(filter, def->fields, &call->arena, &tree, &f) < 0) {
		call_fault(call, &f);
		return;
	}
	buf_adds(&l->sql, def->head);
	buf_adds(&l->sql, " where ");
	seen = sql_seen_by(call->scope, 1, &l->sql, &l->values);
	sql_condition(tree, 1, seen.text, &l->sql, &l->values);
	if (call->scope != NULL) {
		bug_if(def->within == NULL); /* its request knows no scopes: refused before */
		sql_within(def->within, 1, call->scope, &l->sql, &l->values);
	}
	sql_page(&l->sql, def->order, def->descending);
	if (l->sql.err) {
		buf_fini(&l->sql);
		call_refuse(
			call, CN_VALIDATION_FAILED, "filter", "the filter holds too many values");
		return;
	}
	l->statement = (struct db_sql){"", buf_str(&l->sql)};
	db_query(scheduler.service->db, &l->statement, fill, listed, l);
}

uint64_t list_total(const struct db_result *r, int col)
{
	return db_rows(r) == 0 ? 0 : (uint64_t)db_get_int(r, 0, col);
}
