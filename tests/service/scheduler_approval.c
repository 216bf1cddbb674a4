// SPDX-License-Identifier: Apache-2.0
/* What waits for a person, and what need not: lists that have grown (FL-24), firings of a schedule
 * (FL-27), approvals that do not come (CN-8104). */
#include "tests/service/scheduler_plan.h"

static const char *const quick[] = {"--tick_ms=50", "--backoff_ms=10", "--backoff_max_ms=20",
	"--defer_ms=50", "--lease_ms=2000", "--approval_ms=600000", NULL};
static const char *const impatient[] = {
	"--tick_ms=50", "--lease_ms=2000", "--approval_ms=300", NULL};

static char run[UUID_TEXT];

static void start_as(const char *task)
{
	(void)snprintf(run, sizeof(run), "%s", start(task));
}

static json_t *apply(const char *rest)
{
	json_t *j = ask("run_get", "{'id': '%s'}", run);
	json_t *k =
		ask("run_apply", "{'id': '%s', 'hash': '%s'%s}", run, at(j, "run.plan_hash"), rest);

	json_decref(j);
	return k;
}

static void grow(const char *members)
{
	json_decref(ask("group_change_members", "{'ref': 'G', 'add_devices': [%s]}", members));
}

static void all_unchanged(const char *const *devices)
{
	take();
	for (size_t i = 0; devices[i] != NULL; i++)
		(void)report_plan(devices[i], (uint8_t)i, 0, "");
}

static void a_list_that_grows(void)
{
	json_decref(ask("group_create", "{'group': {'name': 'G', 'kind': 'static'}}"));
	for (int i = 1; i <= 7; i++) {
		char name[8];
		(void)snprintf(name, sizeof(name), "g%d", i);
		enrol(name, "canon_rui", "");
	}
	grow("'g1'");
	json_decref(ask("task_create",
		"{'task': {'name': 'grow', 'kind': 'ab.restore', 'targets': {'groups': ['G']},"
		" 'settings': {'source': '%s'}, 'retry': {'max_growth': 1}}}",
		source));
	start_as("grow");
	all_unchanged((const char *const[]){"g1", NULL});
	ok(run_becomes(run, "succeeded"), "nothing to change anywhere: the plan's run ends");
	grow("'g2', 'g3'");
	start_as("grow");
	json_t *j = ask("run_get", "{'id': '%s'}", run);
	ok(is(j, "run.state", "awaiting_approval") && is(j, "run.state_cause", "growth") &&
			is(j, "run.counts.waiting", "3") && is(j, "run.added", "2"),
		"a list that has grown by more than allowed waits (FL-24)");
	json_decref(j);
	j = claim(10);
	ok(json_array_size(json_object_get(j, "jobs")) == 0, "before any device is contacted");
	json_decref(j);
	j = ask("run_apply", "{'id': '%s', 'hash': '%s'}", run, hash_of(1));
	ok(is(j, "fault.code", "8103"), "what is approved is the list");
	json_decref(j);
	j = apply("");
	ok(is(j, "run.id", run) && is(j, "run.state", "running") && is(j, "run.counts.ready", "3"),
		"approved, the run goes on");
	json_decref(j);
	all_unchanged((const char *const[]){"g1", "g2", "g3", NULL});
	ok(run_becomes(run, "succeeded"), "to its end");
	grow("'g4'");
	start_as("grow");
	ok(strcmp(sql("select count(*) from sched.ready"), "4") == 0,
		"growth within the limit is nobody's business");
	json_decref(ask("run_cancel", "{'id': '%s'}", run));
	ok(run_becomes(run, "cancelled"), "a plan can be cancelled");
	grow("'g5', 'g6'");
	start_as("grow");
	json_decref(ask("run_cancel", "{'id': '%s'}", run));
	ok(run_becomes(run, "cancelled") &&
			strcmp(sql("select count(*) from sched.job where run = '%s' and state = 15",
				       run),
				"6") == 0 &&
			strcmp(sql("select count(*) from sched.later"), "0") == 0,
		"so can a run that waits because it has grown");
}

static void a_share_of_the_list(void)
{
	json_decref(ask("group_create", "{'group': {'name': 'H', 'kind': 'static'}}"));
	for (int i = 1; i <= 5; i++) {
		char name[8];
		(void)snprintf(name, sizeof(name), "h%d", i);
		enrol(name, "canon_rui", "");
	}
	json_decref(ask("group_change_members", "{'ref': 'H', 'add_devices': ['h1', 'h2']}"));
	json_decref(ask("task_create",
		"{'task': {'name': 'share', 'kind': 'ab.restore', 'targets': {'groups': ['H']},"
		" 'settings': {'source': '%s'}, 'retry': {'max_growth_percent': 50}}}",
		source));
	start_as("share");
	all_unchanged((const char *const[]){"h1", "h2", NULL});
	ok(run_becomes(run, "succeeded"), "a list of two");
	json_decref(ask("group_change_members", "{'ref': 'H', 'add_devices': ['h3']}"));
	start_as("share");
	all_unchanged((const char *const[]){"h1", "h2", "h3", NULL});
	ok(run_becomes(run, "succeeded"), "may grow by half of it");
	json_decref(ask("group_change_members", "{'ref': 'H', 'add_devices': ['h4', 'h5']}"));
	json_decref(ask("window_create",
		"{'window': {'name': 'in six hours', 'groups': ['H'], 'open': [{'start': '%s',"
		" 'end': '%s'}]}}",
		sql("select to_char(clock_timestamp() at time zone 'UTC' + interval '6 hours',"
		    " 'HH24:MI')"),
		sql("select to_char(clock_timestamp() at time zone 'UTC' + interval '7 hours',"
		    " 'HH24:MI')")));
	start_as("share");
	json_t *j = ask("run_get", "{'id': '%s'}", run);
	ok(is(j, "run.state", "awaiting_approval") && is(j, "run.state_cause", "growth"),
		"two more of three are more than half (FL-24)");
	json_decref(j);
	j = apply(", 'override_windows': true");
	ok(is(j, "run.counts.ready", "5"), "approved over the windows, it waits for none (FL-40)");
	json_decref(j);
	json_decref(ask("window_delete", "{'ref': 'in six hours'}"));
	json_decref(ask("run_cancel", "{'id': '%s'}", run));
	ok(run_becomes(run, "cancelled"), "it can be cancelled still");
}

