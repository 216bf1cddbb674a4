// SPDX-License-Identifier: Apache-2.0
/* What one transaction knows and decides: the locked device rows and all that stands on them.
 * sql.c fills it, calls are applied in the order of their arrival, sql.c writes what changed.
 *
 * Pure: memory comes from an arena, time from the database row. Every change of a lock's state is
 * made here and nowhere else (locks.md section 7), renewals apart (one statement, sql.c). */
#pragma once

#include "common/base/arena.h"
#include "common/base/map.h"
#include "services/lock/lock.h"
#include "services/lock/words.h"

struct ledger_request;

enum ledger_change { LEDGER_SAME, LEDGER_CHANGED, LEDGER_NEW };

/* The stored side of a lock; decisions do not look at it. Parallel to lock_held. */
struct ledger_life {
	enum ledger_change change;
	struct ledger_request *request; /* NULL for shadows and standing rows, or when not loaded */
	uint64_t token;
	uint32_t lease_ms;
	const char *items; /* comma list, as granted */
	/* copied from the profile it was decided under */
	const struct lock_profile *profile; /* of a new one */
	enum lock_probe probe;
	uint32_t quarantine_ms, quarantine_max_ms;
	uint32_t max_hold_ms; /* of a new one: the shortest of its devices, they end together */
	/* quarantine and attention */
	int64_t quarantined_ms, quarantine_until_ms;
	bool clear; /* the last probe that could look saw nothing of it */
	uint32_t failed_probes;
};

struct ledger_device {
	struct uuid id;
	uint64_t last_token;
	const struct lock_profile *profile;
	bool changed;          /* token or profile */
	bool shadows_changed;  /* replace all */
	bool standing_changed; /* replace or remove */
	struct lock_held *held;
	struct ledger_life *life;
	size_t held_n, held_cap;
	struct lock_waiter *waiting; /* ascending tickets */
	size_t waiting_n, waiting_cap;
};

/* A row of lock.request. */
struct ledger_request {
	struct uuid id;
	enum ledger_change change;
	struct span digest;
	struct uuid session;
	enum lock_kind kind;
	struct lock_use use;
	enum lock_state state;
	const struct uuid *devices; /* ascending */
	size_t devices_n;
	uint32_t holding; /* devices it still stands on */
	struct uuid job, workflow;
	const char *holder; /* who declared it; "" = Carnet itself */
	uint64_t attempt;
	uint64_t first_token;
	uint64_t ticket;
	int64_t wait_until_ms; /* 0 = did not wait */
	int64_t asked_ms;
	bool ended;
	const struct m_lock_answer *answer; /* of a grant, or final */
};

/* A call after the checks of its handler. */
struct ledger_ask {
	struct uuid request, session, under, job, workflow;
	const char *holder;
	struct span digest;
	enum lock_kind kind;
	struct lock_use use;
	const struct uuid *devices; /* ascending, no two equal */
	size_t devices_n;
	const char *const *items;
	size_t items_n;
	enum item_policy policy;
	uint64_t wait_ms;
	uint32_t lease_ms;
	uint64_t attempt;
	const struct lock_profile *const *profiles; /* one each; NULL = those the devices have */
	const bool *strict;                         /* one each: marked strict; NULL = none */
	enum words_lang lang;                       /* of sentences */
	bool speak;                                 /* the answer as a whole in words, too */
	uint32_t retry_ms;                          /* a waiter should ask again after this */
};

struct ledger_event { /* history row; also published */
	const char *word;
	const struct ledger_request *request;
	enum lock_state state;
	const struct uuid *devices;
	const uint64_t *tokens; /* 0 or as many as devices */
	size_t n;
	const char *detail;
};

struct ledger_gone { /* a row to delete */
	struct uuid device, request;
	uint64_t ticket; /* of a waiter, else 0 */
};

struct ledger {
	struct arena *arena;
	int64_t now_ms;          /* clock_timestamp(), read after the device rows were locked */
	uint64_t timeline;       /* PostgreSQL's */
	const uint64_t *tickets; /* drawn while the rows are held */
	size_t tickets_n;
	struct ledger_device *devices; /* ascending id */
	size_t devices_n;
	struct map requests;
	struct ledger_request **request_list;
	size_t request_n, request_cap;
	/* what the transaction must write besides the changed rows */
	struct ledger_gone *gone_held, *gone_waiting;
	size_t gone_held_n, gone_held_cap, gone_waiting_n, gone_waiting_cap;
	struct ledger_event *events;
	size_t events_n, events_cap;
	struct uuid *retry; /* devices whose waiters should ask again */
	size_t retry_n, retry_cap;
};

/* Settings that the rules need. */
struct ledger_rules {
	uint32_t silent_ms;  /* a waiter that does not ask again is dropped */
	uint64_t watched_ms; /* how long this instance has watched the database clock (section 7.1)
			      */
};

void ledger_init(struct ledger *l, struct arena *arena);
void ledger_fini(struct ledger *l);

/* ---- filling: devices first, ascending; then requests; then what stands on the devices ---- */

void ledger_add_device(struct ledger *l, const struct ledger_device *row);
struct ledger_device *ledger_device(const struct ledger *l, const struct uuid *id);
struct ledger_request *ledger_add_request(struct ledger *l, const struct ledger_request *row);
struct ledger_request *ledger_request(const struct ledger *l, const struct uuid *id);
void ledger_add_held(struct ledger *l, struct ledger_device *d, const struct lock_held *h,
	const struct ledger_life *life);
void ledger_add_waiter(struct ledger *l, struct ledger_device *d, const struct lock_waiter *w);

/* ---- calls ---- */

const struct m_lock_answer *ledger_acquire(struct ledger *l, const struct ledger_ask *ask);
/* The answer that ledger_acquire would give to a new request, without any change. */
const struct m_lock_answer *ledger_explain(struct ledger *l, const struct ledger_ask *ask);
/* false = lost: not live under this session and token any more. */
bool ledger_release(struct ledger *l, const struct uuid *session, const struct m_held *held);
void ledger_cancel(struct ledger *l, const struct uuid *request, const struct uuid *session);
void ledger_observe(struct ledger *l, const struct m_observation *o);
/* A person ends what stands in attention; false = there is nothing of that kind. */
bool ledger_end(struct ledger *l, const struct uuid *request, const char *reason);
/* Native synchronisation of a device as the sync service knows it. */
void ledger_stand(struct ledger *l, const struct m_lock_stand *stand);
/* Everything that time alone decides (section 7). */
void ledger_sweep(struct ledger *l, const struct ledger_rules *rules);

/* ---- for the files of the ledger ---- */

void ledger_remove_held(struct ledger *l, struct ledger_device *d, size_t index);
void ledger_remove_waiters(struct ledger *l, struct ledger_request *r);
/* The one door: checks the transition of section 7, marks the row, writes history. */
void ledger_set_state(
	struct ledger *l, struct ledger_request *r, enum lock_state state, const char *detail);
void ledger_note(struct ledger *l, const char *word, const struct ledger_request *r,
	const struct uuid *devices, size_t n, const char *detail);
void ledger_hint(struct ledger *l, const struct ledger_device *d);
/* Grows an arena vector by one and returns the new last element. */
void *ledger_push(struct ledger *l, void *vector, size_t *n, size_t *cap, size_t size);

struct m_lock_answer *answer_of_verdicts(struct ledger *l, const struct ledger_ask *ask,
	enum lock_result result, const struct lock_verdict *verdicts);
struct m_lock_answer *answer_plain(struct ledger *l, enum lock_result result, const char *reason);
