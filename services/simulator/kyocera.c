// SPDX-License-Identifier: Apache-2.0
/* Family kyocera_wsdl: Kyocera's km-wsdl as far as its public clients show it (devices.md 7).
 * Simulated only: how many entries a page has, the words for a full table of handles and for a
 * locked panel, and which firmware wants a login. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock/clock.h"
#include "services/simulator/records.h"

#define NS "http://www.kyoceramita.com"
#define BOOK "/ws/km-wsdl/setting/address_book"
#define AUTH "/ws/km-wsdl/security/authentication_authorization"
#define INFO "/ws/km-wsdl/information/device_information"
#define CONTROL "/ws/km-wsdl/information/device_control"
#define TYPE "application/soap+xml; charset=utf-8"

enum { HANDLES = 16, PAGE = 25, TOKEN_MS = 300000, BAD_LOGINS = 3, LOCK_OUT_MS = 300000 };

/* How an enumeration ends. */
enum ending {
	END_WITH_LAST, /* ALL_GET_COMPLETE beside the last entries */
	END_AFTER,     /* SUCCESS to the last, then an empty ALL_GET_COMPLETE */
	END_NEVER,     /* SUCCESS for ever, the last page again and again */
};

struct kyocera_model {
	struct model model;
	enum ending ending;
	bool login; /* wanted for the book */
};

static const struct kyocera_model MODELS[] = {
	{{.name = "TASKalfa 3051ci", .utf8 = true}, END_WITH_LAST, false},
	{{.name = "TASKalfa 2552ci", .utf8 = true}, END_AFTER, false},
	{{.name = "FS-6525MFP", .utf8 = true}, END_NEVER, false},
	{{.name = "TASKalfa 4053ci", .utf8 = true}, END_WITH_LAST, true},
	{{.name = "ECOSYS P3155dn", .utf8 = true, .unsupported = true}, END_AFTER, false},
};

struct handle {
	uint32_t id; /* 0 = free */
	bool groups;
	size_t at;         /* entries given */
	size_t most;       /* asked for */
	uint64_t ready_ms; /* the device prepares until then */
};

struct kyocera_state {
	struct records book;
	struct handle handles[HANDLES];
	uint32_t last_id;
	char token[17];
	uint64_t token_ms;
	uint32_t bad_logins;
	uint64_t locked_out_ms;
	bool moved; /* the service answers 307 and lives at another path */
};

/* One call at one device. */
struct call {
	struct device *d;
	struct http_request *r;
	struct kyocera_state *s;
	const struct xml_node *header, *body; /* …Request */
	const char *name;                     /* without Request */
};

/* ---- the book ---- */

static void put(struct buf *out, const char *name, const char *text)
{
	soap_put_element(out, name, text ? text : "");
}

static void write_folder(
	struct buf *out, const char *block, const struct entry *e, bool mine, const char *port)
{
	buf_addf(out, "<%s>", block);
	put(out, "server_name", mine ? e->host : "");
	put(out, "file_path", mine ? e->path : "");
	put(out, "port_number", port);
	put(out, "login_name", mine ? e->user : "");
	put(out, "login_password", mine ? e->password : "");
	buf_addf(out, "</%s>", block);
}

static void write_person(const struct entry *e, struct buf *out)
{
	bool folder = e->kind == KIND_FILE;
	bool ftp = folder && e->protocol && strcmp(e->protocol, "ftp") == 0;

	buf_adds(out, "<personal_address><name_information>");
	put(out, "name", e->name);
	put(out, "furigana", e->reading);
	buf_addf(out, "<id>%u</id></name_information><email_information>", e->number);
	put(out, "address", e->mail);
	buf_adds(out, "</email_information>");
	write_folder(out, "ftp_information", e, ftp, "21");
	write_folder(out, "smb_information", e, folder && !ftp, "445");
	buf_adds(out, "<fax_information>");
	put(out, "fax_number", e->dial);
	buf_adds(out, "<ecm>ON</ecm><code_key_id>0</code_key_id><code_send_setting>OFF"
		      "</code_send_setting><connection_begining_speed>33600_BPS"
		      "</connection_begining_speed></fax_information></personal_address>");
}

