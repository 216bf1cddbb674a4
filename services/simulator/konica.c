// SPDX-License-Identifier: Apache-2.0
/* Family konica_openapi: Konica Minolta's OpenAPI as far as two public clients show it
 * (devices.md 6.1, DC-1 to DC-3). Simulated only: the words of refusals, how many characters a name
 * has, what a third bad login answers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock/clock.h"
#include "services/simulator/records.h"

#define SERVICE "http://www.konicaminolta.com/service/OpenAPI-"
#define TYPE "text/xml; charset=utf-8"

enum {
	LOGIN_MS = 60000,
	LOCK_MS = 60000,
	BAD_LOGINS = 3,
	LOCK_OUT_MS = 300000,
	CAPACITY = 2000,
	PAGE_MAX = 100
};

struct konica_model {
	struct model model;
	unsigned major, minor;
};

static const struct konica_model MODELS[] = {
	{{.name = "bizhub C454e", .utf8 = true}, 4, 2},
	{{.name = "bizhub C364", .utf8 = true}, 4, 2},
	{{.name = "bizhub 363", .utf8 = true}, 2, 1},
	{{.name = "bizhub 4000P", .utf8 = true, .unsupported = true}, 0, 0},
};

struct konica_state {
	struct records book;
	char auth[17], lock[17];       /* "" = none */
	uint64_t auth_ms, lock_end_ms; /* of its last use; until when it holds */
	uint32_t bad_logins;
	uint64_t locked_out_ms; /* until then, 0 = not */
	uint32_t sets;          /* under the present lock */
};

/* One call at one device. */
struct call {
	struct device *d;
	struct http_request *r;
	struct konica_state *s;
	const struct xml_node *body; /* AppReq… */
	const char *name;            /* without AppReq */
};

/* ---- the book ---- */

static void put(struct buf *out, const char *name, const char *text)
{
	soap_put_element(out, name, text ? text : "");
}

static void write_mode(const struct entry *e, struct buf *out)
{
	if (e->kind == KIND_FAX) {
		buf_adds(out, "<SendMode>Fax</SendMode>");
	} else if (e->kind == KIND_EMAIL) {
		buf_adds(out, "<SendMode>Email</SendMode><EmailMode>");
		put(out, "To", e->mail);
		buf_adds(out, "</EmailMode>");
	} else if (e->protocol && strcmp(e->protocol, "ftp") == 0) {
		buf_adds(out, "<SendMode>Ftp</SendMode><FtpServerMode>");
		put(out, "Address", e->host);
		buf_adds(out, "<PortNo>21</PortNo>");
		put(out, "User", e->user);
		put(out, "Password", e->password);
		buf_adds(out, "</FtpServerMode>");
	} else if (e->protocol && strcmp(e->protocol, "webdav") == 0) {
		buf_adds(out, "<SendMode>WebDav</SendMode><WebDavMode>");
		put(out, "Host", e->host);
		put(out, "User", e->user);
		put(out, "Password", e->password);
		buf_adds(out, "</WebDavMode>");
	} else {
		buf_adds(out, "<SendMode>Smb</SendMode><SmbMode>");
		put(out, "Host", e->host);
		put(out, "Folder", e->path);
		put(out, "User", e->user);
		put(out, "Password", e->password);
		buf_adds(out, "</SmbMode>");
	}
}

static void write_entry(const struct entry *e, struct buf *out)
{
	buf_addf(out, "<Abbr><AbbrNo>%u</AbbrNo>", e->number);
	put(out, "Name", e->name);
	buf_adds(out, "<SearchKey>Other</SearchKey><WellUse>false</WellUse><SendConfiguration>"
		      "<SendGroup>Scan</SendGroup><TargetAddressType>Single</TargetAddressType>"
		      "<AddressInfo>");
	write_mode(e, out);
	buf_adds(out, "<ImageType>Icon</ImageType><IconID>1</IconID><PhotoEditFlag>NotRegistered"
		      "</PhotoEditFlag></AddressInfo></SendConfiguration>");
	if (e->kind == KIND_FAX) {
		buf_adds(out, "<FaxConfiguration>");
		put(out, "PhoneNo", e->dial);
		buf_adds(out, "</FaxConfiguration>");
	} else {
		buf_adds(out, "<FaxConfiguration></FaxConfiguration>");
	}
	buf_adds(out,
		"<EditFlag>Appended</EditFlag><ReferLicence><UseReferLicence>Level"
		"</UseReferLicence><ReferGroupNo>1</ReferGroupNo><ReferPossibleLevel>0"
		"</ReferPossibleLevel></ReferLicence><AddressKind>Public</AddressKind></Abbr>");
}

