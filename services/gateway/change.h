// SPDX-License-Identifier: Apache-2.0
/* One row that is changed when its version is the one that was read (FL-70). */
#pragma once

#include "common/db/db.h"
#include "services/gateway/gateway.h"

/* Lives in the request's arena until it is answered. */
struct row_change {
	struct rest *r;
	const char *noun, *ref;
	uint64_t if_version;       /* 0 = any */
	const struct db_sql *find; /* ref → id, version; locked */
	const struct db_sql *write;
	void (*fill)(struct db_args *a, struct row_change *c); /* after the id */
	void (*done)(struct db_result *res, struct row_change *c);
	void (*fault)(struct rest *r, const struct fault *f); /* of write; NULL = row_fault */
	void *state;
	struct uuid id; /* found */
};

/* c is copied. The request is refused or done is called with what write gave. */
void row_change(const struct row_change *c);
/* done of a row that is gone. */
void row_gone(struct db_result *res, struct row_change *c);
/* Refuses: the row has another version than was named; both are said in numbers, too (FL-70). */
void row_stale(struct rest *r, uint64_t wanted, uint64_t present);
/* A fault of the database in the words of the API: a name that is taken, a value out of bounds. */
void row_fault(struct rest *r, const struct fault *f);
