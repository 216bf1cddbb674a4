// SPDX-License-Identifier: Apache-2.0
/* candidate_enrol and candidate_ignore: a person decides what becomes of a candidate. */
#include <string.h>

#include "services/scheduler/candidate.h"
#include "services/scheduler/device.h"

struct decision {
	struct call *call;
	const char *ref;
	uint64_t if_version;
	bool enrol;
	struct uuid device; /* that is made */
};

static void enrolled(
	unused struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct decision *s = arg;
	struct m_device device = {0};
	struct m_device_one reply = {.device = &device};

	if (f != NULL) {
		answer_fault(s->call, f);
	} else if (db_rows(r[n - 1]) == 1) {
		struct row c = {.r = r[n - 1], .arena = &s->call->arena};
		row_device_shown(&c, &device);
		call_reply(s->call, &reply);
	} else if (!db_get_bool(r[0], 0, 3)) {
		call_refuse(s->call, CN_VALIDATION_FAILED, "unknown_reference",
			"device.site: there is no such site");
	} else {
		call_refuse(s->call, CN_CONFLICT, "device_exists",
			"a device of this vendor with this serial exists");
	}
}

/* Where it speaks IPP, as the adapter wants to know it. */
static void add_ipp_path(struct m_device *d, const char *path, struct arena *arena)
{
	struct m_label *labels = arena_array(arena, d->labels_n + 1, sizeof(*labels));

	bug_if(labels == NULL);
	for (size_t i = 0; i < d->labels_n; i++) {
		labels[i] = d->labels[i];
		if (strcmp(labels[i].key, "ipp_path") == 0)
			return;
	}
	labels[d->labels_n++] = (struct m_label){.key = "ipp_path", .value = path};
	d->labels = labels;
}

/* What was found, and what is said counts more. */
static struct m_device *device_of(
	const struct m_candidate *c, const struct m_device *said, struct arena *arena)
{
	struct m_device *d = arena_alloc(arena, sizeof(*d));

	bug_if(d == NULL);
	if (said != NULL)
		*d = *said;
#define FOUND(member)                                                                              \
	do {                                                                                       \
		if (d->member == NULL)                                                             \
			d->member = c->member;                                                     \
	} while (0)
	if (c->name == NULL || !name_is_id(c->name))
		FOUND(name);
	FOUND(vendor);
	FOUND(family);
	FOUND(model);
	FOUND(serial);
	FOUND(mac);
	FOUND(device_uuid);
	FOUND(address);
	FOUND(firmware);
	FOUND(site);
	FOUND(pool);
#undef FOUND
	if (d->name == NULL)
		d->name = c->address;
	if (d->ports_n == 0) {
		d->ports = c->ports;
		d->ports_n = c->ports_n;
	}
	/* the key that was seen is the one that is trusted (FL-17); another service has its own */
	if (d->tls_pin == NULL && strcmp(d->family, "ipp") == 0)
		d->tls_pin = c->tls_pin;
	if (c->ipp_path != NULL && *c->ipp_path != '\0' && strcmp(d->family, "ipp") == 0)
		add_ipp_path(d, c->ipp_path, arena);
	d->simulated = c->simulated;
	d->has |= HAS_DEVICE__SIMULATED;
	return d;
}

static void enrol(struct decision *s, struct txn *t, const struct m_candidate *c)
{
	const struct m_candidate_enrol *m = s->call->body;
	const struct m_device *d = device_of(c, m->device, &s->call->arena);
	const void *one[] = {d};
	struct fault f = FAULT_INIT;

	if (uuid_eq(&c->device, &s->device)) { /* the same request again */
		struct db_args *a = db_add(t, &SQL_DEVICE_GET);
		db_uuid(a, &s->device);
		db_null(a);
		db_commit(t, enrolled, s);
		return;
	}
	if (c->state == CANDIDATE_STATE_KNOWN || c->state == CANDIDATE_STATE_MOVED ||
		c->state == CANDIDATE_STATE_ENROLLED) {
		call_refuse(s->call, CN_CONFLICT, "device_exists", "it is the device %s already",
			c->device_name);
	} else if (device_check(d, true, &f) < 0 ||
		   device_trust_check(d, "", false, admin_asks(s->call), &f) < 0) {
		call_fault(s->call, &f);
	} else {
		struct db_args *a = db_add(t, &SQL_DEVICE_PUT);
		db_text(a, json_write_list(&m_device_desc, one, 1, &s->call->arena));
		db_uuid(a, &s->device);
		db_bool(a, false);
		db_null(a);
		db_null(a);
		db_bool(a, true);
		db_bool(a, true);
		a = db_add(t, &SQL_CANDIDATE_ENROLLED);
		db_uuid(a, &c->id);
		db_uuid(a, &s->device);
		a = db_add(t, &SQL_DEVICE_GET);
		db_uuid(a, &s->device);
		db_null(a);
		db_commit(t, enrolled, s);
		return;
	}
	db_rollback(t);
}

static void ignore(struct decision *s, struct txn *t, const struct m_candidate *c)
{
	struct db_args *a = db_add(t, &SQL_CANDIDATE_IGNORE);

	db_uuid(a, &c->id);
	db_text(a, ((const struct m_candidate_ignore *)s->call->body)->reason);
	a = db_add(t, &SQL_CANDIDATE_GET);
	db_uuid(a, &c->id);
	db_null(a);
	db_commit(t, candidate_answer, s->call);
}

static void found(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct decision *s = arg;
	struct m_candidate one = {.address = NULL};

	if (f != NULL) {
		answer_fault(s->call, f);
		return;
	}
	if (!found_one(s->call, r[n - 1], "candidate")) {
		db_rollback(t);
		return;
	}
	struct row c = {.r = r[n - 1], .arena = &s->call->arena};
	row_candidate(&c, &one);
	if (!version_fits(s->call, s->if_version, one.version))
		db_rollback(t);
	else if (s->enrol)
		enrol(s, t, &one);
	else
		ignore(s, t, &one);
}

static void begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct decision *s = arg;

	if (f != NULL) {
		answer_fault(s->call, f);
		return;
	}
	ref_args(db_add(t, &SQL_CANDIDATE_LOCK), s->ref);
	ref_args(db_add(t, &SQL_CANDIDATE_GET), s->ref);
	db_step(t, found, s);
}

static void start(const struct decision *decision)
{
	struct decision *s = arena_dup(&decision->call->arena, decision, sizeof(*s));

	bug_if(s == NULL);
	s->device = request_id(s->call);
	db_begin(scheduler.service->db, begun, s);
}

void on_candidate_enrol(struct call *call)
{
	const struct m_candidate_enrol *m = call->body;

	start(&(struct decision){
		.call = call, .ref = m->ref, .if_version = m->if_version, .enrol = true});
}

void on_candidate_ignore(struct call *call)
{
	const struct m_candidate_ignore *m = call->body;

	start(&(struct decision){.call = call, .ref = m->ref, .if_version = m->if_version});
}
