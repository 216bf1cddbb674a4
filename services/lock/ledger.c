// SPDX-License-Identifier: Apache-2.0
/* The rows of one transaction in memory: look-up, change marks, history. */
#include "services/lock/ledger.h"

#include <stdlib.h>
#include <string.h>

void ledger_init(struct ledger *l, struct arena *arena)
{
	*l = (struct ledger){.arena = arena, .requests = MAP_INIT};
}

void ledger_fini(struct ledger *l)
{
	map_fini(&l->requests);
}

void *ledger_push(struct ledger *l, void *vector, size_t *n, size_t *cap, size_t size)
{
	void **v = vector;

	if (*n == *cap) {
		size_t grown = *cap ? *cap * 2 : 8;
		void *bigger = arena_array(l->arena, grown, size);

		bug_if(!bigger);
		if (*n)
			memcpy(bigger, *v, *n * size);
		*v = bigger;
		*cap = grown;
	}
	return (char *)*v + (*n)++ * size;
}

/* ---- devices ---- */

void ledger_add_device(struct ledger *l, const struct ledger_device *row)
{
	bug_if(l->devices_n && uuid_cmp(&l->devices[l->devices_n - 1].id, &row->id) >= 0);
	l->devices[l->devices_n++] = *row;
}

static int compare_device(const void *key, const void *device)
{
	return uuid_cmp(key, &((const struct ledger_device *)device)->id);
}

struct ledger_device *ledger_device(const struct ledger *l, const struct uuid *id)
{
	if (l->devices_n == 0)
		return NULL;
	return bsearch(id, l->devices, l->devices_n, sizeof(*l->devices), compare_device);
}

void ledger_add_held(struct ledger *l, struct ledger_device *d, const struct lock_held *h,
	const struct ledger_life *life)
{
	size_t n = d->held_n, cap = d->held_cap;
	struct ledger_life *place = ledger_push(l, &d->life, &n, &cap, sizeof(*d->life));

	*place = *life;
	struct lock_held *facts =
		ledger_push(l, &d->held, &d->held_n, &d->held_cap, sizeof(*d->held));

	*facts = *h;
}

/* A row that came with this transaction is deleted all the same: it was never written. */
void ledger_remove_held(struct ledger *l, struct ledger_device *d, size_t index)
{
	struct ledger_life *life = &d->life[index];

	if (life->request && life->change != LEDGER_NEW) {
		struct ledger_gone *gone = ledger_push(
			l, &l->gone_held, &l->gone_held_n, &l->gone_held_cap, sizeof(*gone));
		*gone = (struct ledger_gone){.device = d->id, .request = d->held[index].request};
	}
	d->held_n--;
	memmove(&d->held[index], &d->held[index + 1], (d->held_n - index) * sizeof(*d->held));
	memmove(&d->life[index], &d->life[index + 1], (d->held_n - index) * sizeof(*d->life));
}

/* In the order of tickets, which is nearly always the order they come in. */
void ledger_add_waiter(struct ledger *l, struct ledger_device *d, const struct lock_waiter *w)
{
	struct lock_waiter *place =
		ledger_push(l, &d->waiting, &d->waiting_n, &d->waiting_cap, sizeof(*place));

	for (; place > d->waiting && place[-1].ticket > w->ticket; place--)
		place[0] = place[-1];
	*place = *w;
}

static void forget_waiter(struct ledger_device *d, uint64_t ticket)
{
	for (size_t i = 0; i < d->waiting_n; i++) {
		if (d->waiting[i].ticket != ticket)
			continue;
		d->waiting_n--;
		memmove(&d->waiting[i], &d->waiting[i + 1],
			(d->waiting_n - i) * sizeof(*d->waiting));
		return;
	}
}

/* From every queue it stands in, also of devices that this transaction did not lock: to leave a
 * queue early delays nobody. */