static const char *some(const struct xml_node *n, const char *path)
{
	const char *s = soap_get(n, path);

	return *s ? s : NULL;
}

static void read_entry(const struct xml_node *n, struct arena *a unused, struct entry *e)
{
	const struct xml_node *info = xml_find(n, "SendConfiguration/AddressInfo");
	const char *mode = soap_get(info, "SendMode");
	const char *block = strcmp(mode, "Smb") == 0      ? "SmbMode"
			    : strcmp(mode, "Ftp") == 0    ? "FtpServerMode"
			    : strcmp(mode, "WebDav") == 0 ? "WebDavMode"
							  : "";
	const struct xml_node *folder = *block ? xml_find(info, block) : NULL;

	e->name = soap_get(n, "Name");
	e->reading = "";
	e->kind = *block ? KIND_FILE : strcmp(mode, "Fax") == 0 ? KIND_FAX : KIND_EMAIL;
	e->mail = some(info, "EmailMode/To");
	e->dial = some(n, "FaxConfiguration/PhoneNo");
	if (!folder)
		return;
	e->protocol = strcmp(mode, "Smb") == 0   ? "smb"
		      : strcmp(mode, "Ftp") == 0 ? "ftp"
						 : "webdav";
	e->host = some(folder, strcmp(mode, "Ftp") == 0 ? "Address" : "Host");
	e->path = some(folder, "Folder");
	e->user = some(folder, "User");
	e->password = some(folder, "Password");
}

static const struct records_format FORMAT = {
	.kinds = 1u << KIND_EMAIL | 1u << KIND_FILE | 1u << KIND_FAX,
	.first = 1,
	.write = write_entry,
	.read = read_entry,
	.state_size = sizeof(struct konica_state),
};

static struct konica_state *state_of(struct device *d)
{
	return container_of(records_of(d, &FORMAT), struct konica_state, book);
}

/* ---- answers ---- */

static const struct konica_model *model_of(const struct device *d)
{
	for (size_t i = 0; i < array_len(MODELS); i++)
		if (&MODELS[i].model == d->model)
			return &MODELS[i];
	return &MODELS[0];
}

static void note(const struct call *c, const char *item, const char *result, bool violation)
{
	char what[40];

	(void)snprintf(what, sizeof(what), "km_%.30s", c->name);
	truth_add(c->d->sim->truth, &(struct truth_entry){.device = c->d,
					    .session = c->s ? c->s->auth : "",
					    .what = what,
					    .item = item,
					    .result = result,
					    .violation = violation});
}

static void envelope(struct buf *out, const char *inside)
{
	buf_addf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<SOAP-ENV:Envelope "
		"xmlns:SOAP-ENV=\"http://schemas.xmlsoap.org/soap/envelope/\"><SOAP-ENV:Body>%s"
		"</SOAP-ENV:Body></SOAP-ENV:Envelope>\n",
		inside);
}

static void send_body(const struct call *c, uint32_t ms, unsigned status, const char *inside)
{
	struct buf out = BUF_INIT;

	envelope(&out, inside);
	answer_bytes(c->d, c->r, ms, status, TYPE, &out);
}

static void send_fault(const struct call *c, const char *words)
{
	const struct konica_model *m = model_of(c->d);

	send_body(c, c->d->latency.page, 500,
		arena_printf(http_arena(c->r),
			"<SOAP-ENV:Fault><faultcode>SOAP-ENV:Client</faultcode><faultstring>%s"
			"</faultstring><detail><Version><Major>%u</Major><Minor>%u</Minor>"
			"</Version></detail></SOAP-ENV:Fault>",
			words, m->major, m->minor));
}

/* more: what follows Result. */
static void respond(const struct call *c, uint32_t ms, const char *info, const char *more)
{
	const struct konica_model *m = model_of(c->d);

	send_body(c, ms, 200,
		arena_printf(http_arena(c->r),
			"<m:AppRes%s xmlns:m=\"" SERVICE "%u-%u\"><Result><ResultInfo>%s"
			"</ResultInfo></Result>%s</m:AppRes%s>",
			c->name, m->major, m->minor, info, more, c->name));
}

