// SPDX-License-Identifier: Apache-2.0
/* Printers that keep no rules (devices.md 14.5). On every connection the bytes are written by hand,
 * before any HTTP server sees them; at an export only the answer to it is bad. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "services/simulator/sim.h"

enum { TRICKLE_MS = 10000 };

static const char *const NAMES[MP_COUNT] = {
	[MP_NONE] = "none",
	[MP_01] = "mp_01",
	[MP_02] = "mp_02",
	[MP_03] = "mp_03",
	[MP_04] = "mp_04",
	[MP_05] = "mp_05",
	[MP_06] = "mp_06",
	[MP_06_SHORT] = "mp_06_short",
	[MP_06_NEGATIVE] = "mp_06_negative",
	[MP_06_HUGE] = "mp_06_huge",
	[MP_06_TWICE] = "mp_06_twice",
	[MP_07] = "mp_07",
	[MP_08] = "mp_08",
	[MP_13] = "mp_13",
	[MP_14] = "mp_14",
	[MP_15] = "mp_15",
	[MP_16] = "mp_16",
	[MP_17] = "mp_17",
	[MP_10] = "mp_10",
	[MP_11] = "mp_11",
	[MP_12] = "mp_12",
	[MP_21] = "mp_21",
	[MP_21_HALF] = "mp_21_half",
	[MP_21_CUT] = "mp_21_cut",
	[MP_22] = "mp_22",
	[MP_22_HALF] = "mp_22_half",
	[MP_23] = "mp_23",
	[MP_23_HALF] = "mp_23_half",
	[MP_24] = "mp_24",
	[MP_24_TWICE] = "mp_24_twice",
	[MP_HTTP_500] = "http_500",
	[MP_HTTP_503] = "http_503",
	[MP_SESSION_LOST] = "session_lost",
};

#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"

/* What is said at once; what follows is up to on_timer and on_ready. */
static const char *const FIRST_WORDS[MP_COUNT] = {
	[MP_03] = OK_HEAD "Content-Length: 100000\r\n\r\n",
	[MP_04] = OK_HEAD "Connection: close\r\n\r\n",
	[MP_05] = "HTTP/1.1 200 OK\r\n",
	[MP_06] = OK_HEAD "Content-Length: 500000\r\n\r\n# Canon AddressBook version: 1\r\n",
	[MP_06_SHORT] = OK_HEAD "Content-Length: 12\r\n\r\n# Canon AddressBook version: 1\r\n\r\n",
	[MP_06_NEGATIVE] = OK_HEAD "Content-Length: -1\r\n\r\n# Canon AddressBook\r\n",
	[MP_06_HUGE] = OK_HEAD "Content-Length: 18446744073709551616\r\n\r\n# Canon\r\n",
	[MP_06_TWICE] = OK_HEAD "Content-Length: 7\r\nContent-Length: 9\r\n\r\n# Canon\r\n",
	[MP_07] = OK_HEAD "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n# Canon\r\n",
	[MP_21] = OK_HEAD "Content-Length: 5000\r\n\r\n# Canon AddressBook version: 1\r\n",
	[MP_21_HALF] = OK_HEAD "Content-Length: 5000\r\n\r\n# Canon AddressBook version: 1\r\n",
	[MP_HTTP_500] = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
	[MP_HTTP_503] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 30\r\n"
			"Content-Length: 0\r\n\r\n",
};

enum mp hostile_parse(const char *name)
{
	for (int i = 1; i < MP_COUNT; i++)
		if (strcmp(NAMES[i], name) == 0)
			return (enum mp)i;
	return MP_NONE;
}

const char *hostile_name(enum mp mp)
{
	return NAMES[mp];
}

bool hostile_now(struct device *d, enum fault_at at)
{
	struct fault_plan *f = &d->fault;

	if (f->mp == MP_NONE || f->mp == MP_01 || f->at != at)
		return false;
	if (f->mp == MP_23) /* shows in the serial number only */
		return false;
	if (f->per_mille < 1000 && !rng_chance(&d->jitter, f->per_mille))
		return false;
	if (f->skip > 0) {
		f->skip--;
		return false;
	}
	d->sim->stats.hostile++;
	if (f->times > 0 && --f->times == 0)
		f->per_mille = 0; /* the last time; the behaviour stays named in f->mp */
	return true;
}

