// SPDX-License-Identifier: Apache-2.0
/* What others are told of: backups that are overdue, alarms, an outbox that nobody empties
 * (docs/spec/fleet.md section 10); and reruns over every choice of states (FL-62, FL-63). */
#include "tests/service/scheduler_client.h"

static const char *const quick[] = {"--tick_ms=50", "--outbox_max=100", NULL};

static bool says(const char *want, const char *query)
{
	const char *got = sql("%s", query);

	if (strcmp(got, want) != 0)
		(void)fprintf(stderr, "# %s\n# %s\n", query, got);
	return strcmp(got, want) == 0;
}

static void fleet(void)
{
	(void)sql("insert into fleet.device (id, name, vendor, family, serial, address, created_at,"
		  " capabilities) select sched.uuid7(), 'd' || i, 'Canon', 'canon_rui', 'S' || i,"
		  " '10.0.0.' || i, now() - interval '10 days', case i when 2 then"
		  " '{\"ab.read\": {\"result\": \"yes\"}}'::jsonb else '{}' end"
		  " from generate_series(1, 9) i");
}

/* Checked so long ago; as storage would say it. */
static void verified(const char *device, int days)
{
	(void)sql("set session_replication_role = replica; insert into store.head select"
		  " d.id, d.id, 'address_book', d.id, 1, now() - interval '%d days' from"
		  " fleet.device d where name = '%s' on conflict (device_id, kind) do update set"
		  " last_check_at = excluded.last_check_at; reset session_replication_role",
		days, device);
}

static void overdue(void)
{
	verified("d1", 9);
	verified("d4", 7);
	ok(says("2", "select sched.tell_overdue(8)"),
		"a printer whose last verified version is too old, and one that never had any");
	ok(says("d2 never, d1 known, 2",
		   "select string_agg((e ->> 'device_name') || case when e ? 'last' then ' known'"
		   " else ' never' end, ', ' order by o) || ', ' || (data ->> 'n') from"
		   " sched.outbox, jsonb_array_elements(data -> 'list') with ordinality x(e, o)"
		   " where kind = 'backup.overdue' group by data"),
		"are told together (FL-79)");
	ok(says("0", "select sched.tell_overdue(8)"), "and once");
	verified("d1", 0);
	ok(says("0", "select sched.tell_overdue(8)"), "one that has a version again is silent");
	verified("d1", 10);
	ok(says("1", "select sched.tell_overdue(8)"), "until it is overdue again");
}

static void alarms(void)
{
	(void)sql("begin; update fleet.device set half_written = true where name = 'd3';"
		  " rollback");
	ok(says("0", "select count(*) from sched.outbox where kind like 'alarm.%'"),
		"a state that never was is not told (FL-67)");
	(void)sql("update fleet.device set half_written = true where name = 'd3'");
	(void)sql("update fleet.device set half_written = true where name = 'd3'");
	ok(says("d3", "select string_agg(data ->> 'device_name', ', ') from sched.outbox"
		      " where kind = 'alarm.device_half_written'"),
		"one that is, once");
	(void)sql("select sched.alarm('alarm.scrub_late', 'vault/x', '{}') from"
		  " generate_series(1, 3)");
	ok(says("1", "select count(*) from sched.outbox where kind = 'alarm.scrub_late'"),
		"what goes on is told once");
	(void)sql("update sched.alarmed set at = at - interval '25 hours'");
	(void)sql("select sched.alarm('alarm.scrub_late', 'vault/x', '{}')");
	ok(says("2", "select count(*) from sched.outbox where kind = 'alarm.scrub_late'"), "a day");
	ok(says("f f t",
		   "select concat_ws(' ', has_table_privilege('carnet_storage', 'sched.outbox',"
		   " 'insert'), has_function_privilege('carnet_lock',"
		   " 'sched.tell(uuid,text,text,jsonb)', 'execute'),"
		   " has_function_privilege('carnet_storage', 'sched.tell(uuid,text,text,jsonb)',"
		   " 'execute'))"),
		"storage has a door to the outbox, and no more");
}

static void many_are_one(void)
{
	static const char more[] = "select sched.tell_more('vault.verify_failed', 'vault/y',"
				   " '{\"vault_name\": \"y\"}', '{\"state\": \"missing\"}')"
				   " from generate_series(1, 60)";
	static const char told[] = "select string_agg((data ->> 'n') || ' ' ||"
				   " jsonb_array_length(data -> 'list'), ', ' order by id) from"
				   " sched.outbox where kind = 'vault.verify_failed'";

	(void)sql("%s", more);
	ok(says("60 50", told), "many alike are one event, with how many and the first 50");
	json_decref(ask("outbox_take", "{'max': 100}"));
	(void)sql("%s", more);
	ok(says("60 50, 60 50", told), "until it was taken: what somebody has does not change");
}

/* However long events are, some go into a message; one that would go into none says less. */
static void long_ones(void)
{
	size_t got = 0, most = 0;

	(void)sql("delete from sched.outbox; insert into sched.outbox (kind, subject, data) select"
		  " 'job.failed', 'run/' || i, jsonb_build_object('failed', 50, 'jobs', repeat('x',"
		  " case i when 7 then 70000 else 60000 end)) from generate_series(1, 40) i");
	for (int page = 0; page < 40 && got < 40; page++) {
		json_t *j = ask("outbox_take", "{'max': 100}");
		size_t n = json_array_size(json_object_get(j, "items"));
		got += n;
		most = size_max(most, n);
		for (size_t i = 0; i < n; i++) {
			const json_t *one = json_array_get(json_object_get(j, "items"), i);
			if (strcmp(at(one, "subject"), "run/7") == 0)
				ok(is(one, "data", "{\"failed\": 50}"),
					"an event that is too long comes without its list");
		}
		json_decref(j);
		if (n == 0)
			break;
	}
	ok(got == 40 && most > 1, "all are given out, page by page");
	(void)sql("delete from sched.outbox");
}

