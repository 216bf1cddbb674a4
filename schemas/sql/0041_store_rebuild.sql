-- SPDX-License-Identifier: Apache-2.0
-- The catalogue made again from one medium (docs/spec/storage.md ST-21): `carnet-storage rebuild-catalogue`, as the owner of
-- the tables. No service may call these functions: a version comes to exist under a lock, or because it was read from a
-- medium where it is signed.

create index version_serial on store.version (serial, id) where state = 'committed' and serial <> '';

-- The vault becomes the primary one, and gets its name back; or why not. Others are what they were; another primary one
-- is lost.
create function store.rebuild_begin(p_tenant uuid, p_vault uuid, p_name text, p_protocol int)
returns table (why text, named text) language plpgsql as $$
begin
  if exists (select 1 from store.version where op is distinct from 'rebuild') then
    return query select 'not_empty', '';
    return;
  end if;
  update store.vault set role = 'copy', state = 'retired', name = left(name || ' lost ' || id, 64)
   where tenant_id = p_tenant and role = 'primary' and id <> p_vault;
  insert into store.vault as v (id, tenant_id, name, kind, role, min_protocol, protocol, durability, state)
    values (p_vault, p_tenant, p_name, 'dir', 'primary', p_protocol, p_protocol, 'strong', 'new')
    on conflict (id) do update set role = 'primary', state = 'new', place = null;
  return query select '', v.name from store.vault v where v.id = p_vault;
end $$;

-- One version as its manifest says it. p_about: serial, format, family, model, firmware, language, charset, name.
-- p_dek null: erased. p_there: which objects the medium has. added, erased, known (it is there), differs, twin.
create function store.rebuild_version(p_tenant uuid, p_vault uuid, p_id uuid, p_device uuid, p_kind text, p_generation bigint,
  p_run uuid, p_token bigint, p_request uuid, p_prev_digest bytea, p_manifest bytea, p_digest bytea, p_signature bytea,
  p_made timestamptz, p_verified timestamptz, p_flags text[], p_about text[], p_password uuid, p_kek uuid, p_dek bytea,
  p_items text[], p_roles text[], p_kinds text[], p_oids bytea[], p_incarnations bigint[], p_ciphers bytea[], p_keys bytea[],
  p_plain bigint[], p_stored bigint[], p_entries int[], p_there boolean[])
returns text language plpgsql as $$
declare
  known record;
begin
  select digest into known from store.version where id = p_id;
  if found then return case when known.digest = p_digest then 'known' else 'differs' end; end if;
  if exists (select 1 from store.version where device_id = p_device and kind = p_kind and generation = p_generation) then return 'twin'; end if;
  insert into store.version (id, tenant_id, device_id, kind, generation, state, run_id, job_id, attempt, token, request, op,
      serial, prev_id, prev_digest, manifest, digest, signature, flags, entries, bytes_plain, bytes_stored,
      created_at, verified_at, committed_at, signed_at, read_back, format, family, model, firmware, language, charset, device_name)
    values (p_id, p_tenant, p_device, p_kind, p_generation, case when p_dek is null then 'erased' else 'verified' end, p_run,
      '00000000-0000-0000-0000-000000000000', 0, p_token, p_request, 'rebuild', p_about[1],
      (select v.id from store.version v where v.device_id = p_device and v.kind = p_kind and v.generation = p_generation - 1),
      p_prev_digest, p_manifest, p_digest, p_signature, p_flags,
      (select coalesce(sum(u.e), 0) from unnest(p_entries) as u(e)),
      (select coalesce(sum(u.n), 0) from unnest(p_plain, p_roles) as u(n, r) where u.r = 'native'),
      (select coalesce(sum(u.n), 0) from unnest(p_stored) as u(n)),
      p_made, p_verified, p_verified, clock_timestamp(), 'read_back' = any(p_flags),
      p_about[2], p_about[3], p_about[4], p_about[5], p_about[6], p_about[7], p_about[8]);
  if p_dek is null then return 'erased'; end if;

  -- of two files of one content the one that is there
  insert into store.object as o (tenant_id, oid, incarnation, kind, plain_len, stored_len, cipher_digest)
  select p_tenant, u.o, u.i, u.k, u.p, u.s, u.c
    from unnest(p_oids, p_incarnations, p_kinds, p_plain, p_stored, p_ciphers) as u(o, i, k, p, s, c)
      on conflict (tenant_id, oid) do nothing;
  update store.object o set incarnation = u.i, stored_len = u.s, cipher_digest = u.c
    from unnest(p_oids, p_incarnations, p_stored, p_ciphers, p_there) as u(o, i, s, c, t)
   where o.tenant_id = p_tenant and o.oid = u.o and o.incarnation <> u.i and u.t;
  insert into store.version_object (version_id, tenant_id, oid, item_no, item, wrapped_key, role, kind, plain_len, entries)
  select p_id, p_tenant, u.o, u.n - 1, u.name, u.key, u.role, u.kind, u.plain, u.entries
    from unnest(p_oids, p_items, p_keys, p_roles, p_kinds, p_plain, p_entries)
         with ordinality as u(o, name, key, role, kind, plain, entries, n);
  insert into store.version_key (version_id, kek_id, wrapped_dek, password_id) values (p_id, p_kek, p_dek, p_password);
  insert into store.copy (version_id, vault_id, state, verified_at, bytes)
    select p_id, p_vault, case when false = any(p_there) then 'damaged' else 'verified' end, p_verified, bytes_stored
      from store.version where id = p_id;
  -- triggers count it, send it to other vaults and have its book read
  update store.version set state = 'committed' where id = p_id;
  return 'added';
