// SPDX-License-Identifier: Apache-2.0
/* Canon address list text as a book (docs/spec/address-books.md 4.2): the samples read, the laws,
 * and that reader and checker are of one mind. */
#include <glob.h>

#include "common/book/formats/abk.h"
#include "tests/lib/book_random.h"
#include "tests/lib/book_test.h"

extern const struct codec codec_canon_abk;

#define DIR "tests/golden/book/canon_abk/"
#define PREAMBLE "# Canon AddressBook version: 1\r\n# CharSet: WCP1252\r\n\r\n"
#define ANA                                                                                        \
	"subdbid: 1\r\ndn: 201\r\ncn: Ana\r\ncnread: \r\nmailaddress: ana@example.com\r\n"         \
	"objectclass: email\r\n\r\n"
#define ANA_ECM(ecm)                                                                               \
	"subdbid: 1\r\ndn: 201\r\ncn: Ana\r\nmailaddress: ana@example.com\r\necm: " ecm            \
	"\r\nobjectclass: email\r\n\r\n"
#define BO                                                                                         \
	"subdbid: 1\r\ndn: 202\r\ncn: Bo\r\nurl: srv\r\npath: \\in\r\npwd: geheim\r\n"             \
	"protocol: smb\r\nobjectclass: remotefilesystem\r\n\r\n"

static struct book *decoded(struct span s)
{
	struct book *b = NULL;
	struct fault f = FAULT_INIT;

	if (book_decode(s, NULL, NULL, &b, &f) < 0)
		fail_msg("%s", f.detail);
	assert_string_equal(b->codec, "canon_abk");
	return b;
}

static struct book *sample(const char *name)
{
	char path[200];
	struct buf file;
	struct book *b;

	snprintf(path, sizeof(path), DIR "%s", name);
	file = slurp(path);
	b = decoded(buf_span(&file));
	buf_fini(&file);
	return b;
}

static struct buf encoded(const struct book *b, struct span base)
{
	const struct encode_options o = {.base = base, .reveal_secrets = true};
	struct buf out = BUF_INIT;
	struct fault f = FAULT_INIT;

	if (book_encode(b, &codec_canon_abk, &o, &out, NULL, &f) < 0)
		fail_msg("%s", f.detail);
	return out;
}

/* The book that text gives, edited, written over text. */
static void becomes(struct book *b, const char *base, const char *expected)
{
	struct buf out = encoded(b, text_span(base));

	assert_string_equal(buf_str(&out), expected);
	buf_fini(&out);
	book_free(b);
}

static void field(const struct fields *f, enum book_field id, const char *expected)
{
	const char *value = fields_get(f, id);

	if (!expected)
		assert_null(value);
	else if (!value)
		fail_msg("no \"%s\"", expected);
	else
		assert_string_equal(value, expected);
}

/* ---- reading ---- */

static void a_list_of_a_device_is_read_with_every_kind(void **state unused)
{
	struct book *b = sample("sales.abk");
	const struct book_list *l = &b->list[0];
	const struct book_dest *d;

	assert_int_equal(b->n_lists, 1);
	assert_string_equal(l->slot, "1");
	assert_string_equal(l->name, "Sales");
	assert_int_equal(l->kind, LIST_ADDRESS_LIST);
	assert_string_equal(b->charset, "windows-1252");
	assert_string_equal(book_meta(b, "db_version"), "0x0108");
	assert_int_equal(l->n_entries, 7);
	assert_int_equal(b->n_faults, 0);
	assert_string_equal(l->entry[0].key, "201");
	assert_string_equal(entry_name(&l->entry[0]), "\xc3\x89milie D\xc3\xbcrr");
	field(&l->entry[0].f, F_READING, "emilie");
	field(&l->entry[0].f, F_NUMBER, "201");
	field(&l->entry[0].f, F_ACCESS_NO, NULL);
	d = entry_dest(&l->entry[0], DEST_EMAIL);
	field(&d->f, F_ADDRESS, "emilie.durr@example.com");
	field(&d->f, F_SPLIT_LARGE, "false");
	assert_int_equal(l->entry[0].n_extras, 0);
	field(&l->entry[3].dest[0].f, F_FAX_NUMBER, "0033142681234,P12");
	d = entry_dest(&l->entry[4], DEST_FILE);
	assert_string_equal(entry_name(&l->entry[4]), "Scans: finance");
	field(&l->entry[4].f, F_ACCESS_NO, "0042");
	field(&d->f, F_HOST, "\\\\srv-files\\finance");
	field(&d->f, F_PATH, "scan\\2026-11");
	field(&d->f, F_ACCOUNT, "EXAMPLE\\scanner");
	field(&d->f, F_PROTOCOL, "smb");
	assert_int_equal(d->secret.state, SECRET_CLEAR);
	assert_string_equal(d->secret.text, "s3cret: pass");
	assert_int_equal(l->entry[5].dest[0].secret.state, SECRET_ABSENT);
	assert_true(l->entry[6].group);
	assert_int_equal(l->entry[6].n_members, 0);
	assert_int_equal(l->entry[6].n_extras, 2); /* how members are told apart is not known */
	assert_string_equal(l->entry[6].extra[0].name, "member");
	assert_int_equal(l->entry[6].at.line, 78);
	book_free(b);
}

