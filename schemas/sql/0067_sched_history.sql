-- SPDX-License-Identifier: Apache-2.0
-- The history of jobs (docs/spec/fleet.md FL-60), in one row for all jobs that took the same step in one
-- statement: a batch of 64 claims is one row and one entry of one index, not 64 of each.

create table sched.history (
  run        uuid not null,
  at         timestamptz not null,
  from_state smallint not null,
  to_state   smallint not null,
  attempt    int not null,
  cause      int not null,
  worker     uuid,
  detail     text,
  jobs       uuid[] not null,
  tokens     bigint[]               -- of each job; null: none held one
);
insert into sched.history
select j.run, t.at, t.from_state, t.to_state, t.attempt, t.cause, t.worker, t.detail,
       array_agg(t.job order by t.job),
       case when max(t.token) > 0 then array_agg(t.token order by t.job) end
  from sched.transition t join sched.job j on j.id = t.job
 group by j.run, t.at, t.from_state, t.to_state, t.attempt, t.cause, t.worker, t.detail;
create index history_run on sched.history (run);

drop table sched.transition;
create view sched.transition as
select u.job, h.at, h.from_state, h.to_state, h.attempt, coalesce(u.token, 0) as token, h.cause,
       h.worker, h.detail, h.run
  from sched.history h cross join lateral unnest(h.jobs, h.tokens) u(job, token);

-- The second guard of RL-1, and the one finisher of RL-7: whoever changes a state, the edge must be in
-- the table, history is written and the run is counted. Per statement, not per row.
create or replace function sched.job_moved() returns trigger
language plpgsql set search_path = pg_catalog set enable_nestloop = off as $$
declare
  refused text;
begin
  with moved as materialized (
    select n.run, o.state as f, n.state as t, n.attempt, n.cause, n.worker, n.detail,
           array_agg(n.id) as jobs, case when max(n.token) > 0 then array_agg(n.token) end as tokens,
           count(*) as n,
           sum(case when n.state in (8, 9, 10) then coalesce(n.bytes, 0) else 0 end) as bytes,
           sum((n.state in (8, 10) and n.new_version)::int) as versions
      from before_rows o join after_rows n using (id)
     where o.state <> n.state
     group by n.run, o.state, n.state, n.attempt, n.cause, n.worker, n.detail
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

-- Forgets what ended before a time, some jobs at a time; versions are storage's and stay (FL-60). The
-- history of jobs is otherwise only added to: this is the one way to shorten it.
create or replace function sched.purge_history(before timestamptz, most int) returns bigint
language plpgsql security definer set search_path = pg_catalog as $$
declare
  old uuid[];
  gone bigint;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('carnet history', 0)) then
    return 0; -- another scheduler is at it
  end if;
  select array_agg(id) into old from (select r.id from sched.run r
    where r.state >= 6 and r.ended_at < before and r.opened_at < before
    order by r.opened_at limit 100) x;
  with pick as (select j.id from sched.job j where j.run = any (old) limit most),
       jobs as (delete from sched.job j using pick s where j.id = s.id returning j.id)
  select count(*) into gone from jobs;
  with over as (delete from sched.run r where r.id = any (old)
                  and not exists (select from sched.job j where j.run = r.id) returning r.id),
       history as (delete from sched.history h using over o where h.run = o.id),
       counts as (delete from sched.run_count c using over o where c.run = o.id),
       changes as (delete from sched.run_change c using over o where c.run = o.id)
  select gone + count(*) into gone from over;
  with f as (delete from sched.firing where due_at < before returning 1)
  select gone + count(*) into gone from f;
  return gone;
end $$;

grant select, insert on sched.history to carnet_scheduler;
grant select on sched.transition to carnet_scheduler;
