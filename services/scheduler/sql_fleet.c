// SPDX-License-Identifier: Apache-2.0
/* SQL of devices, sites, groups and credentials. Objects come in as the JSON of their message
 * (absent members stay as they are), rows go out as columns in the order that rows.c reads. */
#include "services/scheduler/sql.h"
#include "services/scheduler/sql_columns.h"

/* The object by $1 uuid or $2 name. */
#define BY_REF(table) " id = any " SQL_IDS_OF(table) " "

const struct db_sql SQL_DEVICE_FIND = {"device_find",
	"select id, version, state, tls_pin, allow_unproven, repin, repin_by,"
	" coalesce(repin_at > clock_timestamp() - interval '7 days', false) from fleet.device"
	" where" BY_REF("fleet.device") "for update"};

const struct db_sql SQL_DEVICE_GET = {"device_get",
	"select " SQL_DEVICE_SHOWN " from " SQL_DEVICE_TABLES
	" where d.id = any " SQL_IDS_OF("fleet.device")};

const struct db_sql SQL_DEVICE_RESOLVE = {"device_resolve",
	"select u.ref, d.id, d.name, d.family, d.strict_interlock from (select ref, case when ref "
	"~*"
	" '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then ref::uuid end as id"
	" from unnest($1::text[]) r(ref)) u, lateral (select * from (select i.* from"
	"  fleet.device i where i.id = u.id union all select i.* from fleet.device i"
	"  where i.name = u.ref and not exists (select from fleet.device n where n.id = u.id)) i"
	" where $2::text is null or fleet.in_scope(i.id, $2) limit 2) d"};

const char SQL_DEVICE_LIST[] =
	"select " SQL_DEVICE_SHOWN ", count(*) over () from " SQL_DEVICE_TABLES;

/* $1 = JSON array of struct device */
#define DEVICES_IN                                                                                 \
	"jsonb_array_elements($1::jsonb) with ordinality e(j, place) cross join lateral"           \
	" jsonb_populate_record(null::fleet.device_said, e.j) x"

#define DEVICE_SET                                                                                 \
	"name = coalesce(x.name, d.name), vendor = coalesce(x.vendor, d.vendor),"                  \
	" family = coalesce(x.family, d.family), model = coalesce(x.model, d.model),"              \
	" serial = coalesce(x.serial, d.serial), mac = coalesce(x.mac, d.mac),"                    \
	" device_uuid = coalesce(x.device_uuid, d.device_uuid),"                                   \
	" address = coalesce(x.address, d.address),"                                               \
	" ip = fleet.ip_of(coalesce(x.address, d.address)),"                                       \
	" ports = coalesce(fleet.ports_of(x.ports), d.ports),"                                     \
	" firmware = coalesce(x.firmware, d.firmware), type = coalesce(fleet.type_of(x.type), "    \
	"d.type),"                                                                                 \
	" display_language = coalesce(x.display_language, d.display_language),"                    \
	" charset = coalesce(x.charset, d.charset), time_zone = coalesce(x.time_zone, "            \
	"d.time_zone),"                                                                            \
	" site = nullif(coalesce(x.site, d.site), ''),"                                            \
	" labels = coalesce(fleet.labels_of(x.labels), d.labels),"                                 \
	" managed_by = coalesce(fleet.manager_of(x.managed_by), d.managed_by),"                    \
	" simulated = coalesce(x.simulated, d.simulated),"                                         \
	" clear_text = coalesce(x.clear_text, d.clear_text),"                                      \
	" accept_clear_text_secrets = coalesce(x.accept_clear_text_secrets,"                       \
	" d.accept_clear_text_secrets),"                                                           \
	" allow_unproven = coalesce(x.allow_unproven, d.allow_unproven),"                          \
	" strict_interlock = coalesce(x.strict_interlock, d.strict_interlock),"                    \
	" tls_pin = coalesce(x.tls_pin, d.tls_pin), pool = coalesce(x.pool, d.pool),"              \
	" version = d.version + 1 "

