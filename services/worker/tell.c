// SPDX-License-Identifier: Apache-2.0
/* What sessions have to tell, gathered: steps and results to the scheduler, locks back to the lock
 * service. Each is repeated with the same key until it is answered. */
#include <stdlib.h>

#include "common/clock/clock.h"
#include "services/worker/change.h"
#include "services/worker/session.h"

#define STEPS_MAX 512u
#define RESULTS_MAX 256u
#define REPORTS_MAX 10u /* with plans: a frame has 1 MiB */
#define JOURNAL_MAX 256u
#define LOCKS_MAX 1000u
#define TELL_MS 10000u

static struct peer_opts options(const struct batch *b)
{
	return (struct peer_opts){.request = b->request, .deadline_ms = TELL_MS};
}

static void log_fault(const char *what, const struct fault *f)
{
	if (f)
		log_warn(L(what), L_FAULT(f));
}

static int by_id(const void *a, const void *b)
{
	return uuid_cmp(a, b);
}

static bool named(const struct uuid *ids, size_t n, const struct uuid *id)
{
	return n > 0 && bsearch(id, ids, n, sizeof(*ids), by_id) != NULL;
}

/* A sorted copy of a list of ids in a message; free() it. */
static struct uuid *sorted(const struct uuid *ids, size_t n)
{
	struct uuid *copy = mem_alloc((n + 1) * sizeof(*copy));

	for (size_t i = 0; i < n; i++)
		copy[i] = ids[i];
	qsort(copy, n, sizeof(*copy), by_id);
	return copy;
}

/* ---- a login that everybody knows ---- */

static void ignore(void *arg unused, const void *body unused, const struct fault *f unused,
	uint64_t instance unused)
{
}

void tell_factory_login(struct session *s)
{
	struct peer_opts opts = {.trace = s->job->trace, .deadline_ms = TELL_MS};
	struct m_credential_seen m = {0};

	if (!s->factory_login)
		return;
	m.id = s->factory_login->id;
	m.version = s->factory_login->version;
	peer_call(s->worker->scheduler, &m_credential_seen_desc, &m, &opts, ignore, NULL);
}

/* ---- steps ---- */

static void advance_told(void *arg unused, struct list *node)
{
	session_advanced(container_of(node, struct session, advance_node));
}

static void on_advanced(
	void *arg, const void *body, const struct fault *f, uint64_t instance unused)
{
	struct worker *w = arg;
	const struct m_job_advanced *r = body;

	log_fault("steps not told", f);
	if (r && r->refused_n) {
		struct uuid *refused = sorted(r->refused, r->refused_n);
		list_each (it, &w->advances.flying) {
			struct session *s = container_of(it, struct session, advance_node);
			s->refused = named(refused, r->refused_n, &s->job->job);
		}
		free(refused);
	}
	batch_answered(&w->advances, f, advance_told);
}

static void send_advances(struct batch *b, void *arg)
{
	struct worker *w = arg;
	struct m_job_step *steps = mem_alloc((b->n_flying + 1) * sizeof(*steps));
	struct m_job_advance m = {.worker = w->service->instance, .steps = steps};
	struct peer_opts opts = options(b);

	list_each (it, &b->flying) {
		const struct session *s = container_of(it, struct session, advance_node);
		steps[m.steps_n++] = (struct m_job_step){.job = s->job->job,
			.attempt = s->job->attempt,
			.token = s->token,
			.state = s->advance_to,
			.request = s->lock_request};
	}
	peer_call(w->scheduler, &m_job_advance_desc, &m, &opts, on_advanced, w);
	free(steps);
}

void tell_advance(struct session *s, enum job_state to)
{
	s->advance_to = to;
	batch_add(&s->worker->advances, &s->advance_node);
}

/* ---- the journal ---- */

static void journal_told(void *arg unused, struct list *node)
{
	session_journaled(container_of(node, struct session, journal_node));
}

static void on_journaled(
	void *arg, const void *body, const struct fault *f, uint64_t instance unused)
{
	struct worker *w = arg;
	const struct m_job_journaled *r = body;

	log_fault("journal not told", f);
	if (r && r->refused_n) {
		struct uuid *refused = sorted(r->refused, r->refused_n);
		list_each (it, &w->journals.flying) {
			struct session *s = container_of(it, struct session, journal_node);
			s->refused |= named(refused, r->refused_n, &s->job->job);
		}
		free(refused);
	}
	batch_answered(&w->journals, f, journal_told);
}

