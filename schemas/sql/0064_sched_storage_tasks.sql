-- SPDX-License-Identifier: Apache-2.0
-- Built-in tasks of storage (docs/spec/fleet.md section 11): their runs are one job without a device, which
-- storage claims. They are first due one period later or soon after; missed firings are not made up.

with t as (select clock_timestamp() at time zone 'UTC' as now),
n (id, name, kind, schedule, first) as (
  select '00000000-0000-7000-8000-0000000000b4'::uuid, 'Verify Versions', 'vault.verify',
         '{"form": "every_minutes", "n": 60}'::jsonb, now + interval '1 hour' from t
  union all
  select '00000000-0000-7000-8000-0000000000b5', 'Restore Drill', 'vault.drill',
         '{"form": "every_days", "n": 1, "time": "02:30", "zone": "UTC"}',
         date_trunc('day', now) + interval '2 days 2 hours 30 minutes' from t
  union all
  select '00000000-0000-7000-8000-0000000000b6', 'Housekeeping', 'system.housekeeping',
         '{"form": "every_minutes", "n": 60}', now + interval '1 hour' from t)
insert into sched.task (id, name, kind, schedule, targets, settings, retry, built_in, next_at, next_local)
select n.id, case when exists (select from sched.task x where x.name = n.name) then n.name || ' (built-in)'
         else n.name end, n.kind,
       n.schedule || jsonb_build_object('catch_up', 'skip', 'start_at', w.stamp), '{}', '{}', '{}', true,
       w.stamp::timestamptz, case when n.schedule ? 'time' then to_char(n.first, 'YYYY-MM-DD"T"HH24:MI') else w.stamp end
  from n cross join lateral (select to_char(n.first, 'YYYY-MM-DD"T"HH24:MI:SS.000"Z"') as stamp) w;
