// SPDX-License-Identifier: Apache-2.0
/* Family konica_openapi: the book of Konica Minolta's bizhub over OpenAPI (devices.md 6.1). Read A,
 * write B: e-mail entries, and any entry as an unchanged copy of what a device said.
 *
 *     probe: version, SNMP      read: login, pages of 100      write: login, lock, delete, set,
 * unlock
 *
 * One login is tried, once: three bad ones lock the administrator out (DC-2). No call ends a login
 * (DC-9): it is used as long as the device keeps it, and its end is awaited before another. */
#include <string.h>

#include "common/base/map.h"
#include "common/crypto/crypto.h"
#include "gen/errors.h"
#include "services/worker/adapters/konica_message.h"
#include "services/worker/adapters/konica_steps.h"
#include "services/worker/adapters/snmp_device.h"
#include "services/worker/credential.h"

#define PIECE ((size_t)64 * 1024)
#define ENTRIES_MAX 200000u
#define RELEASE_MS 5000u
/* A login unused for so long is not trusted any more, and after the rest surely gone. */
#define LOGIN_STALE_MS (KONICA_TIMEOUT_S * 1000u - 10000u)
#define LOGIN_GONE_MS 15000u
/* The lock is left and taken again before the device ends it. */
#define LOCK_OLD_MS (KONICA_TIMEOUT_S * 1000u - 20000u)

struct konica_session;
typedef void (*then_fn)(struct konica_session *s);

struct konica_session {
	struct errand *errand;
	struct soap soap;
	struct snmp_device snmp;
	struct konica k;
	const char *path;

	struct timer *login_timer; /* since the last answer */
	bool login_stale;
	soap_fn fn;    /* of the call under way */
	then_fn then;  /* after the login */
	bool awaiting; /* the end of the old login */

	/* reading */
	unsigned start;  /* of the page under way, from 1 */
	bool begun;      /* the item has begun */
	bool told;       /* that it can be read */
	bool last;       /* no page follows */
	bool new_key;    /* asked for once more, with a new login */
	struct buf page; /* as received, not yet taken */
	size_t given;
	uint32_t entries;
	struct map numbers; /* seen */

	/* writing */
	struct konica_steps steps;
	bool have_steps;
	size_t step;
	struct timer *lock_timer;
	bool lock_old;
	struct fault failure; /* to be told once the lock is left; code 0 = none */
};

static void done(struct konica_session *s, const struct fault *f)
{
	s->errand->done(s->errand->arg, f);
}

static void wipe(struct buf *b)
{
	if (b->p)
		crypto_wipe(b->p, b->cap);
	buf_fini(b);
	*b = BUF_INIT;
}

static void *open_session(struct errand *e)
{
	struct konica_session *s = arena_alloc(e->arena, sizeof(*s));

	if (s) {
		s->errand = e;
		s->path = "/";
	}
	return s;
}

/* ---- one call ---- */

static void send_message(
	struct konica_session *s, struct buf *m, const struct soap_call *how, soap_fn fn)
{
	struct soap_call c = *how;
	struct fault f = FAULT_INIT;

	c.path = s->path;
	c.type = KONICA_TYPE;
	c.message = buf_span(m);
	if (m->err) {
		fault_set(&f, CN_VALIDATION_FAILED, "a character that XML cannot hold");
		done(s, &f);
	} else {
		soap_send(&s->soap, &c, fn, s);
	}
	wipe(m);
}

static void on_login_timer(void *arg);

static void on_answer(void *arg, const struct soap_answer *a, const struct fault *f)
{
	struct konica_session *s = arg;

	if (!s->login_timer)
		s->login_timer = timer_new(s->errand->loop, on_login_timer, s);
	timer_set(s->login_timer, LOGIN_STALE_MS, 0);
	s->fn(s, a, f);
}

/* The device counts from its last call: while one is under way, nothing is forgotten. */
static void call_with(
	struct konica_session *s, struct buf *m, const struct soap_call *how, soap_fn fn)
{
	s->login_stale = false;
	if (s->login_timer)
		timer_stop(s->login_timer);
	s->fn = fn;
	send_message(s, m, how, on_answer);
}

static void call(struct konica_session *s, struct buf *m, soap_fn fn)
{
	call_with(s, m, &(struct soap_call){.once = false}, fn);
}

/* An answer that is not Ack; its words are kept. */
static int check(struct konica_session *s, const struct soap_answer *a, const char *name, int code,
	struct fault *reterr)
{
	if (konica_check(a, name, &s->k, code, reterr) == 0)
		return 0;
	s->errand->seen.text = errand_text(s->errand, reterr->detail, strlen(reterr->detail), 512);
	return -1;
}

/* ---- probe: the version, then SNMP ---- */

