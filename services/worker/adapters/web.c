// SPDX-License-Identifier: Apache-2.0
/* One device's HTTP. */
#include "services/worker/adapters/web.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/crypto/crypto.h"
#include "gen/errors.h"

#define PAGE_MAX ((size_t)64 * 1024)
#define BODY_MAX ((size_t)64 * 1024 * 1024)
#define COOKIES_MAX 32u
#define COOKIE_BYTES_MAX ((size_t)8 * 1024)
#define HOPS_MAX 3u

struct cookie {
	struct cookie *next;
	const char *name, *value;
};

/* ---- where ---- */

static bool has_port(const struct errand *e, const char *service)
{
	return errand_port(e, service, 0) != 0;
}

int web_init(struct web *w, struct errand *e, const struct web_ports *ports, struct fault *reterr)
{
	const struct m_device *d = e->device;

	*w = (struct web){.errand = e};
	w->tls = (d->tls_pin && *d->tls_pin) ||
		 (has_port(e, ports->https_service) && !has_port(e, ports->http_service));
	w->port = w->tls ? errand_port(e, ports->https_service, ports->https)
			 : errand_port(e, ports->http_service, ports->http);
	if (!w->tls && !d->clear_text)
		return fault_why(reterr, CN_TLS_TOO_OLD, "clear_text",
			"plain HTTP is not accepted for this device (clear_text is off)");
	return 0;
}

static const char *host_of(const struct errand *e)
{
	return strchr(e->ip, ':') ? e->ip : e->device->address;
}

void web_origin(const struct web *w, char *out, size_t size)
{
	const char *host = host_of(w->errand);

	snprintf(out, size, strchr(host, ':') ? "http%s://[%s]:%u" : "http%s://%s:%u",
		w->tls ? "s" : "", host, w->port);
}

/* ---- cookies: all received so far are sent, of this session only ---- */

static void keep_cookie(
	struct web *w, const char *name, size_t name_n, const char *value, size_t value_n)
{
	struct arena *a = w->errand->arena;
	struct cookie *c;

	for (c = w->cookies; c; c = c->next)
		if (strlen(c->name) == name_n && memcmp(c->name, name, name_n) == 0)
			break;
	if (w->cookie_bytes + name_n + value_n > COOKIE_BYTES_MAX)
		return;
	if (!c) {
		if (w->n_cookies == COOKIES_MAX || !(c = arena_alloc(a, sizeof(*c))) ||
			!(c->name = arena_strndup(a, name, name_n)))
			return;
		c->next = w->cookies;
		w->cookies = c;
		w->n_cookies++;
	}
	w->cookie_bytes += name_n + value_n;
	c->value = arena_strndup(a, value, value_n);
}

/* Reads each Set-Cookie line of a header block. */
static void keep_cookies(struct web *w, const char *headers)
{
	static const char SET[] = "Set-Cookie:";

	for (const char *line = headers; line && *line;) {
		const char *end = line + strcspn(line, "\r\n");
		if (strncasecmp(line, SET, sizeof(SET) - 1) == 0) {
			const char *name = line + sizeof(SET) - 1;
			name += strspn(name, " \t");
			size_t n = strcspn(name, "=;\r\n");
			if (n && name[n] == '=')
				keep_cookie(
					w, name, n, name + n + 1, strcspn(name + n + 1, ";\r\n"));
		}
		line = end + strspn(end, "\r\n");
	}
}

bool web_has_cookie(const struct web *w, const char *prefix)
{
	for (const struct cookie *c = w->cookies; c; c = c->next)
		if (strncmp(c->name, prefix, strlen(prefix)) == 0)
			return true;
	return false;
}

static void add_cookies(const struct web *w, struct buf *out)
{
	buf_adds(out, "Cookie: ");
	for (const struct cookie *c = w->cookies; c; c = c->next)
		buf_addf(out, "%s%s=%s", c == w->cookies ? "" : "; ", c->name,
			c->value ? c->value : "");
}

