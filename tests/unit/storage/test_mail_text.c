// SPDX-License-Identifier: Apache-2.0
/* What a person must say with a version sent by mail (storage.md ST-52, ST-53, ST-55; seed 003). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gen/errors.h"
#include "services/storage/mail/mail_text.h"

#define TOO_SHORT "mail_description_too_short"
#define NO_TEXT "mail_description"

/* "" = accepted */
static const struct {
	const char *description, *verdict;
} rows[] = {
	/* English */
	{"I am Anna Smith\nthe printer is replaced\nplease keep this copy", ""},
	{"Anna Smith\r\nwhy\r\nwhat", NO_TEXT},
	{"Anna Smith, IT desk\n\n\nprinter moves to Ghent\n\nkeep until Friday", ""},
	{"one two three", TOO_SHORT},
	{"one line\ntwo lines", TOO_SHORT},
	{"one line\ntwo lines\n", TOO_SHORT},
	{"one line\ntwo lines\n\n\n\n", TOO_SHORT},
	{"one line\ntwo lines\n     \n", TOO_SHORT},
	{"one line\ntwo lines\nok", TOO_SHORT},
	{"one line\ntwo lines\nyes", ""},
	{"one line\ntwo lines\n123456", TOO_SHORT},
	{"one line\ntwo lines\n......", TOO_SHORT},
	{"one line\ntwo lines\n- - a b -", TOO_SHORT},
	{"one line\ntwo lines\n- - a b c -", ""},
	{"same line\nsame line\nsame line", TOO_SHORT},
	{"same line\n same line \n   same line", TOO_SHORT},
	{"same line\nSame line\nsame line.", ""},
	{"one line\none line\ntwo lines\nthree lines", ""},
	{"\n\none line\ntwo lines\nthree lines", ""},
	{"", TOO_SHORT},
	{"\n\n\n\n", TOO_SHORT},
	{"abc\ndef\nghi", ""},
	{"ab\ncd\nef\ngh", TOO_SHORT},
	{"one line\ntwo lines\nthree\x07lines", NO_TEXT},
	{"one line\ntwo lines\nthree\tlines", NO_TEXT},
	{"one line\ntwo lines\nthree \xff lines", NO_TEXT},
	{"one line\ntwo lines\nthree \xc2\x85 lines", NO_TEXT},
	/* French */
	{"Je suis Hélène Dubois\nl’imprimante est remplacée\nà garder jusqu’à vendredi", ""},
	{"Hélène\nà\nété", TOO_SHORT},
	{"Hélène\noù çà\nété", ""},
	{"Agence de Liège\nAgence de Liège\nAgence de Liège", TOO_SHORT},
	{"Agence de Liège\n\xc2\xa0\nremplacement", TOO_SHORT},
	{"Agence de Liège\n« … »\nremplacement", TOO_SHORT},
	{"Œuvre\nnaïveté\nçà et là", ""},
	{"P. Holvoet\n04 / 12 34 56\npanne du disque", TOO_SHORT},
	{"P. Holvoet\ntél. 04 / 12 34 56\npanne du disque", ""},
	/* Japanese */
	{"田中太郎です\n複合機を交換します\n金曜日まで保管してください", ""},
	{"田中太郎\n交換\n保管してください", TOO_SHORT},
	{"田中太郎\n交換です\n保管してください", ""},
	{"田中太郎\n\xe3\x80\x80\xe3\x80\x80\n保管してください", TOO_SHORT},
	{"田中太郎\n。。。。\n保管してください", TOO_SHORT},
	{"田中太郎\n\xe3\x80\x80田中太郎\n田中太郎\xe3\x80\x80", TOO_SHORT},
	{"タナカ\nコウカン\nホカン", ""},
	{"ﾀﾅｶ\nｺｳｶﾝ\nﾎｶﾝ", ""},
	{"田中太郎\n１２３４\n保管してください", TOO_SHORT},
	{"田中太郎、総務部\n03-1234-5678\n故障のため\n金曜日まで保管", ""},
};

static void mail_three_lines(void **state)
{
	(void)state;
	assert_true(array_len(rows) >= 40);
	for (size_t i = 0; i < array_len(rows); i++) {
		const struct mail_words w = {
			"Anna Smith, desk 4711", "printer replaced", rows[i].description};
		struct fault f = FAULT_INIT;
		int rc = mail_words_check(&w, &f);
		if ((rc == 0) != (rows[i].verdict[0] == 0) ||
			strcmp(f.reason, rows[i].verdict) != 0)
			fail_msg("row %zu: '%s' is %s (%s)", i, rows[i].description,
				rc == 0 ? "accepted" : f.reason, f.detail);
	}
}

