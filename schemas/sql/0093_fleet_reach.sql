-- SPDX-License-Identifier: Apache-2.0
-- Who a candidate is, and which devices a credential reaches, without reading the fleet for each (docs/spec/fleet.md FL-77,
-- FL-76, FL-16): a partial index serves only who says its condition.

create or replace function fleet.device_of(c fleet.candidate) returns uuid
language sql stable set search_path = pg_catalog as $$
  select x.id from (
    select d.id, 1 as grade from fleet.device d where d.id = c.device and d.state <> 5
    union all
    select d.id, 2 from fleet.device d where c.serial <> '' and d.serial <> '' and d.serial = c.serial and d.state <> 5
       and (lower(d.vendor) = lower(c.vendor) or d.family = c.family or d.vendor = '' or c.vendor = '')
    union all
    select d.id, 3 from fleet.device d where c.device_uuid <> '' and d.device_uuid <> ''
       and lower(d.device_uuid) = lower(c.device_uuid) and d.state <> 5
       and (d.serial = '' or c.serial = '' or d.serial = c.serial)
    union all
    select d.id, 4 from fleet.device d where c.mac <> '' and d.mac <> '' and lower(d.mac) = lower(c.mac)
       and d.state <> 5 and (d.serial = '' or c.serial = '' or d.serial = c.serial)
    union all
    select d.id, 5 from fleet.device d where d.address = c.address and d.state <> 5
       and (d.serial = '' or c.serial = '')) x
   order by x.grade, x.id limit 1
$$;

-- What a job found: one row for one printer, however often and through whatever it answers. Of one
-- that answers at two addresses in the same run the first counts. Two at one address that call
-- themselves differently are two (a print server): by what identifies them, or, where nothing does,
-- by the names that they announce. What IPP can do counts more than that there is SNMP. One finder at a time.
create or replace function fleet.candidates_found(items jsonb, of_run uuid) returns bigint
language plpgsql set search_path = pg_catalog as $$
declare
  x record;
  old uuid;
  n bigint := 0;
begin
  perform pg_advisory_xact_lock(hashtextextended('carnet candidates', 0));
  for x in select coalesce(j.serial, '') as serial, coalesce(j.mac, '') as mac,
                  coalesce(j.device_uuid, '') as device_uuid, coalesce(j.vendor, '') as vendor,
                  j.address, coalesce(j.name, '') as name, j.family, j.model, j.location, j.description, j.object_id,
                  j.firmware, coalesce(j.printer, false) as printer, j.credential,
                  coalesce(j.simulated, false) as simulated, j.pool, j.site, j.ports, j.ipp_path, j.tls_pin,
                  coalesce(j.found_by, '{}') as found_by, coalesce(j.services, '{}') as services
             from jsonb_to_recordset(items) as j(address text, ports jsonb, name text, vendor text,
                  family text, model text, serial text, mac text, device_uuid text, location text,
                  description text, object_id text, firmware text, printer boolean, found_by text[],
                  services text[], credential uuid, simulated boolean, pool text, site text, ipp_path text,
                  tls_pin text)
            where j.address <> '' loop
    old := null;
    select c.id into old from (
      select * from fleet.candidate c where x.serial <> '' and c.serial <> '' and c.serial = x.serial
         and (c.vendor = x.vendor or '' in (c.vendor, x.vendor))
      union all
      select * from fleet.candidate c where x.device_uuid <> '' and c.device_uuid <> '' and c.device_uuid = x.device_uuid
         and (c.serial = x.serial or '' in (c.serial, x.serial))
      union all
      select * from fleet.candidate c where x.mac <> '' and c.mac <> '' and c.mac = x.mac
         and (c.serial = x.serial or '' in (c.serial, x.serial))
      union all
      select * from fleet.candidate c where c.address = x.address and (c.serial = x.serial or '' in (c.serial, x.serial))
         and (c.serial = x.serial and x.serial <> '' or c.device_uuid = x.device_uuid or '' in (c.device_uuid, x.device_uuid))
         and not (c.serial = '' and x.serial = '' and c.device_uuid = '' and x.device_uuid = '' and c.name <> x.name
                  and c.name <> '' and x.name <> '' and 'dns_sd' = any (c.found_by) and 'dns_sd' = any (x.found_by))) c
     order by (c.serial = x.serial)::int desc, (c.device_uuid = x.device_uuid)::int desc, (c.address = x.address)::int desc, c.id limit 1;
    n := n + 1;
    if old is null then
      insert into fleet.candidate (id, address, ip, ports, name, vendor, family, model, serial, mac,
          device_uuid, location, description, object_id, firmware, printer, found_by, services,
          credential, simulated, pool, site, run, ipp_path, tls_pin)
      values (sched.uuid7(), x.address, fleet.ip_of(x.address), coalesce(fleet.ports_of(x.ports), '{}'),
          x.name, x.vendor, coalesce(x.family, ''), coalesce(x.model, ''), x.serial, x.mac,
          x.device_uuid, coalesce(x.location, ''), coalesce(x.description, ''), coalesce(x.object_id, ''),
          coalesce(x.firmware, ''), x.printer, x.found_by, x.services, x.credential, x.simulated,
          coalesce(x.pool, ''), coalesce(x.site, ''), of_run,
          coalesce(x.ipp_path, ''), coalesce(x.tls_pin, ''));
      continue;
    end if;
    update fleet.candidate c set
        address = case when c.run = of_run then c.address else x.address end,
        ip = case when c.run = of_run then c.ip else fleet.ip_of(x.address) end,
        ports = case when c.run = of_run and c.address <> x.address then c.ports
                     else c.ports || coalesce(fleet.ports_of(x.ports), '{}') end,
        name = coalesce(nullif(x.name, ''), c.name), vendor = coalesce(nullif(x.vendor, ''), c.vendor),
        family = case when x.family = 'snmp' and c.family <> '' then c.family
                      else coalesce(nullif(x.family, ''), c.family) end,
        ipp_path = coalesce(nullif(x.ipp_path, ''), c.ipp_path),
        tls_pin = coalesce(nullif(x.tls_pin, ''), c.tls_pin),
        model = coalesce(nullif(x.model, ''), c.model),
        serial = coalesce(nullif(x.serial, ''), c.serial), mac = coalesce(nullif(x.mac, ''), c.mac),
        device_uuid = coalesce(nullif(x.device_uuid, ''), c.device_uuid),
        location = coalesce(nullif(x.location, ''), c.location),
        description = coalesce(nullif(x.description, ''), c.description),
        object_id = coalesce(nullif(x.object_id, ''), c.object_id),
        firmware = coalesce(nullif(x.firmware, ''), c.firmware), printer = c.printer or x.printer,
        found_by = array(select distinct w from unnest(c.found_by || x.found_by) w order by w),
        services = array(select distinct w from unnest(c.services || x.services) w order by w),
        credential = coalesce(x.credential, c.credential), simulated = x.simulated,
        pool = coalesce(x.pool, c.pool), site = coalesce(nullif(x.site, ''), c.site),
        run = of_run, last_seen = clock_timestamp(), seen = c.seen + 1, version = c.version + 1
     where c.id = old;
  end loop;
  return n;
