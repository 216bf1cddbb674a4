// SPDX-License-Identifier: Apache-2.0
/* A request for devices: decided by lock_decide, remembered under its id (locks.md section 4). */
#include <string.h>

#include "services/lock/ledger.h"

enum { WAITERS_MAX = 1000 }; /* per device (reliability.md section 5) */

/* ---- deciding ---- */

static const struct lock_profile *profile_for(
	const struct ledger *l, const struct ledger_ask *ask, size_t index)
{
	return ask->profiles ? ask->profiles[index]
			     : ledger_device(l, &ask->devices[index])->profile;
}

static bool is_strict(const struct ledger_ask *ask, size_t index)
{
	return ask->strict && ask->strict[index];
}

static bool queues_have_room(const struct ledger *l, const struct ledger_ask *ask)
{
	for (size_t i = 0; i < ask->devices_n; i++)
		if (ledger_device(l, &ask->devices[i])->waiting_n >= WAITERS_MAX)
			return false;
	return true;
}

/* The hold a request stands under: live, and of the same workflow (rule 8). */
static bool is_live_hold(const struct ledger_request *hold, const struct ledger_ask *ask)
{
	return hold && hold->kind == LOCK_KIND_HOLD && hold->state == LOCK_STATE_LIVE &&
	       uuid_eq(&hold->workflow, &ask->workflow);
}

static struct lock_request question(
	const struct ledger *l, const struct ledger_ask *ask, const struct ledger_request *known)
{
	const struct ledger_request *hold =
		uuid_is_nil(&ask->under) ? NULL : ledger_request(l, &ask->under);

	return (struct lock_request){.kind = ask->kind,
		.use = ask->use,
		.items = ask->items,
		.items_n = ask->items_n,
		.policy = ask->policy,
		.ticket = known ? known->ticket : 0,
		.under = ask->under,
		.under_live = is_live_hold(hold, ask),
		.may_wait = known ? l->now_ms < known->wait_until_ms
				  : ask->wait_ms > 0 && queues_have_room(l, ask)};
}

static enum lock_result decide(struct ledger *l, const struct ledger_ask *ask,
	const struct ledger_request *known, struct lock_verdict **ret_verdicts)
{
	struct lock_request r = question(l, ask, known);
	struct lock_device *devices = arena_array(l->arena, ask->devices_n, sizeof(*devices));
	struct lock_verdict *verdicts = arena_array(l->arena, ask->devices_n, sizeof(*verdicts));

	bug_if(!devices || !verdicts);
	for (size_t i = 0; i < ask->devices_n; i++) {
		const struct ledger_device *d = ledger_device(l, &ask->devices[i]);

		devices[i] = (struct lock_device){.profile = profile_for(l, ask, i),
			.strict = is_strict(ask, i),
			.held = d->held,
			.held_n = d->held_n,
			.waiting = d->waiting,
			.waiting_n = d->waiting_n};
	}
	*ret_verdicts = verdicts;
	return lock_decide(&r, devices, ask->devices_n, l->now_ms, verdicts);
}

/* ---- carrying out ---- */

static const char *join_items(
	struct ledger *l, const struct ledger_ask *ask, const struct lock_verdict *v)
{
	const char *all = "";

	for (size_t i = 0; i < ask->items_n; i++) {
		if (!(v->items & (UINT32_C(1) << i)))
			continue;
		all = *all ? arena_printf(l->arena, "%s,%s", all, ask->items[i]) : ask->items[i];
		bug_if(!all);
	}
	return all;
}

static uint32_t shortest_hold(const struct ledger *l, const struct ledger_ask *ask)
{
	uint32_t least = UINT32_MAX;

	for (size_t i = 0; i < ask->devices_n; i++) {
		uint32_t one = profile_for(l, ask, i)->max_hold_ms;

		least = one < least ? one : least;
	}
	return least;
}

static uint64_t take_device(struct ledger *l, const struct ledger_ask *ask, size_t index,
	struct ledger_request *r, const char *items, uint32_t max_hold_ms)
{
	struct ledger_device *d = ledger_device(l, &ask->devices[index]);
	const struct lock_profile *p = profile_for(l, ask, index);
	struct lock_held held = {.request = r->id,
		.kind = ask->kind,
		.use = ask->use,
		.state = LOCK_STATE_LIVE,
		.until_ms = l->now_ms + ask->lease_ms};

