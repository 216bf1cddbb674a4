// SPDX-License-Identifier: Apache-2.0
/* A disk that fails at any write, flush or rename, is full, is pulled out, loses power
 * (reliability.md F10, F11, F13, F29; ST-56..58). Needs a build with crash points. Run by
 * tests/service/storage_disk.sh; CARNET_TEST_STATES: how many states of a power cut are
 * looked at, CARNET_TEST_STARTS: on how many of them storage is started. */
#ifdef CARNET_CRASHPOINTS
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/service/storage_copying.h"

static char faults[96]; /* the folder of common/vault/vault_fault.h */

static void order(const char *fmt, ...) printf_like(1, 2);
static void order(const char *fmt, ...)
{
	char text[64], path[128], temp[128];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)snprintf(path, sizeof(path), "%s/fail", faults);
	(void)snprintf(temp, sizeof(temp), "%s/next", faults);
	FILE *f = fopen(temp, "we");
	assert_non_null(f);
	(void)fputs(text, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(rename(temp, path), 0);
}

/* Was it carried out, or was there no such operation? Gone in either case. */
static bool order_done(void)
{
	char path[128];
	(void)snprintf(path, sizeof(path), "%s/fail", faults);
	return unlink(path) != 0;
}

static struct store fresh(const char *text)
{
	struct store s = {.client = one.client,
		.device = new_id(),
		.run = new_id(),
		.request = new_id(),
		.token = next_token++,
		.format = "opaque",
		.parts = {{"values", text, 0}},
		.n = 1};
	grant(&s);
	return s;
}

static long versions_of(const struct store *s)
{
	char d[UUID_TEXT];
	sql("select count(*) from store.version where device_id = '%s' and state = 'committed'",
		uuid_format(&s->device, d));
	return sql_number();
}

static bool tmp_is_empty(void)
{
	return shell("[ -z \"$(ls -A %s/tmp)\" ]", one.vault) == 0;
}

/* The n-th operation fails, n = 1, 2, … until none is left; each time the answer is a clear one,
 * and the same run stored again is stored once. Returns how many there were. */
static unsigned each_fails(const char *op, int with, int want)
{
	for (unsigned n = 1;; n++) {
		char text[64];
		(void)snprintf(text, sizeof(text), "%s %u %d", op, n, with);
		struct store s = fresh(text);
		order("%s %u %d", op, n, with);
		int rc = store_run(&s);
		bool done = order_done();
		if (!done) {
			assert_int_equal(rc, 0);
			arena_fini(&s.ask.arena);
			return n - 1;
		}
		assert_int_equal(rc, -1);
		if (s.fault.code != want)
			print_error("%s: %d %s\n", text, s.fault.code, s.fault.detail);
		assert_int_equal(s.fault.code, want);
		store_good(&s);
		assert_int_equal(versions_of(&s), 1);
		verifies_version(&s);
		arena_fini(&s.ask.arena);
	}
}

static void any_operation_may_fail_and_the_same_run_is_stored_once_st_56(void **state)
{
	(void)state;
	assert_true(each_fails("open", ENOSPC, CN_STORE_FULL) >= 4);
	assert_true(each_fails("write", ENOSPC, CN_STORE_FULL) >= 4);
	assert_true(each_fails("rename", EIO, CN_STORE_UNAVAILABLE) >= 4);
	/* contents, papers, names, and behind the commit the signature */
	assert_int_equal(each_fails("sync", EIO, CN_STORE_UNAVAILABLE), 4);
	assert_true(tmp_is_empty());
	/* nothing but manifests that were never committed, which go after a day */
	int rc = verify_now(one.vault);
	if (rc != 0 && rc != 3)
		print_error("%s\n", verify_out);
	assert_true(rc == 0 || rc == 3);
}

static void a_full_disk_refuses_what_is_new_and_gives_what_was_there_f10(void **state)
{
	(void)state;
	size_t n = 1500000; /* more than is kept in memory */
	char *text = malloc(n);
	assert_non_null(text);
	for (size_t i = 0; i < n; i++)
		text[i] = (char)(i * 2654435761u >> 13);
	struct store old = fresh("was there before"), s = fresh("x");
	store_good(&old);
	s.parts[0] = (struct part){"values", text, n};
	static const char *const when[] = {"spool 1", "spool 9", "write 1", "write 7"};
	for (size_t i = 0; i < array_len(when); i++) {
		order("%s %d stays", when[i], ENOSPC);
		assert_int_equal(store_run(&s), -1);
		assert_int_equal(s.fault.code, CN_STORE_FULL);
		verifies_version(&old);
		(void)order_done();
		assert_true(tmp_is_empty());
	}
	store_good(&s);
	verifies_version(&s);
	arena_fini(&old.ask.arena);
	arena_fini(&s.ask.arena);
	free(text);
}

