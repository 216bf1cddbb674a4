// SPDX-License-Identifier: Apache-2.0
/* Calls gathered into one transaction: take the device rows, decide in order, write, answer. */
#include "services/lock/serve.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/crashpoint.h"
#include "common/clock/clock.h"
#include "services/lock/count.h"
#include "services/lock/sql.h"

/* While rounds are on their way to the disk, the next one is decided; each has a connection. But a
 * round has its price, whatever it serves: the next one waits until there are as many calls for it
 * as are under way, or until a round ends; but not for one that is held up. */
enum { DEVICES_MAX = 1000, TRIES_MAX = 4, SENT_MAX = 3, HELD_UP_MS = 10 };

static struct {
	struct service *service;
	struct list queue; /* works that are in no round, the next ones first */
	size_t waiting;    /* how many */
	struct round *forming;
	struct round *sent[SENT_MAX]; /* decided, on their way to the disk */
	size_t underway;              /* works of these */
	uint64_t sent_ms;             /* when the last of them was sent */
	struct timer *held_up;
} serve;

/* One transaction. */
struct round {
	struct arena arena;
	struct ledger ledger;
	struct uuid *devices, *requests, *replays;
	size_t devices_n, requests_n, replays_n, tickets;
	bool look, ahead, waiters, releases, loaded;
	bool adds; /* a device had no row yet */
	size_t n;
	size_t again; /* of works, the first: to be served once more */
	struct work *works[];
};

static void begun(
	struct txn *t, struct db_result **results, size_t n, const struct fault *f, void *arg);

/* ---- answers ---- */

static void publish(const struct ledger *l)
{
	count_events(l);
	for (size_t i = 0; i < l->events_n; i++) {
		const struct ledger_event *e = &l->events[i];
		for (size_t k = 0; k < e->n; k++) {
			struct m_lock_changed m = {.device = e->devices[k], .state = e->state};
			if (e->request != NULL) {
				m.request = e->request->id;
				m.op = op_id(e->request->use.op);
			}
			m.token = e->tokens != NULL ? e->tokens[k] : 0;
			service_publish(serve.service, &m_lock_changed_desc, &m);
		}
	}
	for (size_t at = 0; at < l->retry_n; at += DEVICES_MAX) {
		struct m_lock_retry m = {.devices = l->retry + at,
			.devices_n = size_min(l->retry_n - at, DEVICES_MAX)};
		service_publish(serve.service, &m_lock_retry_desc, &m);
	}
}

static void round_free(struct round *r)
{
	if (r->loaded)
		ledger_fini(&r->ledger);
	arena_fini(&r->arena);
	free(r);
}

/* ---- one after the other ---- */

static struct round **place_of(const struct round *r)
{
	for (size_t i = 0; i < SENT_MAX; i++)
		if (serve.sent[i] == r)
			return &serve.sent[i];
	return NULL;
}

static void round_begin(struct round *r)
{
	db_begin(serve.service->db, begun, r);
}

static bool is_worth_it(void)
{
	return serve.waiting >= serve.underway || clock_mono_ms() - serve.sent_ms >= HELD_UP_MS;
}

/* Who takes part is found out when there is a connection. */
static void begin_next(void)
{
	struct round *r;

	if (serve.forming != NULL || list_empty(&serve.queue) || place_of(NULL) == NULL ||
		!is_worth_it())
		return;
	r = mem_alloc(sizeof(*r) + lock_settings.batch_max * sizeof(r->works[0]));
	arena_init(&r->arena, 0);
	serve.forming = r;
	round_begin(r);
}

/* Decided and sent: it holds its rows or will take them, so the next one may begin. */
static void round_sent(struct round *r)
{
	serve.forming = NULL;
	*place_of(NULL) = r;
	serve.underway += r->n;
	serve.sent_ms = clock_mono_ms();
	timer_set(serve.held_up, HELD_UP_MS + 1, 0);
	begin_next();
}

static void on_held_up(void *arg)
{
	(void)arg;
	begin_next();
}

/* A request that another round is about to make is not seen before its commit. */
static bool must_wait(const struct work *w)
{
	for (size_t i = 0; i < SENT_MAX; i++) {
		const struct round *o = serve.sent[i];
		for (size_t k = 0; o != NULL && k < w->requests_n; k++)
			if (bsearch(&w->requests[k], o->requests, o->requests_n,
				    sizeof(*o->requests), work_by_id) != NULL)
				return true;
	}
	return false;
}

