// SPDX-License-Identifier: Apache-2.0
/* Konica Minolta's Abbr (docs/spec/address-books.md 4.7). */
#include "common/book/norm.h"
#include "tests/lib/book_test.h"

#define DIR "tests/golden/book/konica_xml/"
#define CODEC "konica_xml"
#define INFO "SendConfiguration/AddressInfo/"

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

static void has_dest(const char *number, const char *protocol, enum book_field f, const char *value)
{
	const struct book_entry *e = entry(book, number);
	const char *p = e->n_dests ? fields_get(&e->dest[0].f, F_PROTOCOL) : NULL;

	assert_int_equal(e->n_dests, 1);
	assert_string_equal(p ? p : "", protocol);
	assert_string_equal(dest_field(e, f), value);
}

static void the_mode_says_which_destination_counts(void **state)
{
	(void)state;
	load(DIR "pages.xml");
	assert_int_equal(book->n_entries, 5);
	has_dest("1", "", F_ADDRESS, "ana.kovac@example.org");
	has_dest("2", "smb", F_HOST, "FS01");
	has_dest("2", "smb", F_PATH, "scan\\in");
	has_dest("3", "ftp", F_PORT, "21");
	assert_string_equal(entry(book, "1")->tag[0].system, "search_key");
	assert_string_equal(entry(book, "1")->tag[0].value, "Abc");
	assert_string_equal(fields_get(&entry(book, "3")->f, F_FAVOURITE), "false");
	assert_string_equal(entry(book, "0104")->key, "0104");
	unload();
}

static void constants_of_the_machine_are_no_extras_and_other_values_are(void **state)
{
	(void)state;
	load(DIR "pages.xml");
	assert_int_equal(entry(book, "1")->n_extras, 0);
	assert_string_equal(entry_extra(entry(book, "3"), INFO "FtpServerMode/Anonymous")->value,
		"<Anonymous>false</Anonymous>");
	assert_string_equal(entry_extra(entry(book, "105"), INFO "SendMode")->value,
		"<SendMode>Fax</SendMode>");
	assert_string_equal(entry_extra(entry(book, "105"), "FaxConfiguration")->value,
		"<FaxConfiguration><PhoneNo>+41445550102</PhoneNo><ECM>true</ECM>"
		"</FaxConfiguration>");
	assert_string_equal(entry_extra(entry(book, "105"), "Future")->value,
		"<Future since=\"2027\">x</Future>");
	unload();
}

static void secret_canary(void **state)
{
	(void)state;
	load(DIR "pages.xml");
	assert_string_equal(entry(book, "2")->dest[0].secret.text, "s3cr&t");
	assert_int_equal(entry(book, "3")->dest[0].secret.state, SECRET_ABSENT);
	assert_string_equal(entry_extra(entry(book, "0104"), INFO "WebDavMode")->value,
		"<WebDavMode><Host>https://dav.example.org</Host><User>u</User>"
		"<Password></Password></WebDavMode>");
	unload();
	load(DIR "flat.xml");
	assert_int_equal(entry(book, "8")->dest[0].secret.state, SECRET_UNKNOWN);
	unload();
}

static void an_untouched_book_is_its_file_again(void **state)
{
	static const char *const FILES[] = {DIR "pages.xml", DIR "flat.xml", DIR "empty.xml"};

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
	book_set(book, &entry(book, "3")->f, F_FAVOURITE, "true");
	changes("<WellUse>FALSE", "<WellUse>TRUE");
	load(DIR "pages.xml");
	entry(book, "1")->tag[0].value = "Jkl";
	changes("<SearchKey>Abc", "<SearchKey>Jkl");
	load(DIR "flat.xml");
	book_set(book, &entry(book, "8")->f, F_NAME, "Eight");
	changes("<Name/>", "<Name>Eight</Name>");
	load(DIR "flat.xml");
	book_set_secret(book, entry(book, "8")->dest, SECRET_CLEAR, "x", NULL);
	changes("<User/>", "<User/><Password>x</Password>");
}

static void a_change_of_kind_changes_the_mode(void **state)
{
	struct book_entry *e;
	struct book_dest *d;

	(void)state;
	load(DIR "flat.xml");
	e = entry(book, "7");
	book_remove_dest(e, e->dest);
	d = book_add_dest(book, e, DEST_FILE);
	book_set(book, &d->f, F_PROTOCOL, "ftp");
	book_set(book, &d->f, F_HOST, "h");
	changes("<SendMode>Email</SendMode><EmailMode><To>seven@example.org</To></EmailMode>",
		"<SendMode>Ftp</SendMode><EmailMode><To></To></EmailMode><FtpServerMode><Address>h"
		"</Address></FtpServerMode>");
}

