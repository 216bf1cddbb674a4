// SPDX-License-Identifier: Apache-2.0
/* Who we dial, by the house thread: an endpoint is one URL, a target one address of it. A dial is
 * never aborted, cancelled or timed out; one that takes too long loses its dialer. */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/bus/bus_priv.h"

/* ---- targets ---- */

/* In a thread of the library. Nothing after `done`: house may free then. */
static void dial_done(void *arg)
{
	struct target *t = arg;

	t->stream = nng_aio_result(t->aio) == 0 ? nng_aio_get_output(t->aio, 0) : NULL;
	struct bus *b = t->endpoint->bus;
	atomic_store(&t->done, true);
	bus_wake(b);
}

static void target_add(struct endpoint *e, const char *url)
{
	struct target *t = mem_alloc(sizeof(*t));

	t->endpoint = e;
	t->url = mem_strdup(url);
	bug_if(nng_aio_alloc(&t->aio, dial_done, t) != 0);
	nng_aio_set_timeout(t->aio, NNG_DURATION_INFINITE);
	list_push(&e->targets, &t->node);
}

static void target_free(struct target *t)
{
	list_remove(&t->node);
	nng_aio_free(t->aio);
	if (t->dialer != NULL)
		nng_stream_dialer_free(t->dialer);
	free(t->url);
	free(t);
}

/* Half to nine tenths of the present step, so that many clients do not come back at once. */
static void target_later(struct target *t, uint64_t now)
{
	uint16_t r = 0;

	if (t->backoff < BACKOFF_MIN_MS)
		t->backoff = BACKOFF_MIN_MS;
	(void)!getrandom(&r, sizeof(r), 0);
	t->next_at = now + t->backoff / 2 + (uint64_t)t->backoff * 2 / 5 * r / UINT16_MAX;
	t->backoff = t->backoff * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : t->backoff * 2;
}

static void target_dial(struct target *t, uint64_t now)
{
	if (t->dialer == NULL) {
		if (nng_stream_dialer_alloc(&t->dialer, t->url) != 0) {
			t->dialer = NULL;
			target_later(t, now);
			return;
		}
		net_set_dialer(t->dialer, t->endpoint->tls);
	}
	t->dialing = true;
	t->dialed_at = now;
	t->closed_at = 0;
	count_add(t->endpoint->bus, dials);
	nng_stream_dialer_dial(t->dialer, t->aio);
}

static void target_dialed(struct target *t, uint64_t now)
{
	struct bus *b = t->endpoint->bus;

	t->dialing = false;
	atomic_store(&t->done, false);
	nng_aio_wait(t->aio); /* the callback has left for good */
	if (t->closed_at != 0) {
		nng_stream_dialer_free(t->dialer);
		t->dialer = NULL;
	}
	if (t->stream == NULL) {
		t->endpoint->trouble = true;
		target_later(t, now);
		return;
	}
	t->conn = conn_new(b, t->stream, &t->endpoint->role);
	t->stream = NULL;
	list_push(&b->conns, &t->conn->node);
	conn_ref(t->conn);
	conn_start(t->conn);
}

static void target_watch_dial(struct target *t, uint64_t now)
{
	if (atomic_load(&t->done)) {
		target_dialed(t, now);
	} else if (t->closed_at == 0 && now - t->dialed_at > DIAL_MS) {
		t->closed_at = now;
		nng_stream_dialer_close(t->dialer);
	} else if (t->closed_at != 0 && now - t->closed_at > DIAL_CLOSE_MS) {
		bus_last_resort("a dial never came back");
	}
}

/* Lets go of a closed connection; it is redialled soon unless its peer closes each one at once. */
static void target_watch_conn(struct target *t, uint64_t now)
{
	struct conn *c = t->conn;

	pthread_mutex_lock(&c->lock);
	bool closed = c->closed, ready = c->ready;
	pthread_mutex_unlock(&c->lock);
	if (!closed)
		return;
	if (ready)
		t->backoff = now - c->born > LIVED_MS ? 0 : BACKOFF_SHORT_MS;
	t->conn = NULL;
	t->endpoint->trouble = true;
	target_later(t, now);
	conn_unref(c);
}

static void target_step(struct target *t, uint64_t now)
{
	if (t->dialing)
		target_watch_dial(t, now);
	else if (t->conn != NULL)
		target_watch_conn(t, now);
	else if (t->gone)
		target_free(t);
	else if (now >= t->next_at)
		target_dial(t, now);
}

/* ---- names ---- */

static void address_url(const struct endpoint *e, const struct addrinfo *a, char *url, size_t n)
{
	char host[256];

	if (getnameinfo(a->ai_addr, a->ai_addrlen, host, sizeof(host), NULL, 0, NI_NUMERICHOST) !=
		0)
		host[0] = 0;
	(void)snprintf(url, n, a->ai_family == AF_INET6 ? "%s://[%s]:%s" : "%s://%s:%s", e->scheme,
		host, e->port);
}

static void take_address(struct endpoint *e, const char *url)
{
	list_each (it, &e->targets) {
		struct target *t = container_of(it, struct target, node);
		if (strcmp(t->url, url) == 0) {
			t->gone = false;
			return;
		}
	}
	target_add(e, url);
}

static void take_answer(struct endpoint *e, const struct addrinfo *answer)
{
	char url[512];
	int n = 0;

	list_each (it, &e->targets)
		container_of(it, struct target, node)->gone = true;
	for (const struct addrinfo *a = answer; a != NULL && n < URLS_MAX; a = a->ai_next, n++) {
		address_url(e, a, url, sizeof(url));
		take_address(e, url);
	}
}

