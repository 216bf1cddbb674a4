// SPDX-License-Identifier: Apache-2.0
/* Plans, grades and verdicts of jobs (fleet.md sections 1.3, 6 to 8; locks.md section 4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gen/errors.h"
#include "services/worker/adapters/adapter.h"
#include "services/worker/plan.h"
#include "services/worker/verdict.h"

/* ---- plans ---- */

static const char *of_family = "canon_rui";
static const char *const *items;
static size_t n_items;

static int plan_for(const char *kind, enum device_type type, const char *const *lists, size_t n,
	struct plan *p, struct fault *f)
{
	static struct arena a;
	struct m_device d = {.family = of_family, .type = type};
	struct m_task_settings s = {
		.lists = lists, .lists_n = n, .items = items, .items_n = n_items};
	struct m_job_work job = {.kind = kind, .device = &d, .settings = &s};
	int r;

	arena_reset(&a);
	*f = FAULT_INIT;
	r = plan_make(&job, &a, p, f);
	return r;
}

static void type_i_is_an_individual_export_of_its_lists(void **state unused)
{
	struct plan p;
	struct fault f;

	assert_int_equal(
		plan_for("ab.backup", DEVICE_TYPE_I, (const char *[]){"all"}, 1, &p, &f), 0);
	assert_string_equal(p.op, "indiv_ie");
	assert_string_equal(p.lock_items[0], "indiv_address_book");
	assert_string_equal(p.format, "canon_abk");
	assert_int_equal(p.n_items, 11);
	assert_string_equal(p.items[10], "one_touch");
	assert_int_equal(p.version_kind, VERSION_KIND_ADDRESS_BOOK);
}

static void types_ii_and_iii_are_a_batch_export(void **state unused)
{
	struct plan p;
	struct fault f;

	assert_int_equal(plan_for("ab.backup", DEVICE_TYPE_II, NULL, 0, &p, &f), 0);
	assert_string_equal(p.op, "batch_ie");
	assert_string_equal(p.lock_items[0], "address_book");
	assert_string_equal(p.format, "opaque");
	assert_int_equal(p.n_items, 2);
}

static void chosen_lists_are_read_in_the_devices_order(void **state unused)
{
	static const char *const lists[] = {"one_touch", "coded_dial", "list_2"};
	struct plan p;
	struct fault f;

	assert_int_equal(plan_for("ab.backup", DEVICE_TYPE_I, lists, 3, &p, &f), 0);
	assert_int_equal(p.n_items, 2);
	assert_string_equal(p.items[0], "list_2");
	assert_string_equal(p.items[1], "one_touch");
}

static void lists_that_do_not_fit_the_type_skip_the_device_fl_44(void **state unused)
{
	static const char *const lists[] = {"list_1"};
	struct plan p;
	struct fault f;

	assert_int_equal(plan_for("ab.backup", DEVICE_TYPE_III, lists, 1, &p, &f), -1);
	assert_int_equal(f.code, CN_NO_MATCHING_LIST);
	assert_int_equal(verdict_of_fault(&f, false).state, JOB_STATE_SKIPPED);
}

static void without_a_list_it_counts_which_type_it_is_fl_7(void **state unused)
{
	struct m_device d = {.family = "canon_rui", .type = DEVICE_TYPE_I};
	struct fault f = FAULT_INIT;

	assert_int_equal(plan_no_list(&d, &f), -1);
	assert_int_equal(f.code, CN_NO_MATCHING_LIST);
	d.type = DEVICE_TYPE_NONE;
	assert_int_equal(plan_no_list(&d, &f), -1);
	assert_int_equal(f.code, CN_CAPABILITY_UNKNOWN);
	assert_string_equal(f.reason, "type_unknown");
	d.family = "konica_openapi";
	assert_int_equal(plan_no_list(&d, &f), -1);
	assert_int_equal(f.code, CN_NO_MATCHING_LIST);
}

static void a_probe_takes_no_lock_and_stores_nothing(void **state unused)
{
	struct plan p;
	struct fault f;

	assert_int_equal(plan_for("device.probe", DEVICE_TYPE_I, NULL, 0, &p, &f), 0);
	assert_null(p.op);
	assert_null(p.format);
}

static void settings_have_a_lock_item_of_their_own(void **state unused)
{
	struct plan p;
	struct fault f;

	of_family = "ipp";
	assert_int_equal(plan_for("settings.backup", DEVICE_TYPE_NONE, NULL, 0, &p, &f), 0);
	assert_string_equal(p.lock_items[0], "indiv_device_settings");
	assert_string_equal(p.format, "ipp_attributes");
	assert_string_equal(p.items[0], "settings");
	of_family = "canon_rui";
}

