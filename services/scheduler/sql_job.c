// SPDX-License-Identifier: Apache-2.0
/* SQL of jobs: claim, renew, advance, end, and what brings back lost ones. Every change of a state
 * names the state it expects; the trigger sched.job_moved() writes history and counts. */
#include "services/scheduler/sql.h"
#include "services/scheduler/sql_columns.h"

/* History and counts of a step while jobs are held; "made" are their rows of sched.active after it.
 */
#define STEPPED                                                                                    \
	" moved as materialized (select run, state, attempt, worker, array_agg(job) as jobs,"      \
	"   case when max(token) > 0 then array_agg(token) end as tokens from made"                \
	"  group by run, state, attempt, worker),"                                                 \
	" history as (insert into sched.history (run, at, from_state, to_state, attempt, cause,"   \
	"   worker, jobs, tokens)"                                                                 \
	"  select run, clock_timestamp(), state - 1, state, attempt, 0, worker, jobs, tokens"      \
	"  from moved),"                                                                           \
	" counted as (insert into sched.run_count (run, state, n)"                                 \
	"  select m.run, m.state + d.state, sum(d.n * cardinality(m.jobs)) from moved m"           \
	"  cross join (values (-1, -1), (0, 1)) d(state, n) group by m.run, m.state, d.state)"

/* pool, families, the worker of each slot, lease ms → what job_work says, and the job's slot. A
 * device with an active job is passed by; two claimers that meet on one device leave it to the
 * first (key of sched.active). */
const struct db_sql SQL_JOB_CLAIM = {"job_claim",
	"with pick as materialized (select p.* from unnest($2::text[]) f cross join lateral ("
	"   select r.ctid as at, r.job, r.device from sched.ready r where r.pool = $1 and r.family "
	"= f"
	"    and (select true from sched.active a where a.device = r.device) is null"
	"    order by r.job limit cardinality($3::uuid[]) for update of r skip locked) p"
	"   limit cardinality($3::uuid[])),"
	" j as materialized (select p.at, row_number() over (order by p.job)::int as slot, j.id,"
	"   j.run, j.device, j.attempt + 1 as attempt, j.suspect, j.address, j.device_name, j.step,"
	"   j.pre_image, j.source, j.plan_hash, j.map, j.book, j.cancel, j.restarted, j.part"
	"   from pick p cross join lateral (select * from sched.job j where j.id = p.job"
	"    and j.state = 2 offset 0) j),"
	" made as (insert into sched.active (device, job, run, worker, attempt, suspect, cancel,"
	"    lease_until)"
	"   select device, id, run, ($3::uuid[])[slot], attempt, suspect, cancel,"
	"    clock_timestamp() + make_interval(secs => $4::float8 / 1000) from j order by device"
	"   on conflict (device) do nothing returning job, run, worker, attempt, state, token),"
	" gone as (delete from sched.ready r where r.ctid = any (array(select j.at from j"
	"   join made on made.job = j.id)))," STEPPED " select " SQL_DEVICE_COLUMNS
	", t.id, t.attempt, t.run, coalesce(b.kind, r.kind),"
	" coalesce(b.settings, r.settings)::text, coalesce(b.password_sealed, r.password_sealed),"
	" greatest(case when t.step in (3, 4, 6) then 3600000 else 1 end,"
	" (1000 * extract(epoch from r.deadline_at - clock_timestamp()))::bigint),"
	" exists (select from fleet.credential), t.address, t.device_name, r.phase, t.plan_hash,"
	" t.step, coalesce(t.pre_image, case r.phase when 3 then t.source end), t.source,"
	" t.map::text, r.accept::text, t.book, t.cancel, t.restarted, case when not r.no_windows "
	"and r.phase <> "
	"3"
	"  and t.step not in (3, 4, 6) and exists (select from sched.time_window_on)"
	"  then sched.windows_of(r.task, t.device)::text end, clock_timestamp(), r.deadline_at,"
	" t.device, t.slot"
	" from made join j t on t.id = made.job join sched.run r on r.id = t.run"
	" left join sched.run_step b on b.run = t.run and b.part = t.part"
	" left join " SQL_DEVICE_TABLES " on d.id = t.device order by t.slot"};

/* jobs, states, causes, reasons: claimed ones that may not go to the worker after all (FL-25,
 * FL-13) */
