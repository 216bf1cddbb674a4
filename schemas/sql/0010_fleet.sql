-- SPDX-License-Identifier: Apache-2.0
-- The fleet: who the printers are, where they stand, which groups they are in, how to log in
-- (docs/spec/fleet.md sections 1 and 2). Written by the scheduler only.
-- Numbers of enums are those of schemas/messages/scheduler.msg.

create table fleet.site (
  name       text primary key check (length(name) between 1 and 64),
  region     text not null default '',
  time_zone  text not null default 'UTC',
  version    bigint not null default 1
);

create table fleet.device (
  id          uuid primary key,
  name        text not null check (length(name) between 1 and 128),
  vendor      text not null default '',
  family      text not null,
  model       text not null default '',
  serial      text not null default '',
  mac         text not null default '',
  device_uuid text not null default '',
  address     text not null,
  ip          inet,                       -- address, when it is one
  ports       jsonb not null default '{}', -- service -> port
  firmware    text not null default '',
  type        smallint not null default 1,
  display_language text not null default '',
  charset     text not null default '',
  time_zone   text not null default '',
  site        text references fleet.site,
  labels      jsonb not null default '{}', -- key -> value
  capabilities jsonb not null default '{}', -- name -> {result, grade, method, checked_at, adapter, value}
  managed_by  smallint not null default 1,
  state       smallint not null default 2 check (state between 1 and 5),
  state_cause text not null default '',
  state_at    timestamptz not null default clock_timestamp(),
  version     bigint not null default 1,
  simulated   boolean not null default false,
  clear_text  boolean not null default false,
  accept_clear_text_secrets boolean not null default false,
  allow_unproven boolean not null default false,
  tls_pin     text not null default '',
  pool        text not null default '',
  created_at  timestamptz not null default clock_timestamp(),
  check (serial <> '' or state = 1 or state = 2)
);
create unique index device_identity on fleet.device (vendor, serial) where serial <> ''; -- FL-2
create index device_name on fleet.device (name, id);
create index device_site on fleet.device (site);
create index device_hold on fleet.device (state_at) where state = 3;

-- What the newest job said. Narrow, so that ending a job does not rewrite the device's row.
create table fleet.last (
  device     uuid primary key references fleet.device on delete cascade,
  state      smallint,
  at         timestamptz,
  success_at timestamptz
) with (fillfactor = 70);

create table fleet.device_group (
  id      uuid primary key,
  name    text not null unique check (length(name) between 1 and 128),
  kind    smallint not null check (kind in (1, 2)),
  filter  text not null default '',
  version bigint not null default 1,
  check ((kind = 2) = (filter <> ''))
);
create table fleet.group_device (
  grp    uuid not null references fleet.device_group on delete cascade,
  device uuid not null references fleet.device,
  primary key (grp, device)
);
create index group_device_by_device on fleet.group_device (device);
create table fleet.group_group (
  parent uuid not null references fleet.device_group on delete cascade,
  child  uuid not null references fleet.device_group,
  primary key (parent, child),
  check (parent <> child)
);
create index group_group_by_child on fleet.group_group (child);

-- Groups below the given ones, themselves included, with the names on the way. Depth <= 16.
create function fleet.groups_below(roots uuid[])
returns table (id uuid, name text, kind smallint, filter text, via text, depth int)
language sql stable set search_path = pg_catalog as $$
  with recursive g as (
    select d.id, d.name, d.kind, d.filter, d.name as via, 1 as depth
      from fleet.device_group d where d.id = any (roots)
    union all
    select d.id, d.name, d.kind, d.filter, g.via || ' > ' || d.name, g.depth + 1
      from g join fleet.group_group e on e.parent = g.id
             join fleet.device_group d on d.id = e.child
     where g.depth < 17
  )
  select distinct on (g.id) g.id, g.name, g.kind, g.filter, left(g.via, 512), g.depth
    from g order by g.id, g.depth desc, g.via
$$;

-- Devices listed in a group or in a group below it: "group" in a filter. Filters below do not count.
create function fleet.listed(group_name text) returns setof uuid
language sql stable set search_path = pg_catalog as $$
  select distinct m.device
    from fleet.groups_below(array(select id from fleet.device_group where name = group_name)) g
    join fleet.group_device m on m.grp = g.id
$$;

-- Groups a device is listed in, with those above: for credentials bound to a group.
create function fleet.groups_of(of_device uuid) returns setof uuid
language sql stable set search_path = pg_catalog as $$
  with recursive g as (
    select grp from fleet.group_device where device = of_device
    union
    select e.parent from g join fleet.group_group e on e.child = g.grp
  )
  select grp from g
$$;

-- An address that is an IP; null for a host name.
create function fleet.ip_of(address text) returns inet
language plpgsql immutable set search_path = pg_catalog as $$
begin
  if address !~ '^[0-9.]+$|:' then
    return null;
  end if;
  return host(address::inet)::inet;
exception when others then
  return null;
end $$;

-- Members of struct device as its JSON has them to what the columns hold; null stays null.
create function fleet.ports_of(ports jsonb) returns jsonb
language sql immutable set search_path = pg_catalog as $$
  select case when ports is null then null else coalesce((select jsonb_object_agg(e->>'service',
    (e->>'port')::int) from jsonb_array_elements(ports) e), '{}') end
$$;
create function fleet.labels_of(labels jsonb) returns jsonb
language sql immutable set search_path = pg_catalog as $$
  select case when labels is null then null else coalesce((select jsonb_object_agg(e->>'key',
    coalesce(e->>'value', '')) from jsonb_array_elements(labels) e), '{}') end
$$;
create function fleet.type_of(type text) returns smallint
language sql immutable set search_path = pg_catalog as $$
  select array_position('{none,I,II,III}'::text[], type)::smallint
$$;
create function fleet.manager_of(manager text) returns smallint
language sql immutable set search_path = pg_catalog as $$
  select array_position('{carnet,other,vendor_sync}'::text[], manager)::smallint
$$;

-- * and ? of the filter language as a LIKE pattern.
create function fleet.glob(pattern text) returns text
language sql immutable set search_path = pg_catalog as $$
  select replace(replace(regexp_replace(pattern, '([\\%_])', '\\\1', 'g'), '*', '%'), '?', '_')
$$;

create table fleet.credential (
  id         uuid primary key,
  name       text not null unique check (length(name) between 1 and 128),
  kind       text not null,
  device     uuid references fleet.device on delete cascade,
  grp        uuid references fleet.device_group on delete cascade,
  site       text references fleet.site,
  range      cidr,
  sealed     bytea,             -- opaque here: only a worker has the key
  position   int not null default 0,
  changed_at timestamptz not null default clock_timestamp(),
  version    bigint not null default 1,
  check (num_nonnulls(device, grp, site, range) = 1)
);
-- Two equal bindings at one position have no order: refused at save (FL-14).
create unique index credential_place on fleet.credential
  (coalesce(device::text, grp::text, site, range::text), position);
create index credential_device on fleet.credential (device) where device is not null;

grant select, insert, update, delete on all tables in schema fleet to carnet_scheduler;
grant execute on all functions in schema fleet to carnet_scheduler;
