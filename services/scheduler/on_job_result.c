// SPDX-License-Identifier: Apache-2.0
/* job_result: what came of jobs. What is held is locked, each report is judged by the pure rules of
 * job.c, and all ends are written by one statement. A report with another attempt or token is
 * refused and changes nothing; a repeated report of the same end is accepted again. */
#include "common/base/crashpoint.h"
#include "services/scheduler/batch.h"

struct results {
	struct m_job_results *replies;
	const struct m_job_outcome **reports; /* of all calls, in order */
	size_t *call;                         /* whose it is */
	bool *accepted;
	struct uuid *refused;
	size_t n;
	struct ending *ends;
	size_t n_ends;
};

/* The same worker said the same before: its answer was lost (RL-9). */
static bool said_before(
	const struct locked_job *j, const struct m_job_outcome *o, const struct uuid *worker)
{
	return !job_held(j->job.state) && !j->lost && j->job.attempt == o->attempt &&
	       uuid_eq(&j->worker, worker);
}

/* Two reports of one job in one batch: the second is a repetition of what was accepted, or judged
 * by itself. */
static bool repeats(const struct results *s, const struct batch *b, const struct locked_job *j)
{
	const struct m_job_outcome *o = s->reports[j->place];
	const struct m_job_result *m = b->calls[s->call[j->place]]->body;
	const struct ending *e = s->n_ends == 0 ? NULL : &s->ends[s->n_ends - 1];

	return e != NULL && uuid_eq(&e->job, &o->job) && uuid_eq(&j->worker, &m->worker) &&
	       o->attempt == e->attempt && o->token == j->job.token;
}

static void judge(struct results *s, const struct batch *b, const struct locked_job *j)
{
	const struct m_job_outcome *o = s->reports[j->place];
	const struct m_job_result *m = b->calls[s->call[j->place]]->body;
	struct job_timers timers = job_timers();
	struct ending *e = &s->ends[s->n_ends];

	if (!uuid_eq(&j->worker, &m->worker))
		return;
	*e = (struct ending){.job = o->job,
		.run = j->run,
		.device = j->device,
		.device_name = j->device_name,
		.kind = j->kind,
		.attempt = j->job.attempt,
		.was = j->job.state,
		.step = j->job.step,
		.report = o};
	if (job_judge(&j->job, o, &timers, random_u64(), &e->verdict)) {
		s->accepted[j->place] = true;
		s->n_ends++;
	} else if (said_before(j, o, &m->worker)) {
		s->accepted[j->place] = true;
	}
}

static void committed(unused struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct batch *b = arg;
	struct results *s = b->state;
	size_t n_refused = 0;

	if (f != NULL) {
		batch_fail(b, f);
		return;
	}
	for (size_t i = 0; i < s->n; i++) {
		if (s->accepted[i])
			continue;
		struct m_job_results *reply = &s->replies[s->call[i]];
		/* reports of one call stand together */
		if (reply->refused_n == 0)
			reply->refused = &s->refused[n_refused];
		s->refused[n_refused++] = s->reports[i]->job;
		reply->refused_n++;
	}
	CRASHPOINT("complete.after_commit");
	endings_tell(s->ends, s->n_ends);
	b->replies = s->replies;
	b->reply_size = sizeof(*s->replies);
	batch_answer(b);
}

/* Rows come in order of job; a job ends once. */
static void locked(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct batch *b = arg;
	struct results *s = b->state;

	if (f != NULL) {
		batch_fail(b, f);
		return;
	}
	for (int row = 0; row < db_rows(r[1]); row++) {
		struct locked_job j;
		locked_job_read(r[1], row, &b->arena, &j);
		if (repeats(s, b, &j))
			s->accepted[j.place] = true;
		else
			judge(s, b, &j);
	}
	if (s->n_ends > 0)
		endings_write(t, s->ends, s->n_ends, &b->arena);
	CRASHPOINT("complete.before_commit");
	db_commit(t, committed, b);
}

static void add_jobs(struct db_args *a, const struct results *s)
{
	db_array(a);
	for (size_t i = 0; i < s->n; i++)
		db_uuid(a, &s->reports[i]->job);
	db_array_end(a);
}

static void begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct batch *b = arg;
	struct results *s = b->state;

	if (f != NULL) {
		batch_fail(b, f);
		return;
	}
	add_jobs(db_add(t, &SQL_ACTIVE_LOCK), s);
	add_jobs(db_add(t, &SQL_JOB_READ), s);
	db_step(t, locked, b);
}

static void collect(struct batch *b, struct results *s)
{
	size_t total = 0;

	for (size_t i = 0; i < b->n; i++)
		total += ((const struct m_job_result *)b->calls[i]->body)->results_n;
	s->replies = arena_array(&b->arena, b->n, sizeof(*s->replies));
	s->reports = arena_array(&b->arena, total + 1, sizeof(*s->reports));
	s->call = arena_array(&b->arena, total + 1, sizeof(*s->call));
	s->accepted = arena_array(&b->arena, total + 1, sizeof(*s->accepted));
	s->refused = arena_array(&b->arena, total + 1, sizeof(*s->refused));
	s->ends = arena_array(&b->arena, total + 1, sizeof(*s->ends));
	bug_if(!s->replies || !s->reports || !s->call || !s->accepted || !s->refused || !s->ends);
	for (size_t i = 0; i < b->n; i++) {
		const struct m_job_result *m = b->calls[i]->body;
		for (size_t k = 0; k < m->results_n; k++) {
			s->call[s->n] = i;
			s->reports[s->n++] = &m->results[k];
		}
	}
}

static void start(struct batch *b)
{
	struct results *s = arena_alloc(&b->arena, sizeof(*s));

	bug_if(s == NULL);
	collect(b, s);
	b->state = s;
	db_begin_by_key(scheduler.service->db, begun, b);
}

/* A report that the database does not take: its job ends all the same, with what is known. */
static const void *instead(const void *one, const struct fault *f, struct arena *arena)
{
	struct m_job_result *m = arena_dup(arena, one, sizeof(*m));
	struct m_job_outcome *o = arena_alloc(arena, sizeof(*o));

	bug_if(m == NULL || o == NULL);
	*o = (struct m_job_outcome){.job = m->results->job,
		.attempt = m->results->attempt,
		.token = m->results->token,
		.state = JOB_STATE_FAILED,
		.code = CN_INTERNAL_ERROR,
		.reason = "report_refused",
		.detail = arena_printf(arena, "the database refused its report: %.32s %.300s",
			f->reason, f->detail),
		.step = m->results->step};
	m->results = o;
	return m;
}

static void run(struct db_batch *queue, void **items, size_t n, unused void *arg)
{
	static const struct batch_parts parts =
		BATCH_PARTS(m_job_result, results, m_job_outcome, m_job_results);
	static const struct batch_kind kind = {.start = start, .parts = &parts, .instead = instead};

	batch_run(&kind, queue, items, n);
}

void on_job_result(struct call *call)
{
	if (scheduler.results == NULL)
		scheduler.results = db_batch_new(16, run, NULL);
	db_batch_put(scheduler.results, call);
}
