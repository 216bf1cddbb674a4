#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A worker backs up simulated Ricoh machines: books as received, causes, sessions given back on every path (DV-3), the
# lock that a killed worker leaves at the machine (DV-12). Scheduler, lock and storage are worker_peers.
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. tests/lib/worker.sh
worker_dir

echo '{"seed":11,"count":24,"families":{"ricoh_udirectory":1},"ricoh":{"time_percent":20},
	"books":{"empty":0,"small":0,"medium":1,"large":0,"full":0},"latency":{"login_ms":1,"page_ms":1,"export_ms":2}}' >"$D/fleet"
sim_up --fleet="$D/fleet" --address_base=127.94.0.0 || { not_ok "the simulator starts"; done_testing; }
mapfile -t dev < <(jq -r '.devices[].name' "$D/map")
fault() { sim POST "/devices/$1/fault" "{\"mp\":\"$2\",\"at\":\"${3:-export}\"}" >/dev/null; }
log() { sim GET '/log?since=0&limit=100000'; }
state() { sim GET "/devices/$1" | jq -r ".state.$2"; }
sim POST "/devices/${dev[1]}/settings" '{"wrong_password":true}' >/dev/null
sim POST "/devices/${dev[2]}/op" '{"op":"send","seconds":0}' >/dev/null
sim POST "/devices/${dev[3]}/op" '{"op":"remote_ab","seconds":0}' >/dev/null
sim POST "/devices/${dev[4]}/session" '{"seconds":0,"exclusive":true}' >/dev/null
fault "${dev[5]}" mp_10
fault "${dev[6]}" mp_11
fault "${dev[7]}" mp_12
fault "${dev[8]}" mp_21
fault "${dev[9]}" mp_21_cut
fault "${dev[10]}" mp_23 connect
fault "${dev[11]}" mp_23_half
fault "${dev[12]}" mp_04
sim POST "/devices/${dev[13]}/power" '{"seconds":0}' >/dev/null
fault "${dev[14]}" http_503
fault "${dev[15]}" http_500
fault "${dev[16]}" mp_06_short
fault "${dev[17]}" mp_06_negative connect
fault "${dev[18]}" mp_05 connect
fault "${dev[19]}" mp_07 connect
sim PUT "/devices/${dev[20]}/book" '{"entries":[]}' >/dev/null
sim PUT "/devices/${dev[21]}/book" "$(jq -n '{entries:[range(1;131)|{id:(.*2),index:"\(.)",name:"Person \(.)",tagId:"1",
	"mail:":"true","mail:address":"p\(.)@example.com"}]}')" >/dev/null

round 90 || not_ok "every job ends"
ended() { # DEVICE STATE CODE TEXT
	is "$(result "${dev[$1]}" state) $(result "${dev[$1]}" code)" "$2 $3" "$4"
}
ended 0 succeeded null "a good machine is read: succeeded"
ended 1 failed 2002 "startSession names authentication: auth_refused"
is "$(log | jq -s --arg d "${dev[1]}" 'flatten | [.[] | select(.device==$d and .what=="startSession")] | length')" 1 \
	"after a refusal no second login is tried (FL-13)"
ended 2 deferred 2101 "COMMON_SYSTEM_BUSY: device_busy, deferred"
ended 3 deferred 2101 "HTTP 200 with a return value other than OK: device_busy, deferred (DC-4)"
ended 4 deferred 2102 "somebody else has the book open: device_locked, deferred"
is "$(result "${dev[4]}" retry_ms)" 35000 "for the time limit of a session and 5 s (DV-12)"
ended 5 failed 5001 "mp_10 billion laughs: parse_error at the DOCTYPE"
ended 6 failed 5001 "mp_11 an external entity: parse_error at the DOCTYPE"
is "$(log | grep -c '"/entity"')" 0 "and nobody asks for it"
ended 7 failed 4003 "mp_12 a million elements deep: response_too_big"
ended 8 retry 3004 "mp_21 reset in the body: connection_lost"
case $(result "${dev[9]}" code) in
5001 | 4004) ok "mp_21 right length, cut content: $(result "${dev[9]}" code)" ;;
*) not_ok "mp_21 right length, cut content: $(result "${dev[9]}" code)" ;;
esac
ended 10 failed 4005 "mp_23 another serial number: identity_mismatch"
ended 11 retry 4004 "mp_23 half of the entries asked for, well-formed, status 200: incomplete (DV-6)"
ended 12 failed 4003 "mp_04 endless body: response_too_big"
ended 13 retry 3001 "switched off: unreachable"
ended 14 deferred 2101 "HTTP 503: device_busy"
ended 15 retry 4001 "HTTP 500 without a fault: protocol_error"
ended 16 retry 3004 "mp_06 length too long for what comes: connection_lost"
ended 17 retry 4001 "mp_06 negative length: protocol_error"
ended 18 failed 4003 "mp_05 endless headers: response_too_big"
ended 19 retry 4001 "mp_07 chunk size overflow: protocol_error"
ended 20 succeeded null "an empty book: succeeded"
ended 21 succeeded null "a book of 130: succeeded"
ended 22 succeeded null "good machines beside bad ones"
ended 23 succeeded null "are not disturbed"
within 5 locks_back
check "every lock and stream was given back" locks_back
open=0
for i in $(seq 0 23); do [ "$i" = 4 ] || [ "$i" = 13 ] || [ -z "$(state "${dev[$i]}" session)" ] || open=$((open + 1)); done
is "$open" 0 "no session was left open at any machine, whatever went wrong (DV-3)"
is "$(log | grep -c -E '"(overlap|violation)"')" 0 "never two sessions at one machine (DV-10)"

