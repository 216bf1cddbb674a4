-- SPDX-License-Identifier: Apache-2.0
-- Printers that had to be restarted after a write and were at work then: one run restarts them, once
-- (docs/spec/import-export.md B4).

alter table sched.run add column follows uuid; -- the run whose printers it restarts
create unique index run_follows on sched.run (follows) where follows is not null;
