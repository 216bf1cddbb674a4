// SPDX-License-Identifier: Apache-2.0
/* The catalogue made again: schemas/sql/0041_store_rebuild.sql. As the owner of the tables. */
#pragma once

#include "common/db/db.h"
#include "services/storage/medium_version.h"

/* One row: "" or why not, the vault's name. */
void sql_add_rebuild_begin(struct txn *t, const struct vault *v, const char *name);
/* One row: added, erased, known, differs, twin. */
void sql_add_rebuild_version(struct txn *t, const struct vault *v, const struct medium_version *mv);
/* token 0: of no device. */
void sql_add_rebuild_chain(
	struct txn *t, const struct uuid *device, const char *kind, uint64_t token);
