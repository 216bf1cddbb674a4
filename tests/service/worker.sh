#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The worker and its Canon adapter against the simulator: the adapter contract (devices.md sections 2 and 15), locks,
# storage, cancel, orderly end. Scheduler, lock and storage are simple-minded and steerable (worker_peers.c).
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. tests/lib/worker.sh
worker_dir

# ---- one device for each way a device can be; all are type I, the names are those of the map ----
echo '{"seed":11,"count":20,"types":{"I":1,"II":0,"III":0},"latency":{"login_ms":1,"page_ms":1,"export_ms":2}}' >"$D/fleet"
sim_up --fleet="$D/fleet" --address_base=127.41.0.0 || { not_ok "the simulator starts"; done_testing; }
mapfile -t dev < <(jq -r '.devices[].name' "$D/map")
put_raw() { curl -sS --unix-socket "$D/sim" -X PUT --data-binary "$2" "http://sim/devices/$1/book?raw=list_1" >/dev/null; }
fault() { sim POST "/devices/$1/fault" "{\"mp\":\"$2\",\"at\":\"${3:-export}\"}" >/dev/null; }
log() { sim GET '/log?since=0&limit=100000'; }
sim POST "/devices/${dev[1]}/settings" '{"wrong_password":true}' >/dev/null
sim POST "/devices/${dev[2]}/op" '{"op":"send","seconds":0}' >/dev/null
fault "${dev[3]}" mp_21
fault "${dev[4]}" mp_21_cut
fault "${dev[5]}" mp_23 connect
fault "${dev[6]}" mp_23_half
fault "${dev[7]}" mp_04
sim POST "/devices/${dev[8]}/settings" '{"receive_restricted":true}' >/dev/null
sim POST "/devices/${dev[9]}/power" '{"seconds":0}' >/dev/null
fault "${dev[10]}" mp_06_short
fault "${dev[11]}" mp_06_twice connect
put_raw "${dev[12]}" $'# Canon AddressBook version: 1\r\n\r\nsubdbid: 1\r\ncn Ana\r\nobjectclass: email\r\n\r\n'
put_raw "${dev[13]}" $'# CharSet: WCP1252\r\n\r\ncn: A\x81\r\nobjectclass: email\r\n\r\n'
fault "${dev[14]}" http_503
fault "${dev[15]}" http_500
fault "${dev[16]}" mp_05 connect
fault "${dev[17]}" mp_07 connect
fault "${dev[18]}" mp_06_negative connect

round 60 || not_ok "every job ends"
ended() { # DEVICE STATE CODE TEXT
	is "$(result "${dev[$1]}" state) $(result "${dev[$1]}" code)" "$2 $3" "$4"
}
ended 0 succeeded null "a good device is read: succeeded"
ended 1 failed 2002 "canon login page again: auth_refused"
is "$(log | jq -s --arg d "${dev[1]}" 'flatten | [.[] | select(.device==$d and .what=="login")] | length')" 1 \
	"after a refusal no second login is tried (FL-13)"
ended 2 deferred 2101 "a send job in progress: device_busy, deferred"
is "$(told observed | jq -r --arg n "${dev[2]}" 'select(.name==$n) | .observed[0].ops[0]')" send \
	"the lock service was told what the probe saw: send"
