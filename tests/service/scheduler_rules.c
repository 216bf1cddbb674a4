// SPDX-License-Identifier: Apache-2.0
/* Frozen lists, reruns, firings, transitions, culprits: docs/spec/fleet.md and reliability.md
 * RL-15..17, with two schedulers on one database. */
#include <time.h>

#include "tests/service/scheduler_client.h"

static const char *const quick[] = {"--tick_ms=50", "--backoff_ms=10", "--backoff_max_ms=20",
	"--defer_ms=50", "--lease_ms=1000", NULL};
static const char worker[] = "0193aaaa-0000-7000-8000-00000000000";

static void fleet(void)
{
	(void)sql("insert into fleet.device (id, name, vendor, family, serial, address) select "
		  "sched.uuid7(), 'd' || i,"
		  " 'Canon', 'canon_rui', 'S' || i, '10.0.0.' || i from generate_series(1, 8) i");
	json_decref(ask("group_create", "{'group': {'name': 'inner', 'kind': 'static'}}"));
	json_decref(ask("group_create", "{'group': {'name': 'outer', 'kind': 'static'}}"));
	json_decref(ask("group_create",
		"{'group': {'name': 'auto', 'kind': 'dynamic', 'filter': 'name in (d3, d4)'}}"));
	json_decref(ask("group_change_members",
		"{'ref': 'inner', 'add_devices': ['d1', 'd2'], 'add_groups': ['auto']}"));
	json_decref(ask("group_change_members",
		"{'ref': 'outer', 'add_devices': ['d2', 'd5'], 'add_groups': ['inner']}"));
	json_t *j = ask("group_change_members", "{'ref': 'inner', 'add_groups': ['outer']}");
	ok(is(j, "fault.reason", "group_cycle"), "a circle of groups is refused at save");
	json_decref(j);
	j = ask("group_preview", "{'ref': 'outer'}");
	ok(is(j, "total", "5") && is(j, "by_family.0.n", "5"),
		"a preview counts who would be in a run now");
	json_decref(j);
	j = ask("task_create",
		"{'task': {'name': 't', 'kind': 'settings.backup', 'targets': {'groups': ['outer'],"
		" 'exclude_devices': ['d5']}}}");
	ok(strstr(at(j, "task.note"), "when a run starts") != NULL,
		"saving says that members join later (FL-23)");
	json_decref(j);
}

static void frozen_list(void)
{
	json_t *j = ask("run_start", "{'ref': 't'}");

	ok(is(j, "run.counts.total", "4"),
		"nested, dynamic and excluded members give four targets, each once");
	char run[UUID_TEXT];
	(void)snprintf(run, sizeof(run), "%s", at(j, "run.id"));
	json_decref(j);
	json_decref(ask("group_change_members",
		"{'ref': 'inner', 'remove_devices': ['d1'], 'add_devices': ['d6', 'd7']}"));
	json_t *k = ask("run_get", "{'id': '%s'}", run);
	ok(is(k, "run.counts.total", "4"),
		"a change after the opening leaves the run as it is (FL-22)");
	json_decref(k);
	k = ask("run_start", "{'ref': 't'}");
	ok(is(k, "run.counts.total", "5") && is(k, "run.added", "2") && is(k, "run.removed", "1"),
		"the next run has them, shown as +2 -1");
	char second[UUID_TEXT];
	(void)snprintf(second, sizeof(second), "%s", at(k, "run.id"));
	ok(is(k, "run.saved_added", "2") && is(k, "run.saved_removed", "1"),
		"against the list of when the task was saved, too (FL-23)");
	json_decref(k);
	k = ask("run_changes", "{'id': '%s'}", second);
	ok(json_array_size(json_object_get(k, "items")) == 6 && is(k, "items.0.since", "saved") &&
			is(k, "items.0.came", "true") && is(k, "items.0.name", "d6") &&
			is(k, "items.1.name", "d7") && is(k, "items.2.name", "d1") &&
			is(k, "items.2.came", "") && is(k, "items.3.since", "last") &&
			is(k, "items.5.name", "d1"),
		"with the names of who came and who went (FL-23)");
	json_decref(k);
	k = ask("job_claim", "{'worker': '%s1', 'slots': 64}", worker);
	ok(json_array_size(json_object_get(k, "jobs")) == 6,
		"two runs over the same devices: each device is handed out once");
	json_decref(k);
	k = ask("run_cancel", "{'id': '%s'}", run);
	json_decref(ask("run_cancel", "{'id': '%s'}", second));
	json_decref(k);
	k = ask("job_renew", "{'worker': '%s1', 'jobs': []}", worker);
	json_decref(k);
	ok(becomes("10,10", "select string_agg(state::text, ',') from sched.run"),
		"cancelled runs end when their claimed jobs are lost or reported");
	ok(strcmp(sql("select count(*) from sched.ready"), "0") == 0 &&
			strcmp(sql("select count(*) from sched.active"), "0") == 0 &&
			strcmp(sql("select count(*) from sched.later"), "0") == 0,
		"and nothing of them waits anywhere");
}

