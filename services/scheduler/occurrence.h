// SPDX-License-Identifier: Apache-2.0
/* The days on which a schedule fires, on a calendar without zones (docs/spec/fleet.md 4.1). Unit k
 * is the k-th day, week or month that counts, 0 = that of the start; a unit is found without
 * walking there from the start. Days are counted from 1970-01-01. Pure. */
#pragma once

#include "common/base/base.h"
#include "gen/msg.h"

#define OCCURRENCE_DAYS_MAX 31u

struct occurrence_rule {
	enum schedule_form form;
	int64_t n;         /* every n-th unit; 1 or more */
	int64_t first;     /* no day before it */
	uint32_t weekdays; /* bit 0 = Monday */
	uint32_t days;     /* of the month; bit 0 = the first */
	uint32_t ordinals; /* of weekdays in the month; bit 0 = the first */
	bool last;         /* the last day, or the last of each weekday, too */
};

/* The unit that holds a day, or the nearest before it that counts. */
int64_t occurrence_unit(const struct occurrence_rule *r, int64_t day);
/* The days of unit k, ascending; a day that a month does not have is not among them (FL-28). */
size_t occurrence_days(
	const struct occurrence_rule *r, int64_t k, int64_t days[static OCCURRENCE_DAYS_MAX]);
/* How many units may pass without any day: calendars repeat after 400 years. */
int64_t occurrence_horizon(const struct occurrence_rule *r);
