// SPDX-License-Identifier: Apache-2.0
/* Who is asking: API token or session cookie, looked up in the database. */
#include "services/gateway/auth.h"

#include <stdio.h>
#include <string.h>

#include "common/clock/clock.h"
#include "common/crypto/crypto.h"
#include "common/db/db.h"
#include "common/text/unicode.h"
#include "services/gateway/sql.h"

#define COOKIE "carnet_session="
#define BEARER "Bearer "

enum msg_right auth_right(const char *role)
{
	if (strcmp(role, "admin") == 0)
		return MSG_ADMIN;
	if (strcmp(role, "auditor") == 0)
		return MSG_AUDITOR;
	return strcmp(role, "operator") == 0 ? MSG_OPERATOR : MSG_VIEWER;
}

const char *auth_scope(struct arena *arena, const char *lines)
{
	const char *copy = *lines == '\0' ? NULL : arena_strdup(arena, lines);

	bug_if(*lines != '\0' && copy == NULL); /* without it everything would be seen */
	return copy;
}

const char *auth_role(enum msg_right right)
{
	return msg_word(role_words, (int)right);
}

void auth_digest(const char *text, uint8_t digest[static 32])
{
	sha256((struct span){(const uint8_t *)text, strlen(text)}, digest);
}

void auth_secret(char text[static 65], uint8_t digest[static 32])
{
	uint8_t random[32];

	crypto_random(random, sizeof(random));
	hex_encode((struct span){random, sizeof(random)}, text);
	crypto_wipe(random, sizeof(random));
	auth_digest(text, digest);
}

/* ---- who ---- */

struct lookup {
	struct rest *r;
	uint8_t digest[32];
	void (*then)(struct rest *r, const struct fault *f);
};

static void lookup_done(struct lookup *l, int code, const char *reason, const char *text)
{
	struct fault f;

	(void)fault_why(&f, code, reason, "%s", text);
	l->then(l->r, &f);
}

