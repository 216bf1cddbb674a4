// SPDX-License-Identifier: Apache-2.0
/* The tables of Konica Minolta, Xerox and Sharp. */
#include "tests/lib/book_test.h"

#define DIR "tests/golden/book/"
static const struct span NOTHING = {NULL, 0};

static const struct {
	const char *codec, *file;
} SAMPLES[] = {
	{"konica_tsv", "konica_tsv/bizhub.txt"},
	{"sharp_csv", "sharp_csv/mx.csv"},
	{"xerox_csv", "xerox_csv/altalink.csv"},
	{"xerox_csv", "xerox_csv/workcentre.csv"},
};

static struct buf sample(const char *name)
{
	char path[200];

	snprintf(path, sizeof(path), DIR "%s", name);
	return slurp(path);
}

static const char *tag(const struct book_entry *e, const char *system)
{
	for (uint32_t i = 0; i < e->n_tags; i++)
		if (strcmp(e->tag[i].system, system) == 0)
			return e->tag[i].value;
	return "";
}

static void every_sample_is_recognised_and_comes_back_byte_for_byte(void **state)
{
	struct fault fault = FAULT_INIT;

	(void)state;
	for (size_t i = 0; i < array_len(SAMPLES); i++) {
		struct buf file = sample(SAMPLES[i].file), same;
		struct book *b = read_book(buf_span(&file), SAMPLES[i].codec);

		assert_ptr_equal(
			codec_detect(buf_span(&file), &fault), codec_named(SAMPLES[i].codec));
		same = write_book(b, SAMPLES[i].codec, buf_span(&file), false, NULL);
		assert_bytes(buf_span(&same), buf_span(&file));
		book_free(b);
		buf_fini(&file);
		buf_fini(&same);
	}
}

static void a_new_file_reads_as_its_book(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_len(SAMPLES); i++) {
		struct buf file = sample(SAMPLES[i].file), out;
		struct book *b = read_book(buf_span(&file), SAMPLES[i].codec), *c;
		struct ledger ledger;

		if (codec_named(SAMPLES[i].codec)->flags & CODEC_NEEDS_BASE) {
			book_free(b);
			buf_fini(&file);
			continue;
		}
		ledger_init(&ledger);
		out = write_book(b, SAMPLES[i].codec, NOTHING, true, &ledger);
		assert_int_equal(ledger.n, 0);
		c = read_book(buf_span(&out), SAMPLES[i].codec);
		assert_same(b, c, NULL);
		ledger_fini(&ledger);
		book_free(b);
		book_free(c);
		buf_fini(&file);
		buf_fini(&out);
	}
}

/* ---- Konica Minolta ---- */

static void km_says_what_it_says(void **state)
{
	struct buf file = sample("konica_tsv/bizhub.txt");
	struct book *b = read_book(buf_span(&file), "konica_tsv");

	(void)state;
	assert_int_equal(b->n_entries, 8);
	assert_string_equal(b->charset, "UTF-16LE");
	assert_string_equal(entry_name(entry(b, "2")), "山田 𠮷");
	assert_string_equal(tag(entry(b, "1"), "search_key"), "Mno");
	assert_string_equal(fields_get(&entry(b, "1")->f, F_FAVOURITE), "true");
	assert_string_equal(dest_field(entry(b, "2"), F_PATH), "scan\\2027-01-05");
	assert_string_equal(entry(b, "2")->dest[0].secret.text, "geheim");
	assert_string_equal(dest_field(entry(b, "3"), F_PROTOCOL), "ftp");
	assert_string_equal(dest_field(entry(b, "3"), F_ANONYMOUS), "true");
	assert_string_equal(dest_field(entry(b, "4"), F_FAX_NUMBER), "+49 89-1");
	assert_string_equal(dest_field(entry(b, "4"), F_ECM), "false");
	assert_string_equal(dest_field(entry(b, "5"), F_SSL), "true");
	assert_string_equal(dest_field(entry(b, "6"), F_BOX_ID), "007");
	assert_int_equal(entry(b, "7")->n_dests, 0);
	assert_string_equal(entry_extra(entry(b, "7"), "SendMode")->value, "Sip");
	book_free(b);
	buf_fini(&file);
}

/* The text of a UTF-16 file, to look at. */
static struct buf narrow(const struct buf *wide)
{
	struct buf b = BUF_INIT;
	size_t offset;

