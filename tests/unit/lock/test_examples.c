// SPDX-License-Identifier: Apache-2.0
/* The worked examples of docs/spec/locks.md section 12, by their numbers. 19 and 22 also stand in
 * test_ledger.c; 25 belongs to storage and lock.check(). */
#include "tests/unit/lock/world.h"

static void assert_granted(struct lock_verdict v)
{
	assert_int_equal(v.result, LOCK_RESULT_GRANTED);
	assert_null(v.reason);
}

static void assert_busy(struct lock_verdict v, size_t blockers)
{
	assert_int_equal(v.result, LOCK_RESULT_BUSY);
	assert_int_equal(v.blocked, blockers);
}

static void assert_refused(struct lock_verdict v, const char *reason)
{
	assert_int_equal(v.result, LOCK_RESULT_REFUSED);
	assert_string_equal(v.reason, reason);
}

static struct lock_request own(unsigned op, enum lock_direction direction, const char *const *items)
{
	return world_request(LOCK_KIND_OWN, op, direction, items);
}

static struct lock_request declared(unsigned op)
{
	return world_request(LOCK_KIND_DECLARED, op, LOCK_DIRECTION_NONE, NULL);
}

static void example_01_an_export_of_an_idle_device_is_granted(void **state unused)
{
	struct world w;
	world_init(&w);
	struct lock_request r = own(OP_INDIV_IE, EXPORT, NULL);

	assert_granted(world_ask(&w, &r));
}

static void example_02_an_export_may_start_while_someone_is_at_the_panel(void **state unused)
{
	struct world w;
	world_init(&w);
	world_shadow(&w, OP_PANEL);
	struct lock_request r = own(OP_INDIV_IE, EXPORT, NULL);

	assert_granted(world_ask(&w, &r));
}

static void example_03_remote_ui_may_not_start_during_a_batch(void **state unused)
{
	struct world w;
	world_init(&w);
	world_hold(&w, LOCK_KIND_OWN, OP_BATCH_IE, EXPORT);
	struct lock_request r = declared(OP_RUI);

	assert_busy(world_ask(&w, &r), 1);
}

static void example_04_a_batch_export_waits_for_a_send_job(void **state unused)
{
	struct world w;
	world_init(&w);
	world_shadow(&w, OP_SEND);
	struct lock_request r = own(OP_BATCH_IE, EXPORT, NULL);

	assert_busy(world_ask(&w, &r), 1);
}

static void example_05_two_exports_overlap_only_where_the_family_shares_them(void **state unused)
{
	struct world w;
	world_init(&w);
	world_hold(&w, LOCK_KIND_OWN, OP_INDIV_IE, EXPORT);
	struct lock_request r = own(OP_BATCH_IE, EXPORT, NULL);

	assert_busy(world_ask(&w, &r), 1);
	w.profile.shared_export = true;
	assert_granted(world_ask(&w, &r));
	r.use.direction = IMPORT;
	assert_busy(world_ask(&w, &r), 1);
}

static void example_06_an_import_beside_a_running_client_loses_its_synced_item(void **state unused)
{
	struct world w;
	world_init(&w);
	world_sync(&w, SYNC_ROLE_CLIENT, SYNC_STATE_RUNNING, "10.0.0.9");
	struct lock_request r =
		own(OP_BATCH_IE, IMPORT, ITEMS("address_book", "personal_setting_info"));
	struct lock_verdict v = world_ask(&w, &r);

	assert_granted(v);
	assert_int_equal(v.items, 1);
	assert_int_equal(v.items_synced, 2);
	assert_true(v.effects & LOCK_EFFECT_PAUSE_SYNC);
	r.policy = ITEM_POLICY_STRICT;
	assert_refused(world_ask(&w, &r), "items_refused");
}

static void example_07_nothing_left_is_refused_not_queued(void **state unused)
{
	struct world w;
	world_init(&w);
	world_sync(&w, SYNC_ROLE_CLIENT, SYNC_STATE_PAUSED, "10.0.0.9");
	struct lock_request r = own(OP_BATCH_IE, IMPORT, ITEMS("user_group_address_list"));

	r.may_wait = true;
	assert_refused(world_ask(&w, &r), "items_synced");
}

