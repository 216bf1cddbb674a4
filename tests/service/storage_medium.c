// SPDX-License-Identifier: Apache-2.0
/* What storage leaves on the medium, looked at with carnet-verify: passports, keys that change,
 * versions that are erased, a catalogue made anew. Run by tests/service/storage_medium.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/vault/keyring.h"
#include "tests/service/storage_client.h"

static struct host one;
static uint64_t next_token = 1000;
static char out[65536]; /* of the last command */

static void renew(struct store *s)
{
	s->run = new_id();
	s->request = new_id();
	s->token = next_token++;
	grant(s);
}

static struct store fresh(const char *text)
{
	struct store s = {.client = one.client,
		.device = new_id(),
		.format = "opaque",
		.parts = {{"values", text, 0}, {"shared", "the same everywhere", 0}},
		.n = 2};
	renew(&s);
	return s;
}

/* Of what the vault does not hold yet. */
static void store_new(struct store *s)
{
	store_good(s);
	assert_int_equal(s->result.outcome, STORE_OUTCOME_COMMITTED);
}

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

static int verify(const char *more)
{
	return command(
		"%s/bin/carnet-verify %s --key %s/kek %s 2>&1", build_dir(), one.vault, dir, more);
}

/* Until carnet-verify says so: papers of a version follow its commit. */
static void verify_says(int code, const char *more)
{
	struct timespec pause = {0, 100000000};
	uint64_t until = clock_mono_ms() + 30000;
	int got;
	while ((got = verify(more)) != code && clock_mono_ms() < until)
		(void)nanosleep(&pause, NULL);
	if (got != code)
		print_error("%s\n", out);
	assert_int_equal(got, code);
}

/* The newest passport knows as many generations in all as the catalogue. */
static void passport_knows_all(void)
{
	struct timespec pause = {0, 100000000};
	uint64_t until = clock_mono_ms() + 30000;
	long want, got;
	sql("select coalesce(sum(g), 0) from (select max(generation) g from store.version where "
	    "state"
	    " in ('committed','condemned','erased') group by device_id, kind) x");
	want = sql_number();
	do {
		(void)command("cd %s && f=$(ls passport-*.sig | tail -n 1) && grep -o "
			      "'\"generation\":[0-9]*' ${f%%.sig}.json | awk -F: '{s += $2} END "
			      "{print s}'",
			one.vault);
		got = strtol(out, NULL, 10);
		(void)nanosleep(&pause, NULL);
	} while (got != want && clock_mono_ms() < until);
	assert_int_equal(got, want);
}

/* ---- passports ---- */

static void a_passport_follows_each_batch_and_the_verifier_agrees(void **state)
{
	(void)state;
	struct store s = fresh("first"), t = fresh("other");
	store_new(&s);
	store_new(&t);
	renew(&s);
	s.parts[0].text = "second";
	store_new(&s);
	passport_knows_all();
	verify_says(0, "");
	assert_non_null(strstr(out, "2 devices, 3 versions"));
	verify_says(0, "--quick --json");
	assert_non_null(strstr(out, "\"result\":\"good\""));
	arena_fini(&s.ask.arena);
	arena_fini(&t.ask.arena);
}

static void thirty_passports_are_kept_and_one_is_made_only_when_something_is_new(void **state)
{
	(void)state;
	struct store s = fresh("the forty-first");
	/* what a crash left of the fortieth: numbers go on behind it */
	assert_int_equal(command("echo {} > %s/passport-00000040.json", one.vault), 0);
	store_new(&s);
	verify_says(0, "--serial 41");
	/* how many came before depends on how slow the machine is: of 1 to 11 none is left */
	assert_int_equal(command("cd %s && ls passport-*.json | sort -r", one.vault), 0);
	assert_non_null(strstr(out, "passport-00000041.json\n"));
	for (int i = 1; i <= 11; i++) {
		char gone[32];
		(void)snprintf(gone, sizeof(gone), "passport-%08d.json", i);
		assert_null(strstr(out, gone));
	}
	/* another start makes one for what is new since, if anything is, and none besides */
	host_kill(&one, SIGTERM);
	host_start(&one, 1, "vault", NULL, 0);
	host_ready(&one);
	struct timespec pause = {1, 0};
	(void)nanosleep(&pause, NULL);
	host_kill(&one, SIGTERM);
	assert_int_equal(command("cd %s && for f in passport-*.sig; do sed -E"
				 " 's/\"kept_from\":[0-9]+,\"made_at\":\"[^\"]*\"//;"
				 " s/\"prev\":[{][^}]*[}],\"serial\":[0-9]+//' ${f%%.sig}.json |"
				 " sha256sum; done | tee %s/passports | uniq -d",
				 one.vault, dir),
		0);
	assert_string_equal(out, "");
	assert_int_equal(command("test -s %s/passports", dir), 0);
	host_start(&one, 1, "vault", NULL, 0);
	host_ready(&one);
	arena_fini(&s.ask.arena);
}