	assert_memory_equal(wide->p, "\xff\xfe", 2);
	assert_int_equal(charset_decode(CHARSET_UTF16LE, (struct span){wide->p + 2, wide->n - 2},
				 &b, &offset),
		0);
	return b;
}

static void km_line1_untouched(void **state)
{
	struct buf file = sample("konica_tsv/bizhub.txt"), out, before, after, want;
	struct book *b = read_book(buf_span(&file), "konica_tsv");
	struct book_entry *e;
	const char *row;

	(void)state;
	before = narrow(&file);
	/* another folder, and nothing else */
	book_set(b, &entry(b, "2")->dest[0].f, F_PATH, "scan\\𠮷");
	out = write_book(b, "konica_tsv", buf_span(&file), true, NULL);
	after = narrow(&out);
	want = replaced(buf_span(&before), "scan\\2027-01-05", "scan\\𠮷");
	assert_bytes(buf_span(&after), buf_span(&want));
	buf_fini(&out);
	buf_fini(&after);
	buf_fini(&want);
	/* a new entry stands before the trailer, with its tab at the end; line 1 is the same */
	e = book_copy_entry(b, &b->list[0], entry(b, "4"));
	e->key = "9";
	book_set(b, &e->f, F_NUMBER, "9");
	out = write_book(b, "konica_tsv", buf_span(&file), true, NULL);
	after = narrow(&out);
	assert_memory_equal(
		after.p, before.p, (size_t)(strchr(buf_str(&before), '\n') - buf_str(&before)));
	row = strstr(buf_str(&after), "\n9\t\"Fax\"");
	assert_non_null(row);
	assert_string_equal(strchr(row + 1, '\n') - 2, "\t\r\n@End\t\r\n");
	assert_non_null(strstr(row, "\t\"Yes\"\t\"Yes\"\tLine1\t"));
	buf_fini(&out);
	buf_fini(&after);
	buf_fini(&before);
	book_free(b);
	buf_fini(&file);
}

static void km_needs_a_file_of_the_same_machine(void **state)
{
	struct buf file = sample("konica_tsv/bizhub.txt"), out = BUF_INIT;
	struct book *b = read_book(buf_span(&file), "konica_tsv");
	struct fault f = FAULT_INIT;

	(void)state;
	assert_int_equal(book_encode(b, codec_named("konica_tsv"), NULL, &out, NULL, &f), -1);
	assert_string_equal(f.reason, "encode_needs_template");
	book_free(b);
	buf_fini(&file);
}

static void half_a_utf16_character_is_refused(void **state)
{
	struct buf file = sample("konica_tsv/bizhub.txt");
	struct fault f = refused((const char *)file.p, file.n - 1, "konica_tsv");

	(void)state;
	assert_int_equal(f.code, CN_CHARSET_ERROR);
	buf_fini(&file);
}

static void accurio_press_is_recognised_and_kept(void **state)
{
	struct buf file = sample("konica_accurio/press.txt"), out = BUF_INIT;
	struct fault f = FAULT_INIT;
	struct book *b;

	(void)state;
	assert_int_equal(book_decode(buf_span(&file), NULL, NULL, &b, &f), 0);
	assert_string_equal(b->codec, "konica_accurio");
	assert_int_equal(b->n_entries, 0);
	assert_int_equal(b->n_faults, 1);
	assert_int_equal(book_encode(b, codec_named("konica_accurio"), NULL, &out, NULL, &f), -1);
	assert_string_equal(f.reason, "read_only");
	book_free(b);
	buf_fini(&file);
}

/* ---- Xerox ---- */

