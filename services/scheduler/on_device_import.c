// SPDX-License-Identifier: Apache-2.0
/* device_create and device_import: one statement for one device or a thousand. Import recognises
 * devices by vendor and serial and brings them up to date; create refuses what is there. */
#include <string.h>

#include "services/scheduler/device.h"
#include "services/scheduler/scheduler.h"

struct import {
	struct call *call;
	const void **devices; /* those that passed the check */
	size_t *place;        /* in the request */
	size_t n;
	struct m_import_refusal *refused;
	size_t n_refused;
	struct uuid id; /* of a created one */
};

/* ---- create ---- */

static void created(
	unused struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct import *m = arg;
	struct m_device device = {0};
	struct m_device_one reply = {.device = &device};

	if (f != NULL) {
		answer_fault(m->call, f);
		return;
	}
	if (db_rows(r[n - 1]) == 1) {
		struct row c = {.r = r[n - 1], .arena = &m->call->arena};
		row_device_shown(&c, &device);
		call_reply(m->call, &reply);
	} else if (!db_get_bool(r[0], 0, 3)) {
		call_refuse(m->call, CN_VALIDATION_FAILED, "unknown_reference",
			"there is no such site");
	} else {
		call_refuse(m->call, CN_CONFLICT, "device_exists",
			"a device of this vendor with this serial exists");
	}
}

static void begin_create(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct import *m = arg;

	if (f != NULL) {
		answer_fault(m->call, f);
		return;
	}
	struct db_args *a = db_add(t, &SQL_DEVICE_PUT);
	db_text(a, json_write_list(&m_device_desc, m->devices, 1, &m->call->arena));
	db_uuid(a, &m->id);
	db_bool(a, false);
	db_null(a);
	db_null(a); /* nothing is moved */
	db_bool(a, true);
	db_bool(a, true);
	a = db_add(t, &SQL_DEVICE_GET);
	db_uuid(a, &m->id);
	db_null(a);
	db_commit(t, created, m);
}

void on_device_create(struct call *call)
{
	const struct m_device_create *m = call->body;
	struct import *import = arena_alloc(&call->arena, sizeof(*import));
	const void **devices = arena_array(&call->arena, 1, sizeof(*devices));
	struct fault f = FAULT_INIT;

	bug_if(import == NULL || devices == NULL);
	if (device_check(m->device, true, &f) < 0 ||
		device_trust_check(m->device, "", false, admin_asks(call), &f) < 0) {
		call_fault(call, &f);
		return;
	}
	devices[0] = m->device;
	*import = (struct import){.call = call, .devices = devices, .id = request_id(call)};
	db_begin(scheduler.service->db, begin_create, import);
}

/* ---- import ---- */

static void refuse(struct import *m, size_t index, const char *reason)
{
	const struct m_device_import *body = m->call->body;

	m->refused[m->n_refused++] = (struct m_import_refusal){.index = index,
		.has = HAS_IMPORT_REFUSAL__INDEX,
		.name = body->devices[index].name,
		.reason = reason};
}

static void imported(unused struct txn *t, struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct import *m = arg;
	struct m_device_imported reply = {
		.has = HAS_DEVICE_IMPORTED__CREATED | HAS_DEVICE_IMPORTED__UPDATED};

	if (f != NULL) {
		answer_fault(m->call, f);
		return;
	}
	for (int row = 0; row < db_rows(r[0]); row++) {
		size_t index = m->place[row];
		if (db_is_null(r[0], row, 1))
			refuse(m, index,
				db_get_bool(r[0], row, 5) ? "tls_pin: its key is another one; or "
							    "allow_unproven needs the role admin"
				: !db_get_bool(r[0], row, 3) ? "there is no such site"
				: m->call->header.scope[0] != '\0'
					? "it is not within your scope, or changed meanwhile"
				: db_get_bool(r[0], row, 4) ? "it changed meanwhile"
							    : "the same device twice");
		else if (db_get_bool(r[0], row, 2))
			reply.created++;
		else
			reply.updated++;
	}
	reply.refused = m->refused;
	reply.refused_n = m->n_refused;
	call_reply(m->call, &reply);
}

static void fill(struct db_args *a, void *arg)
{
	struct import *m = arg;

	db_text(a, json_write_list(&m_device_desc, m->devices, m->n, &m->call->arena));
	db_null(a);
	db_bool(a, true);
	db_text(a, m->call->scope);
	scope_add_parts(m->call, a);
	db_bool(a, m->call->header.role == MSG_INTERNAL);
	db_bool(a, admin_asks(m->call));
}

void on_device_import(struct call *call)
{
	const struct m_device_import *body = call->body;
	struct import *m = arena_alloc(&call->arena, sizeof(*m));

	bug_if(m == NULL);
	m->call = call;
	m->devices = arena_array(&call->arena, body->devices_n + 1, sizeof(*m->devices));
	m->place = arena_array(&call->arena, body->devices_n + 1, sizeof(*m->place));
	m->refused = arena_array(&call->arena, body->devices_n + 1, sizeof(*m->refused));
	bug_if(m->devices == NULL || m->place == NULL || m->refused == NULL);
	for (size_t i = 0; i < body->devices_n; i++) {
		struct fault f = FAULT_INIT;
		if (device_check(&body->devices[i], true, &f) < 0) {
			refuse(m, i, arena_strdup(&call->arena, f.detail));
			continue;
		}
		m->place[m->n] = i;
		m->devices[m->n++] = &body->devices[i];
	}
	db_query(scheduler.service->db, &SQL_DEVICE_PUT, fill, imported, m);
}
