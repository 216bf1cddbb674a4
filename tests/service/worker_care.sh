#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A worker takes care of the devices it has locked: effects of the lock (locks.md section 4, import-export.md D9), restarts
# (B4), jobs that somebody cancelled while they wrote. Scheduler, lock and storage are simple-minded (worker_peers.c).
set -u
export LC_ALL=C
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. tests/lib/worker.sh
worker_dir

echo '{"seed":11,"count":12,"types":{"I":1,"II":1,"III":0},"books":{"small":1},
	"latency":{"login_ms":1,"page_ms":1,"export_ms":2,"import_ms":2},"restart_ms":300}' >"$D/fleet"
sim_up --fleet="$D/fleet" --address_base=127.46.0.0 || { not_ok "the simulator starts"; done_testing; }
named() { jq -r --arg t "$1" '[.devices[] | select(.type == $t)][0].name' "$D/map"; }
one=$(named I) two=$(named II)
for me in "$one" "$two"; do
	jq --arg n "$me" '.devices |= (map(select(.name==$n)) | map(.accept_clear_text_secrets=true | .display_language="en"))
		| .credentials += [{kind:"snmp_v2c",community_read:"public",community_write:"private"}]' "$D/map" >"$D/map.$me"
done

raw() { curl -sS --unix-socket "$D/sim" "http://sim/devices/$one/book?raw=list_1&secrets=1"; }
put() { curl -sS --unix-socket "$D/sim" -X PUT --data-binary "@$1" "http://sim/devices/$one/book?raw=list_1" >/dev/null; }
last() { result "$me" "$1"; }
journal() { told journal | jq -r .step | tr '\n' ' ' | sed 's/ $//'; }
state() { sim GET "/devices/$me" | jq -c ".state.$1"; }
stat() { sim GET /stats | jq ".$1"; }
op() { sim POST "/devices/$me/op" "$1" | jq -r .result; }
latency() { sim POST "/devices/$me/latency" "$1" >/dev/null; }
begin() { # SETTING=VALUE… WORKER-ARGS…: peers and a worker, nothing awaited
	: >"$D/told"
	peers_up
	worker_up "$@"
}
busy() { sim GET "/devices/$me" | jq -e '.state.exporting > 0' >/dev/null; }
saw=0
sees() { # the worker notices once more that the printer goes down
	saw=$((saw + 1))
	within 60 notices || not_ok "the worker does not see it"
}
notices() { [ "$(grep -c '"event":"the printer is being switched off' "$D/worker.log")" -ge "$saw" ]; }
journaled() { told journal | grep -q "\"$1\""; }
has_run() { [ "$(sim GET "/devices/$me" | jq -r '.state.importing // false')" = false ]; }

# ---- what is there, and what is wanted ----
me=$one
export PEERS_MAP=$D/map.$me PEERS_FORMAT=canon_abk PEERS_KIND=ab.backup PEERS_LANGUAGE=en
round 60
mkdir "$D/old" "$D/new"
for i in "$D/out/$me".*; do cp "$i" "$D/old/${i##*.}" && cp "$i" "$D/new/${i##*.}"; done
round_end
sed '0,/^mailaddress: /s/^mailaddress: .*\r$/mailaddress: somebody.else@example.com\r/' "$D/old/list_1" >"$D/new/list_1"
holds() { raw | cmp -s - "$D/$1/list_1"; }
writes() { PEERS_KIND=ab.restore PEERS_PHASE=apply PEERS_SOURCE=$D/new "$@"; }

# ---- cancelled: the attempt that looks puts right what was begun, and begins nothing ----
looks() { PEERS_CANCELLED=1 PEERS_STEP=sent PEERS_PRE=$D/old PEERS_KIND=ab.restore PEERS_PHASE=look PEERS_SOURCE=$D/new round 60; }
looks
is "$(last state) $(last code) $(last step)" "cancelled 8101 reverted" "cancelled, and the old content is there: it is not written"
check "the device holds the old list" holds old
is "$(told unsure | wc -l)" 0 "the lock goes back clean"
round_end
put "$D/new/list_1"
looks
is "$(last state) $(last step)" "succeeded verified" "cancelled, and the new content is there: finished"
round_end
sed 's/^mailaddress: .*\r$/mailaddress: half@example.com\r/' "$D/new/list_1" >"$D/half" && put "$D/half"
looks
is "$(last state) $(last reason) $(journal)" "failed reverted reverting reverted" "cancelled, and neither is there: the old content goes back"
check "the device holds the old list" holds old
round_end
PEERS_CANCELLED=1 writes round 60
is "$(last state) $(journal)" "cancelled " "cancelled before it began: nothing is asked of the device"
is "$(told granted | wc -l)" 0 "and no lock"
round_end

# ---- printers whose lists are no lists (devices.md 14.5): nothing is planned over what cannot be read, nothing is written ----
fault() { sim POST "/devices/$me/fault" "$1" >/dev/null; }
fault '{"mp":"mp_14","at":"export"}'
writes round 60
is "$(last state) $(last code) $(journal)" "failed 5001 " "mp_14 NUL, no charset, a million columns: parse_error, nothing is written"
round_end
PEERS_KIND=ab.backup round 60
is "$(last state) $(last code)" "failed 5001" "nor is it backed up as if it were a book: the cause says so"
round_end
fault '{"mp":"mp_24_twice","at":"export"}'
writes round 60
is "$(last state) $(last code) $(journal)" "failed 5001 " "mp_24 two entries of one number: parse_error, nothing is written"
round_end
fault '{"mp":"none"}'
check "the device holds the old list" holds old

# ---- keep_awake, watch_shutdown ----
writing() { within 60 journaled sent && within 20 busy || not_ok "the write begins"; }
latency '{"export_ms":20000}'
PEERS_KIND=ab.backup begin --awake_ms=50 --renew_ms=50
within 60 busy || not_ok "the printer is read"
is "$(op '{"op":"shutdown","seconds":600}')" running "somebody switches the printer off while it is read"
sees
within 60 all_ended
is "$(last state) $(last code) $(last reason)" "deferred 2101 shutdown" "it is left at once; the attempt is not charged (C1)"
is "$(told unsure | wc -l)" 1 "the lock goes back unsure"
round_end
op '{"op":"shutdown","stop":true}' >/dev/null
latency '{"export_ms":2,"import_ms":2500}'
idle() { ! busy; }
within 60 idle

writes begin --awake_ms=50 --renew_ms=50
writing
is "$(op '{"op":"shutdown","seconds":600}')" running "somebody switches it off in the middle of the import (row 19: not interlocked)"
sees
op '{"op":"shutdown","stop":true}' >/dev/null
within 60 all_ended
is "$(last state) $(last reason)" "succeeded shutdown" "the write goes on, the read-back decides; the history says what was seen"
check "the device holds the new list" holds new
round_end
put "$D/old/list_1"
writes begin --awake_ms=50 --renew_ms=50
writing
op '{"op":"shutdown","seconds":600}' >/dev/null
sees
sim POST "/devices/$me/power" '{"seconds":0}' >/dev/null
within 60 all_ended
is "$(last state) $(last code) $(last reason) $(last 'report[0].result')" "deferred 2101 shutdown unknown" "and off it is: unknown, to be looked at, not charged (C3)"
is "$(told unsure | wc -l)" 1 "the lock goes back unsure"
round_end
sim POST "/devices/$me/power" '{"on":true}' >/dev/null
op '{"op":"shutdown","stop":true}' >/dev/null
put "$D/old/list_1"
latency '{"import_ms":2}'

# ---- pause_sync ----
op '{"op":"sync"}' >/dev/null
PEERS_EFFECTS=sync writes round 60 --awake_ms=50 --renew_ms=100
is "$(last state) $(last reason)" "succeeded null" "synchronisation paused for the import runs again"
round_end
put "$D/old/list_1"
latency '{"import_ms":1500}'
PEERS_EFFECTS=sync writes begin
writing
op '{"op":"sync","stop":true}' >/dev/null
within 60 all_ended
is "$(last state) $(last reason)" "succeeded sync_not_resumed" "one that does not is told"
round_end
put "$D/old/list_1"
latency '{"import_ms":2}'
PEERS_EFFECTS=strange writes round 60
is "$(last state) $(last code) $(last reason) $(told unsure | wc -l)" "failed 6004 unknown_effect 0" "an effect that nobody here knows: nothing is done (D9)"
check "the device holds the old list" holds old
round_end

# ---- B4: a restart is needed, and somebody stands at the printer ----
me=$two
export PEERS_MAP=$D/map.$me PEERS_FORMAT=opaque PEERS_PASSWORD='open sesame'
round 60
mkdir "$D/values"
for i in coded_dial favorites; do cp "$D/out/$me.$i" "$D/values/$i"; done
round_end
changed() { sim POST "/devices/$me/edit" '{"item":"coded_dial","name":"Somebody else"}' >/dev/null; }
model=$(jq -r '.devices[0].model' "$PEERS_MAP")
restores() { PEERS_KIND=ab.restore PEERS_PHASE=apply PEERS_RESTART=1 PEERS_LANGUAGE=en PEERS_MODEL=$model PEERS_SOURCE=$D/values "$@"; }
changed
latency '{"import_ms":1500}'
before=$(stat restarts)
restores begin
writing
kill -STOP "$worker_pid"
within 60 has_run || not_ok "the import ends"
is "$(op '{"op":"panel"}')" running "the import is done, and somebody uses the panel"
kill -CONT "$worker_pid"
within 60 all_ended
is "$(last state) $(last 'report[0].detail') $(last plan.restart_later)" "succeeded restart_required true" "written and proven; the restart is put off (B4)"
is "$(journal) $(($(stat restarts) - before))" "pre_image sent answered sent verified 0" "it was not sent"
round_end
op '{"op":"panel","stop":true}' >/dev/null
latency '{"import_ms":2}'
changed
restores round 60
is "$(last state) $(last 'report[0].detail') $(($(stat restarts) - before))" "succeeded null 1" "with nobody there it restarts at once"
round_end

# ---- a restart alone is sent once, whoever dies ----
export PEERS_KIND=device.restart
before=$(stat restarts)
op '{"op":"panel"}' >/dev/null
round 60
is "$(last state) $(last code) $(last step) $(($(stat restarts) - before))" "deferred 2101 planned 0" "not while somebody uses the panel"
round_end
op '{"op":"panel","stop":true}' >/dev/null
PEERS_ATTEMPTS=100000 begin
within 60 journaled sent || not_ok "the restart is journaled"
restarted() { [ "$(stat restarts)" -gt "$before" ]; }
within 60 restarted || not_ok "the printer restarts"
kill -KILL "$worker_pid" && wait "$worker_pid" 2>/dev/null
peers_set requeue=1
worker_up
within 60 all_ended
is "$(last state) $(last code) $(last reason) $(($(stat restarts) - before))" "partial 4007 unknown 1" "the next worker does not restart it again (R5), and says what is known"
round_end

is "$(sim GET '/log?since=0&limit=100000' | grep -c -E '"(overlap|violation)"')" 0 "never two sessions on the device"
done_testing
