#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Canon's adapter writes to a simulated machine, without a worker around it (tests/peers/adapter_run): import, refusals,
# what is left when it goes wrong, restart; the password switch is closed after every failure (canon_switch_restored).
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. tests/lib/worker.sh
worker_dir

echo '{"seed":11,"count":8,"types":{"I":1,"II":1,"III":0},"books":{"medium":1},"restart_ms":500,
	"latency":{"login_ms":0,"page_ms":0,"export_ms":2,"import_ms":20}}' >"$D/fleet"
sim_up --fleet="$D/fleet" --address_base=127.43.0.0 || { not_ok "the simulator starts"; done_testing; }
one=$(jq -r '[.devices[] | select(.type=="I")][0].name' "$D/map")
two=$(jq -r '[.devices[] | select(.type=="II")][0].name' "$D/map")

map_of() { # NAME CHANGES → $D/m
	jq --arg n "$1" "{devices:[.devices[]|select(.name==\$n)+${2:-{\}}],
		credentials:(.credentials+[{kind:\"snmp_v2c\",community_read:\"public\",community_write:\"private\"}])}" \
		"$D/map" >"$D/m"
}
run() { RUN_ITEM=${item:-list_1} timeout 30 "$B/tests/peers/adapter_run" "$D/m" "$@" >"$D/said"; }
cause() { jq -r --arg s "$1" 'select(.step==$s)|.cause' "$D/said" | tail -1; }
stat() { sim GET /stats | jq ".$1"; }
raw() { sim GET "/devices/$1/book?raw=$2&secrets=1" >"$3"; }
fault() { sim POST "/devices/$one/fault" "$1" >/dev/null; }
state() { sim GET "/devices/$1" | jq -c ".state.$2"; }

# ---- a list goes in and comes out again, passwords too where the operator wants them ----
map_of "$one" '{accept_clear_text_secrets:true}'
run probe busy read="$D/old" release
sed 's/^cn: \(.*\)\r$/cn: \1 2\r/' "$D/old" >"$D/new"
run probe busy read="$D/before" before="$D/before" wanted="$D/new" foresee write read="$D/after" identify release
is "$(cause write) $(cause release)" "ok ok" "a changed list is imported"
check "the list read after it is the one sent, byte for byte" cmp "$D/after" "$D/new"
is "$(jq -c 'select(.step=="foresee")|[.plan.notes[].reason],.plan.needs' "$D/said" | tr '\n' ' ')" \
	'["H6","favorites_recall"] null ' "the plan names what is destroyed besides (H6, favourites and recall)"
is "$(stat session_overlaps) $(stat password_switches_open)" "0 0" "read, write and read share one session; the switch is closed"
run probe write read="$D/after" release
is "$(cause write)" ok "nothing to write is no error"
run probe read="$D/b" before="$D/b" wanted="$D/old" write read="$D/after" release
check "the old list goes back the same way (revert)" cmp "$D/after" "$D/old"

# ---- passwords do not travel in clear where the record says no ----
map_of "$one"
raw "$one" list_1 "$D/raw"
check "the list has passwords" grep -q '^pwd: Pw-' "$D/raw"
run probe read="$D/b" before="$D/b" wanted="$D/old" foresee write release
raw "$one" list_1 "$D/raw"
is "$(grep -c '^pwd: Pw-' "$D/raw")" 0 "no password was sent to a machine that does not accept clear text"
is "$(jq -c 'select(.step=="foresee")|.plan.needs' "$D/said")" '["secrets"]' "and the plan asked for that (H9)"
map_of "$one" '{accept_clear_text_secrets:true}'
run probe read="$D/b" before="$D/b" wanted="$D/old" write release

# ---- refusals: nothing is written ----
refused() { # CAUSE TEXT
	raw "$one" list_1 "$D/r1"
	run probe wanted="$D/new" write release
	raw "$one" list_1 "$D/r2"
	is "$(cause write)" "$1" "$2: $1"
	check "… and the list is untouched" cmp "$D/r1" "$D/r2"
}
sim POST "/devices/$one/op" '{"op":"send"}' >/dev/null
refused device_busy "a send job in progress"
sim POST "/devices/$one/op" '{"op":"send","stop":true}' >/dev/null
sim POST "/devices/$one/settings" '{"receive_restricted":true}' >/dev/null
refused receive_restricted "receive restriction"
sim POST "/devices/$one/settings" '{"receive_restricted":false}' >/dev/null
printf 'hello' >"$D/none" && cp "$D/new" "$D/keep" && cp "$D/none" "$D/new"
refused rejected "no address list at all"
cp "$D/keep" "$D/new"
missing=$(sim GET "/devices/$one" | jq -r '.state.items as $i|[range(1;11)|"list_\(.)"]-$i|.[0]')
item=$missing run probe wanted="$D/new" write release
is "$(cause write) $(jq -r 'select(.step=="write")|.detail' "$D/said" | grep -c 'nothing was sent')" "protocol_error 1" \
	"a list that the machine does not offer: protocol_error, nothing sent"
fault '{"mp":"http_503","at":"request","skip":3,"times":1}'
refused device_busy "503 on the way"
fault '{"mp":"none"}'

# ---- what lies ----
fault '{"mp":"mp_22","at":"import","times":1}'
run probe read="$D/b" before="$D/b" wanted="$D/new" write read="$D/after" release
is "$(cause write)" ok "mp_22 says OK"
check "and keeps the old list: only reading again tells (V1)" cmp "$D/after" "$D/old"

# ---- cut in the middle ----
fault '{"mp":"mp_24","at":"import","times":1}'
run probe read="$D/b" before="$D/b" wanted="$D/new" write release
is "$(cause write)" connection_lost "mp_24 restarts in the import: connection_lost"
is "$(state "$one" half_written)" '["list_1"]' "half of the list is left"
within 10 sh -c "curl -sS --unix-socket $D/sim http://sim/devices/$one | jq -e '.state.off|not'" >/dev/null
run probe read="$D/b" before="$D/b" wanted="$D/old" write read="$D/after" release
check "the pre-image over the half-written list brings it back" cmp "$D/after" "$D/old"
is "$(state "$one" half_written)" '[]' "nothing is half written any more"

# ---- texts that are meant for whoever reads them ----
hostile() { # MP CAUSE TEXT
	fault "{\"mp\":\"$1\",\"at\":\"export\",\"times\":1}"
	run probe read="$D/b" release
	is "$(cause read)" "$2" "$3"
}
hostile mp_08 parse_error "mp_08 a gzip bomb is never unpacked: parse_error"
check "… and what came of it is small" test "$(wc -c <"$D/b")" -lt 1000000
hostile mp_16 protocol_error "mp_16 a redirect to another machine is not followed"
hostile mp_17 protocol_error "mp_17 nor is one to itself"
for mp in mp_16 mp_17; do
	fault "{\"mp\":\"$mp\",\"at\":\"request\"}"
	run probe release
	is "$(cause probe)" redirect_refused "$mp where a redirect is followed: not to another machine, and not for ever (FL-21)"
done
hostile mp_15 ok "mp_15 formulas, script and format strings are text"
is "$(grep -c '^cn: =HYPERLINK("http://192.0.2.1/") <script>alert(1)</script> %s%n%x ;DROP TABLE entry' "$D/b")" 1 "… and kept exactly"
hostile mp_13 parse_error "mp_13 a folded line without end, junk base64, a file URL"
fault '{"mp":"none"}'

# ---- every row of the matrix as blocker of an import (import-export.md section 10) ----
rows=$(sed -n 's/^\([a-z_]*\),.*/\1/p' schemas/matrix.csv | grep -v '^id$')
wrong=0 blockers=0
for op in $rows; do
	[ "$op" = shutdown ] && continue # the machine goes
	sim POST "/devices/$one/op" "{\"op\":\"$op\"}" >/dev/null
	running=$(sim GET "/devices/$one" | jq -r --arg o "$op" '[.state.running[]|select(.op==$o and .state=="active")]|length')
	blocks=$(sim GET /stats | jq .busy)
	run probe wanted="$D/old" write release
	case $(cause write)-$blocks in
	device_busy-1) blockers=$((blockers + 1)) ;;
	ok-0) ;;
	*) wrong=$((wrong + 1)) && echo "# $op ($running): $(cause write), blocking $blocks" ;;
	esac
	sim POST "/devices/$one/op" "{\"op\":\"$op\",\"stop\":true}" >/dev/null
