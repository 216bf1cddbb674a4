// SPDX-License-Identifier: Apache-2.0
/* erase_list, erase_ask, erase_approve: the only way past the floors that protect the newest
 * backup (ST-18). One person asks, another approves within 7 days; then the keys are destroyed in
 * the catalogue at once, on media when they are next collected (ST-31). */
#include "services/storage/sql_keys.h"

#include <string.h>

static void listed(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	size_t rows;
	struct m_erase_order *items = catalogue_items(call, r, f, sizeof(*items), &rows);
	(void)t;
	(void)n;
	if (items == NULL)
		return;
	for (size_t i = 0; i < rows; i++)
		sql_erase_read(r[0], (int)i, &items[i]);
	const struct m_erase_page page = {.items = items, .items_n = rows};
	call_reply(call, &page);
}

void on_erase_list(struct call *call)
{
	sql_erase_list(call, listed);
}

static void refuse(struct call *call, const char *verdict)
{
	if (strcmp(verdict, "no_order") == 0)
		call_refuse(call, CN_NOT_FOUND, "no_order", "no such order");
	else if (strcmp(verdict, "no_version") == 0)
		call_refuse(
			call, CN_NOT_FOUND, "no_version", "there is nothing that could be erased");
	else if (strcmp(verdict, "second_person") == 0)
		call_refuse(call, CN_CONFLICT, "second_person",
			"who asked for it cannot approve it: a second person must");
	else
		call_refuse(call, CN_CONFLICT, "order_expired",
			"nobody approved it within 7 days: ask again");
}

static void told(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	struct m_erase_order order;
	(void)t;
	(void)n;
	if (f != NULL) {
		catalogue_refuse(call, f);
		return;
	}
	sql_erase_read(r[0], 0, &order);
	log_warn(L("erase order"), L_STR("verdict", order.executed_at == 0 ? "asked" : "erased"),
		L_UUID("order", &order.id), L_UUID("device", &order.device),
		L_UUID("version", &order.version), L_STR("by", call->header.actor),
		L_INT("versions", order.versions));
	if (order.executed_at != 0)
		app.passport.wanted = true;
	const struct m_erase_one one = {.order = &order};
	call_reply(call, &one);
}

static void answered(
	struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	(void)t;
	(void)n;
	if (f != NULL && db_transient(f)) { /* met a chore on the same rows */
		if (call->desc == &m_erase_ask_desc)
			sql_erase_ask(call, answered);
		else
			sql_erase_approve(call, answered);
		return;
	}
	if (f != NULL && call->desc == &m_erase_approve_desc && !db_up(app.pruner)) {
		call_refuse(call, CN_STORE_UNAVAILABLE, "pruner",
			"the pruner cannot log in (prune_database): %s", db_error(app.pruner));
		return;
	}
	if (f != NULL) {
		catalogue_refuse(call, f);
		return;
	}
	const char *verdict = db_get_text(r[0], 0, 0);
	if (strcmp(verdict, "asked") == 0 || strcmp(verdict, "erased") == 0)
		sql_erase_get(call, told);
	else
		refuse(call, verdict);
}

void on_erase_ask(struct call *call)
{
	const struct m_erase_ask *ask = call->body;
	if (uuid_is_nil(&ask->device) == uuid_is_nil(&ask->version))
		call_refuse(call, CN_VALIDATION_FAILED, "erase_what",
			"a device or a version, one of them");
	else if (ask->reason == NULL || strlen(ask->reason) < 10)
		call_refuse(call, CN_VALIDATION_FAILED, "erase_reason",
			"a reason of 10 characters at least");
	else
		sql_erase_ask(call, answered);
}

void on_erase_approve(struct call *call)
{
	sql_erase_approve(call, answered);
}
