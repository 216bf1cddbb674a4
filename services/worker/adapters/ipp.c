// SPDX-License-Identifier: Apache-2.0
/* Family ipp: settings of any IPP printer (devices.md section 8). Read twice: first everything, to
 * learn which attributes are settings; then exactly those, and these bytes are the backup, as the
 * printer gave them. IPP has no address book. */
#include <stdio.h>
#include <string.h>

#include "common/crypto/crypto.h"
#include "gen/errors.h"
#include "services/worker/adapters/ipp_message.h"
#include "services/worker/adapters/web.h"
#include "services/worker/credential.h"

#define ANSWER_MAX ((size_t)1024 * 1024)
#define PIECE ((size_t)64 * 1024)

struct ipp_session;
/* The whole answer came, with a good HTTP status. */
typedef void (*answer_fn)(struct ipp_session *s, struct span answer);

struct ipp_session {
	struct errand *errand;
	struct web web;
	const char *path;
	unsigned version;
	bool asked_with_password;

	/* the question under way */
	const char *const *names;
	size_t n_names;
	answer_fn then;
	struct buf answer;

	/* reading: bytes not yet taken */
	size_t given;
	uint64_t entries;
};

static void done(struct ipp_session *s, const struct fault *f)
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

static void send_question(struct ipp_session *s, const char *authorization);

static enum http_flow take(void *arg, const uint8_t *p, size_t n, long status unused)
{
	struct ipp_session *s = arg;

	buf_add(&s->answer, p, n);
	return s->answer.err ? HTTP_ABORT : HTTP_GO;
}

/* A password goes over TLS only, and once. */
static bool ask_with_password(struct ipp_session *s)
{
	static const char *const kinds[] = {"user_auth", NULL};
	struct buf pair = BUF_INIT, header = BUF_INIT;
	struct credential cred;
	struct fault f = FAULT_INIT;

	if (!s->web.tls || s->asked_with_password ||
		!errand_credential(s->errand, kinds, &cred, &f))
		return false;
	s->asked_with_password = true;
	buf_addf(&pair, "%s:%s", cred.user, cred.password);
	buf_adds(&header, "Authorization: Basic ");
	base64_encode(buf_span(&pair), &header);
	send_question(s, buf_str(&header));
	crypto_wipe(&cred, sizeof(cred));
	crypto_wipe(pair.p, pair.n);
	crypto_wipe(header.p, header.n);
	buf_fini(&pair);
	buf_fini(&header);
	return true;
}

static void on_answer(void *arg, const struct web_reply *r, const struct fault *f)
{
	struct ipp_session *s = arg;
	struct fault why = FAULT_INIT;

	if (!f && r->status == 401 && ask_with_password(s))
		return;
	if (f || web_status(s->errand, r, true, &why) < 0) {
		done(s, f ? f : &why);
		return;
	}
	if (s->version == 0x0200 && ipp_is_version_refused(buf_span(&s->answer))) {
		s->version = 0x0101;
		send_question(s, NULL);
		return;
	}
	if (ipp_check(buf_span(&s->answer), &why) < 0)
		done(s, &why);
	else
		s->then(s, buf_span(&s->answer));
}

static void send_question(struct ipp_session *s, const char *authorization)
{
	struct buf message = BUF_INIT;
	char origin[320], uri[512];

	web_origin(&s->web, origin, sizeof(origin));
	snprintf(uri, sizeof(uri), "ipp%s%.120s", strstr(origin, "://"), s->path);
	if (s->web.tls)
		snprintf(uri, sizeof(uri), "ipps%s%.120s", strstr(origin, "://"), s->path);
	ipp_get_attributes(&message, uri, s->version, s->names, s->n_names);
	buf_reset(&s->answer);
	s->answer.max = ANSWER_MAX;
	struct web_request r = {.method = "POST",
		.path = s->path,
		.type = "application/ipp",
		.header = authorization,
		.body = buf_span(&message),
		.max_body = ANSWER_MAX,
		.take = take};
	web_send(&s->web, &r, on_answer, s);
	buf_fini(&message);
}

static void ask(struct ipp_session *s, const char *const *names, size_t n, answer_fn then)
{
	s->names = names;
	s->n_names = n;
	s->then = then;
	send_question(s, NULL);
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

static void on_identity(struct ipp_session *s, struct span answer)
{
	struct ipp_identity id;
	struct fault f = FAULT_INIT;

	if (ipp_read_identity(answer, s->errand->arena, &id, &f) < 0) {
		done(s, &f);
		return;
	}
	keep_identity(s->errand, &id);
	buf_fini(&s->answer);
	done(s, NULL);
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
		done(s, &f);
	else
		ask(s, names, n, on_probed);
}

/* printer-state came with the probe. */
static void busy(void *self)
{
	done(self, NULL);
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
	done(s, NULL);
}

static void on_settings(struct ipp_session *s, struct span answer)
{
	struct fault f = FAULT_INIT;

	if (ipp_count(answer, &s->entries, &f) < 0) {
		done(s, &f);
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
		done(s, &f);
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
	done(s, NULL);
}

static void cancel(void *self)
{
	struct ipp_session *s = self;

	web_cancel(&s->web);
}

static const struct skill skills[] = {
	{.kind = "device.probe", .grade = GRADE_A},
	{.kind = "settings.backup", .grade = GRADE_A},
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
	.release = release,
	.cancel = cancel,
};