static void a_database_without_room_charges_nobody_and_recovers_by_itself_f10_rl_60(void **state)
{
	(void)state;
	struct store s = fresh("no room for its row"), first = fresh("first");
	store_good(&first);
	sql("create function public.full_disk() returns trigger language plpgsql as $$ begin raise"
	    " exception 'could not extend file' using errcode = '53100'; end $$;"
	    " create trigger full_disk before insert on store.version for each row execute"
	    " function public.full_disk()");
	assert_int_equal(store_run(&s), -1);
	assert_int_equal(s.fault.code, CN_STORE_UNAVAILABLE);
	assert_string_equal(s.fault.reason, "database");
	verifies_version(&first);
	sql("drop trigger full_disk on store.version");
	store_good(&s);
	assert_int_equal(versions_of(&s), 1);
	arena_fini(&first.ask.arena);
	arena_fini(&s.ask.arena);
}

static void a_disk_that_is_pulled_out_under_a_stream_gets_nothing_st_47(void **state)
{
	(void)state;
	struct store s = fresh("half of it was sent");
	s.keep_open = true;
	store_good(&s);
	assert_int_equal(shell("mv %s %s.gone && mkdir %s", one.vault, one.vault, one.vault), 0);
	const struct m_store_commit m = {.stream = s.stream, .serial_after = "SN1", .items = 1};
	assert_int_equal(ask(&s.ask, s.client, s.peer, &m_store_commit_desc, &m), -1);
	assert_int_equal(s.ask.fault.code, CN_VAULT_NOT_MOUNTED);
	assert_int_equal(shell("rmdir %s && mv %s.gone %s", one.vault, one.vault, one.vault), 0);
	host_ready(&one); /* by itself */
	s.keep_open = false;
	store_good(&s);
	assert_int_equal(versions_of(&s), 1);
	arena_fini(&s.ask.arena);
}

/* ---- power cuts ---- */

#define OPS_MAX 200

struct op {
	char op[8], temp[64], name[192];
	bool made; /* in this state */
};

static struct op ops[OPS_MAX];
static size_t ops_n;
static char before[96], after[96], cut[96];

static void read_log(void)
{
	char path[128], line[400];
	(void)snprintf(path, sizeof(path), "%s/log", faults);
	FILE *f = fopen(path, "re");
	assert_non_null(f);
	while (ops_n < OPS_MAX && fgets(line, sizeof(line), f) != NULL) {
		struct op *o = &ops[ops_n];
		assert_int_equal(sscanf(line, "%7s %63s %191s", o->op, o->temp, o->name), 3);
		ops_n++;
	}
	(void)fclose(f);
	assert_true(ops_n < OPS_MAX);
}

static bool is(const struct op *o, const char *op)
{
	return strcmp(o->op, op) == 0;
}

/* Of this file's bytes, what reached the disk: all that was flushed, of the rest maybe some. */
static int part_of(size_t upto, size_t barrier, const struct op *file)
{
	int part = 0;
	for (size_t i = 0; i < upto; i++)
		if (is(&ops[i], "write") && strcmp(ops[i].temp, file->temp) == 0)
			part = i < barrier ? 2 : ops[i].made ? 2 : part == 0 ? 1 : part;
	return part;
}

/* The directory as the disk would have it: temporary names are left out, nobody reads them. */
static void make_state(size_t upto, size_t barrier)
{
	static char command[32768];
	int n = snprintf(command, sizeof(command), "rm -rf %s && cp -al %s %s", cut, before, cut);
	for (size_t i = 0; i < upto; i++) {
		const struct op *o = &ops[i];
		if (!is(o, "rename") || (i >= barrier && !o->made))
			continue;
		static const char *const bytes[] = {"0", "37", "1000000000"};
		n += snprintf(command + n, sizeof(command) - (size_t)n,
			" && mkdir -p $(dirname %s/%s) && head -c %s %s/%s > %s/%s", cut, o->name,
			bytes[part_of(upto, barrier, o)], after, o->name, cut, o->name);
		assert_true((size_t)n < sizeof(command));
	}
	assert_int_equal(system(command), 0);
}

static int verify_device(const char *medium, const struct uuid *device)
{
	char d[UUID_TEXT], more[256];
	(void)snprintf(more, sizeof(more), "%s --device %s", medium, uuid_format(device, d));
	return verify_now(more);
}

