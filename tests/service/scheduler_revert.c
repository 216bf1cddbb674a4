// SPDX-License-Identifier: Apache-2.0
/* Commit-confirmed and reverts (AB-35), and writes whose workers die (import-export.md C3, C4). */
#include "tests/service/scheduler_plan.h"

static const char *const quick[] = {"--tick_ms=50", "--backoff_ms=10", "--backoff_max_ms=20",
	"--defer_ms=50", "--lease_ms=1500", NULL};

static char applied[UUID_TEXT];
static int token = 100;

/* Plans and applies a restore of these devices ("p1 p2"). */
static void apply(const char *task, const char *devices, const char *settings, const char *retry)
{
	char plan[UUID_TEXT], list[200] = "", copy[200], *save = NULL;

	(void)snprintf(copy, sizeof(copy), "%s", devices);
	for (char *p = strtok_r(copy, " ", &save); p != NULL; p = strtok_r(NULL, " ", &save))
		(void)snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s'%s'",
			*list == '\0' ? "" : ", ", p);
	json_decref(ask("task_create",
		"{'task': {'name': '%s', 'kind': 'ab.restore', 'targets': {'devices': [%s]},"
		" 'settings': {'source': '%s'%s}, 'retry': {%s}}}",
		task, list, source, settings, retry));
	(void)snprintf(plan, sizeof(plan), "%s", start(task));
	take();
	(void)snprintf(copy, sizeof(copy), "%s", devices);
	for (char *p = strtok_r(copy, " ", &save); p != NULL; p = strtok_r(NULL, " ", &save))
		(void)report_plan(p, 1, 1, "");
	if (!run_becomes(plan, "awaiting_approval"))
		ok(false, task);
	json_t *j = ask("run_get", "{'id': '%s'}", plan);
	json_t *k = ask("run_apply", "{'id': '%s', 'hash': '%s', 'accept': ['identity']}", plan,
		at(j, "run.plan_hash"));
	(void)snprintf(applied, sizeof(applied), "%s", at(k, "run.id"));
	json_decref(j);
	json_decref(k);
}

static bool journal(const char *device, const char *step)
{
	const struct held *h = held_of(device);
	char with[100] = "";

	if (strcmp(step, "pre_image") == 0)
		(void)snprintf(with, sizeof(with), ", 'pre_image': '%s'", image);
	return journal_as(worker, h->job, (int)h->attempt, h->token, step, with);
}

/* A claimed job writes up to this step. */
static void write_to(const char *device, const char *last)
{
	static const char *const steps[] = {"pre_image", "sent", "answered", "verified"};

	lock_and_run(device, ++token);
	for (size_t i = 0; i < array_len(steps); i++) {
		if (!journal(device, steps[i]))
			ok(false, steps[i]);
		if (strcmp(steps[i], last) == 0)
			return;
	}
}

static void write_well(const char *device)
{
	write_to(device, "verified");
	(void)report(device, "succeeded", ", 'step': 'verified'");
}

static const char *reverter(void)
{
	static char id[UUID_TEXT];

	if (!becomes("t", "select count(*) = 1 from sched.run where reverts = '%s' and state >= 3",
		    applied))
		return "";
	(void)snprintf(id, sizeof(id), "%s",
		sql("select id from sched.run where reverts = '%s'", applied));
	return id;
}

static const char in_the_trail[] =
	"select string_agg(x.verb || ' ' || x.n, ', ' order by x.verb) from (select data ->> "
	"'verb' as"
	" verb, count(*) as n from sched.outbox where kind = 'audit.write' group by 1) x";

