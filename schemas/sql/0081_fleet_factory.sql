-- SPDX-License-Identifier: Apache-2.0
-- Logins that every new printer has (docs/spec/fleet.md FL-16): accepted, and an alarm. Whoever sees a login in clear – the
-- gateway that seals it, the worker that opens it – says so; here it is a yes or no.
alter table fleet.credential add column factory boolean not null default false;
create index credential_factory on fleet.credential (id) where factory;
create index credential_wide on fleet.credential (site) where device is null;

-- Is one of the logins that are tried on a device such a one? Of each kind the narrowest binding (FL-14).
create function fleet.default_login(p_device uuid, p_site text, p_ip inet) returns boolean
language sql stable set search_path = pg_catalog as $$
  select exists (select from fleet.credential where factory) and exists (
    select from (
      select distinct on (kind) factory from (
        select kind, factory, 1 as width, 0 as mask, position, id, sealed from fleet.credential where device = p_device
        union all
        select kind, factory, 2, 0, position, id, sealed from fleet.credential
         where device is null and grp is not null and grp in (select fleet.groups_of(p_device))
        union all
        select kind, factory, 3, 0, position, id, sealed from fleet.credential where device is null and site = p_site
        union all
        select kind, factory, 4, -masklen(range), position, id, sealed from fleet.credential
         where device is null and range >>= p_ip) c
       where sealed is not null and kind in ('user_auth', 'domain_auth', 'system_manager', 'password_only')
       order by kind, width, mask, position, id) n
     where factory)
$$;
revoke all on function fleet.default_login from public;
grant execute on function fleet.default_login to carnet_scheduler;

-- Told with the change: one alarm for a credential, however many devices it is for; again when another such login replaces it.
create function fleet.credential_told() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
  perform sched.tell(null, 'alarm.default_credential', 'credential/' || new.id, jsonb_strip_nulls(jsonb_build_object(
    'credential', new.id, 'credential_name', new.name, 'device', new.device, 'site', new.site, 'range', new.range,
    'group', (select g.name from fleet.device_group g where g.id = new.grp))));
  return null;
end $$;
create trigger credential_told_new after insert on fleet.credential for each row
  when (new.factory) execute function fleet.credential_told();
create trigger credential_told after update on fleet.credential for each row
  when (new.factory and (not old.factory or new.sealed is distinct from old.sealed)) execute function fleet.credential_told();
grant execute on function fleet.credential_told to carnet_scheduler;
