// SPDX-License-Identifier: Apache-2.0
/* Reading the audit trail, newest first; the cursor is the sequence number to go on below. */
#include <stdio.h>
#include <stdlib.h>

#include "common/db/db.h"
#include "services/gateway/gateway.h"
#include "services/gateway/sql.h"

#define PAGE 100

static uint64_t page_size(const struct m_audit_list *m)
{
	return m->limit == 0 ? PAGE : m->limit;
}

static void fill(struct db_args *a, void *arg)
{
	const struct m_audit_list *m = ((const struct rest *)arg)->body;

	db_int(a, m->cursor == NULL ? INT64_MAX : strtoll(m->cursor, NULL, 10));
	db_int(a, (int64_t)page_size(m));
	db_bool(a, m->text);
}

static void listed(
	struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct rest *r = arg;

	(void)t;
	(void)n;
	if (f != NULL) {
		rest_fault(r, f);
		return;
	}
	struct db_result *rows = res[0];
	struct m_audit_event *items = arena_array(r->arena, (size_t)db_rows(rows), sizeof(*items));
	struct m_audit_page page = {
		.items = items, .items_n = items == NULL ? 0 : (size_t)db_rows(rows)};
	for (int i = 0; i < (int)page.items_n; i++)
		items[i] = (struct m_audit_event){
			.seq = (uint64_t)db_get_int(rows, i, 0),
			.at = db_get_time_ms(rows, i, 1),
			.actor = db_get_text(rows, i, 2),
			.origin = db_get_text(rows, i, 3),
			.verb = db_get_text(rows, i, 4),
			.object = db_get_text(rows, i, 5),
			.outcome = db_get_text(rows, i, 6),
			.trace = db_get_uuid(rows, i, 7),
			.hash = db_get_bytes(rows, i, 8),
			.digest = db_get_bytes(rows, i, 9),
			.text = db_is_null(rows, i, 10) ? NULL : db_get_text(rows, i, 10),
		};
	if (page.items_n == page_size(r->body) && items[page.items_n - 1].seq > 1)
		page.next = arena_printf(
			r->arena, "%llu", (unsigned long long)items[page.items_n - 1].seq);
	rest_reply(r, &m_audit_page_desc, &page);
}

void on_audit_list(struct rest *r, const void *body)
{
	(void)body;
	db_query(r->gateway->service->db, &SQL_AUDIT_LIST, fill, listed, r);
}
