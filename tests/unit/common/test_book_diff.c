// SPDX-License-Identifier: Apache-2.0
/* Matching, diff and patch (address-books.md 9.1, 9.2, law L9). BOOK_CASES in the environment sets
 * how many random pairs each law sees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/book/compare/diff.h"
#include "tests/lib/book_random.h"

/* ---- small books ---- */

static struct book *empty_book(void)
{
	struct book *b = book_new("canon");

	(void)book_add_list(b, "1", LIST_ADDRESS_LIST, "Sales");
	return b;
}

static struct book_entry *person(
	struct book *b, const char *slot, const char *number, const char *name, const char *mail)
{
	struct book_entry *e = book_add_entry(b, book_find_list(b, slot), number);

	book_set(b, &e->f, F_NUMBER, number);
	book_set(b, &e->f, F_NAME, name);
	if (mail)
		book_set(b, &book_add_dest(b, e, DEST_EMAIL)->f, F_ADDRESS, mail);
	return e;
}

static struct book *staff(void)
{
	struct book *b = empty_book();
	struct book_entry *g;

	person(b, "1", "201", "Ana", "ana@example.com");
	person(b, "1", "202", "Bob", "bob@example.com");
	person(b, "1", "203", "Cyd", "cyd@example.com");
	g = person(b, "1", "204", "All", NULL);
	g->group = true;
	book_add_member(b, g, "201", "");
	book_add_member(b, g, "202", "");
	return b;
}

static struct book_entry *of(struct book *b, const char *key)
{
	return list_find(&b->list[0], key);
}

/* "change Ana email.address: a → b", a line each, and that the patch gives the right book. */
static void diff_is(const struct book *left, const struct book *right, const char *want)
{
	struct buf out = BUF_INIT;
	struct book *patched;
	struct diff d;

	assert_int_equal(book_diff(left, right, NULL, &d), 0);
	for (uint32_t i = 0; i < d.n; i++)
		buf_addf(&out, "%s %s %s: %s -> %s\n", diff_op_name(d.change[i].op),
			d.change[i].name, d.change[i].field,
			d.change[i].before ? d.change[i].before : "-",
			d.change[i].after ? d.change[i].after : "-");
	assert_string_equal(buf_str(&out), want);
	patched = book_patch(left, &d);
	assert_true(book_same(patched, right, NULL));
	book_free(patched);
	diff_fini(&d);
	buf_fini(&out);
}

#define WITH_TWO_BOOKS                                                                             \
	struct book *l = staff(), *r = staff();                                                    \
	struct book_entry *e;                                                                      \
	(void)e

#define END_BOOKS                                                                                  \
	do {                                                                                       \
		book_free(l);                                                                      \
		book_free(r);                                                                      \
	} while (0)

static void equal_books_have_no_difference(void **state unused)
{
	WITH_TWO_BOOKS;
	book_set(r, &of(r, "201")->dest[0].f, F_ADDRESS, " ana@EXAMPLE.com.");
	diff_is(l, r, "");
	END_BOOKS;
}

static void a_change_is_named_by_its_field(void **state unused)
{
	WITH_TWO_BOOKS;
	book_set(r, &of(r, "201")->f, F_READING, "ana");
	book_set(r, &of(r, "202")->dest[0].f, F_ADDRESS, "bob@example.org");
	diff_is(l, r,
		"change Ana reading: - -> ana\n"
		"change Bob email.address: bob@example.com -> bob@example.org\n");
	END_BOOKS;
}

static void additions_and_removals_are_entries(void **state unused)
{
	WITH_TWO_BOOKS;
	book_remove_entry(r, &r->list[0], of(r, "203"));
	person(r, "1", "205", "Dot", "dot@example.com");
	diff_is(l, r,
		"add Dot : - -> -\n"
		"remove Cyd : - -> -\n");
	END_BOOKS;
}

