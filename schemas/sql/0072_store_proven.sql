-- SPDX-License-Identifier: Apache-2.0
-- When a device was last proven restorable (docs/spec/storage.md ST-74), for those who show devices.
create index drill_proven on store.drill (device_id, at desc) where outcome = 'equal';

create function store.proven_at(p_device uuid) returns timestamptz
language sql stable security definer set search_path = pg_catalog as $$
  select max(d.at) from store.drill d where d.device_id = p_device and d.outcome = 'equal'
$$;
revoke all on function store.proven_at(uuid) from public;
grant execute on function store.proven_at(uuid) to carnet_scheduler;
