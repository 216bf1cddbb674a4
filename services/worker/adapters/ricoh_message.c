// SPDX-License-Identifier: Apache-2.0
/* uDirectory's requests and answers. */
#include "services/worker/adapters/ricoh_message.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/crypto/crypto.h"
#include "gen/errors.h"

#define XS "http://www.w3.org/2001/XMLSchema"

static const struct soap_style STYLE = {.ns = SOAP_11,
	.prefix = "s",
	.attributes = " s:encodingStyle=\"" SOAP_ENCODING "\"",
	.declaration = true};

static const char *const METHODS[] = {
	[RICOH_PROTOCOL_VERSION] = "getProtocolVersion",
	[RICOH_SERVICE_CAPABILITY] = "getServiceCapability",
	[RICOH_START] = "startSession",
	[RICOH_SEARCH] = "searchObjects",
	[RICOH_GET] = "getObjectsProps",
	[RICOH_PUT] = "putObjects",
	[RICOH_CHANGE] = "putObjectProps",
	[RICOH_DELETE] = "deleteObjects",
	[RICOH_TERMINATE] = "terminateSession",
};

/* What is asked for: the names of address-books.md 4.5, without passwords, which never come, and
 * without the time of the last use, which is no content. */
static const char *const PROPS[] = {"entryType", "id", "index", "name", "longName", "phoneticName",
	"displayedOrder", "tagId", "isSender", "isDestination", "auth:", "auth:name",
	"mail:", "mail:address", "mail:parameter", "mail:isDirectSMTP", "fax:", "fax:number",
	"fax:lineType", "fax:isAbroad", "fax:parameter", "faxAux:", "faxAux:label1",
	"faxAux:label2String", "faxAux:messageNo", "faxAux:ttiNo", "ifax:", "ifax:address",
	"ifax:isDirectSMTP", "ifax:parameter", "remoteFolder:", "remoteFolder:type",
	"remoteFolder:serverName", "remoteFolder:path", "remoteFolder:port",
	"remoteFolder:accountName", "remoteFolder:select", "remoteFolder:logonMode",
	"remoteFolder:characterEncoding", "ldap:", "ldap:accountName", "ldap:select",
	"smtp:", "smtp:accountName", "smtp:select"};

/* ---- requests ---- */

const char *ricoh_action(enum ricoh_method m)
{
#define ACTION(name) "SOAPAction: " RICOH_NS "#" name
	static const char *const ACTIONS[] = {
		[RICOH_PROTOCOL_VERSION] = ACTION("getProtocolVersion"),
		[RICOH_SERVICE_CAPABILITY] = ACTION("getServiceCapability"),
		[RICOH_START] = ACTION("startSession"),
		[RICOH_SEARCH] = ACTION("searchObjects"),
		[RICOH_GET] = ACTION("getObjectsProps"),
		[RICOH_PUT] = ACTION("putObjects"),
		[RICOH_CHANGE] = ACTION("putObjectProps"),
		[RICOH_DELETE] = ACTION("deleteObjects"),
		[RICOH_TERMINATE] = ACTION("terminateSession"),
	};
#undef ACTION
	return ACTIONS[m];
}

static void begin(struct buf *out, enum ricoh_method m, const char *session)
{
	soap_begin(out, &STYLE, "");
	buf_addf(out,
		"<u:%s xmlns:u=\"" RICOH_NS "\" xmlns:xs=\"" XS "\" xmlns:xsi=\"" XS
		"-instance\" xmlns:soap-enc=\"" SOAP_ENCODING
		"\" xmlns:ricoh=\"http://www.ricoh.co.jp/xmlns/schema/rdh/commontypes\">",
		METHODS[m]);
	if (session)
		soap_element(out, "sessionId", session);
}

static void end(struct buf *out, enum ricoh_method m)
{
	buf_addf(out, "</u:%s>", METHODS[m]);
	soap_end(out, &STYLE);
}

static void open_array(struct buf *out, const char *name, const char *type)
{
	buf_addf(out, "<%s xsi:type=\"soap-enc:Array\" soap-enc:arrayType=\"%s[]\">", name, type);
}

static void add_ids(struct buf *out, const uint32_t *ids, size_t n)
{
	open_array(out, "objectIdList", "xs:string");
	for (size_t i = 0; i < n; i++)
		buf_addf(out, "<item>entry:%u</item>", ids[i]);
	buf_adds(out, "</objectIdList>");
}

