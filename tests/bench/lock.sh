#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Lock and unlock through the running service over tcp, durable (fsync and synchronous_commit on), at
# 1, 16 and 64 clients: one device per message, and 100. Beside it etcd (Debian's etcd-server, when
# installed), durable too, one key per transaction. SECONDS_EACH=2 ROUNDS=1.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
export B=${B:-$here/build}
if [ -z "${CARNET_TEST_PG:-}" ]; then
	PG_DURABLE=1 exec "$here/tests/lib/with-pg" "$0" "$@"
fi
each=${SECONDS_EACH:-2}
dir=$(mktemp -d /tmp/carnet-lockbench.XXXXXX)
pids=
# shellcheck disable=SC2086
trap '[ -z "$pids" ] || kill $pids 2>/dev/null; rm -rf "$dir"' EXIT
port() { for p in $(shuf -i 20000-32000 -n 50); do (exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null || { echo "$p"; return; }; done; }
reachable() { for _ in $(seq 100); do (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return; sleep 0.1; done; return 1; }

url=tcp://127.0.0.1:$(port)
psql -X -q -h "$CARNET_TEST_PG" -U postgres -d carnet -c "insert into lock.device (device_id) select
	('01000000-0000-0000-0000-0000' || lpad(to_hex(i), 8, '0'))::uuid from generate_series(0, 99999) i" -c "vacuum analyze"
"$B/bin/carnet-lock" --bus_listen="$url" --bus_publish="ipc://$dir/e" --log_level=warn \
	--database="host=$CARNET_TEST_PG dbname=carnet user=carnet_lock" &
pids="$pids $!"
reachable "${url##*:}"
etcd=
if command -v etcd >/dev/null; then
	etcd=$(port)
	peer=$(port)
	etcd --data-dir "$dir/etcd" --listen-client-urls "http://127.0.0.1:$etcd" \
		--advertise-client-urls "http://127.0.0.1:$etcd" --listen-peer-urls "http://127.0.0.1:$peer" \
		--initial-advertise-peer-urls "http://127.0.0.1:$peer" --initial-cluster "default=http://127.0.0.1:$peer" \
		--log-level error >"$dir/etcd.log" 2>&1 &
	pids="$pids $!"
	reachable "$etcd"
	sleep 1
else
	echo "etcd: not measured, etcd-server is not installed"
fi

declare -A target=([1]=4 [16]=8 [64]=8)
echo "lock: PostgreSQL durable, $each s each"
for _ in $(seq "${ROUNDS:-1}"); do
	for clients in 1 16 64; do
		read -r one one_ms <<<"$("$B/tests/bench/lock_rate" "$url" "$clients" "$each" 1)"
		read -r many many_ms <<<"$("$B/tests/bench/lock_rate" "$url" "$clients" "$each" 100)"
		printf 'carnet, %d clients, lock and unlock of one device\t%s\tcycles/s\tp50 %s ms\n' "$clients" "$one" "$one_ms"
		printf 'carnet, %d clients, of 100 devices in a message\t%s\tdevices/s\tp50 %s ms\n' "$clients" $((many * 100)) "$many_ms"
		[ -n "$etcd" ] || continue
		read -r them them_ms <<<"$("$B/tests/bench/lock_etcd" "$etcd" "$clients" "$each")"
		printf 'etcd, %d clients\t%s\tcycles/s\tp50 %s ms\n' "$clients" "$them" "$them_ms"
		awk -v a="$one" -v b="$((many * 100))" -v c="$them" -v n="$clients" -v t="${target[$clients]}" 'BEGIN {
			printf "ratio, %d clients\t%.2f\ttarget >= %d\n", n, a / c, t
			printf "ratio per device in messages of 100, %d clients\t%.2f\ttarget >= 200\n", n, b / c }'
	done
done
