// SPDX-License-Identifier: Apache-2.0
/* Canon's device CSV: what it says, what stays byte for byte, what AB-15 demands. */
#include "tests/lib/book_test.h"

#define DIR "tests/golden/book/canon_csv/"
#define CODEC "canon_csv"

static const char *const SAMPLES[] = {
	"office.csv", "crypto.csv", "one_touch.csv", "sjis.csv", "bom_lf.csv"};

static struct buf sample(const char *name)
{
	char path[200];

	snprintf(path, sizeof(path), DIR "%s", name);
	return slurp(path);
}

static void every_sample_is_recognised_and_comes_back_byte_for_byte(void **state)
{
	struct fault fault = FAULT_INIT;

	(void)state;
	for (size_t i = 0; i < array_len(SAMPLES); i++) {
		struct buf file = sample(SAMPLES[i]);
		struct book *b = read_book(buf_span(&file), CODEC);
		struct buf again = write_book(b, CODEC, buf_span(&file), false, NULL);

		assert_ptr_equal(codec_detect(buf_span(&file), &fault), codec_named(CODEC));
		assert_bytes(buf_span(&again), buf_span(&file));
		book_free(b);
		buf_fini(&again);
		buf_fini(&file);
	}
}

static void an_office_list_says_what_it_says(void **state)
{
	struct buf file = sample("office.csv");
	struct book *b = read_book(buf_span(&file), CODEC);

	(void)state;
	assert_int_equal(b->n_entries, 8);
	assert_string_equal(b->list[0].slot, "1");
	assert_string_equal(b->list[0].name, "Vertrieb Süd");
	assert_int_equal(b->list[0].kind, LIST_ADDRESS_LIST);
	assert_string_equal(entry_name(entry(b, "201")), "Müller, Jörg");
	assert_string_equal(entry(b, "201")->key, "3c9d4d40-7b1e-11ee-8c99-0242ac120002");
	assert_string_equal(fields_get(&entry(b, "201")->f, F_ACCESS_NO), "0012345");
	assert_string_equal(dest_field(entry(b, "201"), F_SPLIT_LARGE), "false");
	assert_string_equal(entry_extra(entry(b, "201"), "cnreadlang")->value, "en");
	assert_string_equal(dest_field(entry(b, "202"), F_FAX_NUMBER), "+33 1 23-45,P67");
	assert_string_equal(dest_field(entry(b, "202"), F_SUB), "0042");
	assert_string_equal(entry_name(entry(b, "203")), "2027-01-05");
	assert_string_equal(dest_field(entry(b, "203"), F_HOST), "\\\\files\\scan");
	assert_int_equal(entry(b, "203")->dest[0].secret.state, SECRET_CLEAR);
	assert_string_equal(entry(b, "203")->dest[0].secret.text, "Geheim,1");
	assert_int_equal(entry(b, "204")->dest[0].secret.state, SECRET_ABSENT);
	assert_string_equal(dest_field(entry(b, "205"), F_BW_PAPER), "a4");
	assert_string_equal(entry_extra(entry(b, "205"), "transsvcstr1")->value, "FAX=0123");
	assert_string_equal(dest_field(entry(b, "206"), F_URI), "sip:700@pbx.example");
	assert_true(entry(b, "207")->group);
	assert_string_equal(entry_extra(entry(b, "207"), "member")->value, "201 202");
	assert_string_equal(entry_extra(entry(b, "208"), "objectclass")->value, "mailbox");
	assert_string_equal(entry_extra(entry(b, "208"), "dialdata")->value, "07");
	book_free(b);
	buf_fini(&file);
}

