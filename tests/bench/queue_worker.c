// SPDX-License-Identifier: Apache-2.0
/* A worker that does no work, for tests/bench/queue.sh: how fast jobs go through claim and
 * completion.
 *
 *     queue_worker URL thr N IN_FLIGHT PATH   claims and ends jobs until N have ended; PATH short:
 *                                             claimed to skipped; full: running, storing, succeeded
 *     queue_worker URL lat N EVENTS_URL       N runs of one device: run_start called → claim
 * answered Prints "key<TAB>value<TAB>unit" lines. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bus/bus.h"
#include "common/clock/clock.h"
#include "gen/msg.h"

#define SLOTS 64u

struct chain; /* one claim → (steps) → results, again and again */

static struct {
	struct loop *loop;
	struct bus *bus;
	struct bus_client *to;
	struct uuid worker;
	uint64_t want, ended, started_ns;
	bool full;
} w;

enum step { CLAIM, RUN, STORE, RESULT };

struct chain {
	enum step step;
	struct uuid jobs[SLOTS];
	uint64_t attempts[SLOTS];
	size_t n;
};

static void send_next(struct chain *c);

static void on_answer(void *arg, enum bus_result result, struct span body, unused uint64_t peer)
{
	struct chain *c = arg;
	struct arena arena;
	const struct msg_desc *desc = NULL;
	struct msg_header h;
	void *m = NULL;
	struct fault f = FAULT_INIT;

	if (w.ended >= w.want) /* the last claims find nobody */
		return;
	arena_init(&arena, 0);
	if (result != BUS_OK || msg_decode(body, &arena, &desc, &h, &m, &f) < 0 ||
		desc == &m_fault_desc) {
		(void)fprintf(stderr, "step %d: result %d %s\n", (int)c->step, (int)result,
			desc == &m_fault_desc ? ((struct m_fault *)m)->detail : f.detail);
		exit(1);
	}
	if (c->step == CLAIM) {
		const struct m_job_batch *b = m;
		if (w.started_ns == 0)
			w.started_ns = clock_mono_ns();
		c->n = b->jobs_n;
		for (size_t i = 0; i < c->n; i++) {
			c->jobs[i] = b->jobs[i].job;
			c->attempts[i] = b->jobs[i].attempt;
		}
		c->step = c->n == 0 ? CLAIM : w.full ? RUN : RESULT;
	} else if (c->step == RUN || c->step == STORE) {
		bug_if(((const struct m_job_advanced *)m)->refused_n > 0);
		c->step++;
	} else {
		bug_if(((const struct m_job_results *)m)->refused_n > 0);
		w.ended += c->n;
		c->step = CLAIM;
	}
	arena_fini(&arena);
	if (w.ended >= w.want)
		loop_stop(w.loop);
	else
		send_next(c);
}

static void ask(const struct msg_desc *desc, const void *body, bus_done_fn done, void *arg)
{
	struct msg_header h = {
		.sender = "bench", .deadline_ms = 60000, .protocol = MSG_PROTOCOL, .actor = ""};
	struct buf out = BUF_INIT;

	h.request = h.trace = uuid_v7(clock_wall_ms());
	msg_encode(&out, desc, &h, body);
	bug_if(out.err);
	bus_send(w.to, 0, buf_span(&out), 60000, done, arg);
	buf_fini(&out);
}

static void send_steps(struct chain *c)
{
	struct m_job_step steps[SLOTS] = {0};
	struct m_job_advance m = {.worker = w.worker, .steps = steps, .steps_n = c->n};

	for (size_t i = 0; i < c->n; i++)
		steps[i] = (struct m_job_step){.job = c->jobs[i],
			.attempt = c->attempts[i],
			.state = c->step == RUN ? JOB_STATE_RUNNING : JOB_STATE_STORING};
	ask(&m_job_advance_desc, &m, on_answer, c);
}

static void send_results(struct chain *c)
{
	struct m_job_outcome results[SLOTS] = {0};
	struct m_job_result m = {.worker = w.worker, .results = results, .results_n = c->n};

	for (size_t i = 0; i < c->n; i++)
		results[i] = (struct m_job_outcome){.job = c->jobs[i],
			.attempt = c->attempts[i],
			.state = w.full ? JOB_STATE_SUCCEEDED : JOB_STATE_SKIPPED,
			.code = w.full ? 0 : 1006};
	ask(&m_job_result_desc, &m, on_answer, c);
}

