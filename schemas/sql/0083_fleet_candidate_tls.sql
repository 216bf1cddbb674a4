-- SPDX-License-Identifier: Apache-2.0
-- Candidates found by IPP over TLS (docs/spec/fleet.md FL-83, FL-17): whose key was seen.

alter table fleet.candidate add column tls_pin text not null default '';

create or replace view fleet.candidate_now as
  select c.id, c.address, c.ip, c.ports, c.name, c.vendor, c.family, c.model, c.serial, c.mac,
         c.device_uuid, c.location, c.description, c.object_id, c.firmware, c.printer, c.found_by,
         c.services, c.credential, c.simulated, c.pool, c.site,
         (case when d.id is null then case when c.state = 4 then 4 else 1 end
               when d.ip is not null and c.ip is not null and d.ip <> c.ip then 3
               when d.id = c.device then 5 else 2 end)::smallint as state,
         d.id as device, d.name as device_name, d.address as device_address, c.run, c.first_seen,
         c.last_seen, c.seen, c.version, c.ignored_why, c.ipp_path, c.tls_pin
    from fleet.candidate c left join fleet.device d on d.id = fleet.device_of(c);

-- What a job found: one row for one printer, however often and through whatever it answers. Of one
-- that answers at two addresses in the same run the first counts. Two at one address that call
-- themselves differently are two (a print server). What IPP can do counts more than that there is SNMP.
-- One finder at a time.
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
                  j.address, j.name, j.family, j.model, j.location, j.description, j.object_id,
                  j.firmware, coalesce(j.printer, false) as printer, j.credential,
                  coalesce(j.simulated, false) as simulated, j.pool, j.site, j.ports, j.ipp_path, j.tls_pin,
                  coalesce(j.found_by, '{}') as found_by, coalesce(j.services, '{}') as services
             from jsonb_to_recordset(items) as j(address text, ports jsonb, name text, vendor text,
                  family text, model text, serial text, mac text, device_uuid text, location text,
                  description text, object_id text, firmware text, printer boolean, found_by text[],
                  services text[], credential uuid, simulated boolean, pool text, site text, ipp_path text,
                  tls_pin text)
            where j.address <> '' loop
    select c.id into old from fleet.candidate c
     where (x.serial <> '' and c.serial = x.serial and (c.vendor = x.vendor or '' in (c.vendor, x.vendor)))
        or (x.device_uuid <> '' and c.device_uuid = x.device_uuid and (c.serial = x.serial or '' in (c.serial, x.serial)))
        or (x.mac <> '' and c.mac = x.mac and (c.serial = x.serial or '' in (c.serial, x.serial)))
        or (c.address = x.address and (c.serial = x.serial or '' in (c.serial, x.serial))
            and (c.serial = x.serial and x.serial <> '' or c.device_uuid = x.device_uuid
                 or '' in (c.device_uuid, x.device_uuid)))
     order by (c.serial = x.serial)::int desc, (c.device_uuid = x.device_uuid)::int desc, (c.address = x.address)::int desc, c.id limit 1;
    n := n + 1;
    if old is null then
      insert into fleet.candidate (id, address, ip, ports, name, vendor, family, model, serial, mac,
          device_uuid, location, description, object_id, firmware, printer, found_by, services,
          credential, simulated, pool, site, run, ipp_path, tls_pin)
      values (sched.uuid7(), x.address, fleet.ip_of(x.address), coalesce(fleet.ports_of(x.ports), '{}'),
          coalesce(x.name, ''), x.vendor, coalesce(x.family, ''), coalesce(x.model, ''), x.serial, x.mac,
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
