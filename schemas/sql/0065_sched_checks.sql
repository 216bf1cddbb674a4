-- SPDX-License-Identifier: Apache-2.0
-- Checks of what printers can do, by themselves (docs/spec/fleet.md sections 1.4 and 11).

-- Whether a check is due: never asked, or without an answer; a thirtieth of the fleet each day (UTC), always the
-- same; and what was missed then.
create function fleet.check_due(device uuid, found jsonb) returns boolean
language sql stable parallel safe set search_path = pg_catalog as $$
  select found is null or found ->> 'checked_at' is null or found ->> 'result' in ('unknown', 'refused')
      or (found ->> 'checked_at')::timestamptz < clock_timestamp() - case
           when ('x' || encode(substr(sha256(uuid_send(device)), 1, 4), 'hex'))::bit(32)::bigint % 30
                = extract(epoch from clock_timestamp())::bigint / 86400 % 30
           then interval '1 day' else interval '30 days' end
$$;
grant execute on function fleet.check_due(uuid, jsonb) to carnet_scheduler;

-- 03:00 in each site's own time, first the day after tomorrow; when exactly depends on where the printers stand,
-- which the planner looks up at once.
with t as (select clock_timestamp() at time zone 'UTC' as now),
n (id, name, kind, schedule, targets, first) as (
  select '00000000-0000-7000-8000-0000000000b2'::uuid, 'Check Address Book Functionality', 'device.check_ab',
         '{"form": "every_days", "n": 1}'::jsonb,
         '{"filter": "state = enrolled and ab_check_due = true"}'::jsonb,
         date_trunc('day', now) + interval '2 days 3 hours' from t
  union all
  select '00000000-0000-7000-8000-0000000000b3', 'Check Device Setting Values Functionality', 'device.check_settings',
         '{"form": "every_weeks", "n": 1, "weekdays": [7]}',
         '{"filter": "state = enrolled"}',
         date_trunc('week', now) + interval '13 days 3 hours' from t)
insert into sched.task (id, name, kind, schedule, targets, settings, retry, built_in, next_at, next_local, replan_at)
select n.id, case when exists (select from sched.task x where x.name = n.name) then n.name || ' (built-in)'
         else n.name end, n.kind,
       n.schedule || jsonb_build_object('time', '03:00', 'zone', 'target', 'jitter', 3600, 'catch_up', 'skip',
         'start_at', to_char(t.now, 'YYYY-MM-DD"T"HH24:MI:SS.000"Z"')), n.targets, '{}', '{}', true,
       n.first at time zone 'UTC', to_char(n.first, 'YYYY-MM-DD"T"HH24:MI'), clock_timestamp()
  from n cross join t;
