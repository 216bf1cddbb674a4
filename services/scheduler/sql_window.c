// SPDX-License-Identifier: Apache-2.0
/* SQL of execution windows, and of when a job may start. */
#include "services/scheduler/sql.h"
#include "services/scheduler/sql_columns.h"

/* ---- windows ---- */

/* What it binds, of that what a scope (null: everything) lets be seen. */
#define BINDS(column, scope, seen)                                                                 \
	"(select json_agg(x." column ") from sched.time_window_on x where x.win = w.id"            \
	" and x." column " is not null and (" scope "::text is null or x." column                  \
	" in (select " seen "(" scope "))))::text"
#define WINDOW_COLUMNS(scope)                                                                      \
	"w.id, w.name, w.zone, w.spans::text, w.exceptions::text, w.min_left_ms, w.hard_end,"      \
	" w.version, " BINDS("task", scope, "sched.scope_tasks") ", " BINDS(                       \
		"site", scope, "fleet.sites_holding") ", " BINDS("grp", scope,                     \
		"fleet.seen_groups") ", " BINDS("device", scope, "fleet.scope_devices")
#define WINDOW_BY_REF " where w.id = any " SQL_IDS_OF("sched.time_window")
/* scope of what is seen or null, name and id of the last one before or null, limit */
const struct db_sql SQL_WINDOW_LIST = {"window_list",
	"select " WINDOW_COLUMNS(
		"$1") " from sched.time_window w where ($1::text is null"
		      " or w.id in (select sched.windows_seen($1))) and ($3::uuid is null or"
		      " (w.name, w.id) > ($2::text, $3)) order by w.name, w.id limit $4::bigint"};
/* id or null, name, scope of what is seen or null */
const struct db_sql SQL_WINDOW_GET = {
	"window_get", "select " WINDOW_COLUMNS("$3") " from sched.time_window w" WINDOW_BY_REF};
/* id or null, name */
const struct db_sql SQL_WINDOW_FIND = {"window_find",
	"select " WINDOW_COLUMNS("null") " from sched.time_window w" WINDOW_BY_REF
					 " for update of w"};
/* id, name, zone, spans, exceptions, min_left_ms, hard_end; an id that is there is changed */
const struct db_sql SQL_WINDOW_PUT = {"window_put",
	"insert into sched.time_window as w (id, name, zone, spans, exceptions, min_left_ms,"
	" hard_end) values ($1::uuid, $2, $3, $4::jsonb, $5::jsonb, $6, $7)"
	" on conflict (id) do update set name = excluded.name, zone = excluded.zone,"
	" spans = excluded.spans, exceptions = excluded.exceptions,"
	" min_left_ms = excluded.min_left_ms, hard_end = excluded.hard_end,"
	" version = w.version + 1"};
const struct db_sql SQL_WINDOW_DELETE = {
	"window_delete", "delete from sched.time_window where id = $1::uuid"};
/* window: it binds nothing */
const struct db_sql SQL_WINDOW_FREE = {
	"window_free", "delete from sched.time_window_on where win = $1::uuid"};
/* window, tasks, sites, groups, devices */
const struct db_sql SQL_WINDOW_BIND = {"window_bind",
	"insert into sched.time_window_on (win, task, site, grp, device)"
	" select $1::uuid, id, null::text, null::uuid, null::uuid from unnest($2::uuid[]) id"
	" union select $1::uuid, null, name, null, null from unnest($3::text[]) name"
	" union select $1::uuid, null, null, id, null from unnest($4::uuid[]) id"
	" union select $1::uuid, null, null, null, id from unnest($5::uuid[]) id"};
/* → id, name, zone, spans, exceptions, min_left_ms, hard_end of all */
const struct db_sql SQL_WINDOW_RULES = {"window_rules",
	"select w.id, w.name, w.zone, w.spans::text, w.exceptions::text, w.min_left_ms, w.hard_end"
	" from sched.time_window w"};
/* window, scope of what is seen or null → zone, windows, devices, name of one: what binds devices
 * together with it */
const struct db_sql SQL_WINDOW_TOGETHER = {"window_together",
	"select coalesce(nullif(d.time_zone, ''), s.time_zone, 'UTC'), x.windows::text, count(*),"
	" min(d.name) from (select d.id as device, (select array_agg(distinct u order by u)"
	"   from unnest(o.windows || t.win) u) as windows from fleet.device d"
	"  left join sched.windows_on_devices() o on o.device = d.id"
	"  cross join (select null::uuid as task, '{}'::uuid[] as win union all"
	"   select t.task, array_agg(t.win) from sched.time_window_on t where t.task is not null"
	"   group by t.task) t where $1::uuid = any (o.windows || t.win)) x"
	" join fleet.device d on d.id = x.device left join fleet.site s on s.name = d.site"
	" where $2::text is null or d.id in (select fleet.scope_devices($2))"
	" group by 1, 2 limit 1000"};
