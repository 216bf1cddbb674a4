#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The fleet as code: carnet export, carnet apply -f, their plans, exit codes and refusals (fleet.md section 14, FL-70).
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. deploy/local/stack.sh
B=${B:-build}
D=$(mktemp -d /tmp/cfc.XXXXXX)
trap 'stack_down "$D"; rm -rf "$D"' EXIT
STACK_INSTANCES="gateway:1 lock:1 scheduler:1 storage:1 sync:1" STACK_DURABLE=0 STACK_REST=unix:$D/rest.sock stack_make "$D" "$B"
mkdir -p "$D/log"
stack_database "$D" >/dev/null && stack_up "$D" && stack_ready "$D" 120 || { not_ok "the gateway starts"; done_testing; exit; }
until [ -s "$D/run/setup-token" ]; do sleep 0.05; done
export CARNET_SERVER=unix:$D/rest.sock CARNET_TOKEN_FILE=$D/token LC_ALL=C.UTF-8
echo "a password for the administrator" >"$D/admin"
carnet() { "$B/bin/carnet" "$@" 2>"$D/stderr"; }
carnet setup --setup-token-file "$D/run/setup-token" --password-file "$D/admin" --token-out "$D/token"
rc() { # WANTED TEXT COMMAND…: the exit code
	local wanted=$1 text=$2
	shift 2
	carnet "$@" >"$D/stdout"
	local got=$?
	is $got "$wanted" "$text"
	[ $got = "$wanted" ] || sed "s/^/# /" "$D/stderr" "$D/stdout" | head -n 40
}
said() { grep -qF -- "$2" "$D/$1" && ok "$3" || { not_ok "$3"; sed "s/^/# /" "$D/$1" | head -n 20; }; }

mkdir "$D/secrets"
echo '{"user": "root", "password": "printer-secret"}' >"$D/secrets/lyon.json"
echo "book-password-1" >"$D/secrets/nightly"
cat >"$D/fleet.yaml" <<'YAML'
# how it shall be
carnet: 1
sites:
  - {name: Lyon, region: Europe, time_zone: Europe/Paris}
  - name: "日本"
    time_zone: Asia/Tokyo
devices:
  - name: lobby
    vendor: canon
    family: canon_rui
    model: iR-ADV
    serial: 007
    address: 10.1.0.1
    ports: {http: 8000, snmp: 1161}
    type: I
    site: Lyon
    labels: {floor: "3", note: "a; b = c"}
    clear_text: true
  - {name: desk, vendor: ricoh, family: ricoh_udirectory, serial: R1, address: 10.1.0.2, site: Lyon}
  - {name: "=cmd", vendor: ricoh, family: ipp, serial: R2, address: tokyo.example, site: 日本}
groups:
  - name: All of Lyon
    kind: dynamic
    filter: site = 'Lyon'
  - name: Floors
    kind: static
    groups: [Third]
  - name: Third
    kind: static
    devices: [lobby, desk]
credentials:
  - {name: lyon, kind: user_auth, site: Lyon, secret_file: secrets/lyon.json}
tasks:
  - name: Nightly
    kind: ab.backup
    schedule: {form: every_weeks, n: 1, weekdays: [1, 3], time: "02:30", zone: Europe/Paris, jitter: 60}
    targets: {groups: [Floors], exclude_devices: [desk]}
    settings: {lists: [all]}
    retry: {errors_max: 3, waves: [{devices: 1}, {percent: 10}]}
    password_file: secrets/nightly
windows:
  - name: Nights
    open: [{start: "22:00", end: "06:00"}]
    exceptions: [{date: 2030-12-25}]
    groups: [Third]
    tasks: [Nightly]
distribution_sets:
  - name: Salesroom
    book: Sales
    map: [{slot: list_1, from: Sales}, {slot: list_2}]
    devices: [desk]
    groups: [Third]
