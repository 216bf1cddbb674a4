// SPDX-License-Identifier: Apache-2.0
/* SQL of tasks, firings and runs. */
#include "services/scheduler/sql.h"
#include "services/scheduler/sql_columns.h"

/* ---- tasks ---- */

const struct db_sql SQL_TASK_FIND = {"task_find",
	"select " SQL_TASK_COLUMNS
	" from sched.task d where d.id = any " SQL_IDS_OF("sched.task") " for update of d"};
const struct db_sql SQL_TASK_GET = {"task_get",
	"select " SQL_TASK_COLUMNS " from sched.task d where d.id = any " SQL_IDS_OF("sched.task")};
const char SQL_TASK_LIST[] = "select " SQL_TASK_COLUMNS ", count(*) over () from sched.task d ";
/* id, name, kind, active, schedule, targets, settings, retry, sealed, owner, next_at, next_local,
 * scope of who saves it or null. With another owner it belongs to another scope. */
const struct db_sql SQL_TASK_INSERT = {"task_insert",
	"insert into sched.task (id, name, kind, active, schedule, targets, settings, retry,"
	" password_sealed, owner, next_at, next_local, scope) values ($1::uuid, $2, $3, $4,"
	" $5::jsonb, $6::jsonb, $7::jsonb, $8::jsonb, $9::bytea, $10, $11::timestamptz, $12, $13)"
	" on conflict (id) do nothing"};
/* And: fires whatever was planned. Else what is due stays due, and what is planned stays planned
 * unless the schedule changes; a new one has occurrences of its own (FL-33). */
#define KEEPS                                                                                      \
	"active and $4 and (next_at <= clock_timestamp() or (schedule = $5::jsonb and not "        \
	"$14::boolean))"
const struct db_sql SQL_TASK_UPDATE = {"task_update",
	"update sched.task set name = $2, kind = $3, active = $4, schedule = $5::jsonb,"
	" targets = $6::jsonb, settings = $7::jsonb, retry = $8::jsonb,"
	" password_sealed = $9::bytea, owner = $10, next_at = case when " KEEPS
	" then next_at else $11::timestamptz end, next_local = case when " KEEPS
	" then next_local else $12 end,"
	" schedule_no = schedule_no + (schedule <> $5::jsonb)::int,"
	" scope = case when $13::text is not null then $13 when owner = $10 then scope end,"
	" replan_at = null, aside_until = null, version = version + 1 where id = $1::uuid"};
/* id, task, sealed: versions made with it name it (FL-42) */
const struct db_sql SQL_PASSWORD_KEEP = {"password_keep",
	"insert into sched.password (id, task, sealed) values ($1::uuid, $2::uuid, $3::bytea)"
	" on conflict (id) do nothing"};
const struct db_sql SQL_TASK_DELETE = {"task_delete", "delete from sched.task where id = $1::uuid"};

/* limit → tasks whose firing is due, or whose members are to be looked at again, with the next
 * firing; other planners pass them by (FL-33), all pass by what is set aside (RL-8) */
const struct db_sql SQL_TASK_DUE = {"task_due",
	"select " SQL_TASK_COLUMNS ", d.next_local, clock_timestamp() from sched.task d"
	" where d.active and (d.next_at <= clock_timestamp() or d.replan_at <= clock_timestamp())"
	" and (d.aside_until is null or d.aside_until <= clock_timestamp())"
	" order by d.next_at limit $1::int"
	" for update of d skip locked"};
/* id, ms: nobody fires it meanwhile, unless it is saved */
const struct db_sql SQL_TASK_ASIDE = {"task_aside",
	"update sched.task set aside_until = clock_timestamp() + $2::bigint * interval '1 ms'"
	" where id = $1::uuid"};
/* id, next_at, next_local */
const struct db_sql SQL_TASK_FIRED = {"task_fired",
	"update sched.task set next_at = $2::timestamptz, next_local = $3, replan_at = null"
	" where id = $1::uuid"};
/* id, ms: each target has its own time. Members may come whose zone is ahead. */
const struct db_sql SQL_TASK_REPLAN = {"task_replan",
	"update sched.task set replan_at = case when active and next_at is not null then"
	" clock_timestamp() + $2::bigint * interval '1 ms' end where id = $1::uuid"};
