// SPDX-License-Identifier: Apache-2.0
/* What is asked again. An Idempotency-Key names an attempt of one person at one path: its id is
 * that of whatever is made, so nobody may choose it. And who asks again for a lock that it waits
 * for, or has, does nothing that is not in the audit: the first asking is there, and how the
 * waiting ends. */
#include <stdlib.h>
#include <string.h>

#include "common/clock/clock.h"
#include "common/crypto/crypto.h"
#include "common/db/db.h"
#include "services/gateway/audit.h"
#include "services/gateway/sql.h"

static const char *key_of(const struct rest *r)
{
	const char *key = http_req_header(r->http, "Idempotency-Key");

	return key == NULL || *key == '\0' ? NULL : key;
}

struct uuid repeat_id(const struct rest *r)
{
	const char *key = key_of(r);
	const char *const parts[] = {r->who.name, http_method(r->http), r->object, key};
	uint8_t digest[SHA256_LEN];
	struct uuid id;

	if (key == NULL)
		return uuid_v7(clock_wall_ms());
	struct sha256 *h = sha256_new();
	for (size_t i = 0; i < array_len(parts); i++)
		sha256_add(h, (struct span){(const uint8_t *)parts[i], strlen(parts[i]) + 1});
	sha256_end(h, digest);
	memcpy(id.b, digest, sizeof(id.b));
	id.b[6] = (id.b[6] & 0x0f) | 0x80; /* version 8: of our own making */
	id.b[8] = (id.b[8] & 0x3f) | 0x80;
	return id;
}

void repeat_content(struct rest *r)
{
	const char *key = key_of(r);
	char *text = key == NULL ? NULL : json_dumps(r->json, JSON_COMPACT | JSON_SORT_KEYS);

	if (text == NULL)
		return;
	struct hmac *h = hmac_new((struct span){(const uint8_t *)key, strlen(key)});
	hmac_add(h, (struct span){r->gateway->pepper, r->gateway->pepper_n});
	hmac_add(h, (struct span){(const uint8_t *)text, strlen(text)});
	hmac_end(h, r->content);
	crypto_wipe(text, strlen(text));
	free(text);
}

static void fill(struct db_args *a, void *arg)
{
	const struct rest *r = arg;

	db_uuid(a, &r->request);
	db_bytes(a, (struct span){r->content, sizeof(r->content)});
}

static void known(struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct rest *r = arg;

	(void)t;
	(void)n;
	if (f != NULL)
		rest_fault(r, f);
	else if (!db_get_bool(res[0], 0, 0))
		rest_refuse(r, CN_CONFLICT, "request_reused",
			"this Idempotency-Key came before, with another content");
	else
		r->checked(r);
}

void repeat_same(struct rest *r, void (*then)(struct rest *r))
{
	r->checked = then;
	if (key_of(r) == NULL)
		then(r);
	else
		db_query(r->gateway->service->db, &SQL_REQUEST_SAME, fill, known, r);
}

/* ---- locks ---- */

static void looked(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	struct rest *r = arg;
	const struct m_lock_page *page = body;

	(void)instance;
	if (f != NULL || page->items_n == 0 || page->items[0].holder == NULL ||
		strcmp(page->items[0].holder, r->who.name) != 0) {
		audit_change(r);
		return;
	}
	r->waits = page->items[0].state == LOCK_STATE_WAITING;
	r->then(r);
}

void repeat_check(struct rest *r)
{
	const struct m_lock_declare *m = r->body;
	struct m_lock_get ask = {.request = m->request};
	struct peer_opts opts = rest_opts(r);

	if (uuid_is_nil(&ask.request))
		ask.request = r->request;
	opts.request = (struct uuid){.b = {0}};
	peer_call(r->gateway->lock, &m_lock_get_desc, &ask, &opts, looked, r);
}