/* L3 */
static void a_changed_field_changes_its_own_cell_only(void **state)
{
	struct buf file = sample("office.csv");
	struct book *b = read_book(buf_span(&file), CODEC);
	struct buf out, want;

	(void)state;
	book_set(b, &entry(b, "202")->dest[0].f, F_FAX_NUMBER, "+33 1 99");
	out = write_book(b, CODEC, buf_span(&file), false, NULL);
	want = replaced(buf_span(&file), "+33 1 23-45,P67", "+33 1 99");
	assert_bytes(buf_span(&out), buf_span(&want));
	buf_fini(&out);
	book_set(b, &entry(b, "202")->dest[0].f, F_FAX_NUMBER, "+33 1 23-45,P67");
	book_set(b, &entry(b, "202")->dest[0].f, F_ECM, "false");
	out = write_book(b, CODEC, buf_span(&file), false, NULL);
	buf_fini(&want);
	want = replaced(buf_span(&file), "g3,on,", "g3,off,");
	assert_bytes(buf_span(&out), buf_span(&want));
	buf_fini(&want);
	buf_fini(&out);
	book_free(b);
	buf_fini(&file);
}

/* AB-13 */
static void booleans_keep_the_style_found(void **state)
{
	struct buf file = sample("bom_lf.csv");
	struct book *b = read_book(buf_span(&file), CODEC);
	struct buf out, want, both;

	(void)state;
	book_set(b, &entry(b, "00210")->dest[0].f, F_SPLIT_LARGE, "false");
	book_set(b, &entry(b, "211")->dest[0].f, F_SPLIT_LARGE, "true");
	out = write_book(b, CODEC, buf_span(&file), false, NULL);
	want = replaced(buf_span(&file), "TRUE", "FALSE");
	both = replaced(buf_span(&want), "False", "True");
	assert_bytes(buf_span(&out), buf_span(&both));
	buf_fini(&want);
	buf_fini(&both);
	buf_fini(&out);
	book_free(b);
	buf_fini(&file);
}

static void removed_and_new_rows(void **state)
{
	struct buf file = sample("bom_lf.csv");
	struct book *b = read_book(buf_span(&file), CODEC);
	struct book_entry *e;
	struct book_dest *d;
	struct buf out, want, two;

	(void)state;
	/* the last row goes with its line end; the file still ends without one */
	book_remove_entry(b, &b->list[0], entry(b, "212"));
	e = book_add_entry(b, &b->list[0], "213");
	book_set(b, &e->f, F_NUMBER, "213");
	book_set(b, &e->f, F_NAME, "Zoë, \"Z\"");
	book_add_extra(b, e, "futurefield", "0001");
	d = book_add_dest(b, e, DEST_FAX);
	book_set(b, &d->f, F_FAX_NUMBER, "0049");
	out = write_book(b, CODEC, buf_span(&file), false, NULL);
	want = replaced(buf_span(&file), "212,Fax,g3fax,4,,+4989123,,=1+1,",
		"213,\"Zoë, \"\"Z\"\"\",g3fax,4,,0049,,0001,0");
	assert_bytes(buf_span(&out), buf_span(&want));
	buf_fini(&out);
	book_remove_entry(b, &b->list[0], entry(b, "213"));
	out = write_book(b, CODEC, buf_span(&file), false, NULL);
	two = replaced(buf_span(&file), "\n212,Fax,g3fax,4,,+4989123,,=1+1,", "");
	assert_bytes(buf_span(&out), buf_span(&two));
	buf_fini(&out);
	buf_fini(&want);
	buf_fini(&two);
	book_free(b);
	buf_fini(&file);
}

static void a_list_gets_another_name(void **state)
{
	struct buf file = sample("sjis.csv");
	struct book *b = read_book(buf_span(&file), CODEC);
	struct buf out;
	struct book *c;

	(void)state;
	assert_string_equal(b->list[0].name, "営業部");
	assert_string_equal(b->charset, "Windows-31J");
	assert_string_equal(entry_name(entry(b, "202")), "表示ソフト能");
	assert_string_equal(dest_field(entry(b, "202"), F_PATH), "共有\\表");
	assert_string_equal(fields_get(&entry(b, "201")->f, F_READING), "ﾔﾏﾀﾞ ﾀﾛｳ");
	b->list[0].name = "表ソ";
	book_set(b, &entry(b, "203")->f, F_NAME, "能表");
	out = write_book(b, CODEC, buf_span(&file), false, NULL);
	c = read_book(buf_span(&out), CODEC);
	assert_string_equal(c->list[0].name, "表ソ");
	assert_string_equal(entry_name(entry(c, "203")), "能表");
	book_free(c);
	book_free(b);
	buf_fini(&out);
	buf_fini(&file);
}

