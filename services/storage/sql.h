// SPDX-License-Identifier: Apache-2.0
/* The catalogue. Each function appends one statement; its results are read by the row functions. */
#pragma once

#include "services/storage/storage.h"

/* For statements whose only parameter is the tenant; for those whose end nobody waits for. */
void sql_fill_tenant(struct db_args *a, void *arg);
void sql_ignore(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg);

/* A version as begin_version and stage_version answer. */
struct sql_known {
	const char *verdict; /* "" done unchanged staged lease_lost conflict_op conflict_items */
	struct m_stored stored;
	const char *flags; /* comma list */
	const char *quota; /* "" none, "reserved", else which one is used up */
	uint64_t prev_generation;
	struct span prev_digest;
	uint64_t now_ms;
};

/* fn's arg is the call, whose body is store_begin. */
void sql_begin(struct call *call, db_fn fn);
void sql_known_read(struct db_result *r, bool staged, struct sql_known *ret);

void sql_add_stage(struct txn *t, const struct draft *d, const struct uuid *version);
void sql_add_find_objects(struct txn *t, const struct draft *d);

struct sql_object {
	struct span oid, cipher;
	uint64_t incarnation, plain_len, stored_len;
	bool has_key;
	struct uuid version, kek;
	unsigned item_no;
	struct span wrapped_key, wrapped_dek;
};
void sql_object_read(struct db_result *r, int row, struct sql_object *ret);

/* Objects of all items that are not known, then one statement per draft; its row is the verdict. */
void sql_add_put_objects(struct txn *t, struct draft *const *drafts, size_t n);
void sql_add_commit(struct txn *t, const struct draft *d);

void sql_signed(const struct uuid *ids, size_t n);

/* ---- reading ---- */

struct sql_list_ask {
	struct call *call;  /* body is version_list */
	struct uuid before; /* nil = from the newest */
	unsigned limit;     /* one row more is asked for */
};
/* fn's arg is ask. */
void sql_list(struct sql_list_ask *ask, db_fn fn);
/* fn's arg is the call, whose body is version_at; a row as of sql_list, or none. */
void sql_at(struct call *call, db_fn fn);
/* What a call with a scope names, NULL = none → whether all of it is seen, and may be touched. */
struct sql_scope {
	struct call *call;
	const struct uuid *versions[2], *device;
};
void sql_in_scope(struct sql_scope *ask, db_fn fn);
/* The newest version of kind `distribution` kept under this id, or none. */
void sql_head(const struct uuid *id, void *arg, db_fn fn);
/* One row when there is such a version: manifest and signature, as they lie on the medium. */
void sql_manifest(const struct uuid *id, void *arg, db_fn fn);
/* The newest of each id whose name or id is this one (NULL: of all) and that is seen within a scope
 * (NULL: all are), by name. */
void sql_distributions(const char *name, const char *scope, void *arg, db_fn fn);
uint64_t sql_list_total(struct db_result *r);
/* Two statements: the version, its items. */
void sql_add_get(struct txn *t, const struct uuid *id);
void sql_version_read(struct db_result *r, int row, struct arena *a, struct m_version *ret);
size_t sql_flags(const char *list, struct arena *a, const char *const **ret);
struct sql_item {
	const char *name, *role, *kind;
	uint64_t entries;
	struct sql_object object;
};
void sql_item_read(struct db_result *r, int row, struct sql_item *ret);

/* ---- the vault, recovery ---- */

/* id of the vault of our name, if the catalogue knows it */
void sql_vault_find(db_fn fn);
void sql_vault_put(db_fn fn);
/* id name kind role state placement override seen versions */
void sql_vault_list(db_fn fn, void *arg);
/* id device kind generation manifest signature of versions committed more than 10 s ago whose
 * signature is not on the medium; or exactly that one (only nil: all). fn's
 * arg is only. */
void sql_unsigned(struct uuid *only, db_fn fn);
void sql_expire(void);
struct sql_ids {
	const struct uuid *ids;
	size_t n;
};
/* Which of these versions are committed or later. fn's arg is ids. */
void sql_exist(struct sql_ids *ids, db_fn fn);
