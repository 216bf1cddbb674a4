// SPDX-License-Identifier: Apache-2.0
/* People: list, create, change. */
#include <stdio.h>
#include <string.h>

#include "common/clock/clock.h"
#include "common/db/db.h"
#include "services/gateway/auth.h"
#include "services/gateway/body.h"
#include "services/gateway/change.h"
#include "services/gateway/list.h"
#include "services/gateway/scope.h"
#include "services/gateway/sql.h"
#include "services/gateway/standing.h"

struct change {
	struct rest *r;
	struct password_work work;
	struct uuid id;
	const char *ref;  /* of a change */
	uint64_t version; /* 0 = any */
	const struct m_user *user;
	const struct db_sql *sql;
	const struct scope_taken *scope; /* NULL = nothing is said of it */
	struct m_user result;
};

static struct m_user user_of(struct db_result *res, int row, struct arena *arena)
{
	const struct scope_shown shown = scope_show(db_get_text(res, row, 6), arena);

	return (struct m_user){
		.id = db_get_uuid(res, row, 0),
		.name = db_get_text(res, row, 1),
		.role = (int)auth_right(db_get_text(res, row, 2)),
		.has = UINT64_MAX, /* active=false is told too */
		.active = db_get_bool(res, row, 3),
		.created_at = db_get_time_ms(res, row, 4),
		.version = (uint64_t)db_get_int(res, row, 5),
		.assignments = shown.items,
		.assignments_n = shown.n,
	};
}

static void put_user(struct db_result *res, int row, struct arena *arena, void *item)
{
	*(struct m_user *)item = user_of(res, row, arena);
}

void on_user_list(struct rest *r, const void *body)
{
	static const struct list_pages pages = {
		&SQL_PERSON_LIST, &m_user_page_desc, sizeof(struct m_user), put_user, 1};
	const struct m_user_list *m = body;

	list_pages(r, &pages, m->cursor, m->limit);
}

static void fill_ref(struct db_args *a, void *arg)
{
	db_text(a, ((const struct change *)arg)->ref);
}

static void why_not(
	struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct change *c = arg;
	uint64_t present =
		f == NULL && db_rows(res[0]) > 0 ? (uint64_t)db_get_int(res[0], 0, 0) : 0;

	(void)t;
	(void)n;
	if (f != NULL)
		rest_fault(c->r, f);
	else if (db_rows(res[0]) == 0)
		rest_refuse(c->r, CN_NOT_FOUND, "user", "there is no user '%s'", c->ref);
	else if (c->version != 0 && present != c->version)
		row_stale(c->r, c->version, present);
	else if (db_get_bool(res[0], 0, 1))
		rest_refuse(c->r, CN_CONFLICT, "break_glass",
			"the first administrator can be neither demoted nor narrowed nor switched "
			"off");
	else
		rest_refuse(c->r, CN_CONFLICT, "assignments", SCOPE_ROLE_ALONE);
}

static void answer(struct change *c)
{
	struct m_user_one one = {.user = &c->result};

	rest_reply(c->r, &m_user_one_desc, &one);
}

/* Of whoever may start nothing any more (FL-69). */
static void tell_stopped(struct rest *r, int64_t tasks)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%lld", (long long)tasks);
	http_set_header(r->http, "Carnet-Tasks-Stopped", text);
	if (tasks > 0)
		log_warn(L("tasks start nothing any more: their owner may not"),
			L_STR("person", r->object), L_INT("tasks", tasks));
}

static void left(struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct change *c = arg;

	(void)t;
	(void)n;
	standings_look(c->r->gateway->standings);
	if (f != NULL) {
		rest_fault(c->r, f);
		return;
	}
	if (db_rows(res[0]) > 0)
		tell_stopped(c->r, db_get_int(res[0], 0, 0));
	answer(c);
}

