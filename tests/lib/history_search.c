// SPDX-License-Identifier: Apache-2.0
/* One order of a device's events that the rules allow, or none.
 *
 * An event may come next when it was called before the first answer among those still open. Time in
 * the search is the earliest that the order so far allows: every rule about time says "not before",
 * so earlier is never worse. What nobody sees (a lease ends, quarantine ends, a silent waiter is
 * dropped, a release without an answer) happens when an event needs it and at no other time. */
#include <stdlib.h>
#include <string.h>

#include "tests/lib/history.h"

enum { HELD = 24, WAITING = 72, WINDOW = 256, STATES_MAX = 1 << 21 };

struct holder {
	uint32_t request;
	bool live;
	int64_t end;  /* of its lease, earliest */
	int64_t gone; /* of its quarantine, earliest; of one that is not live */
	int64_t granted;
};
struct waiter {
	uint32_t request;
	uint64_t ticket;
	int64_t entered, polled;
};

struct state {
	size_t lo;                  /* all before are in the order */
	uint64_t done[WINDOW / 64]; /* of those from lo on */
	size_t count;
	size_t grants, enters; /* how many of them, in the order of tokens and tickets */
	int64_t now;
	size_t held_n, waiting_n;
	struct holder held[HELD];
	struct waiter waiting[WAITING];
};

struct search {
	const struct history *h;
	const struct history_device *d;
	uint32_t device;
	size_t *grants, *enters; /* events by token, by ticket */
	size_t grants_n, enters_n;
	size_t *last_live, *last_wait; /* per event's request slot: last event that needs it so */
	struct map slots;              /* request → slot + 1 */
	struct state *stack;
	size_t stack_n, stack_cap;
	uint64_t *seen; /* hashes of states at branches */
	size_t seen_n, seen_cap;
	bool gave_up;
	/* how far the best order came, and why not further */
	size_t best;
	char *why;
	size_t why_n;
	char reason[200];
};

static const struct history_request *request(const struct search *s, uint32_t id)
{
	return &s->h->requests[id];
}

