// SPDX-License-Identifier: Apache-2.0
/* uDirectory: requests byte for byte as docs/spec/devices.md section 5 writes them, answers, causes
 * of faults, and what is sent for two books. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/book/codec.h"
#include "gen/errors.h"
#include "services/worker/adapters/ricoh_work.h"

/* The specification's example, as it is printed there. */
static const char EXAMPLE[] =
	"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
	"<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" "
	"s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\">\n"
	" <s:Body>\n"
	"  <u:getObjectsProps xmlns:u=\"http://www.ricoh.co.jp/xmlns/soap/rdh/udirectory\" "
	"xmlns:xs=\"http://www.w3.org/2001/XMLSchema\"\n"
	"    xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
	"xmlns:soap-enc=\"http://schemas.xmlsoap.org/soap/encoding/\"\n"
	"    xmlns:ricoh=\"http://www.ricoh.co.jp/xmlns/schema/rdh/commontypes\">\n"
	"   <sessionId>12345</sessionId>\n"
	"   <objectIdList xsi:type=\"soap-enc:Array\" soap-enc:arrayType=\"xs:string[]\">"
	"<item>entry:1</item><item>entry:2</item></objectIdList>\n"
	"   <selectProps xsi:type=\"soap-enc:Array\" soap-enc:arrayType=\"xs:string[]\">"
	"<item>id</item><item>name</item><item>mail:</item><item>mail:address</item></"
	"selectProps>\n"
	"  </u:getObjectsProps>\n"
	" </s:Body>\n"
	"</s:Envelope>\n";

/* Space between elements goes, space between attributes is one blank. */
static void tighten(const char *s, struct buf *out)
{
	for (; *s; s++) {
		if (!isspace((unsigned char)*s)) {
			buf_addc(out, *s);
			continue;
		}
		while (isspace((unsigned char)s[1]))
			s++;
		if (out->p[out->n - 1] != '>' && s[1] && s[1] != '<')
			buf_addc(out, ' ');
		else if (out->n < 45 && out->p[out->n - 1] == '>')
			buf_addc(out, '\n'); /* behind the declaration */
	}
}

/* What stands inside the call's element. */
static const char *inside(const struct buf *b, const char *method)
{
	static char text[8192];
	char *at = strstr((char *)b->p, "commontypes\">"), end[64];

	snprintf(end, sizeof(end), "</u:%s></s:Body></s:Envelope>", method);
	assert_non_null(at);
	snprintf(text, sizeof(text), "%s", at + strlen("commontypes\">"));
	at = strstr(text, end);
	assert_non_null(at);
	assert_int_equal(strlen(at), strlen(end));
	*at = 0;
	return text;
}

static void a_request_is_the_example_of_the_specification_byte_for_byte(void **state)
{
	static const uint32_t ids[] = {1, 2};
	struct buf want = BUF_INIT, is = BUF_INIT;
	const char *props;

	(void)state;
	tighten(EXAMPLE, &want);
	ricoh_ask_get(&is, "12345", ids, 2);
	/* the same up to the names asked for, which are more here */
	props = strstr(buf_str(&want), "<item>id</item>");
	assert_memory_equal(want.p, is.p, (size_t)(props - buf_str(&want)));
	assert_non_null(strstr(buf_str(&is), "<item>mail:</item><item>mail:address</item>"));
	assert_null(strstr(buf_str(&is), "password"));
	assert_non_null(strstr(
		buf_str(&is), "</item></selectProps></u:getObjectsProps></s:Body></s:Envelope>"));
	buf_fini(&want);
	buf_fini(&is);
}

