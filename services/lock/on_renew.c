// SPDX-License-Identifier: Apache-2.0
/* lock_renew: the sessions' calls of one moment are one statement. */
#include <stdlib.h>

#include "common/base/crashpoint.h"
#include "services/lock/count.h"
#include "services/lock/serve.h"
#include "services/lock/sql.h"

static struct {
	struct service *service;
	struct db_batch *batch;
} renew;

enum { TRIES_MAX = 4 };

struct renewal_round {
	struct db_batch *batch;
	unsigned tries;
	size_t n;
	struct call *calls[];
};

/* The holder's and a forger's may come in one round: each is judged by all that it presents. */
static void answer(struct call *call, struct map *leases)
{
	const struct m_lock_renew *m = call->body;
	struct uuid *lost = arena_array(&call->arena, m->locks_n + 1, sizeof(*lost));
	struct m_lock_renewed a = {.lost = lost, .lost_n = 0, .remaining_ms = 0};

	if (lost == NULL) {
		call_refuse(call, CN_INTERNAL_ERROR, "", "out of memory");
		return;
	}
	for (size_t i = 0; i < m->locks_n; i++) {
		const struct sql_lock one = {m->session, m->locks[i].request, m->locks[i].token};
		uintptr_t lease = (uintptr_t)map_get(leases, &one, sizeof(one));
		if (lease == 0)
			lost[a.lost_n++] = one.request;
		else if (a.remaining_ms == 0 || lease < a.remaining_ms)
			a.remaining_ms = lease;
	}
	count_lost(a.lost_n);
	call_reply(call, &a);
}

static void begun(
	struct txn *t, struct db_result **results, size_t n, const struct fault *f, void *arg);

static void committed(
	struct txn *t, struct db_result **results, size_t n, const struct fault *f, void *arg)
{
	struct renewal_round *r = arg;
	struct map leases = MAP_INIT;

	(void)t;
	if (f != NULL && db_transient(f) && ++r->tries < TRIES_MAX) {
		db_begin(renew.service->db, begun, r);
		return;
	}
	CRASHPOINT("renew.after_commit");
	/* the second statement's rows: what is live, with its lease */
	for (int i = 0; f == NULL && n > 1 && i < db_rows(results[1]); i++) {
		struct sql_lock one;
		uintptr_t lease = sql_renewed(results[1], i, &one);
		(void)map_put(&leases, &one, sizeof(one), (void *)lease);
	}
	for (size_t i = 0; i < r->n; i++) {
		if (f != NULL)
			call_fault(r->calls[i], f);
		else
			answer(r->calls[i], &leases);
	}
	map_fini(&leases);
	db_batch_done(r->batch);
	free(r);
}

static void begun(
	struct txn *t, struct db_result **results, size_t n, const struct fault *f, void *arg)
{
	struct renewal_round *r = arg;
	struct sql_lock *all;
	struct uuid *requests;
	size_t count = 0;

	(void)results;
	(void)n;
	if (f != NULL) {
		committed(NULL, NULL, 0, f, arg);
		return;
	}
	for (size_t i = 0; i < r->n; i++)
		count += ((const struct m_lock_renew *)r->calls[i]->body)->locks_n;
	all = mem_alloc((count + 1) * sizeof(*all));
	requests = mem_alloc((count + 1) * sizeof(*requests));
	count = 0;
	for (size_t i = 0; i < r->n; i++) {
		const struct m_lock_renew *m = r->calls[i]->body;
		for (size_t k = 0; k < m->locks_n; k++) {
			requests[count] = m->locks[k].request;
			all[count++] = (struct sql_lock){
				m->session, m->locks[k].request, m->locks[k].token};
		}
	}
	sql_renew(t, requests, all, count);
	free(requests);
	free(all);
	db_commit(t, committed, r);
}

static void run(struct db_batch *batch, void **items, size_t n, void *arg)
{
	struct renewal_round *r = mem_alloc(sizeof(*r) + n * sizeof(r->calls[0]));

	(void)arg;
	r->batch = batch;
	r->tries = 0;
	r->n = n;
	for (size_t i = 0; i < n; i++)
		r->calls[i] = items[i];
	db_begin(renew.service->db, begun, r);
}

void renew_start(struct service *s)
{
	renew.service = s;
	renew.batch = db_batch_new(lock_settings.batch_max, run, NULL);
}

void on_lock_renew(struct call *call)
{
	db_batch_put(renew.batch, call);
}