/* device id or null, name, task id or null, name, scope of what is seen or null → windows, zone,
 * device, task (null = none) */
const struct db_sql SQL_WINDOW_OF_DEVICE = {"window_of_device",
	"select coalesce(sched.windows_of(t.id, d.id), '{}')::text,"
	" coalesce(nullif(d.time_zone, ''), s.time_zone, 'UTC'), t.id from fleet.device d"
	" left join fleet.site s on s.name = d.site left join lateral (select x.id"
	"  from sched.task x where (x.id = $3::uuid or x.name = $4::text) and ($5::text is null"
	"  or x.id in (select sched.scope_tasks($5))) limit 1) t on true"
	" where d.id = any (array(select i.id from fleet.device i where i.id = $1::uuid"
	" union all select i.id from fleet.device i where i.name = $2::text limit 2))"};

/* ---- when the jobs of a run may start ---- */

/* run, occurrence or null, jitter s */
const struct db_sql SQL_RUN_AT = {
	"run_at", "update sched.run set occurrence = $2, jitter_s = $3::int where id = $1::uuid"};
/* run: windows do not hold it (FL-40) */
const struct db_sql SQL_RUN_OVERRIDE = {
	"run_override", "update sched.run set no_windows = true where id = $1::uuid"};
/* run → occurrence, jitter s, now, deadline */
const struct db_sql SQL_PLACE_RUN = {"place_run",
	"select occurrence, jitter_s, clock_timestamp(), deadline_at from sched.run"
	" where id = $1::uuid"};
/* run → zone, windows */
const struct db_sql SQL_PLACE_KEYS = {
	"place_keys", "select distinct zone, windows from sched.place_keys($1::uuid)"};
/* run, zones, windows, instants or null = never, held by a window, ms more until its deadline →
 * jobs that are missed */
const struct db_sql SQL_PLACE_JOBS = {"place_jobs",
	"with k as (select * from unnest($2::text[], $3::text[], $4::timestamptz[],"
	"  $5::boolean[]) k(zone, windows, due, held)),"
	" run as (update sched.run set deadline_at = deadline_at + $6::bigint"
	"  * interval '1 millisecond' where id = $1::uuid returning task, jitter_s),"
	" x as materialized (select p.job, k.due + case when r.jitter_s > 0 then"
	"   sched.jitter(r.task, p.device, r.jitter_s) else interval '0' end as due, k.held"
	"  from sched.place_keys($1::uuid) p join k using (zone, windows) cross join run r),"
	" upd as (update sched.job j set state = case when x.due is null then 14 else 1 end,"
	"  cause = case when x.due is null or x.held then 8001 else 0 end, not_before = x.due,"
	"  ended_at = case when x.due is null then clock_timestamp() end from x"
	"  where j.id = x.job and j.state = 1 and (x.due is null or x.due > statement_timestamp())"
	"  returning j.id, j.state),"
	" gone as (delete from sched.later l using upd where l.job = upd.id and upd.state = 14)"
	" select count(*) from upd where state = 14"};
/* jobs, instants or null = never: claimed ones whose window has closed meanwhile */
const struct db_sql SQL_JOB_CLOSED = {"job_closed",
	"with x as (select * from unnest($1::uuid[], $2::timestamptz[]) x(job, due)),"
	" f as (delete from sched.active a using x where a.job = x.job and a.state = 3"
	"  returning x.due, " SQL_HELD "),"
	" upd as (update sched.job j set state = 6, cause = 8001, deferrals = j.deferrals + 1,"
	"  not_before = f.due, deferred_ms = j.deferred_ms + coalesce((1000 * extract(epoch from"
	"   f.due - clock_timestamp()))::bigint, 0), lost_by = null, " SQL_FROM_HELD
	"  from f where j.id = f.held_job returning j.id, j.suspect, f.due)"
	" insert into sched.later (job, due_at, suspect)"
	" select id, coalesce(due, 'infinity'), suspect from upd"};
/* jobs of the statement before: those whose window does not open again in time (FL-39) */
const struct db_sql SQL_JOB_NEVER = {"job_never",
	"with gone as (delete from sched.later where job = any ($1::uuid[])"
	"  and due_at = 'infinity' returning job)"
	" update sched.job j set state = 14, ended_at = clock_timestamp() from gone"
	" where j.id = gone.job and j.state = 6"};
/* jobs, instants: when they are told to stop */
const struct db_sql SQL_ACTIVE_CUT_AT = {"active_cut_at",
	"update sched.active a set cut_at = x.at from unnest($1::uuid[], $2::timestamptz[])"
	" x(job, at) where a.job = x.job"};
const struct db_sql SQL_ACTIVE_CUT = {"active_cut",
	"update sched.active set cancel = true, cut = true where device = any (array(select device"
	" from sched.active where cut_at <= clock_timestamp() and not cancel for update skip"
	" locked))"};
