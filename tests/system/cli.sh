#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The tour of README.md with `carnet` against all services and 30 simulated printers: verbs, tables, JSON, exit codes.
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. deploy/local/stack.sh
. tests/lib/system.sh
B=${B:-build}
D=$(mktemp -d /tmp/ccl.XXXXXX)
E=$(mktemp -d /tmp/ccl-exim.XXXXXX)
trap 'tests/lib/exim stop "$E"; rm -rf "$E"; system_end' EXIT
STACK_COUNT=30 STACK_BASE=127.40.0.0 STACK_DURABLE=0
STACK_INSTANCES="simulator:1 lock:1 storage:1 sync:1 scheduler:1 worker:1 gateway:1"
export CARNET_VAULT_NETWORKS=127.0.0.1 # the mail server
system_up '.faults = {unreachable: 1, wrong_password: 1, unsupported: 1, receive_restricted: 1} | .latency = {login_ms: 5, page_ms: 5, export_ms: 20}'
export LC_ALL=C.UTF-8
c() { "$B/bin/carnet" "$@" 2>"$D/stderr"; }
rc() { # WANTED TEXT COMMAND…: the exit code
	local wanted=$1 text=$2
	shift 2
	c "$@" >"$D/stdout"
	is $? "$wanted" "$text"
	[ "$tap_bad" -eq 0 ] || sed "s/^/# /" "$D/stderr" "$D/stdout" | head -n 40
}

rc 5 "without the token file: not authorised, said at once" device list
rc 0 "setup makes the first administrator and a token" setup --setup-token-file "$D/run/setup-token" --password-file "$D/run/admin" --token-out "$D/run/token"
is "$(stat -c %a "$D/run/token")" 600 "the token file is for its owner alone"
rc 0 "a fleet file is imported" device import "$D/run/map.json"
rc 0 "and imported again" device import "$D/run/map.json"
is "$(cut -d, -f1-2 "$D/stdout")" "0 enrolled, 30 updated" "the second time nothing is new"
rc 0 "devices are listed by filter" device list --filter "type = 'I' and site = 'lyon'" --json
check "and only those" jq -e '.items | length > 0 and all(.type == "I" and .site == "lyon")' "$D/stdout"
rc 1 "a filter that makes no sense says where" device list --filter "site = = 'x'"
check "with the place" grep -q "column" "$D/stderr"
rc 0 "a device is added" device add --name lobby --vendor canon --family canon_rui --serial TOUR-1 --address 127.0.0.2 --ports http=8000 --simulated true --clear_text true --labels floor=3
rc 4 "the same serial number again is a conflict" device add --name other --vendor canon --family canon_rui --serial TOUR-1 --address 127.0.0.3
rc 0 "a group is created" group create --name Tour --kind static
rc 0 "and filled" group add Tour --add-devices lobby
rc 0 "groups nest" group create --name Outer --kind static
rc 0 "groups in groups" group add Outer --add-groups Tour
rc 4 "but not in a circle" group add Tour --add-groups Outer
check "and it says so" grep -qi "circle\|cycle\|itself" "$D/stderr"
rc 64 "a task needs its printers" task create none --password-file "$D/run/book"
rc 0 "a task is created" task create "Tour backup" --group Tour --every 15m --password-file "$D/run/book"
check "with the sentence about later members (FL-23)" test -s "$D/stderr"
rc 0 "what a task keeps is no password" task get "Tour backup" --json
check "only that there is one" jq -e '.settings.password_set == true and (.settings | has("password_sealed") | not)' "$D/stdout"
rc 0 "its next firings" task next "Tour backup" --json
rc 0 "when a schedule would fire" task when --every 12mo --on last-sun --date 2027-03-01 --at 02:30 --zone Europe/Paris --times 4 --json
is "$(jq -c '[(.items | length), ([.items[] | [.fit, .offset]] | unique), (.items | last | .local)]' "$D/stdout")" '[4,[["gap",7200]],"2030-03-31T02:30"]' "a time that does not exist is said to be one (FL-29)"
rc 64 "days of the week go with weeks" task when --every 2d --on mon --at 02:30 --zone UTC
rc 1 "the 30th of February never comes" task when --every 12mo --on 30 --date 2027-02-01 --at 02:30 --zone UTC
rc 0 "and at each target's own time (FL-30)" task when --every 1d --at 02:30 --zone target --jitter 10m --json
rc 0 "an execution window" window create Nights --group Tour --open fri-sat=22:00-06:00 --open 01:00-02:00 --closed 2030-12-25 --open-on 2030-12-24=08:00-10:00 --min-left 5m --zone UTC --json
is "$(jq -c '[.open[0].weekdays, .min_left_ms, (.exceptions | length), (.groups | length)]' "$D/stdout")" '[[5,6],300000,2,1]' "as it was said"
rc 64 "hours are from - to" window set Nights --open fri=22:00
rc 0 "when jobs may start on a printer" window when lobby --after 2030-12-24T00:00:00Z --limit 3 --json
is "$(jq -r '[.items[].from] | join(" ")' "$D/stdout" | tr -d '\n' | sed 's/\.000//g')" "2030-12-24T08:00:00Z 2030-12-26T01:00:00Z 2030-12-27T01:00:00Z" "with its exceptions (FL-37)"
rc 0 "windows are listed" window list
rc 0 "and taken away" window delete Nights
rc 0 "a task over the fleet" task create Fleet --all --errors-max 2 --password-file "$D/run/book"

