// SPDX-License-Identifier: Apache-2.0
/* Normal forms, folding, characters and host names (address-books.md sections 8 and 12). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/text/unicode.h"
#include "common/text/utf8.h"

static void nfc(const char *in, const char *want)
{
	struct buf b = BUF_INIT;

	assert_int_equal(unicode_nfc(in, &b), 0);
	assert_string_equal(buf_str(&b), want);
	buf_fini(&b);
}

static void folds(const char *in, bool strip, const char *want)
{
	struct buf b = BUF_INIT;

	assert_int_equal(unicode_fold(in, strip, &b), 0);
	assert_string_equal(buf_str(&b), want);
	buf_fini(&b);
}

static void host(const char *in, const char *want)
{
	struct buf b = BUF_INIT;

	assert_int_equal(host_canonical(in, &b), 0);
	assert_string_equal(buf_str(&b), want);
	buf_reset(&b);
	assert_int_equal(host_canonical(want, &b), 0);
	assert_string_equal(buf_str(&b), want);
	buf_fini(&b);
}

static void the_same_letter_written_in_two_ways_becomes_one(void **state unused)
{
	nfc("", "");
	nfc("Ana Silva", "Ana Silva");
	nfc("Jose\xCC\x81", "Jos\xC3\xA9");
	nfc("Jos\xC3\xA9", "Jos\xC3\xA9");
	nfc("か\xE3\x82\x99", "が");
	nfc("\xE2\x84\xAB", "\xC3\x85"); /* Ångström sign */
	nfc("\xE1\x84\x80\xE1\x85\xA1", "\xEA\xB0\x80");
	nfc("e\xCC\xA7\xCC\x81", "\xC8\xA9\xCC\x81"); /* marks in their order */
	nfc("e\xCC\x81\xCC\xA7", "\xC8\xA9\xCC\x81");
	nfc("ｶﾞ①", "ｶﾞ①"); /* compatibility forms are not touched */
}

static void an_endless_run_of_marks_is_left_alone(void **state unused)
{
	struct buf in = BUF_INIT, out = BUF_INIT;

	for (int i = 0; i < 16384; i++)
		buf_adds(&in, i % 2 ? "\xCC\xA7" : "\xCC\x81");
	assert_int_equal(unicode_nfc(buf_str(&in), &out), 0);
	assert_string_equal(buf_str(&out), buf_str(&in));
	buf_reset(&out);
	assert_int_equal(unicode_fold(buf_str(&in), true, &out), 0);
	assert_string_equal(buf_str(&out), buf_str(&in));
	buf_fini(&in);
	buf_fini(&out);
}

static void words_are_found_however_they_are_typed(void **state unused)
{
	folds("Ana SILVA", false, "ana silva");
	folds("ＡＮＡ　ｓｉｌｖａ", false, "ana silva");
	folds("José", false, "josé");
	folds("JOSÉ", true, "jose");
	folds("Straße", true, "strasse");
	folds("Łukasz Sørensen", true, "lukasz sorensen");
	folds("Ægir Þór", true, "aegir thor");
	folds("ΣΊΣΥΦΟΣ", false, "σίσυφοσ");
	folds("so\xC2\xADund", false, "sound");
}

static void kana_of_any_kind_and_width_are_one(void **state unused)
{
	folds("ヤマダ　タロウ", false, "やまだ たろう");
	folds("ﾔﾏﾀﾞ ﾀﾛｳ", true, "やまだ たろう");
	folds("やまだ たろう", true, "やまだ たろう");
	folds("サーバ", true, "さーば");
	folds("ガ", true, "が"); /* a sound mark is no accent */
}

static void a_cut_never_splits_what_people_see_as_one(void **state unused)
{
	assert_int_equal(unicode_cut("Ana", 3), 3);
	assert_int_equal(unicode_cut("Anabel", 3), 3);
	assert_int_equal(unicode_cut("", 0), 0);
	assert_int_equal(unicode_cut("Ana", 0), 0);
	assert_int_equal(unicode_cut("Jose\xCC\x81", 4), 3);
	assert_int_equal(unicode_cut("Jose\xCC\x81", 5), 6);
	assert_int_equal(unicode_cut("山田太郎", 2), 6);
	/* two flags are four characters; a family is one picture */
	assert_int_equal(unicode_cut("🇫🇷🇯🇵", 3), 8);
	assert_int_equal(unicode_cut("a👩‍👧b", 3), 1);
	assert_int_equal(unicode_length("山田 é"), 4);
	assert_int_equal(unicode_length(""), 0);
}

