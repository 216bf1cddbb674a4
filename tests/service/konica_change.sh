#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Jobs that write a Konica Minolta's book: plan, device lock, entries one by one, read-back, revert; devices that lie, restart or
# are in use; workers that are killed (devices.md 6.1, import-export.md 5 and 8). Scheduler, lock and storage are simple-minded
# (worker_peers.c).
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. tests/lib/worker.sh
worker_dir

echo '{"seed":23,"count":2,"families":{"konica_openapi":1},"books":{"medium":1},"konica":{"lock_ms":1500},
	"latency":{"login_ms":1,"page_ms":1,"export_ms":2,"import_ms":20},"restart_ms":1}' >"$D/fleet"
sim_up --fleet="$D/fleet" --address_base=127.48.0.0 || { not_ok "the simulator starts"; done_testing; }
me=$(jq -r '.devices[0].name' "$D/map")
jq --arg n "$me" '.devices |= map(select(.name==$n))' "$D/map" >"$D/one"
export PEERS_MAP=$D/one PEERS_FORMAT=konica_xml PEERS_ATTEMPTS=1

raw() { curl -sS --unix-socket "$D/sim" "http://sim/devices/$me/book?raw=1"; }
book() { sim GET "/devices/$me/book" | jq '{items:{address_book:{entries:.items.address_book.entries}}}'; }
edit() { sim POST "/devices/$me/edit" "$1" >/dev/null; }
fault() { sim POST "/devices/$me/fault" "$1" >/dev/null; }
last() { result "$me" "$1"; }
journal() { told journal | jq -r .step | tr '\n' ' ' | sed 's/ $//'; }
log() { sim GET '/log?since=0&limit=100000'; }
calls() { log | jq -s --arg w "km_$1" 'flatten | [.[] | select(.what==$w and .result=="ok")] | length'; }
change() { PEERS_KIND=${PEERS_KIND:-ab.restore} PEERS_PHASE=${PEERS_PHASE:-apply} round "$@"; }
keep() { # NAME: what the device holds now, and a backup of it
	mkdir -p "$D/$1"
	raw >"$D/$1.raw" && book >"$D/$1.json"
	PEERS_KIND=ab.backup round 20
	cp "$D/out/$me.address_book" "$D/$1/address_book"
	round_end
}
holds() { raw >"$D/now.raw"; cmp -s "$D/now.raw" "$D/$1.raw"; }
set_book() { sim PUT "/devices/$me/book" "@$D/$1.json" >/dev/null; }

keep old
folder=$(jq '[.items.address_book.entries[] | select(.kind=="file")][0].number' "$D/old.json")
fax=$(jq '[.items.address_book.entries[] | select(.kind=="fax")][0].number' "$D/old.json")
mail=$(jq '[.items.address_book.entries[] | select(.kind=="email")][1].number' "$D/old.json")
set_book old
check "the control port says a book as it was made" holds old
edit "{\"number\":$mail,\"name\":\"Somebody else\",\"email\":\"new@example.com\"}"
edit "{\"number\":$folder,\"remove\":true}"
edit "{\"number\":$fax,\"remove\":true}"
edit '{"number":1900,"kind":"email","name":"Added & <new>","email":"added@example.com"}'
keep new
check "the two differ" bash -c "! cmp -s $D/old.raw $D/new.raw"

# ---- plan and apply ----
PEERS_PHASE=plan PEERS_SOURCE=$D/old change 20
is "$(last state) $(last plan.add) $(last plan.change) $(last plan.remove)" "succeeded 2 1 1" "a plan counts entries"
is "$(last 'plan.notes|map(.reason)|index("members_unknown") != null')" true "and says that groups may lose a member (DC-6)"
is "$(calls EnterDeviceLock) $(journal)" "0 " "a plan locks and writes nothing"
round_end
PEERS_SOURCE=$D/old change 20
is "$(last state) $(last step)" "succeeded verified" "applied: written, read back, verified"
is "$(journal)" "pre_image sent answered verified" "each step is journaled"
check "the folder and the fax number are back as they were, byte for byte" holds old
is "$(calls EnterDeviceLock) $(calls ExitDeviceLock) $(calls DeleteAbbr) $(calls SetAbbr)" "1 1 1 3" "under the device's lock, entry by entry, and no other"
within 5 locks_back
check "lock and streams went back" locks_back
round_end
PEERS_SOURCE=$D/new change 20
is "$(last state)" succeeded "and the other way"
check "as it was" holds new
round_end
PEERS_PHASE=plan PEERS_SOURCE=$D/new change 20
is "$(last state)" unchanged "a device that is as wanted already: unchanged"
round_end
set_book old

# ---- what nobody has seen written ----
edit "{\"number\":$folder,\"host\":\"other.example.com\"}"
raw >"$D/moved.raw"
for phase in plan apply; do
	PEERS_PHASE=$phase PEERS_FILE=1 PEERS_SOURCE=$D/old change 20
	is "$(last state) $(last code) $(last reason)" "skipped 1002 not_email" "$phase: a person's file changes a folder: unsupported_operation"
	case $(last detail) in
	"entry $folder "*"(Smb)"* | "entry $folder "*"(Ftp)"* | "entry $folder "*"(WebDav)"*) ok "and names the entry" ;;
	*) not_ok "and names the entry: $(last detail)" ;;
	esac
	raw >"$D/now.raw"; cmp -s "$D/now.raw" "$D/moved.raw" && ok "nothing is written" || not_ok "nothing is written"
	round_end
