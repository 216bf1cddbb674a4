// SPDX-License-Identifier: Apache-2.0
/* Tasks that write run in two runs: a plan that only reads, and what a person approved of it.
 * docs/spec/fleet.md FL-24, FL-27, CN-8103, CN-8104; docs/spec/import-export.md section 8. */
#include "tests/service/scheduler_plan.h"

static const char *const quick[] = {"--tick_ms=50", "--backoff_ms=10", "--backoff_max_ms=20",
	"--defer_ms=50", "--lease_ms=1500", "--approval_ms=600000", NULL};

static char plan[UUID_TEXT], applied[UUID_TEXT], shown[64];

static void saving(void)
{
	json_t *j = ask("task_create",
		"{'task': {'name': 'x', 'kind': 'ab.restore', 'targets': {'all': true}}}");

	ok(is(j, "fault.reason", "source_required"), "no restore without a source");
	json_decref(j);
	j = ask("task_create",
		"{'task': {'name': 'x', 'kind': 'ab.import', 'targets': {'all': true},"
		" 'settings': {'source_at': '2026-01-01T00:00:00Z'}}}");
	ok(is(j, "fault.reason", "source_at"), "an import names a file, not a time");
	json_decref(j);
	j = ask("task_create",
		"{'task': {'name': 'x', 'kind': 'ab.import', 'settings': {'source': '%s',"
		" 'map': [{'slot': 'list_11'}]}}}",
		source);
	ok(is(j, "fault.reason", "unknown_word"), "a map names slots that exist");
	json_decref(j);
	j = ask("task_create",
		"{'task': {'name': 'x', 'kind': 'ab.import', 'settings': {'source': '%s',"
		" 'map': [{'slot': 'list_1', 'from': 'a'}, {'slot': 'list_1', 'from': 'b'}]}}}",
		source);
	ok(is(j, "fault.reason", "slot_twice"), "and each of them once");
	json_decref(j);
	j = ask("task_create",
		"{'task': {'name': 'x', 'kind': 'ab.import', 'settings': {'source': '%s',"
		" 'accept': ['language']}}}",
		source);
	ok(is(j, "fault.reason", "reason_required"), "another language needs a reason (R8)");
	json_decref(j);
	j = ask("task_create",
		"{'task': {'name': 'x', 'kind': 'ab.restore', 'settings': {'source': '%s'},"
		" 'retry': {'waves': [{'devices': 2, 'percent': 3}]}}}",
		source);
	ok(is(j, "fault.reason", "wave"), "a wave is a number or a share");
	json_decref(j);
}

static void a_plan(void)
{
	enrol("p1", "canon_rui", "");
	enrol("p2", "ricoh_udirectory", "");
	enrol("p3", "konica_openapi", "");
	enrol("other", "canon_rui", ", 'managed_by': 'other'");
	enrol("reader", "kyocera_wsdl", "");
	restore_task("r", "'p1', 'p2', 'p3', 'other', 'reader'", "");
	json_t *j = ask("run_start", "{'ref': 'r'}");
	ok(is(j, "run.phase", "plan") && is(j, "run.counts.ready", "3") &&
			is(j, "run.counts.skipped", "2"),
		"a task that writes begins with a plan");
	(void)snprintf(plan, sizeof(plan), "%s", at(j, "run.id"));
	json_decref(j);
	j = ask("run_outcomes", "{'id': '%s'}", plan);
	ok(strcmp(sql("select cause from sched.job where device_name = 'other'"), "1007") == 0 &&
			strcmp(sql("select cause from sched.job where device_name = 'reader'"),
				"1002") == 0,
		"nobody writes where another system does (FL-5), nor where no way is known");
	json_decref(j);
	j = claim(10);
	ok(json_array_size(json_object_get(j, "jobs")) == 3 && is(j, "jobs.0.phase", "plan") &&
			is(j, "jobs.0.settings.source", source),
		"its jobs say that they only read");
	json_decref(j);
	ok(report_plan("p1", 1, 2, "'losses', 'hazards'") && report_plan("p2", 2, 0, "") &&
			report("p3", "failed", ", 'code': 4002"),
		"what would change, what is as wanted, what cannot be asked");
	ok(run_becomes(plan, "awaiting_approval"), "the run waits for a person, failures besides");
}

