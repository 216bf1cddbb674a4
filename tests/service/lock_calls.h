// SPDX-License-Identifier: Apache-2.0
/* The calls of clients of the lock service, written down with their answers
 * (tests/lib/history_record.h). An answer moves its client on; one that is lost leaves the call
 * open in the record. What the clients do is in lock_actors.h. */
#pragma once

#include "common/db/db.h"
#include "tests/lib/history_record.h"
#include "tests/service/lock_client.h"

enum { ACTORS = 16, DEVICES = 8, ANSWER_MS = 1200 };

enum step { RESTING, ASKING, HOLDING, CANCELLING, RELEASING, OVER };

struct actor {
	struct uuid session, request, workflow;
	struct timer *timer;
	enum step step;
	unsigned number;
	uint32_t name; /* of the request in the history */
	enum lock_kind kind;
	const char *op;
	struct uuid devices[3];
	size_t n;
	uint64_t tokens[3];
	uint32_t wait_ms, lease_ms;
	const struct actor *under; /* whose hold; NULL = nobody's */
	struct uuid under_request;
	uint32_t under_name;
	bool unsure;
	uint64_t first_sent;
};

/* One call on its way. */
struct sent {
	struct actor *actor;
	uint32_t call; /* in the record */
	enum history_what what;
	uint32_t name;   /* of its request */
	enum step waits; /* in which the actor waits for the answer; RESTING = in none */
};

static struct {
	struct actor all[ACTORS];
	struct history_record record;
	struct db *storage;
	unsigned seed;
	bool stopping;
	unsigned requests, final, given_up, in_flight, answers_lost, seen[HISTORY_OK + 1];
	unsigned effects, lost,
		late; /* late: answered finally long after wait_until, once healed */
	uint64_t healed_at;
} act;

static unsigned pick(unsigned n)
{
	act.seed = act.seed * 1103515245 + 12345;
	return (act.seed >> 16) % n;
}

static bool once_in(unsigned n)
{
	return pick(n) == 0;
}

static int64_t now_ms(void)
{
	return (int64_t)clock_mono_ms();
}

static void after(struct actor *a, enum step next, uint64_t ms)
{
	a->step = next;
	timer_set(a->timer, ms, 0);
}

/* ---- answers ---- */

static bool is_awaited(const struct sent *s)
{
	return s->waits != RESTING && s->waits == s->actor->step && s->name == s->actor->name;
}

static const char *words_of(char *text, size_t size, const struct m_lock_answer *m)
{
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < m->grants_n && n < size; i++)
		n += (size_t)snprintf(text + n, size - n, "%sP%u:%llu", i > 0 ? "," : "",
			m->grants[i].device.b[15], (unsigned long long)m->grants[i].token);
	for (size_t i = 0; m->grants_n == 1 && i < m->grants[0].items_n && n < size; i++)
		n += (size_t)snprintf(
			text + n, size - n, "%s%s", i > 0 ? "," : " items=", m->grants[0].items[i]);
	return text;
}

static void write_answer(const struct sent *s, const struct m_lock_answer *m)
{
	static const struct {
		enum lock_result result;
		enum history_result seen;
		const char *word;
	} plain[] = {{LOCK_RESULT_BUSY, HISTORY_BUSY, "busy"},
		{LOCK_RESULT_REFUSED, HISTORY_REFUSED, "refused"},
		{LOCK_RESULT_LOST, HISTORY_LOST, "lost"},
		{LOCK_RESULT_CANCELLED, HISTORY_CANCELLED, "cancelled"}};
	char text[1000];

	act.seen[HISTORY_GRANTED] += m->answer == LOCK_RESULT_GRANTED;
	act.seen[HISTORY_QUEUED] += m->answer == LOCK_RESULT_QUEUED;
	if (m->answer == LOCK_RESULT_GRANTED)
		history_answered(&act.record, now_ms(), s->call, "granted %s",
			words_of(text, sizeof(text), m));
	if (m->answer == LOCK_RESULT_QUEUED)
		history_answered(&act.record, now_ms(), s->call, "queued %llu",
			(unsigned long long)m->ticket);
	for (size_t i = 0; i < array_len(plain); i++)
		if (m->answer == plain[i].result) {
			history_answered(&act.record, now_ms(), s->call, "%s", plain[i].word);
			act.seen[plain[i].seen]++;
		}
}

