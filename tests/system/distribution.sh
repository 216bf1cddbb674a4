#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The original's path through the whole of Carnet (address-books.md 11.1), over a group of printers: a backup into the
# destination list, a book of it, a set, a distribution in waves while a scheduler and a worker die; what nobody confirms is
# put back (AB-35); printers that lie stop the run before the rest is touched (fleet.md 3.4).
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. deploy/local/stack.sh
. tests/lib/system.sh
B=${B:-build}
D=$(mktemp -d /tmp/cds.XXXXXX)
trap system_end EXIT
STACK_COUNT=24 STACK_BASE=127.47.0.0 STACK_DURABLE=0
STACK_INSTANCES="simulator:1 lock:1 storage:1 sync:1 scheduler:2 worker:2 gateway:1"
system_start '.faults = {} | .types = {I: 1, II: 0, III: 0} | .books = {small: 1}
	| .latency = {login_ms: 5, page_ms: 5, export_ms: 20, import_ms: 60}'

rest() { # METHOD PATH [JSON]: repeated while a service is down, with the same key
	local key answer
	key=$(cat /proc/sys/kernel/random/uuid)
	for _ in $(seq 1 100); do
		answer=$(curl -s -m 20 --unix-socket "$D/run/rest.sock" -X "$1" -H "Authorization: Bearer $(cat "$D/run/token")" \
			-H "Idempotency-Key: $key" "http://localhost/api/v1$2" ${3:+-H 'Content-Type: application/json' -d "$3"})
		[ -n "$answer" ] && [ "$(jq -r '.status // 0' <<<"$answer")" -lt 500 ] && echo "$answer" && return
		sleep 0.2
	done
	return 1
}
books() { # DIR: what each printer holds now
	local serial
	mkdir -p "$D/$1"
	for serial in "${all[@]}"; do control GET "/devices/$serial/book" >"$D/$1/$serial"; done
}
part() { jq -cS "[.items | to_entries[] | select(.key $2 \"list_2\")]" "$1"; } # FILE == or !=
differ() { # DIR DIR OPERATOR SERIAL…: how many of these printers differ in list_2, or in all the others
	local a=$1 b=$2 op=$3 n=0 serial
	shift 3
	for serial; do [ "$(part "$D/$a/$serial" "$op")" = "$(part "$D/$b/$serial" "$op")" ] || n=$((n + 1)); done
	echo $n
}
planned() { [ "$(db -c "select state = 2 or ended_at is not null from sched.run where id = '$1'")" = t ]; }
plan() { # the task's run, when it waits or has ended
	run=$(rest POST /tasks/spread:run | jq -r .id)
	within 90 planned "$run" || { not_ok "the plan is made"; system_finish; }
	rest GET "/runs/$run" >"$D/plan"
}
apply() {
	run=$(rest POST "/runs/$run:apply" "$(jq -c '{hash: .plan_hash, accept: .totals.needs}' "$D/plan")" | jq -r '.id // empty')
	[ -n "$run" ] || { not_ok "the plan is applied"; why "$(jq -r .id "$D/plan")"; system_finish; }
}
why() { db -F ' ' -c "select device_name, cause, reason, detail from sched.job where run = '$1' and state > 9 and state <> 11 order by 1 limit 3" | sed 's/^/# /'; }
wait_run() { # RUN SECONDS: what holds it, when it does not end
	run_wait "$1" "$2" || db -F ' ' -c "select j.device_name, s.word, j.step, j.attempt, j.errors, j.deferrals, j.cause, j.detail, a.lease_until - clock_timestamp() from sched.job j join sched.job_state s on s.id = j.state left join sched.active a on a.job = j.id where j.run = '$1' and not s.terminal" | sed 's/^/# /'
}
counted() { db -F ' ' -c "select s.word, count(*) from sched.job j join sched.job_state s on s.id = j.state where j.run = '$1' group by 1 order by 1" | paste -sd' '; }
state() { rest GET "/runs/$1" | jq -r '"\(.state) \(.state_cause)"'; }
names() { control GET "/devices/$1/book" | jq -c '[.items.list_2.entries[].name]'; }

run_wait "$(run_start)" 120
mapfile -t all < <(db -c "select serial from fleet.device order by id")
in=() out=()
for serial in "${all[@]}"; do # a machine may have fewer lists
	if [ "${#in[@]}" -lt 12 ] && control GET "/devices/$serial/book" | jq -e '.items.list_2 and .items.list_3' >/dev/null; then in+=("$serial"); else out+=("$serial"); fi
done
first=$(db -c "select device_name from sched.job where state = 8 order by entries desc limit 1")
books before

