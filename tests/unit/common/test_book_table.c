// SPDX-License-Identifier: Apache-2.0
/* The engine below all tables: rows are the file, cells come back, places are right (AB-9, AB-12).
 */
#include "common/book/engines/table.h"
#include "tests/lib/book_random.h"
#include "tests/lib/book_test.h"

static struct buf random_bytes(struct random *r)
{
	static const char *const PIECES[] = {",", ";", "\t", "\"", "\"\"", "\r\n", "\n", "\r", "a",
		" ", "[x]", "007", "+33", "é", "山", "\x83\x5c", "\xff", "\x81"};
	struct buf b = BUF_INIT;

	for (uint32_t n = random_below(r, 40); n > 0; n--)
		buf_adds(&b, PIECES[random_below(r, array_len(PIECES))]);
	return b;
}

static void the_bytes_of_all_rows_are_the_file(void **state)
{
	struct random r = {.state = 9};
	static struct table t;

	(void)state;
	for (uint32_t i = book_cases(20000); i > 0; i--) {
		struct buf file = random_bytes(&r);
		size_t at = 0;
		int rc;

		assert_int_equal(table_init(&t, buf_span(&file), CHARSET_CP1252, ','), 0);
		while ((rc = table_next(&t)) != 0) {
			assert_int_equal(t.begin, at);
			if (rc < 0)
				table_skip(&t);
			assert_true(t.next > at);
			at = t.next;
		}
		assert_int_equal(at, file.n);
		table_fini(&t);
		buf_fini(&file);
	}
}

static void a_cell_that_is_written_is_read_again(void **state)
{
	static const char *const PIECES[] = {
		",", "\"", "\r\n", "\n", " ", "x", "é", "007", "'", "=", "\t", ";"};
	static const enum charset CHARSETS_HERE[] = {CHARSET_UTF8, CHARSET_CP1252};
	struct random r = {.state = 10};
	static struct table t;

	(void)state;
	for (uint32_t i = book_cases(20000); i > 0; i--) {
		enum charset c = CHARSETS_HERE[random_below(&r, 2)];
		char delimiter = ",;\t"[random_below(&r, 3)];
		struct buf text = BUF_INIT, file = BUF_INIT;

		for (uint32_t n = random_below(&r, 8); n > 0; n--)
			buf_adds(&text, PIECES[random_below(&r, array_len(PIECES))]);
		buf_addc(&file, 'a');
		buf_addc(&file, delimiter);
		assert_int_equal(
			table_put(&file, c, delimiter, buf_str(&text), random_one_in(&r, 2)), 0);
		buf_adds(&file, "\r\n");
		assert_int_equal(table_init(&t, buf_span(&file), c, delimiter), 0);
		assert_int_equal(table_next(&t), 1);
		assert_int_equal(t.n, 2);
		assert_string_equal(table_text(&t, 1), buf_str(&text));
		assert_int_equal(table_next(&t), 0);
		table_fini(&t);
		buf_fini(&text);
		buf_fini(&file);
	}
}

/* A second byte of Windows-31J may look like a backslash or a bracket, never like a delimiter. */
static void japanese_second_bytes_cut_no_cell(void **state)
{
	static struct table t;
	struct buf file = BUF_INIT;
	size_t at;

	(void)state;
	assert_int_equal(
		charset_encode(CHARSET_CP932, text_span("表,ソ,能,\"十,構\"\n"), &file, &at), 0);
	assert_int_equal(table_init(&t, buf_span(&file), CHARSET_CP932, ','), 0);
	assert_int_equal(table_next(&t), 1);
	assert_int_equal(t.n, 4);
	assert_string_equal(table_text(&t, 0), "表");
	assert_string_equal(table_text(&t, 3), "十,構");
	table_fini(&t);
	buf_fini(&file);
}

static void places_count_characters_and_bytes(void **state)
{
	static struct table t;
	struct buf wide = BUF_INIT;
	struct book_fault f = {.line = 0};
	size_t at;

	(void)state;
	assert_int_equal(table_init(&t, text_span("a\n\"é\nü\",\"x\"y\n"), CHARSET_UTF8, ','), 0);
	assert_int_equal(table_next(&t), 1);
	assert_int_equal(table_next(&t), -1);
	table_place(&t, t.wrong.offset, &f);
	assert_int_equal(f.line, 3);
	assert_int_equal(f.column, 7);
	assert_int_equal(f.byte, 8);
	table_fini(&t);
	/* of UTF-16, in bytes of that */
	buf_add(&wide, "\xff\xfe", 2);
	assert_int_equal(charset_encode(CHARSET_UTF16LE, text_span("a\n𠮷,b\n"), &wide, &at), 0);
	assert_int_equal(table_init(&t, buf_span(&wide), CHARSET_UTF8, ','), 0);
	assert_int_equal(table_next(&t), 1);
	assert_int_equal(table_next(&t), 1);
	assert_int_equal(table_offset(&t), 6);
	table_place(&t, (size_t)(t.cell[1].raw.p - t.file.p), &f);
	assert_int_equal(f.line, 2);
	assert_int_equal(f.column, 3);
	assert_int_equal(f.byte, 7);
	table_fini(&t);
	buf_fini(&wide);
}

static void bounds_hold(void **state)
{
	static const struct {
		const char *piece;
		size_t times;
		const char *reason;
	} floods[] = {
		{",", 300, "columns"},
		{"x", 65537, "field"},
		{"\"x", 1, "unbalanced_quote"},
	};
	static struct table t;

	(void)state;
	for (size_t i = 0; i < array_len(floods); i++) {
		struct buf file = BUF_INIT;

		for (size_t n = 0; n < floods[i].times; n++)
			buf_adds(&file, floods[i].piece);
		assert_int_equal(table_init(&t, buf_span(&file), CHARSET_UTF8, ','), 0);
		assert_int_equal(table_next(&t), -1);
		assert_string_equal(t.wrong.reason, floods[i].reason);
		table_fini(&t);
		buf_fini(&file);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_bytes_of_all_rows_are_the_file),
		cmocka_unit_test(a_cell_that_is_written_is_read_again),
		cmocka_unit_test(japanese_second_bytes_cut_no_cell),
		cmocka_unit_test(places_count_characters_and_bytes),
		cmocka_unit_test(bounds_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
