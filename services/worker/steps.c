// SPDX-License-Identifier: Apache-2.0
/* The way of a job, step by step, as long as all goes well. session.h draws it. */
#include <string.h>

#include "common/base/crashpoint.h"
#include "common/clock/clock.h"
#include "common/net/resolve.h"
#include "gen/errors.h"
#include "services/worker/change.h"
#include "services/worker/check.h"
#include "services/worker/discover/discover.h"
#include "services/worker/session.h"

#define SESSION_MS 900000u /* at the device, in all (reliability.md 5) */
#define CHANGE_MS                                                                                  \
	3600000u /* of a job that writes: 30 min for the write (R6), and what is around it */
#define LOCK_ASK_MS 10000u
#define LOCK_AGAIN_MS 200u

static void to_busy(struct session *s);
static void to_lock(struct session *s);
static void to_running(struct session *s);
static void to_read(struct session *s);
static void to_identify(struct session *s);
static void to_sent(struct session *s);
static void to_commit(struct session *s);

/* Somebody decided meanwhile that this job ends. */
bool steps_ended(struct session *s)
{
	if (s->verdict.state == 0)
		return false;
	session_end(s, s->verdict);
	return true;
}

/* ---- resolve ---- */

static void on_resolved(void *arg, const char *ip, const struct fault *f)
{
	struct session *s = arg;

	session_enter(s);
	if (steps_ended(s))
		goto out;
	if (f) {
		session_fail(s, f);
		goto out;
	}
	s->errand.ip = arena_strdup(&s->arena, ip);
	if (s->change)
		change_source(s->change);
	else
		steps_probe(s);
out:
	session_leave();
}

static void on_session_deadline(void *arg)
{
	struct session *s = arg;
	struct fault f = FAULT_INIT;

	fault_set(&f, CN_TIMEOUT, "the device session took more than %u minutes",
		(s->change ? CHANGE_MS : SESSION_MS) / 60000u);
	session_cut(s, &f, false);
}

void steps_begin(struct session *s)
{
	const struct m_device *d = s->job->device;
	struct fault f = FAULT_INIT;

	if (discover_wanted(s->job)) {
		discover_begin(s);
		return;
	}
	s->step = STEP_RESOLVE;
	s->adapter = adapter_find(d->family);
	if (!s->adapter) {
		fault_set(&f, CN_UNSUPPORTED_DEVICE, "no adapter for family %s",
			d->family ? d->family : "");
		session_fail(s, &f);
	} else if (change_allowed(s->adapter, s->job, &f) < 0 ||
		   adapter_allows(s->adapter, d, check_function(s->job->kind), &f) < 0 ||
		   plan_make(s->job, &s->arena, &s->plan, &f) < 0) {
		session_fail(s, &f);
	} else {
		if (change_wanted(s->job))
			s->change = change_new(s);
		s->timer = timer_new(s->worker->service->loop, on_session_deadline, s);
		timer_set(s->timer, s->change ? CHANGE_MS : SESSION_MS, 0);
		resolve(s->worker->service->loop, d->address, &s->worker->rules, d->simulated,
			on_resolved, s);
	}
}

/* ---- the device: what its adapter says ---- */

static void device_done(struct session *s)
{
	switch (s->step) {
	case STEP_PROBE:
		to_busy(s);
		break;
	case STEP_BUSY:
		to_lock(s);
		break;
	case STEP_READ:
		to_identify(s);
		break;
	case STEP_IDENTIFY:
		steps_leave(s);
		break;
	case STEP_LEAVE:
		s->left_device = true;
		to_sent(s);
		break;
	case STEP_END:
		s->left_device = true;
		session_end(s, s->verdict);
		break;
	case STEP_RESOLVE:
	case STEP_SOURCE:
	case STEP_LOCK:
	case STEP_RUNNING:
	case STEP_SENT:
	case STEP_STORING:
	case STEP_COMMIT:
	case STEP_FORESEE:
	case STEP_KEEP:
	case STEP_JOURNAL:
	case STEP_LEASE:
	case STEP_WRITE:
	case STEP_REST:
	case STEP_RESTART:
	case STEP_PROVE:
	case STEP_LIFT:
	case STEP_ASKED:
	case STEP_SCAN:
	case STEP_AWAKE:
		bug_if(true);
	}
}

