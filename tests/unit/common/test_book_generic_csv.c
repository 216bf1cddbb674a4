// SPDX-License-Identifier: Apache-2.0
/* The generic CSV: several rows of one entry, x. columns, mapping files. */
#include "common/book/formats/generic.h"
#include "tests/lib/book_test.h"

#define DIR "tests/golden/book/generic_csv/"
#define CODEC "generic_csv"

static const char *const SAMPLES[] = {"people.csv", "semicolon.csv", "tab.csv"};
static const struct span NOTHING = {NULL, 0};

static struct buf sample(const char *name)
{
	char path[200];

	snprintf(path, sizeof(path), DIR "%s", name);
	return slurp(path);
}

static const struct book_entry *at(const struct book *b, uint32_t list, const char *key)
{
	const struct book_entry *e = list_find(&b->list[list], key);

	assert_non_null(e);
	return e;
}

static void every_sample_comes_back_byte_for_byte_and_anew_without_loss(void **state)
{
	struct fault fault = FAULT_INIT;

	(void)state;
	for (size_t i = 0; i < array_len(SAMPLES); i++) {
		struct buf file = sample(SAMPLES[i]), same, out, again;
		struct book *b = read_book(buf_span(&file), CODEC), *c;
		struct ledger ledger;

		ledger_init(&ledger);
		assert_ptr_equal(codec_detect(buf_span(&file), &fault), codec_named(CODEC));
		same = write_book(b, CODEC, buf_span(&file), false, NULL);
		assert_bytes(buf_span(&same), buf_span(&file));
		out = write_book(b, CODEC, NOTHING, true, &ledger);
		assert_int_equal(ledger.n, 0);
		c = read_book(buf_span(&out), CODEC);
		assert_int_equal(c->n_entries, b->n_entries);
		again = write_book(c, CODEC, NOTHING, true, NULL);
		assert_bytes(buf_span(&again), buf_span(&out));
		ledger_fini(&ledger);
		book_free(b);
		book_free(c);
		buf_fini(&file);
		buf_fini(&same);
		buf_fini(&out);
		buf_fini(&again);
	}
}

static void rows_of_one_number_are_one_entry(void **state)
{
	struct buf file = sample("people.csv");
	struct book *b = read_book(buf_span(&file), CODEC);
	const struct book_entry *e = at(b, 0, "1");

	(void)state;
	assert_int_equal(b->n_lists, 2);
	assert_int_equal(b->list[0].n_entries, 3);
	assert_int_equal(b->list[1].n_entries, 2);
	assert_int_equal(e->n_dests, 3);
	assert_string_equal(fields_get(&e->dest[1].f, F_ADDRESS), "j.mueller@example.org");
	assert_string_equal(fields_get(&e->dest[2].f, F_PATH), "\\in\\2027-01-05");
	assert_int_equal(e->dest[2].secret.state, SECRET_WITHHELD);
	assert_string_equal(fields_get(&e->f, F_ACCESS_NO), "0012345");
	assert_int_equal(e->n_tags, 2);
	assert_string_equal(e->tag[1].system, "tag");
	assert_string_equal(e->tag[1].value, "VIP");
	assert_string_equal(entry_extra(e, "cost_centre")->value, "00470");
	assert_int_equal(at(b, 0, "2")->n_dests, 2);
	e = at(b, 0, "3");
	assert_true(e->group);
	assert_int_equal(e->n_members, 3);
	assert_string_equal(e->member[1].key, "2");
	assert_null(e->member[2].key);
	assert_string_equal(e->member[2].text, "99");
	assert_string_equal(e->tag[0].system, "a;b");
	assert_string_equal(entry_name(at(b, 1, "1")), "zwei\nZeilen");
	book_free(b);
	buf_fini(&file);
}

