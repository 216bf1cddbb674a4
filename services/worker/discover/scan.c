// SPDX-License-Identifier: Apache-2.0
/* A scan: what was asked, what came back, and the pace that all scans share. */
#include "services/worker/discover/scan_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock/clock.h"
#include "common/crypto/crypto.h"
#include "gen/errors.h"

#define TICK_MS 10u
#define TRIES 2
#define ACTIVE_MAX 4u /* scans that send; the others wait: what is in flight is bounded */
#define PACKET 1000u  /* thousandths */

/* One for the process. */
static struct {
	struct loop *loop;
	struct timer *timer;
	struct list scans; /* the first ACTIVE_MAX of them send */
	uint64_t credit;   /* thousandths of a packet */
} pace;

/* ---- sockets ---- */

static socklen_t socket_address(
	const struct address *a, uint16_t port, struct sockaddr_storage *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (a->v6) {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)ret;
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		memcpy(&in6->sin6_addr, a->b, 16);
		return sizeof(*in6);
	}
	struct sockaddr_in *in = (struct sockaddr_in *)(void *)ret;
	in->sin_family = AF_INET;
	in->sin_port = htons(port);
	memcpy(&in->sin_addr, a->b, 4);
	return sizeof(*in);
}

static bool same_peer(const struct address *a, uint16_t port, const struct sockaddr_storage *from)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)from;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)from;

	if (a->v6)
		return from->ss_family == AF_INET6 && in6->sin6_port == htons(port) &&
		       memcmp(&in6->sin6_addr, a->b, 16) == 0;
	return from->ss_family == AF_INET && in->sin_port == htons(port) &&
	       memcmp(&in->sin_addr, a->b, 4) == 0;
}

static void on_readable(void *arg, int events);

static int open_sockets(struct scan *s)
{
	for (size_t i = 0; i < s->order.n; i++) {
		size_t k = s->order.targets[i].v6;
		if (s->fd[k] >= 0)
			continue;
		s->fd[k] = socket(
			k ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (s->fd[k] < 0)
			return fault_set(
				&s->fault, CN_UNREACHABLE, "no UDP socket: %s", strerror(errno));
		s->watch[k] = loop_watch(pace.loop, s->fd[k], LOOP_READ, on_readable, s);
	}
	return 0;
}

static void scan_free(struct scan *s)
{
	for (size_t k = 0; k < 2; k++) {
		if (s->watch[k] != NULL)
			loop_unwatch(s->watch[k]);
		if (s->fd[k] >= 0)
			(void)close(s->fd[k]);
	}
	list_remove(&s->node);
	free(s);
}

/* ---- one target ---- */

static void end_target(struct scan *s, struct target *t)
{
	t->state = TARGET_ENDED;
	s->open--;
}

void scan_again(struct target *t)
{
	t->tries = 0;
	t->id = -1;
	t->state = TARGET_DUE;
}

void scan_next(struct scan *s, struct target *t)
{
	size_t next = t->credential + 1;

	t->known = t->timed = false;
	t->objects = SCAN_ALL;
	while (next < s->order.n_credentials && v3_pointless(s, t, next))
		next++;
	if (next < s->order.n_credentials) {
		t->credential = next;
		scan_again(t);
		return;
	}
	end_target(s, t);
	if (t->engine.n > 0)
		s->order.locked(s->order.arg, (size_t)(t - s->targets));
}

/* No answer in time: once more, then the next credential, then silence. */
static void no_answer(struct scan *s, struct target *t)
{
	if (t->tries < v3_tries(s, t, TRIES)) {
		t->state = TARGET_DUE;
		return;
	}
	if (v3_is(s, t))
		v3_silence(t);
	scan_next(s, t);
}

static size_t write_question(
	const struct scan *s, const struct target *t, uint8_t *out, size_t size)
{
	const struct scan_credential *c = &s->order.credentials[t->credential];
	const struct scan_question q = {.v1 = c->version == SCAN_V1,
		.community = c->community,
		.id = t->id,
		.objects = t->objects};

	return c->version == SCAN_V3 ? v3_write(s, t, out, size) : scan_write(&q, out, size);
}

/* false: the socket has no room now. */
static bool ask(struct scan *s, size_t at)
{
	struct target *t = &s->targets[at];
	unsigned tries = v3_tries(s, t, TRIES);
	uint8_t out[1472];
	struct sockaddr_storage to;
	socklen_t len = socket_address(&s->order.targets[at], s->order.port, &to);

	/* the place of the target in the last byte, then a number that nobody guesses */
	s->nonce = (s->nonce + 1) & 0x3fffff;
	t->before = t->tries > 0 ? t->id : -1;
	t->id = s->nonce << 8 | (int32_t)at;
	size_t n = write_question(s, t, out, sizeof(out));
	ssize_t sent = sendto(s->fd[s->order.targets[at].v6], out, n, MSG_DONTWAIT | MSG_NOSIGNAL,
		(struct sockaddr *)&to, len);
	if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS))
		return false;
	t->tries++;
	t->state = TARGET_ASKED;
	/* what cannot be sent there is silence */
	t->until = clock_mono_ms() + (sent < 0 ? 0 : s->order.wait_ms * (t->tries < tries ? 1 : 3));
	s->counts.sent += sent >= 0;
	s->order.moved(s->order.arg);
	return true;
}

