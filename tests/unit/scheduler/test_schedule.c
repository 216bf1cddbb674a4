// SPDX-License-Identifier: Apache-2.0
/* dst_table: when schedules fire (docs/spec/fleet.md 4.3, FL-31..35). Each row is a zone, a start
 * day, a step, a local time, and the instants of the following firings, as written by hand from the
 * zones' published rules; both hemispheres, half-hour shifts, a skipped day, midnight changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "common/clock/clock.h"
#include "services/scheduler/schedule.h"

static int64_t ms(const char *utc)
{
	struct zone_time t = {0};

	assert_int_equal(
		sscanf(utc, "%d-%d-%dT%d:%d", &t.year, &t.month, &t.day, &t.hour, &t.minute), 5);
	return zone_floating(&t) * 1000;
}

static const struct {
	const char *zone, *start; /* UTC */
	int n;
	const char *time;
	const char *fires[4]; /* UTC */
} table[] = {
	/* Paris: gap 2027-03-28 02:00-03:00, overlap 2027-10-31 02:00-03:00 */
	{"Europe/Paris", "2027-03-26T12:00", 1, "02:30",
		{"2027-03-27T01:30", "2027-03-28T01:00", "2027-03-29T00:30", "2027-03-30T00:30"}},
	{"Europe/Paris", "2027-03-26T12:00", 1, "02:00",
		{"2027-03-27T01:00", "2027-03-28T01:00", "2027-03-29T00:00", "2027-03-30T00:00"}},
	{"Europe/Paris", "2027-03-26T12:00", 1, "03:00",
		{"2027-03-27T02:00", "2027-03-28T01:00", "2027-03-29T01:00", "2027-03-30T01:00"}},
	{"Europe/Paris", "2027-03-26T12:00", 1, "01:59",
		{"2027-03-27T00:59", "2027-03-28T00:59", "2027-03-28T23:59", "2027-03-29T23:59"}},
	{"Europe/Paris", "2027-10-29T12:00", 1, "02:30",
		{"2027-10-30T00:30", "2027-10-31T00:30", "2027-11-01T01:30", "2027-11-02T01:30"}},
	{"Europe/Paris", "2027-10-29T12:00", 1, "02:00",
		{"2027-10-30T00:00", "2027-10-31T00:00", "2027-11-01T01:00", "2027-11-02T01:00"}},
	{"Europe/Paris", "2027-10-29T12:00", 1, "03:00",
		{"2027-10-30T01:00", "2027-10-31T02:00", "2027-11-01T02:00", "2027-11-02T02:00"}},
	{"Europe/Paris", "2027-03-26T12:00", 2, "02:30",
		{"2027-03-28T01:00", "2027-03-30T00:30", "2027-04-01T00:30", "2027-04-03T00:30"}},
	{"Europe/Paris", "2027-03-25T12:00", 7, "02:30",
		{"2027-04-01T00:30", "2027-04-08T00:30", "2027-04-15T00:30", "2027-04-22T00:30"}},
	/* New York: gap 2027-03-14 02:00-03:00, overlap 2027-11-07 01:00-02:00 */
	{"America/New_York", "2027-03-12T12:00", 1, "02:30",
		{"2027-03-13T07:30", "2027-03-14T07:00", "2027-03-15T06:30", "2027-03-16T06:30"}},
	{"America/New_York", "2027-11-05T12:00", 1, "01:30",
		{"2027-11-06T05:30", "2027-11-07T05:30", "2027-11-08T06:30", "2027-11-09T06:30"}},
	/* Sydney: gap 2027-10-03 02:00-03:00, overlap 2027-04-04 02:00-03:00 */
	{"Australia/Sydney", "2027-10-01T12:00", 1, "02:30",
		{"2027-10-01T16:30", "2027-10-02T16:00", "2027-10-03T15:30", "2027-10-04T15:30"}},
	{"Australia/Sydney", "2027-04-02T12:00", 1, "02:30",
		{"2027-04-02T15:30", "2027-04-03T15:30", "2027-04-04T16:30", "2027-04-05T16:30"}},
	/* Lord Howe shifts by half an hour: gap 2027-10-03 02:00-02:30, overlap 2027-04-04
	   01:30-02:00 */
	{"Australia/Lord_Howe", "2027-10-01T12:00", 1, "02:15",
		{"2027-10-01T15:45", "2027-10-02T15:30", "2027-10-03T15:15", "2027-10-04T15:15"}},
	{"Australia/Lord_Howe", "2027-04-02T12:00", 1, "01:45",
		{"2027-04-02T14:45", "2027-04-03T14:45", "2027-04-04T15:15", "2027-04-05T15:15"}},
	/* Samoa had no 2011-12-30: the whole day is a gap, and fires with the next day's first
	   instant */
	{"Pacific/Apia", "2011-12-28T12:00", 1, "12:00",
		{"2011-12-28T22:00", "2011-12-29T22:00", "2011-12-30T10:00", "2011-12-30T22:00"}},
	/* Chile changes at midnight: gap 2027-09-05 00:00-01:00 */
	{"America/Santiago", "2027-09-03T12:00", 1, "00:00",
		{"2027-09-04T04:00", "2027-09-05T04:00", "2027-09-06T03:00", "2027-09-07T03:00"}},
	{"America/Santiago", "2027-09-03T12:00", 1, "00:30",
		{"2027-09-04T04:30", "2027-09-05T04:00", "2027-09-06T03:30", "2027-09-07T03:30"}},
	/* London, Dublin (negative saving in its data), Tehran (none since 2022), Kathmandu, Tokyo,
	   UTC */
	{"Europe/London", "2027-03-26T12:00", 1, "01:30",
		{"2027-03-27T01:30", "2027-03-28T01:00", "2027-03-29T00:30", "2027-03-30T00:30"}},
	{"Europe/Dublin", "2027-03-26T12:00", 1, "01:30",
		{"2027-03-27T01:30", "2027-03-28T01:00", "2027-03-29T00:30", "2027-03-30T00:30"}},
	{"Europe/Dublin", "2027-10-29T12:00", 1, "01:30",
		{"2027-10-30T00:30", "2027-10-31T00:30", "2027-11-01T01:30", "2027-11-02T01:30"}},
	{"Asia/Kathmandu", "2027-01-01T00:00", 1, "00:00",
		{"2027-01-01T18:15", "2027-01-02T18:15", "2027-01-03T18:15", "2027-01-04T18:15"}},
	{"Asia/Tokyo", "2027-02-27T20:00", 1, "03:00",
		{"2027-02-28T18:00", "2027-03-01T18:00", "2027-03-02T18:00", "2027-03-03T18:00"}},
	{"UTC", "2028-02-28T12:00", 1, "12:00",
		{"2028-02-28T12:00", "2028-02-29T12:00", "2028-03-01T12:00", "2028-03-02T12:00"}},
	{"UTC", "2027-12-31T00:00", 30, "00:00",
		{"2027-12-31T00:00", "2028-01-30T00:00", "2028-02-29T00:00", "2028-03-30T00:00"}},
};