static void a_session_is_asked_for_as_the_clients_do(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	assert_string_equal(ricoh_action(RICOH_START),
		"SOAPAction: http://www.ricoh.co.jp/xmlns/soap/rdh/udirectory#startSession");
	ricoh_ask_start(&b, "admin", "MockPassword", false);
	assert_string_equal(inside(&b, "startSession"),
		"<stringIn>SCHEME=QkFTSUM=;UID:UserName=YWRtaW4=;PWD:Password=TW9ja1Bhc3N3b3Jk;"
		"PES:Encoding=</stringIn><timeLimit>30</timeLimit><lockMode>S</lockMode>");
	buf_reset(&b);
	ricoh_ask_start(&b, "admin", "", true);
	assert_string_equal(inside(&b, "startSession"),
		"<stringIn>SCHEME=QkFTSUM=;UID:UserName=YWRtaW4=;PWD:Password=;"
		"PES:Encoding=gwpwes003</stringIn><timeLimit>30</timeLimit><lockMode>X</lockMode>");
	buf_fini(&b);
}

static void the_other_requests_have_their_children_in_order(void **state)
{
	static const uint32_t ids[] = {7, 12};
	static const struct ricoh_prop props[] = {{"name", "A & B"}, {"mail:", "true"}};
	static const struct ricoh_object objects[] = {{props, 2}, {props, 1}};
	struct buf b = BUF_INIT;

	(void)state;
	ricoh_ask_search(&b, "9", 40, 20);
	assert_string_equal(inside(&b, "searchObjects"),
		"<sessionId>9</sessionId><selectProps xsi:type=\"soap-enc:Array\" "
		"soap-enc:arrayType=\"xs:string[]\"><item>id</item></selectProps>"
		"<fromClass>entry</fromClass><orderBy xsi:type=\"soap-enc:Array\" "
		"soap-enc:arrayType=\"ricoh:queryOrderBy[]\"><item><propName>index</propName>"
		"<isDescending>false</isDescending></item></orderBy><rowOffset>40</rowOffset>"
		"<rowCount>20</rowCount>");
	buf_reset(&b);
	ricoh_ask_put(&b, "9", objects, 2);
	assert_string_equal(inside(&b, "putObjects"),
		"<sessionId>9</sessionId><objectClass>entry</objectClass><propListList "
		"xsi:type=\"soap-enc:Array\" soap-enc:arrayType=\"ricoh:propertyList[]\"><item "
		"xsi:type=\"soap-enc:Array\" soap-enc:arrayType=\"ricoh:property[]\"><item>"
		"<propName>name</propName><propVal>A &amp; B</propVal></item><item>"
		"<propName>mail:</propName><propVal>true</propVal></item></item><item "
		"xsi:type=\"soap-enc:Array\" soap-enc:arrayType=\"ricoh:property[]\"><item>"
		"<propName>name</propName><propVal>A &amp; "
		"B</propVal></item></item></propListList>");
	buf_reset(&b);
	ricoh_ask_change(&b, "9", 7, &objects[1]);
	assert_string_equal(inside(&b, "putObjectProps"),
		"<sessionId>9</sessionId><objectId>entry:7</objectId><propList "
		"xsi:type=\"soap-enc:Array\" soap-enc:arrayType=\"ricoh:property[]\"><item>"
		"<propName>name</propName><propVal>A &amp; B</propVal></item></propList>");
	buf_reset(&b);
	ricoh_ask_delete(&b, "9", ids, 2);
	assert_string_equal(inside(&b, "deleteObjects"),
		"<sessionId>9</sessionId><objectIdList xsi:type=\"soap-enc:Array\" "
		"soap-enc:arrayType=\"xs:string[]\"><item>entry:7</item><item>entry:12</item>"
		"</objectIdList>");
	buf_reset(&b);
	ricoh_ask_terminate(&b, "9");
	assert_string_equal(inside(&b, "terminateSession"), "<sessionId>9</sessionId>");
	buf_fini(&b);
}

/* ---- answers ---- */

#define HEAD                                                                                       \
	"<s:Envelope xmlns:s=\"" SOAP_11 "\"><s:Body><t:%sResponse xmlns:t=\"" RICOH_NS "\">%s"    \
	"</t:%sResponse></s:Body></s:Envelope>"

static struct soap_answer answer(struct arena *a, const char *method, const char *inner)
{
	const char *text = arena_printf(a, HEAD, method, inner, method);
	struct soap_answer ret;
	struct fault f = FAULT_INIT;