done
is "$wrong" 0 "each operation of the matrix lets an import in or keeps it out as the matrix says ($blockers keep it out)"

# ---- restart ----
restarts=$(stat restarts)
run probe read="$D/b" restart read="$D/after" release
is "$(cause restart) $(cause read) $(($(stat restarts) - restarts))" "ok ok 1" "restart over SNMP; reading works again in a new login"

# ---- canon_switch_restored: one bad answer at each request of a job that reads, writes and reads ----
points=0 open=0 mixed=0 lost=0
raw "$one" list_1 "$D/old"
sed 's/^cn: \(.*\)\r$/cn: \1 2\r/' "$D/old" >"$D/new"
for mp in mp_21 http_500 session_lost; do
	for skip in $(seq 0 20); do
		fault "{\"mp\":\"$mp\",\"at\":\"request\",\"skip\":$skip,\"times\":1}"
		run probe read="$D/b" before="$D/b" wanted="$D/new" write read="$D/after" release
		fault '{"mp":"none"}'
		points=$((points + 1))
		[ "$(stat password_switches_open)" = 0 ] || { open=$((open + 1)); echo "# $mp at request $skip leaves it open"; }
		raw "$one" list_1 "$D/now"
		cmp -s "$D/now" "$D/old" || cmp -s "$D/now" "$D/new" || mixed=$((mixed + 1))
		[ "$mp" = session_lost ] && [ "$(cause write)" != ok ] && lost=$((lost + 1)) && echo "# $skip $(cause write)"
		curl -sS --unix-socket "$D/sim" -X PUT --data-binary @"$D/old" "http://sim/devices/$one/book?raw=list_1" >/dev/null
	done
