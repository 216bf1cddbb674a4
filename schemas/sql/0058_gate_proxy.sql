-- SPDX-License-Identifier: Apache-2.0
-- A webhook may go through a proxy, which then resolves the receiver's name (docs/spec/fleet.md FL-66, security.md SE-11).
alter table gate.webhook add column proxy text not null default '';
