// SPDX-License-Identifier: Apache-2.0
/* uDirectory as a Ricoh machine serves it, as far as it is public (devices.md section 5). Codes of
 * faults about sessions and locks are ours: only their wording is known. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto/crypto.h"
#include "services/simulator/ricoh.h"
#include "services/simulator/soap.h"

#define NS "http://www.ricoh.co.jp/xmlns/soap/rdh/udirectory"
#define TYPE "text/xml; charset=utf-8"
#define LIMIT_MAX 600u

/* One request at one machine. */
struct call {
	struct device *d;
	struct http_request *r;
	const struct xml_node *in; /* the method's element */
	struct buf out;            /* its answer's inside */
	const char *fault;         /* a code */
	const char *item;          /* for the truth */
	bool changes;              /* of the book */
};

/* ---- answers ---- */

static void note(const struct call *c, const char *result, enum op op, bool overlap)
{
	const struct ricoh *p = ricoh_of(c->d);

	truth_add(c->d->sim->truth, &(struct truth_entry){.device = c->d,
					    .session = p->session,
					    .what = c->in ? c->in->name : "other",
					    .item = c->item,
					    .result = result,
					    .op = op,
					    .overlap = overlap,
					    .bytes = c->out.n});
}

static void refuse(struct call *c, const char *code)
{
	c->fault = code;
}

static void envelope(struct buf *b, const struct call *c)
{
	buf_adds(b, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<s:Envelope "
		    "xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" "
		    "s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body>");
	if (c->fault)
		buf_addf(b,
			"<s:Fault><faultcode>s:Server</faultcode><faultstring>SOAP fault"
			"</faultstring><detail><rdhError "
			"xmlns=\"urn:rdh\"><errorCode>%s</errorCode>"
			"<errorDescription>%s refused</errorDescription></rdhError></detail>"
			"</s:Fault>",
			c->fault, c->in ? c->in->name : "request");
	else if (c->in)
		buf_addf(b, "<u:%sResponse xmlns:u=\"" NS "\">%s</u:%sResponse>", c->in->name,
			buf_str(&c->out), c->in->name);
	buf_adds(b, "</s:Body></s:Envelope>");
}

/* What a machine does to an answer besides what it says in it. */
static bool spoils(const struct call *c, bool page)
{
	const struct fault_plan *f = &c->d->fault;

	if (c->fault || f->mp == MP_23_HALF || f->mp == MP_22 || f->mp == MP_22_HALF)
		return false;
	return (page && hostile_now(c->d, AT_EXPORT)) ||
	       (c->changes && hostile_now(c->d, AT_IMPORT));
}

static void answer(struct call *c)
{
	struct device *d = c->d;
	struct buf body = BUF_INIT;
	bool page = c->in && strcmp(c->in->name, "getObjectsProps") == 0;

	envelope(&body, c);
	if (spoils(c, page))
		hostile_export(d, c->r, TYPE, buf_span(&body));
	else
		answer_bytes(d, c->r, page ? d->latency.export : d->latency.page,
			c->fault ? 500 : 200, TYPE, &body);
	buf_fini(&body);
	buf_fini(&c->out);
}

/* ---- what a request says ---- */

static uint32_t number(const struct call *c, const char *name)
{
	return (uint32_t)strtoul(soap_get(c->in, name), NULL, 10);
}

/* "entry:17"; 0 = no such thing. */
static uint32_t entry_id(const char *s)
{
	return strncmp(s, "entry:", 6) == 0 ? (uint32_t)strtoul(s + 6, NULL, 10) : 0;
}

static size_t items(const struct xml_node *list)
{
	size_t n = 0;

	for (const struct xml_node *i = list ? list->child : NULL; i; i = i->next)
		n++;
	return n;
}

static bool authorised(const struct call *c)
{
	const struct fleet *f = &c->d->sim->fleet;
	struct buf want = BUF_INIT;
	const char *password = ricoh_password(f), *user = ricoh_user(f);

	buf_adds(&want, "SCHEME=QkFTSUM=;UID:UserName=");
	base64_encode((struct span){(const uint8_t *)user, strlen(user)}, &want);
	buf_adds(&want, ";PWD:Password=");
	base64_encode((struct span){(const uint8_t *)password, strlen(password)}, &want);
	buf_adds(&want, ";PES:Encoding=");
	bool good = strcmp(soap_get(c->in, "stringIn"), buf_str(&want)) == 0 &&
		    !(c->d->traits & TRAIT_WRONG_PASSWORD);
	buf_fini(&want);
	return good;
}

/* ---- sessions ---- */