static void a_name_that_sjis_has_not_is_refused_with_its_entry(void **state)
{
	struct buf file = sample("sjis.csv"), out = BUF_INIT;
	struct book *b = read_book(buf_span(&file), CODEC);
	const struct encode_options opts = {.base = buf_span(&file)};
	struct fault fault = FAULT_INIT;

	(void)state;
	book_set(b, &entry(b, "203")->f, F_NAME, "Zoë");
	assert_int_equal(book_encode(b, codec_named(CODEC), &opts, &out, NULL, &fault), -1);
	assert_int_equal(fault.code, CN_CHARSET_ERROR);
	assert_non_null(strstr(fault.detail, "Zoë"));
	assert_int_equal(out.n, 0);
	buf_fini(&out);
	book_free(b);
	buf_fini(&file);
}

/* ---- AB-15: Crypto lines or not, a password changed or not ---- */

static void canon_crypto_headers(void **state)
{
	struct buf file = sample("crypto.csv"), out;
	struct book *b = read_book(buf_span(&file), CODEC);
	struct ledger ledger;
	struct book *c;

	(void)state;
	assert_int_equal(entry(b, "201")->dest[0].secret.state, SECRET_ENCRYPTED);
	assert_string_equal(entry(b, "201")->dest[0].secret.scheme, "canon_crypto_2");
	/* lines, another field changed: lines and cipher texts stay */
	book_set(b, &entry(b, "202")->dest[0].f, F_ACCOUNT, "other");
	ledger_init(&ledger);
	out = write_book(b, CODEC, buf_span(&file), true, &ledger);
	struct buf want = replaced(buf_span(&file), "user2", "other");
	assert_bytes(buf_span(&out), buf_span(&want));
	assert_int_equal(ledger.n, 0);
	buf_fini(&want);
	buf_fini(&out);
	/* lines, a password changed: lines go, the others must be typed again */
	book_set_secret(b, &entry(b, "202")->dest[0], SECRET_CLEAR, "new", NULL);
	out = write_book(b, CODEC, buf_span(&file), true, &ledger);
	assert_null(strstr(buf_str(&out), "Crypto"));
	c = read_book(buf_span(&out), CODEC);
	assert_int_equal(entry(c, "201")->dest[0].secret.state, SECRET_ABSENT);
	assert_string_equal(entry(c, "202")->dest[0].secret.text, "new");
	assert_int_equal(entry(c, "203")->dest[0].secret.state, SECRET_ABSENT);
	assert_int_equal(ledger.n, 2);
	assert_int_equal(ledger.line[0].action, LEDGER_SECRET_NEEDED);
	assert_string_equal(ledger.line[0].name, "Share 1");
	assert_string_equal(ledger.line[1].name, "Share 3");
	ledger_fini(&ledger);
	book_free(c);
	book_free(b);
	buf_fini(&out);
	buf_fini(&file);
}

static void canon_crypto_headers_absent(void **state)
{
	struct buf file = sample("office.csv"), out, want;
	struct book *b = read_book(buf_span(&file), CODEC);

	(void)state;
	/* no lines, a password changed: it stands in clear, only where it may be shown */
	book_set_secret(b, &entry(b, "203")->dest[0], SECRET_CLEAR, "Neu", NULL);
	out = write_book(b, CODEC, buf_span(&file), true, NULL);
	want = replaced(buf_span(&file), "Geheim,1", "Neu");
	assert_bytes(buf_span(&out), buf_span(&want));
	buf_fini(&out);
	buf_fini(&want);
	out = write_book(b, CODEC, buf_span(&file), false, NULL);
	want = replaced(buf_span(&file), "\"Geheim,1\"", "\"\"");
	assert_bytes(buf_span(&out), buf_span(&want));
	buf_fini(&out);
	buf_fini(&want);
	/* and an old one that did not change needs no right to stay */
	book_set_secret(b, &entry(b, "203")->dest[0], SECRET_CLEAR, "Geheim,1", NULL);
	out = write_book(b, CODEC, buf_span(&file), false, NULL);
	assert_bytes(buf_span(&out), buf_span(&file));
	buf_fini(&out);
	book_free(b);
	buf_fini(&file);
}

