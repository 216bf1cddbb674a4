-- SPDX-License-Identifier: Apache-2.0
-- Versions, objects, vaults (docs/spec/storage.md section 4: tables, guards and their meaning stand there).
-- Below the reference come what listing needs and the functions by which storage changes rows: each makes
-- the checks of docs/spec/locks.md section 9 in the same transaction as its effect.
create table store.version (
  id           uuid primary key,                    -- UUIDv7, made by storage
  tenant_id    uuid not null,
  device_id    uuid not null,
  kind         text not null check (kind in ('address_book','settings','sync_server','pre_image','read_back')),
  generation   bigint not null check (generation > 0),
  state        text not null default 'staged'
               check (state in ('staged','written','verified','committed','failed','condemned','erased')),
  run_id       uuid not null,                       -- idempotency: one version per run, device, kind
  job_id       uuid not null, attempt int not null, token bigint not null,
  serial       text not null,                       -- serial number read from the device itself
  prev_id      uuid references store.version(id) on delete set null,
  prev_digest  bytea check (length(prev_digest) = 32),
  manifest     bytea check (length(manifest) <= 1048576),
  digest       bytea check (length(digest) = 32),   -- SHA-256 of manifest
  signature    bytea check (length(signature) = 64),
  flags        text[] not null default '{}',        -- stale, torn, same_disk, partial
  entries int, bytes_plain bigint, bytes_stored bigint,
  created_at   timestamptz not null default clock_timestamp(),
  verified_at  timestamptz, committed_at timestamptz,
  held_until   timestamptz, note text check (length(note) <= 2000),
  unique (tenant_id, device_id, kind, id),
  unique (run_id, device_id, kind),
  check (state not in ('verified','committed') or (verified_at is not null and digest is not null)),
  check (state <> 'committed' or committed_at is not null)
);
create unique index on store.version (device_id, kind, generation) where state <> 'failed';

create table store.head (                           -- the newest VERIFIED version of a device
  tenant_id uuid not null, device_id uuid not null, kind text not null,
  version_id uuid not null, generation bigint not null,
  last_check_at timestamptz not null,               -- also moved by an "unchanged" run
  primary key (device_id, kind),
  foreign key (tenant_id, device_id, kind, version_id)
    references store.version (tenant_id, device_id, kind, id) on delete restrict on update restrict
);
create table store.object (
  tenant_id uuid not null, oid bytea not null check (length(oid) = 32),
  incarnation bigint not null,                      -- part of the stored name
  kind text not null, state text not null default 'live' check (state in ('live','condemned','deleting')),
  plain_len bigint not null, stored_len bigint not null,
  cipher_digest bytea not null check (length(cipher_digest) = 32),
  created_at timestamptz not null default clock_timestamp(), condemned_at timestamptz,
  primary key (tenant_id, oid)
);
create table store.version_object (
  version_id uuid not null references store.version(id) on delete cascade,
  tenant_id uuid not null, oid bytea not null,
  item_no int not null check (item_no between 0 and 255), item text not null,
  wrapped_key bytea not null,                       -- object key sealed under the version key
  primary key (version_id, item_no),
  foreign key (tenant_id, oid) references store.object (tenant_id, oid) on delete restrict
);
create table store.version_key (
  version_id uuid primary key references store.version(id) on delete cascade,
  kek_id uuid not null, wrapped_dek bytea,          -- null = crypto-erased
  password_id uuid, rewrapped_at timestamptz
);
create table store.vault (
  id uuid primary key, tenant_id uuid not null, name text not null,
  kind text not null check (kind in ('dir','s3','sftp','smb','webdav','mail')),
  role text not null check (role in ('primary','copy','mail')),
  min_protocol int not null, protocol int, placement text not null default 'unknown',
  placement_override text, durability text not null check (durability in ('strong','weak','none')),
  removable boolean not null default false, state text not null default 'new', last_seen_at timestamptz
);
create table store.copy (
  version_id uuid not null references store.version(id) on delete cascade,
  vault_id uuid not null references store.vault(id) on delete restrict,
  state text not null check (state in ('queued','written','verified','damaged','missing','sent','erase_pending')),
  verified_at timestamptz, scrubbed_at timestamptz, bytes bigint,
  primary key (version_id, vault_id)
);
create table store.erase_order (
  id uuid primary key, tenant_id uuid not null, device_id uuid, version_id uuid,
  reason text not null, asked_by uuid not null, approved_by uuid, approved_at timestamptz, executed_at timestamptz,
  check (approved_by is null or approved_by <> asked_by)
);
-- the head may only move forward, to a verified or committed version
create function store.head_guard() returns trigger language plpgsql as $$
declare v store.version;
begin
  if tg_op = 'DELETE' then
    if exists (select 1 from store.erase_order e where e.tenant_id = old.tenant_id and e.device_id = old.device_id
                 and e.executed_at is null and e.approved_at > clock_timestamp() - interval '7 days') then return old; end if;
    raise exception 'last_verified_protected: device % still needs version %', old.device_id, old.version_id using errcode = 'CN001';
  end if;
  select * into v from store.version where id = new.version_id for share;
  if v.state <> 'committed' or v.verified_at is null or v.generation <> new.generation
     or (tg_op = 'UPDATE' and (new.device_id, new.kind) is distinct from (old.device_id, old.kind))
     or (tg_op = 'UPDATE' and new.generation < old.generation)
     or not exists (select 1 from store.version_key k where k.version_id = new.version_id and k.wrapped_dek is not null)
     or not exists (select 1 from store.copy c where c.version_id = new.version_id and c.state = 'verified') then
    raise exception 'head_not_verified: version %', new.version_id using errcode = 'CN002';
  end if;
  return new;
