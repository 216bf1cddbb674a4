// SPDX-License-Identifier: Apache-2.0
/* Execution windows (docs/spec/fleet.md section 5, FL-37, FL-38, FL-41). Time is an input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "services/scheduler/window.h"

#define DAY ((int64_t)86400000)

static struct arena arena;

static int64_t ms(const char *utc)
{
	struct zone_time t = {0};

	assert_int_equal(
		sscanf(utc, "%d-%d-%dT%d:%d", &t.year, &t.month, &t.day, &t.hour, &t.minute), 5);
	return zone_floating(&t) * 1000;
}

static struct window made(const struct m_window *m)
{
	struct window w;
	struct fault f = FAULT_INIT;

	assert_int_equal(window_read(m, &arena, &w, &f), 0);
	return w;
}

static struct window nightly(const char *start, const char *end)
{
	struct m_window_span *span = arena_alloc(&arena, sizeof(*span));

	*span = (struct m_window_span){.start = start, .end = end};
	return made(&(struct m_window){.open = span, .open_n = 1});
}

/* "2027-01-05T22:00 2027-01-06T06:00" in UTC, or "never". */
static const char *next(const struct window *const *w, size_t n, const char *zone, const char *at)
{
	static char text[64];
	struct window_open o;
	struct zone_time from, to;

	if (!windows_next(w, n, zone_find(zone), ms(at), ms(at) + 30 * DAY, &o))
		return "never";
	from = zone_calendar(o.from_ms / 1000);
	to = zone_calendar(o.to_ms / 1000);
	(void)snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d %04d-%02d-%02dT%02d:%02d",
		from.year, from.month, from.day, from.hour, from.minute, to.year, to.month, to.day,
		to.hour, to.minute);
	return text;
}

static const char *next_of(const struct window *w, const char *zone, const char *at)
{
	return next(&w, 1, zone, at);
}

static void a_night_crosses_midnight(unused void **state)
{
	struct window w = nightly("22:00", "06:00");

	assert_string_equal(
		next_of(&w, "UTC", "2027-01-05T12:00"), "2027-01-05T22:00 2027-01-06T06:00");
	assert_string_equal(
		next_of(&w, "UTC", "2027-01-06T01:30"), "2027-01-06T01:30 2027-01-06T06:00");
	assert_string_equal(
		next_of(&w, "UTC", "2027-01-06T06:00"), "2027-01-06T22:00 2027-01-07T06:00");
	assert_string_equal(
		next_of(&w, "Asia/Tokyo", "2027-01-05T12:00"), "2027-01-05T13:00 2027-01-05T21:00");
}

static void nothing_starts_with_too_little_left_fl_38(unused void **state)
{
	struct window w = nightly("22:00", "06:00");

	assert_string_equal(
		next_of(&w, "UTC", "2027-01-06T05:50"), "2027-01-06T05:50 2027-01-06T06:00");
	assert_string_equal(
		next_of(&w, "UTC", "2027-01-06T05:51"), "2027-01-06T22:00 2027-01-07T06:00");
	w.min_left_ms = 0;
	assert_string_equal(
		next_of(&w, "UTC", "2027-01-06T05:59"), "2027-01-06T05:59 2027-01-06T06:00");
}

static void weekdays_are_those_on_which_it_begins(unused void **state)
{
	static const uint64_t friday[] = {5};
	static const struct m_window_span span = {
		.weekdays = friday, .weekdays_n = 1, .start = "22:00", .end = "06:00"};
	struct window w = made(&(struct m_window){.open = &span, .open_n = 1});

	/* 2027-01-08 is a Friday */
	assert_string_equal(
		next_of(&w, "UTC", "2027-01-05T00:00"), "2027-01-08T22:00 2027-01-09T06:00");
	assert_string_equal(
		next_of(&w, "UTC", "2027-01-09T07:00"), "2027-01-15T22:00 2027-01-16T06:00");
}

