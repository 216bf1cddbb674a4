#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The Ricoh adapter writes to simulated machines, without a worker around it (tests/peers/adapter_run): entries go, change
# and come, passwords stay, the old book comes back; what nobody published is not sent (DV-14); what goes wrong and what is
# left then; sessions longer than the machine's time limit.
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. tests/lib/worker.sh
worker_dir

echo '{"seed":21,"count":12,"families":{"ricoh_udirectory":1},"restart_ms":300,
	"books":{"empty":0,"small":1,"medium":0,"large":0,"full":0},
	"latency":{"login_ms":0,"page_ms":0,"export_ms":0,"jitter_percent":0}}' >"$D/fleet"
sim_up --fleet="$D/fleet" --address_base=127.95.0.0 || { not_ok "the simulator starts"; done_testing; }
small=$(jq -r '[.devices[] | select(.model=="IM C3000")][0].name' "$D/map")  # 20 objects at once
large=$(jq -r '[.devices[] | select(.model!="IM C3000")][0].name' "$D/map") # 50
slow=$(jq -r '[.devices[] | select(.model!="IM C3000")][1].name' "$D/map")
export RUN_ITEM=address_book RUN_PROBE_MS=1000

map_of() { # NAME → $D/m
	jq --arg n "$1" '{devices:[.devices[]|select(.name==$n)],credentials}' "$D/map" >"$D/m"
}
run() { timeout 60 "$B/tests/peers/adapter_run" "$D/m" "$@" >"$D/said"; }
cause() { jq -r --arg s "$1" 'select(.step==$s)|.cause' "$D/said" | tail -1; }
book() { sim GET "/devices/$1/book"; }
hash_of() { book "$1" | jq -r .sha256; }
people() { book "$1" | jq -c "[.entries[] | select($2)]"; }
state() { sim GET "/devices/$1" | jq -r ".state.$2"; }
fault() { sim POST "/devices/$1/fault" "$2" >/dev/null; }
edit() { sim POST "/devices/$1/edit" "$2" >/dev/null; }
count() { # DEVICE WHAT: calls so far
	sim GET '/log?since=0&limit=100000' | jq -s --arg d "$1" --arg w "$2" 'flatten | [.[] | select(.device==$d and .what==$w)] | length'
}
put_people() { # DEVICE FROM TO: entries with mail, a folder with a password among them
	sim PUT "/devices/$1/book" "$(jq -n --argjson a "$2" --argjson b "$3" '{entries:[range($a;$b+1)|{id:(.*3),index:"\(.)",
		name:"Person \(.)",longName:"Person \(.)",tagId:"1,2","mail:":"true","mail:address":"p\(.)@example.com"}]}')" >/dev/null
	edit "$1" '{"index":"900","name":"Scan","tagId":"8","remoteFolder:":"true","remoteFolder:type":"smb",
		"remoteFolder:path":"\\\\nas\\scan","remoteFolder:accountName":"scan","remoteFolder:select":"private",
		"remoteFolder:password":"secret"}'
	edit "$1" '{"index":"901","name":"Everyone","tagId":"1","entryType":"group"}'
}
# A file in the codec's form: the machine's book as jq changes it.
wanted() { # DEVICE JQ → $D/wanted
	book "$1" | jq -r "[.entries[] | del(.has_password)] | $2 | .[] |
		\"<item>\" + ([to_entries[] | select(.key|startswith(\"faxAux\")|not) |
			\"<item><propName>\(.key|@html)</propName><propVal>\(.value|tostring|@html)</propVal></item>\"] | add) + \"</item>\"" |
		{ echo '<u:getObjectsPropsResponse xmlns:u="http://www.ricoh.co.jp/xmlns/soap/rdh/udirectory"><returnValue>'; cat; echo '</returnValue></u:getObjectsPropsResponse>'; } >"$D/wanted"
}

# ---- sessions longer than a session may be: in the background ----
put_people "$slow" 1 60
sim POST "/devices/$slow/latency" '{"page_ms":5000,"export_ms":5000}' >/dev/null
jq --arg n "$slow" '{devices:[.devices[]|select(.name==$n)],credentials}' "$D/map" >"$D/m.slow"
timeout 100 "$B/tests/peers/adapter_run" "$D/m.slow" probe read="$D/slow" release >"$D/said.slow" &
slow_pid=$!

