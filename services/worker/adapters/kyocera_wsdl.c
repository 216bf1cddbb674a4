// SPDX-License-Identifier: Apache-2.0
/* Family kyocera_wsdl: the book of Kyocera devices over km-wsdl (devices.md section 7), read only:
 * nothing public says how one is written.
 *
 *     read: for persons, then groups: create an enumeration, get until all is there, destroy it
 *
 * An enumeration is one of few handles the device has: whatever happens, it is destroyed, by the
 * call of its own kind (DV-19). */
#include <string.h>

#include "common/base/map.h"
#include "common/crypto/crypto.h"
#include "gen/errors.h"
#include "services/worker/adapters/kyocera_message.h"
#include "services/worker/adapters/profile.h"
#include "services/worker/adapters/snmp_device.h"
#include "services/worker/adapters/snmp_restart.h"
#include "services/worker/credential.h"

#define PIECE ((size_t)64 * 1024)
#define ENTRIES_MAX 200000u
#define NUMBER_MOST 16000u
#define RELEASE_MS 5000u
#define WAIT_FIRST_MS 500u /* while the device prepares, doubled each time up to */
#define WAIT_MOST_MS 5000u
#define PREPARING_MS 180000u /* in all, then the job is deferred (DV-17) */

struct kyocera {
	struct errand *errand;
	struct soap soap;
	struct snmp_device snmp;
	struct snmp_restart restart;
	const char *token;
	void (*entered)(struct kyocera *s); /* after the login */
	void (*kept_out)(struct kyocera *s, const struct fault *f);
	bool asked_token; /* one login is tried */
	bool open_book;   /* read without a login */

	/* the enumeration under way */
	enum kyocera_list list;
	const char *enumeration; /* NULL = none is open */
	bool creating;           /* one may open: its handle is to come */
	bool releasing;
	struct timer *wait;
	uint32_t wait_ms, waited_ms;
	struct map numbers;   /* seen, of this list */
	struct map again;     /* seen when it was counted once more */
	uint32_t asked;       /* entries at most */
	bool doubt;           /* was that all? */
	bool looking;         /* a second time (DV-18): only what is new is kept */
	struct fault failure; /* to be told once the enumeration is destroyed; code 0 = none */

	/* reading */
	bool begun, last; /* the item has begun; of this list no answer follows */
	struct buf page;  /* as received, not yet taken */
	size_t given;
	uint32_t entries;
};

static void done(struct kyocera *s, const struct fault *f)
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
	struct kyocera *s = arena_alloc(e->arena, sizeof(*s));

	if (s)
		s->errand = e;
	return s;
}

static void send_message(struct kyocera *s, enum kyocera_service service, struct buf *m,
	const struct soap_call *how, soap_fn fn)
{
	struct soap_call c = *how;

	c.path = kyocera_path(service);
	c.type = KYOCERA_TYPE;
	c.message = buf_span(m);
	c.follow = true; /* 9090 may send us to 9091 */
	soap_send(&s->soap, &c, fn, s);
	wipe(m);
}

static void call(struct kyocera *s, enum kyocera_service service, struct buf *m, soap_fn fn)
{
	send_message(s, service, m, &(struct soap_call){.probing = false}, fn);
}

/* ---- probe: does it speak km-wsdl, then SNMP ---- */

static void on_snmp(void *arg, const struct fault *f)
{
	struct kyocera *s = arg;
	struct errand *e = s->errand;

	/* silence is no failure: identity and busy are then unknown (FL-4) */
	if (f && f->code != CN_UNREACHABLE) {
		done(s, f);
		return;
	}
	snmp_device_capability(e);
	errand_capability(e, "ab.write", CAPABILITY_RESULT_NO, GRADE_A, "no public format (AB-38)");
	done(s, NULL);
}

static void on_status(void *arg, const struct soap_answer *a unused, const struct fault *f)
{
	struct kyocera *s = arg;

	if (f)
		done(s, f);
	else
		snmp_device_ask(&s->snmp, s->errand, on_snmp, s);
}

