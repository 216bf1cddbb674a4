// SPDX-License-Identifier: Apache-2.0
/* One connection in pipeline mode: steps go out whole, results come back in order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock/clock.h"
#include "common/db/internal.h"

static const struct db_sql sql_begin = {"carnet_begin", "begin"};
static const struct db_sql sql_by_key = {"carnet_by_key",
	"select set_config('enable_seqscan', 'off', true),"
	" set_config('plan_cache_mode', 'force_generic_plan', true)"};
static const struct db_sql sql_commit = {"carnet_commit", "commit"};
static const struct db_sql sql_rollback = {"carnet_rollback", "rollback"};

static void on_ready(void *arg, int events);

static void no_notice(unused void *arg, unused const PGresult *r)
{
}

void conn_open(struct conn *c, PGconn *pg)
{
	bug_if(c->pg != NULL);
	if (PQsetnonblocking(pg, 1) != 0 || PQenterPipelineMode(pg) != 1) {
		PQfinish(pg);
		return;
	}
	(void)PQsetNoticeReceiver(pg, no_notice, NULL);
	c->pg = pg;
	c->broken = c->retired = false;
	c->owner = NULL;
	c->events = LOOP_READ;
	c->watch = loop_watch(c->db->loop, PQsocket(pg), c->events, on_ready, c);
	c->db->stats.connects++;
}

void conn_break(struct conn *c)
{
	/* libpq may have closed the socket: the number must not be watched when it is used again */
	loop_unwatch(c->watch);
	c->watch = NULL;
	c->broken = true;
	db_kick(c->db);
}

/* COMMIT was answered; whatever happens now, it happened. */
static bool is_committed(const struct txn *t)
{
	return t->ending && t->fn != NULL && t->fault.code == 0 && t->slots[t->slot] == SLOT_SYNC;
}

void conn_teardown(struct conn *c)
{
	struct list *node;

	loop_unwatch(c->watch);
	PQfinish(c->pg);
	c->pg = NULL;
	c->watch = NULL;
	c->broken = c->retired = false;
	c->db->stats.losses++;
	map_fini(&c->prepared);
	if (c->owner != NULL)
		c->owner->conn = NULL;
	c->owner = NULL;
	while ((node = list_pop(&c->sent)) != NULL) {
		struct txn *t = container_of(node, struct txn, node);
		const char *reason = t->ending || t->query ? "unknown" : "database";
		c->n_sent--;
		t->conn = NULL;
		if (t->fault.code == 0 && !is_committed(t)) /* else the server said why */
			(void)fault_why(&t->fault, CN_INTERNAL_ERROR, reason,
				"connection to the database lost");
		txn_step_done(t);
	}
}

/* ---- sending ---- */

static void expect(struct txn *t, enum slot slot, const struct db_sql *sql)
{
	t->slots[t->n_slots] = slot;
	t->slot_sql[t->n_slots++] = sql;
}

/* Prepared when first used on this connection. It counts as there from the sending on, so that
 * the next step may follow in the same pipeline. */
static bool prepare(struct conn *c, struct txn *t, const struct db_sql *sql)
{
	size_t n = strlen(sql->name);
	const struct db_sql *known = n == 0 ? NULL : map_get(&c->prepared, sql->name, n);

	if (n == 0) { /* made for this call: parsed each time */
		expect(t, SLOT_PREPARE, sql);
		return PQsendPrepare(c->pg, "", sql->text, 0, NULL) == 1;
	}
	bug_if(known != NULL && known != sql && strcmp(known->text, sql->text) != 0);
	if (known != NULL)
		return true;
	union { /* the map holds pointers to anything, this one is only read */
		const struct db_sql *in;
		void *out;
	} value = {.in = sql};
	(void)map_put(&c->prepared, sql->name, n, value.out);
	expect(t, SLOT_PREPARE, sql);
	return PQsendPrepare(c->pg, sql->name, sql->text, 0, NULL) == 1;
}

static bool send_plain(struct conn *c, struct txn *t, const struct db_sql *sql, enum slot slot)
{
	if (!prepare(c, t, sql))
		return false;
	expect(t, slot, sql);
	return PQsendQueryPrepared(c->pg, sql->name, 0, NULL, NULL, NULL, 0) == 1;
}

static bool send_args(struct conn *c, struct txn *t, const struct db_args *a)
{
	const char *values[DB_PARAMS_MAX];

	bug_if(a->array || a->text.err);
	for (unsigned i = 0; i < a->n; i++)
		values[i] = a->null[i] ? NULL : (const char *)a->text.p + a->at[i];
	if (!prepare(c, t, a->sql))
		return false;
	expect(t, SLOT_RESULT, a->sql);
	return PQsendQueryPrepared(c->pg, a->sql->name, (int)a->n, values, NULL, NULL, 0) == 1;
}

static bool send_step(struct conn *c, struct txn *t)
{
	if (!t->query && !t->begun) {
		t->begun = true;
		if (!send_plain(c, t, &sql_begin, SLOT_BEGIN))
			return false;
		if (t->by_key && !send_plain(c, t, &sql_by_key, SLOT_BEGIN))
			return false;
	}
	list_each (it, &t->stmts)
		if (!send_args(c, t, container_of(it, struct db_args, node)))
			return false;
	/* without a listener it is the rollback of a failed or given up transaction */
	if (t->ending && !send_plain(c, t, t->fn != NULL ? &sql_commit : &sql_rollback, SLOT_END))
		return false;
	expect(t, SLOT_SYNC, NULL);
	return PQpipelineSync(c->pg) == 1;
}

