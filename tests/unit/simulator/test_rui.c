// SPDX-License-Identifier: Apache-2.0
/* The simulated Remote UI, asked over HTTP as a worker asks it (devices.md sections 4 and 14). */
#include "gen/errors.h"
#include "tests/unit/simulator/world.h"

static void a_login_leads_through_both_cookies_to_a_list(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_I, 0);
	struct buf text = BUF_INIT;

	assert_non_null(strstr(ask(w, d, "/", NULL), "name=\"deptid\""));
	login(w, d);
	book_text(d, ITEM_LIST_1, false, &text);
	assert_string_equal(export_list(w, d, 1), buf_str(&text));
	assert_int_equal(w->status, 200);
	buf_fini(&text);
}

static void a_refused_login_shows_the_login_page_again(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_I, 0);
	struct device *other = a_device(w, TYPE_I, TRAIT_WRONG_PASSWORD);

	const char *page = ask(w, d, "/login", "uri=%2f&deptid=7654321&password=wrong");
	assert_int_equal(w->status, 200);
	assert_non_null(strstr(page, "name=\"deptid\""));
	page = ask(w, other, "/login", "uri=%2f&deptid=7654321&password=47%2F11");
	assert_int_equal(w->status, 200);
	assert_int_equal(w->sim.stats.logins_refused, 2);
}

static void without_a_session_nothing_is_exported(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_I, 0);

	assert_non_null(strstr(export_list(w, d, 1), "Don't open this page"));
	(void)ask(w, d, "/login", "uri=%2f&deptid=7654321&password=47%2F11");
	/* the login's cookie alone, without the one of nativetop */
	assert_non_null(strstr(export_list(w, d, 1), "Don't open this page"));
}

static void a_list_that_does_not_exist_is_a_page(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_I, 0);
	int missing = 1;

	while (book_has(d, (enum item)(missing - 1)))
		missing++;
	login(w, d);
	assert_non_null(strstr(export_list(w, d, missing), "does not exist"));
	assert_non_null(strstr(export_list(w, d, 12), "does not exist"));
}

static void passwords_come_only_while_the_switch_is_open(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_I, 0);
	struct fault f = FAULT_INIT;
	json_t *j = json_pack("{s:i, s:s, s:s, s:s}", "number", 201, "kind", "file", "name",
		"Scans", "password", "canary");

	assert_int_equal(book_edit_entry(d, ITEM_LIST_1, j, &f), 0);
	json_decref(j);
	login(w, d);
	assert_null(strstr(export_list(w, d, 1), "canary"));
	assert_non_null(strstr(
		ask(w, d, "/rps/cadrs.cgi", "ADRSEXPPSWDCHK=0&Flag=Exec_Data"), "value=\"0\""));
	assert_non_null(strstr(export_list(w, d, 1), "pwd: canary\r\n"));
	assert_true(d->passwords_open);
	(void)ask(w, d, "/rps/cadrs.cgi", "ADRSEXPPSWDCHK=1&Flag=Exec_Data");
	assert_false(d->passwords_open);
	assert_non_null(strstr(ask(w, d, "/rps/cadrs.cgi", NULL), "value=\"1\""));
	assert_null(strstr(export_list(w, d, 1), "canary"));
}

static void FL_45_a_receive_restriction_has_its_own_text(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_I, TRAIT_RESTRICTED);

	login(w, d);
	assert_non_null(strstr(export_list(w, d, 1), "Restrict Receiving for Each Function"));
}

static void FL_47_a_print_only_model_has_no_address_book_path(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_NONE, TRAIT_UNSUPPORTED);

	login(w, d);
	(void)export_list(w, d, 1);
	assert_int_equal(w->status, 404);
}

static void a_device_that_is_off_refuses_connections(void **state)
{
	struct world *w = *state;
	struct device *d = NULL;

	for (uint32_t i = 0; i < w->sim.fleet.count; i++)
		if (w->sim.fleet.devices[i].traits & TRAIT_UNREACHABLE)
			d = &w->sim.fleet.devices[i];
	assert_non_null(d);
	(void)ask(w, d, "/", NULL);
	assert_int_equal(w->code, CN_UNREACHABLE);
}

