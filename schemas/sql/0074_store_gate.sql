-- SPDX-License-Identifier: Apache-2.0
-- Of a vault that is too new for this storage: the protocol it needs, and the one that is there (storage.md ST-50).
alter table store.vault add column needs int, add column has int;