	assert_int_equal(
		soap_parse(a, (struct span){(const uint8_t *)text, strlen(text)}, &ret, &f), 0);
	return ret;
}

static int start_cause(const char *inner)
{
	struct fault f = FAULT_INIT;
	struct soap_answer s;
	struct arena a;
	const char *id, *text;

	arena_init(&a, 0);
	s = answer(&a, "startSession", inner);
	assert_int_equal(ricoh_check(&s, RICOH_START, &text, &f), 0);
	id = ricoh_session(&s, &f);
	if (id)
		assert_string_equal(id, "12345");
	arena_fini(&a);
	return id ? 0 : f.code;
}

static void a_refused_session_is_busy_unless_it_names_authentication(void **state)
{
	(void)state;
	assert_int_equal(
		start_cause("<returnValue>OK</returnValue><stringOut>12345</stringOut>"), 0);
	assert_int_equal(
		start_cause("<stringOut>12345</stringOut><returnValue>\n OK </returnValue>"), 0);
	assert_int_equal(start_cause("<returnValue>BUSY</returnValue>"), CN_DEVICE_BUSY); /* DC-4 */
	assert_int_equal(start_cause("<returnValue></returnValue>"), CN_DEVICE_BUSY);
	assert_int_equal(
		start_cause("<returnValue>AUTHENTICATION_ERROR</returnValue>"), CN_AUTH_REFUSED);
	assert_int_equal(start_cause("<returnValue>LOCKED</returnValue>"), CN_DEVICE_LOCKED);
	assert_int_equal(start_cause("<returnValue>OK</returnValue>"), CN_PROTOCOL_ERROR);
}

static int fault_cause(enum ricoh_method m, const char *code, const char *description)
{
	struct soap_answer s;
	struct fault f = FAULT_INIT;
	struct arena a;
	const char *text;

	arena_init(&a, 0);
	text = arena_printf(&a,
		"<s:Envelope xmlns:s=\"" SOAP_11
		"\"><s:Body><s:Fault><faultcode>s:Server</faultcode>"
		"<detail><x:rdhError xmlns:x=\"urn:whatever\"><errorCode>%s</errorCode>"
		"<errorDescription>%s</errorDescription></x:rdhError></detail></s:Fault></s:Body>"
		"</s:Envelope>",
		code, description);
	assert_int_equal(
		soap_parse(&a, (struct span){(const uint8_t *)text, strlen(text)}, &s, &f), 0);
	assert_int_equal(ricoh_check(&s, m, &text, &f), -1);
	if (*code && *description)
		assert_non_null(strstr(text, description));
	arena_fini(&a);
	return f.code;
}

static void faults_have_their_cause(void **state)
{
	(void)state;
	assert_int_equal(fault_cause(RICOH_GET, "COMMON_SYSTEM_BUSY", ""), CN_DEVICE_BUSY);
	assert_int_equal(fault_cause(RICOH_START, "COMMON_SYSTEM_BUSY", "auth"), CN_DEVICE_BUSY);
	assert_int_equal(fault_cause(RICOH_PUT, "COMMON_BAD_PARAMETER", "name"), CN_REJECTED);
	assert_int_equal(fault_cause(RICOH_PUT, "COMMON_SOAP_SERVER", ""), CN_PROTOCOL_ERROR);
	assert_int_equal(
		fault_cause(RICOH_PUT, "UDIRECTORY_DIRECTORY_INCONSISTENT", ""), CN_REJECTED);
	assert_int_equal(
		fault_cause(RICOH_START, "UDIRECTORY_DIRECTORY_LOCKED", ""), CN_DEVICE_LOCKED);
	assert_int_equal(fault_cause(RICOH_GET, "X", "the session is over"), CN_SESSION_LOST);
	assert_int_equal(fault_cause(RICOH_START, "X", "another session"), CN_DEVICE_LOCKED);
	assert_int_equal(fault_cause(RICOH_START, "COMMON_AUTH_ERROR", ""), CN_AUTH_REFUSED);
	assert_int_equal(fault_cause(RICOH_GET, "", ""), CN_REJECTED);
}

