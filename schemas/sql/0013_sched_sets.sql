-- SPDX-License-Identifier: Apache-2.0
-- Distribution sets: which printers get which lists of which distribution book
-- (docs/spec/address-books.md 11.1 steps 5 and 6).

create table sched.dist_set (
  id         uuid primary key,
  name       text not null unique check (length(name) between 1 and 128),
  book       uuid not null,               -- the distribution book; its newest version is sent
  map        jsonb not null default '[]', -- list of struct slot_map; empty = list for list
  version    bigint not null default 1,
  created_at timestamptz not null default clock_timestamp()
);
create table sched.dist_set_device (
  dist_set uuid not null references sched.dist_set on delete cascade,
  device   uuid not null references fleet.device,
  primary key (dist_set, device)
);
create index dist_set_by_device on sched.dist_set_device (device);
create table sched.dist_set_group (
  dist_set uuid not null references sched.dist_set on delete cascade,
  grp      uuid not null references fleet.device_group,
  primary key (dist_set, grp)
);
create index dist_set_by_group on sched.dist_set_group (grp);

alter table sched.job add column book uuid; -- of its device's set

-- What a device gets by its sets together: one book, each slot from one list. Several sets
-- contradict when they name two books, or two lists for one slot, or a map beside list for list.
create function sched.sets_of(of_device uuid)
returns table (n bigint, book uuid, map jsonb, contradict boolean)
language sql stable set search_path = pg_catalog as $$
  with mine as materialized (
    select s.id, s.book, s.map from sched.dist_set s where s.id in (
      select m.dist_set from sched.dist_set_device m where m.device = of_device
      union
      select m.dist_set from sched.dist_set_group m where m.grp in
        (select fleet.groups_of(of_device)))
  ), slots as materialized (
    select distinct e->>'slot' as slot, coalesce(e->>'from', '') as source
      from mine cross join jsonb_array_elements(mine.map) e
  )
  select (select count(*) from mine), (select min(m.book::text)::uuid from mine m),
         (select jsonb_agg(jsonb_build_object('slot', slot, 'from', source) order by slot)
            from slots),
         (select count(distinct m.book) > 1 or count(distinct m.map = '[]') > 1 from mine m)
           or exists (select from slots group by slot having count(*) > 1)
$$;

grant select, insert, update, delete on sched.dist_set, sched.dist_set_device,
  sched.dist_set_group to carnet_scheduler;
grant execute on function sched.sets_of(uuid) to carnet_scheduler;
