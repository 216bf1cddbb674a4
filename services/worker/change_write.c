// SPDX-License-Identifier: Apache-2.0
/* A job that writes, from the pre-image to the proof, and back when it went wrong. change.h draws
 * the way. Every changing call is journaled before and after, with half of the lease left. */
#include <string.h>

#include "common/base/crashpoint.h"
#include "common/clock/clock.h"
#include "gen/errors.h"
#include "services/worker/change.h"

#define LEASE_AGAIN_MS 50u
#define PIECE ((size_t)64 * 1024)

/* ---- to storage ---- */

/* As much as fits now; the rest when there is room. */
static void feed(struct change *c)
{
	struct session *s = c->s;

	for (; c->item < c->feeding->n_items; c->item++, c->offset = 0) {
		const struct image_item *i = &c->feeding->item[c->item];
		if (c->item == s->spool->n_items) /* not begun before there was no room */
			bug_if(!spool_item(s->spool, i->name));
		while (c->offset < i->bytes.n) {
			struct span piece = {
				i->bytes.p + c->offset, size_min(PIECE, i->bytes.n - c->offset)};
			if (!spool_bytes(s->spool, piece))
				return;
			c->offset += piece.n;
		}
		spool_item_end(s->spool);
	}
	c->feeding = NULL;
	spool_finish(s->spool);
}

void change_room(struct change *c)
{
	if (c->feeding && c->s->verdict.state == 0)
		feed(c);
}

void change_feed(struct change *c, const struct picture *p, void (*next)(struct change *c))
{
	c->next = next;
	c->item = c->offset = 0;
	c->feeding = p;
	if (steps_spool(c->s))
		feed(c);
}

void change_about_version(const struct change *c, struct m_store_begin *m)
{
	bool pre = c->s->step == STEP_KEEP;

	m->kind = pre ? VERSION_KIND_PRE_IMAGE : c->s->plan.version_kind;
	m->read_back = !pre;
}

/* The pre-image is with storage: it becomes a version. The read-back goes the way of any backup. */
void change_sent(struct change *c)
{
	struct m_store_commit m = {.serial_after = c->s->errand.seen.serial,
		.change_before = c->s->change_before,
		.change_after = c->s->errand.seen.change};

	if (!steps_ended(c->s))
		spool_commit(c->s->spool, &m);
}

static void stored_pre_image(struct change *c)
{
	c->pre_image = c->s->spool->result.version;
	c->s->spool = NULL; /* it ended with its commit */
	c->next(c);
}

static void pre_image_told(struct change *c)
{
	CRASHPOINT("change.pre_image");
	change_begin_write(c);
}

static void pre_image_kept(struct change *c)
{
	change_tell(c, WRITE_STEP_PRE_IMAGE, pre_image_told);
}

/* D8: before the first changing call all that it overwrites is a version. */
void change_keep(struct change *c)
{
	c->s->step = STEP_KEEP;
	change_feed(c, &c->before, pre_image_kept);
}

static enum job_state done_state(const struct change *c)
{
	return c->foresight.before && !c->foresight.changes ? JOB_STATE_UNCHANGED
							    : JOB_STATE_SUCCEEDED;
}

void change_stored(struct change *c, const struct fault *f)
{
	struct session *s = c->s;
	struct verdict v = {.state = done_state(c)};

	if (s->step == STEP_KEEP) {
		if (steps_ended(s))
			return;
		if (f)
			session_fail(s, f);
		else
			stored_pre_image(c);
		return;
	}
	session_end(s, f ? verdict_of_fault(f, true) : v);
}

/* ---- the journal ---- */

void change_tell(struct change *c, enum write_step step, void (*next)(struct change *c))
{
	c->step = step;
	c->next = next;
	c->s->step = STEP_JOURNAL;
	tell_journal(c->s);
}

void session_journaled(struct session *s)
{
	struct fault f = FAULT_INIT;

	session_enter(s);
	if (s->refused) { /* write nothing, or no more */
		fault_set(&f, CN_LEASE_LOST, "the scheduler gave this job to somebody else");
		session_fail(s, &f);
	} else if (!steps_ended(s)) {
		if (s->change)
			s->change->next(s->change);
		else
			lift_journaled(s);
	}
	session_leave();
}

