#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Ricoh machines through the whole of Carnet: backed up, restored, reverted, given a Canon's book; what says OK and keeps
# the old book, and what restarts in the middle, ends with the old book or the new one, never a mixture.
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. deploy/local/stack.sh
. tests/lib/system.sh
B=${B:-build}
D=$(mktemp -d /tmp/ccr.XXXXXX)
trap system_end EXIT
STACK_COUNT=14 STACK_BASE=127.93.0.0 STACK_DURABLE=0
STACK_INSTANCES="simulator:1 lock:1 storage:1 sync:1 scheduler:1 worker:1 gateway:1"
system_up '.faults = {} | .types = {I: 1, II: 0, III: 0} | .families = {ricoh_udirectory: 10, canon_rui: 4} | .restart_ms = 1500
    | .ricoh = {time_percent: 10} | .sites = [{name: "lyon", language: "fr"}] | .seed = 3
    | .books = {empty: 0, small: 1, medium: 0, large: 0, full: 0} | .latency = {login_ms: 2, page_ms: 2, export_ms: 5}'
export LC_ALL=C.UTF-8
c() { "$B/bin/carnet" "$@"; }
c setup --setup-token-file "$D/run/setup-token" --password-file "$D/run/admin" --token-out "$D/run/token" 2>/dev/null
c device import "$D/run/map.json" >/dev/null
mapfile -t ricoh < <(jq -r '.devices[] | select(.family=="ricoh_udirectory") | .name' "$D/run/map.json")
canon=$(jq -r '[.devices[] | select(.family=="canon_rui") | .name][0]' "$D/run/map.json")
hash_of() { control GET "/devices/$1/book" | jq -r .sha256; }
edit() { control POST "/devices/$1/edit" -d "$2" >/dev/null; }
fault() { control POST "/devices/$1/fault" -d "$2" >/dev/null; }
has_group() { control GET "/devices/$1/book" | jq -e '[.entries[] | select(.entryType=="group")] != []' >/dev/null; }
people_of() { control GET "/devices/$1/book" | jq -c '[.entries[] | select(.entryType=="user") | .name] | sort'; }

c task create all --all --errors-max 2 --password-file "$D/run/book" --json >/dev/null
c task run all >"$D/out" 2>&1
is "$? $(c version list --json | jq '[.items[] | select(.entries > 0)] | length')" "0 14" "machines of two makers are backed up in one run"

backed_up=$(date -u -d "1 second" +%FT%TZ)

# ---- restore: what people changed since then goes, what they took away comes back ----
declare -A old edited
for d in "${ricoh[@]:0:4}"; do
	old[$d]=$(hash_of "$d")
	edit "$d" '{"id":2,"name":"Changed"}'
	edit "$d" '{"id":4,"remove":true}'
	edit "$d" '{"index":"700","name":"Added","tagId":"1","mail:":"true","mail:address":"a@example.com"}'
	edited[$d]=$(hash_of "$d")
done
to=()
for d in "${ricoh[@]:0:4}"; do to+=(--to "$d"); done
c plan restore --at "$backed_up" "${to[@]}" --accept losses,secrets,not_restorable >"$D/plan" 2>&1
is "$?" 2 "the plan shows what would change"
same=yes
for d in "${ricoh[@]:0:4}"; do [ "$(hash_of "$d")" = "${edited[$d]}" ] || same=$d; done
is "$same" yes "a plan writes nothing"
run=$(grep -o 'carnet apply [0-9a-f-]*' "$D/plan" | cut -d' ' -f3)
c apply "$run" --yes --accept losses,secrets,not_restorable >"$D/out" 2>&1
is "$?" 0 "the plan is applied"
same=yes
for d in "${ricoh[@]:0:4}"; do [ "$(hash_of "$d")" = "${old[$d]}" ] || same="$d $(hash_of "$d") ${old[$d]}"; done
is "$same" yes "each machine holds its old book again, property by property"
apply=$(c run list --json | jq -r '.items[0].id')

# ---- revert ----
c revert "$apply" --yes >"$D/out" 2>&1
is "$?" 0 "the restore is reverted"
same=yes
for d in "${ricoh[@]:0:4}"; do [ "$(hash_of "$d")" = "${edited[$d]}" ] || same="$d"; done
is "$same" yes "each machine holds what it held before the restore"

# ---- it says OK and keeps the old book ----
d=${ricoh[4]}
edit "$d" '{"id":2,"name":"Changed"}'
now=$(hash_of "$d")
fault "$d" '{"mp":"mp_22","at":"import"}'
c restore "$d@latest" --to "$d" --yes --accept losses,secrets,not_restorable >"$D/out" 2>&1
is "$? $(grep -c readback_differs "$D/out") $(hash_of "$d")" "1 1 $now" "mp_22: readback_differs, and the machine holds what it held"

