-- SPDX-License-Identifier: Apache-2.0
-- The timeline (docs/spec/locks.md section 7.2) is read in each transaction: without settings of its own, and
-- volatile as what it calls, the function becomes a part of the statement.
create or replace function lock.timeline() returns bigint
language sql volatile as $$
  select ('x' || pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8))
    ::pg_catalog.bit(32)::pg_catalog.int8
$$;
alter function lock.timeline() reset all;
