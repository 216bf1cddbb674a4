// SPDX-License-Identifier: Apache-2.0
/* What becomes of a job: docs/spec/fleet.md 7.2 and 8, reliability.md RL-1..3, RL-11, RL-15..17. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <string.h>

#include "gen/errors.h"
#include "gen/job_states.h"
#include "services/scheduler/job.h"

static const struct job_timers timers = {2000, 600000, 15000};

static struct job running(void)
{
	return (struct job){.state = JOB_STATE_RUNNING,
		.attempt = 3,
		.token = 41,
		.errors_max = 8,
		.crashes_max = 3};
}

static struct m_job_outcome report(enum job_state state, int code)
{
	return (struct m_job_outcome){
		.attempt = 3, .token = 41, .state = state, .code = (uint64_t)code};
}

static struct job_verdict judged(const struct job *j, enum job_state state, int code)
{
	struct m_job_outcome o = report(state, code);
	struct job_verdict v;

	assert_true(job_judge(j, &o, &timers, 12345, &v));
	return v;
}

static void a_stale_attempt_or_token_is_refused(unused void **state)
{
	struct job j = running();
	struct job_verdict v;
	struct m_job_outcome o = report(JOB_STATE_FAILED, CN_REJECTED);

	o.attempt = 2;
	assert_false(job_judge(&j, &o, &timers, 1, &v));
	o = report(JOB_STATE_FAILED, CN_REJECTED);
	o.token = 40;
	assert_false(job_judge(&j, &o, &timers, 1, &v));
}

/* All states × all states: exactly the edges of the table lead out of a held job. */
static void only_edges_of_the_table_are_taken(unused void **state)
{
	for (int from = JOB_STATE_WAITING; from <= JOB_STATE_CANCELLED; from++) {
		for (int to = JOB_STATE_WAITING; to <= JOB_STATE_CANCELLED; to++) {
			struct job j = running();
			struct m_job_outcome o = report((enum job_state)to, 0);
			struct job_verdict v;
			j.state = (enum job_state)from;
			bool taken = job_judge(&j, &o, &timers, 1, &v);
			if (!job_held(j.state) || job_held((enum job_state)to))
				assert_false(taken);
			else if (taken)
				assert_true(job_edge(j.state, v.state));
			else
				assert_false(job_edge(j.state, (enum job_state)to));
		}
	}
}

static void busy_is_never_an_error(unused void **state)
{
	struct job j = running();

	for (int i = 0; i < 1000; i++) {
		struct job_verdict v =
			judged(&j, i % 2 ? JOB_STATE_FAILED : JOB_STATE_RETRY, CN_DEVICE_BUSY);
		assert_int_equal(v.state, JOB_STATE_DEFERRED);
		assert_int_equal(v.errors, 0);
		j.deferrals = v.deferrals;
	}
	assert_int_equal(j.deferrals, 1000);
}

static void unsupported_is_skipped(unused void **state)
{
	static const int codes[] = {CN_UNSUPPORTED_DEVICE, CN_UNSUPPORTED_OPERATION,
		CN_UNSUPPORTED_FIRMWARE, CN_CAPABILITY_UNPROVEN, CN_NO_MATCHING_LIST,
		CN_MANAGED_ELSEWHERE};
	struct job j = running();

	for (size_t i = 0; i < array_len(codes); i++) {
		assert_int_equal(judged(&j, JOB_STATE_FAILED, codes[i]).state, JOB_STATE_SKIPPED);
		assert_int_equal(judged(&j, JOB_STATE_RETRY, codes[i]).state, JOB_STATE_SKIPPED);
	}
}

static void a_refused_password_is_never_retried(unused void **state)
{
	struct job j = running();

	assert_int_equal(judged(&j, JOB_STATE_RETRY, CN_AUTH_REFUSED).state, JOB_STATE_FAILED);
}

static void the_eighth_error_fails(unused void **state)
{
	struct job j = running();

	for (int i = 1; i < 8; i++) {
		struct job_verdict v = judged(&j, JOB_STATE_RETRY, CN_UNREACHABLE);
		assert_int_equal(v.state, JOB_STATE_RETRY);
		assert_int_equal(v.errors, i);
		j.errors = v.errors;
	}
	assert_int_equal(judged(&j, JOB_STATE_RETRY, CN_UNREACHABLE).state, JOB_STATE_FAILED);
}