ended 3 retry 3004 "mp_21 reset in the body: connection_lost"
ended 4 retry 4004 "mp_21 right length, cut content: incomplete"
ended 5 failed 4005 "mp_23 another serial number: identity_mismatch"
ended 6 retry 4004 "mp_23 half a book with status 200: incomplete"
case $(result "${dev[7]}" state)-$(result "${dev[7]}" code) in
failed-4003 | failed-5001) ok "mp_04 endless body: ended by a bound" ;;
*) not_ok "mp_04 endless body: $(result "${dev[7]}" code)" ;;
esac
ended 8 failed 2106 "receive restriction on: receive_restricted (FL-45)"
ended 9 retry 3001 "switched off: unreachable"
ended 10 retry 3004 "mp_06 length too long for what comes: connection_lost"
ended 11 retry 4001 "mp_06 two lengths: protocol_error"
ended 12 failed 5001 "a malformed book: parse_error"
is "$(result "${dev[12]}" detail | cut -c1-32)" "list_1: line 4, column 3 (byte 3" "and its place: list, line, column"
ended 13 failed 5002 "a byte outside Windows-1252: charset_error"
ended 14 deferred 2101 "HTTP 503: device_busy"
ended 15 retry 4001 "HTTP 500 without a known body: protocol_error"
ended 16 failed 4003 "mp_05 endless headers: response_too_big"
ended 17 retry 4001 "mp_07 chunk size overflow: protocol_error"
ended 18 retry 4001 "mp_06 negative length: protocol_error"
ended 19 succeeded null "the last device of the fleet was not disturbed"
is "$(told commit | wc -l)" 2 "nothing was stored of any other"
within 5 locks_back
check "every lock and stream was given back on every path (DV-3)" locks_back
is "$(sim GET /stats | jq '.password_switches_open')" 0 "no password switch was left open"
is "$(log | grep -c -E '"(overlap|violation)"')" 0 "never two sessions on one device (DV-10)"
same=yes
for item in $(told result | jq -r --arg n "${dev[0]}" 'select(.name==$n) | .lists[] | select(.state=="done") | .name'); do
	curl -sS --unix-socket "$D/sim" "http://sim/devices/${dev[0]}/book?raw=$item" | cmp -s - "$D/out/${dev[0]}.$item" || same="$item differs"
done
is "$same" yes "what storage got is what the device has, byte for byte"
check "SIGTERM without work: exit 0" round_end
sim POST /reset >/dev/null
for i in $(seq 1 19); do sim POST "/devices/${dev[$i]}/power" '{"on":true}' >/dev/null; done

# ---- locks ----
# Each case takes a device of its own: one that was left in the middle of an export goes on with it for a while.
n_case=0
case_device() {
	me=${dev[$n_case]} n_case=$((n_case + 1))
	jq --arg n "$me" '.devices |= map(select(.name==$n))' "$D/map" >"$D/one"
}
export PEERS_MAP=$D/one
with_lock() { # ANSWER STATE CODE TEXT
	case_device
	PEERS_LOCK=$1 round 20
	is "$(result "$me" state) $(result "$me" code)" "$2 $3" "$4"
	is "$(told begin | wc -l)" 0 "without the lock nothing is read ($1)"
	round_end
}
with_lock busy deferred 2105 "held by another operation of ours: matrix_conflict, deferred"
with_lock shadow deferred 2101 "an observed operation in the way: device_busy, deferred"
with_lock quarantine deferred 6003 "an earlier holder died: quarantine, deferred"
with_lock refused failed 6004 "refused: lock_refused"
with_lock synced skipped 6005 "all items synchronised natively: skipped"
case_device
PEERS_GRANT=fewer round 20
is "$(result "$me" code) $(result "$me" reason) $(told begin | wc -l)" "6004 items_refused 0" "granted for fewer items than planned: nothing is read"
within 5 locks_back
check "and what was granted goes back" locks_back
round_end
jq '.devices[0].strict_interlock=true' "$D/one" >"$D/strict"
PEERS_MAP=$D/strict PEERS_GRANT=elsewhere round 20
is "$(result "$me" code) $(result "$me" reason) $(told begin | wc -l)" "6004 other_device 0" "granted for another device: nothing is read"
is "$(told granted | jq -c '.strict_devices == .devices')" true "a device marked strict_interlock is asked for as such (locks.md section 6)"
within 5 locks_back
check "which goes back, too" locks_back
round_end

# ---- times are scaled together (RL-59) ----
FAST="--lock_lease_ms=2000 --renew_ms=300 --soft_margin_ms=600 --hard_margin_ms=300"
slow() { sim POST "/devices/$me/latency" "{\"export_ms\":$1}" >/dev/null; }

case_device
PEERS_LOCK=silent round 20 $FAST
is "$(result "$me" state) $(result "$me" code)" "deferred 6002" "a lock service that does not answer: lock_timeout, deferred"
round_end

case_device
slow 8000
PEERS_LEASE=2000 PEERS_RENEW=silent round 20 $FAST
is "$(result "$me" state) $(result "$me" code)" "deferred 6002" "a lock that cannot be renewed: the device is left in time, deferred (soft stop)"
within 5 told unsure >/dev/null
is "$(told unsure | wc -l)" 1 "and the lock goes back unsure"
check "the worker lives on" kill -0 "$worker_pid"
round_end

