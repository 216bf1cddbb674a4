// SPDX-License-Identifier: Apache-2.0
/* SQL of collection, scrub and quotas. Arguments are read at once, so that the callback's arg can
 * be the caller's own. */
#include "services/storage/sql_upkeep.h"

#include <string.h>

#include "services/storage/sql.h"

static const struct db_sql CONDEMN = {
	"store_collect_condemn", "select store.collect_condemn($1, $2, $3)"};
static const struct db_sql DOOM = {"store_collect_doom", "select store.collect_doom($1, $2, $3)"};
static const struct db_sql REMOVALS = {"store_removals",
	"select oid, incarnation from store.removal where tenant_id = $1 and vault_id = $2"
	" limit $3"};
static const struct db_sql DONE = {
	"store_collect_done", "select store.collect_done($1, $2, $3::bytea[], $4::bigint[])"};
static const struct db_sql SLOTS_OWED = {"store_slots_owed",
	"select c.version_id, v.device_id, v.kind, v.generation, v.digest,"
	" v.held_until is null from store.copy c"
	" join store.version v on v.id = c.version_id and v.tenant_id = $1"
	" where c.vault_id = $2 and c.state = 'erase_pending' limit $3"};
static const struct db_sql SLOTS_GONE = {
	"store_slots_gone", "select store.slots_gone($1, $2::uuid[])"};

static const struct uuid *of_vault;
static int64_t first, second;

/* ---- collection ---- */

static void fill_numbers(struct db_args *a, void *arg)
{
	(void)arg;
	db_uuid(a, &app.tenant);
	db_int(a, first);
	db_int(a, second);
}

void sql_collect_condemn(unsigned slice, uint64_t age_ms, db_fn fn, void *arg)
{
	first = slice;
	second = (int64_t)age_ms;
	db_query(app.pruner, &CONDEMN, fill_numbers, fn, arg);
}

void sql_collect_doom(uint64_t age_ms, unsigned limit, db_fn fn, void *arg)
{
	first = (int64_t)age_ms;
	second = limit;
	db_query(app.pruner, &DOOM, fill_numbers, fn, arg);
}

static void fill_vault(struct db_args *a, void *arg)
{
	(void)arg;
	db_uuid(a, &app.tenant);
	db_uuid(a, of_vault);
	db_int(a, first);
}

void sql_removals(const struct uuid *vault, unsigned limit, db_fn fn, void *arg)
{
	of_vault = vault;
	first = limit;
	db_query(app.service->db, &REMOVALS, fill_vault, fn, arg);
}

void sql_removal_read(struct db_result *r, int row, struct removal *ret)
{
	struct span oid = db_get_bytes(r, row, 0);
	bug_if(oid.n != OID_LEN);
	memcpy(ret->oid, oid.p, OID_LEN);
	ret->incarnation = (uint64_t)db_get_int(r, row, 1);
}

static const struct removal *removed;
static size_t removed_n;

static void fill_done(struct db_args *a, void *arg)
{
	(void)arg;
	db_uuid(a, &app.tenant);
	db_uuid(a, of_vault);
	db_array(a);
	for (size_t i = 0; i < removed_n; i++)
		db_bytes(a, (struct span){removed[i].oid, OID_LEN});
	db_array_end(a);
	db_array(a);
	for (size_t i = 0; i < removed_n; i++)
		db_int(a, (int64_t)removed[i].incarnation);
	db_array_end(a);
}

void sql_collect_done(
	const struct uuid *vault, const struct removal *gone, size_t n, db_fn fn, void *arg)
{
	of_vault = vault;
	removed = gone;
	removed_n = n;
	db_query(app.pruner, &DONE, fill_done, fn, arg);
}

void sql_slots_owed(const struct uuid *vault, unsigned limit, db_fn fn, void *arg)
{
	of_vault = vault;
	first = limit;
	db_query(app.service->db, &SLOTS_OWED, fill_vault, fn, arg);
}

static const struct uuid *slots;
static size_t slots_n;

