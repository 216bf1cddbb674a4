// SPDX-License-Identifier: Apache-2.0
/* Reading devices: list and get. */
#include <string.h>

#include "services/scheduler/list.h"
#include "services/scheduler/scheduler.h"

static const struct order {
	const char *name;
	const char *sql;
} orders[] = {
	{"name", "d.name"},
	{"address", "d.address"},
	{"serial", "d.serial"},
	{"model", "d.model"},
	{"family", "d.family"},
	{"vendor", "d.vendor"},
	{"firmware", "d.firmware"},
	{"site", "coalesce(d.site, '')"},
	{"type", "d.type::text"},
	{"state", "d.state::text"},
};

/* What the rows are ordered by, for the cursor. */
static const char *key_of(const struct m_device *d, const char *order, struct arena *arena)
{
	const char *const keys[] = {d->name, d->address, d->serial, d->model, d->family, d->vendor,
		d->firmware, d->site, arena_printf(arena, "%d", (int)d->type),
		arena_printf(arena, "%d", (int)d->state)};

	for (size_t i = 0; i < array_len(orders); i++) {
		if (strcmp(orders[i].sql, order) == 0)
			return keys[i];
	}
	return d->name;
}

static void listed(struct list *l, struct db_result *r)
{
	struct m_device_page page = {.total = list_total(r, SQL_DEVICE_SHOWN_N)};
	struct m_device *items = arena_array(&l->call->arena, l->limit + 1, sizeof(*items));

	bug_if(items == NULL);
	for (int row = 0; row < db_rows(r) && page.items_n < l->limit; row++) {
		struct row c = {.r = r, .row = row, .arena = &l->call->arena};
		row_device_shown(&c, &items[page.items_n++]);
	}
	page.items = items;
	if (db_rows(r) > (int)l->limit) {
		const struct m_device *last = &items[l->limit - 1];
		page.next = cursor_make(
			l->call, key_of(last, l->def.order, &l->call->arena), &last->id);
	}
	call_reply(l->call, &page);
}

void on_device_list(struct call *call)
{
	const struct m_device_list *m = call->body;
	const char *sort = m->sort == NULL ? "name" : m->sort;
	struct list_def def = {
		SQL_DEVICE_LIST, NULL, *sort == '-', FILTER_DEVICES, listed, SQL_WITHIN_DEVICES};

	for (size_t i = 0; i < array_len(orders); i++) {
		if (strcmp(orders[i].name, sort + def.descending) == 0)
			def.order = orders[i].sql;
	}
	if (def.order == NULL)
		call_refuse(call, CN_VALIDATION_FAILED, "unknown_word",
			"devices cannot be sorted by this");
	else
		list_start(call, &def, m->filter, m->cursor, m->limit);
}

static void ref(struct db_args *a, void *arg)
{
	struct call *call = arg;

	ref_args(a, ((const struct m_device_get *)call->body)->ref);
}

static void got(unused struct txn *t, struct db_result **r, unused size_t n, const struct fault *f,
	void *arg)
{
	struct call *call = arg;
	struct m_device device = {0};
	struct m_device_one reply = {.device = &device};

	if (f != NULL) {
		answer_fault(call, f);
	} else if (found_one(call, r[0], "device")) {
		struct row c = {.r = r[0], .arena = &call->arena};
		row_device_shown(&c, &device);
		call_reply(call, &reply);
	}
}

void on_device_get(struct call *call)
{
	db_query(scheduler.service->db, &SQL_DEVICE_GET, ref, got, call);
}

/* ---- which ones are meant ---- */

static void refs(struct db_args *a, void *arg)
{
	const struct m_device_resolve *m = ((const struct call *)arg)->body;

	db_array(a);
	for (size_t i = 0; i < m->refs_n; i++)
		db_text(a, m->refs[i]);
	db_array_end(a);
	db_text(a, ((const struct call *)arg)->scope);
}

static void resolved(unused struct txn *t, struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;
	struct m_device_ref *items;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	items = arena_array(&call->arena, (size_t)db_rows(r[0]) + 1, sizeof(*items));
	bug_if(items == NULL);
	for (int i = 0; i < db_rows(r[0]); i++)
		items[i] = (struct m_device_ref){.ref = db_get_text(r[0], i, 0),
			.id = db_get_uuid(r[0], i, 1),
			.name = db_get_text(r[0], i, 2),
			.family = db_get_text(r[0], i, 3),
			.strict_interlock = db_get_bool(r[0], i, 4)};
	struct m_devices_resolved reply = {.devices = items, .devices_n = (size_t)db_rows(r[0])};
	call_reply(call, &reply);
}

void on_device_resolve(struct call *call)
{
	db_query(scheduler.service->db, &SQL_DEVICE_RESOLVE, refs, resolved, call);
}