	held.use.strict |= is_strict(ask, index);
	d->last_token = lock_next_token(d->last_token, l->timeline);
	d->profile = p;
	d->changed = true;
	struct ledger_life life = {.change = LEDGER_NEW,
		.request = r,
		.token = d->last_token,
		.lease_ms = ask->lease_ms,
		.items = items,
		.profile = p,
		.probe = p->probe,
		.quarantine_ms = p->quarantine_ms,
		.quarantine_max_ms = p->quarantine_max_ms,
		.max_hold_ms = max_hold_ms};

	ledger_add_held(l, d, &held, &life);
	return life.token;
}

static void grant(struct ledger *l, const struct ledger_ask *ask, struct ledger_request *r,
	const struct lock_verdict *verdicts)
{
	uint64_t *tokens = arena_array(l->arena, r->devices_n, sizeof(*tokens));
	uint32_t max_hold_ms = shortest_hold(l, ask);

	bug_if(!tokens);
	ledger_set_state(l, r, LOCK_STATE_LIVE, NULL);
	for (size_t i = 0; i < r->devices_n; i++)
		tokens[i] =
			take_device(l, ask, i, r, join_items(l, ask, &verdicts[i]), max_hold_ms);
	r->first_token = tokens[0];
	r->holding = (uint32_t)r->devices_n;
	l->events[l->events_n - 1].tokens = tokens;
}

/* Stands in the queue of every device under the same ticket. */
static void enter_queues(struct ledger *l, const struct ledger_ask *ask, struct ledger_request *r)
{
	bug_if(l->tickets_n == 0);
	l->tickets_n--;
	r->ticket = *l->tickets++;
	r->wait_until_ms = l->now_ms + (int64_t)ask->wait_ms;
	for (size_t i = 0; i < r->devices_n; i++)
		ledger_add_waiter(l, ledger_device(l, &r->devices[i]),
			&(struct lock_waiter){.request = r->id,
				.use = ask->use,
				.ticket = r->ticket,
				.until_ms = r->wait_until_ms});
	ledger_set_state(l, r, LOCK_STATE_WAITING, NULL);
}

static struct ledger_request *remember(struct ledger *l, const struct ledger_ask *ask)
{
	return ledger_add_request(l, &(struct ledger_request){.id = ask->request,
					     .change = LEDGER_NEW,
					     .digest = ask->digest,
					     .session = ask->session,
					     .kind = ask->kind,
					     .use = ask->use,
					     .devices = ask->devices,
					     .devices_n = ask->devices_n,
					     .job = ask->job,
					     .workflow = ask->workflow,
					     .holder = ask->holder,
					     .attempt = ask->attempt});
}

static void leave_hints(struct ledger *l, const struct ledger_request *r)
{
	for (size_t i = 0; i < r->devices_n; i++)
		ledger_hint(l, ledger_device(l, &r->devices[i]));
}

static const struct m_lock_answer *answer_request(
	struct ledger *l, const struct ledger_ask *ask, struct ledger_request *r)
{
	struct lock_verdict *verdicts;
	bool waits = r->state == LOCK_STATE_WAITING;
	enum lock_result result = decide(l, ask, waits ? r : NULL, &verdicts);

	r->asked_ms = l->now_ms;
	if (r->change == LEDGER_SAME)
		r->change = LEDGER_CHANGED;
	if (result == LOCK_RESULT_QUEUED && !waits)
		enter_queues(l, ask, r);
	if (result == LOCK_RESULT_GRANTED)
		grant(l, ask, r, verdicts);
	struct m_lock_answer *a = answer_of_verdicts(l, ask, result, verdicts);

	if (result == LOCK_RESULT_QUEUED) {
		a->ticket = r->ticket;
		return a;
	}
	r->answer = a;
	if (result == LOCK_RESULT_BUSY)
		ledger_set_state(l, r, LOCK_STATE_BUSY, NULL);
	if (result == LOCK_RESULT_REFUSED)
		ledger_set_state(l, r, LOCK_STATE_REFUSED, a->reason);
	if (waits && result != LOCK_RESULT_GRANTED)
		leave_hints(l, r);
	return a;
}

