#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The run list, a run's targets, its grouped outcomes and a job's transitions over a long history:
# HISTORY_RUNS runs of HISTORY_DEVICES printers each, made by SQL as the scheduler would leave them.
# Asked one after the other through the scheduler; target: p99 <= 100 ms at 10^7 jobs.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
export B=${B:-$here/build}
if [ -z "${CARNET_TEST_PG:-}" ]; then
	exec "$here/tests/lib/with-pg" "$0" "$@"
fi
runs=${HISTORY_RUNS:-400} devices=${HISTORY_DEVICES:-25000} asks=${HISTORY_ASKS:-300}
dir=$(mktemp -d /tmp/carnet-history.XXXXXX)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$dir"' EXIT
export PGHOST=$CARNET_TEST_PG
psql -X -q -A -t -U postgres -d carnet -v ON_ERROR_STOP=1 -v runs="$runs" -v devices="$devices" -v asks="$asks" \
	-f "$here/tests/bench/history.sql" >"$dir/asks"
"$B/bin/carnet-scheduler" --bus_listen="ipc://$dir/s" --bus_publish="ipc://$dir/e" --log_level=warn \
	--database="host=$PGHOST dbname=carnet user=carnet_scheduler" &
pid=$!
for _ in $(seq 100); do [ -S "$dir/s" ] && break; sleep 0.1; done
echo "history: $((runs * devices)) jobs in $runs runs, $(psql -X -A -t -U postgres -d carnet -c \
	"select pg_size_pretty(pg_database_size('carnet'))"); message, asked, p50, p99, longest (ms)"
"$B/tests/bench/queue_ask" "ipc://$dir/s" <"$dir/asks"