static void types_II_and_III_export_sealed_setting_values(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_II, 0);
	struct buf want = BUF_INIT;

	login(w, d);
	assert_non_null(
		strstr(ask(w, d, "/rps/dsv_export.cgi", "ITEM=coded_dial&PASSWD=abc"), "error"));
	(void)ask(w, d, "/rps/dsv_export.cgi", "ITEM=coded_dial,favorites&PASSWD=pass%20word");
	dsv_export(d, 3u << ITEM_CODED_DIAL, "pass word", &want);
	assert_int_equal(w->body.n, want.n);
	assert_memory_equal(w->body.p, want.p, want.n);
	(void)export_list(w, d, 1);
	assert_int_equal(w->status, 404);
	buf_fini(&want);
}

static void a_busy_device_refuses_an_export_and_says_so(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_I, 0);
	char path[64];

	login(w, d);
	(void)snprintf(path, sizeof(path), "/devices/%s/op", d->name);
	assert_non_null(strstr(control(w, "POST", path, "{\"op\":\"fax\"}"), "running"));
	assert_non_null(strstr(export_list(w, d, 1), "is being used by another function"));
	(void)snprintf(path, sizeof(path), "/devices/%s/op", d->serial);
	(void)control(w, "POST", path, "{\"op\":\"fax\",\"stop\":true}");
	assert_null(strstr(export_list(w, d, 1), "<html>"));
	assert_non_null(strstr(control(w, "GET", "/log", NULL), "\"op\":\"fax\""));
}

static void two_sessions_that_take_turns_are_flagged(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_I, 0);
	char first[256];

	login(w, d);
	(void)export_list(w, d, 1);
	(void)snprintf(first, sizeof(first), "%s", w->jar);
	login(w, d);
	(void)export_list(w, d, 1);
	assert_int_equal(w->sim.stats.session_overlaps, 0); /* one after the other is fine */
	(void)snprintf(w->jar, sizeof(w->jar), "%s", first);
	(void)export_list(w, d, 1);
	assert_int_equal(w->sim.stats.session_overlaps, 1);
}

static void an_export_beside_another_is_refused_and_flagged(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_I, 0);

	login(w, d);
	op_export_begin(d);
	assert_non_null(strstr(export_list(w, d, 1), "is being used by another function"));
	op_export_end(d);
	assert_int_equal(w->sim.stats.export_overlaps, 1);
	assert_non_null(strstr(control(w, "GET", "/log", NULL), "\"violation\":true"));
}

static void the_control_port_shows_and_changes_a_book(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_I, 0);
	char path[96];

	(void)snprintf(path, sizeof(path), "/devices/%s/edit", d->name);
	(void)control(
		w, "POST", path, "{\"item\":\"list_1\",\"number\":201,\"name\":\"Brand New\"}");
	assert_int_equal(w->status, 200);
	(void)snprintf(path, sizeof(path), "/devices/%s/book", d->name);
	assert_non_null(strstr(control(w, "GET", path, NULL), "\"name\":\"Brand New\""));
	(void)snprintf(path, sizeof(path), "/devices/%s/book?raw=list_1", d->name);
	assert_non_null(strstr(control(w, "GET", path, NULL), "cn: Brand New\r\n"));
	(void)control(w, "PUT", path, "# Canon AddressBook version: 1\r\nbroken");
	assert_string_equal(
		control(w, "GET", path, NULL), "# Canon AddressBook version: 1\r\nbroken");
	(void)control(w, "POST", "/reset", "{}");
	assert_null(strstr(control(w, "GET", path, NULL), "Brand New"));
	(void)control(w, "POST", "/devices/nobody/op", "{}");
	assert_int_equal(w->status, 404);
}

/* ---- hostile behaviours, as the common HTTP client sees them ---- */

static void plan(struct world *w, const struct device *d, const char *json)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/devices/%s/fault", d->name);
	(void)control(w, "POST", path, json);
	assert_int_equal(w->status, 200);
}

