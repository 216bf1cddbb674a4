# SPDX-License-Identifier: Apache-2.0
# A worker with a simulated fleet and simple-minded peers (tests/service/worker_peers.c), in a directory of its own.
# Wants tap.sh.
#   worker_dir; sim_up ARGS…; peers_up; worker_up ARGS…; …; all_down
B=${B:-build}
case $B in /*) ;; *) B=$PWD/$B ;; esac

worker_dir() {
	D=$(mktemp -d /tmp/carnet-w-XXXXXX)
	mkdir "$D/out" "$D/out/pre" "$D/out/back" "$D/state"
	head -c 32 /dev/urandom >"$D/class" && chmod 0400 "$D/class"
	sim_pid= peers_pid= worker_pid=
	trap 'all_down; rm -rf "$D"' EXIT
}

sim() { # METHOD PATH [JSON]
	curl -sS --unix-socket "$D/sim" -X "$1" "http://sim$2" ${3:+-d "$3"}
}

sim_up() {
	"$B/bin/carnet-simulator" --map_file="$D/map" --truth_log="$D/truth" --listen="unix:$D/sim" "$@" >"$D/sim.log" 2>&1 &
	sim_pid=$!
	within 20 sim GET /stats >/dev/null 2>&1
	[ -s "$D/map" ] || { cat "$D/sim.log" >&2; return 1; }
}

# PEERS_… from the environment
peers_up() {
	PEERS_MAP=${PEERS_MAP:-$D/map} PEERS_CLASS=$D/class PEERS_OUT=$D/out \
		"$B/tests/service/worker_peers" --bus_listen="ipc://$D/bus" --http_listen="unix:$D/peers" >"$D/told" 2>"$D/peers.log" &
	peers_pid=$!
	within 20 [ -S "$D/bus" ] || { cat "$D/peers.log" >&2; return 1; }
}

peers_set() { # name=value
	curl -sS --unix-socket "$D/peers" "http://peers/set?$1" >/dev/null
}

worker_up() {
	"$B/bin/carnet-worker" --scheduler_urls="ipc://$D/bus" --lock_urls="ipc://$D/bus" --storage_urls="ipc://$D/bus" \
		--profiles=schemas/profiles --class_key_file="$D/class" --state_dir="$D/state" --allow_loopback=true \
		--http_listen="unix:$D/health" --log_level=debug "$@" >>"$D/worker.log" 2>&1 &
	worker_pid=$!
}

end_one() {
	[ -z "$1" ] || { kill "$1" && wait "$1"; } 2>/dev/null
}

worker_down() { # exit status of the worker
	local pid=$worker_pid
	worker_pid=
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
}

peers_down() {
	end_one "$peers_pid"
	peers_pid=
	rm -f "$D/bus" "$D/peers"
}

all_down() {
	end_one "${worker_pid:-}"
	end_one "${peers_pid:-}"
	end_one "${sim_pid:-}"
	worker_pid= peers_pid= sim_pid=
}

told() { # WHAT: its lines so far
	grep "\"what\":\"$1\"" "$D/told"
}

all_ended() {
	told done >/dev/null
}

result() { # DEVICE FIELD
	told result | jq -rs --arg n "$1" "map(select(.name==\$n)) | last | .$2"
}

# What the run left behind: nothing.
left_nothing() {
	told done | jq -e '.locks_left == 0 and .streams_left == 0 and .violations == 0' >/dev/null
}

# The last line of `done` comes with the last result; locks go back at the same time.
locks_back() {
	curl -sS --unix-socket "$D/peers" http://peers/locks | jq -e '.locks == 0 and .streams == 0 and .violations == 0' >/dev/null
}

# One round: fresh peers and worker, until every job has ended or SECONDS passed.
round() { # SECONDS WORKER-ARGS…
	local s=$1
	shift
	: >"$D/told"
	peers_up && worker_up "$@" && within "$s" all_ended
}

round_end() {
	worker_down
	local rc=$?
	peers_down
	return $rc
}
