-- SPDX-License-Identifier: Apache-2.0
-- The door for the scheduler: of which device a version is, so that a task's source lies within the scope of who saves it
-- (docs/spec/fleet.md FL-69). A file or a book of distribution is of no device.
create function store.device_of(version uuid) returns uuid
language sql stable security definer set search_path = pg_catalog as $$
  select v.device_id from store.version v where v.id = version
$$;
revoke all on function store.device_of from public;
grant usage on schema store to carnet_scheduler;
grant execute on function store.device_of to carnet_scheduler;
