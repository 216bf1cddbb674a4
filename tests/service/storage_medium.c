// SPDX-License-Identifier: Apache-2.0
/* What storage leaves on the medium, looked at with carnet-verify: passports, keys that change,
 * versions that are erased, a catalogue made anew. Run by tests/service/storage_medium.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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

static void store_good(struct store *s)
{
	if (store_run(s) < 0)
		print_error("%d %s: %s\n", s->fault.code, s->fault.reason, s->fault.detail);
	assert_int_equal(s->fault.code, 0);
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
	store_good(&s);
	store_good(&t);
	renew(&s);
	s.parts[0].text = "second";
	store_good(&s);
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
	store_good(&s);
	verify_says(0, "--serial 41");
	assert_int_equal(command("cd %s && ls passport-*.json", one.vault), 0);
	assert_string_equal(out, "passport-00000041.json\n");
	/* nothing new: another start makes none */
	assert_int_equal(
		command("ls %s/passport-*.json | tail -n 1 | tee %s/newest", one.vault, dir), 0);
	host_kill(&one, SIGTERM);
	host_start(&one, 1, "vault", NULL, 0);
	host_ready(&one);
	struct timespec pause = {1, 0};
	(void)nanosleep(&pause, NULL);
	assert_int_equal(
		command("[ \"$(ls %s/passport-*.json | tail -n 1)\" = \"$(cat %s/newest)\" ]",
			one.vault, dir),
		0);
	arena_fini(&s.ask.arena);
}

#ifdef CARNET_CRASHPOINTS
static void half_a_passport_is_no_passport_and_the_next_one_heals_it(void **state)
{
	(void)state;
	struct store s = fresh("before a crash");
	host_kill(&one, SIGTERM);
	host_start(&one, 1, "vault", "passport.renamed:1", 0);
	host_ready(&one);
	(void)store_run(&s);
	int status = host_wait(&one);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
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

static int setup(void **state)
{
	(void)state;
	(void)setenv("CARNET_PASSPORT_MS", "50", 1);
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
		cmocka_unit_test(
			thirty_passports_are_kept_and_one_is_made_only_when_something_is_new),
	};
	return cmocka_run_group_tests_name("storage medium", tests, setup, teardown);
}
