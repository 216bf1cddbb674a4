// SPDX-License-Identifier: Apache-2.0
/* The destination list: who comes, who is there already, who is picked (address-books.md 11.1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gen/errors.h"
#include "services/storage/books/pool.h"

static struct book_entry *add(
	struct book *b, struct book_list *l, const char *key, const char *name, const char *mail)
{
	struct book_entry *e = book_add_entry(b, l, key);
	book_set(b, &e->f, F_NAME, name);
	book_set(b, &e->f, F_NUMBER, key);
	if (mail != NULL) {
		struct book_dest *d = book_add_dest(b, e, DEST_EMAIL);
		book_set(b, &d->f, F_ADDRESS, mail);
	}
	return e;
}

/* Two lists with the same key in each, a group over two entries. */
static struct book *source(void)
{
	struct book *b = book_new("canon");
	struct book_list *one = book_add_list(b, "1", LIST_ADDRESS_LIST, "First");
	(void)add(b, one, "201", "Ana", "ana@example.org");
	(void)add(b, one, "202", "Ben", "ben@example.org");
	struct book_entry *g = add(b, one, "203", "Both", NULL);
	g->group = true;
	book_add_member(b, g, "201", "");
	book_add_member(b, g, "202", "");
	struct book_list *two = book_add_list(b, "2", LIST_ADDRESS_LIST, "Second");
	(void)add(b, two, "201", "Cem", "cem@example.org");
	return b;
}

static struct pool_added added(
	struct book *pool, const struct book *from, const char *slot, bool join)
{
	struct pool_added a;
	struct fault f = FAULT_INIT;
	assert_int_equal(pool_add(pool, from, slot, join, &a, &f), 0);
	return a;
}

static const struct book_entry *at(const struct book *pool, uint32_t i)
{
	return &pool->list[0].entry[i];
}

static void entries_get_keys_of_their_own_and_groups_follow_them(void **state)
{
	(void)state;
	struct book *from = source(), *pool = pool_new("canon");
	struct pool_added a = added(pool, from, NULL, false);
	assert_int_equal(a.added, 4);
	assert_int_equal(a.joined + a.doubles, 0);
	assert_int_equal(pool->n_entries, 4);
	for (uint32_t i = 0; i < 4; i++)
		for (uint32_t k = 0; k < i; k++)
			assert_string_not_equal(at(pool, i)->key, at(pool, k)->key);
	const struct book_entry *g = at(pool, 2);
	assert_true(g->group);
	assert_string_equal(g->member[0].key, at(pool, 0)->key);
	assert_string_equal(g->member[1].key, at(pool, 1)->key);
	assert_string_equal(entry_name(at(pool, 3)), "Cem");
	pool_added_fini(&a);
	book_free(pool);
	book_free(from);
}

static void twins_are_found_by_kind_and_address_and_joined_on_request(void **state)
{
	(void)state;
	struct book *from = source(), *pool = pool_new("canon");
	struct pool_added a = added(pool, from, "2", false);
	assert_int_equal(a.added, 1);
	pool_added_fini(&a);
	struct book *again = book_new("canon");
	struct book_list *l = book_add_list(again, "1", LIST_ADDRESS_LIST, "");
	(void)add(again, l, "5", "C. Yilmaz", "cem@EXAMPLE.org");
	struct book_entry *g = add(again, l, "6", "Team", NULL);
	g->group = true;
	book_add_member(again, g, "5", "");
	a = added(pool, again, NULL, false);
	assert_int_equal(a.doubles, 1);
	assert_int_equal(a.added, 2);
	assert_int_equal(a.n_twins, 1);
	assert_int_equal(a.twin[0].there, 0);
	pool_added_fini(&a);
	assert_string_equal(at(pool, 2)->member[0].key, at(pool, 1)->key);
	a = added(pool, again, NULL, true);
	assert_int_equal(a.joined, 1);
	assert_int_equal(a.added, 1); /* the group: nobody is a group's twin */
	assert_string_equal(at(pool, 3)->member[0].key, at(pool, 0)->key);
	pool_added_fini(&a);
	book_free(again);
	book_free(pool);
	book_free(from);
}

