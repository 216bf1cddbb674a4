// SPDX-License-Identifier: Apache-2.0
/* Lock instances: calls of one moment become one transaction that takes the device rows, as
 * serve.c, on_renew.c and sweep.c do it. They are killed and stopped between any two steps. */
#include <string.h>

#include "tests/unit/sim/sim.h"

enum { SWEEP_MS = 1000, SILENT_MS = 15000, IDLE_MS = 5000 };

static int64_t own_clock(const struct instance *in)
{
	return sim.now + in->boot;
}

static bool runs(const struct instance *in)
{
	return in->alive && sim.now >= in->stopped_until;
}

/* ---- rows ---- */

static bool row_taken(uint32_t device, const struct txn *by)
{
	for (uint32_t i = 0; i < sim.instances_n; i++)
		for (size_t k = 0; k < 2; k++) {
			const struct txn *t = &sim.instances[i].txn[k];
			if (t != by && t->open && t->mine[device])
				return true;
		}
	return false;
}

/* In ascending order, as ORDER BY … FOR UPDATE; false: waits for a row. */
static bool take_rows(struct txn *t)
{
	for (uint32_t d = 0; d < sim.devices_n; d++) {
		if (!t->wants[d] || t->mine[d])
			continue;
		if (row_taken(d, t) && sim.bug != BUG_ROW_LOCK)
			return false;
		t->mine[d] = true;
	}
	return true;
}

static void advance(void *arg);

static struct txn *waiting_txn(void)
{
	for (uint32_t i = 0; i < sim.instances_n; i++)
		for (size_t k = 0; k < 2; k++)
			if (sim.instances[i].txn[k].open && sim.instances[i].txn[k].waits)
				return &sim.instances[i].txn[k];
	return NULL;
}

static void close_txn(struct txn *t)
{
	if (t->locked)
		ledger_fini(&t->ledger);
	arena_fini(&t->arena);
	t->open = t->locked = t->waits = false;
	memset(t->mine, 0, sizeof(t->mine));
	for (struct txn *w = waiting_txn(); w != NULL; w = waiting_txn()) {
		w->waits = false;
		at(1, advance, w);
	}
}

/* ---- one transaction ---- */

static void observe(struct ledger *l, const struct message *m)
{
	struct m_observation o = m->seen;

	o.ops = m->seen_ops;
	ledger_observe(l, &o);
}

/* The watch as it is now, not as it was when the rows were found due. */
static void sweep(struct ledger *l, const struct message *m, const struct instance *in)
{
	struct ledger_rules rules = {
		.silent_ms = SILENT_MS, .watched_ms = watch_length(&in->watch)};

	if (sim.bug == BUG_WATCH || sim.bug == BUG_OLD_WATCH)
		rules.watched_ms = m->watched_ms;
	if (sim.bug == BUG_WATCH || !watch_stepped(&in->watch, l->now_ms, (uint64_t)own_clock(in)))
		ledger_sweep(l, &rules);
}

static void decide(struct txn *t, size_t i)
{
	const struct message *m = &t->works[i];
	struct reply *r = &t->replies[i];
	struct ledger *l = &t->ledger;
	const struct instance *in = &sim.instances[t->instance];

	switch (m->kind) {
	case M_ACQUIRE: {
		observe(l, m);
		const struct m_lock_answer *a = ledger_acquire(l, &truth_of(m->request)->ask);
		r->result = a->answer;
		r->remaining_ms = a->remaining_ms;
		for (size_t k = 0; k < a->grants_n; k++)
			r->tokens[k] = a->grants[k].token;
		break;
	}
	case M_RELEASE:
		for (size_t k = 0; k < m->locks_n; k++)
			if (!ledger_release(l, &m->from, &m->locks[k]))
				r->lost[r->lost_n++] = m->locks[k].request;
			else if (!uuid_eq(&truth_of(number_of(&m->locks[k].request))->ask.session,
					 &m->from))
				broken("I6: released by somebody else");
		break;
	case M_CANCEL: {
		struct uuid id = id_of(1, m->request);
		ledger_cancel(l, &id, &m->from);
		break;
	}
	case M_OBSERVE:
		observe(l, m);
		break;
	case M_STAND:
		ledger_stand(l, &m->stand);
		break;
	case M_SWEEP:
		sweep(l, m, in);
		break;
	case M_RENEW:
	case M_STORE:
	case M_CLAIM:
	case M_ADVANCE:
	case M_RESULT:
		bug_if(true);
	}
}

static void want_devices_of(struct txn *t, const struct uuid *request)
{
	const struct ledger_request *r = row_of(request);

	for (size_t i = 0; r != NULL && i < r->devices_n; i++)
		t->wants[number_of(&r->devices[i])] = true;
}