/* ---- one request ---- */

static enum http_flow on_body(void *arg, const uint8_t *p, size_t n, long status)
{
	struct web *w = arg;
	struct errand *e = w->errand;
	enum http_flow flow = HTTP_GO;

	e->enter(e->arg);
	if (w->request.take) {
		flow = w->request.take(w->arg, p, n, status);
	} else if (w->page.n + n > PAGE_MAX) {
		w->page_too_big = true;
		flow = HTTP_ABORT;
	} else {
		buf_add(&w->page, p, n);
	}
	e->leave();
	return flow;
}

static void drop_page(struct web *w)
{
	buf_fini(&w->page);
	w->page = BUF_INIT;
}

static void drop_again(struct web *w)
{
	if (w->again.p)
		crypto_wipe(w->again.p, w->again.cap);
	buf_fini(&w->again);
	w->again = BUF_INIT;
}

static void finish(struct web *w, const struct web_reply *r, const struct fault *f)
{
	struct buf page = w->page;

	drop_again(w);
	w->page = BUF_INIT; /* the callback may send the next request */
	w->done(w->arg, r, f);
	buf_fini(&page);
}

static void start(struct web *w);

/* What was posted is posted again only where the device says so. */
static bool is_redirect(const struct web *w, long status)
{
	return status == 307 || status == 308 ||
	       (w->again.n == 0 && (status == 301 || status == 302 || status == 303));
}

/* Points path (and scheme, port) at the same host's target. 0, or -1 with CN_REDIRECT_REFUSED. */
static int take_location(struct web *w, const char *location, struct fault *reterr)
{
	bool tls = strncasecmp(location, "https://", 8) == 0;
	const char *rest = location + (tls ? 8 : 7), *host = host_of(w->errand);
	size_t n = strlen(host);

	if (location[0] == '/' && location[1] != '/') {
		w->path = arena_strdup(w->errand->arena, location);
		return 0;
	}
	if ((!tls && strncasecmp(location, "http://", 7) != 0) || strncasecmp(rest, host, n) != 0 ||
		(rest[n] && !strchr(":/", rest[n])))
		return fault_set(reterr, CN_REDIRECT_REFUSED, "redirected to another host: %.100s",
			location);
	if (w->tls && !tls)
		return fault_set(reterr, CN_REDIRECT_REFUSED, "redirected from https to http");
	w->tls = tls;
	w->port = rest[n] == ':' ? (uint16_t)strtoul(rest + n + 1, NULL, 10) : tls ? 443 : 80;
	rest = strchr(rest + n, '/');
	w->path = arena_strdup(w->errand->arena, rest ? rest : "/");
	return 0;
}

static void answered(struct web *w, const struct http_reply *reply, const struct fault *f)
{
	struct web_reply r = {
		.status = reply->status, .headers = reply->headers, .body = buf_span(&w->page)};
	char location[1024];
	struct fault why = FAULT_INIT;

	w->transfer = NULL;
	if (f && w->page_too_big)
		f = (fault_set(&why, CN_RESPONSE_TOO_BIG, "a page of more than 64 KiB"), &why);
	if (f) {
		finish(w, &r, f);
		return;
	}
	keep_cookies(w, reply->headers);
	if (w->request.follow && is_redirect(w, r.status) &&
		http_header(reply->headers, "Location", location, sizeof(location))) {
		if (++w->hops > HOPS_MAX)
			fault_set(&why, CN_REDIRECT_REFUSED, "more than %u redirects", HOPS_MAX);
		else if (take_location(w, location, &why) == 0 && w->path) {
			drop_page(w);
			w->request.body = buf_span(&w->again);
			start(w);
			w->request.body = (struct span){.p = NULL};
			return;
		}
		finish(w, &r, &why);
		return;
	}
	finish(w, &r, NULL);
}

static void on_done(void *arg, const struct http_reply *reply, const struct fault *f)
{
	struct web *w = arg;
	void (*leave)(void) = w->errand->leave; /* the session may end in there */

	w->errand->enter(w->errand->arg);
	answered(w, reply, f);
	leave();
}