const struct db_sql SQL_JOB_REFUSE = {"job_refuse",
	"with x as (select * from unnest($1::uuid[], $2::smallint[], $3::int[],"
	"  $4::text[]) x(job, state, cause, reason)),"
	" f as (delete from sched.active a using x where a.job = x.job and a.state = 3"
	"  returning x.state, x.cause, x.reason, " SQL_HELD ")"
	" update sched.job j set state = f.state, cause = f.cause, reason = f.reason,"
	" ended_at = clock_timestamp(), lost_by = null, " SQL_FROM_HELD
	" from f where j.id = f.held_job"};

/* worker, pool */
const struct db_sql SQL_WORKER_SEEN = {"worker_seen",
	"insert into sched.worker (id, pool, seen_at) values ($1::uuid, $2, clock_timestamp())"
	" on conflict (id) do update set seen_at = clock_timestamp(), pool = coalesce(nullif($2, "
	"''),"
	" sched.worker.pool)"};

/* worker, jobs, attempts, progress, lease ms → job, cancel. Those not answered are lost. */
const struct db_sql SQL_JOB_RENEW = {"job_renew",
	"update sched.active a set lease_until = greatest(a.lease_until, clock_timestamp()"
	" + make_interval(secs => $5::float8 / 1000)), progress = h.progress"
	" from unnest($2::uuid[], $3::int[], $4::bigint[]) h(job, attempt, progress)"
	" where a.job = h.job and a.worker = $1::uuid and a.attempt = h.attempt"
	" returning a.job, a.cancel"};

/* workers, jobs, attempts, tokens, states, lock requests → the steps that were taken. A lock's
 * token is checked against the live lock when it is first named (locks.md section 9, check 1);
 * later reports of this attempt must carry the token stored here. */
const struct db_sql SQL_JOB_ADVANCE = {"job_advance",
	"with x as materialized (select * from unnest($1::uuid[], $2::uuid[], $3::int[],"
	"  $4::bigint[], $5::smallint[], $6::uuid[]) x(worker, job, attempt, token, state, "
	"request)),"
	" made as (update sched.active a set state = x.state,"
	"  token = case when x.token = 0 then a.token else x.token end from x"
	"  where a.job = x.job and a.attempt = x.attempt and a.worker = x.worker"
	"  and a.state = x.state - 1"
	"  and ((x.state = 4 and x.token = 0) or (x.state = 5 and x.token = a.token)"
	"   or (x.state = 4 and exists (select from lock.check(a.device, x.token, x.request))))"
	"  returning a.job, a.run, a.worker, a.attempt, a.state, a.token, x.token as "
	"reported)," STEPPED
	" select worker, job, attempt, reported, state, run from made union all"
	" select x.worker, x.job, x.attempt, x.token, x.state, a.run"
	" from x join sched.active a on a.job = x.job and a.attempt = x.attempt"
	"  and a.worker = x.worker and a.state = x.state and a.token = x.token"};

/* jobs: whoever changes rows of sched.active has them all first, in this one order; renewals, steps
 * and ends of the same jobs come on different connections. Who cannot wait passes them by. */
const struct db_sql SQL_ACTIVE_LOCK = {"active_lock",
	"select from sched.active where job = any ($1::uuid[]) order by job for update"};
/* jobs → what is judged */
const struct db_sql SQL_JOB_READ = {"job_read",
	"select u.place, coalesce(a.state, j.state), coalesce(a.attempt, j.attempt),"
	" coalesce(a.token, j.token), j.errors, j.crashes, j.deferrals, j.suspect,"
	" r.errors_max, r.crashes_max, coalesce(a.cancel and not a.cut, false) or j.cancel,"
	" coalesce(a.worker, j.worker), j.run, j.device, j.device_name, r.kind,"
	" j.lost_by is not null, r.state = 5, j.step, j.sent_in, coalesce(a.cut, false)"
	" from unnest($1::uuid[]) with ordinality u(id, place) join sched.job j on j.id = u.id"
	" join sched.run r on r.id = j.run left join sched.active a on a.job = j.id"
	" order by j.id, u.place"};

