// SPDX-License-Identifier: Apache-2.0
/* The bus inside one process, over its three transports: calls, deadlines, losses, events, bounds.
 * Killed and stopped peers are in tests/service/bus_torture.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sys/un.h>

#include "tests/lib/bus_test.h"

static struct place place;

struct world {
	struct loop *loop;
	struct bus *bus;   /* of the server */
	struct bus *other; /* of the client */
	char url[URL_MAX];
	struct fault f;
	size_t served;
	struct bus_call *held[64];
	size_t n_held;
	bool hold;
};

struct answer {
	int n;
	enum bus_result result;
	uint64_t peer;
	size_t size;
	char text[64];
	uint64_t at;
};

static void world_begin(struct world *w, enum transport t)
{
	*w = (struct world){.loop = loop_new()};
	w->bus = bus_new(w->loop, &place.opts, &w->f);
	w->other = bus_new(w->loop, &place.opts, &w->f);
	assert_non_null(w->bus);
	assert_non_null(w->other);
	make_url(&place, t, w->url);
}

static void world_end(struct world *w)
{
	bus_free(w->other);
	bus_free(w->bus);
	for (size_t i = 0; i < w->n_held; i++)
		bus_drop(w->held[i]);
	loop_free(w->loop);
}

/* Echoes, or holds the call for later. */
static void on_request(void *arg, struct bus_call *call, struct span body)
{
	struct world *w = arg;

	w->served++;
	if (w->hold && w->n_held < array_len(w->held))
		w->held[w->n_held++] = call;
	else
		bus_reply(call, body);
}

static void on_done(void *arg, enum bus_result result, struct span body, uint64_t peer)
{
	struct answer *a = arg;

	a->n++;
	a->result = result;
	a->peer = peer;
	a->size = body.n;
	a->at = clock_mono_ms();
	size_t n = size_min(body.n, sizeof(a->text) - 1);
	if (n > 0)
		memcpy(a->text, body.p, n);
	a->text[n] = 0;
}

static struct span text(const char *s)
{
	return (struct span){(const uint8_t *)s, strlen(s)};
}

static bool answered(void *arg)
{
	return ((struct answer *)arg)->n > 0;
}

static bool has_live(void *arg)
{
	return bus_live(arg) > 0;
}

static bool has_none(void *arg)
{
	return bus_live(arg) == 0;
}

static struct bus_client *serve_and_connect(struct world *w)
{
	assert_int_equal(bus_serve(w->bus, w->url, on_request, w, &w->f), 0);
	struct bus_client *c = bus_connect(w->other, w->url, &w->f);
	assert_non_null(c);
	assert_true(run_until(w->loop, 5000, has_live, c));
	return c;
}

static void a_call_is_answered(void **state)
{
	(void)state;
	for (int t = 0; t < TRANSPORTS; t++) {
		struct world w;
		struct answer a = {.n = 0};

		world_begin(&w, (enum transport)t);
		struct bus_client *c = serve_and_connect(&w);
		bus_send(c, 0, text("hello"), 2000, on_done, &a);
		assert_int_equal(a.n, 0); /* never from inside bus_send */
		assert_true(run_until(w.loop, 3000, answered, &a));
		assert_int_equal(a.result, BUS_OK);
		assert_string_equal(a.text, "hello");
		assert_true(a.peer != 0);
		assert_int_equal(bus_stats(w.other).replies, 1);
		world_end(&w);
		assert_int_equal(a.n, 1);
	}
}

static void a_call_waits_for_the_server_to_appear(void **state)
{
	(void)state;
	for (int t = 0; t < TRANSPORTS; t++) {
		struct world w;
		struct answer a = {.n = 0};

		world_begin(&w, (enum transport)t);
		struct bus_client *c = bus_connect(w.other, w.url, &w.f);
		assert_non_null(c);
		bus_send(c, 0, text("early"), 8000, on_done, &a);
		run_for(w.loop, 150);
		assert_int_equal(a.n, 0);
		assert_int_equal(bus_serve(w.bus, w.url, on_request, &w, &w.f), 0);
		assert_true(run_until(w.loop, 8000, answered, &a));
		assert_int_equal(a.result, BUS_OK);
		world_end(&w);
	}
}

