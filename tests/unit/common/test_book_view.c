// SPDX-License-Identifier: Apache-2.0
/* The spreadsheet-safe view: no cell is evaluated, the way back is exact (AB-23, AB-24, L5). */
#include "common/book/engines/table.h"
#include "common/book/formats/view.h"
#include "common/book/norm.h"
#include "tests/lib/book_random.h"
#include "tests/lib/book_test.h"

/* What spreadsheets begin a formula with, also in its full-width form (U+FF1D, 0B, 0D, 20). */
static bool evaluated(struct span cell)
{
	if (cell.n == 0)
		return false;
	if (strchr("=+-@\t\r\n", cell.p[0]))
		return true;
	return cell.n > 2 && cell.p[0] == 0xef && cell.p[1] == 0xbc &&
	       (cell.p[2] == 0x9d || cell.p[2] == 0x8b || cell.p[2] == 0x8d || cell.p[2] == 0xa0);
}

static void one_cell(struct span text, struct buf *cell, struct buf *back)
{
	buf_reset(cell);
	buf_reset(back);
	view_guard(text, cell);
	assert_int_equal(view_unguard(buf_span(cell), back), 0);
	assert_int_equal(back->n, text.n);
	if (text.n)
		assert_memory_equal(back->p, text.p, text.n);
	assert_false(evaluated(buf_span(cell)));
	assert_true(utf8_valid(cell->p, cell->n));
}

static size_t random_text(struct random *r, uint8_t *out)
{
	static const char *const PIECES[] = {"=", "+", "-", "@", "\t", "\r", "\n", "'",
		"b64:", "''", "\uff1d", "\uff0b", "\uff0d", "\uff20", "QQ==", "\"", ",", "é", "山",
		"1", "+33 1", "\x01", "\xff", "\xc3"};
	size_t n = 0;

	for (uint32_t k = random_below(r, 6); k > 0; k--) {
		const char *p = PIECES[random_below(r, array_len(PIECES))];

		memcpy(out + n, p, strlen(p));
		n += strlen(p);
		if (random_one_in(r, 12))
			out[n++] = (uint8_t)random_below(r, 256);
	}
	return n;
}

static void csv_view_safe(void **state)
{
	struct random r = {.state = 23};
	struct buf cell = BUF_INIT, back = BUF_INIT;
	uint8_t text[64];

	(void)state;
	one_cell(text_span(""), &cell, &back);
	one_cell((struct span){(const uint8_t *)"\0", 1}, &cell, &back);
	for (uint32_t i = book_cases(20000); i > 0; i--) {
		size_t n = random_text(&r, text);

		one_cell((struct span){text, n}, &cell, &back);
	}
	buf_fini(&cell);
	buf_fini(&back);
}

static void known_cells(void **state)
{
	static const char *const cells[][2] = {
		{"+33 1", "'+33 1"},
		{"=1+1", "'=1+1"},
		{"007", "007"},
		{"2027-01-05", "2027-01-05"},
		{"'quoted", "''quoted"},
		{"b64:QQ==", "b64:QQ=="},
		{"'b64:QQ==", "''b64:QQ=="},
		{"a\x01", "'b64:YQE="},
		{"\uff1dA1", "'\uff1dA1"},
		{"a\nb", "a\nb"},
	};

	(void)state;
	for (size_t i = 0; i < array_len(cells); i++) {
		struct buf b = BUF_INIT;

		view_guard(text_span(cells[i][0]), &b);
		assert_string_equal(buf_str(&b), cells[i][1]);
		buf_fini(&b);
	}
}

/* Every cell of a view as it stands: quoted, and none is evaluated. */
static void check_file(struct span file)
{
	struct table t;
	int rc;

	assert_memory_equal(file.p, "\xef\xbb\xbf", 3);
	assert_int_equal(table_init(&t, file, CHARSET_UTF8, ','), 0);
	while ((rc = table_next(&t)) > 0) {
		assert_memory_equal(table_eol(&t).p, "\r\n", 2);
		for (uint32_t i = 0; i < t.n; i++) {
			const char *text = table_text(&t, i);

			assert_true(t.cell[i].quoted);
			assert_false(evaluated(text_span(text)));
		}
	}
	assert_int_equal(rc, 0);
	table_fini(&t);
}

/* L5 */
static void a_view_comes_back_as_the_same_book(void **state)
{
	struct book_shape shape = book_any_shape;
	struct random r = {.state = 5};

	(void)state;
	shape.secrets = false;
	for (uint32_t i = book_cases(600); i > 0; i--) {
		struct book *b = book_random(&r, &shape), *c;
		struct fault fault = FAULT_INIT;
		struct buf out = BUF_INIT;

		view_export(b, &out);
		check_file(buf_span(&out));
		if (view_import(buf_span(&out), &c, &fault) < 0)
			fail_msg("%s\n%s", fault.detail, buf_str(&out));
		assert_same(b, c, NULL);
		assert_string_equal(c->family, b->family);
		book_free(b);
		book_free(c);
		buf_fini(&out);
	}
}

