// SPDX-License-Identifier: Apache-2.0
/* SQL of tasks that write: plans, what applies and reverts them, waves, the journal. */
#include "services/scheduler/sql.h"
#include "services/scheduler/sql_columns.h"

/* ---- opening ---- */

/* run → phase, waves, max_growth, max_growth_percent, the run whose list was approved or null,
 * whether the devices' sets say what is sent, whether something says when each may start, and the
 * kinds of a batch's steps, '' = it is gone */
const struct db_sql SQL_RUN_RULES = {"run_rules",
	"select r.phase, (r.snapshot->'retry'->'waves')::text,"
	" coalesce((r.snapshot->'retry'->>'max_growth')::int, 0),"
	" coalesce((r.snapshot->'retry'->>'max_growth_percent')::int, 0),"
	" case when r.rerun_of is null and r.phase < 2 and r.follows is null then coalesce("
	"  (r.snapshot->>'approved')::uuid, (select coalesce(x.plan, x.id) from sched.run x"
	"   where x.id = (r.snapshot->>'last_run')::uuid)) end,"
	" r.kind = 'ab.distribute' and r.settings->>'source' is null, r.occurrence is not null"
	"  or r.jitter_s > 0 or (not r.no_windows and r.phase <> 3"
	"   and exists (select from sched.time_window_on)), case r.kind when 'batch' then (select"
	"  json_agg(coalesce(t.kind, '') order by s.at)::text from"
	"  jsonb_array_elements_text(r.settings->'steps') with ordinality s(task, at)"
	"  left join sched.task t on t.id = s.task::uuid) end"
	" from sched.run r where r.id = $1::uuid"};

/* run, held: the jobs of a run that applies or reverts another one → state, jobs, pool. Apply:
 * exactly the targets of the plan with changes. Revert: those that wrote and were not put back; a
 * device that another job has written since is left as it is. Restart: those that were at work. */
const struct db_sql SQL_OPEN_FROM_RUN = {"open_from_run",
	"with src as materialized (select r.phase, case r.phase when 2 then r.plan when 3 then"
	"   r.reverts else r.follows end as run from sched.run r where r.id = $1::uuid),"
	" base as (select uuid_send(sched.uuid7()) as b)," SQL_OPEN_WITHIN
	" ins as (insert into sched.job (id, run, device, state, cause, reason, pool, family,"
	"   created_at, ended_at, device_name, address, type, via, source, plan_hash, map, plan)"
	"  select " SQL_JOB_ID ", $1::uuid, d.id, case c.cause when 0 then case when $2::boolean"
	"   then 1 else 2 end else 11 end, c.cause, case c.cause when 8103 then 'written_since'"
	"   end, d.pool, d.family, statement_timestamp(), case c.cause when 0 then null else"
	"   statement_timestamp() end, d.name, d.address, d.type, p.via,"
	"   case s.phase when 2 then p.source when 3 then p.pre_image end,"
	"   case s.phase when 2 then p.plan_hash end, case when s.phase > 0 then p.map end,"
	"   case s.phase when 2 then p.plan end"
	"  from src s join sched.job p on p.run = s.run join fleet.device d on d.id = p.device"
	"  cross join base left join sched.written w on w.device = p.device"
	"  cross join lateral (select case when " SQL_OPEN_OUTSIDE " then 1011"
	"   when d.state = 5 then 1009 when d.state in (1, 4)"
	"   then 1008 when s.phase = 3 and w.job <> p.id and not exists (select from sched.job e"
	"    join sched.run x on x.id = e.run where e.id = w.job and x.reverts = s.run)"
	"   then 8103 else 0 end as cause) c"
	"  where (s.phase = 2 and p.state in (8, 10) and p.plan_hash is not null)"
	"   or (s.phase = 0 and p.state in (8, 10) and (p.plan->>'restart_later')::boolean)"
	"   or (s.phase = 3 and p.state >= 8 and p.step between 3 and 6 and p.pre_image is not null"
	"    and not exists (select from sched.run x join sched.job e on e.run = x.id"
	"     and e.device = p.device where x.reverts = s.run and x.id <> $1::uuid"
	"     and e.state in (8, 9)))"
	"  returning id, state, cause, pool, family, device)," SQL_OPEN_QUEUES};

