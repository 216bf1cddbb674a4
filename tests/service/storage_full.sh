#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Disks that are full for real: the vault and the database each on a small tmpfs (reliability.md F10). Root mounts them;
# who is not root does so in a mount namespace of his own.
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build}
case $B in /*) ;; *) B=$PWD/$B ;; esac
export B
mounted() { mount -t tmpfs -o size=24m,mode=0700 tmpfs "$1/vault" && mount -t tmpfs -o size=140m,mode=0711 tmpfs "$1/pg"; }
case ${1:-} in
mount) # as root of a namespace; then back to who we are, or PostgreSQL refuses
	mounted "$2" && chmod 0777 "$2/vault" "$2/pg"
	exec unshare --user --map-user="$3" --map-group="$4" bash "$0" run "$2"
	;;
run) dir=$2 ;;
*)
	dir=$(mktemp -d /tmp/carnet-full.XXXXXX)
	mkdir "$dir/vault" "$dir/pg" && chmod 0711 "$dir"
	if [ "$(id -u)" -eq 0 ]; then
		mounted "$dir" || { echo "1..0 # SKIP no tmpfs can be mounted here"; rm -rf "$dir"; exit 0; }
	elif unshare --user --map-root-user --mount true 2>/dev/null; then
		unshare --user --map-root-user --mount bash "$0" mount "$dir" "$(id -u)" "$(id -g)"
		rc=$?
		rm -rf "$dir"
		exit "$rc"
	else
		echo "1..0 # SKIP neither root nor a namespace to mount a small disk in"
		rm -rf "$dir"
		exit 0
	fi
	;;
esac
. tests/lib/pg.sh
ended() {
	pg_stop "$dir/pg"
	[ "$(id -u)" -ne 0 ] || { umount "$dir/vault" "$dir/pg" && rm -rf "$dir"; }
}
trap ended EXIT
trap 'exit 1' INT TERM
pg_start "$dir/pg" || exit 1
CARNET_TEST_DB=$(pg_conninfo "$dir/pg")
export CARNET_TEST_DB CARNET_TEST_PG=$dir/pg CARNET_TEST_VAULT=$dir/vault PG_BIN
"$PG_BIN/createdb" -h "$dir/pg" -U postgres carnet && "$B/bin/carnet-migrate" "$CARNET_TEST_DB" schemas/sql >/dev/null || exit 1
"$B/tests/service/storage_full"