static const char *name(const struct search *s, uint32_t id)
{
	return s->h->name[request(s, id)->name];
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* ---- which events are open ---- */

static bool is_done(const struct state *st, size_t i)
{
	if (i < st->lo)
		return true;
	size_t at = i - st->lo;
	return at < WINDOW && (st->done[at / 64] >> (at % 64) & 1) != 0;
}

static void shift(struct state *st)
{
	while (st->done[0] & 1) {
		for (size_t w = 0; w < WINDOW / 64; w++)
			st->done[w] = st->done[w] >> 1 |
				      (w + 1 < WINDOW / 64 ? st->done[w + 1] << 63 : 0);
		st->lo++;
	}
}

static int64_t first_answer(const struct search *s, const struct state *st)
{
	int64_t first = HISTORY_NEVER;

	for (size_t i = st->lo; i < s->d->n && s->d->events[i].call <= first; i++)
		if (!is_done(st, i))
			first = sooner(first, s->d->events[i].ret);
	return first;
}

static size_t slot(const struct search *s, uint32_t id)
{
	return (size_t)(uintptr_t)map_get(&s->slots, &id, sizeof(id));
}

/* Does an event still to come need this one to be live (or waiting)? */
static bool needed(const struct search *s, const struct state *st, const size_t *last, uint32_t id)
{
	size_t at = slot(s, id), end = at > 0 ? last[at] : 0;

	if (end == 0)
		return false;
	if (!is_done(st, end - 1))
		return true;
	for (size_t i = st->lo; i < end; i++) {
		const struct history_event *e = &s->d->events[i];
		bool lives = e->kind == HISTORY_PROLONG || e->kind == HISTORY_GIVE_BACK ||
			     e->kind == HISTORY_EFFECT;
		bool waits = e->kind == HISTORY_POLL || e->kind == HISTORY_GRANT;
		if (e->request == id && !is_done(st, i) && (last == s->last_live ? lives : waits))
			return true;
	}
	return false;
}

/* The call without an answer of that kind; NULL = none. */
static const struct history_maybe *maybe(
	const struct search *s, enum history_what what, uint32_t id)
{
	for (size_t i = 0; i < s->d->maybes_n; i++)
		if (s->d->maybes[i].what == what && s->d->maybes[i].request == id)
			return &s->d->maybes[i];
	return NULL;
}

/* ---- what nobody sees ---- */

static struct holder *holder(struct state *st, uint32_t id)
{
	for (size_t i = 0; i < st->held_n; i++)
		if (st->held[i].request == id)
			return &st->held[i];
	return NULL;
}

static bool lives(const struct state *st, uint32_t id)
{
	for (size_t i = 0; i < st->held_n; i++)
		if (st->held[i].request == id)
			return st->held[i].live;
	return false;
}

static void forget_holder(struct state *st, struct holder *a)
{
	size_t i = (size_t)(a - st->held);

	memmove(a, a + 1, (--st->held_n - i) * sizeof(*a));
}

static struct waiter *waiter(struct state *st, uint32_t id)
{
	for (size_t i = 0; i < st->waiting_n; i++)
		if (st->waiting[i].request == id)
			return &st->waiting[i];
	return NULL;
}

static void forget_waiter(struct state *st, struct waiter *w)
{
	size_t i = (size_t)(w - st->waiting);

	memmove(w, w + 1, (--st->waiting_n - i) * sizeof(*w));
}

/* Earliest end of being live, and of standing in the way. */
static int64_t earliest_end(const struct search *s, const struct holder *a, int64_t *ret_gone)
{
	const struct history_request *r = request(s, a->request);
	const struct history_maybe *m = maybe(s, HISTORY_RELEASE, a->request);
	int64_t quarantine = r->hold ? 0 : s->h->quarantine;

	if (!a->live) {
		*ret_gone = a->gone - s->h->slack;
		return a->granted;
	}
	int64_t end = a->end - s->h->slack, gone = end + quarantine;
	if (m != NULL) {
		gone = sooner(gone, m->unsure ? sooner(end, m->call) + quarantine : m->call);
		end = sooner(end, m->call);
	}
	*ret_gone = gone;
	return end;
}

static bool ends(struct search *s, struct state *st, struct holder *a)
{
	int64_t gone;

	if (a->live && needed(s, st, s->last_live, a->request))
		return false;
	(void)earliest_end(s, a, &gone);
	st->now = later(st->now, gone);
	forget_holder(st, a);
	return true;
}

static bool drops(struct search *s, struct state *st, struct waiter *w)
{
	const struct history_maybe *cancel = maybe(s, HISTORY_CANCEL, w->request);
	const struct history_maybe *got = maybe(s, HISTORY_ACQUIRE, w->request);
	int64_t at = sooner(w->polled + s->h->silent, w->entered + request(s, w->request)->wait);

	if (needed(s, st, s->last_wait, w->request))
		return false;
	if (cancel != NULL)
		at = sooner(at, cancel->call);
	if (got != NULL)
		at = sooner(at, got->call); /* a poll whose answer was lost */
	st->now = later(st->now, at - s->h->slack);
	forget_waiter(st, w);
	return true;
}

/* ---- what the rules say ---- */

static bool no(struct search *s, const char *what, uint32_t id)
{
	const char *op = history_op_name(request(s, id)->op);

	(void)snprintf(s->reason, sizeof(s->reason), "%s %s (%s)", what, name(s, id), op);
	return false;
}

static bool may_beside(const struct history_request *r, const struct history_request *held)
{
	char m = history_may(r->op, held->op);

	return m == 'y' || (m == 'p' && !r->synced_items);
}

/* It may have drawn its ticket in a call whose answer was lost. */
static bool place_unknown(const struct search *s, const struct history_request *r)
{
	const struct history_call *first = &s->h->calls[r->first];

	return r->ticket == 0 && r->wait > 0 && first->next != 0;
}

static bool is_before(
	const struct search *s, const struct waiter *w, const struct history_request *r)
{
	if (place_unknown(s, r) || w->ticket == 0)
		return false;
	return r->ticket == 0 || w->ticket < r->ticket;
}

static bool waiters_allow(struct search *s, struct state *st, uint32_t id)
{
	const struct history_request *r = request(s, id);

	for (size_t i = st->waiting_n; i-- > 0;) {
		struct waiter *w = &st->waiting[i];
		if (w->request == id || !is_before(s, w, r) ||
			history_may(request(s, w->request)->op, r->op) == 'y')
			continue;
		uint32_t first = w->request;
		if (!drops(s, st, w))
			return no(s, "I7: overtakes the earlier", first);
	}
	return true;
}

static bool grant(struct search *s, struct state *st, const struct history_event *e)
{
	const struct history_request *r = request(s, e->request);
	bool under = r->under == 0 || maybe(s, HISTORY_ACQUIRE, r->under) != NULL;

	for (size_t i = st->held_n; i-- > 0;) {
		struct holder *a = &st->held[i];
		uint32_t other = a->request;
		if (other == r->under) {
			under = a->live;
			continue;
		}
		if (may_beside(r, request(s, other)))
			continue;
		if (!ends(s, st, a))
			return no(s, "I1: granted beside", other);
	}
	if (!under)
		return no(s, "granted under a hold that is not live:", r->under);
	if (r->under == 0 && !waiters_allow(s, st, e->request))
		return false;
	struct waiter *own = waiter(st, e->request);
	if (own != NULL)
		forget_waiter(st, own);
	if (st->held_n == HELD) {
		s->gave_up = true;
		return false;
	}
	st->held[st->held_n++] = (struct holder){
		.request = e->request, .live = true, .end = st->now + r->lease, .granted = st->now};
	return true;
}

/* Is there something that keeps it from starting? Of several devices any one may. */
static bool blocked(struct search *s, const struct state *st, const struct history_event *e)
{
	const struct history_request *r = request(s, e->request);

	if (r->devices_n > 1)
		return true;
	for (size_t i = 0; i < st->held_n; i++)
		if (st->held[i].request != r->under &&
			history_may(r->op, request(s, st->held[i].request)->op) == 'n')
			return true;
	for (size_t i = 0; i < st->waiting_n && r->under == 0; i++)
		if (st->waiting[i].request != e->request &&
			(place_unknown(s, r) || is_before(s, &st->waiting[i], r)) &&
			history_may(request(s, st->waiting[i].request)->op, r->op) != 'y')
			return true;
	for (size_t i = 0; i < s->d->maybes_n; i++) {
		const struct history_maybe *m = &s->d->maybes[i];
		const struct history_request *u = request(s, m->request);
		if (m->what == HISTORY_ACQUIRE && m->request != e->request && m->call <= e->ret &&
			(history_may(r->op, u->op) != 'y' ||
				(u->wait > 0 && history_may(u->op, r->op) != 'y')))
			return true;
	}
	return no(s, "I8: nothing is in the way of", e->request);
}

static bool enter(struct search *s, struct state *st, const struct history_event *e)
{
	if (!blocked(s, st, e))
		return false;
	if (st->waiting_n == WAITING) {
		s->gave_up = true;
		return false;
	}
	st->waiting[st->waiting_n++] = (struct waiter){
		.request = e->request, .ticket = e->token, .entered = st->now, .polled = st->now};
	return true;
}

static bool deny(struct search *s, struct state *st, const struct history_event *e)
{
	const struct history_request *r = request(s, e->request);
	struct waiter *w = waiter(st, e->request);

	if (w == NULL && r->wait > 0 && e->ret >= s->h->calls[r->first].call + r->wait)
		return true; /* it may have waited unseen */
	if (w == NULL)
		return blocked(s, st, e);
	st->now = later(st->now, w->entered + r->wait - s->h->slack);
	forget_waiter(st, w);
	(void)no(s, "I8: sent away before its time was over:", e->request);
	return true;
}

/* A waiter may be gone before its client hears of it, but not before it came. */
static bool has_entered(const struct search *s, const struct state *st, uint32_t id)
{
	for (size_t i = st->lo; i < s->d->n && i < st->lo + WINDOW; i++)
		if (s->d->events[i].kind == HISTORY_ENTER && s->d->events[i].request == id &&
			!is_done(st, i))
			return false;
	return true;
}

/* A waiter is refused when the hold above it is gone. */
static bool turn_away(struct search *s, struct state *st, const struct history_event *e)
{
	uint32_t above = request(s, e->request)->under;
	struct holder *a = holder(st, above);
	struct waiter *w = waiter(st, e->request);
	int64_t gone;

	if (w == NULL)
		return has_entered(s, st, e->request);
	if (above == 0)
		return no(s, "refused although it could wait:", e->request);
	if (a != NULL && a->live && needed(s, st, s->last_live, above))
		return no(s, "refused under a hold that is live:", above);
	if (a != NULL && a->live)
		st->now = later(st->now, earliest_end(s, a, &gone));
	forget_waiter(st, w);
	return true;
}

static bool not_live(struct search *s, struct state *st, const struct history_event *e)
{
	struct holder *a = holder(st, e->request);
	int64_t gone;

	if (a == NULL || !a->live)
		return true;
	if (needed(s, st, s->last_live, e->request))
		return no(s, "lost, and live afterwards:", e->request);
	int64_t end = earliest_end(s, a, &gone);
	if (st->now >= a->granted + s->h->max_hold)
		return true;
	(void)no(s, "I10: lost before its lease was over:", e->request);
	st->now = later(st->now, end);
	a->live = false;
	a->gone = gone + s->h->slack;
	return true;
}

static bool no_effect(struct search *s, struct state *st, const struct history_event *e)
{
	const struct holder *a = holder(st, e->request);

	if (a == NULL || !a->live)
		return true;
	(void)no(s, "refused while its lock was live:", e->request);
	st->now = later(st->now, a->end - s->h->slack);
	return true;
}

static bool live(struct search *s, struct state *st, const struct history_event *e)
{
	struct holder *a = holder(st, e->request);

	if (a == NULL || !a->live)
		return no(s,
			e->kind == HISTORY_EFFECT ? "I3: an effect without a live lock:"
						  : "I6: not live any more:",
			e->request);
	if (e->kind == HISTORY_PROLONG)
		a->end = later(a->end, st->now + request(s, e->request)->lease);
	if (e->kind != HISTORY_GIVE_BACK)
		return true;
	if (!e->unsure || request(s, e->request)->hold) {
		forget_holder(st, a);
		return true;
	}
	a->live = false;
	a->gone = st->now + s->h->quarantine;
	return true;
}

/* ---- one step ---- */

static bool in_turn(const struct search *s, const struct state *st, size_t i)
{
	const struct history_event *e = &s->d->events[i];

	if (e->kind == HISTORY_GRANT)
		return s->grants[st->grants] == i;
	return e->kind != HISTORY_ENTER || s->enters_n == 0 || s->enters[st->enters] == i;
}

static bool apply(struct search *s, struct state *st, size_t i)
{
	const struct history_event *e = &s->d->events[i];
	struct waiter *w = waiter(st, e->request);

	st->now = later(st->now, e->call);
	switch ((enum history_kind)e->kind) {
	case HISTORY_ENTER:
		return enter(s, st, e);
	case HISTORY_POLL:
		if (w == NULL)
			return no(s, "waits without a place in the queue:", e->request);
		w->polled = st->now;
		return blocked(s, st, e);
	case HISTORY_GRANT:
		if (w == NULL && request(s, e->request)->ticket != 0)
			return no(s, "granted before it began to wait:", e->request);
		return grant(s, st, e);
	case HISTORY_DENY:
		if (w == NULL && request(s, e->request)->ticket != 0)
			return has_entered(s, st, e->request) ||
			       no(s, "sent away before it began to wait:", e->request);
		return deny(s, st, e);
	case HISTORY_DROP:
		if (w == NULL)
			return has_entered(s, st, e->request);
		(void)no(s, "I8: dropped although it was heard of in time:", e->request);
		return drops(s, st, w);
	case HISTORY_TURN_AWAY:
		return turn_away(s, st, e);
	case HISTORY_NOT_LIVE:
		return not_live(s, st, e);
	case HISTORY_NO_EFFECT:
		return no_effect(s, st, e);
	case HISTORY_PROLONG:
	case HISTORY_GIVE_BACK:
	case HISTORY_EFFECT:
		return live(s, st, e);
	}
	return false;
}

/* The state after event i, when it may come next. */
static bool try(
	struct search *s, const struct state *from, size_t i, int64_t first, struct state *to)
{
	*to = *from;
	s->reason[0] = '\0';
	if (i - to->lo >= WINDOW) {
		s->gave_up = true;
		return false;
	}
	to->done[(i - to->lo) / 64] |= UINT64_C(1) << ((i - to->lo) % 64);
	if (!in_turn(s, from, i)) {
		(void)snprintf(s->reason, sizeof(s->reason), "I2: %s come out of order",
			s->d->events[i].kind == HISTORY_GRANT ? "tokens" : "tickets");
		return false;
	}
	if (!apply(s, to, i))
		return false;
	if (to->now > first + s->h->slack) {
		if (s->reason[0] == '\0')
			(void)snprintf(s->reason, sizeof(s->reason), "too early");
		size_t n = strlen(s->reason);
		(void)snprintf(s->reason + n, sizeof(s->reason) - n, ", not before %lld",
			(long long)to->now);
		return false;
	}
	to->grants += s->d->events[i].kind == HISTORY_GRANT;
	to->enters += s->d->events[i].kind == HISTORY_ENTER;
	to->count++;
	shift(to);
	return true;
}

/* ---- states seen before ---- */

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 29;
}