static void an_answer_of_another_method_or_namespace_is_no_answer(void **state)
{
	struct soap_answer s;
	struct fault f = FAULT_INIT;
	struct arena a;
	const char *text = "<s:Envelope xmlns:s=\"" SOAP_11 "\"><s:Body><getObjectsPropsResponse/>"
			   "</s:Body></s:Envelope>";

	(void)state;
	arena_init(&a, 0);
	s = answer(&a, "searchObjects", "");
	assert_int_equal(ricoh_check(&s, RICOH_GET, &text, &f), -1);
	assert_int_equal(f.code, CN_PROTOCOL_ERROR);
	text = "<s:Envelope xmlns:s=\"" SOAP_11 "\"><s:Body><getObjectsPropsResponse/></s:Body>"
	       "</s:Envelope>";
	assert_int_equal(
		soap_parse(&a, (struct span){(const uint8_t *)text, strlen(text)}, &s, &f), 0);
	assert_int_equal(ricoh_check(&s, RICOH_GET, &text, &f), -1);
	arena_fini(&a);
}

static uint32_t at_once(const char *inner)
{
	struct arena a;
	struct soap_answer s;

	arena_init(&a, 0);
	s = answer(&a, "getServiceCapability", inner);
	uint32_t n = ricoh_at_once(&s);
	arena_fini(&a);
	return n;
}

static void pages_are_as_large_as_the_machine_says(void **state)
{
	(void)state; /* DC-5 */
	assert_int_equal(
		at_once("<returnValue><item><propName>maxTagPerEntry</propName><propVal>4"
			"</propVal></item><item><propName>maxObjectPerCall</propName><propVal>"
			"20</propVal></item></returnValue>"),
		20);
	assert_int_equal(
		at_once("<returnValue><maxObjectPerCall>50</maxObjectPerCall></returnValue>"), 50);
	assert_int_equal(at_once("<returnValue><maxObjectPerCall>5000</maxObjectPerCall>"
				 "</returnValue>"),
		50);
	assert_int_equal(at_once("<returnValue/>"), 0);
	assert_int_equal(at_once("<maxObjectPerCall>-3</maxObjectPerCall>"), 0);
}

static void rows_tell_their_end_and_the_machines_own_objects(void **state)
{
	struct ricoh_rows rows;
	struct soap_answer s;
	struct fault f = FAULT_INIT;
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	s = answer(&a, "searchObjects",
		"<returnValue>EOD</returnValue><resultSetId/><numOfResults>3</"
		"numOfResults><rowList>"
		"<item><item><propName>id</propName><propVal>1</propVal></item></item>"
		"<item><item><propName>id</propName><propVal>0012</propVal></item></item>"
		"<item><item><propName>id</propName><propVal>2147483649</propVal></item></item>"
		"</rowList>");
	assert_int_equal(ricoh_rows(&s, &rows, &f), 0);
	assert_int_equal(rows.n, 3);
	assert_int_equal(rows.announced, 3);
	assert_true(rows.end);
	assert_int_equal(rows.id[1], 12);
	assert_true(rows.id[2] >= RICOH_BUILT_IN);
	s = answer(
		&a, "searchObjects", "<returnValue>NO</returnValue><numOfResults>0</numOfResults>");
	assert_int_equal(ricoh_rows(&s, &rows, &f), -1);
	s = answer(&a, "searchObjects", "<returnValue>OK</returnValue>");
	assert_int_equal(ricoh_rows(&s, &rows, &f), -1);
	s = answer(&a, "searchObjects",
		"<returnValue>OK</returnValue><numOfResults>1</numOfResults><rowList><item><item>"
		"<propName>id</propName><propVal>one</propVal></item></item></rowList>");
	assert_int_equal(ricoh_rows(&s, &rows, &f), -1);
	arena_fini(&a);
}

/* ---- what is sent ---- */

