#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Jobs through claim and completion, durable, beside graphile-worker on the same PostgreSQL, and how long
# an idle worker waits for a job. JOBS=20000 ROUNDS=1; IN_FLIGHT=32 claims of 64 jobs at once. Needs node and npm for the peer; without them the
# peer's part is left out and says so.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
export B=${B:-$here/build}
if [ -z "${CARNET_TEST_PG:-}" ]; then
	PG_DURABLE=1 exec "$here/tests/lib/with-pg" "$0" "$@"
fi
jobs=${JOBS:-20000} rounds=${ROUNDS:-1}
dir=$(mktemp -d /tmp/carnet-queue.XXXXXX)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$dir"' EXIT
export PGHOST=$CARNET_TEST_PG
q() { psql -X -q -A -t -U postgres -d "${2:-carnet}" -c "$1"; }

# ---- the peer, in its own database of the same server ----
peer=
export NPM_DIR=${NPM_DIR:-/tmp/carnet-bench-npm}
if command -v node >/dev/null && command -v npm >/dev/null; then
	if [ ! -d "$NPM_DIR/node_modules/graphile-worker" ]; then
		mkdir -p "$NPM_DIR"
		(cd "$NPM_DIR" && npm install --no-audit --no-fund --silent graphile-worker@0.18.0 pg@8 >/dev/null 2>&1) || true
	fi
	[ ! -d "$NPM_DIR/node_modules/graphile-worker" ] || peer=1
fi
gw() { node "$here/tests/bench/queue_js.js" "$@"; }

# ---- us ----
"$B/bin/carnet-scheduler" --bus_listen="ipc://$dir/s" --bus_publish="ipc://$dir/e" --log_level=warn \
	--database="host=$PGHOST dbname=carnet user=carnet_scheduler" &
pid=$!
for _ in $(seq 100); do [ -S "$dir/s" ] && break; sleep 0.1; done
q "insert into fleet.device (id, name, vendor, family, serial, address) select sched.uuid7(), 'd' || i, 'Canon',
	'canon_rui', 'S' || i, host('10.0.0.0'::inet + i) from generate_series(1, $jobs) i"
q "insert into sched.task (id, name, kind, schedule, targets, settings, retry) values (sched.uuid7(), 'bench',
	'ab.backup', '{\"form\": \"manual\"}', '{\"all\": true}', '{\"lists\": [\"all\"]}', '{}')"
q "vacuum analyze"
start_run() { "$B/tests/bench/queue_ask" "ipc://$dir/s" run_start '{"ref": "bench"}' >/dev/null; }
ours() { start_run; q "vacuum analyze sched.job, sched.ready"; "$B/tests/bench/queue_worker" "ipc://$dir/s" thr "$jobs" "${IN_FLIGHT:-32}" "$1" | cut -f2; }

echo "queue: $jobs jobs, $rounds rounds, PostgreSQL durable (fsync and synchronous_commit on)"
[ -z "$peer" ] || { q 'create database graphile' postgres; echo "graphile-worker settings: $(gw settings)"; }
for _ in $(seq "$rounds"); do
	short=$(ours short) full=$(ours full)
	printf 'carnet, claimed to ended\t%s\tjobs/s\n' "$short"
	printf 'carnet, claimed, running, storing, succeeded\t%s\tjobs/s\n' "$full"
	if [ -n "$peer" ]; then
		them=$(gw thr "$jobs" | cut -f2)
		printf 'graphile-worker\t%s\tjobs/s\n' "$them"
		awk -v a="$short" -v b="$full" -v c="$them" \
			'BEGIN { printf "ratio\t%.2f (all four states: %.2f)\ttarget >= 5\n", a / c, b / c }'
	else
		echo "graphile-worker: not measured, node or npm or the package is missing"
	fi
done
q "delete from fleet.device where name <> 'd1'"
lat=$("$B/tests/bench/queue_worker" "ipc://$dir/s" lat 200 "ipc://$dir/e" | head -1 | cut -f2)
printf 'carnet, run_start to claimed, p50\t%s\tms\n' "$lat"
if [ -n "$peer" ]; then
	them=$(gw lat 200 | cut -f2)
	printf 'graphile-worker, addJob to handler, p50\t%s\tms\n' "$them"
	awk -v a="$lat" -v c="$them" 'BEGIN { printf "ratio\t%.2f\ttarget <= 0.15\n", a / c }'
fi