static void rerun_explicit(void)
{
	json_t *j = ask("run_start", "{'ref': 't'}");
	char run[UUID_TEXT];

	(void)snprintf(run, sizeof(run), "%s", at(j, "run.id"));
	json_decref(j);
	(void)sql("delete from sched.ready; delete from sched.later; update sched.job set"
		  " held = 3, attempt = 1, state = case device_name when 'd2' then 11 else 12 end,"
		  " cause = case device_name when 'd2' then 1001 else 3001 end where run = '%s'",
		run);
	ok(becomes("8", "select case state when 9 then 8 end from sched.run where id = '%s'", run),
		"it failed");
	j = ask("run_rerun", "{'id': '%s'}", run);
	ok(is(j, "fault.reason", "states_required"), "a rerun without states is refused (FL-62)");
	json_decref(j);
	j = ask("run_rerun", "{'id': '%s', 'states': ['skipped']}", run);
	ok(is(j, "run.counts.total", "1") && is(j, "run.rerun_of", run),
		"skipped targets can be chosen (FL-63)");
	json_decref(j);
	j = ask("run_rerun",
		"{'id': '%s', 'states': ['failed', 'skipped'], 'causes': ['unreachable']}", run);
	ok(is(j, "run.counts.total", "4"), "causes only narrow");
	json_decref(j);
	(void)sql("update sched.run set state = 4 where state < 6");
	ok(becomes("0", "select count(*) from sched.run where state < 6"), "all of them end");
}

static void as_it_was(void)
{
	char run[UUID_TEXT];
	json_t *j = ask("task_create", "{'task': {'name': 'old', 'kind': 'settings.backup', "
				       "'targets': {'devices': ['d1']},"
				       " 'settings': {'items': ['forwarding']}}}");

	json_decref(j);
	j = ask("run_start", "{'ref': 'old'}");
	(void)snprintf(run, sizeof(run), "%s", at(j, "run.id"));
	json_decref(j);
	json_decref(ask("job_cancel", "{'id': '%s'}",
		sql("select id from sched.job where run = '%s'", run)));
	json_decref(ask("task_update", "{'ref': 'old', 'task': {'settings': {'items': ['box']}}}"));
	for (int k = 0; k < 2; k++) {
		j = ask("run_rerun", "{'id': '%s', 'states': ['cancelled']%s}", run,
			k == 0 ? "" : ", 'as_it_was': true");
		ok(strcmp(sql("select settings->'items'->>0 from sched.run where id = '%s'",
				  at(j, "run.id")),
			   k == 0 ? "box" : "forwarding") == 0 &&
				is(j, "run.as_it_was", k == 0 ? "" : "true"),
			k == 0 ? "a rerun has the task's present settings (FL-64)"
			       : "or those of then (FL-64)");
		json_decref(j);
	}
	ok(strcmp(sql("select last_run from sched.task where name = 'old'"), run) == 0,
		"a rerun is not what the next list is compared with (FL-23)");
	json_decref(ask("task_delete", "{'ref': 'old'}"));
	j = ask("run_rerun", "{'id': '%s', 'states': ['cancelled']}", run);
	ok(is(j, "fault.reason", "task_gone"), "without its task a run is not repeated");
	json_decref(j);
	j = ask("run_rerun", "{'id': '%s', 'states': ['cancelled'], 'as_it_was': true}", run);
	ok(is(j, "run.counts.total", "1"), "as it was, it needs no task");
	json_decref(j);
	j = ask("task_create",
		"{'task': {'name': 'off', 'kind': 'device.restart', 'targets': {'devices':"
		" ['d1']}}}");
	json_decref(j);
	j = ask("run_start", "{'ref': 'off'}");
	json_t *k = ask("run_rerun", "{'id': '%s', 'states': ['failed'], 'as_it_was': true}",
		at(j, "run.id"));
	ok(is(k, "fault.reason", "reads_only"),
		"what changes a device never runs as it was (FL-64)");
	json_decref(j);
	json_decref(k);
	(void)sql("update sched.run set state = 4 where state < 6");
	ok(becomes("0", "select count(*) from sched.run where state < 6"), "all of them end");
}

