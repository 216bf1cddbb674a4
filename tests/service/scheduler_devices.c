// SPDX-License-Identifier: Apache-2.0
/* What is said of a device, and what follows (docs/spec/fleet.md section 1): two at one address
 * and port (FL-2), logins that every new device has (FL-16), answers of checks that are too old or
 * of another firmware (FL-10). */
#include "tests/service/scheduler_plan.h"

static const char *const quick[] = {"--tick_ms=50", "--backoff_ms=10", "--backoff_max_ms=20",
	"--defer_ms=50", "--lease_ms=5000", NULL};

static bool says(const char *want, const char *query)
{
	const char *got = sql("%s", query);

	if (strcmp(got, want) != 0)
		(void)fprintf(stderr, "# %s\n# %s\n", query, got);
	return strcmp(got, want) == 0;
}

/* ---- FL-2 ---- */

/* A device of Canon's; rest: more members. */
static void at_address(const char *name, const char *family, const char *rest)
{
	json_t *j = ask("device_create",
		"{'device': {'name': '%s', 'vendor': 'V', 'family': '%s', 'serial': 'S-%s'%s}}",
		name, family, name, rest);

	if (*at(j, "device.id") == '\0')
		ok(false, name);
	json_decref(j);
}

/* Names of those in conflict, by the filter; and each says so itself, alone and in the list. */
static bool in_conflict(const char *names)
{
	json_t *j = ask("device_list", "{'filter': 'state_cause = address_conflict'}");
	json_t *items = json_object_get(j, "items"), *item;
	char got[200] = "";
	size_t i;
	bool good = true;

	json_array_foreach(items, i, item)
	{
		json_t *one = ask("device_get", "{'ref': '%s'}", at(item, "name"));
		good = good && is(one, "device.state_cause", "address_conflict") &&
		       is(item, "state_cause", "address_conflict");
		json_decref(one);
		(void)snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s",
			*got == '\0' ? "" : " ", at(item, "name"));
	}
	json_decref(j);
	if (strcmp(got, names) != 0)
		(void)fprintf(stderr, "# in conflict: %s\n", got);
	return good && strcmp(got, names) == 0;
}

static void whoever_meets(void)
{
	at_address("c1", "canon_rui", ", 'address': '10.9.0.1'");
	at_address("c2", "canon_rui",
		", 'address': '10.9.0.1', 'ports': [{'service': 'http', 'port': 8001}]");
	at_address("c3", "snmp", ", 'address': '10.9.0.1'");
	at_address("q1", "ipp",
		", 'address': 'PRINT.example', 'labels': [{'key': 'ipp_path',"
		" 'value': '/printers/a'}]");
	at_address("q2", "ipp",
		", 'address': 'print.example.', 'labels': [{'key': 'ipp_path',"
		" 'value': '/printers/b'}]");
	ok(in_conflict(""), "other ports, other protocols and queues of one server do not meet");
	at_address("c4", "canon_rui",
		", 'address': '10.9.0.1', 'ports': [{'service': 'http', 'port': 8000},"
		" {'service': 'snmp', 'port': 1161}]");
	at_address("q3", "ipp",
		", 'address': 'print.example', 'labels': [{'key': 'ipp_path',"
		" 'value': '/printers/b'}]");
	ok(in_conflict("c1 c4 q2 q3"),
		"two with the same address and port do, however it is written");
	ok(becomes("c1 c4 q2 q3",
		   "select string_agg(distinct e ->> 'device_name', ' ') from sched.outbox,"
		   " jsonb_array_elements(data -> 'list') e where kind ="
		   " 'alarm.address_conflict'"),
		"and it is told");
	json_decref(ask("device_set_state", "{'ref': 'q3', 'state': 'suspended'}"));
	ok(in_conflict("c1 c4"), "it is over when one of them is suspended");
	json_decref(ask("device_set_state", "{'ref': 'q3', 'state': 'enrolled'}"));
	ok(in_conflict("c1 c4 q2 q3"), "and back when it comes back");
	json_decref(ask("device_set_state", "{'ref': 'q3', 'state': 'retired'}"));
	ok(in_conflict("c1 c4"), "one that is retired is gone for good");
}

static const char *apply_run(const char *plan)
{
	static char id[UUID_TEXT];
	json_t *j = ask("run_get", "{'id': '%s'}", plan);
	json_t *k = ask("run_apply", "{'id': '%s', 'hash': '%s'}", plan, at(j, "run.plan_hash"));

	(void)snprintf(id, sizeof(id), "%s", at(k, "run.id"));
	json_decref(j);
	json_decref(k);
	return id;
}