static void a_call_that_was_never_sent_says_so(void **state)
{
	struct world w;
	struct answer a = {.n = 0};
	uint64_t start = clock_mono_ms();

	(void)state;
	world_begin(&w, TCP);
	struct bus_client *c = bus_connect(w.other, w.url, &w.f);
	bus_send(c, 0, text("nobody"), 200, on_done, &a);
	assert_true(run_until(w.loop, 3000, answered, &a));
	assert_int_equal(a.result, BUS_UNAVAILABLE);
	assert_in_range(a.at - start, 199, 1000);
	assert_int_equal(w.served, 0);
	world_end(&w);
}

static void a_call_without_an_answer_ends_at_its_deadline(void **state)
{
	struct world w;
	struct answer a = {.n = 0};
	uint64_t start;

	(void)state;
	world_begin(&w, IPC);
	w.hold = true;
	struct bus_client *c = serve_and_connect(&w);
	start = clock_mono_ms();
	bus_send(c, 0, text("slow"), 300, on_done, &a);
	assert_true(run_until(w.loop, 3000, answered, &a));
	assert_int_equal(a.result, BUS_DEADLINE);
	assert_in_range(a.at - start, 299, 1200);
	assert_int_equal(w.served, 1);
	/* the late answer is dropped */
	bus_reply(w.held[0], text("late"));
	w.n_held = 0;
	run_for(w.loop, 100);
	assert_int_equal(a.n, 1);
	assert_int_equal(bus_live(c), 1);
	world_end(&w);
}

static void a_lost_connection_fails_the_calls_on_it_at_once(void **state)
{
	(void)state;
	for (int t = 0; t < TRANSPORTS; t++) {
		struct world w;
		struct answer a[8] = {{.n = 0}};

		world_begin(&w, (enum transport)t);
		w.hold = true;
		struct bus_client *c = serve_and_connect(&w);
		for (size_t i = 0; i < array_len(a); i++)
			bus_send(c, 0, text("x"), 20000, on_done, &a[i]);
		run_for(w.loop, 200);
		assert_int_equal(w.served, array_len(a));
		uint64_t start = clock_mono_ms();
		bus_free(w.bus);
		w.bus = NULL;
		assert_true(run_until(w.loop, 3000, answered, &a[7]));
		for (size_t i = 0; i < array_len(a); i++) {
			assert_int_equal(a[i].n, 1);
			assert_int_equal(a[i].result, BUS_LOST);
		}
		assert_true(clock_mono_ms() - start < 1500);
		world_end(&w);
	}
}

static void calls_go_round_the_instances_and_a_peer_can_be_named(void **state)
{
	struct world w;
	struct answer a[4] = {{.n = 0}};
	char urls[2 * URL_MAX + 2], second[URL_MAX];

	(void)state;
	world_begin(&w, TCP);
	make_url(&place, IPC, second);
	(void)snprintf(urls, sizeof(urls), "%s,%s", w.url, second);
	assert_int_equal(bus_serve(w.bus, urls, on_request, &w, &w.f), 0);
	struct bus_client *c = bus_connect(w.other, urls, &w.f);
	while (bus_live(c) < 2)
		run_for(w.loop, 10);
	bus_send(c, 0, text("a"), 2000, on_done, &a[0]);
	bus_send(c, 0, text("b"), 2000, on_done, &a[1]);
	assert_true(run_until(w.loop, 3000, answered, &a[0]));
	assert_true(run_until(w.loop, 3000, answered, &a[1]));
	assert_true(a[0].peer != a[1].peer);
	bus_send(c, a[1].peer, text("c"), 2000, on_done, &a[2]);
	assert_true(run_until(w.loop, 3000, answered, &a[2]));
	assert_true(a[2].peer == a[1].peer);
	/* one that is gone: lost at once */
	bus_send(c, 999999, text("d"), 20000, on_done, &a[3]);
	assert_int_equal(a[3].n, 0);
	assert_true(run_until(w.loop, 1000, answered, &a[3]));
	assert_int_equal(a[3].result, BUS_LOST);
	world_end(&w);
}

