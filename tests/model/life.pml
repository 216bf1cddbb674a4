/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a lock (docs/spec/locks.md sections 7, 9, 10): one printer that cannot check a token, one storage that
 * can, two workers of which one asks twice, any number of instances of the lock service, one database, and with
 * FAILOVER a standby that lost what was committed after some moment.
 *
 * Everybody may be late or frozen for ever: nothing must happen, but that a kernel timer fires (tick). Messages are
 * lost, doubled and late. Time is in ticks; every clock is kept as what is left or has passed, so that it never ends. */
#include "claim.pml"

#ifndef REQUESTS
#define REQUESTS 2 /* worker 0 asks 0 (and then 2), worker 1 asks 1 */
#endif
#define WORKERS 2
#define OWNER(q) ((q) & 1)
#define NOBODY REQUESTS

#define LEASE 3
#define HARD 1 /* margin of the dead-man */
#define QUARANTINE 2
#define LONGEST 3 /* a clock that counts up stops here */

/* ---- the database ---- */

#define FRESH 0 /* of a request: never heard of */
#define LIVE 1
#define QUARANTINED 2
#define ATTENTION 3
#define OVER 4

byte state[REQUESTS], token[REQUESTS];
byte left[REQUESTS];  /* until its end, by the clock of the database */
bit clear[REQUESTS];  /* a probe since then saw nothing of it */
bit shared[REQUESTS]; /* a transaction of storage reads this row FOR SHARE */
byte last;            /* token of the device row */
byte timeline = 1;
#ifdef FAILOVER
byte failover;
#define SHIPPED 1
#define DONE 2
#endif
byte watched;         /* how long the instance that has watched longest has, without a step */

/* what only the claims know */
byte age[REQUESTS];   /* real time since the last renewal, or since quarantine began */
byte first[REQUESTS]; /* the token that this request was answered with */
byte issued;          /* the highest token there ever was */
byte began;           /* the highest token that ever began a call at the printer */

/* ---- workers ---- */

#define IDLE 0
#define ASKING 1
#define HOLDING 2
#define DEAD 3

#define NOTHING 0

#define ACQUIRE 1
#define RENEW 2

#define GRANTED 1
#define BUSY 2
#define RENEWED 3
#define LOST 4

byte phase[WORKERS];
byte current[WORKERS];  /* the request it is at */
byte sent[WORKERS];     /* the call that waits for its answer … */
byte since[WORKERS];    /* … and how long ago it was sent */
byte answer[WORKERS], remaining[WORKERS];
byte given[WORKERS];    /* its token */
byte lock_end[WORKERS]; /* what is left by its own clock; the dead-man is armed while HOLDING */

/* messages under way; each may arrive at any time, and again */
bit asked[REQUESTS], prolonged[REQUESTS], put[REQUESTS];
byte freed[REQUESTS];
#define CLEAN 1
#define UNSURE 2

/* ---- the printer ---- */

byte running = NOBODY; /* the request whose call it executes */
byte seen;             /* a probe under way */
#define SAW_NOTHING 1
#define SAW_WORK 2
bit stale;             /* … that looked before the lock was cut off */

hidden byte i;
#define each(i, n) for (i : 0 .. n - 1)

#define blocks(q) (state[q] == LIVE || state[q] == QUARANTINED || state[q] == ATTENTION)
#if REQUESTS == 2
#define others_block(q) blocks((1 - q))
#else
#define others_block(q) (q != 0 && blocks(0) || q != 1 && blocks(1) || q != 2 && blocks(2))
#endif

/* ---- what the rules are, and what is left of them when a bug is planted ---- */

#ifdef NO_TIMELINE
#define next_token(l) (l + 1)
#else
#define next_token(l) ((l + 1 > timeline * 16) -> l + 1 : timeline * 16)
#endif
#ifdef NO_IDEMPOTENCY
#define known(q) false
#else
#define known(q) (state[q] != FRESH)
#endif
#ifdef REMAINING_UNBOUND
#define remaining_of(q) left[q]
#else
#define remaining_of(q) ((left[q] < LEASE) -> left[q] : LEASE)
#endif
#ifdef NO_WATCH
#define watched_for(n) true
#else
#define watched_for(n) (watched >= n)
#endif
#ifdef NO_SHARE
#define may_write(q) true
#else
#define may_write(q) (!shared[q])
#endif
#ifdef NO_TOKEN_CHECK
#define passes(q) true
#else
#define passes(q) (state[q] == LIVE && token[q] == first[q] && left[q] > 0)
#endif
#ifdef NO_DEADMAN
#define too_late(w) false
#else
#define too_late(w) (phase[w] == HOLDING && lock_end[w] <= HARD)
#endif
#ifdef GRACE
#define new_grants (failover != DONE || watched >= LEASE && running == NOBODY)
#else
#define new_grants true
#endif
#ifdef STALE_PROBE
#define is_news true
#else
#define is_news (!stale)
#endif

/* ---- transactions of the lock service: each holds the device row ---- */

