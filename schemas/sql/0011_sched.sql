-- SPDX-License-Identifier: Apache-2.0
-- Tasks, runs and jobs (docs/spec/fleet.md sections 3 to 9). PostgreSQL is the queue.
--
-- A job's row is its record; where it waits is a row of its own, so that changing a state touches no
-- index of the record (heap-only updates):
--     ready   may be claimed: key (pool, family, job), taken with SKIP LOCKED
--     later   waiting, deferred or retry, until due_at
--     active  claimed, running or storing: key device, hence one job per device; holds the lease
-- A job has exactly one of the three, or none when it is terminal.

create table sched.job_state (
  id       smallint primary key,
  word     text not null unique,
  terminal boolean not null
);
insert into sched.job_state values
  (1, 'waiting', false), (2, 'ready', false), (3, 'claimed', false), (4, 'running', false),
  (5, 'storing', false), (6, 'deferred', false), (7, 'retry', false), (8, 'succeeded', true),
  (9, 'unchanged', true), (10, 'partial', true), (11, 'skipped', true), (12, 'failed', true),
  (13, 'dead', true), (14, 'missed', true), (15, 'cancelled', true);

-- Equal to schemas/job_states.tab; a test compares them.
create table sched.job_edge (
  from_state smallint not null references sched.job_state,
  to_state   smallint not null references sched.job_state,
  primary key (from_state, to_state)
);
insert into sched.job_edge
select f.id, t.id
  from (values ('waiting', 'ready skipped missed cancelled'),
               ('ready', 'claimed missed cancelled'),
               ('claimed', 'running deferred retry skipped failed cancelled dead'),
               ('running', 'storing deferred retry skipped failed partial cancelled dead'),
               ('storing', 'succeeded unchanged partial retry failed dead'),
               ('deferred', 'ready missed cancelled'),
               ('retry', 'ready failed missed cancelled')) as e (f, ts)
  join sched.job_state f on f.word = e.f
 cross join lateral string_to_table(e.ts, ' ') w
  join sched.job_state t on t.word = w;

create function sched.uuid7() returns uuid language sql volatile parallel safe as $$
  select encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) placing
           substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
           from 1 for 6), 52, 1), 53, 1), 'hex')::uuid
$$;

create table sched.task (
  id         uuid primary key,
  name       text not null unique check (length(name) between 1 and 128),
  kind       text not null,
  active     boolean not null default true,
  schedule   jsonb not null,          -- as in struct schedule of the messages
  targets    jsonb not null,          -- references, resolved when a run starts (FL-22); ids
  settings   jsonb not null,
  retry      jsonb not null,
  password_sealed bytea,              -- opaque here
  next_at    timestamptz,             -- next planned firing; null = none
  next_local text,                    -- its local occurrence (FL-33)
  version    bigint not null default 1,
  owner      text not null default '',
  last_run   uuid,
  created_at timestamptz not null default clock_timestamp()
);
create index task_due on sched.task (next_at) where active and next_at is not null;

-- One row per occurrence, whatever became of it (FL-33, FL-35).
create table sched.firing (
  task      uuid not null,
  due_at    timestamptz not null,
  local     text not null,
  run       uuid,                     -- null = missed
  at        timestamptz not null default clock_timestamp(),
  primary key (task, due_at),
  unique (task, local)
);

create table sched.run (
  id         uuid primary key,
  task       uuid not null,
  task_name  text not null,
  kind       text not null,
  state      smallint not null check (state between 1 and 14),
  cause      text not null,           -- now, schedule, rerun
  rerun_of   uuid,
  due_at     timestamptz,
  opened_at  timestamptz not null default clock_timestamp(),
  ended_at   timestamptz,
  deadline_at timestamptz not null,
  added      int not null default 0,
  removed    int not null default 0,
  settings   jsonb not null default '{}',
  password_sealed bytea,
  errors_max  int not null,
  crashes_max int not null,
  snapshot   jsonb not null           -- the task as it was (FL-60), without secrets
);
create index run_newest on sched.run (opened_at desc, id desc);
create index run_of_task on sched.run (task, opened_at desc);
create index run_live on sched.run (id) where state < 6;

