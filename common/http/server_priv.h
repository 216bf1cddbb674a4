// SPDX-License-Identifier: Apache-2.0
/* Inside of the HTTP server: what server.c, request.c and stream.c share. */
#pragma once

#include <microhttpd.h>

#include "common/base/buf.h"
#include "common/base/list.h"
#include "common/http/server.h"

enum {
	HTTP_HEADER_MAX = 16 * 1024,
	HTTP_ROOM = 64 * 1024, /* a stream's writer is called again below this backlog */
};

struct http_server {
	struct loop *loop;
	http_handler_fn fn;
	http_early_fn early;
	http_refuse_fn refuse;
	void *arg;
	struct MHD_Daemon *mhd;
	struct loop_watch *watch; /* on MHD's epoll descriptor */
	struct timer *timer;      /* MHD's next time-out */
	struct timer *sweep;      /* once a second: slow requests, gone readers, paused listener */
	int listen_fd;
	struct loop_watch *listen_watch; /* NULL while the server is full */
	char *unix_path;                 /* removed at the end */
	size_t max_body;
	unsigned max_connections;
	unsigned idle_seconds;
	unsigned n_conns;
	struct list conns;
	void *adding_arg; /* conn_arg of the connection that MHD is being given */
};

/* One connection; MHD's socket context. */
struct conn {
	struct list node;
	struct http_server *server;
	struct MHD_Connection *mhd;
	int fd;
	void *arg;
	uint64_t since_ms; /* when it began to owe us a whole request; 0 = a request is served */
	struct http_request *request; /* being received or served */
	char peer[64];
};

struct http_stream {
	struct http_request *request;
	struct buf out;
	size_t sent; /* bytes of out that MHD has taken */
	loop_fn on_room, on_close;
	void *arg;
	bool full; /* backlog reached HTTP_ROOM since on_room was last called */
	bool ended, aborted;
};

/* A body that its handler takes piece by piece. */
struct receiving {
	http_piece_fn fn; /* NULL until http_receive */
	void *arg;
	size_t max, got;
	uint64_t owed_ms; /* how long the peer has kept us waiting, less what its bytes are worth */
	bool busy;        /* fn has a piece in hand */
	bool ended;       /* all of it came */
};

struct http_request {
	struct conn *conn;
	struct arena arena;
	const char *method, *path;
	struct buf body;
	struct MHD_Response *response; /* set by http_respond and http_respond_stream */
	unsigned status;
	struct list headers; /* of the answer, until http_respond */
	unsigned early;      /* status of a refusal that came before the body was read */
	bool handed;         /* to the handler */
	bool head_only;      /* its handler has the head; whether it takes the body is not said */
	struct receiving receiving;
	bool suspended; /* in MHD */
	struct http_stream *stream;
};

/* Lets MHD call again: for the answer of a handler or for more bytes of a stream. */
void http_request_wake(struct http_request *r);
/* Stops MHD from calling until http_request_wake. */
void http_request_sleep(struct http_request *r);
void http_request_free(struct http_request *r);

struct http_stream *http_stream_new(
	struct http_request *r, loop_fn on_room, loop_fn on_close, void *arg);
/* Tells the owner that it is over, then frees. */
void http_stream_free(struct http_stream *s);
/* MHD asks for up to max bytes: a count, 0 after putting the connection to sleep, or MHD's end
 * codes. */
ssize_t http_stream_read(struct http_stream *s, char *out, size_t max);

/* MHD's callbacks, in request.c */
enum MHD_Result http_on_request(void *arg, struct MHD_Connection *c, const char *url,
	const char *method, const char *version, const char *data, size_t *size, void **state);
void http_on_completed(
	void *arg, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode why);
size_t http_unescape(void *arg, struct MHD_Connection *c, char *s);
