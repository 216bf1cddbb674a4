#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The lock service beside etcd, ZooKeeper, Redis and the least that PostgreSQL can do, in one run on one
# machine, everything durable: an answer means that the disk has it. 1, 16 and 64 clients over tcp, one lock
# per message and 100; then several instances of the service on one database. A cycle is a lock taken and
# given back. The rounds are interleaved, ratios are of one round each, the median counts.
#   make bench-lock        ROUNDS=3 SECONDS_EACH=2
# Peers that cannot be installed (deploy/packages, group bench) are left out with a line.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
export B=${B:-$here/build}
if [ -z "${CARNET_TEST_PG:-}" ]; then
	"$here/deploy/install" bench || echo "lock: not all peers are there"
	PG_DURABLE=1 exec "$here/tests/lib/with-pg" "$0" "$@"
fi
each=${SECONDS_EACH:-2}
rounds=${ROUNDS:-3}
dir=$(mktemp -d /tmp/carnet-lockbench.XXXXXX)
pids=
# shellcheck disable=SC2086
trap '[ -z "$pids" ] || kill $pids 2>/dev/null; wait; rm -rf "$dir"' EXIT
port() { for p in $(shuf -i 20000-32000 -n 50); do (exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null || { echo "$p"; return; }; done; }
reachable() { for _ in $(seq 300); do (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return; sleep 0.1; done; return 1; }
db="host=$CARNET_TEST_PG dbname=carnet user"

# ---- who takes part ----

# as after hours of work: log files are there to be used again, none is made while the clock runs
psql -X -q -h "$CARNET_TEST_PG" -U postgres -d carnet -c "alter system set min_wal_size = '1GB'" \
	-c "alter system set max_wal_size = '8GB'" -c "alter system set checkpoint_timeout = '30min'" -c "select pg_reload_conf()" \
	-c "select count(pg_logical_emit_message(false, 'fill', repeat('x', 1000000))) from generate_series(1, 600)" \
	-c checkpoint >/dev/null
psql -X -q -h "$CARNET_TEST_PG" -U postgres -d carnet -c "insert into lock.device (device_id) select
	('01000000-0000-0000-0000-0000' || lpad(to_hex(i), 8, '0'))::uuid from generate_series(0, 99999) i" \
	-c "create table public.lease (id int primary key, owner int not null, until timestamptz not null)" \
	-c "vacuum analyze"
peers="carnet postgresql"
declare -A where=([postgresql]="$db=postgres")
carnet=
for i in 1 2 3 4; do
	p=$(port)
	"$B/bin/carnet-lock" --bus_listen="tcp://127.0.0.1:$p" --bus_publish="ipc://$dir/e$i" --log_level=error \
		--database="$db=carnet_lock" &
	pids="$pids $!"
	reachable "$p"
	carnet=$carnet${carnet:+,}$p
done
where[carnet]=${carnet%%,*}

start_etcd() {
	local peer
	peer=$(port)
	etcd --data-dir "$dir/etcd" --listen-client-urls "http://127.0.0.1:$1" --advertise-client-urls "http://127.0.0.1:$1" \
		--listen-peer-urls "http://127.0.0.1:$peer" --initial-advertise-peer-urls "http://127.0.0.1:$peer" \
		--initial-cluster "default=http://127.0.0.1:$peer" --log-level error >"$dir/etcd.log" 2>&1 &
}
start_redis() {
	mkdir "$dir/redis"
	redis-server --bind 127.0.0.1 --port "$1" --dir "$dir/redis" --appendonly yes --appendfsync always --save '' >/dev/null &
}
start_zookeeper() {
	mkdir "$dir/zookeeper"
	printf '%s\n' tickTime=2000 "dataDir=$dir/zookeeper" "clientPort=$1" clientPortAddress=127.0.0.1 maxClientCnxns=0 \
		admin.enableServer=false >"$dir/zoo.cfg"
	(cd "$dir" && exec java -Xmx512m -cp "$(printf '%s:' /usr/share/java/*.jar)" \
		org.apache.zookeeper.server.ZooKeeperServerMain zoo.cfg >zookeeper.log 2>&1) &
}
join() { # NAME PROGRAM…: what must be there
	local p
	for program in "${@:2}"; do
		[ -e "$program" ] || command -v "$program" >/dev/null || { echo "$1: not measured, $program is not installed"; return 0; }
	done
	p=$(port)
	"start_$1" "$p"
	pids="$pids $!"
	reachable "$p" || { echo "$1: not measured, it did not start"; return 0; }
	peers="$peers $1"
	where[$1]=$p
}
join etcd etcd
join redis redis-server
join zookeeper java /usr/share/java/zookeeper.jar
sleep 1

# ---- rounds ----

# shellcheck disable=SC2086
run() { # CELL ROUND PEER WHERE CLIENTS PER_MESSAGE
	local rate p50 p99 refused
	read -r rate p50 p99 refused < <("$B/tests/bench/lock_rate" "$3" "$4" "$each" $5 $6 || echo 0 0 0 0)
	printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$((rate * ${6:-1}))" "$p50" "$p99" "$refused" >>"$dir/cells"
}
for round in $(seq "$rounds"); do
	run "disk 1 1" "$round" disk "$dir" "" ""
	for clients in 1 16 64; do
		for peer in $peers; do
			run "$peer 1 $clients" "$round" "$peer" "${where[$peer]}" "$clients" 1
		done
		for peer in carnet postgresql ${where[etcd]:+etcd}; do
			run "$peer 100 $clients" "$round" "$peer" "${where[$peer]}" "$clients" 100
		done
	done
	for n in 1 2 4; do
		run "instances 1 $n" "$round" carnet "$(cut -d, -f"1-$n" <<<"$carnet")" 64 1
	done
done

# ---- figures ----

cat <<'EOF'
What an answer promises here: each of them has written and synced it before (fdatasync). etcd: its raft log, one
member. ZooKeeper: its transaction log, one server. Redis: append-only file, appendfsync always. PostgreSQL and
Carnet: the write-ahead log (fsync and synchronous_commit on); Carnet's also checks the matrix, the queue and the
request id, writes history, and survives a failover with rising tokens.
EOF
awk -F'\t' -v rounds="$rounds" '
function median(key, col,   i, k, n, t, v) {
	for (i = 1; i <= rounds; i++) if ((key, i, col) in cell) v[++n] = cell[key, i, col]
	return middle(v, n) }
function middle(v, n,   i, k, t) {
	for (i = 2; i <= n; i++) for (k = i; k > 1 && v[k - 1] > v[k]; k--) { t = v[k]; v[k] = v[k - 1]; v[k - 1] = t }
	return n ? v[int((n + 1) / 2)] : 0 }
function ratio(a, b, col,   i, n, v) { # of the same round
	for (i = 1; i <= rounds; i++) if (cell[b, i, col] > 0) v[++n] = cell[a, i, col] / cell[b, i, col]
	return middle(v, n) }
function part(peer,   ms) { ms = median(peer " 1 1", 4); return ms > 0 ? 100000 / ms / limit : 0 }
function say(what, a, b, col, target) {
	if (!((b, 1, col) in cell)) return
	r = ratio(a, b, col)
	printf "%-62s %8.2f  %s\n", what, r, target == "" ? "" : "target " (target > 0 ? ">= " target : "<= " (-target)) \
		((target > 0 ? r >= target : r <= -target) ? ", met" : ", not met") }
{ for (col = 3; col <= 6; col++) cell[$1, $2, col] = $col; if (!seen[$1]++) names[++many] = $1 }
END {
	printf "%-12s %8s %8s %12s %9s %9s %8s\n", "", "message", "clients", "cycles/s", "p50 ms", "p99 ms", "refused"
	for (i = 1; i <= many; i++) {
		split(names[i], p, " ")
		printf "%-12s %8s %8s %12d %9.3f %9.3f %8d\n", p[1], p[2], p[3], median(names[i], 3), median(names[i], 4),
			median(names[i], 5), median(names[i], 6) }
	print "(cycles/s of messages of 100: devices/s; disk: pages written and synced, one after the other; instances: 64 clients)"
	for (n = 1; n <= 64; n = n == 1 ? 16 : n * 4) {
		say("carnet / etcd, one lock per message, clients: " n, "carnet 1 " n, "etcd 1 " n, 3, n == 1 ? 4 : 8)
		say("carnet in messages of 100 / etcd per device, clients: " n, "carnet 100 " n, "etcd 1 " n, 3, 200)
		say("carnet / etcd, both 100 in a message, clients: " n, "carnet 100 " n, "etcd 100 " n, 3, "")
		say("carnet / zookeeper, clients: " n, "carnet 1 " n, "zookeeper 1 " n, 3, "")
		say("carnet / redis, clients: " n, "carnet 1 " n, "redis 1 " n, 3, "")
		say("carnet / plain PostgreSQL, clients: " n, "carnet 1 " n, "postgresql 1 " n, 3, "")
		say("carnet / plain PostgreSQL, messages of 100, clients: " n, "carnet 100 " n, "postgresql 100 " n, 3, "")
	}
	say("p99 carnet / p99 etcd, 64 clients", "carnet 1 64", "etcd 1 64", 5, -0.3)
	say("2 instances / 1, 64 clients", "instances 1 2", "instances 1 1", 3, 0.9)
	say("4 instances / 1, 64 clients", "instances 1 4", "instances 1 1", 3, 0.9)
	limit = 500 / median("disk 1 1", 4)
	printf "one client: a sync takes %.3f ms (median), so two of them allow %d cycles/s; by its median cycle carnet makes %.0f %%\n" \
		"of that, plain PostgreSQL %.0f %%, etcd %.0f %%; four times etcd would be %.0f %%\n", 500 / limit, limit,
		part("carnet"), part("postgresql"), part("etcd"), 4 * part("etcd")
}' "$dir/cells"