static void twins_within_one_source_are_found_too(void **state)
{
	(void)state;
	struct book *from = book_new("canon"), *pool = pool_new("canon");
	struct book_list *l = book_add_list(from, "1", LIST_ADDRESS_LIST, "");
	for (int i = 0; i < 100; i++)
		(void)add(from, l, book_fmt(from, "%d", i + 1), "Ana", "ana@example.org");
	struct pool_added a = added(pool, from, NULL, true);
	assert_int_equal(a.added, 1);
	assert_int_equal(a.joined, 99);
	assert_int_equal(a.n_twins, 99);
	pool_added_fini(&a);
	book_free(pool);
	book_free(from);
}

static void what_only_another_maker_understands_stays_behind(void **state)
{
	(void)state;
	struct book *pool = pool_new("canon"), *canon = source(), *ricoh = book_new("ricoh");
	struct book_entry *e = &canon->list[0].entry[0];
	book_add_extra(canon, e, "canon_column", "x");
	book_set_secret(canon, &e->dest[0], SECRET_ENCRYPTED, "abc", "canon_crypto_2");
	struct pool_added a = added(pool, canon, "1", false);
	assert_string_equal(pool->family, "canon");
	assert_int_equal(at(pool, 0)->n_extras, 1);
	pool_added_fini(&a);
	(void)add(ricoh, book_add_list(ricoh, "1", LIST_FLAT, ""), "1", "Dee", "dee@example.org");
	a = added(pool, ricoh, NULL, false);
	assert_string_equal(pool->family, "generic");
	assert_int_equal(at(pool, 0)->n_extras, 0);
	assert_int_equal(at(pool, 0)->dest[0].secret.state, SECRET_WITHHELD);
	pool_added_fini(&a);
	book_free(ricoh);
	book_free(canon);
	book_free(pool);
}

static void a_book_has_what_its_lists_name_and_groups_bring_their_members(void **state)
{
	(void)state;
	struct book *from = source(), *pool = pool_new("canon"), *b = NULL;
	struct pool_added a = added(pool, from, NULL, false);
	struct fault f = FAULT_INIT;
	const char *group[] = {at(pool, 2)->key}, *cem[] = {at(pool, 3)->key, at(pool, 3)->key};
	const struct pool_pick lists[] = {
		{.name = "Team", .kind = LIST_ADDRESS_LIST, .keys = group, .n = 1},
		{.name = "Quick", .kind = LIST_ONE_TOUCH, .keys = cem, .n = 2},
		{.name = "All", .kind = LIST_ADDRESS_LIST, .all = true}};
	assert_int_equal(pool_book(pool, lists, 3, &b, &f), 0);
	assert_int_equal(b->n_lists, 3);
	assert_int_equal(b->list[0].n_entries, 3);
	assert_true(b->list[0].entry[2].group); /* behind its members */
	assert_int_equal(b->list[1].n_entries, 1);
	assert_int_equal(b->list[1].kind, LIST_ONE_TOUCH);
	assert_int_equal(b->list[2].n_entries, 4);
	book_free(b);
	pool_added_fini(&a);
	book_free(pool);
	book_free(from);
}

static void what_is_not_there_is_refused_by_name(void **state)
{
	(void)state;
	struct book *from = source(), *pool = pool_new("canon"), *b = NULL;
	struct pool_added a;
	struct fault f = FAULT_INIT;
	assert_int_equal(pool_add(pool, from, "7", false, &a, &f), -1);
	assert_string_equal(f.reason, "unknown_list");
	pool_added_fini(&a);
	assert_int_equal(pool->n_entries, 0);
	const char *keys[] = {"12"};
	const struct pool_pick one = {.name = "X", .kind = LIST_ADDRESS_LIST, .keys = keys, .n = 1};
	f = FAULT_INIT;
	assert_int_equal(pool_book(pool, &one, 1, &b, &f), -1);
	assert_string_equal(f.reason, "unknown_entry");
	const struct pool_pick twice[] = {{.name = "X", .all = true}, {.name = "X", .all = true}};
	f = FAULT_INIT;
	assert_int_equal(pool_book(pool, twice, 2, &b, &f), -1);
	assert_string_equal(f.reason, "list_twice");
	assert_null(b);
	book_free(pool);
	book_free(from);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_get_keys_of_their_own_and_groups_follow_them),
		cmocka_unit_test(twins_are_found_by_kind_and_address_and_joined_on_request),
		cmocka_unit_test(twins_within_one_source_are_found_too),
		cmocka_unit_test(what_only_another_maker_understands_stays_behind),
		cmocka_unit_test(a_book_has_what_its_lists_name_and_groups_bring_their_members),
		cmocka_unit_test(what_is_not_there_is_refused_by_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