static void the_count_beside_the_entries_follows_them(void **state)
{
	struct book_entry *e;

	(void)state;
	load(DIR "flat.xml");
	book_remove_entry(book, &book->list[0], entry(book, "7"));
	e = book_add_entry(book, &book->list[0], "9");
	book_set(book, &e->f, F_NUMBER, "9");
	e = book_add_entry(book, &book->list[0], "10");
	book_set(book, &e->f, F_NUMBER, "10");
	struct buf out = write_book(book, CODEC, buf_span(&file), true, NULL);
	assert_non_null(memmem(out.p, out.n, "<ArraySize>3</ArraySize>", 24));
	buf_fini(&out);
	unload();
	load(DIR "pages.xml");
	book_remove_entry(book, &book->list[0], entry(book, "0104"));
	out = write_book(book, CODEC, buf_span(&file), true, NULL);
	assert_non_null(memmem(out.p, out.n, "<ArraySize>3</ArraySize>", 24));
	assert_non_null(memmem(out.p, out.n, "<ArraySize>1</ArraySize>", 24));
	buf_fini(&out);
	unload();
	load(DIR "empty.xml");
	e = book_add_entry(book, &book->list[0], "9");
	book_set(book, &e->f, F_NUMBER, "9");
	out = write_book(book, CODEC, buf_span(&file), true, NULL);
	assert_non_null(memmem(out.p, out.n, "<ArraySize>1</ArraySize><Abbr><AbbrNo>9</", 41));
	buf_fini(&out);
	unload();
}

static void a_fresh_file_says_the_same(void **state)
{
	static const char *const FILES[] = {DIR "pages.xml", DIR "flat.xml", DIR "empty.xml"};

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

/* What SetAbbr sends for an e-mail entry (devices.md section 6). */
static void a_fresh_entry_is_what_the_machine_takes(void **state)
{
	static const char WANTED[] =
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<AbbrList>\n  "
		"<ArraySize>1</ArraySize>\n"
		"  <Abbr>\n    <AbbrNo>12</AbbrNo>\n    <Name>Ana</Name>\n"
		"    <SearchKey>Abc</SearchKey>\n    <WellUse>false</WellUse>\n"
		"    <SendConfiguration>\n      <SendGroup>Scan</SendGroup>\n"
		"      <TargetAddressType>Single</TargetAddressType>\n      <AddressInfo>\n"
		"        <SendMode>Email</SendMode>\n        <EmailMode>\n"
		"          <To>a@example.org</To>\n        </EmailMode>\n"
		"        <ImageType>Icon</ImageType>\n        <IconID>1</IconID>\n"
		"        <PhotoEditFlag>NotRegistered</PhotoEditFlag>\n      </AddressInfo>\n"
		"    </SendConfiguration>\n    <FaxConfiguration></FaxConfiguration>\n"
		"    <EditFlag>Appended</EditFlag>\n    <ReferLicence>\n"
		"      <UseReferLicence>Level</UseReferLicence>\n      "
		"<ReferGroupNo>1</ReferGroupNo>\n"
		"      <ReferPossibleLevel>0</ReferPossibleLevel>\n    </ReferLicence>\n"
		"    <AddressKind>Public</AddressKind>\n  </Abbr>\n</AbbrList>\n";
	struct book *b = book_new("konica");
	struct book_entry *e = book_add_entry(b, book_add_list(b, "1", LIST_FLAT, ""), "12");
	struct buf out;

	(void)state;
	book_set(b, &e->f, F_NUMBER, "12");
	book_set(b, &e->f, F_NAME, "Ana");
	book_set(b, &e->f, F_FAVOURITE, "false");
	book_add_tag(b, e, "search_key", "Abc");
	book_set(b, &book_add_dest(b, e, DEST_EMAIL)->f, F_ADDRESS, "a@example.org");
	out = write_book(b, CODEC, (struct span){NULL, 0}, true, NULL);
	assert_bytes(buf_span(&out), text_span(WANTED));
	buf_fini(&out);
	book_free(b);
}

static void groups_are_other_objects_and_refused(void **state)
{
	struct book *b = book_new("konica");
	struct book_entry *e = book_add_entry(b, book_add_list(b, "1", LIST_FLAT, ""), "1");
	struct fault fault = FAULT_INIT;
	struct buf out = BUF_INIT;

	(void)state;
	e->group = true;
	assert_int_equal(book_encode(b, codec_named(CODEC), NULL, &out, NULL, &fault), -1);
	assert_string_equal(fault.reason, "no_place");
	buf_fini(&out);
	book_free(b);
	assert_string_equal(refused("<AbbrList><Abbr/></AbbrList>", 28, CODEC).reason, "no_number");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_mode_says_which_destination_counts),
		cmocka_unit_test(constants_of_the_machine_are_no_extras_and_other_values_are),
		cmocka_unit_test(secret_canary),
		cmocka_unit_test(an_untouched_book_is_its_file_again),
		cmocka_unit_test(one_field_changes_its_own_bytes),
		cmocka_unit_test(a_change_of_kind_changes_the_mode),
		cmocka_unit_test(the_count_beside_the_entries_follows_them),
		cmocka_unit_test(a_fresh_file_says_the_same),
		cmocka_unit_test(a_fresh_entry_is_what_the_machine_takes),
		cmocka_unit_test(groups_are_other_objects_and_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