# ---- the original's six steps ----
check "a backup becomes destinations" carnet destinations import "$first@latest" --json
# what every machine can say: fax numbers under plain names
keys=$(carnet destinations list --json | jq -r '[.entries[] | select((.group | not) and .kinds == ["fax"] and (.name | test("^[ -~]+$"))) | .key][0:3] | join(",")')
check "a book picks from them" carnet dist-book create Sales --list "Sales=$keys" --json
book=$(carnet dist-book list --json | jq -r '.items[0].id')
rest POST /groups '{"name":"Floor","kind":"static"}' >"$D/log/group"
rest POST /groups/Floor/members "$(db -c "select json_build_object('add_devices', json_agg(name)) from (select name from fleet.device where serial = any ('{$(IFS=,; echo "${in[*]}")}')) x")" >"$D/log/group"
rest POST /distribution-sets "{\"name\":\"Floor 3\",\"book\":\"$book\",\"groups\":[\"Floor\"],\"map\":[{\"slot\":\"list_2\",\"from\":\"Sales\"},{\"slot\":\"list_3\"}]}" >"$D/log/set"
is "$(jq -r '.n_groups' "$D/log/set")" 1 "a set says who gets which list"
rest POST /tasks '{"name":"spread","kind":"ab.distribute","targets":{"all":true},"retry":{"waves":[{"devices":3},{"percent":40}],"budget_percent":20}}' >"$D/log/task"

# ---- a distribution ----
plan
is "$(jq -r '"\(.state) \(.totals.devices)"' "$D/plan")" "awaiting_approval 12" "what each printer gets comes from its set"
is "$(counted "$run")" "skipped 12 succeeded 12" "a printer in no set is left alone"
books now
is "$(differ before now == "${all[@]}")$(differ before now != "${all[@]}")" 00 "a plan writes nothing"
apply
begun() { [ "$(open_jobs "$run")" -lt 12 ]; }
for victim in scheduler-1 worker-1; do
	within 30 begun
	kill -9 "$(stack_pid "$D" $victim)" && echo "# killed $victim"
done
wait_run "$run" 120
is "$(state "$run") $(counted "$run")" "succeeded null succeeded 12" "all printers of the set have it, in three waves, though two services died"
is "$(rest GET "/runs/$run" | jq -r '"\(.wave) \(.waves)"')" "3 3" "the waves went one after the other"
books sent
is "$(for serial in "${in[@]}"; do names "$serial"; done | sort -u | wc -l) $(names "${in[0]}" | jq length)" "1 3" "the list is the book's on each of them"
is "$(differ before sent != "${all[@]}")" 0 "no other list was touched (AB-32)"
is "$(differ before sent == "${out[@]}")" 0 "nor any other printer"
plan
is "$(jq -r '.state' "$D/plan") $(counted "$run")" "succeeded skipped 12 unchanged 12" "the same again: nothing to do, nobody is asked"
rest GET "/runs/$run/targets?state=succeeded&limit=1" | jq -c '.items[]?.plan' | sed 's/^/# /'

# ---- nobody confirms ----
check "the book changes" carnet dist-book save Sales --list "Sales=${keys%%,*}" --json
rest PATCH /tasks/spread '{"settings":{"confirm_ms":2000}}' >"$D/log/task"
plan
apply
wait_run "$run" 120
is "$(state "$run") $(names "${in[11]}" | jq length)" "succeeded null 1" "the new generation is on the printers"
reverted() { [ "$(db -c "select bool_and(ended_at is not null) from sched.run where reverts = '$run'")" = t ]; }
within 120 reverted
is "$(counted "$(db -c "select id from sched.run where reverts = '$run'")")" "succeeded 12" "nobody confirmed: each printer gets its pre-image back (AB-35)"
is "$(rest GET "/runs/$run" | jq -r .state_cause)" not_confirmed "the run says why"
books back
is "$(differ sent back == "${all[@]}")$(differ sent back != "${all[@]}")" 00 "each holds what it held before, entry by entry"

# ---- a bad canary ----
rest PATCH /tasks/spread '{"settings":{"confirm_ms":0}}' >"$D/log/task"
for serial in "${in[@]:0:2}"; do control POST "/devices/$serial/fault" -d '{"mp":"mp_22","at":"import"}' >"$D/log/fault"; done
plan
apply
wait_run "$run" 120
like "$(state "$run") $(counted "$run")" "^aborted budget cancelled (9 failed 2 succeeded 1|10 failed 2)$" "two of three canaries lie: the run stops there, whether the third had begun or not"
books stopped
is "$(differ back stopped == "${in[@]:3}")" 0 "the rest is as it was"
rest POST "/runs/$run:revert" >"$D/log/revert"
run_wait "$(jq -r .id "$D/log/revert")" 120
books end
is "$(differ back end == "${all[@]}")$(differ back end != "${all[@]}")" 00 "reverted by hand, so is the third"
is "$(jq -c 'select(.overlap or .violation)' "$D/log/truth.jsonl" | wc -l)" 0 "no two sessions of ours met on a printer, by the printers' own log"
system_finish
