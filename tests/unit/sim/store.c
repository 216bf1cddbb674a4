// SPDX-License-Identifier: Apache-2.0
/* The database in memory: fills a ledger as sql.c does, writes it back as sql_write.c does, and
 * looks at every commit: I1, I2, I7, I9, I10 and the items of section 5. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/sim/sim.h"

/* ---- rows ---- */

struct ledger_request *row_of(const struct uuid *request)
{
	uint32_t n = number_of(request);

	return n < sim.db.requests_n && sim.db.requests[n].id.b[0] != 0 ? &sim.db.requests[n]
									: NULL;
}

struct s_held *held_of(uint32_t device, const struct uuid *request)
{
	struct s_device *d = &sim.db.devices[device];

	for (size_t i = 0; i < d->held_n; i++)
		if (uuid_eq(&d->held[i].h.request, request))
			return &d->held[i];
	return NULL;
}

static struct ledger_request *new_row(const struct uuid *id)
{
	uint32_t n = number_of(id);

	if (n >= sim.db.requests_cap) {
		size_t cap = sim.db.requests_cap > 0 ? sim.db.requests_cap * 2 : 512;
		while (cap <= n)
			cap *= 2;
		sim.db.requests = mem_realloc(sim.db.requests, cap * sizeof(*sim.db.requests));
		memset(sim.db.requests + sim.db.requests_cap, 0,
			(cap - sim.db.requests_cap) * sizeof(*sim.db.requests));
		sim.db.requests_cap = cap;
	}
	if (n >= sim.db.requests_n)
		sim.db.requests_n = n + 1;
	return &sim.db.requests[n];
}

/* ---- a failover that loses the end ---- */

static void copy_database(struct s_database *to, const struct s_database *from)
{
	struct ledger_request *rows = to->requests;
	size_t cap = to->requests_cap;

	if (cap < from->requests_n) {
		cap = from->requests_cap;
		rows = mem_realloc(rows, cap * sizeof(*rows));
	}
	*to = *from;
	to->requests = rows;
	to->requests_cap = cap;
	if (from->requests_n > 0)
		memcpy(rows, from->requests, from->requests_n * sizeof(*rows));
	if (cap > from->requests_n)
		memset(rows + from->requests_n, 0, (cap - from->requests_n) * sizeof(*rows));
}

void database_snapshot(void)
{
	copy_database(&sim.standby, &sim.db);
	sim.frozen = true;
}

/* What callers were told and the new primary does not know. */
static void forget(void)
{
	for (size_t i = 0; i < sim.db.requests_n; i++) {
		const struct ledger_request *old = &sim.db.requests[i];
		enum lock_state now = i < sim.standby.requests_n ? sim.standby.requests[i].state
								 : (enum lock_state)0;
		if (old->id.b[0] != 0 && old->state != now) {
			truth_of((uint32_t)i)->forgotten = true;
			sim.count.forgotten++;
		}
	}
}

void database_failover(void)
{
	uint64_t timeline = sim.db.timeline + 1;
	uint64_t ticket = sim.db.next_ticket + 32; /* sequences skip */

	instances_abort();
	forget();
	copy_database(&sim.db, &sim.standby);
	sim.db.timeline = timeline;
	sim.db.next_ticket = ticket;
	sim.frozen = false;
	sim.count.failovers++;
	note("failover to timeline %llu", (unsigned long long)timeline);
}

/* ---- rows → ledger ---- */

static bool is_waiting_needed(const struct txn *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->works[i].kind == M_SWEEP)
			return true;
	return false;
}

static bool hides(const struct txn *t, const struct uuid *id)
{
	for (size_t i = 0; sim.bug == BUG_IDEMPOTENCE && i < t->n; i++)
		if (t->works[i].kind == M_ACQUIRE && t->works[i].request == number_of(id))
			return true;
	return false;
}

