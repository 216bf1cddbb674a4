#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Konica Minolta and Kyocera machines through the whole of Carnet: backed up in one run; Konica Minoltas are restored, reverted
# and given a table; what says Ack and keeps the old book, and what restarts in the middle, ends with the old book or the new
# one; a Kyocera is not written, and says so.
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. deploy/local/stack.sh
. tests/lib/system.sh
B=${B:-build}
D=$(mktemp -d /tmp/cck.XXXXXX)
trap system_end EXIT
STACK_COUNT=14 STACK_BASE=127.94.0.0 STACK_DURABLE=0
STACK_INSTANCES="simulator:1 lock:1 storage:1 sync:1 scheduler:1 worker:1 gateway:1"
system_up '.faults = {} | .families = {konica_openapi: 9, kyocera_wsdl: 5} | .restart_ms = 1500
    | .konica = {lock_ms: 3000} | .kyocera = {preparing_ms: 300} | .sites = [{name: "lyon", language: "fr"}] | .seed = 5
    | .books = {empty: 0, small: 0, medium: 1, large: 0, full: 0} | .latency = {login_ms: 2, page_ms: 2, export_ms: 5}'
export LC_ALL=C.UTF-8
c() { "$B/bin/carnet" "$@"; }
c setup --setup-token-file "$D/run/setup-token" --password-file "$D/run/admin" --token-out "$D/run/token" 2>/dev/null
c device import "$D/run/map.json" >/dev/null
of_family() { jq -r --arg f "$1" '.devices[] | select(.family==$f) | .name' "$D/run/map.json"; }
mapfile -t km < <(of_family konica_openapi)
mapfile -t ky < <(of_family kyocera_wsdl)
[ ${#km[@]} -ge 6 ] && [ ${#ky[@]} -ge 2 ] || not_ok "machines of both makers: ${#km[@]} ${#ky[@]}"
book() { control GET "/devices/$1/book" | jq .items.address_book; }
hash_of() { book "$1" | jq -r .sha256; }
number() { book "$1" | jq --arg k "$2" --argjson n "$3" '[.entries[] | select(.kind==$k)][$n].number'; }
edit() { control POST "/devices/$1/edit" -d "$2" >/dev/null; }
fault() { control POST "/devices/$1/fault" -d "$2" >/dev/null; }
ACCEPT="losses,secrets,hazards,not_restorable"

c task create all --all --errors-max 2 --password-file "$D/run/book" --json >/dev/null
c task run all >"$D/out" 2>&1
is "$? $(c version list --json | jq '[.items[] | select(.entries > 0)] | length')" "0 14" "machines of two makers are backed up in one run" ||
	sed 's/^/# /' "$D/out"
c version list --json >"$D/versions"
same=yes
for d in "${km[@]}" "${ky[@]}"; do
	n=$(jq --arg d "$d" '[.items[] | select(.device_name==$d)][0].entries' "$D/versions")
	[ "$n" = "$(book "$d" | jq '.entries | length')" ] || same="$d has $n"
done
is "$same" yes "with every entry of each"
is "$(c version show "${km[0]}@latest" --json 2>/dev/null | jq '[.. | strings | select(test("^Pw-[0-9a-f]{8}$"))] | length')" 0 \
	"no password of an entry is shown"
backed_up=$(date -u -d "1 second" +%FT%TZ)

# ---- restore: what people changed since then goes, what they took away comes back, folders too ----
declare -A old edited
to=()
for d in "${km[@]:0:3}"; do
	old[$d]=$(hash_of "$d")
	edit "$d" "{\"number\":$(number "$d" email 1),\"name\":\"Changed\"}"
	edit "$d" "{\"number\":$(number "$d" file 0),\"remove\":true}"
	edit "$d" "{\"number\":$(number "$d" file 0),\"host\":\"moved.example.com\"}"
	edit "$d" '{"number":1900,"kind":"email","name":"Added","email":"added@example.com"}'
	edited[$d]=$(hash_of "$d")
	to+=(--to "$d")
done
c plan restore --at "$backed_up" "${to[@]}" --accept $ACCEPT >"$D/plan" 2>&1
is "$?" 2 "the plan shows what would change"
same=yes
for d in "${km[@]:0:3}"; do [ "$(hash_of "$d")" = "${edited[$d]}" ] || same=$d; done
is "$same" yes "a plan writes nothing"
run=$(grep -o 'carnet apply [0-9a-f-]*' "$D/plan" | cut -d' ' -f3)
c apply "$run" --yes --accept $ACCEPT >"$D/out" 2>&1
is "$?" 0 "the plan is applied" || sed 's/^/# /' "$D/out"
same=yes
for d in "${km[@]:0:3}"; do [ "$(hash_of "$d")" = "${old[$d]}" ] || same=$d; done
is "$same" yes "each machine holds its old book again, element by element"
apply=$(c run list --json | jq -r '.items[0].id')

# ---- revert ----
c revert "$apply" --yes >"$D/out" 2>&1
is "$?" 0 "the restore is reverted" || sed 's/^/# /' "$D/out"
same=yes
for d in "${km[@]:0:3}"; do [ "$(hash_of "$d")" = "${edited[$d]}" ] || same=$d; done
is "$same" yes "each machine holds what it held before the restore"

# ---- it says Ack and keeps the old book; the power goes in the middle ----
d=${km[3]}
edit "$d" "{\"number\":$(number "$d" email 1),\"name\":\"Changed\"}"
now=$(hash_of "$d")
fault "$d" '{"mp":"mp_22","at":"import"}'
c restore "$d@latest" --to "$d" --yes --accept $ACCEPT >"$D/out" 2>&1
is "$? $(grep -c readback_differs "$D/out") $(hash_of "$d")" "1 1 $now" "mp_22: readback_differs, and the machine holds what it held"
d=${km[4]}
was=$(hash_of "$d")
for i in 0 1 2 3 4; do edit "$d" "{\"number\":$(number "$d" email $i),\"name\":\"Power $i\"}"; done
now=$(hash_of "$d")
fault "$d" '{"mp":"mp_24","at":"import","times":1}'
c restore "$d@latest" --to "$d" --yes --accept $ACCEPT >"$D/out" 2>&1
case $(hash_of "$d") in
"$was") ok "mp_24: it ends with the new book whole" ;;
"$now") ok "mp_24: it ends with the old book whole" ;;
*) not_ok "mp_24: a mixture is left" && sed 's/^/# /' "$D/out" | tail -5 ;;
esac

