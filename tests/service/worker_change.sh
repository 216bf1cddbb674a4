#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Jobs that write, worker and Canon adapter against the simulator (import-export.md sections 4, 5 and 8): plan, pre-image,
# journal, write, read-back, revert; workers that are killed at every step. Scheduler, lock and storage are simple-minded
# (worker_peers.c).
set -u
export LC_ALL=C
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. tests/lib/worker.sh
worker_dir

echo '{"seed":11,"count":8,"types":{"I":1,"II":0,"III":0},"books":{"small":1},
	"latency":{"login_ms":1,"page_ms":1,"export_ms":2,"import_ms":40},"restart_ms":300}' >"$D/fleet"
sim_up --fleet="$D/fleet" --address_base=127.44.0.0 || { not_ok "the simulator starts"; done_testing; }
for me in $(jq -r '.devices[].name' "$D/map") none; do
	[ "$me" != none ] && sim GET "/devices/$me" | jq -e '.state.items == ["list_1", "list_2", "one_touch"]' >/dev/null && break
done
jq --arg n "$me" '.devices |= (map(select(.name==$n)) | map(.accept_clear_text_secrets=true | .display_language="en"))' "$D/map" >"$D/one"
export PEERS_MAP=$D/one PEERS_FORMAT=canon_abk PEERS_ATTEMPTS=1

raw() { curl -sS --unix-socket "$D/sim" "http://sim/devices/$me/book?raw=$1&secrets=1"; }
put() { curl -sS --unix-socket "$D/sim" -X PUT --data-binary "@$2" "http://sim/devices/$me/book?raw=$1" >/dev/null; }
fault() { sim POST "/devices/$me/fault" "$1" >/dev/null; }
journal() { told journal | jq -r .step | tr '\n' ' ' | sed 's/ $//'; }
last() { result "$me" "$1"; }
lists="list_1 list_2 one_touch"
holds() { # DIRECTORY: every list is as there, byte for byte
	local l
	for l in $lists; do raw "$l" 2>/dev/null | cmp -s - "$1/$l" || return 1; done
}
set_book() { for l in $lists; do put "$l" "$1/$l"; done; }
change() { # the kind and PEERS_… from the environment
	PEERS_KIND=${PEERS_KIND:-ab.restore} PEERS_PHASE=${PEERS_PHASE:-apply} round "$@"
}

# ---- a backup, and the same lists with changes: what is there and what is wanted ----
round 20
mkdir "$D/old" "$D/new"
for l in $lists; do raw "$l" >"$D/old/$l"; cp "$D/old/$l" "$D/new/$l"; done
sed -i '0,/^cn: /s/^cn: .*\r$/cn: Somebody else\r/' "$D/new/list_1"
sed -i 's/^dialdata: .*\r$/dialdata: 0555\r/; 0,/^mailaddress: /s/^mailaddress: .*\r$/mailaddress: new@example.com\r/' "$D/new/list_2"
round_end
check "the changed lists differ" bash -c "! cmp -s $D/old/list_1 $D/new/list_1 && ! cmp -s $D/old/list_2 $D/new/list_2"

# ---- plan ----
PEERS_PHASE=plan PEERS_SOURCE=$D/new change 20
is "$(last state) $(last plan.lists[0].change) $(last plan.lists[2].kept)" "succeeded 1 true" "a plan counts what changes, list by list"
is "$(last plan.changes[0].field) $(last plan.changes[0].number) $(last plan.changes[0].after)" "name 201 Somebody else" "and shows it"
is "$(last 'plan.hash|length') $(last 'plan.notes|map(.reason)|index("H6") != null')" "44 true" "it is pinned by a hash, and says what the device destroys besides (H6)"
is "$(told granted | jq -r .direction) $(told begin | wc -l) $(journal)" "export 0 " "a plan reads and writes nothing"
check "the device is as it was" holds "$D/old"
round_end
PEERS_PHASE=plan PEERS_SOURCE=$D/old change 20
is "$(last state)" unchanged "a device that is as wanted already: unchanged"
round_end

