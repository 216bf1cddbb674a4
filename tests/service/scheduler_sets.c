// SPDX-License-Identifier: Apache-2.0
/* Distribution sets (docs/spec/address-books.md 11.1, AB-32): who gets which lists of which book.
 */
#include "tests/service/scheduler_plan.h"

static const char *const quick[] = {"--tick_ms=50", "--lease_ms=5000", NULL};
static const char book[] = "0193dddd-0000-7000-8000-000000000004";

static json_t *set(const char *name, const char *rest)
{
	return ask(
		"dist_set_create", "{'set': {'name': '%s', 'book': '%s', %s}}", name, book, rest);
}

static void fleet(void)
{
	static const char *const names[] = {"d1", "d2", "d3", "d4", "d5"};

	for (size_t i = 0; i < array_len(names); i++)
		enrol(names[i], "canon_rui", "");
	json_decref(ask("group_create", "{'group': {'name': 'below', 'kind': 'static'}}"));
	json_decref(ask("group_create", "{'group': {'name': 'above', 'kind': 'static'}}"));
	json_decref(ask("group_create",
		"{'group': {'name': 'filter', 'kind': 'dynamic', 'filter': 'name = `d1`'}}"));
	json_decref(ask("group_change_members", "{'ref': 'below', 'add_devices': ['d2']}"));
	json_decref(ask("group_change_members", "{'ref': 'above', 'add_groups': ['below']}"));
}

static void saving(void)
{
	struct uuid request = uuid_v7(clock_wall_ms());
	char text[400];

	(void)snprintf(text, sizeof(text),
		"{'set': {'name': 'A', 'book': '%s', 'devices': ['d1', 'd4', 'd5'], 'groups':"
		" ['above'], 'map': [{'slot': 'list_1', 'from': 'Sales'}, {'slot': 'list_2'}]}}",
		book);
	json_t *j = ask_as("dist_set_create", text, &request);
	json_t *k = ask_as("dist_set_create", text, &request);
	ok(is(j, "set.name", "A") && is(j, "set.n_devices", "3") && is(j, "set.n_groups", "1") &&
			is(j, "set.map.0.from", "Sales") && is(j, "set.map.1.slot", "list_2") &&
			is(j, "set.map.1.from", ""),
		"a set names printers, a book and what goes where");
	ok(is(k, "set.id", at(j, "set.id")), "a repeated request makes one set (RL-9)");
	json_decref(j);
	json_decref(k);
	j = set("A", "'devices': ['d1']");
	ok(is(j, "fault.reason", "name_taken"), "its name is its own");
	json_decref(j);
	j = set("B", "'groups': ['filter']");
	ok(is(j, "fault.reason", "dynamic_group"), "it names no group that is a filter");
	json_decref(j);
	j = set("B", "'map': [{'slot': 'list_12', 'from': 'x'}]");
	ok(is(j, "fault.reason", "unknown_word"), "nor a slot that does not exist");
	json_decref(j);
	j = set("B", "'devices': ['nobody']");
	ok(is(j, "fault.reason", "unknown_reference"), "nor a printer that does not");
	json_decref(j);
	j = ask("dist_set_create", "{'set': {'name': 'B'}}");
	ok(is(j, "fault.reason", "required"), "and it names a book");
	json_decref(j);
	j = ask("dist_set_list", "{}");
	ok(is(j, "total", "1") && is(j, "items.0.n_devices", "3"), "sets are listed");
	json_decref(j);
	j = ask("group_delete", "{'ref': 'above'}");
	ok(is(j, "fault.reason", "in_use"), "a group of a set stays");
	json_decref(j);
}

