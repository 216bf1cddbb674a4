// SPDX-License-Identifier: Apache-2.0
/* A job that writes, up to the plan: source, reading, what shall become of the device, and looking
 * at what an earlier attempt left. change.h draws the way. */
#include "services/worker/change.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/crashpoint.h"
#include "common/book/items.h"
#include "gen/errors.h"

#define REPORT_MAX ((size_t)512 * 1024)

static bool is_kind(const struct change *c, const char *kind)
{
	return strcmp(c->s->job->kind, kind) == 0;
}

bool change_wanted(const struct m_job_work *job)
{
	return job->phase || strcmp(job->kind, "file.deliver") == 0 ||
	       strcmp(job->kind, "device.restart") == 0;
}

int change_allowed(const struct adapter *a, const struct m_job_work *job, struct fault *reterr)
{
	const struct m_device *d = job->device;
	bool restart = strcmp(job->kind, "device.restart") == 0;

	if (!change_wanted(job))
		return 0;
	if (d->managed_by != 0 && d->managed_by != MANAGED_BY_CARNET)
		return fault_set(reterr, CN_MANAGED_ELSEWHERE,
			"another system manages this printer: Carnet does not write to it");
	if (restart && !a->restart)
		return fault_set(reterr, CN_UNSUPPORTED_OPERATION,
			"nothing public says how to restart a printer of family %s", a->family);
	if (!restart && !a->write)
		return fault_set(reterr, CN_UNSUPPORTED_OPERATION,
			"nothing public says how to write to a printer of family %s; export the "
			"version in the printer's own format and load it by hand",
			a->family);
	return 0;
}

struct change *change_new(struct session *s)
{
	struct change *c = mem_alloc(sizeof(*c));
	const struct m_job_work *j = s->job;

	c->s = s;
	arena_init(&c->arena, REPORT_MAX);
	c->budget = (struct image_budget){.parent = &s->worker->images, .max = PICTURES_MAX};
	c->own = (struct image_budget){.max = PICTURES_MAX};
	source_init(&c->source, s->worker->storage, &s->arena, &c->budget, &j->trace);
	source_init(&c->old, s->worker->storage, &s->arena, &c->budget, &j->trace);
	picture_init(&c->before, &c->budget);
	picture_init(&c->now, &c->budget);
	foresight_init(&c->foresight, &c->own);
	c->looking = j->phase != RUN_PHASE_PLAN && j->step >= WRITE_STEP_SENT;
	c->cancelled = j->cancel;
	c->step = j->step;
	c->pre_image = c->looking ? j->pre_image : (struct uuid){{0}};
	return c;
}

void change_free(struct change *c)
{
	if (!c)
		return;
	if (c->timer)
		timer_free(c->timer);
	foresight_fini(&c->foresight);
	source_fini(&c->source);
	source_fini(&c->old);
	picture_fini(&c->before);
	picture_fini(&c->now);
	book_free(c->empty);
	budget_give(&c->budget, c->reserved);
	arena_fini(&c->arena);
	free(c);
}

void change_fail(struct change *c, int code, const char *reason, const char *text)
{
	struct fault f = FAULT_INIT;

	fault_why(&f, code, reason, "%s", text);
	session_fail(c->s, &f);
}

void change_cancel(struct change *c)
{
	change_fail(c, CN_CANCELLED_BY_USER, "",
		"cancelled: nothing was written, or the printer holds its old content");
}

bool change_is_book(const struct change *c)
{
	return job_has_book(c->s->adapter, c->s->job);
}

const struct picture *change_base(const struct change *c)
{
	return c->looking ? &c->old.picture : &c->before;
}

/* ---- source ---- */

static void on_old(void *arg, const struct fault *f)
{
	struct change *c = arg;
	struct session *s = c->s;

	session_enter(s);
	if (!steps_ended(s)) {
		if (f)
			session_fail(s, f);
		else
			steps_probe(s);
	}
	session_leave();
}

/* AB-33: a distribution sends a distribution book, never what a device held or a file. */
static bool distributable(const struct change *c)
{
	return c->s->job->phase == RUN_PHASE_REVERT || !is_kind(c, "ab.distribute") ||
	       c->source.about.kind == VERSION_KIND_DISTRIBUTION;
}

