-- SPDX-License-Identifier: Apache-2.0
-- Batch tasks (docs/spec/fleet.md FL-26): one run, one list, for each device a job per step.

alter table sched.job
  add column part smallint not null default 0,  -- step of a batch, from 0; other runs have one
  drop constraint one_job_per_device_and_run,
  add constraint one_job_per_device_and_run unique (run, device, part);

-- The steps of a run of a batch, as their tasks were when its list was made.
create table sched.run_step (
  run       uuid not null references sched.run on delete cascade,
  part      smallint not null,
  task      uuid not null,
  task_name text not null,
  kind      text not null,
  settings  jsonb not null,
  password_sealed bytea,
  primary key (run, part)
);
grant select, insert, update, delete on sched.run_step to carnet_scheduler;
