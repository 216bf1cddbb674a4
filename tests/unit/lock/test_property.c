// SPDX-License-Identifier: Apache-2.0
/* Long random lives of a few devices; after every step the invariants of docs/spec/locks.md
 * section 11 are looked at from outside: I1 (what stands together may stand together), I2 (tokens
 * rise), I6, I7 (nobody overtakes a waiter he delays), I9 (all devices or none), I10. */
#include "tests/unit/lock/world.h"

#include <stdlib.h>

#include "services/lock/ledger.h"

enum { DEVICES = 4, STEPS = 400, LIVES = 150 };

static struct arena arena;
static struct ledger ledger;
static struct lock_profile profile;
static uint64_t seed, next_ticket, last_token[DEVICES];
static uint64_t tickets[STEPS + 1];
static struct ledger_ask asks[STEPS];
static size_t asks_n;
static unsigned granted_n, queued_n, refused_n, under_n;

static unsigned dice(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

static struct uuid device_id(unsigned n)
{
	struct uuid id = {{9}};

	id.b[15] = (uint8_t)n;
	return id;
}

static void begin(uint64_t number)
{
	seed = number * 7919 + 1;
	asks_n = 0;
	next_ticket = 0;
	lock_profile_generic(&profile);
	profile.shared_export = dice(4) == 0;
	profile.strict = dice(8) == 0;
	arena_init(&arena, 0);
	ledger_init(&ledger, &arena);
	ledger.now_ms = NOW_MS;
	ledger.timeline = 1;
	for (size_t i = 0; i < array_len(tickets); i++)
		tickets[i] = i + 1;
	ledger.tickets = tickets;
	ledger.tickets_n = array_len(tickets);
	ledger.devices = arena_array(&arena, DEVICES, sizeof(*ledger.devices));
	assert_non_null(ledger.devices);
	for (unsigned i = 0; i < DEVICES; i++) {
		last_token[i] = 0;
		ledger_add_device(
			&ledger, &(struct ledger_device){.id = device_id(i), .profile = &profile});
	}
}

/* ---- the invariants, read from the rows ---- */

static bool has_synced_item(const char *items)
{
	return strstr(items, "indiv_ab_") || strstr(items, "personal_setting_info") ||
	       strstr(items, "user_group_address_list");
}

static const struct ledger_ask *ask_of(const struct uuid *request)
{
	for (size_t i = 0; i < asks_n; i++)
		if (uuid_eq(&asks[i].request, request))
			return &asks[i];
	return NULL;
}

static void check_pair(const struct ledger_device *d, size_t a, size_t b)
{
	const struct lock_held *first = &d->held[a], *later = &d->held[b];
	const struct ledger_ask *ask = ask_of(&later->request);

	if (!ask || (!uuid_is_nil(&ask->under) && uuid_eq(&ask->under, &first->request)))
		return;
	enum lock_may may = lock_may_start(&profile, later->use, first->use);

	if (may == LOCK_MAY_ITEMS)
		assert_false(has_synced_item(d->life[b].items));
	else
		assert_int_equal(may, LOCK_MAY);
}

static void i1_what_stands_together_may(const struct ledger_device *d)
{
	for (size_t a = 0; a < d->held_n; a++)
		for (size_t b = a + 1; b < d->held_n; b++)
			if (d->life[a].request && d->life[b].request)
				check_pair(d, a, b);
}

static void i9_all_devices_or_none(const struct ledger_request *r)
{
	unsigned holding = 0, queued = 0;

	for (size_t i = 0; i < r->devices_n; i++) {
		const struct ledger_device *d = ledger_device(&ledger, &r->devices[i]);

		for (size_t k = 0; k < d->held_n; k++)
			holding += uuid_eq(&d->held[k].request, &r->id);
		for (size_t k = 0; k < d->waiting_n; k++)
			queued += uuid_eq(&d->waiting[k].request, &r->id);
	}
	assert_int_equal(queued, r->state == LOCK_STATE_WAITING ? r->devices_n : 0);
	if (r->state == LOCK_STATE_LIVE)
		assert_int_equal(holding, r->devices_n);
	if (r->ended)
		assert_int_equal(holding, 0);
}

static void check_all(void)
{
	for (size_t i = 0; i < DEVICES; i++)
		i1_what_stands_together_may(&ledger.devices[i]);
	for (size_t i = 0; i < ledger.request_n; i++)
		i9_all_devices_or_none(ledger.request_list[i]);
}

static void check_grant(const struct ledger_ask *ask, const struct m_lock_answer *answer)
{
	const struct ledger_request *me = ledger_request(&ledger, &ask->request);

	for (size_t i = 0; i < answer->grants_n; i++) {
		const struct ledger_device *d = ledger_device(&ledger, &ask->devices[i]);
		uint64_t *last = &last_token[ask->devices[i].b[15]];

		assert_true(answer->grants[i].token > *last); /* I2 */
		*last = answer->grants[i].token;
		for (size_t k = 0; k < d->waiting_n && uuid_is_nil(&ask->under); k++) {
			const struct lock_waiter *w = &d->waiting[k];
			bool earlier = me->ticket == 0 || w->ticket < me->ticket;

			if (earlier && ledger.now_ms < w->until_ms) /* I7 */
				assert_int_equal(
					lock_may_start(&profile, w->use, ask->use), LOCK_MAY);
		}
	}
}

/* ---- the steps ---- */

/* Mostly one that is live; nil when there was none. */
static struct uuid any_hold(void)
{
	struct uuid hold = {{0}};

	for (size_t i = 0; i < ledger.request_n; i++) {
		const struct ledger_request *r = ledger.request_list[i];

		if (r->kind == LOCK_KIND_HOLD && (r->state == LOCK_STATE_LIVE || dice(50) == 0))
			hold = r->id;
	}
	return hold;
}

static struct ledger_ask *new_ask(void)
{
	static const enum lock_kind kinds[] = {LOCK_KIND_OWN, LOCK_KIND_OWN, LOCK_KIND_DECLARED,
		LOCK_KIND_DECLARED, LOCK_KIND_HOLD};
	struct ledger_ask *a = &asks[asks_n++];
	struct uuid *ids = arena_array(&arena, DEVICES, sizeof(*ids));
	size_t n = 0;

	assert_non_null(ids);
	for (unsigned i = 0; i < DEVICES; i++)
		if (dice(3) == 0)
			ids[n++] = device_id(i);
	if (n == 0)
		ids[n++] = device_id(dice(DEVICES));
	*a = (struct ledger_ask){.request = world_id((unsigned)asks_n),
		.session = world_id(1000 + dice(3)),
		.kind = kinds[dice(array_len(kinds))],
		.use = {.op = dice(OP_END), .direction = dice(2) ? IMPORT : EXPORT},
		.devices = ids,
		.devices_n = n,
		.policy = dice(4) ? ITEM_POLICY_FILTER : ITEM_POLICY_STRICT,
		.wait_ms = dice(2) ? 1000u * dice(40) : 0,
		.lease_ms = 30000,
		.digest = {(const uint8_t *)"d", 1}};
	a->items = op_items(a->use.op, &a->items_n);
	if (dice(4) == 0)
		a->under = any_hold();
	return a;
}

static void step_acquire(void)
{
	struct ledger_ask *a = asks_n && dice(2) ? &asks[dice((unsigned)asks_n)] : new_ask();
	const struct ledger_request *known = ledger_request(&ledger, &a->request);
	bool open = !known || known->state == LOCK_STATE_WAITING;
	const struct m_lock_answer *answer = ledger_acquire(&ledger, a);

	if (answer->answer == LOCK_RESULT_GRANTED && open) {
		check_grant(a, answer);
		granted_n++;
		under_n += !uuid_is_nil(&a->under);
	}
	queued_n += answer->answer == LOCK_RESULT_QUEUED;
	refused_n += answer->answer == LOCK_RESULT_REFUSED;
}

static void step_release(void)
{
	struct ledger_ask *a = asks_n ? &asks[dice((unsigned)asks_n)] : NULL;
	struct ledger_request *r = a ? ledger_request(&ledger, &a->request) : NULL;

	if (!r)
		return;
	bool thief = dice(5) == 0, live = r->state == LOCK_STATE_LIVE;
	struct m_held h = {.request = r->id,
		.token = r->first_token + (thief ? 1 : 0),
		.unsure = dice(4) == 0};
	bool done = ledger_release(&ledger, &a->session, &h);

	if (thief || !live) /* I6 */
		assert_true(!done || (!thief && r->state == LOCK_STATE_RELEASED));
	else
		assert_true(done);
}

static void step_observe(void)
{
	const char *ops[2] = {op_id(1 + dice(OP_ROWS)), "other_activity"};
	struct m_observation o = {.device = device_id(dice(DEVICES)),
		.ops = ops,
		.ops_n = dice(3),
		.failed = dice(6) == 0,
		.age_ms = dice(3) * 8000};

	ledger_observe(&ledger, &o);
}

static void step_time(void)
{
	ledger.now_ms += dice(20) ? dice(4000) : 70000;
	ledger_sweep(
		&ledger, &(struct ledger_rules){.silent_ms = 15000, .watched_ms = dice(3) * 30000});
}

static void step_cancel(void)
{
	if (asks_n) {
		struct ledger_ask *a = &asks[dice((unsigned)asks_n)];

		ledger_cancel(&ledger, &a->request, &a->session);
	}
}

static void any_life_keeps_the_invariants(void **state unused)
{
	static void (*const steps[])(void) = {step_acquire, step_acquire, step_acquire,
		step_acquire, step_release, step_release, step_observe, step_time, step_cancel};

	for (uint64_t life = 0; life < LIVES; life++) {
		begin(life);
		for (unsigned i = 0; i < STEPS; i++) {
			steps[dice(array_len(steps))]();
			check_all();
		}
		ledger_fini(&ledger);
		arena_fini(&arena);
	}
	/* the lives were not empty ones */
	assert_true(granted_n > LIVES * 10u);
	assert_true(queued_n > LIVES * 2u);
	assert_true(refused_n > LIVES * 2u);
	assert_true(under_n > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(any_life_keeps_the_invariants)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