static void fill_slots(struct db_args *a, void *arg)
{
	(void)arg;
	db_uuid(a, of_vault);
	db_array(a);
	for (size_t i = 0; i < slots_n; i++)
		db_uuid(a, &slots[i]);
	db_array_end(a);
}

void sql_slots_gone(
	const struct uuid *vault, const struct uuid *versions, size_t n, db_fn fn, void *arg)
{
	of_vault = vault;
	slots = versions;
	slots_n = n;
	db_query(app.pruner, &SLOTS_GONE, fill_slots, fn, arg);
}

/* ---- scrub ---- */

static const struct db_sql SCRUB_NEXT = {
	"store_scrub_next", "select version_id, bytes, seen_at from store.scrub_next($1, $2, $3)"};
static const struct db_sql SCRUB_SUM = {"store_scrub_sum",
	"select coalesce(sum(c.bytes), 0) + 8192 * count(*),"
	" min(coalesce(c.scrubbed_at, c.verified_at)), clock_timestamp() from store.copy c"
	" where c.vault_id = $1 and c.state = 'verified'"};
static const struct db_sql COPY_SEEN = {"store_copy_seen",
	"update store.copy set state = $3, scrubbed_at = clock_timestamp()"
	" where vault_id = $1 and version_id = $2 and state = 'verified' returning version_id,"
	" (select count(*) from store.copy o where o.version_id = $2 and o.vault_id <> $1"
	" and o.state = 'verified')"};

static void fill_next(struct db_args *a, void *arg)
{
	(void)arg;
	db_uuid(a, of_vault);
	db_int(a, first);
	db_int(a, second);
}

void sql_scrub_next(const struct uuid *vault, uint64_t age_ms, unsigned limit, db_fn fn, void *arg)
{
	of_vault = vault;
	first = (int64_t)age_ms;
	second = limit;
	db_query(app.service->db, &SCRUB_NEXT, fill_next, fn, arg);
}

static void fill_sum(struct db_args *a, void *arg)
{
	(void)arg;
	db_uuid(a, of_vault);
}

void sql_scrub_sum(const struct uuid *vault, db_fn fn, void *arg)
{
	of_vault = vault;
	db_query(app.service->db, &SCRUB_SUM, fill_sum, fn, arg);
}

static const struct db_sql RESCUE_NEXT = {
	"store_rescue_next", "select version_id, device_id, run_id from store.rescue_next($1, $2)"};
static const struct db_sql RESCUED = {
	"store_rescued", "update store.version set rescued_at = clock_timestamp() where id = $1"};

static const struct uuid *of_version;
static const char *state;

static void fill_rescue(struct db_args *a, void *arg)
{
	(void)arg;
	db_uuid(a, &app.tenant);
	db_int(a, first);
}

void sql_rescue_next(unsigned limit, db_fn fn)
{
	first = limit;
	db_query(app.service->db, &RESCUE_NEXT, fill_rescue, fn, NULL);
}

static void fill_rescued(struct db_args *a, void *arg)
{
	(void)arg;
	db_uuid(a, of_version);
}

void sql_rescued(const struct uuid *version, db_fn fn)
{
	of_version = version;
	db_query(app.service->db, &RESCUED, fill_rescued, fn, NULL);
}

static void fill_seen(struct db_args *a, void *arg)
{
	(void)arg;
	db_uuid(a, of_vault);
	db_uuid(a, of_version);
	db_text(a, state);
}

void sql_copy_seen(
	const struct uuid *vault, const struct uuid *version, const char *now, db_fn fn, void *arg)
{
	of_vault = vault;
	of_version = version;
	state = now;
	db_query(app.service->db, &COPY_SEEN, fill_seen, fn, arg);
}

/* ---- quotas ---- */

