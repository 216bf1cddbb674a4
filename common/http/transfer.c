// SPDX-License-Identifier: Apache-2.0
/* One transfer: options of its easy handle, deadlines, bounds, and what its end means. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock/clock.h"
#include "common/http/client_priv.h"
#include "gen/errors.h"

enum {
	BUFFER = 2048, /* per connection in flight; bodies are small */
	FLOOR_MS = 30000,
	FLOOR_BYTES = 30 * 1024,
	POOL_MAX = 1024,
};

static void fail(struct http_transfer *x, int code, const char *why)
{
	if (!x->failed) {
		x->failed = code;
		x->why = why;
	}
}

/* ---- deadlines: one timer, which always stands at the nearest ---- */

static void arm(struct http_transfer *x)
{
	uint64_t now = clock_mono_ms();
	uint64_t total = x->started_ms + x->total_ms;
	uint64_t next = x->phase == PHASE_CONNECT      ? x->started_ms + x->connect_ms
			: x->phase == PHASE_FIRST_BYTE ? x->window_ms + x->first_byte_ms
						       : x->window_ms + FLOOR_MS;

	if (next > total)
		next = total;
	timer_set(x->timer, next > now ? next - now : 0, 0);
}

static void enter(struct http_transfer *x, enum http_phase phase)
{
	x->phase = phase;
	x->window_ms = clock_mono_ms();
	x->window_bytes = 0;
	arm(x);
}

/* Slower than the floor over a whole window? Time in pause is not the device's. */
static bool too_slow(const struct http_transfer *x)
{
	return x->phase != PHASE_BODY || (x->window_bytes < FLOOR_BYTES && !x->paused);
}

static void on_deadline(void *arg)
{
	struct http_transfer *x = arg;
	uint64_t now = clock_mono_ms();
	curl_off_t connected = 0;

	if (now >= x->started_ms + x->total_ms) {
		fail(x, CN_TIMEOUT, "no whole answer within the time allowed");
	} else if (x->phase == PHASE_CONNECT) {
		(void)curl_easy_getinfo(x->easy, CURLINFO_CONNECT_TIME_T, &connected);
		if (connected)
			fail(x, CN_TIMEOUT, "TLS handshake stalled");
		else
			fail(x, CN_UNREACHABLE, "no answer to the connection attempt");
	} else if (x->phase == PHASE_FIRST_BYTE && now >= x->window_ms + x->first_byte_ms) {
		fail(x, CN_TIMEOUT, "connected, but no first byte in time");
	} else if (x->phase == PHASE_BODY && now >= x->window_ms + FLOOR_MS && too_slow(x)) {
		fail(x, CN_TIMEOUT, "slower than 1 KiB/s over 30 s");
	} else {
		if (x->phase == PHASE_BODY)
			enter(x, PHASE_BODY);
		else
			arm(x);
		return;
	}
	http_client_kick(x);
}

/* ---- callbacks of curl ---- */

static int on_connected(void *arg, char *remote unused, char *local unused, int remote_port unused,
	int local_port unused)
{
	struct http_transfer *x = arg;

	enter(x, PHASE_FIRST_BYTE);
	return CURL_PREREQFUNC_OK;
}

/* A second length, or one that is no number, is how bodies are cut or joined unseen. */
static void check_length(struct http_transfer *x, const char *value)
{
	char *end;
	unsigned long long n;

	value += strspn(value, " \t");
	n = strtoull(value, &end, 10);
	end += strspn(end, " \t\r\n");
	if (++x->lengths > 1 || *value < '0' || *value > '9' || *end || n > (uint64_t)1 << 62)
		fail(x, CN_PROTOCOL_ERROR, "Content-Length is not one plain number");
	else if (n > x->max_body && strcasecmp(x->method, "HEAD") != 0)
		fail(x, CN_RESPONSE_TOO_BIG, "the announced body is longer than allowed");
}

static void begin_head(struct http_transfer *x)
{
	buf_reset(&x->head); /* an earlier 100 Continue */
	x->lengths = 0;
}