/* fleet.md section 11 */
static void built_in(void)
{
	json_t *j = ask("task_list", "{'filter': 'built_in = true and kind = device.probe'}");
	char id[UUID_TEXT];

	(void)snprintf(id, sizeof(id), "%s", at(j, "items.0.id"));
	ok(is(j, "total", "1") && is(j, "items.0.kind", "device.probe") &&
			is(j, "items.0.active", "true") && *at(j, "items.0.next_at") != '\0',
		"a task that comes with Carnet is there, and due");
	json_decref(j);
	j = ask("task_delete", "{'ref': '%s'}", id);
	ok(is(j, "fault.reason", "built_in"), "it cannot be removed");
	json_decref(j);
	j = ask("task_update", "{'ref': '%s', 'task': {'kind': 'settings.backup'}}", id);
	ok(is(j, "fault.reason", "built_in"), "nor become another one");
	json_decref(j);
	j = ask("task_update",
		"{'ref': '%s', 'task': {'schedule': {'form': 'every_days', 'n': 1, 'time':"
		" '03:00', 'zone': 'target'}, 'targets': {'devices': ['d1']}}}",
		id);
	ok(is(j, "task.schedule.form", "every_days") && is(j, "task.built_in", "true"),
		"it can be rescheduled");
	json_decref(j);
	ok(strcmp(sql("select count(*) between 50 and 150 from generate_series(1, 3000) i where"
		      " fleet.check_due(md5(i::text)::uuid, jsonb_build_object('result', 'yes',"
		      " 'checked_at', clock_timestamp() - interval '2 days'))"),
		   "t") == 0 &&
			strcmp(sql("select fleet.check_due(d.id, null) and fleet.check_due(d.id,"
				   " jsonb_build_object('result', 'refused', 'checked_at',"
				   " clock_timestamp())) and not fleet.check_due(d.id,"
				   " jsonb_build_object('result', 'no', 'checked_at',"
				   " clock_timestamp())) from fleet.device d limit 1"),
				"t") == 0,
		"a thirtieth of the fleet is checked each day, and who never answered");
	ok(strcmp(sql("create function pg_temp.plan_of(text) returns text language plpgsql as $$"
		      " declare line text; plan text := ''; begin for line in execute"
		      " 'explain ' || $1 loop plan := plan || line; end loop; return plan; end $$;"
		      " select pg_temp.plan_of('select from fleet.device d where"
		      " fleet.check_due(d.id, d.capabilities -> ''ab.read'', d.firmware) or"
		      " fleet.check_old(d.capabilities -> ''ab.read'', d.firmware)')"
		      " !~ 'check_due|check_old|other_firmware'"),
		   "t") == 0,
		"which is asked of 100,000 within the statement, by no call for each");
	(void)sql("update sched.task set next_at = clock_timestamp(), next_local ="
		  " to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI'),"
		  " targets = '{\"all\": true}' where id = '%s'",
		id);
	ok(becomes("t",
		   "select count(*) = (select count(*) from fleet.device where state <> 5) from"
		   " sched.job j join sched.run r on r.id = j.run where r.task = '%s' and r.cause ="
		   " 'schedule'",
		   id),
		"it runs by itself, over the whole fleet, and shows among the runs");
	j = ask("task_update", "{'ref': '%s', 'task': {'active': false}}", id);
	ok(is(j, "task.active", "false"), "it can be switched off");
	json_decref(j);
	(void)sql("update sched.run set state = 4 where state < 6");
	ok(becomes("0", "select count(*) from sched.run where state < 6"), "all of it ends");
}

