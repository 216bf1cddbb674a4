// SPDX-License-Identifier: Apache-2.0
/* SQL of copies and drills. */
#include "services/storage/sql_copies.h"

#include <stdio.h>
#include <string.h>

#include "common/clock/clock.h"
#include "services/storage/sql.h"

static const struct db_sql COPY_VAULTS = {"store_copy_vaults",
	"select id, name, state, kind, coalesce(place, ''), account, pin, region,"
	" coalesce(login, ''), coalesce(placement_override, ''), passport > 0,"
	" changes <> passport_of from store.vault where tenant_id = $1"
	" and role = 'copy' and state <> 'retired' order by name limit 16"};
static const struct db_sql VAULT_SEEN = {"store_vault_seen",
	"update store.vault set state = $2, detail = $3, cause = $4,"
	" needs = nullif($5::int, 0), has = nullif($6::int, 0),"
	" last_seen_at = case when $2 = 'ready' then clock_timestamp() else last_seen_at end"
	" where id = $1 and state <> 'retired'"};
/* A vault that is known may be given another address or login, or come back after it was retired.
 */
static const struct db_sql VAULT_ADD = {"store_vault_add",
	"insert into store.vault as v (id, tenant_id, name, role, min_protocol, protocol, kind,"
	" place, account, pin, region, login, placement, placement_override, durability, removable,"
	" state, last_seen_at) values ($1, $2, $3, 'copy', $4, $4, $5, $6, $7, $8, $9, $10, $11,"
	" $12, $13, $14, 'ready', clock_timestamp()) on conflict (id) do update set"
	" name = excluded.name, kind = excluded.kind, place = excluded.place,"
	" account = excluded.account, pin = excluded.pin, region = excluded.region,"
	" login = excluded.login, placement = excluded.placement,"
	" placement_override = excluded.placement_override, durability = excluded.durability,"
	" removable = excluded.removable, state = 'ready', cause = '', detail = '',"
	" last_seen_at = excluded.last_seen_at"
	" where v.role = 'copy' and (v.state = 'retired' or v.name = excluded.name) returning id"};
static const struct db_sql VAULT_FILL = {"store_vault_fill",
	/* of erased ones what the chain needs: manifest and tombstone */
	"insert into store.copy (version_id, vault_id, state) select v.id, $1,"
	" case when v.state = 'erased' then 'erase_pending' else 'queued' end"
	" from store.version v where v.tenant_id = $2 and v.state in"
	" ('committed','condemned','erased') on conflict do nothing"};
static const struct db_sql VAULT_RETIRE = {"store_vault_retire",
	"update store.vault set state = 'retired' where tenant_id = $1 and name = $2"
	" and role in ('copy','mail') and state <> 'retired' returning id"};
static const struct db_sql VERSION_COPIES = {"store_version_copies",
	"select v.id, v.name, c.state, c.verified_at, c.scrubbed_at, v.removable, v.role, v.kind,"
	" coalesce((select case when w.state = 'ready' then ''"
	" else coalesce(nullif(w.cause, ''), 'mail_not_set_up') end from store.vault w"
	" where w.tenant_id = $1 and w.role = 'mail' and w.state <> 'retired'"
	" order by w.name limit 1), 'mail_not_set_up')"
	" from (select vault_id, state, verified_at, scrubbed_at from store.copy"
	" where version_id = $2 union all select vault_id, state, null, null from store.mail"
	" where version_id = $2) c join store.vault v on v.id = c.vault_id"
	" where v.tenant_id = $1 order by v.role = 'primary' desc, v.name limit 64"};
static const struct db_sql COPY_NEXT = {
	"store_copy_next", "select version_id, was, source from store.copy_next($1, $2)"};
static const struct db_sql COPY_PUT = {"store_copy_put", "select store.copy_put($1, $2, $3, $4)"};
static const struct db_sql COPY_SLOTS = {"store_copy_slots",
	"select version_id, kek_id, device_id, kind, generation from store.copy_slots($1, $2)"};
