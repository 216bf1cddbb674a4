#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Restore drills through the whole of Carnet (storage.md ST-74): newest versions go to a simulated printer of their family,
# are read back, and compared entry by entry.
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. deploy/local/stack.sh
. tests/lib/system.sh
B=${B:-build}
D=$(mktemp -d /tmp/cdr.XXXXXX)
trap system_end EXIT
export CARNET_SCRUB_AGE_MS=0 CARNET_PASSPORT_MS=1000
STACK_COUNT=4 STACK_BASE=127.47.0.0 STACK_DURABLE=0
STACK_INSTANCES="simulator:1 lock:1 storage:1 sync:1 scheduler:1 worker:1 gateway:1"
system_start '.faults = {} | .sites |= map(select(.language == "fr")) | .types = {I: 4, II: 0, III: 0} | .books = {empty: 0, small: 1, medium: 0, large: 0, full: 0, duplicates: 0} | .restart_ms = 300
	| .latency = {login_ms: 2, page_ms: 2, export_ms: 5, import_ms: 20}'

rest() { # METHOD PATH [JSON]
	curl -s -m 30 --unix-socket "$D/run/rest.sock" -X "$1" -H "Authorization: Bearer $(cat "$D/run/token")" \
		-H "Idempotency-Key: $(cat /proc/sys/kernel/random/uuid)" "http://localhost/api/v1$2" \
		${3:+-H 'Content-Type: application/json' -d "$3"}
}
mapfile -t names < <(jq -r '.devices[].name' "$D/run/map.json")
lists() { control GET "/devices/$1" | jq '.state.items | length'; }
target=${names[0]} # the one with the most lists takes what the others have
for name in "${names[@]}"; do [ "$(lists "$name")" -gt "$(lists "$target")" ] && target=$name; done
others=$((${#names[@]} - 1))
carnet task run backup >/dev/null 2>&1
# The tasks are storage's (fleet.md section 11): a run of one is a job without a device.
now() { # TASK → state of its run, its one job and what came of it
	local run
	run=$(rest POST "/tasks/$(rest GET /tasks | jq -r --arg n "$1" '.items[] | select(.name == $n) | .id'):run" | jq -r .id)
	run_wait "$run" 120
	rest GET "/runs/$run/targets" | jq -r --arg s "$(rest GET "/runs/$run" | jq -r .state)" \
		'.items | "\($s) \(length) \(.[0].state) \(.[0].device_name): \(.[0].detail)"'
}
is "$(rest GET '/tasks?filter=built_in%20%3D%20true' | jq -r '[.items[] | select(.kind | startswith("vault", "system")) | .kind] | sort | join(" ")')" \
	"system.housekeeping vault.drill vault.verify" "the tasks of storage come with Carnet"
is "$(now "Restore Drill")" "succeeded 1 succeeded Carnet: drill: nothing was due" "a drill that finds no printer to restore to says so"
is "$(rest GET /drills | jq '.items | length')" 0 "without a printer that is labelled for it nothing is restored"
rest PATCH "/devices/$target" '{"labels":[{"key":"drill","value":"yes"}],"simulated":true,"accept_clear_text_secrets":true}' >"$D/patched"

outcomes() { rest GET /drills | jq -r '[.items[].outcome] | group_by(.) | map("\(.[0]) \(length)") | join(" ")'; }
drilled() { [ "$(rest GET /drills | jq '.items | length')" -ge "$others" ]; }
is "$(now "Restore Drill")" "succeeded 1 succeeded Carnet: drill: $others restored and equal, 0 not, 1 without a printer to restore to" \
	"the task drills now, and its run says what came of it"
drilled || rest GET /drills
is "$(outcomes)" "equal $others" "the newest version of each other printer comes back equal, entry by entry"
is "$(rest GET /drills | jq -r '[.items[].target] | unique | length')" 1 "all were restored to the printer with the label"
is "$(rest GET /drills | jq -r --arg t "$(rest GET "/devices/$target" | jq -r .id)" '[.items[] | select(.target != $t or .device == $t)] | length')" \
	0 "and to no other; its own version is not drilled"
is "$(rest GET "/versions?heads=true&kind=address_book" | jq '[.items[] | select(.proven_at != null and .proven_at != 0)] | length >= 1')" true \
	"each version says when it was last proven restorable"
is "$(rest GET '/devices?limit=1000' | jq '[.items[] | select((.proven_at // 0) != 0)] | length')" "$others" "and so does each printer"
alone() { local n; for n in "${names[@]}"; do rest GET "/devices/$n" | jq -c '[.name, .proven_at // null]'; done | sort; }
is "$(alone)" "$(rest GET '/devices?limit=1000' | jq -c '.items[] | [.name, .proven_at // null]' | sort)" "shown alone and in the list"
passport() { find "$D" -name 'passport-*.json' | sort | tail -n 1; }
told() { [ "$(jq '[.devices[] | select(.proven_at != null)] | length' "$(passport)")" = "$others" ]; }
within 60 told
check "and the passport of the medium" told
is "$(carnet drill list | grep -c equal)" "$others" "people see it"

# the last good copy is lost: nobody waits for the night (ST-73)
lost=${names[0]}
[ "$lost" = "$target" ] && lost=${names[1]}
device=$(rest GET "/devices/$lost" | jq -r .id)
newest() { rest GET "/versions?heads=true&kind=address_book" | jq -r --arg d "$device" '.items[] | select(.device == $d) | .generation'; }
was=$(newest)
find "$D" -path "*$device/address_book/$was-*.json" -delete
case $(now "Verify Versions") in
"failed 1 failed Carnet: scrub: failed: "*", 1 damaged") ok "a version that is gone makes Verify Versions fail, with its number" ;;
*) not_ok "a version that is gone makes Verify Versions fail, with its number" ;;
esac
again() { [ "$(newest)" -gt "$was" ]; }
within 90 again
is "$(newest)" $((was + 1)) "a device whose newest backup has no good copy left is backed up again at once, by the run that read it last"
case $(now Housekeeping) in
"succeeded 1 succeeded Carnet: prune: "*"; collect: "*"; rotate: "*) ok "Housekeeping retains, collects and looks after keys" ;;
*) not_ok "Housekeeping retains, collects and looks after keys" ;;
esac
is "$(rest GET /runs | jq -r '[.items[] | select(.cause == "rerun") | .counts.total] | join(" ")')" 1 "once, and only this device"