static void a_name_is_resolved(void **state)
{
	struct world w;
	struct answer a = {.n = 0};
	char named[URL_MAX];

	(void)state;
	for (int t = TCP; t <= TLS; t++) {
		world_begin(&w, (enum transport)t);
		(void)snprintf(named, sizeof(named), "%s://localhost:%s", transport_names[t],
			strrchr(w.url, ':') + 1);
		assert_int_equal(bus_serve(w.bus, w.url, on_request, &w, &w.f), 0);
		struct bus_client *c = bus_connect(w.other, named, &w.f);
		assert_true(run_until(w.loop, 5000, has_live, c));
		bus_send(c, 0, text("by name"), 2000, on_done, &a);
		assert_true(run_until(w.loop, 3000, answered, &a));
		assert_int_equal(a.result, BUS_OK);
		world_end(&w);
	}
}

static void a_body_of_the_greatest_size_passes_and_a_larger_one_is_refused(void **state)
{
	const size_t max = (size_t)1024 * 1024;
	uint8_t *body = mem_alloc(max + 1);

	(void)state;
	for (int t = 0; t < TRANSPORTS; t++) {
		struct world w;
		struct answer a = {.n = 0}, b = {.n = 0};

		world_begin(&w, (enum transport)t);
		struct bus_client *c = serve_and_connect(&w);
		bus_send(c, 0, (struct span){body, max}, 5000, on_done, &a);
		assert_true(run_until(w.loop, 6000, answered, &a));
		assert_int_equal(a.result, BUS_OK);
		assert_int_equal(a.size, max);
		bus_send(c, 0, (struct span){body, max + 1}, 5000, on_done, &b);
		assert_true(run_until(w.loop, 1000, answered, &b));
		assert_int_equal(b.result, BUS_UNAVAILABLE);
		assert_int_equal(bus_live(c), 1);
		world_end(&w);
	}
	free(body);
}

struct crowd {
	size_t ok, other, all;
};

static void crowd_done(void *arg, enum bus_result result, struct span body, uint64_t peer)
{
	struct crowd *crowd = arg;

	(void)body;
	(void)peer;
	crowd->all++;
	if (result == BUS_OK)
		crowd->ok++;
	else
		crowd->other++;
}

static bool crowd_is_300(void *arg)
{
	return ((struct crowd *)arg)->all == 300;
}

/* 300 chunks of 256 KiB are far more than the backlog of a connection: they wait, none is lost. */
static void many_large_bodies_wait_for_their_turn(void **state)
{
	const size_t n = (size_t)256 * 1024;
	uint8_t *body = mem_alloc(n);
	struct world w;
	struct crowd crowd = {0};

	(void)state;
	world_begin(&w, IPC);
	struct bus_client *c = serve_and_connect(&w);
	for (int i = 0; i < 300; i++)
		bus_send(c, 0, (struct span){body, n}, 30000, crowd_done, &crowd);
	assert_true(run_until(w.loop, 30000, crowd_is_300, &crowd));
	assert_int_equal(crowd.ok, 300);
	assert_int_equal(bus_stats(w.other).dials, 1);
	world_end(&w);
	free(body);
}

/* A server that says hello and then neither reads nor answers. Returns the connection. */
static int deaf_accept(int listener)
{
	static const uint8_t hello[] = {0, 'S', 'P', 0, 0, 0x31, 0, 0};
	int fd = accept(listener, NULL, NULL);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, hello, sizeof(hello)), sizeof(hello));
	return fd;
}

static int unix_listener(const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(strlen(path) < sizeof(un.sun_path));
	memcpy(un.sun_path, path, strlen(path));
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(fd, 4), 0);
	return fd;
}

struct results {
	int n[4];
};

static void note_result(void *arg, enum bus_result result, struct span body, uint64_t peer)
{
	(void)body;
	(void)peer;
	((struct results *)arg)->n[result]++;
}

static bool all_100(void *arg)
{
	const struct results *r = arg;

	return r->n[0] + r->n[1] + r->n[2] + r->n[3] == 100;
}

/* RL-35: what may have arrived is lost, what never left waits for the next connection; nothing is
 * sent twice. */
