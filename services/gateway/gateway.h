// SPDX-License-Identifier: Apache-2.0
/* The only door from outside: what the files of this service share. Loop thread only. */
#pragma once

#include <jansson.h>

#include "common/net/address.h"
#include "common/service/service.h"
#include "gen/config.h"
#include "gen/errors.h"
#include "gen/msg.h"
#include "services/gateway/route.h"

struct audit;
struct checkpoints;
struct events;
struct notify;
struct standings;

/* The service's own state: one per process. */
struct gateway {
	struct service *service;
	const struct gateway_config *config;
	struct http_server *rest;
	struct peer *scheduler, *lock, *storage, *sync;
	struct audit *audit;
	struct checkpoints *checkpoints;
	struct events *events;
	struct standings *standings;
	struct notify *notify;
	uint8_t pepper[32];
	size_t pepper_n;          /* 0 = no pepper file */
	uint8_t class_public[32]; /* seals device credentials for the worker class */
	bool class_known;
	struct uuid tenant;
	struct address_rules proxies; /* that say truly where a request comes from */
};

/* Who is asking: a person by session cookie, or a machine by API token. */
struct person {
	char name[160]; /* "anna" or "token:backup" */
	enum msg_right right;
	bool known; /* false = nobody signed in */
	bool by_cookie;
	uint8_t digest[32]; /* of the cookie or the token */
	int64_t expires_ms; /* 0 = does not */
	struct uuid token;  /* of an API token: names are not unique; nil = a person */
	const char *scope;  /* lines of common/msg/scope.h, in the arena; NULL = the role counts
			       everywhere */
};

/* One REST request on its way; lives in the HTTP request's arena until it is answered. */
struct rest {
	struct gateway *gateway;
	struct http_request *http;
	struct arena *arena;
	struct route_match match;
	struct person who;
	struct uuid trace;
	struct uuid request;       /* the attempt: follows from an Idempotency-Key */
	uint8_t content[32];       /* digest of what was asked, with an Idempotency-Key */
	const char *lang;          /* en fr ja */
	json_t *json;              /* request as JSON until it is decoded; owned */
	const void *body;          /* decoded: struct of match.route->request */
	const char *object;        /* for the audit: the path */
	char origin[ADDRESS_TEXT]; /* address of who asks; "" = a unix socket */
	bool waits;                /* asks again for a lock that it waits for */
	bool noted;                /* the audit has it: how it ends is told there, too */
	void (*then)(struct rest *r);
	void (*checked)(struct rest *r);
	void *state; /* of who answers it */
};

/* ---- rest.c: the life of a request ---- */

void rest_accept(void *gateway, struct http_request *http);
/* A request that HTTP itself refuses (400, 413, 431) gets a problem document, too. */
void rest_turn_away(void *gateway, struct http_request *http, unsigned status);
/* Ends the request with the message `desc` as JSON, after the route's reply= and status=. */
void rest_reply(struct rest *r, const struct msg_desc *desc, const void *body);
/* Ends it with a problem document (RFC 9457); writes an audit line when it was a change. */
void rest_fault(struct rest *r, const struct fault *f);
/* The same with another status and, when more is not NULL (owned), further members. */
void rest_fault_as(struct rest *r, const struct fault *f, unsigned status, json_t *more);
void rest_refuse(struct rest *r, int code, const char *reason, const char *fmt, ...)
	printf_like(4, 5);
/* The ready document of a table or a page of our own. */
void rest_json(struct rest *r, unsigned status, json_t *doc);
/* Signed in and a GET: what every stream asks first. False = r was refused. */
bool rest_may_stream(struct rest *r);
/* Options for a call on behalf of the person. */
struct peer_opts rest_opts(const struct rest *r);

/* ---- source.c ---- */

/* Of a task that is saved: then(r), unless what it writes may not be written so. */
void source_check(struct rest *r, void (*then)(struct rest *r));

/* ---- repeat.c ---- */

/* The id of this attempt: with an Idempotency-Key the same one for the same person, method, path
 * and key, and for nobody else; without one a fresh one. */
struct uuid repeat_id(const struct rest *r);
/* Keeps a digest of r->json, as the person gave it. */
void repeat_content(struct rest *r);
/* then(r), unless the key came before with another content. */
void repeat_same(struct rest *r, void (*then)(struct rest *r));
/* Of a lock that is asked for: r->then(r), noted in the audit before when it is not asked again. */
void repeat_check(struct rest *r);

/* ---- local.c: requests the gateway answers itself, by message id ---- */

typedef void (*local_fn)(struct rest *r, const void *body);
local_fn local_find(uint16_t id);

void on_setup(struct rest *r, const void *body);
void on_login(struct rest *r, const void *body);
void on_logout(struct rest *r, const void *body);
void on_whoami(struct rest *r, const void *body);
void on_user_list(struct rest *r, const void *body);
void on_user_create(struct rest *r, const void *body);
void on_user_update(struct rest *r, const void *body);
void on_token_list(struct rest *r, const void *body);
void on_token_create(struct rest *r, const void *body);
void on_token_update(struct rest *r, const void *body);
void on_token_delete(struct rest *r, const void *body);
void on_audit_list(struct rest *r, const void *body);
void on_audit_verify(struct rest *r, const void *body);
void on_webhook_list(struct rest *r, const void *body);
void on_webhook_create(struct rest *r, const void *body);
void on_webhook_update(struct rest *r, const void *body);
void on_webhook_delete(struct rest *r, const void *body);
void on_webhook_rotate(struct rest *r, const void *body);
void on_subscription_list(struct rest *r, const void *body);
void on_subscription_create(struct rest *r, const void *body);
void on_subscription_update(struct rest *r, const void *body);
void on_subscription_delete(struct rest *r, const void *body);
void on_subscription_test(struct rest *r, const void *body);
void on_dead_letter_list(struct rest *r, const void *body);
void on_dead_letter_replay(struct rest *r, const void *body);
void on_status(struct rest *r, const void *body);
void on_explain(struct rest *r, const void *body);
void on_lock_declare(struct rest *r, const void *body);
void on_lock_ask(struct rest *r, const void *body);
void on_lock_look(struct rest *r, const void *body);
void on_lock_show(struct rest *r, const void *body);
void on_lock_keep(struct rest *r, const void *body);
void on_lock_give_back(struct rest *r, const void *body);
void on_lock_leave(struct rest *r, const void *body);

/* ---- pages that are no message ---- */

bool events_path(struct rest *r, const char *path);
bool content_path(struct rest *r, const char *path);
/* Requests whose body is taken piece by piece, after their head was let in. */
bool upload_head(const char *method, const char *path);
bool upload_path(struct rest *r, const char *path);
bool open_page(struct gateway *g, struct http_request *http, const char *path);