/* ---- answers ---- */

struct target *scan_asked(struct scan *s, int64_t id, const struct sockaddr_storage *from)
{
	size_t at = (size_t)(id & 0xff);
	struct target *t = &s->targets[at];

	return id >= 0 && id <= INT32_MAX && at < s->order.n &&
			       (t->id == (int32_t)id || t->before == (int32_t)id) &&
			       same_peer(&s->order.targets[at], s->order.port, from)
		       ? t
		       : NULL;
}

static bool same_community(
	const struct scan *s, const struct target *t, const struct scan_answer *a)
{
	const struct scan_credential *c = &s->order.credentials[t->credential];

	return c->version == (a->v1 ? SCAN_V1 : SCAN_V2C) &&
	       a->community.n == strlen(c->community) &&
	       memcmp(a->community.p, c->community, a->community.n) == 0;
}

void scan_said(struct scan *s, struct target *t, const struct scan_answer *a)
{
	uint32_t less = a->error == 0 ? 0 : scan_less(t->objects, a);

	if (less != 0) {
		t->objects = less;
		scan_again(t);
		return;
	}
	s->counts.answered++;
	end_target(s, t);
	s->order.found(s->order.arg, (size_t)(t - s->targets), t->credential, a);
}

static void take_answer(struct scan *s, struct span datagram, const struct sockaddr_storage *from)
{
	struct scan_answer a;
	struct target *t;

	if (scan_is_v3(datagram)) {
		v3_take(s, datagram, from);
	} else if (scan_read(datagram, &a) < 0) {
		s->counts.malformed++;
	} else if ((t = scan_asked(s, a.id, from)) == NULL || !same_community(s, t, &a)) {
		s->counts.foreign++;
	} else if (t->state == TARGET_ENDED) {
		s->counts.repeated++;
	} else {
		scan_said(s, t, &a);
	}
}

static void on_readable(void *arg, int events unused)
{
	static uint8_t in[SCAN_DATAGRAM];
	struct scan *s = arg;

	for (int i = 0; i < 64; i++) {
		struct sockaddr_storage from = {.ss_family = 0};
		socklen_t len = sizeof(from);
		ssize_t n = -1;
		for (size_t k = 0; n < 0 && k < 2; k++, len = sizeof(from)) {
			if (s->fd[k] >= 0)
				n = recvfrom(s->fd[k], in, sizeof(in), MSG_DONTWAIT | MSG_TRUNC,
					(struct sockaddr *)&from, &len);
		}
		if (n < 0)
			return;
		if ((size_t)n > sizeof(in))
			s->counts.oversize++;
		else
			take_answer(s, (struct span){in, (size_t)n}, &from);
	}
}

/* ---- the pace ---- */

