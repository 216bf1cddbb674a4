// SPDX-License-Identifier: Apache-2.0
/* Family canon_rui: address lists of Canon imageRUNNER ADVANCE over the Remote UI (devices.md
 * section 4). Type I: grade A, the newer login B, One-Touch's number D. Types II and III: their
 * wire format is not public, so that part works on simulated devices only. */
#include <stdio.h>
#include <string.h>

#include "common/book/formats/abk.h"
#include "common/crypto/crypto.h"
#include "gen/errors.h"
#include "services/worker/adapters/canon_form.h"
#include "services/worker/adapters/page.h"
#include "services/worker/adapters/snmp_device.h"
#include "services/worker/adapters/web.h"
#include "services/worker/credential.h"

#define HEAD_MAX 4096u /* of a page that came instead of a list */
#define RELEASE_MS 5000u

/* What is known of the body that arrives. */
enum body { BODY_UNKNOWN, BODY_LIST, BODY_PAGE };

/* Reading of one list, made when the first list begins. */
struct listing {
	struct abk_scan scan;
	enum body body;
	uint64_t bytes, announced; /* announced: types II and III write their length */
	struct buf head;           /* first bytes, until the kind is known; a page's text */
	struct fault fault;        /* why we ended the transfer ourselves */
};

struct canon {
	struct errand *errand;
	struct web web;
	struct snmp_device snmp;
	enum canon_login login;
	const char *login_page; /* of the newer UI: its hidden fields are sent back */
	size_t login_page_n;
	bool logged_in;
	bool again;       /* the login was lost once and made again */
	bool switch_open; /* password export is on: must be set back */
	size_t item;
	struct listing *listing;
};

static void done(struct canon *c, const struct fault *f)
{
	c->errand->done(c->errand->arg, f);
}

static void fail(struct canon *c, int code, const char *detail)
{
	struct fault f = FAULT_INIT;

	fault_set(&f, code, "%s", detail);
	done(c, &f);
}

static bool values_type(const struct m_device *d)
{
	return d->type == DEVICE_TYPE_II || d->type == DEVICE_TYPE_III;
}

static void *open_session(struct errand *e)
{
	struct canon *c = arena_alloc(e->arena, sizeof(*c));

	if (c)
		c->errand = e;
	return c;
}

static void wipe(struct buf *b)
{
	if (b->p)
		crypto_wipe(b->p, b->cap);
	buf_fini(b);
}

static void post(struct canon *c, const char *path, struct buf *form, web_fn fn)
{
	struct web_request r = {
		.method = "POST", .path = path, .type = CANON_FORM, .body = buf_span(form)};

	web_send(&c->web, &r, fn, c);
	wipe(form);
}

/* ---- probe: the front page, then SNMP ---- */

static void on_snmp(void *arg, const struct fault *f)
{
	struct canon *c = arg;
	struct errand *e = c->errand;

	/* silence is no failure: identity and busy are then unknown (FL-4), and the lock is told */
	if (f && f->code != CN_UNREACHABLE) {
		done(c, f);
		return;
	}
	errand_capability(e, "identity",
		e->seen.serial ? CAPABILITY_RESULT_YES : CAPABILITY_RESULT_UNKNOWN, GRADE_A,
		e->seen.serial ? "SNMP serial" : "none");
	errand_capability(e, "busy.probe",
		e->seen.busy_unknown ? CAPABILITY_RESULT_UNKNOWN : CAPABILITY_RESULT_YES, GRADE_C,
		"SNMP console");
	done(c, NULL);
}

static void on_front_page(void *arg, const struct web_reply *r, const struct fault *f)
{
	struct canon *c = arg;
	struct errand *e = c->errand;
	struct fault why = FAULT_INIT;

	if (f || web_status(e, r, true, &why) < 0) {
		done(c, f ? f : &why);
		return;
	}
	c->login = canon_login_of(r->body);
	if (c->login == CANON_USERNAME) {
		c->login_page = arena_dup(e->arena, r->body.p, r->body.n);
		c->login_page_n = c->login_page ? r->body.n : 0;
	}
	snmp_device_ask(&c->snmp, e, on_snmp, c);
}

