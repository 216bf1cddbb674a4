// SPDX-License-Identifier: Apache-2.0
/* Inside the bus. Three kinds of thread meet here:
 *   loop   logic: calls, subscriptions, everything in bus.h
 *   house  one thread: dials, watches, frees
 *   nng    callbacks: parse and enqueue, nothing else
 * Locks: conn->lock before bus->lock, never the other way round. Fields without a word are
 * constant. */
#pragma once

#include <nng/nng.h>
#include <nng/supplemental/tls/tls.h>
#include <pthread.h>
#include <stdatomic.h>

#include "common/base/buf.h"
#include "common/base/list.h"
#include "common/bus/bus.h"
#include "common/bus/frame.h"

/* ---- times and bounds of bus.md ---- */

enum {
	TICK_MS = 20,
	WATCH_MS = 100,
	HELLO_MS = 3000, /* also the TLS handshake */
	PING_MS = 1000,
	CLIENT_SILENCE_MS = 4000,
	SERVER_SILENCE_MS = 15000,
	DIAL_MS = 3000,
	DIAL_CLOSE_MS = 6000, /* after closing the dialer: last resort */
	BACKOFF_MIN_MS = 20,
	BACKOFF_MAX_MS = 2000,
	LIVED_MS = 200,          /* a connection that lived longer starts the backoff anew */
	BACKOFF_SHORT_MS = 80,   /* after one that did not */
	RESOLVE_MS = 2000,       /* names, while an address fails */
	RESOLVE_IDLE_MS = 15000, /* names, while all is well: new instances are found */
	ZOMBIE_MS = 3000,
	ZOMBIES_MAX = 16,
	END_MS = 1000,
	CONNS_MAX = 8192, /* accepted */
	URLS_MAX = 64,
	EXIT_LAST_RESORT = 75,
};

#define RX_BUFFER ((size_t)64 * 1024)
#define BACKLOG_MAX ((size_t)4 * 1024 * 1024) /* queued output, then close */
#define BACKLOG_CALM ((size_t)1024 * 1024)    /* above: no further calls or requests */
#define BACKLOG_EVENTS ((size_t)256 * 1024)   /* above: events are dropped */

struct conn;
struct endpoint;
struct query;
struct subscription;

/* ---- what nng threads hand to the loop ---- */

enum item_kind { ITEM_REQUEST, ITEM_REPLY, ITEM_EVENT, ITEM_UP, ITEM_DOWN };

/* A request becomes the bus_call of the service; the others end in the drain. */
struct bus_call {
	struct list node;
	struct conn *conn; /* a reference for REQUEST, UP, DOWN; else kept alive by the one of UP */
	enum item_kind kind;
	uint32_t id;
	size_t n;
	uint8_t body[];
};

/* ---- a connection ---- */

/* What a connection is for; the same for all of one endpoint or listener. */
struct role {
	enum sp_proto ours;
	bool ipc;
	struct bus_client *client;         /* SP_REQ */
	struct subscription *subscription; /* SP_SUB */
	bus_serve_fn serve;                /* SP_REP */
	void *serve_arg;
};

struct conn {
	struct bus *bus;
	uint64_t id; /* the `peer` of bus.h */
	struct role role;
	atomic_uint refs; /* house, loop (UP to DOWN), requests, dirty list */

	pthread_mutex_t lock; /* guards from here */
	nng_stream *stream;
	nng_aio *rx, *tx;
	bool rx_busy, tx_busy, closed, ready, leaving;
	uint64_t born, closed_at;
	uint64_t last_rx;   /* bytes came */
	uint64_t last_tx;   /* bytes left, or there was nothing to send */
	uint64_t last_said; /* ping or frame was queued */
	uint8_t *in;        /* receive buffer: in_n of in_cap bytes are filled */
	size_t in_n, in_cap;
	struct buf out;  /* frames that wait */
	struct buf wire; /* frames under way, from wire_at */
	size_t wire_at;
	uint64_t queued;    /* bytes ever put into out */
	uint64_t submitted; /* of these, bytes ever given to the stream */
	size_t open;        /* requests without an answer */

