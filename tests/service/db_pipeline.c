// SPDX-License-Identifier: Apache-2.0
/* common/db against a real PostgreSQL: CARNET_TEST_DB, see tests/lib/with-pg. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock/clock.h"
#include "common/db/db.h"

#define DEADLINE_MS 10000

static struct loop *loop;
static struct db *db;

static const struct db_sql make_table = {"t_make",
	"create table if not exists public.t (id bigint primary key, n bigint,"
	" v text, check (n is null or n >= 0))"};
static const struct db_sql empty_table = {"t_empty", "truncate public.t"};
static const struct db_sql add_row = {"t_add", "insert into public.t values ($1, $2, $3)"};
static const struct db_sql add_rows = {"t_add_many",
	"insert into public.t select * from unnest($1::bigint[], $2::bigint[], $3::text[])"};
static const struct db_sql count_rows = {"t_count", "select count(*) from public.t"};
static const struct db_sql my_pid = {"t_pid", "select pg_backend_pid()"};
static const struct db_sql lock_row = {"t_lock", "select n from public.t where id = $1 for update"};
static const struct db_sql nap = {"t_nap", "select pg_sleep($1)"};
static const struct db_sql suicide = {"t_suicide", "select pg_terminate_backend(pg_backend_pid())"};
static const struct db_sql add_one = {"t_one", "insert into public.t values (1, 1, '')"};
static const struct db_sql echo_sql = {
	"t_echo", "select $1::text, $2::bytea, $3::uuid, $4::timestamptz, $5::boolean, $6::bigint"};
static const struct db_sql echo_array = {"t_echo_array",
	"select a, b, c from unnest($1::text[], $2::bytea[], $3::uuid[]) with ordinality"
	" as u(a, b, c, i) order by i"};

/* What a test saw; ends the loop when nothing is left to come. */
struct seen {
	int left; /* callbacks still to come */
	int ok, failed;
	struct fault fault; /* the last one */
	int64_t n;
};

static void ran_out(unused void *arg)
{
	(void)fprintf(stderr, "no answer within the deadline\n");
	abort();
}

static void run_until_done(struct seen *s)
{
	struct timer *limit = timer_new(loop, ran_out, NULL);

	timer_set(limit, DEADLINE_MS, 0);
	if (s->left > 0)
		loop_run(loop);
	timer_free(limit);
	assert_int_equal(s->left, 0);
}

static void took(struct seen *s, const struct fault *f)
{
	if (f != NULL) {
		s->failed++;
		s->fault = *f;
	} else {
		s->ok++;
	}
	if (--s->left == 0)
		loop_stop(loop);
}

static void ended(unused struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	took(arg, f);
}

static void ended_int(
	unused struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct seen *s = arg;

	if (f == NULL && n == 1 && db_rows(r[0]) == 1)
		s->n = db_get_int(r[0], 0, 0);
	took(s, f);
}

static int64_t query_int(const struct db_sql *sql)
{
	struct seen s = {.left = 1};

	db_query(db, sql, NULL, ended_int, &s);
	run_until_done(&s);
	assert_int_equal(s.failed, 0);
	return s.n;
}

static void run_alone(const struct db_sql *sql)
{
	struct seen s = {.left = 1};

	db_query(db, sql, NULL, ended, &s);
	run_until_done(&s);
	assert_int_equal(s.failed, 0);
}

static void check_up(void *arg)
{
	struct timer **t = arg;

	if (db_up(db)) {
		timer_stop(*t);
		loop_stop(loop);
	}
}

static void wait_up(void)
{
	struct timer *limit = timer_new(loop, ran_out, NULL);
	struct timer *poll;

	poll = timer_new(loop, check_up, &poll);
	timer_set(limit, DEADLINE_MS, 0);
	timer_set(poll, 1, 5);
	loop_run(loop);
	timer_free(poll);
	timer_free(limit);
}

static int open_db(void **state)
{
	unsigned size = *state != NULL ? *(unsigned *)*state : 4;

	loop = loop_new();
	db = db_open(loop, getenv("CARNET_TEST_DB"), size);
	wait_up();
	run_alone(&make_table);
	run_alone(&empty_table);
	return 0;
}

static int close_db(unused void **state)
{
	db_close(db);
	loop_free(loop);
	return 0;
}

