// SPDX-License-Identifier: Apache-2.0
/* The others: the job table under the scheduler's rules, storage with its five checks, printers. */
#include <string.h>

#include "gen/job_states.h"
#include "tests/unit/sim/sim.h"

enum { JOB_LEASE_MS = 45000, ORPHAN_MS = 20000 };

static const struct job_timers timers = {
	.backoff_ms = 2000, .backoff_max_ms = 20000, .defer_ms = 4000};

static uint64_t big_dice(void)
{
	return (uint64_t)dice(1u << 30) << 30 | dice(1u << 30);
}

/* ---- jobs ---- */

static void set_state(struct s_job *j, enum job_state state)
{
	if (!job_edge(j->job.state, state))
		broken("a job went from %d to %d", (int)j->job.state, (int)state);
	note("job %zu: %d to %d", (size_t)(j - sim.db.jobs) + 1, (int)j->job.state, (int)state);
	j->job.state = state;
	sim.count.done_jobs += state == JOB_STATE_SUCCEEDED;
	sim.count.dead_jobs += state == JOB_STATE_DEAD;
	sim.count.deferred_jobs += state == JOB_STATE_DEFERRED;
}

static void take_verdict(struct s_job *j, const struct job_verdict *v)
{
	set_state(j, v->state);
	j->job.errors = v->errors;
	j->job.crashes = v->crashes;
	j->job.deferrals = v->deferrals;
	j->job.suspect = v->suspect;
	j->not_before = sim.now + (int64_t)v->wait_ms;
}

static void give_up_on(struct s_job *j)
{
	struct job_verdict v =
		job_orphan(&j->job, dice(3) ? JOB_NEIGHBOUR : JOB_CULPRIT, 1, &timers, big_dice());

	take_verdict(j, &v);
}

static void schedule(void *arg)
{
	for (size_t i = 0; i < sim.db.jobs_n; i++) {
		struct s_job *j = &sim.db.jobs[i];
		bool due = sim.now >= j->not_before;
		if (j->job.state == JOB_STATE_WAITING ||
			(due && (j->job.state == JOB_STATE_DEFERRED ||
					j->job.state == JOB_STATE_RETRY)))
			set_state(j, JOB_STATE_READY);
		else if (job_held(j->job.state) && db_clock() >= j->lease_until)
			give_up_on(j);
	}
	if (!sim.healing && sim.db.jobs_n < 5 * sim.devices_n && one_in(6)) {
		static const unsigned ops[] = {OP_INDIV_IE, OP_BATCH_IE, OP_INDIV_IE, OP_BATCH_IE,
			OP_SESSION, OP_DIST, OP_RESTART};
		struct s_job *j = &sim.db.jobs[sim.db.jobs_n++];
		*j = (struct s_job){.job = {.state = JOB_STATE_WAITING},
			.device = dice(sim.devices_n),
			.op = ops[dice(array_len(ops))],
			.direction = dice(2) ? LOCK_DIRECTION_EXPORT : LOCK_DIRECTION_IMPORT};
	}
	at(1000, schedule, arg);
}

void scheduler_start(void)
{
	at(0, schedule, NULL);
}

bool jobs_done(void)
{
	for (size_t i = 0; i < sim.db.jobs_n; i++)
		if (!job_terminal(sim.db.jobs[i].job.state))
			return false;
	return true;
}

static bool device_is_busy(uint32_t device)
{
	for (size_t i = 0; i < sim.db.jobs_n; i++)
		if (sim.db.jobs[i].device == device && job_held(sim.db.jobs[i].job.state))
			return true;
	return false;
}

static void on_claim(const struct message *m, struct reply *r)
{
	for (size_t i = 0; i < sim.db.jobs_n; i++) {
		struct s_job *j = &sim.db.jobs[i];
		if (j->job.state != JOB_STATE_READY || device_is_busy(j->device))
			continue;
		set_state(j, JOB_STATE_CLAIMED);
		j->job.attempt++;
		j->job.token = 0;
		j->worker = m->from;
		j->lease_until = db_clock() + JOB_LEASE_MS;
		r->job = (uint32_t)i + 1;
		r->attempt = j->job.attempt;
		return;
	}
}

/* lock.check() of locks.md section 9. */
static const struct s_held *live_lock(uint32_t device, uint32_t request, uint64_t token)
{
	struct uuid id = id_of(1, request);
	const struct s_held *h = held_of(device, &id);

	return h != NULL && h->life.token == token && h->h.state == LOCK_STATE_LIVE &&
			       h->h.until_ms > db_clock()
		       ? h
		       : NULL;
}