static const struct db_sql RELEASE = {"store_release", "select store.release($1, $2, $3)"};
static const struct db_sql QUOTA = {"store_quota",
	"select coalesce(sum(u.bytes), 0), coalesce(sum(u.versions), 0),"
	" coalesce(sum(u.devices), 0), q.bytes, q.versions, q.devices, q.mails_per_day,"
	" (select count(*) from store.mail m where m.tenant_id = $1"
	" and m.asked_at > clock_timestamp() - interval '1 day'),"
	" q.exports_per_hour, store.exports_used($1)"
	" from (select $1::uuid as id) t left join store.usage u on u.tenant_id = t.id"
	" left join store.quota q on q.tenant_id = t.id group by q.bytes, q.versions, q.devices,"
	" q.mails_per_day, q.exports_per_hour"};
static const struct db_sql QUOTA_PUT = {"store_quota_put",
	"insert into store.quota as q (tenant_id, bytes, versions, devices, mails_per_day,"
	" exports_per_hour)"
	" values ($1, nullif($2::bigint, 0), nullif($3::bigint, 0), nullif($4::bigint, 0),"
	" nullif(least($5::bigint, 2147483647), 0)::int,"
	" nullif(least($6::bigint, 2147483647), 0)::int)"
	" on conflict (tenant_id) do update set bytes = excluded.bytes,"
	" versions = excluded.versions, devices = excluded.devices,"
	" mails_per_day = excluded.mails_per_day,"
	" exports_per_hour = excluded.exports_per_hour"};
static const struct db_sql EXPORT_TAKE = {
	"store_export_take", "select verdict, wait_s from store.export_take($1)"};

static const struct m_store_begin *released;

static void fill_release(struct db_args *a, void *arg)
{
	(void)arg;
	db_uuid(a, &released->run);
	db_uuid(a, &released->device);
	db_text(a, kind_word(released->kind));
}

void sql_release(const struct m_store_begin *ask)
{
	released = ask;
	db_query(app.service->db, &RELEASE, fill_release, sql_ignore, NULL);
}

void sql_export_take(db_fn fn, void *arg)
{
	db_query(app.service->db, &EXPORT_TAKE, sql_fill_tenant, fn, arg);
}

void sql_quota(db_fn fn, void *arg)
{
	db_query(app.service->db, &QUOTA, sql_fill_tenant, fn, arg);
}

static void fill_quota(struct db_args *a, void *arg)
{
	const struct call *call = arg;
	const struct m_quota *q = ((const struct m_quota_put *)call->body)->quota;
	db_uuid(a, &app.tenant);
	db_int(a, (int64_t)q->bytes);
	db_int(a, (int64_t)q->versions);
	db_int(a, (int64_t)q->devices);
	db_int(a, (int64_t)q->mails);
	db_int(a, (int64_t)q->exports);
}

void sql_quota_put(struct call *call, db_fn fn)
{
	db_query(app.service->db, &QUOTA_PUT, fill_quota, fn, call);
}

/* ---- alarms ---- */

struct alarm {
	const char *kind;
	const struct uuid *device, *version, *vault;
};

static const struct db_sql ALARM = {"store_alarm",
	"select sched.alarm($1, coalesce('device/' || $2::uuid, 'vault/' || $4::uuid),"
	" jsonb_strip_nulls(jsonb_build_object('device', $2::uuid, 'version', $3::uuid, 'vault',"
	" $4::uuid, 'vault_name', (select name from store.vault where id = $4::uuid))))"};

static void fill_one(struct db_args *a, const struct uuid *id)
{
	if (id == NULL)
		db_null(a);
	else
		db_uuid(a, id);
}

static void fill_alarm(struct db_args *a, void *arg)
{
	const struct alarm *alarm = arg;
	db_text(a, alarm->kind);
	fill_one(a, alarm->device);
	fill_one(a, alarm->version);
	fill_one(a, alarm->vault);
}

static void alarm_told(
	struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	(void)t;
	(void)r;
	(void)n;
	(void)arg;
	if (f != NULL)
		log_warn(L("an alarm could not be told"), L_FAULT(f));
}

void sql_alarm(const char *kind, const struct uuid *device, const struct uuid *version,
	const struct uuid *vault)
{
	struct alarm alarm = {kind, device, version, vault};
	db_query(app.service->db, &ALARM, fill_alarm, alarm_told, &alarm);
}