/* ---- the same request id again (section 4, rule 1) ---- */

/* Never more than a lease: that is all the watch rule promises when the database clock stepped back
 * since the grant. */
static uint64_t remaining(const struct ledger *l, const struct ledger_request *r)
{
	int64_t left = INT64_MAX;

	for (size_t i = 0; i < r->devices_n; i++) {
		const struct ledger_device *d = ledger_device(l, &r->devices[i]);

		for (size_t k = 0; k < d->held_n; k++) {
			if (!uuid_eq(&d->held[k].request, &r->id))
				continue;
			int64_t of_row = d->held[k].until_ms - l->now_ms;
			int64_t lease = d->life[k].lease_ms;

			of_row = of_row < lease ? of_row : lease;
			left = of_row < left ? of_row : left;
		}
	}
	return left > 0 && left != INT64_MAX ? (uint64_t)left : 0;
}

/* As its row says: what was decided ahead is stored without (ahead.c). */
static uint64_t token_of(
	const struct ledger *l, const struct ledger_request *r, const struct m_grant *g)
{
	const struct ledger_device *d = ledger_device(l, &g->device);

	for (size_t k = 0; d && k < d->held_n; k++)
		if (uuid_eq(&d->held[k].request, &r->id))
			return d->life[k].token;
	return g->token;
}

static const struct m_lock_answer *live_again(struct ledger *l, const struct ledger_request *r)
{
	struct m_lock_answer *a = arena_dup(l->arena, r->answer, sizeof(*a));

	bug_if(!a);
	struct m_grant *grants = arena_dup(l->arena, a->grants, a->grants_n * sizeof(*grants));

	bug_if(!grants);
	for (size_t i = 0; i < a->grants_n; i++)
		grants[i].token = token_of(l, r, &grants[i]);
	a->grants = grants;
	a->remaining_ms = remaining(l, r);
	return a;
}

static const struct m_lock_answer *answer_again(
	struct ledger *l, const struct ledger_ask *ask, struct ledger_request *r)
{
	bool same = r->digest.n == ask->digest.n &&
		    memcmp(r->digest.p, ask->digest.p, r->digest.n) == 0;

	if (!same)
		return answer_plain(l, LOCK_RESULT_REFUSED, "request_reused");
	switch (r->state) {
	case LOCK_STATE_WAITING:
		return answer_request(l, ask, r);
	case LOCK_STATE_LIVE:
		return live_again(l, r);
	case LOCK_STATE_BUSY:
	case LOCK_STATE_REFUSED:
		return r->answer;
	case LOCK_STATE_CANCELLED:
		return answer_plain(l, LOCK_RESULT_CANCELLED, NULL);
	case LOCK_STATE_QUARANTINE:
		return answer_plain(l, LOCK_RESULT_LOST, "quarantine");
	case LOCK_STATE_ATTENTION:
		return answer_plain(l, LOCK_RESULT_LOST, "attention");
	case LOCK_STATE_RELEASED:
		return answer_plain(l, LOCK_RESULT_LOST, "released");
	case LOCK_STATE_ENDED:
	default:
		return answer_plain(l, LOCK_RESULT_LOST, "ended");
	}
}

const struct m_lock_answer *ledger_acquire(struct ledger *l, const struct ledger_ask *ask)
{
	struct ledger_request *known = ledger_request(l, &ask->request);

	return known ? answer_again(l, ask, known) : answer_request(l, ask, remember(l, ask));
}

const struct m_lock_answer *ledger_explain(struct ledger *l, const struct ledger_ask *ask)
{
	struct lock_verdict *verdicts;
	enum lock_result result = decide(l, ask, NULL, &verdicts);
	struct m_lock_answer *a = answer_of_verdicts(l, ask, result, verdicts);

	for (size_t i = 0; i < a->grants_n; i++) { /* what would be open; no token was given */
		struct m_grant *g = &((struct m_grant *)(uintptr_t)a->grants)[i];

		g->token = 0;
		g->has = HAS_GRANT__TOKEN;
	}
	return a;
}
