// SPDX-License-Identifier: Apache-2.0
/* Peers that do not play by the rules (docs/spec/bus.md section 5): they are cut in time, cost
 * nothing for long, and a good caller beside them notices nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/un.h>

#include "tests/lib/bus_test.h"

#define LIMIT ((size_t)64 * 1024)

static const uint8_t hello_req[] = {0, 'S', 'P', 0, 0, 0x30, 0, 0};
static const uint8_t hello_rep[] = {0, 'S', 'P', 0, 0, 0x31, 0, 0};
static struct place place;

struct world {
	struct loop *loop;
	struct bus *bus, *good_bus;
	struct bus_client *good;
	char url[URL_MAX];
	struct fault f;
	size_t served, answered;
	struct timer *timer;
};

static void on_request(void *arg, struct bus_call *call, struct span body)
{
	((struct world *)arg)->served++;
	bus_reply(call, body);
}

static void on_good(void *arg, enum bus_result result, struct span body, uint64_t peer)
{
	(void)body;
	(void)peer;
	assert_int_equal(result, BUS_OK);
	((struct world *)arg)->answered++;
}

/* The good caller: a call each 20 ms, all of them must be answered. */
static void good_call(void *arg)
{
	struct world *w = arg;
	static const uint8_t body[] = "good";

	bus_send(w->good, 0, (struct span){body, 4}, 3000, on_good, w);
}

static void world_begin(struct world *w, enum transport t)
{
	*w = (struct world){.loop = loop_new()};
	struct bus_opts opts = place.opts;

	opts.max_frame = LIMIT;
	w->bus = bus_new(w->loop, &opts, &w->f);
	w->good_bus = bus_new(w->loop, &opts, &w->f);
	make_url(&place, t, w->url);
	assert_int_equal(bus_serve(w->bus, w->url, on_request, w, &w->f), 0);
	w->good = bus_connect(w->good_bus, w->url, &w->f);
	w->timer = timer_new(w->loop, good_call, w);
	timer_set(w->timer, 1, 20);
	run_for(w->loop, 200);
}

static bool answered_some(void *arg)
{
	return ((struct world *)arg)->answered > 5;
}

static bool answered_all(void *arg)
{
	struct world *w = arg;

	return bus_stats(w->good_bus).calls == w->answered;
}

static void world_end(struct world *w)
{
	assert_true(run_until(w->loop, 20000, answered_some, w));
	timer_free(w->timer);
	assert_true(run_until(w->loop, 20000, answered_all, w));
	bus_free(w->good_bus);
	bus_free(w->bus);
	loop_free(w->loop);
}