static void calls_that_never_left_survive_a_lost_connection(void **state)
{
	static uint8_t body[64 * 1024];
	struct results any = {{0}}, pinned = {{0}};
	struct world w;

	(void)state;
	world_begin(&w, IPC);
	int listener = unix_listener(w.url + 6);
	struct bus_client *c = bus_connect(w.other, w.url, &w.f);
	int fd = deaf_accept(listener);
	assert_true(run_until(w.loop, 3000, has_live, c));
	for (int i = 0; i < 100; i++) /* ids of peers begin at 1 */
		bus_send(c, 0, (struct span){body, sizeof(body)}, 8000, note_result, &any);
	for (int i = 0; i < 100; i++)
		bus_send(c, 1, (struct span){body, sizeof(body)}, 8000, note_result, &pinned);
	run_for(w.loop, 300);
	assert_false(all_100(&any));
	(void)close(listener);
	(void)unlink(w.url + 6);
	(void)close(fd);
	assert_true(run_until(w.loop, 1000, all_100, &pinned));
	assert_int_equal(pinned.n[BUS_LOST], 100); /* theirs will not come back */
	assert_int_equal(bus_serve(w.bus, w.url, on_request, &w, &w.f), 0);
	assert_true(run_until(w.loop, 9000, all_100, &any));
	assert_in_range(any.n[BUS_LOST], 1, 30);
	assert_int_equal(any.n[BUS_OK], 100 - any.n[BUS_LOST]);
	assert_int_equal(w.served, any.n[BUS_OK]);
	world_end(&w);
}

static void a_server_that_stops_answers_its_open_calls_first(void **state)
{
	struct world w;
	struct answer a = {.n = 0}, b = {.n = 0};

	(void)state;
	world_begin(&w, TCP);
	w.hold = true;
	struct bus_client *c = serve_and_connect(&w);
	bus_send(c, 0, text("old"), 5000, on_done, &a);
	run_for(w.loop, 100);
	assert_int_equal(w.n_held, 1);
	bus_serve_stop(w.bus);
	run_for(w.loop, 300);
	assert_int_equal(bus_live(c), 1);
	bus_send(c, 0, text("new"), 1500, on_done, &b);
	run_for(w.loop, 100);
	bus_reply(w.held[0], text("done"));
	w.n_held = 0;
	assert_true(run_until(w.loop, 2000, answered, &a));
	assert_int_equal(a.result, BUS_OK);
	assert_true(run_until(w.loop, 2000, has_none, c));
	assert_true(run_until(w.loop, 2000, answered, &b));
	assert_int_equal(b.result, BUS_LOST);
	assert_int_equal(w.served, 1);
	world_end(&w);
}

static void the_socket_file_of_a_dead_server_is_replaced_but_not_that_of_a_living_one(void **state)
{
	struct world w;
	struct answer a = {.n = 0};

	(void)state;
	world_begin(&w, IPC);
	/* a socket that was bound and never unlinked, as a killed process leaves it */
	int fd = unix_listener(w.url + 6);
	assert_int_equal(bus_serve(w.bus, w.url, on_request, &w, &w.f), -1);
	assert_true(w.f.code != 0);
	(void)close(fd);
	assert_int_equal(access(w.url + 6, F_OK), 0);
	struct bus_client *c = serve_and_connect(&w);
	bus_send(c, 0, text("x"), 2000, on_done, &a);
	assert_true(run_until(w.loop, 3000, answered, &a));
	assert_int_equal(a.result, BUS_OK);
	world_end(&w);
}

static void wrong_addresses_are_refused_with_a_reason(void **state)
{
	static const char *const wrong[] = {"", "http://x:1", "tcp://host", "ipc://relative",
		"tcp://127.0.0.1:0", "tcp://127.0.0.1:1,nonsense", "inproc://x"};
	struct world w;

	(void)state;
	world_begin(&w, TCP);
	for (size_t i = 0; i < array_len(wrong); i++) {
		w.f = FAULT_INIT;
		assert_null(bus_connect(w.other, wrong[i], &w.f));
		assert_true(w.f.code != 0);
		assert_int_equal(bus_serve(w.bus, wrong[i], on_request, &w, &w.f), -1);
	}
	world_end(&w);
	struct loop *l = loop_new();
	struct bus_opts missing = {"/nonexistent", "/nonexistent", "/nonexistent", 0};
	assert_null(bus_new(l, &missing, &w.f));
	struct bus *plain = bus_new(l, NULL, &w.f);
	assert_null(bus_connect(plain, "tls+tcp://127.0.0.1:1", &w.f));
	bus_free(plain);
	loop_free(l);
}

