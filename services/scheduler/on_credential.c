// SPDX-License-Identifier: Apache-2.0
/* Credentials: list, put, delete. The bytes are sealed by the gateway to the key of a worker class;
 * here they are opaque and are never answered. */
#include <string.h>

#include "services/scheduler/device.h"
#include "services/scheduler/scheduler.h"

static const char *const kinds[] = {"snmp_v1", "snmp_v2c", "snmp_v3", "user_auth", "domain_auth",
	"system_manager", "password_only", "bearer", "opaque", "mail_relay", "smb", "sftp", "s3"};

/* ---- list ---- */

static void seen(struct db_args *a, void *arg)
{
	const struct call *call = arg;

	db_text(a, call->sees);
	page_args(a, call);
}

static void listed(unused struct txn *t, struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;
	struct m_credential_page page = {0};

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	bool more;
	size_t rows = page_rows(call, r[0], &more);
	struct m_credential *items = arena_array(&call->arena, rows + 1, sizeof(*items));
	bug_if(items == NULL);
	for (; page.items_n < rows; page.items_n++) {
		struct row c = {.r = r[0], .row = (int)page.items_n, .arena = &call->arena};
		row_credential(&c, &items[page.items_n]);
	}
	page.items = items;
	if (more)
		page.next = cursor_make(call, items[rows - 1].name, &items[rows - 1].id);
	call_reply(call, &page);
}

void on_credential_list(struct call *call)
{
	const struct m_credential_list *m = call->body;

	if (page_start(call, m->cursor, m->limit) != NULL)
		db_query(scheduler.service->db, &SQL_CREDENTIAL_LIST, seen, listed, call);
}

/* ---- logins that every new device has (FL-16): accepted, and an alarm ---- */

static void warn(const struct uuid *id, const char *name)
{
	log_warn(L("alarm: default_credential"), L_UUID("credential", id), L_STR("name", name));
}

static void opened(struct db_args *a, void *arg)
{
	const struct m_credential_seen *m = ((const struct call *)arg)->body;

	db_uuid(a, &m->id);
	db_int(a, (int64_t)m->version);
}

static void noted(unused struct txn *t, struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;
	const struct m_credential_seen *m = call->body;
	struct m_ok reply = {0};

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	if (db_rows(r[0]) > 0)
		warn(&m->id, db_get_text(r[0], 0, 0));
	call_reply(call, &reply);
}

void on_credential_seen(struct call *call)
{
	db_query(scheduler.service->db, &SQL_CREDENTIAL_SEEN, opened, noted, call);
}

/* ---- put ---- */

struct put {
	struct call *call;
	struct uuid id;
	bool create;
};

static void answer(struct call *call, struct db_result *r)
{
	const struct m_credential_put *m = call->body;
	struct m_credential credential = {0};
	struct m_credential_one reply = {.credential = &credential};

	if (!found_one(call, r, "credential"))
		return;
	struct row c = {.r = r, .arena = &call->arena};
	row_credential(&c, &credential);
	if (m->credential->sealed.n > 0 && credential.factory_default)
		warn(&credential.id, credential.name);
	call_reply(call, &reply);
}

/* The request made it before. */
static void repeated(
	unused struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct put *p = arg;

	if (f != NULL)
		answer_fault(p->call, f);
	else
		answer(p->call, r[n - 1]);
}

static void stored(
	unused struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct call *call = arg;
	const struct m_credential_put *m = call->body;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	for (int row = 0; m->credential->sealed.n > 0 && row < db_rows(r[n - 2]); row++) {
		struct uuid device = db_get_uuid(r[n - 2], row, 0);
		events_device(&device, DEVICE_STATE_ENROLLED, NULL);
	}
	answer(call, r[n - 1]);
}

/* A binding by reference that names nothing or several is refused. */
static bool bound(struct call *call, const struct db_result *r, const char *noun)
{
	if (db_rows(r) == 0 || db_get_int(r, 0, 2) == 1)
		return true;
	call_refuse(call, CN_VALIDATION_FAILED, "binding", "there is %s such %s",
		db_get_int(r, 0, 2) == 0 ? "no" : "more than one", noun);
	return false;
}

static void commit(struct txn *t, void *arg)
{
	const struct put *p = arg;

	if (((const struct m_credential_put *)p->call->body)->credential->sealed.n > 0)
		db_uuid(db_add(t, &SQL_HOLD_LIFT), &p->id);
	db_uuid(db_add(t, &SQL_CREDENTIAL_GET), &p->id);
	db_commit(t, stored, p->call);
}