/* Nack comes with HTTP 200. */
static void nack(const struct call *c, const char *item, const char *words)
{
	const struct konica_model *m = model_of(c->d);

	note(c, item, words, false);
	send_body(c, c->d->latency.page, 200,
		arena_printf(http_arena(c->r),
			"<m:AppRes%s xmlns:m=\"" SERVICE "%u-%u\"><Result><ResultInfo>Nack"
			"</ResultInfo><ErrorDetails><Description>%s</Description></ErrorDetails>"
			"</Result></m:AppRes%s>",
			c->name, m->major, m->minor, words, c->name));
}

static void make_key(struct device *d, char key[17])
{
	struct rng r =
		rng_of(d->sim->fleet.seed, d->index, RNG_SESSION + ++d->session_count * 1000);

	(void)snprintf(key, 17, "%016llx", (unsigned long long)rng_next(&r));
}

/* ---- calls ---- */

static bool lock_held(const struct konica_state *s)
{
	return s->lock[0] && clock_mono_ms() < s->lock_end_ms;
}

/* LOCK_MS, unless the fleet file is in a hurry. */
static uint32_t lock_ms(const struct device *d)
{
	const json_t *j = json_object_get(json_object_get(d->sim->fleet.spec, "konica"), "lock_ms");

	return json_is_integer(j) ? (uint32_t)json_integer_value(j) : LOCK_MS;
}

/* Bad logins answer in both ways that are known: a fault, and a Nack without a key. */
static void refuse_login(const struct call *c, const char *result)
{
	c->d->sim->stats.logins_refused++;
	note(c, NULL, result, false);
	if (c->d->index % 2 == 1)
		send_fault(c, "login failed");
	else
		respond(c, c->d->latency.page, "Nack", "<AuthKey></AuthKey>");
}

static void on_login(struct call *c)
{
	struct konica_state *s = c->s;
	const char *pin = c->d->traits & TRAIT_WRONG_PASSWORD ? "another" : c->d->sim->fleet.pin;
	uint64_t now = clock_mono_ms();

	c->d->sim->stats.logins++;
	if (now < s->locked_out_ms) {
		refuse_login(c, "auth_locked");
		return;
	}
	if (strcmp(soap_get(c->body, "OperatorInfo/UserType"), "Admin") != 0 ||
		strcmp(soap_get(c->body, "OperatorInfo/Password"), pin) != 0) {
		if (++s->bad_logins >= BAD_LOGINS) {
			s->bad_logins = 0;
			s->locked_out_ms = now + LOCK_OUT_MS;
		}
		refuse_login(c, "auth_refused");
		return;
	}
	s->bad_logins = 0;
	make_key(c->d, s->auth);
	s->auth_ms = now;
	note(c, NULL, "ok", false);
	respond(c, c->d->latency.login, "Ack",
		arena_printf(http_arena(c->r), "<AuthKey>%s</AuthKey>", s->auth));
}

static void page_of_book(const struct call *c, size_t start, size_t length, struct buf *out)
{
	const struct records *book = &c->s->book;
	size_t begin = start - 1, n = begin < book->n ? size_min(length, book->n - begin) : 0;
	bool hostile = c->d->fault.at == AT_EXPORT && c->d->fault.per_mille > 0;
	bool half = hostile && c->d->fault.mp == MP_23_HALF;
	bool twice = hostile && c->d->fault.mp == MP_24_TWICE && n > 1;

	buf_addf(out, "<AbbrList><ArraySize>%zu</ArraySize>", n);
	for (size_t i = 0; i < (half ? n / 2 : n); i++)
		buf_adds(out, book->v[begin + (twice && i == n - 1 ? 0 : i)].xml);
	buf_adds(out, "</AbbrList>");
}

static void on_get(struct call *c)
{
	const struct xml_node *range =
		xml_find(c->body, "AbbrListCondition/ObtainCondition/OffsetRange");
	unsigned long start = strtoul(soap_get(range, "Start"), NULL, 10);
	unsigned long length = strtoul(soap_get(range, "Length"), NULL, 10);
	enum mp mp = c->d->fault.mp;
	struct buf list = BUF_INIT, whole = BUF_INIT;

	c->d->sim->stats.exports++;
	if (start < 1 || length < 1 || length > PAGE_MAX) {
		nack(c, "address_book", "out of range");
		return;
	}
	page_of_book(c, start, length, &list);
	if (mp != MP_23_HALF && mp != MP_24_TWICE && hostile_now(c->d, AT_EXPORT)) {
		note(c, "address_book", hostile_name(mp), false);
		envelope(&whole, buf_str(&list));
		hostile_export(c->d, c->r, TYPE, buf_span(&whole));
	} else {
		note(c, "address_book", "ok", false);
		respond(c, c->d->latency.export, "Ack", buf_str(&list));
	}
	buf_fini(&whole);
	buf_fini(&list);
}