/* refs, scope of what is seen or null → ref, id, how many */
const struct db_sql SQL_RESOLVE_TASKS = {"resolve_tasks",
	"select r.place, (array_agg(d.id))[1], count(d.id) from unnest($1::text[])"
	" with ordinality r(ref, place) left join lateral (select i.id from sched.task i"
	" where i.name = r.ref or i.id::text = lower(r.ref)) d"
	" on $2::text is null or d.id in (select sched.scope_tasks($2))"
	" group by r.place order by r.place"};
/* task, due_at, local, run, how many from then on → run; no row when it was fired before */
const struct db_sql SQL_FIRING_INSERT = {"firing_insert",
	"insert into sched.firing (task, due_at, local, run, n, schedule_no)"
	" select t.id, $2::timestamptz, $3, $4::uuid, $5::int, t.schedule_no from sched.task t"
	" where t.id = $1::uuid on conflict do nothing returning run"};

/* ---- runs ---- */

/* First statement of a transaction that opens a run: one snapshot for the whole list (FL-22). */
const struct db_sql SQL_ONE_SNAPSHOT = {
	"one_snapshot", "set transaction isolation level repeatable read"};

#define RUN_FIELDS                                                                                 \
	"(id, task, task_name, kind, state, cause, rerun_of, due_at, deadline_at, settings,"       \
	" password_sealed, errors_max, crashes_max, snapshot, phase, budget_percent, budget_min,"  \
	" confirm_ms, accept)"
/* Its settings are those of the task now. */
#define RUN_OF_TASK(deadline, errors, crashes, phase)                                              \
	"clock_timestamp() + make_interval(secs => coalesce(nullif("                               \
	"(t.retry->>'run_deadline_ms')::float8, 0), " deadline "::float8) / 1000), t.settings,"    \
	" t.password_sealed, coalesce(nullif((t.retry->>'errors_max')::int, 0), " errors "::int)," \
	" coalesce(nullif((t.retry->>'crashes_max')::int, 0), " crashes "::int),"                  \
	" to_jsonb(t) - 'password_sealed', " phase "::smallint,"                                   \
	" coalesce((t.retry->>'budget_percent')::int, 0),"                                         \
	" coalesce((t.retry->>'budget_min')::int, 0),"                                             \
	" coalesce((t.settings->>'confirm_ms')::bigint, 0),"                                       \
	" coalesce(t.settings->'accept', '[]') from sched.task t"

/* id, task, state, cause, rerun_of, due_at, default deadline ms, errors_max, crashes_max, phase,
 * kind */
const struct db_sql SQL_RUN_INSERT = {"run_insert",
	"insert into sched.run " RUN_FIELDS
	" select $1::uuid, t.id, t.name, $11, $3::smallint, $4, $5::uuid, "
	"$6::timestamptz, " RUN_OF_TASK("$7", "$8", "$9",
		"$10") " where t.id = $2::uuid on conflict (id) do nothing returning id"};
/* id, task, state, due_at, defaults and phase as above: only if the firing written before is ours
 * (FL-33) */
const struct db_sql SQL_RUN_OF_FIRING = {"run_of_firing",
	"insert into sched.run " RUN_FIELDS
	" select $1::uuid, t.id, t.name, t.kind, $3::smallint, 'schedule', null, "
	"$4::timestamptz, " RUN_OF_TASK("$5", "$6", "$7",
		"$8") " where t.id = $2::uuid and exists (select from sched.firing f"
		      " where f.task = t.id and f.run = $1::uuid)"};
/* run of the statement before, how many: it missed them (FL-35) */
const struct db_sql SQL_RUN_MISSED = {"run_missed",
	"update sched.run set state = 12, state_cause = 'late_start', missed = $2::int,"
	" ended_at = clock_timestamp() where id = $1::uuid"};
/* task, run: the last run that was made of its targets; one that repeats some of them, or applies
 * such a plan, is none */
const struct db_sql SQL_TASK_RAN = {"task_ran",
	"update sched.task set last_run = $2::uuid where id = $1::uuid and not exists (select"
	" from sched.run r left join sched.run p on p.id = r.plan where r.id = $2::uuid"
	" and (r.rerun_of is not null or p.rerun_of is not null))"};

#define RUN_TOTALS                                                                                 \
	" left join lateral (select sum(c.bytes)::bigint as bytes, sum(c.versions)::bigint as "    \
	"versions,"                                                                                \
	" string_agg(c.state || '=' || c.n, ' ') as counts from (select state, sum(n) as n,"       \
	" sum(bytes) as bytes, sum(versions) as versions from sched.run_count where run = r.id"    \
	" group by state) c) t on true"