static void write_group(const struct entry *e, struct buf *out)
{
	buf_adds(out, "<group_address><name_information>");
	put(out, "name", e->name);
	put(out, "furigana", e->reading);
	buf_addf(out,
		"<id>%u</id></name_information><address_number>%zu</address_number>"
		"<group_address_registration_information><type>EMAIL</type>",
		e->number, e->n_members);
	for (size_t i = 0; i < e->n_members; i++)
		buf_addf(out,
			"<personal_address><name_information><name></name><id>%u</id>"
			"</name_information></personal_address>",
			e->members[i]);
	buf_adds(out, "</group_address_registration_information></group_address>");
}

static void write_entry(const struct entry *e, struct buf *out)
{
	if (e->kind == KIND_GROUP)
		write_group(e, out);
	else
		write_person(e, out);
}

static const char *some(const struct xml_node *n, const char *path)
{
	const char *s = soap_get(n, path);

	return *s ? s : NULL;
}

static void read_members(const struct xml_node *n, struct arena *a, struct entry *e)
{
	const struct xml_node *in = xml_find(n, "group_address_registration_information");
	const struct xml_node *m = xml_find(in, "personal_address");

	e->members = arena_array(a, 1000, sizeof(*e->members));
	for (; m && e->n_members < 1000; m = xml_next(m, "personal_address"))
		e->members[e->n_members++] =
			(uint32_t)strtoul(soap_get(m, "name_information/id"), NULL, 10);
}

static void read_entry(const struct xml_node *n, struct arena *a, struct entry *e)
{
	const char *block =
		*soap_get(n, "ftp_information/server_name") ? "ftp_information" : "smb_information";
	const struct xml_node *folder = xml_find(n, block);

	e->name = soap_get(n, "name_information/name");
	e->reading = soap_get(n, "name_information/furigana");
	e->kind = KIND_EMAIL;
	e->mail = some(n, "email_information/address");
	e->dial = some(n, "fax_information/fax_number");
	if (strcmp(n->name, "group_address") == 0) {
		e->kind = KIND_GROUP;
		read_members(n, a, e);
	} else if (*soap_get(folder, "server_name")) {
		e->kind = KIND_FILE;
		e->protocol = *block == 'f' ? "ftp" : "smb";
		e->host = some(folder, "server_name");
		e->path = some(folder, "file_path");
		e->user = some(folder, "login_name");
		e->password = some(folder, "login_password");
	} else if (e->dial) {
		e->kind = KIND_FAX;
	}
}

static const struct records_format FORMAT = {
	.kinds = 1u << KIND_EMAIL | 1u << KIND_FILE | 1u << KIND_FAX | 1u << KIND_GROUP,
	.first = 1,
	.write = write_entry,
	.read = read_entry,
	.state_size = sizeof(struct kyocera_state),
};

static struct kyocera_state *state_of(struct device *d)
{
	return container_of(records_of(d, &FORMAT), struct kyocera_state, book);
}

static const struct kyocera_model *model_of(const struct device *d)
{
	for (size_t i = 0; i < array_len(MODELS); i++)
		if (&MODELS[i].model == d->model)
			return &MODELS[i];
	return &MODELS[0];
}

/* ---- answers ---- */

static void note(const struct call *c, const char *item, const char *result, bool violation)
{
	char what[60];

	(void)snprintf(what, sizeof(what), "ky_%.50s", c->name);
	truth_add(c->d->sim->truth, &(struct truth_entry){.device = c->d,
					    .what = what,
					    .item = item,
					    .result = result,
					    .violation = violation});
}

static void envelope(struct buf *out, const char *inside)
{
	buf_addf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<SOAP-ENV:Envelope "
		"xmlns:SOAP-ENV=\"http://www.w3.org/2003/05/soap-envelope\"><SOAP-ENV:Body>%s"
		"</SOAP-ENV:Body></SOAP-ENV:Envelope>",
		inside);
}

static void respond(const struct call *c, const char *ns, uint32_t ms, const char *inside)
{
	struct buf out = BUF_INIT;
	const char *body = arena_printf(http_arena(c->r),
		"<km:%sResponse xmlns:km=\"" NS "%s\" xmlns=\"" NS "%s\">%s</km:%sResponse>",
		c->name, ns, ns, inside, c->name);

	envelope(&out, body);
	answer_bytes(c->d, c->r, ms, 200, TYPE, &out);
}

static void result(const struct call *c, const char *word)
{
	respond(c, BOOK, c->d->latency.page,
		arena_printf(http_arena(c->r), "<result>%s</result>", word));
}

