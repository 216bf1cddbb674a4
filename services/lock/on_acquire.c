// SPDX-License-Identifier: Apache-2.0
/* lock_acquire and lock_explain: the checks of the form, then the decision in the ledger. */
#include <string.h>

#include "common/crypto/crypto.h"
#include "services/lock/profile.h"
#include "services/lock/serve.h"

/* What makes two requests the same: everything but what was seen meanwhile, what the devices are
 * and who reads the answer. */
static struct span digest_of(struct call *call, const struct m_lock_acquire *m)
{
	struct m_lock_acquire plain = *m;
	struct msg_header header = {.protocol = MSG_PROTOCOL};
	struct buf b = BUF_INIT;
	uint8_t *digest = arena_alloc(&call->arena, SHA256_LEN);

	plain.observed = NULL;
	plain.observed_n = 0;
	plain.profiles = NULL;
	plain.profiles_n = 0;
	plain.strict_devices = NULL;
	plain.strict_devices_n = 0;
	plain.lang = NULL;
	plain.attempt = 0;
	plain.has = 0;
	msg_encode(&b, &m_lock_acquire_desc, &header, &plain);
	if (digest != NULL)
		sha256(buf_span(&b), digest);
	buf_fini(&b);
	return (struct span){digest, digest == NULL ? 0 : SHA256_LEN};
}

/* An id that the operation does not know is refused before anything else looks at it. */
static bool items_known(const struct ledger_ask *ask)
{
	size_t n;
	const char *const *all = op_items(ask->use.op, &n);

	for (size_t i = 0; i < ask->items_n; i++) {
		bool known = false;
		for (size_t k = 0; k < n && !known; k++)
			known = strcmp(all[k], ask->items[i]) == 0;
		if (!known)
			return false;
	}
	return true;
}

/* No item named = every item of the operation (section 4). */
static void set_items(struct ledger_ask *ask, const char *const *items, size_t n)
{
	ask->items = items;
	ask->items_n = n;
	if (n == 0)
		ask->items = op_items(ask->use.op, &ask->items_n);
	if (!op_is_import_export(ask->use.op))
		ask->items_n = 0;
}

static const void *decide_acquire(struct work *w, struct ledger *l, struct fault *reterr)
{
	(void)reterr;
	for (size_t i = 0; i < w->observed_n; i++)
		ledger_observe(l, &w->observed[i]);
	return ledger_acquire(l, &w->ask);
}

static void refuse(struct call *call, enum words_lang lang, const char *reason)
{
	struct m_lock_answer a = {.answer = LOCK_RESULT_REFUSED, .reason = reason};

	a.text = words_answer(&call->arena, lang, OP_UNKNOWN, &a);
	call_reply(call, &a);
}

/* A person, through the gateway, declares; only services hold and own (section 2). */
static bool may_ask(const struct call *call, const struct m_lock_acquire *m)
{
	if (m->kind == LOCK_KIND_DECLARED)
		return true;
	return call->header.role == MSG_INTERNAL &&
	       (m->kind == LOCK_KIND_OWN || m->kind == LOCK_KIND_HOLD);
}

static void fill_ask(struct call *call, const struct m_lock_acquire *m, struct ledger_ask *ask)
{
	uint64_t lease = m->lease_ms == 0 ? lock_settings.lease_default_ms : m->lease_ms;

	*ask = (struct ledger_ask){
		.request = m->request,
		.session = m->session,
		.under = m->under,
		.job = m->job,
		.digest = digest_of(call, m),
		.kind = m->kind,
		.use = {.op = op_find(m->op), .direction = m->direction, .strict = m->strict},
		.policy = m->item_policy == 0 ? ITEM_POLICY_FILTER : m->item_policy,
		.wait_ms = m->wait_ms,
		.lease_ms = (uint32_t)lease,
		.attempt = m->attempt < INT32_MAX ? m->attempt : INT32_MAX,
		.workflow = m->workflow,
		.retry_ms = lock_settings.silent_ms / 3,
		.holder = m->kind == LOCK_KIND_DECLARED && call->header.actor != NULL
				  ? call->header.actor
				  : "",
		.lang = words_lang(m->lang),
		.speak = m->lang != NULL && *m->lang != '\0',
	};
	set_items(ask, m->items, m->items_n);
}

/* What the caller says of its devices. */
struct families {
	const struct uuid *devices;
	size_t devices_n;
	const char *profile;         /* of all, or */
	const char *const *profiles; /* of each, in the order of devices */
	size_t profiles_n;
	const struct uuid *strict; /* those that are marked strict */
	size_t strict_n;
};

static const char *family_of(const struct families *f, const struct uuid *device)
{
	for (size_t i = 0; i < f->profiles_n && i < f->devices_n; i++)
		if (uuid_eq(&f->devices[i], device))
			return f->profiles[i];
	return f->profile;
}

static bool is_marked(const struct families *f, const struct uuid *device)
{
	for (size_t i = 0; i < f->strict_n; i++)
		if (uuid_eq(&f->strict[i], device))
			return true;
	return false;
}

static int put_marks(struct work *w, const struct families *f)
{
	bool *strict;

	if (f->strict_n == 0)
		return 0;
	strict = arena_array(w->arena, w->devices_n, sizeof(*strict));
	if (strict == NULL)
		return -1;
	for (size_t i = 0; i < w->devices_n; i++)
		strict[i] = is_marked(f, &w->devices[i]);
	w->ask.strict = strict;
	return 0;
}

static bool is_said(const char *word)
{
	return word != NULL && *word != '\0';
}

