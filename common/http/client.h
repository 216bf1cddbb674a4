// SPDX-License-Identifier: Apache-2.0
/* HTTP(S) client on the loop: one libcurl multi handle, socket API, thousands of transfers.
 * Rules: docs/spec/devices.md section 3. Redirects are never followed here. Loop thread only. */
#pragma once

#include "common/base/fault.h"
#include "common/loop/loop.h"

struct http_client;
struct http_transfer;

struct http_client_opts {
	unsigned max_connections; /* in all; 0 = 4,096 */
	unsigned max_per_host;    /* 0 = no limit; devices: 1 */
	bool reset_on_close;      /* SO_LINGER {1,0} on every socket (locks.md 10.5) */
};

struct http_req {
	const char *method; /* GET, POST, … */
	const char *url;    /* http, https or unix:PATH via unix_socket; no credentials inside */
	const char *unix_socket; /* or NULL */
	const char *connect_ip;  /* connect here whatever the URL's host says, or NULL */
	const char *proxy; /* "http://IP:PORT": asked to reach the URL, whose host it resolves; or
			      NULL */
	const char *const *headers; /* "Name: value", NULL-terminated, or NULL */
	struct span body;
	const char *pin_sha256; /* base64 SHA-256 of the SPKI; NULL = none */
	const char *ca_file;    /* NULL with a pin: the pin alone decides */
	size_t max_body;        /* bytes of the answer; more → CN_RESPONSE_TOO_BIG */
	size_t max_headers;     /* 0 = 16 KiB */
	uint32_t connect_ms;    /* 0 = 10 s */
	uint32_t first_byte_ms; /* 0 = 60 s */
	uint32_t total_ms;      /* 0 = 15 min */
	bool fresh;             /* no reused connection */
	bool any_key; /* TLS with whoever it is, and the reply names the key: only to ask who is
			 there, with nothing secret in it (FL-17, FL-19) */
};

/* What http_body_fn answers. */
enum http_flow {
	HTTP_GO,
	HTTP_PAUSE, /* the same bytes come again after http_resume */
	HTTP_ABORT, /* the transfer ends with CN_… set by the caller in its own state */
};

struct http_reply {
	long status;         /* 0 when there was no answer */
	const char *headers; /* raw header block, NUL-terminated */
	uint64_t body_bytes;
	uint64_t total_us, connect_us, first_byte_us;
	const char *primary_ip;
	const char *key_sha256; /* any_key: base64 SHA-256 of the SPKI seen; "" = no TLS */
};

typedef enum http_flow (*http_body_fn)(void *arg, const uint8_t *p, size_t n, long status);
/* f NULL = an HTTP answer arrived whole, whatever its status; else unreachable, name_unresolved,
 * timeout, connection_lost, tls_pin_changed, tls_handshake, response_too_big (devices.md 2.1).
 * Called exactly once, never from inside http_send or http_cancel. */
typedef void (*http_done_fn)(void *arg, const struct http_reply *reply, const struct fault *f);

struct http_client *http_client_new(struct loop *l, const struct http_client_opts *opts);
void http_client_free(struct http_client *c);
/* req is copied. body may be NULL: the answer's body is then counted and thrown away. */
struct http_transfer *http_send(struct http_client *c, const struct http_req *req,
	http_body_fn body, http_done_fn done, void *arg);
void http_resume(struct http_transfer *x);
/* Ends the transfer and its connection; done is not called. */
void http_cancel(struct http_transfer *x);
/* First value of a header in a raw block, cut at the line end, into out; NULL when absent. */
const char *http_header(const char *headers, const char *name, char *out, size_t size);
