// SPDX-License-Identifier: Apache-2.0
/* The watch rule (locks.md section 7.1): how long one instance has itself watched the database
 * clock without a step, on its own boot-time clock. Pure. */
#pragma once

#include "common/base/base.h"

struct lock_watch {
	bool seen;           /* there was a look since the start, or since nobody could look */
	int64_t db_ms;       /* what the database said at the last look, and … */
	uint64_t boot_ms;    /* … own clock just before it was asked */
	uint64_t since;      /* own clock; no step since */
	int64_t most, least; /* since then the database clock was at some time no further ahead of
				the own than `most`, and at some time at least `least` ahead */
};

enum lock_look {
	LOCK_LOOK_FIRST,
	LOCK_LOOK_STEADY,
	LOCK_LOOK_STEPPED, /* of either clock: the watch starts anew */
	LOCK_LOOK_LATE,    /* the last look is so long ago that two opposite steps may lie between:
			      who does not look does not watch; it starts anew */
	LOCK_LOOK_SLOW,    /* the answer took so long that it could hide a step: as if not looked */
};

/* asked, answered: own clock before and after. */
enum lock_look watch_look(
	struct lock_watch *w, int64_t db_ms, uint64_t asked_ms, uint64_t answered_ms);
uint64_t watch_length(const struct lock_watch *w);
/* How far the two clocks moved apart since the last look. */
int64_t watch_drift(const struct lock_watch *w, int64_t db_ms, uint64_t boot_ms);
/* Whether they moved apart by a step since the watch began, be it bit by bit. */
bool watch_stepped(const struct lock_watch *w, int64_t db_ms, uint64_t boot_ms);
