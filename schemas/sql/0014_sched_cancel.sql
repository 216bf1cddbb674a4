-- SPDX-License-Identifier: Apache-2.0
-- A job that began to write is not cut by a cancel; its next attempt is told of it at once
-- (docs/spec/import-export.md C3, C4; docs/spec/fleet.md section 9).

alter table sched.job add column cancel boolean not null default false;