YAML
api=http://localhost/api/v1
ask() { curl -s -o "$D/answer" -w '%{http_code}' --unix-socket "$D/rest.sock" -H "Authorization: Bearer $(cat "$D/token")" -H 'Content-Type: application/json' "$@"; }
rc 1 "a set names a distribution book that is there" apply -f "$D/fleet.yaml" --dry-run
said stderr "Sales" "and a fault says which is not"
stack_psql "$D" -c "set session_replication_role = replica; with v as (insert into store.version (id, tenant_id, device_id, device_name, kind, generation, state, run_id, job_id, attempt,
	token, serial, digest, verified_at, committed_at) values (sched.uuid7(), '00000000-0000-7000-8000-000000000001', sched.uuid7(), 'Sales', 'distribution',
	1, 'committed', sched.uuid7(), sched.uuid7(), 1, 1, '', sha256('x'), now(), now()) returning *)
	insert into store.head (tenant_id, device_id, kind, version_id, generation, last_check_at) select tenant_id, device_id, kind, id, 1, now() from v" >/dev/null

rc 2 "a plan: there is something to do" apply -f "$D/fleet.yaml" --dry-run
said stdout "12 to create, 0 to change, 0 to delete" "all of it"
rc 0 "and nothing was done" site list --json
is "$(jq '.items | length' "$D/stdout")" 0 "there is no site yet"
rc 64 "nobody to ask, no --yes: nothing" apply -f "$D/fleet.yaml" </dev/null
rc 0 "applied" apply -f "$D/fleet.yaml" --yes
rc 0 "a second time there is nothing to do" apply -f "$D/fleet.yaml" --dry-run
said stdout "0 to create, 0 to change, 0 to delete" "and it says so"
rc 0 "the secret went where it belongs" cred list --json
is "$(jq -c '.items | map([.name, .set])' "$D/stdout")" '[["lyon",true]]' "it is set, and only that is told"
rc 0 "a serial number stays a text" device get lobby --json
is "$(jq -r '[.serial, (.labels[] | select(.key == "note").value)] | join(" ")' "$D/stdout")" "007 a; b = c" "with its zeros"

echo Admin >"$D/known"
rc 0 "a login that every new printer has is taken (FL-16)" cred set known --kind user_auth --device desk --user admin --password-file "$D/known" --lang fr
said stderr "toute imprimante neuve" "and that is said, in the reader’s language"
grep -q "Admin" "$D/stdout" && not_ok "not the secret" || ok "not the secret"
rc 0 "it is shown" cred list --json
is "$(jq -c '.items | map([.name, .factory_default // false])' "$D/stdout")" '[["known",true],["lyon",false]]' "which it is"
rc 0 "and where it applies" device list --filter "alarms has default_credential" --json
is "$(jq -c '.items | map([.name, .alarms])' "$D/stdout")" '[["desk",["default_credential"]]]' "with the alarm of the device"
known=$(jq -r '.items[0].id' <<<"$(carnet cred list --json)")
is "$(ask -X POST -d "{\"id\":\"$known\",\"name\":\"known\",\"kind\":\"user_auth\",\"device\":\"desk\",\"factory_default\":false}" $api/credentials)" 201 "nobody talks it away"
is "$(jq -c '.factory_default' "$D/answer")" true "without another login"
is "$(ask -X POST -d "{\"id\":\"$known\",\"name\":\"known\",\"kind\":\"user_auth\",\"device\":\"desk\",\"user\":\"admin\",\"password\":\"of our own\",\"factory_default\":true}" $api/credentials)" 201 "replaced"
is "$(jq -c '.factory_default // false' "$D/answer")" false "it is none, whatever is said"
rc 0 "taken away" cred delete known

rc 0 "the fleet as YAML" export -o "$D/one.yaml"
rc 0 "as JSON" fleet export --format json -o "$D/one.json"
rc 0 "its devices as CSV" export --format csv -o "$D/one.csv"
for f in one.yaml one.json one.csv; do rc 0 "what $f says is so" apply -f "$D/$f" --dry-run; done
is "$(jq -c '[.devices[].time_zone]' "$D/one.json")" "[null,null,null]" "a device's zone is its site's, and not written as its own"
grep -q "printer-secret\|book-password" "$D"/one.* && not_ok "no secret is exported" || ok "no secret is exported"
check "a spreadsheet sees no formula (SE-26)" grep -q "\"'=cmd\"" "$D/one.csv"