static void a_renumbered_book_has_no_change_of_content(void **state unused)
{
	WITH_TWO_BOOKS;
	const char *numbers[] = {"301", "302", "303", "304"};
	for (uint32_t i = 0; i < 4; i++) {
		r->list[0].entry[i].key = numbers[i];
		book_set(r, &r->list[0].entry[i].f, F_NUMBER, numbers[i]);
	}
	of(r, "304")->member[0].key = "301";
	of(r, "304")->member[1].key = "302";
	diff_is(l, r,
		"renumber Ana number: 201 -> 301\n"
		"renumber Bob number: 202 -> 302\n"
		"renumber Cyd number: 203 -> 303\n"
		"renumber All number: 204 -> 304\n");
	struct diff d;
	assert_int_equal(book_diff(l, r, NULL, &d), 0);
	assert_int_equal(d.renumbered, 4);
	assert_int_equal(d.unchanged, 4);
	assert_int_equal(d.changed + d.added + d.removed, 0);
	diff_fini(&d);
	END_BOOKS;
}

static void a_renamed_person_stays_the_same_person(void **state unused)
{
	WITH_TWO_BOOKS;
	book_set(r, &of(r, "201")->f, F_NAME, "Ana Silva");
	diff_is(l, r, "change Ana Silva name: Ana -> Ana Silva\n");
	END_BOOKS;
}

static void a_person_renamed_and_renumbered_is_known_by_the_address(void **state unused)
{
	WITH_TWO_BOOKS;
	e = of(r, "203");
	book_set(r, &e->f, F_NAME, "Cydney");
	book_set(r, &e->f, F_NUMBER, "299");
	e->key = "299";
	diff_is(l, r,
		"renumber Cydney number: 203 -> 299\n"
		"change Cydney name: Cyd -> Cydney\n");
	END_BOOKS;
}

static void another_person_at_the_same_number_is_a_change(void **state unused)
{
	WITH_TWO_BOOKS;
	e = of(r, "203");
	book_set(r, &e->f, F_NAME, "Dot");
	book_set(r, &e->dest[0].f, F_ADDRESS, "dot@example.com");
	diff_is(l, r,
		"change Dot name: Cyd -> Dot\n"
		"change Dot email.address: cyd@example.com -> dot@example.com\n");
	END_BOOKS;
}

static void an_inserted_entry_that_shifts_all_numbers_is_one_addition(void **state unused)
{
	struct book *l = empty_book(), *r = empty_book();
	char number[8], name[8];

	person(r, "1", "1", "New", NULL);
	for (int i = 1; i < 20; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		snprintf(number, sizeof(number), "%d", i);
		person(l, "1", number, name, NULL);
		snprintf(number, sizeof(number), "%d", i + 1);
		person(r, "1", number, name, NULL);
	}
	struct diff d;
	assert_int_equal(book_diff(l, r, NULL, &d), 0);
	assert_int_equal(d.added, 1);
	assert_int_equal(d.renumbered, 19);
	assert_int_equal(d.changed + d.removed, 0);
	diff_fini(&d);
	END_BOOKS;
}

static void a_person_may_move_to_another_list(void **state unused)
{
	WITH_TWO_BOOKS;
	(void)book_add_list(l, "2", LIST_ADDRESS_LIST, "");
	(void)book_add_list(r, "2", LIST_ADDRESS_LIST, "");
	book_remove_entry(r, &r->list[0], of(r, "203"));
	person(r, "2", "201", "Cyd", "cyd@example.com");
	diff_is(l, r, "move Cyd list: 1 -> 2\n");
	END_BOOKS;
}

static void lists_come_go_and_are_renamed(void **state unused)
{
	WITH_TWO_BOOKS;
	r->list[0].name = "Marketing";
	(void)book_add_list(l, "2", LIST_ADDRESS_LIST, "Old");
	(void)book_add_list(r, "10", LIST_ADDRESS_LIST, "New");
	person(l, "2", "201", "Eve", "eve@example.com");
	person(r, "10", "201", "Fay", "fay@example.com");
	diff_is(l, r,
		"list_renamed Marketing name: Sales -> Marketing\n"
		"list_removed Old : Old -> -\n"
		"remove Eve : - -> -\n"
		"list_added New : - -> New\n"
		"add Fay : - -> -\n");
	END_BOOKS;
}