static struct schedule daily(const char *zone, int64_t start, int n, const char *time)
{
	struct m_schedule m = {.form = SCHEDULE_FORM_EVERY_DAYS,
		.n = (uint64_t)n,
		.start_at = start,
		.zone = zone,
		.time = time};
	struct schedule s;
	struct fault f = FAULT_INIT;

	assert_int_equal(schedule_read(&m, start, &s, &f), 0);
	return s;
}

static void dst_table(unused void **state)
{
	size_t checked = 0;

	for (size_t i = 0; i < array_len(table); i++) {
		int64_t start = ms(table[i].start);
		struct schedule s = daily(table[i].zone, start, table[i].n, table[i].time);
		struct firing f = {.due_ms = start - 1};
		for (size_t k = 0; k < array_len(table[i].fires); k++, checked++) {
			assert_true(schedule_next(&s, f.due_ms, &f));
			if (f.due_ms != ms(table[i].fires[k]))
				print_message(
					"%s %s firing %zu\n", table[i].zone, table[i].time, k);
			assert_int_equal(f.due_ms, ms(table[i].fires[k]));
		}
	}
	assert_true(checked >= 60);
}

/* No time of day drifts after a gap: a year of days in every quarter hour of a few zones. */
static void no_drift_after_a_gap(unused void **state)
{
	static const char *const zones[] = {"Europe/Paris", "America/New_York",
		"Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Casablanca"};

	for (size_t i = 0; i < array_len(zones); i++) {
		for (int quarter = 0; quarter < 96; quarter++) {
			char time[16];
			(void)snprintf(
				time, sizeof(time), "%02d:%02d", quarter / 4, quarter % 4 * 15);
			struct schedule s = daily(zones[i], ms("2027-01-01T12:00"), 1, time);
			struct firing f = {.due_ms = s.start_ms};
			for (int day = 0; day < 366; day++) {
				assert_true(schedule_next(&s, f.due_ms, &f));
				struct zone_time t = zone_calendar(
					f.due_ms / 1000 + zone_offset(s.zone, f.due_ms / 1000));
				if (f.fit != ZONE_GAP)
					assert_int_equal(t.hour * 4 + t.minute / 15, quarter);
			}
		}
	}
}