end $$;
create trigger head_guard before insert or update or delete on store.head
  for each row execute function store.head_guard();
-- a version that is a head keeps its state, its key and one verified copy
create function store.version_guard() returns trigger language plpgsql as $$
begin
  if exists (select 1 from store.head h where h.version_id = old.id) and new.state <> 'committed' then
    raise exception 'last_verified_protected: version %', old.id using errcode = 'CN001';
  end if;
  if old.digest is not null and (new.digest, new.manifest, new.prev_digest) is distinct from (old.digest, old.manifest, old.prev_digest)
     and old.state in ('verified','committed') then
    raise exception 'manifest_immutable: version %', old.id using errcode = 'CN003';
  end if;
  return new;
end $$;
create trigger version_guard before update on store.version for each row execute function store.version_guard();
create function store.copy_guard() returns trigger language plpgsql as $$
begin
  perform 1 from store.version where id = old.version_id for update;   -- two guards never run side by side
  if old.state = 'verified' and (tg_op = 'DELETE' or new.state in ('erase_pending','queued'))
     and exists (select 1 from store.head h where h.version_id = old.version_id)
     and not exists (select 1 from store.copy c where c.version_id = old.version_id
                     and c.vault_id <> old.vault_id and c.state = 'verified') then
    raise exception 'last_copy_protected: version %', old.version_id using errcode = 'CN001';
  end if;
  return coalesce(new, old);
end $$;
create trigger copy_guard before update or delete on store.copy for each row execute function store.copy_guard();
create function store.key_guard() returns trigger language plpgsql as $$
begin
  perform 1 from store.version where id = old.version_id for update;
  if (tg_op = 'DELETE' or (old.wrapped_dek is not null and new.wrapped_dek is null))
     and exists (select 1 from store.head h where h.version_id = old.version_id) then
    raise exception 'last_verified_protected: key of version %', old.version_id using errcode = 'CN001';
  end if;
  return coalesce(new, old);
end $$;
create trigger key_guard before update or delete on store.version_key for each row execute function store.key_guard();
create function store.no_truncate() returns trigger language plpgsql as $$
begin raise exception 'truncate_refused' using errcode = 'CN004'; end $$;
create trigger no_truncate before truncate on store.version for each statement execute function store.no_truncate();
create trigger no_truncate before truncate on store.head    for each statement execute function store.no_truncate();
create trigger no_truncate before truncate on store.copy    for each statement execute function store.no_truncate();

-- what listing and showing need
alter table store.version
  add column request    uuid,                      -- of the lock
  add column op         text,
  add column format     text not null default '',  -- of the native items: canon_abk, ipp_attributes, opaque
  add column signed_at  timestamptz,               -- the signature is on the primary vault
  add column lock_items text[] not null default '{}';
