-- SPDX-License-Identifier: Apache-2.0
-- Another key for a printer is proposed by one person and approved by a second (docs/spec/fleet.md FL-18).
alter table fleet.device
  add column repin    text not null default '',      -- the key that was proposed
  add column repin_by text not null default '',
  add column repin_at timestamptz;

-- What is said of a device: members of its message, those that a person may give.
create type fleet.device_said as (name text, vendor text, family text, model text, serial text, mac text, device_uuid text,
  address text, ports jsonb, firmware text, type text, display_language text, charset text, time_zone text, site text, labels jsonb,
  managed_by text, simulated boolean, clear_text boolean, accept_clear_text_secrets boolean, allow_unproven boolean, tls_pin text,
  pool text, state text, strict_interlock boolean);

-- Whether a device, null = one that is made, would be known by another key, or what is not proven be enabled for it, by somebody
-- who may not say so (FL-12).
create function fleet.trusts_more(d fleet.device, said jsonb, may_pin boolean, may_enable boolean) returns boolean
language sql immutable set search_path = pg_catalog as $$
  select (not may_pin and coalesce(d.tls_pin, '') <> '' and coalesce(said->>'tls_pin', d.tls_pin) <> d.tls_pin)
      or (not may_enable and coalesce((said->>'allow_unproven')::boolean, false) and not coalesce(d.allow_unproven, false))
$$;
revoke all on function fleet.trusts_more from public;
grant execute on function fleet.trusts_more to carnet_scheduler;