static void on_snmp(void *arg, const struct fault *f)
{
	struct konica_session *s = arg;
	struct errand *e = s->errand;

	/* silence is no failure: identity and busy are then unknown (FL-4) */
	if (f && f->code != CN_UNREACHABLE) {
		done(s, f);
		return;
	}
	snmp_device_capability(e);
	done(s, NULL);
}

static void ask_version(struct konica_session *s);

static void on_version(void *arg, const struct soap_answer *a, const struct fault *f)
{
	struct konica_session *s = arg;
	struct fault why = FAULT_INIT;

	/* some answer at a path of their own */
	if (f && f->code == CN_UNSUPPORTED_DEVICE && strcmp(s->path, "/") == 0) {
		s->path = "/OpenAPI";
		ask_version(s);
		return;
	}
	if (f || konica_version_read(a, &s->k, &why) < 0)
		done(s, f ? f : &why);
	else
		snmp_device_ask(&s->snmp, s->errand, on_snmp, s);
}

static void ask_version(struct konica_session *s)
{
	struct buf m = BUF_INIT;

	konica_version_message(&m);
	send_message(s, &m, &(struct soap_call){.probing = true}, on_version);
}

static void probe(void *self)
{
	static const struct web_ports ports = {"http", 50001, "https", 50003};
	struct konica_session *s = self;
	struct fault f = FAULT_INIT;

	if (web_init(&s->soap.web, s->errand, &ports, &f) < 0)
		done(s, &f);
	else
		ask_version(s);
}

/* SNMP was asked a moment ago; what else goes on shows when the lock is asked for. */
static void busy(void *self)
{
	done(self, NULL);
}

/* ---- login ---- */

/* Whatever the device answered, if it is no key it was no: never again by itself (DC-2). What the
 * line did is not the device's word. */
static void login_failed(struct konica_session *s, const struct fault *f)
{
	struct fault why = *f;

	switch (f->code) {
	case CN_PROTOCOL_ERROR:
	case CN_PARSE_ERROR:
	case CN_CHARSET_ERROR:
	case CN_PERMISSION_DENIED:
	case CN_REJECTED:
		fault_set(&why, CN_AUTH_REFUSED, "the login was refused: %.180s", f->detail);
		break;
	default:
		break;
	}
	done(s, &why);
}

static void on_login(void *arg, const struct soap_answer *a, const struct fault *f)
{
	struct konica_session *s = arg;
	struct fault why = FAULT_INIT;

	if (f || check(s, a, "Login", CN_AUTH_REFUSED, &why) < 0) {
		login_failed(s, f ? f : &why);
		return;
	}
	s->k.auth = konica_key(s->errand->arena, a, "AuthKey");
	if (!s->k.auth) {
		fault_set(&why, CN_AUTH_REFUSED, "the login brought no key");
		done(s, &why);
		return;
	}
	s->then(s);
}

static void login(struct konica_session *s)
{
	static const char *const kinds[] = {"password_only", "user_auth", NULL};
	struct buf m = BUF_INIT;
	struct credential cred;
	struct fault f = FAULT_INIT;

	if (!errand_credential(s->errand, kinds, &cred, &f)) {
		done(s, &f);
		return;
	}
	s->k.auth = NULL;
	konica_login_message(&m, &s->k, cred.password);
	credential_wipe(&cred);
	call_with(s, &m, &(struct soap_call){.once = true}, on_login);
}

static void on_login_timer(void *arg)
{
	struct konica_session *s = arg;
	void (*leave)(void) = s->errand->leave; /* the session may end in there */

	if (!s->login_stale) {
		s->login_stale = true;
		timer_set(s->login_timer, LOGIN_GONE_MS, 0);
		return;
	}
	s->k.auth = NULL;
	if (!s->awaiting)
		return;
	s->awaiting = false;
	s->errand->enter(s->errand->arg);
	login(s);
	leave();
}

static void with_login(struct konica_session *s, then_fn then)
{
	s->then = then;
	if (s->k.auth && !s->login_stale)
		then(s);
	else if (s->k.auth)
		s->awaiting = true;
	else
		login(s);
}

/* ---- read ---- */

static void ask_page(struct konica_session *s);

static void end_of_book(struct konica_session *s)
{
	struct errand *e = s->errand;

	map_fini(&s->numbers);
	s->numbers = MAP_INIT;
	e->item_end(e->arg, s->entries);
	done(s, NULL);
}

static void give(struct konica_session *s)
{
	struct errand *e = s->errand;

	while (s->given < s->page.n) {
		struct span piece = {s->page.p + s->given, size_min(PIECE, s->page.n - s->given)};
		if (e->bytes(e->arg, piece) != HTTP_GO)
			return; /* resume() comes back here */
		s->given += piece.n;
	}
	wipe(&s->page);
	s->given = 0;
	if (s->last) {
		end_of_book(s);
		return;
	}
	s->start += KONICA_PAGE;
	ask_page(s);
}

