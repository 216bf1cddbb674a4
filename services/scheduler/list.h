// SPDX-License-Identifier: Apache-2.0
/* Lists with filter, order and cursor: one statement, made of a head in sql_*.c, a condition of
 * parameters, and an order from a whitelist. */
#pragma once

#include "services/scheduler/scheduler.h"
#include "services/scheduler/sql_columns.h"

struct list;

#define PAGE_BYTES (768 * 1024) /* what goes into one message beside all else */

struct list_def {
	const char *head;  /* "select … from … d " */
	const char *order; /* a column expression of the code's own, text */
	bool descending;
	const struct filter_field *fields;
	/* more rows than l->limit when there is a next page; answers the call */
	void (*rows)(struct list *l, struct db_result *r);
	const char *within; /* SQL_WITHIN_…: of what a scope lets be seen; NULL = no scopes here */
};

struct list {
	struct call *call;
	struct list_def def;
	size_t limit; /* rows of this page at most, once they are there */
	struct buf sql;
	struct db_sql statement;
	struct sql_values values;
	const char *after_name; /* of the cursor */
	struct uuid after_id;
};

/* limit 0 = 100. Answers the call, now or later. */
void list_start(struct call *call, const struct list_def *def, const char *filter,
	const char *cursor, uint64_t limit);
/* count(*) over () in column col of the first row: all matches behind the cursor included. */
uint64_t list_total(const struct db_result *r, int col);
/* How many of the rows of an answer are its page: limit, or fewer where more would not go into one
 * message, but one. There is a next page when the answer has more. */
size_t page_fit(const struct db_result *r, size_t limit);
/* What a page asks for: limit 0 = 100. */
size_t page_limit(uint64_t limit);
