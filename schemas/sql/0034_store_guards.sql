-- SPDX-License-Identifier: Apache-2.0
-- What the guards of 0030 left open (docs/spec/storage.md ST-17, ST-18), each shown by a test that runs as the owner of
-- the tables: two removals in transactions that see old snapshots; a copy or key that is not removed but moved to another
-- version; items of the head; a torn version as head; an approved order that names only the version.
create function store.guard_isolation() returns void language plpgsql as $$
begin
  -- a guard that waited for another must see what that one did
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'guards_need_read_committed' using errcode = 'CN005';
  end if;
end $$;

create or replace function store.head_guard() returns trigger language plpgsql as $$
declare v store.version;
begin
  perform store.guard_isolation();
  if tg_op = 'DELETE' then
    if exists (select 1 from store.erase_order e where e.tenant_id = old.tenant_id
                 and (e.device_id = old.device_id or e.version_id = old.version_id)
                 and e.executed_at is null and e.approved_at > clock_timestamp() - interval '7 days') then return old; end if;
    raise exception 'last_verified_protected: device % still needs version %', old.device_id, old.version_id using errcode = 'CN001';
  end if;
  select * into v from store.version where id = new.version_id for share;
  if v.state <> 'committed' or v.verified_at is null or v.generation <> new.generation or v.flags && array['torn','partial']
     or (tg_op = 'UPDATE' and (new.device_id, new.kind) is distinct from (old.device_id, old.kind))
     or (tg_op = 'UPDATE' and new.generation < old.generation)
     or not exists (select 1 from store.version_key k where k.version_id = new.version_id and k.wrapped_dek is not null)
     or not exists (select 1 from store.copy c where c.version_id = new.version_id and c.state = 'verified') then
    raise exception 'head_not_verified: version %', new.version_id using errcode = 'CN002';
  end if;
  return new;
end $$;

create or replace function store.version_guard() returns trigger language plpgsql as $$
begin
  if exists (select 1 from store.head h where h.version_id = old.id)
     and (new.state <> 'committed' or new.flags && array['torn','partial']) then
    raise exception 'last_verified_protected: version %', old.id using errcode = 'CN001';
  end if;
  if old.digest is not null and (new.digest, new.manifest, new.prev_digest, new.signature)
       is distinct from (old.digest, old.manifest, old.prev_digest, old.signature)
     and old.state in ('verified','committed','condemned','erased') then
    raise exception 'manifest_immutable: version %', old.id using errcode = 'CN003';
  end if;
  return new;
end $$;

-- Of the head's last verified copy only the truth may be said: that it is damaged or missing.
create or replace function store.copy_guard() returns trigger language plpgsql as $$
begin
  perform store.guard_isolation();
  perform 1 from store.version where id = old.version_id for update;   -- two guards never run side by side
  if tg_op = 'UPDATE' and (new.version_id, new.vault_id) is distinct from (old.version_id, old.vault_id) then
    raise exception 'copy_stays: version %', old.version_id using errcode = 'CN003';
  end if;
  if old.state in ('verified','damaged','missing','written')
     and (tg_op = 'DELETE' or new.state in ('erase_pending','queued','sent') or (old.state = 'verified' and new.state = 'written'))
     and exists (select 1 from store.head h where h.version_id = old.version_id)
     and not exists (select 1 from store.copy c where c.version_id = old.version_id
                     and c.vault_id <> old.vault_id and c.state = 'verified') then
    raise exception 'last_copy_protected: version %', old.version_id using errcode = 'CN001';
  end if;
  return coalesce(new, old);
end $$;

create or replace function store.key_guard() returns trigger language plpgsql as $$
begin
  perform store.guard_isolation();
  perform 1 from store.version where id = old.version_id for update;
  if tg_op = 'UPDATE' and (new.version_id <> old.version_id or (old.wrapped_dek is null and new.wrapped_dek is not null)) then
    raise exception 'key_stays: version %', old.version_id using errcode = 'CN003';
  end if;
  if (tg_op = 'DELETE' or (old.wrapped_dek is not null and new.wrapped_dek is null))
     and exists (select 1 from store.head h where h.version_id = old.version_id) then
    raise exception 'last_verified_protected: key of version %', old.version_id using errcode = 'CN001';
  end if;
  return coalesce(new, old);
end $$;

create function store.item_guard() returns trigger language plpgsql as $$
begin
  perform store.guard_isolation();
  perform 1 from store.version where id = old.version_id for update;
  if exists (select 1 from store.head h where h.version_id = old.version_id) then
    raise exception 'last_verified_protected: items of version %', old.version_id using errcode = 'CN001';
  end if;
  return coalesce(new, old);
end $$;
create trigger item_guard before update of version_id, tenant_id, oid, item_no, wrapped_key or delete on store.version_object
  for each row execute function store.item_guard();

-- What a version refers to is not on its way out (section 13).
create function store.object_guard() returns trigger language plpgsql as $$
begin
  if exists (select 1 from store.version_object x where x.tenant_id = old.tenant_id and x.oid = old.oid) then
    raise exception 'object_in_use: %', encode(old.oid, 'hex') using errcode = 'CN001';
  end if;
  return new;
end $$;
create trigger object_guard before update on store.object
  for each row when (new.state = 'deleting' and old.state <> 'deleting') execute function store.object_guard();

create trigger no_truncate before truncate on store.object         for each statement execute function store.no_truncate();
create trigger no_truncate before truncate on store.version_object for each statement execute function store.no_truncate();
create trigger no_truncate before truncate on store.version_key    for each statement execute function store.no_truncate();
create trigger no_truncate before truncate on store.erase_order    for each statement execute function store.no_truncate();

-- An order is asked for first, approved later by somebody else, executed once, and stays as it is.
create function store.erase_order_guard() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then raise exception 'erase_order_stays' using errcode = 'CN003'; end if;
  if tg_op = 'INSERT' then
    if new.approved_by is not null or new.approved_at is not null or new.executed_at is not null
       or (new.device_id is null) = (new.version_id is null) then
      raise exception 'erase_order_two_persons' using errcode = 'CN003';
    end if;
    return new;
  end if;
  if (new.id, new.tenant_id, new.device_id, new.version_id, new.reason, new.asked_by)
       is distinct from (old.id, old.tenant_id, old.device_id, old.version_id, old.reason, old.asked_by)
     or (old.approved_by is not null and (new.approved_by, new.approved_at) is distinct from (old.approved_by, old.approved_at))
     or (new.approved_by is null) <> (new.approved_at is null)
     or (old.executed_at is not null and new.executed_at is distinct from old.executed_at)
     or (new.executed_at is not null and new.approved_by is null) then
    raise exception 'erase_order_two_persons' using errcode = 'CN003';
  end if;
  return new;
end $$;
create trigger erase_order_guard before insert or update or delete on store.erase_order
  for each row execute function store.erase_order_guard();
