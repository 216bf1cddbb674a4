// SPDX-License-Identifier: Apache-2.0
#include "services/storage/sql_stray.h"

static const struct db_sql LOOK = {"store_stray_look",
	"select oid, incarnation, due from store.stray_look($1, $2, $3, $4, $5::bytea[],"
	" $6::bigint[])"};
static const struct db_sql UNKNOWN = {"store_unknown_versions",
	"select count(*) from unnest($2::uuid[]) as u(id) where not exists (select 1 from"
	" store.version v where v.tenant_id = $1 and v.id = u.id)"};

/* Read at once. */
static struct {
	const struct uuid *vault, *versions;
	const struct removal *lying;
	size_t n;
	unsigned slice;
	uint64_t age_ms;
} of;

static void fill_look(struct db_args *a, void *arg)
{
	(void)arg;
	db_uuid(a, &app.tenant);
	db_uuid(a, of.vault);
	db_int(a, of.slice);
	db_int(a, (int64_t)of.age_ms);
	db_array(a);
	for (size_t i = 0; i < of.n; i++)
		db_bytes(a, (struct span){of.lying[i].oid, OID_LEN});
	db_array_end(a);
	db_array(a);
	for (size_t i = 0; i < of.n; i++)
		db_int(a, (int64_t)of.lying[i].incarnation);
	db_array_end(a);
}

void sql_stray_look(const struct uuid *vault, unsigned slice, uint64_t age_ms,
	const struct removal *lying, size_t n, db_fn fn)
{
	of.vault = vault;
	of.slice = slice;
	of.age_ms = age_ms;
	of.lying = lying;
	of.n = n;
	db_query(app.pruner, &LOOK, fill_look, fn, NULL);
}

static void fill_unknown(struct db_args *a, void *arg)
{
	(void)arg;
	db_uuid(a, &app.tenant);
	db_array(a);
	for (size_t i = 0; i < of.n; i++)
		db_uuid(a, &of.versions[i]);
	db_array_end(a);
}

void sql_unknown_versions(const struct uuid *versions, size_t n, db_fn fn)
{
	of.versions = versions;
	of.n = n;
	db_query(app.service->db, &UNKNOWN, fill_unknown, fn, NULL);
}