static void probe(void *self)
{
	static const struct web_ports ports = {"http", 9090, "https", 9091};
	struct kyocera *s = self;
	struct buf m = BUF_INIT;
	struct fault f = FAULT_INIT;

	if (web_init(&s->soap.web, s->errand, &ports, &f) < 0) {
		done(s, &f);
		return;
	}
	kyocera_status_message(&m);
	send_message(s, KYOCERA_AUTH, &m, &(struct soap_call){.probing = true}, on_status);
}

/* ---- busy: what the panel says, without a login ---- */

static void on_constitution(void *arg, const struct soap_answer *a, const struct fault *f)
{
	struct kyocera *s = arg;
	struct errand *e = s->errand;
	const char *message = NULL;
	bool in_use = false;

	/* a device that does not answer this has told by SNMP what it tells */
	if (f && f->code != CN_PROTOCOL_ERROR && f->code != CN_PARSE_ERROR) {
		done(s, f);
		return;
	}
	if (!f)
		kyocera_panel(e->arena, a, &message, &in_use);
	if (in_use)
		errand_op(e, "panel");
	if (message && e->profile &&
		profile_says(e->profile->busy,
			(struct span){(const uint8_t *)message, strlen(message)})) {
		errand_op(e, "other_activity");
		e->seen.text = errand_text(e, message, strlen(message), 512);
	}
	if (message)
		e->seen.busy_unknown = false;
	done(s, NULL);
}

static void busy(void *self)
{
	struct kyocera *s = self;
	struct buf m = BUF_INIT;
	char origin[320];

	web_origin(&s->soap.web, origin, sizeof(origin));
	kyocera_constitution_message(&m, origin);
	call(s, KYOCERA_INFO, &m, on_constitution);
}

/* ---- an enumeration ends: destroyed, then what comes ---- */

static void begin_list(struct kyocera *s, enum kyocera_list list);
static void create(struct kyocera *s);
static void close_open(struct kyocera *s);

static void forget_list(struct kyocera *s)
{
	map_fini(&s->numbers);
	map_fini(&s->again);
	s->numbers = s->again = MAP_INIT;
	if (s->wait)
		timer_free(s->wait);
	s->wait = NULL;
}

static void end_of_book(struct kyocera *s)
{
	struct errand *e = s->errand;

	errand_capability(e, "ab.read", CAPABILITY_RESULT_YES, GRADE_A,
		s->open_book ? "book_readable_without_login" : "enumeration");
	e->item_end(e->arg, s->entries);
	done(s, NULL);
}

/* Looks once more, where the device's own end was no clear one; what the first look did not bring
 * is taken then. */
static void look_again(struct kyocera *s)
{
	map_fini(&s->again);
	s->again = MAP_INIT;
	s->looking = true;
	s->asked *= 2;
	create(s);
}

static void on_destroyed(void *arg, const struct soap_answer *a unused, const struct fault *f)
{
	struct kyocera *s = arg;
	struct fault why = s->failure;

	if (!why.code && s->looking && s->again.n != s->numbers.n)
		fault_set(&why, CN_INCOMPLETE, "%zu entries, and %zu at a second look",
			s->numbers.n, s->again.n);
	if (!f) /* else release() tries once more */
		s->enumeration = NULL;
	if (why.code) {
		forget_list(s);
		done(s, &why);
	} else if (f) {
		forget_list(s);
		done(s, f);
	} else if (s->doubt && s->asked < NUMBER_MOST) {
		look_again(s);
	} else if (s->list == KYOCERA_PERSONS) {
		begin_list(s, KYOCERA_GROUPS);
	} else {
		forget_list(s);
		end_of_book(s);
	}
}

static void destroy(struct kyocera *s)
{
	struct buf m = BUF_INIT;

	kyocera_destroy_message(&m, s->list, s->enumeration, s->token);
	call(s, KYOCERA_BOOK, &m, on_destroyed);
}

