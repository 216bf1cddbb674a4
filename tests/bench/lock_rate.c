// SPDX-License-Identifier: Apache-2.0
/* lock_rate URL CLIENTS SECONDS DEVICES_PER_MESSAGE: lock and unlock of random devices out of
 * 100,000, each client with a connection of its own and one call under way. Prints cycles per
 * second and the median ms of a cycle. */
#include <stdio.h>
#include <stdlib.h>

#include "common/bus/bus.h"
#include "common/clock/clock.h"
#include "gen/msg.h"

enum { FLEET = 100000, DEVICES_MAX = 1000, CYCLES_MAX = 1 << 20 };

struct client {
	struct bus_client *bus;
	struct uuid request, devices[DEVICES_MAX];
	uint64_t token, start;
	bool held;
};

static struct {
	struct loop *loop;
	size_t per_message;
	uint64_t cycles, busy, faults;
	double *ms;
	bool stop;
} bench;
static uint64_t seed = 88172645463325252u;

static uint64_t pick(uint64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % n;
}

static void next(struct client *c);

static void took(struct client *c)
{
	if (bench.cycles < CYCLES_MAX)
		bench.ms[bench.cycles] = (double)(clock_mono_ns() - c->start) / 1e6;
	bench.cycles++;
}

static void on_answer(void *arg, enum bus_result result, struct span body, unused uint64_t peer)
{
	struct client *c = arg;
	struct arena arena;
	const struct msg_desc *desc = NULL;
	struct msg_header h;
	struct fault f = FAULT_INIT;
	void *b = NULL;

	arena_init(&arena, 0);
	if (result != BUS_OK || msg_decode(body, &arena, &desc, &h, &b, &f) < 0 ||
		desc == &m_fault_desc) {
		bench.faults++;
		c->held = false;
	} else if (desc == &m_lock_answer_desc) {
		const struct m_lock_answer *a = b;
		c->held = a->answer == LOCK_RESULT_GRANTED;
		bench.busy += !c->held;
		c->token = c->held ? a->grants[0].token : 0;
	} else {
		c->held = false;
		took(c);
	}
	arena_fini(&arena);
	if (!bench.stop)
		next(c);
}

static void send(struct client *c, const struct msg_desc *desc, const void *body)
{
	struct msg_header h = {
		.sender = "bench", .deadline_ms = 10000, .protocol = MSG_PROTOCOL, .actor = ""};
	struct buf out = BUF_INIT;

	msg_encode(&out, desc, &h, body);
	bug_if(out.err);
	bus_send(c->bus, 0, buf_span(&out), 10000, on_answer, c);
	buf_fini(&out);
}

static struct uuid device(uint64_t n)
{
	struct uuid id = {.b = {1}};

	for (size_t i = 0; i < 4; i++)
		id.b[12 + i] = (uint8_t)(n >> (24 - 8 * i));
	return id;
}

static void next(struct client *c)
{
	if (c->held) {
		struct m_held held = {.request = c->request, .token = c->token};
		struct m_lock_release m = {.session = {.b = {2}}, .locks = &held, .locks_n = 1};
		send(c, &m_lock_release_desc, &m);
		return;
	}
	uint64_t first = pick(FLEET - bench.per_message);
	for (size_t i = 0; i < bench.per_message; i++)
		c->devices[i] = device(first + i);
	c->request = uuid_v7(clock_wall_ms());
	c->start = clock_mono_ns();
	struct m_lock_acquire m = {.request = c->request,
		.session = {.b = {2}},
		.kind = LOCK_KIND_OWN,
		.op = "indiv_ie",
		.direction = LOCK_DIRECTION_EXPORT,
		.devices = c->devices,
		.devices_n = bench.per_message,
		.items = (const char *[]){"indiv_address_book"},
		.items_n = 1};
	send(c, &m_lock_acquire_desc, &m);
}

static void halt(unused void *arg)
{
	loop_stop(bench.loop);
}

static void run_for(struct timer *t, uint64_t ms)
{
	timer_set(t, ms, 0);
	loop_run(bench.loop);
}

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

int main(int argc, char **argv)
{
	struct bus_opts opts = {0};
	struct fault f = FAULT_INIT;

	if (argc != 5)
		return 64;
	size_t n = (size_t)atoi(argv[2]);
	struct client *all = mem_alloc(n * sizeof(*all));
	bench.loop = loop_new();
	bench.per_message = (size_t)atoi(argv[4]);
	bench.ms = mem_alloc(CYCLES_MAX * sizeof(*bench.ms));
	struct bus *bus = bus_new(bench.loop, &opts, &f);
	struct timer *t = timer_new(bench.loop, halt, NULL);
	bug_if(bus == NULL || t == NULL || bench.per_message > DEVICES_MAX);
	for (size_t i = 0; i < n; i++) {
		all[i].bus = bus_connect(bus, argv[1], &f);
		bug_if(all[i].bus == NULL);
	}
	for (size_t i = 0; i < n; i++)
		while (bus_live(all[i].bus) == 0)
			run_for(t, 10);
	for (size_t i = 0; i < n; i++)
		next(&all[i]);
	run_for(t, 500); /* warm */
	bench.cycles = 0;
	uint64_t start = clock_mono_ns();
	run_for(t, (uint64_t)(atof(argv[3]) * 1000));
	double seconds = (double)(clock_mono_ns() - start) / 1e9;
	uint64_t cycles = bench.cycles;
	bench.stop = true;
	size_t known = (size_t)(cycles < CYCLES_MAX ? cycles : CYCLES_MAX);
	qsort(bench.ms, known, sizeof(*bench.ms), by_size);
	printf("%.0f %.3f\n", (double)cycles / seconds, known > 0 ? bench.ms[known / 2] : 0.0);
	if (bench.faults > 0)
		(void)fprintf(stderr, "%llu faults\n", (unsigned long long)bench.faults);
	return bench.faults > 0 || cycles == 0;
}
