# SPDX-License-Identifier: Apache-2.0
# A private PostgreSQL cluster for tests: unix socket only, in a directory of its own.
#
#   . tests/lib/pg.sh
#   pg_start DIR [durable]   makes and starts a cluster in DIR; without "durable" it does not fsync
#   pg_restart DIR           starts it again after pg_stop or a kill
#   pg_stop DIR [fast|immediate]
#   pg_kill DIR              kill -9 of the postmaster and all its children
#   pg_conninfo DIR [DB] [USER]
# DIR must be absolute and short (a socket path has at most 107 bytes). As root the server runs as
# the user postgres. PG_BIN names the binaries when they are not where Debian puts them.

PG_BIN=${PG_BIN:-$(pg_config --bindir 2>/dev/null || true)}
[ -x "$PG_BIN/initdb" ] || PG_BIN=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
PATH=$PG_BIN:$PATH # psql itself, not its slow wrapper

pg_as() {
	if [ "$(id -u)" -eq 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

pg_conninfo() {
	printf 'host=%s dbname=%s user=%s\n' "$1" "${2:-carnet}" "${3:-postgres}"
}

pg_start() {
	local dir=$1
	mkdir -p "$dir" && chmod 0711 "$dir"
	[ "$(id -u)" -ne 0 ] || chown postgres "$dir"
	(cd "$dir" && pg_as "$PG_BIN/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 \
		--no-sync --no-instructions >"$dir/initdb.log" 2>&1) || { cat "$dir/initdb.log" >&2; return 1; }
	pg_as tee -a "$dir/data/postgresql.conf" >/dev/null <<-CONF
		listen_addresses = ''
		unix_socket_directories = '$dir'
		max_connections = 200
		shared_buffers = 64MB
		log_min_messages = error
		log_min_error_statement = panic
		timezone = 'UTC'
	CONF
	[ "${2:-}" = durable ] || echo 'fsync = off' | pg_as tee -a "$dir/data/postgresql.conf" >/dev/null
	pg_restart "$dir"
}

pg_restart() {
	pg_as rm -f "$1/data/postmaster.pid" # of a killed one
	local dir=$1
	(cd "$dir" && pg_as "$PG_BIN/pg_ctl" -D "$dir/data" -l "$dir/data/server.log" -w -t 60 start) >/dev/null ||
		{ pg_as cat "$dir/data/server.log" >&2; return 1; }
}

pg_stop() {
	local dir=$1
	(cd "$dir" && pg_as "$PG_BIN/pg_ctl" -D "$dir/data" -m "${2:-immediate}" -w -t 60 stop) >/dev/null 2>&1 || true
}

pg_kill() {
	local pid
	pid=$(pg_as head -n 1 "$1/data/postmaster.pid")
	local children
	children=$(ps -o pid= --ppid "$pid" || true)
	# shellcheck disable=SC2086
	kill -9 "$pid" $children 2>/dev/null || true
	while kill -0 "$pid" 2>/dev/null; do sleep 0.02; done
}
