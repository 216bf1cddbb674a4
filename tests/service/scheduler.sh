#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The scheduler as processes on a real PostgreSQL: the life of a job, the rules of claims and results, kills.
cd "$(dirname "$0")/../.." || exit 1
export B=${B:-build}
bad=0
for part in flow rules jobs chaos told due; do
	tests/lib/with-pg "$B/tests/service/scheduler_$part" || bad=1
done
exit $bad