static void minutes_are_elapsed_time(unused void **state)
{
	struct m_schedule m = {
		.form = SCHEDULE_FORM_EVERY_MINUTES, .n = 90, .start_at = ms("2027-03-28T00:00")};
	struct schedule s;
	struct firing f = {.due_ms = m.start_at - 1};
	struct fault err = FAULT_INIT;

	assert_int_equal(schedule_read(&m, 0, &s, &err), 0);
	for (int i = 0; i < 10; i++) {
		assert_true(schedule_next(&s, f.due_ms, &f));
		assert_int_equal(f.due_ms, m.start_at + i * 90 * 60000);
	}
}

/* By a planner that was there in time. */
static struct catch_up caught_up(const struct schedule *s, const struct firing *first, int64_t now)
{
	struct catch_up c;

	schedule_catch_up(s, first, &(struct due_now){now, first->due_ms, now}, &c);
	return c;
}

static void the_newest_missed_firing_runs_once(unused void **state)
{
	struct m_schedule m = {
		.form = SCHEDULE_FORM_EVERY_MINUTES, .n = 10, .start_at = ms("2027-01-01T00:00")};
	struct schedule s;
	struct firing first;
	struct catch_up c;
	struct fault err = FAULT_INIT;

	assert_int_equal(schedule_read(&m, 0, &s, &err), 0);
	assert_true(schedule_next(&s, m.start_at - 1, &first));
	c = caught_up(&s, &first, ms("2027-01-01T00:00"));
	assert_int_equal(c.missed, 0);
	assert_int_equal(c.newest.due_ms, first.due_ms);
	c = caught_up(&s, &first, ms("2027-01-01T01:05"));
	assert_int_equal(c.missed, 6);
	assert_int_equal(c.newest.due_ms, ms("2027-01-01T01:00"));
	assert_true(c.runs);
	assert_int_equal(c.next.due_ms, ms("2027-01-01T01:10"));
	/* after a year it is still one run, and all of them are counted */
	c = caught_up(&s, &first, ms("2028-01-01T00:05"));
	assert_int_equal(c.missed, 365 * 144);
	assert_int_equal(c.newest.due_ms, ms("2028-01-01T00:00"));
	m.end_at = ms("2027-01-01T00:25");
	assert_int_equal(schedule_read(&m, 0, &s, &err), 0);
	c = caught_up(&s, &first, ms("2027-01-01T01:05"));
	assert_int_equal(c.missed, 2);
	assert_int_equal(c.newest.due_ms, ms("2027-01-01T00:20"));
	assert_false(c.has_next);
}

static void a_firing_later_than_a_day_is_missed(unused void **state)
{
	struct schedule s = daily("UTC", ms("2027-01-01T00:00"), 30, "00:00");
	struct firing first;

	assert_true(schedule_next(&s, s.start_ms - 1, &first));
	struct catch_up c = caught_up(&s, &first, ms("2027-01-03T00:00"));
	assert_false(c.runs);
	assert_int_equal(c.missed, 1);
	assert_true(c.has_next);
}

