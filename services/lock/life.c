// SPDX-License-Identifier: Apache-2.0
/* The life of a lock after its grant: release, quarantine, attention, end (locks.md section 7). */
#include <string.h>

#include "common/base/crashpoint.h"
#include "services/lock/ledger.h"

enum { EXTENSION_MS = 30 * 1000, FAILED_PROBES = 2 };

/* ---- leaving ---- */

static void take_off(struct ledger *l, struct ledger_device *d, size_t index)
{
	struct ledger_request *r = d->life[index].request;

	ledger_remove_held(l, d, index);
	ledger_hint(l, d);
	if (!r)
		return;
	if (r->change == LEDGER_SAME)
		r->change = LEDGER_CHANGED;
	if (r->holding > 0)
		r->holding--;
}

/* Takes one device off a request; the last one ends it. */
static void leave_device(
	struct ledger *l, struct ledger_device *d, size_t index, const char *detail)
{
	struct ledger_request *r = d->life[index].request;

	take_off(l, d, index);
	if (!r || r->ended)
		return;
	if (r->holding == 0)
		ledger_set_state(l, r, LOCK_STATE_ENDED, detail);
	else
		ledger_note(l, "ended", r, &d->id, 1, detail);
}

static void enter_quarantine(
	struct ledger *l, struct ledger_device *d, size_t index, const char *detail)
{
	struct ledger_life *life = &d->life[index];

	d->held[index].state = LOCK_STATE_QUARANTINE;
	life->quarantined_ms = l->now_ms;
	life->quarantine_until_ms = l->now_ms + life->quarantine_ms;
	life->clear = false;
	life->failed_probes = 0;
	if (life->change == LEDGER_SAME)
		life->change = LEDGER_CHANGED;
	if (life->request->state == LOCK_STATE_LIVE)
		ledger_set_state(l, life->request, LOCK_STATE_QUARANTINE, detail);
}

/* The first device that expires ends the whole hold: no renewal can revive a part of it. */
static void end_hold(struct ledger *l, struct ledger_device *d, size_t index)
{
	struct ledger_request *r = d->life[index].request;

	if (r->state == LOCK_STATE_LIVE)
		ledger_set_state(l, r, LOCK_STATE_ENDED, "expired");
	leave_device(l, d, index, "expired");
}

static void enter_attention(struct ledger *l, struct ledger_device *d, size_t index)
{
	struct ledger_life *life = &d->life[index];

	d->held[index].state = LOCK_STATE_ATTENTION;
	life->change = LEDGER_CHANGED;
	if (life->request->state == LOCK_STATE_QUARANTINE)
		ledger_set_state(l, life->request, LOCK_STATE_ATTENTION, "quarantine too long");
}

static size_t find_held(const struct ledger_device *d, const struct uuid *request)
{
	for (size_t i = 0; i < d->held_n; i++)
		if (d->life[i].request && uuid_eq(&d->held[i].request, request))
			return i;
	return SIZE_MAX;
}

bool ledger_release(struct ledger *l, const struct uuid *session, const struct m_held *held)
{
	struct ledger_request *r = ledger_request(l, &held->request);
	bool mine = r && uuid_eq(&r->session, session) && r->first_token == held->token;

	if (mine && r->state == LOCK_STATE_RELEASED)
		return true; /* the same release once more */
	if (!mine || r->state != LOCK_STATE_LIVE)
		return false;
	for (size_t i = 0; i < r->devices_n; i++) {
		struct ledger_device *d = ledger_device(l, &r->devices[i]);
		size_t at = d ? find_held(d, &r->id) : SIZE_MAX;

		if (at == SIZE_MAX)
			continue;
		if (held->unsure && r->kind != LOCK_KIND_HOLD)
			enter_quarantine(l, d, at, "released unsure");
		else
			take_off(l, d, at);
	}
	if (r->holding == 0) /* all of them at once: told once */
		ledger_set_state(l, r, LOCK_STATE_RELEASED, NULL);
	return true;
}

void ledger_cancel(struct ledger *l, const struct uuid *request, const struct uuid *session)
{
	struct ledger_request *r = ledger_request(l, request);

	if (!r || r->state != LOCK_STATE_WAITING || !uuid_eq(&r->session, session))
		return;
	ledger_set_state(l, r, LOCK_STATE_CANCELLED, "by its owner");
	for (size_t i = 0; i < r->devices_n; i++)
		if (ledger_device(l, &r->devices[i]))
			ledger_hint(l, ledger_device(l, &r->devices[i]));
}

