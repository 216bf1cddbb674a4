// SPDX-License-Identifier: Apache-2.0
/* Family jetdirect_ftp: a print server hands a file to its printer without looking at it
 * (devices.md section 10). Nothing can be read back; success is the reply 226. Who it is says SNMP,
 * where it answers. */
#include <stdio.h>
#include <string.h>

#include "common/crypto/crypto.h"
#include "gen/errors.h"
#include "services/worker/adapters/ftp.h"
#include "services/worker/adapters/jetdirect.h"
#include "services/worker/adapters/snmp_device.h"
#include "services/worker/credential.h"

enum { RETRY_FROM_MS = 5000 };

struct jetdirect_session {
	struct errand *errand;
	struct snmp_device device;
	struct ftp *ftp;
};

static void done(struct jetdirect_session *s, const struct fault *f)
{
	s->errand->done(s->errand->arg, f);
}

static void *open_session(struct errand *e)
{
	struct jetdirect_session *s = arena_alloc(e->arena, sizeof(*s));

	if (s)
		s->errand = e;
	return s;
}

static struct jetdirect_sessions sessions(const struct errand *e)
{
	const char *model =
		e->device->model && *e->device->model ? e->device->model : e->seen.model;
	const char *firmware = e->device->firmware && *e->device->firmware ? e->device->firmware
									   : e->seen.firmware;

	return jetdirect_sessions(e->profile, model, firmware);
}

/* Sessions are scarce and end by themselves: any time until the device has ended an idle one, so
 * that many do not come back at once (DV-25). */
static void come_again(struct errand *e)
{
	uint32_t idle = sessions(e).idle_ms, r;

	crypto_random(&r, sizeof(r));
	e->seen.retry_ms = RETRY_FROM_MS + (idle > RETRY_FROM_MS ? r % (idle - RETRY_FROM_MS) : 0);
}

static void keep_words(struct errand *e, const struct ftp_reply *last)
{
	if (last->code == 0)
		return;
	e->seen.text = arena_printf(e->arena, "%d %s", last->code, last->text);
	if (e->seen.text)
		e->seen.text = errand_text(e, e->seen.text, strlen(e->seen.text), 255);
}

/* ---- probe: SNMP for who it is, the greeting for whether it takes files ---- */

static void on_greeted(void *arg, const struct ftp_reply *last, const struct fault *f)
{
	struct jetdirect_session *s = arg;
	struct errand *e = s->errand;

	s->ftp = NULL;
	if (f) {
		keep_words(e, last);
		if (f->code == CN_SESSION_LIMIT)
			come_again(e);
		done(s, f);
		return;
	}
	errand_capability(e, "ab.read", CAPABILITY_RESULT_NO, GRADE_A, "family");
	errand_capability(e, "settings.read", CAPABILITY_RESULT_NO, GRADE_A, "family");
	errand_capability(e, "file.deliver", CAPABILITY_RESULT_YES, GRADE_A, "FTP greeting");
	done(s, NULL);
}

/* Silence is no failure: its identity is then weak (FL-4). A delivery greets when it delivers: a
 * session is too scarce for a look (DV-24). */
static void on_asked(void *arg, const struct fault *f unused)
{
	struct jetdirect_session *s = arg;
	struct errand *e = s->errand;
	struct ftp_request greet = {.port = errand_port(e, "ftp", 21)};

	if (e->settings && !uuid_is_nil(&e->settings->source))
		done(s, NULL);
	else
		s->ftp = ftp_start(e, &greet, on_greeted, s);
}

static void probe(void *self)
{
	struct jetdirect_session *s = self;

	snmp_device_ask(&s->device, s->errand, on_asked, s);
}

/* What the printer does now is its own affair: it queues. */
static void busy(void *self)
{
	done(self, NULL);
}

static void on_identified(void *arg, const struct fault *f unused)
{
	done(arg, NULL);
}

static void identify(void *self)
{
	struct jetdirect_session *s = self;

	snmp_device_identify(&s->device, s->errand, on_identified, s);
}

static void nothing_to_read(void *self)
{
	done(self, NULL);
}

static void resume(void *self unused)
{
}

/* ---- write ---- */

static void on_stored(void *arg, const struct ftp_reply *last, const struct fault *f)
{
	struct jetdirect_session *s = arg;
	struct errand *e = s->errand;

	s->ftp = NULL;
	keep_words(e, last);
	if (f && f->code == CN_SESSION_LIMIT)
		come_again(e);
	if (!f && e->seen.n_verdicts < array_len(e->seen.verdicts))
		e->seen.verdicts[e->seen.n_verdicts++] =
			(struct item_verdict){.item = e->wanted->item[0].name,
				.detail = e->seen.text,
				.result = ITEM_RESULT_OK};
	done(s, f);
}

static int check(const struct errand *e, struct fault *reterr)
{
	struct jetdirect_sessions theirs = sessions(e);

	if (!e->wanted || e->wanted->n_items != 1)
		return fault_set(reterr, CN_INTERNAL_ERROR, "one file is delivered at a time");
	if (!e->device->clear_text) /* FTP knows nothing else */
		return fault_why(reterr, CN_TLS_TOO_OLD, "clear_text",
			"FTP is plain text, and the device's record does not allow that");
	if (!jetdirect_language(e->profile, e->wanted->item[0].bytes))
		return fault_why(reterr, CN_VALIDATION_FAILED, "print_language",
			"the file is in no language that the printer knows: print it to a file "
			"with the printer's driver first");
	if (jetdirect_ours(&theirs) == 0)
		return fault_why(reterr, CN_SESSION_LIMIT, "last_session",
			"the print server has one session, and that is for its users");
	return 0;
}

static const char *file_name(const struct errand *e)
{
	const char *name = e->settings ? e->settings->file_name : NULL;

	return name && *name ? name : e->wanted->item[0].name;
}

static void write_file(void *self)
{
	static const char *const kinds[] = {"user_auth", NULL};
	struct jetdirect_session *s = self;
	struct errand *e = s->errand;
	struct fault f = FAULT_INIT;
	struct credential c = {.kind = ""};

	e->seen.n_verdicts = 0;
	if (check(e, &f) < 0) {
		done(s, &f);
		return;
	}
	struct jetdirect_waits waits = jetdirect_waits(e->profile);
	struct ftp_request r = {.port = errand_port(e, "ftp", 21),
		.reply_ms = waits.reply_ms,
		.stall_ms = waits.stall_ms,
		.stored_ms = waits.stored_ms,
		.directory = errand_label(e, "ftp_directory"),
		.name = file_name(e),
		.bytes = e->wanted->item[0].bytes};
	if (errand_credential(e, kinds, &c, &f)) { /* else any user will do */
		r.user = c.user;
		r.password = c.password;
	}
	s->ftp = ftp_start(e, &r, on_stored, s);
	credential_wipe(&c);
}

static void release(void *self)
{
	done(self, NULL);
}

static void cancel(void *self)
{
	struct jetdirect_session *s = self;

	snmp_device_cancel(&s->device);
	ftp_cancel(s->ftp);
	s->ftp = NULL;
}

static const struct skill skills[] = {
	{.kind = "device.probe", .grade = GRADE_A},
	{.kind = "file.deliver", .grade = GRADE_A},
	{.kind = NULL},
};

const struct adapter adapter_jetdirect_ftp = {
	.family = "jetdirect_ftp",
	.skills = skills,
	.open = open_session,
	.probe = probe,
	.busy = busy,
	.read = nothing_to_read,
	.resume = resume,
	.identify = identify,
	.write = write_file,
	.release = release,
	.cancel = cancel,
};
