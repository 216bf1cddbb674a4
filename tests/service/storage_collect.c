// SPDX-License-Identifier: Apache-2.0
/* gc_race (ST-76): two hosts collect without any delay while both store the same few contents again
 * and again, versions are erased meanwhile, and a host is killed. Whatever is left can be read, and
 * nothing else is left. ROUNDS=n for more. Run by tests/service/storage_collect.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/service/storage_client.h"

#define DEVICES 6
#define CONTENTS 9

static struct host one, two;
static struct store stores[DEVICES];
static uint64_t next_token = 1000;
static char contents[CONTENTS][320];
static uint64_t seed = 20261121;

static unsigned below(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed % n);
}

static void stop(struct host *h)
{
	host_kill(h, SIGTERM);
	sql("update store.chore set claimed_until = '-infinity'"); /* nobody waits for its lease */
}

static void start(struct host *h, int n)
{
	host_start(h, n, "main", NULL, 0);
}

/* One backup of each device, three contents of the few each, over both hosts. */
static unsigned round_of_backups(bool only_one)
{
	unsigned good = 0;
	for (unsigned i = 0; i < DEVICES; i++) {
		struct store *s = &stores[i];
		s->client = only_one || i % 2 == 0 ? one.client : two.client;
		s->run = new_id();
		s->request = new_id();
		s->token = next_token++;
		s->n = 3;
		for (unsigned k = 0; k < 3; k++)
			s->parts[k] = (struct part){k == 0   ? "list_1"
						    : k == 1 ? "list_2"
							     : "list_3",
				contents[below(CONTENTS)], 0};
		grant(s);
	}
	for (unsigned i = 0; i < DEVICES; i++)
		store_begin(&stores[i]);
	stores_wait();
	for (unsigned i = 0; i < DEVICES; i++) {
		const struct fault *f = &stores[i].fault;
		/* a content that is taken away between two of its writers makes one repeat */
		if (f->code != 0 && f->code != CN_CONNECTION_LOST &&
			f->code != CN_STORE_UNAVAILABLE)
			print_error("%d %s: %s\n", f->code, f->reason, f->detail);
		good += f->code == 0;
	}
	return good;
}

/* All but the newest are condemned and at once erased, as if a week had gone by. */
static void erase_all_but_the_newest(void)
{
	sql("do $$ declare v uuid; begin"
	    " for v in select x.id from store.version x where x.state = 'committed' and exists"
	    "   (select 1 from store.head h where h.device_id = x.device_id"
	    "    and h.generation > x.generation) loop"
	    "  begin update store.version set state = 'condemned', held_until = now() - interval"
	    "   '1 s' where id = v; exception when sqlstate 'CN001' then null; end;"
	    " end loop;"
	    " perform store.erase_due((select tenant_id from store.vault limit 1), 500); end $$");
}

static void all_that_is_left_can_be_read(void)
{
	char ids[200][UUID_TEXT];
	size_t n = 0;
	sql("select id from store.version where state in ('committed')");
	for (char *line = strtok(sql_out, "\n"); line != NULL && n < 200; line = strtok(NULL, "\n"))
		(void)snprintf(ids[n++], UUID_TEXT, "%s", line);
	assert_true(n >= DEVICES);
	for (size_t i = 0; i < n; i++) {
		struct ask a = {.done = false};
		struct m_version_verify m = {.has = 0};
		assert_int_equal(uuid_parse(ids[i], &m.id), 0);
		assert_int_equal(ask(&a, one.client, 0, &m_version_verify_desc, &m), 0);
		const struct m_verify_result *r = a.body;
		for (size_t k = 0; k < r->findings_n; k++)
			print_error("%s: %s\n", ids[i], r->findings[k]);
		assert_true(r->good);
		arena_fini(&a.arena);
	}
}

static long files(const char *pattern)
{
	char command[256];
	(void)snprintf(
		command, sizeof(command), "find %s -type f -path '%s' | wc -l", one.vault, pattern);
	FILE *p = popen(command, "re");
	assert_non_null(p);
	assert_non_null(fgets(sql_out, sizeof(sql_out), p));
	(void)pclose(p);
	return sql_number();
}

static void wait_until(const char *query, long want)
{
	assert_int_equal(sql_wait(query, want), want);
}

/* A third collector, in the database itself, that hardly pauses. Its files are removed by the
 * others.
 */
static pid_t collector(void)
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), 2); /* it ends by being cut off */
	(void)execlp("psql", "psql", "-X", "-q", getenv("CARNET_TEST_DB"), "-c",
		"do $$ declare t uuid := (select tenant_id from store.vault limit 1); begin"
		" for i in 1 .. 1000000 loop"
		"  perform store.collect_condemn(t, s, 0) from (select distinct get_byte(oid, 0) "
		"as s"
		"   from store.object) x; commit; perform pg_sleep(0.002);"
		"  perform store.collect_doom(t, 0, 500); commit; perform pg_sleep(0.002);"
		" end loop; end $$",
		(char *)NULL);
	_exit(127);
}

