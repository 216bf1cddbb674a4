// SPDX-License-Identifier: Apache-2.0
/* What a transaction does with its rows: tokens, idempotency, queues, the life of a lock
 * (docs/spec/locks.md sections 4 and 7). The rows stay in memory from call to call, as they would
 * come back from the database. */
#include "tests/unit/lock/world.h"

#include "services/lock/ledger.h"

#define DEVICES 5u

static struct arena arena;
static struct ledger ledger;
static struct lock_profile profile;
static uint64_t tickets[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};

static struct uuid device_id(unsigned n)
{
	struct uuid id = world_id(n);

	id.b[0] = 9;
	return id;
}

static int set_up(void **state unused)
{
	lock_profile_generic(&profile);
	arena_init(&arena, 0);
	ledger_init(&ledger, &arena);
	ledger.now_ms = NOW_MS;
	ledger.timeline = 1;
	ledger.tickets = tickets;
	ledger.tickets_n = array_len(tickets);
	ledger.devices = arena_array(&arena, DEVICES, sizeof(*ledger.devices));
	assert_non_null(ledger.devices);
	for (unsigned i = 1; i <= DEVICES; i++)
		ledger_add_device(
			&ledger, &(struct ledger_device){.id = device_id(i), .profile = &profile});
	return 0;
}

static int tear_down(void **state unused)
{
	ledger_fini(&ledger);
	arena_fini(&arena);
	return 0;
}

/* A request for n devices from first on; its number is its id. */
static struct ledger_ask ask(unsigned number, unsigned op, unsigned first, unsigned n)
{
	struct uuid *ids = arena_array(&arena, n, sizeof(*ids));
	struct ledger_ask a = {.request = world_id(number),
		.session = world_id(1000 + number),
		.kind = LOCK_KIND_OWN,
		.use = {.op = op, .direction = EXPORT},
		.devices = ids,
		.devices_n = n,
		.policy = ITEM_POLICY_FILTER,
		.lease_ms = 30000};

	assert_non_null(ids);
	for (unsigned i = 0; i < n; i++)
		ids[i] = device_id(first + i);
	a.items = op_items(op, &a.items_n);
	a.digest = (struct span){(const uint8_t *)"digest", 6};
	return a;
}

static const struct m_lock_answer *acquire(const struct ledger_ask *a)
{
	return ledger_acquire(&ledger, a);
}

static uint64_t granted(const struct ledger_ask *a)
{
	const struct m_lock_answer *answer = acquire(a);

	assert_int_equal(answer->answer, LOCK_RESULT_GRANTED);
	assert_int_equal(answer->grants_n, a->devices_n);
	return answer->grants[0].token;
}

static bool release(const struct ledger_ask *a, uint64_t token, bool unsure)
{
	struct m_held h = {.request = a->request, .token = token, .unsure = unsure};

	return ledger_release(&ledger, &a->session, &h);
}

static enum lock_state state_of(const struct ledger_ask *a)
{
	return ledger_request(&ledger, &a->request)->state;
}

static void observe(unsigned device, bool failed, const char *op)
{
	struct m_observation o = {
		.device = device_id(device), .ops = &op, .ops_n = op ? 1 : 0, .failed = failed};

	ledger_observe(&ledger, &o);
}

static void pass(int64_t ms, uint64_t watched_ms)
{
	ledger.now_ms += ms;
	ledger_sweep(&ledger, &(struct ledger_rules){.silent_ms = 15000, .watched_ms = watched_ms});
}

static void i2_tokens_of_a_device_rise_and_start_at_its_timeline(void **state unused)
{
	uint64_t last = 0;

	for (unsigned i = 1; i <= 50; i++) {
		struct ledger_ask a = ask(i, OP_INDIV_IE, 1, 1);
		uint64_t token = granted(&a);

		assert_true(token > last);
		assert_true(token >= UINT64_C(1) << 48);
		assert_true(release(&a, token, false));
		last = token;
	}
	ledger.timeline = 2;
	struct ledger_ask b = ask(99, OP_INDIV_IE, 1, 1);

	assert_int_equal(granted(&b), UINT64_C(2) << 48);
}

static size_t held_on(unsigned device)
{
	struct uuid id = device_id(device);

	return ledger_device(&ledger, &id)->held_n;
}