static void add_props(struct buf *out, const struct ricoh_object *o)
{
	for (size_t i = 0; i < o->n; i++) {
		buf_adds(out, "<item>");
		soap_element(out, "propName", o->prop[i].name);
		soap_element(out, "propVal", o->prop[i].value);
		buf_adds(out, "</item>");
	}
}

void ricoh_ask_version(struct buf *out)
{
	begin(out, RICOH_PROTOCOL_VERSION, NULL);
	end(out, RICOH_PROTOCOL_VERSION);
}

void ricoh_ask_start(struct buf *out, const char *user, const char *password, bool write)
{
	begin(out, RICOH_START, NULL);
	buf_adds(out, "<stringIn>SCHEME=QkFTSUM=;UID:UserName="); /* BASIC */
	base64_encode((struct span){(const uint8_t *)user, strlen(user)}, out);
	buf_adds(out, ";PWD:Password=");
	base64_encode((struct span){(const uint8_t *)password, strlen(password)}, out);
	buf_addf(out, ";PES:Encoding=%s</stringIn>", *password ? "" : "gwpwes003");
	buf_addf(out, "<timeLimit>%u</timeLimit>", RICOH_TIME_LIMIT);
	soap_element(out, "lockMode", write ? "X" : "S");
	end(out, RICOH_START);
}

void ricoh_ask_capability(struct buf *out, const char *session)
{
	begin(out, RICOH_SERVICE_CAPABILITY, session);
	end(out, RICOH_SERVICE_CAPABILITY);
}

void ricoh_ask_search(struct buf *out, const char *session, uint32_t offset, uint32_t count)
{
	begin(out, RICOH_SEARCH, session);
	open_array(out, "selectProps", "xs:string");
	buf_adds(out, "<item>id</item></selectProps><fromClass>entry</fromClass>");
	open_array(out, "orderBy", "ricoh:queryOrderBy");
	buf_adds(out, "<item><propName>index</propName><isDescending>false</isDescending></item>"
		      "</orderBy>");
	buf_addf(out, "<rowOffset>%u</rowOffset><rowCount>%u</rowCount>", offset, count);
	end(out, RICOH_SEARCH);
}

void ricoh_ask_get(struct buf *out, const char *session, const uint32_t *ids, size_t n)
{
	begin(out, RICOH_GET, session);
	add_ids(out, ids, n);
	open_array(out, "selectProps", "xs:string");
	for (size_t i = 0; i < array_len(PROPS); i++)
		soap_element(out, "item", PROPS[i]);
	buf_adds(out, "</selectProps>");
	end(out, RICOH_GET);
}

void ricoh_ask_put(
	struct buf *out, const char *session, const struct ricoh_object *objects, size_t n)
{
	begin(out, RICOH_PUT, session);
	buf_adds(out, "<objectClass>entry</objectClass>");
	open_array(out, "propListList", "ricoh:propertyList");
	for (size_t i = 0; i < n; i++) {
		open_array(out, "item", "ricoh:property");
		add_props(out, &objects[i]);
		buf_adds(out, "</item>");
	}
	buf_adds(out, "</propListList>");
	end(out, RICOH_PUT);
}

void ricoh_ask_change(
	struct buf *out, const char *session, uint32_t id, const struct ricoh_object *o)
{
	begin(out, RICOH_CHANGE, session);
	buf_addf(out, "<objectId>entry:%u</objectId>", id);
	open_array(out, "propList", "ricoh:property");
	add_props(out, o);
	buf_adds(out, "</propList>");
	end(out, RICOH_CHANGE);
}

void ricoh_ask_delete(struct buf *out, const char *session, const uint32_t *ids, size_t n)
{
	begin(out, RICOH_DELETE, session);
	add_ids(out, ids, n);
	end(out, RICOH_DELETE);
}

void ricoh_ask_terminate(struct buf *out, const char *session)
{
	begin(out, RICOH_TERMINATE, session);
	end(out, RICOH_TERMINATE);
}

/* ---- faults ---- */

/* Words in codes and descriptions of which only a part is public. */
static const struct {
	const char *word;
	int code;
} WORDS[] = {
	{"AUTH", CN_AUTH_REFUSED},
	{"PASSWORD", CN_AUTH_REFUSED},
	{"LOGIN", CN_AUTH_REFUSED},
	{"PERMISSION", CN_PERMISSION_DENIED},
	{"LOCK", CN_DEVICE_LOCKED},
	{"SESSION", CN_SESSION_LOST},
};

