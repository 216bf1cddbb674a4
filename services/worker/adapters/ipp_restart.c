// SPDX-License-Identifier: Apache-2.0
/* Restart of an IPP printer: Restart-Printer, else Restart-System, else SNMP; it is done when the
 * printer answers and its up time fell (devices.md section 8). */
#include "gen/errors.h"
#include "services/worker/adapters/ipp_session.h"

static const char SYSTEM[] = "/ipp/system";

static void end(struct ipp_session *s, const struct fault *f)
{
	timer_free(s->timer);
	s->timer = NULL;
	buf_fini(&s->answer);
	s->answer = BUF_INIT;
	ipp_done(s, f);
}

static void end_why(struct ipp_session *s, int code, const char *reason, const char *why)
{
	struct fault f = FAULT_INIT;

	fault_why(&f, code, reason, "%s", why);
	end(s, &f);
}

static uint32_t pace(const struct ipp_session *s)
{
	return s->errand->probe_ms ? s->errand->probe_ms : 5000;
}

static void ask_identity(struct ipp_session *s, ipp_answer_fn then, ipp_failed_fn failed)
{
	size_t n;
	const char *const *names = ipp_identity_names(&n);
	struct ipp_question q = {
		.kind = IPP_GET, .total_ms = failed ? pace(s) : 0, .then = then, .failed = failed};

	q.names = (struct ipp_names){
		.name = arena_dup(s->errand->arena, names, n * sizeof(*names)), .n = n};
	ipp_ask(s, &q);
}

/* ---- it goes, and comes back ---- */

static void act(struct ipp_session *s, enum uptime_says says)
{
	switch (says) {
	case UPTIME_WAIT:
		timer_set(s->timer, s->up.pace_ms, 0);
		break;
	case UPTIME_BACK:
		end(s, NULL);
		break;
	case UPTIME_STAYED:
		end_why(s, CN_REJECTED, "no_restart", "the printer said yes and did not restart");
		break;
	case UPTIME_LOST:
		end_why(s, CN_RESTART_PENDING, "not_back",
			"the printer did not come back after its restart");
	}
}

static void on_look(struct ipp_session *s, struct span answer)
{
	struct ipp_identity id;
	struct fault f = FAULT_INIT;

	if (ipp_read_identity(answer, s->errand->arena, &id, &f) < 0 || id.up == 0)
		act(s, uptime_silent(&s->up, 0));
	else
		act(s, uptime_answered(&s->up, id.up * 100, false));
}

/* Refused connections come at once, silence after a pace: only what is sure is counted. */
static void on_silent(struct ipp_session *s, const struct fault *f unused)
{
	act(s, uptime_silent(&s->up, 0));
}

static void on_time(void *arg)
{
	struct ipp_session *s = arg;
	void (*leave)(void) = s->errand->leave;

	s->errand->enter(s->errand->arg);
	s->up.waited_ms += s->up.pace_ms;
	ask_identity(s, on_look, on_silent);
	leave();
}

static void watch(struct ipp_session *s)
{
	s->timer = timer_new(s->errand->loop, on_time, s);
	act(s, UPTIME_WAIT);
}

/* ---- asking for it ---- */

static void on_told(struct ipp_session *s, struct span answer unused)
{
	watch(s);
}

/* It may have gone down before it answered: whether it did, its up time says. */
static void on_cut(struct ipp_session *s, const struct fault *f)
{
	if (f->code == CN_CONNECTION_LOST || f->code == CN_TIMEOUT)
		watch(s);
	else
		end(s, f);
}

static void tell(struct ipp_session *s)
{
	struct ipp_question q = {.kind = IPP_CALL,
		.operation = s->by_system ? CALL_RESTART_SYSTEM : CALL_RESTART_PRINTER,
		.path = s->by_system ? SYSTEM : NULL,
		.then = on_told,
		.failed = on_cut};

	ipp_ask(s, &q);
}

static void on_snmp(void *arg, const struct fault *f)
{
	end(arg, f);
}

/* How products take it is not proven (FL-12). */
static void by_snmp(struct ipp_session *s, const struct fault *f unused)
{
	if (!s->errand->device->simulated && !s->errand->device->allow_unproven) {
		end_why(s, CN_CAPABILITY_UNPROVEN, "grade",
			"the printer has no restart over IPP; over SNMP it has grade C");
		return;
	}
	snmp_restart(&s->snmp, s->errand, SNMP_RESET_POWER_CYCLE, on_snmp, s);
}

static void on_system(struct ipp_session *s, struct span answer)
{
	struct ipp_identity id;
	struct fault f = FAULT_INIT;

	s->by_system =
		ipp_read_identity(answer, s->errand->arena, &id, &f) == 0 && id.can_restart_system;
	if (s->by_system && s->up.before > 0)
		tell(s);
	else
		by_snmp(s, NULL);
}

static void on_before(struct ipp_session *s, struct span answer)
{
	struct ipp_question system = {.kind = IPP_CALL,
		.operation = CALL_GET_SYSTEM,
		.path = SYSTEM,
		.then = on_system,
		.failed = by_snmp};
	struct ipp_identity id;
	struct fault f = FAULT_INIT;

	if (ipp_read_identity(answer, s->errand->arena, &id, &f) < 0 ||
		ipp_is_free(s->errand, &id, &f) < 0) {
		end(s, &f);
		return;
	}
	s->up = (struct uptime){.before = id.up * 100, .pace_ms = pace(s)};
	s->by_system = false;
	if (id.can_restart && id.up > 0)
		tell(s);
	else
		ipp_ask(s, &system);
}

void ipp_restart(void *self)
{
	ask_identity(self, on_before, NULL);
}

void ipp_restart_cancel(struct ipp_session *s)
{
	snmp_restart_cancel(&s->snmp);
	timer_free(s->timer);
	s->timer = NULL;
}
