// SPDX-License-Identifier: Apache-2.0
/* Stock NNG sockets and the bus understand each other, both ways, on each transport
 * (docs/spec/bus.md section 1). The stock side blocks in a thread of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>

#include "tests/lib/bus_stock.h"

#define ROUNDS 50

static struct place place;

struct world {
	struct loop *loop;
	struct bus *bus;
	struct fault f;
	char url[URL_MAX];
	pthread_t thread;
	nng_socket socket;
	atomic_int stock_ok, stock_done; /* rounds that went well; the thread is over */
	int ours_ok, ours_bad;
};

static void world_begin(struct world *w, enum transport t)
{
	*w = (struct world){.loop = loop_new()};
	w->bus = bus_new(w->loop, &place.opts, &w->f);
	assert_non_null(w->bus);
	make_url(&place, t, w->url);
}

static void world_end(struct world *w)
{
	bus_free(w->bus);
	(void)nng_close(w->socket);
	loop_free(w->loop);
}

static void timeouts(nng_socket s, int ms)
{
	stock_ok("receive time", nng_setopt_ms(s, NNG_OPT_RECVTIMEO, ms));
	(void)nng_setopt_ms(s, NNG_OPT_SENDTIMEO, ms);
}

static bool stock_done(void *arg)
{
	return atomic_load(&((struct world *)arg)->stock_done) != 0;
}

static void echo(void *arg, struct bus_call *call, struct span body)
{
	(void)arg;
	bus_reply(call, body);
}

/* ---- stock REQ calls us ---- */

static void *stock_req(void *arg)
{
	struct world *w = arg;
	char out[40], in[40];

	for (int i = 0; i < ROUNDS; i++) {
		size_t n = sizeof(in);
		(void)snprintf(out, sizeof(out), "question %d", i);
		if (nng_send(w->socket, out, strlen(out) + 1, 0) == 0 &&
			nng_recv(w->socket, in, &n, 0) == 0 && strcmp(in, out) == 0)
			atomic_fetch_add(&w->stock_ok, 1);
	}
	atomic_store(&w->stock_done, 1);
	return NULL;
}

static void a_stock_req_socket_calls_the_bus(void **state)
{
	(void)state;
	for (int t = 0; t < TRANSPORTS; t++) {
		struct world w;

		world_begin(&w, (enum transport)t);
		assert_int_equal(bus_serve(w.bus, w.url, echo, NULL, &w.f), 0);
		stock_ok("req", nng_req0_open(&w.socket));
		timeouts(w.socket, 5000);
		stock_dial(&place, w.socket, w.url);
		assert_int_equal(pthread_create(&w.thread, NULL, stock_req, &w), 0);
		assert_true(run_until(w.loop, 20000, stock_done, &w));
		(void)pthread_join(w.thread, NULL);
		assert_int_equal(atomic_load(&w.stock_ok), ROUNDS);
		assert_int_equal(bus_stats(w.bus).refused_frames, 0);
		world_end(&w);
	}
}

/* ---- we call stock REP ---- */

static void *stock_rep(void *arg)
{
	struct world *w = arg;
	char in[64];

	for (;;) {
		size_t n = sizeof(in);
		if (nng_recv(w->socket, in, &n, 0) != 0 || nng_send(w->socket, in, n, 0) != 0)
			break;
		atomic_fetch_add(&w->stock_ok, 1);
	}
	atomic_store(&w->stock_done, 1);
	return NULL;
}

static void on_done(void *arg, enum bus_result result, struct span body, uint64_t peer)
{
	struct world *w = arg;

	(void)peer;
	if (result == BUS_OK && body.n == 4 && memcmp(body.p, "call", 4) == 0)
		w->ours_ok++;
	else
		w->ours_bad++;
}

static bool all_calls(void *arg)
{
	const struct world *w = arg;

	return (w->ours_ok + w->ours_bad) % ROUNDS == 0;
}

static void call_all(struct world *w, struct bus_client *c)
{
	for (int i = 0; i < ROUNDS; i++)
		bus_send(c, 0, (struct span){(const uint8_t *)"call", 4}, 8000, on_done, w);
	run_for(w->loop, 20);
	assert_true(run_until(w->loop, 10000, all_calls, w));
}

/* Between two rounds the connection is quiet for so long that it is pinged: the stock socket
 * answers that as it answers everything. */
