// SPDX-License-Identifier: Apache-2.0
/* The import form of Canon's Remote UI: read from the page, never known by heart (devices.md 4.3).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gen/errors.h"
#include "services/worker/adapters/canon_import.h"
#include "services/worker/adapters/multipart.h"
#include "services/worker/adapters/page.h"

static const struct profile *profile;

static struct span text(const char *s)
{
	return (struct span){(const uint8_t *)s, strlen(s)};
}

static const char PAGE[] =
	"<html><form action=\"/search\"><input name=q></form>"
	"<form method=post enctype=\"multipart/form-data\" action=\"./cadrs_imp.cgi?x=1&amp;y=2\">"
	"<input type=hidden name=\"Token\" value=\"4711&quot;\">"
	"<input type=hidden name=Flag value=Exec_Data>"
	"<select name=AID><option value=1>One<option value=\"11\">Touch</select>"
	"<input type=radio name=AMOD value=0><label>Add to the list</label>"
	"<input type=radio name=AMOD value=2><label>Erase and overwrite</label>"
	"<select name=ACLS3><option value=1>Canon (*.abk)</option><option value=3>*.csv</select>"
	"<input type=file name=AFILE>"
	"<input type=radio name=ENC_MODE_D value=0>No decryption"
	"<input type=radio name=ENC_MODE_D value=1>Decrypt</form></html>";

static void the_form_is_sent_with_what_the_page_says_and_only_there(void **state unused)
{
	struct canon_post post;
	struct fault f = FAULT_INIT;

	assert_int_equal(canon_import_form(&(struct canon_sheet){text(PAGE), "/rps/c_imp.cgi?a=/b"},
				 profile, "one_touch", text("# Canon\r\n"), &post, &f),
		0);
	assert_string_equal(post.path, "/rps/cadrs_imp.cgi?x=1&y=2");
	assert_string_equal(
		post.type, "multipart/form-data; boundary=----------------carnet00000000");
#define B "------------------carnet00000000"
	assert_string_equal(buf_str(&post.body), B
		"\r\nContent-Disposition: form-data; name=\"Token\"\r\n\r\n4711\"\r\n" B
		"\r\nContent-Disposition: form-data; name=\"Flag\"\r\n\r\nExec_Data\r\n" B
		"\r\nContent-Disposition: form-data; name=\"AID\"\r\n\r\n11\r\n" B
		"\r\nContent-Disposition: form-data; name=\"AMOD\"\r\n\r\n2\r\n" B
		"\r\nContent-Disposition: form-data; name=\"ACLS3\"\r\n\r\n1\r\n" B
		"\r\nContent-Disposition: form-data; name=\"ENC_MODE_D\"\r\n\r\n0\r\n" B
		"\r\nContent-Disposition: form-data; name=\"AFILE\"; filename=\"one_touch.abk\"\r\n"
		"Content-Type: application/octet-stream\r\n\r\n# Canon\r\n\r\n" B "--\r\n");
	buf_fini(&post.body);
}

/* The page without one of its parts. */
static void lacks(const char *part, const char *with, const char *says)
{
	struct canon_post post;
	struct fault f = FAULT_INIT;
	char page[2048];
	const char *at = strstr(PAGE, part);

	assert_non_null(at);
	(void)snprintf(
		page, sizeof(page), "%.*s%s%s", (int)(at - PAGE), PAGE, with, at + strlen(part));
	assert_int_equal(canon_import_form(&(struct canon_sheet){text(page), "/rps/x.cgi"}, profile,
				 "list_1", text("#"), &post, &f),
		-1);
	assert_int_equal(f.code, CN_PROTOCOL_ERROR);
	assert_non_null(strstr(f.detail, says));
	assert_non_null(strstr(f.detail, "nothing was sent"));
	buf_fini(&post.body);
}

static void a_page_that_looks_otherwise_is_a_protocol_error_and_nothing_is_sent(void **state unused)
{
	lacks("name=AFILE", "name=OTHER", "form with a file");
	lacks("./cadrs_imp.cgi", "http://other.example/x", "action on this machine");
	lacks("./cadrs_imp.cgi", "//other.example/x", "action on this machine");
	lacks("./cadrs_imp.cgi", "javascript:go()", "action on this machine");
	lacks("\"Token\"", "\"Other\"", "Token");
	lacks("value=1>One", "value=3>Three", "list_1");
	lacks("Erase and overwrite", "Merge", "mode that erases");
	lacks("(*.abk)", "(*.xyz)", "file kind .abk");
	lacks("No decryption", "Perhaps", "no decryption");
}

static void a_boundary_stands_nowhere_in_the_file(void **state unused)
{
	char b[MULTIPART_BOUNDARY];
	const char *file = "x----------------carnet00000000\r\n----------------carnet00000001";

	multipart_boundary(text(file), b);
	assert_string_equal(b, "----------------carnet00000002");
}

static void a_file_name_cannot_begin_a_header_of_its_own(void **state unused)
{
	struct buf b = BUF_INIT;

	multipart_file(&b, "x", "F", "a\"\r\nEvil: 1", text("f"));
	assert_non_null(strstr(buf_str(&b), "filename=\"a%22%0D%0AEvil: 1\"\r\n"));
	buf_fini(&b);
}

