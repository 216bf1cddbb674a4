-- SPDX-License-Identifier: Apache-2.0
-- A person takes a file away that was uploaded. It is condemned like a version that no rule keeps: it can be brought back
-- until its time is over. The floors of backups (ST-7, ST-8) are not those of files; a protection holds.

-- What names this version as its source, in words of people; null = nothing does.
create function sched.names_version(p_version uuid) returns text
language sql stable as $$
  select t.what from (
    select 'task ' || k.name as what from sched.task k where k.settings->>'source' = p_version::text
    union all
    select 'run ' || r.id || ' of task ' || r.task_name from sched.run r
     where r.state < 6 and r.settings->>'source' = p_version::text) t limit 1
$$;
revoke all on function sched.names_version(uuid) from public;

-- A file is the head of nothing but itself.
create or replace function store.head_guard() returns trigger language plpgsql as $$
declare v store.version;
begin
  perform store.guard_isolation();
  if tg_op = 'DELETE' then
    if old.kind = 'file' then return old; end if;
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

drop trigger condemn_guard on store.version;
create trigger condemn_guard before update of state on store.version for each row
  when (new.state = 'condemned' and old.state <> 'condemned' and old.kind <> 'file') execute function store.condemn_guard();

-- '' = done, also when it was done before; else why not, and by what.
create function store.file_delete(p_tenant uuid, p_id uuid, p_by text) returns table (why text, names text)
language plpgsql security definer set search_path = pg_catalog as $$
declare
  v record;
  used text;
begin
  select x.state, x.protected_until > clock_timestamp() as protected into v from store.version x
   where x.tenant_id = p_tenant and x.id = p_id and x.kind = 'file' and x.state in ('committed','condemned') for update;
  if not found then return query select 'no_file', ''; return; end if;
  if v.state = 'condemned' then return query select '', ''; return; end if;
  used := sched.names_version(p_id);
  if v.protected then return query select 'protected', ''; return; end if;
  if used is not null then return query select 'in_use', used; return; end if;
  delete from store.head h where h.version_id = p_id and h.kind = 'file';
  perform store.condemn(p_tenant, array[p_id], array[coalesce((select r.held_days from store.retention r
    where r.tenant_id = p_tenant and r.kind in ('file', '') order by r.kind desc limit 1), 7)], p_by);
  return query select '', '';
end $$;
revoke all on function store.file_delete(uuid, uuid, text) from public;
grant execute on function store.file_delete(uuid, uuid, text) to carnet_storage;