/* What the judge said, as arrays. The guard repeats state and attempt. */
const struct db_sql SQL_JOB_END = {"job_end",
	"with x as materialized (select * from unnest($1::uuid[], $2::int[], $3::smallint[],"
	"  $4::smallint[], $5::int[], $6::int[], $7::int[], $8::int[], $9::int[], $10::bigint[],"
	"  $11::text[], $12::text[], $13::text[], $14::uuid[], $15::bigint[], $16::bigint[],"
	"  $17::bigint[], $18::text[], $19::int[], $20::int[], $21::int[], $22::boolean[], "
	"$23::text[],"
	"  $24::text[], $25::uuid[], $26::text[], $27::text[], $28::uuid[], $29::int[]) x(job, "
	"attempt, was, state, cause, errors, crashes, deferrals,"
	"  suspect, wait_ms, reason, detail, device_text, version, generation, entries, bytes, "
	"lists,"
	"  lock_ms, device_ms, store_ms, new_version, firmware, language, lost_by, "
	"  plan, report, pre_image, step)),"
	" f as (delete from sched.active a using x where a.job = x.job and a.attempt = x.attempt"
	"  and a.state = x.was returning x.*, " SQL_HELD "),"
	" upd as (update sched.job j set state = f.state, cause = f.cause, errors = f.errors,"
	"  crashes = f.crashes, deferrals = f.deferrals, suspect = f.suspect, reason = f.reason,"
	"  detail = f.detail, device_text = f.device_text, version = coalesce(f.version, "
	"j.version),"
	"  generation = coalesce(f.generation, j.generation), entries = coalesce(f.entries, "
	"j.entries),"
	"  bytes = coalesce(f.bytes, j.bytes), lists = coalesce(f.lists::jsonb, j.lists),"
	"  lock_ms = f.lock_ms, device_ms = f.device_ms, store_ms = f.store_ms,"
	"  new_version = f.new_version, firmware = coalesce(f.firmware, j.firmware),"
	"  language = coalesce(f.language, j.language), lost_by = f.lost_by,"
	"  plan = coalesce(f.plan::jsonb, j.plan), report = coalesce(f.report::jsonb, j.report),"
	"  step = coalesce(nullif(f.step, 0), j.step),"
	"  pre_image = case when j.step >= 3 then coalesce(j.pre_image, f.pre_image)"
	"   else coalesce(f.pre_image, j.pre_image) end,"
	"  plan_hash = case when f.state >= 8 then coalesce(j.plan_hash,"
	"   decode(f.plan::jsonb->>'hash', 'base64')) else j.plan_hash end,"
	"  source = case when f.state >= 8 then coalesce(j.source,"
	"   (f.plan::jsonb->>'source')::uuid) else j.source end,"
	"  ended_at = case when f.state >= 8 then clock_timestamp() end,"
	"  deferred_ms = j.deferred_ms + case when f.state = 6 then f.wait_ms else 0 end,"
	"  not_before = case when f.state in (6, 7) then clock_timestamp()"
	"   + f.wait_ms * interval '1 millisecond' end, " SQL_FROM_HELD
	"  from f where j.id = f.held_job"
	"  returning j.id, j.state, j.not_before, j.suspect),"
	" wait as (insert into sched.later (job, due_at, suspect)"
	"  select id, not_before, suspect from upd where state in (6, 7))"
	" select id from upd"};

/* devices, states: the newest word about each */
const struct db_sql SQL_JOB_LAST = {"job_last",
	"update fleet.last l set state = x.state, at = clock_timestamp(), success_at ="
	"  case when x.state in (8, 9) then clock_timestamp() else l.success_at end"
	" from unnest($1::uuid[], $2::smallint[]) x(device, state) where l.device = x.device"};

/* JSON array of what probes saw: id, serial, firmware, display_language, type, model, mac,
 * device_uuid, capabilities; null or absent = not seen. Only what differs is written. Of several
 * records of one printer one gets its serial (FL-2). */