static void send_journals(struct batch *b, void *arg)
{
	struct worker *w = arg;
	struct m_journal_entry *entries = mem_alloc((b->n_flying + 1) * sizeof(*entries));
	struct m_job_journal m = {.worker = w->service->instance, .entries = entries};
	struct peer_opts opts = options(b);

	list_each (it, &b->flying) {
		const struct session *s = container_of(it, struct session, journal_node);
		entries[m.entries_n] = (struct m_journal_entry){
			.job = s->job->job, .attempt = s->job->attempt, .token = s->token};
		if (s->change)
			change_journal(s->change, &entries[m.entries_n++]);
		else
			lift_journal(s, &entries[m.entries_n++]);
	}
	peer_call(w->scheduler, &m_job_journal_desc, &m, &opts, on_journaled, w);
	free(entries);
}

void tell_journal(struct session *s)
{
	batch_add(&s->worker->journals, &s->journal_node);
}

/* ---- results ---- */

static void result_told(void *arg, struct list *node)
{
	struct worker *w = arg;
	struct session *s = container_of(node, struct session, result_node);

	metric_add(w->m_results, 1);
	s->reported = true;
	session_told(s);
}

static void on_results(void *arg, const void *body, const struct fault *f, uint64_t instance unused)
{
	struct worker *w = arg;
	const struct m_job_results *r = body;

	log_fault("results not told", f);
	for (size_t i = 0; r && i < r->refused_n; i++)
		log_warn(L("result refused: not ours any more"), L_UUID("job", &r->refused[i]));
	batch_answered(&w->results, f, result_told);
}

static void on_reports(void *arg, const void *body, const struct fault *f, uint64_t instance unused)
{
	struct worker *w = arg;
	const struct m_job_results *r = body;

	log_fault("reports not told", f);
	for (size_t i = 0; r && i < r->refused_n; i++)
		log_warn(L("report refused: not ours any more"), L_UUID("job", &r->refused[i]));
	batch_answered(&w->reports, f, result_told);
}

static void send_results(struct batch *b, void *arg)
{
	struct worker *w = arg;
	struct m_job_outcome *rows = mem_alloc((b->n_flying + 1) * sizeof(*rows));
	struct m_device *seen = mem_alloc((b->n_flying + 1) * sizeof(*seen));
	struct m_job_result m = {.worker = w->service->instance, .results = rows};
	struct peer_opts opts = options(b);

	list_each (it, &b->flying) {
		const struct session *s = container_of(it, struct session, result_node);
		session_outcome(s, &rows[m.results_n], &seen[m.results_n]);
		m.results_n++;
	}
	peer_call(w->scheduler, &m_job_result_desc, &m, &opts,
		b == &w->reports ? on_reports : on_results, w);
	free(rows);
	free(seen);
}

void tell_result(struct session *s)
{
	batch_add(s->change ? &s->worker->reports : &s->worker->results, &s->result_node);
}

/* ---- locks ---- */

static void release_told(void *arg unused, struct list *node)
{
	struct session *s = container_of(node, struct session, release_node);

	s->released = true;
	session_told(s);
}

static void on_released(
	void *arg, const void *body unused, const struct fault *f, uint64_t instance unused)
{
	struct worker *w = arg;

	log_fault("locks not released", f);
	batch_answered(&w->releases, f, release_told);
}

static void send_releases(struct batch *b, void *arg)
{
	struct worker *w = arg;
	struct m_held *held = mem_alloc((b->n_flying + 1) * sizeof(*held));
	struct m_lock_release m = {.session = w->service->instance, .locks = held};
	struct peer_opts opts = options(b);

	list_each (it, &b->flying) {
		const struct session *s = container_of(it, struct session, release_node);
		held[m.locks_n++] = (struct m_held){.request = s->lock_request,
			.token = s->token,
			.device = s->job->device->id,
			.unsure = s->unsure};
	}
	peer_call(w->lock, &m_lock_release_desc, &m, &opts, on_released, w);
	free(held);
}

void tell_release(struct session *s)
{
	s->lock_end = 0; /* nothing is done at the device any more */
	batch_add(&s->worker->releases, &s->release_node);
}

/* ---- life ---- */

void tell_start(struct worker *w)
{
	struct loop *l = w->service->loop;

	batch_init(&w->advances, l, STEPS_MAX, send_advances, w);
	batch_init(&w->journals, l, JOURNAL_MAX, send_journals, w);
	batch_init(&w->results, l, RESULTS_MAX, send_results, w);
	batch_init(&w->reports, l, REPORTS_MAX, send_results, w);
	batch_init(&w->releases, l, LOCKS_MAX, send_releases, w);
}

void tell_stop(struct worker *w)
{
	batch_fini(&w->advances);
	batch_fini(&w->journals);
	batch_fini(&w->results);
	batch_fini(&w->reports);
	batch_fini(&w->releases);
}