static void fail_list(struct kyocera *s, const struct fault *f)
{
	s->failure = *f;
	if (s->enumeration) {
		destroy(s);
		return;
	}
	forget_list(s);
	done(s, f);
}

/* ---- get ---- */

static void get(struct kyocera *s);
static void go_on(struct kyocera *s);

static void on_wait(void *arg)
{
	struct kyocera *s = arg;
	void (*leave)(void) = s->errand->leave; /* the session may end in there */

	s->errand->enter(s->errand->arg);
	get(s);
	leave();
}

/* PREPARING_NOW is no error (DV-17). */
static void wait_and_get(struct kyocera *s)
{
	struct fault f = FAULT_INIT;

	if (s->waited_ms >= PREPARING_MS) {
		fault_set(&f, CN_PREPARING, "the device prepares its book since %u s",
			PREPARING_MS / 1000);
		fail_list(s, &f);
		return;
	}
	if (!s->wait)
		s->wait = timer_new(s->errand->loop, on_wait, s);
	timer_set(s->wait, s->wait_ms, 0);
	s->waited_ms += s->wait_ms;
	s->wait_ms = s->wait_ms * 2 < WAIT_MOST_MS ? s->wait_ms * 2 : WAIT_MOST_MS;
}

static void give(struct kyocera *s)
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
	go_on(s);
}

/* Entries of one answer. */
struct batch_seen {
	uint32_t n, fresh; /* fresh: not in this enumeration before */
	uint32_t found;    /* nor in an earlier one */
};

static int note_entry(
	struct kyocera *s, const char *id, struct batch_seen *seen, struct fault *reterr)
{
	size_t n = strlen(id);

	if (!n)
		return fault_set(reterr, CN_PROTOCOL_ERROR, "an entry has no id");
	seen->n++;
	seen->found += map_put(&s->numbers, id, n, s) == NULL;
	if (s->looking)
		seen->fresh += map_put(&s->again, id, n, s) == NULL;
	return 0;
}

static int note_entries(struct kyocera *s, const struct soap_answer *a, struct batch_seen *seen,
	struct fault *reterr)
{
	const struct xml_node *n = kyocera_first(a, s->list);

	for (; n; n = kyocera_next(n, s->list))
		if ((s->list == KYOCERA_GROUPS && kyocera_check_group(n, reterr) < 0) ||
			note_entry(s, kyocera_id(a->arena, n), seen, reterr) < 0)
			return -1;
	if (!s->looking)
		seen->fresh = seen->found;
	if (s->looking && seen->found > 0 && seen->found < seen->n)
		return fault_set(
			reterr, CN_INCOMPLETE, "a second look found %u entries more", seen->found);
	if (s->entries + seen->n > ENTRIES_MAX)
		return fault_set(reterr, CN_RESPONSE_TOO_BIG, "more than %u entries", ENTRIES_MAX);
	return 0;
}

static void go_on(struct kyocera *s)
{
	if (s->last)
		destroy(s);
	else
		get(s);
}

/* DV-18: SUCCESS means ask again, until ALL_GET_COMPLETE; an answer with nothing new ends it, and
 * leaves a doubt. So does an end exactly at the number that was asked for (DC-8). */
static void take_answer(struct kyocera *s, const struct soap_answer *a, enum kyocera_result r,
	const struct batch_seen *seen)
{
	struct errand *e = s->errand;

	s->last = r == KYOCERA_COMPLETE || seen->fresh == 0;
	s->doubt = s->last && ((r != KYOCERA_COMPLETE && !s->looking) || s->numbers.n == s->asked);
	s->wait_ms = WAIT_FIRST_MS;
	if (seen->found == 0 && (s->looking || seen->n > 0)) {
		go_on(s);
		return;
	}
	s->entries += seen->n;
	if (!s->begun)
		e->item(e->arg, e->items[0]);
	s->begun = true;
	buf_add(&s->page, a->bytes.p, a->bytes.n);
	give(s);
}

