// SPDX-License-Identifier: Apache-2.0
/* Answers that every handler gives in the same words. */
#include <stdlib.h>
#include <string.h>

#include "common/clock/clock.h"
#include "services/scheduler/list.h"
#include "services/scheduler/scheduler.h"

#define PAGE_MAX 1000u

void answer_fault(struct call *call, const struct fault *f)
{
	if (strcmp(f->reason, "23505") == 0)
		call_refuse(
			call, CN_CONFLICT, "name_taken", "an object with this name or key exists");
	else if (strcmp(f->reason, "23503") == 0)
		call_refuse(call, CN_CONFLICT, "unknown_reference",
			"something named here does not exist, or is still in use");
	else if (strcmp(f->reason, "23514") == 0 || strncmp(f->reason, "22", 2) == 0)
		call_refuse(call, CN_VALIDATION_FAILED, "out_of_range",
			"a value is outside its bounds");
	else
		call_fault(call, f);
}

bool fault_of_row(const struct fault *f)
{
	static const char *const classes[] = {"21", "22", "23", "54", "P0"};

	if (f->code != CN_INTERNAL_ERROR)
		return true;
	for (size_t i = 0; strlen(f->reason) == 5 && i < array_len(classes); i++) {
		if (strncmp(f->reason, classes[i], 2) == 0)
			return true;
	}
	return false;
}

void answer_ok(unused struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct call *call = arg;
	struct m_ok reply = {0};

	if (f != NULL)
		answer_fault(call, f);
	else
		call_reply(call, &reply);
}

void ref_args(struct db_args *a, const char *ref)
{
	struct uuid id;

	if (ref != NULL && uuid_parse(ref, &id) == 0)
		db_uuid(a, &id);
	else
		db_null(a);
	db_text(a, ref);
}

struct uuid request_id(const struct call *call)
{
	return uuid_is_nil(&call->header.request) ? uuid_v7(clock_wall_ms()) : call->header.request;
}

bool found_one(struct call *call, const struct db_result *r, const char *noun)
{
	if (db_rows(r) == 1)
		return true;
	if (db_rows(r) == 0)
		call_refuse(call, CN_NOT_FOUND, noun, "no such %s", noun);
	else
		call_refuse(call, CN_CONFLICT, "ambiguous", "several have this name: use the id");
	return false;
}

bool admin_asks(const struct call *call)
{
	return call->header.role == MSG_INTERNAL || call->header.role == MSG_ADMIN;
}

void version_stale(struct call *call, uint64_t wanted, uint64_t present)
{
	struct fault f;

	(void)fault_why(&f, CN_CONFLICT, "version", "it changed meanwhile: version %llu, not %llu",
		(unsigned long long)present, (unsigned long long)wanted);
	f.needs = (unsigned)wanted;
	f.has = (unsigned)present;
	call_fault(call, &f);
}

bool version_fits(struct call *call, uint64_t wanted, uint64_t present)
{
	if (wanted == 0 || wanted == present)
		return true;
	version_stale(call, wanted, present);
	return false;
}

/* ---- what is taken away: found, its version looked at, gone ---- */

static void removed(
	unused struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	struct removal *m = arg;
	struct m_ok reply = {0};

	if (f != NULL)
		answer_fault(m->call, f);
	else if (found_one(m->call, r[n - 1], m->noun))
		call_reply(m->call, &reply);
}

static void remove_found(
	struct txn *t, struct db_result **r, unused size_t n, const struct fault *f, void *arg)
{
	struct removal *m = arg;

	if (f != NULL) {
		answer_fault(m->call, f);
	} else if (!found_one(m->call, r[0], m->noun) ||
		   !version_fits(m->call, m->if_version, (uint64_t)db_get_int(r[0], 0, 1))) {
		db_rollback(t);
	} else {
		m->args(db_add(t, m->remove), m->call);
		db_commit(t, removed, m);
	}
}

