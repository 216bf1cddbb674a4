// SPDX-License-Identifier: Apache-2.0
/* Kyocera's XML (docs/spec/address-books.md 4.6). */
#include "common/book/norm.h"
#include "tests/lib/book_test.h"

#define DIR "tests/golden/book/kyocera_xml/"
#define CODEC "kyocera_xml"
#define NS "http://www.kyoceramita.com/ws/km-wsdl/setting/address_book"

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

/* Written over its file, the book changes these bytes of it and no other. */
static void changes(const char *from, const char *to)
{
	struct buf wanted = replaced(buf_span(&file), from, to);
	struct buf out = write_book(book, CODEC, buf_span(&file), true, NULL);

	assert_bytes(buf_span(&out), buf_span(&wanted));
	buf_fini(&out);
	buf_fini(&wanted);
	unload();
}

static void set(struct book_entry *e, enum book_field f, const char *value)
{
	book_set(book, &e->f, f, value);
}

static const char *of(const struct fields *f, enum book_field id)
{
	const char *value = fields_get(f, id);

	return value ? value : "";
}

/* ---- reading ---- */

static void each_destination_exists_by_its_defining_element(void **state)
{
	const struct book_entry *e;

	(void)state;
	load(DIR "answers.xml");
	assert_int_equal(book->n_entries, 7);
	e = entry(book, "1");
	assert_int_equal(e->n_dests, 1); /* ports and ecm alone make none */
	assert_string_equal(dest_field(e, F_ADDRESS), "ana.kovac@Example.org");
	assert_int_equal(e->n_extras, 0);
	e = entry(book, "0003");
	assert_int_equal(e->n_dests, 3);
	assert_string_equal(entry_name(e), "Logistics & \"Returns\"");
	assert_string_equal(of(&entry_dest(e, DEST_FILE)->f, F_PORT), "2121");
	assert_string_equal(of(&entry_dest(e, DEST_FAX)->f, F_FAX_NUMBER), "+41 44 555 01 02");
	assert_string_equal(of(&entry_dest(e, DEST_FAX)->f, F_ECM), "true");
	e = entry(book, "4");
	assert_string_equal(
		of(&entry_dest(e, DEST_IFAX)->f, F_RESOLUTIONS), "200X100_DPI 200X200_DPI");
	assert_string_equal(entry_name(entry(book, "17")), "  padded  ");
	assert_int_equal(entry(book, "17")->n_dests, 0);
	unload();
}

static void passwords_come_clear_and_never_as_an_extra(void **state)
{
	const struct book_dest *d;

	(void)state;
	load(DIR "answers.xml");
	d = entry_dest(entry(book, "2"), DEST_FILE);
	assert_string_equal(of(&d->f, F_PROTOCOL), "smb");
	assert_string_equal(of(&d->f, F_PATH), "scan\\soumu");
	assert_int_equal(d->secret.state, SECRET_CLEAR);
	assert_string_equal(d->secret.text, "p<\xc3\xa4>ss");
	assert_int_equal(entry_dest(entry(book, "0003"), DEST_FILE)->secret.state, SECRET_CLEAR);
	unload();
}

static void what_the_spec_does_not_name_is_kept_with_its_bytes(void **state)
{
	(void)state;
	load(DIR "answers.xml");
	assert_string_equal(entry_extra(entry(book, "4"), "future_information")->value,
		"<kmaddrbook:future_information level=\"2\"><kmaddrbook:note>2027-03-04"
		"</kmaddrbook:note></kmaddrbook:future_information>");
	assert_string_equal(entry_extra(entry(book, "4"), "fax_information/code_key_id")->value,
		"<kmaddrbook:code_key_id>0</kmaddrbook:code_key_id>");
	unload();
	load(DIR "pretty.xml");
	assert_string_equal(entry_extra(entry(book, "1"), "seen")->value,
		"<v:seen at=\"2027-01-01T00:00:00Z\"/>");
	assert_string_equal(entry_name(entry(book, "2")), "R&D <lab>");
	unload();
}

