// SPDX-License-Identifier: Apache-2.0
/* Looking after a device while its lock is held. */
#include "services/worker/effects.h"

#include <string.h>

#include "common/clock/clock.h"
#include "gen/errors.h"
#include "services/worker/adapters/snmp_device.h"
#include "services/worker/change.h"
#include "services/worker/session.h"

struct watch {
	struct errand errand;
	struct snmp_device device;
	bool asking;
	bool last; /* the lock went back already */
};

static const struct fault switched_off = {.code = CN_DEVICE_BUSY,
	.reason = "shutdown",
	.detail = "the printer is being switched off"};

static bool has_op(const struct errand *e, const char *op)
{
	for (size_t i = 0; i < e->seen.n_ops; i++)
		if (strcmp(e->seen.ops[i], op) == 0)
			return true;
	return false;
}

int effects_take(struct session *s, const struct m_lock_answer *a, struct fault *reterr)
{
	struct effects *e = &s->effects;

	for (size_t i = 0; i < a->effects_n; i++) {
		if (strcmp(a->effects[i], "keep_awake") == 0)
			e->keep_awake = true;
		else if (strcmp(a->effects[i], "watch_shutdown") == 0)
			e->watch_shutdown = true;
		else if (strcmp(a->effects[i], "pause_sync") == 0)
			e->pause_sync = true;
		else
			return fault_why(reterr, CN_LOCK_REFUSED, "unknown_effect",
				"the lock asks for '%.32s', which this worker cannot do",
				a->effects[i]);
	}
	e->synced = has_op(&s->errand, "sync");
	e->asked_at = clock_boot_ms(); /* the probe was a moment ago */
	return 0;
}

/* ---- a question ---- */

static void on_enter(void *arg)
{
	session_enter(arg); /* no progress of the job: what hangs, hangs (FL-52) */
}

static struct watch *watch_of(struct session *s)
{
	struct watch *w = s->effects.watch;

	if (w)
		return w;
	w = arena_alloc(&s->arena, sizeof(*w));
	if (!w)
		return NULL;
	w->errand = s->errand;
	w->errand.enter = on_enter;
	memset(&w->errand.seen, 0, sizeof(w->errand.seen));
	s->effects.watch = w;
	return w;
}

/* The device may still be left as it was found. */
static bool may_leave(const struct session *s)
{
	if (change_began(s->change))
		return false;
	return s->step == STEP_RUNNING || s->step == STEP_READ || s->step == STEP_IDENTIFY ||
	       s->step == STEP_FORESEE || s->step == STEP_KEEP || s->step == STEP_JOURNAL ||
	       s->step == STEP_LEASE;
}

static void see_shutdown(struct session *s)
{
	if (s->effects.shutdown)
		return;
	s->effects.shutdown = true;
	log_warn(L("the printer is being switched off"), L_UUID("job", &s->job->job),
		L_STR("device", s->job->device->name));
	if (may_leave(s))
		session_cut(s, &switched_off, true);
}

static void on_seen(void *arg, const struct fault *f)
{
	struct session *s = arg;
	struct watch *w = s->effects.watch;

	w->asking = false;
	if (w->last) {
		s->effects.sync_stopped = !f && !has_op(&w->errand, "sync");
		session_looked_after(s);
	} else if (!f && s->effects.watch_shutdown && has_op(&w->errand, "shutdown")) {
		see_shutdown(s);
	} /* silence says nothing: not every printer has an agent */
}

static bool ask(struct session *s)
{
	struct watch *w = watch_of(s);

	if (!w || w->asking)
		return false;
	w->asking = true;
	s->effects.asked_at = clock_boot_ms();
	snmp_device_ask(&w->device, &w->errand, on_seen, s);
	return true;
}

void effects_beat(struct session *s)
{
	const struct effects *e = &s->effects;
	bool wanted = e->keep_awake || e->watch_shutdown;

	if (!wanted || !s->locked || s->left_device || s->step == STEP_END)
		return;
	if (clock_boot_ms() - e->asked_at >= (uint64_t)s->worker->config->awake_ms)
		(void)ask(s);
}

void effects_stop(struct session *s)
{
	struct watch *w = s->effects.watch;

	if (w && w->asking)
		snmp_device_cancel(&w->device);
	if (w)
		w->asking = false;
}

bool effects_after(struct session *s)
{
	effects_stop(s);
	if (!s->effects.pause_sync || !s->effects.synced || !ask(s))
		return false;
	s->effects.watch->last = true;
	return true;
}

const struct fault *effects_excuse(const struct session *s, const struct fault *f)
{
	bool gone =
		f->code == CN_UNREACHABLE || f->code == CN_TIMEOUT || f->code == CN_CONNECTION_LOST;

	return s->effects.shutdown && gone ? &switched_off : NULL;
}

const char *effects_word(const struct session *s)
{
	return s->effects.shutdown       ? "shutdown"
	       : s->effects.sync_stopped ? "sync_not_resumed"
					 : NULL;
}