static void setting_values_go_with_their_password(void **state unused)
{
	static const char page[] =
		"<form action=/rps/v.cgi><input type=hidden name=Token value=7><input type=file "
		"name=IFILE><input type=password name=PASSWD></form>";
	struct canon_post post;
	struct fault f = FAULT_INIT;

	assert_int_equal(canon_values_import_form(&(struct canon_sheet){text(page), "/rps/x"},
				 "pass word", text("\1\2"), &post, &f),
		0);
	assert_string_equal(post.path, "/rps/v.cgi");
	assert_non_null(memmem(post.body.p, post.body.n, "name=\"PASSWD\"\r\n\r\npass word\r\n",
		strlen("name=\"PASSWD\"\r\n\r\npass word\r\n")));
	assert_non_null(strstr(buf_str(&post.body), "filename=\"settings.dcm\""));
	buf_fini(&post.body);
}

static void a_yes_is_a_yes_only_in_the_machines_words_DV_2(void **state unused)
{
	assert_int_equal(canon_said(text("<p>The list has been imported.</p>"), profile),
		CANON_SAID_IMPORTED);
	assert_int_equal(canon_said(text("<p>OK</p>"), profile), CANON_SAID_NOTHING_KNOWN);
	assert_int_equal(canon_said(text(""), profile), CANON_SAID_NOTHING_KNOWN);
	assert_int_equal(canon_said(text("<p>error: The password is not correct</p>"), profile),
		CANON_SAID_PASSWORD);
	assert_int_equal(
		canon_said(text("<p>error: not correct</p>"), profile), CANON_SAID_REFUSED);
	assert_int_equal(canon_said(text("<p>error: est utilis\xc3\xa9 par une autre fonction</p>"),
				 profile),
		CANON_SAID_BUSY);
	assert_int_equal(
		canon_said(text("<p>Don't open this page</p>"), profile), CANON_SAID_SESSION);
	assert_int_equal(
		canon_said(text("<form><input name=deptid></form>"), profile), CANON_SAID_SESSION);
}

static void a_link_is_found_by_its_words_and_never_leads_away(void **state unused)
{
	static const char page[] = "<a href=\"./a.cgi\">Export...</a> <A HREF='b.cgi?x=1#y'><b>Im"
				   "port...</b></A> <a href=\"/c\">Data</a>";
	static const char *const import[] = {"IMPORT...", NULL}, *const other[] = {"Fax", NULL};
	char out[64], path[64];

	assert_true(page_link(text(page), import, out, sizeof(out)));
	assert_string_equal(out, "b.cgi?x=1#y");
	assert_false(page_link(text(page), other, out, sizeof(out)));
	assert_true(page_resolve("/rps/x/menu.cgi?a=/b/c", "b.cgi?x=1#y", path, sizeof(path)));
	assert_string_equal(path, "/rps/x/b.cgi?x=1");
	assert_true(page_resolve("/rps/menu.cgi", "/abs?u=http://q", path, sizeof(path)));
	assert_string_equal(path, "/abs?u=http://q");
	static const char *const away[] = {"http://127.0.0.1/", "HTTPS://x", "//x/y", "../up",
		"javascript:1", "#top", "", "a\\b"};
	for (size_t i = 0; i < array_len(away); i++)
		assert_false(page_resolve("/rps/menu.cgi", away[i], path, sizeof(path)));
}

static void passwords_are_left_out_line_by_line(void **state unused)
{
	struct buf b = BUF_INIT;
	static const char abk[] =
		"cn: A\r\npwd: secret\r\nusername: u\r\n\r\ncn: pwd: x\r\npwd: \r\n"
		"pwd:";

	assert_int_equal(canon_without_passwords(text(abk), &b), 1);
	assert_string_equal(buf_str(&b), "cn: A\r\nusername: u\r\n\r\ncn: pwd: x\r\npwd: \r\npwd:");
	buf_fini(&b);
}

static void the_way_to_the_form_is_the_manuals_menu(void **state unused)
{
	struct canon_menu m;

	canon_menu(profile, CANON_FORM_LIST, "list_1", &m);
	assert_int_equal(m.n, 4);
	assert_string_equal(m.step[0][0], "Data Management");
	assert_string_equal(m.step[1][0], "Import/Export Individually");
	assert_string_equal(m.step[2][0], "Address Lists");
	assert_string_equal(m.step[3][0], "Import...");
	canon_menu(profile, CANON_FORM_VALUES, "coded_dial", &m);
	assert_int_equal(m.n, 3);
	canon_menu(profile, CANON_FORM_SETTING, "home", &m);
	assert_int_equal(m.n, 3);
	assert_string_equal(m.step[1][0], "Import/Export All");
	canon_menu(profile, CANON_FORM_SETTING, "indiv_paper_info", &m);
	assert_int_equal(m.n, 4);
	assert_string_equal(m.step[2][0], "Paper Information");
	assert_string_equal(m.step[2][1], "Informations sur le papier");
}

int main(void)
{
	struct fault f = FAULT_INIT;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_form_is_sent_with_what_the_page_says_and_only_there),
		cmocka_unit_test(
			a_page_that_looks_otherwise_is_a_protocol_error_and_nothing_is_sent),
		cmocka_unit_test(a_boundary_stands_nowhere_in_the_file),
		cmocka_unit_test(a_file_name_cannot_begin_a_header_of_its_own),
		cmocka_unit_test(setting_values_go_with_their_password),
		cmocka_unit_test(a_yes_is_a_yes_only_in_the_machines_words_DV_2),
		cmocka_unit_test(a_link_is_found_by_its_words_and_never_leads_away),
		cmocka_unit_test(passwords_are_left_out_line_by_line),
		cmocka_unit_test(the_way_to_the_form_is_the_manuals_menu),
	};

	if (profile_load("schemas/profiles", "canon_rui", &profile, &f) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
