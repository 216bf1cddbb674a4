// SPDX-License-Identifier: Apache-2.0
/* Two lock instances killed in turn, the database killed once, 16 clients with random operations on
 * 20 devices. What the clients saw is checked afterwards against the invariants of
 * docs/spec/locks.md section 11. SEED=n replays the choices (not the timing). */
#include "tests/service/lock_client.h"
#include "tests/service/lock_rules.h"

enum {
	CLIENTS = 16,
	DEVICES = 20,
	CHAOS_MS = 9000,
	HEAL_MS = 6000,
	RECORDS = 60000,
	ANSWER_MS = 1200
};

enum step { ASKING, HOLDING, RENEWING, RELEASING, RESTING };

/* One grant on one device as its client knows it, in ms of the monotonic clock. */
struct record {
	uint8_t device;
	const struct row *op;
	uint64_t token;
	uint64_t first_sent; /* the request, first time */
	uint64_t from;       /* the answer came */
	uint64_t to;         /* certainly held, or in quarantine, until then */
};

struct actor {
	struct uuid session, request;
	struct timer *timer;
	enum step step;
	const struct row *op;
	struct uuid devices[3];
	uint8_t numbers[3];
	size_t n;
	uint64_t wait_ms, first_sent, sent, wait_until;
	uint64_t lease_end; /* by the last answer */
	uint64_t tokens[3];
	bool unsure, abandon, renewed;
	size_t record; /* first of its records */
};

static struct {
	struct actor actors[CLIENTS];
	struct record *all;
	size_t n;
	bool stopping, healed;
	unsigned asked, final, granted, busy, queued, lost_answers, late, partial, token_changed;
	uint64_t healed_at;
} chaos;
static unsigned seed = 1;

static unsigned pick(unsigned n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % n;
}

static void step(void *arg);

static void after(struct actor *a, enum step next, uint64_t ms)
{
	a->step = next;
	timer_set(a->timer, ms, 0);
}

/* ---- answers ---- */

static void write_down(struct actor *a, const struct m_lock_answer *m)
{
	chaos.partial += m->grants_n != a->n;
	a->record = chaos.n;
	for (size_t i = 0; i < m->grants_n && chaos.n < RECORDS; i++) {
		struct record *r = &chaos.all[chaos.n++];
		*r = (struct record){.op = a->op,
			.token = m->grants[i].token,
			.first_sent = a->first_sent,
			.from = clock_mono_ms(),
			.to = a->lease_end + QUARANTINE_MS};
		r->device = m->grants[i].device.b[15];
		a->tokens[i] = r->token;
	}
}

static void ends_at(struct actor *a, uint64_t to)
{
	for (size_t i = a->record; i < a->record + a->n && i < chaos.n; i++)
		chaos.all[i].to = to;
}

static void on_lock_answer(struct actor *a, const struct m_lock_answer *m)
{
	uint64_t now = clock_mono_ms();

	if (m->answer == LOCK_RESULT_QUEUED) {
		chaos.queued++;
		after(a, ASKING, 30 + pick(100));
		return;
	}
	chaos.final++;
	chaos.late += chaos.healed && a->first_sent > chaos.healed_at && now > a->wait_until + 2000;
	chaos.busy += m->answer == LOCK_RESULT_BUSY;
	if (m->answer != LOCK_RESULT_GRANTED) {
		after(a, RESTING, pick(50));
		return;
	}
	chaos.granted++;
	a->lease_end = a->sent + m->remaining_ms;
	write_down(a, m);
	after(a, HOLDING, pick(400));
}

static void on_renewed(struct actor *a, const struct m_lock_renewed *m)
{
	if (m->lost_n > 0) { /* it is in quarantine, or over, since the end of its lease */
		after(a, RESTING, 10);
		return;
	}
	a->renewed = true;
	a->lease_end = a->sent + m->remaining_ms;
	ends_at(a, a->lease_end + QUARANTINE_MS);
	after(a, HOLDING, pick(400));
}

static void on_any(void *arg, enum bus_result result, struct span body, unused uint64_t peer)
{
	struct actor *a = arg;
	const struct msg_desc *desc = NULL;
	struct msg_header h;
	struct fault f = FAULT_INIT;
	struct arena arena;
	void *b = NULL;

	arena_init(&arena, 0);
	/* any message may be lost, also one that came */
	if (result != BUS_OK || pick(20) == 0 || msg_decode(body, &arena, &desc, &h, &b, &f) < 0 ||
		desc == &m_fault_desc) {
		chaos.lost_answers++; /* the same once more */
		timer_set(a->timer, 20 + pick(60), 0);
	} else if (a->step == ASKING) {
		on_lock_answer(a, b);
	} else if (a->step == RENEWING) {
		on_renewed(a, b);
	} else {
		after(a, RESTING, pick(30));
	}
	arena_fini(&arena);
}