/* SHA-256 over the sorted (device, its plan's hash). */
static const char *expected_hash(void)
{
	static char text[64];
	const char *first = id_of("p1"), *second = id_of("p2");
	uint8_t in[2 * (16 + SHA256_LEN)] = {0}, out[SHA256_LEN];
	bool swap = strcmp(first, second) > 0;
	struct uuid id;
	struct buf b = BUF_INIT;

	if (uuid_parse(swap ? second : first, &id) == 0)
		memcpy(in, id.b, 16);
	memset(in + 16, swap ? 2 : 1, SHA256_LEN);
	if (uuid_parse(swap ? first : second, &id) == 0)
		memcpy(in + 48, id.b, 16);
	memset(in + 64, swap ? 1 : 2, SHA256_LEN);
	sha256((struct span){in, sizeof(in)}, out);
	base64_encode((struct span){out, sizeof(out)}, &b);
	(void)snprintf(text, sizeof(text), "%s", buf_str(&b));
	buf_fini(&b);
	return text;
}

static void its_face(void)
{
	json_t *j = ask("run_get", "{'id': '%s'}", plan);

	(void)snprintf(shown, sizeof(shown), "%s", at(j, "run.plan_hash"));
	ok(is(j, "run.plan_hash", expected_hash()),
		"its hash is over the sorted devices and what was found at them");
	ok(is(j, "run.totals.devices", "1") && is(j, "run.totals.unchanged", "1") &&
			is(j, "run.totals.refused", "3") && is(j, "run.totals.add", "2") &&
			is(j, "run.totals.needs.0", "hazards") &&
			is(j, "run.totals.needs.1", "losses"),
		"its totals");
	json_decref(j);
	j = ask("run_targets", "{'id': '%s', 'state': 'succeeded'}", plan);
	ok(is(j, "items.0.plan.add", "2") && is(j, "items.0.plan.needs.1", "hazards"),
		"each target shows its own plan");
	json_decref(j);
	j = ask("run_outcomes", "{'id': '%s'}", plan);
	bool found = false;
	for (int i = 0; i < 5; i++) {
		char path[32];
		(void)snprintf(path, sizeof(path), "items.%d.add", i);
		found |= strcmp(at(j, path), "2") == 0;
	}
	ok(found, "grouped outcomes have totals (FL-59)");
	json_decref(j);
}

/* A target as a person of this role gets it, as text. */
static const char *seen_by(enum msg_right role, const char *message)
{
	static char text[2][4000];
	char *out = text[role == MSG_AUDITOR];

	client.actor = "anna";
	client.role = role;
	json_t *j = strcmp(message, "job_get") == 0
			    ? ask("job_get", "{'id': '%s'}", job_of("p1"))
			    : ask("run_targets", "{'id': '%s', 'state': 'succeeded'}", plan);
	char *all = json_dumps(j, JSON_COMPACT | JSON_ENSURE_ASCII);
	client.actor = NULL;
	client.role = MSG_INTERNAL;
	(void)snprintf(out, sizeof(text[0]), "%s", all);
	free(all);
	json_decref(j);
	return out;
}

