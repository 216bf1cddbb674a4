#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The lock service as processes on a real PostgreSQL: the matrix and the worked examples from outside, the life of a lock, races,
# what is refused. The parts run side by side, each with its own database. PARTS="life bad" chooses.
cd "$(dirname "$0")/../.." || exit 1
export B=${B:-build}
parts=${PARTS:-matrix examples life race bad}
dir=$(mktemp -d /tmp/carnet-lock.XXXXXX)
trap 'rm -rf "$dir"' EXIT
declare -A pids
for part in $parts; do
	tests/lib/with-pg "$B/tests/service/lock_$part" >"$dir/$part" 2>&1 &
	pids[$part]=$!
done
n=0
bad=0
for part in $parts; do
	wait "${pids[$part]}" || bad=1
	grep -q '^1\.\.' "$dir/$part" || echo "not ok $((n += 1)) - $part: ran to its end"
	while IFS= read -r line; do
		case $line in
		"ok "*) echo "ok $((n += 1)) - $part: ${line#* - }" ;;
		"not ok "*) echo "not ok $((n += 1)) - $part: ${line#* - }" ;;
		1..*) ;;
		*) echo "# ${line#\# }" ;;
		esac
	done <"$dir/$part"
done
echo "1..$n"
exit "$bad"