/* run, last place of each wave: held jobs in order */
const struct db_sql SQL_HELD_WAVES = {"held_waves",
	"update sched.job j set wave = 1 + (select count(*) from unnest($2::int[]) e where e < "
	"n.at)"
	" from (select id, row_number() over (order by device) as at from sched.job"
	"  where run = $1::uuid and state = 1) n where j.id = n.id"};
/* run, run with the approved list → devices that are more, devices of that list */
const struct db_sql SQL_HELD_GROWTH = {"held_growth",
	"select count(*), (select count(*) from sched.job o where o.run = $2::uuid and o.part = 0)"
	" from sched.job n where n.run = $1::uuid and n.state = 1 and not exists"
	" (select from sched.job o where o.run = $2::uuid and o.device = n.device)"};
/* run, wave: held jobs up to this wave may be claimed, at once or when their time has come. So many
 * at a time that no statement takes longer than it may; the sweep goes on where some are left →
 * pools */
#define HELD_MOST "20000"
const struct db_sql SQL_HELD_READY = {"held_ready",
	"with pick as materialized (select j.id, coalesce(j.not_before, '-infinity') as due_at"
	"   from sched.job j join sched.later l on l.job = j.id"
	"   where j.run = $1::uuid and j.state = 1 and j.wave <= $2::int and j.part = 0"
	"   and l.due_at = 'infinity' limit " HELD_MOST "),"
	" timed as (update sched.later l set due_at = p.due_at from pick p"
	"   where l.job = p.id and p.due_at > statement_timestamp()),"
	" gone as (delete from sched.later l using pick p where l.job = p.id"
	"   and p.due_at <= statement_timestamp() returning l.job),"
	" upd as (update sched.job j set state = 2 from gone where j.id = gone.job and j.state = 1"
	"   returning j.id, j.pool, j.family, j.device),"
	" ins as (insert into sched.ready select pool, family, id, device from upd),"
	" left_over as (update sched.run r set releasing = not r.releasing where r.id = $1::uuid"
	"   and r.releasing <> ((select count(*) from pick) = " HELD_MOST "))"
	" select distinct pool from upd"};
/* run, not yet released, that windows hold no more: jobs that only a window put off may start when
 * they could have without it (FL-40) */
const struct db_sql SQL_HELD_FREE = {"held_free",
	"update sched.job j set cause = 0, not_before = coalesce(r.occurrence::timestamp at time"
	" zone x.zone, r.opened_at) + sched.jitter(r.task, j.device, r.jitter_s)"
	" from sched.run r, lateral (select k.id, coalesce(nullif(d.time_zone, ''), s.time_zone,"
	"  'UTC') as zone from sched.job k left join fleet.device d on d.id = k.device"
	"  left join fleet.site s on s.name = d.site where k.run = r.id and k.state = 1"
	"  and k.cause = 8001) x where r.id = $1::uuid and j.id = x.id"};
/* Runs of which a part of a wave is held still; locked → run, wave */
const struct db_sql SQL_HELD_MORE = {"held_more",
	"select id, greatest(wave, 1) from sched.run where releasing and state = 3 order by id"
	" limit 8 for update skip locked"};
/* run, cause, approval ms: it waits before any device is contacted (FL-24). What is approved is
 * the list. */
const struct db_sql SQL_RUN_HOLD = {"run_hold",
	"update sched.run r set state_cause = $2, approve_until = clock_timestamp()"
	"  + $3::bigint * interval '1 millisecond', plan_hash = (select sha256(coalesce("
	"   string_agg(uuid_send(j.device), '' order by j.device), '')) from sched.job j"
	"   where j.run = r.id and j.state = 1 and j.part = 0)"
	" where r.id = $1::uuid"};

/* ---- a plan ends ---- */

/* runs → run, hash over (device, its plan), devices with changes, totals, whether its scheduled
 * task has approved a plan, and whether it was this one */