static void destinations_come_and_go_with_their_rows(void **state)
{
	struct buf file = sample("people.csv"), out, want;
	struct book *b = read_book(buf_span(&file), CODEC), *c;
	struct book_entry *e = list_find(&b->list[0], "1");
	struct book_dest *d;

	(void)state;
	/* the second address goes: its row, nothing else */
	book_remove_dest(e, &e->dest[1]);
	out = write_book(b, CODEC, buf_span(&file), false, NULL);
	want = replaced(buf_span(&file),
		"1,1,\"Müller, "
		"Jörg\",Mueller,Jörg,email,j.mueller@example.org,,,,,,,,,,,,,,,,00470\r\n",
		"");
	assert_bytes(buf_span(&out), buf_span(&want));
	buf_fini(&out);
	buf_fini(&want);
	/* a fax comes: a row after the others of the entry */
	d = book_add_dest(b, e, DEST_FAX);
	book_set(b, &d->f, F_FAX_NUMBER, "0030");
	out = write_book(b, CODEC, buf_span(&file), false, NULL);
	assert_non_null(
		strstr(buf_str(&out), "withheld,,,,,,\r\n1,1,\"Müller, Jörg\",Mueller,Jörg,fax,"
				      ",0030,,,,,,,,,,,title1=6;VIP,true,0012345,,00470\r\n1,2,"));
	c = read_book(buf_span(&out), CODEC);
	assert_int_equal(at(c, 0, "1")->n_dests, 3);
	book_free(c);
	buf_fini(&out);
	/* of the row that has both, the e-mail goes */
	e = list_find(&b->list[0], "2");
	book_remove_dest(e, entry_dest(e, DEST_EMAIL));
	out = write_book(b, CODEC, buf_span(&file), false, NULL);
	assert_non_null(strstr(buf_str(&out), "\r\n1,2,Lager,,,fax,,+33 1-23,,"));
	buf_fini(&out);
	book_free(b);
	buf_fini(&file);
}

static void rows_that_contradict_each_other_are_refused(void **state)
{
	const char *text = "number,name,email\n1,Ana,a@b\n1,Bea,b@b\n";
	struct fault f = refused(text, strlen(text), CODEC);

	(void)state;
	assert_string_equal(f.reason, "rows_differ");
	assert_non_null(strstr(f.detail, "line 3"));
	text = "number,name,kind\n1,Ana,telex\n";
	f = refused(text, strlen(text), CODEC);
	assert_string_equal(f.reason, "bad_kind");
	text = "number,email\n1,a@b\n";
	f = refused(text, strlen(text), CODEC);
	assert_string_equal(f.reason, "missing_column");
}

static void secrets_are_written_only_when_they_may_be_shown(void **state)
{
	struct buf file = sample("people.csv"), out;
	struct book *b = read_book(buf_span(&file), CODEC), *c;

	(void)state;
	book_set_secret(b, &list_find(&b->list[0], "1")->dest[2], SECRET_CLEAR, "geheim", NULL);
	out = write_book(b, CODEC, NOTHING, false, NULL);
	assert_null(strstr(buf_str(&out), "geheim"));
	assert_null(strstr(buf_str(&out), "secret,"));
	buf_fini(&out);
	out = write_book(b, CODEC, NOTHING, true, NULL);
	c = read_book(buf_span(&out), CODEC);
	assert_string_equal(at(c, 0, "1")->dest[2].secret.text, "geheim");
	book_free(c);
	buf_fini(&out);
	book_free(b);
	buf_fini(&file);
}

/* ---- mapping files ---- */

static struct book *mapped(const char *json, struct span file)
{
	struct decode_options opts = {.lenient = false};
	struct fault fault = FAULT_INIT;
	struct mapping *m = NULL;
	struct book *b;

	if (mapping_parse(text_span(json), &m, &fault) < 0)
		fail_msg("%s", fault.detail);
	opts.mapping = m;
	if (book_decode(file, codec_named(CODEC), &opts, &b, &fault) < 0)
		fail_msg("%s", fault.detail);
	mapping_free(m);
	return b;
}

static void a_mapping_reads_a_foreign_csv(void **state)
{
	struct book *b = mapped("{\"name\": \"name\", \"Email Address\": \"email.address\", "
				"\"Tel Number\": \"fax\", \"ABB_ID\": \"number\"}",
		text_span("\"NAME\",\"Email Address\",\"Tel Number\",\"ABB_ID\",\"OT_ID\",\"Search "
			  "Letter\"\r\n\"Ana\",\"ana@example.com\",\"+33 "
			  "1\",\"007\",\"1\",\"A\"\r\n"));
	const struct book_entry *e = &b->list[0].entry[0];

	(void)state;
	assert_string_equal(entry_name(e), "Ana");
	assert_string_equal(fields_get(&e->f, F_NUMBER), "007");
	assert_string_equal(fields_get(&entry_dest(e, DEST_FAX)->f, F_FAX_NUMBER), "+33 1");
	assert_string_equal(entry_extra(e, "Search Letter")->value, "A");
	book_free(b);
}