static uint64_t limit_ms(const struct call *c)
{
	const json_t *j = json_object_get(c->d->sim->fleet.spec, "ricoh");
	const json_t *percent = json_object_get(j, "time_percent");
	uint64_t seconds = number(c, "timeLimit");

	if (seconds > LIMIT_MAX)
		seconds = LIMIT_MAX;
	return seconds * 10 *
	       (json_is_integer(percent) ? (uint64_t)json_integer_value(percent) : 100);
}

static void say_value(struct call *c, const char *value)
{
	soap_put_element(&c->out, "returnValue", value);
}

static void on_start(struct call *c)
{
	struct device *d = c->d;
	const struct ricoh *p = ricoh_session(d);
	enum op op = op_blocking(d);
	bool exclusive = strcmp(soap_get(c->in, "lockMode"), "X") == 0;

	c->item = exclusive ? "X" : "S";
	d->sim->stats.logins++;
	if (!authorised(c)) {
		d->sim->stats.logins_refused++;
		note(c, "auth_refused", OP_NONE, false);
		say_value(c, "AUTHENTICATION_FAILED");
	} else if (p) {
		note(c, "device_locked", OP_NONE, !p->stranger);
		refuse(c, "UDIRECTORY_DIRECTORY_LOCKED");
	} else if (op == OP_PANEL || op == OP_REMOTE_AB) { /* DC-4 */
		note(c, "device_busy", op, false);
		say_value(c, "BUSY");
	} else if (op != OP_NONE) {
		note(c, "device_busy", op, false);
		refuse(c, "COMMON_SYSTEM_BUSY");
	} else {
		ricoh_open(d, exclusive, false, limit_ms(c));
		note(c, "ok", OP_NONE, false);
		say_value(c, "OK");
		soap_put_element(&c->out, "stringOut", ricoh_of(d)->session);
	}
}

static void on_terminate(struct call *c)
{
	note(c, "ok", OP_NONE, false);
	ricoh_close(c->d, "terminated");
	say_value(c, "OK");
}

static void on_version(struct call *c)
{
	note(c, "ok", OP_NONE, false);
	say_value(c, strcmp(c->in->name, "getProtocolVersion") == 0 ? "304" : "1.0");
}

static void put_prop(struct buf *b, const char *name, const char *value)
{
	buf_adds(b, "<item>");
	soap_put_element(b, "propName", name);
	soap_put_element(b, "propVal", value);
	buf_adds(b, "</item>");
}

static void on_capability(struct call *c)
{
	char n[16];

	note(c, "ok", OP_NONE, false);
	(void)snprintf(n, sizeof(n), "%u", ricoh_at_once(c->d));
	buf_adds(&c->out, "<returnValue>");
	put_prop(&c->out, "maxObjectPerCall", n);
	put_prop(&c->out, "maxTagPerEntry", "4");
	put_prop(&c->out, "maxEntryNameSize", "20");
	put_prop(&c->out, "maxEntryLongNameSize", "20");
	put_prop(&c->out, "maxMailAddressLength", "128");
	buf_adds(&c->out, "</returnValue>");
}

/* ---- reading ---- */

static void on_search(struct call *c)
{
	const struct ricoh_store *s = ricoh_store(c->d);
	size_t from = number(c, "rowOffset"), n = number(c, "rowCount");
	char text[16];

	n = size_min(size_min(n, ricoh_at_once(c->d)), from < s->n ? s->n - from : 0);
	note(c, "ok", OP_NONE, false);
	say_value(c, from + n >= s->n ? "EOD" : "OK");
	(void)snprintf(text, sizeof(text), "%zu", s->n);
	buf_adds(&c->out, "<resultSetId></resultSetId>");
	soap_put_element(&c->out, "numOfResults", text);
	buf_adds(&c->out, "<rowList>");
	for (size_t i = from; i < from + n; i++) {
		(void)snprintf(text, sizeof(text), "%u", s->v[i].id);
		buf_adds(&c->out, "<item>");
		put_prop(&c->out, "id", text);
		buf_adds(&c->out, "</item>");
	}
	buf_adds(&c->out, "</rowList>");
}

static void put_object(struct call *c, const struct ricoh_object *o, const struct xml_node *props)
{
	char id[16];

	buf_adds(&c->out, "<item>");
	for (const struct xml_node *i = props ? props->child : NULL; i; i = i->next) {
		int prop = ricoh_prop(i->text);
		(void)snprintf(id, sizeof(id), "%u", o->id);
		if (strcmp(i->text, "id") == 0)
			put_prop(&c->out, "id", id);
		else if (prop >= 0)
			put_prop(&c->out, i->text,
				ricoh_known[prop].hidden ? "" : ricoh_value(o, prop));
	}
	buf_adds(&c->out, "</item>");
}