static void nobody_confirms(void)
{
	apply("unconfirmed", "p1 p2 p3", ", 'confirm_ms': 1500", "");
	take();
	write_well("p1");
	write_to("p2", "verified");
	(void)report("p2", "failed", ", 'code': 4006, 'step': 'reverted'");
	(void)report("p3", "failed", ", 'code': 4002");
	ok(run_becomes(applied, "partial"), "a run that is to be confirmed ends");
	/* whoever owns it may start nothing any more: what was begun is ended all the same (FL-69)
	 */
	(void)sql("insert into gate.person (id, name, role, password) values (sched.uuid7(), 'eve',"
		  " 'viewer', 'x'); update sched.run set snapshot = snapshot || '{\"owner\": "
		  "\"eve\"}' where id = '%s'",
		applied);
	json_t *j = ask("run_get", "{'id': '%s'}", applied);
	ok(*at(j, "run.confirm_until") != '\0' && is(j, "run.confirmed", ""),
		"and says until when (AB-35)");
	json_decref(j);
	scheduler_kill(0);
	scheduler_kill(1);
	pause_ms(1600);
	client.n = 0;
	(void)scheduler_start_one(quick);
	(void)scheduler_start_one(quick);
	const char *run = reverter();
	ok(*run != '\0', "the deadline outlives all schedulers; one run puts the old state back");
	ok(strcmp(sql("select state_cause from sched.run where id = '%s'", applied),
		   "not_confirmed") == 0,
		"the run says why");
	j = claim(10);
	ok(json_array_size(json_object_get(j, "jobs")) == 1 && is(j, "jobs.0.device.name", "p1") &&
			is(j, "jobs.0.phase", "revert") && is(j, "jobs.0.source", image) &&
			is(j, "jobs.0.pre_image", image),
		"only what wrote and was not put back yet, from its pre-image");
	json_decref(j);
	write_well("p1");
	ok(run_becomes(run, "succeeded"), "and ends");
	pause_ms(300);
	ok(strcmp(sql("select count(*) from sched.run where reverts = '%s'", applied), "1") == 0,
		"once");
	ok(strcmp(sql("%s", in_the_trail), "device_revert 1, device_write 2") == 0,
		"each write is one entry for the audit trail, whatever began it (FL-71)");
}

/* B4: a printer that was at work when a restart was needed. */
static void restarted_later(void)
{
	char run[UUID_TEXT];

	apply("later", "p1 p2", ", 'restart_if_needed': true", "'waves': [{'devices': 1}]");
	json_decref(claim(10));
	write_to("p1", "verified");
	(void)report("p1", "succeeded",
		", 'step': 'verified', 'plan': {'restart': true, 'restart_later': true}");
	(void)becomes("1", "select count(*) from sched.ready");
	json_decref(claim(10));
	write_well("p2");
	ok(run_becomes(applied, "succeeded"), "a run whose printer was at work ends");
	bool made = becomes("3", "select min(state) from sched.run where follows = '%s'", applied);
	(void)snprintf(run, sizeof(run), "%s",
		sql("select id from sched.run where follows = '%s'", applied));
	ok(made, "another one is opened, that restarts it (B4)");
	json_t *j = ask("run_get", "{'id': '%s'}", run);
	ok(is(j, "run.kind", "device.restart") && is(j, "run.cause", "restart") &&
			is(j, "run.follows", applied) && is(j, "run.waves", "") &&
			is(j, "run.counts.total", "1"),
		"the history says why, and which run it follows");
	json_decref(j);
	j = claim(10);
	ok(json_array_size(json_object_get(j, "jobs")) == 1 && is(j, "jobs.0.device.name", "p1") &&
			is(j, "jobs.0.kind", "device.restart") && is(j, "jobs.0.phase", "") &&
			is(j, "jobs.0.accept.0", "identity"),
		"only the printer that waits for it, nothing is written, and what was accepted "
		"counts");
	json_decref(j);
	lock_and_run("p1", ++token);
	(void)journal("p1", "sent");
	(void)journal("p1", "sent");
	ok(strcmp(sql("%s", in_the_trail), "device_restart 1, device_revert 1, device_write 4") ==
			0,
		"so is the restart, however often it is said");
	(void)report("p1", "failed", ", 'code': 4006, 'step': 'sent'");
	ok(run_becomes(run, "failed"), "a restart that failed has failed");
	ok(strcmp(sql("select state_cause from fleet.device where name = 'p1'"), "") == 0,
		"and says nothing about what the printer holds");
	j = ask("run_rerun", "{'id': '%s', 'states': ['failed']}", run);
	ok(is(j, "run.kind", "device.restart") && is(j, "run.phase", ""),
		"run again, it restarts again: it does not write");
	json_decref(j);
	json_decref(claim(10));
	lock_and_run("p1", ++token);
	(void)report("p1", "succeeded", ", 'step': 'verified'");
	ok(strcmp(sql("select count(*) from sched.run where follows = '%s'", applied), "1") == 0,
		"one such run for each");
}