static void remove_begun(struct txn *t, unused struct db_result **r, unused size_t n,
	const struct fault *f, void *arg)
{
	struct removal *m = arg;

	if (f != NULL) {
		answer_fault(m->call, f);
		return;
	}
	m->args(db_add(t, m->find), m->call);
	db_step(t, remove_found, m);
}

void remove_start(const struct removal *removal)
{
	struct removal *m = arena_dup(&removal->call->arena, removal, sizeof(*removal));

	bug_if(m == NULL);
	db_begin(scheduler.service->db, remove_begun, m);
}

const char *cursor_make(struct call *call, const char *name, const struct uuid *id)
{
	char text[UUID_TEXT];

	return arena_printf(&call->arena, "%s %s", uuid_format(id, text), name == NULL ? "" : name);
}

bool cursor_read(struct call *call, const char *cursor, const char **ret_name, struct uuid *ret_id)
{
	char id[UUID_TEXT] = "";

	*ret_name = NULL;
	*ret_id = (struct uuid){{0}};
	if (cursor == NULL)
		return true;
	if (strlen(cursor) >= UUID_TEXT && cursor[UUID_TEXT - 1] == ' ')
		memcpy(id, cursor, UUID_TEXT - 1);
	if (uuid_parse(id, ret_id) == 0) {
		*ret_name = cursor + UUID_TEXT;
		return true;
	}
	call_refuse(call, CN_VALIDATION_FAILED, "cursor", "not a cursor of this list");
	return false;
}

struct page *page_start(struct call *call, const char *cursor, uint64_t limit)
{
	struct page *p = arena_alloc(&call->arena, sizeof(*p));

	bug_if(p == NULL);
	if (!cursor_read(call, cursor, &p->name, &p->id))
		return NULL;
	p->limit = limit == 0 || limit > PAGE_MAX ? PAGE_MAX : (size_t)limit;
	call->state = p;
	return p;
}

void page_args(struct db_args *a, const struct call *call)
{
	const struct page *p = call->state;

	db_text(a, p->name);
	db_uuid(a, &p->id);
	db_int(a, (int64_t)p->limit + 1);
}

size_t page_rows(const struct call *call, const struct db_result *r, bool *ret_more)
{
	size_t rows = (size_t)db_rows(r);
	size_t limit = page_fit(r, ((const struct page *)call->state)->limit);

	*ret_more = rows > limit;
	return *ret_more ? limit : rows;
}

void refs_add(struct txn *t, const struct call *call, const struct db_sql *sql,
	const char *const *refs, size_t n)
{
	struct db_args *a = db_add(t, sql);

	db_array(a);
	for (size_t i = 0; i < n; i++)
		db_text(a, refs[i]);
	db_array_end(a);
	db_text(a, call->sees);
}

bool refs_take(struct call *call, const struct db_result *r, const char *const *refs,
	const char *noun, const char *const **ret_ids)
{
	const char **ids = arena_array(&call->arena, (size_t)db_rows(r) + 1, sizeof(*ids));

	bug_if(ids == NULL);
	for (int row = 0; row < db_rows(r); row++) {
		if (db_get_int(r, row, 2) != 1) {
			call_refuse(call, CN_VALIDATION_FAILED, "unknown_reference",
				"%s %s: '%.128s'",
				db_get_int(r, row, 2) == 0 ? "there is no" : "there are several",
				noun, refs[row]);
			return false;
		}
		ids[row] = arena_strdup(&call->arena, db_get_text(r, row, 1));
	}
	*ret_ids = ids;
	return true;
}

void run_get_add(struct txn *t, const struct uuid *run)
{
	struct db_args *a = db_add(t, &SQL_RUN_GET);

	db_array(a);
	db_uuid(a, run);
	db_array_end(a);
}

void run_answer(struct call *call, struct db_result **r, size_t n)
{
	struct m_run run = {0};
	struct m_run_one reply = {.run = &run};

	if (!found_one(call, r[n - 1], "run"))
		return;
	struct row c = {.r = r[n - 1], .arena = &call->arena};
	row_run(&c, &run);
	events_run(&run.id);
	call_reply(call, &reply);
}