static void get_front_page(struct canon *c, web_fn fn)
{
	struct web_request r = {.method = "GET", .path = "/", .follow = true};

	web_send(&c->web, &r, fn, c);
}

static void probe(void *self)
{
	static const struct web_ports ports = {"http", 8000, "https", 8443};
	struct canon *c = self;
	struct fault f = FAULT_INIT;

	if (web_init(&c->web, c->errand, &ports, &f) < 0)
		done(c, &f);
	else if (c->web.tls && !c->errand->device->simulated && !c->errand->device->allow_unproven)
		fail(c, CN_CAPABILITY_UNPROVEN,
			"HTTPS on 8443 has evidence grade D and allow_unproven is off");
	else
		get_front_page(c, on_front_page);
}

/* The panel was read a moment ago, by the probe. */
static void busy(void *self)
{
	done(self, NULL);
}

/* ---- login ---- */

static void next_list(struct canon *c);

static void on_switched(void *arg, const struct web_reply *r, const struct fault *f)
{
	struct canon *c = arg;
	struct fault why = FAULT_INIT;

	if (f || web_status(c->errand, r, false, &why) < 0)
		done(c, f ? f : &why);
	else
		next_list(c);
}

/* Passwords of entries come along only where the operator wants them (FL-20). From the moment of
 * asking the switch counts as open: release() sets it back on every path. */
static void open_switch(struct canon *c)
{
	struct buf form = BUF_INIT;

	c->switch_open = true;
	canon_switch_form(&form, true, c->errand->wall_ms());
	post(c, CANON_SWITCH_PATH, &form, on_switched);
}

static void on_top(void *arg, const struct web_reply *r, const struct fault *f)
{
	struct canon *c = arg;
	struct fault why = FAULT_INIT;

	if (f || web_status(c->errand, r, false, &why) < 0) {
		done(c, f ? f : &why);
		return;
	}
	if (!web_has_cookie(&c->web, "IR")) {
		fail(c, CN_PROTOCOL_ERROR, "no session cookie after the login");
		return;
	}
	c->logged_in = true;
	if (c->errand->device->accept_clear_text_secrets)
		open_switch(c);
	else
		next_list(c);
}

/* The only good answer is a redirect: 200 is the login page again (DV-2). */
static void on_login(void *arg, const struct web_reply *r, const struct fault *f)
{
	struct canon *c = arg;
	struct fault why = FAULT_INIT;
	struct buf path = BUF_INIT;
	char location[8];

	if (f) {
		done(c, f);
		return;
	}
	if ((r->status != 301 && r->status != 302) ||
		!http_header(r->headers, "Location", location, sizeof(location))) {
		if (r->status == 200)
			fault_set(&why, CN_AUTH_REFUSED, "the login page came again");
		else if (web_status(c->errand, r, false, &why) == 0)
			fault_set(&why, CN_PROTOCOL_ERROR, "HTTP %ld is no answer to a login",
				r->status);
		done(c, &why);
		return;
	}
	canon_top_path(&path, c->errand->wall_ms());
	struct web_request top = {.method = "GET", .path = buf_str(&path)};
	web_send(&c->web, &top, on_top, c);
	buf_fini(&path);
}

static void login_department(struct canon *c)
{
	static const char *const kinds[] = {"system_manager", NULL};
	struct buf form = BUF_INIT;
	struct credential cred;
	struct fault f = FAULT_INIT;

	if (!errand_credential(c->errand, kinds, &cred, &f)) {
		done(c, &f);
		return;
	}
	canon_department_form(&form, cred.id, cred.pin);
	credential_wipe(&cred);
	post(c, CANON_LOGIN_PATH, &form, on_login);
}

static void login_username(struct canon *c)
{
	static const char *const kinds[] = {"user_auth", NULL};
	struct span page = {(const uint8_t *)c->login_page, c->login_page_n};
	struct buf form = BUF_INIT;
	struct credential cred;
	struct fault f = FAULT_INIT;
	char path[256];

	if (!errand_credential(c->errand, kinds, &cred, &f)) {
		done(c, &f);
		return;
	}
	canon_username_form(&form, page, cred.user, cred.password, c->errand->wall_ms());
	canon_login_path(page, path, sizeof(path));
	credential_wipe(&cred);
	post(c, path, &form, on_login);
}