/* FL-46: at most one restart for a backup in a run, whoever has the job. */
static void restarted_once(void)
{
	static const char audited[] = "select string_agg(data ->> 'outcome', ' ' order by id) from"
				      " sched.outbox where kind = 'audit.restart'";
	char run[UUID_TEXT];

	json_decref(ask("task_create",
		"{'task': {'name': 'closed', 'kind': 'ab.backup', 'targets': {'devices': ['p1']},"
		" 'settings': {'lists': ['all'], 'password_sealed': 'AAAA', 'restart_if_needed':"
		" true}}}"));
	(void)snprintf(run, sizeof(run), "%s", start("closed"));
	json_t *j = claim(10);
	ok(is(j, "jobs.0.kind", "ab.backup") && strcmp(at(j, "jobs.0.restarted"), "true") != 0,
		"a backup that may restart its printer");
	json_decref(j);
	lock_and_run("p1", ++token);
	struct held *h = held_of("p1");
	ok(journal_as(worker, h->job, 1, h->token, "planned", ", 'restarts': true") &&
			strcmp(sql("%s", audited), "accepted") == 0,
		"the restart is journaled, and in the audit trail, before it is sent");
	ok(becomes("2", "select state from sched.job_now where id = '%s'", h->job),
		"its worker is lost");
	j = claim(10);
	ok(is(j, "jobs.0.attempt", "2") && is(j, "jobs.0.restarted", "true"),
		"the next attempt knows that it was restarted");
	json_decref(j);
	lock_and_run("p1", ++token);
	ok(journal_as(worker, h->job, 2, h->token, "planned", "") &&
			strcmp(sql("%s", audited), "accepted not_done") == 0,
		"one that was not done after all is taken back");
	(void)report("p1", "failed", ", 'code': 2106, 'reason': 'restarted_before'");
	ok(run_becomes(run, "failed"), "and the run ends");
}

static void somebody_confirms(void)
{
	apply("confirmed", "p1", ", 'confirm_ms': 600000", "");
	take();
	write_well("p1");
	(void)run_becomes(applied, "succeeded");
	for (int i = 0; i < 2; i++) {
		json_t *j = ask("run_confirm", "{'id': '%s'}", applied);
		ok(is(j, "run.confirmed", "true") && is(j, "run.confirm_until", ""),
			i == 0 ? "confirmed, it stays" : "said twice, it stays");
		json_decref(j);
	}
	struct uuid request = uuid_v7(clock_wall_ms());
	char text[100], id[UUID_TEXT];
	(void)snprintf(text, sizeof(text), "{'id': '%s'}", applied);
	json_t *j = ask_as("run_revert", text, &request);
	ok(is(j, "run.phase", "revert") && is(j, "run.reverts", applied) &&
			is(j, "run.counts.ready", "1"),
		"a person may put it back all the same");
	(void)snprintf(id, sizeof(id), "%s", at(j, "run.id"));
	json_decref(j);
	j = ask_as("run_revert", text, &request);
	ok(is(j, "run.id", id), "the same request: the same run");
	json_decref(j);
	j = ask("run_revert", "{'id': '%s'}", applied);
	ok(is(j, "fault.reason", "under_way"), "another one while it is under way is refused");
	json_decref(j);
	j = ask("run_confirm", "{'id': '%s'}", applied);
	ok(is(j, "fault.reason", "reverted"), "what is put back cannot be confirmed");
	json_decref(j);
	take();
	lock_and_run("p1", ++token);
	(void)report("p1", "failed", ", 'code': 4002");
	ok(run_becomes(id, "failed"), "a revert that failed");
	j = ask("run_revert", "{'id': '%s'}", applied);
	ok(is(j, "run.counts.ready", "1"), "may be tried again");
	(void)snprintf(id, sizeof(id), "%s", at(j, "run.id"));
	json_decref(j);
	take();
	write_well("p1");
	(void)run_becomes(id, "succeeded");
	j = ask("run_revert", "{'id': '%s'}", applied);
	ok(is(j, "run.state", "empty"), "what is back needs nobody");
	json_decref(j);
}