static const struct {
	const char *code;
	int cause;
} CODES[] = {
	{"COMMON_SYSTEM_BUSY", CN_DEVICE_BUSY},
	{"COMMON_BAD_PARAMETER", CN_REJECTED},
	{"COMMON_SOAP_SERVER", CN_PROTOCOL_ERROR},
	{"UDIRECTORY_DIRECTORY_INCONSISTENT", CN_REJECTED},
};

static int cause_of_words(const char *text)
{
	for (size_t i = 0; i < array_len(WORDS); i++)
		if (strcasestr(text, WORDS[i].word))
			return WORDS[i].code;
	return 0;
}

static int cause_of(const char *code, const char *description)
{
	int cause;

	for (size_t i = 0; i < array_len(CODES); i++)
		if (strcmp(CODES[i].code, code) == 0)
			return CODES[i].cause;
	cause = cause_of_words(code);
	if (!cause)
		cause = cause_of_words(description);
	return cause ? cause : CN_REJECTED;
}

static const char *words_of(struct arena *a, const char *code, const char *description)
{
	const char *text = *code && *description ? arena_printf(a, "%s: %s", code, description)
						 : (*code ? code : description);

	return text ? text : "";
}

static int read_fault(const struct soap_answer *a, enum ricoh_method m, const char **ret_text,
	struct fault *reterr)
{
	const char *code = soap_text_at(a->arena, a->detail, "rdhError/errorCode");
	const char *text = soap_text_at(a->arena, a->detail, "rdhError/errorDescription");
	int cause = cause_of(code, *text ? text : a->text);

	/* before a session is open, none can have been lost */
	if (m == RICOH_START && cause == CN_SESSION_LOST)
		cause = CN_DEVICE_LOCKED;
	if (!*code && !*text) {
		code = a->code;
		text = a->text;
	}
	*ret_text = words_of(a->arena, code, text);
	return fault_set(reterr, cause, "%s: %.200s", METHODS[m], *ret_text);
}

int ricoh_check(const struct soap_answer *a, enum ricoh_method m, const char **ret_text,
	struct fault *reterr)
{
	const char *name = a->body ? a->body->name : "";
	size_t n = strlen(METHODS[m]);

	*ret_text = "";
	if (a->is_fault)
		return read_fault(a, m, ret_text, reterr);
	if (!a->body || strcmp(a->body->ns, RICOH_NS) != 0 || strncmp(name, METHODS[m], n) != 0 ||
		strcmp(name + n, "Response") != 0)
		return fault_set(
			reterr, CN_PROTOCOL_ERROR, "%s: answered with <%.60s>", METHODS[m], name);
	return 0;
}

/* ---- answers ---- */

const char *ricoh_session(const struct soap_answer *a, struct fault *reterr)
{
	const char *said = soap_text_at(a->arena, a->body, "returnValue");
	const char *id = soap_text_at(a->arena, a->body, "stringOut");
	int cause = cause_of_words(said);

	if (strcmp(said, "OK") == 0 && *id)
		return id;
	if (strcmp(said, "OK") == 0)
		fault_set(reterr, CN_PROTOCOL_ERROR, "startSession: OK without a session id");
	else if (cause == CN_AUTH_REFUSED)
		fault_set(reterr, CN_AUTH_REFUSED, "startSession: %.100s", said);
	else if (cause == CN_DEVICE_LOCKED)
		fault_set(reterr, CN_DEVICE_LOCKED, "startSession: %.100s", said);
	else
		fault_set(reterr, CN_DEVICE_BUSY, "startSession: %.100s", said);
	return NULL;
}

/* A property list that is said as one list, or as a list of one list. */
static int64_t listed(struct arena *a, const struct xml_node *n, const char *name, unsigned depth)
{
	const struct xml_node *c;
	int64_t v = -1;

	for (c = n ? n->child : NULL; c && v < 0; c = c->next) {
		if (strcmp(soap_text_at(a, c, "propName"), name) == 0)
			v = soap_number_at(c, "propVal");
		else if (strcmp(c->name, name) == 0)
			v = soap_number_at(c, "");
		else if (depth > 0)
			v = listed(a, c, name, depth - 1);
	}
	return v;
}

uint32_t ricoh_at_once(const struct soap_answer *a)
{
	int64_t n = listed(a->arena, a->body, "maxObjectPerCall", 3);

	return n <= 0 ? 0 : n < RICOH_AT_ONCE ? (uint32_t)n : RICOH_AT_ONCE;
}