static void nothing_is_written(void)
{
	char plan[UUID_TEXT], run[UUID_TEXT];

	restore_task("both", "'c1', 'c2', 'c4'", "");
	(void)snprintf(plan, sizeof(plan), "%s", start("both"));
	take();
	ok(report_plan("c1", 1, 1, "") && report_plan("c2", 1, 1, "") &&
			report_plan("c4", 1, 1, ""),
		"a plan only reads: it is made of all");
	(void)run_becomes(plan, "awaiting_approval");
	(void)snprintf(run, sizeof(run), "%s", apply_run(plan));
	json_t *j = claim(10);
	ok(json_array_size(json_object_get(j, "jobs")) == 1 && is(j, "jobs.0.device.name", "c2"),
		"written to is only the one that is alone at its port");
	json_decref(j);
	ok(says("c1 12 3007, c4 12 3007",
		   "select string_agg(concat_ws(' ', device_name, state, cause), ', ' order by"
		   " device_name) from sched.job where cause = 3007"),
		"the two end with a cause of their own");
	(void)report("c2", "failed", ", 'code': 4002");
	(void)run_becomes(run, "failed");
	json_decref(ask("task_create", "{'task': {'name': 'again', 'kind': 'device.restart',"
				       " 'targets': {'devices': ['c1']}}}"));
	(void)snprintf(run, sizeof(run), "%s", start("again"));
	json_decref(claim(10));
	ok(run_becomes(run, "failed") &&
			says("2", "select count(*) from sched.job where device_name = 'c1' and"
				  " cause = 3007"),
		"nor is one restarted");
	json_decref(ask("task_create", "{'task': {'name': 'read', 'kind': 'device.probe',"
				       " 'targets': {'devices': ['c1']}}}"));
	(void)snprintf(run, sizeof(run), "%s", start("read"));
	j = claim(10);
	ok(is(j, "jobs.0.device.name", "c1"), "reading goes on");
	json_decref(j);
	(void)report("c1", "succeeded", "");
	json_decref(ask("device_update", "{'ref': 'c4', 'device': {'address': '10.9.0.4'}}"));
	ok(in_conflict(""), "it is over when one has moved");
	(void)run_becomes(run, "succeeded");
	(void)snprintf(run, sizeof(run), "%s", start("again"));
	j = claim(10);
	ok(is(j, "jobs.0.device.name", "c1"), "and what was refused is done");
	json_decref(j);
	(void)report("c1", "succeeded", "");
}

/* Neither of two imports that run at the same time sees what the other one brings. */
static void two_imports_at_once(void)
{
	PGconn *other = PQconnectdb(getenv("CARNET_TEST_DB"));

	(void)sql("delete from sched.outbox where kind = 'alarm.address_conflict'");
	PQclear(PQexec(other, "begin; insert into fleet.device (id, name, vendor, family, serial,"
			      " address, ip) values (sched.uuid7(), 'r1', 'V', 'canon_rui', 'R1',"
			      " '10.9.1.1', '10.9.1.1')"));
	json_t *j = ask("device_import",
		"{'devices': [{'name': 'r2', 'vendor': 'V', 'family': 'canon_rui', 'serial': 'R2',"
		" 'address': '10.9.1.1'}]}");
	ok(is(j, "created", "1") && in_conflict(""), "an import refuses nothing for that");
	json_decref(j);
	(void)sql("select sched.tell_conflicts()");
	PQclear(PQexec(other, "commit"));
	PQfinish(other);
	ok(in_conflict("r1 r2"), "two imports that could not see each other are seen at once");
	ok(becomes("2 r1", "select (data ->> 'n') || ' ' || (data -> 'list' -> 0 ->>"
			   " 'device_name') from sched.outbox where kind ="
			   " 'alarm.address_conflict'"),
		"and told");
	(void)sql("select sched.tell_conflicts() from generate_series(1, 3)");
	ok(says("1", "select count(*) from sched.outbox where kind = 'alarm.address_conflict'"),
		"once");
}

