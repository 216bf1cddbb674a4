# SPDX-License-Identifier: Apache-2.0
# What tests of FTP deliveries share: a device, files, sessions held open by others.

device() { # DIRECTORY [CREDENTIAL-JSON]
	jq -n --arg d "$1" --argjson port "$port" --argjson c "${2:-null}" --argjson t "${clear_text:-1}" '{devices: [{name: "box", vendor: "HP", model: "JetDirect 600N", family: "jetdirect_ftp",
		address: "127.0.0.1", ports: {ftp: $port, snmp: 9}, labels: {ftp_directory: $d}, simulated: true, clear_text: ($t == 1)}], credentials: ([$c] | map(select(. != null)))}' >"$D/map"
}

greets() { # PORT
	local line
	exec 9<>"/dev/tcp/127.0.0.1/$1" || return 1
	read -rt 5 line <&9
	exec 9>&-
	[[ $line == 220* ]]
} 2>/dev/null

# Sessions of other people.
held=()
hold() { # N
	local fd line i
	for ((i = 0; i < $1; i++)); do
		exec {fd}<>"/dev/tcp/127.0.0.1/$port"
		read -rt 5 line <&"$fd"
		held+=("$fd")
	done
}
release_all() {
	local fd
	for fd in "${held[@]}"; do
		exec {fd}>&-
	done
	held=()
}

sent=0
run_delivery() { # NAME [FILE]
	RUN_PROBE_MS=60 RUN_ITEM=file RUN_FILE_NAME=$1 timeout 60 "$B/tests/peers/adapter_run" "$D/map" wanted="${2:-$D/job.ps}" write release >"$D/out.json" 2>"$D/err"
	grep '"step":"write"' "$D/out.json" >"$D/last"
}
deliver_quietly() { # NAME
	run_delivery "$1"
	[ "$(jq -r .cause "$D/last")" = ok ]
}
deliver() { # CAUSE REASON TEXT [NAME [FILE]]
	run_delivery "${4:-job$((++sent)).ps}" "${5:-$D/job.ps}"
	is "$(jq -r '.cause + " " + .reason' "$D/last")" "$1 $2" "$3"
}

# What every server has to take.
delivers() { # DIRECTORY
	printf '%%!PS\n(\r\n\x80\xff) show\r\nshowpage\n' >"$D/job.ps"
	head -c 3000000 /dev/urandom | sed '1s/^/\x1b%-12345X@PJL\n/' >"$D/big.pjl"
	printf '%%PDF-1.4\n%%\n' >"$D/x.pdf"
	RUN_PROBE_MS=60 "$B/tests/peers/adapter_run" "$D/map" probe release >"$D/out.json" 2>"$D/err"
	is "$(head -n 1 "$D/out.json" | jq -r .cause)" ok "probe: greeting and QUIT"
	deliver ok "" "a PostScript file is delivered" first.ps
	check "byte for byte" cmp -s "$D/job.ps" "$1/first.ps"
	like "$(jq -r .text "$D/last")" "^226 " "226 is the proof"
	deliver ok "" "3 MB" big.pjl "$D/big.pjl"
	check "byte for byte, too" cmp -s "$D/big.pjl" "$1/big.pjl"
	sed -i 's/"clear_text": true/"clear_text": false/' "$D/map"
	deliver tls_too_old clear_text "where the record does not allow plain text, nothing is sent (FL-20)" plain.ps
	check "nothing at all" [ ! -e "$1/plain.ps" ]
	sed -i 's/"clear_text": false/"clear_text": true/' "$D/map"
	deliver validation_failed print_language "a PDF is in no language of these printers (DV-26): validation_failed" x.pdf "$D/x.pdf"
	check "and nothing was sent" [ ! -e "$1/x.pdf" ]
	deliver validation_failed ftp_name "a name with a line end is no name: validation_failed" $'x\r\nDELE first.ps'
	check "and no command came of it" [ -e "$1/first.ps" ]
	deliver validation_failed ftp_name "nor one with a slash" ../x.ps
}
