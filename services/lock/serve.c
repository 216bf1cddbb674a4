// SPDX-License-Identifier: Apache-2.0
/* Calls gathered into one transaction: take the device rows, decide in order, write, answer. */
#include "services/lock/serve.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/crashpoint.h"
#include "services/lock/count.h"
#include "services/lock/sql.h"

/* While rounds are on their way to the disk, the next one is decided; each has a connection. */
enum { DEVICES_MAX = 1000, TRIES_MAX = 4, COMMITTING_MAX = 2 };

static struct {
	struct service *service;
	struct db_batch *batch;
	struct round *last; /* decided, and the next one waits for a place among the committing */
	struct round *held_back;
	struct round *committing[COMMITTING_MAX];
} serve;

/* One transaction. */
struct round {
	struct db_batch *batch;
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

static void work_end(struct work *w)
{
	if (w->call == NULL) {
		arena_fini(w->arena);
		free(w->arena);
		free(w);
		return;
	}
	if (w->fault.code != 0)
		call_fault(w->call, &w->fault);
	else
		call_reply(w->call, w->answer);
}

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
	for (size_t i = 0; i < COMMITTING_MAX; i++)
		if (serve.committing[i] == r)
			return &serve.committing[i];
	return NULL;
}

static void let_next(void)
{
	struct round **place = place_of(NULL);
	struct round *r = serve.last;

	if (r == NULL || place == NULL)
		return;
	*place = r;
	serve.last = NULL;
	db_batch_done(r->batch);
}

/* Decided and sent: it holds its rows, so whoever comes now for one of them comes after it. */
static void round_sent(struct round *r)
{
	serve.last = r;
	let_next();
}

static void round_begin(struct round *r)
{
	db_begin(serve.service->db, begun, r);
}

static int by_id(const void *a, const void *b)
{
	return uuid_cmp(a, b);
}

/* A request that another round is about to make is not seen before its commit. */
static bool must_wait(const struct round *r)
{
	for (size_t i = 0; i < COMMITTING_MAX; i++) {
		const struct round *o = serve.committing[i];
		for (size_t k = 0; o != NULL && k < r->requests_n; k++)
			if (bsearch(&r->requests[k], o->requests, o->requests_n,
				    sizeof(*o->requests), by_id) != NULL)
				return true;
	}
	return false;
}

/* What is to be served again comes before all that came since. */
static void take_back(struct round *r)
{
	db_batch_return(r->batch, (void **)r->works, r->again);
	round_free(r);
}

static void round_over(struct round *r)
{
	struct round **place = place_of(r), *waiter = serve.held_back;
	struct db_batch *batch = r->batch;
	bool lets = serve.last == r || place == NULL;

	if (serve.last == r)
		serve.last = NULL;
	if (place != NULL)
		*place = NULL;
	if (waiter != NULL) {
		serve.held_back = NULL;
		waiter->again = waiter->n;
		take_back(waiter);
	}
	take_back(r);
	if (lets || waiter != NULL)
		db_batch_done(batch);
	else
		let_next();
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

static void begun(
	struct txn *t, struct db_result **results, size_t n, const struct fault *f, void *arg)
{
	struct round *r = arg;
	struct sql_keys keys = {
		.devices = r->devices,
		.devices_n = r->devices_n,
		.requests = r->requests,
		.requests_n = r->requests_n,
		.replays = r->replays,
		.replays_n = r->replays_n,
		.tickets = r->tickets,
		.waiters = r->waiters,
	};

	(void)results;
	(void)n;
	if (f != NULL) {
		round_failed(r, f);
		return;
	}
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

/* ---- gathering ---- */

static size_t sort_unique(struct uuid *ids, size_t n)
{
	size_t kept = 0;

	qsort(ids, n, sizeof(*ids), by_id);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || !uuid_eq(&ids[kept - 1], &ids[i]))
			ids[kept++] = ids[i];
	return kept;
}

const struct uuid *serve_devices(struct arena *a, const struct uuid *ids, size_t n, size_t *ret_n)
{
	struct uuid *copy = arena_dup(a, ids, n * sizeof(*ids));

	if (copy != NULL)
		*ret_n = sort_unique(copy, n);
	return copy;
}

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
	r->devices_n = sort_unique(r->devices, r->devices_n);
	r->requests_n = sort_unique(r->requests, r->requests_n);
}

/* Whether they may share a transaction: looks apart from changes, what is decided ahead apart from
 * what is not, and each by itself that may have spoiled one. */
static bool fit_together(const struct work *a, const struct work *b)
{
	return a == b || (a->look == b->look && a->ahead == b->ahead && !a->alone && !b->alone);
}

/* The first and what fits it, at most 1,000 device rows; the others keep their order. */
static struct round *round_of(struct db_batch *batch, void **items, size_t n)
{
	struct round *r = mem_alloc(sizeof(*r) + n * sizeof(r->works[0]));
	struct work *first = items[0];
	size_t rows = 0, left = 0;

	for (size_t i = 0; i < n; i++) {
		struct work *w = items[i];

		rows += w->devices_n;
		if ((i == 0 || rows <= DEVICES_MAX) && fit_together(first, w))
			r->works[r->n++] = w;
		else
			items[left++] = w;
	}
	db_batch_return(batch, items, left);
	r->batch = batch;
	r->look = first->look;
	r->ahead = first->ahead;
	return r;
}

static void run(struct db_batch *batch, void **items, size_t n, void *arg)
{
	struct round *r = round_of(batch, items, n);

	(void)arg;
	arena_init(&r->arena, 0);
	round_keys(r);
	if (must_wait(r))
		serve.held_back = r;
	else
		round_begin(r);
}

void serve_start(struct service *s)
{
	serve.service = s;
	serve.batch = db_batch_new(lock_settings.batch_max, run, NULL);
}

void serve_put(struct work *w)
{
	db_batch_put(serve.batch, w);
}

struct work *serve_work(struct call *call)
{
	struct work *w = arena_alloc(&call->arena, sizeof(*w));

	if (w == NULL) {
		call_refuse(call, CN_INTERNAL_ERROR, "", "out of memory");
		return NULL;
	}
	w->call = call;
	w->arena = &call->arena;
	return w;
}

bool serve_ids_ok(struct call *call, const struct uuid *ids, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!uuid_is_nil(&ids[i]))
			continue;
		call_refuse(call, CN_VALIDATION_FAILED, "", "an id is nil");
		return false;
	}
	return true;
}
