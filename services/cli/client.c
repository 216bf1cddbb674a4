// SPDX-License-Identifier: Apache-2.0
/* Speaking to the gateway: one request at a time, the loop runs until its answer is there. */
#include <stdlib.h>
#include <string.h>

#include "common/http/client.h"
#include "gen/errors.h"
#include "services/cli/cli.h"

#define MAX_ANSWER ((size_t)64 * 1024 * 1024)

struct exchange {
	struct cli *cli;
	struct buf body;
	struct answer *answer;
	bool (*fn)(void *arg, struct span bytes);
	void *arg;
	uint32_t total_ms; /* 0 = no limit */
	bool stopped, done;
	long status;
};

void answer_fini(struct answer *a)
{
	json_decref(a->json);
	free(a->headers);
	*a = (struct answer){.status = 0};
}

static enum http_flow on_body(void *arg, const uint8_t *p, size_t n, long status)
{
	struct exchange *x = arg;

	if (x->fn == NULL || status != 200) {
		buf_add(&x->body, p, n);
		return HTTP_GO;
	}
	if (x->fn(x->arg, (struct span){p, n}))
		return HTTP_GO;
	x->stopped = true;
	return HTTP_ABORT;
}

static void on_done(void *arg, const struct http_reply *reply, const struct fault *f)
{
	struct exchange *x = arg;
	json_error_t e;

	x->done = true;
	x->status = reply == NULL ? 0 : reply->status;
	x->answer->status = x->status;
	if (f != NULL && !x->stopped)
		x->answer->fault = *f;
	if (reply != NULL && reply->headers != NULL)
		x->answer->headers = mem_strdup(reply->headers);
	if (x->body.n > 0)
		x->answer->json = json_loadb((const char *)x->body.p, x->body.n, 0, &e);
	loop_stop(x->cli->loop);
}

static void client_open(struct cli *c)
{
	if (c->loop != NULL)
		return;
	c->loop = loop_new();
	c->http = http_client_new(c->loop, &(struct http_client_opts){.max_connections = 4});
}

void client_close(struct cli *c)
{
	if (c->loop == NULL)
		return;
	http_client_free(c->http);
	loop_free(c->loop);
	c->loop = NULL;
}

/* What is sent: JSON, or the bytes of a file. */
struct sending {
	struct span bytes; /* p NULL = nothing */
	const char *type;  /* "Content-Type: …" */
};

static void exchange(struct cli *c, const char *method, const char *path,
	const struct sending *body, const char *const *headers, struct exchange *x)
{
	struct buf url = BUF_INIT;
	struct buf auth = BUF_INIT;
	struct buf lang = BUF_INIT;
	bool is_unix = strncmp(c->server, "unix:", 5) == 0;
	const char *lines[16];
	char protocol[64];
	size_t n = 0;

	client_open(c);
	buf_addf(&url, "%s/api/v1%s", is_unix ? "http://localhost" : c->server, path);
	buf_addf(&lang, "Accept-Language: %s", c->lang);
	lines[n++] = buf_str(&lang);
	(void)snprintf(protocol, sizeof(protocol), "Carnet-Protocol: %u %u", MSG_PROTOCOL,
		MSG_PROTOCOL_MIN);
	lines[n++] = protocol;
	if (body->bytes.p != NULL)
		lines[n++] = body->type;
	if (c->token != NULL) {
		buf_addf(&auth, "Authorization: Bearer %s", c->token);
		lines[n++] = buf_str(&auth);
	}
	for (size_t i = 0; headers != NULL && headers[i] != NULL && n < array_len(lines) - 1; i++)
		lines[n++] = headers[i];
	lines[n] = NULL;
	struct http_req req = {
		.method = method,
		.url = buf_str(&url),
		.unix_socket = is_unix ? c->server + 5 : NULL,
		.headers = lines,
		.body = body->bytes,
		.max_body = MAX_ANSWER,
		.total_ms = x->total_ms,
	};
	x->cli = c;
	(void)http_send(c->http, &req, on_body, on_done, x);
	while (!x->done)
		loop_run(c->loop);
	buf_fini(&url);
	buf_fini(&auth);
	buf_fini(&lang);
	buf_fini(&x->body);
}

/* ---- --dry-run ---- */

/* "/tasks/{ref}:run" for "/tasks/Back%20up:run". */
static bool fits(const char *pattern, const char *path)
{
	while (*pattern != '\0') {
		if (*pattern == '{') {
			size_t n = strcspn(path, "/:?");
			if (n == 0)
				return false;
			path += n;
			pattern = strchr(pattern, '}') + 1;
		} else if (*pattern++ != *path++) {
			return false;
		}
	}
	return *path == '\0' || *path == '?';
}

static const struct route *route_of(const char *method, const char *path)
{
	for (size_t i = 0; i < routes_n; i++)
		if (strcmp(routes[i].method, method) == 0 && fits(routes[i].path, path))
			return &routes[i];
	return NULL;
}

/* What a viewer may ask changes nothing; nor does what says itself that it is a preview. */
static bool changes(const char *method, const struct route *r, const json_t *body)
{
	if (strcmp(method, "GET") == 0 || json_is_true(json_object_get(body, "preview")))
		return false;
	return r == NULL || r->is_public || r->request->right != MSG_VIEWER;
}