static void start(struct web *w)
{
	struct errand *e = w->errand;
	struct buf cookies = BUF_INIT, url = BUF_INIT;
	char origin[320], type[96];
	const char *headers[6];
	size_t n = 0;

	web_origin(w, origin, sizeof(origin));
	buf_addf(&url, "%s%s", origin, w->path);
	if (w->cookies) {
		add_cookies(w, &cookies);
		headers[n++] = buf_str(&cookies);
	}
	if (w->request.type) {
		snprintf(type, sizeof(type), "Content-Type: %s", w->request.type);
		headers[n++] = type;
	}
	if (w->request.header)
		headers[n++] = w->request.header;
	if (w->request.body.n > 1024)
		headers[n++] = "Expect:"; /* old devices do not answer 100 */
	if (w->request.last)
		headers[n++] = "Connection: close";
	headers[n] = NULL;
	struct http_req req = {.method = w->request.method,
		.url = buf_str(&url),
		.connect_ip = strcmp(host_of(e), e->ip) == 0 ? NULL : e->ip,
		.headers = headers,
		.body = w->request.body,
		.pin_sha256 = w->tls && e->device->tls_pin && *e->device->tls_pin
				      ? e->device->tls_pin
				      : NULL,
		.max_body = w->request.max_body ? w->request.max_body : BODY_MAX,
		.first_byte_ms = w->request.first_byte_ms,
		.fresh = w->request.once,
		.total_ms = w->request.total_ms};
	w->transfer = http_send(e->http, &req, on_body, on_done, w);
	buf_fini(&cookies);
	buf_fini(&url);
}

void web_send(struct web *w, const struct web_request *r, web_fn done, void *arg)
{
	struct arena *a = w->errand->arena;

	bug_if(w->transfer);
	w->request = *r;
	w->hops = 0;
	w->page_too_big = false;
	w->done = done;
	w->arg = arg;
	if (!w->path || strcmp(w->path, r->path) != 0) /* thousands of calls go to one path */
		w->path = arena_strdup(a, r->path);
	drop_page(w);
	drop_again(w);
	if (r->follow)
		buf_add(&w->again, r->body.p, r->body.n);
	if (!w->path)
		w->path = arena_strdup(a, "/");
	start(w);
	w->request.body = (struct span){.p = NULL};
	w->request.header = NULL;
}

void web_resume(struct web *w)
{
	if (w->transfer)
		http_resume(w->transfer);
}

void web_cancel(struct web *w)
{
	if (w->transfer)
		http_cancel(w->transfer);
	w->transfer = NULL;
	drop_page(w);
	drop_again(w);
}

/* ---- statuses ---- */

static void keep_retry_after(struct errand *e, const char *headers)
{
	char text[32];
	unsigned long s;

	if (!http_header(headers, "Retry-After", text, sizeof(text)))
		return;
	s = strtoul(text, NULL, 10);
	if (s > 0 && s <= 86400)
		e->seen.retry_ms = (uint32_t)s * 1000;
}

int web_status(struct errand *e, const struct web_reply *r, bool probing, struct fault *reterr)
{
	switch (r->status) {
	case 401:
		return fault_set(reterr, CN_AUTH_REFUSED, "HTTP 401");
	case 403:
		return fault_set(reterr, CN_PERMISSION_DENIED, "HTTP 403");
	case 404:
		if (probing)
			return fault_set(reterr, CN_UNSUPPORTED_DEVICE, "no such page: HTTP 404");
		break;
	case 429:
	case 503:
		keep_retry_after(e, r->headers);
		return fault_set(reterr, CN_DEVICE_BUSY, "HTTP %ld", r->status);
	default:
		if (r->status >= 200 && r->status < 300)
			return 0;
	}
	return fault_set(reterr, CN_PROTOCOL_ERROR, "HTTP status %ld", r->status);
}
