// SPDX-License-Identifier: Apache-2.0
/* Inside common/db: connections, transactions on them, and who calls whom:
 *
 *     pool.c  connects, queues, gives connections away, notices what takes too long
 *     conn.c  one connection: sends a step as one pipeline, collects its results
 *     txn.c   the public transactions on top
 *
 * Every callback into a service is made from the loop itself, never from inside a db_ function. */
#pragma once

#include <libpq-fe.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/list.h"
#include "common/base/map.h"
#include "common/db/db.h"
#include "gen/errors.h"

#define DB_PARAMS_MAX 32
#define DB_CONNS_MAX 8
#define DB_WAITING_MAX 10000 /* transactions without a connection */
#define DB_WAIT_MS 2000
#define DB_SILENT_MS 25000 /* statement_timeout ended long ago: the connection is dead */
#define DB_QUERIES_DEEP 32 /* single statements under way on one connection */

/* One statement with its parameters. */
struct db_args {
	struct list node;
	const struct db_sql *sql;
	struct buf text; /* all values, each ends with a NUL */
	size_t at[DB_PARAMS_MAX];
	bool null[DB_PARAMS_MAX];
	unsigned n;
	bool array, element; /* inside db_array; it has an element already */
};

struct db_result {
	PGresult *pg;
	struct arena bytes; /* decoded bytea */
};

/* What the next result on the wire belongs to. */
enum slot { SLOT_PREPARE, SLOT_BEGIN, SLOT_RESULT, SLOT_END, SLOT_SYNC };

struct txn {
	struct list node; /* on db->waiting, conn->sent or db->failed, or on none */
	struct db *db;
	struct conn *conn; /* NULL while waiting and when it was lost */
	struct list stmts; /* struct db_args of the step that is built or under way */
	size_t n_stmts;
	bool query;    /* db_query: one statement in its own transaction */
	bool by_key;   /* db_begin_by_key */
	bool begun;    /* BEGIN was sent */
	bool ending;   /* COMMIT or ROLLBACK is part of the step under way */
	bool underway; /* a step was sent and has not ended */
	db_fn fn;      /* whom to tell about what is under way; NULL = nobody (rollback) */
	void *arg;
	uint64_t since_ms; /* when it began to wait, or was sent */
	/* of the step under way */
	struct fault fault; /* its first error */
	enum slot *slots;
	const struct db_sql **slot_sql;
	size_t n_slots, slot;
	struct db_result **results;
	size_t n_results;
};

struct conn {
	struct db *db;
	PGconn *pg; /* NULL = down */
	struct loop_watch *watch;
	int events;
	bool broken;       /* to be torn down by the next turn of the pool */
	bool retired;      /* takes no new work, torn down when idle */
	struct txn *owner; /* a transaction holds it */
	struct list sent;  /* struct txn with a step under way, in order of sending */
	size_t n_sent;
	struct map prepared; /* by name: the db_sql */
};

struct db {
	struct loop *loop;
	char *conninfo;
	struct conn conns[DB_CONNS_MAX];
	unsigned size;
	struct list waiting, failed; /* struct txn */
	size_t n_waiting;
	bool kicked;     /* a turn of the pool is posted */
	bool connecting; /* one attempt at a time: it blocks a thread of the work pool */
	bool closing;
	uint64_t backoff_ms, retry_at_ms;
	struct timer *tick;
	struct db_stats stats;
	char error[200]; /* why the last attempt to connect failed */
};

/* pool.c */
void db_kick(struct db *db);
void db_wait(struct txn *t);
/* Tells fn about it in the next turn of the pool, and ends t. */
void txn_fail_later(struct txn *t, const char *reason, const char *detail);

/* conn.c */
void conn_open(struct conn *c, PGconn *pg);
void conn_break(struct conn *c);
/* Takes it down and fails what is under way on it. */
void conn_teardown(struct conn *c);
/* Sends the statements of t, with what begins and ends the transaction, as one pipeline. */
void conn_send(struct conn *c, struct txn *t);

/* txn.c */
struct txn *txn_new(struct db *db, db_fn fn, void *arg);
void txn_free(struct txn *t);
/* The connection is ours: tell, or send the query. */
void txn_start(struct txn *t, struct conn *c);
/* The last result of the step arrived, or t->fault says why none will. */
void txn_step_done(struct txn *t);

/* args.c */
struct db_args *args_new(const struct db_sql *sql);
void args_free(struct db_args *a);

/* result.c */
struct db_result *result_new(PGresult *pg);
void results_free(struct db_result **results, size_t n);