static void names_of_hosts_become_a_labels(void **state unused)
{
	host("SERVER", "server");
	host("Server_01.Example.COM.", "server_01.example.com");
	host("B\xC3\xBC"
	     "cher.example.",
		"xn--bcher-kva.example");
	host("BÜCHER.example", "xn--bcher-kva.example");
	host("XN--BCHER-KVA.example", "xn--bcher-kva.example");
	host("faß.de", "xn--fa-hia.de");
	host("例え。テスト", "xn--r8jz45g.xn--zckzah");
	host("ｓｅｒｖｅｒ．ｌｏｃａｌ", "server.local");
}

static void addresses_of_hosts_are_canonical(void **state unused)
{
	host("192.168.0.10", "192.168.0.10");
	host("１９２．１６８．０．１０", "192.168.0.10");
	host("192.168.000.010", "192.168.000.010"); /* octal for some: not ours to say */
	host("2001:0DB8:0:0:0:0:0:1", "2001:db8::1");
	host("[2001:DB8::0:1]", "2001:db8::1");
	host("FE80::1%eth0", "fe80::1%eth0");
}

static void what_is_no_host_stays_as_text(void **state unused)
{
	host("", "");
	host("...", "...");
	host("\\\\Server\\Share", "\\\\server\\share");
	host("serveur n°1 \xE2\x80\x8E", "serveur n°1 \xE2\x80\x8E");
	host("xn--\xC3\xA9", "xn--\xC3\xA9");
	host("::zz", "::zz");
}

/* xorshift: the same texts in every run. */
static uint64_t draw(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	return *state ^= *state << 17;
}

static void random_text(uint64_t *state, struct buf *out)
{
	static const uint32_t base[] = {0x20, 0x41, 0xC0, 0x300, 0x370, 0x590, 0x900, 0x1100,
		0x1E00, 0x2000, 0x2E80, 0x3000, 0x3040, 0x3090, 0xA000, 0xAC00, 0xF900, 0xFB00,
		0xFE00, 0xFF00, 0x1D100, 0x1F1E6, 0x2F800};
	uint8_t utf8[4];

	buf_reset(out);
	for (size_t n = draw(state) % 12; n > 0; n--) {
		uint32_t c = base[draw(state) % array_len(base)] + (uint32_t)(draw(state) % 96);
		buf_add(out, utf8, utf8_write(c, utf8));
	}
}

static void normal_forms_are_normal(void **state unused)
{
	uint64_t seed = 7;
	struct buf in = BUF_INIT, once = BUF_INIT, twice = BUF_INIT;
	int (*const form[])(const char *, struct buf *) = {unicode_nfc, host_canonical};

	for (int i = 0; i < 20000; i++) {
		random_text(&seed, &in);
		for (size_t k = 0; k < array_len(form); k++) {
			buf_reset(&once);
			buf_reset(&twice);
			assert_int_equal(form[k](buf_str(&in), &once), 0);
			assert_int_equal(form[k](buf_str(&once), &twice), 0);
			assert_string_equal(buf_str(&once), buf_str(&twice));
		}
	}
	buf_fini(&in);
	buf_fini(&once);
	buf_fini(&twice);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_letter_written_in_two_ways_becomes_one),
		cmocka_unit_test(an_endless_run_of_marks_is_left_alone),
		cmocka_unit_test(words_are_found_however_they_are_typed),
		cmocka_unit_test(kana_of_any_kind_and_width_are_one),
		cmocka_unit_test(a_cut_never_splits_what_people_see_as_one),
		cmocka_unit_test(names_of_hosts_become_a_labels),
		cmocka_unit_test(addresses_of_hosts_are_canonical),
		cmocka_unit_test(what_is_no_host_stays_as_text),
		cmocka_unit_test(normal_forms_are_normal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