static void on_device(void *arg, const struct fault *f)
{
	struct session *s = arg;

	s->in_device = false;
	s->progress++;
	if (s->step == STEP_LEAVE || s->step == STEP_END) {
		device_done(s); /* a release that failed changes nothing now */
		return;
	}
	if (s->change ? change_device(s->change, f) : lift_device(s, f))
		return;
	if (f)
		session_fail(s, f);
	else
		device_done(s);
}

void steps_call_device(struct session *s, enum step step, void (*op)(void *self))
{
	s->step = step;
	s->in_device = true;
	op(s->device);
}

static struct m_list_outcome *list_row(struct session *s, const char *name, const char *state)
{
	struct m_list_outcome *row = &s->lists[s->n_lists++];

	bug_if(s->n_lists > s->plan.n_items);
	*row = (struct m_list_outcome){.name = name, .state = state};
	return row;
}

static void on_item(void *arg, const char *name)
{
	struct session *s = arg;

	list_row(s, name, "done");
	if (s->change)
		change_item(s->change, name);
	else if (s->spool)
		bug_if(!spool_item(s->spool, name));
}

static enum http_flow on_bytes(void *arg, struct span bytes)
{
	struct session *s = arg;

	s->progress++;
	if (s->verdict.state)
		return HTTP_ABORT;
	if (s->change) {
		if (!change_bytes(s->change, bytes))
			return HTTP_ABORT;
	} else if (s->spool && !spool_bytes(s->spool, bytes)) {
		return HTTP_PAUSE;
	}
	s->lists[s->n_lists - 1].bytes += bytes.n;
	return HTTP_GO;
}

static void on_item_end(void *arg, uint64_t entries)
{
	struct session *s = arg;

	s->lists[s->n_lists - 1].entries = entries;
	s->entries += entries;
	s->n_read++;
	if (s->spool && !s->change)
		spool_item_end(s->spool);
}

static void on_item_absent(void *arg, const char *name)
{
	list_row(arg, name, "n/a");
}

static void on_enter(void *arg)
{
	struct session *s = arg;

	s->progress++;
	if (s->step == STEP_WRITE)
		CRASHPOINT("change.writing");
	session_enter(s);
}

static const struct profile *profile_of(const struct worker *w, const char *family)
{
	for (size_t i = 0; i < WORKER_FAMILIES && w->profiles[i].family; i++)
		if (strcmp(w->profiles[i].family, family) == 0)
			return w->profiles[i].profile;
	return NULL;
}

void steps_errand(struct session *s)
{
	struct worker *w = s->worker;

	s->errand = (struct errand){.loop = w->service->loop,
		.http = w->http,
		.arena = &s->arena,
		.device = s->job->device,
		.ip = s->errand.ip,
		.items = s->plan.items,
		.n_items = s->plan.n_items,
		.credentials = s->job->credentials,
		.n_credentials = s->job->credentials_n,
		.keys = &w->keys,
		.factory = &s->factory_login,
		.settings = s->job->settings,
		.throwaway = check_wanted(s->job),
		.profile = profile_of(w, s->adapter->family),
		.wall_ms = clock_wall_ms,
		.probe_ms = 5000,
		.arg = s,
		.done = on_device,
		.item = on_item,
		.bytes = on_bytes,
		.item_end = on_item_end,
		.item_absent = on_item_absent,
		.enter = on_enter,
		.leave = session_leave};
}

/* ---- probe and busy ---- */

