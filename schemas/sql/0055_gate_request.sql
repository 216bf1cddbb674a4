-- SPDX-License-Identifier: Apache-2.0
-- What was asked for with an Idempotency-Key: the same key with another content is another wish (docs/spec/fleet.md section 13).
-- The digest is keyed with the key itself, which is not kept: passwords among what was asked cannot be guessed from it.
create table gate.request (
  id      uuid primary key,                                 -- follows from person, method, path and key
  digest  bytea not null check (length(digest) = 32),
  at      timestamptz not null default clock_timestamp()
);
create index on gate.request (at);
grant select, insert, update, delete on gate.request to carnet_gateway;