static void members_of_groups_come_go_and_change_places(void **state unused)
{
	WITH_TWO_BOOKS;
	e = of(r, "204");
	e->n_members = 1;
	book_add_member(r, e, "203", "");
	book_add_member(r, e, NULL, "gone");
	diff_is(l, r,
		"change All member: Bob -> -\n"
		"change All member: - -> Cyd\n"
		"change All member: - -> gone\n");
	e->n_members = 0;
	book_add_member(r, e, "202", "");
	book_add_member(r, e, "201", "");
	diff_is(l, r, "change All member: Ana, Bob -> Bob, Ana\n");
	END_BOOKS;
}

static void a_group_is_never_a_person(void **state unused)
{
	WITH_TWO_BOOKS;
	of(r, "203")->group = true;
	of(r, "203")->n_dests = 0;
	diff_is(l, r,
		"add Cyd : - -> -\n"
		"remove Cyd : - -> -\n");
	END_BOOKS;
}

static void tags_and_extras_are_compared_one_by_one(void **state unused)
{
	WITH_TWO_BOOKS;
	book_add_tag(l, of(l, "201"), "title1", "1");
	book_add_tag(r, of(r, "201"), "title1", "2");
	book_add_extra(l, of(l, "201"), "x", "1");
	book_add_extra(r, of(r, "201"), "x", "");
	book_add_extra(r, of(r, "201"), "y", "2");
	diff_is(l, r,
		"change Ana tag.title1: 1 -> -\n"
		"change Ana tag.title1: - -> 2\n"
		"change Ana extra.x: 1 -> \n"
		"change Ana extra.y: - -> 2\n");
	END_BOOKS;
}

static void several_destinations_are_told_apart(void **state unused)
{
	WITH_TWO_BOOKS;
	const char *mails[] = {"x@example.com", "y@example.com"};
	for (int i = 0; i < 2; i++) {
		book_set(l, &book_add_dest(l, of(l, "201"), DEST_EMAIL)->f, F_ADDRESS, mails[i]);
		book_set(r, &book_add_dest(r, of(r, "201"), DEST_EMAIL)->f, F_ADDRESS, mails[!i]);
	}
	diff_is(l, r, "");
	book_set(r, &of(r, "201")->dest[2].f, F_AS, "cc");
	book_remove_dest(of(r, "201"), &of(r, "201")->dest[0]);
	book_set(r, &book_add_dest(r, of(r, "201"), DEST_FAX)->f, F_FAX_NUMBER, "+331");
	diff_is(l, r,
		"change Ana email[2].as: - -> cc\n"
		"change Ana email[1]: address=ana@example.com -> -\n"
		"change Ana fax: - -> fax_number=+331\n");
	END_BOOKS;
}

static struct book *with_secret(enum secret_state state, const char *text)
{
	struct book *b = staff();
	struct book_dest *d = book_add_dest(b, of(b, "203"), DEST_FILE);

	book_set(b, &d->f, F_HOST, "srv");
	book_set_secret(b, d, state, text, state == SECRET_ENCRYPTED ? "canon_crypto_2" : NULL);
	return b;
}

static void secret(enum secret_state was, const char *before, enum secret_state is,
	const char *after, const char *want)
{
	struct book *l = with_secret(was, before), *r = with_secret(is, after);

	diff_is(l, r, want);
	END_BOOKS;
}

static void of_secrets_only_that_they_changed_is_said(void **state unused)
{
	secret(SECRET_CLEAR, "a", SECRET_CLEAR, "a", "");
	secret(SECRET_CLEAR, "a", SECRET_CLEAR, "b",
		"secret_changed Cyd file.secret: set -> changed\n");
	secret(SECRET_ABSENT, NULL, SECRET_CLEAR, "b",
		"secret_changed Cyd file.secret: not set -> set\n");
	secret(SECRET_ENCRYPTED, "9f", SECRET_ENCRYPTED, "8e",
		"secret_changed Cyd file.secret: set -> changed\n");
	secret(SECRET_CLEAR, "a", SECRET_ENCRYPTED, "8e",
		"secret_unknown Cyd file.secret: set -> set\n");
	secret(SECRET_CLEAR, "a", SECRET_WITHHELD, NULL,
		"secret_unknown Cyd file.secret: set -> withheld\n");
	secret(SECRET_WITHHELD, NULL, SECRET_WITHHELD, NULL, "");
}

