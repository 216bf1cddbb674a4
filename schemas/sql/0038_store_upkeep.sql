-- SPDX-License-Identifier: Apache-2.0
-- Upkeep of vaults (docs/spec/storage.md sections 12 to 14): collection of what no version names, scrub, quotas.

-- ---- collection (section 13) ----

-- A file that is to be removed from a vault. It may outlive its object's row, which may have a new file meanwhile.
create table store.removal (
  tenant_id uuid not null, vault_id uuid not null references store.vault on delete cascade,
  oid bytea not null check (length(oid) = 32), incarnation bigint not null,
  primary key (vault_id, oid, incarnation)
);
create index object_leaving on store.object (tenant_id, condemned_at) where state <> 'live';
create index copy_erase_pending on store.copy (vault_id) where state = 'erase_pending';

-- Whoever refers to an object holds its row until the reference is committed, and comes too late when its file is
-- about to be removed: the transaction is repeated and finds out.
create function store.reference_guard() returns trigger language plpgsql as $$
begin
  perform 1 from store.object o join added a on o.tenant_id = a.tenant_id and o.oid = a.oid order by o.oid for share of o;
  if exists (select 1 from added a join store.object o on o.tenant_id = a.tenant_id and o.oid = a.oid and o.state = 'deleting') then
    raise exception 'object_deleting' using errcode = '40001';
  end if;
  return null;
end $$;
create trigger reference_guard after insert on store.version_object referencing new table as added
  for each statement execute function store.reference_guard();

-- Step 1 and 2: objects of one slice of names that no version names. Who refers to them brings them back.
create function store.collect_condemn(p_tenant uuid, p_slice int, p_age_ms bigint) returns bigint language sql as $$
  with gone as (
    update store.object o set state = 'condemned', condemned_at = clock_timestamp()
     where o.tenant_id = p_tenant and o.oid in (
       select x.oid from store.object x
        where x.tenant_id = p_tenant and x.state = 'live' and x.created_at < clock_timestamp() - p_age_ms * interval '1 ms'
          and x.oid >= decode(lpad(to_hex(p_slice), 2, '0') || repeat('00', 31), 'hex')
          and x.oid <= decode(lpad(to_hex(p_slice), 2, '0') || repeat('ff', 31), 'hex')
          and not exists (select 1 from store.version_object v where v.tenant_id = x.tenant_id and v.oid = x.oid)
        for update skip locked)
    returning 1)
  select count(*) from gone
$$;
-- Step 3: looked at once more under the row's lock. Those that are named again live; of the others the files are to go.
create function store.collect_doom(p_tenant uuid, p_age_ms bigint, p_n int) returns bigint language plpgsql as $$
declare
  o record;
  n bigint := 0;
begin
  for o in select x.oid, x.incarnation from store.object x
            where x.tenant_id = p_tenant and x.state = 'condemned' and x.condemned_at < clock_timestamp() - p_age_ms * interval '1 ms'
            order by x.condemned_at limit p_n for update skip locked loop
    if exists (select 1 from store.version_object v where v.tenant_id = p_tenant and v.oid = o.oid) then
      update store.object x set state = 'live', condemned_at = null where x.tenant_id = p_tenant and x.oid = o.oid;
    else
      update store.object x set state = 'deleting' where x.tenant_id = p_tenant and x.oid = o.oid;
      insert into store.removal (tenant_id, vault_id, oid, incarnation)
        select p_tenant, v.id, o.oid, o.incarnation from store.vault v where v.tenant_id = p_tenant and v.role <> 'mail'
        on conflict do nothing;
    end if;
    n := n + 1;
  end loop;
  return n;
end $$;
-- Step 5: these files are no longer in this vault. The row goes with the last of them, if it has no other file by now.
create function store.collect_done(p_tenant uuid, p_vault uuid, p_oids bytea[], p_incarnations bigint[]) returns void
language plpgsql security definer set search_path = pg_catalog as $$
begin
  delete from store.removal r using unnest(p_oids, p_incarnations) as u(oid, incarnation)
   where r.tenant_id = p_tenant and r.vault_id = p_vault and r.oid = u.oid and r.incarnation = u.incarnation;
  delete from store.object o using unnest(p_oids, p_incarnations) as u(oid, incarnation)
   where o.tenant_id = p_tenant and o.oid = u.oid and o.incarnation = u.incarnation and o.state = 'deleting'
     and not exists (select 1 from store.removal r where r.oid = u.oid and r.incarnation = u.incarnation);
end $$;
-- The key of these erased versions is no longer in this vault.
create function store.slots_gone(p_vault uuid, p_versions uuid[]) returns void
language sql security definer set search_path = pg_catalog as $$
  delete from store.copy where vault_id = p_vault and version_id = any(p_versions) and state = 'erase_pending'
$$;

-- ---- scrub (ST-72, ST-73) ----

create index copy_scrub on store.copy (vault_id, (coalesce(scrubbed_at, verified_at, '-infinity'))) where state = 'verified';
-- The copies of a vault that were looked at longest ago, and not for p_age.
create function store.scrub_next(p_vault uuid, p_age_ms bigint, p_n int)
returns table (version_id uuid, bytes bigint, seen_at timestamptz) language sql stable as $$
  select c.version_id, coalesce(c.bytes, 0), coalesce(c.scrubbed_at, c.verified_at)
    from store.copy c join store.version v on v.id = c.version_id and v.state in ('committed','condemned')
   where c.vault_id = p_vault and c.state = 'verified'
     and coalesce(c.scrubbed_at, c.verified_at, '-infinity') < clock_timestamp() - p_age_ms * interval '1 ms'
   order by coalesce(c.scrubbed_at, c.verified_at, '-infinity') limit p_n
