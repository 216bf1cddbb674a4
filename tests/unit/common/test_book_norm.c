// SPDX-License-Identifier: Apache-2.0
/* Normal form and hashes of books (address-books.md section 8, law L8, AB-25). BOOK_CASES in the
 * environment sets how many random books each law sees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/book/norm.h"
#include "common/crypto/crypto.h"
#include "tests/lib/book_random.h"

#define VECTORS "tests/golden/book/hash_vectors.txt"

static const struct book_key KEY = {{1, 2, 3}};

static void norm(enum book_field id, const char *value, const char *want)
{
	struct book *b = book_new("canon");
	const char *once = norm_value(b, id, value);
	const char *twice = norm_value(b, id, once);

	if (want == NULL) {
		assert_null(once);
	} else {
		assert_non_null(once);
		assert_string_equal(once, want);
		assert_string_equal(twice, want);
	}
	book_free(b);
}

static void text_is_nfc_with_plain_line_ends_and_no_space_behind(void **state unused)
{
	norm(F_NAME, "Ana", "Ana");
	norm(F_NAME, "Ana  ", "Ana");
	norm(F_NAME, "  Ana", "  Ana");
	norm(F_NAME, "   ", NULL);
	norm(F_NAME, "", NULL);
	norm(F_NAME, NULL, NULL);
	norm(F_NAME, "Jos\x65\xCC\x81 ", "Jos\xC3\xA9");
	norm(F_NAME, "a\r\nb\r\r\nc\rd", "a\nb\nc\rd");
	norm(F_NAME, "=1+1", "=1+1");
	norm(F_NAME, "007", "007");
	norm(F_NAME, "山田　", "山田　");
}

static void addresses_keep_what_tells_people_apart(void **state unused)
{
	norm(F_ADDRESS, "Ana.Silva@Example.COM.", "Ana.Silva@example.com");
	norm(F_ADDRESS,
		"\t bob@B\xC3\xBC"
		"cher.example ",
		"bob@xn--bcher-kva.example");
	norm(F_ADDRESS, "a@b@C", "a@b@c");
	norm(F_ADDRESS, "Scan", "Scan");
	norm(F_ADDRESS, "x@", "x@");
	norm(F_ADDRESS, "x@y　", "x@y");
	norm(F_ADDRESS, " ", NULL);
	norm(F_ADDRESS, "x@y . . . . . .", "x@y");
	norm(F_ADDRESS, "x@. . .", "x@. . .");
	norm(F_HOST, " SRV.Example. ", "srv.example");
	norm(F_HOST, "FE80:0::1", "fe80::1");
	norm(F_HOST, "ｓｒｖ．", "srv");
	norm(F_PATH, " A\\b ", " A\\b ");
	norm(F_FAX_NUMBER, "+33 1-23,4 P5", "+331-23,4P5");
	norm(F_FAX_NUMBER, "  ", NULL);
}

static void numbers_booleans_and_sets_have_one_spelling(void **state unused)
{
	norm(F_NUMBER, "0007", "7");
	norm(F_NUMBER, " 10 ", "10");
	norm(F_NUMBER, "000", "0");
	norm(F_NUMBER, "x7", "x7");
	norm(F_PORT, "0445", "445");
	norm(F_PORT, "any", "any");
	norm(F_ACCESS_NO, "0000000", NULL);
	norm(F_ACCESS_NO, "0012", "0012");
	norm(F_USER_CODE, "0000", "0000");
	norm(F_ECM, "ON", "true");
	norm(F_ECM, "no", "false");
	norm(F_ECM, "1", "true");
	norm(F_ECM, "off  ", "false");
	norm(F_ECM, "perhaps", "perhaps");
	norm(F_RESOLUTIONS, "400x400  200x200 400x400", "200x200 400x400");
}

static struct book_dest *folder(struct book *b, struct book_entry *e, const char *protocol,
	const char *port, const char *ssl)
{
	struct book_dest *d = book_add_dest(b, e, DEST_FILE);

	book_set(b, &d->f, F_PROTOCOL, protocol);
	book_set(b, &d->f, F_HOST, "srv");
	book_set(b, &d->f, F_PORT, port);
	book_set(b, &d->f, F_SSL, ssl);
	return d;
}

static void port(const char *protocol, const char *value, const char *ssl, const char *want)
{
	struct book *b = book_new("canon"), *n;
	struct book_entry *e = book_add_entry(b, book_add_list(b, "1", LIST_ADDRESS_LIST, ""), "1");

	folder(b, e, protocol, value, ssl);
	n = book_normalise(b, NULL);
	const char *got = fields_get(&n->list[0].entry[0].dest[0].f, F_PORT);
	if (want == NULL)
		assert_null(got);
	else
		assert_string_equal(got, want);
	book_free(n);
	book_free(b);
}

static void a_protocols_own_port_says_nothing(void **state unused)
{
	port("smb", "445", NULL, NULL);
	port("smb", "139", NULL, "139");
	port("ftp", "0021", NULL, NULL);
	port("webdav", "80", NULL, NULL);
	port("webdav", "80", "yes", "80");
	port("webdav", "443", "yes", NULL);
	port(NULL, "445", NULL, "445");
	port("desktop", "445", NULL, "445");
}

static void defaults_and_volatile_columns_of_the_profile_are_absent(void **state unused)
{
	const struct profile_default defaults[] = {
		{DEST_FILE, F_PROTOCOL, "smb"}, {DEST_FILE, F_PASSIVE, "Off"}};
	const struct book_profile profile = {.defaults = defaults,
		.n_defaults = array_len(defaults),
		.volatile_extras = (const char *const[]){"lastAccess", NULL}};
	struct book *b = book_new("canon"), *n;
	struct book_entry *e = book_add_entry(b, book_add_list(b, "1", LIST_ADDRESS_LIST, ""), "1");
	struct book_dest *d = folder(b, e, "smb", "445", NULL);

	book_set(b, &d->f, F_PASSIVE, "no");
	book_add_extra(b, e, "lastAccess", "today");
	book_add_extra(b, e, "kept", "");
	n = book_normalise(b, &profile);
	e = &n->list[0].entry[0];
	assert_int_equal(e->dest[0].f.n, 1);
	assert_string_equal(fields_get(&e->dest[0].f, F_HOST), "srv");
	assert_int_equal(e->n_extras, 1);
	assert_string_equal(e->extra[0].name, "kept");
	book_free(n);
	book_free(b);
}

static void members_that_are_not_there_are_dangling(void **state unused)
{
	struct book *b = book_new("canon"), *n;
	struct book_list *l = book_add_list(b, "1", LIST_ADDRESS_LIST, "");
	struct book_entry *g;

	book_add_entry(b, l, "1");
	g = book_add_entry(b, l, "2");
	g->group = true;
	book_add_member(b, g, "1", "Ana");
	book_add_member(b, g, "9", "");
	book_add_member(b, g, NULL, "Bob ");
	n = book_normalise(b, NULL);
	g = &n->list[0].entry[1];
	assert_string_equal(g->member[0].key, "1");
	assert_string_equal(g->member[0].text, "");
	assert_null(g->member[1].key);
	assert_string_equal(g->member[1].text, "9");
	assert_null(g->member[2].key);
	assert_string_equal(g->member[2].text, "Bob");
	book_free(n);
	book_free(b);
}

/* ---- hashes ---- */