/* FL-60: the transitions and the jobs go with their run, nothing else does. */
static void history_is_kept_for_a_time(void)
{
	long all = atol(sql("select count(*) from sched.run"));
	const char *some =
		sql("update sched.run set opened_at = now() - interval '401 days',"
		    " ended_at = now() - interval '401 days' where id in (select id from"
		    " sched.run where state >= 6 limit 2); select count(*) from sched.run"
		    " where ended_at < now() - interval '400 days'");

	ok(strcmp(some, "2") == 0, "two runs ended more than 400 days ago");
	for (int i = 0; i < 10; i++)
		(void)sql("select sched.purge_history(now() - interval '400 days', 2)");
	ok(strcmp(sql("select %ld - count(*) from sched.run", all), "2") == 0,
		"they are forgotten, some jobs at a time (FL-60)");
	ok(strcmp(sql("select (select count(*) from sched.job j where not exists (select from"
		      " sched.run r where r.id = j.run)) + (select count(*) from sched.transition t"
		      " where not exists (select from sched.job j where j.id = t.job)) +"
		      " (select count(*) from sched.run_count c where not exists (select from"
		      " sched.run r where r.id = c.run))"),
		   "0") == 0,
		"with their targets, transitions and counts");
}

/* RL-1: the triggers over all pairs of states, whoever writes. What is held (3 to 5) stands in
 * sched.active; it gets there from 2, and leaves with the attempt that it was. */
static void transitions(void)
{
	const char *bad = sql(
		"do $$ declare f int; t int; taken bool; wrong int := 0;"
		" one constant uuid := '00000000-0000-7000-8000-0000000000ff'; begin"
		" insert into sched.job (id, run, device, state, pool, family, created_at,"
		"  device_name, address, type, via)"
		"  values (one, one, one, 1, '', '', now(), '', '', 1, '');"
		" for f in 1..15 loop for t in 1..15 loop continue when f = t;"
		" begin"
		"  alter table sched.job disable trigger job_moved;"
		"  update sched.job set state = case when f between 3 and 5 then 2 else f end,"
		"   attempt = 0, held = null where id = one;"
		"  alter table sched.job enable trigger job_moved;"
		"  if f between 3 and 5 and t between 3 and 5 or f = 2 and t between 3 and 5 then"
		"   insert into sched.active (device, job, run, worker, attempt, state, "
		"lease_until)"
		"    values (one, one, one, one, 1, case f when 2 then t else 3 end, now());"
		"   for k in 4..f loop update sched.active set state = k where job = one; end loop;"
		"   update sched.active set state = t where job = one;"
		"  elsif f between 3 and 5 then"
		"   update sched.job set state = t, held = f, attempt = 1 where id = one;"
		"  else update sched.job set state = t where id = one; end if;"
		"  taken := true; delete from sched.active where job = one;"
		" exception when check_violation then taken := false; end;"
		" if taken <> exists (select from sched.job_edge where from_state = f and to_state"
		"  = t) then wrong := wrong + 1; raise warning '%% to %%: %%', f, t, taken; end if;"
		" end loop; end loop;"
		" delete from sched.job where id = one;"
		" raise exception 'wrong %%', wrong; end $$");

	ok(strstr(bad, "wrong 0") != NULL,
		"the triggers take each edge of the table and refuse all others");
}