static void stretches_that_touch_are_one(unused void **state)
{
	static const struct m_window_span spans[] = {
		{.start = "18:00", .end = "24:00"}, {.start = "00:00", .end = "06:00"}};
	struct window w = made(&(struct m_window){.open = spans, .open_n = 2});
	struct window always = nightly("00:00", "24:00");
	struct window_open o;
	const struct window *list[] = {&always};

	assert_string_equal(
		next_of(&w, "UTC", "2027-01-05T23:55"), "2027-01-05T23:55 2027-01-06T06:00");
	assert_true(windows_next(
		list, 1, zone_find("UTC"), ms("2027-01-05T23:59"), ms("2027-01-06T00:00"), &o));
	assert_true(o.to_ms > ms("2027-01-10T00:00"));
}

static void a_closed_date_closes_both_nights(unused void **state)
{
	static const struct m_window_span span = {.start = "22:00", .end = "06:00"};
	static const struct m_window_day days[] = {
		{.date = "2026-12-25"}, {.date = "2026-12-31", .start = "08:00", .end = "10:00"}};
	struct window w = made(&(struct m_window){
		.open = &span, .open_n = 1, .exceptions = days, .exceptions_n = 2});

	assert_string_equal(
		next_of(&w, "UTC", "2026-12-24T12:00"), "2026-12-24T22:00 2026-12-25T00:00");
	assert_string_equal(
		next_of(&w, "UTC", "2026-12-25T00:00"), "2026-12-26T22:00 2026-12-27T06:00");
	assert_string_equal(
		next_of(&w, "UTC", "2026-12-31T07:00"), "2026-12-31T08:00 2026-12-31T10:00");
	assert_string_equal(
		next_of(&w, "UTC", "2026-12-31T12:00"), "2027-01-01T22:00 2027-01-02T06:00");
}

/* Paris: gap 2027-03-28 02:00-03:00 (01:00Z), overlap 2027-10-31 02:00-03:00 (01:00Z). */
static void edges_in_gaps_and_overlaps_fl_41(unused void **state)
{
	struct window w = nightly("02:30", "05:00");

	assert_string_equal(next_of(&w, "Europe/Paris", "2027-03-27T12:00"),
		"2027-03-28T01:00 2027-03-28T03:00");
	w = nightly("01:00", "02:30");
	assert_string_equal(next_of(&w, "Europe/Paris", "2027-03-27T12:00"),
		"2027-03-28T00:00 2027-03-28T01:00");
	assert_string_equal(next_of(&w, "Europe/Paris", "2027-10-30T12:00"),
		"2027-10-30T23:00 2027-10-31T01:30");
	w = nightly("02:30", "05:00");
	assert_string_equal(next_of(&w, "Europe/Paris", "2027-10-30T12:00"),
		"2027-10-31T00:30 2027-10-31T04:00");
}

static void all_that_apply_are_open_at_once_fl_37(unused void **state)
{
	struct window night = nightly("22:00", "06:00"), early = nightly("04:00", "09:00");
	struct window noon = nightly("12:00", "13:00"), short_one = nightly("05:55", "07:00");
	const struct window *both[] = {&night, &early}, *never[] = {&night, &noon};
	const struct window *scarce[] = {&night, &short_one};

	assert_string_equal(
		next(both, 2, "UTC", "2027-01-05T12:00"), "2027-01-06T04:00 2027-01-06T06:00");
	assert_string_equal(next(never, 2, "UTC", "2027-01-05T12:00"), "never");
	assert_string_equal(next(scarce, 2, "UTC", "2027-01-05T12:00"), "never");
	struct window_open o;
	assert_true(windows_next(NULL, 0, zone_find("UTC"), 5, 6, &o)); /* none: always */
	assert_int_equal(o.from_ms, 5);
	struct window paris = nightly("22:00", "06:00");
	paris.zone = zone_find("Europe/Paris");
	const struct window *zones[] = {&paris, &night};
	assert_string_equal(next(zones, 2, "America/New_York", "2027-01-05T12:00"),
		"2027-01-06T03:00 2027-01-06T05:00");
}

