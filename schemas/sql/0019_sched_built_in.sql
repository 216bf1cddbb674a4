-- SPDX-License-Identifier: Apache-2.0
-- Built-in tasks (docs/spec/fleet.md section 11): there from the beginning, first due one period later.

insert into sched.task (id, name, kind, schedule, targets, settings, retry, built_in, next_at, next_local)
select '00000000-0000-7000-8000-0000000000b1', n.name, 'device.probe',
       jsonb_build_object('form', 'every_minutes', 'n', 360, 'start_at', w.first, 'jitter', 3600,
                          'catch_up', 'skip'),
       '{"all": true}', '{}', '{}', true, w.first::timestamptz, w.first
  from (select to_char((clock_timestamp() + interval '6 hours') at time zone 'UTC',
                       'YYYY-MM-DD"T"HH24:MI:SS.000"Z"') as first) w
 cross join (select case when exists (select from sched.task where name = 'Retrieve Device Information')
                    then 'Retrieve Device Information (built-in)'
                    else 'Retrieve Device Information' end as name) n;
