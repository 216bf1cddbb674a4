#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Delivery by FTP to servers that misbehave (devices.md 14.5: mp_02, mp_18, mp_19, mp_21): each its own cause, in time, and nothing is left open.
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. tests/lib/worker.sh
. tests/lib/ftp.sh
worker_dir
port=$((20000 + RANDOM % 12000)) # below those of outgoing connections
: >"$D/heard"
tests/peers/ftp_hostile "$port" "$D" &
ftpd_pid=$!
trap 'end_one "$ftpd_pid"; rm -rf "$D"' EXIT
within 20 greets "$port" || { not_ok "the server starts"; done_testing; }
mkdir "$D/profiles"
jq '.waits = {reply_ms: 1000, stall_ms: 1000, stored_ms: 1000}' schemas/profiles/jetdirect_ftp.json >"$D/profiles/jetdirect_ftp.json"
export RUN_PROFILES=$D/profiles
device ""
head -c 3000000 /dev/zero | tr '\0' '\n' >"$D/job.ps"

against() { # HOW CAUSE REASON TEXT
	echo "$1" >"$D/how"
	: >"$D/heard"
	local began=$SECONDS
	deliver "$2" "$3" "$4"
	[ $((SECONDS - began)) -le 8 ] || not_ok "$1 took $((SECONDS - began)) s"
}
heard() { grep -c "^$1" "$D/heard"; }

against none ok "" "a greeting of many lines, PWD and others refused: delivered"
check "byte for byte" cmp -s "$D/job.ps" "$D/stored"
against no_password ok "" "in without a password: delivered"
is "$(heard PASS)" 0 "and none was sent"
against 332_PASS auth_refused "" "332, an account is asked for: auth_refused"
against 530_USER auth_refused "" "530 at USER: auth_refused"
against 530_PASS auth_refused "" "530 at PASS: auth_refused"
is "$(heard PASS)" 1 "and it was tried once"
is "$(heard QUIT)" 1 "QUIT is said all the same"
against 421_TYPE session_limit "" "421 in the middle: session_limit"
against 425_STOR device_busy "" "425: device_busy"
against 450_STOR device_busy "" "450: device_busy"
against 550_STOR rejected "" "550: rejected"
against 553_STOR rejected "" "553: rejected"
against 452_STOR store_full "" "452: store_full"
against 500_PASV rejected "" "no passive mode: rejected, never active"
is "$(heard PORT)" 0 "no PORT was said"
against breaks_426 connection_lost data_sent "426 in the data: connection_lost, and some of it was sent"
against breaks_451 connection_lost data_sent "451 in the data: connection_lost"
against breaks_452 store_full data_sent "452 in the data: store_full"
against breaks_421 session_limit data_sent "421 in the data: session_limit"
against dies_in_data connection_lost data_sent "it hangs up in the data: connection_lost"
against content_too_soon connection_lost data_sent "226 before it had all: connection_lost, never success"
against low_port protocol_error "" "a data port below 1024 is not connected to: protocol_error"
is "$(heard STOR)" 0 "nothing was stored there"
against port_junk protocol_error "" "a 227 without a port: protocol_error"
against elsewhere connection_lost "" "mp_18: data go where the control connection goes, whatever 227 says"
within 5 [ "$(heard elsewhere)" = 1 ]
is "$(grep ^elsewhere "$D/heard")" "elsewhere: not visited" "the other host saw nobody"
against flood response_too_big "" "mp_19: a reply without end: response_too_big"
against endless_line response_too_big "" "mp_19: a line without end: response_too_big"
against flood_421 session_limit "" "mp_19: a flood of 421 is one 421: session_limit"
against web_server protocol_error "" "no FTP server at all: protocol_error"
against not_ready device_busy "" "120, not ready yet: device_busy"
against silent timeout "" "mp_02: it accepts and stays silent: timeout"
against takes_nothing timeout data_sent "it takes nothing more: timeout"
against silent_after_data timeout data_sent "no word after the data: timeout, and it may have been printed"
against deaf_at_the_end ok "" "deaf to QUIT: delivered, and left after a few seconds"
end_one "$ftpd_pid"
ftpd_pid=
against none unreachable "" "nobody there: unreachable"
done_testing
