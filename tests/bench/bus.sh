#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Bus round trips per second beside NNG's own REQ/REP sockets in the same run: tests/bench/bus.sh [SECONDS]
# Each pair runs ROUNDS times in turn; the medians are compared. Targets: >= 1 x at 1 outstanding, >= 3 x at 32.
set -euo pipefail
rr=${B:-build}/tests/bench/bus_rr seconds=${1:-${SECONDS_EACH:-1}} rounds=${ROUNDS:-3} size=${SIZE:-100}
median() { sort -n | sed -n "$(((rounds + 1) / 2))p"; }
printf '%-8s %12s %12s %12s %8s\n' transport outstanding 'bus /s' 'REQ/REP /s' ratio
for t in tcp tls+tcp ipc; do
	for k in 1 32 256; do
		ours='' stock=''
		for ((i = 0; i < rounds; i++)); do
			ours+=$("$rr" ours "$t" "$k" "$seconds" "$size")$'\n'
			stock+=$("$rr" stock "$t" "$k" "$seconds" "$size")$'\n'
		done
		a=$(printf %s "$ours" | median) b=$(printf %s "$stock" | median)
		printf '%-8s %12d %12d %12d %7s x\n' "$t" "$k" "$a" "$b" "$(awk "BEGIN{printf \"%.2f\", $a/$b}")"
	done
done
