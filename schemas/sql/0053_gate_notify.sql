-- SPDX-License-Identifier: Apache-2.0
-- Who is told of what, and what is on its way (docs/spec/fleet.md section 10). Keys and tokens are sealed.

create table gate.webhook (
  id            uuid primary key,
  name          text not null check (length(name) between 1 and 64),
  url           text not null,
  active        boolean not null default true,
  token_header  text,
  token         bytea,                       -- sealed
  key_id        text not null,
  key           bytea not null,              -- sealed
  old_key       bytea,                       -- sealed; signs, too, until old_until
  old_until     timestamptz,
  version       bigint not null default 1,
  created_at    timestamptz not null default clock_timestamp(),
  last_at       timestamptz,
  last_status   int not null default 0
);
create unique index webhook_name on gate.webhook (lower(name));

create table gate.subscription (
  id         uuid primary key,
  name       text not null check (length(name) between 1 and 64),
  kinds      text[] not null,                -- "device.*" is all that begins so
  states     text[] not null default '{}',
  tasks      text[] not null default '{}',   -- lower case
  webhook    uuid references gate.webhook on delete cascade,
  mail       text[] not null default '{}',
  language   text not null default 'en' check (language in ('en', 'fr', 'ja')),
  digest     smallint not null default 1 check (digest between 1 and 3),
  urgent     boolean not null default false,
  active     boolean not null default true,
  version    bigint not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  made_by    text not null default '',
  check ((webhook is null) = (cardinality(mail) > 0))
);
create unique index subscription_name on gate.subscription (lower(name));

-- An event, as it was taken from its owner.
create table gate.notice (
  id       uuid primary key,
  kind     text not null,
  subject  text not null,
  at       timestamptz not null,
  data     jsonb not null,
  taken_at timestamptz not null default clock_timestamp()
);

-- An event on its way by one subscription: unique, so that an event taken twice is told once.
create table gate.delivery (
  notice       uuid not null references gate.notice,
  subscription uuid not null references gate.subscription on delete cascade,
  webhook      uuid,                         -- null: by mail
  state        text not null default 'queued' check (state in ('queued', 'done', 'dead')),
  due_at       timestamptz not null,         -- queued: tried then; under way: tried again then
  begun_at     timestamptz,                  -- the first attempt
  tried_at     timestamptz,
  attempts     int not null default 0,
  status       int not null default 0,
  cause        text not null default '',
  detail       text not null default '',
  primary key (notice, subscription)
) with (fillfactor = 70);
create index delivery_due on gate.delivery (due_at) where state = 'queued';
create index delivery_tried on gate.delivery (tried_at);
create index delivery_of on gate.delivery (subscription, state);
create index notice_taken on gate.notice (taken_at);

-- Mails that were begun, for the limit of a day.
create table gate.mailing (
  id           uuid primary key,
  subscription uuid not null,
  at           timestamptz not null default clock_timestamp()
);
create index mailing_at on gate.mailing (at);

grant select, insert, update, delete on gate.webhook, gate.subscription, gate.notice, gate.delivery, gate.mailing to carnet_gateway;

-- Does a subscription want an event?
create function gate.wants(s gate.subscription, kind text, data jsonb) returns boolean
language sql immutable set search_path = pg_catalog as $$
  select s.active
     and exists (select from unnest(s.kinds) k where kind = k or (right(k, 1) = '*' and starts_with(kind, left(k, -1))))
     and (kind <> 'run.finished' or cardinality(s.states) = 0 or data->>'state' = any (s.states))
     and (cardinality(s.tasks) = 0 or not data ? 'task' or data->>'task' = any (s.tasks)
          or lower(data->>'task_name') = any (s.tasks))
$$;
grant execute on function gate.wants(gate.subscription, text, jsonb) to carnet_gateway;
