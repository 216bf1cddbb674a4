// SPDX-License-Identifier: Apache-2.0
/* How the bench of locks speaks to each lock service: raw sockets and hand-written messages for all
 * of them (libpq for PostgreSQL), so that nobody pays for a client library. Each is asked for the
 * same: take `per_message` names of 100,000, in one message, and give them back. */
#pragma once

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/bus/frame.h"
#include "common/clock/clock.h"
#include "gen/msg.h"

enum { FLEET = 100000, DEVICES_MAX = 1000 };

struct client {
	int fd;
	PGconn *pg;
	unsigned number, first; /* of the names it asks for now */
	bool held, asking, yes;
	struct uuid request; /* carnet */
	uint64_t token, start;
	uint32_t id; /* of the question under way */
	struct buf out, in;
};

enum said { SAID_PART, SAID_NO, SAID_YES };

struct peer {
	const char *name;
	void (*greet)(struct client *c);            /* once, on a fresh connection; may block */
	void (*take)(struct client *c, unsigned n); /* appends to c->out, or sends by itself */
	void (*give)(struct client *c, unsigned n);
	/* The answer, when it is whole: *ret_n bytes of it. */
	enum said (*hear)(struct client *c, struct span in, size_t *ret_n);
};

static inline void die(const char *what)
{
	perror(what);
	exit(1);
}

static inline void write_all(int fd, struct buf *b)
{
	for (size_t at = 0; at < b->n;) {
		ssize_t n = write(fd, b->p + at, b->n - at);
		if (n <= 0)
			die("write");
		at += (size_t)n;
	}
	buf_reset(b);
}

/* Sends what is in out and waits for one answer. */
static inline enum said ask_once(
	struct client *c, enum said (*hear)(struct client *, struct span, size_t *))
{
	uint8_t part[4096];
	enum said said = SAID_PART;
	size_t n = 0;

	write_all(c->fd, &c->out);
	while (said == SAID_PART) {
		ssize_t got = read(c->fd, part, sizeof(part));
		if (got <= 0)
			die("read");
		buf_add(&c->in, part, (size_t)got);
		said = hear(c, buf_span(&c->in), &n);
	}
	buf_drop(&c->in, n);
	return said;
}

/* ---- Carnet: SP REQ frames with our messages ---- */

static const struct wire carnet_wire = {.ours = SP_REQ};
static const struct uuid carnet_session = {.b = {2}};

static inline enum said carnet_hello(struct client *c, struct span in, size_t *ret_n)
{
	(void)c;
	*ret_n = HELLO_SIZE;
	enum frame_state s = hello_read(in, SP_REQ);
	return s == FRAME_PART ? SAID_PART : s == FRAME_WHOLE ? SAID_YES : SAID_NO;
}

static inline void carnet_greet(struct client *c)
{
	uint8_t hello[HELLO_SIZE];

	hello_write(hello, SP_REQ);
	buf_add(&c->out, hello, HELLO_SIZE);
	if (ask_once(c, carnet_hello) != SAID_YES)
		die("carnet");
}

static inline void carnet_send(struct client *c, const struct msg_desc *desc, const void *body)
{
	struct msg_header h = {
		.sender = "bench", .deadline_ms = 10000, .protocol = MSG_PROTOCOL, .actor = ""};
	uint8_t head[FRAME_HEAD_MAX];
	static struct buf message;

	buf_reset(&message);
	msg_encode(&message, desc, &h, body);
	c->id = (c->id + 1) & 0xffffff;
	size_t n = frame_head(head, carnet_wire, FRAME_ID_BIT | c->id, message.n);
	buf_add(&c->out, head, n);
	buf_add(&c->out, message.p, message.n);
}

static inline void carnet_take(struct client *c, unsigned n)
{
	static struct uuid devices[DEVICES_MAX];
	static const char *items[] = {"indiv_address_book"};

	for (unsigned i = 0; i < n; i++) {
		devices[i] = (struct uuid){.b = {1}};
		for (unsigned k = 0; k < 4; k++)
			devices[i].b[12 + k] = (uint8_t)((c->first + i) >> (24 - 8 * k));
	}
	c->request = uuid_v7(clock_wall_ms());
	struct m_lock_acquire m = {.request = c->request,
		.session = carnet_session,
		.kind = LOCK_KIND_OWN,
		.op = "indiv_ie",
		.direction = LOCK_DIRECTION_EXPORT,
		.devices = devices,
		.devices_n = n,
		.items = items,
		.items_n = 1};
	carnet_send(c, &m_lock_acquire_desc, &m);
}

static inline void carnet_give(struct client *c, unsigned n)
{
	struct m_held held = {.request = c->request, .token = c->token};
	struct m_lock_release m = {.session = carnet_session, .locks = &held, .locks_n = 1};

	(void)n;
	carnet_send(c, &m_lock_release_desc, &m);
}