#define RUN_ROW SQL_RUN_COLUMNS ", t.bytes, t.versions, t.counts"

const struct db_sql SQL_RUN_GET = {"run_get",
	"select " RUN_ROW " from sched.run r" RUN_TOTALS " where r.id = any ($1::uuid[])"};
/* task id or null, task name or null, state, cursor: microseconds or null, and how many of those
 * were seen, limit, scope or null → also whether the run lies within; with a task only those that
 * do */
const struct db_sql SQL_RUN_LIST = {"run_list",
	"select " RUN_ROW ", (extract(epoch from r.opened_at) * 1000000)::bigint,"
	" $7::text is null or sched.run_within(r.id, $7) from sched.run r" RUN_TOTALS
	" where ($2::text is null or r.task = coalesce($1::uuid,"
	" (select t.id from sched.task t where t.name = $2)))"
	" and ($2::text is null or $7::text is null or sched.run_within(r.id, $7))"
	" and ($3::smallint is null or r.state = $3)"
	" and ($4::bigint is null or r.opened_at <= to_timestamp(0) + $4 * interval '1 "
	"microsecond')"
	" order by r.opened_at desc, r.id desc offset $5::int limit $6::int"};
/* ids → live ones, locked */
const struct db_sql SQL_RUN_LOCK = {"run_lock",
	"select r.id, r.state, r.phase, r.budget_percent, r.budget_min, r.wave, r.waves,"
	" r.kind = 'batch'"
	" from sched.run r where r.id = any ($1::uuid[]) and r.state < 6"
	" order by r.id for update skip locked"};
/* ids → run, state, n, rows */
const struct db_sql SQL_RUN_COUNTS = {"run_counts",
	"select run, state, sum(n)::bigint, count(*) from sched.run_count where run = any "
	"($1::uuid[])"
	" group by run, state"};
/* ids: rows of a run and state become one; the caller holds the runs */
const struct db_sql SQL_RUN_FOLD = {"run_fold",
	"with gone as (delete from sched.run_count where run = any ($1::uuid[]) returning *)"
	" insert into sched.run_count select run, state, sum(n), sum(bytes), sum(versions) from "
	"gone"
	" group by run, state"};
/* ids, states, causes or null: runs that change state; terminal ones end. A run that wrote and
 * wants to be confirmed counts from its end. */
const struct db_sql SQL_RUN_CHANGE = {"run_change",
	"update sched.run r set state = c.state, state_cause = coalesce(c.cause, r.state_cause),"
	" ended_at = case when c.state >= 6 then clock_timestamp() end,"
	" confirm_until = case when c.state >= 6 and r.phase = 2 and r.confirm_ms > 0"
	"  and not r.confirmed and exists (select from sched.job j where j.run = r.id"
	"   and j.step between 3 and 6 and j.pre_image is not null)"
	"  then clock_timestamp() + r.confirm_ms * interval '1 millisecond' end"
	" from unnest($1::uuid[], $2::smallint[], $3::text[]) c(id, state, cause)"
	" where r.id = c.id and r.state < 6"};
/* id, state, waves: the list is frozen */
const struct db_sql SQL_RUN_OPENED = {"run_opened",
	"update sched.run r set state = $2::smallint, opened_at = clock_timestamp(),"
	" waves = $3::smallint, wave = least(1, $3::smallint),"
	" ended_at = case when $2::smallint >= 6 then clock_timestamp() end where r.id = $1::uuid"};
/* run, previous run or null: who came and who went since then and since its task was saved (FL-23).
 * Of a task that writes, the list to compare with is that of its plan. Nothing is looked at name by
 * name where the lists are equal, as they nearly always are. */
