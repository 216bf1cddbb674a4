-- SPDX-License-Identifier: Apache-2.0
-- Batches of many devices (docs/spec/fleet.md FL-26): the end of a step is a row of its own until the next step of that
-- device was looked at, so that no look reads all jobs of a run.

alter table sched.job add column follows boolean not null default false; -- of a batch: a step may come after it

create table sched.step_ended (
  run    uuid not null,
  part   smallint not null,
  wave   smallint not null,
  device uuid not null,
  good   boolean not null             -- the next step may begin
) with (autovacuum_vacuum_scale_factor = 0.02);
create index step_ended_run on sched.step_ended (run, part, wave);

alter table sched.run_step
  add column sizes int[] not null default '{}', -- its jobs of each wave, from 0; the first step has more: some go no further
  add column wave smallint not null default -1; -- with a barrier: it has begun in the waves up to this one

-- Rows of other runs are passed by before a function is called. What ends when its run does not go on, nobody waits for.
create function sched.step_ended() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
  insert into sched.step_ended (run, part, wave, device, good)
  select new.run, new.part, new.wave, new.device, new.state in (8, 9) or (new.state = 11 and new.cause <> 1010)
    from sched.run r join sched.run_step s on s.run = r.id and s.part = new.part + 1
   where r.id = new.run and r.state in (2, 3);
  return null;
end $$;
create trigger step_ended after update of state on sched.job for each row
  when (new.follows and new.state >= 8 and old.state < 8) execute function sched.step_ended();

grant select, insert, delete on sched.step_ended to carnet_scheduler;
grant execute on function sched.step_ended to carnet_scheduler;

-- Batches that are under way.
update sched.job set follows = true where run in (select id from sched.run where kind = 'batch' and state < 6);
update sched.run_step s
   set sizes = array(select coalesce(c.n, 0) from generate_series(0, 32) w(wave) left join (select wave, count(*)::int as n
         from sched.job where run = s.run and part = 1 group by wave) c using (wave) order by w.wave)
 where s.run in (select id from sched.run where kind = 'batch' and state < 6);
insert into sched.step_ended (run, part, wave, device, good)
select p.run, p.part, p.wave, p.device, p.state in (8, 9) or (p.state = 11 and p.cause <> 1010)
  from sched.run r join sched.job p on p.run = r.id and p.state >= 8
  join sched.job j on j.run = p.run and j.device = p.device and j.part = p.part + 1
 where r.kind = 'batch' and r.state in (2, 3);
