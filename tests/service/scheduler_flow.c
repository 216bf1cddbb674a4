// SPDX-License-Identifier: Apache-2.0
/* One run from click to end, as a gateway and a worker see it: docs/spec/fleet.md sections 3, 6, 7.
 */
#include "tests/service/scheduler_client.h"

static const char *const quick[] = {"--tick_ms=50", "--backoff_ms=10", "--backoff_max_ms=20",
	"--defer_ms=50", "--lease_ms=1000", NULL};

static void a_fleet(void)
{
	json_t *j = ask("site_put",
		"{'site': {'name': 'Lyon', 'region': 'Sud', 'time_zone': 'Europe/Paris'}}");

	ok(is(j, "items.0.name", "Lyon"), "a site is saved");
	json_decref(j);
	j = ask("device_import", "{'devices': ["
				 "{'name': 'p1', 'vendor': 'Canon', 'family': 'canon_rui', "
				 "'serial': 'A1', 'address': '10.0.0.1',"
				 " 'site': 'Lyon', 'ports': [{'service': 'http', 'port': 8001}], "
				 "'type': 'I', 'simulated': true,"
				 " 'labels': [{'key': 'floor', 'value': '3'}]},"
				 "{'name': 'p2', 'vendor': 'Canon', 'family': 'canon_rui', "
				 "'serial': 'A2', 'address': '10.0.0.2'},"
				 "{'name': 'p3', 'vendor': 'HP', 'family': 'snmp', 'serial': 'A3', "
				 "'address': '10.0.0.3'},"
				 "{'name': 'bad', 'vendor': 'HP', 'family': 'snmp', 'serial': "
				 "'A4', 'address': 'a b'},"
				 "{'name': 'lost', 'vendor': 'HP', 'family': 'snmp', 'serial': "
				 "'A5', 'address': 'h', 'site': 'Nowhere'}]}");
	ok(is(j, "created", "3"), "three devices are enrolled");
	ok(json_array_size(json_object_get(j, "refused")) == 2,
		"a bad address and an unknown site are refused by name");
	json_decref(j);
	j = ask("device_import",
		"{'devices': [{'name': 'p1', 'vendor': 'Canon', 'family': 'canon_rui',"
		" 'serial': 'A1', 'address': '10.0.0.9'}]}");
	ok(is(j, "updated", "1"), "the same vendor and serial is the same device (FL-2)");
	json_decref(j);
	j = ask("device_get", "{'ref': 'p1'}");
	ok(is(j, "device.address", "10.0.0.9") && is(j, "device.ports.0.port", "8001") &&
			is(j, "device.region", "Sud") && is(j, "device.labels.0.value", "3") &&
			is(j, "device.type", "I"),
		"an update keeps the members that were not given");
	json_decref(j);
	j = ask("device_list",
		"{'filter': 'label.floor = `3` or address in 10.0.0.2/32', 'limit': 1}");
	ok(is(j, "total", "2") && is(j, "items.0.name", "p1"),
		"a filter selects, pages have a total");
	json_t *k = ask("device_list",
		"{'filter': 'label.floor = `3` or address in 10.0.0.2/32', 'cursor': '%s'}",
		at(j, "next"));
	ok(is(k, "items.0.name", "p2"), "the next page goes on behind the last");
	json_decref(k);
	json_decref(j);
}

static void credentials(void)
{
	static const char *const bindings[] = {
		"'range': '10.0.0.0/8'", "'site': 'Lyon'", "'device': 'p1'"};

	for (int i = 0; i < 3; i++)
		json_decref(ask("credential_put",
			"{'credential': {'name': 'c%d', 'kind': 'user_auth', %s,"
			" 'sealed': 'AAAA'}}",
			i, bindings[i]));
	json_t *j = ask("credential_list", "{}");
	ok(json_array_size(json_object_get(j, "items")) == 3 && is(j, "items.0.set", "true") &&
			*at(j, "items.0.sealed") == '\0',
		"credentials are listed without their secrets (FL-15)");
	json_decref(j);
	j = ask("credential_put",
		"{'credential': {'name': 'twice', 'kind': 'user_auth', 'site': 'Lyon'}}");
	ok(is(j, "fault.reason", "name_taken"), "two equal bindings are refused at save (FL-14)");
	json_decref(j);
}

