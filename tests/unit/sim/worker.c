// SPDX-License-Identifier: Apache-2.0
/* Workers: sessions that claim jobs, ask for locks, speak to printers, store and report; leases
 * with soft stop and dead-man as locks.md section 10 says. Also those who only hold or declare. */
#include <string.h>

#include "tests/unit/sim/sim.h"

enum { TRIES_MAX = 8 };

struct turn {
	uint32_t worker, session;
	unsigned life, serial;
	int64_t when; /* own clock: of the dead-man */
};

static int64_t own_clock(const struct worker *w)
{
	return sim.now + w->boot;
}

bool worker_stopped(const struct worker *w)
{
	return sim.now < w->stopped_until;
}

static uint32_t number(const struct worker *w)
{
	return (uint32_t)(w - sim.workers);
}

static int64_t soft_ms(void)
{
	return sim.lease_ms / 3;
}

static int64_t hard_ms(void)
{
	return sim.lease_ms / 6 > 2000 ? sim.lease_ms / 6 : 2000;
}

/* Runs fn for this process, when it is not stopped; else as soon as it goes on. */
static bool awake(const struct worker *w, unsigned life, void (*run)(void *arg), void *arg)
{
	if (!w->alive || w->life != life)
		return false;
	if (!worker_stopped(w))
		return true;
	at(w->stopped_until - sim.now + dice(3), run, arg);
	return false;
}

static void in_turn(struct worker *w, const struct session *s, int64_t ms, void (*run)(void *arg))
{
	struct turn t = {.worker = number(w),
		.session = (uint32_t)(s - w->sessions),
		.life = w->life,
		.serial = s->serial};

	at(ms, run, keep(&t, sizeof(t)));
}

static void next(void *arg);
static void timeout(void *arg);

/* ---- timers of the leases ---- */

static void dead_man(void *arg)
{
	const struct turn *t = arg;
	const struct worker *w = &sim.workers[t->worker];

	if (!w->alive || w->life != t->life || w->armed != t->when)
		return;
	sim.count.deadmen++;
	worker_kill(t->worker, "by its dead-man");
}

static void soft_stop(void *arg);

static void rearm(struct worker *w)
{
	int64_t first = 0;

	for (size_t i = 0; i < SESSIONS; i++) {
		const struct session *s = &w->sessions[i];
		if (s->lock_end > 0 && (first == 0 || s->lock_end < first))
			first = s->lock_end;
		if (s->hold_end > 0 && (first == 0 || s->hold_end < first))
			first = s->hold_end;
	}
	w->armed = first > 0 && sim.bug != BUG_DEADMAN ? first - hard_ms() : 0;
	if (first == 0) {
		w->first = 0;
		return;
	}
	struct turn t = {.worker = number(w), .life = w->life, .when = w->armed};
	int64_t to_soft = first - soft_ms() - own_clock(w);
	int64_t to_hard = first - hard_ms() - own_clock(w);
	if (first == w->first)
		return; /* both are set */
	w->first = first;
	if (w->armed > 0)
		at(to_hard > 0 ? to_hard : 0, dead_man, keep(&t, sizeof(t)));
	t.when = first;
	at(to_soft > 0 ? to_soft : 0, soft_stop, keep(&t, sizeof(t)));
}

/* ---- calls ---- */

static struct message message(struct worker *w, struct session *s, enum msg_kind kind)
{
	s->sent = own_clock(w);
	return (struct message){.kind = kind,
		.worker = number(w),
		.session = (uint32_t)(s - w->sessions),
		.life = w->life,
		.serial = s->serial,
		.request = s->request,
		.from = w->id,
		.job = s->job,
		.attempt = s->attempt,
		.token = s->token,
		.sent = s->sent};
}

static void look_at(struct message *m, uint32_t device)
{
	m->seen = (struct m_observation){
		.device = id_of(2, device), .failed = one_in(10), .age_ms = dice(3000)};
	m->seen.ops_n = probe(device, m->seen_ops);
}

static void lock_of(struct message *m, uint32_t request, uint64_t token, bool unsure)
{
	m->locks[m->locks_n++] =
		(struct m_held){.request = id_of(1, request), .token = token, .unsure = unsure};
}