static void a_new_protocol_takes_its_own_port_along(void **state unused)
{
	struct book *l = with_secret(SECRET_ABSENT, NULL), *r = with_secret(SECRET_ABSENT, NULL);

	book_set(l, &of(l, "203")->dest[1].f, F_PROTOCOL, "ftp");
	book_set(l, &of(l, "203")->dest[1].f, F_PORT, "21");
	book_set(r, &of(r, "203")->dest[1].f, F_PROTOCOL, "smb");
	diff_is(l, r, "change Cyd file.protocol: ftp -> smb\n");
	book_set(r, &of(r, "203")->dest[1].f, F_PORT, "21");
	diff_is(l, r,
		"change Cyd file.protocol: ftp -> smb\n"
		"change Cyd file.port: - -> 21\n");
	END_BOOKS;
}

static void what_did_not_change_stays_as_it_is_written(void **state unused)
{
	WITH_TWO_BOOKS;
	struct diff d;
	struct book *p;

	book_set(l, &of(l, "201")->dest[0].f, F_ADDRESS, "ana@EXAMPLE.com");
	book_set(r, &of(r, "201")->f, F_READING, "x");
	assert_int_equal(book_diff(l, r, NULL, &d), 0);
	p = book_patch(l, &d);
	assert_string_equal(fields_get(&of(p, "201")->dest[0].f, F_ADDRESS), "ana@EXAMPLE.com");
	book_free(p);
	diff_fini(&d);
	END_BOOKS;
}

static void a_match_is_one_to_one(void **state unused)
{
	WITH_TWO_BOOKS;
	const struct book_entry **pair = book_match(l, r);
	for (uint32_t i = 0; i < 4; i++)
		assert_ptr_equal(pair[i], &r->list[0].entry[i]);
	free(pair);
	END_BOOKS;
}

/* ---- laws ---- */

static void dump(const char *title, const struct book *b)
{
	fprintf(stderr, "%s\n", title);
	for (uint32_t i = 0; i < b->n_lists; i++)
		for (uint32_t j = 0; j < b->list[i].n_entries; j++) {
			const struct book_entry *e = &b->list[i].entry[j];

			fprintf(stderr, " %s/%s%s", b->list[i].slot, e->key,
				e->group ? " group" : "");
			for (uint32_t k = 0; k < e->f.n; k++)
				fprintf(stderr, " %s=%s", field_info(e->f.v[k].id)->name,
					e->f.v[k].value);
			for (uint32_t k = 0; k < e->n_members; k++)
				fprintf(stderr, " member=%s?%s",
					e->member[k].key ? e->member[k].key : "-",
					e->member[k].text);
			for (uint32_t k = 0; k < e->n_dests; k++)
				for (uint32_t m = 0; m < e->dest[k].f.n; m++)
					fprintf(stderr, " %s[%u].%s=%s",
						dest_kind_name(e->dest[k].kind), k,
						field_info(e->dest[k].f.v[m].id)->name,
						e->dest[k].f.v[m].value);
			fprintf(stderr, "\n");
		}
}

