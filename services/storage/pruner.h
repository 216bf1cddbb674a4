// SPDX-License-Identifier: Apache-2.0
/* The second login of storage at the catalogue, as carnet_pruner: the only one that may end a
 * version, a key, an object or a copy (ST-49). The other one is refused by the database itself:
 * schemas/sql/0046_store_pruner.sql. */
#pragma once

#include "services/storage/storage.h"

/* Where it logs in: prune_database, or as the service does but with the name of the role. */
int pruner_conninfo(const char *prune_database, const char *database, char *out, size_t size,
	struct fault *reterr) must_check;

/* Opens app.pruner. A login that fails stops no backup: what would be removed stays until it
 * succeeds, and every attempt says so. */
int pruner_start(struct fault *reterr) must_check;
/* From the keeper: tells when it is lost and found again. */
void pruner_tick(void);