/* ---- P9: half of the lease must be left ---- */

static void with_lease(struct change *c, void (*next)(struct change *c));

static void look_at_lease(void *arg)
{
	struct change *c = arg;

	session_enter(c->s);
	if (!steps_ended(c->s))
		with_lease(c, c->next);
	session_leave();
}

static void with_lease(struct change *c, void (*next)(struct change *c))
{
	struct session *s = c->s;
	uint64_t half = (uint64_t)s->worker->config->lock_lease_ms / 2;

	if (s->lock_end >= clock_boot_ms() + half) {
		next(c);
		return;
	}
	c->next = next; /* the next renewal brings it, or the soft stop ends the job */
	s->step = STEP_LEASE;
	if (!c->timer)
		c->timer = timer_new(s->worker->service->loop, look_at_lease, c);
	timer_set(c->timer, LEASE_AGAIN_MS, 0);
}

/* ---- the write ---- */

/* What the adapter is given as the device's present content. */
static void set_was(struct change *c, const struct picture *p, const struct book *book)
{
	if (!book && change_is_book(c)) {
		if (!c->empty)
			c->empty = book_new(device_codec(c->s->adapter)->family);
		book = c->empty;
	}
	c->was = (struct image){.item = p->item, .n_items = p->n_items, .book = book};
	c->s->errand.before = &c->was;
}

static void call_write(struct change *c)
{
	struct session *s = c->s;

	CRASHPOINT("change.sent");
	c->touched = true;
	s->errand.seen.n_verdicts = 0;
	s->errand.seen.restart_required = false;
	steps_call_device(s, STEP_WRITE, s->adapter->write);
}

static void write_wanted(struct change *c)
{
	struct errand *e = &c->s->errand;

	if (c->foresight.before) {
		set_was(c, c->looking ? &c->now : &c->before,
			c->looking ? c->now.book : c->foresight.before_book);
		c->wanted = *picture_image(&c->foresight.wanted);
	}
	e->wanted = &c->wanted;
	c->given = *picture_image(&c->source.picture);
	c->given.book = c->foresight.source_book;
	e->source = foresight_of_device(&c->foresight) ? &c->given : NULL;
	call_write(c);
}

static void lease_for_write(struct change *c)
{
	with_lease(c, write_wanted);
}

void change_begin_write(struct change *c)
{
	change_tell(c, WRITE_STEP_SENT, lease_for_write);
}

/* ---- after it ---- */

static void read_back(struct change *c)
{
	CRASHPOINT("change.answered");
	change_read(c, &c->now);
}

static bool alone(const struct change *c)
{
	return c->foresight.before == NULL; /* a file, a restart: nothing to read */
}

static void finish_alone(struct change *c)
{
	c->settled = true;
	c->step = WRITE_STEP_VERIFIED;
	steps_leave(c->s);
}

bool change_restarts(struct change *c)
{
	const struct session *s = c->s;
	const struct m_task_settings *t = s->job->settings;

	c->restart_pending = s->errand.seen.restart_required || c->foresight.plan.restart;
	return c->restart_pending && t && t->restart_if_needed && s->adapter->restart &&
	       !c->cancelled;
}

/* With a restart "answered" is journaled right before it is sent: who finds "sent" may send it. */
static void answered(struct change *c)
{
	if (alone(c))
		change_tell(c, WRITE_STEP_ANSWERED, finish_alone);
	else if (change_restarts(c))
		change_restart(c);
	else
		change_tell(c, WRITE_STEP_ANSWERED, read_back);
}

/* A file that was refused was not printed; one that was cut off may have been. */
static bool may_be_printed(const struct fault *f)
{
	return strcmp(f->reason, "data_sent") == 0;
}

