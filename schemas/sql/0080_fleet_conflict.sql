-- SPDX-License-Identifier: Apache-2.0
-- Two devices in use at one address and port (docs/spec/fleet.md FL-2): nothing is written to either. That is looked up
-- where it matters and stored nowhere, so that two imports at a time cannot miss it and it is over when it is over.

-- Where a device is spoken to: its address, the port that its adapter uses first, and what tells the queues of one print
-- server, or the ports of one box, apart.
create function fleet.endpoint_of(address text, ip inet, family text, ports jsonb, tls_pin text, labels jsonb) returns text
language sql immutable parallel safe set search_path = pg_catalog as $$
  select coalesce(host(ip), rtrim(lower(address), '.')) || ' ' || case
      when f.plain = f.secure then coalesce(ports ->> f.plain, f.port)
      when tls_pin <> '' or (ports ? f.secure and not ports ? f.plain) then coalesce(ports ->> f.secure, f.secure_port)
      else coalesce(ports ->> f.plain, f.port) end
    || coalesce(' ' || case family when 'ipp' then nullif(labels ->> 'ipp_path', '/ipp/print')
                                   when 'jetdirect_ftp' then labels ->> 'ftp_directory' end, '')
  from (select * from (values
      ('canon_rui', 'http', 'https', '8000', '8443'), ('ipp', 'ipp', 'ipps', '631', '631'),
      ('snmp', 'snmp', 'snmp', '161', '161'), ('ricoh_udirectory', 'http', 'https', '80', '443'),
      ('konica_openapi', 'http', 'https', '50001', '50003'), ('kyocera_wsdl', 'http', 'https', '9090', '9091'),
      ('jetdirect_ftp', 'ftp', 'ftp', '21', '21')) v(family, plain, secure, port, secure_port)
     where v.family = $3) f
$$;
grant execute on function fleet.endpoint_of to carnet_scheduler;

-- null: of a family that is not known here
alter table fleet.device add column endpoint text
  generated always as (fleet.endpoint_of(address, ip, family, ports, tls_pin, labels)) stored;
create index device_endpoint on fleet.device (endpoint) where state in (2, 3);

-- Those that were told, until they are alone again.
create table fleet.conflict_told (
  device  uuid primary key references fleet.device on delete cascade,
  told_at timestamptz not null default clock_timestamp()
);
grant select, insert, delete on fleet.conflict_told to carnet_scheduler;

-- All that are new make one event; it names whom they meet, too. Gives how many are new.
create function sched.tell_conflicts() returns bigint
language plpgsql security definer set search_path = pg_catalog as $$
declare
  n bigint := 0;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('carnet conflicts', 0)) then
    return 0;
  end if;
  with met as materialized (
    select d.id, d.name, d.endpoint from fleet.device d join (select endpoint from fleet.device where state in (2, 3)
             group by endpoint having count(*) > 1) e using (endpoint) where d.state in (2, 3)),
  well as (delete from fleet.conflict_told t where not exists (select from met where met.id = t.device)),
  fresh as (insert into fleet.conflict_told (device) select id from met on conflict do nothing returning device),
  news as materialized (select met.*, row_number() over (order by endpoint, name, id) as place from met
            where endpoint in (select m.endpoint from met m join fresh f on f.device = m.id)),
  told as (insert into sched.outbox (kind, subject, data)
    select 'alarm.address_conflict', 'fleet', jsonb_build_object('n', count(*), 'list',
             jsonb_agg(jsonb_build_object('device', id, 'device_name', name, 'endpoint', endpoint) order by place)
               filter (where place <= 50)) from news having count(*) > 0)
  select count(*) into n from fresh;
  return n;
end $$;
revoke all on function sched.tell_conflicts from public;
grant execute on function sched.tell_conflicts to carnet_scheduler;