static void on_source(void *arg, const struct fault *f)
{
	static const struct fault refused = {.code = CN_VALIDATION_FAILED,
		.reason = "version_not_distributable",
		.detail = "a distribution sends a distribution book"};
	struct change *c = arg;
	struct session *s = c->s;
	struct source_ask old = {.id = s->job->pre_image};

	session_enter(s);
	if (steps_ended(s))
		goto out;
	if (f && c->looking && f->code == CN_NOT_FOUND)
		c->gone = *f; /* what is half written is put back all the same */
	if (f && !c->gone.code)
		session_fail(s, f);
	else if (!f && !distributable(c))
		session_fail(s, &refused);
	else if (c->looking && !uuid_is_nil(&old.id))
		source_fetch(&c->old, &old, on_old, c);
	else
		steps_probe(s);
out:
	session_leave();
}

/* What is pinned by the plan, else what the task names, else the device's own newest of then. */
static struct source_ask what_to_write(const struct change *c)
{
	const struct m_job_work *j = c->s->job;
	const struct m_task_settings *t = j->settings;
	struct source_ask ask = {
		.id = j->source, .device = j->device->id, .kind = c->s->plan.version_kind};

	if (uuid_is_nil(&ask.id) && j->phase == RUN_PHASE_REVERT)
		ask.id = j->pre_image;
	else if (uuid_is_nil(&ask.id) && t)
		ask.id = t->source;
	ask.book_id = uuid_is_nil(&j->source) && is_kind(c, "ab.distribute");
	ask.at = t ? t->source_at : 0;
	return ask;
}

void change_source(struct change *c)
{
	struct source_ask ask = what_to_write(c);

	if (c->cancelled && !c->looking) {
		change_cancel(c);
		return;
	}
	if (is_kind(c, "device.restart")) {
		steps_probe(c->s);
		return;
	}
	c->s->step = STEP_SOURCE;
	source_fetch(&c->source, &ask, on_source, c);
}

/* ---- reading ---- */

static void begin_read(struct change *c)
{
	struct session *s = c->s;

	c->counting = false;
	s->change_before = s->errand.seen.change;
	steps_call_device(s, STEP_READ, s->adapter->read);
}

void change_read(struct change *c, struct picture *into)
{
	struct session *s = c->s;

	picture_fini(into);
	c->reading = into;
	s->n_lists = s->n_read = 0;
	s->entries = 0;
	c->counting = c->touched && s->errand.seen.change != 0;
	if (c->counting)
		steps_call_device(s, STEP_IDENTIFY, s->adapter->identify);
	else
		begin_read(c);
}

void change_item(struct change *c, const char *name)
{
	bug_if(!picture_item(c->reading, name));
}

bool change_bytes(struct change *c, struct span bytes)
{
	if (picture_bytes(c->reading, bytes))
		return true;
	if (budget_full_above(&c->budget, bytes.n))
		fault_why(&c->fault, CN_SESSION_LIMIT, "worker_memory",
			"this worker holds as much as it may just now");
	else
		fault_set(&c->fault, CN_RESPONSE_TOO_BIG,
			"what the printer holds is larger than 64 MiB");
	return false;
}

static void deliver(struct change *c);

/* R5: what may have been restarted is not restarted again. */
static void restart_alone(struct change *c)
{
	if (c->looking)
		change_fail(c, CN_READBACK_UNAVAILABLE, "unknown",
			"an earlier attempt sent the restart; the printer answers, whether it "
			"restarted is not known");
	else
		change_restart(c);
}

void change_running(struct change *c)
{
	if (is_kind(c, "device.restart"))
		restart_alone(c);
	else if (is_kind(c, "file.deliver"))
		deliver(c);
	else
		change_read(c, c->looking ? &c->now : &c->before);
}

/* A file that may have been printed is not printed again (R5). */
static void deliver(struct change *c)
{
	if (c->looking) {
		c->touched = true;
		change_fail(c, CN_READBACK_UNAVAILABLE, "unknown",
			"an earlier attempt began to send the file; how it ended is not known");
		return;
	}
	c->wanted = *picture_image(&c->source.picture);
	change_begin_write(c);
}

/* ---- what shall become of it ---- */

static bool reserve(struct change *c)
{
	size_t n = 4 * (picture_size(&c->source.picture) + picture_size(change_base(c)));

	if (!budget_take(&c->budget, n))
		return false;
	c->reserved = n;
	return true;
}

static bool same_items(const struct change *c, const struct picture *a, const struct picture *b)
{
	struct arena arena;
	struct proof p;

	arena_init(&arena, 0);
	proof_init(&p, &arena);
	proof_items(&p, c->s->adapter, &c->s->errand, a, b);
	arena_fini(&arena);
	return p.result != PROOF_DIFFERS;
}

