# SPDX-License-Identifier: Apache-2.0
# Does every newest version in the vault hold what the simulated printer holds? Compares item by item, byte by byte, through
# the REST door on one side and the simulator's control port on the other.
#
#   books_compare DIR [PASSWORD]    DIR of a stack whose gateway-1 and simulator listen on unix sockets or loopback;
#                                   carnet's token in run/token; PASSWORD of the task: types II and III seal with it
# Prints one line per difference and, last, the number of items compared.

books_compare() {
	local dir=$1 password=${2:-} work n=0 rest control query
	rest=$(cat "$dir/env/gateway-1/CARNET_LISTEN") control=$(cat "$dir/env/simulator-1/CARNET_LISTEN")
	work=$(mktemp -d)
	stack_psql "$dir" -F ' ' <<-'SQL' >"$work/items"
		select v.id, d.serial, o.item
		from store.head h join store.version v on v.id = h.version_id join store.version_object o on o.version_id = v.id
		join fleet.device d on d.id = v.device_id
		where v.kind = 'address_book' and o.role = 'native' order by 2, 3
	SQL
	{
		books_door "$rest"
		printf 'header = "Authorization: Bearer %s"\n' "$(cat "$dir/run/token")"
		while read -r version serial item; do
			printf 'url = "%s/api/v1/versions/%s/content?item=%s"\noutput = "%s/vault.%s.%s"\n' \
				"$(books_base "$rest")" "$version" "$item" "$work" "$serial" "$item"
		done <"$work/items"
	} >"$work/vault.curl"
	curl -K "$work/vault.curl" || echo "an item could not be read from the vault"
	{
		books_door "$control"
		while read -r _ serial item; do
			case $item in list_* | one_touch) query= ;; *) query="&password=$password" ;; esac
			printf 'url = "%s/devices/%s/book?raw=%s%s"\noutput = "%s/device.%s.%s"\n' "$(books_base "$control")" \
				"$serial" "$item" "$query" "$work" "$serial" "$item"
		done <"$work/items"
	} >"$work/device.curl"
	curl -K "$work/device.curl" || echo "a book could not be read from the simulator"
	while read -r _ serial item; do
		n=$((n + 1))
		cmp -s "$work/vault.$serial.$item" "$work/device.$serial.$item" || echo "differs: $serial $item"
	done <"$work/items"
	rm -rf "$work"
	echo "$n"
}

# curl's lines and base URL for HOST:PORT or unix:PATH
books_door() {
	printf 'silent\nfail\nmax-time = 60\n'
	case $1 in unix:*) printf 'unix-socket = "%s"\n' "${1#unix:}" ;; esac
}
books_base() {
	case $1 in unix:*) echo http://localhost ;; *) echo "http://$1" ;; esac
}
