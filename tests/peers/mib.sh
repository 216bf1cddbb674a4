#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pass_persist script of tests/peers/snmpd.sh: a small Printer-MIB below .1.3.6.1.2.1.43. Each SET is written to $1;
# reset 6 is answered with wrong-value and must never be asked for.
base=.1.3.6.1.2.1.43
names=(5.1.1.1.1 5.1.1.3.1 5.1.1.10.1 5.1.1.17.1 7.1.1.2.1.1 7.1.1.4.1.1 16.5.1.2.1.1)
types=(counter integer integer string string integer string)
values=(42 3 1 PEER12345 fr 106 "Ready")
answer() { printf '%s.%s\n%s\n%s\n' "$base" "${names[$1]}" "${types[$1]}" "${values[$1]}"; }
less() { # A B: is OID A before OID B?
	local a b i
	IFS=. read -ra a <<<"$1"
	IFS=. read -ra b <<<"$2"
	for ((i = 0; i < ${#a[@]} && i < ${#b[@]}; i++)); do
		[ "${a[$i]:-0}" -eq "${b[$i]:-0}" ] || { [ "${a[$i]:-0}" -lt "${b[$i]:-0}" ]; return; }
	done
	[ "${#a[@]}" -lt "${#b[@]}" ]
}
while read -r command; do
	case $command in
	PING) echo PONG ;;
	get | getnext)
		read -r oid
		found=
		for i in "${!names[@]}"; do
			if [ "$command" = get ] && [ "$oid" = "$base.${names[$i]}" ]; then found=$i; fi
			if [ "$command" = getnext ] && [ -z "$found" ] && less "${oid#.}" "${base#.}.${names[$i]}"; then found=$i; fi
		done
		if [ -n "$found" ]; then answer "$found"; else echo NONE; fi
		;;
	set)
		read -r oid
		read -r value
		echo "$oid $value" >>"$1"
		case $value in *6) echo wrong-value ;; *) echo not-writable ;; esac
		;;
	*) exit 0 ;;
	esac
done
