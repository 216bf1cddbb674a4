-- SPDX-License-Identifier: Apache-2.0
-- Copies in other vaults (docs/spec/storage.md ST-9, ST-48), restore drills (ST-74), and a backup that is made although
-- nothing changed, because no copy of the last one is good any more (ST-73).

-- ---- vaults beside the primary one ----

alter table store.vault
  add column place  text,                            -- of a dir: its path, as every instance sees it
  add column detail text not null default '';        -- why it cannot be used
create index copy_queued on store.copy (vault_id, version_id) where state = 'queued';
create index copy_bad on store.copy (vault_id, version_id) where state in ('damaged','missing');

-- A committed version is to be copied to every other vault.
create function store.copy_enqueue() returns trigger language plpgsql as $$
begin
  insert into store.copy (version_id, vault_id, state)
    select new.id, v.id, 'queued' from store.vault v
     where v.tenant_id = new.tenant_id and v.role = 'copy' and v.state <> 'retired'
    on conflict do nothing;
  return null;
end $$;
create trigger copy_enqueue after update of state on store.version for each row
  when (new.state = 'committed' and old.state not in ('committed','condemned')) execute function store.copy_enqueue();

-- What waits for this vault and can be read in another one; the newest of each device first. fixed = damaged or
-- missing ones that can be put right.
create function store.copy_next(p_vault uuid, p_n int)
returns table (version_id uuid, was text, source uuid) language sql stable as $$
  select c.version_id, c.state, s.vault_id
    from store.copy c join store.version v on v.id = c.version_id and v.state in ('committed','condemned')
    join lateral (select x.vault_id from store.copy x join store.vault w on w.id = x.vault_id
                   where x.version_id = c.version_id and x.vault_id <> c.vault_id and x.state = 'verified'
                   order by w.role = 'primary' desc limit 1) s on true
    left join store.head h on h.version_id = v.id and h.device_id = v.device_id and h.kind = v.kind
   where c.vault_id = p_vault and c.state in ('queued','damaged','missing')
   order by h.version_id is null, v.committed_at desc limit p_n
$$;
create function store.copy_put(p_vault uuid, p_version uuid, p_bytes bigint) returns void language sql as $$
  update store.copy set state = 'verified', verified_at = clock_timestamp(), scrubbed_at = null, bytes = p_bytes
   where vault_id = p_vault and version_id = p_version and state in ('queued','damaged','missing')
$$;

-- ---- drills ----

create table store.drill (
  id uuid primary key, tenant_id uuid not null,
  version_id uuid not null, device_id uuid not null, kind text not null, generation bigint not null,
  target_id uuid not null,                           -- the simulated printer
  at timestamptz not null default clock_timestamp(),
  outcome text not null check (outcome in ('equal','differs','failed')), detail text not null default '',
  run_id uuid
);
create index drill_device on store.drill (device_id, kind, at desc);

-- Newest versions that were not proven for p_age, those that waited longest first.
create function store.drill_next(p_tenant uuid, p_age_ms bigint, p_n int)
returns table (version_id uuid, device_id uuid, kind text, generation bigint, family text, model text) language sql stable as $$
  select v.id, v.device_id, v.kind, v.generation, v.family, v.model
    from store.head h join store.version v on v.id = h.version_id
    left join lateral (select max(d.at) as at from store.drill d where d.device_id = h.device_id and d.kind = h.kind) d on true
   where h.tenant_id = p_tenant and h.kind = 'address_book'
     and (d.at is null or d.at < clock_timestamp() - p_age_ms * interval '1 ms')
   order by d.at nulls first, v.committed_at limit p_n
$$;

-- ---- nothing changed, but no copy of the last version is good ----

-- As in 0032, and the head counts only while one of its copies is verified.
create or replace function store.stage_version(p_id uuid, p_tenant uuid, p_device uuid, p_kind text, p_run uuid, p_job uuid,
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
     and exists (select 1 from store.copy c where c.version_id = last.id and c.state = 'verified')
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

revoke all on function store.copy_next(uuid, int), store.copy_put(uuid, uuid, bigint), store.drill_next(uuid, bigint, int) from public;
grant execute on function store.copy_next(uuid, int), store.copy_put(uuid, uuid, bigint), store.drill_next(uuid, bigint, int)
  to carnet_storage;
grant select, insert on store.drill to carnet_storage;
