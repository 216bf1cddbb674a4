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
is "$(stack_psql "$D" -c "select count(*) from gate.audit where object = '/api/v1/files' and actor = 'token:operator' and outcome = 'accepted'" | awk '{print ($1 > 5)}')" 1 "who uploaded stands in the audit trail"
done_testing
