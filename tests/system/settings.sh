#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# settings.restore over IPP through all services, on real printers' software: cupsd, lprint (PAPPL), and one that answers like ippserver
# (ipp_three_answers); and a file delivered to a real FTP server.
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. deploy/local/stack.sh
. tests/lib/system.sh
. tests/lib/ipp.sh
B=${B:-build}
PATH=$PATH:/usr/sbin
for p in cupsd lpadmin ipptool lprint vsftpd; do command -v "$p" >/dev/null || { echo "1..0 # SKIP package of $p is not installed"; exit 0; }; done
D=$(mktemp -d /tmp/cst.XXXXXX)
trap 'ipp_down; system_end' EXIT
STACK_COUNT=1 STACK_BASE=127.44.0.0 STACK_DURABLE=0
STACK_INSTANCES="simulator:1 lock:1 storage:1 sync:1 scheduler:1 worker:1 gateway:1"
system_up '.faults = {}'
export LC_ALL=C.UTF-8
c() { "$B/bin/carnet" "$@" 2>"$D/stderr"; }
rc() { # WANTED TEXT COMMAND…: the exit code
	local wanted=$1 text=$2
	shift 2
	local tap_last=$tap_bad
	c "$@" >"$D/stdout"
	is $? "$wanted" "$text"
	[ "$tap_last" = "$tap_bad" ] || sed "s|^|# |" "$D/stderr" "$D/stdout"
}
c setup --setup-token-file "$D/run/setup-token" --password-file "$D/run/admin" --token-out "$D/run/token" >/dev/null

port=$((20000 + RANDOM % 12000)) # below those of outgoing connections
cupsd_up "$port" && within 20 cups_printer q1 -L Lyon -D "by the stairs" || not_ok "cupsd starts"
lprint_up $((port + 1)) || not_ok "lprint starts"
third_up $((port + 2)) || not_ok "the third kind starts"
add() { # NAME PORT PATH
	rc 0 "$1 is added" device add --name "$1" --vendor ipp --family ipp --address 127.0.0.1 --ports "ipp=$2" --simulated true --clear_text true --labels "ipp_path=$3"
}
add cups "$port" /printers/q1
add label $((port + 1)) /ipp/print/p1
add third $((port + 2)) /ipp/print
rc 0 "a task for their settings" task create settings --kind settings.backup --device cups --device label --device third
rc 0 "which are backed up" task run settings

# ---- cupsd ----
cups_printer q1 -L Paris -D "on the roof"
rc 2 "cupsd: the plan says what would change" plan settings cups@latest --to cups --json
plan=$(jq -r .run.id "$D/stdout")
c plan show "$plan" --device cups >"$D/shown"
check "the location, from Paris to Lyon" grep -q 'printer-location.*Paris.*Lyon' "$D/shown"
is "$(ipp_get "$port" /printers/q1 printer-location)" Paris "and nothing was written"
rc 0 "it is applied" apply "$plan" --yes
is "$(ipp_get "$port" /printers/q1 printer-location) $(ipp_get "$port" /printers/q1 printer-info)" "Lyon by the stairs" "the printer has its old settings again"
apply=$(c run list --json | jq -r '[.items[] | select(.kind == "settings.restore" and .phase == "apply")][0].id')
is "$(c run targets "$apply" --json | jq -r '.items[0] | "\(.state) \(.step) \(.report[0].item) \(.report[0].result)"')" "succeeded verified settings ok" "read back and verified"
rc 0 "again: nothing is to be changed" plan settings cups@latest --to cups
rc 0 "reverted" revert "$apply" --yes
is "$(ipp_get "$port" /printers/q1 printer-location)" Paris "what was overwritten is back"
is "$(db -c "select count(*) from store.version where read_back and 'torn' = any(flags)")" 0 "a read-back is not torn by the write before it"

# stopped, the printer is busy: the job waits, and goes on when it is free
cupsdisable -h "127.0.0.1:$port" -r "out of paper" q1
rc 2 "a plan again" plan settings cups@1 --to cups --json
"$B/bin/carnet" apply "$(jq -r .run.id "$D/stdout")" --yes >/dev/null 2>&1 &
apply_pid=$!
state_of() { c run targets "$(c run list --json | jq -r '[.items[] | select(.kind == "settings.restore" and .phase == "apply")][0].id')" --json | jq -r '.items[0] | "\(.state) \(.cause)"'; }
within 30 eval 'seen=$(state_of); [ "$seen" = "deferred device_busy" ]'
is "$seen" "deferred device_busy" "a stopped printer is not written: device_busy, deferred"
is "$(ipp_get "$port" /printers/q1 printer-location)" Paris "and it is as it was"
cupsenable -h "127.0.0.1:$port" q1
within 60 eval '[ "$(state_of)" = "succeeded null" ]'
is "$(state_of) $(ipp_get "$port" /printers/q1 printer-location)" "succeeded null Lyon" "free again, it is written"
wait "$apply_pid"

# ---- PAPPL ----
ipp_set $((port + 1)) /ipp/print/p1 integer printer-darkness-configured 60
rc 2 "lprint: the plan" plan settings label@latest --to label --json
rc 0 "it is applied" apply "$(jq -r .run.id "$D/stdout")" --yes
is "$(ipp_get $((port + 1)) /ipp/print/p1 printer-darkness-configured)" 50 "the darkness is as it was"

