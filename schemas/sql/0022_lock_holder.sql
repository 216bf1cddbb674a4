-- SPDX-License-Identifier: Apache-2.0
-- Who asked, so that a blocker can be named (docs/spec/locks.md section 8); what a hold and its
-- children belong to (section 4, rule 8); and families whose rules the service itself lays down.

alter table lock.request add column holder text not null default '';   -- person or API client; '' = Carnet
alter table lock.request add column workflow uuid;

-- Effects a family overrides (section 6); null = as printed.
alter table lock.profile_cell add column effect_on_operation text
  check (effect_on_operation in ('block', 'pause', 'defer', 'none'));
alter table lock.profile_cell add column effect_on_import_export text
  check (effect_on_import_export in ('refuse', 'refuse_items', 'none'));
grant insert on lock.profile, lock.profile_cell to carnet_lock;

create or replace view lock.entry as
select h.device_id, 1 as class, h.request, h.kind, h.op, h.direction, h.state, h.token, h.session, h.job,
       array_to_string(h.items, ',') as items, h.granted_at as since, h.expires_at as until,
       null::bigint as ticket, r.holder
  from lock.held h left join lock.request r on r.id = h.request
union all
select w.device_id, 2, w.request, w.kind, w.op, w.direction, 1::smallint, null, r.session, r.job,
       '', w.since, w.wait_until, w.ticket, r.holder
  from lock.waiting w join lock.request r on r.id = w.request
union all
select device_id, 3, null, 4::smallint, op, 1::smallint, 2::smallint, null, null, null,
       '', seen_at, until, null, ''
  from lock.shadow where until > clock_timestamp()
union all
select device_id, 4, null, 5::smallint, 'sync', 1::smallint, 2::smallint, null, null, null,
       '', since, null, null, ''
  from lock.standing;
