-- SPDX-License-Identifier: Apache-2.0
-- The end of a request changes its row in place (heap-only): no index may know its state or its end. Waiters are
-- found through lock.waiting, old requests by the time of their last call.
drop index lock.request_waiting;
drop index lock.request_ended;
create index request_asked on lock.request (asked_at);
alter table lock.request set (fillfactor = 60);