static void put_row(struct txn *t, int64_t id, int64_t n, const char *v)
{
	struct db_args *a = db_add(t, &add_row);

	db_int(a, id);
	db_int(a, n);
	db_text(a, v);
}

/* ---- commit and rollback ---- */

static void second_step(
	struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	assert_null(f);
	assert_int_equal(n, 3);
	assert_int_equal(db_affected(r[0]), 1);
	assert_int_equal(db_get_int(r[2], 0, 0), 2);
	put_row(t, 3, 3, "third");
	db_commit(t, ended, arg);
}

static void first_step(
	struct txn *t, unused struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	assert_null(f);
	assert_int_equal(n, 0);
	put_row(t, 1, 1, "first");
	put_row(t, 2, 2, NULL);
	(void)db_add(t, &count_rows);
	db_step(t, second_step, arg);
}

static void a_chain_of_steps_is_one_transaction(unused void **state)
{
	struct seen s = {.left = 1};

	db_begin(db, first_step, &s);
	run_until_done(&s);
	assert_int_equal(s.ok, 1);
	assert_int_equal(query_int(&count_rows), 3);
}

static void give_up(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	db_rollback(t);
	took(arg, f);
}

static void add_then_give_up(struct txn *t, unused struct db_result **r, unused size_t n,
	unused const struct fault *f, void *arg)
{
	put_row(t, 1, 1, "x");
	db_step(t, give_up, arg);
}

static void a_rollback_leaves_nothing(unused void **state)
{
	struct seen s = {.left = 1};

	db_begin(db, add_then_give_up, &s);
	run_until_done(&s);
	assert_int_equal(query_int(&count_rows), 0);
}

static void add_bad_in_the_middle(struct txn *t, unused struct db_result **r, unused size_t n,
	unused const struct fault *f, void *arg)
{
	put_row(t, 1, 1, "good");
	put_row(t, 2, -5, "refused by the check");
	put_row(t, 3, 3, "never reached");
	db_commit(t, ended, arg);
}

static void an_error_in_the_middle_undoes_the_whole_pipeline(unused void **state)
{
	struct seen s = {.left = 1};

	db_begin(db, add_bad_in_the_middle, &s);
	run_until_done(&s);
	assert_int_equal(s.failed, 1);
	assert_string_equal(s.fault.reason, "23514");
	assert_int_equal(query_int(&count_rows), 0);
	/* and the connections are as good as new */
	for (int i = 0; i < 20; i++) {
		struct seen again = {.left = 1};
		db_begin(db, add_then_give_up, &again);
		run_until_done(&again);
		assert_int_equal(again.failed, 0);
	}
	assert_int_equal(db_stats(db).losses, 0);
}

static void then_fail(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	assert_null(f);
	put_row(t, 1, 1, "double");
	db_step(t, ended, arg);
}

static void add_then_fail(struct txn *t, unused struct db_result **r, unused size_t n,
	unused const struct fault *f, void *arg)
{
	put_row(t, 1, 1, "once");
	db_step(t, then_fail, arg);
}

static void an_error_in_a_later_step_undoes_the_earlier_ones(unused void **state)
{
	struct seen s = {.left = 1};

	db_begin(db, add_then_fail, &s);
	run_until_done(&s);
	assert_string_equal(s.fault.reason, "23505");
	assert_false(db_transient(&s.fault));
	assert_int_equal(query_int(&count_rows), 0);
}

static void single_statements_of_many_callers_share_connections(unused void **state)
{
	struct seen s = {.left = 500};

	for (int i = 0; i < 500; i++)
		db_query(db, &count_rows, NULL, ended_int, &s);
	run_until_done(&s);
	assert_int_equal(s.ok, 500);
	assert_true(db_stats(db).connects <= 4);
}

static void check_session(
	unused struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	static const char *const want[] = {"10s", "2s", "10s", "on", "read committed", "UTC"};

	assert_null(f);
	assert_int_equal(n, 1);
	for (int i = 0; i < (int)array_len(want); i++)
		assert_string_equal(db_get_text(r[0], 0, i), want[i]);
	took(arg, f);
}

/* reliability.md section 5 */
static void sessions_have_the_bounds_of_the_limits_table(unused void **state)
{
	static const struct db_sql settings = {"t_settings",
		"select current_setting('statement_timeout'), current_setting('lock_timeout'),"
		" current_setting('idle_in_transaction_session_timeout'),"
		" current_setting('synchronous_commit'),"
		" current_setting('default_transaction_isolation'), current_setting('TimeZone')"};
	struct seen s = {.left = 1};

	db_query(db, &settings, NULL, check_session, &s);
	run_until_done(&s);
}

