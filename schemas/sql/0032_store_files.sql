-- SPDX-License-Identifier: Apache-2.0
-- Versions that no device gave: uploaded files and books for distribution (docs/spec/address-books.md 11.1). They
-- have an id of their own as `device`, no lock and token 0. And what was read after an import, under its lock
-- (import-export.md V1): a backup like any other, with the flag read_back.
alter table store.version drop constraint version_kind_check;
alter table store.version add constraint version_kind_check
  check (kind in ('address_book','settings','sync_server','pre_image','read_back','file','distribution'));
-- what lists show; the same stands sealed in the meta item. Versions made before have none of it here.
alter table store.version
  add column read_back   boolean not null default false, -- stored under the lock of an import
  add column family      text not null default '',
  add column model       text not null default '',
  add column firmware    text not null default '',
  add column language    text not null default '',
  add column charset     text not null default '',
  add column device_name text not null default '';       -- of a file or distribution book: its name
create index version_kind on store.version (tenant_id, kind, id desc);
create index version_newest on store.version (device_id, kind, generation desc) where state in ('committed','condemned');

drop function store.fence(uuid, bigint, uuid, text, text, text[]);
drop function store.begin_version(uuid, text, uuid, bigint, uuid, text, text[]);
drop function store.stage_version(uuid, uuid, uuid, text, uuid, uuid, int, bigint, uuid, text, text[], text, text, text[], bytea[]);

-- checks 1 to 3 of locks.md section 9: '' or why not. The lock row stays as it is until the transaction ends.
create function store.fence(p_device uuid, p_token bigint, p_request uuid, p_kind text, p_op text, p_items text[],
  p_read_back boolean)
returns text language plpgsql as $$
declare l record;
begin
  if p_kind in ('file','distribution') then
    return case when p_token = 0 and p_op = '' then '' else 'conflict_op' end;
  end if;
  select * into l from lock.check(p_device, p_token, p_request);
  if not found then return 'lease_lost'; end if;
  if l.op <> p_op then return 'conflict_op'; end if;
  if p_kind not in ('pre_image','read_back') and not p_read_back and
     not (l.direction = 3 and l.op in ('indiv_ie','batch_ie','mbox_backup','workflow_ie')) then return 'conflict_op'; end if;
  if not p_items <@ l.items then return 'conflict_items'; end if;
  return '';
end $$;

-- What is already known of this run, device and kind (ST-5); else whether the lock lets it begin.
create function store.begin_version(p_device uuid, p_kind text, p_run uuid, p_token bigint, p_request uuid,
  p_op text, p_items text[], p_read_back boolean)
returns table (verdict text, id uuid, generation bigint, entries int, bytes_plain bigint, bytes_stored bigint, flags text)
language plpgsql as $$
begin
  return query select 'done'::text, v.id, v.generation, v.entries, v.bytes_plain, v.bytes_stored, array_to_string(v.flags, ',')
    from store.version v
   where v.run_id = p_run and v.device_id = p_device and v.kind = p_kind and v.state in ('committed','condemned','erased');
  if found then return; end if;
  return query select store.fence(p_device, p_token, p_request, p_kind, p_op, p_items, p_read_back),
    null::uuid, null::bigint, null::int, null::bigint, null::bigint, null::text;
end $$;

-- All content has arrived and its names are known. Equal to the head: the head is checked, nothing else
-- happens ('unchanged'). Else the version gets its row, its generation and its place in the chain.
-- p_about: family, model, firmware, language, charset, name of the device.
create function store.stage_version(p_id uuid, p_tenant uuid, p_device uuid, p_kind text, p_run uuid, p_job uuid,
  p_attempt int, p_token bigint, p_request uuid, p_op text, p_items text[], p_serial text, p_format text,
  p_names text[], p_oids bytea[], p_read_back boolean, p_about text[])
returns table (verdict text, id uuid, generation bigint, entries int, bytes_plain bigint, bytes_stored bigint,
  flags text, prev_generation bigint, prev_digest bytea, now_at timestamptz)
language plpgsql as $$
declare
  why text;
  last record;
  prev uuid;
begin
  why := store.fence(p_device, p_token, p_request, p_kind, p_op, p_items, p_read_back);
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
      prev_id, prev_digest, request, op, lock_items, format, read_back, family, model, firmware, language, charset, device_name)
    values (p_id, p_tenant, p_device, p_kind, coalesce(last.generation, 0) + 1, p_run, p_job, p_attempt, p_token, p_serial,
      prev, coalesce(last.digest, decode(repeat('00', 32), 'hex')), p_request, p_op, p_items, p_format, p_read_back,
      p_about[1], p_about[2], p_about[3], p_about[4], p_about[5], p_about[6])
    on conflict (run_id, device_id, kind) do update set id = excluded.id, state = 'staged',
      generation = excluded.generation, job_id = excluded.job_id, attempt = excluded.attempt, token = excluded.token,
      serial = excluded.serial, prev_id = excluded.prev_id, prev_digest = excluded.prev_digest,
      request = excluded.request, op = excluded.op, lock_items = excluded.lock_items, format = excluded.format,
      read_back = excluded.read_back, family = excluded.family, model = excluded.model, firmware = excluded.firmware,
      language = excluded.language, charset = excluded.charset, device_name = excluded.device_name,
      created_at = clock_timestamp(), note = null
    where v.state not in ('committed','condemned','erased');
  return query select 'staged'::text, p_id, coalesce(last.generation, 0) + 1, null::int, null::bigint, null::bigint,
    null::text, coalesce(last.generation, 0), coalesce(last.digest, decode(repeat('00', 32), 'hex')), clock_timestamp();
end $$;

-- The version comes to exist, or not at all; one row, why. p_replaces: incarnation that this file stands in
-- for, because the catalogue's could not be opened; 0 = none.
create or replace function store.commit_version(p_id uuid, p_vault uuid, p_manifest bytea, p_digest bytea, p_signature bytea,
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
  why := store.fence(v.device_id, v.token, v.request, v.kind, v.op, v.lock_items, v.read_back);
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

revoke all on function store.fence(uuid, bigint, uuid, text, text, text[], boolean),
  store.begin_version(uuid, text, uuid, bigint, uuid, text, text[], boolean),
  store.stage_version(uuid, uuid, uuid, text, uuid, uuid, int, bigint, uuid, text, text[], text, text, text[], bytea[], boolean, text[])
  from public;
grant execute on function store.fence(uuid, bigint, uuid, text, text, text[], boolean),
  store.begin_version(uuid, text, uuid, bigint, uuid, text, text[], boolean),
  store.stage_version(uuid, uuid, uuid, text, uuid, uuid, int, bigint, uuid, text, text[], text, text, text[], bytea[], boolean, text[])
  to carnet_storage;