end $$;

-- The end of one chain: its head, and tokens that rise above those of the medium (locks.md 7.2).
create function store.rebuild_chain(p_device uuid, p_kind text, p_token bigint) returns void language plpgsql as $$
begin
  if not exists (select 1 from store.head where device_id = p_device and kind = p_kind) then
    perform store.head_again(p_device, p_kind);
  end if;
  if p_token > 0 then
    insert into lock.device as d (device_id, last_token) values (p_device, p_token)
      on conflict (device_id) do update set last_token = greatest(d.last_token, excluded.last_token);
  end if;
end $$;

revoke all on function store.rebuild_begin(uuid, uuid, text, int), store.rebuild_chain(uuid, text, bigint),
  store.rebuild_version(uuid, uuid, uuid, uuid, text, bigint, uuid, bigint, uuid, bytea, bytea, bytea, bytea, timestamptz,
    timestamptz, text[], text[], uuid, uuid, bytea, text[], text[], text[], bytea[], bigint[], bytea[], bytea[], bigint[],
    bigint[], int[], boolean[]) from public;

-- A printer that is enrolled again has the backups it had: its id, when versions of this serial number and family are kept
-- and no device has that id (a fleet that was lost with its database). Null = a new one.
create function fleet.backed_up(p_serial text, p_family text) returns uuid
language sql stable security definer set search_path = pg_catalog as $$
  select x.device_id from (
    select v.device_id from store.version v
     where v.serial = p_serial and v.serial <> '' and v.family = p_family and v.state = 'committed'
     order by v.id desc limit 1) x
   where not exists (select 1 from fleet.device d where d.id = x.device_id)
$$;
revoke all on function fleet.backed_up(text, text) from public;
grant execute on function fleet.backed_up(text, text) to carnet_scheduler;

-- As in 0036, and a vault that has no copy yet gets manifest and tombstone, too: no chain has a gap anywhere (ST-39).
create or replace function store.erase_approve(p_tenant uuid, p_id uuid, p_by text) returns text
language plpgsql security definer set search_path = pg_catalog as $$
declare
  o store.erase_order;
  ids uuid[];
begin
  select * into o from store.erase_order where id = p_id and tenant_id = p_tenant for update;
  if not found then return 'no_order'; end if;
  if o.executed_at is not null then return 'erased'; end if;
  if o.asked_by = p_by then return 'second_person'; end if;
  if o.asked_at < clock_timestamp() - interval '7 days' then return 'order_expired'; end if;
  update store.erase_order set approved_by = p_by, approved_at = clock_timestamp() where id = p_id;

  -- what is on its way to this device is not stored any more
  update store.version set state = 'failed', note = 'erased'
   where tenant_id = p_tenant and device_id = o.device_id and state in ('staged','written','verified');
  select array_agg(x.id) into ids from (select v.id from store.version v where v.tenant_id = p_tenant
     and (v.device_id = o.device_id or v.id = o.version_id) and v.state in ('committed','condemned') order by v.id for update) x;
  ids := coalesce(ids, '{}');
  delete from store.head where version_id = any(ids);
  delete from store.version_object where version_id = any(ids);
  update store.version_key set wrapped_dek = null where version_id = any(ids);
  update store.copy set state = 'erase_pending' where version_id = any(ids) and state <> 'erase_pending';
  update store.version set state = 'erased', held_until = null, protected_until = null where id = any(ids);
  perform store.head_again(x.device_id, x.kind) from (select distinct v.device_id, v.kind from store.version v where v.id = any(ids)) x
    where not exists (select 1 from store.head y where y.device_id = x.device_id and y.kind = x.kind);
  update store.erase_order set executed_at = clock_timestamp(), versions = cardinality(ids) where id = p_id;
  return 'erased';
end $$;
