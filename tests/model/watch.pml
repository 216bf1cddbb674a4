/* SPDX-License-Identifier: Apache-2.0 */
/* The watch rule (docs/spec/locks.md section 7.1): one lease and the quarantine after it, an instance that looks at the
 * clock of the database, and that clock, which steps. A tick is the step that the watch overlooks (STEP_MS).
 *
 * Assumed: a step that is taken back lasts at least until the next look. RELIEVED takes the assumption away.
 * PROMPT: nobody is late and no clock steps; then the claims say how soon an end comes. */
#include "claim.pml"

#define LEASE 4
#define QUARANTINE 3
#define EXTENSION 2
#define TOLERANCE 1
#define LONGEST 11
#define WAIT 3

#define LIVE 1
#define QUARANTINED 2
#define OVER 3

byte state = LIVE;
short left = LEASE;     /* until its end, by the clock of the database */
byte length = LEASE;    /* of the lease, or of the quarantine with all its extensions */
byte age;               /* real time since it began; only the claims know */

/* ---- the instance ---- */

bit seen;               /* it has looked at all */
byte watched;           /* real time since the watch began, up to the last look */
byte unseen;            /* real time since the last look */
short low, high;        /* clock of the database now, less the lowest and the highest it was seen at while watching,
                         * each beside the own clock */

/* ---- the world ---- */

byte steps = 3;         /* how many there may still be */
bit looked = true;      /* since the last step */

#define up(x, most) x = ((x < most) -> x + 1 : x)

#ifdef CREEP            /* only the last look is remembered, as if each step came alone */
#define stepped (low > TOLERANCE || low < 0 - TOLERANCE)
#define remember() low = 0; high = 0
#else
#define stepped (low > TOLERANCE || high < 0 - TOLERANCE)
#define remember() low = ((low < 0) -> 0 : low); high = ((high > 0) -> 0 : high)
#endif
#ifdef NO_WATCH
#define may_end true
#else
#define may_end (seen && !stepped)
#endif
#ifdef NO_WATCH
#define watched_for(n) true
#else
#define watched_for(n) (watched >= n)
#endif
#ifdef SHORT_WATCH      /* what was added to a quarantine is not watched */
#define quarantine_watched watched_for(QUARANTINE)
#else
#define quarantine_watched watched_for(length)
#endif

#ifdef PROMPT
bit swept;              /* in this second */
byte waits;             /* a waiter: real time since it began to */
bit waiting = true;
byte born;              /* real time since this instance began to look, when the lease began */
#endif

active proctype Instance()
{
	do
	/* a look: a step starts the watch anew */
	:: atomic {
		!seen || stepped -> seen = true; watched = 0; unseen = 0; low = 0; high = 0; looked = true
	}
	:: atomic {
		seen && !stepped && (unseen > 0 || !looked) ->
		watched = watched + unseen;
		watched = ((watched > LONGEST) -> LONGEST : watched);
		unseen = 0;
		remember();
		looked = true
	}
	/* nobody answered, or the database is another one: no watch */
	:: atomic { seen -> seen = false; watched = 0; unseen = 0; low = 0; high = 0 }
	/* an end, decided in a transaction that looks at both clocks again */
	:: atomic {
		state == LIVE && left <= 0 && watched_for(LEASE) && may_end ->
		claim(10, age + TOLERANCE >= LEASE);
		state = QUARANTINED; left = QUARANTINE; length = QUARANTINE; age = 0
	}
	:: atomic {
		state == QUARANTINED && left <= 0 && quarantine_watched && may_end ->
		claim(10, age + TOLERANCE >= length);
		state = OVER; left = 0; length = 0; age = 0
	}
	od
}

active proctype World()
{
	do
	:: atomic {
		state != OVER || seen ->
		left = ((left > 0 - LONGEST) -> left - 1 : left);
		up(age, LONGEST);
		if
		:: seen -> up(unseen, LONGEST)
		:: else
		fi
	}
	:: atomic { state == LIVE -> left = LEASE; age = 0 } /* renewed */
	:: atomic { state == QUARANTINED && length == QUARANTINE -> left = left + EXTENSION; length = length + EXTENSION }
#ifdef RELIEVED
#define may_step (steps > 0)
#else
#define may_step (steps > 0 && looked)
#endif
#define step(n) steps--; looked = false; left = left - n; low = low + n; high = high + n
	:: atomic { may_step -> step(1) }
	:: atomic { may_step -> step(-1) }
	:: atomic { may_step -> step(4) }
	:: atomic { may_step -> step(-4) }
	od
}