/* Without secrets: those of the message, and members that it does not have, for these the gateway
 * seals. */
static json_t *without_secrets(const struct msg_desc *d, const json_t *v)
{
	json_t *copy = json_is_array(v) ? json_array() : json_object();
	const char *name;
	json_t *member;
	size_t i;

	json_array_foreach(v, i, member)
	{
		(void)json_array_append_new(copy, without_secrets(d, member));
	}
	json_object_foreach((json_t *)(uintptr_t)v, name, member)
	{
		const struct msg_field *f = request_field(d, name);
		bool deep = f != NULL && f->type == MSG_STRUCT;
		(void)json_object_set_new(copy, name,
			f == NULL || f->secret ? json_string("…")
			: deep                 ? without_secrets(f->desc, member)
					       : json_incref(member));
	}
	return copy;
}

/* True: it was shown, and is not to be sent. */
static bool show_only(const struct cli *c, const char *method, const char *path, const json_t *body,
	struct answer *ret)
{
	const struct route *r = c->dry_run ? route_of(method, path) : NULL;

	if (!c->dry_run || !changes(method, r, body))
		return false;
	(void)printf("%s %s\n", method, path);
	json_t *shown = body == NULL || r == NULL ? NULL : without_secrets(request_body(r), body);
	if (shown != NULL)
		print_json(shown);
	json_decref(shown);
	ret->shown = true;
	return true;
}

/* A credential that was stored is one that every new printer has (FL-16): said wherever it came
 * from. */
static void warn_factory(const struct cli *c, const char *path, const json_t *credential)
{
	const struct error_info *e = error_reason("default_credential");

	if (strcmp(path, "/credentials") != 0 || e == NULL ||
		!json_is_true(json_object_get(credential, "factory_default")))
		return;
	(void)fprintf(stderr, "%s: %s %s\n", json_string_value(json_object_get(credential, "name")),
		e->text[cli_lang(c)], e->hint[cli_lang(c)]);
}

int client_call(struct cli *c, const char *method, const char *path, const json_t *body,
	const char *const *headers, struct answer *ret)
{
	struct exchange x = {.answer = ret, .total_ms = c->timeout_ms};
	char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
	const struct sending json = {
		.bytes = {(const uint8_t *)text, text == NULL ? 0 : strlen(text)},
		.type = "Content-Type: application/json"};

	*ret = (struct answer){.status = 0};
	if (!show_only(c, method, path, body, ret))
		exchange(c, method, path, &json, headers, &x);
	free(text);
	if (ret->status < 200 || ret->status >= 300)
		return -1;
	if (body != NULL)
		warn_factory(c, path, ret->json);
	return 0;
}

int client_upload(struct cli *c, const char *path, struct span bytes, struct answer *ret)
{
	struct exchange x = {.answer = ret};
	const struct sending file = {
		.bytes = {bytes.n == 0 ? (const uint8_t *)"" : bytes.p, bytes.n},
		.type = "Content-Type: application/octet-stream"};

	*ret = (struct answer){.status = 0};
	if (!show_only(c, "POST", path, NULL, ret))
		exchange(c, "POST", path, &file, NULL, &x);
	return ret->status >= 200 && ret->status < 300 ? 0 : -1;
}

long client_stream(struct cli *c, const char *path, bool (*fn)(void *arg, struct span bytes),
	void *arg, struct fault *reterr)
{
	struct answer a = {.status = 0};
	struct exchange x = {.answer = &a, .fn = fn, .arg = arg};
	const struct sending nothing = {.type = NULL};

	exchange(c, "GET", path, &nothing, NULL, &x);
	*reterr = a.fault;
	if (x.stopped)
		reterr->code = 0;
	const char *detail = json_string_value(json_object_get(a.json, "detail"));
	if (x.status != 200 && detail != NULL)
		(void)fault_set(reterr, CN_REJECTED, "%s", detail);
	answer_fini(&a);
	return x.status;
}

static int exit_of(long status)
{
	switch (status) {
	case 401:
	case 403:
		return EXIT_AUTH;
	case 409:
	case 412:
		return EXIT_REFUSED;
	case 0:
	case 429:
	case 503:
		return EXIT_LATER;
	default:
		return EXIT_ERROR;
	}
}

int client_problem(const struct cli *c, const struct answer *a)
{
	const char *title = json_string_value(json_object_get(a->json, "title"));
	const char *detail = json_string_value(json_object_get(a->json, "detail"));
	const char *hint = json_string_value(json_object_get(a->json, "hint"));
	const char *code = json_string_value(json_object_get(a->json, "code"));
	struct buf line = BUF_INIT;

	if (a->shown)
		return EXIT_SHOWN;
	if (c->json && a->json != NULL)
		print_json(a->json);
	if (a->status == 0)
		return cli_fail(EXIT_LATER, "no answer from %s: %s", c->server, a->fault.detail);
	buf_addf(&line, "%s", title == NULL ? "the server refused" : title);
	if (detail != NULL && *detail != '\0')
		buf_addf(&line, ": %s", detail);
	if (code != NULL)
		buf_addf(&line, " (%s)", code);
	if (hint != NULL && *hint != '\0')
		buf_addf(&line, "\n  %s", hint);
	int rc = cli_fail(exit_of(a->status), "%s", buf_str(&line));
	buf_fini(&line);
	return rc;
}