static bool same_books(const struct change *c, const struct picture *written)
{
	struct fault ignored = FAULT_INIT;
	struct arena arena;
	struct proof p;
	bool same;

	arena_init(&arena, 0);
	proof_init(&p, &arena);
	p.strict = true;
	same = proof_books(&p, c->foresight.before_book, c->now.book,
		       device_profile(c->s->adapter, &c->s->errand), written, &ignored) == 0 &&
	       p.result != PROOF_DIFFERS;
	arena_fini(&arena);
	return same;
}

/* What the device shows now, beside what it was to hold, and what it held. */
void change_compare(struct change *c, struct proof *p, bool with_old)
{
	const struct picture *written = &c->foresight.wanted;
	const struct session *s = c->s;
	struct fault f = FAULT_INIT;

	c->kept_old = false;
	if (!change_is_book(c)) {
		proof_items(
			p, s->adapter, &s->errand, with_old ? change_base(c) : written, &c->now);
		c->kept_old = same_items(c, change_base(c), &c->now);
		return;
	}
	if (picture_read_book(&c->now, device_codec(s->adapter), &f) < 0) {
		proof_unreadable(p, written, &f);
		return;
	}
	if (proof_books(p, with_old ? c->foresight.before_book : written->book, c->now.book,
		    device_profile(s->adapter, &s->errand), written, &f) < 0)
		proof_unreadable(p, written, &f);
	c->kept_old = same_books(c, written);
}

static void look(struct change *c)
{
	change_compare(c, &c->proof, false);
	c->looked = c->proof.result != PROOF_DIFFERS ? LOOK_NEW
		    : c->kept_old                    ? LOOK_OLD
						     : LOOK_MIXED;
}

/* Nothing says any more what it was to hold: then it is the old content or neither. */
static void look_back(struct change *c)
{
	struct fault ignored = FAULT_INIT;

	if (!c->foresight.before_book && change_is_book(c) &&
		foresight_before(&c->foresight, &ignored) < 0)
		return; /* the pre-image cannot be read: the fault stands */
	change_compare(c, &c->proof, true);
	c->looked = c->kept_old ? LOOK_OLD : LOOK_MIXED;
	c->no_way_on = true;
}

static void work_foresee(void *arg)
{
	struct change *c = arg;

	if (c->gone.code)
		c->fault = c->gone;
	else if (foresee(&c->foresight, &c->fault) == 0 && c->looking)
		look(c);
	if (c->fault.code && c->looking)
		look_back(c);
}

/* It is what it was planned for? */
static bool as_planned(const struct change *c)
{
	struct span hash = c->s->job->plan_hash;

	return hash.n == 0 || (hash.n == 32 && memcmp(hash.p, c->foresight.hash, 32) == 0);
}

/* C4: from what is there, not from what was meant. */
static void go_on(struct change *c)
{
	switch (c->looked) {
	case LOOK_NEW:
		c->touched = true;
		c->restart_unknown = change_restarts(c) && c->step != WRITE_STEP_SENT;
		if (change_restarts(c) && !c->restart_unknown)
			change_restart(c); /* nobody came to that yet */
		else
			change_verified(c);
		return;
	case LOOK_OLD:
		if (c->step < WRITE_STEP_REVERTING && !c->cancelled) {
			change_begin_write(c);
			return;
		}
		c->settled = true;
		if (c->step < WRITE_STEP_REVERTING) {
			c->step = WRITE_STEP_REVERTED;
			change_cancel(c);
			return;
		}
		c->step = WRITE_STEP_REVERTED;
		change_fail(c, CN_READBACK_DIFFERS, "reverted",
			"the printer did not hold what was written; the old content is back");
		return;
	case LOOK_MIXED:
		c->touched = true;
		change_undo(c);
		return;
	}
}

static void foreseen(struct change *c)
{
	struct session *s = c->s;

	if (c->fault.code && c->no_way_on && c->looked == LOOK_MIXED) {
		c->touched = true;
		change_undo(c);
	} else if (c->fault.code) {
		session_fail(s, &c->fault);
	} else if (s->job->phase == RUN_PHASE_PLAN) {
		steps_leave(s);
	} else if (c->looking) {
		go_on(c);
	} else if (!as_planned(c)) {
		change_fail(c, CN_PLAN_STALE, "",
			"the printer, its content or the source is not what the plan was made for");
	} else if (!c->foresight.changes) {
		c->settled = true;
		steps_leave(s);
	} else {
		change_keep(c);
	}
}

static void on_foreseen(void *arg)
{
	struct change *c = arg;

	session_enter(c->s);
	if (!steps_ended(c->s))
		foreseen(c);
	session_leave();
}