end $$;

-- Devices on which one of the logins that are tried is such as every new device has: fleet.default_login() of all at once.
create function fleet.default_logins() returns setof uuid
language sql stable set search_path = pg_catalog as $$
  with login as materialized (
    select id, kind, device, grp, site, range, position, factory from fleet.credential
     where sealed is not null and kind in ('user_auth', 'domain_auth', 'system_manager', 'password_only')
       and exists (select from fleet.credential f where f.factory)),
  member as materialized (
    select distinct c.id, m.device from login c cross join lateral fleet.groups_below(array[c.grp]) g
      join fleet.group_device m on m.grp = g.id where c.grp is not null),
  bound as (
    select device, id, kind, factory, 1 as width, 0 as mask, position from login where device is not null
    union all
    select m.device, c.id, c.kind, c.factory, 2, 0, c.position from login c join member m using (id)
    union all
    select d.id, c.id, c.kind, c.factory, 3, 0, c.position from login c join fleet.device d on d.site = c.site
    union all
    select d.id, c.id, c.kind, c.factory, 4, -masklen(c.range), c.position from login c join fleet.device d on c.range >>= d.ip
     where c.range is not null)
  select distinct n.device from (
    select distinct on (device, kind) device, factory from bound order by device, kind, width, mask, position, id) n
   where n.factory
$$;

-- Devices that a credential is bound to, itself or by group, site or range.
create function fleet.bound_to(of_credential uuid) returns setof uuid
language sql stable set search_path = pg_catalog as $$
  select c.device from fleet.credential c where c.id = of_credential and c.device is not null
  union
  select m.device from fleet.credential c cross join lateral fleet.groups_below(array[c.grp]) g
    join fleet.group_device m on m.grp = g.id where c.id = of_credential and c.grp is not null
  union
  select d.id from fleet.credential c join fleet.device d on d.site = c.site where c.id = of_credential
  union
  select d.id from fleet.credential c join fleet.device d on c.range >>= d.ip where c.id = of_credential
$$;
revoke all on function fleet.default_logins, fleet.bound_to from public;
grant execute on function fleet.default_logins, fleet.bound_to to carnet_scheduler;