for me in $small $large; do
	at_once=$([ "$me" = "$small" ] && echo 20 || echo 50)
	map_of "$me"
	put_people "$me" 1 110
	old=$(hash_of "$me")
	run probe read="$D/old" release

	# ---- what goes, what changes, what is new ----
	wanted "$me" 'map(if .name == "Person 7" then .name = "Seven" | ."mail:address" = "seven@example.com"
		elif .name == "Scan" then ."remoteFolder:path" = "\\\\nas\\other" else . end) |
		map(select(((.index|tonumber) < 40 or (.index|tonumber) > 100))) |
		. + [range(200;265) | {id:"new-\(.)",index:"\(.)",name:"New \(.)",tagId:"9",isDestination:"true",isSender:"false","fax:":"true","fax:number":"0\(.)"}]'
	put0=$(count "$me" putObjects) del0=$(count "$me" deleteObjects) cha0=$(count "$me" putObjectProps)
	run probe read="$D/before" identify before="$D/before" wanted="$D/wanted" foresee write read="$D/after" identify release
	is "$(cause write) $(cause read) $(cause release)" "ok ok ok" "$at_once at once: a book is written entry by entry"
	is "$(($(count "$me" deleteObjects) - del0)) $(($(count "$me" putObjectProps) - cha0)) $(($(count "$me" putObjects) - put0))" \
		"$(((61 + at_once - 1) / at_once)) 2 $(((65 + at_once - 1) / at_once))" "$at_once at once: in as few calls as the machine takes"
	is "$(people "$me" '.name=="Seven"' | jq -r '.[0]|"\(.id) \(."mail:address") \(.longName)"')" "21 seven@example.com Person 7" \
		"the changed entry has what changed and keeps what did not"
	is "$(people "$me" '.name=="Scan"' | jq -r '.[0]|"\(."remoteFolder:path") \(.has_password)"')" '\\nas\other true' \
		"a password that the machine never tells stays with its entry (DV-15)"
	is "$(book "$me" | jq '.entries|length') $(people "$me" '.index|tonumber|. >= 40 and . <= 100') $(people "$me" '.name|startswith("New")' | jq length)" \
		"116 [] 65" "gone are those that go, there are those that come"
	is "$(state "$me" unknown_values)" 0 "nothing was sent that nobody published (DV-14)"
	is "$(state "$me" session)$(state "$me" sessions_expired)" "0" "the session was ended, not left to the machine's timer"

	# ---- the old book again ----
	run probe read="$D/b" before="$D/b" wanted="$D/old" foresee write read="$D/after" release
	is "$(cause write) $(hash_of "$me")" "ok $old" "the old book is put back (revert): the machine holds what it held"
	run probe read="$D/b" before="$D/b" wanted="$D/b" write release
	is "$(cause write) $(($(count "$me" startSession)))" "ok $(count "$me" startSession)" "a book that is as wanted: nothing is sent"
done

# ---- entries change places ----
me=$small
map_of "$me"
put_people "$me" 1 5
wanted "$me" 'map(if .index == "1" then .index = "2" elif .index == "2" then .index = "1" elif .index == "3" then .index = "9" elif .index == "4" then .index = "3" else . end)'
run probe read="$D/b" before="$D/b" wanted="$D/wanted" write release
is "$(cause write) $(people "$me" '.name|startswith("Person")' | jq -c 'map("\(.id) \(.index)")')" 'ok ["6 1","3 2","12 3","15 5","9 9"]' \
	"entries change places, and never two have one number"

# ---- what the plan says ----
me=$small
map_of "$me"
put_people "$me" 1 5
wanted "$me" 'map(select(.name != "Scan" and .name != "Everyone")) | map(if .name == "Person 1" then ."mail:parameter" = "7" | ."browser:home" = "x" else . end)'
run probe read="$D/b" before="$D/b" wanted="$D/wanted" foresee release
is "$(jq -c 'select(.step=="foresee")|[.plan.notes[]|"\(.kind) \(.reason)"]' "$D/said")" \
	'["destroyed members_unknown","secret withheld","refused unknown_value","refused unknown_property"]' \
	"the plan names groups and passwords that would be gone for good, and values that are never written"
is "$(jq -c 'select(.step=="foresee")|.plan.needs|sort' "$D/said")" '["losses","not_restorable"]' "and asks for consent"
old=$(hash_of "$me")

# ---- ricoh_unknown_property (DV-14): a folder type that nobody published ----
wanted "$me" '. + [{id:"new",index:"50",name:"Odd",tagId:"1","remoteFolder:":"true","remoteFolder:type":"sftp","remoteFolder:path":"/x"}] |
	map(if .name == "Person 1" then ."mail:parameter" = "7" | ."browser:home" = "x" else . end)'
run probe read="$D/b" before="$D/b" wanted="$D/wanted" write release
is "$(cause write) $(state "$me" unknown_values) $(people "$me" '.name=="Odd"' | jq -r '.[0]."remoteFolder:type"')" "ok 0 smb" \
	"an unknown folder type and an unknown property never reach the machine"
is "$(jq -r 'select(.step=="write")|.verdicts[0].result' "$D/said")" 2 "and the write says that it is not all as wanted (ok_corrected)"
put_people "$me" 1 5

# ---- nothing is written when ----
wanted "$me" 'map(.name |= "X " + .)'
old=$(hash_of "$me")
rm -f "$D/go" "$D/said"
run probe read="$D/b" before="$D/b" wanted="$D/wanted" until="$D/go" write release &
pid=$!