/* Every family has its port in the database, too. */
static void every_family(void)
{
	ok(says("0", "select count(*) from unnest('{canon_rui,ipp,snmp,ricoh_udirectory,"
		     "konica_openapi,kyocera_wsdl,jetdirect_ftp}'::text[]) f where"
		     " fleet.endpoint_of('A.b', null, f, '{}', '', '{}') is null"),
		"every family has its endpoint");
	ok(says("a 8443, a 8000, a 9",
		   "select concat_ws(', ', fleet.endpoint_of('a', null, 'canon_rui', '{}', 'pin',"
		   " '{}'), fleet.endpoint_of('a', null, 'canon_rui', '{\"http\": 8000,"
		   " \"https\": 1}', '', '{}'), fleet.endpoint_of('a', null, 'canon_rui',"
		   " '{\"https\": 9}', '', '{}'))"),
		"as its adapter chooses it");
}

/* ---- FL-16 ---- */

/* sealed and factory are what the gateway says; the box is nobody's business here. */
static void credential(const char *name, const char *bound, const char *more)
{
	json_t *j = ask("credential_put",
		"{'credential': {'id': '0193dddd-0000-7000-8000-0000000000%s', 'name': 'f%s',"
		" 'kind': 'system_manager', %s%s}}",
		name, name, bound, more);

	if (*at(j, "credential.id") == '\0')
		ok(false, at(j, "fault.detail"));
	json_decref(j);
}

#define FACTORY ", 'sealed': 'AAAA', 'factory_default': true"
#define OWN ", 'sealed': 'BBBB'"

static bool warned(const char *names)
{
	json_t *j = ask("device_list", "{'filter': 'alarms has default_credential'}"), *item;
	char got[200] = "";
	size_t i;

	json_array_foreach(json_object_get(j, "items"), i, item)
	{
		(void)snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s",
			*got == '\0' ? "" : " ", at(item, "name"));
		if (!is(item, "alarms.0", "default_credential"))
			(void)snprintf(got, sizeof(got), "not shown");
	}
	json_decref(j);
	if (strcmp(got, names) != 0)
		(void)fprintf(stderr, "# warned: %s\n", got);
	return strcmp(got, names) == 0;
}

static bool told_factory(const char *n)
{
	return says(n, "select count(*) from sched.outbox where kind = 'alarm.default_credential'");
}

static void factory_logins(void)
{
	json_decref(ask("site_put", "{'site': {'name': 'south', 'time_zone': 'UTC'}}"));
	at_address("l1", "canon_rui", ", 'address': '10.8.0.1', 'site': 'south'");
	at_address("l2", "canon_rui", ", 'address': '10.8.0.2', 'site': 'south'");
	at_address("l3", "canon_rui", ", 'address': '10.8.1.3'");
	at_address("l4", "canon_rui", ", 'address': '10.7.0.4'");
	credential("01", "'site': 'south'", FACTORY);
	ok(warned("l1 l2") && told_factory("1"),
		"a login that every new device has is one alarm, and shown where it applies");
	ok(says("f01 south", "select concat_ws(' ', data ->> 'credential_name', data ->> 'site')"
			     " from sched.outbox where kind = 'alarm.default_credential'"),
		"which says whose it is, and nothing of the secret");
	credential("02", "'device': 'l1'", OWN);
	ok(warned("l2"), "a narrower one is the one that is tried (FL-14)");
	credential("03", "'range': '10.8.0.0/16'", FACTORY);
	ok(warned("l2 l3") && told_factory("2"), "of a range, too");
	json_decref(ask("group_create", "{'group': {'name': 'loose', 'kind': 'static'}}"));
	json_decref(ask("group_change_members", "{'ref': 'loose', 'add_devices': ['l4']}"));
	credential("04", "'group': 'loose'", FACTORY);
	ok(warned("l2 l3 l4") && told_factory("3"), "and of a group");
	credential("01", "'site': 'south'", "");
	ok(warned("l2 l3 l4") && told_factory("3"), "renaming changes nothing, and is no news");
	credential("01", "'site': 'south'", OWN);
	ok(warned("l3 l4"), "it is over when the login is another one");
	credential("03", "'range': '10.8.0.0/16'", OWN);
	credential("04", "'group': 'loose'", OWN);
	ok(warned("") && told_factory("3"), "everywhere");
}

/* Stored before anybody looked, or sealed elsewhere. */
static void found_by_a_worker(void)
{
	static const char id[] = "0193dddd-0000-7000-8000-000000000001";

	json_decref(ask("credential_seen", "{'id': '%s', 'version': 2}", id));
	ok(warned("") && told_factory("3"),
		"what a worker opened and was replaced since is not meant");
	json_decref(ask("credential_seen", "{'id': '%s', 'version': 3}", id));
	ok(warned("l2") && told_factory("4"), "what a worker opens is told as well");
	json_decref(ask("credential_seen", "{'id': '%s', 'version': 3}", id));
	ok(told_factory("4"), "once");
	json_decref(ask("device_set_state", "{'ref': 'l2', 'state': 'retired'}"));
	ok(warned(""), "a retired device has no alarm");
}