static void charsets_are_read_as_declared_ab_17_ab_21(void **state unused)
{
	struct book *b = sample("tokyo.abk");

	assert_string_equal(b->charset, "Windows-31J");
	assert_string_equal(
		b->list[0].name, "\xe6\x9d\xb1\xe4\xba\xac\xe5\x96\xb6\xe6\xa5\xad\xe6\x89\x80");
	field(&b->list[0].entry[2].dest[0].f, F_HOST, "\\\\server\\share");
	book_free(b);
	b = sample("unicode.abk");
	assert_string_equal(b->charset, "UTF-8");
	assert_string_equal(
		entry_name(&b->list[0].entry[1]), "\xf0\xa0\xae\xb7\xe9\x87\x8e\xe5\xae\xb6");
	field(&b->list[0].entry[2].dest[0].f, F_URI, "sip:4711@example.com");
	book_free(b);
}

static void what_devices_do_not_write_is_kept_and_flagged_ab_16(void **state unused)
{
	struct book *b = sample("odd.abk");
	const struct book_entry *e = b->list[0].entry;

	assert_string_equal(e[0].key, "201");
	assert_int_equal(b->n_faults, 2);
	assert_true(b->fault[0].warning);
	assert_string_equal(b->fault[0].reason, "base64");
	assert_int_equal(b->fault[0].line, 8);
	assert_string_equal(b->fault[1].reason, "folded");
	assert_string_equal(b->fault[1].where, "path");
	assert_string_equal(entry_extra(&e[0], "cn:")->value, "QW5h");
	assert_string_equal(entry_extra(&e[0], "path")->value, "//server\n  /share");
	assert_string_equal(entry_extra(&e[0], "x-vendor.thing")->value, "keep: me");
	assert_string_equal(entry_extra(&e[0], "objectclass")->value, "sipuser");
	assert_int_equal(e[0].n_dests, 0);
	assert_string_equal(entry_name(&e[1]), "Ana");
	assert_string_equal(entry_extra(&e[1], "cn")->value, "Anna");
	field(&e[1].dest[0].f, F_ADDRESS, "ana@example.com");
	field(&e[1].dest[0].f, F_SPLIT_LARGE, "true");
	assert_string_equal(entry_extra(&e[1], "telephone")->value, "00420 123");
	assert_string_equal(entry_extra(&e[1], "comment")->value, "2026-11-21");
	assert_string_equal(entry_extra(&e[1], "ecm")->value, "on");
	field(&e[2].dest[0].f, F_ASK_PASSWORD, "true");
	book_free(b);
}

static void lists_are_told_by_their_number(void **state unused)
{
	struct book *b = sample("two_lists.abk");

	assert_int_equal(b->n_lists, 2);
	assert_string_equal(b->list[0].slot, "4");
	assert_string_equal(b->list[0].name, "North");
	assert_string_equal(b->list[1].slot, "5");
	assert_string_equal(b->list[1].name, "South");
	assert_int_equal(b->list[1].n_entries, 2);
	book_free(b);
	b = sample("one_touch.abk");
	assert_string_equal(b->list[0].slot, "11");
	assert_int_equal(b->list[0].kind, LIST_ONE_TOUCH);
	book_free(b);
	b = sample("empty.abk");
	assert_int_equal(b->n_lists, 1);
	assert_string_equal(b->list[0].name, "Nobody yet");
	assert_string_equal(b->list[0].slot, "");
	book_free(b);
	b = sample("body.ldif");
	assert_string_equal(entry_name(&b->list[0].entry[1]), "B\xc3\xa9la");
	book_free(b);
}