/* Never half a version: the old one is whole in every state, the new one as soon as the catalogue
 * may name it, signature apart, which recovery writes from its row. */
static void check_state(const struct uuid *device, size_t upto, bool committed)
{
	if (!committed) {
		int old = verify_device(cut, device);
		if (old != 0 && old != 3)
			print_error("after %zu of %zu: %s\n", upto, ops_n, verify_out);
		assert_true(old == 0 || old == 3);
		return;
	}
	assert_int_equal(shell("cd %s && for f in devices/*/*/*.sig; do [ -e %s/$f ] || cp $f"
			       " %s/$f; done",
				 after, cut, cut),
		0);
	int rc = verify_device(cut, device);
	if (rc != 0 || strstr(verify_out, "2 versions") == NULL)
		print_error("after %zu of %zu: %s\n", upto, ops_n, verify_out);
	assert_int_equal(rc, 0);
	assert_non_null(strstr(verify_out, "2 versions"));
}

static unsigned long tries(void)
{
	const char *n = getenv("CARNET_TEST_STATES");
	return n == NULL ? 40 : strtoul(n, NULL, 10);
}

/* One commit, recorded. */
static struct uuid record(void)
{
	struct store s = fresh("the old one");
	store_good(&s);
	becomes("select count(*) from store.version where signed_at is null and state ="
		" 'committed'",
		"0");
	assert_int_equal(shell("cp -a %s %s && : > %s/log", one.vault, before, faults), 0);
	s.run = new_id();
	s.request = new_id();
	s.token = next_token++;
	grant(&s);
	s.parts[0].text = "the new one";
	s.parts[1] = (struct part){"second", "and another item", 0};
	s.n = 2;
	store_good(&s);
	read_log();
	assert_int_equal(shell("rm %s/log && cp -a %s %s", faults, one.vault, after), 0);
	arena_fini(&s.ask.arena);
	return s.device;
}

static void a_power_cut_leaves_the_old_or_the_new_version_st_58(void **state)
{
	(void)state;
	uint32_t seed = 20261121;
	size_t syncs = 0, barriers[8] = {0};
	(void)snprintf(before, sizeof(before), "%s/before", dir);
	(void)snprintf(after, sizeof(after), "%s/after", dir);
	(void)snprintf(cut, sizeof(cut), "%s/cut", dir);
	struct uuid device = record();
	for (size_t i = 0; i < ops_n; i++)
		if (is(&ops[i], "sync") && syncs < 7)
			barriers[++syncs] = i;
	assert_int_equal(syncs, 4);
	for (unsigned long t = 0; t < tries(); t++) {
		/* each length in turn; of what was not flushed all, none, or any */
		size_t upto = 1 + t % ops_n, barrier = 0, passed = 0;
		for (size_t k = 1; k <= syncs; k++)
			if (barriers[k] < upto) {
				barrier = barriers[k];
				passed = k;
			}
		for (size_t i = 0; i < ops_n; i++) {
			seed = seed * 1664525u + 1013904223u;
			ops[i].made = t < ops_n || (seed >> 16 & 1) != 0;
		}
		make_state(upto, barrier);
		check_state(&device, upto, passed >= 3);
	}
}

/* ---- power cuts, and storage started on what is left ---- */

static unsigned long starts(void)
{
	const char *n = getenv("CARNET_TEST_STARTS");
	return n == NULL ? 8 : strtoul(n, NULL, 10);
}

static const char *state_of(const struct store *s)
{
	char run[UUID_TEXT];
	sql("select coalesce((select state from store.version where run_id = '%s'), 'none')",
		uuid_format(&s->run, run));
	return sql_out;
}

/* What was not flushed by the last flush is there, half there, or not there: names that were given
 * go back, bytes are cut off. */
static void lose_power(uint32_t *seed)
{
	size_t from = 0;
	ops_n = 0;
	read_log();
	for (size_t i = 0; i + 1 < ops_n; i++) /* the last one was not carried out */
		if (is(&ops[i], "sync"))
			from = i + 1;
	for (size_t i = ops_n - 1; i-- > from;) {
		const struct op *o = &ops[i];
		*seed = *seed * 1664525u + 1013904223u;
		unsigned fate = *seed >> 16 & 3;
		if (is(o, "rename") && fate == 0) /* one that took another's place did so at once */
			(void)shell("cd %s && [ ! -e %s ] && mv %s %s", one.vault, o->temp, o->name,
				o->temp);
		else if (is(o, "write") && fate < 3)
			(void)shell("cd %s && for f in %s %s; do [ ! -e $f ] || { chmod u+w $f &&"
				    " truncate -s %s $f && chmod u-w $f; }; done",
				one.vault, o->temp, strchr(o->name, '/') ? o->name : o->temp,
				fate == 0   ? "0"
				: fate == 1 ? "37"
					    : "'<1000000'");
	}
}

