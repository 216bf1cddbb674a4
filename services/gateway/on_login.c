// SPDX-License-Identifier: Apache-2.0
/* Sign in, sign out, who am I, and the first administrator. */
#include <stdio.h>
#include <string.h>

#include "common/clock/clock.h"
#include "common/crypto/crypto.h"
#include "common/db/db.h"
#include "services/gateway/audit.h"
#include "services/gateway/auth.h"
#include "services/gateway/scope.h"
#include "services/gateway/sql.h"
#include "services/gateway/standing.h"

/* A password nobody has, hashed with our parameters: an unknown name costs the same time. */
static const char nobody[] = "$argon2id$v=19$m=65536,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
			     "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

struct sign_in {
	struct rest *r;
	struct password_work work;
	struct uuid person;
	const char *name, *password, *setup_token;
	char stored[256];
	char cookie[65], token[65];
	uint8_t cookie_digest[32], token_digest[32];
	bool exists;
};

static void fill_name(struct db_args *a, void *arg)
{
	db_text(a, ((const struct sign_in *)arg)->name);
}

static void fill_session(struct db_args *a, void *arg)
{
	const struct sign_in *s = arg;

	db_bytes(a, (struct span){s->cookie_digest, sizeof(s->cookie_digest)});
	db_bytes(a, (struct span){s->token_digest, sizeof(s->token_digest)});
	db_uuid(a, &s->person);
	db_int(a, s->r->gateway->config->session_idle_ms);
	db_int(a, s->r->gateway->config->session_max_ms);
}

/* __Host- and Secure need HTTPS; on plain HTTP (loopback, the demo) neither would be kept (SE-41).
 */
static void set_cookie(struct rest *r, const char *value, int64_t seconds)
{
	bool https = strncmp(r->gateway->config->public_url, "https://", 8) == 0;
	const char *text = arena_printf(r->arena,
		"carnet_session=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%lld%s", value,
		(long long)seconds, https ? "; Secure" : "");

	if (text != NULL)
		http_set_header(r->http, "Set-Cookie", text);
}

static void session_made(
	struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct sign_in *s = arg;
	struct rest *r = s->r;

	(void)t;
	(void)n;
	if (f != NULL) {
		rest_fault(r, f);
		return;
	}
	set_cookie(r, s->cookie, r->gateway->config->session_max_ms / 1000);
	const struct scope_shown shown = scope_show(r->who.scope, r->arena);
	struct m_session reply = {
		.name = r->who.name,
		.role = (int)r->who.right,
		.expires_at = db_get_time_ms(res[0], 0, 0),
		.token = s->token,
		.assignments = shown.items,
		.assignments_n = shown.n,
	};
	rest_reply(r, &m_session_desc, &reply);
}

static void noted(struct rest *r)
{
	struct sign_in *s = r->state;

	auth_secret(s->cookie, s->cookie_digest);
	auth_secret(s->token, s->token_digest);
	db_query(r->gateway->service->db, &SQL_SESSION_MAKE, fill_session, session_made, s);
}

/* No session that the audit trail does not know. */
static void make_session(struct sign_in *s)
{
	s->r->state = s;
	s->r->then = noted;
	audit_wait(s->r, "signed_in");
}

/* Refused before anything was looked up: noted, but not each of a flood. */
static void note_try(struct rest *r, const char *name, const char *outcome)
{
	if (!auth_note_allowed(outcome, r->origin))
		return;
	(void)snprintf(r->who.name, sizeof(r->who.name), "%s", name);
	audit_note(r, outcome);
}

static void too_many(struct rest *r, const char *name)
{
	note_try(r, name, "rate_limited");
	rest_refuse(r, CN_RATE_LIMITED, "sign_in", "too many tries; wait a minute");
}

static void password_checked(struct password_work *w)
{
	struct sign_in *s = w->arg;

	if (!s->exists || !w->good) {
		(void)snprintf(s->r->who.name, sizeof(s->r->who.name), "%s", s->name);
		audit_note(s->r, "sign_in_refused");
		rest_refuse(s->r, CN_AUTH_REFUSED, "sign_in", "name or password is not right");
		return;
	}
	make_session(s);
}

static void person_found(
	struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct sign_in *s = arg;
	struct gateway *g = s->r->gateway;

	(void)t;
	(void)n;
	if (f != NULL) {
		rest_fault(s->r, f);
		return;
	}
	s->exists = db_rows(res[0]) == 1;
	(void)snprintf(s->stored, sizeof(s->stored), "%s", nobody);
	if (s->exists) {
		s->person = db_get_uuid(res[0], 0, 0);
		(void)snprintf(s->stored, sizeof(s->stored), "%s", db_get_text(res[0], 0, 1));
		s->r->who.right = auth_right(db_get_text(res[0], 0, 2));
		s->r->who.scope = auth_scope(s->r->arena, db_get_text(res[0], 0, 4));
		(void)snprintf(
			s->r->who.name, sizeof(s->r->who.name), "%s", db_get_text(res[0], 0, 3));
	}
	s->work = (struct password_work){
		.password = s->password,
		.stored = s->stored,
		.pepper = {g->pepper, g->pepper_n},
		.then = password_checked,
		.arg = s,
	};
	auth_password(g->service->loop, &s->work);
}