/* Says what the session's step wants to say; again when nobody answers. */
static void say(struct worker *w, struct session *s)
{
	static const enum msg_kind kinds[] = {[CLAIM] = M_CLAIM,
		[ASK] = M_ACQUIRE,
		[ADVANCE] = M_ADVANCE,
		[STORE] = M_STORE,
		[RELEASE] = M_RELEASE,
		[REPORT] = M_RESULT};
	struct message m = message(w, s, kinds[s->step]);

	if (s->step == ASK)
		look_at(&m, number_of(&truth_of(s->request)->ask.devices[0]));
	if (s->step == RELEASE)
		lock_of(&m, s->request, s->token, s->unsure);
	if (s->step == ADVANCE)
		m.state = s->storing ? JOB_STATE_STORING : JOB_STATE_RUNNING;
	if (s->step == REPORT) {
		m.state = s->verdict;
		m.code = s->code;
		m.token = s->advanced ? s->token : 0;
	}
	if (s->step == STORE)
		m.device = number_of(&truth_of(s->request)->ask.devices[0]);
	send_message(&m);
	in_turn(w, s, 2000 + dice(4000), timeout);
}

static void go(struct worker *w, struct session *s, enum step step)
{
	s->step = step;
	s->serial++;
	s->tries = 0;
	if (step == IDLE) {
		memset(s, 0, offsetof(struct session, serial));
		s->job = 0;
		s->storing = s->unsure = s->advanced = false;
		in_turn(w, s, dice(sim.healing ? 500 : 4000), next);
		return;
	}
	say(w, s);
}

static void end_hold(struct worker *w, struct session *s);

static void report(struct worker *w, struct session *s, enum job_state state, int code)
{
	s->verdict = state;
	s->code = code;
	if (s->hold > 0)
		end_hold(w, s);
	else
		go(w, s, s->job > 0 ? REPORT : IDLE);
}

static void release(struct worker *w, struct session *s, bool unsure)
{
	s->unsure = unsure;
	s->lock_end = 0;
	rearm(w);
	go(w, s, RELEASE);
}

/* The hold becomes the lock to give back, and nothing is above it. */
static void end_hold(struct worker *w, struct session *s)
{
	s->request = s->hold;
	s->token = s->hold_token;
	s->hold = 0;
	s->hold_end = 0;
	release(w, s, false);
}

/* ---- cutting a session ---- */

static void cut(struct worker *w, struct session *s, bool lost)
{
	printer_drop(number(w), (uint32_t)(s - w->sessions));
	s->lock_end = 0;
	s->verdict = lost ? JOB_STATE_RETRY : JOB_STATE_DEFERRED;
	s->code = 0;
	if (lost)
		report(w, s, JOB_STATE_RETRY, 0);
	else
		release(w, s, true);
}

static void soft_stop(void *arg)
{
	const struct turn *t = arg;
	struct worker *w = &sim.workers[t->worker];

	if (w->first != t->when || !awake(w, t->life, soft_stop, arg))
		return;
	w->first = 0;
	for (size_t i = 0; i < SESSIONS; i++) {
		struct session *s = &w->sessions[i];
		if (s->hold_end > 0 && s->hold_end <= own_clock(w) + soft_ms())
			s->hold_end = 0; /* no more children under it */
		if (s->lock_end == 0 || s->lock_end > own_clock(w) + soft_ms())
			continue;
		note("worker %u leaves %u in time", t->worker, s->request);
		sim.count.soft_stops++;
		cut(w, s, false);
	}
	rearm(w);
}

/* ---- what is asked ---- */

static const struct uuid *some_devices(unsigned most, size_t *ret_n)
{
	struct uuid ids[DEVICES];
	size_t n = 0;

	for (uint32_t d = dice(sim.devices_n); d < sim.devices_n && n < most; d++)
		if (n == 0 || dice(2) == 0)
			ids[n++] = id_of(2, d);
	*ret_n = n;
	return keep(ids, n * sizeof(ids[0]));
}

static void choose_items(struct ledger_ask *a)
{
	size_t n;
	const char *const *all = op_items(a->use.op, &n);

	a->items = all;
	a->items_n = n;
	if (n > 2 && dice(2) == 0) {
		size_t from = dice((unsigned)n - 1);
		a->items = all + from;
		a->items_n = 1 + dice((unsigned)(n - from));
	}
}

static struct ledger_ask new_ask(const struct worker *w, enum lock_kind kind, unsigned op)
{
	struct ledger_ask a = {.session = w->id,
		.kind = kind,
		.use = {.op = op,
			.direction = dice(2) ? LOCK_DIRECTION_EXPORT : LOCK_DIRECTION_IMPORT},
		.policy = dice(4) ? ITEM_POLICY_FILTER : ITEM_POLICY_STRICT,
		.wait_ms = dice(2) ? 1000u * (1 + dice(60)) : 0,
		.lease_ms = sim.lease_ms};