alter table store.version_object
  add column role      text not null default 'native' check (role in ('native','canonical','meta')),
  add column kind      text not null default 'opaque',
  add column plain_len bigint not null default 0,
  add column entries   int;
create index version_device on store.version (device_id, kind, id desc);
create index version_unsigned on store.version (committed_at) where state = 'committed' and signed_at is null;
create index version_unfinished on store.version (created_at) where state in ('staged','written','verified');
create index version_object_oid on store.version_object (tenant_id, oid);
create unique index vault_name on store.vault (tenant_id, name);

-- checks 1 to 3 of locks.md section 9: '' or why not. The lock row stays as it is until the transaction ends.
create function store.fence(p_device uuid, p_token bigint, p_request uuid, p_kind text, p_op text, p_items text[])
returns text language plpgsql as $$
declare l record;
begin
  select * into l from lock.check(p_device, p_token, p_request);
  if not found then return 'lease_lost'; end if;
  if l.op <> p_op then return 'conflict_op'; end if;
  if p_kind not in ('pre_image','read_back') and
     not (l.direction = 3 and l.op in ('indiv_ie','batch_ie','mbox_backup','workflow_ie')) then return 'conflict_op'; end if;
  if not p_items <@ l.items then return 'conflict_items'; end if;
  return '';
end $$;

-- What is already known of this run, device and kind (ST-5); else whether the lock lets it begin.
create function store.begin_version(p_device uuid, p_kind text, p_run uuid, p_token bigint, p_request uuid,
  p_op text, p_items text[])
returns table (verdict text, id uuid, generation bigint, entries int, bytes_plain bigint, bytes_stored bigint, flags text)
language plpgsql as $$
begin
  return query select 'done'::text, v.id, v.generation, v.entries, v.bytes_plain, v.bytes_stored, array_to_string(v.flags, ',')
    from store.version v
   where v.run_id = p_run and v.device_id = p_device and v.kind = p_kind and v.state in ('committed','condemned','erased');
  if found then return; end if;
  return query select store.fence(p_device, p_token, p_request, p_kind, p_op, p_items),
    null::uuid, null::bigint, null::int, null::bigint, null::bigint, null::text;
end $$;

-- All content has arrived and its names are known. Equal to the head: the head is checked, nothing else
-- happens ('unchanged'). Else the version gets its row, its generation and its place in the chain.
create function store.stage_version(p_id uuid, p_tenant uuid, p_device uuid, p_kind text, p_run uuid, p_job uuid,
  p_attempt int, p_token bigint, p_request uuid, p_op text, p_items text[], p_serial text, p_format text,
  p_names text[], p_oids bytea[])
returns table (verdict text, id uuid, generation bigint, entries int, bytes_plain bigint, bytes_stored bigint,
  flags text, prev_generation bigint, prev_digest bytea, now_at timestamptz)
language plpgsql as $$
declare
  why text;
  last record;
  prev uuid;
