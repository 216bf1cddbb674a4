// SPDX-License-Identifier: Apache-2.0
/* Time zones: local calendar time to instants and back, after docs/spec/fleet.md 4.3 (FL-31..34).
 * Reads the system's compiled zone data (tzdata, RFC 8536) itself: libical 3.0 as packaged differs
 * from it for hundreds of days in zones that gave up daylight saving (Sao Paulo, Gaza), and libc
 * knows one zone per process. Loaded zones are kept until the process ends. Loop thread only. */
#pragma once

#include "common/base/base.h"

struct zone;

/* NULL when the name is not an IANA zone of this system. "UTC" always exists. */
const struct zone *zone_find(const char *name) must_check;
/* Seconds east of UTC at an instant (Unix seconds). */
int32_t zone_offset(const struct zone *z, int64_t instant);

struct zone_time {
	int year, month, day; /* month and day from 1 */
	int hour, minute, second;
};

/* Floating time: seconds from 1970-01-01 00:00 on a calendar without zones. */
int64_t zone_floating(const struct zone_time *t);
struct zone_time zone_calendar(int64_t floating);

enum zone_fit {
	ZONE_ONE,     /* the usual */
	ZONE_GAP,     /* the local time does not exist: the first instant after the jump */
	ZONE_OVERLAP, /* it exists twice: the earlier one */
};
/* The instant of a local time given as floating seconds. ret_fit may be NULL. */
int64_t zone_instant(const struct zone *z, int64_t floating, enum zone_fit *ret_fit);
/* The same, but of a local time that exists twice the later one: where something ends (FL-41). */
int64_t zone_instant_last(const struct zone *z, int64_t floating);