static void on_lock(struct call *c)
{
	struct konica_state *s = c->s;

	if (lock_held(s) || op_blocking(c->d) != OP_NONE) {
		c->d->sim->stats.imports_busy++;
		nack(c, NULL, lock_held(s) ? "device is locked" : "device is in use");
		return;
	}
	make_key(c->d, s->lock);
	s->lock_end_ms = clock_mono_ms() + lock_ms(c->d);
	s->sets = 0;
	note(c, NULL, "ok", false);
	respond(c, c->d->latency.page, "Ack",
		arena_printf(http_arena(c->r), "<LockKey>%s</LockKey>", s->lock));
}

static void on_unlock(struct call *c)
{
	if (!lock_held(c->s) || strcmp(soap_get(c->body, "LockKey"), c->s->lock) != 0) {
		nack(c, NULL, "not locked");
		return;
	}
	c->s->lock[0] = 0;
	note(c, NULL, "ok", false);
	respond(c, c->d->latency.page, "Ack", "");
}

/* A change without the lock is what our own side must never ask for. */
static bool may_change(struct call *c, const char *item)
{
	c->d->sim->stats.imports++;
	if (lock_held(c->s) && strcmp(soap_get(c->body, "LockKey"), c->s->lock) == 0)
		return true;
	c->d->sim->stats.imports_refused++;
	note(c, item, "not_locked", true);
	respond(c, c->d->latency.page, "Nack", "");
	return false;
}

/* Says yes and does nothing; half: to every second call. */
static bool keeps_old(struct call *c)
{
	enum mp mp = c->d->fault.mp;

	if ((mp != MP_22 && mp != MP_22_HALF) || !hostile_now(c->d, AT_IMPORT))
		return false;
	return mp == MP_22 || c->s->sets % 2 == 0;
}

/* Restarts in the middle of what is being written: the third call and not before. */
static bool restarts(struct call *c)
{
	if (c->d->fault.mp != MP_24 || c->s->sets < 3 || !hostile_now(c->d, AT_IMPORT))
		return false;
	note(c, NULL, "mp_24", false);
	c->s->lock[0] = c->s->auth[0] = 0;
	c->d->sim->stats.imports_interrupted++;
	answer_reset(c->r);
	device_restart(c->d, c->d->sim->fleet.restart_ms);
	return true;
}

static const char *against(
	const struct konica_state *s, const struct xml_node *abbr, uint32_t no, bool overwrite)
{
	const char *mode = soap_get(abbr, "SendConfiguration/AddressInfo/SendMode");

	if (no < 1 || no > CAPACITY)
		return "AbbrNo is out of range";
	if (!*soap_get(abbr, "Name") || !*mode)
		return "an element is missing";
	if (strcmp(mode, "Email") == 0 &&
		!*soap_get(abbr, "SendConfiguration/AddressInfo/EmailMode/To"))
		return "no address";
	return records_find(&s->book, no, false) && !overwrite ? "AbbrNo is used" : NULL;
}

static void on_set(struct call *c)
{
	const struct xml_node *abbr = xml_find(c->body, "Abbr");
	const char *number = soap_get(abbr, "AbbrNo");
	uint32_t no = (uint32_t)strtoul(number, NULL, 10);
	bool overwrite = strcmp(soap_get(c->body, "CreateCondition/OverWrite"), "true") == 0;
	struct buf xml = BUF_INIT;

	if (!may_change(c, number))
		return;
	c->s->sets++;
	if (restarts(c))
		return;
	const char *reason = against(c->s, abbr, no, overwrite);
	if (reason) {
		nack(c, number, reason);
		return;
	}
	if (!keeps_old(c)) {
		xml_copy(&xml, abbr, "");
		records_put(&c->s->book, no, false, buf_detach(&xml));
		c->d->config_changes++;
	}
	note(c, number, "ok", false);
	respond(c, c->d->latency.import / 10, "Ack", "");
}

