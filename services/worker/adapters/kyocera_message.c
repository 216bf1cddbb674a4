// SPDX-License-Identifier: Apache-2.0
/* Messages of Kyocera's km-wsdl. */
#include "services/worker/adapters/kyocera_message.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "gen/errors.h"

#define NS "http://www.kyoceramita.com"
#define WSDL "/ws/km-wsdl/"
#define WSA_2004 "http://schemas.xmlsoap.org/ws/2004/08/addressing"
#define WSA_2005 "http://www.w3.org/2005/08/addressing"
#define WSSE "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"

static const struct service {
	const char *path, *wsa;
} SERVICES[] = {
	[KYOCERA_BOOK] = {WSDL "setting/address_book", WSA_2004},
	[KYOCERA_AUTH] = {WSDL "security/authentication_authorization", WSA_2004},
	[KYOCERA_INFO] = {WSDL "information/device_information", WSA_2005},
	[KYOCERA_CONTROL] = {WSDL "information/device_control", WSA_2004},
};

#define BOOK_NS NS WSDL "setting/address_book"
#define AUTH_NS NS WSDL "security/authentication_authorization"
#define CONTROL_NS NS WSDL "information/device_control"
#define INFO_NS NS WSDL "information/device_information"

static const struct calls {
	const char *create, *get, *destroy, *entry;
} CALLS[] = {
	[KYOCERA_PERSONS] = {"create_personal_address_enumeration", "get_personal_address_list",
		"destroy_personal_address_enumeration", "personal_address"},
	[KYOCERA_GROUPS] = {"create_group_address_enumeration", "get_group_address_list",
		"destroy_group_address_enumeration", "group_address"},
};

const char *kyocera_path(enum kyocera_service s)
{
	return SERVICES[s].path;
}

const char *kyocera_create_call(enum kyocera_list list)
{
	return CALLS[list].create;
}

const char *kyocera_get_call(enum kyocera_list list)
{
	return CALLS[list].get;
}

/* ---- what is sent ---- */

static const char PREFIX[] = "SOAP-ENV";

/* more: what else stands in the header, XML. */
static void begin(struct buf *out, enum kyocera_service s, const char *call, const char *more)
{
	char attributes[256];
	struct buf header = BUF_INIT;

	(void)snprintf(attributes, sizeof(attributes), " xmlns:wsa=\"%s\" xmlns:ns1=\"" NS "%s\"",
		SERVICES[s].wsa, SERVICES[s].path);
	buf_addf(&header, "<wsa:Action %s:mustUnderstand=\"true\">" NS "%s/%s</wsa:Action>%s",
		PREFIX, SERVICES[s].path, call, more);
	soap_begin(out,
		&(struct soap_style){.ns = SOAP_12,
			.prefix = PREFIX,
			.attributes = attributes,
			.declaration = true},
		buf_str(&header));
	out->err |= header.err;
	buf_fini(&header);
	buf_addf(out, "<ns1:%sRequest>", call);
}

static void end(struct buf *out, const char *call)
{
	buf_addf(out, "</ns1:%sRequest>", call);
	soap_end(out, &(struct soap_style){.ns = SOAP_12, .prefix = PREFIX});
}

static void begin_as(struct buf *out, enum kyocera_service s, const char *call, const char *token)
{
	struct buf security = BUF_INIT;

	if (token) {
		buf_adds(&security, "<wsse:Security xmlns:wsse=\"" WSSE "\"><wsse:UsernameToken>");
		soap_element(&security, "wsse:Username", token);
		buf_adds(&security, "</wsse:UsernameToken></wsse:Security>");
	}
	begin(out, s, call, buf_str(&security));
	out->err |= security.err;
	buf_fini(&security);
}

/* A call of the book with one argument. */
static void book_call(
	struct buf *out, const char *call, const char *name, const char *value, const char *token)
{
	begin_as(out, KYOCERA_BOOK, call, token);
	soap_element(out, name, value);
	end(out, call);
}

void kyocera_create_message(
	struct buf *out, enum kyocera_list list, unsigned number, const char *token)
{
	char text[12];

