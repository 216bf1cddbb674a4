// SPDX-License-Identifier: Apache-2.0
/* Disks that are really full: vault and database on a small tmpfs each, filled to the last block
 * (reliability.md F10, RL-60). Nothing is lost or half there, and with room again everything goes
 * on. Run by tests/service/storage_full.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/service/storage_copying.h"

#define MANY 16
#define ROUNDS 4
#define BIG ((size_t)3 * 1024 * 1024) /* more than is kept in memory */

static char *big;

static struct store fresh(const char *text, size_t n)
{
	struct store s = {.client = one.client,
		.device = new_id(),
		.run = new_id(),
		.request = new_id(),
		.token = next_token++,
		.format = "opaque",
		.parts = {{"values", text, n}},
		.n = 1};
	grant(&s);
	return s;
}

static void refused(struct store *s, int code)
{
	assert_int_equal(store_run(s), -1);
	if (s->fault.code != code)
		print_error("%d %s: %s\n", s->fault.code, s->fault.reason, s->fault.detail);
	assert_int_equal(s->fault.code, code);
}

/* All of the free space of a file system but so much, by the user who owns it. */
static void fill(const char *place, const char *runner, unsigned left)
{
	assert_int_equal(
		shell("%s sh -c 'n=$(($(stat -f -c \"%%a * %%S\" %s) - %u)); [ $n -le 0 ] ||"
		      " fallocate -l $n %s/ballast'",
			runner, place, left, place),
		0);
}

static void free_again(const char *place)
{
	assert_int_equal(shell("rm -f %s/ballast", place), 0);
}

static void the_vault_is_full_to_the_last_block_f10(void **state)
{
	const char *vault = getenv("CARNET_TEST_VAULT");
	struct store old = fresh("was there before", 0), s = fresh(big, BIG),
		     small = fresh("came when it was full", 0);
	(void)state;
	store_good(&old);
	/* all bytes have come, there is no room to seal them */
	s.keep_open = true;
	store_good(&s);
	s.keep_open = false;
	fill(vault, "", 1024 * 1024);
	const struct m_store_commit m = {.stream = s.stream, .serial_after = "SN1", .items = 1};
	assert_int_equal(ask(&s.ask, s.client, s.peer, &m_store_commit_desc, &m), -1);
	assert_int_equal(s.ask.fault.code, CN_STORE_FULL);
	/* no room for what comes */
	free_again(vault);
	fill(vault, "", 0);
	refused(&s, CN_STORE_FULL);
	refused(&small, CN_STORE_FULL);
	verifies_version(&old);
	assert_int_equal(shell("[ -z \"$(ls -A %s/tmp)\" ]", vault), 0);
	/* a book that did not change needs none */
	struct store again = fresh("was there before", 0);
	again.device = old.device;
	grant(&again);
	store_good(&again);
	assert_int_equal(again.result.outcome, STORE_OUTCOME_UNCHANGED);
	free_again(vault);
	store_good(&s);
	store_good(&small);
	verifies_version(&s);
	verifies_version(&small);
	verifies(vault, 0);
	arena_fini(&old.ask.arena);
	arena_fini(&again.ask.arena);
	arena_fini(&s.ask.arena);
	arena_fini(&small.ask.arena);
}

static const char *owner(void)
{
	return geteuid() == 0 ? "runuser -u postgres --" : "";
}

/* A server that had no room for its log has stopped. */
static void database_runs(void)
{
	const char *pg = getenv("CARNET_TEST_PG"), *bin = getenv("PG_BIN");
	if (shell("cd %s && %s %s/pg_ctl -D %s/data status >/dev/null", pg, owner(), bin, pg) != 0)
		assert_int_equal(
			shell("cd %s && %s %s/pg_ctl -D %s/data -l %s/data/server.log -w start"
			      " >/dev/null",
				pg, owner(), bin, pg, pg),
			0);
	host_ready(&one);
}

/* Has room again as soon as the server has found that there is none. */
static void full_for_a_moment(const char *pg)
{
	fill(pg, owner(), 0);
	assert_int_equal(
		shell("{ n=0; until %s grep -q 'No space left' %s/data/server.log || [ $((n += 1))"
		      " -gt 600 ]; do sleep 0.05; done; rm -f %s/ballast; } &",
			owner(), pg, pg),
		0);
}

/* What was said to be stored is; what was refused is not, and is stored once when asked again. */
static void is_stored_once(struct store *s)
{
	char d[UUID_TEXT];
	if (s->fault.code != 0)
		assert_int_equal(s->fault.code, CN_STORE_UNAVAILABLE);
	store_good(s);
	verifies_version(s);
	sql("select count(*) from store.version where device_id = '%s' and state = 'committed'",
		uuid_format(&s->device, d));
	assert_int_equal(sql_number(), 1);
	arena_fini(&s->ask.arena);
}

static void the_database_is_full_to_the_last_block_f10_rl_60(void **state)
{
	static struct store s[ROUNDS * MANY];
	static char text[ROUNDS * MANY][32];
	const char *pg = getenv("CARNET_TEST_PG");
	size_t n = 0;
	(void)state;
	for (size_t i = 0; i < array_len(s); i++) {
		(void)snprintf(text[i], sizeof(text[i]), "content number %zu", i);
		s[i] = fresh(text[i], 0);
	}
	full_for_a_moment(pg);
	while (n < array_len(s) && shell("[ -e %s/ballast ]", pg) == 0) {
		for (size_t i = 0; i < MANY; i++)
			store_begin(&s[n++]);
		stores_wait();
	}
	assert_int_equal(shell("%s grep -q 'No space left' %s/data/server.log", owner(), pg), 0);
	free_again(pg);
	database_runs();
	for (size_t i = 0; i < n; i++)
		is_stored_once(&s[i]);
	sql("select count(*) from store.version where state in ('staged','written','verified')");
	assert_int_equal(sql_number(), 0);
	int rc = verify_now(getenv("CARNET_TEST_VAULT"));
	if (rc != 0 && rc != 3)
		print_error("%s\n", verify_out);
	assert_true(rc == 0 || rc == 3); /* 3: manifests that were never committed, for a day */
}

static int setup(void **state)
{
	char link[128];
	(void)state;
	client_setup();
	(void)snprintf(link, sizeof(link), "%s/main", dir);
	assert_int_equal(symlink(getenv("CARNET_TEST_VAULT"), link), 0);
	put_env("CARNET_PASSPORT_MS", "%d", 50);
	big = malloc(BIG);
	assert_non_null(big);
	crypto_random(big, BIG); /* nothing to pack */
	host_start(&one, 1, "main", NULL, 0);
	host_ready(&one);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	host_kill(&one, SIGTERM);
	free(big);
	client_end();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_vault_is_full_to_the_last_block_f10),
		cmocka_unit_test(the_database_is_full_to_the_last_block_f10_rl_60),
	};
	return cmocka_run_group_tests_name("full disks", tests, setup, teardown);
}