# where that cannot be, because its task is gone, somebody is told (alarm.not_backed_up_again), once
for name in "${names[@]}"; do [ "$name" = "$target" ] || [ "$name" = "$lost" ] || other=$name; done
device=$(rest GET "/devices/$other" | jq -r .id)
was=$(newest)
version=$(rest GET "/versions?heads=true&kind=address_book" | jq -r --arg d "$device" '.items[] | select(.device == $d) | .id')
db <<-'SQL'
	create table public.heard (kind text, subject text, data jsonb);
	create function public.hear() returns trigger language plpgsql security definer as
		$$ begin insert into public.heard values (new.kind, new.subject, new.data); return null; end $$;
	create trigger hear after insert on sched.outbox for each row execute function public.hear();
SQL
heard() { db -c "select subject || ' ' || (data ->> 'device') || ' ' || (data ->> 'version') from public.heard where kind = 'alarm.not_backed_up_again'"; }
rest DELETE /tasks/backup >"$D/deleted"
find "$D" -path "*$device/address_book/$was-*.json" -delete
for _ in 1 2; do now "Verify Versions" >"$D/verified"; done
check "that a device could not be backed up again is an alarm" within 60 eval '[ -n "$(heard)" ]'
is "$(heard)" "device/$device $device $version" "with device and version, told once"
is "$(db -c "select count(*) from public.heard where kind = 'alarm.data_loss'") $(newest)" "1 $was" "beside that the version is lost; nothing came in its place"
is "$(rest GET /runs | jq -r '[.items[] | select(.cause == "rerun") | .counts.total] | join(" ")')" 1 "and no run was made"
system_finish
