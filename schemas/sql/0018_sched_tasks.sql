-- SPDX-License-Identifier: Apache-2.0
-- Who came and went since a task was saved and since its last run (docs/spec/fleet.md FL-23), a rerun
-- with the settings of then (FL-64), built-in tasks (section 11), the retention of history (FL-60).

alter table sched.task
  add column built_in   boolean not null default false,
  add column saved_list uuid[];                    -- who its targets were when it was saved

alter table sched.run
  add column saved_added   int not null default 0, -- against that list
  add column saved_removed int not null default 0,
  add column as_it_was     boolean not null default false;

alter table sched.job
  add column restarted boolean not null default false;  -- the printer, before it was read (FL-46)

-- By name, the first thousand of each; the counts stand in the run.
create table sched.run_change (
  run    uuid not null,
  since  smallint not null,          -- 1: the task was saved, 2: its last run
  came   boolean not null,
  device uuid not null,
  name   text not null,
  primary key (run, since, came, device)
);

-- Passwords of tasks, sealed, under the key id that versions record: a version made with an earlier
-- one needs it as long as it is kept (FL-42).
create table sched.password (
  id     uuid primary key,
  task   uuid not null,
  sealed bytea not null,
  set_at timestamptz not null default clock_timestamp()
);
insert into sched.password (id, task, sealed)
select (t.settings->>'password_id')::uuid, t.id, t.password_sealed from sched.task t
 where t.password_sealed is not null and t.settings->>'password_id' is not null
on conflict do nothing;
grant select, insert on sched.password to carnet_scheduler;

grant select, insert, update, delete on sched.run_change to carnet_scheduler;

-- Forgets what ended before a time, some jobs at a time; versions are storage's and stay (FL-60). The
-- history of transitions is otherwise only added to: this is the one way to shorten it.
create function sched.purge_history(before timestamptz, most int) returns bigint
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
       history as (delete from sched.transition t using pick s where t.job = s.id),
       jobs as (delete from sched.job j using pick s where j.id = s.id returning j.id)
  select count(*) into gone from jobs;
  with over as (delete from sched.run r where r.id = any (old)
                  and not exists (select from sched.job j where j.run = r.id) returning r.id),
       counts as (delete from sched.run_count c using over o where c.run = o.id),
       changes as (delete from sched.run_change c using over o where c.run = o.id)
  select gone + count(*) into gone from over;
  with f as (delete from sched.firing where due_at < before returning 1)
  select gone + count(*) into gone from f;
  return gone;
end $$;
revoke execute on function sched.purge_history(timestamptz, int) from public;
grant execute on function sched.purge_history(timestamptz, int) to carnet_scheduler;
