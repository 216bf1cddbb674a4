// SPDX-License-Identifier: Apache-2.0
/* HTTP server on the loop: libmicrohttpd with external epoll. Plain HTTP on loopback, a unix
 * socket or a private network; a proxy in front does TLS. Loop thread only.
 * Bounds (reliability.md section 5): header 16 KiB, body max_body, connections max_connections. */
#pragma once

#include "common/base/arena.h"
#include "common/base/fault.h"
#include "common/loop/loop.h"

struct http_server;
struct http_request;
struct http_stream;

typedef bool (*http_early_fn)(void *arg, const struct http_request *r);
/* Answers a request that never reaches the handler: 400, 413 or 431. At once. */
typedef void (*http_refuse_fn)(void *arg, struct http_request *r, unsigned status);

struct http_server_opts {
	const char *listen;       /* "127.0.0.1:8080", "[::]:80", "unix:/path", or NULL: only
				     http_server_add */
	size_t max_body;          /* bytes; 0 = 1 MiB */
	unsigned max_connections; /* 0 = 2,000 */
	unsigned idle_seconds;    /* 0 = 30 */
	http_refuse_fn refuse;    /* NULL = a line of text */
	http_early_fn early;      /* true: the handler gets the head alone and takes the body with
				     http_receive. NULL = no request is such */
};

/* Called once per request with its whole body. Answer now or later, exactly once. */
typedef void (*http_handler_fn)(void *arg, struct http_request *r);

struct http_server *http_server_new(struct loop *l, const struct http_server_opts *opts,
	http_handler_fn fn, void *arg, struct fault *reterr) must_check;
void http_server_free(struct http_server *s);
/* Serves an accepted connection of the caller's own listener; conn_arg comes back in
 * http_conn_arg. Takes the descriptor. */
int http_server_add(struct http_server *s, int fd, void *conn_arg) must_check;

const char *http_method(const struct http_request *r);
const char *http_path(const struct http_request *r);                    /* decoded, without query */
const char *http_query(const struct http_request *r, const char *name); /* decoded; NULL = absent */
/* Calls fn for each query parameter in order. */
void http_query_each(const struct http_request *r,
	void (*fn)(void *arg, const char *name, const char *value), void *arg);
const char *http_req_header(const struct http_request *r, const char *name);
/* All lines of that name as one comma list, in the request's arena; NULL = absent. */
const char *http_req_header_list(struct http_request *r, const char *name);
struct span http_body(const struct http_request *r);
const char *http_peer(const struct http_request *r); /* numeric address */
void *http_conn_arg(const struct http_request *r);
/* Memory that lives as long as the request. */
struct arena *http_arena(struct http_request *r);

/* ---- long bodies, piece by piece ---- */

enum http_piece {
	HTTP_PIECE,    /* the next bytes; then nothing until http_receive_more */
	HTTP_LAST,     /* that was all of it: answer now or later */
	HTTP_TOO_LONG, /* more than max: answer; the rest is thrown away */
	HTTP_GONE,     /* the peer left before the end: the request is gone, too */
};
/* bytes are valid during the call. */
typedef void (*http_piece_fn)(void *arg, enum http_piece what, struct span bytes);
/* For a request whose head alone came (http_server_opts.early): takes its body. A handler that
 * answers instead, now or before HTTP_LAST, reads no more of it and the connection ends. A body
 * must come with at least 16 KiB/s. */
void http_receive(struct http_request *r, size_t max, http_piece_fn fn, void *arg);
/* fn is ready for the next piece. */
void http_receive_more(struct http_request *r);

/* ---- the answer ---- */

/* Headers of the answer, before http_respond. Copied. */
void http_set_header(struct http_request *r, const char *name, const char *value);
/* body is copied. */
void http_respond(struct http_request *r, unsigned status, const char *type, struct span body);

/* A long answer (event stream, download): head now, pieces later. on_room (may be NULL) is called
 * when the backlog fell below 64 KiB, on_close once when the peer is gone or after
 * http_stream_end. */
struct http_stream *http_respond_stream(struct http_request *r, unsigned status, const char *type,
	loop_fn on_room, loop_fn on_close, void *arg);
/* Copied; returns the backlog in bytes. */
size_t http_stream_write(struct http_stream *s, struct span bytes);
void http_stream_end(struct http_stream *s);
/* Cuts the connection with a reset: the reader must not take what came as whole. */
void http_stream_abort(struct http_stream *s);
