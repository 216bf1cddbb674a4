// SPDX-License-Identifier: Apache-2.0
/* Vaults beside the primary one, and drills: schemas/sql/0039_store_copies.sql. Arguments are read
 * at once. */
#pragma once

#include "services/storage/storage.h"
#include "services/storage/vaults/remote.h"

/* ---- vaults ---- */

struct copy_vault_row {
	struct uuid id;
	const char *name, *state;
	struct remote_row at; /* kind dir: its path is the place */
	const char *override; /* why it may be on the same disk; "" = it is not */
	bool passport;        /* it ever had one */
	bool changed;         /* since its newest passport */
};
/* kind place account pin region login, from this column on. */
void sql_remote_read(struct db_result *r, int row, int column, struct remote_row *ret);
/* The vaults that copies go to. */
void sql_copy_vaults(db_fn fn, void *arg);
void sql_copy_vault_read(struct db_result *r, int row, struct copy_vault_row *ret);
/* Is it there? why: what hinders copies, code 0 = nothing. */
void sql_vault_seen(const struct uuid *id, bool there, const struct fault *why);
struct vault_adding {
	struct uuid id;
	const char *name, *placement, *override, *durability;
	struct vault_address at;
	struct span login;
	bool removable;
};
/* Two statements: the vault, no row when it is known under another name; all committed versions
 * wait for it. */
void sql_add_vault(struct txn *t, const struct vault_adding *v);
/* One row when there was one: nothing more is copied to it. */
void sql_vault_retire(struct call *call, db_fn fn);

/* fn's arg is the call, whose body is version_copies. */
void sql_version_copies(struct call *call, db_fn fn);
void sql_version_copy_read(struct db_result *r, int row, struct m_version_copy *ret);

/* ---- copies ---- */

struct copy_owed {
	struct uuid version, source;
	bool queued; /* else damaged or missing */
};
void sql_copy_next(const struct uuid *vault, unsigned limit, db_fn fn, void *arg);
void sql_copy_next_read(struct db_result *r, int row, struct copy_owed *ret);
struct copy_put {
	struct uuid vault, version, kek; /* kek: under which the slot lies there */
	uint64_t bytes;
};
void sql_copy_put(const struct copy_put *put, db_fn fn, void *arg);

/* Slots of a vault that lie under another key than in the primary one: rows version, kek, device,
 * kind, generation; nobody erases them until the transaction ends. */
void sql_add_copy_slots(struct txn *t, const struct uuid *vault, unsigned limit);
/* They lie under the key that the catalogue says; the vault has changed. */
void sql_add_copy_slots_put(
	struct txn *t, const struct uuid *vault, const struct uuid *ids, size_t n);

/* ---- drills ---- */

#define DRILLS_MAX 100

struct drilled {
	struct uuid version, device;
	uint64_t generation;
	char kind[24], family[65], model[65], language[36];
	char lists[1024]; /* names of its native items, comma list */
};
void sql_drill_next(int64_t limit, uint64_t age_ms, db_fn fn);
void sql_drilled_read(struct db_result *r, int row, struct drilled *ret);
/* device, lists of its newest version: what it takes. */
void sql_drill_lists(const struct uuid *ids, size_t n, db_fn fn);
struct drill_result {
	const struct drilled *of;
	struct uuid target, run;
	const char *outcome, *detail;
};
void sql_drill_put(const struct drill_result *d, db_fn fn, void *arg);
/* fn's arg is the call, whose body is drill_list. */
void sql_drill_list(struct call *call, db_fn fn);
void sql_drill_row_read(struct db_result *r, int row, struct m_drill *ret);