	(void)snprintf(text, sizeof(text), "%u", number);
	book_call(out, CALLS[list].create, "ns1:number", text, token);
}

void kyocera_get_message(
	struct buf *out, enum kyocera_list list, const char *enumeration, const char *token)
{
	book_call(out, CALLS[list].get, "ns1:enumeration", enumeration, token);
}

void kyocera_destroy_message(
	struct buf *out, enum kyocera_list list, const char *enumeration, const char *token)
{
	book_call(out, CALLS[list].destroy, "ns1:enumeration", enumeration, token);
}

void kyocera_status_message(struct buf *out)
{
	begin(out, KYOCERA_AUTH, "get_authentication_status", "");
	end(out, "get_authentication_status");
}

void kyocera_login_message(struct buf *out, const char *user, const char *password)
{
	begin(out, KYOCERA_AUTH, "login_system", "");
	soap_element(out, "ns1:authentication_method", "LOCAL_AUTHENTICATION");
	soap_element(out, "ns1:userid", user);
	soap_element(out, "ns1:password", password);
	end(out, "login_system");
}

void kyocera_constitution_message(struct buf *out, const char *origin)
{
	struct buf to = BUF_INIT;

	buf_adds(&to, "<wsa:To>");
	soap_text(&to, origin);
	buf_addf(&to, "%s</wsa:To>", SERVICES[KYOCERA_INFO].path);
	begin(out, KYOCERA_INFO, "get_device_constitution_information", buf_str(&to));
	buf_fini(&to);
	end(out, "get_device_constitution_information");
}

void kyocera_restart_message(struct buf *out, const char *token)
{
	begin_as(out, KYOCERA_CONTROL, "restart_device", token);
	end(out, "restart_device");
}

/* ---- what comes ---- */

static bool has_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (; *text; text++)
		if (strncasecmp(text, word, n) == 0)
			return true;
	return false;
}

/* A fault that is about who asks. */
static bool about_token(const struct soap_answer *a)
{
	const struct xml_node *sub = soap_at(a->body, "Code/Subcode/Value");

	return has_word(a->code, "wsse") || has_word(a->text, "wsse") ||
	       has_word(a->text, "token") || (sub && has_word(sub->text, "wsse"));
}

static int fault_of(const struct soap_answer *a, const char *call, struct fault *reterr)
{
	if (about_token(a))
		return fault_set(reterr, CN_AUTH_REFUSED, "%s: %.150s", call, a->text);
	return fault_set(reterr, CN_REJECTED, "%s: %.150s", call, a->text);
}

/* Is it the answer to that call, in the interface's namespace? */
static int answer_to(
	const struct soap_answer *a, const char *ns, const char *call, struct fault *reterr)
{
	char name[80];

	if (a->is_fault)
		return fault_of(a, call, reterr);
	(void)snprintf(name, sizeof(name), "%sResponse", call);
	if (!soap_is(a->body, ns, name))
		return fault_set(reterr, CN_PROTOCOL_ERROR, "no answer to %s: %.60s", call,
			a->body ? a->body->name : "nothing");
	return 0;
}

static int result_in(const struct soap_answer *a, const char *ns, const char *call,
	enum kyocera_result *ret, struct fault *reterr)
{
	static const char *const WORDS[] = {[KYOCERA_SUCCESS] = "SUCCESS",
		[KYOCERA_PREPARING] = "PREPARING_NOW",
		[KYOCERA_COMPLETE] = "ALL_GET_COMPLETE"};
	const struct xml_node *n;
	const char *word;

	if (answer_to(a, ns, call, reterr) < 0)
		return -1;
	n = soap_child(a->body, ns, "result");
	word = soap_text_at(a->arena, n, "");
	for (size_t i = 0; n && i < array_len(WORDS); i++)
		if (strcmp(word, WORDS[i]) == 0) {
			*ret = (enum kyocera_result)i;
			return 0;
		}
	return n ? fault_set(reterr, CN_REJECTED, "%s: %.100s", call, word)
		 : fault_set(reterr, CN_PROTOCOL_ERROR, "%s: no result", call);
}