static void collection_races_writers_and_takes_nothing_that_is_named_st_76(void **state)
{
	const char *given = getenv("ROUNDS");
	unsigned rounds = given == NULL ? 10 : (unsigned)strtoul(given, NULL, 10), good = 0;
	(void)state;
	pid_t third = collector();
	for (unsigned round = 0; round < rounds; round++) {
		bool dead = round % 7 == 4;
		if (round % 7 == 3) {
			host_kill(&two, SIGKILL); /* wherever it is in a collection */
			start(&two, 2);
			dead = true;
		} else if (round % 7 == 5) {
			host_ready(&two);
		}
		good += round_of_backups(dead);
		erase_all_but_the_newest();
	}
	sql("select pg_terminate_backend(pid) from pg_stat_activity where query like 'do $$ "
	    "declare t"
	    "%%'");
	assert_int_equal(waitpid(third, NULL, 0), third);
	assert_true(good >= rounds * DEVICES / 2);
	all_that_is_left_can_be_read();
	/* and nothing else is left */
	wait_until("select count(*) from store.object o where not exists (select 1 from"
		   " store.version_object v where v.oid = o.oid)",
		0);
	wait_until("select count(*) from store.removal", 0);
	wait_until("select count(*) from store.object where state <> 'live'", 0);
	wait_until("select count(*) from store.copy where state = 'erase_pending'", 0);
	all_that_is_left_can_be_read();
	sql("select count(*) from store.object o where not exists (select 1 from"
	    " store.version_object v where v.oid = o.oid)");
	assert_int_equal(sql_number(), 0);
}

static void erased_versions_leave_manifest_tombstone_and_no_key_st_39(void **state)
{
	(void)state;
	sql("select count(*) from store.version where state = 'erased'");
	long erased = sql_number();
	assert_true(erased > 0);
	assert_int_equal(files("*/devices/*.erased"), erased);
	char command[300];
	(void)snprintf(
		command, sizeof(command), "grep -l erased %s/keys/*.slot | wc -l", one.vault);
	FILE *p = popen(command, "re");
	assert_non_null(p);
	assert_non_null(fgets(sql_out, sizeof(sql_out), p));
	(void)pclose(p);
	assert_int_equal(sql_number(), erased);
}

/* ---- who writes cannot delete (ST-49) ---- */

static char old_version[UUID_TEXT];
static const char TAKEN_BACK_AND_CONDEMNED_AT_ONCE[] =
	"update store.version set state = 'committed', held_until = null where id = '%1$s';"
	" update store.version set state = 'condemned', held_until = now() - interval '1 s'"
	" where id = '%1$s'";

static bool refused_to(const char *role, const char *attempt, const char *said)
{
	sql("set role %s; %s", role, attempt);
	if (strstr(sql_out, said) == NULL)
		print_error("%s: %s: %s\n", role, attempt, sql_out);
	return strstr(sql_out, said) != NULL;
}

static void a_condemned_and_a_free_object(void)
{
	sql("update store.version set state = 'condemned', held_until = now() + interval '9 days'"
	    " where id = (select v.id from store.version v where v.state = 'committed' and exists"
	    "  (select 1 from store.head h where h.device_id = v.device_id"
	    "   and h.generation > v.generation) order by v.id limit 1) returning id");
	(void)snprintf(old_version, sizeof(old_version), "%.36s", sql_out);
	assert_true(strlen(sql_out) >= 36);
	sql("insert into store.object (tenant_id, oid, incarnation, kind, plain_len, stored_len,"
	    " cipher_digest, state, condemned_at) select id, decode(repeat('f7', 32), 'hex'), 1,"
	    " 'native', 1, 1, decode(repeat('f7', 32), 'hex'), 'condemned', now() from"
	    " (select gen_random_uuid() as id) t");
}

