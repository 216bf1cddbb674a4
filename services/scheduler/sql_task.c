// SPDX-License-Identifier: Apache-2.0
/* SQL of tasks, firings and runs. */
#include "services/scheduler/sql.h"
#include "services/scheduler/sql_columns.h"

/* ---- tasks ---- */

const struct db_sql SQL_TASK_FIND = {"task_find",
	"select " SQL_TASK_COLUMNS " from sched.task d where d.id = any (array("
	"select i.id from sched.task i where i.id = $1::uuid union all "
	"select i.id from sched.task i where i.name = $2::text limit 2)) for update of d"};
const struct db_sql SQL_TASK_GET = {"task_get",
	"select " SQL_TASK_COLUMNS " from sched.task d where d.id = any (array("
	"select i.id from sched.task i where i.id = $1::uuid union all "
	"select i.id from sched.task i where i.name = $2::text limit 2))"};
const char SQL_TASK_LIST[] = "select " SQL_TASK_COLUMNS ", count(*) over () from sched.task d ";
/* id, name, kind, active, schedule, targets, settings, retry, sealed, owner, next_at, next_local */
const struct db_sql SQL_TASK_INSERT = {"task_insert",
	"insert into sched.task (id, name, kind, active, schedule, targets, settings, retry,"
	" password_sealed, owner, next_at, next_local) values ($1::uuid, $2, $3, $4, $5::jsonb,"
	" $6::jsonb, $7::jsonb, $8::jsonb, $9::bytea, $10, $11::timestamptz, $12)"
	" on conflict (id) do nothing"};
const struct db_sql SQL_TASK_UPDATE = {"task_update",
	"update sched.task set name = $2, kind = $3, active = $4, schedule = $5::jsonb,"
	" targets = $6::jsonb, settings = $7::jsonb, retry = $8::jsonb,"
	" password_sealed = $9::bytea, owner = $10, next_at = $11::timestamptz, next_local = $12,"
	" version = version + 1 where id = $1::uuid"};
const struct db_sql SQL_TASK_DELETE = {
	"task_delete", "delete from sched.task where id = $1::uuid"};

/* limit → tasks whose firing is due, with it; other planners pass them by (FL-33) */
const struct db_sql SQL_TASK_DUE = {"task_due",
	"select " SQL_TASK_COLUMNS ", d.next_local, clock_timestamp() from sched.task d"
	" where d.active and d.next_at <= clock_timestamp() order by d.next_at limit $1::int"
	" for update of d skip locked"};
/* id, next_at, next_local */
const struct db_sql SQL_TASK_FIRED = {"task_fired",
	"update sched.task set next_at = $2::timestamptz, next_local = $3 where id = $1::uuid"};
/* task, due_at, local, run or null = missed → run; no row when it was fired before */
const struct db_sql SQL_FIRING_INSERT = {"firing_insert",
	"insert into sched.firing (task, due_at, local, run)"
	" values ($1::uuid, $2::timestamptz, $3, $4::uuid) on conflict do nothing returning run"};

/* ---- runs ---- */

/* id, task, state, cause, rerun_of, due_at, default deadline ms, errors_max, crashes_max */
const struct db_sql SQL_RUN_INSERT = {"run_insert",
	"insert into sched.run (id, task, task_name, kind, state, cause, rerun_of, due_at, deadline_at,"
	" settings, password_sealed, errors_max, crashes_max, snapshot)"
	" select $1::uuid, t.id, t.name, t.kind, $3::smallint, $4, $5::uuid, $6::timestamptz,"
	" clock_timestamp() + make_interval(secs => coalesce(nullif((t.retry->>'run_deadline_ms')::float8,"
	" 0), $7::float8) / 1000), t.settings, t.password_sealed,"
	" coalesce(nullif((t.retry->>'errors_max')::int, 0), $8::int),"
	" coalesce(nullif((t.retry->>'crashes_max')::int, 0), $9::int),"
	" to_jsonb(t) - 'password_sealed' from sched.task t where t.id = $2::uuid"
	" on conflict (id) do nothing returning id"};
/* task, run: the last run that was made of its targets */
const struct db_sql SQL_TASK_RAN = {"task_ran",
	"update sched.task set last_run = $2::uuid where id = $1::uuid"};

#define RUN_TOTALS                                                                                 \
	" left join lateral (select sum(c.bytes)::bigint as bytes, sum(c.versions)::bigint as versions," \
	" string_agg(c.state || '=' || c.n, ' ') as counts from (select state, sum(n) as n,"        \
	" sum(bytes) as bytes, sum(versions) as versions from sched.run_count where run = r.id"     \
	" group by state) c) t on true"
#define RUN_ROW SQL_RUN_COLUMNS ", t.bytes, t.versions, t.counts"

