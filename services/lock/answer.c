// SPDX-License-Identifier: Apache-2.0
/* From verdicts to the answer on the bus: tokens, items, effects, blockers with a sentence each. */
#include "services/lock/ledger.h"
#include "services/lock/words.h"

enum { REFUSALS_MAX = 1000, BLOCKERS_MAX = 64 }; /* lock.msg */

static const char *const effect_words[] = {"pause_sync", "keep_awake", "watch_shutdown"};

static const char *const *granted_items(
	struct ledger *l, const struct ledger_ask *ask, const struct lock_verdict *v, size_t *ret_n)
{
	const char **items = arena_array(l->arena, ask->items_n + 1, sizeof(*items));
	size_t n = 0;

	bug_if(!items);
	for (size_t i = 0; i < ask->items_n; i++)
		if (v->items & (UINT32_C(1) << i))
			items[n++] = ask->items[i];
	*ret_n = n;
	return items;
}

static void put_grants(struct ledger *l, const struct ledger_ask *ask,
	const struct lock_verdict *verdicts, struct m_lock_answer *a)
{
	struct m_grant *grants = arena_array(l->arena, ask->devices_n, sizeof(*grants));

	bug_if(!grants);
	for (size_t i = 0; i < ask->devices_n; i++) {
		grants[i].device = ask->devices[i];
		grants[i].token = ledger_device(l, &ask->devices[i])->last_token;
		grants[i].items = granted_items(l, ask, &verdicts[i], &grants[i].items_n);
	}
	a->grants = grants;
	a->grants_n = ask->devices_n;
	a->remaining_ms = ask->lease_ms;
}

static void put_refused_items(struct ledger *l, const struct ledger_ask *ask,
	const struct lock_verdict *verdicts, struct m_lock_answer *a)
{
	struct m_item_refusal *all = NULL;
	size_t n = 0, cap = 0;

	for (size_t i = 0; i < ask->devices_n; i++)
		for (size_t k = 0; k < ask->items_n && n < REFUSALS_MAX; k++) {
			if (!(verdicts[i].items_synced & (UINT32_C(1) << k)))
				continue;
			struct m_item_refusal *one = ledger_push(l, &all, &n, &cap, sizeof(*one));
			*one = (struct m_item_refusal){.item = ask->items[k],
				.reason = "synced",
				.device = ask->devices[i]};
		}
	a->items_refused = all;
	a->items_refused_n = n;
}

static void put_effects(struct ledger *l, const struct ledger_ask *ask,
	const struct lock_verdict *verdicts, struct m_lock_answer *a)
{
	const char **words = arena_array(l->arena, array_len(effect_words), sizeof(*words));
	unsigned effects = 0;
	size_t n = 0;

	bug_if(!words);
	for (size_t i = 0; i < ask->devices_n; i++)
		effects |= verdicts[i].effects;
	for (unsigned i = 0; i < array_len(effect_words); i++)
		if (effects & (1u << i))
			words[n++] = effect_words[i];
	a->effects = words;
	a->effects_n = n;
}

/* ---- blockers ---- */

/* The matrix speaks where one of the two is an import or export; its row is the other one's. */
static unsigned row_between(unsigned later, unsigned earlier)
{
	if (op_is_exclusive(later))
		return op_row(earlier);
	return op_is_exclusive(earlier) ? op_row(later) : 0;
}

static uint64_t left_of(const struct ledger *l, const struct ledger_device *d, size_t index)
{
	const struct lock_held *h = &d->held[index];
	int64_t until =
		h->state == LOCK_STATE_LIVE ? h->until_ms : d->life[index].quarantine_until_ms;

	return h->kind != LOCK_KIND_STANDING && until > l->now_ms ? (uint64_t)(until - l->now_ms)
								  : 0;
}

