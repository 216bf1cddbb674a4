#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The lock service, proven with Spin (README.md): each model is searched to its end, and each planted bug must be
# caught by the invariant it breaks. One TAP line each. CASES="life NO_FIFO" chooses by words of a case.
set -uo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
export LC_ALL=C.UTF-8 B=${B:-build}

# kind | model | defines | invariant | what
cases='
proof | life  |                            |     | I1 I2 I5 I6 I9 I10: the life of a lock at a printer that cannot check a token
proof | life  | STORAGE                    |     | I1 I2 I3 I6 I9 I10: … with a storage that checks tokens
proof | life  | STORAGE FAILOVER ALL_BUT=5 |     | I1 I2 I3 I6 I9 I10: … and a standby that lost the last commits
proof | watch |                            |     | I10: no lease and no quarantine ends early, however the clock of the database steps
proof | deadman |                          |     | the lemma of I5: one timer for all locks of a worker
proof | soon  |                            |     | I8 I10: every waiter is answered and every dead lock is ended, in time
proof | rows  |                            |     | I1 I2 I4 I9: transactions that take device rows one by one, and die in the middle
proof | queue | OPS=6                      |     | I1 I7 I8: the shipped lock_decide, three requests of every mode, two devices, a hold
proof | queue | OPS=6 PATIENT              |     | I8: nobody waits for ever for somebody who waits for him
bug   | rows  | NO_ROW_LOCK                | 1   | the device row is not locked
bug   | rows  | FROM_MEMORY                | 4   | an instance decides from its memory
bug   | rows  | HALF                       | 9   | what is free of two devices is granted
bug   | rows  | DESCENDING                 | end | one instance takes the rows from the other side
bug   | life  | NO_TOKEN_CHECK STORAGE     | 3   | storage does not check the token
bug   | life  | NO_SHARE STORAGE           | 3   | storage does not keep the lock row until it commits
bug   | life  | NO_DEADMAN                 | 5   | a frozen worker is not killed
bug   | life  | DEADMAN_EARLY              | 5   | the dead-man is moved when the renewal is sent
bug   | deadman | LATEST                   | 105 | the dead-man waits for the last of several locks
bug   | deadman | ONE_DISARMS              | 105 | the end of one session disarms the dead-man
bug   | deadman | FIRST_GRANT_ONLY         | 105 | a grant that ends earlier does not move the dead-man
bug   | life  | NO_QUARANTINE              | 5   | an expired lock is free at once
bug   | life  | STALE_PROBE                | 5   | a probe from before the end of the lock counts
bug   | life  | REMAINING_UNBOUND          | 105 | an answer given again promises more than a lease, for the clock stepped back
bug   | life  | OLD_OWNER                  | 6   | whoever releases, releases
bug   | life  | NO_IDEMPOTENCY             | 9   | the same request id is granted twice
bug   | life  | NO_WATCH                   | 10  | a lock ends when the clock of the database says so
bug   | life  | NO_TIMELINE STORAGE FAILOVER | 2 | tokens without the timeline
bug   | life  | WATCH_KEEPS STORAGE FAILOVER | 10 | the watch goes on across a failover
bug   | watch | NO_WATCH                   | 10  | no watch at all
bug   | watch | CREEP                      | 10  | small steps of the clock are not added up
bug   | watch | SHORT_WATCH                | 10  | what was added to a quarantine is not watched
bug   | soon  | NO_SWEEP_OF_WAITERS        | 8   | only who asks again is told that its wait is over
bug   | queue | OPS=6 NO_FIFO              | 7   | nobody looks at those who wait
bug   | queue | OPS=6 SYMMETRIC            | 1   | the matrix is asked in either direction
bug   | queue | OPS=6 NO_ITEM_FILTER       | 1   | synchronised items are granted too
bug   | queue | OPS=6 LOST_HOLD            | 7   | a child starts though its hold is lost
bug   | queue | OPS=6 PATIENT TWO_TICKETS  | end | each device has its own order of waiting
limit | life  | STORAGE FAILOVER           | 5   | not promised: a grant that a failover lost, while its worker is at the printer
limit | watch | RELIEVED                   | 10  | not promised: a step that is taken back between two looks at the clock
'
kinds='proof|bug|limit'

