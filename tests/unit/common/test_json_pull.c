// SPDX-License-Identifier: Apache-2.0
/* JSON token by token, beside jansson: what one takes the other takes, and places are right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "common/text/json_pull.h"

static enum pull_token last(struct pull *p, const char *text, size_t n)
{
	enum pull_token t;

	pull_init(p, (struct span){(const uint8_t *)text, n}, 1000);
	do {
		t = pull_next(p);
	} while (t != PULL_END && t != PULL_WRONG);
	return t;
}

static void wrong_at(const char *text, const char *reason, uint32_t line, uint32_t column)
{
	struct pull p;

	assert_int_equal(last(&p, text, strlen(text)), PULL_WRONG);
	assert_string_equal(p.reason, reason);
	assert_int_equal(p.line, line);
	assert_int_equal(pull_column(&p), column);
	pull_fini(&p);
}

static void tokens_come_in_order(void **state)
{
	(void)state;
	static const char text[] =
		"\xef\xbb\xbf{\"a\": [1, -2.5e+7, true],\n \"\\u00e9\\ud83d\\ude00"
		"\\n\": {\"b\" : null, \"c\": \"\"}}\n";
	static const enum pull_token wanted[] = {PULL_OBJECT, PULL_NAME, PULL_ARRAY, PULL_NUMBER,
		PULL_NUMBER, PULL_TRUE, PULL_ARRAY_END, PULL_NAME, PULL_OBJECT, PULL_NAME,
		PULL_NULL, PULL_NAME, PULL_STRING, PULL_OBJECT_END, PULL_OBJECT_END, PULL_END,
		PULL_END};
	struct pull p;

	pull_init(&p, (struct span){(const uint8_t *)text, sizeof(text) - 1}, 100);
	for (size_t i = 0; i < array_len(wanted); i++) {
		assert_int_equal(pull_next(&p), wanted[i]);
		if (i == 4)
			assert_string_equal(buf_str(&p.text), "-2.5e+7");
		if (i == 7) {
			assert_string_equal(buf_str(&p.text), "é😀\n");
			assert_int_equal(p.line, 2);
			assert_int_equal(pull_column(&p), 2);
		}
	}
	pull_fini(&p);
}

static void faults_have_their_place(void **state)
{
	(void)state;
	wrong_at("", "malformed", 1, 1);
	wrong_at("{\n  \"é\": x}", "malformed", 2, 8);
	wrong_at("[\"a\xffz\"]", "charset", 1, 4);
	wrong_at("[\"\\ud800\"]", "charset", 1, 3);
	wrong_at("[\"\\udc00\"]", "charset", 1, 3);
	wrong_at("[\"\\u0000\"]", "nul", 1, 3);
	wrong_at("[\"a\nb\"]", "malformed", 1, 4);
	wrong_at("[01]", "malformed", 1, 2);
	wrong_at("[1,]", "malformed", 1, 4);
	wrong_at("{\"a\":1,}", "malformed", 1, 8);
	wrong_at("{\"a\" 1}", "malformed", 1, 6);
	wrong_at("[1 2]", "malformed", 1, 4);
	wrong_at("[1}", "malformed", 1, 3);
	wrong_at("[1] 2", "malformed", 1, 5);
	wrong_at("[", "malformed", 1, 2);
	wrong_at("\xef\xbb\xbf[?", "malformed", 1, 2);
}

static void nesting_has_a_bound(void **state)
{
	(void)state;
	char text[200] = "";
	struct pull p;

	memset(text, '[', 64);
	memset(text + 64, ']', 64);
	assert_int_equal(last(&p, text, 128), PULL_END);
	pull_fini(&p);
	memset(text, '[', 65);
	memset(text + 65, ']', 65);
	assert_int_equal(last(&p, text, 130), PULL_WRONG);
	assert_string_equal(p.reason, "too_deep");
	pull_fini(&p);
}

static void skipping_ends_behind_the_value(void **state)
{
	(void)state;
	static const char text[] = "[[1,{\"a\":[2]}],3,\"x\"]";
	struct pull p;

	pull_init(&p, (struct span){(const uint8_t *)text, sizeof(text) - 1}, 100);
	assert_int_equal(pull_next(&p), PULL_ARRAY);
	assert_int_equal(pull_skip(&p, pull_next(&p)), 0);
	assert_int_equal(pull_next(&p), PULL_NUMBER);
	assert_string_equal(buf_str(&p.text), "3");
	assert_int_equal(pull_skip(&p, pull_next(&p)), 0);
	assert_int_equal(pull_next(&p), PULL_ARRAY_END);
	pull_fini(&p);
}

/* Random texts near JSON: both readers agree. But for numbers out of jansson's range. */
static void jansson_agrees(void **state)
{
	(void)state;
	static const char *const pieces[] = {"{", "}", "[", "]", ",", ":", "\"a\"", "\"b\"", "1",
		"-0", "1.5", "2e3", "true", "null", " ", "\n", "\"", "\\u00e9", "\\ud83d\\ude00",
		"\xc3\xa9", "\xc3", "0", "x"};
	unsigned seed = 7, good = 0;

	for (int round = 0; round < 200000; round++) {
		char text[128] = "";
		size_t n = (size_t)(rand_r(&seed) % 8) + 1;
		json_error_t error;
		struct pull p;
		for (size_t i = 0; i < n; i++)
			strcat(text, pieces[(size_t)rand_r(&seed) % array_len(pieces)]);
		json_t *j = json_loads(text, JSON_DECODE_ANY, &error);
		enum pull_token t = last(&p, text, strlen(text));
		bool range = !j && json_error_code(&error) == json_error_numeric_overflow;
		if (!range && (j != NULL) != (t == PULL_END))
			fail_msg("%s: %s", text, j ? p.wrong : "jansson refuses it");
		good += j != NULL;
		json_decref(j);
		pull_fini(&p);
	}
	assert_true(good > 1000);
}

static void quoted_text_is_read_back_by_jansson(void **state)
{
	(void)state;
	char all[0x110 * 4] = "", *end = all;
	struct buf out = BUF_INIT;

	for (int c = 1; c < 0x110; c++)
		end += c < 0x80 ? sprintf(end, "%c", c)
				: sprintf(end, "%c%c", 0xc0 | c >> 6, 0x80 | (c & 0x3f));
	(void)strcpy(end, "\xe2\x80\xae日本\xf0\x9f\x98\x80");
	json_quote(&out, all);
	json_t *j = json_loads(buf_str(&out), JSON_DECODE_ANY, NULL);
	assert_non_null(j);
	assert_string_equal(json_string_value(j), all);
	for (size_t i = 0; i < out.n; i++)
		assert_true(out.p[i] >= 0x20 && out.p[i] != 0x7f);
	json_decref(j);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens_come_in_order),
		cmocka_unit_test(faults_have_their_place),
		cmocka_unit_test(nesting_has_a_bound),
		cmocka_unit_test(skipping_ends_behind_the_value),
		cmocka_unit_test(jansson_agrees),
		cmocka_unit_test(quoted_text_is_read_back_by_jansson),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
