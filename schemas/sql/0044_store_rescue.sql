-- SPDX-License-Identifier: Apache-2.0
-- The newest version of a device of which no copy is good any more: the device is backed up again at once (ST-73).

alter table store.version add column rescued_at timestamptz;  -- a new backup was asked for, in place of this one

-- With the newest run that read the device; a run that wrote to it is none that may be repeated.
create function store.rescue_next(p_tenant uuid, p_n int)
returns table (version_id uuid, device_id uuid, run_id uuid) language sql stable as $$
  select h.version_id, h.device_id, r.run_id
    from store.head h join store.version v on v.id = h.version_id
    join lateral (select x.run_id from store.version x where x.device_id = h.device_id and x.kind = h.kind
                   and not x.read_back and x.state in ('committed','condemned','erased') order by x.generation desc limit 1) r on true
   where h.tenant_id = p_tenant and h.kind in ('address_book','settings')
     and h.version_id in (select c.version_id from store.copy c where c.state in ('damaged','missing'))
     and not exists (select from store.copy c where c.version_id = h.version_id and c.state = 'verified')
     and (v.rescued_at is null or v.rescued_at < clock_timestamp() - interval '6 h')
   order by h.version_id limit p_n
$$;
revoke all on function store.rescue_next(uuid, int) from public;
grant execute on function store.rescue_next(uuid, int) to carnet_storage;
