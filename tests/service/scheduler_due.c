// SPDX-License-Identifier: Apache-2.0
/* What becomes of firings that are due (docs/spec/fleet.md 4, 7.1, reliability.md RL-8): one that
 * cannot be written or opened holds up no other. */
#include "tests/service/scheduler_plan.h"

static const char *const quick[] = {"--tick_ms=50", "--lease_ms=60000", NULL};

/* A task that is due when somebody says so. */
static void task(const char *name, const char *targets)
{
	json_t *j = ask("task_create",
		"{'task': {'name': '%s', 'kind': 'device.probe', 'targets': {%s}, 'schedule':"
		" {'form': 'every_minutes', 'n': 1440, 'start_at': '2036-01-01T00:00:00Z'}}}",
		name, targets);

	if (*at(j, "task.id") == '\0')
		ok(false, at(j, "fault.detail"));
	json_decref(j);
}

static void ends_all(void)
{
	(void)sql("update sched.run set state = 4 where state < 6");
	(void)becomes("0", "select count(*) from sched.run where state < 6");
	(void)sql("delete from sched.task where not built_in");
}

static bool longer_than_a_month(void)
{
	static const char json[] =
		"{\"task\": {\"retry\": {\"run_deadline_ms\": 9223372036854775807}}}";
	json_t *j = json_loads(json, 0, NULL);
	struct fault f = FAULT_INIT;
	struct arena arena;
	void *body = NULL;

	arena_init(&arena, 0);
	bool taken = msg_from_json(&m_task_create_desc, j, &arena, &body, &f) == 0;
	arena_fini(&arena);
	json_decref(j);
	return taken || strstr(f.detail, "run_deadline_ms") == NULL;
}

/* A deadline beyond all time, stored before there was a maximum: the database cannot write it. */
static void a_bad_task_is_set_aside(void)
{
	char name[16];

	ok(!longer_than_a_month(), "a run's deadline beyond 30 days is refused, by its name");
	for (int i = 0; i < 20; i++) {
		(void)snprintf(name, sizeof(name), "n%d", i);
		task(name, "'all': true");
	}
	(void)sql("update sched.task set retry = '{\"run_deadline_ms\": 9223372036854775807}' where"
		  " name in ('n3', 'n7')");
	(void)sql("update sched.task set next_at = clock_timestamp(), next_local = 'now' where name"
		  " like 'n%%'");
	ok(becomes("18", "select count(*) from sched.run where task_name like 'n%%' and state > 1"),
		"tasks whose firing cannot be written hold up no other (RL-8)");
	ok(becomes("n3,n7", "select string_agg(name, ',' order by name) from sched.task where"
			    " aside_until > clock_timestamp() + interval '9 minutes'"),
		"they are set aside for ten minutes");
	json_decref(ask("task_update", "{'ref': 'n3', 'task': {'retry': {}}}"));
	(void)sql("update sched.task set next_at = clock_timestamp(), next_local = 'now' where name"
		  " = 'n3'");
	ok(becomes("1", "select count(*) from sched.run where task_name = 'n3'"),
		"and back as soon as they are saved");
	ends_all();
}

/* "name in (aa,ab, …) or name in …": 768 values. */
static const char *many_values(void)
{
	static char text[4096];
	size_t n = 0;

	for (int i = 0; i < 768; i++) {
		if (i % 256 == 0)
			n += (size_t)snprintf(
				text + n, sizeof(text) - n, "%sname in (", i == 0 ? "" : ") or ");
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%c%c", i % 256 ? "," : "",
			'a' + i / 36, "abcdefghijklmnopqrstuvwxyz0123456789"[i % 36]);
	}
	(void)snprintf(text + n, sizeof(text) - n, ")");
	return text;
}

