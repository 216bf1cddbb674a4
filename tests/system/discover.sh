#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Discovery over the wire (fleet.md section 11): 30 simulated printers and a real snmpd are found by a range scan, enrolled and backed up;
# the same ones, announced by a real avahi-daemon, and the queues of a real cupsd are found by DNS-SD and IPP.
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. deploy/local/stack.sh
. tests/lib/system.sh
. tests/lib/ipp.sh
. tests/lib/avahi.sh
avahi_network "$@"
B=${B:-build}
D=$(mktemp -d /tmp/cds.XXXXXX)
PATH=$PATH:/usr/sbin
snmpd_pid= strict_pid= avahi_pid=
trap 'for p in $snmpd_pid $strict_pid $avahi_pid; do kill "$p"; done; ipp_down; system_end' EXIT
command -v snmpd >/dev/null || { echo "1..0 # SKIP package snmpd is not installed"; exit 0; }
STACK_COUNT=30 STACK_BASE=127.50.0.0 STACK_DURABLE=0
export CARNET_DEVICE_NETWORKS=10.77.0.0/24
STACK_INSTANCES="simulator:1 lock:1 storage:1 sync:1 scheduler:1 worker:1 gateway:1"
system_up '.types = {I: 1, II: 0, III: 0} | .faults = {} | .latency = {login_ms: 1, page_ms: 1, export_ms: 1} | .books = {empty: 0, small: 1, medium: 0, large: 0, full: 0, duplicates: 0}'
export LC_ALL=C.UTF-8
mkdir "$D/persist" "$D/persist2"
cat >"$D/snmpd.conf" <<CONF
rocommunity secret-word 127.0.0.0/8
sysName floor-2
sysLocation second floor
sysDescr A peer
pass_persist .1.3.6.1.2.1.43 /bin/bash $PWD/tests/peers/mib $D/sets
createUser carnet SHA authpass12 AES privpass12
createUser weak SHA-256 authpass12
rouser carnet authpriv
rouser weak auth
CONF
# one agent at two addresses: a device with two networks
SNMP_PERSISTENT_DIR=$D/persist snmpd -f -Lf "$D/snmpd.log" -C -c "$D/snmpd.conf" udp:127.50.1.7:1161,udp:127.50.1.8:1161 &
snmpd_pid=$!
cat >"$D/strict.conf" <<CONF
rocommunity counters 127.0.0.0/8
sysName strict
createUser carnet SHA-512 otherpass12 AES otherpriv12
createUser weak SHA-256 authpass12
rouser carnet authpriv .1.3.6.1.2.1.1
rouser weak auth .1.3.6.1.2.1.1
CONF
# not its network cards: they are the other one's, too
SNMP_PERSISTENT_DIR=$D/persist2 snmpd -f -Lf "$D/strict.log" -C -c "$D/strict.conf" udp:127.50.1.9:1161 &
strict_pid=$!
answers() { snmpget -v2c -c secret-word -r0 -t1 -Oqv 127.50.1.7:1161 .1.3.6.1.2.1.43.5.1.1.17.1 2>/dev/null | grep -q PEER12345; }
within 20 answers || not_ok "snmpd starts"
safe() { # the cupsd whose queues want TLS
	local D=$D/safe cups_port=8643 cups_host=10.77.0.2
	"$@"
}
if avahi_can; then
	while read -r host address model; do
		avahi_host "$host" "$address"
		avahi_service "$model $host" "$host" _printer._tcp 515 "ty=$model" "usb_MFG=Canon" "note=the announced floor"
	done < <(jq -r '.devices[] | [.name, .address, .model] | join(" ")' "$D/run/map.json")
	avahi_host hall 10.77.0.1
	avahi_service "Hall. One" hall _ipp._tcp 8631 "rp=printers/q1" "ty=Hall printer" "usb_MFG=Example"
	avahi_service "Hall Two" hall _ipp._tcp 8631 "rp=printers/q2"
	ip addr add 10.77.0.2/24 dev net0 && ip addr add 10.77.0.3/24 dev net0 && ip addr add 10.77.0.4/24 dev net0
	avahi_host safe 10.77.0.2
	avahi_service "Safe. One" safe _ipp._tcp 8643 "rp=printers/s1"
	avahi_service "Safe Two" safe _ipps._tcp 8643 "rp=printers/s2"
	avahi_host far 10.78.0.1
	avahi_service "Far away" far _ipp._tcp 631 "rp=ipp/print"
	avahi_up
	cupsd_up 8631 10.77.0.1
	mkdir "$D/safe"
	safe cupsd_up 8643 10.77.0.2 tls
	cups_host=127.0.0.1 third_up 8999
	for i in 3:443 4:631; do
		"$B/tests/peers/tls_front" "10.77.0.${i%:*}" "${i#*:}" 8999 >"$D/pin.${i%:*}" &
		ipp_pids+=($!)
	done
