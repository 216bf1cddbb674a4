-- SPDX-License-Identifier: Apache-2.0
-- A passport per copy (docs/spec/storage.md section 6), and slots of copies that follow a rotation (ST-29).

alter table store.vault
  add column changes     bigint not null default 1,  -- of what its medium holds; of a vault for copies
  add column passport_of bigint not null default 0,  -- the changes that the newest passport knows
  add column passport    bigint not null default 0,  -- its serial number
  add column passport_at timestamptz;
alter table store.copy add column kek_id uuid;       -- under which its slot on that medium lies; null = as in version_key

create function store.copy_put(p_vault uuid, p_version uuid, p_bytes bigint, p_kek uuid) returns void language sql as $$
  update store.copy set state = 'verified', verified_at = clock_timestamp(), scrubbed_at = null, bytes = p_bytes, kek_id = p_kek
   where vault_id = p_vault and version_id = p_version and state in ('queued','damaged','missing');
  update store.vault set changes = changes + 1 where id = p_vault
$$;
drop function store.copy_put(uuid, uuid, bigint);

create or replace function store.slots_gone(p_vault uuid, p_versions uuid[]) returns void
language sql security definer set search_path = pg_catalog as $$
  delete from store.copy where vault_id = p_vault and version_id = any(p_versions) and state = 'erase_pending';
  update store.vault set changes = changes + 1 where id = p_vault and role = 'copy'
$$;

-- Slots of a vault that lie under another key than the versions do now; the versions stay as they are until the end of
-- the transaction: nobody erases one meanwhile.
create function store.copy_slots(p_vault uuid, p_n int)
returns table (version_id uuid, kek_id uuid, device_id uuid, kind text, generation bigint) language sql as $$
  select v.id, k.kek_id, v.device_id, v.kind, v.generation
    from store.copy c join store.version_key k on k.version_id = c.version_id and k.wrapped_dek is not null
    join store.version v on v.id = c.version_id and v.state in ('committed','condemned')
   where c.vault_id = p_vault and c.state = 'verified' and coalesce(c.kek_id <> k.kek_id, k.rewrapped_at is not null)
   order by c.version_id limit p_n for update of v skip locked
$$;

revoke all on function store.copy_put(uuid, uuid, bigint, uuid), store.copy_slots(uuid, int) from public;
grant execute on function store.copy_put(uuid, uuid, bigint, uuid), store.copy_slots(uuid, int) to carnet_storage;
