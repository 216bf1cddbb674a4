// SPDX-License-Identifier: Apache-2.0
/* When jobs may start: execution windows (docs/spec/fleet.md section 5, FL-37..40), each target at
 * its own local time and jitter (section 4, FL-30). Windows are laid around the hour of the test.
 */
#include "tests/service/scheduler_plan.h"

static const char *const quick[] = {"--tick_ms=50", "--backoff_ms=10", "--backoff_max_ms=20",
	"--defer_ms=50", "--lease_ms=5000", NULL};

static char run[UUID_TEXT];

/* The local time so many minutes from now, in UTC. */
static const char *hour(int minutes)
{
	return sql("select to_char(clock_timestamp() at time zone 'UTC' + interval '%d minutes',"
		   " 'HH24:MI')",
		minutes);
}

/* A window from … to … minutes from now; rest: what it binds and more. */
static json_t *window(const char *name, int from, int to, const char *rest)
{
	return ask("window_create",
		"{'window': {'name': '%s', 'open': [{'start': '%s', 'end': '%s'}]%s}}", name,
		hour(from), hour(to), rest);
}

static void drop(const char *name)
{
	json_decref(ask("window_delete", "{'ref': '%s'}", name));
}

static void begin(const char *task)
{
	(void)snprintf(run, sizeof(run), "%s", start(task));
}

static void forget(void)
{
	json_decref(ask("run_cancel", "{'id': '%s'}", run));
	(void)run_becomes(run, "cancelled");
}

static int claimed(void)
{
	json_t *j = claim(10);
	int n = (int)json_array_size(json_object_get(j, "jobs"));

	json_decref(j);
	return n;
}

static void fleet(void)
{
	json_t *j = ask("site_put", "{'site': {'name': 'north', 'time_zone': 'UTC'}}");
	(void)is(j, "items.0.name", "north");
	json_decref(j);
	enrol("p1", "canon_rui", ", 'site': 'north'");
	enrol("p2", "canon_rui", ", 'time_zone': 'Pacific/Kiritimati'");
	enrol("p3", "canon_rui", ", 'time_zone': 'Pacific/Honolulu'");
	json_decref(ask("group_create", "{'group': {'name': 'g', 'kind': 'static'}}"));
	json_decref(ask("group_change_members", "{'ref': 'g', 'add_devices': ['p1']}"));
	json_decref(ask("task_create",
		"{'task': {'name': 'one', 'kind': 'settings.backup', 'targets': {'devices':"
		" ['p1']}}}"));
}

static void closed_now(void)
{
	json_t *j = window("later", 360, 480, ", 'sites': ['north']");

	ok(is(j, "window.min_left_ms", "600000") && is(j, "window.sites.0", "north"),
		"a window opens in six hours");
	json_decref(j);
	begin("one");
	j = ask("run_targets", "{'id': '%s'}", run);
	ok(is(j, "items.0.state", "waiting") && is(j, "items.0.cause", "window_closed") &&
			strncmp(at(j, "items.0.not_before") + 11, hour(360), 2) == 0,
		"a job outside its window waits, and says why and until when (FL-38, FL-40)");
	json_decref(j);
	ok(claimed() == 0, "nobody gets it");
	forget();
	j = ask("run_start", "{'ref': 'one', 'override_windows': true}");
	(void)snprintf(run, sizeof(run), "%s", at(j, "run.id"));
	ok(is(j, "run.override_windows", "true") && claimed() == 1,
		"unless somebody says so, and the run shows it");
	json_decref(j);
	(void)report("p1", "succeeded", "");
	j = ask("window_when", "{'ref': 'p1', 'limit': 3}");
	ok(is(j, "windows.0", "later") && is(j, "zone", "UTC") &&
			json_array_size(json_object_get(j, "items")) == 3,
		"it can be asked when a device's windows open");
	json_decref(j);
	drop("later");
}

