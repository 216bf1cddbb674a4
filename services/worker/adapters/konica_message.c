// SPDX-License-Identifier: Apache-2.0
/* Messages of Konica Minolta's OpenAPI. */
#include "services/worker/adapters/konica_message.h"

#include <string.h>

#include "gen/errors.h"

#define HEADER_NS "http://www.konicaminolta.com/Header/OpenAPI-"
#define SERVICE_NS "http://www.konicaminolta.com/service/OpenAPI-"

static const struct soap_style style = {.ns = SOAP_11,
	.prefix = "SOAP-ENV",
	.attributes = " xmlns:SOAP-ENC=\"" SOAP_ENCODING "\""
		      " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\""
		      " xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\""};

/* ---- what is sent ---- */

void konica_version_message(struct buf *out)
{
	buf_adds(out, "<SOAP-ENV:Envelope></SOAP-ENV:Envelope>");
}

/* AppManagementID is 0 at the login and 1000 afterwards. */
static void begin(struct buf *out, const struct konica *k, const char *call)
{
	struct buf header = BUF_INIT;

	buf_addf(&header,
		"<me:AppReqHeader xmlns:me=\"" HEADER_NS "%u-%u\">"
		"<ApplicationID xmlns=\"\">0</ApplicationID><UserName xmlns=\"\"/>"
		"<Password xmlns=\"\"/><Version xmlns=\"\"><Major>%u</Major><Minor>%u</Minor>"
		"</Version><AppManagementID xmlns=\"\">%u</AppManagementID></me:AppReqHeader>",
		k->major, k->minor, k->major, k->minor, k->auth ? 1000u : 0u);
	soap_begin(out, &style, buf_str(&header));
	buf_fini(&header);
	buf_addf(out, "<AppReq%s xmlns=\"" SERVICE_NS "%u-%u\">", call, k->major, k->minor);
}

static void end(struct buf *out, const char *call)
{
	buf_addf(out, "</AppReq%s>", call);
	soap_end(out, &style);
}

/* The key stands in OperatorInfo in every call (DC-1). */
static void add_operator(struct buf *out, const struct konica *k)
{
	buf_adds(out, "<OperatorInfo>");
	soap_element(out, "AuthKey", k->auth);
	buf_adds(out, "</OperatorInfo>");
}

void konica_login_message(struct buf *out, const struct konica *k, const char *password)
{
	begin(out, k, "Login");
	buf_adds(out, "<OperatorInfo><UserType>Admin</UserType>");
	soap_element(out, "Password", password);
	buf_addf(out, "</OperatorInfo><TimeOut>%u</TimeOut>", KONICA_TIMEOUT_S);
	end(out, "Login");
}

/* BackUp and its password are the same in both known clients; other values are untested. */
void konica_get_message(struct buf *out, const struct konica *k, unsigned start, unsigned length)
{
	begin(out, k, "GetAbbr");
	add_operator(out, k);
	buf_addf(out,
		"<AbbrListCondition><SearchKey>None</SearchKey><WellUse>false</WellUse>"
		"<ObtainCondition><Type>OffsetList</Type><OffsetRange><Start>%u</Start>"
		"<Length>%u</Length></OffsetRange></ObtainCondition><BackUp>true</BackUp>"
		"<BackUpPassword>MYSKIMGS</BackUpPassword></AbbrListCondition>",
		start, length);
	end(out, "GetAbbr");
}

void konica_lock_message(struct buf *out, const struct konica *k)
{
	begin(out, k, "EnterDeviceLock");
	add_operator(out, k);
	buf_addf(out,
		"<LockType>DownloadLock</LockType><PackageEntryFlg>Package</PackageEntryFlg>"
		"<TimeOut>%u</TimeOut>",
		KONICA_TIMEOUT_S);
	end(out, "EnterDeviceLock");
}

/* Without prefixes and without the blanks between elements. Depth is bounded by the parser. */
static void add_tree(struct buf *out, const struct xml_node *n)
{
	const char *text = n->text;

	if (!n->child && !*text) {
		buf_addf(out, "<%s/>", n->name);
		return;
	}
	buf_addf(out, "<%s>", n->name);
	for (const struct xml_node *c = n->child; c; c = c->next)
		add_tree(out, c);
	if (!n->child)
		soap_text(out, text);
	buf_addf(out, "</%s>", n->name);
}

void konica_set_message(struct buf *out, const struct konica *k, const struct xml_node *abbr)
{
	begin(out, k, "SetAbbr");
	add_operator(out, k);
	buf_adds(out, "<CreateCondition><Auto>false</Auto><OverWrite>true</OverWrite>"
		      "</CreateCondition>");
	soap_element(out, "LockKey", k->lock);
	add_tree(out, abbr);
	end(out, "SetAbbr");
}

void konica_delete_message(struct buf *out, const struct konica *k, const char *number)
{
	begin(out, k, "DeleteAbbr");
	add_operator(out, k);
	soap_element(out, "LockKey", k->lock);
	buf_adds(out, "<AllItem>false</AllItem><AddressKind>Public</AddressKind>");
	soap_element(out, "AbbrNo", number);
	end(out, "DeleteAbbr");
}

void konica_unlock_message(struct buf *out, const struct konica *k)
{
	begin(out, k, "ExitDeviceLock");
	add_operator(out, k);
	soap_element(out, "LockKey", k->lock);
	end(out, "ExitDeviceLock");
}