const struct db_sql SQL_JOB_SEEN = {"job_seen",
	"with x as (select x.*, array_position('{none,I,II,III}'::text[], x.type)::smallint as "
	"type_n,"
	"  row_number() over (partition by lower(v.vendor), x.serial order by v.serial, v.id) = 1 "
	"as "
	"first,"
	"  (select jsonb_object_agg(e->>'name', (e - 'name') || jsonb_build_object('checked_at',"
	"    coalesce(e->>'checked_at', to_char(clock_timestamp() at time zone 'UTC',"
	"    'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'))))"
	"   from jsonb_array_elements(x.capabilities) e) as caps"
	"  from jsonb_to_recordset($1::jsonb) as x(id uuid, serial text, firmware text,"
	"   display_language text, type text, model text, mac text, device_uuid text,"
	"   capabilities jsonb) join fleet.device v on v.id = x.id)"
	" update fleet.device d set serial = case when d.serial = '' and x.serial <> '' and x.first"
	"  and not exists"
	"  (select from fleet.device o where lower(o.vendor) = lower(d.vendor)"
	"   and o.serial = x.serial)"
	"  then x.serial else d.serial end, model = case when d.model = '' then coalesce(x.model, "
	"'') else d.model end,"
	"  mac = case when d.mac = '' then coalesce(x.mac, '') else d.mac end,"
	"  device_uuid = case when d.device_uuid = '' then coalesce(x.device_uuid, '') else"
	"  d.device_uuid end, firmware = coalesce(nullif(x.firmware, ''), d.firmware),"
	"  display_language = coalesce(nullif(x.display_language, ''), d.display_language),"
	"  type = coalesce(nullif(x.type_n, 1), d.type),"
	"  capabilities = d.capabilities || coalesce(x.caps, '{}')"
	" from x where d.id = x.id and (x.caps is not null or"
	"  (d.firmware, d.display_language, d.type) is distinct from"
	"  (coalesce(nullif(x.firmware, ''), d.firmware),"
	"   coalesce(nullif(x.display_language, ''), d.display_language),"
	"   coalesce(nullif(x.type_n, 1), d.type)) or (d.serial = '' and x.serial <> ''))"};

/* device, state, cause: only a device in use is put on hold or suspended, and told of it (FL-67) */
const struct db_sql SQL_DEVICE_EFFECT = {"device_effect",
	"with d as (update fleet.device set state = $2::smallint, state_cause = $3,"
	"  version = version + 1, state_at = clock_timestamp() where id = $1::uuid"
	"  and state in (2, 3) and state <> $2::smallint returning id, name, address)"
	" insert into sched.outbox (kind, subject, data) select case $2::smallint when 3 then"
	"  'device.auth_hold' else 'device.' || $3 end, 'device/' || d.id, jsonb_build_object("
	"  'device', d.id, 'device_name', d.name, 'address', d.address, 'cause', $3) from d"};

/* worker, jobs, attempts: claimed but never started; uncharged, ready at once */
const struct db_sql SQL_JOB_GIVE_BACK = {"job_give_back",
	"with f as (delete from sched.active a using unnest($2::uuid[], $3::int[]) x(job, attempt)"
	"  where a.job = x.job and a.attempt = x.attempt and a.worker = $1::uuid and a.state = 3"
	"  returning " SQL_HELD "),"
	" upd as (update sched.job j set state = 7, not_before = clock_timestamp(), lost_by = null,"
	" " SQL_FROM_HELD " from f where j.id = f.held_job returning j.id, j.suspect)"
	" insert into sched.later (job, due_at, suspect) select id, clock_timestamp(), suspect "
	"from upd"};

/* job, scope where entries of books are seen or null */
const struct db_sql SQL_JOB_GET = {"job_get",
	"select " SQL_TARGET_COLUMNS SQL_TARGET_READ("$2") " from " SQL_TARGET_TABLES
							   " where j.id = $1::uuid"};
const struct db_sql SQL_JOB_TRANSITIONS = {"job_transitions",
	"select h.at, h.from_state, h.to_state, h.attempt,"
	" coalesce(h.tokens[array_position(h.jobs, j.id)], 0), h.cause, h.detail, h.worker"
	" from sched.job j join sched.history h on h.run = j.run and j.id = any (h.jobs)"
	" where j.id = $1::uuid order by h.at, h.attempt limit 1000"};

/* ---- cancel and deadline: what waits ends at once, what runs is told ---- */

/* run or null, job or null, state, cause, most: the rest comes with the next sweep, so that no
 * statement takes longer than it may. First what may be claimed: a claim holds its ready row,
 * so this waits for it and then finds the job active. A job that began to write and did not say how
 * it ended comes back, to look at its device. */