static uint64_t hash_of(const struct state *st)
{
	uint64_t x = mix(mix(1, st->lo), (uint64_t)st->now);

	for (size_t i = 0; i < WINDOW / 64; i++)
		x = mix(x, st->done[i]);
	for (size_t i = 0; i < st->held_n; i++) {
		const struct holder *a = &st->held[i];
		x = mix(mix(x, a->request), (uint64_t)a->end);
		x = mix(mix(x, (uint64_t)a->gone), a->live);
	}
	for (size_t i = 0; i < st->waiting_n; i++)
		x = mix(mix(x, st->waiting[i].request), (uint64_t)st->waiting[i].polled);
	return x | 1;
}

static void grow_seen(struct search *s)
{
	size_t old = s->seen_cap;
	uint64_t *all = s->seen;

	s->seen_cap = old > 0 ? old * 4 : 256;
	s->seen = mem_alloc(s->seen_cap * sizeof(*s->seen));
	memset(s->seen, 0, s->seen_cap * sizeof(*s->seen));
	for (size_t i = 0; i < old; i++) {
		size_t at = all[i] & (s->seen_cap - 1);
		while (all[i] != 0 && s->seen[at] != 0)
			at = (at + 1) & (s->seen_cap - 1);
		if (all[i] != 0)
			s->seen[at] = all[i];
	}
	free(all);
}