static void a_list_that_cannot_be_made(void)
{
	for (int i = 1; i <= 3; i++)
		json_decref(ask("group_create",
			"{'group': {'name': 'dyn%d', 'kind': 'dynamic', 'filter': 'name = d1'}}",
			i));
	task("bad", "'groups': ['dyn1', 'dyn2', 'dyn3']");
	task("good", "'all': true");
	for (int i = 1; i <= 3; i++) {
		json_t *j = ask("group_update", "{'ref': 'dyn%d', 'group': {'filter': '%s'}}", i,
			many_values());
		ok(is(j, "group.kind", "dynamic"), "a filter grows, as far as one may");
		json_decref(j);
	}
	(void)sql("update sched.task set next_at = clock_timestamp() - interval '1 second' *"
		  " (name = 'bad')::int, next_local = 'now' where name in ('bad', 'good')");
	ok(becomes("failed validation_failed",
		   "select o.data->>'state' || ' ' || (o.data->>'cause') from sched.outbox o join"
		   " sched.run r on o.subject = 'run/' || r.id where r.task_name = 'bad'"),
		"a run whose list cannot be made fails, says why, and is told");
	ok(becomes("3", "select state from sched.run where task_name = 'good'"),
		"and holds up no other (RL-8)");
}

/* A run that waits for its list; others come first. */
static const char *opening_run(const char *task)
{
	return sql("insert into sched.run (id, task, task_name, kind, state, cause, deadline_at,"
		   " errors_max, crashes_max, snapshot, open_after) select"
		   " sched.uuid7(), id, name,"
		   " kind, 1, 'schedule', clock_timestamp() + interval '1 hour', 1, 1, to_jsonb(t),"
		   " clock_timestamp() + interval '1 hour' from sched.task t where name = '%s'"
		   " returning id",
		task);
}

static void runs_that_wait_for_a_list(void)
{
	char late[UUID_TEXT], stopped[UUID_TEXT], again[UUID_TEXT];

	(void)snprintf(late, sizeof(late), "%.36s", opening_run("good"));
	(void)snprintf(stopped, sizeof(stopped), "%.36s", opening_run("good"));
	(void)snprintf(again, sizeof(again), "%.36s", opening_run("good"));
	json_decref(ask("run_cancel", "{'id': '%s'}", stopped));
	ok(run_becomes(stopped, "cancelled"), "cancelled before it had a list, a run is cancelled");
	(void)sql("update sched.task set next_at = clock_timestamp(), next_local = 'then' where"
		  " name = 'good'");
	ok(becomes("2", "select count(*) from sched.run where task_name = 'good' and state = 3"),
		"while older ones are put off, a newer run opens");
	(void)sql("update sched.run set deadline_at = clock_timestamp(), open_after = null where"
		  " id = '%s'",
		late);
	ok(run_becomes(late, "missed") && strcmp(sql("select state_cause from sched.run where id"
						     " = '%s'",
							 late),
						  "run_deadline") == 0,
		"one that got its turn too late is missed (7.1)");
	(void)sql("update sched.run set open_after = clock_timestamp() where id = '%s'", again);
	ok(run_becomes(again, "running"), "the last one's turn comes");
	ends_all();
}

/* Due, and no planner comes before somebody saves it. */
static void due_but_waits(const char *name, const char *local)
{
	(void)sql("update sched.task set next_at = clock_timestamp(), next_local = '%s',"
		  " aside_until = clock_timestamp() + interval '1 hour' where name = '%s'",
		local, name);
}

static bool fires(const char *local)
{
	return becomes("1",
		"select count(*) from sched.firing f join sched.run r on r.id = f.run where"
		" f.local = '%s' and r.state > 1",
		local);
}

