-- SPDX-License-Identifier: Apache-2.0
-- Subscriptions to book.changed may want to hear of large changes only (docs/spec/fleet.md section 10).
alter table gate.subscription add column changes int not null default 0 check (changes >= 0);

create or replace function gate.wants(s gate.subscription, kind text, data jsonb) returns boolean
language sql immutable set search_path = pg_catalog as $$
  select s.active
     and exists (select from unnest(s.kinds) k where kind = k or (right(k, 1) = '*' and starts_with(kind, left(k, -1))))
     and (kind <> 'run.finished' or cardinality(s.states) = 0 or data->>'state' = any (s.states))
     and (kind <> 'book.changed' or (data->>'changes')::bigint >= s.changes)
     and (cardinality(s.tasks) = 0 or not data ? 'task' or data->>'task' = any (s.tasks)
          or lower(data->>'task_name') = any (s.tasks))
$$;
