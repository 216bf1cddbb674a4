// SPDX-License-Identifier: Apache-2.0
/* API tokens: shown once, kept as a digest. */
#include "common/db/db.h"
#include "services/gateway/auth.h"
#include "services/gateway/body.h"
#include "services/gateway/list.h"
#include "services/gateway/scope.h"
#include "services/gateway/sql.h"
#include "services/gateway/standing.h"

struct made {
	struct rest *r;
	const struct m_token *token;
	struct uuid id;
	char text[65];
	uint8_t digest[32];
	const struct scope_taken *scope; /* NULL = nothing is said of it */
};

static struct m_token token_of(struct db_result *res, int row, struct arena *arena)
{
	const struct scope_shown shown = scope_show(db_get_text(res, row, 7), arena);

	return (struct m_token){
		.id = db_get_uuid(res, row, 0),
		.name = db_get_text(res, row, 1),
		.role = (int)auth_right(db_get_text(res, row, 2)),
		.user = db_get_text(res, row, 3),
		.created_at = db_get_time_ms(res, row, 4),
		.expires_at = db_get_time_ms(res, row, 5),
		.used_at = db_get_time_ms(res, row, 6),
		.assignments = shown.items,
		.assignments_n = shown.n,
	};
}

static void put_token(struct db_result *res, int row, struct arena *arena, void *item)
{
	*(struct m_token *)item = token_of(res, row, arena);
}

void on_token_list(struct rest *r, const void *body)
{
	static const struct list_pages pages = {
		&SQL_TOKEN_LIST, &m_token_page_desc, sizeof(struct m_token), put_token, 0};
	const struct m_token_list *m = body;

	list_pages(r, &pages, m->cursor, m->limit);
}

static void fill_made(struct db_args *a, void *arg)
{
	const struct made *m = arg;

	db_uuid(a, &m->id);
	db_bytes(a, (struct span){m->digest, sizeof(m->digest)});
	db_text(a, m->token->name);
	db_text(a, scope_role_of(m->scope, m->token->role));
	db_text(a, m->r->who.name);
	db_time_ms(a, m->token->expires_at);
	db_text(a, m->scope == NULL ? "" : m->scope->lines);
}

static void created(
	struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct made *m = arg;

	(void)t;
	(void)n;
	if (f != NULL) {
		rest_fault(m->r, f);
		return;
	}
	struct m_token token = token_of(res[0], 0, m->r->arena);
	struct m_token_one one = {.token = &token};
	token.token = m->text;
	rest_reply(m->r, &m_token_one_desc, &one);
}

static void create(void *arg, const struct scope_taken *taken)
{
	struct made *m = arg;

	m->scope = taken;
	db_query(m->r->gateway->service->db, &SQL_TOKEN_CREATE, fill_made, created, m);
}

/* then(m, what is said of its scope; NULL = nothing), or the request is refused. */
static void take_scope(struct made *m, void (*then)(void *arg, const struct scope_taken *taken))
{
	const struct m_token *t = m->token;

	if (!body_given(&m_token_desc, t, "assignments"))
		then(m, NULL);
	else if (t->assignments_n > 0 || t->role != 0)
		scope_take(m->r, t->assignments, t->assignments_n, then, m);
	else
		rest_refuse(m->r, CN_VALIDATION_FAILED, "assignments", SCOPE_NONE_ALONE);
}

void on_token_create(struct rest *r, const void *body)
{
	const struct m_token *token = ((const struct m_token_create *)body)->token;
	struct made *m = arena_alloc(r->arena, sizeof(*m));

	if (m == NULL || token->name == NULL || (token->role == 0 && token->assignments_n == 0)) {
		rest_refuse(r, CN_VALIDATION_FAILED, "required", "name and role are needed");
		return;
	}
	m->r = r;
	m->token = token;
	m->id = r->request; /* asked again, it is the same token with a new secret */
	auth_secret(m->text, m->digest);
	take_scope(m, create);
}

/* ---- change ---- */

static void fill_change(struct db_args *a, void *arg)
{
	const struct made *m = arg;

	db_uuid(a, &m->id);
	db_text(a, scope_role_of(m->scope, m->token->role));
	db_text(a, m->scope == NULL ? NULL : m->scope->lines);
}

static void why_not(
	struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct made *m = arg;

	(void)t;
	(void)n;
	if (f != NULL)
		rest_fault(m->r, f);
	else if (db_rows(res[0]) == 0)
		rest_refuse(m->r, CN_NOT_FOUND, "token", "there is no such token");
	else
		rest_refuse(m->r, CN_CONFLICT, "assignments", SCOPE_ROLE_ALONE);
}

static void only_id(struct db_args *a, void *arg)
{
	db_uuid(a, &((const struct made *)arg)->id);
}

static void changed(
	struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct made *m = arg;

	(void)t;
	(void)n;
	if (f != NULL) {
		rest_fault(m->r, f);
	} else if (db_rows(res[0]) == 0) {
		db_query(m->r->gateway->service->db, &SQL_TOKEN_THERE, only_id, why_not, m);
	} else {
		struct m_token token = token_of(res[0], 0, m->r->arena);
		standings_look(m->r->gateway->standings);
		rest_reply(m->r, &m_token_one_desc, &(struct m_token_one){.token = &token});
	}
}

static void change(void *arg, const struct scope_taken *taken)
{
	struct made *m = arg;

	m->scope = taken;
	db_query(m->r->gateway->service->db, &SQL_TOKEN_UPDATE, fill_change, changed, m);
}

void on_token_update(struct rest *r, const void *body)
{
	const struct m_token_update *u = body;
	struct made *m = arena_alloc(r->arena, sizeof(*m));

	bug_if(m == NULL);
	*m = (struct made){.r = r, .token = u->token, .id = u->id};
	take_scope(m, change);
}

/* ---- delete ---- */

static void fill_id(struct db_args *a, void *arg)
{
	const struct m_token_delete *m = ((const struct rest *)arg)->body;

	db_uuid(a, &m->id);
}

static void deleted(
	struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct rest *r = arg;

	(void)t;
	(void)n;
	if (f != NULL)
		rest_fault(r, f);
	else if (db_affected(res[0]) == 0)
		rest_refuse(r, CN_NOT_FOUND, "token", "there is no such token");
	else {
		standings_look(r->gateway->standings);
		rest_reply(r, &m_ok_desc, &(struct m_ok){.has = 0});
	}
}

void on_token_delete(struct rest *r, const void *body)
{
	(void)body;
	db_query(r->gateway->service->db, &SQL_TOKEN_DELETE, fill_id, deleted, r);
}
