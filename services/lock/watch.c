// SPDX-License-Identifier: Apache-2.0
/* Two clocks side by side; pure. */
#include "services/lock/watch.h"

enum { STEP_MS = 1000, GAP_MS = 5000 };

int64_t watch_drift(const struct lock_watch *w, int64_t db_ms, uint64_t boot_ms)
{
	return (db_ms - w->db_ms) - (int64_t)(boot_ms - w->boot_ms);
}

static bool is_step(const struct lock_watch *w, int64_t most, int64_t least)
{
	return most - w->most > STEP_MS || w->least - least > STEP_MS;
}

bool watch_stepped(const struct lock_watch *w, int64_t db_ms, uint64_t boot_ms)
{
	int64_t ahead = db_ms - (int64_t)boot_ms;

	return is_step(w, ahead, ahead);
}

uint64_t watch_length(const struct lock_watch *w)
{
	return w->seen ? w->boot_ms - w->since : 0;
}

enum lock_look watch_look(
	struct lock_watch *w, int64_t db_ms, uint64_t asked_ms, uint64_t answered_ms)
{
	int64_t most = db_ms - (int64_t)asked_ms, least = db_ms - (int64_t)answered_ms;
	enum lock_look look = !w->seen                            ? LOCK_LOOK_FIRST
			      : is_step(w, most, least)           ? LOCK_LOOK_STEPPED
			      : answered_ms - w->boot_ms > GAP_MS ? LOCK_LOOK_LATE
								  : LOCK_LOOK_STEADY;

	/* the answer was made at any time in between: a step forward may look like none */
	if (answered_ms - asked_ms > STEP_MS)
		return LOCK_LOOK_SLOW;
	if (look != LOCK_LOOK_STEADY) {
		w->since = asked_ms;
		w->most = most;
		w->least = least;
	}
	w->most = most < w->most ? most : w->most;
	w->least = least > w->least ? least : w->least;
	w->seen = true;
	w->db_ms = db_ms;
	w->boot_ms = asked_ms;
	return look;
}