/* Fleet.md section 12: auditors see what a plan comes to, and nobody's name or number. */
static void entries_are_for_readers(void)
{
	static const char *const messages[] = {"run_targets", "job_get"};

	(void)sql("update sched.job set plan = plan || '{\"changes\": [{\"op\": \"change\","
		  " \"name\": \"Mueller\", \"before\": \"0122\", \"after\": \"0133\"}], \"notes\":"
		  " [{\"kind\": \"loss\", \"name\": \"Mueller\", \"reason\": \"cut\", \"before\":"
		  " \"0122\", \"text\": \"0133\"}, {\"kind\": \"gate\", \"text\": \"asked\"}]}',"
		  " report = '[{\"item\": \"list_1\", \"corrections\": [{\"kind\": \"loss\","
		  " \"name\": \"Mueller\", \"after\": \"0133\"}]}]' where id = '%s'",
		job_of("p1"));
	for (size_t i = 0; i < array_len(messages); i++) {
		const char *viewer = seen_by(MSG_VIEWER, messages[i]);
		const char *auditor = seen_by(MSG_AUDITOR, messages[i]);
		ok(strstr(viewer, "Mueller") != NULL && strstr(viewer, "0122") != NULL &&
				strstr(viewer, "0133") != NULL,
			"who may read books sees what changes in them");
		ok(strstr(auditor, "Mueller") == NULL && strstr(auditor, "0122") == NULL &&
				strstr(auditor, "0133") == NULL &&
				strstr(auditor, "\"add\":2") != NULL &&
				strstr(auditor, "asked") != NULL &&
				strstr(auditor, "\"reason\":\"cut\"") != NULL,
			"an auditor sees how many, and why");
	}
}

static void approval(void)
{
	json_t *j = ask("run_apply", "{'id': '%s', 'hash': '%s'}", plan, hash_of(9));

	ok(is(j, "fault.code", "8103"), "another hash than shown is stale");
	json_decref(j);
	j = ask("run_apply", "{'id': '%s', 'hash': '%s', 'accept': ['losses']}", plan, shown);
	ok(is(j, "fault.reason", "would_lose_data") &&
			is(j, "fault.detail", "to be accepted first: hazards"),
		"what it would lose is to be accepted, word by word");
	json_decref(j);
	struct uuid request = uuid_v7(clock_wall_ms());
	char text[400];
	(void)snprintf(text, sizeof(text),
		"{'id': '%s', 'hash': '%s', 'accept': ['losses', 'hazards']}", plan, shown);
	j = ask_as("run_apply", text, &request);
	ok(is(j, "run.phase", "apply") && is(j, "run.plan", plan) &&
			is(j, "run.counts.total", "1") && is(j, "run.state", "running"),
		"applying opens a run over exactly the devices with changes");
	(void)snprintf(applied, sizeof(applied), "%s", at(j, "run.id"));
	json_decref(j);
	j = ask_as("run_apply", text, &request);
	ok(is(j, "run.id", applied), "the same request again: the same run (RL-9)");
	json_decref(j);
	j = ask_as("run_apply", text, NULL);
	ok(is(j, "run.id", applied), "another request: a plan is applied once");
	json_decref(j);
	j = ask("run_get", "{'id': '%s'}", plan);
	ok(is(j, "run.state", "succeeded") && is(j, "run.applied_by", applied),
		"the plan has done its part");
	json_decref(j);
}

