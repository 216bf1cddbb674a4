// SPDX-License-Identifier: Apache-2.0
/* SQL of retention and chores. */
#include "services/storage/sql_retention.h"

#include "services/storage/sql.h"

static const struct db_sql POLICIES = {"store_policies",
	"select kind, last, hourly, daily, weekly, monthly, yearly, within_days, keep_min,"
	" held_days, time_zone, changed_by, changed_at from store.retention where tenant_id = $1"
	" order by kind"};
static const struct db_sql POLICY_PUT = {"store_policy_put",
	"insert into store.retention as r (tenant_id, kind, last, hourly, daily, weekly, monthly,"
	" yearly, within_days, keep_min, held_days, time_zone, changed_by)"
	" values ($1, coalesce($2, ''), $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
	" on conflict (tenant_id, kind) do update set last = excluded.last,"
	" hourly = excluded.hourly, daily = excluded.daily, weekly = excluded.weekly,"
	" monthly = excluded.monthly, yearly = excluded.yearly,"
	" within_days = excluded.within_days, keep_min = excluded.keep_min,"
	" held_days = excluded.held_days, time_zone = excluded.time_zone,"
	" changed_by = excluded.changed_by, changed_at = clock_timestamp()"
	" returning kind, last, hourly, daily, weekly, monthly, yearly, within_days, keep_min,"
	" held_days, time_zone, changed_by, changed_at"};
static const struct db_sql WALK = {"store_walk",
	"with d as (select v.device_id from store.version v where v.tenant_id = $1"
	" and v.state in ('committed','condemned')"
	" and v.device_id > coalesce($2, '00000000-0000-0000-0000-000000000000'::uuid)"
	" group by v.device_id order by v.device_id limit $3)"
	" select v.id, v.device_id, v.kind, v.generation, v.committed_at,"
	" v.flags && array['torn','partial'], h.version_id is not null,"
	" store.awaits_successor(v.id, v.device_id, v.kind, v.generation),"
	" v.kind = 'pre_image' and not exists (select 1 from store.version w"
	"  where w.device_id = v.device_id and w.kind in ('address_book','settings')"
	"  and w.state = 'committed' and not w.read_back and not w.flags && array['torn','partial']"
	"  and w.committed_at > v.committed_at),"
	" coalesce(v.protected_until = 'infinity', false), nullif(v.protected_until, 'infinity'),"
	" v.bytes_stored, v.device_name"
	" from d join store.version v on v.device_id = d.device_id and v.state = 'committed'"
	" left join store.head h on h.version_id = v.id and h.device_id = v.device_id"
	" and h.kind = v.kind"
	" order by v.device_id, v.kind, v.generation desc"};
static const struct db_sql CLOCK = {"store_clock",
	"with old as (select db_at, boot_ms from store.retention_clock"
	"  where tenant_id = $1 and boot = $2),"
	" put as (insert into store.retention_clock as c (tenant_id, boot, db_at, boot_ms)"
	"  values ($1, $2, clock_timestamp(), $3)"
	"  on conflict (tenant_id, boot) do update set db_at = excluded.db_at,"
	"  boot_ms = excluded.boot_ms where $4 or abs(extract(epoch from excluded.db_at - c.db_at)"
	"  * 1000 - (excluded.boot_ms - c.boot_ms)) < 3600000)"
	" select clock_timestamp(), coalesce((select extract(epoch from clock_timestamp() - db_at)"
	" * 1000 - ($3::bigint - boot_ms) from old), 0)::bigint"};
static const struct db_sql PLAN_ASK = {"store_plan_ask",
	"insert into store.prune_plan as p (tenant_id, hash, asked_by) values ($1, $2, $3)"
	" on conflict (tenant_id, hash) do update set"
	" asked_by = case when p.asked_at > clock_timestamp() - interval '7 days'"
	"  then p.asked_by else excluded.asked_by end,"
	" asked_at = case when p.asked_at > clock_timestamp() - interval '7 days'"
	"  then p.asked_at else clock_timestamp() end returning p.asked_by"};
static const struct db_sql CONDEMN = {
	"store_condemn", "select store.condemn($1, $2::uuid[], $3::int[], $4)"};
static const struct db_sql ERASE_DUE = {"store_erase_due", "select store.erase_due($1, 500)"};
static const struct db_sql PROTECT = {"store_protect",
	"update store.version set protected_until = case when $3 then coalesce($4::timestamptz, "
	"'infinity') end"
	" where tenant_id = $1 and id = $2 and state in ('committed','condemned') returning id"};
static const struct db_sql UNDO = {"store_undo",
	"update store.version set state = 'committed', held_until = null, condemned_by = null"
	" where tenant_id = $1 and id = $2 and state = 'condemned'"
	" and held_until > clock_timestamp() returning id"};
