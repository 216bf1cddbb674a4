// SPDX-License-Identifier: Apache-2.0
/* vault_add, vault_key, vault_retire, version_copies: the vaults that copies go to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/storage/copy_files.h"
#include "services/storage/mail/mail_relay.h"
#include "services/storage/sql_copies.h"
#include "services/storage/vaults/placement.h"

#define REASON_MIN 10

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
	char host[256];
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
	bool dir = strcmp(a->row.at.kind, "dir") == 0;
	if (dir && placement_check(&question, &p, &a->fault) < 0)
		return -1;
	if (!dir && (remote_host(ask->place, host, sizeof(host), &a->fault) < 0 ||
			    placement_server(&question, host, &p, &a->fault) < 0))
		return -1;
	(void)snprintf(a->placement, sizeof(a->placement), "%s", placement_word(p.verdict));
	a->row.placement = a->placement;
	a->row.override = p.overridden ? ask->accept_same_disk : NULL;
	return 0;
}

static const struct uuid any;

static int open_dir(struct adding *a, const struct m_vault_add *ask, struct vault *v)
{
	a->row.durability = "strong";
	if (vault_make(ask->place, &app.tenant, &a->fault) < 0 || place_good(a, ask) < 0)
		return -1;
	return vault_open(v, ask->place, ask->name, &app.tenant, &any, &a->fault);
}

static int open_server(struct adding *a, const struct m_vault_add *ask, struct vault *v)
{
	if (place_good(a, ask) < 0)
		return -1;
	struct vault_remote *r = remote_new(&a->row.at, a->row.login, &a->fault);
	if (r == NULL)
		return -1;
	if (vault_make_remote(r, &app.tenant, &a->fault) < 0) {
		r->ops->close(r);
		return -1;
	}
	if (vault_open_remote(v, r, ask->name, &app.tenant, &any, &a->fault) < 0)
		return -1;
	if (r->ops->probe != NULL && r->ops->probe(r, &a->fault) < 0) {
		vault_close(v);
		return -1;
	}
	/* weak: names are not flushed, or the server gives one twice */
	a->row.durability = r->never_twice ? "strong" : "weak";
	return 0;
}

static void add_work(void *arg)
{
	struct adding *a = arg;
	const struct m_vault_add *ask = a->call->body;
	struct vault v = {.fd = -1, .tmp = -1};
	bool dir = strcmp(a->row.at.kind, "dir") == 0;
	if ((dir ? open_dir : open_server)(a, ask, &v) < 0)
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
	(void)n;
	static const struct m_ok ok;
	if (f != NULL && strcmp(f->reason, "23505") != 0)
		catalogue_refuse(call, f);
	else if (f != NULL || db_rows(r[0]) == 0)
		call_refuse(call, CN_CONFLICT, "name_taken",
			"a vault of this name or at this place is known");
	else
		call_reply(call, &ok);
}

static void add(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct adding *a = arg;
	(void)r;
	(void)n;
	if (f != NULL) {
		catalogue_refuse(a->call, f);
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

static const char *text_or(const char *s, const char *otherwise)
{
	return s == NULL || s[0] == 0 ? otherwise : s;
}

void on_vault_add(struct call *call)
{
	const struct m_vault_add *ask = call->body;
	struct adding *a = arena_alloc(&call->arena, sizeof(*a));
	bug_if(a == NULL);
	*a = (struct adding){.call = call,
		.row = {.name = ask->name,
			.at = {.kind = text_or(ask->kind, "dir"),
				.place = ask->place,
				.account = text_or(ask->account, ""),
				.pin = text_or(ask->pin, ""),
				.region = text_or(ask->region, "")},
			.login = {ask->login.p, ask->login.n},
			.removable = ask->removable}};
	bool dir = strcmp(a->row.at.kind, "dir") == 0;
	if (app.place_fault.code == 0 && strcmp(a->row.at.kind, "mail") == 0)
		relay_add(call);
	else if (!dir && !remote_known(a->row.at.kind))
		call_refuse(call, CN_VALIDATION_FAILED, "vault_kind",
			"'%.16s' is no kind of vault for copies", a->row.at.kind);
	else if (dir && ask->place[0] != '/')
		call_refuse(call, CN_VALIDATION_FAILED, "place", "an absolute path is wanted");
	else if (strncmp(ask->place, "http://", 7) == 0 && !ask->clear_text)
		call_refuse(call, CN_VALIDATION_FAILED, "clear_text",
			"%.200s is not encrypted on its way; say clear_text to allow it",
			ask->place);
	else if (app.place_fault.code != 0)
		call_fault(call, &app.place_fault);
	else
		loop_work(app.service->loop, add_work, add_done, a);
}

/* To whom logins are sealed. */
void on_vault_key(struct call *call)
{
	uint8_t private_key[32], public_key[32];
	if (app.place_fault.code != 0) {
		call_fault(call, &app.place_fault);
		return;
	}
	keys_login(&app.keys, private_key);
	box_public(private_key, public_key);
	crypto_wipe(private_key, sizeof(private_key));
	const struct m_vault_key_is answer = {.public_key = {public_key, sizeof(public_key)}};
	call_reply(call, &answer);
}

/* ---- no more of them ---- */

static void retired(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	static const struct m_ok ok;
	struct call *call = arg;
	(void)t;
	(void)n;
	if (f != NULL)
		catalogue_refuse(call, f);
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
		catalogue_refuse(call, f);
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
		away |= items[i].removable || strcmp(items[i].kind, "dir") != 0;
	}
	bool enough = good >= (uint64_t)app.config->copies_required &&
		      (away || app.config->copies_required <= 1);
	const struct m_version_copy_page page = {.items = items,
		.items_n = rows,
		.verified = good,
		.required = (uint64_t)app.config->copies_required,
		.protection = enough ? "protected" : "under_protected",
		.no_mail = rows > 0 ? db_get_text(r[0], 0, 8) : NULL};
	call_reply(call, &page);
}

void on_version_copies(struct call *call)
{
	sql_version_copies(call, listed);
}