static void members_are_persons_even_when_a_group_has_the_same_number(void **state)
{
	const struct book_entry *g;

	(void)state;
	load(DIR "answers.xml");
	g = entry(book, "20");
	assert_true(g->group);
	assert_int_equal(g->n_members, 3);
	assert_string_equal(g->member[0].key, "1");
	assert_string_equal(g->member[1].key, "0003");
	assert_null(g->member[2].key);
	assert_string_equal(g->member[2].text, "99");
	g = list_find(&book->list[0], "group/1");
	assert_non_null(g);
	assert_string_equal(entry_name(g), "Empty");
	unload();
}

/* ---- writing over the file ---- */

static void an_untouched_book_is_its_file_again(void **state)
{
	static const char *const FILES[] = {DIR "answers.xml", DIR "pretty.xml", DIR "empty.xml"};

	(void)state;
	for (size_t i = 0; i < array_len(FILES); i++)
		for (int reveal = 0; reveal < 2; reveal++) {
			struct buf out;

			load(FILES[i]);
			out = write_book(book, CODEC, buf_span(&file), reveal, NULL);
			assert_bytes(buf_span(&out), buf_span(&file));
			buf_fini(&out);
			unload();
		}
}

static void one_field_changes_its_own_bytes(void **state)
{
	struct book_entry *e;

	(void)state;
	load(DIR "answers.xml");
	set(entry(book, "0003"), F_NAME, "A & <B>\r");
	changes("Logistics &amp; &quot;Returns&quot;", "A &amp; &lt;B&gt;&#13;");
	load(DIR "answers.xml");
	e = entry(book, "4");
	book_set(book, &entry_dest(e, DEST_FAX)->f, F_FAX_NUMBER, "5");
	changes("0041-44-5550103", "5");
	load(DIR "answers.xml");
	set(entry(book, "20"), F_NAME, NULL);
	changes(">Everyone<", "><");
	load(DIR "pretty.xml");
	set(entry(book, "1"), F_READING, "zoe");
	changes("<a:furigana/>", "<a:furigana>zoe</a:furigana>");
	load(DIR "pretty.xml");
	e = entry(book, "2");
	book_set(book, &entry_dest(e, DEST_FAX)->f, F_ECM, "true");
	changes("<a:ecm>off", "<a:ecm>on");
}

static void what_is_missing_grows_in_the_style_of_its_neighbours(void **state)
{
	struct book_dest *d;

	(void)state;
	load(DIR "pretty.xml");
	d = book_add_dest(book, entry(book, "1"), DEST_FILE);
	book_set(book, &d->f, F_PROTOCOL, "smb");
	book_set(book, &d->f, F_HOST, "fs01");
	book_set(book, &d->f, F_PATH, "a\\b");
	changes("<a:smb_information/>",
		"<a:smb_information>\r\n\t\t\t<a:server_name>fs01</a:server_name>\r\n"
		"\t\t\t<a:file_path>a\\b</a:file_path>\r\n\t\t</a:smb_information>");
	load(DIR "pretty.xml");
	d = book_add_dest(book, entry(book, "2"), DEST_EMAIL);
	book_set(book, &d->f, F_ADDRESS, "lab@example.org");
	changes("</a:name_information>\r\n\t\t<a:fax_information>",
		"</a:name_information>\r\n\t\t<a:email_information>\r\n"
		"\t\t\t<a:address>lab@example.org</a:address>\r\n\t\t</a:email_information>\r\n"
		"\t\t<a:fax_information>");
	load(DIR "pretty.xml");
	set(entry(book, "2"), F_READING, "x");
	changes("</a:name><a:id>2", "</a:name><a:furigana>x</a:furigana><a:id>2");
}