/* Secrets do not come back as JSON: names are looked up by id. */
static bool narrowest_first(const json_t *job)
{
	char names[64] = "";

	for (int i = 0; i < 3; i++) {
		char path[40];
		(void)snprintf(path, sizeof(path), "credentials.%d.id", i);
		(void)snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s ",
			sql("select name from fleet.credential where id = '%s'", at(job, path)));
	}
	return strcmp(names, "c2 c1 c0 ") == 0;
}

static char run[UUID_TEXT];

static void a_task(void)
{
	json_t *j = ask("task_create",
		"{'task': {'name': 'nightly', 'kind': 'ab.backup', 'targets': {'all': true},"
		" 'settings': {'lists': ['list_1']}}}");

	ok(is(j, "fault.reason", "password_required"), "no backup task without a password (FL-42)");
	json_decref(j);
	j = ask("task_create",
		"{'task': {'name': 'nightly', 'kind': 'ab.backup', 'targets': {'all': true},"
		" 'settings': {'password_sealed': 'AAAA'}}}");
	ok(is(j, "fault.reason", "lists_required"), "nor without a list");
	json_decref(j);
	struct uuid request = uuid_v7(clock_wall_ms());
	const char *task =
		"{'task': {'name': 'nightly', 'kind': 'ab.backup', 'targets': {'all': true},"
		" 'settings': {'lists': ['list_1', 'one_touch'], 'password_sealed': 'AAAA'}}}";
	j = ask_as("task_create", task, &request);
	json_t *k = ask_as("task_create", task, &request);
	ok(is(j, "task.name", "nightly") && *at(j, "task.id") != '\0' &&
			is(k, "task.id", at(j, "task.id")),
		"a repeated request creates one task (RL-9)");
	ok(is(j, "task.settings.password_set", "true") &&
			*at(j, "task.settings.password_sealed") == '\0',
		"the password is not shown");
	json_decref(j);
	json_decref(k);
	request = uuid_v7(clock_wall_ms());
	j = ask_as("run_start", "{'ref': 'nightly'}", &request);
	k = ask_as("run_start", "{'ref': 'nightly'}", &request);
	ok(is(j, "run.state", "running") && is(j, "run.counts.total", "3") &&
			is(j, "run.counts.ready", "2") && is(j, "run.counts.skipped", "1"),
		"a device without address books is skipped at once (FL-47)");
	ok(is(k, "run.id", at(j, "run.id")), "a repeated run_start answers with the same run");
	(void)snprintf(run, sizeof(run), "%s", at(j, "run.id"));
	json_decref(j);
	json_decref(k);
}

static const char worker[] = "0193aaaa-0000-7000-8000-000000000001";

