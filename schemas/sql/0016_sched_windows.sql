-- SPDX-License-Identifier: Apache-2.0
-- Execution windows, jitter, and firings at each target's own local time (docs/spec/fleet.md
-- sections 4 and 5).

alter table sched.task
  add column replan_at timestamptz; -- each target at its own time: who they are is looked at again

create index task_replan on sched.task (replan_at) where replan_at is not null;

alter table sched.run
  add column occurrence text,                          -- local, when each target has its own time
  add column jitter_s   int not null default 0,
  add column no_windows boolean not null default false; -- overridden by a person (FL-40), or a revert

alter table sched.active
  add column cut_at timestamptz,                  -- the end of a window with hard_end (FL-38)
  add column cut    boolean not null default false; -- told to stop for it, not by a person

create table sched.time_window (
  id          uuid primary key,
  name        text not null unique check (length(name) between 1 and 128),
  zone        text,                          -- null: each device's own
  spans       jsonb not null default '[]',   -- struct window_span
  exceptions  jsonb not null default '[]',   -- struct window_day
  min_left_ms bigint not null,
  hard_end    boolean not null,
  version     bigint not null default 1
);
create table sched.time_window_on (
  win    uuid not null references sched.time_window on delete cascade,
  task   uuid references sched.task on delete cascade,
  device uuid references fleet.device on delete cascade,
  grp    uuid references fleet.device_group on delete cascade,
  site   text references fleet.site on delete cascade on update cascade,
  check (num_nonnulls(task, device, grp, site) = 1)
);
create unique index time_window_on_place on sched.time_window_on
  (win, coalesce(task::text, device::text, grp::text, site));
create index time_window_on_task on sched.time_window_on (task) where task is not null;
create index time_window_on_device on sched.time_window_on (device) where device is not null;
create index time_window_on_grp on sched.time_window_on (grp) where grp is not null;
create index time_window_on_site on sched.time_window_on (site) where site is not null;

-- The same rule twice: for one device, and for all devices at once. Windows of a group bind devices
-- listed in it or in a group below it.
create function sched.windows_of(of_task uuid, of_device uuid) returns uuid[]
language sql stable set search_path = pg_catalog as $$
  select array_agg(distinct w.win order by w.win) from sched.time_window_on w
   where w.task = of_task or w.device = of_device
      or w.site = (select d.site from fleet.device d where d.id = of_device)
      or w.grp in (select fleet.groups_of(of_device))
$$;
create function sched.windows_on_devices() returns table (device uuid, windows uuid[])
language sql stable set search_path = pg_catalog as $$
  select x.device, array_agg(distinct x.win order by x.win)
    from (select w.device, w.win from sched.time_window_on w where w.device is not null
          union all
          select d.id, w.win from sched.time_window_on w join fleet.device d on d.site = w.site
          union all
          select m.device, w.win from sched.time_window_on w
           cross join lateral fleet.groups_below(array[w.grp]) g
            join fleet.group_device m on m.grp = g.id where w.grp is not null) x
   group by x.device
$$;
-- What decides when each held job of a run may start. Key: zone and windows, alike for many jobs.
create function sched.place_keys(of_run uuid)
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
    join fleet.device d on d.id = j.device
    left join fleet.site s on s.name = d.site
   cross join t
    left join sched.windows_on_devices() w on w.device = j.device and not r.free
$$;
-- Deterministic: the same task and device, the same offset.
create function sched.jitter(task uuid, device uuid, most_s int) returns interval
language sql immutable set search_path = pg_catalog as $$
  select make_interval(secs => (('x' || encode(substr(sha256(uuid_send(task) || uuid_send(device)),
    1, 4), 'hex'))::bit(32)::bigint % (most_s * 1000 + 1)) / 1000.0)
$$;

grant select, insert, update, delete on sched.time_window, sched.time_window_on to carnet_scheduler;
grant execute on all functions in schema sched to carnet_scheduler;
-- What few rows come of is compiled for longer than it runs.
alter role carnet_scheduler set jit = off;