static void a_removed_password_takes_the_crypto_lines_with_it(void **state)
{
	struct buf file = sample("crypto.csv"), out;
	struct book *b = read_book(buf_span(&file), CODEC);

	(void)state;
	book_set_secret(b, &entry(b, "203")->dest[0], SECRET_ABSENT, NULL, NULL);
	out = write_book(b, CODEC, buf_span(&file), true, NULL);
	assert_null(strstr(buf_str(&out), "Crypto"));
	assert_null(strstr(buf_str(&out), "=="));
	buf_fini(&out);
	book_free(b);
	buf_fini(&file);
}

static void a_new_file_holds_cipher_texts_only_with_their_lines(void **state)
{
	struct buf file = sample("crypto.csv"), out;
	struct book *b = read_book(buf_span(&file), CODEC), *c;

	(void)state;
	out = write_book(b, CODEC, (struct span){NULL, 0}, true, NULL);
	assert_non_null(
		strstr(buf_str(&out), "# Crypto Version: 2\r\n# Crypto Attribute: pwd\r\n"));
	c = read_book(buf_span(&out), CODEC);
	assert_string_equal(
		entry(c, "203")->dest[0].secret.text, entry(b, "203")->dest[0].secret.text);
	book_free(c);
	buf_fini(&out);
	book_set_secret(b, &entry(b, "204")->dest[0], SECRET_CLEAR, "open", NULL);
	out = write_book(b, CODEC, (struct span){NULL, 0}, true, NULL);
	assert_null(strstr(buf_str(&out), "Crypto"));
	assert_null(strstr(buf_str(&out), "=="));
	assert_non_null(strstr(buf_str(&out), "\"open\""));
	buf_fini(&out);
	book_free(b);
	buf_fini(&file);
}

/* ---- the trailing comma ---- */

static uint32_t cells(const char *row)
{
	uint32_t n = 1;

	for (; *row && *row != '\r'; row++)
		n += *row == ',';
	return n;
}

static void canon_trailing_comma(void **state)
{
	struct buf file = sample("one_touch.csv"), out;
	struct book *b = read_book(buf_span(&file), CODEC);
	struct book_entry *e;
	const char *row;

	(void)state;
	assert_string_equal(b->list[0].slot, "11");
	assert_int_equal(b->list[0].kind, LIST_ONE_TOUCH);
	assert_string_equal(entry_extra(entry(b, "200"), "folderidflag")->value, "on");
	/* 51 cells in rows and heading, 50 in the row that lacks the comma: so is a new one after
	 * it */
	e = book_copy_entry(b, &b->list[0], entry(b, "17"));
	e->key = "18";
	book_set(b, &e->f, F_NUMBER, "18");
	book_set(b, &e->f, F_UUID, NULL);
	out = write_book(b, CODEC, buf_span(&file), false, NULL);
	assert_int_equal(cells(strstr(buf_str(&out), "objectclass")), 51);
	assert_int_equal(cells(strstr(buf_str(&out), "g3fax")), 51);
	row = strstr(buf_str(&out), ",200,");
	while (row > buf_str(&out) && row[-1] != '\n')
		row--;
	assert_int_equal(cells(row), 50);
	assert_int_equal(cells(strchr(row, '\n') + 1), 50);
	buf_fini(&out);
	/* a new file of the newer version has it, of the older one not */
	out = write_book(b, CODEC, (struct span){NULL, 0}, false, NULL);
	assert_int_equal(cells(strstr(buf_str(&out), "objectclass")), 51);
	assert_int_equal(cells(strstr(buf_str(&out), "g3fax")), 51);
	buf_fini(&out);
	b->n_meta = 0;
	out = write_book(b, CODEC, (struct span){NULL, 0}, false, NULL);
	/* folderidflag is an extra here: it stays, as the fiftieth column */
	assert_int_equal(cells(strstr(buf_str(&out), "objectclass")), 50);
	buf_fini(&out);
	book_free(b);
	buf_fini(&file);
	file = sample("office.csv");
	assert_int_equal(cells(strstr(buf_str(&file), "objectclass")), 49);
	buf_fini(&file);
}