#ifdef CARNET_CRASHPOINTS
/* It dies at its crash point, within a time. */
static void dies(void)
{
	struct timespec pause = {0, 50000000};
	uint64_t until = clock_mono_ms() + 45000;
	int status = 0;
	while (waitpid(one.pid, &status, WNOHANG) == 0 && clock_mono_ms() < until)
		(void)nanosleep(&pause, NULL);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	one.pid = 0;
}

static void half_a_passport_is_no_passport_and_the_next_one_heals_it(void **state)
{
	(void)state;
	struct store s = fresh("before a crash");
	host_kill(&one, SIGTERM);
	host_start(&one, 1, "vault", "passport.renamed:1", 0);
	host_ready(&one);
	(void)store_run(&s);
	dies();
	verify_says(3, "");
	assert_non_null(strstr(out, "half a passport"));
	host_start(&one, 1, "vault", NULL, 0);
	host_ready(&one);
	passport_knows_all();
	verify_says(0, "");
	arena_fini(&s.ask.arena);
}
#endif

static void the_verifier_says_where_a_byte_was_changed(void **state)
{
	(void)state;
	assert_int_equal(
		command("cd %s && f=$(find objects -type f | head -n 1) && cp $f %s/saved &&"
			" printf $f && chmod 600 $f && printf '\\x55' | dd of=$f bs=1 seek=140"
			" conv=notrunc status=none",
			one.vault, dir),
		0);
	char object[200];
	(void)snprintf(object, sizeof(object), "%.199s", out);
	assert_int_equal(verify(""), 1);
	assert_non_null(strstr(out, object));
	assert_int_equal(verify("--quick"), 0);
	assert_int_equal(command("cd %s && cp %s/saved %s", one.vault, dir, object), 0);
	assert_int_equal(verify(""), 0);
	assert_int_equal(command("%s/bin/carnet-verify", build_dir()), 4);
	assert_int_equal(command("%s/bin/carnet-verify %s 2>&1", build_dir(), dir), 2);
}

/* ---- keys that change ---- */

/* Who died with a chore in hand keeps it for minutes: here it is free at once. */
static void start_again(const char *crash)
{
	host_kill(&one, SIGTERM);
	sql("update store.chore set claimed_until = '-infinity'");
	host_start(&one, 1, "vault", crash, 0);
}

static void restart(const char *crash)
{
	start_again(crash);
	host_ready(&one);
}

static void read_again(const struct uuid *version)
{
	struct ask a = {.done = false};
	const struct m_version_verify m = {.id = *version};
	assert_int_equal(ask(&a, one.client, 0, &m_version_verify_desc, &m), 0);
	assert_true(((const struct m_verify_result *)a.body)->good);
	arena_fini(&a.arena);
}

/* Until all versions lie under the first key of the file. */
static void rotated(void)
{
	struct timespec pause = {0, 100000000};
	uint64_t until = clock_mono_ms() + 45000;
	char current[UUID_TEXT], path[100];
	struct keyring ring;
	struct uuid id;
	struct fault f;
	(void)snprintf(path, sizeof(path), "%s/kek", dir);
	assert_int_equal(keyring_read(path, (struct span){NULL, 0}, &ring, &f), 0);
	kek_id(ring.kek[0], &id);
	do {
		sql("select count(*) from store.version_key where wrapped_dek is not null and "
		    "kek_id"
		    " <> '%s'",
			uuid_format(&id, current));
		(void)nanosleep(&pause, NULL);
	} while (sql_number() != 0 && clock_mono_ms() < until);
	assert_int_equal(sql_number(), 0);
}

