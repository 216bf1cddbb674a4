#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# common/db beside pgbench (prepared statements, four clients) on the same server in the same run:
# single reads, and transactions of one insert with fsync on. tests/bench/db.sh [SECONDS]
set -euo pipefail
cd "$(dirname "$0")/../.."
export B=${B:-build}
if [ -z "${CARNET_TEST_PG:-}" ]; then
	PG_DURABLE=1 SQL_DIR='' exec tests/lib/with-pg "$0" "$@"
fi
. tests/lib/pg.sh
seconds=${1:-${SECONDS_EACH:-2}}
scripts=$(mktemp -d)
trap 'rm -rf "$scripts"' EXIT
echo 'select 1;' >"$scripts/read"
printf '%s\n' 'begin;' 'insert into public.b (v) values (1);' 'commit;' >"$scripts/write"
"$B/tests/bench/db_rate" write 1 1 >/dev/null # makes the table
printf '%-8s %12s %12s %12s %8s\n' what outstanding 'common/db /s' 'pgbench /s' ratio
for what in read write; do
	for k in 1 4 64; do
		a=$("$B/tests/bench/db_rate" "$what" "$k" "$seconds")
		clients=$((k < 4 ? k : 4))
		b=$("$PG_BIN/pgbench" -n -M prepared -f "$scripts/$what" -c "$clients" -T "$seconds" \
			-h "$CARNET_TEST_PG" -U postgres carnet 2>/dev/null | awk '/^tps/ {printf "%d", $3}')
		printf '%-8s %12d %12d %12d %7s x\n' "$what" "$k" "$a" "$b" "$(awk "BEGIN{printf \"%.2f\", $a/$b}")"
	done
done
