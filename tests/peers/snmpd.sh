#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SNMP against a real agent (devices.md sections 9 and 13): v1, v2c, v3, the kinds of refusal (DV-22), and never a SET.
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. tests/lib/worker.sh
PATH=$PATH:/usr/sbin
command -v snmpd >/dev/null || { echo "1..0 # SKIP package snmpd is not installed"; exit 0; }
worker_dir
port=$((20000 + RANDOM % 20000))
mkdir "$D/persist"
cat >"$D/snmpd.conf" <<CONF
rocommunity public 127.0.0.1
rwcommunity private 127.0.0.1
createUser carnet SHA authpass12 AES privpass12
createUser weak SHA256 authpass12
rouser carnet authpriv
rouser weak auth
sysDescr A peer
pass_persist .1.3.6.1.2.1.43 /bin/bash $PWD/tests/peers/mib $D/sets
CONF
SNMP_PERSISTENT_DIR=$D/persist snmpd -f -Lf "$D/snmpd.log" -C -c "$D/snmpd.conf" "udp:127.0.0.1:$port" &
snmpd_pid=$!
trap 'all_down; end_one "$snmpd_pid"; rm -rf "$D"' EXIT
answers() { snmpget -v2c -c public -r0 -t1 -Oqv "127.0.0.1:$port" .1.3.6.1.2.1.43.5.1.1.17.1 2>/dev/null | grep -q PEER12345; }
within 20 answers || { cat "$D/snmpd.log" >&2; not_ok "snmpd starts"; done_testing; }
ok "a real SNMP agent with a Printer-MIB"

device() { # CREDENTIAL-JSON [SERIAL]
	jq -n --argjson port "$port" --argjson c "$1" --arg s "${2:-}" '{devices: [{name: "peer", vendor: "Peer", family: "snmp", serial: $s,
		address: "127.0.0.1", ports: {snmp: $port}, simulated: true}], credentials: ([$c] | map(select(. != null)))}' >"$D/map"
}
probe() { # STATE CODE TEXT
	PEERS_KIND=device.probe round 30
	is "$(result peer state) $(result peer code)" "$1 $2" "$3"
	round_end
}
v3() { printf '{"name":"c","kind":"snmp_v3","user":"%s","auth_protocol":"%s","auth_password":"%s"%s}' "$1" "$2" "$3" "${4:+,\"privacy_protocol\":\"AES\",\"privacy_password\":\"$4\"}"; }

device '{"name":"c","kind":"snmp_v2c","community_read":"public"}' PEER12345
probe succeeded null "v2c: succeeded"
is "$(result peer seen.serial) $(result peer seen.display_language) $(result peer seen.charset)" "PEER12345 fr UTF-8" \
	"serial, console language and charset are read"
device null
probe succeeded null "without a credential the community public is tried"
device '{"name":"c","kind":"snmp_v1","community_read":"public"}'
probe succeeded null "v1, where one absent object refuses the whole question: succeeded"
is "$(result peer seen.serial)" PEER12345 "and the objects that exist are read"
device "$(v3 carnet SHA authpass12 privpass12)"
probe succeeded null "v3 authPriv, its engine found without blocking: succeeded"
is "$(result peer seen.serial)" PEER12345 "and its answer read"
device "$(v3 weak SHA256 authpass12)"
probe succeeded null "v3 authNoPriv with SHA-256: succeeded"

device '{"name":"c","kind":"snmp_v2c","community_read":"wrong"}'
probe retry 3001 "a wrong community is silence: unreachable, never auth (DV-22)"
is "$(result peer reason)" snmp_silent "and the text says so"
device "$(v3 carnet SHA wrongpass12 privpass12)"
probe failed 2002 "v3 with a wrong key: auth_refused, not tried again"
is "$(result peer reason)" wrong_key "the agent refused the key"
device "$(v3 nobody SHA authpass12 privpass12)"
probe failed 2002 "v3 with an unknown user: auth_refused"
device "$(v3 carnet SHA short privpass12)"
probe failed 2001 "v3 with a password that no agent could have: auth_missing"
device '{"name":"c","kind":"snmp_v2c","community_read":"public"}' OTHER999
probe failed 4005 "another serial number than the record's: identity_mismatch (FL-1)"
kill "$snmpd_pid" && wait "$snmpd_pid"
device null
probe retry 3001 "no agent there: unreachable"
is "$(cat "$D/sets" 2>/dev/null | wc -l)" 0 "snmp_never_six: the agent was never asked to set anything"
done_testing
