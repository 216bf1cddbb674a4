/* SPDX-License-Identifier: Apache-2.0 */
/* Who may start, and whose turn it is (docs/spec/locks.md sections 3, 4, 5, 8): three requests for two devices, of every
 * mode and for one device or both, a hold with a child, native synchronisation that comes and goes. The decision is the
 * shipped lock_decide (decide.c); the claims have the tables of section 3 written anew, from the text.
 *
 * A transaction is one step (rows.pml shows why). PATIENT: nobody gives up waiting, and everybody must get its turn. */
#include "claim.pml"

c_decl {
\#include "tests/model/decide.h"
}

#define REQUESTS 3
#define FRESH 0
#define WAITING 1
#define LIVE 2
#define OVER 3

#define BATCH 0    /* X */
#define SEND 1     /* J */
#define DIST 2     /* J, moves whole areas */
#define SYNC 3     /* I */
#define RUI 4      /* P */
#define SHUTDOWN 5 /* E */
#define SESSION 6  /* S */
#define CONTROL 7  /* X: the hold */

#define GRANTED 0
#define BUSY 1
#define REFUSED 2

byte state[REQUESTS], op[REQUESTS], devices[REQUESTS], ticket[REQUESTS];
bit late[REQUESTS];  /* its wait is over, and it was not told yet */
bit child;           /* request 1 asks under request 0 */
byte standing;       /* bit per device: native synchronisation, role client */
bit synced;          /* that has changed */
byte verdict, filtered;
bit ready;           /* the requests are chosen */

/* ---- the law, from the text ---- */

#define is_x(o) (o == BATCH || o == CONTROL)
#define clashes(o) (o == DIST || o == SYNC)
#define no(l, e) ( \
	is_x(l) && (is_x(e) || e == SESSION || e == SEND || e == DIST || e == SHUTDOWN) || \
	is_x(e) && l != SHUTDOWN || \
	l == SESSION && e == SESSION || \
	clashes(l) && (clashes(e) || e == SHUTDOWN))
#define partly(l, e) (l == BATCH && e == SYNC)
#define meet(a, b) (a != b && (devices[a] & devices[b]) != 0)

#define is_child(c) (child && c == 1)
#define own_hold(c, a) (is_child(c) && a == 0)
#define stands_in_the_way(c, a) (meet(c, a) && state[a] == LIVE && !own_hold(c, a) && no(op[c], op[a]))
#define delays(c, b) (no(op[b], op[c]) || partly(op[b], op[c]))
#define before(c, b) (state[b] == WAITING && !late[b] && (ticket[c] == 0 || ticket[b] < ticket[c]))
/* a child delays whom its hold delays already */
#define overtakes(c, b) (meet(c, b) && before(c, b) && delays(c, b) && \
	!(is_child(c) && state[0] == LIVE && meet(0, b) && delays(0, b)))
#define any(what, c) (what(c, 0) || what(c, 1) || what(c, 2))
#define blocked(c) (any(stands_in_the_way, c) || clashes(op[c]) && (standing & devices[c]) != 0)
/* where native synchronisation is, as a fact or as a lock */
#define sync_lock(c, a) ((meet(c, a) && state[a] == LIVE && op[a] == SYNC) -> devices[a] & devices[c] : 0)
#define sync_at(c) ((op[c] == BATCH) -> \
	((standing & devices[c]) | sync_lock(c, 0) | sync_lock(c, 1) | sync_lock(c, 2)) : 0)

/* ---- the requests ---- */

#define max(a, b) ((a > b) -> a : b)
/* What it was does not matter any more. */
#define over(c) state[c] = OVER; op[c] = 0; devices[c] = 0; ticket[c] = 0; late[c] = 0

#define code(c) (op[c] * 4 + devices[c])

init {
	byte i;

	atomic {
		for (i : 0 .. REQUESTS - 1) {
			select(verdict : BATCH .. OPS - 1);
			op[i] = verdict;
			select(verdict : 1 .. 3);
			devices[i] = verdict
		}
		verdict = 0;
		if
		:: true
		:: op[0] = CONTROL; child = true
		fi;
		if
		:: child && (devices[1] & devices[0]) == devices[1]
		:: !child && code(0) <= code(1) && code(1) <= code(2) /* who is who does not matter */
		:: else -> for (i : 0 .. REQUESTS - 1) { over(i) }
		fi;
		if
		:: true
		:: standing = 1
		fi;
		ready = true
	}
}

c_code {
	static int decide_now(unsigned who, unsigned char *ret_filtered)
	{
		struct picture p = {now.state, now.op, now.devices, now.ticket, now.late, now.child, now.standing};

		return decide(&p, who, ret_filtered);
	}

	static int is_free(unsigned who)
	{
		unsigned char filtered;

		return decide_now(who, &filtered) != BUSY;
	}
\#define FREE is_free((unsigned)((P1 *)_this)->_pid - 1u) /* Spin wants no call in an expression */
}
#define ask() c_code { now.verdict = (uchar)decide_now(PClient->_pid - 1u, &now.filtered); }
#ifdef PATIENT /* who waits asks when that helps: whoever can never go on is found as a deadlock */
#define asks_again(c) (state[c] == WAITING && c_expr { FREE })
#else
#define asks_again(c) (state[c] == WAITING)
#endif
#define forget() verdict = 0; filtered = 0

inline take(c)
{
	claim(1, !blocked(c));
	claim(1, filtered == sync_at(c));
	claim(7, !any(overtakes, c));
	claim(7, !is_child(c) || state[0] == LIVE);
	ticket[c] = 0;
	late[c] = 0;
	state[c] = LIVE
}

#define c (_pid - 1)

active [REQUESTS] proctype Client()
{
	ready;
	do
	/* asks, or asks again */
	:: atomic {
		state[c] == FRESH || asks_again(c) ->
		ask();
		if
		:: verdict == GRANTED -> take(c)
		:: verdict == REFUSED -> claim(8, is_child(c) && state[0] != LIVE); over(c)
		:: verdict == BUSY ->
			claim(8, blocked(c) || any(overtakes, c));
			if
			:: state[c] == FRESH -> ticket[c] = 1 + max(max(ticket[0], ticket[1]), ticket[2]); state[c] = WAITING
			:: late[c] -> over(c)
#ifndef PATIENT
			:: state[c] == FRESH -> over(c) /* wait_ms 0 */
			:: else
#endif
			fi
		fi;
		forget()
	}
#ifndef PATIENT
	:: atomic { state[c] == WAITING && !late[c] -> late[c] = true }
	:: atomic { late[c] -> over(c) } /* swept */
#endif
	:: atomic { state[c] == LIVE -> over(c) }
	:: state[c] == OVER -> break
	od
}

#undef c

active proctype Sync()
{
	ready;
end:	do
	:: atomic { !synced -> synced = 1; standing = 1 - standing }
#ifdef PATIENT
	:: standing -> standing = 0 /* what no lock can end must end by itself */
#endif
	od
}
