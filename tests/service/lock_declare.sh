#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Other systems take part (docs/spec/locks.md sections 2 and 4): a firmware tool that links nothing (curl and an API token) and
# `carnet lock` around a command; who is in the way, in three languages; the event stream; bad input, each its own refusal.
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. deploy/local/stack.sh
B=${B:-build}
D=$(mktemp -d /tmp/clk.XXXXXX)
trap 'kill ${streams:-} 2>/dev/null; stack_down "$D"; rm -rf "$D"' EXIT
export STACK_DURABLE=0 STACK_REST=unix:$D/rest.sock LC_ALL=C.UTF-8
STACK_INSTANCES="gateway:1 lock:2 scheduler:1 storage:1 sync:1" stack_make "$D" "$B"
for i in 1 2; do
	stack_env "$D" lock-$i QUARANTINE_MS 200
	stack_env "$D" lock-$i QUARANTINE_MAX_MS 1000
	stack_env "$D" lock-$i SWEEP_MS 100
done
mkdir -p "$D/log"
stack_database "$D" >/dev/null && stack_up "$D" && stack_ready "$D" 60 || { not_ok "the services start"; done_testing; }
within 60 test -s "$D/run/setup-token"
export CARNET_SERVER=$STACK_REST CARNET_TOKEN_FILE=$D/admin
echo "a password for the administrator" >"$D/password"
exec 5>"$D/stderr"
c() { "$B/bin/carnet" "$@" 2>&5; }
in_background() { "$B/bin/carnet" "$@" 2>&5 & } # not c: its process is the one that gets signals
c setup --setup-token-file "$D/run/setup-token" --password-file "$D/password" --token-out "$D/admin" >/dev/null
for name in lobby cellar attic; do
	c device add --name $name --vendor canon --family canon_rui --serial LK-$name --address 127.0.0.9 >/dev/null
done
c token create --name firmware --role operator --json | jq -r .token >"$D/operator"
c token create --name screen --role viewer --json | jq -r .token >"$D/viewer"
id_of() { c device get "$1" --json | jq -r .id; }
lobby=$(id_of lobby)
db() { stack_psql "$D" "$@"; }
uuid() { cat /proc/sys/kernel/random/uuid; }