/* "id=1 index=1 name=Ana; id=2 …" */
static struct book *book(const char *entries)
{
	struct buf b = BUF_INIT;
	struct book *ret = NULL;
	struct fault f = FAULT_INIT;
	char *copy = strdup(entries), *outer = NULL, *inner;

	buf_adds(&b, "<u:getObjectsPropsResponse xmlns:u=\"" RICOH_NS "\"><returnValue>");
	for (char *e = strtok_r(copy, ";", &outer); e; e = strtok_r(NULL, ";", &outer)) {
		buf_adds(&b, "<item>");
		for (char *p = strtok_r(e, " ", &inner); p; p = strtok_r(NULL, " ", &inner)) {
			char *value = strchr(p, '=');
			*value++ = 0;
			buf_addf(&b, "<item><propName>%s</propName><propVal>%s</propVal></item>", p,
				value);
		}
		buf_adds(&b, "</item>");
	}
	buf_adds(&b, "</returnValue></u:getObjectsPropsResponse>");
	assert_int_equal(
		book_decode(buf_span(&b), codec_named("ricoh_udirectory"), NULL, &ret, &f), 0);
	free(copy);
	buf_fini(&b);
	return ret;
}

#define ANA                                                                                        \
	"entryType=user id=1 index=1 name=Ana tagId=1,2 isDestination=true mail:=true "            \
	"mail:address=ana@x.org"
#define BEN                                                                                        \
	"entryType=user id=2 index=2 name=Ben tagId=2 isDestination=true fax:=true fax:number=12 " \
	"fax:lineType=g3"

/* "name=…,…" of an object. */
static const char *said(const struct ricoh_object *o)
{
	static char text[2048];
	size_t n = 0;

	text[0] = 0;
	for (size_t i = 0; i < o->n; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s=%s", i ? " " : "",
			o->prop[i].name, o->prop[i].value);
	return text;
}

static void plan(struct ricoh_work *w, const char *before, const char *wanted)
{
	struct book *is = book(before), *shall = book(wanted);
	struct fault f = FAULT_INIT;

	if (ricoh_work_make(w, is, shall, NULL, &f) < 0)
		fail_msg("%s", f.detail);
	book_free(is);
	book_free(shall);
}

static void equal_books_send_nothing(void **state)
{
	struct ricoh_work w;

	(void)state;
	plan(&w, ANA ";" BEN, ANA ";" BEN);
	assert_int_equal(w.n_remove + w.n_change + w.n_add + w.n_left, 0);
	ricoh_work_fini(&w);
	/* the order of entries and of tags is the machine's */
	plan(&w, ANA ";" BEN,
		BEN ";entryType=user id=1 index=1 name=Ana tagId=2,1 isDestination=true mail:=true "
		    "mail:address=ana@x.org");
	assert_int_equal(w.n_remove + w.n_change + w.n_add + w.n_left, 0);
	ricoh_work_fini(&w);
}

static void only_what_changes_is_sent(void **state)
{
	struct ricoh_work w;

	(void)state;
	plan(&w, ANA ";" BEN,
		ANA ";entryType=user id=2 index=2 name=Benno tagId=2 isDestination=false fax:=true "
		    "fax:number=13 fax:lineType=g3");
	assert_int_equal(w.n_remove + w.n_add + w.n_left, 0);
	assert_int_equal(w.n_change, 1);
	assert_int_equal(w.change[0].id, 2);
	assert_string_equal(said(&w.change[0].o), "name=Benno isDestination=false fax:number=13");
	ricoh_work_fini(&w);
	/* a destination that goes is its switch alone; one that comes is all of it */
	plan(&w, ANA,
		"entryType=user id=1 index=1 name=Ana tagId=1,2 isDestination=true ifax:=true "
		"ifax:address=i@x.org");
	assert_string_equal(said(&w.change[0].o),
		"mail:=false ifax:=true ifax:address=i@x.org ifax:isDirectSMTP=false");
	ricoh_work_fini(&w);
}

