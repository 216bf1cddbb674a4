// SPDX-License-Identifier: Apache-2.0
/* Canon Remote UI: the exact bytes of docs/spec/devices.md section 4, and what its pages mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "services/worker/adapters/canon_form.h"

static struct span text(const char *s)
{
	return (struct span){(const uint8_t *)s, strlen(s)};
}

static void is(struct buf *b, const char *wanted)
{
	assert_string_equal(buf_str(b), wanted);
	buf_fini(b);
}

static void the_login_form_is_that_of_section_4_1(void **state unused)
{
	struct buf b = BUF_INIT;

	canon_department_form(&b, "7654321", "1234567");
	is(&b, "uri=%2f&deptid=7654321&password=1234567");
}

static void special_characters_of_a_pin_are_encoded(void **state unused)
{
	struct buf b = BUF_INIT;

	canon_department_form(&b, "a b", "1&2=3%\xc3\xa9");
	is(&b, "uri=%2f&deptid=a%20b&password=1%262%3D3%25%C3%A9");
}

static void the_page_after_the_login_carries_the_time_in_ms(void **state unused)
{
	struct buf b = BUF_INIT;

	canon_top_path(&b, 1793500000123);
	is(&b, "/rps/nativetop.cgi?RUIPNxBundle=&CorePGTAG=PGTAG_CONF_ENV_PAP&Dummy=1793500000123");
}

static void the_export_form_is_that_of_section_4_2_and_spelled_so(void **state unused)
{
	struct buf b = BUF_INIT;

	canon_export_form(&b, 11, 1793500000123);
	is(&b, "AID=11&ACLS=1&ENC_MODE=0&ENC_FILE=password&PASSWD=&PageFlag=&AMOD=&Dummy="
	       "1793500000123"
	       "&ERR_PG_KIND_FLG=Adress_Export");
}

static void the_password_switch_is_that_of_section_4_2(void **state unused)
{
	struct buf b = BUF_INIT;

	canon_switch_form(&b, true, 5);
	is(&b, "ADRSEXPPSWDCHK=0&PageFlag=c_adrs.tpl&Flag=Exec_Data&CoreNXAction=./cadrs.cgi"
	       "&CoreNXPage=c_adrexppass.tpl&CoreNXFlag=Init_Data&Dummy=5");
	b = BUF_INIT;
	canon_switch_form(&b, false, 5);
	assert_non_null(strstr(buf_str(&b), "ADRSEXPPSWDCHK=1&"));
	buf_fini(&b);
}

static void older_machines_are_asked_with_a_get(void **state unused)
{
	struct buf b = BUF_INIT;

	canon_old_export_path(&b, 3);
	is(&b, "/abook.ldif?AID=3&ACLS=1&ENC_FILE1=&ENC_FILE2=&ENC_MODE=0&ENC_FILE=");
}

static void lists_have_their_numbers_one_touch_is_11(void **state unused)
{
	assert_int_equal(canon_aid("list_1"), 1);
	assert_int_equal(canon_aid("list_10"), 10);
	assert_int_equal(canon_aid("one_touch"), 11);
	assert_int_equal(canon_aid("coded_dial"), 0);
	assert_string_equal(canon_lists(DEVICE_TYPE_II)[1], "favorites");
	assert_string_equal(canon_lists(DEVICE_TYPE_III)[0], "address_book");
	assert_string_equal(canon_lists(DEVICE_TYPE_NONE)[0], "list_1");
}

#define OLD_PAGE                                                                                   \
	"<html><body><form action=/login method=post><INPUT type=text name='deptid'>"              \
	"<input type=password name=password></form></body></html>"
#define NEW_PAGE                                                                                   \
	"<html><form action=\"/other\"><input type=hidden name=x value=y></form>"                  \
	"<form method=\"POST\" action=\"/rps/login.cgi?a=1&amp;b=2\">"                             \
	"<input type=\"hidden\" name=\"Token\" value=\"ab+c/=\"><input name=\"USERNAME\">"         \
	"<input type=password name=\"PASSWORD_T\"></form></html>"

static void the_kind_of_login_is_seen_on_the_front_page(void **state unused)
{
	assert_int_equal(canon_login_of(text(OLD_PAGE)), CANON_DEPARTMENT);
	assert_int_equal(canon_login_of(text(NEW_PAGE)), CANON_USERNAME);
	assert_int_equal(canon_login_of(text("<html>welcome deptid</html>")), CANON_OPEN);
}

static void the_newer_login_sends_the_token_of_its_page(void **state unused)
{
	struct buf b = BUF_INIT;
	char path[64];

	canon_username_form(&b, text(NEW_PAGE), "admin", "p&w", 7);
	canon_login_path(text(NEW_PAGE), path, sizeof(path));
	is(&b, "Token=ab%2Bc%2F%3D&USERNAME=admin&PASSWORD_T=p%26w&Dummy=7");
	assert_string_equal(path, "/rps/login.cgi?a=1&b=2");
}

static void a_form_that_points_elsewhere_is_not_followed(void **state unused)
{
	char path[64];

	canon_login_path(text("<form action='http://evil/'><input name=USERNAME></form>"), path,
		sizeof(path));
	assert_string_equal(path, "/login");
}

static struct profile words(void)
{
	return (struct profile){.refused = {"failed", "error"},
		.busy = {"is being used by another function"},
		.receive_restricted = {"Restrict Receiving for Each Function"},
		.not_available = {"does not exist"}};
}

static void http_200_is_not_success_a_page_says_what_happened(void **state unused)
{
	struct profile p = words();

	assert_int_equal(canon_page_of(text(OLD_PAGE), &p), CANON_PAGE_SESSION);
	assert_int_equal(
		canon_page_of(text("<b>Don't open this page</b>"), &p), CANON_PAGE_SESSION);
	assert_int_equal(
		canon_page_of(text("<p>Echec autorisation utilisateur"), NULL), CANON_PAGE_SESSION);
	assert_int_equal(canon_page_of(text("<p>The list does not exist (error 12)"), &p),
		CANON_PAGE_NO_LIST);
	assert_int_equal(
		canon_page_of(text("<p>This function is being used by another function."), &p),
		CANON_PAGE_BUSY);
	assert_int_equal(canon_page_of(text("<p>Restrict Receiving for Each Function"), &p),
		CANON_PAGE_RESTRICTED);
	assert_int_equal(canon_page_of(text("<h1>Export FAILED</h1>"), &p), CANON_PAGE_REFUSED);
	assert_int_equal(canon_page_of(text("<h1>Sorry</h1>"), &p), CANON_PAGE_NO_LIST);
}

static void words_in_scripts_and_attributes_are_not_said_by_the_device(void **state unused)
{
	struct profile p = words();

	assert_int_equal(canon_page_of(text("<script>var error='failed';</script>"
					    "<img alt=failed><p>The list does not exist"),
				 &p),
		CANON_PAGE_NO_LIST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_login_form_is_that_of_section_4_1),
		cmocka_unit_test(special_characters_of_a_pin_are_encoded),
		cmocka_unit_test(the_page_after_the_login_carries_the_time_in_ms),
		cmocka_unit_test(the_export_form_is_that_of_section_4_2_and_spelled_so),
		cmocka_unit_test(the_password_switch_is_that_of_section_4_2),
		cmocka_unit_test(older_machines_are_asked_with_a_get),
		cmocka_unit_test(lists_have_their_numbers_one_touch_is_11),
		cmocka_unit_test(the_kind_of_login_is_seen_on_the_front_page),
		cmocka_unit_test(the_newer_login_sends_the_token_of_its_page),
		cmocka_unit_test(a_form_that_points_elsewhere_is_not_followed),
		cmocka_unit_test(http_200_is_not_success_a_page_says_what_happened),
		cmocka_unit_test(words_in_scripts_and_attributes_are_not_said_by_the_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
