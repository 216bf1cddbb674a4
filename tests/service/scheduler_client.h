// SPDX-License-Identifier: Apache-2.0
/* For the service tests of the scheduler: schedulers as real processes on a real PostgreSQL, asked
 * over the bus. Requests and replies are JSON here, written with ' for ". Blocking. */
#pragma once

#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/bus/bus.h"
#include "common/clock/clock.h"
#include "gen/msg.h"
#include "tests/lib/psql.h"

static struct client {
	struct loop *loop;
	struct bus *bus;
	struct bus_client *to;
	struct timer *timer;
	char dir[64], urls[512];
	pid_t pids[8];
	size_t n;
	struct arena arena;
	/* whose calls they are: NULL = a service's own */
	const char *actor;
	enum msg_right role;
	/* of the call under way */
	void (*watch)(void); /* called now and then meanwhile */
	bool done;
	enum bus_result result;
	const struct msg_desc *desc;
	void *body;
} client;

/* Which service scheduler_start_one starts; others borrow this header. */
static const char *client_service = "scheduler";

static int tests_run, tests_bad;

static unused void ok(bool good, const char *what)
{
	printf("%s %d - %s\n", good ? "ok" : "not ok", ++tests_run, what);
	tests_bad += !good;
	(void)fflush(stdout);
}

static unused int finish_tests(void)
{
	printf("1..%d\n", tests_run);
	return tests_bad > 0;
}

static void on_answer(
	unused void *arg, enum bus_result result, struct span body, unused uint64_t peer)
{
	struct msg_header h;
	struct fault f = FAULT_INIT;

	client.result = result;
	client.body = NULL;
	client.desc = NULL;
	if (result == BUS_OK &&
		msg_decode(body, &client.arena, &client.desc, &h, &client.body, &f) < 0)
		(void)fprintf(stderr, "answer: %s\n", f.detail);
	client.done = true;
	loop_stop(client.loop);
}

/* Sends a request struct; the decoded answer stays until the next call. NULL: no answer. */
static const void *ask_struct(
	const struct msg_desc *desc, const void *body, const struct uuid *request)
{
	struct msg_header h = {.sender = "test",
		.deadline_ms = 60000,
		.protocol = MSG_PROTOCOL,
		.trace = uuid_v7(clock_wall_ms()),
		.actor = client.actor != NULL ? client.actor : "",
		.role = client.role};
	struct buf out = BUF_INIT;

	arena_reset(&client.arena);
	h.request = request != NULL ? *request : uuid_v7(clock_wall_ms());
	msg_encode(&out, desc, &h, body);
	bug_if(out.err);
	client.done = false;
	bus_send(client.to, 0, buf_span(&out), 60000, on_answer, NULL);
	buf_fini(&out);
	while (!client.done) {
		if (client.watch != NULL) {
			client.watch();
			timer_set(client.timer, 50, 0);
		}
		loop_run(client.loop);
	}
	return client.body;
}

/* Same with JSON; the answer is {"fault": {…}} when refused. Caller decrefs. */
static json_t *ask_with(const struct msg_desc *desc, const char *json, const struct uuid *request)
{
	struct arena arena;
	struct fault f = FAULT_INIT;
	void *body = NULL;
	char *text = strdup(json);
	json_error_t e;

	for (char *p = text; *p != '\0'; p++)
		*p = *p == '\'' ? '"' : *p == '`' ? '\'' : *p;
	json_t *j = json_loads(text, 0, &e);
	arena_init(&arena, 0);
	if (j == NULL || desc == NULL || msg_from_json(desc, j, &arena, &body, &f) < 0) {
		(void)fprintf(stderr, "%s: %s %s\n", text, e.text, f.detail);
		abort();
	}
	(void)ask_struct(desc, body, request);
	arena_fini(&arena);
	json_decref(j);
	free(text);
	if (client.body == NULL)
		return json_pack("{s:{s:s}}", "fault", "reason", "no answer");
	json_t *answer = msg_to_json(client.desc, client.body);
	if (client.desc == &m_fault_desc)
		answer = json_pack("{s:o}", "fault", answer);
	return answer;
}

static json_t *ask_as(const char *name, const char *json, const struct uuid *request)
{
	return ask_with(msg_find_name(name), json, request);
}

static unused json_t *ask(const char *name, const char *fmt, ...) printf_like(2, 3);
static unused json_t *ask(const char *name, const char *fmt, ...)
{
	char *json = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&json, fmt, ap) < 0)
		abort();
	va_end(ap);
	json_t *answer = ask_as(name, json, NULL);
	free(json);
	return answer;
}

/* Member by path "run.counts.ready"; numbers as text. "" when absent. Valid until 16 calls later.
 */
static unused const char *at(const json_t *j, const char *path)
{
	static char slots[16][600];
	static unsigned slot;
	char *out = slots[slot++ % 16], copy[256], *save = NULL;

	(void)snprintf(copy, sizeof(copy), "%s", path);
	for (char *p = strtok_r(copy, ".", &save); p != NULL && j != NULL;
		p = strtok_r(NULL, ".", &save))
		j = *p >= '0' && *p <= '9' ? json_array_get(j, (size_t)atoi(p))
					   : json_object_get(j, p);
	if (json_is_string(j))
		(void)snprintf(out, sizeof(slots[0]), "%s", json_string_value(j));
	else if (json_is_integer(j))
		(void)snprintf(out, sizeof(slots[0]), "%lld", (long long)json_integer_value(j));
	else if (json_is_boolean(j))
		(void)snprintf(out, sizeof(slots[0]), "%s", json_is_true(j) ? "true" : "false");
	else
		(void)snprintf(out, sizeof(slots[0]), "%s", "");
	return out;
}

static unused long number_at(const json_t *j, const char *path)
{
	return atol(at(j, path));
}

