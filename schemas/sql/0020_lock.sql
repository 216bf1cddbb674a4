-- SPDX-License-Identifier: Apache-2.0
-- Who may touch a device now (docs/spec/locks.md). Numbers of kind, direction and state are those of
-- the enums in schemas/messages/lock.msg; times are the database's own (clock_timestamp()).

-- Tickets order the queue; drawn only while the device rows are held (section 4, rule 4).
create sequence lock.ticket;

-- The serialisation point: every decision about a device is made while this row is locked.
create table lock.device (
  device_id        uuid primary key,
  last_token       bigint not null default 0,
  profile          text not null default 'generic',
  profile_revision int not null default 1
) with (fillfactor = 50);

-- Device families (section 6). A change is a new revision; a lock records the one it was decided under.
-- Profile generic is the matrix as printed; its timers come from the service's settings.
create table lock.profile (
  name               text not null,
  revision           int not null,
  strict             boolean not null default false,
  shared_export      boolean not null default false,
  probe              smallint not null default 1 check (probe between 1 and 3), -- required, best_effort, none
  quarantine_ms      int not null default 60000,
  quarantine_max_ms  int not null default 900000,
  max_hold_ms        int not null default 3600000,
  shadow_ttl_ms      int not null default 15000,
  window_required    boolean not null default true,
  window_at_start    boolean not null default false, -- sync.md W5: the device checks at start only
  logout_old_session boolean not null default false,
  denied             text[] not null default '{}',   -- operations refused with profile_denies
  primary key (name, revision)
);
create table lock.profile_cell (
  name                     text not null,
  revision                 int not null,
  op                       text not null,
  run_during_import_export text check (run_during_import_export in ('yes', 'no')),
  import_export_during_run text check (import_export_during_run in ('yes', 'no', 'partial')),
  primary key (name, revision, op),
  foreign key (name, revision) references lock.profile
);

-- One row per request id: what was asked (digest) and what became of it; kept 24 h after its end.
create table lock.request (
  id          uuid primary key,
  digest      bytea not null,
  session     uuid not null,
  kind        smallint not null,
  op          text not null,
  direction   smallint not null,
  state       smallint not null,
  devices     uuid[] not null,           -- ascending
  holding     int not null default 0,    -- on how many of them it still stands
  job         uuid,
  attempt     int,
  first_token bigint,                    -- of the first device: renew and release name it
  ticket      bigint,
  wait_until  timestamptz,
  asked_at    timestamptz not null,      -- last poll; silent waiters are dropped
  ended_at    timestamptz,
  answer      bytea                      -- encoded lock_answer of a grant or a final answer
) with (fillfactor = 80);
create index request_waiting on lock.request (wait_until) where state = 1;
create index request_ended on lock.request (ended_at) where ended_at is not null;

-- Live locks, and those in quarantine or attention, one row per device.
-- No index on expires_at on purpose: renewals stay heap-only; the sweep reads the whole table.
create table lock.held (
  device_id         uuid not null,
  request           uuid not null,
  token             bigint not null,
  session           uuid not null,
  job               uuid,
  kind              smallint not null,
  op                text not null,
  direction         smallint not null,
  items             text[] not null,
  strict            boolean not null,
  state             smallint not null default 2 check (state in (2, 3, 4)),
  granted_at        timestamptz not null,
  lease_ms          int not null,
  expires_at        timestamptz not null,
  profile           text not null,
  profile_revision  int not null,
  probe             smallint not null,
  quarantine_ms     int not null,
  quarantine_max_ms int not null,
  max_hold_ms       int not null,
  quarantined_at    timestamptz,
  quarantine_until  timestamptz,
  clear             boolean not null default false, -- a probe since then saw nothing of it
  failed_probes     smallint not null default 0,
  primary key (device_id, request)
) with (fillfactor = 50);

