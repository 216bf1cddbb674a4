#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# docker-compose.yml for real: PostgreSQL, every service, four workers, the simulated fleet and haproxy come up; the fleet is
# backed up while workers are killed; the containers are what docs/spec/security.md section 14 says. Where docker cannot be
# started this test fails. Needs root or sudo for the engine, and makes its base image with debootstrap when there is none.
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
work=$(mktemp -d /tmp/cct.XXXXXX)
as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi; }
docker() { as_root /usr/bin/env docker "$@"; }
export CARNET_PORT=${CARNET_PORT:-18443}
project=carnettest
compose() { as_root /usr/bin/env CARNET_PORT="$CARNET_PORT" docker-compose -f docker-compose.yml -f tests/containers/timers.yml -p $project "$@"; }
engine=
finish() {
	compose down -v --remove-orphans -t 5 >"$work/down.log" 2>&1
	[ -z "$engine" ] || { as_root kill "$engine"; while as_root kill -0 "$engine" 2>/dev/null; do sleep 0.2; done; }
	rm -rf "$work"
}
trap finish EXIT
give_up() {
	not_ok "$1"
	tail -n 30 "$2" | sed 's/^/# /'
	done_testing
}

if ! docker info >/dev/null 2>&1; then
	as_root dockerd --pidfile "$work/dockerd.pid" >"$work/dockerd.log" 2>&1 &
	until docker info >/dev/null 2>&1; do
		[ $SECONDS -lt 60 ] || give_up "the docker engine starts" "$work/dockerd.log"
		sleep 0.3
	done
	engine=$(as_root cat "$work/dockerd.pid")
fi
ok "the docker engine answers"

# The base image is Debian itself, from the package sources this machine uses.
if ! docker image inspect debian:bookworm-slim >/dev/null 2>&1; then
	mirror=$(apt-get indextargets --format '$(SITE)' 'Codename: bookworm' 'Label: Debian' | head -n 1)
	as_root debootstrap --variant=minbase bookworm "$work/root" "$mirror" >"$work/debootstrap.log" 2>&1 &&
		as_root tar -C "$work/root" -c . | docker import - debian:bookworm-slim >/dev/null ||
		give_up "a base image can be made" "$work/debootstrap.log"
	as_root rm -rf "$work/root"
fi
compose build >"$work/build.log" 2>&1 || give_up "the images build" "$work/build.log"
ok "the images build"
compose down -v --remove-orphans -t 5 >/dev/null 2>&1
compose up -d --scale worker=4 --scale scheduler=2 --scale lock=2 --scale storage=2 >"$work/up.log" 2>&1 || give_up "the stack comes up" "$work/up.log"

ids() { docker ps -q --filter "label=com.docker.compose.project=$project" --filter "label=com.docker.compose.service=$1"; }
health() { docker inspect -f '{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}' "$@"; }
until=$((SECONDS + 120))
for service in scheduler lock storage sync worker gateway simulator; do
	until [ -n "$(ids $service)" ] && ! health $(ids $service) | grep -qvx healthy; do
		[ $SECONDS -lt $until ] || { compose logs --tail=20 $service >"$work/$service.log" 2>&1; give_up "$service becomes healthy" "$work/$service.log"; }
		sleep 0.5
	done
done
ok "every service becomes healthy"
is "$(ids worker | wc -l)" 4 "four workers run"
is "$(for s in scheduler lock storage; do ids $s | wc -l; done | tr '\n' ' ')" "2 2 2 " "two schedulers, lock and storage services run"

gateway=$(ids gateway)
in_gateway() { docker exec -i -e CARNET_TOKEN_FILE=/tmp/token "$gateway" "$@"; }
in_gateway sh -c 'umask 077; echo "an administrator of containers" >/tmp/admin; echo book-password-1 >/tmp/book'
until in_gateway test -s /state/setup-token; do sleep 0.3; done
check "the first administrator is made" in_gateway carnet setup --setup-token-file /state/setup-token --password-file /tmp/admin --token-out /tmp/token
check "the fleet is imported" in_gateway carnet device import /fleet/map.json
in_gateway carnet task create all --kind ab.backup --all --password-file /tmp/book --json >/dev/null
run=$(in_gateway carnet task run all --no-wait)

