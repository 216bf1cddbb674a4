// SPDX-License-Identifier: Apache-2.0
/* Canon address lists: whole, cut, malformed, too big (address-books.md 4.2, reliability.md 5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/buf.h"
#include "common/book/formats/abk.h"
#include "gen/errors.h"

#define PREAMBLE                                                                                   \
	"# Canon AddressBook version: 1\r\n"                                                       \
	"# CharSet: WCP1252\r\n"                                                                   \
	"# SubAddressBookName: Sales\r\n"                                                          \
	"# DB Version: 0x0108\r\n\r\n"
#define RECORD                                                                                     \
	"subdbid: 1\r\ndn: 200\r\ncn: Ana\r\ncnread: ana\r\nmailaddress: ana@example.com\r\n"      \
	"enablepartial: false\r\naccesscode: 0\r\nprotocol: smtp\r\nobjectclass: top\r\n"          \
	"objectclass: extensibleobject\r\nobjectclass: email\r\n\r\n"

static struct span text(const char *s)
{
	return (struct span){(const uint8_t *)s, strlen(s)};
}

static int check(struct span s, struct abk_info *info, struct fault *f)
{
	memset(info, 0, sizeof(*info));
	*f = FAULT_INIT;
	return abk_check(s, info, f);
}

static void refused(struct span s, int code, const char *reason, const char *place)
{
	struct abk_info info;
	struct fault f;

	assert_int_equal(check(s, &info, &f), -1);
	assert_int_equal(f.code, code);
	assert_string_equal(f.reason, reason);
	if (place && !strstr(f.detail, place))
		fail_msg("\"%s\" lacks \"%s\"", f.detail, place);
}

static void a_list_as_a_device_writes_it_is_whole_and_counted(void **state unused)
{
	struct abk_info info;
	struct fault f;

	assert_int_equal(check(text(PREAMBLE RECORD RECORD), &info, &f), 0);
	assert_int_equal(info.entries, 2);
	assert_int_equal(info.bytes, strlen(PREAMBLE RECORD RECORD));
	assert_int_equal(info.charset, CHARSET_CP1252);
	assert_string_equal(info.declared, "WCP1252");
	assert_true(info.preamble);
	assert_false(info.base64 || info.folded || info.bare_lf);
}

static void an_empty_list_is_its_preamble(void **state unused)
{
	struct abk_info info;
	struct fault f;

	assert_int_equal(check(text(PREAMBLE), &info, &f), 0);
	assert_int_equal(info.entries, 0);
}

static void a_list_may_begin_with_a_record(void **state unused)
{
	struct abk_info info;
	struct fault f;

	assert_int_equal(check(text(RECORD), &info, &f), 0);
	assert_int_equal(info.entries, 1);
	assert_false(info.preamble);
}

static void base64_and_continuation_lines_are_kept_and_flagged_ab_16(void **state unused)
{
	struct abk_info info;
	struct fault f;

	assert_int_equal(
		check(text("cn:: QW5h\r\npath: //server\r\n /share\r\nobjectclass: smb\r\n\r\n"),
			&info, &f),
		0);
	assert_true(info.base64 && info.folded);
}

static void lines_of_other_programs_end_with_lf_and_are_flagged(void **state unused)
{
	struct abk_info info;
	struct fault f;

	assert_int_equal(check(text("cn: Ana\nobjectclass: email\n\n"), &info, &f), 0);
	assert_true(info.bare_lf);
}

static void only_the_first_colon_splits_and_values_may_be_empty(void **state unused)
{
	struct abk_info info;
	struct fault f;

	assert_int_equal(
		check(text("url: ftp://h:21/a: b\r\ncn: \r\npwd:\r\nobjectclass: ftp\r\n\r\n"),
			&info, &f),
		0);
}

/* Cut anywhere but after a record's blank line: never taken for whole. */
static void a_list_cut_at_any_byte_is_incomplete_or_malformed(void **state unused)
{
	struct span all = text(PREAMBLE RECORD);
	size_t preamble = strlen(PREAMBLE);

	for (size_t n = 0; n < all.n; n++) {
		struct abk_info info;
		struct fault f;
		int r = check((struct span){all.p, n}, &info, &f);

		if (n == preamble) {
			assert_int_equal(r, 0);
			continue;
		}
		assert_int_equal(r, -1);
		assert_int_equal(f.code, CN_INCOMPLETE);
	}
}

static void half_a_record_is_incomplete(void **state unused)
{
	refused(text(PREAMBLE RECORD "subdbid: 1\r\ndn: 201\r\ncn: Bo\r\n\r\n"), CN_INCOMPLETE,
		"half_record", "line 21");
}