static void short_ones_are_told_how_many_lines_count(void **state)
{
	const struct mail_words w = {
		"Anna Smith", "printer replaced", "one line\n\ntwo lines\n..\n"};
	struct fault f = FAULT_INIT;
	(void)state;
	assert_int_equal(mail_words_check(&w, &f), -1);
	assert_int_equal(f.code, CN_VALIDATION_FAILED);
	assert_string_equal(f.detail, "3 lines needed, 2 found");
}

static void who_and_why_are_lines_of_their_own(void **state)
{
	static const char *const bad[] = {
		NULL, "", "  ", "ab", "12345", "two\nlines", "…", "\x01 abc"};
	static const char good[] = "one line\ntwo lines\nthree lines";
	(void)state;
	for (size_t i = 0; i < array_len(bad); i++) {
		struct fault f = FAULT_INIT;
		assert_int_equal(
			mail_words_check(&(struct mail_words){bad[i], "a reason", good}, &f), -1);
		assert_string_equal(f.reason, i < 7 ? "mail_who_missing" : NO_TEXT);
		assert_int_equal(
			mail_words_check(&(struct mail_words){"Anna", bad[i], good}, &f), -1);
		assert_string_equal(f.reason, i < 7 ? "mail_why_missing" : NO_TEXT);
	}
}

static void long_ones_are_refused_in_characters(void **state)
{
	struct buf text = BUF_INIT;
	struct fault f = FAULT_INIT;
	(void)state;
	buf_adds(&text, "un deux\ntrois quatre\n");
	while (text.n < 20 + 1 + 2 * 3979)
		buf_adds(&text, "é");
	assert_int_equal(
		mail_words_check(&(struct mail_words){"Anna", "a reason", buf_str(&text)}, &f), 0);
	buf_adds(&text, "é");
	assert_int_equal(
		mail_words_check(&(struct mail_words){"Anna", "a reason", buf_str(&text)}, &f), -1);
	assert_string_equal(f.reason, NO_TEXT);
	buf_fini(&text);
}

static void the_text_names_who_why_and_what_in_its_language(void **state)
{
	static const char *const languages[] = {"en", "fr", "ja", "xx", NULL};
	const struct mail_words w = {"Anna Smith", "printer replaced", "one\ntwo\nthree"};
	struct mail_facts facts = {.device = "2nd floor",
		.serial = "CAN01",
		.kind = "address_book",
		.generation = 12,
		.made = "2027-01-05T01:20:30Z",
		.file = "x.cnmail"};
	(void)state;
	for (size_t i = 0; i < 2 * array_len(languages); i++) {
		struct buf subject = BUF_INIT, text = BUF_INIT;
		const char *language = languages[i % array_len(languages)];
		facts.to_password = i >= array_len(languages);
		mail_words_subject(language, &facts, &subject);
		mail_words_text(language, &w, &facts, &text);
		assert_non_null(strstr(buf_str(&subject), "2nd floor"));
		assert_non_null(strstr(buf_str(&subject), "12"));
		assert_null(strchr(buf_str(&subject), '%'));
		assert_non_null(strstr(buf_str(&text), "\nAnna Smith\n"));
		assert_non_null(strstr(buf_str(&text), "\nprinter replaced\n"));
		assert_non_null(strstr(buf_str(&text), "\none\ntwo\nthree\n"));
		assert_int_equal(
			strstr(buf_str(&text), "Raison") != NULL, i % array_len(languages) == 1);
		assert_int_equal(strstr(buf_str(&text), " --key ") != NULL, !facts.to_password);
		assert_int_equal(
			strstr(buf_str(&text), "理由") != NULL, i % array_len(languages) == 2);
		buf_fini(&subject);
		buf_fini(&text);
	}
}

static void only_those_of_the_list_get_one(void **state)
{
	static const struct {
		const char *list, *address;
		bool allowed;
	} cases[] = {{"a@b.c", "a@b.c", true}, {"a@b.c", "aa@b.c", false},
		{"a@b.c", "a@b.cc", false}, {"x@y.z,a@b.c", "a@b.c", true},
		{"*@b.c", "a@b.c", true}, {"*@b.c", "a@x.b.c", false},
		{"*@b.c", "a@evilb.c", false}, {"", "a@b.c", false}, {"*", "a@b.c", false},
		{"x@y.z,*@b.c", "q@b.c", true}};
	(void)state;
	for (size_t i = 0; i < array_len(cases); i++)
		if (mail_allowed(cases[i].list, cases[i].address) != cases[i].allowed)
			fail_msg("'%s' of '%s'", cases[i].address, cases[i].list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mail_three_lines),
		cmocka_unit_test(short_ones_are_told_how_many_lines_count),
		cmocka_unit_test(who_and_why_are_lines_of_their_own),
		cmocka_unit_test(long_ones_are_refused_in_characters),
		cmocka_unit_test(the_text_names_who_why_and_what_in_its_language),
		cmocka_unit_test(only_those_of_the_list_get_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