/* ---- what comes ---- */

/* The first element of that name, at any depth. */
static const struct xml_node *find(const struct xml_node *n, const char *name)
{
	for (; n; n = n->next) {
		const struct xml_node *deeper;

		if (strcmp(n->name, name) == 0)
			return n;
		deeper = find(n->child, name);
		if (deeper)
			return deeper;
	}
	return NULL;
}

static bool read_small(const struct xml_node *n, unsigned *ret)
{
	unsigned v = 0;
	const char *s = n ? n->text + strspn(n->text, " \t\r\n") : "";
	size_t digits = strspn(s, "0123456789");

	if (digits == 0 || digits > 4 || s[digits + strspn(s + digits, " \t\r\n")])
		return false;
	for (size_t i = 0; i < digits; i++)
		v = v * 10 + (unsigned)(s[i] - '0');
	*ret = v;
	return true;
}

int konica_version_read(const struct soap_answer *a, struct konica *ret, struct fault *reterr)
{
	unsigned major, minor;

	if (!read_small(find(a->body, "Major"), &major) ||
		!read_small(find(a->body, "Minor"), &minor))
		return fault_set(reterr, CN_UNSUPPORTED_DEVICE,
			"no version of OpenAPI in the answer to an empty message");
	ret->major = major;
	ret->minor = minor;
	return 0;
}

/* A fault that names a version other than ours. */
static bool other_version(const struct soap_answer *a, const struct konica *k)
{
	struct konica said = {.major = k->major, .minor = k->minor};
	struct fault none = FAULT_INIT;

	return konica_version_read(a, &said, &none) == 0 &&
	       (said.major != k->major || said.minor != k->minor);
}

/* All texts below an element, in order, a blank between. */
static void gather(const struct xml_node *n, struct buf *out)
{
	for (; n && out->n < 200; n = n->next) {
		const char *s = n->text + strspn(n->text, " \t\r\n");

		if (!n->child && *s)
			buf_addf(out, "%s%.100s", out->n ? " " : "", s);
		gather(n->child, out);
	}
}

static int refused(const struct soap_answer *a, const char *call, int code, struct fault *reterr)
{
	const struct xml_node *details = find(a->body->child, "ErrorDetails");
	struct buf words = BUF_INIT;

	if (a->is_fault)
		buf_addf(&words, "%.100s", a->text);
	else if (details)
		gather(details->child ? details->child : details, &words);
	fault_set(reterr, code, "%s was refused: %s", call,
		words.n ? buf_str(&words) : "no reason given");
	buf_fini(&words);
	return -1;
}

int konica_check(const struct soap_answer *a, const char *call, const struct konica *k, int code,
	struct fault *reterr)
{
	const struct xml_node *info;
	size_t n = strlen("AppRes");

	if (a->is_fault && other_version(a, k)) {
		(void)refused(a, call, CN_PROTOCOL_ERROR, reterr);
		return fault_why(reterr, CN_PROTOCOL_ERROR, "version",
			"the device wants another version of OpenAPI than %u.%u", k->major,
			k->minor);
	}
	if (a->is_fault)
		return refused(a, call, code, reterr);
	if (!a->body || strncmp(a->body->name, "AppRes", n) != 0 ||
		strcmp(a->body->name + n, call) != 0)
		return fault_set(reterr, CN_PROTOCOL_ERROR, "no answer to %s: %.60s", call,
			a->body ? a->body->name : "nothing");
	info = soap_at(a->body, "Result/ResultInfo");
	if (!info || strcmp(info->text + strspn(info->text, " \t\r\n"), "Ack") != 0)
		return refused(a, call, code, reterr);
	return 0;
}

const char *konica_key(struct arena *a, const struct soap_answer *answer, const char *name)
{
	const char *key = soap_text_at(a, answer->body, name);

	return *key ? key : NULL;
}

const struct xml_node *konica_page_next(const struct xml_node *abbr)
{
	return soap_next(abbr, NULL, "Abbr");
}

const char *konica_number(struct arena *a, const struct xml_node *abbr)
{
	const char *s = soap_text_at(a, abbr, "AbbrNo");

	while (s[0] == '0' && s[1])
		s++;
	return s;
}

int konica_page_read(const struct soap_answer *a, uint32_t *ret_entries,
	const struct xml_node **ret_first, struct fault *reterr)
{
	const struct xml_node *list = soap_at(a->body, "AbbrList");
	int64_t announced = soap_number_at(list, "ArraySize");
	const struct xml_node *first = soap_child(list, NULL, "Abbr");
	uint32_t n = 0;

	if (!list || announced < 0)
		return fault_set(reterr, CN_PROTOCOL_ERROR, "a page of the book without its size");
	for (const struct xml_node *e = first; e; e = konica_page_next(e), n++)
		if (soap_number_at(e, "AbbrNo") < 0)
			return fault_set(
				reterr, CN_PROTOCOL_ERROR, "entry %u has no number", n + 1);
	if (announced != n)
		return fault_set(reterr, CN_INCOMPLETE, "%u entries of %lld announced", n,
			(long long)announced);
	if (n > KONICA_PAGE)
		return fault_set(reterr, CN_PROTOCOL_ERROR, "%u entries where %u were asked for", n,
			KONICA_PAGE);
	*ret_entries = n;
	*ret_first = first;
	return 0;
}