static void on_delete(struct call *c)
{
	const char *number = soap_get(c->body, "AbbrNo");
	uint32_t no = (uint32_t)strtoul(number, NULL, 10);

	if (!may_change(c, number))
		return;
	c->s->sets++;
	if (restarts(c))
		return;
	if (strcmp(soap_get(c->body, "AllItem"), "false") != 0 ||
		!records_find(&c->s->book, no, false)) {
		nack(c, number, "no such entry");
		return;
	}
	if (!keeps_old(c)) {
		(void)records_remove(&c->s->book, no, false);
		c->d->config_changes++;
	}
	note(c, number, "ok", false);
	respond(c, c->d->latency.import / 10, "Ack", "");
}

static const struct {
	const char *name;
	void (*fn)(struct call *c);
	bool open; /* without a login */
} CALLS[] = {
	{"Login", on_login, true},
	{"GetAbbr", on_get, false},
	{"EnterDeviceLock", on_lock, false},
	{"SetAbbr", on_set, false},
	{"DeleteAbbr", on_delete, false},
	{"ExitDeviceLock", on_unlock, false},
};

static bool logged_in(const struct call *c)
{
	struct konica_state *s = c->s;
	uint64_t now = clock_mono_ms();

	if (!s->auth[0] || now > s->auth_ms + LOGIN_MS ||
		strcmp(soap_get(c->body, "OperatorInfo/AuthKey"), s->auth) != 0)
		return false;
	s->auth_ms = now;
	return true;
}

static void dispatch(struct call *c)
{
	for (size_t i = 0; i < array_len(CALLS); i++) {
		if (strcmp(CALLS[i].name, c->name) != 0)
			continue;
		if (CALLS[i].open || logged_in(c))
			CALLS[i].fn(c);
		else
			nack(c, NULL, "not logged in");
		return;
	}
	send_fault(c, "no such call");
}

/* The call's namespace names the version. */
static bool right_version(const struct call *c)
{
	const struct konica_model *m = model_of(c->d);
	char ns[96];

	(void)snprintf(ns, sizeof(ns), SERVICE "%u-%u", m->major, m->minor);
	return strcmp(c->body->ns, ns) == 0;
}

static void serve(struct device *d, struct http_request *r)
{
	struct call c = {.d = d, .r = r, .name = "version"};

	if (d->model->unsupported || strcmp(http_method(r), "POST") != 0 ||
		(strcmp(http_path(r), "/") != 0 && strcmp(http_path(r), "/OpenAPI") != 0)) {
		answer_page(d, r, d->latency.page, 404, "Not Found");
		return;
	}
	c.body = soap_request(r, NULL);
	if (!c.body || strncmp(c.body->name, "AppReq", 6) != 0 || !right_version(&c)) {
		note(&c, NULL, "version", false);
		send_fault(&c, "the version is not supported");
		return;
	}
	c.s = state_of(d);
	c.name = c.body->name + 6;
	dispatch(&c);
}

/* ---- the family ---- */

static const struct model *pick(const struct device *d unused, struct rng *r)
{
	if (!r)
		return &MODELS[array_len(MODELS) - 1].model;
	return &MODELS[rng_below(r, array_len(MODELS) - 1)].model;
}

static json_t *credential(const struct fleet *f)
{
	return json_pack("{s:s, s:s}", "kind", "password_only", "password", f->pin);
}

static bool control(struct device *d, struct http_request *r, const char *path)
{
	return !d->model->unsupported && records_control(d, r, path, &FORMAT);
}

static void show(const struct device *d, json_t *state)
{
	const struct konica_state *s = d->state;

	(void)json_object_set_new(state, "device_locked", json_boolean(s && lock_held(s)));
	(void)json_object_set_new(
		state, "locked_out", json_boolean(s && clock_mono_ms() < s->locked_out_ms));
	(void)json_object_set_new(
		state, "bad_logins", json_integer(s ? (json_int_t)s->bad_logins : 0));
}

const struct family family_konica_openapi = {
	.key = "konica_openapi",
	.vendor = "Konica Minolta",
	.firmware = "G00-R5",
	.service = "http",
	.port = 50001,
	.pick = pick,
	.serve = serve,
	.reset = records_reset,
	.credential = credential,
	.control = control,
	.show = show,
};