/* ---- FL-10 ---- */

/* What a check found so many days ago, at this firmware; the device has f2. */
static void found(const char *device, const char *capability, const char *result, int days,
	const char *firmware)
{
	(void)sql("update fleet.device set firmware = 'f2', capabilities = capabilities ||"
		  " jsonb_build_object('%s', jsonb_build_object('result', '%s', 'firmware', '%s',"
		  " 'checked_at', to_char(now() - interval '%d days', "
		  "'YYYY-MM-DD\"T\"HH24:MI:SSOF')))"
		  " where name = '%s'",
		capability, result, firmware, days, device);
}

static bool due(const char *names)
{
	json_t *j = ask("device_list", "{'filter': 'name ~ `a*` and ab_check_due = true'}");
	char got[100] = "";
	size_t i;
	json_t *item;

	json_array_foreach(json_object_get(j, "items"), i, item)(void) snprintf(got + strlen(got),
		sizeof(got) - strlen(got), "%s%s", *got == '\0' ? "" : " ", at(item, "name"));
	json_decref(j);
	if (strcmp(got, names) != 0)
		(void)fprintf(stderr, "# due: %s\n", got);
	return strcmp(got, names) == 0;
}

static void answers_grow_old(void)
{
	static const char skipped[] = "select string_agg(device_name, ' ' order by device_name)"
				      " from sched.job where run = '%s' and state = 11";
	char run[UUID_TEXT];

	for (int i = 1; i <= 4; i++) {
		char name[8], address[64];
		(void)snprintf(name, sizeof(name), "a%d", i);
		(void)snprintf(address, sizeof(address), ", 'address': '10.6.0.%d'", i);
		at_address(name, "canon_rui", address);
	}
	found("a1", "ab.read", "no", 0, "f2");
	found("a2", "ab.read", "no", 31, "f2");
	found("a3", "ab.read", "no", 0, "f1");
	found("a4", "ab.read", "yes", 0, "f2");
	ok(due("a2 a3"), "a check is due when it is too old, or met another firmware");
	json_decref(ask("task_create",
		"{'task': {'name': 'ages', 'kind': 'ab.backup', 'targets': {'devices': ['a1', 'a2',"
		" 'a3', 'a4']}, 'settings': {'lists': ['all'], 'password_sealed': 'AAAA'}}}"));
	(void)snprintf(run, sizeof(run), "%s", start("ages"));
	ok(says("a1", arena_printf(&client.arena, skipped, run)),
		"a no is believed while it is fresh; an old one is asked again by the job itself");
	json_t *j = claim(10);
	ok(json_array_size(json_object_get(j, "jobs")) == 3, "so three printers are visited");
	json_decref(j);
	(void)report("a2", "succeeded",
		", 'seen': {'firmware': 'f2', 'capabilities': [{'name': 'ab.read', 'result': 'yes',"
		" 'firmware': 'f2'}]}");
	(void)report("a3", "failed", ", 'code': 3001");
	(void)report("a4", "succeeded", ", 'seen': {'firmware': 'f3'}");
	ok(due("a3 a4"), "what was asked is fresh; what could not be asked stays as it was, with "
			 "its age; and"
			 " a job that meets another firmware makes a check due");
	ok(says("no", "select capabilities -> 'ab.read' ->> 'result' from fleet.device where name"
		      " = 'a3'"),
		"the old answer is kept");
}

/* ---- FL-12, FL-18 ---- */

static void as_person(const char *name, enum msg_right role)
{
	client.actor = name;
	client.role = role;
}

/* The request is refused with these, or with "" done. */
static bool answers(const char *code, const char *reason, json_t *j)
{
	bool good = is(j, "fault.code", code) && is(j, "fault.reason", reason);

	json_decref(j);
	return good;
}

static bool trusted(const char *name, const char *want)
{
	return says(want, arena_printf(&client.arena,
				  "select concat_ws(' ', coalesce(nullif(tls_pin, ''), '-'),"
				  " allow_unproven, model) from fleet.device where name = '%s'",
				  name));
}

