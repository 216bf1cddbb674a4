// SPDX-License-Identifier: Apache-2.0
/* Answering a whole small table as one page: rows → items of a `…_page` message. */
#pragma once

#include "common/db/db.h"
#include "services/gateway/gateway.h"

/* Writes one item from one row, with room of r; texts may point into the result. */
typedef void (*list_row_fn)(struct db_result *res, int row, struct arena *arena, void *item);

/* Runs sql without parameters and answers r. page: a message whose first field is the list of items
 * of item_size bytes each. */
void list_all(struct rest *r, const struct db_sql *sql, const struct msg_desc *page,
	size_t item_size, list_row_fn row);
