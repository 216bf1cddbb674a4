// SPDX-License-Identifier: Apache-2.0
/* Fleet as code: what a file asks for against what is there (fleet.md section 14). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "services/cli/fleet.h"

/* A wanted item, or one of the server when it has an id. */
static void put(struct fleet *f, enum fleet_kind kind, const char *json, const char *id)
{
	struct fleet_item *item = fleet_add(f, kind);

	f->list[kind].given = true;
	json_t *given = json_loads(json, 0, NULL);
	assert_non_null(given);
	if (id == NULL) {
		item->body = given;
		return;
	}
	item->raw = given;
	item->body = fleet_clean(&fleet_nouns[kind], "", given);
	item->id = id;
	item->version = 7;
	item->gone = strcmp(fleet_text(given, "state"), "retired") == 0;
	(void)json_object_del(item->body, "state");
}

/* "+site A ~device b(address) -group c", in order. */
static void planned(struct fleet *want, struct fleet *have, bool prune, const char *wanted)
{
	static const char marks[] = "+~-";
	struct fleet_plan p;
	struct buf text = BUF_INIT;
	const char *name;
	json_t *v;

	fleet_index(want);
	fleet_index(have);
	fleet_match(want, have);
	fleet_plan_make(want, have, prune, &p);
	for (size_t i = 0; i < p.n; i++) {
		const struct fleet_change *c = &p.changes[i];
		buf_addf(&text, "%s%c%s %s", i == 0 ? "" : " ", marks[c->act],
			fleet_nouns[c->kind].noun, c->name);
		if (c->act == ACT_CHANGE)
			json_object_foreach(c->fields, name, v)
			{
				buf_addf(&text, "(%s)", name);
			}
		assert_int_equal(c->version, c->have == NULL ? 0 : 7);
	}
	assert_string_equal(buf_str(&text), wanted);
	buf_fini(&text);
	fleet_plan_fini(&p);
	fleet_fini(want);
	fleet_fini(have);
}

static void what_is_as_it_shall_be_is_left_alone(void **state unused)
{
	struct fleet want = {0}, have = {0};

	put(&want, F_DEVICE,
		"{\"name\": \"a\", \"site\": \"\", \"labels\": {}, \"type\": \"none\"}", NULL);
	put(&have, F_DEVICE,
		"{\"name\": \"a\", \"model\": \"not mentioned\", \"simulated\": false}", "1");
	put(&want, F_GROUP, "{\"name\": \"g\", \"devices\": [\"b\", \"a\", \"b\"]}", NULL);
	put(&have, F_GROUP, "{\"name\": \"g\", \"devices\": [\"a\", \"b\"], \"kind\": \"static\"}",
		"2");
	planned(&want, &have, false, "");
}

/* Of a printer in Lyon that has its zone from there, which may change, as may the site. */
static void with_zone(const char *device, const char *site, const char *wanted)
{
	struct fleet want = {0}, have = {0};

	put(&want, F_DEVICE, device, NULL);
	put(&want, F_SITE, site, NULL);
	put(&have, F_SITE, "{\"name\": \"Lyon\", \"time_zone\": \"Europe/Paris\"}", "");
	put(&have, F_SITE, "{\"name\": \"Tokyo\", \"time_zone\": \"Asia/Tokyo\"}", "");
	put(&have, F_DEVICE,
		"{\"name\": \"a\", \"site\": \"Lyon\", \"time_zone\": \"Europe/Paris\"}", "1");
	(void)json_object_del(have.list[F_DEVICE].items[0].body, "time_zone");
	planned(&want, &have, false, wanted);
}

static void a_zone_is_as_it_says_where_the_printer_will_stand(void **state unused)
{
	static const char stays[] = "{\"name\": \"a\", \"time_zone\": \"Europe/Paris\"}";

	with_zone(stays, "{\"name\": \"Lyon\"}", "");
	with_zone(stays, "{\"name\": \"Lyon\", \"time_zone\": \"Asia/Tokyo\"}",
		"~site Lyon(time_zone) ~device a(time_zone)");
	with_zone("{\"name\": \"a\", \"site\": \"Tokyo\", \"time_zone\": \"Europe/Paris\"}",
		"{\"name\": \"Tokyo\"}", "~device a(time_zone)(site)");
	with_zone("{\"name\": \"a\", \"site\": \"Tokyo\", \"time_zone\": \"Asia/Tokyo\"}",
		"{\"name\": \"Tokyo\"}", "~device a(site)");
}