# ---- changes
sed -e 's/region: Europe/region: EMEA/' -e 's/10.1.0.2/10.1.0.22/' -e 's/devices: \[lobby, desk\]/devices: [lobby, "=cmd"]/' -e 's/, jitter: 60//' \
	-e 's/exclude_devices: \[desk\]/exclude_devices: []/' -e 's/from: Sales/from: All/' -e 's/    devices: \[desk\]/    devices: []/' "$D/fleet.yaml" >"$D/two.yaml"
rc 2 "a changed file: a plan" apply -f "$D/two.yaml" --dry-run --json
is "$(jq -c '[.create, .change, .delete, ([.changes[].fields | keys[]])]' "$D/stdout")" '[0,5,0,["region","address","devices","schedule","targets","devices","map"]]' "of what differs and nothing else"
rc 0 "applied, too" apply -f "$D/two.yaml" --yes
rc 0 "and then nothing is left" apply -f "$D/two.yaml" --dry-run
rc 0 "back again" apply -f "$D/fleet.yaml" --yes
rc 0 "as it was" export -o "$D/back.yaml"
check "byte for byte" cmp "$D/one.yaml" "$D/back.yaml"

# ---- what is not in the file stays, unless told
sed -e '/name: "=cmd"/d' -e '/^windows:/,$d' "$D/fleet.yaml" >"$D/less.yaml"
rc 0 "what a file leaves out stays" apply -f "$D/less.yaml" --dry-run
said stderr "1 devices not in the file, kept" "and is told"
rc 2 "with --prune it goes" apply -f "$D/less.yaml" --dry-run --prune
said stdout "0 to create, 0 to change, 1 to delete" "of the sections that the file has"

# ---- somebody else at the same time (FL-70)
is "$(ask -X PUT -H 'If-Match: "9"' -d '{"region":"x"}' $api/sites/Lyon)" 412 "a site of another version stays as it is"
is "$(ask -X PUT -H 'If-Match: "0"' -d '{"region":"x"}' $api/sites/Lyon)" 412 "a new site that is there is none"
is "$(ask -X DELETE -H 'If-Match: "9"' $api/sites/Lyon)" 412 "nor is it deleted"
cred=$(carnet cred list --json | jq -r '.items[0].id')
is "$(ask -X POST -H 'If-Match: "9"' -d "{\"id\":\"$cred\",\"name\":\"lyon\",\"kind\":\"user_auth\",\"site\":\"Lyon\"}" $api/credentials)" 412 "a credential of another version stays"
is "$(ask -X DELETE -H 'If-Match: "9"' $api/credentials/lyon)" 412 "and is not deleted"
is "$(ask -d '{"name":"Set","book":"00000000-0000-7000-8000-000000000009"}' $api/distribution-sets)" 201 "a distribution set"
is "$(ask -X DELETE -H 'If-Match: "9"' $api/distribution-sets/Set)" 412 "of another version is not deleted"
is "$(ask -X DELETE -H 'If-Match: "1"' $api/distribution-sets/Set)" 200 "of this one it is"
lobby=$(carnet device get lobby --json | jq -c '{id, name, family, address, version}')
is "$(ask -d "{\"devices\":[$(jq -c '.version += 1' <<<"$lobby")]}" $api/devices:import)" 200 "an import names versions"
is "$(jq -c '[.created, .updated, (.refused | length)]' "$D/answer")" '[0,0,1]' "and changes none of another one"
ask -d "{\"devices\":[$(jq -c '.id = null | .version = 0 | .serial = "007" | .vendor = "canon"' <<<"$lobby")]}" $api/devices:import >/dev/null
is "$(jq -c '[.created, .updated, (.refused | length)]' "$D/answer")" '[0,0,1]' "version 0 is a device that is not there yet"

