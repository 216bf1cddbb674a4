// SPDX-License-Identifier: Apache-2.0
/* One request: checked, collected, handed to the handler, answered now or later. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "common/clock/clock.h"
#include "common/http/server_priv.h"

/* A header of the answer, kept in the request's arena. */
struct answer_header {
	struct list node;
	const char *name, *value;
};

void http_request_sleep(struct http_request *r)
{
	r->suspended = true;
	MHD_suspend_connection(r->conn->mhd);
}

void http_request_wake(struct http_request *r)
{
	if (!r->suspended)
		return;
	r->suspended = false;
	MHD_resume_connection(r->conn->mhd);
	timer_set(r->conn->server->timer, 0, 0);
}

void http_request_free(struct http_request *r)
{
	struct http_stream *stream = r->stream;

	r->stream = NULL;
	if (stream)
		http_stream_free(stream);
	if (r->response)
		MHD_destroy_response(r->response);
	buf_fini(&r->body);
	arena_fini(&r->arena);
	free(r);
}

/* ---- before the body ---- */

struct header_check {
	size_t bytes, lengths, encodings;
};

static enum MHD_Result count_header(
	void *arg, enum MHD_ValueKind kind unused, const char *name, const char *value)
{
	struct header_check *check = arg;

	check->bytes += strlen(name) + (value ? strlen(value) : 0) + 4;
	check->lengths += strcasecmp(name, "Content-Length") == 0;
	check->encodings += strcasecmp(name, "Transfer-Encoding") == 0;
	return MHD_YES;
}

/* Status of a refusal, 0 = fine. Two lengths are how requests are smuggled past a proxy. */
static unsigned check_head(struct http_request *r, const char *url)
{
	struct header_check check = {.bytes = strlen(url)};
	const char *length;

	(void)MHD_get_connection_values(r->conn->mhd, MHD_HEADER_KIND, count_header, &check);
	if (check.lengths + check.encodings > 1)
		return 400;
	if (check.bytes > HTTP_HEADER_MAX)
		return 431;
	length = MHD_lookup_connection_value(r->conn->mhd, MHD_HEADER_KIND, "Content-Length");
	if (length && !r->head_only && strtoull(length, NULL, 10) > r->conn->server->max_body)
		return 413;
	return 0;
}

static void refuse(struct http_request *r, unsigned status)
{
	const struct http_server *s = r->conn->server;
	const char *text = status == 400   ? "bad request\n"
			   : status == 413 ? "request body too large\n"
					   : "request headers too large\n";

	http_set_header(r, "Connection", "close");
	if (s->refuse != NULL)
		s->refuse(s->arg, r, status);
	else
		http_respond(r, status, "text/plain",
			(struct span){(const uint8_t *)text, strlen(text)});
}

static struct http_request *request_new(
	struct conn *c, const char *method, const char *url, void **state)
{
	struct http_request *r = mem_alloc(sizeof(*r));

	r->conn = c;
	arena_init(&r->arena, 0); /* bounded by header and body limits */
	r->method = arena_strdup(&r->arena, method);
	r->path = arena_strdup(&r->arena, url);
	r->body.max = c->server->max_body;
	list_init(&r->headers);
	c->request = r;
	c->since_ms = clock_mono_ms();
	*state = r;
	return r;
}

static enum MHD_Result queue(struct http_request *r)
{
	enum MHD_Result ok = MHD_queue_response(r->conn->mhd, r->status, r->response);

	MHD_destroy_response(r->response); /* MHD holds its own reference */
	r->response = NULL;
	return ok;
}

/* ---- a body in pieces ---- */

/* After each call of the handler while MHD waits with the body: answered, taken, or not yet said.
 */
static enum MHD_Result settle_head(struct http_request *r)
{
	if (r->response) {
		r->head_only = false;
		return queue(r); /* MHD reads no body behind an answer */
	}
	if (r->receiving.fn) {
		r->head_only = false;
		r->conn->since_ms = clock_mono_ms();
		return MHD_YES;
	}
	http_request_sleep(r);
	return MHD_YES;
}

static enum MHD_Result hand_head(struct http_request *r)
{
	struct http_server *s = r->conn->server;

	r->handed = true;
	r->conn->since_ms = 0;
	s->fn(s->arg, r);
	return settle_head(r);
}