	choose_items(&a);
	return a;
}

static void ask(struct worker *w, struct session *s, const struct ledger_ask *a)
{
	s->request = new_request(a);
	s->calls_left = a->kind == LOCK_KIND_OWN ? 1 + dice(3) : 0;
	go(w, s, ASK);
}

static void ask_for_job(struct worker *w, struct session *s)
{
	const struct s_job *j = &sim.db.jobs[s->job - 1];
	struct ledger_ask a = new_ask(w, LOCK_KIND_OWN, j->op);
	struct uuid device = id_of(2, j->device);

	a.use.direction = j->direction;
	a.devices = keep(&device, sizeof(device));
	a.devices_n = 1;
	ask(w, s, &a);
}

static void ask_declared(struct worker *w, struct session *s)
{
	static const unsigned ops[] = {OP_SEND, OP_FAX, OP_RUI, OP_SW_UPDATE, OP_SYNC, OP_SHUTDOWN,
		OP_MBOX_BACKUP, OP_REMOTE_AB};
	struct ledger_ask a = new_ask(w, LOCK_KIND_DECLARED, ops[dice(array_len(ops))]);

	a.devices = some_devices(2, &a.devices_n);
	ask(w, s, &a);
}

static void ask_hold(struct worker *w, struct session *s)
{
	struct ledger_ask a = new_ask(w, LOCK_KIND_HOLD, dice(2) ? OP_SYNC_CONTROL : OP_BATCH_IE);

	a.devices = some_devices(3, &a.devices_n);
	ask(w, s, &a);
}

/* A job under the hold that the session just got. */
static void ask_child(struct worker *w, struct session *s)
{
	const struct ledger_ask *above = &truth_of(s->request)->ask;
	struct ledger_ask a = new_ask(w, LOCK_KIND_OWN, dice(2) ? OP_INDIV_IE : OP_SYNC_CONTROL);

	s->hold = s->request;
	s->hold_token = s->token;
	s->hold_end = s->lock_end;
	s->lock_end = 0;
	a.under = id_of(1, s->hold);
	a.wait_ms = 0;
	a.devices = &above->devices[dice((unsigned)above->devices_n)];
	a.devices_n = 1;
	ask(w, s, &a);
}

/* ---- steps ---- */

static void work(struct worker *w, struct session *s)
{
	if (s->calls_left == 0) {
		s->storing = true;
		go(w, s, ADVANCE);
		return;
	}
	s->calls_left--;
	s->step = WORK;
	s->serial++;
	printer_call(number(w), (uint32_t)(s - w->sessions), 300 + dice(one_in(3) ? 25000 : 6000));
}

static void steal(const struct worker *w)
{
	uint32_t r = dice((unsigned)sim.truths_n);
	const struct ledger_request *row =
		r > 0 && r < sim.db.requests_n ? &sim.db.requests[r] : NULL;
	struct message m = {.kind = dice(2) ? M_RENEW : M_RELEASE,
		.worker = UINT32_MAX,
		.from = dice(2) ? w->id : id_of(9, 9)};

	if (row == NULL || row->id.b[0] == 0)
		return;
	if (row->first_token != 0 && row->state != LOCK_STATE_LIVE && dice(2)) { /* much too late */
		m = (struct message){.kind = M_STORE,
			.worker = UINT32_MAX,
			.request = r,
			.device = number_of(&row->devices[0]),
			.token = row->first_token};
		send_message(&m);
		return;
	}
	bool mine = uuid_eq(&row->session, &m.from);
	lock_of(&m, r, row->first_token + (mine ? 1 : 0), false);
	send_message(&m);
}

static void next(void *arg)
{
	const struct turn *t = arg;
	struct worker *w = &sim.workers[t->worker];
	struct session *s = &w->sessions[t->session];

	if (!awake(w, t->life, next, arg) || s->serial != t->serial)
		return;
	if (s->step == HOLDING) {
		if (truth_of(s->request)->ask.kind == LOCK_KIND_HOLD && s->lock_end > 0)
			ask_child(w, s);
		else
			release(w, s, one_in(8));
		return;
	}
	if (s->step == ASK) { /* a waiter asks again */
		if (one_in(sim.healing ? 0 : 20)) {
			struct message m = message(w, s, M_CANCEL);
			truth_of(s->request)->given_up = true;
			send_message(&m);
			report(w, s, JOB_STATE_DEFERRED, 0);
		} else {
			say(w, s);
		}
		return;
	}
	if (one_in(30))
		steal(w);
	unsigned what = sim.healing ? 0 : dice(10);
	if (what < 6)
		go(w, s, CLAIM);
	else if (what < 8)
		ask_declared(w, s);
	else
		ask_hold(w, s);
}