static void on_get(struct call *c)
{
	struct ricoh_store *s = ricoh_store(c->d);
	const struct xml_node *list = xml_child(c->in, "objectIdList");
	const struct xml_node *props = xml_child(c->in, "selectProps");
	size_t n = items(list);

	if (n > ricoh_at_once(c->d)) {
		note(c, "too_many", OP_NONE, false);
		refuse(c, "COMMON_BAD_PARAMETER");
		return;
	}
	if (c->d->fault.at == AT_EXPORT && c->d->fault.mp == MP_23_HALF &&
		hostile_now(c->d, AT_EXPORT)) /* well-formed: only the count tells */
		n = n / 2;
	buf_adds(&c->out, "<returnValue>");
	for (const struct xml_node *i = list ? list->child : NULL; i && n > 0; i = i->next, n--) {
		const struct ricoh_object *o = ricoh_find(s, entry_id(i->text));
		if (o)
			put_object(c, o, props);
	}
	buf_adds(&c->out, "</returnValue>");
	note(c, "ok", OP_NONE, false);
}

/* ---- writing ---- */

/* What nobody published must not come (DV-14). */
static bool published(const char *name, const char *value)
{
	int prop = ricoh_prop(name);

	if (prop < 0 || ricoh_known[prop].hidden || strcmp(name, "lastAccessDateTime") == 0)
		return false;
	return strcmp(name, "remoteFolder:type") != 0 || strcmp(value, "smb") == 0 ||
	       strcmp(value, "ftp") == 0 || strcmp(value, "ncp") == 0;
}

static bool take_props(struct call *c, struct ricoh_object *o, const struct xml_node *list)
{
	for (const struct xml_node *i = list ? list->child : NULL; i; i = i->next) {
		const char *name = soap_get(i, "propName"), *value = soap_get(i, "propVal");
		if (!published(name, value))
			ricoh_of(c->d)->unknown++;
		if (ricoh_prop(name) < 0)
			return false;
		ricoh_set(o, ricoh_prop(name), value);
	}
	return true;
}

/* Does it only pretend? mp_22_half takes every other object. */
static bool pretends(struct call *c)
{
	struct device *d = c->d;
	struct ricoh *p = ricoh_of(d);

	if (d->fault.at != AT_IMPORT || (d->fault.mp != MP_22 && d->fault.mp != MP_22_HALF) ||
		!hostile_now(d, AT_IMPORT))
		return false;
	p->flip = !p->flip;
	return d->fault.mp == MP_22 || p->flip;
}

/* mp_24: the power goes in the middle of it. */
static bool dies(struct call *c)
{
	struct device *d = c->d;

	return d->fault.at == AT_IMPORT && d->fault.mp == MP_24 && hostile_now(d, AT_IMPORT);
}

static void die(struct call *c)
{
	ricoh_settle(c->d);
	note(c, "power_lost", OP_NONE, false);
	buf_fini(&c->out);
	answer_reset(c->r);
	c->r = NULL;
	device_restart(c->d, c->d->sim->fleet.restart_ms);
}

static bool drop_last(struct ricoh_store *s)
{
	ricoh_remove(s, s->v[s->n - 1].id);
	return false;
}

/* New objects lie at the end until the order is made. */
static bool put_one(struct call *c, struct ricoh_store *s, const struct xml_node *list)
{
	struct ricoh_object *o = ricoh_add(s);
	bool good = take_props(c, o, list);
	const char *code = good ? ricoh_refuses(s, o) : "COMMON_BAD_PARAMETER";

	if (code) {
		refuse(c, code);
		return drop_last(s);
	}
	buf_addf(&c->out, "<item>entry:%u</item>", o->id);
	if (pretends(c))
		(void)drop_last(s);
	return true;
}

static void on_put(struct call *c)
{
	struct ricoh_store *s = ricoh_store(c->d);
	const struct xml_node *list = xml_child(c->in, "propListList");
	size_t n = items(list), k = 0;
	bool dead = dies(c);

	if (n == 0 || n > ricoh_at_once(c->d))
		refuse(c, "COMMON_BAD_PARAMETER");
	buf_adds(&c->out, "<returnValue>");
	for (const struct xml_node *i = list ? list->child : NULL; i && !c->fault; i = i->next)
		if (dead && k++ >= n / 2)
			break;
		else if (!put_one(c, s, i))
			break;
	buf_adds(&c->out, "</returnValue>");
	if (dead) {
		die(c);
		return;
	}
	ricoh_settle(c->d);
	note(c, c->fault ? c->fault : "ok", OP_NONE, false);
}

static void copy_object(struct ricoh_object *to, const struct ricoh_object *from)
{
	*to = (struct ricoh_object){.id = from->id};
	for (int i = 0; i < RICOH_PROPS; i++)
		if (from->value[i])
			ricoh_set(to, i, from->value[i]);
}

static void free_values(struct ricoh_object *o)
{
	for (int i = 0; i < RICOH_PROPS; i++)
		free(o->value[i]);
}

