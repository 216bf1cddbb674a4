// SPDX-License-Identifier: Apache-2.0
/* Orderly ends under full traffic, and a subscriber that does not keep up (docs/spec/bus.md section
 * 5). BUS_CLOSES=600 for a release. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/wait.h>

#include "tests/lib/bus_test.h"

#define OUTSTANDING 64
#define EVENTS_PER_MS 5
#define EVENT_SIZE 500

static struct place place;

/* ---- closes under full traffic ---- */

struct world {
	struct loop *loop;
	struct bus *server, *client_bus;
	struct bus_client *client;
	uint64_t sent, ended, ok;
	bool over;
};

static void echo(void *arg, struct bus_call *call, struct span body)
{
	(void)arg;
	bus_reply(call, body);
}

static void again(void *arg, enum bus_result result, struct span body, uint64_t peer);

static void call(struct world *w)
{
	static const uint8_t body[200];

	w->sent++;
	bus_send(w->client, 0, (struct span){body, sizeof(body)}, 5000, again, w);
}

static void again(void *arg, enum bus_result result, struct span body, uint64_t peer)
{
	struct world *w = arg;

	(void)body;
	(void)peer;
	w->ended++;
	w->ok += result == BUS_OK;
	if (!w->over)
		call(w);
}

static bool flowing(void *arg)
{
	return ((struct world *)arg)->ok > 200;
}

/* The server goes first in every other round. Each call ends exactly once. */
static uint64_t one_close(enum transport t, int round)
{
	struct world w = {.loop = loop_new()};
	struct fault f = FAULT_INIT;
	char url[URL_MAX];

	w.server = bus_new(w.loop, &place.opts, &f);
	w.client_bus = bus_new(w.loop, &place.opts, &f);
	make_url(&place, t, url);
	assert_int_equal(bus_serve(w.server, url, echo, NULL, &f), 0);
	w.client = bus_connect(w.client_bus, url, &f);
	for (int i = 0; i < OUTSTANDING; i++)
		call(&w);
	assert_true(run_until(w.loop, 10000, flowing, &w));
	w.over = true;
	uint64_t start = clock_mono_ms();
	bus_free(round % 2 == 0 ? w.server : w.client_bus);
	bus_free(round % 2 == 0 ? w.client_bus : w.server);
	uint64_t ms = clock_mono_ms() - start;
	assert_int_equal(w.sent, w.ended);
	loop_free(w.loop);
	return ms;
}

/* The library frees the last stream in a thread of its own. */
static bool comes_down_to(const char *what, long n)
{
	uint64_t end = clock_mono_ms() + 3000;

	while (count_of(getpid(), what) > n && clock_mono_ms() < end)
		(void)usleep(5000);
	return count_of(getpid(), what) <= n;
}

static void closes_under_full_traffic_end_in_time_and_leave_nothing(void **state)
{
	const char *setting = getenv("BUS_CLOSES");
	int rounds = setting != NULL ? atoi(setting) : 50;
	long fds = 0, tasks = 0, memory = 0;

	(void)state;
	for (int i = 0; i < rounds + 9; i++) {
		if (i == 9) {
			fds = count_of(getpid(), "fd");
			tasks = count_of(getpid(), "task");
			memory = resident_kb();
		}
		assert_true(one_close((enum transport)(i % TRANSPORTS), i / TRANSPORTS) <= 1500);
	}
	assert_true(comes_down_to("fd", fds));
	assert_true(comes_down_to("task", tasks));
	print_message("# memory %ld KB then %ld KB\n", memory, resident_kb());
#ifndef __SANITIZE_ADDRESS__ /* its quarantine grows by design */
	assert_true(resident_kb() - memory < 4096);
#endif
}

/* ---- a subscriber that is stopped ---- */

struct hearing {
	uint64_t last, gaps, n;
	struct loop *loop;
	int out;
	bool there; /* said so */
};

static void hear(void *arg, struct span body)
{
	struct hearing *h = arg;
	uint64_t seq;

	memcpy(&seq, body.p, sizeof(seq));
	if (!h->there)
		bug_if(write(h->out, &seq, 1) != 1);
	h->there = true;
	if (seq == 0) /* said until both are there */
		return;
	h->n++;
	h->gaps += h->last != 0 && seq != h->last + 1;
	h->last = seq;
	if (seq == UINT64_MAX - 1)
		loop_stop(h->loop);
}

/* A process that hears events until the last one, then says how many it got and how many gaps. */
no_return static void subscriber(const char *url, int out)
{
	struct hearing h = {.loop = loop_new(), .out = out};
	struct fault f = FAULT_INIT;
	struct bus *b = bus_new(h.loop, &place.opts, &f);
	uint64_t said[2];

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	bug_if(b == NULL);
	bug_if(bus_subscribe(b, url, (struct span){NULL, 0}, hear, &h, &f) < 0);
	loop_run(h.loop);
	said[0] = h.n;
	said[1] = h.gaps - 1; /* the last event is out of line by itself */
	bug_if(write(out, said, sizeof(said)) != sizeof(said));
	_exit(0);
}

