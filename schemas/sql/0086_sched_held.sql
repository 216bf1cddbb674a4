-- SPDX-License-Identifier: Apache-2.0
-- A job's row is written when its run opens and when it leaves a worker. Between the two, what changes stands
-- in the narrow row of sched.active alone: state, attempt, worker, token (docs/spec/fleet.md section 9, RL-1).
-- Who asks for the state of a job takes that of its active row where there is one.

alter table sched.active
  add column state      smallint not null default 3 check (state between 3 and 5),
  add column token      bigint not null default 0,
  add column claimed_at timestamptz not null default clock_timestamp();
alter table sched.job
  add column held smallint; -- the state in which its newest attempt left the worker

update sched.active a set state = j.state, token = j.token, claimed_at = coalesce(j.started_at, clock_timestamp())
  from sched.job j where j.id = a.job;
alter table sched.job disable trigger job_moved;
update sched.job j set state = 2, attempt = a.attempt - 1 from sched.active a where a.job = j.id;
alter table sched.job enable trigger job_moved;
alter table sched.job add constraint job_not_held check (state not between 3 and 5);

-- As it is now, for those who look.
create view sched.job_now as
select j.id, j.run, j.device, j.part, j.device_name, coalesce(a.state, j.state) as state,
       coalesce(a.attempt, j.attempt) as attempt, coalesce(a.worker, j.worker) as worker,
       coalesce(a.token, j.token) as token, j.cause, j.reason, j.step
  from sched.job j left join sched.active a on a.job = j.id;
grant select on sched.job_now to carnet_scheduler;

-- The guard of RL-1 while a job is held. History and counts of these steps are written by the statement that
-- makes them: renewals, the most frequent change of these rows, pay nothing.
create function sched.active_refused() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
  raise exception 'edge refused, job %: % to %', new.job, case tg_op when 'UPDATE' then old.state else 2 end, new.state
    using errcode = 'check_violation', constraint = 'job_edge';
end $$;
create trigger active_begins before insert on sched.active for each row
  when (new.state <> 3) execute function sched.active_refused();
create trigger active_goes_on before update on sched.active for each row
  when (new.state <> old.state and new.state <> old.state + 1) execute function sched.active_refused();

-- As before, but what was held comes from the state in which it was: its attempt has risen.
create or replace function sched.job_moved() returns trigger
language plpgsql set search_path = pg_catalog set enable_nestloop = off as $$
declare
  refused text;
begin
  with moved as materialized (
    select n.run, case when n.attempt > o.attempt then n.held else o.state end as f, n.state as t, n.attempt,
           n.cause, n.worker, n.detail,
           array_agg(n.id) as jobs, case when max(n.token) > 0 then array_agg(n.token) end as tokens,
           count(*) as n,
           sum(case when n.state in (8, 9, 10) then coalesce(n.bytes, 0) else 0 end) as bytes,
           sum((n.state in (8, 10) and n.new_version)::int) as versions
      from before_rows o join after_rows n using (id)
     where o.state <> n.state or n.attempt > o.attempt
     group by n.run, 2, n.state, n.attempt, n.cause, n.worker, n.detail
  ), history as (
    insert into sched.history
    select run, clock_timestamp(), f, t, attempt, cause, worker, detail, jobs, tokens from moved
  ), counted as (
    insert into sched.run_count
    select run, state, sum(n), sum(bytes), sum(versions)
      from (select run, f as state, -n as n, 0::numeric as bytes, 0::bigint as versions from moved
            union all
            select run, t, n, bytes, versions from moved) c
     group by run, state having sum(n) <> 0
  )
  select format('job %s: %s to %s', m.jobs[1], m.f, m.t) into refused
    from moved m left join sched.job_edge e on e.from_state = m.f and e.to_state = m.t
   where e.from_state is null limit 1;
  if refused is not null then
    raise exception 'edge refused, %', refused using errcode = 'check_violation',
      constraint = 'job_edge';
  end if;
  return null;
end $$;

-- Each device has its row of what its newest job said from the beginning: ends of jobs change it in place.
create function fleet.device_begins() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
  insert into fleet.last (device) select id from fresh on conflict do nothing;
  return null;
end $$;
create trigger device_begins after insert on fleet.device referencing new table as fresh
  for each statement execute function fleet.device_begins();
insert into fleet.last (device) select id from fleet.device on conflict do nothing;

-- Jobs that stand together end together, in one statement: there is room for the second version of each.
alter table sched.job set (fillfactor = 40);
alter table fleet.last set (fillfactor = 45);