done
is "$open of $points" "0 of 63" "the password switch is closed after every failure point (DV-3, DC-7)"
is "$mixed" 0 "the list is the old or the new one at every failure point"
is "$lost" 0 "a session lost once is made again, wherever it happens"

# ---- setting values of type II: simulated only, with the password of the task ----
map_of "$two"
export RUN_PASSWORD='open sesame'
item=coded_dial run probe read="$D/dsv" release
sim POST "/devices/$two/edit" '{"item":"coded_dial","name":"Somebody else"}' >/dev/null
item=coded_dial run probe read="$D/b" before="$D/b" wanted="$D/dsv" foresee write read="$D/after" release
is "$(cause write) $(jq -r 'select(.step=="write")|.restart_required' "$D/said")" "ok true" \
	"device setting values are imported; the machine asks for a restart (B2)"
check "and read back equal" cmp "$D/after" "$D/dsv"
is "$(jq -c 'select(.step=="foresee")|[.plan.notes[].reason],.plan.restart' "$D/said" | tr '\n' ' ')" \
	'["workflows"] true ' "the plan says that workflows are deleted"
is "$(state "$two" workflows)" 0 "and so they are"
export RUN_PASSWORD='another one'
item=coded_dial run probe wanted="$D/dsv" write release
is "$(cause write)" wrong_password "another password: wrong_password (R18)"
# ---- items of settings (import-export.md section 1): opaque files, simulated only ----
map_of "$one"
export RUN_PASSWORD='open sesame'
setting() { curl -sS --unix-socket "$D/sim" -X "$1" "http://sim/devices/$2/setting?item=$3" "${@:4}"; }
bad=0
for id in basic_info paper_types printer_settings printer_download_profile forwarding box department_id key_settings certificate_crl \
	visual_message web_access favorites address_book user_group_address_list auth_users security_policy personal_setting_info \
	meap_settings indiv_device_settings indiv_web_favorites indiv_printer_settings indiv_paper_info; do
	setting GET "$one" $id >"$D/held"
	item=$id run probe read="$D/set" release
	if [ $id = address_book ]; then
		sim POST "/devices/$one/edit" '{"item":"list_1","name":"Somebody else"}' >/dev/null
	else
		setting PUT "$one" $id --data-binary changed >/dev/null
	fi
	item=$id run probe read="$D/b" before="$D/b" wanted="$D/set" write read="$D/after" release
	setting GET "$one" $id >"$D/holds"
	cmp -s "$D/after" "$D/set" && cmp -s "$D/held" "$D/holds" && [ "$(cause write)" = ok ] || { bad=$((bad + 1)); echo "# $id: $(cause write)"; }