/* FL-35: nothing is made up after a pause; a firing of a moment ago is none that was missed */
static void catch_up_skip_runs_nothing_late_fl_35(unused void **state)
{
	struct m_schedule m = {.form = SCHEDULE_FORM_EVERY_MINUTES,
		.n = 10,
		.start_at = ms("2027-01-01T00:00"),
		.catch_up = MISSED_FIRING_SKIP};
	struct schedule s;
	struct firing first;
	struct catch_up c;
	struct fault err = FAULT_INIT;

	assert_int_equal(schedule_read(&m, 0, &s, &err), 0);
	assert_true(schedule_next(&s, m.start_at - 1, &first));
	c = caught_up(&s, &first, ms("2027-01-01T01:05"));
	assert_false(c.runs);
	assert_int_equal(c.missed, 7);
	assert_int_equal(c.next.due_ms, ms("2027-01-01T01:10"));
	c = caught_up(&s, &first, ms("2027-01-01T01:00") + 59000);
	assert_true(c.runs);
	assert_int_equal(c.newest.due_ms, ms("2027-01-01T01:00"));
}

static void to_wait_behind_others_is_not_to_be_missed_fl_35(unused void **state)
{
	struct m_schedule m = {.form = SCHEDULE_FORM_EVERY_MINUTES,
		.n = 60,
		.start_at = ms("2027-01-01T00:00"),
		.catch_up = MISSED_FIRING_SKIP};
	int64_t now = ms("2027-01-01T00:03"), second = 1000;
	struct schedule s;
	struct firing first;
	struct catch_up c;
	struct fault err = FAULT_INIT;

	assert_int_equal(schedule_read(&m, 0, &s, &err), 0);
	assert_true(schedule_next(&s, m.start_at - 1, &first));
	schedule_catch_up(
		&s, &first, &(struct due_now){now, first.due_ms, m.start_at + 60 * second}, &c);
	assert_true(c.runs);
	schedule_catch_up(
		&s, &first, &(struct due_now){now, first.due_ms, m.start_at + 61 * second}, &c);
	assert_false(c.runs);
}

/* Planned for 02:30 in Paris; at 20:00 in Tokyo a printer joins there: 02:30 has passed. */
static void who_joins_makes_nobody_late_fl_30(unused void **state)
{
	struct m_schedule m = {.form = SCHEDULE_FORM_EVERY_DAYS,
		.n = 1,
		.zone = "target",
		.time = "02:30",
		.start_at = ms("2027-01-01T00:00"),
		.catch_up = MISSED_FIRING_SKIP};
	const struct zone *zones[] = {zone_find("Europe/Paris"), zone_find("Asia/Tokyo")};
	int64_t now = ms("2027-01-09T20:00"), planned = ms("2027-01-10T01:30");
	struct schedule s;
	struct firing first;
	struct catch_up c;
	struct fault err = FAULT_INIT;

	assert_int_equal(schedule_read(&m, 0, &s, &err), 0);
	schedule_over(&s, &m, zones, 2);
	assert_true(schedule_next(&s, ms("2027-01-09T12:00"), &first));
	assert_int_equal(first.due_ms, ms("2027-01-09T17:30"));
	schedule_catch_up(&s, &first, &(struct due_now){now, planned, now}, &c);
	assert_true(c.runs);
	assert_int_equal(c.missed, 0);
	assert_string_equal(c.newest.local, "2027-01-10T02:30");
	assert_string_equal(c.next.local, "2027-01-11T02:30");
	/* nobody planned until the morning: that is late, for whoever is a member now */
	now = ms("2027-01-10T06:00");
	schedule_catch_up(&s, &first, &(struct due_now){now, planned, now}, &c);
	assert_false(c.runs);
}

static void a_start_deadline_of_its_own_fl_35(unused void **state)
{
	struct m_schedule m = {.form = SCHEDULE_FORM_EVERY_MINUTES,
		.n = 60,
		.start_at = ms("2027-01-01T00:00"),
		.start_deadline_ms = 600000};
	struct schedule s;
	struct firing first;
	struct fault err = FAULT_INIT;

	assert_int_equal(schedule_read(&m, 0, &s, &err), 0);
	assert_true(schedule_next(&s, m.start_at - 1, &first));
	assert_true(caught_up(&s, &first, ms("2027-01-01T01:10")).runs);
	assert_false(caught_up(&s, &first, ms("2027-01-01T01:10") + 1).runs);
}

