// SPDX-License-Identifier: Apache-2.0
/* retention_list, retention_put; a version protected, or brought back. */
#include "services/storage/sql_retention.h"

/* ---- policies ---- */

static void listed(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	size_t rows;
	struct m_retention *items = catalogue_items(call, r, f, sizeof(*items), &rows);
	(void)t;
	(void)n;
	if (items == NULL)
		return;
	for (size_t i = 0; i < rows; i++)
		sql_policy_read(r[0], (int)i, &items[i]);
	const struct m_retention_page page = {.items = items, .items_n = rows};
	call_reply(call, &page);
}

void on_retention_list(struct call *call)
{
	sql_policies(listed, call);
}

static void put(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	struct m_retention policy;
	(void)t;
	(void)n;
	if (f != NULL) {
		catalogue_refuse(call, f);
		return;
	}
	sql_policy_read(r[0], 0, &policy);
	const struct m_retention_one one = {.policy = &policy};
	call_reply(call, &one);
}

void on_retention_put(struct call *call)
{
	const struct m_retention *p = ((const struct m_retention_put *)call->body)->policy;
	if (p->time_zone != NULL && p->time_zone[0] != 0 && zone_find(p->time_zone) == NULL)
		call_refuse(call, CN_VALIDATION_FAILED, "time_zone", "no time zone of that name");
	else
		sql_policy_put(call, put);
}

/* ---- one version ---- */

static void changed(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	(void)t;
	(void)n;
	if (f != NULL) {
		catalogue_refuse(call, f);
	} else if (db_rows(r[0]) == 0) {
		call_refuse(
			call, CN_NOT_FOUND, "no_version", "no version of which this can be said");
	} else {
		struct uuid id = db_get_uuid(r[0], 0, 0);
		version_answer(call, &id);
	}
}

void on_version_protect(struct call *call)
{
	const struct m_version_protect *ask = call->body;
	struct sql_protect p = {.id = ask->id, .on = true, .until = ask->until};
	sql_protect(&p, changed, call);
}

void on_version_unprotect(struct call *call)
{
	struct sql_protect p = {.id = ((const struct m_version_unprotect *)call->body)->id};
	sql_protect(&p, changed, call);
}

void on_version_undo(struct call *call)
{
	sql_undo(&((const struct m_version_undo *)call->body)->id, changed, call);
}