/* A page that brings nothing new would be asked for for ever. */
static int note_numbers(struct konica_session *s, const struct soap_answer *a,
	const struct xml_node *first, uint32_t n, struct fault *reterr)
{
	uint32_t fresh = 0;

	for (const struct xml_node *e = first; e; e = konica_page_next(e)) {
		const char *number = konica_number(a->arena, e);
		fresh += map_put(&s->numbers, number, strlen(number), s) == NULL;
	}
	s->entries += n;
	if (n > 0 && fresh == 0)
		return fault_set(reterr, CN_PROTOCOL_ERROR,
			"entries from %u on are those that came before", s->start);
	if (s->entries > ENTRIES_MAX)
		return fault_set(reterr, CN_RESPONSE_TOO_BIG, "more than %u entries", ENTRIES_MAX);
	return 0;
}

/* A device that restarted knows no key of before, and says no more than Nack: once with a new one.
 */
static void page_refused(struct konica_session *s, const struct fault *f)
{
	if (s->begun || s->new_key) {
		done(s, f);
		return;
	}
	s->new_key = true;
	s->k.auth = NULL;
	with_login(s, ask_page);
}

static void on_page(void *arg, const struct soap_answer *a, const struct fault *f)
{
	struct konica_session *s = arg;
	struct errand *e = s->errand;
	const struct xml_node *first = NULL;
	struct fault why = FAULT_INIT;
	uint32_t n = 0;

	if (!f && check(s, a, "GetAbbr", CN_REJECTED, &why) < 0) {
		page_refused(s, &why);
		return;
	}
	if (f || konica_page_read(a, &n, &first, &why) < 0 ||
		note_numbers(s, a, first, n, &why) < 0) {
		done(s, f ? f : &why);
		return;
	}
	if (!s->told)
		errand_capability(e, "ab.read", CAPABILITY_RESULT_YES, GRADE_A, "AppReqGetAbbr");
	if (!s->begun)
		e->item(e->arg, e->items[0]);
	s->told = s->begun = true;
	s->last = n < KONICA_PAGE;
	buf_add(&s->page, a->bytes.p, a->bytes.n);
	give(s);
}

static void ask_page(struct konica_session *s)
{
	struct buf m = BUF_INIT;

	konica_get_message(&m, &s->k, s->start, KONICA_PAGE);
	call(s, &m, on_page);
}

static void read_book(void *self)
{
	struct konica_session *s = self;

	s->start = 1;
	s->begun = s->last = s->new_key = false;
	s->entries = 0;
	map_fini(&s->numbers);
	s->numbers = MAP_INIT;
	with_login(s, ask_page);
}

static void resume(void *self)
{
	struct konica_session *s = self;

	if (s->page.n)
		give(s);
}

/* ---- identity again (ST-4) ---- */

static void on_identified(void *arg, const struct fault *f)
{
	struct konica_session *s = arg;

	done(s, f && f->code == CN_UNREACHABLE ? NULL : f);
}

static void identify(void *self)
{
	struct konica_session *s = self;

	snmp_device_identify(&s->snmp, s->errand, on_identified, s);
}

/* ---- write ---- */

static void next_step(struct konica_session *s);

static void forget_steps(struct konica_session *s)
{
	if (s->have_steps)
		konica_steps_fini(&s->steps);
	s->have_steps = false;
	if (s->lock_timer)
		timer_free(s->lock_timer);
	s->lock_timer = NULL;
}

static void on_lock_timer(void *arg)
{
	struct konica_session *s = arg;

	s->lock_old = true;
}

static void on_locked(void *arg, const struct soap_answer *a, const struct fault *f)
{
	struct konica_session *s = arg;
	struct fault why = FAULT_INIT;

	if (f || check(s, a, "EnterDeviceLock", CN_DEVICE_LOCKED, &why) < 0) {
		done(s, f ? f : &why);
		return;
	}
	s->k.lock = konica_key(s->errand->arena, a, "LockKey");
	if (!s->k.lock) {
		fault_set(&why, CN_PROTOCOL_ERROR, "the device lock brought no key");
		done(s, &why);
		return;
	}
	s->lock_old = false;
	if (!s->lock_timer)
		s->lock_timer = timer_new(s->errand->loop, on_lock_timer, s);
	timer_set(s->lock_timer, LOCK_OLD_MS, 0);
	next_step(s);
}

static void enter_lock(struct konica_session *s)
{
	struct buf m = BUF_INIT;

	konica_lock_message(&m, &s->k);
	call(s, &m, on_locked);
}

