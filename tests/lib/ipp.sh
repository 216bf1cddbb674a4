# SPDX-License-Identifier: Apache-2.0
# Real IPP printers for tests, in directory D: cupsd_up PORT [ADDRESS [tls]] (tls: its queues want TLS; cups_pin), lprint_up PORT, third_up PORT (tests/peers/ipp_third), ftpd_up PORT; ipp_down.
# cups_printer NAME ARGS…   ipp_get PORT PATH ATTRIBUTE   ipp_set PORT PATH SYNTAX ATTRIBUTE VALUE
ipp_pids=()
ipp_down() {
	local pid
	for pid in "${ipp_pids[@]}"; do kill "$pid" && wait "$pid"; done 2>/dev/null
	ipp_pids=()
}

cupsd_up() { # PORT [ADDRESS [tls]]
	cups_port=$1
	cups_host=${2:-127.0.0.1}
	mkdir "$D/cups-ssl" "$D/cups-root" "$D/cups-cache" "$D/cups-state" "$D/cups-spool" && chmod 0755 "$D"
	cat >"$D/cups-files.conf" <<CONF
ServerRoot $D/cups-root
ServerKeychain $D/cups-ssl
CacheDir $D/cups-cache
StateDir $D/cups-state
RequestRoot $D/cups-spool
AccessLog $D/cups-access
ErrorLog $D/cups-error
PageLog $D/cups-page
FileDevice Yes
SystemGroup root
CONF
	cat >"$D/cupsd.conf" <<CONF
Listen $cups_host:$1
Browsing Off
DefaultAuthType None
<Location />
Order allow,deny
Allow ${cups_host%.*}.0/24
</Location>
<Location /printers>
${3:+Encryption Required}
Order allow,deny
Allow ${cups_host%.*}.0/24
</Location>
<Location /admin>
Order allow,deny
Allow ${cups_host%.*}.0/24
</Location>
<Policy default>
<Limit All>
Order deny,allow
</Limit>
</Policy>
CONF
	cupsd -f -c "$D/cupsd.conf" -s "$D/cups-files.conf" &
	ipp_pids+=($!)
}

cups_pin() { # of the key of its certificate, made at the first connection
	cat "$D"/cups-ssl/*.crt | openssl x509 -noout -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64
}

cups_printer() { # NAME ARGS…
	lpadmin -h "$cups_host:$cups_port" -p "$1" -v file:///dev/null -E "${@:2}" 2>"$D/lpadmin"
}

lprint_up() { # PORT
	mkdir "$D/home"
	HOME=$D/home lprint server -o server-port="$1" -o listen-hostname=127.0.0.1 -o log-file="$D/lprint.log" >/dev/null 2>&1 &
	ipp_pids+=($!)
	within 20 eval "HOME=$D/home lprint add -u ipp://127.0.0.1:$1/ipp/system -d p1 -v socket://127.0.0.1:9100 -m zpl_2inch-203dpi-dt >$D/add 2>&1"
}

# One that answers like ippserver: $D/third/refuses names what it refuses, $D/third/ignores what it ignores, each said successful-ok.
third_up() { # PORT
	mkdir "$D/third"
	tests/peers/ipp_third "$1" "$D/third" &
	ipp_pids+=($!)
	third_refuses
	third_ignores
	within 20 eval "ipp_get $1 /ipp/print printer-location >/dev/null"
}
third_refuses() { printf '%s\n' "$@" >"$D/third/refuses"; }
third_ignores() { printf '%s\n' "$@" >"$D/third/ignores"; }

ftpd_up() { # PORT
	mkdir -p "$D/root/port1" "$D/empty" && chmod 0755 "$D/root" && chmod 0777 "$D/root/port1"
	cat >"$D/v.conf" <<CONF
listen=YES
listen_ipv6=NO
listen_address=127.0.0.1
listen_port=$1
background=NO
anonymous_enable=YES
anon_upload_enable=YES
anon_umask=022
write_enable=YES
local_enable=NO
anon_root=$D/root
max_clients=3
secure_chroot_dir=$D/empty
connect_from_port_20=NO
CONF
	vsftpd "$D/v.conf" &
	ipp_pids+=($!)
	within 20 eval "exec 9<>/dev/tcp/127.0.0.1/$1 2>/dev/null"
	exec 9>&-
}

ipp_request() { # PORT PATH: a request of ipptool on stdin
	cat >"$D/request.test"
	ipptool -tv "ipp://${cups_host:-127.0.0.1}:$1$2" "$D/request.test" 2>/dev/null
}

ipp_get() { # PORT PATH ATTRIBUTE
	ipp_request "$1" "$2" <<-E | sed -n "s/^ *$3 ([^)]*) = //p" | tail -n 1
	{ OPERATION Get-Printer-Attributes
	GROUP operation-attributes-tag
	ATTR charset attributes-charset utf-8
	ATTR naturalLanguage attributes-natural-language en
	ATTR uri printer-uri \$uri
	ATTR keyword requested-attributes $3
	STATUS successful-ok }
	E
}

ipp_set() { # PORT PATH SYNTAX ATTRIBUTE VALUE
	ipp_request "$1" "$2" <<-E | grep -q PASS
	{ OPERATION Set-Printer-Attributes
	GROUP operation-attributes-tag
	ATTR charset attributes-charset utf-8
	ATTR naturalLanguage attributes-natural-language en
	ATTR uri printer-uri \$uri
	GROUP printer-attributes-tag
	ATTR $3 $4 "$5"
	STATUS successful-ok }
	E
}
