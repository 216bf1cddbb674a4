// SPDX-License-Identifier: Apache-2.0
/* Konica Minolta OpenAPI: messages byte for byte, answers, and what may be written
 * (devices.md 6.1, DC-1 to DC-3). */
#include <stdio.h>
#include <string.h>

#include "common/book/codec.h"
#include "gen/errors.h"
#include "services/worker/adapters/konica_message.h"
#include "services/worker/adapters/konica_steps.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* ---- messages ---- */

#define HEAD(id)                                                                                   \
	"<SOAP-ENV:Envelope xmlns:SOAP-ENV=\"http://schemas.xmlsoap.org/soap/envelope/\""          \
	" xmlns:SOAP-ENC=\"http://schemas.xmlsoap.org/soap/encoding/\""                            \
	" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\""                                 \
	" xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\"><SOAP-ENV:Header>"                        \
	"<me:AppReqHeader xmlns:me=\"http://www.konicaminolta.com/Header/OpenAPI-4-2\">"           \
	"<ApplicationID xmlns=\"\">0</ApplicationID><UserName xmlns=\"\"/><Password xmlns=\"\"/>"  \
	"<Version xmlns=\"\"><Major>4</Major><Minor>2</Minor></Version>"                           \
	"<AppManagementID xmlns=\"\">" id "</AppManagementID></me:AppReqHeader></SOAP-ENV:Header>" \
	"<SOAP-ENV:Body>"
#define CALL(name) "<AppReq" name " xmlns=\"http://www.konicaminolta.com/service/OpenAPI-4-2\">"
#define TAIL(name) "</AppReq" name "></SOAP-ENV:Body></SOAP-ENV:Envelope>"
#define AUTH "<OperatorInfo><AuthKey>k1</AuthKey></OperatorInfo>"

static const struct konica OUT = {.major = 4, .minor = 2};
static const struct konica IN = {.major = 4, .minor = 2, .auth = "k1", .lock = "l1"};

static void check_message(struct buf *b, const char *expected)
{
	assert_false(b->err);
	assert_string_equal(buf_str(b), expected);
	buf_reset(b);
}

static void each_call_is_written_as_its_clients_write_it(void **state unused)
{
	struct buf b = BUF_INIT;

	konica_version_message(&b);
	check_message(&b, "<SOAP-ENV:Envelope></SOAP-ENV:Envelope>");
	konica_login_message(&b, &OUT, "1234<5678");
	check_message(&b,
		HEAD("0") CALL("Login") "<OperatorInfo><UserType>Admin</"
					"UserType><Password>1234&lt;5678</Password>"
					"</OperatorInfo><TimeOut>60</TimeOut>" TAIL("Login"));
	konica_get_message(&b, &IN, 101, KONICA_PAGE);
	check_message(&b, HEAD("1000") CALL("GetAbbr") AUTH
		"<AbbrListCondition><SearchKey>None</SearchKey><WellUse>false</WellUse>"
		"<ObtainCondition><Type>OffsetList</Type><OffsetRange><Start>101</Start>"
		"<Length>100</Length></OffsetRange></ObtainCondition><BackUp>true</BackUp>"
		"<BackUpPassword>MYSKIMGS</BackUpPassword></AbbrListCondition>" TAIL("GetAbbr"));
	konica_lock_message(&b, &IN);
	check_message(&b, HEAD("1000") CALL("EnterDeviceLock") AUTH
		"<LockType>DownloadLock</LockType><PackageEntryFlg>Package</PackageEntryFlg>"
		"<TimeOut>60</TimeOut>" TAIL("EnterDeviceLock"));
	konica_delete_message(&b, &IN, "17");
	check_message(&b, HEAD("1000") CALL("DeleteAbbr") AUTH
		"<LockKey>l1</LockKey><AllItem>false</AllItem><AddressKind>Public</AddressKind>"
		"<AbbrNo>17</AbbrNo>" TAIL("DeleteAbbr"));
	konica_unlock_message(&b, &IN);
	check_message(&b, HEAD("1000") CALL("ExitDeviceLock") AUTH
		"<LockKey>l1</LockKey>" TAIL("ExitDeviceLock"));
	buf_fini(&b);
}

