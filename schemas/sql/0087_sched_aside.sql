-- SPDX-License-Identifier: Apache-2.0
-- What cannot be done with one task or one run holds nobody else up (docs/spec/reliability.md RL-8).

alter table sched.task
  add column aside_until timestamptz;  -- its firing failed, for its own data: tried again then
alter table sched.run
  add column open_after timestamptz;   -- its list could not be made just now: others come first

-- The message has a maximum now; what is beyond it could never fire.
update sched.task set retry = jsonb_set(retry, '{run_deadline_ms}', '2592000000')
 where (retry->>'run_deadline_ms')::numeric > 2592000000;
