-- SPDX-License-Identifier: Apache-2.0
-- Firings that came to nothing are runs (docs/spec/fleet.md FL-35); a new schedule has occurrences of its own (FL-33);
-- where windows bind few devices at once, no other ones are looked at.

alter table sched.run add column missed int not null default 0;  -- firings in a row, the first at due_at
alter table sched.task add column schedule_no int not null default 1;  -- raised with each change of the schedule
alter table sched.firing
  add column n           int not null default 1,  -- of missed ones, from due_at on; until now: run null = missed
  add column schedule_no int not null default 1,
  drop constraint firing_task_local_key,
  add constraint firing_of_occurrence unique (task, schedule_no, local);

-- As before; a rule with two ways, so that a run of few devices does not compute the windows of the whole fleet.
create function sched.run_windows(of_run uuid) returns table (device uuid, windows uuid[])
language plpgsql stable set search_path = pg_catalog as $$
begin
  if (select count(*) from (select from sched.job j where j.run = of_run and j.state = 1 limit 101) x) > 100 then
    return query select w.device, w.windows from sched.windows_on_devices() w;
  else
    return query select j.device, sched.windows_of(null, j.device)
      from (select distinct x.device from sched.job x where x.run = of_run and x.state = 1) j;
  end if;
end $$;
create or replace function sched.place_keys(of_run uuid)
returns table (job uuid, device uuid, zone text, windows text)
language sql stable set search_path = pg_catalog as $$
  with r as materialized (
    select x.id, x.task, x.no_windows or x.phase = 3 as free from sched.run x where x.id = of_run
  ), t as materialized (
    select coalesce(array_agg(w.win), '{}') as windows
      from r join sched.time_window_on w on w.task = r.task and not r.free
  )
  select j.id, j.device, coalesce(nullif(d.time_zone, ''), s.time_zone, 'UTC'),
         coalesce((select array_agg(distinct x order by x)
                     from unnest(t.windows || w.windows) x)::text, '{}')
    from r join sched.job j on j.run = r.id and j.state = 1
    left join fleet.device d on d.id = j.device
    left join fleet.site s on s.name = d.site
   cross join t
    left join sched.run_windows(of_run) w on w.device = j.device and not r.free
$$;
revoke execute on function sched.run_windows(uuid) from public;
grant execute on function sched.run_windows(uuid) to carnet_scheduler;