static void refused_at(const char *text, const char *reason, uint32_t line, uint32_t column)
{
	struct book *b = NULL;
	struct fault f = FAULT_INIT;

	assert_int_equal(book_decode(text_span(text), &codec_canon_abk, NULL, &b, &f), -1);
	assert_string_equal(f.reason, reason);
	assert_int_equal(b->n_faults, 1);
	assert_int_equal(b->fault[0].line, line);
	assert_int_equal(b->fault[0].column, column);
	book_free(b);
}

static void faults_have_their_place(void **state unused)
{
	refused_at(PREAMBLE "cn: A\x81\r\nobjectclass: email\r\n\r\n", "cp1252", 4, 6);
	refused_at("# CharSet: EBCDIC\r\n\r\n", "charset", 1, 19);
	refused_at("# CharSet: UTF-16LE\r\n\r\n", "charset", 1, 21);
	refused_at(PREAMBLE ANA "subdbid 1\r\n\r\n", "name", 11, 8);
	refused_at(PREAMBLE ANA "cn: Bo\r\n\r\n", "half_record", 12, 2);
	refused_at(PREAMBLE ANA ANA, "duplicate_number", 11, 0);
	refused_at(PREAMBLE ANA "cn: Bo\r\n", "truncated", 12, 0);
	refused_at("# CharSet: SJIS\r\n\r\ncn: \x95\x5c\x95\r\nobjectclass: email\r\n\r\n",
		"charset", 3, 6);
}

static void lenient_reading_lists_every_fault_and_goes_on_ab_12(void **state unused)
{
	static const struct decode_options LENIENT = {.lenient = true};
	struct book *b = NULL;
	struct fault f = FAULT_INIT;

	assert_int_equal(
		book_decode(text_span(PREAMBLE "cn A\r\ncn: \x81\r\nobjectclass: email\r\n\r\n" ANA
					       "x\r\n"),
			&codec_canon_abk, &LENIENT, &b, &f),
		0);
	assert_int_equal(b->n_faults, 4);
	assert_int_equal(b->fault[1].line, 5);
	assert_string_equal(b->fault[1].reason, "cp1252");
	assert_string_equal(b->fault[2].reason, "no_colon");
	assert_string_equal(b->fault[3].reason, "truncated");
	assert_int_equal(b->n_entries, 1);
	book_free(b);
}

/* ---- laws ---- */

static void each_sample(void (*check)(struct span file))
{
	glob_t g;

	assert_int_equal(glob(DIR "*", 0, NULL, &g), 0);
	assert_true(g.gl_pathc >= 8);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		struct buf file = slurp(g.gl_pathv[i]);

		check(buf_span(&file));
		buf_fini(&file);
	}
	globfree(&g);
}

static void written_back(struct span file)
{
	struct book *b = decoded(file);
	struct buf out = encoded(b, file);

	assert_int_equal(out.n, file.n);
	assert_memory_equal(out.p, file.p, file.n);
	buf_fini(&out);
	book_free(b);
}

static void a_file_written_over_itself_is_the_same_l2(void **state unused)
{
	each_sample(written_back);
}

static void same_hash(const struct book *a, const struct book *b)
{
	const struct book_profile *p = profile_named("canon_abk");
	struct book *x = book_normalise(a, p), *y = book_normalise(b, p);
	struct book_hashes hx, hy;
	struct book_key key = {.b = {1}};

	book_hash(x, &key, &hx);
	book_hash(y, &key, &hy);
	assert_memory_equal(hx.full, hy.full, BOOK_HASH);
	book_free(x);
	book_free(y);
}

static void written_afresh(struct span file)
{
	struct book *b = decoded(file), *again;
	struct buf out = encoded(b, (struct span){.n = 0});

	again = decoded(buf_span(&out));
	same_hash(b, again);
	book_free(again);
	book_free(b);
	buf_fini(&out);
}

