// SPDX-License-Identifier: Apache-2.0
/* Sessions of uDirectory (DV-12, DV-13): one at a time, ended before the machine's time limit ends
 * it, never left open. */
#include "services/worker/adapters/ricoh_session.h"

#include <string.h>

#include "common/crypto/crypto.h"
#include "gen/errors.h"
#include "services/worker/credential.h"

#define SESSION_MS 20000u /* of calls in one session */
#define AT_ONCE 20u       /* where the machine does not say how many */
#define LOCKED_MS ((RICOH_TIME_LIMIT + 5) * 1000)

void ricoh_done(struct ricoh *r, const struct fault *f)
{
	r->errand->done(r->errand->arg, f);
}

void ricoh_fail(struct ricoh *r, int code, const char *detail)
{
	struct fault f = FAULT_INIT;

	fault_set(&f, code, "%s", detail);
	ricoh_done(r, &f);
}

/* ---- calls ---- */

static void failed(struct ricoh *r, const struct fault *f)
{
	bool (*forgiven)(struct ricoh *, const struct fault *) = r->forgiven;

	r->forgiven = NULL;
	if (r->method == RICOH_START)
		r->forgiven_start = NULL;
	if (f->code == CN_DEVICE_LOCKED) /* whoever holds it is gone by then (DV-12) */
		r->errand->seen.retry_ms = LOCKED_MS;
	if (f->code == CN_SESSION_LOST)
		r->open = false;
	if (!forgiven || !forgiven(r, f))
		ricoh_done(r, f);
}

static void on_answer(void *arg, const struct soap_answer *a, const struct fault *f)
{
	struct ricoh *r = arg;
	struct fault why = FAULT_INIT;
	const char *text = "";

	if (!f && ricoh_check(a, r->method, &text, &why) < 0) {
		r->errand->seen.text = errand_text(r->errand, text, strlen(text), 512);
		f = &why;
	}
	if (f) {
		failed(r, f);
		return;
	}
	r->forgiven = NULL;
	r->answered(r, a);
}

static void wipe(struct buf *b)
{
	if (b->p)
		crypto_wipe(b->p, b->cap);
	buf_fini(b);
}

static void send(struct ricoh *r, enum ricoh_method m, struct buf *message, ricoh_answer_fn fn,
	uint32_t total_ms, bool last)
{
	struct soap_call call = {.path = RICOH_PATH,
		.type = RICOH_TYPE,
		.header = ricoh_action(m),
		.message = buf_span(message),
		.total_ms = total_ms,
		.probing = m == RICOH_PROTOCOL_VERSION,
		.once = m == RICOH_START || m == RICOH_PUT || m == RICOH_DELETE,
		.last = last};
	bool unfit = message->err;

	r->method = m;
	r->answered = fn;
	if (!unfit)
		soap_send(&r->soap, &call, on_answer, r);
	wipe(message);
	if (unfit)
		ricoh_fail(r, CN_CHARSET_ERROR, "a value holds what XML cannot");
}

void ricoh_call(struct ricoh *r, enum ricoh_method m, struct buf *message, ricoh_answer_fn fn)
{
	send(r, m, message, fn, 0, false);
}

/* ---- the end of one ---- */

static void forget(struct ricoh *r)
{
	r->open = r->old = r->held_in_session = false;
	if (r->age)
		timer_free(r->age);
	r->age = NULL;
}

static void ended(struct ricoh *r, const struct soap_answer *a unused)
{
	forget(r);
	r->ended(r);
}

static bool ended_anyhow(struct ricoh *r, const struct fault *f unused)
{
	ended(r, NULL);
	return true;
}

void ricoh_end_session(struct ricoh *r, uint32_t total_ms, ricoh_fn then)
{
	struct buf message = BUF_INIT;

	r->ended = then;
	if (!r->open) {
		ended(r, NULL);
		return;
	}
	r->forgiven = ended_anyhow;
	ricoh_ask_terminate(&message, r->session);
	send(r, RICOH_TERMINATE, &message, ended, total_ms, total_ms > 0);
}

/* ---- the begin of one ---- */

static void on_capability(struct ricoh *r, const struct soap_answer *a)
{
	uint32_t n = ricoh_at_once(a);

	r->at_once = n ? n : AT_ONCE;
	r->opened(r);
}

/* A machine that does not know the question is asked for little at once. */
static bool without_capability(struct ricoh *r, const struct fault *f)
{
	if (f->code != CN_REJECTED && f->code != CN_PROTOCOL_ERROR)
		return false;
	r->at_once = AT_ONCE;
	r->opened(r);
	return true;
}

static void grow_old(void *arg)
{
	struct ricoh *r = arg;

	r->old = true;
}

static void on_started(struct ricoh *r, const struct soap_answer *a)
{
	struct buf message = BUF_INIT;
	struct fault f = FAULT_INIT;
	const char *id = ricoh_session(a, &f);

	r->forgiven = r->forgiven_start;
	if (!id) {
		failed(r, &f);
		return;
	}
	r->forgiven = r->forgiven_start = NULL;
	if (strlen(id) >= sizeof(r->session)) {
		ricoh_fail(
			r, CN_PROTOCOL_ERROR, "startSession: a session id of more than 127 bytes");
		return;
	}
	forget(r);
	memcpy(r->session, id, strlen(id) + 1);
	r->open = true;
	r->exclusive = r->want_exclusive;
	r->age = timer_new(r->errand->loop, grow_old, r);
	timer_set(r->age, SESSION_MS, 0);
	if (r->at_once) { /* asked in an earlier session */
		r->opened(r);
		return;
	}
	r->forgiven = without_capability;
	ricoh_ask_capability(&message, r->session);
	ricoh_call(r, RICOH_SERVICE_CAPABILITY, &message, on_capability);
}

static void start(struct ricoh *r)
{
	static const char *const kinds[] = {"user_auth", NULL};
	struct buf message = BUF_INIT;
	struct credential c;
	struct fault f = FAULT_INIT;

	if (!errand_credential(r->errand, kinds, &c, &f)) {
		ricoh_done(r, &f);
		return;
	}
	r->forgiven = r->forgiven_start;
	ricoh_ask_start(&message, c.user, c.password, r->want_exclusive);
	credential_wipe(&c);
	ricoh_call(r, RICOH_START, &message, on_started);
}

void ricoh_with_session(struct ricoh *r, bool exclusive, ricoh_fn then)
{
	r->opened = then;
	r->want_exclusive = exclusive;
	if (r->open && !r->old && (r->exclusive || !exclusive))
		then(r);
	else
		ricoh_end_session(r, 0, start);
}