/* JSON, id or null (a fresh one), may existing ones be updated, scope or null: what lies outside
 * stays as it is; scopes that no device comes into by being moved; may it have another key; may
 * what is not proven be enabled → place from 1, id, inserted, known site, was a version named, left
 * alone for trust. A device is recognised by its id when one is named, else by
 * vendor, however written, and serial (FL-2), without a serial by name and address. Of another
 * version than the named one it stays as it is; version 0 is one that is not there yet. */
const struct db_sql SQL_DEVICE_PUT = {"device_put",
	"with x as (select x.*, e.place, e.j, coalesce($2::uuid,"
	" fleet.backed_up(x.serial, x.family), sched.uuid7()) as id,"
	" s.name is not null or coalesce(x.site, '') = '' as known,"
	" (e.j->>'id')::uuid as rid, (e.j->>'version')::bigint as rv"
	" from " DEVICES_IN " left join fleet.site s on s.name = x.site),"
	" one as materialized (select x.place, fleet.who_is(x.rid, x.name, x.vendor, x.serial,"
	"  x.address) as id from x where $3),"
	" found as (select distinct on (id) id, place from one where id is not null"
	"  order by id, place),"
	" kept as (select x.place from x left join found f using (place)"
	" left join fleet.device d on d.id = f.id where fleet.trusts_more(d, x.j, $6, $7)),"
	" upd as (update fleet.device d set " DEVICE_SET " from x join found f using (place)"
	" where d.id = f.id and x.known and (x.rv is null or x.rv = d.version)"
	" and fleet.may_put(d.id, x.j, $4, $5::text[])"
	" and not fleet.trusts_more(d, x.j, $6, $7)"
	" returning x.place, d.id),"
	" ins as (insert into fleet.device (id, name, vendor, family, model, serial, mac, "
	"device_uuid,"
	" address, ip, ports, firmware, type, display_language, charset, time_zone, site, labels,"
	" managed_by, simulated, clear_text, accept_clear_text_secrets, allow_unproven, tls_pin, "
	"pool,"
	" state, strict_interlock)"
	" select x.id, x.name, coalesce(x.vendor, ''), x.family, coalesce(x.model, ''),"
	" coalesce(x.serial, ''), coalesce(x.mac, ''), coalesce(x.device_uuid, ''), x.address,"
	" fleet.ip_of(x.address), coalesce(fleet.ports_of(x.ports), '{}'), coalesce(x.firmware, "
	"''),"
	" coalesce(fleet.type_of(x.type), 1), coalesce(x.display_language, ''), "
	"coalesce(x.charset, ''),"
	" coalesce(x.time_zone, ''), nullif(x.site, ''),"
	" coalesce(fleet.labels_of(x.labels), '{}'),"
	" coalesce(fleet.manager_of(x.managed_by), 1), x.simulated is true,"
	" x.clear_text is true, x.accept_clear_text_secrets is true,"
	" x.allow_unproven is true, coalesce(x.tls_pin, ''), coalesce(x.pool, ''),"
	" case when x.state = 'candidate' then 1 else 2 end, x.strict_interlock is true"
	" from x where x.known and x.rid is null and coalesce(x.rv, 0) = 0"
	" and fleet.may_put(null, x.j, $4)"
	" and x.place not in (select place from one where id is not null union all"
	"  select place from kept)"
	" and (coalesce(x.serial, '') <> '' or not exists (select from x y where y.known"
	"  and y.place < x.place and y.name = x.name and y.address = x.address"
	"  and coalesce(y.serial, '') = ''))"
	" on conflict do nothing returning id)"
	" select place, coalesce(upd.id, ins.id), ins.id is not null, x.known, x.rv is not "
	"null, place in (select place from kept)"
	" from x left join upd using (place) left join ins on ins.id = x.id order by place"};