# ---- the third kind: it takes what it likes, and names the rest beside successful-ok ----
ipp_set $((port + 2)) /ipp/print text printer-location Paris
ipp_set $((port + 2)) /ipp/print keyword media-default na_letter
third_refuses media-default
rc 2 "the third kind: the plan" plan settings third@latest --to third --json
rc 0 "it is applied" apply "$(jq -r .run.id "$D/stdout")" --yes
apply=$(c run list --json | jq -r '[.items[] | select(.kind == "settings.restore" and .phase == "apply")][0].id')
is "$(ipp_get $((port + 2)) /ipp/print printer-location) $(ipp_get $((port + 2)) /ipp/print media-default)" "Lyon na_letter" "what it takes is written"
is "$(c run targets "$apply" --json | jq -r '.items[0] | "\(.state) " + (.report | map("\(.item)=\(.result)") | join(" "))')" \
	"succeeded settings=ok_corrected media-default=skipped_model" "what it refused is a line of the report"

# ---- it says yes and keeps the old ----
ipp_set $((port + 2)) /ipp/print text printer-location Paris
third_refuses
third_ignores printer-location
ipp_set $((port + 2)) /ipp/print keyword media-default na_legal
rc 2 "one that ignores: the plan" plan settings third@latest --to third --json
rc 1 "is not applied" apply "$(jq -r .run.id "$D/stdout")" --yes
apply=$(c run list --json | jq -r '[.items[] | select(.kind == "settings.restore" and .phase == "apply")][0].id')
is "$(c run targets "$apply" --json | jq -r '.items[0] | "\(.state) \(.cause) \(.step)"')" "failed readback_differs reverted" "successful-ok is no success: readback_differs, reverted"
is "$(ipp_get $((port + 2)) /ipp/print media-default)" na_legal "and what was taken is undone"
third_ignores

# ---- another printer's settings: its name and place stay ----
rc 2 "cups' settings for lprint" plan settings cups@latest --to label --json
c plan show "$(jq -r .run.id "$D/stdout")" --device label >"$D/shown"
check "its place is not touched" eval '! grep -q "printer-location.*Lyon" "$D/shown" || grep -q "class\|another" "$D/shown"'

# ---- a file by FTP ----
ftpd_up $((port + 9))
rc 0 "a print server is added" device add --name box --vendor HP --family jetdirect_ftp --model "JetDirect 600N" --address 127.0.0.1 --ports "ftp=$((port + 9)),snmp=9" \
	--simulated true --clear_text true --labels ftp_directory=port1
printf '%%!PS\nshowpage\n' >"$D/job.ps"
rc 1 "it does not say who it is: a file waits for a person's word" deliver "$D/job.ps" --to box --file-name job.ps
run=$(c run list --json | jq -r '[.items[] | select(.kind == "file.deliver")][0].id')
is "$(c run targets "$run" --json | jq -r '.items[0] | "\(.state) \(.cause)"') $(find "$D/root/port1" -name 'job.ps' | wc -l)" "failed identity_unknown 0" "nothing is sent (FL-4)"
rc 0 "accepted, it is delivered" deliver "$D/job.ps" --to box --file-name job.ps --accept identity
check "byte for byte" cmp -s "$D/job.ps" "$D/root/port1/job.ps"
printf '%%PDF-1.4\n' >"$D/x.pdf"
rc 1 "a PDF is not" deliver "$D/x.pdf" --to box --accept identity
run=$(c run list --json | jq -r '[.items[] | select(.kind == "file.deliver")][0].id')
is "$(c run targets "$run" --json | jq -r '.items[0] | "\(.state) \(.cause) \(.reason)"')" "failed validation_failed print_language" "no printer there knows it: validation_failed"
exec 4<>"/dev/tcp/127.0.0.1/$((port + 9))" 5<>"/dev/tcp/127.0.0.1/$((port + 9))" 6<>"/dev/tcp/127.0.0.1/$((port + 9))"
before=$(c run list --json | jq '[.items[] | select(.kind == "file.deliver")] | length')
"$B/bin/carnet" deliver "$D/job.ps" --to box --file-name fourth.ps --accept identity >/dev/null 2>&1 &
deliver_pid=$!
within 20 eval '[ "$(c run list --json | jq "[.items[] | select(.kind == \"file.deliver\")] | length")" -gt "$before" ]'
run=$(c run list --json | jq -r '[.items[] | select(.kind == "file.deliver")][0].id')
target() { c run targets "$run" --json | jq -r '.items[0] | "\(.state) \(.cause)"'; }
within 20 eval 'seen=$(target); [ "$seen" = "deferred session_limit" ]'
is "$seen" "deferred session_limit" "others have all three sessions: 421 is busy, and the job waits (ftp_421_is_busy)"
exec 4>&- 5>&- 6>&-
c run cancel "$run" >/dev/null
wait "$deliver_pid"

# ---- a restart, seen by the up time ----
rc 0 "a task that restarts a printer" task create restart --kind device.restart --device third
rc 0 "the printer says so, and its up time falls" task run restart
is "$(c lock list --json | jq '.items | length')" 0 "no lock is left"
system_finish
