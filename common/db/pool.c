// SPDX-License-Identifier: Apache-2.0
/* The pool: connects one connection at a time on the work pool (name resolution and TLS block),
 * gives idle ones to who waits longest, and notices silence. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock/clock.h"
#include "common/db/internal.h"

#define TICK_MS 100
#define BACKOFF_MIN_MS 50
#define BACKOFF_MAX_MS 2000

/* One attempt; owns itself between the loop and the work pool. */
struct attempt {
	struct db *db;
	char *conninfo;
	PGconn *pg;
};

static const char session_options[] =
	"-c statement_timeout=10000 -c lock_timeout=2000 "
	"-c idle_in_transaction_session_timeout=10000 -c synchronous_commit=on "
	"-c default_transaction_isolation=read\\ committed -c timezone=UTC -c datestyle=ISO "
	"-c bytea_output=hex";

static void turn(void *arg);

static struct conn *first_down(struct db *db)
{
	for (unsigned i = 0; i < db->size; i++)
		if (db->conns[i].pg == NULL)
			return &db->conns[i];
	return NULL;
}

/* ---- connecting ---- */

static void attempt_work(void *arg)
{
	struct attempt *a = arg;
	const char *const names[] = {"dbname", "fallback_application_name", "connect_timeout",
		"keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout",
		"client_encoding", "options", NULL};
	const char *const values[] = {
		a->conninfo, "carnet", "5", "10", "3", "3", "15000", "UTF8", session_options, NULL};

	a->pg = PQconnectdbParams(names, values, 1);
}

static void note_error(struct db *db, const char *text)
{
	(void)snprintf(db->error, sizeof(db->error), "%s", text);
	db->error[strcspn(db->error, "\n")] = '\0';
}

static void db_release(struct db *db)
{
	free(db->conninfo);
	free(db);
}

static void attempt_done(void *arg)
{
	struct attempt *a = arg;
	struct db *db = a->db;
	struct conn *c = first_down(db);

	db->connecting = false;
	if (!db->closing && c != NULL && PQstatus(a->pg) == CONNECTION_OK) {
		db->backoff_ms = 0;
		db->error[0] = '\0';
		conn_open(c, a->pg);
	} else {
		note_error(db, PQerrorMessage(a->pg));
		PQfinish(a->pg);
		db->backoff_ms = db->backoff_ms == 0 ? BACKOFF_MIN_MS : db->backoff_ms * 2;
		if (db->backoff_ms > BACKOFF_MAX_MS)
			db->backoff_ms = BACKOFF_MAX_MS;
		db->retry_at_ms = clock_mono_ms() + db->backoff_ms;
	}
	free(a->conninfo);
	free(a);
	if (db->closing)
		db_release(db);
	else
		db_kick(db);
}

static void connect_more(struct db *db)
{
	if (db->connecting || first_down(db) == NULL || clock_mono_ms() < db->retry_at_ms)
		return;
	struct attempt *a = mem_alloc(sizeof(*a));
	a->db = db;
	a->conninfo = mem_strdup(db->conninfo);
	db->connecting = true;
	loop_work(db->loop, attempt_work, attempt_done, a);
}

/* ---- giving away ---- */

/* A transaction wants a connection for itself; single statements share. */
static struct conn *conn_for(struct db *db, const struct txn *t)
{
	struct conn *best = NULL;

	for (unsigned i = 0; i < db->size; i++) {
		struct conn *c = &db->conns[i];
		if (c->pg == NULL || c->broken || c->retired || c->owner != NULL)
			continue;
		if (c->n_sent > (t->query ? DB_QUERIES_DEEP - 1 : 0))
			continue;
		if (best == NULL || c->n_sent < best->n_sent)
			best = c;
	}
	return best;
}

static void serve_waiting(struct db *db)
{
	while (!list_empty(&db->waiting)) {
		struct txn *t = container_of(db->waiting.next, struct txn, node);
		struct conn *c = conn_for(db, t);
		if (c == NULL)
			return;
		list_remove(&t->node);
		db->n_waiting--;
		txn_start(t, c);
	}
}

static void tell_failed(struct db *db)
{
	struct list now;
	struct list *node;

	list_init(&now);
	while ((node = list_pop(&db->failed)) != NULL)
		list_push(&now, node);
	while ((node = list_pop(&now)) != NULL)
		txn_step_done(container_of(node, struct txn, node));
}

