// SPDX-License-Identifier: Apache-2.0
/* Watching an up time. */
#include "services/worker/adapters/uptime.h"

enum {
	GOES_WITHIN = 24, /* paces: 2 min of 5 s */
	BACK_WITHIN = 180,
	SLACK = 200, /* of two clocks, in hundredths of a second */
};

static enum uptime_says wait_more(const struct uptime *u)
{
	if (u->waited_ms >= (uint64_t)BACK_WITHIN * u->pace_ms)
		return UPTIME_LOST;
	if (!u->gone && u->waited_ms >= (uint64_t)GOES_WITHIN * u->pace_ms)
		return UPTIME_STAYED;
	return UPTIME_WAIT;
}

enum uptime_says uptime_answered(struct uptime *u, int64_t up, bool down)
{
	/* an answer after a silence proves nothing by itself: a packet may have been lost */
	u->gone = up < u->before || up + SLACK < u->before + (int64_t)(u->waited_ms / 10);
	return u->gone && !down ? UPTIME_BACK : wait_more(u);
}

enum uptime_says uptime_silent(struct uptime *u, uint32_t ms)
{
	u->gone = true;
	u->waited_ms += ms;
	return wait_more(u);
}