rc 3 "a run with faults is partial" task run Fleet
check "outcomes are grouped with their cause" grep -q "auth_refused" "$D/stdout"
run=$(c run list --task Fleet --json | jq -r '.items[0].id')
rc 0 "targets in one row each" run targets "$run" --json
is "$(jq '.items | length' "$D/stdout")" "$(c run get "$run" --json | jq .counts.total)" "as many as the run counts"
bad=$(jq -r '.items[] | select(.state == "failed") | .cause' "$D/stdout" | sort | tr '\n' ' ')
is "$bad" "auth_refused receive_restricted unreachable unreachable " "each failure has its own cause"
rc 64 "a rerun names its states (FL-62)" run rerun "$run"
rc 1 "a rerun of what failed fails again" run rerun "$run" --state failed --cause receive_restricted
rc 0 "only those were run" run list --task Fleet --json
is "$(jq '.items[0].counts.total' "$D/stdout")" 1 "one target"
is "$(jq -r '.items[0].rerun_of' "$D/stdout")" "$run" "of that run"
job=$(c run targets "$run" --json | jq -r '[.items[] | select(.state == "succeeded")][0].job')
rc 0 "a job's transitions" job transitions "$job" --json
is "$(jq -r '[.items[].to] | join(" ")' "$D/stdout")" "claimed running storing succeeded" "from claim to success"

