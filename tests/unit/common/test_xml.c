// SPDX-License-Identifier: Apache-2.0
/* XML as printers send it: where each element stands, and what is refused within bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/buf.h"
#include "common/text/xml.h"
#include "gen/errors.h"

#define BYTES(s) ((struct span){(const uint8_t *)(s), sizeof(s) - 1})

static const struct xml_limits LIMITS = {
	.depth = 64, .nodes = 100000, .attributes = 256, .text = 65536};

static struct arena arena;
static struct xml_place place;
static struct fault fault;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, (size_t)64 * 1024 * 1024);
	fault = FAULT_INIT;
	place = (struct xml_place){.line = 0};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

static struct xml_node *parsed(struct span file)
{
	struct xml_node *root = xml_parse(&arena, file, &LIMITS, &place, &fault);

	if (!root)
		fail_msg("line %u, column %u: %s", place.line, place.column, fault.detail);
	return root;
}

static void refused(struct span file, int code, const char *reason)
{
	assert_null(xml_parse(&arena, file, &LIMITS, &place, &fault));
	if (fault.code != code || strcmp(fault.reason, reason) != 0)
		fail_msg("CN-%d %s (%s), expected CN-%d %s", fault.code, fault.reason, fault.detail,
			code, reason);
}

static void refused_at(struct span file, int code, const char *reason, uint32_t line,
	uint32_t column, uint32_t byte)
{
	refused(file, code, reason);
	if (place.line != line || place.column != column || place.byte != byte)
		fail_msg("line %u, column %u, byte %u: %s", place.line, place.column, place.byte,
			fault.detail);
}

static void is_slice(struct span file, uint32_t begin, uint32_t end, const char *expected)
{
	assert_int_equal(end - begin, strlen(expected));
	assert_memory_equal(file.p + begin, expected, end - begin);
}

static void every_element_knows_its_bytes(void **state)
{
	static const char FILE_[] =
		"\xef\xbb\xbf<?xml version='1.0'?>\r\n<a>\n <b x='1'>caf\xc3\xa9"
		"</b><c/>\n <b></b>\n</a>\n";
	struct span file = BYTES(FILE_);
	const struct xml_node *a = parsed(file), *b = xml_child(a, "b"), *c = xml_child(a, "c");

	(void)state;
	is_slice(file, b->begin, b->end, "<b x='1'>caf\xc3\xa9</b>");
	is_slice(file, b->inner_begin, b->inner_end, "caf\xc3\xa9");
	is_slice(file, c->begin, c->end, "<c/>");
	assert_int_equal(c->inner_begin, c->end);
	assert_int_equal(c->inner_end, c->end);
	b = xml_next(b, "b");
	is_slice(file, b->begin, b->end, "<b></b>");
	assert_int_equal(b->inner_begin, b->inner_end);
	assert_int_equal(a->end, file.n - 1);
	assert_int_equal(a->line, 2);
	assert_int_equal(c->line, 3);
	assert_int_equal(c->column, 2 + strlen("<b x='1'>cafe</b>"));
	assert_null(xml_next(b, "b"));
}

static void names_are_local_and_namespaces_are_told(void **state)
{
	const struct xml_node *a =
		parsed(BYTES("<k:a xmlns:k='urn:k' xmlns='urn:d'><b k:x='1' y='2'/><k:b/></k:a>"));
	const struct xml_node *b = xml_child(a, "b");

	(void)state;
	assert_string_equal(a->name, "a");
	assert_string_equal(a->ns, "urn:k");
	assert_int_equal(a->n_attrs, 0);
	assert_string_equal(b->ns, "urn:d");
	assert_string_equal(xml_attribute(b, "x"), "1");
	assert_string_equal(xml_attribute(b, "y"), "2");
	assert_null(xml_attribute(b, "z"));
	assert_string_equal(b->next->ns, "urn:k");
	assert_string_equal(xml_child(parsed(BYTES("<a><b/></a>")), "b")->ns, "");
}

static void text_is_joined_from_all_its_forms(void **state)
{
	const struct xml_node *a = parsed(BYTES(
		"<a> <b> &amp;&#65;<![CDATA[<&]]><!-- no --><?no no?>&lt;\r\n&#13;</b>mixed</a>"));

	(void)state;
	assert_string_equal(xml_child_text(a, "b"), " &A<&<\n\r");
	assert_string_equal(a->text, "");
	assert_string_equal(xml_child_text(a, "none"), "");
}

static void several_documents_stand_behind_each_other(void **state)
{
	static const char FILE_[] =
		"<?xml version='1.0'?>\n<a>1</a>\n<?xml version='1.0'?><b>\n2</b><!-- x --><c/>\n";
	struct span file = BYTES(FILE_);
	const struct xml_node *a = parsed(file), *b = a->next;

	(void)state;
	is_slice(file, b->begin, b->end, "<b>\n2</b>");
	assert_int_equal(b->line, 3);
	assert_int_equal(b->column, 22);
	is_slice(file, b->next->begin, b->next->end, "<c/>");
	assert_int_equal(b->next->line, 4);
	assert_int_equal(b->next->column, 16);
	assert_null(b->next->next);
}

static void a_fault_says_its_place_in_characters_and_in_bytes(void **state)
{
	(void)state;
	refused_at(
		BYTES("<a>\n<b>\xc3\xa9\xc3\xa9</c></a>"), CN_PARSE_ERROR, "malformed", 2, 8, 10);
	refused_at(BYTES("<a/>\n <b></b\n"), CN_PARSE_ERROR, "malformed", 2, 5, 5);
	refused_at(BYTES("<a></a>x"), CN_PARSE_ERROR, "malformed", 1, 8, 8);
	refused_at(BYTES(" "), CN_PARSE_ERROR, "malformed", 1, 2, 2);
	refused(BYTES(""), CN_PARSE_ERROR, "malformed");
	refused(BYTES("<a"), CN_PARSE_ERROR, "malformed");
	refused(BYTES("<a>&nbsp;</a>"), CN_PARSE_ERROR, "malformed");
	refused(BYTES("<k:a/>"), CN_PARSE_ERROR, "malformed");
	refused(BYTES("<a b='1' b='2'/>"), CN_PARSE_ERROR, "malformed");
	refused(BYTES("<a>\x01</a>"), CN_PARSE_ERROR, "malformed");
}

static void a_doctype_is_refused_with_whatever_it_defines(void **state)
{
	(void)state;
	refused_at(BYTES("<!DOCTYPE a>\n<a/>"), CN_PARSE_ERROR, "doctype", 1, 12, 12);
	refused(BYTES("<!DOCTYPE a SYSTEM 'http://192.0.2.1/x'><a/>"), CN_PARSE_ERROR, "doctype");
	refused(BYTES("<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>"),
		CN_PARSE_ERROR, "doctype");
	refused(BYTES("<!DOCTYPE l [<!ENTITY l 'lol'><!ENTITY m '&l;&l;&l;&l;&l;&l;&l;&l;'>"
		      "<!ENTITY n '&m;&m;&m;&m;&m;&m;&m;'>]><l>&n;</l>"),
		CN_PARSE_ERROR, "doctype");
}

static void other_charsets_than_utf_8_are_refused(void **state)
{
	(void)state;
	(void)parsed(BYTES("<?xml version='1.0' encoding='utf-8'?><a/>"));
	(void)parsed(BYTES("<?xml version='1.0' encoding='us-ascii'?><a/>"));
	refused_at(BYTES("<a>\n\xc3\xa9\xe9</a>"), CN_CHARSET_ERROR, "charset", 2, 2, 3);
	refused(BYTES("<a>\xed\xa0\x80</a>"), CN_CHARSET_ERROR, "charset");
	refused(BYTES("<a>\xc0\xaf</a>"), CN_CHARSET_ERROR, "charset");
	refused(BYTES("<a>\xc3"), CN_CHARSET_ERROR, "charset");
	refused(BYTES("<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>"), CN_CHARSET_ERROR,
		"charset");
	refused(BYTES("<?xml version='1.0' encoding='Shift_JIS'?><a/>"), CN_CHARSET_ERROR,
		"charset");
	refused(BYTES("<?xml version='1.0' encoding='UTF-16'?><a/>"), CN_CHARSET_ERROR, "charset");
	refused(BYTES("<?xml version='1.0' encoding='us-ascii'?><a>\xc3\xa9</a>"), CN_CHARSET_ERROR,
		"charset");
	refused(BYTES("\xff\xfe<\0a\0/\0>\0"), CN_CHARSET_ERROR, "charset");
	refused(BYTES("<\0a\0/\0>\0"), CN_CHARSET_ERROR, "charset");
	refused(BYTES("\xfe\xff\0<\0a\0/\0>"), CN_CHARSET_ERROR, "charset");
	refused_at(BYTES("<a>ab\0c</a>"), CN_PARSE_ERROR, "nul", 1, 6, 6);
}

/* ---- bounds ---- */