static void example_19_one_busy_device_holds_none_of_the_others(void **state unused)
{
	struct ledger_ask one = ask(1, OP_INDIV_IE, 2, 1), all = ask(2, OP_BATCH_IE, 1, 3);

	granted(&one);
	const struct m_lock_answer *a = acquire(&all);

	assert_int_equal(a->answer, LOCK_RESULT_BUSY);
	assert_int_equal(a->blockers_n, 1);
	assert_int_equal(a->blockers[0].row, OP_INDIV_IE);
	assert_int_equal(held_on(1) + held_on(3), 0);
	assert_int_equal(held_on(2), 1);
}

static void example_22_the_same_request_gets_the_same_token(void **state unused)
{
	struct ledger_ask a = ask(1, OP_INDIV_IE, 1, 2);
	const struct m_lock_answer *first = acquire(&a);

	ledger.now_ms += 7000;
	const struct m_lock_answer *again = acquire(&a);

	assert_int_equal(again->answer, LOCK_RESULT_GRANTED);
	assert_int_equal(again->grants_n, 2);
	assert_int_equal(again->grants[1].token, first->grants[1].token);
	assert_int_equal(first->remaining_ms, 30000);
	assert_int_equal(again->remaining_ms, 23000);
}

static void example_22_the_token_is_that_of_its_row(void **state unused)
{
	struct ledger_ask a = ask(1, OP_INDIV_IE, 1, 2);
	struct m_lock_answer *first = (struct m_lock_answer *)(uintptr_t)acquire(&a);
	uint64_t token = first->grants[1].token;

	/* stored before the database said it (ahead.c) */
	((struct m_grant *)(uintptr_t)first->grants)[1].token = 0;
	assert_int_equal(acquire(&a)->grants[1].token, token);
	assert_int_equal(first->grants[1].token, 0);
}

static void i5_an_answer_given_again_never_promises_more_than_a_lease(void **state unused)
{
	struct ledger_ask a = ask(1, OP_BATCH_IE, 1, 1);

	acquire(&a);
	ledger.now_ms -= 60000; /* the clock of the database steps back */
	assert_int_equal(acquire(&a)->remaining_ms, 30000);
}

static void i9_other_content_under_the_same_id_is_refused(void **state unused)
{
	struct ledger_ask a = ask(1, OP_INDIV_IE, 1, 1), b = a;

	granted(&a);
	b.digest = (struct span){(const uint8_t *)"digesT", 6};
	assert_int_equal(acquire(&b)->answer, LOCK_RESULT_REFUSED);
	assert_string_equal(acquire(&b)->reason, "request_reused");
	assert_int_equal(state_of(&a), LOCK_STATE_LIVE);
}

static void i9_a_final_answer_stays_the_answer(void **state unused)
{
	struct ledger_ask a = ask(1, OP_INDIV_IE, 1, 1), b = ask(2, OP_INDIV_IE, 1, 1);
	uint64_t token = granted(&a);

	assert_int_equal(acquire(&b)->answer, LOCK_RESULT_BUSY);
	assert_true(release(&a, token, false));
	assert_int_equal(acquire(&b)->answer, LOCK_RESULT_BUSY);
	assert_int_equal(acquire(&a)->answer, LOCK_RESULT_LOST);
	assert_string_equal(acquire(&a)->reason, "released");
}

static void example_15_a_waiter_gets_a_ticket_and_moves_up(void **state unused)
{
	struct ledger_ask a = ask(1, OP_INDIV_IE, 1, 1), b = ask(2, OP_BATCH_IE, 1, 2),
			  c = ask(3, OP_INDIV_IE, 2, 1);
	uint64_t token = granted(&a);

	b.wait_ms = c.wait_ms = 60000;
	const struct m_lock_answer *wb = acquire(&b), *wc = acquire(&c);

	assert_int_equal(wb->answer, LOCK_RESULT_QUEUED);
	assert_int_equal(wb->ticket, 1);
	assert_int_equal(wb->place, 1);
	assert_int_equal(wc->answer, LOCK_RESULT_QUEUED); /* device 2 is free, but b comes first */
	assert_int_equal(wc->place, 2);
	assert_true(wc->blockers[0].waiting);
	assert_true(release(&a, token, false));
	assert_int_equal(ledger.retry_n, 1);
	assert_int_equal(acquire(&c)->answer, LOCK_RESULT_QUEUED);
	assert_int_equal(acquire(&b)->answer, LOCK_RESULT_GRANTED);
	assert_int_equal(acquire(&b)->answer, LOCK_RESULT_GRANTED);
	assert_int_equal(acquire(&c)->place, 1);
}

