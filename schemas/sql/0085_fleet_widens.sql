-- SPDX-License-Identifier: Apache-2.0
-- Nobody makes their own role wider by moving a device (docs/spec/fleet.md FL-69): an admin of one site who is operator at
-- another would become admin of what he moves. scopes: one for each right of a person that reaches a part of all; whether one
-- of them would reach the device at that site, and does not reach it now. site null = it stays.
create function fleet.widens(of_device uuid, site text, scopes text[]) returns boolean
language sql stable security definer set search_path = pg_catalog as $$
  select exists (select from unnest($3) s where 'site:' || $2 in (select string_to_table(s, E'\n')) and not fleet.in_scope($1, s))
$$;
-- and what may be put of a device that is there
create function fleet.may_put(of_device uuid, said jsonb, scope text, scopes text[]) returns boolean
language sql stable set search_path = pg_catalog as $$
  select fleet.may_put($1, $2, $3) and not fleet.widens($1, $2->>'site', $4)
$$;
revoke all on function fleet.widens, fleet.may_put(uuid, jsonb, text, text[]) from public;
grant execute on function fleet.widens, fleet.may_put(uuid, jsonb, text, text[]) to carnet_scheduler;
