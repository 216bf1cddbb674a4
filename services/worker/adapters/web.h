// SPDX-License-Identifier: Apache-2.0
/* HTTP with one device: address, TLS and clear-text rules, cookies, redirects, bounded pages, and
 * the mapping that all HTTP families share (devices.md sections 2.1 and 3). One request at a time.
 * Loop thread only. */
#pragma once

#include "services/worker/adapters/adapter.h"

struct cookie;

/* An answer; valid during the callback. */
struct web_reply {
	long status;
	const char *headers;
	struct span body; /* what was collected; empty when a body function took it */
};

/* f NULL = an HTTP answer arrived whole, whatever its status. */
typedef void (*web_fn)(void *arg, const struct web_reply *r, const struct fault *f);

struct web_request {
	const char *method;
	const char *path;
	const char *type;   /* Content-Type, NULL = none */
	const char *header; /* one more header, copied; NULL = none */
	struct span body;
	size_t max_body;        /* of the answer; 0 = 64 KiB collected */
	uint32_t total_ms;      /* 0 = 15 min */
	uint32_t first_byte_ms; /* 0 = 60 s; an import answers when it is done */
	bool follow; /* redirects to the same host (FL-21); a body goes along on 307, 308 */
	/* a connection of its own: on one that was used before libcurl sends a request again by
	 * itself when the answer does not begin. For calls that must not be sent twice (R5). */
	bool once;
	bool last; /* close the connection afterwards */
	/* takes the body piece by piece instead of collecting it; may answer HTTP_PAUSE */
	enum http_flow (*take)(void *arg, const uint8_t *p, size_t n, long status);
};

struct web {
	struct errand *errand;
	bool tls;
	uint16_t port;
	struct cookie *cookies;
	size_t n_cookies, cookie_bytes;

	/* the request under way */
	struct http_transfer *transfer;
	struct web_request request;
	char *path; /* after redirects, in the arena */
	unsigned hops;
	struct buf page;
	struct buf again; /* the body, as long as a redirect may want it */
	bool page_too_big;
	web_fn done;
	void *arg;
};

/* Keys of the device's ports, and what they are when it names none. */
struct web_ports {
	const char *http_service;
	uint16_t http;
	const char *https_service;
	uint16_t https;
};

/* Chooses scheme and port. 0, or -1: plain HTTP is not allowed for this device (FL-20). */
int web_init(struct web *w, struct errand *e, const struct web_ports *ports,
	struct fault *reterr) must_check;
/* r and what it points to are copied, the body only until the request left. */
void web_send(struct web *w, const struct web_request *r, web_fn done, void *arg);
void web_resume(struct web *w);
/* done is not called. */
void web_cancel(struct web *w);
/* Is there a cookie whose name begins so? */
bool web_has_cookie(const struct web *w, const char *prefix);
/* "http://host:port" of the device, into out. */
void web_origin(const struct web *w, char *out, size_t size);

/* 0 for 2xx. Else -1 and the cause of this status (401, 403, 404, 429, 503, other); Retry-After
 * goes to e->seen.retry_ms. probing: 404 means CN_UNSUPPORTED_DEVICE. */
int web_status(
	struct errand *e, const struct web_reply *r, bool probing, struct fault *reterr) must_check;
