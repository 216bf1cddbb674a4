#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Restores and imports into simulated Canon machines through the whole of Carnet: planned, applied, proven by reading again,
# and undone when the machine lies, restarts in the middle or loses its power (import-export.md sections 3.9, 5, 7 and 8).
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. deploy/local/stack.sh
. tests/lib/system.sh
B=${B:-build}
D=$(mktemp -d /tmp/ccw.XXXXXX)
trap system_end EXIT
STACK_COUNT=14 STACK_BASE=127.46.0.0 STACK_DURABLE=0
STACK_INSTANCES="simulator:1 lock:1 storage:1 sync:1 scheduler:1 worker:1 gateway:1"
system_start '.faults = {} | .types = {I: 3, II: 1, III: 0} | .books = {small: 1} | .restart_ms = 700
	| .latency = {login_ms: 2, page_ms: 2, export_ms: 5, import_ms: 60}'

rest() { # METHOD PATH [JSON]
	curl -s -m 30 --unix-socket "$D/run/rest.sock" -X "$1" -H "Authorization: Bearer $(cat "$D/run/token")" \
		-H "Idempotency-Key: $(cat /proc/sys/kernel/random/uuid)" "http://localhost/api/v1$2" \
		${3:+-H 'Content-Type: application/json' -d "$3"}
}
mapfile -t one < <(jq -r '.devices[] | select(.type == "I") | .name' "$D/run/map.json")
two=$(jq -r '[.devices[] | select(.type == "II")][0].name' "$D/run/map.json")
for name in "${one[@]}"; do # their passwords come along, so that whole books can be compared
	rest PATCH "/devices/$name" '{"accept_clear_text_secrets":true}' >/dev/null
done
rest POST /credentials '{"name":"snmp","kind":"snmp_v2c","community_read":"public","community_write":"private","range":"127.0.0.0/8"}' >"$D/cred"
carnet task run backup >/dev/null 2>&1
device_id() { rest GET "/devices/$1" | jq -r .id; }
newest() { carnet version list "$1" --kind address_book --json | jq -r '.items[0].id'; }
raw() { control GET "/devices/$1/book?raw=$2&secrets=1" >"$3"; }
books() { # the whole book of a machine, as one text
	local item
	for item in $(control GET "/devices/$1" | jq -r '.state.items[]'); do control GET "/devices/$1/book?raw=$item&secrets=1"; done
}
edit() { control POST "/devices/$1/edit" -d "{\"item\":\"${3:-list_1}\",\"name\":\"$2\"}" >/dev/null; }
fault() { control POST "/devices/$1/fault" -d "$2" >/dev/null; }

tasks=0
plan() { # KIND DEVICE SETTINGS → run, hash
	tasks=$((tasks + 1))
	rest POST /tasks "{\"name\":\"t$tasks\",\"kind\":\"$1\",\"targets\":{\"devices\":[\"$(device_id "$2")\"]},\"settings\":$3}" >"$D/task"
	run=$(rest POST "/tasks/t$tasks:run" | jq -r .id)
	within 60 planned || rest GET "/runs/$run"
	hash=$(rest GET "/runs/$run" | jq -r .plan_hash)
}
planned() { rest GET "/runs/$run" | jq -e '.state == "awaiting_approval" or .ended_at' >/dev/null; }
target() { rest GET "/runs/$run/targets" | jq -r ".items[0].$1"; }
apply_only() { run=$(rest POST "/runs/$run:apply" "{\"hash\":\"$hash\",\"accept\":[\"secrets\",\"hazards\",\"losses\",\"not_restorable\",\"language\"],\"reason\":\"a test\"}" | jq -r .id); }
apply() {
	apply_only
	run_wait "$run" 90 || not_ok "run $run ends"
}
ended() { is "$(target state) $(target cause) $(target step)" "$1" "$2"; }