static void the_login_that_writes_is_refused_every_deletion_by_the_database_st_49(void **state)
{
	static const char *const denied[] = {
		"delete from store.version",
		"delete from store.version_object",
		"delete from store.version_key",
		"delete from store.object",
		"delete from store.copy",
		"delete from store.head",
		"delete from store.removal",
		"truncate store.version cascade",
		"insert into store.removal (tenant_id) select tenant_id from store.object",
		"update store.erase_order set approved_by = 'me', approved_at = now()",
		"update store.version_object set oid = decode(repeat('f7', 32), 'hex')",
		"update store.version_key set version_id = version_id",
		"select store.erase_due(gen_random_uuid(), 9)",
		"select store.erase_approve(gen_random_uuid(), gen_random_uuid(), 'me')",
		"select store.collect_doom(gen_random_uuid(), 0, 9)",
		"select store.collect_done(gen_random_uuid(), gen_random_uuid(), '{}', '{}')",
		"select store.slots_gone(gen_random_uuid(), '{}')",
	};
	static const char *const guarded[] = {
		"update store.version set state = 'erased' where state = 'condemned'",
		"update store.version set state = 'failed' where state = 'condemned'",
		"update store.version set held_until = now() where state = 'condemned'",
		"update store.version set held_until = null where state = 'condemned'",
		TAKEN_BACK_AND_CONDEMNED_AT_ONCE,
		"update store.version_key set wrapped_dek = null where version_id = '%s'",
		"update store.copy set state = 'erase_pending' where version_id = '%s'",
		"update store.object set state = 'deleting' where state = 'condemned'",
	};
	(void)state;
	host_ready(&one);
	assert_int_equal(round_of_backups(true), DEVICES);
	assert_int_equal(round_of_backups(true), DEVICES);
	stop(&two);
	stop(&one);
	a_condemned_and_a_free_object();
	for (size_t i = 0; i < array_len(denied); i++)
		assert_true(refused_to("carnet_storage", denied[i], "denied"));
	for (size_t i = 0; i < array_len(guarded); i++) {
		char attempt[400];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		(void)snprintf(attempt, sizeof(attempt), guarded[i], old_version);
#pragma GCC diagnostic pop
		assert_true(refused_to("carnet_storage", attempt,
			i >= 2 && i <= 4 ? "held_a_day" : "pruner_only"));
	}
	/* and who may delete can do nothing else */
	assert_true(refused_to("carnet_pruner", "select * from store.version", "denied"));
	assert_true(refused_to("carnet_pruner", "delete from store.object", "denied"));
	sql("select count(*) from store.version where id = '%s' and state = 'condemned'"
	    " and held_until > now() + interval '8 days'",
		old_version);
	assert_int_equal(sql_number(), 1);
	sql("delete from store.object where oid = decode(repeat('f7', 32), 'hex')");
}

static void without_the_pruners_login_backups_go_on_and_nothing_is_removed_st_49(void **state)
{
	(void)state;
	setenv("CARNET_PRUNE_DATABASE", "host=/nowhere user=carnet_pruner", 1);
	start(&one, 1);
	host_ready(&one);
	assert_int_equal(round_of_backups(true), DEVICES);
	struct ask a = {.done = false};
	const struct m_erase_approve m = {.id = new_id()};
	assert_int_equal(ask(&a, one.client, 0, &m_erase_approve_desc, &m), -1);
	assert_int_equal(a.fault.code, CN_STORE_UNAVAILABLE);
	assert_string_equal(a.fault.reason, "pruner");
	arena_fini(&a.arena);
	sql("update store.version set held_until = now() - interval '1 s' where id = '%s'",
		old_version);
	wait_until("select count(*) from store.chore where name = 'collect' and outcome like"
		   " 'failed: %%' and ended_at > now() - interval '1 minute'",
		1);
	sql("select count(*) from store.version where id = '%s' and state = 'condemned'",
		old_version);
	assert_int_equal(sql_number(), 1);
	stop(&one);
	unsetenv("CARNET_PRUNE_DATABASE");
	/* with it what was due goes */
	put_env("CARNET_PRUNE_EVERY_MS", "%d", 20);
	start(&one, 1);
	host_ready(&one);
	char query[200];
	(void)snprintf(query, sizeof(query),
		"select count(*) from store.version where id = '%s' and state = 'erased'",
		old_version);
	wait_until(query, 1);
	wait_until("select count(*) from store.copy where state = 'erase_pending'", 0);
	all_that_is_left_can_be_read();
}

static int setup(void **state)
{
	(void)state;
	client_setup();
	put_env("CARNET_PRUNE_EVERY_MS", "%d", 0);
	put_env("CARNET_COLLECT_EVERY_MS", "%d", 20);
	put_env("CARNET_COLLECT_AGE_MS", "%d", 0);
	for (unsigned i = 0; i < CONTENTS; i++)
		(void)snprintf(contents[i], sizeof(contents[i]),
			"# Canon AddressBook version: 1\r\n# CharSet: WCP1252\r\n\r\n"
			"dn: 200\r\ncn: Person %u\r\nmailaddress: p%u@example.org\r\n"
			"objectclass: email\r\n\r\n",
			i, i);
	for (unsigned i = 0; i < DEVICES; i++)
		stores[i].device = new_id();
	start(&one, 1);
	start(&two, 2);
	host_ready(&one);
	host_ready(&two);
	sql("insert into store.retention (tenant_id, keep_min) select tenant_id, 1 from"
	    " store.vault limit 1");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	host_kill(&one, SIGTERM);
	client_end();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(collection_races_writers_and_takes_nothing_that_is_named_st_76),
		cmocka_unit_test(erased_versions_leave_manifest_tombstone_and_no_key_st_39),
		cmocka_unit_test(
			the_login_that_writes_is_refused_every_deletion_by_the_database_st_49),
		cmocka_unit_test(
			without_the_pruners_login_backups_go_on_and_nothing_is_removed_st_49),
	};
	return cmocka_run_group_tests_name("storage collects", tests, setup, teardown);
}