static size_t on_header(char *p, size_t size, size_t count, void *arg)
{
	struct http_transfer *x = arg;
	size_t n = size * count;

	if (x->cancelled || x->failed)
		return 0;
	if (x->phase != PHASE_BODY)
		enter(x, PHASE_BODY);
	x->window_bytes += n;
	if (n > 5 && memcmp(p, "HTTP/", 5) == 0)
		begin_head(x);
	if (x->head.n + n > x->max_headers) {
		fail(x, CN_RESPONSE_TOO_BIG, "response headers are longer than allowed");
		return 0;
	}
	size_t at = x->head.n;
	buf_add(&x->head, p, n);
	if (n > 15 && strncasecmp(p, "Content-Length:", 15) == 0)
		check_length(x, buf_str(&x->head) + at + 15);
	(void)curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &x->status);
	return x->failed ? 0 : n;
}

static size_t on_body(char *p, size_t size, size_t count, void *arg)
{
	struct http_transfer *x = arg;
	size_t n = size * count;

	if (x->cancelled || x->failed)
		return 0;
	if (x->body_bytes + n > x->max_body) {
		fail(x, CN_RESPONSE_TOO_BIG, "the body is longer than allowed");
		return 0;
	}
	enum http_flow flow = x->body ? x->body(x->arg, (uint8_t *)p, n, x->status) : HTTP_GO;
	if (x->cancelled)
		return 0;
	if (flow == HTTP_PAUSE) {
		x->paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	if (flow == HTTP_ABORT) {
		fail(x, CN_CANCELLED_BY_USER, "ended by the reader");
		return 0;
	}
	x->body_bytes += n;
	x->window_bytes += n;
	return n;
}

/* On process death the peer must see a reset, not a wait (locks.md 10.5). */
static curl_socket_t on_open(void *arg, curlsocktype purpose unused, struct curl_sockaddr *a)
{
	struct http_client *c = arg;
	struct linger now = {.l_onoff = 1, .l_linger = 0};
	int fd = socket(a->family, a->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->protocol);

	if (fd >= 0 && c->opts.reset_on_close)
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	return fd;
}

static int on_close(void *arg unused, curl_socket_t fd)
{
	return close(fd);
}

/* ---- the request ---- */

static char *dup_or_null(const char *s)
{
	return s ? mem_strdup(s) : NULL;
}

static void copy_headers(struct http_transfer *x, const char *const *headers)
{
	bool typed = false;

	for (size_t i = 0; headers && headers[i]; i++) {
		x->headers = curl_slist_append(x->headers, headers[i]);
		typed = typed || strncasecmp(headers[i], "Content-Type:", 13) == 0;
	}
	x->headers = curl_slist_append(x->headers, "Expect:");
	if (!typed)
		x->headers = curl_slist_append(x->headers, "Content-Type:");
}

static void copy_address(struct http_transfer *x, const char *ip)
{
	char to[128];
	bool v6 = strchr(ip, ':') != NULL;

	(void)snprintf(to, sizeof(to), v6 ? "::[%s]:" : "::%s:", ip);
	x->connect_to = curl_slist_append(NULL, to);
}

/* By scheme, host and port, so that connections of a host are found again. */
static struct shard *shard_of(struct http_client *c, const struct http_req *req)
{
	const char *host = strstr(req->url, "://");
	uint32_t h = 2166136261u;

	for (const char *p = host ? host + 3 : req->url; *p && *p != '/' && *p != '?'; p++)
		h = (h ^ (uint8_t)*p) * 16777619u;
	return &c->shards[(h ^ h >> 16) % HTTP_SHARDS];
}

struct http_transfer *http_transfer_new(struct http_client *c, const struct http_req *req)
{
	struct http_transfer *x = mem_alloc(sizeof(*x));

	x->client = c;
	x->shard = shard_of(c, req);
	list_init(&x->node);
	list_init(&x->kick_node);
	x->method = mem_strdup(req->method);
	x->url = mem_strdup(req->url);
	x->unix_socket = dup_or_null(req->unix_socket);
	x->proxy = dup_or_null(req->proxy);
	x->pin = dup_or_null(req->pin_sha256);
	x->ca_file = dup_or_null(req->ca_file);
	copy_headers(x, req->headers);
	if (req->connect_ip)
		copy_address(x, req->connect_ip);
	if (req->body.n) {
		x->request = mem_alloc(req->body.n);
		memcpy(x->request, req->body.p, req->body.n);
		x->request_n = req->body.n;
	}
	x->max_body = req->max_body;
	x->max_headers = req->max_headers ? req->max_headers : (size_t)16 * 1024;
	x->connect_ms = req->connect_ms ? req->connect_ms : 10000;
	x->first_byte_ms = req->first_byte_ms ? req->first_byte_ms : 60000;
	x->total_ms = req->total_ms ? req->total_ms : 900000;
	x->fresh = req->fresh;
	x->any_key = req->any_key && req->fresh;
	x->head.max = x->max_headers;
	x->timer = timer_new(c->loop, on_deadline, x);
	return x;
}

static void set_method(struct http_transfer *x, CURL *e)
{
	if (strcmp(x->method, "HEAD") == 0) {
		(void)curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
		return;
	}
	if (x->request_n || strcmp(x->method, "GET") != 0) {
		(void)curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->request_n);
		(void)curl_easy_setopt(e, CURLOPT_POSTFIELDS, x->request ? (char *)x->request : "");
	}
	(void)curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, x->method);
}