static void not_delivered(struct change *c, const struct fault *f)
{
	const struct error_info *e = error_info(f->code);

	if (may_be_printed(f)) {
		change_fail(c, CN_READBACK_UNAVAILABLE, "unknown",
			"the connection ended while the file was sent; it may have been printed");
		return;
	}
	c->settled = true;
	if (e && e->retryable)
		c->step = WRITE_STEP_PLANNED;
	session_fail(c->s, f);
}

static void not_delivered_told(struct change *c)
{
	not_delivered(c, &c->refused);
}

/* What the device says is not believed: it is read. */
static void written(struct change *c, const struct fault *f)
{
	c->refused.code = 0;
	if (f)
		c->refused = *f;
	if (alone(c) && f) {
		const struct error_info *e = error_info(f->code);
		if (e && e->retryable && !may_be_printed(f)) /* nothing was sent: again */
			change_tell(c, WRITE_STEP_PLANNED, not_delivered_told);
		else
			not_delivered(c, f);
	} else if (c->reverting) {
		read_back(c);
	} else {
		answered(c);
	}
}

/* ---- restart (B2–B5) ---- */

void change_restart(struct change *c)
{
	struct session *s = c->s;

	s->errand.seen.n_ops = 0;
	steps_call_device(s, STEP_REST, s->adapter->busy);
}

static bool only_restart(const struct change *c)
{
	return strcmp(c->s->job->kind, "device.restart") == 0;
}

static void send_restart(struct change *c)
{
	CRASHPOINT("change.restart");
	c->touched = true;
	steps_call_device(c->s, STEP_RESTART, c->s->adapter->restart);
}

/* B4: never while something goes on. */
static void rested(struct change *c, const struct fault *f)
{
	struct session *s = c->s;
	bool busy = f || s->errand.seen.n_ops > 0 || s->errand.seen.busy_unknown;

	if (!busy) {
		change_tell(
			c, only_restart(c) ? WRITE_STEP_SENT : WRITE_STEP_ANSWERED, send_restart);
	} else if (!only_restart(c)) {
		c->restart_later = true;
		read_back(c);
	} else if (f) {
		session_fail(s, f);
	} else {
		change_fail(c, CN_DEVICE_BUSY, s->errand.seen.n_ops ? s->errand.seen.ops[0] : "",
			"the printer is not restarted while it works");
	}
}

static void not_restarted_told(struct change *c)
{
	c->settled = true;
	session_fail(c->s, &c->refused);
}

/* No restart was sent, or it had none of it: the device is as it was before. */
static void not_restarted(struct change *c, const struct fault *f)
{
	const struct error_info *e = error_info(f->code);

	if (only_restart(c)) {
		c->refused = *f;
		change_tell(c, WRITE_STEP_PLANNED, not_restarted_told);
		return;
	}
	c->restart_later = e && e->retryable;
	change_tell(c, WRITE_STEP_SENT, read_back); /* who looks next may still restart it */
}

static void restarted(struct change *c, const struct fault *f)
{
	if (f && strcmp(f->reason, "not_back") == 0) {
		session_fail(c->s, f); /* B5: what it holds is not known */
	} else if (f) {
		not_restarted(c, f);
	} else {
		c->restart_pending = false;
		if (only_restart(c))
			finish_alone(c);
		else
			read_back(c);
	}
}

bool change_device_write(struct change *c, const struct fault *f)
{
	switch ((int)c->s->step) {
	case STEP_WRITE:
		written(c, f);
		return true;
	case STEP_REST:
		rested(c, f);
		return true;
	case STEP_RESTART:
		restarted(c, f);
		return true;
	default:
		return false;
	}
}

/* ---- the proof (V1, V2) ---- */

static void verified_told(struct change *c)
{
	CRASHPOINT("change.verified");
	c->settled = true;
	steps_leave(c->s);
}

void change_verified(struct change *c)
{
	change_tell(c, WRITE_STEP_VERIFIED, verified_told);
}

static void reverted_told(struct change *c)
{
	c->settled = true;
	if (c->refused.code && !c->reverting)
		session_fail(c->s, &c->refused); /* the device refused it, and nothing changed */
	else if (!c->reverting)
		change_fail(c, CN_READBACK_DIFFERS, "nothing_changed",
			"the printer took the content and kept the old one");
	else
		change_fail(c, CN_READBACK_DIFFERS, "reverted", c->proof.why);
}

