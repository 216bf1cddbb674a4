// SPDX-License-Identifier: Apache-2.0
/* Sending webhooks: claimed, resolved, checked, signed, sent, and what the answer means is written
 * down. Whoever dies in between leaves a row that is tried again, with the same id (FL-66). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/crashpoint.h"
#include "common/clock/clock.h"
#include "common/crypto/crypto.h"
#include "common/db/db.h"
#include "common/http/client.h"
#include "common/net/resolve.h"
#include "services/gateway/notice.h"
#include "services/gateway/notify.h"
#include "services/gateway/sql_notify.h"
#include "services/gateway/webhook.h"
#include "services/gateway/webhook_proxy.h"

#define MARGIN_MS                                                                                  \
	20000 /* until a row that nobody spoke of is tried again: answer time and this             \
	       */
#define ANSWER_BYTES 65536
#define HEADERS 6

struct webhook_sender {
	struct gateway *gateway;
	struct http_client *http;
	struct address_rules rules;
	bool claiming;
};

/* One delivery under way. */
struct sending {
	struct webhook_sender *sender;
	struct uuid notice, subscription, webhook;
	uint64_t attempts, age_ms;
	char *url;
	struct notice_target to, via; /* via: the proxy, when proxied */
	bool proxied;
	struct buf body, headers[HEADERS];
	size_t headers_n;
	/* how it ended */
	const char *state;
	uint64_t wait_ms;
	long status;
	struct fault fault;
};

static void sending_free(struct sending *s)
{
	buf_fini(&s->body);
	for (size_t i = 0; i < s->headers_n; i++)
		buf_wipe(&s->headers[i]);
	free(s->url);
	free(s);
}

/* ---- the end of one ---- */

static void written(
	struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	(void)t;
	(void)res;
	(void)n;
	(void)f; /* nobody spoke of it: it goes again */
	sending_free(arg);
}

static void fill_told(struct db_args *a, void *arg)
{
	const struct sending *s = arg;
	const struct error_info *e = s->fault.code == 0 ? NULL : error_info(s->fault.code);

	db_uuid(a, &s->notice);
	db_uuid(a, &s->subscription);
	db_int(a, (int64_t)s->attempts);
	db_text(a, s->state);
	db_int(a, (int64_t)s->wait_ms);
	db_int(a, s->status);
	db_text(a, e == NULL ? "" : *s->fault.reason != '\0' ? s->fault.reason : e->name);
	db_text(a, s->fault.detail);
	db_uuid(a, &s->webhook);
}

static void tell(struct sending *s, enum notice_fate fate, uint64_t retry_after_ms)
{
	const struct gateway_config *config = s->sender->gateway->config;
	uint64_t random;

	crypto_random(&random, sizeof(random));
	s->wait_ms = notice_wait_ms(
		s->attempts, (uint64_t)config->webhook_retry_ms, random, retry_after_ms);
	if (fate == NOTICE_AGAIN && s->age_ms + s->wait_ms > (uint64_t)config->webhook_give_up_ms)
		fate = NOTICE_DEAD;
	s->state = fate == NOTICE_DONE ? "done" : fate == NOTICE_AGAIN ? "queued" : "dead";
	CRASHPOINT("webhook.sent");
	db_query(s->sender->gateway->service->db, &SQL_WEBHOOK_TOLD, fill_told, written, s);
}

static void answered(void *arg, const struct http_reply *reply, const struct fault *f)
{
	struct sending *s = arg;
	char value[64];
	uint64_t after = 0;

	if (f != NULL) {
		s->fault = *f;
		tell(s, NOTICE_AGAIN, 0);
		return;
	}
	s->status = reply->status;
	if (http_header(reply->headers, "Retry-After", value, sizeof(value)) != NULL)
		after = notice_retry_after_ms(value, clock_wall_ms());
	enum notice_fate fate = notice_fate(reply->status);
	if (fate != NOTICE_DONE)
		(void)fault_set(&s->fault,
			reply->status / 100 == 3 ? CN_REDIRECT_REFUSED : CN_REJECTED,
			"the receiver answered %ld", reply->status);
	tell(s, fate, after);
}

/* ---- sending ---- */

static void add_header(struct sending *s, const char *name, const char *value)
{
	buf_addf(&s->headers[s->headers_n++], "%s: %s", name, value);
}

static void send_to(void *arg, const char *ip, const struct fault *f)
{
	struct sending *s = arg;
	const char *headers[HEADERS + 1] = {NULL};
	uint32_t ms = (uint32_t)s->sender->gateway->config->webhook_answer_ms;
	char proxy[WEBHOOK_PROXY_TEXT];

	if (f != NULL) {
		s->fault = *f;
		tell(s, f->code == CN_ADDRESS_REFUSED ? NOTICE_DEAD : NOTICE_AGAIN, 0);
		return;
	}
	if (s->proxied)
		webhook_proxy_text(ip, s->via.port, proxy);
	for (size_t i = 0; i < s->headers_n; i++)
		headers[i] = buf_str(&s->headers[i]);
	const struct http_req req = {.method = "POST",
		.url = s->url,
		.connect_ip = s->proxied ? NULL : ip,
		.proxy = s->proxied ? proxy : NULL,
		.headers = headers,
		.body = buf_span(&s->body),
		.max_body = ANSWER_BYTES,
		.connect_ms = ms,
		.first_byte_ms = ms,
		.total_ms = ms};
	(void)http_send(s->sender->http, &req, NULL, answered, s);
}

