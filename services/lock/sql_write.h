// SPDX-License-Identifier: Apache-2.0
/* For the files that write a ledger back. */
#pragma once

#include "services/lock/sql.h"

/* ---- columns: one array each, over the rows that a test chooses ---- */

#define COLUMN(a, each, condition, add)                                                            \
	do {                                                                                       \
		db_array(a);                                                                       \
		each                                                                               \
		{                                                                                  \
			if (condition)                                                             \
				add;                                                               \
		}                                                                                  \
		db_array_end(a);                                                                   \
	} while (0)

/* "{a,b}" */
const char *sql_uuids_text(struct arena *arena, const struct uuid *ids, size_t n);
const char *sql_numbers_text(struct arena *arena, const uint64_t *numbers, size_t n);
/* Locks, shadows and standing rows. */
void sql_write_held(struct txn *t, const struct ledger *l);
/* As it is stored with its request. */
struct span sql_answer_bytes(struct arena *arena, const struct m_lock_answer *answer);
/* Three columns: session, request, token. */
void sql_locks(struct db_args *a, const struct sql_lock *locks, size_t n);