static void work(void)
{
	json_t *j = ask(
		"job_claim", "{'worker': '%s', 'slots': 10, 'families': ['canon_rui']}", worker);

	ok(json_array_size(json_object_get(j, "jobs")) == 2,
		"a worker with free slots gets both jobs");
	ok(is(j, "jobs.0.attempt", "1") && is(j, "jobs.0.kind", "ab.backup") &&
			is(j, "jobs.0.device.vendor", "Canon") &&
			is(j, "jobs.0.settings.lists.1", "one_touch"),
		"a job carries attempt, device and settings");
	char a[UUID_TEXT], b[UUID_TEXT]; /* of p1 and of p2 */
	bool first = strcmp(at(j, "jobs.0.device.name"), "p1") == 0;
	ok(narrowest_first(json_array_get(json_object_get(j, "jobs"), first ? 0 : 1)),
		"its credentials come narrowest first: device, site, range (FL-14)");
	(void)snprintf(a, sizeof(a), "%s", at(j, first ? "jobs.0.job" : "jobs.1.job"));
	(void)snprintf(b, sizeof(b), "%s", at(j, first ? "jobs.1.job" : "jobs.0.job"));
	json_decref(j);
	j = ask("job_advance",
		"{'worker': '%s', 'steps': [{'job': '%s', 'attempt': 1, 'token': 7,"
		" 'state': 'running', 'request': '%s'}]}",
		worker, a, worker);
	ok(is(j, "refused.0", a), "a token without a live lock is refused");
	json_decref(j);
	j = ask("job_result",
		"{'worker': '%s', 'results': [{'job': '%s', 'attempt': 1, 'state': 'deferred',"
		" 'code': 2101}]}",
		worker, b);
	ok(json_array_size(json_object_get(j, "refused")) == 0, "a busy device defers its job");
	json_decref(j);
	j = ask("job_get", "{'id': '%s'}", b);
	ok(is(j, "target.deferrals", "1") && number_at(j, "target.errors") == 0,
		"deferral costs nothing (RL-3)");
	json_decref(j);
	j = ask("job_result",
		"{'worker': '%s', 'results': [{'job': '%s', 'attempt': 1, 'state': 'failed',"
		" 'code': 2002, 'detail': 'wrong password'}]}",
		worker, a);
	ok(json_array_size(json_object_get(j, "refused")) == 0, "a refused password ends the job");
	json_decref(j);
	j = ask("device_get", "{'ref': 'p1'}");
	ok(is(j, "device.state", "auth_hold") && is(j, "device.state_cause", "auth_refused") &&
			is(j, "device.last_state", "failed"),
		"its device is held (FL-13)");
	json_decref(j);
	ok(becomes("2", "select state from sched.job_now where id = '%s'", b),
		"the deferred job is ready again");
	j = ask("job_claim", "{'worker': '%s', 'slots': 10}", worker);
	ok(is(j, "jobs.0.job", b) && is(j, "jobs.0.attempt", "2"),
		"its next claim is attempt 2 (RL-2)");
	json_decref(j);
	j = ask("job_result",
		"{'worker': '%s', 'results': [{'job': '%s', 'attempt': 1, 'state': 'failed',"
		" 'code': 2002}]}",
		worker, b);
	ok(is(j, "refused.0", b), "a report of attempt 1 is refused now (FL-51)");
	json_decref(j);
	j = ask("job_result",
		"{'worker': '%s', 'results': [{'job': '%s', 'attempt': 2, 'state': 'succeeded'}]}",
		worker, b);
	ok(is(j, "refused.0", b), "claimed to succeeded is no edge");
	json_decref(j);
	j = ask("job_advance",
		"{'worker': '%s', 'steps': [{'job': '%s', 'attempt': 2, 'state': 'running'},"
		"{'job': '%s', 'attempt': 2, 'state': 'storing'}]}",
		worker, b, b);
	ok(json_array_size(json_object_get(j, "refused")) == 0, "claimed, running, storing");
	json_decref(j);
	for (int i = 0; i < 2; i++) {
		j = ask("job_result",
			"{'worker': '%s', 'results': [{'job': '%s', 'attempt': 2, 'state': "
			"'succeeded',"
			" 'bytes': 1234, 'new_version': true, 'entries': 5, 'lists': [{'name': "
			"'list_1', 'state': 'done',"
			" 'entries': 5}], 'seen': {'firmware': '1.2', 'capabilities': [{'name': "
			"'ab.read', 'result': 'yes'}]}}]}",
			worker, b);
		ok(json_array_size(json_object_get(j, "refused")) == 0,
			i == 0 ? "the result is taken" : "said twice, taken once");
		json_decref(j);
	}
}

static void the_end(void)
{
	json_t *j = NULL;

	ok(becomes("8", "select state from sched.run where id = '%s'", run),
		"the run ends as partial: one good, one bad");
	j = ask("run_get", "{'id': '%s'}", run);
	ok(is(j, "run.state", "partial") && is(j, "run.counts.succeeded", "1") &&
			is(j, "run.counts.failed", "1") && is(j, "run.bytes", "1234") &&
			is(j, "run.versions", "1"),
		"its counts, bytes and versions");
	json_decref(j);
	j = ask("run_targets", "{'id': '%s', 'state': 'succeeded'}", run);
	ok(is(j, "items.0.lists.0.entries", "5") && is(j, "items.0.firmware", "1.2"),
		"a target tells its lists");
	json_t *k = ask("job_transitions", "{'id': '%s'}", at(j, "items.0.job"));
	ok(json_array_size(json_object_get(k, "items")) == 7 && is(k, "items.6.to", "succeeded"),
		"every transition is in the history (FL-60)");
	json_decref(k);
	json_decref(j);
	j = ask("run_outcomes", "{'id': '%s'}", run);
	ok(json_array_size(json_object_get(j, "items")) == 3, "outcomes are grouped (FL-59)");
	json_decref(j);
	j = ask("device_get", "{'ref': 'p2'}");
	ok(is(j, "device.capabilities.0.name", "ab.read") && is(j, "device.firmware", "1.2"),
		"what the probe saw is kept");
	json_decref(j);
}

