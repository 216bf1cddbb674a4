// SPDX-License-Identifier: Apache-2.0
/* The smaller calls: release, cancel, observe, end, stand. Each names its rows and its rule. */
#include "services/lock/count.h"
#include "services/lock/serve.h"

static const struct m_ok done = {.has = 0};

/* ---- release ---- */

static const void *decide_release(struct work *w, struct ledger *l, struct fault *reterr)
{
	const struct m_lock_release *m = w->call->body;
	struct m_lock_released *a = arena_alloc(w->arena, sizeof(*a));
	struct uuid *lost = arena_array(w->arena, m->locks_n + 1, sizeof(*lost));

	if (a == NULL || lost == NULL) {
		(void)fault_set(reterr, CN_INTERNAL_ERROR, "out of memory");
		return NULL;
	}
	a->lost = lost;
	a->lost_n = 0;
	for (size_t i = 0; i < m->locks_n; i++)
		if (!ledger_release(l, &m->session, &m->locks[i]))
			lost[a->lost_n++] = m->locks[i].request;
	count_lost(a->lost_n);
	return a;
}

void on_lock_release(struct call *call)
{
	const struct m_lock_release *m = call->body;
	struct work *w = serve_work(call);
	struct uuid *requests = arena_array(&call->arena, m->locks_n + 1, sizeof(*requests));

	if (w == NULL)
		return;
	if (requests == NULL) {
		call_refuse(call, CN_INTERNAL_ERROR, "", "out of memory");
		return;
	}
	w->ahead = true;
	for (size_t i = 0; i < m->locks_n; i++) {
		requests[i] = m->locks[i].request;
		w->ahead = w->ahead && !m->locks[i].unsure;
	}
	w->requests = requests;
	w->requests_n = m->locks_n;
	w->releases = true;
	w->decide = decide_release;
	serve_put(w);
}

/* ---- cancel ---- */

static const void *decide_cancel(struct work *w, struct ledger *l, struct fault *reterr)
{
	const struct m_lock_cancel *m = w->call->body;

	(void)reterr;
	ledger_cancel(l, &m->request, &m->session);
	return &done;
}

void on_lock_cancel(struct call *call)
{
	const struct m_lock_cancel *m = call->body;
	struct work *w = serve_work(call);

	if (w == NULL)
		return;
	w->requests = &m->request;
	w->requests_n = 1;
	w->decide = decide_cancel;
	serve_put(w);
}

/* ---- observe ---- */

static const void *decide_observe(struct work *w, struct ledger *l, struct fault *reterr)
{
	(void)reterr;
	for (size_t i = 0; i < w->observed_n; i++)
		ledger_observe(l, &w->observed[i]);
	return &done;
}

void on_lock_observe(struct call *call)
{
	const struct m_lock_observe *m = call->body;
	struct work *w = serve_work(call);
	struct uuid *ids = arena_array(&call->arena, m->observed_n + 1, sizeof(*ids));

	if (w == NULL)
		return;
	if (ids == NULL) {
		call_refuse(call, CN_INTERNAL_ERROR, "", "out of memory");
		return;
	}
	for (size_t i = 0; i < m->observed_n; i++)
		ids[i] = m->observed[i].device;
	if (!serve_ids_ok(call, ids, m->observed_n))
		return;
	w->devices = serve_devices(&call->arena, ids, m->observed_n, &w->devices_n);
	w->observed = m->observed;
	w->observed_n = m->observed_n;
	w->decide = decide_observe;
	serve_put(w);
}

/* ---- end, by a person ---- */

static const void *decide_end(struct work *w, struct ledger *l, struct fault *reterr)
{
	const struct m_lock_end *m = w->call->body;

	if (ledger_end(l, &m->request, m->reason))
		return &done;
	(void)fault_why(reterr, CN_CONFLICT, "not_in_attention",
		"only a lock in attention is ended by a person");
	return NULL;
}

void on_lock_end(struct call *call)
{
	const struct m_lock_end *m = call->body;
	struct work *w = serve_work(call);

	if (w == NULL)
		return;
	w->requests = &m->request;
	w->requests_n = 1;
	w->decide = decide_end;
	serve_put(w);
}

/* ---- native synchronisation stands on a device ---- */

static const void *decide_stand(struct work *w, struct ledger *l, struct fault *reterr)
{
	(void)reterr;
	ledger_stand(l, w->call->body);
	return &done;
}

void on_lock_stand(struct call *call)
{
	const struct m_lock_stand *m = call->body;
	struct work *w = serve_work(call);

	if (w == NULL || !serve_ids_ok(call, &m->device, 1))
		return;
	w->devices = &m->device;
	w->devices_n = 1;
	w->decide = decide_stand;
	serve_put(w);
}