/* JSON array of one, id, scopes that it does not come into by being moved */
const struct db_sql SQL_DEVICE_UPDATE = {"device_update",
	"update fleet.device d set " DEVICE_SET " from " DEVICES_IN " where d.id = $2::uuid"
	" and not fleet.widens(d.id, x.site, $3::text[])"};

/* id, state, cause: an operator's word. Who resumes one that is in use has looked at what is half
 * written there; one that comes back says so first. */
const struct db_sql SQL_DEVICE_STATE = {"device_state",
	"update fleet.device set state = $2::smallint, state_cause = $3, version = version + 1,"
	" half_written = half_written and (state <> 2 or $2::smallint <> 2),"
	" state_at = clock_timestamp() where id = $1::uuid"};

/* id, key, person: proposed, and told to those who may approve it (FL-18) */
const struct db_sql SQL_DEVICE_REPIN = {"device_repin",
	"with d as (update fleet.device set repin = $2, repin_by = $3, repin_at ="
	"  clock_timestamp(), version = version + 1 where id = $1::uuid returning id, name, "
	"address)"
	" insert into sched.outbox (kind, subject, data) select 'approval.wanted', 'device/' ||"
	" d.id, jsonb_build_object('device', d.id, 'device_name', d.name, 'address', d.address,"
	" 'cause', 'repin', 'by', $3) from d"};
/* id, key: it is the one from now on, and what the other one stopped goes on */
const struct db_sql SQL_DEVICE_REPINNED = {"device_repinned",
	"update fleet.device set tls_pin = $2, repin = '', repin_by = '', repin_at = null,"
	" state = case when stopped then 2 else state end,"
	" state_cause = case when stopped then '' else state_cause end,"
	" state_at = case when stopped then clock_timestamp() else state_at end,"
	" version = version + 1 from (select state = 4 and state_cause = 'tls_pin_changed' as"
	" stopped from fleet.device where id = $1::uuid) was where id = $1::uuid"};

/* ---- sites ---- */

/* scope or null, name before the page or null, limit; of a scope: sites that it names, and those
 * where something within stands */
const struct db_sql SQL_SITE_LIST = {"site_list",
	"select s.name, s.region, s.time_zone, s.version from fleet.site s"
	" where ($1::text is null or 'site:' || s.name in (select string_to_table($1, E'\n'))"
	"  or s.name in (select d.site from fleet.device d where d.id in"
	"   (select fleet.scope_devices($1))))"
	" and ($2::text is null or s.name > $2) order by s.name limit $3::bigint"};
const struct db_sql SQL_SITE_GET = {
	"site_get", "select name, region, time_zone, version from fleet.site where name = $1"};
const struct db_sql SQL_SITE_FIND = {
	"site_find", "select name, version from fleet.site where name = $1 for update"};
const struct db_sql SQL_SITE_PUT = {"site_put",
	"insert into fleet.site (name, region, time_zone) values ($1, coalesce($2, ''),"
	" coalesce($3, 'UTC')) on conflict (name) do update set region = coalesce($2, "
	"fleet.site.region),"
	" time_zone = coalesce($3, fleet.site.time_zone), version = fleet.site.version + 1"};
/* A retired device stands nowhere. */
const struct db_sql SQL_SITE_DELETE = {"site_delete",
	"with gone as (update fleet.device set site = null where site = $1 and state = 5)"
	" delete from fleet.site where name = $1 returning name"};

/* ---- groups ---- */

#define GROUP_COLUMNS                                                                              \
	"d.id, d.name, d.kind, d.filter, d.version,"                                               \
	" (select count(*) from fleet.group_device m where m.grp = d.id),"                         \
	" (select count(*) from fleet.group_group m where m.parent = d.id)"

const struct db_sql SQL_GROUP_FIND = {
	"group_find", "select id, version, kind from fleet.device_group where" BY_REF(
			      "fleet.device_group") "for update"};