#define EMAIL(no, name, mail)                                                                      \
	"<Abbr><AbbrNo>" no "</AbbrNo><Name>" name "</Name><SearchKey>Abc</SearchKey>"             \
	"<WellUse>false</WellUse><SendConfiguration><SendGroup>Scan</SendGroup>"                   \
	"<TargetAddressType>Single</TargetAddressType><AddressInfo><SendMode>Email</SendMode>"     \
	"<EmailMode><To>" mail "</To></EmailMode><ImageType>Icon</ImageType><IconID>1</IconID>"    \
	"<PhotoEditFlag>NotRegistered</PhotoEditFlag></AddressInfo></SendConfiguration>"           \
	"<FaxConfiguration/><EditFlag>Appended</EditFlag><ReferLicence>"                           \
	"<UseReferLicence>Level</UseReferLicence><ReferGroupNo>1</ReferGroupNo>"                   \
	"<ReferPossibleLevel>0</ReferPossibleLevel></ReferLicence>"                                \
	"<AddressKind>Public</AddressKind></Abbr>"
#define SMB(no, name, host, password)                                                              \
	"<Abbr><AbbrNo>" no "</AbbrNo><Name>" name "</Name><SearchKey>Pqrs</SearchKey>"            \
	"<WellUse>false</WellUse><SendConfiguration><SendGroup>Scan</SendGroup>"                   \
	"<TargetAddressType>Single</TargetAddressType><AddressInfo><SendMode>Smb</SendMode>"       \
	"<SmbMode><Host>" host "</Host><User>svc</User><Password>" password "</Password>"          \
	"</SmbMode></AddressInfo></SendConfiguration><AddressKind>Public</AddressKind></Abbr>"

static const struct xml_limits LIMITS = {
	.depth = 64, .nodes = 100000, .attributes = 64, .text = 65536};

static struct span span_of(const char *s)
{
	return (struct span){(const uint8_t *)s, strlen(s)};
}

/* As a device wrote it: prefixes and white space are its own affair. */
static void an_entry_is_set_with_its_elements_in_order(void **state unused)
{
	static const char GIVEN[] =
		"<m:Abbr xmlns:m=\"urn:x\">\n <m:AbbrNo>7</m:AbbrNo>\n <Name> A &amp; B </Name>"
		"<SendConfiguration><AddressInfo><SendMode>Email</SendMode></AddressInfo>"
		"</SendConfiguration><FaxConfiguration></FaxConfiguration></m:Abbr>";
	struct arena a;
	struct buf b = BUF_INIT;
	struct fault f = FAULT_INIT;

	arena_init(&a, 0);
	const struct xml_node *n = xml_parse(&a, span_of(GIVEN), &LIMITS, NULL, &f);
	assert_non_null(n);
	konica_set_message(&b, &IN, n);
	check_message(&b, HEAD("1000") CALL("SetAbbr") AUTH
		"<CreateCondition><Auto>false</Auto><OverWrite>true</OverWrite></CreateCondition>"
		"<LockKey>l1</LockKey><Abbr><AbbrNo>7</AbbrNo><Name> A &amp; B </Name>"
		"<SendConfiguration><AddressInfo><SendMode>Email</SendMode></AddressInfo>"
		"</SendConfiguration><FaxConfiguration/></Abbr>" TAIL("SetAbbr"));
	buf_fini(&b);
	arena_fini(&a);
}

/* ---- answers ---- */

struct parsed {
	struct arena arena;
	struct soap_answer a;
	struct fault f;
};

static void parse(struct parsed *p, const char *body)
{
	static char text[65536];

	arena_init(&p->arena, 0);
	p->f = FAULT_INIT;
	(void)snprintf(text, sizeof(text),
		"<S:Envelope xmlns:S=\"" SOAP_11 "\"><S:Body>%s</S:Body></S:Envelope>", body);
	assert_int_equal(soap_parse(&p->arena, span_of(text), &p->a, &p->f), 0);
}

static int version_of(const char *body, struct konica *k, struct fault *f)
{
	struct parsed p;
	int r;

	parse(&p, body);
	r = konica_version_read(&p.a, k, &p.f);
	*f = p.f;
	arena_fini(&p.arena);
	return r;
}