static struct sign_in *sign_in_new(struct rest *r, const char *name, const char *password)
{
	struct sign_in *s = arena_alloc(r->arena, sizeof(*s));

	if (s == NULL) {
		rest_refuse(r, CN_INTERNAL_ERROR, "", "out of memory");
		return NULL;
	}
	s->r = r;
	s->name = name;
	s->password = password;
	return s;
}

void on_login(struct rest *r, const void *body)
{
	const struct m_login *m = body;

	if (!auth_try_allowed(m->name, r->origin)) {
		too_many(r, m->name);
		return;
	}
	struct sign_in *s = sign_in_new(r, m->name, m->password);
	if (s != NULL)
		db_query(r->gateway->service->db, &SQL_PERSON_FIND, fill_name, person_found, s);
}

/* ---- the first administrator ---- */

static void fill_setup(struct db_args *a, void *arg)
{
	const struct sign_in *s = arg;

	db_bytes(a, (struct span){s->cookie_digest, sizeof(s->cookie_digest)});
	if (s->work.made[0] == '\0')
		return;
	db_uuid(a, &s->person);
	db_text(a, s->name);
	db_text(a, s->work.made);
}

static void setup_refused(struct rest *r, const char *name)
{
	note_try(r, name, "setup_refused");
	rest_refuse(r, CN_AUTH_REFUSED, "setup_token",
		"this setup token is not good: it was used, or its 30 minutes are over");
}

static void setup_used(
	struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct sign_in *s = arg;

	(void)t;
	(void)n;
	if (f != NULL) {
		rest_fault(s->r, f);
		return;
	}
	if (db_rows(res[0]) != 1) {
		setup_refused(s->r, s->name);
		return;
	}
	(void)snprintf(s->r->who.name, sizeof(s->r->who.name), "%s", s->name);
	s->r->who.right = MSG_ADMIN;
	make_session(s);
}

static void setup_hashed(struct password_work *w)
{
	struct sign_in *s = w->arg;

	if (w->made[0] == '\0') {
		rest_refuse(s->r, CN_INTERNAL_ERROR, "", "the password could not be hashed");
		return;
	}
	db_query(s->r->gateway->service->db, &SQL_SETUP_USE, fill_setup, setup_used, s);
}

static void setup_checked(
	struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct sign_in *s = arg;
	struct gateway *g = s->r->gateway;

	(void)t;
	(void)n;
	if (f != NULL) {
		rest_fault(s->r, f);
		return;
	}
	if (db_rows(res[0]) != 1) {
		setup_refused(s->r, s->name);
		return;
	}
	s->work = (struct password_work){
		.password = s->password,
		.pepper = {g->pepper, g->pepper_n},
		.then = setup_hashed,
		.arg = s,
	};
	auth_password(g->service->loop, &s->work);
}

void on_setup(struct rest *r, const void *body)
{
	const struct m_setup *m = body;

	if (!auth_try_allowed("setup", r->origin)) {
		too_many(r, m->name);
		return;
	}
	if (strlen(m->password) < 12) {
		rest_refuse(r, CN_VALIDATION_FAILED, "password_short",
			"an administrator's password has at least 12 characters");
		return;
	}
	struct sign_in *s = sign_in_new(r, m->name, m->password);
	if (s == NULL)
		return;
	s->person = uuid_v7(clock_wall_ms());
	auth_digest(m->setup_token, s->cookie_digest);
	db_query(r->gateway->service->db, &SQL_SETUP_CHECK, fill_setup, setup_checked, s);
}

/* ---- the present session ---- */

static void fill_own(struct db_args *a, void *arg)
{
	const struct rest *r = arg;

	db_bytes(a, (struct span){r->who.digest, sizeof(r->who.digest)});
}

static void signed_out(
	struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct rest *r = arg;

	(void)t;
	(void)res;
	(void)n;
	if (f != NULL) {
		rest_fault(r, f);
		return;
	}
	standings_look(r->gateway->standings);
	set_cookie(r, "", 0);
	rest_reply(r, &m_ok_desc, &(struct m_ok){.has = 0});
}

void on_logout(struct rest *r, const void *body)
{
	(void)body;
	if (r->who.by_cookie)
		db_query(r->gateway->service->db, &SQL_SESSION_END, fill_own, signed_out, r);
	else
		rest_refuse(r, CN_VALIDATION_FAILED, "no_session",
			"an API token has no session; revoke the token instead");
}

void on_whoami(struct rest *r, const void *body)
{
	const struct scope_shown shown = scope_show(r->who.scope, r->arena);
	struct m_session reply = {
		.name = r->who.name,
		.role = (int)r->who.right,
		.expires_at = r->who.expires_ms,
		.assignments = shown.items,
		.assignments_n = shown.n,
	};

	(void)body;
	rest_reply(r, &m_session_desc, &reply);
}
