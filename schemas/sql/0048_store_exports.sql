-- SPDX-License-Identifier: Apache-2.0
-- Exports of an hour (docs/spec/storage.md section 14): how many people took out of the vault, minute by minute. A minute
-- counts until an hour after its end, so that no hour has more than the limit.
create table store.exported (
  tenant_id uuid not null, minute timestamptz not null, n int not null, primary key (tenant_id, minute)
);

create function store.exports_used(p_tenant uuid) returns bigint language sql stable as $$
  select coalesce(sum(e.n), 0) from store.exported e
   where e.tenant_id = p_tenant and e.minute > clock_timestamp() - interval '61 minutes'
$$;

-- One more: '' and it is counted; or which limit, and in how many seconds there is room again.
create function store.export_take(p_tenant uuid) returns table (verdict text, wait_s int)
language plpgsql security definer set search_path = pg_catalog as $$
declare
  most int;
  had bigint;
begin
  select q.exports_per_hour into most from store.quota q where q.tenant_id = p_tenant;
  if most is not null then -- one after the other, so that two do not take the last one
    perform pg_advisory_xact_lock(hashtextextended('store.export ' || p_tenant, 0));
    had := store.exports_used(p_tenant);
    if had >= most then
      return query select format('exports %s of %s in an hour', had, most),
        greatest(1, ceil(extract(epoch from min(e.minute) + interval '61 minutes' - clock_timestamp())))::int
        from store.exported e where e.tenant_id = p_tenant and e.minute > clock_timestamp() - interval '61 minutes';
      return;
    end if;
  end if;
  delete from store.exported e where e.tenant_id = p_tenant and e.minute < clock_timestamp() - interval '2 hours';
  insert into store.exported as e (tenant_id, minute, n) values (p_tenant, date_trunc('minute', clock_timestamp()), 1)
    on conflict (tenant_id, minute) do update set n = e.n + 1;
  return query select ''::text, 0;
end $$;

revoke all on function store.export_take(uuid), store.exports_used(uuid) from public;
grant execute on function store.export_take(uuid), store.exports_used(uuid) to carnet_storage;
grant select on store.exported to carnet_storage;
