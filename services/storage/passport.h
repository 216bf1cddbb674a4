// SPDX-License-Identifier: Apache-2.0
/* Passports of vaults: how one is made, and what the catalogue says for it. */
#pragma once

#include "common/vault/passport.h"
#include "services/storage/storage.h"

struct making_passport {
	/* given */
	const struct vault *vault;
	bool primary; /* else a vault for copies */
	char warning[512];
	void (*done)(struct making_passport *m); /* m ends when it returns */
	void *arg;
	/* afterwards */
	struct fault fault;
	bool made;
	uint64_t serial, at_ms; /* of the newest on the medium; 0 = there is none */
	uint64_t changes;       /* of the vault, that it knows */
	/* on the way */
	struct passport now;
	struct buf text;
	uint64_t highest; /* serial of any file */
	struct passport before;
	struct buf before_text;
};

/* Makes one when it would say something new. Copies it. done on the loop. */
void passport_make(const struct making_passport *m);

/* ---- sql_passport.c ---- */

/* Three statements: vaults and time; key ids in use; chains. */
void sql_add_passport(struct txn *t, const struct making_passport *m);
/* What they say. Entries are the passport's. */
void sql_passport_read(struct db_result **r, struct making_passport *m);
/* The catalogue hears of the newest passport of a vault. */
void sql_passport_put(const struct making_passport *m);
