// SPDX-License-Identifier: Apache-2.0
/* Local times and days as people write them, on a calendar without zones. Pure. */
#pragma once

#include "common/base/base.h"

/* "HH:MM", up to "24:00" = the end of the day, in seconds of the day. */
bool local_time(const char *text, int64_t *ret_s);
/* "YYYY-MM-DD", a day that exists, counted from 1970-01-01. */
bool local_day(const char *text, int64_t *ret_day);
/* "YYYY-MM-DDTHH:MM" in floating seconds. */
bool local_moment(const char *text, int64_t *ret_floating);
