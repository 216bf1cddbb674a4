# SPDX-License-Identifier: Apache-2.0
# A whole stack with a simulated fleet, for the tests in tests/system. Wants tap.sh, stack.sh, books.sh, D and B.
#
#   system_up FILTER         jq FILTER over the demo's fleet file; STACK_* say the rest
#   system_start FILTER      the same, and: imports the fleet, makes the task "backup" over all of it
#   system_finish            ends every service, looks for reports of sanitizers and broken asserts, counts
#   system_end               for the trap: ends everything, removes D (kept after a failure with KEEP=1)
#   run_start, run_ended ID, run_wait ID SECONDS, open_jobs [ID], charged
#   control METHOD PATH …    of the simulator         edit_some N      changes N books
#   faulty, failures [RUN]   NAME CAUSE of printers that must fail, that did
#   system_truth             the checks every test ends with: nothing lost, nothing doubled, every run ended
#
# Deadlines are there to end a hung test: a slow machine must not run into them.

system_up() {
	mkdir -p "$D/log"
	jq "$1" deploy/local/fleet-demo.json >"$D/fleet.json"
	STACK_FLEET=$D/fleet.json STACK_SCALED=${STACK_SCALED:-1} STACK_REST=unix:$D/run/rest.sock
	stack_make "$D" "$B"
	for extra in "$D"/env/gateway-[2-9]; do
		[ ! -d "$extra" ] || printf 'unix:%s/run/rest-%s.sock' "$D" "${extra##*-}" >"$extra/CARNET_LISTEN"
	done
	stack_database "$D" >/dev/null && stack_up "$D" && stack_ready "$D" 120 && within 60 test -s "$D/run/map.json" &&
		within 60 test -s "$D/run/setup-token" || { not_ok "the stack starts"; system_finish; }
	export CARNET_SERVER=$STACK_REST CARNET_TOKEN_FILE=$D/run/token
	echo "a password for the administrator" >"$D/run/admin"
	echo "book-password-1" >"$D/run/book"
}

system_start() {
	system_up "$1"
	carnet setup --setup-token-file "$D/run/setup-token" --password-file "$D/run/admin" --token-out "$D/run/token" 2>/dev/null
	check "the fleet is imported" carnet device import "$D/run/map.json" >"$D/log/import"
	tail -n 1 "$D/log/import"
	carnet task create backup --kind ab.backup --all --password-file "$D/run/book" --json >/dev/null
	mapfile -t serials < <(jq -r '.devices[] | select(.type == "I") | .serial' "$D/run/map.json")
	edits=0
}

system_finish() {
	stack_down "$D"
	is "$(system_reports)" "" "no service reported a fault of its own (sanitizers, broken asserts)"
	done_testing
}

# What sanitizers and asserts wrote into any log, rotated ones too.
system_reports() {
	find "$D" -path '*/log/*' -type f ! -name 'truth*' -print0 2>/dev/null |
		xargs -0 -r grep -h -a -A 25 -E 'ERROR: (Address|Leak)Sanitizer|runtime error:|^bug: |^\*\*\* .*(detected|terminated)' | head -n 150
}

system_end() {
	stack_down "$D"
	[ "$tap_bad" -gt 0 ] && [ -n "${KEEP:-}" ] && { echo "# kept: $D"; return; }
	rm -rf "$D"
}

carnet() { "$B/bin/carnet" "$@"; }
db() { PGCONNECT_TIMEOUT=10 PGOPTIONS='-c statement_timeout=60s' stack_psql "$D" "$@"; }
control() { curl -sf -m 30 --unix-socket "$D/run/control.sock" -X "$1" "http://localhost$2" "${@:3}"; }

edit_some() {
	local i
	for i in $(seq 1 "$1"); do
		edits=$((edits + 1))
		control POST "/devices/${serials[RANDOM % ${#serials[@]}]}/edit" -d "{\"item\":\"list_1\",\"name\":\"Chaos $edits\"}" >/dev/null
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

open_jobs() { db -c "select count(*) from sched.job j join sched.job_state s on s.id = j.state where ('${1:-}' = '' or j.run::text = '${1:-}') and not s.terminal" 2>/dev/null; }
run_ended() { [ "$(db -c "select ended_at is not null from sched.run where id = '$1'" 2>/dev/null)" = t ]; }
run_wait() { within "$2" run_ended "$1"; }

# Each job that was charged, with the steps that did it.
charged() {
	db -F ' ' -c "select j.device_name, 'errors', j.errors, 'crashes', j.crashes, coalesce(string_agg(distinct concat_ws(' ', t.from_state, '→', t.to_state, 'CN', t.cause, t.detail), '; '), '')
		from sched.job j left join sched.transition t on t.job = j.id and t.cause <> 0 where j.errors > 0 or j.crashes > 0 group by 1, 3, 5, j.id order by 1"
}

# The simulator says which printers have a fault of their own, and so with which cause they must fail.
faulty() {
	local name
	jq -r '.devices[].name' "$D/run/map.json" | while read -r name; do control GET "/devices/$name"; done | jq -r '
		if .state.off then "\(.name) 3001" elif .state.wrong_password then "\(.name) 2002"
		elif .state.receive_restricted then "\(.name) 2106" else empty end' | sort
}
failures() {
	db -F ' ' -c "select distinct j.device_name, j.cause from sched.job j join sched.job_state s on s.id = j.state
		where s.word in ('failed', 'dead', 'missed', 'partial', 'cancelled') and ('${1:-}' = '' or j.run::text = '${1:-}')" | sort
}

# More versions than states that the printer's book ever had, by the printers' own log.
doubled() {
	{
		jq -r 'select(.what == "book_edit" and .result == "ok") | "edit \(.device)"' "$D/log/truth.jsonl"
		db -c "select 'version ' || d.name from store.version v join fleet.device d on d.id = v.device_id where v.state = 'committed' and v.kind = 'address_book'"
	} | awk '$1 == "edit" { states[$2]++ } $1 == "version" { versions[$2]++ }
		END { for (d in versions) if (versions[d] > states[d] + 1) print d, versions[d], "versions of", states[d] + 1, "books" }' | sort
}

system_truth() {
	is "$(open_jobs)" 0 "every target of every run ended"
	is "$(doubled)" "" "no version is doubled: no printer has more than its book had states, by the printers' own log"
	is "$(db -c "select count(*) from store.version v where v.state = 'committed' and 1 <> (select count(*) from sched.job j join sched.job_state s on s.id = j.state where j.version = v.id and s.word = 'succeeded')")" 0 "each version is the result of one job"
	is "$(db -c "select count(*) from sched.job j join sched.job_state s on s.id = j.state where s.word in ('succeeded', 'unchanged') and not exists (select 1 from store.version v where v.id = j.version and v.state = 'committed')")" 0 "no acknowledged version is lost"
	is "$(db -c "select count(*) from (select device_id, kind, max(generation) - count(*) as gap from store.version where state = 'committed' group by 1, 2) x where gap <> 0")" 0 "generations have no gap"
	is "$(jq -c 'select(.overlap or .violation)' "$D/log/truth.jsonl" | wc -l)" 0 "no two sessions of ours met on a printer, by the printers' own log"
	local differences compared
	differences=$(books_compare "$D" "$(cat "$D/run/book")")
	compared=$(tail -n 1 <<<"$differences")
	is "$(sed '$d' <<<"$differences" | head -n 20)" "" "every book equals its newest version, byte by byte ($compared items)"
	check "there were books to compare" test "$compared" -ge "$STACK_COUNT"
}