bool ledger_end(struct ledger *l, const struct uuid *request, const char *reason)
{
	struct ledger_request *r = ledger_request(l, request);
	bool any = false;

	if (!r)
		return false;
	for (size_t i = 0; i < r->devices_n; i++) {
		struct ledger_device *d = ledger_device(l, &r->devices[i]);
		size_t at = d ? find_held(d, &r->id) : SIZE_MAX;

		if (at == SIZE_MAX || d->held[at].state != LOCK_STATE_ATTENTION)
			continue;
		leave_device(l, d, at, reason);
		any = true;
	}
	return any;
}

/* ---- what a probe saw ---- */

static bool saw(const struct m_observation *o, unsigned op)
{
	for (size_t i = 0; i < o->ops_n; i++)
		if (op_find(o->ops[i]) == op)
			return true;
	return false;
}

/* Sleep and the like say nothing; an import, an export or the work itself do (section 7). */
static bool still_there(const struct m_observation *o, const struct lock_held *h)
{
	return saw(o, OP_INDIV_IE) || saw(o, OP_BATCH_IE) || saw(o, h->use.op);
}

static void probe_quarantined(
	struct ledger *l, struct ledger_device *d, size_t index, const struct m_observation *o)
{
	struct ledger_life *life = &d->life[index];

	if (l->now_ms - (int64_t)o->age_ms < life->quarantined_ms)
		return; /* seen before it was cut off: proves nothing */
	life->change = life->change == LEDGER_NEW ? LEDGER_NEW : LEDGER_CHANGED;
	if (o->failed) {
		life->failed_probes++;
	} else if (still_there(o, &d->held[index])) {
		life->clear = false;
		life->failed_probes = 0;
		life->quarantine_until_ms += EXTENSION_MS;
	} else {
		life->clear = true;
		if (d->held[index].state == LOCK_STATE_ATTENTION)
			leave_device(l, d, index, "probe clear");
	}
}

/* Whether what a probe saw is what Carnet itself does there under this lock (section 2): the prober
 * may be another worker and cannot know. A shutdown during an import is none of ours. */
static bool stems_from(unsigned seen, const struct lock_held *h)
{
	if (h->kind != LOCK_KIND_OWN || h->state != LOCK_STATE_LIVE)
		return false;
	if (seen == OP_RUI)
		return true;
	if (seen == OP_SHUTDOWN)
		return h->use.op == OP_RESTART;
	return op_is_import_export(seen) && op_is_exclusive(h->use.op);
}

static bool is_our_own(const struct ledger_device *d, unsigned seen)
{
	for (size_t i = 0; i < d->held_n; i++)
		if (stems_from(seen, &d->held[i]))
			return true;
	return false;
}

static void replace_shadows(
	struct ledger *l, struct ledger_device *d, const struct m_observation *o)
{
	struct ledger_life none = {.request = NULL};

	for (size_t i = d->held_n; i-- > 0;)
		if (d->held[i].kind == LOCK_KIND_SHADOW)
			ledger_remove_held(l, d, i);
	for (size_t i = 0; i < o->ops_n; i++) {
		unsigned op = op_find(o->ops[i]);
		struct lock_held shadow = {.kind = LOCK_KIND_SHADOW,
			.use = {.op = op, .direction = LOCK_DIRECTION_NONE},
			.state = LOCK_STATE_LIVE,
			.until_ms = l->now_ms + d->profile->shadow_ttl_ms - (int64_t)o->age_ms};

		if (op != OP_UNKNOWN && !is_our_own(d, op))
			ledger_add_held(l, d, &shadow, &none);
	}
	d->shadows_changed = true;
}

/* A shadow against a held X revokes nothing: it is recorded and the read-back decides. */
static void note_violations(struct ledger *l, struct ledger_device *d)
{
	for (size_t i = 0; i < d->held_n; i++)
		for (size_t k = 0; k < d->held_n; k++) {
			const struct lock_held *x = &d->held[i], *s = &d->held[k];

			if (s->kind == LOCK_KIND_SHADOW && op_is_exclusive(x->use.op) &&
				x->kind != LOCK_KIND_SHADOW && d->life[i].request &&
				lock_may_start(d->profile, s->use, x->use) == LOCK_MAY_NOT)
				ledger_note(l, "violation_observed", d->life[i].request, &d->id, 1,
					op_id(s->use.op));
		}
}

