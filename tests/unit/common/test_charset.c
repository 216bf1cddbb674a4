// SPDX-License-Identifier: Apache-2.0
/* charset_table (docs/spec/address-books.md section 5, AB-17, AB-19 to AB-22): every byte of
 * Windows-1252, the edges of Shift_JIS, UTF-16's pairs, strict both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <iconv.h>

#include "common/text/charset.h"
#include "common/text/utf8.h"

#define BYTES(s) ((struct span){(const uint8_t *)(s), sizeof(s) - 1})

static void decodes(enum charset c, struct span in, const char *expected)
{
	struct buf b = BUF_INIT;
	size_t at = 0;

	buf_adds(&b, "before ");
	if (charset_decode(c, in, &b, &at) < 0)
		fail_msg("%s refuses byte %zu of what is \"%s\"", charset_name(c), at, expected);
	assert_string_equal(buf_str(&b) + strlen("before "), expected);
	buf_fini(&b);
}

static void encodes(enum charset c, const char *text, struct span expected)
{
	struct buf b = BUF_INIT;
	size_t at = 0;

	if (charset_encode(c, (struct span){(const uint8_t *)text, strlen(text)}, &b, &at) < 0)
		fail_msg("%s refuses \"%s\" at %zu", charset_name(c), text, at);
	assert_int_equal(b.n, expected.n);
	assert_memory_equal(b.p, expected.p, expected.n);
	buf_fini(&b);
}

static void both_ways(enum charset c, struct span bytes, const char *text)
{
	decodes(c, bytes, text);
	encodes(c, text, bytes);
}

static void decode_refuses(enum charset c, struct span in, size_t expected)
{
	struct buf b = BUF_INIT;
	size_t at = 77;

	buf_adds(&b, "before");
	assert_int_equal(charset_decode(c, in, &b, &at), -1);
	assert_int_equal(at, expected);
	assert_string_equal(buf_str(&b), "before");
	buf_fini(&b);
}

static void encode_refuses(enum charset c, const char *text, size_t expected)
{
	struct buf b = BUF_INIT;
	size_t at = 77;

	assert_int_equal(
		charset_encode(c, (struct span){(const uint8_t *)text, strlen(text)}, &b, &at), -1);
	assert_int_equal(at, expected);
	assert_int_equal(b.n, 0);
	buf_fini(&b);
}

static void charset_table_every_byte_of_wcp1252_ab_17(void **state unused)
{
	iconv_t oracle = iconv_open("UTF-8", "CP1252");
	size_t undefined = 0;

	assert_true(oracle != (iconv_t)-1);
	for (unsigned i = 0; i < 256; i++) {
		char in[2] = {(char)i, 0}, out[8] = "", *p = in, *q = out;
		size_t n = 1, room = sizeof(out);
		struct span byte = {(const uint8_t *)in, 1};

		iconv(oracle, NULL, NULL, NULL, NULL);
		if (iconv(oracle, &p, &n, &q, &room) == (size_t)-1) {
			decode_refuses(CHARSET_CP1252, byte, 0);
			undefined++;
		} else if (i > 0) {
			both_ways(CHARSET_CP1252, byte, out);
		}
	}
	iconv_close(oracle);
	assert_int_equal(undefined, 5);
	decode_refuses(CHARSET_CP1252, BYTES("Ren\xe9 \x81"), 5);
	encode_refuses(CHARSET_CP1252, "Ren\xc3\xa9 \xe6\x97\xa5", 6);
	encode_refuses(CHARSET_CP1252, "\xc2\x81", 0);
}

static void charset_table_edges_of_shift_jis(void **state unused)
{
	both_ways(CHARSET_CP932, BYTES("\x8d\xb2\x93\xa1 \xbb\xc4\xb3"),
		"\xe4\xbd\x90\xe8\x97\xa4 \xef\xbd\xbb\xef\xbe\x84\xef\xbd\xb3");
	/* a trail byte that is a backslash in ASCII */
	both_ways(CHARSET_CP932, BYTES("\x95\x5c\x83\x5c"), "\xe8\xa1\xa8\xe3\x82\xbd");
	both_ways(CHARSET_CP932, BYTES("\xa1\xdf"), "\xef\xbd\xa1\xef\xbe\x9f");
	both_ways(CHARSET_CP932, BYTES("\x81\x40"), "\xe3\x80\x80");
	/* Microsoft's wave dash, minus and backslash, not JIS's */
	both_ways(CHARSET_CP932, BYTES("\x81\x60\x81\x7c\x81\x5f"),
		"\xef\xbd\x9e\xef\xbc\x8d\xef\xbc\xbc");
	/* NEC's and IBM's characters, and the last of the user's own */
	both_ways(CHARSET_CP932, BYTES("\x87\x40\xfb\xfc\xfc\x4b"),
		"\xe2\x91\xa0\xe9\xab\x99\xe9\xbb\x91");
	both_ways(CHARSET_CP932, BYTES("\xf0\x40\xf9\xfc"), "\xee\x80\x80\xee\x9d\x97");
}

