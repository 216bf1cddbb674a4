// SPDX-License-Identifier: Apache-2.0
/* Getting into a Canon machine and staying in (devices.md 4.1); the switch that lets passwords out
 * (4.2, DC-7). */
#include "services/worker/adapters/canon_session.h"

#include <string.h>

#include "common/crypto/crypto.h"
#include "gen/errors.h"
#include "services/worker/credential.h"

void canon_done(struct canon *c, const struct fault *f)
{
	struct fault open = FAULT_INIT;

	/* whatever stopped it: what people must know is that the switch stands open */
	if (c->releasing && c->switch_open) {
		fault_why(&open, f ? f->code : CN_PROTOCOL_ERROR, "password_export_left_open",
			"the export of passwords could not be switched off again");
		f = &open;
	}
	c->errand->done(c->errand->arg, f);
}

void canon_fail(struct canon *c, int code, const char *detail)
{
	struct fault f = FAULT_INIT;

	fault_set(&f, code, "%s", detail);
	canon_done(c, &f);
}

void canon_wipe(struct buf *b)
{
	if (b->p)
		crypto_wipe(b->p, b->cap);
	buf_fini(b);
}

bool canon_password(const struct errand *e, const char *item, struct buf *out, struct fault *reterr)
{
	return (canon_is_setting(e, item) && strncmp(item, "indiv_", 6) == 0) ||
	       errand_password(e, out, reterr);
}

/* The end of a session gets little time for each of its requests. */
static uint32_t limit(const struct canon *c)
{
	return c->releasing ? CANON_RELEASE_MS : 0;
}

void canon_send_form(struct canon *c, const char *path, struct buf *form, web_fn fn)
{
	struct web_request r = {.method = "POST",
		.path = path,
		.type = CANON_FORM,
		.body = buf_span(form),
		.total_ms = limit(c)};

	web_send(&c->web, &r, fn, c);
	canon_wipe(form);
}

/* ---- probe: the front page, then SNMP ---- */

static void on_snmp(void *arg, const struct fault *f)
{
	struct canon *c = arg;
	struct errand *e = c->errand;

	/* silence is no failure: identity and busy are then unknown (FL-4), and the lock is told */
	if (f && f->code != CN_UNREACHABLE) {
		canon_done(c, f);
		return;
	}
	snmp_device_capability(e);
	errand_capability(e, "busy.probe",
		e->seen.busy_unknown ? CAPABILITY_RESULT_UNKNOWN : CAPABILITY_RESULT_YES, GRADE_C,
		"SNMP console");
	canon_done(c, NULL);
}

static void on_front_page(void *arg, const struct web_reply *r, const struct fault *f)
{
	struct canon *c = arg;
	struct errand *e = c->errand;
	struct fault why = FAULT_INIT;

	if (f || web_status(e, r, true, &why) < 0) {
		canon_done(c, f ? f : &why);
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
	struct web_request r = {.method = "GET", .path = "/", .follow = true, .total_ms = limit(c)};

	web_send(&c->web, &r, fn, c);
}

void canon_probe(void *self)
{
	static const struct web_ports ports = {"http", 8000, "https", 8443};
	struct canon *c = self;
	struct fault f = FAULT_INIT;

	c->logged_in = false; /* asked again in a session, it begins anew */
	if (web_init(&c->web, c->errand, &ports, &f) < 0)
		canon_done(c, &f);
	else if (c->web.tls && !c->errand->device->simulated && !c->errand->device->allow_unproven)
		canon_fail(c, CN_CAPABILITY_UNPROVEN,
			"HTTPS on 8443 has evidence grade D and allow_unproven is off");
	else
		get_front_page(c, on_front_page);
}

/* ---- login ---- */

static void on_top(void *arg, const struct web_reply *r, const struct fault *f)
{
	struct canon *c = arg;
	struct fault why = FAULT_INIT;

	if (f || web_status(c->errand, r, false, &why) < 0) {
		canon_done(c, f ? f : &why);
		return;
	}
	if (!web_has_cookie(&c->web, "IR")) {
		canon_fail(c, CN_PROTOCOL_ERROR, "no session cookie after the login");
		return;
	}
	c->logged_in = true;
	c->then(c);
}

/* The only good answer is a redirect: 200 is the login page again (DV-2). */
static void on_login(void *arg, const struct web_reply *r, const struct fault *f)
{
	struct canon *c = arg;
	struct fault why = FAULT_INIT;
	struct buf path = BUF_INIT;
	char location[8];

	if (f) {
		canon_done(c, f);
		return;
	}
	if ((r->status != 301 && r->status != 302) ||
		!http_header(r->headers, "Location", location, sizeof(location))) {
		if (r->status == 200)
			fault_set(&why, CN_AUTH_REFUSED, "the login page came again");
		else if (web_status(c->errand, r, false, &why) == 0)
			fault_set(&why, CN_PROTOCOL_ERROR, "HTTP %ld is no answer to a login",
				r->status);
		canon_done(c, &why);
		return;
	}
	canon_top_path(&path, c->errand->wall_ms());
	struct web_request top = {.method = "GET", .path = buf_str(&path), .total_ms = limit(c)};
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
		canon_done(c, &f);
		return;
	}
	canon_department_form(&form, cred.id, cred.pin);
	credential_wipe(&cred);
	canon_send_form(c, CANON_LOGIN_PATH, &form, on_login);
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
		canon_done(c, &f);
		return;
	}
	canon_username_form(&form, page, cred.user, cred.password, c->errand->wall_ms());
	canon_login_path(page, path, sizeof(path));
	credential_wipe(&cred);
	canon_send_form(c, path, &form, on_login);
}