static void bytes_outside_windows_1252_are_a_charset_error_with_the_place_ab_17(void **state unused)
{
	static const uint8_t bad[] = {0x81, 0x8d, 0x8f, 0x90, 0x9d};

	for (size_t i = 0; i < sizeof(bad); i++) {
		struct buf b = BUF_INIT;

		buf_adds(&b, PREAMBLE "cn: A");
		buf_addc(&b, (char)bad[i]);
		buf_adds(&b, "\r\nobjectclass: email\r\n\r\n");
		refused(buf_span(&b), CN_CHARSET_ERROR, "cp1252", "line 6, column 6 (byte 6)");
		buf_fini(&b);
	}
}

static void other_windows_1252_bytes_are_letters(void **state unused)
{
	struct abk_info info;
	struct fault f;

	assert_int_equal(check(text("# CharSet: WCP1252\r\n\r\ncn: \xc9milie \x80\r\nobjectclass: "
				    "email\r\n\r\n"),
				 &info, &f),
		0);
}

static void invalid_utf8_is_a_charset_error_where_utf8_is_declared(void **state unused)
{
	static const char *const bad[] = {
		"\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff", "\xe2\x82", "\x80"};

	for (size_t i = 0; i < array_len(bad); i++) {
		struct buf b = BUF_INIT;

		buf_addf(
			&b, "# CharSet: UTF-8\r\n\r\ncn: %s\r\nobjectclass: email\r\n\r\n", bad[i]);
		refused(buf_span(&b), CN_CHARSET_ERROR, "utf8", "line 3");
		buf_fini(&b);
	}
}

static void columns_count_characters_and_bytes_ab_12(void **state unused)
{
	refused(text("# CharSet: UTF-8\r\n\r\ncn: \xe5\xb1\xb1\xff\r\nobjectclass: email\r\n\r\n"),
		CN_CHARSET_ERROR, "utf8", "line 3, column 6 (byte 8)");
}

static void malformed_lines_are_parse_errors_with_their_place(void **state unused)
{
	refused(text("cn Ana\r\n\r\n"), CN_PARSE_ERROR, "name", "line 1, column 3");
	refused(text("cn:Ana\r\n\r\n"), CN_PARSE_ERROR, "no_space", "line 1, column 4");
	refused(text("cn\r\n\r\n"), CN_PARSE_ERROR, "no_colon", "line 1");
	refused(text(": x\r\n\r\n"), CN_PARSE_ERROR, "name", "line 1, column 1");
	refused(text(" x\r\n\r\n"), CN_PARSE_ERROR, "continuation", "line 1");
	refused(text("cn: a\rb\r\n\r\n"), CN_PARSE_ERROR, "bare_cr", "line 1, column 7");
	refused(text("cn: a\r\n# no\r\n\r\n"), CN_PARSE_ERROR, "comment", "line 2");
	refused((struct span){(const uint8_t *)"cn: a\0b\r\n\r\n", 11}, CN_PARSE_ERROR, "nul",
		"line 1, column 6");
}

static void a_web_page_is_told_from_a_list(void **state unused)
{
	assert_true(abk_looks_html(text("<html>")));
	assert_true(abk_looks_html(text("\xef\xbb\xbf\r\n <!DOCTYPE html>")));
	assert_false(abk_looks_html(text(PREAMBLE)));
	assert_false(abk_looks_html(text("")));
	refused(text("\r\n<html>failed</html>"), CN_PARSE_ERROR, "html", "line 2");
}

static struct span field_of(struct buf *b, size_t n)
{
	buf_adds(b, "cn: ");
	for (size_t i = 0; i < n; i++)
		buf_addc(b, 'x');
	buf_adds(b, "\r\nobjectclass: email\r\n\r\n");
	return buf_span(b);
}

static void a_field_may_have_64_kib_and_no_more(void **state unused)
{
	struct buf good = BUF_INIT, bad = BUF_INIT;
	struct abk_info info;
	struct fault f;

	assert_int_equal(check(field_of(&good, ABK_FIELD_MAX), &info, &f), 0);
	refused(field_of(&bad, ABK_FIELD_MAX + 1), CN_RESPONSE_TOO_BIG, "field", "65536");
	buf_fini(&good);
	buf_fini(&bad);
}

static void continuation_lines_count_into_the_field(void **state unused)
{
	struct buf b = BUF_INIT;

	buf_adds(&b, "cn: a\r\n");
	for (size_t i = 0; i < ABK_FIELD_MAX / 64 + 1; i++)
		buf_addf(&b, " %064d\r\n", 0);
	refused(buf_span(&b), CN_RESPONSE_TOO_BIG, "field", NULL);
	buf_fini(&b);
}

static void folds_of_nothing_have_an_end_too(void **state unused)
{
	struct buf b = BUF_INIT;

	buf_adds(&b, "cn: a\r\n");
	for (size_t i = 0; i < ABK_FIELD_MAX; i++)
		buf_adds(&b, " \n");
	refused(buf_span(&b), CN_RESPONSE_TOO_BIG, "field", NULL);
	buf_fini(&b);
}