# Workers are killed while the run goes on; the engine starts them again.
killed=0
while state=$(in_gateway carnet run get "$run" --json | jq -r .state) && [ "$state" = running ] && [ $SECONDS -lt $((until + 180)) ]; do
	if [ "$killed" -lt 4 ]; then
		mapfile -t workers < <(ids worker)
		# the worker's own process, from outside: a child of the container's init
		pid=$(pgrep -P "$(docker inspect -f '{{.State.Pid}}' "${workers[killed % ${#workers[@]}]}")")
		[ "${pid:-0}" -gt 1 ] && as_root kill -9 "$pid" && killed=$((killed + 1))
	fi
	sleep 0.5
done
is "$state" partial "the run ends, with the fleet's known faults as its only ones"
check "workers were killed meanwhile ($killed)" test "$killed" -ge 2
in_gateway carnet run get "$run" --json >"$work/run.json"
figures=$(jq -c '.counts' "$work/run.json")
is "$(jq '.counts | .succeeded + .unchanged + .partial + .skipped + .failed + (.dead // 0) + (.missed // 0) - .total' "$work/run.json")" 0 "every target ended: $figures"
is "$(jq '.counts.succeeded' "$work/run.json")" "$(in_gateway carnet version list --heads --json | jq '.items | length')" "one version for each book that was read"
check "most of the fleet is backed up" test "$(jq '.counts.succeeded' "$work/run.json")" -ge 180
bad=$(in_gateway carnet run targets "$run" --json | jq -r '[.items[] | select(.state == "failed") | .cause] | unique - ["auth_refused", "receive_restricted", "unreachable"] | join(" ")')
is "$bad" "" "no target failed because a worker was killed"

until_back=$((SECONDS + 30))
until [ "$(ids worker | wc -l)" -eq 4 ] && ! health $(ids worker) | grep -qvx healthy || [ $SECONDS -ge $until_back ]; do sleep 0.5; done
is "$(health $(ids worker) | sort | uniq -c | xargs)" "4 healthy" "every killed worker came back by itself"

# haproxy in front, and nothing else, can be reached
is "$(curl -sk -m 5 "https://127.0.0.1:$CARNET_PORT/healthz")" ok "haproxy serves the gateway over TLS"
published=$(docker ps --filter "label=com.docker.compose.project=$project" --format '{{.Label "com.docker.compose.service"}} {{.Ports}}' | grep -- '->' | awk '{print $1}')
is "$published" front "only haproxy's port is published (SE-48)"

# compose_audit: what the engine says of the running containers (security.md section 14)
wrong=
for id in $(docker ps -q --filter "label=com.docker.compose.project=$project"); do
	wrong+=$(docker inspect "$id" | jq -r '.[0] | .Name as $n | [
		(select(.HostConfig.ReadonlyRootfs | not) | "writable root"),
		(select(.HostConfig.CapDrop != ["ALL"]) | "capabilities"),
		(select((.HostConfig.CapAdd // []) != []) | "added capabilities"),
		(select([.HostConfig.SecurityOpt[]? | select(startswith("no-new-privileges"))] == []) | "new privileges"),
		(select((.Config.User | tonumber? // 0) < 10000) | "user " + .Config.User),
		(select(.HostConfig.Memory == 0) | "no memory limit"),
		(select((.HostConfig.PidsLimit // 0) == 0) | "no process limit"),
		(select(.HostConfig.NetworkMode == "host") | "host network")] | map($n + ": " + . + "; ") | add // ""')
done
is "$wrong" "" "containers are read-only, unprivileged and limited"
setuid=$(for image in carnet carnet-database carnet-front; do
	docker run --rm --network none --user 0 --entrypoint find $image / -xdev -type f -perm /6000
done)
is "$setuid" "" "no image holds a setuid or setgid file"
kek=$(for id in $(docker ps -q --filter "label=com.docker.compose.project=$project"); do
	docker inspect "$id" | jq -r '.[0] | select([.Mounts[] | select(.Name // "" | endswith("secret-storage"))] != []) | .Config.Labels["com.docker.compose.service"]'
done | sort -u)
is "$kek" storage "the key encryption key is mounted in storage alone"
check "a worker cannot reach the database" sh -c "! timeout 5 $( [ "$(id -u)" -eq 0 ] || echo sudo -n ) docker exec $(ids worker | head -n 1) bash -c 'exec 3<>/dev/tcp/database/5432' 2>/dev/null"
done_testing