static inline enum said carnet_said(struct client *c, struct span body)
{
	static struct arena arena; /* all zero: empty and without a bound */
	const struct msg_desc *desc = NULL;
	struct msg_header h;
	struct fault f = FAULT_INIT;
	void *b = NULL;

	arena_reset(&arena);
	if (msg_decode(body, &arena, &desc, &h, &b, &f) < 0)
		return SAID_NO;
	if (desc == &m_lock_released_desc)
		return ((const struct m_lock_released *)b)->lost_n == 0 ? SAID_YES : SAID_NO;
	const struct m_lock_answer *a = b;
	if (desc != &m_lock_answer_desc || a->answer != LOCK_RESULT_GRANTED)
		return SAID_NO;
	c->token = a->grants[0].token;
	return SAID_YES;
}

static inline enum said carnet_hear(struct client *c, struct span in, size_t *ret_n)
{
	struct frame f;

	switch (frame_read(in, carnet_wire, SIZE_MAX / 2, &f, ret_n)) {
	case FRAME_PART:
		return SAID_PART;
	case FRAME_REFUSED:
		die("carnet: not a frame");
		break;
	case FRAME_WHOLE:
		break;
	}
	return carnet_said(c, f.body);
}

/* ---- etcd: its JSON gateway; a key that must not exist is put under a lease, then deleted ---- */

static char etcd_lease[40];

/* "lock/" and 7 digits make 12 bytes, so base64 without padding. */
static inline void etcd_key(unsigned number, char ret_text[17])
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char key[13];

	(void)snprintf(key, sizeof(key), "lock/%07u", number % 10000000);
	for (size_t i = 0; i < 4; i++) {
		unsigned v = (unsigned)key[3 * i] << 16 | (unsigned)key[3 * i + 1] << 8 |
			     (unsigned)key[3 * i + 2];
		for (size_t k = 0; k < 4; k++)
			ret_text[4 * i + k] = digits[v >> (18 - 6 * k) & 63];
	}
	ret_text[16] = '\0';
}

static inline void etcd_post(struct client *c, const char *path, const struct buf *body)
{
	buf_addf(&c->out,
		"POST %s HTTP/1.1\r\nHost: e\r\nContent-Type: application/json\r\n"
		"Content-Length: %zu\r\n\r\n",
		path, body->n);
	buf_add(&c->out, body->p, body->n);
}

/* Answers above 2 KiB come in chunks. */
static inline enum said etcd_hear(struct client *c, struct span in, size_t *ret_n)
{
	const char *text = buf_str(&c->in), *blank = strstr(text, "\r\n\r\n");
	const char *length = strcasestr(text, "content-length:");
	const char *end = strstr(text, "\r\n0\r\n\r\n");

	if (blank == NULL)
		return SAID_PART;
	if (length != NULL && length < blank)
		*ret_n = (size_t)(blank + 4 - text) + strtoul(length + 15, NULL, 10);
	else
		*ret_n = end == NULL ? SIZE_MAX : (size_t)(end + 7 - text);
	if (in.n < *ret_n)
		return SAID_PART;
	return strstr(blank, "\"succeeded\":true") != NULL || strstr(blank, "\"deleted\":") != NULL
		       ? SAID_YES
		       : SAID_NO;
}

static inline void etcd_greet(struct client *c)
{
	struct buf body = BUF_INIT;

	if (*etcd_lease != '\0')
		return;
	buf_adds(&body, "{\"TTL\":\"600\"}");
	etcd_post(c, "/v3/lease/grant", &body);
	buf_fini(&body);
	write_all(c->fd, &c->out);
	char text[4096] = "";
	ssize_t n = read(c->fd, text, sizeof(text) - 1);
	const char *id = n <= 0 ? NULL : strstr(text, "\"ID\":\"");
	if (id == NULL || sscanf(id + 6, "%39[0-9]", etcd_lease) != 1)
		die("etcd: no lease");
}

static inline void etcd_take(struct client *c, unsigned n)
{
	struct buf b = BUF_INIT;
	char key[17];

	buf_adds(&b, "{\"compare\":[");
	for (unsigned i = 0; i < n; i++) {
		etcd_key(c->first + i, key);
		buf_addf(&b,
			"%s{\"target\":\"CREATE\",\"result\":\"EQUAL\",\"key\":\"%s\","
			"\"create_revision\":\"0\"}",
			i > 0 ? "," : "", key);
	}
	buf_adds(&b, "],\"success\":[");
	for (unsigned i = 0; i < n; i++) {
		etcd_key(c->first + i, key);
		buf_addf(&b,
			"%s{\"request_put\":{\"key\":\"%s\",\"value\":\"dA==\",\"lease\":\"%s\"}}",
			i > 0 ? "," : "", key, etcd_lease);
	}
	buf_adds(&b, "]}");
	etcd_post(c, "/v3/kv/txn", &b);
	buf_fini(&b);
}

