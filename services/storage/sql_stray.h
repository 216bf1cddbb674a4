// SPDX-License-Identifier: Apache-2.0
/* Unknown files: schemas/sql/0047_store_strays.sql. */
#pragma once

#include "services/storage/sql_upkeep.h"

/* All objects that lie in a slice of a vault; rows: those that no row knows, as of
 * sql_removal_read, and whether that is so for age. By the pruner. */
void sql_stray_look(const struct uuid *vault, unsigned slice, uint64_t age_ms,
	const struct removal *lying, size_t n, db_fn fn);
/* One row: how many of these versions have no row. */
void sql_unknown_versions(const struct uuid *versions, size_t n, db_fn fn);