static bool seen_before(struct search *s, const struct state *st)
{
	uint64_t hash = hash_of(st);

	if (s->seen_n * 2 >= s->seen_cap)
		grow_seen(s);
	size_t at = hash & (s->seen_cap - 1);
	while (s->seen[at] != 0 && s->seen[at] != hash)
		at = (at + 1) & (s->seen_cap - 1);
	if (s->seen[at] == hash)
		return true;
	s->seen[at] = hash;
	s->seen_n++;
	return false;
}

/* ---- the search ---- */

static void push(struct search *s, const struct state *st)
{
	if (s->stack_n == s->stack_cap) {
		s->stack_cap = s->stack_cap > 0 ? s->stack_cap * 2 : 16;
		s->stack = mem_realloc(s->stack, s->stack_cap * sizeof(*s->stack));
	}
	s->stack[s->stack_n++] = *st;
}

/* An effect was refused between the end of a lease and a renewal that came after it all the same.
 */
static bool may_be_refused_first(const struct search *s, const struct state *st, size_t prolong)
{
	const struct history_event *p = &s->d->events[prolong];

	for (size_t i = st->lo; i < s->d->n && s->d->events[i].call <= p->ret; i++)
		if (s->d->events[i].kind == HISTORY_NO_EFFECT &&
			s->d->events[i].request == p->request && !is_done(st, i))
			return true;
	return false;
}

