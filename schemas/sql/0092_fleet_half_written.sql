-- SPDX-License-Identifier: Apache-2.0
-- Half written (docs/spec/fleet.md section 9, C3) is told of a device apart from why it is on hold or suspended: neither
-- hides the other, and what lifts a hold leaves it.

alter table fleet.device add column half_written boolean not null default false;
drop trigger device_told on fleet.device;
update fleet.device set half_written = true, state_cause = '' where state_cause = 'half_written';
create trigger device_told after update of half_written on fleet.device for each row
  when (new.half_written and not old.half_written) execute function fleet.device_told();
