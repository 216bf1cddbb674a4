#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 during runs over 200 printers, victims at random among all services, seeded: 5 rounds each, 30 in all (issue of
# the main job; reliability.md F1, I-11). After each run: every target ended, no version lost or doubled. At the end every
# printer's book equals its newest version, byte by byte.
#   CHAOS_SEED=1  CHAOS_ROUNDS=30  CHAOS_PRINTERS=200
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. deploy/local/stack.sh
. tests/lib/books.sh
B=${B:-build}
seed=${CHAOS_SEED:-1} rounds=${CHAOS_ROUNDS:-30} printers=${CHAOS_PRINTERS:-200}
RANDOM=$seed
D=$(mktemp -d /tmp/cch.XXXXXX)
cleanup() {
	stack_down "$D"
	[ "$tap_bad" -gt 0 ] && [ -n "${CHAOS_KEEP:-}" ] && { echo "# kept: $D"; return; }
	rm -rf "$D"
}
trap cleanup EXIT
mkdir -p "$D/log"

jq '.faults = {unreachable: 1, wrong_password: 1, unsupported: 4, receive_restricted: 1,
      busy: [{op: "send", count: 2, seconds: 5}, {op: "panel", count: 2, seconds: 0}]}
    | .latency = {login_ms: 40, page_ms: 20, export_ms: 150, jitter_percent: 60}' deploy/local/fleet-demo.json >"$D/fleet.json"
STACK_FLEET=$D/fleet.json STACK_SEED=$seed STACK_COUNT=$printers STACK_BASE=127.30.0.0 STACK_SCALED=1 STACK_DURABLE=0
STACK_INSTANCES="simulator:1 lock:2 storage:2 sync:1 scheduler:2 worker:3 gateway:2" STACK_REST=unix:$D/run/rest.sock
stack_make "$D" "$B"
printf 'unix:%s/run/rest2.sock' "$D" >"$D/env/gateway-2/CARNET_LISTEN"
stack_database "$D" >/dev/null && stack_up "$D" && stack_ready "$D" 60 || { not_ok "the stack starts"; done_testing; }
until [ -s "$D/run/map.json" ] && [ -s "$D/run/setup-token" ]; do sleep 0.1; done
export CARNET_SERVER=unix:$D/run/rest.sock CARNET_TOKEN_FILE=$D/run/token
carnet() { "$B/bin/carnet" "$@"; }
echo "a password for the administrator" >"$D/run/admin"
echo "book-password-1" >"$D/run/book"
carnet setup --setup-token-file "$D/run/setup-token" --password-file "$D/run/admin" --token-out "$D/run/token" 2>/dev/null
check "the fleet is imported" carnet device import "$D/run/map.json"
carnet task create chaos --kind ab.backup --all --password-file "$D/run/book" --json >/dev/null

control() { curl -sf --unix-socket "$D/run/control.sock" -X "$1" "http://localhost$2" "${@:3}"; }
mapfile -t serials < <(jq -r '.devices[] | select(.type == "I") | .serial' "$D/run/map.json")
edit_some() { # books change between runs, so that versions are made
	local i
	for i in $(seq 1 40); do
		control POST "/devices/${serials[RANDOM % ${#serials[@]}]}/edit" -d "{\"item\":\"list_1\",\"name\":\"Chaos $RANDOM\"}" >/dev/null
	done
}

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

start_run() { # any gateway may be dead just now: repeat with the same idempotency key
	local key id
	key=$(cat /proc/sys/kernel/random/uuid)
	for _ in $(seq 1 100); do
		id=$(curl -s -m 10 --unix-socket "$D/run/rest.sock" -X POST -H "Authorization: Bearer $(cat "$D/run/token")" \
			-H "Idempotency-Key: $key" "http://localhost/api/v1/tasks/chaos:run" | jq -r '.id // empty' 2>/dev/null)
		[ -n "$id" ] && echo "$id" && return
		sleep 0.2
	done
	return 1
}
open_jobs() { stack_psql "$D" -c "select count(*) from sched.job j join sched.job_state s on s.id = j.state where j.run = '$1' and not s.terminal"; }
ended() { [ "$(stack_psql "$D" -c "select ended_at is not null from sched.run where id = '$1'")" = t ]; }

kills=0 run_no=0 lost="" doubled="" stuck=""
while [ "$kills" -lt "${#victims[@]}" ]; do
	run_no=$((run_no + 1))
	edit_some
	run=$(start_run) || { stuck+=" run $run_no did not start"; break; }
	until=$((SECONDS + 90))
	while ! ended "$run" && [ $SECONDS -lt $until ]; do
		if [ "$kills" -lt "${#victims[@]}" ] && [ "$(open_jobs "$run")" -gt 0 ]; then
			victim=${victims[kills]}-$((RANDOM % $(instances "${victims[kills]}") + 1))
			pid=$(stack_pid "$D" "$victim")
			if [ "$pid" -gt 0 ] && kill -9 "$pid" 2>/dev/null; then
				kills=$((kills + 1))
				echo "# run $run_no: killed $victim"
			fi
		fi
		sleep 0.$((RANDOM % 7 + 2))
	done
	ended "$run" || { stuck+=" run $run_no: $(open_jobs "$run") open"; break; }
done
is "$kills" "${#victims[@]}" "every round had its kill (seed $seed, $run_no runs)"
is "$stuck" "" "every target of every run ended"
is "$(stack_psql "$D" -c "select count(*) from (select run_id, device_id, kind from store.version where state = 'committed' group by 1, 2, 3 having count(*) > 1) x")" 0 "no version is doubled"
is "$(stack_psql "$D" -c "select count(*) from sched.job j join sched.job_state s on s.id = j.state where s.word = 'succeeded' and not exists (select 1 from store.version v where v.id = j.version and v.state = 'committed')")" 0 "no acknowledged version is lost"
is "$(stack_psql "$D" -c "select count(*) from (select device_id, kind, max(generation) - count(*) as gap from store.version where state = 'committed' group by 1, 2) x where gap <> 0")" 0 "generations have no gap"
unexpected=$(stack_psql "$D" -F ' ' -c "select s.word, j.cause, count(*) from sched.job j join sched.job_state s on s.id = j.state where s.word in ('failed', 'dead', 'missed') and j.cause not in (2002, 3001, 2106) group by 1, 2")
is "$unexpected" "" "no kill made a target fail"

# A last quiet run: then every book in the vault is what the printer holds.
run=$(start_run)
until ended "$run" || [ $SECONDS -gt $((until + 120)) ]; do sleep 0.2; done
differences=$(books_compare "$D" "$(cat "$D/run/book")")
compared=$(tail -n 1 <<<"$differences")
is "$(sed '$d' <<<"$differences")" "" "every book equals its newest version, byte by byte ($compared items)"
check "there were books to compare" test "$compared" -ge "$printers"
is "$(jq -c 'select(.overlap or .violation)' "$D/log/truth.jsonl" | wc -l)" 0 "no two sessions of ours met on a printer, by the printers' own log"
done_testing