#define set(q, to, time) state[q] = to; left[q] = time; age[q] = 0; clear[q] = 0

inline grant(q)
{
	last = next_token(last);
	claim(1, !others_block(q));
	claim(2, last > issued);
	claim(9, first[q] == 0);
	token[q] = last;
	first[q] = last;
	issued = last;
	set(q, LIVE, LEASE)
}

#ifdef NO_QUARANTINE
#define quarantine(q) set(q, OVER, 0)
#else
#define quarantine(q) set(q, QUARANTINED, QUARANTINE); stale = (seen != NOTHING)
#endif

#define send(w, what) sent[w] = what; since[w] = 0
#define tell(w, what, time) answer[w] = what; remaining[w] = time
#define heard(w) send(w, NOTHING); tell(w, NOTHING, 0)
#define rest(w, next) phase[w] = next; heard(w); given[w] = 0; lock_end[w] = 0
#define next_request(w) rest(w, IDLE); current[w] = current[w] + 2

#define waits_for(q, what) (current[OWNER(q)] == q && sent[OWNER(q)] == what && answer[OWNER(q)] == NOTHING)

/* All instances, at one request. */
active [REQUESTS] proctype Service()
{
#define q _pid
	do
	/* acquire, whether its answer arrives or not */
	:: atomic { asked[q] && !known(q) && !others_block(q) && may_write(q) && new_grants -> grant(q) }
	:: atomic {
		waits_for(q, ACQUIRE) && state[q] == LIVE ->
		given[OWNER(q)] = token[q];
		tell(OWNER(q), GRANTED, remaining_of(q))
	}
	:: atomic { waits_for(q, ACQUIRE) && state[q] == FRESH && others_block(q) -> tell(OWNER(q), BUSY, 0) }
	:: atomic { waits_for(q, ACQUIRE) && state[q] > LIVE -> tell(OWNER(q), LOST, 0) }
	/* renew */
	:: atomic { prolonged[q] && state[q] == LIVE && may_write(q) -> set(q, LIVE, LEASE) }
	:: atomic {
		waits_for(q, RENEW) && state[q] == LIVE && given[OWNER(q)] == token[q] && may_write(q) ->
		set(q, LIVE, LEASE);
		tell(OWNER(q), RENEWED, LEASE)
	}
	:: atomic { waits_for(q, RENEW) && (state[q] != LIVE || given[OWNER(q)] != token[q]) -> tell(OWNER(q), LOST, 0) }
	/* release */
	:: atomic { freed[q] == CLEAN && state[q] == LIVE && may_write(q) -> set(q, OVER, 0) }
	:: atomic { freed[q] == UNSURE && state[q] == LIVE && may_write(q) -> quarantine(q) }
#ifdef OLD_OWNER
	/* whoever asks: what is live on the device is released */
	:: atomic { freed[0] != NOTHING && state[q] == LIVE -> claim(6, q == 0); set(q, OVER, 0) }
#endif
	/* what time alone decides */
	:: atomic {
		state[q] == LIVE && left[q] == 0 && watched_for(LEASE) && may_write(q) ->
		claim(10, age[q] >= LEASE);
		claim(ENDS_FIRST, phase[OWNER(q)] != HOLDING || current[OWNER(q)] != q || given[OWNER(q)] != token[q]);
		quarantine(q)
	}
	:: atomic {
		state[q] == QUARANTINED && left[q] == 0 && clear[q] && watched_for(QUARANTINE) ->
		claim(10, age[q] >= QUARANTINE);
		set(q, OVER, 0)
	}
	:: atomic { state[q] == QUARANTINED && left[q] == 0 -> set(q, ATTENTION, 0) }
	/* a person with a reason, who looked at the printer */
	:: atomic { state[q] == ATTENTION && running == NOBODY -> set(q, OVER, 0) }
	/* a probe arrives */
	:: atomic {
		seen == SAW_NOTHING && blocks(q) && state[q] != LIVE ->
		clear[q] = clear[q] || is_news;
		if
		:: is_news && state[q] == ATTENTION -> set(q, OVER, 0)
		:: else
		fi;
		seen = NOTHING;
		stale = 0
	}
	:: atomic {
		seen == SAW_WORK && state[q] == QUARANTINED ->
		clear[q] = 0;
		left[q] = QUARANTINE;
		seen = NOTHING;
		stale = 0
	}
	:: atomic { seen != NOTHING && !blocks(q) -> seen = NOTHING; stale = 0 }
	od
#undef q
}

/* ---- a worker ---- */


/* A lock is counted from before the question was sent. */
#define count(w) \
	lock_end[w] = ((remaining[w] > since[w]) -> remaining[w] - since[w] : 0); \
	heard(w); \
	if :: too_late(w) -> rest(w, DEAD) :: else fi

