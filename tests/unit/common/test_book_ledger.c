// SPDX-License-Identifier: Apache-2.0
/* The loss ledger: severities, what must be accepted, the hash an acceptance is bound to, its forms
 * (docs/spec/address-books.md 10.3, AB-29, AB-31). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "common/book/ledger.h"

static void severities_are_those_of_the_table(void **state)
{
	static const char *const table[LEDGER_ACTIONS][2] = {
		{"dropped", "loss"},
		{"entry_dropped", "loss"},
		{"cut", "loss"},
		{"reencoded", "change"},
		{"transliterated", "loss"},
		{"remapped", "change"},
		{"split", "change"},
		{"merged", "change"},
		{"renumbered", "change"},
		{"defaulted", "change"},
		{"secret_needed", "action"},
		{"member_lost", "loss"},
		{"duplicate", "warning"},
		{"side_effect", "destructive"},
	};

	(void)state;
	for (int i = 0; i < LEDGER_ACTIONS; i++) {
		int action = ledger_action_named(table[i][0]);
		assert_true(action >= 0);
		assert_string_equal(ledger_action_name((enum ledger_action)action), table[i][0]);
		assert_string_equal(
			ledger_severity_name(ledger_severity((enum ledger_action)action)),
			table[i][1]);
	}
	assert_int_equal(ledger_action_named("forgotten"), -1);
}

static void AB_29_losses_actions_and_destruction_must_be_accepted(void **state)
{
	struct ledger l;

	(void)state;
	ledger_init(&l);
	assert_int_equal(ledger_losses(&l), 0);
	ledger_add(&l, &(struct ledger_line){.action = LEDGER_REENCODED});
	ledger_add(&l, &(struct ledger_line){.action = LEDGER_DUPLICATE});
	ledger_add(&l, &(struct ledger_line){.action = LEDGER_RENUMBERED});
	assert_int_equal(ledger_losses(&l), 0);
	ledger_add(&l, &(struct ledger_line){.action = LEDGER_CUT});
	ledger_add(&l, &(struct ledger_line){.action = LEDGER_SECRET_NEEDED});
	ledger_add(&l, &(struct ledger_line){.action = LEDGER_SIDE_EFFECT});
	assert_int_equal(ledger_losses(&l), 3);
	ledger_fini(&l);
}

static void hash_of(const struct ledger_line *v, size_t n, uint8_t hash[static 32])
{
	struct ledger l;

	ledger_init(&l);
	for (size_t i = 0; i < n; i++)
		ledger_add(&l, &v[i]);
	ledger_hash(&l, hash);
	ledger_fini(&l);
}

static void AB_29_an_acceptance_is_bound_to_each_word_and_to_the_order(void **state)
{
	const struct ledger_line cut = {
		.action = LEDGER_CUT, .key = "1", .field = "name", .before = "Ana", .after = "An"};
	struct ledger_line v[3] = {cut, {.action = LEDGER_DROPPED, .key = "2"}, cut};
	uint8_t first[32];
	uint8_t other[32];

	(void)state;
	hash_of(v, 2, first);
	hash_of(v, 2, other);
	assert_memory_equal(first, other, 32);
	hash_of(v + 1, 2, other);
	assert_memory_not_equal(first, other, 32);
	hash_of(v, 3, other);
	assert_memory_not_equal(first, other, 32);
	v[0].action = LEDGER_REMAPPED;
	hash_of(v, 2, other);
	assert_memory_not_equal(first, other, 32);
	/* a letter that moves over a border between two texts */
	v[0] = cut;
	v[0].before = "AnaA";
	v[0].after = "n";
	hash_of(v, 2, other);
	assert_memory_not_equal(first, other, 32);
}

static void AB_31_the_ledger_is_told_as_JSON_and_as_CSV(void **state)
{
	struct ledger l;
	struct buf out = BUF_INIT;

	(void)state;
	ledger_init(&l);
	ledger_add(&l, &(struct ledger_line){.action = LEDGER_CUT,
			       .list = "1",
			       .key = "201",
			       .name = "=cmd \"x\", y",
			       .field = "name",
			       .before = "鈴木 一郎",
			       .after = "鈴木",
			       .reason = "20 characters at most"});
	ledger_json(&l, &out);
	json_t *j = json_loads(buf_str(&out), 0, NULL);
	const json_t *o = json_array_get(j, 0);
	assert_int_equal(json_array_size(j), 1);
	assert_string_equal(json_string_value(json_object_get(o, "action")), "cut");
	assert_string_equal(json_string_value(json_object_get(o, "severity")), "loss");
	assert_string_equal(json_string_value(json_object_get(o, "name")), "=cmd \"x\", y");
	assert_string_equal(json_string_value(json_object_get(o, "after")), "鈴木");
	json_decref(j);
	buf_reset(&out);
	ledger_csv(&l, &out);
	assert_string_equal(buf_str(&out),
		"action,list,key,name,field,before,after,reason,severity\r\n"
		"\"cut\",\"1\",\"201\",\"'=cmd \"\"x\"\", y\",\"name\",\"鈴木 一郎\",\"鈴木\","
		"\"20 characters at most\",\"loss\"\r\n");
	buf_fini(&out);
	ledger_fini(&l);
}

static void a_ledger_owns_its_words(void **state)
{
	struct ledger l;
	char name[8] = "Ana";

	(void)state;
	ledger_init(&l);
	for (int i = 0; i < 1000; i++)
		ledger_add(&l, &(struct ledger_line){.action = LEDGER_CUT, .name = name});
	name[0] = 'X';
	assert_int_equal(l.n, 1000);
	assert_string_equal(l.line[0].name, "Ana");
	assert_string_equal(l.line[999].name, "Ana");
	assert_string_equal(l.line[0].before, "");
	ledger_fini(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(severities_are_those_of_the_table),
		cmocka_unit_test(AB_29_losses_actions_and_destruction_must_be_accepted),
		cmocka_unit_test(AB_29_an_acceptance_is_bound_to_each_word_and_to_the_order),
		cmocka_unit_test(AB_31_the_ledger_is_told_as_JSON_and_as_CSV),
		cmocka_unit_test(a_ledger_owns_its_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
