#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The ipp adapter against lprint (PAPPL): its own spelling of the settable list, stable settings (devices.md 8 and 13).
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. tests/lib/worker.sh
command -v lprint >/dev/null || { echo "1..0 # SKIP package lprint is not installed"; exit 0; }
worker_dir
port=$((20000 + RANDOM % 20000))
mkdir "$D/home"
HOME=$D/home lprint server -o server-port=$port -o listen-hostname=127.0.0.1 -o log-file="$D/lprint.log" >/dev/null 2>&1 &
lprint_pid=$!
trap 'all_down; end_one "$lprint_pid"; rm -rf "$D"' EXIT
add() { HOME=$D/home lprint add -u "ipp://127.0.0.1:$port/ipp/system" -d p1 -v socket://127.0.0.1:9100 -m zpl_2inch-203dpi-dt >"$D/add" 2>&1; }
within 20 add || { cat "$D/add" "$D/lprint.log" >&2; not_ok "lprint starts"; done_testing; }
ok "a real PAPPL printer"
jq -n --argjson port "$port" '{devices: [{name: "label", vendor: "lprint", family: "ipp", address: "127.0.0.1",
	ports: {ipp: $port}, labels: {ipp_path: "/ipp/print/p1"}, simulated: true, clear_text: true}], credentials: []}' >"$D/map"

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
done_testing