const struct db_sql SQL_GROUP_GET = {"group_get",
	"select " GROUP_COLUMNS " from fleet.device_group d "
	"where d.id = any " SQL_IDS_OF("fleet.device_group")};
const char SQL_GROUP_LIST[] =
	"select " GROUP_COLUMNS ", count(*) over () from fleet.device_group d ";
/* id, name, kind, filter, scope of who saves it or null */
const struct db_sql SQL_GROUP_INSERT = {"group_insert",
	"insert into fleet.device_group (id, name, kind, filter, saved_in)"
	" values (coalesce($1::uuid, sched.uuid7()), $2, $3::smallint, coalesce($4, ''), $5)"
	" on conflict (id) do nothing"};
/* id, name or null, filter or null, scope of who saves it or null: a filter reaches no further than
 * whoever said it last */
const struct db_sql SQL_GROUP_UPDATE = {"group_update",
	"update fleet.device_group set name = coalesce($2, name), filter = coalesce($3, filter),"
	" saved_in = coalesce($4, saved_in), version = version + 1 where id = $1::uuid"};
const struct db_sql SQL_GROUP_DELETE = {
	"group_delete", "delete from fleet.device_group where id = $1::uuid"};
/* id → who uses it, the first ten; null: nobody */
const struct db_sql SQL_GROUP_IN_USE = {"group_in_use",
	"select string_agg(u.noun || ' ' || quote_literal(u.name), ', ') from ("
	" select 'task' as noun, t.name from sched.task t where t.targets->'groups' ?"
	"  $1::uuid::text or t.targets->'exclude_groups' ? $1::uuid::text"
	" union all select 'group', g.name from fleet.group_group m join fleet.device_group g"
	"  on g.id = m.parent where m.child = $1::uuid"
	" union all select 'credential', c.name from fleet.credential c where c.grp = $1::uuid"
	" union all select 'window', w.name from sched.time_window_on b join sched.time_window w"
	"  on w.id = b.win where b.grp = $1::uuid"
	" union all select 'distribution set', s.name from sched.dist_set_group m"
	"  join sched.dist_set s on s.id = m.dist_set where m.grp = $1::uuid limit 10) u"};
/* id, cursor (kind and name and id as text), limit, scope of what is seen or null → id, name, kind
 */
const struct db_sql SQL_GROUP_MEMBERS = {"group_members",
	"select * from (select d.id, d.name, 'device' as kind from fleet.group_device m"
	" join fleet.device d on d.id = m.device where m.grp = $1::uuid union all"
	" select g.id, g.name, 'group' from fleet.group_group m"
	" join fleet.device_group g on g.id = m.child where m.parent = $1::uuid) x"
	" where ($2::text is null or (x.name, x.id) > ($2::text, $3::uuid))"
	" and ($5::text is null or x.id in (select fleet.scope_devices($5) union all"
	" select fleet.seen_groups($5))) order by x.name, x.id limit $4::int"};
/* ids → id, name, kind, filter, via, depth, scope */
const struct db_sql SQL_GROUPS_BELOW = {"groups_below",
	"select b.id, b.name, b.kind, b.filter, b.via, b.depth, g.saved_in from"
	" fleet.groups_below($1::uuid[]) b join fleet.device_group g on g.id = b.id"};
/* Members change one at a time: two saves at once could close a circle together. */
const struct db_sql SQL_GROUPS_LOCK = {
	"groups_lock", "lock table fleet.group_group in share row exclusive mode"};
/* id → whether it is below itself, greatest depth of any group it is in */
const struct db_sql SQL_GROUP_DEPTH = {"group_depth",
	"with recursive up as (select parent, 1 as n from fleet.group_group where child = $1::uuid"
	"  union all select e.parent, up.n + 1 from up join fleet.group_group e on e.child = "
	"up.parent"
	"  where up.n < 20),"
	" down as (select child, 1 as n from fleet.group_group where parent = $1::uuid"
	"  union all select e.child, down.n + 1 from down"
	"  join fleet.group_group e on e.parent = down.child where down.n < 20)"
	" select exists (select from down where child = $1::uuid),"
	" 1 + coalesce((select max(n) from up), 0) + coalesce((select max(n) from down), 0)"};