active [WORKERS] proctype Worker()
{
#define w (_pid - REQUESTS)
#define q current[w]
	atomic { q = w };
	do
	:: atomic { phase[w] == IDLE && q < REQUESTS -> phase[w] = ASKING; asked[q] = 1; send(w, ACQUIRE) }
	:: atomic { phase[w] == ASKING && answer[w] == NOTHING && since[w] > 0 -> send(w, ACQUIRE) } /* the same id */
	:: atomic { phase[w] == ASKING && answer[w] == BUSY -> rest(w, IDLE) }
	:: atomic { phase[w] == ASKING && answer[w] != GRANTED && answer[w] != BUSY -> next_request(w) } /* gives up */
	:: atomic { phase[w] == ASKING && answer[w] == GRANTED -> phase[w] = HOLDING; count(w) }
	/* renewals */
	:: atomic {
		phase[w] == HOLDING && sent[w] == NOTHING ->
		prolonged[q] = 1;
#ifdef DEADMAN_EARLY
		lock_end[w] = LEASE;
#endif
		send(w, RENEW)
	}
	:: atomic { phase[w] == HOLDING && answer[w] == NOTHING && since[w] > 0 -> send(w, NOTHING) }
	:: atomic { phase[w] == HOLDING && answer[w] == RENEWED -> count(w) }
	:: atomic { phase[w] == HOLDING && answer[w] == LOST -> next_request(w) }
	/* work */
	:: atomic {
		phase[w] == HOLDING && running != q ->
		claim(5, running == NOBODY && given[w] >= began);
		began = given[w];
		running = q
	}
	:: atomic { phase[w] == HOLDING && !put[q] -> put[q] = 1 }
	:: atomic { phase[w] == HOLDING && running != q -> freed[q] = CLEAN; next_request(w) }
	:: atomic { phase[w] == HOLDING -> freed[q] = UNSURE; next_request(w) } /* soft stop, cut */
	/* kill -9, and another process in its place */
	:: atomic { phase[w] == ASKING || phase[w] == HOLDING -> rest(w, DEAD) }
	:: atomic { phase[w] == DEAD -> next_request(w) }
	od
#undef q
#undef w
}

/* ---- the rest of the world ---- */

/* Check and commit are one transaction, which may last. */
#ifdef STORAGE
active [REQUESTS] proctype Storage()
{
#define q (_pid - REQUESTS - WORKERS)
	do
	:: atomic { put[q] && !shared[q] && passes(q) -> shared[q] = 1 }
	:: atomic { shared[q] -> claim(3, state[q] == LIVE); shared[q] = 0; put[q] = 0 }
	:: atomic { shared[q] -> shared[q] = 0 } /* or it fails */
	od
#undef q
}
#else

active proctype Printer()
{
	do
	:: atomic { running != NOBODY -> running = NOBODY } /* done, though its worker may be dead */
	:: atomic { seen == NOTHING && (blocks(0) || blocks(1)) -> seen = ((running == NOBODY) -> SAW_NOTHING : SAW_WORK) }
	od
}
#endif

#define down(x) x = ((x > 0) -> x - 1 : 0)
#define up(x) x = ((x < LONGEST) -> x + 1 : x)

/* Real time passes; the kernel kills whoever is armed for now. */
inline tick()
{
	each(i, WORKERS) {
		if
		:: too_late(i) -> rest(i, DEAD)
		:: else
		fi;
		down(lock_end[i]);
		if
		:: sent[i] != NOTHING -> up(since[i])
		:: else
		fi
	}
	each(i, REQUESTS) {
		down(left[i]);
#ifdef FAILOVER
		down(old_left[i]);
#endif
		if
		:: blocks(i) -> up(age[i])
		:: else
		fi
	}
	up(watched)
}

#ifdef FAILOVER
/* The standby is the database of some moment; promoted, it has lost what was committed since. */
byte old_state[REQUESTS], old_token[REQUESTS], old_left[REQUESTS], old_last;
bit old_clear[REQUESTS];

#define move(to, from) to = from; from = 0

active proctype Standby()
{
	atomic {
		each(i, REQUESTS) {
			old_state[i] = state[i];
			old_token[i] = token[i];
			old_left[i] = left[i];
			old_clear[i] = clear[i]
		}
		old_last = last;
		failover = SHIPPED
	}
	atomic {
		each(i, REQUESTS) {
			/* what was lost is asked for anew */
			first[i] = ((old_state[i] == FRESH) -> 0 : first[i]);
			move(state[i], old_state[i]);
			move(token[i], old_token[i]);
			move(left[i], old_left[i]);
			move(clear[i], old_clear[i]);
			shared[i] = 0
		}
		move(last, old_last);
		timeline++;
#ifndef WATCH_KEEPS
		watched = 0;
#endif
		failover = DONE
	}
}
#endif

active proctype Clock()
{
	do
	:: atomic { tick() }
	/* the clock of the database steps; the watch sees it */
#ifndef FAILOVER
	:: atomic { each(i, REQUESTS) { left[i] = 0 }; watched = 0 }
	:: atomic { each(i, REQUESTS) { left[i] = ((left[i] > 0) -> LEASE + 1 : 0) }; watched = 0 }
#endif
	od
}