/* A cookie travels by itself: a change needs our token and must come from our own pages. */
static bool change_is_meant(const struct rest *r, struct span csrf)
{
	const char *token = http_req_header(r->http, "X-Carnet-Token");
	const char *site = http_req_header(r->http, "Sec-Fetch-Site");
	const char *origin = http_req_header(r->http, "Origin");
	const char *url = r->gateway->config->public_url;
	uint8_t digest[32];

	if (strcmp(http_method(r->http), "GET") == 0)
		return true;
	if (site != NULL && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
		return false;
	if (origin != NULL && *url != '\0' && strcmp(origin, url) != 0)
		return false;
	if (token == NULL || csrf.n != sizeof(digest))
		return false;
	auth_digest(token, digest);
	return crypto_equal(digest, csrf.p, sizeof(digest));
}

/* One row, or the look-up is over with what was wrong. */
static bool found(struct lookup *l, struct db_result **res, const struct fault *f, int code,
	const char *reason, const char *text)
{
	if (f != NULL)
		l->then(l->r, f);
	else if (db_rows(res[0]) == 0)
		lookup_done(l, code, reason, text);
	else
		return true;
	return false;
}

static void found_session(
	struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct lookup *l = arg;
	struct person *who = &l->r->who;

	(void)t;
	(void)n;
	if (!found(l, res, f, CN_AUTH_MISSING, "session", "the session has ended; sign in again"))
		return;
	if (!change_is_meant(l->r, db_get_bytes(res[0], 0, 2))) {
		lookup_done(l, CN_PERMISSION_DENIED, "origin",
			"a change by cookie needs X-Carnet-Token and our own origin");
		return;
	}
	(void)snprintf(who->name, sizeof(who->name), "%s", db_get_text(res[0], 0, 0));
	who->right = auth_right(db_get_text(res[0], 0, 1));
	who->expires_ms = db_get_time_ms(res[0], 0, 3);
	who->scope = auth_scope(l->r->arena, db_get_text(res[0], 0, 4));
	memcpy(who->digest, l->digest, sizeof(who->digest));
	who->by_cookie = true;
	who->known = true;
	l->then(l->r, NULL);
}

static void found_token(
	struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct lookup *l = arg;
	struct person *who = &l->r->who;

	(void)t;
	(void)n;
	if (!found(l, res, f, CN_AUTH_REFUSED, "token", "this API token is not known or has ended"))
		return;
	(void)snprintf(who->name, sizeof(who->name), "token:%s", db_get_text(res[0], 0, 0));
	who->right = auth_right(db_get_text(res[0], 0, 1));
	who->expires_ms = db_get_time_ms(res[0], 0, 2);
	who->scope = auth_scope(l->r->arena, db_get_text(res[0], 0, 3));
	who->token = db_get_uuid(res[0], 0, 4);
	memcpy(who->digest, l->digest, sizeof(who->digest));
	who->known = true;
	l->then(l->r, NULL);
}

static void fill_digest(struct db_args *a, void *arg)
{
	const struct lookup *l = arg;

	db_bytes(a, (struct span){l->digest, sizeof(l->digest)});
}

static void fill_session(struct db_args *a, void *arg)
{
	const struct lookup *l = arg;

	fill_digest(a, arg);
	db_int(a, l->r->gateway->config->session_idle_ms);
	db_int(a, l->r->gateway->config->session_max_ms);
}

/* The value of our cookie, in the arena; NULL when there is none. */
static const char *cookie_of(struct rest *r)
{
	const char *p = http_req_header(r->http, "Cookie");

	while (p != NULL) {
		while (*p == ' ' || *p == ';')
			p++;
		if (strncmp(p, COOKIE, strlen(COOKIE)) == 0) {
			p += strlen(COOKIE);
			return arena_strndup(r->arena, p, strcspn(p, "; "));
		}
		p = strchr(p, ';');
	}
	return NULL;
}

void auth_identify(struct rest *r, void (*then)(struct rest *r, const struct fault *f))
{
	const char *header = http_req_header(r->http, "Authorization");
	struct lookup *l = arena_alloc(r->arena, sizeof(*l));
	struct db *db = r->gateway->service->db;

	bug_if(l == NULL);
	l->r = r;
	l->then = then;
	if (header != NULL && strncmp(header, BEARER, strlen(BEARER)) == 0) {
		auth_digest(header + strlen(BEARER), l->digest);
		db_query(db, &SQL_TOKEN_FIND, fill_digest, found_token, l);
		return;
	}
	const char *cookie = cookie_of(r);
	if (cookie == NULL) {
		then(r, NULL);
		return;
	}
	auth_digest(cookie, l->digest);
	db_query(db, &SQL_SESSION_FIND, fill_session, found_session, l);
}

/* ---- how often ---- */

#define TRIES 1024

/* Token buckets by hash of the account or address: a collision only makes it stricter. */
static struct {
	uint64_t since_ms;
	unsigned count;
} tries[TRIES];

static bool bucket(const char *kind, const char *who, unsigned per_minute)
{
	uint8_t digest[SHA256_LEN];
	char text[320];
	uint64_t now = clock_mono_ms();

	(void)snprintf(text, sizeof(text), "%s:%.256s", kind, who);
	auth_digest(text, digest);
	size_t i = ((size_t)digest[0] << 8 | digest[1]) % TRIES;
	if (tries[i].since_ms == 0 || now - tries[i].since_ms >= 60000) {
		tries[i].since_ms = now;
		tries[i].count = 0;
	}
	return ++tries[i].count <= per_minute;
}

bool auth_try_allowed(const char *account, const char *address)
{
	bool by_address = bucket("address", address, 20);
	struct buf name = BUF_INIT;

	/* the database looks names up without case, too; what is no text is nobody's name */
	if (unicode_fold(account, false, &name) != 0)
		buf_reset(&name);
	bool by_account = bucket("account", buf_str(&name), 5);
	buf_fini(&name);
	return by_account && by_address;
}

bool auth_note_allowed(const char *outcome, const char *address)
{
	return bucket(outcome, address, 1);
}

/* ---- passwords: 64 MiB each, so at most two at once ---- */

static struct {
	unsigned running;
	struct password_work *first, *last;
	struct loop *loop;
} passwords;

static void password_run(void *arg)
{
	struct password_work *w = arg;
	struct span password = {(const uint8_t *)w->password, strlen(w->password)};

	if (w->stored != NULL)
		w->good = password_good(password, w->pepper, w->stored);
	else if (password_hash(password, w->pepper, w->made, sizeof(w->made)) != 0)
		w->made[0] = '\0';
}

static void password_done(void *arg);

static void password_next(void)
{
	while (passwords.running < 2 && passwords.first != NULL) {
		struct password_work *w = passwords.first;
		passwords.first = w->next;
		passwords.running++;
		loop_work(passwords.loop, password_run, password_done, w);
	}
}

static void password_done(void *arg)
{
	struct password_work *w = arg;

	passwords.running--;
	password_next();
	w->then(w);
}

void auth_password(struct loop *l, struct password_work *w)
{
	passwords.loop = l;
	w->next = NULL;
	if (passwords.first == NULL)
		passwords.first = w;
	else
		passwords.last->next = w;
	passwords.last = w;
	password_next();
}