const struct db_sql SQL_RUN_MEMBERS = {"run_members",
	"with now as materialized (select array_agg(device order by device) as list from sched.job"
	"   where run = $1::uuid and part = 0),"
	" p as materialized (select x.id from (select coalesce(r.plan, r.id) as id from sched.run r"
	"   where r.id = $2::uuid) x cross join now where now.list is distinct from (select"
	"   array_agg(j.device order by j.device) from sched.job j where j.run = x.id"
	"   and j.part = 0)),"
	" k as materialized (select t.saved_list from sched.run r join sched.task t on t.id ="
	"   r.task cross join now where r.id = $1::uuid and t.saved_list is not null"
	"   and t.saved_list is distinct from coalesce(now.list, '{}')),"
	/* grouped, not joined: nothing is known about a list that was made just now, and a planner
	 * that takes it for short would compare each with each */
	" l as (select since, device, max(name) as name, bool_and(now) as came from ("
	"   select 2::smallint as since, device, device_name as name, true as now from sched.job"
	"    where run = $1::uuid and exists (select from p)"
	"   union all select 2, j.device, j.device_name, false from p join sched.job j on j.run = "
	"p.id"
	"   union all select 1, device, device_name, true from sched.job"
	"    where run = $1::uuid and exists (select from k)"
	"   union all select 1, d, null, false from k cross join unnest(k.saved_list) d) x"
	"  group by since, device having bool_and(now) or not bool_or(now)),"
	" c as materialized (select l.since, l.came, l.device, coalesce(l.name, (select d.name from"
	"   fleet.device d where d.id = l.device), '') as name from l),"
	" named as (insert into sched.run_change (run, since, came, device, name)"
	"  select $1::uuid, v.since, v.came, x.device, x.name from (values (1, true), (1, false),"
	"   (2, true), (2, false)) v(since, came) cross join lateral (select c.device, c.name from "
	"c"
	"   where c.since = v.since and c.came = v.came order by c.name, c.device limit 1000) x)"
	" update sched.run set added = t.added, removed = t.removed, saved_added = t.saved_added,"
	"  saved_removed = t.saved_removed from (select"
	"   count(*) filter (where since = 2 and came) as added,"
	"   count(*) filter (where since = 2 and not came) as removed,"
	"   count(*) filter (where since = 1 and came) as saved_added,"
	"   count(*) filter (where since = 1 and not came) as saved_removed from c) t"
	" where id = $1::uuid and exists (select from c)"};
/* run, scope or null → since, came, device, name */
const struct db_sql SQL_RUN_CHANGES = {"run_changes",
	"select case since when 1 then 'saved' else 'last' end, came, device, name"
	" from sched.run_change where run = $1::uuid and ($2::text is null or device in (select"
	" fleet.scope_devices($2))) order by since, came desc, name, device"};
/* One run that waits for its list, its task's targets, the run before, whether the list is that of
 * another run, and whether it is too late. */
const struct db_sql SQL_RUN_OPENING = {"run_opening",
	"select r.id, r.task, r.kind, r.snapshot->'targets', case when r.phase < 2"
	" and r.follows is null then r.snapshot->>'last_run' end,"
	" r.phase >= 2 or r.follows is not null, r.deadline_at < clock_timestamp()"
	" from sched.run r where r.state = 1"
	" and (r.open_after is null or r.open_after <= clock_timestamp())"
	" order by r.id limit 1 for update skip locked"};
/* run, ms: other runs get their lists before it */
const struct db_sql SQL_OPENING_LATER = {"opening_later",
	"update sched.run set open_after = clock_timestamp() + $2::bigint * interval '1 ms'"
	" where id = $1::uuid and state = 1"};
/* run, state, cause: it gets none */
const struct db_sql SQL_OPENING_ENDS = {"opening_ends",
	"update sched.run set state = $2::smallint, state_cause = $3, ended_at = clock_timestamp()"
	" where id = $1::uuid and state = 1"};
const struct db_sql SQL_RUN_LIVE = {"run_live",
	"select r.id, r.state, r.deadline_at < clock_timestamp() from sched.run r"
	" where r.state between 3 and 5 order by r.id limit 1000"};

/* run, state, cause, last device and step of the page before or null, limit, scope or null, scope
 * where entries of books are seen or null: by the key of run, device and step, the only one that
 * finds a run's jobs among all that ever were */
const struct db_sql SQL_RUN_TARGETS = {"run_targets",
	"select " SQL_TARGET_COLUMNS SQL_TARGET_READ(
		"$8") " from " SQL_TARGET_TABLES " where j.run = $1::uuid and ($2::smallint is "
		      "null or coalesce(h.state, j.state) = $2)"
		      " and ($2::smallint is null or (select sum(c.n) from sched.run_count c"
		      "  where c.run = $1::uuid and c.state = $2) > 0)" /* no looking for what is
									   not there */
		      " and ($3::int is null or j.cause = $3)"
		      " and ($7::text is null or j.device in (select fleet.scope_devices($7)))"
		      " and (j.device, j.part) > (coalesce($4::uuid, "
		      "'00000000-0000-0000-0000-000000000000'),"
		      "  $5::smallint) order by j.device, j.part limit $6::int"};
