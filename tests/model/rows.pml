/* SPDX-License-Identifier: Apache-2.0 */
/* The transaction (docs/spec/locks.md section 8): instances that take device rows one after another, read, decide and
 * commit, and die in the middle. Here what the other models do in one step is taken apart: three instances, each with a
 * request for device 0, device 1 or both, all of mode X. Where it holds, a transaction may be taken as one step. */
#include "claim.pml"

#define INSTANCES 3
#define DEVICES 2
#define FREE 0
#define BOTH 3

byte row[DEVICES];      /* which instance has the row FOR UPDATE, counted from 1 */
byte held[DEVICES];     /* bit per request: live there, committed */
byte last[DEVICES];     /* token */
byte wants[INSTANCES];  /* bit per device */
byte read_held[INSTANCES * DEVICES], read_last[INSTANCES * DEVICES];
byte deaths = 2;

#define BIT(n) (1 << n)
#define is_mine(d) ((wants[me] & BIT(d)) != 0)
#define R(d) (me * DEVICES + d)
#define see(d) read_held[R(d)] = held[d]; read_last[R(d)] = last[d]
#define forget() read_held[R(0)] = 0; read_held[R(1)] = 0; read_last[R(0)] = 0; read_last[R(1)] = 0
#define is_free(d) (!is_mine(d) || read_held[R(d)] == 0)

#ifdef NO_ROW_LOCK
#define take(d) skip
#else
#define take(d) atomic { !is_mine(d) || row[d] == FREE -> row[d] = (is_mine(d) -> me + 1 : row[d]) }
#endif
#define give_back() \
	row[0] = ((row[0] == me + 1) -> FREE : row[0]); \
	row[1] = ((row[1] == me + 1) -> FREE : row[1])

/* A grant on one device: what was read is still so, and then it is held. */
#define write(d) \
	if \
	:: is_mine(d) -> \
		claim(1, held[d] == 0); \
		claim(2, read_last[R(d)] == last[d]); \
		claim(4, read_held[R(d)] == held[d] && row[d] == me + 1); \
		held[d] = held[d] | BIT(me); \
		last[d]++ \
	:: else \
	fi

#define has_all (((held[0] & BIT(me)) != 0) == is_mine(0) && ((held[1] & BIT(me)) != 0) == is_mine(1))
#define has_none ((held[0] & BIT(me)) == 0 && (held[1] & BIT(me)) == 0)

active [INSTANCES] proctype Instance()
{
#define me _pid
	atomic { select(deaths : 1 .. BOTH); wants[me] = deaths; deaths = 2 }
begin:
#ifdef FROM_MEMORY /* as it was when this instance last looked */
	atomic { see(0); see(1) }
#endif
#ifdef DESCENDING
	if
	:: me == 1 -> take(1); take(0)
	:: else -> take(0); take(1)
	fi;
#else
	take(0); /* ascending, whoever asks */
	take(1);
#endif
#ifndef FROM_MEMORY
	atomic { see(0); see(1) } /* after the rows are ours */
#endif
	if
	:: atomic { is_free(0) && is_free(1) -> write(0); write(1); give_back(); forget() }
#ifdef HALF
	:: atomic { is_free(0) != is_free(1) -> if :: is_free(0) -> write(0) :: else -> write(1) fi; give_back(); forget() }
#else
	:: atomic { !(is_free(0) && is_free(1)) -> give_back(); forget(); goto begin } /* busy: asks again */
#endif
	:: atomic { deaths > 0 -> deaths--; give_back(); forget(); goto begin } /* killed: rolled back */
	fi;
	claim(9, has_all || has_none);
	/* released */
	take(0);
	take(1);
	atomic {
		claim(9, has_all || has_none);
		held[0] = held[0] & (7 - BIT(me));
		held[1] = held[1] & (7 - BIT(me));
		give_back()
	}
#undef me
}
