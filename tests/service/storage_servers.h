// SPDX-License-Identifier: Apache-2.0
/* What the tests of vaults on servers share: adding one as the gateway does, and waiting for what
 * becomes of it. It is called "away"; its files lie where we see them. */
#pragma once

#include "common/vault/address.h"
#include "tests/service/storage_copying.h"

static char place[256]; /* of the vault */
static char files[160]; /* the same, as we see it */

struct
try {
	const char *kind, *name, *place, *account, *pin, *region;
	const char *member, *secret;
	const char *passphrase; /* of a key; NULL = none */
	bool strict;            /* no excuse for this host */
	bool clear;             /* not encrypted, and that is said */
	const char *sealed_for; /* another place */
};

static struct fault vault_add(const struct try *t)
{
	struct ask a = {.done = false};
	struct buf sealed = BUF_INIT;
	struct vault_address to = {.kind = t->kind,
		.place = t->sealed_for != NULL ? t->sealed_for : t->place,
		.account = t->account,
		.pin = t->pin,
		.region = t->region};
	seal_login(&to, t->member, t->secret, t->passphrase, &sealed);
	const struct m_vault_add m = {.has = t->clear ? HAS_VAULT_ADD__CLEAR_TEXT : 0,
		.name = t->name,
		.kind = t->kind,
		.place = t->place,
		.account = t->account,
		.pin = t->pin,
		.region = t->region,
		.clear_text = t->clear,
		.login = {sealed.p, sealed.n},
		.accept_same_disk = t->strict ? "" : "a test on one machine"};
	(void)ask(&a, one.client, 0, &m_vault_add_desc, &m);
	struct fault f = a.fault;
	arena_fini(&a.arena);
	buf_fini(&sealed);
	return f;
}

static void added(const struct try *t)
{
	struct fault f = vault_add(t);
	if (f.code != 0)
		print_error("%d %s: %s\n", f.code, f.reason, f.detail);
	assert_int_equal(f.code, 0);
}

static void refused(const struct try *t, const char *reason)
{
	struct fault f = vault_add(t);
	if (strcmp(f.reason, reason) != 0)
		print_error("%d %s: %s\n", f.code, f.reason, f.detail);
	assert_string_equal(f.reason, reason);
	sql("select count(*) from store.vault where role = 'copy'");
	assert_int_equal(sql_number(), 0);
}

static void waits(const char *cause)
{
	char query[160];
	(void)snprintf(query, sizeof(query),
		"select state || ' ' || cause from store.vault where name = 'away'");
	char want[96];
	(void)snprintf(want, sizeof(want), "absent %s", cause);
	becomes(query, want);
}

static void back(void)
{
	all_copied();
	becomes("select state || cause from store.vault where name = 'away'", "ready");
	same_files(files);
}
