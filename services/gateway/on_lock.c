// SPDX-License-Identifier: Apache-2.0
/* Locks for other systems: devices by name, answers in the reader's language, one lock a call, HTTP
 * states that a script understands. The lock service decides; here is only how it is said. */
#include <string.h>

#include "services/gateway/audit.h"
#include "services/gateway/devices.h"

enum { DEVICES_MAX = 1000 };

/* A request about devices, from its names to its answer. */
struct errand {
	struct rest *r;
	const void *body;
	struct uuid request, session;
	const struct devices *devices;
};

static struct errand *errand_new(struct rest *r, const void *body)
{
	struct errand *e = arena_alloc(r->arena, sizeof(*e));

	bug_if(e == NULL);
	e->r = r;
	e->body = body;
	return e;
}

/* What was not named: the request is that of the Idempotency-Key, a session of its own. */
static void name_errand(struct errand *e, const struct uuid *request, const struct uuid *session)
{
	e->request = uuid_is_nil(request) ? e->r->request : *request;
	e->session = uuid_is_nil(session) ? e->request : *session;
}

/* ---- answers ---- */

static void name_devices(struct errand *e, struct m_lock_answer *a)
{
	struct m_grant *grants = arena_dup(e->r->arena, a->grants, a->grants_n * sizeof(*grants));
	struct m_blocker *blockers =
		arena_dup(e->r->arena, a->blockers, a->blockers_n * sizeof(*blockers));
	struct m_item_refusal *items =
		arena_dup(e->r->arena, a->items_refused, a->items_refused_n * sizeof(*items));

	bug_if(grants == NULL || blockers == NULL || items == NULL);
	for (size_t i = 0; i < a->grants_n; i++)
		grants[i].device_name = devices_name(e->devices, &grants[i].device);
	for (size_t i = 0; i < a->blockers_n; i++)
		blockers[i].device_name = devices_name(e->devices, &blockers[i].device);
	for (size_t i = 0; i < a->items_refused_n; i++)
		items[i].device_name = devices_name(e->devices, &items[i].device);
	a->grants = grants;
	a->blockers = blockers;
	a->items_refused = items;
}

/* What a refusal is to a client: the wrong question (422), no right to it (403), or a state that
 * stands against it (409). */
static unsigned status_of(const char *reason)
{
	static const char *const wrong[] = {
		"unknown_op", "unknown_profile", "too_many_devices", "not_requestable"};

	for (size_t i = 0; i < array_len(wrong); i++)
		if (strcmp(wrong[i], reason) == 0)
			return 422;
	return strcmp(reason, "not_permitted") == 0 ? 403 : 409;
}

static void reply_no(struct rest *r, int code, const char *reason, unsigned status,
	const struct m_lock_answer *a)
{
	struct fault f = FAULT_INIT;

	(void)fault_why(&f, code, reason, "%s", a->text != NULL ? a->text : "");
	rest_fault_as(r, &f, status, msg_to_json_full(&m_lock_answer_desc, a));
}

static void reply_busy(struct rest *r, const struct m_lock_answer *a)
{
	bool rests = a->blockers_n > 0 && (a->blockers[0].state == LOCK_STATE_QUARANTINE ||
						  a->blockers[0].state == LOCK_STATE_ATTENTION);

	reply_no(r, rests ? CN_QUARANTINE : CN_LOCK_TIMEOUT, "blocked", 409, a);
}

static void reply_answer(struct rest *r, const struct m_lock_answer *a)
{
	const char *reason = a->reason != NULL ? a->reason : "";

	switch (a->answer) {
	case LOCK_RESULT_GRANTED:
		rest_reply(r, &m_lock_answer_desc, a);
		break;
	case LOCK_RESULT_QUEUED:
		rest_json(r, 202, msg_to_json_full(&m_lock_answer_desc, a));
		break;
	case LOCK_RESULT_BUSY:
		reply_busy(r, a);
		break;
	case LOCK_RESULT_REFUSED:
		reply_no(r, CN_LOCK_REFUSED, reason, status_of(reason), a);
		break;
	case LOCK_RESULT_LOST:
	case LOCK_RESULT_CANCELLED:
	default:
		reply_no(r, CN_LEASE_LOST, "lock_lost", 409, a);
		break;
	}
}

