#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SNMP against a real agent (devices.md sections 9 and 13): v1, v2c, v3, the kinds of refusal (DV-22), a restart (DV-21), and never a factory reset (DV-20).
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. tests/lib/worker.sh
PATH=$PATH:/usr/sbin
command -v snmpd >/dev/null || { echo "1..0 # SKIP package snmpd is not installed"; exit 0; }
worker_dir
port=$((20000 + RANDOM % 12000)) # below those of outgoing connections
mkdir "$D/persist"
cat >"$D/snmpd.conf" <<CONF
rocommunity public 127.0.0.1
rwcommunity private 127.0.0.1
createUser carnet SHA authpass12 AES privpass12
createUser weak SHA256 authpass12
rouser carnet authpriv
rouser weak auth
createUser writer SHA authpass12 AES privpass12
rwuser writer authpriv
sysDescr A peer
pass_persist .1.3.6.1.2.1.43 /bin/bash $PWD/tests/peers/mib $D/sets
CONF
agent() {
	SNMP_PERSISTENT_DIR=$D/persist snmpd -f -Lf "$D/snmpd.log" -C -c "$D/snmpd.conf" "udp:127.0.0.1:$port" &
	snmpd_pid=$!
}
agent
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
is "$(cat "$D/sets" 2>/dev/null | wc -l)" 0 "a probe sets nothing"

# ---- restart (DV-21), straight from the adapter ----
restart() { # PROBE-MS CAUSE REASON TEXT
	RUN_PROBE_MS=$1 "$B/tests/peers/adapter_run" "$D/map" restart >"$D/restart" 2>&1
	is "$(jq -r '.cause + " " + .reason' "$D/restart")" "$2 $3" "$4"
}
sets() { cat "$D/sets" 2>/dev/null | wc -l; }
v2c() { device "{\"name\":\"c\",\"kind\":\"snmp_v2c\",\"community_read\":\"public\",\"community_write\":\"$1\"}"; }
device '{"name":"c","kind":"snmp_v2c","community_read":"public"}'
restart 1000 auth_missing "" "a credential without a community for writing: auth_missing"
v2c public
restart 1000 permission_denied snmp_set "a community that only reads: permission_denied, not auth (DV-22)"
is "$(sets)" 0 "and the object was not reached"
v2c private
restart 1000 rejected snmp_set "notWritable: rejected"
echo wrong-value >"$D/sets.answer"
restart 1000 rejected snmp_set "wrongValue: rejected"
device "$(v3 carnet SHA authpass12 privpass12)"
restart 1000 permission_denied snmp_set "v3, a user that only reads: permission_denied"
device '{"name":"c","kind":"snmp_v1","community_read":"public","community_write":"public"}'
restart 1000 permission_denied snmp_set "v1 has one word for it: permission_denied"
is "$(sets)" 2 "each refusal was asked for once"
v2c private
echo DONE >"$D/sets.answer"
restart 250 rejected no_restart "it said yes and its up time goes on: rejected"
is "$(sets)" 3 "and was not asked again"
v2c wrong
restart 40 unreachable snmp_silent "a wrong community for writing is silence: unreachable, and the text says so"
is "$(sets)" 3 "nothing was set"

comes_back() { # CREDENTIAL TEXT
	local before old=$snmpd_pid reborn_pid
	before=$(sets)
	device "$1"
	{
		until [ "$(sets)" -gt "$before" ]; do sleep 0.05; done
		kill "$old"
		sleep 1
	} &
	reborn_pid=$!
	RUN_PROBE_MS=400 "$B/tests/peers/adapter_run" "$D/map" restart >"$D/restart" 2>&1 &
	local run_pid=$!
	wait "$reborn_pid" "$old" 2>/dev/null
	agent
	wait "$run_pid"
	is "$(jq -r .cause "$D/restart")" ok "$2"
	is "$(($(sets) - before))" 1 "it was set once"
}
sleep 1.5 # an up time that can fall
comes_back '{"name":"c","kind":"snmp_v2c","community_read":"public","community_write":"private"}' "v2c: it fell silent, came back, and its up time fell: restarted"
sleep 1.5
comes_back "$(v3 writer SHA authpass12 privpass12)" "v3: restarted"
sleep 1.5
comes_back '{"name":"c","kind":"snmp_v1","community_read":"public","community_write":"private"}' "v1: restarted"
is "$(grep -v ' integer 4$' "$D/sets" | wc -l)" 0 "snmp_never_six: all that was ever set is prtGeneralReset 4 ($(sets) times)"

kill "$snmpd_pid" && wait "$snmpd_pid"
device null
probe retry 3001 "no agent there: unreachable"
done_testing
