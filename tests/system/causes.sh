#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each way a printer can go wrong has its own cause, and nothing of it is stored (fleet.md section 8, security.md section 5);
# the good printers beside them are backed up in the same run.
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. deploy/local/stack.sh
. tests/lib/system.sh
B=${B:-build}
D=$(mktemp -d /tmp/cca.XXXXXX)
trap system_end EXIT
STACK_COUNT=30 STACK_BASE=127.45.0.0 STACK_DURABLE=0
STACK_INSTANCES="simulator:1 lock:1 storage:1 sync:1 scheduler:1 worker:1 gateway:1"
system_up '.credential.pin = "7654321" | .faults = {} | .types = {I: 1, II: 0, III: 0} | .books = {empty: 0, small: 1, medium: 0, large: 0, full: 0}
    | .latency = {login_ms: 5, page_ms: 5, export_ms: 10}'
export LC_ALL=C.UTF-8
c() { "$B/bin/carnet" "$@"; }
c setup --setup-token-file "$D/run/setup-token" --password-file "$D/run/admin" --token-out "$D/run/token" 2>/dev/null
c device import "$D/run/map.json" >/dev/null
c task create all --all --errors-max 2 --password-file "$D/run/book" --json >/dev/null

mapfile -t serial < <(jq -r '.devices[].serial' "$D/run/map.json")
mapfile -t name < <(jq -r '.devices[].name' "$D/run/map.json")
declare -A wanted
n=0
expect() { # CAUSE METHOD PATH [curl options]: one printer gets this fault
	control "$2" "/devices/${serial[n]}/$3" "${@:4}" >/dev/null || not_ok "the simulator takes $3 $*"
	wanted[${name[n]}]=$1
	n=$((n + 1))
}
book() { printf '# Canon AddressBook version: 1\r\n# CharSet: WCP1252\r\n# SubAddressBookName: \r\n# DB Version: 0x0108\r\n\r\n%b' "$1"; }
raw() { # CAUSE BYTES: a list with exactly these bytes after the preamble
	book "$2" >"$D/raw"
	expect "$1" PUT "book?raw=list_1" --data-binary "@$D/raw"
}
raw parse_error 'subdbid: 1\r\ndn: 1\r\nthis line has no colon\r\n\r\n'
raw parse_error 'subdbid: 1\r\ncn: a\0b\r\n\r\n'
raw charset_error 'subdbid: 1\r\ncn: \x81bad\r\n\r\n'
raw incomplete 'subdbid: 1\r\ndn: 1\r\ncn: half a rec'
expect identity_mismatch POST fault -d '{"mp":"mp_23"}'
expect auth_refused POST settings -d '{"wrong_password":true}'
expect receive_restricted POST settings -d '{"receive_restricted":true}'
expect unreachable POST power -d '{"seconds":0}'
expect connection_lost POST fault -d '{"mp":"mp_21","at":"export"}'
expect protocol_error POST fault -d '{"mp":"http_500","at":"export"}'
expect response_too_big POST fault -d '{"mp":"mp_04"}'
expect response_too_big POST fault -d '{"mp":"mp_05"}'
expect protocol_error POST fault -d '{"mp":"mp_06_negative"}'
expect protocol_error POST fault -d '{"mp":"mp_06_twice"}'
expect protocol_error POST fault -d '{"mp":"mp_07"}'
expect connection_lost POST fault -d '{"mp":"mp_21_half","at":"export"}'
expect incomplete POST fault -d '{"mp":"mp_23_half","at":"export"}'
expect incomplete POST fault -d '{"mp":"mp_21_cut","at":"export"}'

c task run all >"$D/out" 2>"$D/err"
is $? 3 "the run ends, partial"
run=$(c run list --json | jq -r '.items[0].id')
c run targets "$run" --json >"$D/targets"
for device in "${!wanted[@]}"; do
	is "$(jq -r --arg d "$device" '.items[] | select(.device_name == $d) | "\(.state) \(.cause)"' "$D/targets")" \
		"failed ${wanted[$device]}" "$device: ${wanted[$device]}"
done
is "$(jq '[.items[] | select(.state == "succeeded")] | length' "$D/targets")" $((30 - n)) "every good printer beside them is backed up"
is "$(stack_psql "$D" -c "select count(*) from store.version v join fleet.device d on d.id = v.device_id where v.state = 'committed' and d.name in ($(printf "'%s'," "${!wanted[@]}" | sed 's/,$//'))")" 0 \
	"nothing of a printer that went wrong is stored"
place=$(jq -r --arg d "${name[0]}" '.items[] | select(.device_name == $d) | .detail' "$D/targets")
check "a malformed book names its place ($place)" grep -qi "line 8" <<<"$place"
is "$(c device get "${name[4]}" --json | jq -r .state)" suspended "a printer that says it is another one is suspended (FL-1)"
is "$(c device get "${name[5]}" --json | jq -r .state)" auth_hold "a refused password puts the printer on hold (FL-13)"
is "$(jq -rs '[.[] | select(.what == "login" and .result == "auth_refused")] | length' "$D/log/truth.jsonl")" 1 "and is tried once"

# What printers can do is found out by a task that comes with Carnet (fleet.md FL-9..FL-11, section 11).
checks() { # NAMES… → "state cause reason ab.read" of each in a run of the check over them
	c task create check --kind device.check_ab $(printf -- '--device %s ' "$@") --json >/dev/null 2>&1
	c task run check >"$D/out" 2>"$D/err"
	c run targets "$(c run list --json | jq -r '.items[0].id')" --json | jq -r '.items[] | "\(.state) \(.cause // "-") \(.reason // "-")"' | sort | tr '\n' ' '
	c task delete check >/dev/null 2>&1
}
found() { c device get "$1" --json | jq -r '.capabilities | map(select(.name | startswith("ab."))) | map("\(.name)=\(.result)\(.grade)") | sort | join(" ")'; }
control POST "/devices/${serial[n]}/settings" -d '{"wrong_password":true}' >/dev/null
c device add --name paper --vendor hp --family jetdirect_ftp --serial PAPER-1 --address 127.45.0.200 --simulated true >/dev/null
is "$(checks "${name[n]}" paper "${name[n + 2]}")" "failed auth_refused - skipped unsupported_device - succeeded - supported " \
	"a check says whether it ran, and beside that what it found (FL-11)"