const struct db_sql SQL_RUN_GET = {"run_get",
	"select " RUN_ROW " from sched.run r" RUN_TOTALS " where r.id = any ($1::uuid[])"};
/* task, state, cursor time and id, limit */
const struct db_sql SQL_RUN_LIST = {"run_list",
	"select " RUN_ROW ", (extract(epoch from r.opened_at) * 1000000)::bigint from sched.run r"
	RUN_TOTALS " where ($1::uuid is null or r.task = $1) and ($2::smallint is null or r.state = $2)"
	" and ($3::bigint is null or (r.opened_at, r.id) < (to_timestamp(0) + $3 *"
	" interval '1 microsecond', $4::uuid)) order by r.opened_at desc, r.id desc limit $5::int"};
/* ids → live ones, locked */
const struct db_sql SQL_RUN_LOCK = {"run_lock",
	"select r.id, r.state from sched.run r where r.id = any ($1::uuid[]) and r.state < 6"
	" order by r.id for update skip locked"};
/* ids → run, state, n, rows */
const struct db_sql SQL_RUN_COUNTS = {"run_counts",
	"select run, state, sum(n)::bigint, count(*) from sched.run_count where run = any ($1::uuid[])"
	" group by run, state"};
/* ids: rows of a run and state become one; the caller holds the runs */
const struct db_sql SQL_RUN_FOLD = {"run_fold",
	"with gone as (delete from sched.run_count where run = any ($1::uuid[]) returning *)"
	" insert into sched.run_count select run, state, sum(n), sum(bytes), sum(versions) from gone"
	" group by run, state"};
/* ids, states: runs that change state; terminal ones end */
const struct db_sql SQL_RUN_CHANGE = {"run_change",
	"update sched.run r set state = c.state, ended_at = case when c.state >= 6 then"
	" clock_timestamp() end from unnest($1::uuid[], $2::smallint[]) c(id, state)"
	" where r.id = c.id and r.state < 6"};
/* id, state, previous run or null: the list is frozen */
const struct db_sql SQL_RUN_OPENED = {"run_opened",
	"update sched.run r set state = $2::smallint, opened_at = clock_timestamp(),"
	" ended_at = case when $2::smallint >= 6 then clock_timestamp() end,"
	" added = case when p.id is null then 0 else (select count(*) from sched.job n where n.run = r.id"
	"  and not exists (select from sched.job o where o.run = p.id and o.device = n.device)) end,"
	" removed = case when p.id is null then 0 else (select count(*) from sched.job o where"
	"  o.run = p.id and not exists (select from sched.job n where n.run = r.id"
	"  and n.device = o.device)) end"
	" from (select (select x.id from sched.run x where x.id = $3::uuid) as id) p"
	" where r.id = $1::uuid"};
/* One run that waits for its list, and its task's targets. */
const struct db_sql SQL_RUN_OPENING = {"run_opening",
	"select r.id, r.task, r.kind, r.snapshot->'targets', r.snapshot->>'last_run'"
	" from sched.run r where r.state = 1 order by r.id limit 1 for update skip locked"};
const struct db_sql SQL_RUN_LIVE = {"run_live",
	"select r.id, r.state, r.deadline_at < clock_timestamp() from sched.run r"
	" where r.state between 3 and 5 order by r.id limit 1000"};

/* run, state, cause, cursor, limit; targets in order of job */
const struct db_sql SQL_RUN_TARGETS = {"run_targets",
	"select " SQL_TARGET_COLUMNS " from sched.job j join sched.run r on r.id = j.run"
	" where j.run = $1::uuid and ($2::smallint is null or j.state = $2)"
	" and ($3::int is null or j.cause = $3) and ($4::uuid is null or j.id > $4)"
	" order by j.id limit $5::int"};
const struct db_sql SQL_RUN_OUTCOMES = {"run_outcomes",
	"select state, cause, coalesce(reason, ''), count(*), min(device_name),"
	" (array_agg(detail order by device_name))[1] from sched.job where run = $1::uuid"
	" group by state, cause, coalesce(reason, '') order by count(*) desc, state, cause limit 1000"};
/* run → task, kind, task's present settings are taken by SQL_RUN_INSERT */
const struct db_sql SQL_RERUN_CHECK = {"rerun_check",
	"select r.task, r.kind, r.state, exists (select from sched.task t where t.id = r.task)"
	" from sched.run r where r.id = $1::uuid"};
/* run, states, causes or null, devices or null → devices of the chosen targets (FL-62, FL-63) */
const struct db_sql SQL_RERUN_DEVICES = {"rerun_devices",
	"select device from sched.job where run = $1::uuid and state = any ($2::smallint[])"
	" and ($3::int[] is null or cause = any ($3)) and ($4::uuid[] is null or device = any ($4))"};
