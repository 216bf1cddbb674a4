// SPDX-License-Identifier: Apache-2.0
/* The life of a REST request: route, person, right, message, audit, call, answer. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock/clock.h"
#include "services/gateway/audit.h"
#include "services/gateway/auth.h"
#include "services/gateway/body.h"
#include "services/gateway/gateway.h"
#include "services/gateway/origin.h"
#include "services/gateway/problem.h"
#include "services/gateway/scope.h"
#include "services/gateway/seal.h"

#define PREFIX "/api/v1"

static bool changes(const struct rest *r)
{
	return strcmp(http_method(r->http), "GET") != 0;
}

/* ---- answers ---- */

static void finish(struct rest *r, unsigned status, const char *type, json_t *doc)
{
	char trace[UUID_TEXT];
	char *text = doc == NULL ? NULL : json_dumps(doc, JSON_COMPACT | JSON_SORT_KEYS);

	json_decref(doc);
	json_decref(r->json);
	if (r->noted && status < 400)
		audit_done(r, text);
	http_set_header(r->http, "X-Carnet-Trace", uuid_format(&r->trace, trace));
	http_set_header(r->http, "Cache-Control", "no-store");
	http_set_header(r->http, "X-Content-Type-Options", "nosniff");
	struct span body = {(const uint8_t *)text, text == NULL ? 0 : strlen(text)};
	http_respond(r->http, status, type, body);
	free(text);
}

void rest_json(struct rest *r, unsigned status, json_t *doc)
{
	finish(r, status, "application/json", doc);
}

void rest_fault_as(struct rest *r, const struct fault *f, unsigned status, json_t *more)
{
	json_t *doc = problem_json(f, r->lang, &r->trace);

	if ((changes(r) || r->noted) && r->who.known)
		audit_note(r, error_info(f->code)->name);
	(void)json_object_set_new(doc, "status", json_integer((json_int_t)status));
	(void)json_object_update_missing(doc, more);
	json_decref(more);
	finish(r, status, "application/problem+json", doc);
}

static void set_retry_after(struct rest *r, const struct fault *f)
{
	unsigned seconds = f->retry_s == 0 && f->code == CN_RATE_LIMITED ? 60 : f->retry_s;
	char text[16];

	if (seconds == 0)
		return;
	(void)snprintf(text, sizeof(text), "%u", seconds);
	http_set_header(r->http, "Retry-After", text);
}

/* A resource has a version: it becomes the ETag that If-Match names. */
static void set_etag(struct rest *r, json_int_t version)
{
	char etag[32];

	(void)snprintf(etag, sizeof(etag), "\"%lld\"", (long long)version);
	http_set_header(r->http, "ETag", etag);
}

void rest_fault(struct rest *r, const struct fault *f)
{
	if ((changes(r) || r->noted) && r->who.known)
		audit_note(r, error_info(f->code)->name);
	if (f->code == CN_AUTH_MISSING)
		http_set_header(r->http, "WWW-Authenticate", "Bearer realm=\"carnet\"");
	set_retry_after(r, f);
	if (problem_status(f) == 412)
		set_etag(r, f->has);
	json_t *doc = problem_json(f, r->lang, &r->trace);
	if (r->match.route != NULL)
		problem_field(doc, f, r->match.route->request, r->match.route->body_field);
	finish(r, problem_status(f), "application/problem+json", doc);
}

void rest_refuse(struct rest *r, int code, const char *reason, const char *fmt, ...)
{
	struct fault f = {.code = code};
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(f.detail, sizeof(f.detail), fmt, ap);
	va_end(ap);
	(void)snprintf(f.reason, sizeof(f.reason), "%s", reason);
	rest_fault(r, &f);
}

bool rest_may_stream(struct rest *r)
{
	if (!r->who.known) {
		rest_refuse(r, CN_AUTH_MISSING, "sign_in", "sign in, or send an API token");
		return false;
	}
	if (strcmp(http_method(r->http), "GET") != 0) {
		http_set_header(r->http, "Allow", "GET");
		rest_refuse(r, CN_NOT_FOUND, "method", "this is read with GET");
		return false;
	}
	return true;
}

static void set_location(struct rest *r, const json_t *doc)
{
	const struct route *route = r->match.route;
	const char *id = json_string_value(json_object_get(doc, "id"));

	if (id == NULL || route->reply_field == NULL)
		return;
	const char *at = strcmp(route->reply_field, "run") == 0
				 ? arena_printf(r->arena, PREFIX "/runs/%s", id)
				 : arena_printf(r->arena, PREFIX "%s/%s", route->path, id);
	if (at != NULL)
		http_set_header(r->http, "Location", at);
}

