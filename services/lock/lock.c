// SPDX-License-Identifier: Apache-2.0
/* The decision of docs/spec/locks.md. Section numbers below are those of that text. */
#include "services/lock/lock.h"

#include <string.h>

/* The restricted set R of section 5. */
static const char *const synced_items[] = {
	"personal_setting_info",
	"user_group_address_list",
	"indiv_ab_personal",
	"indiv_ab_group",
};

/* The only spelling that counts (sync.md section 4). */
static const char local_server[] = "localhost:8443";

enum { PREPARED_MS = 900 * 1000, PREPARED_MARGIN_MS = 60 * 1000 }; /* sync.md W4, W5 */

/* Who may ask for what (section 2). A bit per operation. */
#define BIT(op) (1u << (op))
static const uint32_t own_ops = BIT(OP_INDIV_IE) | BIT(OP_BATCH_IE) | BIT(OP_SYNC_CONTROL) |
				BIT(OP_RESTART) | BIT(OP_SESSION) | BIT(OP_DIST) |
				BIT(OP_MBOX_BACKUP) | BIT(OP_WORKFLOW_IE);
/* A hold touches no device itself and is always of mode X (section 4, rule 8). */
static const uint32_t hold_ops =
	BIT(OP_INDIV_IE) | BIT(OP_BATCH_IE) | BIT(OP_SYNC_CONTROL) | BIT(OP_RESTART);
static const uint32_t declared_ops = BIT(OP_SEND) | BIT(OP_FORWARD) | BIT(OP_FAX) |
				     BIT(OP_REPORT_PRINT) | BIT(OP_SCAN_STORE) | BIT(OP_INDIV_IE) |
				     BIT(OP_BATCH_IE) | BIT(OP_DIST) | BIT(OP_MBOX_BACKUP) |
				     BIT(OP_WORKFLOW_IE) | BIT(OP_SW_UPDATE) | BIT(OP_SYNC) |
				     BIT(OP_RUI) | BIT(OP_REMOTE_AB) | BIT(OP_SHUTDOWN);

/* ---- may the later one start, given the earlier one? (section 3) ---- */

/* C2 of what runs, asked by an import, an export or what is treated like one. */
static enum lock_may may_start_beside(
	const struct lock_profile *p, struct lock_use later, unsigned running)
{
	bool strict = p->strict || later.strict || later.op == OP_RESTART;
	bool keeps_cell = running == OP_RUI || running == OP_SLEEP || running == OP_SYNC;

	if (running == OP_SYNC && !op_is_import_export(later.op))
		return LOCK_MAY;
	if (strict && !keeps_cell)
		return LOCK_MAY_NOT;
	switch (p->cells[running].beside) {
	case MATRIX_CELL_YES:
		return LOCK_MAY;
	case MATRIX_CELL_PARTIAL:
		return LOCK_MAY_ITEMS;
	case MATRIX_CELL_NO:
	default:
		return LOCK_MAY_NOT;
	}
}

/* C1 of what wants to start while an import, an export or the like is held. */
static enum lock_may may_start_during(
	const struct lock_profile *p, unsigned later, struct lock_use exclusive)
{
	bool strict = p->strict || exclusive.strict || exclusive.op == OP_RESTART;

	if (later == OP_OTHER_ACTIVITY && strict)
		return LOCK_MAY_NOT;
	return p->cells[later].during_ie == MATRIX_CELL_YES ? LOCK_MAY : LOCK_MAY_NOT;
}

/* Two of mode X: never, but two exports where the family allows it (section 6). */
static enum lock_may may_share(
	const struct lock_profile *p, struct lock_use later, struct lock_use earlier)
{
	bool exports = op_is_import_export(later.op) && op_is_import_export(earlier.op) &&
		       later.direction == LOCK_DIRECTION_EXPORT &&
		       earlier.direction == LOCK_DIRECTION_EXPORT;

	return p->shared_export && exports ? LOCK_MAY : LOCK_MAY_NOT;
}