static void who_says_whom_to_trust(void)
{
	at_address("t1", "canon_rui", ", 'address': '10.5.0.1', 'tls_pin': 'K1'");
	at_address("t2", "canon_rui", ", 'address': '10.5.0.2'");
	as_person("otto", MSG_OPERATOR);
	ok(answers("2004", "tls_pin_kept",
		   ask("device_update",
			   "{'ref': 't1', 'device': {'tls_pin': 'K2', 'model': 'M'}}")) &&
			answers("2004", "tls_pin_kept",
				ask("device_update", "{'ref': 't1', 'device': {'tls_pin': ''}}")) &&
			trusted("t1", "K1 f "),
		"an operator neither changes nor clears the key that a printer is known by "
		"(FL-18)");
	ok(answers("2004", "allow_unproven",
		   ask("device_update", "{'ref': 't1', 'device': {'allow_unproven': true}}")) &&
			answers("2004", "allow_unproven",
				ask("device_create",
					"{'device': {'name': 't3', 'family': 'canon_rui',"
					" 'address': '10.5.0.3', 'allow_unproven': true}}")),
		"nor enables what is not proven (FL-12)");
	ok(answers("", "",
		   ask("device_update",
			   "{'ref': 't1', 'device': {'tls_pin': 'K1', 'model': 'M'}}")) &&
			answers("", "",
				ask("device_update",
					"{'ref': 't2', 'device': {'tls_pin': 'K9'}}")) &&
			trusted("t1", "K1 f M") && trusted("t2", "K9 f "),
		"what is so already may be said; a first key may be given");
	json_t *j = ask("device_import",
		"{'devices': [{'name': 't1', 'vendor': 'V', 'serial': 'S-t1', 'family':"
		" 'canon_rui', 'address': '10.5.0.1', 'model': 'N', 'tls_pin': 'K2'},"
		" {'name': 't2', 'vendor': 'V', 'serial': 'S-t2', 'family': 'canon_rui',"
		" 'address': '10.5.0.2', 'model': 'N'},"
		" {'name': 't4', 'family': 'canon_rui', 'address': '10.5.0.4',"
		" 'allow_unproven': true}]}");
	ok(is(j, "created", "0") && is(j, "updated", "1") && is(j, "refused.0.index", "0") &&
			is(j, "refused.1.index", "2") &&
			is(j, "refused.1.reason",
				"tls_pin: its key is another one; or allow_unproven needs the role "
				"admin") &&
			trusted("t1", "K1 f M") && trusted("t2", "K9 f N") && trusted("t4", ""),
		"nor by an import: such a row is refused, all of it, the others are taken");
	json_decref(j);
	as_person("anna", MSG_ADMIN);
	ok(answers("", "",
		   ask("device_update", "{'ref': 't1', 'device': {'allow_unproven':"
					" true}}")) &&
			trusted("t1", "K1 t M"),
		"an administrator enables it");
	ok(answers("2004", "tls_pin_kept",
		   ask("device_update", "{'ref': 't1', 'device': {'tls_pin': 'K2'}}")) &&
			trusted("t1", "K1 t M"),
		"but another key is nothing that one person decides");
	as_person(NULL, MSG_INTERNAL);
}

/* FL-18: one proposes, another approves; then the printer is used again. */
static void another_key(void)
{
	static const char right[] = "{'ref': 't1', 'tls_pin': 'K2'}";

	(void)sql("update fleet.device set state = 4, state_cause = 'tls_pin_changed'"
		  " where name = 't1'");
	as_person("anna", MSG_ADMIN);
	ok(answers("8201", "no_repin", ask("device_repin_approve", right)),
		"nothing is approved that nobody proposed");
	json_t *j = ask("device_repin", right);
	ok(is(j, "device.repin", "K2") && is(j, "device.repin_by", "anna") &&
			is(j, "device.tls_pin", "K1") && is(j, "device.state", "suspended"),
		"another key is proposed, and counts for nothing yet");
	json_decref(j);
	ok(says("t1 repin", "select string_agg(concat_ws(' ', data ->> 'device_name',"
			    " data ->> 'cause'), ', ') from sched.outbox where kind ="
			    " 'approval.wanted' and subject like 'device/%'"),
		"those who may approve it are told");
	ok(answers("8201", "repin_second_person", ask("device_repin_approve", right)),
		"whoever proposed it does not approve it");
	as_person("otto", MSG_OPERATOR);
	ok(answers("2004", "right", ask("device_repin_approve", right)), "nor does an operator");
	as_person("berta", MSG_ADMIN);
	ok(answers("8201", "no_repin",
		   ask("device_repin_approve", "{'ref': 't1', 'tls_pin': 'K3'}")),
		"nor another key than the one that was proposed");
	(void)sql("update fleet.device set repin_at = now() - interval '8 days' where name = 't1'");
	ok(answers("8201", "order_expired", ask("device_repin_approve", right)),
		"nor is it approved after a week");
	as_person("otto", MSG_OPERATOR);
	ok(answers("", "", ask("device_repin", right)), "an operator may propose");
	as_person("anna", MSG_ADMIN);
	j = ask("device_repin_approve", right);
	ok(is(j, "device.tls_pin", "K2") && is(j, "device.state", "enrolled") &&
			is(j, "device.state_cause", "") && is(j, "device.repin", ""),
		"a second person approves: the printer is known by it and used again");
	json_decref(j);
	as_person(NULL, MSG_INTERNAL);
	json_decref(ask("device_set_state", "{'ref': 't1', 'state': 'suspended'}"));
	as_person("otto", MSG_OPERATOR);
	json_decref(ask("device_repin", "{'ref': 't1', 'tls_pin': 'K4'}"));
	as_person("anna", MSG_ADMIN);
	j = ask("device_repin_approve", "{'ref': 't1', 'tls_pin': 'K4'}");
	ok(is(j, "device.tls_pin", "K4") && is(j, "device.state", "suspended"),
		"what a person suspended stays so");
	json_decref(j);
	as_person(NULL, MSG_INTERNAL);
}

