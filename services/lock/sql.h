// SPDX-License-Identifier: Apache-2.0
/* The statements of the lock service: how a ledger is filled from its rows and written back. */
#pragma once

#include "common/db/db.h"
#include "services/lock/ledger.h"

/* Which rows a transaction takes: these devices, and those of these requests. */
struct sql_keys {
	const struct uuid *devices;
	size_t devices_n;
	const struct uuid *requests; /* to be read, and their devices taken */
	size_t requests_n;
	const struct uuid *replays; /* of those, the ones whose stored answer may be needed */
	size_t replays_n;
	size_t tickets; /* to draw */
	bool waiters;   /* also read the requests of all waiters (sweep) */
};

/* Queues the reads of one step: device rows ascending FOR UPDATE first, the clock after them.
 * lock false = look only (explain). */
void sql_read(struct txn *t, const struct sql_keys *keys, bool lock);
/* Fills the ledger from the results of that step. */
void sql_load(struct ledger *l, struct db_result **results, size_t n);
/* Queues what changed. */
void sql_write(struct txn *t, const struct ledger *l);

/* ---- single statements; fill functions for db_query ---- */

extern const struct db_sql sql_add_devices; /* $1 uuid[], ascending */
extern const struct db_sql sql_due;         /* $1 silent_ms, $2 watched_ms: devices to sweep */
extern const struct db_sql sql_clock;       /* the database clock in ms, to be watched; timeline */
extern const struct db_sql sql_purge; /* requests 24 h after their end, history, old shadows */
extern const struct db_sql sql_profiles;
extern const struct db_sql sql_profile_cells;
extern const struct db_sql sql_put_family; /* $1 name, $2 its JSON */
extern const struct db_sql sql_list;       /* $1 device, $2 state, $3 offset, $4 limit, $5 scope */
extern const struct db_sql sql_get;        /* $1 request, $2 scope */
/* $1 devices, $2 requests, $3 scope, $4 scope of what is seen or null → all seen, all within */
extern const struct db_sql sql_in_scope;

void sql_uuids(struct db_args *a, const struct uuid *ids, size_t n);

/* A lock as its holder names it. */
struct sql_lock {
	struct uuid session, request;
	uint64_t token;
};
_Static_assert(sizeof(struct sql_lock) == 40, "it is a key: no holes");
/* Locks the device rows of these requests, then prolongs what is live and theirs: its rows, to be
 * read with sql_renewed, are the second result. */
void sql_renew(struct txn *t, const struct uuid *requests, const struct sql_lock *locks, size_t n);
uint64_t sql_renewed(const struct db_result *r, int row, struct sql_lock *ret); /* its lease */

/* ---- decided ahead (ahead.c): behind sql_lock_rows, in the same step ---- */

/* Takes the device rows, ascending, and reads nothing. */
void sql_lock_rows(struct txn *t, const struct sql_keys *keys);
/* The new requests of the ledger, granted, each if nothing stands on its devices and they have the
 * profile it was decided with: rows of request, tokens as in sql_parse_numbers. */
void sql_take_free(struct txn *t, const struct ledger *l);
/* Clean releases, each of a whole live request for whose devices nobody waits: rows of request,
 * session, token, op, devices. */
void sql_give_back(struct txn *t, const struct sql_lock *locks, size_t n);
/* "{a,b}" of a result */
const struct uuid *sql_parse_uuids(struct arena *arena, const char *text, size_t *ret_n);
uint64_t *sql_parse_numbers(struct arena *arena, const char *text, size_t *ret_n);

void sql_profile_row(const struct db_result *r, int row, struct lock_profile *p, struct arena *a);
void sql_profile_cell(const struct db_result *r, int row, struct lock_profile *p);
struct m_lock sql_lock_row(const struct db_result *r, int row, struct arena *arena);
