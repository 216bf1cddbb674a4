// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock/clock.h"
#include "common/loop/loop.h"

static struct loop *loop;

static int open_loop(unused void **state)
{
	loop = loop_new();
	return 0;
}

static int close_loop(unused void **state)
{
	loop_free(loop);
	return 0;
}

static void stop(unused void *arg)
{
	loop_stop(loop);
}

/* ---- posts ---- */

#define POSTS 1000

static int order[POSTS];
static int posted;

static void note(void *arg)
{
	order[posted++] = *(int *)arg;
	if (posted == POSTS)
		loop_stop(loop);
}

static void *poster(void *arg)
{
	for (int i = 0; i < POSTS; i++)
		loop_post(loop, note, (int *)arg + i);
	return NULL;
}

static void posts_from_another_thread_run_on_the_loop_in_order(unused void **state)
{
	static int numbers[POSTS];
	pthread_t thread;

	posted = 0;
	for (int i = 0; i < POSTS; i++)
		numbers[i] = i;
	assert_int_equal(pthread_create(&thread, NULL, poster, numbers), 0);
	loop_run(loop);
	assert_int_equal(pthread_join(thread, NULL), 0);
	for (int i = 0; i < POSTS; i++)
		assert_int_equal(order[i], i);
}

/* ---- work ---- */

struct job {
	pthread_t worked_in, done_in;
};

static void work(void *arg)
{
	((struct job *)arg)->worked_in = pthread_self();
}

static void done(void *arg)
{
	((struct job *)arg)->done_in = pthread_self();
	loop_stop(loop);
}

static void work_runs_beside_the_loop_and_ends_on_it(unused void **state)
{
	struct job job;

	loop_work(loop, work, done, &job);
	loop_run(loop);
	assert_false(pthread_equal(job.worked_in, pthread_self()));
	assert_true(pthread_equal(job.done_in, pthread_self()));
}

/* ---- timers ---- */

static int ticks;

static void tick(unused void *arg)
{
	if (++ticks == 3)
		loop_stop(loop);
}

static void a_timer_fires_when_its_time_has_passed_and_repeats_if_asked(unused void **state)
{
	struct timer *t = timer_new(loop, tick, NULL);
	uint64_t start = clock_mono_ms();
	uint64_t turns = loop_turns(loop);

	ticks = 0;
	timer_set(t, 20, 10);
	loop_run(loop);
	assert_true(clock_mono_ms() - start >= 39);
	assert_true(loop_turns(loop) >= turns + 3);
	timer_free(t);
}

static void never(unused void *arg)
{
	fail();
}

static void a_stopped_or_freed_timer_does_not_fire(unused void **state)
{
	struct timer *stopped = timer_new(loop, never, NULL);
	struct timer *freed = timer_new(loop, never, NULL);
	struct timer *end = timer_new(loop, stop, NULL);

	timer_set(stopped, 5, 0);
	timer_set(freed, 5, 0);
	timer_set(end, 30, 0);
	timer_stop(stopped);
	timer_free(freed);
	loop_run(loop);
	timer_free(stopped);
	timer_free(end);
}

static void wait_in_turn(void *arg)
{
	uint64_t start = clock_mono_ms();

	while (clock_mono_ms() - start < 30)
		;
	timer_set(arg, 20, 0);
	ticks = (int)(clock_mono_ms() & 0xffffff);
}

static void end_of_short(unused void *arg)
{
	ticks = (int)(clock_mono_ms() & 0xffffff) - ticks;
	loop_stop(loop);
}

static void a_timer_set_in_a_long_turn_counts_from_its_setting(unused void **state)
{
	struct timer *t = timer_new(loop, end_of_short, NULL);

	loop_post(loop, wait_in_turn, t);
	loop_run(loop);
	assert_in_range(ticks, 19, 5000);
	timer_free(t);
}

/* ---- watches ---- */

struct ends {
	int mine, theirs;
	struct loop_watch *watch;
	char got[16];
	size_t n;
	int calls;
	bool saw_error;
};

static void on_ready(void *arg, int events)
{
	struct ends *e = arg;

	e->calls++;
	if ((events & LOOP_WRITE) != 0) {
		assert_int_equal(write(e->mine, "ping", 4), 4);
		loop_watch_set(e->watch, LOOP_READ);
		assert_int_equal(write(e->theirs, "pong", 4), 4);
	} else if ((events & LOOP_READ) != 0) {
		ssize_t n = read(e->mine, e->got, 4);
		e->n = n > 0 ? (size_t)n : 0;
		loop_stop(loop);
	}
}

static void pair(struct ends *e)
{
	int fds[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	*e = (struct ends){.mine = fds[0], .theirs = fds[1]};
}

static void a_watch_tells_when_a_socket_can_be_written_and_read(unused void **state)
{
	struct ends e;

	pair(&e);
	e.watch = loop_watch(loop, e.mine, LOOP_READ | LOOP_WRITE, on_ready, &e);
	loop_run(loop);
	assert_memory_equal(e.got, "pong", 4);
	assert_int_equal(e.calls, 2);
	loop_unwatch(e.watch);
	(void)close(e.mine);
	(void)close(e.theirs);
}

/* Reads two bytes per call until the end. */
static void on_last_words(void *arg, int events)
{
	struct ends *e = arg;

	assert_true((events & LOOP_READ) != 0);
	ssize_t n = read(e->mine, e->got + e->n, 2);
	if (n > 0) {
		e->n += (size_t)n;
		return;
	}
	e->saw_error = n < 0;
	loop_stop(loop);
}

static void data_before_a_reset_is_still_delivered(unused void **state)
{
	struct ends e;
	struct timer *limit = timer_new(loop, never, NULL);

	pair(&e);
	timer_set(limit, 5000, 0);
	/* closing with our bytes unread resets the connection: an error stands behind the data */
	assert_int_equal(write(e.mine, "unread", 6), 6);
	assert_int_equal(write(e.theirs, "last words", 10), 10);
	(void)close(e.theirs);
	e.watch = loop_watch(loop, e.mine, LOOP_READ, on_last_words, &e);
	loop_run(loop);
	assert_memory_equal(e.got, "last words", e.n);
	assert_true(e.n == 10 || e.saw_error);
	loop_unwatch(e.watch);
	(void)close(e.mine);
	timer_free(limit);
}

static void a_signal_arrives_on_the_loop(unused void **state)
{
	loop_signal(loop, SIGUSR1, stop, NULL);
	assert_int_equal(kill(getpid(), SIGUSR1), 0);
	loop_run(loop);
}

static void a_loop_can_be_freed_with_everything_open(unused void **state)
{
	struct ends e;

	pair(&e);
	(void)loop_watch(loop, e.mine, LOOP_READ, on_ready, &e);
	timer_set(timer_new(loop, never, NULL), 100000, 0);
	loop_signal(loop, SIGUSR2, never, NULL);
	loop_free(loop);
	(void)close(e.mine);
	(void)close(e.theirs);
	loop = NULL;
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, open_loop, close_loop)
	const struct CMUnitTest tests[] = {
		T(posts_from_another_thread_run_on_the_loop_in_order),
		T(work_runs_beside_the_loop_and_ends_on_it),
		T(a_timer_fires_when_its_time_has_passed_and_repeats_if_asked),
		T(a_stopped_or_freed_timer_does_not_fire),
		T(a_timer_set_in_a_long_turn_counts_from_its_setting),
		T(a_watch_tells_when_a_socket_can_be_written_and_read),
		T(data_before_a_reset_is_still_delivered),
		T(a_signal_arrives_on_the_loop),
		T(a_loop_can_be_freed_with_everything_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
