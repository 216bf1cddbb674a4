// SPDX-License-Identifier: Apache-2.0
/* A Canon machine whose Restrict Receiving for Each Function > Address Book is on shows its address
 * book to nobody. Where the task allows it (fleet.md section 6, FL-45 and FL-46):
 *
 *     refused → busy? → switched off → journal → restart (busy? first) → probe → read again
 *
 * The journal comes before the restart: at most one in a run, whichever attempt. The setting stays
 * off. */
#include <string.h>

#include "gen/errors.h"
#include "services/worker/session.h"

#define LIFT_MS 3600000u /* a restart takes its time (DV-21) */

/* Another device has its address: it is read, and nothing is done to it (FL-2). */
static bool shares_address(const struct m_device *d)
{
	return d->state_cause && strcmp(d->state_cause, "address_conflict") == 0;
}

static bool wanted(const struct session *s, const struct fault *f)
{
	const struct m_task_settings *t = s->job->settings;
	enum device_type type = s->job->device->type;

	return f && f->code == CN_RECEIVE_RESTRICTED && s->n_lists == 0 && t &&
	       t->restart_if_needed && s->adapter->lift && s->adapter->restart &&
	       !shares_address(s->job->device) && type != DEVICE_TYPE_II && type != DEVICE_TYPE_III;
}

static void begin(struct session *s)
{
	struct fault f = FAULT_INIT;

	if (s->job->restarted || s->restarts)
		fault_why(&f, CN_RECEIVE_RESTRICTED, "restarted_before",
			"the receive restriction is still on after a restart");
	if (f.code || verdict_may_change(s->job, s->compared, &f) < 0) {
		session_fail(s, &f);
		return;
	}
	timer_set(s->timer, LIFT_MS, 0);
	s->errand.seen.n_ops = 0;
	steps_call_device(s, STEP_REST, s->adapter->busy);
}

static void rested(struct session *s)
{
	struct fault f = FAULT_INIT;

	if (s->errand.seen.n_ops == 0 && !s->errand.seen.busy_unknown) {
		steps_call_device(s, STEP_LIFT, s->adapter->lift);
		return;
	}
	fault_why(&f, CN_DEVICE_BUSY, s->errand.seen.n_ops ? s->errand.seen.ops[0] : "",
		"the printer is not restarted while it works, or when nobody can tell");
	session_fail(s, &f);
}

static void note(struct session *s, bool restarts)
{
	s->restarts = restarts;
	s->step = STEP_JOURNAL;
	tell_journal(s);
}

/* Refused, or it had none of it: another attempt may. One that does not come back was restarted. */
static void restarted(struct session *s, const struct fault *f)
{
	if (f && strcmp(f->reason, "not_back") != 0) {
		s->lifted = *f;
		note(s, false);
	} else if (f) {
		session_fail(s, f);
	} else {
		s->errand.seen.n_ops = 0;
		steps_call_device(s, STEP_AWAKE, s->adapter->probe);
	}
}

bool lift_device(struct session *s, const struct fault *f)
{
	switch ((int)s->step) {
	case STEP_READ:
		if (!wanted(s, f))
			return false;
		begin(s);
		return true;
	case STEP_RESTART:
		restarted(s, f);
		return true;
	case STEP_REST:
	case STEP_LIFT:
	case STEP_AWAKE:
		break;
	default:
		return false;
	}
	if (f)
		session_fail(s, f);
	else if (s->step == STEP_REST)
		rested(s);
	else if (s->step == STEP_LIFT)
		note(s, true);
	else
		steps_call_device(s, STEP_READ, s->adapter->read);
	return true;
}

void lift_journal(const struct session *s, struct m_journal_entry *e)
{
	e->step = WRITE_STEP_PLANNED; /* it writes nothing */
	e->restarts = s->restarts;
}

void lift_journaled(struct session *s)
{
	if (s->restarts)
		steps_call_device(s, STEP_RESTART, s->adapter->restart);
	else
		session_fail(s, &s->lifted);
}
