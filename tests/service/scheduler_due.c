// SPDX-License-Identifier: Apache-2.0
/* What becomes of firings that are due (docs/spec/fleet.md 4, 7.1, reliability.md RL-8): one that
 * cannot be written or opened holds up no other. */
#include "tests/service/scheduler_plan.h"

static const char *const quick[] = {"--tick_ms=50", "--lease_ms=60000", NULL};

/* A task that is due when somebody says so; rest: more members. */
static void task(const char *name, const char *rest)
{
	json_t *j = ask("task_create",
		"{'task': {'name': '%s', 'kind': 'device.probe', 'targets': {'all': true},"
		" 'schedule': {'form': 'every_minutes', 'n': 1440, 'start_at':"
		" '2036-01-01T00:00:00Z'}%s}}",
		name, rest);

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
		task(name, "");
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

int main(void)
{
	client_open();
	(void)scheduler_start_one(quick);
	(void)scheduler_start_one(quick);
	client_connect(2);
	enrol("d1", "snmp", "");
	a_bad_task_is_set_aside();
	client_close();
	return finish_tests();
}