static void load_request(struct txn *t, const struct uuid *id)
{
	const struct ledger_request *row = row_of(id);

	if (row == NULL || ledger_request(&t->ledger, id) != NULL || hides(t, id))
		return;
	struct ledger_request copy = *row;
	copy.change = LEDGER_SAME;
	(void)ledger_add_request(&t->ledger, &copy);
}

static void load_requests(struct txn *t)
{
	bool waiters = is_waiting_needed(t);

	for (size_t i = 0; i < t->n; i++) {
		const struct message *m = &t->works[i];
		struct uuid id = id_of(1, m->request);
		if (m->kind == M_ACQUIRE || m->kind == M_CANCEL)
			load_request(t, &id);
		if (m->kind == M_ACQUIRE)
			load_request(t, &truth_of(m->request)->ask.under);
		for (size_t k = 0; k < m->locks_n; k++)
			load_request(t, &m->locks[k].request);
	}
	for (uint32_t d = 0; d < sim.devices_n; d++) {
		const struct s_device *s = &sim.db.devices[d];
		for (size_t i = 0; t->wants[d] && i < s->held_n; i++)
			load_request(t, &s->held[i].h.request);
		for (size_t i = 0; waiters && t->wants[d] && i < s->waiting_n; i++)
			load_request(t, &s->waiting[i].request);
	}
}

static void load_device(struct txn *t, uint32_t n)
{
	const struct s_device *s = &sim.db.devices[n];
	struct uuid id = id_of(2, n);
	struct ledger_device *d = ledger_device(&t->ledger, &id);
	struct ledger_life none = {.request = NULL};

	for (size_t i = 0; i < s->held_n; i++) {
		struct ledger_life life = s->held[i].life;
		life.change = LEDGER_SAME;
		if (sim.bug == BUG_QUARANTINE) {
			life.quarantine_until_ms = life.quarantined_ms;
			life.quarantine_ms = 0;
			life.clear = true;
		}
		life.request = ledger_request(&t->ledger, &s->held[i].h.request);
		ledger_add_held(&t->ledger, d, &s->held[i].h, &life);
	}
	for (size_t i = 0; i < s->waiting_n; i++)
		if (sim.bug != BUG_FIFO || is_waiting_needed(t))
			ledger_add_waiter(&t->ledger, d, &s->waiting[i]);
	for (size_t i = 0; i < s->shadows_n; i++)
		if (sim.bug != BUG_ITEMS || s->shadows[i].use.op != OP_SYNC)
			ledger_add_held(&t->ledger, d, &s->shadows[i], &none);
	if (s->stands && sim.bug != BUG_ITEMS)
		ledger_add_held(&t->ledger, d, &s->standing, &none);
}

void store_load(struct txn *t)
{
	struct ledger *l = &t->ledger;
	uint64_t *tickets = arena_array(&t->arena, BATCH, sizeof(*tickets));

	ledger_init(l, &t->arena);
	l->devices = arena_array(&t->arena, DEVICES, sizeof(*l->devices));
	bug_if(l->devices == NULL || tickets == NULL);
	for (uint32_t d = 0; d < sim.devices_n; d++)
		if (t->wants[d])
			ledger_add_device(l, &(struct ledger_device){.id = id_of(2, d),
						     .last_token = sim.db.devices[d].last_token,
						     .profile = &sim.profile});
	load_requests(t);
	for (uint32_t d = 0; d < sim.devices_n; d++)
		if (t->wants[d])
			load_device(t, d);
	t->clock = l->now_ms = db_clock();
	t->real = sim.now;
	t->first_ticket = sim.db.next_ticket + 1;
	l->timeline = sim.bug == BUG_TIMELINE ? 0 : sim.db.timeline;
	for (size_t i = 0; i < BATCH; i++)
		tickets[i] = ++sim.db.next_ticket;
	l->tickets = tickets;
	l->tickets_n = BATCH;
}

/* ---- the one statement that is no ledger ---- */