begin
  why := store.fence(p_device, p_token, p_request, p_kind, p_op, p_items);
  if why <> '' then
    return query select why, null::uuid, null::bigint, null::int, null::bigint, null::bigint, null::text,
      null::bigint, null::bytea, clock_timestamp();
    return;
  end if;
  return query select 'done'::text, v.id, v.generation, v.entries, v.bytes_plain, v.bytes_stored, array_to_string(v.flags, ','),
      null::bigint, null::bytea, clock_timestamp()
    from store.version v
   where v.run_id = p_run and v.device_id = p_device and v.kind = p_kind and v.state in ('committed','condemned','erased');
  if found then return; end if;

  select v.* into last from store.head h join store.version v on v.id = h.version_id
   where h.device_id = p_device and h.kind = p_kind;
  if found and last.format = p_format
     and (select array_agg(o.item order by o.item collate "C") from store.version_object o
           where o.version_id = last.id and o.role = 'native') = p_names
     and (select array_agg(o.oid order by o.item collate "C") from store.version_object o
           where o.version_id = last.id and o.role = 'native') = p_oids then
    update store.head h set last_check_at = clock_timestamp() where h.device_id = p_device and h.kind = p_kind;
    return query select 'unchanged'::text, last.id, last.generation, last.entries, last.bytes_plain,
      last.bytes_stored, array_to_string(last.flags, ','), null::bigint, null::bytea, clock_timestamp();
    return;
  end if;

  -- what another run left unfinished on this device lost its lock, or ours would not be live (ST-10)
  update store.version v set state = 'failed', note = 'superseded'
   where v.device_id = p_device and v.kind = p_kind and v.state in ('staged','written','verified') and v.run_id <> p_run;
  select v.id, v.generation, v.digest into last from store.version v
   where v.device_id = p_device and v.kind = p_kind and v.state in ('committed','condemned','erased')
   order by v.generation desc limit 1;
  if found then prev := last.id; end if;
  -- the row waits for its commit; lost in a crash of the database it is staged again
  perform set_config('synchronous_commit', 'off', true);
  insert into store.version as v (id, tenant_id, device_id, kind, generation, run_id, job_id, attempt, token, serial,
      prev_id, prev_digest, request, op, lock_items, format)
    values (p_id, p_tenant, p_device, p_kind, coalesce(last.generation, 0) + 1, p_run, p_job, p_attempt, p_token, p_serial,
      prev, coalesce(last.digest, decode(repeat('00', 32), 'hex')), p_request, p_op, p_items, p_format)
    on conflict (run_id, device_id, kind) do update set id = excluded.id, state = 'staged',
      generation = excluded.generation, job_id = excluded.job_id, attempt = excluded.attempt, token = excluded.token,
      serial = excluded.serial, prev_id = excluded.prev_id, prev_digest = excluded.prev_digest,
      request = excluded.request, op = excluded.op, lock_items = excluded.lock_items, format = excluded.format,
      created_at = clock_timestamp(), note = null
    where v.state not in ('committed','condemned','erased');
  return query select 'staged'::text, p_id, coalesce(last.generation, 0) + 1, null::int, null::bigint, null::bigint,
    null::text, coalesce(last.generation, 0), coalesce(last.digest, decode(repeat('00', 32), 'hex')), clock_timestamp();
end $$;

-- Objects of these names that can be shared, each with one key that opens it.
create function store.find_objects(p_tenant uuid, p_oids bytea[])
returns table (oid bytea, incarnation bigint, plain_len bigint, stored_len bigint, cipher_digest bytea,
  version_id uuid, item_no int, wrapped_key bytea, kek_id uuid, wrapped_dek bytea)
language sql stable as $$
  select o.oid, o.incarnation, o.plain_len, o.stored_len, o.cipher_digest,
         k.version_id, k.item_no, k.wrapped_key, k.kek_id, k.wrapped_dek
    from (select distinct u from unnest(p_oids) u) x
    join store.object o on o.tenant_id = p_tenant and o.oid = x.u
    left join lateral (
      select vo.version_id, vo.item_no, vo.wrapped_key, vk.kek_id, vk.wrapped_dek
        from store.version_object vo join store.version_key vk on vk.version_id = vo.version_id
       where vo.tenant_id = p_tenant and vo.oid = o.oid and vk.wrapped_dek is not null and o.state <> 'deleting'
       limit 1) k on true
$$;

-- New objects of a batch of versions, in the order of their names so that two batches never wait for each other.
create function store.put_objects(p_tenant uuid, p_oids bytea[], p_incarnations bigint[], p_kinds text[],
  p_plain bigint[], p_stored bigint[], p_ciphers bytea[])
returns void language sql as $$
  insert into store.object (tenant_id, oid, incarnation, kind, plain_len, stored_len, cipher_digest)
  select p_tenant, u.o, u.i, u.k, u.p, u.s, u.c
    from unnest(p_oids, p_incarnations, p_kinds, p_plain, p_stored, p_ciphers) as u(o, i, k, p, s, c)
   order by u.o
      on conflict (tenant_id, oid) do nothing
$$;