static void an_entry_goes_with_its_line_and_comes_like_the_last_one(void **state)
{
	struct book_entry *e;
	struct book_dest *d;

	(void)state;
	load(DIR "pretty.xml");
	book_remove_entry(book, &book->list[0], entry(book, "2"));
	changes("\r\n\t<a:personal_address>\r\n\t\t<a:name_information><a:name><![CDATA[R&D "
		"<lab>]]></a:name><a:id>2</a:id></a:name_information>\r\n"
		"\t\t<a:fax_information><a:fax_number>030 1234</a:fax_number><a:ecm>off</a:ecm>"
		"</a:fax_information>\r\n\t</a:personal_address>",
		"");
	load(DIR "pretty.xml");
	e = book_add_entry(book, &book->list[0], "5");
	set(e, F_NUMBER, "5");
	set(e, F_NAME, "New");
	d = book_add_dest(book, e, DEST_EMAIL);
	book_set(book, &d->f, F_ADDRESS, "new@example.org");
	changes("</a:personal_address>\r\n</a:address_book>",
		"</a:personal_address>\r\n\t<a:personal_address>\r\n\t\t<a:name_information>\r\n"
		"\t\t\t<a:name>New</a:name>\r\n\t\t\t<a:id>5</a:id>\r\n\t\t</a:name_information>"
		"\r\n\t\t<a:email_information>\r\n\t\t\t<a:address>new@example.org</a:address>\r\n"
		"\t\t</a:email_information>\r\n\t</a:personal_address>\r\n</a:address_book>");
	load(DIR "empty.xml");
	e = book_add_entry(book, &book->list[0], "5");
	set(e, F_NUMBER, "5");
	changes("</k:result>", "</k:result><k:personal_address><k:name_information><k:id>5</k:id>"
			       "</k:name_information></k:personal_address>");
}

static void members_come_and_go_and_the_others_keep_their_bytes(void **state)
{
	struct book_entry *g;

	(void)state;
	load(DIR "answers.xml");
	g = entry(book, "20");
	g->member[0] = g->member[1];
	g->member[1] = g->member[2];
	g->n_members = 2;
	changes("<kmaddrbook:personal_address><kmaddrbook:name_information><kmaddrbook:name>Ana "
		"Kova\xc4\x8d</kmaddrbook:name><kmaddrbook:id>1</kmaddrbook:id>"
		"</kmaddrbook:name_information></kmaddrbook:personal_address><kmaddrbook:personal"
		"_address><kmaddrbook:name_information><kmaddrbook:name>Logistics<",
		"<kmaddrbook:personal_address><kmaddrbook:name_information><kmaddrbook:name>"
		"Logistics<");
	load(DIR "answers.xml");
	book_add_member(book, list_find(&book->list[0], "group/1"), "2", "");
	changes("<kmaddrbook:type>EMAIL</kmaddrbook:type></kmaddrbook:group_address_reg",
		"<kmaddrbook:type>EMAIL</kmaddrbook:type><kmaddrbook:personal_address><kmaddrbook:"
		"name_information><kmaddrbook:id>2</kmaddrbook:id></kmaddrbook:name_information>"
		"</kmaddrbook:personal_address></kmaddrbook:group_address_reg");
}

static void a_destination_that_goes_leaves_no_password_behind(void **state)
{
	struct book_entry *e;
	struct buf out;

	(void)state;
	load(DIR "answers.xml");
	e = entry(book, "2");
	book_remove_dest(e, e->dest);
	out = write_book(book, CODEC, buf_span(&file), true, NULL);
	assert_null(memmem(out.p, out.n, "&lt;\xc3\xa4&gt;", 10));
	assert_null(memmem(out.p, out.n, "fs01.example.co.jp", 18));
	buf_fini(&out);
	unload();
}

static void a_new_password_is_written_only_when_secrets_may_be_shown(void **state)
{
	struct book_entry *e;
	struct buf out, wanted;
	struct ledger ledger;

	(void)state;
	load(DIR "answers.xml");
	e = entry(book, "0003");
	book_set_secret(book, entry_dest(e, DEST_FILE), SECRET_CLEAR, "n<w", NULL);
	ledger_init(&ledger);
	out = write_book(book, CODEC, buf_span(&file), false, &ledger);
	wanted = replaced(buf_span(&file), "geheim 1", "");
	assert_bytes(buf_span(&out), buf_span(&wanted));
	assert_int_equal(ledger.n, 1);
	assert_int_equal(ledger.line[0].action, LEDGER_SECRET_NEEDED);
	assert_string_equal(ledger.line[0].key, "0003");
	assert_string_equal(ledger.line[0].before, "");
	ledger_fini(&ledger);
	buf_fini(&out);
	buf_fini(&wanted);
	changes("geheim 1", "n&lt;w");
}