static void a_leap_day_may_be_eight_years_away(unused void **state)
{
	struct m_schedule m = {.form = SCHEDULE_FORM_EVERY_MONTHS_DATE,
		.n = 12,
		.zone = "UTC",
		.time = "12:00",
		.date = "2096-02-29",
		.start_at = ms("2096-02-01T00:00"),
		.days = (const uint64_t[]){29},
		.days_n = 1};
	struct schedule s;
	struct firing f;
	struct fault err = FAULT_INIT;

	assert_int_equal(schedule_read(&m, 0, &s, &err), 0);
	assert_true(schedule_next(&s, ms("2096-03-01T00:00"), &f));
	assert_string_equal(f.local, "2104-02-29T12:00");
}

static void a_count_ends_it(unused void **state)
{
	struct m_schedule m = {.form = SCHEDULE_FORM_EVERY_WEEKS,
		.n = 1,
		.zone = "Europe/Paris",
		.time = "02:30",
		.start_at = ms("2027-03-01T00:00"),
		.weekdays = (const uint64_t[]){7, 3},
		.weekdays_n = 2,
		.count = 3};
	struct schedule s;
	struct firing f = {.due_ms = m.start_at - 1};
	struct fault err = FAULT_INIT;

	assert_int_equal(schedule_read(&m, 0, &s, &err), 0);
	for (int i = 0; i < 3; i++)
		assert_true(schedule_next(&s, f.due_ms, &f));
	assert_string_equal(f.local, "2027-03-10T02:30");
	assert_false(schedule_next(&s, f.due_ms, &f));
}

static void a_date_fires_once(unused void **state)
{
	struct m_schedule m = {.form = SCHEDULE_FORM_AT,
		.zone = "Europe/Paris",
		.time = "02:30",
		.date = "2027-03-28",
		.start_at = ms("2027-01-01T00:00")};
	struct schedule s;
	struct firing f = {.due_ms = m.start_at};
	struct fault err = FAULT_INIT;

	assert_int_equal(schedule_read(&m, 0, &s, &err), 0);
	assert_true(schedule_next(&s, f.due_ms, &f));
	assert_int_equal(f.due_ms, ms("2027-03-28T01:00"));
	assert_int_equal(f.fit, ZONE_GAP);
	assert_false(schedule_next(&s, f.due_ms, &f));
	m.start_at = ms("2027-03-28T12:00"); /* saved too late */
	assert_int_equal(schedule_read(&m, 0, &s, &err), -1);
}

static void wrong_schedules_are_refused(unused void **state)
{
	const struct m_schedule bad[] = {
		{.form = SCHEDULE_FORM_EVERY_MINUTES, .n = 0},
		{.form = SCHEDULE_FORM_EVERY_MINUTES, .n = 1441},
		{.form = SCHEDULE_FORM_EVERY_DAYS, .n = 1, .zone = "Europe/Paris", .time = "24:00"},
		{.form = SCHEDULE_FORM_EVERY_DAYS, .n = 1, .zone = "Europe/Paris", .time = "2:30"},
		{.form = SCHEDULE_FORM_EVERY_DAYS, .n = 1, .zone = "Europe/Paris", .time = NULL},
		{.form = SCHEDULE_FORM_EVERY_DAYS,
			.n = 1,
			.zone = "../../etc/passwd",
			.time = "02:30"},
		{.form = SCHEDULE_FORM_EVERY_DAYS, .n = 1, .zone = "Mars/Base", .time = "02:30"},
		{.form = SCHEDULE_FORM_EVERY_DAYS, .n = 0, .zone = "UTC", .time = "02:30"},
		{.form = SCHEDULE_FORM_AT, .zone = "UTC", .time = "02:30"},
		{.form = SCHEDULE_FORM_AT, .zone = "UTC", .time = "02:30", .date = "2027-02-29"},
		{.form = SCHEDULE_FORM_AT, .zone = "UTC", .time = "02:30", .date = "2027-13-01"},
		{.form = SCHEDULE_FORM_AT, .zone = "UTC", .time = "02:30", .date = "27-01-01"},
		{.form = SCHEDULE_FORM_EVERY_WEEKS, .n = 1, .zone = "UTC", .time = "02:30"},
		{.form = SCHEDULE_FORM_EVERY_WEEKS,
			.n = 1,
			.zone = "UTC",
			.time = "02:30",
			.weekdays = (const uint64_t[]){0},
			.weekdays_n = 1},
		{.form = SCHEDULE_FORM_EVERY_DAYS, /* weekdays belong to another form */
			.n = 1,
			.zone = "UTC",
			.time = "02:30",
			.weekdays = (const uint64_t[]){1},
			.weekdays_n = 1},
		{.form = SCHEDULE_FORM_EVERY_MONTHS_DATE, .n = 1, .zone = "UTC", .time = "02:30"},
		{.form = SCHEDULE_FORM_EVERY_MONTHS_WEEKDAY, /* which Monday? */
			.n = 1,
			.zone = "UTC",
			.time = "02:30",
			.weekdays = (const uint64_t[]){1},
			.weekdays_n = 1},
		{.form = SCHEDULE_FORM_EVERY_MONTHS_DATE, /* no February has 30 days */
			.n = 12,
			.zone = "UTC",
			.time = "02:30",
			.date = "2027-02-01",
			.days = (const uint64_t[]){30},
			.days_n = 1},
	};
	struct schedule s;

	for (size_t i = 0; i < array_len(bad); i++) {
		struct fault f = FAULT_INIT;
		assert_int_equal(schedule_read(&bad[i], 0, &s, &f), -1);
		assert_string_equal(f.reason, "schedule");
		assert_memory_equal(
			f.detail, "schedule.", 9); /* problem documents name the field */
	}
}