static void charset_table_shift_jis_refuses_what_is_none(void **state unused)
{
	static const struct {
		const char *bytes;
		size_t at;
	} BAD[] = {
		{"A\x80", 1}, {"\xa0", 0}, {"\xfd", 0}, {"\xff", 0}, /* no lead bytes */
		{"AB\x95", 2}, {"\x81", 0},                          /* nothing behind the lead */
		{"\x95\x3f", 0}, {"\x95\x7f", 0}, {"\x95\xfd", 0},   /* no trail bytes */
		{"\x85\x40", 0}, {"\x95\x5c\xfc\x4c", 2},            /* unassigned */
	};

	for (size_t i = 0; i < array_len(BAD); i++)
		decode_refuses(CHARSET_CP932,
			(struct span){(const uint8_t *)BAD[i].bytes, strlen(BAD[i].bytes)},
			BAD[i].at);
	/* JIS's wave dash and a yen sign are other characters: the ledger's matter, not ours */
	encode_refuses(CHARSET_CP932, "a\xe3\x80\x9c", 1);
	encode_refuses(CHARSET_CP932, "\xc2\xa5", 0);
	encode_refuses(CHARSET_CP932, "\xc3\xa9", 0);
	encode_refuses(CHARSET_CP932, "\xf0\xa0\xae\xb7", 0);
}

static void a_backslash_in_shift_jis_stays_a_backslash_ab_21(void **state unused)
{
	both_ways(CHARSET_CP932, BYTES("\\\\server\\share~"), "\\\\server\\share~");
}

/* Some characters have two codes: each is read, one of them is written. */
static void shift_jis_is_read_in_full_and_written_in_one_way(void **state unused)
{
	size_t characters = 0, other = 0;

	for (unsigned code = 0x8140; code <= 0xfcfc; code++) {
		const uint8_t in[2] = {(uint8_t)(code >> 8), (uint8_t)code};
		struct buf text = BUF_INIT, back = BUF_INIT, again = BUF_INIT;
		size_t at;

		if ((in[0] >= 0xa0 && in[0] <= 0xdf) ||
			charset_decode(CHARSET_CP932, (struct span){in, 2}, &text, &at) < 0) {
			buf_fini(&text);
			continue;
		}
		assert_int_equal(charset_encode(CHARSET_CP932, buf_span(&text), &back, &at), 0);
		assert_int_equal(charset_decode(CHARSET_CP932, buf_span(&back), &again, &at), 0);
		assert_string_equal(buf_str(&again), buf_str(&text));
		characters++;
		other += memcmp(back.p, in, 2) != 0;
		buf_fini(&text);
		buf_fini(&back);
		buf_fini(&again);
	}
	assert_int_equal(characters, 9604);
	assert_int_equal(other, 398);
	decodes(CHARSET_CP932, BYTES("\x81\xca\xee\xf9\xfa\x54"),
		"\xef\xbf\xa2\xef\xbf\xa2\xef\xbf\xa2");
	encodes(CHARSET_CP932, "\xef\xbf\xa2", BYTES("\x81\xca"));
	encodes(CHARSET_CP932, "\xe2\x88\xb5", BYTES("\x81\xe6")); /* not NEC's 879A */
}

static void charset_table_lone_surrogates_of_utf16(void **state unused)
{
	both_ways(CHARSET_UTF16LE, BYTES("A\0\xe9\0\x42\xd8\xb7\xdf"), "A\xc3\xa9\xf0\xa0\xae\xb7");
	both_ways(CHARSET_UTF16BE, BYTES("\0A\0\xe9\xd8\x42\xdf\xb7"), "A\xc3\xa9\xf0\xa0\xae\xb7");
	both_ways(CHARSET_UTF16LE, BYTES("\xff\xdb\xff\xdf"), "\xf4\x8f\xbf\xbf");
	decode_refuses(CHARSET_UTF16LE, BYTES("A\0\x42\xd8"), 2);
	decode_refuses(CHARSET_UTF16LE,
		BYTES("A\0\x42\xd8"
		      "A\0"),
		2);
	decode_refuses(CHARSET_UTF16LE, BYTES("\xb7\xdf"), 0);
	decode_refuses(CHARSET_UTF16BE, BYTES("\xd8\x42\xd8\x42"), 0);
	decode_refuses(CHARSET_UTF16LE, BYTES("A\0B"), 2);
}

static void utf8_is_strict_and_says_where(void **state unused)
{
	both_ways(CHARSET_UTF8, BYTES("Ren\xc3\xa9 \xf0\xa0\xae\xb7"),
		"Ren\xc3\xa9 \xf0\xa0\xae\xb7");
	decode_refuses(CHARSET_UTF8, BYTES("abcdefgh\xc0\x80"), 8);
	decode_refuses(CHARSET_UTF8, BYTES("a\xed\xa0\x80"), 1);
	decode_refuses(CHARSET_UTF8, BYTES("\xc3\xa9\xc3"), 2);
	encode_refuses(CHARSET_UTF8, "ab\xff", 2);
	encode_refuses(CHARSET_UTF16LE, "ab\xff", 2);
}

