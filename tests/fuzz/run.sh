#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each libFuzzer target: its seed corpus (for fuzz_book_<codec> also the sample files of that codec, for fuzz_book_convert of all) and dictionary, then FUZZ_RUNS (50000) new inputs or FUZZ_SECONDS (10) of them. Two targets at a time.
# FUZZ_SEED (1) says which: the same seed tries the same inputs in the same order, 0 others each time; so a fast machine
# tries no others than the one on which a change was made, but for FUZZ_RUNS=-1, which ends by time only. A finding is printed
# with its seed and its input in base64 (at most 4 KB); feed it back: base64 -d >input; build-fuzz/fuzz/TARGET input
set -u
cd "$(dirname "$0")/../.."
seconds=${FUZZ_SECONDS:-10} seed=${FUZZ_SEED:-1} runs=${FUZZ_RUNS:-50000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mapfile -t targets < <(find build-fuzz/fuzz -maxdepth 1 -type f -executable -name 'fuzz_*' | sort)
echo "1..${#targets[@]}"
[ "${#targets[@]}" -gt 0 ] || { echo "not ok 1 - there are fuzz targets"; exit 1; }
one() {
	local target=$1 name=${1##*/} what samples dict=
	what=${name#fuzz_}
	[ ! -f "tests/fuzz/dict/$what.dict" ] || dict=-dict=tests/fuzz/dict/$what.dict
	samples=tests/golden/book/${what#book_}
	if [ "$what" = book_convert ]; then # reads every format
		samples=$(echo tests/golden/book/*/)
		cat tests/fuzz/dict/book_*.dict >"$work/dict"
		dict=-dict=$work/dict
	fi
	mkdir -p "$work/$name"
	# entropic=0: its bookkeeping takes 4 of 5 seconds where a target has many features
	"$target" -seed="$seed" -entropic=0 -max_total_time="$seconds" -runs="$runs" -timeout=10 -rss_limit_mb=1024 -max_len=65536 -print_final_stats=1 $dict \
		-artifact_prefix="$work/$name." "$work/$name" \
		$(ls -d "tests/fuzz/corpus/$what" $samples 2>/dev/null) >"$work/$name.log" 2>&1
	echo $? >"$work/$name.rc"
}
finding() { # what is needed to see it again
	local artifact
	echo "seed $(sed -n 's/^INFO: Seed: *//p' "$work/$1.log")"
	for artifact in "$work/$1".{crash,leak,oom,timeout}-*; do
		[ -f "$artifact" ] || continue
		echo "input of $(stat -c %s "$artifact") bytes, ${artifact##*.}, its first 3072 in base64:"
		head -c 3072 "$artifact" | base64 -w 0
		echo
	done
}
for t in "${targets[@]}"; do
	while [ "$(jobs -rp | wc -l)" -ge 2 ]; do wait -n; done
	one "$t" &
done
wait
n=0 bad=0
for t in "${targets[@]}"; do
	n=$((n + 1)) name=${t##*/}
	runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/$name.log")
	if [ "$(cat "$work/$name.rc")" -eq 0 ]; then
		echo "ok $n - $name: ${runs:-?} inputs, no finding"
	else
		bad=1
		echo "not ok $n - $name"
		{ tail -n 40 "$work/$name.log"; finding "$name"; } | sed 's/^/# /'
	fi
done
exit $bad
