// SPDX-License-Identifier: Apache-2.0
/* Retention and chores: schemas/sql/0037_store_retention.sql. */
#pragma once

#include "services/storage/retention.h"
#include "services/storage/storage.h"

/* A policy as it is kept: of a kind, or (kind 0) of all that have none. */
struct policy {
	enum version_kind kind;
	struct retention_policy rules;
	unsigned held_days;
};

/* Rows for sql_policy_read. */
void sql_policies(db_fn fn, void *arg);
void sql_policy_read(struct db_result *r, int row, struct m_retention *ret);
/* fn's arg is the call, whose body is retention_put. */
void sql_policy_put(struct call *call, db_fn fn);

/* A walk over all committed versions, some devices at a time. */
struct sql_walk {
	struct uuid after; /* the last device seen */
	unsigned devices;
};
/* Versions by device, kind, newest first. fn's arg is walk. */
void sql_walk(struct sql_walk *walk, db_fn fn);
struct sql_walked {
	struct uuid device;
	enum version_kind kind;
	struct retention_version version;
	uint64_t bytes;
	const char *device_name;
};
void sql_walked_read(struct db_result *r, int row, struct sql_walked *ret);

/* One row: the database's time, and how far it went since the last look of this boot, less what
 * the clock of the machine says, ms. settle: from here on it counts as right. */
struct sql_clock {
	const char *boot;
	uint64_t boot_ms;
	bool settle;
};
void sql_clock(struct sql_clock *c, db_fn fn);

/* Who asked for this plan first, if somebody did in the last week; else it is this person. */
struct sql_asker {
	uint8_t hash[SHA256_LEN];
	const char *person;
};
void sql_plan_ask(struct sql_asker *a, db_fn fn);

struct sql_condemned {
	const struct uuid *ids;
	const unsigned *held_days;
	size_t n;
	const char *by;
};
/* One row: how many. */
void sql_condemn(struct sql_condemned *c, db_fn fn);
/* One row: how many were erased whose time is over. */
void sql_erase_due(db_fn fn, void *arg);

/* until 0 = without end. One row when there is such a version. */
struct sql_protect {
	struct uuid id;
	bool on;
	int64_t until;
};
void sql_protect(struct sql_protect *p, db_fn fn, void *arg);
void sql_undo(const struct uuid *id, db_fn fn, void *arg);
/* → why not ("" = done), and what names it */
void sql_file_delete(struct call *call, db_fn fn);

struct sql_chore {
	const char *name, *outcome;
	uint64_t every_ms, lease_ms;
};
/* Its time has come, whatever was planned. fn's arg is chore. */
void sql_chore_due(struct sql_chore *c, db_fn fn);
/* One row: is it ours now? fn's arg is chore. */
void sql_chore_claim(struct sql_chore *c, db_fn fn);
/* It goes on: others leave it alone for another lease. */
void sql_chore_renew(const struct sql_chore *c);
void sql_chore_done(const struct sql_chore *c);