/* Mode S: one session at a time, none beside mode X; indifferent to everything else. */
static enum lock_may may_log_in(struct lock_use other)
{
	return op_is_exclusive(other.op) || other.op == OP_SESSION ? LOCK_MAY_NOT : LOCK_MAY;
}

static bool moves_whole_areas(unsigned op)
{
	return op == OP_DIST || op == OP_MBOX_BACKUP || op == OP_WORKFLOW_IE || op == OP_SW_UPDATE;
}

static bool clashes_with_sync(unsigned op)
{
	return op == OP_SYNC || op == OP_DIST || op == OP_SW_UPDATE;
}

/* Pairs the matrix does not speak of (section 3.1). */
static enum lock_may may_pair(unsigned later, unsigned earlier)
{
	if (moves_whole_areas(later) && moves_whole_areas(earlier))
		return LOCK_MAY_NOT;
	if (later == OP_SYNC && clashes_with_sync(earlier))
		return LOCK_MAY_NOT;
	if (earlier == OP_SYNC && clashes_with_sync(later))
		return LOCK_MAY_NOT;
	if (earlier == OP_SHUTDOWN && (moves_whole_areas(later) || later == OP_SYNC))
		return LOCK_MAY_NOT;
	return LOCK_MAY;
}

enum lock_may lock_may_start(
	const struct lock_profile *p, struct lock_use later, struct lock_use earlier)
{
	if (later.op == OP_UNKNOWN || earlier.op == OP_UNKNOWN)
		return LOCK_MAY_NOT;
	if (later.op == OP_SESSION)
		return may_log_in(earlier);
	if (earlier.op == OP_SESSION)
		return may_log_in(later);
	if (op_is_exclusive(later.op) && op_is_exclusive(earlier.op))
		return may_share(p, later, earlier);
	if (op_is_exclusive(later.op))
		return may_start_beside(p, later, earlier.op);
	if (op_is_exclusive(earlier.op))
		return may_start_during(p, later.op, earlier);
	return may_pair(later.op, earlier.op);
}

/* ---- item scope of synchronised data (section 5, cases X0 to X5) ---- */

static bool is_synced(const char *item)
{
	for (size_t i = 0; i < array_len(synced_items); i++)
		if (strcmp(item, synced_items[i]) == 0)
			return true;
	return false;
}

static bool is_individual(const char *item)
{
	return strncmp(item, "indiv_", 6) == 0;
}

/* X4: chosen data were made equal to the server's; open for 15 minutes, and an export starts not
 * later than a minute before the end unless the device checks at start only. */
static bool window_open(const struct lock_profile *p, int64_t prepared_ms, int64_t now_ms)
{
	int64_t length = p->window_at_start ? PREPARED_MS : PREPARED_MS - PREPARED_MARGIN_MS;

	return prepared_ms > 0 && now_ms >= prepared_ms && now_ms < prepared_ms + length;
}

/* sync: the standing row, or NULL for synchronisation that was only seen: judged as role client. */
static bool item_is_open(const struct lock_profile *p, const struct lock_request *r,
	const char *item, const struct lock_held *sync, int64_t now_ms)
{
	if (!is_synced(item))
		return true;
	if (!sync || sync->role != SYNC_ROLE_SERVER_CLIENT)
		return false; /* X0, X3 */
	if (!sync->destination || strcmp(sync->destination, local_server) != 0)
		return false; /* X0, X5 */
	if (r->use.direction == LOCK_DIRECTION_EXPORT)
		return !p->window_required || window_open(p, sync->prepared_ms, now_ms); /* X2 */
	return is_individual(item);                                                      /* X1 */
}

static void filter_items(const struct lock_request *r, const struct lock_device *d,
	const struct lock_held *sync, int64_t now_ms, struct lock_verdict *v)
{
	for (size_t i = 0; i < r->items_n; i++) {
		uint32_t bit = UINT32_C(1) << i;

		if (item_is_open(d->profile, r, r->items[i], sync, now_ms))
			continue;
		v->items &= ~bit;
		v->items_synced |= bit;
	}
}