static const struct db_sql COPY_SLOTS_PUT = {"store_copy_slots_put",
	"update store.copy c set kek_id = k.kek_id from store.version_key k"
	" where c.vault_id = $1 and c.version_id = any($2::uuid[]) and k.version_id = "
	"c.version_id"};
static const struct db_sql VAULT_CHANGED = {
	"store_vault_changed", "update store.vault set changes = changes + 1 where id = $1"};
static const struct db_sql DRILL_NEXT = {"store_drill_next",
	"select d.version_id, d.device_id, d.kind, d.generation, d.family, d.model,"
	" coalesce((select string_agg(o.item, ',' order by o.item) from store.version_object o"
	" where o.version_id = d.version_id and o.role = 'native'), ''),"
	" v.language from store.drill_next($1, $2, $3) d"
	" join store.version v on v.id = d.version_id"};
static const struct db_sql DRILL_LISTS = {"store_drill_lists",
	"select h.device_id, string_agg(o.item, ',' order by o.item) from store.head h"
	" join store.version_object o on o.version_id = h.version_id and o.role = 'native'"
	" where h.device_id = any($1::uuid[]) and h.kind = 'address_book' group by h.device_id"};
static const struct db_sql DRILL_PUT = {"store_drill_put",
	"insert into store.drill (id, tenant_id, version_id, device_id, kind, generation,"
	" target_id, outcome, detail, run_id) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"};
static const struct db_sql DRILL_LIST = {"store_drill_list",
	"select version_id, device_id, kind, generation, target_id, at, outcome, detail, run_id"
	" from store.drill where tenant_id = $1 and ($2::uuid is null or device_id = $2)"
	" order by at desc limit $3"};

static const struct uuid *of_vault;
static int64_t number, second;

/* ---- vaults ---- */

void sql_copy_vaults(db_fn fn, void *arg)
{
	db_query(app.service->db, &COPY_VAULTS, sql_fill_tenant, fn, arg);
}

void sql_remote_read(struct db_result *r, int row, int column, struct remote_row *ret)
{
	(void)snprintf(ret->kind, sizeof(ret->kind), "%s", db_get_text(r, row, column));
	(void)snprintf(ret->place, sizeof(ret->place), "%s", db_get_text(r, row, column + 1));
	(void)snprintf(ret->account, sizeof(ret->account), "%s", db_get_text(r, row, column + 2));
	(void)snprintf(ret->pin, sizeof(ret->pin), "%s", db_get_text(r, row, column + 3));
	(void)snprintf(ret->region, sizeof(ret->region), "%s", db_get_text(r, row, column + 4));
	struct span login = db_get_bytes(r, row, column + 5);
	ret->login_n = size_min(login.n, sizeof(ret->login));
	if (ret->login_n > 0)
		memcpy(ret->login, login.p, ret->login_n);
}

void sql_copy_vault_read(struct db_result *r, int row, struct copy_vault_row *ret)
{
	*ret = (struct copy_vault_row){.id = db_get_uuid(r, row, 0),
		.name = db_get_text(r, row, 1),
		.state = db_get_text(r, row, 2),
		.override = db_get_text(r, row, 9),
		.passport = db_get_bool(r, row, 10),
		.changed = db_get_bool(r, row, 11)};
	sql_remote_read(r, row, 3, &ret->at);
}

static const struct fault *seen_why;
static bool seen_there;

static void fill_seen(struct db_args *a, void *arg)
{
	const char *word = seen_why->reason;
	(void)arg;
	if (seen_why->code != 0 && word[0] == 0)
		word = error_info(seen_why->code)->name;
	db_uuid(a, of_vault);
	db_text(a, seen_there ? "ready" : "absent");
	db_text(a, seen_why->detail);
	db_text(a, word);
	db_int(a, seen_why->needs);
	db_int(a, seen_why->has);
}