fi

c() { "$B/bin/carnet" "$@" 2>"$D/stderr"; }
rc() { # WANTED TEXT COMMAND…: the exit code
	local wanted=$1 text=$2
	shift 2
	c "$@" >"$D/stdout"
	is $? "$wanted" "$text"
	[ "$tap_bad" -eq 0 ] || sed "s/^/# /" "$D/stderr" "$D/stdout" | head -n 40
}
found() { c candidate list --filter "$1" --json | jq -r "$2"; }

rc 0 "setup" setup --setup-token-file "$D/run/setup-token" --password-file "$D/run/admin" --token-out "$D/run/token"
echo secret-word >"$D/community"
rc 0 "a community to try is a credential, sealed like all" cred set office --kind snmp_v2c --range 127.50.0.0/16 --password-file "$D/community"
rc 1 "more addresses than a task may look at" discover 10.0.0.0/15
like "$(cat "$D/stderr")" "65536" "and it says how many"
rc 1 "a range that makes no sense says where" discover 10.0.0.0/24 --exclude 10.0.0.9-10.0.0.300
like "$(cat "$D/stderr")" "exclude.0..*column" "the member, and the place in it"
rc 1 "a credential that is not there" discover 127.50.0.0/24 --cred nobody
rc 3 "a range scan; what is outside of the networks allowed is not asked" discover 127.50.0.0/27 127.50.1.0/28 198.51.100.0/30 --exclude 127.50.1.2 --exclude 127.50.1.8 --cred office --snmp-port 1161 --rate 1000 --json
is "$(jq '.items | length' "$D/stdout")" 1 "only who knows the community answers"
like "$(c run targets "$(jq -r .run.id "$D/stdout")")" "198.51.100.1" "the history names what was refused"
is "$(found "address = 127.50.1.7" '.items[0] | [.serial, .name, .location, .printer, .family, .simulated, .state] | join(" ")')" "PEER12345 floor-2 second floor true snmp true new" "the real agent, and what it says of itself"
rc 1 "a name that leads outside of the networks allowed" discover 0xc6336409 --snmp-port 1161 --json
like "$(c run targets "$(jq -r .run.id "$D/stdout")")" "address_refused" "is refused like an address (FL-73)"
# ---- SNMPv3 (FL-84) ----
users=0
user() { # NAME USER METHOD PASSWORD [PRIVACY]
	local privacy=()
	echo "$4" >"$D/secret.1"
	if [ -n "${5:-}" ]; then
		echo "$5" >"$D/secret.2"
		privacy=(--privacy-password-file "$D/secret.2" --privacy-protocol AES)
	fi
	rc 0 "a user to try: $1" cred set "$1" --kind snmp_v3 --range "127.51.$((++users)).0/24" --user "$2" --auth-protocol "$3" --password-file "$D/secret.1" "${privacy[@]}"
}
stats() { # ADDRESS COMMUNITY: usmStatsUnsupportedSecLevels, UnknownUserNames, WrongDigests
	snmpget -v2c -c "$2" -Oqv "$1:1161" .1.3.6.1.6.3.15.1.1.{1,3,5}.0 | tr '\n' ' '
}
detail() { c run targets "$(jq -r .run.id "$D/stdout")"; }
user nobody nobody SHA authpass12 privpass12
user wrong carnet SHA wrongpass12 privpass12
user signs carnet SHA authpass12
user three carnet SHA authpass12 privpass12
user other carnet SHA512 otherpass12 otherpriv12
user weak weak SHA256 authpass12
user short carnet SHA short
three_users=(--cred nobody --cred wrong --cred signs)
before=$(stats 127.50.1.7 secret-word)
rc 0 "users that no agent takes" discover 127.50.1.4-10 --snmp-port 1161 --rate 1000 --json "${three_users[@]}"
is "$(jq '.items | length' "$D/stdout")" 0 "find nobody"
like "$(detail)" "3 speak SNMPv3, 3 of them to none of the credentials" "but that there is somebody is said"
is "$before/ $(stats 127.50.1.7 secret-word)" "0 0 0 / 0 2 1 " "a wrong password is tried once on an agent that has two addresses"
is "$(stats 127.50.1.9 counters)" "0 1 2 " "and each of two wrong ones once on another agent"
rc 0 "one refusal after the other, then the right user" discover 127.50.1.4-10 --snmp-port 1161 --rate 1000 --json "${three_users[@]}" --cred three --cred other
is "$(jq -r '.items | sort_by(.address) | map([.serial // "-", .name, .printer] | join(" ")) | join(", ")' "$D/stdout")" "PEER12345 floor-2 true, - strict false" \
	"both agents by authPriv, SHA with AES and SHA-512 with AES; two addresses are one device"