static void every_code_point_goes_through_utf8_and_utf16(void **state unused)
{
	for (uint32_t cp = 1; cp <= 0x10ffff; cp += cp < 0x11000 ? 1 : 0x3fb) {
		uint8_t utf8[4];
		struct buf wide = BUF_INIT, back = BUF_INIT;
		uint32_t read;
		size_t at, n;

		if (cp >= 0xd800 && cp <= 0xdfff) {
			assert_false(charset_has(CHARSET_UTF8, cp));
			continue;
		}
		n = utf8_write(cp, utf8);
		assert_int_equal(utf8_read(utf8, n, &read), n);
		assert_int_equal(read, cp);
		assert_int_equal(
			charset_encode(CHARSET_UTF16BE, (struct span){utf8, n}, &wide, &at), 0);
		assert_int_equal(charset_decode(CHARSET_UTF16BE, buf_span(&wide), &back, &at), 0);
		assert_int_equal(back.n, n);
		assert_memory_equal(back.p, utf8, n);
		buf_fini(&wide);
		buf_fini(&back);
	}
}

static void nul_passes_and_is_the_readers_matter(void **state unused)
{
	struct buf b = BUF_INIT;
	size_t at;

	for (enum charset c = CHARSET_UTF8; c <= CHARSET_CP932; c++) {
		buf_reset(&b);
		assert_int_equal(charset_decode(c, BYTES("a\0b"), &b, &at), 0);
		assert_int_equal(b.n, 3);
		assert_memory_equal(b.p, "a\0b", 3);
	}
	buf_fini(&b);
}

static void labels_are_known_in_any_case_and_others_are_not_ab_22(void **state unused)
{
	assert_int_equal(charset_named("utf-8"), CHARSET_UTF8);
	assert_int_equal(charset_named("WCP1252"), CHARSET_CP1252);
	assert_int_equal(charset_named("Windows-1252"), CHARSET_CP1252);
	assert_int_equal(charset_named("sjis"), CHARSET_CP932);
	assert_int_equal(charset_named("Shift_JIS"), CHARSET_CP932);
	assert_int_equal(charset_named("utf-16le"), CHARSET_UTF16LE);
	assert_int_equal(charset_named("UTF-16BE"), CHARSET_UTF16BE);
	assert_int_equal(charset_named("EBCDIC"), -1);
	assert_int_equal(charset_named(""), -1);
	for (enum charset c = 0; c < CHARSETS; c++)
		assert_int_equal(charset_named(charset_name(c)), c);
}

static void a_charset_says_which_characters_it_has(void **state unused)
{
	assert_true(charset_has(CHARSET_CP1252, 0x20ac));
	assert_false(charset_has(CHARSET_CP1252, 0x81));
	assert_false(charset_has(CHARSET_CP1252, 0x65e5));
	assert_true(charset_has(CHARSET_CP932, 0x65e5));
	assert_true(charset_has(CHARSET_CP932, 0x5c));
	assert_false(charset_has(CHARSET_CP932, 0xa5));
	assert_true(charset_has(CHARSET_UTF16LE, 0x20bb7));
	assert_false(charset_has(CHARSET_UTF8, 0x110000));
}

static void a_byte_order_mark_tells_the_charset(void **state unused)
{
	size_t n = 0;

	assert_int_equal(charset_bom(BYTES("\xef\xbb\xbf#"), &n), CHARSET_UTF8);
	assert_int_equal(n, 3);
	assert_int_equal(charset_bom(BYTES("\xff\xfe@\0"), &n), CHARSET_UTF16LE);
	assert_int_equal(n, 2);
	assert_int_equal(charset_bom(BYTES("\xfe\xff\0@"), &n), CHARSET_UTF16BE);
	assert_int_equal(charset_bom(BYTES("\xff\xff"), &n), -1);
	assert_int_equal(charset_bom(BYTES("\x01\x00"), &n), -1);
	assert_int_equal(charset_bom(BYTES("\xef\xbb"), &n), -1);
	assert_int_equal(charset_bom(BYTES(""), &n), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(charset_table_every_byte_of_wcp1252_ab_17),
		cmocka_unit_test(charset_table_edges_of_shift_jis),
		cmocka_unit_test(charset_table_shift_jis_refuses_what_is_none),
		cmocka_unit_test(a_backslash_in_shift_jis_stays_a_backslash_ab_21),
		cmocka_unit_test(shift_jis_is_read_in_full_and_written_in_one_way),
		cmocka_unit_test(charset_table_lone_surrogates_of_utf16),
		cmocka_unit_test(utf8_is_strict_and_says_where),
		cmocka_unit_test(every_code_point_goes_through_utf8_and_utf16),
		cmocka_unit_test(nul_passes_and_is_the_readers_matter),
		cmocka_unit_test(labels_are_known_in_any_case_and_others_are_not_ab_22),
		cmocka_unit_test(a_charset_says_which_characters_it_has),
		cmocka_unit_test(a_byte_order_mark_tells_the_charset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