static void items_of_settings_are_read_and_locked_as_the_task_names_them(void **state unused)
{
	static const char *const batch[] = {"home", "box"},
				 *const mixed[] = {"home", "indiv_paper_info"},
				 *const book[] = {"indiv_address_book"},
				 *const personal[] = {"indiv_ab_personal"};
	struct plan p;
	struct fault f;

	assert_int_equal(plan_for("settings.backup", DEVICE_TYPE_I, NULL, 0, &p, &f), 0);
	assert_string_equal(p.op, "indiv_ie");
	assert_string_equal(p.items[0], "indiv_device_settings");
	assert_string_equal(p.format, "opaque");
	items = batch;
	n_items = 2;
	assert_int_equal(plan_for("settings.backup", DEVICE_TYPE_I, NULL, 0, &p, &f), 0);
	assert_string_equal(p.op, "batch_ie");
	assert_int_equal(p.n_lock_items, 2);
	assert_string_equal(p.lock_items[1], "box");
	items = mixed;
	assert_int_equal(plan_for("settings.backup", DEVICE_TYPE_I, NULL, 0, &p, &f), -1);
	assert_string_equal(f.reason, "items");
	items = book; /* the lists have kinds of their own: ab.… */
	n_items = 1;
	assert_int_equal(plan_for("settings.backup", DEVICE_TYPE_I, NULL, 0, &p, &f), -1);
	assert_string_equal(f.reason, "items");
	items = personal;
	assert_int_equal(plan_for("settings.backup", DEVICE_TYPE_I, NULL, 0, &p, &f), -1);
	assert_int_equal(f.code, CN_UNSUPPORTED_OPERATION);
	assert_string_equal(f.reason, "not_reachable");
	items = NULL;
	n_items = 0;
	assert_int_equal(plan_for("settings.backup", DEVICE_TYPE_II, NULL, 0, &p, &f), -1);
	assert_int_equal(f.code, CN_UNSUPPORTED_OPERATION);
}

/* ---- grades ---- */

static int allows(const char *family, const char *kind, struct m_device d, struct fault *f)
{
	*f = FAULT_INIT;
	d.family = family;
	return adapter_allows(adapter_find(family), &d, kind, f);
}

static void grades_enforced_fl_12(void **state unused)
{
	struct m_device real = {.type = DEVICE_TYPE_I}, two = {.type = DEVICE_TYPE_II};
	struct m_device unproven = {.type = DEVICE_TYPE_II, .allow_unproven = true};
	struct m_device pretend = {.type = DEVICE_TYPE_II, .simulated = true};
	struct fault f;

	assert_int_equal(allows("canon_rui", "ab.backup", real, &f), 0);
	assert_int_equal(allows("canon_rui", "ab.backup", two, &f), -1);
	assert_int_equal(f.code, CN_CAPABILITY_UNPROVEN);
	/* not even the operator can enable what nobody knows */
	assert_int_equal(allows("canon_rui", "ab.backup", unproven, &f), -1);
	assert_string_equal(f.reason, "simulated_only");
	assert_int_equal(allows("canon_rui", "ab.backup", pretend, &f), 0);
	assert_int_equal(allows("canon_rui", "device.probe", two, &f), 0);
}

static void what_a_family_cannot_do_is_unsupported_never_failed_fl_56(void **state unused)
{
	struct m_device d = {.type = DEVICE_TYPE_NONE};
	struct fault f;

	assert_null(adapter_find("toaster"));
	assert_int_equal(allows("ipp", "ab.backup", d, &f), -1);
	assert_int_equal(f.code, CN_UNSUPPORTED_DEVICE);
	assert_int_equal(allows("snmp", "settings.backup", d, &f), -1);
	assert_int_equal(f.code, CN_UNSUPPORTED_OPERATION);
	assert_int_equal(verdict_of_fault(&f, false).state, JOB_STATE_SKIPPED);
}

/* ---- verdicts ---- */

static enum job_state state_for(int code, bool storing)
{
	struct fault f = FAULT_INIT;

	fault_set(&f, code, "x");
	return verdict_of_fault(&f, storing).state;
}