/* FL-81 */
static void bounded(void)
{
	(void)sql("delete from sched.outbox; insert into sched.outbox (id, kind, subject, data, at)"
		  " select ('00000000-0000-7000-8000-' || lpad(i::text, 12, '0'))::uuid, "
		  "'run.finished', 'run/' || i, '{}', now() - interval '1 h' from"
		  " generate_series(1, 150) i; update sched.outbox set kind = 'audit.write' where"
		  " subject = 'run/2'");
	(void)sql("select sched.outbox_purge(1000, 7200000)");
	ok(says("150 0", "select count(*) || ' ' || count(*) filter (where kind like 'alarm.%')"
			 " from sched.outbox"),
		"nothing goes before its time while there is room");
	(void)scheduler_start_one(quick);
	ok(becomes("true 1 0",
		   "select (count(*) between 99 and 101) || ' ' || count(*) filter (where subject "
		   "= 'run/150') || ' ' ||"
		   " count(*) filter (where subject in ('run/1', 'run/50')) from sched.outbox"
		   " where kind not in ('alarm.events_lost', 'audit.write')"),
		"with nobody to take them the oldest go when there are too many");
	ok(says("t",
		   "select (data ->> 'n')::int >= 48 and (data -> 'kinds' ->> 'run.finished')::int"
		   " >= 48 from sched.outbox where kind = 'alarm.events_lost'"),
		"and how many went is told");
	/* a statement does not see what a function that it calls takes away: the next one does */
	ok(becomes("0", "select (select lost from sched.outbox_purge(1000, 1800000)) + count(*)"
			" from sched.outbox where at < now() - interval '30 min' and kind <>"
			" 'audit.write'"),
		"those that waited too long go, too");
	ok(says("1", "select count(*) from sched.outbox where kind = 'audit.write'"),
		"but nothing that has to stand in the audit trail (FL-71)");
	ok(says("true 1", "select ((data ->> 'n')::int >= 149) || ' ' || count(*) over ()"
			  " from sched.outbox where kind = 'alarm.events_lost'"),
		"told in the same event, which stays");
}

/* ---- reruns ---- */

static const char *const states[] = {
	"succeeded", "unchanged", "partial", "skipped", "failed", "dead", "missed", "cancelled"};

/* A job in each terminal state, and one more that failed because it is not supported. */
static const char *ended_run(void)
{
	json_decref(ask("task_create", "{'task': {'name': 'all', 'kind': 'device.probe',"
				       " 'targets': {'all': true}}}"));
	json_t *j = ask("run_start", "{'ref': 'all'}");
	static char run[UUID_TEXT];

	(void)snprintf(run, sizeof(run), "%s", at(j, "run.id"));
	json_decref(j);
	(void)sql("set session_replication_role = replica; update sched.job j set state ="
		  " case x.n when 9 then 12 else 7 + x.n end, cause = case when x.n in (4, 9)"
		  " then 1001 else 0 end from (select id, row_number() over (order by device_name)"
		  " as n from sched.job where run = '%s') x where j.id = x.id; delete from"
		  " sched.ready; update sched.run set state = 8, ended_at = now() where id = '%s';"
		  " reset session_replication_role",
		run, run);
	return run;
}

static void reruns(void)
{
	const char *run = ended_run();
	char list[160], numbers[64];
	int bad = 0;

	(void)sql("create table chosen (run uuid, states int[])");
	for (unsigned mask = 1; mask < 256; mask++) {
		list[0] = numbers[0] = '\0';
		for (unsigned i = 0; i < 8; i++) {
			if ((mask & 1u << i) == 0)
				continue;
			(void)snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s'%s'",
				*list == '\0' ? "" : ", ", states[i]);
			(void)snprintf(numbers + strlen(numbers), sizeof(numbers) - strlen(numbers),
				"%s%u", *numbers == '\0' ? "" : ",", 8 + i);
		}
		json_t *j = ask("run_rerun", "{'id': '%s', 'states': [%s]}", run, list);
		bad += *at(j, "run.id") == '\0';
		(void)sql("insert into chosen values ('%s', '{%s}')", at(j, "run.id"), numbers);
		json_decref(j);
	}
	ok(bad == 0, "each choice of states makes a run (FL-62)");
	(void)sql("create view odd as select c.run from chosen c where"
		  " (select array_agg(j.device order by j.device) from sched.job j where j.run ="
		  " c.run) is distinct from (select array_agg(j.device order by j.device) from"
		  " sched.job j where j.run = '%s' and j.state = any (c.states))",
		run);
	ok(says("255 0", "select (select count(*) from chosen) || ' ' || (select count(*) from"
			 " odd)"),
		"over exactly the chosen targets, whatever they failed of (FL-63, FL-64)");
	json_t *j = ask("run_rerun", "{'id': '%s'}", run);
	ok(is(j, "fault.reason", "states_required"), "no choice, no run");
	json_decref(j);
}

int main(void)
{
	client_open();
	fleet();
	overdue();
	alarms();
	(void)scheduler_start_one(quick);
	client_connect(1);
	many_are_one();
	long_ones();
	reruns();
	scheduler_kill(0);
	bounded();
	client_close();
	return finish_tests();
}