static void turn(void *arg)
{
	struct db *db = arg;

	db->kicked = false;
	for (unsigned i = 0; i < db->size; i++) {
		struct conn *c = &db->conns[i];
		bool over = c->retired && c->n_sent == 0 && c->owner == NULL;
		if (c->pg != NULL && (c->broken || over))
			conn_teardown(c);
	}
	tell_failed(db);
	if (db->closing)
		return;
	serve_waiting(db);
	connect_more(db);
}

void db_kick(struct db *db)
{
	if (db->kicked || db->closing)
		return;
	db->kicked = true;
	loop_post(db->loop, turn, db);
}

void db_wait(struct txn *t)
{
	struct db *db = t->db;

	if (db->closing) { /* the process ends: nobody waits for an answer any more */
		txn_free(t);
		return;
	}
	t->since_ms = clock_mono_ms();
	if (db->n_waiting >= DB_WAITING_MAX) {
		txn_fail_later(t, "database", "too many transactions wait for a connection");
		return;
	}
	list_push(&db->waiting, &t->node);
	db->n_waiting++;
	db_kick(db);
}

/* ---- time ---- */

static void give_up_waiting(struct db *db, uint64_t now)
{
	while (!list_empty(&db->waiting)) {
		struct txn *t = container_of(db->waiting.next, struct txn, node);
		if (now - t->since_ms < DB_WAIT_MS)
			return;
		list_remove(&t->node);
		db->n_waiting--;
		/* nothing was sent: never "unknown" */
		txn_fail_later(t, "database",
			db_up(db) ? "no connection became free in time"
				  : "the database is not connected");
	}
}

static void on_tick(void *arg)
{
	struct db *db = arg;
	uint64_t now = clock_mono_ms();

	give_up_waiting(db, now);
	for (unsigned i = 0; i < db->size; i++) {
		struct conn *c = &db->conns[i];
		if (c->pg == NULL || list_empty(&c->sent))
			continue;
		const struct txn *oldest = container_of(c->sent.next, struct txn, node);
		if (now - oldest->since_ms > DB_SILENT_MS)
			conn_break(c);
	}
	if (first_down(db) != NULL)
		db_kick(db);
}

/* ---- public ---- */

struct db *db_open(struct loop *l, const char *conninfo, unsigned size)
{
	struct db *db = mem_alloc(sizeof(*db));

	bug_if(size < 1 || size > DB_CONNS_MAX);
	db->loop = l;
	db->conninfo = mem_strdup(conninfo);
	db->size = size;
	list_init(&db->waiting);
	list_init(&db->failed);
	for (unsigned i = 0; i < size; i++) {
		db->conns[i].db = db;
		list_init(&db->conns[i].sent);
	}
	db->tick = timer_new(l, on_tick, db);
	timer_set(db->tick, TICK_MS, TICK_MS);
	db_kick(db);
	return db;
}

static void close_now(void *arg)
{
	struct db *db = arg;

	turn(db);
	if (!db->connecting)
		db_release(db);
}

void db_close(struct db *db)
{
	struct list *node;

	if (db == NULL)
		return;
	timer_free(db->tick);
	while ((node = list_pop(&db->waiting)) != NULL)
		txn_fail_later(container_of(node, struct txn, node), "database", "shutting down");
	for (unsigned i = 0; i < db->size; i++)
		db->conns[i].broken = true;
	db->closing = true;
	/* in order of posting: behind a turn that is posted already */
	loop_post(db->loop, close_now, db);
}

bool db_up(const struct db *db)
{
	for (unsigned i = 0; i < db->size; i++)
		if (db->conns[i].pg != NULL)
			return true;
	return false;
}

const char *db_error(const struct db *db)
{
	return db->error;
}

struct db_stats db_stats(const struct db *db)
{
	struct db_stats s = db->stats;

	s.size = db->size;
	s.waiting = db->n_waiting;
	s.up = s.busy = 0;
	for (unsigned i = 0; i < db->size; i++) {
		s.up += db->conns[i].pg != NULL;
		s.busy += db->conns[i].owner != NULL || db->conns[i].n_sent > 0;
	}
	return s;
}