static void an_applied_job(void)
{
	json_t *j = claim(10);

	ok(json_array_size(json_object_get(j, "jobs")) == 1 && is(j, "jobs.0.phase", "apply") &&
			is(j, "jobs.0.plan_hash", hash_of(1)) && is(j, "jobs.0.source", source) &&
			is(j, "jobs.0.accept.1", "hazards"),
		"its job carries what was approved for the device, the source and what is "
		"accepted");
	json_decref(j);
	lock_and_run("p1", 7);
	char job[UUID_TEXT];
	(void)snprintf(job, sizeof(job), "%s", job_of("p1"));
	char with[100];
	(void)snprintf(with, sizeof(with), ", 'pre_image': '%s'", image);
	ok(!journal_as(worker, job, 2, 7, "pre_image", with) &&
			!journal_as(worker, job, 1, 8, "pre_image", with) &&
			!journal_as(source, job, 1, 7, "pre_image", with),
		"a journal entry of another attempt, token or worker is refused (FL-51)");
	ok(journal_as(worker, job, 1, 7, "pre_image", with) &&
			journal_as(worker, job, 1, 7, "sent", ""),
		"the pre-image and the first write are journaled");
	ok(becomes("t", "select state in (2, 7) from sched.job_now where id = '%s'", job),
		"its worker is lost: it comes back");
	ok(!journal_as(worker, job, 1, 7, "answered", ""), "the lost one may not go on");
	ok(becomes("2", "select state from sched.job_now where id = '%s'", job), "and is ready");
	json_decref(ask("run_cancel", "{'id': '%s'}", applied));
	pause_ms(300);
	ok(strcmp(sql("select state from sched.job_now where id = '%s'", job), "2") == 0,
		"a cancel does not cut what began to write: somebody must look (C3)");
	j = claim(10);
	ok(is(j, "jobs.0.job", job) && is(j, "jobs.0.step", "sent") &&
			is(j, "jobs.0.pre_image", image) && is(j, "jobs.0.attempt", "2"),
		"the next attempt knows how far it came, and its pre-image");
	json_decref(j);
	ok(becomes("t", "select cancel from sched.active where job = '%s'", job),
		"and is told that a person wants it ended");
	lock_and_run("p1", 8);
	ok(report("p1", "failed",
		   ", 'code': 4006, 'step': 'reverted', 'report': [{'item': 'list_1',"
		   " 'result': 'failed', 'corrections': [{'kind': 'loss', 'name': 'Anna'}]}]"),
		"it puts the old state back and says so");
	ok(run_becomes(applied, "cancelled"), "then the run is cancelled");
	j = ask("job_get", "{'id': '%s'}", job);
	ok(is(j, "target.step", "reverted") && is(j, "target.pre_image", image) &&
			is(j, "target.report.0.corrections.0.name", "Anna") &&
			is(j, "target.plan.add", "2"),
		"the target tells plan, report, pre-image and step");
	json_decref(j);
	ok(strcmp(sql("select state_cause from fleet.device where name = 'p1'"), "") == 0,
		"a device that holds the old book needs nobody");
}

/* FL-62..64: what is run again is planned again. */
static void again(void)
{
	json_t *j = ask("run_rerun", "{'id': '%s', 'states': ['failed']}", applied);

	ok(is(j, "run.phase", "plan") && is(j, "run.rerun_of", applied) &&
			is(j, "run.counts.total", "1") && is(j, "run.counts.ready", "1"),
		"a rerun of what wrote is a new plan over the chosen targets");
	json_decref(ask("run_cancel", "{'id': '%s'}", at(j, "run.id")));
	json_decref(j);
	j = ask("run_apply", "{'id': '%s', 'hash': '%s'}", applied, shown);
	ok(is(j, "fault.reason", "not_waiting"), "only what waits is approved");
	json_decref(j);
	j = ask("run_confirm", "{'id': '%s'}", plan);
	ok(is(j, "fault.reason", "not_applied"), "only what wrote is confirmed");
	json_decref(j);
	j = ask("run_apply", "{'id': '%s', 'hash': '%s'}", source, shown);
	ok(is(j, "fault.code", "8202"), "a plan that does not exist is not found");
	json_decref(j);
}

/* What leaves the device as it is runs at once. */
static void no_plan_needed(void)
{
	enrol("ftp", "jetdirect_ftp", "");
	json_t *j = ask("task_create",
		"{'task': {'name': 'deliver', 'kind': 'file.deliver', 'targets': {'devices':"
		" ['ftp', 'p1']}, 'settings': {'source': '%s', 'file_name': 'a.pdf'}}}",
		source);
	json_decref(j);
	j = ask("run_start", "{'ref': 'deliver'}");
	ok(is(j, "run.phase", "") && is(j, "run.counts.ready", "1") &&
			is(j, "run.counts.skipped", "1"),
		"a file is delivered without a plan, where files can be delivered");
	json_decref(j);
	j = claim(10);
	ok(is(j, "jobs.0.settings.file_name", "a.pdf") && is(j, "jobs.0.settings.source", source),
		"its job says which file");
	json_decref(j);
}

int main(void)
{
	client_open();
	(void)scheduler_start_one(quick);
	client_connect(1);
	saving();
	a_plan();
	its_face();
	entries_are_for_readers();
	approval();
	an_applied_job();
	again();
	no_plan_needed();
	client_close();
	return finish_tests();
}