static void leave_lock(struct konica_session *s);

static void on_written(void *arg, const struct soap_answer *a, const struct fault *f)
{
	struct konica_session *s = arg;
	const struct konica_step *step = &s->steps.step[s->step];
	const char *name = step->abbr ? "SetAbbr" : "DeleteAbbr";
	struct fault why = FAULT_INIT;

	if (f || check(s, a, name, CN_REJECTED, &why) < 0) {
		f = f ? f : &why;
		fault_why(&s->failure, f->code, f->reason, "entry %s: %.200s", step->number,
			f->detail);
		leave_lock(s);
		return;
	}
	s->step++;
	next_step(s);
}

static void written(struct konica_session *s)
{
	struct fault f = s->failure;

	forget_steps(s);
	if (f.code) {
		done(s, &f);
		return;
	}
	errand_capability(s->errand, "ab.write", CAPABILITY_RESULT_YES, GRADE_B, "AppReqSetAbbr");
	done(s, NULL);
}

/* That a lock cannot be left shows at the latest when somebody wants it: the device ends it by
 * itself. */
static void on_left(void *arg, const struct soap_answer *a unused, const struct fault *f unused)
{
	struct konica_session *s = arg;

	s->k.lock = NULL;
	if (s->failure.code || s->step == s->steps.n)
		written(s);
	else
		enter_lock(s);
}

static void leave_lock(struct konica_session *s)
{
	struct buf m = BUF_INIT;

	konica_unlock_message(&m, &s->k);
	call(s, &m, on_left);
}

static void next_step(struct konica_session *s)
{
	const struct konica_step *step = &s->steps.step[s->step]; /* or one behind the last */
	struct buf m = BUF_INIT;

	if (s->step == s->steps.n || s->lock_old) {
		leave_lock(s);
		return;
	}
	if (step->abbr)
		konica_set_message(&m, &s->k, step->abbr);
	else
		konica_delete_message(&m, &s->k, step->number);
	call(s, &m, on_written);
}

static void write_book(void *self)
{
	struct konica_session *s = self;
	struct fault f = FAULT_INIT;

	forget_steps(s);
	s->have_steps = true;
	s->step = 0;
	s->failure = FAULT_INIT;
	if (konica_steps_make(s->errand, &s->steps, &f) < 0 ||
		(s->steps.n_refused > 0 && konica_refusal_fault(&s->steps.refusal[0], &f) < 0)) {
		forget_steps(s);
		done(s, &f);
	} else if (s->steps.n == 0) {
		forget_steps(s);
		done(s, NULL);
	} else {
		with_login(s, enter_lock);
	}
}

/* ---- the end ---- */

static void forget(struct konica_session *s)
{
	forget_steps(s);
	wipe(&s->page);
	map_fini(&s->numbers);
	s->numbers = MAP_INIT;
	s->awaiting = false;
	if (s->login_timer)
		timer_free(s->login_timer);
	s->login_timer = NULL;
}

static void on_released(void *arg, const struct soap_answer *a, const struct fault *f)
{
	struct konica_session *s = arg;
	struct fault why = FAULT_INIT;

	s->k.lock = NULL;
	if (!f && check(s, a, "ExitDeviceLock", CN_REJECTED, &why) < 0)
		f = &why;
	done(s, f);
}

/* The device lock is left; a login ends by the device's own timer (DC-9). */
static void release(void *self)
{
	struct konica_session *s = self;
	struct buf m = BUF_INIT;

	forget(s);
	if (!s->k.lock) {
		done(s, NULL);
		return;
	}
	konica_unlock_message(&m, &s->k);
	send_message(s, &m, &(struct soap_call){.total_ms = RELEASE_MS, .last = true}, on_released);
}

static void cancel(void *self)
{
	struct konica_session *s = self;

	soap_cancel(&s->soap);
	snmp_device_cancel(&s->snmp);
	forget(s);
}

static const struct skill skills[] = {
	{.kind = "device.probe", .grade = GRADE_A},
	{.kind = "ab.backup", .grade = GRADE_A},
	{.kind = "ab.restore", .grade = GRADE_B},
	{.kind = "ab.import", .grade = GRADE_B},
	{.kind = "ab.distribute", .grade = GRADE_B},
	{.kind = NULL},
};

const struct adapter adapter_konica_openapi = {
	.family = "konica_openapi",
	.codec = "konica_xml",
	.skills = skills,
	.open = open_session,
	.probe = probe,
	.busy = busy,
	.read = read_book,
	.resume = resume,
	.identify = identify,
	.foresee = konica_foresee,
	.write = write_book,
	.release = release,
	.cancel = cancel,
};