static unused bool is(const json_t *j, const char *path, const char *value)
{
	bool same = strcmp(at(j, path), value) == 0;

	if (!same) {
		char *text = json_dumps(j, JSON_COMPACT);
		(void)fprintf(stderr, "# %s is '%s', not '%s' in %.600s\n", path, at(j, path),
			value, text == NULL ? "" : text);
		free(text);
	}
	return same;
}

/* One value from the database. */
static unused const char *sql(const char *fmt, ...) printf_like(1, 2);
static unused const char *sql(const char *fmt, ...)
{
	static char slots[8][400];
	static unsigned slot;
	char *out = slots[slot++ % 8], query[4000];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(query, sizeof(query), fmt, ap);
	va_end(ap);
	psql(query, out, sizeof(slots[0]));
	return out;
}

static void wake(unused void *arg)
{
	loop_stop(client.loop);
}

/* Waits for what other processes do, with the loop running. */
static unused void pause_ms(uint64_t ms)
{
	uint64_t end = clock_mono_ms() + ms;

	while (clock_mono_ms() < end) {
		timer_set(client.timer, end - clock_mono_ms(), 0);
		loop_run(client.loop);
	}
}

/* Until the database answers with this text: soon, and on a busy machine within two minutes. */
static unused bool becomes(const char *text, const char *fmt, ...) printf_like(2, 3);
static unused bool becomes(const char *text, const char *fmt, ...)
{
	uint64_t end = clock_mono_ms() + 120000;
	char query[3000];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(query, sizeof(query), fmt, ap);
	va_end(ap);
	while (strcmp(sql("%s", query), text) != 0) {
		if (clock_mono_ms() > end) {
			(void)fprintf(
				stderr, "# still %s, not %s: %s\n", sql("%s", query), text, query);
			return false;
		}
		pause_ms(20);
	}
	return true;
}

/* Starts one more scheduler; settings: NULL-ended --key=value. Returns its place in client.pids. */
static unused size_t scheduler_start_one(const char *const *settings)
{
	size_t k = client.n++;
	char program[256], bus[160], db[160], events[160];
	const char *argv[32] = {program, bus, db, events};
	size_t n = 4;

	(void)snprintf(program, sizeof(program), "%s/bin/carnet-%s",
		getenv("B") == NULL ? "build" : getenv("B"), client_service);
	(void)snprintf(bus, sizeof(bus), "--bus_listen=ipc://%s/s%zu", client.dir, k);
	(void)snprintf(events, sizeof(events), "--bus_publish=ipc://%s/e%zu", client.dir, k);
	(void)snprintf(db, sizeof(db), "--database=host=%s dbname=carnet user=carnet_%s",
		getenv("CARNET_TEST_PG"), client_service);
	for (size_t i = 0; settings != NULL && settings[i] != NULL; i++)
		argv[n++] = settings[i];
	pid_t pid = fork();
	if (pid == 0) {
		char log[160];
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when the test dies */
		(void)snprintf(log, sizeof(log), "%s/log%zu", client.dir, k);
		int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
		(void)dup2(fd, 1);
		(void)dup2(fd, 2);
		(void)execv(program, (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	client.pids[k] = pid;
	return k;
}

/* The client has seen it go when this returns: no later call is sent down the dead connection,
 * where it would be lost. */
static unused void scheduler_kill(size_t k)
{
	size_t live = client.to == NULL ? 0 : bus_live(client.to);
	uint64_t end = clock_mono_ms() + 1000;

	if (client.pids[k] <= 0)
		return;
	(void)kill(client.pids[k], SIGKILL);
	(void)waitpid(client.pids[k], NULL, 0);
	client.pids[k] = 0;
	while (live > 0 && bus_live(client.to) >= live && clock_mono_ms() < end)
		pause_ms(5);
}

/* A client of schedulers 0 … n-1, started or not. */
static unused void client_connect(size_t n)
{
	struct fault f = FAULT_INIT;

	client.urls[0] = '\0';
	for (size_t i = 0; i < n; i++)
		(void)snprintf(client.urls + strlen(client.urls),
			sizeof(client.urls) - strlen(client.urls), "%sipc://%s/s%zu",
			i > 0 ? "," : "", client.dir, i);
	client.to = bus_connect(client.bus, client.urls, &f);
	uint64_t end = clock_mono_ms() + 60000;
	while (client.to != NULL && bus_live(client.to) == 0 && clock_mono_ms() < end) {
		if (client.watch != NULL)
			client.watch();
		pause_ms(20);
	}
	if (client.to == NULL || bus_live(client.to) == 0) {
		(void)fprintf(stderr, "no scheduler answers: %s\n", f.detail);
		abort();
	}
}

static unused void client_open(void)
{
	struct bus_opts opts = {0};
	struct fault f = FAULT_INIT;

	(void)snprintf(client.dir, sizeof(client.dir), "/tmp/carnet-sched.XXXXXX");
	if (mkdtemp(client.dir) == NULL)
		abort();
	client.loop = loop_new();
	client.bus = bus_new(client.loop, &opts, &f);
	client.timer = timer_new(client.loop, wake, NULL);
	arena_init(&client.arena, 0);
	if (client.bus == NULL)
		abort();
}

static unused void client_close(void)
{
	char command[128];

	for (size_t i = 0; i < client.n; i++)
		scheduler_kill(i);
	bus_free(client.bus);
	timer_free(client.timer);
	loop_free(client.loop);
	arena_fini(&client.arena);
	(void)snprintf(command, sizeof(command), "%s -rf %s",
		getenv("KEEP") != NULL ? "echo kept" : "rm", client.dir);
	if (system(command) != 0)
		(void)fprintf(stderr, "%s stays\n", client.dir);
}