static void resolved(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct put *p = arg;
	struct call *call = p->call;
	const struct m_credential_put *put = call->body;
	const struct m_credential *m = put->credential;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	if (p->create && db_rows(r[2]) == 1) {
		db_uuid(db_add(t, &SQL_CREDENTIAL_GET), &p->id);
		db_commit(t, repeated, p);
		return;
	}
	uint64_t present = db_rows(r[2]) == 1 ? (uint64_t)db_get_int(r[2], 0, 1) : 0;
	if (!bound(call, r[0], "device") || !bound(call, r[1], "group") ||
		!version_fits(call, put->if_version, present)) {
		db_rollback(t);
		return;
	}
	struct uuid none = {{0}};
	struct uuid device = db_rows(r[0]) == 1 ? db_get_uuid(r[0], 0, 1) : none;
	struct uuid group = db_rows(r[1]) == 1 ? db_get_uuid(r[1], 0, 1) : none;
	struct db_args *a = db_add(t, &SQL_CREDENTIAL_PUT);
	db_uuid(a, &p->id);
	db_text(a, m->name);
	db_text(a, m->kind);
	db_uuid(a, &device);
	db_uuid(a, &group);
	db_text(a, m->site);
	db_text(a, m->range);
	db_bytes(a, m->sealed);
	db_int(a, (int64_t)m->position);
	db_bool(a, m->factory_default);
	scope_saved(t, call, &SQL_SCOPE_CREDENTIAL, &p->id, commit, p);
}

static void put_begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct put *p = arg;
	struct call *call = p->call;
	const struct m_credential *m = ((const struct m_credential_put *)call->body)->credential;

	if (f != NULL) {
		answer_fault(call, f);
		return;
	}
	refs_add(t, call, &SQL_RESOLVE_DEVICES, &m->device, m->device != NULL);
	refs_add(t, call, &SQL_RESOLVE_GROUPS, &m->group, m->group != NULL);
	struct db_args *a = db_add(t, &SQL_CREDENTIAL_FIND);
	db_uuid(a, &p->id);
	db_null(a);
	db_step(t, resolved, p);
}

/* Made anew: no id is given, or that of the request, to which the gateway has sealed. */
static void begin(struct call *call, const struct m_credential *m)
{
	struct put *p = arena_alloc(&call->arena, sizeof(*p));

	bug_if(p == NULL);
	*p = (struct put){.call = call, .id = uuid_is_nil(&m->id) ? request_id(call) : m->id};
	p->create = uuid_is_nil(&m->id) || uuid_eq(&m->id, &call->header.request);
	db_begin(scheduler.service->db, put_begun, p);
}

static bool kind_known(const char *kind)
{
	for (size_t i = 0; kind != NULL && i < array_len(kinds); i++) {
		if (strcmp(kinds[i], kind) == 0)
			return true;
	}
	return false;
}

void on_credential_put(struct call *call)
{
	const struct m_credential *m = ((const struct m_credential_put *)call->body)->credential;
	int bindings =
		(m->device != NULL) + (m->group != NULL) + (m->site != NULL) + (m->range != NULL);

	if (m->name == NULL || *m->name == '\0')
		call_refuse(call, CN_VALIDATION_FAILED, "required", "name: a credential needs one");
	else if (name_is_id(m->name))
		call_refuse(call, CN_VALIDATION_FAILED, "name_is_id", "name: it looks like an id");
	else if (!kind_known(m->kind))
		call_refuse(call, CN_VALIDATION_FAILED, "unknown_word",
			"kind: there is no such kind of credential");
	else if (bindings != 1)
		call_refuse(call, CN_VALIDATION_FAILED, "binding",
			"a credential is bound to one device, group, site or address range");
	else
		begin(call, m);
}

/* ---- delete ---- */

static void ref(struct db_args *a, void *arg)
{
	struct call *call = arg;

	ref_args(a, ((const struct m_credential_delete *)call->body)->ref);
}

void on_credential_delete(struct call *call)
{
	remove_start(&(struct removal){.call = call,
		.find = &SQL_CREDENTIAL_FIND,
		.remove = &SQL_CREDENTIAL_DELETE,
		.args = ref,
		.if_version = ((const struct m_credential_delete *)call->body)->if_version,
		.noun = "credential"});
}