static void accept_any(CURL *e)
{
	(void)curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L);
	(void)curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L);
}

static void set_tls(struct http_transfer *x, CURL *e)
{
	char pin[128];

	(void)curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (x->ca_file)
		(void)curl_easy_setopt(e, CURLOPT_CAINFO, x->ca_file);
	if (x->any_key) {
		(void)curl_easy_setopt(e, CURLOPT_CERTINFO, 1L);
		accept_any(e);
	}
	if (!x->pin)
		return;
	(void)snprintf(pin, sizeof(pin), "sha256//%s", x->pin);
	(void)curl_easy_setopt(e, CURLOPT_PINNEDPUBLICKEY, pin);
	if (!x->ca_file) /* the pin alone decides (fleet.md FL-17) */
		accept_any(e);
}

static void set_callbacks(struct http_transfer *x, CURL *e)
{
	(void)curl_easy_setopt(e, CURLOPT_PRIVATE, x);
	(void)curl_easy_setopt(e, CURLOPT_ERRORBUFFER, x->curl_says);
	(void)curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl_easy_setopt(e, CURLOPT_HEADERDATA, x);
	(void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	(void)curl_easy_setopt(e, CURLOPT_WRITEDATA, x);
	(void)curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_connected);
	(void)curl_easy_setopt(e, CURLOPT_PREREQDATA, x);
	(void)curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open);
	(void)curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, x->client);
	(void)curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, on_close);
}

static void set_options(struct http_transfer *x, CURL *e)
{
	(void)curl_easy_setopt(e, CURLOPT_URL, x->url);
	(void)curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	(void)curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	/* never from the environment */
	(void)curl_easy_setopt(e, CURLOPT_PROXY, x->proxy ? x->proxy : "");
	(void)curl_easy_setopt(e, CURLOPT_NOPROXY, "");
	(void)curl_easy_setopt(e, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	(void)curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	(void)curl_easy_setopt(e, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	(void)curl_easy_setopt(e, CURLOPT_BUFFERSIZE, (long)BUFFER);
	(void)curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE, 16384L);
	(void)curl_easy_setopt(e, CURLOPT_HTTPHEADER, x->headers);
	(void)curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)x->connect_ms + 60000);
	if (x->connect_to)
		(void)curl_easy_setopt(e, CURLOPT_CONNECT_TO, x->connect_to);
	if (x->unix_socket)
		(void)curl_easy_setopt(e, CURLOPT_UNIX_SOCKET_PATH, x->unix_socket);
	if (x->fresh)
		(void)curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
	set_method(x, e);
	set_tls(x, e);
	set_callbacks(x, e);
}

void http_transfer_start(struct http_transfer *x)
{
	struct http_client *c = x->client;

	x->easy = c->n_pool > 0 ? c->pool[--c->n_pool] : curl_easy_init();
	bug_if(!x->easy);
	set_options(x, x->easy);
	x->started_ms = clock_mono_ms();
	enter(x, PHASE_CONNECT);
	c->n_active++;
	x->in_multi = true;
	c->in_curl++;
	(void)curl_multi_add_handle(x->shard->multi, x->easy);
	c->in_curl--;
}

/* ---- the end ---- */

void http_transfer_detach(struct http_transfer *x)
{
	struct http_client *c = x->client;

	timer_stop(x->timer);
	list_remove(&x->kick_node);
	if (!x->in_multi)
		return;
	x->in_multi = false;
	c->n_active--;
	(void)curl_multi_remove_handle(x->shard->multi, x->easy);
}