/* ---- the decision (section 8) ---- */

static bool kind_may_ask(enum lock_kind kind, unsigned op)
{
	switch (kind) {
	case LOCK_KIND_OWN:
		return own_ops & BIT(op);
	case LOCK_KIND_HOLD:
		return hold_ops & BIT(op);
	case LOCK_KIND_DECLARED:
		return declared_ops & BIT(op);
	case LOCK_KIND_SHADOW:
	case LOCK_KIND_STANDING:
	default:
		return false; /* facts are observed, never requested */
	}
}

/* Step 1: why it will never be granted as asked; NULL = go on. */
static const char *refusal(const struct lock_request *r, const struct lock_profile *p)
{
	if (r->use.op == OP_UNKNOWN)
		return "unknown_op";
	if (!kind_may_ask(r->kind, r->use.op))
		return "not_requestable";
	if (p->denied & BIT(r->use.op))
		return "profile_denies";
	if (!uuid_is_nil(&r->under) && !r->under_live)
		return "hold_lost";
	return NULL;
}

static bool is_own_hold(const struct lock_request *r, const struct lock_held *h)
{
	return h->kind == LOCK_KIND_HOLD && !uuid_is_nil(&r->under) &&
	       uuid_eq(&h->request, &r->under);
}

/* A shadow past its time is gone; a standing row is only there while its role can refuse items. */
static bool is_there(const struct lock_held *h, int64_t now_ms)
{
	if (h->kind == LOCK_KIND_SHADOW)
		return now_ms < h->until_ms;
	if (h->kind == LOCK_KIND_STANDING)
		return h->sync_state != SYNC_STATE_STOPPED &&
		       (h->role == SYNC_ROLE_CLIENT || h->role == SYNC_ROLE_SERVER_CLIENT);
	return true;
}

static void add_blocker(struct lock_verdict *v, bool waiting, size_t index)
{
	v->result = LOCK_RESULT_BUSY;
	if (v->blocked < LOCK_BLOCKERS_MAX)
		v->blockers[v->blocked] = (struct lock_blocker){waiting, (uint32_t)index};
	v->blocked++;
}

/* What steps 2 and 3 found besides blockers. */
struct surroundings {
	bool under_hold;              /* the request's own hold is here */
	bool items_restricted;        /* something leaves only some items open */
	const struct lock_held *sync; /* the standing row, when there is one */
};

/* Strict mode is a property of the device, too: then whatever is done to it is strict. */
static enum lock_may may_start_on(
	const struct lock_device *d, struct lock_use later, struct lock_use earlier)
{
	later.strict |= d->strict;
	earlier.strict |= d->strict;
	return lock_may_start(d->profile, later, earlier);
}

static struct surroundings meet_holders(const struct lock_request *r, const struct lock_device *d,
	int64_t now_ms, struct lock_verdict *v)
{
	struct surroundings s = {.under_hold = false};

	for (size_t i = 0; i < d->held_n; i++) {
		const struct lock_held *h = &d->held[i];

		if (is_own_hold(r, h)) {
			s.under_hold = true;
			continue;
		}
		if (!is_there(h, now_ms))
			continue;
		if (h->kind == LOCK_KIND_STANDING)
			s.sync = h;
		switch (may_start_on(d, r->use, h->use)) {
		case LOCK_MAY:
			break;
		case LOCK_MAY_ITEMS:
			s.items_restricted = true;
			break;
		case LOCK_MAY_NOT:
			add_blocker(v, false, i);
			break;
		}
	}
	return s;
}

/* First come, first served: an earlier waiter that could then not start comes first (rule 4). */
static void meet_waiters(const struct lock_request *r, const struct lock_device *d, int64_t now_ms,
	struct lock_verdict *v)
{
	for (size_t i = 0; i < d->waiting_n; i++) {
		const struct lock_waiter *w = &d->waiting[i];
		bool earlier = r->ticket == 0 || w->ticket < r->ticket;

		if (earlier && now_ms < w->until_ms && may_start_on(d, w->use, r->use) != LOCK_MAY)
			add_blocker(v, true, i);
	}
}