static void hex(const void *p, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++)
		buf_addf(out, "%02x", ((const uint8_t *)p)[i]);
}

static void full_person(struct book *b, struct book_entry *e)
{
	struct book_dest *d;

	book_set(b, &e->f, F_NUMBER, "00201");
	book_set(b, &e->f, F_NAME, "Jose\xCC\x81 ");
	book_set(b, &e->f, F_READING, "ホセ");
	book_set(b, &e->f, F_FAVOURITE, "on");
	book_set(b, &e->f, F_ACCESS_NO, "0000000");
	book_set(b, &e->f, F_UUID, "5b0e");
	book_add_tag(b, e, "title2", "3");
	book_add_tag(b, e, "title1", "7");
	book_add_tag(b, e, "title1", "7");
	d = folder(b, e, "smb", "445", NULL);
	book_set(b, &d->f, F_PATH, "\\Scan");
	book_set_secret(b, d, SECRET_CLEAR, "geheim", NULL);
	book_set_secret(
		b, folder(b, e, "ftp", "2121", NULL), SECRET_ENCRYPTED, "9f8e", "canon_crypto_2");
	book_set_secret(b, folder(b, e, "webdav", NULL, "1"), SECRET_WITHHELD, NULL, NULL);
	d = book_add_dest(b, e, DEST_FAX);
	book_set(b, &d->f, F_FAX_NUMBER, "+33 1 23");
	d = book_add_dest(b, e, DEST_EMAIL);
	book_set(b, &d->f, F_ADDRESS, "Jose@Example.COM");
	book_add_extra(b, e, "z", "1");
	book_add_extra(b, e, "a", "");
}

