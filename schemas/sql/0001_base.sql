-- SPDX-License-Identifier: Apache-2.0
-- One schema and one role per service (docs/spec/security.md section 9). Roles belong to the cluster, so they may exist.
do $$
declare r text;
begin
  foreach r in array array['carnet_scheduler','carnet_lock','carnet_storage','carnet_pruner','carnet_sync','carnet_gateway','carnet_monitor'] loop
    if not exists (select 1 from pg_roles where rolname = r) then
      execute format('create role %I login noinherit', r);
    end if;
  end loop;
  execute format('revoke all on database %I from public', current_database());
  foreach r in array array['carnet_scheduler','carnet_lock','carnet_storage','carnet_pruner','carnet_sync','carnet_gateway','carnet_monitor'] loop
    execute format('grant connect on database %I to %I', current_database(), r);
    execute format('alter role %I in database %I set search_path = pg_catalog', r, current_database());
  end loop;
end $$;
revoke create on schema public from public;
create schema fleet;
create schema sched;
create schema lock;
create schema store;
create schema sync;
create schema gate;
grant usage on schema fleet, sched to carnet_scheduler;
grant usage on schema lock to carnet_lock;
grant usage on schema store to carnet_storage, carnet_pruner;
grant usage on schema sync to carnet_sync;
grant usage on schema gate to carnet_gateway;
