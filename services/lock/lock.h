// SPDX-License-Identifier: Apache-2.0
/* Who may touch a device now: the decision of docs/spec/locks.md, and nothing else.
 *
 * Pure: no clock, no I/O, no allocation. The service, the unit tests, lock_explain and the
 * simulation call the same function. Times are milliseconds of the database clock.
 *
 * The matrix is directional: "B may start while A runs" says nothing about "A may start while B
 * runs". Every question here is: may the LATER one start, given the EARLIER one? */
#pragma once

#include "common/base/uuid.h"
#include "gen/msg.h"
#include "services/lock/op.h"

/* ---- device families (section 6) ---- */

enum lock_probe { LOCK_PROBE_REQUIRED = 1, LOCK_PROBE_BEST_EFFORT, LOCK_PROBE_NONE };

struct lock_profile {
	const char *name;
	uint32_t revision;
	bool strict;           /* no import/export beside anything that works */
	bool shared_export;    /* two exports may overlap */
	bool window_required;  /* an export of synchronised items needs a preparation (X2, X4) */
	bool window_at_start;  /* the device checks that window at start only (sync.md W5) */
	enum lock_probe probe; /* can the device be asked what it does */
	uint32_t quarantine_ms;
	uint32_t quarantine_max_ms;
	uint32_t max_hold_ms;
	uint32_t shadow_ttl_ms;
	uint32_t denied; /* bit per operation: refused with profile_denies */
	struct op_cells cells[OP_END];
};

/* Profile generic: the table as printed, default timers. */
void lock_profile_generic(struct lock_profile *ret_profile);

/* ---- may the later one start? (section 3) ---- */

enum lock_may { LOCK_MAY_NOT, LOCK_MAY_ITEMS /* some items only (section 5) */, LOCK_MAY };

/* What a lock, a waiter or a request does to a device. */
struct lock_use {
	unsigned op;
	enum lock_direction direction;
	bool strict; /* asked for strict mode itself, or of a device that is marked strict */
};

enum lock_may lock_may_start(
	const struct lock_profile *p, struct lock_use later, struct lock_use earlier);

/* ---- what stands on a device ---- */

struct lock_held {
	struct uuid request; /* nil for shadows and standing rows */
	enum lock_kind kind;
	struct lock_use use;
	enum lock_state state; /* live, quarantine or attention: all three block alike */
	int64_t until_ms;      /* shadow: end of its life */
	/* standing: native synchronisation of this device (sync.md) */
	enum sync_role role;
	enum sync_state sync_state;
	const char *destination; /* server address as configured on the device */
	int64_t prepared_ms;     /* success of the last preparation, 0 = never */
};

struct lock_waiter {
	struct uuid request;
	struct lock_use use;
	uint64_t ticket;
	int64_t until_ms; /* its wait_until */
};

struct lock_device {
	const struct lock_profile *profile;
	bool strict; /* its own record says so, whatever the profile says */
	const struct lock_held *held;
	size_t held_n;
	const struct lock_waiter *waiting;
	size_t waiting_n;
};

/* ---- the request and its answer (sections 4 and 8) ---- */

#define LOCK_ITEMS_MAX 32u
#define LOCK_BLOCKERS_MAX 16u /* remembered per device; blocked says how many there are */

struct lock_request {
	enum lock_kind kind;
	struct lock_use use;
	const char *const *items; /* import/export: what exactly; never empty then (op_items) */
	size_t items_n;           /* ≤ LOCK_ITEMS_MAX */
	enum item_policy policy;
	uint64_t ticket;   /* of a waiter that asks again; 0 = new, behind all waiters */
	struct uuid under; /* nil, or the hold this request belongs to */
	bool under_live;   /* that hold is live */
	bool may_wait;     /* wait_ms has not run out: queued instead of busy */
};

struct lock_blocker {
	bool waiting;   /* an earlier waiter, not a holder */
	uint32_t index; /* into held or waiting of its device */
};

enum lock_effect {
	LOCK_EFFECT_PAUSE_SYNC = 1,
	LOCK_EFFECT_KEEP_AWAKE = 2,
	LOCK_EFFECT_WATCH_SHUTDOWN = 4,
};

struct lock_verdict {
	enum lock_result result; /* granted = this device is free; busy; refused */
	const char *reason;      /* of refused: the word of section 4; else NULL */
	uint32_t items;          /* bit per item of the request: granted */
	uint32_t items_synced;   /* … refused with reason synced */
	unsigned effects;        /* enum lock_effect */
	size_t blocked;
	struct lock_blocker blockers[LOCK_BLOCKERS_MAX];
};

/* One device: steps 1 to 5 of section 8. */
struct lock_verdict lock_decide_device(
	const struct lock_request *r, const struct lock_device *d, int64_t db_time_ms);

/* All devices or none: step 6. verdicts has n places. */
enum lock_result lock_decide(const struct lock_request *r, const struct lock_device *devices,
	size_t n, int64_t db_time_ms, struct lock_verdict *verdicts);

/* Section 7.2: strictly rising per device, also after a failover that lost commits. */
uint64_t lock_next_token(uint64_t last, uint64_t timeline);
