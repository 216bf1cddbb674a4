// SPDX-License-Identifier: Apache-2.0
/* Waves and the error budget (docs/spec/fleet.md 3.4), by two schedulers of which one dies. */
#include "tests/service/scheduler_plan.h"

static const char *const quick[] = {"--tick_ms=50", "--backoff_ms=10", "--backoff_max_ms=20",
	"--defer_ms=50", "--lease_ms=5000", NULL};

static char run[UUID_TEXT];

static const char *name_of(int i)
{
	static char name[8];

	(void)snprintf(name, sizeof(name), "w%d", i);
	return name;
}

static void fleet(void)
{
	for (int i = 1; i <= 10; i++)
		enrol(name_of(i), "canon_rui", "");
}

/* Plans a restore of all and applies it; the applied run is `run`. */
static void applied_with(const char *task, const char *retry)
{
	char plan[UUID_TEXT];

	(void)sql("delete from sched.task");
	json_decref(ask("task_create",
		"{'task': {'name': '%s', 'kind': 'ab.restore', 'targets': {'filter': 'name ~"
		" `w*`'}, 'settings': {'source': '%s'}, 'retry': {%s}}}",
		task, source, retry));
	(void)snprintf(plan, sizeof(plan), "%s", start(task));
	take();
	for (int i = 1; i <= 10; i++)
		(void)report_plan(name_of(i), (uint8_t)i, 1, "");
	ok(run_becomes(plan, "awaiting_approval"), task);
	json_t *j = ask("run_get", "{'id': '%s'}", plan);
	json_t *k = ask("run_apply", "{'id': '%s', 'hash': '%s'}", plan, at(j, "run.plan_hash"));
	(void)snprintf(run, sizeof(run), "%s", at(k, "run.id"));
	json_decref(j);
	json_decref(k);
}

static long in_state(int state)
{
	return atol(sql(
		"select count(*) from sched.job_now where run = '%s' and state = %d", run, state));
}

/* Claims what there is and ends it: the first `bad` fail. Returns how many there were. */
static int turn(int bad)
{
	json_t *j = claim(10);
	size_t n = json_array_size(json_object_get(j, "jobs"));

	for (size_t i = 0; i < n; i++) {
		char path[40];
		(void)snprintf(path, sizeof(path), "jobs.%zu.device.name", i);
		(void)report(at(j, path), (int)i < bad ? "failed" : "succeeded",
			(int)i < bad ? ", 'code': 4002" : ", 'step': 'verified'");
	}
	json_decref(j);
	return (int)n;
}

static bool wave_is(int wave, int ready)
{
	return becomes("t",
		"select wave = %d and (select count(*) from sched.job_now where run = r.id and "
		"state ="
		" 2) = %d from sched.run r where id = '%s'",
		wave, ready, run);
}

static void one_after_the_other(void)
{
	applied_with("waves of 1, 30 % and the rest", "'waves': [{'devices': 1}, {'percent': 30}]");
	json_t *j = ask("run_get", "{'id': '%s'}", run);
	ok(is(j, "run.wave", "1") && is(j, "run.waves", "3") && is(j, "run.counts.ready", "1") &&
			is(j, "run.counts.waiting", "9"),
		"the canary goes first, the others wait");
	json_decref(j);
	ok(turn(0) == 1 && wave_is(2, 3), "when it has ended well, the second wave goes");
	j = claim(1);
	(void)report(at(j, "jobs.0.device.name"), "deferred", ", 'code': 2101");
	json_decref(j);
	pause_ms(200);
	ok(turn(0) >= 2, "one of them is busy");
	while (in_state(6) + in_state(2) > 0 && in_state(1) == 6) {
		pause_ms(20);
		(void)turn(0);
	}
	ok(wave_is(3, 6) || in_state(1) == 0, "the rest has waited for it");
	scheduler_kill(1);
	while (turn(0) > 0 || in_state(8) < 10)
		pause_ms(20);
	ok(run_becomes(run, "succeeded"), "the run ends well");
	ok(strcmp(sql("select count(*) from (select job from sched.transition where to_state = 2"
		      " and from_state = 1 group by job having count(*) > 1) x"),
		   "0") == 0,
		"nobody was let go twice");
	client.n = 1;
	(void)scheduler_start_one(quick);
	client.n = 2;
}