static void send_next(struct chain *c)
{
	struct m_job_claim claim = {.worker = w.worker, .slots = SLOTS};

	if (c->step == CLAIM)
		ask(&m_job_claim_desc, &claim, on_answer, c);
	else if (c->step == RESULT)
		send_results(c);
	else
		send_steps(c);
}

static void throughput(size_t in_flight)
{
	struct chain *chains = mem_alloc(in_flight * sizeof(*chains));

	for (size_t i = 0; i < in_flight; i++)
		send_next(&chains[i]);
	loop_run(w.loop);
	uint64_t ns = clock_mono_ns() - w.started_ns;
	printf("process\t%.0f\tjobs/s\n", (double)w.ended * 1e9 / (double)ns);
}

/* ---- latency ---- */

static struct {
	double *ms;
	size_t n, want;
	uint64_t called;
	bool waiting; /* a claim is out */
	struct chain done;
} lat;

static void next_run(void *arg);

static void lat_ended(
	unused void *arg, enum bus_result result, unused struct span body, unused uint64_t peer)
{
	bug_if(result != BUS_OK);
	if (lat.n == lat.want)
		loop_stop(w.loop);
	else
		next_run(NULL);
}

static void lat_claimed(
	unused void *arg, enum bus_result result, struct span body, unused uint64_t peer)
{
	struct arena arena;
	const struct msg_desc *desc = NULL;
	struct msg_header h;
	void *m = NULL;
	struct fault f = FAULT_INIT;

	lat.waiting = false;
	arena_init(&arena, 0);
	bug_if(result != BUS_OK || msg_decode(body, &arena, &desc, &h, &m, &f) < 0);
	const struct m_job_batch *b = m;
	if (desc == &m_job_batch_desc && b->jobs_n == 1) {
		lat.ms[lat.n++] = (double)(clock_mono_ns() - lat.called) / 1e6;
		struct m_job_outcome o = {.job = b->jobs[0].job,
			.attempt = b->jobs[0].attempt,
			.state = JOB_STATE_SKIPPED,
			.code = 1006};
		struct m_job_result r = {.worker = w.worker, .results = &o, .results_n = 1};
		ask(&m_job_result_desc, &r, lat_ended, NULL);
	}
	arena_fini(&arena);
}

/* The hint that a worker waits for. */
static void lat_event(unused void *arg, unused struct span body)
{
	struct m_job_claim claim = {.worker = w.worker, .slots = 1};

	if (lat.waiting)
		return;
	lat.waiting = true;
	ask(&m_job_claim_desc, &claim, lat_claimed, NULL);
}

static void lat_started(
	unused void *arg, enum bus_result result, struct span body, unused uint64_t peer)
{
	bug_if(result != BUS_OK || body.n < 4);
}

static void next_run(unused void *arg)
{
	struct m_run_start start = {.ref = "bench"};

	lat.called = clock_mono_ns();
	ask(&m_run_start_desc, &start, lat_started, NULL);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void latency(const char *events)
{
	static const uint8_t ready[] = {0x93, 0xcd, MSG_JOBS_READY >> 8, MSG_JOBS_READY & 0xff};
	struct fault f = FAULT_INIT;
	struct timer *t = timer_new(w.loop, next_run, NULL);

	lat.want = (size_t)w.want;
	lat.ms = mem_alloc(lat.want * sizeof(*lat.ms));
	bug_if(bus_subscribe(w.bus, events, (struct span){ready, 4}, lat_event, NULL, &f) < 0);
	timer_set(t, 500, 0);
	loop_run(w.loop);
	qsort(lat.ms, lat.n, sizeof(*lat.ms), by_size);
	printf("start p50\t%.3f\tms\nstart p99\t%.3f\tms\n", lat.ms[lat.n / 2],
		lat.ms[lat.n * 99 / 100]);
	timer_free(t);
}

int main(int argc, char **argv)
{
	struct bus_opts opts = {0};
	struct fault f = FAULT_INIT;

	if (argc < 5)
		return 64;
	w.loop = loop_new();
	w.bus = bus_new(w.loop, &opts, &f);
	w.to = w.bus == NULL ? NULL : bus_connect(w.bus, argv[1], &f);
	if (w.to == NULL) {
		(void)fprintf(stderr, "%s\n", f.detail);
		return 69;
	}
	w.worker = uuid_v7(clock_wall_ms());
	w.want = strtoull(argv[3], NULL, 10);
	w.full = argc > 5 && strcmp(argv[5], "full") == 0;
	if (strcmp(argv[2], "lat") == 0)
		latency(argv[4]);
	else
		throughput(strtoul(argv[4], NULL, 10));
	bus_free(w.bus);
	loop_free(w.loop);
	return 0;
}