static void on_advance(const struct message *m, struct reply *r)
{
	struct s_job *j = m->job > 0 && m->job <= sim.db.jobs_n ? &sim.db.jobs[m->job - 1] : NULL;

	r->ok = m->job == 0; /* a child under a hold: no job */
	if (j == NULL || j->job.attempt != m->attempt || !uuid_eq(&j->worker, &m->from))
		return;
	r->ok = j->job.state == m->state && j->job.token == m->token;
	if (m->state == JOB_STATE_RUNNING && j->job.state == JOB_STATE_CLAIMED &&
		live_lock(j->device, m->request, m->token) != NULL) {
		set_state(j, JOB_STATE_RUNNING);
		j->job.token = m->token;
		r->ok = true;
	} else if (m->state == JOB_STATE_STORING && j->job.state == JOB_STATE_RUNNING &&
		   j->job.token == m->token) {
		set_state(j, JOB_STATE_STORING);
		r->ok = true;
	}
	if (r->ok)
		j->lease_until = db_clock() + JOB_LEASE_MS;
}

static void on_result(const struct message *m, struct reply *r)
{
	struct s_job *j = m->job > 0 && m->job <= sim.db.jobs_n ? &sim.db.jobs[m->job - 1] : NULL;
	struct m_job_outcome o = {.state = m->state,
		.attempt = m->attempt,
		.token = m->token,
		.code = (uint64_t)m->code};
	struct job_verdict v;

	r->ok = true;
	if (j == NULL || (!uuid_eq(&j->worker, &m->from) && sim.bug != BUG_ATTEMPT))
		return;
	if (sim.bug == BUG_ATTEMPT) {
		o.attempt = j->job.attempt;
		o.token = j->job.token;
	}
	if (!job_judge(&j->job, &o, &timers, big_dice(), &v))
		return;
	if (m->attempt != j->job.attempt || !uuid_eq(&j->worker, &m->from))
		broken("job %u: a report of attempt %llu ended attempt %llu", m->job,
			(unsigned long long)m->attempt, (unsigned long long)j->job.attempt);
	if (v.state == JOB_STATE_SUCCEEDED && j->version == 0 && sim.count.failovers == 0)
		broken("I-11: job %u succeeded without a version", m->job);
	take_verdict(j, &v);
}

/* ---- storage: the five checks of locks.md section 9 ---- */

static bool fence(const struct message *m)
{
	const struct s_held *h = live_lock(m->device, m->request, m->token);

	return sim.bug == BUG_TOKEN_CHECK || h != NULL;
}

/* What storage may not have done. */
static void check_effect(const struct message *m)
{
	struct printer *p = &sim.printers[m->device];
	struct uuid id = id_of(1, m->request);

	if (live_lock(m->device, m->request, m->token) == NULL)
		broken("I3: an effect of request %u, whose lock is not live", m->request);
	if (m->token < p->effect_token ||
		(m->token == p->effect_token && !uuid_eq(&id, &p->effect_request)))
		broken("I3: an effect with token %llx after %llx", (unsigned long long)m->token,
			(unsigned long long)p->effect_token);
	p->effect_token = m->token;
	p->effect_request = id;
	sim.count.effects++;
}

static void store_version(const struct message *m, struct reply *r)
{
	struct printer *p = &sim.printers[m->device];
	struct uuid id = id_of(1, m->request);
	struct manifest made = {.token = m->token, .request = id};
	struct s_job *j = m->job > 0 ? &sim.db.jobs[m->job - 1] : NULL;

	if (!mark_allows(&p->mark, m->token, &id)) { /* 4 */
		sim.count.refused_effects++;
		return;
	}
	mark_raise(&p->mark, &made);
	if (!fence(m)) { /* 1 to 3 */
		sim.count.refused_effects++;
		return;
	}
	r->ok = true;
	if (j == NULL) {
		check_effect(m);
		return;
	}
	if (j->version != 0 && sim.bug != BUG_UNIQUE) /* 5 */
		return;
	if (j->version != 0)
		broken("I-11: job %u made two versions", m->job);
	check_effect(m);
	j->version = ++sim.db.versions;
	note("version %u of job %u", j->version, m->job);
}

static void commits(void *arg)
{
	const struct message *m = arg;
	struct reply r = {.to = *m};

	sim.steps++;
	if (sim.db_down)
		return;
	store_version(m, &r);
	answer(&r);
}

