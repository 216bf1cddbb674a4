// SPDX-License-Identifier: Apache-2.0
/* Pages of devices: forms and visible words, however badly written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "services/worker/adapters/page.h"

static struct span text(const char *s)
{
	return (struct span){(const uint8_t *)s, strlen(s)};
}

static void visible(const char *html, const char *wanted)
{
	struct buf b = BUF_INIT;

	page_text(text(html), 512, &b);
	assert_string_equal(buf_str(&b), wanted);
	buf_fini(&b);
}

static void the_visible_text_has_no_tags_scripts_styles_or_comments(void **state unused)
{
	visible("<html><head><title>T</title><style>p {x}</style></head>\n <p>One<br>two\t "
		"three</p>",
		"T One two three");
	visible("a<script>if (a < b) { x = '<p>no</p>'; }</script>b", "a b");
	visible("a<!-- <p>no --> b", "a b");
	visible("1 < 2", "1");
	visible("", "");
}

static void text_is_cut_where_it_is_told(void **state unused)
{
	struct buf b = BUF_INIT;

	page_text(text("abcdefgh"), 3, &b);
	assert_string_equal(buf_str(&b), "abc");
	buf_fini(&b);
}

static void inputs_are_found_in_any_quoting_and_case(void **state unused)
{
	assert_true(page_has_input(text("<INPUT NAME=deptid>"), "deptid"));
	assert_true(page_has_input(text("<input type='text'  name = \"deptid\"/>"), "deptid"));
	assert_false(page_has_input(text("<inputs name=deptid>"), "deptid"));
	assert_false(page_has_input(text("<input data-name=deptid>"), "deptid"));
	assert_false(page_has_input(text("<!-- <input name=deptid> -->"), "deptid"));
	assert_false(page_has_input(text("<input title='<input name=deptid>' name=x>"), "deptid"));
}

static void only_the_form_of_the_input_counts(void **state unused)
{
	struct span html = text("<form action=/a><input type=hidden name=t value=1></form>"
				"<form action='/b'><input type=hidden name=u value='&quot;2&amp;'>"
				"<input type=text name=v value=3><input name=w></form>");
	struct buf b = BUF_INIT;
	char action[16];

	assert_true(page_form_of(html, "w", action, sizeof(action)));
	assert_string_equal(action, "/b");
	page_hidden_fields(html, "w", &b);
	assert_string_equal(buf_str(&b), "u=%222%26&");
	assert_false(page_form_of(html, "none", action, sizeof(action)));
	buf_fini(&b);
}

static void cut_pages_end_quietly(void **state unused)
{
	static const char *const cut[] = {"<", "<i", "<input", "<input name",
		"<input name=", "<input name='x", "<!--", "<script>", "<script",
		"<form action=x><input name=y"};
	struct buf b = BUF_INIT;
	char action[8];

	for (size_t i = 0; i < array_len(cut); i++) {
		page_text(text(cut[i]), 64, &b);
		page_hidden_fields(text(cut[i]), "y", &b);
		(void)page_form_of(text(cut[i]), "y", action, sizeof(action));
		(void)page_has_input(text(cut[i]), "y");
	}
	buf_fini(&b);
}

static void long_values_are_cut_not_overrun(void **state unused)
{
	struct buf html = BUF_INIT;
	char action[8];

	buf_adds(&html, "<form action=\"/");
	for (int i = 0; i < 1000; i++)
		buf_addc(&html, 'x');
	buf_adds(&html, "\"><input name=y></form>");
	assert_true(page_form_of(buf_span(&html), "y", action, sizeof(action)));
	assert_string_equal(action, "/xxxxxx");
	buf_fini(&html);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_visible_text_has_no_tags_scripts_styles_or_comments),
		cmocka_unit_test(text_is_cut_where_it_is_told),
		cmocka_unit_test(inputs_are_found_in_any_quoting_and_case),
		cmocka_unit_test(only_the_form_of_the_input_counts),
		cmocka_unit_test(cut_pages_end_quietly),
		cmocka_unit_test(long_values_are_cut_not_overrun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