static void not_in_time(void)
{
	json_decref(window("tomorrow", 840, 900, ", 'groups': ['g']"));
	begin("one");
	ok(run_becomes(run, "failed") && strcmp(sql("select state || ' ' || cause from "
						    "sched.job_now where run = '%s'",
							run),
						 "14 8001") == 0,
		"no window before the run's deadline: missed, window_closed (FL-39)");
	drop("tomorrow");
}

static void closed_meanwhile(void)
{
	json_decref(window("open", -60, 120, ", 'devices': ['p1']"));
	begin("one");
	ok(strcmp(sql("select state from sched.job_now where run = '%s'", run), "2") == 0,
		"inside its window a job is ready");
	json_t *j = ask(
		"window_update", "{'ref': 'open', 'if_version': 7, 'window': {'hard_end': true}}");
	ok(is(j, "fault.reason", "version"), "a stale version is refused");
	json_decref(j);
	json_decref(ask("window_update",
		"{'ref': 'open', 'if_version': 1, 'window': {'open': [{'start': '%s', 'end':"
		" '%s'}]}}",
		hour(300), hour(360)));
	j = claim(10);
	ok(json_array_size(json_object_get(j, "jobs")) == 0 && is(j, "poll_ms", "1"),
		"the window moved while the job waited for a worker: it is not handed out");
	json_decref(j);
	ok(strcmp(sql("select j.state || ' ' || j.cause || ' ' || (l.due_at = j.not_before) || ' '"
		      " || (j.not_before > clock_timestamp() + interval '4 hours') || ' ' ||"
		      " j.errors from sched.job j join sched.later l on l.job = j.id where j.run ="
		      " '%s'",
			  run),
		   "6 8001 true true 0") == 0,
		"it is deferred until the window opens, at no one's charge");
	forget();
	drop("open");
}

static void cut_at_the_end(void)
{
	json_decref(window("hard", -60, 120, ", 'devices': ['p1'], 'hard_end': true"));
	begin("one");
	ok(claimed() == 1 && strcmp(sql("select cut_at is not null from sched.active"), "t") == 0,
		"a read knows when its window ends");
	(void)sql("update sched.active set cut_at = clock_timestamp()");
	ok(becomes("t", "select cancel and cut from sched.active"), "it is told then");
	(void)report("p1", "cancelled", ", 'code': 8101");
	ok(strcmp(sql("select state in (2, 6) and cause = 8001 from sched.job_now where run = '%s'",
			  run),
		   "t") == 0,
		"what was cut comes back with the next window (FL-38)");
	forget();
	json_decref(ask("task_create",
		"{'task': {'name': 'boot', 'kind': 'device.restart', 'targets': {'devices':"
		" ['p1']}}}"));
	begin("boot");
	ok(claimed() == 1 && strcmp(sql("select cut_at is null from sched.active"), "t") == 0,
		"what changes a printer is left alone, whatever its window says");
	(void)report("p1", "failed", ", 'code': 4002");
	(void)run_becomes(run, "failed");
	drop("hard");
}

static void nothing_in_common(void)
{
	json_decref(window("morning", 120, 240, ", 'sites': ['north']"));
	json_t *j = window("evening", 480, 600, ", 'devices': ['p1']");

	ok(strstr(at(j, "window.note"), "p1") != NULL,
		"windows without time in common are reported when saving (FL-37)");
	json_decref(j);
	j = ask("window_when", "{'ref': 'p1'}");
	ok(json_array_size(json_object_get(j, "windows")) == 2 &&
			json_array_size(json_object_get(j, "items")) == 0,
		"and there is no time to be told");
	json_decref(j);
	drop("morning");
	drop("evening");
	json_decref(window("morning", 120, 240, ", 'tasks': ['one']"));
	j = window("evening", 480, 600, ", 'tasks': ['one']");
	ok(strstr(at(j, "window.note"), "3 devices") != NULL,
		"also when they bind a task and no device (FL-37)");
	json_decref(j);
	j = ask("window_create", "{'window': {'name': 'never'}}");
	ok(is(j, "fault.reason", "window"), "a window that never opens is refused");
	json_decref(j);
	drop("morning");
	drop("evening");
}

