// SPDX-License-Identifier: Apache-2.0
/* Documents that people write: YAML and JSON as one tree with places, and texts that come back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/text/doc.h"

static struct arena arena;

static const struct doc *good(const char *text)
{
	const struct doc *root = NULL;
	struct doc_wrong w = {.reason = ""};
	int rc = doc_read((struct span){(const uint8_t *)text, strlen(text)}, &arena, &root, &w);

	if (rc != 0)
		print_error("%u:%u %s %s\n", w.line, w.column, w.reason, w.detail);
	assert_int_equal(rc, 0);
	return root;
}

static void bad_bytes(struct span text, uint32_t line, uint32_t column, const char *reason)
{
	const struct doc *root = NULL;
	struct doc_wrong w = {.reason = ""};

	assert_int_equal(doc_read(text, &arena, &root, &w), -1);
	assert_string_equal(w.reason, reason);
	assert_int_equal(w.line, line);
	assert_int_equal(w.column, column);
	assert_true(w.detail[0] != '\0');
	arena_reset(&arena);
}

static void bad(const char *text, uint32_t line, uint32_t column, const char *reason)
{
	bad_bytes((struct span){(const uint8_t *)text, strlen(text)}, line, column, reason);
}

static void yaml_and_json_give_the_same_tree(void **state unused)
{
	static const char *const texts[] = {
		"# a comment\na:\n  - b: 007\n    c: \"no\"\n  - {b: no, c: }\n",
		"{\"a\": [{\"b\": \"007\", \"c\": \"no\"},\n {\"b\": \"no\", \"c\": null}]}\n"};

	for (size_t i = 0; i < array_len(texts); i++) {
		const struct doc *list = doc_get(good(texts[i]), "a");
		assert_int_equal(list->kind, DOC_LIST);
		assert_int_equal(list->n, 2);
		assert_string_equal(doc_get(list->first, "b")->text, "007");
		assert_true(doc_get(list->first, "c")->quoted);
		assert_false(doc_is_null(doc_get(list->first, "c")));
		assert_string_equal(doc_get(list->first->next, "b")->text, "no");
		assert_true(doc_is_null(doc_get(list->first->next, "c")));
		assert_null(doc_get(list->first, "d"));
		arena_reset(&arena);
	}
	assert_null(good(""));
	assert_null(good("# nothing\n"));
}

static void everything_knows_its_place(void **state unused)
{
	const struct doc *yaml = doc_get(good("é: {b: 1,\n    longer: [x, y]}\n"), "é");

	assert_int_equal(yaml->first->next->key_line, 2);
	assert_int_equal(yaml->first->next->key_column, 5);
	assert_int_equal(yaml->first->next->first->next->column, 17);
	arena_reset(&arena);
	const struct doc *json = good("{\"é\": 1,\n  \"b\": [true]}");
	assert_int_equal(json->first->column, 7);
	assert_int_equal(doc_get(json, "b")->first->line, 2);
	assert_int_equal(doc_get(json, "b")->first->column, 9);
	arena_reset(&arena);
}

static void what_is_wrong_is_said_with_its_place(void **state unused)
{
	char deep[80];

	bad("a: 1\na: 2\n", 2, 1, "twice");
	bad("{\"a\": 1, \"a\": 2}", 1, 10, "twice");
	bad("a: &x 1\n", 1, 4, "not_plain");
	bad("a: *x\n", 1, 4, "not_plain");
	bad("a: !!str 1\n", 1, 4, "not_plain");
	bad("<<: {}\n", 1, 1, "not_plain");
	bad("a: 1\n---\nb: 2\n", 2, 1, "not_plain");
	bad("? [a]\n: 1\n", 1, 3, "malformed");
	bad("a:\n\t- b\n", 2, 1, "malformed");
	bad("a: \"open\n", 2, 1, "malformed");
	bad("{\"a\": 1,}", 1, 9, "malformed");
	bad("{\"a\": 1} x", 1, 10, "malformed");
	bad_bytes((struct span){(const uint8_t *)"a: \xff\n", 5}, 1, 1, "charset");
	memset(deep, '[', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	bad(deep, 1, 33, "too_deep");
	bad_bytes((struct span){(const uint8_t *)"", DOC_MAX + 1}, 1, 1, "too_long");
}

/* Characters, words and shapes that some reader of YAML takes for something else. */
static void every_text_comes_back_as_it_was(void **state unused)
{
	static const char *const texts[] = {"plain", "two words", "", " ", "no", "Yes", "NULL", "~",
		"007", "1e3", "0x1f", "-", "- a", "a: b", "a #b", "#", "'", "\"", "\\", "a\nb",
		"\t", "\x01", "\x7f", "é", "日本", "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xae", "<<",
		"=", "{", "[", "]", ",", "&a", "*a", "!a", "%", "@", "`", "|", ">", "?", ":",
		"a:", "trailing ", "12:30:45", "2026-01-05", "\xef\xbb\xbf", "\xef\xbf\xbe",
		"\xf0\x9f\x98\x80", "site = 'Lyon'", "1_000", "+1", ".5", ".inf", "a\r\nb"};
	struct buf out = BUF_INIT;

	for (size_t i = 0; i < array_len(texts); i++) {
		buf_reset(&out);
		buf_adds(&out, "k: ");
		yaml_text(&out, texts[i]);
		buf_adds(&out, "\nl:\n  - ");
		yaml_text(&out, texts[i]);
		buf_addc(&out, '\n');
		const struct doc *root = good(buf_str(&out));
		assert_string_equal(doc_get(root, "k")->text, texts[i]);
		assert_string_equal(doc_get(root, "l")->first->text, texts[i]);
		assert_false(doc_is_null(doc_get(root, "k")));
		arena_reset(&arena);
	}
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(yaml_and_json_give_the_same_tree),
		cmocka_unit_test(everything_knows_its_place),
		cmocka_unit_test(what_is_wrong_is_said_with_its_place),
		cmocka_unit_test(every_text_comes_back_as_it_was),
	};

	arena_init(&arena, 0);
	int rc = cmocka_run_group_tests_name("doc", tests, NULL, NULL);
	arena_reset(&arena);
	return rc;
}