static void keep_handle(struct http_client *c, CURL *e)
{
	if (c->n_pool >= POOL_MAX) {
		curl_easy_cleanup(e);
		return;
	}
	if (c->n_pool == c->cap_pool) {
		c->cap_pool = c->cap_pool ? c->cap_pool * 2 : 16;
		c->pool = mem_realloc(c->pool, c->cap_pool * sizeof(CURL *));
	}
	curl_easy_reset(e);
	c->pool[c->n_pool++] = e;
}

void http_transfer_free(struct http_transfer *x)
{
	if (x->easy)
		keep_handle(x->client, x->easy);
	timer_free(x->timer);
	curl_slist_free_all(x->headers);
	curl_slist_free_all(x->connect_to);
	buf_fini(&x->head);
	if (x->request)
		explicit_bzero(x->request, x->request_n); /* forms of a login */
	free(x->request);
	free(x->method);
	free(x->url);
	free(x->unix_socket);
	free(x->proxy);
	free(x->pin);
	free(x->ca_file);
	free(x);
}

static int code_of(const struct http_transfer *x, CURLcode rc)
{
	/* curl has one code for a reset and for a broken chunk */
	if (strstr(x->curl_says, "chunk"))
		return CN_PROTOCOL_ERROR;
	switch ((int)rc) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return CN_NAME_UNRESOLVED;
	case CURLE_COULDNT_CONNECT:
		return CN_UNREACHABLE;
	case CURLE_OPERATION_TIMEDOUT:
		return CN_TIMEOUT;
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
		return CN_CONNECTION_LOST;
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
		return CN_TLS_PIN_CHANGED;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
		return CN_TLS_HANDSHAKE;
	case CURLE_FILESIZE_EXCEEDED:
		return CN_RESPONSE_TOO_BIG;
	case CURLE_OUT_OF_MEMORY: /* curl's own bound on one header line */
		return x->body_bytes ? CN_INTERNAL_ERROR : CN_RESPONSE_TOO_BIG;
	default:
		return CN_PROTOCOL_ERROR;
	}
}

/* The peer's own certificate is the first of the chain. */
static void read_key(struct http_transfer *x)
{
	struct curl_certinfo *chain = NULL;

	if (curl_easy_getinfo(x->easy, CURLINFO_CERTINFO, &chain) != CURLE_OK || chain == NULL ||
		chain->num_of_certs < 1)
		return;
	for (const struct curl_slist *i = chain->certinfo[0]; i; i = i->next)
		if (strncmp(i->data, "Cert:", 5) == 0 && spki_pin(i->data + 5, x->key_seen) < 0)
			*x->key_seen = '\0';
}

static void fill_reply(struct http_transfer *x, struct http_reply *r)
{
	curl_off_t total = 0, connect = 0, first = 0;
	char *ip = NULL;

	if (x->easy) {
		(void)curl_easy_getinfo(x->easy, CURLINFO_TOTAL_TIME_T, &total);
		(void)curl_easy_getinfo(x->easy, CURLINFO_CONNECT_TIME_T, &connect);
		(void)curl_easy_getinfo(x->easy, CURLINFO_STARTTRANSFER_TIME_T, &first);
		(void)curl_easy_getinfo(x->easy, CURLINFO_PRIMARY_IP, &ip);
		if (x->any_key)
			read_key(x);
	}
	*r = (struct http_reply){.status = x->status,
		.headers = buf_str(&x->head),
		.body_bytes = x->body_bytes,
		.total_us = (uint64_t)total,
		.connect_us = (uint64_t)connect,
		.first_byte_us = (uint64_t)first,
		.primary_ip = ip ? ip : "",
		.key_sha256 = x->key_seen};
}

bool http_transfer_result(
	struct http_transfer *x, CURLcode rc, struct http_reply *ret_reply, struct fault *f)
{
	fill_reply(x, ret_reply);
	if (x->failed)
		(void)fault_set(f, x->failed, "%s", x->why);
	else if (rc != CURLE_OK)
		(void)fault_set(f, code_of(x, rc), "%s",
			x->curl_says[0] ? x->curl_says : curl_easy_strerror(rc));
	return x->failed || rc != CURLE_OK;
}
