// SPDX-License-Identifier: Apache-2.0
/* Reading groups: list, get, members, preview. */
#include <stdlib.h>
#include <string.h>

#include "services/scheduler/list.h"
#include "services/scheduler/scheduler.h"

#define GROUP_COLUMNS_N 7
#define LIMIT_DEFAULT 100u

/* ---- list, get ---- */

static void listed(struct list *l, struct db_result *r)
{
	struct m_group_page page = {.total = list_total(r, GROUP_COLUMNS_N)};
	struct m_group *items = arena_array(&l->call->arena, l->limit + 1, sizeof(*items));

	bug_if(items == NULL);
	for (int row = 0; row < db_rows(r) && page.items_n < l->limit; row++) {
		struct row c = {.r = r, .row = row, .arena = &l->call->arena};
		row_group(&c, &items[page.items_n++]);
	}
	page.items = items;
	if (db_rows(r) > (int)l->limit)
		page.next = cursor_make(l->call, items[l->limit - 1].name, &items[l->limit - 1].id);
	call_reply(l->call, &page);
}

void on_group_list(struct call *call)
{
	const struct m_group_list *m = call->body;

	list_start(call,
		&(struct list_def){
			SQL_GROUP_LIST, "d.name", false, FILTER_GROUPS, listed, SQL_WITHIN_GROUPS},
		m->filter, m->cursor, m->limit);
}

static void ref(struct db_args *a, void *arg)
{
	struct call *call = arg;

	ref_args(a, ((const struct m_group_get *)call->body)->ref);
}

void group_answer(
	unused struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	struct m_group group = {0};
	struct m_group_one reply = {.group = &group};

	if (f != NULL) {
		answer_fault(call, f);
	} else if (found_one(call, r[n - 1], "group")) {
		struct row c = {.r = r[n - 1], .arena = &call->arena};
		row_group(&c, &group);
		call_reply(call, &reply);
	}
}

void on_group_get(struct call *call)
{
	db_query(scheduler.service->db, &SQL_GROUP_GET, ref, group_answer, call);
}

/* ---- members ---- */

static size_t member_limit(const struct m_group_members *m)
{
	return m->limit == 0 ? LIMIT_DEFAULT : (size_t)m->limit;
}

static void members_read(unused struct txn *t, struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;
	size_t limit = member_limit(call->body);
	struct m_member_page page = {0};
	struct m_member *items = arena_array(&call->arena, limit + 1, sizeof(*items));

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	bug_if(items == NULL);
	for (int row = 0; row < db_rows(r[0]) && page.items_n < limit; row++) {
		struct row c = {.r = r[0], .row = row, .arena = &call->arena};
		struct m_member *m = &items[page.items_n++];
		m->id = row_uuid(&c);
		m->name = row_text(&c);
		m->kind = row_text(&c);
	}
	page.items = items;
	if (db_rows(r[0]) > (int)limit)
		page.next = cursor_make(call, items[limit - 1].name, &items[limit - 1].id);
	call_reply(call, &page);
}

static void members_of(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	const struct m_group_members *m = call->body;
	const char *name = NULL;
	struct uuid after;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	if (!found_one(call, r[0], "group") || !cursor_read(call, m->cursor, &name, &after)) {
		db_rollback(t);
		return;
	}
	struct uuid id = db_get_uuid(r[0], 0, 0);
	struct db_args *a = db_add(t, &SQL_GROUP_MEMBERS);
	db_uuid(a, &id);
	db_text(a, name);
	db_uuid(a, &after);
	db_int(a, (int64_t)member_limit(m) + 1);
	db_text(a, call->sees);
	db_commit(t, members_read, call);
}

static void members_begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	ref_args(db_add(t, &SQL_GROUP_GET), ((const struct m_group_members *)call->body)->ref);
	db_step(t, members_of, call);
}

void on_group_members(struct call *call)
{
	db_begin(scheduler.service->db, members_begun, call);
}

/* ---- preview: who would be in a run now, in counts (fleet.md 3.3) ---- */

static int by_count(const void *a, const void *b)
{
	const struct m_count *x = a, *y = b;

	return x->n < y->n ? 1 : x->n > y->n ? -1 : strcmp(x->key, y->key);
}

/* All of one kind; of more than fit into the answer the small ones together. */
static struct m_count *counts_of(
	struct call *call, struct db_result *r, const char *of, size_t most, size_t *ret_n)
{
	struct m_count *counts = arena_array(&call->arena, (size_t)db_rows(r) + 1, sizeof(*counts));
	size_t n = 0;

	bug_if(counts == NULL);
	for (int row = 0; row < db_rows(r); row++) {
		if (strcmp(db_get_text(r, row, 0), of) != 0)
			continue;
		counts[n].key = arena_strdup(&call->arena, db_get_text(r, row, 1));
		counts[n++].n = (uint64_t)db_get_int(r, row, 2);
	}
	if (n > most) {
		qsort(counts, n, sizeof(*counts), by_count);
		counts[most - 1].key = "…";
		for (; n > most; n--)
			counts[most - 1].n += counts[n - 1].n;
	}
	*ret_n = n;
	return counts;
}

static void previewed(struct txn *t, struct db_result *r, const struct fault *f, void *arg)
{
	struct call *call = arg;
	struct m_preview reply = {0};
	size_t n = 0;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	struct m_count *total = counts_of(call, r, "total", 1, &n);
	reply.total = n == 0 ? 0 : total[0].n;
	reply.by_site = counts_of(call, r, "site", 1000, &reply.by_site_n);
	reply.by_type = counts_of(call, r, "type", 16, &reply.by_type_n);
	reply.by_family = counts_of(call, r, "family", 64, &reply.by_family_n);
	reply.by_state = counts_of(call, r, "state", 16, &reply.by_state_n);
	reply.by_support = counts_of(call, r, "support", 8, &reply.by_support_n);
	db_rollback(t);
	call_reply(call, &reply);
}

static void preview_of(
	struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	struct m_targets *targets = arena_alloc(&call->arena, sizeof(*targets));
	const char **id = arena_array(&call->arena, 1, sizeof(*id));
	char text[UUID_TEXT];

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	bug_if(targets == NULL || id == NULL);
	if (!found_one(call, r[n - 1], "group")) {
		db_rollback(t);
		return;
	}
	struct uuid group = db_get_uuid(r[n - 1], 0, 0);
	id[0] = arena_strdup(&call->arena, uuid_format(&group, text));
	targets->groups = id;
	targets->groups_n = 1;
	opening_preview(t, &(struct opening){.targets = targets, .kind = "", .sees = call->sees},
		&call->arena, previewed, call);
}

static void preview_begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	(void)db_add(t, &SQL_ONE_SNAPSHOT);
	ref_args(db_add(t, &SQL_GROUP_GET), ((const struct m_group_preview *)call->body)->ref);
	db_step(t, preview_of, call);
}

void on_group_preview(struct call *call)
{
	db_begin(scheduler.service->db, preview_begun, call);
}