-- The version comes to exist, or not at all; one row, why. p_replaces: incarnation that this file stands in
-- for, because the catalogue's could not be opened; 0 = none.
create function store.commit_version(p_id uuid, p_vault uuid, p_manifest bytea, p_digest bytea, p_signature bytea,
  p_verified timestamptz, p_flags text[], p_entries int, p_bytes_plain bigint, p_bytes_stored bigint,
  p_kek uuid, p_wrapped_dek bytea, p_password uuid,
  p_items text[], p_roles text[], p_kinds text[], p_oids bytea[], p_incarnations bigint[], p_replaces bigint[],
  p_ciphers bytea[], p_keys bytea[], p_plain bigint[], p_stored bigint[], p_item_entries int[])
returns text language plpgsql as $$
declare
  v store.version;
  why text;
begin
  select * into v from store.version where id = p_id for update;
  if not found then return 'not_staged'; end if;  -- lost with an unflushed commit, or taken over
  if v.state = 'committed' then return 'committed'; end if;
  if v.state <> 'staged' then return 'superseded'; end if;
  why := store.fence(v.device_id, v.token, v.request, v.kind, v.op, v.lock_items);
  if why <> '' then
    update store.version set state = 'failed', note = why where id = p_id;
    return why;
  end if;

  update store.object o set incarnation = u.i, stored_len = u.s, cipher_digest = u.c, state = 'live', condemned_at = null
    from unnest(p_oids, p_incarnations, p_replaces, p_stored, p_ciphers) as u(o, i, r, s, c)
   where o.tenant_id = v.tenant_id and o.oid = u.o and u.r <> 0 and o.incarnation = u.r;
  update store.object o set state = 'live', condemned_at = null
    from unnest(p_oids) as u(o) where o.tenant_id = v.tenant_id and o.oid = u.o and o.state = 'condemned';
  if exists (select 1 from unnest(p_oids, p_incarnations, p_ciphers) as u(o, i, c)
       where not exists (select 1 from store.object x where x.tenant_id = v.tenant_id and x.oid = u.o
                            and x.incarnation = u.i and x.cipher_digest = u.c and x.state = 'live')) then
    return 'object_taken';
  end if;

  insert into store.version_object (version_id, tenant_id, oid, item_no, item, wrapped_key, role, kind, plain_len, entries)
  select p_id, v.tenant_id, u.o, u.n - 1, u.name, u.key, u.role, u.kind, u.plain, u.entries
    from unnest(p_oids, p_items, p_keys, p_roles, p_kinds, p_plain, p_item_entries)
         with ordinality as u(o, name, key, role, kind, plain, entries, n);
  insert into store.version_key (version_id, kek_id, wrapped_dek, password_id) values (p_id, p_kek, p_wrapped_dek, p_password);
  insert into store.copy (version_id, vault_id, state, verified_at, bytes)
    values (p_id, p_vault, 'verified', p_verified, p_bytes_stored);
  update store.version set state = 'committed', manifest = p_manifest, digest = p_digest, signature = p_signature,
         flags = p_flags, entries = p_entries, bytes_plain = p_bytes_plain, bytes_stored = p_bytes_stored,
         verified_at = p_verified, committed_at = clock_timestamp()
   where id = p_id;
  if not p_flags && array['torn','partial'] then
    insert into store.head as h (tenant_id, device_id, kind, version_id, generation, last_check_at)
      values (v.tenant_id, v.device_id, v.kind, p_id, v.generation, clock_timestamp())
      on conflict (device_id, kind) do update
        set version_id = excluded.version_id, generation = excluded.generation, last_check_at = excluded.last_check_at;
  end if;
  return 'committed';
end $$;

revoke all on all functions in schema store from public;
grant execute on function store.fence(uuid, bigint, uuid, text, text, text[]),
  store.begin_version(uuid, text, uuid, bigint, uuid, text, text[]),
  store.stage_version(uuid, uuid, uuid, text, uuid, uuid, int, bigint, uuid, text, text[], text, text, text[], bytea[]),
  store.find_objects(uuid, bytea[]),
  store.put_objects(uuid, bytea[], bigint[], text[], bigint[], bigint[], bytea[]),
  store.commit_version(uuid, uuid, bytea, bytea, bytea, timestamptz, text[], int, bigint, bigint, uuid, bytea, uuid,
    text[], text[], text[], bytea[], bigint[], bigint[], bytea[], bytea[], bigint[], bigint[], int[])
  to carnet_storage;
grant select, insert, update on all tables in schema store to carnet_storage;
