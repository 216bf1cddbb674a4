// SPDX-License-Identifier: Apache-2.0
/* SQL of keys: rotation, orders to erase. */
#pragma once

#include "services/storage/sql.h"

/* A version whose key is to be wrapped anew. */
struct rewrap {
	struct uuid version, kek;
	uint8_t wrapped[WRAPPED_LEN]; /* as it was, then as it is */
	char stone[VAULT_NAME_MAX];   /* where its tombstone would be */
	struct vault_file slot;
	bool unknown; /* no key of ours opens it */
};

/* The next after this version, locked until the transaction ends. */
void sql_add_rewrap_next(struct txn *t, const struct uuid *after, size_t n);
void sql_rewrap_read(struct db_result *r, int row, struct rewrap *ret);
void sql_add_rewrapped(struct txn *t, const struct rewrap *batch, size_t n);

/* ---- orders to erase (ST-18, ST-31) ---- */

/* fn's arg is the call. The verdict; an order has the id of the request that asked. */
void sql_erase_ask(struct call *call, db_fn fn);
void sql_erase_approve(struct call *call, db_fn fn); /* by the pruner */
/* The order that was asked for or approved. */
void sql_erase_get(struct call *call, db_fn fn);
/* Orders, newest first. */
void sql_erase_list(struct call *call, db_fn fn);
void sql_erase_read(struct db_result *r, int row, struct m_erase_order *ret);