static const struct db_sql seqscan = {
	"t_seqscan", "select (current_setting('enable_seqscan') = 'on')::int"};

static void ask_seqscan(struct txn *t, unused struct db_result **r, unused size_t n,
	unused const struct fault *f, void *arg)
{
	(void)db_add(t, &seqscan);
	db_commit(t, ended_int, arg);
}

static void a_transaction_by_key_plans_no_reading_of_whole_tables(unused void **state)
{
	struct seen s = {.left = 1, .n = 9};

	db_begin_by_key(db, ask_seqscan, &s);
	run_until_done(&s);
	assert_int_equal(s.n, 0);
	for (int i = 0; i < 4; i++) /* the session that had it, too */
		assert_int_equal(query_int(&seqscan), 1);
}

/* ---- values ---- */

static const char *const hostile[] = {"", " ", "NULL", "null", "\"", "\\", "\\\\", "'", "''", "{",
	"}", "{}", ",", "a,b", "{\"a\",NULL}", "\t\n\r\v\f\x01\x7f", "\\x41", "\\\"", "$1",
	"; drop table t", "\xc3\xa9\xe6\x97\xa5\xf0\x9f\x96\xa8", "end\\", " lead", "trail "};

struct echo {
	struct seen seen;
	const char *text;
	struct uuid id;
	int64_t ms;
	uint8_t bytes[256];
};

static void fill_echo(struct db_args *a, void *arg)
{
	struct echo *e = arg;

	db_text(a, e->text);
	db_bytes(a, (struct span){e->bytes, sizeof(e->bytes)});
	db_uuid(a, &e->id);
	db_time_ms(a, e->ms);
	db_bool(a, true);
	db_int(a, INT64_MIN);
}

static void check_echo(
	unused struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct echo *e = arg;

	assert_null(f);
	assert_int_equal(n, 1);
	assert_string_equal(db_get_text(r[0], 0, 0), e->text);
	struct span b = db_get_bytes(r[0], 0, 1);
	assert_int_equal(b.n, sizeof(e->bytes));
	assert_memory_equal(b.p, e->bytes, b.n);
	struct uuid id = db_get_uuid(r[0], 0, 2);
	assert_true(uuid_eq(&id, &e->id));
	assert_int_equal(db_get_time_ms(r[0], 0, 3), e->ms);
	assert_true(db_get_bool(r[0], 0, 4));
	assert_int_equal(db_get_int(r[0], 0, 5), INT64_MIN);
	took(&e->seen, f);
}

static void every_value_comes_back_as_it_was_sent(unused void **state)
{
	struct echo e = {.id = uuid_v7(clock_wall_ms())};
	static const int64_t times[] = {
		1, 951782399999, 1782345678901, 4102444800000, 253402300799999};

	for (size_t i = 0; i < sizeof(e.bytes); i++)
		e.bytes[i] = (uint8_t)i;
	for (size_t i = 0; i < array_len(hostile); i++) {
		e.seen = (struct seen){.left = 1};
		e.text = hostile[i];
		e.ms = times[i % array_len(times)];
		db_query(db, &echo_sql, fill_echo, check_echo, &e);
		run_until_done(&e.seen);
	}
}

struct many {
	struct seen seen;
	char texts[300][40];
	bool null[300];
	size_t n;
};

static void fill_many(struct db_args *a, void *arg)
{
	struct many *m = arg;

	db_array(a);
	for (size_t i = 0; i < m->n; i++)
		db_text(a, m->null[i] ? NULL : m->texts[i]);
	db_array_end(a);
	db_array(a);
	for (size_t i = 0; i < m->n; i++)
		db_bytes(a, m->null[i] ? (struct span){.p = NULL}
				       : (struct span){(const uint8_t *)m->texts[i],
						 strlen(m->texts[i])});
	db_array_end(a);
	db_array(a);
	for (size_t i = 0; i < m->n; i++)
		db_uuid(a, &(struct uuid){.b = {(uint8_t)(m->null[i] ? 0 : 1)}});
	db_array_end(a);
}