static bool renew_one(const struct txn *t, const struct uuid *session, const struct m_held *held)
{
	const struct ledger_request *r = row_of(&held->request);
	bool any = false;

	if (r == NULL || r->state != LOCK_STATE_LIVE || !uuid_eq(&r->session, session) ||
		r->first_token != held->token)
		return false;
	for (size_t i = 0; i < r->devices_n; i++) {
		struct s_held *h = held_of(number_of(&r->devices[i]), &held->request);
		if (h == NULL || h->h.state != LOCK_STATE_LIVE ||
			t->clock >= h->granted_ms + h->life.max_hold_ms)
			continue;
		h->h.until_ms = t->clock + h->life.lease_ms;
		h->renewed_real = t->real;
		any = true;
	}
	sim.count.renewed += any;
	return any;
}

void store_renew(struct txn *t)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct message *m = &t->works[i];
		struct reply *r = &t->replies[i];
		r->remaining_ms = sim.lease_ms;
		for (size_t k = 0; k < m->locks_n; k++) {
			const struct truth *x = truth_of(number_of(&m->locks[k].request));
			bool done = renew_one(t, &m->from, &m->locks[k]);
			if (!done)
				r->lost[r->lost_n++] = m->locks[k].request;
			if (done && !uuid_eq(&x->ask.session, &m->from))
				broken("I6: renewed by somebody else");
		}
	}
}

/* ---- what a commit must not do ---- */

static bool is_synced(const char *item)
{
	return strcmp(item, "personal_setting_info") == 0 ||
	       strcmp(item, "user_group_address_list") == 0 ||
	       strcmp(item, "indiv_ab_personal") == 0 || strcmp(item, "indiv_ab_group") == 0;
}

/* Section 5, in other words than the service's. */
static bool item_open(const struct lock_held *sync, enum lock_direction direction, const char *item,
	int64_t clock)
{
	bool local = sync != NULL && sync->role == SYNC_ROLE_SERVER_CLIENT &&
		     strcmp(sync->destination, "localhost:8443") == 0;

	if (!is_synced(item))
		return true;
	if (!local)
		return false;
	if (direction == LOCK_DIRECTION_IMPORT)
		return strncmp(item, "indiv_", 6) == 0;
	return sync->prepared_ms > 0 && clock < sync->prepared_ms + 900000;
}

/* ---- ledger → rows: only what changed, as the statements do ---- */

static void remove_held(uint32_t n, const struct uuid *request)
{
	struct s_device *d = &sim.db.devices[n];
	struct s_held *h = held_of(n, request);

	if (h == NULL)
		return;
	size_t i = (size_t)(h - d->held);
	memmove(h, h + 1, (--d->held_n - i) * sizeof(*h));
}

static void remove_waiter(uint32_t n, uint64_t ticket)
{
	struct s_device *d = &sim.db.devices[n];

	for (size_t i = 0; i < d->waiting_n; i++)
		if (d->waiting[i].ticket == ticket) {
			memmove(&d->waiting[i], &d->waiting[i + 1],
				(--d->waiting_n - i) * sizeof(d->waiting[0]));
			return;
		}
}

static void put_held(const struct txn *t, const struct ledger_device *d, size_t i)
{
	uint32_t n = number_of(&d->id);
	struct s_device *s = &sim.db.devices[n];
	const struct ledger_life *life = &d->life[i];
	struct s_held *h = held_of(n, &d->held[i].request);

	if (life->change == LEDGER_NEW) {
		if (h != NULL)
			broken("I9: request %u stands twice on device %u",
				number_of(&d->held[i].request), n);
		bug_if(s->held_n == HELD);
		h = &s->held[s->held_n++];
		*h = (struct s_held){.h = d->held[i],
			.life = *life,
			.granted_ms = d->held[i].until_ms - life->lease_ms,
			.renewed_real = t->real,
			.quarantined_real = t->real,
			.fresh = true};
		h->life.items = keep(life->items, strlen(life->items) + 1);
	} else if (h != NULL) {
		int64_t until = h->h.until_ms;
		const char *items = h->life.items;
		if (h->h.state == LOCK_STATE_LIVE && d->held[i].state != LOCK_STATE_LIVE)
			h->quarantined_real = t->real;
		h->h = d->held[i];
		h->h.until_ms = until;
		h->life = *life;
		h->life.items = items;
	}
	if (h != NULL)
		h->life.request = NULL;
}