/* ---- events ---- */

struct events {
	size_t n;
	char last[64];
};

static void on_event(void *arg, struct span body)
{
	struct events *e = arg;

	e->n++;
	(void)snprintf(e->last, sizeof(e->last), "%.*s", (int)body.n, (const char *)body.p);
}

static bool got_event(void *arg)
{
	return ((struct events *)arg)->n > 0;
}

static void subscribers_get_the_events_they_asked_for(void **state)
{
	(void)state;
	for (int t = 0; t < TRANSPORTS; t++) {
		struct world w;
		struct events all = {0}, some = {0};

		world_begin(&w, (enum transport)t);
		assert_int_equal(bus_publish_on(w.bus, w.url, &w.f), 0);
		assert_int_equal(bus_subscribe(w.other, w.url, text(""), on_event, &all, &w.f), 0);
		assert_int_equal(
			bus_subscribe(w.other, w.url, text("job"), on_event, &some, &w.f), 0);
		for (int i = 0; i < 300 && (all.n == 0 || some.n == 0); i++) {
			bus_publish(w.bus, text("job done"));
			run_for(w.loop, 20);
		}
		assert_true(all.n > 0 && some.n > 0);
		assert_string_equal(some.last, "job done");
		size_t before = some.n;
		all.n = 0;
		bus_publish(w.bus, text("other"));
		while (strcmp(all.last, "other") != 0)
			run_for(w.loop, 10);
		assert_int_equal(some.n, before);
		world_end(&w);
	}
}

/* Longer than the silence limits: pings keep a caller's connection, the heartbeat of the bus keeps
 * a subscriber's; services see neither. */
static void quiet_connections_stay(void **state)
{
	struct world w;
	struct answer a = {.n = 0};
	struct events e = {0};
	char events_url[URL_MAX];

	(void)state;
	world_begin(&w, TCP);
	struct bus_client *c = serve_and_connect(&w);
	make_url(&place, IPC, events_url);
	assert_int_equal(bus_publish_on(w.bus, events_url, &w.f), 0);
	assert_int_equal(bus_subscribe(w.other, events_url, text(""), on_event, &e, &w.f), 0);
	run_for(w.loop, 5500);
	assert_int_equal(bus_live(c), 1);
	assert_int_equal(w.served, 0);
	assert_int_equal(e.n, 0);
	assert_int_equal(bus_stats(w.other).closes, 0);
	bus_publish(w.bus, text("x"));
	assert_true(run_until(w.loop, 1000, got_event, &e));
	bus_send(c, 0, text("x"), 2000, on_done, &a);
	assert_true(run_until(w.loop, 3000, answered, &a));
	assert_int_equal(a.result, BUS_OK);
	world_end(&w);
}

static int suite_begin(void **state)
{
	(void)state;
	place_begin(&place);
	return 0;
}

static int suite_end(void **state)
{
	(void)state;
	place_end(&place);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_is_answered),
		cmocka_unit_test(a_call_waits_for_the_server_to_appear),
		cmocka_unit_test(a_call_that_was_never_sent_says_so),
		cmocka_unit_test(a_call_without_an_answer_ends_at_its_deadline),
		cmocka_unit_test(a_lost_connection_fails_the_calls_on_it_at_once),
		cmocka_unit_test(calls_go_round_the_instances_and_a_peer_can_be_named),
		cmocka_unit_test(a_name_is_resolved),
		cmocka_unit_test(a_body_of_the_greatest_size_passes_and_a_larger_one_is_refused),
		cmocka_unit_test(many_large_bodies_wait_for_their_turn),
		cmocka_unit_test(calls_that_never_left_survive_a_lost_connection),
		cmocka_unit_test(a_server_that_stops_answers_its_open_calls_first),
		cmocka_unit_test(
			the_socket_file_of_a_dead_server_is_replaced_but_not_that_of_a_living_one),
		cmocka_unit_test(wrong_addresses_are_refused_with_a_reason),
		cmocka_unit_test(subscribers_get_the_events_they_asked_for),
		cmocka_unit_test(quiet_connections_stay),
	};

	return cmocka_run_group_tests(tests, suite_begin, suite_end);
}
