// SPDX-License-Identifier: Apache-2.0
/* The client's engine: libcurl multi handles whose sockets and time-outs live on the loop. */
#include "common/http/client.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock/clock.h"
#include "common/http/client_priv.h"

static void kick(void *arg);

/* ---- finished transfers ---- */

/* What curl said is done with: off curl, the owner is told, the handle goes back to the pool. */
static void finish(struct http_transfer *x, CURLcode rc)
{
	struct http_client *c = x->client;
	struct fault f = FAULT_INIT;
	struct http_reply reply;

	bool bad = http_transfer_result(x, rc, &reply, &f);
	list_remove(&x->node);
	http_transfer_detach(x);
	x->finished = true;
	if (!x->cancelled)
		x->done(x->arg, &reply, bad ? &f : NULL);
	http_transfer_free(x);
	http_client_next(c);
}

static void collect(const struct shard *shard)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(shard->multi, &left)) != NULL) {
		struct http_transfer *x = NULL;
		CURLcode rc = msg->data.result;
		if (msg->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &x);
		finish(x, rc);
	}
}

/* ---- curl's sockets and timer on the loop ---- */

static void action(const struct shard *shard, curl_socket_t fd, int mask)
{
	int running;

	shard->client->in_curl++;
	(void)curl_multi_socket_action(shard->multi, fd, mask, &running);
	shard->client->in_curl--;
	collect(shard);
}

static void on_timer(void *arg)
{
	action(arg, CURL_SOCKET_TIMEOUT, 0);
}

struct sock {
	struct shard *shard;
	struct loop_watch *watch;
	curl_socket_t fd;
};

static void on_socket_ready(void *arg, int events)
{
	const struct sock *s = arg;
	int mask = (events & LOOP_READ ? CURL_CSELECT_IN : 0) |
		   (events & LOOP_WRITE ? CURL_CSELECT_OUT : 0);

	action(s->shard, s->fd, mask);
}

static int socket_changed(CURL *easy unused, curl_socket_t fd, int what, void *arg, void *sock_arg)
{
	struct shard *shard = arg;
	struct sock *s = sock_arg;
	int events =
		(what & CURL_POLL_IN ? LOOP_READ : 0) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0);

	if (what == CURL_POLL_REMOVE) {
		if (s)
			loop_unwatch(s->watch);
		free(s);
		(void)curl_multi_assign(shard->multi, fd, NULL);
		return 0;
	}
	if (s) {
		loop_watch_set(s->watch, events);
		return 0;
	}
	s = mem_alloc(sizeof(*s));
	s->shard = shard;
	s->fd = fd;
	s->watch = loop_watch(shard->client->loop, fd, events, on_socket_ready, s);
	(void)curl_multi_assign(shard->multi, fd, s);
	return 0;
}

static int timer_changed(CURLM *multi unused, long ms, void *arg)
{
	const struct shard *shard = arg;

	if (ms < 0)
		timer_stop(shard->timer);
	else
		timer_set(shard->timer, (uint64_t)ms, 0);
	return 0;
}

/* ---- what may not be done inside curl's callbacks is done from here ---- */

static void kick(void *arg)
{
	struct http_client *c = arg;
	struct list *node;

	while ((node = list_pop(&c->kicked)) != NULL) {
		struct http_transfer *x = container_of(node, struct http_transfer, kick_node);
		bool resume = x->resume;
		x->resume = false;
		if (x->cancelled || x->failed) {
			finish(x, CURLE_ABORTED_BY_CALLBACK);
		} else if (resume) {
			c->in_curl++;
			(void)curl_easy_pause(x->easy, CURLPAUSE_CONT);
			c->in_curl--;
		}
	}
	for (size_t i = 0; i < HTTP_SHARDS; i++)
		collect(&c->shards[i]);
	http_client_next(c);
}

void http_client_kick(struct http_transfer *x)
{
	if (list_empty(&x->kick_node))
		list_push(&x->client->kicked, &x->kick_node);
	timer_set(x->client->kick, 0, 0);
}

/* ---- life of the client ---- */

