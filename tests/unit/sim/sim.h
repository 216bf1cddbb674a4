// SPDX-License-Identifier: Apache-2.0
/* A whole fleet in one thread and one seed: workers, lock instances, scheduler, storage, printers
 * and the database between them, in virtual time, with faults (docs/spec/reliability.md RL-44 …
 * RL-46). What decides is the shipped code: lock_decide with ledger, acquire, answer and life, the
 * watch, the job's rules, the mark of storage. What it stands on (rows, messages, processes) is
 * written here, with a switch for each bug that a run must catch.
 *
 * After every commit, call and effect the invariants of docs/spec/locks.md section 11 are looked
 * at. Nothing but the seed decides: no clock, no address, no order of a hash table. */
#pragma once

#include "common/base/arena.h"
#include "common/vault/manifest.h"
#include "services/lock/ledger.h"
#include "services/lock/watch.h"
#include "services/scheduler/job.h"

enum {
	DEVICES = 6,
	WORKERS = 6,
	SESSIONS = 4,
	INSTANCES = 4,
	HELD = 24,
	WAITING = 64,
	SHADOWS = 4,
	CALLS = 64, /* executing on a printer */
	JOBS = 96,
	BATCH = 16,
	LINES = 200,
};

enum sim_bug {
	BUG_NONE,
	BUG_ROW_LOCK,
	BUG_TOKEN_CHECK,
	BUG_FIFO,
	BUG_WATCH,
	BUG_DEADMAN,
	BUG_ITEMS,
	BUG_IDEMPOTENCE,
	BUG_TIMELINE,
	BUG_QUARANTINE,
	BUG_ATTEMPT,
	BUG_UNIQUE,
	BUG_OLD_WATCH,
	BUGS
};

/* ---- rows ---- */

struct s_held {
	struct lock_held h;
	struct ledger_life life; /* its request pointer is not kept */
	int64_t granted_ms;
	int64_t renewed_real, quarantined_real; /* for I10: not columns */
	bool fresh;                             /* came with this commit */
};

struct s_device {
	uint64_t last_token;
	struct s_held held[HELD];
	struct lock_waiter waiting[WAITING];
	struct lock_held shadows[SHADOWS];
	struct lock_held standing;
	size_t held_n, waiting_n, shadows_n;
	bool stands;
};

struct s_job {
	struct job job;
	uint32_t device;
	unsigned op;
	enum lock_direction direction;
	struct uuid worker;
	int64_t lease_until, not_before;
	uint32_t version; /* 0 = none was stored */
};

/* Everything that a failover may take back. */
struct s_database {
	uint64_t timeline, next_ticket;
	struct s_device devices[DEVICES];
	struct ledger_request *requests; /* by number */
	size_t requests_n, requests_cap;
	struct s_job jobs[JOBS];
	size_t jobs_n;
	uint32_t versions;
};

/* ---- what really happened, whatever the database says ---- */

struct truth {
	struct ledger_ask ask;
	struct m_observation seen[DEVICES];
	uint64_t tokens[DEVICES]; /* as first answered */
	int64_t first_asked, wait_until;
	enum lock_result final; /* 0 = none was answered yet */
	bool forgotten;         /* a failover took back what its caller was told */
	bool given_up;          /* its caller asks no more */
};

/* ---- processes ---- */

enum step { IDLE, CLAIM, ASK, ADVANCE, WORK, STORE, RELEASE, REPORT, HOLDING };

struct session {
	enum step step;
	uint32_t request, hold; /* hold: another one, above */
	uint64_t attempt;
	int64_t sent;               /* own clock, of the call under way */
	int64_t lock_end, hold_end; /* own clock; 0 = no lock */
	uint64_t token, hold_token;
	unsigned calls_left, tries;
	unsigned serial; /* answers to what was asked before are not for it */
	uint32_t job;    /* of the table, + 1 */
	bool storing, unsure, advanced;
	enum job_state verdict;
	int code;
};

struct worker {
	struct uuid id; /* of this process */
	bool alive;
	int64_t stopped_until; /* SIGSTOP */
	int64_t boot;          /* own clock - real */
	int64_t armed;         /* dead-man, own clock; 0 = not */
	int64_t first;         /* own clock: the lock that ends first, as its timers know */
	unsigned life;         /* how many processes before */
	struct session sessions[SESSIONS];
};

struct device_call {
	bool runs;
	uint32_t request, worker, session;
	unsigned life, serial;
	uint32_t device;
	int64_t until;
	bool orphan; /* its worker is gone; the printer goes on by itself */
};

struct printer {
	struct device_call calls[CALLS];
	unsigned foreign; /* operation of somebody else, 0 = none */
	int64_t foreign_until;
	struct mark mark; /* of storage, outside the database */
	uint64_t effect_token;
	struct uuid effect_request;
};

/* ---- messages ---- */

enum msg_kind {
	M_ACQUIRE,
	M_RENEW,
	M_RELEASE,
	M_CANCEL,
	M_OBSERVE,
	M_STAND,
	M_SWEEP,
	M_STORE,
	M_CLAIM,
	M_ADVANCE,
	M_RESULT,
};