int kyocera_result(const struct soap_answer *a, const char *call, enum kyocera_result *ret,
	struct fault *reterr)
{
	return result_in(a, BOOK_NS, call, ret, reterr);
}

int kyocera_restarts(const struct soap_answer *a, struct fault *reterr)
{
	enum kyocera_result r = KYOCERA_PREPARING;

	if (result_in(a, CONTROL_NS, "restart_device", &r, reterr) < 0)
		return -1;
	return r == KYOCERA_SUCCESS ? 0
				    : fault_set(reterr, CN_REJECTED, "restart_device: not done");
}

static const char *kept(struct arena *a, const struct xml_node *n)
{
	const char *s = soap_text_at(a, n, "");

	return *s ? s : NULL;
}

const char *kyocera_enumeration(struct arena *a, const struct soap_answer *answer)
{
	return kept(a, soap_child(answer->body, BOOK_NS, "enumeration"));
}

const char *kyocera_token(struct arena *a, const struct soap_answer *answer, struct fault *reterr)
{
	const struct xml_node *token;
	const char *text;

	if (answer_to(answer, AUTH_NS, "login_system", reterr) < 0) {
		reterr->code = CN_AUTH_REFUSED;
		return NULL;
	}
	token = soap_child(soap_child(answer->body, AUTH_NS, "usertoken"), AUTH_NS, "token");
	text = kept(a, token);
	if (!text)
		fault_set(reterr, CN_AUTH_REFUSED, "the login brought no token");
	return text;
}

const struct xml_node *kyocera_first(const struct soap_answer *a, enum kyocera_list list)
{
	return soap_child(a->body, BOOK_NS, CALLS[list].entry);
}

const struct xml_node *kyocera_next(const struct xml_node *entry, enum kyocera_list list)
{
	return soap_next(entry, BOOK_NS, CALLS[list].entry);
}

const char *kyocera_id(struct arena *a, const struct xml_node *entry)
{
	return soap_text_at(a, entry, "name_information/id");
}

int kyocera_check_group(const struct xml_node *group, struct fault *reterr)
{
	const struct xml_node *in =
		soap_child(group, BOOK_NS, "group_address_registration_information");
	const struct xml_node *m = soap_child(in, BOOK_NS, CALLS[KYOCERA_PERSONS].entry);
	int64_t announced = soap_number_at(group, "address_number"), n = 0;

	for (; m; m = kyocera_next(m, KYOCERA_PERSONS))
		n++;
	if (announced >= 0 && announced != n)
		return fault_set(reterr, CN_INCOMPLETE, "a group of %lld members holds %lld",
			(long long)announced, (long long)n);
	return 0;
}

/* Which words say that nobody is there is not public in full: others count as in use. */
static bool is_free(const char *word)
{
	static const char *const FREE[] = {
		"", "OFF", "NONE", "UNLOCK", "UNLOCKED", "NOT_LOCKED", "FALSE"};

	for (size_t i = 0; i < array_len(FREE); i++)
		if (strcasecmp(word, FREE[i]) == 0)
			return true;
	return false;
}

static const struct xml_node *find_panel(const struct xml_node *n)
{
	for (; n; n = n->next) {
		const struct xml_node *deeper;

		if (soap_is(n, INFO_NS, "panel_information"))
			return n;
		deeper = find_panel(n->child);
		if (deeper)
			return deeper;
	}
	return NULL;
}

void kyocera_panel(struct arena *a, const struct soap_answer *answer, const char **ret_message,
	bool *ret_in_use)
{
	const struct xml_node *panel = answer->is_fault ? NULL : find_panel(answer->body);

	if (!panel)
		return;
	*ret_message = "";
	for (const struct xml_node *m = soap_child(panel, INFO_NS, "message"); m && !**ret_message;
		m = soap_next(m, INFO_NS, "message"))
		*ret_message = soap_text_at(a, m, "");
	*ret_in_use = !is_free(soap_text_at(a, panel, "lock_status"));
}
