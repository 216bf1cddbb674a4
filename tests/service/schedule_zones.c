// SPDX-License-Identifier: Apache-2.0
/* Ten years of firings of every form with days in twelve zones, each daylight-saving transition
 * among them, against PostgreSQL's arithmetic (docs/spec/fleet.md 4.1, 4.3, FL-28, FL-31, FL-32,
 * FL-34): both must name the same instants. */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "services/scheduler/schedule.h"
#include "tests/lib/psql.h"

#define FROM "2026-01-01"
#define FROM_MS ((int64_t)1767225600000) /* in UTC */
#define DAY_MS ((int64_t)86400000)
#define LAST "2035-12-31"

static const char *const zones[] = {"Europe/Paris", "Europe/London", "Europe/Dublin",
	"America/New_York", "America/Santiago", "America/Sao_Paulo", "Australia/Sydney",
	"Australia/Lord_Howe", "Africa/Casablanca", "Asia/Tokyo", "Asia/Gaza", "Pacific/Apia"};

static const struct rule {
	struct m_schedule m;
	/* The same for PostgreSQL: is day d, when it counts from FROM, one of them? */
	const char *sql;
} rules[] = {
	{{.form = SCHEDULE_FORM_EVERY_DAYS, .n = 1, .time = "00:00"}, "true"},
	{{.form = SCHEDULE_FORM_EVERY_DAYS, .n = 1, .time = "00:30"}, "true"},
	{{.form = SCHEDULE_FORM_EVERY_DAYS, .n = 1, .time = "01:45"}, "true"},
	{{.form = SCHEDULE_FORM_EVERY_DAYS, .n = 1, .time = "02:30"}, "true"},
	{{.form = SCHEDULE_FORM_EVERY_DAYS, .n = 3, .time = "03:00"},
		"(d - date '" FROM "') % 3 = 0"},
	{{.form = SCHEDULE_FORM_EVERY_WEEKS,
		 .n = 2,
		 .time = "02:30",
		 .weekdays = (const uint64_t[]){7, 1},
		 .weekdays_n = 2},
		"extract(isodow from d) in (1, 7) and "
		"(date_trunc('week', d)::date - date_trunc('week', date '" FROM
		"')::date) / 7 % 2 = 0"},
	{{.form = SCHEDULE_FORM_EVERY_MONTHS_DATE,
		 .n = 1,
		 .time = "02:30",
		 .days = (const uint64_t[]){29, 30, 31},
		 .days_n = 3},
		"extract(day from d) in (29, 30, 31)"},
	{{.form = SCHEDULE_FORM_EVERY_MONTHS_DATE,
		 .n = 5,
		 .time = "02:15",
		 .days = (const uint64_t[]){1},
		 .days_n = 1,
		 .last = true},
		"(extract(day from d) = 1 or extract(month from d + 1) <> extract(month from d)) "
		"and "
		"((extract(year from d) - 2026) * 12 + extract(month from d) - 1)::int % 5 = 0"},
	{{.form = SCHEDULE_FORM_EVERY_MONTHS_WEEKDAY,
		 .n = 1,
		 .time = "02:30",
		 .weekdays = (const uint64_t[]){7},
		 .weekdays_n = 1,
		 .last = true},
		"extract(isodow from d) = 7 and extract(month from d + 7) <> extract(month from "
		"d)"},
	{{.form = SCHEDULE_FORM_EVERY_MONTHS_WEEKDAY,
		 .n = 3,
		 .time = "01:30",
		 .weekdays = (const uint64_t[]){1, 7},
		 .weekdays_n = 2,
		 .ordinals = (const uint64_t[]){1, 2, 5},
		 .ordinals_n = 3},
		"extract(isodow from d) in (1, 7) and (extract(day from d)::int - 1) / 7 + 1 in "
		"(1, 2, 5) and "
		"((extract(year from d) - 2026) * 12 + extract(month from d) - 1)::int % 3 = 0"},
};

/* The instant of a local time: the earliest that shows it, or the first that shows a later one. */
static const char function[] =
	"create function due(l timestamp, z text) returns timestamptz stable language plpgsql as "
	"$$ "
	"declare t timestamptz := l at time zone z; "
	"  shift interval := ((t - interval '1 day') at time zone z - (t - interval '1 day') at "
	"time zone 'UTC') "
	"                  - ((t + interval '1 day') at time zone z - (t + interval '1 day') at "
	"time zone 'UTC'); "
	"begin "
	"  if t at time zone z = l and shift = interval '0' then return t; end if; "
	"  return coalesce( "
	"    (select min(c) from unnest(array[t, t - shift, t + shift]) c where c at time zone z = "
	"l), "
	"    (select min(c) from generate_series(t - interval '26 hours', t + interval '26 hours', "
	"       interval '15 minutes') c where c at time zone z > l)); "
	"end $$; create table fired (due timestamptz)";

static char out[4096];
static int n_tests;

static void fire(const struct rule *rule, const char *zone)
{
	struct m_schedule m = rule->m;
	struct schedule s;
	struct fault f = FAULT_INIT;
	struct firing firing = {.due_ms = FROM_MS - DAY_MS};
	struct buf sql = BUF_INIT;

	m.zone = zone;
	m.start_at = FROM_MS - DAY_MS;
	m.date = FROM;
	if (schedule_read(&m, 0, &s, &f) < 0) {
		(void)fprintf(stderr, "%s\n", f.detail);
		exit(1);
	}
	buf_adds(&sql,
		"truncate fired; insert into fired select to_timestamp(s) from unnest(array[0");
	while (schedule_next(&s, firing.due_ms, &firing) && strncmp(firing.local, LAST, 10) <= 0)
		buf_addf(&sql, ",%lld", (long long)firing.due_ms / 1000);
	buf_adds(&sql, "]::bigint[]) s where s > 0");
	psql(buf_str(&sql), out, sizeof(out));
	buf_fini(&sql);
}

static bool same(const struct rule *rule, const char *zone)
{
	struct buf sql = BUF_INIT;

	buf_addf(&sql,
		"with wanted as (select distinct due(d + time '%s', '%s') due from (select x::date "
		"d from "
		"generate_series(date '" FROM "', date '" LAST
		"', interval '1 day') x) y where %s), "
		"d as ((table wanted except table fired) union all (table fired except table "
		"wanted)) "
		"select (select count(*) from wanted) || ' of them; ' || coalesce((select "
		"string_agg(due::text, ' ') "
		"from (select due from d order by 1 limit 5) z), 'same')",
		rule->m.time, zone, rule->sql);
	psql(buf_str(&sql), out, sizeof(out));
	buf_fini(&sql);
	return strstr(out, "; same") != NULL && strncmp(out, "0 ", 2) != 0;
}

int main(void)
{
	psql(function, out, sizeof(out));
	for (size_t k = 0; k < array_len(rules); k++) {
		for (size_t i = 0; i < array_len(zones); i++) {
			fire(&rules[k], zones[i]);
			(void)printf("%s %d - %s, rule %zu at %s: %s\n",
				same(&rules[k], zones[i]) ? "ok" : "not ok", ++n_tests, zones[i], k,
				rules[k].m.time, out);
		}
	}
	(void)printf("1..%d\n", n_tests);
	return 0;
}