static void tick_once(void)
{
	json_decref(ask("task_create",
		"{'task': {'name': 'often', 'kind': 'device.probe', 'targets': {'devices': ['d1']},"
		" 'schedule': {'form': 'every_minutes', 'n': 1}}}"));
	ok(becomes("1", "select count(*) from sched.run where cause = 'schedule'"),
		"a due task is fired");
	/* the same occurrences again and again, as two planners and a clock that went back would
	 * see them */
	for (int i = 0; i < 20; i++) {
		(void)sql("update sched.task set next_at = (select min(due_at) from sched.firing), "
			  "next_local ="
			  " (select local from sched.firing order by due_at limit 1) where name = "
			  "'often'");
		pause_ms(30);
	}
	ok(becomes("1", "select count(*) from sched.run where cause = 'schedule'"),
		"an occurrence fires once, with two planners and whatever the clock does (FL-33)");
	(void)sql("delete from sched.firing; update sched.task set next_at = now() - interval '5 "
		  "minutes 10 seconds',"
		  " next_local = 'x', schedule = jsonb_set(schedule, '{start_at}', "
		  "to_jsonb(to_char((now() - interval '1 day')"
		  " at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:00.000\"Z\"'))) where name "
		  "= 'often'");
	ok(becomes("2", "select count(*) from sched.run where cause = 'schedule' and state <> 12"),
		"after a pause the newest firing runs");
	/* a minute may have begun before the pause did: then its firing made two runs already */
	ok(becomes("t", "select coalesce(max(missed), 0) >= 4 from sched.run where state = 12"),
		"the older ones are recorded as missed (FL-35)");
	json_decref(ask("task_delete", "{'ref': 'often'}"));
	(void)sql("update sched.run set state = 4 where state < 6");
	ok(becomes("0", "select count(*) from sched.run where state < 6"), "and are cancelled");
}

static void culprits(void)
{
	json_t *j = ask("run_start", "{'ref': 't'}");
	char job[UUID_TEXT];

	json_decref(j);
	for (int i = 1; i <= 3; i++) {
		/* whoever comes back first is the same poisonous one */
		(void)becomes("0", "select count(*) from sched.later");
		j = ask("job_claim", "{'worker': '%s%d', 'slots': 64}", worker, i + 1);
		ok(json_array_size(json_object_get(j, "jobs")) == 5, "all five are handed out");
		if (i == 1)
			(void)snprintf(job, sizeof(job), "%s", at(j, "jobs.0.job"));
		json_decref(j);
		json_decref(ask("worker_died",
			"{'worker': '%s%d', 'job': '%s', 'attempt': %d, 'phase': 'parse'}", worker,
			i + 1, job, i));
		ok(becomes("0", "select count(*) from sched.active"),
			"their worker's death frees them");
	}
	j = ask("job_get", "{'id': '%s'}", job);
	ok(is(j, "target.state", "dead") && is(j, "target.crashes", "3") &&
			is(j, "target.cause", "crash_limit"),
		"the third death in one job sets it aside (RL-16)");
	json_decref(j);
	ok(strcmp(sql("select sum(crashes) + sum(errors) from sched.job where state not in (13) "
		      "and run ="
		      " (select id from sched.run where state = 3)"),
		   "0") == 0,
		"its neighbours are charged nothing");
	(void)becomes("0", "select count(*) from sched.later");
	json_decref(ask("job_claim", "{'worker': '%s9', 'slots': 64}", worker));
	ok(becomes("0", "select count(*) from sched.active"),
		"a silent worker loses its jobs with its lease (FL-53)");
	ok(strcmp(sql("select min(suspect) || ',' || max(suspect) from sched.job where state in "
		      "(2, 7)"),
		   "1,1") == 0,
		"nobody knows whom to blame: four suspects, one at a time (RL-17)");
	ok(becomes("1", "select count(*) from sched.ready"), "one of them may be claimed now");
	json_decref(ask("run_list", "{'limit': 1}"));
}