static void a_file_written_afresh_reads_the_same_l1(void **state unused)
{
	each_sample(written_afresh);
}

static void a_changed_name_changes_its_line_alone_l3(void **state unused)
{
	struct book *b = decoded(text_span(PREAMBLE ANA BO));

	book_set(b, &b->list[0].entry[0].f, F_NAME, "Zo\xc3\xab");
	becomes(b, PREAMBLE ANA BO,
		PREAMBLE "subdbid: 1\r\ndn: 201\r\ncn: Zo\xeb\r\ncnread: \r\nmailaddress: "
			 "ana@example.com\r\nobjectclass: email\r\n\r\n" BO);
}

static void a_value_that_was_absent_goes_to_its_empty_line_or_behind_the_one_before(
	void **state unused)
{
	struct book *b = decoded(text_span(PREAMBLE ANA));

	book_set(b, &b->list[0].entry[0].f, F_READING, "ana");
	book_set(b, &b->list[0].entry[0].f, F_ACCESS_NO, "0007");
	becomes(b, PREAMBLE ANA,
		PREAMBLE "subdbid: 1\r\ndn: 201\r\ncn: Ana\r\ncnread: ana\r\nmailaddress: "
			 "ana@example.com\r\naccesscode: 0007\r\nobjectclass: email\r\n\r\n");
}

static void a_value_that_goes_takes_its_line_with_it(void **state unused)
{
	struct book *b = decoded(text_span(PREAMBLE BO));

	book_set(b, &b->list[0].entry[0].dest[0].f, F_PATH, NULL);
	book_set_secret(b, &b->list[0].entry[0].dest[0], SECRET_ABSENT, NULL, NULL);
	becomes(b, PREAMBLE BO,
		PREAMBLE "subdbid: 1\r\ndn: 202\r\ncn: Bo\r\nurl: srv\r\npwd: \r\nprotocol: smb\r\n"
			 "objectclass: remotefilesystem\r\n\r\n");
}

static void a_removed_entry_takes_its_lines_and_a_new_one_follows_the_one_before_it(
	void **state unused)
{
	struct book *b = decoded(text_span(PREAMBLE ANA BO));
	struct book_entry *e;

	book_remove_entry(b, &b->list[0], &b->list[0].entry[0]);
	e = book_add_entry(b, &b->list[0], "203");
	book_set(b, &e->f, F_NUMBER, "203");
	book_set(b, &e->f, F_NAME, "Cy");
	book_set(b, &book_add_dest(b, e, DEST_FAX)->f, F_FAX_NUMBER, "00 1");
	becomes(b, PREAMBLE ANA BO,
		PREAMBLE BO "subdbid: 1\r\ndn: 203\r\ncn: Cy\r\ncnread: \r\ndialdata: 00 1\r\n"
			    "accesscode: 0\r\nobjectclass: top\r\nobjectclass: extensibleobject\r\n"
			    "objectclass: g3fax\r\n\r\n");
}

static void what_the_model_does_not_know_survives_edits_l4(void **state unused)
{
	struct buf file = slurp(DIR "odd.abk");
	struct book *b = decoded(buf_span(&file)), *again;
	struct buf out;

	for (uint32_t i = 0; i < b->list[0].n_entries; i++)
		book_set(b, &b->list[0].entry[i].f, F_NAME, "Renamed");
	book_set(b, &b->list[0].entry[1].dest[0].f, F_SPLIT_LARGE, "false");
	book_set(b, &b->list[0].entry[2].dest[0].f, F_ASK_PASSWORD, "false");
	out = encoded(b, buf_span(&file));
	assert_non_null(strstr(buf_str(&out), "path: //server\r\n  /share\r\n"));
	assert_non_null(strstr(buf_str(&out), "cn:: QW5h\r\n"));
	assert_non_null(strstr(buf_str(&out), "cn: Renamed\r\ncn: Anna\r\ncnread:\r\nmail: ana@"));
	assert_non_null(strstr(buf_str(&out), "cn: Renamed\nurl: 10.0.0.7\r\n"));
	assert_non_null(strstr(buf_str(&out), "pwdinputflag: off\r\n"));
	again = decoded(buf_span(&out));
	same_hash(b, again);
	book_free(again);
	book_free(b);
	buf_fini(&out);
	buf_fini(&file);
}

