-- SPDX-License-Identifier: Apache-2.0
-- A printer that takes no import or export beside any other work, whatever its family says
-- (docs/spec/locks.md section 6).
alter table fleet.device add column strict_interlock boolean not null default false;
