#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The ipp adapter against lprint (PAPPL): its own spelling of the settable list, stable settings (devices.md 8 and 13).
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. tests/lib/worker.sh
. tests/lib/ipp.sh
command -v lprint >/dev/null || { echo "1..0 # SKIP package lprint is not installed"; exit 0; }
worker_dir
port=$((20000 + RANDOM % 12000)) # below those of outgoing connections
mkdir "$D/home"
HOME=$D/home lprint server -o server-port=$port -o listen-hostname=127.0.0.1 -o log-file="$D/lprint.log" >/dev/null 2>&1 &
lprint_pid=$!
trap 'all_down; end_one "$lprint_pid"; rm -rf "$D"' EXIT
add() { HOME=$D/home lprint add -u "ipp://127.0.0.1:$port/ipp/system" -d p1 -v socket://127.0.0.1:9100 -m zpl_2inch-203dpi-dt >"$D/add" 2>&1; }
within 20 add || { cat "$D/add" "$D/lprint.log" >&2; not_ok "lprint starts"; done_testing; }
ok "a real PAPPL printer"
jq -n --argjson port "$port" '{devices: [{name: "label", vendor: "lprint", family: "ipp", address: "127.0.0.1",
	ports: {ipp: $port, snmp: 9}, labels: {ipp_path: "/ipp/print/p1"}, simulated: true, clear_text: true}], credentials: []}' >"$D/map"

PEERS_KIND=device.probe round 20
is "$(result label state)" succeeded "probe: succeeded"
check "it says its uuid" eval '[ "$(result label seen.device_uuid)" != null ]'
round_end
settings() {
	PEERS_KIND=settings.backup round 20
	is "$(result label state)" succeeded "settings.backup${1:+ $1}: succeeded"
	round_end
}
settings
mv "$D/out/label.settings" "$D/first"
check "a setting that only PAPPL's own list names is there: label-mode-configured or media-col-ready" \
	grep -aqE 'label-mode-configured|media-col-ready|printer-darkness-configured' "$D/first"
sleep 1.1
settings again
check "settings read twice are equal bytes" cmp -s "$D/first" "$D/out/label.settings"

# ---- Set: atomic, with the names it refuses in the unsupported group (ipp_three_answers) ----
path=/ipp/print/p1
adapter() { timeout 60 "$B/tests/peers/adapter_run" "$D/map" "$@" >"$D/steps" 2>"$D/err"; }
step() { jq -rs --arg s "$1" "map(select(.step == \$s)) | last | $2" "$D/steps"; }
ipp_set "$port" "$path" integer printer-darkness-configured 60
adapter probe read="$D/b" before="$D/b" wanted="$D/first" foresee write read="$D/c" same="$D/c"
is "$(step foresee '.plan.changes | map("\(.op) \(.name) \(.before) \(.after)") | join(" ")')" "change printer-darkness-configured 60 50" "the plan: one attribute"
is "$(step write .cause) $(step same .same)" "ok true" "it is set"
check "and all settings are the very bytes they were" cmp -s "$D/first" "$D/c"
# another value where it says 1 copy: one that this printer does not take
perl -0777pe 's/(copies-default\x00\x04)\x00\x00\x00\x01/$1\x00\x01\x2f\xd1/' "$D/first" >"$D/odd"
ipp_set "$port" "$path" integer printer-darkness-configured 60
adapter probe read="$D/b" before="$D/b" wanted="$D/odd" foresee write read="$D/c" same="$D/c"
is "$(step foresee .plan.change)" 2 "two attributes differ, one of them impossible"
is "$(step write .cause) $(step write '.verdicts | map("\(.item) \(.result)") | join(", ")')" "ok settings 2, copies-default 4" "0x040B: once more without what was refused, and that is told"
is "$(ipp_get "$port" "$path" printer-darkness-configured) $(ipp_get "$port" "$path" copies-default)" "50 1" "the good one is set, the other as it was"
is "$(step same .same)" true "and nothing else differs"
adapter probe before="$D/c" wanted="$D/odd" write
is "$(step write '.cause')" rejected "only what it refuses: rejected"
like "$(step write .text)" "copies-default" "in its own words"
# it says successful-ok to a place, and has none
perl -0777pe 's/(printer-location)\x00\x00/$1\x00\x04Lyon/' "$D/first" >"$D/place"
adapter probe read="$D/b" before="$D/b" wanted="$D/place" write read="$D/c" same="$D/c"
is "$(step write .cause) $(step same .same)" "ok false" "http_200_is_not_success: successful-ok, and the place is as it was; the comparison finds it"
adapter probe restart
is "$(step restart '.cause')" unreachable "it has no restart, and no SNMP agent: not restarted"
done_testing
