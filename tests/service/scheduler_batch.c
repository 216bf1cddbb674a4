// SPDX-License-Identifier: Apache-2.0
/* Batch tasks (docs/spec/fleet.md FL-26): batch_order, per device and with a barrier. */
#include "tests/service/scheduler_plan.h"

static const char *const quick[] = {"--tick_ms=50", "--backoff_ms=10", "--backoff_max_ms=20",
	"--defer_ms=50", "--lease_ms=60000", NULL};

static char run[UUID_TEXT];

/* Jobs of a device in the run, as "step state cause", in order. */
static const char *steps_of(const char *device)
{
	return sql("select string_agg(j.part + 1 || ' ' || s.word || case when j.cause > 0 then"
		   " ' ' || j.cause else '' end, ', ' order by j.part) from sched.job_now j join"
		   " sched.job_state s on s.id = j.state where j.run = '%s' and j.device_name ="
		   " '%s'",
		run, device);
}

static bool steps_become(const char *device, const char *wanted)
{
	uint64_t end = clock_mono_ms() + 15000;

	while (strcmp(steps_of(device), wanted) != 0 && clock_mono_ms() < end)
		pause_ms(20);
	if (strcmp(steps_of(device), wanted) == 0)
		return true;
	(void)fprintf(stderr, "# %s: %s, not %s\n", device, steps_of(device), wanted);
	return false;
}

static bool refused(const char *reason, const char *task)
{
	json_t *j = ask("task_create", "{'task': %s}", task);
	bool good = is(j, "fault.reason", reason);

	json_decref(j);
	return good;
}

/* Tasks of three kinds that may be steps, and others that may not. */
static void tasks(void)
{
	static const char *const list[][2] = {{"look", "device.probe"}, {"keep", "settings.backup"},
		{"check", "device.check_ab"}, {"tidy", "system.housekeeping"}};

	for (size_t i = 0; i < array_len(list); i++)
		json_decref(ask("task_create", "{'task': {'name': '%s', 'kind': '%s'}}", list[i][0],
			list[i][1]));
	restore_task("write", "'b1'", "");
}

static void what_a_batch_is_made_of(void)
{
	ok(refused("steps_required", "{'name': 'x', 'kind': 'batch'}") &&
			refused("out_of_place",
				"{'name': 'x', 'kind': 'device.probe', 'settings': {'steps':"
				" ['look']}}"),
		"a batch says its steps, and nothing else does");
	ok(refused("batch_step",
		   "{'name': 'x', 'kind': 'batch', 'settings': {'steps': ['look', 'write']}}") &&
			refused("batch_step", "{'name': 'x', 'kind': 'batch', 'settings': "
					      "{'steps': ['tidy']}}") &&
			refused("batch_step",
				"{'name': 'x', 'kind': 'batch', 'settings': {'steps': ['keep',"
				" 'keep']}}"),
		"what writes is approved by itself; what has no device, or keeps the same twice, "
		"is no step");
	json_decref(ask("task_create",
		"{'task': {'name': 'night', 'kind': 'batch', 'targets': {'filter': 'name ~ `b*`'},"
		" 'settings': {'steps': ['look', 'keep', 'check']}}}"));
	ok(refused("batch_step",
		   "{'name': 'x', 'kind': 'batch', 'settings': {'steps': ['night']}}"),
		"no batch in a batch");
	json_t *j = ask("task_delete", "{'ref': 'keep'}");
	ok(is(j, "fault.reason", "in_use"), "a step cannot be removed");
	json_decref(j);
	j = ask("task_update", "{'ref': 'keep', 'task': {'kind': 'device.probe'}}");
	ok(is(j, "fault.reason", "in_use"), "nor become something else");
	json_decref(j);
	(void)sql("update sched.task set kind = 'batch' where name = 'keep'");
	j = ask("run_start", "{'ref': 'night'}");
	ok(is(j, "fault.reason", "batch_step"), "without all of its steps a batch does not begin");
	json_decref(j);
	(void)sql("update sched.task set kind = 'settings.backup' where name = 'keep'");
}