static void xerox_groups_stand_on_members_by_number_or_name(void **state)
{
	struct buf file = sample("xerox_csv/altalink.csv"), out, want;
	struct book *b = read_book(buf_span(&file), "xerox_csv");

	(void)state;
	assert_true(entry(b, "3")->group);
	assert_int_equal(entry(b, "3")->n_members, 1);
	assert_string_equal(entry(b, "3")->member[0].key, "1");
	assert_string_equal(entry_extra(entry(b, "004"), "MemberOf")->value, "unknown");
	assert_null(entry_extra(entry(b, "2"), "MemberOf"));
	assert_null(entry_dest(entry(b, "1"), DEST_FILE));
	assert_string_equal(fields_get(&entry_dest(entry(b, "2"), DEST_FILE)->f, F_SHARE), "scan");
	assert_string_equal(entry_extra(entry(b, "2"), "ScanTransferProtocol")->value, "4");
	book_add_member(b, entry(b, "3"), "2", "2");
	out = write_book(b, "xerox_csv", buf_span(&file), false, NULL);
	want = replaced(buf_span(&file), ",\"\"\"\"\"\",0", ",\"3\",0");
	assert_bytes(buf_span(&out), buf_span(&want));
	book_free(b);
	buf_fini(&file);
	buf_fini(&out);
	buf_fini(&want);
	out = sample("xerox_csv/workcentre.csv");
	file = replaced(buf_span(&out), ";11;0;", ";Team A;0;");
	buf_fini(&out);
	b = read_book(buf_span(&file), "xerox_csv");
	assert_string_equal(entry(b, "11")->member[0].key, "10");
	assert_string_equal(
		fields_get(&entry_dest(entry(b, "10"), DEST_IFAX)->f, F_ADDRESS), "fax@x.example");
	entry(b, "11")->n_members = 0;
	book_add_member(b, entry(b, "12"), "10", "10");
	out = write_book(b, "xerox_csv", buf_span(&file), false, NULL);
	want = replaced(buf_span(&file), ";Team A;0", ";Team B;0");
	assert_bytes(buf_span(&out), buf_span(&want));
	book_free(b);
	buf_fini(&file);
	buf_fini(&out);
	buf_fini(&want);
}

/* ---- Sharp ---- */

static void sharp_cipher_text_goes_back_as_it_came(void **state)
{
	struct buf file = sample("sharp_csv/mx.csv"), out;
	struct book *b = read_book(buf_span(&file), "sharp_csv"), *c;
	const struct book_dest *d;

	(void)state;
	assert_int_equal(b->n_entries, 4);
	assert_string_equal(fields_get(&entry(b, "1")->f, F_FAVOURITE), "true");
	assert_int_equal(entry(b, "1")->n_dests, 2);
	assert_int_equal(entry(b, "1")->n_extras, 0);
	d = entry_dest(entry(b, "2"), DEST_FILE);
	assert_string_equal(fields_get(&d->f, F_PROTOCOL), "smb");
	assert_string_equal(fields_get(&d->f, F_PATH), "\\\\files\\scan\\2027-01-05");
	assert_null(fields_get(&d->f, F_ACCOUNT));
	assert_int_equal(d->secret.state, SECRET_ENCRYPTED);
	assert_string_equal(d->secret.text, "Zm9vYmFyYmF6cXV4MTIzNA==");
	assert_int_equal(entry(b, "007")->n_dests, 2);
	d = entry_dest(entry(b, "4"), DEST_FILE);
	assert_string_equal(fields_get(&d->f, F_ACCOUNT), "scan");
	assert_string_equal(d->secret.text, "klar");
	/* a clear account and password instead: the methods change with them */
	d = entry_dest(entry(b, "2"), DEST_FILE);
	book_set(b, &entry(b, "2")->dest[0].f, F_ACCOUNT, "neu");
	book_set_secret(b, &entry(b, "2")->dest[0], SECRET_CLEAR, "pass", NULL);
	out = write_book(b, "sharp_csv", buf_span(&file), true, NULL);
	assert_non_null(strstr(buf_str(&out), "\"neu\",\"\",\"pass\",\"\","));
	c = read_book(buf_span(&out), "sharp_csv");
	assert_string_equal(entry(c, "2")->dest[0].secret.text, "pass");
	book_free(c);
	book_free(b);
	buf_fini(&out);
	buf_fini(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sample_is_recognised_and_comes_back_byte_for_byte),
		cmocka_unit_test(a_new_file_reads_as_its_book),
		cmocka_unit_test(km_says_what_it_says),
		cmocka_unit_test(km_line1_untouched),
		cmocka_unit_test(km_needs_a_file_of_the_same_machine),
		cmocka_unit_test(half_a_utf16_character_is_refused),
		cmocka_unit_test(accurio_press_is_recognised_and_kept),
		cmocka_unit_test(xerox_groups_stand_on_members_by_number_or_name),
		cmocka_unit_test(sharp_cipher_text_goes_back_as_it_came),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
