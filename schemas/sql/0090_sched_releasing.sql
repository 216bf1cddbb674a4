-- SPDX-License-Identifier: Apache-2.0
-- A wave is let go in portions (docs/spec/reliability.md RL-8): part of it is held still.
alter table sched.run add column releasing boolean not null default false;
create index run_releasing on sched.run (id) where releasing;