/* b1 goes well, b2 fails, b3 is of a family without settings, b4 is suspended. */
static void device_by_device(void)
{
	(void)sql("update fleet.device set state = 4 where name = 'b4'");
	(void)snprintf(run, sizeof(run), "%s", start("night"));
	json_t *j = claim(10);
	ok(json_array_size(json_object_get(j, "jobs")) == 3 && is(j, "jobs.0.kind", "device.probe"),
		"the first step is handed out, of its own kind");
	json_decref(j);
	(void)report("b1", "succeeded", "");
	ok(steps_become("b1", "1 succeeded, 2 ready, 3 waiting") &&
			strcmp(steps_of("b2"), "1 claimed, 2 waiting, 3 waiting") == 0,
		"each device goes on by itself");
	take();
	(void)report("b2", "failed", ", 'code': 4002");
	ok(steps_become("b2", "1 failed 4002, 2 skipped 1010, 3 skipped 1010"),
		"after a failure the rest of that device is skipped: previous_step");
	(void)report("b3", "succeeded", "");
	ok(steps_become("b3", "1 succeeded, 2 skipped 1002, 3 ready"),
		"what does not fit a device holds nothing up");
	ok(steps_become("b4", "1 skipped 1008"), "who is suspended has no steps");
	j = ask("run_targets", "{'id': '%s', 'state': 'claimed'}", run);
	ok(is(j, "items.0.kind", "settings.backup") && is(j, "items.0.part", "2") &&
			is(j, "items.0.device_name", "b1"),
		"a target says which step it is, and of which kind");
	json_decref(j);
	(void)report("b1", "unchanged", "");
	ok(steps_become("b1", "1 succeeded, 2 unchanged, 3 ready"), "unchanged is as good");
	take();
	(void)report("b1", "succeeded", "");
	(void)report("b3", "succeeded", "");
	ok(run_becomes(run, "partial"), "all of it is one run, and it ends");
	ok(strcmp(sql("select sum(n) from sched.run_count where run = '%s'", run), "10") == 0,
		"its counts are those of all steps");
}

static void with_a_barrier_and_whatever_happens(void)
{
	json_decref(ask("task_update", "{'ref': 'night', 'task': {'settings': {'barrier': true,"
				       " 'continue_on_error': true}}}"));
	(void)snprintf(run, sizeof(run), "%s", start("night"));
	take();
	(void)report("b1", "succeeded", "");
	(void)report("b2", "failed", ", 'code': 4002");
	pause_ms(300);
	ok(strcmp(steps_of("b1"), "1 succeeded, 2 waiting, 3 waiting") == 0,
		"with a barrier nobody goes on alone");
	scheduler_kill(1);
	(void)report("b3", "succeeded", "");
	ok(steps_become("b1", "1 succeeded, 2 ready, 3 waiting") &&
			steps_become("b2", "1 failed 4002, 2 ready, 3 waiting"),
		"when the step has ended everywhere, all go on; where it failed, too, if so "
		"wanted");
	json_decref(ask("run_cancel", "{'id': '%s'}", run));
	ok(run_becomes(run, "cancelled") &&
			strcmp(sql("select count(*) from sched.later l join sched.job j on j.id ="
				   " l.job where j.run = '%s'",
				       run),
				"0") == 0,
		"cancelled, nothing of it waits anywhere");
}

/* All targets of the run in pages of so many, as "name step" in order. */
static const char *paged(unsigned limit, unsigned *ret_pages)
{
	static char all[1600];
	char cursor[160] = "";

	all[0] = '\0';
	*ret_pages = 0;
	do {
		json_t *j = ask("run_targets", "{'id': '%s', 'limit': %u%s}", run, limit, cursor);
		size_t n = json_array_size(json_object_get(j, "items"));
		char path[48], part[48];
		for (size_t i = 0; i < n; i++) {
			(void)snprintf(path, sizeof(path), "items.%zu.device_name", i);
			(void)snprintf(part, sizeof(part), "items.%zu.part", i);
			(void)snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s %s, ",
				at(j, path), at(j, part));
		}
		cursor[0] = '\0';
		if (*at(j, "next") != '\0')
			(void)snprintf(cursor, sizeof(cursor), ", 'cursor': '%s'", at(j, "next"));
		json_decref(j);
	} while (++*ret_pages < 50 && cursor[0] != '\0');
	return all;
}

static void page_by_page(void)
{
	static const char wanted[] = "b1 1, b1 2, b1 3, b2 1, b2 2, b2 3, b3 1, b3 2, b3 3, b4 1, ";
	unsigned pages;

	ok(strcmp(paged(100, &pages), wanted) == 0 && pages == 1, "a run has all its targets");
	ok(strcmp(paged(1, &pages), wanted) == 0 && pages == 10 &&
			strcmp(paged(5, &pages), wanted) == 0 && pages == 2 &&
			strcmp(paged(7, &pages), wanted) == 0 && pages == 2,
		"and pages have them all, wherever one ends (FL-59)");
	(void)sql(
		"update sched.job set plan = jsonb_build_object('lists', (select jsonb_agg("
		"jsonb_build_object('list', repeat('x', 64))) from generate_series(1, 32)),"
		" 'notes', (select jsonb_agg(jsonb_build_object('text', repeat('n', 512), 'before',"
		" repeat('b', 512), 'after', repeat('a', 512))) from generate_series(1, 200)))"
		" where run = '%s'",
		run);
	ok(strcmp(paged(100, &pages), wanted) == 0 && pages > 3,
		"also where it ends because it is long");
	json_t *j = ask("run_targets", "{'id': '%s', 'cursor': 'b1'}", run);
	ok(is(j, "fault.reason", "cursor"), "what is no cursor is refused");
	json_decref(j);
}