static void a_waiter_ends_busy_when_its_time_is_over(void **state unused)
{
	struct ledger_ask a = ask(1, OP_INDIV_IE, 1, 1), b = ask(2, OP_BATCH_IE, 1, 1),
			  c = ask(3, OP_BATCH_IE, 1, 1);

	granted(&a);
	b.wait_ms = c.wait_ms = 5000;
	acquire(&b);
	acquire(&c);
	ledger.now_ms += 4999;
	assert_int_equal(acquire(&b)->answer, LOCK_RESULT_QUEUED);
	ledger.now_ms += 1;
	assert_int_equal(acquire(&b)->answer, LOCK_RESULT_BUSY);
	pass(0, 0); /* c never asked again: the sweep says the same (I8) */
	assert_int_equal(state_of(&c), LOCK_STATE_BUSY);
	assert_int_equal(acquire(&c)->answer, LOCK_RESULT_BUSY);
	assert_int_equal(ledger.gone_waiting_n, 2);
}

static void a_silent_waiter_is_dropped_and_a_cancelled_one_leaves(void **state unused)
{
	struct ledger_ask a = ask(1, OP_INDIV_IE, 1, 1), b = ask(2, OP_BATCH_IE, 1, 1),
			  c = ask(3, OP_BATCH_IE, 1, 1);

	granted(&a);
	b.wait_ms = c.wait_ms = 600000;
	acquire(&b);
	acquire(&c);
	ledger_cancel(&ledger, &b.request, &c.session);
	assert_int_equal(state_of(&b), LOCK_STATE_WAITING); /* not its owner */
	ledger_cancel(&ledger, &b.request, &b.session);
	assert_int_equal(acquire(&b)->answer, LOCK_RESULT_CANCELLED);
	pass(14999, 0);
	assert_int_equal(state_of(&c), LOCK_STATE_WAITING);
	pass(1, 0);
	assert_int_equal(state_of(&c), LOCK_STATE_CANCELLED);
}

static void i6_only_session_and_token_release(void **state unused)
{
	struct ledger_ask a = ask(1, OP_INDIV_IE, 1, 1), thief = a;
	uint64_t token = granted(&a);

	thief.session = world_id(666);
	assert_false(release(&thief, token, false));
	assert_false(release(&a, token + 1, false));
	assert_true(release(&a, token, false));
	assert_true(release(&a, token, false)); /* the same release once more is no loss */
	assert_int_equal(held_on(1), 0);
}

static void i10_expiry_waits_for_the_watch_then_quarantines(void **state unused)
{
	struct ledger_ask a = ask(1, OP_BATCH_IE, 1, 2), b = ask(2, OP_INDIV_IE, 1, 1);
	uint64_t token = granted(&a);

	pass(30000, 29999);
	assert_int_equal(state_of(&a), LOCK_STATE_LIVE);
	pass(0, 30000);
	assert_int_equal(state_of(&a), LOCK_STATE_QUARANTINE);
	assert_false(release(&a, token, false));
	assert_int_equal(acquire(&b)->answer, LOCK_RESULT_BUSY); /* example 21 */
	assert_string_equal(acquire(&a)->reason, "quarantine");
}

static void quarantine_ends_after_its_time_and_a_clear_probe(void **state unused)
{
	struct ledger_ask a = ask(1, OP_BATCH_IE, 1, 1);

	granted(&a);
	pass(30000, 60000);
	pass(60000, 60000);
	assert_int_equal(state_of(&a), LOCK_STATE_QUARANTINE); /* nobody looked */
	observe(1, false, "batch_ie");
	pass(29999, 90000);
	observe(1, false, NULL);
	pass(0, 90000);
	assert_int_equal(state_of(&a), LOCK_STATE_QUARANTINE); /* prolonged by 30 s */
	pass(1, 89999);
	assert_int_equal(state_of(&a), LOCK_STATE_QUARANTINE); /* not watched long enough */
	pass(0, 90000);
	assert_int_equal(state_of(&a), LOCK_STATE_ENDED);
	assert_int_equal(held_on(1), 0);
}

static void a_probe_from_before_the_cut_proves_nothing(void **state unused)
{
	struct ledger_ask a = ask(1, OP_INDIV_IE, 1, 1);
	struct m_observation old = {.device = device_id(1), .age_ms = 5000};

	granted(&a);
	pass(30000, 60000);
	pass(4000, 60000);
	ledger_observe(&ledger, &old);
	pass(60000, 60000);
	assert_int_equal(state_of(&a), LOCK_STATE_QUARANTINE);
}