void rest_reply(struct rest *r, const struct msg_desc *desc, const void *body)
{
	const struct route *route = r->match.route;
	json_t *doc = msg_to_json_full(desc, body);

	if (doc != NULL && route->reply_field != NULL) {
		json_t *member = json_incref(json_object_get(doc, route->reply_field));
		json_decref(doc);
		doc = member;
	}
	if (doc == NULL) {
		rest_refuse(r, CN_INTERNAL_ERROR, "", "the answer could not be written as JSON");
		return;
	}
	if (json_is_integer(json_object_get(doc, "version")))
		set_etag(r, json_integer_value(json_object_get(doc, "version")));
	if (route->status == 201 || route->status == 202)
		set_location(r, doc);
	rest_json(r, route->status, doc);
}

/* ---- the way in ---- */

struct peer_opts rest_opts(const struct rest *r)
{
	enum msg_right right = r->match.route == NULL ? MSG_VIEWER : r->match.route->request->right;

	return (struct peer_opts){
		.request = r->request,
		.trace = r->trace,
		.actor = r->who.name,
		.role = r->who.scope == NULL ? r->who.right : scope_role(r->who.scope, right),
		.scope = r->who.scope,
	};
}

static void answered(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	struct rest *r = arg;

	(void)instance;
	if (f != NULL)
		rest_fault(r, f);
	else
		rest_reply(r, r->match.route->reply, body);
}

static struct peer *owner_of(const struct gateway *g, const char *owner)
{
	if (strcmp(owner, "scheduler") == 0)
		return g->scheduler;
	if (strcmp(owner, "lock") == 0)
		return g->lock;
	if (strcmp(owner, "storage") == 0)
		return g->storage;
	return strcmp(owner, "sync") == 0 ? g->sync : NULL;
}

static void forward(struct rest *r)
{
	const struct route *route = r->match.route;

	if (route->is_local) {
		local_find(route->request->id)(r, r->body);
		return;
	}
	struct peer_opts opts = rest_opts(r);
	peer_call(owner_of(r->gateway, route->owner), route->request, r->body, &opts, answered, r);
}

struct query_walk {
	struct rest *r;
	int rc;
	struct fault fault;
};

static void each_query(void *arg, const char *name, const char *value)
{
	struct query_walk *w = arg;

	if (w->rc == 0 && strcmp(name, "lang") != 0)
		w->rc = body_query(w->r->json, w->r->match.route, name, value, &w->fault);
}

/* "3" or W/"3": the version the caller read (FL-70). */
static int take_if_match(struct rest *r, struct fault *f)
{
	const char *text = http_req_header(r->http, "If-Match");
	const struct route *route = r->match.route;
	unsigned long long version;
	int end = 0;

	if (text == NULL || !changes(r))
		return 0;
	if (body_field(route->request, "if_version") == NULL)
		return fault_why(f, CN_VALIDATION_FAILED, "if_match",
			"If-Match: %s knows no versions", route->request->name);
	if (strncmp(text, "W/", 2) == 0)
		text += 2;
	/* "0" is nothing that was read; where it can be said, of a site, it means: none yet */
	if (sscanf(text, "\"%20llu\"%n", &version, &end) != 1 || end == 0 || text[end] != '\0' ||
		(version == 0 && strcmp(http_method(r->http), "PUT") != 0))
		return fault_why(f, CN_VALIDATION_FAILED, "if_match",
			"If-Match: must be one ETag that we gave");
	return json_object_set_new(r->json, "if_version", json_integer((json_int_t)version));
}

static int build_json(struct rest *r, struct fault *f)
{
	const struct route *route = r->match.route;
	struct query_walk walk = {.r = r};

	r->json = body_begin(route, http_body(r->http), f);
	if (r->json == NULL || body_outside(r->json, route->request, f) != 0)
		return -1;
	for (size_t i = 0; i < r->match.n_params; i++)
		if (body_path(r->json, route, r->match.params[i].name, r->match.params[i].value,
			    f) != 0)
			return -1;
	http_query_each(r->http, each_query, &walk);
	if (walk.rc != 0) {
		*f = walk.fault;
		return -1;
	}
	if (body_set(r->json, route, f) != 0 || take_if_match(r, f) != 0)
		return -1;
	repeat_content(r);
	return seal_request(r, f);
}

static void note(struct rest *r)
{
	r->then = forward;
	if (r->match.route->request->id == MSG_LOCK_DECLARE)
		repeat_check(r);
	else
		audit_change(r); /* refused when it cannot be written (SE-33) */
}

static void new_content(struct rest *r)
{
	source_check(r, note);
}