static void a_number_that_somebody_still_has_is_taken_when_it_is_free(void **state)
{
	struct ricoh_work w;

	(void)state;
	/* Ana and Ben change places; Cy goes where nobody is, Di where Cy was */
	plan(&w,
		"entryType=user id=1 index=1 name=Ana tagId=1;entryType=user id=2 index=2 name=Ben "
		"tagId=1;entryType=user id=3 index=3 name=Cy tagId=1;entryType=user id=4 index=4 "
		"name=Di tagId=1;entryType=user id=5 index=5 name=Ed tagId=1",
		"entryType=user id=1 index=2 name=Ana tagId=1;entryType=user id=2 index=1 name=Ben "
		"tagId=1;entryType=user id=3 index=9 name=Cy tagId=1;entryType=user id=4 index=3 "
		"name=Di tagId=1;entryType=user id=6 index=5 name=Flo tagId=1");
	assert_int_equal(w.n_change, 7);
	assert_int_equal(w.change[0].id, 1);
	assert_string_equal(said(&w.change[0].o), "index=6");
	assert_string_equal(said(&w.change[1].o), "index=7");
	assert_string_equal(said(&w.change[2].o), "index=8");
	assert_int_equal(w.change[3].id, 3);
	assert_string_equal(said(&w.change[3].o), "index=9");
	assert_int_equal(w.change[4].id, 1);
	assert_string_equal(said(&w.change[4].o), "index=2");
	assert_string_equal(said(&w.change[5].o), "index=1");
	assert_string_equal(said(&w.change[6].o), "index=3");
	/* Ed is gone before Flo comes */
	assert_int_equal(w.n_remove, 1);
	assert_int_equal(w.n_add, 1);
	ricoh_work_fini(&w);
}

static void entries_go_and_new_ones_get_what_every_entry_has(void **state)
{
	struct ricoh_work w;

	(void)state;
	plan(&w, ANA ";" BEN,
		ANA ";entryType=user id=77 index=9 name=Kim auth:name=4711 mail:=true "
		    "mail:address=k@x.org");
	assert_int_equal(w.n_remove, 1);
	assert_int_equal(w.remove[0], 2);
	assert_int_equal(w.n_add, 1);
	/* DV-16: a tag; the machine gives the id */
	assert_string_equal(said(&w.add[0]), "entryType=user index=9 name=Kim tagId=6 "
					     "isSender=false isDestination=true auth:=true "
					     "auth:name=4711 mail:=true mail:address=k@x.org");
	ricoh_work_fini(&w);
}

static void two_entries_cannot_be_one_object(void **state)
{
	struct book *is = book(ANA), *shall = book(ANA);
	struct ricoh_work w;
	struct fault f = FAULT_INIT;

	(void)state;
	(void)book_copy_entry(shall, &shall->list[0], &is->list[0].entry[0]);
	assert_int_equal(ricoh_work_make(&w, is, shall, NULL, &f), 0);
	assert_int_equal(w.n_remove + w.n_change, 0);
	assert_int_equal(w.n_add, 1);
	ricoh_work_fini(&w);
	book_free(is);
	book_free(shall);
}

static void ricoh_unknown_property_is_never_written(void **state)
{
	struct ricoh_work w;

	(void)state; /* DV-14 */
	plan(&w, ANA,
		"entryType=user id=1 index=1 name=Anna tagId=1,2 isDestination=true mail:=true "
		"mail:address=ana@x.org mail:parameter=7 browser:home=x");
	assert_string_equal(said(&w.change[0].o), "name=Anna");
	assert_int_equal(w.n_left, 2);
	assert_string_equal(w.left[0].prop, "mail:parameter");
	assert_int_equal(w.left[0].why, RICOH_UNKNOWN_VALUE);
	assert_string_equal(w.left[1].prop, "browser:home");
	assert_int_equal(w.left[1].why, RICOH_UNKNOWN_PROPERTY);
	ricoh_work_fini(&w);
	plan(&w, ANA,
		ANA ";entryType=user id=5 index=5 name=Fay tagId=3 remoteFolder:=true "
		    "remoteFolder:type=sftp remoteFolder:path=/x remoteFolder:select=private "
		    "remoteFolder:logonMode=0");
	assert_string_equal(said(&w.add[0]),
		"entryType=user index=5 name=Fay tagId=3 isSender=false isDestination=true "
		"remoteFolder:=true remoteFolder:path=/x remoteFolder:select=private");
	assert_int_equal(w.n_left, 2);
	ricoh_work_fini(&w);
}