static void shard_init(struct shard *shard, struct http_client *c)
{
	long idle = (long)c->max_active * 2 / HTTP_SHARDS + 1;

	shard->client = c;
	shard->timer = timer_new(c->loop, on_timer, shard);
	shard->multi = curl_multi_init();
	bug_if(!shard->multi);
	(void)curl_multi_setopt(shard->multi, CURLMOPT_SOCKETFUNCTION, socket_changed);
	(void)curl_multi_setopt(shard->multi, CURLMOPT_SOCKETDATA, shard);
	(void)curl_multi_setopt(shard->multi, CURLMOPT_TIMERFUNCTION, timer_changed);
	(void)curl_multi_setopt(shard->multi, CURLMOPT_TIMERDATA, shard);
	(void)curl_multi_setopt(shard->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	(void)curl_multi_setopt(shard->multi, CURLMOPT_MAXCONNECTS, idle);
	(void)curl_multi_setopt(
		shard->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)c->opts.max_per_host);
}

struct http_client *http_client_new(struct loop *l, const struct http_client_opts *opts)
{
	struct http_client *c = mem_alloc(sizeof(*c));

	bug_if(curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK);
	c->loop = l;
	c->opts = *opts;
	c->max_active = opts->max_connections ? opts->max_connections : 4096;
	list_init(&c->active);
	list_init(&c->waiting);
	list_init(&c->kicked);
	c->kick = timer_new(l, kick, c);
	for (size_t i = 0; i < HTTP_SHARDS; i++)
		shard_init(&c->shards[i], c);
	return c;
}

static void end_all(struct list *transfers)
{
	struct list *node;

	while ((node = list_pop(transfers)) != NULL) {
		struct http_transfer *x = container_of(node, struct http_transfer, node);
		list_remove(&x->kick_node);
		http_transfer_detach(x);
		http_transfer_free(x);
	}
}

void http_client_free(struct http_client *c)
{
	if (!c)
		return;
	end_all(&c->active);
	end_all(&c->waiting);
	while (c->n_pool > 0)
		curl_easy_cleanup(c->pool[--c->n_pool]);
	for (size_t i = 0; i < HTTP_SHARDS; i++) {
		(void)curl_multi_cleanup(c->shards[i].multi);
		timer_free(c->shards[i].timer);
	}
	timer_free(c->kick);
	free(c->pool);
	free(c);
}

/* Starts those that waited for a free connection. */
void http_client_next(struct http_client *c)
{
	if (c->in_curl) { /* a callback of curl may not add handles */
		timer_set(c->kick, 0, 0);
		return;
	}
	while (c->n_active < c->max_active && !list_empty(&c->waiting)) {
		struct list *node = list_pop(&c->waiting);
		struct http_transfer *x = container_of(node, struct http_transfer, node);
		list_push(&c->active, &x->node);
		http_transfer_start(x);
	}
}

struct http_transfer *http_send(struct http_client *c, const struct http_req *req,
	http_body_fn body, http_done_fn done, void *arg)
{
	struct http_transfer *x = http_transfer_new(c, req);

	x->body = body;
	x->done = done;
	x->arg = arg;
	list_push(&c->waiting, &x->node);
	http_client_next(c);
	return x;
}

void http_resume(struct http_transfer *x)
{
	if (x->finished || !x->paused)
		return;
	x->paused = false;
	x->resume = true;
	http_client_kick(x);
}

void http_cancel(struct http_transfer *x)
{
	if (x->finished || x->cancelled)
		return;
	x->cancelled = true;
	if (x->client->in_curl) {
		http_client_kick(x);
		return;
	}
	struct http_client *c = x->client;
	list_remove(&x->kick_node);
	list_remove(&x->node);
	http_transfer_detach(x);
	http_transfer_free(x);
	http_client_next(c);
}

const char *http_header(const char *headers, const char *name, char *out, size_t size)
{
	size_t n = strlen(name);

	for (const char *line = headers; line && *line;) {
		const char *end = strpbrk(line, "\r\n");
		size_t len = end ? (size_t)(end - line) : strlen(line);
		if (len > n && line[n] == ':' && strncasecmp(line, name, n) == 0) {
			const char *v = line + n + 1;
			v += strspn(v, " \t");
			size_t vn = (size_t)(line + len - v) < len ? (size_t)(line + len - v) : 0;
			while (vn > 0 && (v[vn - 1] == ' ' || v[vn - 1] == '\t'))
				vn--;
			vn = size_min(vn, size - 1);
			memcpy(out, v, vn);
			out[vn] = '\0';
			return out;
		}
		line = end ? end + strspn(end, "\r\n") : NULL;
	}
	return NULL;
}