/* Dies before the n-th operation on the disk of a commit; false: it had fewer. */
static bool cut_power(struct store *s, unsigned n)
{
	int status = 0;
	assert_int_equal(shell(": > %s/log", faults), 0);
	order("any %u kill", n);
	s->keep_open = false;
	int rc = store_run(s);
	if (!order_done()) {
		assert_int_equal(rc, 0);
		return false;
	}
	uint64_t until = clock_mono_ms() + DEADLINE_MS;
	struct timespec pause = {0, 10000000};
	while (waitpid(one.pid, &status, WNOHANG) == 0 && clock_mono_ms() < until)
		(void)nanosleep(&pause, NULL);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	one.pid = 0;
	return true;
}

static void storage_started_after_a_power_cut_gives_every_version_and_ends_what_was_begun_st_56_58(
	void **state)
{
	(void)state;
	uint32_t seed = 20261122;
	unsigned n = 0, died = 0;
	struct store old = fresh("before every power cut");
	store_good(&old);
	for (unsigned long t = 0; t < starts(); t++) {
		char text[64];
		(void)snprintf(text, sizeof(text), "in the power cut %lu", t);
		struct store s = fresh(text);
		s.parts[1] = (struct part){"second", text, 0};
		s.n = 2;
		n = cut_power(&s, n + 1) ? n + (starts() < 20 ? 3 : 1) : 0;
		arena_fini(&s.ask.arena);
		if (n == 0)
			continue;
		died++;
		bool committed = strcmp(state_of(&s), "committed") == 0;
		lose_power(&seed);
		assert_int_equal(shell("rm %s/log", faults), 0);
		host_start(&one, 1, "main", NULL, 0);
		host_ready(&one);
		if (committed) /* its signature follows from its row */
			becomes("select count(*) from store.version where signed_at is null and"
				" state = 'committed'",
				"0");
		store_good(&s);
		assert_int_equal(versions_of(&s), 1);
		verifies_version(&s);
		verifies_version(&old);
		old.result.version = s.result.version;
		arena_fini(&s.ask.arena);
	}
	assert_true(died > starts() / 2);
	sql("select count(*) from store.version where state in ('staged','written','verified')");
	assert_int_equal(sql_number(), 0);
	int rc = verify_now(one.vault);
	if (rc != 0 && rc != 3)
		print_error("%s\n", verify_out);
	assert_true(rc == 0 || rc == 3);
	arena_fini(&old.ask.arena);
}

static int setup(void **state)
{
	(void)state;
	client_setup();
	(void)snprintf(faults, sizeof(faults), "%s/faults", dir);
	assert_int_equal(mkdir(faults, 0700), 0);
	put_env("CARNET_VAULT_FAULT", "%s", faults);
	static const char *const off[] = {"COPY", "PRUNE", "COLLECT", "SCRUB", "ROTATE", "DRILL"};
	for (size_t i = 0; i < array_len(off); i++) {
		char name[64];
		(void)snprintf(name, sizeof(name), "CARNET_%s_EVERY_MS", off[i]);
		put_env(name, "%d", 0);
	}
	host_start(&one, 1, "main", NULL, 0);
	host_ready(&one);
	/* the first passport is out of the way */
	struct store s = fresh("the first of all");
	store_good(&s);
	arena_fini(&s.ask.arena);
	becomes("select count(*) from store.vault where passport > 0", "1");
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
		cmocka_unit_test(any_operation_may_fail_and_the_same_run_is_stored_once_st_56),
		cmocka_unit_test(a_full_disk_refuses_what_is_new_and_gives_what_was_there_f10),
		cmocka_unit_test(
			a_database_without_room_charges_nobody_and_recovers_by_itself_f10_rl_60),
		cmocka_unit_test(a_disk_that_is_pulled_out_under_a_stream_gets_nothing_st_47),
		cmocka_unit_test(a_power_cut_leaves_the_old_or_the_new_version_st_58),
		cmocka_unit_test(
			storage_started_after_a_power_cut_gives_every_version_and_ends_what_was_begun_st_56_58),
	};
	return cmocka_run_group_tests_name("storage on a bad disk", tests, setup, teardown);
}
#else
#include <stdio.h>

int main(void)
{
	(void)printf("1..0 # SKIP built without crash points\n");
	return 0;
}
#endif
