# SPDX-License-Identifier: Apache-2.0
# A whole Carnet on one machine, under s6, in a directory of its own: used by deploy/demo and the system tests.
#
#   . deploy/local/stack.sh
#   stack_make DIR BUILD      keys, settings, service directories          (STACK_* below may be set before)
#   stack_database DIR        a private PostgreSQL (unix socket only), migrated
#   stack_up DIR              everything under s6-svscan
#   stack_ready DIR SECONDS   waits until every service says it is ready
#   stack_down DIR            ends everything it started, by pid
#   stack_pid DIR NAME        process id of one instance, for example worker-2
#
# DIR must be absolute and short: socket paths have at most 107 bytes.

STACK_INSTANCES=${STACK_INSTANCES:-"simulator:1 lock:2 storage:2 sync:1 scheduler:2 worker:2 gateway:1"}
STACK_REST=${STACK_REST:-127.0.0.1:8080}     # where the gateway listens; unix:PATH is possible
STACK_CONTROL=${STACK_CONTROL:-}             # control port of the simulator; default a unix socket
STACK_FLEET=${STACK_FLEET:-}                 # fleet file of the simulator
STACK_SEED=${STACK_SEED:-1}
STACK_COUNT=${STACK_COUNT:-0}
STACK_BASE=${STACK_BASE:-127.10.0.0}         # first address of the simulated fleet
STACK_SCALED=${STACK_SCALED:-}               # 1: the short timers of tests (reliability.md RL-59); n: n times as long
STACK_DURABLE=${STACK_DURABLE:-1}

stack_bin=$(pg_config --bindir 2>/dev/null || true)
[ -x "$stack_bin/initdb" ] || stack_bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1 || true)