void ledger_observe(struct ledger *l, const struct m_observation *o)
{
	struct ledger_device *d = ledger_device(l, &o->device);

	if (!d || o->age_ms >= d->profile->shadow_ttl_ms)
		return;
	for (size_t i = d->held_n; i-- > 0;)
		if (d->held[i].state != LOCK_STATE_LIVE && d->life[i].request)
			probe_quarantined(l, d, i, o);
	if (o->failed)
		return;
	replace_shadows(l, d, o);
	note_violations(l, d);
}

void ledger_stand(struct ledger *l, const struct m_lock_stand *stand)
{
	struct ledger_device *d = ledger_device(l, &stand->device);
	struct ledger_life none = {.request = NULL};
	bool stands = stand->state != SYNC_STATE_STOPPED &&
		      (stand->role == SYNC_ROLE_CLIENT || stand->role == SYNC_ROLE_SERVER_CLIENT);

	if (!d)
		return;
	for (size_t i = d->held_n; i-- > 0;)
		if (d->held[i].kind == LOCK_KIND_STANDING)
			ledger_remove_held(l, d, i);
	d->standing_changed = true;
	if (!stands) {
		ledger_hint(l, d);
		return;
	}
	struct lock_held row = {.kind = LOCK_KIND_STANDING,
		.use = {.op = OP_SYNC, .direction = LOCK_DIRECTION_NONE},
		.state = LOCK_STATE_LIVE,
		.role = stand->role,
		.sync_state = stand->state,
		.destination = stand->destination ? stand->destination : "",
		.prepared_ms = stand->prepared};

	ledger_add_held(l, d, &row, &none);
}

/* ---- what time alone decides ---- */

static bool quarantine_is_over(const struct ledger *l, const struct ledger_life *life)
{
	if (l->now_ms < life->quarantine_until_ms)
		return false;
	switch (life->probe) {
	case LOCK_PROBE_NONE:
		return true;
	case LOCK_PROBE_BEST_EFFORT:
		return life->clear || life->failed_probes >= FAILED_PROBES;
	case LOCK_PROBE_REQUIRED:
	default:
		return life->clear;
	}
}

/* With what probes made longer. */
static uint64_t quarantine_length(const struct ledger_life *life)
{
	return (uint64_t)(life->quarantine_until_ms - life->quarantined_ms);
}

/* The watch rule (section 7.1): only an instance that has watched the database clock for the whole
 * length may end something; so no step of that clock and no restart frees a lock early. */
static void sweep_held(
	struct ledger *l, struct ledger_device *d, size_t index, const struct ledger_rules *rules)
{
	struct lock_held *h = &d->held[index];
	struct ledger_life *life = &d->life[index];
	bool expired = l->now_ms >= h->until_ms && rules->watched_ms >= life->lease_ms;

	if (h->state == LOCK_STATE_LIVE) {
		if (expired && h->kind == LOCK_KIND_HOLD)
			end_hold(l, d, index);
		else if (expired)
			enter_quarantine(l, d, index, "expired");
		return;
	}
	if (quarantine_is_over(l, life) && rules->watched_ms >= quarantine_length(life)) {
		CRASHPOINT("quarantine.end");
		leave_device(l, d, index, "quarantine over");
		return;
	}
	/* under the watch rule, too: a clear probe ends what is in attention */
	if (h->state == LOCK_STATE_QUARANTINE && rules->watched_ms >= life->quarantine_ms &&
		l->now_ms >= life->quarantined_ms + life->quarantine_max_ms)
		enter_attention(l, d, index);
}

static void sweep_waiter(
	struct ledger *l, struct ledger_request *r, const struct ledger_rules *rules)
{
	if (l->now_ms >= r->wait_until_ms) {
		r->answer = answer_plain(l, LOCK_RESULT_BUSY, NULL);
		ledger_set_state(l, r, LOCK_STATE_BUSY, "wait ran out");
	} else if (l->now_ms >= r->asked_ms + rules->silent_ms) {
		ledger_set_state(l, r, LOCK_STATE_CANCELLED, "silent");
	}
}

void ledger_sweep(struct ledger *l, const struct ledger_rules *rules)
{
	for (size_t i = 0; i < l->devices_n; i++) {
		struct ledger_device *d = &l->devices[i];

		for (size_t k = d->held_n; k-- > 0;)
			if (d->life[k].request)
				sweep_held(l, d, k, rules);
	}
	for (size_t i = 0; i < l->request_n; i++)
		if (l->request_list[i]->state == LOCK_STATE_WAITING)
			sweep_waiter(l, l->request_list[i], rules);
	for (size_t i = 0; i < l->devices_n; i++)
		if (l->gone_waiting_n)
			ledger_hint(l, &l->devices[i]);
}
