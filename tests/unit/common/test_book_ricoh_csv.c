// SPDX-License-Identifier: Apache-2.0
/* Ricoh's CSV: brackets, blocks that are switched on, groups that stand on the member. */
#include "tests/lib/book_test.h"

#define DIR "tests/golden/book/ricoh_csv/"
#define CODEC "ricoh_csv"

static const char *const SAMPLES[] = {"office.csv", "spreadsheet.csv"};
static const struct span NOTHING = {NULL, 0};

static struct buf sample(const char *name)
{
	char path[200];

	snprintf(path, sizeof(path), DIR "%s", name);
	return slurp(path);
}

static const struct book_dest *dest(struct book *b, const char *key, enum dest_kind kind)
{
	const struct book_dest *d = entry_dest(list_find(&b->list[0], key), kind);

	assert_non_null(d);
	return d;
}

static const char *tag(const struct book_entry *e, const char *system)
{
	for (uint32_t i = 0; i < e->n_tags; i++)
		if (strcmp(e->tag[i].system, system) == 0)
			return e->tag[i].value;
	return "";
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

static void a_user_has_all_destinations_of_its_row(void **state)
{
	struct buf file = sample("office.csv");
	struct book *b = read_book(buf_span(&file), CODEC);
	const struct book_entry *e = list_find(&b->list[0], "1");

	(void)state;
	assert_int_equal(b->n_entries, 5);
	assert_string_equal(fields_get(&e->f, F_NUMBER), "00001");
	assert_string_equal(fields_get(&e->f, F_SHORT_LABEL), "Müller Jörg");
	assert_string_equal(fields_get(&e->f, F_USER_CODE), "00012345");
	assert_string_equal(fields_get(&e->f, F_PRIORITY), "5");
	assert_string_equal(tag(e, "title1"), "6");
	assert_string_equal(tag(e, "frequent"), "1");
	assert_int_equal(e->n_dests, 3);
	assert_string_equal(
		fields_get(&dest(b, "1", DEST_FILE)->f, F_PATH), "\\\\files\\scan\\2027-01-05");
	assert_string_equal(fields_get(&dest(b, "1", DEST_FILE)->f, F_PROTOCOL), "smb");
	assert_string_equal(
		fields_get(&dest(b, "1", DEST_FOLDER_AUTH)->f, F_ACCOUNT), "CORP\\scan");
	assert_int_equal(dest(b, "1", DEST_FOLDER_AUTH)->secret.state, SECRET_WITHHELD);
	assert_string_equal(fields_get(&dest(b, "2", DEST_FAX)->f, F_FAX_NUMBER), "+33 1-23");
	assert_string_equal(fields_get(&dest(b, "2", DEST_FAX)->f, F_ABROAD), "true");
	assert_string_equal(fields_get(&dest(b, "2", DEST_FILE)->f, F_PROTOCOL), "ftp");
	/* what no destination uses stays */
	e = list_find(&b->list[0], "5");
	assert_null(entry_dest(e, DEST_IFAX));
	assert_string_equal(entry_extra(e, "Ifax Address")->value, "off@x.example");
	assert_string_equal(entry_extra(e, "Folder Protocol")->value, "3");
	assert_string_equal(entry_extra(e, "Groups")->value, "99");
	assert_string_equal(entry_extra(e, "User Code")->value, "777");
	assert_null(fields_get(&e->f, F_USER_CODE));
	book_free(b);
	buf_fini(&file);
}

static void groups_stand_on_their_members(void **state)
{
	struct buf file = sample("office.csv"), out, want;
	struct book *b = read_book(buf_span(&file), CODEC);
	struct book_entry *all = list_find(&b->list[0], "3");

	(void)state;
	assert_true(all->group);
	assert_int_equal(all->n_members, 3);
	assert_string_equal(all->member[0].key, "1");
	assert_string_equal(all->member[2].key, "4");
	assert_int_equal(list_find(&b->list[0], "4")->n_members, 1);
	/* a member less is another cell on the member, nothing else */
	all->n_members = 0;
	book_add_member(b, all, "2", "2");
	book_add_member(b, all, "4", "4");
	out = write_book(b, CODEC, buf_span(&file), false, NULL);
	want = replaced(buf_span(&file), "[1],[3],[0],[],[],[],[]", "[1],[],[0],[],[],[],[]");
	assert_bytes(buf_span(&out), buf_span(&want));
	buf_fini(&out);
	buf_fini(&want);
	book_free(b);
	buf_fini(&file);
}

static void a_block_is_switched_on_when_the_entry_carries_it(void **state)
{
	struct buf file = sample("office.csv"), out;
	struct book *b = read_book(buf_span(&file), CODEC), *c;

	(void)state;
	/* entry 5: user codes are switched off, its 777 is none */
	book_set(b, &list_find(&b->list[0], "5")->f, F_USER_CODE, "0042");
	out = write_book(b, CODEC, buf_span(&file), false, NULL);
	c = read_book(buf_span(&out), CODEC);
	assert_string_equal(fields_get(&list_find(&c->list[0], "5")->f, F_USER_CODE), "0042");
	book_free(c);
	buf_fini(&out);
	/* removed: the block stays on, so that the machine empties the cell */
	book_set(b, &list_find(&b->list[0], "5")->f, F_USER_CODE, NULL);
	book_set(b, &list_find(&b->list[0], "1")->f, F_USER_CODE, NULL);
	out = write_book(b, CODEC, buf_span(&file), false, NULL);
	struct buf want = replaced(buf_span(&file), "[1],[00012345]", "[1],[]");
	assert_bytes(buf_span(&out), buf_span(&want));
	buf_fini(&want);
	buf_fini(&out);
	book_free(b);
	buf_fini(&file);
}

static void ricoh_brackets(void **state)
{
	static const char *const names[] = {"]", "[", "[]", "[[x]]", "a]b", "\"", "\"x\"", "a,b",
		"],[", "x\"],[\"y", "[omitted]", " ", "'", "=1+1", "+49 1", "007"};
	struct buf file = sample("office.csv");

	(void)state;
	for (size_t i = 0; i < array_len(names); i++) {
		struct book *b = read_book(buf_span(&file), CODEC), *c;
		struct buf out;

		book_set(b, &list_find(&b->list[0], "2")->f, F_SHORT_LABEL, names[i]);
		out = write_book(b, CODEC, buf_span(&file), false, NULL);
		c = read_book(buf_span(&out), CODEC);
		assert_string_equal(
			fields_get(&list_find(&c->list[0], "2")->f, F_SHORT_LABEL), names[i]);
		book_free(b);
		book_free(c);
		buf_fini(&out);
	}
	buf_fini(&file);
}

static void a_cell_without_its_brackets_is_refused(void **state)
{
	struct buf file = sample("office.csv");
	struct buf bad = replaced(buf_span(&file), "[Novell]", "[Novell");
	struct fault f = refused((const char *)bad.p, bad.n, CODEC);

	(void)state;
	assert_string_equal(f.reason, "brackets");
	assert_non_null(strstr(f.detail, "line 12, column 5"));
	buf_fini(&bad);
	bad = replaced(buf_span(&file), "[Novell]", "[Nov,ell]");
	f = refused((const char *)bad.p, bad.n, CODEC);
	assert_string_equal(f.reason, "cell_count");
	buf_fini(&bad);
	buf_fini(&file);
}

static void new_rows_take_the_style_of_the_last_one(void **state)
{
	struct buf file = sample("spreadsheet.csv"), out;
	struct book *b = read_book(buf_span(&file), CODEC), *c;
	struct book_entry *e = book_add_entry(b, &b->list[0], "12");
	struct book_dest *d;

	(void)state;
	book_set(b, &e->f, F_NAME, "Neu");
	book_set(b, &e->f, F_NUMBER, "9");
	d = book_add_dest(b, e, DEST_EMAIL);
	book_set(b, &d->f, F_ADDRESS, "neu@example.com");
	out = write_book(b, CODEC, buf_span(&file), false, NULL);
	assert_non_null(
		strstr(buf_str(&out), "\n\"[12]\",\"[Neu]\",\"[1]\",\"[1]\",\"[9]\",\"[U]\""));
	assert_memory_equal(out.p, file.p, file.n);
	c = read_book(buf_span(&out), CODEC);
	assert_string_equal(
		fields_get(&dest(c, "12", DEST_EMAIL)->f, F_ADDRESS), "neu@example.com");
	book_free(c);
	book_free(b);
	buf_fini(&out);
	buf_fini(&file);
}

static void a_password_in_a_prepared_file_never_becomes_plain_text(void **state)
{
	struct buf file = sample("office.csv"), out;
	struct buf with = replaced(buf_span(&file), "[login],[]", "[login],[hunter2]");
	struct book *b = read_book(buf_span(&with), CODEC);

	(void)state;
	assert_null(entry_extra(list_find(&b->list[0], "5"), "Device Login Password"));
	assert_int_equal(b->n_faults, 1);
	assert_true(b->fault[0].warning);
	assert_null(strstr(b->fault[0].text, "hunter2"));
	out = write_book(b, CODEC, buf_span(&with), false, NULL);
	assert_bytes(buf_span(&out), buf_span(&with));
	buf_fini(&out);
	out = write_book(b, CODEC, NOTHING, true, NULL);
	assert_null(strstr(buf_str(&out), "hunter2"));
	buf_fini(&out);
	buf_fini(&with);
	book_free(b);
	buf_fini(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sample_comes_back_byte_for_byte_and_anew_without_loss),
		cmocka_unit_test(a_user_has_all_destinations_of_its_row),
		cmocka_unit_test(groups_stand_on_their_members),
		cmocka_unit_test(a_block_is_switched_on_when_the_entry_carries_it),
		cmocka_unit_test(ricoh_brackets),
		cmocka_unit_test(a_cell_without_its_brackets_is_refused),
		cmocka_unit_test(new_rows_take_the_style_of_the_last_one),
		cmocka_unit_test(a_password_in_a_prepared_file_never_becomes_plain_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
