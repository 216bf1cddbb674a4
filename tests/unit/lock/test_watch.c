// SPDX-License-Identifier: Apache-2.0
/* The watch rule of docs/spec/locks.md section 7.1 (I10). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/lock/watch.h"

/* A look at own time t, when the database clock is `ahead` and the answer takes no time. */
static enum lock_look look(struct lock_watch *w, uint64_t t, int64_t ahead)
{
	return watch_look(w, (int64_t)t + ahead, t, t);
}

static void i10_the_watch_is_as_long_as_the_clock_was_seen_without_a_step(void **state unused)
{
	struct lock_watch w = {.seen = false};

	assert_int_equal(watch_length(&w), 0);
	assert_int_equal(look(&w, 1000, 5), LOCK_LOOK_FIRST);
	assert_int_equal(look(&w, 2000, 5), LOCK_LOOK_STEADY);
	assert_int_equal(watch_length(&w), 1000);
	assert_int_equal(look(&w, 3000, 1500), LOCK_LOOK_STEPPED);
	assert_int_equal(watch_length(&w), 0);
	assert_int_equal(look(&w, 4000, 1500), LOCK_LOOK_STEADY);
	assert_int_equal(look(&w, 5000, -900), LOCK_LOOK_STEPPED);
	assert_true(watch_stepped(&w, 5000 - 900 + 1001, 5000));
	assert_false(watch_stepped(&w, 5000 - 900 + 1000, 5000));
}

static void i10_small_steps_add_up(void **state unused)
{
	struct lock_watch w = {.seen = false};

	assert_int_equal(look(&w, 1000, 0), LOCK_LOOK_FIRST);
	assert_int_equal(look(&w, 2000, 600), LOCK_LOOK_STEADY);
	assert_int_equal(look(&w, 3000, 1200), LOCK_LOOK_STEPPED);
	assert_int_equal(look(&w, 4000, 600), LOCK_LOOK_STEADY);
	assert_int_equal(look(&w, 5000, 0), LOCK_LOOK_STEPPED);
	/* answers that take long now and then are no step */
	assert_int_equal(watch_look(&w, 6900, 6000, 6900), LOCK_LOOK_STEADY);
	assert_int_equal(watch_look(&w, 7010, 7000, 7900), LOCK_LOOK_STEADY);
	assert_false(watch_stepped(&w, 8000, 8500));
	assert_true(watch_stepped(&w, 8000, 9100));
}

static void i10_a_slow_answer_hides_no_step(void **state unused)
{
	struct lock_watch w = {.seen = false};

	assert_int_equal(look(&w, 1000, 0), LOCK_LOOK_FIRST);
	/* asked at 2000, answered by the database at 5000: were it believed … */
	assert_int_equal(watch_look(&w, 5000, 2000, 5000), LOCK_LOOK_SLOW);
	/* … a step of 3 s right after it would look like none */
	assert_int_equal(look(&w, 6000, 3000), LOCK_LOOK_STEPPED);
}

static void i10_who_does_not_look_does_not_watch(void **state unused)
{
	struct lock_watch w = {.seen = false};

	assert_int_equal(look(&w, 1000, 0), LOCK_LOOK_FIRST);
	assert_int_equal(look(&w, 6000, 0), LOCK_LOOK_STEADY);
	assert_int_equal(watch_length(&w), 5000);
	assert_int_equal(look(&w, 11001, 0), LOCK_LOOK_LATE);
	assert_int_equal(watch_length(&w), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(i10_the_watch_is_as_long_as_the_clock_was_seen_without_a_step),
		cmocka_unit_test(i10_small_steps_add_up),
		cmocka_unit_test(i10_a_slow_answer_hides_no_step),
		cmocka_unit_test(i10_who_does_not_look_does_not_watch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
