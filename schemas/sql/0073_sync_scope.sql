-- SPDX-License-Identifier: Apache-2.0
-- The door for sync: whether a device lies within a scope (docs/spec/fleet.md FL-69).
grant usage on schema fleet to carnet_sync;
grant execute on function fleet.in_scope to carnet_sync;