/* Against a walk over all minutes, in zones with changes. */
static void it_agrees_with_a_walk_over_minutes(unused void **state)
{
	static const struct m_window_span spans[] = {{.start = "21:15", .end = "03:45"},
		{.start = "02:00", .end = "02:30"}, {.start = "11:00", .end = "11:45"}};
	static const struct m_window_day days[] = {{.date = "2027-03-29"}};
	static const char *const zones[] = {
		"Europe/Paris", "America/New_York", "Australia/Lord_Howe"};
	struct window w = made(&(struct m_window){
		.open = spans, .open_n = 3, .exceptions = days, .exceptions_n = 1});
	const struct window *list[] = {&w};
	int64_t begin = ms("2027-03-12T00:00");

	w.min_left_ms = 0;
	for (size_t i = 0; i < array_len(zones); i++) {
		const struct zone *z = zone_find(zones[i]);
		struct window_open o = {0};
		for (int64_t at = begin; at < begin + 24 * DAY; at += 60000) {
			int64_t local = at / 1000 + zone_offset(z, at / 1000);
			int64_t minute = (local % 86400) / 60;
			struct zone_time day = zone_calendar(local);
			struct zone_time eve = zone_calendar(local - 86400);
			bool closed = day.month == 3 && day.day == 29;
			bool tail = minute < 225 && !(eve.month == 3 && eve.day == 29);
			bool open = !closed &&
				    (minute >= 1275 || tail || (minute >= 120 && minute < 150) ||
					    (minute >= 660 && minute < 705));
			if (at >= o.to_ms)
				assert_true(windows_next(list, 1, z, at, at + 30 * DAY, &o));
			if (open != (at >= o.from_ms && at < o.to_ms))
				fail_msg("%s %lld", zones[i], (long long)at);
		}
	}
}

static void wrong_windows_are_refused(unused void **state)
{
	static const uint64_t eight[] = {8};
	static const struct m_window_span spans[] = {{.start = "25:00", .end = "06:00"},
		{.start = "06:00", .end = "06:00"}, {.start = "24:00", .end = "06:00"},
		{.start = "06:00", .end = "6:30"},
		{.start = "06:00", .end = "07:00", .weekdays = eight, .weekdays_n = 1}};
	static const struct m_window_day day = {.date = "2027-02-30"};
	struct m_window bad[] = {{.open_n = 0}, {.exceptions = &day, .exceptions_n = 1},
		{.open = spans, .open_n = 0, .zone = "Mars/Olympus"}};
	struct window w;
	struct fault f = FAULT_INIT;

	for (size_t i = 0; i < array_len(spans); i++)
		assert_int_equal(window_read(&(struct m_window){.open = &spans[i], .open_n = 1},
					 &arena, &w, &f),
			-1);
	for (size_t i = 0; i < array_len(bad); i++)
		assert_int_equal(window_read(&bad[i], &arena, &w, &f), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_night_crosses_midnight),
		cmocka_unit_test(nothing_starts_with_too_little_left_fl_38),
		cmocka_unit_test(weekdays_are_those_on_which_it_begins),
		cmocka_unit_test(stretches_that_touch_are_one),
		cmocka_unit_test(a_closed_date_closes_both_nights),
		cmocka_unit_test(edges_in_gaps_and_overlaps_fl_41),
		cmocka_unit_test(all_that_apply_are_open_at_once_fl_37),
		cmocka_unit_test(it_agrees_with_a_walk_over_minutes),
		cmocka_unit_test(wrong_windows_are_refused)};
	arena_init(&arena, 0);
	int rc = cmocka_run_group_tests(tests, NULL, NULL);

	arena_fini(&arena);
	return rc;
}