static void timeout(void *arg)
{
	const struct turn *t = arg;
	struct worker *w = &sim.workers[t->worker];
	struct session *s = &w->sessions[t->session];

	if (!awake(w, t->life, timeout, arg) || s->serial != t->serial || s->step == WORK ||
		s->step == HOLDING || s->step == IDLE)
		return;
	if (++s->tries > TRIES_MAX) {
		if (s->step == ASK)
			truth_of(s->request)->given_up = true;
		s->lock_end = 0;
		s->hold_end = 0;
		rearm(w);
		go(w, s, IDLE);
		return;
	}
	say(w, s);
}

/* ---- answers ---- */

static void remember_grant(const struct reply *r)
{
	struct truth *x = truth_of(r->to.request);

	if (x->forgotten)
		return;
	if (x->final != 0 && x->final != LOCK_RESULT_GRANTED)
		broken("I9: request %u was answered %d, now granted", r->to.request, (int)x->final);
	if (x->final == LOCK_RESULT_GRANTED && memcmp(x->tokens, r->tokens, sizeof(x->tokens)) != 0)
		broken("I9: request %u was granted with other tokens before", r->to.request);
	memcpy(x->tokens, r->tokens, sizeof(x->tokens));
	x->final = LOCK_RESULT_GRANTED;
}

static void remember(const struct reply *r)
{
	struct truth *x = truth_of(r->to.request);

	if (r->result == LOCK_RESULT_GRANTED) {
		remember_grant(r);
		return;
	}
	if (r->result == LOCK_RESULT_QUEUED || r->result == LOCK_RESULT_LOST || x->forgotten)
		return;
	if (x->final != 0 && x->final != r->result)
		broken("I9: request %u was answered %d, now %d", r->to.request, (int)x->final,
			(int)r->result);
	x->final = r->result;
}

static void on_lock_answer(struct worker *w, struct session *s, const struct reply *r)
{
	switch (r->result) {
	case LOCK_RESULT_GRANTED:
		s->lock_end = r->to.sent + (int64_t)r->remaining_ms;
		s->token = r->tokens[0];
		if (s->lock_end - soft_ms() <= own_clock(w)) {
			s->verdict = JOB_STATE_DEFERRED;
			release(w, s, false);
			return;
		}
		rearm(w);
		if (s->job > 0) {
			go(w, s, ADVANCE);
		} else if (truth_of(s->request)->ask.kind == LOCK_KIND_OWN) {
			work(w, s);
		} else {
			s->step = HOLDING;
			s->serial++;
			in_turn(w, s, dice(30000), next);
		}
		return;
	case LOCK_RESULT_QUEUED:
		sim.count.queued++;
		s->serial++;
		s->tries = 0;
		in_turn(w, s, 500 + dice(4500), next);
		return;
	case LOCK_RESULT_BUSY:
		sim.count.busy++;
		report(w, s, JOB_STATE_DEFERRED, 0);
		return;
	case LOCK_RESULT_REFUSED:
		sim.count.refused++;
		report(w, s, JOB_STATE_FAILED, 0);
		return;
	case LOCK_RESULT_LOST:
	case LOCK_RESULT_CANCELLED:
		report(w, s, JOB_STATE_RETRY, 0);
		return;
	}
}

static bool is_lost(const struct reply *r, uint32_t request)
{
	for (size_t i = 0; i < r->lost_n; i++)
		if (number_of(&r->lost[i]) == request)
			return true;
	return false;
}

static bool was_renewed(const struct reply *r, uint32_t request)
{
	for (size_t i = 0; i < r->to.locks_n; i++)
		if (number_of(&r->to.locks[i].request) == request)
			return !is_lost(r, request);
	return false;
}

static void on_renewed(struct worker *w, const struct reply *r)
{
	int64_t end = r->to.sent + (int64_t)r->remaining_ms;

	for (size_t i = 0; i < SESSIONS; i++) {
		struct session *s = &w->sessions[i];
		if (s->hold_end > 0 && was_renewed(r, s->hold) && end > s->hold_end)
			s->hold_end = end;
		if (s->hold_end > 0 && is_lost(r, s->hold))
			s->hold_end = 0;
		if (s->lock_end == 0)
			continue;
		if (was_renewed(r, s->request) && end > s->lock_end)
			s->lock_end = end;
		else if (is_lost(r, s->request))
			cut(w, s, true);
	}
	rearm(w);
}

