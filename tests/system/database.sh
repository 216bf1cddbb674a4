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

stopped=0 late=""
for round in 1 2; do
	edit_some 20
	run=$(run_start) || { late+=" no run $round"; break; }
	until [ "$(stack_psql "$D" -c "select count(*) from sched.active where run = '$run'")" -gt 0 ] || run_ended "$run"; do sleep 0.1; done
	sleep 0.$((round * 3))
	[ "$(open_jobs "$run")" -gt 0 ] && stopped=$((stopped + 1))
	stack_pg "$stack_bin/pg_ctl" -D "$D/pg/data" -m immediate -w stop >/dev/null
	sleep "$round" # the length of the outage
	stack_database_start "$D"
	stack_ready "$D" 20 || late+=" ready $round"
	run_wait "$run" 90 || late+=" run $round: $(open_jobs "$run") open"
done
is "$stopped" 2 "PostgreSQL stopped with jobs open, twice"
is "$late" "" "every service came back by itself and every run ended"
is "$(stack_psql "$D" -F ' ' -c "select s.word, j.cause, count(*) from sched.job j join sched.job_state s on s.id = j.state where s.word in ('failed', 'dead', 'missed') group by 1, 2")" "" "no target failed because the database was away"

before=$(stack_psql "$D" -c "select count(*) from store.version where state = 'committed'")
head -c 64m /dev/zero >"$D/vault/filler" 2>/dev/null
edit_some 20
run=$(run_start) && run_wait "$run" 90
check "a run into a full vault ends" run_ended "$run"
full=$(stack_psql "$D" -c "select count(*) from sched.job where run = '$run' and cause = 7002")
check "targets end as store_full ($full of $STACK_COUNT)" test "$full" -gt 0
is "$(stack_psql "$D" -F ' ' -c "select distinct s.word from sched.job j join sched.job_state s on s.id = j.state where j.run = '$run' and cause = 7002")" failed "store_full is a failure, not a success"
is "$(stack_psql "$D" -c "select count(*) from store.version where state = 'committed'")" "$before" "nothing was committed into a full vault"
rm "$D/vault/filler"
run=$(run_start) && run_wait "$run" 90
is "$(stack_psql "$D" -c "select count(*) from sched.job j join sched.job_state s on s.id = j.state where j.run = '$run' and s.word not in ('succeeded', 'unchanged', 'skipped')")" 0 "with room again the next run succeeds"
system_truth
done_testing
