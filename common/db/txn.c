// SPDX-License-Identifier: Apache-2.0
/* Transactions as a chain of steps. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/db/internal.h"

struct txn *txn_new(struct db *db, db_fn fn, void *arg)
{
	struct txn *t = mem_alloc(sizeof(*t));

	t->db = db;
	t->fn = fn;
	t->arg = arg;
	list_init(&t->node);
	list_init(&t->stmts);
	return t;
}

/* Forgets the statements and slots of the step that ended. */
static void clear_step(struct txn *t)
{
	list_each_safe (it, &t->stmts)
		args_free(container_of(it, struct db_args, node));
	t->n_stmts = 0;
	free(t->slots);
	free(t->slot_sql);
	t->slots = NULL;
	t->slot_sql = NULL;
	t->n_slots = t->slot = 0;
}

void txn_free(struct txn *t)
{
	clear_step(t);
	results_free(t->results, t->n_results);
	free(t);
}

static void let_go(struct txn *t)
{
	if (t->conn != NULL && t->conn->owner == t)
		t->conn->owner = NULL;
	t->conn = NULL;
	db_kick(t->db);
}

/* Undoes what the server holds, tells nobody, then gives the connection back. */
static void send_rollback(struct txn *t)
{
	t->fn = NULL;
	t->ending = true;
	conn_send(t->conn, t);
}

/* Ends with a fault: the rollback goes on without the listener. */
static void fail(struct txn *t)
{
	db_fn fn = t->fn;
	void *arg = t->arg;
	struct fault f = t->fault;

	t->db->stats.failures++;
	clear_step(t);
	results_free(t->results, t->n_results);
	t->results = NULL;
	t->n_results = 0;
	if (t->conn != NULL && t->begun) {
		send_rollback(t);
	} else {
		let_go(t);
		txn_free(t);
	}
	if (fn != NULL)
		fn(NULL, NULL, 0, &f, arg);
}

void txn_step_done(struct txn *t)
{
	struct db_result **results = t->results;
	size_t n = t->n_results;
	db_fn fn = t->fn;
	void *arg = t->arg;
	bool over = t->query || t->ending;

	t->underway = false;
	if (fn == NULL) { /* a rollback: when it failed, the session went with it */
		if (t->fault.code != 0 && t->conn != NULL)
			conn_break(t->conn);
		let_go(t);
		txn_free(t);
		return;
	}
	if (t->fault.code != 0) {
		fail(t);
		return;
	}
	t->results = NULL;
	t->n_results = 0;
	clear_step(t);
	if (over) {
		let_go(t);
		txn_free(t);
	}
	fn(over ? NULL : t, results, n, NULL, arg);
	results_free(results, n);
}

void txn_fail_later(struct txn *t, const char *reason, const char *detail)
{
	(void)fault_why(&t->fault, CN_INTERNAL_ERROR, reason, "%s", detail);
	list_push(&t->db->failed, &t->node);
	db_kick(t->db);
}

void txn_start(struct txn *t, struct conn *c)
{
	t->conn = c;
	if (t->query) {
		conn_send(c, t);
		return;
	}
	c->owner = t;
	t->fn(t, NULL, 0, NULL, t->arg);
}

/* ---- public ---- */

void db_begin(struct db *db, db_fn fn, void *arg)
{
	db_wait(txn_new(db, fn, arg));
}

void db_begin_by_key(struct db *db, db_fn fn, void *arg)
{
	struct txn *t = txn_new(db, fn, arg);

	t->by_key = true;
	db_wait(t);
}

struct db_args *db_add(struct txn *t, const struct db_sql *sql)
{
	bug_if(t->underway);
	struct db_args *a = args_new(sql);
	list_push(&t->stmts, &a->node);
	t->n_stmts++;
	return a;
}

static void send_next(struct txn *t, db_fn fn, void *arg)
{
	bug_if(t->underway || fn == NULL);
	t->fn = fn;
	t->arg = arg;
	if (t->conn != NULL)
		conn_send(t->conn, t);
	else
		txn_fail_later(t, "database", "connection to the database lost");
}

void db_step(struct txn *t, db_fn fn, void *arg)
{
	send_next(t, fn, arg);
}

void db_commit(struct txn *t, db_fn fn, void *arg)
{
	t->ending = true;
	send_next(t, fn, arg);
}

void db_rollback(struct txn *t)
{
	bug_if(t->underway);
	clear_step(t);
	if (t->conn != NULL && t->begun) {
		send_rollback(t);
		return;
	}
	let_go(t);
	txn_free(t);
}

void db_query(struct db *db, const struct db_sql *sql, void (*fill)(struct db_args *a, void *arg),
	db_fn fn, void *arg)
{
	struct txn *t = txn_new(db, fn, arg);
	struct db_args *a = db_add(t, sql);

	t->query = true;
	if (fill != NULL)
		fill(a, arg);
	db_wait(t);
}

bool db_transient(const struct fault *f)
{
	return strcmp(f->reason, "40001") == 0 || strcmp(f->reason, "40P01") == 0 ||
	       strcmp(f->reason, "55P03") == 0;
}

bool db_refused(const struct fault *f)
{
	/* cardinality, data, integrity, a limit of the program, raised by one of our functions */
	static const char *const classes[] = {"21", "22", "23", "54", "P0"};

	for (size_t i = 0; i < array_len(classes); i++) {
		if (strlen(f->reason) == 5 && strncmp(f->reason, classes[i], 2) == 0)
			return true;
	}
	return false;
}