static void check_many(
	unused struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct many *m = arg;

	assert_null(f);
	assert_int_equal(n, 1);
	assert_int_equal(db_rows(r[0]), m->n);
	for (size_t i = 0; i < m->n; i++) {
		assert_int_equal(db_is_null(r[0], (int)i, 0), m->null[i]);
		assert_int_equal(db_is_null(r[0], (int)i, 2), m->null[i]);
		if (m->null[i])
			continue;
		assert_string_equal(db_get_text(r[0], (int)i, 0), m->texts[i]);
		struct span b = db_get_bytes(r[0], (int)i, 1);
		assert_int_equal(b.n, strlen(m->texts[i]));
		assert_memory_equal(b.p, m->texts[i], b.n);
	}
	took(&m->seen, f);
}

/* Strings of the characters that mean something in array literals, seeded. */
static void arrays_of_hostile_strings_come_back_as_they_were_sent(unused void **state)
{
	static const char alphabet[] = "\"\\{},'NULnul \t\nx\x01";
	unsigned seed = 7;
	struct many m;

	for (int round = 0; round < 50; round++) {
		m.seen = (struct seen){.left = 1};
		m.n = (size_t)round * 6;
		for (size_t i = 0; i < m.n; i++) {
			size_t len = (size_t)rand_r(&seed) % 39;
			for (size_t k = 0; k < len; k++)
				m.texts[i][k] =
					alphabet[(size_t)rand_r(&seed) % (sizeof(alphabet) - 1)];
			m.texts[i][len] = '\0';
			m.null[i] = rand_r(&seed) % 8 == 0;
		}
		db_query(db, &echo_array, fill_many, check_many, &m);
		run_until_done(&m.seen);
	}
}

/* ---- locks ---- */

struct two {
	struct seen seen;
	struct txn *holder;
	uint64_t since_ms;
};

static void fill_one(struct db_args *a, unused void *arg)
{
	db_int(a, 1);
}

static void waited(unused struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct two *w = arg;

	assert_non_null(f);
	assert_true(db_transient(f));
	assert_true(clock_mono_ms() - w->since_ms >= 1900);
	db_rollback(w->holder);
	took(&w->seen, f);
}

static void held(struct txn *t, unused struct db_result **r, unused size_t n, const struct fault *f,
	void *arg)
{
	struct two *w = arg;

	assert_null(f);
	w->holder = t;
	w->since_ms = clock_mono_ms();
	db_query(db, &lock_row, fill_one, waited, w);
}

static void hold(struct txn *t, unused struct db_result **r, unused size_t n,
	unused const struct fault *f, void *arg)
{
	put_row(t, 9, 9, "");
	db_int(db_add(t, &lock_row), 1);
	db_step(t, held, arg);
}

static void a_row_lock_is_waited_for_two_seconds_and_then_reported_as_transient(unused void **state)
{
	struct two w = {.seen = {.left = 1}};
	struct seen made = {.left = 1};

	db_query(db, &add_one, NULL, ended, &made);
	run_until_done(&made);
	db_begin(db, hold, &w);
	run_until_done(&w.seen);
	assert_string_equal(w.seen.fault.reason, "55P03");
}

/* ---- lost connections ---- */

struct kill_state {
	struct seen seen;
	pid_t pid;
};

static void then_commit(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct kill_state *k = arg;

	assert_null(f);
	k->pid = (pid_t)db_get_int(r[1], 0, 0);
	db_int(db_add(t, &nap), 5);
	db_commit(t, ended, &k->seen);
}

static void add_and_ask(struct txn *t, unused struct db_result **r, unused size_t n,
	unused const struct fault *f, void *arg)
{
	put_row(t, 5, 5, "");
	(void)db_add(t, &my_pid);
	db_step(t, then_commit, arg);
}

static void kill_backend(void *arg)
{
	struct kill_state *k = arg;

	if (k->pid > 0)
		assert_int_equal(kill(k->pid, SIGKILL), 0);
	k->pid = 0;
}