static void a_bad_canary(void)
{
	applied_with("waves without a budget", "'waves': [{'devices': 2}]");
	ok(turn(1) == 2 && run_becomes(run, "aborted"),
		"without a budget, one failure in the first wave stops the run");
	ok(strcmp(sql("select count(*) from sched.job_now where run = '%s' and state = 15 and "
		      "cause ="
		      " 8102",
			  run),
		   "8") == 0,
		"the rest is cancelled by the budget (CN-8102)");
	ok(strcmp(sql("select state_cause from sched.run where id = '%s'", run), "budget") == 0,
		"and the run says why");
}

static void a_budget_and_waves(void)
{
	applied_with("waves with a budget of 20 %",
		"'waves': [{'devices': 5}], 'budget_percent': 20, 'budget_min': 8");
	ok(turn(1) == 5 && wave_is(2, 5), "20 % of the first wave failed: not more than allowed");
	ok(turn(0) == 5 && run_becomes(run, "partial"), "the run ends as it does without budgets");
	applied_with("the same budget, two failures",
		"'waves': [{'devices': 5}], 'budget_percent': 20, 'budget_min': 8");
	ok(turn(2) == 5 && run_becomes(run, "aborted"),
		"more than allowed, though the least number has not ended: the wave has");
	ok(in_state(15) == 5, "the rest is cancelled");
}

static void a_budget_alone(void)
{
	applied_with("a budget of 50 % of at least 4", "'budget_percent': 50, 'budget_min': 4");
	json_t *j = claim(10);
	for (int i = 0; i < 3; i++) {
		char path[40];
		(void)snprintf(path, sizeof(path), "jobs.%d.device.name", i);
		(void)report(at(j, path), "failed", ", 'code': 4002");
	}
	pause_ms(400);
	ok(strcmp(sql("select state from sched.run where id = '%s'", run), "3") == 0,
		"three failures of three: too few to judge");
	(void)report(at(j, "jobs.3.device.name"), "failed", ", 'code': 4002");
	ok(becomes("5", "select state from sched.run where id = '%s'", run),
		"the fourth is too many: the run is aborting");
	ok(becomes("6", "select count(*) from sched.active where cancel and run = '%s'", run),
		"workers are told to stop");
	for (int i = 4; i < 9; i++) {
		char path[40];
		(void)snprintf(path, sizeof(path), "jobs.%d.device.name", i);
		(void)report(at(j, path), "retry", ", 'code': 3001");
	}
	ok(strcmp(sql("select count(*) from sched.job_now where run = '%s' and cause = 8102", run),
		   "5") == 0,
		"what would come back is cancelled by the budget");
	(void)report(at(j, "jobs.9.device.name"), "succeeded", ", 'step': 'verified'");
	ok(run_becomes(run, "aborted"), "what a worker finishes is finished");
	json_decref(j);
}

static void skipped_do_not_count(void)
{
	applied_with("a budget and skipped targets", "'budget_percent': 40, 'budget_min': 1");
	json_t *j = claim(10);
	for (int i = 0; i < 10; i++) {
		char path[40];
		(void)snprintf(path, sizeof(path), "jobs.%d.device.name", i);
		(void)report(at(j, path), i < 6 ? "succeeded" : "skipped",
			i < 6 ? ", 'step': 'verified'" : ", 'code': 1002");
	}
	json_decref(j);
	ok(run_becomes(run, "succeeded"), "what is not supported counts in no budget (FL-56)");
}

int main(void)
{
	client_open();
	(void)scheduler_start_one(quick);
	(void)scheduler_start_one(quick);
	client_connect(2);
	fleet();
	one_after_the_other();
	a_bad_canary();
	a_budget_and_waves();
	a_budget_alone();
	skipped_do_not_count();
	client_close();
	return finish_tests();
}
