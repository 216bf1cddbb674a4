#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The worker and its Konica Minolta adapter against the simulator (devices.md 6.1, 14, 15). Scheduler, lock and storage are
# simple-minded (worker_peers.c).
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. tests/lib/worker.sh
worker_dir

echo '{"seed":21,"count":20,"families":{"konica_openapi":1},"books":{"medium":1},"latency":{"login_ms":1,"page_ms":1,"export_ms":2},
	"restart_ms":300}' >"$D/fleet"
sim_up --fleet="$D/fleet" --address_base=127.46.0.0 || { not_ok "the simulator starts"; done_testing; }
mapfile -t dev < <(jq -r '.devices[].name' "$D/map")
fault() { sim POST "/devices/$1/fault" "{\"mp\":\"$2\",\"at\":\"${3:-export}\"}" >/dev/null; }
log() { sim GET '/log?since=0&limit=100000'; }
calls() { # DEVICE CALL [RESULT]: how often
	log | jq -s --arg d "$1" --arg w "km_$2" --arg r "${3:-}" \
		'flatten | [.[] | select(.device==$d and .what==$w and ($r=="" or .result==$r))] | length'
}
book() { sim GET "/devices/$1/book" | jq -S '.items.address_book.entries'; }

# ---- backups: one device for each way a device can be ----
refusing() { sim POST "/devices/$1/settings" '{"wrong_password":true}' >/dev/null; }
refusing "${dev[1]}" # a fault with HTTP 500
refusing "${dev[2]}" # a Nack with HTTP 200
fault "${dev[3]}" mp_10
fault "${dev[4]}" mp_11
fault "${dev[5]}" mp_12
fault "${dev[6]}" mp_23 connect
fault "${dev[7]}" mp_23_half
fault "${dev[8]}" mp_24_twice
fault "${dev[9]}" mp_21
fault "${dev[10]}" mp_21_cut
fault "${dev[11]}" mp_04
fault "${dev[12]}" http_503
fault "${dev[13]}" http_500
sim POST "/devices/${dev[14]}/power" '{"seconds":0}' >/dev/null
empty='{"items":{"address_book":{"entries":[]}}}'
sim PUT "/devices/${dev[15]}/book" "$empty" >/dev/null
entries() { jq -n --argjson n "$1" '{items:{address_book:{entries:[range(1;$n+1) | {number:., kind:"email", name:"N \(.)", email:"n\(.)@example.com"}]}}}'; }
entries 100 >"$D/hundred" && sim PUT "/devices/${dev[16]}/book" "@$D/hundred" >/dev/null
entries 2000 >"$D/full" && sim PUT "/devices/${dev[17]}/book" "@$D/full" >/dev/null
odd='{"items":{"address_book":{"entries":[{"number":7,"kind":"email","name":"=cmd|x <b>&amp; %n","email":"a&b@example.com"},
	{"number":1999,"kind":"file","protocol":"smb","name":"ﬁ 髙橋","host":"h","path":"p","user":"u","password":"<&>"}]}}}'
sim PUT "/devices/${dev[18]}/book" "$odd" >/dev/null
fault "${dev[19]}" mp_02 connect

round 90 || not_ok "every job ends"
ended() { # DEVICE STATE CODE TEXT
	is "$(result "${dev[$1]}" state) $(result "${dev[$1]}" code)" "$2 $3" "$4"
}
stored() { "$B/bin/carnet" book show --json "$D/out/${dev[$1]}.address_book" | jq '[.lists[].entries[]] | length'; }
ended 0 succeeded null "a good device is read: succeeded"
is "$(stored 0)" "$(book "${dev[0]}" | jq length)" "with every entry"
ended 1 failed 2002 "km_no_retry_on_refusal: a refused login as HTTP 500 (DC-2): auth_refused"
ended 2 failed 2002 "km_no_retry_on_refusal: a refused login as a Nack with HTTP 200: auth_refused"
is "$(calls "${dev[1]}" Login) $(calls "${dev[2]}" Login)" "1 1" "and exactly one login was tried at each"
ended 3 failed 5001 "mp_10 billion laughs: parse_error at the DOCTYPE"
ended 4 failed 5001 "mp_11 external entity: parse_error at the DOCTYPE"
ended 5 failed 4003 "mp_12 a million deep: response_too_big"
ended 6 failed 4005 "mp_23 another serial number: identity_mismatch"
ended 7 retry 4004 "mp_23 half of the entries announced, status 200: incomplete (DV-6)"
ended 8 succeeded null "mp_24 a number twice on a page: kept as it came"
ended 9 retry 3004 "mp_21 reset in the body: connection_lost"
ended 10 retry 4004 "mp_21 right length, cut content: incomplete"
case $(result "${dev[11]}" code) in
4003 | 5001) ok "mp_04 endless body: ended by a bound" ;;
*) not_ok "mp_04 endless body: $(result "${dev[11]}" code)" ;;
esac
ended 12 deferred 2101 "HTTP 503: device_busy, deferred"
ended 13 retry 4001 "HTTP 500 without a known body: protocol_error"
ended 14 retry 3001 "switched off: unreachable"
ended 15 succeeded null "an empty book"
is "$(stored 15)" 0 "is stored empty"
ended 16 succeeded null "a book of exactly one page"
is "$(stored 16) $(calls "${dev[16]}" GetAbbr)" "100 2" "asks for the next page, too"
ended 17 succeeded null "a full book"
is "$(stored 17) $(calls "${dev[17]}" GetAbbr)" "2000 21" "comes in pages of 100"
ended 18 succeeded null "values with formulas, markup and other scripts"
is "$("$B/bin/carnet" book show --json "$D/out/${dev[18]}.address_book" | jq -r '.lists[0].entries[0].name')" '=cmd|x <b>&amp; %n' \
	"mp_15 are stored exactly"
ended 19 retry 3003 "mp_02 accepts and stays silent: timeout"
within 5 locks_back
check "every lock and stream was given back on every path" locks_back
is "$(log | grep -c -E '"(overlap|violation)"')" 0 "nothing was changed without the device's lock"
is "$(grep -c -E 'Pw-[0-9a-f]{8}|7654321' "$D/worker.log")" 0 "no password is in the log"
check "SIGTERM without work: exit 0" round_end
sim POST /reset >/dev/null
sim POST "/devices/${dev[14]}/power" '{"on":true}' >/dev/null
done_testing