/* Who asked for it; its row was read with what stands on the device, a waiter's may not be. */
static void put_owner(const struct ledger *l, struct m_blocker *b)
{
	const struct ledger_request *r = ledger_request(l, &b->request);

	if (r == NULL)
		return;
	b->holder = r->holder;
	b->job = r->job;
}

static void put_blocker(struct ledger *l, const struct ledger_ask *ask,
	const struct ledger_device *d, struct lock_blocker which, struct m_blocker *b)
{
	*b = (struct m_blocker){.device = d->id, .waiting = which.waiting};
	if (which.waiting) {
		const struct lock_waiter *w = &d->waiting[which.index];

		b->request = w->request;
		b->op = op_id(w->use.op);
		b->state = LOCK_STATE_WAITING;
		b->row = row_between(w->use.op, ask->use.op);
	} else {
		const struct lock_held *h = &d->held[which.index];

		b->request = h->request;
		b->kind = h->kind;
		b->op = op_id(h->use.op);
		b->state = h->state;
		b->row = row_between(ask->use.op, h->use.op);
		b->remaining_ms = left_of(l, d, which.index);
	}
	put_owner(l, b);
	b->text = words_blocker(l->arena, ask->lang, ask->use.op, b);
}

static void put_blockers(struct ledger *l, const struct ledger_ask *ask,
	const struct lock_verdict *verdicts, struct m_lock_answer *a)
{
	struct m_blocker *all = NULL;
	size_t n = 0, cap = 0;

	for (size_t i = 0; i < ask->devices_n; i++) {
		const struct ledger_device *d = ledger_device(l, &ask->devices[i]);
		size_t known = size_min(verdicts[i].blocked, LOCK_BLOCKERS_MAX);

		for (size_t k = 0; k < known && n < BLOCKERS_MAX; k++)
			put_blocker(l, ask, d, verdicts[i].blockers[k],
				ledger_push(l, &all, &n, &cap, sizeof(*all)));
	}
	a->blockers = all;
	a->blockers_n = n;
}

/* How many stand before it, in the longest of its queues, plus one. */
static uint64_t place(const struct ledger *l, const struct ledger_ask *ask)
{
	const struct ledger_request *r = ledger_request(l, &ask->request);
	uint64_t most = 0;

	for (size_t i = 0; i < ask->devices_n; i++) {
		const struct ledger_device *d = ledger_device(l, &ask->devices[i]);
		uint64_t before = 0;

		for (size_t k = 0; k < d->waiting_n; k++)
			before += !r || d->waiting[k].ticket < r->ticket;
		most = before > most ? before : most;
	}
	return most + 1;
}

static const char *first_reason(const struct lock_verdict *verdicts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (verdicts[i].result == LOCK_RESULT_REFUSED)
			return verdicts[i].reason;
	return NULL;
}

struct m_lock_answer *answer_plain(struct ledger *l, enum lock_result result, const char *reason)
{
	struct m_lock_answer *a = arena_alloc(l->arena, sizeof(*a));

	bug_if(!a);
	a->answer = result;
	a->reason = reason;
	return a;
}

struct m_lock_answer *answer_of_verdicts(struct ledger *l, const struct ledger_ask *ask,
	enum lock_result result, const struct lock_verdict *verdicts)
{
	struct m_lock_answer *a = arena_alloc(l->arena, sizeof(*a));

	bug_if(!a);
	a->answer = result;
	if (result == LOCK_RESULT_REFUSED)
		a->reason = first_reason(verdicts, ask->devices_n);
	else
		put_blockers(l, ask, verdicts, a);
	put_refused_items(l, ask, verdicts, a);
	if (result == LOCK_RESULT_GRANTED) {
		put_grants(l, ask, verdicts, a);
		put_effects(l, ask, verdicts, a);
	}
	if (result == LOCK_RESULT_QUEUED) {
		a->place = place(l, ask);
		a->retry_ms = ask->retry_ms;
	}
	if (ask->speak)
		a->text = words_answer(l->arena, ask->lang, ask->use.op, a);
	return a;
}