/* What the peer took to send n bytes, less what they are worth at the lowest rate. */
static void charge(struct http_request *r, size_t n)
{
	enum { BYTES_PER_MS = 16 };
	struct receiving *v = &r->receiving;
	uint64_t waited = clock_mono_ms() - r->conn->since_ms, worth = n / BYTES_PER_MS;

	v->owed_ms = waited > worth ? waited - worth : 0;
	r->conn->since_ms = 0;
}

static void receive(struct http_request *r, const char *data, size_t *size)
{
	struct receiving *v = &r->receiving;
	struct span bytes = {(const uint8_t *)data, *size};

	if (v->busy && !r->response)
		return; /* MHD calls for further chunks it has, though asleep: they stay with it */
	*size = 0;
	if (r->response) { /* the rest of a body that was refused: thrown away, but not for ever */
		v->got += bytes.n;
		if (v->got > v->max * 2)
			(void)shutdown(r->conn->fd, SHUT_RDWR);
		return;
	}
	charge(r, bytes.n);
	v->got += bytes.n;
	v->busy = true;
	if (v->got > v->max)
		v->fn(v->arg, HTTP_TOO_LONG, (struct span){NULL, 0});
	else
		v->fn(v->arg, HTTP_PIECE, bytes);
	if (r->response)
		r->conn->since_ms = clock_mono_ms();
	else if (v->busy)
		http_request_sleep(r);
}

void http_receive(struct http_request *r, size_t max, http_piece_fn fn, void *arg)
{
	bug_if(!r->head_only || r->receiving.fn || r->response);
	r->receiving = (struct receiving){.fn = fn, .arg = arg, .max = max};
	http_request_wake(r);
}

void http_receive_more(struct http_request *r)
{
	bug_if(!r->receiving.busy);
	r->receiving.busy = false;
	r->conn->since_ms = clock_mono_ms() - r->receiving.owed_ms;
	http_request_wake(r);
}

static enum MHD_Result begin(struct conn *c, const char *url, const char *method, void **state)
{
	struct http_request *r = request_new(c, method, url, state);

	const struct http_server *s = c->server;

	r->head_only = s->early && s->early(s->arg, r);
	r->early = check_head(r, url);
	if (r->early) {
		c->since_ms = 0;
		refuse(r, r->early);
		return queue(r);
	}
	return r->head_only ? hand_head(r) : MHD_YES;
}

/* ---- with the body ---- */

static enum MHD_Result serve(struct http_request *r)
{
	struct http_server *s = r->conn->server;

	if (r->receiving.fn && !r->receiving.ended) {
		r->receiving.ended = true;
		r->conn->since_ms = 0;
		if (!r->response)
			r->receiving.fn(r->receiving.arg, HTTP_LAST, (struct span){NULL, 0});
	}
	if (!r->handed) {
		r->handed = true;
		r->conn->since_ms = 0;
		if (r->body.err)
			refuse(r, 413);
		else
			s->fn(s->arg, r);
	}
	if (r->response)
		return queue(r);
	http_request_sleep(r);
	return MHD_YES;
}

enum MHD_Result http_on_request(void *arg unused, struct MHD_Connection *mhd, const char *url,
	const char *method, const char *version unused, const char *data, size_t *size,
	void **state)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct http_request *r = *state;

	bug_if(!info || !info->socket_context);
	if (!r)
		return begin(info->socket_context, url, method, state);
	if (r->head_only)
		return settle_head(r);
	if (*size > 0 && r->receiving.fn) {
		receive(r, data, size);
		return MHD_YES;
	}
	if (*size > 0) {
		buf_add(&r->body, data, *size); /* past max_body: err, answered in serve() */
		*size = 0;
		return MHD_YES;
	}
	return serve(r);
}

void http_on_completed(void *arg unused, struct MHD_Connection *mhd unused, void **state,
	enum MHD_RequestTerminationCode why unused)
{
	struct http_request *r = *state;

	if (!r)
		return;
	*state = NULL;
	const struct receiving *v = &r->receiving;
	if (v->fn && !v->ended && !r->status)
		v->fn(v->arg, HTTP_GONE, (struct span){NULL, 0});
	r->conn->request = NULL;
	r->conn->since_ms = clock_mono_ms();
	http_request_free(r);
}

static int hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* In place. %00 and broken escapes stay as they are: a NUL would cut the text. */
size_t http_unescape(void *arg unused, struct MHD_Connection *c unused, char *s)
{
	char *out = s;

	for (const char *in = s; *in; in++) {
		int hi = *in == '%' ? hex(in[1]) : -1;
		int lo = hi >= 0 ? hex(in[2]) : -1;
		if (lo >= 0 && hi + lo > 0) {
			*out++ = (char)(hi * 16 + lo);
			in += 2;
		} else {
			*out++ = *in;
		}
	}
	*out = '\0';
	return (size_t)(out - s);
}