static void the_bus_calls_a_stock_rep_socket(void **state)
{
	(void)state;
	for (int t = 0; t < TRANSPORTS; t++) {
		struct world w;

		world_begin(&w, (enum transport)t);
		stock_ok("rep", nng_rep0_open(&w.socket));
		timeouts(w.socket, 20000);
		stock_listen(&place, w.socket, w.url);
		assert_int_equal(pthread_create(&w.thread, NULL, stock_rep, &w), 0);
		struct bus_client *c = bus_connect(w.bus, w.url, &w.f);
		call_all(&w, c);
		run_for(w.loop, 2500);
		assert_int_equal(bus_stats(w.bus).closes, 0);
		call_all(&w, c);
		assert_int_equal(w.ours_ok, 2 * ROUNDS);
		assert_in_range(atomic_load(&w.stock_ok), 2 * ROUNDS + 1, 2 * ROUNDS + 4);
		world_end(&w);
		(void)pthread_join(w.thread, NULL);
	}
}

/* ---- stock SUB hears us ---- */

static void *stock_sub(void *arg)
{
	struct world *w = arg;
	char in[64];

	for (int i = 0; i < ROUNDS; i++) {
		size_t n = sizeof(in);
		if (nng_recv(w->socket, in, &n, 0) == 0 && n == 7 && memcmp(in, "job 123", 7) == 0)
			atomic_fetch_add(&w->stock_ok, 1);
	}
	atomic_store(&w->stock_done, 1);
	return NULL;
}

static void publish_both(void *arg)
{
	struct world *w = arg;

	bus_publish(w->bus, (struct span){(const uint8_t *)"other", 5});
	bus_publish(w->bus, (struct span){(const uint8_t *)"job 123", 7});
}

static void a_stock_sub_socket_hears_what_it_subscribed_to(void **state)
{
	(void)state;
	for (int t = 0; t < TRANSPORTS; t++) {
		struct world w;

		world_begin(&w, (enum transport)t);
		assert_int_equal(bus_publish_on(w.bus, w.url, &w.f), 0);
		stock_ok("sub", nng_sub0_open(&w.socket));
		stock_ok("subscribe", nng_setopt(w.socket, NNG_OPT_SUB_SUBSCRIBE, "job", 3));
		timeouts(w.socket, 5000);
		stock_dial(&place, w.socket, w.url);
		assert_int_equal(pthread_create(&w.thread, NULL, stock_sub, &w), 0);
		struct timer *timer = timer_new(w.loop, publish_both, &w);
		timer_set(timer, 5, 5);
		assert_true(run_until(w.loop, 20000, stock_done, &w));
		(void)pthread_join(w.thread, NULL);
		assert_int_equal(atomic_load(&w.stock_ok), ROUNDS);
		timer_free(timer);
		world_end(&w);
	}
}

/* ---- we hear stock PUB ---- */

static void *stock_pub(void *arg)
{
	struct world *w = arg;

	while (atomic_load(&w->stock_done) == 0) {
		(void)nng_send(w->socket, (char[]){"other"}, 5, 0);
		(void)nng_send(w->socket, (char[]){"job 123"}, 7, 0);
		(void)usleep(5000);
	}
	return NULL;
}

static void on_event(void *arg, struct span body)
{
	struct world *w = arg;

	if (body.n == 7 && memcmp(body.p, "job 123", 7) == 0)
		w->ours_ok++;
	else
		w->ours_bad++;
}

static bool enough_events(void *arg)
{
	return ((struct world *)arg)->ours_ok >= ROUNDS;
}

static void the_bus_hears_a_stock_pub_socket(void **state)
{
	(void)state;
	for (int t = 0; t < TRANSPORTS; t++) {
		struct world w;
		const struct span prefix = {(const uint8_t *)"job", 3};

		world_begin(&w, (enum transport)t);
		stock_ok("pub", nng_pub0_open(&w.socket));
		stock_listen(&place, w.socket, w.url);
		assert_int_equal(pthread_create(&w.thread, NULL, stock_pub, &w), 0);
		assert_int_equal(bus_subscribe(w.bus, w.url, prefix, on_event, &w, &w.f), 0);
		assert_true(run_until(w.loop, 20000, enough_events, &w));
		assert_int_equal(w.ours_bad, 0);
		assert_int_equal(bus_stats(w.bus).refused_frames, 0);
		atomic_store(&w.stock_done, 1);
		(void)pthread_join(w.thread, NULL);
		world_end(&w);
	}
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
		cmocka_unit_test(a_stock_req_socket_calls_the_bus),
		cmocka_unit_test(the_bus_calls_a_stock_rep_socket),
		cmocka_unit_test(a_stock_sub_socket_hears_what_it_subscribed_to),
		cmocka_unit_test(the_bus_hears_a_stock_pub_socket),
	};

	return cmocka_run_group_tests(tests, suite_begin, suite_end);
}