static unsigned effects_of(
	const struct lock_profile *p, const struct lock_request *r, const struct lock_held *sync)
{
	bool pauses = p->cells[OP_SYNC].on_op == MATRIX_EFFECT_PAUSE;

	if (!op_is_import_export(r->use.op))
		return 0;
	if (sync && pauses &&
		(sync->sync_state == SYNC_STATE_RUNNING || sync->sync_state == SYNC_STATE_PAUSING ||
			sync->sync_state == SYNC_STATE_PAUSED))
		return LOCK_EFFECT_PAUSE_SYNC | LOCK_EFFECT_KEEP_AWAKE | LOCK_EFFECT_WATCH_SHUTDOWN;
	return LOCK_EFFECT_KEEP_AWAKE | LOCK_EFFECT_WATCH_SHUTDOWN;
}

static void refuse(struct lock_verdict *v, const char *reason)
{
	v->result = LOCK_RESULT_REFUSED;
	v->reason = reason;
}

static uint32_t all_items(size_t n)
{
	return n >= LOCK_ITEMS_MAX ? UINT32_MAX : (UINT32_C(1) << n) - 1;
}

struct lock_verdict lock_decide_device(
	const struct lock_request *r, const struct lock_device *d, int64_t db_time_ms)
{
	struct lock_verdict v = {.result = LOCK_RESULT_GRANTED, .items = all_items(r->items_n)};
	const char *reason = refusal(r, d->profile); /* step 1 */

	bug_if(r->items_n > LOCK_ITEMS_MAX);
	if (reason) {
		refuse(&v, reason);
		return v;
	}
	struct surroundings s = meet_holders(r, d, db_time_ms, &v); /* steps 2 and 3 */

	if (s.items_restricted) /* step 4 */
		filter_items(r, d, s.sync, db_time_ms, &v);
	if (v.items_synced && !v.items)
		refuse(&v, "items_synced");
	else if (v.items_synced && r->policy == ITEM_POLICY_STRICT)
		refuse(&v, "items_refused");
	else if (!s.under_hold) /* step 5 */
		meet_waiters(r, d, db_time_ms, &v);
	v.effects = effects_of(d->profile, r, s.sync);
	return v;
}

enum lock_result lock_decide(const struct lock_request *r, const struct lock_device *devices,
	size_t n, int64_t db_time_ms, struct lock_verdict *verdicts)
{
	bool refused = false, blocked = false;

	for (size_t i = 0; i < n; i++) {
		verdicts[i] = lock_decide_device(r, &devices[i], db_time_ms);
		refused |= verdicts[i].result == LOCK_RESULT_REFUSED;
		blocked |= verdicts[i].result == LOCK_RESULT_BUSY;
	}
	if (refused)
		return LOCK_RESULT_REFUSED;
	if (!blocked)
		return LOCK_RESULT_GRANTED;
	return r->may_wait ? LOCK_RESULT_QUEUED : LOCK_RESULT_BUSY;
}

uint64_t lock_next_token(uint64_t last, uint64_t timeline)
{
	uint64_t floor = timeline << 48;

	return last + 1 > floor ? last + 1 : floor;
}

void lock_profile_generic(struct lock_profile *ret_profile)
{
	*ret_profile = (struct lock_profile){
		.name = "generic",
		.revision = 1,
		.window_required = true,
		.probe = LOCK_PROBE_REQUIRED,
		.quarantine_ms = 60 * 1000,
		.quarantine_max_ms = 900 * 1000,
		.max_hold_ms = 3600 * 1000,
		.shadow_ttl_ms = 15 * 1000,
	};
	for (unsigned op = OP_SEND; op < OP_END; op++)
		ret_profile->cells[op] = op_cells(op);
}