static void expire(struct scan *s, uint64_t now)
{
	for (size_t i = 0; i < s->order.n; i++) {
		if (s->targets[i].state == TARGET_ASKED && s->targets[i].until <= now)
			no_answer(s, &s->targets[i]);
	}
}

static bool is_due(struct scan *s, struct target *t)
{
	if (t->state == TARGET_DUE && v3_is(s, t) && v3_pointless(s, t, t->credential))
		scan_next(s, t); /* another address of that engine was asked meanwhile */
	return t->state == TARGET_DUE && !v3_waits(s, t);
}

/* Sends one packet; false: nothing is due, or there is no room. */
static bool send_one(struct scan *s)
{
	for (size_t i = 0; i < s->order.n; i++) {
		size_t at = (s->next + i) % s->order.n;
		if (is_due(s, &s->targets[at])) {
			s->next = at + 1;
			return ask(s, at);
		}
	}
	return false;
}

static uint32_t shared_rate(void)
{
	uint32_t rate = UINT32_MAX;
	size_t n = 0;

	list_each (it, &pace.scans) {
		const struct scan *s = container_of(it, struct scan, node);
		if (n++ < ACTIVE_MAX && s->order.rate < rate)
			rate = s->order.rate;
	}
	return rate;
}

/* One packet of each scan in turn, as long as the credit lasts. */
static void send_all(void)
{
	bool any = true;

	while (any && pace.credit >= PACKET) {
		size_t n = 0;
		any = false;
		list_each (it, &pace.scans) {
			if (n++ == ACTIVE_MAX || pace.credit < PACKET)
				break;
			if (send_one(container_of(it, struct scan, node))) {
				any = true;
				pace.credit -= PACKET;
			}
		}
	}
}

static struct scan *ended_one(void)
{
	size_t n = 0;

	list_each (it, &pace.scans) {
		struct scan *s = container_of(it, struct scan, node);
		if (n++ < ACTIVE_MAX && (s->open == 0 || s->fault.code != 0))
			return s;
	}
	return NULL;
}

static void on_tick(void *arg unused)
{
	uint64_t now = clock_mono_ms();
	uint32_t rate = shared_rate();
	struct scan *s;
	size_t n = 0;

	pace.credit += (uint64_t)rate * TICK_MS;
	if (pace.credit > PACKET + (uint64_t)rate * TICK_MS) /* nothing is saved up */
		pace.credit = PACKET + (uint64_t)rate * TICK_MS;
	list_each (it, &pace.scans) {
		if (n++ < ACTIVE_MAX)
			expire(container_of(it, struct scan, node), now);
	}
	send_all();
	while ((s = ended_one()) != NULL) {
		struct scan_order order = s->order;
		struct scan_counts counts = s->counts;
		struct fault f = s->fault;
		scan_free(s);
		order.done(order.arg, &counts, f.code == 0 ? NULL : &f);
	}
	if (list_empty(&pace.scans))
		timer_stop(pace.timer);
}

/* ---- begin, end ---- */

struct scan *scan_start(struct loop *loop, const struct scan_order *order)
{
	struct scan *s = mem_alloc(sizeof(*s));
	uint8_t random[4];

	bug_if(order->n > SCAN_TARGETS_MAX || order->n_credentials == 0);
	if (pace.loop == NULL) {
		pace.loop = loop;
		pace.timer = timer_new(loop, on_tick, NULL);
		list_init(&pace.scans);
	}
	*s = (struct scan){.order = *order, .fd = {-1, -1}, .open = order->n};
	list_init(&s->node);
	crypto_random(random, sizeof(random));
	s->nonce = (random[0] << 14 | random[1] << 7 | random[2]) & 0x3fffff;
	for (size_t i = 0; i < order->n; i++)
		s->targets[i].objects = SCAN_ALL;
	if (list_empty(&pace.scans))
		timer_set(pace.timer, TICK_MS, TICK_MS);
	list_push(&pace.scans, &s->node);
	(void)open_sockets(s);
	return s;
}

void scan_stop(struct scan *s)
{
	if (s != NULL)
		scan_free(s);
}