/* ---- what handlers see ---- */

const char *http_method(const struct http_request *r)
{
	return r->method;
}

const char *http_path(const struct http_request *r)
{
	return r->path;
}

const char *http_query(const struct http_request *r, const char *name)
{
	return MHD_lookup_connection_value(r->conn->mhd, MHD_GET_ARGUMENT_KIND, name);
}

struct query_each {
	void (*fn)(void *arg, const char *name, const char *value);
	void *arg;
};

static enum MHD_Result each_argument(
	void *arg, enum MHD_ValueKind kind unused, const char *name, const char *value)
{
	const struct query_each *each = arg;

	each->fn(each->arg, name, value ? value : "");
	return MHD_YES;
}

void http_query_each(const struct http_request *r,
	void (*fn)(void *arg, const char *name, const char *value), void *arg)
{
	struct query_each each = {.fn = fn, .arg = arg};

	(void)MHD_get_connection_values(r->conn->mhd, MHD_GET_ARGUMENT_KIND, each_argument, &each);
}

const char *http_req_header(const struct http_request *r, const char *name)
{
	return MHD_lookup_connection_value(r->conn->mhd, MHD_HEADER_KIND, name);
}

struct header_list {
	struct http_request *r;
	const char *name, *all;
};

static enum MHD_Result each_line(
	void *arg, enum MHD_ValueKind kind unused, const char *name, const char *value)
{
	struct header_list *l = arg;

	if (value && strcasecmp(name, l->name) == 0)
		l->all = l->all ? arena_printf(&l->r->arena, "%s,%s", l->all, value) : value;
	return MHD_YES;
}

const char *http_req_header_list(struct http_request *r, const char *name)
{
	struct header_list l = {.r = r, .name = name};

	(void)MHD_get_connection_values(r->conn->mhd, MHD_HEADER_KIND, each_line, &l);
	return l.all;
}

struct span http_body(const struct http_request *r)
{
	return buf_span(&r->body);
}

const char *http_peer(const struct http_request *r)
{
	return r->conn->peer;
}

void *http_conn_arg(const struct http_request *r)
{
	return r->conn->arg;
}

struct arena *http_arena(struct http_request *r)
{
	return &r->arena;
}

/* ---- the answer ---- */

void http_set_header(struct http_request *r, const char *name, const char *value)
{
	struct answer_header *h = arena_alloc(&r->arena, sizeof(*h));

	bug_if(!h || r->response);
	h->name = arena_strdup(&r->arena, name);
	h->value = arena_strdup(&r->arena, value);
	list_push(&r->headers, &h->node);
}

/* Values with control characters are left out: nobody may add lines to our head. */
static void answer_head(struct http_request *r, const char *type)
{
	if (type)
		(void)MHD_add_response_header(r->response, "Content-Type", type);
	list_each (it, &r->headers) {
		const struct answer_header *h = container_of(it, struct answer_header, node);
		if (!strpbrk(h->value, "\r\n"))
			(void)MHD_add_response_header(r->response, h->name, h->value);
	}
}

/* Inside the handler serve() queues the answer; later MHD must be woken for it. */
static void answered(struct http_request *r, unsigned status, const char *type)
{
	bug_if(!r->response);
	r->status = status;
	answer_head(r, type);
	http_request_wake(r);
}

void http_respond(struct http_request *r, unsigned status, const char *type, struct span body)
{
	void *copy = arena_alloc(&r->arena, body.n + 1);

	bug_if(!copy || r->response || r->stream);
	if (body.n)
		memcpy(copy, body.p, body.n);
	/* the arena lives until MHD is done with the request */
	r->response = MHD_create_response_from_buffer(body.n, copy, MHD_RESPMEM_PERSISTENT);
	answered(r, status, type);
}

static ssize_t on_read(void *arg, uint64_t pos unused, char *out, size_t max)
{
	return http_stream_read(arg, out, max);
}

struct http_stream *http_respond_stream(struct http_request *r, unsigned status, const char *type,
	loop_fn on_room, loop_fn on_close, void *arg)
{
	enum { BLOCK = 8192 };

	bug_if(r->response || r->stream);
	r->stream = http_stream_new(r, on_room, on_close, arg);
	r->response = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, BLOCK, on_read, r->stream, NULL);
	answered(r, status, type);
	return r->stream;
}