/* The devices ascending, and their profiles beside them; -1 when memory ran out. */
static int put_devices(struct work *w, const struct families *f)
{
	const struct lock_profile **profiles;

	w->devices = serve_devices(w->arena, f->devices, f->devices_n, &w->devices_n);
	profiles = arena_array(w->arena, f->devices_n, sizeof(struct lock_profile *));
	if (w->devices == NULL || profiles == NULL)
		return -1;
	w->ask.devices = w->devices;
	w->ask.devices_n = w->devices_n;
	if (put_marks(w, f) != 0)
		return -1;
	if (!is_said(f->profile) && f->profiles_n == 0)
		return 0;
	for (size_t i = 0; i < w->devices_n; i++)
		profiles[i] = profile_newest(family_of(f, &w->devices[i]));
	w->ask.profiles = profiles;
	return 0;
}

static int put_keys(struct work *w, const struct m_lock_acquire *m)
{
	const struct families families = {m->devices, m->devices_n, m->profile, m->profiles,
		m->profiles_n, m->strict_devices, m->strict_devices_n};
	struct uuid *requests = arena_array(w->arena, 2, sizeof(*requests));

	if (requests == NULL || w->ask.digest.p == NULL || put_devices(w, &families) != 0)
		return -1;
	requests[0] = m->request;
	requests[1] = m->under;
	w->requests = requests;
	w->requests_n = uuid_is_nil(&m->under) ? 1 : 2;
	w->replay = true;
	return 0;
}

/* Nothing was seen on the devices and nothing is held for the call already, nor does it reckon with
 * somebody before it: the guess that they are free (ahead.c) is worth it. What a person declares
 * names no family: its guess would be wrong. */
static bool is_likely_free(const struct work *w)
{
	for (size_t i = 0; i < w->observed_n; i++)
		if (w->observed[i].ops_n > 0)
			return false;
	return w->ask.kind != LOCK_KIND_DECLARED && w->ask.wait_ms == 0 &&
	       uuid_is_nil(&w->ask.under);
}

/* A rule's input that a row cannot hold; false after the refusal. */
static bool form_ok(struct call *call, const struct m_lock_acquire *m)
{
	if (!serve_ids_ok(call, &m->request, 1) || !serve_ids_ok(call, &m->session, 1) ||
		!serve_ids_ok(call, m->devices, m->devices_n))
		return false;
	if (m->lease_ms != 0 && m->lease_ms < lock_settings.lease_min_ms) {
		call_refuse(call, CN_VALIDATION_FAILED, "lease", "lease_ms: at least %u",
			lock_settings.lease_min_ms);
		return false;
	}
	return true;
}

void on_lock_acquire(struct call *call)
{
	const struct m_lock_acquire *m = call->body;

	if (!profile_ready()) {
		profile_await(call, on_lock_acquire);
		return;
	}
	struct work *w = serve_work(call);
	if (w == NULL || !form_ok(call, m))
		return;
	fill_ask(call, m, &w->ask);
	if (m->devices_n == 0) {
		refuse(call, w->ask.lang, "unknown_device");
	} else if (!may_ask(call, m)) {
		refuse(call, w->ask.lang, "not_requestable");
	} else if (w->ask.use.op != OP_UNKNOWN && !items_known(&w->ask)) {
		refuse(call, w->ask.lang, "items_refused");
	} else if (put_keys(w, m) != 0) {
		call_refuse(call, CN_INTERNAL_ERROR, "", "out of memory");
	} else {
		/* what a worker's probe saw counts; what a person says was seen does not */
		w->observed = m->observed;
		w->observed_n = call->header.role == MSG_INTERNAL ? m->observed_n : 0;
		w->ahead = is_likely_free(w);
		w->decide = decide_acquire;
		serve_put(w);
	}
}

/* ---- what would the answer be? ---- */

static const void *decide_explain(struct work *w, struct ledger *l, struct fault *reterr)
{
	(void)reterr;
	return ledger_explain(l, &w->ask);
}

static void fill_question(const struct m_lock_explain *m, struct ledger_ask *ask)
{
	*ask = (struct ledger_ask){
		.kind = m->kind == 0 ? LOCK_KIND_OWN : m->kind,
		.use = {.op = op_find(m->op),
			.direction = m->direction == 0 ? LOCK_DIRECTION_EXPORT : m->direction,
			.strict = m->strict},
		.policy = m->item_policy == 0 ? ITEM_POLICY_FILTER : m->item_policy,
		.lease_ms = lock_settings.lease_default_ms,
		.holder = "",
		.lang = words_lang(m->lang),
		.speak = true,
	};
	set_items(ask, m->items, m->items_n);
}

void on_lock_explain(struct call *call)
{
	const struct m_lock_explain *m = call->body;
	const struct families families = {m->devices, m->devices_n, m->profile, m->profiles,
		m->profiles_n, m->strict_devices, m->strict_devices_n};
	enum words_lang lang = words_lang(m->lang);

	if (!profile_ready()) {
		profile_await(call, on_lock_explain);
		return;
	}
	struct work *w = serve_work(call);
	if (w == NULL || !serve_ids_ok(call, m->devices, m->devices_n))
		return;
	fill_question(m, &w->ask);
	if (m->devices_n == 0) {
		refuse(call, lang, "unknown_device");
	} else if (is_said(m->profile) && !profile_known(m->profile)) {
		refuse(call, lang, "unknown_profile");
	} else if (w->ask.use.op != OP_UNKNOWN && !items_known(&w->ask)) {
		refuse(call, lang, "items_refused");
	} else if (put_devices(w, &families) != 0) {
		call_refuse(call, CN_INTERNAL_ERROR, "", "out of memory");
	} else {
		w->look = true;
		w->waiters = true; /* to name who asked for them */
		w->decide = decide_explain;
		serve_put(w);
	}
}