static void example_08_the_local_server_takes_an_individual_import(void **state unused)
{
	struct world w;
	world_init(&w);
	world_sync(&w, SYNC_ROLE_SERVER_CLIENT, SYNC_STATE_RUNNING, "localhost:8443");
	struct lock_request r = own(OP_INDIV_IE, IMPORT, ITEMS("indiv_ab_group"));

	assert_granted(world_ask(&w, &r));
}

static void example_09_the_preparation_window_opens_an_export(void **state unused)
{
	struct world w;
	world_init(&w);
	struct lock_held *sync =
		world_sync(&w, SYNC_ROLE_SERVER_CLIENT, SYNC_STATE_RUNNING, "localhost:8443");
	struct lock_request r = own(OP_INDIV_IE, EXPORT, ITEMS("indiv_ab_personal"));

	sync->prepared_ms = NOW_MS - 901000;
	assert_refused(world_ask(&w, &r), "items_synced");
	sync->prepared_ms = NOW_MS - 60000;
	assert_granted(world_ask(&w, &r));
}

static void example_10_a_shutdown_may_start_during_a_batch(void **state unused)
{
	struct world w;
	world_init(&w);
	world_hold(&w, LOCK_KIND_OWN, OP_BATCH_IE, IMPORT);
	struct lock_request r = declared(OP_SHUTDOWN);

	assert_granted(world_ask(&w, &r));
}

static void example_11_an_error_code_blocks_an_import(void **state unused)
{
	struct world w;
	world_init(&w);
	world_shadow(&w, OP_ERROR_CODE);
	struct lock_request r = own(OP_INDIV_IE, IMPORT, NULL);

	assert_busy(world_ask(&w, &r), 1);
}

static void example_12_getting_web_content_blocks_fail_safe(void **state unused)
{
	struct world w;
	world_init(&w);
	world_shadow(&w, OP_WEB_CONTENT);
	struct lock_request r = own(OP_INDIV_IE, EXPORT, NULL);

	assert_busy(world_ask(&w, &r), 1);
}

static void example_13_web_error_screen_and_sleep_do_not_block(void **state unused)
{
	struct world w;
	world_init(&w);
	world_shadow(&w, OP_WEB_ERROR);
	world_shadow(&w, OP_SLEEP);
	struct lock_request r = own(OP_INDIV_IE, EXPORT, NULL);

	assert_granted(world_ask(&w, &r));
}

static void example_14_copying_blocks_only_in_strict_mode(void **state unused)
{
	struct world w;
	world_init(&w);
	world_shadow(&w, OP_OTHER_ACTIVITY);
	struct lock_request r = own(OP_INDIV_IE, EXPORT, NULL);

	assert_granted(world_ask(&w, &r));
	r.use.strict = true;
	assert_busy(world_ask(&w, &r), 1);
	r.use.strict = false;
	w.profile.strict = true;
	assert_busy(world_ask(&w, &r), 1);
}

static void example_15_an_update_with_time_queues_behind_a_batch(void **state unused)
{
	struct world w;
	struct lock_verdict v;
	world_init(&w);
	world_hold(&w, LOCK_KIND_OWN, OP_BATCH_IE, EXPORT);
	struct lock_request r = declared(OP_SW_UPDATE);

	r.may_wait = true;
	assert_int_equal(lock_decide(&r, &w.device, 1, NOW_MS, &v), LOCK_RESULT_QUEUED);
	r.may_wait = false;
	assert_int_equal(lock_decide(&r, &w.device, 1, NOW_MS, &v), LOCK_RESULT_BUSY);
}

static void example_16_blocked_by_a_holder_and_by_an_earlier_waiter(void **state unused)
{
	struct world w;
	world_init(&w);
	world_hold(&w, LOCK_KIND_DECLARED, OP_SEND, LOCK_DIRECTION_NONE);
	world_wait(&w, OP_BATCH_IE, EXPORT);
	struct lock_request r = own(OP_INDIV_IE, EXPORT, NULL);
	struct lock_verdict v = world_ask(&w, &r);

	assert_busy(v, 2);
	assert_false(v.blockers[0].waiting);
	assert_true(v.blockers[1].waiting);
}