# ---- bad requests: problem documents with field, code and text
refused() { # METHOD PATH BODY "STATUS FIELD REASON" TEXT
	local status
	status=$(ask -X "$1" -H 'Accept-Language: ja' -d "$3" "$api/$2")
	is "$status $(jq -r '[.field, .reason] | join(" ")' "$D/answer")" "$4" "$5"
	jq -e '(.code | startswith("CN-")) and .title != "" and .hint != "" and (.title | test("[ぁ-ん]"))' "$D/answer" >/dev/null || not_ok "$5: code and text"
}
refused PUT sites/X '{"time_zone":"Mars/Olympus"}' "422 time_zone time_zone" "an unknown zone of a site"
refused POST devices '{"name":"x","family":"ipp","address":"10.0.0.9","time_zone":"Mars/Olympus"}' "422 time_zone time_zone" "of a device"
refused POST devices '{"name":"x","family":"ipp"}' "422 address required" "a device without an address"
refused POST devices '{"name":"x","family":"ipp","address":"a b"}' "422 address address" "an address that is none"
refused POST devices '{"name":"x","family":"ipp","address":"a","ports":[{"service":"http","port":99999}]}' "422 ports[0].port out_of_range" "a number out of range, deep inside"
refused PATCH devices/lobby '{"colour":"red"}' "422 colour unknown_member" "a member that is not known"
refused POST groups '{"name":"X","kind":"dynamic","filter":"site = = 1"}' "422 filter filter" "a bad filter of a group"
refused GET 'devices?filter=site%20%3D%20%3D' '' "422 filter filter" "of a list"
refused POST groups '{"name":"a/b","kind":"static"}' "422 name required" "a name that would be a path"
refused POST credentials '{"name":"x","kind":"loose","site":"Lyon"}' "422 kind unknown_word" "a kind of credential that does not exist"
refused POST groups/Third/members '{"add_groups":["Floors"]}' "409 add_groups group_cycle" "groups in a circle"

# ---- bad files: place, member and sentence, all at once, and nothing is done
cat >"$D/bad.yaml" <<'YAML'
sites:
  - {name: Here, time_zone: Mars/Olympus}
devices:
  - name: one
    family: ipp
    adress: 10.0.0.1
    ports: {http: 99999}
    site: Nowhere
groups:
  - {name: A, kind: static, groups: [B]}
  - {name: B, kind: static, groups: [A]}
  - {name: C, kind: loose}
  - {name: C, kind: dynamic, filter: "site = = 'x'"}
