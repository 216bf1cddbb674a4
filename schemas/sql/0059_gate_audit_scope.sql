-- SPDX-License-Identifier: Apache-2.0
-- An entry of the audit trail says where the role of its person counted (docs/spec/fleet.md FL-71): lines as of
-- common/msg/scope.h; null = everywhere, or written before this column.
alter table gate.audit add column scope text;

create or replace function gate.audit_text(a gate.audit) returns text language sql stable set search_path = pg_catalog as $$
  select case
    when a.scope is not null then json_build_array(a.seq, to_char(a.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), a.actor,
      a.origin, a.verb, a.object, a.outcome, a.trace, encode(a.digest, 'hex'), a.scope)::text
    when a.digest is null then gate.audit_text(a.seq, a.at, a.actor, a.origin, a.verb, a.object, a.outcome, a.trace)
    else json_build_array(a.seq, to_char(a.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), a.actor, a.origin,
                          a.verb, a.object, a.outcome, a.trace, encode(a.digest, 'hex'))::text end
$$;

create function gate.audit_append(actors text[], origins text[], verbs text[], objects text[], outcomes text[], traces uuid[], digests bytea[],
  scopes text[])
returns void language plpgsql security definer set search_path = pg_catalog as $$
declare
  h gate.audit_head;
  a gate.audit;
begin
  select * into h from gate.audit_head for update;
  for i in 1 .. coalesce(array_length(verbs, 1), 0) loop
    h.seq := h.seq + 1;
    a := (h.seq, clock_timestamp(), actors[i], origins[i], verbs[i], objects[i], outcomes[i], traces[i], h.hash, digests[i], scopes[i]);
    h.hash := sha256(h.hash || convert_to(gate.audit_text(a), 'UTF8'));
    a.hash := h.hash;
    insert into gate.audit select a.*;
  end loop;
  update gate.audit_head set seq = h.seq, hash = h.hash;
end $$;
-- of what has no person
create or replace function gate.audit_append(actors text[], origins text[], verbs text[], objects text[], outcomes text[], traces uuid[],
  digests bytea[])
returns void language plpgsql security definer set search_path = pg_catalog as $$
begin
  perform gate.audit_append(actors, origins, verbs, objects, outcomes, traces, digests, null::text[]);
end $$;
revoke all on function gate.audit_append(text[], text[], text[], text[], text[], uuid[], bytea[], text[]) from public;
grant execute on function gate.audit_append(text[], text[], text[], text[], text[], uuid[], bytea[], text[]) to carnet_gateway;