static void example_17_a_send_job_may_not_delay_ticket_1(void **state unused)
{
	struct world w;
	world_init(&w);
	world_wait(&w, OP_BATCH_IE, EXPORT);
	struct lock_request r = declared(OP_SEND);

	assert_busy(world_ask(&w, &r), 1);
	w.waiting[0].until_ms = NOW_MS; /* timed out: no turn any more */
	assert_granted(world_ask(&w, &r));
}

static void example_18_remote_ui_may_pass_because_the_batch_may_start_under_it(void **state unused)
{
	struct world w;
	world_init(&w);
	world_hold(&w, LOCK_KIND_DECLARED, OP_SEND, LOCK_DIRECTION_NONE);
	world_wait(&w, OP_BATCH_IE, EXPORT);
	struct lock_request r = declared(OP_RUI);

	assert_granted(world_ask(&w, &r));
}

static void example_19_one_busy_device_makes_all_three_busy(void **state unused)
{
	struct world free_one, busy_one;
	struct lock_verdict v[3];
	world_init(&free_one);
	world_init(&busy_one);
	world_hold(&busy_one, LOCK_KIND_OWN, OP_INDIV_IE, EXPORT);
	struct lock_device devices[] = {free_one.device, busy_one.device, free_one.device};
	struct lock_request r =
		world_request(LOCK_KIND_HOLD, OP_SYNC_CONTROL, LOCK_DIRECTION_NONE, NULL);

	assert_int_equal(lock_decide(&r, devices, 3, NOW_MS, v), LOCK_RESULT_BUSY);
	assert_int_equal(v[0].result, LOCK_RESULT_GRANTED);
	assert_int_equal(v[1].result, LOCK_RESULT_BUSY);
}

static void example_20_a_child_fits_under_its_own_hold_only(void **state unused)
{
	struct world w;
	world_init(&w);
	struct lock_held *hold =
		world_hold(&w, LOCK_KIND_HOLD, OP_SYNC_CONTROL, LOCK_DIRECTION_NONE);
	struct lock_request r = own(OP_BATCH_IE, IMPORT, NULL);

	assert_busy(world_ask(&w, &r), 1);
	r.under = hold->request;
	r.under_live = true;
	assert_granted(world_ask(&w, &r));
	r.under_live = false;
	assert_refused(world_ask(&w, &r), "hold_lost");
}

static void example_21_quarantine_and_attention_block_like_a_live_lock(void **state unused)
{
	struct world w;
	world_init(&w);
	struct lock_held *h = world_hold(&w, LOCK_KIND_OWN, OP_BATCH_IE, EXPORT);
	struct lock_request r = own(OP_INDIV_IE, IMPORT, NULL);

	h->until_ms = NOW_MS - 1000; /* a lease past its end frees nothing by itself */
	assert_busy(world_ask(&w, &r), 1);
	h->state = LOCK_STATE_QUARANTINE;
	assert_busy(world_ask(&w, &r), 1);
	h->state = LOCK_STATE_ATTENTION;
	assert_busy(world_ask(&w, &r), 1);
}

static void example_23_sync_control_may_start_while_sync_runs(void **state unused)
{
	struct world w;
	world_init(&w);
	world_sync(&w, SYNC_ROLE_CLIENT, SYNC_STATE_RUNNING, "10.0.0.9");
	struct lock_request r = own(OP_SYNC_CONTROL, LOCK_DIRECTION_NONE, NULL);

	assert_granted(world_ask(&w, &r));
}

static void example_24_a_distribution_waits_for_a_mail_box_backup(void **state unused)
{
	struct world w;
	world_init(&w);
	world_hold(&w, LOCK_KIND_DECLARED, OP_MBOX_BACKUP, LOCK_DIRECTION_NONE);
	struct lock_request r = own(OP_DIST, LOCK_DIRECTION_NONE, NULL);

	assert_busy(world_ask(&w, &r), 1);
}