/* The newest run of a task that the planner made. */
static bool fired(const char *task)
{
	static char before[UUID_TEXT];

	if (!becomes("t",
		    "select count(*) > 0 and max(id::text) > '%s' from sched.run where task_name ="
		    " '%s' and cause = 'schedule' and state = 3",
		    before, task))
		return false;
	(void)snprintf(run, sizeof(run), "%s",
		sql("select max(id::text) from sched.run where task_name = '%s' and cause ="
		    " 'schedule'",
			task));
	(void)snprintf(before, sizeof(before), "%s", run);
	take();
	return true;
}

static void fire(const char *task)
{
	static int n;

	(void)sql("update sched.task set next_at = clock_timestamp(), next_local = 'test %d' where"
		  " name = '%s'",
		++n, task);
}

static void finish_applied(const char *device)
{
	take();
	(void)report(device, "succeeded", ", 'step': 'verified'");
}

static void a_schedule(void)
{
	enrol("s1", "canon_rui", "");
	restore_task("s", "'s1'", ", 'schedule': {'form': 'immediate'}");
	ok(fired("s") && report_plan("s1", 1, 2, "'losses'") &&
			run_becomes(run, "awaiting_approval"),
		"a firing makes a plan");
	ok(strcmp(sql("select state_cause from sched.run where id = '%s'", run), "approval") == 0,
		"that nobody has seen before");
	json_t *j = apply(", 'accept': ['losses'], 'always': true");
	ok(is(j, "run.phase", "apply"), "a person approves it for later firings, too");
	json_decref(j);
	finish_applied("s1");
	j = ask("task_get", "{'ref': 's'}");
	ok(is(j, "task.approved", run), "the task says which plan that is");
	json_decref(j);
	fire("s");
	ok(fired("s") && report_plan("s1", 1, 2, "'losses'") && run_becomes(run, "succeeded"),
		"the next firing finds the same");
	ok(becomes("1",
		   "select count(*) from sched.run a join sched.run p on p.applied_by = a.id where"
		   " p.id = '%s' and a.phase = 2 and a.state = 3 and a.plan = p.id",
		   run),
		"and is applied by itself");
	j = claim(10);
	ok(is(j, "jobs.0.phase", "apply") && is(j, "jobs.0.accept.0", "losses"),
		"with what was accepted then");
	json_decref(j);
	(void)report("s1", "succeeded", ", 'step': 'verified'");
	fire("s");
	ok(fired("s") && report_plan("s1", 2, 2, "") && run_becomes(run, "awaiting_approval") &&
			strcmp(sql("select state_cause from sched.run where id = '%s'", run),
				"plan_stale") == 0,
		"another plan than approved waits as stale (CN-8103)");
	json_decref(ask("run_cancel", "{'id': '%s'}", run));
	ok(run_becomes(run, "cancelled"), "and may be cancelled");
	fire("s");
	ok(fired("s") && report_plan("s1", 0, 0, "") && run_becomes(run, "succeeded"),
		"nothing to change: nobody is asked");
}

static void approval_expires(void)
{
	scheduler_kill(0);
	client.n = 0;
	(void)scheduler_start_one(impatient);
	restore_task("e", "'g7'", "");
	start_as("e");
	take();
	ok(report_plan("g7", 1, 1, "") && run_becomes(run, "expired"),
		"an approval that does not come in time expires");
	json_t *j = apply("");
	ok(is(j, "fault.code", "8104"), "then it is too late (CN-8104)");
	json_decref(j);
	grow("'g5', 'g6'");
	json_decref(ask("group_change_members", "{'ref': 'G', 'remove_devices': []}"));
	(void)sql("update sched.task set last_run = (select id from sched.run where task_name ="
		  " 'grow' order by id limit 1) where name = 'grow'");
	start_as("grow");
	ok(run_becomes(run, "expired") &&
			becomes("6",
				"select count(*) from sched.job where run = '%s' and state = 14"
				" and cause = 8104",
				run) &&
			strcmp(sql("select count(*) from sched.later"), "0") == 0,
		"so does that of a list that has grown, with all its jobs");
}

int main(void)
{
	client_open();
	(void)scheduler_start_one(quick);
	client_connect(1);
	a_list_that_grows();
	a_share_of_the_list();
	a_schedule();
	approval_expires();
	client_close();
	return finish_tests();
}