static void a_member_that_is_mentioned_is_as_it_says_all_of_it(void **state unused)
{
	struct fleet want = {0}, have = {0};

	put(&want, F_DEVICE, "{\"name\": \"a\", \"site\": \"\", \"labels\": {\"k\": \"v\"}}", NULL);
	put(&have, F_DEVICE,
		"{\"name\": \"a\", \"site\": \"Lyon\", \"labels\": {\"k\": \"v\", \"l\": \"w\"}}",
		"1");
	put(&want, F_TASK, "{\"name\": \"t\", \"targets\": {\"groups\": [\"g\"]}}", NULL);
	put(&have, F_TASK,
		"{\"name\": \"t\", \"targets\": {\"groups\": [\"g\"], \"exclude_groups\": "
		"[\"h\"]}}",
		"2");
	planned(&want, &have, false, "~device a(site)(labels) ~task t(targets)");
}

static void the_start_of_a_schedule_is_the_servers_unless_it_is_said(void **state unused)
{
	static const char there[] = "{\"name\": \"t\", \"schedule\": {\"form\": \"every_days\", "
				    "\"n\": 1, \"start_at\": \"2026-01-01T00:00:00.000Z\"}}";
	struct fleet want = {0}, have = {0};

	put(&want, F_TASK, "{\"name\": \"t\", \"schedule\": {\"form\": \"every_days\", \"n\": 1}}",
		NULL);
	put(&have, F_TASK, there, "1");
	planned(&want, &have, false, "");
	put(&want, F_TASK,
		"{\"name\": \"t\", \"schedule\": {\"form\": \"every_days\", \"n\": 1, "
		"\"start_at\": "
		"\"2026-01-02T00:00:00.000Z\"}}",
		NULL);
	put(&have, F_TASK, there, "1");
	planned(&want, &have, false, "~task t(schedule)");
}

static void inactive_and_zero_are_said_where_absent_means_something_else(void **state unused)
{
	struct fleet want = {0}, have = {0};

	put(&want, F_TASK, "{\"name\": \"t\", \"active\": false}", NULL);
	put(&have, F_TASK, "{\"name\": \"t\", \"active\": true}", "1");
	put(&want, F_WINDOW, "{\"name\": \"w\", \"min_left_ms\": 0}", NULL);
	put(&have, F_WINDOW, "{\"name\": \"w\", \"min_left_ms\": 600000}", "2");
	planned(&want, &have, false, "~task t(active) ~window w(min_left_ms)");
}

static void a_printer_is_who_its_serial_number_says(void **state unused)
{
	struct fleet want = {0}, have = {0};

	put(&want, F_DEVICE, "{\"name\": \"new name\", \"vendor\": \"v\", \"serial\": \"1\"}",
		NULL);
	put(&want, F_DEVICE, "{\"name\": \"old name\", \"vendor\": \"v\", \"serial\": \"2\"}",
		NULL);
	put(&have, F_DEVICE, "{\"name\": \"old name\", \"vendor\": \"v\", \"serial\": \"1\"}", "1");
	planned(&want, &have, false, "~device new name(name) +device old name");
	/* whose vendor is one, however it is written */
	put(&want, F_DEVICE, "{\"name\": \"n\", \"vendor\": \"Canon\", \"serial\": \"1\"}", NULL);
	put(&have, F_DEVICE, "{\"name\": \"o\", \"vendor\": \"canon\", \"serial\": \"1\"}", "1");
	planned(&want, &have, false, "~device n(name)(vendor)");
}

#define X(serial) "{\"name\": \"x\", \"vendor\": \"v\", \"serial\": \"" serial "\"}"
static void printers_of_one_name_are_told_apart_by_serial_numbers(void **state unused)
{
	struct fleet want = {0}, have = {0};

	put(&have, F_DEVICE, X("1"), "1");
	put(&have, F_DEVICE, X("2"), "2");
	put(&want, F_DEVICE, X("3"), NULL);
	put(&want, F_DEVICE, X("2"), NULL);
	planned(&want, &have, false, "+device x");
	/* one without a number is the one that is left */
	put(&have, F_DEVICE, X("1"), "1");
	put(&have, F_DEVICE, X(""), "2");
	put(&want, F_DEVICE, "{\"name\": \"x\", \"address\": \"a\"}", NULL);
	put(&want, F_DEVICE, X("1"), NULL);
	planned(&want, &have, false, "~device x(address)");
	/* which of them is not said */
	put(&have, F_DEVICE, X("1"), "1");
	put(&have, F_DEVICE, X("2"), "2");
	put(&want, F_DEVICE, "{\"name\": \"x\"}", NULL);
	fleet_index(&want);
	fleet_index(&have);
	fleet_match(&want, &have);
	assert_true(want.list[F_DEVICE].items[0].unclear);
	fleet_fini(&want);
	fleet_fini(&have);
}