const struct db_sql SQL_STOP_READY = {"stop_ready",
	"with pick as materialized (select j.id, j.pool, j.family from sched.job j where j.state = "
	"2 and j.step not in (3, 4, 6) and (j.run = $1::uuid or j.id = $2::uuid)"
	" and not exists (select from sched.active a where a.job = j.id) limit $5::int),"
	" gone as (delete from sched.ready r using pick p where r.pool = p.pool"
	"  and r.family = p.family and r.job = p.id returning r.job)"
	" update sched.job j set state = $3::smallint, cause = $4::int, ended_at = "
	"clock_timestamp()"
	" from gone where j.id = gone.job and j.state = 2"};
const struct db_sql SQL_STOP_LATER = {"stop_later",
	"with pick as materialized (select j.id from sched.job j where j.state in (1, 6, 7)"
	"  and j.step not in (3, 4, 6) and (j.run = $1::uuid or j.id = $2::uuid) limit $5::int),"
	" gone as (delete from sched.later l using pick p where l.job = p.id returning l.job)"
	" update sched.job j set state = $3::smallint, cause = $4::int, ended_at = "
	"clock_timestamp()"
	" from gone where j.id = gone.job and j.state in (1, 6, 7)"};
/* run: what comes back to look at its device is told then */
const struct db_sql SQL_STOP_LOOK = {"stop_look",
	"update sched.job j set cancel = true where j.run = $1::uuid"
	" and j.step in (3, 4, 6) and j.state in (2, 6, 7) and not j.cancel"
	" and not exists (select from sched.active a where a.job = j.id)"};
/* job: stays until it has ended, wherever it is on its way to */
const struct db_sql SQL_JOB_CANCEL = {"job_cancel",
	"update sched.job set cancel = true where id = $1::uuid and state < 8 and not cancel"};
/* job: its worker hears it with its next renewal */
const struct db_sql SQL_JOB_CANCEL_TOLD = {"job_cancel_told",
	"update sched.active set cancel = true, cut = false where job = $1::uuid"
	" and (cut or not cancel)"};
/* run. Rows that somebody changes now are told with the next sweep. */
const struct db_sql SQL_STOP_ACTIVE = {"stop_active",
	"update sched.active set cancel = true, cut = false where device = any (array(select device"
	" from sched.active where run = $1::uuid and (cut or not cancel) for update skip locked))"};
/* run: not there = no row; terminal ones stay */
const struct db_sql SQL_RUN_CANCEL = {"run_cancel",
	"update sched.run set state = case when state in (1, 2, 3) then 4 else state end"
	" where id = $1::uuid returning state"};

/* ---- maintenance ---- */

/* What is due goes on, but what a person cancelled on its way ends here. */
#define WANTS_END "(j.cancel and j.step not in (3, 4, 6))"
#define MOVED_ON                                                                                   \
	" upd as (update sched.job j set state = case when " WANTS_END " then 15 else 2 end,"      \
	"   cause = case when " WANTS_END " then 8101 else j.cause end,"                           \
	"   ended_at = case when " WANTS_END " then clock_timestamp() end"                         \
	"   from gone where j.id = gone.job and j.state in (1, 6, 7)"                              \
	"   returning j.id, j.state, j.pool, j.family, j.device, gone.suspect),"                   \
	" ins as (insert into sched.ready (pool, family, job, device, suspect)"                    \
	"   select pool, family, id, device, suspect from upd where state = 2)"                    \
	" select distinct pool from upd where state = 2"

/* limit → pools that got something */
const struct db_sql SQL_LATER_READY = {"later_ready",
	"with gone as (delete from sched.later where job = any (array(select job from sched.later"
	"   where due_at <= clock_timestamp() and suspect = 0 order by due_at limit $1::int"
	"   for update skip locked)) returning job, suspect)," MOVED_ON};
/* Two schedulers that count at once would let twice as many go. */
const struct db_sql SQL_SUSPECT_LOCK = {"suspect_lock",
	"select pg_advisory_xact_lock(hashtextextended('carnet suspects', 0))"
	" where exists (select from sched.later where suspect > 0)"};
/* Suspects come back in groups no wider than the narrowest of those that are due, each pool for
 * itself: one without workers holds up nobody else (RL-17). → pools */