/* ---- new files ---- */

static void a_new_file_reads_as_its_book(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_len(SAMPLES); i++) {
		struct buf file = sample(SAMPLES[i]);
		struct book *b = read_book(buf_span(&file), CODEC), *c;
		struct ledger ledger;
		struct buf out, again;

		ledger_init(&ledger);
		out = write_book(b, CODEC, (struct span){NULL, 0}, true, &ledger);
		assert_int_equal(ledger.n, 0);
		c = read_book(buf_span(&out), CODEC);
		assert_int_equal(c->n_entries, b->n_entries);
		assert_string_equal(c->list[0].name, b->list[0].name);
		/* and to write that anew gives the same bytes: nothing was lost on the way */
		again = write_book(c, CODEC, (struct span){NULL, 0}, true, NULL);
		assert_bytes(buf_span(&again), buf_span(&out));
		ledger_fini(&ledger);
		buf_fini(&again);
		buf_fini(&out);
		book_free(c);
		book_free(b);
		buf_fini(&file);
	}
}

static void what_has_no_column_is_refused(void **state)
{
	struct buf file = sample("bom_lf.csv"), out = BUF_INIT;
	struct book *b = read_book(buf_span(&file), CODEC);
	const struct encode_options opts = {.base = buf_span(&file)};
	struct fault fault = FAULT_INIT;

	(void)state;
	book_set(b, &entry(b, "211")->f, F_READING, "Bob");
	assert_int_equal(book_encode(b, codec_named(CODEC), &opts, &out, NULL, &fault), -1);
	assert_string_equal(fault.reason, "no_place");
	assert_non_null(strstr(fault.detail, "reading"));
	assert_int_equal(out.n, 0);
	book_set(b, &entry(b, "211")->f, F_READING, NULL);
	book_add_tag(b, entry(b, "211"), "title1", "3");
	assert_int_equal(book_encode(b, codec_named(CODEC), &opts, &out, NULL, &fault), -1);
	assert_non_null(strstr(fault.detail, "title1"));
	buf_fini(&out);
	book_free(b);
	buf_fini(&file);
}

/* ---- bad files ---- */

#define HEAD                                                                                       \
	"# Canon AddressBook CSV version: 0x0002\n# CharSet: UTF-8\n\n"                            \
	"objectclass,cn,subdbid,mailaddress,indxid\n"