static size_t count_items(const struct xml_node *n)
{
	size_t k = 0;

	for (const struct xml_node *c = soap_child(n, NULL, "item"); c;
		c = soap_next(c, NULL, "item"))
		k++;
	return k;
}

static int read_properties(struct arena *a, const struct xml_node *n, struct ricoh_object *ret)
{
	const struct xml_node *c = soap_child(n, NULL, "item");
	struct ricoh_prop *p = arena_array(a, count_items(n) + 1, sizeof(*p));

	if (!p)
		return -1;
	*ret = (struct ricoh_object){.prop = p};
	for (; c; c = soap_next(c, NULL, "item"))
		p[ret->n++] = (struct ricoh_prop){.name = xml_child_text(c, "propName"),
			.value = xml_child_text(c, "propVal")};
	return 0;
}

static int read_objects(struct arena *a, const struct xml_node *list, struct ricoh_objects *ret,
	struct fault *reterr)
{
	const struct xml_node *c = soap_child(list, NULL, "item");

	*ret = (struct ricoh_objects){
		.object = arena_array(a, count_items(list) + 1, sizeof(*ret->object))};
	for (; c && ret->object; c = soap_next(c, NULL, "item"))
		if (read_properties(a, c, &ret->object[ret->n++]) < 0)
			ret->object = NULL;
	if (!ret->object)
		return fault_set(reterr, CN_RESPONSE_TOO_BIG, "more than fits into memory");
	return 0;
}

const char *ricoh_value(const struct ricoh_object *o, const char *name)
{
	for (size_t i = 0; i < o->n; i++)
		if (strcmp(o->prop[i].name, name) == 0)
			return o->prop[i].value;
	return "";
}

/* Ids of built-in objects are one number, whatever they are: they are only counted. */
uint32_t ricoh_id(const struct ricoh_object *o)
{
	const char *s = ricoh_value(o, "id");
	size_t digits;

	s += strspn(s, " \t\r\n");
	s += strspn(s, "0");
	digits = strspn(s, "0123456789");
	if (s[digits + strspn(s + digits, " \t\r\n")] || digits == 0)
		return 0;
	return digits >= 10 ? RICOH_BUILT_IN : (uint32_t)strtoul(s, NULL, 10);
}

int ricoh_rows(const struct soap_answer *a, struct ricoh_rows *ret, struct fault *reterr)
{
	const char *said = soap_text_at(a->arena, a->body, "returnValue");
	int64_t announced = soap_number_at(a->body, "numOfResults");
	struct ricoh_objects rows;

	if (strcmp(said, "OK") != 0 && strcmp(said, "EOD") != 0 && strcmp(said, "TRUNCATED") != 0)
		return fault_set(reterr, CN_PROTOCOL_ERROR, "searchObjects: %.100s", said);
	if (announced < 0 || announced > UINT32_MAX)
		return fault_set(reterr, CN_PROTOCOL_ERROR, "searchObjects: no numOfResults");
	if (read_objects(a->arena, soap_at(a->body, "rowList"), &rows, reterr) < 0)
		return -1;
	*ret = (struct ricoh_rows){.id = arena_array(a->arena, rows.n + 1, sizeof(*ret->id)),
		.announced = (uint32_t)announced,
		.end = strcmp(said, "EOD") == 0};
	if (!ret->id)
		return fault_set(reterr, CN_RESPONSE_TOO_BIG, "more than fits into memory");
	for (size_t i = 0; i < rows.n; i++) {
		ret->id[ret->n] = ricoh_id(&rows.object[i]);
		if (ret->id[ret->n++] == 0)
			return fault_set(reterr, CN_PROTOCOL_ERROR,
				"searchObjects: row %zu has no id that is a number", i + 1);
	}
	return 0;
}

int ricoh_objects(const struct soap_answer *a, struct ricoh_objects *ret, struct fault *reterr)
{
	const struct xml_node *list = soap_at(a->body, "returnValue");

	if (!list)
		return fault_set(reterr, CN_PROTOCOL_ERROR, "getObjectsProps: no returnValue");
	return read_objects(a->arena, list, ret, reterr);
}

int ricoh_objects_of(
	struct arena *a, struct span file, struct ricoh_objects *ret, struct fault *reterr)
{
	static const struct xml_limits LIMITS = {
		.depth = 64, .nodes = UINT32_MAX, .attributes = 64, .text = 64 * 1024};
	const struct xml_node *root = xml_parse(a, file, &LIMITS, NULL, reterr);

	return root ? read_objects(a, soap_at(root, "returnValue"), ret, reterr) : -1;
}