create table lock.waiting (
  device_id  uuid not null,
  ticket     bigint not null,
  request    uuid not null,
  kind       smallint not null,
  op         text not null,
  direction  smallint not null,
  strict     boolean not null,
  wait_until timestamptz not null,
  since      timestamptz not null,
  primary key (device_id, ticket)
);

-- What a probe saw; facts with a short life.
create table lock.shadow (
  device_id uuid not null,
  op        text not null,
  seen_at   timestamptz not null,
  until     timestamptz not null,
  primary key (device_id, op)
);

-- Native synchronisation of a device: role client or server_client, any state but stopped (section 5).
create table lock.standing (
  device_id   uuid primary key,
  role        smallint not null,
  state       smallint not null,
  destination text not null default '',
  prepared_at timestamptz,               -- success of the last preparation (sync.md X4)
  since       timestamptz not null
);

-- What happened, one row per request and event; read by people and by the history checker.
create table lock.history (
  at      timestamptz not null,
  request uuid,
  event   text not null,
  op      text not null,
  devices uuid[] not null,
  tokens  bigint[] not null default '{}',
  detail  text not null default ''
);
create index history_at on lock.history using brin (at);

-- Everything that stands on a device, in one shape, for people.
-- class: 1 held, 2 waiting, 3 shadow, 4 standing. until: end of lease, wait or life.
create view lock.entry as
select device_id, 1 as class, request, kind, op, direction, state, token, session, job,
       array_to_string(items, ',') as items, granted_at as since, expires_at as until,
       null::bigint as ticket
  from lock.held
union all
select w.device_id, 2, w.request, w.kind, w.op, w.direction, 1::smallint, null, r.session, r.job,
       '', w.since, w.wait_until, w.ticket
  from lock.waiting w join lock.request r on r.id = w.request
union all
select device_id, 3, null, 4::smallint, op, 1::smallint, 2::smallint, null, null, null,
       '', seen_at, until, null
  from lock.shadow where until > clock_timestamp()
union all
select device_id, 4, null, 5::smallint, 'sync', 1::smallint, 2::smallint, null, null, null,
       '', since, null, null
  from lock.standing;

-- The timeline makes tokens rise across a failover that lost commits (section 7.2).
create function lock.timeline() returns bigint
language sql stable set search_path = pg_catalog as $$
  select ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint
$$;

-- The one door for other services (section 9; security.md section 9): the live row of this device,
-- token and request, kept from ending until the caller's transaction does. No row = lease_lost.
-- direction: 1 none, 2 import, 3 export.
create function lock.check(p_device uuid, p_token bigint, p_request uuid)
returns table (op text, direction smallint, items text[], remaining_ms bigint)
language sql volatile security definer set search_path = pg_catalog as $$
  select h.op, h.direction, h.items,
         (extract(epoch from h.expires_at - clock_timestamp()) * 1000)::bigint
    from lock.held h
   where h.device_id = p_device and h.request = p_request and h.token = p_token
     and h.state = 2 and h.expires_at > clock_timestamp()
     for share
$$;

-- Each statement of the service finds its rows by key; its tables change faster than statistics, so plans
-- are made once and never by reading a whole table.
alter role carnet_lock set plan_cache_mode = force_generic_plan;
alter role carnet_lock set enable_seqscan = off;
alter role carnet_lock set jit = off;

revoke all on function lock.check(uuid, bigint, uuid) from public;
revoke all on function lock.timeline() from public;
grant execute on function lock.check(uuid, bigint, uuid) to carnet_scheduler, carnet_storage, carnet_sync;
grant execute on function lock.timeline() to carnet_lock;
grant usage on schema lock to carnet_scheduler, carnet_storage, carnet_sync;
grant select, insert, update, delete on lock.device, lock.request, lock.held, lock.waiting, lock.shadow,
  lock.standing to carnet_lock;
grant select, insert, delete on lock.history to carnet_lock;
grant select on lock.profile, lock.profile_cell, lock.entry to carnet_lock;
grant usage on sequence lock.ticket to carnet_lock;