static bool flush(struct conn *c)
{
	int left = PQflush(c->pg);
	int events = LOOP_READ | (left > 0 ? LOOP_WRITE : 0);

	if (left < 0)
		return false;
	if (events != c->events && c->watch != NULL)
		loop_watch_set(c->watch, events);
	c->events = events;
	return true;
}

void conn_send(struct conn *c, struct txn *t)
{
	size_t most = 2 * (t->n_stmts + 3) + 1;

	t->slots = mem_alloc(most * sizeof(*t->slots));
	t->slot_sql = mem_alloc(most * sizeof(void *));
	t->results = mem_alloc(size_max(t->n_stmts, 1) * sizeof(void *));
	t->n_slots = t->slot = t->n_results = 0;
	t->fault = FAULT_INIT;
	t->since_ms = clock_mono_ms();
	t->underway = true;
	list_push(&c->sent, &t->node);
	c->n_sent++;
	c->db->stats.steps++;
	if (!send_step(c, t) || !flush(c))
		conn_break(c);
}

/* ---- receiving ---- */

static void sql_fault(struct txn *t, const PGresult *r, const struct db_sql *sql)
{
	const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
	const char *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
	bool lost = state == NULL || strncmp(state, "57P", 3) == 0 || strncmp(state, "08", 2) == 0;
	/* Without a word from the server anything may have happened; its own good-bye comes instead
	 * of the result that we wait for, so only a good-bye to COMMIT leaves a doubt. */
	bool committing = t->query || (state == NULL ? t->ending : t->slots[t->slot] == SLOT_END);
	const char *reason = !lost ? state : committing ? "unknown" : "database";

	if (t->fault.code == 0 && !is_committed(t))
		(void)fault_why(&t->fault, CN_INTERNAL_ERROR, reason, "%s: %s",
			sql != NULL ? sql->name : "end", text != NULL ? text : "connection lost");
}

/* A plan that changed under us, or a name that is not there: the session starts afresh. */
static bool needs_new_session(const PGresult *r)
{
	const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
	const char *where = PQresultErrorField(r, PG_DIAG_SOURCE_FUNCTION);

	if (state == NULL)
		return false;
	return strcmp(state, "26000") == 0 || strcmp(state, "42P05") == 0 ||
	       (strcmp(state, "0A000") == 0 && where != NULL &&
		       strcmp(where, "RevalidateCachedQuery") == 0);
}

static void failed(struct conn *c, struct txn *t, const PGresult *r)
{
	const struct db_sql *sql = t->slot_sql[t->slot];

	if (t->slots[t->slot] == SLOT_PREPARE)
		(void)map_remove(&c->prepared, sql->name, strlen(sql->name));
	if (PQresultStatus(r) == PGRES_PIPELINE_ABORTED)
		return;
	sql_fault(t, r, sql);
	if (needs_new_session(r))
		c->retired = true;
}

static void succeeded(struct txn *t, PGresult *r)
{
	if (t->slots[t->slot] == SLOT_RESULT) {
		t->results[t->n_results++] = result_new(r);
		return;
	}
	if (t->slots[t->slot] == SLOT_END && t->fn != NULL &&
		strcmp(PQcmdStatus(r), "COMMIT") != 0 && t->fault.code == 0)
		(void)fault_why(
			&t->fault, CN_INTERNAL_ERROR, "25P02", "the transaction had failed");
	PQclear(r);
}

/* One result; an error at the sync itself (a commit that fails there) comes before it. */
static void receive(struct conn *c, struct txn *t, PGresult *r)
{
	ExecStatusType status = PQresultStatus(r);

	if (status == PGRES_PIPELINE_SYNC) {
		bug_if(t->slots[t->slot] != SLOT_SYNC);
		PQclear(r);
		list_remove(&t->node);
		c->n_sent--;
		txn_step_done(t);
		return;
	}
	if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK ||
		status == PGRES_EMPTY_QUERY) {
		bug_if(t->slots[t->slot] == SLOT_SYNC);
		succeeded(t, r);
	} else {
		failed(c, t, r);
		PQclear(r);
		if (t->slots[t->slot] == SLOT_SYNC)
			return;
	}
	t->slot++;
}

static bool receive_all(struct conn *c)
{
	int nothing = 0;

	while (c->n_sent > 0 && nothing < 2 && !PQisBusy(c->pg)) {
		PGresult *r = PQgetResult(c->pg);
		nothing = r == NULL ? nothing + 1 : 0;
		if (r != NULL)
			receive(c, container_of(c->sent.next, struct txn, node), r);
		if (PQstatus(c->pg) == CONNECTION_BAD)
			return false;
	}
	return true;
}

static void on_ready(void *arg, unused int events)
{
	struct conn *c = arg;
	bool alive = PQconsumeInput(c->pg) == 1;

	/* what the server said before it left is still to be read */
	alive = receive_all(c) && alive;
	if (c->broken)
		return;
	if (!alive || !flush(c))
		conn_break(c);
	db_kick(c->db);
}
