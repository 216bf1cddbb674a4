// SPDX-License-Identifier: Apache-2.0
/* What the tests of copies share: one storage process, versions, questions until they are true. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/vault/address.h"
#include "tests/service/storage_client.h"

static struct host one;
static uint64_t next_token = 1000;

#define BOOK(name)                                                                                 \
	"# Canon AddressBook version: 1\r\n# CharSet: WCP1252\r\n\r\n"                             \
	"dn: 200\r\ncn: " name "\r\nmailaddress: a@example.org\r\nobjectclass: email\r\n\r\n"

static struct uuid store_version(const struct uuid *device, const char *text)
{
	struct store s = {.client = one.client,
		.device = *device,
		.run = new_id(),
		.request = new_id(),
		.token = next_token++,
		.parts = {{"list_1", text, 0}},
		.n = 1};
	grant(&s);
	if (store_run(&s) < 0)
		print_error("%d %s: %s\n", s.fault.code, s.fault.reason, s.fault.detail);
	assert_int_equal(s.fault.code, 0);
	struct uuid version = s.result.version;
	arena_fini(&s.ask.arena);
	return version;
}

static int shell(const char *fmt, ...) printf_like(1, 2);
static int shell(const char *fmt, ...)
{
	char command[800];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	return system(command);
}

static void becomes(const char *query, const char *want)
{
	uint64_t until = clock_mono_ms() + 3 * DEADLINE_MS;
	do {
		struct timespec pause = {0, 30000000};
		(void)nanosleep(&pause, NULL);
		sql("%s", query);
	} while (strcmp(sql_out, want) != 0 && clock_mono_ms() < until);
	if (strcmp(sql_out, want) != 0) {
		print_error("%s\n", query);
		(void)shell("tail -n 5 %s/storage-1.log >&2", dir);
	}
	assert_string_equal(sql_out, want);
}

/* As the gateway does it: sealed to storage, bound to the address. */
static unused void seal_login(const struct vault_address *a, const char *member, const char *secret,
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

static unused void all_copied(void)
{
	becomes("select count(*) from store.copy where state <> 'verified'", "0");
	sql("select (select count(*) from store.copy) = 2 * (select count(*) from store.version"
	    " where state = 'committed')");
	assert_string_equal(sql_out, "t");
}

static unused void protection(const struct uuid *version, const char *want)
{
	struct ask a = {.done = false};
	const struct m_version_copies m = {.id = *version};
	assert_int_equal(ask(&a, one.client, 0, &m_version_copies_desc, &m), 0);
	const struct m_version_copy_page *p = a.body;
	assert_string_equal(p->protection, want);
	arena_fini(&a.arena);
}

static unused void restart(void)
{
	host_kill(&one, SIGTERM);
	host_start(&one, 1, "main", NULL, 0);
	host_ready(&one);
}

/* One of a device's two versions is erased and collected from all vaults; its id. */
static unused void one_is_erased(char id[static UUID_TEXT])
{
	struct uuid device = new_id();
	struct uuid old = store_version(&device, BOOK("Only here"));
	(void)store_version(&device, BOOK("The next"));
	all_copied();
	sql("insert into store.retention (tenant_id, keep_min) select tenant_id, 1 from store.vault"
	    " limit 1; update store.version set state = 'condemned', held_until = now() - interval"
	    " '1 s' where id = '%s'; select store.erase_due(tenant_id, 9) from store.version"
	    " where id = '%s'",
		uuid_format(&old, id), id);
	assert_int_equal(sql_number(), 1);
	put_env("CARNET_COLLECT_EVERY_MS", "%d", 100);
	put_env("CARNET_COLLECT_AGE_MS", "%d", 0);
	restart();
	becomes("select count(*) from store.copy where state = 'erase_pending'", "0");
	becomes("select count(*) from store.object where state <> 'live'", "0");
	put_env("CARNET_COLLECT_EVERY_MS", "%d", 0);
}

static char verify_out[4096];

static unused int verify_now(const char *medium)
{
	char text[512];
	(void)snprintf(text, sizeof(text), "%s/bin/carnet-verify %s --key %s/kek 2>&1", build_dir(),
		medium, dir);
	FILE *p = popen(text, "re");
	assert_non_null(p);
	verify_out[fread(verify_out, 1, sizeof(verify_out) - 1, p)] = 0;
	int status = pclose(p);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Until carnet-verify says so of this medium: its passport follows the copies. */
static unused void verifies(const char *medium, int code)
{
	struct timespec pause = {0, 100000000};
	uint64_t until = clock_mono_ms() + 3 * DEADLINE_MS;
	int got;
	while ((got = verify_now(medium)) != code && clock_mono_ms() < until)
		(void)nanosleep(&pause, NULL);
	if (got != code)
		print_error("%s\n", verify_out);
	assert_int_equal(got, code);
}

/* The catalogue knows a passport of each vault for copies, of all that is there. */
static unused void passports_know_all(void)
{
	becomes("select count(*) from store.vault where role = 'copy' and state <> 'retired'"
		" and (passport = 0 or changes <> passport_of)",
		"0");
}

/* Files on their way and what each vault says of itself apart, the two are alike. */
static unused void same_files(const char *other)
{
	assert_int_equal(shell("diff -r -x carnet-vault.json -x tmp -x 'passport*' %s %s >&2",
				 one.vault, other),
		0);
}

static unused int copies_setup(void)
{
	client_setup();
	put_env("CARNET_COPY_EVERY_MS", "%d", 50);
	put_env("CARNET_PASSPORT_MS", "%d", 50);
	put_env("CARNET_PRUNE_EVERY_MS", "%d", 0);
	put_env("CARNET_COLLECT_EVERY_MS", "%d", 0);
	put_env("CARNET_SCRUB_EVERY_MS", "%d", 0);
	host_start(&one, 1, "main", NULL, 0);
	host_ready(&one);
	return 0;
}
