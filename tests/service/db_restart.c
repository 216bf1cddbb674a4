// SPDX-License-Identifier: Apache-2.0
/* F6: PostgreSQL is killed and stopped under load. What was reported as done is there, what was
 * reported as not done is not, and the connections come back by themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock/clock.h"
#include "common/db/db.h"

#define CHAINS 40
#define IDS 200000
#define ROUND_MS 1500
#define DEADLINE_MS 60000

enum outcome { NEVER, DONE, NOT_DONE, UNKNOWN };

static struct loop *loop;
static struct db *db;
static uint8_t outcomes[IDS];
static int next_id, counts[4];
static int running; /* chains that have not ended */
static bool enough;
static bool up_again;

static const struct db_sql make_table = {"r_make", "create table public.r (id bigint primary key)"};
static const struct db_sql add = {"r_add", "insert into public.r values ($1)"};
static const struct db_sql all = {"r_all", "select id from public.r order by id"};

static void begin_one(void);

struct one {
	int id;
	bool query;
};

static void ended(unused struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct one *o = arg;
	enum outcome out = f == NULL                           ? DONE
			   : strcmp(f->reason, "unknown") == 0 ? UNKNOWN
							       : NOT_DONE;

	outcomes[o->id] = (uint8_t)out;
	counts[out]++;
	up_again = up_again || out == DONE;
	free(o);
	running--;
	if (!enough)
		begin_one();
	else if (running == 0)
		loop_stop(loop);
}

static void fill(struct db_args *a, void *arg)
{
	const struct one *o = arg;

	db_int(a, o->id);
}

static void second(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	if (f != NULL)
		ended(NULL, NULL, 0, f, arg);
	else
		db_commit(t, ended, arg);
}

static void first(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct one *o = arg;

	if (f != NULL) {
		ended(NULL, NULL, 0, f, arg);
		return;
	}
	fill(db_add(t, &add), o);
	if (o->id % 3 == 0)
		db_step(t, second, o);
	else
		db_commit(t, ended, o);
}

static void begin_one(void)
{
	struct one *o = mem_alloc(sizeof(*o));

	o->id = ++next_id;
	bug_if(next_id >= IDS);
	running++;
	if (o->id % 2 == 0)
		db_query(db, &add, fill, ended, o);
	else
		db_begin(db, first, o);
}

/* ---- one round: load, the blow, load until it works again ---- */

static uint64_t round_end_ms;

static void check_round(unused void *arg)
{
	uint64_t now = clock_mono_ms();

	assert_true(now < round_end_ms + DEADLINE_MS);
	if (now < round_end_ms || !up_again || !db_up(db))
		return;
	enough = true;
	if (running == 0)
		loop_stop(loop);
}

static pid_t strike(const char *command)
{
	char script[256];
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	(void)snprintf(script, sizeof(script),
		". tests/lib/pg.sh; sleep 0.3; %s \"$CARNET_TEST_PG\"%s; "
		"pg_restart \"$CARNET_TEST_PG\"",
		command, strcmp(command, "pg_stop") == 0 ? " fast" : "");
	(void)execlp("bash", "bash", "-c", script, (char *)NULL);
	_exit(127);
}

static void forget_success(unused void *arg)
{
	up_again = false;
}

static void run_round(const char *command)
{
	struct timer *check = timer_new(loop, check_round, NULL);
	struct timer *forget = timer_new(loop, forget_success, NULL);
	pid_t child = strike(command);
	int status;

	enough = false;
	round_end_ms = clock_mono_ms() + ROUND_MS;
	timer_set(check, 20, 20);
	timer_set(forget, ROUND_MS - 100, 0); /* only what succeeds after the blow counts */
	for (int i = 0; i < CHAINS; i++)
		begin_one();
	loop_run(loop);
	timer_free(check);
	timer_free(forget);
	assert_int_equal(running, 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* ---- the ledger ---- */

static bool checked;

static void compare(unused struct txn *t, struct db_result **r, size_t n, const struct fault *f,
	unused void *arg)
{
	assert_null(f);
	assert_int_equal(n, 1);
	for (int row = 0; row < db_rows(r[0]); row++) {
		int64_t id = db_get_int(r[0], row, 0);
		assert_in_range(id, 1, next_id);
		assert_int_not_equal(
			outcomes[id], NOT_DONE); /* reported as not done, and is there */
		outcomes[id] = NEVER;
	}
	for (int id = 1; id <= next_id; id++)
		assert_int_not_equal(outcomes[id], DONE); /* reported as done, and is not there */
	checked = true;
	loop_stop(loop);
}

static void made(unused struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, unused void *arg)
{
	assert_null(f);
	loop_stop(loop);
}

static void every_outcome_is_true_when_postgresql_is_killed_and_stopped_under_load(
	unused void **state)
{
	loop = loop_new();
	db = db_open(loop, getenv("CARNET_TEST_DB"), 4);
	db_query(db, &make_table, NULL, made, NULL);
	loop_run(loop);
	run_round("pg_kill");
	run_round("pg_stop");
	run_round("pg_kill");
	db_query(db, &all, NULL, compare, NULL);
	loop_run(loop);
	assert_true(checked);
	assert_true(counts[DONE] > 100);
	assert_true(counts[UNKNOWN] + counts[NOT_DONE] > 0);
	print_message("# done %d, not done %d, unknown %d\n", counts[DONE], counts[NOT_DONE],
		counts[UNKNOWN]);
	db_close(db);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			every_outcome_is_true_when_postgresql_is_killed_and_stopped_under_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