void steps_probe(struct session *s)
{
	struct fault f = FAULT_INIT;

	steps_errand(s);
	s->device = s->errand.ip ? s->adapter->open(&s->errand) : NULL;
	s->lists = arena_array(&s->arena, s->plan.n_items + 1, sizeof(*s->lists));
	if (!s->device || !s->lists) {
		fault_set(&f, CN_INTERNAL_ERROR, "session memory is used up");
		session_fail(s, &f);
		return;
	}
	steps_call_device(s, STEP_PROBE, s->adapter->probe);
}

int steps_identity(struct session *s, struct fault *reterr)
{
	const struct identity seen = {
		s->errand.seen.serial, s->errand.seen.device_uuid, s->errand.seen.mac};
	bool compared;

	if (verdict_identity(s->job->device, &seen, &compared, reterr) < 0)
		return -1;
	s->compared |= compared; /* who fell silent since is the same one */
	return 0;
}

static bool changes(const struct session *s)
{
	return s->change && s->job->phase != RUN_PHASE_PLAN;
}

static void to_busy(struct session *s)
{
	struct fault f = FAULT_INIT;

	s->probed_at = clock_boot_ms();
	s->serial = s->errand.seen.serial;
	s->change_before = s->errand.seen.change;
	if (steps_identity(s, &f) < 0 ||
		(changes(s) && verdict_may_change(s->job, s->compared, &f) < 0)) {
		session_fail(s, &f);
		return;
	}
	steps_call_device(s, STEP_BUSY, s->adapter->busy);
}

static struct m_observation observed(const struct session *s)
{
	return (struct m_observation){.device = s->job->device->id,
		.ops = s->errand.seen.ops,
		.ops_n = s->errand.seen.n_ops,
		.age_ms = clock_boot_ms() - s->probed_at,
		.failed = s->errand.seen.busy_unknown};
}

/* ---- lock ---- */

static void ignore(void *arg unused, const void *body unused, const struct fault *f unused,
	uint64_t instance unused)
{
}

/* A probe alone takes no lock; what it saw is told. */
static void tell_seen(struct session *s)
{
	struct m_observation seen = observed(s);
	struct m_lock_observe m = {.observed = &seen, .observed_n = 1};
	struct peer_opts opts = {.trace = s->job->trace, .deadline_ms = LOCK_ASK_MS};

	peer_call(s->worker->lock, &m_lock_observe_desc, &m, &opts, ignore, NULL);
}

static void ask_lock(struct session *s);

static void ask_lock_again(void *arg)
{
	struct session *s = arg;

	if (!steps_ended(s))
		ask_lock(s);
}

/* Nobody answered: the same question again, for one lease's time. */
static void lock_unanswered(struct session *s, const struct fault *f)
{
	struct fault why = FAULT_INIT;

	if (steps_ended(s))
		return;
	if (f->code != CN_INTERNAL_ERROR) { /* it did answer: no */
		session_fail(s, f);
		return;
	}
	if (clock_boot_ms() < s->lock_give_up) {
		timer_free(s->timer);
		s->timer = timer_new(s->worker->service->loop, ask_lock_again, s);
		timer_set(s->timer, LOCK_AGAIN_MS, 0);
		return;
	}
	fault_set(&why, CN_LOCK_TIMEOUT, "the lock service did not answer: %.200s", f->detail);
	session_fail(s, &why);
}

static void on_granted(struct session *s, const struct m_lock_answer *a, uint64_t asked_at)
{
	struct fault f = FAULT_INIT;

	s->locked = true;
	s->token = a->grants[0].token;
	s->lock_end = asked_at + a->remaining_ms;
	s->locked_at = clock_mono_ms();
	leases_granted(s->worker, s);
	if (steps_ended(s))
		return;
	if (plan_granted(&s->plan, &s->job->device->id, a, &f) < 0 || effects_take(s, a, &f) < 0)
		session_fail(s, &f);
	else
		to_running(s);
}

static void on_lock(void *arg, const void *body, const struct fault *f, uint64_t instance unused)
{
	struct session *s = arg;
	const struct m_lock_answer *a = body;

	session_enter(s);
	if (f)
		lock_unanswered(s, f);
	else if (a->answer == LOCK_RESULT_GRANTED && a->grants_n > 0)
		on_granted(s, a, s->asked_lock);
	else if (!steps_ended(s))
		session_end(s, verdict_of_lock(a));
	session_leave();
}

