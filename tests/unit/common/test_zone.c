// SPDX-License-Identifier: Apache-2.0
/* Our reader of zone data against libc's, in every zone of this system. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock/zone.h"

static const char *const zones[] = {"Europe/Paris", "Europe/Dublin", "America/New_York",
	"America/Sao_Paulo", "America/Santiago", "America/St_Johns", "Africa/Casablanca",
	"Africa/Cairo", "Asia/Gaza", "Asia/Kathmandu", "Asia/Tehran", "Asia/Tokyo",
	"Australia/Lord_Howe", "Australia/Sydney", "Pacific/Apia", "Pacific/Chatham",
	"Antarctica/Troll", "UTC"};

/* An instant every 3 days and a bit, from 1906 to 2128. */
static void offsets_are_those_of_libc(unused void **state)
{
	for (size_t i = 0; i < array_len(zones); i++) {
		const struct zone *z = zone_find(zones[i]);
		assert_non_null(z);
		(void)setenv("TZ", zones[i], 1);
		tzset();
		for (int64_t t = -2000000000; t < 5000000000; t += 86400 * 3 + 1813) {
			time_t at = (time_t)t;
			struct tm m;
			(void)localtime_r(&at, &m);
			if (zone_offset(z, t) != m.tm_gmtoff)
				fail_msg("%s at %lld", zones[i], (long long)t);
			struct zone_time c = zone_calendar(t + m.tm_gmtoff);
			assert_int_equal(c.year, m.tm_year + 1900);
			assert_int_equal(c.month * 100 + c.day, (m.tm_mon + 1) * 100 + m.tm_mday);
			assert_int_equal(c.hour * 60 + c.minute, m.tm_hour * 60 + m.tm_min);
			assert_int_equal(zone_floating(&c), t + m.tm_gmtoff);
		}
	}
}

static void there_and_back(unused void **state)
{
	for (size_t i = 0; i < array_len(zones); i++) {
		const struct zone *z = zone_find(zones[i]);
		for (int64_t t = 0; t < 4000000000; t += 86400 * 2 + 977) {
			enum zone_fit fit;
			int64_t back = zone_instant(z, t + zone_offset(z, t), &fit);
			assert_int_not_equal(fit, ZONE_GAP);
			assert_true(back == t || (fit == ZONE_OVERLAP && back < t));
		}
	}
}

static void names_stay_inside_the_zone_directory(unused void **state)
{
	static const char *const bad[] = {"", "/etc/passwd", "../../../etc/passwd", "Europe",
		"Europe/Nowhere", "a b", "posixrules\n"};

	for (size_t i = 0; i < array_len(bad); i++)
		assert_null(zone_find(bad[i]));
	assert_null(zone_find(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(offsets_are_those_of_libc),
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(names_stay_inside_the_zone_directory)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
