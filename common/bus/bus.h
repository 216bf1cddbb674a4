// SPDX-License-Identifier: Apache-2.0
/* SP REQ/REP and PUB/SUB on the wire over NNG's stream API (docs/spec/bus.md is the rule).
 * The only includer of <nng/…>. All functions and all callbacks run on the loop's thread; NNG's
 * threads only parse and enqueue. Bodies are opaque bytes here (one Carnet message each). */
#pragma once

#include "common/base/fault.h"
#include "common/loop/loop.h"

struct bus;
struct bus_client;
struct bus_call;

struct bus_opts {
	/* PEM files for tls+tcp URLs; NULL when only ipc and tcp are used */
	const char *ca_file;
	const char *cert_file;
	const char *key_file;
	size_t max_frame; /* bytes of a body; 0 = 1 MiB */
};

/* One per process: its house thread dials, times out and frees. opts is copied, its files are read
 * here; NULL = no TLS. -1 everywhere: CN_INTERNAL_ERROR with reason bus_url, bus_tls, bus_listen.
 */
struct bus *bus_new(
	struct loop *loop, const struct bus_opts *opts, struct fault *reterr) must_check;
/* Orderly end within 1 s, not from inside a callback of the bus. Calls on a wire get BUS_LOST,
 * waiting ones BUS_UNAVAILABLE, both from here. Requests that the service still holds are ended
 * with bus_reply or bus_drop as ever, also after. */
void bus_free(struct bus *b);

/* ---- server ---- */

/* Each request body is handed over once; it is valid until bus_reply. */
typedef void (*bus_serve_fn)(void *arg, struct bus_call *call, struct span body);
/* urls: comma list of ipc:///PATH, tcp://HOST:PORT, tls+tcp://HOST:PORT. Several listeners may
 * share fn. The ipc socket that a killed process left is replaced. A caller that does not read its
 * answers is not read from above 1 MiB of them, and closed above 4 MiB. */
int bus_serve(struct bus *b, const char *urls, bus_serve_fn fn, void *arg,
	struct fault *reterr) must_check;
/* Exactly once per call, from the callback or later; body is copied. Harmless if the peer is gone.
 * A body over max_frame is not sent: the caller runs into its deadline. */
void bus_reply(struct bus_call *call, struct span body);
/* Ends a call without an answer (the caller runs into its deadline). */
void bus_drop(struct bus_call *call);
/* Takes no new requests and no connections; each connection closes when its open requests are
 * answered, so that callers go to another instance at once. */
void bus_serve_stop(struct bus *b);

/* ---- client ---- */

enum bus_result {
	BUS_OK = 0,
	BUS_LOST,        /* connection lost with the call on it: outcome unknown */
	BUS_DEADLINE,    /* no answer in time: outcome unknown */
	BUS_UNAVAILABLE, /* deadline passed before the call was sent: not done */
};

/* urls: comma list; a host name that resolves to several addresses gives one connection to each,
 * resolved again on redial. Calls queue until a connection is up or their deadline. */
struct bus_client *bus_connect(struct bus *b, const char *urls, struct fault *reterr) must_check;
/* peer: connection that answered, to be named in a later call; dies with the connection. */
typedef void (*bus_done_fn)(void *arg, enum bus_result result, struct span body, uint64_t peer);
/* body is copied; one over max_frame is BUS_UNAVAILABLE. deadline_ms 0 = 10 s. peer 0 = the next
 * live connection, else exactly that one (gone = BUS_LOST at once). done is called exactly once,
 * never from inside bus_send. Never re-sent. */
void bus_send(struct bus_client *c, uint64_t peer, struct span body, uint32_t deadline_ms,
	bus_done_fn done, void *arg);
/* Live connections now. */
size_t bus_live(const struct bus_client *c);

/* ---- events ---- */

int bus_publish_on(struct bus *b, const char *urls, struct fault *reterr) must_check;
/* To every subscriber; dropped for one whose backlog is over 256 KiB. The bus keeps a quiet wire
 * alive by itself; the heartbeat that shows a gap in time is the publisher's (common/service). */
void bus_publish(struct bus *b, struct span body);
typedef void (*bus_event_fn)(void *arg, struct span body);
/* Bodies whose first n bytes equal prefix (the SP SUB filter is ours: all subscribers get all). */
int bus_subscribe(struct bus *b, const char *urls, struct span prefix, bus_event_fn fn, void *arg,
	struct fault *reterr) must_check;

/* ---- figures, for metrics and tests ---- */

struct bus_stats {
	uint64_t conns, zombies, dials, closes, calls, replies, dropped_events, refused_frames;
	uint64_t last_reply_age_ms;
};
struct bus_stats bus_stats(const struct bus *b);