static void a_new_password(void)
{
	static const char first[] = "0193cccc-0000-7000-8000-000000000001";
	static const char second[] = "0193cccc-0000-7000-8000-000000000002";

	for (int i = 0; i < 2; i++)
		json_decref(ask("task_update",
			"{'ref': 'nightly', 'task': {'settings': {'password_id': '%s',"
			" 'password_sealed': 'BBBB'}}}",
			i == 0 ? first : second));
	ok(strcmp(sql("select count(*) from sched.password where id in ('%s', '%s')", first,
			  second),
		   "2") == 0,
		"the old password is kept for the versions that name it (FL-42)");
	json_t *j = ask("task_update", "{'ref': 'nightly', 'task': {'settings': {'lists': []}}}");
	ok(is(j, "fault.reason", "lists_required"), "no list is not all lists (FL-44)");
	json_decref(j);
}

/* A discovery of a thousand printers with long names. */
static void discovery(const char *name)
{
	struct buf all = BUF_INIT;

	for (int i = 0; i < 1000; i++)
		buf_addf(&all, "%s'%s-%d.%0180d.example'", i == 0 ? "" : ", ", name, i, 0);
	json_decref(ask("task_create",
		"{'task': {'name': '%s', 'kind': 'device.discover', 'settings': {'discover':"
		" {'addresses': [%s], 'ranges': ['10.9.0.0/24']}}}}",
		name, buf_str(&all)));
	buf_fini(&all);
}

/* Whatever is asked for, an answer goes into one message: there is a next page. */
static void long_lists(void)
{
	char name[8], next[600] = "", found[64] = "";
	int pages = 0;

	for (int i = 0; i < 6; i++) {
		(void)snprintf(name, sizeof(name), "long%d", i);
		discovery(name);
	}
	do {
		json_t *j = ask("task_list", "{'filter': 'name ~ `long*`'%s}", next);
		const json_t *items = json_object_get(j, "items");
		for (size_t i = 0; i < json_array_size(items); i++)
			(void)snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s ",
				at(json_array_get(items, i), "name"));
		next[0] = '\0';
		if (*at(j, "next") != '\0')
			(void)snprintf(next, sizeof(next), ", 'cursor': '%s'", at(j, "next"));
		json_decref(j);
	} while (next[0] != '\0' && ++pages < 10);
	ok(strcmp(found, "long0 long1 long2 long3 long4 long5 ") == 0 && pages > 0,
		"what does not go into one message stands on the next page");
}

/* Jobs of a discovery, as soon as there are any: on a busy machine a claim may be refused. */
static json_t *claim_stretches(size_t *ret_n)
{
	uint64_t end = clock_mono_ms() + 60000;

	for (;;) {
		json_t *j = ask("job_claim",
			"{'worker': '%s', 'slots': 64, 'families': ['discovery']}", worker);
		*ret_n = json_array_size(json_object_get(j, "jobs"));
		if (*ret_n > 0 || clock_mono_ms() > end)
			return j;
		json_decref(j);
		pause_ms(100);
	}
}

/* Each of its jobs carries all names; ranges are the job's own. */
static void long_jobs(void)
{
	json_t *j = ask("run_start", "{'ref': 'long0'}");

	(void)snprintf(run, sizeof(run), "%s", at(j, "run.id"));
	ok(number_at(j, "run.counts.ready") > 64, "a discovery with many jobs");
	json_decref(j);
	size_t n;
	j = claim_stretches(&n);
	ok(n > 0 && n < 8 && *at(j, "jobs.0.settings.discover.addresses.999") != '\0' &&
			*at(j, "jobs.0.settings.discover.ranges.0") == '\0',
		"jobs go out as far as an answer holds them, without what no worker reads");
	json_decref(j);
	ok(strcmp(sql("select count(*) >= 64 - %zu from sched.job where run = '%s' and attempt > 0"
		      " and lost_by is null and errors + crashes = 0",
			  n, run),
		   "t") == 0,
		"the others are given back at once, and not charged");
	ok(becomes("0",
		   "select count(*) from sched.later l join sched.job j on j.id = l.job where"
		   " j.run = '%s' and l.suspect = 0",
		   run),
		"they are ready again");
	j = claim_stretches(&n);
	ok(n > 0, "and go out next");
	json_decref(j);
}

int main(void)
{
	client_open();
	(void)scheduler_start_one(quick);
	client_connect(1);
	a_fleet();
	credentials();
	a_task();
	work();
	the_end();
	a_new_password();
	long_lists();
	long_jobs();
	client_close();
	return finish_tests();
}
