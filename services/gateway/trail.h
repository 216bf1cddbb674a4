// SPDX-License-Identifier: Apache-2.0
/* Walking the audit trail in the database, page by page (common/audit/chain.h says what is wrong).
 */
#pragma once

#include "common/audit/chain.h"
#include "common/db/db.h"
#include "services/gateway/gateway.h"

struct trail {
	struct gateway *gateway;
	struct audit_walk walk; /* begun by the caller */
	struct audit_mark last; /* the newest checkpoint; seq 0 = none */
	uint64_t known_seq;     /* an entry known from elsewhere, 0 = none */
	uint8_t known_hash[AUDIT_HASH];
	/* f, or the walk has ended: t->walk.faults */
	void (*then)(struct trail *t, const struct fault *f);
	void *arg;

	uint64_t upto, head_seq; /* trail.c's own */
	uint8_t head_hash[AUDIT_HASH];
};

/* From where t->walk stands to the last entry there is now; t lives until then. */
void trail_walk(struct trail *t);
/* The checkpoint in columns col… of a row: hash, key, signature. */
void trail_mark(struct db_result *res, int row, int col, struct audit_mark *m);