/* The device is as it was. */
static void is_old(struct change *c)
{
	const struct error_info *e = error_info(c->refused.code);

	if (!c->reverting && c->refused.code && e && e->retryable) {
		c->settled = true; /* the next attempt looks, and writes */
		session_fail(c->s, &c->refused);
		return;
	}
	change_tell(c, WRITE_STEP_REVERTED, reverted_told);
}

static void half_written(struct change *c)
{
	struct fault f = FAULT_INIT;

	fault_why(&f, CN_READBACK_DIFFERS, "half_written",
		"the old content could not be put back: %.120s; it is kept as a pre-image",
		c->back.why);
	session_fail(c->s, &f);
}

/* The device would not take the old content now: locked, in use, cut off. The next attempt looks,
 * and puts it back. */
static bool refused_for_now(const struct change *c)
{
	const struct error_info *e = error_info(c->refused.code);

	return c->refused.code && e &&
	       (e->outcome == ERROR_OUTCOME_DEFERRED || e->outcome == ERROR_OUTCOME_RETRY);
}

static void proven(struct change *c)
{
	if (!c->reverting && c->proof.result != PROOF_DIFFERS)
		change_verified(c);
	else if (c->kept_old)
		is_old(c);
	else if (!c->reverting)
		change_undo(c);
	else if (refused_for_now(c))
		session_fail(c->s, &c->refused);
	else
		half_written(c);
}

static void on_proven(void *arg)
{
	struct change *c = arg;

	session_enter(c->s);
	if (!steps_ended(c->s))
		proven(c);
	session_leave();
}

static void work_prove(void *arg)
{
	struct change *c = arg;

	change_compare(c, c->reverting ? &c->back : &c->proof, c->reverting);
}

void change_prove(struct change *c)
{
	struct proof *p = c->reverting ? &c->back : &c->proof;

	proof_init(p, &c->arena);
	p->strict = c->reverting;
	c->s->step = STEP_PROVE;
	loop_work(c->s->worker->service->loop, work_prove, on_proven, c);
}

/* ---- back (V3) ---- */

/* Items that are not as they were. */
static void set_undo(struct change *c)
{
	const struct picture *base = change_base(c);
	size_t n = 0;

	for (size_t i = 0; i < base->n_items; i++) {
		const struct image_item *is = picture_find(&c->now, base->item[i].name);
		if (!is || is->bytes.n != base->item[i].bytes.n ||
			memcmp(is->bytes.p, base->item[i].bytes.p, is->bytes.n) != 0)
			c->undo[n++] = base->item[i];
	}
	c->wanted = (struct image){.item = c->undo, .n_items = n, .book = c->foresight.before_book};
	c->given = (struct image){
		.item = base->item, .n_items = base->n_items, .book = c->foresight.before_book};
	c->s->errand.wanted = &c->wanted;
	c->s->errand.source = &c->given;
}

static void write_back(struct change *c)
{
	CRASHPOINT("change.reverting");
	c->reverting = true;
	set_was(c, &c->now, c->now.book);
	set_undo(c);
	call_write(c);
}

static void lease_for_undo(struct change *c)
{
	with_lease(c, write_back);
}

void change_undo(struct change *c)
{
	const struct m_task_settings *t = c->s->job->settings;

	if (t && t->on_failure == ON_FAILURE_LEAVE) {
		c->settled = true;
		change_fail(c, CN_READBACK_DIFFERS, "left", c->proof.why);
		return;
	}
	change_tell(c, WRITE_STEP_REVERTING, lease_for_undo);
}

/* ---- the end ---- */

static void no_more(struct change *c unused)
{
}

/* The device is left; what it holds now becomes a version. */
void change_left(struct change *c)
{
	bool store = c->touched && !alone(c);

	if (store)
		change_feed(c, &c->now, no_more);
	else
		steps_storing(c->s);
}