/* run, scope or null: what lies outside is counted, not named */
const struct db_sql SQL_RUN_OUTCOMES = {"run_outcomes",
	"select state, cause, coalesce(reason, ''), count(*),"
	" min(device_name) filter (where $2::text is null or device in (select"
	"  fleet.scope_devices($2))),"
	" (array_agg(detail order by device_name) filter (where $2::text is null or device in"
	"  (select fleet.scope_devices($2))))[1], step, needs,"
	" sum((plan->>'add')::bigint)::bigint, sum((plan->>'change')::bigint)::bigint,"
	" sum((plan->>'remove')::bigint)::bigint, sum((plan->>'losses')::bigint)::bigint"
	" from (select coalesce(h.state, j.state) as state, j.cause, j.reason, j.device_name, "
	"j.device,"
	"   j.detail, j.step, j.plan, coalesce(j.plan->>'needs', '') as needs from sched.job j"
	"  left join sched.active h on h.job = j.id where j.run = $1::uuid) j"
	" group by state, cause, coalesce(reason, ''), step, needs"
	" order by count(*) desc, state, cause limit 1000"};
/* id, run that is repeated, default deadline ms: with what was set then (FL-64) */
const struct db_sql SQL_RUN_AS_IT_WAS = {"run_as_it_was",
	"insert into sched.run (id, task, task_name, kind, state, cause, rerun_of, deadline_at,"
	" settings, password_sealed, errors_max, crashes_max, snapshot, budget_percent,"
	" budget_min, as_it_was)"
	" select $1::uuid, r.task, r.task_name, r.kind, 1, 'rerun', r.id, clock_timestamp() +"
	"  make_interval(secs => coalesce(nullif((r.snapshot->'retry'->>'run_deadline_ms')::float8,"
	"  0), $3::float8) / 1000), r.settings, r.password_sealed, r.errors_max, r.crashes_max,"
	"  r.snapshot, r.budget_percent, r.budget_min, true from sched.run r where r.id = $2::uuid"
	" on conflict (id) do nothing returning id"};
/* run → task, kind, task's present settings are taken by SQL_RUN_INSERT */
const struct db_sql SQL_RERUN_CHECK = {"rerun_check",
	"select r.task, r.kind, r.state, exists (select from sched.task t where t.id = r.task)"
	" from sched.run r where r.id = $1::uuid"};
/* run, states, causes or null, devices or null → devices of the chosen targets (FL-62, FL-63) */
const struct db_sql SQL_RERUN_DEVICES = {"rerun_devices",
	"select distinct j.device from sched.job j left join sched.active h on h.job = j.id"
	" where j.run = $1::uuid and coalesce(h.state, j.state) = any ($2::smallint[])"
	" and ($3::int[] is null or j.cause = any ($3))"
	" and ($4::uuid[] is null or j.device = any ($4))"};

/* ---- opening a run: one statement of parts ----
 * $1 run, $2 devices, $3 static groups, $4 their ways, $5 ways of the filters, $6 devices left out,
 * $7 static groups left out, $8 values of the filters, $9 kind, $10 families that fit,
 * $11 capability, $12 cause for those that do not fit, $13 held: for a wave or for a person,
 * $14 what each device gets is said by its distribution sets
 * → state, jobs, pool */
/* A list of 100,000 takes a second, on a machine that is busy ten. */
const struct db_sql SQL_OPEN_TIME = {"open_time", "set local statement_timeout = '60s'"};
const char SQL_OPEN_HEAD[] =
	"with found as (select id, ''::text as via, 0 as o from unnest($2::uuid[]) id"
	" union all select m.device, g.via, 1 from unnest($3::uuid[], $4::text[]) g(id, via)"
	" join fleet.group_device m on m.grp = g.id";
const char SQL_OPEN_ALL[] =
	" union all select d.id, 'all', 1 from fleet.device d where d.state in (2, 3, 4)";
const char SQL_OPEN_EXCEPT[] =
	"), gone as (select unnest($6::uuid[]) as id union all select m.device"
	" from fleet.group_device m where m.grp = any ($7::uuid[])";
/* what the task's own filter sees: of the run $1, or of the task $1 where nothing runs yet */
const char SQL_OPEN_SEEN[] = "coalesce((select r.scopes from sched.run r where r.id = $1::uuid),"
			     " (select array[k.scope] from sched.task k where k.id = $1::uuid))";