static void on_lock_answer(const struct sent *s, const struct m_lock_answer *m)
{
	struct actor *a = s->actor;

	write_answer(s, m);
	if (!is_awaited(s))
		return;
	if (m->answer == LOCK_RESULT_QUEUED) {
		after(a, once_in(25) ? CANCELLING : ASKING, 30 + pick(100));
		return;
	}
	act.final++;
	act.late += act.healed_at > 0 && a->first_sent > act.healed_at &&
		    clock_mono_ms() > a->first_sent + a->wait_ms + 5000;
	for (size_t i = 0; i < m->grants_n && i < a->n; i++)
		a->tokens[i] = m->grants[i].token;
	if (m->answer == LOCK_RESULT_GRANTED)
		after(a, HOLDING, pick(200));
	else
		after(a, RESTING, pick(50));
}

/* A lock that is not live any more is over for its client, or it is told so once more. */
static void on_lost_or_ok(const struct sent *s, bool lost)
{
	struct actor *a = s->actor;

	history_answered(&act.record, now_ms(), s->call, lost ? "lost" : "ok");
	act.seen[lost ? HISTORY_LOST : HISTORY_OK]++;
	if (!is_awaited(s))
		return;
	if (s->what == HISTORY_RENEW && !lost)
		after(a, HOLDING, pick(300));
	else
		after(a, once_in(3) ? OVER : RESTING, pick(30));
}

/* The same call once more, or it is left open for ever. */
static void on_silence(const struct sent *s)
{
	struct actor *a = s->actor;

	act.answers_lost++;
	if (!is_awaited(s))
		return;
	if (once_in(6)) {
		act.given_up += a->step == ASKING;
		after(a, RESTING, pick(100));
	} else {
		timer_set(a->timer, 20 + pick(60), 0);
	}
}

static void on_any(void *arg, enum bus_result result, struct span body, unused uint64_t peer)
{
	struct sent *s = arg;
	const struct msg_desc *desc = NULL;
	struct msg_header h;
	struct fault f = FAULT_INIT;
	struct arena arena;
	void *b = NULL;

	act.in_flight--;
	arena_init(&arena, 0);
	/* any answer may be lost, also one that came */
	if (result != BUS_OK || once_in(20) || msg_decode(body, &arena, &desc, &h, &b, &f) < 0 ||
		desc == &m_fault_desc)
		on_silence(s);
	else if (desc == &m_lock_answer_desc)
		on_lock_answer(s, b);
	else if (desc == &m_lock_renewed_desc)
		on_lost_or_ok(s, ((const struct m_lock_renewed *)b)->lost_n > 0);
	else if (desc == &m_lock_released_desc)
		on_lost_or_ok(s, ((const struct m_lock_released *)b)->lost_n > 0);
	else
		on_lost_or_ok(s, false);
	arena_fini(&arena);
	free(s);
}

/* ---- calls ---- */

static struct sent *sent(struct actor *a, enum history_what what, uint32_t call, enum step waits)
{
	struct sent *s = mem_alloc(sizeof(*s));

	*s = (struct sent){.actor = a, .what = what, .call = call, .name = a->name, .waits = waits};
	act.in_flight++;
	return s;
}

static void post(const struct msg_desc *desc, const void *body, struct sent *s)
{
	struct msg_header h = {
		.sender = "chaos", .deadline_ms = ANSWER_MS, .protocol = MSG_PROTOCOL, .actor = ""};
	struct buf out = BUF_INIT;

	msg_encode(&out, desc, &h, body);
	bug_if(out.err);
	bus_send(client.to, 0, buf_span(&out), ANSWER_MS, on_any, s);
	buf_fini(&out);
}

