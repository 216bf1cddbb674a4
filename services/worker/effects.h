// SPDX-License-Identifier: Apache-2.0
/* What a grant asks of us for as long as the lock is held (locks.md section 4, D9):
 *
 *   keep_awake      the device is asked over SNMP what it does, at least every awake_ms
 *   watch_shutdown  those answers may say that somebody switches it off: before the first changing
 *                   call the device is left, the job waits (C1, C2); after it the job goes on as
 *                   far as it comes, and the next attempt looks (C3, C4). The history says so
 *   pause_sync      the device pauses its synchronisation by itself; where it was seen to run
 *                   before, it is looked at after the lock went back
 *
 * The questions go beside whatever the adapter does, in an errand of their own. */
#pragma once

#include "common/base/fault.h"
#include "gen/msg.h"

struct session;
struct watch;

struct effects {
	bool keep_awake, watch_shutdown, pause_sync;
	bool synced;         /* it ran before the lock was asked for */
	bool shutdown;       /* seen while the lock was held */
	bool sync_stopped;   /* it does not run again */
	uint64_t asked_at;   /* boot-time ms */
	struct watch *watch; /* NULL = not yet */
};

/* 0, or -1: an effect that is not known here, so that nothing may be done (D9). */
int effects_take(struct session *s, const struct m_lock_answer *a, struct fault *reterr) must_check;
/* Called often while the job lives. */
void effects_beat(struct session *s);
/* Nothing is heard any more. */
void effects_stop(struct session *s);
/* The lock goes back. true: a last look is under way, session_looked_after() follows. */
bool effects_after(struct session *s) must_check;
/* A device that somebody switches off is not to be blamed. NULL = f stands. */
const struct fault *effects_excuse(const struct session *s, const struct fault *f);
/* For the history; NULL = nothing. */
const char *effects_word(const struct session *s);
