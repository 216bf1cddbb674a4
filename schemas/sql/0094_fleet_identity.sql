-- SPDX-License-Identifier: Apache-2.0
-- One printer is one device however its maker's name is written: "Canon" and "canon" are one vendor (docs/spec/fleet.md
-- FL-2). Where both are there already nothing is changed: they are told, and stay until somebody retires one of them.
alter table fleet.device add column twin boolean not null default false;

with t as (select id, row_number() over (partition by lower(vendor), serial order by state = 5, created_at, id) as n
             from fleet.device where serial <> '')
update fleet.device d set twin = true from t where t.id = d.id and t.n > 1;
do $$
declare
  names text;
begin
  select string_agg(format('%s (%s %s)', d.name, d.vendor, d.serial), ', ' order by lower(d.vendor), d.serial, d.name)
    into names from fleet.device d where exists (select from fleet.device o where o.twin and o.serial = d.serial
      and lower(o.vendor) = lower(d.vendor));
  if names is not null then
    raise warning 'these devices stand twice in the fleet, their vendor written in two ways; retire one of each: %', names;
  end if;
end $$;
create unique index device_identity_folded on fleet.device (lower(vendor), serial) where serial <> '' and not twin;

-- The device that such a row of an import is, if there is one: by its id, else by vendor and serial, without a serial by name
-- and address. Of several the one that is written alike, then one that is not retired.
create function fleet.who_is(rid uuid, name text, vendor text, serial text, address text) returns uuid
language sql stable set search_path = pg_catalog as $$
  select m.id from (
    select o.id, o.state, false as spelled from fleet.device o where o.id = $1
    union all
    select o.id, o.state, o.vendor <> coalesce($3, '') from fleet.device o
     where $1 is null and o.serial <> '' and o.serial = $4 and lower(o.vendor) = lower(coalesce($3, ''))
    union all
    select o.id, o.state, false from fleet.device o
     where $1 is null and coalesce($4, '') = '' and o.name = $2 and o.address = $5) m
   order by m.spelled, m.state = 5, m.id limit 1
$$;
revoke all on function fleet.who_is from public;
grant execute on function fleet.who_is to carnet_scheduler;
