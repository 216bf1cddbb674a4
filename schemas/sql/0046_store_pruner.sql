-- SPDX-License-Identifier: Apache-2.0
-- Who writes cannot delete (docs/spec/storage.md ST-49): whatever ends a version, a key, an object or a copy is done by the
-- functions below, as the role carnet_pruner, which may nothing else. Storage has two logins; with that of carnet_storage
-- alone no backup can be made to go, not now and not by what is prepared for the pruner.

-- The functions do it as their owner; whoever else is at the tables is refused.
create function store.is_owner(p_table oid) returns boolean language sql stable as $$
  select pg_catalog.pg_has_role(current_user, c.relowner, 'member') from pg_catalog.pg_class c where c.oid = p_table
$$;

create function store.pruner_guard() returns trigger language plpgsql as $$
begin
  if not store.is_owner(tg_relid) then
    raise exception 'pruner_only: this takes carnet_pruner' using errcode = 'CN006', table = tg_table_name;
  end if;
  return new;
end $$;

-- A committed version is condemned or brought back, no more; an erased one stays so.
create trigger pruner_guard before update of state on store.version for each row
  when (old.state in ('committed','condemned','erased') and new.state not in ('committed','condemned')
        or old.state = 'erased' and new.state <> 'erased'
        or new.state = 'erased' and old.state <> 'erased')
  execute function store.pruner_guard();
create trigger pruner_guard before update of wrapped_dek on store.version_key for each row
  when (new.wrapped_dek is null and old.wrapped_dek is not null) execute function store.pruner_guard();
create trigger pruner_guard before update of state on store.object for each row
  when (new.state = 'deleting' and old.state <> 'deleting') execute function store.pruner_guard();

-- A copy of an erased version is owed to a vault that is added later (ST-39); of another one it would cost the key.
create function store.copy_erase_guard() returns trigger language plpgsql as $$
begin
  if not store.is_owner(tg_relid)
     and not exists (select 1 from store.version v where v.id = new.version_id and v.state = 'erased') then
    raise exception 'pruner_only: version % is not erased', new.version_id using errcode = 'CN006';
  end if;
  return new;
end $$;
create trigger copy_erase_guard before insert or update of state on store.copy for each row
  when (new.state = 'erase_pending') execute function store.copy_erase_guard();

-- The time in which it can be brought back is not made shorter for the pruner to find (ST-70).
create function store.held_guard() returns trigger language plpgsql as $$
begin
  if not store.is_owner(tg_relid) and (new.held_until is null or new.held_until <
       case when old.state = 'condemned' then old.held_until else clock_timestamp() + interval '23 hours' end) then
    raise exception 'held_a_day: version %', new.id using errcode = 'CN006';
  end if;
  return new;
end $$;
create trigger held_guard before update of state, held_until on store.version for each row
  when (new.state = 'condemned') execute function store.held_guard();

alter function store.collect_condemn(uuid, int, bigint) security definer set search_path = pg_catalog;
alter function store.collect_doom(uuid, bigint, int) security definer set search_path = pg_catalog;
revoke all on function store.is_owner(oid), store.pruner_guard(), store.copy_erase_guard(), store.held_guard() from public;
grant execute on function store.is_owner(oid) to carnet_storage;
revoke execute on function store.erase_due(uuid, int), store.erase_approve(uuid, uuid, text),
  store.collect_condemn(uuid, int, bigint), store.collect_doom(uuid, bigint, int),
  store.collect_done(uuid, uuid, bytea[], bigint[]), store.slots_gone(uuid, uuid[]) from carnet_storage;
grant execute on function store.erase_due(uuid, int), store.erase_approve(uuid, uuid, text),
  store.collect_condemn(uuid, int, bigint), store.collect_doom(uuid, bigint, int),
  store.collect_done(uuid, uuid, bytea[], bigint[]), store.slots_gone(uuid, uuid[]) to carnet_pruner;
-- files to be removed are named by collect_doom alone; orders are approved by erase_approve alone; what a version
-- consists of never changes, of its key only how it is wrapped
revoke insert, update on store.removal from carnet_storage;
revoke update on store.erase_order, store.version_object, store.version_key from carnet_storage;
grant update (kek_id, wrapped_dek, rewrapped_at) on store.version_key to carnet_storage;
