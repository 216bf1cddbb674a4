// SPDX-License-Identifier: Apache-2.0
/* Envelopes and answers of SOAP (devices.md section 5 to 7, DV-8). */
#include <string.h>

#include "gen/errors.h"
#include "services/worker/adapters/soap.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct soap_style STYLE = {
	.ns = SOAP_11, .prefix = "s", .attributes = " a=\"b\"", .declaration = true};

static int parse(struct arena *a, const char *text, struct soap_answer *ret, struct fault *f)
{
	*f = FAULT_INIT;
	return soap_parse(a, (struct span){(const uint8_t *)text, strlen(text)}, ret, f);
}

static void an_envelope_is_written_with_and_without_a_header(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	soap_begin(&b, &STYLE, "");
	soap_element(&b, "x", "1");
	soap_end(&b, &STYLE);
	assert_string_equal(buf_str(&b),
		"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<s:Envelope xmlns:s=\"" SOAP_11
		"\" a=\"b\"><s:Body><x>1</x></s:Body></s:Envelope>");
	buf_reset(&b);
	soap_begin(
		&b, &(struct soap_style){.ns = SOAP_12, .prefix = "E", .attributes = ""}, "<h/>");
	assert_string_equal(buf_str(&b),
		"<E:Envelope xmlns:E=\"" SOAP_12 "\"><E:Header><h/></E:Header><E:Body>");
	buf_fini(&b);
}

static void texts_are_escaped_and_what_xml_cannot_hold_is_refused(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	soap_text(&b, "a<b>&\"c\"\r\n\té");
	assert_string_equal(buf_str(&b), "a&lt;b&gt;&amp;\"c\"&#13;\n\té");
	assert_false(b.err);
	soap_text(&b, "bell\a");
	assert_true(b.err);
	buf_reset(&b);
	soap_text(&b, "half \xc3");
	assert_true(b.err);
	buf_reset(&b);
	soap_text(&b, "\xef\xbf\xbf"); /* U+FFFF */
	assert_true(b.err);
	buf_fini(&b);
}

static void answers_are_found_by_name_whatever_the_prefix(void **state)
{
	static const char TEXT[] =
		"<e:Envelope xmlns:e=\"" SOAP_11 "\"><e:Header><k>9</k></e:Header><e:Body>"
		"<z:r xmlns:z=\"urn:a\"><Result><Info>\n Ack </Info><Size>100</Size></Result>"
		"<i>1</i><i>2</i></z:r></e:Body></e:Envelope>";
	struct soap_answer answer;
	struct fault f;
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	assert_int_equal(parse(&a, TEXT, &answer, &f), 0);
	assert_false(answer.is_fault);
	assert_non_null(answer.header);
	assert_true(soap_is(answer.body, "urn:a", "r"));
	assert_false(soap_is(answer.body, "urn:b", "r"));
	assert_true(soap_is(answer.body, NULL, "r"));
	assert_non_null(soap_child(answer.body, "", "Result"));
	assert_null(soap_child(answer.body, "urn:a", "Result"));
	assert_string_equal(soap_text_at(&a, answer.body, "Result/Info"), "Ack");
	assert_string_equal(soap_text_at(&a, answer.body, "Result/None"), "");
	assert_int_equal(soap_number_at(answer.body, "Result/Size"), 100);
	assert_int_equal(soap_number_at(answer.body, "Result/Info"), -1);
	const struct xml_node *i = soap_child(answer.body, NULL, "i");
	i = soap_next(i, NULL, "i");
	assert_string_equal(i->text, "2");
	assert_null(soap_next(i, NULL, "i"));
	arena_fini(&a);
}

static void a_fault_of_either_version_is_understood(void **state)
{
	struct soap_answer answer;
	struct fault f;
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	assert_int_equal(
		parse(&a,
			"<s:Envelope xmlns:s=\"" SOAP_11 "\"><s:Body><s:Fault><faultcode>s:Server"
			"</faultcode><faultstring>no</faultstring><detail><e><c>7</c></e></detail>"
			"</s:Fault></s:Body></s:Envelope>",
			&answer, &f),
		0);
	assert_true(answer.is_fault);
	assert_string_equal(answer.code, "s:Server");
	assert_string_equal(answer.text, "no");
	assert_int_equal(soap_number_at(answer.detail, "e/c"), 7);
	assert_int_equal(
		parse(&a,
			"<s:Envelope xmlns:s=\"" SOAP_12 "\"><s:Body><s:Fault><s:Code><s:Value>q"
			"</s:Value></s:Code><s:Reason><s:Text>nein</s:Text></s:Reason></s:Fault>"
			"</s:Body></s:Envelope>",
			&answer, &f),
		0);
	assert_true(answer.is_fault);
	assert_string_equal(answer.code, "q");
	assert_string_equal(answer.text, "nein");
	assert_null(answer.detail);
	arena_fini(&a);
}

static int code_of(const char *text)
{
	struct soap_answer answer;
	struct fault f;
	struct arena a;

	arena_init(&a, 0);
	int rc = parse(&a, text, &answer, &f);
	arena_fini(&a);
	return rc == 0 ? 0 : f.code;
}

static void what_is_no_answer_is_refused_with_its_cause(void **state)
{
	struct buf deep = BUF_INIT;

	(void)state;
	assert_int_equal(code_of("<html>login</html>"), CN_PROTOCOL_ERROR);
	assert_int_equal(code_of("<s:Envelope xmlns:s=\"" SOAP_11 "\"/>"), CN_PROTOCOL_ERROR);
	assert_int_equal(code_of("<s:Envelope xmlns:s=\"urn:other\"><s:Body/></s:Envelope>"),
		CN_PROTOCOL_ERROR);
	assert_int_equal(code_of("<a"), CN_PARSE_ERROR);
	assert_int_equal(code_of("<s:Envelope><a></b></s:Envelope>\n"), CN_PARSE_ERROR);
	/* mp_21: right length, cut content */
	assert_int_equal(code_of(""), CN_INCOMPLETE);
	assert_int_equal(code_of("<s:Envelope"), CN_INCOMPLETE);
	assert_int_equal(
		code_of("<s:Envelope xmlns:s=\"" SOAP_11 "\"><s:Body><a>1</a>"), CN_INCOMPLETE);
	/* mp_10, mp_11 */
	assert_int_equal(code_of("<!DOCTYPE x [<!ENTITY a \"b\">]><x>&a;</x>"), CN_PARSE_ERROR);
	assert_int_equal(code_of("<!DOCTYPE x SYSTEM \"http://127.0.0.1/x\"><x/>"), CN_PARSE_ERROR);
	/* mp_12 */
	for (int i = 0; i < 1000; i++)
		buf_adds(&deep, "<d>");
	assert_int_equal(code_of(buf_str(&deep)), CN_RESPONSE_TOO_BIG);
	buf_fini(&deep);
	assert_int_equal(code_of("<s:Envelope xmlns:s=\"" SOAP_11 "\"><s:Body/></s:Envelope>"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_envelope_is_written_with_and_without_a_header),
		cmocka_unit_test(texts_are_escaped_and_what_xml_cannot_hold_is_refused),
		cmocka_unit_test(answers_are_found_by_name_whatever_the_prefix),
		cmocka_unit_test(a_fault_of_either_version_is_understood),
		cmocka_unit_test(what_is_no_answer_is_refused_with_its_cause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