static void on_store(const struct message *m)
{
	struct reply r = {.to = *m};

	if (one_in(40))
		return; /* storage dies: asked again */
	if (fence(m))
		at(dice(one_in(10) ? 8000 : 200), commits, keep(m, sizeof(*m)));
	else
		answer(&r);
}

void serve_other(const struct message *m)
{
	struct reply r = {.to = *m};

	sim.steps++;
	if (sim.db_down)
		return;
	if (m->kind == M_STORE) {
		on_store(m);
		return;
	}
	if (m->kind == M_CLAIM)
		on_claim(m, &r);
	else if (m->kind == M_ADVANCE)
		on_advance(m, &r);
	else
		on_result(m, &r);
	answer(&r);
}

/* ---- printers ---- */

struct dialled {
	struct device_call c;
	int64_t ms;
};

/* I5, where it counts: on the device. */
static void check_call(const struct device_call *c)
{
	const struct truth *b = truth_of(c->request);

	for (size_t i = 0; i < CALLS; i++) {
		const struct device_call *o = &sim.printers[c->device].calls[i];
		const struct truth *a = truth_of(o->request);
		if (!o->runs || o->request == c->request || a->forgotten || b->forgotten)
			continue;
		if (lock_may_start(&sim.profile, b->ask.use, a->ask.use) == LOCK_MAY_NOT)
			broken("I5: device %u does %s (%u) while it does %s (%u)", c->device,
				op_id(b->ask.use.op), c->request, op_id(a->ask.use.op), o->request);
	}
}

static void call_ends(void *arg)
{
	struct device_call *c = arg;

	if (!c->runs || c->until > sim.now)
		return;
	c->runs = false;
	if (!c->orphan)
		worker_printer_done(c->worker, c->session, c->life, c->serial);
}

static void call_begins(void *arg)
{
	const struct dialled *d = arg;
	const struct worker *w = &sim.workers[d->c.worker];
	struct printer *p = &sim.printers[d->c.device];

	/* sent before the process or the session was gone: the printer has it all the same */
	bool orphan = !w->alive || w->life != d->c.life ||
		      w->sessions[d->c.session].serial != d->c.serial;
	int64_t ms = orphan && d->ms > ORPHAN_MS ? ORPHAN_MS : d->ms;
	for (size_t i = 0; i < CALLS; i++) {
		if (p->calls[i].runs)
			continue;
		p->calls[i] = d->c;
		p->calls[i].runs = true;
		p->calls[i].orphan = orphan;
		p->calls[i].until = sim.now + ms;
		note("device %u begins a call of request %u", d->c.device, d->c.request);
		check_call(&p->calls[i]);
		at(ms, call_ends, &p->calls[i]);
		return;
	}
}

void printer_call(uint32_t worker, uint32_t session, int64_t ms)
{
	const struct worker *w = &sim.workers[worker];
	const struct session *s = &w->sessions[session];
	struct dialled d = {.c = {.request = s->request,
				    .worker = worker,
				    .session = session,
				    .life = w->life,
				    .serial = s->serial,
				    .device = number_of(&truth_of(s->request)->ask.devices[0])},
		.ms = ms};

	at(1 + dice(300), call_begins, keep(&d, sizeof(d)));
}

/* The reset reaches the printer; it may go on with what it has received. */
void printer_drop(uint32_t worker, uint32_t session)
{
	for (size_t d = 0; d < sim.devices_n; d++)
		for (size_t i = 0; i < CALLS; i++) {
			struct device_call *c = &sim.printers[d].calls[i];
			if (!c->runs || c->orphan || c->worker != worker || c->session != session ||
				c->life != sim.workers[worker].life)
				continue;
			c->orphan = true;
			int64_t most = sim.now + (dice(2) ? 0 : dice(ORPHAN_MS));
			if (most < c->until) {
				c->until = most;
				at(most - sim.now, call_ends, c);
			}
		}
}

/* What is seen on the device; Carnet's own work is left out (locks.md section 2). */
size_t probe(uint32_t device, const char *ops[static 3])
{
	const struct printer *p = &sim.printers[device];
	size_t n = 0;

	if (p->foreign != 0 && p->foreign_until > sim.now)
		ops[n++] = op_id(p->foreign);
	for (size_t i = 0; i < CALLS && n < 3; i++) {
		const struct device_call *c = &p->calls[i];
		struct uuid id = id_of(1, c->request);
		const struct s_held *h = c->runs ? held_of(device, &id) : NULL;
		if (c->runs && (h == NULL || h->h.state != LOCK_STATE_LIVE))
			ops[n++] = op_id(truth_of(c->request)->ask.use.op);
	}
	return n;
}
