// SPDX-License-Identifier: Apache-2.0
/* Inside of the HTTP client: what client.c and transfer.c share. */
#pragma once

#include <curl/curl.h>

#include "common/base/buf.h"
#include "common/base/list.h"
#include "common/crypto/spki.h"
#include "common/http/client.h"

/* A multi handle finds its connections in 97 hash chains: one for 10,000 hosts costs 1.6 times the
 * CPU per transfer (measured), so hosts are spread over several. */
struct shard {
	struct http_client *client;
	CURLM *multi;
	struct timer *timer; /* curl's */
};

enum { HTTP_SHARDS = 16 };

struct http_client {
	struct loop *loop;
	struct http_client_opts opts;
	struct shard shards[HTTP_SHARDS];
	struct timer *kick;  /* runs kicked, outside of curl */
	struct list active;  /* transfers that curl has */
	struct list waiting; /* for a free connection */
	struct list kicked;
	unsigned n_active, max_active;
	int in_curl; /* > 0: inside a call of curl, whose handles may not be removed now */
	CURL **pool; /* easy handles for reuse */
	size_t n_pool, cap_pool;
};

/* What the transfer's one timer waits for. */
enum http_phase { PHASE_CONNECT, PHASE_FIRST_BYTE, PHASE_BODY };

struct http_transfer {
	struct list node;      /* active or waiting */
	struct list kick_node; /* kicked */
	struct http_client *client;
	struct shard *shard; /* of its host */
	CURL *easy;          /* NULL while waiting */
	http_body_fn body;
	http_done_fn done;
	void *arg;

	/* the request, copied */
	char *method, *url, *unix_socket, *proxy, *pin, *ca_file;
	struct curl_slist *headers, *connect_to;
	uint8_t *request;
	size_t request_n;
	size_t max_body, max_headers;
	uint32_t connect_ms, first_byte_ms, total_ms;
	bool fresh, any_key;

	/* progress */
	struct timer *timer;
	enum http_phase phase;
	uint64_t started_ms, window_ms; /* window: since when the floor of 1 KiB/s is measured */
	uint64_t window_bytes, body_bytes;
	struct buf head; /* answer's header block */
	long status;
	unsigned lengths; /* Content-Length lines in it */
	int failed;       /* CN-code that we gave, 0 = none */
	const char *why;
	char curl_says[CURL_ERROR_SIZE];
	char key_seen[SPKI_PIN];
	bool paused, resume, cancelled, finished, in_multi;
};

struct http_transfer *http_transfer_new(struct http_client *c, const struct http_req *req);
void http_transfer_start(struct http_transfer *x);
/* Takes the handle off curl; an unfinished connection is closed. */
void http_transfer_detach(struct http_transfer *x);
void http_transfer_free(struct http_transfer *x);
/* Fills the reply, valid until detach; true and a fault when it was not a whole answer. */
bool http_transfer_result(
	struct http_transfer *x, CURLcode rc, struct http_reply *ret_reply, struct fault *f);

/* Looks at the transfer again from outside of curl: cancelled, failed or resumed. */
void http_client_kick(struct http_transfer *x);
void http_client_next(struct http_client *c);