/* Another key, another machine: nothing more is sent to it before a person has looked. */
static void another_one_at_its_address(const char *name, unsigned code, const char *cause)
{
	char run[UUID_TEXT];

	enrol(name, "canon_rui", "");
	json_decref(ask("task_create",
		"{'task': {'name': 'of %s', 'kind': 'settings.backup', 'targets': {'devices':"
		" ['%s']}}}",
		name, name));
	(void)snprintf(run, sizeof(run), "%s", start(sql("select 'of %s'", name)));
	take();
	char rest[64];
	(void)snprintf(rest, sizeof(rest), ", 'code': %u", code);
	ok(report(name, "failed", rest) && run_becomes(run, "failed"), cause);
	json_t *j = ask("device_get", "{'ref': '%s'}", name);
	ok(is(j, "device.state", "suspended") && is(j, "device.state_cause", cause),
		"the printer is suspended");
	json_decref(j);
	ok(strcmp(sql("select count(*) from sched.outbox where kind = 'device.%s' and data ->>"
		      " 'device_name' = '%s'",
			  cause, name),
		   "1") == 0,
		"and it is told");
	(void)snprintf(run, sizeof(run), "%s", start(sql("select 'of %s'", name)));
	ok(run_becomes(run, "succeeded_none") &&
			strcmp(sql("select state || ' ' || cause from sched.job where run = '%s'",
				       run),
				"11 1008") == 0,
		"no job goes to it any more");
}

/* FL-5: the worker is told what the record says now, not what it said then. */
static void managed_since_the_plan(void)
{
	char plan[UUID_TEXT], run[UUID_TEXT];

	enrol("m1", "canon_rui", "");
	restore_task("managed", "'m1'", "");
	(void)snprintf(plan, sizeof(plan), "%s", start("managed"));
	take();
	(void)report_plan("m1", 1, 1, "");
	(void)run_becomes(plan, "awaiting_approval");
	json_decref(ask("device_update", "{'ref': 'm1', 'device': {'managed_by': 'vendor_sync'}}"));
	(void)snprintf(run, sizeof(run), "%s", apply_run(plan));
	json_t *j = claim(10);
	ok(is(j, "jobs.0.phase", "apply") && is(j, "jobs.0.device.managed_by", "vendor_sync"),
		"somebody else manages it since it was planned: its job says so");
	json_decref(j);
	ok(report("m1", "skipped", ", 'code': 1007") && run_becomes(run, "succeeded_none"),
		"and ends skipped");
}

int main(void)
{
	client_open();
	(void)scheduler_start_one(quick);
	client_connect(1);
	whoever_meets();
	nothing_is_written();
	two_imports_at_once();
	every_family();
	factory_logins();
	found_by_a_worker();
	answers_grow_old();
	who_says_whom_to_trust();
	another_key();
	another_one_at_its_address("key", 3101, "tls_pin_changed");    /* FL-18 */
	another_one_at_its_address("swap", 4005, "identity_mismatch"); /* FL-1 */
	managed_since_the_plan();
	client_close();
	return finish_tests();
}