static void some_causes_are_retried_twice_only(unused void **state)
{
	static const int codes[] = {
		CN_TLS_HANDSHAKE, CN_PROTOCOL_ERROR, CN_INCOMPLETE, CN_STORE_VERIFY_FAILED};

	for (size_t i = 0; i < array_len(codes); i++) {
		struct job j = running();
		for (int k = 0; k < 2; k++) {
			struct job_verdict v = judged(&j, JOB_STATE_RETRY, codes[i]);
			assert_int_equal(v.state, JOB_STATE_RETRY);
			j.errors = v.errors;
		}
		assert_int_equal(judged(&j, JOB_STATE_RETRY, codes[i]).state, JOB_STATE_FAILED);
	}
}

static void an_unknown_capability_is_checked_once_more(unused void **state)
{
	struct job j = running();

	assert_int_equal(judged(&j, JOB_STATE_RETRY, CN_CAPABILITY_UNKNOWN).state, JOB_STATE_RETRY);
	j.errors = 1;
	assert_int_equal(
		judged(&j, JOB_STATE_RETRY, CN_CAPABILITY_UNKNOWN).state, JOB_STATE_SKIPPED);
}

static void backoff_is_full_jitter(unused void **state)
{
	uint64_t top = 0;

	for (uint64_t r = 0; r < 100000; r++) {
		uint64_t wait = job_backoff(2000, 600000, 3, r * 7919);
		assert_true(wait <= 16000);
		top = wait > top ? wait : top;
	}
	assert_true(top > 15900);
	assert_true(job_backoff(2000, 600000, 60, UINT64_MAX) <= 600000);
}

static void a_storing_job_cannot_be_cancelled(unused void **state)
{
	struct job j = running();

	j.cancel = true;
	assert_int_equal(judged(&j, JOB_STATE_RETRY, CN_UNREACHABLE).state, JOB_STATE_CANCELLED);
	j.state = JOB_STATE_STORING;
	assert_int_equal(judged(&j, JOB_STATE_SUCCEEDED, 0).state, JOB_STATE_SUCCEEDED);
	struct job_verdict v = judged(&j, JOB_STATE_RETRY, CN_STORE_UNAVAILABLE);
	assert_int_equal(v.state, JOB_STATE_RETRY); /* no edge; it ends when it comes back */
	assert_int_equal(v.wait_ms, 0);
}

static void storage_that_went_away_is_not_charged_rl_60(unused void **state)
{
	struct job j = running();

	assert_int_equal(
		judged(&j, JOB_STATE_DEFERRED, CN_STORE_UNAVAILABLE).state, JOB_STATE_DEFERRED);
	assert_int_equal(judged(&j, JOB_STATE_DEFERRED, CN_STORE_UNAVAILABLE).errors, 0);
	j.state = JOB_STATE_STORING;
	assert_int_equal(
		judged(&j, JOB_STATE_DEFERRED, CN_STORE_UNAVAILABLE).state, JOB_STATE_RETRY);
	assert_int_equal(judged(&j, JOB_STATE_DEFERRED, CN_STORE_UNAVAILABLE).errors, 0);
}

static void a_known_culprit_is_charged_and_its_neighbours_are_not(unused void **state)
{
	struct job j = running();

	for (int i = 1; i <= 3; i++) {
		struct job_verdict v = job_orphan(&j, JOB_CULPRIT, 200, &timers, 1);
		assert_int_equal(v.crashes, i);
		assert_int_equal(v.state, i < 3 ? JOB_STATE_RETRY : JOB_STATE_DEAD);
		j.crashes = v.crashes;
	}
	j = running();
	struct job_verdict v = job_orphan(&j, JOB_NEIGHBOUR, 200, &timers, 1);
	assert_int_equal(v.crashes + v.errors + v.suspect, 0);
	assert_int_equal(v.wait_ms, 0);
}

static void an_unknown_culprit_is_found_in_five_deaths(unused void **state)
{
	struct job j = running();
	uint64_t width = 4096;
	int deaths = 0;

	while (j.crashes == 0) {
		struct job_verdict v = job_orphan(&j, JOB_SUSPECT, width, &timers, 1);
		j.crashes = v.crashes;
		j.suspect = v.suspect;
		width = v.suspect;
		deaths++;
	}
	assert_int_equal(deaths, 5);
}

/* ---- jobs that write (import-export.md C3, C4) ---- */

static const enum write_step steps[] = {(enum write_step)0, WRITE_STEP_PLANNED,
	WRITE_STEP_PRE_IMAGE, WRITE_STEP_SENT, WRITE_STEP_ANSWERED, WRITE_STEP_VERIFIED,
	WRITE_STEP_REVERTING, WRITE_STEP_REVERTED};