/* A book with an entry of every sort. */
static struct book *vector_book(void)
{
	struct book *b = book_new("canon");
	struct book_list *l = book_add_list(b, "1", LIST_ADDRESS_LIST, "Sales");
	struct book_entry *e = book_add_entry(b, l, "201");

	full_person(b, e);
	e = book_add_entry(b, l, "empty");
	e = book_add_entry(b, l, "202");
	book_set(b, &e->f, F_NUMBER, "202");
	book_set(b, &e->f, F_NAME, "All");
	e->group = true;
	book_add_member(b, e, "201", "x");
	book_add_member(b, e, NULL, "gone");
	(void)book_add_list(b, "10", LIST_ADDRESS_LIST, "");
	(void)book_add_list(b, "2", LIST_ADDRESS_LIST, "two");
	return b;
}

static void add_vectors(const struct book *n, struct buf *out)
{
	struct book_hashes h;
	struct buf record = BUF_INIT;

	for (uint32_t i = 0; i < n->list[0].n_entries; i++) {
		const struct book_entry *e = &n->list[0].entry[i];

		buf_reset(&record);
		entry_serialise(e, &KEY, &record);
		buf_addf(out, "record %s ", e->key);
		hex(record.p, record.n, out);
		entry_hash(e, &KEY, &h);
		buf_addf(out, "\nentry %s ", e->key);
		hex(h.pub, sizeof(h.pub), out);
		buf_addc(out, ' ');
		hex(h.full, sizeof(h.full), out);
		buf_addc(out, '\n');
	}
	for (uint32_t i = 0; i < n->n_lists; i++) {
		list_hash(&n->list[i], &KEY, &h);
		buf_addf(out, "list %s ", n->list[i].slot);
		hex(h.pub, sizeof(h.pub), out);
		buf_addc(out, ' ');
		hex(h.full, sizeof(h.full), out);
		buf_addc(out, '\n');
	}
	book_hash(n, &KEY, &h);
	buf_adds(out, "book ");
	hex(h.pub, sizeof(h.pub), out);
	buf_addc(out, ' ');
	hex(h.full, sizeof(h.full), out);
	buf_addc(out, '\n');
	buf_fini(&record);
}

static void vectors_of_norm_v1_never_change(void **state unused)
{
	struct book *b = vector_book(), *n = book_normalise(b, NULL);
	char golden[16384] = "";
	struct buf now = BUF_INIT;
	FILE *f = fopen(VECTORS, "r");

	assert_non_null(f);
	golden[fread(golden, 1, sizeof(golden) - 1, f)] = 0;
	assert_int_equal(fclose(f), 0);
	add_vectors(n, &now);
	assert_string_equal(buf_str(&now), golden);
	buf_fini(&now);
	book_free(n);
	book_free(b);
}

static void the_order_of_a_file_and_the_spelling_of_a_value_do_not_count(void **state unused)
{
	struct book *a = vector_book(), *b = vector_book();
	struct book_list hold = b->list[0];
	struct book_entry e = b->list[0].entry[0];

	b->list[0].entry[0] = b->list[0].entry[2];
	b->list[0].entry[2] = e;
	b->list[0] = b->list[2];
	b->list[2] = hold;
	book_set(b, &b->list[2].entry[0].f, F_NAME, "All  ");
	assert_true(book_same(a, b, NULL));
	book_set(b, &b->list[2].entry[0].f, F_NAME, "all");
	assert_false(book_same(a, b, NULL));
	book_free(a);
	book_free(b);
}

static void a_place_is_no_content_and_yet_the_list_tells(void **state unused)
{
	struct book *a = vector_book(), *b = vector_book();
	struct book_hashes x, y;

	book_set(b, &b->list[0].entry[0].f, F_NUMBER, "300");
	book_set(b, &b->list[0].entry[0].f, F_UUID, "other");
	entry_hash(&a->list[0].entry[0], &KEY, &x);
	entry_hash(&b->list[0].entry[0], &KEY, &y);
	assert_memory_equal(&x, &y, sizeof(x));
	list_hash(&a->list[0], &KEY, &x);
	list_hash(&b->list[0], &KEY, &y);
	assert_memory_not_equal(x.pub, y.pub, BOOK_HASH);
	book_free(a);
	book_free(b);
}