# One case in a folder of its own: builds, searches, leaves a line without its number in $out/N.
one() {
	local n=$1 kind=$2 model=$3 defines=$4 invariant=$5 what=$6 dir=$out/case-$1 flags=() opt=-O1 d objects=() end
	[ "$kind" = proof ] && opt=-O2
	[ "$kind" = bug ] && opt='-O1 -DREVERSE' # from the other side, where most of them are nearer
	for d in $defines; do flags+=("-D$d"); done
	case $invariant in
	'') ;;
	end) flags+=(-DONLY=-1) ;;
	*) flags+=("-DONLY=$invariant") ;;
	esac
	mkdir -p "$dir" && cp tests/model/*.pml "$dir" && cd "$dir" || return
	local c=(-std=gnu17 -D_GNU_SOURCE "-I$root" "-I$root/$B")
	{
		spin "${flags[@]}" -a "$model.pml"
		if [ "$model" = queue ]; then
			gcc -O2 -Wall -Wextra -Werror "${c[@]}" "${flags[@]}" -c "$root/tests/model/decide.c" -o decide.o
			objects=(decide.o "$root/$B/liblock.a" "$root/$B/libcarnet.a" -lm)
		fi
		gcc $opt -w -DSAFETY -DNOREDUCE -DMEMLIM=2000 "${c[@]}" -o pan pan.c "${objects[@]}" &&
			timeout 400 ./pan -m500000 -w22
	} >log 2>&1
	end='assertion violated'
	[ "$invariant" = end ] && end='invalid end state'
	if [ "$kind" = proof ]; then
		grep -q 'errors: 0$' log && ! grep -q 'not completed\|depth too small' log
	else
		grep -q "^pan:1: $end" log
	fi && echo "ok # - $(say "$kind" "$model" "$invariant" "$what")" ||
		{ echo "not ok # - $(say "$kind" "$model" "$invariant" "$what")"; sed 's/^/# /' log | cut -c1-200 | head -40; }
	echo "# $model $defines: $(sed -n 's/^ *\([0-9]*\) states, stored$/\1 states/p' log)"
	[ "$kind" = proof ] && steps
	cd "$root" && rm -rf "$dir"
}
say() {
	case $1 in
	proof) echo "$4 ($2)" ;;
	bug) echo "caught by $(by "$3"): $4 ($2)" ;;
	limit) echo "$4 ($2, $(by "$3"))" ;;
	esac
}
by() {
	case $1 in
	105) echo "I5's lemma, the holder is gone before its lock" ;;
	end) echo "I8, a deadlock" ;;
	*) echo "I$1" ;;
	esac
}
# What this search has, and what of it it never reached: lines "have|miss MODEL.pml:LINE [TEXT]".
steps() {
	cpp "${flags[@]}" "$model.pml" | awk -F'"' '/^# / {split($1, a, " "); at = a[2]; file = $2; next}
		NF {print "have " file ":" at} {at++}' | sort -u >"$out/steps-$n"
	sed -n 's/^\t\([a-z]*\.pml:[0-9]*\), state [0-9]*, "\(.*\)"$/miss \1 \2/p' log | grep -v -- '-end-' | sort -u >>"$out/steps-$n"
}
export -f one say by steps
export root

if ! command -v spin >/dev/null; then
	echo "not ok 1 - spin is installed (deploy/install test)"
	exit 1
fi
make -s B="$B" "$B/liblock.a" "$B/libcarnet.a" >&2 || { echo "not ok 1 - the lock service is built"; exit 1; }
out=$(mktemp -d)
export out
trap 'rm -rf "$out"' EXIT
n=0
while IFS='|' read -r kind model defines invariant what; do
	for word in ${CASES:-}; do [[ "$model $defines" = *"$word"* ]] || continue 2; done
	read -r kind <<<"$kind"; read -r model <<<"$model"; read -r defines <<<"$defines"
	read -r invariant <<<"$invariant"; read -r what <<<"$what"
	n=$((n + 1))
	printf '%s\0' "$n" "$kind" "$model" "$defines" "$invariant" "$what"
done < <(grep -E "^($kinds) " <<<"$cases") >"$out/list"
xargs -0 -n 6 -P "$(nproc)" bash -c 'one "$@" >"$out/$1"' one <"$out/list"

bad=0 n=0
for f in $(find "$out" -maxdepth 1 -name '[0-9]*' -printf '%f\n' | sort -n); do
	n=$((n + 1))
	sed "s/^\(ok\|not ok\) #/\1 $n/" "$out/$f"
	grep -q '^ok' "$out/$f" || bad=1
done
if [ -z "${CASES:-}" ]; then
	n=$((n + 1))
	dead=$(cat "$out"/steps-* | awk '$1 == "have" {have[$2]++} $1 == "miss" {k = substr($0, 6); miss[k]++; at[k] = $2}
		END {for (k in miss) if (miss[k] >= have[at[k]]) print "# never reached: " k}')
	[ -z "$dead" ] && echo "ok $n - every step of the models is reached" ||
		{ echo "not ok $n - every step of the models is reached"; echo "$dead"; bad=1; }
fi
echo "1..$n"
exit $bad
