// SPDX-License-Identifier: Apache-2.0
/* Kyocera km-wsdl: messages byte for byte and answers (devices.md section 7, DV-17 to DV-19). */
#include <stdio.h>
#include <string.h>

#include "gen/errors.h"
#include "services/worker/adapters/kyocera_message.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* ---- messages ---- */

#define BOOK "http://www.kyoceramita.com/ws/km-wsdl/setting/address_book"
#define AUTH "http://www.kyoceramita.com/ws/km-wsdl/security/authentication_authorization"
#define INFO "http://www.kyoceramita.com/ws/km-wsdl/information/device_information"
#define WSA "http://schemas.xmlsoap.org/ws/2004/08/addressing"
#define WSSE "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"

#define ENVELOPE(ns, wsa, call, more)                                                              \
	"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"                                             \
	"<SOAP-ENV:Envelope xmlns:SOAP-ENV=\"http://www.w3.org/2003/05/soap-envelope\""            \
	" xmlns:wsa=\"" wsa "\" xmlns:ns1=\"" ns "\"><SOAP-ENV:Header>"                            \
	"<wsa:Action SOAP-ENV:mustUnderstand=\"true\">" ns "/" call "</wsa:Action>" more           \
	"</SOAP-ENV:Header><SOAP-ENV:Body><ns1:" call "Request>"
#define TAIL(call) "</ns1:" call "Request></SOAP-ENV:Body></SOAP-ENV:Envelope>"

static void check_message(struct buf *b, const char *expected)
{
	assert_false(b->err);
	assert_string_equal(buf_str(b), expected);
	buf_reset(b);
}

static void the_example_of_the_spec_comes_out(void **state unused)
{
	struct buf b = BUF_INIT;

	kyocera_create_message(&b, KYOCERA_PERSONS, 25, NULL);
	check_message(&b, ENVELOPE(BOOK, WSA, "create_personal_address_enumeration",
				  "") "<ns1:number>25</ns1:number>" TAIL("create_personal_address_"
									 "enumeration"));
	buf_fini(&b);
}

static void each_kind_has_calls_of_its_own_dv_19(void **state unused)
{
	struct buf b = BUF_INIT;

	kyocera_get_message(&b, KYOCERA_PERSONS, "7", NULL);
	check_message(&b, ENVELOPE(BOOK, WSA, "get_personal_address_list",
				  "") "<ns1:enumeration>7</ns1:enumeration>" TAIL("get_personal_"
										  "address_list"));
	kyocera_destroy_message(&b, KYOCERA_PERSONS, "7", NULL);
	check_message(
		&b, ENVELOPE(BOOK, WSA, "destroy_personal_address_enumeration",
			    "") "<ns1:enumeration>7</ns1:enumeration>" TAIL("destroy_personal_"
									    "address_enumeration"));
	kyocera_create_message(&b, KYOCERA_GROUPS, KYOCERA_NUMBER, NULL);
	check_message(&b, ENVELOPE(BOOK, WSA, "create_group_address_enumeration",
				  "") "<ns1:number>1000</ns1:number>" TAIL("create_group_address_"
									   "enumeration"));
	kyocera_get_message(&b, KYOCERA_GROUPS, "8", NULL);
	check_message(&b,
		ENVELOPE(BOOK, WSA, "get_group_address_list",
			"") "<ns1:enumeration>8</ns1:enumeration>" TAIL("get_group_address_list"));
	kyocera_destroy_message(&b, KYOCERA_GROUPS, "8", NULL);
	check_message(
		&b, ENVELOPE(BOOK, WSA, "destroy_group_address_enumeration",
			    "") "<ns1:enumeration>8</ns1:enumeration>" TAIL("destroy_group_address_"
									    "enumeration"));
	buf_fini(&b);
}

