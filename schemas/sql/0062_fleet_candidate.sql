-- SPDX-License-Identifier: Apache-2.0
-- Discovery (docs/spec/fleet.md section 11): what was found and is no device yet. A job of
-- device.discover is one of the ordinary machinery; its "device" is a stretch of addresses, which has
-- no row in fleet.device.

create table fleet.candidate (
  id          uuid primary key,
  address     text not null,
  ip          inet,
  ports       jsonb not null default '{}',
  name        text not null default '',
  vendor      text not null default '',
  family      text not null default '',
  model       text not null default '',
  serial      text not null default '',
  mac         text not null default '',
  device_uuid text not null default '',
  location    text not null default '',
  description text not null default '',
  object_id   text not null default '',
  firmware    text not null default '',
  printer     boolean not null default false,
  found_by    text[] not null default '{}',
  services    text[] not null default '{}',
  credential  uuid,
  simulated   boolean not null default false,
  pool        text not null default '',
  site        text not null default '',
  state       smallint not null default 1 check (state in (1, 4, 5)),  -- known, moved: by comparing
  ignored_why text not null default '',
  device      uuid,                             -- that it was enrolled as
  run         uuid,
  first_seen  timestamptz not null default clock_timestamp(),
  last_seen   timestamptz not null default clock_timestamp(),
  seen        bigint not null default 1,
  version     bigint not null default 1
);
create index candidate_serial on fleet.candidate (serial) where serial <> '';
create index candidate_mac on fleet.candidate (mac) where mac <> '';
create index candidate_uuid on fleet.candidate (device_uuid) where device_uuid <> '';
create index candidate_address on fleet.candidate (address);

create index device_serial on fleet.device (serial) where serial <> '';
create index device_mac on fleet.device (lower(mac)) where mac <> '';
create index device_uuid_of on fleet.device (lower(device_uuid)) where device_uuid <> '';
create index device_address on fleet.device (address);

