// SPDX-License-Identifier: Apache-2.0
/* What a lock costs the database, counted in statements: time is measured by `make bench-lock`. A
 * transaction is two round trips (serve.c), whatever it serves: BEGIN and the reads, then the
 * writes and COMMIT; what is decided ahead takes one. */
#include "tests/unit/lock/world.h"

#include "common/db/internal.h"
#include "services/lock/ledger.h"
#include "services/lock/sql.h"

enum { CALLS = 128, DEVICES = 8 }; /* of a full round: calls, and devices of each */

static struct arena arena;
static struct ledger ledger;
static struct lock_profile profile;
static struct uuid ids[CALLS * DEVICES];
static const struct uuid session = {.b = {7}};

static int set_up(void **state unused)
{
	lock_profile_generic(&profile);
	arena_init(&arena, 0);
	ledger_init(&ledger, &arena);
	ledger.now_ms = NOW_MS;
	ledger.timeline = 1;
	ledger.devices = arena_array(&arena, array_len(ids), sizeof(*ledger.devices));
	assert_non_null(ledger.devices);
	for (unsigned i = 0; i < array_len(ids); i++) {
		ids[i] = world_id(i);
		ledger_add_device(
			&ledger, &(struct ledger_device){.id = ids[i], .profile = &profile});
	}
	return 0;
}

static int tear_down(void **state unused)
{
	ledger_fini(&ledger);
	arena_fini(&arena);
	return 0;
}

static size_t reads(size_t devices, size_t tickets)
{
	struct sql_keys keys = {.devices = ids, .devices_n = devices, .tickets = tickets};
	struct txn *t = txn_new(NULL, NULL, NULL);

	sql_read(t, &keys, true);
	size_t n = t->n_stmts;
	txn_free(t);
	return n;
}

static size_t writes(void)
{
	struct txn *t = txn_new(NULL, NULL, NULL);

	sql_write(t, &ledger);
	size_t n = t->n_stmts;
	txn_free(t);
	return n;
}

static void acquire(unsigned call)
{
	struct ledger_ask a = {.request = world_id(5000 + call),
		.session = session,
		.digest = {(const uint8_t *)"d", 1},
		.kind = LOCK_KIND_OWN,
		.use = {.op = OP_INDIV_IE, .direction = EXPORT},
		.devices = &ids[call * DEVICES],
		.devices_n = DEVICES,
		.policy = ITEM_POLICY_FILTER,
		.holder = "",
		.lease_ms = 30000};

	a.items = op_items(a.use.op, &a.items_n);
	assert_int_equal(ledger_acquire(&ledger, &a)->answer, LOCK_RESULT_GRANTED);
}

/* As if the rows came back from the database. */
static void written(void)
{
	for (size_t i = 0; i < ledger.devices_n; i++) {
		ledger.devices[i].changed = false;
		for (size_t k = 0; k < ledger.devices[i].held_n; k++)
			ledger.devices[i].life[k].change = LEDGER_SAME;
	}
	for (size_t i = 0; i < ledger.request_n; i++)
		ledger.request_list[i]->change = LEDGER_SAME;
	ledger.events_n = 0;
}

static void release(unsigned call)
{
	const struct uuid id = world_id(5000 + call);
	struct m_held held = {.request = id, .token = ledger_request(&ledger, &id)->first_token};

	assert_true(ledger_release(&ledger, &session, &held));
}

static void three_statements_read_what_1000_devices_need(void **state unused)
{
	assert_int_equal(reads(1, 0), 3);
	assert_int_equal(reads(1000, 0), 3);
	assert_int_equal(reads(1, 2), 4); /* somebody may have to wait: tickets are drawn */
}

static void four_statements_write_128_grants_as_they_do_one(void **state unused)
{
	acquire(0);
	assert_int_equal(writes(), 4); /* device rows, request, locks, history */
	for (unsigned i = 1; i < CALLS; i++)
		acquire(i);
	assert_int_equal(writes(), 4);
}

static void three_statements_write_128_releases_as_they_do_one(void **state unused)
{
	for (unsigned i = 0; i < CALLS; i++)
		acquire(i);
	written();
	release(0);
	assert_int_equal(writes(), 3);        /* locks, requests, history */
	assert_int_equal(ledger.events_n, 1); /* of all its devices */
	for (unsigned i = 1; i < CALLS; i++)
		release(i);
	assert_int_equal(writes(), 3);
}

/* Locks decided ahead: one round trip (ahead.c). */
static void three_statements_take_and_give_back_what_was_decided_ahead(void **state unused)
{
	const struct sql_keys keys = {.devices = ids, .devices_n = array_len(ids)};
	const struct sql_lock given = {.session = session, .request = ids[0], .token = 1};
	struct txn *t = txn_new(NULL, NULL, NULL);

	for (unsigned i = 0; i < CALLS; i++)
		acquire(i);
	sql_lock_rows(t, &keys);
	sql_take_free(t, &ledger);
	sql_give_back(t, &given, 1);
	assert_int_equal(t->n_stmts, 3);
	txn_free(t);
}

static void what_changes_nothing_writes_nothing(void **state unused)
{
	acquire(0);
	written();
	acquire(0); /* the same request again */
	assert_int_equal(writes(), 0);
}

#define RULE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RULE(three_statements_read_what_1000_devices_need),
		RULE(four_statements_write_128_grants_as_they_do_one),
		RULE(three_statements_write_128_releases_as_they_do_one),
		RULE(three_statements_take_and_give_back_what_was_decided_ahead),
		RULE(what_changes_nothing_writes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