static void written_since(void)
{
	char first[UUID_TEXT];

	apply("first", "p1 p2", "", "");
	(void)snprintf(first, sizeof(first), "%s", applied);
	take();
	write_well("p1");
	write_well("p2");
	(void)run_becomes(first, "succeeded");
	apply("second", "p2", "", "");
	json_t *j = ask("run_revert", "{'id': '%s'}", applied);
	ok(is(j, "fault.reason", "not_ended"), "a run that writes is not reverted under way");
	json_decref(j);
	take();
	write_well("p2");
	(void)run_becomes(applied, "succeeded");
	j = ask("run_revert", "{'id': '%s'}", first);
	ok(is(j, "run.counts.ready", "1") && is(j, "run.counts.skipped", "1"),
		"a device that another run has written since is left as it is");
	json_decref(j);
	ok(strcmp(sql("select reason from sched.job where state = 11 and device_name = 'p2'"),
		   "written_since") == 0,
		"and says so");
	take();
	write_well("p1");
	j = ask("run_revert", "{'id': '%s'}", source);
	ok(is(j, "fault.code", "8202"), "what is no run cannot be reverted");
	json_decref(j);
}

static bool lost(const char *job, const char *state)
{
	return becomes(state, "select state from sched.job_now where id = '%s'", job);
}

static void a_write_that_kills(void)
{
	char job[UUID_TEXT];

	apply("poison", "p3", "", "'crashes_max': 1");
	take();
	write_to("p3", "sent");
	(void)snprintf(job, sizeof(job), "%s", job_of("p3"));
	ok(lost(job, "2"), "a worker lost while it wrote: never dead without a look (C4)");
	json_t *j = claim(10);
	ok(is(j, "jobs.0.job", job) && is(j, "jobs.0.step", "sent"), "the next one looks");
	json_decref(j);
	ok(lost(job, "13"), "and is lost, too: the job is set aside (RL-16)");
	j = ask("device_get", "{'ref': 'p3'}");
	ok(is(j, "device.state", "enrolled") && is(j, "device.state_cause", "half_written"),
		"its device needs a person; reads stay allowed (C3)");
	json_decref(j);
	char first[UUID_TEXT];
	(void)snprintf(first, sizeof(first), "%s", applied);
	(void)run_becomes(first, "failed");
	apply("next", "p3", "", "");
	take();
	ok(run_becomes(applied, "failed") &&
			strcmp(sql("select cause || ' ' || reason from sched.job where run = '%s'",
				       applied),
				"4006 half_written") == 0,
		"nothing is written over what nobody has looked at");
	j = ask("run_revert", "{'id': '%s'}", first);
	ok(is(j, "run.counts.ready", "1"), "its pre-image can be put back");
	json_decref(j);
	take();
	write_well("p3");
	ok(becomes("f", "select half_written from fleet.device where name = 'p3'"),
		"then it holds a whole book again");
}

/* C5: the device does not come back, retries run out. */
static void a_write_that_ends_unknown(void)
{
	apply("gone", "p2", "", "'errors_max': 1");
	take();
	write_to("p2", "sent");
	(void)report("p2", "retry", ", 'code': 3001, 'step': 'sent'");
	ok(run_becomes(applied, "failed") &&
			strcmp(sql("select half_written from fleet.device where name = 'p2'"),
				"t") == 0,
		"a device that does not come back is half written until proven");
	json_decref(ask("device_set_state", "{'ref': 'p2', 'state': 'enrolled'}"));
	ok(strcmp(sql("select half_written from fleet.device where name = 'p2'"), "f") == 0,
		"a person who has looked at it resumes it");
}

static bool says(const char *device, const char *state, const char *cause)
{
	json_t *j = ask("device_get", "{'ref': '%s'}", device);
	bool good = is(j, "device.state", state) && is(j, "device.state_cause", cause);

	json_decref(j);
	return good;
}