const char SQL_OPEN_EXCEPT_FILTER[] = " union all select d.id from fleet.device d where ";
/* What a list would be, of what the scope $9 (null: everything) lets be seen → what, key, count */
const char SQL_OPEN_COUNTS[] =
	"), pick as materialized (select distinct id from found where id not in (select id from "
	"gone"
	"  where id is not null) and ($1::uuid is null) is not null and cardinality($5::text[]) >= "
	"0"
	"  and cardinality($8::text[]) >= 0), d as (select d.* from pick join fleet.device d using "
	"(id) where $9::text is null or d.id in (select fleet.scope_devices($9)))"
	" select 'total', '', count(*) from d"
	" union all select 'site', coalesce(site, ''), count(*) from d group by 2"
	" union all select 'type', (array['none', 'I', 'II', 'III'])[type], count(*) from d group "
	"by 2"
	" union all select 'family', family, count(*) from d group by 2"
	" union all select 'state', (array['candidate', 'enrolled', 'auth_hold', 'suspended',"
	"  'retired'])[state], count(*) from d group by 2"
	" union all select 'support', coalesce(capabilities -> 'ab.read' ->> 'result', 'unknown'),"
	"  count(*) from d group by 2"
	" union all select 'zone', coalesce(nullif(d.time_zone, ''), s.time_zone, 'UTC'), count(*)"
	"  from d left join fleet.site s on s.name = d.site group by 2";
/* Who it would be is kept with the task $1, to tell later who came and who went (FL-23). */
const char SQL_OPEN_SAVE[] =
	"), pick as materialized (select distinct id from found where id not in (select id from "
	"gone"
	"  where id is not null) and cardinality($5::text[]) >= 0 and cardinality($8::text[]) >= 0)"
	" update sched.task set saved_list = array(select d.id from pick join fleet.device d"
	"  using (id) order by d.id) where id = $1::uuid";
const char SQL_OPEN_TAIL[] =
	"), pick as materialized (select distinct on (id) id, via from found"
	"  where id not in (select id from gone where id is not null)"
	"  and cardinality($5::text[]) >= 0 and cardinality($8::text[]) >= 0 order by id, o),"
	" base as (select uuid_send(sched.uuid7()) as b)," SQL_OPEN_WITHIN
	" ins as (insert into sched.job (id, run, device, state, cause, reason, pool, family,"
	"   created_at, ended_at, device_name, address, type, via, book, map, follows)"
	"  select " SQL_JOB_ID ", $1::uuid, d.id, case c.cause when 0 then case when $13::boolean"
	"   then 1 else 2 end when 5007 then 12 else 11 end, c.cause, case c.cause when 5007"
	"   then 'sets_contradict' when 1006 then 'no_set' when 1002 then case when $11 ="
	"   'ab.write' and d.capabilities -> 'ab.read' ->> 'result' = 'yes' then 'file_by_hand'"
	"   end end, d.pool,"
	"   d.family, statement_timestamp(), case c.cause when 0 then null else"
	"   statement_timestamp() end, d.name, d.address, d.type, p.via, s.book, s.map,"
	"   $9 = 'batch'"
	"  from pick p join fleet.device d on d.id = p.id cross join base"
	"  left join lateral (select * from sched.sets_of(d.id) where $14::boolean) s on true"
	"  cross join lateral (select case"
	"   when " SQL_OPEN_OUTSIDE " then 1011 when d.state = 5 then 1009 when d.state = 4 or "
	"(d.state = 1 and $9 <> 'device.probe')"
	"   then 1008 when $11 like '%.write' and d.managed_by <> 1 then 1007"
	"   when d.family <> all ($10::text[]) then $12::int"
	"   when $11 <> '' and d.capabilities -> $11 ->> 'result' = 'no'" SQL_OPEN_FIRST
	"   and not fleet.check_old(d.capabilities -> $11, d.firmware) then $12::int"
	"   when s.n = 0 then 1006 when s.contradict then 5007"
	"   else 0 end as cause offset 0) c"
	"  returning id, state, cause, pool, family, device)," SQL_OPEN_QUEUES;
/* run, family: the one job of a run that has no device; its task stands for it */
const struct db_sql SQL_OPEN_ALONE = {"open_alone",
	"with ins as (insert into sched.job (id, run, device, state, pool, family, created_at,"
	"   device_name, address, type, via)"
	"  select sched.uuid7(), r.id, r.task, 2, $2, $2, statement_timestamp(), 'Carnet', '', 1, "
	"''"
	"   from sched.run r where r.id = $1::uuid"
	"  returning id, state, cause, pool, family, device)," SQL_OPEN_QUEUES};
