#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The ipp adapter against a real cupsd (devices.md sections 8 and 13): probe, settings read twice, a changed setting.
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. tests/lib/worker.sh
for p in cupsd lpadmin ipptool; do command -v "$p" >/dev/null || [ -x "/usr/sbin/$p" ] || { echo "1..0 # SKIP package of $p is not installed"; exit 0; }; done
PATH=$PATH:/usr/sbin
worker_dir
port=$((20000 + RANDOM % 20000))
mkdir "$D/root" "$D/cache" "$D/cups" "$D/spool" && chmod 0755 "$D"
cat >"$D/cups-files.conf" <<CONF
ServerRoot $D/root
CacheDir $D/cache
StateDir $D/cups
RequestRoot $D/spool
AccessLog $D/access
ErrorLog $D/error
PageLog $D/page
FileDevice Yes
SystemGroup root
CONF
cat >"$D/cupsd.conf" <<CONF
Listen 127.0.0.1:$port
Browsing Off
DefaultAuthType None
<Location />
Order allow,deny
Allow 127.0.0.1
</Location>
<Location /admin>
Order allow,deny
Allow 127.0.0.1
</Location>
<Policy default>
<Limit All>
Order deny,allow
</Limit>
</Policy>
CONF
cupsd -f -c "$D/cupsd.conf" -s "$D/cups-files.conf" &
cups_pid=$!
trap 'all_down; end_one "$cups_pid"; rm -rf "$D"' EXIT
printer() { lpadmin -h "127.0.0.1:$port" -p q1 -v file:///dev/null -E "$@" 2>"$D/lpadmin"; }
within 20 printer -L Lyon -D "by the stairs" || { cat "$D/lpadmin" "$D/error" >&2; not_ok "cupsd starts"; done_testing; }
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
