#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# deploy/demo --once --json from this checkout: its figures, recomputed from what the simulated printers themselves logged.
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
D=$(mktemp -d /tmp/cdm.XXXXXX)
trap 'rm -rf "$D"' EXIT
port=$(comm -23 <(seq 18100 18900) <(ss -Hltn | awk '{sub(/.*:/, "", $4); print $4}' | sort -u) | head -n 1)
deploy/demo --once --json --dir "$D/d" --port "$port" >"$D/out" 2>"$D/err"
is $? 0 "the demo says that the fleet is backed up as it should be"
json=$(tail -n 1 "$D/out")
is "$(jq -r '. as $r | ["targets", "succeeded", "unchanged", "skipped", "failed", "missed", "versions", "bytes", "seconds"]
	| all(. as $k | ($r | has($k)) and ($r.second | has($k)))' <<<"$json")" true "the last line holds every figure of both runs"
[ "$tap_bad" -eq 0 ] || sed 's/^/# /' "$D/err" | tail -n 40
get() { jq -r "$1" <<<"$json"; }
dir=$(get .dir)
truth=$dir/log/truth.jsonl

# What the printers saw between two instants: devices whose books were read whole, and the bytes of those books.
seen() { # FROM_MS TO_MS → devices bytes
	jq -rs --argjson from "$1" --argjson to "$2" '
		[.[] | select(.what == "export_end" and .result == "ok" and .t >= $from and .t <= $to + 1000)]
		| unique_by([.device, .item]) | [([.[].device] | unique | length), ([.[].bytes] | add // 0)] | join(" ")' "$truth"
}
read -r devices bytes <<<"$(seen "$(get .opened_ms)" "$(get .ended_ms)")"
is "$(get .succeeded)" "$devices" "first run: as many succeeded as printers gave their book"
is "$(get .versions)" "$devices" "first run: as many versions"
is "$(get .bytes)" "$bytes" "first run: the bytes are those the printers sent"
read -r devices _ <<<"$(seen "$(get .second.opened_ms)" "$(get .second.ended_ms)")"
is "$(get .second.unchanged)" "$devices" "second run: every book that was read again is unchanged"
is "$(get .second.versions)" 0 "second run: no new version"
is "$(get .targets)" "$(($(jq '.devices | length' "$dir/run/fleet.json") + 1))" "every printer of the fleet is a target, and the real CUPS server"

# Skipped and failed are exactly the printers with a fault of their own, as the simulator says.
none=$(jq -rs '[.[] | select(.what == "export" and .result == "unsupported_device") | .device] | unique | length' "$truth")
is "$(get .skipped)" $((none + 1)) "skipped: the printers without an address book, and CUPS"
refused=$(jq -rs '[.[] | select((.what == "login" and .result == "auth_refused") or (.what == "export" and .result == "receive_restricted")) | .device] | unique | length' "$truth")
is "$(get .failed)" $((refused + 1)) "failed: wrong password, receive restriction, and the one that is off"
is "$(jq -rs '[.[] | select(.what == "login" and .result == "auth_refused")] | length' "$truth")" 1 "a refused password is tried once, over both runs (FL-13)"
is "$(jq -c 'select(.overlap or .violation)' "$truth" | wc -l)" 0 "no printer saw two of our sessions at once, or an export beside what excludes it"
check "a busy printer was put off and then backed up" test "$(get .deferred)" -ge 1
is "$(get .settings.succeeded)" 1 "the settings of the real CUPS server are backed up"
check "nothing of it still runs" test -z "$(pgrep -f "$D/d/" || true)"
done_testing
