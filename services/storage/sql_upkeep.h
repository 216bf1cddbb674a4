// SPDX-License-Identifier: Apache-2.0
/* Collection, scrub and quotas: schemas/sql/0038_store_upkeep.sql. */
#pragma once

#include "services/storage/storage.h"

/* One row each: how many. */
void sql_collect_condemn(unsigned slice, uint64_t age_ms, db_fn fn, void *arg);
void sql_collect_doom(uint64_t age_ms, unsigned limit, db_fn fn, void *arg);

/* Files to be removed from a vault. */
struct removal {
	uint8_t oid[OID_LEN];
	uint64_t incarnation;
};
void sql_removals(const struct uuid *vault, unsigned limit, db_fn fn, void *arg);
void sql_removal_read(struct db_result *r, int row, struct removal *ret);
void sql_collect_done(
	const struct uuid *vault, const struct removal *gone, size_t n, db_fn fn, void *arg);

/* Erased versions whose key is still in a vault: rows version device kind generation digest. */
void sql_slots_owed(const struct uuid *vault, unsigned limit, db_fn fn, void *arg);
void sql_slots_gone(
	const struct uuid *vault, const struct uuid *versions, size_t n, db_fn fn, void *arg);

/* Copies that were not looked at for age: rows version bytes seen_at; and one row: bytes of all
 * verified copies of a vault, when the one seen longest ago was seen. */
void sql_scrub_next(const struct uuid *vault, uint64_t age_ms, unsigned limit, db_fn fn, void *arg);
void sql_scrub_sum(const struct uuid *vault, db_fn fn, void *arg);
/* One row when it was a verified copy until now: version, how many others are. state: verified,
 * damaged, missing. */
void sql_copy_seen(const struct uuid *vault, const struct uuid *version, const char *state,
	db_fn fn, void *arg);

/* Newest versions without a good copy: rows version device run. */
struct rescued {
	struct uuid version, device, run;
};
void sql_rescue_next(unsigned limit, db_fn fn);
void sql_rescued(const struct uuid *version, db_fn fn);

/* What this stream had reserved of a quota. */
void sql_release(const struct m_store_begin *ask);
/* bytes versions devices, their limits, and more limits with their use, one row. */
void sql_quota(db_fn fn, void *arg);
void sql_quota_put(struct call *call, db_fn fn);

/* Who subscribed to alarms is told: of a device or else of a vault; the same at most once a day. */
void sql_alarm(const char *kind, const struct uuid *device, const struct uuid *version,
	const struct uuid *vault);
/* One export more: '' and it is counted; or which limit, and seconds. */
void sql_export_take(db_fn fn, void *arg);
