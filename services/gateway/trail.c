// SPDX-License-Identifier: Apache-2.0
/* Walking the audit trail, page by page: the loop breathes in between. */
#include "services/gateway/trail.h"

#include <string.h>

#include "common/db/db.h"
#include "services/gateway/checkpoint.h"
#include "services/gateway/sql.h"

#define PAGE 500

static void copy(uint8_t *to, size_t n, struct span from)
{
	if (from.n == n)
		memcpy(to, from.p, n);
	else
		memset(to, 0, n);
}

void trail_mark(struct db_result *res, int row, int col, struct audit_mark *m)
{
	copy(m->hash, sizeof(m->hash), db_get_bytes(res, row, col));
	copy(m->key, sizeof(m->key), db_get_bytes(res, row, col + 1));
	copy(m->signature, sizeof(m->signature), db_get_bytes(res, row, col + 2));
}

/* The furthest of three says where the end should be; only the head says its hash, too. */
static void end(struct trail *t)
{
	uint64_t far = t->last.seq > t->known_seq ? t->last.seq : t->known_seq;

	if (far > t->head_seq)
		audit_walk_head(&t->walk, far, NULL);
	else
		audit_walk_head(&t->walk, t->head_seq, t->head_hash);
	(void)audit_walk_end(&t->walk);
	t->then(t, NULL);
}

static void take(struct trail *t, struct db_result *rows, int i)
{
	struct audit_entry e = {
		.seq = (uint64_t)db_get_int(rows, i, 0), .tail = db_get_text(rows, i, 1)};
	struct audit_mark m = {.seq = e.seq};

	copy(e.hash, sizeof(e.hash), db_get_bytes(rows, i, 2));
	audit_walk_entry(&t->walk, &e);
	if (e.seq == t->known_seq)
		audit_walk_known(&t->walk, t->known_hash);
	if (db_is_null(rows, i, 3))
		return;
	trail_mark(rows, i, 3, &m);
	audit_walk_mark(&t->walk, &m, checkpoints_ours(t->gateway, m.key));
}

static void next_page(struct trail *t);

static void got_page(
	struct txn *txn, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct trail *t = arg;

	(void)txn;
	(void)n;
	if (f != NULL) {
		t->then(t, f);
		return;
	}
	for (int i = 0; i < db_rows(res[0]); i++)
		take(t, res[0], i);
	if (db_rows(res[0]) == PAGE)
		next_page(t);
	else
		end(t);
}

static void fill_page(struct db_args *a, void *arg)
{
	const struct trail *t = arg;

	db_int(a, (int64_t)t->walk.seq);
	db_int(a, (int64_t)t->upto);
	db_int(a, PAGE);
}

static void next_page(struct trail *t)
{
	db_query(t->gateway->service->db, &SQL_AUDIT_WALK, fill_page, got_page, t);
}

static void got_head(
	struct txn *txn, struct db_result **res, size_t n, const struct fault *f, void *arg)
{
	struct trail *t = arg;

	(void)txn;
	(void)n;
	if (f != NULL) {
		t->then(t, f);
		return;
	}
	t->head_seq = (uint64_t)db_get_int(res[0], 0, 0);
	copy(t->head_hash, sizeof(t->head_hash), db_get_bytes(res[0], 0, 1));
	t->upto = (uint64_t)db_get_int(res[0], 0, 2);
	t->last.seq = (uint64_t)db_get_int(res[0], 0, 3);
	trail_mark(res[0], 0, 4, &t->last);
	next_page(t);
}

static void fill_head(struct db_args *a, void *arg)
{
	(void)arg;
	db_int(a, 0);
}

void trail_walk(struct trail *t)
{
	db_query(t->gateway->service->db, &SQL_AUDIT_HEAD, fill_head, got_head, t);
}