static void logins_and_the_panel(void **state unused)
{
	struct buf b = BUF_INIT;

	kyocera_status_message(&b);
	check_message(&b, ENVELOPE(AUTH, WSA, "get_authentication_status", "")
				  TAIL("get_authentication_status"));
	kyocera_login_message(&b, "Admin", "e<n>c");
	check_message(&b, ENVELOPE(AUTH, WSA, "login_system",
				  "") "<ns1:authentication_method>LOCAL_AUTHENTICATION</"
				      "ns1:authentication_method>"
				      "<ns1:userid>Admin</ns1:userid><ns1:password>e&lt;n&gt;c</"
				      "ns1:password>" TAIL("login_system"));
	kyocera_get_message(&b, KYOCERA_PERSONS, "7", "t0k");
	check_message(&b,
		ENVELOPE(BOOK, WSA, "get_personal_address_list",
			"<wsse:Security xmlns:wsse=\"" WSSE "\"><wsse:UsernameToken>"
			"<wsse:Username>t0k</wsse:Username></wsse:UsernameToken>"
			"</wsse:Security>") "<ns1:enumeration>7</ns1:enumeration>" TAIL("get_"
											"personal_"
											"address_"
											"list"));
	kyocera_restart_message(&b, "t0k");
	check_message(
		&b, ENVELOPE("http://www.kyoceramita.com/ws/km-wsdl/information/device_control",
			    WSA, "restart_device",
			    "<wsse:Security xmlns:wsse=\"" WSSE
			    "\"><wsse:UsernameToken><wsse:Username>t0k</wsse:Username>"
			    "</wsse:UsernameToken></wsse:Security>") TAIL("restart_device"));
	kyocera_constitution_message(&b, "http://p1:9090");
	check_message(&b, ENVELOPE(INFO, "http://www.w3.org/2005/08/addressing",
				  "get_device_constitution_information",
				  "<wsa:To>http://p1:9090/ws/km-wsdl/information/device_information"
				  "</wsa:To>") TAIL("get_device_constitution_information"));
	assert_string_equal(kyocera_path(KYOCERA_BOOK), "/ws/km-wsdl/setting/address_book");
	buf_fini(&b);
}

/* ---- answers ---- */

struct parsed {
	struct arena arena;
	struct soap_answer a;
	struct fault f;
};

static void parse(struct parsed *p, const char *body)
{
	static char text[16384];

	arena_init(&p->arena, 0);
	p->f = FAULT_INIT;
	(void)snprintf(text, sizeof(text),
		"<S:Envelope xmlns:S=\"" SOAP_12 "\" xmlns:k=\"" BOOK "\"><S:Body>%s</S:Body>"
		"</S:Envelope>",
		body);
	assert_int_equal(soap_parse(&p->arena, (struct span){(const uint8_t *)text, strlen(text)},
				 &p->a, &p->f),
		0);
}

static int result_of(const char *body, enum kyocera_result *r, struct fault *f)
{
	struct parsed p;
	int rc;

	parse(&p, body);
	rc = kyocera_result(&p.a, kyocera_get_call(KYOCERA_PERSONS), r, &p.f);
	*f = p.f;
	arena_fini(&p.arena);
	return rc;
}

#define GOT(result)                                                                                \
	"<k:get_personal_address_listResponse><k:result>" result                                   \
	"</k:result></k:get_personal_address_listResponse>"

static void each_result_is_understood_and_no_other(void **state unused)
{
	enum kyocera_result r = KYOCERA_COMPLETE;
	struct fault f;

	assert_int_equal(result_of(GOT("SUCCESS"), &r, &f), 0);
	assert_int_equal(r, KYOCERA_SUCCESS);
	assert_int_equal(result_of(GOT("PREPARING_NOW"), &r, &f), 0);
	assert_int_equal(r, KYOCERA_PREPARING);
	assert_int_equal(result_of(GOT("ALL_GET_COMPLETE"), &r, &f), 0);
	assert_int_equal(r, KYOCERA_COMPLETE);
	assert_int_equal(result_of(GOT("INVALID_ENUMERATION"), &r, &f), -1);
	assert_int_equal(f.code, CN_REJECTED);
	assert_string_equal(f.detail, "get_personal_address_list: INVALID_ENUMERATION");
	/* another namespace, another call, nothing */
	assert_int_equal(result_of("<get_personal_address_listResponse><result>SUCCESS</result>"
				   "</get_personal_address_listResponse>",
				 &r, &f),
		-1);
	assert_int_equal(f.code, CN_PROTOCOL_ERROR);
	assert_int_equal(result_of("<k:get_group_address_listResponse><k:result>SUCCESS</k:result>"
				   "</k:get_group_address_listResponse>",
				 &r, &f),
		-1);
	assert_int_equal(f.code, CN_PROTOCOL_ERROR);
	assert_int_equal(result_of("<k:get_personal_address_listResponse/>", &r, &f), -1);
	assert_int_equal(f.code, CN_PROTOCOL_ERROR);
}

#define FAULT(sub, text)                                                                           \
	"<S:Fault><S:Code><S:Value>S:Sender</S:Value><S:Subcode><S:Value>" sub                     \
	"</S:Value></S:Subcode></S:Code><S:Reason><S:Text>" text "</S:Text></S:Reason></S:Fault>"