static void a_comment_line_may_have_1_mib_and_no_more(void **state unused)
{
	struct buf b = BUF_INIT;

	buf_addc(&b, '#');
	for (size_t i = 0; i < ABK_LINE_MAX; i++)
		buf_addc(&b, 'x');
	refused(buf_span(&b), CN_RESPONSE_TOO_BIG, "line", NULL);
	buf_fini(&b);
}

static void a_list_may_have_200000_entries_and_no_more(void **state unused)
{
	struct buf b = BUF_INIT;
	struct abk_info info;
	struct fault f;

	for (size_t i = 0; i < ABK_ENTRIES_MAX; i++)
		buf_adds(&b, "objectclass: email\r\n\r\n");
	assert_int_equal(check(buf_span(&b), &info, &f), 0);
	assert_int_equal(info.entries, ABK_ENTRIES_MAX);
	buf_adds(&b, "objectclass: email\r\n\r\n");
	refused(buf_span(&b), CN_RESPONSE_TOO_BIG, "entries", NULL);
	buf_fini(&b);
}

static void a_record_may_have_256_lines_and_no_more(void **state unused)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i <= ABK_FIELDS_MAX; i++)
		buf_adds(&b, "objectclass: email\r\n");
	refused(buf_span(&b), CN_RESPONSE_TOO_BIG, "fields", "line 257");
	buf_fini(&b);
}

/* The pieces in which a list arrives do not matter. */
static void byte_by_byte_gives_the_same_answer(void **state unused)
{
	static const char *const lists[] = {PREAMBLE RECORD RECORD, PREAMBLE "cn: \x81\r\n",
		"# CharSet: UTF-8\r\n\r\ncn: \xe5\xb1\xb1\r\nobjectclass: x\r\n\r\n",
		RECORD "dn: 2", "<html>"};

	for (size_t i = 0; i < array_len(lists); i++) {
		struct span all = text(lists[i]);
		struct abk_info a, b = {0};
		struct fault fa, fb = FAULT_INIT;
		struct abk_scan s;
		int ra = check(all, &a, &fa), rb = 0;

		abk_scan_init(&s);
		for (size_t k = 0; k < all.n && rb == 0; k++)
			rb = abk_scan_feed(&s, (struct span){all.p + k, 1}, &fb);
		if (rb == 0)
			rb = abk_scan_end(&s, &b, &fb);
		assert_int_equal(ra, rb);
		assert_int_equal(fa.code, fb.code);
		assert_string_equal(fa.detail, fb.detail);
		assert_int_equal(a.entries, b.entries);
		assert_int_equal(a.bytes, b.bytes);
	}
}

static void the_first_fault_stays(void **state unused)
{
	struct abk_scan s;
	struct abk_info info;
	struct fault f = FAULT_INIT;

	abk_scan_init(&s);
	assert_int_equal(abk_scan_feed(&s, text("cn Ana\r\n"), &f), -1);
	assert_int_equal(abk_scan_feed(&s, text(RECORD), &f), -1);
	assert_string_equal(f.reason, "name");
	assert_int_equal(abk_scan_end(&s, &info, &f), -1);
	assert_string_equal(f.reason, "name");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_as_a_device_writes_it_is_whole_and_counted),
		cmocka_unit_test(an_empty_list_is_its_preamble),
		cmocka_unit_test(a_list_may_begin_with_a_record),
		cmocka_unit_test(base64_and_continuation_lines_are_kept_and_flagged_ab_16),
		cmocka_unit_test(lines_of_other_programs_end_with_lf_and_are_flagged),
		cmocka_unit_test(only_the_first_colon_splits_and_values_may_be_empty),
		cmocka_unit_test(a_list_cut_at_any_byte_is_incomplete_or_malformed),
		cmocka_unit_test(half_a_record_is_incomplete),
		cmocka_unit_test(
			bytes_outside_windows_1252_are_a_charset_error_with_the_place_ab_17),
		cmocka_unit_test(other_windows_1252_bytes_are_letters),
		cmocka_unit_test(invalid_utf8_is_a_charset_error_where_utf8_is_declared),
		cmocka_unit_test(columns_count_characters_and_bytes_ab_12),
		cmocka_unit_test(malformed_lines_are_parse_errors_with_their_place),
		cmocka_unit_test(a_web_page_is_told_from_a_list),
		cmocka_unit_test(a_field_may_have_64_kib_and_no_more),
		cmocka_unit_test(continuation_lines_count_into_the_field),
		cmocka_unit_test(folds_of_nothing_have_an_end_too),
		cmocka_unit_test(a_comment_line_may_have_1_mib_and_no_more),
		cmocka_unit_test(a_list_may_have_200000_entries_and_no_more),
		cmocka_unit_test(a_record_may_have_256_lines_and_no_more),
		cmocka_unit_test(byte_by_byte_gives_the_same_answer),
		cmocka_unit_test(the_first_fault_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