static void repeat(struct buf *b, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_adds(b, s);
}

static void is_too_big(struct buf *b)
{
	refused(buf_span(b), CN_RESPONSE_TOO_BIG, "too_big");
	buf_fini(b);
	teardown(NULL);
	setup(NULL);
}

static void nesting_has_a_bound(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	repeat(&b, "<a>", 64);
	repeat(&b, "</a>", 64);
	(void)parsed(buf_span(&b));
	buf_reset(&b);
	repeat(&b, "<a>", 65);
	is_too_big(&b);
	repeat(&b, "<a>", 1000000);
	is_too_big(&b);
}

static void elements_have_a_bound(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	buf_adds(&b, "<a>");
	repeat(&b, "<b/>", 99999);
	buf_adds(&b, "</a>");
	(void)parsed(buf_span(&b));
	b.n -= strlen("</a>");
	repeat(&b, "<b/>", 1);
	is_too_big(&b);
	repeat(&b, "<a/>", 4096);
	(void)parsed(buf_span(&b));
	repeat(&b, "<a/>", 1);
	is_too_big(&b);
}

static void attributes_have_a_bound(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	buf_adds(&b, "<a");
	for (int i = 0; i < 257; i++)
		buf_addf(&b, " a%d=''", i);
	buf_adds(&b, "/>");
	is_too_big(&b);
	buf_adds(&b, "<a");
	for (int i = 0; i < 1000000; i++)
		buf_addf(&b, " a%d='%d'", i, i);
	buf_adds(&b, "/>");
	is_too_big(&b);
	buf_adds(&b, "<a");
	for (int i = 0; i < 5000; i++)
		buf_addf(&b, " xmlns:a%d='u'", i);
	buf_adds(&b, "/>");
	is_too_big(&b);
	buf_adds(&b, "<a b='");
	repeat(&b, "x", 65537);
	buf_adds(&b, "'/>");
	is_too_big(&b);
}

