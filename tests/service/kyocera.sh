#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The worker and its Kyocera adapter against the simulator (devices.md sections 7, 14 and 15). Scheduler, lock and storage are
# simple-minded (worker_peers.c).
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. tests/lib/worker.sh
worker_dir

echo '{"seed":31,"count":24,"families":{"kyocera_wsdl":1},"books":{"medium":1},"kyocera":{"preparing_ms":1200},
	"latency":{"login_ms":1,"page_ms":1,"export_ms":2},"restart_ms":300}' >"$D/fleet"
sim_up --fleet="$D/fleet" --address_base=127.47.0.0 || { not_ok "the simulator starts"; done_testing; }
mapfile -t all < <(jq -r '.devices[].name' "$D/map")
models() { jq -r --arg m "$1" '.devices[] | select(.model==$m) | .name' "$D/map"; }
mapfile -t plain < <(models "TASKalfa 3051ci"; models "TASKalfa 2552ci")
mapfile -t login < <(models "TASKalfa 4053ci")
mapfile -t never < <(models "FS-6525MFP")
[ ${#plain[@]} -ge 9 ] && [ ${#login[@]} -ge 2 ] && [ ${#never[@]} -ge 1 ] || not_ok "the fleet has every model: ${#plain[@]} ${#login[@]} ${#never[@]}"
fault() { sim POST "/devices/$1/fault" "{\"mp\":\"$2\",\"at\":\"${3:-export}\"}" >/dev/null; }
log() { sim GET '/log?since=0&limit=100000'; }
calls() { # DEVICE CALL RESULT: how often
	log | jq -s --arg d "$1" --arg w "ky_$2" --arg r "$3" 'flatten | [.[] | select(.device==$d and .what==$w and .result==$r)] | length'
}
handles() { # open enumerations of the whole fleet
	local n=0 d
	for d in "${all[@]}"; do n=$((n + $(sim GET "/devices/$d" | jq '.state.enumerations'))); done
	echo "$n"
}

sim POST "/devices/${login[1]}/settings" '{"wrong_password":true}' >/dev/null
fault "${plain[1]}" mp_10
fault "${plain[2]}" mp_11
fault "${plain[3]}" mp_12
fault "${plain[4]}" mp_23 connect
fault "${plain[5]}" mp_21_cut
fault "${plain[6]}" mp_21
sim POST "/devices/${plain[7]}/moved" >/dev/null
sim POST "/devices/${plain[8]}/op" '{"op":"panel","seconds":0}' >/dev/null

round 90 || not_ok "every job ends"
ended() { # DEVICE STATE CODE TEXT
	is "$(result "$1" state) $(result "$1" code)" "$2 $3" "$4"
}
keys() { "$B/bin/carnet" book show --json "$D/out/$1.address_book" | jq -c '[.lists[].entries[].name] | sort'; }
whole() { is "$(keys "$1")" "$(sim GET "/devices/$1/book" | jq -c '[.items.address_book.entries[].name] | sort')" "$2"; }
ended "${plain[0]}" succeeded null "a good device is read: succeeded"
whole "${plain[0]}" "with every person and every group"
is "$(calls "${plain[0]}" get_personal_address_list preparing | sed 's/[1-9]/some/')" some "PREPARING_NOW is waited for (DV-17)"
is "$(sim GET "/devices/${plain[0]}/book" | jq '[.items.address_book.entries[] | select(.kind=="group") | .members | length] | add')" \
	"$("$B/bin/carnet" book show --json "$D/out/${plain[0]}.address_book" | jq '[.lists[].entries[] | .members // [] | length] | add')" "and every member"
ended "${never[0]}" succeeded null "a device that says SUCCESS for ever, the last page again and again"
whole "${never[0]}" "is read to its end, once (DV-18)"
is "$(calls "${never[0]}" create_personal_address_enumeration ok)" 2 "and looked at a second time"
ended "${login[0]}" succeeded null "a device that wants a login, with an opaque credential"
whole "${login[0]}" "with every entry"
ended "${login[1]}" failed 2002 "a refused login: auth_refused"
is "$(calls "${login[1]}" login_system auth_refused)" 1 "and one login was tried"
ended "${plain[1]}" failed 5001 "mp_10 billion laughs: parse_error at the DOCTYPE"
ended "${plain[2]}" failed 5001 "mp_11 external entity: parse_error at the DOCTYPE"
ended "${plain[3]}" failed 4003 "mp_12 a million deep: response_too_big"
ended "${plain[4]}" failed 4005 "mp_23 another serial number: identity_mismatch"
ended "${plain[5]}" retry 4004 "mp_21 right length, cut content: incomplete"
ended "${plain[6]}" retry 3004 "mp_21 reset in the body: connection_lost"
ended "${plain[7]}" succeeded null "a 307 to another path of the same host: the call is posted again there"
whole "${plain[7]}" "with every entry"
is "$(told observed | jq -r --arg n "${plain[8]}" 'select(.name==$n) | .observed[0].ops | index("panel") != null')" true \
	"somebody at the panel: the lock service is told"
is "$(handles)" 0 "kyocera_handles: no enumeration is left open, whatever happened (DV-19)"
is "$(log | grep -c '"violation"')" 0 "each was destroyed by the call of its own kind"
within 5 locks_back
check "every lock and stream was given back on every path" locks_back
is "$(grep -c -E 'Pw-[0-9a-f]{8}|7654321' "$D/worker.log")" 0 "no password is in the log"
check "SIGTERM without work: exit 0" round_end

# ---- kyocera_handles: of 16 handles none stays taken by a read that was cut ----
me=${plain[0]}
jq --arg n "$me" '.devices |= map(select(.name==$n))' "$D/map" >"$D/one"
for i in 1 2 3 4 5 6; do
	PEERS_MAP=$D/one peers_up
	: >"$D/told"
	worker_up
	if [ $((i % 2)) = 0 ]; then # ended in the middle of a read
		within 10 told granted >/dev/null
	else
		within 20 all_ended
	fi
	round_end
done
is "$(sim GET "/devices/$me" | jq '.state.enumerations')" 0 "six reads, three ended in the middle: no handle is left"

# ---- what is not public is not written (AB-38) ----
for kind in ab.restore ab.import ab.distribute; do
	PEERS_MAP=$D/one PEERS_KIND=$kind round 20
	is "$(result "$me" state) $(result "$me" code) $(result "$me" reason)" "skipped 1002 file_by_hand" "$kind: unsupported_operation"
	case $(result "$me" detail) in
	*"loaded by hand"*) ok "and the text says what can be done" ;;
	*) not_ok "and the text says what can be done: $(result "$me" detail)" ;;
	esac
	round_end
done

# ---- restart: a call of its own (B), seen by the up time ----
restarts() { sim GET /stats | jq .restarts; }
restart_of() { # DEVICE
	jq --arg n "$1" '.devices |= map(select(.name==$n))' "$D/map" >"$D/one"
	before=$(restarts)
	PEERS_MAP=$D/one PEERS_KIND=device.restart round 30
}
for me in "${plain[0]}" "${login[0]}"; do
	restart_of "$me"
	is "$(result "$me" state) $(result "$me" step) $(($(restarts) - before))" "succeeded verified 1" "restart_device, once: $me"
	round_end
done
is "$(calls "${login[0]}" restart_device ok)" 1 "with the token of a login where the device wants one"
restart_of "${login[1]}"
is "$(result "${login[1]}" state) $(result "${login[1]}" code) $(result "${login[1]}" step) $(($(restarts) - before))" "failed 2002 planned 0" \
	"a refused login: auth_refused, nothing was sent"
round_end
restart_of "${plain[8]}"
is "$(result "${plain[8]}" state) $(result "${plain[8]}" code) $(($(restarts) - before))" "deferred 2101 0" "not while somebody uses the panel (DV-5)"
round_end
done_testing