static void a_list_gets_a_new_name_and_another_list_follows(void **state unused)
{
	struct buf file = slurp(DIR "two_lists.abk");
	struct book *b = decoded(buf_span(&file)), *again;
	struct buf out;

	b->list[1].name = book_str(b, "Sud");
	book_remove_entry(b, &b->list[0], &b->list[0].entry[0]);
	book_copy_entry(b, book_add_list(b, "7", LIST_ADDRESS_LIST, "Seven"), &b->list[1].entry[0]);
	out = encoded(b, buf_span(&file));
	assert_non_null(strstr(buf_str(&out), "# SubAddressBookName: Sud\r\n"));
	assert_null(strstr(buf_str(&out), "Nils"));
	again = decoded(buf_span(&out));
	assert_string_equal(book_find_list(again, "7")->name, "Seven");
	assert_int_equal(book_find_list(again, "7")->n_entries, 1);
	assert_int_equal(book_find_list(again, "5")->n_entries, 2);
	book_free(again);
	book_free(b);
	buf_fini(&out);
	buf_fini(&file);
}

static void a_book_without_lists_is_a_preamble(void **state unused)
{
	struct book *b = decoded(text_span(PREAMBLE ANA)), *none = book_new("canon");
	struct buf out;

	b->n_lists = 0;
	out = encoded(b, text_span(PREAMBLE ANA));
	book_free(decoded(buf_span(&out)));
	buf_fini(&out);
	b->n_lists = 1;
	book_free(b);
	out = encoded(none, (struct span){.n = 0});
	b = decoded(buf_span(&out));
	assert_int_equal(b->n_lists, 0);
	book_free(b);
	book_free(none);
	buf_fini(&out);
}

/* ---- secrets and what a list cannot hold ---- */

/* What it becomes without the right to reveal secrets, and how many must be typed again. */
static void hidden(const struct book *b, const char *base, const char *expected, uint32_t needed)
{
	const struct encode_options o = {.base = base ? text_span(base) : (struct span){.n = 0}};
	struct buf out = BUF_INIT;
	struct ledger ledger;
	struct fault f;

	ledger_init(&ledger);
	assert_int_equal(book_encode(b, &codec_canon_abk, &o, &out, &ledger, &f), 0);
	if (expected)
		assert_string_equal(buf_str(&out), expected);
	else
		assert_null(strstr(buf_str(&out), "geheim"));
	assert_int_equal(ledger.n, needed);
	if (needed)
		assert_int_equal(ledger.line[0].action, LEDGER_SECRET_NEEDED);
	ledger_fini(&ledger);
	buf_fini(&out);
}

static void passwords_need_the_right_to_be_revealed(void **state unused)
{
	struct book *b = decoded(text_span(PREAMBLE BO));

	hidden(b, NULL, NULL, 1);
	hidden(b, PREAMBLE BO, PREAMBLE BO, 0); /* it stands in the file already */
	book_set_secret(b, &b->list[0].entry[0].dest[0], SECRET_CLEAR, "geheimer", NULL);
	hidden(b, PREAMBLE BO, NULL, 1);
	book_free(b);
}

static void an_unknown_password_stays_as_it_is_in_the_file(void **state unused)
{
	struct book *b = decoded(text_span(PREAMBLE BO));

	book_set_secret(b, &b->list[0].entry[0].dest[0], SECRET_UNKNOWN, NULL, NULL);
	becomes(b, PREAMBLE BO, PREAMBLE BO);
}

static void not_written(struct book *b, int code, const char *detail)
{
	struct buf out = BUF_INIT;
	struct fault f = FAULT_INIT;

	assert_int_equal(book_encode(b, &codec_canon_abk, NULL, &out, NULL, &f), -1);
	assert_int_equal(f.code, code);
	if (!strstr(f.detail, detail))
		fail_msg("\"%s\" lacks \"%s\"", f.detail, detail);
	assert_int_equal(out.n, 0);
	buf_fini(&out);
	book_free(b);
}

static void what_the_charset_has_not_is_refused_with_the_name_ab_19(void **state unused)
{
	struct book *b = decoded(text_span(PREAMBLE ANA));

	book_set(b, &b->list[0].entry[0].f, F_READING, "a\xe6\x97\xa5");
	not_written(b, CN_CHARSET_ERROR,
		"entry 201 (Ana): character U+65E5 in cnread is not in windows-1252");
}