static void want(struct txn *t, const struct message *m)
{
	for (size_t i = 0; i < m->devices_n; i++)
		t->wants[m->devices[i]] = true;
	for (size_t i = 0; i < m->locks_n; i++)
		want_devices_of(t, &m->locks[i].request);
	if (m->kind == M_ACQUIRE) {
		const struct ledger_ask *a = &truth_of(m->request)->ask;
		for (size_t i = 0; i < a->devices_n; i++)
			t->wants[number_of(&a->devices[i])] = true;
		want_devices_of(t, &a->under);
	}
	if (m->kind == M_CANCEL) {
		struct uuid id = id_of(1, m->request);
		want_devices_of(t, &id);
	}
	if (m->kind == M_OBSERVE)
		t->wants[number_of(&m->seen.device)] = true;
	if (m->kind == M_STAND)
		t->wants[number_of(&m->stand.device)] = true;
}

static void begin_next(uint32_t i);

static void answer_all(struct txn *t, bool failed)
{
	for (size_t i = 0; i < t->n; i++) {
		t->replies[i].to = t->works[i];
		t->replies[i].failed = failed;
		if (t->works[i].kind != M_SWEEP)
			answer(&t->replies[i]);
	}
}

/* Someone in the middle of a transaction said nothing for too long. */
static void abort_txn(struct txn *t)
{
	const struct instance *in = &sim.instances[t->instance];
	bool told = in->alive && in->life == t->life;

	if (told)
		answer_all(t, true);
	close_txn(t);
}

void instances_abort(void)
{
	for (uint32_t i = 0; i < sim.instances_n; i++)
		for (size_t k = 0; k < 2; k++)
			if (sim.instances[i].txn[k].open)
				abort_txn(&sim.instances[i].txn[k]);
}

static void commit(struct txn *t)
{
	const struct instance *in = &sim.instances[t->instance];

	sim.steps++;
	note("instance %u commits %zu calls", t->instance, t->n);
	if (t->renewals)
		store_renew(t);
	else
		store_commit(t);
	store_check();
	bool dies = one_in(sim.rates.kill_instance * 4u);
	if (!dies && in->life == t->life)
		answer_all(t, false);
	close_txn(t);
	if (dies)
		instance_kill(t->instance);
	else
		begin_next(t->instance);
}

/* One phase after the other; each may find the world changed. */
static void advance(void *arg)
{
	struct txn *t = arg;
	const struct instance *in = &sim.instances[t->instance];

	if (!t->open)
		return;
	if (!in->alive || in->life != t->life) { /* the server notices the closed connection */
		close_txn(t);
		return;
	}
	if (!runs(in)) {
		if (in->stopped_until - sim.now > IDLE_MS) {
			note("transaction of stopped instance %u is aborted", t->instance);
			abort_txn(t);
		} else {
			at(in->stopped_until - sim.now + 1, advance, t);
		}
		return;
	}
	if (t->locked) {
		commit(t);
		return;
	}
	if (!take_rows(t)) {
		t->waits = true;
		return;
	}
	store_load(t);
	t->locked = true;
	for (size_t i = 0; !t->renewals && i < t->n; i++)
		decide(t, i);
	if (one_in(sim.rates.kill_instance * 4u))
		instance_kill(t->instance);
	at(one_in(80) ? dice(4000) : dice(8), advance, t);
}

static void begin(struct instance *in, size_t which, struct message *queue, size_t *n)
{
	struct txn *t = &in->txn[which];

	if (*n == 0 || t->open || !runs(in) || sim.db_down)
		return;
	unsigned serial = t->serial + 1;
	memset(t, 0, sizeof(*t));
	t->serial = serial;
	t->open = true;
	t->renewals = which == 1;
	t->instance = (uint32_t)(in - sim.instances);
	t->life = in->life;
	t->n = size_min(*n, BATCH);
	memcpy(t->works, queue, t->n * sizeof(*queue));
	*n -= t->n;
	memmove(queue, queue + t->n, *n * sizeof(*queue));
	arena_init(&t->arena, 0);
	for (size_t i = 0; i < t->n; i++)
		want(t, &t->works[i]);
	at(1 + dice(6), advance, t);
}

static void begin_next(uint32_t i)
{
	struct instance *in = &sim.instances[i];

	begin(in, 0, in->queue, &in->queue_n);
	begin(in, 1, in->renewals, &in->renewals_n);
}

static void wake(void *arg)
{
	const struct instance *in = arg;

	if (!runs(in) && in->alive)
		at(in->stopped_until - sim.now + 1, wake, arg);
	else
		begin_next((uint32_t)(in - sim.instances));
}

/* ---- messages ---- */

struct parcel {
	struct message m;
	uint32_t instance;
	unsigned life;
};

static void put(struct instance *in, const struct message *m)
{
	if (m->kind == M_RENEW && in->renewals_n < array_len(in->renewals))
		in->renewals[in->renewals_n++] = *m;
	else if (m->kind != M_RENEW && in->queue_n < array_len(in->queue))
		in->queue[in->queue_n++] = *m;
	wake(in);
}

