// SPDX-License-Identifier: Apache-2.0
/* Decided ahead. Nearly every acquire finds that nothing stands on its devices, nearly every
 * release a live lock that nobody waits for. So these are decided on that guess before anything is
 * read; one round trip takes the device rows, does what the guess was right for, and commits. The
 * database judges the guess while it holds the rows; where it was wrong nothing was done, and the
 * call is decided by what is there, as all others (serve.c). */
#include <string.h>

#include "services/lock/profile.h"
#include "services/lock/serve.h"
#include "services/lock/sql.h"

/* ---- guessing ---- */

/* One row of the statement says what is the same for all its devices. */
static bool is_alike(const struct ledger *l, const struct ledger_request *r)
{
	const struct ledger_device *first = ledger_device(l, &r->devices[0]);

	for (size_t i = 1; i < r->devices_n; i++) {
		const struct ledger_device *one = ledger_device(l, &r->devices[i]);

		if (one->life->profile != first->life->profile ||
			one->held->use.strict != first->held->use.strict ||
			strcmp(one->life->items, first->life->items) != 0)
			return false;
	}
	return true;
}

/* Whether another call of this round has one of its devices, or its name. */
static bool comes_second(const struct ledger *l, const struct ledger_ask *ask)
{
	for (size_t i = 0; i < ask->devices_n; i++)
		if (ledger_device(l, &ask->devices[i])->held_n > 0)
			return true;
	return ledger_request(l, &ask->request) != NULL;
}

/* Leaves in the ledger what is to be granted, and nothing else. */
static void guess_acquire(struct ledger *l, struct work *w)
{
	struct fault none = FAULT_INIT;

	if (comes_second(l, &w->ask))
		return;
	w->answer = w->decide(w, l, &none);
	struct ledger_request *r = ledger_request(l, &w->ask.request);

	if (r->state == LOCK_STATE_LIVE && is_alike(l, r)) {
		r->first_token = 0; /* until the database says it */
		return;
	}
	(void)map_remove(&l->requests, r->id.b, sizeof(r->id.b));
	l->request_n--;
}

static size_t name_locks(const struct work *w, struct sql_lock *locks)
{
	const struct m_lock_release *m = w->call->body;

	for (size_t i = 0; i < m->locks_n; i++)
		locks[i] = (struct sql_lock){m->session, m->locks[i].request, m->locks[i].token};
	return m->locks_n;
}

static void fill(struct ledger *l, const struct sql_keys *keys)
{
	const struct lock_profile *generic = profile_newest("generic");

	l->devices = arena_array(l->arena, keys->devices_n + 1, sizeof(*l->devices));
	bug_if(l->devices == NULL);
	for (size_t i = 0; i < keys->devices_n; i++)
		ledger_add_device(
			l, &(struct ledger_device){.id = keys->devices[i], .profile = generic});
}

void ahead_send(
	struct txn *t, struct ledger *l, const struct sql_keys *keys, struct work **works, size_t n)
{
	struct sql_lock *locks;
	size_t locks_n = 0;

	for (size_t i = 0; i < n; i++)
		locks_n += works[i]->requests_n;
	locks = arena_array(l->arena, locks_n + 1, sizeof(struct sql_lock));
	bug_if(locks == NULL);
	locks_n = 0;
	fill(l, keys);
	for (size_t i = 0; i < n; i++) {
		if (works[i]->releases)
			locks_n += name_locks(works[i], locks + locks_n);
		else
			guess_acquire(l, works[i]);
	}
	sql_lock_rows(t, keys);
	if (l->request_n > 0)
		sql_take_free(t, l);
	if (locks_n > 0)
		sql_give_back(t, locks, locks_n);
}

/* ---- what became of it ---- */

static void hear_granted(struct ledger *l, const struct db_result *rows)
{
	for (int i = 0; i < db_rows(rows); i++) {
		struct uuid id = db_get_uuid(rows, i, 0);
		struct ledger_request *r = ledger_request(l, &id);
		size_t n = 0;
		uint64_t *tokens = sql_parse_numbers(l->arena, db_get_text(rows, i, 1), &n);

		bug_if(r == NULL || n != r->devices_n);
		r->first_token = tokens[0];
		for (size_t k = 0; k < n; k++)
			((struct m_grant *)(uintptr_t)r->answer->grants)[k].token = tokens[k];
		ledger_note(l, "granted", r, r->devices, n, NULL);
		l->events[l->events_n - 1].tokens = tokens;
	}
}

static void hear_released(struct ledger *l, const struct db_result *rows)
{
	for (int i = 0; i < db_rows(rows); i++) {
		struct ledger_request r = {.id = db_get_uuid(rows, i, 0),
			.session = db_get_uuid(rows, i, 1),
			.first_token = (uint64_t)db_get_int(rows, i, 2),
			.use.op = op_find(db_get_text(rows, i, 3)),
			.state = LOCK_STATE_RELEASED};

		r.devices = sql_parse_uuids(l->arena, db_get_text(rows, i, 4), &r.devices_n);
		ledger_note(l, "released", ledger_add_request(l, &r), r.devices, r.devices_n, NULL);
	}
}

static bool is_granted(const struct ledger *l, const struct work *w)
{
	const struct ledger_request *r = ledger_request(l, &w->ask.request);

	return r != NULL && r->state == LOCK_STATE_LIVE && r->first_token != 0;
}

static bool is_released(const struct ledger *l, const struct work *w)
{
	const struct m_lock_release *m = w->call->body;

	for (size_t i = 0; i < m->locks_n; i++) {
		const struct ledger_request *r = ledger_request(l, &m->locks[i].request);

		if (r == NULL || r->state != LOCK_STATE_RELEASED ||
			!uuid_eq(&r->session, &m->session) || r->first_token != m->locks[i].token)
			return false;
	}
	return true;
}

void ahead_hear(struct ledger *l, struct db_result **results, size_t results_n, struct work **works,
	size_t n)
{
	static const struct m_lock_released all = {.lost_n = 0};
	size_t at = 1; /* behind the device rows */

	l->events_n = 0; /* so far they were guesses */
	if (l->request_n > 0)
		hear_granted(l, results[at++]);
	if (at < results_n)
		hear_released(l, results[at]);
	for (size_t i = 0; i < n; i++) {
		struct work *w = works[i];

		w->ahead = w->releases ? is_released(l, w) : is_granted(l, w);
		if (w->releases)
			w->answer = &all;
	}
}