static struct book *imported(const char *text)
{
	struct fault fault = FAULT_INIT;
	struct book *b;

	if (view_import(text_span(text), &b, &fault) < 0)
		fail_msg("%s", fault.detail);
	return b;
}

static void people_may_edit_a_view(void **state)
{
	struct book *b = imported("carnet;family;list;key;number;name;kind;address;fax_number\n"
				  "1;canon;1;201;201;Ana;email;ana@example.com;\n"
				  "1;canon;1;201;201;Ana;fax;;'+33 1\n"
				  ";;;;;;;;\n"
				  "1;canon;2;;;;;;\n");

	(void)state;
	assert_string_equal(b->family, "canon");
	assert_int_equal(b->n_lists, 2);
	assert_int_equal(b->n_entries, 1);
	assert_string_equal(fields_get(&b->list[0].entry[0].dest[1].f, F_FAX_NUMBER), "+33 1");
	book_free(b);
}

static void secrets_never_stand_in_a_view(void **state)
{
	struct book *b = book_new("canon"), *c;
	struct book_list *l = book_add_list(b, "1", LIST_FLAT, "");
	struct buf out = BUF_INIT;

	(void)state;
	for (unsigned i = 0; i <= SECRET_UNKNOWN; i++) {
		struct book_entry *e = book_add_entry(b, l, book_fmt(b, "%u", i));
		struct book_dest *d = book_add_dest(b, e, DEST_FILE);

		book_set_secret(b, d, (enum secret_state)i, "canary", "canon_crypto_2");
	}
	view_export(b, &out);
	assert_null(strstr(buf_str(&out), "canary"));
	c = imported(buf_str(&out));
	assert_int_equal(list_find(&c->list[0], "1")->dest[0].secret.state, SECRET_WITHHELD);
	assert_int_equal(list_find(&c->list[0], "0")->dest[0].secret.state, SECRET_ABSENT);
	assert_int_equal(list_find(&c->list[0], "3")->dest[0].secret.state, SECRET_UNKNOWN);
	book_free(b);
	book_free(c);
	buf_fini(&out);
}

/* AB-24 */
static void a_view_is_no_file_for_a_machine(void **state)
{
	struct book *b = book_new("canon");
	struct buf out = BUF_INIT;
	struct fault fault = FAULT_INIT;
	struct book *c;

	(void)state;
	book_add_entry(b, book_add_list(b, "1", LIST_FLAT, ""), "1");
	view_export(b, &out);
	assert_true(view_is(buf_span(&out)));
	assert_int_equal(book_decode(buf_span(&out), NULL, NULL, &c, &fault), -1);
	assert_string_equal(fault.reason, "view_file");
	book_free(c);
	assert_false(view_is(text_span("list,number,name\n")));
	book_free(b);
	buf_fini(&out);
}

static void bad_views_are_refused_with_their_place(void **state)
{
#define VIEW "carnet,list,key,name,kind,address,secret\n"
	static const char *const bad[][3] = {
		{VIEW "1,1,1,Ana,email\n", "cell_count", "line 2"},
		{VIEW "2,1,1,Ana,email,a@b,\n", "mark", "line 2"},
		{VIEW "1,,1,Ana,email,a@b,\n", "list", "line 2"},
		{VIEW "1,1,1,Ana,telex,a@b,\n", "bad_kind", "line 2"},
		{VIEW "1,1,1,Ana,,a@b,\n", "kind", "line 2"},
		{VIEW "1,1,1,Ana,email,a@b,geheim\n", "secret", "line 2"},
		{VIEW "1,1,1,Ana,email,'b64:?,\n", "base64", "line 2, column 17"},
		{VIEW "1,1,1,Ana,email,'b64:AA==,\n", "bytes", "line 2, column 17"},
		{VIEW "1,1,1,Ana,email,a@b,\n1,1,1,Bea,email,b@b,\n", "rows_differ", "line 3"},
		{"carnet,list,list\n", "duplicate_column", "line 1"},
		{"carnet,list,key,telex\n1,1,1,x\n", "column", "line 2"},
	};

	(void)state;
	for (size_t i = 0; i < array_len(bad); i++) {
		struct fault f = FAULT_INIT;
		struct book *b;

		assert_int_equal(view_import(text_span(bad[i][0]), &b, &f), -1);
		assert_string_equal(f.reason, bad[i][1]);
		if (!strstr(f.detail, bad[i][2]))
			fail_msg("%s: not at %s", f.detail, bad[i][2]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(csv_view_safe),
		cmocka_unit_test(known_cells),
		cmocka_unit_test(a_view_comes_back_as_the_same_book),
		cmocka_unit_test(people_may_edit_a_view),
		cmocka_unit_test(secrets_never_stand_in_a_view),
		cmocka_unit_test(a_view_is_no_file_for_a_machine),
		cmocka_unit_test(bad_views_are_refused_with_their_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