static void the_version_stands_somewhere_in_the_fault(void **state unused)
{
	struct konica k = {.major = 0};
	struct fault f;

	assert_int_equal(version_of("<S:Fault><faultcode>S:Client</faultcode><detail><x:Err"
				    " xmlns:x=\"u\"><Version><Major>4</Major><Minor> 10 </Minor>"
				    "</Version></x:Err></detail></S:Fault>",
				 &k, &f),
		0);
	assert_int_equal(k.major, 4);
	assert_int_equal(k.minor, 10);
	assert_int_equal(
		version_of("<S:Fault><faultstring>no</faultstring></S:Fault>", &k, &f), -1);
	assert_int_equal(f.code, CN_UNSUPPORTED_DEVICE);
	assert_int_equal(version_of("<Major>4x</Major><Minor>2</Minor>", &k, &f), -1);
	assert_int_equal(version_of("<Major>99999</Major>", &k, &f), -1);
}

static int check_of(const char *body, const char *call, struct fault *f)
{
	struct parsed p;
	int r;

	parse(&p, body);
	r = konica_check(&p.a, call, &IN, CN_REJECTED, &p.f);
	*f = p.f;
	arena_fini(&p.arena);
	return r;
}

static void http_200_is_not_success(void **state unused)
{
	struct fault f;

	assert_int_equal(check_of("<AppResGetAbbr><Result><ResultInfo>Ack</ResultInfo></Result>"
				  "</AppResGetAbbr>",
				 "GetAbbr", &f),
		0);
	assert_int_equal(check_of("<AppResSetAbbr><Result><ResultInfo>Nack</ResultInfo>"
				  "<ErrorDetails><Item>AbbrNo</Item><Description>out of range"
				  "</Description></ErrorDetails></Result></AppResSetAbbr>",
				 "SetAbbr", &f),
		-1);
	assert_int_equal(f.code, CN_REJECTED);
	assert_string_equal(f.detail, "SetAbbr was refused: AbbrNo out of range");
	/* no Ack, another call's answer, nothing, a fault, a fault of another version */
	assert_int_equal(check_of("<AppResGetAbbr/>", "GetAbbr", &f), -1);
	assert_int_equal(f.code, CN_REJECTED);
	assert_int_equal(check_of("<AppResLogin><Result><ResultInfo>Ack</ResultInfo></Result>"
				  "</AppResLogin>",
				 "GetAbbr", &f),
		-1);
	assert_int_equal(f.code, CN_PROTOCOL_ERROR);
	assert_int_equal(check_of("", "GetAbbr", &f), -1);
	assert_int_equal(f.code, CN_PROTOCOL_ERROR);
	assert_int_equal(
		check_of("<S:Fault><faultstring>no</faultstring></S:Fault>", "GetAbbr", &f), -1);
	assert_int_equal(f.code, CN_REJECTED);
	assert_int_equal(check_of("<S:Fault><faultstring>no</faultstring><detail><Major>2</Major>"
				  "<Minor>1</Minor></detail></S:Fault>",
				 "GetAbbr", &f),
		-1);
	assert_int_equal(f.code, CN_PROTOCOL_ERROR);
	assert_string_equal(f.reason, "version");
}

static int page_of(const char *list, uint32_t *n, struct fault *f)
{
	static char body[60000];
	const struct xml_node *first = NULL;
	struct parsed p;
	int r;

	(void)snprintf(
		body, sizeof(body), "<m:AppResGetAbbr xmlns:m=\"u\">%s</m:AppResGetAbbr>", list);
	parse(&p, body);
	r = konica_page_read(&p.a, n, &first, &p.f);
	*f = p.f;
	arena_fini(&p.arena);
	return r;
}

static void a_page_holds_what_it_announces_dv_6(void **state unused)
{
	struct fault f;
	uint32_t n = 9;

	assert_int_equal(page_of("<AbbrList><ArraySize>0</ArraySize></AbbrList>", &n, &f), 0);
	assert_int_equal(n, 0);
	assert_int_equal(
		page_of("<AbbrList><ArraySize>1</ArraySize>" EMAIL("1", "A", "a@x") "</AbbrList>",
			&n, &f),
		0);
	assert_int_equal(n, 1);
	assert_int_equal(
		page_of("<AbbrList><ArraySize>2</ArraySize>" EMAIL("1", "A", "a@x") "</AbbrList>",
			&n, &f),
		-1);
	assert_int_equal(f.code, CN_INCOMPLETE);
	assert_int_equal(page_of("<AbbrList>" EMAIL("1", "A", "a@x") "</AbbrList>", &n, &f), -1);
	assert_int_equal(f.code, CN_PROTOCOL_ERROR);
	assert_int_equal(page_of("<AbbrList><ArraySize>1</ArraySize><Abbr><Name>A</Name></Abbr>"
				 "</AbbrList>",
				 &n, &f),
		-1);
	assert_int_equal(f.code, CN_PROTOCOL_ERROR);
}