was_read() { grep -q "\"step\":\"read\"" "$D/said" 2>/dev/null; }
within 10 was_read || not_ok "the book is read"
edit "$me" '{"id":3,"name":"Changed"}'
new=$(hash_of "$me")
touch "$D/go"
wait $pid
is "$(cause write) $(hash_of "$me")" "plan_stale $new" "somebody changed the book since it was read: plan_stale, nothing written"
run probe read="$D/b" release
sim POST "/devices/$me/session" '{"seconds":0,"exclusive":false}' >/dev/null
run probe before="$D/b" wanted="$D/wanted" write release
is "$(cause write) $(hash_of "$me")" "device_locked $new" "somebody else has the book open: device_locked, nothing written"
sim POST "/devices/$me/session" '{"end":true}' >/dev/null
sim POST "/devices/$me/op" '{"op":"send","seconds":0}' >/dev/null
run probe before="$D/b" wanted="$D/wanted" write release
is "$(cause write) $(hash_of "$me")" "device_busy $new" "people are at work: device_busy, nothing written (DV-5)"
sim POST "/devices/$me/op" '{"op":"send","stop":true}' >/dev/null

# ---- what goes wrong in the middle ----
put_people "$me" 1 30
old=$(hash_of "$me")
edit "$me" '{"id":6,"auth:":"true","auth:name":"4711"}'
wanted "$me" '. + [{id:"new",index:"50",name:"Twice",tagId:"1","auth:name":"4711"}]'
run probe read="$D/b" before="$D/b" wanted="$D/wanted" write release
is "$(cause write)" rejected "a user code that another entry has: rejected"
is "$(jq -r 'select(.step=="write")|.text' "$D/said" | cut -d: -f1)" UDIRECTORY_DIRECTORY_INCONSISTENT "with the machine's own words"
put_people "$me" 1 30
wanted "$me" 'map(.name |= "X " + .) | map(select(.index != "3"))'
fault "$me" '{"mp":"mp_22","at":"import"}'
run probe read="$D/b" before="$D/b" wanted="$D/wanted" write read="$D/after" release
is "$(cause write) $(hash_of "$me")" "ok $old" "mp_22: it says OK and keeps the old book"
check "and the read-back shows it" cmp "$D/b" "$D/after"
fault "$me" '{"mp":"mp_22_half","at":"import"}'
run probe read="$D/b" before="$D/b" wanted="$D/wanted" write read="$D/after" release
is "$(cause write) $(people "$me" '.name|startswith("X ")' | jq length)" "ok 16" "mp_22_half: it takes every other one"
fault "$me" '{"mp":"none"}'
run probe read="$D/now" before="$D/now" wanted="$D/b" write read="$D/after" release
is "$(cause write) $(hash_of "$me")" "ok $old" "and the old book is put back"
fault "$me" '{"mp":"mp_24","at":"import","times":1}'
run probe read="$D/b" before="$D/b" wanted="$D/wanted" write release
is "$(cause write)" connection_lost "mp_24: it restarts in the middle of the import: connection_lost"
fault "$me" '{"mp":"none"}'
up() { run probe && [ "$(cause probe)" = ok ]; }
within 10 up || not_ok "the machine comes back"
run probe read="$D/now" before="$D/now" wanted="$D/b" write read="$D/after" release
is "$(cause write) $(hash_of "$me")" "ok $old" "whatever it holds then, the old book is put back"
is "$(sim GET '/log?since=0&limit=100000' | grep -c -E '"(overlap|violation)"')" 0 "never two sessions at one machine"

# ---- a session that the machine ends too early: once more, where it stood ----
put_people "$me" 1 40
wanted "$me" 'map(.name |= "Y " + .)'
sim POST "/devices/$me/latency" '{"page_ms":30}' >/dev/null
run probe read="$D/b" before="$D/b" wanted="$D/wanted" write read="$D/after" release &
pid=$!
writing() { [ "$(people "$me" '.name|startswith("Y ")' | jq length)" -ge 5 ]; }
within 20 writing || not_ok "the write begins"
sim POST "/devices/$me/session" '{"end":true}' >/dev/null
wait $pid
is "$(cause write) $(people "$me" '.name|startswith("Y ")' | jq length)" "ok 42" "the machine ended the session in the middle: another one, and all is written"

# ---- restart over SNMP: no call of its own is public ----
jq --arg n "$me" '{devices:[.devices[]|select(.name==$n)],
	credentials:(.credentials+[{kind:"snmp_v2c",community_read:"public",community_write:"private"}])}' "$D/map" >"$D/m"
sim POST "/devices/$me/latency" '{"page_ms":0}' >/dev/null
run probe read="$D/b" restart release
is "$(cause restart)" ok "it is restarted over SNMP"

wait $slow_pid
is "$(jq -r 'select(.step=="read")|"\(.cause) \(.entries)"' "$D/said.slow") $(state "$slow" sessions_opened) $(state "$slow" sessions_expired)" \
	"ok 62 2 0" "a read longer than 20 s goes on in a second session, and neither runs into the machine's limit (DV-12)"
done_testing