/* The JSON is as it goes on: make it the message, note it, go. */
static void built(struct rest *r)
{
	struct fault f;
	void *body;

	if (msg_from_json(r->match.route->request, r->json, r->arena, &body, &f) != 0) {
		rest_fault(r, &f);
		return;
	}
	r->body = body;
	/* a renewal changes nothing that was not noted when the lock was asked for */
	if (!changes(r) || r->match.route->request->right == MSG_VIEWER ||
		r->match.route->request->id == MSG_LOCK_KEEP) {
		forward(r);
		return;
	}
	repeat_same(r, new_content);
}

/* The person is known (or the route is public): check the right, build the request. */
static void admitted(struct rest *r)
{
	const struct route *route = r->match.route;
	struct fault f;

	if (!route->is_public && !rest_reaches(r, route->request))
		return;
	if (build_json(r, &f) != 0)
		rest_fault(r, &f);
	else if (route->seal != NULL && strcmp(route->seal, "mail") == 0)
		seal_mail(r, built);
	else
		seal_login(r, built);
}

/* Machines send a bearer token; browsers a cookie and, with changes, proof that it was meant. */
static void identified(struct rest *r)
{
	if (!r->who.known && !r->match.route->is_public) {
		rest_refuse(r, CN_AUTH_MISSING, "sign_in", "sign in, or send an API token");
		return;
	}
	const char *type = http_req_header(r->http, "Content-Type");
	if (http_body(r->http).n > 0 &&
		(type == NULL || strncasecmp(type, "application/json", 16) != 0)) {
		rest_refuse(r, CN_VALIDATION_FAILED, "content_type",
			"the body must be application/json");
		return;
	}
	admitted(r);
}

static void signed_in(struct rest *r, const struct fault *f)
{
	if (f != NULL) {
		rest_fault(r, f);
		return;
	}
	r->request = repeat_id(r);
	const char *path = http_path(r->http);
	if (events_path(r, path) || content_path(r, path) || upload_path(r, path))
		return;
	if (r->match.route == NULL) {
		http_set_header(r->http, "Allow", r->match.allow);
		rest_refuse(r, CN_NOT_FOUND, "method", "%s is not possible here; allowed: %s",
			http_method(r->http), r->match.allow);
		return;
	}
	identified(r);
}

/* A client may say which protocol it speaks, and which it needs: "Carnet-Protocol: 2 1" (ST-50). */
static bool too_old(struct rest *r)
{
	const char *said = http_req_header(r->http, "Carnet-Protocol");
	struct msg_header h = {.protocol = 0};
	struct fault f;

	if (said == NULL)
		return false;
	char *end;
	h.protocol = (uint32_t)strtoul(said, &end, 10);
	h.min_protocol = (uint32_t)strtoul(end, NULL, 10);
	if (msg_gate("command line", "this server", "carnet", &h, &f) == 0)
		return false;
	rest_fault_as(r, &f, 400, json_object());
	return true;
}

/* NULL when it was answered: there is no memory. */
static struct rest *rest_new(struct gateway *g, struct http_request *http)
{
	struct rest *r = arena_alloc(http_arena(http), sizeof(*r));

	if (r == NULL) {
		http_respond(http, 503, "text/plain", (struct span){NULL, 0});
		return NULL;
	}
	*r = (struct rest){
		.gateway = g,
		.http = http,
		.arena = http_arena(http),
		.trace = uuid_v7(clock_wall_ms()),
		.lang = problem_lang(http_req_header(http, "Accept-Language")),
		.object = http_path(http),
	};
	origin_of(&g->proxies, http_peer(http), http_req_header_list(http, "X-Forwarded-For"),
		r->origin);
	return r;
}

void rest_turn_away(void *arg, struct http_request *http, unsigned status)
{
	struct rest *r = rest_new(arg, http);
	struct fault f;

	if (r == NULL)
		return;
	if (status == 400)
		(void)fault_why(&f, CN_PARSE_ERROR, "two_lengths",
			"the head says the length of the body more than once");
	else
		(void)fault_why(&f, CN_VALIDATION_FAILED, "too_long", "%s",
			status == 413 ? "the body of a request has at most 1 MiB"
				      : "the head of a request has at most 16 KiB");
	rest_fault_as(r, &f, status, NULL);
}

void rest_accept(void *arg, struct http_request *http)
{
	struct gateway *g = arg;
	const char *path = http_path(http);

	if (open_page(g, http, path))
		return;
	struct rest *r = rest_new(g, http);
	if (r == NULL)
		return;
	bool known = strncmp(path, PREFIX "/", sizeof(PREFIX)) == 0 &&
		     (events_path(NULL, path) || content_path(NULL, path) ||
			     upload_head(http_method(http), path) ||
			     route_find(http_method(http), path + strlen(PREFIX), r->arena,
				     &r->match) == 0);
	if (!known) {
		rest_refuse(r, CN_NOT_FOUND, "path", "no such page: %.128s", path);
		return;
	}
	if (too_old(r))
		return;
	r->then = NULL;
	auth_identify(r, signed_in);
}
