// SPDX-License-Identifier: Apache-2.0
/* One job on one device, as steps:
 *
 *   resolve → probe → busy → lock → running → read → identify → sent → storing → commit
 *      └───────┴───────┴──────┴────────┴───────┴───────┴────────┴───────┴────────┴─→ the end:
 *   release the device → drop the stream → release the lock → report → gone
 *
 * A job that writes goes another way between running and sent: change.h.
 *
 * Whatever happens, the end is walked through once. Between steps a session waits for exactly one
 * thing: its adapter, or one answer of a peer. Loop thread only. */
#pragma once

#include "services/worker/effects.h"
#include "services/worker/plan.h"
#include "services/worker/verdict.h"
#include "services/worker/worker.h"

enum step {
	STEP_RESOLVE,
	STEP_SOURCE, /* of a job that writes: what is to be written; change.h has its other steps */
	STEP_PROBE,
	STEP_BUSY,
	STEP_LOCK,
	STEP_RUNNING, /* the scheduler is told */
	STEP_READ,
	STEP_IDENTIFY,
	STEP_LEAVE,   /* the device is left: it need not wait for storage */
	STEP_SENT,    /* the rest goes to storage */
	STEP_STORING, /* the scheduler is told */
	STEP_COMMIT,
	STEP_FORESEE, /* on the work pool: what shall become of the device */
	STEP_KEEP,    /* the pre-image goes to storage */
	STEP_JOURNAL, /* the scheduler is told how far writing came, durably */
	STEP_LEASE,   /* half of the lease must be left (P9) */
	STEP_WRITE,
	STEP_REST, /* busy again? then the device restarts */
	STEP_RESTART,
	STEP_PROVE, /* on the work pool: is it as wanted? */
	STEP_LIFT,  /* of a job that reads: what keeps its book from being read is switched off */
	STEP_ASKED, /* of a discovery: one answer is waited for; discover.h */
	STEP_SCAN,
	STEP_AWAKE, /* and after the restart the device is asked again who it is; lift.c */
	STEP_END,   /* device, stream, lock and report, in session.c */
};

struct session {
	struct list node; /* worker.sessions */
	struct worker *worker;
	struct arena arena;
	const struct m_job_work *job;
	enum step step;
	struct verdict verdict; /* state 0 = going well so far */
	bool storing;           /* the scheduler knows: no way back but retry (fleet.md 7.2) */
	uint64_t progress;

	struct plan plan;
	const struct adapter *adapter;
	void *device; /* the adapter's own; NULL = not opened */
	struct errand errand;
	bool in_device;     /* the adapter has an operation under way */
	bool left_device;   /* released already */
	const char *serial; /* as the probe found it */
	bool compared;      /* it is the one of its record, as far as anybody can tell (FL-1) */
	uint64_t probed_at; /* boot-time ms */
	uint64_t change_before;
	struct timer
		*timer; /* deadline of the device session; wait before the lock is asked again */

	struct uuid lock_request;
	bool renewing;       /* in the renewal under way */
	bool releasing;      /* the adapter's operation is its release */
	bool locked, unsure; /* unsure: cut off in the middle, quarantine follows */
	bool unrenewed;      /* nobody answered in time: not counted on any more */
	uint64_t token;
	uint64_t lock_end; /* boot-time ms: surely ours until then; 0 = not counted on any more */
	uint64_t lock_give_up; /* boot-time ms */

	struct effects effects; /* of the grant */

	bool restarts;       /* journaled: the device is, or was, restarted for this read */
	struct fault lifted; /* what became of it */

	const char *found; /* of a check: supported, not_supported; check.c */

	const struct m_sealed_credential *factory_login; /* opened, known to everybody (FL-16) */

	struct discover *discover; /* of a job without a device */
	struct change *change;     /* of a job that writes; NULL = it reads */
	struct spool *spool;       /* NULL = nothing is stored */
	bool spool_gone;
	struct m_list_outcome *lists;
	size_t n_lists, n_read;
	uint64_t entries;

	/* told in batches, tell.c */
	struct list advance_node, release_node, result_node, journal_node;
	enum job_state advance_to;
	bool refused; /* by the scheduler: not ours any more */
	bool reported, released;
	uint64_t started, asked_lock, locked_at, read_at, ended; /* monotonic ms */
};

/* Begins a job; work is copied. */
void session_start(struct worker *w, const struct m_job_work *work);
/* Stops it at once, for this cause: cancelled, lease lost, worker ends. A job that stores goes on.
 * unsure: the device may have been left in the middle. */
void session_cut(struct session *s, const struct fault *why, bool unsure);
/* Nothing was asked of lock or scheduler yet? Such a job can be given back. */
bool session_unstarted(const struct session *s);
/* Forgets it without a report: it was given back. */
void session_forget(struct session *s);

/* ---- lift.c: a backup of a book that cannot be read before a restart (FL-45, FL-46) ---- */
/* What the device answered is its business: true. f NULL = well. */
bool lift_device(struct session *s, const struct fault *f);
void lift_journal(const struct session *s, struct m_journal_entry *e);
/* The restart is noted, or that there was none. */
void lift_journaled(struct session *s);

/* ---- called by effects.c ---- */
void session_looked_after(struct session *s);

/* ---- called by tell.c ---- */
void session_advanced(struct session *s);
void session_journaled(struct session *s);
void session_told(struct session *s); /* result accepted or refused, or lock released */
/* The result message; its texts live as long as the session. */
void session_outcome(const struct session *s, struct m_job_outcome *ret, struct m_device *seen);

/* ---- between session.c and steps.c ---- */
void steps_begin(struct session *s);
void steps_probe(struct session *s);
/* What the adapter is told, before it is opened. */
void steps_errand(struct session *s);
/* The adapter begins an operation; its end comes back by the step. */
void steps_call_device(struct session *s, enum step step, void (*op)(void *self));
void steps_leave(struct session *s);
/* What the device said last of itself, beside its record: 0, or -1 with CN_IDENTITY_MISMATCH. */
int steps_identity(struct session *s, struct fault *reterr) must_check;
void steps_storing(struct session *s);
/* A fresh stream to storage; false: the session ends. */
bool steps_spool(struct session *s);
/* Somebody decided meanwhile that this job ends: true, and the end is under way. */
bool steps_ended(struct session *s);
/* The first cause wins; then the end is walked through. */
void session_fail(struct session *s, const struct fault *f);
void session_end(struct session *s, struct verdict v);
/* Around every callback: who is being served (RL-15), and how long the turn took (RL-18). */
void session_enter(struct session *s);
void session_leave(void);