static void busy_failed_and_auth_are_never_mapped_onto_each_other_fl_58(void **state unused)
{
	assert_int_equal(state_for(CN_DEVICE_BUSY, false), JOB_STATE_DEFERRED);
	assert_int_equal(state_for(CN_DEVICE_LOCKED, false), JOB_STATE_DEFERRED);
	assert_int_equal(state_for(CN_AUTH_REFUSED, false), JOB_STATE_FAILED);
	assert_int_equal(state_for(CN_AUTH_LOCKED, false), JOB_STATE_DEFERRED);
	assert_int_equal(state_for(CN_RECEIVE_RESTRICTED, false), JOB_STATE_FAILED);
	assert_int_equal(state_for(CN_UNREACHABLE, false), JOB_STATE_RETRY);
	assert_int_equal(state_for(CN_PARSE_ERROR, false), JOB_STATE_FAILED);
	assert_int_equal(state_for(CN_IDENTITY_MISMATCH, false), JOB_STATE_FAILED);
	assert_int_equal(state_for(CN_CANCELLED_BY_USER, false), JOB_STATE_CANCELLED);
}

static void a_job_that_stores_is_neither_skipped_nor_cancelled(void **state unused)
{
	assert_int_equal(state_for(CN_STORE_UNAVAILABLE, true), JOB_STATE_RETRY);
	assert_int_equal(state_for(CN_STORE_FULL, true), JOB_STATE_FAILED);
	assert_int_equal(state_for(CN_CANCELLED_BY_USER, true), JOB_STATE_RETRY);
	assert_int_equal(state_for(CN_UNSUPPORTED_DEVICE, true), JOB_STATE_FAILED);
}

static void an_unknown_code_is_an_internal_error_and_is_tried_again(void **state unused)
{
	struct fault f = FAULT_INIT;

	fault_set(&f, 77, "x");
	assert_int_equal(verdict_of_fault(&f, false).state, JOB_STATE_RETRY);
	assert_int_equal(verdict_of_fault(&f, false).fault.code, CN_INTERNAL_ERROR);
}

static struct verdict locked_by(enum lock_kind kind, enum lock_state state)
{
	struct m_blocker b = {
		.kind = kind, .state = state, .op = "send", .text = "a send job runs"};
	struct m_lock_answer a = {
		.answer = LOCK_RESULT_BUSY, .blockers = &b, .blockers_n = 1, .retry_ms = 500};

	return verdict_of_lock(&a);
}

static void a_denied_lock_defers_and_says_who_stands_in_the_way(void **state unused)
{
	struct verdict v = locked_by(LOCK_KIND_SHADOW, LOCK_STATE_LIVE);

	assert_int_equal(v.state, JOB_STATE_DEFERRED);
	assert_int_equal(v.fault.code, CN_DEVICE_BUSY);
	assert_string_equal(v.fault.reason, "send");
	assert_int_equal(v.retry_ms, 500);
	v = locked_by(LOCK_KIND_OWN, LOCK_STATE_LIVE);
	assert_int_equal(v.fault.code, CN_MATRIX_CONFLICT);
	v = locked_by(LOCK_KIND_OWN, LOCK_STATE_QUARANTINE);
	assert_int_equal(v.fault.code, CN_QUARANTINE);
	assert_int_equal(v.state, JOB_STATE_DEFERRED);
}

static void a_refused_lock_fails_with_its_word_synced_items_skip(void **state unused)
{
	struct m_lock_answer a = {.answer = LOCK_RESULT_REFUSED, .reason = "unknown_device"};
	struct verdict v = verdict_of_lock(&a);

	assert_int_equal(v.state, JOB_STATE_FAILED);
	assert_int_equal(v.fault.code, CN_LOCK_REFUSED);
	assert_string_equal(v.fault.reason, "unknown_device");
	a.reason = "items_synced";
	assert_int_equal(verdict_of_lock(&a).state, JOB_STATE_SKIPPED);
	a.answer = LOCK_RESULT_LOST;
	assert_int_equal(verdict_of_lock(&a).fault.code, CN_LEASE_LOST);
}

static const char *not_granted(struct m_grant *grants, size_t n)
{
	static struct fault f;
	static const char *const planned[] = {"address_book", "paper_info"};
	const struct plan p = {.op = "batch_ie", .lock_items = planned, .n_lock_items = 2};
	const struct m_lock_answer a = {
		.answer = LOCK_RESULT_GRANTED, .grants = grants, .grants_n = n};

	f = FAULT_INIT;
	if (plan_granted(&p, &(struct uuid){.b = {7}}, &a, &f) == 0)
		return NULL;
	assert_int_equal(f.code, CN_LOCK_REFUSED);
	return f.reason;
}

