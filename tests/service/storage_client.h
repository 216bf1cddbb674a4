// SPDX-License-Identifier: Apache-2.0
/* A worker's side of storage, and a host that starts and kills storage processes. For the tests and
 * the bench of storage; included once per program. */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
// cmocka wants setjmp, stdarg, stddef and stdint first
#include <cmocka.h>

#include "common/bus/bus.h"
#include "common/clock/clock.h"
#include "common/crypto/crypto.h"
#include "common/msg/msg.h"
#include "gen/errors.h"
#include "gen/msg.h"
#include "tests/lib/psql.h"

#define DEADLINE_MS 15000u

static char dir[64]; /* everything of this program lies here */
static struct loop *loop;
static struct bus *bus;

/* ---- SQL, as the superuser ---- */

static char sql_out[65536];

static void printf_like(1, 2) sql(const char *fmt, ...)
{
	char text[8192];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	psql(text, sql_out, sizeof(sql_out));
}

static unused long sql_number(void)
{
	return strtol(sql_out, NULL, 10);
}

/* Until the query says `want`, a minute at most; what it says at last. */
static unused long sql_wait(const char *query, long want)
{
	const struct timespec pause = {0, 50000000};
	uint64_t until = clock_mono_ms() + 4 * DEADLINE_MS;

	for (;;) {
		sql("%s", query);
		if (sql_number() == want || clock_mono_ms() >= until)
			return sql_number();
		(void)nanosleep(&pause, NULL);
	}
}

/* ---- processes ---- */

struct host {
	int n;
	pid_t pid;
	char url[128];
	struct bus_client *client;
	char vault[128];
};

static const char *build_dir(void)
{
	const char *b = getenv("B");
	return b == NULL ? "build" : b;
}

static void put_env(const char *key, const char *fmt, ...) printf_like(2, 3);
static void put_env(const char *key, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)setenv(key, text, 1);
}

static void exec_storage(const struct host *h, const char *crash, rlim_t file_limit)
{
	char path[256], log[128];
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	put_env("CARNET_BUS_LISTEN", "%s", h->url);
	put_env("CARNET_DATABASE", "host=%s dbname=carnet user=carnet_storage",
		getenv("CARNET_TEST_PG"));
	if (getenv("CARNET_PRUNE_DATABASE") == NULL)
		put_env("CARNET_PRUNE_DATABASE", "host=%s dbname=carnet user=carnet_pruner",
			getenv("CARNET_TEST_PG"));
	put_env("CARNET_VAULT_DIR", "%s", h->vault);
	put_env("CARNET_VAULT_NAME", "%s", strrchr(h->vault, '/') + 1);
	put_env("CARNET_KEK_FILE", "%s/kek", dir);
	put_env("CARNET_SIGN_KEY_FILE", "%s/sign", dir);
	put_env("CARNET_ACCEPT_SAME_DISK", "a test on one machine");
	put_env("CARNET_STREAM_IDLE_MS", "2000");
	put_env("CARNET_RESERVE_PERCENT", "0");
	put_env("CARNET_VAULT_NETWORKS", "127.0.0.1"); /* servers of tests are here */
	if (crash != NULL)
		put_env("CARNET_CRASH", "%s", crash);
	if (file_limit != 0) {
		const struct rlimit limit = {file_limit, file_limit};
		(void)signal(SIGXFSZ, SIG_IGN);
		(void)setrlimit(RLIMIT_FSIZE, &limit);
	}
	(void)snprintf(log, sizeof(log), "%s/storage-%d.log", dir, h->n);
	int fd = open(log, O_CREAT | O_APPEND | O_WRONLY, 0600);
	(void)dup2(fd, 2);
	(void)snprintf(path, sizeof(path), "%s/bin/carnet-storage", build_dir());
	(void)execl(path, path, (char *)NULL);
	_exit(127);
}

static void host_start(
	struct host *h, int n, const char *vault, const char *crash, rlim_t file_limit)
{
	struct fault f;
	h->n = n;
	(void)snprintf(h->url, sizeof(h->url), "ipc://%s/s%d.sock", dir, n);
	(void)snprintf(h->vault, sizeof(h->vault), "%s/%s", dir, vault);
	(void)mkdir(h->vault, 0700);
	h->pid = fork();
	bug_if(h->pid < 0);
	if (h->pid == 0)
		exec_storage(h, crash, file_limit);
	if (h->client == NULL)
		h->client = bus_connect(bus, h->url, &f);
	bug_if(h->client == NULL);
}

static int host_wait(struct host *h)
{
	int status = 0;
	while (waitpid(h->pid, &status, 0) < 0 && errno == EINTR)
		;
	h->pid = 0;
	return status;
}

static void host_kill(struct host *h, int signo)
{
	if (h->pid == 0)
		return;
	(void)kill(h->pid, signo);
	(void)host_wait(h);
}

/* ---- one request, one answer ---- */

static const char *ask_actor = ""; /* the person behind the gateway */

