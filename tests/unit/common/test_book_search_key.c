// SPDX-License-Identifier: Apache-2.0
/* What of an entry can be searched for (address-books.md section 12). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/book/search_key.h"

static void note(enum search_kind kind, const char *text, void *arg)
{
	buf_addf(arg, "%s %s\n", search_kind_name(kind), text);
}

static void everything_that_people_look_for_is_a_key_once(void **state unused)
{
	struct book *b = book_new("canon");
	struct book_entry *e = book_add_entry(b, book_add_list(b, "1", LIST_ADDRESS_LIST, ""), "1");
	struct book_dest *d;
	struct buf out = BUF_INIT;

	book_set(b, &e->f, F_NAME, "José  Ærø ");
	book_set(b, &e->f, F_SHORT_LABEL, "ANA");
	book_set(b, &e->f, F_READING, "ﾔﾏﾀﾞ");
	book_set(b, &e->f, F_USER_CODE, "0042");
	book_add_tag(b, e, "title1", "7");
	for (int i = 0; i < 2; i++) {
		d = book_add_dest(b, e, DEST_EMAIL);
		book_set(b, &d->f, F_ADDRESS, i ? "ana@bücher.example" : "Ana@BÜCHER.example.");
	}
	d = book_add_dest(b, e, DEST_FAX);
	book_set(b, &d->f, F_FAX_NUMBER, "+33 (1) 23-４5");
	d = book_add_dest(b, e, DEST_FILE);
	book_set(b, &d->f, F_HOST, "SRV.example.");
	book_set(b, &d->f, F_SHARE, "Scans");
	book_set(b, &d->f, F_PATH, "In\\Ana");
	book_set(b, &d->f, F_ACCOUNT, "CORP\\Scan");
	book_set_secret(b, d, SECRET_CLEAR, "geheim", NULL);
	assert_int_equal(search_keys(e, note, &out), 0);
	assert_string_equal(buf_str(&out), "name ana\n"
					   "name josé  ærø\n"
					   "name_plain jose  aero\n"
					   "reading やまだ\n"
					   "email ana@xn--bcher-kva.example\n"
					   "fax 3312345\n"
					   "fax_end 5432133\n"
					   "host srv.example\n"
					   "path scans/in/ana\n"
					   "account 0042\n"
					   "account corp\\scan\n"
					   "tag title1=7\n");
	buf_fini(&out);
	book_free(b);
}

static void typed(enum search_kind kind, const char *word, const char *want)
{
	struct buf out = BUF_INIT;

	assert_int_equal(search_word(kind, word, &out), 0);
	assert_string_equal(buf_str(&out), want);
	buf_fini(&out);
}

static void what_is_typed_becomes_comparable(void **state unused)
{
	typed(SEARCH_NAME, " JOSÉ ", "josé");
	typed(SEARCH_NAME_PLAIN, "JOSÉ", "jose");
	typed(SEARCH_READING, "ヤマダ", "やまだ");
	typed(SEARCH_EMAIL,
		"Bob@B\xC3\xBC"
		"cher.example",
		"bob@xn--bcher-kva.example");
	typed(SEARCH_FAX, "+33 1-23", "33123");
	typed(SEARCH_FAX, "ana", "");
	typed(SEARCH_FAX_END, "0123", "3210");
	typed(SEARCH_HOST, "[2001:DB8::1]", "2001:db8::1");
	typed(SEARCH_PATH, "\\In\\", "/in/");
	typed(SEARCH_TAG, "Title1=7", "title1=7");
	typed(SEARCH_URI, "SIP:ana@x", "sip:ana@x");
	assert_int_equal(search_kind_named("host"), SEARCH_HOST);
	assert_int_equal(search_kind_named("secret"), -1);
}

static void an_entry_without_anything_gives_no_key(void **state unused)
{
	struct book *b = book_new("canon");
	struct book_entry *e = book_add_entry(b, book_add_list(b, "1", LIST_ADDRESS_LIST, ""), "1");
	struct buf out = BUF_INIT;

	assert_int_equal(search_keys(e, note, &out), 0);
	assert_int_equal(out.n, 0);
	book_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_that_people_look_for_is_a_key_once),
		cmocka_unit_test(what_is_typed_becomes_comparable),
		cmocka_unit_test(an_entry_without_anything_gives_no_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