static struct peer_opts opts_of(const struct errand *e)
{
	struct peer_opts opts = rest_opts(e->r);

	opts.request = e->request;
	return opts;
}

/* Too many, or none: false after the refusal. */
static bool devices_fit(struct rest *r, size_t n)
{
	if (n > DEVICES_MAX) {
		struct fault f = FAULT_INIT;
		(void)fault_why(&f, CN_LOCK_REFUSED, "too_many_devices",
			"%zu devices in one request; at most %d", n, DEVICES_MAX);
		rest_fault_as(r, &f, 422, NULL);
		return false;
	}
	if (n == 0)
		rest_refuse(
			r, CN_VALIDATION_FAILED, "unknown_device", "devices: name at least one");
	return n > 0;
}

/* What the lock service is told of the devices. */
struct told {
	struct uuid *ids, *strict;
	const char **families;
	size_t n, strict_n;
};

static struct told tell(const struct errand *e)
{
	size_t n = e->devices->n;
	struct told t = {.n = n,
		.ids = arena_array(e->r->arena, n + 1, sizeof(struct uuid)),
		.strict = arena_array(e->r->arena, n + 1, sizeof(struct uuid)),
		.families = arena_array(e->r->arena, n + 1, sizeof(const char *))};

	bug_if(t.ids == NULL || t.strict == NULL || t.families == NULL);
	for (size_t i = 0; i < n; i++) {
		const struct m_device_ref *d = &e->devices->items[i];

		t.ids[i] = d->id;
		t.families[i] = d->family;
		if (d->strict_interlock)
			t.strict[t.strict_n++] = d->id;
	}
	return t;
}

/* ---- declare ---- */

static void declared(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	struct errand *e = arg;
	struct m_lock_answer a;

	(void)instance;
	if (f != NULL) {
		rest_fault(e->r, f);
		return;
	}
	a = *(const struct m_lock_answer *)body;
	a.request = e->request;
	a.session = e->session;
	a.has = 0;
	name_devices(e, &a);
	if (e->r->waits && a.answer == LOCK_RESULT_GRANTED)
		audit_note(e->r, "granted"); /* what is refused is noted anyhow */
	reply_answer(e->r, &a);
}

static void declare(void *arg, const struct devices *found)
{
	struct errand *e = arg;
	const struct m_lock_declare *d = e->body;
	e->devices = found;
	const struct told t = tell(e);
	struct m_lock_acquire m = {.request = e->request,
		.session = e->session,
		.kind = LOCK_KIND_DECLARED,
		.op = d->op,
		.direction = d->direction != 0 ? d->direction : LOCK_DIRECTION_NONE,
		.devices = t.ids,
		.devices_n = t.n,
		.items = d->items,
		.items_n = d->items_n,
		.item_policy = d->item_policy,
		.wait_ms = d->wait_ms,
		.lease_ms = d->lease_ms,
		.strict = d->strict,
		.lang = e->r->lang,
		.profiles = t.families,
		.profiles_n = t.n,
		.strict_devices = t.strict,
		.strict_devices_n = t.strict_n};
	struct peer_opts opts = opts_of(e);

	peer_call(e->r->gateway->lock, &m_lock_acquire_desc, &m, &opts, declared, e);
}

void on_lock_declare(struct rest *r, const void *body)
{
	const struct m_lock_declare *m = body;
	struct errand *e = errand_new(r, body);

	name_errand(e, &m->request, &m->session);
	if (devices_fit(r, m->devices_n))
		devices_find(r, m->devices, m->devices_n, declare, e);
}

/* ---- may it start now? ---- */

static void explained(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	struct errand *e = arg;
	struct m_lock_answer a;

	(void)instance;
	if (f != NULL) {
		rest_fault(e->r, f);
		return;
	}
	a = *(const struct m_lock_answer *)body;
	a.has = 0;
	name_devices(e, &a);
	rest_reply(e->r, &m_lock_answer_desc, &a);
}

