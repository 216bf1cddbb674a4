// SPDX-License-Identifier: Apache-2.0
/* What discovery found: list and get; what workers report. */
#include <string.h>

#include "services/scheduler/candidate.h"
#include "services/scheduler/list.h"

#define CANDIDATE_COLUMNS_N 33

void row_candidate(struct row *c, struct m_candidate *m)
{
	m->id = row_uuid(c);
	m->address = row_text(c);
	m->ports = row_ports(c, &m->ports_n);
	m->name = row_text(c);
	m->vendor = row_text(c);
	m->family = row_text(c);
	m->model = row_text(c);
	m->serial = row_text(c);
	m->mac = row_text(c);
	m->device_uuid = row_text(c);
	m->location = row_text(c);
	m->description = row_text(c);
	m->object_id = row_text(c);
	m->firmware = row_text(c);
	m->printer = row_bool(c);
	m->has |= HAS_CANDIDATE__PRINTER;
	m->found_by =
		json_read_texts(db_get_text(c->r, c->row, c->col++), c->arena, &m->found_by_n);
	m->services =
		json_read_texts(db_get_text(c->r, c->row, c->col++), c->arena, &m->services_n);
	m->credential = row_uuid(c);
	m->simulated = row_bool(c);
	m->pool = row_text(c);
	m->site = row_text(c);
	m->state = (enum candidate_state)row_uint(c);
	m->device = row_uuid(c);
	m->device_name = row_text(c);
	m->device_address = row_text(c);
	m->run = row_uuid(c);
	m->first_seen = row_time(c);
	m->last_seen = row_time(c);
	m->seen = row_uint(c);
	m->version = row_uint(c);
	m->ignored_why = row_text(c);
	m->ipp_path = row_text(c);
	m->tls_pin = row_text(c);
}

/* ---- list ---- */

static const struct order {
	const char *name, *sql;
	size_t at; /* of the member */
} orders[] = {
	{"address", "d.address", offsetof(struct m_candidate, address)},
	{"name", "d.name", offsetof(struct m_candidate, name)},
	{"vendor", "d.vendor", offsetof(struct m_candidate, vendor)},
	{"family", "d.family", offsetof(struct m_candidate, family)},
	{"model", "d.model", offsetof(struct m_candidate, model)},
	{"serial", "d.serial", offsetof(struct m_candidate, serial)},
	{"location", "d.location", offsetof(struct m_candidate, location)},
};

/* What the rows are ordered by, for the cursor. */
static const char *key_of(const struct m_candidate *m, const char *order)
{
	for (size_t i = 0; i < array_len(orders); i++) {
		const char *key;
		memcpy(&key, (const char *)m + orders[i].at, sizeof(key));
		if (strcmp(orders[i].sql, order) == 0)
			return key == NULL ? "" : key;
	}
	return "";
}

static void listed(struct list *l, struct db_result *r)
{
	struct m_candidate_page page = {.total = list_total(r, CANDIDATE_COLUMNS_N)};
	struct m_candidate *items = arena_array(&l->call->arena, l->limit + 1, sizeof(*items));

	bug_if(items == NULL);
	for (int row = 0; row < db_rows(r) && page.items_n < l->limit; row++) {
		struct row c = {.r = r, .row = row, .arena = &l->call->arena};
		row_candidate(&c, &items[page.items_n++]);
	}
	page.items = items;
	if (db_rows(r) > (int)l->limit) {
		const struct m_candidate *last = &items[l->limit - 1];
		page.next = cursor_make(l->call, key_of(last, l->def.order), &last->id);
	}
	call_reply(l->call, &page);
}

void on_candidate_list(struct call *call)
{
	const struct m_candidate_list *m = call->body;
	const char *sort = m->sort == NULL ? "address" : m->sort;
	struct list_def def = {SQL_CANDIDATE_LIST, NULL, *sort == '-', FILTER_CANDIDATES, listed,
		SQL_WITHIN_CANDIDATES};

	for (size_t i = 0; i < array_len(orders); i++) {
		if (strcmp(orders[i].name, sort + def.descending) == 0)
			def.order = orders[i].sql;
	}
	if (def.order == NULL)
		call_refuse(call, CN_VALIDATION_FAILED, "unknown_word",
			"sort: candidates cannot be sorted by this");
	else
		list_start(call, &def, m->filter, m->cursor, m->limit);
}

/* ---- one ---- */

static void ref(struct db_args *a, void *arg)
{
	ref_args(a, ((const struct m_candidate_get *)((const struct call *)arg)->body)->ref);
}

void candidate_answer(
	unused struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	struct m_candidate one = {.address = NULL};
	struct m_candidate_one reply = {.candidate = &one};

	if (f != NULL) {
		answer_fault(call, f);
	} else if (found_one(call, r[n - 1], "candidate")) {
		struct row c = {.r = r[n - 1], .arena = &call->arena};
		row_candidate(&c, &one);
		call_reply(call, &reply);
	}
}

void on_candidate_get(struct call *call)
{
	db_query(scheduler.service->db, &SQL_CANDIDATE_GET, ref, candidate_answer, call);
}

/* ---- found by a worker ---- */

static void report(struct db_args *a, void *arg)
{
	struct call *call = arg;
	const struct m_candidate_report *m = call->body;
	const void **items = arena_array(&call->arena, m->items_n + 1, sizeof(*items));

	bug_if(items == NULL);
	for (size_t i = 0; i < m->items_n; i++)
		items[i] = &m->items[i];
	db_uuid(a, &m->worker);
	db_uuid(a, &m->job);
	db_int(a, (int64_t)m->attempt);
	db_text(a, json_write_list(&m_candidate_desc, items, m->items_n, &call->arena));
}

static void reported(unused struct txn *t, struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;

	if (f != NULL)
		answer_fault(call, f);
	else if (db_rows(r[0]) == 0)
		call_refuse(call, CN_LEASE_LOST, "not_yours", "the job is not this worker's");
	else
		call_reply(call, &(struct m_ok){.has = 0});
}

void on_candidate_report(struct call *call)
{
	db_query(scheduler.service->db, &SQL_CANDIDATES_FOUND, report, reported, call);
}
