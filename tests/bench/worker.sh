#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Devices in flight in one worker: DEVICES (1000, then 10000 or what the limit of open files allows) simulated printers, one list of the simulator's large books each, 5 s think time.
# Prints wall against ideal, memory per device while all wait, CPU per device. Storage and lock answer at once.
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. tests/lib/worker.sh
ulimit -n 100000 2>/dev/null || ulimit -n "$(ulimit -Hn)" # sockets of both ends are on this machine
think=5000
cpu_ms() { awk -v hz="$(getconf CLK_TCK)" '{print ($14 + $15) * 1000 / hz}' "/proc/$1/stat"; }
rss_kb() { awk '/VmRSS/ {print $2}' "/proc/$1/status"; }
first=
many=$((($(ulimit -n) - 2000) / 4))
[ "$many" -lt 10000 ] || many=10000
for n in ${DEVICES:-1000 $many}; do
	worker_dir
	printf '{"seed":5,"count":%d,"types":{"I":1,"II":0,"III":0},"books":{"empty":0,"small":0,"medium":0,"large":1,"full":0},"latency":{"login_ms":1,"page_ms":1,"export_ms":%d,"jitter_percent":0}}' "$n" "$think" >"$D/fleet"
	sim_up --fleet="$D/fleet" --address_base=127.60.0.0 || exit 1
	export PEERS_LISTS=list_1
	peers_up && worker_up --slots=16384 --log_level=info --renew_ms=5000
	sleep 0.2
	idle=$(rss_kb "$worker_pid") most=$idle
	until all_ended; do
		now=$(rss_kb "$worker_pid")
		[ "${now:-0}" -le "$most" ] || most=$now
		kill -0 "$worker_pid" || exit 1
		sleep 0.2
	done
	cpu=$(cpu_ms "$worker_pid")
	wall=$(told done | jq .wall_ms)
	bytes=$(told result | jq -s 'map(.bytes // 0) | add')
	good=$(told result | jq -s 'map(select(.state=="succeeded")) | length')
	per=$(awk -v c="$cpu" -v n="$n" 'BEGIN {printf "%.3f", c / n}')
	printf '%6d devices: %d succeeded, %d KB each, wall %.2f s = %.2f x ideal (%.1f s), peak memory %.1f KB per device, CPU %s ms per device' \
		"$n" "$good" "$((bytes / n / 1024))" "$(awk -v w="$wall" 'BEGIN {print w / 1000}')" "$(awk -v w="$wall" -v t="$think" 'BEGIN {print w / t}')" \
		"$(awk -v t="$think" 'BEGIN {print t / 1000}')" "$(awk -v m="$most" -v i="$idle" -v n="$n" 'BEGIN {print (m - i) / n}')" "$per"
	[ -z "$first" ] && echo || awk -v a="$per" -v b="$first" 'BEGIN {printf " = %.2f x that of the first line\n", a / b}'
	[ -n "$first" ] || first=$per
	all_down
	rm -rf "$D"
done
