#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A group of PRINTERS (1000) simulated machines is restored: planned, applied in two waves, put on one screen. Prints the
# screen, the wall time of plan and apply beside the ideal (what the printers themselves take), and the most memory that
# worker and scheduler needed. Some printers are in use, some are lied to, some are switched off, so that outcomes differ.
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. deploy/local/stack.sh
. tests/lib/books.sh
. tests/lib/system.sh
B=${B:-build}
printers=${PRINTERS:-1000} slots=${SLOTS:-256} import_ms=${IMPORT_MS:-1000} export_ms=${EXPORT_MS:-500}
D=$(mktemp -d /tmp/cbi.XXXXXX)
trap system_end EXIT
ulimit -n 100000 2>/dev/null || ulimit -n "$(ulimit -Hn)"
export CARNET_SLOTS=$slots
STACK_SEED=8 STACK_COUNT=$printers STACK_BASE=127.190.0.0 STACK_DURABLE=0
STACK_INSTANCES="simulator:1 lock:1 storage:1 sync:1 scheduler:1 worker:1 gateway:1"
system_start ".types = {I: 1, II: 0, III: 0} | .faults = {} | .books = {small: 80, medium: 20}
	| .latency = {login_ms: 20, page_ms: 10, export_ms: $export_ms, import_ms: $import_ms, jitter_percent: 20}"
rest() {
	curl -s -m 60 --unix-socket "$D/run/rest.sock" -X "$1" -H "Authorization: Bearer $(cat "$D/run/token")" \
		-H 'Content-Type: application/json' -H "Idempotency-Key: $(cat /proc/sys/kernel/random/uuid)" "http://localhost/api/v1$2" ${3:+-d "$3"}
}
now_ms() { date +%s%3N; }
peak_kb() { awk '/VmHWM/ {print $2}' "/proc/$(stack_pid "$D" "$1")/status"; }
rss_kb() { awk '/VmRSS/ {print $2}' "/proc/$(stack_pid "$D" "$1")/status"; }
cpu_s() { awk -v hz="$(getconf CLK_TCK)" '{printf "%.1f", ($14 + $15) / hz}' "/proc/$(stack_pid "$D" "$1")/stat"; }
plan_made() { [ "$(db -c "select state = 2 from sched.run where id = '$1'" 2>/dev/null)" = t ]; }

run=$(run_start) && run_wait "$run" 600
then=$(db -c "select to_char((clock_timestamp() at time zone 'UTC'), 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')")
for serial in "${serials[@]}"; do control POST "/devices/$serial/edit" -d '{"item":"list_1","name":"Changed"}' >/dev/null; done
rest POST /tasks "$(jq -n --arg t "$then" '{name: "back", kind: "ab.restore", active: true, targets: {all: true},
	settings: {source_at: $t, mode: "replace", lists: ["all"]},
	retry: {waves: [{devices: 10}, {percent: 50}], budget_percent: 90, budget_min: 500, errors_max: 1}}')" >"$D/log/task"
idle_worker=$(rss_kb worker-1) idle_scheduler=$(rss_kb scheduler-1)
cpu_worker=$(cpu_s worker-1) cpu_scheduler=$(cpu_s scheduler-1)
began=$(now_ms)
planned=$(rest POST /tasks/back:run | jq -r .id)
within 1200 plan_made "$planned" || exit 1
plan_wall=$(($(now_ms) - began))
trouble=$((printers / 20)) # of each kind, behind the canaries
i=0
for serial in "${serials[@]:$((printers / 5))}"; do
	i=$((i + 1))
	if [ $i -le $trouble ]; then control POST "/devices/$serial/fault" -d '{"mp":"mp_22","at":"import"}' >/dev/null
	elif [ $i -le $((2 * trouble)) ]; then control POST "/devices/$serial/fault" -d '{"mp":"mp_22_half","at":"import","times":1}' >/dev/null
	elif [ $i -le $((3 * trouble)) ]; then control POST "/devices/$serial/power" -d '{"seconds":0}' >/dev/null
	elif [ $i -le $((4 * trouble)) ]; then control POST "/devices/$serial/edit" -d '{"item":"list_1","name":"Somebody"}' >/dev/null
	else break; fi
done
began=$(now_ms)
run=$(rest POST "/runs/$planned:apply" "$(rest GET "/runs/$planned" | jq -c '{hash: .plan_hash, accept: .totals.needs}')" | jq -r .id)
run_wait "$run" 1800
apply_wall=$(($(now_ms) - began))

echo
echo "# what a person sees of it (carnet run outcomes):"
carnet run outcomes "$run" | cut -c1-160 | tee "$D/log/screen"
echo "# $(wc -l <"$D/log/screen") lines for $printers printers"
echo
# a printer is read 3 times (book of 2 to 3 lists) and written once for each list that differs
awk -v n="$printers" -v p="$plan_wall" -v a="$apply_wall" 'BEGIN {
	printf "plan  of %d printers: %.1f s, %.0f printers/s\n", n, p / 1000, n / (p / 1000)
	printf "apply to %d printers: %.1f s, %.0f printers/s (waves of 10, half, the rest)\n", n, a / 1000, n / (a / 1000) }'
for s in worker scheduler; do
	idle=idle_$s cpu=cpu_$s
	echo "$s: $(($(peak_kb $s-1) / 1024)) MB at most, $((${!idle} / 1024)) MB before; CPU $(awk -v a="$(cpu_s $s-1)" -v b="${!cpu}" 'BEGIN {printf "%.1f", a - b}') s for plan and apply"
done
check "the screen fits one screen" test "$(wc -l <"$D/log/screen")" -le 40
check "all jobs ended" run_ended "$run"
stack_down "$D"
done_testing