static void login(struct canon *c)
{
	if (c->login == CANON_DEPARTMENT)
		login_department(c);
	else if (c->login == CANON_USERNAME)
		login_username(c);
	else
		next_list(c);
}

/* ---- lists ---- */

static enum http_flow stop_with(struct listing *l, const struct fault *f)
{
	l->fault = *f;
	return HTTP_ABORT;
}

/* The first bytes tell a list from a page. */
static void begin_body(struct canon *c, const uint8_t *p, size_t n)
{
	struct listing *l = c->listing;

	for (size_t i = 0; i < n && l->body == BODY_UNKNOWN; i++)
		if (p[i] != ' ' && (p[i] < '\t' || p[i] > '\r'))
			l->body = p[i] == '<' ? BODY_PAGE : BODY_LIST;
	if (l->body == BODY_LIST)
		c->errand->item(c->errand->arg, c->errand->items[c->item]);
}

static void keep_page(struct listing *l, const uint8_t *p, size_t n)
{
	buf_add(&l->head, p, size_min(n, HEAD_MAX - size_min(l->head.n, HEAD_MAX)));
}

/* Types II and III: magic, then the length of the whole file in 8 bytes. */
static int check_values(struct listing *l, const uint8_t *p, size_t n, struct fault *reterr)
{
	static const char MAGIC[] = "CARNET-SIM-DSV1\n";
	enum { MAGIC_N = sizeof(MAGIC) - 1, HEAD_N = MAGIC_N + 8 };

	for (size_t i = 0; i < n && l->bytes + i < HEAD_N; i++) {
		size_t at = (size_t)l->bytes + i;
		if (at < MAGIC_N && p[i] != (uint8_t)MAGIC[at])
			return fault_set(reterr, CN_PARSE_ERROR,
				"byte %zu: not a file of device setting values", at + 1);
		if (at >= MAGIC_N)
			l->announced = l->announced << 8 | p[i];
	}
	return 0;
}

static int check_bytes(struct canon *c, const uint8_t *p, size_t n, struct fault *reterr)
{
	struct listing *l = c->listing;

	if (values_type(c->errand->device))
		return check_values(l, p, n, reterr);
	return abk_scan_feed(&l->scan, (struct span){p, n}, reterr);
}

static enum http_flow take(void *arg, const uint8_t *p, size_t n, long status)
{
	struct canon *c = arg;
	struct listing *l = c->listing;
	struct fault f = FAULT_INIT;
	enum http_flow flow;

	if (status != 200) {
		keep_page(l, p, n);
		return HTTP_GO;
	}
	if (l->body == BODY_UNKNOWN)
		begin_body(c, p, n);
	if (l->body != BODY_LIST) {
		keep_page(l, p, n);
		return HTTP_GO;
	}
	flow = c->errand->bytes(c->errand->arg, (struct span){p, n});
	if (flow != HTTP_GO)
		return flow;
	if (check_bytes(c, p, n, &f) < 0)
		return stop_with(l, &f);
	l->bytes += n;
	return HTTP_GO;
}

static int end_of_list(struct canon *c, uint64_t *ret_entries, struct fault *reterr)
{
	struct listing *l = c->listing;
	struct abk_info info = {.entries = 0};

	if (values_type(c->errand->device)) {
		if (l->announced != l->bytes || l->bytes == 0)
			return fault_set(reterr, CN_INCOMPLETE, "%llu bytes of %llu announced",
				(unsigned long long)l->bytes, (unsigned long long)l->announced);
	} else if (abk_scan_end(&l->scan, &info, reterr) < 0) {
		return -1;
	}
	*ret_entries = info.entries;
	return 0;
}

static void lost_session(struct canon *c);