static void on_advanced(struct worker *w, struct session *s, const struct reply *r)
{
	if (s->job > 0 && !r->ok) {
		s->job = 0; /* somebody else's now */
		release(w, s, false);
		return;
	}
	s->advanced = true;
	if (s->storing)
		go(w, s, STORE);
	else
		work(w, s);
}

static void on_answer(struct worker *w, struct session *s, const struct reply *r)
{
	switch (r->to.kind) {
	case M_ACQUIRE:
		on_lock_answer(w, s, r);
		return;
	case M_CLAIM:
		s->job = r->job;
		s->attempt = r->attempt;
		if (s->job > 0)
			ask_for_job(w, s);
		else
			go(w, s, IDLE);
		return;
	case M_ADVANCE:
		on_advanced(w, s, r);
		return;
	case M_STORE:
		s->verdict = r->ok ? JOB_STATE_SUCCEEDED : JOB_STATE_RETRY;
		release(w, s, one_in(20));
		return;
	case M_RELEASE:
		report(w, s, s->verdict, s->code);
		return;
	case M_RESULT:
		go(w, s, IDLE);
		return;
	case M_RENEW:
	case M_CANCEL:
	case M_OBSERVE:
	case M_STAND:
	case M_SWEEP:
		return;
	}
}

static void comes(void *arg)
{
	const struct reply *r = arg;
	struct worker *w = &sim.workers[r->to.worker];

	if (!awake(w, r->to.life, comes, arg) || r->failed)
		return;
	if (r->to.kind == M_RENEW) {
		on_renewed(w, r);
		return;
	}
	struct session *s = &w->sessions[r->to.session];
	if (r->to.serial == s->serial)
		on_answer(w, s, r);
}

void worker_answer(const struct reply *r)
{
	if (r->to.kind == M_ACQUIRE && !r->failed)
		remember(r);
	if (r->to.worker != UINT32_MAX)
		comes((void *)(uintptr_t)r);
}

/* The printer is done with a call. */
static void printer_done(void *arg)
{
	const struct turn *t = arg;
	struct worker *w = &sim.workers[t->worker];
	struct session *s = &w->sessions[t->session];

	if (!awake(w, t->life, printer_done, arg) || s->serial != t->serial || s->step != WORK)
		return;
	work(w, s);
}

void worker_printer_done(uint32_t worker, uint32_t session, unsigned life, unsigned serial)
{
	struct turn t = {.worker = worker, .session = session, .life = life, .serial = serial};

	printer_done(keep(&t, sizeof(t)));
}

/* ---- life and death ---- */

static void beat(void *arg)
{
	const struct turn *t = arg;
	struct worker *w = &sim.workers[t->worker];
	struct message m = {.kind = M_RENEW,
		.worker = t->worker,
		.life = t->life,
		.from = w->id,
		.sent = own_clock(w)};

	if (!awake(w, t->life, beat, arg))
		return;
	for (size_t i = 0; i < SESSIONS; i++) {
		const struct session *s = &w->sessions[i];
		if (s->lock_end > 0)
			lock_of(&m, s->request, s->token, false);
		if (s->hold_end > 0)
			lock_of(&m, s->hold, s->hold_token, false);
	}
	if (m.locks_n > 0)
		send_message(&m);
	at(sim.lease_ms / 6, beat, arg);
}

void worker_start(uint32_t n)
{
	struct worker *w = &sim.workers[n];
	struct turn t = {.worker = n, .life = ++w->life};

	w->alive = true;
	w->stopped_until = 0;
	w->armed = w->first = 0;
	w->id = id_of(3, n * 100000 + w->life);
	memset(w->sessions, 0, sizeof(w->sessions));
	for (size_t i = 0; i < SESSIONS; i++)
		in_turn(w, &w->sessions[i], dice(2000), next);
	at(dice(sim.lease_ms / 6), beat, keep(&t, sizeof(t)));
}

static void revive(void *arg)
{
	const struct worker *w = arg;

	if (!w->alive)
		worker_start(number(w));
}

void worker_kill(uint32_t n, const char *why)
{
	struct worker *w = &sim.workers[n];

	if (!w->alive)
		return;
	note("worker %u is killed %s", n, why);
	for (uint32_t i = 0; i < SESSIONS; i++)
		printer_drop(n, i);
	w->alive = false;
	sim.count.deaths++;
	for (size_t i = 0; i < SESSIONS; i++)
		if (w->sessions[i].step == ASK)
			truth_of(w->sessions[i].request)->given_up = true;
	at(1000 + dice(20000), revive, w);
}