static void probe_none_needs_time_only_and_best_effort_two_failures(void **state unused)
{
	struct ledger_ask a = ask(1, OP_INDIV_IE, 1, 1), b = ask(2, OP_INDIV_IE, 2, 1);

	profile.probe = LOCK_PROBE_NONE;
	granted(&a);
	profile.probe = LOCK_PROBE_BEST_EFFORT;
	granted(&b);
	pass(30000, 60000);
	pass(60000, 60000);
	assert_int_equal(state_of(&a), LOCK_STATE_ENDED);
	observe(2, true, NULL);
	pass(0, 60000);
	assert_int_equal(state_of(&b), LOCK_STATE_QUARANTINE);
	observe(2, true, NULL);
	pass(0, 60000);
	assert_int_equal(state_of(&b), LOCK_STATE_ENDED);
}

static void quarantine_too_long_needs_a_person_or_a_clear_probe(void **state unused)
{
	struct ledger_ask a = ask(1, OP_INDIV_IE, 1, 1), b = ask(2, OP_INDIV_IE, 2, 1);

	granted(&a);
	granted(&b);
	pass(30000, 30000);
	assert_false(ledger_end(&ledger, &a.request, "too early"));
	pass(899999, 60000);
	assert_int_equal(state_of(&a), LOCK_STATE_QUARANTINE);
	pass(1, 60000);
	assert_int_equal(state_of(&a), LOCK_STATE_ATTENTION);
	assert_true(ledger_end(&ledger, &a.request, "seen by hand"));
	assert_int_equal(state_of(&a), LOCK_STATE_ENDED);
	observe(2, false, NULL);
	assert_int_equal(state_of(&b), LOCK_STATE_ENDED);
}

static void an_unsure_release_quarantines_but_a_hold_just_ends(void **state unused)
{
	struct ledger_ask a = ask(1, OP_INDIV_IE, 1, 1), hold = ask(2, OP_SYNC_CONTROL, 2, 2),
			  lapsed = ask(3, OP_SYNC_CONTROL, 4, 2);

	hold.kind = lapsed.kind = LOCK_KIND_HOLD;
	assert_true(release(&a, granted(&a), true));
	assert_int_equal(state_of(&a), LOCK_STATE_QUARANTINE);
	assert_true(release(&hold, granted(&hold), true));
	assert_int_equal(state_of(&hold), LOCK_STATE_RELEASED);
	granted(&lapsed);
	pass(30000, 30000);
	assert_int_equal(state_of(&lapsed), LOCK_STATE_ENDED);
	assert_int_equal(held_on(4) + held_on(5), 0);
}

static void example_20_a_child_under_a_hold_until_the_hold_is_lost(void **state unused)
{
	struct ledger_ask hold = ask(1, OP_SYNC_CONTROL, 1, 2), child = ask(2, OP_BATCH_IE, 1, 1),
			  late = ask(3, OP_INDIV_IE, 2, 1), other = ask(4, OP_INDIV_IE, 2, 1);

	hold.kind = LOCK_KIND_HOLD;
	uint64_t token = granted(&hold);

	assert_int_equal(acquire(&other)->answer, LOCK_RESULT_BUSY);
	child.under = late.under = hold.request;
	granted(&child);
	assert_true(release(&hold, token, false));
	assert_string_equal(acquire(&late)->reason, "hold_lost");
	assert_int_equal(state_of(&child), LOCK_STATE_LIVE); /* losing it ends no running child */
}

static void a_probe_replaces_all_shadows_and_violations_are_recorded(void **state unused)
{
	struct ledger_ask a = ask(1, OP_INDIV_IE, 1, 1);

	observe(1, false, "panel");
	observe(1, false, "sleep");
	assert_int_equal(held_on(1), 1);
	granted(&a);
	size_t before = ledger.events_n;

	observe(1, false, "panel");
	assert_int_equal(held_on(1), 2);
	assert_int_equal(ledger.events_n, before + 1);
	assert_string_equal(ledger.events[before].word, "violation_observed");
	assert_string_equal(ledger.events[before].detail, "panel");
	assert_int_equal(state_of(&a), LOCK_STATE_LIVE);
	observe(1, true, NULL); /* nobody home: the last picture stays until its time is over */
	assert_int_equal(held_on(1), 2);
}