/* ---- calls ---- */

static void send(struct actor *a, const struct msg_desc *desc, const void *body)
{
	struct msg_header h = {
		.sender = "chaos", .deadline_ms = ANSWER_MS, .protocol = MSG_PROTOCOL, .actor = ""};
	struct buf out = BUF_INIT;

	msg_encode(&out, desc, &h, body);
	bug_if(out.err);
	a->sent = clock_mono_ms();
	bus_send(client.to, 0, buf_span(&out), ANSWER_MS, on_any, a);
	buf_fini(&out);
}

static void ask_for_lock(struct actor *a)
{
	struct m_observation clear[3];
	struct m_lock_acquire m = {.request = a->request,
		.session = a->session,
		.kind = strcmp(kind_of(a->op->id), "own") == 0 ? LOCK_KIND_OWN : LOCK_KIND_DECLARED,
		.op = a->op->id,
		.direction = LOCK_DIRECTION_EXPORT,
		.devices = a->devices,
		.devices_n = a->n,
		.wait_ms = a->wait_ms,
		.lease_ms = LEASE_MS,
		.observed = clear,
		.observed_n = a->n};

	for (size_t i = 0; i < a->n; i++)
		clear[i] = (struct m_observation){.device = a->devices[i]};
	send(a, &m_lock_acquire_desc, &m);
}

static void new_request(struct actor *a)
{
	static const unsigned ops[] = {0, 5, 6, 5, 6, 7, 8, 11, 13, 18, 20, 21, 22};

	a->request = uuid_v7(clock_wall_ms());
	a->op = &rows[ops[pick(array_len(ops))]];
	a->n = 0;
	for (unsigned want = pick(4) == 0 ? 3 : 1; a->n < want;) {
		uint8_t d = (uint8_t)(pick(DEVICES) + 1);
		if (a->n > 0 && d <= a->numbers[a->n - 1]) {
			if (a->numbers[a->n - 1] >= DEVICES)
				break;
			continue;
		}
		a->numbers[a->n] = d;
		a->devices[a->n++] = (struct uuid){.b = {5, [15] = d}};
	}
	a->wait_ms = pick(2) * (200 + pick(1500));
	a->abandon = pick(10) == 0;
	a->unsure = pick(10) == 0;
	a->renewed = false;
	a->first_sent = clock_mono_ms();
	a->wait_until = a->first_sent + a->wait_ms;
	chaos.asked++;
}

static void renew_or_release(struct actor *a)
{
	struct m_held held = {.request = a->request, .token = a->tokens[0], .unsure = a->unsure};

	if (a->step == RENEWING) {
		struct m_lock_renew m = {.session = a->session, .locks = &held, .locks_n = 1};
		send(a, &m_lock_renew_desc, &m);
		return;
	}
	struct m_lock_release m = {.session = a->session, .locks = &held, .locks_n = 1};
	send(a, &m_lock_release_desc, &m);
}

/* The first release counts; when it is said again the lock may be gone. */
static void begin_release(struct actor *a)
{
	uint64_t now = clock_mono_ms();
	uint64_t end = a->lease_end + QUARANTINE_MS;
	uint64_t to = now < end ? now : end;

	if (a->unsure) /* in quarantine from now on, or from the end of the lease */
		to = (now < a->lease_end ? now : a->lease_end) + QUARANTINE_MS;
	a->step = RELEASING;
	ends_at(a, to);
}

static void step(void *arg)
{
	struct actor *a = arg;

	if (a->step == HOLDING) {
		if (a->abandon)
			a->step = RESTING;
		else if (!a->renewed && pick(3) == 0)
			a->step = RENEWING;
		else
			begin_release(a);
	}
	if (a->step == RESTING) {
		if (chaos.stopping)
			return;
		new_request(a);
		a->step = ASKING;
	}
	if (a->step == ASKING)
		ask_for_lock(a);
	else
		renew_or_release(a);
}

/* ---- the enemy ---- */

static void revive(size_t k)
{
	size_t n = client.n;

	client.n = k;
	(void)scheduler_start_one(lock_settings);
	client.n = n;
}

static void restart_database(void)
{
	char command[400];

	(void)snprintf(command, sizeof(command),
		"bash -c '. tests/lib/pg.sh; pg_kill %s; pg_restart %s' >/dev/null 2>&1",
		getenv("CARNET_TEST_PG"), getenv("CARNET_TEST_PG"));
	ok(system(command) == 0, "the database is killed and comes back");
}

static void rage(void)
{
	uint64_t end = clock_mono_ms() + CHAOS_MS;
	unsigned kills = 0;

	for (unsigned i = 0; clock_mono_ms() < end; i++) {
		pause_ms(700);
		scheduler_kill(i % 2);
		kills++;
		if (i == 4)
			restart_database();
		pause_ms(300);
		revive(i % 2);
	}
	printf("# %u kills of an instance\n", kills);
}

