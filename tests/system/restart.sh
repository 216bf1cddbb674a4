#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A rolling restart during runs: every instance gets SIGTERM, one after another (RL-39). No job fails, none is charged.
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. deploy/local/stack.sh
. tests/lib/books.sh
. tests/lib/system.sh
B=${B:-build}
D=$(mktemp -d /tmp/crs.XXXXXX)
trap system_end EXIT
STACK_SEED=5 STACK_COUNT=100 STACK_BASE=127.31.0.0 STACK_DURABLE=0
STACK_SCALED=4 # nothing may be charged: a slow machine must keep its leases
STACK_INSTANCES="simulator:1 lock:2 storage:2 sync:1 scheduler:2 worker:2 gateway:2"
system_start '.faults = {} | .latency = {login_ms: 100, page_ms: 50, export_ms: 400, jitter_percent: 60}'

restart() { # NAME: until the next process is ready
	local pid until=$((SECONDS + 120))
	pid=$(stack_pid "$D" "$1")
	kill -TERM "$pid"
	until [ "$(stack_pid "$D" "$1")" != "$pid" ] && [ "$(stack_pid "$D" "$1")" -gt 0 ] && stack_is_ready "$D" "$1"; do
		[ $SECONDS -lt $until ] || return 1
		sleep 0.1
	done
}
late="" runs=0 midway=0 run=
for service in worker scheduler lock storage sync gateway; do
	for name in "$D"/env/"$service"-*; do
		name=${name##*/}
		if [ -z "$run" ] || run_ended "$run"; then
			edit_some 20
			run=$(run_start) || { late+=" no run before $name"; break 2; }
			runs=$((runs + 1))
		fi
		[ "$(open_jobs "$run")" -gt 0 ] && midway=$((midway + 1))
		restart "$name" || late+=" $name"
		echo "# run $runs: restarted $name"
	done
done
is "$late" "" "every instance was back in time"
check "restarts hit open jobs ($midway of 11)" test "$midway" -ge 8
run_wait "$run" 180
run=$(run_start) && run_wait "$run" 180
is "$(failures)" "" "no job failed"
is "$(charged)" "" "no job was charged an error or a crash"
system_truth
system_finish