# ---- a person's table of e-mail addresses ----
d=${km[5]}
printf 'name,number,email\nOne,1801,one@example.com\nTwo,1802,two@example.com\n' >"$D/people.csv"
c plan import "$D/people.csv" --to "$d" --mode add --accept $ACCEPT >"$D/plan" 2>&1
is "$?" 2 "a table can be added" || sed 's/^/# /' "$D/plan"
run=$(grep -o 'carnet apply [0-9a-f-]*' "$D/plan" | cut -d' ' -f3)
c apply "$run" --yes --accept $ACCEPT >"$D/out" 2>&1
is "$? $(book "$d" | jq '[.entries[] | select(.number > 1800)] | length')" "0 2" "and is there" || sed 's/^/# /' "$D/out"

# ---- another machine's folders have never been seen written ----
now=$(hash_of "$d")
c restore "${km[5]}@latest" --to "${km[3]}" --mode replace --yes --accept $ACCEPT >"$D/out" 2>&1
case $? in
0) ok "another machine's backup: said by a device, so it may be copied" ;;
*) grep -q "not_email\|unsupported_operation\|readback_differs" "$D/out" && ok "another machine's folders are refused by name" ||
	{ not_ok "another machine's backup" && sed 's/^/# /' "$D/out"; } ;;
esac

# ---- Kyocera: nothing public says how one is written (AB-38) ----
d=${ky[0]}
now=$(hash_of "$d")
c restore "$d@latest" --to "$d" --yes --accept $ACCEPT >"$D/out" 2>&1
rc=$?
check "a restore to a Kyocera is no success ($rc)" test $rc -ne 0
check "it says unsupported_operation, and what can be done" grep -q "unsupported_operation *file_by_hand" "$D/out" || sed 's/^/# /' "$D/out"
is "$(hash_of "$d")" "$now" "and the machine is as it was"

is "$(for d in "${ky[@]}"; do control GET "/devices/$d" | jq '.state.enumerations'; done | sort -u)" 0 "no enumeration is left at any Kyocera (DV-19)"
is "$(for d in "${km[@]}"; do control GET "/devices/$d" | jq '.state.device_locked'; done | sort -u)" false "no lock is left at any Konica Minolta (DV-3)"
is "$(grep -c '"overlap"\|"violation"' "$D/log/truth.jsonl")" 0 "nothing was changed without the device's lock"
is "$(grep -r -l -E 'Pw-[0-9a-f]{8}' "$D/log" | grep -v truth)" "" "no password of an entry is in any log"
system_finish