/* What is to be served again comes before all that came since. */
static void take_back(struct round *r)
{
	for (size_t i = r->again; i-- > 0;)
		list_push(serve.queue.next, &r->works[i]->node);
	serve.waiting += r->again;
}

static void round_over(struct round *r)
{
	struct round **place = place_of(r);

	if (place != NULL) {
		*place = NULL;
		serve.underway -= r->n;
	} else {
		serve.forming = NULL;
	}
	take_back(r);
	round_free(r);
	begin_next();
}

/* The database refused a statement: nothing was done, and one of these may be the reason. */
static bool was_refused(const struct fault *f)
{
	return strcmp(f->reason, "database") != 0 && strcmp(f->reason, "unknown") != 0;
}

/* A collision with another instance is served again; what another call spoiled goes again alone;
 * everything else is the caller's to repeat, with the same request id. */
static void round_failed(struct round *r, const struct fault *f)
{
	bool again = db_transient(f) || strcmp(f->reason, "23505") == 0;
	bool apart = !again && r->n > 1 && was_refused(f);

	for (size_t i = 0; i < r->n; i++) {
		struct work *w = r->works[i];
		w->alone = w->alone || apart;
		w->ahead = false;
		if (apart || (again && ++w->tries < TRIES_MAX)) {
			r->works[r->again++] = w;
			continue;
		}
		w->fault = *f;
		work_end(w);
	}
	round_over(r);
}

/* ---- the transaction ---- */

static void committed(
	struct txn *t, struct db_result **results, size_t n, const struct fault *f, void *arg)
{
	struct round *r = arg;

	(void)t;
	if (f != NULL) {
		round_failed(r, f);
		return;
	}
	CRASHPOINT("grant.after_commit");
	if (r->releases)
		CRASHPOINT("release.after_commit");
	if (r->ahead)
		ahead_hear(&r->ledger, results, n, r->works, r->n);
	if (r->loaded && !r->look)
		publish(&r->ledger);
	for (size_t i = 0; i < r->n; i++) {
		if (r->ahead && !r->works[i]->ahead)
			r->works[r->again++] = r->works[i];
		else
			work_end(r->works[i]);
	}
	round_over(r);
}

static void send_commit(struct round *r, struct txn *t)
{
	CRASHPOINT("grant.before_commit");
	db_commit(t, committed, r);
	round_sent(r);
}

static bool rows_are_missing(const struct round *r)
{
	for (size_t i = 0; i < r->devices_n; i++)
		if (ledger_device(&r->ledger, &r->devices[i]) == NULL)
			return true;
	return false;
}

/* Devices that were never locked: their rows are made first, before any other is taken, so that
 * all are taken in one order. */
static void add_rows(struct round *r, struct txn *t)
{
	struct fault gone = FAULT_INIT;

	db_rollback(t);
	if (r->adds) { /* somebody puts an older database in place */
		(void)fault_why(&gone, CN_INTERNAL_ERROR, "40001", "device rows are gone");
		round_failed(r, &gone);
		return;
	}
	r->adds = true;
	ledger_fini(&r->ledger);
	r->loaded = false;
	round_begin(r);
}

static void rows_taken(
	struct txn *t, struct db_result **results, size_t n, const struct fault *f, void *arg)
{
	struct round *r = arg;

	if (f != NULL) {
		round_failed(r, f);
		return;
	}
	ledger_init(&r->ledger, &r->arena);
	r->loaded = true;
	sql_load(&r->ledger, results + r->adds, n - r->adds);
	if (rows_are_missing(r)) {
		add_rows(r, t);
		return;
	}
	for (size_t i = 0; i < r->n; i++) {
		struct work *w = r->works[i];
		w->fault = FAULT_INIT;
		w->answer = w->decide(w, &r->ledger, &w->fault);
	}
	if (!r->look)
		sql_write(t, &r->ledger);
	send_commit(r, t);
}

/* ---- gathering ---- */

static void add_ids(struct uuid *into, size_t *n, const struct uuid *ids, size_t count)
{
	if (count > 0)
		memcpy(into + *n, ids, count * sizeof(*ids));
	*n += count;
}

