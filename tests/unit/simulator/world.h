// SPDX-License-Identifier: Apache-2.0
/* A simulated fleet and a client on one loop, asked one request at a time. */
#pragma once

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/http/client.h"
#include "services/simulator/book.h"

struct world {
	struct loop *loop;
	struct http_client *client;
	struct sim sim;
	char base[64], control[80], fleet[80];
	struct timer *limit;
	/* the last answer */
	struct buf body;
	long status;
	int code;
	bool done;
	char jar[256]; /* cookies */
	bool keep;     /* wait until world_wait */
};

static enum http_flow world_body(void *arg, const uint8_t *p, size_t n, long status unused)
{
	struct world *w = arg;

	buf_add(&w->body, p, n);
	return HTTP_GO;
}

static void take_cookie(struct world *w, const char *headers)
{
	char value[160];

	if (!http_header(headers, "Set-Cookie", value, sizeof(value)))
		return;
	value[strcspn(value, ";")] = '\0';
	size_t n = strlen(w->jar);
	(void)snprintf(w->jar + n, sizeof(w->jar) - n, "%s%s", n ? "; " : "Cookie: ", value);
}

static void world_done(void *arg, const struct http_reply *reply, const struct fault *f)
{
	struct world *w = arg;

	w->status = reply->status;
	w->code = f ? f->code : 0;
	w->done = true;
	take_cookie(w, reply->headers);
	loop_stop(w->loop);
}

static void world_late(void *arg)
{
	loop_stop(((struct world *)arg)->loop);
}

static void world_wait(struct world *w)
{
	timer_set(w->limit, 10000, 0);
	while (!w->done)
		loop_run(w->loop);
	timer_stop(w->limit);
}

static struct http_transfer *world_send_as(
	struct world *w, const char *url, const char *method, const char *type, const char *form)
{
	const char *headers[] = {w->jar[0] ? w->jar : "X-None: 1", type, NULL};
	struct http_req req = {.method = method,
		.url = url,
		.headers = headers,
		.body = {.p = (const uint8_t *)form, .n = form ? strlen(form) : 0},
		.max_body = 1024 * 1024,
		.first_byte_ms = 1500,
		.total_ms = 3000,
		.fresh = true};

	buf_reset(&w->body);
	w->done = false;
	return http_send(w->client, &req, world_body, world_done, w);
}

static struct http_transfer *world_send(
	struct world *w, const char *url, const char *method, const char *form)
{
	return world_send_as(
		w, url, method, "Content-Type: application/x-www-form-urlencoded", form);
}

/* One request to a device; its answer is in w->status and w->body. */
static const char *ask(struct world *w, const struct device *d, const char *path, const char *form)
{
	char url[256];

	(void)snprintf(url, sizeof(url), "http://%.*s:%u%s", (int)strcspn(w->base, ":"), w->base,
		d->http_port, path);
	(void)world_send(w, url, form ? "POST" : "GET", form);
	world_wait(w);
	return buf_str(&w->body);
}

/* One command to the control port. */
static unused const char *control(
	struct world *w, const char *method, const char *path, const char *json)
{
	char url[256];

	(void)snprintf(url, sizeof(url), "http://%s%s", w->control, path);
	(void)world_send(w, url, method, json);
	world_wait(w);
	return buf_str(&w->body);
}

static unused void login(struct world *w, const struct device *d)
{
	w->jar[0] = '\0';
	(void)ask(w, d, "/login", "uri=%2f&deptid=7654321&password=47%2F11");
	assert_int_equal(w->status, 302);
	(void)ask(w, d, "/rps/nativetop.cgi?Dummy=1", NULL);
	assert_int_equal(w->status, 200);
	assert_non_null(strstr(w->jar, "IR"));
}

static unused const char *export_list(struct world *w, const struct device *d, int aid)
{
	char form[64];

	(void)snprintf(form, sizeof(form), "AID=%d&ACLS=1&ENC_MODE=0", aid);
	return ask(w, d, "/rps/abook.ldif", form);
}

static const char WORLD_FLEET[] =
	"{\"count\":40,\"seed\":9,\"credential\":{\"id\":\"7654321\",\"pin\":\"47/11\"},"
	"\"sites\":[{\"name\":\"lab\",\"language\":\"en\"}],\"books\":{\"small\":1},"
	"\"latency\":{\"login_ms\":0,\"page_ms\":0,\"export_ms\":30},\"restart_ms\":300,"
	"\"faults\":{\"unsupported\":2,\"unreachable\":1,\"wrong_password\":1,"
	"\"receive_restricted\":1}}";

static int setup(void **state)
{
	struct world *w = mem_alloc(sizeof(*w));
	struct fault f = FAULT_INIT;
	FILE *file;

	*state = w;
	(void)snprintf(w->fleet, sizeof(w->fleet), "/tmp/carnet-sim-%d.json", getpid());
	file = fopen(w->fleet, "w");
	assert_non_null(file);
	(void)fputs(WORLD_FLEET, file);
	(void)fclose(file);
	w->loop = loop_new();
	w->limit = timer_new(w->loop, world_late, w);
	w->client = http_client_new(w->loop, &(struct http_client_opts){.max_connections = 100});
	/* an address of this process alone, so that ports never collide */
	int a = 100 + getpid() / 250 % 150, b = getpid() % 250;
	(void)snprintf(w->base, sizeof(w->base), "127.%d.%d.1:21000", a, b);
	(void)snprintf(w->control, sizeof(w->control), "127.%d.%d.2:21000", a, b);
	const struct sim_opts opts = {.fleet = w->fleet,
		.profiles = "schemas/profiles",
		.address_base = w->base,
		.listen = w->control,
		.map_file = "",
		.truth_log = ""};
	if (sim_start(&w->sim, w->loop, &opts, &f) < 0)
		fail_msg("%s", f.detail);
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	http_client_free(w->client);
	sim_stop(&w->sim);
	timer_free(w->limit);
	loop_free(w->loop);
	buf_fini(&w->body);
	(void)unlink(w->fleet);
	free(w);
	return 0;
}

/* The first healthy device of a type, or the one with a trait. */
static struct device *a_device(struct world *w, enum device_type type, uint32_t trait)
{
	for (uint32_t i = 0; i < w->sim.fleet.count; i++) {
		struct device *d = &w->sim.fleet.devices[i];
		if (d->model->type == type && d->traits == trait)
			return d;
	}
	fail_msg("no such device");
	return NULL;
}