const struct db_sql SQL_GROUP_ADD_DEVICES = {"group_add_devices",
	"insert into fleet.group_device select $1::uuid, unnest($2::uuid[]) "
	"on conflict do nothing"};
const struct db_sql SQL_GROUP_ADD_GROUPS = {"group_add_groups",
	"insert into fleet.group_group select $1::uuid, unnest($2::uuid[]) on conflict do nothing"};
const struct db_sql SQL_GROUP_DROP_DEVICES = {"group_drop_devices",
	"delete from fleet.group_device where grp = $1::uuid and device = any ($2::uuid[])"};
const struct db_sql SQL_GROUP_DROP_GROUPS = {"group_drop_groups",
	"delete from fleet.group_group where parent = $1::uuid and child = any ($2::uuid[])"};
const struct db_sql SQL_GROUP_TOUCH = {
	"group_touch", "update fleet.device_group set version = version + 1 where id = $1::uuid"};

#define REF_ID                                                                                     \
	"case when r.ref ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'"                 \
	" then r.ref::uuid end"
#define REF_IN(table)                                                                              \
	"(select i.id from " table " i where i.id = " REF_ID " union all select i.id from " table  \
	" i where i.name = r.ref and not exists (select from " table " n where n.id = " REF_ID     \
	")) d"
/* ids or names, scope of what is seen or null → place from 1, id or null, how many have that name
 */
const struct db_sql SQL_RESOLVE_DEVICES = {"resolve_devices",
	"select r.place, (array_agg(d.id))[1], count(d.id) from unnest($1::text[])"
	" with ordinality r(ref, place) left join lateral " REF_IN(
		"fleet.device") " on $2::text is null or fleet.in_scope(d.id, $2)"
				" group by r.place order by r.place"};
const struct db_sql SQL_RESOLVE_GROUPS = {"resolve_groups",
	"select r.place, (array_agg(d.id))[1], count(d.id) from unnest($1::text[])"
	" with ordinality r(ref, place) left join lateral " REF_IN(
		"fleet.device_group") " on $2::text is null or d.id in (select "
				      "fleet.seen_groups($2))"
				      " group by r.place order by r.place"};

/* ---- credentials ---- */

#define CREDENTIAL_COLUMNS                                                                         \
	"c.id, c.name, c.kind, c.device, c.grp, c.site, c.range::text, c.sealed is not null,"      \
	" c.changed_at, c.version, c.position, c.factory"
/* scope of what is seen or null, name and id before the page or null, limit: what it is bound to
 * outside is not said */
const struct db_sql SQL_CREDENTIAL_LIST = {"credential_list",
	"select c.id, c.name, c.kind, c.device, case when $1::text is null or c.grp in"
	" (select fleet.seen_groups($1)) then c.grp end, c.site, case when $1::text is null then"
	" c.range::text end, c.sealed is not null, c.changed_at, c.version, c.position, c.factory"
	" from fleet.credential c where ($1::text is null or c.id in"
	" (select fleet.credentials_seen($1))) and ($3::uuid is null or (c.name, c.id) > ($2::text,"
	" $3)) order by c.name, c.id limit $4::bigint"};
const struct db_sql SQL_CREDENTIAL_GET = {"credential_get",
	"select " CREDENTIAL_COLUMNS " from fleet.credential c where c.id = $1::uuid"};
const struct db_sql SQL_CREDENTIAL_FIND = {"credential_find",
	"select id, version from fleet.credential where" BY_REF("fleet.credential") "for update"};
