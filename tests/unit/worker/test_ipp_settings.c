// SPDX-License-Identifier: Apache-2.0
/* Settings of an IPP printer, wanted against present (devices.md section 8): what differs, what of
 * it can be set, the request that sets it, byte for byte, and the three ways servers answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gen/errors.h"
#include "services/worker/adapters/ipp_session.h"
#include "services/worker/adapters/ipp_settings.h"
#include "tests/unit/worker/ipp_bytes.h"

enum {
	BOOLEAN = 0x22,
	RANGE = 0x33,
	BEGIN = 0x34,
	TEXT_LANG = 0x35,
	RESOLUTION = 0x32,
	END = 0x37,
	NAME = 0x42,
	MEMBER = 0x4a,
	UNSUPPORTED = 5,
	NO_VALUE = 0x13,
	NOT_SETTABLE = 0x15
};

static struct arena memory;
static struct buf present, wanted;
static struct ipp_changes found;

static int set_up(void **state unused)
{
	arena_init(&memory, 0);
	return 0;
}

static void fresh(void)
{
	buf_fini(&present);
	buf_fini(&wanted);
	present = wanted = BUF_INIT;
}

static int tear_down(void **state unused)
{
	fresh();
	arena_fini(&memory);
	return 0;
}

/* A printer that lets these be set. */
static void printer(struct buf *b, const char *uuid)
{
	begin(b, 0);
	operation(b);
	string(b, KEYWORD, "printer-settable-attributes-supported", "printer-location");
	string(b, KEYWORD, "", "printer-organization");
	string(b, KEYWORD, "", "copies-default");
	string(b, KEYWORD, "", "media-default");
	string(b, KEYWORD, "", "media-col-default");
	string(b, KEYWORD, "", "printer-resolution-default");
	if (uuid)
		string(b, URI, "printer-uuid", uuid);
}

static const struct ipp_change *change(const char *name)
{
	for (size_t i = 0; i < found.n; i++)
		if (strcmp(found.change[i].name, name) == 0)
			return &found.change[i];
	return NULL;
}

static void compare(void)
{
	struct fault f = FAULT_INIT;

	end(&present);
	end(&wanted);
	assert_int_equal(
		ipp_compare(buf_span(&present), buf_span(&wanted), &memory, &found, &f), 0);
}

/* ---- what differs ---- */

static void only_what_differs_and_can_be_set_is_set(void **state unused)
{
	printer(&present, "urn:uuid:1");
	string(&present, TEXT, "printer-location", "Lyon");
	string(&present, KEYWORD, "media-default", "iso_a4");
	number(&present, INTEGER, "copies-default", 1);
	string(&present, CHARSET, "charset-configured", "utf-8");
	printer(&wanted, "urn:uuid:1");
	string(&wanted, TEXT, "printer-location", "Paris");
	string(&wanted, KEYWORD, "media-default", "iso_a4");
	string(&wanted, TEXT, "printer-organization", "Acme");
	string(&wanted, CHARSET, "charset-configured", "us-ascii");
	number(&wanted, INTEGER, "printer-up-time", 7);
	compare();
	assert_int_equal(found.n, 4);
	assert_int_equal(found.unchanged, 1);
	assert_string_equal(change("printer-location")->before, "Lyon");
	assert_string_equal(change("printer-location")->after, "Paris");
	assert_int_equal(change("printer-location")->hindrance, IPP_CAN_BE_SET);
	assert_null(change("printer-organization")->before);
	assert_string_equal(change("copies-default")->before, "1");
	assert_null(change("copies-default")->after);
	assert_int_equal(change("charset-configured")->hindrance, IPP_NOT_SETTABLE);
}

static void pappls_spelling_of_the_list_counts_too(void **state unused)
{
	begin(&present, 0);
	operation(&present);
	string(&present, KEYWORD, "printer-settable-attributes", "label-mode-configured");
	string(&present, KEYWORD, "label-mode-configured", "tear-off");
	begin(&wanted, 0);
	operation(&wanted);
	string(&wanted, KEYWORD, "label-mode-configured", "cutter");
	compare();
	assert_int_equal(change("label-mode-configured")->hindrance, IPP_CAN_BE_SET);
}

/* What says which printer it is, is of class A (import-export.md 3.6). */
static void another_printers_name_and_place_stay_there(void **state unused)
{
	printer(&present, "urn:uuid:1");
	string(&present, TEXT, "printer-location", "Lyon");
	number(&present, INTEGER, "copies-default", 1);
	printer(&wanted, "urn:uuid:2");
	string(&wanted, TEXT, "printer-location", "Paris");
	number(&wanted, INTEGER, "copies-default", 2);
	compare();
	assert_int_equal(change("printer-location")->hindrance, IPP_OF_ANOTHER);
	assert_int_equal(change("copies-default")->hindrance, IPP_CAN_BE_SET);
	assert_null(change("printer-uuid"));
	assert_null(change("printer-settable-attributes-supported"));
}

