// SPDX-License-Identifier: Apache-2.0
/* The catalogue made again from a copy and the key file (docs/spec/storage.md ST-21): database and
 * primary vault are destroyed, everything comes back byte for byte, and goes on. Run by
 * tests/service/storage_rebuild.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/service/storage_client.h"

static struct host one;
static uint64_t next_token = 5000;
static char out[65536]; /* of the last command */
static struct uuid first, second, person;

/* Its exit code; what it says in out. */
static int command(const char *fmt, ...) printf_like(1, 2);
static int command(const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	FILE *p = popen(text, "re");
	assert_non_null(p);
	size_t n = fread(out, 1, sizeof(out) - 1, p);
	out[n] = 0;
	int status = pclose(p);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static struct m_stored store(const struct uuid *device, const char *text)
{
	struct store s = {.client = one.client,
		.device = *device,
		.run = new_id(),
		.request = new_id(),
		.token = next_token++,
		.format = "opaque",
		.parts = {{"values", text, 0}, {"shared", "the same everywhere", 0}},
		.n = 2};
	grant(&s);
	if (store_run(&s) < 0)
		print_error("%d %s: %s\n", s.fault.code, s.fault.reason, s.fault.detail);
	assert_int_equal(s.fault.code, 0);
	struct m_stored result = s.result;
	arena_fini(&s.ask.arena);
	return result;
}

static void becomes(const char *want, const char *query)
{
	uint64_t until = clock_mono_ms() + 3 * DEADLINE_MS;
	do {
		struct timespec pause = {0, 30000000};
		(void)nanosleep(&pause, NULL);
		sql("%s", query);
	} while (strcmp(sql_out, want) != 0 && clock_mono_ms() < until);
	if (strcmp(sql_out, want) != 0)
		print_error("%s\n", query);
	assert_string_equal(sql_out, want);
}

static void add_copy(void)
{
	char away[128];
	struct ask a = {.done = false};
	const struct m_vault_add m = {.name = "away",
		.place = away,
		.removable = true,
		.accept_same_disk = "a test on one machine"};
	(void)snprintf(away, sizeof(away), "%s/away", dir);
	assert_int_equal(ask(&a, one.client, 0, &m_vault_add_desc, &m), 0);
	arena_fini(&a.arena);
}

static void erase(const struct uuid *version)
{
	struct ask a = {.done = false};
	const struct m_erase_ask m = {.version = *version, .reason = "left the company"};
	ask_actor = "ana";
	assert_int_equal(ask(&a, one.client, 0, &m_erase_ask_desc, &m), 0);
	const struct m_erase_approve yes = {.id = ((const struct m_erase_one *)a.body)->order->id};
	ask_actor = "ben";
	assert_int_equal(ask(&a, one.client, 0, &m_erase_approve_desc, &yes), 0);
	ask_actor = "";
	arena_fini(&a.arena);
}

static int verify(void)
{
	return command("%s/bin/carnet-verify %s/away --key %s/kek 2>&1", build_dir(), dir, dir);
}

static int rebuild(void)
{
	return command("%s/bin/carnet-storage rebuild-catalogue %s/away %s/kek '%s' 2>&1",
		build_dir(), dir, dir, getenv("CARNET_TEST_DB"));
}

/* Each version of the catalogue, opened and read to its end by the service. */
static void all_versions_are_good(const char *how_many)
{
	char ids[32][UUID_TEXT];
	size_t n = 0;
	sql("select id from store.version where state = 'committed'");
	for (char *rest = sql_out, *word; (word = strsep(&rest, "\n")) != NULL && n < 32;)
		(void)snprintf(ids[n++], UUID_TEXT, "%.36s", word);
	assert_int_equal(n, strtoul(how_many, NULL, 10));
	for (size_t i = 0; i < n; i++) {
		struct ask a = {.done = false};
		struct m_version_verify m;
		memset(&m, 0, sizeof(m));
		assert_int_equal(uuid_parse(ids[i], &m.id), 0);
		assert_int_equal(ask(&a, one.client, 0, &m_version_verify_desc, &m), 0);
		assert_true(((const struct m_verify_result *)a.body)->good);
		arena_fini(&a.arena);
	}
}

/* What is to come back: all that lists show of versions, contents and heads. */
static void picture(char *ret, size_t size)
{
	sql("select v.id, v.device_id, v.kind, v.generation, v.state, v.run_id, v.token,"
	    " encode(v.digest, 'hex'), encode(v.signature, 'hex'), v.flags, v.entries,"
	    " v.bytes_plain, v.bytes_stored, date_trunc('milliseconds', v.verified_at), "
	    "h.generation, p.generation"
	    " from store.version v left join store.head h on h.version_id = v.id"
	    " left join store.version p on p.id = v.prev_id order by 1;"
	    /* of an erased one nobody knows any more */
	    " select id, serial, format, model, language, charset, device_name"
	    " from store.version where state = 'committed' order by 1;"
	    " select version_id, item_no, item, role, kind, plain_len, coalesce(entries, 0),"
	    " encode(oid, 'hex'), encode(wrapped_key, 'hex') from store.version_object order by 1, "
	    "2;"
	    " select encode(oid, 'hex'), incarnation, kind, state, plain_len, stored_len,"
	    " encode(cipher_digest, 'hex') from store.object o where exists (select 1 from"
	    " store.version_object v where v.oid = o.oid) order by 1;"
	    " select version_id, kek_id, encode(wrapped_dek, 'hex') from store.version_key"
	    " where wrapped_dek is not null order by 1;"
	    " select sum(bytes), sum(versions), sum(devices) from store.usage;"
	    " select device_id, last_token from lock.device where last_token > 0 order by 1");
	(void)snprintf(ret, size, "%s", sql_out);
}

static char before[65536], after[65536];

static void a_copy_holds_what_carnet_knew(void **state)
{
	char d[UUID_TEXT];
	(void)state;
	first = new_id();
	second = new_id();
	person = new_id();
	(void)store(&first, "one");
	(void)store(&first, "two");
	add_copy();
	(void)store(&first, "three");
	(void)store(&second, "one");
	struct uuid forgotten = store(&person, "to be forgotten").version;
	erase(&forgotten);
	(void)store(&person, "the new colleague");
	becomes("0", "select count(*) from store.copy where state <> 'verified'");
	/* the lock service keeps these */
	sql("insert into lock.device (device_id, last_token) select device_id, max(token)"
	    " from store.version group by 1");
	picture(before, sizeof(before));
#ifdef CARNET_CRASHPOINTS
	/* half a dump is none, and hinders no other one (ST-56) */
	assert_int_equal(command("echo lost | CARNET_CRASH=dump.named:1 %s/bin/carnet-storage"
				 " keep-dump %s/away %s/kek %s/sign 2>&1; [ $? = 137 ]",
				 build_dir(), dir, dir, dir),
		0);
#endif
	/* what the vault does not hold goes beside it, sealed; the last seven are kept */
	for (int i = 1; i <= 9; i++)
		assert_int_equal(command("echo 'dump %d' | %s/bin/carnet-storage keep-dump %s/away"
					 " %s/kek %s/sign 2>&1",
					 i, build_dir(), dir, dir, dir),
			0);
	int rc;
	struct timespec pause = {0, 100000000};
	uint64_t until = clock_mono_ms() + 30000;
	while ((rc = verify()) != 0 && clock_mono_ms() < until) /* half a passport, say */
		(void)nanosleep(&pause, NULL);
	if (rc != 0)
		print_error("%s\n", out);
	assert_int_equal(rc, 0);
	sql("select tenant_id from store.version limit 1");
	(void)snprintf(d, sizeof(d), "%.36s", sql_out);
	assert_int_equal(command("%s/bin/carnet-verify extract %s/away %s newest --kind catalogue"
				 " --to %s/out --key %s/kek >/dev/null 2>&1 && cat %s/out/dump",
				 build_dir(), dir, d, dir, dir, dir),
		0);
	assert_string_equal(out, "dump 9\n");
	assert_int_equal(command("%s/bin/carnet-verify extract %s/away %s 2 --kind catalogue"
				 " --to %s/out --key %s/kek 2>&1",
				 build_dir(), dir, d, dir, dir),
		1);
}

static void a_catalogue_with_versions_of_its_own_is_not_overwritten(void **state)
{
	(void)state;
	assert_int_equal(rebuild(), 2);
	assert_non_null(strstr(out, "an empty one is wanted"));
}

static void database_and_vault_are_gone_and_all_is_as_before_st_21(void **state)
{
	(void)state;
	host_kill(&one, SIGTERM);
	assert_int_equal(
		command("rm -rf %s/vault %s/sign && psql -q -h %s -U postgres -d postgres"
			" -c 'drop database carnet with (force)' -c 'create database"
			" carnet' 2>&1 && %s/bin/carnet-migrate '%s' schemas/sql 2>&1",
			dir, dir, getenv("CARNET_TEST_PG"), build_dir(), getenv("CARNET_TEST_DB")),
		0);
	int rc = rebuild();
	if (rc != 0)
		print_error("%s\n", out);
	assert_int_equal(rc, 0);
	assert_non_null(strstr(out, "CARNET_VAULT_NAME=main"));
	/* asked again: nothing is doubled */
	assert_int_equal(rebuild(), 0);
	picture(after, sizeof(after));
	/* the first line that differs says more than both pictures */
	for (char *a = after, *b = before, *x, *y; (x = strsep(&a, "\n")) != NULL;) {
		y = strsep(&b, "\n");
		assert_string_equal(x, y == NULL ? "" : y);
	}
}

static void storage_goes_on_where_it_was(void **state)
{
	(void)state;
	/* the key that signs was lost, too: a new one joins */
	assert_int_equal(
		command("%s/bin/carnet-storage make-sign-key %s/sign", build_dir(), dir), 0);
	sql("update store.vault set name = 'away'");
	host_start(&one, 1, "away", NULL, 0);
	host_ready(&one);
	all_versions_are_good("5");
	struct m_stored s = store(&first, "three");
	assert_int_equal(s.outcome, STORE_OUTCOME_UNCHANGED);
	s = store(&first, "four");
	assert_int_equal(s.outcome, STORE_OUTCOME_COMMITTED);
	assert_int_equal(s.generation, 4);
	s = store(&second, "two");
	assert_int_equal(s.generation, 2);
	becomes("0", "select count(*) from store.version where signed_at is null and state ="
		     " 'committed'");
	/* the passport follows */
	uint64_t until = clock_mono_ms() + 3 * DEADLINE_MS;
	while (verify() != 0 && clock_mono_ms() < until) {
		struct timespec pause = {0, 100000000};
		(void)nanosleep(&pause, NULL);
	}
	assert_int_equal(verify(), 0);
}

static void dump(const char *text)
{
	assert_int_equal(command("echo '%s' | %s/bin/carnet-storage keep-dump %s/away %s/kek"
				 " %s/sign 2>&1",
				 text, build_dir(), dir, dir, dir),
		0);
}

static void strays_say(const char *what)
{
	char query[300];
	(void)snprintf(query, sizeof(query),
		"select count(*) from store.chore where name = 'strays' and outcome like '%s'",
		what);
	becomes("1", query);
}

static long objects_there(void)
{
	assert_int_equal(command("ls %s/away/objects/*/* | wc -l", dir), 0);
	return strtol(out, NULL, 10);
}

/* Section 13, step 6: told at once; gone when a dump of the catalogue is newer than they are and
 * the catalogue knows all versions of the medium. */
static void files_that_no_row_knows_are_told_and_go_later(void **state)
{
	(void)state;
	host_kill(&one, SIGTERM);
	put_env("CARNET_STRAY_EVERY_MS", "%d", 100);
	put_env("CARNET_STRAY_AGE_MS", "%d", 0);
	dump("before");
	long had = objects_there();
	assert_int_equal(
		command("cd %s/away/objects && f=$(ls */* | head -n 1) && cp $f ${f%%.*}.77"
			" && mkdir -p 00 && touch 00/Thumbs.db",
			dir),
		0);
	host_start(&one, 1, "away", NULL, 0);
	host_ready(&one);
	strays_say("1 unknown files, 0 removed, 1 that are not ours");
	dump("newer");
	strays_say("0 unknown files, 0 removed, 1 that are not ours");
	assert_int_equal(command("ls %s/away/objects/*/*.77 2>/dev/null", dir), 2);
	assert_int_equal(command("ls %s/away/objects/00/Thumbs.db", dir), 0);
	/* seven dumps are kept: one went, one came; what they consist of is not unknown */
	assert_true(objects_there() >= had);
	all_versions_are_good("7");

	/* a catalogue that was put back: what it does not know may be a backup */
	sql("set session_replication_role = replica; create temporary table x as select version_id"
	    " as id from store.head order by generation desc limit 1; delete from store.object o"
	    " using store.version_object v, x where v.version_id = x.id and v.oid = o.oid and not"
	    " exists (select 1 from store.version_object w where w.oid = o.oid and w.version_id <>"
	    " x.id); delete from store.version_object using x where version_id = x.id; delete from"
	    " store.version_key using x where version_id = x.id; delete from store.copy using x"
	    " where version_id = x.id; delete from store.head using x where version_id = x.id;"
	    " delete from store.version v using x where v.id = x.id");
	long all = objects_there();
	dump("when it was behind");
	strays_say("_ unknown files, 0 removed, 1 that are not ours; 1 versions are not in the"
		   " catalogue: nothing is removed");
	assert_true(objects_there() >= all);
	/* as whoever may delete */
	sql("set role carnet_storage; select * from store.stray");
	assert_non_null(strstr(sql_out, "denied"));
}

static int setup(void **state)
{
	(void)state;
	(void)setenv("CARNET_PASSPORT_MS", "50", 1);
	(void)setenv("CARNET_COPY_EVERY_MS", "200", 1);
	(void)setenv("CARNET_COLLECT_EVERY_MS", "300", 1);
	client_setup();
	host_start(&one, 1, "vault", NULL, 0);
	host_ready(&one);
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
		cmocka_unit_test(a_copy_holds_what_carnet_knew),
		cmocka_unit_test(a_catalogue_with_versions_of_its_own_is_not_overwritten),
		cmocka_unit_test(database_and_vault_are_gone_and_all_is_as_before_st_21),
		cmocka_unit_test(storage_goes_on_where_it_was),
		cmocka_unit_test(files_that_no_row_knows_are_told_and_go_later),
	};
	return cmocka_run_group_tests_name("storage rebuild", tests, setup, teardown);
}