YAML
rc 1 "a bad file is refused" apply -f "$D/bad.yaml" --yes
said stderr "$D/bad.yaml:6:5: devices[0].adress: The request has a member that is not known." "a member that is not known, with its place"
said stderr "bad.yaml:7:19: devices[0].ports.http:" "a number out of range"
said stderr "bad.yaml:12:21: groups[2].kind:" "a word that is none"
sed -i -e '/adress/s/adress/address/' -e 's/99999/80/' -e '/loose/d' "$D/bad.yaml"
rc 1 "with its form put right it is refused for what it says" apply -f "$D/bad.yaml" --yes
said stderr "bad.yaml:2:29: site 'Here'.time_zone: " "a zone that does not exist"
said stderr "bad.yaml:8:11: device 'one'.site: " "a site that nobody has"
said stderr "bad.yaml:10:37: group 'A'.groups: The group would contain itself." "groups in a circle (group_cycle)"
sed -i -e 's,Mars/Olympus,UTC,' -e 's/Nowhere/Here/' -e '/name: A,/d' -e '/name: B,/d' "$D/bad.yaml"
LC_ALL=C.UTF-8 rc 1 "what only the server can judge is asked before anything is done" apply -f "$D/bad.yaml" --yes --lang fr
said stderr "bad.yaml:10:38: group 'C'.filter: $(sed -n '/^word filter/,/^$/p' schemas/errors.tab | sed -n 's/^\tfr "\([^"]*\)".*/\1/p')" "a bad filter, in the reader's language"
rc 0 "the fleet" export -o "$D/same.yaml"
check "is as it was" cmp "$D/one.yaml" "$D/same.yaml"
printf 'sites:\n  - name: x\n   - y\n' >"$D/broken.yaml"
rc 1 "YAML that is none" apply -f "$D/broken.yaml" --yes
said stderr "broken.yaml:3:4: " "says where"
printf '{"sites": [\n{"name": "x",}]}' >"$D/broken.json"
rc 1 "JSON that is none" apply -f "$D/broken.json" --yes
said stderr "broken.json:2:14: " "says where, too"
printf 'name,colour\r\n"a","b"\r\n' >"$D/bad.csv"
rc 1 "a table with a column that nobody knows" apply -f "$D/bad.csv" --yes
said stderr "bad.csv:1:6: colour:" "says which"
rc 1 "a file that is not there" apply -f "$D/none.yaml" --yes
truncate -s 65M "$D/big.yaml"
rc 1 "a file of more than 64 MiB" apply -f "$D/big.yaml" --yes
said stderr "larger than 64 MiB" "is too big"

# ---- and all of it on an empty system
stack_psql "$D" -c "truncate fleet.site, fleet.device, fleet.device_group, fleet.credential, sched.time_window, sched.dist_set cascade; delete from sched.task where not built_in" >/dev/null 2>&1
mkdir "$D/copy" "$D/copy/secrets"
cp "$D/one.yaml" "$D/copy/fleet.yaml"
rc 1 "its secrets are needed there" apply -f "$D/copy/fleet.yaml" --yes
rc 0 "and nothing was made" site list --json
is "$(jq '.items | length' "$D/stdout")" 0 "not even a site"
cp "$D/secrets/lyon.json" "$D/copy/secrets/lyon.json"
cp "$D/secrets/nightly" "$D/copy/secrets/task-Nightly.password"
rc 0 "an exported file on an empty system" apply -f "$D/copy/fleet.yaml" --yes
rc 0 "gives" export -o "$D/again.yaml"
check "the same file again, byte for byte" cmp "$D/one.yaml" "$D/again.yaml"

# ---- steps, credentials and books stand in tasks by name
echo '{"community_read": "not-the-usual"}' >"$D/secrets/snmp.json"
cat >"$D/more.yaml" <<'YAML'
credentials:
  - {name: a-snmp, kind: snmp_v2c, range: 10.0.0.0/8, secret_file: secrets/snmp.json}
  - {name: b-snmp, kind: snmp_v2c, range: 10.1.0.0/16, secret_file: secrets/snmp.json}
tasks:
  - {name: A night, kind: batch, targets: {all: true}, settings: {steps: [Z probe, Nightly]}}
  - {name: Z probe, kind: device.probe, targets: {all: true}}
  - {name: Look, kind: device.discover, settings: {discover: {ranges: [10.1.0.0/24], credentials: [b-snmp, a-snmp]}}}
  - {name: Send, kind: ab.distribute, targets: {devices: [desk]}, settings: {source: Sales}}
  - {name: Z night, kind: batch, targets: {all: true}, settings: {steps: [B probe]}}
  - {name: B probe, kind: device.probe, targets: {all: true}}
YAML
sed -e 's/Z probe, Nightly/Nightly, Nobody/' -e 's/source: Sales/source: Purchase/' -e 's/b-snmp, a-snmp/b-snmp, a-snmp, c-snmp/' "$D/more.yaml" >"$D/names.yaml"
rc 1 "names that nobody has are found before anything is made" apply -f "$D/names.yaml" --yes
said stderr "names.yaml:5:84: task 'A night'.settings.steps: " "a step, where it stands in its list"
said stderr "names.yaml:7:116: task 'Look'.settings.discover.credentials: " "a credential"
said stderr "names.yaml:8:86: task 'Send'.settings.source: " "a book"
rc 0 "batches, discoveries and distributions" apply -f "$D/more.yaml" --yes
rc 0 "are as they were said" apply -f "$D/more.yaml" --dry-run
sed 's/b-snmp, a-snmp/a-snmp, b-snmp/' "$D/more.yaml" >"$D/order.yaml"
rc 2 "another order of credentials is another one" apply -f "$D/order.yaml" --dry-run
rc 0 "they are exported" export -o "$D/copy/more.yaml"
is "$(sed -n '/^tasks:/,/^windows:/p' "$D/copy/more.yaml" | grep -cE '^ +- ("?Z probe|Nightly|b-snmp|a-snmp|B probe)|source: Sales')" 6 "by name"
stack_psql "$D" -c "truncate fleet.site, fleet.device, fleet.device_group, fleet.credential, sched.time_window, sched.dist_set cascade; delete from sched.task where not built_in" >/dev/null 2>&1
cp "$D/secrets/snmp.json" "$D/copy/secrets/a-snmp.json"
cp "$D/secrets/snmp.json" "$D/copy/secrets/b-snmp.json"
rc 0 "applied to an empty system" apply -f "$D/copy/more.yaml" --yes
rc 0 "and exported" export -o "$D/again.yaml"
check "they are the same, byte for byte" cmp "$D/copy/more.yaml" "$D/again.yaml"

# ---- somebody else between the plan and the first change: the plan waits for a secret, which comes through a pipe
waits() { ls -l "/proc/$applying/fd" 2>/dev/null | grep -qF "$D/pipe"; }
race() { # WHAT SECTION ITEM METHOD PATH BODY: ours against theirs
	rm -f "$D/pipe" && mkfifo "$D/pipe"
	printf '%s\n' 'credentials:' "  - {name: of-$1, kind: user_auth, range: 10.9.0.0/2$((races += 1)), secret_file: pipe}" "$2:" "  - $3" >"$D/race.yaml"
	"$B/bin/carnet" apply -f "$D/race.yaml" --yes >"$D/stdout" 2>"$D/stderr" &
	applying=$!
	exec 9<>"$D/pipe" # nobody hangs here, whatever becomes of the plan
	within 60 waits || not_ok "a plan waits for its secret"
	is "$(ask -X "$4" -d "$6" "$api/$5")" 200 "somebody changes the $1"
	echo '{"user": "u", "password": "printer-secret"}' >&9
	exec 9>&-
	wait $applying
	is $? 4 "the $1 is refused, as it was planned on another version (FL-70)"
	said stderr "apply again for the rest" "with what to do"
}
races=0
race device devices '{name: lobby, model: ours, labels: {floor: "4"}}' PATCH devices/lobby '{"model":"theirs"}'
is "$(carnet device get lobby --json | jq -r '[.model, (.labels[] | select(.key == "floor").value)] | join(" ")')" "theirs 3" "theirs stays, of ours there is nothing"
race group groups '{name: Third, devices: [lobby]}' POST groups/Third/members '{"add_devices":["=cmd"]}'
is "$(carnet group members Third --json | jq -r '[.items[].name] | sort | join(" ")')" "=cmd desk lobby" "their member stays"
race task tasks '{name: Nightly, retry: {errors_max: 7}}' PATCH tasks/Nightly '{"retry":{"errors_max":5}}'
is "$(carnet task get Nightly --json | jq -c .retry.errors_max)" 5 "their setting stays"
rc 0 "applied again" apply -f "$D/race.yaml" --yes
is "$(carnet task get Nightly --json | jq -c .retry.errors_max)" 7 "it is as the file says"

# ---- names of printers are free
printf '%s\n' 'devices:' '  - {name: twin, vendor: ricoh, family: ipp, serial: T1, address: 10.2.0.1}' '  - {name: twin, vendor: ricoh, family: ipp, serial: T2, address: 10.2.0.2}' >"$D/twins.yaml"
rc 0 "two printers of one name" apply -f "$D/twins.yaml" --yes
rc 0 "are two" apply -f "$D/twins.yaml" --dry-run
sed -i 's/10.2.0.2/10.2.0.22/' "$D/twins.yaml"
rc 0 "one of them moves" apply -f "$D/twins.yaml" --yes
is "$(carnet device list --filter "name = 'twin'" --json | jq -c '[.items[] | [.serial, .address]] | sort')" '[["T1","10.2.0.1"],["T2","10.2.0.22"]]' "and it is the right one"
rc 0 "they are exported" export -o "$D/twins.all.yaml"
rc 0 "and what is exported is so" apply -f "$D/twins.all.yaml" --dry-run
printf '%s\n' 'devices:' '  - {name: twin, address: 10.2.0.3}' 'groups:' '  - {name: Twins, kind: static, devices: [lobby, twin]}' >"$D/which.yaml"
rc 1 "but which one is meant has to be said" apply -f "$D/which.yaml" --yes
said stderr "which.yaml:2:12: device 'twin'.name: " "where it is described"
said stderr "which.yaml:4:50: group 'Twins'.devices: " "and where it is named"
twins=$(carnet device list --filter "name = 'twin'" --json | jq -r '[.items[].id] | join(",")')
rc 0 "a group has both" group create --name Both --kind static
rc 0 "by id" group add Both --add-devices "$twins"
rc 4 "a file could not name them" export
said stderr "group 'Both': devices: several devices are called 'twin'" "and it says where"
printf '%s\n' 'groups:' '  - {name: Both, kind: static, devices: [lobby]}' >"$D/both.yaml"
rc 0 "a file takes them out" apply -f "$D/both.yaml" --yes
rc 0 "and all can be written again" export
printf '%s\n' 'devices:' '  - {name: t, family: ipp, address: 10.2.0.8}' '  - {name: t, family: ipp, address: 10.2.0.9}' >"$D/which.yaml"
rc 1 "two of one name without a serial number are one too many" apply -f "$D/which.yaml" --yes

# ---- what a file does not mention stays, what it mentions is so
printf '%s\n' 'credentials:' '  - {name: lyon, kind: user_auth, site: Lyon, position: 3}' >"$D/part.yaml"
rc 0 "a credential gets a position" apply -f "$D/part.yaml" --yes
printf '%s\n' 'credentials:' '  - {name: lyon, site: 日本}' >"$D/part.yaml"
rc 0 "its binding alone is changed" apply -f "$D/part.yaml" --yes
cred_is() { carnet cred list --json | jq -c '.items[] | select(.name == "lyon") | [.kind, .site, .position, .set]'; }
is "$(cred_is)" '["user_auth","日本",3,true]' "kind, position and secret are as they were"
printf '%s\n' 'credentials:' '  - {name: lyon, position: 4}' >"$D/part.yaml"
rc 0 "its position alone" apply -f "$D/part.yaml" --yes
is "$(cred_is)" '["user_auth","日本",4,true]' "and nothing else"
printf '%s\n' 'credentials:' '  - {name: lyon, range: 10.0.0.0/8}' >"$D/part.yaml"
rc 0 "another kind of binding" apply -f "$D/part.yaml" --yes
is "$(carnet cred list --json | jq -c '.items[] | select(.name == "lyon") | [.site // "", .range]')" '["","10.0.0.0/8"]' "takes the place of the former"
printf '%s\n' 'devices:' '  - {name: lobby, site: 日本, time_zone: Europe/Paris}' >"$D/part.yaml"
rc 0 "a printer moves and keeps its zone" apply -f "$D/part.yaml" --yes
is "$(carnet device get lobby --json | jq -r '[.site, .time_zone] | join(" ")')" "日本 Europe/Paris" "which was that of the site where it stood"
rc 0 "nothing more to do" apply -f "$D/part.yaml" --dry-run
rc 0 "taken away in an order that works" apply -f - --yes --prune <<<'{"sites": [], "devices": [], "groups": [], "credentials": [], "tasks": [], "windows": [], "distribution_sets": []}'
rc 0 "nothing" export --format json
built_in=$(carnet task list --filter "built_in = true" --json | jq -c '[.items[].name] | sort')
is "$(jq -c '[keys, (.tasks | map(.name) | sort)]' "$D/stdout")" "[[\"carnet\",\"tasks\"],$built_in]" "is left but what is built in"
# ---- more than one page of everything
stack_psql "$D" -q -c "insert into fleet.device (id, name, family, address, serial) select sched.uuid7(), 'd' || n, 'ipp', '10.3.' || n / 250 || '.' || n % 250, 's' || n from generate_series(1, 2010) n;
	insert into fleet.device_group (id, name, kind) select sched.uuid7(), 'g' || n, 1 from generate_series(1, 1010) n;
	insert into fleet.group_device (grp, device) select g.id, d.id from fleet.device_group g, fleet.device d where g.name = 'g7' and d.state <> 5;
	insert into sched.task (id, name, kind, schedule, targets, settings, retry)
	select sched.uuid7(), 't' || n, 'device.probe', '{\"form\":\"manual\"}', '{\"all\":true}', '{}', '{}' from generate_series(1, 1010) n" || not_ok "a large fleet"
rc 0 "a large fleet is exported" export --format json -o "$D/large.json"
is "$(jq -c '[(.devices | length), (.groups | length), ([.tasks[] | select(.name | test("^t[0-9]"))] | length), ([.groups[] | select(.name == "g7")][0].devices | length)]' "$D/large.json")" \
	"[2010,1010,1010,2010]" "all of it"
rc 0 "and is as it is" apply -f "$D/large.json" --dry-run
grep -rqE 'printer-secret|book-password' "$D/log" && leaked=yes || leaked=no
is "$leaked" no "no secret in the logs"
done_testing