static void ask_lock(struct session *s)
{
	struct m_observation seen = observed(s);
	struct m_lock_acquire m = {.request = s->lock_request,
		.session = s->worker->service->instance,
		.kind = LOCK_KIND_OWN,
		.op = s->plan.op,
		.direction = s->plan.direction,
		.devices = &s->job->device->id,
		.devices_n = 1,
		.items = s->plan.lock_items,
		.items_n = s->plan.n_lock_items,
		.item_policy = ITEM_POLICY_STRICT, /* a job does all of it, or nothing */
		.lease_ms = (uint64_t)s->worker->config->lock_lease_ms,
		.observed = &seen,
		.observed_n = 1,
		.job = s->job->job,
		.attempt = s->job->attempt,
		.profile = s->job->device->family,
		.strict_devices = &s->job->device->id,
		.strict_devices_n = s->job->device->strict_interlock};
	struct peer_opts opts = {
		.trace = s->job->trace, .request = s->lock_request, .deadline_ms = LOCK_ASK_MS};

	s->asked_lock =
		clock_boot_ms(); /* before sending: the lease is counted from here (RL-21) */
	peer_call(s->worker->lock, &m_lock_acquire_desc, &m, &opts, on_lock, s);
}

static void to_lock(struct session *s)
{
	if (s->plan.op == NULL) {
		tell_seen(s);
		to_running(s);
		return;
	}
	s->step = STEP_LOCK;
	s->lock_request = uuid_v7(clock_wall_ms());
	s->lock_give_up = clock_boot_ms() + (uint64_t)s->worker->config->lock_lease_ms;
	ask_lock(s);
}

/* ---- running: read and identify ---- */

static void to_running(struct session *s)
{
	s->step = STEP_RUNNING;
	tell_advance(s, JOB_STATE_RUNNING);
}

void session_advanced(struct session *s)
{
	struct fault f = FAULT_INIT;

	session_enter(s);
	if (s->refused) {
		fault_set(&f, CN_LEASE_LOST, "the scheduler gave this job to somebody else");
		session_fail(s, &f);
	} else if (s->advance_to == JOB_STATE_STORING) {
		s->storing = true;
		to_commit(s);
	} else if (!steps_ended(s)) {
		if (s->discover)
			discover_running(s);
		else if (s->change)
			change_running(s->change);
		else if (s->plan.n_items > 0)
			to_read(s);
		else
			steps_leave(s);
	}
	session_leave();
}

static void about_version(void *arg, struct m_store_begin *m)
{
	const struct session *s = arg;
	const struct m_device *d = s->job->device;

	*m = (struct m_store_begin){.run = s->job->run,
		.job = s->job->job,
		.attempt = s->job->attempt,
		.device = d->id,
		.kind = s->plan.version_kind,
		.request = s->lock_request,
		.token = s->token,
		.op = s->plan.op,
		.items = s->plan.lock_items,
		.items_n = s->plan.n_lock_items,
		.serial = s->serial ? s->serial : d->serial,
		.format = s->plan.format,
		.device_name = d->name,
		.family = d->family,
		.model = d->model && *d->model ? d->model : s->errand.seen.model,
		.firmware = s->errand.seen.firmware ? s->errand.seen.firmware : d->firmware,
		.language = s->errand.seen.language ? s->errand.seen.language : d->display_language,
		.charset = s->errand.seen.charset ? s->errand.seen.charset : d->charset,
		.site = d->site};
	if (strcmp(s->plan.format, "opaque") == 0 && s->job->settings)
		m->password_id = s->job->settings->password_id;
	if (s->change)
		change_about_version(s->change, m);
}

static void on_room(void *arg)
{
	struct session *s = arg;

	if (s->change)
		change_room(s->change);
	else if (s->in_device)
		s->adapter->resume(s->device);
}

