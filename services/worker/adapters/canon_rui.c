// SPDX-License-Identifier: Apache-2.0
/* Family canon_rui: address lists of Canon imageRUNNER ADVANCE over the Remote UI (devices.md
 * section 4). Type I: reading grade A, the newer login B, One-Touch's number D; writing B-: the
 * fields are known, where the form goes is read from the page. Types II and III: their wire format
 * is not public, so that part works on simulated devices only. */
#include <string.h>

#include "gen/errors.h"
#include "services/worker/adapters/canon_session.h"

static void *open_session(struct errand *e)
{
	struct canon *c = arena_alloc(e->arena, sizeof(*c));

	if (c)
		c->errand = e;
	return c;
}

/* The panel was read a moment ago, by the probe. */
static void busy(void *self)
{
	canon_done(self, NULL);
}

static void resume(void *self)
{
	struct canon *c = self;

	web_resume(&c->web);
}

/* ---- identity again (ST-4) ---- */

static void on_identified(void *arg, const struct fault *f)
{
	struct canon *c = arg;

	canon_done(c, f && f->code == CN_UNREACHABLE ? NULL : f);
}

static void identify(void *self)
{
	struct canon *c = self;

	snmp_device_identify(&c->snmp, c->errand, on_identified, c);
}

/* ---- restart: no way of its own is public ---- */

static void on_restarted(void *arg, const struct fault *f)
{
	struct canon *c = arg;

	c->logged_in = false;
	canon_done(c, f);
}

static void restart(void *self)
{
	struct canon *c = self;

	snmp_restart(&c->restart, c->errand, SNMP_RESET_POWER_CYCLE, on_restarted, c);
}

/* ---- Restrict Receiving for Each Function > Address Book (devices.md 4.4) ---- */

static void send_lift(struct canon *c);

static void on_lifted(void *arg, const struct web_reply *r, const struct fault *f)
{
	struct canon *c = arg;
	struct fault why = FAULT_INIT;

	if (f || web_status(c->errand, r, false, &why) < 0)
		canon_done(c, f ? f : &why);
	else if (!canon_logged_in_page(c, r))
		canon_lost_session(c, send_lift);
	else
		canon_done(c, NULL);
}

static void send_lift(struct canon *c)
{
	struct buf form = BUF_INIT;

	canon_restrict_form(&form, c->errand->wall_ms());
	canon_send_form(c, CANON_RESTRICT_PATH, &form, on_lifted);
}

static void lift(void *self)
{
	struct canon *c = self;

	c->again = false;
	if (!c->errand->device->simulated && !c->errand->device->allow_unproven)
		canon_fail(c, CN_CAPABILITY_UNPROVEN,
			"how the receive restriction is switched off is not public, and "
			"allow_unproven is off");
	else
		canon_enter(c, send_lift);
}

/* ---- the end ---- */

static void closed(struct canon *c);

static void close_again(struct canon *c)
{
	canon_close_switch(c, closed);
}

/* Not proven: the session may be over. Once again in a new one; canon_done knows what is left. */
static void closed(struct canon *c)
{
	if (!c->switch_open || c->again)
		canon_done(c, NULL);
	else
		canon_lost_session(c, close_again);
}

/* No call ends a session (DC-9); only the password switch has to be set back. */
static void release(void *self)
{
	struct canon *c = self;

	canon_forget_listing(c);
	canon_forget_writing(c);
	if (!c->switch_open) {
		canon_done(c, NULL);
		return;
	}
	c->releasing = true;
	c->again = false;
	close_again(c);
}

static void cancel(void *self)
{
	struct canon *c = self;

	web_cancel(&c->web);
	snmp_device_cancel(&c->snmp);
	snmp_restart_cancel(&c->restart);
	canon_forget_listing(c);
	canon_forget_writing(c);
}

static const struct skill skills[] = {
	{.kind = "device.probe", .grade = GRADE_A},
	{.kind = "ab.backup", .grade = GRADE_A},
	/* B-: where the form goes was never seen, so that people have to ask for it */
	{.kind = "ab.restore", .grade = GRADE_C},
	{.kind = "ab.import", .grade = GRADE_C},
	{.kind = "ab.distribute", .grade = GRADE_C},
	/* opaque files of items (import-export.md section 1) */
	{.kind = "settings.backup", .grade = GRADE_D},
	{.kind = "settings.restore", .grade = GRADE_D},
	{.kind = "device.restart", .grade = GRADE_C},
	{.kind = NULL},
};

static bool simulated_only(const struct m_device *device, const char *kind)
{
	return strncmp(kind, "settings.", 9) == 0 ||
	       (strncmp(kind, "ab.", 3) == 0 && canon_by_values(device));
}

/* An item that the machine did not take stays as it is. */
static bool same(
	const struct errand *e, const struct image_item *wanted, const struct image_item *seen)
{
	for (size_t i = 0; i < e->seen.n_verdicts; i++)
		if (strcmp(e->seen.verdicts[i].item, wanted->name) == 0 &&
			(e->seen.verdicts[i].result == ITEM_RESULT_SKIPPED_MODEL ||
				e->seen.verdicts[i].result == ITEM_RESULT_SKIPPED_POLICY_PASSWORD))
			return true;
	return wanted->bytes.n == seen->bytes.n &&
	       memcmp(wanted->bytes.p, seen->bytes.p, seen->bytes.n) == 0;
}

const struct adapter adapter_canon_rui = {
	.family = "canon_rui",
	.codec = "canon_abk",
	.skills = skills,
	.simulated_only = simulated_only,
	.open = open_session,
	.probe = canon_probe,
	.busy = busy,
	.read = canon_read,
	.resume = resume,
	.identify = identify,
	.foresee = canon_foresee,
	.same = same,
	.write = canon_write,
	.lift = lift,
	.restart = restart,
	.release = release,
	.cancel = cancel,
};