static void patch_gives(const struct book *x, const struct book *y, const struct diff *d)
{
	struct book *p = book_patch(x, d);

	if (!book_same(p, y, NULL)) {
		dump("left", x);
		dump("right", y);
		dump("patched", p);
		for (uint32_t i = 0; i < d->n; i++)
			fprintf(stderr, " %s %s %s %s -> %s\n", diff_op_name(d->change[i].op),
				d->change[i].name, d->change[i].field, d->change[i].before,
				d->change[i].after);
		fail_msg("patch(x, diff(x, y)) is not y");
	}
	book_free(p);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static enum diff_op inverse(enum diff_op op)
{
	switch (op) {
	case DIFF_ADD:
		return DIFF_REMOVE;
	case DIFF_REMOVE:
		return DIFF_ADD;
	case DIFF_LIST_ADDED:
		return DIFF_LIST_REMOVED;
	case DIFF_LIST_REMOVED:
		return DIFF_LIST_ADDED;
	case DIFF_CHANGE:
	case DIFF_RENUMBER:
	case DIFF_MOVE:
	case DIFF_SECRET_CHANGED:
	case DIFF_SECRET_UNKNOWN:
	case DIFF_LIST_RENAMED:
		break;
	}
	return op;
}

/* Secrets are words: "set → changed" both ways. */
static bool mirrors(const struct diff_change *a, const struct diff_change *b)
{
	bool secret = a->part == DIFF_SECRET && a->op == DIFF_SECRET_CHANGED;

	return inverse(a->op) == b->op && a->left == b->right && a->right == b->left &&
	       a->part == b->part && a->id == b->id && a->left_dest == b->right_dest &&
	       a->right_dest == b->left_dest &&
	       (secret || (same_text(a->before, b->after) && same_text(a->after, b->before)));
}

static void each_mirrors_one(const struct diff *d, const struct diff *back)
{
	assert_int_equal(d->n, back->n);
	for (uint32_t i = 0; i < d->n; i++) {
		uint32_t found = 0;
		for (uint32_t j = 0; j < back->n; j++)
			found += mirrors(&d->change[i], &back->change[j]);
		assert_true(found > 0);
	}
	assert_int_equal(d->added, back->removed);
	assert_int_equal(d->changed, back->changed);
	assert_int_equal(d->moved, back->moved);
	assert_int_equal(d->renumbered, back->renumbered);
	assert_int_equal(d->unchanged, back->unchanged);
}

static void law(const struct book *x, const struct book *y)
{
	struct diff d, back;

	assert_int_equal(book_diff(x, y, NULL, &d), 0);
	assert_int_equal(book_diff(y, x, NULL, &back), 0);
	assert_int_equal(d.n == 0, book_same(x, y, NULL));
	patch_gives(x, y, &d);
	patch_gives(y, x, &back);
	each_mirrors_one(&d, &back);
	diff_fini(&back);
	diff_fini(&d);
	assert_int_equal(book_diff(x, x, NULL, &d), 0);
	assert_int_equal(d.n, 0);
	diff_fini(&d);
}

static void law_L9_holds_for_a_book_and_its_later_self(void **state unused)
{
	struct random r = {9};

	for (uint32_t i = book_cases(400); i > 0; i--) {
		struct book *x = book_random(&r, &book_any_shape), *y = book_copy(x);

		book_mutate(&r, y, &book_any_shape, random_below(&r, 12));
		law(x, y);
		book_free(y);
		book_free(x);
	}
}

static void law_L9_holds_for_books_that_have_little_in_common(void **state unused)
{
	struct random r = {99};

	for (uint32_t i = book_cases(200); i > 0; i--) {
		struct book *x = book_random(&r, &book_any_shape);
		struct book *y = book_random(&r, &book_any_shape);

		law(x, y);
		book_free(y);
		book_free(x);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_books_have_no_difference),
		cmocka_unit_test(a_change_is_named_by_its_field),
		cmocka_unit_test(additions_and_removals_are_entries),
		cmocka_unit_test(a_renumbered_book_has_no_change_of_content),
		cmocka_unit_test(a_renamed_person_stays_the_same_person),
		cmocka_unit_test(a_person_renamed_and_renumbered_is_known_by_the_address),
		cmocka_unit_test(another_person_at_the_same_number_is_a_change),
		cmocka_unit_test(an_inserted_entry_that_shifts_all_numbers_is_one_addition),
		cmocka_unit_test(a_person_may_move_to_another_list),
		cmocka_unit_test(lists_come_go_and_are_renamed),
		cmocka_unit_test(members_of_groups_come_go_and_change_places),
		cmocka_unit_test(a_group_is_never_a_person),
		cmocka_unit_test(tags_and_extras_are_compared_one_by_one),
		cmocka_unit_test(several_destinations_are_told_apart),
		cmocka_unit_test(of_secrets_only_that_they_changed_is_said),
		cmocka_unit_test(a_new_protocol_takes_its_own_port_along),
		cmocka_unit_test(what_did_not_change_stays_as_it_is_written),
		cmocka_unit_test(a_match_is_one_to_one),
		cmocka_unit_test(law_L9_holds_for_a_book_and_its_later_self),
		cmocka_unit_test(law_L9_holds_for_books_that_have_little_in_common),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
