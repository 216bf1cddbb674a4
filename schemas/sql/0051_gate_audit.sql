-- SPDX-License-Identifier: Apache-2.0
-- The audit trail refuses changes, has digests of what was asked and answered, and signed checkpoints
-- (docs/spec/security.md section 7); the role auditor (docs/spec/fleet.md section 12).
alter table gate.person drop constraint person_role_check, add constraint person_role_check check (role in ('viewer','operator','admin','auditor'));
alter table gate.token drop constraint token_role_check, add constraint token_role_check check (role in ('viewer','operator','admin','auditor'));

-- Entries before this column stand in the chain without it.
alter table gate.audit add column digest bytea check (length(digest) = 32);

create table gate.audit_checkpoint (
  seq       bigint primary key,
  at        timestamptz not null default clock_timestamp(),
  hash      bytea not null check (length(hash) = 32),
  key       bytea not null check (length(key) = 32),        -- Ed25519, public
  signature bytea not null check (length(signature) = 64)
);

create function gate.audit_refuse() returns trigger language plpgsql set search_path = pg_catalog as $$
begin
  raise exception 'the audit trail is only added to' using errcode = 'insufficient_privilege';
end $$;
create trigger only_added_to before update or delete or truncate on gate.audit for each statement execute function gate.audit_refuse();
create trigger only_added_to before update or delete or truncate on gate.audit_checkpoint for each statement execute function gate.audit_refuse();
alter table gate.audit enable always trigger only_added_to;
alter table gate.audit_checkpoint enable always trigger only_added_to;

-- The canonical text of an entry: what is hashed, after the hash of the one before.
create function gate.audit_text(a gate.audit) returns text language sql stable set search_path = pg_catalog as $$
  select case when a.digest is null
    then gate.audit_text(a.seq, a.at, a.actor, a.origin, a.verb, a.object, a.outcome, a.trace)
    else json_build_array(a.seq, to_char(a.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), a.actor, a.origin,
                          a.verb, a.object, a.outcome, a.trace, encode(a.digest, 'hex'))::text end
$$;

create function gate.audit_append(actors text[], origins text[], verbs text[], objects text[], outcomes text[], traces uuid[], digests bytea[])
returns void language plpgsql security definer set search_path = pg_catalog as $$
declare
  h gate.audit_head;
  a gate.audit;
begin
  select * into h from gate.audit_head for update;
  for i in 1 .. coalesce(array_length(verbs, 1), 0) loop
    h.seq := h.seq + 1;
    a := (h.seq, clock_timestamp(), actors[i], origins[i], verbs[i], objects[i], outcomes[i], traces[i], h.hash, digests[i]);
    h.hash := sha256(h.hash || convert_to(gate.audit_text(a), 'UTF8'));
    a.hash := h.hash;
    insert into gate.audit select a.*;
  end loop;
  update gate.audit_head set seq = h.seq, hash = h.hash;
end $$;

-- Verified by a program that does not trust this database: common/audit.
drop function gate.audit_check();

revoke all on function gate.audit_append(text[], text[], text[], text[], text[], uuid[], bytea[]) from public;
grant execute on function gate.audit_append(text[], text[], text[], text[], text[], uuid[], bytea[]) to carnet_gateway;
grant select, insert on gate.audit_checkpoint to carnet_gateway;