static void what_a_line_cannot_hold_is_refused(void **state unused)
{
	struct book *b = decoded(text_span(PREAMBLE ANA));

	book_set(b, &b->list[0].entry[0].f, F_READING, "a\n b");
	not_written(b, CN_UNSUPPORTED_OPERATION, "line break");
	b = decoded(text_span(PREAMBLE ANA));
	book_add_member(b, &b->list[0].entry[0], "202", NULL);
	not_written(b, CN_UNSUPPORTED_OPERATION, "members");
	b = decoded(text_span(PREAMBLE ANA));
	b->list[0].slot = "speed_dial";
	not_written(b, CN_UNSUPPORTED_OPERATION, "number");
}

static void not_over(struct book *b, const char *base, const char *what)
{
	const struct encode_options o = {.base = text_span(base)};
	struct buf out = BUF_INIT;
	struct fault f = FAULT_INIT;

	assert_int_equal(book_encode(b, &codec_canon_abk, &o, &out, NULL, &f), -1);
	assert_int_equal(f.code, CN_UNSUPPORTED_OPERATION);
	assert_string_equal(f.reason, "no_place");
	if (!strstr(f.detail, what))
		fail_msg("%s", f.detail);
	buf_fini(&out);
	book_free(b);
}

static void what_a_file_would_say_otherwise_is_refused_l4(void **state unused)
{
	struct book *b = decoded(text_span(ANA));
	struct book_entry *e;

	b->list[0].name = "Sales";
	not_over(b, ANA, "no place for its name");
	/* "ecm: on" says nothing of an e-mail, but much of a fax */
	b = decoded(text_span(ANA_ECM("on")));
	e = &b->list[0].entry[0];
	book_remove_dest(e, &e->dest[0]);
	book_set(b, &book_add_dest(b, e, DEST_FAX)->f, F_FAX_NUMBER, "00 1");
	not_over(b, ANA_ECM("on"), "Ana");
}

static void an_attribute_that_is_no_field_is_written_as_it_is_said_l3(void **state unused)
{
	struct book *b = decoded(text_span(ANA_ECM("on")));

	assert_int_equal(b->list[0].entry[0].n_extras, 1);
	b->list[0].entry[0].extra[0].value = "TRUE";
	becomes(b, ANA_ECM("on"), ANA_ECM("TRUE"));
	b = decoded(text_span(ANA_ECM("off")));
	b->list[0].entry[0].extra[0].value = "Law";
	becomes(b, ANA_ECM("off"), ANA_ECM("Law"));
}

static void an_entry_without_its_destination_is_still_a_record(void **state unused)
{
	struct book *b = decoded(text_span(PREAMBLE ANA));
	struct book_entry *e = &b->list[0].entry[0];

	book_remove_dest(e, &e->dest[0]);
	becomes(b, PREAMBLE ANA,
		PREAMBLE "subdbid: 1\r\ndn: 201\r\ncn: Ana\r\ncnread: \r\n"
			 "objectclass: top\r\n\r\n");
}

/* ---- the checker ---- */

/* Whatever the checker takes, the reader takes, but for two entries of one number: only the reader
 * has the memory to see those. */
static void of_one_mind(struct span file)
{
	struct abk_info info;
	struct fault a = FAULT_INIT, b = FAULT_INIT;
	struct book *book = NULL;
	int r = abk_check(file, &info, &a);

	if (book_decode(file, &codec_canon_abk, NULL, &book, &b) < 0) {
		if (strcmp(b.reason, "duplicate_number") == 0)
			assert_int_equal(r, 0);
		else if (r == 0)
			fail_msg("only the reader says: %s", b.detail);
	} else {
		if (r < 0)
			fail_msg("only the checker says: %s", a.detail);
		assert_int_equal(book->n_entries, info.entries);
		struct buf out = encoded(book, file);
		assert_int_equal(out.n, file.n);
		assert_memory_equal(out.p, file.p, file.n);
		buf_fini(&out);
	}
	book_free(book);
}