/* Credentials of the device d, each by its own index: a fleet may have one for every device. */
#define BOUND_TO_D                                                                                 \
	"(select c.*, 1 as width from fleet.credential c where c.device = d.id"                    \
	" union all select c.*, 2 from fleet.groups_of(d.id) g(id) join fleet.credential c"        \
	"  on c.grp = g.id where c.device is null"                                                 \
	" union all select c.*, 3 from fleet.credential c where c.device is null and"              \
	"  c.site = d.site"                                                                        \
	" union all select c.*, 4 from fleet.credential c where c.device is null and"              \
	"  c.range >>= d.ip) c"
/* credential: a new password is what a device on hold waits for (FL-13), where it is the one that
 * is tried → devices */
const struct db_sql SQL_HOLD_LIFT = {"hold_lift",
	"update fleet.device d set state = 2, state_cause = '', version = version + 1,"
	" state_at = clock_timestamp() where d.state = 3 and (select c.id from " BOUND_TO_D
	"  where c.sealed is not null and c.kind not like 'snmp%'"
	"  order by c.width, masklen(c.range) desc, c.position, c.id"
	"  limit 1) = $1::uuid returning d.id"};
/* credential, version: its login is one that every new device has; told by the trigger, once */
const struct db_sql SQL_CREDENTIAL_SEEN = {"credential_seen",
	"update fleet.credential set factory = true where id = $1::uuid and version = $2 and not "
	"factory returning name"};
/* id, name, kind, device, group, site, range, sealed, position, factory. Replaces the one of that
 * id. */
const struct db_sql SQL_CREDENTIAL_PUT = {"credential_put",
	"insert into fleet.credential (id, name, kind, device, grp, site, range, sealed, position,"
	" factory) values ($1::uuid, $2, $3, $4::uuid, $5::uuid, $6, network($7::inet), $8::bytea,"
	" $9::int, $10)"
	" on conflict (id) do update set name = $2, kind = $3, device = $4::uuid, grp = $5::uuid,"
	" site = $6, range = network($7::inet), position = $9::int,"
	" sealed = coalesce($8::bytea, fleet.credential.sealed),"
	" factory = case when $8::bytea is null then fleet.credential.factory else $10 end,"
	" changed_at = clock_timestamp(),"
	" version = fleet.credential.version + 1"};
const struct db_sql SQL_CREDENTIAL_DELETE = {"credential_delete",
	"delete from fleet.credential where" BY_REF("fleet.credential") "returning id"};
/* device ids → place from 1, id, kind, sealed; narrowest binding first (FL-14), then by position.
 * Among ranges the longer prefix is the narrower. A device on hold gets no login: what it refused
 * is not said again (FL-13). */
const struct db_sql SQL_CREDENTIAL_OF = {"credential_of",
	"select u.place, c.id, c.kind, c.sealed, c.factory, c.version from unnest($1::uuid[])"
	" with ordinality u(id, place) join fleet.device d on d.id = u.id"
	" cross join lateral " BOUND_TO_D " where c.sealed is not null"
	" and (d.state <> 3 or c.kind like 'snmp%') order by u.place, c.width,"
	" masklen(c.range) desc, c.position, c.id"};
/* places, ids as text: those of SNMP, in this order → place, id, kind, sealed */
const struct db_sql SQL_CREDENTIAL_NAMED = {"credential_named",
	"select u.place, c.id, c.kind, c.sealed, c.factory, c.version from"
	" unnest($1::int[], $2::text[]) with ordinality"
	" u(place, ref, at) join fleet.credential c on c.id = u.ref::uuid"
	" where c.sealed is not null and c.kind like 'snmp%' order by u.place, u.at"};
/* refs → ref, id, how many */
const struct db_sql SQL_RESOLVE_CREDENTIALS = {"resolve_credentials",
	"select r.place, (array_agg(c.id))[1], count(c.id) from unnest($1::text[])"
	" with ordinality r(ref, place) left join fleet.credential c on c.kind in"
	" ('snmp_v1','snmp_v2c','snmp_v3') and (c.name = r.ref or c.id::text = lower(r.ref)) group "
	"by "
	"r.place order by r.place"};
