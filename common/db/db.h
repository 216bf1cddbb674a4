// SPDX-License-Identifier: Apache-2.0
/* PostgreSQL on the loop: non-blocking libpq in pipeline mode, a small pool of connections,
 * reconnecting by itself. The only includer of <libpq-fe.h>. Loop thread only.
 *
 * A transaction is a chain of steps. Each step sends its statements in one pipeline and gets all
 * their results in one callback, which sends the next step or ends the transaction:
 *
 *     db_begin(db, select_step, arg)      → fn(txn, NULL results)  a connection is ours
 *     db_add(txn, &SELECT_ROWS, args…)    → queue statements
 *     db_step(txn, decide, arg)           → send, decide() gets the results
 *     db_add(txn, …); db_commit(txn, done, arg)   or   db_rollback(txn)
 *
 * BEGIN and COMMIT travel in the same pipelines as the statements next to them. */
#pragma once

#include "common/base/fault.h"
#include "common/base/uuid.h"
#include "common/loop/loop.h"

struct db;
struct txn;

/* A statement of sql.c: prepared once per connection under its name. At most 32 parameters. One
 * that is assembled for a single call has the name "" and is parsed each time; it must live until
 * its step has ended. */
struct db_sql {
	const char *name; /* unique in the process, or "" */
	const char *text;
};

/* Connection settings set on each session: statement_timeout 10 s, lock_timeout 2 s,
 * idle_in_transaction_session_timeout 10 s, synchronous_commit on, READ COMMITTED.
 * conninfo holds no password (peer, or passfile=). size ≤ 8 connections. */
struct db *db_open(struct loop *l, const char *conninfo, unsigned size);
/* What is under way gets its fault from within; what is begun afterwards is dropped, what is
 * held by a caller must have been rolled back before. */
void db_close(struct db *db);
/* Whether a connection is up: readiness. */
bool db_up(const struct db *db);
/* Why the last attempt to connect failed; "" when it did not. */
const char *db_error(const struct db *db);

struct db_stats {
	uint64_t connects, losses, steps, failures; /* since start */
	unsigned size, up, busy;                    /* connections now */
	size_t waiting;                             /* transactions without one */
};
struct db_stats db_stats(const struct db *db);

/* ---- parameters: text format; each call appends one to the statement being built ---- */

struct db_args; /* made by db_add, valid until the next db_add or the step */
struct db_args *db_add(struct txn *t, const struct db_sql *sql);
void db_null(struct db_args *a);
void db_text(struct db_args *a, const char *s); /* NULL = SQL NULL */
void db_int(struct db_args *a, int64_t n);
void db_bool(struct db_args *a, bool v);
void db_uuid(struct db_args *a, const struct uuid *id); /* nil = SQL NULL */
void db_bytes(struct db_args *a, struct span bytes);    /* p NULL = SQL NULL */
void db_time_ms(struct db_args *a, int64_t unix_ms);    /* timestamptz, 0 = SQL NULL */
/* Array parameters for unnest(): begin, one call per element as above, end. */
void db_array(struct db_args *a);
void db_array_end(struct db_args *a);

/* ---- results: one per statement of the step, in order ---- */

struct db_result;
int db_rows(const struct db_result *r);
size_t db_row_bytes(const struct db_result *r, int row); /* of all its columns, as text */
int64_t db_affected(const struct db_result *r);          /* rows of an INSERT, UPDATE or DELETE */
bool db_is_null(const struct db_result *r, int row, int col);
const char *db_get_text(const struct db_result *r, int row, int col); /* "" for NULL */
int64_t db_get_int(const struct db_result *r, int row, int col);      /* 0 for NULL */
bool db_get_bool(const struct db_result *r, int row, int col);
struct uuid db_get_uuid(const struct db_result *r, int row, int col);
int64_t db_get_time_ms(const struct db_result *r, int row, int col);
/* bytea, decoded into the result's own memory; valid as long as the result. */
struct span db_get_bytes(struct db_result *r, int row, int col);

/* ---- transactions ---- */

/* f is NULL on success. On failure the transaction is over (rolled back, connection returned) and
 * t is NULL. f->code is CN_INTERNAL_ERROR; f->reason says which: "database" = not connected, wait
 * for a connection > 2 s, or connection lost before COMMIT: nothing was done; "unknown" =
 * connection lost with COMMIT (or a db_query) under way; else the SQLSTATE.
 * Never called from inside a db_ function. results and everything in them are valid during the
 * callback. */
typedef void (*db_fn)(
	struct txn *t, struct db_result **results, size_t n, const struct fault *f, void *arg);

/* A serialization failure, deadlock or lock time-out: the same transaction may succeed if repeated.
 */
bool db_transient(const struct fault *f);
/* The database refused what it was given: repeated, it says the same, and without the bad row the
 * rest may succeed. A database that is full, slow, read-only or gone refuses nothing. */
bool db_refused(const struct fault *f);

void db_begin(struct db *db, db_fn fn, void *arg);
/* As db_begin, for statements that take a few rows of large tables: no plan reads a table from end
 * to end. A plan made while a queue was empty would do that, and stays with the session. */
void db_begin_by_key(struct db *db, db_fn fn, void *arg);
/* Sends what was added. fn may go on at once or later; meanwhile the connection is held. */
void db_step(struct txn *t, db_fn fn, void *arg);
/* Sends what was added and COMMIT. fn's txn is NULL. A fault with reason "unknown" means the
 * connection died with COMMIT under way: ask again by idempotency key. */
void db_commit(struct txn *t, db_fn fn, void *arg);
/* Ends without effect; no callback. */
void db_rollback(struct txn *t);
/* One statement, one round trip, its own transaction: args are filled by fill(a, arg) at once. */
void db_query(struct db *db, const struct db_sql *sql, void (*fill)(struct db_args *a, void *arg),
	db_fn fn, void *arg);

/* ---- gathering: what arrives while the last transaction runs is served by the next ---- */

/* run(items, n, arg) starts one transaction for at most max items and calls db_batch_done when it
 * has ended; then the next run starts with what came meanwhile. */
struct db_batch;
typedef void (*db_batch_fn)(struct db_batch *b, void **items, size_t n, void *arg);
struct db_batch *db_batch_new(size_t max, db_batch_fn run, void *arg);
void db_batch_free(struct db_batch *b);
void db_batch_put(struct db_batch *b, void *item);
void db_batch_done(struct db_batch *b);

/* ---- migrations ---- */

/* Applies schemas/sql/NNNN_*.sql from dir that are not yet in public.carnet_migration, each in one
 * transaction, under an advisory lock; blocking. A file that changed after it was applied is
 * refused. Returns the version reached, or -1. Used by carnet-migrate and tests. */
int db_migrate(const char *conninfo, const char *dir, struct fault *reterr) must_check;