# ---- apply ----
PEERS_SOURCE=$D/new change 20
is "$(last state) $(last step)" "succeeded verified" "applied: written, read back, verified"
is "$(journal)" "pre_image sent answered verified" "each step is journaled"
check "the device holds the new lists, byte for byte" holds "$D/new"
is "$(last 'report|map(.result)|join(" ")')" "ok ok unchanged" "the report says so, list by list"
is "$(told begin | jq -r '"\(.kind) \(.read_back)"' | tr '\n' ' ')" "pre_image null address_book true " "a pre-image before it, a read-back after it"
for l in $lists; do cmp -s "$D/out/pre/$me.$l" "$D/old/$l" || not_ok "the pre-image of $l is not what was there"; done
is "$(told granted | jq -r .direction | tr '\n' ' ')" "export import " "planned under an export lock, written under an import lock"
within 5 locks_back
check "lock and streams went back" locks_back
round_end

PEERS_SOURCE=$D/old change 20
is "$(last state)" succeeded "the backup goes back"
check "byte for byte as it came" holds "$D/old"
round_end

# ---- a run put back: its pre-images are the source ----
set_book "$D/new"
mkdir "$D/was" && for l in $lists; do cp "$D/old/$l" "$D/was/$l"; done
PEERS_PHASE=revert PEERS_SOURCE=$D/was PEERS_MAP_SLOTS=list_1= change 20
is "$(last state) $(last step)" "succeeded verified" "a revert writes the pre-image, all of it, whatever the task's map says"
check "byte for byte" holds "$D/old"
round_end

# ---- memory ----
mkdir "$D/huge" && {
	printf '# Canon AddressBook version: 1\r\n# CharSet: WCP1252\r\n\r\n'
	for i in $(seq 1 12000); do printf 'subdbid: 1\r\ndn: %d\r\ncn: Person %d\r\nmailaddress: person%d@example.com\r\nobjectclass: top\r\nobjectclass: extensibleobject\r\nobjectclass: email\r\n\r\n' $((i + 200)) "$i" "$i"; done
} >"$D/huge/list_1"
PEERS_SOURCE=$D/huge change 20 --image_mib=1
is "$(last state) $(last code) $(last reason)" "deferred 2103 worker_memory" "a worker that holds as much as it may puts the job off"
round_end
PEERS_SOURCE=$D/huge PEERS_PHASE=plan change 30
is "$(last state) $(last 'plan.losses > 9000') $(last 'plan.needs|index("losses") != null') $(last plan.cut)" "succeeded true true true" \
	"a list above the capacity: what is dropped has to be accepted (R21, R24)"
round_end

# ---- other ways to write ----
PEERS_SOURCE=$D/new PEERS_MAP_SLOTS="list_1=list_2,list_2=" change 20
is "$(last state)" succeeded "a map: list 2 of the source into list 1 (AB-32)"
raw list_1 >"$D/got"
is "$(grep -c '^cn:' "$D/got")" "$(grep -c '^cn:' "$D/new/list_2")" "with as many entries"
raw list_2 | cmp -s - "$D/old/list_2" && ok "None: the slot keeps its content" || not_ok "list 2 was touched"
round_end
set_book "$D/old"

mkdir "$D/csv"
cp tests/golden/book/ricoh_csv/office.csv "$D/csv/address_book"
PEERS_KIND=ab.import PEERS_SOURCE=$D/csv PEERS_FORMAT=ricoh_csv PEERS_MAP_SLOTS="list_2=address_book" change 20
is "$(last state)" succeeded "a file of another maker goes into a list (ab.import)"
raw list_2 >"$D/got"
check "its entries are there" test "$(grep -c '^cn:' "$D/got")" -gt 0
is "$(last 'plan.losses > 0 and (.plan.needs|index("losses")) != null')" "$(last 'plan.losses > 0')" "what will not arrive has to be accepted"
round_end
set_book "$D/old"

mkdir "$D/more" && sed 's/^cn: .*\r$/&X/; s/^cn: \(.*\)\rX$/cn: \1 the second\r/; s/^\(mailaddress\|dialdata\|url\): /&9/' "$D/old/list_2" >"$D/more/list_2"
PEERS_SOURCE=$D/more PEERS_MODE=add change 20
added=$(last plan.add)
is "$(last state) $(last plan.change) $(last plan.remove)" "succeeded null null" "add: what is there stays ($added more)"
round_end
set_book "$D/old"