/* ---- what may be written ---- */

#define LIST(entries) "<AbbrList><ArraySize>0</ArraySize>" entries "</AbbrList>"

struct change {
	struct image_item item[3];
	struct image image[3];
	struct errand e;
	struct konica_steps s;
	struct fault f;
};

static void side(struct change *c, size_t i, const char *xml)
{
	const struct codec *codec = codec_named("konica_xml");
	struct book *b = NULL;
	struct fault f = FAULT_INIT;

	assert_int_equal(book_decode(span_of(xml), codec, NULL, &b, &f), 0);
	c->item[i] = (struct image_item){.name = "address_book", .bytes = span_of(xml)};
	c->image[i] = (struct image){.item = &c->item[i], .n_items = 1, .book = b};
}

static void begin(struct change *c, const char *before, const char *wanted, const char *source)
{
	*c = (struct change){.f = FAULT_INIT};
	side(c, 0, before);
	side(c, 1, wanted);
	c->e = (struct errand){.before = &c->image[0], .wanted = &c->image[1]};
	if (source) {
		side(c, 2, source);
		c->e.source = &c->image[2];
	}
	assert_int_equal(konica_steps_make(&c->e, &c->s, &c->f), 0);
}

static void end(struct change *c)
{
	konica_steps_fini(&c->s);
	for (size_t i = 0; i < 3; i++)
		book_free((struct book *)(uintptr_t)c->image[i].book);
}

static void deletions_come_first_and_unchanged_entries_stay(void **state unused)
{
	struct change c;

	begin(&c,
		LIST(EMAIL("1", "A", "a@x") SMB("2", "S", "h", "p") EMAIL("3", "C", "c@x")
				EMAIL("9", "Z", "z@x")),
		LIST(EMAIL("1", "A", "a@x") SMB("2", "S", "h", "p") EMAIL("3", "C", "c2@x")
				EMAIL("4", "New", "n@x")),
		NULL);
	assert_int_equal(c.s.n_refused, 0);
	assert_int_equal(c.s.n, 3);
	assert_int_equal(c.s.n_deleted, 1);
	assert_string_equal(c.s.step[0].number, "9");
	assert_null(c.s.step[0].abbr);
	assert_string_equal(c.s.step[1].number, "3");
	assert_non_null(c.s.step[1].abbr);
	assert_string_equal(c.s.step[2].number, "4");
	end(&c);
}

static void white_space_and_prefixes_are_no_change(void **state unused)
{
	struct change c;

	begin(&c,
		"<x:AbbrList xmlns:x=\"u\"><x:ArraySize>1</x:ArraySize><x:Abbr>\n"
		"<x:AbbrNo>0001</x:AbbrNo> <x:Name>A</x:Name></x:Abbr></x:AbbrList>",
		LIST("<Abbr><AbbrNo>0001</AbbrNo><Name>A</Name></Abbr>"), NULL);
	assert_int_equal(c.s.n, 0);
	assert_int_equal(c.s.n_refused, 0);
	end(&c);
}

static void a_changed_folder_is_refused_by_name(void **state unused)
{
	struct change c;

	begin(&c, LIST(SMB("2", "Scan", "h", "p")), LIST(SMB("2", "Scan", "h2", "p")), NULL);
	assert_int_equal(c.s.n, 0);
	assert_int_equal(c.s.n_refused, 1);
	assert_string_equal(c.s.refusal[0].name, "Scan");
	assert_string_equal(c.s.refusal[0].mode, "Smb");
	assert_string_equal(c.s.refusal[0].reason, "not_email");
	end(&c);
	/* another password is another entry, too */
	begin(&c, LIST(SMB("2", "Scan", "h", "p")), LIST(SMB("2", "Scan", "h", "q")), NULL);
	assert_int_equal(c.s.n_refused, 1);
	end(&c);
}