const struct db_sql SQL_SUSPECT_READY = {"suspect_ready",
	"with due as materialized (select l.job, l.suspect, j.pool, row_number() over ("
	"    partition by j.pool order by l.suspect, l.job) as place"
	"   from sched.later l join sched.job j on j.id = l.job"
	"   where l.suspect > 0 and l.due_at <= clock_timestamp()),"
	" room as materialized (select d.pool, min(d.suspect)"
	"   - (select count(*) from sched.active a join sched.job j on j.id = a.job"
	"      where a.suspect > 0 and j.pool = d.pool)"
	"   - (select count(*) from sched.ready r where r.suspect > 0 and r.pool = d.pool) as n"
	"   from due d group by d.pool),"
	" gone as (delete from sched.later where job = any (array(select l.job from sched.later l"
	"   join due d using (job) join room r on r.pool = d.pool where d.place <= r.n"
	"   for update of l skip locked)) returning job, suspect)," MOVED_ON};
/* lease ms, worker or null, whether that one comes again: the next worker with ended leases →
 * worker, job, and whether the worker was seen when the lease was half over, so that it lives;
 * locked rows are somebody else's */
const struct db_sql SQL_EXPIRED = {"expired",
	"select a.worker, a.job, coalesce(w.died_at is null and w.seen_at > a.lease_until"
	"  - make_interval(secs => $1::float8 / 2000), false)"
	" from sched.active a left join sched.worker w on w.id = a.worker"
	" where a.lease_until < clock_timestamp() and a.worker = (select x.worker from"
	"  sched.active x where x.lease_until < clock_timestamp() and ($2::uuid is null"
	"   or x.worker > $2::uuid or (x.worker = $2::uuid and $3::boolean))"
	"  order by x.worker limit 1)"
	" order by a.job limit 4096 for update of a skip locked"};
/* worker → what it holds */
const struct db_sql SQL_WORKER_JOBS = {"worker_jobs",
	"select a.worker, a.job, false from sched.active a where a.worker = $1::uuid order by a.job"
	" for update"};
const struct db_sql SQL_WORKER_DIED = {"worker_died",
	"update sched.worker set died_at = clock_timestamp() where id = $1::uuid and died_at is "
	"null"
	" returning id"};
/* worker, culprit job: leases of the dead worker had ended before the report came. Its neighbours
 * are cleared, the culprit is charged once. */
const struct db_sql SQL_LATE_BLAME = {"late_blame",
	"with cleared as (update sched.later x set suspect = 0 from sched.job j where j.id = x.job"
	"   and j.lost_by = $1::uuid and j.id <> $2::uuid),"
	" free as (update sched.ready x set suspect = 0 from sched.job j where j.id = x.job"
	"   and j.lost_by = $1::uuid and j.id <> $2::uuid and x.suspect > 0)"
	" update sched.job j set suspect = case when j.id = $2::uuid then j.suspect else 0 end,"
	"  crashes = j.crashes + case when j.id = $2::uuid and j.suspect > 0 then 1 else 0 end,"
	"  lost_by = null"
	" where j.lost_by = $1::uuid and j.state in (2, 6, 7)"
	" and not exists (select from sched.active a where a.job = j.id)"};
const struct db_sql SQL_WORKER_LIST = {"worker_list",
	"select w.id, w.pool, w.seen_at, (select count(*) from sched.active a where a.worker = "
	"w.id)"
	" from sched.worker w where w.seen_at > clock_timestamp() - interval '1 minute'"
	" and w.died_at is null order by w.seen_at desc limit 1000"};
/* A refused password holds for 24 h (FL-13). → devices */
const struct db_sql SQL_HOLD_OVER = {"hold_over",
	"update fleet.device set state = 2, state_cause = '', version = version + 1,"
	" state_at = clock_timestamp() where state = 3"
	" and state_at < clock_timestamp() - interval '24 hours' returning id"};
const struct db_sql SQL_PURGE = {
	"purge", "delete from sched.worker where seen_at < clock_timestamp() - interval '1 day'"};
/* days, jobs at most → how much was forgotten (FL-60) */
const struct db_sql SQL_PURGE_HISTORY = {"purge_history",
	"select sched.purge_history(clock_timestamp() - make_interval(days => $1::int), $2::int)"};
