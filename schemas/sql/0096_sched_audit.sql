-- SPDX-License-Identifier: Apache-2.0
-- What has to stand in the audit trail is never dropped, however long nobody takes it (docs/spec/fleet.md FL-71, FL-81).
create or replace function sched.outbox_purge(p_most bigint, p_keep_ms bigint) returns table (lost bigint, waiting bigint, oldest_s bigint)
language plpgsql security definer set search_path = pg_catalog as $$
declare
  g record;
  known jsonb;
begin
  lost := 0;
  if pg_try_advisory_xact_lock(hashtextextended('carnet outbox purge', 0)) then
    delete from sched.alarmed where at < clock_timestamp() - interval '2 days';
    with gone as (
      delete from sched.outbox where id in (select o.id from sched.outbox o where not (o.kind = 'alarm.events_lost' and o.grows) and o.kind not like 'audit.%'
          and (o.at < clock_timestamp() - p_keep_ms * interval '1 ms'
               or o.id <= (select x.id from sched.outbox x order by x.id desc offset p_most limit 1))
        order by o.id limit 5000 for update skip locked)
      returning kind, at),
    kinds as (select kind, count(*) as n, min(at) as first, max(at) as last from gone group by kind)
    select coalesce(sum(n), 0)::bigint as n, min(first) as first, max(last) as last, jsonb_object_agg(kind, n) as kinds into g from kinds;
    lost := g.n;
  end if;
  if lost > 0 then
    delete from sched.outbox where id = (select id from sched.outbox where kind = 'alarm.events_lost' and grows limit 1)
      and grows returning data into known;
    insert into sched.outbox (kind, subject, grows, data)
    select 'alarm.events_lost', 'outbox', true, jsonb_build_object('n', coalesce((known ->> 'n')::bigint, 0) + lost,
             'first', coalesce(known ->> 'first', to_char(g.first at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')),
             'last', to_char(g.last at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
             'kinds', (select jsonb_object_agg(k.key, k.n) from (
                select e.key, sum(e.value::bigint) as n from (select * from jsonb_each_text(known -> 'kinds')
                  union all select * from jsonb_each_text(g.kinds)) e group by e.key) k));
  end if;
  select count(*), coalesce(extract(epoch from clock_timestamp() - min(o.at))::bigint, 0) into waiting, oldest_s from sched.outbox o;
  return next;
end $$;

-- What the owner of a task may do now counts however it was said (docs/spec/fleet.md FL-69): by a role, by assignments, or by
-- being switched off.

-- The lines of that person or token by name (of several tokens of one name: none of them); null = there is no such owner.
create or replace function gate.scope_of(owner text) returns text
language sql stable security definer set search_path = pg_catalog as $$
  select case when not p.active then '0 *' when p.scope <> '' then p.scope
              else array_position('{viewer,operator,admin,auditor}'::text[], p.role) || ' *' end
    from gate.person p where p.name = owner
  union all
  select min(case when t.scope <> '' then t.scope else array_position('{viewer,operator,admin,auditor}'::text[], t.role) || ' *' end)
    from gate.token t where 'token:' || t.name = owner group by t.name having count(*) = 1
  limit 1
$$;

-- What puts an old state back, and the restart that a write left over, ends what was begun: the owner's present right does not
-- stop it.
create or replace function sched.run_scopes() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
  new.scopes := new.scopes || array_remove(array[new.snapshot->>'scope',
    case when new.phase is distinct from 3 and new.follows is null then sched.scope_of_owner(new.snapshot->>'owner') end], null);
  return new;
end $$;

-- The door for the gateway: how many active tasks start nothing any more, because their owner may not.
create function sched.tasks_stopped(owner text) returns bigint
language sql stable security definer set search_path = pg_catalog as $$
  select count(*) from sched.task t where t.owner = $1 and t.active and sched.scope_of_owner($1) = ''
$$;
revoke all on function sched.tasks_stopped from public;
grant usage on schema sched to carnet_gateway;
grant execute on function sched.tasks_stopped to carnet_gateway;
