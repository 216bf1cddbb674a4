# SPDX-License-Identifier: Apache-2.0
# TAP for bash tests (what a checked command prints is thrown away): ok TEXT, not_ok TEXT, is GOT WANTED TEXT, like GOT PATTERN TEXT, check TEXT COMMAND…, done_testing;
# within SECONDS COMMAND…: waits until it succeeds. Such deadlines end a hung test: a slow machine must not run into them, so it has three times as long.
tap_n=0 tap_bad=0
ok() {
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $*"
}
not_ok() {
	tap_n=$((tap_n + 1)) tap_bad=$((tap_bad + 1))
	echo "not ok $tap_n - $*"
}
is() {
	if [ "$1" = "$2" ]; then
		ok "$3"
	else
		not_ok "$3"
		printf '# got:    %s\n# wanted: %s\n' "$1" "$2"
	fi
}
like() {
	if [[ $1 =~ $2 ]]; then ok "$3"; else is "$1" "$2" "$3"; fi
}
check() {
	local text=$1
	shift
	if "$@" >/dev/null; then ok "$text"; else not_ok "$text"; fi
}
within() {
	local until=$((SECONDS + 3 * $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $until ] || { echo "# not in time: $*"; return 1; }
		sleep 0.05
	done
}
done_testing() {
	echo "1..$tap_n"
	exit $((tap_bad > 0))
}