static void a_new_key_rewraps_and_moves_no_object_st_29(void **state)
{
	(void)state;
	struct store s = fresh("under the first key");
	store_new(&s);
	struct uuid first = s.result.version;
	assert_int_equal(
		command("cd %s && find objects -type f -exec sha256sum {} + | sort | sha256sum",
			one.vault),
		0);
	char before[80];
	(void)snprintf(before, sizeof(before), "%.64s", out);
	assert_int_equal(command("%s/bin/carnet-storage new-key %s/kek", build_dir(), dir), 0);
	/* the old one is still needed */
	assert_int_equal(command("%s/bin/carnet-storage retire-keys %s/kek %s 2>&1", build_dir(),
				 dir, one.vault),
		1);
	restart(NULL);
	rotated();
	read_again(&first);
	assert_int_equal(
		command("cd %s && find objects -type f -exec sha256sum {} + | sort | sha256sum",
			one.vault),
		0);
	assert_memory_equal(out, before, 64);
	assert_int_equal(command("%s/bin/carnet-storage retire-keys %s/kek %s 2>&1", build_dir(),
				 dir, one.vault),
		0);
	restart(NULL);
	read_again(&first);
	verify_says(0, "");
	arena_fini(&s.ask.arena);
}

#ifdef CARNET_CRASHPOINTS
static void killed_while_keys_change_every_version_opens_rotate_kill_st_29(void **state)
{
	(void)state;
	static const char *const places[] = {"rotate.written:1", "rotate.slots:1"};
	struct store s = fresh("killed while keys change");
	store_new(&s);
	for (size_t i = 0; i < array_len(places); i++) {
		assert_int_equal(
			command("%s/bin/carnet-storage new-key %s/kek", build_dir(), dir), 0);
		start_again(places[i]);
		dies();
		assert_int_equal(verify("--quick"), 0);
	}
	restart(NULL);
	rotated();
	read_again(&s.result.version);
	verify_says(0, "");
	arena_fini(&s.ask.arena);
}
#endif

static void a_key_file_may_need_a_passphrase_st_32(void **state)
{
	(void)state;
	struct store s = fresh("behind a passphrase");
	assert_int_equal(
		command("cp -p %s/kek %s/kek-plain && echo 'correct horse' > %s/pass && chmod"
			" 400 %s/pass && %s/bin/carnet-storage protect-key %s/kek %s/pass",
			dir, dir, dir, dir, build_dir(), dir, dir),
		0);
	put_env("CARNET_KEK_PASSPHRASE_FILE", "%s/pass", dir);
	restart(NULL);
	store_new(&s);
	read_again(&s.result.version);
	assert_int_equal(verify("--quick </dev/null"), 2);
	char more[100];
	(void)snprintf(more, sizeof(more), "--passphrase-file %s/pass", dir);
	verify_says(0, more);
	/* and back, for the tests behind this one */
	assert_int_equal(command("cp -p %s/kek-plain %s/kek", dir, dir), 0);
	put_env("CARNET_KEK_PASSPHRASE_FILE", "%s", "");
	restart(NULL);
	arena_fini(&s.ask.arena);
}

/* ---- erased by two persons ---- */

static int order(const char *who, const struct uuid *device, const struct uuid *version,
	struct m_erase_order *ret, struct fault *f)
{
	struct ask a = {.done = false};
	const struct m_erase_ask m = {.reason = "the person left the company"};
	struct m_erase_ask with = m;
	if (device != NULL)
		with.device = *device;
	if (version != NULL)
		with.version = *version;
	ask_actor = who;
	int rc = ask(&a, one.client, 0, &m_erase_ask_desc, &with);
	*f = a.fault;
	if (rc < 0)
		print_message("%s: %s\n", f->reason, f->detail);
	if (rc == 0)
		*ret = *((const struct m_erase_one *)a.body)->order;
	ask_actor = "";
	arena_fini(&a.arena);
	return rc;
}

static int approve(
	const char *who, const struct uuid *id, struct m_erase_order *ret, struct fault *f)
{
	struct ask a = {.done = false};
	const struct m_erase_approve m = {.id = *id};
	ask_actor = who;
	int rc = ask(&a, one.client, 0, &m_erase_approve_desc, &m);
	*f = a.fault;
	if (rc < 0)
		print_message("%s: %s\n", f->reason, f->detail);
	if (rc == 0)
		*ret = *((const struct m_erase_one *)a.body)->order;
	ask_actor = "";
	arena_fini(&a.arena);
	return rc;
}

