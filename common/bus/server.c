// SPDX-License-Identifier: Apache-2.0
/* Listeners, and the requests that came through them. */
#include <stdlib.h>
#include <string.h>

#include "common/bus/bus_priv.h"
#include "gen/errors.h"

/* ---- accepting; in a thread of the library ---- */

static void adopt(struct listener *l, nng_stream *stream)
{
	struct bus *b = l->bus;
	struct conn *c = conn_new(b, stream, &l->role);

	pthread_mutex_lock(&b->lock);
	list_push(&b->newborn, &c->node);
	conn_ref(c); /* house may be faster */
	pthread_mutex_unlock(&b->lock);
	if (atomic_load(&b->count.conns) > CONNS_MAX)
		conn_close(c);
	else
		conn_start(c);
	conn_unref(c);
}

static void accept_locked(struct listener *l)
{
	l->retry_at = 0;
	l->busy = true;
	nng_stream_listener_accept(l->stream, l->aio);
}

static void accept_done(void *arg)
{
	struct listener *l = arg;

	pthread_mutex_lock(&l->lock);
	l->busy = false;
	if (nng_aio_result(l->aio) == 0) {
		adopt(l, nng_aio_get_output(l->aio, 0));
		if (!l->closed)
			accept_locked(l);
	} else {
		l->retry_at = bus_now(l->bus) + TICK_MS;
	}
	pthread_mutex_unlock(&l->lock);
}

/* ---- house ---- */

void listener_step(struct listener *l, uint64_t now)
{
	pthread_mutex_lock(&l->lock);
	if (!l->closed && !l->busy && now >= l->retry_at)
		accept_locked(l);
	pthread_mutex_unlock(&l->lock);
}

void listener_close(struct listener *l)
{
	pthread_mutex_lock(&l->lock);
	if (!l->closed)
		nng_stream_listener_close(l->stream);
	l->closed = true;
	pthread_mutex_unlock(&l->lock);
}

static void listener_free(struct listener *l)
{
	list_remove(&l->node);
	nng_aio_free(l->aio);
	if (l->stream != NULL)
		nng_stream_listener_free(l->stream);
	if (l->tls != NULL)
		nng_tls_config_free(l->tls);
	(void)pthread_mutex_destroy(&l->lock);
	free(l);
}

bool listener_end(struct listener *l)
{
	listener_close(l);
	pthread_mutex_lock(&l->lock);
	bool busy = l->busy;
	pthread_mutex_unlock(&l->lock);
	if (!busy)
		listener_free(l);
	return !busy;
}

/* ---- loop ---- */

static int listener_open(struct listener *l, const char *url, struct fault *reterr)
{
	int r = nng_stream_listener_alloc(&l->stream, url);

	if (r == 0) {
		net_set_listener(l->stream, l->tls);
		r = nng_stream_listener_listen(l->stream); /* removes a dead ipc socket itself */
	}
	if (r == 0)
		return 0;
	return fault_why(reterr, CN_INTERNAL_ERROR, "bus_listen", "cannot listen on %s: %s", url,
		nng_strerror(r));
}

struct listening {
	struct bus *bus;
	struct role role;
};

static int listen_one(void *arg, const char *url, struct fault *reterr)
{
	const struct listening *all = arg;
	struct bus *b = all->bus;

	if (net_check_url(b, url, reterr) < 0)
		return -1;
	struct listener *l = mem_alloc(sizeof(*l));
	l->bus = b;
	l->role = all->role;
	l->role.ipc = strncmp(url, "ipc:", 4) == 0;
	list_init(&l->node);
	bug_if(pthread_mutex_init(&l->lock, NULL) != 0);
	bug_if(nng_aio_alloc(&l->aio, accept_done, l) != 0);
	nng_aio_set_timeout(l->aio, NNG_DURATION_INFINITE);
	if (strncmp(url, "tls", 3) == 0)
		l->tls = net_tls(b, NNG_TLS_MODE_SERVER, NULL, reterr);
	if ((strncmp(url, "tls", 3) == 0 && l->tls == NULL) || listener_open(l, url, reterr) < 0) {
		listener_free(l);
		return -1;
	}
	pthread_mutex_lock(&b->lock);
	list_push(&b->new_listeners, &l->node);
	pthread_mutex_unlock(&b->lock);
	bus_wake(b); /* house accepts */
	return 0;
}

int bus_listen(struct bus *b, const char *urls, struct role role, struct fault *reterr)
{
	struct listening all = {b, role};

	return net_each_url(urls, listen_one, &all, reterr);
}

int bus_serve(struct bus *b, const char *urls, bus_serve_fn fn, void *arg, struct fault *reterr)
{
	return bus_listen(
		b, urls, (struct role){.ours = SP_REP, .serve = fn, .serve_arg = arg}, reterr);
}

void bus_serve_stop(struct bus *b)
{
	atomic_store(&b->serve_stopped, true);
	bus_wake(b); /* house closes the listeners and lets connections end */
}

void serve_deliver(struct bus_call *call)
{
	const struct role *role = &call->conn->role;

	conn_drained(call->conn, sizeof(*call) + call->n);
	role->serve(role->serve_arg, call, (struct span){call->body, call->n});
}

static void call_end(struct bus_call *call)
{
	struct conn *c = call->conn;

	conn_request_over(c);
	conn_unref(c);
	free(call);
}

void bus_reply(struct bus_call *call, struct span body)
{
	struct conn *c = call->conn;

	if (conn_queue(c, call->id, body, NULL))
		conn_flush_soon(c);
	call_end(call);
}

void bus_drop(struct bus_call *call)
{
	call_end(call);
}