static void a_folder_goes_back_as_a_device_said_it(void **state unused)
{
	struct change c;

	/* gone from the device; wanted says it in other bytes, the backup in the device's own */
	begin(&c, LIST(EMAIL("1", "A", "a@x")),
		LIST(EMAIL("1", "A",
			"a@x") "<Abbr><AbbrNo>2</AbbrNo><Name>Scan</Name>"
			       "<SearchKey>Pqrs</SearchKey><WellUse>false</"
			       "WellUse><SendConfiguration>"
			       "<AddressInfo><SendMode>Smb</SendMode><SmbMode><Host>h</Host>"
			       "<User>svc</User><Password>p</Password></SmbMode></AddressInfo>"
			       "</SendConfiguration></Abbr>"),
		LIST(EMAIL("1", "A", "a@x") SMB("2", "Scan", "h", "p")));
	assert_int_equal(c.s.n_refused, 0);
	assert_int_equal(c.s.n, 1);
	assert_string_equal(c.s.step[0].number, "2");
	assert_non_null(soap_at(c.s.step[0].abbr, "AddressKind")); /* the source's own element */
	end(&c);
	/* not what the source says: a password of somebody's own */
	begin(&c, LIST(EMAIL("1", "A", "a@x")), LIST(SMB("2", "Scan", "h", "mine")),
		LIST(SMB("2", "Scan", "h", "p")));
	assert_int_equal(c.s.n_refused, 1);
	end(&c);
}

static void an_element_nobody_has_seen_written_is_only_left_as_it_is(void **state unused)
{
	static const char PLAIN[] =
		LIST("<Abbr><AbbrNo>1</AbbrNo><Name>A</Name>"
		     "<SendConfiguration><AddressInfo><SendMode>Email</SendMode>"
		     "</AddressInfo></SendConfiguration><New>1</New></Abbr>");
	static const char NAMED[] =
		LIST("<Abbr><AbbrNo>1</AbbrNo><Name>B</Name>"
		     "<SendConfiguration><AddressInfo><SendMode>Email</SendMode>"
		     "</AddressInfo></SendConfiguration><New>1</New></Abbr>");
	static const char OTHER[] =
		LIST("<Abbr><AbbrNo>1</AbbrNo><Name>A</Name>"
		     "<SendConfiguration><AddressInfo><SendMode>Email</SendMode>"
		     "</AddressInfo></SendConfiguration><New>2</New></Abbr>");
	struct change c;

	begin(&c, PLAIN, NAMED, NULL);
	assert_int_equal(c.s.n, 1);
	end(&c);
	begin(&c, PLAIN, OTHER, NULL);
	assert_int_equal(c.s.n, 0);
	assert_int_equal(c.s.n_refused, 1);
	assert_string_equal(c.s.refusal[0].reason, "unknown_element");
	end(&c);
}

static void nothing_wanted_is_nothing_to_do(void **state unused)
{
	struct change c = {.f = FAULT_INIT};

	side(&c, 0, LIST(EMAIL("1", "A", "a@x")));
	c.image[1] = (struct image){.n_items = 0};
	c.e = (struct errand){.before = &c.image[0], .wanted = &c.image[1]};
	assert_int_equal(konica_steps_make(&c.e, &c.s, &c.f), 0);
	assert_int_equal(c.s.n, 0);
	end(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_call_is_written_as_its_clients_write_it),
		cmocka_unit_test(an_entry_is_set_with_its_elements_in_order),
		cmocka_unit_test(the_version_stands_somewhere_in_the_fault),
		cmocka_unit_test(http_200_is_not_success),
		cmocka_unit_test(a_page_holds_what_it_announces_dv_6),
		cmocka_unit_test(deletions_come_first_and_unchanged_entries_stay),
		cmocka_unit_test(white_space_and_prefixes_are_no_change),
		cmocka_unit_test(a_changed_folder_is_refused_by_name),
		cmocka_unit_test(a_folder_goes_back_as_a_device_said_it),
		cmocka_unit_test(an_element_nobody_has_seen_written_is_only_left_as_it_is),
		cmocka_unit_test(nothing_wanted_is_nothing_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