static void send_fault(const struct call *c, const char *code, const char *words)
{
	struct buf out = BUF_INIT;

	envelope(&out,
		arena_printf(http_arena(c->r),
			"<SOAP-ENV:Fault><SOAP-ENV:Code><SOAP-ENV:Value>SOAP-ENV:Sender"
			"</SOAP-ENV:Value><SOAP-ENV:Subcode><SOAP-ENV:Value>%s</SOAP-ENV:Value>"
			"</SOAP-ENV:Subcode></SOAP-ENV:Code><SOAP-ENV:Reason><SOAP-ENV:Text>%s"
			"</SOAP-ENV:Text></SOAP-ENV:Reason></SOAP-ENV:Fault>",
			code, words));
	answer_bytes(c->d, c->r, c->d->latency.page, 400, TYPE, &out);
}

/* ---- who asks ---- */

static bool let_in(const struct call *c)
{
	struct kyocera_state *s = c->s;
	const char *token = soap_get(c->header, "Security/UsernameToken/Username");
	uint64_t now = clock_mono_ms();

	if (!model_of(c->d)->login)
		return true;
	if (!s->token[0] || strcmp(token, s->token) != 0 || now > s->token_ms + TOKEN_MS) {
		note(c, NULL, "auth_refused", false);
		send_fault(c, "wsse:FailedAuthentication", "the security token is not valid");
		return false;
	}
	s->token_ms = now;
	return true;
}

static void on_status(struct call *c)
{
	note(c, NULL, "ok", false);
	respond(c, AUTH, c->d->latency.page,
		model_of(c->d)->login ? "<result>SUCCESS</result><method>LOCAL</method>"
				      : "<result>SUCCESS</result><method>NONE</method>");
}

static void on_login(struct call *c)
{
	struct kyocera_state *s = c->s;
	const char *pin = c->d->traits & TRAIT_WRONG_PASSWORD ? "another" : c->d->sim->fleet.pin;
	uint64_t now = clock_mono_ms();
	bool good = now >= s->locked_out_ms && strcmp(soap_get(c->body, "userid"), "Admin") == 0 &&
		    strcmp(soap_get(c->body, "password"), pin) == 0;

	c->d->sim->stats.logins++;
	if (!good) {
		c->d->sim->stats.logins_refused++;
		note(c, NULL, now < s->locked_out_ms ? "auth_locked" : "auth_refused", false);
		if (++s->bad_logins >= BAD_LOGINS)
			s->locked_out_ms = now + LOCK_OUT_MS;
		send_fault(c, "wsse:FailedAuthentication", "login failed");
		return;
	}
	struct rng r = rng_of(
		c->d->sim->fleet.seed, c->d->index, RNG_SESSION + ++c->d->session_count * 1000);
	(void)snprintf(s->token, sizeof(s->token), "%016llx", (unsigned long long)rng_next(&r));
	s->token_ms = now;
	s->bad_logins = 0;
	note(c, NULL, "ok", false);
	respond(c, AUTH, c->d->latency.login,
		arena_printf(
			http_arena(c->r), "<usertoken><token>%s</token></usertoken>", s->token));
}

/* ---- enumerations ---- */

static bool of_groups(const struct call *c)
{
	return strstr(c->name, "_group_") != NULL;
}

static struct handle *handle_of(const struct call *c)
{
	uint32_t id = (uint32_t)strtoul(soap_get(c->body, "enumeration"), NULL, 10);

	for (size_t i = 0; id && i < HANDLES; i++)
		if (c->s->handles[i].id == id)
			return &c->s->handles[i];
	return NULL;
}

static uint32_t setting(const struct device *d, const char *name, uint32_t otherwise)
{
	const json_t *j = json_object_get(json_object_get(d->sim->fleet.spec, "kyocera"), name);

	return json_is_integer(j) ? (uint32_t)json_integer_value(j) : otherwise;
}

static void on_create(struct call *c)
{
	struct handle *h = NULL;

	for (size_t i = 0; i < HANDLES && !h; i++)
		if (c->s->handles[i].id == 0)
			h = &c->s->handles[i];
	if (!h) {
		note(c, NULL, "handles_full", false);
		result(c, "ENUMERATION_IS_FULL");
		return;
	}
	*h = (struct handle){.id = ++c->s->last_id,
		.groups = of_groups(c),
		.most = strtoul(soap_get(c->body, "number"), NULL, 10),
		.ready_ms = clock_mono_ms() + setting(c->d, "preparing_ms", 0)};
	note(c, NULL, "ok", false);
	respond(c, BOOK, c->d->latency.page,
		arena_printf(http_arena(c->r),
			"<result>SUCCESS</result><enumeration>%u</enumeration>", h->id));
}