static void page_came(struct canon *c)
{
	struct errand *e = c->errand;
	struct span page = buf_span(&c->listing->head);
	enum canon_page says = canon_page_of(page, e->profile);
	struct buf text = BUF_INIT;

	page_text(page, 512, &text);
	e->seen.text = errand_text(e, text.p, text.n, 512);
	buf_fini(&text);
	switch (says) {
	case CANON_PAGE_NO_LIST:
		e->seen.text = NULL;
		e->item_absent(e->arg, e->items[c->item++]);
		next_list(c);
		return;
	case CANON_PAGE_SESSION:
		lost_session(c);
		return;
	case CANON_PAGE_BUSY:
		fail(c, CN_DEVICE_BUSY, "the device refused the export: in use");
		return;
	case CANON_PAGE_RESTRICTED:
		fail(c, CN_RECEIVE_RESTRICTED, "the receive restriction of the address book is on");
		return;
	case CANON_PAGE_REFUSED:
		fail(c, CN_REJECTED, "the device refused the export");
		return;
	}
}

/* Names the list: a place in a file means nothing without the file. */
static void fail_list(struct canon *c, const struct fault *f)
{
	struct fault at = FAULT_INIT;

	fault_why(&at, f->code, f->reason, "%s: %.200s", c->errand->items[c->item], f->detail);
	done(c, &at);
}

static void list_ended(struct canon *c, uint64_t entries)
{
	struct errand *e = c->errand;

	if (c->item == 0)
		errand_capability(e, "ab.read", CAPABILITY_RESULT_YES, GRADE_A, "export");
	if (!values_type(e->device))
		e->seen.type = DEVICE_TYPE_I; /* by what it does, not by its name (FL-7) */
	e->item_end(e->arg, entries);
}

static void on_exported(void *arg, const struct web_reply *r, const struct fault *f)
{
	struct canon *c = arg;
	struct errand *e = c->errand;
	struct listing *l = c->listing;
	struct fault why = FAULT_INIT;
	uint64_t entries = 0;

	if (f) {
		fail_list(c, l->fault.code ? &l->fault : f);
		return;
	}
	/* the first export is the probe of the address book (devices.md 2.1) */
	if (web_status(e, r, c->item == 0, &why) < 0) {
		if (r->status == 404 && c->item == 0)
			errand_capability(e, "ab.read", CAPABILITY_RESULT_NO, GRADE_A, "export");
		done(c, &why);
		return;
	}
	if (l->body == BODY_PAGE) {
		page_came(c);
		return;
	}
	if (l->body == BODY_UNKNOWN)
		fault_set(&why, CN_INCOMPLETE, "an empty answer instead of a list");
	else if (end_of_list(c, &entries, &why) == 0)
		list_ended(c, entries);
	if (why.code) {
		fail_list(c, &why);
		return;
	}
	c->item++;
	next_list(c);
}

static int values_form(struct canon *c, struct buf *form, struct fault *reterr)
{
	struct buf password = BUF_INIT;
	bool have = errand_password(c->errand, &password, reterr);

	if (have)
		canon_values_form(
			form, c->errand->items[c->item], buf_str(&password), c->errand->wall_ms());
	wipe(&password);
	return have ? 0 : -1;
}

static void send_export(struct canon *c, struct web_request *r)
{
	const struct errand *e = c->errand;

	r->max_body = (size_t)64 * 1024 * 1024;
	r->last = c->item + 1 == e->n_items && !c->switch_open;
	r->take = take;
	web_send(&c->web, r, on_exported, c);
}

static void ask_export(struct canon *c)
{
	struct errand *e = c->errand;
	struct buf b = BUF_INIT;
	struct web_request r = {.method = "POST", .type = CANON_FORM, .path = CANON_EXPORT_PATH};
	struct fault f = FAULT_INIT;

	if (values_type(e->device)) {
		r.path = CANON_VALUES_PATH;
		if (values_form(c, &b, &f) < 0) {
			done(c, &f);
			return;
		}
		r.body = buf_span(&b);
	} else if (c->login == CANON_OPEN) {
		canon_old_export_path(&b, canon_aid(e->items[c->item]));
		r = (struct web_request){.method = "GET", .path = buf_str(&b)};
	} else {
		canon_export_form(&b, canon_aid(e->items[c->item]), e->wall_ms());
		r.body = buf_span(&b);
	}
	send_export(c, &r);
	wipe(&b);
}

/* One-Touch's number is a guess (D): on real devices only where the operator said so. */
static bool unproven(const struct canon *c)
{
	const struct m_device *d = c->errand->device;

	return strcmp(c->errand->items[c->item], "one_touch") == 0 && !d->simulated &&
	       !d->allow_unproven;
}

