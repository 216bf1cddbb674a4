-- SPDX-License-Identifier: Apache-2.0
-- Sync groups and their members (docs/spec/sync.md sections 1 to 6). Numbers of role and state: schemas/messages/sync.msg.
create table sync.sync_group (
  id          uuid primary key,
  name        text not null unique check (length(name) between 1 and 128),
  note        text not null default '' check (length(note) <= 512),
  version     bigint not null default 1,
  request     uuid,                              -- the last change, so that a repeat of it is known
  created_at  timestamptz not null default clock_timestamp()
);

-- Changes of members hold their group's row: the limits are counted under it.
create table sync.member (
  device_id   uuid primary key,                  -- hence a device is in at most one group
  group_id    uuid not null references sync.sync_group(id),
  device_name text not null default '' check (length(device_name) <= 128),
  role        smallint not null check (role between 1 and 5),
  state       smallint not null check (state between 1 and 7),
  destination text not null default '' check (length(destination) <= 253),
  seen_at     timestamptz,
  version     bigint not null default 1,
  request     uuid                               -- the last change, as above
);
create index on sync.member (group_id);
create unique index member_one_server on sync.member (group_id) where role in (2, 4);

-- Devices taken out, until the lock service has heard of it.
create table sync.departed (
  device_id   uuid primary key,
  since       timestamptz not null default clock_timestamp()
);
grant select, insert, update, delete on sync.sync_group, sync.member, sync.departed to carnet_sync;
