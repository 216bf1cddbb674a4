// SPDX-License-Identifier: Apache-2.0
/* version_list, version_get and version_at. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/storage/sql.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 1000

static void listed(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct sql_list_ask *ask = arg;
	struct call *call = ask->call;
	char next[UUID_TEXT];
	(void)t;
	(void)n;
	if (f != NULL) {
		catalogue_refuse(call, f);
		return;
	}
	size_t rows = (size_t)db_rows(r[0]), shown = size_min(rows, ask->limit);
	struct m_version *items = arena_array(&call->arena, shown + 1, sizeof(*items));
	if (items == NULL) {
		call_refuse(call, CN_RESPONSE_TOO_BIG, "limit", "ask for fewer at a time");
		return;
	}
	for (size_t i = 0; i < shown; i++)
		sql_version_read(r[0], (int)i, &call->arena, &items[i]);
	struct m_version_page page = {
		.items = items, .items_n = shown, .total = sql_list_total(r[0])};
	if (rows > shown)
		page.next = uuid_format(&items[shown - 1].id, next);
	call_reply(call, &page);
}

void on_version_list(struct call *call)
{
	const struct m_version_list *ask = call->body;
	struct sql_list_ask *list = arena_alloc(&call->arena, sizeof(*list));
	bug_if(list == NULL);
	*list = (struct sql_list_ask){.call = call, .limit = LIMIT_DEFAULT};
	if (ask->limit > 0)
		list->limit = ask->limit < LIMIT_MAX ? (unsigned)ask->limit : LIMIT_MAX;
	if (ask->cursor != NULL && ask->cursor[0] != 0 &&
		uuid_parse(ask->cursor, &list->before) < 0)
		call_refuse(call, CN_VALIDATION_FAILED, "cursor", "not a cursor of this list");
	else
		sql_list(list, listed);
}

static enum item_role role_number(const char *word)
{
	for (const struct msg_enum_word *w = item_role_words; w->word != NULL; w++)
		if (strcmp(w->word, word) == 0)
			return (enum item_role)w->number;
	return ITEM_ROLE_NATIVE;
}

static void got(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	struct m_version version;
	struct m_version_one one = {.version = &version};
	(void)t;
	if (f != NULL) {
		catalogue_refuse(call, f);
		return;
	}
	bug_if(n != 2);
	if (db_rows(r[0]) == 0) {
		call_refuse(call, CN_NOT_FOUND, "no_version", "no such version");
		return;
	}
	sql_version_read(r[0], 0, &call->arena, &version);
	size_t items_n = (size_t)db_rows(r[1]);
	struct m_version_item *items = arena_array(&call->arena, items_n + 1, sizeof(*items));
	bug_if(items == NULL);
	for (size_t i = 0; i < items_n; i++) {
		struct sql_item row;
		sql_item_read(r[1], (int)i, &row);
		items[i] = (struct m_version_item){.no = row.object.item_no,
			.name = row.name,
			.role = role_number(row.role),
			.bytes = row.object.plain_len,
			.bytes_stored = row.object.stored_len,
			.entries = row.entries};
	}
	version.items = items;
	version.items_n = items_n;
	call_reply(call, &one);
}

static void get(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	(void)r;
	(void)n;
	if (f != NULL) {
		catalogue_refuse(call, f);
		return;
	}
	sql_add_get(t, call->state);
	db_commit(t, got, call);
}

void version_answer(struct call *call, const struct uuid *id)
{
	call->state = arena_dup(&call->arena, id, sizeof(*id));
	bug_if(call->state == NULL);
	db_begin(app.service->db, get, call);
}

void on_version_get(struct call *call)
{
	version_answer(call, &((const struct m_version_get *)call->body)->id);
}

/* ---- by time ---- */

static void found(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	(void)t;
	(void)n;
	if (f != NULL) {
		catalogue_refuse(call, f);
	} else if (db_rows(r[0]) == 0) {
		call_refuse(call, CN_NOT_FOUND, "no_version", "no such version of that time");
	} else {
		struct uuid id = db_get_uuid(r[0], 0, 0);
		version_answer(call, &id);
	}
}

void on_version_at(struct call *call)
{
	const struct m_version_at *ask = call->body;
	if (ask->at < 0 || ask->back > 1000000)
		call_refuse(call, CN_VALIDATION_FAILED, "at", "not a time or number of versions");
	else
		sql_at(call, found);
}