# ---- what storage got is what the machine holds, entry by entry ----
names() { # of a file
	"$B/bin/carnet" book convert --to carnet_json -o "$D/json" "$1" >/dev/null 2>&1
	jq -c '[.lists[0].entries[] | {key, name, number}]' "$D/json"
}
same=yes
for i in 0 20 21 22 23; do
	is=$(names "$D/out/${dev[$i]}.address_book")
	has=$(sim GET "/devices/${dev[$i]}/book" | jq -c '[.entries[] | {key: "\(.id)", name, number: (.index|tonumber)}]')
	[ "$is" = "$has" ] || { same="${dev[$i]} differs" && printf '# %s\n# %s\n' "$is" "$has" | cut -c1-300; }
done
is "$same" yes "the books that storage got are those of the machines, entry by entry"
is "$(result "${dev[21]}" entries)" 130 "all pages were read, whatever the machine takes at once (DC-5)"
check "built-in objects are counted and are not of the book (DC-6)" \
	jq -e '[.lists[0].entries[] | select(.key|length >= 10)] == []' "$D/json"
check "no password is asked for" bash -c "! grep -q -i ':password<' '$D/out/${dev[0]}.address_book'"
check "the book says that the members of its groups are not known (DC-6)" \
	bash -c "'$B/bin/carnet' book convert --to carnet_json -o '$D/g.json' '$D/out/${dev[0]}.address_book'; grep -q members_unknown '$D/g.json'"
check "SIGTERM without work: exit 0" round_end

# ---- ricoh_lock_expires: a worker dies with a session open (DV-12) ----
me=${dev[0]}
jq --arg n "$me" '.devices |= map(select(.name==$n))' "$D/map" >"$D/one"
export PEERS_MAP=$D/one
sim POST "/devices/$me/latency" '{"export_ms":4000}' >/dev/null
: >"$D/told"
peers_up
worker_up
has_session() { [ -n "$(state "$me" session)" ]; }
within 10 has_session || not_ok "the worker opens a session"
kill -9 "$worker_pid"
wait "$worker_pid" 2>/dev/null
worker_pid=
peers_down
check "its session stays at the machine" has_session
sim POST "/devices/$me/latency" '{"export_ms":1}' >/dev/null
round 20
is "$(result "$me" state) $(result "$me" code)" "deferred 2102" "the next job finds it locked: device_locked, deferred"
round_end
free() { ! has_session; }
within 10 free || not_ok "the machine ends the session by its own timer"
round 20
is "$(result "$me" state) $(state "$me" sessions_expired)" "succeeded 1" "after the machine's timer it succeeds"
round_end

# ---- cancel ----
sim POST "/devices/$me/latency" '{"export_ms":3000}' >/dev/null
: >"$D/told"
peers_up
worker_up
within 10 has_session
peers_set cancel=yes
within 10 all_ended
is "$(result "$me" state)" cancelled "a cancelled export: cancelled"
within 5 free
check "and its session was ended (DV-3)" free
round_end

# ---- probe ----
sim POST "/devices/$me/latency" '{"export_ms":1}' >/dev/null
PEERS_KIND=device.probe round 20
is "$(result "$me" state) $(result "$me" seen.serial)" "succeeded $(jq -r '.devices[0].serial' "$D/one")" "a probe tells who it is"
is "$(told result | jq -c '[.seen.capabilities[]? | select(.name|startswith("ab.")) | "\(.name) \(.result)"]' | tail -1)" \
	'["ab.read yes","ab.write yes"]' "and that its book may be read and written"
check "and leaves no session" free
round_end
done_testing
