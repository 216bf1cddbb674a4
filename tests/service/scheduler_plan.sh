#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Tasks that write, on a real PostgreSQL: plans, approvals, waves, budgets, reverts, the journal, sets; windows; the fleet.
cd "$(dirname "$0")/../.." || exit 1
export B=${B:-build}
bad=0
for part in plan approval waves batch revert sets windows crash firing devices fleet; do
	tests/lib/with-pg "$B/tests/service/scheduler_$part" || bad=1
done
exit $bad