static void a_mapping_reads_utf16_tabs_and_brackets(void **state)
{
	static const char text[] =
		"\"[Name]\"\t\"[Mail]\"\r\n\"[Zo\xc3\xab]\"\t\"[zoe@example.com]\"\r\n";
	struct buf wide = BUF_INIT;
	struct book *b;
	size_t offset;

	(void)state;
	buf_add(&wide, "\xff\xfe", 2);
	assert_int_equal(charset_encode(CHARSET_UTF16LE, text_span(text), &wide, &offset), 0);
	b = mapped("{\"Name\": \"name\", \"Mail\": \"email\", \"$brackets\": true, "
		   "\"$delimiter\": \"\\t\"}",
		buf_span(&wide));
	assert_string_equal(entry_name(&b->list[0].entry[0]), "Zoë");
	assert_string_equal(dest_field(&b->list[0].entry[0], F_ADDRESS), "zoe@example.com");
	book_free(b);
	buf_fini(&wide);
}

static void a_foreign_csv_is_written_back_by_its_mapping(void **state)
{
	const char *text = "\"NAME\",\"Email Address\",\"ABB_ID\",\"OT_ID\"\r\n"
			   "\"Ana\",\"ana@example.com\",\"007\",\"+1\"\r\n";
	struct fault fault = FAULT_INIT;
	struct mapping *m = NULL;
	struct book *b = mapped("{\"NAME\": \"name\", \"Email Address\": \"email\", "
				"\"ABB_ID\": \"number\"}",
		text_span(text));
	struct buf out = BUF_INIT, want = replaced(text_span(text), "ana@", "a.silva@");

	(void)state;
	assert_int_equal(mapping_parse(text_span("{\"NAME\": \"name\", \"Email Address\": "
						 "\"email\", \"ABB_ID\": \"number\"}"),
				 &m, &fault),
		0);
	const struct encode_options opts = {.base = text_span(text), .mapping = m};
	book_set(b, &b->list[0].entry[0].dest[0].f, F_ADDRESS, "a.silva@example.com");
	assert_int_equal(book_encode(b, codec_named(CODEC), &opts, &out, NULL, &fault), 0);
	assert_bytes(buf_span(&out), buf_span(&want));
	mapping_free(m);
	book_free(b);
	buf_fini(&out);
	buf_fini(&want);
}

static void bad_mappings_are_refused_with_their_place(void **state)
{
	static const char *const bad[][2] = {
		{"[]", "line 1, column 1"},
		{"{\"A\": \"telex\"}", "line 1, column 7"},
		{"{\n\"A\": 1}", "line 2, column 6"},
		{"{\"$brackets\": \"yes\"}", "line 1"},
		{"{\"$charset\": \"EBCDIC\"}", "line 1"},
		{"{\"A\": \"name\"", "line 1"},
		{"{} {}", "line 1"},
	};

	(void)state;
	for (size_t i = 0; i < array_len(bad); i++) {
		struct fault f = FAULT_INIT;
		struct mapping *m;

		assert_int_equal(mapping_parse(text_span(bad[i][0]), &m, &f), -1);
		assert_int_equal(f.code, CN_PARSE_ERROR);
		if (!strstr(f.detail, bad[i][1]))
			fail_msg("%s: not at %s", f.detail, bad[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sample_comes_back_byte_for_byte_and_anew_without_loss),
		cmocka_unit_test(rows_of_one_number_are_one_entry),
		cmocka_unit_test(destinations_come_and_go_with_their_rows),
		cmocka_unit_test(rows_that_contradict_each_other_are_refused),
		cmocka_unit_test(secrets_are_written_only_when_they_may_be_shown),
		cmocka_unit_test(a_mapping_reads_a_foreign_csv),
		cmocka_unit_test(a_mapping_reads_utf16_tabs_and_brackets),
		cmocka_unit_test(a_foreign_csv_is_written_back_by_its_mapping),
		cmocka_unit_test(bad_mappings_are_refused_with_their_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
