-- SPDX-License-Identifier: Apache-2.0
-- What is asked of each of 100,000 devices when a run opens becomes part of the statement that asks: a function with
-- settings of its own, or one that says "stable" and reads the clock, is called instead, ten times slower.

create or replace function fleet.other_firmware(found jsonb, firmware text) returns boolean
language sql immutable parallel safe as $$
  select coalesce(found ->> 'firmware' <> '' and firmware <> '' and found ->> 'firmware' <> firmware, false)
$$;
create or replace function fleet.check_old(found jsonb, firmware text) returns boolean
language sql stable parallel safe as $$
  select fleet.other_firmware(found, firmware)
      or coalesce((found ->> 'checked_at')::timestamptz < statement_timestamp() - interval '30 days', false)
$$;
create or replace function fleet.check_due(device uuid, found jsonb) returns boolean
language sql stable parallel safe as $$
  select found is null or found ->> 'checked_at' is null or found ->> 'result' in ('unknown', 'refused')
      or (found ->> 'checked_at')::timestamptz < statement_timestamp() - case
           when ('x' || encode(substr(sha256(uuid_send(device)), 1, 4), 'hex'))::bit(32)::bigint % 30
                = extract(epoch from statement_timestamp())::bigint / 86400 % 30
           then interval '1 day' else interval '30 days' end
$$;
create or replace function fleet.check_due(device uuid, found jsonb, firmware text) returns boolean
language sql stable parallel safe as $$
  select fleet.check_due(device, found) or fleet.other_firmware(found, firmware)
$$;