/* The rows of all works; every list has room for the sum. */
static void round_keys(struct round *r)
{
	size_t devices = 0;
	size_t requests = 0;

	for (size_t i = 0; i < r->n; i++) {
		devices += r->works[i]->devices_n;
		requests += r->works[i]->requests_n;
	}
	r->devices = arena_array(&r->arena, devices + 1, sizeof(*r->devices));
	r->requests = arena_array(&r->arena, requests + 1, sizeof(*r->requests));
	r->replays = arena_array(&r->arena, r->n + 1, sizeof(*r->replays));
	bug_if(r->devices == NULL || r->requests == NULL || r->replays == NULL);
	for (size_t i = 0; i < r->n; i++) {
		const struct work *w = r->works[i];
		add_ids(r->devices, &r->devices_n, w->devices, w->devices_n);
		add_ids(r->requests, &r->requests_n, w->requests, w->requests_n);
		if (w->replay)
			add_ids(r->replays, &r->replays_n, w->requests, 1);
		r->tickets += w->ask.wait_ms > 0;
		r->waiters = r->waiters || w->waiters;
		r->releases = r->releases || w->releases;
	}
	r->devices_n = work_sort(r->devices, r->devices_n);
	r->requests_n = work_sort(r->requests, r->requests_n);
}

/* Whether they may share a transaction: looks apart from changes, what is decided ahead apart from
 * what is not, and each by itself that may have spoiled one. */
static bool fit_together(const struct work *a, const struct work *b)
{
	return a == b || (a->look == b->look && a->ahead == b->ahead && !a->alone && !b->alone);
}

static bool fits(const struct round *r, const struct work *w, size_t rows)
{
	if (r->n == lock_settings.batch_max || must_wait(w))
		return false;
	return r->n == 0 || (rows + w->devices_n <= DEVICES_MAX && fit_together(r->works[0], w));
}

/* The first of the queue and what fits it, at most 1,000 device rows. */
static void take_works(struct round *r)
{
	size_t rows = 0;

	list_each_safe (it, &serve.queue) {
		struct work *w = container_of(it, struct work, node);

		if (!fits(r, w, rows))
			continue;
		rows += w->devices_n;
		r->works[r->n++] = w;
		list_remove(&w->node);
	}
	serve.waiting -= r->n;
	if (r->n == 0)
		return;
	r->look = r->works[0]->look;
	r->ahead = r->works[0]->ahead;
	round_keys(r);
}

static void round_send(struct round *r, struct txn *t)
{
	const struct sql_keys keys = {
		.devices = r->devices,
		.devices_n = r->devices_n,
		.requests = r->requests,
		.requests_n = r->requests_n,
		.replays = r->replays,
		.replays_n = r->replays_n,
		.tickets = r->tickets,
		.waiters = r->waiters,
	};

	if (r->ahead) {
		ledger_init(&r->ledger, &r->arena);
		r->loaded = true;
		ahead_send(t, &r->ledger, &keys, r->works, r->n);
		send_commit(r, t);
		return;
	}
	if (r->adds)
		sql_uuids(db_add(t, &sql_add_devices), r->devices, r->devices_n);
	sql_read(t, &keys, !r->look);
	db_step(t, rows_taken, r);
}

/* All in the queue wait for a commit; when it has come, the next one begins. */
static void round_unused(struct round *r, struct txn *t)
{
	if (t != NULL)
		db_rollback(t);
	serve.forming = NULL;
	round_free(r);
}

static void begun(
	struct txn *t, struct db_result **results, size_t n, const struct fault *f, void *arg)
{
	struct round *r = arg;

	(void)results;
	(void)n;
	if (r->n == 0)
		take_works(r);
	if (r->n > 0 && f != NULL)
		round_failed(r, f);
	else if (r->n > 0)
		round_send(r, t);
	else
		round_unused(r, t);
}

void serve_start(struct service *s)
{
	serve.service = s;
	list_init(&serve.queue);
	serve.held_up = timer_new(s->loop, on_held_up, NULL);
}

void serve_put(struct work *w)
{
	list_push(&serve.queue, &w->node);
	serve.waiting++;
	begin_next();
}