static void arrives(void *arg)
{
	const struct parcel *p = arg;
	struct instance *in = &sim.instances[p->instance];

	if (p->m.kind >= M_STORE)
		serve_other(&p->m);
	else if (in->alive)
		put(in, &p->m);
}

static int64_t way(void)
{
	return one_in(sim.rates.late) ? dice(90000) : 1 + dice(40);
}

void send_message(const struct message *m)
{
	struct parcel p = {.m = *m, .instance = dice(sim.instances_n)};
	unsigned copies = one_in(sim.rates.twice) ? 2 : 1;

	if (one_in(sim.rates.lost)) {
		sim.count.lost_messages++;
		return;
	}
	for (unsigned i = 0; i < copies; i++) {
		at(way(), arrives, keep(&p, sizeof(p)));
		p.instance = dice(sim.instances_n);
	}
}

static void answered(void *arg)
{
	worker_answer(arg);
}

void answer(const struct reply *r)
{
	if (one_in(sim.rates.lost)) {
		sim.count.lost_messages++;
		return;
	}
	at(way(), answered, keep(r, sizeof(*r)));
}

/* ---- the sweep ---- */

struct look {
	uint32_t instance;
	unsigned life;
	int64_t asked, said;
};

static bool is_due(const struct s_held *h, uint64_t watched)
{
	int64_t now = db_clock();

	if (h->h.state == LOCK_STATE_LIVE)
		return h->h.until_ms <= now && h->life.lease_ms <= watched;
	return h->life.quarantine_until_ms <= now ||
	       (h->h.state == LOCK_STATE_QUARANTINE &&
		       h->life.quarantined_ms + h->life.quarantine_max_ms <= now);
}

static bool waits_too_long(const struct lock_waiter *w)
{
	const struct ledger_request *r = row_of(&w->request);

	return w->until_ms <= db_clock() || (r != NULL && r->asked_ms + SILENT_MS <= db_clock());
}

static void sweep_due(struct instance *in)
{
	struct message m = {.kind = M_SWEEP, .watched_ms = watch_length(&in->watch)};

	if (sim.bug == BUG_WATCH)
		m.watched_ms = UINT64_MAX / 2;
	for (uint32_t d = 0; d < sim.devices_n; d++) {
		const struct s_device *s = &sim.db.devices[d];
		bool due = false;
		for (size_t i = 0; i < s->held_n; i++)
			due |= is_due(&s->held[i], m.watched_ms);
		for (size_t i = 0; i < s->waiting_n; i++)
			due |= waits_too_long(&s->waiting[i]);
		if (due)
			m.devices[m.devices_n++] = d;
	}
	if (m.devices_n > 0)
		put(in, &m);
}

static void looked(void *arg)
{
	const struct look *k = arg;
	struct instance *in = &sim.instances[k->instance];

	if (!in->alive || in->life != k->life)
		return;
	if (!runs(in)) {
		at(in->stopped_until - sim.now + 1, looked, arg);
		return;
	}
	(void)watch_look(&in->watch, k->said, (uint64_t)k->asked, (uint64_t)own_clock(in));
	sweep_due(in);
}

static void asks_clock(void *arg)
{
	struct look *k = arg;

	if (sim.db_down) { /* nobody watched meanwhile */
		sim.instances[k->instance].watch.seen = false;
		return;
	}
	k->said = db_clock();
	at(one_in(60) ? dice(5000) : 1 + dice(5), looked, k);
}

static void tick(void *arg)
{
	const struct look *mine = arg;
	struct instance *in = &sim.instances[mine->instance];

	if (!in->alive || in->life != mine->life)
		return;
	if (runs(in)) {
		struct look k = *mine;
		k.asked = own_clock(in);
		at(one_in(60) ? dice(5000) : 1 + dice(5), asks_clock, keep(&k, sizeof(k)));
	}
	at(SWEEP_MS, tick, arg);
}

/* ---- life and death ---- */

void instance_start(uint32_t i)
{
	struct instance *in = &sim.instances[i];
	struct look mine = {.instance = i, .life = ++in->life};

	in->alive = true;
	in->stopped_until = 0;
	in->queue_n = in->renewals_n = 0;
	in->watch = (struct lock_watch){.seen = false};
	at(dice(SWEEP_MS), tick, keep(&mine, sizeof(mine)));
}

static void revive(void *arg)
{
	const struct instance *in = arg;

	if (!in->alive)
		instance_start((uint32_t)(in - sim.instances));
}

void instance_kill(uint32_t i)
{
	struct instance *in = &sim.instances[i];

	if (!in->alive)
		return;
	note("instance %u is killed", i);
	in->alive = false;
	sim.count.instance_deaths++;
	for (size_t k = 0; k < 2; k++)
		if (in->txn[k].open)
			at(dice(50), advance, &in->txn[k]);
	at(500 + dice(8000), revive, in);
}