static void login(struct canon *c)
{
	if (c->login == CANON_DEPARTMENT)
		login_department(c);
	else if (c->login == CANON_USERNAME)
		login_username(c);
	else
		c->then(c);
}

void canon_enter(struct canon *c, void (*then)(struct canon *c))
{
	c->then = then;
	if (c->logged_in)
		then(c);
	else
		login(c);
}

/* ---- a login that was lost: once again, then it is a matter of rights ---- */

static void on_front_again(void *arg, const struct web_reply *r, const struct fault *f)
{
	struct canon *c = arg;
	struct fault why = FAULT_INIT;

	if (f || web_status(c->errand, r, false, &why) < 0) {
		canon_done(c, f ? f : &why);
		return;
	}
	if (c->login == CANON_USERNAME) {
		c->login_page = arena_dup(c->errand->arena, r->body.p, r->body.n);
		c->login_page_n = c->login_page ? r->body.n : 0;
	}
	login(c);
}

void canon_lost_session(struct canon *c, void (*then)(struct canon *c))
{
	if (c->again || c->login == CANON_OPEN) {
		canon_fail(c, CN_PERMISSION_DENIED,
			"logged in, but the address book may not be opened");
		return;
	}
	c->again = true;
	c->logged_in = false;
	c->then = then;
	get_front_page(c, on_front_again);
}

/* ---- the switch ---- */

static void send_switch(struct canon *c, bool open, web_fn fn)
{
	struct buf form = BUF_INIT;

	canon_switch_form(&form, open, c->errand->wall_ms());
	canon_send_form(c, CANON_SWITCH_PATH, &form, fn);
}

static void on_opened(void *arg, const struct web_reply *r, const struct fault *f)
{
	struct canon *c = arg;
	struct fault why = FAULT_INIT;

	if (f || web_status(c->errand, r, false, &why) < 0)
		canon_done(c, f ? f : &why);
	else
		c->then(c);
}

void canon_open_switch(struct canon *c, void (*then)(struct canon *c))
{
	c->switch_open = true;
	c->then = then;
	send_switch(c, true, on_opened);
}

/* A page of somebody who is logged in. The status proves nothing: 200 comes from a lost session,
 * too (DC-7). */
bool canon_logged_in_page(const struct canon *c, const struct web_reply *r)
{
	static const char *const words[] = {"VARIE_BOX_ALL_SETTING", NULL};
	const struct profile *p = c->errand->profile;

	return profile_says(p && p->logged_in[0] ? p->logged_in : words, r->body);
}

static void on_closed(void *arg, const struct web_reply *r, const struct fault *f)
{
	struct canon *c = arg;
	struct fault why = FAULT_INIT;

	if (!f && web_status(c->errand, r, false, &why) == 0 && canon_logged_in_page(c, r))
		c->switch_open = false;
	if (f && c->releasing)
		canon_done(c, f); /* nobody there: no second try */
	else
		c->then(c);
}

void canon_close_switch(struct canon *c, void (*then)(struct canon *c))
{
	c->then = then;
	send_switch(c, false, on_closed);
}