static void a_renumbered_entry_is_renumbered_in_its_groups(void **state)
{
	struct book *again;
	struct buf out;

	(void)state;
	load(DIR "answers.xml");
	set(entry(book, "1"), F_NUMBER, "500");
	out = write_book(book, CODEC, buf_span(&file), true, NULL);
	again = read_book(buf_span(&out), CODEC);
	assert_string_equal(entry_name(entry(again, "500")), "Ana Kova\xc4\x8d");
	assert_string_equal(entry(again, "20")->member[0].key, "500");
	book_free(again);
	buf_fini(&out);
	unload();
}

static void an_extra_may_go_and_come(void **state)
{
	struct book_entry *e;

	(void)state;
	load(DIR "pretty.xml");
	e = entry(book, "1");
	e->n_extras = 0;
	changes("\r\n\t\t<v:seen at=\"2027-01-01T00:00:00Z\"/>", "");
	load(DIR "pretty.xml");
	book_add_extra(book, entry(book, "2"), "fax_information/honorific",
		"<a:honorific>1</a:honorific>");
	changes("<a:ecm>off</a:ecm>", "<a:ecm>off</a:ecm><a:honorific>1</a:honorific>");
}

/* ---- a new file ---- */

static void a_fresh_file_says_the_same(void **state)
{
	static const char *const FILES[] = {DIR "answers.xml", DIR "empty.xml"};

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

static void a_fresh_file_shows_no_password_unasked(void **state)
{
	struct buf out;

	(void)state;
	load(DIR "answers.xml");
	out = write_book(book, CODEC, (struct span){NULL, 0}, false, NULL);
	assert_null(memmem(out.p, out.n, "geheim", 6));
	buf_fini(&out);
	unload();
}

static void encode_refuses(struct book *b, struct span base, int code, const char *reason)
{
	const struct encode_options opts = {.base = base, .reveal_secrets = true};
	struct fault fault = FAULT_INIT;
	struct buf out = BUF_INIT;

	assert_int_equal(book_encode(b, codec_named(CODEC), &opts, &out, NULL, &fault), -1);
	assert_int_equal(fault.code, code);
	assert_string_equal(fault.reason, reason);
	assert_int_equal(out.n, 0);
	buf_fini(&out);
	book_free(b);
}

static struct book *one(void)
{
	struct book *b = book_new("kyocera");

	book_add_entry(b, book_add_list(b, "1", LIST_FLAT, ""), "1");
	return b;
}

static void what_has_no_place_is_refused_and_not_lost(void **state)
{
	struct book *b = one();

	(void)state;
	book_set(b, &b->list[0].entry[0].f, F_SHORT_LABEL, "x");
	encode_refuses(b, (struct span){NULL, 0}, CN_UNSUPPORTED_OPERATION, "no_place");
	b = one();
	book_set(b, &book_add_dest(b, &b->list[0].entry[0], DEST_FILE)->f, F_PROTOCOL, "webdav");
	encode_refuses(b, (struct span){NULL, 0}, CN_UNSUPPORTED_OPERATION, "no_place");
	b = one();
	book_set(b, &book_add_dest(b, &b->list[0].entry[0], DEST_EMAIL)->f, F_ADDRESS, "a@b");
	book_set(b, &book_add_dest(b, &b->list[0].entry[0], DEST_EMAIL)->f, F_ADDRESS, "c@d");
	encode_refuses(b, (struct span){NULL, 0}, CN_UNSUPPORTED_OPERATION, "no_place");
	b = one();
	book_add_extra(b, &b->list[0].entry[0], "IconID", "7");
	encode_refuses(b, (struct span){NULL, 0}, CN_UNSUPPORTED_OPERATION, "foreign_extra");
	b = one();
	book_add_extra(b, &b->list[0].entry[0], "x", "<undeclared:x/>");
	encode_refuses(b, (struct span){NULL, 0}, CN_UNSUPPORTED_OPERATION, "foreign_extra");
	b = one();
	book_set(b, &b->list[0].entry[0].f, F_NAME, "a\x01");
	encode_refuses(b, (struct span){NULL, 0}, CN_CHARSET_ERROR, "charset");
}

/* ---- what is no book ---- */

static void is_refused(const char *text, int code, const char *reason, const char *detail)
{
	struct fault f = refused(text, strlen(text), CODEC);

	assert_int_equal(f.code, code);
	assert_string_equal(f.reason, reason);
	if (!strstr(f.detail, detail))
		fail_msg("%s", f.detail);
}

static void bad_files_are_refused_with_their_place(void **state)
{
	(void)state;
	is_refused("<k:address_book xmlns:k='" NS "'>\n <k:personal_address/>", CN_PARSE_ERROR,
		"malformed", "line 2, column 23");
	is_refused("<!DOCTYPE x><a/>", CN_PARSE_ERROR, "doctype", "line 1");
	is_refused("<a/>", CN_PARSE_ERROR, "no_book", "");
	is_refused("<address_book/>", CN_PARSE_ERROR, "no_book", "");
	is_refused("<k:personal_address xmlns:k='" NS "'/>", CN_PARSE_ERROR, "no_number",
		"line 1, column 1: an entry without name_information/id");
	is_refused("<k:a xmlns:k='" NS "'><k:personal_address><k:name_information><k:id>1</k:id>"
		   "</k:name_information></k:personal_address>\n<k:personal_address><k:name_"
		   "information><k:id>1</k:id></k:name_information></k:personal_address></k:a>",
		CN_PARSE_ERROR, "duplicate_number", "line 2");
}

static void a_lenient_reader_lists_every_fault(void **state)
{
	static const struct decode_options LENIENT = {.lenient = true};
	static const char TEXT[] =
		"<k:a xmlns:k='" NS "'><k:personal_address/><k:group_address/></k:a>";
	struct fault fault = FAULT_INIT;
	struct book *b;

	(void)state;
	assert_int_equal(book_decode(text_span(TEXT), codec_named(CODEC), &LENIENT, &b, &fault), 0);
	assert_int_equal(b->n_faults, 2);
	assert_string_equal(b->fault[1].where, "name_information/id");
	book_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_destination_exists_by_its_defining_element),
		cmocka_unit_test(passwords_come_clear_and_never_as_an_extra),
		cmocka_unit_test(what_the_spec_does_not_name_is_kept_with_its_bytes),
		cmocka_unit_test(members_are_persons_even_when_a_group_has_the_same_number),
		cmocka_unit_test(an_untouched_book_is_its_file_again),
		cmocka_unit_test(one_field_changes_its_own_bytes),
		cmocka_unit_test(what_is_missing_grows_in_the_style_of_its_neighbours),
		cmocka_unit_test(an_entry_goes_with_its_line_and_comes_like_the_last_one),
		cmocka_unit_test(members_come_and_go_and_the_others_keep_their_bytes),
		cmocka_unit_test(a_destination_that_goes_leaves_no_password_behind),
		cmocka_unit_test(a_new_password_is_written_only_when_secrets_may_be_shown),
		cmocka_unit_test(a_renumbered_entry_is_renumbered_in_its_groups),
		cmocka_unit_test(an_extra_may_go_and_come),
		cmocka_unit_test(a_fresh_file_says_the_same),
		cmocka_unit_test(a_fresh_file_shows_no_password_unasked),
		cmocka_unit_test(what_has_no_place_is_refused_and_not_lost),
		cmocka_unit_test(bad_files_are_refused_with_their_place),
		cmocka_unit_test(a_lenient_reader_lists_every_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
