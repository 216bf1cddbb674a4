-- SPDX-License-Identifier: Apache-2.0
-- An object that nobody could open when a version was staged may be opened when it is committed: after a crash of the
-- database one of two drafts of the same content commits with the file it had written, the other wants to put its own in
-- its place. The first one's key opens that file only. So nothing is replaced that a version committed since then
-- uses: the second draft is told object_taken, begins anew and finds the key.
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
   where o.tenant_id = v.tenant_id and o.oid = u.o and u.r <> 0 and o.incarnation = u.r
     and not exists (select 1 from store.version_object x join store.version w on w.id = x.version_id
       where x.tenant_id = v.tenant_id and x.oid = u.o and w.committed_at >= v.created_at);
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
