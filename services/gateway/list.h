// SPDX-License-Identifier: Apache-2.0
/* Answering a small table as one page, a larger one page by page: rows → items of a `…_page`
 * message. */
#pragma once

#include "common/db/db.h"
#include "services/gateway/gateway.h"

/* Writes one item from one row, with room of r; texts may point into the result. */
typedef void (*list_row_fn)(struct db_result *res, int row, struct arena *arena, void *item);

/* Runs sql without parameters and answers r. page: a message whose first field is the list of items
 * of item_size bytes each. */
void list_all(struct rest *r, const struct db_sql *sql, const struct msg_desc *page,
	size_t item_size, list_row_fn row);

/* A table in pages, ordered by one column, whose texts are all different. */
struct list_pages {
	const struct db_sql *sql;    /* key before the page or null, limit */
	const struct msg_desc *page; /* the list first; "next" */
	size_t item_size;
	list_row_fn row;
	int key; /* column */
};
/* limit 0 = 1000; cursor NULL = the first page. */
void list_pages(struct rest *r, const struct list_pages *p, const char *cursor, uint64_t limit);
