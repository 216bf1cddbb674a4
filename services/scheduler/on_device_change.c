// SPDX-License-Identifier: Apache-2.0
/* device_update, device_set_state, device_repin and its approval: find, check version and state,
 * change, answer what is now. */
#include <string.h>

#include "services/scheduler/device.h"
#include "services/scheduler/scheduler.h"

/* What to do with the device found; queues its statement. */
struct change {
	struct call *call;
	const char *ref;
	uint64_t if_version;
	const struct m_device *device; /* update */
	enum device_state state;       /* set state, else 0 */
	const char *reason;
	const char *repin; /* another key */
	bool approves;     /* it, as the second person */
	struct uuid id;
};

static void committed(
	unused struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct change *c = arg;
	struct m_device device = {0};
	struct m_device_one reply = {.device = &device};

	if (f != NULL) {
		answer_fault(c->call, f);
	} else if (c->device != NULL && db_get_bool(r[0], 0, 0)) {
		call_refuse(c->call, CN_OUT_OF_SCOPE, "outside",
			"site: a role of yours that does not reach this device would, there");
	} else if (found_one(c->call, r[n - 1], "device")) {
		struct row row = {.r = r[n - 1], .arena = &c->call->arena};
		row_device_shown(&row, &device);
		events_device(&device.id, device.state, device.state_cause);
		call_reply(c->call, &reply);
	}
}

/* As the row says that was found. */
static int check_trust(struct change *c, struct db_result *r, struct fault *why)
{
	const char *person = c->call->header.actor;

	if (c->approves)
		return device_repin_check(db_get_text(r, 0, 5), db_get_text(r, 0, 6),
			db_get_bool(r, 0, 7), c->repin, person, why);
	if (c->device == NULL || c->call->header.role == MSG_INTERNAL)
		return 0;
	return device_trust_check(
		c->device, db_get_text(r, 0, 3), db_get_bool(r, 0, 4), admin_asks(c->call), why);
}

static void add_repin(struct change *c, struct txn *t)
{
	struct db_args *a = db_add(t, c->approves ? &SQL_DEVICE_REPINNED : &SQL_DEVICE_REPIN);

	db_uuid(a, &c->id);
	db_text(a, c->repin);
	if (!c->approves)
		db_text(a, c->call->header.actor);
}

static bool add_change(struct change *c, struct txn *t, enum device_state now)
{
	struct db_args *a = NULL;

	if (c->repin != NULL) {
		add_repin(c, t);
		return true;
	}
	if (c->device != NULL) {
		const void *one[] = {c->device};
		a = db_add(t, &SQL_DEVICE_WIDENS);
		db_uuid(a, &c->id);
		db_text(a, c->device->site);
		scope_add_parts(c->call, a);
		a = db_add(t, &SQL_DEVICE_UPDATE);
		db_text(a, json_write_list(&m_device_desc, one, 1, &c->call->arena));
		db_uuid(a, &c->id);
		scope_add_parts(c->call, a);
		return true;
	}
	if (!device_may_become(now, c->state)) {
		call_refuse(c->call, CN_CONFLICT, "state_final",
			"a device that is %s cannot become %s", device_state_words[now - 1].word,
			device_state_words[c->state - 1].word);
		return false;
	}
	a = db_add(t, &SQL_DEVICE_STATE);
	db_uuid(a, &c->id);
	db_int(a, (int64_t)c->state);
	db_text(a, c->reason == NULL ? "" : c->reason);
	return true;
}

static void found(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct change *c = arg;
	struct fault why = FAULT_INIT;

	if (f != NULL) {
		answer_fault(c->call, f);
		return;
	}
	if (!found_one(c->call, r[0], "device") ||
		!version_fits(c->call, c->if_version, (uint64_t)db_get_int(r[0], 0, 1))) {
		db_rollback(t);
		return;
	}
	c->id = db_get_uuid(r[0], 0, 0);
	if (check_trust(c, r[0], &why) < 0) {
		db_rollback(t);
		call_fault(c->call, &why);
		return;
	}
	if (!add_change(c, t, (enum device_state)db_get_int(r[0], 0, 2))) {
		db_rollback(t);
		return;
	}
	struct db_args *a = db_add(t, &SQL_DEVICE_GET);
	db_uuid(a, &c->id);
	db_null(a);
	db_commit(t, committed, c);
}

static void begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct change *c = arg;

	if (f != NULL) {
		answer_fault(c->call, f);
		return;
	}
	ref_args(db_add(t, &SQL_DEVICE_FIND), c->ref);
	db_step(t, found, c);
}

static void start(const struct change *change)
{
	struct change *c = arena_alloc(&change->call->arena, sizeof(*c));

	bug_if(c == NULL);
	*c = *change;
	db_begin(scheduler.service->db, begun, c);
}

void on_device_update(struct call *call)
{
	const struct m_device_update *m = call->body;
	struct fault f = FAULT_INIT;

	if (device_check(m->device, false, &f) < 0)
		call_fault(call, &f);
	else
		start(&(struct change){.call = call,
			.ref = m->ref,
			.if_version = m->if_version,
			.device = m->device});
}

void on_device_set_state(struct call *call)
{
	const struct m_device_set_state *m = call->body;

	start(&(struct change){.call = call,
		.ref = m->ref,
		.if_version = m->if_version,
		.state = m->state,
		.reason = m->reason});
}

void on_device_repin(struct call *call)
{
	const struct m_device_repin *m = call->body;

	if (*m->tls_pin == '\0')
		call_refuse(call, CN_VALIDATION_FAILED, "required", "tls_pin: it is missing");
	else
		start(&(struct change){.call = call,
			.ref = m->ref,
			.if_version = m->if_version,
			.repin = m->tls_pin});
}

void on_device_repin_approve(struct call *call)
{
	const struct m_device_repin_approve *m = call->body;

	start(&(struct change){.call = call,
		.ref = m->ref,
		.if_version = m->if_version,
		.repin = m->tls_pin,
		.approves = true});
}
