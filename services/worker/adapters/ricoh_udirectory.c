// SPDX-License-Identifier: Apache-2.0
/* Family ricoh_udirectory: the address book of Ricoh machines over SOAP (devices.md section 5),
 * grade A. Bytes: ricoh_message.c; what is sent: ricoh_work.c; sessions: ricoh_session.c. */
#include <string.h>

#include "common/crypto/crypto.h"
#include "gen/errors.h"
#include "services/worker/adapters/ricoh_session.h"

#define RELEASE_MS 5000u

static void *open_session(struct errand *e)
{
	struct ricoh *r = arena_alloc(e->arena, sizeof(*r));

	if (r)
		r->errand = e;
	return r;
}

/* ---- probe: does it speak uDirectory, who is it (SNMP), and, when asked for that alone, may we
 * read and write ---- */

static void finish_probe(struct ricoh *r)
{
	ricoh_done(r, NULL);
}

static void tell_capability(struct ricoh *r, const char *name, bool yes)
{
	errand_capability(r->errand, name, yes ? CAPABILITY_RESULT_YES : CAPABILITY_RESULT_UNKNOWN,
		GRADE_A, "uDirectory session");
}

static void may_write(struct ricoh *r)
{
	tell_capability(r, "ab.write", true);
	ricoh_end_session(r, 0, finish_probe);
}

/* Somebody has the book open: the next probe knows. Other refusals are told. */
static bool may_not_now(struct ricoh *r, const struct fault *f)
{
	if (f->code != CN_DEVICE_BUSY && f->code != CN_DEVICE_LOCKED)
		return false;
	tell_capability(r, r->want_exclusive ? "ab.write" : "ab.read", false);
	r->errand->seen.retry_ms = 0;
	ricoh_end_session(r, 0, finish_probe);
	return true;
}

static void try_writing(struct ricoh *r)
{
	r->forgiven_start = may_not_now;
	ricoh_with_session(r, true, may_write);
}

static void on_one_row(struct ricoh *r, const struct soap_answer *a)
{
	struct ricoh_rows rows;
	struct fault f = FAULT_INIT;

	if (ricoh_rows(a, &rows, &f) < 0) {
		ricoh_done(r, &f);
		return;
	}
	tell_capability(r, "ab.read", true);
	try_writing(r);
}

static void try_reading(struct ricoh *r)
{
	struct buf message = BUF_INIT;

	ricoh_ask_search(&message, r->session, 0, 1);
	ricoh_call(r, RICOH_SEARCH, &message, on_one_row);
}

static void on_snmp(void *arg, const struct fault *f)
{
	struct ricoh *r = arg;
	struct errand *e = r->errand;

	/* silence is no failure: identity and busy are then unknown (FL-4), and the lock is told */
	if (f && f->code != CN_UNREACHABLE) {
		ricoh_done(r, f);
		return;
	}
	snmp_device_capability(e);
	errand_capability(e, "busy.probe",
		e->seen.busy_unknown ? CAPABILITY_RESULT_UNKNOWN : CAPABILITY_RESULT_YES, GRADE_A,
		"SNMP status");
	if (e->n_items > 0) { /* a session is a lock: only under the lock of the job */
		ricoh_done(r, NULL);
		return;
	}
	r->forgiven_start = may_not_now;
	ricoh_with_session(r, false, try_reading);
}

static void on_version(struct ricoh *r, const struct soap_answer *a unused)
{
	snmp_device_ask(&r->snmp, r->errand, on_snmp, r);
}

/* It speaks uDirectory, but not this question. */
static bool without_version(struct ricoh *r, const struct fault *f)
{
	if (f->code != CN_REJECTED)
		return false;
	on_version(r, NULL);
	return true;
}

static void probe(void *self)
{
	static const struct web_ports ports = {"http", 80, "https", 443};
	struct ricoh *r = self;
	struct buf message = BUF_INIT;
	struct fault f = FAULT_INIT;

	if (web_init(&r->soap.web, r->errand, &ports, &f) < 0) {
		ricoh_done(r, &f);
		return;
	}
	r->forgiven = without_version;
	ricoh_ask_version(&message);
	ricoh_call(r, RICOH_PROTOCOL_VERSION, &message, on_version);
}

/* The panel was read a moment ago, by the probe; the session that follows is refused when somebody
 * has the book open. */
static void busy(void *self)
{
	ricoh_done(self, NULL);
}

/* ---- read ---- */

static void on_read(struct ricoh *r)
{
	errand_capability(
		r->errand, "ab.read", CAPABILITY_RESULT_YES, GRADE_A, "uDirectory session");
	ricoh_done(r, NULL);
}

static void read_book(void *self)
{
	ricoh_read_book(self, false, on_read);
}

static void resume(void *self)
{
	ricoh_read_resume(self);
}

/* ---- identity again (ST-4) ---- */

static void on_identified(void *arg, const struct fault *f)
{
	ricoh_done(arg, f && f->code == CN_UNREACHABLE ? NULL : f);
}

static void identify(void *self)
{
	struct ricoh *r = self;

	snmp_device_identify(&r->snmp, r->errand, on_identified, r);
}

/* ---- restart: no call of its own is public ---- */

static void on_restarted(void *arg, const struct fault *f)
{
	ricoh_done(arg, f);
}

static void do_restart(struct ricoh *r)
{
	snmp_restart(&r->restart, r->errand, SNMP_RESET_POWER_CYCLE, on_restarted, r);
}

static void restart(void *self)
{
	ricoh_end_session(self, 0, do_restart);
}

/* ---- the end ---- */

static void forget(struct ricoh *r)
{
	ricoh_read_forget(r);
	ricoh_work_fini(&r->work);
	ricoh_said_fini(&r->said);
	if (r->age)
		timer_free(r->age);
	r->age = NULL;
}

static void on_released(struct ricoh *r)
{
	ricoh_done(r, NULL);
}

static void release(void *self)
{
	struct ricoh *r = self;

	forget(r);
	ricoh_end_session(r, RELEASE_MS, on_released);
}

/* A session whose begin was not answered yet ends by its time limit (DV-12). */
static void cancel(void *self)
{
	struct ricoh *r = self;

	soap_cancel(&r->soap);
	snmp_device_cancel(&r->snmp);
	snmp_restart_cancel(&r->restart);
	forget(r);
}

static const struct skill skills[] = {
	{.kind = "device.probe", .grade = GRADE_A},
	{.kind = "ab.backup", .grade = GRADE_A},
	{.kind = "ab.import", .grade = GRADE_A},
	{.kind = "ab.restore", .grade = GRADE_A},
	{.kind = "ab.distribute", .grade = GRADE_A},
	{.kind = "device.restart", .grade = GRADE_C}, /* over SNMP */
	{.kind = NULL},
};

const struct adapter adapter_ricoh_udirectory = {
	.family = "ricoh_udirectory",
	.codec = "ricoh_udirectory",
	.skills = skills,
	.open = open_session,
	.probe = probe,
	.busy = busy,
	.read = read_book,
	.resume = resume,
	.identify = identify,
	.foresee = ricoh_foresee,
	.write = ricoh_write_book,
	.restart = restart,
	.release = release,
	.cancel = cancel,
};
