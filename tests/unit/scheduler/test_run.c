// SPDX-License-Identifier: Apache-2.0
/* How a run goes on and ends: docs/spec/fleet.md 3.4 and 7.1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>

#include "services/scheduler/run.h"

/* ---- waves ---- */

static void check_waves(
	const struct m_wave *waves, size_t n, uint64_t total, const uint64_t *ends, size_t n_ends)
{
	uint64_t got[RUN_WAVES_MAX];

	assert_int_equal(run_waves(waves, n, total, got), n_ends);
	for (size_t i = 0; i < n_ends; i++)
		assert_int_equal(got[i], ends[i]);
}

static void a_canary_a_share_and_the_rest(unused void **state)
{
	static const struct m_wave waves[] = {{.devices = 5}, {.percent = 25}};

	check_waves(waves, 2, 1000, (uint64_t[]){5, 255, 1000}, 3);
	check_waves(waves, 2, 10, (uint64_t[]){5, 8, 10}, 3); /* a quarter of ten: three */
}

static void waves_that_nobody_is_left_for_are_none(unused void **state)
{
	static const struct m_wave waves[] = {{.devices = 5}, {.percent = 25}};

	check_waves(waves, 2, 5, (uint64_t[]){5}, 1);
	check_waves(waves, 2, 3, (uint64_t[]){3}, 1);
	check_waves(waves, 2, 6, (uint64_t[]){5, 6}, 2);
	check_waves(waves, 2, 0, NULL, 0);
	/* held for another reason, a window: one failure must not stop it as a canary would */
	check_waves(NULL, 0, 7, NULL, 0);
}

static void a_share_is_at_least_one_device(unused void **state)
{
	static const struct m_wave waves[] = {{.percent = 1}, {.percent = 100}};

	check_waves(waves, 2, 7, (uint64_t[]){1, 7}, 2);
}

/* Whatever the waves are: each device has its turn once, in order. */
static void every_device_has_its_turn(unused void **state)
{
	for (uint64_t total = 0; total < 300; total++) {
		struct m_wave waves[8];
		uint64_t ends[RUN_WAVES_MAX], last = 0;
		for (size_t i = 0; i < array_len(waves); i++) {
			uint64_t n = (total * 7 + i * 13) % 40;
			waves[i] = i % 2 ? (struct m_wave){.percent = n}
					 : (struct m_wave){.devices = n};
		}
		size_t n = run_waves(waves, total % 9, total, ends);
		for (size_t i = 0; i < n; i++) {
			assert_true(ends[i] > last);
			last = ends[i];
		}
		assert_int_equal(last, total % 9 == 0 ? 0 : total);
	}
}

/* ---- error budget ---- */

static struct m_run_counts counts(
	uint64_t good, uint64_t failed, uint64_t skipped, uint64_t waiting)
{
	struct m_run_counts c = {0};

	run_count_add(&c, JOB_STATE_SUCCEEDED, (int64_t)good);
	run_count_add(&c, JOB_STATE_FAILED, (int64_t)failed);
	run_count_add(&c, JOB_STATE_SKIPPED, (int64_t)skipped);
	run_count_add(&c, JOB_STATE_WAITING, (int64_t)waiting);
	return c;
}

static bool over(uint64_t percent, uint64_t min, uint64_t good, uint64_t failed, uint64_t skipped)
{
	struct run_rules r = {
		.phase = RUN_PHASE_APPLY, .budget_percent = percent, .budget_min = min};
	struct m_run_counts c = counts(good, failed, skipped, 5);

	return run_budget_over(&r, &c, false);
}

static void more_than_the_percentage_is_over(unused void **state)
{
	assert_false(over(10, 1, 90, 10, 0));
	assert_true(over(10, 1, 89, 11, 0));
	assert_true(over(10, 1, 0, 1, 0));
	assert_false(over(100, 1, 0, 50, 0));
	assert_false(over(1, 1, 0, 0, 0));
}

static void skipped_targets_count_in_no_budget(unused void **state)
{
	assert_true(over(10, 1, 8, 1, 1000));
	assert_false(over(10, 1, 9, 1, 0));
	assert_false(over(10, 10, 0, 1, 1000));
}

static void too_few_say_nothing(unused void **state)
{
	assert_false(over(10, 20, 0, 19, 0));
	assert_true(over(10, 20, 0, 20, 0));
}

static void without_a_percentage_nothing_is_over(unused void **state)
{
	assert_false(over(0, 0, 0, 1000, 0));
}

static void dead_and_missed_are_failures_and_cancelled_ones_are_not(unused void **state)
{
	struct run_rules r = {.budget_percent = 50, .budget_min = 1};
	struct m_run_counts c = {0};

	run_count_add(&c, JOB_STATE_CANCELLED, 10);
	assert_false(run_budget_over(&r, &c, true));
	run_count_add(&c, JOB_STATE_DEAD, 6);
	run_count_add(&c, JOB_STATE_MISSED, 5);
	assert_true(run_budget_over(&r, &c, true));
}