struct ask {
	bool done;
	enum bus_result result;
	uint64_t peer;
	struct arena arena;
	const struct msg_desc *desc;
	void *body;
	struct fault fault;
	void (*then)(struct ask *a, void *arg);
	void *arg;
};

static void answered(void *arg, enum bus_result result, struct span body, uint64_t peer)
{
	struct ask *a = arg;
	struct msg_header header;
	a->done = true;
	a->result = result;
	a->peer = peer;
	a->fault = FAULT_INIT;
	if (result != BUS_OK)
		fault_why(&a->fault, CN_CONNECTION_LOST, "bus", "result %d", (int)result);
	else if (msg_decode(body, &a->arena, &a->desc, &header, &a->body, &a->fault) == 0 &&
		 a->desc == &m_fault_desc) {
		const struct m_fault *f = a->body;
		fault_why(&a->fault, (int)f->code, f->reason == NULL ? "" : f->reason, "%s",
			f->detail == NULL ? "" : f->detail);
	}
	if (a->then != NULL)
		a->then(a, a->arg);
	else
		loop_stop(loop);
}

static void ask_send(struct ask *a, struct bus_client *c, uint64_t peer,
	const struct msg_desc *desc, const void *body)
{
	struct buf frame = BUF_INIT;
	struct msg_header header = {.sender = "test",
		.actor = ask_actor,
		.role = ask_actor[0] == 0 ? MSG_INTERNAL : MSG_ADMIN,
		.protocol = MSG_PROTOCOL,
		.request = uuid_v7(clock_wall_ms()),
		.deadline_ms = DEADLINE_MS};
	arena_fini(&a->arena);
	arena_init(&a->arena, 0);
	a->done = false;
	msg_encode(&frame, desc, &header, body);
	bug_if(frame.err);
	bus_send(c, peer, buf_span(&frame), DEADLINE_MS, answered, a);
	buf_fini(&frame);
}

/* Blocks. 0 and a->body, or -1 and a->fault. */
static int ask(struct ask *a, struct bus_client *c, uint64_t peer, const struct msg_desc *desc,
	const void *body)
{
	a->then = NULL;
	ask_send(a, c, peer, desc, body);
	while (!a->done)
		loop_run(loop);
	return a->fault.code == 0 ? 0 : -1;
}

/* ---- storing ---- */

struct part {
	const char *name;
	const char *text;
	size_t n; /* 0 = strlen */
};

struct store {
	/* in */
	struct bus_client *client;
	struct uuid device, run, request;
	uint64_t token;
	const char *format, *op, *lock_item;
	const char *serial_after;
	uint64_t change_after;
	struct part parts[12];
	size_t n;
	bool keep_open; /* stop before the commit */
	/* on its way */
	struct ask ask;
	struct uuid stream;
	uint64_t peer;
	size_t part, offset;
	bool committing, running;
	/* out */
	struct m_stored result;
	struct fault fault;
};

static unsigned stores_running;

static void store_end(struct store *s, const struct fault *f)
{
	s->fault = *f;
	s->running = false;
	if (--stores_running == 0)
		loop_stop(loop);
}

static size_t part_len(const struct part *p)
{
	return p->n == 0 ? strlen(p->text) : p->n;
}

static void store_next(struct store *s)
{
	static const struct fault none;
	if (s->part == s->n && s->keep_open) {
		store_end(s, &none);
	} else if (s->part == s->n) {
		const struct m_store_commit m = {.stream = s->stream,
			.serial_after = s->serial_after == NULL ? "SN1" : s->serial_after,
			.change_before = s->change_after == 0 ? 0 : 1,
			.change_after = s->change_after,
			.items = s->n};
		s->committing = true;
		ask_send(&s->ask, s->client, s->peer, &m_store_commit_desc, &m);
	} else {
		const struct part *p = &s->parts[s->part];
		size_t n = size_min(part_len(p) - s->offset, 262144);
		const struct m_store_chunk m = {.stream = s->stream,
			.item_no = s->part,
			.item = p->name,
			.offset = s->offset,
			.bytes = {(const uint8_t *)p->text + s->offset, n},
			.last = s->offset + n == part_len(p)};
		ask_send(&s->ask, s->client, s->peer, &m_store_chunk_desc, &m);
	}
}

static void store_answer(struct ask *a, void *arg)
{
	struct store *s = arg;
	if (a->fault.code != 0) {
		store_end(s, &a->fault);
	} else if (a->desc == &m_store_stream_desc) {
		const struct m_store_stream *m = a->body;
		s->stream = m->stream;
		s->peer = a->peer;
		if (m->result != NULL) {
			s->result = *m->result;
			store_end(s, &a->fault);
			return;
		}
		store_next(s);
	} else if (a->desc == &m_store_ack_desc) {
		const struct m_store_ack *m = a->body;
		s->offset = m->offset;
		if (s->offset == part_len(&s->parts[s->part])) {
			s->part++;
			s->offset = 0;
		}
		store_next(s);
	} else {
		const struct m_store_one *m = a->body;
		s->result = *m->result;
		store_end(s, &a->fault);
	}
}

