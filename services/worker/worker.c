// SPDX-License-Identifier: Apache-2.0
/* Start and orderly end of a worker. */
#include "services/worker/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock/clock.h"
#include "common/crypto/crypto.h"
#include "gen/errors.h"
#include "services/worker/culprit.h"
#include "services/worker/session.h"
#include "services/worker/start.h"

#define STREAMS_MAX 48u
#define SPOOL_MAX ((size_t)192 * 1024 * 1024)
#define ABORT_MS 3000u /* before the end of the grace */
#define DEAD_MAX 64u
#define DEATH_MS 30000u
#define GIVE_MS 2000u
#define GIVE_TRIES 4u

/* ---- start ---- */

static int read_class_key(struct worker *w, struct fault *reterr)
{
	const char *path = w->config->class_key_file;

	if (uuid_parse(w->config->tenant, &w->keys.tenant) < 0)
		return fault_set(reterr, CN_VALIDATION_FAILED, "tenant is not an id");
	if (!path || !*path)
		return 0; /* devices without a login only */
	if (key_file_read(path, w->keys.private_key, sizeof(w->keys.private_key), reterr) < 0)
		return -1;
	w->keys.have = true;
	return 0;
}

static int read_profiles(struct worker *w, struct fault *reterr)
{
	char dir[2100];
	size_t n;
	const char *const *families = adapter_families(&n);

	bug_if(n > WORKER_FAMILIES);
	config_data_dir(w->config->profiles, "schemas/profiles", dir, sizeof(dir));
	for (size_t i = 0; i < n; i++) {
		w->profiles[i].family = families[i];
		if (profile_load(dir, families[i], &w->profiles[i].profile, reterr) < 0)
			return -1;
	}
	if (!w->profiles[0].profile)
		return fault_set(reterr, CN_VALIDATION_FAILED,
			"no device profiles in %.200s (setting profiles)", dir);
	return 0;
}

static int make_peers(struct worker *w, struct fault *reterr)
{
	const struct common_config *c = &w->config->common;

	w->scheduler = peer_new(w->service, c->scheduler_urls, reterr);
	if (w->scheduler)
		w->lock = peer_new(w->service, c->lock_urls, reterr);
	if (w->lock)
		w->storage = peer_new(w->service, c->storage_urls, reterr);
	return w->storage ? 0 : -1;
}

static void make_metrics(struct worker *w)
{
	w->m_sessions = metric_gauge("carnet_worker_sessions", "", "Jobs in this worker now");
	w->m_claimed = metric_counter("carnet_worker_jobs_claimed_total", "", "Jobs claimed");
	w->m_results = metric_counter("carnet_worker_results_total", "", "Results accepted");
	w->m_cut = metric_counter("carnet_worker_cut_total", "", "Sessions cut off");
}

/* ---- the ones before us left notes about what they were doing (RL-15) ---- */

struct death {
	struct list node; /* worker.deaths */
	struct culprit note;
};

static void death_told(void *arg unused, struct list *node)
{
	free(container_of(node, struct death, node));
}

static void on_death(
	void *arg, const void *body unused, const struct fault *f, uint64_t instance unused)
{
	struct worker *w = arg;

	if (f)
		log_warn(L("death not told"), L_FAULT(f));
	batch_answered(&w->deaths, f, death_told);
}

/* One at a time. */
static void send_death(struct batch *b, void *arg)
{
	struct worker *w = arg;
	const struct death *d = container_of(b->flying.next, struct death, node);
	struct m_worker_died m = {.worker = d->note.worker,
		.job = d->note.job,
		.attempt = d->note.attempt,
		.phase = d->note.phase};
	struct peer_opts opts = {.request = b->request, .deadline_ms = DEATH_MS};

	peer_call(w->scheduler, &m_worker_died_desc, &m, &opts, on_death, w);
}

static int tell_dead(struct worker *w, struct fault *reterr)
{
	struct culprit dead[DEAD_MAX];
	size_t n = 0;

	batch_init(&w->deaths, w->service->loop, 1, send_death, w);
	if (culprit_open(w->config->state_dir, &w->service->instance, dead, DEAD_MAX, &n, reterr) <
		0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct death *d = mem_alloc(sizeof(*d));
		list_init(&d->node);
		d->note = dead[i];
		log_warn(L("a worker died here"), L_UUID("worker", &dead[i].worker),
			L_UUID("job", &dead[i].job), L_STR("phase", dead[i].phase));
		batch_add(&w->deaths, &d->node);
	}
	return 0;
}

static struct worker the_worker;