static void saving_loses_nothing(void)
{
	task("s", "'all': true");
	(void)sql("update sched.task set next_local = 'planned' where name = 's'");
	json_decref(ask("task_update", "{'ref': 's', 'task': {'retry': {'errors_max': 3}}}"));
	ok(strcmp(sql("select next_local || ' ' || schedule_no from sched.task where name = 's'"),
		   "planned 1") == 0,
		"whoever saves a task plans nothing anew");
	due_but_waits("s", "due 1");
	json_decref(ask("task_update", "{'ref': 's', 'task': {'retry': {'errors_max': 4}}}"));
	ok(fires("due 1"), "what was due when it was saved fires (FL-33)");
	due_but_waits("s", "due 2");
	json_decref(ask("task_update", "{'ref': 's', 'task': {'schedule': {'form': 'every_days',"
				       " 'n': 1, 'time': '08:00', 'zone': 'Asia/Tokyo'}}}"));
	ok(fires("due 2"), "also when its schedule becomes another one");
	ok(becomes("t", "select (next_at at time zone 'Asia/Tokyo')::text = replace(next_local,"
			" 'T', ' ') || ':00' from sched.task where name = 's'"),
		"which plans from then on");
	(void)sql("insert into sched.firing (task, due_at, local, schedule_no) select id, now() -"
		  " i * interval '1 hour', to_char(now() + i * interval '1 day',"
		  " 'YYYY-MM-DD\"T\"08:00'), schedule_no from sched.task, generate_series(-1, 2) i"
		  " where name = 's'");
	json_decref(ask("task_update", "{'ref': 's', 'task': {'schedule': {'form': 'every_days',"
				       " 'n': 1, 'time': '08:00', 'zone': 'Europe/Paris'}}}"));
	(void)sql("update sched.task set next_at = clock_timestamp() where name = 's'");
	ok(becomes("3", "select count(*) from sched.run where task_name = 's'"),
		"the same local time in another zone is another occurrence");
	json_decref(ask("task_create",
		"{'task': {'name': 'now', 'kind': 'device.probe', 'targets': {'all': true},"
		" 'schedule': {'form': 'immediate'}}}"));
	(void)becomes("1", "select count(*) from sched.run where task_name = 'now'");
	due_but_waits("now", "saved 1");
	json_decref(ask("task_update", "{'ref': 'now', 'task': {'name': 'at once'}}"));
	ok(fires("saved 1"), "what is to run at once runs, though it was saved again");
	ends_all();
}

static void missed_firings_are_told(void)
{
	json_t *j;

	task("m", "'all': true");
	(void)sql("update sched.task set next_at = now() - interval '2 days', next_local = 'old',"
		  " schedule = jsonb_set(jsonb_set(schedule, '{start_at}',"
		  " to_jsonb(to_char((now() - interval '2 days') at time zone 'UTC', "
		  "'YYYY-MM-DD\"T\"HH24:MI:00.000\"Z\"'"
		  "))), '{n}', '1') where name = 'm'");
	ok(becomes("missed late_start",
		   "select (o.data->>'state') || ' ' || (o.data->>'cause') from sched.outbox o join"
		   " sched.run r on o.subject = 'run/' || r.id where r.task_name = 'm' and"
		   " r.state = 12"),
		"what was missed is a run, and told (FL-35)");
	ok(becomes("1", "select count(*) from sched.run where task_name = 'm' and state = 3"),
		"the newest firing runs");
	j = ask("run_list", "{'task': 'm', 'state': 'missed'}");
	ok(json_array_size(json_object_get(j, "items")) == 1 &&
			number_at(j, "items.0.missed") >= 2880 &&
			number_at(j, "items.0.missed") <= 2882 &&
			is(j, "items.0.state_cause", "late_start"),
		"a weekend of minutes is one row, with how many they were");
	json_decref(j);
	ends_all();
}

/* More tasks at one moment than are fired in one transaction, by a scheduler that comes back once a
 * minute. */
static void a_queue_is_worked_off(void)
{
	static const char *const slow[] = {"--tick_ms=60000", "--lease_ms=60000", NULL};
	char name[16];

	for (int i = 0; i < 100; i++) {
		(void)snprintf(name, sizeof(name), "q%d", i);
		task(name, "'devices': ['d1']");
	}
	scheduler_kill(0);
	scheduler_kill(1);
	(void)sql("update sched.task set next_at = clock_timestamp(), next_local = 'q' where name"
		  " like 'q%%'");
	(void)scheduler_start_one(slow);
	ok(becomes("100",
		   "select count(*) from sched.run where task_name like 'q%%' and state = 3"),
		"all tasks of one moment run");
}

int main(void)
{
	client_open();
	(void)scheduler_start_one(quick);
	(void)scheduler_start_one(quick);
	client_connect(2);
	enrol("d1", "snmp", "");
	a_bad_task_is_set_aside();
	a_list_that_cannot_be_made();
	runs_that_wait_for_a_list();
	saving_loses_nothing();
	missed_firings_are_told();
	a_queue_is_worked_off();
	client_close();
	return finish_tests();
}
