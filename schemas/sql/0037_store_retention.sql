-- SPDX-License-Identifier: Apache-2.0
-- Retention (docs/spec/storage.md section 11): policies, what persons protect, how a version is condemned, brought back
-- and erased. What may go is chosen in services/storage/retention.c; the floors ST-7, ST-8 and a person's protection
-- are also kept here, whoever asks.
create table store.retention (
  tenant_id  uuid not null,
  kind       text not null default '',              -- '' = of all kinds that have none of their own
  last int not null default 0, hourly int not null default 0, daily int not null default 0, weekly int not null default 0,
  monthly int not null default 0, yearly int not null default 0, within_days int not null default 0,
  keep_min   int not null default 3 check (keep_min >= 1),
  held_days  int not null default 7 check (held_days >= 1),
  time_zone  text not null default 'UTC',
  changed_by text not null default '', changed_at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, kind)
);
alter table store.version
  add column protected_until timestamptz,           -- by a person; infinity = without end
  add column condemned_by text;
create index version_condemned on store.version (held_until) where state = 'condemned';

-- Who asked for a prune that needs a second person (ST-70).
create table store.prune_plan (
  tenant_id uuid not null, hash bytea not null check (length(hash) = 32),
  asked_by text not null, asked_at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, hash)
);
-- The database's clock against one that cannot be set (ST-71), per start of a machine.
create table store.retention_clock (
  tenant_id uuid not null, boot text not null, db_at timestamptz not null, boot_ms bigint not null,
  primary key (tenant_id, boot)
);
-- What one of the storage instances does from time to time.
create table store.chore (
  tenant_id uuid not null, name text not null,
  next_at timestamptz not null, claimed_until timestamptz not null default '-infinity', owner uuid,
  ended_at timestamptz, outcome text not null default '',
  primary key (tenant_id, name)
);

create function store.keep_min(p_tenant uuid, p_kind text) returns int language sql stable as $$
  select coalesce((select r.keep_min from store.retention r where r.tenant_id = p_tenant and r.kind in (p_kind, '')
                    order by r.kind desc limit 1), 3)
$$;

-- ST-7: is this, in some vault, the newest verified copy of its device and kind?
create function store.awaits_successor(p_version uuid, p_device uuid, p_kind text, p_generation bigint)
returns boolean language sql stable as $$
  select exists (select 1 from store.copy c where c.version_id = p_version and c.state = 'verified' and not exists (
    select 1 from store.version w join store.copy d on d.version_id = w.id
     where w.device_id = p_device and w.kind = p_kind and w.generation > p_generation and w.state = 'committed'
       and not w.flags && array['torn','partial'] and d.vault_id = c.vault_id and d.state = 'verified'))
$$;

create function store.condemn_guard() returns trigger language plpgsql as $$
begin
  perform 1 from store.head h where h.device_id = old.device_id and h.kind = old.kind for update; -- one at a time
  if old.state <> 'committed' then
    raise exception 'not_committed: version %', old.id using errcode = 'CN001';
  end if;
  if old.protected_until > clock_timestamp() then
    raise exception 'protected: version %', old.id using errcode = 'CN001';
  end if;
  if store.awaits_successor(old.id, old.device_id, old.kind, old.generation) or not exists (
       select 1 from store.version w where w.device_id = old.device_id and w.kind = old.kind
          and w.generation > old.generation and w.state = 'committed') then
    raise exception 'last_verified_protected: version %', old.id using errcode = 'CN001';
  end if;
  if (select count(*) from store.version w where w.device_id = old.device_id and w.kind = old.kind and w.id <> old.id
        and w.state = 'committed') < store.keep_min(old.tenant_id, old.kind) then
    raise exception 'keep_min: version %', old.id using errcode = 'CN001';
  end if;
  return new;
end $$;
create trigger condemn_guard before update of state on store.version for each row
  when (new.state = 'condemned' and old.state <> 'condemned') execute function store.condemn_guard();

-- Brought back, a version was never out of the index.
drop trigger book_enqueue on store.version;
create trigger book_enqueue after update of state on store.version for each row
  when (new.state = 'committed' and old.state not in ('committed','condemned') and new.kind = 'address_book')
  execute function store.book_enqueue();

-- How many of these are condemned now.
create function store.condemn(p_tenant uuid, p_ids uuid[], p_held_days int[], p_by text) returns bigint language sql as $$
  with done as (
    update store.version v set state = 'condemned', condemned_by = p_by,
           held_until = clock_timestamp() + greatest(u.days, 1) * interval '1 day'
      from unnest(p_ids, p_held_days) as u(id, days)
     where v.id = u.id and v.tenant_id = p_tenant and v.state = 'committed'
    returning 1)
  select count(*) from done
$$;

-- Condemned long enough: the key goes, the contents are no longer named by it, manifest and row stay (ST-39).
create function store.erase_due(p_tenant uuid, p_n int) returns bigint
language plpgsql security definer set search_path = pg_catalog as $$
declare
  v uuid;
  n bigint := 0;
begin
  for v in select id from store.version where tenant_id = p_tenant and state = 'condemned' and held_until < clock_timestamp()
            order by held_until limit p_n for update skip locked loop
    delete from store.version_object where version_id = v;
    update store.version_key set wrapped_dek = null where version_id = v;
    update store.copy set state = 'erase_pending' where version_id = v;
    update store.version set state = 'erased' where id = v;
    n := n + 1;
  end loop;
  return n;
end $$;

-- Takes a chore that is due; who took it before keeps it until its time is over.
create function store.chore_claim(p_tenant uuid, p_name text, p_owner uuid, p_every_ms bigint, p_lease_ms bigint)
returns boolean language plpgsql as $$
begin
  -- what happens once a day begins at 02:30 UTC
  insert into store.chore (tenant_id, name, next_at) values (p_tenant, p_name, case when p_every_ms < 86400000
      then clock_timestamp() else date_trunc('day', clock_timestamp(), 'UTC') + interval '26.5 hours' end)
    on conflict do nothing;
  update store.chore set claimed_until = clock_timestamp() + p_lease_ms * interval '1 ms', owner = p_owner
   where tenant_id = p_tenant and name = p_name and next_at <= clock_timestamp() and claimed_until < clock_timestamp();
  return found;
end $$;
create function store.chore_done(p_tenant uuid, p_name text, p_owner uuid, p_every_ms bigint, p_outcome text)
returns void language sql as $$
  update store.chore set claimed_until = '-infinity', ended_at = clock_timestamp(), outcome = p_outcome,
         next_at = greatest(next_at, clock_timestamp() - p_every_ms * interval '1 ms') + p_every_ms * interval '1 ms'
   where tenant_id = p_tenant and name = p_name and owner = p_owner
$$;

revoke all on function store.condemn(uuid, uuid[], int[], text), store.erase_due(uuid, int),
  store.chore_claim(uuid, text, uuid, bigint, bigint), store.chore_done(uuid, text, uuid, bigint, text) from public;
grant execute on function store.condemn(uuid, uuid[], int[], text), store.erase_due(uuid, int),
  store.chore_claim(uuid, text, uuid, bigint, bigint), store.chore_done(uuid, text, uuid, bigint, text) to carnet_storage;
grant select, insert, update, delete on store.retention, store.prune_plan, store.retention_clock, store.chore to carnet_storage;
