// SPDX-License-Identifier: Apache-2.0
/* vault_add, vault_retire, version_copies: the vaults that copies go to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/storage/copy_files.h"
#include "services/storage/placement.h"
#include "services/storage/sql_copies.h"

#define REASON_MIN 10

static void database_down(struct call *call, const struct fault *f)
{
	call_refuse(call, CN_STORE_UNAVAILABLE, "database", "catalogue: %.200s", f->detail);
}

/* ---- a new one ---- */

struct adding {
	struct call *call;
	struct vault_adding row;
	char placement[32];
	struct fault fault;
};

/* The same question as for the primary vault, and not on its disk either (ST-59). */
static int place_good(struct adding *a, const struct m_vault_add *ask)
{
	const struct storage_config *c = app.config;
	struct placement p;
	bool override =
		ask->accept_same_disk != NULL && strlen(ask->accept_same_disk) >= REASON_MIN;
	const struct placement_ask question = {.vault_name = ask->name,
		.vault = ask->place,
		.primary = c->vault_dir,
		.kek_file = c->kek_file,
		.database = c->common.database,
		.database_disk = c->database_disk,
		.system_disks = c->system_disks,
		.accept_reason = override ? ask->accept_same_disk : ""};
	if (placement_check(&question, &p, &a->fault) < 0)
		return -1;
	(void)snprintf(a->placement, sizeof(a->placement), "%s", placement_word(p.verdict));
	a->row.placement = a->placement;
	a->row.override = p.overridden ? ask->accept_same_disk : NULL;
	return 0;
}

static void add_work(void *arg)
{
	static const struct uuid any;
	struct adding *a = arg;
	const struct m_vault_add *ask = a->call->body;
	struct vault v = {.fd = -1, .tmp = -1};
	if (vault_make(ask->place, &app.tenant, &a->fault) < 0 || place_good(a, ask) < 0 ||
		vault_open(&v, ask->place, ask->name, &app.tenant, &any, &a->fault) < 0)
		return;
	a->row.id = v.id;
	if (uuid_eq(&v.id, &app.vault.id))
		fault_why(&a->fault, CN_CONFLICT, "primary", "that is the primary vault");
	else
		(void)!copy_shared(&v, &a->fault);
	vault_close(&v);
}

static void added(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	(void)t;
	(void)r;
	(void)n;
	static const struct m_ok ok;
	if (f != NULL && strcmp(f->reason, "23505") == 0)
		call_refuse(call, CN_CONFLICT, "name_taken",
			"a vault of this name or at this place is known");
	else if (f != NULL)
		database_down(call, f);
	else
		call_reply(call, &ok);
}

static void add(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct adding *a = arg;
	(void)r;
	(void)n;
	if (f != NULL) {
		database_down(a->call, f);
		return;
	}
	sql_add_vault(t, &a->row);
	db_commit(t, added, a->call);
}

static void add_done(void *arg)
{
	struct adding *a = arg;
	if (a->fault.code != 0)
		call_fault(a->call, &a->fault);
	else
		db_begin(app.service->db, add, a);
}

void on_vault_add(struct call *call)
{
	const struct m_vault_add *ask = call->body;
	struct adding *a = arena_alloc(&call->arena, sizeof(*a));
	bug_if(a == NULL);
	*a = (struct adding){.call = call,
		.row = {.name = ask->name, .place = ask->place, .removable = ask->removable}};
	if (ask->place[0] != '/')
		call_refuse(call, CN_VALIDATION_FAILED, "place", "an absolute path is wanted");
	else if (app.place_fault.code != 0)
		call_fault(call, &app.place_fault);
	else
		loop_work(app.service->loop, add_work, add_done, a);
}

/* ---- no more of them ---- */

static void retired(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	static const struct m_ok ok;
	struct call *call = arg;
	(void)t;
	(void)n;
	if (f != NULL)
		database_down(call, f);
	else if (db_rows(r[0]) == 0)
		call_refuse(call, CN_NOT_FOUND, "no_vault", "no such vault for copies");
	else
		call_reply(call, &ok);
}

void on_vault_retire(struct call *call)
{
	sql_vault_retire(call, retired);
}

/* ---- where a version is ---- */

static void listed(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	uint64_t good = 0;
	bool away = false;
	(void)t;
	(void)n;
	if (f != NULL) {
		database_down(call, f);
		return;
	}
	size_t rows = (size_t)db_rows(r[0]);
	struct m_version_copy *items = arena_array(&call->arena, rows + 1, sizeof(*items));
	bug_if(items == NULL);
	for (size_t i = 0; i < rows; i++) {
		sql_version_copy_read(r[0], (int)i, &items[i]);
		if (strcmp(items[i].state, "verified") != 0)
			continue;
		good++;
		away |= items[i].removable;
	}
	bool enough = good >= (uint64_t)app.config->copies_required &&
		      (away || app.config->copies_required <= 1);
	const struct m_version_copy_page page = {.items = items,
		.items_n = rows,
		.verified = good,
		.required = (uint64_t)app.config->copies_required,
		.protection = enough ? "protected" : "under_protected"};
	call_reply(call, &page);
}

void on_version_copies(struct call *call)
{
	sql_version_copies(call, listed);
}
