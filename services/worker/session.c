// SPDX-License-Identifier: Apache-2.0
/* Life and end of a job in this worker. Everything that was opened is given back on every path: the
 * device, the stream, the lock, the job. */
#include "services/worker/session.h"

#include "services/worker/check.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock/clock.h"
#include "gen/errors.h"
#include "services/worker/change.h"
#include "services/worker/culprit.h"
#include "services/worker/discover/discover.h"

#define ARENA_MAX ((size_t)2 * 1024 * 1024)         /* reliability.md section 5 */
#define CHANGE_ARENA_MAX ((size_t)16 * 1024 * 1024) /* reads several times, and writes */
#define SLOW_TURN_MS 50u

/* ---- around callbacks ---- */

static const char *const step_words[] = {"resolve", "source", "probe", "busy", "lock", "running",
	"read", "identify", "leave", "sent", "storing", "commit", "foresee", "keep", "journal",
	"lease", "write", "rest", "restart", "prove", "lift", "asked", "scan", "awake", "end"};

static struct {
	unsigned depth;
	uint64_t since;
	const char *word;
	struct uuid job;
} turn;

void session_enter(struct session *s)
{
	if (turn.depth++ > 0)
		return;
	turn.since = clock_mono_ms();
	turn.word = step_words[s->step];
	turn.job = s->job->job;
	culprit_enter(&s->job->job, (uint32_t)s->job->attempt, turn.word);
}

void session_leave(void)
{
	uint64_t took;

	bug_if(turn.depth == 0);
	if (--turn.depth > 0)
		return;
	culprit_leave();
	took = clock_mono_ms() - turn.since;
	if (took > SLOW_TURN_MS)
		log_warn(L("slow turn"), L_UUID("job", &turn.job), L_STR("step", turn.word),
			L_INT("ms", took));
}

/* ---- begin ---- */

/* Through the codec: one way to copy any message. */
static const struct m_job_work *copy_work(struct arena *a, const struct m_job_work *work)
{
	struct m_job_batch batch = {.jobs = work, .jobs_n = 1};
	struct msg_header header = {.sender = "worker"};
	const struct msg_desc *desc;
	struct buf frame = BUF_INIT;
	struct fault f = FAULT_INIT;
	void *copy = NULL;

	msg_encode(&frame, &m_job_batch_desc, &header, &batch);
	if (frame.err || msg_decode(buf_span(&frame), a, &desc, &header, &copy, &f) < 0)
		copy = NULL;
	buf_fini(&frame);
	return copy ? ((struct m_job_batch *)copy)->jobs : NULL;
}

void session_start(struct worker *w, const struct m_job_work *work)
{
	struct session *s = mem_alloc(sizeof(*s));

	s->worker = w;
	arena_init(&s->arena, work->phase ? CHANGE_ARENA_MAX : ARENA_MAX);
	list_init(&s->node);
	list_init(&s->advance_node);
	list_init(&s->release_node);
	list_init(&s->result_node);
	list_init(&s->journal_node);
	s->job = copy_work(&s->arena, work);
	if (!s->job) { /* its lease runs out, somebody else takes it */
		log_error(L("job cannot be read"), L_UUID("job", &work->job));
		free(s);
		return;
	}
	s->started = clock_mono_ms();
	list_push(&w->sessions, &s->node);
	w->n_sessions++;
	metric_set(w->m_sessions, (int64_t)w->n_sessions);
	session_enter(s);
	steps_begin(s);
	session_leave();
}

static void session_free(struct session *s)
{
	struct worker *w = s->worker;

	effects_stop(s);
	list_remove(&s->node);
	w->n_sessions--;
	metric_set(w->m_sessions, (int64_t)w->n_sessions);
	if (s->timer)
		timer_free(s->timer);
	change_free(s->change);
	discover_stop(s->discover);
	arena_fini(&s->arena);
	free(s);
	claim_now(w);
}

bool session_unstarted(const struct session *s)
{
	return s->step < STEP_LOCK && s->verdict.state == 0;
}

void session_forget(struct session *s)
{
	if (s->in_device)
		s->adapter->cancel(s->device);
	s->in_device = false;
	s->refused = true;
	if (s->step == STEP_RESOLVE || s->step == STEP_SOURCE)
		s->verdict.state = JOB_STATE_CANCELLED; /* an answer is under way: freed when it
							   comes */
	else
		session_free(s);
}

/* ---- end ---- */

void session_fail(struct session *s, const struct fault *f)
{
	if (check_wanted(s->job) && s->verdict.state == 0 && check_failed(s, f)) {
		steps_leave(s);
		return;
	}
	if (s->verdict.state == 0)
		check_by_backup(s, f);
	const struct fault *excuse = effects_excuse(s, f);
	struct verdict v = verdict_of_fault(excuse ? excuse : f, s->storing);

	v.retry_ms = s->errand.seen.retry_ms;
	session_end(s, v);
}

static bool device_to_release(const struct session *s)
{
	return s->device && !s->left_device;
}

static const char *state_word(enum job_state state)
{
	for (const struct msg_enum_word *w = job_state_words; w->word; w++)
		if (w->number == (int)state)
			return w->word;
	return "none";
}

static void log_end(const struct session *s)
{
	const struct verdict *v = &s->verdict;
	const struct m_device *d = s->job->device;

	if (v->fault.code)
		log_info(L("job ended"), L_UUID("job", &s->job->job), L_STR("device", d->name),
			L_STR("state", state_word(v->state)), L_FAULT(&v->fault),
			L_UUID("trace", &s->job->trace));
	else
		log_debug(L("job ended"), L_UUID("job", &s->job->job), L_STR("device", d->name),
			L_STR("state", state_word(v->state)), L_UUID("trace", &s->job->trace));
}