static void a_value_that_the_machine_itself_says_may_come_again(void **state)
{
	struct ricoh_work w;

	(void)state;
	plan(&w, ANA ";" BEN,
		ANA ";" BEN ";entryType=user id=3 index=3 name=Cy tagId=3 fax:=true fax:number=9 "
		    "fax:lineType=g3");
	assert_non_null(strstr(said(&w.add[0]), "fax:lineType=g3"));
	assert_int_equal(w.n_left, 0);
	ricoh_work_fini(&w);
	plan(&w, ANA,
		ANA ";entryType=user id=3 index=3 name=Cy tagId=3 fax:=true fax:number=9 "
		    "fax:lineType=g3");
	assert_null(strstr(said(&w.add[0]), "lineType"));
	assert_int_equal(w.n_left, 1);
	ricoh_work_fini(&w);
}

static void passwords_groups_and_tags_are_told_when_they_would_be_lost(void **state)
{
#define FAY                                                                                        \
	"entryType=user id=4 index=4 name=Fay tagId=3 remoteFolder:=true remoteFolder:type=smb "   \
	"remoteFolder:path=/x remoteFolder:select=private"
#define ALL "entryType=group id=5 index=5 name=All tagId=1"
	struct ricoh_work w;

	(void)state; /* DV-15, DC-6 */
	plan(&w, ANA ";" FAY ";" ALL, ANA);
	assert_int_equal(w.n_remove, 2);
	assert_int_equal(w.groups_removed, 1);
	assert_int_equal(w.passwords_removed, 1);
	ricoh_work_fini(&w);
	plan(&w, ANA, ANA ";" ALL);
	assert_int_equal(w.n_add, 0);
	assert_int_equal(w.n_left, 1);
	assert_int_equal(w.left[0].why, RICOH_NEW_GROUP);
	ricoh_work_fini(&w);
	plan(&w, ANA ";" ALL, ANA ";entryType=group id=5 index=5 name=Everyone tagId=1");
	assert_string_equal(said(&w.change[0].o), "name=Everyone");
	ricoh_work_fini(&w);
	plan(&w, ANA,
		"entryType=user id=1 index=1 name=Ana isDestination=true mail:=true "
		"mail:address=ana@x.org");
	assert_int_equal(w.n_change, 0);
	assert_int_equal(w.left[0].why, RICOH_NO_TAG);
	ricoh_work_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_the_example_of_the_specification_byte_for_byte),
		cmocka_unit_test(a_session_is_asked_for_as_the_clients_do),
		cmocka_unit_test(the_other_requests_have_their_children_in_order),
		cmocka_unit_test(a_refused_session_is_busy_unless_it_names_authentication),
		cmocka_unit_test(faults_have_their_cause),
		cmocka_unit_test(an_answer_of_another_method_or_namespace_is_no_answer),
		cmocka_unit_test(pages_are_as_large_as_the_machine_says),
		cmocka_unit_test(rows_tell_their_end_and_the_machines_own_objects),
		cmocka_unit_test(equal_books_send_nothing),
		cmocka_unit_test(only_what_changes_is_sent),
		cmocka_unit_test(a_number_that_somebody_still_has_is_taken_when_it_is_free),
		cmocka_unit_test(entries_go_and_new_ones_get_what_every_entry_has),
		cmocka_unit_test(two_entries_cannot_be_one_object),
		cmocka_unit_test(ricoh_unknown_property_is_never_written),
		cmocka_unit_test(a_value_that_the_machine_itself_says_may_come_again),
		cmocka_unit_test(passwords_groups_and_tags_are_told_when_they_would_be_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