static void put_facts(const struct ledger_device *d)
{
	struct s_device *s = &sim.db.devices[number_of(&d->id)];

	if (d->shadows_changed)
		s->shadows_n = 0;
	if (d->standing_changed)
		s->stands = false;
	for (size_t i = 0; i < d->held_n; i++) {
		const struct lock_held *h = &d->held[i];
		if (h->kind == LOCK_KIND_SHADOW && d->shadows_changed && s->shadows_n < SHADOWS)
			s->shadows[s->shadows_n++] = *h;
		if (h->kind == LOCK_KIND_STANDING && d->standing_changed) {
			s->standing = *h;
			s->stands = true;
		}
	}
}

/* Answers live as long as the run; a grant needs its tokens and little else to be told again. */
static const struct m_lock_answer *keep_answer(const struct m_lock_answer *a)
{
	if (a == NULL)
		return NULL;
	struct m_lock_answer *copy = keep(a, sizeof(*a));

	if (a->grants_n > 0)
		copy->grants = keep(a->grants, a->grants_n * sizeof(*a->grants));
	copy->blockers_n = copy->items_refused_n = 0;
	return copy;
}

static void put_request(const struct ledger_request *r)
{
	struct ledger_request *row = new_row(&r->id);
	const struct m_lock_answer *before = row->answer;

	if (r->change == LEDGER_NEW && row->id.b[0] != 0 && sim.bug == BUG_ROW_LOCK)
		return; /* the key would have refused it */
	*row = *r;
	row->answer = r->answer != NULL && r->answer != before ? keep_answer(r->answer) : before;
}

static void put_waiters(const struct ledger_request *r)
{
	if (r->change != LEDGER_NEW || r->state != LOCK_STATE_WAITING)
		return;
	for (size_t i = 0; i < r->devices_n; i++) {
		struct s_device *s = &sim.db.devices[number_of(&r->devices[i])];
		bug_if(s->waiting_n == WAITING);
		s->waiting[s->waiting_n++] = (struct lock_waiter){.request = r->id,
			.use = r->use,
			.ticket = r->ticket,
			.until_ms = r->wait_until_ms};
	}
}

/* ---- what a commit must not have done ---- */

static bool released_here(const struct txn *t, const struct uuid *request)
{
	for (size_t i = 0; i < t->n; i++)
		for (size_t k = 0; t->works[i].kind == M_RELEASE && k < t->works[i].locks_n; k++)
			if (uuid_eq(&t->works[i].locks[k].request, request))
				return true;
	return false;
}

/* Two looks at the clock, each of which may be up to a second slow, and a step that is none. */
enum { HIDDEN_MS = 3100 };

