// SPDX-License-Identifier: Apache-2.0
/* Virtual time, chance and trouble: one seed from its beginning to its end. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/sim/sim.h"

enum { CHAOS_MS = 360000, HEAL_MS = 7200000, TROUBLE_MS = 1000 };

static const int64_t begin_ms = INT64_C(1800000000000);

struct sim sim;

/* ---- chance ---- */

static uint64_t draw(void)
{
	uint64_t x = (sim.random += 0x9e3779b97f4a7c15u);

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

unsigned dice(unsigned n)
{
	return n > 0 ? (unsigned)(draw() % n) : 0;
}

bool one_in(unsigned n)
{
	return n > 0 && dice(n) == 0;
}

/* ---- ids ---- */

struct uuid id_of(unsigned kind, uint32_t number)
{
	struct uuid id = {{(uint8_t)kind}};

	for (int i = 0; i < 4; i++)
		id.b[12 + i] = (uint8_t)(number >> (24 - 8 * i));
	return id;
}

uint32_t number_of(const struct uuid *id)
{
	uint32_t n = 0;

	for (int i = 0; i < 4; i++)
		n = n << 8 | id->b[12 + i];
	return n;
}

struct truth *truth_of(uint32_t request)
{
	bug_if(request >= sim.truths_n);
	return &sim.truths[request];
}

uint32_t new_request(const struct ledger_ask *ask)
{
	if (sim.truths_n == sim.truths_cap) {
		sim.truths_cap *= 2;
		sim.truths = mem_realloc(sim.truths, sim.truths_cap * sizeof(*sim.truths));
	}
	uint32_t n = (uint32_t)sim.truths_n++;
	struct truth *x = &sim.truths[n];

	memset(x, 0, sizeof(*x));
	x->ask = *ask;
	x->ask.request = id_of(1, n);
	x->ask.digest.p = keep(&n, sizeof(n));
	x->ask.digest.n = sizeof(n);
	return n;
}

/* ---- what happened ---- */

void note(const char *fmt, ...)
{
	char *line = sim.lines[sim.notes++ % LINES];
	va_list ap;

	int n = snprintf(line, sizeof(sim.lines[0]), "%lld ", (long long)(sim.now - begin_ms));
	va_start(ap, fmt);
	(void)vsnprintf(line + n, sizeof(sim.lines[0]) - (size_t)n, fmt, ap);
	va_end(ap);
	for (const char *p = line; *p != '\0'; p++)
		sim.hash = (sim.hash ^ (uint8_t)*p) * 0x100000001b3u;
	if (sim.trace)
		(void)printf("%s\n", line);
}

void broken(const char *fmt, ...)
{
	va_list ap;

	if (sim.failed)
		return;
	sim.failed = true;
	va_start(ap, fmt);
	(void)vsnprintf(sim.why, sizeof(sim.why), fmt, ap);
	va_end(ap);
	note("BROKEN %s", sim.why);
}

/* ---- time ---- */

int64_t db_clock(void)
{
	return sim.now + sim.step;
}

void *keep(const void *what, size_t n)
{
	void *copy = n > 0 ? arena_dup(&sim.arena, what, n) : arena_alloc(&sim.arena, 1);

	bug_if(copy == NULL);
	return copy;
}

static bool before(const struct event *a, const struct event *b)
{
	return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

static void swap(size_t a, size_t b)
{
	struct event e = sim.events[a];

	sim.events[a] = sim.events[b];
	sim.events[b] = e;
}

void at(int64_t ms, void (*run)(void *arg), void *arg)
{
	if (sim.events_n == sim.events_cap) {
		sim.events_cap = sim.events_cap > 0 ? sim.events_cap * 2 : 1024;
		sim.events = mem_realloc(sim.events, sim.events_cap * sizeof(*sim.events));
	}
	size_t i = sim.events_n++;

	sim.events[i] =
		(struct event){.at = sim.now + ms, .seq = sim.next_seq++, .run = run, .arg = arg};
	for (; i > 0 && before(&sim.events[i], &sim.events[(i - 1) / 2]); i = (i - 1) / 2)
		swap(i, (i - 1) / 2);
}

static struct event pop(void)
{
	struct event first = sim.events[0];
	size_t i = 0;

	sim.events[0] = sim.events[--sim.events_n];
	for (;;) {
		size_t least = i;
		for (size_t k = 2 * i + 1; k <= 2 * i + 2 && k < sim.events_n; k++)
			if (before(&sim.events[k], &sim.events[least]))
				least = k;
		if (least == i)
			return first;
		swap(i, least);
		i = least;
	}
}

/* ---- trouble ---- */

static void database_returns(void *arg)
{
	(void)arg;
	sim.db_down = false;
}

static void database_falls(void *arg)
{
	(void)arg;
	if (sim.healing) {
		sim.frozen = false;
		return;
	}
	database_failover();
	sim.db_down = true;
	at(500 + dice(8000), database_returns, NULL);
}

static void step_clock(int64_t to)
{
	sim.step = to;
	sim.count.steps_of_clock++;
	note("database clock %+lld ms", (long long)to);
}

static int64_t some_step(void)
{
	int64_t size = dice(2) ? 1500 + dice(10000) : 1500 + dice(3600000);

	return dice(2) ? size : -size;
}

static void disturb_processes(void)
{
	uint32_t w = dice(sim.workers_n), i = dice(sim.instances_n);

	if (one_in(sim.rates.kill_worker))
		worker_kill(w, "by somebody");
	if (one_in(sim.rates.stop_worker) && sim.workers[w].alive) {
		sim.workers[w].stopped_until = sim.now + dice(dice(2) ? 20000 : 200000);
		note("worker %u is stopped", w);
	}
	if (one_in(sim.rates.kill_instance))
		instance_kill(i);
	if (one_in(sim.rates.stop_instance) && sim.instances[i].alive) {
		sim.instances[i].stopped_until = sim.now + dice(20000);
		note("instance %u is stopped", i);
	}
}

static void stand(uint32_t device, enum sync_state state)
{
	static const char *const servers[] = {"localhost:8443", "10.0.0.9:8443"};
	struct message m = {.kind = M_STAND,
		.worker = UINT32_MAX,
		.stand = {.device = id_of(2, device),
			.role = dice(3) ? SYNC_ROLE_SERVER_CLIENT : SYNC_ROLE_CLIENT,
			.state = state,
			.destination = servers[dice(2)],
			.prepared = db_clock() - (int64_t)dice(1200000)}};

	send_message(&m);
}

static void disturb_devices(void)
{
	static const unsigned seen[] = {
		OP_SEND, OP_FAX, OP_PANEL, OP_WEB_CONTENT, OP_SLEEP, OP_SYNC, OP_ERROR_CODE};
	uint32_t d = dice(sim.devices_n);

	if (one_in(sim.rates.foreign)) {
		sim.printers[d].foreign = seen[dice(array_len(seen))];
		sim.printers[d].foreign_until = sim.now + dice(20000);
	}
	if (one_in(sim.rates.sync))
		stand(d, dice(2) ? SYNC_STATE_RUNNING : SYNC_STATE_STOPPED);
}

static void trouble(void *arg)
{
	if (sim.healing)
		return;
	disturb_processes();
	disturb_devices();
	if (one_in(sim.rates.step))
		step_clock(dice(3) ? some_step() : 0);
	if (one_in(sim.rates.failover) && !sim.frozen && !sim.db_down) {
		database_snapshot();
		at(dice(6000), database_falls, NULL);
	}
	at(TROUBLE_MS, trouble, arg);
}

/* Somebody looks at every device now and then: quarantine ends by a clear probe. */
static void look_around(void *arg)
{
	struct message m = {.kind = M_OBSERVE, .worker = UINT32_MAX};
	uint32_t d = dice(sim.devices_n);

	m.seen = (struct m_observation){
		.device = id_of(2, d), .failed = one_in(sim.healing ? 0 : 6)};
	m.seen.ops_n = probe(d, m.seen_ops);
	send_message(&m);
	at(2000 + dice(2000), look_around, arg);
}

static void stops_sync(void *arg)
{
	stand(*(const uint32_t *)arg, SYNC_STATE_STOPPED);
}

/* RL-45: from here on nothing goes wrong any more, and all must come to its end. */
static void heal(void *arg)
{
	(void)arg;
	sim.healing = true;
	sim.heal_from = sim.now;
	sim.rates = (struct rates){.lost = 0};
	sim.db_down = sim.frozen = false;
	for (uint32_t d = 0; d < sim.devices_n; d++) {
		sim.printers[d].foreign = 0;
		at(100000, stops_sync, keep(&d, sizeof(d)));
	}
	if (sim.step != 0)
		step_clock(0);
	note("healed");
}

/* ---- a run ---- */

static unsigned rate(unsigned often)
{
	return dice(3) ? often + dice(often) : 0;
}

static void choose(void)
{
	sim.workers_n = 2 + dice(WORKERS - 1);
	sim.devices_n = 1 + dice(DEVICES);
	sim.instances_n = 1 + dice(INSTANCES);
	sim.lease_ms = 10000 + 1000 * dice(21);
	lock_profile_generic(&sim.profile);
	sim.profile.quarantine_ms = 30000 + 1000 * dice(31);
	sim.profile.quarantine_max_ms = sim.profile.quarantine_ms + 1000 * dice(300);
	sim.profile.max_hold_ms = dice(3) ? 3600000 : 60000 + dice(120000);
	sim.profile.shared_export = dice(4) == 0;
	sim.profile.strict = dice(8) == 0;
	sim.rates = (struct rates){.kill_worker = rate(30),
		.stop_worker = rate(8),
		.kill_instance = rate(25),
		.stop_instance = rate(20),
		.failover = rate(90),
		.step = rate(30),
		.lost = rate(25),
		.twice = rate(20),
		.late = rate(40),
		.foreign = rate(10),
		.sync = rate(15)};
}

static void start(void)
{
	sim.db.timeline = 1 + dice(5);
	for (uint32_t i = 0; i < sim.instances_n; i++) {
		sim.instances[i].boot = dice(1000000);
		instance_start(i);
	}
	for (uint32_t w = 0; w < sim.workers_n; w++) {
		sim.workers[w].boot = 1000000 + dice(1000000);
		worker_start(w);
	}
	scheduler_start();
	at(TROUBLE_MS, trouble, NULL);
	at(1000, look_around, NULL);
	at(CHAOS_MS, heal, NULL);
}

static bool at_rest(void)
{
	for (uint32_t d = 0; d < sim.devices_n; d++)
		if (sim.db.devices[d].held_n > 0 || sim.db.devices[d].waiting_n > 0)
			return false;
	return sim.healing && sim.now > sim.heal_from + 30000 && jobs_done();
}

/* I8 and completion: what is left when nothing went wrong for an hour. */
static void check_rest(void)
{
	for (uint32_t d = 0; d < sim.devices_n; d++)
		for (size_t i = 0; i < sim.db.devices[d].held_n; i++) {
			const struct s_held *h = &sim.db.devices[d].held[i];
			note("device %u: %s %u in state %d until %lld, clear %d", d,
				op_id(h->h.use.op), number_of(&h->h.request), (int)h->h.state,
				(long long)(h->h.until_ms - sim.now), h->life.clear);
		}
	for (size_t i = 0; i < sim.db.jobs_n && !sim.failed; i++)
		if (!job_terminal(sim.db.jobs[i].job.state))
			broken("job %zu did not end, state %d", i + 1,
				(int)sim.db.jobs[i].job.state);
	for (uint32_t d = 0; d < sim.devices_n && !sim.failed; d++) {
		const struct s_device *s = &sim.db.devices[d];
		if (s->waiting_n > 0 && s->waiting[0].until_ms + 2000 < db_clock())
			broken("I8: request %u still waits", number_of(&s->waiting[0].request));
		if (s->held_n > 0)
			broken("I10: device %u is still held by %u, state %d", d,
				number_of(&s->held[0].h.request), (int)s->held[0].h.state);
	}
}

void sim_free(void)
{
	for (uint32_t i = 0; i < INSTANCES; i++)
		for (size_t k = 0; k < 2; k++) {
			struct txn *t = &sim.instances[i].txn[k];
			if (t->open && t->locked)
				ledger_fini(&t->ledger);
			if (t->open)
				arena_fini(&t->arena);
		}
	arena_fini(&sim.arena);
	free(sim.events);
	free(sim.truths);
	free(sim.db.requests);
	free(sim.standby.requests);
	memset(&sim, 0, sizeof(sim));
}

bool sim_run(uint64_t seed, enum sim_bug bug, bool trace)
{
	memset(&sim, 0, sizeof(sim));
	sim.seed = seed;
	sim.random = seed * 0x9e3779b97f4a7c15u;
	sim.bug = bug;
	sim.trace = trace;
	sim.now = begin_ms;
	sim.hash = 0xcbf29ce484222325u;
	arena_init(&sim.arena, 0);
	sim.truths_cap = 1024;
	sim.truths = mem_alloc(sim.truths_cap * sizeof(*sim.truths));
	sim.truths_n = 1; /* 0 is nobody */
	choose();
	start();
	while (sim.events_n > 0 && !sim.failed && sim.now < begin_ms + CHAOS_MS + HEAL_MS) {
		struct event e = pop();
		sim.now = e.at;
		e.run(e.arg);
		if (e.run == look_around && at_rest())
			break;
	}
	check_rest();
	return !sim.failed;
}