static uint32_t write_acquire(const struct actor *a, uint32_t wait_ms)
{
	char devices[60] = "", under[40] = "";

	for (size_t i = 0; i < a->n; i++)
		(void)snprintf(devices + strlen(devices), sizeof(devices) - strlen(devices),
			"%sP%u", i > 0 ? "," : "", a->devices[i].b[15]);
	if (a->under != NULL)
		(void)snprintf(under, sizeof(under), " under=r%u", a->under_name);
	return history_called(&act.record, now_ms(), a->number,
		"acquire r%u %s %s export wait=%u lease=%u%s%s", a->name, devices, a->op, wait_ms,
		a->lease_ms, a->kind == LOCK_KIND_HOLD ? " kind=hold" : "", under);
}

/* other: with another time to wait, which makes it another request under the same id. */
static void ask_for_lock(struct actor *a, bool other)
{
	struct m_observation clear[3];
	struct m_lock_acquire m = {.request = a->request,
		.session = a->session,
		.kind = a->kind,
		.op = a->op,
		.direction = LOCK_DIRECTION_EXPORT,
		.devices = a->devices,
		.devices_n = a->n,
		.wait_ms = a->wait_ms + other,
		.lease_ms = a->lease_ms,
		.workflow = a->workflow,
		.observed = clear,
		.observed_n = a->n};

	if (a->under != NULL)
		m.under = a->under_request;
	for (size_t i = 0; i < a->n; i++)
		clear[i] = (struct m_observation){.device = a->devices[i]};
	/* one that holds it already needs no answer */
	post(&m_lock_acquire_desc, &m,
		sent(a, HISTORY_ACQUIRE, write_acquire(a, a->wait_ms + other),
			a->step == ASKING ? ASKING : RESTING));
}

/* As whom: a thief knows request and token, but not the session. */
static void renew_or_release(struct actor *a, const struct actor *as, enum history_what what)
{
	struct m_held held = {.request = a->request, .token = a->tokens[0], .unsure = a->unsure};
	bool renew = what == HISTORY_RENEW;
	uint32_t call = history_called(&act.record, now_ms(), as->number, "%s r%u %llu%s",
		renew ? "renew" : "release", a->name, (unsigned long long)a->tokens[0],
		renew       ? ""
		: a->unsure ? " unsure"
			    : " clean");
	struct m_lock_renew n = {.session = as->session, .locks = &held, .locks_n = 1};
	struct m_lock_release r = {.session = as->session, .locks = &held, .locks_n = 1};

	post(renew ? &m_lock_renew_desc : &m_lock_release_desc,
		renew ? (const void *)&n : (const void *)&r,
		sent(a, what, call, as == a ? a->step : RESTING));
}

static void cancel(struct actor *a)
{
	struct m_lock_cancel m = {.request = a->request, .session = a->session};
	uint32_t call = history_called(&act.record, now_ms(), a->number, "cancel r%u", a->name);

	post(&m_lock_cancel_desc, &m, sent(a, HISTORY_CANCEL, call, RESTING));
}

/* ---- effects, as storage has them ---- */

static const struct db_sql check = {
	"check", "select count(*) from lock.check($1::uuid, $2::bigint, $3::uuid)"};

static void fill_check(struct db_args *args, void *arg)
{
	const struct actor *a = ((const struct sent *)arg)->actor;

	db_uuid(args, &a->devices[a->n - 1]);
	db_int(args, (int64_t)a->tokens[a->n - 1]);
	db_uuid(args, &a->request);
}

static void checked(unused struct txn *t, struct db_result **results, unused size_t n,
	const struct fault *f, void *arg)
{
	struct sent *s = arg;

	act.in_flight--;
	if (f == NULL) {
		bool live = db_get_int(results[0], 0, 0) == 1;
		history_answered(&act.record, now_ms(), s->call, live ? "ok" : "refused");
		act.effects += live;
		act.lost += !live;
	}
	free(s);
}

static void have_effect(struct actor *a)
{
	uint32_t call = history_called(&act.record, now_ms(), a->number, "store P%u r%u %llu",
		a->devices[a->n - 1].b[15], a->name, (unsigned long long)a->tokens[a->n - 1]);

	db_query(act.storage, &check, fill_check, checked, sent(a, HISTORY_STORE, call, RESTING));
}
