-- SPDX-License-Identifier: Apache-2.0
-- What others are told of: an event is written with the state it reports, in one transaction (docs/spec/fleet.md
-- FL-67, RL-10). The gateway takes rows and says which it has; until then they come again.

create table sched.outbox (
  id      uuid primary key default sched.uuid7(),
  kind    text not null,
  subject text not null,
  at      timestamptz not null default clock_timestamp(),
  data    jsonb not null,
  free_at timestamptz not null default clock_timestamp()  -- taken until then
);
-- Kinds of single jobs that somebody subscribed to, ever: until then their rows are not written.
create table sched.wanted (
  kind text primary key
);
grant select, insert, update, delete on sched.outbox to carnet_scheduler;
grant select, insert on sched.wanted to carnet_scheduler;

-- However a run ends or begins to wait for a person: once, at the commit, as it is then (a plan that applies itself
-- waits for nobody).
create function sched.run_told() returns trigger
language plpgsql set search_path = pg_catalog as $$
declare
  words constant text[] := '{opening,awaiting_approval,running,cancelling,aborting,succeeded,succeeded_none,partial,failed,cancelled,aborted,missed,empty,expired}';
  phases constant text[] := '{plan,apply,revert}';
begin
  insert into sched.outbox (kind, subject, data)
  select case r.state when 2 then 'approval.wanted' else 'run.finished' end, 'run/' || r.id,
         jsonb_strip_nulls(jsonb_build_object('run', r.id, 'task', r.task, 'task_name', r.task_name,
           'task_kind', r.kind, 'phase', phases[r.phase], 'state', words[r.state], 'cause', nullif(r.state_cause, ''),
           'opened_at', to_char(r.opened_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
           'until', case when r.state = 2 then to_char(r.approve_until at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') end,
           'counts', coalesce((select jsonb_object_agg(c.word, c.n) from (
              select s.word, sum(c.n) as n from sched.run_count c join sched.job_state s on s.id = c.state
               where c.run = r.id group by s.word having sum(c.n) <> 0) c), '{}')))
    from sched.run r where r.id = new.id and r.state = new.state;
  return null;
end $$;
create constraint trigger run_told after update of state on sched.run deferrable initially deferred for each row
  when (old.state is distinct from new.state and (new.state = 2 or (new.state >= 6 and old.state < 6)))
  execute function sched.run_told();
grant execute on function sched.run_told() to carnet_scheduler;