# ---- restore ----
a=${one[0]} v=$(newest "${one[0]}")
books "$a" >"$D/old"
edit "$a" "Chaos 1"
plan ab.restore "$a" "{\"source\":\"$v\"}"
is "$(target plan.change) $(target plan.add) $(target plan.remove)" "1 0 0" "the plan of a restore: one entry changes"
is "$(control GET "/devices/$a" | jq .state.imports)" 0 "a plan writes nothing"
apply
ended "succeeded null verified" "the restore is applied and verified"
books "$a" >"$D/new"
check "the machine holds the old book, byte for byte" cmp "$D/old" "$D/new"
is "$(control GET "/devices/$a" | jq -c '[.state.imports, .state.half_written, .state.passwords_open]')" '[1,[],false]' \
	"only the list that differed was imported; the password switch is closed"

# ---- a plan that is old ----
edit "$a" "Chaos 2"
plan ab.restore "$a" "{\"source\":\"$v\"}"
edit "$a" "Chaos 3"
books "$a" >"$D/old"
apply
ended "failed plan_stale null" "a book changed after the plan: plan_stale"
books "$a" >"$D/new"
check "and nothing was written" cmp "$D/old" "$D/new"

# ---- a file ----
printf '# Canon AddressBook version: 1\r\n# CharSet: UTF-8\r\n# SubAddressBookName: imported\r\n# DB Version: 0x0108\r\n\r\n' >"$D/file.abk"
for n in 201 202 203; do
	printf 'subdbid: 1\r\ndn: %d\r\ncn: Import %d\r\ncnread: \r\nmailaddress: i%d@example.com\r\nenablepartial: false\r\nprotocol: smtp\r\naccesscode: 0\r\nobjectclass: top\r\nobjectclass: extensibleobject\r\nobjectclass: email\r\n\r\n' $n $n $n
done >>"$D/file.abk"
file=$(carnet file add "$D/file.abk" --name three --json 2>"$D/err" | jq -r '.id // .version.id')
plan ab.import "$a" "{\"source\":\"$file\",\"map\":[{\"slot\":\"list_1\",\"from\":\"1\"}]}"
apply
ended "succeeded null verified" "a file is imported into one list"
is "$(control GET "/devices/$a/book" | jq -c '[.items.list_1.entries[].name]')" '["Import 201","Import 202","Import 203"]' \
	"the list is the file's"
is "$(control GET "/devices/$a" | jq .state.imports)" 2 "no other list was touched (None keeps its content)"

# ---- the machine lies ----
b=${one[1]} v=$(newest "${one[1]}")
edit "$b" "Liar 1"
books "$b" >"$D/old"
fault "$b" '{"mp":"mp_22","at":"import"}'
plan ab.restore "$b" "{\"source\":\"$v\"}"
apply
is "$(target state) $(target cause)" "failed readback_differs" "mp_22 says OK and keeps the old book: readback_differs"
books "$b" >"$D/new"
check "the old book is there" cmp "$D/old" "$D/new"
fault "$b" '{"mp":"mp_22_half","at":"import","times":1}'
plan ab.restore "$b" "{\"source\":\"$v\"}"
apply
ended "failed readback_differs reverted" "it takes half and says OK: the pre-image is written back"
books "$b" >"$D/new"
check "the old book is back, byte for byte" cmp "$D/old" "$D/new"
is "$(control GET "/devices/$b" | jq -c .state.half_written)" '[]' "nothing is half written"

# ---- restart and power in the middle ----
c=${one[2]} v=$(newest "${one[2]}")
edit "$c" "Cut 1"
books "$c" >"$D/old"
fault "$c" '{"mp":"mp_24","at":"import","times":1}'
plan ab.restore "$c" "{\"source\":\"$v\"}"
apply
ended "failed readback_differs reverted" "mp_24 restarts in the import: the next attempt looks and puts the pre-image back (C4)"
books "$c" >"$D/new"
check "the old book is back after the restart" cmp "$D/old" "$D/new"
plan ab.restore "$c" "{\"source\":\"$v\"}"
apply
ended "succeeded null verified" "and the same restore can be done again"

