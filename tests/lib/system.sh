# SPDX-License-Identifier: Apache-2.0
# A whole stack with a simulated fleet and one task, for the tests in tests/system. Wants tap.sh, stack.sh, books.sh, D and B.
#
#   system_start FILTER      jq FILTER over the demo's fleet file; STACK_* say the rest; imports the fleet, makes the task
#   system_end               ends everything, removes D (kept after a failure with KEEP=1)
#   run_start, run_ended ID, run_wait ID SECONDS, open_jobs [ID]
#   control METHOD PATH …    of the simulator         edit_some N      changes N books
#   system_truth             the checks every test ends with: nothing lost, nothing doubled, every run ended

system_start() {
	mkdir -p "$D/log"
	jq "$1" deploy/local/fleet-demo.json >"$D/fleet.json"
	STACK_FLEET=$D/fleet.json STACK_SCALED=1 STACK_REST=unix:$D/run/rest.sock
	stack_make "$D" "$B"
	for extra in "$D"/env/gateway-[2-9]; do
		[ ! -d "$extra" ] || printf 'unix:%s/run/rest-%s.sock' "$D" "${extra##*-}" >"$extra/CARNET_LISTEN"
	done
	stack_database "$D" >/dev/null && stack_up "$D" && stack_ready "$D" 60 || { not_ok "the stack starts"; done_testing; }
	until [ -s "$D/run/map.json" ] && [ -s "$D/run/setup-token" ]; do sleep 0.1; done
	export CARNET_SERVER=$STACK_REST CARNET_TOKEN_FILE=$D/run/token
	echo "a password for the administrator" >"$D/run/admin"
	echo "book-password-1" >"$D/run/book"
	carnet setup --setup-token-file "$D/run/setup-token" --password-file "$D/run/admin" --token-out "$D/run/token" 2>/dev/null
	check "the fleet is imported" carnet device import "$D/run/map.json" >"$D/log/import"
	tail -n 1 "$D/log/import"
	carnet task create backup --kind ab.backup --all --password-file "$D/run/book" --json >/dev/null
	mapfile -t serials < <(jq -r '.devices[] | select(.type == "I") | .serial' "$D/run/map.json")
}

system_end() {
	stack_down "$D"
	[ "$tap_bad" -gt 0 ] && [ -n "${KEEP:-}" ] && { echo "# kept: $D"; return; }
	rm -rf "$D"
}

carnet() { "$B/bin/carnet" "$@"; }

control() { curl -sf --unix-socket "$D/run/control.sock" -X "$1" "http://localhost$2" "${@:3}"; }

edit_some() {
	local i
	for i in $(seq 1 "$1"); do
		control POST "/devices/${serials[RANDOM % ${#serials[@]}]}/edit" -d "{\"item\":\"list_1\",\"name\":\"Chaos $RANDOM\"}" >/dev/null
	done
}

run_start() { # any service may be down just now: repeat with the same idempotency key
	local key id
	key=$(cat /proc/sys/kernel/random/uuid)
	for _ in $(seq 1 100); do
		id=$(curl -s -m 10 --unix-socket "$D/run/rest.sock" -X POST -H "Authorization: Bearer $(cat "$D/run/token")" \
			-H "Idempotency-Key: $key" "http://localhost/api/v1/tasks/backup:run" | jq -r '.id // empty' 2>/dev/null)
		[ -n "$id" ] && echo "$id" && return
		sleep 0.2
	done
	return 1
}

open_jobs() { stack_psql "$D" -c "select count(*) from sched.job j join sched.job_state s on s.id = j.state where ('${1:-}' = '' or j.run::text = '${1:-}') and not s.terminal" 2>/dev/null; }
run_ended() { [ "$(stack_psql "$D" -c "select ended_at is not null from sched.run where id = '$1'" 2>/dev/null)" = t ]; }
run_wait() {
	local until=$((SECONDS + $2))
	until run_ended "$1"; do
		[ $SECONDS -lt $until ] || return 1
		sleep 0.2
	done
}

system_truth() {
	is "$(open_jobs)" 0 "every target of every run ended"
	is "$(stack_psql "$D" -c "select count(*) from (select run_id, device_id, kind from store.version where state = 'committed' group by 1, 2, 3 having count(*) > 1) x")" 0 "no version is doubled"
	is "$(stack_psql "$D" -c "select count(*) from sched.job j join sched.job_state s on s.id = j.state where s.word in ('succeeded', 'unchanged') and not exists (select 1 from store.version v where v.id = j.version and v.state = 'committed')")" 0 "no acknowledged version is lost"
	is "$(stack_psql "$D" -c "select count(*) from (select device_id, kind, max(generation) - count(*) as gap from store.version where state = 'committed' group by 1, 2) x where gap <> 0")" 0 "generations have no gap"
	is "$(jq -c 'select(.overlap or .violation)' "$D/log/truth.jsonl" | wc -l)" 0 "no two sessions of ours met on a printer, by the printers' own log"
	local differences compared
	differences=$(books_compare "$D" "$(cat "$D/run/book")")
	compared=$(tail -n 1 <<<"$differences")
	is "$(sed '$d' <<<"$differences" | head -n 20)" "" "every book equals its newest version, byte by byte ($compared items)"
	check "there were books to compare" test "$compared" -ge "$STACK_COUNT"
}