create table sched.job (
  id          uuid primary key,
  run         uuid not null,
  device      uuid not null,
  state       smallint not null,
  attempt     int not null default 0,  -- number of the claim; only rises (RL-2)
  errors      int not null default 0,  -- charged
  crashes     int not null default 0,  -- charged
  deferrals   int not null default 0,
  suspect     int not null default 0,  -- width of its group after a death nobody explained (RL-17)
  cause       int not null default 0,  -- CN-number
  token       bigint not null default 0,
  worker      uuid,
  lost_by     uuid,                    -- worker whose lease ended with it
  pool        text not null,
  family      text not null,
  created_at  timestamptz not null,
  started_at  timestamptz,
  ended_at    timestamptz,
  not_before  timestamptz,
  deferred_at timestamptz,
  deferred_ms bigint not null default 0,
  -- the frozen target (FL-22)
  device_name text not null,
  address     text not null,
  type        smallint not null,
  via         text not null,
  -- what came of it
  reason      text,
  detail      text,
  device_text text,
  lock_ms     int,
  device_ms   int,
  store_ms    int,
  version     uuid,
  new_version boolean not null default false,
  generation  bigint,
  entries     bigint,
  bytes       bigint,
  lists       jsonb,
  firmware    text,
  language    text,
  constraint one_job_per_device_and_run unique (run, device)
) with (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);

create table sched.ready (
  pool   text not null,
  family text not null,
  job    uuid not null,
  device uuid not null,
  primary key (pool, family, job)
) with (autovacuum_vacuum_scale_factor = 0.02);

create table sched.later (
  job     uuid primary key,
  due_at  timestamptz not null,
  suspect int not null default 0
);
create index later_due on sched.later (due_at);

create table sched.active (
  device      uuid primary key,
  job         uuid not null unique,
  run         uuid not null,
  worker      uuid not null,
  attempt     int not null,
  suspect     int not null default 0,
  cancel      boolean not null default false,
  progress    bigint not null default 0,
  lease_until timestamptz not null
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);

create table sched.worker (
  id      uuid primary key,
  pool    text not null,
  seen_at timestamptz not null,
  died_at timestamptz
);

-- Jobs of a run by state, as a sum of rows: every change adds rows, so nobody waits for a counter.
-- The maintenance folds them.
create table sched.run_count (
  run      uuid not null,
  state    smallint not null,
  n        bigint not null,
  bytes    bigint not null default 0,
  versions bigint not null default 0
);
create index run_count_run on sched.run_count (run);

create table sched.transition (
  job        uuid not null,
  at         timestamptz not null,
  from_state smallint not null,
  to_state   smallint not null,
  attempt    int not null,
  token      bigint not null,
  cause      int not null,
  worker     uuid,
  detail     text
);
create index transition_job on sched.transition (job);

-- The second guard of RL-1, and the one finisher of RL-7: whoever changes a state, the edge must be in
-- the table, history is written and the run is counted. Per statement, not per row.
create function sched.job_moved() returns trigger
language plpgsql set search_path = pg_catalog set enable_nestloop = off as $$
declare
  refused text;
begin
  with moved as materialized (
    select n.id, n.run, o.state as f, n.state as t, n.attempt, n.token, n.cause, n.worker, n.detail,
           case when n.state in (8, 9, 10) then coalesce(n.bytes, 0) else 0 end as bytes,
           (n.state in (8, 10) and n.new_version)::int as versions
      from before_rows o join after_rows n using (id)
     where o.state <> n.state
  ), history as (
    insert into sched.transition
    select id, clock_timestamp(), f, t, attempt, token, cause, worker, detail from moved
  ), counted as (
    insert into sched.run_count
    select run, state, sum(n), sum(bytes), sum(versions)
      from (select run, f as state, -1 as n, 0::bigint as bytes, 0 as versions from moved
            union all
            select run, t, 1, bytes, versions from moved) c
     group by run, state having sum(n) <> 0
  )
  select format('job %s: %s to %s', m.id, m.f, m.t) into refused
    from moved m left join sched.job_edge e on e.from_state = m.f and e.to_state = m.t
   where e.from_state is null limit 1;
  if refused is not null then
    raise exception 'edge refused, %', refused using errcode = 'check_violation',
      constraint = 'job_edge';
  end if;
  return null;
end $$;
create trigger job_moved after update on sched.job
  referencing old table as before_rows new table as after_rows
  for each statement execute function sched.job_moved();

grant select, insert, update, delete on all tables in schema sched to carnet_scheduler;
revoke insert, update, delete on sched.job_state, sched.job_edge from carnet_scheduler;
revoke update, delete on sched.transition from carnet_scheduler;
grant execute on all functions in schema sched to carnet_scheduler;
