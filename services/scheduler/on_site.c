// SPDX-License-Identifier: Apache-2.0
/* Sites: list, put, delete. */
#include <string.h>

#include "common/clock/zone.h"
#include "services/scheduler/device.h"
#include "services/scheduler/scheduler.h"

static struct m_site site_of(struct call *call, struct db_result *r, int row)
{
	struct row c = {.r = r, .row = row, .arena = &call->arena};

	return (struct m_site){.name = row_text(&c),
		.region = row_text(&c),
		.time_zone = row_text(&c),
		.version = row_uint(&c)};
}

static void listed(unused struct txn *t, struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;
	struct uuid none = {{0}}; /* a site has no id: its name is the cursor */
	struct m_site_page page = {0};
	bool more;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	size_t rows = page_rows(call, r[0], &more);
	struct m_site *items = arena_array(&call->arena, rows + 1, sizeof(*items));
	bug_if(items == NULL);
	for (; page.items_n < rows; page.items_n++)
		items[page.items_n] = site_of(call, r[0], (int)page.items_n);
	page.items = items;
	if (more)
		page.next = cursor_make(call, items[rows - 1].name, &none);
	call_reply(call, &page);
}

static void list_args(struct db_args *a, void *arg)
{
	const struct call *call = arg;
	const struct page *p = call->state;

	db_text(a, call->scope);
	db_text(a, p->name);
	db_int(a, (int64_t)p->limit + 1);
}

void on_site_list(struct call *call)
{
	const struct m_site_list *m = call->body;

	if (page_start(call, m->cursor, m->limit) != NULL)
		db_query(scheduler.service->db, &SQL_SITE_LIST, list_args, listed, call);
}

static void put_done(
	unused struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;

	if (f != NULL) {
		answer_fault(call, f);
	} else if (found_one(call, r[n - 1], "site")) {
		struct m_site one = site_of(call, r[n - 1], 0);
		struct m_site_page page = {.items = &one, .items_n = 1};
		call_reply(call, &page);
	}
}

static void put_found(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	const struct m_site_put *m = call->body;
	bool there = f == NULL && db_rows(r[0]) == 1;
	bool is_new = (m->has & HAS_SITE_PUT__IF_VERSION) != 0 && m->if_version == 0;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	uint64_t present = there ? (uint64_t)db_get_int(r[0], 0, 1) : 0;
	if (there && is_new)
		version_stale(call, 0, present);
	if ((there && is_new) || !version_fits(call, m->if_version, present)) {
		db_rollback(t);
		return;
	}
	struct db_args *a = db_add(t, &SQL_SITE_PUT);
	db_text(a, m->site->name);
	db_text(a, m->site->region);
	db_text(a, m->site->time_zone);
	db_text(db_add(t, &SQL_SITE_GET), m->site->name);
	db_commit(t, put_done, call);
}

static void put_begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	db_text(db_add(t, &SQL_SITE_FIND), ((const struct m_site_put *)call->body)->site->name);
	db_step(t, put_found, call);
}

void on_site_put(struct call *call)
{
	const struct m_site *s = ((const struct m_site_put *)call->body)->site;

	if (*s->name == '\0')
		call_refuse(call, CN_VALIDATION_FAILED, "required", "name: a site needs one");
	else if (name_is_id(s->name))
		call_refuse(call, CN_VALIDATION_FAILED, "name_is_id", "name: it looks like an id");
	else if (s->time_zone != NULL && zone_find(s->time_zone) == NULL)
		call_refuse(call, CN_VALIDATION_FAILED, "time_zone", "time_zone: not an IANA zone");
	else
		db_begin(scheduler.service->db, put_begun, call);
}

static void name_of(struct db_args *a, void *arg)
{
	struct call *call = arg;

	db_text(a, ((const struct m_site_delete *)call->body)->name);
}

void on_site_delete(struct call *call)
{
	remove_start(&(struct removal){.call = call,
		.find = &SQL_SITE_FIND,
		.remove = &SQL_SITE_DELETE,
		.args = name_of,
		.if_version = ((const struct m_site_delete *)call->body)->if_version,
		.noun = "site"});
}