done
is $bad 0 "each of 18 batch and 4 individual items goes out and in again, both directions"
other=$(jq -r --arg n "$one" '[.devices[]|select(.type=="I" and .name!=$n)]|sort_by(.model)|.[-1].name' "$D/map")
verdict_of() { jq -r 'select(.step=="write")|"\(.cause) \(.verdicts[0].result)"' "$D/said" | tail -1; }
into_other() { # ITEM: from one into the other
	map_of "$one"
	item=$1 run probe read="$D/set" release
	map_of "$other"
	setting GET "$other" "$1" >"$D/held"
	item=$1 run probe wanted="$D/set" write release
	setting GET "$other" "$1" >"$D/holds"
}
into_other forwarding
is "$(verdict_of)" "ok 1" "class C goes into another model"
into_other key_settings
is "$(verdict_of)" "ok 4" "class A into another machine: skipped_model"
check "… and nothing changed there" cmp "$D/held" "$D/holds"
with=$(jq -r '[.devices[]|select(.type=="I" and .labels.charset=="utf-8")][0].name' "$D/map")
without=$(jq -r '[.devices[]|select(.type=="I" and .labels.charset!="utf-8")][0].name' "$D/map")
map_of "$with"
item=home run probe read="$D/set" release
map_of "$without"
item=home run probe wanted="$D/set" write release
is "$(verdict_of)" "ok 4" "the Home screen into a model without one: skipped_model (R10)"
policy() { sim POST "/devices/$1/policy" "{\"password\":\"$2\"}" >/dev/null; }
row() { # SOURCE DESTINATION → what becomes of it (section 3.3), into the machine itself: class B
	map_of "$one"
	policy "$one" "$1"
	item=security_policy run probe read="$D/set" release
	policy "$one" "$2"
	item=security_policy run probe wanted="$D/set" write release
	verdict_of
}
is "$(row '' '')" "ok 1" "security policy, no password on either side: imported"
is "$(row '' B)" "ok 6" "no password at the source, one here: skipped_policy_password"
is "$(row A '')" "ok 1" "a password at the source, none here: imported"
is "$(row A A)" "ok 1" "equal passwords: imported"
is "$(row A B)" "ok 6" "different passwords: skipped_policy_password"
restarts=$(stat restarts)
row '' '' >/dev/null
is "$(($(stat restarts) - restarts)) $(cause release)" "1 ok" "the machine restarts by itself after it (B1), and the session goes on"
export RUN_PASSWORD='another one'
item=forwarding run probe wanted="$D/none" write release
is "$(cause write)" wrong_password "a file that the password does not open: wrong_password"

is "$(stat export_overlaps) $(stat session_overlaps) $(stat factory_resets)" "0 0 0" "no overlap, no factory reset"
done_testing
