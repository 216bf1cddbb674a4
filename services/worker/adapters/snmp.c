// SPDX-License-Identifier: Apache-2.0
/* Family snmp: status and identity of any printer that speaks Printer-MIB, and its restart. It has
 * neither a book nor settings that could be taken away (devices.md section 9). */
#include "services/worker/adapters/snmp_restart.h"

struct snmp_session {
	struct errand *errand;
	struct snmp_device device;
	struct snmp_restart restart;
};

static const struct skill skills[] = {
	{.kind = "device.probe", .grade = GRADE_A},
	{.kind = "device.restart", .grade = GRADE_C}, /* A in the standard, C in products */
	{.kind = NULL},
};

static void *open_session(struct errand *e)
{
	struct snmp_session *s = arena_alloc(e->arena, sizeof(*s));

	if (s)
		s->errand = e;
	return s;
}

static void done(struct snmp_session *s, const struct fault *f)
{
	s->errand->done(s->errand->arg, f);
}

static void on_probed(void *arg, const struct fault *f)
{
	struct snmp_session *s = arg;
	struct errand *e = s->errand;

	if (!f) {
		errand_capability(e, "ab.read", CAPABILITY_RESULT_NO, GRADE_A, "family");
		errand_capability(e, "settings.read", CAPABILITY_RESULT_NO, GRADE_A, "family");
		errand_capability(
			e, "busy.probe", CAPABILITY_RESULT_YES, GRADE_A, "SNMP printer status");
		errand_capability(e, "language",
			e->seen.language ? CAPABILITY_RESULT_YES : CAPABILITY_RESULT_NO, GRADE_C,
			"SNMP console localisation");
	}
	done(s, f);
}

static void probe(void *self)
{
	struct snmp_session *s = self;

	snmp_device_ask(&s->device, s->errand, on_probed, s);
}

/* Known from the probe a moment ago. */
static void busy(void *self)
{
	done(self, NULL);
}

static void on_identified(void *arg, const struct fault *f)
{
	done(arg, f);
}

static void identify(void *self)
{
	struct snmp_session *s = self;

	snmp_device_identify(&s->device, s->errand, on_identified, s);
}

static void nothing_to_read(void *self)
{
	done(self, NULL);
}

static void resume(void *self unused)
{
}

static void on_restarted(void *arg, const struct fault *f)
{
	done(arg, f);
}

static void restart(void *self)
{
	struct snmp_session *s = self;

	snmp_restart(&s->restart, s->errand, SNMP_RESET_POWER_CYCLE, on_restarted, s);
}

static void release(void *self)
{
	done(self, NULL);
}

static void cancel(void *self)
{
	struct snmp_session *s = self;

	snmp_device_cancel(&s->device);
	snmp_restart_cancel(&s->restart);
}

const struct adapter adapter_snmp = {
	.family = "snmp",
	.skills = skills,
	.open = open_session,
	.probe = probe,
	.busy = busy,
	.read = nothing_to_read,
	.resume = resume,
	.identify = identify,
	.restart = restart,
	.release = release,
	.cancel = cancel,
};
