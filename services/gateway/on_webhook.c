// SPDX-License-Identifier: Apache-2.0
/* Webhooks: list, create, change, rotate, delete. A key is shown once, in the answer that made it.
 */
#include <string.h>

#include "common/clock/clock.h"
#include "common/crypto/crypto.h"
#include "services/gateway/body.h"
#include "services/gateway/change.h"
#include "services/gateway/list.h"
#include "services/gateway/notice.h"
#include "services/gateway/sql_notify.h"
#include "services/gateway/webhook.h"
#include "services/gateway/webhook_proxy.h"

#define KEEP_MS 86400000 /* the key before signs, too */
#define KEY_ID 20

/* What is written, and shown once. */
struct making {
	struct rest *r;
	const struct m_webhook *webhook;
	struct uuid id;
	char key[2 * WEBHOOK_KEY + 1], key_id[KEY_ID];
	struct span key_sealed, token_sealed; /* in the arena */
	uint64_t keep_ms;
};

static struct m_webhook webhook_of(struct db_result *res, int row)
{
	return (struct m_webhook){
		.has = HAS_WEBHOOK__ACTIVE | HAS_WEBHOOK__TOKEN_SET,
		.id = db_get_uuid(res, row, 0),
		.name = db_get_text(res, row, 1),
		.url = db_get_text(res, row, 2),
		.active = db_get_bool(res, row, 3),
		.token_header = db_get_text(res, row, 4),
		.token_set = db_get_bool(res, row, 5),
		.key_id = db_get_text(res, row, 6),
		.old_key_until = db_get_time_ms(res, row, 7),
		.version = (uint64_t)db_get_int(res, row, 8),
		.created_at = db_get_time_ms(res, row, 9),
		.last_at = db_get_time_ms(res, row, 10),
		.last_status = (uint64_t)db_get_int(res, row, 11),
		.waiting = (uint64_t)db_get_int(res, row, 12),
		.dead = (uint64_t)db_get_int(res, row, 13),
		.proxy = db_get_text(res, row, 14),
	};
}

static void put_webhook(struct db_result *res, int row, struct arena *arena, void *item)
{
	(void)arena;
	*(struct m_webhook *)item = webhook_of(res, row);
}

void on_webhook_list(struct rest *r, const void *body)
{
	(void)body;
	list_all(r, &SQL_WEBHOOK_LIST, &m_webhook_page_desc, sizeof(struct m_webhook), put_webhook);
}

static void reply(struct rest *r, struct db_result *res, const char *key)
{
	struct m_webhook webhook = webhook_of(res, 0);
	const struct m_webhook_one one = {.webhook = &webhook};

	webhook.key = key;
	rest_reply(r, &m_webhook_one_desc, &one);
}

/* ---- what a person gives ---- */

static bool check(struct rest *r, const struct m_webhook *w)
{
	struct notice_target to;
	struct fault f = FAULT_INIT;

	if (r->gateway->pepper_n == 0) {
		rest_refuse(r, CN_VALIDATION_FAILED, "no_pepper",
			"no pepper_file is configured: keys cannot be sealed");
		return false;
	}
	if (w->url != NULL && notice_target(w->url, &to, &f) != 0) {
		rest_fault(r, &f);
		return false;
	}
	if (w->proxy != NULL && *w->proxy != '\0' && webhook_proxy(w->proxy, &to, &f) != 0) {
		rest_fault(r, &f);
		return false;
	}
	if (w->token_header != NULL && *w->token_header != '\0' &&
		!notice_header_name(w->token_header)) {
		rest_refuse(r, CN_VALIDATION_FAILED, "header_name",
			"token_header: no name of a header of your own");
		return false;
	}
	for (const char *p = w->token; p != NULL && *p != '\0'; p++) {
		if (*p <= ' ' || *p > '~') {
			rest_refuse(r, CN_VALIDATION_FAILED, "header_name",
				"token: printable ASCII without blanks");
			return false;
		}
	}
	return true;
}

static struct span sealed(struct making *m, const char *purpose, const void *p, size_t n)
{
	struct buf out = BUF_INIT;

	webhook_seal(m->r->gateway, purpose, &m->id, (struct span){p, n}, &out);
	struct span kept = {arena_dup(m->r->arena, out.p, out.n), out.n};
	buf_fini(&out);
	bug_if(kept.p == NULL);
	return kept;
}

static void make_key(struct making *m)
{
	uint8_t key[WEBHOOK_KEY], name[8];

	crypto_random(key, sizeof(key));
	crypto_random(name, sizeof(name));
	hex_encode((struct span){key, sizeof(key)}, m->key);
	hex_encode((struct span){name, sizeof(name)}, m->key_id);
	m->key_sealed = sealed(m, WEBHOOK_KEY_PURPOSE, key, sizeof(key));
	crypto_wipe(key, sizeof(key));
}

