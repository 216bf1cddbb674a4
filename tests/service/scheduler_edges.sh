#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The transition table of the database is the one of schemas/job_states.tab (RL-1).
set -u
here=$(cd "$(dirname "$0")/../.." && pwd)
export B=${B:-$here/build}
[ -n "${CARNET_TEST_DB:-}" ] || exec "$here/tests/lib/with-pg" "$0"
tab=$("$B/schemagen" --sql-job-states "$here/schemas" | grep -o "'[a-z]*', '[a-z]*'" | tr -d "' " | sort)
db=$(psql -X -A -t -F, -d "$CARNET_TEST_DB" -c "select f.word, t.word from sched.job_edge e
	join sched.job_state f on f.id = e.from_state join sched.job_state t on t.id = e.to_state" | sort)
if [ -n "$tab" ] && [ "$tab" = "$db" ]; then
	echo "ok 1 - sched.job_edge equals schemas/job_states.tab"
else
	echo "not ok 1 - sched.job_edge equals schemas/job_states.tab"
	diff <(echo "$tab") <(echo "$db") | sed 's/^/# /'
fi
echo 1..1