	atomic_size_t undrained; /* bytes that the loop has not seen */
	atomic_bool paused;      /* not receiving until the loop or the peer caught up */

	/* loop only */
	struct list live;  /* in client->live or bus->subscribers; or nowhere */
	struct list calls; /* of a REQ conn: calls on this wire */
	struct list dirty; /* in bus->dirty: flush at the end of the drain */
	bool up;

	/* house only, after newborn */
	struct list node;
	bool zombie;
};

/* ---- who we dial ---- */

struct target {
	struct list node; /* in endpoint->targets */
	struct endpoint *endpoint;
	char *url; /* with an address, no name */
	bool gone; /* no longer in the answer of the resolver */
	nng_stream_dialer *dialer;
	nng_aio *aio;
	uint64_t next_at, dialed_at, closed_at; /* closed_at: the dialer was closed, 0 = open */
	uint32_t backoff;
	struct conn *conn;  /* a reference */
	bool dialing;       /* house: the callback has not been seen */
	atomic_bool done;   /* set last by the callback */
	nng_stream *stream; /* result, valid after done */
};

/* House only once it is in bus->endpoints. */
struct endpoint {
	struct list node;
	struct bus *bus;
	struct role role;
	char *scheme, *host, *port; /* host NULL for ipc */
	char *url;
	nng_tls_config *tls; /* NULL without TLS */
	bool name;           /* host is no address: resolve */
	struct query *query; /* under way */
	uint64_t resolve_at;
	bool trouble; /* an address failed since the last answer */
	struct list targets;
};

/* ---- who dials us ---- */

struct listener {
	struct list node;
	struct bus *bus;
	struct role role;
	nng_tls_config *tls;
	nng_stream_listener *stream;
	nng_aio *aio;
	pthread_mutex_t lock; /* guards from here */
	bool busy, closed;
	uint64_t retry_at; /* after an error, 0 = none */
};

struct subscription {
	struct list node;
	struct buf prefix;
	bus_event_fn fn;
	void *arg;
};

/* ---- calls; loop only ---- */

struct out_call {
	struct list node;   /* in conn->calls, client->waiting or bus->ended */
	struct list bucket; /* in bus->calls when sent */
	struct bus_client *client;
	struct conn *conn;
	uint32_t id;
	uint64_t start; /* where its frame begins in the conn's output */
	uint64_t deadline;
	uint64_t peer; /* who answered; before that: who must */
	bool pinned;
	enum bus_result result;
	bus_done_fn done;
	void *arg;
	size_t n;
	uint8_t body[]; /* kept until the end: a frame that was not yet sent moves to another conn
			 */
};

struct bus_client {
	struct list node;
	struct bus *bus;
	struct list live; /* of conns, next one first */
	size_t n_live;
	struct list waiting;        /* calls without a connection */
	struct list waiting_pinned; /* for theirs to take more */
};

/* Outlives the bus when a post is under way. */
struct gate {
	struct bus *bus;
};

struct bus {
	struct loop *loop;
	char *ca, *cert, *key; /* PEM texts; NULL without TLS */
	size_t max_frame;
	atomic_uint_fast64_t now;           /* house's clock, ms */
	atomic_uint_fast64_t next_deadline; /* no call ends before it */
	atomic_uint_fast64_t next_id;
	atomic_bool serve_stopped, ending, expire;
	int wake_fd;
	pthread_t house;
	struct gate *gate;

	pthread_mutex_t lock; /* guards from here */
	struct list inbox;    /* of bus_call */
	bool posted;
	struct list newborn; /* conns for house */
	struct list new_endpoints, new_listeners;

	/* house only */
	struct list conns, endpoints, listeners;
	uint64_t watched_at, calm_until, ended_at;
	size_t zombies;
	bool whole; /* everything was freed */

	/* loop only */
	struct list clients, subscriptions, subscribers;
	struct list dirty;
	struct list ended; /* calls whose done is to be called */
	bool corked;       /* inside the drain: flush at its end */
	struct list *buckets;
	size_t n_buckets, n_calls;
	uint32_t call_id;

	struct {
		atomic_uint_fast64_t conns, zombies, dials, closes, calls, replies, dropped_events,
			refused_frames, last_reply;
	} count;
};

