// SPDX-License-Identifier: Apache-2.0
/* Ricoh's property lists (docs/spec/address-books.md 4.5). */
#include "common/book/norm.h"
#include "tests/lib/book_test.h"

#define DIR "tests/golden/book/ricoh_udirectory/"
#define CODEC "ricoh_udirectory"

static struct buf file;
static struct book *book;

static void load(const char *path)
{
	file = slurp(path);
	book = read_book(buf_span(&file), CODEC);
}

static void unload(void)
{
	book_free(book);
	buf_fini(&file);
}

static void changes(const char *from, const char *to)
{
	struct buf wanted = replaced(buf_span(&file), from, to);
	struct buf out = write_book(book, CODEC, buf_span(&file), true, NULL);

	assert_bytes(buf_span(&out), buf_span(&wanted));
	buf_fini(&out);
	buf_fini(&wanted);
	unload();
}

static struct book_entry *of_id(const char *id)
{
	struct book_entry *e = list_find(&book->list[0], id);

	assert_non_null(e);
	return e;
}

static void a_block_counts_when_its_switch_is_on(void **state)
{
	const struct book_entry *e;

	(void)state;
	load(DIR "pages.xml");
	e = of_id("1");
	assert_int_equal(e->n_dests, 1);
	assert_string_equal(dest_field(e, F_ADDRESS), "ana.kovac@example.org");
	assert_string_equal(dest_field(e, F_DIRECT_SMTP), "false");
	assert_string_equal(fields_get(&e->f, F_SHORT_LABEL), "Ana Kova\xc4\x8d");
	e = of_id("2");
	assert_int_equal(e->n_dests, 2);
	assert_string_equal(fields_get(&entry_dest(e, DEST_FAX)->f, F_LINE), "g3");
	assert_string_equal(fields_get(&entry_dest(e, DEST_FILE)->f, F_PATH), "\\\\fs01\\scan");
	assert_string_equal(fields_get(&entry_dest(e, DEST_FILE)->f, F_PROTOCOL), "smb");
	e = of_id("0007");
	assert_int_equal(e->n_dests, 3);
	assert_string_equal(fields_get(&entry_dest(e, DEST_IFAX)->f, F_DIRECT), "true");
	assert_string_equal(fields_get(&entry_dest(e, DEST_LDAP_AUTH)->f, F_ACCOUNT), "uid=soumu");
	unload();
	load(DIR "pretty.xml");
	assert_string_equal(dest_field(of_id("12"), F_ADDRESS), "zoe@example.org");
	unload();
}

static void the_machine_s_own_entries_are_not_of_the_book(void **state)
{
	(void)state;
	load(DIR "pages.xml");
	assert_int_equal(book->n_entries, 4);
	assert_null(list_find(&book->list[0], "2147483649"));
	unload();
}

static void has_tag(const struct book_entry *e, uint32_t i, const char *system, const char *value)
{
	assert_true(i < e->n_tags);
	assert_string_equal(e->tag[i].system, system);
	assert_string_equal(e->tag[i].value, value);
}

static void tag_ids_are_titles(void **state)
{
	(void)state;
	load(DIR "pages.xml");
	has_tag(of_id("1"), 0, "frequent", "1");
	has_tag(of_id("1"), 1, "title1", "2");
	has_tag(of_id("3"), 0, "title1", "1");
	has_tag(of_id("3"), 1, "title2", "1");
	has_tag(of_id("3"), 2, "title3", "5");
	has_tag(of_id("0007"), 0, "title1", "10");
	unload();
	load(DIR "pretty.xml");
	has_tag(of_id("12"), 1, "tag_id", " 27");
	unload();
}