/* Local times of Kiritimati (UTC+14) come a day before those of Honolulu (UTC-10). */
static void each_at_its_own_time(void)
{
	json_t *j = ask("task_create",
		"{'task': {'name': 'own', 'kind': 'settings.backup', 'targets': {'filter': 'name"
		" in (p2, p3)'}, 'schedule': {'form': 'every_days', 'n': 1, 'zone': 'target',"
		" 'time': '03:00', 'jitter': 3600}}}");
	ok(strcmp(sql("select (next_at at time zone 'Pacific/Kiritimati')::text = replace("
		      "next_local, 'T', ' ') || ':00' from sched.task where name = 'own'"),
		   "t") == 0,
		"an occurrence opens where it comes first (FL-30)");
	json_decref(j);
	j = ask("task_next", "{'ref': 'own', 'limit': 2}");
	ok(is(j, "items.0.offset", "50400"), "and the next firings say so");
	json_decref(j);
	(void)sql("update sched.task set next_local = to_char(clock_timestamp() at time zone"
		  " 'Pacific/Kiritimati' - interval '1 minute', 'YYYY-MM-DD\"T\"HH24:MI'),"
		  " next_at = clock_timestamp() where name = 'own'");
	ok(becomes("2", "select count(*) from sched.job j join sched.run r on r.id = j.run"
			" where r.task_name = 'own'"),
		"one occurrence makes one run");
	ok(strcmp(sql("select string_agg(device_name || ' ' || round(extract(epoch from not_before"
		      " - created_at - sched.jitter(r.task, j.device, 3600)) / 3600)"
		      "  || ' ' || j.state, ',' order by device_name)"
		      " from sched.job j join sched.run r on r.id = j.run where r.task_name ="
		      " 'own'"),
		   "p2 0 1,p3 24 1") == 0,
		"each job has its own not_before, and its jitter");
	ok(strcmp(sql("select round(extract(epoch from deadline_at - opened_at) / 3600) from"
		      " sched.run where task_name = 'own'"),
		   "37") == 0,
		"and the run ends twelve hours after the last of them");
	enrol("p4", "canon_rui", ", 'time_zone': 'Pacific/Kiritimati'");
	(void)sql("update fleet.device set time_zone = 'UTC' where name = 'p2';"
		  "update sched.task set replan_at = clock_timestamp() where name = 'own'");
	ok(becomes("t",
		   "select (next_at at time zone 'UTC')::text = replace(next_local, 'T', ' ') ||"
		   " ':00' from sched.task where name = 'own'"),
		"when members change, so does the instant of the next occurrence");
}

static void page_by_page(void)
{
	static const char *const names[] = {"page a", "page b", "page c"};
	char found[64] = "", next[200] = "";
	int pages = 0;

	for (size_t i = 0; i < array_len(names); i++)
		json_decref(window(names[i], -10, 60, ", 'devices': ['p1']"));
	do {
		json_t *j = ask("window_list", "{'limit': 2%s}", next);
		for (size_t i = 0; i < json_array_size(json_object_get(j, "items")); i++)
			(void)snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s, ",
				at(json_array_get(json_object_get(j, "items"), i), "name"));
		next[0] = '\0';
		if (*at(j, "next") != '\0')
			(void)snprintf(next, sizeof(next), ", 'cursor': '%s'", at(j, "next"));
		json_decref(j);
	} while (++pages < 9 && next[0] != '\0');
	ok(strcmp(found, "page a, page b, page c, ") == 0 && pages == 2,
		"windows are listed in pages");
	for (size_t i = 0; i < array_len(names); i++)
		drop(names[i]);
}

int main(void)
{
	client_open();
	(void)scheduler_start_one(quick);
	(void)scheduler_start_one(quick);
	client_connect(2);
	fleet();
	closed_now();
	not_in_time();
	closed_meanwhile();
	cut_at_the_end();
	nothing_in_common();
	each_at_its_own_time();
	page_by_page();
	client_close();
	return finish_tests();
}