is "$(jq -r '.items[] | select(.name == "strict") | .credential' "$D/stdout")" "$(c cred list --json | jq -r '.items[] | select(.name == "other") | .id')" "and whose user it was"
rc 0 "users, then a community" discover 127.50.1.4-7 --snmp-port 1161 --rate 1000 --json "${three_users[@]}" --cred office
is "$(jq -r '.items | map(.name) | join(" ")' "$D/stdout")" floor-2 "in the order named"
rc 0 "signed, not encrypted, SHA-256" discover 127.50.1.9 --snmp-port 1161 --json --cred weak
is "$(jq -r '.items[0].name' "$D/stdout")" strict "is enough where the agent says so"
rc 0 "where nobody is" discover 127.50.65.0/25 --snmp-port 1161 --rate 1000 --json --cred three --cred other --cred weak
like "$(detail)" "126 addresses asked with 252 packets, 0 answered" "three users cost two packets for each address, as one community does"
rc 1 "a password that no agent could have" discover 127.50.1.9 --snmp-port 1161 --json --cred other --cred short
like "$(detail)" "8 characters" "and why"
is "$(grep -rlE 'authpass12|privpass12|wrongpass12|otherpass12|otherpriv12' "$D/log" "$D/run" | wc -l)" 0 "no log and no file has a password"

rc 0 "with the usual community" discover 127.50.0.1-30 --snmp-port 1161 --rate 1000 --json
is "$(jq '[.items[] | select(.printer and .vendor == "Canon" and .family == "canon_rui" and .state == "new" and (.mac | length) == 17)] | length' "$D/stdout")" 30 "all 30 simulated printers, each once"
is "$(jq '[.items[].serial] | sort == ([$m.devices[].serial] | sort)' --argjson m "$(cat "$D/run/map.json")" "$D/stdout")" true "they are who they are, by the simulator's own word"
is "$(c device list --json | jq .total)" 0 "and no device was made"

rc 0 "one is not wanted" candidate ignore 127.50.0.30 --reason "a spare"
is "$(found "state = ignored" '.items[0].ignored_why')" "a spare" "and says why"
rc 0 "the real agent is enrolled" candidate enrol 127.50.1.7 --name peer --ports snmp=1161
rc 0 "all that are new, at once" candidate enrol --filter "state = new and vendor = Canon" --clear_text true --ports http=8000,snmp=1161
is "$(c device list --filter "family = canon_rui and clear_text = true" --json | jq .total)" 29 "as devices with their families"
rc 4 "nobody is enrolled twice" candidate enrol 127.50.1.7
is "$(found "state = enrolled" .total) $(found "state = new" '.items[].name')" "30 strict" "and it is said of the candidates"

jq '{credentials: [.credentials[0] | {name: "login", kind, id, pin, range: "127.50.0.0/24"}]}' "$D/run/map.json" >"$D/login.json"
rc 0 "with their login" device import "$D/login.json"
rc 0 "they are backed up" backup now --filter "family = canon_rui and address in 127.50.0.0/29" --password-file "$D/run/book"
is "$(db -c "select count(distinct device_id) from store.version where state = 'committed' and kind = 'address_book'")" 7 "a version of each"

# a printer that stands somewhere else now
name=$(c device list --filter "address = 127.50.0.5" --json | jq -r '.items[0].name')
rc 0 "a device whose record says another address" device set "$name" --address 127.50.0.200
rc 0 "is found again" discover 127.50.0.5 --snmp-port 1161 --json
is "$(jq -r '.items[0] | [.state, .device_name, .device_address] | join(" ")' "$D/stdout")" "moved $name 127.50.0.200" "as moved"
is "$(found "vendor = Canon" '[.total, ([.items[].seen] | max)] | join(" ")')" "30 2" "a printer that answers again is the same candidate"
is "$(c device get "$name" --json | jq -r .address)" 127.50.0.200 "and nothing was changed by itself"
is "$(c task get "Discover Devices" --json | jq -c '[.active, .built_in, .kind]')" '[false,true,"device.discover"]' "the built-in task is there, and off"