static void report(struct session *s)
{
	s->ended = clock_mono_ms();
	log_end(s);
	tell_factory_login(s);
	if (s->locked)
		tell_release(s);
	else
		s->released = true;
	if (!effects_after(s))
		session_looked_after(s);
}

void session_looked_after(struct session *s)
{
	if (s->refused)
		s->reported = true; /* nobody wants our word any more */
	else
		tell_result(s);
	session_told(s);
}

/* May be called again and again: each time it goes one station further. The first cause stays. */
void session_end(struct session *s, struct verdict v)
{
	struct timer *timer = s->timer;

	if (s->verdict.state == 0)
		s->verdict = v;
	s->unsure |= s->locked && change_touched(s->change);
	s->step = STEP_END;
	s->timer = NULL;
	if (timer)
		timer_free(timer);
	if (s->in_device && s->releasing)
		return;     /* it goes on */
	if (s->in_device) { /* storage failed while the device was read */
		s->adapter->cancel(s->device);
		s->in_device = false;
	}
	if (device_to_release(s)) {
		s->in_device = s->releasing = true;
		s->adapter->release(s->device);
		return;
	}
	if (s->spool && !s->spool_gone) {
		spool_drop(s->spool, &s->verdict.fault);
		return;
	}
	if (s->ended == 0)
		report(s);
}

void session_cut(struct session *s, const struct fault *why, bool unsure)
{
	if (s->step == STEP_STORING || s->step == STEP_COMMIT || s->step == STEP_END)
		return; /* it finishes (FL-55); without its lock the commit is refused by itself */
	if (s->change && change_finishes(s->change, why))
		return;
	session_enter(s);
	metric_add(s->worker->m_cut, 1);
	s->unsure |= s->locked && (s->step == STEP_RESTART || (unsure && s->step == STEP_READ));
	s->verdict = verdict_of_fault(why, s->storing);
	if (s->in_device) {
		s->adapter->cancel(s->device);
		s->in_device = false;
		session_end(s, s->verdict);
	} else if (s->step == STEP_SENT || s->step == STEP_KEEP || s->step == STEP_LEASE ||
		   s->step == STEP_SCAN) {
		discover_stop(s->discover);
		session_end(s, s->verdict);
	} /* else one answer is under way: its callback sees the verdict */
	session_leave();
}

void session_told(struct session *s)
{
	if (s->reported && s->released)
		session_free(s);
}

/* ---- the result ---- */

static const char *seen_text(const char *s)
{
	return s && *s ? s : NULL;
}

static void fill_seen(const struct session *s, struct m_device *d)
{
	const struct errand *e = &s->errand;
	bool learn = verdict_may_learn(s->job, s->compared);

	*d = (struct m_device){.id = s->job->device->id,
		.serial = learn ? seen_text(s->serial) : NULL,
		.device_uuid = learn ? seen_text(e->seen.device_uuid) : NULL,
		.mac = learn ? seen_text(e->seen.mac) : NULL,
		.model = seen_text(e->seen.model),
		.firmware = seen_text(e->seen.firmware),
		.display_language = seen_text(e->seen.language),
		.charset = seen_text(e->seen.charset),
		.type = e->seen.type,
		.capabilities = e->seen.capabilities,
		.capabilities_n = e->seen.n_capabilities};
}

/* It was read, and may be another one than its record says (FL-4). */
static bool not_identified(const struct session *s)
{
	return s->device && !s->compared;
}

/* By this attempt, or by one before it in this run (FL-46). */
static bool lifted(const struct session *s)
{
	return s->restarts || s->job->restarted;
}

static const char *good_reason(const struct session *s)
{
	const char *effect = effects_word(s);

	return s->found            ? s->found
	       : lifted(s)         ? "restriction_lifted"
	       : effect            ? effect
	       : not_identified(s) ? "not_identified"
				   : NULL;
}

static const char *good_detail(const struct session *s)
{
	if (lifted(s))
		return "Restrict Receiving for Each Function > Address Book was on; it was "
		       "switched off, the printer was restarted";
	if (not_identified(s))
		return "the printer said nothing that its record could be compared with";
	return seen_text(s->verdict.fault.detail); /* what a search found */
}

static uint64_t between(uint64_t from, uint64_t to)
{
	return from && to > from ? to - from : 0;
}

void session_outcome(const struct session *s, struct m_job_outcome *ret, struct m_device *seen)
{
	const struct verdict *v = &s->verdict;
	const struct m_stored *stored =
		s->spool && s->spool->have_result ? &s->spool->result : NULL;

	*ret = (struct m_job_outcome){.job = s->job->job,
		.attempt = s->job->attempt,
		.token = s->token,
		.state = v->state,
		.code = (uint64_t)v->fault.code,
		.reason = v->fault.code ? seen_text(v->fault.reason) : good_reason(s),
		.detail = v->fault.code ? seen_text(v->fault.detail) : good_detail(s),
		.device_text = seen_text(s->errand.seen.text),
		.retry_ms = v->retry_ms,
		.entries = s->entries,
		.bytes = s->spool ? s->spool->total : 0,
		.lists = s->lists,
		.lists_n = s->n_lists,
		.lock_ms = between(s->started, s->locked_at),
		.device_ms = between(s->locked_at ? s->locked_at : s->started, s->read_at),
		.store_ms = between(s->read_at, s->ended)};
	if (stored) {
		ret->version = stored->version;
		ret->generation = stored->generation;
		ret->new_version = v->state == JOB_STATE_SUCCEEDED;
	}
	if (s->device || s->errand.seen.n_capabilities) {
		fill_seen(s, seen);
		ret->seen = seen;
	}
	if (s->change)
		change_outcome(s->change, ret);
}
