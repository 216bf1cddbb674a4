#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Files that people upload: read to their end before they are kept, each kind of bad input its own clear refusal.
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. deploy/local/stack.sh
B=${B:-build}
D=$(mktemp -d /tmp/cfl.XXXXXX)
trap 'stack_down "$D"; rm -rf "$D"' EXIT
STACK_INSTANCES="gateway:1 lock:1 scheduler:1 storage:1 sync:1" STACK_DURABLE=0 STACK_REST=unix:$D/rest.sock stack_make "$D" "$B"
mkdir -p "$D/log"
stack_database "$D" >/dev/null && stack_up "$D" && stack_ready "$D" 30 || { not_ok "the gateway starts"; done_testing; exit; }
until [ -s "$D/run/setup-token" ]; do sleep 0.05; done
export CARNET_SERVER=unix:$D/rest.sock CARNET_TOKEN_FILE=$D/token
echo "a password for the administrator" >"$D/admin"
carnet() { "$B/bin/carnet" "$@" 2>"$D/stderr"; }
carnet setup --setup-token-file "$D/run/setup-token" --password-file "$D/admin" --token-out "$D/token"
for role in viewer operator; do carnet token create --name $role --role $role --json | jq -r .token >"$D/$role"; done

# NAME FILE [curl options…] → $status and $body
upload() {
	local token=$D/${as:-operator}
	body=$(curl -s -m 120 --unix-socket "$D/rest.sock" -X POST -o - -w '\n%{http_code}' -H "Authorization: Bearer $(cat "$token" 2>/dev/null)" \
		-H 'Content-Type: application/octet-stream' "http://localhost/api/v1/files?name=$1" --data-binary "@$2" "${@:3}" 2>/dev/null)
	status=${body##*$'\n'} body=${body%$'\n'*}
}
field() { jq -r "$1" <<<"$body"; }
kept() { stack_psql "$D" -c "select count(*) from store.version where kind = 'file' and state = 'committed'"; }
objects() { find "$D/vault/objects" "$D/vault/tmp" -type f 2>/dev/null | wc -l; }
refused() { # STATUS REASON TEXT: and nothing of it is kept
	is "$status $(field .reason)" "$1 $2" "$3"
	is "$(kept) $(objects)" "$before" "… and nothing is kept"
}

canon=tests/golden/book/canon_csv/office.csv
secret=$(carnet book show "$canon" --json --reveal-secrets | jq -r '[.. | objects | .secret? | objects | .text? // empty][0]')
check "a password is in it" test -n "$secret"
upload office.csv "$canon"
is "$status" 201 "an address book is taken by an operator"
is "$(field .format)" canon_csv "recognised by its content"
is "$(field .family)" canon "with its family"
check "its lists and entries are told" jq -e '.entries > 0 and (.lists | length) > 0 and ([.lists[].entries] | add) == .entries' <<<"$body"
id=$(field .id)
is "$(field '[.kind, .device_name, (.token // 0 | tostring)] | join(" ")')" "file office.csv 0" "it is a version of kind file, without a device or a lock"
carnet file list --json >"$D/list"
is "$(jq -r '.items[] | .id' "$D/list")" "$id" "it is in the list of files"
carnet version list --kind address_book --json >"$D/list"
is "$(jq '.items | length' "$D/list")" 0 "and among no device's backups"
carnet file show "$id" --json >"$D/show"
check "shown like any version" jq -e '.book.family == "canon" and (.book.entries | length) == .entries' "$D/show"
carnet version export "$id" -o "$D/back.csv"
check "byte for byte what was sent" cmp "$canon" "$D/back.csv"
sleep 0.3
is "$(stack_psql "$D" -c "select count(*) from store.book_presence")" 0 "no search over the fleet finds what only a file says"

upload office.csv "$canon" -H "Idempotency-Key: once"
first=$(field .id)
upload office.csv "$canon" -H "Idempotency-Key: once"
is "$status $(field .id)" "201 $first" "the same key twice is one file"
before="$(kept) $(objects)"

as=viewer upload x.csv "$canon"
refused 403 role "a viewer may not upload"
as=nobody upload x.csv "$canon"
is "$status" 401 "nobody may without a token"
upload "" "$canon"
refused 422 name "a file needs a name"
: >"$D/empty"
upload empty.csv "$D/empty"
refused 422 empty "an empty file is no address book"
head -c 3000 /dev/urandom >"$D/noise"
upload noise.bin "$D/noise"
check "bytes of no known format are refused" test "$status" = 422
is "$(kept) $(objects)" "$before" "… and nothing is kept"
head -c 5000000 /dev/zero | gzip -9 >"$D/bomb.gz"
upload bomb.csv "$D/bomb.gz"
refused 422 opaque "a packed file is never unpacked"
{
	printf '<?xml version="1.0"?>\n<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>\n'
	sed '1s/^.*?>//' tests/golden/book/kyocera_xml/pretty.xml
} >"$D/dtd.xml"
upload dtd.xml "$D/dtd.xml"
check "a DTD is refused ($(field .reason))" test "$status" = 422
check "… with its place" grep -qi "line\|DOCTYPE\|dtd" <<<"$body"
is "$(kept) $(objects)" "$before" "… and nothing is kept"
sed 's/^\(.*mail.*\)$/\1\xff\xfe/' "$canon" >"$D/charset.csv"
upload charset.csv "$D/charset.csv"
check "bytes that are not of the charset are refused ($status $(field .reason))" test "$status" = 422
check "… with line and column of each" jq -e '.faults | length > 0 and all(.line > 0)' <<<"$body"
is "$(kept) $(objects)" "$before" "… and nothing is kept"
carnet file add "$D/charset.csv"
is $? 1 "the command line says so, too"
check "… with a table of the places" grep -q . "$D/stderr"

head -c $((65 * 1024 * 1024)) /dev/zero >"$D/large"
upload large.bin "$D/large"
refused 413 too_long "65 MiB are refused before they are sent"
upload large.bin "$D/large" -H "Transfer-Encoding: chunked"
refused 413 too_long "… and also when their length is not said"
sleep 1
is "$(objects)" "${before#* }" "… and no piece of them stays"
head -c $((60 * 1024 * 1024)) /dev/zero >"$D/settings.dcm"
upload "settings.dcm&as=opaque" "$D/settings.dcm"
is "$status $(field .format)" "201 opaque" "what nobody shall look into is kept as it is, when asked"
before="$(kept) $(objects)"

# A sender that leaves in the middle.
timeout 5 curl -s --unix-socket "$D/rest.sock" -X POST -H "Authorization: Bearer $(cat "$D/operator")" "http://localhost/api/v1/files?name=cut.csv" --data-binary "@$D/settings.dcm" --limit-rate 1M -m 1 >/dev/null
for _ in $(seq 50); do [ "$(kept) $(objects)" = "$before" ] && break; sleep 0.2; done
is "$(kept) $(objects)" "$before" "a file that was cut short leaves nothing"
upload again.csv "$canon"
is "$status" 201 "and the next one is taken"
is "$(stack_psql "$D" -c "select count(*) from gate.audit where object = '/api/v1/files' and actor like 'token:operator %' and outcome = 'accepted'" | awk '{print ($1 > 5)}')" 1 "who uploaded stands in the audit trail"

# The original's path: a file into the destination list, a book of it, a set of printers.
rc() { # WANTED TEXT COMMAND…
	local wanted=$1 text=$2
	shift 2
	carnet "$@" >"$D/stdout"
	is $? "$wanted" "$text"
	[ "$tap_bad" -eq 0 ] || sed 's/^/# /' "$D/stderr"
}
rc 1 "there are no destinations yet" destinations list
check "said so" grep -q "import a file" "$D/stderr"
rc 1 "and no book can be made of none" dist-book create Early --list All=all
rc 0 "a dry run uploads no file" destinations import "$canon" --dry-run
check "it says that it would" grep -q "^POST /files?name=" "$D/stdout"
shown=$(carnet file add "$canon" --json | jq -r .id)
rc 0 "an import of an uploaded one is shown first" destinations import "$shown" --dry-run --json
n=$(jq .added "$D/stdout")
check "with its entries" jq -e '.added > 0 and (.items | length) == .added and .total == .added' "$D/stdout"
rc 1 "and nothing was saved" destinations list
rc 0 "a file is imported into the destination list" destinations import "$canon" --json
is "$(jq -r '"\(.added) \(.generation)"' "$D/stdout")" "$n 1" "all of it, as its first generation"
rc 0 "the same again, joined" destinations import "$canon" --join --json
is "$(jq -r '[.added, .joined, .total] | join(" ")' "$D/stdout")" "$(jq '[.items[] | select(.group or .kinds == null or (.kinds | length) == 0)] | length' <"$D/stdout") $(jq '.joined' "$D/stdout") $(jq '.total' "$D/stdout")" "what has no address comes again: nobody can be its twin"
check "each twin names the one that is there" jq -e '(.twins | length) == .joined and .joined > 0 and all(.twins[]; .key != "")' "$D/stdout"
rc 0 "the destination list" destinations list --json
keys=$(jq -r '[.entries[] | select(.group | not) | .key][0:2] | join(",")' "$D/stdout")
check "keys are unique" jq -e '[.entries[].key] | length == (unique | length)' "$D/stdout"
rc 0 "a book picks from it" dist-book create Ventes --list "Ventes=$keys" --one-touch Tous=all --json
is "$(jq -r '[.lists[] | "\(.name) \(.kind) \(.n)"] | join(";")' "$D/stdout" | cut -d';' -f1)" "Ventes address_list 2" "its lists, by name"
book=$(jq -r .id "$D/stdout") head=$(jq -r .version "$D/stdout")
rc 4 "a name is one book's" dist-book create Ventes --list X=all
rc 1 "a key that is not there is refused" dist-book create Other --list X=99999
check "and named" grep -q 99999 "$D/stderr"
rc 0 "saved anew" dist-book save Ventes --list "Ventes=${keys%,*}" --json
is "$(jq -r '[.id, .generation, .entries] | join(" ")' "$D/stdout")" "$book 2 1" "it is the next generation of the same book"
rc 0 "saved once more as it is" dist-book save Ventes --list "Ventes=${keys%,*}" --json
is "$(jq -r '.generation' "$D/stdout")" 2 "nothing new"
rc 0 "the list of books" dist-book list --json
check "without the destination list" jq -e '[.items[].name] | contains(["Ventes"]) and all(. != "destination list")' "$D/stdout"
rc 0 "one book" dist-book show Ventes --json
is "$(jq -r '.lists[0].entries | join(",")' "$D/stdout")" "${keys%,*}" "with the keys it picked"
rc 0 "exported like any version" version export "$head" -o "$D/book.json"
rc 0 "it is a book" book check "$D/book.json"
rc 4 "a book in another maker's format loses something" version export "$id" --format ldif -o "$D/other.tsv"
check "what is said, and that nothing is written" sh -c "grep -q 'losses' '$D/stderr' && ! test -e '$D/other.tsv'"
rc 0 "accepted, it is written" version export "$id" --format ldif --accept all -o "$D/other.ldif"
rc 0 "and can be read" book check --json "$D/other.ldif"
is "$(jq -r '.[0].format // .[0].codec' "$D/stdout")" ldif "in that format"
rc 0 "all of it in Carnet's own" version export "$id" --format carnet_json -o "$D/other.json"
carnet book diff "$canon" "$D/other.json" >"$D/stdout"
is "$(tail -n 1 "$D/stdout") $(grep -c "secret  cannot be compared" "$D/stdout")" "8 unchanged 1" "equal to the file, but for the password that no export tells"
# ---- for people, and all of it (storage.md section 15) ----
rc 0 "for a spreadsheet" version export "$id" --format view -o "$D/office.view.csv"
carnet book diff "$canon" "$D/office.view.csv" >"$D/stdout"
is "$(tail -n 1 "$D/stdout") $(grep -c "secret  cannot be compared" "$D/stdout")" "8 unchanged 1" "the book comes back from it, but for the password (AB-23, ST-81)"
rc 64 "it is called so" version export "$id" --format view -o "$D/office2.csv"
rc 64 "nothing else is (AB-24)" version export "$id" --format canon_csv -o "$D/other.view.csv"
rc 0 "all of it" version export "$id" --format bundle -o "$D/office.carnet.zip"
check "a ZIP archive that others read" unzip -q -d "$D/zip" "$D/office.carnet.zip"
zip=$(echo "$D"/zip/*)
is "$(cd "$zip" && echo * native/*)" "book.carnet.json losses.json manifest.json manifest.sig native native/file.csv" "a folder with everything in it"
check "the bytes that came" cmp "$canon" "$zip/native/file.csv"
carnet book diff "$canon" "$zip/book.carnet.json" >"$D/stdout"
is "$(tail -n 1 "$D/stdout")" "8 unchanged" "the book in Carnet's own format"
manifest=$(find "$D/vault" -name "*-$id.json")
check "the manifest and its signature as on the medium" sh -c "cmp '$manifest' '$zip/manifest.json' && cmp '${manifest%.json}.sig' '$zip/manifest.sig'"
check "the report says what the book has not: a password (ST-79)" jq -e '.lines == (.losses | length) and any(.losses[]; .action == "secret_needed")' "$zip/losses.json"
is "$(cat "$D/office.view.csv" "$zip/book.carnet.json" "$zip/losses.json" | grep -c "$secret")" 0 "no password in any of them (ST-80)"
rc 0 "what LDIF loses, entry by entry" version export "$id" --format ldif --losses csv -o "$D/losses.csv"
check "a line each" sh -c "head -n 1 '$D/losses.csv' | grep -q '^action,list,key,name' && test \$(wc -l <'$D/losses.csv') -gt 1"
rc 0 "the same for programs" version export "$id" --format ldif --losses json -o "$D/losses.json"
is "$(jq .lines "$D/losses.json")" "$(($(wc -l <"$D/losses.csv") - 1))" "as many"
carnet version export "$(carnet dist-book list --json | jq -r '.items[] | select(.name == "Ventes").version')" --format carnet_json --losses json -o "$D/none.json"
is "$(jq -c '[.lines, .losses]' "$D/none.json")" '[0,[]]' "nothing lost is said, too"
download() { curl -s -o /dev/null -D - --unix-socket "$D/rest.sock" -H "Authorization: Bearer $(cat "$D/$1")" "http://localhost/api/v1/versions/$id/export?format=$2" | tr -d '\r'; }
download operator bundle >"$D/head"
check "its names: one for every system, one for people (ST-78, RFC 6266)" grep -qE "^Content-Disposition: attachment; filename=\"carnet_[A-Za-z0-9._-]+\.carnet\.zip\"; filename\*=UTF-8''office\.csv%20file%20g1\.carnet\.zip$" "$D/head"
is "$(grep -iE '^(content-type|carnet-losses):' "$D/head" | sort | tr '\n' ' ')" "Carnet-Losses: $(jq .lines "$zip/losses.json") Content-Type: application/zip " "what it is, and how much is not in its book"
is "$(download viewer bundle | head -n 1 | cut -d' ' -f2) $(download viewer view | head -n 1 | cut -d' ' -f2)" "403 403" "viewers export nothing"
# ---- exports of an hour ----
used() { carnet quota show --json | jq -r '.exports_used'; }
before=$(used)
rc 0 "an export more is allowed" quota set --exports "$((before + 1))"
rc 0 "it is given" version export "$id" --format view -o "$D/last.view.csv"
rc 75 "the next one is not" version export "$id" --format bundle -o "$D/more.carnet.zip"
check "limit and use are said" grep -q "exports $((before + 1)) of $((before + 1)) in an hour" "$D/stderr"
rc 75 "nor an item" version export "$id" -o "$D/more.csv"
download operator carnet_json >"$D/head"
is "$(head -n 1 "$D/head" | cut -d' ' -f2)" 429 "as a status"
check "and when there is room again" awk '/^Retry-After: / {ok = $2 > 0 && $2 <= 3660} END {exit !ok}' "$D/head"
is "$(used)" "$((before + 1))" "what was refused is not counted"
rc 0 "without a limit" quota set --versions 100000
rc 0 "it goes on" version export "$id" --format bundle -o "$D/more.carnet.zip"
rc 1 "a format that is none" version export "$id" --format nonsense -o "$D/none"
rc 0 "a set" dist-set create Floor --book Ventes --map list_2=Ventes --json
is "$(jq -r '.book + " " + .map[0].slot + " " + .map[0].from' "$D/stdout")" "$book list_2 Ventes" "maps its lists to slots"
rc 4 "a version cannot be distributed (AB-33, FL-50)" plan distribute lobby@latest
check "both ways are named" grep -q "destinations import.*plan restore" "$D/stderr"
body=$(curl -s --unix-socket "$D/rest.sock" -X POST -w '\n%{http_code}' -H "Authorization: Bearer $(cat "$D/operator")" -H 'Content-Type: application/json' http://localhost/api/v1/tasks \
	-d "{\"name\":\"d\",\"kind\":\"ab.distribute\",\"targets\":{\"all\":true},\"settings\":{\"source\":\"$id\"}}")
status=${body##*$'\n'} body=${body%$'\n'*}
is "$status $(field .reason)" "422 version_not_distributable" "nor by a task (AB-33, FL-50)"

# ---- a file is taken away ----
audited() { stack_psql "$D" -c "select count(*) from gate.audit where verb = 'file_delete'"; }
trail=$(audited)
call() { # METHOD PATH [JSON] → $status and $body, as an operator
	body=$(curl -s --unix-socket "$D/rest.sock" -X "$1" -w '\n%{http_code}' -H "Authorization: Bearer $(cat "$D/${as:-operator}")" \
		-H 'Content-Type: application/json' "http://localhost/api/v1$2" ${3:+-d "$3"})
	status=${body##*$'\n'} body=${body%$'\n'*}
}
upload again.csv "$canon" -H "Idempotency-Key: again"
id=$(field .id)
call POST /tasks "{\"name\":\"imports it\",\"kind\":\"ab.import\",\"targets\":{\"all\":true},\"settings\":{\"source\":\"$id\"}}"
is "$status" 201 "a task that imports a file"
rc 4 "a file that a task names is not taken away" file delete "$id"
check "and the task is named" grep -q "imports it" "$D/stderr"
call DELETE "/tasks/$(field .id)"
as=viewer call DELETE "/files/$id"
is "$status" 403 "a viewer takes nothing away"
rc 0 "an operator takes it away" file delete "$id"
carnet file list --json >"$D/list"
check "the list says when it is gone for good" jq -e --arg id "$id" '.items[] | select(.id == $id) | .state == "condemned" and .held_until != null' "$D/list"
rc 0 "said twice it is the same" file delete "$id"
as=token call POST "/versions/$id:undo" '{}'
is "$status" 200 "an administrator brings it back"
carnet version export "$id" -o "$D/back.csv"
check "byte for byte" cmp "$canon" "$D/back.csv"
call DELETE "/files/$book"
is "$status $(field .reason)" "404 no_file" "what is no file is not taken away here"
check "it is in the audit trail" test "$(audited)" -gt "$trail"
done_testing