void sql_vault_seen(const struct uuid *id, bool there, const struct fault *why)
{
	of_vault = id;
	seen_there = there;
	seen_why = why;
	db_query(app.service->db, &VAULT_SEEN, fill_seen, sql_ignore, NULL);
}

static const char *text_or(const char *s)
{
	return s == NULL ? "" : s;
}

void sql_add_vault(struct txn *t, const struct vault_adding *v)
{
	struct db_args *a = db_add(t, &VAULT_ADD);
	db_uuid(a, &v->id);
	db_uuid(a, &app.tenant);
	db_text(a, v->name);
	db_int(a, VAULT_PROTOCOL);
	db_text(a, v->at.kind);
	db_text(a, v->at.place);
	db_text(a, text_or(v->at.account));
	db_text(a, text_or(v->at.pin));
	db_text(a, text_or(v->at.region));
	db_bytes(a, v->login);
	db_text(a, v->placement);
	db_text(a, v->override);
	db_text(a, v->durability);
	db_bool(a, v->removable);
	a = db_add(t, &VAULT_FILL);
	db_uuid(a, &v->id);
	db_uuid(a, &app.tenant);
}

static void fill_retire(struct db_args *a, void *arg)
{
	const struct call *call = arg;
	db_uuid(a, &app.tenant);
	db_text(a, ((const struct m_vault_retire *)call->body)->name);
}

void sql_vault_retire(struct call *call, db_fn fn)
{
	db_query(app.service->db, &VAULT_RETIRE, fill_retire, fn, call);
}

static void fill_copies(struct db_args *a, void *arg)
{
	const struct call *call = arg;
	db_uuid(a, &app.tenant);
	db_uuid(a, &((const struct m_version_copies *)call->body)->id);
}

void sql_version_copies(struct call *call, db_fn fn)
{
	db_query(app.service->db, &VERSION_COPIES, fill_copies, fn, call);
}

void sql_version_copy_read(struct db_result *r, int row, struct m_version_copy *ret)
{
	*ret = (struct m_version_copy){.vault = db_get_uuid(r, row, 0),
		.name = db_get_text(r, row, 1),
		.state = db_get_text(r, row, 2),
		.verified_at = db_get_time_ms(r, row, 3),
		.scrubbed_at = db_get_time_ms(r, row, 4),
		.removable = db_get_bool(r, row, 5),
		.role = db_get_text(r, row, 6),
		.kind = db_get_text(r, row, 7)};
}

/* ---- copies ---- */

static void fill_next(struct db_args *a, void *arg)
{
	(void)arg;
	db_uuid(a, of_vault);
	db_int(a, number);
}

void sql_copy_next(const struct uuid *vault, unsigned limit, db_fn fn, void *arg)
{
	of_vault = vault;
	number = limit;
	db_query(app.service->db, &COPY_NEXT, fill_next, fn, arg);
}

void sql_copy_next_read(struct db_result *r, int row, struct copy_owed *ret)
{
	*ret = (struct copy_owed){.version = db_get_uuid(r, row, 0),
		.queued = db_get_text(r, row, 1)[0] == 'q',
		.source = db_get_uuid(r, row, 2)};
}

static const struct copy_put *copy_put;

static void fill_put(struct db_args *a, void *arg)
{
	(void)arg;
	db_uuid(a, &copy_put->vault);
	db_uuid(a, &copy_put->version);
	db_int(a, (int64_t)copy_put->bytes);
	db_uuid(a, &copy_put->kek);
}

void sql_copy_put(const struct copy_put *p, db_fn fn, void *arg)
{
	copy_put = p;
	db_query(app.service->db, &COPY_PUT, fill_put, fn, arg);
}

void sql_add_copy_slots(struct txn *t, const struct uuid *vault, unsigned limit)
{
	struct db_args *a = db_add(t, &COPY_SLOTS);
	db_uuid(a, vault);
	db_int(a, limit);
}