/* Changes nothing and costs no time: whatever comes later, it may as well come now. */
static bool is_free(
	const struct search *s, const struct state *before, const struct state *after, size_t i)
{
	enum history_kind kind = (enum history_kind)s->d->events[i].kind;

	if (after->now != before->now)
		return false;
	if (kind == HISTORY_DENY)
		return before->waiting_n == after->waiting_n;
	if (kind == HISTORY_NOT_LIVE)
		return lives(before, s->d->events[i].request) ==
		       lives(after, s->d->events[i].request);
	if (kind == HISTORY_PROLONG)
		return !may_be_refused_first(s, before, i);
	return kind == HISTORY_POLL || kind == HISTORY_EFFECT || kind == HISTORY_NO_EFFECT;
}

/* The event that had to come and could not. */
static void note_stuck(struct search *s, const struct state *st, int64_t first)
{
	static const char *const words[] = {"begins to wait", "waits", "is granted", "is sent away",
		"is dropped", "is refused", "is renewed", "is released", "is told that it is lost",
		"has an effect", "is refused an effect"};
	struct state next;

	if (st->count < s->best && s->why[0] != '\0')
		return;
	s->best = st->count;
	for (size_t i = st->lo; i < s->d->n; i++) {
		const struct history_event *e = &s->d->events[i];
		if (is_done(st, i) || e->ret != first)
			continue;
		(void)try(s, st, i, first, &next);
		(void)snprintf(s->why, s->why_n, "%s: %s (%s) %s between %lld and %lld: %s",
			s->h->name[s->h->device_name[s->device]], name(s, e->request),
			history_op_name(request(s, e->request)->op), words[e->kind],
			(long long)e->call, (long long)e->ret, s->reason);
		return;
	}
}

