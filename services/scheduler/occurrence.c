// SPDX-License-Identifier: Apache-2.0
#include "services/scheduler/occurrence.h"

#include "common/clock/zone.h"

#define DAY_S 86400
#define MONTHS_OF_400_YEARS 4800

/* 0 = Monday; 1970-01-01 was a Thursday */
static int64_t weekday_of(int64_t day)
{
	return ((day + 3) % 7 + 7) % 7;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int64_t week_of(int64_t day)
{
	return floor_div(day + 3, 7);
}

static int64_t month_of(int64_t day)
{
	struct zone_time t = zone_calendar(day * DAY_S);

	return (int64_t)t.year * 12 + t.month - 1;
}

static int64_t first_of(int64_t month)
{
	return zone_floating(&(struct zone_time){.year = (int)floor_div(month, 12),
		       .month = (int)(month - floor_div(month, 12) * 12) + 1,
		       .day = 1}) /
	       DAY_S;
}

static bool in_months(const struct occurrence_rule *r)
{
	return r->form == SCHEDULE_FORM_EVERY_MONTHS_DATE ||
	       r->form == SCHEDULE_FORM_EVERY_MONTHS_WEEKDAY;
}

static int64_t unit_of(const struct occurrence_rule *r, int64_t day)
{
	if (in_months(r))
		return month_of(day);
	return r->form == SCHEDULE_FORM_EVERY_WEEKS ? week_of(day) : day;
}

int64_t occurrence_unit(const struct occurrence_rule *r, int64_t day)
{
	return floor_div(unit_of(r, day) - unit_of(r, r->first), r->n);
}

int64_t occurrence_horizon(const struct occurrence_rule *r)
{
	return r->form == SCHEDULE_FORM_AT ? 1 : MONTHS_OF_400_YEARS;
}

/* May this day of a month with `length` days fire? */
static bool month_wants(const struct occurrence_rule *r, int64_t day, int64_t nth, int64_t length)
{
	bool last = nth == length - 1;

	if (r->form == SCHEDULE_FORM_EVERY_MONTHS_DATE)
		return (r->days >> nth & 1) != 0 || (r->last && last);
	return (r->weekdays >> weekday_of(day) & 1) != 0 &&
	       ((r->ordinals >> (nth / 7) & 1) != 0 || (r->last && nth + 7 >= length));
}

size_t occurrence_days(
	const struct occurrence_rule *r, int64_t k, int64_t days[static OCCURRENCE_DAYS_MAX])
{
	int64_t unit = unit_of(r, r->first) + k * r->n, from = unit, to = unit + 1;
	size_t n = 0;

	if (r->form == SCHEDULE_FORM_AT && k != 0)
		return 0;
	if (r->form == SCHEDULE_FORM_EVERY_WEEKS) {
		from = unit * 7 - 3;
		to = from + 7;
	} else if (in_months(r)) {
		from = first_of(unit);
		to = first_of(unit + 1);
	}
	for (int64_t day = from; day < to; day++) {
		bool wanted = true;
		if (r->form == SCHEDULE_FORM_EVERY_WEEKS)
			wanted = (r->weekdays >> weekday_of(day) & 1) != 0;
		else if (in_months(r))
			wanted = month_wants(r, day, day - from, to - from);
		if (wanted && day >= r->first)
			days[n++] = day;
	}
	return n;
}