static const struct db_sql FILE_DELETE = {
	"store_file_delete", "select why, names from store.file_delete($1, $2, $3)"};
static const struct db_sql CHORE_CLAIM = {
	"store_chore_claim", "select store.chore_claim($1, $2, $3, $4, $5)"};
static const struct db_sql CHORE_DUE = {"store_chore_due",
	"insert into store.chore as c (tenant_id, name, next_at) values ($1, $2, clock_timestamp())"
	" on conflict (tenant_id, name) do update set next_at = least(c.next_at, "
	"clock_timestamp())"};
static const struct db_sql CHORE_RENEW = {"store_chore_renew",
	"update store.chore set claimed_until = clock_timestamp() + $4 * interval '1 ms'"
	" where tenant_id = $1 and name = $2 and owner = $3 and claimed_until > clock_timestamp()"};
static const struct db_sql CHORE_DONE = {
	"store_chore_done", "select store.chore_done($1, $2, $3, $4, $5)"};

/* ---- policies ---- */

void sql_policies(db_fn fn, void *arg)
{
	db_query(app.service->db, &POLICIES, sql_fill_tenant, fn, arg);
}

void sql_policy_read(struct db_result *r, int row, struct m_retention *ret)
{
	*ret = (struct m_retention){.kind = kind_number(db_get_text(r, row, 0)),
		.last = (uint64_t)db_get_int(r, row, 1),
		.hourly = (uint64_t)db_get_int(r, row, 2),
		.daily = (uint64_t)db_get_int(r, row, 3),
		.weekly = (uint64_t)db_get_int(r, row, 4),
		.monthly = (uint64_t)db_get_int(r, row, 5),
		.yearly = (uint64_t)db_get_int(r, row, 6),
		.within_days = (uint64_t)db_get_int(r, row, 7),
		.keep_min = (uint64_t)db_get_int(r, row, 8),
		.held_days = (uint64_t)db_get_int(r, row, 9),
		.time_zone = db_get_text(r, row, 10),
		.changed_by = db_get_text(r, row, 11),
		.changed_at = db_get_time_ms(r, row, 12)};
}

static void fill_policy(struct db_args *a, void *arg)
{
	const struct call *call = arg;
	const struct m_retention *p = ((const struct m_retention_put *)call->body)->policy;
	db_uuid(a, &app.tenant);
	db_text(a, p->kind == 0 ? NULL : kind_word(p->kind));
	const uint64_t counts[] = {
		p->last, p->hourly, p->daily, p->weekly, p->monthly, p->yearly, p->within_days};
	for (size_t i = 0; i < array_len(counts); i++)
		db_int(a, (int64_t)counts[i]);
	db_int(a, p->keep_min == 0 ? 3 : (int64_t)p->keep_min);
	db_int(a, p->held_days == 0 ? 7 : (int64_t)p->held_days);
	db_text(a, p->time_zone == NULL || p->time_zone[0] == 0 ? "UTC" : p->time_zone);
	db_text(a, call->header.actor == NULL ? "" : call->header.actor);
}

void sql_policy_put(struct call *call, db_fn fn)
{
	db_query(app.service->db, &POLICY_PUT, fill_policy, fn, call);
}

/* ---- the walk ---- */

static void fill_walk(struct db_args *a, void *arg)
{
	const struct sql_walk *w = arg;
	db_uuid(a, &app.tenant);
	db_uuid(a, &w->after);
	db_int(a, w->devices);
}

void sql_walk(struct sql_walk *walk, db_fn fn)
{
	db_query(app.service->db, &WALK, fill_walk, fn, walk);
}

void sql_walked_read(struct db_result *r, int row, struct sql_walked *ret)
{
	*ret = (struct sql_walked){.device = db_get_uuid(r, row, 1),
		.kind = kind_number(db_get_text(r, row, 2)),
		.version = {.id = db_get_uuid(r, row, 0),
			.generation = (uint64_t)db_get_int(r, row, 3),
			.at_ms = db_get_time_ms(r, row, 4),
			.flagged = db_get_bool(r, row, 5),
			.head = db_get_bool(r, row, 6),
			.awaits_successor = db_get_bool(r, row, 7),
			.awaited = db_get_bool(r, row, 8),
			.protected_until =
				db_get_bool(r, row, 9) ? INT64_MAX : db_get_time_ms(r, row, 10)},
		.bytes = (uint64_t)db_get_int(r, row, 11),
		.device_name = db_get_text(r, row, 12)};
	ret->version.pre_image = ret->kind == VERSION_KIND_PRE_IMAGE;
}

/* ---- pruning ---- */