#define count_add(b, what) atomic_fetch_add_explicit(&(b)->count.what, 1, memory_order_relaxed)

/* ---- bus.c ---- */

uint64_t bus_now(const struct bus *b);
void bus_wake(struct bus *b); /* house */
/* Any thread. Takes the whole list, in order. */
void bus_enqueue(struct bus *b, struct list *items);
/* Loop: run the drain soon, even if nothing arrives. */
void bus_kick(struct bus *b);

/* ---- house.c ---- */

void *house_main(void *bus);
/* Ends the process: only a fresh start helps (bus.md section 2). */
no_return void bus_last_resort(const char *why);

/* ---- conn.c ---- */

/* Takes the stream. The caller gets the house reference and puts it on newborn or conns. */
struct conn *conn_new(struct bus *b, nng_stream *stream, const struct role *role) must_check;
void conn_start(struct conn *c);
void conn_ref(struct conn *c);
void conn_unref(struct conn *c);
/* Appends a frame to the output. false: closed, or now closed because the backlog is full. */
bool conn_queue(struct conn *c, uint32_t id, struct span body, uint64_t *ret_start);
void conn_flush(struct conn *c);
/* Loop: flush now, or at the end of the drain. */
void conn_flush_soon(struct conn *c);
size_t conn_backlog(struct conn *c);
/* Where the output ends that the stream was given. */
uint64_t conn_submitted(struct conn *c);
void conn_close(struct conn *c);
/* A request of c ended, answered or not. */
void conn_request_over(struct conn *c);
/* No further requests; closes when the open ones are answered. */
void conn_leave(struct conn *c);
/* The loop has taken n bytes of c out of the inbox. */
void conn_drained(struct conn *c, size_t n);
/* House, every 100 ms. */
void conn_watch(struct conn *c, bool calm);
/* House: true when stream, aios and buffers are freed; false while an aio is busy. */
bool conn_reap(struct conn *c);

/* Under the lock. */
void conn_close_locked(struct conn *c);
void conn_arm_locked(struct conn *c);
void conn_say_locked(struct conn *c, uint32_t id, const uint8_t what[static SAY_SIZE]);

/* ---- rx.c ---- */

void conn_rx_done(void *arg); /* callback of the rx aio */

/* ---- net.c ---- */

int net_check_url(struct bus *b, const char *url, struct fault *reterr) must_check;
nng_tls_config *net_tls(
	struct bus *b, nng_tls_mode mode, const char *server_name, struct fault *reterr) must_check;
void net_set_listener(nng_stream_listener *l, nng_tls_config *tls);
void net_set_dialer(nng_stream_dialer *d, nng_tls_config *tls);
char *net_read_pem(const char *path, struct fault *reterr) must_check;
/* Calls fn for each URL of a comma list; stops at the first -1. */
int net_each_url(const char *urls, int (*fn)(void *arg, const char *url, struct fault *reterr),
	void *arg, struct fault *reterr) must_check;

/* ---- dial.c; house, bus_dial excepted ---- */

/* One per URL of the list, handed to house. Nothing is dialed when one URL is wrong. */
int bus_dial(struct bus *b, const char *urls, struct role role, struct fault *reterr) must_check;
void endpoint_step(struct endpoint *e, uint64_t now);
/* true when everything of it is freed */
bool endpoint_end(struct endpoint *e);

/* ---- server.c ---- */

void listener_step(struct listener *l, uint64_t now); /* house */
bool listener_end(struct listener *l);                /* house; true when freed */
void listener_close(struct listener *l);
int bus_listen(struct bus *b, const char *urls, struct role role, struct fault *reterr) must_check;
void serve_deliver(struct bus_call *call); /* loop */

/* ---- client.c; loop ---- */

void client_up(struct conn *c);
void client_down(struct conn *c);
void client_reply(struct bus_call *item);
void client_expire(struct bus *b);
void client_pump(struct bus *b);
void client_run_ended(struct bus *b);
void client_end_all(struct bus *b);

/* ---- pubsub.c; loop ---- */

void event_deliver(struct bus_call *item);