struct publishing {
	struct bus *bus;
	uint64_t seq;
};

static void publish_one(const struct publishing *p, uint64_t seq)
{
	uint8_t body[EVENT_SIZE] = {0};

	memcpy(body, &seq, sizeof(seq));
	bus_publish(p->bus, (struct span){body, sizeof(body)});
}

static void publish_some(void *arg)
{
	struct publishing *p = arg;

	for (int i = 0; i < EVENTS_PER_MS; i++)
		publish_one(p, ++p->seq);
}

static bool has_said(void *arg)
{
	const int *fd = arg;
	struct timeval none = {0, 0};
	fd_set set;

	FD_ZERO(&set);
	FD_SET(*fd, &set);
	return select(*fd + 1, &set, NULL, NULL, &none) == 1;
}

static void publish_first(void *arg)
{
	publish_one(arg, 0);
}

/* Again and again: a full subscriber may miss one. */
static void publish_last(void *arg)
{
	publish_one(arg, UINT64_MAX - 1);
}

/* In a child, where cmocka's own asserts would run the rest of the suite twice. */
#define must(cond) bug_if(!(cond))

static void stop_one(enum transport t)
{
	struct loop *loop = NULL;
	struct fault f = FAULT_INIT;
	struct publishing p = {.bus = NULL};
	char url[URL_MAX];
	uint64_t said[2][2];
	int out[2][2];
	pid_t pid[2];

	make_url(&place, t, url);
	for (int i = 0; i < 2; i++) { /* before this process starts threads */
		must(pipe(out[i]) == 0);
		pid[i] = fork();
		if (pid[i] == 0)
			subscriber(url, out[i][1]);
	}
	loop = loop_new();
	p.bus = bus_new(loop, &place.opts, &f);
	must(bus_publish_on(p.bus, url, &f) == 0);
	struct timer *timer = timer_new(loop, publish_first, &p);
	timer_set(timer, 1, 20);
	for (int i = 0; i < 2; i++) {
		char there;
		must(run_until(loop, 20000, has_said, &out[i][0]));
		must(read(out[i][0], &there, 1) == 1);
	}
	timer_free(timer);
	timer = timer_new(loop, publish_some, &p);
	timer_set(timer, 1, 1);
	run_for(loop, 200);
	(void)kill(pid[0], SIGSTOP);
	run_for(loop, 7000);
	(void)kill(pid[0], SIGCONT);
	run_for(loop, 700);
	must(bus_stats(p.bus).dropped_events > 0);
	timer_free(timer);
	run_for(loop, 200);
	timer = timer_new(loop, publish_last, &p);
	timer_set(timer, 1, 50);
	for (int i = 0; i < 2; i++) {
		must(run_until(loop, 20000, has_said, &out[i][0]));
		must(read(out[i][0], said[i], sizeof(said[i])) == sizeof(said[i]));
		(void)waitpid(pid[i], NULL, 0);
		(void)close(out[i][0]);
		(void)close(out[i][1]);
	}
	print_message("# %s: %llu published; stopped one got %llu in %llu pieces, the other %llu\n",
		transport_names[t], (unsigned long long)p.seq, (unsigned long long)said[0][0],
		(unsigned long long)said[0][1] + 1, (unsigned long long)said[1][0]);
	must(said[0][1] > 0);
	must(said[1][1] == 0);
	must(said[1][0] == p.seq + 1);
	timer_free(timer);
	bus_free(p.bus);
	loop_free(loop);
}

/* Each transport in a process of its own, all at the same time. */
static void a_stopped_subscriber_sees_a_gap_and_the_others_lose_nothing(void **state)
{
	pid_t pid[TRANSPORTS];
	int failed = 0;

	(void)state;
	for (int t = 0; t < TRANSPORTS; t++) {
		pid[t] = fork();
		if (pid[t] == 0) {
			stop_one((enum transport)t);
			_exit(0);
		}
	}
	for (int t = 0; t < TRANSPORTS; t++) {
		int status = 0;
		(void)waitpid(pid[t], &status, 0);
		failed += status != 0;
	}
	assert_int_equal(failed, 0);
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
		/* first: it forks, which the library allows only before its threads run */
		cmocka_unit_test(a_stopped_subscriber_sees_a_gap_and_the_others_lose_nothing),
		cmocka_unit_test(closes_under_full_traffic_end_in_time_and_leave_nothing),
	};

	return cmocka_run_group_tests(tests, suite_begin, suite_end);
}
