// SPDX-License-Identifier: Apache-2.0
/* Distribution sets: list, get, delete (docs/spec/address-books.md 11.1). */
#include "services/scheduler/list.h"
#include "services/scheduler/scheduler.h"

#define SET_COLUMNS_N 8

static const struct filter_field fields[] = {
	{"name", FILTER_STRING, NULL, "d.name"}, {NULL, FILTER_STRING, NULL, NULL}};

static void row_set(struct row *c, struct m_dist_set *s)
{
	s->id = row_uuid(c);
	s->name = row_text(c);
	s->book = row_uuid(c);
	s->map = json_read_list(&m_slot_map_desc, sizeof(*s->map),
		db_get_text(c->r, c->row, c->col++), c->arena, &s->map_n);
	s->version = row_uint(c);
	s->n_devices = row_uint(c);
	s->n_groups = row_uint(c);
	s->created_at = row_time(c);
}

static void listed(struct list *l, struct db_result *r)
{
	struct m_dist_set_page page = {.total = list_total(r, SET_COLUMNS_N)};
	struct m_dist_set *items = arena_array(&l->call->arena, l->limit + 1, sizeof(*items));

	bug_if(items == NULL);
	for (int row = 0; row < db_rows(r) && page.items_n < l->limit; row++) {
		struct row c = {.r = r, .row = row, .arena = &l->call->arena};
		row_set(&c, &items[page.items_n++]);
	}
	page.items = items;
	if (db_rows(r) > (int)l->limit)
		page.next = cursor_make(l->call, items[l->limit - 1].name, &items[l->limit - 1].id);
	call_reply(l->call, &page);
}

void on_dist_set_list(struct call *call)
{
	const struct m_dist_set_list *m = call->body;

	list_start(call,
		&(struct list_def){SQL_SET_LIST, "d.name", false, fields, listed, SQL_WITHIN_SETS},
		m->filter, m->cursor, m->limit);
}

void set_answer(
	unused struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	struct m_dist_set set = {0};
	struct m_dist_set_one reply = {.set = &set};

	if (f != NULL) {
		answer_fault(call, f);
	} else if (found_one(call, r[n - 1], "set")) {
		struct row c = {.r = r[n - 1], .arena = &call->arena};
		row_set(&c, &set);
		set.devices =
			json_read_texts(db_get_text(c.r, 0, c.col++), c.arena, &set.devices_n);
		set.groups = json_read_texts(db_get_text(c.r, 0, c.col++), c.arena, &set.groups_n);
		call_reply(call, &reply);
	}
}

void set_get_add(struct txn *t, const struct call *call, const struct uuid *id)
{
	struct db_args *a = db_add(t, &SQL_SET_GET);

	db_uuid(a, id);
	db_null(a);
	db_text(a, call->sees);
}

static void get_ref(struct db_args *a, void *arg)
{
	struct call *call = arg;

	ref_args(a, ((const struct m_dist_set_get *)call->body)->ref);
	db_text(a, call->sees);
}

void on_dist_set_get(struct call *call)
{
	db_query(scheduler.service->db, &SQL_SET_GET, get_ref, set_answer, call);
}

static void delete_ref(struct db_args *a, void *arg)
{
	struct call *call = arg;

	ref_args(a, ((const struct m_dist_set_delete *)call->body)->ref);
}

void on_dist_set_delete(struct call *call)
{
	remove_start(&(struct removal){.call = call,
		.find = &SQL_SET_FIND,
		.remove = &SQL_SET_DELETE,
		.args = delete_ref,
		.if_version = ((const struct m_dist_set_delete *)call->body)->if_version,
		.noun = "set"});
}
