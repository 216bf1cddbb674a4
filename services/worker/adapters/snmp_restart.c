// SPDX-License-Identifier: Apache-2.0
/* DV-20 and DV-21: look, set, watch. */
#include "services/worker/adapters/snmp_restart.h"

#include <string.h>

#include "gen/errors.h"

enum ask { UP_TIME, RESET, DEVICE_STATUS, PRINTER_STATUS, ASKED };

static const struct snmp_oid objects[ASKED] = {
	[UP_TIME] = {.n = 9, .id = {1, 3, 6, 1, 2, 1, 1, 3, 0}},
	[RESET] = {.n = 12, .id = {1, 3, 6, 1, 2, 1, 43, 5, 1, 1, 3, 1}},
	[DEVICE_STATUS] = {.n = 12, .id = {1, 3, 6, 1, 2, 1, 25, 3, 2, 1, 5, 1}},
	[PRINTER_STATUS] = {.n = 12, .id = {1, 3, 6, 1, 2, 1, 25, 3, 5, 1, 1, 1}},
};

enum {
	NOT_RESETTING = 3,
	DOWN = 5,
	PRINTING = 4,
};

static void end(struct snmp_restart *r, const struct fault *f)
{
	timer_free(r->timer);
	r->timer = NULL;
	r->fn(r->arg, f);
}

static void end_why(struct snmp_restart *r, int code, const char *reason, const char *text)
{
	struct fault f = FAULT_INIT;

	fault_why(&f, code, reason, "%s", text);
	end(r, &f);
}

static void ask(struct snmp_restart *r, snmp_fn fn)
{
	r->question = snmp_ask(r->errand, objects, r->values, ASKED, fn, r);
}

/* ---- it goes, and comes back ---- */

static void act(struct snmp_restart *r, enum uptime_says says)
{
	switch (says) {
	case UPTIME_WAIT:
		timer_set(r->timer, r->up.pace_ms, 0);
		break;
	case UPTIME_BACK:
		end(r, NULL);
		break;
	case UPTIME_STAYED:
		if (r->unheard)
			end_why(r, CN_UNREACHABLE, "snmp_silent",
				"the restart was not answered: no agent, or a community that may "
				"not write");
		else
			end_why(r, CN_REJECTED, "no_restart",
				"the printer said yes and did not restart");
		break;
	case UPTIME_LOST:
		end_why(r, CN_RESTART_PENDING, "not_back",
			"the printer did not come back after its restart");
	}
}

static void on_look(void *arg, const struct fault *f)
{
	struct snmp_restart *r = arg;

	r->question = NULL;
	if (f && f->code != CN_UNREACHABLE)
		end(r, f);
	else if (f || r->values[UP_TIME].kind != SNMP_NUMBER)
		act(r, uptime_silent(&r->up, r->up.pace_ms)); /* the question took so long */
	else
		act(r, uptime_answered(&r->up, r->values[UP_TIME].number,
			       r->values[DEVICE_STATUS].number == DOWN));
}

static void on_time(void *arg)
{
	struct snmp_restart *r = arg;
	void (*leave)(void) = r->errand->leave;

	r->errand->enter(r->errand->arg);
	r->up.waited_ms += r->up.pace_ms;
	ask(r, on_look);
	leave();
}

/* ---- before ---- */

void snmp_restart_sent(struct snmp_restart *r, const struct fault *f)
{
	if (f) {
		end(r, f);
		return;
	}
	r->timer = timer_new(r->errand->loop, on_time, r);
	act(r, UPTIME_WAIT);
}

static void on_set(void *arg, const struct fault *f)
{
	struct snmp_restart *r = arg;

	r->question = NULL;
	r->unheard = f && strcmp(f->reason, "snmp_silent") == 0;
	snmp_restart_sent(r, r->unheard ? NULL : f);
}

static void on_before(void *arg, const struct fault *f)
{
	struct snmp_restart *r = arg;

	r->question = NULL;
	if (f)
		end(r, f);
	else if ((!r->send && r->values[RESET].kind != SNMP_NUMBER) ||
		 r->values[UP_TIME].kind != SNMP_NUMBER)
		end_why(r, CN_UNSUPPORTED_OPERATION, "", "the printer has no restart over SNMP");
	else if (r->values[RESET].kind == SNMP_NUMBER && r->values[RESET].number != NOT_RESETTING)
		end_why(r, CN_RESTART_PENDING, "", "the printer restarts already");
	else if (r->values[PRINTER_STATUS].number == PRINTING)
		end_why(r, CN_DEVICE_BUSY, "printing", "the printer prints: no restart now");
	else {
		r->up = (struct uptime){.before = r->values[UP_TIME].number,
			.pace_ms = r->errand->probe_ms ? r->errand->probe_ms : 5000};
		if (r->send)
			r->send(r->arg);
		else
			r->question = snmp_reset(r->errand, r->how, on_set, r);
	}
}

/* Asleep or in error it may be restarted; while somebody uses it, not (DV-5). */
static const char *in_use(const struct errand *e)
{
	for (size_t i = 0; i < e->seen.n_ops; i++)
		if (strcmp(e->seen.ops[i], "sleep") != 0 &&
			strcmp(e->seen.ops[i], "error_code") != 0)
			return e->seen.ops[i];
	return NULL;
}

static void on_busy_known(void *arg, const struct fault *f)
{
	struct snmp_restart *r = arg;
	const char *op = f ? NULL : in_use(r->errand);

	if (f)
		end(r, f);
	else if (op)
		end_why(r, CN_DEVICE_BUSY, op, "the printer is in use: no restart now");
	else
		ask(r, on_before);
}

void snmp_restart(
	struct snmp_restart *r, struct errand *e, enum snmp_reset how, snmp_fn fn, void *arg)
{
	*r = (struct snmp_restart){.errand = e, .how = how, .fn = fn, .arg = arg};
	snmp_device_ask(&r->device, e, on_busy_known, r);
}

void snmp_restart_by(
	struct snmp_restart *r, struct errand *e, void (*send)(void *arg), snmp_fn fn, void *arg)
{
	*r = (struct snmp_restart){.errand = e, .send = send, .fn = fn, .arg = arg};
	snmp_device_ask(&r->device, e, on_busy_known, r);
}

void snmp_restart_cancel(struct snmp_restart *r)
{
	snmp_device_cancel(&r->device);
	snmp_cancel(r->question);
	r->question = NULL;
	if (r->timer)
		timer_free(r->timer);
	r->timer = NULL;
}
