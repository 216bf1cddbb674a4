// SPDX-License-Identifier: Apache-2.0
/* SQL of scopes (fleet.md FL-69); its functions are those of schemas/sql/0060_fleet_scope.sql. */
#include "services/scheduler/sql.h"

/* groups, sites → as asked, then of a group: id, name, kind */
const struct db_sql SQL_SCOPE_FIND = {"scope_find",
	"select x.ref, g.id, g.name, g.kind from unnest($1::text[]) x(ref)"
	" join fleet.device_group g on g.name = x.ref or g.id::text = lower(x.ref)"
	" union all select s.name, null, null, null from fleet.site s where s.name = any "
	"($2::text[])"};

/* name or id of a device, group, task; run, job; scope of what is touched, scope of what is seen or
 * null; serial and family of a device that is made, address of one that is made or moved → whether
 * all that is named is seen, and may be touched. What is not there is for the handler to say. */
const struct db_sql SQL_SCOPE_NAMED = {"scope_named",
	"with x(seen, within) as ("
	" select $7::text is null or fleet.in_scope(i.id, $7), fleet.in_scope(i.id, $6)"
	"  from fleet.device i where i.name = $1 or i.id = $11::uuid"
	" union all select $7::text is null or i.id in (select fleet.scope_groups($7)),"
	"  i.id in (select fleet.scope_groups($6)) from fleet.device_group i"
	"  where i.name = $2 or i.id::text = lower($2)"
	" union all select $7::text is null or i.id in (select sched.scope_tasks($7)),"
	"  i.id in (select sched.scope_tasks($6)) from sched.task i"
	"  where i.name = $3 or i.id::text = lower($3)"
	" union all select $7::text is null or sched.run_within(i.id, $7),"
	"  sched.run_within(i.id, $6) from sched.run i where i.id = $4::uuid"
	" union all select $7::text is null or (sched.run_within(i.run, $7)"
	"   and fleet.in_scope(i.device, $7)), sched.run_within(i.run, $6)"
	"   and fleet.in_scope(i.device, $6) from sched.job i where i.id = $5::uuid"
	" union all select true, false from fleet.device i where i.address = $10"
	"  and not fleet.in_scope(i.id, $6))"
	" select coalesce(bool_and(seen), true), coalesce(bool_and(within), true)"
	"  and ($8::text is null or $9::text is null or fleet.backed_up($8, $9) is null) from x"};

/* task, scope of what is touched, of what is seen or null, source or null → targets outside, names
 * of those that are seen, whether the source lies within */
const struct db_sql SQL_SCOPE_TASK = {"scope_task",
	"select count(d.id), coalesce(left(string_agg(d.name, ', ' order by d.name) filter (where"
	"  $3::text is null or d.id in (select fleet.scope_devices($3))), 200), ''),"
	" $4::uuid is null or fleet.in_scope(store.device_of($4), $2)"
	" from (select x.id, x.name from sched.task t cross join unnest(t.saved_list) l(id)"
	"  join fleet.device x on x.id = l.id where t.id = $1::uuid"
	"  and x.id not in (select fleet.scope_devices($2))) d"};

/* run, scope of who starts it */
const struct db_sql SQL_RUN_NARROW = {
	"run_narrow", "update sched.run set scopes = scopes || $2::text where id = $1::uuid"};

/* scope → sites that it names, and those where something within stands */
const struct db_sql SQL_SITE_LIST_WITHIN = {"site_list_within",
	"select s.name, s.region, s.time_zone, s.version from fleet.site s"
	" where 'site:' || s.name in (select string_to_table($1, E'\n')) or s.name in (select "
	"d.site"
	"  from fleet.device d where d.id in (select fleet.scope_devices($1)))"
	" order by s.name limit 1000"};

const char SQL_WITHIN_DEVICES[] = "d.id in (select fleet.scope_devices(";
const char SQL_WITHIN_GROUPS[] = "d.id in (select fleet.scope_groups(";
const char SQL_WITHIN_TASKS[] = "d.id in (select sched.scope_tasks(";