static void secrets_count_in_the_full_hash_only(void **state unused)
{
	struct book *a = vector_book(), *b = vector_book();
	struct book_hashes x, y;

	b->list[0].entry[0].dest[0].secret.text = "other";
	entry_hash(&a->list[0].entry[0], &KEY, &x);
	entry_hash(&b->list[0].entry[0], &KEY, &y);
	assert_memory_equal(x.pub, y.pub, BOOK_HASH);
	assert_memory_not_equal(x.full, y.full, BOOK_HASH);
	entry_hash(&a->list[0].entry[0], NULL, &y);
	assert_memory_equal(x.pub, y.pub, BOOK_HASH);
	assert_false(book_same(a, b, NULL));
	book_free(a);
	book_free(b);
}

/* ---- laws ---- */

/* Every word of it, in order. */
static void dump(const struct book *b, struct buf *out)
{
	for (uint32_t i = 0; i < b->n_lists; i++) {
		const struct book_list *l = &b->list[i];

		buf_addf(out, "list %s %s\n", l->slot, l->name);
		for (uint32_t j = 0; j < l->n_entries; j++) {
			buf_addf(out, "key %s\n", l->entry[j].key);
			entry_serialise(&l->entry[j], &KEY, out);
		}
	}
}

static void normalise_is_idempotent(void **state unused)
{
	struct random r = {8};
	struct buf x = BUF_INIT, y = BUF_INIT;

	for (uint32_t i = book_cases(300); i > 0; i--) {
		struct book *b = book_random(&r, &book_any_shape);
		struct book *once = book_normalise(b, NULL), *view = book_normal_view(b, NULL);
		struct book *twice = book_normalise(once, NULL);

		buf_reset(&x);
		buf_reset(&y);
		dump(once, &x);
		dump(twice, &y);
		assert_int_equal(x.n, y.n);
		assert_memory_equal(x.p, y.p, x.n);
		buf_reset(&y);
		dump(view, &y);
		assert_int_equal(x.n, y.n);
		assert_memory_equal(x.p, y.p, x.n);
		book_free(view);
		book_free(twice);
		book_free(once);
		book_free(b);
	}
	buf_fini(&x);
	buf_fini(&y);
}

static void hashes_are_equal_where_serialisations_are(void **state unused)
{
	struct random r = {88};
	uint32_t equal = 0;

	for (uint32_t i = book_cases(300); i > 0; i--) {
		struct book *b = book_random(&r, &book_any_shape), *c = book_copy(b), *x, *y;
		struct book_hashes hx, hy;

		book_mutate(&r, c, &book_any_shape, random_below(&r, 3));
		x = book_normalise(b, NULL);
		y = book_normalise(c, NULL);
		for (uint32_t j = 0; j < x->list[0].n_entries && j < y->list[0].n_entries; j++) {
			struct buf sx = BUF_INIT, sy = BUF_INIT;

			entry_content(&x->list[0].entry[j], &sx);
			entry_content(&y->list[0].entry[j], &sy);
			entry_hash(&x->list[0].entry[j], NULL, &hx);
			entry_hash(&y->list[0].entry[j], NULL, &hy);
			bool same = sx.n == sy.n && memcmp(buf_str(&sx), buf_str(&sy), sx.n) == 0;
			assert_int_equal(same, memcmp(hx.pub, hy.pub, BOOK_HASH) == 0);
			equal += same;
			buf_fini(&sx);
			buf_fini(&sy);
		}
		book_free(y);
		book_free(x);
		book_free(c);
		book_free(b);
	}
	assert_true(equal > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_nfc_with_plain_line_ends_and_no_space_behind),
		cmocka_unit_test(addresses_keep_what_tells_people_apart),
		cmocka_unit_test(numbers_booleans_and_sets_have_one_spelling),
		cmocka_unit_test(a_protocols_own_port_says_nothing),
		cmocka_unit_test(defaults_and_volatile_columns_of_the_profile_are_absent),
		cmocka_unit_test(members_that_are_not_there_are_dangling),
		cmocka_unit_test(vectors_of_norm_v1_never_change),
		cmocka_unit_test(the_order_of_a_file_and_the_spelling_of_a_value_do_not_count),
		cmocka_unit_test(a_place_is_no_content_and_yet_the_list_tells),
		cmocka_unit_test(secrets_count_in_the_full_hash_only),
		cmocka_unit_test(normalise_is_idempotent),
		cmocka_unit_test(hashes_are_equal_where_serialisations_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