static void a_grant_is_for_this_device_and_for_every_item_planned(void **state unused)
{
	const char *const more[] = {"paper_info", "favorites", "address_book"};
	const char *const others[] = {"address_book", "favorites"};
	struct m_grant g[2] = {{.device = {.b = {7}}, .items = more, .items_n = 3}};

	g[1] = g[0];
	assert_null(not_granted(g, 1));
	assert_string_equal(not_granted(g, 0), "other_device");
	assert_string_equal(not_granted(g, 2), "other_device");
	g[0].items_n = 2;
	assert_string_equal(not_granted(g, 1), "items_refused");
	g[0].items_n = 0;
	assert_string_equal(not_granted(g, 1), "items_refused");
	g[0].items = others;
	g[0].items_n = 2;
	assert_string_equal(not_granted(g, 1), "items_refused");
	g[1].device.b[0] = 8;
	assert_string_equal(not_granted(&g[1], 1), "other_device");
}

static void what_the_bus_says_means_that_storage_is_not_there(void **state unused)
{
	struct fault f = FAULT_INIT;

	fault_why(&f, CN_INTERNAL_ERROR, "unknown", "no answer");
	assert_int_equal(verdict_storage_fault(&f).code, CN_STORE_UNAVAILABLE);
	fault_set(&f, CN_STORE_FULL, "full");
	f.reason[0] = 0;
	assert_int_equal(verdict_storage_fault(&f).code, CN_STORE_FULL);
	fault_set(&f, CN_IDENTITY_MISMATCH, "serial");
	assert_int_equal(verdict_storage_fault(&f).code, CN_IDENTITY_MISMATCH);
}

static void storage_that_is_not_there_defers_the_job_rl_60(void **state unused)
{
	static const char *const away[] = {"starting", "busy", "database"};
	struct fault f = FAULT_INIT;

	fault_why(&f, CN_INTERNAL_ERROR, "unknown", "connection lost");
	f = verdict_storage_fault(&f);
	assert_int_equal(verdict_of_fault(&f, false).state, JOB_STATE_DEFERRED);
	assert_int_equal(verdict_of_fault(&f, true).state, JOB_STATE_DEFERRED);
	fault_why(&f, CN_STORE_UNAVAILABLE, "unknown", "catalogue: connection lost");
	f = verdict_storage_fault(&f);
	assert_int_equal(verdict_of_fault(&f, true).state, JOB_STATE_DEFERRED);
	fault_why(&f, CN_NOT_FOUND, "stream", "no such stream here");
	f = verdict_storage_fault(&f);
	assert_int_equal(verdict_of_fault(&f, false).state, JOB_STATE_DEFERRED);
	for (size_t i = 0; i < array_len(away); i++) {
		fault_why(&f, CN_STORE_UNAVAILABLE, away[i], "x");
		f = verdict_storage_fault(&f);
		assert_int_equal(verdict_of_fault(&f, false).state, JOB_STATE_DEFERRED);
	}
	fault_why(&f, CN_STORE_UNAVAILABLE, "fsync_failed", "x");
	assert_int_equal(verdict_of_fault(&f, false).state, JOB_STATE_RETRY);
	fault_why(&f, CN_VALIDATION_FAILED, "item", "bad item name");
	f = verdict_storage_fault(&f);
	assert_int_equal(f.code, CN_STORE_UNAVAILABLE);
	assert_int_equal(verdict_of_fault(&f, false).state, JOB_STATE_RETRY);
}

/* "same", "other by …" or "unknown" */
static const char *compared(struct m_device known, struct identity seen)
{
	static char text[40];
	struct fault f = FAULT_INIT;
	bool by;

	if (verdict_identity(&known, &seen, &by, &f) == 0)
		return by ? "same" : "unknown";
	assert_int_equal(f.code, CN_IDENTITY_MISMATCH);
	(void)snprintf(text, sizeof(text), "other by %.20s", f.reason);
	return text;
}