-- The device that a candidate is, by the best evidence there is; an address alone is evidence only
-- where one of both has no serial number. Retired devices are nobody.
create function fleet.device_of(c fleet.candidate) returns uuid
language sql stable set search_path = pg_catalog as $$
  select x.id from (
    select d.id, 1 as grade from fleet.device d where d.id = c.device and d.state <> 5
    union all
    select d.id, 2 from fleet.device d where c.serial <> '' and d.serial = c.serial and d.state <> 5
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

-- Candidates with what they are compared to. A device whose address is a name is not called moved.
create view fleet.candidate_now as
  select c.id, c.address, c.ip, c.ports, c.name, c.vendor, c.family, c.model, c.serial, c.mac,
         c.device_uuid, c.location, c.description, c.object_id, c.firmware, c.printer, c.found_by,
         c.services, c.credential, c.simulated, c.pool, c.site,
         (case when d.id is null then case when c.state = 4 then 4 else 1 end
               when d.ip is not null and c.ip is not null and d.ip <> c.ip then 3
               when d.id = c.device then 5 else 2 end)::smallint as state,
         d.id as device, d.name as device_name, d.address as device_address, c.run, c.first_seen,
         c.last_seen, c.seen, c.version, c.ignored_why
    from fleet.candidate c left join fleet.device d on d.id = fleet.device_of(c);

-- What a job found: one row for one printer, however often and through whatever it answers. Of one
-- that answers at two addresses in the same run the first counts. One finder at a time.
create function fleet.candidates_found(items jsonb, of_run uuid) returns bigint
language plpgsql set search_path = pg_catalog as $$
declare
  x record;
  old uuid;
  n bigint := 0;
begin
  perform pg_advisory_xact_lock(hashtextextended('carnet candidates', 0));
  for x in select coalesce(j.serial, '') as serial, coalesce(j.mac, '') as mac,
                  coalesce(j.device_uuid, '') as device_uuid, coalesce(j.vendor, '') as vendor,
                  j.address, j.name, j.family, j.model, j.location, j.description, j.object_id,
                  j.firmware, coalesce(j.printer, false) as printer, j.credential,
                  coalesce(j.simulated, false) as simulated, j.pool, j.site, j.ports,
                  coalesce(j.found_by, '{}') as found_by, coalesce(j.services, '{}') as services
             from jsonb_to_recordset(items) as j(address text, ports jsonb, name text, vendor text,
                  family text, model text, serial text, mac text, device_uuid text, location text,
                  description text, object_id text, firmware text, printer boolean, found_by text[],
                  services text[], credential uuid, simulated boolean, pool text, site text)
            where j.address <> '' loop
    select c.id into old from fleet.candidate c
     where (x.serial <> '' and c.serial = x.serial and (c.vendor = x.vendor or '' in (c.vendor, x.vendor)))
        or (x.device_uuid <> '' and c.device_uuid = x.device_uuid and (c.serial = x.serial or '' in (c.serial, x.serial)))
        or (x.mac <> '' and c.mac = x.mac and (c.serial = x.serial or '' in (c.serial, x.serial)))
        or (c.address = x.address and (c.serial = x.serial or '' in (c.serial, x.serial)))
     order by (c.serial = x.serial)::int desc, (c.address = x.address)::int desc, c.id limit 1;
    n := n + 1;
    if old is null then
      insert into fleet.candidate (id, address, ip, ports, name, vendor, family, model, serial, mac,
          device_uuid, location, description, object_id, firmware, printer, found_by, services,
          credential, simulated, pool, site, run)
      values (sched.uuid7(), x.address, fleet.ip_of(x.address), coalesce(fleet.ports_of(x.ports), '{}'),
          coalesce(x.name, ''), x.vendor, coalesce(x.family, ''), coalesce(x.model, ''), x.serial, x.mac,
          x.device_uuid, coalesce(x.location, ''), coalesce(x.description, ''), coalesce(x.object_id, ''),
          coalesce(x.firmware, ''), x.printer, x.found_by, x.services, x.credential, x.simulated,
          coalesce(x.pool, ''), coalesce(x.site, ''), of_run);
      continue;
    end if;
    update fleet.candidate c set
        address = case when c.run = of_run then c.address else x.address end,
        ip = case when c.run = of_run then c.ip else fleet.ip_of(x.address) end,
        ports = case when c.run = of_run and c.address <> x.address then c.ports
                     else c.ports || coalesce(fleet.ports_of(x.ports), '{}') end,
        name = coalesce(nullif(x.name, ''), c.name), vendor = coalesce(nullif(x.vendor, ''), c.vendor),
        family = coalesce(nullif(x.family, ''), c.family), model = coalesce(nullif(x.model, ''), c.model),
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

grant select, insert, update, delete on fleet.candidate to carnet_scheduler;
grant select on fleet.candidate_now to carnet_scheduler;
grant execute on function fleet.device_of(fleet.candidate), fleet.candidates_found(jsonb, uuid) to carnet_scheduler;

-- As before, and of targets that are no devices.
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
    left join sched.windows_on_devices() w on w.device = j.device and not r.free
$$;

-- Built in, and off: nobody is looked for before somebody says where.
insert into sched.task (id, name, kind, active, schedule, targets, settings, retry, built_in)
select '00000000-0000-7000-8000-0000000000d1', n.name, 'device.discover', false,
       jsonb_build_object('form', 'every_days', 'n', 1, 'time', '02:00', 'zone', 'UTC',
                          'start_at', to_char(clock_timestamp() at time zone 'UTC',
                                              'YYYY-MM-DD"T"HH24:MI:SS.000"Z"'), 'catch_up', 'skip'),
       '{}', '{}', '{}', true
  from (select case when exists (select from sched.task where name = 'Discover Devices')
                    then 'Discover Devices (built-in)' else 'Discover Devices' end as name) n;