/* Whole or not at all. */
static void change(struct call *c, struct ricoh_store *s, struct ricoh_object *o)
{
	struct ricoh_object was;
	const char *code;

	copy_object(&was, o);
	code = take_props(c, o, xml_child(c->in, "propList")) ? ricoh_refuses(s, o)
							      : "COMMON_BAD_PARAMETER";
	if (code)
		refuse(c, code);
	if (code || pretends(c)) {
		free_values(o);
		*o = was;
	} else {
		free_values(&was);
	}
}

static void on_change(struct call *c)
{
	struct ricoh_store *s = ricoh_store(c->d);
	struct ricoh_object *o = ricoh_find(s, entry_id(soap_get(c->in, "objectId")));

	if (!o || o->built_in)
		refuse(c, "COMMON_BAD_PARAMETER");
	else
		change(c, s, o);
	if (dies(c)) {
		die(c);
		return;
	}
	ricoh_settle(c->d);
	note(c, c->fault ? c->fault : "ok", OP_NONE, false);
	say_value(c, "OK");
}

static void on_delete(struct call *c)
{
	struct ricoh_store *s = ricoh_store(c->d);
	const struct xml_node *list = xml_child(c->in, "objectIdList");
	size_t n = items(list), k = 0;
	bool dead = dies(c);

	if (n == 0 || n > ricoh_at_once(c->d))
		refuse(c, "COMMON_BAD_PARAMETER");
	for (const struct xml_node *i = list ? list->child : NULL; i && !c->fault; i = i->next) {
		const struct ricoh_object *o = ricoh_find(s, entry_id(i->text));
		if (!o || o->built_in)
			refuse(c, "COMMON_BAD_PARAMETER");
		else if (!(dead && k++ >= n / 2) && !pretends(c))
			ricoh_remove(s, o->id);
	}
	if (dead) {
		die(c);
		return;
	}
	ricoh_settle(c->d);
	note(c, c->fault ? c->fault : "ok", OP_NONE, false);
	say_value(c, "OK");
}

/* ---- requests ---- */

static const struct {
	const char *name;
	void (*fn)(struct call *c);
	bool in_session, exclusive;
} METHODS[] = {
	{"getProtocolVersion", on_version, false, false},
	{"getServiceVersion", on_version, false, false},
	{"startSession", on_start, false, false},
	{"getServiceCapability", on_capability, true, false},
	{"searchObjects", on_search, true, false},
	{"getObjectsProps", on_get, true, false},
	{"putObjects", on_put, true, true},
	{"putObjectProps", on_change, true, true},
	{"deleteObjects", on_delete, true, true},
	{"terminateSession", on_terminate, true, false},
};

/* The header names the method, too. */
static bool is_action(const struct call *c)
{
	const char *action = http_req_header(c->r, "SOAPAction");
	size_t n = strlen(NS "#");

	if (action && *action == '"')
		action++;
	return action && strncmp(action, NS "#", n) == 0 &&
	       strncmp(action + n, c->in->name, strlen(c->in->name)) == 0;
}

static bool in_session(const struct call *c, const struct ricoh *p)
{
	return p && !p->stranger && strcmp(soap_get(c->in, "sessionId"), p->session) == 0;
}

static void dispatch(struct call *c)
{
	const struct ricoh *p = ricoh_session(c->d);

	for (size_t i = 0; c->in && i < array_len(METHODS); i++) {
		if (strcmp(METHODS[i].name, c->in->name) != 0)
			continue;
		c->changes = METHODS[i].exclusive;
		if (METHODS[i].in_session && !in_session(c, p))
			refuse(c, "UDIRECTORY_SESSION_INVALID");
		else if (METHODS[i].exclusive && !p->exclusive)
			refuse(c, "COMMON_BAD_PARAMETER");
		else
			METHODS[i].fn(c);
		if (c->fault && METHODS[i].in_session && !c->out.n && !c->changes)
			note(c, c->fault, OP_NONE, false);
		return;
	}
	note(c, "not_found", OP_NONE, false);
	refuse(c, "COMMON_SOAP_SERVER");
}

void ricoh_serve(struct device *d, struct http_request *r)
{
	struct call c = {.d = d, .r = r};

	ricoh_of(d)->calls++;
	if (strcmp(http_path(r), "/DH/udirectory") != 0 || strcmp(http_method(r), "POST") != 0) {
		note(&c, "not_found", OP_NONE, false);
		answer_page(d, r, d->latency.page, 404, "Not Found");
		return;
	}
	c.in = soap_request(r, NULL);
	if (!c.in || strcmp(c.in->ns, NS) != 0 || !is_action(&c))
		refuse(&c, "COMMON_SOAP_SERVER");
	else
		dispatch(&c);
	if (c.r)
		answer(&c);
}
