-- SPDX-License-Identifier: Apache-2.0
-- People, sessions, API tokens and the audit trail of the gateway (docs/spec/security.md sections 7, 8, 12).
-- Secrets are never here: passwords as Argon2id text, tokens as SHA-256 of 32 random bytes.
create table gate.person (
  id          uuid primary key,
  name        text not null check (length(name) between 1 and 128),
  role        text not null check (role in ('viewer','operator','admin')),
  password    text not null check (length(password) <= 256),
  active      boolean not null default true,
  break_glass boolean not null default false,        -- the first administrator: never demoted (FL-68)
  version     bigint not null default 1,
  created_at  timestamptz not null default clock_timestamp()
);
create unique index on gate.person (lower(name));
create unique index on gate.person (break_glass) where break_glass;

create table gate.session (
  digest      bytea primary key check (length(digest) = 32),   -- SHA-256 of the cookie
  csrf        bytea not null check (length(csrf) = 32),        -- SHA-256 of the token for changing requests
  person_id   uuid not null references gate.person(id) on delete cascade,
  created_at  timestamptz not null default clock_timestamp(),
  seen_at     timestamptz not null default clock_timestamp()
);
create index on gate.session (person_id);

create table gate.token (
  id          uuid primary key,
  digest      bytea not null unique check (length(digest) = 32),
  name        text not null check (length(name) between 1 and 128),
  role        text not null check (role in ('viewer','operator','admin')),
  made_by     text not null,
  created_at  timestamptz not null default clock_timestamp(),
  expires_at  timestamptz,
  used_at     timestamptz
);

-- The one-time token that makes the first administrator; the row goes when it was used.
create table gate.setup (
  one boolean primary key default true check (one),
  digest      bytea not null check (length(digest) = 32),
  expires_at  timestamptz not null
);

-- Append-only; hash = SHA-256(previous hash || canonical text of the row). The head row orders the writers.
create table gate.audit (
  seq      bigint primary key,
  at       timestamptz not null,
  actor    text not null,
  origin   text not null,
  verb     text not null,
  object   text not null,
  outcome  text not null,
  trace    uuid not null,
  hash     bytea not null check (length(hash) = 32)
);
create table gate.audit_head (
  one boolean primary key default true check (one),
  seq   bigint not null,
  hash  bytea not null check (length(hash) = 32)
);
insert into gate.audit_head (seq, hash) values (0, decode(repeat('00', 32), 'hex'));

create function gate.audit_text(seq bigint, at timestamptz, actor text, origin text, verb text, object text, outcome text, trace uuid)
returns text language sql stable set search_path = pg_catalog as $$
  select json_build_array($1, to_char($2 at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), $3, $4, $5, $6, $7, $8)::text
$$;

-- Appends events in order; the head row is locked, so that any number of gateways make one chain.
create function gate.audit_append(actors text[], origins text[], verbs text[], objects text[], outcomes text[], traces uuid[])
returns void language plpgsql security definer set search_path = pg_catalog as $$
declare
  h gate.audit_head;
  t timestamptz;
begin
  select * into h from gate.audit_head for update;
  for i in 1 .. coalesce(array_length(verbs, 1), 0) loop
    h.seq := h.seq + 1;
    t := clock_timestamp();
    h.hash := sha256(h.hash || convert_to(gate.audit_text(h.seq, t, actors[i], origins[i], verbs[i], objects[i], outcomes[i], traces[i]), 'UTF8'));
    insert into gate.audit values (h.seq, t, actors[i], origins[i], verbs[i], objects[i], outcomes[i], traces[i], h.hash);
  end loop;
  update gate.audit_head set seq = h.seq, hash = h.hash;
end $$;

-- The first row whose hash does not follow from the one before, or null when the chain is whole.
create function gate.audit_check() returns bigint language plpgsql stable set search_path = pg_catalog as $$
declare
  a gate.audit;
  prev bytea := decode(repeat('00', 32), 'hex');
  n bigint := 0;
begin
  for a in select * from gate.audit order by seq loop
    n := n + 1;
    if a.seq <> n or a.hash <> sha256(prev || convert_to(gate.audit_text(a.seq, a.at, a.actor, a.origin, a.verb, a.object, a.outcome, a.trace), 'UTF8')) then
      return n;
    end if;
    prev := a.hash;
  end loop;
  if (select hash from gate.audit_head) <> prev then return n + 1; end if;
  return null;
end $$;

revoke all on function gate.audit_append from public;
grant execute on function gate.audit_append, gate.audit_check, gate.audit_text to carnet_gateway;
grant select, insert, update on gate.person, gate.token to carnet_gateway;
grant select, insert, update, delete on gate.session, gate.setup to carnet_gateway;
grant delete on gate.token to carnet_gateway;
grant select on gate.audit, gate.audit_head to carnet_gateway;
