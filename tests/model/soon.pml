/* SPDX-License-Identifier: Apache-2.0 */
/* How soon (docs/spec/locks.md, I8 and the second half of I10): while the database answers, no clock steps and one
 * instance sweeps every tick, a waiter is answered in time, though it never asks again, and what a dead holder left is
 * ended, though the instance is restarted once. A tick is the time between two sweeps. */
#include "claim.pml"

#define LEASE 4
#define WAIT 3
#define LATE 2 /* the bound: 2 s */
#define LONGEST 11

bit live = true;       /* the lock of a dead holder */
byte left = LEASE, age;
bit again;             /* one more length: the instance that watched was restarted meanwhile */

bit waits = true;
byte waited;

byte watched;
bit swept, restarted;

active proctype Instance()
{
	atomic { select(watched : 0 .. LEASE); again = (watched < LEASE) }
end:	do
	:: atomic {
		!swept ->
		swept = true;
		if
		:: live && left == 0 && watched >= LEASE -> live = false
		:: else
		fi;
#ifndef NO_SWEEP_OF_WAITERS
		if
		:: waits && waited >= WAIT -> waits = false
		:: else
		fi
#endif
	}
	:: atomic { !restarted -> restarted = true; again = live; watched = 0 }
	od
}

active proctype Waiter()
{
end:	atomic { waits && waited >= WAIT -> waits = false } /* asks: busy; or never does */
}

active proctype Time()
{
	do
	:: atomic {
		swept && (live || waits) ->
		swept = false;
		left = ((left > 0) -> left - 1 : 0);
		age = ((age < LONGEST) -> age + 1 : age);
		waited = ((waited < LONGEST) -> waited + 1 : waited);
		watched = ((watched < LONGEST) -> watched + 1 : watched);
		claim(8, !waits || waited <= WAIT + LATE);
		claim(10, !live || age <= LEASE + LATE || again && age <= 2 * LEASE + LATE)
	}
	:: !live && !waits -> break
	od
}