/* A check said lately that b1 keeps no settings. */
static void chosen_again(void)
{
	(void)sql("update fleet.device set capabilities = jsonb_build_object('settings.read',"
		  " jsonb_build_object('result', 'no', 'checked_at', clock_timestamp(),"
		  " 'firmware', firmware)) where name = 'b1'");
	json_decref(ask("task_create",
		"{'task': {'name': 'both', 'kind': 'batch', 'targets': {'devices': ['b1', 'b3']},"
		" 'settings': {'steps': ['look', 'keep']}}}"));
	json_decref(ask("task_create", "{'task': {'name': 'kept', 'kind': 'settings.backup',"
				       " 'targets': {'devices': ['b1', 'b3']}}}"));
	static const char *const names[] = {"both", "kept"};
	static const char *const later[][2] = {
		{"1 ready, 2 waiting", "1 ready, 2 skipped 1002"}, {"1 ready", "1 skipped 1002"}};
	for (int i = 0; i < 2; i++) {
		(void)snprintf(run, sizeof(run), "%s", start(names[i]));
		ok(strstr(steps_of("b1"), "skipped 1002") != NULL, "who cannot is skipped");
		json_decref(ask("run_cancel", "{'id': '%s'}", run));
		(void)run_becomes(run, i == 0 ? "cancelled" : "succeeded_none");
		json_t *j =
			ask("run_rerun", "{'id': '%s', 'states': ['skipped', 'cancelled']}", run);
		(void)snprintf(run, sizeof(run), "%s", at(j, "run.id"));
		json_decref(j);
		ok(strcmp(steps_of("b1"), later[i][0]) == 0 &&
				strcmp(steps_of("b3"), later[i][1]) == 0,
			"chosen to run again, it is asked anew, where its family can (FL-63)");
		json_decref(ask("run_cancel", "{'id': '%s'}", run));
		(void)run_becomes(run, "cancelled");
	}
	(void)sql("update fleet.device set capabilities = '{}' where name = 'b1'");
}

/* b1 is the first wave; b3, of the second, has no settings to be kept. */
static void wave_by_wave(void)
{
	json_decref(ask("task_create",
		"{'task': {'name': 'waves', 'kind': 'batch', 'targets': {'devices': ['b1', 'b3']},"
		" 'settings': {'steps': ['keep', 'look']}, 'retry': {'waves': [{'devices': "
		"1}]}}}"));
	(void)snprintf(run, sizeof(run), "%s", start("waves"));
	take();
	(void)report("b1", "unchanged", "");
	ok(steps_become("b1", "1 unchanged, 2 ready") &&
			strcmp(steps_of("b3"), "1 skipped 1002, 2 waiting") == 0,
		"what was skipped in a later wave does not begin before its wave");
	take();
	(void)report("b1", "succeeded", "");
	ok(steps_become("b3", "1 skipped 1002, 2 ready"), "but in it");
	take();
	(void)report("b3", "succeeded", "");
	ok(run_becomes(run, "succeeded"), "and the run ends");
}

/* More devices than one look lets go on; nobody asks for jobs of their pool. */
static void with_very_many(void)
{
	(void)sql("insert into fleet.device (id, name, vendor, family, serial, address, pool,"
		  " state) select sched.uuid7(), 'm' || i, 'V', 'ipp', 'M' || i, '10.7.' || i / 250"
		  " || '.' || i %% 250, 'far', 2 from generate_series(1, 4100) i");
	json_decref(ask("task_create",
		"{'task': {'name': 'many', 'kind': 'batch', 'targets': {'filter': 'name ~ `m*`'},"
		" 'settings': {'steps': ['look', 'keep', 'check'], 'barrier': true,"
		" 'continue_on_error': true}}}"));
	(void)snprintf(run, sizeof(run), "%s", start("many"));
	for (int part = 0; part < 3; part++) {
		char steps[32];
		(void)snprintf(steps, sizeof(steps), "%d 4100", part);
		ok(becomes(steps,
			   "select part || ' ' || count(*) from sched.job where run = '%s' and"
			   " state = 2 group by part",
			   run),
			"a step of thousands begins everywhere, and no other one");
		(void)sql("with gone as (delete from sched.ready r using sched.job j where j.id ="
			  " r.job and j.run = '%s' returning r.job) update sched.job set state ="
			  " 14, ended_at = now() from gone where id = gone.job",
			run);
	}
	ok(run_becomes(run, "failed") &&
			strcmp(sql("select count(*) from sched.step_ended"), "0") == 0,
		"it ends, and leaves nothing that waits for a look");
}

int main(void)
{
	client_open();
	(void)scheduler_start_one(quick);
	(void)scheduler_start_one(quick);
	client_connect(2);
	enrol("b1", "ipp", "");
	enrol("b2", "ipp", "");
	enrol("b3", "snmp", "");
	enrol("b4", "ipp", "");
	tasks();
	what_a_batch_is_made_of();
	device_by_device();
	page_by_page();
	with_a_barrier_and_whatever_happens();
	chosen_again();
	wave_by_wave();
	with_very_many();
	client_close();
	return finish_tests();
}