static void standing_sync_comes_and_goes_with_its_writer(void **state unused)
{
	struct m_lock_stand stand = {.device = device_id(1),
		.role = SYNC_ROLE_CLIENT,
		.state = SYNC_STATE_RUNNING,
		.destination = "10.0.0.9"};
	struct ledger_ask a = ask(1, OP_INDIV_IE, 1, 1);

	ledger_stand(&ledger, &stand);
	const struct m_lock_answer *answer = acquire(&a);

	assert_int_equal(answer->grants[0].items_n, 5);
	assert_int_equal(answer->items_refused_n, 2);
	assert_string_equal(answer->items_refused[0].reason, "synced");
	assert_string_equal(answer->effects[0], "pause_sync");
	stand.state = SYNC_STATE_STOPPED;
	ledger_stand(&ledger, &stand);
	assert_int_equal(held_on(1), 1);
}

static void explain_changes_nothing(void **state unused)
{
	struct ledger_ask a = ask(1, OP_INDIV_IE, 1, 1), b = ask(2, OP_BATCH_IE, 1, 2);

	const struct m_lock_answer *free_one = ledger_explain(&ledger, &b);

	assert_int_equal(free_one->answer, LOCK_RESULT_GRANTED);
	assert_int_equal(free_one->grants[0].token, 0);
	granted(&a);
	const struct m_lock_answer *answer = ledger_explain(&ledger, &b);

	assert_int_equal(answer->answer, LOCK_RESULT_BUSY);
	assert_string_equal(answer->blockers[0].text,
		"Individual import or export holds the device: Batch import or export may not "
		"start beside it (row 6 of the matrix).");
	assert_null(ledger_request(&ledger, &b.request));
}

static void a_child_belongs_to_the_workflow_of_its_hold(void **state unused)
{
	struct ledger_ask hold = ask(1, OP_SYNC_CONTROL, 1, 2), child = ask(2, OP_BATCH_IE, 1, 1),
			  stranger = ask(3, OP_BATCH_IE, 2, 1);

	hold.kind = LOCK_KIND_HOLD;
	hold.workflow = child.workflow = world_id(500);
	(void)granted(&hold);
	child.under = stranger.under = hold.request;
	(void)granted(&child);
	stranger.workflow = world_id(501);
	assert_string_equal(acquire(&stranger)->reason, "hold_lost");
}

static void each_device_is_judged_by_its_own_family(void **state unused)
{
	struct lock_profile denying = profile, patient = profile;
	const struct lock_profile *families[] = {&patient, &denying};
	struct ledger_ask a = ask(1, OP_DIST, 1, 2), b = ask(2, OP_DIST, 1, 2);

	patient.quarantine_ms = 905000;
	denying.denied = UINT32_C(1) << OP_DIST;
	a.profiles = b.profiles = families;
	assert_string_equal(acquire(&a)->reason, "profile_denies");
	denying.denied = 0;
	assert_true(release(&b, granted(&b), true));
	assert_int_equal(ledger.devices[0].life[0].quarantine_ms, 905000);
	assert_int_equal(ledger.devices[1].life[0].quarantine_ms, profile.quarantine_ms);
}

static void a_blocker_says_who_declared_it_and_for_how_long(void **state unused)
{
	struct ledger_ask first = ask(1, OP_SW_UPDATE, 1, 1), second = ask(2, OP_BATCH_IE, 1, 1);

	first.kind = LOCK_KIND_DECLARED;
	first.holder = "token:fw";
	second.lang = WORDS_JA;
	second.speak = true;
	(void)granted(&first);
	ledger.now_ms += 10000;
	const struct m_lock_answer *busy = acquire(&second);

	assert_int_equal(busy->blockers_n, 1);
	assert_string_equal(busy->blockers[0].holder, "token:fw");
	assert_int_equal(busy->blockers[0].remaining_ms, 20000);
	assert_non_null(strstr(busy->text, "いいえ"));
	assert_non_null(strstr(busy->text, "token:fw"));
}

static void carnets_own_work_seen_by_another_worker_is_no_shadow(void **state unused)
{
	struct ledger_ask own = ask(1, OP_BATCH_IE, 1, 1), other = ask(2, OP_BATCH_IE, 2, 1);

	(void)granted(&own);
	observe(1, false, "batch_ie");
	assert_int_equal(held_on(1), 1);
	observe(1, false, "rui");
	assert_int_equal(held_on(1), 1);
	observe(1, false, "shutdown"); /* of somebody else: it is watched for */
	assert_int_equal(held_on(1), 2);
	other.kind = LOCK_KIND_DECLARED;
	(void)granted(&other);
	observe(2, false, "batch_ie"); /* another system's work is a fact like any other */
	assert_int_equal(held_on(2), 2);
}

