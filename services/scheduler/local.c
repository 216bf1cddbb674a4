// SPDX-License-Identifier: Apache-2.0
#include "services/scheduler/local.h"

#include <stdio.h>

#include "common/clock/zone.h"

#define DAY_S ((int64_t)86400)

/* Digits of a fixed form, '0' in it standing for any: "00:00", "0000-00-00". */
static bool looks_like(const char *s, const char *shape)
{
	for (; s != NULL && *shape != '\0'; s++, shape++) {
		if (*shape == '0' ? *s < '0' || *s > '9' : *s != *shape)
			return false;
	}
	return s != NULL && *s == '\0';
}

bool local_time(const char *text, int64_t *ret_s)
{
	int hour, minute;

	if (!looks_like(text, "00:00") || sscanf(text, "%2d:%2d", &hour, &minute) != 2 ||
		minute > 59 || hour * 60 + minute > 24 * 60)
		return false;
	*ret_s = hour * 3600 + minute * 60;
	return true;
}

/* A day that does not exist comes back as another one. */
bool local_day(const char *text, int64_t *ret_day)
{
	struct zone_time t = {0}, back;

	if (!looks_like(text, "0000-00-00") ||
		sscanf(text, "%4d-%2d-%2d", &t.year, &t.month, &t.day) != 3 || t.year < 1970 ||
		t.month < 1 || t.month > 12)
		return false;
	*ret_day = zone_floating(&t) / DAY_S;
	back = zone_calendar(*ret_day * DAY_S);
	return back.month == t.month && back.day == t.day;
}

bool local_moment(const char *text, int64_t *ret_floating)
{
	char day[11];
	int64_t days, s;

	if (!looks_like(text, "0000-00-00T00:00"))
		return false;
	(void)snprintf(day, sizeof(day), "%.10s", text);
	if (!local_day(day, &days) || !local_time(text + 11, &s))
		return false;
	*ret_floating = days * DAY_S + s;
	return true;
}
