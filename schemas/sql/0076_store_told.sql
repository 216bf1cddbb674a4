-- SPDX-License-Identifier: Apache-2.0
-- What storage tells: in the transaction of the state, into the one outbox of the system (docs/spec/fleet.md section 10).

-- A copy that was good is not any more (storage.md ST-73): one event per vault until somebody takes it.
create function store.copy_told() returns trigger
language plpgsql set search_path = pg_catalog as $$
declare
  place jsonb;
  item jsonb;
begin
  select jsonb_build_object('vault', v.id, 'vault_name', v.name) into place from store.vault v where v.id = new.vault_id;
  select jsonb_build_object('version', v.id, 'device', v.device_id, 'kind', v.kind, 'generation', v.generation,
           'state', new.state, 'good_copies', (select count(*) from store.copy c
              where c.version_id = v.id and c.vault_id <> new.vault_id and c.state = 'verified'))
    into item from store.version v where v.id = new.version_id;
  perform sched.tell_more('vault.verify_failed', 'vault/' || new.vault_id, place, item);
  if item ->> 'good_copies' = '0' then
    perform sched.tell_more('alarm.data_loss', 'vault/' || new.vault_id, place, item);
  end if;
  return null;
end $$;
create trigger copy_told after update of state on store.copy for each row
  when (old.state = 'verified' and new.state in ('damaged', 'missing')) execute function store.copy_told();

-- A book is not what it was. The same version is the same event however often it is read, and no news after a week.
create function store.book_told() returns trigger
language plpgsql set search_path = pg_catalog as $$
declare
  v record;
  changed bigint;
begin
  if not sched.is_wanted('book.changed') then
    return null;
  end if;
  select run_id, committed_at into v from store.version where id = new.version_id;
  if v.committed_at < clock_timestamp() - interval '7 days'
     or not exists (select from store.book b where b.device_id = new.device_id and b.generation < new.generation and b.state = 'indexed') then
    return null;
  end if;
  -- an entry of which the place stayed: the same number, or without one the same key
  with spot as (
    select p.slot, p.number, case when p.number = 0 then p.key end as key, p.since_gen = new.generation as opened
      from store.book_presence p where p.device_id = new.device_id
       and (p.since_gen = new.generation or p.until_gen = new.generation))
  select count(*) into changed from (
    select 1 from spot group by slot, number, key having bool_or(opened) and not bool_and(opened)) both_sides;
  perform sched.tell(overlay(new.version_id::text placing 'b0' from 35)::uuid, 'book.changed', 'device/' || new.device_id,
    jsonb_build_object('device', new.device_id, 'version', new.version_id, 'generation', new.generation, 'run', v.run_id,
      'entries', new.entries, 'added', greatest(new.opened - changed, 0), 'changed', changed,
      'removed', greatest(new.closed - changed, 0),
      'changes', changed + greatest(new.opened - changed, 0) + greatest(new.closed - changed, 0)));
  return null;
end $$;
create trigger book_told after insert on store.book for each row
  when (new.state = 'indexed' and new.opened + new.closed > 0) execute function store.book_told();

-- A version that did not come back equal from a drill (storage.md ST-74).
create function store.drill_told() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
  perform sched.tell(null, 'alarm.drill_failed', 'device/' || new.device_id,
    jsonb_build_object('device', new.device_id, 'version', new.version_id, 'kind', new.kind, 'generation', new.generation,
      'outcome', new.outcome));
  return null;
end $$;
create trigger drill_told after insert on store.drill for each row
  when (new.outcome <> 'equal') execute function store.drill_told();
grant execute on function store.copy_told, store.book_told, store.drill_told to carnet_storage;
