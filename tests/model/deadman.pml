/* SPDX-License-Identifier: Apache-2.0 */
/* One timer for a whole worker process (docs/spec/locks.md section 10): two sessions with a lock each, granted, renewed
 * together, lost, cut and released at any time; the loop may be stuck for ever. No lock ends while its session lives. */
#include "claim.pml"

#define SESSIONS 2
#define LEASE 4
#define HARD 1
#define NEVER 255

bit live[SESSIONS];     /* the row */
byte left[SESSIONS];    /* of its lease */
bit counted[SESSIONS];  /* the session believes in its lock, until … */
byte lock_end[SESSIONS];
byte armed = NEVER;     /* the kernel kills the process in so many ticks */
bit dead;
byte since;             /* between sending and answer */

hidden byte i;
#define min(a, b) ((a < b) -> a : b)
#define ends(s) ((counted[s]) -> lock_end[s] - HARD : NEVER)
#ifdef LATEST
#define first_end ((ends(0) == NEVER || ends(1) == NEVER) -> min(ends(0), ends(1)) : LEASE - min(LEASE - ends(0), LEASE - ends(1)))
#else
#define first_end min(ends(0), ends(1))
#endif
#define rearm() armed = first_end
#ifdef ONE_DISARMS
#define left_one() armed = NEVER
#else
#define left_one() rearm()
#endif
#ifdef FIRST_GRANT_ONLY
#define is_earlier (armed == NEVER)
#else
#define is_earlier (armed == NEVER || lock_end[s] - HARD < armed)
#endif

active [SESSIONS] proctype Session()
{
#define s _pid
	do
	/* a grant whose answer was under way for a while; one that comes too late is not believed */
	:: atomic {
		!dead && !counted[s] && !live[s] ->
		select(since : 0 .. LEASE - HARD - 1);
		live[s] = true;
		left[s] = LEASE - since;
		counted[s] = true;
		lock_end[s] = LEASE - since;
		since = 0;
		if
		:: is_earlier -> rearm()
		:: else
		fi
	}
	/* released, cut, or told that it is lost: the row stays until its end */
	:: atomic { !dead && counted[s] -> counted[s] = false; lock_end[s] = 0; left_one() }
	:: atomic { live[s] && !counted[s] -> live[s] = false; left[s] = 0 }
	:: atomic {
		live[s] && left[s] == 0 ->
		claim(ENDS_FIRST, dead || !counted[s]);
		live[s] = false
	}
	od
#undef s
}

active proctype Process()
{
	do
	/* one call for all locks, and its answer in the same tick or later */
	:: atomic {
		!dead && (counted[0] && left[0] > 0 || counted[1] && left[1] > 0) ->
		select(since : 0 .. 1);
		for (i : 0 .. SESSIONS - 1) {
			if
			:: counted[i] -> left[i] = LEASE - since; lock_end[i] = LEASE - since
			:: else
			fi
		}
		since = 0;
		rearm()
	}
	:: atomic { /* time */
		true ->
		for (i : 0 .. SESSIONS - 1) {
			left[i] = ((left[i] > 0) -> left[i] - 1 : 0);
			lock_end[i] = ((lock_end[i] > 0) -> lock_end[i] - 1 : 0)
		}
		if
		:: armed == NEVER
		:: armed <= 1 -> dead = true; armed = NEVER; counted[0] = false; counted[1] = false; lock_end[0] = 0; lock_end[1] = 0
		:: else -> armed--
		fi
	}
	:: atomic { dead -> dead = false } /* another process in its place */
	od
}
