-- SPDX-License-Identifier: Apache-2.0
-- Vaults on servers (docs/spec/storage.md section 8): how they are reached. The login is sealed to storage and bound to
-- the other columns; it does not open when one of them is changed.
alter table store.vault
  add column account text not null default '',
  add column pin     text not null default '',       -- SHA-256 of the server's key
  add column region  text not null default '',
  add column login   bytea check (length(login) <= 16384),
  add column cause   text not null default '';       -- word: why it cannot be used
create unique index vault_place on store.vault (tenant_id, kind, place) where role = 'copy' and state <> 'retired' and kind <> 'dir';