static inline void etcd_give(struct client *c, unsigned n)
{
	struct buf b = BUF_INIT;
	char key[17], end[17];

	etcd_key(c->first, key);
	etcd_key(c->first + n, end);
	buf_addf(&b, "{\"key\":\"%s\",\"range_end\":\"%s\"}", key, end);
	etcd_post(c, "/v3/kv/deleterange", &b);
	buf_fini(&b);
}

/* ---- Redis: SET NX PX, and the compare-and-delete script of its documentation ---- */

static inline enum said redis_hear(struct client *c, struct span in, size_t *ret_n)
{
	const uint8_t *end = memchr(in.p, '\n', in.n);

	(void)c;
	if (in.n == 0 || end == NULL)
		return SAID_PART;
	*ret_n = (size_t)(end - in.p) + 1;
	if (in.p[0] == '$' && in.p[1] != '-') { /* a bulk string follows: the script's digest */
		*ret_n += strtoul((const char *)in.p + 1, NULL, 10) + 2;
		return in.n < *ret_n ? SAID_PART : SAID_YES;
	}
	return in.p[0] == '+' || (in.p[0] == ':' && in.p[1] == '1') ? SAID_YES : SAID_NO;
}

static char redis_sha[41];

static inline void redis_greet(struct client *c)
{
	static const char script[] = "if redis.call('get',KEYS[1])==ARGV[1] then return "
				     "redis.call('del',KEYS[1]) else return 0 end";
	char text[100] = "";

	buf_addf(&c->out, "*3\r\n$6\r\nSCRIPT\r\n$4\r\nLOAD\r\n$%zu\r\n%s\r\n", strlen(script),
		script);
	write_all(c->fd, &c->out);
	if (read(c->fd, text, sizeof(text) - 1) < 47)
		die("redis");
	memcpy(redis_sha, text + 5, 40);
}

static inline void redis_take(struct client *c, unsigned n)
{
	(void)n;
	buf_addf(&c->out,
		"*6\r\n$3\r\nSET\r\n$12\r\nlock:%07u\r\n$12\r\n%012u\r\n$2\r\nNX\r\n$2\r\nPX\r\n"
		"$5\r\n30000\r\n",
		c->first, c->number);
}

static inline void redis_give(struct client *c, unsigned n)
{
	(void)n;
	buf_addf(&c->out,
		"*5\r\n$7\r\nEVALSHA\r\n$40\r\n%s\r\n$1\r\n1\r\n$12\r\nlock:%07u\r\n$12\r\n%"
		"012u\r\n",
		redis_sha, c->first, c->number);
}

/* ---- ZooKeeper: an ephemeral node, created and deleted ---- */

static inline void zk_int(struct buf *b, uint64_t v, unsigned bytes)
{
	while (bytes-- > 0)
		buf_addc(b, (char)(v >> (8 * bytes)));
}

static inline uint32_t zk_get(struct span in, size_t at)
{
	return (uint32_t)in.p[at] << 24 | (uint32_t)in.p[at + 1] << 16 |
	       (uint32_t)in.p[at + 2] << 8 | in.p[at + 3];
}

static inline void zk_text(struct buf *b, const char *s)
{
	zk_int(b, strlen(s), 4);
	buf_adds(b, s);
}

static inline enum said zk_hear(struct client *c, struct span in, size_t *ret_n)
{
	(void)c;
	if (in.n < 4 || in.n < 4 + zk_get(in, 0))
		return SAID_PART;
	*ret_n = 4 + zk_get(in, 0);
	return *ret_n >= 20 && zk_get(in, 16) == 0 ? SAID_YES : SAID_NO;
}

static inline void zk_send(struct client *c, unsigned type, const struct buf *body)
{
	zk_int(&c->out, 8 + body->n, 4);
	zk_int(&c->out, ++c->id & 0xffffff, 4);
	zk_int(&c->out, type, 4);
	buf_add(&c->out, body->p, body->n);
}

static inline void zk_create(struct client *c, const char *path, unsigned flags)
{
	struct buf b = BUF_INIT;

	zk_text(&b, path);
	zk_text(&b, "t");
	zk_int(&b, 1, 4); /* one rule: anyone may do anything */
	zk_int(&b, 31, 4);
	zk_text(&b, "world");
	zk_text(&b, "anyone");
	zk_int(&b, flags, 4);
	zk_send(c, 1, &b);
	buf_fini(&b);
}

static inline enum said zk_any(struct client *c, struct span in, size_t *ret_n)
{
	return zk_hear(c, in, ret_n) == SAID_PART ? SAID_PART : SAID_YES;
}