static void a_backend_killed_under_commit_is_reported_as_unknown_and_replaced(unused void **state)
{
	struct kill_state k = {.seen = {.left = 1}};
	struct timer *t = timer_new(loop, kill_backend, &k);

	timer_set(t, 200, 200);
	db_begin(db, add_and_ask, &k);
	run_until_done(&k.seen);
	timer_free(t);
	assert_string_equal(k.seen.fault.reason, "unknown");
	/* the postmaster throws everybody out after a killed backend; all come back by themselves
	 */
	struct seen s;
	uint64_t start = clock_mono_ms();
	do {
		s = (struct seen){.left = 1};
		db_query(db, &count_rows, NULL, ended_int, &s);
		run_until_done(&s);
	} while (s.failed > 0 && clock_mono_ms() - start < 10000);
	assert_int_equal(s.failed, 0);
	assert_int_equal(s.n, 0);
	assert_true(db_stats(db).losses >= 1);
}

static void asked_pid(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct kill_state *k = arg;

	assert_null(f);
	/* an orderly good-bye of the server between two steps */
	(void)db_get_int(r[0], 0, 0);
	put_row(t, 6, 6, "");
	(void)db_add(t, &suicide);
	db_commit(t, ended, &k->seen);
}

static void ask_pid(struct txn *t, unused struct db_result **r, unused size_t n,
	unused const struct fault *f, void *arg)
{
	(void)db_add(t, &my_pid);
	db_step(t, asked_pid, arg);
}

static void a_good_bye_before_commit_is_known_to_have_done_nothing(unused void **state)
{
	struct kill_state k = {.seen = {.left = 1}};

	db_begin(db, ask_pid, &k);
	run_until_done(&k.seen);
	assert_string_equal(k.seen.fault.reason, "database");
	assert_int_equal(query_int(&count_rows), 0);
}

static void no_database_is_reported_after_two_seconds(unused void **state)
{
	struct seen s = {.left = 2};
	uint64_t start = clock_mono_ms();

	loop = loop_new();
	db = db_open(loop, "host=/nonexistent dbname=x", 2);
	db_query(db, &count_rows, NULL, ended, &s);
	db_begin(db, ended, &s);
	run_until_done(&s);
	assert_int_equal(s.failed, 2);
	assert_string_equal(s.fault.reason, "database");
	assert_in_range(clock_mono_ms() - start, 1900, 3500);
	assert_false(db_up(db));
	assert_true(strlen(db_error(db)) > 0);
	(void)close_db(NULL);
}

/* ---- a full pool ---- */

struct queue {
	struct seen seen;
	struct txn *held[4];
	size_t n_held;
	int order[3];
	int n_order;
};

struct waiter {
	struct queue *queue;
	int number;
};

static void hold_one(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct queue *q = arg;

	assert_null(f);
	q->held[q->n_held++] = t;
	took(&q->seen, f);
}

static void take_all(struct queue *q)
{
	q->n_held = 0;
	q->seen = (struct seen){.left = 4};
	for (int i = 0; i < 4; i++)
		db_begin(db, hold_one, q);
	run_until_done(&q->seen);
	assert_int_equal(db_stats(db).busy, 4);
}

static void give_all_back(struct queue *q)
{
	while (q->n_held > 0)
		db_rollback(q->held[--q->n_held]);
}

static void got_turn(unused struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct waiter *w = arg;

	assert_null(f);
	w->queue->order[w->queue->n_order++] = w->number;
	if (t != NULL)
		db_rollback(t);
	took(&w->queue->seen, f);
}

static void give_one_back(void *arg)
{
	struct queue *q = arg;

	db_rollback(q->held[--q->n_held]);
}

static void waiters_are_served_in_order_when_a_connection_becomes_free(unused void **state)
{
	struct queue q = {.n_order = 0};
	struct waiter w[3] = {{&q, 0}, {&q, 1}, {&q, 2}};
	struct timer *t = timer_new(loop, give_one_back, &q);

	take_all(&q);
	q.seen = (struct seen){.left = 3};
	db_begin(db, got_turn, &w[0]);
	db_query(db, &count_rows, NULL, got_turn, &w[1]);
	db_begin(db, got_turn, &w[2]);
	timer_set(t, 200, 0);
	run_until_done(&q.seen);
	timer_free(t);
	assert_int_equal(q.seen.ok, 3);
	assert_int_equal(q.order[0], 0); /* its successors share the connection or follow on it */
	give_all_back(&q);
}

static void who_waits_longer_than_two_seconds_is_told_that_nothing_was_done(unused void **state)
{
	struct queue q = {.n_order = 0};
	struct seen s = {.left = 2};
	uint64_t start = clock_mono_ms();

	take_all(&q);
	db_begin(db, ended, &s);
	db_query(db, &add_one, NULL, ended, &s);
	run_until_done(&s);
	assert_int_equal(s.failed, 2);
	assert_string_equal(s.fault.reason, "database");
	assert_in_range(clock_mono_ms() - start, 1900, 4000);
	give_all_back(&q);
	assert_int_equal(query_int(&count_rows), 0);
}

