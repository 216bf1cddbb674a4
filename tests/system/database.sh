#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# PostgreSQL stops at once in the middle of a run and comes back (F6): so do all services, by themselves. Then the vault is
# full and has room again (F10): store_full, and the next run succeeds. Needs root: the vault is a tmpfs.
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. deploy/local/stack.sh
. tests/lib/books.sh
. tests/lib/system.sh
B=${B:-build}
D=$(mktemp -d /tmp/cdb.XXXXXX)
cleanup() {
	stack_down "$D"
	umount "$D/vault" 2>/dev/null
	system_end
}
trap cleanup EXIT
mkdir -p "$D/vault"
mount -t tmpfs -o size=64m,mode=0700 tmpfs "$D/vault" || { not_ok "a small file system for the vault (root)"; done_testing; }
STACK_SEED=6 STACK_COUNT=60 STACK_BASE=127.32.0.0
STACK_INSTANCES="simulator:1 lock:2 storage:2 sync:1 scheduler:2 worker:2 gateway:1"
system_start '.faults = {} | .latency = {login_ms: 100, page_ms: 50, export_ms: 400, jitter_percent: 60}'

under_way() { [ "$(db -c "select count(*) from sched.active where run = '$1'")" -gt 0 ] || run_ended "$1"; }
stopped=0 late=""
for round in 1 2; do
	edit_some 20
	run=$(run_start) || { late+=" no run $round"; break; }
	within 60 under_way "$run" || late+=" nothing under way $round"
	sleep 0.$((round * 3))
	[ "$(open_jobs "$run")" -gt 0 ] && stopped=$((stopped + 1))
	stack_pg "$stack_bin/pg_ctl" -D "$D/pg/data" -m immediate -w stop >/dev/null
	sleep "$round" # the length of the outage
	stack_database_start "$D"
	stack_ready "$D" 60 || late+=" ready $round"
	run_wait "$run" 240 || late+=" run $round: $(open_jobs "$run") open"
done
is "$stopped" 2 "PostgreSQL stopped with jobs open, twice"
is "$late" "" "every service came back by itself and every run ended"
is "$(failures)" "" "no target failed because the database was away"

# The vault is full: what did not change is still said to be unchanged, the rest is store_full.
before=$(db -c "select count(*) from store.version where state = 'committed'")
seen=$(tail -n 1 "$D/log/truth.jsonl" | jq .seq)
head -c 64m /dev/zero >"$D/vault/filler" 2>/dev/null
edit_some 20
changed=$(control GET "/log?since=$seen&limit=100000" | jq -r 'select(.what == "book_edit") | "\(.device) 7002"' | sort -u)
run=$(run_start) && run_wait "$run" 180
check "a run into a full vault ends" run_ended "$run"
is "$(failures "$run")" "$changed" "the printers whose books changed end as store_full, no other ($(wc -l <<<"$changed") of $STACK_COUNT)"
is "$(db -c "select count(*) from sched.job j join sched.job_state s on s.id = j.state where j.run = '$run' and s.word = 'unchanged'")" $((STACK_COUNT - $(wc -l <<<"$changed"))) \
	"every other one is unchanged: that needs no room"
is "$(db -c "select count(*) from store.version where state = 'committed'")" "$before" "nothing was committed into a full vault"
rm "$D/vault/filler"
run=$(run_start) && run_wait "$run" 180
is "$(failures "$run")" "" "with room again the next run succeeds"
is "$(db -c "select count(*) from store.version where state = 'committed'")" $((before + $(wc -l <<<"$changed"))) "and stores what had changed"
system_truth
system_finish
