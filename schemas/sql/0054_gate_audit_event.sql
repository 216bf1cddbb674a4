-- SPDX-License-Identifier: Apache-2.0
-- What services did by themselves and has to stand in the audit trail (docs/spec/fleet.md FL-46, FL-71) comes as events of
-- kind audit.…, written with the state they report. An event may come twice and is one entry.
create table gate.audit_event (
  id uuid primary key,
  at timestamptz not null default clock_timestamp()
);
create index audit_event_at on gate.audit_event (at);

create function gate.audit_event(event uuid, said jsonb) returns boolean
language plpgsql security definer set search_path = pg_catalog as $$
begin
  delete from gate.audit_event where at < clock_timestamp() - interval '30 days';
  insert into gate.audit_event (id) values (event) on conflict do nothing;
  if not found then
    return false;
  end if;
  perform gate.audit_append(array[said->>'actor'], array[said->>'origin'], array[said->>'verb'], array[said->>'object'],
    array[said->>'outcome'], array[(said->>'trace')::uuid], array[null::bytea]);
  return true;
end $$;
revoke all on function gate.audit_event(uuid, jsonb) from public;
grant execute on function gate.audit_event(uuid, jsonb) to carnet_gateway;