# ---- refusals, before anything is written ----
refused() { # STATE CODE REASON TEXT
	is "$(last state) $(last code) $(last reason)" "$1 $2 $3" "$4"
	is "$(journal)" "" "nothing is written"
	check "the device is as it was" holds "$D/old"
	round_end
}
PEERS_PHASE=stale PEERS_SOURCE=$D/new change 20
refused failed 8103 null "planned for something else: plan_stale"
mkdir "$D/bad" && printf 'this is no address book\n' >"$D/bad/list_1"
PEERS_SOURCE=$D/bad change 20
refused failed 5001 "$(last reason)" "a source that is no book: parse_error"
PEERS_SOURCE=$D/new PEERS_MAP_SLOTS="list_9=list_1" change 20
refused failed 5007 unknown_list "a list that the device has not: validation_failed"
jq '.devices[0].managed_by="other"' "$D/one" >"$D/other"
PEERS_MAP=$D/other PEERS_SOURCE=$D/new change 20
refused skipped 1007 null "managed by another system: skipped (FL-5)"
PEERS_MAP=$D/other PEERS_PHASE=revert PEERS_SOURCE=$D/new change 20
refused skipped 1007 null "also when it is so since the plan"

# ---- who does not say who it is: SNMP is off, and another machine may stand there (FL-1, FL-4) ----
jq '.devices[0].ports.snmp = 9 | .devices[0].serial = "ELSE1"' "$D/one" >"$D/silent"
PEERS_MAP=$D/silent PEERS_KIND=ab.backup round 20
is "$(last state) $(last reason) $(last seen.serial)" "succeeded not_identified null" "it is read, and the details say that nothing could be compared"
round_end
PEERS_MAP=$D/silent PEERS_PHASE=plan PEERS_SOURCE=$D/new change 20
is "$(last state) $(last 'plan.needs|index("identity") != null') $(last 'plan.notes|map(.reason)|index("not_identified") != null')" \
	"succeeded true true" "a plan says that a person has to say who it is"
round_end
PEERS_MAP=$D/silent PEERS_SOURCE=$D/new change 20
refused failed 4008 null "nobody accepted it: identity_unknown"
PEERS_MAP=$D/silent PEERS_PHASE=revert PEERS_SOURCE=$D/new change 20
refused failed 4008 null "not by a revert either"
PEERS_MAP=$D/silent PEERS_KIND=device.restart round 20
refused failed 4008 null "nor is it restarted"
sim POST "/devices/$me/settings" '{"receive_restricted":true}' >/dev/null
PEERS_MAP=$D/silent PEERS_KIND=ab.backup PEERS_RESTART=1 round 20
is "$(last state) $(last code) $(sim GET "/devices/$me" | jq .state.receive_restricted)" "failed 4008 true" "nor is its receive restriction lifted"
round_end
resets=$(sim GET /stats | jq .restarts)
PEERS_KIND=ab.backup PEERS_RESTART=1 PEERS_RESTARTED=1 round 20
is "$(last state) $(last code) $(last reason) $(($(sim GET /stats | jq .restarts) - resets))" "failed 2106 restarted_before 0" \
	"restarted once in this run, and still restricted: not restarted again (FL-46)"
round_end
sim POST "/devices/$me/settings" '{"receive_restricted":false}' >/dev/null
PEERS_KIND=ab.backup PEERS_RESTART=1 PEERS_RESTARTED=1 round 20
is "$(last state) $(last reason)" "succeeded restriction_lifted" "lifted by an attempt before this one: the details say so all the same (FL-46)"
round_end
PEERS_MAP=$D/silent PEERS_ACCEPT=identity PEERS_SOURCE=$D/new change 20
is "$(last state) $(last step)" "succeeded verified" "accepted: it is written"
round_end
set_book "$D/old"
serial=$(jq -r '.devices[0].serial' "$D/one")
PEERS_KIND=device.probe round 20
mac=$(last seen.mac)
round_end
jq --arg m "$mac" '.devices[0] |= (del(.serial) | .mac = $m)' "$D/one" >"$D/by_mac"
PEERS_MAP=$D/by_mac PEERS_PHASE=plan PEERS_SOURCE=$D/new change 20
is "$(last state) $(last 'plan.needs|index("identity")') $(last seen.serial)" "succeeded null $serial" "a record that knows its MAC alone: compared by that, and it learns the rest"
round_end
jq '.devices[0] |= (del(.serial) | .mac = "02:00:00:00:00:01")' "$D/one" >"$D/by_mac"
PEERS_MAP=$D/by_mac PEERS_SOURCE=$D/new change 20
refused failed 4005 mac "another MAC is another machine, whatever serial number it says: identity_mismatch"

