// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "common/clock/clock.h"

static void known_times_are_written_in_rfc_3339(unused void **state)
{
	static const struct {
		uint64_t ms;
		const char *text;
	} known[] = {
		{0, "1970-01-01T00:00:00.000Z"},
		{951782399999, "2000-02-28T23:59:59.999Z"},
		{951782400000, "2000-02-29T00:00:00.000Z"},
		{4107542400000, "2100-03-01T00:00:00.000Z"}, /* 2100 is no leap year */
		{253402300799999, "9999-12-31T23:59:59.999Z"},
		{UINT64_MAX, "9999-12-31T23:59:59.999Z"},
	};
	char text[CLOCK_RFC3339];

	for (size_t i = 0; i < array_len(known); i++)
		assert_string_equal(clock_rfc3339(known[i].ms, text), known[i].text);
}

static void every_day_of_six_centuries_agrees_with_libc(unused void **state)
{
	char ours[CLOCK_RFC3339], theirs[64];
	struct tm tm;

	for (uint64_t day = 0; day < 219000; day++) {
		time_t t = (time_t)(day * 86400 + day * 7919 % 86400);
		assert_non_null(gmtime_r(&t, &tm));
		assert_true(strftime(theirs, sizeof(theirs), "%Y-%m-%dT%H:%M:%S.000Z", &tm) > 0);
		assert_string_equal(clock_rfc3339((uint64_t)t * 1000, ours), theirs);
	}
}

static uint64_t five(void)
{
	return 5000000;
}

static uint64_t six(void)
{
	return 6000000;
}

static uint64_t seven(void)
{
	return 7999999;
}

/* RL-29 */
static void all_time_comes_from_one_table_that_tests_replace(unused void **state)
{
	clock_use(&(const struct clock_source){five, six, seven});
	assert_int_equal(clock_wall_ms(), 5);
	assert_int_equal(clock_mono_ms(), 6);
	assert_int_equal(clock_mono_ns(), 6000000);
	assert_int_equal(clock_boot_ms(), 7);
	clock_use(NULL);
	assert_true(clock_wall_ms() > 1700000000000);
	uint64_t a = clock_mono_ns();
	assert_true(clock_mono_ns() >= a);
	assert_true(clock_boot_ms() >= clock_mono_ms());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_times_are_written_in_rfc_3339),
		cmocka_unit_test(every_day_of_six_centuries_agrees_with_libc),
		cmocka_unit_test(all_time_comes_from_one_table_that_tests_replace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
