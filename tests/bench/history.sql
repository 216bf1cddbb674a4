-- SPDX-License-Identifier: Apache-2.0
-- A long history for tests/bench/history.sh, one run a day; then the requests, a line each.
set synchronous_commit = off;
insert into fleet.device (id, name, vendor, family, serial, address)
select sched.uuid7(), 'printer-' || i, 'Canon', 'canon_rui', 'S' || i, host('10.0.0.0'::inet + i) from generate_series(1, :devices) i;
insert into sched.task (id, name, kind, schedule, targets, settings, retry) values
  (sched.uuid7(), 'nightly', 'ab.backup', '{"form": "manual"}', '{"all": true}', '{"lists": ["all"]}', '{}');
create temporary table day as
select d, sched.uuid7() as run, uuid_send(sched.uuid7()) as b, clock_timestamp() - make_interval(days => :runs - d) as at
  from generate_series(1, :runs) d;
insert into sched.run (id, task, task_name, kind, state, cause, opened_at, ended_at, deadline_at, errors_max, crashes_max, snapshot)
select run, t.id, t.name, t.kind, 8, 'schedule', at, at + interval '1 hour', at + interval '12 hours', 3, 3, '{}'
  from day cross join sched.task t where t.name = 'nightly' order by d;
-- one in fifty failed for one of three reasons
create temporary table spread as
select row_number() over (order by id)::int as i, id as device, name, address from fleet.device;
insert into sched.job (id, run, device, state, cause, pool, family, created_at, started_at, ended_at, device_name, address,
                       type, via, version, entries, bytes, attempt, worker)
select encode(overlay(d.b placing int4send(s.i) from 13 for 4), 'hex')::uuid, d.run, s.device,
       case when (s.i + d.d) % 50 > 0 then 9 else 12 end,
       case when (s.i + d.d) % 50 > 0 then 0 else (array[2001, 2003, 3001])[1 + s.i % 3] end, '', 'canon_rui',
       d.at, d.at, d.at, s.name, s.address, 1, 'all', null, 200, 20000, 1, d.run
  from day d cross join spread s order by d.d, s.i;
-- forty were claimed together: four rows
insert into sched.history (run, at, from_state, to_state, attempt, cause, worker, jobs)
select b.run, b.at, e.f, e.t, 1, 0, b.run, b.jobs
  from (select d.run, d.at, array_agg(encode(overlay(d.b placing int4send(s.i) from 13 for 4), 'hex')::uuid) as jobs
          from day d cross join spread s group by d.run, d.at, s.i / 40) b
 cross join (values (2, 3), (3, 4), (4, 5), (5, 9)) as e (f, t);
insert into sched.run_count select run, state, count(*) from sched.job group by run, state;
analyze;

do $$ begin perform setseed(0.5); end $$;
create temporary table ask as select n, (select run from day where d = 1 + (:runs * r)::int % :runs) as run,
       (select s.device from spread s where s.i = 1 + (:devices * q)::int % :devices) as device
  from (select n, random() as r, random() as q from generate_series(1, :asks) n) x;
select 'run_list {"limit": 100}' from ask;
select 'run_list ' || json_build_object('task', 'nightly', 'state', 'partial') from ask;
select 'run_get ' || json_build_object('id', run) from ask;
select 'run_targets ' || json_build_object('id', run) from ask;
select 'run_targets ' || json_build_object('id', run, 'cursor', device) from ask;
select 'run_targets ' || json_build_object('id', run, 'state', 'failed') from ask;
select 'run_targets ' || json_build_object('id', run, 'state', 'dead') from ask;
select 'run_outcomes ' || json_build_object('id', run) from ask;
select 'job_transitions ' || json_build_object('id', j.id) from ask a join sched.job j on j.run = a.run and j.device = a.device;