/* I10, I6: what ended ended by its owner, or was there for its whole length in real time. */
static void check_end(const struct txn *t, const struct ledger_device *d, const struct s_held *h)
{
	const struct lock_held *now = NULL;
	uint32_t number = number_of(&h->h.request);

	for (size_t i = 0; i < d->held_n; i++)
		if (uuid_eq(&d->held[i].request, &h->h.request))
			now = &d->held[i];
	if (h->h.state == LOCK_STATE_LIVE && (now == NULL || now->state != LOCK_STATE_LIVE)) {
		if (released_here(t, &h->h.request))
			return;
		sim.count.expired++;
		note("expired %u", number);
		if (sim.now < h->renewed_real + h->life.lease_ms - HIDDEN_MS)
			broken("I10: lease of %u ended after %lld ms", number,
				(long long)(sim.now - h->renewed_real));
	} else if (h->h.state == LOCK_STATE_QUARANTINE && now == NULL) {
		sim.count.quarantined++;
		note("quarantine of %u over", number);
		if (sim.now < h->quarantined_real + sim.profile.quarantine_ms - HIDDEN_MS)
			broken("I10: quarantine of %u ended after %lld of %u ms", number,
				(long long)(sim.now - h->quarantined_real),
				sim.profile.quarantine_ms);
	} else if (h->h.state == LOCK_STATE_QUARANTINE && now->state == LOCK_STATE_ATTENTION) {
		sim.count.attention++;
	}
}

static bool is_child_of(const struct s_held *b, const struct s_held *a)
{
	return uuid_eq(&truth_of(number_of(&b->h.request))->ask.under, &a->h.request);
}

/* I1: against all that stands there now and was granted before it. */
static void check_beside(uint32_t n, const struct s_held *b)
{
	const struct s_device *s = &sim.db.devices[n];

	for (size_t k = 0; k < s->held_n; k++) {
		const struct s_held *a = &s->held[k];
		if (a == b || a->life.token > b->life.token || is_child_of(b, a))
			continue;
		if (lock_may_start(&sim.profile, b->h.use, a->h.use) == LOCK_MAY_NOT)
			broken("I1: device %u: %s (%u) granted beside %s (%u)", n,
				op_id(b->h.use.op), number_of(&b->h.request), op_id(a->h.use.op),
				number_of(&a->h.request));
	}
}

/* I7: nobody who was there before and is delayed by it. */
static void check_turn(const struct txn *t, uint32_t n, const struct s_held *b)
{
	const struct s_device *s = &sim.db.devices[n];
	const struct ledger_request *me = row_of(&b->h.request);

	if (!uuid_is_nil(&truth_of(number_of(&b->h.request))->ask.under)) {
		sim.count.under++;
		return;
	}
	for (size_t k = 0; k < s->waiting_n; k++) {
		const struct lock_waiter *w = &s->waiting[k];
		bool earlier = w->ticket < (me->ticket > 0 ? me->ticket : t->first_ticket);
		if (earlier && t->clock < w->until_ms && !uuid_eq(&w->request, &b->h.request) &&
			lock_may_start(&sim.profile, w->use, b->h.use) != LOCK_MAY)
			broken("I7: device %u: %s (%u) overtakes %s (%u)", n, op_id(b->h.use.op),
				number_of(&b->h.request), op_id(w->use.op), number_of(&w->request));
	}
}

static bool facts_changed(const struct txn *t, uint32_t n)
{
	struct uuid id = id_of(2, n);
	const struct ledger_device *d = ledger_device(&t->ledger, &id);

	return t->n > 1 && (d->shadows_changed || d->standing_changed);
}

/* Section 5. */
static void check_items(const struct txn *t, uint32_t n, const struct s_held *b)
{
	const struct s_device *s = &sim.db.devices[n];
	char items[1200];
	char *rest = items;
	bool seen = false;

	if (facts_changed(t, n))
		return; /* before the grant, or after it? */
	for (size_t k = 0; k < s->shadows_n; k++)
		seen |= s->shadows[k].use.op == OP_SYNC && s->shadows[k].until_ms > t->clock;
	if ((!s->stands && !seen) || !op_is_import_export(b->h.use.op))
		return;
	(void)snprintf(items, sizeof(items), "%s", b->life.items);
	for (const char *w = strsep(&rest, ","); w != NULL; w = strsep(&rest, ","))
		if (!item_open(s->stands ? &s->standing : NULL, b->h.use.direction, w, t->clock))
			broken("section 5: item %s was granted during synchronisation", w);
	sim.count.items++;
}

