// SPDX-License-Identifier: Apache-2.0
/* scope_find: the groups and sites that an administrator names in an assignment (FL-69). */
#include "services/scheduler/scheduler.h"

static void add_texts(struct db_args *a, const char *const *texts, size_t n)
{
	db_array(a);
	for (size_t i = 0; i < n; i++)
		db_text(a, texts[i]);
	db_array_end(a);
}

static void fill(struct db_args *a, void *arg)
{
	const struct m_scope_find *m = ((const struct call *)arg)->body;

	add_texts(a, m->groups, m->groups_n);
	add_texts(a, m->sites, m->sites_n);
}

static void found(unused struct txn *t, struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;
	struct m_scope_found reply = {0};

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	size_t rows = (size_t)db_rows(r[0]);
	struct m_scope_group *groups = arena_array(&call->arena, rows + 1, sizeof(*groups));
	const char **sites = arena_array(&call->arena, rows + 1, sizeof(*sites));
	bug_if(groups == NULL || sites == NULL);
	for (int row = 0; row < (int)rows; row++) {
		struct row c = {.r = r[0], .row = row, .arena = &call->arena};
		const char *ref = row_text(&c);
		if (db_is_null(r[0], row, c.col)) {
			sites[reply.sites_n++] = ref;
			continue;
		}
		struct m_scope_group *g = &groups[reply.groups_n++];
		g->ref = ref;
		g->id = row_uuid(&c);
		g->name = row_text(&c);
		g->kind = (enum group_kind)row_uint(&c);
	}
	reply.groups = groups;
	reply.sites = sites;
	call_reply(call, &reply);
}

void on_scope_find(struct call *call)
{
	db_query(scheduler.service->db, &SQL_SCOPE_FIND, fill, found, call);
}