is "$(found "${name[n]}")" "ab.read=refusedA ab.write=yesC" "a refused login is not a no (FL-9)"
is "$(found paper)" "ab.read=noA ab.write=noA" "a family without the function is known to have none"
is "$(found "${name[n + 2]}")" "ab.lists=yesA ab.read=yesA ab.write=yesC" "one that has it: with evidence, and its lists"
is "$(checks "${name[n]}")" "failed auth_refused - " "on hold it is not asked again"
control POST "/devices/${serial[n]}/settings" -d '{"wrong_password":false}' >/dev/null
jq -r '[.credentials[] | select(.kind == "system_manager")][0].pin' "$D/run/map.json" >"$D/run/pin"
c cred set for-this-one --kind system_manager --device "${name[n]}" --id "$(jq -r '[.credentials[] | select(.kind == "system_manager")][0].id' "$D/run/map.json")" \
	--password-file "$D/run/pin" >"$D/out" 2>"$D/err"
is "$(c device get "${name[n]}" --json | jq -r .state)" enrolled "a credential that is registered for it lifts the hold"
is "$(checks "${name[n]}")" "succeeded - supported " "and the check works"
is "$(found "${name[n]}")" "ab.lists=yesA ab.read=yesA ab.write=yesC" "and says what it can do"

# The printers have the login that every new one has (FL-16): used, and an alarm; also when only a worker can see it.
factory() { c cred list --json | jq -c '[.items[] | select(.kind == "system_manager") | .factory_default // false] | unique'; }
is "$(factory)" '[true]' "a factory login is marked when it is stored"
stack_psql "$D" -c "update fleet.credential set factory = false" >/dev/null
c task run all >"$D/out" 2>"$D/err"
marked() { [ "$(stack_psql "$D" -c "select bool_or(factory and site is not null) from fleet.credential")" = t ]; }
within 30 marked
check "and marked by the worker that opens it" marked

# What a check found counts for 30 days, and for the firmware that it met (FL-10).
reading() { c device get "${name[n + 2]}" --json | jq -r '.capabilities[] | select(.name == "ab.read") | "\(.result) \(.firmware)"'; }
checked() { stack_psql "$D" -c "select capabilities -> 'ab.read' ->> 'checked_at' from fleet.device where name = '${name[n + 2]}'"; }
age() { # RESULT DAYS
	stack_psql "$D" -c "update fleet.device set capabilities = jsonb_set(jsonb_set(capabilities, '{ab.read,result}', '\"$1\"'), '{ab.read,checked_at}',
		to_jsonb(to_char(now() - interval '$2 days', 'YYYY-MM-DD\"T\"HH24:MI:SSOF'))) where name = '${name[n + 2]}'" >/dev/null
}
due() { c device list --filter "name = '${name[n + 2]}' and ab_check_due = true" --json | jq '.items | length'; }
one() { # KIND: a run of it on that printer → state and cause
	c task create one --kind "$1" --device "${name[n + 2]}" $([ "$1" != ab.backup ] || echo --password-file "$D/run/book") --json >/dev/null 2>&1
	c task run one >"$D/out" 2>"$D/err"
	c run targets "$(c run list --json | jq -r '.items[0].id')" --json | jq -r '.items[] | "\(.state) \(.cause // "-")"'
	c task delete one >/dev/null 2>&1
}
logins() { jq -rs --arg s "${serial[n + 2]}" '[.[] | select(.device == $s and .what == "login")] | length' "$D/log/truth.jsonl"; }
is "$(reading)" "yes 71.05" "each answer says which firmware gave it"
control POST "/devices/${serial[n + 2]}/settings" -d '{"firmware":"72.01"}' >/dev/null
is "$(one device.probe) $(due)" "succeeded - 1" "a probe that meets another firmware makes a check due"
control POST "/devices/${serial[n + 2]}/power" -d '{"seconds":0}' >/dev/null
before=$(checked)
is "$(checks "${name[n + 2]}") $(due)" "failed unreachable -  1" "a check that could not be made …"
is "$(checked) $(reading)" "$before yes 71.05" "… leaves what was known, with its age"
control POST "/devices/${serial[n + 2]}/power" -d '{"on":true}' >/dev/null
case $(one ab.backup) in "succeeded -" | "unchanged -") ok "a backup …" ;; *) not_ok "a backup …" ;; esac
is "$(reading) $(due)" "yes 72.01 0" "… is a check, too"
age no 1
before=$(logins)
is "$(one ab.backup) $(logins)" "skipped unsupported_device $before" "a fresh answer is believed: the printer is not even asked"
age no 31
case $(one ab.backup) in "succeeded -" | "unchanged -") ok "one that is older than 30 days is asked again by the job …" ;; *) not_ok "an old answer is asked again" ;; esac
is "$(reading) $(due)" "yes 72.01 0" "… and replaced"

# Mended, they are backed up: nothing has to be cleaned away.
control POST /reset >/dev/null
c device resume "${name[4]}" --json >/dev/null
c device resume "${name[5]}" --json >/dev/null
c task run all >"$D/out" 2>"$D/err"
is $? 0 "once the printers are well, the next run succeeds as a whole"
system_finish