/* ---- claiming ---- */

static int sign(struct sending *s, struct db_result *r, int row)
{
	const struct gateway *g = s->sender->gateway;
	struct buf keys[2] = {BUF_INIT, BUF_INIT}, token = BUF_INIT, out = BUF_INIT;
	int64_t now = (int64_t)clock_wall_ms() / 1000;
	bool old = !db_is_null(r, row, 12), fixed = !db_is_null(r, row, 14);
	char at[32];

	int rc = webhook_open(
		g, WEBHOOK_KEY_PURPOSE, &s->webhook, db_get_bytes(r, row, 11), &keys[0]);
	if (rc == 0 && old)
		rc = webhook_open(
			g, WEBHOOK_KEY_PURPOSE, &s->webhook, db_get_bytes(r, row, 12), &keys[1]);
	if (rc == 0 && fixed)
		rc = webhook_open(
			g, WEBHOOK_TOKEN_PURPOSE, &s->webhook, db_get_bytes(r, row, 14), &token);
	if (rc == 0) {
		const struct span list[] = {buf_span(&keys[0]), buf_span(&keys[1])};
		webhook_sign(list, old ? 2 : 1, now, buf_span(&s->body), &out);
		(void)snprintf(at, sizeof(at), "%lld", (long long)now);
		add_header(s, "Content-Type", "application/cloudevents+json");
		add_header(s, "Carnet-Key-Id", db_get_text(r, row, 10));
		add_header(s, "Carnet-Timestamp", at);
		add_header(s, "Carnet-Signature", buf_str(&out));
		if (fixed)
			add_header(s, db_get_text(r, row, 13), buf_str(&token));
	}
	buf_wipe(&keys[0]);
	buf_wipe(&keys[1]);
	buf_wipe(&token);
	buf_fini(&out);
	return rc;
}

static int prepare(struct sending *s, struct db_result *r, int row)
{
	const struct gateway *g = s->sender->gateway;
	struct notice n = {.id = s->notice,
		.kind = db_get_text(r, row, 4),
		.subject = db_get_text(r, row, 5),
		.at_ms = db_get_time_ms(r, row, 6),
		.data = db_get_text(r, row, 7)};
	char tenant[UUID_TEXT], source[64];

	(void)snprintf(source, sizeof(source), "/carnet/%s", uuid_format(&g->tenant, tenant));
	if (notice_target(s->url, &s->to, &s->fault) != 0)
		return -1;
	if (s->proxied && (webhook_proxy(db_get_text(r, row, 15), &s->via, &s->fault) != 0 ||
				  webhook_proxy_may(s->to.host, &s->sender->rules, &s->fault) != 0))
		return -1;
	if (notice_event(&n, source, g->config->public_url, &s->body) != 0)
		return fault_set(&s->fault, CN_INTERNAL_ERROR, "the event cannot be written");
	if (sign(s, r, row) != 0)
		return fault_why(&s->fault, CN_INTERNAL_ERROR, "webhook_key",
			"the key of this webhook was sealed under another pepper: rotate it");
	return 0;
}

static void begin(struct webhook_sender *sender, struct db_result *r, int row)
{
	struct sending *s = mem_alloc(sizeof(*s));

	s->sender = sender;
	s->notice = db_get_uuid(r, row, 0);
	s->subscription = db_get_uuid(r, row, 1);
	s->attempts = (uint64_t)db_get_int(r, row, 2);
	s->age_ms = (uint64_t)db_get_int(r, row, 3);
	s->webhook = db_get_uuid(r, row, 8);
	s->url = mem_strdup(db_get_text(r, row, 9));
	s->proxied = *db_get_text(r, row, 15) != '\0';
	if (prepare(s, r, row) != 0)
		tell(s, NOTICE_DEAD, 0);
	else
		resolve(sender->gateway->service->loop, s->proxied ? s->via.host : s->to.host,
			&sender->rules, sender->rules.allow_loopback, send_to, s);
}

static void claimed(
	struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct webhook_sender *s = arg;

	(void)t;
	(void)n;
	s->claiming = false;
	for (int row = 0; f == NULL && row < db_rows(res[0]); row++)
		begin(s, res[0], row);
}

static void fill_claim(struct db_args *a, void *arg)
{
	const struct gateway_config *config = ((const struct webhook_sender *)arg)->gateway->config;

	db_int(a, config->webhook_rate);
	db_int(a, config->webhook_answer_ms + MARGIN_MS);
}

void webhook_sender_tick(struct webhook_sender *s)
{
	if (s->claiming || s->gateway->service->stopping || s->gateway->pepper_n == 0)
		return;
	s->claiming = true;
	db_query(s->gateway->service->db, &SQL_WEBHOOK_CLAIM, fill_claim, claimed, s);
}

struct webhook_sender *webhook_sender_new(struct gateway *g, struct fault *reterr)
{
	struct webhook_sender *s = mem_alloc(sizeof(*s));

	s->gateway = g;
	s->rules.allow_loopback = g->config->webhook_loopback;
	s->rules.only = true;
	if (address_nets("webhook_networks", g->config->webhook_networks, &s->rules, reterr) != 0) {
		free(s);
		return NULL;
	}
	s->http = http_client_new(
		g->service->loop, &(struct http_client_opts){.max_connections = 64});
	return s;
}