static void reset_listing(struct canon *c)
{
	struct listing *l = c->listing;

	buf_fini(&l->head);
	*l = (struct listing){.body = BODY_UNKNOWN};
	l->head = BUF_INIT;
	abk_scan_init(&l->scan);
}

static void next_list(struct canon *c)
{
	struct errand *e = c->errand;

	while (c->item < e->n_items && unproven(c))
		e->item_absent(e->arg, e->items[c->item++]);
	reset_listing(c);
	if (c->item == e->n_items)
		done(c, NULL);
	else
		ask_export(c);
}

/* ---- a login that was lost: once again, then it is a matter of rights ---- */

static void on_front_again(void *arg, const struct web_reply *r, const struct fault *f)
{
	struct canon *c = arg;
	struct fault why = FAULT_INIT;

	if (f || web_status(c->errand, r, false, &why) < 0) {
		done(c, f ? f : &why);
		return;
	}
	if (c->login == CANON_USERNAME) {
		c->login_page = arena_dup(c->errand->arena, r->body.p, r->body.n);
		c->login_page_n = c->login_page ? r->body.n : 0;
	}
	login(c);
}

static void lost_session(struct canon *c)
{
	if (c->again || c->login == CANON_OPEN) {
		fail(c, CN_PERMISSION_DENIED, "logged in, but the address book may not be opened");
		return;
	}
	c->again = true;
	c->logged_in = false;
	get_front_page(c, on_front_again);
}

static void read_lists(void *self)
{
	struct canon *c = self;

	c->item = 0;
	if (!c->listing)
		c->listing = arena_alloc(c->errand->arena, sizeof(*c->listing));
	if (!c->listing) {
		fail(c, CN_INTERNAL_ERROR, "session memory is used up");
		return;
	}
	login(c);
}

static void resume(void *self)
{
	struct canon *c = self;

	web_resume(&c->web);
}

/* ---- identity again (ST-4) ---- */

static void on_identified(void *arg, const struct fault *f)
{
	struct canon *c = arg;

	done(c, f && f->code == CN_UNREACHABLE ? NULL : f);
}

static void identify(void *self)
{
	struct canon *c = self;

	snmp_device_identify(&c->snmp, c->errand, on_identified, c);
}

/* ---- the end ---- */

static void forget(struct canon *c)
{
	if (c->listing)
		buf_fini(&c->listing->head);
}

static void on_switched_back(void *arg, const struct web_reply *r, const struct fault *f)
{
	struct canon *c = arg;
	struct fault why = FAULT_INIT;

	c->switch_open = false;
	if (f || web_status(c->errand, r, false, &why) < 0) {
		fault_why(&why, f ? f->code : why.code, "password_export_left_open",
			"the export of passwords could not be switched off again");
		done(c, &why);
		return;
	}
	done(c, NULL);
}

/* No call ends a session (DC-9); only the password switch has to be set back. */
static void release(void *self)
{
	struct canon *c = self;
	struct buf form = BUF_INIT;

	forget(c);
	if (!c->switch_open) {
		done(c, NULL);
		return;
	}
	canon_switch_form(&form, false, c->errand->wall_ms());
	struct web_request r = {.method = "POST",
		.path = CANON_SWITCH_PATH,
		.type = CANON_FORM,
		.body = buf_span(&form),
		.total_ms = RELEASE_MS,
		.last = true};
	web_send(&c->web, &r, on_switched_back, c);
	buf_fini(&form);
}

static void cancel(void *self)
{
	struct canon *c = self;

	web_cancel(&c->web);
	snmp_device_cancel(&c->snmp);
	forget(c);
}

static const struct skill skills[] = {
	{.kind = "device.probe", .grade = GRADE_A},
	{.kind = "ab.backup", .grade = GRADE_A},
	{.kind = NULL},
};

const struct adapter adapter_canon_rui = {
	.family = "canon_rui",
	.skills = skills,
	.simulated_only = values_type,
	.open = open_session,
	.probe = probe,
	.busy = busy,
	.read = read_lists,
	.resume = resume,
	.identify = identify,
	.release = release,
	.cancel = cancel,
};
