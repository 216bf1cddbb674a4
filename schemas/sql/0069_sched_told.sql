-- SPDX-License-Identifier: Apache-2.0
-- What others are told of, second part (docs/spec/fleet.md FL-67, FL-79 to FL-81): one outbox for all, with doors for
-- storage; devices whose backups are overdue; what nobody takes is bounded, and its loss is told.

alter table sched.outbox add column grows boolean not null default false; -- nobody has had it yet: more may be added
create index outbox_growing on sched.outbox (kind, subject) where grows;

-- Does anybody want events of this kind? Of those there may be very many.
create function sched.is_wanted(p_kind text) returns boolean
language sql stable security definer set search_path = pg_catalog as $$
  select exists (select from sched.wanted where kind = p_kind)
$$;
-- With the name of its device.
create function sched.named(p_data jsonb) returns jsonb
language sql stable security definer set search_path = pg_catalog as $$
  select p_data || coalesce((select jsonb_build_object('device_name', d.name) from fleet.device d
                              where d.id = (p_data ->> 'device')::uuid), '{}')
$$;
-- An event, in the transaction of the state that it reports. p_id: the same for the same news; null = a new one.
create function sched.tell(p_id uuid, p_kind text, p_subject text, p_data jsonb) returns void
language sql security definer set search_path = pg_catalog as $$
  insert into sched.outbox (id, kind, subject, data)
    values (coalesce(p_id, sched.uuid7()), p_kind, p_subject, sched.named(p_data)) on conflict do nothing
$$;
-- One of many of a kind: until somebody takes it, all are one event, with how many and the first 50.
create function sched.tell_more(p_kind text, p_subject text, p_data jsonb, p_item jsonb) returns void
language plpgsql security definer set search_path = pg_catalog as $$
declare
  item constant jsonb := jsonb_build_array(sched.named(p_item));
begin
  update sched.outbox set data = data || jsonb_build_object('n', (data ->> 'n')::bigint + 1, 'list',
      case when jsonb_array_length(data -> 'list') < 50 then (data -> 'list') || item else data -> 'list' end)
   where id = (select id from sched.outbox where kind = p_kind and subject = p_subject and grows limit 1 for update)
     and grows;
  if not found then
    insert into sched.outbox (kind, subject, data, grows)
      values (p_kind, p_subject, p_data || jsonb_build_object('n', 1, 'list', item), true);
  end if;
end $$;

-- What goes on is told once a day.
create table sched.alarmed (
  kind text, subject text, at timestamptz not null default clock_timestamp(),
  primary key (kind, subject)
);
create function sched.alarm(p_kind text, p_subject text, p_data jsonb) returns void
language plpgsql security definer set search_path = pg_catalog as $$
begin
  insert into sched.alarmed as a (kind, subject) values (p_kind, p_subject)
    on conflict (kind, subject) do update set at = excluded.at where a.at < clock_timestamp() - interval '1 day';
  if found then
    perform sched.tell(null, p_kind, p_subject, p_data);
  end if;
end $$;

-- A write that nobody can say the end of.
create function fleet.device_told() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
  perform sched.tell(null, 'alarm.device_half_written', 'device/' || new.id,
    jsonb_build_object('device', new.id, 'address', new.address));
  return null;
end $$;
create trigger device_told after update of state_cause on fleet.device for each row
  when (new.state_cause = 'half_written' and old.state_cause <> 'half_written') execute function fleet.device_told();

-- Devices without a verified version for so long, each told once until it has one again (FL-79): those that were backed
-- up once, and those whose check said that they can be.
create table fleet.overdue (
  device  uuid primary key references fleet.device on delete cascade,
  told_at timestamptz not null default clock_timestamp()
);
create function sched.tell_overdue(p_days int) returns bigint
language plpgsql security definer set search_path = pg_catalog as $$
declare
  n bigint := 0;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('carnet overdue', 0)) then
    return 0;
  end if;
  with late as materialized (
    select d.id, d.name, h.at
      from fleet.device d left join (select device_id, min(last_check_at) as at from store.head
             where kind in ('address_book', 'settings') group by device_id) h on h.device_id = d.id
     where d.state in (2, 3, 4) and coalesce(h.at, d.created_at) < clock_timestamp() - p_days * interval '1 day'
       and (h.at is not null or 'yes' in (d.capabilities -> 'ab.read' ->> 'result', d.capabilities -> 'settings.read' ->> 'result'))),
  well as (delete from fleet.overdue o where not exists (select from late where late.id = o.device)),
  fresh as (insert into fleet.overdue (device) select id from late on conflict do nothing returning device),
  news as (select l.*, row_number() over (order by l.at nulls first, l.name) as place from fresh f join late l on l.id = f.device),
  told as (insert into sched.outbox (kind, subject, data)
    select 'backup.overdue', 'fleet', jsonb_build_object('days', p_days, 'n', count(*), 'list',
             jsonb_agg(jsonb_strip_nulls(jsonb_build_object('device', id, 'device_name', name,
               'last', to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))) order by place) filter (where place <= 50))
      from news having count(*) > 0)
  select count(*) into n from news;
  return n;
end $$;

-- Nobody takes events: those that are too old, or too many, go, the oldest first, and that so many went is told to
-- whoever comes (FL-81). A few thousand at a time; gives how many went, how many are there, and since when.
create function sched.outbox_purge(p_most bigint, p_keep_ms bigint) returns table (lost bigint, waiting bigint, oldest_s bigint)
language plpgsql security definer set search_path = pg_catalog as $$
declare
  g record;
  known jsonb;
begin
  lost := 0;
  if pg_try_advisory_xact_lock(hashtextextended('carnet outbox purge', 0)) then
    delete from sched.alarmed where at < clock_timestamp() - interval '2 days';
    with gone as (
      delete from sched.outbox where id in (select o.id from sched.outbox o where not (o.kind = 'alarm.events_lost' and o.grows)
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

grant select, insert, update, delete on sched.alarmed, fleet.overdue to carnet_scheduler;
revoke all on function sched.is_wanted, sched.named, sched.tell, sched.tell_more, sched.alarm, sched.tell_overdue, sched.outbox_purge from public;
grant execute on function sched.tell_overdue, sched.outbox_purge, sched.tell, sched.named to carnet_scheduler;
grant execute on function fleet.device_told to carnet_scheduler;
grant usage on schema sched to carnet_storage;
grant execute on function sched.is_wanted, sched.named, sched.tell, sched.tell_more, sched.alarm to carnet_storage;