# ---- a run is cancelled, and its targets run again (FL-72) ----
run=$(c discover 127.50.0.1-30 --snmp-port 1161 --rate 1 --no-wait)
state() { c run get "$1" --json | jq -r "$2"; }
asks() { [ "$(db -c "select count(*) from sched.job_now where run = '$run' and state in (4, 5)")" -eq 1 ]; }
check "one that would take half a minute" within 60 asks
rc 0 "is cancelled" run cancel "$run"
over() { [ "$(state "$run" .state)" = cancelled ]; }
check "and ends at once" within 20 over
rc 0 "the task is changed" task set "Discover now" --settings.discover.ranges 127.50.0.1-30 --settings.discover.snmp_port 1161 --settings.discover.rate 1000
rc 0 "what was cancelled runs again, as the task is now" run rerun "$run" --state cancelled
is "$(found "vendor = Canon" '[.items[] | select(.seen == 3)] | length')" 1 "and finds them all once more"

# ---- who announces itself (FL-82, FL-83) ----
if [ -z "$avahi_pid" ]; then
	ok "# SKIP DNS-SD: package avahi-daemon is not unpacked (deploy/install unpack), or networks of one's own are not allowed"
	system_finish
fi
check "a real avahi-daemon announces them" within 60 avahi_established
queues() { cups_printer q1 -L "by the door" && cups_printer q2 && safe cups_printer s1 -L "behind TLS" && safe cups_printer s2; }
check "and two real cupsd with two queues each, one of which wants TLS" within 20 queues
rc 1 "a service that is none" discover --dns-sd true --service ipp
rc 3 "who announces itself" discover --dns-sd true --snmp-port 1161 --json
is "$(jq '[.items[] | select(.found_by == ["dns_sd", "snmp"] and .location == "the announced floor" and .services == ["_printer._tcp"])] | length' "$D/stdout")" 30 "all 30 simulated printers, and SNMP says the rest of them"
hall() { jq -r --arg name "$1" ".items[] | select(.name == \$name) | $2" "$D/stdout"; }
is "$(hall "Hall. One" '[.address, .vendor, .model, .family, .ipp_path, .ports[0].port, .location, .simulated, .state] | join(" ")')" "10.77.0.1 Example Hall printer ipp /printers/q1 8631 by the door false new" "a real queue"
is "$(hall "Hall. One" .device_uuid)" "$(ipp_get 8631 /printers/q1 printer-uuid | sed s/urn:uuid://)" "its UUID is what it says of itself by IPP"
is "$(hall "Hall Two" '[.ipp_path, .model, (.found_by | join(","))] | join(" ")')" "/printers/q2 Local Raw Printer dns_sd,ipp" "another queue of the same server is another printer"
pin=$(safe cups_pin)
is "${#pin} $(hall "Safe. One" '[.tls_pin, .location, (.found_by | join(",")), (.ports | map("\(.service)=\(.port)") | sort | join(","))] | join(" ")')" \
	"44 $pin behind TLS dns_sd,ipp ipp=8643,ipps=8643" "what wants TLS where it announced plain IPP is asked over TLS, and its key is kept"
is "$(hall "Safe Two" '[.tls_pin, .ipp_path, .family, (.ports | map("\(.service)=\(.port)") | join(","))] | join(" ")')" "$pin /printers/s2 ipp ipps=8643" \
	"so is what announced IPP over TLS"
is "$(hall "Hall. One" '.tls_pin // ""')" "" "who answers plainly is not asked over TLS"
is "$(jq '.items | length' "$D/stdout")" 34 "and nothing else"
like "$(c run targets "$(jq -r .run.id "$D/stdout")")" "10.78.0.1" "what was announced outside of the networks allowed is named, and was not asked"
two=$(hall "Safe Two" .id) one=$(hall "Hall. One" .id)
rc 0 "the one over TLS is enrolled" candidate enrol "$two"
is "$(c device get "Safe Two" --json | jq -r .tls_pin)" "$pin" "with the key that was seen (FL-17)"
rc 0 "it is enrolled" candidate enrol "$one" --clear_text true
rc 0 "a task for its settings" task create settings --kind settings.backup --device "Hall. One"
rc 0 "and they are backed up" task run settings
rc 0 "a task for those of the other" task create safe-settings --kind settings.backup --device "Safe Two"
rc 0 "and they are backed up over TLS, with that key" task run safe-settings
tls_only() { jq -r '.items[] | [.address, .tls_pin, (.ports | map("\(.service)=\(.port)") | join(",")), (.found_by | join(","))] | join(" ")' "$D/stdout"; }
rc 0 "a printer that speaks TLS only, where somebody says it is" discover 10.77.0.4 --json
is "$(tls_only)" "10.77.0.4 $(cat "$D/pin.4")  ipp" "at 631"
rc 0 "and one with nothing at 631" discover 10.77.0.3 --json
is "$(tls_only)" "10.77.0.3 $(cat "$D/pin.3") ipps=443 ipp" "at 443"
system_finish