# PostgreSQL refuses root
stack_pg() {
	if [ "$(id -u)" -eq 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi
}

stack_database() {
	local dir=$1/pg
	mkdir -p "$dir" && chmod 0711 "$dir"
	[ "$(id -u)" -ne 0 ] || chown postgres "$dir"
	if [ ! -e "$dir/made" ]; then
		stack_pg "$stack_bin/initdb" -D "$dir/data" -U carnet_super -A peer -E UTF8 --locale=C.UTF-8 --no-instructions $([ "$STACK_DURABLE" = 1 ] || echo --no-sync) >"$1/log/initdb.log" 2>&1 ||
			{ cat "$1/log/initdb.log" >&2; return 1; }
		printf 'local all all peer map=carnet\n' | stack_pg tee "$dir/data/pg_hba.conf" >/dev/null
		stack_pg tee -a "$dir/data/postgresql.conf" >/dev/null <<-CONF
			listen_addresses = ''
			unix_socket_directories = '$dir'
			max_connections = 200
			shared_buffers = 128MB
			wal_level = minimal
			max_wal_senders = 0
			log_min_messages = warning
			log_min_error_statement = panic
		CONF
		[ "$STACK_DURABLE" = 1 ] || echo 'fsync = off' | stack_pg tee -a "$dir/data/postgresql.conf" >/dev/null
	fi
	stack_database_start "$1" || return 1
	[ -e "$dir/made" ] || stack_pg "$stack_bin/createdb" -h "$dir" -U carnet_super carnet || return 1
	"$(cat "$1/build")/bin/carnet-migrate" "host=$dir dbname=carnet user=carnet_super" schemas/sql || return 1
	stack_pg touch "$dir/made"
}

# This user and the server's own may be any of our roles; nobody else may connect.
stack_ident() {
	local role
	for role in carnet_super carnet_scheduler carnet_lock carnet_storage carnet_pruner carnet_sync carnet_gateway carnet_monitor; do
		printf 'carnet %s %s\ncarnet postgres %s\n' "$1" "$role" "$role"
	done
}

stack_database_start() {
	local dir=$1/pg
	stack_ident "$(id -un)" | stack_pg tee "$dir/data/pg_ident.conf" >/dev/null
	stack_pg "$stack_bin/pg_ctl" -D "$dir/data" -l "$dir/data/server.log" -w -t 60 start >/dev/null ||
		{ stack_pg tail -n 20 "$dir/data/server.log" >&2; return 1; }
}

stack_psql() {
	local dir=$1
	shift
	psql -h "$dir/pg" -U carnet_super -d carnet -X -q -A -t -v ON_ERROR_STOP=1 "$@"
}

stack_keys() {
	local keys=$1/keys f
	(
		umask 077
		mkdir -p "$keys"
		for f in kek sign pepper audit; do [ -e "$keys/$f" ] || head -c 32 /dev/urandom >"$keys/$f"; done
		if [ ! -e "$keys/class" ]; then
			openssl genpkey -algorithm X25519 -out "$keys/class.pem"
			openssl pkey -in "$keys/class.pem" -outform DER | tail -c 32 >"$keys/class"
			openssl pkey -in "$keys/class.pem" -pubout -outform DER | tail -c 32 | od -An -v -tx1 | tr -d ' \n' >"$keys/class.pub"
			rm -f "$keys/class.pem"
		fi
		chmod 0400 "$keys"/*
	)
}

stack_urls() { # DIR SERVICE COUNT SUFFIX → comma list of ipc URLs
	local i list=
	for i in $(seq 1 "$3"); do list+=${list:+,}ipc://$1/run/$2-$i.$4; done
	printf '%s' "$list"
}

stack_env() { # DIR SERVICE-N KEY VALUE
	mkdir -p "$1/env/$2" && printf '%s' "$4" >"$1/env/$2/CARNET_$3"
}

# Settings that differ per service; what all share stands in stack_make.
stack_service_env() {
	local dir=$1 service=$2 name=$3
	case $service in
	scheduler | lock | storage | sync | gateway) stack_env "$dir" "$name" DATABASE "host=$dir/pg dbname=carnet user=carnet_$service" ;;
	esac
	case $service in
	worker)
		mkdir -p "$dir/state/$name"
		stack_env "$dir" "$name" STATE_DIR "$dir/state/$name"
		stack_env "$dir" "$name" CLASS_KEY_FILE "$dir/keys/class"
		stack_env "$dir" "$name" ALLOW_LOOPBACK true
		stack_env "$dir" "$name" PROFILES "$PWD/schemas/profiles"
		;;
	storage)
		mkdir -p "$dir/vault"
		stack_env "$dir" "$name" PRUNE_DATABASE "host=$dir/pg dbname=carnet user=carnet_pruner"
		stack_env "$dir" "$name" VAULT_DIR "$dir/vault"
		stack_env "$dir" "$name" KEK_FILE "$dir/keys/kek"
		stack_env "$dir" "$name" SIGN_KEY_FILE "$dir/keys/sign"
		stack_env "$dir" "$name" ACCEPT_SAME_DISK "a demonstration on one machine: vault, system and database share its disk"
		;;
	gateway)
		stack_env "$dir" "$name" LISTEN "$STACK_REST"
		stack_env "$dir" "$name" PEPPER_FILE "$dir/keys/pepper"
		stack_env "$dir" "$name" AUDIT_KEY_FILE "$dir/keys/audit"
		stack_env "$dir" "$name" CLASS_KEY_PUBLIC "$dir/keys/class.pub"
		stack_env "$dir" "$name" SETUP_TOKEN_FILE "$dir/run/setup-token"
		;;
	simulator)
		stack_env "$dir" "$name" LISTEN "${STACK_CONTROL:-unix:$dir/run/control.sock}"
		stack_env "$dir" "$name" FLEET "$STACK_FLEET"
		stack_env "$dir" "$name" PROFILES "$PWD/schemas/profiles"
		stack_env "$dir" "$name" SEED "$STACK_SEED"
		stack_env "$dir" "$name" COUNT "$STACK_COUNT"
		stack_env "$dir" "$name" ADDRESS_BASE "$STACK_BASE"
		stack_env "$dir" "$name" MAP_FILE "$dir/run/map.json"
		stack_env "$dir" "$name" TRUTH_LOG "$dir/log/truth.jsonl"
		;;
	esac
	[ -z "$STACK_SCALED" ] || stack_scaled_env "$dir" "$service" "$name"
}

# Every timer of a live fault test, in the ratios of production (RL-59).
stack_scaled_env() {
	local pair
	declare -A timers=(
		[scheduler]="LEASE_MS=3000 TICK_MS=200 BACKOFF_MS=200 BACKOFF_MAX_MS=2000 DEFER_MS=500 POLL_MS=300"
		[worker]="RENEW_MS=300 LOCK_LEASE_MS=2000 HARD_MARGIN_MS=300 SOFT_MARGIN_MS=600"
		[lock]="LEASE_MIN_MS=500 LEASE_DEFAULT_MS=2000 SWEEP_MS=100 QUARANTINE_MS=3000 QUARANTINE_MAX_MS=30000 SHADOW_TTL_MS=1500 SILENT_MS=2000"
		[storage]="STREAM_IDLE_MS=3000"
	)
	for pair in ${timers[$2]:-}; do stack_env "$1" "$3" "${pair%%=*}" $((${pair#*=} * STACK_SCALED)); done
}

stack_make() {
	local dir=$1 build pair service count i name
	build=$(cd "$2" && pwd)
	mkdir -p "$dir"/{run,log,env,s6,state,keys} && chmod 0711 "$dir"
	chmod 0700 "$dir"/{run,env,state,keys}
	echo "$build" >"$dir/build"
	stack_keys "$dir"
	declare -A n=()
	for pair in $STACK_INSTANCES; do n[${pair%:*}]=${pair#*:}; done
	for service in "${!n[@]}"; do
		for i in $(seq 1 "${n[$service]}"); do
			name=$service-$i
			stack_env "$dir" "$name" HTTP_LISTEN "unix:$dir/run/$name.http"
			stack_env "$dir" "$name" BUS_LISTEN "ipc://$dir/run/$name.sock"
			stack_env "$dir" "$name" BUS_PUBLISH "ipc://$dir/run/$name.pub"
			for peer in scheduler lock storage sync; do
				stack_env "$dir" "$name" "${peer^^}_URLS" "$(stack_urls "$dir" $peer "${n[$peer]:-0}" sock)"
				stack_env "$dir" "$name" "${peer^^}_EVENTS" "$(stack_urls "$dir" $peer "${n[$peer]:-0}" pub)"
			done
			stack_service_env "$dir" "$service" "$name"
			stack_service_dir "$dir" "$service" "$name"
		done
	done
}

stack_service_dir() { # DIR SERVICE NAME: an s6 service directory with a log of its own
	local s=$1/s6/$3
	mkdir -p "$s/log" "$1/log/$3"
	cat >"$s/run" <<-RUN
		#!/bin/sh
		exec 2>&1
		exec s6-envdir $1/env/$3 $(cat "$1/build")/bin/carnet-$2
	RUN
	cat >"$s/log/run" <<-RUN
		#!/bin/sh
		exec s6-log n3 s4000000 $1/log/$3
	RUN
	chmod +x "$s/run" "$s/log/run"
}

stack_up() {
	setsid s6-svscan "$1/s6" >"$1/log/svscan" 2>&1 </dev/null &
	echo $! >"$1/run/svscan.pid"
}

# What /readyz of one instance says, by its unix socket.
stack_is_ready() {
	curl -sf -m 2 -o /dev/null --unix-socket "$1/run/$2.http" http://localhost/readyz
}

stack_ready() {
	local dir=$1 until=$(($(date +%s) + $2)) name
	for name in "$dir"/env/*; do
		name=${name##*/}
		until stack_is_ready "$dir" "$name"; do
			[ "$(date +%s)" -lt "$until" ] || { echo "$name is not ready after $2 s:" >&2; tail -n 5 "$dir/log/$name/current" >&2; return 1; }
			sleep 0.1
		done
	done
}

stack_pid() { s6-svstat -o pid "$1/s6/$2"; }

stack_down() {
	local dir=$1 pid service until=$((SECONDS + ${STACK_PATIENCE:-30}))
	if [ -e "$dir/run/svscan.pid" ] && s6-svscanctl -t "$dir/s6" 2>/dev/null; then
		pid=$(cat "$dir/run/svscan.pid")
		while kill -0 "$pid" 2>/dev/null && [ $SECONDS -lt $((until + 30)) ]; do
			[ $SECONDS -lt $until ] || for service in "$dir"/s6/*/; do s6-svc -k "$service" 2>/dev/null || true; done # the deaf
			sleep 0.1
		done
	fi
	rm -f "$dir/run/svscan.pid"
	[ ! -e "$dir/pg/data/postmaster.pid" ] ||
		stack_pg "$stack_bin/pg_ctl" -D "$dir/pg/data" -m fast -w -t 60 stop >/dev/null 2>&1 || true
}
