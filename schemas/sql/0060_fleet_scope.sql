-- SPDX-License-Identifier: Apache-2.0
-- Scopes (docs/spec/fleet.md FL-69): lines "site:NAME" or "group:ID" (common/msg/scope.h); what lies in any of them lies
-- within. Members of a group are those listed in it or in a group below it; what only a filter brings does not count.
create function fleet.scope_groups(scope text) returns setof uuid
language sql stable security definer set search_path = pg_catalog as $$
  select b.id from fleet.groups_below(array(
    select g.id from fleet.device_group g where 'group:' || g.id in (select string_to_table(scope, E'\n')))) b
   where b.depth <= 17
$$;

create function fleet.scope_devices(scope text) returns setof uuid
language sql stable security definer set search_path = pg_catalog as $$
  select d.id from fleet.device d where d.site in (
    select substr(line, 6) from string_to_table(scope, E'\n') line where line like 'site:%')
  union
  select m.device from fleet.scope_groups(scope) g join fleet.group_device m on m.grp = g
$$;

create function fleet.in_scope(of_device uuid, scope text) returns boolean
language sql stable security definer set search_path = pg_catalog as $$
  select exists (select from fleet.device d where d.id = of_device and 'site:' || d.site in (select string_to_table(scope, E'\n')))
    or exists (select from fleet.groups_of(of_device) g where 'group:' || g in (select string_to_table(scope, E'\n')))
$$;

-- A task belongs to the scope of who saved it; null = of somebody who reaches everything.
alter table sched.task add column scope text check (scope <> '');
-- Devices of a run lie within each of these: that of its task, that of its owner now, that of who started it.
alter table sched.run add column scopes text[] not null default '{}';

-- Where the owner of a task may change something now; null = everywhere, or there is no such owner; '' = nowhere.
create function sched.scope_of_owner(owner text) returns text
language sql stable set search_path = pg_catalog as $$
  select case when s.lines is null or exists (select from string_to_table(s.lines, E'\n') l where l in ('2 *', '3 *')) then null
    else coalesce((select string_agg(substr(l, 3), E'\n') from string_to_table(s.lines, E'\n') l where l ~ '^[23] '), '') end
  from (select gate.scope_of(owner) as lines) s
$$;
create function sched.run_scopes() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
  new.scopes := new.scopes || array_remove(array[new.snapshot->>'scope', sched.scope_of_owner(new.snapshot->>'owner')], null);
  return new;
end $$;
create trigger run_scopes before insert on sched.run for each row execute function sched.run_scopes();

-- Tasks that somebody with this scope sees: saved within it, or with nothing but what lies within.
create function sched.scope_tasks(scope text) returns setof uuid
language sql stable set search_path = pg_catalog as $$
  with dev as materialized (select x from fleet.scope_devices(scope) x),
       grp as materialized (select x from fleet.scope_groups(scope) x)
  select t.id from sched.task t where not t.built_in and (
    string_to_array(t.scope, E'\n') <@ string_to_array($1, E'\n')
    or (not coalesce((t.targets->>'all')::boolean, false) and coalesce(t.targets->>'filter', '') = ''
      and jsonb_array_length(coalesce(t.targets->'devices', '[]')) + jsonb_array_length(coalesce(t.targets->'groups', '[]')) > 0
      and not exists (select from jsonb_array_elements_text(t.targets->'devices') e where e::uuid not in (select x from dev))
      and not exists (select from jsonb_array_elements_text(t.targets->'groups') e where e::uuid not in (select x from grp))))
$$;

-- Whether each target of a run lies within, those apart that it left out for that; of a run without targets its task counts.
create function sched.run_within(of_run uuid, scope text) returns boolean
language sql stable set search_path = pg_catalog cost 1000 as $$
  with dev as materialized (select x from fleet.scope_devices(scope) x)
  select case when exists (select from sched.job j where j.run = of_run and j.cause <> 1011)
    then not exists (select from sched.job j where j.run = of_run and j.cause <> 1011 and j.device not in (select x from dev))
    else exists (select from sched.run r where r.id = of_run
      and string_to_array(r.snapshot->>'scope', E'\n') <@ string_to_array(scope, E'\n')) end
$$;

revoke all on function fleet.scope_groups, fleet.scope_devices, fleet.in_scope from public;
grant execute on function fleet.scope_groups, fleet.scope_devices, fleet.in_scope to carnet_scheduler;
grant execute on function sched.scope_of_owner, sched.run_scopes, sched.scope_tasks, sched.run_within to carnet_scheduler;
-- The door for whoever else acts on devices: only whether, never who.
grant usage on schema fleet to carnet_storage, carnet_lock;
grant execute on function fleet.scope_devices, fleet.in_scope to carnet_storage, carnet_lock;