static void a_plan_that_changed_under_us_heals_by_itself(unused void **state)
{
	static const struct db_sql make_x = {"x_make", "create table public.x as select 1 as a"};
	static const struct db_sql drop_x = {"x_drop", "drop table if exists public.x"};
	static const struct db_sql read_x = {"x_read", "select * from public.x"};
	static const struct db_sql change_x = {"x_change", "alter table public.x add b text"};
	struct seen s = {.left = 40};

	run_alone(&drop_x);
	run_alone(&make_x);
	for (int i = 0; i < 40; i++) /* deep enough that every connection knows it */
		db_query(db, &read_x, NULL, ended, &s);
	run_until_done(&s);
	run_alone(&change_x);
	int failures = 0;
	do {
		s = (struct seen){.left = 1};
		db_query(db, &read_x, NULL, ended, &s);
		run_until_done(&s);
		failures += s.failed;
	} while (s.failed > 0 && failures < 10);
	assert_int_equal(s.ok, 1);
	assert_in_range(failures, 1, 4);
	run_alone(&drop_x);
}

/* ---- gathering ---- */

struct gather {
	struct seen seen;
	struct db_batch *batch;
	int runs;
	size_t most;
	size_t running;
};

static void batch_done(unused struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct gather *g = arg;

	g->seen.left -= (int)g->running - 1;
	took(&g->seen, f);
	db_batch_done(g->batch);
}

static void fill_batch(struct txn *t, unused struct db_result **r, unused size_t n,
	unused const struct fault *f, void *arg)
{
	struct gather *g = arg;
	static int64_t next;
	struct db_args *a = db_add(t, &add_rows);

	for (int col = 0; col < 3; col++) {
		db_array(a);
		for (size_t i = 0; i < g->running; i++)
			db_int(a, col == 0 ? ++next : 1);
		db_array_end(a);
	}
	db_commit(t, batch_done, g);
}

static void run_batch(struct db_batch *b, unused void **items, size_t n, void *arg)
{
	struct gather *g = arg;

	assert_ptr_equal(b, g->batch);
	g->runs++;
	g->running = n;
	g->most = size_max(g->most, n);
	db_begin(db, fill_batch, g);
}

static void what_arrives_meanwhile_is_served_by_the_next_transaction(unused void **state)
{
	struct gather g = {.seen = {.left = 1000}};

	g.batch = db_batch_new(128, run_batch, &g);
	for (int i = 0; i < 1000; i++)
		db_batch_put(g.batch, &g);
	run_until_done(&g.seen);
	assert_int_equal(g.seen.failed, 0);
	assert_int_equal(query_int(&count_rows), 1000);
	assert_int_equal(g.most, 128);
	assert_in_range(g.runs, 8, 9); /* the first one alone, then by 128 */
	db_batch_free(g.batch);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, open_db, close_db)
	const struct CMUnitTest tests[] = {
		T(a_chain_of_steps_is_one_transaction),
		T(a_rollback_leaves_nothing),
		T(an_error_in_the_middle_undoes_the_whole_pipeline),
		T(an_error_in_a_later_step_undoes_the_earlier_ones),
		T(single_statements_of_many_callers_share_connections),
		T(sessions_have_the_bounds_of_the_limits_table),
		T(a_transaction_by_key_plans_no_reading_of_whole_tables),
		T(every_value_comes_back_as_it_was_sent),
		T(arrays_of_hostile_strings_come_back_as_they_were_sent),
		T(a_row_lock_is_waited_for_two_seconds_and_then_reported_as_transient),
		T(a_backend_killed_under_commit_is_reported_as_unknown_and_replaced),
		T(a_good_bye_before_commit_is_known_to_have_done_nothing),
		T(waiters_are_served_in_order_when_a_connection_becomes_free),
		T(who_waits_longer_than_two_seconds_is_told_that_nothing_was_done),
		T(a_plan_that_changed_under_us_heals_by_itself),
		T(what_arrives_meanwhile_is_served_by_the_next_transaction),
		cmocka_unit_test(no_database_is_reported_after_two_seconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