const struct db_sql SQL_PLAN_TOTALS = {"plan_totals",
	"select r.id, t.hash, t.devices, json_build_object('devices', t.devices, 'unchanged',"
	"  t.same, 'refused', t.refused, 'add', t.add, 'change', t.change, 'remove', t.remove,"
	"  'losses', t.losses, 'needs', coalesce((select json_agg(distinct w) from sched.job j"
	"   cross join jsonb_array_elements_text(j.plan->'needs') w where j.run = r.id"
	"   and j.state in (8, 10)), '[]'))::text,"
	" a.id is not null, a.plan_hash is not distinct from t.hash"
	" from sched.run r cross join lateral (select"
	"  sha256(coalesce(string_agg(uuid_send(j.device) || j.plan_hash, '' order by j.device)"
	"   filter (where j.state in (8, 9, 10)), '')) as hash,"
	"  count(*) filter (where j.state in (8, 10) and j.plan_hash is not null) as devices,"
	"  count(*) filter (where j.state = 9) as same,"
	"  count(*) filter (where j.state not in (8, 9, 10)) as refused,"
	"  coalesce(sum((j.plan->>'add')::bigint) filter (where j.state in (8, 10)), 0) as add,"
	"  coalesce(sum((j.plan->>'change')::bigint) filter (where j.state in (8, 10)), 0)"
	"   as change,"
	"  coalesce(sum((j.plan->>'remove')::bigint) filter (where j.state in (8, 10)), 0)"
	"   as remove,"
	"  coalesce(sum((j.plan->>'losses')::bigint) filter (where j.state in (8, 10)), 0)"
	"   as losses from sched.job j where j.run = r.id) t"
	" left join sched.task k on k.id = r.task and r.cause = 'schedule'"
	" left join sched.run a on a.id = k.approved"
	" where r.id = any ($1::uuid[])"};
/* run, hash, totals, approval ms or null = nobody is to be asked */
const struct db_sql SQL_PLAN_MADE = {"plan_made",
	"update sched.run set plan_hash = $2::bytea, totals = $3::jsonb, approve_until ="
	" clock_timestamp() + $4::bigint * interval '1 millisecond' where id = $1::uuid"};
/* runs → those with open jobs of a wave that was released */
const struct db_sql SQL_WAVE_OPEN = {"wave_open",
	"select r.id from sched.run r where r.id = any ($1::uuid[]) and exists (select from"
	" sched.job j where j.run = r.id and j.state < 8 and j.wave <= r.wave)"};
/* run, wave */
const struct db_sql SQL_WAVE_SET = {
	"wave_set", "update sched.run set wave = $2::smallint where id = $1::uuid"};

/* ---- applying and reverting ---- */

/* run → what decides about applying it; locked */
const struct db_sql SQL_APPLY_CHECK = {"apply_check",
	"select r.id, r.task, r.kind, case when r.state = 2 and r.approve_until <="
	"  clock_timestamp() then 14 else r.state end, r.phase, r.plan_hash, r.applied_by,"
	" r.state_cause, r.accept::text, r.totals::text, coalesce(r.settings->>'reason', '')"
	" from sched.run r where r.id = $1::uuid for update"};
#define RUN_FIELDS                                                                                 \
	"(id, task, task_name, kind, state, cause, deadline_at, settings, password_sealed,"        \
	" errors_max, crashes_max, snapshot, phase, plan, plan_hash, budget_percent, budget_min,"  \
	" confirm_ms, accept, reverts)"
#define RUN_DEADLINE(ms)                                                                           \
	"clock_timestamp() + make_interval(secs => coalesce(nullif("                               \
	"(p.snapshot->'retry'->>'run_deadline_ms')::float8, 0), " ms "::float8) / 1000)"
/* Applying: the settings are those of the plan. */
#define RUN_OF_PLAN(accept, reason, ms, confirm_ms)                                                \
	" p.task, p.task_name, p.kind, 1, 'apply', " RUN_DEADLINE(                                 \
		ms) ", case when " reason " = '' then p.settings else p.settings || "              \
		    "jsonb_build_object('reason', " reason ") end,"                                \
		    " p.password_sealed, p.errors_max, p.crashes_max, p.snapshot, 2, p.id, "       \
		    "p.plan_hash,"                                                                 \
		    " p.budget_percent, p.budget_min, " confirm_ms ", " accept ", null::uuid"
/* id, plan, accepted words, reason or '', default deadline ms, confirm ms or 0 → id, task, kind;
 * none when the request was served before */
const struct db_sql SQL_APPLY_INSERT = {"apply_insert",
	"insert into sched.run " RUN_FIELDS " select $1::uuid," RUN_OF_PLAN("$3::jsonb", "$4::text",
		"$5", "coalesce(nullif($6::bigint, 0), p.confirm_ms)") " from sched.run p where "
								       "p.id = $2::uuid on "
								       "conflict (id) do nothing"
								       " returning id, task, kind"};