static void text_name_and_keyword_of_equal_words_are_equal(void **state unused)
{
	printer(&present, NULL);
	string(&present, NAME, "media-default", "iso_a4");
	value(&present, TEXT_LANG, "printer-location",
		"\x00\x02"
		"fr\x00\x04Lyon",
		10);
	printer(&wanted, NULL);
	string(&wanted, KEYWORD, "media-default", "iso_a4");
	string(&wanted, TEXT, "printer-location", "Lyon");
	compare();
	assert_int_equal(found.n, 0);
}

static void member(struct buf *b, const char *name, const char *keyword)
{
	string(b, MEMBER, "", name);
	string(b, KEYWORD, "", keyword);
}

static void collection(struct buf *b, const char *first, const char *second, const char *type)
{
	value(b, BEGIN, "media-col-default", "", 0);
	member(b, first, strcmp(first, "media-type") == 0 ? type : "main");
	member(b, second, strcmp(second, "media-type") == 0 ? type : "main");
	value(b, END, "", "", 0);
}

static void members_of_a_collection_have_no_order(void **state unused)
{
	printer(&present, NULL);
	collection(&present, "media-type", "media-source", "labels");
	printer(&wanted, NULL);
	collection(&wanted, "media-source", "media-type", "labels");
	compare();
	assert_int_equal(found.n, 0);
	fresh();
	printer(&present, NULL);
	collection(&present, "media-type", "media-source", "labels");
	printer(&wanted, NULL);
	collection(&wanted, "media-type", "media-source", "plain");
	compare();
	assert_int_equal(found.n, 1);
}

static void numbers_of_each_syntax_are_compared(void **state unused)
{
	static const struct {
		int tag;
		const char *a, *b;
		size_t n;
	} cases[] = {{INTEGER, "\0\0\0\1", "\0\0\0\2", 4}, {BOOLEAN, "\0", "\1", 1},
		{RANGE, "\0\0\0\1\0\0\0\5", "\0\0\0\1\0\0\0\6", 8},
		{RESOLUTION, "\0\0\1\0\0\0\1\0\3", "\0\0\1\0\0\0\1\0\4", 9}, {NO_VALUE, "", "", 0}};

	for (size_t i = 0; i < array_len(cases); i++) {
		bool differ = memcmp(cases[i].a, cases[i].b, cases[i].n) != 0;
		printer(&present, NULL);
		value(&present, cases[i].tag, "printer-resolution-default", cases[i].a, cases[i].n);
		printer(&wanted, NULL);
		value(&wanted, cases[i].tag, "printer-resolution-default", cases[i].b, cases[i].n);
		compare();
		assert_int_equal(found.n, differ);
		fresh();
	}
	printer(&present, NULL);
	value(&present, NO_VALUE, "media-default", "", 0);
	printer(&wanted, NULL);
	string(&wanted, KEYWORD, "media-default", "iso_a4");
	compare();
	assert_int_equal(found.n, 1);
}

static void what_is_no_answer_is_said_to_be_none(void **state unused)
{
	struct fault f = FAULT_INIT;
	struct span junk = {(const uint8_t *)"<html>no</html>", 15};

	printer(&present, NULL);
	end(&present);
	assert_int_equal(ipp_compare(buf_span(&present), junk, &memory, &found, &f), -1);
	assert_int_equal(f.code, CN_PARSE_ERROR);
	f = FAULT_INIT;
	assert_int_equal(ipp_compare(junk, buf_span(&present), &memory, &found, &f), -1);
	assert_int_equal(f.code, CN_PROTOCOL_ERROR);
}

/* ---- the request ---- */

static void the_set_is_exactly_this(void **state unused)
{
	static const char *names[] = {"printer-location", "copies-default"};
	static const char request[] = "\x02\x00\x00\x13\x00\x00\x00\x01\x01"
				      "\x47\x00\x12"
				      "attributes-charset\x00\x05utf-8"
				      "\x48\x00\x1b"
				      "attributes-natural-language\x00\x02"
				      "en"
				      "\x45\x00\x0bprinter-uri\x00\x09ipp://h/p"
				      "\x42\x00\x14requesting-user-name\x00\x06"
				      "carnet";
	struct ipp_names set = {.name = names, .n = 2};
	struct buf b = BUF_INIT, should = BUF_INIT;

	printer(&wanted, NULL);
	string(&wanted, TEXT, "printer-location", "Paris");
	string(&wanted, KEYWORD, "media-default", "iso_a4");
	end(&wanted);
	buf_add(&should, request, sizeof(request) - 1);
	buf_addc(&should, 4);
	string(&should, TEXT, "printer-location", "Paris");
	value(&should, 0x16, "copies-default", "", 0); /* delete-attribute: wanted has none */
	buf_addc(&should, 3);
	ipp_set_attributes(&b, "ipp://h/p", 0x0200, buf_span(&wanted), &set);
	assert_int_equal(b.n, should.n);
	assert_memory_equal(b.p, should.p, b.n);
	buf_fini(&b);
	buf_fini(&should);
}