# ---- devices that do not do what they say ----
fault '{"mp":"mp_22","at":"import"}'
PEERS_SOURCE=$D/new change 30
is "$(last state) $(last code) $(last step)" "failed 4006 reverted" "mp_22 says OK and keeps the old data: readback_differs"
check "the device holds the old lists" holds "$D/old"
round_end
fault '{"mp":"none"}'
set_book "$D/old"

fault '{"mp":"mp_22_half","at":"import","times":1}'
PEERS_SOURCE=$D/new change 30
is "$(last state) $(last code) $(last reason) $(last step)" "failed 4006 reverted reverted" "half of it is there: the old lists go back"
is "$(journal)" "pre_image sent answered reverting reverted" "and each step is journaled"
check "the device holds the old lists" holds "$D/old"
is "$(told unsure | wc -l)" 0 "the lock goes back clean"
round_end
fault '{"mp":"none"}'
set_book "$D/old"

fault '{"mp":"mp_22_half","at":"import"}'
PEERS_SOURCE=$D/new change 30
is "$(last state) $(last reason)" "failed half_written" "it cannot be put back either: half_written"
is "$(told unsure | wc -l)" 1 "and the lock goes back unsure"
round_end
fault '{"mp":"none"}'
set_book "$D/old"

fault '{"mp":"mp_22_half","at":"import","times":1}'
PEERS_LEAVE=1 PEERS_SOURCE=$D/new change 30
is "$(last state) $(last reason)" "failed left" "on_failure=leave: it stays as it is"
round_end
fault '{"mp":"none"}'
set_book "$D/old"

# ---- the power goes in the middle of an import (C3, C4) ----
ends_whole() { # TEXT: old or new, and the history says which
	local which=none
	holds "$D/new" && which=new
	holds "$D/old" && which=old
	case $which-$(last state) in
	new-succeeded | old-failed) ok "$1: $which, $(last state)" ;;
	*) not_ok "$1: the device holds $which, the job ended $(last state) $(last code) $(last reason) ($(journal))" ;;
	esac
	[ $which = none ] && for l in $lists; do raw $l | diff - "$D/new/$l" | head -5 | sed 's/^/# /'; done
	within 5 locks_back
	check "$1: lock and streams went back" locks_back
}
fault '{"mp":"mp_24","at":"import","times":1}'
PEERS_ATTEMPTS=200 PEERS_SOURCE=$D/new change 60
ends_whole "mp_24 restarts in the import"
round_end
fault '{"mp":"none"}'
set_book "$D/old"

# ---- cancel: a write is finished or rolled back ----
sim POST "/devices/$me/latency" '{"import_ms":2000}' >/dev/null
: >"$D/told"
PEERS_KIND=ab.restore PEERS_PHASE=apply PEERS_SOURCE=$D/new peers_up
worker_up --renew_ms=100
sent() { told journal | grep -q '"sent"'; }
within 20 sent
peers_set cancel=yes
within 30 all_ended
is "$(last state)" succeeded "cancelled in the middle of the write: it is finished"
check "the device holds the new lists" holds "$D/new"
round_end
set_book "$D/old"
sim POST "/devices/$me/latency" '{"import_ms":40}' >/dev/null