static void after_the_cut_the_same_sight_is_evidence(void **state unused)
{
	struct ledger_ask own = ask(1, OP_BATCH_IE, 1, 1);

	assert_true(release(&own, granted(&own), true));
	ledger.now_ms += 1000;
	observe(1, false, "batch_ie");
	assert_int_equal(held_on(1), 2);
	assert_false(ledger.devices[0].life[0].clear);
}

static void strictness_of_a_device_stays_with_its_lock_and_is_its_alone(void **state unused)
{
	struct ledger_ask a = ask(1, OP_BATCH_IE, 1, 2), again = ask(1, OP_BATCH_IE, 1, 2);
	const bool second[] = {false, true};

	a.strict = second;
	uint64_t token = granted(&a);
	assert_false(ledger.devices[0].held[0].use.strict);
	assert_true(ledger.devices[1].held[0].use.strict);
	assert_int_equal(granted(&again), token); /* marked or not, it is the same request */
	observe(1, false, "other_activity");
	observe(2, false, "other_activity");
	assert_true(release(&a, token, false));
	struct ledger_ask loose = ask(2, OP_BATCH_IE, 1, 2);
	assert_int_equal(ledger_explain(&ledger, &loose)->answer, LOCK_RESULT_GRANTED);
	loose.strict = second;
	const struct m_lock_answer *no = acquire(&loose);
	assert_int_equal(no->answer, LOCK_RESULT_BUSY);
	assert_int_equal(no->blockers_n, 1);
	assert_true(uuid_eq(&no->blockers[0].device, &ledger.devices[1].id));
}

#define RULE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static void i10_a_step_of_the_clock_leads_neither_to_attention_nor_out_of_it(void **state unused)
{
	struct ledger_ask a = ask(1, OP_BATCH_IE, 1, 1);

	assert_true(release(&a, granted(&a), true));
	pass(3600 * 1000, 1000); /* who has not watched cannot know that this was an hour */
	observe(1, false, NULL);
	assert_int_equal(state_of(&a), LOCK_STATE_QUARANTINE);
	pass(1000, 60 * 1000);
	assert_int_equal(state_of(&a), LOCK_STATE_ENDED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RULE(i10_a_step_of_the_clock_leads_neither_to_attention_nor_out_of_it),
		RULE(i2_tokens_of_a_device_rise_and_start_at_its_timeline),
		RULE(example_19_one_busy_device_holds_none_of_the_others),
		RULE(example_22_the_same_request_gets_the_same_token),
		RULE(example_22_the_token_is_that_of_its_row),
		RULE(i5_an_answer_given_again_never_promises_more_than_a_lease),
		RULE(i9_other_content_under_the_same_id_is_refused),
		RULE(i9_a_final_answer_stays_the_answer),
		RULE(example_15_a_waiter_gets_a_ticket_and_moves_up),
		RULE(a_waiter_ends_busy_when_its_time_is_over),
		RULE(a_silent_waiter_is_dropped_and_a_cancelled_one_leaves),
		RULE(i6_only_session_and_token_release),
		RULE(i10_expiry_waits_for_the_watch_then_quarantines),
		RULE(quarantine_ends_after_its_time_and_a_clear_probe),
		RULE(a_probe_from_before_the_cut_proves_nothing),
		RULE(probe_none_needs_time_only_and_best_effort_two_failures),
		RULE(quarantine_too_long_needs_a_person_or_a_clear_probe),
		RULE(an_unsure_release_quarantines_but_a_hold_just_ends),
		RULE(example_20_a_child_under_a_hold_until_the_hold_is_lost),
		RULE(a_probe_replaces_all_shadows_and_violations_are_recorded),
		RULE(standing_sync_comes_and_goes_with_its_writer),
		RULE(explain_changes_nothing),
		RULE(a_child_belongs_to_the_workflow_of_its_hold),
		RULE(each_device_is_judged_by_its_own_family),
		RULE(a_blocker_says_who_declared_it_and_for_how_long),
		RULE(carnets_own_work_seen_by_another_worker_is_no_shadow),
		RULE(after_the_cut_the_same_sight_is_evidence),
		RULE(strictness_of_a_device_stays_with_its_lock_and_is_its_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
