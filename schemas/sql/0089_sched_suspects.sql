-- SPDX-License-Identifier: Apache-2.0
-- A device that was made by hand or of a candidate may have no serial yet: nobody has read it (docs/spec/fleet.md
-- section 1.1). It is put on hold, suspended and retired like any other.
alter table fleet.device drop constraint device_check;

-- Suspects are counted pool by pool, without a look at those that are none (docs/spec/reliability.md RL-17), and the jobs
-- that a dead worker lost are found by its name. None of these columns changes while a job goes its usual way.
alter table sched.ready add column suspect int not null default 0;
update sched.ready r set suspect = j.suspect from sched.job j where j.id = r.job and j.suspect > 0;
create index ready_suspect on sched.ready (pool) where suspect > 0;
create index later_suspect on sched.later (job) where suspect > 0;
create index active_suspect on sched.active (job) where suspect > 0;
create index job_lost on sched.job (lost_by) where lost_by is not null;