/* The look at what was written by half finds a password that the printer does not take any more. */
static void a_look_that_is_refused(void)
{
	(void)sql("delete from sched.outbox");
	apply("locked", "p2", "", "");
	take();
	write_to("p2", "sent");
	(void)report("p2", "failed", ", 'code': 2002, 'step': 'sent'");
	ok(run_becomes(applied, "failed") && says("p2", "auth_hold", "auth_refused"),
		"a device that refuses the login is on hold");
	ok(strcmp(sql("select count(*) from sched.outbox where kind = 'alarm.device_half_written'"),
		   "1") == 0,
		"and that it is half written is told");
	(void)sql("update fleet.device set state_at = now() - interval '25 hours' where name ="
		  " 'p2'");
	ok(becomes("2", "select state from fleet.device where name = 'p2'") &&
			says("p2", "enrolled", "half_written"),
		"when the hold is over nobody has looked at it yet");
	(void)sql(
		"update fleet.device set state = 3, state_cause = 'auth_refused', state_at = now()"
		" where name = 'p2'");
	json_decref(ask("credential_put", "{'credential': {'name': 'again', 'kind': "
					  "'password_only', 'device': 'p2', 'sealed':"
					  " 'c2VhbGVk'}}"));
	ok(becomes("2", "select state from fleet.device where name = 'p2'") &&
			says("p2", "enrolled", "half_written"),
		"nor when somebody has set a password");
	json_decref(ask("device_set_state", "{'ref': 'p2', 'state': 'suspended'}"));
	json_decref(ask("device_set_state", "{'ref': 'p2', 'state': 'enrolled'}"));
	ok(says("p2", "enrolled", "half_written"), "nor when it was suspended meanwhile");
	json_decref(ask("device_set_state", "{'ref': 'p2', 'state': 'enrolled'}"));
	ok(says("p2", "enrolled", ""), "who resumes one that says so has looked at it");
	json_decref(ask("credential_delete", "{'ref': 'again'}"));
}

static void a_cancel_that_waits(void)
{
	apply("cancelled", "p1", "", "");
	take();
	write_to("p1", "answered");
	(void)report("p1", "deferred", ", 'code': 2101");
	json_t *j = ask("job_cancel", "{'id': '%s'}", job_of("p1"));
	ok(strcmp(at(j, "target.state"), "deferred") == 0,
		"what began to write is not cut by a cancel");
	json_decref(j);
	ok(becomes("2", "select state from sched.job_now where id = '%s'", job_of("p1")),
		"it comes back");
	j = claim(10);
	ok(is(j, "jobs.0.cancel", "true") && is(j, "jobs.0.step", "answered"),
		"and is told at once to begin nothing new");
	json_decref(j);
	lock_and_run("p1", ++token);
	(void)report("p1", "failed", ", 'code': 8101, 'step': 'reverted'");
	ok(run_becomes(applied, "failed"), "it ends when the old state is back");
}

static void the_deadline_of_the_run(void)
{
	apply("late", "p1 p2", "", "");
	take();
	write_to("p1", "sent");
	(void)report("p1", "deferred", ", 'code': 2101, 'retry_ms': 1500");
	(void)report("p2", "deferred", ", 'code': 2101, 'retry_ms': 1500");
	(void)sql("update sched.run set deadline_at = clock_timestamp() where id = '%s'", applied);
	ok(becomes("14", "select state from sched.job_now where id = '%s'", job_of("p2")),
		"what waits at the deadline has missed it");
	char job[UUID_TEXT];
	(void)snprintf(job, sizeof(job), "%s", job_of("p1"));
	ok(becomes("2", "select state from sched.job_now where id = '%s'", job),
		"what began to write comes back");
	json_t *j = claim(10);
	ok(is(j, "jobs.0.step", "sent") && number_at(j, "jobs.0.deadline_ms") > 60000,
		"with time to look");
	json_decref(j);
	lock_and_run("p1", ++token);
	(void)report("p1", "succeeded", ", 'step': 'verified'");
	ok(run_becomes(applied, "partial"), "and ends the run");
}

int main(void)
{
	client_open();
	(void)scheduler_start_one(quick);
	(void)scheduler_start_one(quick);
	client_connect(2);
	enrol("p1", "canon_rui", "");
	enrol("p2", "ricoh_udirectory", "");
	enrol("p3", "konica_openapi", "");
	nobody_confirms();
	restarted_later();
	restarted_once();
	somebody_confirms();
	written_since();
	a_write_that_kills();
	a_write_that_ends_unknown();
	a_look_that_is_refused();
	a_cancel_that_waits();
	the_deadline_of_the_run();
	client_close();
	return finish_tests();
}
