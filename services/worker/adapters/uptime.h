// SPDX-License-Identifier: Apache-2.0
/* Has it restarted? A device's up time falls, or is less than it would be by now; in between the
 * device may be silent (DV-21). No clock is read: who watches says how long it waited. Pure. */
#pragma once

#include "common/base/base.h"

struct uptime {
	int64_t before; /* hundredths of a second */
	uint32_t pace_ms;
	uint64_t waited_ms; /* since the restart was asked for, at least */
	bool gone;          /* silent, or up anew */
};

enum uptime_says {
	UPTIME_WAIT,   /* look again */
	UPTIME_BACK,   /* restarted, and up */
	UPTIME_STAYED, /* 24 paces, and it never went */
	UPTIME_LOST,   /* 180 paces, and it is not back */
};

/* A question was answered: up for so long; down = it answers, and is not ready. */
enum uptime_says uptime_answered(struct uptime *u, int64_t up, bool down);
/* A question was not answered, for at least so long. */
enum uptime_says uptime_silent(struct uptime *u, uint32_t ms);