static void fill_clock(struct db_args *a, void *arg)
{
	const struct sql_clock *c = arg;
	db_uuid(a, &app.tenant);
	db_text(a, c->boot);
	db_int(a, (int64_t)c->boot_ms);
	db_bool(a, c->settle);
}

void sql_clock(struct sql_clock *c, db_fn fn)
{
	db_query(app.service->db, &CLOCK, fill_clock, fn, c);
}

static void fill_asker(struct db_args *a, void *arg)
{
	const struct sql_asker *k = arg;
	db_uuid(a, &app.tenant);
	db_bytes(a, (struct span){k->hash, SHA256_LEN});
	db_text(a, k->person);
}

void sql_plan_ask(struct sql_asker *a, db_fn fn)
{
	db_query(app.service->db, &PLAN_ASK, fill_asker, fn, a);
}

static void fill_condemned(struct db_args *a, void *arg)
{
	const struct sql_condemned *c = arg;
	db_uuid(a, &app.tenant);
	db_array(a);
	for (size_t i = 0; i < c->n; i++)
		db_uuid(a, &c->ids[i]);
	db_array_end(a);
	db_array(a);
	for (size_t i = 0; i < c->n; i++)
		db_int(a, c->held_days[i]);
	db_array_end(a);
	db_text(a, c->by);
}

void sql_condemn(struct sql_condemned *c, db_fn fn)
{
	db_query(app.service->db, &CONDEMN, fill_condemned, fn, c);
}

void sql_erase_due(db_fn fn, void *arg)
{
	db_query(app.pruner, &ERASE_DUE, sql_fill_tenant, fn, arg);
}

/* ---- one version ---- */

/* Whose callback belongs to somebody else: read at once. */
static const struct sql_protect *protecting;
static const struct uuid *undoing;

static void fill_protect(struct db_args *a, void *arg)
{
	(void)arg;
	db_uuid(a, &app.tenant);
	db_uuid(a, &protecting->id);
	db_bool(a, protecting->on);
	db_time_ms(a, protecting->until);
}

void sql_protect(struct sql_protect *p, db_fn fn, void *arg)
{
	protecting = p;
	db_query(app.service->db, &PROTECT, fill_protect, fn, arg);
}

static void fill_undo(struct db_args *a, void *arg)
{
	(void)arg;
	db_uuid(a, &app.tenant);
	db_uuid(a, undoing);
}

void sql_undo(const struct uuid *id, db_fn fn, void *arg)
{
	undoing = id;
	db_query(app.service->db, &UNDO, fill_undo, fn, arg);
}

static void fill_file(struct db_args *a, void *arg)
{
	const struct call *call = arg;
	db_uuid(a, &app.tenant);
	db_uuid(a, &((const struct m_file_delete *)call->body)->id);
	db_text(a, call->header.actor == NULL ? "" : call->header.actor);
}

void sql_file_delete(struct call *call, db_fn fn)
{
	db_query(app.service->db, &FILE_DELETE, fill_file, fn, call);
}

/* ---- chores ---- */

static void fill_due(struct db_args *a, void *arg)
{
	const struct sql_chore *c = arg;
	db_uuid(a, &app.tenant);
	db_text(a, c->name);
}

void sql_chore_due(struct sql_chore *c, db_fn fn)
{
	db_query(app.service->db, &CHORE_DUE, fill_due, fn, c);
}

static void fill_claim(struct db_args *a, void *arg)
{
	const struct sql_chore *c = arg;
	db_uuid(a, &app.tenant);
	db_text(a, c->name);
	db_uuid(a, &app.service->instance);
	db_int(a, (int64_t)c->every_ms);
	db_int(a, (int64_t)c->lease_ms);
}

void sql_chore_claim(struct sql_chore *c, db_fn fn)
{
	db_query(app.service->db, &CHORE_CLAIM, fill_claim, fn, c);
}

static const struct sql_chore *ended;

static void fill_done(struct db_args *a, void *arg)
{
	(void)arg;
	db_uuid(a, &app.tenant);
	db_text(a, ended->name);
	db_uuid(a, &app.service->instance);
	db_int(a, (int64_t)ended->every_ms);
	db_text(a, ended->outcome);
}

void sql_chore_done(const struct sql_chore *c)
{
	ended = c;
	db_query(app.service->db, &CHORE_DONE, fill_done, sql_ignore, NULL);
}

static void fill_renew(struct db_args *a, void *arg)
{
	(void)arg;
	db_uuid(a, &app.tenant);
	db_text(a, ended->name);
	db_uuid(a, &app.service->instance);
	db_int(a, (int64_t)ended->lease_ms);
}

void sql_chore_renew(const struct sql_chore *c)
{
	ended = c;
	db_query(app.service->db, &CHORE_RENEW, fill_renew, sql_ignore, NULL);
}
