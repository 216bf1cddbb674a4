#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Restores over a group of printers while services and printers die, victims at random and seeded (import-export.md C1–C7,
# address-books.md AB-37): each printer ends with its old book or with the new one, entry by entry, never with a mixture,
# and the history says which. Then quietly: what was killed is planned again and applied, until all hold the old state.
#   IMPORT_SEED=1  IMPORT_KILLS=24  IMPORT_PRINTERS=200
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. deploy/local/stack.sh
. tests/lib/books.sh
. tests/lib/system.sh
B=${B:-build}
seed=${IMPORT_SEED:-1} kills_wanted=${IMPORT_KILLS:-24} printers=${IMPORT_PRINTERS:-200}
RANDOM=$seed
D=$(mktemp -d /tmp/cim.XXXXXX)
trap system_end EXIT
STACK_SEED=$seed STACK_COUNT=$printers STACK_BASE=127.$((140 + seed % 60)).0.0 STACK_DURABLE=0
STACK_INSTANCES="simulator:1 lock:2 storage:2 sync:1 scheduler:2 worker:3 gateway:2"
system_start '.types = {I: 1, II: 0, III: 0} | .faults = {} | .books = {small: 60, medium: 40}
    | .latency = {login_ms: 20, page_ms: 10, export_ms: 60, import_ms: 150, jitter_percent: 60}'

rest() { # METHOD PATH [BODY]: repeated while a service is down, with the same key
	local key answer
	key=$(cat /proc/sys/kernel/random/uuid)
	for _ in $(seq 1 150); do
		answer=$(curl -s -m 10 --unix-socket "$D/run/rest.sock" -X "$1" -H "Authorization: Bearer $(cat "$D/run/token")" \
			-H "Content-Type: application/json" -H "Idempotency-Key: $key" "http://localhost/api/v1$2" ${3:+-d "$3"})
		[ "$(jq -r '.code // 0' <<<"$answer" 2>/dev/null)" = 0 ] && [ -n "$answer" ] && echo "$answer" && return
		sleep 0.2
	done
	echo "# no answer: $1 $2: $answer" >&2
	return 1
}
books() { # NAME: what each printer holds now, one line per printer
	mkdir -p "$D/$1"
	{
		books_door "unix:$D/run/control.sock"
		printf "url = \"http://localhost/devices/%s/book\"\noutput = \"$D/$1/%s\"\n" $(printf '%s\n' "${serials[@]}" | sed 'p')
	} | curl -K -
	# the backups hold no passwords: the plan says so
	(cd "$D/$1" && jq -cS '[input_filename, (.items | del(.. | .password?))]' "${serials[@]}") | sort >"$D/$1.books"
}
equal() { comm -12 "$D/$1.books" "$D/$2.books" | jq -r '.[0]'; } # NAME NAME: serials of the printers whose books are the same
change_all() {
	for serial in "${serials[@]}"; do
		for item in list_1 list_2 one_touch; do
			books_door "unix:$D/run/control.sock"
			printf 'url = "http://localhost/devices/%s/edit"\noutput = /dev/null\n' "$serial"
			printf 'data = "{\\"item\\":\\"%s\\",\\"name\\":\\"Changed %s\\"}"\nnext\n' "$item" "$item"
		done
	done | sed '$d' | curl -K -
}
plan_made() { [ "$(db -c "select state = 2 from sched.run where id = '$1'" 2>/dev/null)" = t ]; }
plan() { # prints the run and its hash
	local run
	run=$(rest POST /tasks/back:run | jq -r .id) && within 240 plan_made "$run" >&2 && echo "$run"
}
apply() { # PLAN: prints the run that applies it
	rest POST "/runs/$1:apply" "$(rest GET "/runs/$1" | jq -c '{hash: .plan_hash, accept: .totals.needs}')" | jq -r .id
}

run=$(run_start) && run_wait "$run" 240
check "all books are backed up" run_ended "$run"
then=$(db -c "select to_char((clock_timestamp() at time zone 'UTC'), 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')")
books old
change_all
books new
is "$(equal old new | wc -l)" 0 "each printer's book is changed"
rest POST /tasks "$(jq -n --arg t "$then" '{name: "back", kind: "ab.restore", active: true, targets: {all: true},
	settings: {source_at: $t, mode: "replace", lists: ["all"], restart_if_needed: true},
	retry: {waves: [{devices: 5}, {percent: 50}], budget_percent: 90, budget_min: 50}}')" >"$D/log/task"