# ---- a killed worker ----
d=${one[3]} v=$(newest "${one[3]}")
books "$d" >"$D/wanted"
edit "$d" "Killed 1"
control POST "/devices/$d/latency" -d '{"import_ms":1500}' >/dev/null
plan ab.restore "$d" "{\"source\":\"$v\"}"
apply_only
check "the import begins" within 20 sh -c "curl -s --unix-socket $D/run/control.sock http://x/devices/$d | jq -e .state.importing"
kill -9 "$(stack_pid "$D" worker-1)"
run_wait "$run" 90 || not_ok "run $run ends"
ended "succeeded null verified" "a worker killed in the import: the next one looks, finds the new book, and says so (C6)"
books "$d" >"$D/new"
check "the machine holds what was wanted" cmp "$D/wanted" "$D/new"
is "$(control GET "/devices/$d" | jq .state.imports)" 1 "it was imported once, not twice (R5)"

# ---- capacity ----
e=${one[4]}
control POST "/devices/$e/limits" -d '{"name":8}' >/dev/null
plan ab.import "$e" "{\"source\":\"$file\",\"map\":[{\"slot\":\"list_1\",\"from\":\"1\"}]}"
apply
is "$(target 'report[0].result')" ok_corrected "names cut by the machine: ok_corrected, never ok (R22, R25)"

# ---- busy ----
f=${one[5]} v=$(newest "${one[5]}")
edit "$f" "Busy 1"
plan ab.restore "$f" "{\"source\":\"$v\"}"
control POST "/devices/$f/op" -d '{"op":"send","seconds":2}' >/dev/null
apply
ended "succeeded null verified" "a send job in the way: deferred until it is over"

# ---- setting values of type II: restart ----
v=$(newest "$two")
carnet version export "$v" --item coded_dial -o "$D/values" 2>/dev/null
edit "$two" "Values 1" coded_dial
password=$(cat "$D/run/book")
plan ab.restore "$two" "{\"source\":\"$v\",\"encryption_password\":\"$password\",\"restart_if_needed\":true}"
is "$(target plan.restart) $(rest GET "/runs/$run/targets" | jq -c '[.items[0].plan.notes[].reason]')" 'true ["H6","workflows"]' \
	"the plan of device setting values: workflows are deleted, a restart is needed"
apply
ended "succeeded null verified" "device setting values are restored"
control GET "/devices/$two/book?raw=coded_dial&password=$(jq -rn --arg p "$password" '$p|@uri')" >"$D/now"
check "and equal the backup" cmp "$D/values" "$D/now"
is "$(control GET "/devices/$two" | jq -c '[.state.restart_required, .state.workflows]')" '[false,0]' "the machine was restarted"

# ---- items of settings ----
g=${one[6]}
setting() { control "$1" "/devices/$g/setting?item=$2" "${@:3}"; }
rest POST /tasks "{\"name\":\"items\",\"kind\":\"settings.backup\",\"targets\":{\"devices\":[\"$(device_id "$g")\"]},
	\"settings\":{\"items\":[\"forwarding\",\"box\",\"security_policy\"],\"encryption_password\":\"$password\"}}" >/dev/null
run=$(rest POST /tasks/items:run | jq -r .id)
run_wait "$run" 60 || not_ok "the backup of items ends"
is "$(target state) $(rest GET "/versions/$(target version)" | jq -c '[.items[]|select(.role=="native" or .role==null).name]')" \
	'succeeded ["forwarding","box","security_policy"]' "three batch items are backed up as opaque files"
v=$(target version)
for item in forwarding box security_policy; do
	setting GET $item >"$D/was-$item"
	setting PUT $item --data-binary "changed $item" >/dev/null
done
plan settings.restore "$g" "{\"source\":\"$v\",\"items\":[\"forwarding\",\"security_policy\"],\"encryption_password\":\"$password\"}"
is "$(target plan.change)" 2 "the plan names the two that the task asks for"
apply
ended "succeeded null verified" "two of the three items are restored; the machine restarted by itself (B1)"
setting GET forwarding >"$D/now"
check "forwarding is as it was" cmp "$D/now" "$D/was-forwarding"
setting GET security_policy >"$D/now"
check "the security policy, too" cmp "$D/now" "$D/was-security_policy"
is "$(setting GET box)" "changed box" "the third was not touched"

