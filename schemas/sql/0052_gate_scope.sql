-- SPDX-License-Identifier: Apache-2.0
-- Where the role of a person or a token counts (docs/spec/fleet.md FL-69): lines "ROLE THING" as of common/msg/scope.h;
-- '' = the role counts everywhere. The first administrator reaches everything, always (FL-68).
alter table gate.person add column scope text not null default '' check (length(scope) <= 8192);
alter table gate.token add column scope text not null default '' check (length(scope) <= 8192);
alter table gate.person add constraint person_break_glass check (not break_glass or (role = 'admin' and active and scope = ''));

-- The door for the scheduler, which opens runs of tasks that somebody owns: the lines of that person or token by name
-- (of several tokens of one name: none of them); null = there is no such owner, or it reaches everything.
create function gate.scope_of(owner text) returns text
language sql stable security definer set search_path = pg_catalog as $$
  select nullif(p.scope, '') from gate.person p where p.name = owner
  union all
  select nullif(min(t.scope), '') from gate.token t where 'token:' || t.name = owner group by t.name having count(*) = 1
  limit 1
$$;
revoke all on function gate.scope_of from public;
grant usage on schema gate to carnet_scheduler;
grant execute on function gate.scope_of to carnet_scheduler;