static void mutated(struct span file)
{
	static const char BYTES[] = "\r\n: #<\0abn0\x81\xe9\xc3\x95\x5c";
	struct random r = {.state = 4711 + file.n};
	uint8_t *copy = malloc(file.n + 1);
	uint32_t cases = book_cases(400);

	for (uint32_t i = 0; i < cases; i++) {
		size_t n = file.n;

		memcpy(copy, file.p, n);
		for (uint32_t j = random_below(&r, 3); j-- > 0;)
			copy[random_below(&r, (uint32_t)n)] =
				(uint8_t)BYTES[random_below(&r, sizeof(BYTES) - 1)];
		if (random_one_in(&r, 4)) { /* a piece goes */
			size_t at = random_below(&r, (uint32_t)n);
			size_t gone = size_min(random_below(&r, 40), n - at);
			memmove(copy + at, copy + at + gone, n - at - gone);
			n -= gone;
		}
		of_one_mind((struct span){copy, n});
	}
	free(copy);
}

static void reader_and_checker_are_of_one_mind_about_samples_and_mutants(void **state unused)
{
	each_sample(of_one_mind);
	each_sample(mutated);
}

static void reader_and_checker_are_of_one_mind_about_the_seeds(void **state unused)
{
	glob_t g;

	assert_int_equal(glob("tests/fuzz/corpus/abk/*", 0, NULL, &g), 0);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		struct buf file = slurp(g.gl_pathv[i]);

		of_one_mind((struct span){file.p + 1, file.n - 1});
		buf_fini(&file);
	}
	globfree(&g);
}

static void a_list_is_known_by_its_content_ab_14(void **state unused)
{
	assert_int_equal(codec_canon_abk.detect(text_span(PREAMBLE)), 100);
	assert_true(codec_canon_abk.detect(text_span(ANA)) > 0);
	assert_int_equal(
		codec_canon_abk.detect(text_span("# Canon AddressBook CSV version: 0x0002\r\n")),
		0);
	assert_int_equal(codec_canon_abk.detect(text_span("version: 1\ndn: cn=a,o=b\n")), 0);
	assert_int_equal(codec_canon_abk.detect(text_span("<html>")), 0);
	assert_int_equal(codec_canon_abk.detect(text_span("")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_of_a_device_is_read_with_every_kind),
		cmocka_unit_test(charsets_are_read_as_declared_ab_17_ab_21),
		cmocka_unit_test(what_devices_do_not_write_is_kept_and_flagged_ab_16),
		cmocka_unit_test(lists_are_told_by_their_number),
		cmocka_unit_test(faults_have_their_place),
		cmocka_unit_test(lenient_reading_lists_every_fault_and_goes_on_ab_12),
		cmocka_unit_test(a_file_written_over_itself_is_the_same_l2),
		cmocka_unit_test(a_file_written_afresh_reads_the_same_l1),
		cmocka_unit_test(a_changed_name_changes_its_line_alone_l3),
		cmocka_unit_test(
			a_value_that_was_absent_goes_to_its_empty_line_or_behind_the_one_before),
		cmocka_unit_test(a_value_that_goes_takes_its_line_with_it),
		cmocka_unit_test(
			a_removed_entry_takes_its_lines_and_a_new_one_follows_the_one_before_it),
		cmocka_unit_test(what_the_model_does_not_know_survives_edits_l4),
		cmocka_unit_test(a_list_gets_a_new_name_and_another_list_follows),
		cmocka_unit_test(a_book_without_lists_is_a_preamble),
		cmocka_unit_test(passwords_need_the_right_to_be_revealed),
		cmocka_unit_test(an_unknown_password_stays_as_it_is_in_the_file),
		cmocka_unit_test(what_the_charset_has_not_is_refused_with_the_name_ab_19),
		cmocka_unit_test(what_a_line_cannot_hold_is_refused),
		cmocka_unit_test(what_a_file_would_say_otherwise_is_refused_l4),
		cmocka_unit_test(an_attribute_that_is_no_field_is_written_as_it_is_said_l3),
		cmocka_unit_test(an_entry_without_its_destination_is_still_a_record),
		cmocka_unit_test(reader_and_checker_are_of_one_mind_about_samples_and_mutants),
		cmocka_unit_test(reader_and_checker_are_of_one_mind_about_the_seeds),
		cmocka_unit_test(a_list_is_known_by_its_content_ab_14),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