static void a_fault_about_the_token_is_auth_refused_any_other_rejected(void **state unused)
{
	enum kyocera_result r;
	struct fault f;

	assert_int_equal(result_of(FAULT("wsse:FailedAuthentication", "no"), &r, &f), -1);
	assert_int_equal(f.code, CN_AUTH_REFUSED);
	assert_int_equal(result_of(FAULT("ter:X", "Security Token expired"), &r, &f), -1);
	assert_int_equal(f.code, CN_AUTH_REFUSED);
	assert_int_equal(result_of(FAULT("ter:X", "internal"), &r, &f), -1);
	assert_int_equal(f.code, CN_REJECTED);
}

static void entries_are_found_and_groups_are_whole(void **state unused)
{
	struct parsed p;
	const struct xml_node *n;

	parse(&p, "<k:get_personal_address_listResponse><k:result>SUCCESS</k:result>"
		  "<k:personal_address><k:name_information><k:id> 12 </k:id></k:name_information>"
		  "</k:personal_address><personal_address/><k:personal_address/>"
		  "</k:get_personal_address_listResponse>");
	n = kyocera_first(&p.a, KYOCERA_PERSONS);
	assert_non_null(n);
	assert_string_equal(kyocera_id(&p.arena, n), "12");
	n = kyocera_next(n, KYOCERA_PERSONS); /* not the one of no namespace */
	assert_non_null(n);
	assert_string_equal(kyocera_id(&p.arena, n), "");
	assert_null(kyocera_next(n, KYOCERA_PERSONS));
	assert_null(kyocera_first(&p.a, KYOCERA_GROUPS));
	arena_fini(&p.arena);

	parse(&p, "<k:get_group_address_listResponse><k:group_address><k:address_number>2"
		  "</k:address_number><k:group_address_registration_information><k:type>EMAIL"
		  "</k:type><k:personal_address/><k:personal_address/>"
		  "</k:group_address_registration_information></k:group_address>"
		  "<k:group_address><k:address_number>3</k:address_number>"
		  "<k:group_address_registration_information><k:personal_address/>"
		  "</k:group_address_registration_information></k:group_address>"
		  "</k:get_group_address_listResponse>");
	n = kyocera_first(&p.a, KYOCERA_GROUPS);
	assert_int_equal(kyocera_check_group(n, &p.f), 0);
	assert_int_equal(kyocera_check_group(kyocera_next(n, KYOCERA_GROUPS), &p.f), -1);
	assert_int_equal(p.f.code, CN_INCOMPLETE);
	arena_fini(&p.arena);
}

static void panel_of(const char *inside, const char **message, bool *in_use, struct parsed *p)
{
	char body[1024];

	(void)snprintf(body, sizeof(body),
		"<i:get_device_constitution_informationResponse xmlns:i=\"" INFO "\">%s"
		"</i:get_device_constitution_informationResponse>",
		inside);
	parse(p, body);
	*message = NULL;
	*in_use = false;
	kyocera_panel(&p->arena, &p->a, message, in_use);
}

static void the_panel_says_whether_somebody_is_there(void **state unused)
{
	struct parsed p;
	const char *message;
	bool in_use;

	panel_of("<i:a><i:panel_information><i:message/><i:message>Printing.</i:message>"
		 "<i:lock_status>LOCKED</i:lock_status></i:panel_information></i:a>",
		&message, &in_use, &p);
	assert_string_equal(message, "Printing.");
	assert_true(in_use);
	arena_fini(&p.arena);
	panel_of("<i:panel_information><i:lock_status>off</i:lock_status></i:panel_information>",
		&message, &in_use, &p);
	assert_string_equal(message, "");
	assert_false(in_use);
	arena_fini(&p.arena);
	panel_of("<i:other/>", &message, &in_use, &p);
	assert_null(message);
	assert_false(in_use);
	arena_fini(&p.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_of_the_spec_comes_out),
		cmocka_unit_test(each_kind_has_calls_of_its_own_dv_19),
		cmocka_unit_test(logins_and_the_panel),
		cmocka_unit_test(each_result_is_understood_and_no_other),
		cmocka_unit_test(a_fault_about_the_token_is_auth_refused_any_other_rejected),
		cmocka_unit_test(entries_are_found_and_groups_are_whole),
		cmocka_unit_test(the_panel_says_whether_somebody_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
