// SPDX-License-Identifier: Apache-2.0
/* Family ipp: settings of any IPP printer (devices.md section 8). Read twice: first everything, to
 * learn which attributes are settings; then exactly those, and these bytes are the backup, as the
 * printer gave them. IPP has no address book. */
#include <stdio.h>
#include <string.h>

#include "common/crypto/crypto.h"
#include "gen/errors.h"
#include "services/worker/adapters/ipp_session.h"
#include "services/worker/credential.h"

#define ANSWER_MAX ((size_t)1024 * 1024)
#define PIECE ((size_t)64 * 1024)

void ipp_done(struct ipp_session *s, const struct fault *f)
{
	s->errand->done(s->errand->arg, f);
}

static void *open_session(struct errand *e)
{
	struct ipp_session *s = arena_alloc(e->arena, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->errand = e;
	s->version = 0x0200;
	/* CUPS and PAPPL keep printers under a path of their own: label ipp_path */
	s->path = errand_label(e, "ipp_path");
	if (!s->path || s->path[0] != '/')
		s->path = "/ipp/print";
	return s;
}

/* ---- one question ---- */

static void send_question(struct ipp_session *s);

static enum http_flow take(void *arg, const uint8_t *p, size_t n, long status unused)
{
	struct ipp_session *s = arg;

	buf_add(&s->answer, p, n);
	return s->answer.err ? HTTP_ABORT : HTTP_GO;
}

static void failed(struct ipp_session *s, const struct fault *f)
{
	if (s->question.failed)
		s->question.failed(s, f);
	else
		ipp_done(s, f);
}

static void on_answer(void *arg, const struct web_reply *r, const struct fault *f)
{
	struct ipp_session *s = arg;
	struct fault why = FAULT_INIT;

	if (!f && r->status == 401 && s->web.tls && !s->with_password) {
		s->with_password = true;
		send_question(s);
		return;
	}
	if (f || web_status(s->errand, r, true, &why) < 0) {
		failed(s, f ? f : &why);
		return;
	}
	if (s->version == 0x0200 && ipp_is_version_refused(buf_span(&s->answer))) {
		s->version = 0x0101;
		send_question(s);
		return;
	}
	if (!s->question.any_status && ipp_check(buf_span(&s->answer), &why) < 0) {
		const char *words = ipp_words(buf_span(&s->answer), s->errand->arena);
		s->errand->seen.text =
			words ? errand_text(s->errand, words, strlen(words), 255) : NULL;
		failed(s, &why);
		return;
	}
	s->question.then(s, buf_span(&s->answer));
}

/* Over TLS only, and one that was refused is not sent again (FL-13). */
static bool add_password(struct ipp_session *s, struct buf *header)
{
	static const char *const kinds[] = {"user_auth", NULL};
	struct buf pair = BUF_INIT;
	struct credential cred;
	struct fault f = FAULT_INIT;

	if (!s->with_password || !errand_credential(s->errand, kinds, &cred, &f))
		return false;
	buf_addf(&pair, "%s:%s", cred.user, cred.password);
	buf_adds(header, "Authorization: Basic ");
	base64_encode(buf_span(&pair), header);
	credential_wipe(&cred);
	crypto_wipe(pair.p, pair.n);
	buf_fini(&pair);
	return true;
}

static void write_question(const struct ipp_session *s, const char *path, struct buf *out)
{
	const struct ipp_question *q = &s->question;
	char origin[320], uri[512];

	web_origin(&s->web, origin, sizeof(origin));
	snprintf(uri, sizeof(uri), "ipp%s%s%.120s", s->web.tls ? "s" : "", strstr(origin, "://"),
		path);
	switch (q->kind) {
	case IPP_GET:
		ipp_get_attributes(out, uri, s->version, q->names.name, q->names.n);
		break;
	case IPP_SET:
		ipp_set_attributes(out, uri, s->version, q->wanted, &q->names);
		break;
	case IPP_CALL:
		ipp_call(out, q->operation, uri, s->version);
	}
}

static void send_question(struct ipp_session *s)
{
	struct buf message = BUF_INIT, header = BUF_INIT;
	const char *path = s->question.path ? s->question.path : s->path;
	bool password = add_password(s, &header);

	write_question(s, path, &message);
	buf_reset(&s->answer);
	s->answer.max = ANSWER_MAX;
	struct web_request r = {.method = "POST",
		.path = path,
		.type = "application/ipp",
		.header = password ? buf_str(&header) : NULL,
		.body = buf_span(&message),
		.max_body = ANSWER_MAX,
		.total_ms = s->question.total_ms,
		.take = take};
	web_send(&s->web, &r, on_answer, s);
	if (password)
		crypto_wipe(header.p, header.n);
	buf_fini(&header);
	buf_fini(&message);
}

void ipp_ask(struct ipp_session *s, const struct ipp_question *q)
{
	s->question = *q;
	send_question(s);
}

static void ask(struct ipp_session *s, const char *const *names, size_t n, ipp_answer_fn then)
{
	struct ipp_question q = {.kind = IPP_GET, .then = then};

	q.names.n = n;
	q.names.name = names ? arena_dup(s->errand->arena, names, n * sizeof(*names)) : NULL;
	ipp_ask(s, &q);
}

/* ---- probe ---- */

static void keep_identity(struct errand *e, const struct ipp_identity *id)
{
	e->seen.serial = id->serial;
	e->seen.device_uuid = id->uuid;
	e->seen.model = id->model;
	e->seen.firmware = id->firmware;
	e->seen.language = id->language;
	e->seen.charset = id->charset;
	e->seen.change = id->change;
	e->seen.n_ops = 0;
	if (id->state == 4)
		errand_op(e, "other_activity");
	if (id->stopped_for_reason)
		e->seen.text = id->state_text;
}

int ipp_is_free(struct errand *e, const struct ipp_identity *id, struct fault *reterr)
{
	if (id->state == 4)
		return fault_why(reterr, CN_DEVICE_BUSY, "processing", "the printer prints");
	if (!id->stopped_for_reason)
		return 0;
	e->seen.text = id->state_text;
	return fault_why(
		reterr, CN_DEVICE_BUSY, "stopped", "the printer is stopped: %.64s", id->state_text);
}

static void on_identity(struct ipp_session *s, struct span answer)
{
	struct ipp_identity id;
	struct fault f = FAULT_INIT;

	if (ipp_read_identity(answer, s->errand->arena, &id, &f) < 0) {
		ipp_done(s, &f);
		return;
	}
	keep_identity(s->errand, &id);
	buf_fini(&s->answer);
	ipp_done(s, NULL);
}

static void on_probed(struct ipp_session *s, struct span answer)
{
	struct errand *e = s->errand;
	struct ipp_identity id;
	struct fault f = FAULT_INIT;

	if (ipp_read_identity(answer, e->arena, &id, &f) == 0) {
		errand_capability(
			e, "ab.read", CAPABILITY_RESULT_NO, GRADE_A, "IPP has no address book");
		errand_capability(e, "settings.read", CAPABILITY_RESULT_YES, GRADE_A,
			"Get-Printer-Attributes");
		errand_capability(e, "settings.write",
			id.can_set ? CAPABILITY_RESULT_YES : CAPABILITY_RESULT_NO, GRADE_A,
			"operations-supported");
		errand_capability(e, "restart",
			id.can_restart ? CAPABILITY_RESULT_YES : CAPABILITY_RESULT_UNKNOWN, GRADE_A,
			"operations-supported");
		errand_capability(e, "language",
			id.language ? CAPABILITY_RESULT_YES : CAPABILITY_RESULT_NO, GRADE_A,
			"natural-language-configured");
	}
	on_identity(s, answer);
}

static void probe(void *self)
{
	static const struct web_ports ports = {"ipp", 631, "ipps", 631};
	struct ipp_session *s = self;
	struct fault f = FAULT_INIT;
	size_t n;
	const char *const *names = ipp_identity_names(&n);

	if (web_init(&s->web, s->errand, &ports, &f) < 0)
		ipp_done(s, &f);
	else
		ask(s, names, n, on_probed);
}

/* printer-state came with the probe. */
static void busy(void *self)
{
	ipp_done(self, NULL);
}

static void identify(void *self)
{
	struct ipp_session *s = self;
	size_t n;
	const char *const *names = ipp_identity_names(&n);

	ask(s, names, n, on_identity);
}

/* ---- read ---- */

static void give(struct ipp_session *s)
{
	struct errand *e = s->errand;

	while (s->given < s->answer.n) {
		struct span piece = {
			s->answer.p + s->given, size_min(PIECE, s->answer.n - s->given)};
		if (e->bytes(e->arg, piece) != HTTP_GO)
			return; /* resume() comes back here */
		s->given += piece.n;
	}
	buf_fini(&s->answer);
	e->item_end(e->arg, s->entries);
	ipp_done(s, NULL);
}

static void on_settings(struct ipp_session *s, struct span answer)
{
	struct fault f = FAULT_INIT;

	if (ipp_count(answer, &s->entries, &f) < 0) {
		ipp_done(s, &f);
		return;
	}
	s->given = 0;
	s->errand->item(s->errand->arg, s->errand->items[0]);
	give(s);
}

static void on_everything(struct ipp_session *s, struct span answer)
{
	struct ipp_names names;
	struct fault f = FAULT_INIT;

	if (ipp_setting_names(answer, s->errand->arena, &names, &f) < 0)
		ipp_done(s, &f);
	else
		ask(s, names.name, names.n, on_settings);
}

static void read_settings(void *self)
{
	ask(self, NULL, 0, on_everything);
}

static void resume(void *self)
{
	struct ipp_session *s = self;

	if (s->answer.n)
		give(s);
}

/* ---- the end ---- */

static void release(void *self)
{
	struct ipp_session *s = self;

	buf_fini(&s->answer);
	s->answer = BUF_INIT;
	ipp_done(s, NULL);
}

static void cancel(void *self)
{
	struct ipp_session *s = self;

	web_cancel(&s->web);
	ipp_restart_cancel(s);
}

static const struct skill skills[] = {
	{.kind = "device.probe", .grade = GRADE_A},
	{.kind = "settings.backup", .grade = GRADE_A},
	{.kind = "settings.restore", .grade = GRADE_A},
	{.kind = "device.restart", .grade = GRADE_A}, /* where it has to be SNMP: C */
	{.kind = NULL},
};

const struct adapter adapter_ipp = {
	.family = "ipp",
	.skills = skills,
	.open = open_session,
	.probe = probe,
	.busy = busy,
	.read = read_settings,
	.resume = resume,
	.identify = identify,
	.foresee = ipp_foresee,
	.same = ipp_same,
	.write = ipp_write_settings,
	.restart = ipp_restart,
	.release = release,
	.cancel = cancel,
};
