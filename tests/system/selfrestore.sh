#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Carnet itself from one medium and the keys (storage.md ST-21): database and primary vault are destroyed, the runbook
# docs/restore.md is followed command by command, every version is compared byte by byte; with a dump, then without.
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. deploy/local/stack.sh
. tests/lib/system.sh
B=${B:-build}
D=$(mktemp -d /tmp/cse.XXXXXX)
trap system_end EXIT
export CARNET_COPY_EVERY_MS=500
STACK_COUNT=4 STACK_BASE=127.48.0.0 STACK_DURABLE=0
STACK_INSTANCES="simulator:1 lock:1 storage:1 sync:1 scheduler:1 worker:1 gateway:1"
system_start '.faults = {} | .books = {empty: 0, small: 1, medium: 0, large: 0, full: 0, duplicates: 0} | .restart_ms = 300
	| .latency = {login_ms: 2, page_ms: 2, export_ms: 5, import_ms: 20}'
PATH=$(cd "$B/bin" && pwd):$PATH
export PATH MEDIUM=$D/medium KEYS=$D/keys WORK=$D/work SERVER="host=$D/pg dbname=postgres user=carnet_super" \
	DATABASE="host=$D/pg dbname=carnet user=carnet_super"

# The commands of docs/restore.md that are marked with one of these words, in their order.
runbook() {
	awk -v words=" $* " '/^```sh / { on = index(words, " " $2 " ") } /^```$/ { on = 0 } on && !/^```/' docs/restore.md >"$D/commands"
	[ -s "$D/commands" ] && bash -euo pipefail "$D/commands" >>"$D/log/runbook" 2>&1 || { tail -n 20 "$D/log/runbook"; return 1; }
}
rest() { curl -s -m 30 --unix-socket "$D/run/rest.sock" -H "Authorization: Bearer $(cat "$D/run/token")" "http://localhost/api/v1$1"; }
# Digests of all items of all versions, as the service gives them.
contents() {
	local version device item
	db -F ' ' -c "select v.id, v.device_id, o.item from store.version v join store.version_object o on o.version_id = v.id
		where v.state = 'committed' and o.role = 'native' order by 1, 3" | while read -r version device item; do
		carnet version export "$version" --item "$item" -o - >"$D/item" </dev/null && [ -s "$D/item" ] || echo "not given:"
		echo "$device $version $item $(sha256sum <"$D/item")"
	done
}
copied() { [ "$(db -c "select count(*) from store.copy where state <> 'verified'")" = 0 ]; }
outcome() { db -F ' ' -c "select s.word, count(*) from sched.job j join sched.job_state s on s.id = j.state where j.run::text = '$1' group by 1 order by 1"; }
backup() {
	local run
	run=$(run_start)
	run_wait "$run" 120
	outcome "$run"
}
destroyed() { # the medium and the keys are what is left
	stack_down "$D"
	rm -rf "$D/pg" "$D/vault" "$D/keys/sign" "$D/work"
	stack_database "$D" >/dev/null && psql -q "$SERVER" -c 'drop database carnet'
}
started() {
	stack_env "$D" storage-1 VAULT_DIR "$MEDIUM"
	stack_env "$D" storage-1 VAULT_NAME "$(sed -n 's/.*CARNET_VAULT_NAME=//p' "$D/log/runbook" | tail -n 1)"
	stack_up "$D" && stack_ready "$D" 120
}

all=$(jq '.devices | length' "$D/run/map.json")
# A simulator that was started again has the books of its first day, so some may be stored again.
all_good() { is "$(backup | awk '$1 == "succeeded" || $1 == "unchanged" { n += $2; next } { print }; END { print n + 0 }')" "$all" "$1"; }
passwords() { db -c "select count(*) from store.version_key where password_id is not null and wrapped_dek is not null"; }
backup >/dev/null
edit_some 3
backup >/dev/null
check "a medium gets copies" carnet vault add --name away --place "$MEDIUM" --removable --accept-same-disk "a test on one machine"
within 90 copied
check "a dump is kept on it" runbook night || system_finish
contents >"$D/before"
locked=$(passwords)
check "there are versions to compare" test "$(grep -c '^[0-9a-f]\{8\}-' "$D/before")" -gt "$all"
is "$(grep -c '^not given' "$D/before")" 0 "each of them can be read"

destroyed
check "the runbook brings Carnet back from medium, keys and dump" runbook restore dump || system_finish
check "and it starts" started || system_finish
contents >"$D/after"
is "$(diff "$D/before" "$D/after" | head -n 5)" "" "every version is as it was, byte by byte"
is "$(carnet task list --json | jq -r '.items[] | select(.built_in | not).name')" backup "tasks are back"
is "$(passwords)" "$locked" "exports know the password they were locked with"
all_good "each printer is backed up again, with tokens above those of the medium"
is "$(backup)" "unchanged $all" "nothing changed on the printers: nothing is stored again"
edit_some 1
is "$(backup | tr '\n' ' ')" "succeeded 1 unchanged $((all - 1)) " "what changed is stored"

contents >"$D/before"
destroyed
check "without a dump the runbook brings all versions back" runbook restore || system_finish
rm -f "$D/run/setup-token" "$D/run/token"
check "and Carnet starts empty" started || system_finish
within 60 test -s "$D/run/setup-token"
carnet setup --setup-token-file "$D/run/setup-token" --password-file "$D/run/admin" --token-out "$D/run/token" >/dev/null 2>&1
contents >"$D/after"
is "$(diff "$D/before" "$D/after" | head -n 5)" "" "every version is as it was, byte by byte"
check "the fleet is imported again" carnet device import "$D/run/map.json"
carnet task create backup --kind ab.backup --all --password-file "$D/run/book" --json >/dev/null
is "$(db -c "select count(*) from store.version v where not exists (select 1 from fleet.device d where d.id = v.device_id)")" 0 \
	"each printer has the backups it had, by its serial number"
all_good "and is backed up again"
system_finish