static void on_got(void *arg, const struct soap_answer *a, const struct fault *f)
{
	struct kyocera *s = arg;
	struct batch_seen seen = {.n = 0};
	struct fault why = FAULT_INIT;
	enum kyocera_result r;

	if (f || kyocera_result(a, kyocera_get_call(s->list), &r, &why) < 0)
		fail_list(s, f ? f : &why);
	else if (r == KYOCERA_PREPARING)
		wait_and_get(s);
	else if (note_entries(s, a, &seen, &why) < 0)
		fail_list(s, &why);
	else
		take_answer(s, a, r, &seen);
}

static void get(struct kyocera *s)
{
	struct buf m = BUF_INIT;

	kyocera_get_message(&m, s->list, s->enumeration, s->token);
	call(s, KYOCERA_BOOK, &m, on_got);
}

/* ---- create, with a login where the device wants one ---- */

static void on_token(void *arg, const struct soap_answer *a, const struct fault *f)
{
	struct kyocera *s = arg;
	struct fault why = FAULT_INIT;

	if (!f)
		s->token = kyocera_token(s->errand->arena, a, &why);
	if (s->token)
		s->entered(s);
	else
		s->kept_out(s, f ? f : &why);
}

/* How a password is encoded is not public: the credential holds it as it is sent. */
static void log_in(struct kyocera *s, void (*entered)(struct kyocera *s),
	void (*kept_out)(struct kyocera *s, const struct fault *f))
{
	static const char *const kinds[] = {"opaque", NULL};
	struct buf m = BUF_INIT;
	struct credential cred;
	struct fault f = FAULT_INIT;

	s->asked_token = true;
	s->entered = entered;
	s->kept_out = kept_out;
	if (!errand_credential(s->errand, kinds, &cred, &f)) {
		kept_out(s, &f);
		return;
	}
	kyocera_login_message(&m, cred.user, cred.password);
	credential_wipe(&cred);
	send_message(s, KYOCERA_AUTH, &m, &(struct soap_call){.once = true}, on_token);
}

static void on_created(void *arg, const struct soap_answer *a, const struct fault *f)
{
	struct kyocera *s = arg;
	enum kyocera_result r = KYOCERA_SUCCESS;
	struct fault why = FAULT_INIT;

	s->creating = false;
	if (!f && kyocera_result(a, kyocera_create_call(s->list), &r, &why) < 0)
		f = &why;
	if (f && f->code == CN_AUTH_REFUSED && !s->asked_token && !s->releasing) {
		log_in(s, create, fail_list);
		return;
	}
	if (!f && r == KYOCERA_SUCCESS)
		s->enumeration = kyocera_enumeration(s->errand->arena, a);
	if (s->releasing) {
		close_open(s);
		return;
	}
	if (!f && !s->enumeration)
		f = (fault_set(&why, CN_PROTOCOL_ERROR, "no handle of an enumeration"), &why);
	if (f) {
		fail_list(s, f);
		return;
	}
	s->open_book |= s->token == NULL;
	s->wait_ms = WAIT_FIRST_MS;
	get(s);
}

static void create(struct kyocera *s)
{
	struct buf m = BUF_INIT;

	s->creating = true;
	kyocera_create_message(&m, s->list, s->asked, s->token);
	call(s, KYOCERA_BOOK, &m, on_created);
}

static void begin_list(struct kyocera *s, enum kyocera_list list)
{
	forget_list(s);
	s->list = list;
	s->asked = KYOCERA_NUMBER;
	s->waited_ms = 0;
	s->last = s->doubt = s->looking = false;
	create(s);
}

static void read_book(void *self)
{
	struct kyocera *s = self;

	s->begun = false;
	s->entries = 0;
	s->failure = FAULT_INIT;
	begin_list(s, KYOCERA_PERSONS);
}

static void resume(void *self)
{
	struct kyocera *s = self;

	if (s->page.n)
		give(s);
}

/* ---- identity again (ST-4) ---- */

static void on_identified(void *arg, const struct fault *f)
{
	struct kyocera *s = arg;

	done(s, f && f->code == CN_UNREACHABLE ? NULL : f);
}