case_device
slow 8000
: >"$D/told"
PEERS_LEASE=2000 peers_up
worker_up $FAST
within 10 told granted >/dev/null
peers_set renew=lost
within 20 all_ended
is "$(result "$me" state) $(result "$me" code)" "retry 6001" "a lost lock: lease_lost, stopped at once"
round_end

# ---- dead-man: a frozen worker dies before its lock does ----
case_device
slow 8000
: >"$D/told"
PEERS_LEASE=2000 peers_up
worker_up $FAST
within 10 told granted >/dev/null
sleep 0.5 # some renewals, so that the timer was moved
kill -STOP "$worker_pid"
gone() { ! kill -0 "$worker_pid" 2>/dev/null || [ "$(cut -d' ' -f3 "/proc/$worker_pid/stat" 2>/dev/null)" = Z ]; }
within 3 gone || kill -TERM "$worker_pid" # waits with SIGTERM pending: then SIGCONT
kill -CONT "$worker_pid" 2>/dev/null
wait "$worker_pid"
is $? 137 "deadman.armed: a stopped worker is killed by the kernel within its lease, without SIGCONT"
worker_pid=
peers_set claim=no
peers_set died=no
worker_up $FAST
told_again() { [ "$(told died | wc -l)" -gt 1 ]; }
within 30 told_again
check "its next start tells that a worker died, until it is heard (RL-15)" told_again
is "$(told died | jq -r .worker | sort -u | wc -l)" 1 "it tells of that one only"
round_end

# ---- cancel, refusal, orderly end ----
case_device
slow 8000
: >"$D/told"
peers_up
worker_up $FAST
within 10 told granted >/dev/null
peers_set cancel=yes
start=$(date +%s%N)
within 10 all_ended
is "$(result "$me" state) $(result "$me" code)" "cancelled 8101" "a cancelled export: cancelled"
took=$((($(date +%s%N) - start) / 1000000))
[ "$took" -lt 2000 ] && ok "at once, not when the device answers ($took ms)" || not_ok "cancel took $took ms"
within 5 locks_back
check "its lock went back" locks_back
round_end

case_device
slow 1000
: >"$D/told"
peers_up
worker_up
within 10 told granted >/dev/null
round_end
rc=$?
is "$rc" 0 "SIGTERM in the middle of an export: it finishes within the grace, exit 0 (RL-39)"
is "$(result "$me" state)" succeeded "and its result is told"

case_device
: >"$D/told"
PEERS_CLAIM=slow peers_up
worker_up
within 10 told "claim waits" >/dev/null
round_end
rc=$?
is "$rc $(told "given back" | jq '.jobs | length')" "0 1" "SIGTERM while a claim is under way: what it brings goes back (RL-39)"
is "$(told granted | wc -l)" 0 "and no device is touched"

case_device
slow 20000
: >"$D/told"
peers_up
worker_up --grace_ms=5000
within 10 told granted >/dev/null
round_end
rc=$?
is "$rc $(result "$me" state) $(result "$me" reason)" "0 deferred worker_stops" "an export longer than the grace is aborted and goes back, uncharged"

case_device
PEERS_ADVANCE=refused round 3
is "$(told result | wc -l)" 0 "a job that belongs to somebody else by now: stopped without a word"
within 5 locks_back
check "and its lock given back" locks_back
round_end

# ---- storage ----
case_device
PEERS_STORE=full round 20
is "$(result "$me" state) $(result "$me" code)" "failed 7002" "a full vault: store_full"
round_end
PEERS_STORE=lost round 20
is "$(result "$me" state) $(result "$me" code)" "deferred 7001" "storage lost in the middle of a stream: store_unavailable, put off uncharged (RL-60)"
round_end
{
	printf '# Canon AddressBook version: 1\r\n# CharSet: UTF-8\r\n\r\n'
	for i in $(seq 1 40000); do printf 'subdbid: 1\r\ndn: %d\r\ncn: Person number %d\r\nmailaddress: person%d@example.com\r\nobjectclass: top\r\nobjectclass: extensibleobject\r\nobjectclass: email\r\n\r\n' "$i" "$i" "$i"; done
} >"$D/big"
case_device
head -n 20003 "$D/big" >"$D/middling" # 2,500 entries: more than waits in memory
put_raw "$me" "@$D/middling"
slow 500 # each list behind it, too: the stream is open meanwhile
round 60 --renew_ms=100
is "$(result "$me" state) $([ "$(told awake | wc -l)" -gt 0 ] && echo awake)" "succeeded awake" \
	"a device that takes its time between two lists: storage hears that the sender of a stream lives"
