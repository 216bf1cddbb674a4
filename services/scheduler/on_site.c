// SPDX-License-Identifier: Apache-2.0
/* Sites: list, put, delete. */
#include <string.h>

#include "common/clock/zone.h"
#include "services/scheduler/scheduler.h"

static void listed(
	unused struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	struct m_site_page page = {0};

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	struct db_result *rows = r[n - 1];
	struct m_site *items = arena_array(&call->arena, (size_t)db_rows(rows) + 1, sizeof(*items));
	bug_if(items == NULL);
	for (int row = 0; row < db_rows(rows); row++) {
		struct row c = {.r = rows, .row = row, .arena = &call->arena};
		struct m_site *s = &items[page.items_n++];
		s->name = row_text(&c);
		s->region = row_text(&c);
		s->time_zone = row_text(&c);
		s->version = row_uint(&c);
	}
	page.items = items;
	call_reply(call, &page);
}

static void no_args(unused struct db_args *a, unused void *arg)
{
}

void on_site_list(struct call *call)
{
	db_query(scheduler.service->db, &SQL_SITE_LIST, no_args, listed, call);
}

static void put_begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;
	const struct m_site *s = ((const struct m_site_put *)call->body)->site;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	struct db_args *a = db_add(t, &SQL_SITE_PUT);
	db_text(a, s->name);
	db_text(a, s->region);
	db_text(a, s->time_zone);
	(void)db_add(t, &SQL_SITE_LIST);
	db_commit(t, listed, call);
}

void on_site_put(struct call *call)
{
	const struct m_site *s = ((const struct m_site_put *)call->body)->site;

	if (*s->name == '\0')
		call_refuse(call, CN_VALIDATION_FAILED, "required", "a site needs a name");
	else if (s->time_zone != NULL && zone_find(s->time_zone) == NULL)
		call_refuse(call, CN_VALIDATION_FAILED, "unknown_word", "not an IANA time zone");
	else
		db_begin(scheduler.service->db, put_begun, call);
}

static void name_of(struct db_args *a, void *arg)
{
	struct call *call = arg;

	db_text(a, ((const struct m_site_delete *)call->body)->name);
}

static void deleted(unused struct txn *t, struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;
	struct m_ok reply = {0};

	if (f != NULL)
		answer_fault(call, f);
	else if (found_one(call, r[0], "site"))
		call_reply(call, &reply);
}

void on_site_delete(struct call *call)
{
	db_query(scheduler.service->db, &SQL_SITE_DELETE, name_of, deleted, call);
}