/* plan, default deadline ms: the run that applies an approved plan by itself, to be opened by any
 * scheduler → id */
const struct db_sql SQL_APPLY_BY_ITSELF = {"apply_by_itself",
	"insert into sched.run " RUN_FIELDS " select sched.uuid7()," RUN_OF_PLAN(
		"coalesce((select a.accept from sched.task k join sched.run o on o.id = k.approved"
		" join sched.run a on a.id = o.applied_by where k.id = p.task), p.accept)",
		"''", "$2", "p.confirm_ms") " from sched.run p where p.id = $1::uuid returning id"};
/* plan, run that applies it or null = the one of the former statement: it has done its part */
const struct db_sql SQL_PLAN_APPLIED = {"plan_applied",
	"update sched.run r set state = 6, ended_at = clock_timestamp(), approve_until = null,"
	" state_cause = '', applied_by = coalesce($2::uuid, (select a.id from sched.run a"
	"  where a.plan = r.id and a.phase = 2 order by a.id desc limit 1))"
	" where r.id = $1::uuid"};
const struct db_sql SQL_PLAN_ALWAYS = {"plan_always",
	"update sched.task t set approved = $1::uuid from sched.run r where r.id = $1::uuid"
	" and t.id = r.task"};
/* run: a list that has grown is approved */
const struct db_sql SQL_GROWTH_APPROVED = {"growth_approved",
	"update sched.run r set state = 3, state_cause = '', approve_until = null, deadline_at ="
	" clock_timestamp() + (r.deadline_at - r.opened_at), plan_hash = null"
	" where r.id = $1::uuid returning wave"};

/* run → what decides about confirming and reverting it; locked */
const struct db_sql SQL_REVERT_CHECK = {"revert_check",
	"select r.task, r.kind, r.state, r.phase, r.confirmed, r.reverted_by,"
	" coalesce((select x.state from sched.run x where x.id = r.reverted_by), 6)"
	" from sched.run r where r.id = $1::uuid for update"};
const struct db_sql SQL_CONFIRM = {"confirm",
	"update sched.run set confirmed = true, confirm_until = null where id = $1::uuid"};
#define RUN_OF_REVERT(cause, ms)                                                                   \
	" p.task, p.task_name, p.kind, 1, " cause                                                  \
	", " RUN_DEADLINE(ms) ", p.settings,"                                                      \
			      " p.password_sealed, p.errors_max, p.crashes_max, p.snapshot, 3, "   \
			      "p.plan, null::bytea,"                                               \
			      " 0, 0, 0, p.accept, p.id"
/* id, run, default deadline ms → id; none when the request was served before */
const struct db_sql SQL_REVERT_INSERT = {"revert_insert",
	"insert into sched.run " RUN_FIELDS " select $1::uuid," RUN_OF_REVERT(
		"'revert'", "$3") " from sched.run p where p.id = $2::uuid on "
				  "conflict (id) do nothing returning id"};
/* run, run that reverts it */
const struct db_sql SQL_REVERTED_BY = {"reverted_by",
	"update sched.run set reverted_by = $2::uuid, confirm_until = null where id = $1::uuid"};
/* default deadline ms: runs that nobody confirmed in time are put back; to be opened by any
 * scheduler → the runs that do it (AB-35) */
const struct db_sql SQL_CONFIRM_OVER = {"confirm_over",
	"with p as materialized (select * from sched.run where confirm_until <= clock_timestamp()"
	"   order by confirm_until limit 16 for update skip locked),"
	" made as (insert into sched.run " RUN_FIELDS
	" select sched.uuid7()," RUN_OF_REVERT("'deadline'",
		"$1") " from p returning id, reverts),"
		      " upd as (update sched.run r set confirm_until = null, reverted_by = m.id,"
		      "   state_cause = 'not_confirmed' from made m where r.id = m.reverts)"
		      " select id, reverts from made"};
/* runs that end now, default deadline ms: printers that were at work when a restart was needed are
 * restarted by a run of their own, to be opened by any scheduler; one for each run (B4) → id */