static void passwords_are_withheld_and_unknown_properties_kept(void **state)
{
	(void)state;
	load(DIR "pages.xml");
	assert_int_equal(entry_dest(of_id("2"), DEST_FILE)->secret.state, SECRET_WITHHELD);
	assert_int_equal(entry_dest(of_id("0007"), DEST_LDAP_AUTH)->secret.state, SECRET_WITHHELD);
	assert_string_equal(entry_extra(of_id("0007"), "browser:homepageUrl")->value,
		"https://example.co.jp/?a=1&b=2");
	assert_string_equal(
		entry_extra(of_id("1"), "lastAccessDateTime")->value, "2027-02-03T04:05:06Z");
	unload();
}

/* DC-6 */
static void nobody_takes_a_group_for_empty(void **state)
{
	(void)state;
	load(DIR "pages.xml");
	assert_true(of_id("3")->group);
	assert_int_equal(of_id("3")->n_members, 0);
	assert_string_equal(book_meta(book, "members_unknown"), "true");
	assert_int_equal(book->n_faults, 1);
	assert_true(book->fault[0].warning);
	assert_string_equal(book->fault[0].reason, "members_unknown");
	unload();
}

static void an_untouched_book_is_its_file_again(void **state)
{
	static const char *const FILES[] = {DIR "pages.xml", DIR "pretty.xml", DIR "empty.xml"};

	(void)state;
	for (size_t i = 0; i < array_len(FILES); i++) {
		struct buf out;

		load(FILES[i]);
		out = write_book(book, CODEC, buf_span(&file), false, NULL);
		assert_bytes(buf_span(&out), buf_span(&file));
		buf_fini(&out);
		unload();
	}
}

static void one_field_changes_its_own_bytes(void **state)
{
	(void)state;
	load(DIR "pages.xml");
	book_set(book, &of_id("2")->f, F_SHORT_LABEL, "S&F");
	changes("Scan &amp; File", "S&amp;F");
	load(DIR "pages.xml");
	of_id("1")->n_tags = 1;
	changes("<propVal>1,3</propVal>", "<propVal>1</propVal>");
	load(DIR "pretty.xml");
	book_set(book, &of_id("12")->f, F_READING, "zoe");
	changes("<propVal xsi:nil=\"true\"/>", "<propVal>zoe</propVal>");
	load(DIR "pretty.xml");
	book_set(book, &of_id("13")->f, F_NUMBER, "4");
	changes("<propVal>none</propVal></item>",
		"<propVal>none</propVal></item>\r\n\t\t<item><propName>index</propName>"
		"<propVal>4</propVal></item>");
}

static void a_destination_turns_its_switch(void **state)
{
	struct book_entry *e;
	struct book_dest *d;

	(void)state;
	load(DIR "pages.xml");
	d = book_add_dest(book, of_id("1"), DEST_FAX);
	book_set(book, &d->f, F_FAX_NUMBER, "55");
	changes("false</propVal></item><item><propName>fax:</propName><propVal>false</propVal>"
		"</item><item><propName>fax:number</propName><propVal></propVal>",
		"false</propVal></item><item><propName>fax:</propName><propVal>true</propVal>"
		"</item><item><propName>fax:number</propName><propVal>55</propVal>");
	load(DIR "pretty.xml");
	e = of_id("12");
	book_remove_dest(e, e->dest);
	changes("TRUE</propVal></item>\r\n\t\t<item><propName>mail:address</propName><propVal>"
		"zoe@example.org",
		"FALSE</propVal></item>\r\n\t\t<item><propName>mail:address</propName><propVal>");
	load(DIR "pretty.xml");
	d = book_add_dest(book, of_id("13"), DEST_EMAIL);
	book_set(book, &d->f, F_ADDRESS, "n@example.org");
	changes("<propVal>none</propVal></item>",
		"<propVal>none</propVal></item>\r\n"
		"\t\t<item><propName>mail:</propName><propVal>true</propVal></item>\r\n"
		"\t\t<item><propName>mail:address</propName><propVal>n@example.org</propVal></"
		"item>");
}