static void text_has_a_bound(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	buf_adds(&b, "<a>");
	repeat(&b, "x", 65536);
	buf_adds(&b, "</a>");
	assert_int_equal(strlen(parsed(buf_span(&b))->text), 65536);
	b.n -= strlen("</a>");
	buf_adds(&b, "x</a>");
	is_too_big(&b);
}

/* A comment never ends: expat would begin it anew with each piece. */
static void a_tag_has_a_bound(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	buf_adds(&b, "<a><!-- ");
	repeat(&b, "0123456789abcdef", (size_t)4 * 1024 * 1024);
	is_too_big(&b);
}

static void memory_has_a_bound(void **state)
{
	static const struct xml_limits MANY = {64, UINT32_MAX, 256, 65536};
	struct buf b = BUF_INIT;

	(void)state;
	buf_adds(&b, "<a>");
	repeat(&b, "<b/>", 200000);
	arena.cap = (size_t)1024 * 1024;
	assert_null(xml_parse(&arena, buf_span(&b), &MANY, NULL, &fault));
	assert_int_equal(fault.code, CN_RESPONSE_TOO_BIG);
	assert_true(arena.used <= arena.cap);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_element_knows_its_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(
			names_are_local_and_namespaces_are_told, setup, teardown),
		cmocka_unit_test_setup_teardown(text_is_joined_from_all_its_forms, setup, teardown),
		cmocka_unit_test_setup_teardown(
			several_documents_stand_behind_each_other, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_fault_says_its_place_in_characters_and_in_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_doctype_is_refused_with_whatever_it_defines, setup, teardown),
		cmocka_unit_test_setup_teardown(
			other_charsets_than_utf_8_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(nesting_has_a_bound, setup, teardown),
		cmocka_unit_test_setup_teardown(elements_have_a_bound, setup, teardown),
		cmocka_unit_test_setup_teardown(attributes_have_a_bound, setup, teardown),
		cmocka_unit_test_setup_teardown(text_has_a_bound, setup, teardown),
		cmocka_unit_test_setup_teardown(a_tag_has_a_bound, setup, teardown),
		cmocka_unit_test_setup_teardown(memory_has_a_bound, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