const struct db_sql SQL_RESTART_LATER = {"restart_later",
	"insert into sched.run (id, task, task_name, kind, state, cause, deadline_at, settings,"
	" errors_max, crashes_max, snapshot, plan, accept, follows) select sched.uuid7(), p.task,"
	" p.task_name, 'device.restart', 1, 'restart', " RUN_DEADLINE(
		"$2") ", p.settings,"
		      " p.errors_max, p.crashes_max, p.snapshot || jsonb_build_object('kind', "
		      "'device.restart',"
		      "  'retry', coalesce(p.snapshot->'retry', '{}') - 'waves' - 'max_growth'"
		      "   - 'max_growth_percent'), "
		      "p.plan, p.accept, p.id"
		      " from sched.run p where p.id = any ($1::uuid[]) and exists (select from "
		      "sched.job j"
		      "  where j.run = p.id and j.state in (8, 10) and "
		      "(j.plan->>'restart_later')::boolean)"
		      " on conflict do nothing returning id"};
/* Plans that nobody approved in time (CN-8104) → run; locked */
const struct db_sql SQL_APPROVAL_OVER = {"approval_over",
	"select id from sched.run where state = 2 and approve_until <= clock_timestamp()"
	" order by approve_until limit 16 for update skip locked"};
/* run: that is its end, once none of its jobs waits any more */
const struct db_sql SQL_APPROVAL_ENDED = {"approval_ended",
	"update sched.run set state = 14, ended_at = clock_timestamp(), state_cause ="
	" 'approval_expired' where id = $1::uuid and state = 2"
	" and not exists (select from sched.job where run = $1::uuid and state < 8)"};

/* ---- distribution sets ---- */

#define SET_COLUMNS                                                                                \
	"d.id, d.name, d.book, d.map::text, d.version,"                                            \
	" (select count(*) from sched.dist_set_device m where m.dist_set = d.id),"                 \
	" (select count(*) from sched.dist_set_group m where m.dist_set = d.id), d.created_at"
const char SQL_SET_LIST[] = "select " SET_COLUMNS ", count(*) over () from sched.dist_set d ";
#define SET_BY_REF " where d.id = any " SQL_IDS_OF("sched.dist_set")
/* id, name, scope of what is seen or null → one set, with the ids of its members as JSON: those
 * that are seen, the others are counted only */
const struct db_sql SQL_SET_GET = {"set_get",
	"select " SET_COLUMNS ", (select jsonb_agg(m.device) from sched.dist_set_device m"
	" where m.dist_set = d.id and ($3::text is null or m.device in (select"
	"  fleet.scope_devices($3))))::text, (select jsonb_agg(m.grp) from sched.dist_set_group m"
	" where m.dist_set = d.id and ($3::text is null or m.grp in (select"
	"  fleet.seen_groups($3))))::text from sched.dist_set d" SET_BY_REF};
const struct db_sql SQL_SET_FIND = {
	"set_find", "select d.id, d.version from sched.dist_set d" SET_BY_REF " for update"};
/* id, name or null, book or null, map or null: null = as it is */
const struct db_sql SQL_SET_PUT = {"set_put",
	"insert into sched.dist_set as d (id, name, book, map) values ($1::uuid, $2::text,"
	" $3::uuid, coalesce($4::jsonb, '[]'))"};
const struct db_sql SQL_SET_UPDATE = {"set_update",
	"update sched.dist_set set name = coalesce($2::text, name), book = coalesce($3::uuid,"
	" book), map = coalesce($4::jsonb, map), version = version + 1 where id = $1::uuid"};
/* set, members: these and no others */
const struct db_sql SQL_SET_DEVICES = {"set_devices",
	"with gone as (delete from sched.dist_set_device where dist_set = $1::uuid"
	"   and device <> all ($2::uuid[]))"
	" insert into sched.dist_set_device select $1::uuid, unnest($2::uuid[])"
	" on conflict do nothing"};
const struct db_sql SQL_SET_GROUPS = {"set_groups",
	"with gone as (delete from sched.dist_set_group where dist_set = $1::uuid"
	"   and grp <> all ($2::uuid[]))"
	" insert into sched.dist_set_group select $1::uuid, unnest($2::uuid[])"
	" on conflict do nothing"};
/* set → a dynamic group in it */
const struct db_sql SQL_SET_DYNAMIC = {"set_dynamic",
	"select g.name from sched.dist_set_group m join fleet.device_group g on g.id = m.grp"
	" where m.dist_set = $1::uuid and g.kind = 2 limit 1"};
