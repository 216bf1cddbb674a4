#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The ipp adapter alone against a printer that answers like ippserver (ipp_three_answers): what is refused beside successful-ok, a restart seen
# by the up time, and none where it does not come.
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. tests/lib/worker.sh
. tests/lib/ipp.sh
command -v ipptool >/dev/null || { echo "1..0 # SKIP package cups-ipp-utils is not installed"; exit 0; }
worker_dir
port=$((20000 + RANDOM % 12000)) # below those of outgoing connections
trap 'ipp_down; rm -rf "$D"' EXIT
third_up "$port" || { not_ok "the printer starts"; done_testing; }
jq -n --argjson port "$port" '{devices: [{name: "third", vendor: "x", family: "ipp", address: "127.0.0.1", ports: {ipp: $port, snmp: 9},
	simulated: true, clear_text: true}], credentials: []}' >"$D/map"
adapter() { RUN_PROBE_MS=${pace:-100} timeout 60 "$B/tests/peers/adapter_run" "$D/map" "$@" >"$D/steps" 2>"$D/err"; }
step() { jq -rs --arg s "$1" "map(select(.step == \$s)) | last | $2" "$D/steps"; }
get() { ipp_get "$port" /ipp/print "$1"; }
set_() { ipp_set "$port" /ipp/print "$@"; }

adapter probe read="$D/a"
is "$(step probe .cause) $(step read .cause)" "ok ok" "its settings are read"
set_ text printer-location Paris && set_ integer copies-default 7
third_refuses copies-default
adapter probe read="$D/b" before="$D/b" wanted="$D/a" foresee same="$D/b" write read="$D/c" same="$D/c"
is "$(step foresee '.plan | "\(.change) \(.lists[0].list)"')" "2 settings" "the plan: two attributes change"
is "$(jq -rs 'map(select(.step == "same").same) | map(tostring) | join(" ")' "$D/steps")" "false true" "before it is not as wanted; afterwards it is, what was refused apart"
is "$(get printer-location) $(get copies-default)" "Lyon 7" "what it takes is set, what it refuses is as it was"
is "$(step write '.verdicts | map("\(.item) \(.result)") | join(", ")')" "settings 2, copies-default 4" "and named in the report"

third_refuses
third_ignores printer-location
set_ text printer-location Paris # ignored, too: it is Lyon
third_ignores
set_ text printer-location Paris
third_ignores printer-location
adapter probe read="$D/b" before="$D/b" wanted="$D/a" write read="$D/c" same="$D/c"
is "$(step write .cause) $(step same .same)" "ok false" "http_200_is_not_success: it says ok and keeps the old; the comparison finds it"
third_refuses printer-location copies-default
adapter probe read="$D/b" before="$D/b" wanted="$D/a" write read="$D/c" same="$D/c"
is "$(step same .same)" false "and the comparison does not take it for done"
is "$(step write '.cause + " " + .reason') $(get printer-location)" "rejected all_refused Paris" "where all is refused, nothing is excused: rejected, and all is as it was"

adapter probe restart
is "$(step restart '.cause + " " + .reason')" "ok " "Restart-Printer: its up time fell"
touch "$D/third/stays"
pace=20 adapter probe restart
is "$(step restart '.cause + " " + .reason')" "rejected no_restart" "it said yes and its up time goes on: rejected"
touch "$D/third/dies"
rm "$D/third/stays"
pace=20 adapter probe restart
is "$(step restart '.cause + " " + .reason')" "restart_pending not_back" "it went and does not come back: restart_pending"
done_testing