static void to_foresee(struct change *c)
{
	struct session *s = c->s;

	if (!reserve(c)) {
		change_fail(c, CN_SESSION_LIMIT, "worker_memory",
			"this worker holds as much as it may just now");
		return;
	}
	c->fault.code = 0;
	proof_init(&c->proof, &c->arena);
	c->foresight.adapter = s->adapter;
	c->foresight.errand = &s->errand;
	c->foresight.job = s->job;
	c->foresight.lock_items = s->plan.lock_items;
	c->foresight.n_lock_items = s->plan.n_lock_items;
	c->foresight.before = change_base(c);
	c->foresight.source = &c->source;
	c->foresight.weak = !s->compared;
	s->step = STEP_FORESEE;
	loop_work(s->worker->service->loop, work_foresee, on_foreseen, c);
}

/* ---- the adapter's answers ---- */

/* A device that was written and says nothing that can be understood holds neither the one nor the
 * other. */
static bool is_content(const struct fault *f)
{
	return f->code == CN_PARSE_ERROR || f->code == CN_CHARSET_ERROR ||
	       f->code == CN_INCOMPLETE || f->code == CN_NO_MATCHING_LIST;
}

static void read_ended(struct change *c, const struct fault *f)
{
	struct session *s = c->s;
	struct fault none = FAULT_INIT;

	if (c->fault.code && !c->touched) /* no room */
		f = &c->fault;
	if (f && (c->touched || c->looking) && is_content(f)) {
		picture_fini(c->reading);
		c->refused = *f;
		f = NULL;
	} else if (!f && s->n_read == 0 && plan_no_list(s->job->device, &none) < 0) {
		f = &none;
	}
	if (f)
		session_fail(s, f);
	else
		steps_call_device(s, STEP_IDENTIFY, s->adapter->identify);
}

static void identified(struct change *c, const struct fault *f)
{
	struct session *s = c->s;
	struct fault wrong = FAULT_INIT;

	if (!f && steps_identity(s, &wrong) < 0)
		f = &wrong;
	if (f)
		session_fail(s, f);
	else if (c->counting)
		begin_read(c);
	else if (c->touched)
		change_prove(c);
	else
		to_foresee(c);
}

bool change_device(struct change *c, const struct fault *f)
{
	if (c->s->step == STEP_READ)
		read_ended(c, f);
	else if (c->s->step == STEP_IDENTIFY)
		identified(c, f);
	else
		return change_device_write(c, f);
	return true;
}

/* ---- what is told ---- */

bool change_touched(const struct change *c)
{
	return c && c->touched && !c->settled;
}

bool change_began(const struct change *c)
{
	return c && c->touched;
}

bool change_finishes(struct change *c, const struct fault *why)
{
	bool finishes = (c->touched || c->looking) && why->code == CN_CANCELLED_BY_USER;

	c->cancelled |= finishes;
	return finishes;
}

void change_journal(const struct change *c, struct m_journal_entry *e)
{
	e->step = c->step;
	e->pre_image = c->pre_image;
}

/* A write that was cut off: its outcome is not known until somebody looks. */
static void tell_unknown(struct change *c)
{
	const struct image *w =
		c->wanted.n_items ? &c->wanted : picture_image(&c->foresight.wanted);

	if (!c->proof.rows)
		proof_init(&c->proof, &c->arena);
	c->proof.n = 0;
	for (size_t i = 0; i < w->n_items && i < PROOF_ROWS; i++)
		c->proof.rows[c->proof.n++] = (struct m_item_report){
			.item = w->item[i].name, .result = ITEM_RESULT_UNKNOWN};
}

/* "Sent" is journaled before the first byte goes: who stopped in between wrote nothing. */
static enum write_step told_step(const struct change *c)
{
	bool nothing = !c->touched && !c->looking && c->step == WRITE_STEP_SENT;

	return nothing ? WRITE_STEP_PLANNED : c->step;
}

void change_outcome(struct change *c, struct m_job_outcome *ret)
{
	if (change_touched(c))
		tell_unknown(c);
	if (c->touched && c->proof.n) {
		c->foresight.plan.restart = c->restart_pending;
		c->foresight.plan.restart_later = c->restart_later;
		if (c->restart_pending && !c->proof.rows[0].detail)
			c->proof.rows[0].detail =
				c->restart_unknown ? "restart_unknown" : "restart_required";
	}
	if (c->foresight.plan.notes || c->foresight.plan.hash.n)
		ret->plan = &c->foresight.plan;
	ret->report = c->proof.rows;
	ret->report_n = c->proof.n;
	ret->pre_image = c->pre_image;
	ret->step = told_step(c);
}