/* Pushes all that may come next, the likeliest last. false: nothing may. */
static bool expand(struct search *s, const struct state *st)
{
	int64_t first = first_answer(s, st);
	size_t from = s->stack_n, end = st->lo;
	struct state next;

	while (end < s->d->n && s->d->events[end].call <= first)
		end++;
	for (size_t i = end; i-- > st->lo;) {
		if (is_done(st, i) || !try(s, st, i, first, &next))
			continue;
		if (is_free(s, st, &next, i))
			s->stack_n = from;
		push(s, &next);
		if (is_free(s, st, &next, i))
			return true;
	}
	if (s->stack_n == from)
		note_stuck(s, st, first);
	return s->stack_n > from;
}

static int run(struct search *s)
{
	struct state st;

	s->stack_n = 0;
	s->seen_n = 0;
	if (s->seen_cap > 0)
		memset(s->seen, 0, s->seen_cap * sizeof(*s->seen));
	memset(&st, 0, sizeof(st));
	st.now = INT64_MIN / 2;
	push(s, &st);
	while (s->stack_n > 0 && !s->gave_up) {
		size_t before = s->stack_n;
		st = s->stack[--s->stack_n];
		if (st.count == s->d->n)
			return 1;
		if (before > 1 && seen_before(s, &st))
			continue;
		(void)expand(s, &st);
		s->gave_up |= s->seen_n > STATES_MAX;
	}
	if (s->gave_up)
		(void)snprintf(s->why, s->why_n, "%s: too much is open at once",
			s->h->name[s->h->device_name[s->device]]);
	return s->gave_up ? -1 : 0;
}

/* ---- preparation ---- */

static const struct history_event *sorted_events;

static int by_token(const void *x, const void *y)
{
	const struct history_event *a = &sorted_events[*(const size_t *)x];
	const struct history_event *b = &sorted_events[*(const size_t *)y];

	return (a->token > b->token) - (a->token < b->token);
}

static bool numbers_differ(const struct search *s, const size_t *list, size_t n, const char *what)
{
	const struct history_event *e = s->d->events;

	for (size_t i = 1; i < n; i++)
		if (e[list[i - 1]].token == e[list[i]].token) {
			(void)snprintf(s->why, s->why_n, "%s: %s and %s got the same %s %llu (I2)",
				s->h->name[s->h->device_name[s->device]],
				name(s, e[list[i - 1]].request), name(s, e[list[i]].request), what,
				(unsigned long long)e[list[i]].token);
			return false;
		}
	return true;
}

static void index_events(struct search *s)
{
	size_t slots = 0;

	for (size_t i = 0; i < s->d->n; i++) {
		const struct history_event *e = &s->d->events[i];
		size_t at = slot(s, e->request);
		if (at == 0) {
			at = ++slots;
			(void)map_put(
				&s->slots, &e->request, sizeof(e->request), (void *)(uintptr_t)at);
			s->last_live[at] = s->last_wait[at] = 0;
		}
		if (e->kind == HISTORY_PROLONG || e->kind == HISTORY_GIVE_BACK ||
			e->kind == HISTORY_EFFECT)
			s->last_live[at] = i + 1;
		if (e->kind == HISTORY_POLL || e->kind == HISTORY_GRANT)
			s->last_wait[at] = i + 1;
		if (e->kind == HISTORY_GRANT)
			s->grants[s->grants_n++] = i;
		if (e->kind == HISTORY_ENTER)
			s->enters[s->enters_n++] = i;
	}
	sorted_events = s->d->events;
	qsort(s->grants, s->grants_n, sizeof(*s->grants), by_token);
	qsort(s->enters, s->enters_n, sizeof(*s->enters), by_token);
	if (s->enters_n > 0 && s->d->events[s->enters[0]].token == 0)
		s->enters_n = 0; /* no tickets were written down */
}

int history_search(const struct history *h, uint32_t device, const struct history_device *d,
	char *why, size_t why_n)
{
	struct search s = {.h = h, .d = d, .device = device, .why = why, .why_n = why_n};
	size_t *room = mem_alloc((4 * d->n + 8) * sizeof(*room));

	why[0] = '\0';
	s.grants = room;
	s.enters = room + d->n;
	s.last_live = room + 2 * d->n;
	s.last_wait = room + 3 * d->n + 4;
	s.slots = MAP_INIT;
	index_events(&s);
	int verdict = numbers_differ(&s, s.grants, s.grants_n, "token") &&
				      numbers_differ(&s, s.enters, s.enters_n, "ticket")
			      ? run(&s)
			      : 0;

	map_fini(&s.slots);
	free(room);
	free(s.stack);
	free(s.seen);
	return verdict;
}
