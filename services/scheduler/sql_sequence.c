// SPDX-License-Identifier: Apache-2.0
/* SQL of batch tasks (fleet.md FL-26). */
#include "services/scheduler/sql.h"
#include "services/scheduler/sql_columns.h"

/* refs → kinds of these tasks, in order */
const struct db_sql SQL_STEP_KINDS = {"step_kinds",
	"select t.kind from unnest($1::text[]) with ordinality r(ref, place) join sched.task t"
	" on t.name = r.ref or t.id::text = lower(r.ref) order by r.place"};
/* id, name of a task → a batch in which it is a step */
const struct db_sql SQL_STEP_OF = {"step_of",
	"select b.name from sched.task d join sched.task b on b.kind = 'batch'"
	" and jsonb_exists(b.settings->'steps', d.id::text)"
	" where d.id = $1::uuid or d.name = $2::text limit 1"};

/* $1 run, $2 kinds that may be steps, $3 their families, by commas, $4 their capabilities */
#define KINDS "unnest($2::text[], $3::text[], $4::text[]) k(kind, families, capability)"
/* Needs s, k, d: 0 = it fits. */
#define MISFIT                                                                                     \
	"(select case when d.family <> all (string_to_array(k.families, ','))"                     \
	" or (k.capability <> '' and d.capabilities -> k.capability ->> 'result' = "               \
	"'no'" SQL_OPEN_FIRST                                                                      \
	" and not fleet.check_old(d.capabilities -> k.capability, d.firmware))"                    \
	" then case when s.kind = 'ab.backup' then 1001 else 1002 end else 0 end as cause offset " \
	"0)"

const struct db_sql SQL_SEQUENCE_STEPS = {"sequence_steps",
	"insert into sched.run_step (run, part, task, task_name, kind, settings, password_sealed)"
	" select r.id, row_number() over (order by s.at) - 1, t.id, t.name, t.kind, t.settings,"
	"  t.password_sealed from sched.run r cross join"
	"  jsonb_array_elements_text(r.settings->'steps') with ordinality s(task, at)"
	"  join sched.task t on t.id = s.task::uuid join " KINDS " on k.kind = t.kind"
	" where r.id = $1::uuid"};
/* The first step's jobs are there, held. */
const struct db_sql SQL_SEQUENCE_FIRST = {"sequence_first",
	"with x as materialized (select j.id, c.cause from sched.job j join sched.run_step s"
	"   on s.run = j.run and s.part = 0 join fleet.device d on d.id = j.device"
	"   join " KINDS " on k.kind = s.kind cross join lateral " MISFIT " c"
	"   where j.run = $1::uuid and j.state = 1 and c.cause <> 0),"
	" gone as (delete from sched.later l using x where l.job = x.id)"
	" update sched.job j set state = 11, cause = x.cause, ended_at = clock_timestamp()"
	" from x where j.id = x.id"};
const struct db_sql SQL_SEQUENCE_REST = {"sequence_rest",
	"with base as (select uuid_send(sched.uuid7()) as b),"
	" ins as (insert into sched.job (id, run, device, part, wave, state, cause, pool, family,"
	"   created_at, ended_at, device_name, address, type, via, follows)"
	"  select " SQL_JOB_ID ", p.run, p.device, s.part, p.wave, case c.cause when 0 then 1"
	"   else 11 end, c.cause, p.pool, p.family, statement_timestamp(), case c.cause when 0"
	"   then null else statement_timestamp() end, p.device_name, p.address, p.type, p.via, true"
	"  from sched.job p join sched.run_step s on s.run = p.run and s.part > 0"
	"  join fleet.device d on d.id = p.device join " KINDS " on k.kind = s.kind"
	"  cross join base cross join lateral " MISFIT " c"
	"  where p.run = $1::uuid and p.part = 0 and (p.state = 1 or p.cause in (1001, 1002))"
	"  returning id, state, cause, pool, family, device)," SQL_OPEN_QUEUES};

/* run: how many jobs each wave has in each step but the first; what was skipped has ended already
 */
const struct db_sql SQL_SEQUENCE_BEGUN = {"sequence_begun",
	"with sized as (update sched.run_step s set sizes = array(select coalesce(c.n, 0)"
	"   from generate_series(0, 32) w(wave) left join (select wave, count(*)::int as n"
	"    from sched.job where run = $1::uuid and part = 1 group by wave) c using (wave)"
	"   order by w.wave) where s.run = $1::uuid)"
	" insert into sched.step_ended (run, part, wave, device, good)"
	" select run, part, wave, device, true from sched.job where run = $1::uuid and state = 11"
	"  and cause in (1001, 1002) and part < (select max(part) from sched.run_step"
	"   where run = $1::uuid)"};

/* run: with a barrier the next step may begin when the one before has ended on all devices of the
 * waves so far */
const struct db_sql SQL_SEQUENCE_GATE = {"sequence_gate",
	"update sched.run_step s set wave = r.wave from sched.run r where r.id = $1::uuid"
	" and (r.settings->>'barrier')::boolean and s.run = r.id and s.part = (select min(x.part)"
	"  from sched.run_step x where x.run = r.id and x.part > 0 and x.wave < r.wave)"
	" and (select count(*) from sched.step_ended e where e.run = r.id and e.part = s.part - 1"
	"  and e.wave = r.wave) >= s.sizes[r.wave + 1]"};
/* run, most: of what has ended, the next step of its device may go on where it went well, or was
 * not for this device → how many were looked at */
const struct db_sql SQL_SEQUENCE_NEXT = {"sequence_next",
	"with r as materialized (select id, wave, coalesce((settings->>'barrier')::boolean, false)"
	"   as barrier, coalesce((settings->>'continue_on_error')::boolean, false) as goes_on"
	"   from sched.run where id = $1::uuid),"
	" took as materialized (select e.* from r join sched.run_step s on s.run = r.id"
	"   and s.part > 0 cross join lateral (select e.ctid as at, e.part, e.device, e.good"
	"    from sched.step_ended e where e.run = r.id and e.part = s.part - 1"
	"    and e.wave <= case when r.barrier then s.wave else r.wave end limit $2::int) e"
	"   limit $2::int),"
	" seen as (delete from sched.step_ended e where e.ctid = any (array(select at from took))),"
	" w as materialized (select j.id, r.goes_on or t.good as good from took t cross join r"
	"   cross join lateral (select j.id from sched.job j where j.run = r.id"
	"    and j.device = t.device and j.part = t.part + 1 and j.state = 1 offset 0) j),"
	" gone as (delete from sched.later l using w where l.job = w.id returning l.job, w.good),"
	" upd as (update sched.job j set state = case when gone.good then 2 else 11 end,"
	"   cause = case when gone.good then 0 else 1010 end,"
	"   ended_at = case when gone.good then null else clock_timestamp() end"
	"   from gone where j.id = gone.job and j.state = 1"
	"   returning j.id, j.state, j.pool, j.family, j.device),"
	" ready as (insert into sched.ready (pool, family, job, device)"
	"   select pool, family, id, device from upd where state = 2)"
	" select count(*) from took"};
/* run: it has ended, nothing goes on there */
const struct db_sql SQL_SEQUENCE_OVER = {
	"sequence_over", "delete from sched.step_ended where run = $1::uuid"};