static void explain(void *arg, const struct devices *found)
{
	struct errand *e = arg;
	const struct m_lock_ask *q = e->body;
	e->devices = found;
	const struct told t = tell(e);
	struct m_lock_explain m = {.op = q->op,
		.direction = q->direction,
		.devices = t.ids,
		.devices_n = t.n,
		.items = q->items,
		.items_n = q->items_n,
		.profile = q->profile,
		.kind = q->kind,
		.lang = e->r->lang,
		.item_policy = q->item_policy,
		.strict = q->strict,
		.strict_devices = t.strict,
		.strict_devices_n = t.strict_n};
	struct peer_opts opts = rest_opts(e->r);

	if (q->profile == NULL || *q->profile == '\0') {
		m.profiles = t.families;
		m.profiles_n = t.n;
	}
	peer_call(e->r->gateway->lock, &m_lock_explain_desc, &m, &opts, explained, e);
}

void on_lock_ask(struct rest *r, const void *body)
{
	const struct m_lock_ask *m = body;

	if (devices_fit(r, m->devices_n))
		devices_find(r, m->devices, m->devices_n, explain, errand_new(r, body));
}

/* ---- one lock, kept, given back, not waited for any more ---- */

static bool is_good(struct rest *r, const struct fault *f, bool lost)
{
	if (f != NULL)
		rest_fault(r, f);
	else if (lost)
		rest_refuse(r, CN_LEASE_LOST, "lock_lost",
			"not live under this session and token any more");
	return f == NULL && !lost;
}

static void renewed(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	const struct errand *e = arg;
	const struct m_lock_renewed *m = body;

	(void)instance;
	if (!is_good(e->r, f, m == NULL || m->lost_n > 0))
		return;
	struct m_lock_answer a = {.answer = LOCK_RESULT_GRANTED,
		.remaining_ms = m->remaining_ms,
		.request = e->request,
		.session = e->session};
	rest_reply(e->r, &m_lock_answer_desc, &a);
}

void on_lock_keep(struct rest *r, const void *body)
{
	const struct m_lock_keep *m = body;
	struct errand *e = errand_new(r, body);
	struct m_held held = {.request = m->request, .token = m->token};
	struct m_lock_renew ask = {.locks = &held, .locks_n = 1};
	struct peer_opts opts = rest_opts(r);

	name_errand(e, &m->request, &m->session);
	ask.session = e->session;
	peer_call(r->gateway->lock, &m_lock_renew_desc, &ask, &opts, renewed, e);
}

static void done(struct rest *r)
{
	const struct m_ok ok = {.has = 0};

	rest_reply(r, &m_ok_desc, &ok);
}

static void released(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	const struct errand *e = arg;
	const struct m_lock_released *m = body;

	(void)instance;
	if (is_good(e->r, f, m == NULL || m->lost_n > 0))
		done(e->r);
}

void on_lock_give_back(struct rest *r, const void *body)
{
	const struct m_lock_give_back *m = body;
	struct errand *e = errand_new(r, body);
	struct m_held held = {.request = m->request, .token = m->token, .unsure = m->unsure};
	struct m_lock_release ask = {.locks = &held, .locks_n = 1};
	struct peer_opts opts = rest_opts(r);

	name_errand(e, &m->request, &m->session);
	ask.session = e->session;
	peer_call(r->gateway->lock, &m_lock_release_desc, &ask, &opts, released, e);
}

static void left(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	const struct errand *e = arg;

	(void)body;
	(void)instance;
	if (is_good(e->r, f, false))
		done(e->r);
}

void on_lock_leave(struct rest *r, const void *body)
{
	const struct m_lock_leave *m = body;
	struct errand *e = errand_new(r, body);
	struct peer_opts opts = rest_opts(r);

	name_errand(e, &m->request, &m->session);
	const struct m_lock_cancel ask = {.request = e->request, .session = e->session};
	peer_call(r->gateway->lock, &m_lock_cancel_desc, &ask, &opts, left, e);
}