# ---- the lock cannot be renewed in the middle of a write: left in time, unsure; the next attempt looks ----
sim POST "/devices/$me/latency" '{"import_ms":4000}' >/dev/null
: >"$D/told"
PEERS_LEASE=2000 PEERS_KIND=ab.restore PEERS_PHASE=apply PEERS_ATTEMPTS=100000 PEERS_SOURCE=$D/new peers_up
worker_up --lock_lease_ms=2000 --renew_ms=300 --soft_margin_ms=600 --hard_margin_ms=300
within 20 sent
peers_set lock=quarantine # as a lock that comes back unsure
peers_set renew=silent
within 10 told unsure >/dev/null
is "$(told result | jq -rs '[.[] | select(.code == 6002)][0] | "\(.state) \(.report[0].result)"')" "deferred unknown" "no renewal in the middle of a write: lock_timeout, outcome unknown"
is "$(told unsure | wc -l)" 1 "the lock goes back unsure (C3)"
peers_set renew=yes
at_rest() { sim GET "/devices/$me" | jq -e '.state | (.running | length) == 0 and .importing != true' >/dev/null; }
within 10 at_rest
peers_set lock=granted
sim POST "/devices/$me/latency" '{"import_ms":40}' >/dev/null
within 60 all_ended
ends_whole "the next attempt looks (C4)"
round_end
set_book "$D/old"

# ---- the source is gone when the next attempt looks: what is half written is put back ----
half() { cp "$D/new/list_1" "$D/half"; put list_1 "$D/half"; }
half
PEERS_STEP=sent PEERS_PRE=$D/old PEERS_PHASE=look PEERS_SOURCE=$D/none change 30
is "$(last state) $(last reason) $(last step)" "failed reverted reverted" "no source any more, and not the old content: the pre-image goes back"
check "the device holds the old lists" holds "$D/old"
round_end
half
PEERS_STEP=sent PEERS_PRE=$D/old PEERS_PHASE=look PEERS_SOURCE=$D/new change 30
is "$(last state) $(journal)" "failed reverting reverted" "neither the old nor the new content: the pre-image goes back"
check "the device holds the old lists" holds "$D/old"
round_end
set_book "$D/new"
PEERS_STEP=reverting PEERS_PRE=$D/old PEERS_PHASE=look PEERS_SOURCE=$D/new change 30
is "$(last state) $(journal)" "succeeded verified" "the new content: it is as wanted"
round_end
set_book "$D/old"
PEERS_STEP=reverting PEERS_PRE=$D/old PEERS_PHASE=look PEERS_SOURCE=$D/new change 30
is "$(last state) $(last reason) $(last step)" "failed reverted reverted" "the old content after a revert began: it is not written again"
check "the device holds the old lists" holds "$D/old"
round_end

# ---- killed at every step; another worker takes over ----
gone() { ! kill -0 "$worker_pid" 2>/dev/null || [ "$(cut -d' ' -f3 "/proc/$worker_pid/stat" 2>/dev/null)" = Z ]; }
kill_at() { # POINT[:N] TEXT
	: >"$D/told"
	PEERS_KIND=ab.restore PEERS_PHASE=apply PEERS_ATTEMPTS=200 PEERS_SOURCE=$D/new peers_up
	CARNET_CRASH=$1 worker_up
	within 20 gone || not_ok "$2: the worker was killed"
	wait "$worker_pid" 2>/dev/null
	peers_set requeue=1
	worker_up
	within 60 all_ended || not_ok "$2: the next worker ends it"
	ends_whole "$2"
	round_end
	fault '{"mp":"none"}'
	set_book "$D/old"
}
if grep -aFq change.sent "$B/bin/carnet-worker"; then
	kill_at change.pre_image:1 "killed after the pre-image was journaled"
	kill_at change.sent:1 "killed before the first changing call"
	kill_at change.writing:1 "killed in the middle of the write"
	kill_at change.writing:3 "killed later in the write"
	kill_at change.answered:1 "killed after the device answered"
	kill_at change.verified:1 "killed after it was verified"
	fault '{"mp":"mp_22_half","at":"import","times":1}'
	kill_at change.reverting:1 "killed before the old content goes back"
	fault '{"mp":"mp_22_half","at":"import","times":1}'
	kill_at change.sent:2 "killed when the old content goes back"
fi
is "$(sim GET '/log?since=0&limit=100000' | grep -c -E '"(overlap|violation)"')" 0 "never two sessions on the device"
done_testing