static void identify(void *self)
{
	struct kyocera *s = self;

	snmp_device_identify(&s->snmp, s->errand, on_identified, s);
}

/* ---- restart (devices.md section 7, B): an own call, seen by the up time over SNMP ---- */

static void on_restarted(void *arg, const struct fault *f)
{
	struct kyocera *s = arg;

	s->token = NULL; /* it ended with the device's session */
	s->asked_token = false;
	done(s, f);
}

/* It may have gone down before it answered: whether it did, its up time says. */
static void on_told(void *arg, const struct soap_answer *a, const struct fault *f)
{
	struct kyocera *s = arg;
	struct fault why = FAULT_INIT;

	if (f && (f->code == CN_CONNECTION_LOST || f->code == CN_TIMEOUT))
		snmp_restart_sent(&s->restart, NULL);
	else if (f || kyocera_restarts(a, &why) < 0)
		snmp_restart_sent(&s->restart, f ? f : &why);
	else
		snmp_restart_sent(&s->restart, NULL);
}

static void tell_restart(struct kyocera *s)
{
	struct buf m = BUF_INIT;

	kyocera_restart_message(&m, s->token);
	send_message(s, KYOCERA_CONTROL, &m, &(struct soap_call){.once = true}, on_told);
}

static void no_restart(struct kyocera *s, const struct fault *f)
{
	snmp_restart_sent(&s->restart, f);
}

static void send_restart(void *arg)
{
	struct kyocera *s = arg;

	if (s->token)
		tell_restart(s);
	else
		log_in(s, tell_restart, no_restart);
}

static void restart(void *self)
{
	struct kyocera *s = self;

	snmp_restart_by(&s->restart, s->errand, send_restart, on_restarted, s);
}

/* ---- the end ---- */

static void on_released(void *arg, const struct soap_answer *a unused, const struct fault *f)
{
	struct kyocera *s = arg;

	s->enumeration = NULL;
	done(s, f);
}

static void close_open(struct kyocera *s)
{
	struct buf m = BUF_INIT;

	forget_list(s);
	if (!s->enumeration) {
		done(s, NULL);
		return;
	}
	kyocera_destroy_message(&m, s->list, s->enumeration, s->token);
	send_message(s, KYOCERA_BOOK, &m, &(struct soap_call){.total_ms = RELEASE_MS, .last = true},
		on_released);
}

static void on_too_late(void *arg)
{
	struct kyocera *s = arg;
	void (*end)(void) = s->errand->leave; /* the session may end in there */

	s->errand->enter(s->errand->arg);
	s->creating = false;
	soap_cancel(&s->soap);
	close_open(s);
	end();
}

static void release(void *self)
{
	struct kyocera *s = self;

	forget_list(s);
	wipe(&s->page);
	s->releasing = true;
	if (!s->creating) {
		close_open(s);
		return;
	}
	s->wait =
		timer_new(s->errand->loop, on_too_late, s); /* else its answer calls close_open() */
	timer_set(s->wait, RELEASE_MS, 0);
}

/* A call that opens an enumeration is not cut: without its answer nobody could close it. release()
 * follows, and waits for it. */
static void cancel(void *self)
{
	struct kyocera *s = self;

	if (!s->creating || s->releasing)
		soap_cancel(&s->soap);
	snmp_device_cancel(&s->snmp);
	snmp_restart_cancel(&s->restart);
	forget_list(s);
	wipe(&s->page);
}

static const struct skill skills[] = {
	{.kind = "device.probe", .grade = GRADE_A},
	{.kind = "ab.backup", .grade = GRADE_A},
	{.kind = "device.restart", .grade = GRADE_B},
	{.kind = NULL},
};

const struct adapter adapter_kyocera_wsdl = {
	.family = "kyocera_wsdl",
	.codec = "kyocera_xml",
	.skills = skills,
	.open = open_session,
	.probe = probe,
	.busy = busy,
	.restart = restart,
	.read = read_book,
	.resume = resume,
	.identify = identify,
	.release = release,
	.cancel = cancel,
};
