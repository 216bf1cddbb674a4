-- SPDX-License-Identifier: Apache-2.0
-- Versions sent by mail (docs/spec/storage.md section 8.2): a relay is a vault of kind and role `mail`; a row per mail.
alter table store.vault
  add column sender     text not null default '' check (length(sender) <= 254),
  add column recipients text not null default '' check (length(recipients) <= 4000); -- who may get one: a@b,*@c

create table store.mail (
  id uuid primary key, tenant_id uuid not null,       -- id: of the request; also that of the mail
  version_id uuid not null references store.version(id) on delete cascade,
  vault_id uuid not null references store.vault(id) on delete restrict,
  recipient text not null, recipient_key bytea not null check (length(recipient_key) = 32),
  language text not null default 'en',
  who text not null, why text not null,
  description text,                                   -- null when it is over: the digest stays
  description_digest bytea not null check (length(description_digest) = 32),
  asked_by text not null, asked_at timestamptz not null default clock_timestamp(),
  state text not null default 'queued' check (state in ('queued','sent','failed')),
  attempts int not null default 0, next_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz, cause text not null default '', detail text not null default '', bytes bigint,
  check (state = 'queued' or ended_at is not null)
);
create index mail_due on store.mail (next_at) where state = 'queued';
create index mail_tenant on store.mail (tenant_id, asked_at desc);
create index mail_version on store.mail (version_id);

-- '' and the mail is queued, or why not. The same id again is the same mail.
create function store.mail_ask(p_id uuid, p_tenant uuid, p_version uuid, p_vault uuid, p_recipient text, p_key bytea,
  p_language text, p_who text, p_why text, p_description text, p_digest bytea, p_by text) returns text language plpgsql as $$
declare
  most int;
  had int;
begin
  if exists (select 1 from store.mail m where m.id = p_id) then return ''; end if;
  perform pg_advisory_xact_lock(hashtextextended('store.mail ' || p_tenant, 0));
  select coalesce((select q.mails_per_day from store.quota q where q.tenant_id = p_tenant), 20) into most;
  select count(*) into had from store.mail m
   where m.tenant_id = p_tenant and m.asked_at > clock_timestamp() - interval '1 day';
  if had >= most then return format('mails %s of %s in a day', had, most); end if;
  insert into store.mail (id, tenant_id, version_id, vault_id, recipient, recipient_key, language, who, why, description,
      description_digest, asked_by)
    values (p_id, p_tenant, p_version, p_vault, p_recipient, p_key, p_language, p_who, p_why, p_description, p_digest, p_by);
  return '';
end $$;

-- The one that is due longest; it is left to who took it for p_ms.
create function store.mail_take(p_tenant uuid, p_ms bigint) returns setof store.mail language sql as $$
  update store.mail m set attempts = attempts + 1, next_at = clock_timestamp() + p_ms * interval '1 ms'
   where m.id = (select x.id from store.mail x where x.tenant_id = p_tenant and x.state = 'queued'
                  and x.next_at <= clock_timestamp() order by x.next_at limit 1 for update skip locked)
  returning m.*
$$;

-- Sent; failed; or deferred: after 1, 2, 4 … 60 minutes again (p_ms is the minute), given up when two days old.
create function store.mail_done(p_id uuid, p_state text, p_cause text, p_detail text, p_bytes bigint, p_ms bigint)
returns text language plpgsql as $$
declare
  m store.mail;
  ends text := p_state;
begin
  select * into m from store.mail where id = p_id and state = 'queued' for update;
  if not found then return ''; end if;
  if ends = 'queued' and m.asked_at < clock_timestamp() - interval '2 days' then ends := 'failed'; end if;
  update store.mail set state = ends, cause = p_cause, detail = left(p_detail, 500), bytes = p_bytes,
      description = case when ends = 'queued' then description end,
      ended_at = case when ends <> 'queued' then clock_timestamp() end,
      next_at = clock_timestamp() + least(60, 2 ^ least(attempts - 1, 6)) * p_ms * interval '1 ms'
   where id = p_id;
  update store.vault set cause = p_cause, detail = left(p_detail, 500), last_seen_at = clock_timestamp(),
      state = case when p_cause in ('mail_login', 'mail_no_tls', 'mail_certificate', 'mail_sender') then 'absent' else 'ready' end
   where id = m.vault_id;
  return ends;
end $$;

revoke all on function store.mail_ask(uuid, uuid, uuid, uuid, text, bytea, text, text, text, text, bytea, text),
  store.mail_take(uuid, bigint), store.mail_done(uuid, text, text, text, bigint, bigint) from public;
grant execute on function store.mail_ask(uuid, uuid, uuid, uuid, text, bytea, text, text, text, text, bytea, text),
  store.mail_take(uuid, bigint), store.mail_done(uuid, text, text, text, bigint, bigint) to carnet_storage;
grant select, insert, update on store.mail to carnet_storage;