round_end

case_device
put_raw "$me" "@$D/big"
PEERS_CHUNK=20 round 60
is "$(result "$me" state) $(result "$me" entries | cut -c1-2)" "succeeded 40" "a book of 6 MB through a slow storage: succeeded"
cmp -s "$D/big" "$D/out/$me.list_1" && ok "byte for byte, in chunks, one at a time" || not_ok "the big book differs"
rss=$(awk '/VmHWM/ {print $2}' "/proc/$worker_pid/status")
[ "$rss" -lt 65536 ] && ok "back pressure reached the device: the worker stayed small ($rss KiB)" || case ${ASAN_OPTIONS:-} in
*) [ -n "${SANITIZED:-}" ] && ok "worker size not judged under sanitizers" || not_ok "the worker grew to $rss KiB" ;;
esac
round_end

# ---- probe ----
case_device
PEERS_KIND=device.probe round 20
is "$(result "$me" state) $(result "$me" seen.serial)" "succeeded $(jq -r '.devices[0].serial' "$D/one")" "a probe tells who the device is"
is "$(told granted | wc -l) $(told observe | wc -l)" "0 1" "takes no lock, and tells the lock service what it saw"
round_end
PEERS_KIND=file.deliver round 20
is "$(result "$me" state) $(result "$me" code)" "skipped 1002" "what a family cannot do is skipped: unsupported_operation"
round_end

# ---- checks, and lists that are not there ----
PEERS_KIND=device.check_settings round 20
is "$(result "$me" state) $(result "$me" reason) $(told begin | wc -l)" "succeeded supported 0" "a check reads the settings, and nothing is kept (FL-10)"
is "$(result "$me" 'seen.capabilities | map(select(.name == "settings.read") | .result) | join(" ")')" yes "and what it found stands with the printer"
round_end
PEERS_LISTS=list_10 round 20
is "$(result "$me" state) $(result "$me" code) $(result "$me" 'lists[0].state')" "skipped 1006 n/a" "none of the chosen lists is there: no_matching_list (FL-44)"
round_end
jq '.devices[0] |= del(.type)' "$D/one" >"$D/untyped"
PEERS_MAP=$D/untyped PEERS_LISTS=list_10 round 20
is "$(result "$me" state) $(result "$me" code) $(result "$me" reason)" "retry 1004 type_unknown" "and nobody said its type: capability_unknown (FL-7)"
round_end

# ---- another key (FL-18) ----
if [ -x "$B/tests/peers/tls_front" ]; then
	front=$((20000 + RANDOM % 12000))
	"$B/tests/peers/tls_front" 127.0.0.1 "$front" 1 >"$D/pin" &
	front_pid=$!
	within 10 test -s "$D/pin"
	pinned() { # PIN
		jq --arg p "$1" --argjson f "$front" '.devices[0] |= (.address = "127.0.0.1" | .tls_pin = $p | .ports = {https: $f})' "$D/one" >"$D/pinned"
		PEERS_MAP=$D/pinned PEERS_KIND=device.probe round 20
	}
	pinned "$(head -c 32 /dev/zero | base64)"
	is "$(result "$me" state) $(result "$me" code)" "failed 3101" "another key than the pinned one: tls_pin_changed"
	round_end
	pinned "$(cat "$D/pin")"
	is "$(result "$me" 'code != 3101 and .code < 3101')" true "its own key: the connection is let through"
	round_end
	kill "$front_pid"
fi

# ---- addresses and clear text ----
jq '.devices[0].simulated=false' "$D/one" >"$D/real"
PEERS_MAP=$D/real round 20
is "$(result "$me" state) $(result "$me" code)" "failed 3005" "a real device on loopback: address_refused (SE-10)"
round_end
jq '.devices[0].clear_text=false' "$D/one" >"$D/tls"
PEERS_MAP=$D/tls round 20
is "$(result "$me" state) $(result "$me" reason)" "failed clear_text" "plain HTTP only where the device's record says so (FL-20)"
round_end
done_testing