rc 0 "what printers can do is checked by a task (FL-10)" task create Check --kind device.check_ab --all --errors-max 2
rc 3 "and its run is partial, too" task run Check
c run targets "$(c run list --task Check --json | jq -r '.items[0].id')" --json >"$D/checked"
is "$(jq -r '[.items[] | "\(.state) \(.cause // .reason)"] | group_by(.) | map("\(.[0]) \(length)") | join(", ")' "$D/checked")" \
	"failed auth_refused 1, failed receive_restricted 1, failed unreachable 2, succeeded not_supported 1, succeeded supported 26" \
	"that it ran is one thing, what it found another (FL-11)"
is "$(c device list --json | jq -r '[.items[] | .capabilities // [] | .[] | select(.name == "ab.read") | .result] | group_by(.) | map("\(.[0]) \(length)") | join(", ")')" \
	"no 1, yes 26" "and stands with each printer"

# of the same printers in each run, with entries to change, and not too many for a mail
mapfile -t printers < <(c run targets "$run" --json | jq -r '[.items[] | select(.state == "succeeded" and .type == "I" and .entries < 300)] | sort_by([-.entries, .device_name])[] | .device_name')
name=${printers[0]}
rc 0 "versions of a device" version list "$name" --json
version=$(jq -r '.items[0].id' "$D/stdout")
is "$(jq '.items | length' "$D/stdout")" 1 "one, as it was backed up once"
rc 0 "its items" version show "$version" --json
item=$(jq -r '[.items[] | select(.role == "native")][0].name' "$D/stdout")
rc 0 "an item as the device gave it" version export "$version" --item "$item" -o "$D/list.abk"
check "is text of a Canon address book" grep -q "^# Canon AddressBook" "$D/list.abk"
rc 1 "an existing file is not overwritten" version export "$version" --item "$item" -o "$D/list.abk"
rc 0 "all of it in one file" version export "$version" --format bundle -o "$D/all.carnet.zip"
unzip -q -d "$D/all" "$D/all.carnet.zip"
c version show "$version" --json | jq -r '.items[] | select(.role == "native") | .name + ".abk"' | sort >"$D/natives"
check "with every list as the device gave it" diff "$D/natives" <(ls "$D"/all/*/native)
check "byte for byte" cmp "$D/list.abk" "$(echo "$D"/all/*/native/"$item".abk)"
rc 0 "its book" version show "$version" --json
check "with lists and entries in canonical fields" jq -e '.book.family == "canon" and (.book.lists | length) > 0 and (.book.entries | length) == .entries and .book.wrong == 0' "$D/stdout"
check "and without any password" jq -e '[.. | .secrets? // empty | .[] | .value] | all(. == "clear" or . == "encrypted" or . == "withheld" or . == "unknown")' "$D/stdout"
rc 0 "its book as a table" version show "$name"
check "has its lists" grep -q '^LIST ' "$D/stdout"

# Another printer's book is changed: compared, and found everywhere.
name2=${printers[1]}
serial2=$(c device get "$name2" --json | jq -r .serial)
item2=$(c version show "$name2" --json | jq -r '[.items[] | select(.role == "native")][0].name')
curl -sf --unix-socket "$D/run/control.sock" -X POST "http://localhost/devices/$serial2/edit" -d "{\"item\":\"$item2\",\"name\":\"Zephyrine Quux\"}" >/dev/null
c task run Fleet >/dev/null
tries=0
rc 2 "two generations differ" version diff "$name2@1" "$name2@2"
check "by that entry" grep -q "Zephyrine Quux" "$D/stdout"
rc 2 "as JSON, too" version diff "$name2@1" "$name2" --json
is "$(jq '.added + .changed + .removed' "$D/stdout")" 1 "one entry"
until c version show "$name2@2" --json >"$D/stdout" && [ "$(jq -r .index.state "$D/stdout")" = indexed ] || [ $((tries += 1)) -gt 100 ]; do sleep 0.1; done
is "$(jq -r '.index.opened' "$D/stdout")" 1 "and the index wrote that entry alone"
rc 0 "a version does not differ from itself" version diff "$name2@2" "$name2@2"
rc 1 "there is no generation 9" version diff "$name2@1" "$name2@9"
until c search quux zephyrine --json >"$D/found" && [ "$(jq '.items | length' "$D/found")" -gt 0 ] || [ $((tries += 1)) -gt 100 ]; do sleep 0.1; done
is "$(jq -r '[.items[] | "\(.device_name) \(.name) \(.since_generation)"] | join(";")' "$D/found")" "$name2 Zephyrine Quux 2" "a search over the fleet says where it stands, since when"
rc 0 "as it was before" search zephyrine --at "$(c version list "$name2" --json | jq -r '.items[1].committed_at')" --json
is "$(jq '.items | length' "$D/stdout")" 0 "it stood nowhere"
entry=$(c search --kind fax --limit 1 --json | jq -c '.items[0]')
digits=$(jq -r '.entry.values[] | select(.name == "fax.fax_number") | .value | gsub("[^0-9]"; "") | .[-7:]' <<<"$entry")
rc 0 "where does this fax number stand?" search "$digits" --kind fax --device "$(jq -r .device_name <<<"$entry")" --json
check "there, with its list and place" jq -e --argjson e "$entry" '.items | any(.list == $e.list and .number == $e.number and .since == $e.since)' "$D/stdout"
rc 0 "a table of them" search "$digits"
check "for people" grep -q "^DEVICE .*SINCE" "$D/stdout"
rc 1 "a kind that is none" search x --kind telex
rc 64 "a flag that is none" search x --knid fax

# What is written is planned first, applied as it was shown, and put back on request.
edit() { control POST "/devices/$(c device get "$1" --json | jq -r .serial)/edit" -d "{\"item\":\"$2\",\"name\":\"$3\"}" >/dev/null; }
all=losses,secrets,hazards,not_restorable
edit "$name" "$item" "Overwritten by hand"
rc 2 "a plan of a restore shows changes" plan restore "$name@latest" --json
plan=$(jq -r .run.id "$D/stdout")
is "$(jq -r '.run | "\(.phase) \(.state) \(.totals.devices) \(.totals.change)"' "$D/stdout")" "plan awaiting_approval 1 1" "one entry of one printer, and it waits"
rc 0 "everything about one printer" plan show "$plan" --device "$name" --json
check "the entry by name" jq -e '.plan.changes | any(.before == "Overwritten by hand")' "$D/stdout"
rc 0 "as a table" plan show "$plan"
check "with the command that applies it" grep -q "carnet apply $plan" "$D/stdout"
rc 64 "nobody is asked where nobody sits" apply "$plan" --accept $all </dev/null
rc 4 "what has to be accepted is said first" apply "$plan" --yes
check "by its words" grep -q -- "--accept secrets" "$D/stderr"
c token create --name ops --role operator --json | jq -r .token >"$D/ops"
rc 5 "an operator may plan but not apply" apply "$plan" --yes --accept $all --token-file "$D/ops"
rc 0 "it is applied" apply "$plan" --yes --accept $all
check "and proven by reading back" grep -q "^succeeded .*verified" "$D/stdout"
rc 0 "a second time it is only watched" apply "$plan" --yes --accept $all
rc 0 "now there is nothing to change" plan restore "$name@latest"
rc 64 "to another printer the mode must be said (AB-36)" plan restore "$name@latest" --to "$name2"
rc 2 "said, it is planned" plan restore "$name@latest" --to "$name2" --mode merge --accept language --reason "a test"
rc 1 "a version of a day before there was any" plan restore "$name@2001-01-01"
newest=$(c version show "$name2" --json | jq -r .generation)
rc 2 "two versions ago, by one step" plan restore "$name2@-$((newest - 1))" --json
rc 0 "history has the task" task get "$(jq -r .run.task "$D/stdout")" --json
is "$(jq -r '"\(.kind) \(.schedule.form)"' "$D/stdout")" "ab.restore manual" "like any other"
rc 2 "today's newest is today's" plan restore "$name2@1" --to "$name2" --json
stale=$(jq -r .run.id "$D/stdout")
edit "$name2" "$item2" "Changed meanwhile"
rc 1 "a stale plan is not written" apply "$stale" --yes --accept $all
check "and called so" grep -q plan_stale "$D/stdout"

cp tests/golden/book/canon_csv/office.csv "$D/office.csv"
c group create --name Pair --kind static >/dev/null && c group add Pair --add-devices "$name,$name2" >/dev/null
rc 2 "a file is imported into a group" plan import "$D/office.csv" --to Pair --map list_1=1 --waves 1 --json
plan=$(jq -r .run.id "$D/stdout")
is "$(jq -r '.run.totals.devices' "$D/stdout")" 2 "two printers change"
rc 0 "with a time to think" apply "$plan" --yes --accept $all --confirm-within 10m --json
applied=$(jq -r .id "$D/stdout")
check "until then it can go back by itself" jq -e '.confirm_until != null and .wave == 2 and .state == "succeeded"' "$D/stdout"
rc 0 "it is confirmed" confirm "$applied"
rc 0 "and put back all the same" revert "$applied"
check "on both" grep -q "^succeeded *2" "$D/stdout"
rc 0 "what was there before is there again" plan restore "$name@latest"
rc 64 "a slot without a list" plan import "$D/office.csv" --to Pair --map list_1
rc 1 "a file that is none" plan import "$D/run/admin" --to Pair
rc 0 "in one step" restore "$name2@1" --yes --accept $all
rc 0 "there is nothing left to do" restore "$name2@1" --yes --accept $all

rc 0 "the original's path: a backup as a file" version export "$name@latest" --item "$item" -o "$D/path.abk"
rc 0 "into the destination list" destinations import "$D/path.abk" --join --json
keys=$(c destinations list --json | jq -r '[.entries[] | select(.group | not) | .key][0:3] | join(",")')
rc 0 "a distribution book" dist-book create Tour --list "Tour=$keys"
rc 0 "a set" dist-set create TourSet --book Tour --map "$item2=Tour" --to "$name2"
rc 2 "a distribution is planned" plan distribute TourSet --json
plan=$(jq -r .run.id "$D/stdout")
rc 0 "and applied" apply "$plan" --yes --accept $all
rc 0 "what was distributed is there" plan distribute TourSet
rc 0 "nor without a set" plan distribute --book Tour --map "$item2=Tour" --to "$name2"
two=$(c device list --filter "type = 'II'" --json | jq -r '[.items[] | select(.last_state == "succeeded" or .last_state == "unchanged")][0].name // empty')
[ -z "$two" ] || rc 1 "a Type II machine needs the encryption password" plan restore "$two@latest"
[ -z "$two" ] || rc 0 "given, there is nothing to change" plan restore "$two@latest" --password-file "$D/run/book"
rc 1 "a family without deliveries takes none" deliver "$D/office.csv" --to "$name"
rc 1 "settings that are no version" plan settings "$name@latest"
rc 4 "a version cannot be distributed (AB-33)" plan distribute "$name@latest"

rc 0 "a version is verified from the medium" version verify "$version"
if [ -e var/peers/usr/sbin/exim4 ]; then
	tests/lib/exim make "$E" && tests/lib/exim start "$E" || not_ok "a mail server starts"
	echo pass >"$D/run/relay" && echo "agreed by telephone" >"$D/run/agreed" && chmod 600 "$D/run/agreed"
	letter=(--to anna@example.com --who "Anna Smith, desk 4711" --why "printer replaced" --description $'we replace it\nfor the shop\nuntil Friday')
	rc 4 "no mail without a server (ST-54)" version mail "$version" "${letter[@]}" --password-file "$D/run/agreed"
	rc 0 "a mail server that takes a test mail" vault add --name post --place "smtps://127.0.0.1:$(cat "$E/smtps")" --pin "$(cat "$E/pin")" --account carnet --password-file "$D/run/relay" --sender carnet@example.com --recipients anna@example.com
	rc 0 "a version goes to whom it allows" version mail "$version" "${letter[@]}" --password-file "$D/run/agreed"
	check "and is sent" within 30 sh -c "'$B/bin/carnet' mail list --json | jq -e '.items[0].state == \"sent\"'"
	is "$(c quota show --json | jq .mails_used)" 1 "one of those of the day"
	rc 5 "an operator sends none" version mail "$version" "${letter[@]}" --password-file "$D/run/agreed" --token-file "$D/ops"
	check "it arrives" within 20 grep -q cnmail "$E/box"
	sed -n '/filename=/,$p' "$E/box" | sed '1,/^$/d; /^--/,$d' | base64 -d >"$D/a.cnmail"
	check "and the password opens it" "$B/bin/carnet-verify" open "$D/a.cnmail" --passphrase-file "$D/run/agreed" --to "$D/opened"
	check "to what the printer gave" cmp "$D/opened/$item" "$D/list.abk"
fi
find "$D/vault/objects" -type f -size +0 -print0 | sort -z | head -z -n 1000 | while IFS= read -r -d '' f; do
	chmod u+w "$f" && printf X | dd of="$f" bs=1 seek=200 conv=notrunc status=none
done
rc 1 "a flipped byte is found" version verify "$version"
rc 2 "status warns of the vault on the system disk" status
rc 0 "vaults" vault list
rc 0 "locks" lock list
rc 0 "may an export start" lock explain "$name" --op export --json
rc 0 "sync groups" sync create --name S1
rc 0 "members and states" sync set S1 "$(c device get "$name" --json | jq -r .id)" --role server --state stopped --device_name "$name"
rc 0 "shown" sync show S1 --json
is "$(jq -r '.items[0].role' "$D/stdout")" server "with their roles"
rc 0 "suspended" device suspend "$name"
rc 0 "resumed" device resume "$name"
rc 0 "a cause explained, in Japanese, offline" --server http://127.0.0.1:1 explain device_busy --lang ja
rc 1 "an unknown cause" explain CN-1
rc 64 "an unknown flag" device list --nonsense x
rc 64 "a word too many" task run a b
rc 75 "no server there: try later" --server http://127.0.0.1:1 --timeout 2 device list
c completion bash >"$D/completion"
is "$(bash -c '. "$1"; COMP_WORDS=(carnet ver); COMP_CWORD=1; _carnet; echo "${COMPREPLY[*]}"' _ "$D/completion")" version "bash completes nouns"
is "$(bash -c '. "$1"; COMP_WORDS=(carnet run re); COMP_CWORD=2; _carnet; echo "${COMPREPLY[*]}"' _ "$D/completion")" rerun "and verbs"
printf '{"devices":[{"name":"evil\\u001b[31m\\u202e","vendor":"x","family":"snmp","serial":"E-1","address":"127.0.0.9"}]}' >"$D/evil.json"
c device import "$D/evil.json" >/dev/null
check "control and bidi characters are shown escaped (SE-29)" sh -c "! '$B/bin/carnet' device list --filter \"vendor = 'x'\" | grep -qP '\\x1b|\\x{202e}'"
is "$(c device list --filter "site = 'kyoto'" | awk 'NR > 1' | wc -l)" "$(c device list --filter "site = 'kyoto'" --json | jq '.items | length')" "tables and JSON agree"

# A changed entry makes one more version, an unchanged book none.
c task run Fleet >/dev/null
before=$(c version list "$name" --kind address_book --json | jq '.items | length')
serial=$(c device get "$name" --json | jq -r .serial)
control POST "/devices/$serial/edit" -d "{\"item\":\"$item\",\"name\":\"Changed\"}" >/dev/null
c task run Fleet >/dev/null
is "$(c version list "$name" --kind address_book --json | jq '.items | length')" $((before + 1)) "an edited book makes one more generation"
is "$(c run list --task Fleet --json | jq '.items[0].versions')" 1 "and no other printer makes one"
is "$(cat "$D"/log/*/current | grep -c -e book-password-1 -e 'a password for the administrator' -e "$(cat "$D/run/token")")" 0 "no secret in any log"

version=$(c version list "$name" --json | jq -r ".items[0].id") # its objects were written anew
# Every page of REST answers with members that its OpenAPI document knows.
openapi=$(curl -s -m 30 --unix-socket "$D/run/rest.sock" http://localhost/openapi.json)
wrong=
for path in $(jq -r '.paths | to_entries[] | select(.value.get and (.key | contains("{") | not) and (.key | endswith("/events") | not)) | .key' <<<"$openapi"); do
	case $path in /search) query='?q=a' ;; /diff) query="?a=$version&b=$version" ;; /versions:at) query="?kind=address_book&device=$(c device get "$name" --json | jq -r .id)" ;; *) query= ;; esac
	answer=$(curl -s -m 30 --unix-socket "$D/run/rest.sock" -H "Authorization: Bearer $(cat "$D/run/token")" "http://localhost/api/v1$path$query")
	wrong+=$(jq -r --arg path "$path" --argjson answer "$answer" '
		def schema: if has("$ref") then .["$ref"] | split("/")[-1] else null end;
		. as $doc | .paths[$path].get.responses["200"].content["application/json"].schema | schema as $name
		| $doc.components.schemas[$name] as $s
		| ($answer | keys) - ($s.properties | keys) | if length > 0 then "\($path): \(.)" else empty end' <<<"$openapi")
done
is "$wrong" "" "the OpenAPI document knows every member that REST answers"
system_finish
