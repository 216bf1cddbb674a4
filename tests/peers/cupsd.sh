#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The ipp adapter against a real cupsd (devices.md sections 8 and 13): probe, settings read twice, a changed setting.
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. tests/lib/worker.sh
. tests/lib/ipp.sh
for p in cupsd lpadmin ipptool; do command -v "$p" >/dev/null || [ -x "/usr/sbin/$p" ] || { echo "1..0 # SKIP package of $p is not installed"; exit 0; }; done
PATH=$PATH:/usr/sbin
worker_dir
port=$((20000 + RANDOM % 12000)) # below those of outgoing connections
cupsd_up "$port"
cups_pid=$!
trap 'all_down; ipp_down; rm -rf "$D"' EXIT
printer() { cups_printer q1 "$@"; }
within 20 printer -L Lyon -D "by the stairs" || { cat "$D/lpadmin" "$D/cups-error" >&2; not_ok "cupsd starts"; done_testing; }
ok "a real cupsd with one printer"

device() { # PATH
	jq -n --arg path "$1" --argjson port "$port" '{devices: [{name: "cups", vendor: "CUPS", family: "ipp", address: "127.0.0.1",
		ports: {ipp: $port}, labels: {ipp_path: $path}, simulated: true, clear_text: true}], credentials: []}' >"$D/map"
}
device /printers/q1
PEERS_KIND=device.probe round 20
is "$(result cups state)" succeeded "probe: succeeded"
uuid=$(ipptool -tv "ipp://127.0.0.1:$port/printers/q1" get-printer-attributes.test 2>/dev/null | sed -n 's/.*printer-uuid (uri) = urn:uuid://p' | head -n 1)
is "$(result cups seen.device_uuid)" "$uuid" "and names the printer as ipptool does: $uuid"
is "$(result cups 'seen.capabilities | map(select(.name=="settings.write"))[0].result')" yes "Set-Printer-Attributes is offered: settings.write yes"
round_end

settings() {
	PEERS_KIND=settings.backup round 20
	is "$(result cups state)" succeeded "settings.backup${1:+ $1}: succeeded"
	round_end
}
settings
mv "$D/out/cups.settings" "$D/first"
[ "$(result cups entries)" -gt 10 ] && ok "$(result cups entries) attributes are settings" || not_ok "$(result cups entries) attributes"
check "printer-location is among them" grep -aq printer-location "$D/first"
check "the up time is not" eval '! grep -aq printer-up-time "$D/first"'
sleep 1.1 # the printer's clocks have moved on
settings "again"
check "settings read twice are equal bytes, though time went by" cmp -s "$D/first" "$D/out/cups.settings"
lp -h "127.0.0.1:$port" -d q1 README.md >/dev/null 2>&1
settings "after a print job"
check "a print job is no setting" cmp -s "$D/first" "$D/out/cups.settings"
printer -L Paris
settings "after a change"
check "a changed location is seen" eval '! cmp -s "$D/first" "$D/out/cups.settings" && grep -aq Paris "$D/out/cups.settings"'

# ---- Set: what is not settable is left out, for this server ignores it silently (ipp_three_answers) ----
adapter() { timeout 60 "$B/tests/peers/adapter_run" "$D/map" "$@" >"$D/steps" 2>"$D/err"; }
step() { jq -rs --arg s "$1" "map(select(.step == \$s)) | last | $2" "$D/steps"; }
printer -o printer-error-policy=abort-job
adapter probe read="$D/b" before="$D/b" wanted="$D/first" foresee write read="$D/c" same="$D/c"
is "$(step foresee '.plan.changes | map(.name) | join(" ")')" printer-location "the plan: the place"
is "$(step foresee '.plan.notes | map("\(.name) \(.reason)") | join(" ")')" "printer-error-policy not_settable" "and what cannot be set, said before"
is "$(step write .cause) $(step same .same)" "ok true" "it is set; what cannot be set does not count"
is "$(ipp_get "$port" /printers/q1 printer-location) $(ipp_get "$port" /printers/q1 printer-error-policy)" "Lyon abort-job" "by cupsd's own words"
perl -0777pe 's/(urn:uuid:.)./$1x/; s/Lyon/Rome/' "$D/first" >"$D/other"
adapter probe read="$D/b" before="$D/b" wanted="$D/other" foresee same="$D/b"
is "$(step foresee '.plan.notes | map("\(.name) \(.reason)") | sort | join(" ")')" "printer-error-policy not_settable printer-location class" "another printer's place stays there (class A)"
cupsdisable -h "127.0.0.1:$port" -r "out of paper" q1
adapter probe before="$D/b" wanted="$D/first" write restart
is "$(step write '.cause + " " + .reason')" "device_busy stopped" "a printer that is stopped is busy: nothing is written"
is "$(step restart '.cause')" device_busy "nor is it restarted (DV-5)"
cupsenable -h "127.0.0.1:$port" q1

PEERS_KIND=ab.backup round 20
is "$(result cups state) $(result cups code)" "skipped 1001" "IPP has no address book: unsupported_device, skipped"
round_end
device /printers/nobody
PEERS_KIND=settings.backup round 20
is "$(result cups state) $(result cups code)" "failed 4002" "HTTP 200 with IPP status not-found is not success: rejected"
round_end
device /printers/q1
kill "$cups_pid" && wait "$cups_pid"
PEERS_KIND=settings.backup round 20
is "$(result cups state) $(result cups code)" "retry 3001" "cupsd gone: unreachable"
round_end
done_testing