/* Entries of the handle's kind, counted from its first. */
static const struct record *nth(const struct records *book, bool groups, size_t i)
{
	for (size_t k = 0; k < book->n; k++)
		if (book->v[k].group == groups && i-- == 0)
			return &book->v[k];
	return NULL;
}

static void put_page(const struct call *c, struct handle *h, struct buf *out)
{
	enum ending ending = model_of(c->d)->ending;
	bool twice = c->d->fault.mp == MP_24_TWICE && c->d->fault.per_mille > 0;
	struct buf entries = BUF_INIT;
	size_t n = 0, from = h->at;

	if (ending == END_NEVER && h->at > 0 && !nth(&c->s->book, h->groups, h->at))
		from = h->at - (h->at - 1) % PAGE - 1; /* the last page again */
	for (; n < PAGE && from + n < h->most; n++) {
		const struct record *rec = nth(&c->s->book, h->groups, from + n);
		if (!rec)
			break;
		buf_adds(&entries, rec->xml);
		if (twice && n == 0)
			buf_adds(&entries, rec->xml);
	}
	h->at = from + n;
	bool all = h->at >= h->most || !nth(&c->s->book, h->groups, h->at);
	bool complete = all && (ending == END_WITH_LAST || (ending == END_AFTER && n == 0));
	buf_addf(out, "<result>%s</result>%s", complete ? "ALL_GET_COMPLETE" : "SUCCESS",
		buf_str(&entries));
	buf_fini(&entries);
}

static void on_get(struct call *c)
{
	struct handle *h = handle_of(c);
	enum mp mp = c->d->fault.mp;
	struct buf page = BUF_INIT, whole = BUF_INIT;

	c->d->sim->stats.exports++;
	if (!h || h->groups != of_groups(c)) {
		note(c, NULL, "no_handle", true);
		result(c, "INVALID_ENUMERATION");
		return;
	}
	if (clock_mono_ms() < h->ready_ms) {
		note(c, NULL, "preparing", false);
		result(c, "PREPARING_NOW");
		return;
	}
	put_page(c, h, &page);
	if (mp != MP_24_TWICE && hostile_now(c->d, AT_EXPORT)) {
		note(c, "address_book", hostile_name(mp), false);
		envelope(&whole, buf_str(&page));
		hostile_export(c->d, c->r, TYPE, buf_span(&whole));
	} else {
		note(c, "address_book", "ok", false);
		respond(c, BOOK, c->d->latency.export, buf_str(&page));
	}
	buf_fini(&whole);
	buf_fini(&page);
}

static void on_destroy(struct call *c)
{
	struct handle *h = handle_of(c);

	if (!h || h->groups != of_groups(c)) {
		note(c, NULL, "no_handle", true);
		result(c, "INVALID_ENUMERATION");
		return;
	}
	h->id = 0;
	note(c, NULL, "ok", false);
	result(c, "SUCCESS");
}

/* ---- the panel ---- */

static void on_constitution(struct call *c)
{
	enum op op = op_blocking(c->d);
	bool panel = false;
	struct buf out = BUF_INIT;

	list_each (it, &c->d->running)
		panel |= container_of(it, struct running, node)->op == OP_PANEL;
	buf_adds(&out, "<result>SUCCESS</result><panel_information>");
	put(&out, "message",
		op == OP_NONE ? "Ready to print."
			      : profile_console(c->d->sim->profile, op, c->d->language));
	buf_addf(&out, "<lock_status>%s</lock_status></panel_information>",
		panel ? "LOCKED" : "UNLOCKED");
	note(c, NULL, panel ? "locked" : "ok", false);
	respond(c, INFO, c->d->latency.page, buf_str(&out));
	buf_fini(&out);
}

/* ---- restart ---- */

/* It goes down with its answer under way, or says that somebody is at it. */
static void on_restart(struct call *c)
{
	if (op_blocking(c->d) != OP_NONE) {
		note(c, NULL, "in_use", false);
		respond(c, CONTROL, c->d->latency.page, "<result>DEVICE_IS_BUSY</result>");
		return;
	}
	note(c, NULL, "ok", false);
	respond(c, CONTROL, 0, "<result>SUCCESS</result>");
	device_restart(c->d, c->d->sim->fleet.restart_ms);
}