const struct db_sql SQL_SET_DELETE = {"set_delete",
	"delete from sched.dist_set where id = any (array(select d.id from sched.dist_set "
	"d" SET_BY_REF ")) and (select count(*) from sched.dist_set d" SET_BY_REF
	") = 1 returning id"};

/* ---- journal ---- */

/* worker, jobs, attempts, tokens, steps, pre-images → jobs that may go on. The pre-image of the
 * first attempt that wrote stays: what is read later may be half of both. */
const struct db_sql SQL_JOB_JOURNAL = {"job_journal",
	"with x as materialized (select distinct on (job) * from unnest($2::uuid[], $3::int[],"
	"  $4::bigint[], $5::smallint[], $6::uuid[], $7::boolean[]) with ordinality"
	"  x(job, attempt, token, step, pre_image, restarts, at) order by job, at desc),"
	" held as materialized (select a.job from x join sched.active a on a.job = x.job"
	"   where a.attempt = x.attempt and a.worker = $1::uuid and a.state in (4, 5)"
	"   and a.token = x.token and a.lease_until > clock_timestamp()"
	"   order by a.job for update of a),"
	" upd as (update sched.job j set step = x.step, restarted = x.restarts,"
	"  sent_in = case when x.step >= 3 and j.sent_in = 0 then x.attempt else j.sent_in end,"
	"  pre_image = case when j.step >= 3 then coalesce(j.pre_image, x.pre_image)"
	"   else coalesce(x.pre_image, j.pre_image) end"
	"  from x join held on held.job = x.job where j.id = x.job"
	"  returning j.id, j.run, j.device, j.step, j.pre_image, j.restarted),"
	/* each restart is one entry of the audit trail, before it is done (FL-46) */
	" told as (insert into sched.outbox (kind, subject, data) select 'audit.restart',"
	"  'job/' || upd.id, jsonb_build_object('actor', 'carnet', 'origin', 'worker', 'verb',"
	"  'device_restart', 'object', '/devices/' || upd.device || ' /runs/' || upd.run,"
	"  'outcome', case when upd.restarted then 'accepted' else 'not_done' end, 'trace', upd.id)"
	"  from upd join sched.job j on j.id = upd.id where j.restarted <> upd.restarted),"
	/* so is each write, delivery and restart of a job that does just that, and each undoing
	 * (FL-71): the same attempt may say so again, and is one */
	" sends as (insert into sched.outbox (id, kind, subject, data) select"
	"  md5(concat(upd.id, x.attempt, upd.step))::uuid, 'audit.write', 'job/' || upd.id,"
	"  jsonb_build_object('actor', 'carnet', 'origin', 'worker', 'verb', case"
	"   when upd.step = 6 or r.phase = 3 then 'device_revert' when k.kind in"
	"   ('device.restart', 'file.deliver') then replace(k.kind, '.', '_')"
	"   else 'device_write' end, 'object', '/devices/' || upd.device || ' /runs/' ||"
	"   upd.run, 'outcome', 'accepted', 'trace', upd.id)"
	"  from upd join x on x.job = upd.id join sched.job j on j.id = upd.id"
	"  join sched.run r on r.id = j.run cross join lateral (select coalesce((select s.kind from"
	"   sched.run_step s where s.run = j.run and s.part = j.part), r.kind) as kind) k"
	"  where upd.step in (3, 6) on conflict do nothing),"
	/* a restart, or a file that was delivered, overwrote nothing */
	" wrote as (insert into sched.written as w (device, job) select device, id from upd"
	"  where step = 3 and pre_image is not null order by device on conflict (device) do update "
	"set job = excluded.job,"
	"  at = clock_timestamp() where w.job <> excluded.job)"
	" select id from upd"};

/* devices, words: '' = it was proven to be whole again; half_written = a person must look at it,
 * whatever else is said of it; another word is said of a device in use only: what suspends another
 * one stays said. */
const struct db_sql SQL_DEVICE_ATTENTION = {"device_attention",
	"update fleet.device d set version = d.version + 1, half_written = case"
	" when x.word in ('', 'half_written') then x.word <> '' else d.half_written end,"
	" state_cause = case when x.word in ('', 'half_written') then d.state_cause else x.word end"
	" from unnest($1::uuid[], $2::text[]) x(id, word) where d.id = x.id"
	" and case when x.word in ('', 'half_written') then d.half_written <> (x.word <> '')"
	" else d.state = 2 and d.state_cause <> x.word end"};