void ledger_remove_waiters(struct ledger *l, struct ledger_request *r)
{
	for (size_t i = 0; i < r->devices_n; i++) {
		struct ledger_device *d = ledger_device(l, &r->devices[i]);
		struct ledger_gone *gone = ledger_push(l, &l->gone_waiting, &l->gone_waiting_n,
			&l->gone_waiting_cap, sizeof(*gone));

		*gone = (struct ledger_gone){
			.device = r->devices[i], .request = r->id, .ticket = r->ticket};
		if (d)
			forget_waiter(d, r->ticket);
	}
}

void ledger_hint(struct ledger *l, const struct ledger_device *d)
{
	if (d->waiting_n == 0)
		return;
	struct uuid *id = ledger_push(l, &l->retry, &l->retry_n, &l->retry_cap, sizeof(*id));

	*id = d->id;
}

/* ---- requests ---- */

struct ledger_request *ledger_add_request(struct ledger *l, const struct ledger_request *row)
{
	struct ledger_request *r = arena_dup(l->arena, row, sizeof(*row));

	bug_if(!r);
	map_put(&l->requests, r->id.b, sizeof(r->id.b), r);
	struct ledger_request **place = ledger_push(l, &l->request_list, &l->request_n,
		&l->request_cap, sizeof(struct ledger_request *));
	*place = r;
	return r;
}

struct ledger_request *ledger_request(const struct ledger *l, const struct uuid *id)
{
	return l->requests.n ? map_get(&l->requests, id->b, sizeof(id->b)) : NULL;
}

/* ---- states of a request (section 7): 0 = not yet stored ---- */

#define TO(state) (1u << LOCK_STATE_##state)
static const unsigned transitions[] = {
	[0] = TO(LIVE) | TO(WAITING) | TO(BUSY) | TO(REFUSED),
	[LOCK_STATE_WAITING] = TO(LIVE) | TO(BUSY) | TO(REFUSED) | TO(CANCELLED),
	[LOCK_STATE_LIVE] = TO(RELEASED) | TO(QUARANTINE) | TO(ENDED),
	[LOCK_STATE_QUARANTINE] = TO(ENDED) | TO(ATTENTION),
	[LOCK_STATE_ATTENTION] = TO(ENDED),
	[LOCK_STATE_RELEASED] = 0,
	[LOCK_STATE_ENDED] = 0,
	[LOCK_STATE_BUSY] = 0,
	[LOCK_STATE_REFUSED] = 0,
	[LOCK_STATE_CANCELLED] = 0,
};

static const char *const state_words[] = {
	[LOCK_STATE_WAITING] = "waiting",
	[LOCK_STATE_LIVE] = "granted",
	[LOCK_STATE_QUARANTINE] = "quarantine",
	[LOCK_STATE_ATTENTION] = "attention",
	[LOCK_STATE_RELEASED] = "released",
	[LOCK_STATE_ENDED] = "ended",
	[LOCK_STATE_BUSY] = "busy",
	[LOCK_STATE_REFUSED] = "refused",
	[LOCK_STATE_CANCELLED] = "cancelled",
};

void ledger_set_state(
	struct ledger *l, struct ledger_request *r, enum lock_state state, const char *detail)
{
	if (r->state == state)
		return;
	bug_if(!(transitions[r->state] & (1u << state)));
	if (r->state == LOCK_STATE_WAITING)
		ledger_remove_waiters(l, r);
	r->state = state;
	r->ended = transitions[state] == 0;
	if (r->change == LEDGER_SAME)
		r->change = LEDGER_CHANGED;
	ledger_note(l, state_words[state], r, r->devices, r->devices_n, detail);
}

void ledger_note(struct ledger *l, const char *word, const struct ledger_request *r,
	const struct uuid *devices, size_t n, const char *detail)
{
	struct ledger_event *e =
		ledger_push(l, &l->events, &l->events_n, &l->events_cap, sizeof(*e));

	*e = (struct ledger_event){.word = word,
		.request = r,
		.state = r ? r->state : LOCK_STATE_LIVE,
		.devices = devices,
		.n = n,
		.detail = detail ? detail : ""};
}