/* FL-24 */
static void a_list_grows_by_devices_or_by_a_share(unused void **state)
{
	assert_false(run_grew(&(struct growth){.devices = 0}, 1000, 1));
	assert_false(run_grew(&(struct growth){.devices = 2}, 2, 1));
	assert_true(run_grew(&(struct growth){.devices = 2}, 3, 1000));
	assert_false(run_grew(&(struct growth){.percent = 10}, 10, 100));
	assert_true(run_grew(&(struct growth){.percent = 10}, 11, 100));
	assert_true(run_grew(&(struct growth){.percent = 10}, 1, 9));
	assert_true(run_grew(&(struct growth){.devices = 100, .percent = 10}, 11, 100));
	assert_true(run_grew(&(struct growth){.devices = 5, .percent = 10}, 6, 100));
}

static void the_least_number_does_not_protect_a_wave_that_has_ended(unused void **state)
{
	struct run_rules r = {.phase = RUN_PHASE_APPLY,
		.budget_percent = 20,
		.budget_min = 50,
		.wave = 1,
		.waves = 2};
	struct m_run_counts bad = counts(3, 2, 0, 95), good = counts(4, 1, 0, 95);

	assert_false(run_budget_over(&r, &bad, false));
	assert_true(run_budget_over(&r, &bad, true));
	assert_false(run_budget_over(&r, &good, true));
}

static void waves_without_a_budget_allow_no_failure_in_the_first(unused void **state)
{
	struct run_rules r = {.phase = RUN_PHASE_APPLY, .wave = 1, .waves = 2};
	struct m_run_counts c = counts(9, 1, 0, 5);

	assert_true(run_budget_over(&r, &c, false));
	r.wave = 2;
	assert_false(run_budget_over(&r, &c, true));
}

static void a_plan_has_no_budget(unused void **state)
{
	struct run_rules r = {.phase = RUN_PHASE_PLAN, .budget_percent = 1, .budget_min = 1};
	struct m_run_counts c = counts(0, 10, 0, 0);

	assert_false(run_budget_over(&r, &c, true));
}

static void a_wave_is_idle_when_only_later_ones_wait(unused void **state)
{
	struct run_rules r = {.wave = 1, .waves = 2};
	struct m_run_counts c = counts(5, 0, 0, 5);

	assert_true(run_wave_idle(&r, &c));
	run_count_add(&c, JOB_STATE_DEFERRED, 1);
	assert_false(run_wave_idle(&r, &c));
	run_count_add(&c, JOB_STATE_DEFERRED, -1);
	r.wave = 2;
	assert_false(run_wave_idle(&r, &c));
}

/* ---- ends ---- */

static enum run_state ended(enum run_state now, uint64_t good, uint64_t failed, uint64_t skipped)
{
	struct m_run_counts c = counts(good, failed, skipped, 0);

	return run_end(now, &c);
}

static void a_run_ends_as_its_jobs_did(unused void **state)
{
	assert_int_equal(ended(RUN_STATE_RUNNING, 0, 0, 0), RUN_STATE_EMPTY);
	/* before it had a list */
	assert_int_equal(ended(RUN_STATE_CANCELLING, 0, 0, 0), RUN_STATE_CANCELLED);
	assert_int_equal(ended(RUN_STATE_RUNNING, 1, 0, 3), RUN_STATE_SUCCEEDED);
	assert_int_equal(ended(RUN_STATE_RUNNING, 0, 0, 3), RUN_STATE_SUCCEEDED_NONE);
	assert_int_equal(ended(RUN_STATE_RUNNING, 1, 1, 0), RUN_STATE_PARTIAL);
	assert_int_equal(ended(RUN_STATE_RUNNING, 0, 1, 1), RUN_STATE_FAILED);
	assert_int_equal(ended(RUN_STATE_ABORTING, 1, 1, 0), RUN_STATE_ABORTED);
	assert_int_equal(ended(RUN_STATE_CANCELLING, 1, 1, 0), RUN_STATE_CANCELLED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_canary_a_share_and_the_rest),
		cmocka_unit_test(waves_that_nobody_is_left_for_are_none),
		cmocka_unit_test(a_share_is_at_least_one_device),
		cmocka_unit_test(every_device_has_its_turn),
		cmocka_unit_test(more_than_the_percentage_is_over),
		cmocka_unit_test(skipped_targets_count_in_no_budget),
		cmocka_unit_test(too_few_say_nothing),
		cmocka_unit_test(without_a_percentage_nothing_is_over),
		cmocka_unit_test(dead_and_missed_are_failures_and_cancelled_ones_are_not),
		cmocka_unit_test(a_list_grows_by_devices_or_by_a_share),
		cmocka_unit_test(the_least_number_does_not_protect_a_wave_that_has_ended),
		cmocka_unit_test(waves_without_a_budget_allow_no_failure_in_the_first),
		cmocka_unit_test(a_plan_has_no_budget),
		cmocka_unit_test(a_wave_is_idle_when_only_later_ones_wait),
		cmocka_unit_test(a_run_ends_as_its_jobs_did),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