struct message {
	enum msg_kind kind;
	uint32_t worker, session;
	unsigned life, serial;
	uint32_t request;
	struct uuid from; /* session id */
	struct m_held locks[SESSIONS * 2];
	size_t locks_n;
	uint32_t devices[DEVICES]; /* of a sweep */
	size_t devices_n;
	uint64_t watched_ms;
	struct m_observation seen;
	const char *seen_ops[3];
	struct m_lock_stand stand;
	uint32_t device, job;
	uint64_t attempt, token;
	enum job_state state;
	int code;
	int64_t sent; /* sender's clock */
};

struct reply {
	struct message to;
	bool failed; /* no answer, ask again */
	enum lock_result result;
	uint64_t remaining_ms;
	uint64_t tokens[DEVICES];
	struct uuid lost[SESSIONS * 2];
	size_t lost_n;
	uint32_t job;
	uint64_t attempt;
	bool ok;
};

struct txn {
	bool open, renewals, locked, waits;
	uint32_t instance;
	unsigned life, serial;
	struct message works[BATCH];
	size_t n;
	bool mine[DEVICES]; /* rows it holds */
	bool wants[DEVICES];
	struct arena arena;
	struct ledger ledger;
	int64_t clock; /* of the database, when the rows were its own */
	int64_t real;  /* … and the real one then */
	uint64_t first_ticket;
	struct reply replies[BATCH];
};

struct instance {
	bool alive;
	int64_t stopped_until, boot;
	unsigned life;
	struct lock_watch watch;
	int64_t asked; /* own clock, of a look under way */
	struct message queue[128], renewals[64];
	size_t queue_n, renewals_n;
	struct txn txn[2]; /* calls; renewals */
};

/* ---- the world ---- */

struct event {
	int64_t at;
	uint64_t seq;
	void (*run)(void *arg);
	void *arg;
};

struct rates { /* one in so many; 0 = never */
	unsigned kill_worker, stop_worker, kill_instance, stop_instance, failover, step, lost,
		twice, late, foreign, sync;
};

struct sim {
	uint64_t seed, random;
	enum sim_bug bug;
	bool trace, failed, healing;
	int64_t now, step; /* real time; database clock - real */
	uint64_t hash, steps, notes;
	struct event *events;
	size_t events_n, events_cap;
	uint64_t next_seq;
	struct arena arena; /* as long as the run */
	struct lock_profile profile;
	struct rates rates;
	unsigned workers_n, devices_n, instances_n;
	uint32_t lease_ms;
	struct s_database db, standby;
	bool db_down, frozen;         /* frozen: the standby gets no more */
	uint64_t last_token[DEVICES]; /* ever issued */
	struct truth *truths;         /* by number of the request */
	size_t truths_n, truths_cap;
	struct printer printers[DEVICES];
	struct worker workers[WORKERS];
	struct instance instances[INSTANCES];
	int64_t heal_from;
	char lines[LINES][160];
	char why[300];
	struct {
		unsigned grants, queued, busy, refused, expired, quarantined, attention, renewed,
			effects, refused_effects, deaths, deadmen, soft_stops, failovers,
			steps_of_clock, instance_deaths, under, items, forgotten, lost_messages,
			dead_jobs, done_jobs, deferred_jobs;
	} count;
};
extern struct sim sim;

/* Runs one seed; false: an invariant broke, sim.why says which. */
bool sim_run(uint64_t seed, enum sim_bug bug, bool trace);
void sim_free(void);

/* ---- for the files of the simulation ---- */

unsigned dice(unsigned n);                              /* 0 … n-1 */
bool one_in(unsigned n);                                /* never for 0 */
void at(int64_t ms, void (*run)(void *arg), void *arg); /* from now */
void *keep(const void *what, size_t n);                 /* for an event */
void note(const char *fmt, ...) printf_like(1, 2);
void broken(const char *fmt, ...) printf_like(1, 2);
int64_t db_clock(void);

struct uuid id_of(unsigned kind, uint32_t number);
uint32_t number_of(const struct uuid *id);
struct truth *truth_of(uint32_t request);
uint32_t new_request(const struct ledger_ask *ask);

/* store.c: rows in and out of a ledger, and the checks on what a commit does */
struct ledger_request *row_of(const struct uuid *request);
struct s_held *held_of(uint32_t device, const struct uuid *request);
void store_load(struct txn *t);
void store_renew(struct txn *t);
void store_commit(struct txn *t);
void store_check(void);
void database_snapshot(void);
void database_failover(void);

/* instance.c */
void instance_start(uint32_t i);
void instance_kill(uint32_t i);
void instances_abort(void);
void send_message(const struct message *m); /* to any instance, as the network will have it */
void answer(const struct reply *r);

/* worker.c */
void worker_start(uint32_t w);
void worker_kill(uint32_t w, const char *why);
void worker_answer(const struct reply *r);
void worker_printer_done(uint32_t worker, uint32_t session, unsigned life, unsigned serial);
bool worker_stopped(const struct worker *w);

/* services.c: scheduler, storage, printers */
void scheduler_start(void);
void serve_other(const struct message *m);
void printer_call(uint32_t worker, uint32_t session, int64_t ms);
void printer_drop(uint32_t worker, uint32_t session); /* the connection is gone */
size_t probe(uint32_t device, const char *ops[static 3]);
bool jobs_done(void);