# ---- it takes half ----
d=${ricoh[5]}
for i in 1 2 3 5 6 7; do edit "$d" "{\"id\":$i,\"name\":\"Half $i\"}"; done
now=$(hash_of "$d")
fault "$d" '{"mp":"mp_22_half","at":"import","times":6}'
c restore "$d@latest" --to "$d" --yes --accept losses,secrets,not_restorable >"$D/out" 2>&1
is "$? $(grep -c readback_differs "$D/out") $(hash_of "$d")" "1 1 $now" "mp_22_half: put back as it was, no mixture is left"

# ---- the power goes in the middle of the import ----
d=${ricoh[6]}
was=$(hash_of "$d")
for i in 1 2 3 5 6 7; do edit "$d" "{\"id\":$i,\"name\":\"Power $i\"}"; done
edit "$d" '{"index":"700","name":"Added","tagId":"1"}'
edit "$d" '{"index":"701","name":"Added too","tagId":"1"}'
now=$(hash_of "$d")
fault "$d" '{"mp":"mp_24","at":"import","times":1}'
c restore "$d@latest" --to "$d" --yes --accept losses,secrets,not_restorable >"$D/out" 2>&1
case $(hash_of "$d") in
"$was") ok "mp_24: it ends with the new book whole" ;;
"$now") ok "mp_24: it ends with the old book whole" ;;
*) not_ok "mp_24: a mixture is left" && sed 's/^/# /' "$D/out" | tail -5 ;;
esac

# ---- a worker dies in the middle of a write: the machine is locked for a while, then somebody looks (C4, C6) ----
d=${ricoh[7]}
was=$(hash_of "$d")
for i in $(control GET "/devices/$d/book" | jq '.entries[] | select(.entryType=="user") | .id' | head -20); do edit "$d" "{\"id\":$i,\"name\":\"Kill $i\"}"; done
now=$(hash_of "$d")
control POST "/devices/$d/latency" -d '{"page_ms":80}' >/dev/null
c restore "$d@latest" --to "$d" --yes --accept losses,secrets,not_restorable >"$D/out" 2>&1 &
pid=$!
half_written() {
	local h
	h=$(hash_of "$d")
	[ "$h" != "$was" ] && [ "$h" != "$now" ]
}
check "a book is being written" within 60 half_written
kill -9 "$(stack_pid "$D" worker-1)"
wait $pid
case $(hash_of "$d") in
"$was") ok "a worker killed in the middle: the new book is there, whole" ;;
"$now") ok "a worker killed in the middle: the old book is there, whole" ;;
*) not_ok "a worker killed in the middle: a mixture is left" && sed 's/^/# /' "$D/out" | tail -5 ;;
esac

# ---- what cannot be put back is asked about first ----
d=
for x in "${ricoh[@]:8}"; do has_group "$x" && d=$x && break; done
if [ -z "$d" ]; then
	d=${ricoh[8]}
fi
c task run all >"$D/out" 2>&1
edit "$d" '{"index":"800","name":"Everyone","tagId":"1","entryType":"group"}'
now=$(hash_of "$d")
c restore "$d@latest" --to "$d" --yes >"$D/out" 2>&1
is "$? $(hash_of "$d")" "4 $now" "a group whose members nobody knows is not deleted without consent"
check "the plan says why" grep -q not_restorable "$D/out"

# ---- a Canon's book on a Ricoh machine ----
d=${ricoh[9]}
c plan restore "$canon@latest" --to "$d" --mode add --accept losses,secrets,hazards,not_restorable >"$D/plan" 2>&1
is "$?" 2 "a Canon's book can be added to a Ricoh's"
before=$(people_of "$d" | jq length)
run=$(grep -o 'carnet apply [0-9a-f-]*' "$D/plan" | cut -d' ' -f3)
c apply "$run" --yes --accept losses,secrets,hazards,not_restorable >"$D/out" 2>&1
is "$?" 0 "it is written and proven" || sed 's/^/# /' "$D/out"
add=$(grep -o "[0-9]* to add" "$D/plan" | tail -1 | cut -d" " -f1)
is "$(people_of "$d" | jq length)" "$((before + ${add:-0}))" "as many people are there as the plan said"
check "each of them has a tag (DV-16)" bash -c "curl -sf --unix-socket '$D/run/control.sock' http://x/devices/$d/book | jq -e 'all(.entries[]; .tagId != \"\")'"

is "$(for d in "${ricoh[@]}"; do control GET "/devices/$d" | jq -r '.state.session'; done | grep -c .)" 0 "no session is left at any machine (DV-3)"
is "$(for d in "${ricoh[@]}"; do control GET "/devices/$d" | jq -r '.state.unknown_values'; done | sort -u)" 0 "nothing was sent that nobody published (DV-14)"
is "$(grep -c '"overlap"\|"violation"' "$D/log/truth.jsonl")" 0 "never two sessions at one machine (DV-10)"
system_finish