static inline void zk_greet(struct client *c)
{
	zk_int(&c->out, 45, 4);
	zk_int(&c->out, 0, 4);     /* protocol */
	zk_int(&c->out, 0, 8);     /* last transaction seen */
	zk_int(&c->out, 30000, 4); /* session's length */
	zk_int(&c->out, 0, 8);     /* a new session */
	zk_int(&c->out, 16, 4);
	zk_int(&c->out, 0, 8);
	zk_int(&c->out, 0, 8);
	zk_int(&c->out, 0, 1);
	(void)ask_once(c, zk_any);
	zk_create(c, "/locks", 0);
	(void)ask_once(c, zk_any); /* there already, perhaps */
}

static inline void zk_take(struct client *c, unsigned n)
{
	char path[32];

	(void)n;
	(void)snprintf(path, sizeof(path), "/locks/%07u", c->first);
	zk_create(c, path, 1);
}

static inline void zk_give(struct client *c, unsigned n)
{
	struct buf b = BUF_INIT;
	char path[32];

	(void)n;
	(void)snprintf(path, sizeof(path), "/locks/%07u", c->first);
	zk_text(&b, path);
	zk_int(&b, 0xffffffff, 4);
	zk_send(c, 2, &b);
	buf_fini(&b);
}

/* ---- plain PostgreSQL: the least that is a durable lock; a row put, a row deleted ---- */

static inline void pg_do(PGconn *pg, const char *sql)
{
	PGresult *r = PQexec(pg, sql);

	if (PQresultStatus(r) != PGRES_COMMAND_OK) {
		(void)fprintf(stderr, "%s", PQerrorMessage(pg));
		exit(1);
	}
	PQclear(r);
}

static inline void pg_greet(struct client *c)
{
	PGresult *r;

	pg_do(c->pg, "set plan_cache_mode = force_generic_plan");
	r = PQprepare(c->pg, "take",
		"insert into public.lease (id, owner, until) select id, $2, now() + interval '30 s'"
		" from unnest($1::int[]) u(id) on conflict do nothing",
		0, NULL);
	PQclear(r);
	r = PQprepare(c->pg, "give",
		"delete from public.lease where id = any($1::int[]) and owner = $2", 0, NULL);
	PQclear(r);
	if (PQsetnonblocking(c->pg, 1) != 0 || PQenterPipelineMode(c->pg) != 1)
		die("postgresql");
}

static inline void pg_send(struct client *c, unsigned n, const char *what)
{
	char ids[DEVICES_MAX * 12] = "{", owner[12];
	const char *const values[] = {ids, owner};
	size_t at = 1;

	for (unsigned i = 0; i < n; i++)
		at += (size_t)snprintf(
			ids + at, sizeof(ids) - at, "%s%u", i > 0 ? "," : "", c->first + i);
	(void)snprintf(ids + at, sizeof(ids) - at, "}");
	(void)snprintf(owner, sizeof(owner), "%u", c->number);
	if (PQsendQueryPrepared(c->pg, what, 2, values, NULL, NULL, 0) != 1 ||
		PQpipelineSync(c->pg) != 1 || PQflush(c->pg) != 0)
		die("postgresql");
}

static inline void pg_take(struct client *c, unsigned n)
{
	pg_send(c, n, "take");
}

static inline void pg_give(struct client *c, unsigned n)
{
	pg_send(c, n, "give");
}

/* in and ret_n are not used: libpq reads by itself. */
static inline enum said pg_hear(struct client *c, struct span in, size_t *ret_n)
{
	(void)in;
	*ret_n = 0;
	if (PQconsumeInput(c->pg) != 1)
		die("postgresql");
	while (!PQisBusy(c->pg)) {
		PGresult *r = PQgetResult(c->pg);
		ExecStatusType status = PQresultStatus(r);
		if (status == PGRES_COMMAND_OK)
			c->yes = atol(PQcmdTuples(r)) > 0;
		else if (r != NULL && status != PGRES_PIPELINE_SYNC)
			(void)fprintf(stderr, "%s", PQresultErrorMessage(r));
		PQclear(r);
		if (status == PGRES_PIPELINE_SYNC)
			return c->yes ? SAID_YES : SAID_NO;
	}
	return SAID_PART;
}

static const struct peer peers[] = {
	{"carnet", carnet_greet, carnet_take, carnet_give, carnet_hear},
	{"etcd", etcd_greet, etcd_take, etcd_give, etcd_hear},
	{"redis", redis_greet, redis_take, redis_give, redis_hear},
	{"zookeeper", zk_greet, zk_take, zk_give, zk_hear},
	{"postgresql", pg_greet, pg_take, pg_give, pg_hear},
};