static void a_device_is_known_by_serial_else_uuid_else_mac_fl_1(void **state unused)
{
	struct m_device all = {.serial = "ABC1", .device_uuid = "u1", .mac = "00:1E:8f:00:00:01"};
	struct m_device uuid = {.device_uuid = "urn:uuid:U1", .mac = "00:1E:8f:00:00:01"};
	struct m_device mac = {.serial = "", .mac = "00-1e-8F-00-00-01"};

	assert_string_equal(compared(all, (struct identity){"abc1", "other", NULL}), "same");
	assert_string_equal(
		compared(all, (struct identity){"ABC2", "u1", NULL}), "other by serial");
	assert_string_equal(compared(all, (struct identity){"", "u2", NULL}), "other by uuid");
	assert_string_equal(compared(uuid, (struct identity){"S2", "u2", NULL}), "other by uuid");
	assert_string_equal(compared(uuid, (struct identity){"S2", "u1", NULL}), "same");
	assert_string_equal(
		compared(uuid, (struct identity){"S2", NULL, "001e8f000002"}), "other by mac");
	assert_string_equal(compared(mac, (struct identity){"S2", "u2", "001e8f000001"}), "same");
	assert_string_equal(compared(mac, (struct identity){"S2", "u2", NULL}), "unknown");
	assert_string_equal(compared(all, (struct identity){NULL, NULL, NULL}), "unknown");
	assert_string_equal(
		compared((struct m_device){.name = "new"}, (struct identity){"S", "u", "0"}),
		"unknown");
}

static bool may_change(const char *const *with_plan, const char *const *by_task)
{
	struct m_task_settings t = {.accept = by_task, .accept_n = by_task != NULL};
	struct m_job_work job = {
		.accept = with_plan, .accept_n = with_plan != NULL, .settings = &t};
	struct fault f = FAULT_INIT;

	if (verdict_may_change(&job, false, &f) == 0)
		return true;
	assert_int_equal(f.code, CN_IDENTITY_UNKNOWN);
	assert_int_equal(verdict_of_fault(&f, false).state, JOB_STATE_FAILED);
	return false;
}

static void who_does_not_say_who_it_is_is_not_changed_unless_accepted_fl_4(void **state unused)
{
	static const char *const identity[] = {"identity"}, *const losses[] = {"losses"};
	struct m_job_work job = {.kind = "ab.restore"};
	struct fault f = FAULT_INIT;

	assert_int_equal(verdict_may_change(&job, true, &f), 0);
	assert_false(may_change(NULL, NULL));
	assert_false(may_change(losses, losses));
	assert_true(may_change(identity, NULL));
	assert_true(may_change(NULL, identity));
}

static void only_who_is_known_or_new_teaches_its_record(void **state unused)
{
	struct m_device known = {.device_uuid = "u1"}, new = {.name = "new"};
	struct m_job_work job = {.device = &known};

	assert_true(verdict_may_learn(&job, true));
	assert_false(verdict_may_learn(&job, false));
	job.device = &new;
	assert_true(verdict_may_learn(&job, false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(type_i_is_an_individual_export_of_its_lists),
		cmocka_unit_test(types_ii_and_iii_are_a_batch_export),
		cmocka_unit_test(chosen_lists_are_read_in_the_devices_order),
		cmocka_unit_test(lists_that_do_not_fit_the_type_skip_the_device_fl_44),
		cmocka_unit_test(without_a_list_it_counts_which_type_it_is_fl_7),
		cmocka_unit_test(a_probe_takes_no_lock_and_stores_nothing),
		cmocka_unit_test(settings_have_a_lock_item_of_their_own),
		cmocka_unit_test(items_of_settings_are_read_and_locked_as_the_task_names_them),
		cmocka_unit_test(grades_enforced_fl_12),
		cmocka_unit_test(what_a_family_cannot_do_is_unsupported_never_failed_fl_56),
		cmocka_unit_test(busy_failed_and_auth_are_never_mapped_onto_each_other_fl_58),
		cmocka_unit_test(a_job_that_stores_is_neither_skipped_nor_cancelled),
		cmocka_unit_test(an_unknown_code_is_an_internal_error_and_is_tried_again),
		cmocka_unit_test(a_denied_lock_defers_and_says_who_stands_in_the_way),
		cmocka_unit_test(a_refused_lock_fails_with_its_word_synced_items_skip),
		cmocka_unit_test(a_grant_is_for_this_device_and_for_every_item_planned),
		cmocka_unit_test(what_the_bus_says_means_that_storage_is_not_there),
		cmocka_unit_test(storage_that_is_not_there_defers_the_job_rl_60),
		cmocka_unit_test(a_device_is_known_by_serial_else_uuid_else_mac_fl_1),
		cmocka_unit_test(who_does_not_say_who_it_is_is_not_changed_unless_accepted_fl_4),
		cmocka_unit_test(only_who_is_known_or_new_teaches_its_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