/* ---- dispatch ---- */

static const struct {
	const char *path, *name;
	void (*fn)(struct call *c);
	bool open; /* without a token */
} CALLS[] = {
	{AUTH, "get_authentication_status", on_status, true},
	{AUTH, "login_system", on_login, true},
	{INFO, "get_device_constitution_information", on_constitution, true},
	{BOOK, "create_personal_address_enumeration", on_create, false},
	{BOOK, "create_group_address_enumeration", on_create, false},
	{BOOK, "get_personal_address_list", on_get, false},
	{BOOK, "get_group_address_list", on_get, false},
	{BOOK, "destroy_personal_address_enumeration", on_destroy, false},
	{BOOK, "destroy_group_address_enumeration", on_destroy, false},
	{CONTROL, "restart_device", on_restart, false},
};

/* The action in the header and the element in the body say the same. */
static bool is_call(const struct call *c, const char *path, const char *name)
{
	const char *action = soap_get(c->header, "Action");
	size_t n = strlen(name);

	return strncmp(c->body->name, name, n) == 0 && strcmp(c->body->name + n, "Request") == 0 &&
	       strncmp(c->body->ns, NS, strlen(NS)) == 0 &&
	       strcmp(c->body->ns + strlen(NS), path) == 0 && strlen(action) > n &&
	       strcmp(action + strlen(action) - n, name) == 0;
}

/* The path as it is served: behind a redirect it has one more step. */
static bool is_path(struct call *c, const char *path)
{
	const char *asked = http_path(c->r);
	size_t n = strlen(path);

	return strncmp(asked, path, n) == 0 && strcmp(asked + n, c->s->moved ? "/moved" : "") == 0;
}

static void serve(struct device *d, struct http_request *r)
{
	struct call c = {.d = d, .r = r, .name = "other"};

	if (d->model->unsupported || strcmp(http_method(r), "POST") != 0 ||
		strncmp(http_path(r), "/ws/km-wsdl/", 12) != 0) {
		answer_page(d, r, d->latency.page, 404, "Not Found");
		return;
	}
	c.s = state_of(d);
	c.body = soap_request(r, &c.header);
	if (c.s->moved && !strstr(http_path(r), "/moved")) {
		http_set_header(
			r, "Location", arena_printf(http_arena(r), "%s/moved", http_path(r)));
		note(&c, NULL, "moved", false);
		answer_page(d, r, d->latency.page, 307, "Moved");
		return;
	}
	for (size_t i = 0; c.body && i < array_len(CALLS); i++) {
		if (!is_path(&c, CALLS[i].path) || !is_call(&c, CALLS[i].path, CALLS[i].name))
			continue;
		c.name = CALLS[i].name;
		if (CALLS[i].open || let_in(&c))
			CALLS[i].fn(&c);
		return;
	}
	note(&c, NULL, "no_call", false);
	send_fault(&c, "SOAP-ENV:NoSuchCall", "the call is not supported");
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
	return json_pack("{s:s, s:s, s:s}", "kind", "opaque", "user", "Admin", "password", f->pin);
}

/* POST /devices/{id}/moved: the service answers 307 from now on. */
static bool control(struct device *d, struct http_request *r, const char *path)
{
	if (d->model->unsupported)
		return false;
	if (strcmp(path, "/moved") == 0 && strcmp(http_method(r), "POST") == 0) {
		state_of(d)->moved = true;
		control_json(r, 200, json_pack("{s:b}", "ok", 1));
		return true;
	}
	return records_control(d, r, path, &FORMAT);
}

static void show(const struct device *d, json_t *state)
{
	const struct kyocera_state *s = d->state;
	json_int_t open = 0;

	for (size_t i = 0; s && i < HANDLES; i++)
		open += s->handles[i].id != 0;
	(void)json_object_set_new(state, "enumerations", json_integer(open));
}

const struct family family_kyocera_wsdl = {
	.key = "kyocera_wsdl",
	.vendor = "Kyocera",
	.firmware = "2NK_2F00.019.002",
	.service = "http",
	.port = 9090,
	.pick = pick,
	.serve = serve,
	.reset = records_reset,
	.credential = credential,
	.control = control,
	.show = show,
};
