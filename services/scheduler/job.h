// SPDX-License-Identifier: Apache-2.0
/* What becomes of a job (docs/spec/fleet.md 7.2 and section 8, reliability.md RL-1..RL-3, RL-11,
 * RL-15..RL-17). Pure: the row, the report, the timers and the random number are inputs. */
#pragma once

#include "common/base/base.h"
#include "gen/msg.h"

#define JOB_ERRORS_MAX 8u
#define JOB_CRASHES_MAX 3u

/* A job as the database has it now. */
struct job {
	enum job_state state;
	uint64_t attempt;
	uint64_t token; /* 0 = no lock yet */
	uint64_t errors, crashes, deferrals;
	uint64_t suspect;                 /* width of its group, 0 = none */
	uint64_t errors_max, crashes_max; /* of its run */
	bool cancel;                      /* a person or the error budget wants it ended */
	bool aborting;                    /* the error budget */
	bool cut;                         /* its window has ended, with hard_end (FL-38) */
	enum write_step step;             /* how far writing came, 0 = it does not write */
	uint64_t sent_in;                 /* attempt that first wrote, 0 = none */
};

struct job_timers {
	uint64_t backoff_ms, backoff_max_ms, defer_ms;
};

/* The next state and what is charged for it. */
struct job_verdict {
	enum job_state state;
	int cause;                                    /* CN-number, 0 = none */
	uint64_t wait_ms;                             /* of deferred and retry */
	uint64_t errors, crashes, deferrals, suspect; /* new values */
};

bool job_terminal(enum job_state state);
/* Held by a worker: claimed, running or storing. */
bool job_held(enum job_state state);
/* Full jitter: a random time up to min(max, first * 2^n). random: any 64 bits. */
uint64_t job_backoff(uint64_t first_ms, uint64_t max_ms, uint64_t n, uint64_t random);

/* Writing has begun and nobody knows how it ended: the next attempt must look at the device (C3,
 * C4). Such a job is not cut by a cancel or a deadline. */
bool job_unsettled(enum write_step step);
/* A verdict of coming back later becomes `cancelled` where somebody wants the job ended; step: as
 * last heard. */
void job_cancel(const struct job *j, enum write_step step, struct job_verdict *v);

/* Judges a worker's report. false: refused, because attempt or token is not the present one, no
 * worker holds the job, or the edge is not in the table; nothing changes (FL-51).
 *
 * The code of the report decides before its word does: codes of class busy are deferred and cost
 * nothing, support codes are skipped (FL-56), codes that may not be retried fail (FL-13), and those
 * with "retry x2" in errors.tab fail at their third error. */
bool job_judge(const struct job *j, const struct m_job_outcome *report,
	const struct job_timers *timers, uint64_t random,
	struct job_verdict *ret_verdict) must_check;

/* What the death of its worker means for a held job. At crashes_max it is dead, but never before an
 * attempt after the one that wrote has had its chance to look at the device. */
enum job_blame {
	JOB_CULPRIT,   /* the worker died in it: a crash is charged (RL-16) */
	JOB_NEIGHBOUR, /* somebody else's fault: given back */
	JOB_SUSPECT,   /* nobody knows: narrower group (RL-17) */
};
/* in_flight: jobs among which the culprit must be (all, or those already suspect). */
struct job_verdict job_orphan(const struct job *j, enum job_blame blame, uint64_t in_flight,
	const struct job_timers *timers, uint64_t random);