static void two_persons_erase_the_newest_backup_and_the_one_before_is_the_head_st_18(void **state)
{
	(void)state;
	struct store s = fresh("stays");
	struct m_erase_order o, again;
	struct fault f;
	char v[UUID_TEXT], d[UUID_TEXT], more[100];
	store_new(&s);
	uuid_format(&s.result.version, v);
	renew(&s);
	s.parts[0].text = "to be forgotten";
	store_new(&s);
	assert_int_equal(order("ana", NULL, &s.result.version, &o, &f), 0);
	assert_int_equal(o.executed_at, 0);
	assert_int_equal(approve("ana", &o.id, &again, &f), -1);
	assert_string_equal(f.reason, "second_person");
	read_again(&s.result.version);
	assert_int_equal(approve("ben", &o.id, &o, &f), 0);
	assert_int_equal(o.versions, 1);
	assert_int_equal(o.keys_left, 1);
	assert_int_equal(approve("ben", &o.id, &o, &f), 0); /* asked again: done once */
	sql("select version_id from store.head where device_id = '%s'", uuid_format(&s.device, d));
	assert_string_equal(sql_out, v);
	/* the key goes from the medium, too, and the chain still verifies */
	(void)snprintf(more, sizeof(more), "--device %s", d);
	verify_says(0, more);
	struct timespec pause = {0, 100000000};
	uint64_t until = clock_mono_ms() + 30000;
	while ((verify(more) != 0 || strstr(out, "(1 erased)") == NULL) && clock_mono_ms() < until)
		(void)nanosleep(&pause, NULL);
	assert_non_null(strstr(out, "(1 erased)"));
	assert_int_equal(
		command("%s/bin/carnet-verify extract %s %s 2 --to %s/out --key %s/kek 2>&1",
			build_dir(), one.vault, d, dir, dir),
		1);
	assert_int_equal(
		command("%s/bin/carnet-verify extract %s %s newest --to %s/out --key %s/kek"
			" 2>&1",
			build_dir(), one.vault, d, dir, dir),
		1);
	/* nothing of it is left */
	assert_int_equal(order("ana", NULL, &s.result.version, &o, &f), -1);
	assert_string_equal(f.reason, "no_version");
	arena_fini(&s.ask.arena);
}

static void a_device_that_is_erased_has_no_head_and_may_be_backed_up_again_st_31(void **state)
{
	(void)state;
	struct store s = fresh("one");
	struct m_erase_order o;
	struct fault f;
	char d[UUID_TEXT];
	store_new(&s);
	renew(&s);
	s.parts[0].text = "two";
	store_new(&s);
	assert_int_equal(order("ana", &s.device, NULL, &o, &f), 0);
	assert_int_equal(approve("ben", &o.id, &o, &f), 0);
	assert_int_equal(o.versions, 2);
	sql("select count(*) from store.head where device_id = '%s'", uuid_format(&s.device, d));
	assert_int_equal(sql_number(), 0);
	renew(&s);
	store_new(&s);
	assert_int_equal(s.result.generation, 3);
	read_again(&s.result.version);
	verify_says(0, "");
	arena_fini(&s.ask.arena);
}

static int setup(void **state)
{
	(void)state;
	(void)setenv("CARNET_PASSPORT_MS", "50", 1);
	(void)setenv("CARNET_ROTATE_EVERY_MS", "300", 1);
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
		cmocka_unit_test(a_passport_follows_each_batch_and_the_verifier_agrees),
		cmocka_unit_test(the_verifier_says_where_a_byte_was_changed),
#ifdef CARNET_CRASHPOINTS
		cmocka_unit_test(half_a_passport_is_no_passport_and_the_next_one_heals_it),
#endif
		cmocka_unit_test(a_new_key_rewraps_and_moves_no_object_st_29),
#ifdef CARNET_CRASHPOINTS
		cmocka_unit_test(killed_while_keys_change_every_version_opens_rotate_kill_st_29),
#endif
		cmocka_unit_test(a_key_file_may_need_a_passphrase_st_32),
		cmocka_unit_test(
			two_persons_erase_the_newest_backup_and_the_one_before_is_the_head_st_18),
		cmocka_unit_test(
			a_device_that_is_erased_has_no_head_and_may_be_backed_up_again_st_31),
		cmocka_unit_test(
			thirty_passports_are_kept_and_one_is_made_only_when_something_is_new),
	};
	return cmocka_run_group_tests_name("storage medium", tests, setup, teardown);
}