static void changing(void)
{
	json_decref(
		set("C", "'devices': ['d1', 'd4'], 'map': [{'slot': 'list_1', 'from': 'Other'}]"));
	json_t *j = ask("dist_set_update",
		"{'ref': 'C', 'if_version': 1, 'set': {'devices': ['d4'], 'name': 'D'}}");
	ok(is(j, "set.name", "D") && is(j, "set.version", "2") && is(j, "set.n_devices", "1") &&
			is(j, "set.map.0.from", "Other"),
		"a change keeps what was not given");
	json_decref(j);
	j = ask("dist_set_update", "{'ref': 'D', 'if_version': 1, 'set': {'name': 'E'}}");
	ok(is(j, "fault.reason", "version"), "two editors do not overwrite each other (FL-70)");
	json_decref(j);
	json_decref(set("F", "'devices': ['d5'], 'map': [{'slot': 'one_touch', 'from': 'Keys'}]"));
	json_decref(set("G", "'devices': ['d3']"));
	j = ask("dist_set_delete", "{'ref': 'G'}");
	ok(json_object_get(j, "fault") == NULL, "a set is removed");
	json_decref(j);
	j = ask("dist_set_get", "{'ref': 'G'}");
	ok(is(j, "fault.code", "8202"), "and gone");
	json_decref(j);
}

/* The job of this device among those claimed. */
static const json_t *of(const json_t *claimed, const char *device)
{
	const json_t *jobs = json_object_get(claimed, "jobs");

	for (size_t i = 0; i < json_array_size(jobs); i++) {
		if (strcmp(at(json_array_get(jobs, i), "device.name"), device) == 0)
			return json_array_get(jobs, i);
	}
	return NULL;
}

static void distributing(void)
{
	char plan[UUID_TEXT];
	json_t *j = ask("task_create",
		"{'task': {'name': 'dist', 'kind': 'ab.distribute', 'targets': {'all': true}}}");

	ok(is(j, "task.name", "dist"), "a distribution names printers only");
	json_decref(j);
	(void)snprintf(plan, sizeof(plan), "%s", start("dist"));
	j = ask("run_get", "{'id': '%s'}", plan);
	ok(is(j, "run.counts.ready", "3") && is(j, "run.counts.skipped", "1") &&
			is(j, "run.counts.failed", "1"),
		"what each gets comes from its sets");
	json_decref(j);
	ok(strcmp(sql("select cause || reason from sched.job where device_name = 'd3'"),
		   "1006no_set") == 0,
		"a printer in no set is skipped");
	ok(strcmp(sql("select cause || reason from sched.job where device_name = 'd4'"),
		   "5007sets_contradict") == 0,
		"one whose sets contradict each other fails in the plan");
	j = claim(10);
	const json_t *d1 = of(j, "d1"), *d2 = of(j, "d2"), *d5 = of(j, "d5");
	ok(is(d1, "settings.source", book) && is(d1, "source", "") &&
			is(d1, "map.0.from", "Sales") && is(d1, "map.1.slot", "list_2"),
		"book and map of the set travel in the job");
	ok(is(d2, "map.0.from", "Sales"), "through groups, too");
	ok(json_array_size(json_object_get(d5, "map")) == 3 && is(d5, "map.2.slot", "one_touch") &&
			is(d5, "map.2.from", "Keys"),
		"several sets that agree add up");
	json_decref(j);
	(void)report_plan("d1", 1, 1, "");
	(void)report_plan("d2", 2, 0, "");
	(void)report_plan("d5", 3, 0, "");
	ok(run_becomes(plan, "awaiting_approval"), "the plan waits");
	json_decref(ask("dist_set_delete", "{'ref': 'A'}"));
	j = ask("run_get", "{'id': '%s'}", plan);
	json_decref(ask("run_apply", "{'id': '%s', 'hash': '%s'}", plan, at(j, "run.plan_hash")));
	json_decref(j);
	j = claim(10);
	ok(is(j, "jobs.0.source", source) && is(j, "jobs.0.map.0.from", "Sales"),
		"what was planned is pinned: version and map, whatever becomes of the set");
	json_decref(j);
}

int main(void)
{
	client_open();
	(void)scheduler_start_one(quick);
	client_connect(1);
	fleet();
	saving();
	changing();
	distributing();
	client_close();
	return finish_tests();
}
