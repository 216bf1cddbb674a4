# SPDX-License-Identifier: Apache-2.0
# A real avahi-daemon for tests, in directory D. It is unpacked, not installed (deploy/install): no bus, no name service.
#
#   avahi_network ARGS…      starts the script anew in a network of its own (root): nobody else's printers are heard, and ports
#                            are free; net0 is 10.77.0.1/24. Goes on where that is not allowed: avahi_can says so
#   avahi_service NAME HOST TYPE PORT TXT…    what it announces, and
#   avahi_host HOST ADDRESS                   where that is; then
#   avahi_up                 on net0 and loopback: avahi_pid; avahi_established: all of it is
avahi_bin=$PWD/var/peers/usr/sbin/avahi-daemon

avahi_network() {
	[ -z "${CARNET_TEST_NET:-}" ] && [ "$(id -u)" -eq 0 ] && unshare -n true 2>/dev/null || return 0
	CARNET_TEST_NET=1 exec unshare -n "$BASH" -c 'ip link set lo up && exec "$@"' - "$BASH" "$0" "$@"
}

# What avahi wants in fixed places, laid over this machine's for it alone.
avahi_apart='mount -t tmpfs none /run && mkdir /run/avahi-daemon /run/up /run/work &&
	mount -t overlay -o lowerdir=/etc,upperdir=/run/up,workdir=/run/work none /etc && mkdir -p /etc/avahi'

avahi_can() {
	[ -n "${CARNET_TEST_NET:-}" ] && [ -x "$avahi_bin" ] && unshare -m "$BASH" -c "$avahi_apart" 2>/dev/null || return 1
	ip link add net0 type veth peer name net1 2>/dev/null && ip addr add 10.77.0.1/24 dev net0 && ip link set net0 up && ip link set net1 up &&
		mkdir -p "$D/avahi/services"
}

avahi_service() { # NAME HOST TYPE PORT TXT…
	local txt
	{
		echo "<?xml version=\"1.0\" standalone='no'?><!DOCTYPE service-group SYSTEM \"avahi-service.dtd\">"
		echo "<service-group><name>$1</name><service><type>$3</type><host-name>$2.local</host-name><port>$4</port>"
		for txt in "${@:5}"; do echo "<txt-record>$txt</txt-record>"; done
		echo "</service></service-group>"
	} >"$(mktemp "$D/avahi/services/XXXXXX.service")"
}

avahi_host() { # HOST ADDRESS
	echo "$2 $1.local" >>"$D/avahi/hosts"
}

avahi_established() {
	[ "$(grep -c "^Service .*successfully established" "$D/avahi/log")" -eq "$(find "$D/avahi/services" -type f | wc -l)" ]
}

avahi_up() {
	(grep -v '^avahi:' /etc/passwd; echo "avahi:x:0:0::/:/bin/false") >"$D/avahi/passwd"
	(grep -v '^avahi:' /etc/group; echo "avahi:x:0:") >"$D/avahi/group"
	printf '%s\n' '[server]' host-name=peer use-ipv6=no allow-interfaces=net0,lo enable-dbus=no '[wide-area]' enable-wide-area=no \
		'[publish]' publish-addresses=no publish-hinfo=no publish-workstation=no >"$D/avahi/avahi-daemon.conf"
	LD_LIBRARY_PATH=$(echo "$PWD"/var/peers/usr/lib/*-linux-gnu) unshare -m "$BASH" -c \
		"$avahi_apart"' && cp "$1/passwd" "$1/group" /etc && cp -r "$1/services" "$1/hosts" /etc/avahi && exec "${@:2}"' - \
		"$D/avahi" "$avahi_bin" --no-drop-root --no-chroot --no-proc-title -f "$D/avahi/avahi-daemon.conf" >"$D/avahi/log" 2>&1 &
	avahi_pid=$!
}
