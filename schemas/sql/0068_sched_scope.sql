-- SPDX-License-Identifier: Apache-2.0
-- Scopes of what stands at devices, groups and sites (docs/spec/fleet.md FL-69): windows, credentials, distribution sets,
-- candidates. Such a thing is seen by whoever sees something that it holds, and changed by whoever reaches all that it names.

-- A group belongs to the scope of who saved it, and is no scope itself: it gives nobody a device. Its filter brings only what
-- lies within. null = of somebody who reaches everything.
alter table fleet.device_group add column saved_in text check (saved_in <> '');

create function fleet.own_groups(scope text) returns setof uuid
language sql stable security definer set search_path = pg_catalog as $$
  select g.id from fleet.device_group g where string_to_array(g.saved_in, E'\n') <@ string_to_array($1, E'\n')
$$;
create function fleet.seen_groups(scope text) returns setof uuid
language sql stable security definer set search_path = pg_catalog as $$
  select fleet.scope_groups($1) union select fleet.own_groups($1)
$$;
-- Groups that somebody may bind something to: own ones as long as nothing outside is listed in or below them.
create function fleet.groups_within(scope text) returns setof uuid
language sql stable security definer set search_path = pg_catalog as $$
  with dev as materialized (select x from fleet.scope_devices($1) x)
  select fleet.scope_groups($1)
  union
  select o from fleet.own_groups($1) o where not exists (
    select from fleet.groups_below(array[o]) b join fleet.group_device m on m.grp = b.id where m.device not in (select x from dev))
$$;
-- Groups and sites that hold something within.
create function fleet.groups_holding(scope text) returns setof uuid
language sql stable security definer set search_path = pg_catalog as $$
  with recursive up as (
    select m.grp from fleet.group_device m where m.device in (select fleet.scope_devices($1))
    union
    select e.parent from up join fleet.group_group e on e.child = up.grp)
  select grp from up union select fleet.seen_groups($1)
$$;
create function fleet.sites_holding(scope text) returns setof text
language sql stable security definer set search_path = pg_catalog as $$
  select s.name from fleet.site s where 'site:' || s.name in (select string_to_table($1, E'\n'))
  union
  select d.site from fleet.device d where d.site is not null and d.id in (select fleet.scope_devices($1))
$$;

create function fleet.credentials_seen(scope text) returns setof uuid
language sql stable security definer set search_path = pg_catalog as $$
  with dev as materialized (select d.id, d.ip from fleet.device d where d.id in (select fleet.scope_devices($1)))
  select c.id from fleet.credential c where c.device in (select id from dev) or c.grp in (select fleet.groups_holding($1))
    or c.site in (select fleet.sites_holding($1)) or exists (select from dev where c.range >>= dev.ip)
$$;
create function sched.windows_seen(scope text) returns setof uuid
language sql stable set search_path = pg_catalog as $$
  select distinct w.win from sched.time_window_on w where w.device in (select fleet.scope_devices($1))
    or w.grp in (select fleet.groups_holding($1)) or w.site in (select fleet.sites_holding($1))
    or w.task in (select sched.scope_tasks($1))
$$;
create function sched.sets_seen(scope text) returns setof uuid
language sql stable security definer set search_path = pg_catalog as $$
  select m.dist_set from sched.dist_set_device m where m.device in (select fleet.scope_devices($1))
  union
  select m.dist_set from sched.dist_set_group m where m.grp in (select fleet.groups_holding($1))
$$;
-- What was found lies within where it is a device within, or none yet and proposed for a site of the scope.
create function fleet.candidates_seen(scope text) returns setof uuid
language sql stable set search_path = pg_catalog as $$
  select c.id from fleet.candidate_now c where c.device in (select fleet.scope_devices($1))
    or (c.device is null and 'site:' || c.site in (select string_to_table($1, E'\n')))
$$;

-- Whether all that is named lies within, and something is named.
create function sched.places_within(devices uuid[], groups uuid[], sites text[], tasks uuid[], scope text) returns boolean
language sql stable set search_path = pg_catalog as $$
  with x as (
    select d is not null as named, d in (select fleet.scope_devices($5)) as within from unnest($1) d
    union all select g is not null, g in (select fleet.groups_within($5)) from unnest($2) g
    union all select s is not null, 'site:' || s in (select string_to_table($5, E'\n')) from unnest($3) s
    union all select t is not null, t in (select sched.scope_tasks($5)) from unnest($4) t)
  select coalesce(bool_and(within), false) from x where named
$$;

-- Where a device may stand: at a site of the scope, and at no address where others see one. It must not be one whose backups
-- are kept: they would be its own.
create function fleet.may_stand(site text, address text, scope text) returns boolean
language sql stable set search_path = pg_catalog as $$
  select (site is null or 'site:' || site in (select string_to_table(scope, E'\n')))
    and not exists (select from fleet.device d where d.address = $2 and not fleet.in_scope(d.id, scope))
$$;
-- Whether somebody may put what a message says of a device; of_device null = it is made.
create function fleet.may_put(of_device uuid, said jsonb, scope text) returns boolean
language sql stable set search_path = pg_catalog as $$
  select scope is null or (fleet.may_stand(coalesce(said->>'site', case when of_device is null then '' end), said->>'address', scope)
    and case when of_device is not null then fleet.in_scope(of_device, scope)
        else fleet.backed_up(coalesce(said->>'serial', ''), coalesce(said->>'family', '')) is null end)
$$;

-- Groups that somebody saved are named in tasks like those of the scope.
create or replace function sched.scope_tasks(scope text) returns setof uuid
language sql stable set search_path = pg_catalog as $$
  with dev as materialized (select x from fleet.scope_devices(scope) x),
       grp as materialized (select x from fleet.groups_within(scope) x)
  select t.id from sched.task t where not t.built_in and (
    string_to_array(t.scope, E'\n') <@ string_to_array($1, E'\n')
    or (not coalesce((t.targets->>'all')::boolean, false) and coalesce(t.targets->>'filter', '') = ''
      and jsonb_array_length(coalesce(t.targets->'devices', '[]')) + jsonb_array_length(coalesce(t.targets->'groups', '[]')) > 0
      and not exists (select from jsonb_array_elements_text(t.targets->'devices') e where e::uuid not in (select x from dev))
      and not exists (select from jsonb_array_elements_text(t.targets->'groups') e where e::uuid not in (select x from grp))))
$$;

revoke all on function fleet.own_groups, fleet.seen_groups, fleet.groups_within, fleet.groups_holding, fleet.sites_holding,
  fleet.credentials_seen, sched.sets_seen from public;
grant execute on function fleet.own_groups, fleet.seen_groups, fleet.groups_within, fleet.groups_holding, fleet.sites_holding,
  fleet.credentials_seen, fleet.candidates_seen, fleet.may_put, fleet.may_stand, sched.windows_seen, sched.sets_seen, sched.places_within to carnet_scheduler;