static void what_is_tried_in_order_differs_in_another_order(void **state unused)
{
	static const char there[] = "{\"name\": \"t\", \"settings\": {\"discover\": "
				    "{\"credentials\": [\"b\", \"a\"]}}}";
	struct fleet want = {0}, have = {0};

	put(&want, F_TASK, there, NULL);
	put(&have, F_TASK, there, "1");
	planned(&want, &have, false, "");
	put(&want, F_TASK,
		"{\"name\": \"t\", \"settings\": {\"discover\": "
		"{\"credentials\": [\"a\", \"b\"]}}}",
		NULL);
	put(&have, F_TASK, there, "1");
	planned(&want, &have, false, "~task t(settings)");
}

static void a_batch_comes_after_its_steps_and_goes_before_them(void **state unused)
{
	struct fleet want = {0}, have = {0};

	put(&want, F_TASK, "{\"name\": \"a night\", \"kind\": \"batch\"}", NULL);
	put(&want, F_TASK, "{\"name\": \"probe\", \"kind\": \"device.probe\"}", NULL);
	put(&have, F_TASK, "{\"name\": \"back up\", \"kind\": \"ab.backup\"}", "1");
	put(&have, F_TASK, "{\"name\": \"night\", \"kind\": \"batch\"}", "2");
	planned(&want, &have, true, "+task probe +task a night -task night -task back up");
}

static void nothing_is_taken_away_unless_told_and_then_in_order(void **state unused)
{
	for (int prune = 0; prune < 2; prune++) {
		struct fleet want = {0}, have = {0};
		for (size_t k = 0; k < FLEET_KINDS; k++)
			want.list[k].given = k != F_CREDENTIAL;
		put(&have, F_SITE, "{\"name\": \"s\"}", "");
		put(&have, F_DEVICE, "{\"name\": \"d\"}", "1");
		put(&have, F_DEVICE, "{\"name\": \"gone\", \"state\": \"retired\"}", "2");
		put(&have, F_GROUP, "{\"name\": \"below\"}", "3");
		put(&have, F_GROUP, "{\"name\": \"between\", \"groups\": [\"below\"]}", "4");
		put(&have, F_GROUP, "{\"name\": \"top\", \"groups\": [\"between\"]}", "5");
		put(&have, F_CREDENTIAL, "{\"name\": \"no section in the file\"}", "6");
		put(&have, F_TASK, "{\"name\": \"t\"}", "7");
		put(&have, F_TASK, "{\"name\": \"b\", \"built_in\": true}", "8");
		put(&have, F_WINDOW, "{\"name\": \"w\", \"tasks\": [\"t\"]}", "9");
		planned(&want, &have, prune == 1,
			prune == 0 ? ""
				   : "-window w -task t -group top -group between -group below "
				     "-device d -site s");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_as_it_shall_be_is_left_alone),
		cmocka_unit_test(a_zone_is_as_it_says_where_the_printer_will_stand),
		cmocka_unit_test(a_member_that_is_mentioned_is_as_it_says_all_of_it),
		cmocka_unit_test(the_start_of_a_schedule_is_the_servers_unless_it_is_said),
		cmocka_unit_test(inactive_and_zero_are_said_where_absent_means_something_else),
		cmocka_unit_test(a_printer_is_who_its_serial_number_says),
		cmocka_unit_test(printers_of_one_name_are_told_apart_by_serial_numbers),
		cmocka_unit_test(what_is_tried_in_order_differs_in_another_order),
		cmocka_unit_test(a_batch_comes_after_its_steps_and_goes_before_them),
		cmocka_unit_test(nothing_is_taken_away_unless_told_and_then_in_order),
	};

	return cmocka_run_group_tests_name("fleet", tests, NULL, NULL);
}