# ---- restart alone ----
before=$(control GET /stats | jq .restarts)
tasks=$((tasks + 1))
rest POST /tasks "{\"name\":\"t$tasks\",\"kind\":\"device.restart\",\"targets\":{\"devices\":[\"$(device_id "$a")\"]}}" >/dev/null
run=$(rest POST "/tasks/t$tasks:run" | jq -r .id)
run_wait "$run" 60 || not_ok "the restart ends"
is "$(target state) $(($(control GET /stats | jq .restarts) - before))" "succeeded 1" "a machine is restarted over SNMP, once"

# ---- receive restriction (FL-45, FL-46) ----
restricted() { control GET "/devices/$g" | jq -r .state.receive_restricted; }
restarts() { control GET /stats | jq .restarts; }
backup_of() { # NAME RESTART → run
	rest POST /tasks "{\"name\":\"$1\",\"kind\":\"ab.backup\",\"targets\":{\"devices\":[\"$(device_id "$g")\"]},
		\"settings\":{\"lists\":[\"all\"],\"encryption_password\":\"$password\",\"restart_if_needed\":$2}}" >/dev/null
	run=$(rest POST "/tasks/$1:run" | jq -r .id)
	run_wait "$run" 90 || not_ok "the backup $1 ends"
}
control POST "/devices/$g/settings" -d '{"receive_restricted":true}' >/dev/null
versions_of() { carnet version list "$1" --kind address_book --json | jq '.items | length'; }
before=$(restarts) versions=$(versions_of "$g")
backup_of without false
is "$(target state) $(target cause) $(restricted) $(($(restarts) - before))" "failed receive_restricted true 0" \
	"FL-45: a book that may not be received, option off: receive_restricted, nothing is changed"
control POST "/devices/$g/op" -d '{"op":"send","seconds":2}' >/dev/null
backup_of with true
is "$(target state) $(target reason) $(target restarted) $(target 'lists[0].state')" "unchanged restriction_lifted true done" \
	"FL-45: option on: switched off, restarted, read; the target says so"
is "$(restricted) $(($(restarts) - before))" "false 1" "FL-46: one restart, when the job at the machine was over; the setting stays off"
restarts_audited() { rest GET '/audit?limit=1000' | jq -c --arg d "$(device_id "$g")" '[.items[] | select(.verb == "device_restart" and (.object | contains($d))) | .outcome]'; }
audited() { [ "$(restarts_audited)" = "$1" ]; }
within 20 audited '["accepted"]'
is "$(restarts_audited)" '["accepted"]' "FL-46: each restart is one event of the audit trail"
rest POST /tasks '{"name":"other","kind":"ab.backup","targets":{"devices":["'"$(device_id "$g")"'"]},
	"settings":{"lists":["all"],"encryption_password":"quite another one","restart_if_needed":true}}' >/dev/null
run=$(rest POST /tasks/other:run | jq -r .id)
run_wait "$run" 60 || not_ok "the backup with another password ends"
is "$(target state) $(rest GET "/versions/$(target version)" | jq -r '.password_id // "none"')" "unchanged none" \
	"FL-43: on other machines than types II and III the password is used for nothing: another one makes no other version, and no version names it"
run=$(rest POST /tasks/with:run | jq -r .id)
run_wait "$run" 60 || not_ok "the next backup ends"
is "$(target state) $(target reason) $(target 'restarted // false') $(($(restarts) - before))" "unchanged null false 1" \
	"FL-45: already off: nothing is changed and nothing restarted, whatever the option says"
is "$(target 'lists | map(.state) | unique | join(" ")') $(rest GET "/versions/$(target version)" | jq -r .device)" "done n/a $(device_id "$g")" \
	"FL-44: a chosen list that the machine lacks is n/a; FL-49: the version is found under its machine"
is "$(versions_of "$g") $((versions > 0))" "$versions 1" \
	"FL-48: the same content: unchanged, a new check and no new version"

is "$(control GET /stats | jq -c '[.export_overlaps, .session_overlaps, .factory_resets, .password_switches_open]')" '[0,0,0,0]' \
	"no overlap, no factory reset, no open switch, by the machines' own account"
system_finish