static bool all_rest(void)
{
	for (size_t i = 0; i < CLIENTS; i++)
		if (chaos.actors[i].step != RESTING)
			return false;
	return true;
}

/* ---- the history ---- */

static int by_device_and_token(const void *x, const void *y)
{
	const struct record *a = x, *b = y;

	if (a->device != b->device)
		return a->device < b->device ? -1 : 1;
	return a->token < b->token ? -1 : a->token > b->token;
}

static void check_history(void)
{
	unsigned overlaps = 0, same_token = 0, backwards = 0, met = 0;

	qsort(chaos.all, chaos.n, sizeof(*chaos.all), by_device_and_token);
	for (size_t j = 1; j < chaos.n; j++)
		for (size_t i = j; i-- > 0 && chaos.all[i].device == chaos.all[j].device;) {
			const struct record *a = &chaos.all[i], *b = &chaos.all[j];
			same_token += a->token == b->token;
			backwards += b->from < a->first_sent;
			/* granted no earlier than its request was sent, no later than its answer */
			if (b->from >= a->to || b->to <= a->from)
				continue;
			met++;
			if (may(b->op, a->op) != 'n')
				continue;
			overlaps++;
			printf("# device %u: %s (token %llu) from %llu beside %s (token %llu) to "
			       "%llu\n",
				b->device, b->op->id, (unsigned long long)b->token,
				(unsigned long long)b->from, a->op->id,
				(unsigned long long)a->token, (unsigned long long)a->to);
		}
	printf("# %zu grants on devices, %u pairs met in time\n", chaos.n, met);
	ok(overlaps == 0, "no two locks that exclude each other were live or in quarantine at once "
			  "(I1, I10)");
	ok(same_token == 0 && backwards == 0, "tokens of a device strictly rise (I2)");
}

static void check_rows(void)
{
	ok(strcmp(sql("select count(*) from lock.request r where state = 2 and cardinality(devices)"
		      " <> (select count(*) from lock.held h where h.request = r.id)"),
		   "0") == 0,
		"every live request holds all its devices (I9)");
	ok(strcmp(sql("select count(*) from lock.held h where not exists (select 1 from "
		      "lock.request r where r.id = h.request and r.state in (2, 3, 4) and "
		      "h.device_id = any(r.devices))"),
		   "0") == 0,
		"no row is held by a request that ended");
	ok(strcmp(sql("select count(*) from lock.waiting w where not exists (select 1 from "
		      "lock.request r where r.id = w.request and r.state = 1)"),
		   "0") == 0,
		"nobody stands in a queue who does not wait");
	ok(strcmp(sql("select count(*) from (select request from lock.history where event = "
		      "'granted' group by request having count(*) > 1) x"),
		   "0") == 0,
		"no request was granted twice");
	ok(strcmp(sql("select count(*) from (select d, t, lag(t) over (partition by d order by at, "
		      "t) before from lock.history, unnest(devices, tokens) u(d, t) where event = "
		      "'granted') x where t <= before"),
		   "0") == 0,
		"tokens rise in the service's own history, too");
	ok(becomes("0", 8000, "select count(*) from lock.held where state = 2"),
		"what nobody renewed is over");
}

int main(void)
{
	if (getenv("SEED") != NULL)
		seed = (unsigned)atoi(getenv("SEED"));
	printf("# SEED=%u\n", seed);
	read_matrix();
	chaos.all = mem_alloc(RECORDS * sizeof(*chaos.all));
	lock_open(2);
	for (size_t i = 0; i < CLIENTS; i++) {
		struct actor *a = &chaos.actors[i];
		a->session = (struct uuid){.b = {6, (uint8_t)i}};
		a->timer = timer_new(client.loop, step, a);
		after(a, RESTING, 1);
	}
	rage();
	chaos.healed = true;
	chaos.healed_at = clock_mono_ms();
	pause_ms(3000);
	chaos.stopping = true;
	uint64_t end = clock_mono_ms() + HEAL_MS;
	while (!all_rest() && clock_mono_ms() < end)
		pause_ms(50);
	printf("# %u asked, %u granted, %u busy, %u times queued, %u answers lost\n", chaos.asked,
		chaos.granted, chaos.busy, chaos.queued, chaos.lost_answers);
	ok(chaos.granted > 100 && chaos.busy > 50 && chaos.lost_answers > 20,
		"there was something to see");
	ok(all_rest() && chaos.final == chaos.asked, "every request was answered finally (I8)");
	ok(chaos.late == 0, "and in time, once nothing was killed any more (I8)");
	ok(chaos.partial == 0, "every grant named all devices (I9)");
	check_history();
	check_rows();
	for (size_t i = 0; i < CLIENTS; i++)
		timer_free(chaos.actors[i].timer);
	free(chaos.all);
	client_close();
	return finish_tests();
}