static void on_spool_failed(void *arg, const struct fault *f)
{
	session_enter(arg);
	session_fail(arg, f);
	session_leave();
}

static void on_sent(void *arg)
{
	struct session *s = arg;

	session_enter(s);
	if (s->change && s->step == STEP_KEEP)
		change_sent(s->change);
	else
		steps_storing(s);
	session_leave();
}

/* A lock that nobody renewed while the job stored: as for those at the device, the lock service
 * was away, and the job is not charged (RL-60). */
static struct verdict not_stored(const struct session *s, const struct fault *f)
{
	struct fault late = FAULT_INIT;

	if (f->code != CN_LEASE_LOST || !s->unrenewed)
		return verdict_of_fault(f, true);
	fault_why(&late, CN_LOCK_TIMEOUT, "not_renewed", "the lock could not be renewed in time");
	return verdict_of_fault(&late, true);
}

static void on_committed(void *arg, const struct fault *f)
{
	struct session *s = arg;
	struct verdict v = {.state = JOB_STATE_SUCCEEDED};

	session_enter(s);
	if (s->change) {
		change_stored(s->change, f);
		session_leave();
		return;
	}
	if (!f && s->spool->result.outcome == STORE_OUTCOME_UNCHANGED)
		v.state = JOB_STATE_UNCHANGED;
	session_end(s, f ? not_stored(s, f) : v);
	session_leave();
}

static void on_spool_gone(void *arg)
{
	struct session *s = arg;

	s->spool_gone = true;
	session_end(s, s->verdict);
}

bool steps_spool(struct session *s)
{
	struct fault f = FAULT_INIT;

	s->spool = arena_alloc(&s->arena, sizeof(*s->spool));
	if (!s->spool) {
		fault_set(&f, CN_INTERNAL_ERROR, "session memory is used up");
		session_fail(s, &f);
		return false;
	}
	s->spool_gone = false;
	spool_init(s->spool, &s->worker->spooler, s);
	s->spool->trace = s->job->trace;
	s->spool->about = about_version;
	s->spool->room = on_room;
	s->spool->failed = on_spool_failed;
	s->spool->sent = on_sent;
	s->spool->committed = on_committed;
	s->spool->gone = on_spool_gone;
	return true;
}

static void to_read(struct session *s)
{
	if (s->plan.format == NULL || steps_spool(s))
		steps_call_device(s, STEP_READ, s->adapter->read);
}

static void to_identify(struct session *s)
{
	struct fault f = FAULT_INIT;

	if (s->n_read == 0 && plan_no_list(s->job->device, &f) < 0) {
		session_fail(s, &f);
		return;
	}
	if (check_wanted(s->job))
		check_passed(s);
	else
		check_by_backup(s, NULL);
	steps_call_device(s, STEP_IDENTIFY, s->adapter->identify);
}

/* ---- the device is left ---- */

void steps_leave(struct session *s)
{
	struct fault f = FAULT_INIT;

	s->read_at = clock_mono_ms();
	if (steps_identity(s, &f) < 0) {
		session_fail(s, &f);
		return;
	}
	steps_call_device(s, STEP_LEAVE, s->adapter->release);
}

/* ---- storage ---- */

static void to_sent(struct session *s)
{
	s->step = STEP_SENT;
	if (s->change)
		change_left(s->change);
	else if (s->spool)
		spool_finish(s->spool);
	else
		steps_storing(s);
}

void steps_storing(struct session *s)
{
	s->step = STEP_STORING;
	tell_advance(s, JOB_STATE_STORING);
}

static void to_commit(struct session *s)
{
	struct m_store_commit m = {.serial_after = s->errand.seen.serial,
		.change_before = s->change_before,
		.change_after = s->errand.seen.change};

	s->step = STEP_COMMIT;
	if (s->spool)
		spool_commit(s->spool, &m);
	else if (s->change)
		change_stored(s->change, NULL);
	else if (s->discover)
		discover_stored(s);
	else
		session_end(s, (struct verdict){.state = JOB_STATE_SUCCEEDED});
}
