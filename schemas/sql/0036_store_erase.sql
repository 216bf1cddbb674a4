-- SPDX-License-Identifier: Apache-2.0
-- Orders to erase (docs/spec/storage.md ST-18, ST-31): one person asks, another approves within 7 days, and in the same
-- transaction the keys are destroyed. What media still hold of them is told by copies in state erase_pending. And rotation.
alter table store.erase_order
  alter column asked_by type text using asked_by::text,
  alter column approved_by type text using approved_by::text,
  add column asked_at timestamptz not null default clock_timestamp(),
  add column versions bigint not null default 0;       -- how many were erased by it
create index version_key_kek on store.version_key (kek_id) where wrapped_dek is not null;

create function store.erase_ask(p_tenant uuid, p_id uuid, p_device uuid, p_version uuid, p_reason text, p_by text)
returns text language plpgsql as $$
begin
  if not exists (select 1 from store.version v where v.tenant_id = p_tenant and (v.device_id = p_device or v.id = p_version)
                    and v.state in ('committed','condemned')) then
    return 'no_version';
  end if;
  insert into store.erase_order (id, tenant_id, device_id, version_id, reason, asked_by)
    values (p_id, p_tenant, p_device, p_version, p_reason, p_by) on conflict (id) do nothing;
  return 'asked';
end $$;

-- The newest version that is left, whole and with its key, is the head again.
create function store.head_again(p_device uuid, p_kind text) returns void language sql as $$
  insert into store.head (tenant_id, device_id, kind, version_id, generation, last_check_at)
  select v.tenant_id, v.device_id, v.kind, v.id, v.generation, v.committed_at from store.version v
   where v.device_id = p_device and v.kind = p_kind and v.state = 'committed' and not v.flags && array['torn','partial']
     and exists (select 1 from store.version_key k where k.version_id = v.id and k.wrapped_dek is not null)
     and exists (select 1 from store.copy c where c.version_id = v.id and c.state = 'verified')
   order by v.generation desc limit 1
$$;

create function store.erase_approve(p_tenant uuid, p_id uuid, p_by text) returns text
language plpgsql security definer set search_path = pg_catalog as $$
declare
  o store.erase_order;
  ids uuid[];
begin
  select * into o from store.erase_order where id = p_id and tenant_id = p_tenant for update;
  if not found then return 'no_order'; end if;
  if o.executed_at is not null then return 'erased'; end if;
  if o.asked_by = p_by then return 'second_person'; end if;
  if o.asked_at < clock_timestamp() - interval '7 days' then return 'order_expired'; end if;
  update store.erase_order set approved_by = p_by, approved_at = clock_timestamp() where id = p_id;

  -- what is on its way to this device is not stored any more
  update store.version set state = 'failed', note = 'erased'
   where tenant_id = p_tenant and device_id = o.device_id and state in ('staged','written','verified');
  select array_agg(x.id) into ids from (select v.id from store.version v where v.tenant_id = p_tenant
     and (v.device_id = o.device_id or v.id = o.version_id) and v.state in ('committed','condemned') order by v.id for update) x;
  ids := coalesce(ids, '{}');
  delete from store.head where version_id = any(ids);
  delete from store.version_object where version_id = any(ids);
  update store.version_key set wrapped_dek = null where version_id = any(ids);
  delete from store.copy where version_id = any(ids) and state = 'queued';
  update store.copy set state = 'erase_pending' where version_id = any(ids) and state <> 'erase_pending';
  update store.version set state = 'erased', held_until = null, protected_until = null where id = any(ids);
  perform store.head_again(x.device_id, x.kind) from (select distinct v.device_id, v.kind from store.version v where v.id = any(ids)) x
    where not exists (select 1 from store.head y where y.device_id = x.device_id and y.kind = x.kind);
  update store.erase_order set executed_at = clock_timestamp(), versions = cardinality(ids) where id = p_id;
  return 'erased';
end $$;

revoke all on function store.erase_ask(uuid, uuid, uuid, uuid, text, text),
  store.head_again(uuid, text), store.erase_approve(uuid, uuid, text) from public;
grant execute on function store.erase_ask(uuid, uuid, uuid, uuid, text, text),
  store.erase_approve(uuid, uuid, text) to carnet_storage;