/* The same worker goes on asking, but does not name what it was given. */
static void unheard(void)
{
	char first[UUID_TEXT];

	(void)sql("update sched.run set state = 4 where state < 6");
	(void)becomes("0", "select count(*) from sched.run where state < 6");
	json_decref(ask("run_start", "{'ref': 't'}"));
	(void)becomes("5", "select count(*) from sched.ready");
	json_decref(ask("job_claim", "{'worker': '%s7', 'slots': 1}", worker));
	(void)snprintf(first, sizeof(first), "%.36s", sql("select job from sched.active"));
	for (int i = 0; i < 400 && strcmp(sql("select count(*) from sched.active"), "0") != 0;
		i++) {
		struct timespec pause = {0, 20000000};
		json_decref(ask("job_renew", "{'worker': '%s7'}", worker));
		(void)nanosleep(&pause, NULL);
	}
	ok(strcmp(sql("select count(*) from sched.active"), "0") == 0,
		"a job whose claim was answered to nobody is free again with its lease");
	ok(strcmp(sql("select crashes || ' ' || errors || ' ' || suspect from sched.job where id = "
		      "'%s'",
			  first),
		   "0 0 0") == 0,
		"and is charged nothing, for its worker lives (RL-17)");
}

/* FL-70: who saw an older version changes nothing, whatever the change. */
static void stale_versions(void)
{
	static const struct {
		const char *make, *noun, *message, *rest;
	} changes[] = {
		{"{'device': {'name': 'v', 'vendor': 'V', 'family': 'snmp', 'serial': 'v',"
		 " 'address': '10.0.0.9'}}",
			"device", "device_update", ", 'device': {'model': 'M'}"},
		{NULL, "device", "device_set_state", ", 'state': 'suspended'"},
		{"{'group': {'name': 'v', 'kind': 'static'}}", "group", "group_update",
			", 'group': {'name': 'w'}"},
		{NULL, "group", "group_change_members", ", 'add_devices': ['v']"},
		{NULL, "group", "group_delete", ""},
		{"{'task': {'name': 'v', 'kind': 'device.probe', 'targets': {'devices': ['v']}}}",
			"task", "task_update", ", 'task': {'active': false}"},
		{NULL, "task", "task_delete", ""},
	};
	bool refused = true, taken = true;
	char message[40], id[UUID_TEXT] = "";
	long version = 0;

	for (size_t i = 0; i < array_len(changes); i++) {
		(void)snprintf(message, sizeof(message), "%s_create", changes[i].noun);
		if (changes[i].make != NULL) {
			json_t *j = ask(message, "%s", changes[i].make);
			const json_t *made = json_object_get(j, changes[i].noun);
			(void)snprintf(id, sizeof(id), "%s", at(made, "id"));
			version = number_at(made, "version");
			json_decref(j);
		}
		json_t *j = ask(changes[i].message, "{'ref': '%s', 'if_version': %ld%s}", id,
			version + 1, changes[i].rest);
		refused = is(j, "fault.reason", "version") && refused;
		json_decref(j);
		j = ask(changes[i].message, "{'ref': '%s', 'if_version': %ld%s}", id, version,
			changes[i].rest);
		taken = json_object_get(j, "fault") == NULL && taken;
		version = number_at(json_object_get(j, changes[i].noun), "version");
		json_decref(j);
	}
	ok(refused, "changes of tasks, groups and devices that name another version are refused");
	ok(taken, "and taken when they name the present one (FL-70)");
}

int main(void)
{
	client_open();
	(void)scheduler_start_one(quick);
	(void)scheduler_start_one(quick);
	client_connect(2);
	fleet();
	frozen_list();
	rerun_explicit();
	as_it_was();
	history_is_kept_for_a_time();
	stale_versions();
	transitions();
	tick_once();
	culprits();
	unheard();
	built_in();
	client_close();
	return finish_tests();
}