planned=$(plan)
check "the restore is planned for all" test -n "$planned"
is "$(rest GET "/runs/$planned" | jq -r '.totals | "\(.devices) \(.refused // 0)"')" "${#serials[@]} 0" "each printer has a plan"
is "$(rest GET "/runs/$planned" | jq -r '.totals.needs | contains(["secrets"])')" true "the plan says that passwords will have to be entered again"
books now
is "$(equal new now | wc -l)" "${#serials[@]}" "a plan changes no printer"

services=(scheduler worker worker worker lock storage gateway printer printer)
instances() { case $1 in worker) echo 3 ;; *) echo 2 ;; esac; }
run=$(apply "$planned") kills=0
check "the plan is applied" test -n "$run"
until=$((SECONDS + 420))
while ! run_ended "$run" && [ $SECONDS -lt $until ]; do
	victim=${services[RANDOM % ${#services[@]}]}
	if [ "$kills" -ge "$kills_wanted" ]; then
		victim=
	elif [ "$victim" = printer ]; then
		serial=${serials[RANDOM % ${#serials[@]}]}
		control POST "/devices/$serial/power" -d '{"seconds": 3}' >/dev/null && kills=$((kills + 1)) && echo "# $serial lost its power"
	else
		victim=$victim-$((RANDOM % $(instances "$victim") + 1))
		pid=$(stack_pid "$D" "$victim")
		[ "$pid" -gt 0 ] && kill -9 "$pid" 2>/dev/null && kills=$((kills + 1)) && echo "# killed $victim"
	fi
	sleep 0.$((RANDOM % 7 + 2))
done
check "the run ended in time" run_ended "$run"
check "there were kills while it ran ($kills)" test "$kills" -ge $((kills_wanted / 3))

# Which state does the history tell, and which book stands there?
settled() { [ "$(db -c "select count(*) from sched.active")" = 0 ]; }
within 120 settled
books end
db -F ' ' -c "select d.serial, s.word, j.step from sched.job j join sched.job_state s on s.id = j.state join fleet.device d on d.id = j.device where j.run = '$run'" >"$D/log/states"
declare -A as_old as_new
while read -r serial; do as_old[$serial]=1; done < <(equal old end)
while read -r serial; do as_new[$serial]=1; done < <(equal new end)
mixed="" lies="" restored=0
while read -r serial state step; do
	if [ -n "${as_old[$serial]:-}" ]; then
		restored=$((restored + 1))
		case $state in succeeded | unchanged) ;; *) lies+=" $serial:$state:$step holds the restored book" ;; esac
	elif [ -n "${as_new[$serial]:-}" ]; then
		case $state in succeeded | unchanged) lies+=" $serial:$state:$step holds the book from before" ;; esac
	else
		mixed+=" $serial:$state:$step"
	fi
done <"$D/log/states"
is "$(wc -l <"$D/log/states")" "${#serials[@]}" "every printer has its line in the history (seed $seed)"
is "$mixed" "" "no printer holds a mixture"
is "$lies" "" "the history says which book each printer holds"
check "most were restored in spite of the kills ($restored of ${#serials[@]})" test "$restored" -ge $((${#serials[@]} * 8 / 10))

# Quietly again: whatever is left gets there.
planned=$(rest POST /tasks/back:run | jq -r .id)
plan_over() { plan_made "$planned" || run_ended "$planned"; }
within 240 plan_over
if plan_made "$planned"; then run=$(apply "$planned") && run_wait "$run" 300; fi
books end
is "$(equal old end | wc -l)" "${#serials[@]}" "a second, quiet restore brings all printers back, entry by entry"
is "$(db -c "select count(*) from sched.job j join sched.run r on r.id = j.run join sched.job_state s on s.id = j.state
	where r.phase = 2 and s.word = 'succeeded' and not exists (select 1 from store.version v where v.id = j.pre_image and v.state = 'committed')")" 0 \
	"each printer that was written has its pre-image in the vault"
is "$(jq -c 'select(.overlap or .violation)' "$D/log/truth.jsonl" | wc -l)" 0 "no two sessions of ours met on a printer, by the printers' own log"
differences=$(books_compare "$D" "$(cat "$D/run/book")")
is "$(sed '$d' <<<"$differences" | head -n 20)" "" "each printer's newest version is what it holds, byte by byte ($(tail -n 1 <<<"$differences") items)"
system_finish