static void check_grant(const struct txn *t, uint32_t n, const struct s_held *b)
{
	note("grant %u: %s on device %u, token %llx", number_of(&b->h.request), op_id(b->h.use.op),
		n, (unsigned long long)b->life.token);
	if (b->life.token <= sim.last_token[n])
		broken("I2: device %u: token %llx after %llx", n, (unsigned long long)b->life.token,
			(unsigned long long)sim.last_token[n]);
	sim.last_token[n] = b->life.token;
	sim.count.grants++;
	check_beside(n, b);
	check_turn(t, n, b);
	check_items(t, n, b);
}

static void check_grants(const struct txn *t)
{
	for (size_t i = 0; i < t->ledger.devices_n; i++) {
		uint32_t n = number_of(&t->ledger.devices[i].id);
		const struct s_device *s = &sim.db.devices[n];
		for (size_t k = 0; k < s->held_n; k++)
			if (s->held[k].fresh)
				check_grant(t, n, &s->held[k]);
		for (size_t k = 0; k < s->held_n; k++)
			sim.db.devices[n].held[k].fresh = false;
	}
}

void store_commit(struct txn *t)
{
	struct ledger *l = &t->ledger;

	for (size_t i = 0; i < l->devices_n; i++) {
		struct ledger_device *d = &l->devices[i];
		const struct s_device *s = &sim.db.devices[number_of(&d->id)];
		for (size_t k = 0; k < s->held_n; k++)
			check_end(t, d, &s->held[k]);
		if (d->changed)
			sim.db.devices[number_of(&d->id)].last_token = d->last_token;
	}
	for (size_t i = 0; i < l->gone_held_n; i++)
		remove_held(number_of(&l->gone_held[i].device), &l->gone_held[i].request);
	for (size_t i = 0; i < l->gone_waiting_n; i++)
		remove_waiter(number_of(&l->gone_waiting[i].device), l->gone_waiting[i].ticket);
	for (size_t i = 0; i < l->request_n; i++) {
		if (l->request_list[i]->change == LEDGER_SAME)
			continue;
		put_request(l->request_list[i]);
		put_waiters(l->request_list[i]);
	}
	for (size_t i = 0; i < l->devices_n; i++) {
		const struct ledger_device *d = &l->devices[i];
		for (size_t k = 0; k < d->held_n; k++)
			if (d->life[k].request != NULL && d->life[k].change != LEDGER_SAME)
				put_held(t, d, k);
		put_facts(d);
	}
	check_grants(t);
}

/* ---- what must hold of the rows after every step (I9) ---- */

void store_check(void)
{
	for (uint32_t n = 0; n < sim.devices_n; n++) {
		const struct s_device *s = &sim.db.devices[n];
		for (size_t i = 0; i < s->held_n; i++) {
			const struct ledger_request *r = row_of(&s->held[i].h.request);
			/* a hold ends as a whole where it was swept first; its other devices stay
			 * closed until they are swept, too */
			bool rest = r != NULL && r->kind == LOCK_KIND_HOLD &&
				    r->state == LOCK_STATE_ENDED;
			if (r == NULL || (r->ended && !rest))
				broken("I9: device %u is held by %u, which ended", n,
					number_of(&s->held[i].h.request));
			for (size_t k = 0; r != NULL && k < r->devices_n; k++)
				if (r->state == LOCK_STATE_LIVE &&
					held_of(number_of(&r->devices[k]), &r->id) == NULL)
					broken("I9: %u is live without its device %u",
						number_of(&r->id), number_of(&r->devices[k]));
		}
		for (size_t i = 0; i < s->waiting_n; i++) {
			const struct ledger_request *r = row_of(&s->waiting[i].request);
			if (r == NULL || r->state != LOCK_STATE_WAITING)
				broken("I9: %u stands in a queue and does not wait",
					number_of(&s->waiting[i].request));
		}
	}
}
