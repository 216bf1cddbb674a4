// SPDX-License-Identifier: Apache-2.0
/* When a restart counts as seen (DV-21). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "services/worker/adapters/uptime.h"

static struct uptime watch(int64_t before)
{
	return (struct uptime){.before = before, .pace_ms = 5000};
}

static void an_up_time_that_falls_is_a_restart(void **state unused)
{
	struct uptime u = watch(100000);

	u.waited_ms = 5000;
	assert_int_equal(uptime_answered(&u, 100500, false), UPTIME_WAIT);
	assert_int_equal(uptime_answered(&u, 300, false), UPTIME_BACK);
}

static void a_printer_that_answers_and_is_down_is_waited_for(void **state unused)
{
	struct uptime u = watch(100000);

	assert_int_equal(uptime_answered(&u, 300, true), UPTIME_WAIT);
	assert_int_equal(uptime_answered(&u, 800, false), UPTIME_BACK);
}

static void a_lost_packet_is_no_restart(void **state unused)
{
	struct uptime u = watch(100000);

	assert_int_equal(uptime_silent(&u, 5000), UPTIME_WAIT);
	u.waited_ms = 10000;
	assert_int_equal(uptime_answered(&u, 101000, false), UPTIME_WAIT);
	assert_false(u.gone);
}

/* A young printer: after the restart its up time is above what it was, but below what it would be.
 */
static void an_up_time_below_what_it_would_be_is_a_restart(void **state unused)
{
	struct uptime u = watch(500);

	u.waited_ms = 60000;
	assert_int_equal(
		uptime_answered(&u, 6450, false), UPTIME_WAIT); /* within two clocks' slack */
	assert_int_equal(uptime_answered(&u, 3000, false), UPTIME_BACK);
}

static void one_that_never_goes_has_stayed_after_two_minutes(void **state unused)
{
	struct uptime u = watch(100000);

	u.waited_ms = 119999;
	assert_int_equal(uptime_answered(&u, 112000, false), UPTIME_WAIT);
	u.waited_ms = 120000;
	assert_int_equal(uptime_answered(&u, 112000, false), UPTIME_STAYED);
}

static void one_that_went_has_fifteen_minutes(void **state unused)
{
	struct uptime u = watch(100000);

	u.waited_ms = 894000;
	assert_int_equal(uptime_silent(&u, 5000), UPTIME_WAIT);
	assert_int_equal(uptime_silent(&u, 5000), UPTIME_LOST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_up_time_that_falls_is_a_restart),
		cmocka_unit_test(a_printer_that_answers_and_is_down_is_waited_for),
		cmocka_unit_test(a_lost_packet_is_no_restart),
		cmocka_unit_test(an_up_time_below_what_it_would_be_is_a_restart),
		cmocka_unit_test(one_that_never_goes_has_stayed_after_two_minutes),
		cmocka_unit_test(one_that_went_has_fifteen_minutes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