/* FL-30: an occurrence opens at its earliest instant over the zones of the members. */
static void each_target_at_its_own_time(unused void **state)
{
	struct m_schedule m = {.form = SCHEDULE_FORM_EVERY_DAYS,
		.n = 1,
		.zone = "target",
		.time = "02:30",
		.date = "2027-03-27",
		.count = 3};
	const struct zone *zones[] = {
		zone_find("America/New_York"), zone_find("Europe/Paris"), zone_find("Asia/Tokyo")};
	static const char *const fires[] = {
		"2027-03-26T17:30", "2027-03-27T17:30", "2027-03-28T17:30"};
	struct schedule s;
	struct fault err = FAULT_INIT;
	struct firing f = {.due_ms = ms("2027-03-26T00:00")};

	assert_true(schedule_by_target(&m));
	assert_int_equal(schedule_read(&m, ms("2027-03-25T00:00"), &s, &err), 0);
	schedule_over(&s, &m, zones, 3);
	for (size_t i = 0; i < array_len(fires); i++) {
		assert_true(schedule_next(&s, f.due_ms, &f));
		assert_int_equal(f.due_ms, ms(fires[i]));
		assert_ptr_equal(f.zone, zones[2]);
	}
	assert_string_equal(f.local, "2027-03-29T02:30");
	assert_false(schedule_next(&s, f.due_ms, &f)); /* the third is the last, in all zones */
	/* the last member in Tokyo has gone: the same occurrences come later, the gap counts */
	schedule_over(&s, &m, zones, 2);
	f.due_ms = ms("2027-03-27T12:00");
	assert_true(schedule_next(&s, f.due_ms, &f));
	assert_int_equal(f.due_ms, ms("2027-03-28T01:00"));
	assert_int_equal(f.fit, ZONE_GAP);
	assert_string_equal(f.local, "2027-03-28T02:30");
	schedule_over(&s, &m, NULL, 0); /* nobody: UTC */
	assert_true(schedule_next(&s, ms("2027-03-27T12:00"), &f));
	assert_int_equal(f.due_ms, ms("2027-03-28T02:30"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(dst_table),
		cmocka_unit_test(no_drift_after_a_gap), cmocka_unit_test(minutes_are_elapsed_time),
		cmocka_unit_test(the_newest_missed_firing_runs_once),
		cmocka_unit_test(a_firing_later_than_a_day_is_missed),
		cmocka_unit_test(catch_up_skip_runs_nothing_late_fl_35),
		cmocka_unit_test(to_wait_behind_others_is_not_to_be_missed_fl_35),
		cmocka_unit_test(who_joins_makes_nobody_late_fl_30),
		cmocka_unit_test(a_start_deadline_of_its_own_fl_35),
		cmocka_unit_test(a_leap_day_may_be_eight_years_away),
		cmocka_unit_test(a_count_ends_it), cmocka_unit_test(a_date_fires_once),
		cmocka_unit_test(each_target_at_its_own_time),
		cmocka_unit_test(wrong_schedules_are_refused)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
