// SPDX-License-Identifier: Apache-2.0
/* Find, look at the version, write: one transaction. */
#include "services/gateway/change.h"

#include <string.h>

void row_fault(struct rest *r, const struct fault *f)
{
	if (strcmp(f->reason, "23505") == 0)
		rest_refuse(r, CN_CONFLICT, "name_taken", "name: this one is in use");
	else if (strcmp(f->reason, "23514") == 0 || strncmp(f->reason, "22", 2) == 0)
		rest_refuse(r, CN_VALIDATION_FAILED, "out_of_range", "a value is out of bounds");
	else
		rest_fault(r, f);
}

void row_stale(struct rest *r, uint64_t wanted, uint64_t present)
{
	struct fault f;

	(void)fault_why(&f, CN_CONFLICT, "version", "it changed meanwhile: version %llu, not %llu",
		(unsigned long long)present, (unsigned long long)wanted);
	f.needs = (unsigned)wanted;
	f.has = (unsigned)present;
	rest_fault(r, &f);
}

static void written(
	struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct row_change *c = arg;

	(void)t;
	if (f == NULL)
		c->done(res[n - 1], c);
	else if (c->fault != NULL)
		c->fault(c->r, f);
	else
		row_fault(c->r, f);
}

static void found(struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct row_change *c = arg;

	(void)n;
	if (f != NULL) {
		row_fault(c->r, f);
		return;
	}
	bool there = db_rows(res[0]) == 1;
	uint64_t present = there ? (uint64_t)db_get_int(res[0], 0, 1) : 0;
	if (!there || (c->if_version != 0 && present != c->if_version)) {
		db_rollback(t);
		if (there)
			row_stale(c->r, c->if_version, present);
		else
			rest_refuse(c->r, CN_NOT_FOUND, c->noun, "there is no %s '%s'", c->noun,
				c->ref);
		return;
	}
	c->id = db_get_uuid(res[0], 0, 0);
	struct db_args *a = db_add(t, c->write);
	db_uuid(a, &c->id);
	if (c->fill != NULL)
		c->fill(a, c);
	db_commit(t, written, c);
}

static void begun(struct txn *t, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct row_change *c = arg;

	(void)res;
	(void)n;
	if (f != NULL) {
		row_fault(c->r, f);
		return;
	}
	db_text(db_add(t, c->find), c->ref);
	db_step(t, found, c);
}

void row_change(const struct row_change *given)
{
	struct row_change *c = arena_dup(given->r->arena, given, sizeof(*given));

	if (c == NULL)
		rest_refuse(given->r, CN_INTERNAL_ERROR, "", "out of memory");
	else
		db_begin(c->r->gateway->service->db, begun, c);
}

void row_gone(struct db_result *res, struct row_change *c)
{
	(void)res;
	rest_reply(c->r, &m_ok_desc, &(struct m_ok){.has = 0});
}