static void changed(
	struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct change *c = arg;
	struct rest *r = c->r;

	(void)t;
	(void)n;
	if (f != NULL) {
		rest_fault(r, f);
		return;
	}
	if (db_rows(res[0]) == 0 && c->ref != NULL) {
		db_query(r->gateway->service->db, &SQL_PERSON_WHY, fill_ref, why_not, c);
		return;
	}
	if (db_rows(res[0]) == 0) {
		rest_refuse(r, CN_CONFLICT, "name", "there is a user '%s' already", c->user->name);
		return;
	}
	/* a new role or password counts at once: open sessions end before the answer */
	c->result = user_of(res[0], 0, r->arena);
	c->result.name = arena_strdup(r->arena, c->result.name);
	if (c->ref != NULL)
		db_query(r->gateway->service->db, &SQL_PERSON_LEAVE, fill_ref, left, c);
	else
		answer(c);
}

static void fill_change(struct db_args *a, void *arg)
{
	const struct change *c = arg;
	const struct m_user *u = c->user;
	const char *password = c->work.made[0] == '\0' ? NULL : c->work.made;
	const char *role = scope_role_of(c->scope, u->role);
	const char *scope = c->scope == NULL ? NULL : c->scope->lines;

	if (c->ref == NULL) {
		db_uuid(a, &c->id);
		db_text(a, u->name);
		db_text(a, role == NULL ? "viewer" : role);
		db_text(a, password);
		db_text(a, scope == NULL ? "" : scope);
		return;
	}
	db_text(a, c->ref);
	db_int(a, (int64_t)c->version);
	db_text(a, role);
	db_text(a, password);
	if (body_given(&m_user_desc, u, "active"))
		db_bool(a, u->active);
	else
		db_null(a);
	db_text(a, scope);
}

static void store(struct change *c)
{
	struct db *db = c->r->gateway->service->db;

	db_query(db, c->sql, fill_change, changed, c);
}

static void hashed(struct password_work *w)
{
	struct change *c = w->arg;

	if (w->made[0] == '\0')
		rest_refuse(c->r, CN_INTERNAL_ERROR, "", "the password could not be hashed");
	else
		store(c);
}

static void hash(struct change *c)
{
	struct gateway *g = c->r->gateway;
	const char *password = c->user->password;

	if (password == NULL) {
		store(c);
		return;
	}
	if (strlen(password) < 12) {
		rest_refuse(c->r, CN_VALIDATION_FAILED, "password_short",
			"password: at least 12 characters");
		return;
	}
	c->work = (struct password_work){
		.password = password,
		.pepper = {g->pepper, g->pepper_n},
		.then = hashed,
		.arg = c,
	};
	auth_password(g->service->loop, &c->work);
}

static void scope_known(void *arg, const struct scope_taken *taken)
{
	struct change *c = arg;

	c->scope = taken;
	hash(c);
}

static void begin(struct rest *r, const struct m_user *user, const char *ref, uint64_t version)
{
	struct change *c = arena_alloc(r->arena, sizeof(*c));

	if (c == NULL) {
		rest_refuse(r, CN_INTERNAL_ERROR, "", "out of memory");
		return;
	}
	c->r = r;
	c->user = user;
	c->ref = ref;
	c->version = version;
	c->id = uuid_v7(clock_wall_ms());
	c->sql = ref == NULL ? &SQL_PERSON_CREATE : &SQL_PERSON_UPDATE;
	if (!body_given(&m_user_desc, user, "assignments"))
		hash(c);
	else if (user->assignments_n > 0 || user->role != 0)
		scope_take(r, user->assignments, user->assignments_n, scope_known, c);
	else
		rest_refuse(r, CN_VALIDATION_FAILED, "assignments", SCOPE_NONE_ALONE);
}

void on_user_create(struct rest *r, const void *body)
{
	const struct m_user_create *m = body;

	if (m->user->name == NULL || m->user->password == NULL)
		rest_refuse(r, CN_VALIDATION_FAILED, "required", "name and password are needed");
	else
		begin(r, m->user, NULL, 0);
}

void on_user_update(struct rest *r, const void *body)
{
	const struct m_user_update *m = body;

	begin(r, m->user, m->ref, m->if_version);
}