$$;

-- ---- quotas (section 14) ----

create table store.quota (
  tenant_id uuid primary key,
  bytes bigint, versions bigint, devices bigint, exports_per_hour int, mails_per_day int -- null = no limit
);
-- What a tenant has, in parts so that commits do not wait for each other; kept by trigger.
create table store.usage (
  tenant_id uuid not null, shard smallint not null,
  bytes bigint not null default 0, versions bigint not null default 0, devices bigint not null default 0,
  primary key (tenant_id, shard)
);
insert into store.usage (tenant_id, shard, bytes, versions, devices)
  select tenant_id, abs(hashtext(device_id::text) % 16), sum(bytes_stored), count(*), count(distinct device_id)
    from store.version where state in ('committed','condemned') group by 1, 2;
create table store.reservation (                     -- made at store_begin, settled by the commit
  run_id uuid not null, device_id uuid not null, kind text not null,
  tenant_id uuid not null, bytes bigint not null, until timestamptz not null,
  primary key (run_id, device_id, kind)
);
create index reservation_tenant on store.reservation (tenant_id);

create function store.usage_count() returns trigger language plpgsql security definer set search_path = pg_catalog as $$
declare
  was boolean := old.state in ('committed','condemned');
  now_is boolean := new.state in ('committed','condemned');
  first boolean;
begin
  if was = now_is then return null; end if;
  first := not exists (select 1 from store.version v where v.device_id = new.device_id and v.id <> new.id
                         and v.state in ('committed','condemned'));
  insert into store.usage as u (tenant_id, shard, bytes, versions, devices)
    values (new.tenant_id, abs(hashtext(new.device_id::text) % 16), 0, 0, 0) on conflict do nothing;
  update store.usage set bytes = bytes + case when now_is then 1 else -1 end * coalesce(new.bytes_stored, 0),
         versions = versions + case when now_is then 1 else -1 end,
         devices = devices + case when not first then 0 when now_is then 1 else -1 end
   where tenant_id = new.tenant_id and shard = abs(hashtext(new.device_id::text) % 16);
  delete from store.reservation where run_id = new.run_id and device_id = new.device_id and kind = new.kind;
  return null;
end $$;
create trigger usage_count after update of state on store.version for each row
  when (new.state is distinct from old.state) execute function store.usage_count();

-- '' = there is no quota; 'reserved' = there is room, and it is kept for this stream; else which limit, use and limit:
-- 'bytes 1234 of 1000'.
create function store.reserve(p_tenant uuid, p_run uuid, p_device uuid, p_kind text, p_ms bigint) returns text
language plpgsql as $$
declare
  q store.quota;
  u record;
  r record;
  want bigint;
  fresh int;
begin
  select * into q from store.quota where tenant_id = p_tenant for update;
  if not found then return ''; end if;
  select coalesce(sum(bytes), 0) as bytes, coalesce(sum(versions), 0) as versions, coalesce(sum(devices), 0) as devices
    into u from store.usage where tenant_id = p_tenant;
  select coalesce(sum(bytes), 0) as bytes, count(*) as versions into r from store.reservation
   where tenant_id = p_tenant and until > clock_timestamp() and (run_id, device_id, kind) is distinct from (p_run, p_device, p_kind);
  -- as much as the newest took
  select coalesce(max(v.bytes_stored), 65536) into want from store.head h join store.version v on v.id = h.version_id
   where h.device_id = p_device and h.kind = p_kind;
  fresh := case when exists (select 1 from store.version v where v.device_id = p_device and v.state in ('committed','condemned')) then 0 else 1 end;
  if u.bytes + r.bytes + want > q.bytes then return format('bytes %s of %s', u.bytes + r.bytes, q.bytes); end if;
  if u.versions + r.versions + 1 > q.versions then return format('versions %s of %s', u.versions + r.versions, q.versions); end if;
  if u.devices + fresh > q.devices then return format('devices %s of %s', u.devices, q.devices); end if;
  insert into store.reservation as x (run_id, device_id, kind, tenant_id, bytes, until)
    values (p_run, p_device, p_kind, p_tenant, want, clock_timestamp() + p_ms * interval '1 ms')
    on conflict (run_id, device_id, kind) do update set until = excluded.until, bytes = excluded.bytes;
  return 'reserved';
end $$;
-- A stream ended without a version.
create function store.release(p_run uuid, p_device uuid, p_kind text) returns void
language sql security definer set search_path = pg_catalog as $$
  delete from store.reservation where run_id = p_run and device_id = p_device and kind = p_kind
$$;

revoke all on function store.collect_condemn(uuid, int, bigint), store.collect_doom(uuid, bigint, int),
  store.collect_done(uuid, uuid, bytea[], bigint[]), store.slots_gone(uuid, uuid[]), store.scrub_next(uuid, bigint, int),
  store.reserve(uuid, uuid, uuid, text, bigint), store.release(uuid, uuid, text), store.usage_count() from public;
grant execute on function store.collect_condemn(uuid, int, bigint), store.collect_doom(uuid, bigint, int),
  store.collect_done(uuid, uuid, bytea[], bigint[]), store.slots_gone(uuid, uuid[]), store.scrub_next(uuid, bigint, int),
  store.reserve(uuid, uuid, uuid, text, bigint), store.release(uuid, uuid, text) to carnet_storage;
grant select, insert on store.removal, store.usage to carnet_storage;
grant select, insert, update, delete on store.quota, store.reservation to carnet_storage;
