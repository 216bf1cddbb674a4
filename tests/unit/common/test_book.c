// SPDX-License-Identifier: Apache-2.0
/* The model of an address book: adders, copies, bounds, names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/book/codec.h"
#include "gen/errors.h"

static struct book *small_book(void)
{
	struct book *b = book_new("canon");
	struct book_list *l = book_add_list(b, "1", LIST_ADDRESS_LIST, "Sales");
	struct book_entry *e = book_add_entry(b, l, "201");
	struct book_dest *d;

	book_set(b, &e->f, F_NAME, "Ana");
	book_set(b, &e->f, F_NUMBER, "201");
	d = book_add_dest(b, e, DEST_FILE);
	book_set(b, &d->f, F_PATH, "in");
	book_set(b, &d->f, F_HOST, "files");
	book_set_secret(b, d, SECRET_CLEAR, "pass", NULL);
	book_add_tag(b, e, "title1", "3");
	book_add_extra(b, e, "x", "");
	e = book_add_entry(b, l, "202");
	e->group = true;
	book_add_member(b, e, "201", "201");
	book_add_member(b, e, NULL, "999");
	return b;
}

static void fields_are_sorted_and_single(void **state)
{
	struct book *b = small_book();
	struct book_entry *e = &b->list[0].entry[0];

	(void)state;
	assert_int_equal(e->f.n, 2);
	assert_int_equal(e->f.v[0].id, F_NUMBER);
	book_set(b, &e->f, F_NAME, "Bea");
	assert_int_equal(e->f.n, 2);
	assert_string_equal(entry_name(e), "Bea");
	book_set(b, &e->f, F_NAME, "");
	assert_null(fields_get(&e->f, F_NAME));
	assert_string_equal(entry_name(e), "");
	book_free(b);
}

static void a_copy_has_all_and_stands_alone(void **state)
{
	struct book *a = small_book();
	struct book *b = book_copy(a);
	struct book_entry *e;

	(void)state;
	book_free(a);
	assert_int_equal(b->n_entries, 2);
	e = list_find(book_find_list(b, "1"), "201");
	assert_non_null(e);
	assert_string_equal(fields_get(&entry_dest(e, DEST_FILE)->f, F_HOST), "files");
	assert_string_equal(entry_dest(e, DEST_FILE)->secret.text, "pass");
	assert_string_equal(e->tag[0].value, "3");
	assert_string_equal(entry_extra(e, "x")->value, "");
	e = list_find(&b->list[0], "202");
	assert_true(e->group);
	assert_null(e->member[1].key);
	book_free(b);
}

static void an_entry_can_be_copied_within_its_own_list(void **state)
{
	struct book *b = small_book();
	struct book_list *l = &b->list[0];

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_string_equal(entry_name(book_copy_entry(b, l, &l->entry[0])), "Ana");
	book_remove_entry(b, l, &l->entry[0]);
	assert_int_equal(l->n_entries, 101);
	assert_int_equal(b->n_entries, 101);
	assert_string_equal(l->entry[0].key, "202");
	book_remove_dest(&l->entry[1], &l->entry[1].dest[0]);
	assert_null(entry_dest(&l->entry[1], DEST_FILE));
	book_free(b);
}

static void a_full_arena_is_noticed_and_nothing_breaks(void **state)
{
	struct book *b = book_new("canon");
	struct book_list *l = book_add_list(b, "1", LIST_FLAT, "");
	struct book_entry *e = book_add_entry(b, l, "1");
	char *large = malloc(1 << 20);

	(void)state;
	memset(large, 'x', (1 << 20) - 1);
	large[(1 << 20) - 1] = 0;
	for (int i = 0; i < 100; i++)
		book_add_extra(b, e, "x", large);
	assert_true(b->too_big);
	e = book_add_entry(b, book_add_list(b, "2", LIST_FLAT, ""), large);
	book_add_dest(b, e, DEST_FAX);
	book_set(b, &e->f, F_NAME, large);
	free(large);
	book_free(b);
}

static void more_entries_than_allowed_are_forgotten_and_noticed(void **state)
{
	struct book *b = book_new("canon");
	struct book_list *l = book_add_list(b, "1", LIST_FLAT, "");

	(void)state;
	for (uint32_t i = 0; i < BOOK_ENTRIES_MAX; i++)
		book_add_entry(b, l, "k");
	assert_false(b->too_big);
	book_add_entry(b, l, "k");
	assert_true(b->too_big);
	assert_int_equal(b->n_entries, BOOK_ENTRIES_MAX);
	book_free(b);
}

static void every_name_reads_back(void **state)
{
	(void)state;
	for (unsigned i = 0; i < FIELD_NUMBERS; i++)
		if (field_info(i)) {
			assert_int_equal(field_named(field_info(i)->name), i);
			assert_true(field_info(i)->kinds != 0);
		}
	for (int i = 1; i < DEST_KINDS; i++)
		assert_int_equal(dest_kind_named(dest_kind_name((enum dest_kind)i)), i);
	for (int i = 0; i <= LIST_PROGRAM; i++)
		assert_int_equal(list_kind_named(list_kind_name((enum list_kind)i)), i);
	for (int i = 0; i <= SECRET_UNKNOWN; i++)
		assert_int_equal(secret_state_named(secret_state_name((enum secret_state)i)), i);
	assert_int_equal(field_named("nothing"), 0);
	assert_int_equal(dest_kind_named("nothing"), -1);
}

static void what_is_no_address_book_is_refused_by_its_content(void **state)
{
	struct fault f = FAULT_INIT;

	(void)state;
	assert_null(codec_detect((struct span){(const uint8_t *)"", 0}, &f));
	assert_string_equal(f.reason, "empty");
	assert_null(codec_detect((struct span){(const uint8_t *)"hello world\n", 12}, &f));
	assert_int_equal(f.code, CN_PARSE_ERROR);
}

static void codecs_stand_in_the_order_of_their_names(void **state)
{
	(void)state;
	for (const struct codec *const *c = codecs(); c[0] && c[1]; c++)
		assert_true(strcmp(c[0]->name, c[1]->name) < 0);
	for (const struct codec *const *c = codecs(); *c; c++) {
		assert_ptr_equal(codec_named((*c)->name), *c);
		assert_int_equal(((*c)->flags & CODEC_ENCODE) != 0, (*c)->encode != NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_sorted_and_single),
		cmocka_unit_test(a_copy_has_all_and_stands_alone),
		cmocka_unit_test(an_entry_can_be_copied_within_its_own_list),
		cmocka_unit_test(a_full_arena_is_noticed_and_nothing_breaks),
		cmocka_unit_test(more_entries_than_allowed_are_forgotten_and_noticed),
		cmocka_unit_test(every_name_reads_back),
		cmocka_unit_test(what_is_no_address_book_is_refused_by_its_content),
		cmocka_unit_test(codecs_stand_in_the_order_of_their_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
