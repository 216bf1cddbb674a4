// SPDX-License-Identifier: Apache-2.0
/* What the tests of vaults on servers share: adding one as the gateway does, and waiting for what
 * becomes of it. It is called "away"; its files lie where we see them. */
#pragma once

#include "common/vault/address.h"
#include "tests/service/storage_copying.h"

static char place[256]; /* of the vault */
static char files[160]; /* the same, as we see it */

/* As the gateway does it: sealed to storage, bound to the address. */
static void seal_login(const struct vault_address *a, const char *member, const char *secret,
	const char *passphrase, struct buf *out)
{
	struct ask q = {.done = false};
	struct uuid tenant;
	struct buf aad = BUF_INIT, text = BUF_INIT;
	const struct m_vault_key m = {.has = 0};
	bug_if(uuid_parse("00000000-0000-7000-8000-000000000001", &tenant) < 0);
	assert_int_equal(ask(&q, one.client, 0, &m_vault_key_desc, &m), 0);
	const struct m_vault_key_is *is = q.body;
	assert_int_equal(is->public_key.n, 32);
	buf_addc(&text, '{');
	if (passphrase != NULL) /* members in order */
		buf_addf(&text, "\"passphrase\":\"%s\",", passphrase);
	buf_addf(&text, "\"%s\":\"", member);
	for (const char *p = secret; *p != 0; p++)
		if (*p == '\n')
			buf_adds(&text, "\\n");
		else
			buf_addc(&text, *p);
	buf_adds(&text, "\"}");
	vault_login_aad(&aad, &tenant, a);
	box_seal(is->public_key.p, buf_span(&aad), buf_span(&text), out);
	buf_wipe(&text);
	buf_fini(&aad);
	arena_fini(&q.arena);
}

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
