#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 during runs over 200 printers, victims at random among all services, seeded: 5 rounds each, 30 in all (issue of
# the main job; reliability.md F1, I-11), five in each run. Only the printers with a fault of their own fail, each with its
# own cause; no version is lost or doubled; at the end every printer's book equals its newest version, byte by byte.
#   CHAOS_SEED=1  CHAOS_ROUNDS=30  CHAOS_PRINTERS=200
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. deploy/local/stack.sh
. tests/lib/books.sh
. tests/lib/system.sh
B=${B:-build}
seed=${CHAOS_SEED:-1} rounds=${CHAOS_ROUNDS:-30} printers=${CHAOS_PRINTERS:-200}
RANDOM=$seed
D=$(mktemp -d /tmp/cch.XXXXXX)
trap system_end EXIT
STACK_SEED=$seed STACK_COUNT=$printers STACK_BASE=127.$((40 + seed % 100)).0.0 STACK_DURABLE=0
STACK_INSTANCES="simulator:1 lock:2 storage:2 sync:1 scheduler:2 worker:3 gateway:2"
system_start '.faults = {unreachable: 1, wrong_password: 1, unsupported: 4, receive_restricted: 1,
      busy: [{op: "send", count: 2, seconds: 5}, {op: "panel", count: 2, seconds: 0}]}
    | .latency = {login_ms: 40, page_ms: 20, export_ms: 150, jitter_percent: 60}'

# Five rounds for each service, in a seeded order.
victims=()
for service in scheduler worker lock storage sync gateway; do
	for _ in $(seq 1 $(((rounds + 5) / 6))); do victims+=("$service"); done
done
for ((i = ${#victims[@]} - 1; i > 0; i--)); do
	j=$((RANDOM % (i + 1)))
	t=${victims[i]} victims[i]=${victims[j]} victims[j]=$t
done
instances() { case $1 in worker) echo 3 ;; sync) echo 1 ;; *) echo 2 ;; esac; }

kills=0 run_no=0 stuck=""
while [ "$kills" -lt "${#victims[@]}" ]; do
	run_no=$((run_no + 1)) most=$((kills + 5))
	edit_some 40
	run=$(run_start) || { stuck+=" run $run_no did not start"; break; }
	until=$((SECONDS + 240))
	while ! run_ended "$run" && [ $SECONDS -lt $until ]; do
		if [ "$kills" -lt "${#victims[@]}" ] && [ "$kills" -lt "$most" ] && [ "$(open_jobs "$run")" -gt 0 ]; then
			victim=${victims[kills]}-$((RANDOM % $(instances "${victims[kills]}") + 1))
			pid=$(stack_pid "$D" "$victim")
			if [ "$pid" -gt 0 ] && kill -9 "$pid" 2>/dev/null; then
				kills=$((kills + 1))
				echo "# run $run_no: killed $victim"
			fi
		fi
		sleep 0.$((RANDOM % 7 + 2))
	done
	run_ended "$run" || { stuck+=" run $run_no: $(open_jobs "$run") open"; break; }
done
is "$kills" "${#victims[@]}" "every round had its kill (seed $seed, $run_no runs)"
check "they were spread over runs" test "$run_no" -ge $((rounds / 5))
is "$stuck" "" "every run ended in time"
is "$(failures)" "$(faulty)" "no kill made a target fail: only the printers with a fault did, each with its own cause"

# A last quiet run: then every book in the vault is what the printer holds.
run=$(run_start) && run_wait "$run" 180
check "a quiet run ends" run_ended "$run"
system_truth
system_finish