static void example_26_the_panel_cannot_be_requested(void **state unused)
{
	struct world w;
	world_init(&w);
	struct lock_request r = declared(OP_PANEL);

	assert_refused(world_ask(&w, &r), "not_requestable");
	r.use.op = OP_UNKNOWN;
	assert_refused(world_ask(&w, &r), "unknown_op");
	r = declared(OP_RUI);
	w.profile.denied = 1u << OP_RUI;
	assert_refused(world_ask(&w, &r), "profile_denies");
}

static void example_27_a_child_does_not_wait_behind_those_who_wait_for_its_hold(void **state unused)
{
	struct world w;
	world_init(&w);
	struct lock_held *hold =
		world_hold(&w, LOCK_KIND_HOLD, OP_SYNC_CONTROL, LOCK_DIRECTION_NONE);
	world_wait(&w, OP_BATCH_IE, EXPORT);
	struct lock_request r = own(OP_INDIV_IE, IMPORT, NULL);

	r.under = hold->request;
	r.under_live = true;
	assert_granted(world_ask(&w, &r));
}

static void example_28_sync_only_seen_is_judged_as_client(void **state unused)
{
	struct world w;
	world_init(&w);
	world_shadow(&w, OP_SYNC);
	struct lock_request r =
		own(OP_INDIV_IE, EXPORT, ITEMS("indiv_ab_group", "indiv_address_book"));
	struct lock_verdict v = world_ask(&w, &r);

	assert_granted(v);
	assert_int_equal(v.items, 2);
	assert_int_equal(v.items_synced, 1);
	assert_false(v.effects & LOCK_EFFECT_PAUSE_SYNC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(example_01_an_export_of_an_idle_device_is_granted),
		cmocka_unit_test(example_02_an_export_may_start_while_someone_is_at_the_panel),
		cmocka_unit_test(example_03_remote_ui_may_not_start_during_a_batch),
		cmocka_unit_test(example_04_a_batch_export_waits_for_a_send_job),
		cmocka_unit_test(example_05_two_exports_overlap_only_where_the_family_shares_them),
		cmocka_unit_test(
			example_06_an_import_beside_a_running_client_loses_its_synced_item),
		cmocka_unit_test(example_07_nothing_left_is_refused_not_queued),
		cmocka_unit_test(example_08_the_local_server_takes_an_individual_import),
		cmocka_unit_test(example_09_the_preparation_window_opens_an_export),
		cmocka_unit_test(example_10_a_shutdown_may_start_during_a_batch),
		cmocka_unit_test(example_11_an_error_code_blocks_an_import),
		cmocka_unit_test(example_12_getting_web_content_blocks_fail_safe),
		cmocka_unit_test(example_13_web_error_screen_and_sleep_do_not_block),
		cmocka_unit_test(example_14_copying_blocks_only_in_strict_mode),
		cmocka_unit_test(example_15_an_update_with_time_queues_behind_a_batch),
		cmocka_unit_test(example_16_blocked_by_a_holder_and_by_an_earlier_waiter),
		cmocka_unit_test(example_17_a_send_job_may_not_delay_ticket_1),
		cmocka_unit_test(
			example_18_remote_ui_may_pass_because_the_batch_may_start_under_it),
		cmocka_unit_test(example_19_one_busy_device_makes_all_three_busy),
		cmocka_unit_test(example_20_a_child_fits_under_its_own_hold_only),
		cmocka_unit_test(example_21_quarantine_and_attention_block_like_a_live_lock),
		cmocka_unit_test(example_23_sync_control_may_start_while_sync_runs),
		cmocka_unit_test(example_24_a_distribution_waits_for_a_mail_box_backup),
		cmocka_unit_test(example_26_the_panel_cannot_be_requested),
		cmocka_unit_test(
			example_27_a_child_does_not_wait_behind_those_who_wait_for_its_hold),
		cmocka_unit_test(example_28_sync_only_seen_is_judged_as_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