static void mp_01_to_mp_07_and_mp_21_come_through_as_their_causes(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_I, 0);
	const struct {
		const char *mp;
		int code;
	} cases[] = {{"mp_02", CN_TIMEOUT}, {"mp_03", CN_TIMEOUT}, {"mp_04", CN_RESPONSE_TOO_BIG},
		{"mp_05", CN_RESPONSE_TOO_BIG}, {"mp_06", CN_CONNECTION_LOST},
		{"mp_06_negative", CN_PROTOCOL_ERROR}, {"mp_06_huge", CN_PROTOCOL_ERROR},
		{"mp_06_twice", CN_PROTOCOL_ERROR}, {"mp_07", CN_PROTOCOL_ERROR},
		{"mp_21", CN_CONNECTION_LOST}, {"mp_21_half", CN_CONNECTION_LOST}};

	for (size_t i = 0; i < array_len(cases); i++) {
		char json[64];
		(void)snprintf(json, sizeof(json), "{\"mp\":\"%s\"}", cases[i].mp);
		plan(w, d, json);
		(void)ask(w, d, "/", NULL);
		if (w->code != cases[i].code)
			fail_msg("%s: CN-%d instead of CN-%d", cases[i].mp, w->code, cases[i].code);
	}
	plan(w, d, "{\"mp\":\"none\"}");
	(void)ask(w, d, "/", NULL);
	assert_int_equal(w->code, 0);
}

static void a_hostile_export_comes_after_a_good_login(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_I, 0);
	struct buf text = BUF_INIT;

	book_text(d, ITEM_LIST_1, false, &text);
	login(w, d);
	plan(w, d, "{\"mp\":\"mp_21\",\"at\":\"export\",\"times\":1}");
	(void)export_list(w, d, 1);
	assert_int_equal(w->code, CN_CONNECTION_LOST);
	(void)export_list(w, d, 1); /* then works */
	assert_int_equal(w->body.n, text.n);
	plan(w, d, "{\"mp\":\"mp_23_half\",\"at\":\"export\"}");
	(void)export_list(w, d, 1);
	assert_int_equal(w->status, 200);
	assert_int_equal(w->body.n, text.n / 2);
	plan(w, d, "{\"mp\":\"http_503\",\"at\":\"export\"}");
	(void)export_list(w, d, 1);
	assert_int_equal(w->status, 503);
	plan(w, d, "{\"mp\":\"mp_04\",\"at\":\"export\"}");
	(void)export_list(w, d, 1);
	assert_int_equal(w->code, CN_RESPONSE_TOO_BIG);
	buf_fini(&text);
}

static void mp_01_answers_no_connection_attempt_until_it_ends(void **state)
{
	struct world *w = *state;
	struct device *d = a_device(w, TYPE_I, 0);

	plan(w, d, "{\"mp\":\"mp_01\"}");
	(void)ask(w, d, "/", NULL);
	assert_int_not_equal(w->code, 0);
	plan(w, d, "{\"mp\":\"none\"}");
	(void)ask(w, d, "/", NULL);
	assert_int_equal(w->code, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_login_leads_through_both_cookies_to_a_list),
		TEST(a_refused_login_shows_the_login_page_again),
		TEST(without_a_session_nothing_is_exported),
		TEST(a_list_that_does_not_exist_is_a_page),
		TEST(passwords_come_only_while_the_switch_is_open),
		TEST(FL_45_a_receive_restriction_has_its_own_text),
		TEST(FL_47_a_print_only_model_has_no_address_book_path),
		TEST(a_device_that_is_off_refuses_connections),
		TEST(types_II_and_III_export_sealed_setting_values),
		TEST(a_busy_device_refuses_an_export_and_says_so),
		TEST(two_sessions_that_take_turns_are_flagged),
		TEST(an_export_beside_another_is_refused_and_flagged),
		TEST(the_control_port_shows_and_changes_a_book),
		TEST(mp_01_to_mp_07_and_mp_21_come_through_as_their_causes),
		TEST(a_hostile_export_comes_after_a_good_login),
		TEST(mp_01_answers_no_connection_attempt_until_it_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