static void store_begin(struct store *s)
{
	const char *items[] = {s->lock_item == NULL ? "indiv_address_book" : s->lock_item};
	const struct m_store_begin m = {.run = s->run,
		.job = s->run,
		.attempt = 1,
		.device = s->device,
		.kind = VERSION_KIND_ADDRESS_BOOK,
		.request = s->request,
		.token = s->token,
		.op = s->op == NULL ? "indiv_ie" : s->op,
		.items = items,
		.items_n = 1,
		.serial = "SN1",
		.format = s->format == NULL ? "canon_abk" : s->format,
		.device_name = "Copier 3rd floor",
		.model = "iR-ADV",
		.language = "fr",
		.charset = "CP1252"};
	s->part = s->offset = 0;
	s->committing = false;
	s->running = true;
	s->ask.then = store_answer;
	s->ask.arg = s;
	memset(&s->result, 0, sizeof(s->result));
	s->fault = FAULT_INIT;
	stores_running++;
	ask_send(&s->ask, s->client, 0, &m_store_begin_desc, &m);
}

static void stores_wait(void)
{
	while (stores_running > 0)
		loop_run(loop);
}

static unused int store_run(struct store *s)
{
	store_begin(s);
	stores_wait();
	return s->fault.code == 0 ? 0 : -1;
}

static unused void store_good(struct store *s)
{
	if (store_run(s) < 0)
		print_error("%d %s: %s\n", s->fault.code, s->fault.reason, s->fault.detail);
	assert_int_equal(s->fault.code, 0);
}

/* Its storage reads what it stored and finds it good. */
static unused void verifies_version(const struct store *s)
{
	struct ask a = {.done = false};
	const struct m_version_verify m = {.id = s->result.version};
	assert_int_equal(ask(&a, s->client, 0, &m_version_verify_desc, &m), 0);
	assert_true(((const struct m_verify_result *)a.body)->good);
	arena_fini(&a.arena);
}

static struct uuid new_id(void)
{
	return uuid_v7(clock_wall_ms());
}

/* A live lock of this store's device, as the lock service would have it. */
static unused void grant(const struct store *s)
{
	char d[UUID_TEXT], r[UUID_TEXT];
	sql("insert into lock.held (device_id, request, token, session, kind, op, direction, items,"
	    " strict, granted_at, lease_ms, expires_at, profile, profile_revision, probe,"
	    " quarantine_ms, quarantine_max_ms, max_hold_ms) values ('%s', '%s', %llu, '%s', 1,"
	    " 'indiv_ie', 3, '{indiv_address_book}', false, now(), 600000,"
	    " now() + interval '1 h', 'generic', 1, 1, 60000, 60000, 3600000)"
	    " on conflict (device_id, request) do update set token = excluded.token,"
	    " expires_at = excluded.expires_at",
		uuid_format(&s->device, d), uuid_format(&s->request, r),
		(unsigned long long)s->token, r);
}

/* Until storage answers a begin with something else than "starting". */
static void host_ready(struct host *h)
{
	uint64_t until = clock_mono_ms() + 20000;
	struct ask a = {.done = false};
	const struct m_store_begin m = {.run = new_id(),
		.job = new_id(),
		.attempt = 1,
		.device = new_id(),
		.kind = VERSION_KIND_ADDRESS_BOOK,
		.request = new_id(),
		.token = 1,
		.op = "indiv_ie",
		.format = "opaque",
		.serial = "x"};
	do {
		struct timespec pause = {0, 20000000};
		(void)nanosleep(&pause, NULL);
		if (clock_mono_ms() > until)
			(void)fprintf(stderr, "storage %d: %d %s %s\n", h->n, a.fault.code,
				a.fault.reason, a.fault.detail);
		bug_if(clock_mono_ms() > until);
		(void)ask(&a, h->client, 0, &m_store_begin_desc, &m);
	} while (a.fault.code != CN_LEASE_LOST);
	arena_fini(&a.arena);
}

static void client_setup(void)
{
	struct fault f;
	char path[128];
	(void)snprintf(dir, sizeof(dir), "/tmp/carnet-st.XXXXXX");
	bug_if(mkdtemp(dir) == NULL || getenv("CARNET_TEST_DB") == NULL);
	loop = loop_new();
	bus = bus_new(loop, &(struct bus_opts){.max_frame = 0}, &f);
	bug_if(bus == NULL);
	(void)snprintf(path, sizeof(path), "%s/kek", dir);
	bug_if(key_file_make(path, 32, &f) < 0);
	(void)snprintf(path, sizeof(path), "%s/sign", dir);
	bug_if(key_file_make(path, 32, &f) < 0);
}

static void client_end(void)
{
	char command[128];
	bus_free(bus);
	loop_free(loop);
	if (getenv("KEEP") != NULL)
		return;
	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	bug_if(system(command) != 0);
}
