-- SPDX-License-Identifier: Apache-2.0
-- Files on a medium that no row knows (docs/spec/storage.md section 13, step 6): what a crash left between the medium and
-- the catalogue, or a catalogue that was put back. Since when each is known to be unknown; the pruner's business.
create table store.stray (
  vault_id    uuid not null references store.vault on delete cascade,
  oid         bytea not null check (length(oid) = 32),
  incarnation bigint not null,
  first_seen  timestamptz not null default clock_timestamp(),
  primary key (vault_id, oid, incarnation)
);

-- Given all objects that lie in one slice of a vault: those that no row knows, and whether that is so for p_age_ms. One
-- that is known again, or gone, begins anew.
create function store.stray_look(p_tenant uuid, p_vault uuid, p_slice int, p_age_ms bigint, p_oids bytea[], p_incarnations bigint[])
returns table (oid bytea, incarnation bigint, due boolean)
language sql security definer set search_path = pg_catalog as $$
  with unknown as materialized (
    select u.oid, u.incarnation from unnest(p_oids, p_incarnations) as u(oid, incarnation)
     where not exists (select 1 from store.object o
                        where o.tenant_id = p_tenant and o.oid = u.oid and o.incarnation = u.incarnation)
       and not exists (select 1 from store.removal r
                        where r.vault_id = p_vault and r.oid = u.oid and r.incarnation = u.incarnation)),
  gone as (
    delete from store.stray s where s.vault_id = p_vault and get_byte(s.oid, 0) = p_slice
       and not exists (select 1 from unknown u where u.oid = s.oid and u.incarnation = s.incarnation)),
  added as (
    insert into store.stray (vault_id, oid, incarnation) select p_vault, u.oid, u.incarnation from unknown u
        on conflict do nothing)
  select u.oid, u.incarnation, coalesce(s.first_seen, clock_timestamp()) <= clock_timestamp() - p_age_ms * interval '1 ms'
    from unknown u left join store.stray s on s.vault_id = p_vault and s.oid = u.oid and s.incarnation = u.incarnation
$$;
revoke all on function store.stray_look(uuid, uuid, int, bigint, bytea[], bigint[]) from public;
grant execute on function store.stray_look(uuid, uuid, int, bigint, bytea[], bigint[]) to carnet_pruner;