/* A slow name server must not hold up the watchdog: each query has a thread of its own. */
struct query {
	pthread_t thread;
	const char *host; /* the endpoint's, which waits for us */
	int result;
	struct addrinfo *answer;
	atomic_bool done; /* set last */
};

static void *query_main(void *arg)
{
	struct query *q = arg;
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};

	q->result = getaddrinfo(q->host, NULL, &hints, &q->answer);
	atomic_store(&q->done, true);
	return NULL;
}

static void ask(struct endpoint *e)
{
	struct query *q = mem_alloc(sizeof(*q));

	q->host = e->host;
	if (pthread_create(&q->thread, NULL, query_main, q) == 0)
		e->query = q;
	else
		free(q);
}

static void query_end(struct endpoint *e)
{
	struct query *q = e->query;

	(void)pthread_join(q->thread, NULL);
	if (q->result == 0)
		freeaddrinfo(q->answer);
	free(q);
	e->query = NULL;
}

static void resolve(struct endpoint *e, uint64_t now)
{
	if (e->query == NULL) {
		bool due = now >= e->resolve_at ||
			   (e->trouble && now + RESOLVE_IDLE_MS >= e->resolve_at + RESOLVE_MS);
		if (due)
			ask(e);
		return;
	}
	if (!atomic_load(&e->query->done))
		return;
	e->trouble = e->query->result != 0;
	if (!e->trouble)
		take_answer(e, e->query->answer);
	query_end(e);
	e->resolve_at = now + RESOLVE_IDLE_MS;
}

/* ---- endpoints ---- */

static bool is_address(const char *host)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST}, *found;

	if (getaddrinfo(host, NULL, &hints, &found) != 0)
		return false;
	freeaddrinfo(found);
	return true;
}

static void endpoint_free(struct endpoint *e)
{
	list_remove(&e->node);
	if (e->tls != NULL)
		nng_tls_config_free(e->tls);
	free(e->scheme);
	free(e->host);
	free(e->port);
	free(e);
}

static void endpoint_host(struct endpoint *e, const char *url)
{
	nng_url *u;

	bug_if(nng_url_parse(&u, url) != 0); /* it was checked */
	e->scheme = mem_strdup(u->u_scheme);
	e->host = mem_strdup(u->u_hostname);
	e->port = mem_strdup(u->u_port);
	nng_url_free(u);
	e->name = !is_address(e->host);
}

static struct endpoint *endpoint_new(
	struct bus *b, const char *url, const struct role *role, struct fault *reterr)
{
	struct endpoint *e = mem_alloc(sizeof(*e));

	e->bus = b;
	e->role = *role;
	list_init(&e->node);
	list_init(&e->targets);
	e->role.ipc = strncmp(url, "ipc:", 4) == 0;
	if (!e->role.ipc)
		endpoint_host(e, url);
	if (strncmp(url, "tls", 3) == 0) {
		e->tls = net_tls(b, NNG_TLS_MODE_CLIENT, e->host, reterr);
		if (e->tls == NULL) {
			endpoint_free(e);
			return NULL;
		}
	}
	if (!e->name)
		target_add(e, url);
	return e;
}

struct dialing {
	struct bus *bus;
	struct role role;
	struct list endpoints;
};

static int dial_one(void *arg, const char *url, struct fault *reterr)
{
	struct dialing *all = arg;

	if (net_check_url(all->bus, url, reterr) < 0)
		return -1;
	struct endpoint *e = endpoint_new(all->bus, url, &all->role, reterr);
	if (e == NULL)
		return -1;
	list_push(&all->endpoints, &e->node);
	return 0;
}

int bus_dial(struct bus *b, const char *urls, struct role role, struct fault *reterr)
{
	struct dialing all = {b, role, {NULL, NULL}};
	struct list *node;

	list_init(&all.endpoints);
	int r = net_each_url(urls, dial_one, &all, reterr);
	pthread_mutex_lock(&b->lock);
	while (r == 0 && (node = list_pop(&all.endpoints)) != NULL)
		list_push(&b->new_endpoints, node);
	pthread_mutex_unlock(&b->lock);
	list_each_safe (it, &all.endpoints)
		(void)endpoint_end(container_of(it, struct endpoint, node));
	bus_wake(b);
	return r;
}

void endpoint_step(struct endpoint *e, uint64_t now)
{
	if (e->name)
		resolve(e, now);
	list_each_safe (it, &e->targets)
		target_step(container_of(it, struct target, node), now);
}

static bool target_end(struct target *t)
{
	if (t->dialing && !atomic_load(&t->done)) {
		if (t->closed_at == 0) {
			t->closed_at = 1;
			nng_stream_dialer_close(t->dialer);
		}
		return false;
	}
	if (t->dialing && t->stream != NULL) {
		nng_stream_close(t->stream);
		nng_stream_free(t->stream);
	}
	if (t->conn != NULL)
		conn_unref(t->conn);
	target_free(t);
	return true;
}

bool endpoint_end(struct endpoint *e)
{
	if (e->query != NULL && !atomic_load(&e->query->done))
		return false;
	if (e->query != NULL)
		query_end(e);
	list_each_safe (it, &e->targets)
		(void)target_end(container_of(it, struct target, node));
	if (!list_empty(&e->targets))
		return false;
	endpoint_free(e);
	return true;
}