# METHOD PATH [BODY] → $status $body, as the firmware tool
as=operator
ask() {
	body=$(curl -s -m 30 --unix-socket "$D/rest.sock" -X "$1" -H "Authorization: Bearer $(cat "$D/$as")" -H "Accept-Language: ${lang:-en}" \
		-H 'Content-Type: application/json' ${3:+-d "$3"} -w '\n%{http_code}' "http://localhost/api/v1$2")
	status=${body##*$'\n'} body=${body%$'\n'*}
}
field() { jq -r "$1" <<<"$body"; }
said() { echo "$status $(field .reason)"; }
standing() { db -c "select (select count(*) from lock.held), (select count(*) from lock.waiting), (select sum(last_token) from lock.device)"; }

# ---- a firmware tool with curl

: >"$D/events"
curl -sN -m 120 --unix-socket "$D/rest.sock" -H "Authorization: Bearer $(cat "$D/viewer")" "http://localhost/api/v1/locks/events?device=lobby" >"$D/events" &
streams=$!
within 20 grep -q retry "$D/events"
r=$(uuid)
ask POST /locks "{\"request\":\"$r\",\"op\":\"sw_update\",\"devices\":[\"lobby\"],\"lease_ms\":60000}"
is "$status $(field .answer) $(field '.grants[0].device_name')" "200 granted lobby" "a firmware tool declares its update on a printer by name"
token=$(field '.grants[0].token')
ask POST /locks "{\"request\":\"$r\",\"op\":\"sw_update\",\"devices\":[\"lobby\"],\"lease_ms\":60000}"
is "$status $(field '.grants[0].token')" "200 $token" "asked again it has the same token (I9)"
ask POST "/locks/$r:renew" "{\"token\":$token}"
is "$status $(field .answer)" "200 granted" "it renews"
ask GET "/locks?device=lobby"
is "$(field '.items[0] | "\(.op) \(.device_name) \(.holder) \(.state)"')" "sw_update lobby token:firmware live" "the list names printer and holder"
ask GET "/locks/$r"
is "$(field '.items | length')" 1 "and so does the lock itself"

as=viewer
ask POST /locks:explain '{"op":"indiv_ie","direction":"import","devices":["lobby"]}'
is "$status $(field .answer)" "200 busy" "a viewer may ask whether an import may start: no"
is "$(field .text)" "No: Software update process (token:firmware) holds the device: Individual import or export may not start beside it (row 11 of the matrix)." "and who is in the way"
lang=fr ask POST /locks:explain '{"op":"indiv_ie","direction":"import","devices":["lobby"]}'
is "$(field .text)" "Non : « Processus de mise à jour du logiciel » (token:firmware) : opération en cours sur l’imprimante ; « Importation ou exportation individuelle » ne peut pas démarrer en même temps (ligne 11 de la matrice)." "in French"
lang=ja ask POST /locks:explain '{"op":"indiv_ie","direction":"import","devices":["lobby"]}'
is "$(field .text)" "いいえ：「ソフトウェアの更新処理」（token:firmware）がプリンターを使用中です。「個別インポート／個別エクスポート」は同時に開始できません（マトリクスの11行目）。" "in Japanese"
ask POST /locks:explain '{"op":"indiv_ie","direction":"import","devices":["cellar"]}'
is "$(field .text)" "Yes: Individual import or export may start now." "elsewhere it may"
is "$(db -c "select count(*) from lock.device where device_id = '$(id_of cellar)'")" 0 "to explain writes nothing"
ask POST /locks '{"op":"sw_update","devices":["cellar"]}'
is "$(said)" "403 role" "a viewer declares nothing"
as=operator

ask POST /locks '{"op":"batch_ie","direction":"import","devices":["lobby","cellar"]}'
is "$status $(field '"\(.answer) \(.reason) \(.blockers[0].device_name) \(.blockers[0].holder)"')" "409 busy blocked lobby token:firmware" "another one that excludes it is busy, with what blocks"
w=$(uuid)
ask POST /locks "{\"request\":\"$w\",\"op\":\"batch_ie\",\"direction\":\"import\",\"devices\":[\"lobby\"],\"wait_ms\":60000}"
is "$status $(field '"\(.answer) \(.place)"')" "202 queued 1" "with time to wait it is queued"
check "and told when to ask again" test "$(field .retry_ms)" -gt 0
ask POST "/locks/$w:cancel" '{}'
is "$status" 200 "it thinks better of it"
is "$(db -c "select count(*) from lock.waiting")" 0 "and waits no more"
ask POST "/locks/$r:release" "{\"token\":$((token + 1))}"
is "$(said)" "409 lock_lost" "a wrong token releases nothing (I6)"
ask POST "/locks/$r:renew" "{\"token\":$token,\"session\":\"$(uuid)\"}"
is "$(said)" "409 lock_lost" "nor does another session renew"
ask POST "/locks/$r:release" "{\"token\":$token}"
is "$status" 200 "its holder gives it back"
ask POST "/locks/$r:renew" "{\"token\":$token}"
is "$(said)" "409 lock_lost" "after that nothing is renewed"
check "the stream told of it all" within 20 grep -q '"released"' "$D/events"
is "$(grep -o '"device_name":"[^"]*"' "$D/events" | sort -u)" '"device_name":"lobby"' "of the printer that was named, and of no other"

# ---- a printer that is marked strict

may_import() { c lock explain "$1" --op import --json | jq -r '"\(.answer) \([.blockers[].op] | join(" "))"'; }
db -c "insert into lock.shadow (device_id, op, seen_at, until) select id, 'panel', now(), now() + interval '10 minutes' from fleet.device where name in ('cellar', 'attic')" >/dev/null
is "$(may_import cellar), $(may_import attic)" "granted , granted " "somebody at the panel hinders no import"
c device set attic --strict_interlock true >/dev/null
is "$(c device get attic --json | jq .strict_interlock)" true "a printer is marked strict_interlock"
is "$(c device list --filter 'strict_interlock = true' --json | jq -r '.items[].name')" attic "and found by it"
is "$(may_import cellar), $(may_import attic)" "granted , busy panel" "there, and only there, it does (strict mode of a device)"
ask POST /locks '{"op":"batch_ie","direction":"import","devices":["cellar","attic"]}'
is "$status $(field '[.blockers[].device_name] | join(" ")')" "409 attic" "what another system declares is judged so, too"
ask PATCH /devices/attic '{"strict_interlock":"very"}'
is "$status" 422 "it is yes or no"
echo '{"devices":[{"name":"attic","vendor":"canon","family":"canon_rui","serial":"LK-attic","address":"127.0.0.9","strict_interlock":false}]}' >"$D/import"
CARNET_TOKEN_FILE=$D/admin c device import "$D/import" >/dev/null
is "$(may_import attic)" "granted " "a file that is imported says no: not any more"
db -c "delete from lock.shadow" >/dev/null

# ---- asked again and again: the audit has the first asking and the outcome

r=$(uuid) q=$(uuid)
ask POST /locks "{\"request\":\"$r\",\"op\":\"sw_update\",\"devices\":[\"attic\"],\"lease_ms\":60000}"
token=$(field '.grants[0].token')
seq=$(db -c "select max(seq) from gate.audit")
noted() { db -c "select string_agg(outcome, ' ' order by seq) from gate.audit where seq > $seq and verb = 'lock_declare'"; }
wait_for_it() { ask POST /locks "{\"request\":\"$q\",\"op\":\"dist\",\"devices\":[\"attic\"],\"wait_ms\":3600000}"; }
wait_for_it && wait_for_it && wait_for_it
is "$status $(noted)" "202 accepted" "three times asked, once noted"
ask POST "/locks/$r:release" "{\"token\":$token}"
wait_for_it
check "and how the waiting ended" within 20 eval '[ "$status $(noted)" = "200 accepted granted" ]'
token=$(field '.grants[0].token')
wait_for_it
is "$status $(noted)" "200 accepted granted" "who has it and asks again changes nothing"
ask POST "/locks/$q:release" "{\"token\":$token}"
wait_for_it
check "a request that is over is noted as any other" within 20 eval '[ "$status $(noted)" = "409 accepted granted accepted lease_lost" ]'

# ---- bad input: each its own refusal, nothing changed

before=$(standing)
many=$(jq -nc '[range(1001) | "lobby"]')
ask POST /locks '{"op":"make_coffee","devices":["lobby"]}' && is "$(said)" "422 unknown_op" "an unknown operation"
ask POST /locks '{"op":"panel","devices":["lobby"]}' && is "$(said)" "422 not_requestable" "an operation that is only observed"
ask POST /locks '{"op":"sync_control","devices":["lobby"]}' && is "$(said)" "422 not_requestable" "an operation that only Carnet does"
ask POST /locks '{"op":"sw_update","devices":["nowhere"]}' && is "$(said)" "404 unknown_device" "an unknown printer"
ask POST /locks "{\"op\":\"sw_update\",\"devices\":[\"$(uuid)\"]}" && is "$(said)" "404 unknown_device" "an id that no printer has"
ask POST /locks '{"op":"sw_update","devices":[]}' && is "$(said)" "422 unknown_device" "no printer at all"
ask POST /locks "{\"op\":\"sw_update\",\"devices\":$many}" && is "$(said)" "422 too_many_devices" "1,001 printers"
ask POST /locks:explain '{"op":"sw_update","devices":["lobby"],"profile":"no_such"}' && is "$(field '"\(.answer) \(.reason)"')" "refused unknown_profile" "an unknown profile"
ask POST /locks '{"op":"sw_update","devices":["lobby"],"profile":"generic"}' && is "$status" 422 "a profile is nothing a client chooses"
ask POST /locks '{"op":"sw_update","devices":["lobby"],"wait_ms":-1}' && is "$status $(field .name)" "422 validation_failed" "a negative time to wait"
ask POST /locks '{"op":"sw_update","devices":["lobby"],"wait_ms":86400001}' && is "$status $(field .name)" "422 validation_failed" "more than a day to wait"
ask POST /locks '{"op":"sw_update","devices":["lobby"],"lease_ms":120001}' && is "$status $(field .name)" "422 validation_failed" "a lease of more than two minutes"
ask POST /locks '{"op":"sw_update","devices":["lobby"],"lease_ms":9}' && is "$(said)" "422 lease" "a lease too short to be renewed"
ask POST /locks '{"op":"sw_update","devices":["lobby"],"lease_ms":99999999999999999999999}' && is "$status" 400 "a number that is none"
ask POST /locks '{"op":"batch_ie","direction":"sideways","devices":["lobby"]}' && is "$status $(field .name)" "422 validation_failed" "a direction that is none"
ask POST /locks '{"op":"batch_ie","direction":"import","items":["the_moon"],"devices":["lobby"]}' && is "$(said)" "409 items_refused" "an item that is none"
ask POST /locks '{"request":"1","op":"sw_update","devices":["lobby"]}' && is "$status $(field .name)" "422 validation_failed" "a request id that is none"
ask POST /locks '{"op":"sw_update","devices":["lobby"],"kind":"own"}' && is "$status" 422 "who declares cannot say that it is Carnet"
is "$(standing)" "$before" "nothing changed by any of these"
r=$(uuid)
ask POST /locks "{\"request\":\"$r\",\"op\":\"fax\",\"devices\":[\"attic\"]}"
old=$(field '.grants[0].token')
ask POST /locks "{\"request\":\"$r\",\"op\":\"send\",\"devices\":[\"attic\"]}" && is "$(said)" "409 request_reused" "a request id used again with other content"
ask POST "/locks/$r:release" "{\"token\":$((old - (1 << 48)))}" && is "$(said)" "409 lock_lost" "a token from another epoch"
ask POST "/locks/$r:end" '{"reason":"no"}' && is "$status" 403 "an operator ends nothing for others"
is "$(db -c "select op || state from lock.held")" fax2 "the lock stands as it was"
ask POST "/locks/$r:release" "{\"token\":$old}"

# ---- carnet lock around a command

export CARNET_TOKEN_FILE=$D/operator
c lock acquire lobby cellar --op sw_update --for 1m -- sh -c 'echo "$CARNET_LOCK_REQUEST $CARNET_LOCK_TOKEN" >"$0"; exit 7' "$D/seen"
is $? 7 "the exit code is the command's"
is "$(db -c "select string_agg(distinct event, ' ' order by event) from lock.history where request = '$(cut -d' ' -f1 "$D/seen")'")" "granted released" "it was held while the command ran, and given back"
c lock acquire lobby --op sw_update -- /no/such/program
is $? 127 "a command that is not there"
is "$(db -c "select count(*) from lock.held")" 0 "holds nothing"
mkfifo "$D/go"
in_background lock acquire lobby --op sw_update --for 1m --lease 10s -- sh -c 'echo on >"$0.on"; read -r x <"$0"' "$D/go"
holder=$!
within 30 test -s "$D/go.on"
renewed() { [ "$(db -c "select expires_at > granted_at + lease_ms * interval '1 ms' from lock.held")" = t ]; }
check "while it runs its lock is renewed" within 30 renewed
is "$(c lock explain lobby --op import)" "No: Software update process (token:firmware) holds the device: Individual import or export may not start beside it (row 11 of the matrix)." "may an import start? who is in the way"
c lock explain lobby --op import >/dev/null
is $? 1 "exit 1: no"
c lock explain cellar --op import --lang ja >"$D/out"
is "$? $(cat "$D/out")" "0 はい：「個別インポート／個別エクスポート」は今すぐ開始できます。" "exit 0: yes"
c lock acquire lobby --op dist -- true
is $? 75 "another one: try later"
"$B/bin/carnet" lock acquire lobby --op dist --wait 1m -- touch "$D/waited" 2>"$D/waits" &
waiter=$!
check "one that waits says what for" within 30 grep -q "waits (place 1): No: Software update process (token:firmware) holds the device" "$D/waits"
is "$(c lock list --state waiting --json | jq -r '.items[0] | "\(.op) \(.device_name)"')" "dist lobby" "it stands in the list"
check "its command has not begun" test ! -e "$D/waited"
echo go >"$D/go"
wait $holder
wait $waiter
is "$? $(test -e "$D/waited" && echo ran)" "0 ran" "when the first is through it runs"

in_background lock acquire lobby --op sw_update -- sh -c 'trap "echo told >\"$0\"; exit 3" TERM; echo on >"$0.on"; while :; do sleep 0.1; done' "$D/told"
holder=$!
within 30 test -s "$D/told.on"
kill -TERM $holder
wait $holder
is "$? $(cat "$D/told")" "3 told" "a signal is passed on, and the command's exit code comes back"
c lock acquire lobby --op sw_update -- sh -c 'kill -KILL $$'
is $? 137 "a command that is killed"
is "$(db -c "select count(*) from lock.history h join lock.held using (request) where event = 'quarantine'")" 1 "leaves the printer in quarantine: nobody knows what it did"
c lock explain lobby --op import >"$D/out"
like "$(cat "$D/out")" "ended without proof, (the device is in quarantine|a person must look)" "which is what explain says"
attention() { [ "$(db -c "select state from lock.held where op = 'sw_update'")" = 4 ]; }
check "nobody clears it: it asks for attention" within 60 attention
r=$(db -c "select request from lock.held")
CARNET_TOKEN_FILE=$D/admin c lock end "$r" --reason "looked at it" >/dev/null
is "$? $(db -c "select count(*) from lock.held")" "0 0" "a person ends it, with a reason"
CARNET_TOKEN_FILE=$D/admin c lock end "$r" --reason again >/dev/null
is $? 4 "once"

in_background lock acquire lobby --op sw_update --lease 10s --lost term -- sh -c 'echo on >"$0.on"; exec sleep 600' "$D/gone"
holder=$!
within 30 test -s "$D/gone.on"
db -c "delete from lock.held" >/dev/null
wait $holder
is $? 75 "a lock that is lost: the command is told to stop"
c lock acquire cellar --op sw_update --for 1s -- sleep 600
is $? 75 "nor does it run longer than --for"
c lock acquire cellar --op sw_update --lost sometimes -- true
is $? 64 "an unknown way to lose"
c lock acquire --op sw_update -- true
is $? 64 "no printer"
c lock acquire cellar -- true
is $? 64 "no operation"
"$B/bin/carnet" lock watch lobby >"$D/watch" &
streams+=" $!"
sleep 0.3
tell_once() { c lock acquire lobby --op fax -- true; grep -q "lobby fax released" "$D/watch"; }
check "carnet lock watch tells each change" within 30 tell_once
r=$(uuid)
token=$(c lock acquire attic --op fax --request "$r" | jq '.grants[0].token')
is "$(c lock renew "$r" --token "$token" --json | jq -r .answer)" granted "without a command: a token, to be renewed"
c lock release "$r" --token "$token" >/dev/null
is $? 0 "and given back"
in_background lock acquire attic --op sw_update --lease 60s -- sh -c 'echo $$ >"$0"; exec sleep 600' "$D/orphan"
holder=$!
within 30 test -s "$D/orphan"
kill -KILL $holder && { wait $holder; } 2>/dev/null
gone() { ! grep -q '^State:.[^ZX]' "/proc/$(cat "$D/orphan")/status" 2>/dev/null; } # nobody may be there to bury it
check "when carnet itself is killed its command does not go on alone" within 30 gone
is "$(db -c "select state from lock.held where device_id = '$(id_of attic)'")" 2 "and the printer stays taken until the lease is over"
done_testing