void sql_add_copy_slots_put(
	struct txn *t, const struct uuid *vault, const struct uuid *ids, size_t n)
{
	struct db_args *a = db_add(t, &COPY_SLOTS_PUT);
	db_uuid(a, vault);
	db_array(a);
	for (size_t i = 0; i < n; i++)
		db_uuid(a, &ids[i]);
	db_array_end(a);
	db_uuid(db_add(t, &VAULT_CHANGED), vault);
}

/* ---- drills ---- */

static void fill_drills(struct db_args *a, void *arg)
{
	(void)arg;
	db_uuid(a, &app.tenant);
	db_int(a, second);
	db_int(a, number);
}

void sql_drill_next(int64_t limit, uint64_t age_ms, db_fn fn)
{
	number = limit < DRILLS_MAX ? limit : DRILLS_MAX;
	second = (int64_t)age_ms;
	db_query(app.service->db, &DRILL_NEXT, fill_drills, fn, NULL);
}

void sql_drilled_read(struct db_result *r, int row, struct drilled *ret)
{
	*ret = (struct drilled){.version = db_get_uuid(r, row, 0),
		.device = db_get_uuid(r, row, 1),
		.generation = (uint64_t)db_get_int(r, row, 3)};
	(void)snprintf(ret->kind, sizeof(ret->kind), "%s", db_get_text(r, row, 2));
	(void)snprintf(ret->family, sizeof(ret->family), "%s", db_get_text(r, row, 4));
	(void)snprintf(ret->model, sizeof(ret->model), "%s", db_get_text(r, row, 5));
	(void)snprintf(ret->lists, sizeof(ret->lists), "%s", db_get_text(r, row, 6));
	(void)snprintf(ret->language, sizeof(ret->language), "%s", db_get_text(r, row, 7));
}

static const struct uuid *devices;
static size_t devices_n;

static void fill_lists(struct db_args *a, void *arg)
{
	(void)arg;
	db_array(a);
	for (size_t i = 0; i < devices_n; i++)
		db_uuid(a, &devices[i]);
	db_array_end(a);
}

void sql_drill_lists(const struct uuid *ids, size_t n, db_fn fn)
{
	devices = ids;
	devices_n = n;
	db_query(app.service->db, &DRILL_LISTS, fill_lists, fn, NULL);
}

static const struct drill_result *put;

static void fill_drill(struct db_args *a, void *arg)
{
	const struct drill_result *d = put;
	(void)arg;
	struct uuid id = uuid_v7(clock_wall_ms());
	db_uuid(a, &id);
	db_uuid(a, &app.tenant);
	db_uuid(a, &d->of->version);
	db_uuid(a, &d->of->device);
	db_text(a, d->of->kind);
	db_int(a, (int64_t)d->of->generation);
	db_uuid(a, &d->target);
	db_text(a, d->outcome);
	db_text(a, d->detail);
	db_uuid(a, &d->run);
}

void sql_drill_put(const struct drill_result *d, db_fn fn, void *arg)
{
	put = d;
	db_query(app.service->db, &DRILL_PUT, fill_drill, fn, arg);
}

static void fill_list(struct db_args *a, void *arg)
{
	const struct call *call = arg;
	const struct m_drill_list *ask = call->body;
	db_uuid(a, &app.tenant);
	db_uuid(a, &ask->device);
	db_int(a, ask->limit == 0 ? 100 : (int64_t)ask->limit);
}

void sql_drill_list(struct call *call, db_fn fn)
{
	db_query(app.service->db, &DRILL_LIST, fill_list, fn, call);
}

void sql_drill_row_read(struct db_result *r, int row, struct m_drill *ret)
{
	*ret = (struct m_drill){.version = db_get_uuid(r, row, 0),
		.device = db_get_uuid(r, row, 1),
		.kind = kind_number(db_get_text(r, row, 2)),
		.generation = (uint64_t)db_get_int(r, row, 3),
		.target = db_get_uuid(r, row, 4),
		.at = db_get_time_ms(r, row, 5),
		.outcome = db_get_text(r, row, 6),
		.detail = db_get_text(r, row, 7),
		.run = db_get_uuid(r, row, 8)};
}
