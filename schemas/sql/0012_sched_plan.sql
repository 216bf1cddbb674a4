-- SPDX-License-Identifier: Apache-2.0
-- Tasks that write: plans, applied runs, reverts, waves (docs/spec/fleet.md 3.4, FL-24, FL-27;
-- docs/spec/import-export.md section 8). Numbers of enums are those of schemas/messages/scheduler.msg.

alter table sched.task add column approved uuid; -- the plan that scheduled firings may apply

alter table sched.run
  add column phase       smallint not null default 0 check (phase between 0 and 3), -- 0: no plan needed
  add column plan        uuid,              -- apply, revert: the plan it began with
  add column plan_hash   bytea,             -- over the targets and what was found at them
  add column totals      jsonb,             -- struct plan_totals
  add column applied_by  uuid,              -- plan: the run that applied it
  add column approve_until timestamptz,     -- while it waits for a person
  add column accept      jsonb not null default '[]', -- words accepted with the plan
  add column wave        smallint not null default 0, -- the one under way, 0 = no waves
  add column waves       smallint not null default 0,
  add column budget_percent int not null default 0,   -- 0 = off
  add column budget_min  int not null default 0,
  add column confirm_ms  bigint not null default 0,   -- apply: 0 = the read-back confirms
  add column confirm_until timestamptz,     -- put back then; null = nothing to confirm (any more)
  add column confirmed   boolean not null default false,
  add column reverts     uuid,              -- revert: whose pre-images are put back
  add column reverted_by uuid,              -- apply: the newest run that puts them back
  add column state_cause text not null default '';
create index run_to_approve on sched.run (approve_until) where state = 2;
create index run_reverts on sched.run (reverts) where reverts is not null;
create index run_to_confirm on sched.run (confirm_until) where confirm_until is not null;

alter table sched.job
  add column step      smallint not null default 0, -- enum write_step: how far writing came
  add column sent_in   int not null default 0,      -- the attempt that first wrote
  add column wave      smallint not null default 0,
  add column source    uuid,                        -- version that is written, pinned by the plan
  add column plan_hash bytea,                       -- what was approved for this device
  add column pre_image uuid,                        -- version that holds what was overwritten
  add column map       jsonb,                       -- of the device's distribution set
  add column plan      jsonb,                       -- struct device_plan
  add column report    jsonb;                       -- list of struct item_report

-- Which job wrote to a device last, and whether the device was left neither old nor new. A revert
-- leaves out devices that another job has written since.
create table sched.written (
  device uuid primary key,
  job    uuid not null,
  at     timestamptz not null default clock_timestamp()
);
grant select, insert, update, delete on sched.written to carnet_scheduler;
