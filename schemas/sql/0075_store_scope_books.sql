-- SPDX-License-Identifier: Apache-2.0
-- The door for storage: distribution books that somebody with a scope sees (docs/spec/fleet.md FL-69), those of the sets they see.
create function sched.books_seen(scope text) returns setof uuid
language sql stable security definer set search_path = pg_catalog as $$
  select d.book from sched.dist_set d where d.id in (select sched.sets_seen($1))
$$;
revoke all on function sched.books_seen from public;
grant execute on function sched.books_seen to carnet_storage;
