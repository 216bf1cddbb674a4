// SPDX-License-Identifier: Apache-2.0
/* What could not be delivered: listed, and sent again with the same id. */
#include "common/db/db.h"
#include "services/gateway/notify.h"
#include "services/gateway/sql_notify.h"

static void read_row(struct db_result *res, int row, struct m_dead_letter *d)
{
	*d = (struct m_dead_letter){
		.id = db_get_uuid(res, row, 0),
		.subscription = db_get_text(res, row, 1),
		.webhook = db_get_text(res, row, 2),
		.kind = db_get_text(res, row, 3),
		.subject = db_get_text(res, row, 4),
		.at = db_get_time_ms(res, row, 5),
		.tried_at = db_get_time_ms(res, row, 6),
		.attempts = (uint64_t)db_get_int(res, row, 7),
		.status = (uint64_t)db_get_int(res, row, 8),
		.cause = db_get_text(res, row, 9),
		.detail = db_get_text(res, row, 10),
	};
}

static void fill_list(struct db_args *a, void *arg)
{
	const struct m_dead_letter_list *m = ((const struct rest *)arg)->body;

	db_text(a, m->webhook);
	db_text(a, m->subscription);
	db_int(a, m->limit == 0 ? 100 : (int64_t)m->limit);
}

static void listed(
	struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct rest *r = arg;
	struct m_dead_letter_page page = {.items_n = 0};

	(void)t;
	(void)n;
	if (f != NULL) {
		rest_fault(r, f);
		return;
	}
	struct m_dead_letter *items =
		arena_array(r->arena, (size_t)db_rows(res[0]) + 1, sizeof(*items));
	bug_if(items == NULL);
	for (int row = 0; row < db_rows(res[0]); row++)
		read_row(res[0], row, &items[page.items_n++]);
	page.items = items;
	page.total = page.items_n == 0 ? 0 : (uint64_t)db_get_int(res[0], 0, 11);
	rest_reply(r, &m_dead_letter_page_desc, &page);
}

void on_dead_letter_list(struct rest *r, const void *body)
{
	(void)body;
	db_query(r->gateway->service->db, &SQL_DEAD_LIST, fill_list, listed, r);
}

static void fill_replay(struct db_args *a, void *arg)
{
	const struct m_dead_letter_replay *m = ((const struct rest *)arg)->body;

	db_array(a);
	for (size_t i = 0; i < m->ids_n; i++)
		db_uuid(a, &m->ids[i]);
	db_array_end(a);
	db_text(a, m->webhook);
	db_text(a, m->subscription);
}

static void replayed(
	struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct rest *r = arg;

	(void)t;
	(void)n;
	if (f != NULL) {
		rest_fault(r, f);
		return;
	}
	const struct m_dead_letters_replayed done = {.has = HAS_DEAD_LETTERS_REPLAYED__REPLAYED,
		.replayed = (uint64_t)db_get_int(res[0], 0, 0)};
	notify_look(r->gateway);
	rest_reply(r, &m_dead_letters_replayed_desc, &done);
}

void on_dead_letter_replay(struct rest *r, const void *body)
{
	const struct m_dead_letter_replay *m = body;

	if (m->ids_n == 0 && m->webhook == NULL && m->subscription == NULL)
		rest_refuse(r, CN_VALIDATION_FAILED, "required",
			"ids: which ones? or a webhook, or a subscription");
	else
		db_query(r->gateway->service->db, &SQL_DEAD_REPLAY, fill_replay, replayed, r);
}