static void bad_files_are_refused_with_their_place(void **state)
{
	static const struct {
		const char *text;
		int code;
		const char *reason, *place;
	} bad[] = {
		{HEAD "email,\"Ana,1,a@b,201\nemail,Bea,1,b@b,202\n", CN_PARSE_ERROR,
			"unbalanced_quote", "line 5, column 7"},
		{HEAD "email,\"Ana\"x,1,a@b,201\n", CN_PARSE_ERROR, "text_after_quote",
			"line 5, column 12"},
		{HEAD "email,Ana,1,a@b,201\nemail,Bea,1,b@b,0201\n", CN_PARSE_ERROR,
			"duplicate_number", "line 6, column 17"},
		{HEAD "email,Zo\xc3\xab,1,\xff,201\n", CN_CHARSET_ERROR, "utf8",
			"line 5, column 13"},
		{HEAD "email,Ana,1,a@b\n", CN_PARSE_ERROR, "cell_count", "line 5"},
		{HEAD "email,Ana,1,a@b,201,x\n", CN_PARSE_ERROR, "cell_count", "line 5"},
		{HEAD "email,Ana,1,a@b,2o1\n", CN_PARSE_ERROR, "bad_number", "line 5, column 17"},
		{HEAD "email,Ana,1,a\rb,201\n", CN_PARSE_ERROR, "bare_cr", "line 5, column 14"},
		{"# Canon AddressBook CSV version: 0x0002\n# CharSet: EBCDIC\n", CN_PARSE_ERROR,
			"charset", "line 2"},
		{"# Canon AddressBook CSV version: 0x0002\n\ncn,cn,indxid,objectclass\n",
			CN_PARSE_ERROR, "duplicate_column", "line 3, column 4"},
		{"# Canon AddressBook CSV version: 0x0002\n\ncn,objectclass\n", CN_PARSE_ERROR,
			"missing_column", "line 3"},
		{"# Canon AddressBook CSV version: 0x0002\n", CN_PARSE_ERROR, "no_heading", ""},
	};

	(void)state;
	for (size_t i = 0; i < array_len(bad); i++) {
		struct fault f = refused(bad[i].text, strlen(bad[i].text), CODEC);

		assert_string_equal(f.reason, bad[i].reason);
		assert_int_equal(f.code, bad[i].code);
		if (!strstr(f.detail, bad[i].place))
			fail_msg("%s: not at %s", f.detail, bad[i].place);
	}
}

static void a_nul_byte_is_refused(void **state)
{
	static const char text[] = HEAD "email,A\0a,1,a@b,201\n";
	struct fault f = refused(text, sizeof(text) - 1, CODEC);

	(void)state;
	assert_string_equal(f.reason, "nul");
	assert_non_null(strstr(f.detail, "line 5, column 8"));
}

static void lenient_lists_every_fault_and_keeps_the_good_rows(void **state)
{
	const char *text = HEAD "email,Ana,1,a@b,201\nemail,x\nemail,Bea,1,b@b,201\n"
				"email,\"C\"c,1,c@b,203\nemail,Dan,1,d@b,204\n";
	const struct decode_options opts = {.lenient = true};
	struct fault fault = FAULT_INIT;
	struct book *b;

	(void)state;
	assert_int_equal(book_decode(text_span(text), codec_named(CODEC), &opts, &b, &fault), 0);
	assert_int_equal(b->n_faults, 3);
	assert_int_equal(b->fault[0].line, 6);
	assert_int_equal(b->fault[1].line, 7);
	assert_string_equal(b->fault[1].where, "indxid");
	assert_int_equal(b->fault[2].line, 8);
	assert_int_equal(b->n_entries, 2);
	book_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sample_is_recognised_and_comes_back_byte_for_byte),
		cmocka_unit_test(an_office_list_says_what_it_says),
		cmocka_unit_test(a_changed_field_changes_its_own_cell_only),
		cmocka_unit_test(booleans_keep_the_style_found),
		cmocka_unit_test(removed_and_new_rows),
		cmocka_unit_test(a_list_gets_another_name),
		cmocka_unit_test(a_name_that_sjis_has_not_is_refused_with_its_entry),
		cmocka_unit_test(canon_crypto_headers),
		cmocka_unit_test(canon_crypto_headers_absent),
		cmocka_unit_test(a_removed_password_takes_the_crypto_lines_with_it),
		cmocka_unit_test(a_new_file_holds_cipher_texts_only_with_their_lines),
		cmocka_unit_test(canon_trailing_comma),
		cmocka_unit_test(a_new_file_reads_as_its_book),
		cmocka_unit_test(what_has_no_column_is_refused),
		cmocka_unit_test(bad_files_are_refused_with_their_place),
		cmocka_unit_test(a_nul_byte_is_refused),
		cmocka_unit_test(lenient_lists_every_fault_and_keeps_the_good_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