static void entries_go_and_come(void **state)
{
	struct book_entry *e;

	(void)state;
	load(DIR "pretty.xml");
	book_remove_entry(book, &book->list[0], of_id("13"));
	changes("\r\n\t<item>\r\n\t\t<item><propName>id</propName><propVal>13</propVal></item>\r\n"
		"\t\t<item><propName>name</propName><propVal>none</propVal></item>\r\n\t</item>",
		"");
	load(DIR "pretty.xml");
	e = book_add_entry(book, &book->list[0], "14");
	book_set(book, &e->f, F_NAME, "N");
	changes("none</propVal></item>\r\n\t</item>",
		"none</propVal></item>\r\n\t</item>\r\n\t<item>\r\n"
		"\t\t<item><propName>entryType</propName><propVal>user</propVal></item>\r\n"
		"\t\t<item><propName>id</propName><propVal>14</propVal></item>\r\n"
		"\t\t<item><propName>name</propName><propVal>N</propVal></item>\r\n\t</item>");
	load(DIR "empty.xml");
	e = book_add_entry(book, &book->list[0], "14");
	changes("<returnValue></returnValue>",
		"<returnValue><item><item><propName>entryType</propName><propVal>user</propVal>"
		"</item><item><propName>id</propName><propVal>14</propVal></item></item>"
		"</returnValue>");
}

static void a_fresh_file_says_the_same(void **state)
{
	static const char *const FILES[] = {DIR "pages.xml", DIR "pretty.xml", DIR "empty.xml"};

	(void)state;
	for (size_t i = 0; i < array_len(FILES); i++) {
		struct book *again;
		struct buf out;

		load(FILES[i]);
		out = write_book(book, CODEC, (struct span){NULL, 0}, true, NULL);
		again = read_book(buf_span(&out), CODEC);
		assert_true(book_same(book, again, NULL));
		assert_ptr_equal(codec_detect(buf_span(&out), &(struct fault){.code = 0}),
			codec_named(CODEC));
		book_free(again);
		buf_fini(&out);
		unload();
	}
}

static void other_answers_are_no_book(void **state)
{
	static const char OTHER[] =
		"<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body>"
		"<u:startSessionResponse "
		"xmlns:u='http://www.ricoh.co.jp/xmlns/soap/rdh/udirectory'>"
		"<returnValue>OK</returnValue><stringOut>1</stringOut></u:startSessionResponse>"
		"</s:Body></s:Envelope>";

	(void)state;
	assert_string_equal(refused(OTHER, sizeof(OTHER) - 1, CODEC).reason, "no_book");
}

static void a_password_is_never_written(void **state)
{
	struct ledger ledger;

	(void)state;
	load(DIR "pages.xml");
	book_set_secret(book, entry_dest(of_id("2"), DEST_FILE), SECRET_CLEAR, "geheim", NULL);
	for (int over = 0; over < 2; over++) {
		struct span base = {file.p, over ? file.n : 0};
		struct buf out;

		ledger_init(&ledger);
		out = write_book(book, CODEC, base, true, &ledger);
		assert_null(memmem(out.p, out.n, "geheim", 6));
		assert_int_equal(ledger.n, 1);
		assert_string_equal(ledger.line[0].key, "2");
		assert_string_equal(ledger.line[0].list, "1");
		ledger_fini(&ledger);
		buf_fini(&out);
	}
	unload();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_block_counts_when_its_switch_is_on),
		cmocka_unit_test(the_machine_s_own_entries_are_not_of_the_book),
		cmocka_unit_test(tag_ids_are_titles),
		cmocka_unit_test(passwords_are_withheld_and_unknown_properties_kept),
		cmocka_unit_test(nobody_takes_a_group_for_empty),
		cmocka_unit_test(an_untouched_book_is_its_file_again),
		cmocka_unit_test(one_field_changes_its_own_bytes),
		cmocka_unit_test(a_destination_turns_its_switch),
		cmocka_unit_test(entries_go_and_come),
		cmocka_unit_test(a_password_is_never_written),
		cmocka_unit_test(a_fresh_file_says_the_same),
		cmocka_unit_test(other_answers_are_no_book),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