static void a_cancel_cuts_no_write_that_nobody_has_looked_at(unused void **state)
{
	for (size_t i = 0; i < array_len(steps); i++) {
		struct job j = running();
		struct m_job_outcome o = report(JOB_STATE_RETRY, CN_UNREACHABLE);
		struct job_verdict v;
		j.cancel = true;
		j.step = steps[i];
		bool unsettled = steps[i] == WRITE_STEP_SENT || steps[i] == WRITE_STEP_ANSWERED ||
				 steps[i] == WRITE_STEP_REVERTING;
		assert_int_equal(job_unsettled(steps[i]), unsettled);
		assert_true(job_judge(&j, &o, &timers, 1, &v));
		assert_int_equal(v.state, unsettled ? JOB_STATE_RETRY : JOB_STATE_CANCELLED);
		o.step = WRITE_STEP_REVERTED; /* the report knows better than the journal */
		assert_true(job_judge(&j, &o, &timers, 1, &v));
		assert_int_equal(v.state, JOB_STATE_CANCELLED);
	}
}

static void the_budget_cancels_in_its_own_name(unused void **state)
{
	struct job j = running();

	j.cancel = true;
	assert_int_equal(
		judged(&j, JOB_STATE_DEFERRED, CN_DEVICE_BUSY).cause, CN_CANCELLED_BY_USER);
	j.aborting = true;
	assert_int_equal(
		judged(&j, JOB_STATE_DEFERRED, CN_DEVICE_BUSY).cause, CN_CANCELLED_BY_BUDGET);
	assert_int_equal(judged(&j, JOB_STATE_CANCELLED, CN_CANCELLED_BY_USER).cause,
		CN_CANCELLED_BY_BUDGET); /* all that its worker heard is that it ends */
}

static void a_write_is_never_dead_before_somebody_could_look(unused void **state)
{
	struct job j = running();

	j.crashes_max = 1;
	j.step = WRITE_STEP_SENT;
	j.sent_in = j.attempt;
	assert_int_equal(job_orphan(&j, JOB_CULPRIT, 1, &timers, 1).state, JOB_STATE_RETRY);
	j.crashes = 1;
	j.attempt++; /* this one looked, and killed its worker, too */
	assert_int_equal(job_orphan(&j, JOB_CULPRIT, 1, &timers, 1).state, JOB_STATE_DEAD);
	j.attempt--;
	j.step = WRITE_STEP_PRE_IMAGE; /* nothing was written */
	assert_int_equal(job_orphan(&j, JOB_CULPRIT, 1, &timers, 1).state, JOB_STATE_DEAD);
}

/* FL-38: a read that its window cut comes back; a person's cancel is meant. */
static void a_read_cut_by_its_window_comes_back(unused void **state)
{
	struct job j = running();
	struct job_verdict v;

	j.cut = true;
	v = judged(&j, JOB_STATE_CANCELLED, CN_CANCELLED_BY_USER);
	assert_int_equal(v.state, JOB_STATE_DEFERRED);
	assert_int_equal(v.cause, CN_WINDOW_CLOSED);
	assert_int_equal(v.errors, j.errors);
	v = judged(&j, JOB_STATE_FAILED, CN_AUTH_REFUSED);
	assert_int_equal(v.state, JOB_STATE_FAILED);
	j.cancel = true;
	v = judged(&j, JOB_STATE_CANCELLED, CN_CANCELLED_BY_USER);
	assert_int_equal(v.state, JOB_STATE_CANCELLED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_stale_attempt_or_token_is_refused),
		cmocka_unit_test(only_edges_of_the_table_are_taken),
		cmocka_unit_test(busy_is_never_an_error), cmocka_unit_test(unsupported_is_skipped),
		cmocka_unit_test(a_refused_password_is_never_retried),
		cmocka_unit_test(the_eighth_error_fails),
		cmocka_unit_test(some_causes_are_retried_twice_only),
		cmocka_unit_test(an_unknown_capability_is_checked_once_more),
		cmocka_unit_test(backoff_is_full_jitter),
		cmocka_unit_test(a_storing_job_cannot_be_cancelled),
		cmocka_unit_test(storage_that_went_away_is_not_charged_rl_60),
		cmocka_unit_test(a_known_culprit_is_charged_and_its_neighbours_are_not),
		cmocka_unit_test(an_unknown_culprit_is_found_in_five_deaths),
		cmocka_unit_test(a_cancel_cuts_no_write_that_nobody_has_looked_at),
		cmocka_unit_test(the_budget_cancels_in_its_own_name),
		cmocka_unit_test(a_read_cut_by_its_window_comes_back),
		cmocka_unit_test(a_write_is_never_dead_before_somebody_could_look)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