static int raw_connect(const char *url)
{
	int fd;

	if (strncmp(url, "ipc", 3) == 0) {
		struct sockaddr_un un = {.sun_family = AF_UNIX};
		(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", url + 6);
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	} else {
		struct sockaddr_in in = {.sin_family = AF_INET,
			.sin_port = htons((uint16_t)atoi(strrchr(url, ':') + 1)),
			.sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	}
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

static void raw_write(int fd, const void *p, size_t n)
{
	(void)!send(fd, p, n, MSG_NOSIGNAL);
}

/* The peer closed: end of file or reset. What it said before is skipped. */
static bool cut(void *arg)
{
	char skip[4096];
	ssize_t n;

	do {
		n = read(*(int *)arg, skip, sizeof(skip));
	} while (n > 0);
	return n == 0 || (errno != EAGAIN && errno != EINTR);
}

static uint64_t cut_after(struct world *w, int fd, uint64_t ms)
{
	uint64_t start = clock_mono_ms();

	assert_true(run_until(w->loop, ms, cut, &fd));
	(void)close(fd);
	return clock_mono_ms() - start;
}

/* On tls this is also the handshake that never comes. */
static void a_silent_peer_is_cut_after_three_seconds(void **state)
{
	struct world w;
	char url[URL_MAX];
	int fds[TRANSPORTS];
	uint64_t start;

	(void)state;
	world_begin(&w, TCP);
	for (int t = 0; t < TRANSPORTS; t++) {
		make_url(&place, (enum transport)t, url);
		assert_int_equal(bus_serve(w.bus, url, on_request, &w, &w.f), 0);
		fds[t] = raw_connect(url);
	}
	raw_write(fds[TCP], hello_req, 5); /* half a hello is no hello */
	start = clock_mono_ms();
	for (int t = 0; t < TRANSPORTS; t++) {
		(void)cut_after(&w, fds[t], 4500);
		assert_in_range(clock_mono_ms() - start, 2500, 4500);
	}
	world_end(&w);
}

static void garbage_is_cut_at_once(void **state)
{
	static const char http[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

	(void)state;
	for (int t = 0; t < TRANSPORTS; t++) {
		struct world w;

		world_begin(&w, (enum transport)t);
		int fd = raw_connect(w.url);
		raw_write(fd, http, sizeof(http) - 1);
		/* garbage before the TLS handshake may wait for the rest of a record */
		assert_true(cut_after(&w, fd, 4500) < (t == TLS ? 4400 : 1000));
		if (t != TLS)
			assert_true(bus_stats(w.bus).refused_frames > 0);
		world_end(&w);
	}
}

static void a_peer_of_the_wrong_kind_is_cut_at_once(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w, IPC);
	int fd = raw_connect(w.url);
	raw_write(fd, hello_rep, sizeof(hello_rep));
	assert_true(cut_after(&w, fd, 2000) < 1000);
	world_end(&w);
}

/* 40 peers that promise 2^63 bytes, 40 that promise one byte too many, 40 that promise the limit.
 */
static void a_promised_length_costs_no_memory(void **state)
{
	static const uint8_t lengths[][8] = {
		{0x80}, {0, 0, 0, 0, 0, 1, 0, 5}, {0, 0, 0, 0, 0, 1, 0, 4}};
	struct world w;
	int fds[120];

	(void)state;
	world_begin(&w, TCP);
	long before = resident_kb();
	for (size_t i = 0; i < array_len(fds); i++) {
		fds[i] = raw_connect(w.url);
		raw_write(fds[i], hello_req, sizeof(hello_req));
		raw_write(fds[i], lengths[i % 3], 8);
	}
	run_for(w.loop, 300);
	assert_true(resident_kb() - before < 20 * 1024);
	for (size_t i = 0; i < array_len(fds); i++) {
		assert_int_equal(cut(&fds[i]), i % 3 != 2); /* the limit itself is no offence */
		(void)close(fds[i]);
	}
	assert_int_equal(bus_stats(w.bus).refused_frames, 80);
	world_end(&w);
}

static void a_request_without_an_id_is_cut_at_once(void **state)
{
	static const uint8_t frame[] = {0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 1, 'x'};
	struct world w;

	(void)state;
	world_begin(&w, TCP);
	int fd = raw_connect(w.url);
	raw_write(fd, hello_req, sizeof(hello_req));
	raw_write(fd, frame, sizeof(frame));
	assert_true(cut_after(&w, fd, 2000) < 1000);
	world_end(&w);
}

/* Frames byte by byte, and many frames in one write, both have to be whole at the other end. */
static void a_slow_writer_is_understood(void **state)
{
	static const uint8_t frame[] = {1, 0, 0, 0, 0, 0, 0, 0, 5, 0x80, 0, 0, 1, 'x'};
	struct world w;

	(void)state;
	world_begin(&w, IPC);
	int fd = raw_connect(w.url);
	for (size_t i = 0; i < sizeof(hello_req); i++, run_for(w.loop, 2))
		raw_write(fd, hello_req + i, 1);
	for (size_t i = 0; i < sizeof(frame); i++, run_for(w.loop, 2))
		raw_write(fd, frame + i, 1);
	uint8_t many[sizeof(frame) * 50];
	for (size_t i = 0; i < 50; i++)
		memcpy(many + i * sizeof(frame), frame, sizeof(frame));
	raw_write(fd, many, sizeof(many));
	run_for(w.loop, 100);
	uint8_t in[2000];
	assert_int_equal(read(fd, in, sizeof(in)), 8 + 51 * sizeof(frame));
	assert_memory_equal(in, hello_rep, 8);
	assert_memory_equal(in + 8, frame, sizeof(frame));
	(void)close(fd);
	world_end(&w);
}

static uint64_t start_half_a_frame(struct world *w, int *ret_fd)
{
	static const uint8_t half[] = {0, 0, 0, 0, 0, 0, 0, 50, 0x80, 0, 0, 1, 'x'};

	*ret_fd = raw_connect(w->url);
	raw_write(*ret_fd, hello_req, sizeof(hello_req));
	raw_write(*ret_fd, half, sizeof(half));
	return clock_mono_ms();
}

/* Writes requests of 60,000 bytes until the server closes. Returns the most memory seen. */
static long ask_without_reading(struct world *w, int fd, uint64_t end)
{
	static uint8_t frame[8 + 4 + 60000] = {0, 0, 0, 0, 0, 0, 0xea, 0x64, 0x80, 0, 0, 1};
	size_t at = 0;
	long most = 0;

	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLRDHUP};
		ssize_t n = send(fd, frame + at, sizeof(frame) - at, MSG_NOSIGNAL);

		if (n > 0)
			at = (at + (size_t)n) % sizeof(frame);
		most = resident_kb() > most ? resident_kb() : most;
		if ((n < 0 && errno != EAGAIN) || (poll(&p, 1, 0) > 0 && p.revents != 0))
			return most;
		assert_true(clock_mono_ms() < end);
		run_for(w->loop, n > 0 ? 1 : 50);
	}
}

static void half_a_frame_and_a_caller_that_never_reads_are_cut_after_the_idle_time(void **state)
{
	struct world w;
	int half, fd;

	(void)state;
	world_begin(&w, TCP);
	uint64_t start = start_half_a_frame(&w, &half);
	long before = resident_kb();
	fd = raw_connect(w.url);
	raw_write(fd, hello_req, sizeof(hello_req));
	long most = ask_without_reading(&w, fd, start + 19000);
	(void)close(fd);
	assert_true(most - before < 24 * 1024);
	assert_true(clock_mono_ms() - start > 14000);
	(void)cut_after(&w, half, 3000);
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
		cmocka_unit_test(a_silent_peer_is_cut_after_three_seconds),
		cmocka_unit_test(garbage_is_cut_at_once),
		cmocka_unit_test(a_peer_of_the_wrong_kind_is_cut_at_once),
		cmocka_unit_test(a_promised_length_costs_no_memory),
		cmocka_unit_test(a_request_without_an_id_is_cut_at_once),
		cmocka_unit_test(a_slow_writer_is_understood),
		cmocka_unit_test(
			half_a_frame_and_a_caller_that_never_reads_are_cut_after_the_idle_time),
	};

	return cmocka_run_group_tests(tests, suite_begin, suite_end);
}