done
PEERS_SOURCE=$D/old change 20
is "$(last state)" succeeded "the device's own backup puts the folder back"
check "as it was" holds old
round_end

mkdir "$D/csv"
printf 'name,number,email\nImported One,1801,one@example.com\nImported Two,1802,two@example.com\n' >"$D/csv/address_book"
PEERS_KIND=ab.import PEERS_MODE=add PEERS_FILE=1 PEERS_FORMAT=generic_csv PEERS_SOURCE=$D/csv change 20
is "$(last state) $(last plan.add)" "succeeded 2" "a table of e-mail addresses is added (ab.import)"
is "$(book | jq -c '[.items.address_book.entries[] | select(.number>1800) | .email]')" '["one@example.com","two@example.com"]' "and is there"
raw | grep -v "AbbrNo>180[12]<" | cmp -s - "$D/old.raw" && ok "what was there is as it was" || not_ok "what was there is as it was"
round_end
set_book old

# ---- a device in use, devices that do not do what they say ----
sim POST "/devices/$me/op" '{"op":"send","seconds":0}' >/dev/null
PEERS_SOURCE=$D/new change 20
is "$(last state) $(last code)" "deferred 2102" "a job is being sent, the device lock is refused: device_locked, deferred"
check "nothing is written" holds old
round_end
sim POST "/devices/$me/op" '{"op":"send","stop":true}' >/dev/null

fault '{"mp":"mp_22","at":"import"}'
PEERS_SOURCE=$D/new change 30
is "$(last state) $(last code)" "failed 4006" "mp_22 says Ack and keeps the old entries: readback_differs"
check "the device holds the old book" holds old
round_end
fault '{"mp":"none"}'

ends_whole() { # TEXT: old or new, and the history says which
	local which=none
	holds new && which=new
	holds old && which=old
	case $which-$(last state) in
	new-succeeded | old-failed) ok "$1: $which, $(last state)" ;;
	*) not_ok "$1: the device holds $which, the job ended $(last state) $(last code) $(last reason) ($(journal))" ;;
	esac
	within 5 locks_back
	check "$1: lock and streams went back" locks_back
}
fault '{"mp":"mp_22_half","at":"import","times":2}'
PEERS_SOURCE=$D/new change 30
is "$(last state) $(last code) $(last step)" "failed 4006 reverted" "half of the entries are taken: the old book goes back"
check "byte for byte" holds old
round_end
fault '{"mp":"none"}'
set_book old

fault '{"mp":"mp_24","at":"import","times":1}'
PEERS_ATTEMPTS=20000 PEERS_SOURCE=$D/new change 60
ends_whole "mp_24 restarts in the third change"
round_end
fault '{"mp":"none"}'
set_book old

# ---- killed at every step; another worker takes over, once the device's own lock is over ----
kill_at() { # STEP of the journal
	: >"$D/told"
	PEERS_KIND=ab.restore PEERS_PHASE=apply PEERS_ATTEMPTS=20000 PEERS_SOURCE=$D/new peers_up
	worker_up
	journaled() { told journal | grep -q "\"$1\""; }
	within 20 journaled "$1" || not_ok "$1: the worker is killed there"
	kill -KILL "$worker_pid"
	wait "$worker_pid" 2>/dev/null
	peers_set requeue=1
	worker_up
	within 60 all_ended || not_ok "$1: the next worker ends it"
	ends_whole "killed at $1"
	round_end
	set_book old
}
for step in pre_image sent answered verified; do kill_at "$step"; done

# in the middle of the entries, while the device is locked
sim POST "/devices/$me/latency" '{"import_ms":3000}' >/dev/null
: >"$D/told"
PEERS_KIND=ab.restore PEERS_PHASE=apply PEERS_ATTEMPTS=20000 PEERS_SOURCE=$D/new peers_up
worker_up
set_one() { [ "$(calls DeleteAbbr)" -gt "$before" ]; }
before=$(calls DeleteAbbr)
within 20 set_one
kill -KILL "$worker_pid"
wait "$worker_pid" 2>/dev/null
peers_set requeue=1
worker_up
within 60 all_ended
ends_whole "killed between two entries"
round_end
PEERS_KIND=device.restart PEERS_PHASE= round 20
is "$(result "$me" state) $(result "$me" code)" "skipped 1002" "nothing public restarts such a device: unsupported_operation"
case $(result "$me" detail) in
*"how to restart"*) ok "and the text says so" ;;
*) not_ok "and the text says so: $(result "$me" detail)" ;;
esac
round_end
is "$(log | grep -c '"violation"')" 0 "nothing was ever changed without the device's lock"
is "$(sim GET "/devices/$me" | jq .state.device_locked)" false "and no lock is left"
is "$(grep -c -E 'Pw-[0-9a-f]{8}|7654321' "$D/worker.log")" 0 "no password is in the log"
done_testing
