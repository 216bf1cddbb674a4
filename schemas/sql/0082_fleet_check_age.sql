-- SPDX-License-Identifier: Apache-2.0
-- What a check found counts for 30 days and for the firmware that it met (docs/spec/fleet.md FL-10).

-- Until now nobody noted which firmware that was: the one that the device has.
update fleet.device d set capabilities = (select jsonb_object_agg(key, value || jsonb_build_object('firmware', d.firmware))
    from jsonb_each(d.capabilities))
 where d.firmware <> '' and d.capabilities <> '{}';

create function fleet.other_firmware(found jsonb, firmware text) returns boolean
language sql immutable parallel safe set search_path = pg_catalog as $$
  select coalesce(found ->> 'firmware' <> '' and firmware <> '' and found ->> 'firmware' <> firmware, false)
$$;
-- An answer that is not to be relied on without asking again.
create function fleet.check_old(found jsonb, firmware text) returns boolean
language sql stable parallel safe set search_path = pg_catalog as $$
  select fleet.other_firmware(found, firmware)
      or coalesce((found ->> 'checked_at')::timestamptz < clock_timestamp() - interval '30 days', false)
$$;
create function fleet.check_due(device uuid, found jsonb, firmware text) returns boolean
language sql stable parallel safe set search_path = pg_catalog as $$
  select fleet.check_due(device, found) or fleet.other_firmware(found, firmware)
$$;
grant execute on function fleet.other_firmware, fleet.check_old, fleet.check_due(uuid, jsonb, text) to carnet_scheduler;