static void seal_token(struct making *m)
{
	const char *token = m->webhook->token;

	if (token != NULL && *token != '\0')
		m->token_sealed = sealed(m, WEBHOOK_TOKEN_PURPOSE, token, strlen(token));
}

static struct making *making_new(struct rest *r, const struct m_webhook *w)
{
	struct making *m = arena_alloc(r->arena, sizeof(*m));

	bug_if(m == NULL);
	*m = (struct making){.r = r, .webhook = w};
	return m;
}

/* ---- create ---- */

static void fill_create(struct db_args *a, void *arg)
{
	const struct making *m = arg;
	const struct m_webhook *w = m->webhook;

	db_uuid(a, &m->id);
	db_text(a, w->name);
	db_text(a, w->url);
	db_bool(a, w->active || (w->has & HAS_WEBHOOK__ACTIVE) == 0);
	db_text(a, w->token_header == NULL ? "" : w->token_header);
	db_bytes(a, m->token_sealed);
	db_text(a, m->key_id);
	db_bytes(a, m->key_sealed);
	db_text(a, w->proxy == NULL ? "" : w->proxy);
}

static void created(
	struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	const struct making *m = arg;

	(void)t;
	(void)n;
	if (f != NULL)
		row_fault(m->r, f);
	else if (db_rows(res[0]) == 0)
		rest_refuse(m->r, CN_CONFLICT, "name_taken", "name: this one is in use");
	else
		reply(m->r, res[0], m->key);
}

void on_webhook_create(struct rest *r, const void *body)
{
	const struct m_webhook *w = ((const struct m_webhook_create *)body)->webhook;

	if (w->name == NULL || *w->name == '\0' || w->url == NULL) {
		rest_refuse(r, CN_VALIDATION_FAILED, "required", "%s: a webhook needs one",
			w->url == NULL ? "url" : "name");
		return;
	}
	if ((w->token != NULL) != (w->token_header != NULL)) {
		rest_refuse(r, CN_VALIDATION_FAILED, "required",
			"token_header: it and token go together");
		return;
	}
	if (!check(r, w))
		return;
	struct making *m = making_new(r, w);
	m->id = uuid_v7(clock_wall_ms());
	make_key(m);
	seal_token(m);
	db_query(r->gateway->service->db, &SQL_WEBHOOK_CREATE, fill_create, created, m);
}

/* ---- change ---- */

static void fill_update(struct db_args *a, struct row_change *c)
{
	struct making *m = c->state;
	const struct m_webhook *w = m->webhook;

	m->id = c->id;
	seal_token(m);
	db_text(a, w->url);
	if ((w->has & HAS_WEBHOOK__ACTIVE) != 0)
		db_bool(a, w->active);
	else
		db_null(a);
	db_text(a, w->token_header);
	db_bytes(a, m->token_sealed);
	db_text(a, w->proxy);
}

static void updated(struct db_result *res, struct row_change *c)
{
	reply(c->r, res, NULL);
}

void on_webhook_update(struct rest *r, const void *body)
{
	const struct m_webhook_update *m = body;

	if (!check(r, m->webhook))
		return;
	row_change(&(struct row_change){.r = r,
		.noun = "webhook",
		.ref = m->ref,
		.if_version = m->if_version,
		.find = &SQL_WEBHOOK_FIND,
		.write = &SQL_WEBHOOK_UPDATE,
		.fill = fill_update,
		.done = updated,
		.state = making_new(r, m->webhook)});
}

static void fill_rotate(struct db_args *a, struct row_change *c)
{
	struct making *m = c->state;

	m->id = c->id;
	make_key(m);
	db_text(a, m->key_id);
	db_bytes(a, m->key_sealed);
	db_int(a, (int64_t)m->keep_ms);
}

static void rotated(struct db_result *res, struct row_change *c)
{
	reply(c->r, res, ((const struct making *)c->state)->key);
}

void on_webhook_rotate(struct rest *r, const void *body)
{
	const struct m_webhook_rotate *m = body;
	static const struct m_webhook none;
	struct making *making = making_new(r, &none);

	if (!check(r, &none))
		return;
	making->keep_ms = m->keep_ms == 0 ? KEEP_MS : m->keep_ms;
	row_change(&(struct row_change){.r = r,
		.noun = "webhook",
		.ref = m->ref,
		.if_version = m->if_version,
		.find = &SQL_WEBHOOK_FIND,
		.write = &SQL_WEBHOOK_ROTATE,
		.fill = fill_rotate,
		.done = rotated,
		.state = making});
}

void on_webhook_delete(struct rest *r, const void *body)
{
	const struct m_webhook_delete *m = body;

	row_change(&(struct row_change){.r = r,
		.noun = "webhook",
		.ref = m->ref,
		.if_version = m->if_version,
		.find = &SQL_WEBHOOK_FIND,
		.write = &SQL_WEBHOOK_DELETE,
		.done = row_gone});
}