int worker_start(struct service *s, struct fault *reterr)
{
	struct worker *w = &the_worker;
	struct http_client_opts http = {.max_per_host = 1, .reset_on_close = true};

	w->service = s;
	w->config = s->def->settings;
	list_init(&w->sessions);
	w->rules.allow_loopback = w->config->allow_loopback;
	make_metrics(w);
	if (address_nets("allow_networks", w->config->allow_networks, &w->rules, reterr) < 0 ||
		address_device_nets(
			"device_networks", w->config->device_networks, &w->rules, reterr) < 0 ||
		read_class_key(w, reterr) < 0 || read_profiles(w, reterr) < 0 ||
		make_peers(w, reterr) < 0 || tell_dead(w, reterr) < 0 ||
		leases_start(w, reterr) < 0)
		return -1;
	http.max_connections = (unsigned)w->config->slots;
	w->http = http_client_new(s->loop, &http);
	spooler_init(&w->spooler, w->storage, STREAMS_MAX, SPOOL_MAX);
	w->images.max = (size_t)w->config->image_mib * 1024 * 1024;
	tell_start(w);
	return claim_start(w, reterr);
}

bool worker_ready(struct service *s unused)
{
	return peer_up(the_worker.scheduler) && peer_up(the_worker.lock) &&
	       peer_up(the_worker.storage);
}

/* ---- end (RL-39) ---- */

static void stopped(struct worker *w)
{
	timer_free(w->stop_timer);
	w->stop_timer = NULL;
	tell_stop(w);
	batch_fini(&w->deaths);
	leases_stop(w);
	culprit_close();
	service_stopped(w->service);
}

/* What cannot end in time goes back, uncharged. */
static void abort_rest(struct worker *w)
{
	struct fault f = FAULT_INIT;

	fault_why(&f, CN_DEVICE_LOCKED, "worker_stops",
		"the worker ends; another one takes this job");
	list_each_safe (it, &w->sessions) {
		session_cut(container_of(it, struct session, node), &f, false);
	}
}

static void stop_tick(void *arg)
{
	struct worker *w = arg;

	bool asked = w->claiming && w->stop_at; /* its jobs would be lost */

	if (w->n_sessions == 0 && w->giving_back == 0 && !asked) {
		stopped(w);
		return;
	}
	if (w->stop_at && clock_mono_ms() >= w->stop_at) {
		w->stop_at = 0;
		abort_rest(w);
	}
	timer_set(w->stop_timer, 20, 0);
}

/* A call that gives jobs back. */
struct giving {
	struct worker *worker;
	unsigned tries;
	size_t n;
	struct m_job_hold jobs[];
};

static void give(struct giving *g);

static void on_given_back(
	void *arg, const void *body unused, const struct fault *f, uint64_t instance unused)
{
	struct giving *g = arg;

	if (f && g->tries < GIVE_TRIES) { /* that scheduler ends, too: another one takes them */
		give(g);
		return;
	}
	if (f)
		log_warn(L("jobs not given back"), L_INT("jobs", g->n), L_FAULT(f));
	g->worker->giving_back--;
	free(g);
}

static void give(struct giving *g)
{
	struct m_job_give_back m = {
		.worker = g->worker->service->instance, .jobs = g->jobs, .jobs_n = g->n};
	struct peer_opts opts = {.deadline_ms = GIVE_MS};

	g->tries++;
	peer_call(g->worker->scheduler, &m_job_give_back_desc, &m, &opts, on_given_back, g);
}

void worker_give_back(struct worker *w, const struct m_job_hold *jobs, size_t n)
{
	struct giving *g;

	if (n == 0)
		return;
	g = mem_alloc(sizeof(*g) + n * sizeof(*jobs));
	g->worker = w;
	g->n = n;
	memcpy(g->jobs, jobs, n * sizeof(*jobs));
	w->giving_back++;
	give(g);
}

/* Jobs whose device was not locked yet: nothing happened, the attempt goes back. */
static void give_back(struct worker *w)
{
	struct m_job_hold *jobs = mem_alloc((w->n_sessions + 1) * sizeof(*jobs));
	size_t n = 0;

	list_each_safe (it, &w->sessions) {
		struct session *s = container_of(it, struct session, node);
		if (!session_unstarted(s))
			continue;
		jobs[n++] = (struct m_job_hold){.job = s->job->job, .attempt = s->job->attempt};
		session_forget(s);
	}
	worker_give_back(w, jobs, n);
	free(jobs);
}

void worker_stop(struct service *s)
{
	struct worker *w = &the_worker;
	uint64_t grace = (uint64_t)w->config->common.grace_ms;

	claim_stop(w);
	give_back(w);
	w->stop_at = clock_mono_ms() + (grace > ABORT_MS ? grace - ABORT_MS : 1);
	w->stop_timer = timer_new(s->loop, stop_tick, w);
	timer_set(w->stop_timer, 0, 0);
}
