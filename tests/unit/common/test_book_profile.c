// SPDX-License-Identifier: Apache-2.0
/* What each family can hold is what docs/spec/address-books.md sections 2 and 10.1 say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/book/codec.h"
#include "common/book/profile.h"

static const struct profile_limit *limit(const char *profile, enum dest_kind kind, unsigned field)
{
	const struct book_profile *p = profile_named(profile);

	assert_non_null(p);
	for (uint32_t i = 0; i < p->n_limits; i++)
		if (p->limit[i].kind == kind && p->limit[i].field == field)
			return &p->limit[i];
	return NULL;
}

static void assert_limit(
	const char *profile, enum dest_kind kind, unsigned field, uint32_t max, const char *grade)
{
	const struct profile_limit *l = limit(profile, kind, field);

	assert_non_null(l);
	assert_int_equal(l->max, max);
	assert_string_equal(l->grade, grade);
}

static void limits_stand_with_their_evidence(void **state)
{
	(void)state;
	assert_limit("ricoh", DEST_NONE, F_NAME, 20, "A");
	assert_limit("ricoh", DEST_NONE, F_SHORT_LABEL, 16, "A");
	assert_limit("ricoh", DEST_NONE, F_USER_CODE, 8, "A");
	assert_limit("ricoh", DEST_EMAIL, F_ADDRESS, 128, "A");
	assert_limit("ricoh", DEST_FILE, F_PATH, 256, "A");
	assert_limit("konica", DEST_NONE, F_NAME, 24, "B-");
	assert_limit("canon", DEST_NONE, F_SHORT_LABEL, 13, "B");
	assert_limit("canon", DEST_NONE, F_ACCESS_NO, 7, "A");
	/* unknown: nothing is refused */
	assert_limit("canon", DEST_NONE, F_NAME, 0, "");
	assert_limit("xerox", DEST_NONE, F_NAME, 0, "");
}

static void a_canon_of_type_I_holds_1600_in_ten_lists_and_200_one_touch_keys(void **state)
{
	const struct book_profile *p = profile_named("canon");

	(void)state;
	assert_int_equal(p->n_lists, 11);
	for (uint32_t i = 0; i < 10; i++) {
		assert_int_equal(p->list[i].kind, LIST_ADDRESS_LIST);
		assert_int_equal(p->list[i].first, 201);
		assert_int_equal(p->list[i].together, 1600);
		assert_int_equal(p->list[i].pool, p->list[0].pool);
	}
	assert_int_equal(p->list[10].kind, LIST_ONE_TOUCH);
	assert_int_equal(p->list[10].capacity, 200);
	assert_int_equal(p->list[10].first, 1);
	assert_int_equal(p->list[10].last, 200);
	assert_int_equal(p->list[10].pool, 0);
	assert_string_equal(p->list[10].grade, "A");
	assert_int_equal(p->entries, 1800);
	assert_int_equal(p->members, 256);
	assert_true(p->group_same_list);
	assert_null(p->side_effects[0]);
}

static void types_II_and_III_have_two_lists_and_lose_their_workflows(void **state)
{
	static const char *const names[] = {"canon/type_2", "canon/type_3"};

	(void)state;
	for (size_t i = 0; i < array_len(names); i++) {
		const struct book_profile *p = profile_named(names[i]);
		assert_non_null(p);
		assert_string_equal(p->name, names[i]);
		assert_int_equal(p->n_lists, 2);
		assert_int_equal(p->entries, 0);
		assert_int_equal(p->members, 0);
		assert_non_null(strstr(p->side_effects[0], "workflows"));
		/* what a variant does not say is as in its family */
		assert_string_equal(p->codec, "canon_csv");
		assert_int_equal(p->dests, DESTS_ONE);
	}
}

static void kinds_are_those_of_the_table(void **state)
{
	(void)state;
	assert_true(profile_named("canon")->kinds & 1u << DEST_IPFAX);
	assert_false(profile_named("kyocera")->kinds & 1u << DEST_IPFAX);
	assert_false(profile_named("konica")->kinds & 1u << DEST_GROUP);
	assert_false(profile_named("sharp")->kinds & 1u << DEST_GROUP);
	assert_false(profile_named("ldif")->kinds & 1u << DEST_IFAX);
	assert_int_equal(profile_named("kyocera")->dests, DESTS_PROTOCOL);
	assert_int_equal(profile_named("konica")->dests, DESTS_ONE);
	assert_int_equal(profile_named("ricoh")->dests, DESTS_KIND);
	assert_true(profile_named("ricoh")->group_on_member);
	assert_true(profile_named("carnet")->neutral);
}

static void letters_are_the_makers_own(void **state)
{
	const struct book_profile *r = profile_named("ricoh");
	const struct book_profile *k = profile_named("konica");

	(void)state;
	assert_string_equal(r->letter_system, "title1");
	assert_int_equal(r->n_letters, 10);
	assert_string_equal(r->letter[9].letters, "XYZ");
	assert_string_equal(r->letter[9].value, "10");
	assert_string_equal(k->letter_system, "search_key");
	assert_int_equal(k->n_letters, 9);
	assert_string_equal(k->letter[8].value, "Other");
	assert_null(profile_named("canon")->letter_system);
}

static void a_profile_is_found_by_family_variant_codec_and_model(void **state)
{
	(void)state;
	assert_string_equal(profile_named("canon_abk")->name, "canon/abk");
	assert_string_equal(profile_named("canon_csv")->name, "canon");
	assert_string_equal(profile_named("konica_tsv")->charset, "UTF-16LE");
	assert_null(profile_named("olivetti"));
	assert_string_equal(profile_for("canon", "IR-ADV C5235")->name, "canon/type_1");
	assert_string_equal(profile_for("canon", "iR-ADV C9999")->name, "canon");
	assert_string_equal(profile_for("ricoh", NULL)->name, "ricoh");
	assert_string_equal(profile_for("ricoh", "iR-ADV C5235")->name, "ricoh");
	assert_null(profile_for("olivetti", "x"));
}

static void each_codec_that_writes_has_a_profile_and_each_profile_says_all(void **state)
{
	(void)state;
	for (size_t i = 0; codecs()[i]; i++) {
		const struct book_profile *p = profile_named(codecs()[i]->name);
		if (p == NULL && codecs()[i]->flags & CODEC_ENCODE)
			fail_msg("%s has no profile", codecs()[i]->name);
	}
	for (size_t i = 0; profiles()[i]; i++) {
		const struct book_profile *p = profiles()[i];
		assert_true(*p->name && *p->title && *p->family && *p->codec && *p->charset);
		assert_non_null(p->protocols);
		assert_non_null(p->volatile_extras);
		assert_non_null(p->side_effects);
		assert_true(p->kinds & 1u << DEST_EMAIL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits_stand_with_their_evidence),
		cmocka_unit_test(a_canon_of_type_I_holds_1600_in_ten_lists_and_200_one_touch_keys),
		cmocka_unit_test(types_II_and_III_have_two_lists_and_lose_their_workflows),
		cmocka_unit_test(kinds_are_those_of_the_table),
		cmocka_unit_test(letters_are_the_makers_own),
		cmocka_unit_test(a_profile_is_found_by_family_variant_codec_and_model),
		cmocka_unit_test(each_codec_that_writes_has_a_profile_and_each_profile_says_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