/* ---- a whole connection ---- */

struct raw {
	struct list node;
	struct device *device;
	enum mp mp;
	int fd;
	struct loop_watch *watch;
	struct timer *timer;
	bool asked; /* a request has come */
};

static void raw_end(struct raw *r)
{
	list_remove(&r->node);
	loop_unwatch(r->watch);
	if (r->timer)
		timer_free(r->timer);
	(void)close(r->fd);
	free(r);
}

static bool say(const struct raw *r, const char *s)
{
	return send(r->fd, s, strlen(s), MSG_NOSIGNAL | MSG_DONTWAIT) > 0;
}

static void on_trickle(void *arg)
{
	struct raw *r = arg;

	if (!say(r, "#"))
		raw_end(r);
}

static void reset(struct raw *r)
{
	struct linger now = {.l_onoff = 1, .l_linger = 0};

	(void)setsockopt(r->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	raw_end(r);
}

static void on_reset(void *arg)
{
	reset(arg);
}

static void begin(struct raw *r)
{
	const char *words = FIRST_WORDS[r->mp];

	r->asked = true;
	if (words)
		(void)say(r, words);
	switch ((int)r->mp) {
	case MP_02:
		return;
	case MP_03:
		r->timer = timer_new(r->device->sim->loop, on_trickle, r);
		timer_set(r->timer, TRICKLE_MS, TRICKLE_MS);
		return;
	case MP_04:
	case MP_05:
		loop_watch_set(r->watch, LOOP_READ | LOOP_WRITE);
		return;
	case MP_21_HALF:
		(void)shutdown(r->fd, SHUT_WR);
		return;
	case MP_HTTP_500:
	case MP_HTTP_503:
		r->asked = false; /* keep-alive: the next request gets the same */
		return;
	case MP_21:
		r->timer = timer_new(r->device->sim->loop, on_reset, r);
		timer_set(r->timer, 50, 0);
		return;
	default:
		raw_end(r);
	}
}

static bool flood(const struct raw *r)
{
	static char block[4096];

	if (!block[0])
		memset(block, 'x', sizeof(block) - 1);
	return r->mp == MP_05 ? say(r, "X-More: and more and more and more\r\n") : say(r, block);
}

static void on_ready(void *arg, int events)
{
	struct raw *r = arg;
	char in[4096];

	if (events & LOOP_READ) {
		if (recv(r->fd, in, sizeof(in), MSG_DONTWAIT) <= 0) {
			raw_end(r);
			return;
		}
		if (!r->asked) {
			begin(r);
			return;
		}
	}
	if (events & LOOP_WRITE && !flood(r))
		raw_end(r);
}

void hostile_connection(struct device *d, int fd)
{
	struct raw *r = mem_alloc(sizeof(*r));

	truth_add(d->sim->truth,
		&(struct truth_entry){.device = d, .what = "hostile", .item = NAMES[d->fault.mp]});
	r->device = d;
	r->mp = d->fault.mp;
	r->fd = fd;
	r->watch = loop_watch(d->sim->loop, fd, LOOP_READ, on_ready, r);
	list_push(&d->sim->raw, &r->node);
}

void hostile_stop(struct sim *s)
{
	list_each_safe (it, &s->raw)
		raw_end(container_of(it, struct raw, node));
}

/* ---- one answer ---- */

struct drip {
	struct http_stream *stream;
	struct timer *timer;
	enum mp mp;
};

static const struct span DROP = {.p = (const uint8_t *)"#", .n = 1};

static void on_drip(void *arg)
{
	const struct drip *p = arg;

	(void)http_stream_write(p->stream, DROP);
}

static void pour(void *arg)
{
	static uint8_t block[16384];
	struct drip *p = arg;
	struct span s = {.p = block, .n = sizeof(block)};

	memset(block, 'x', sizeof(block));
	while (http_stream_write(p->stream, s) < (size_t)64 * 1024)
		;
}

static void on_drip_closed(void *arg)
{
	struct drip *p = arg;

	if (p->timer)
		timer_free(p->timer);
	free(p);
}

static void drip(struct device *d, struct http_request *r, const char *type)
{
	struct drip *p = mem_alloc(sizeof(*p));

	p->mp = d->fault.mp;
	p->stream =
		http_respond_stream(r, 200, type, p->mp == MP_04 ? pour : NULL, on_drip_closed, p);
	if (p->mp == MP_04) {
		pour(p);
		return;
	}
	p->timer = timer_new(d->sim->loop, on_drip, p);
	timer_set(p->timer, TRICKLE_MS, TRICKLE_MS);
}

static void half_then_reset(struct http_request *r, const char *type, struct span body)
{
	struct http_stream *s = http_respond_stream(r, 200, type, NULL, NULL, NULL);

	(void)http_stream_write(s, (struct span){.p = body.p, .n = body.n / 2});
	http_stream_abort(s);
}

static void laugh(struct http_request *r, const char *type)
{
	struct buf b = BUF_INIT;

	buf_adds(&b, "<?xml version=\"1.0\"?>\n<!DOCTYPE a [<!ENTITY e0 \"ha\">");
	for (int i = 1; i < 10; i++) {
		buf_addf(&b, "<!ENTITY e%d \"", i);
		for (int k = 0; k < 10; k++)
			buf_addf(&b, "&e%d;", i - 1);
		buf_adds(&b, "\">");
	}
	buf_adds(&b, "]><a>&e9;</a>");
	http_respond(r, 200, type, buf_span(&b));
	buf_fini(&b);
}

static void point_outside(const struct device *d, struct http_request *r, const char *type)
{
	struct buf b = BUF_INIT;

	buf_addf(&b,
		"<?xml version=\"1.0\"?>\n<!DOCTYPE a [<!ENTITY f SYSTEM \"file:///etc/passwd\">"
		"<!ENTITY h SYSTEM \"http://127.0.0.1:%u/entity\">]><a>&f;&h;</a>",
		d->http_port);
	http_respond(r, 200, type, buf_span(&b));
	buf_fini(&b);
}

static void go_deep(struct http_request *r, const char *type)
{
	struct buf b = BUF_INIT;

	buf_adds(&b, "<?xml version=\"1.0\"?>\n");
	for (int i = 0; i < 1000000; i++)
		buf_adds(&b, "<d>");
	http_respond(r, 200, type, buf_span(&b));
	buf_fini(&b);
}

void hostile_export(struct device *d, struct http_request *r, const char *type, struct span body)
{
	size_t half = d->fault.after_bytes ? size_min(d->fault.after_bytes, body.n) : body.n / 2;

	switch ((int)d->fault.mp) {
	case MP_02:
		answer_page(d, r, 600000, 200, "");
		break;
	case MP_03:
	case MP_04:
		drip(d, r, type);
		break;
	case MP_10:
		laugh(r, type);
		break;
	case MP_11:
		point_outside(d, r, type);
		break;
	case MP_12:
		go_deep(r, type);
		break;
	case MP_21_CUT:
	case MP_23_HALF:
		http_respond(r, 200, type, (struct span){.p = body.p, .n = half});
		break;
	case MP_HTTP_500:
		http_respond(r, 500, "text/html", (struct span){.n = 0});
		break;
	case MP_HTTP_503:
		http_set_header(r, "Retry-After", "30");
		http_respond(r, 503, "text/html", (struct span){.n = 0});
		break;
	default:
		if (!hostile_text(d, r, type, body))
			half_then_reset(r, type, body);
	}
}

bool hostile_request(struct device *d, struct http_request *r)
{
	switch ((int)d->fault.mp) {
	case MP_SESSION_LOST:
		memset(d->sessions, 0, sizeof(d->sessions));
		return false;
	case MP_HTTP_500:
	case MP_HTTP_503:
		http_respond(r, d->fault.mp == MP_HTTP_500 ? 500 : 503, "text/html",
			(struct span){.n = 0});
		return true;
	case MP_16:
	case MP_17:
		return hostile_text(d, r, "text/html", (struct span){.n = 0});
	default:
		answer_reset(r);
		return true;
	}
}
