#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The lock service as processes on a real PostgreSQL: the matrix from outside, the life of a lock,
# chaos with its history checked, and a kill at each crash point (make CRASH=1 or SAN=1).
cd "$(dirname "$0")/../.." || exit 1
export B=${B:-build}
n=0
bad=0
for part in ${PARTS:-matrix}; do
	out=$(tests/lib/with-pg "$B/tests/service/lock_$part" 2>&1) || bad=1
	while IFS= read -r line; do
		case $line in
		"ok "* | "not ok "*)
			n=$((n + 1))
			printf '%s %d - %s: %s\n' "${line%% [0-9]*}" "$n" "$part" "${line#* - }"
			;;
		1..*) ;;
		*) printf '# %s\n' "${line#\# }" ;;
		esac
	done <<<"$out"
done
echo "1..$n"
exit "$bad"
