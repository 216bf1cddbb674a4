#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A Canon CSV of 5,000 entries decoded, normalised and hashed: MB/s beside libcsv's bare scan of the
# same bytes in the same run; instructions per entry, counted by callgrind where it is installed.
set -euo pipefail
cd "$(dirname "$0")/../.."
bench=${B:-build}/tests/bench/book_csv
"$bench"
if ! command -v valgrind >/dev/null; then
	echo "instructions per entry: not counted, valgrind is not installed"
	exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
instructions() {
	local n
	for n in 1 2; do
		valgrind --tool=callgrind --callgrind-out-file="$work/out" "$bench" "$1" "$n" 2>"$work/err.$n" >/dev/null
	done
	echo $((($(sed -n "s/^.*Collected *: *//p" "$work/err.2") - $(sed -n "s/^.*Collected *: *//p" "$work/err.1")) / 5000))
}
echo "instructions per entry: decode $(instructions decode), with normal form and hashes $(instructions all) (SHA-256 in software: valgrind knows no SHA instructions)"