/* ---- three ways to answer ---- */

static struct ipp_set_answer answer(unsigned status, int tag)
{
	struct ipp_set_answer r;
	struct fault f = FAULT_INIT;
	struct buf b;

	begin(&b, status);
	string(&b, CHARSET, "attributes-charset", "utf-8");
	string(&b, LANGUAGE, "attributes-natural-language", "en");
	if (tag) {
		buf_addc(&b, UNSUPPORTED);
		value(&b, tag, "copies-default", "\0\0\0\7", tag == INTEGER ? 4 : 0);
	}
	end(&b);
	assert_int_equal(ipp_read_set_answer(buf_span(&b), &memory, &r, &f), 0);
	buf_fini(&b);
	return r;
}

static void what_was_refused_stands_in_the_unsupported_group_whatever_the_status(
	void **state unused)
{
	struct ipp_set_answer r = answer(0x0000, 0); /* cupsd: silence */

	assert_int_equal(r.refused.n, 0);
	r = answer(0x040b, INTEGER); /* PAPPL: nothing was set */
	assert_true(ipp_set_again(r.status));
	assert_string_equal(r.refused.name[0], "copies-default");
	r = answer(0x0000, NOT_SETTABLE); /* ippserver: the rest was */
	assert_false(ipp_set_again(r.status));
	assert_int_equal(r.refused.n, 1);
	assert_true(ipp_set_again(0x0413));
	assert_false(ipp_set_again(0x0507));
}

/* ---- read back ---- */

static bool same(const char *const *refused, size_t n, const char *location)
{
	struct errand e = {.seen = {.refused = refused, .n_refused = n}};
	struct image_item w, s;
	bool r;

	printer(&wanted, NULL);
	string(&wanted, TEXT, "printer-location", "Paris");
	number(&wanted, INTEGER, "copies-default", 2);
	string(&wanted, CHARSET, "charset-configured", "us-ascii");
	end(&wanted);
	printer(&present, NULL);
	string(&present, TEXT, "printer-location", location);
	number(&present, INTEGER, "copies-default", 1);
	end(&present);
	w = (struct image_item){.name = "settings", .bytes = buf_span(&wanted)};
	s = (struct image_item){.name = "settings", .bytes = buf_span(&present)};
	r = ipp_same(&e, &w, &s);
	fresh();
	return r;
}

static void read_back_what_was_refused_may_differ_and_nothing_else(void **state unused)
{
	static const char *const refused[] = {"copies-default"};

	assert_true(same(refused, 1, "Paris"));
	assert_false(same(refused, 1, "Lyon"));
	assert_false(same(NULL, 0, "Paris"));
}

static void the_plan_counts_attributes_and_says_what_cannot_be_set(void **state unused)
{
	struct errand e = {.arena = &memory};
	struct image_item b, w;
	struct image before = {.item = &b, .n_items = 1}, to = {.item = &w, .n_items = 1};
	struct m_device_plan plan = {.add = 0};
	struct fault f = FAULT_INIT;

	printer(&present, "urn:uuid:1");
	string(&present, TEXT, "printer-location", "Lyon");
	number(&present, INTEGER, "copies-default", 1);
	end(&present);
	printer(&wanted, "urn:uuid:1");
	string(&wanted, TEXT, "printer-location", "Par\x1bis");
	string(&wanted, TEXT, "printer-organization", "Acme");
	string(&wanted, CHARSET, "charset-configured", "us-ascii");
	end(&wanted);
	b = (struct image_item){.bytes = buf_span(&present)};
	w = (struct image_item){.bytes = buf_span(&wanted)};
	e.before = &before;
	e.wanted = &to;
	assert_int_equal(ipp_foresee(&e, &plan, &f), 0);
	assert_int_equal(plan.add, 1);
	assert_int_equal(plan.change, 1);
	assert_int_equal(plan.remove, 1);
	assert_int_equal(plan.lists_n, 1);
	assert_string_equal(plan.lists[0].list, "settings");
	assert_int_equal(plan.changes_n, 3);
	assert_string_equal(plan.changes[0].op, "change");
	assert_string_equal(plan.changes[0].name, "printer-location");
	assert_string_equal(plan.changes[0].after, "Par?is"); /* no escape reaches a terminal */
	assert_int_equal(plan.notes_n, 1);
	assert_string_equal(plan.notes[0].kind, "refused");
	assert_string_equal(plan.notes[0].reason, "not_settable");
	assert_false(plan.cut);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			only_what_differs_and_can_be_set_is_set, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			pappls_spelling_of_the_list_counts_too, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			another_printers_name_and_place_stay_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			text_name_and_keyword_of_equal_words_are_equal, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			members_of_a_collection_have_no_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			numbers_of_each_syntax_are_compared, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_is_no_answer_is_said_to_be_none, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_set_is_exactly_this, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_was_refused_stands_in_the_unsupported_group_whatever_the_status,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			read_back_what_was_refused_may_differ_and_nothing_else, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			the_plan_counts_attributes_and_says_what_cannot_be_set, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
