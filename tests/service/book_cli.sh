#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# carnet book, from outside: what it prints, its exit codes, pipes, broken files, full disks, bounds. No service, no database.
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
B=${B:-build}
carnet=$PWD/$B/bin/carnet
D=$(mktemp -d /tmp/cbk.XXXXXX)
trap 'chmod -R u+rwx "$D"; rm -rf "$D"' EXIT
export HOME=$D LC_ALL=C.UTF-8
unset NO_COLOR COLUMNS CARNET_SERVER CARNET_TOKEN_FILE LANG
golden=$PWD/tests/golden/book
cp "$golden/carnet_json/office.json" "$D/office.json"
cd "$D" || exit 1
grep -q __asan_init "$carnet" && asan=1 || asan=

# carnet book …: $out, $err, $rc
book() {
	"$carnet" book "$@" >out 2>err </dev/null
	rc=$? out=$(<out) err=$(<err)
}
# changed SED… : a copy of the office with this edit, in edited.json
changed() { sed "$@" office.json >edited.json; }
has() { if grep -qF -- "$2" <<<"$1"; then ok "$3"; else not_ok "$3"; printf '# in: %s\n' "$1" | head -20; fi; }
hasnt() { if grep -qF -- "$2" <<<"$1"; then not_ok "$3"; else ok "$3"; fi; }

# ---- check
book check office.json
is "$rc $out" "0 office.json: Carnet JSON, UTF-8, 3 lists, 5 entries, 0 errors, 0 warnings" "check: a sound file is clean and says what it is"
changed 's/"number": 203/"colour": 203/; s/"fax_number": .*/"fax_number": 33,/'
book check edited.json
is "$rc" 2 "check: faults end with 2"
has "$out" 'edited.json:39:29: error: lists[0].entries[1].destinations[0].fax_number: a text in quotes' "check: file, line and column, like a compiler"
has "$out" 'edited.json:47:11: error: lists[0].entries[2].colour' "check: and it goes on to the next fault"
has "$out" '2 errors, 0 warnings' "check: and counts them"
book check --json edited.json
is "$(jq -r '.[0] | [.errors, .faults[1].line, .faults[1].column, .faults[1].reason, .lists[0].entries] | join(" ")' <<<"$out")" "2 47 11 unknown_member 4" "check --json: the same for programs"
book check --lang fr edited.json
has "$out" 'CN-5001: Les données sont illisibles' "check --lang fr: what the faults mean, in the reader's language"
book check office.json edited.json office.json
is "$rc $(grep -c 'errors' <<<"$out")" "2 3" "check: several files, the worst counts"
book check "$golden/canon_abk/odd.abk"
is "$rc" 1 "check: what is odd and kept is a warning, 1"

book check --profile sharp office.json
is "$rc" 1 "check --profile: what a printer could not hold ends with 1"
has "$out" 'has no groups' "check --profile: and is said"
book check --profile carnet office.json
is "$rc" 0 "check --profile: one that holds everything"
book check --profile toaster office.json
is "$rc" 2 "check --profile: one that is none"

# ---- columns of nobody's format
printf 'NAME,Email Address,Tel Number,Floor\nAna,ana@example.com,0033 1,7\n' >toshiba.csv
printf '{"NAME": "name", "Email Address": "email", "Tel Number": "fax"}' >map.json
book show toshiba.csv
is "$rc" 2 "a CSV of columns that nobody knows is not guessed"
book show --mapping map.json --json toshiba.csv
is "$rc $(jq -c '.lists[0].entries[0] | [.name, .destinations[0].address, .destinations[1].fax_number, .extra[0]]' <<<"$out")" \
	'0 ["Ana","ana@example.com","0033 1",{"name":"Floor","value":"7"}]' "--mapping: says which column is what, the others are kept"
book check --mapping map.json toshiba.csv "$golden/canon_csv/office.csv"
is "$rc" 0 "--mapping: leaves files of known formats alone"
printf '{"NAME": }' >map.json
book show --mapping map.json toshiba.csv
is "$rc $(grep -c 'map.json.*line 1' <<<"$err")" "2 1" "--mapping: a broken one is an error with its place"
book check --from canon_abk "$golden/canon_csv/office.csv"
is "$rc" 2 "--from: another format than it is"
book check --from nothing office.json
has "$err" 'there is no format' "--from: one that is none"

# ---- show
book show office.json
is "$rc" 0 "show: a sound file"
has "$out" 'list 1 Sales' "show: lists by slot and name"
has "$out" 'smb://files.example.com:445/scan\north\2026-11-21' "show: destinations in a few words"
hasnt "$out" AEx0R1 "show: no secret"
book show --entry 203 office.json
has "$out" 'set (encrypted)' "show --entry: a secret is said to be there"
hasnt "$out" AEx0R1 "show --entry: and not what it is"
book show --entry nobody office.json
is "$rc $err" "2 carnet: there is no entry 'nobody'" "show --entry: one that is not there"
book show --list 2 office.json
hasnt "$out" 'Ana' "show --list: only this list"
book show --json office.json
is "$rc $(jq -r '[.carnet, .family, .lists[0].entries[0].name, .lists[0].entries[0].number] | join(" ")' <<<"$out")" "0 book.v1 canon Ana Müller 201" "show --json: family, lists, entries"
hasnt "$out" AEx0R1 "show --json: no secret"
printf '%s\n' "$out" >shown.json
book check shown.json
is "$rc" 0 "show --json: is read back"
book show --json --reveal-secrets office.json
is "$out" "$(<office.json)" "show --json --reveal-secrets: the file as it is written"
book show --json --entry 204 office.json
is "$(jq -c '.lists[0].entries[0].members' <<<"$out")" '[{"text":"201"},{"text":"203"},{"text":"299"}]' "show --entry --json: members that are not shown stay as references"

# ---- stdin
"$carnet" book check - <office.json >out; rc=$?
is "$rc $(<out)" "0 (stdin): Carnet JSON, UTF-8, 3 lists, 5 entries, 0 errors, 0 warnings" "a redirected stdin is read"
cat office.json | "$carnet" book show --json - >out
is "$(jq '.lists | length' out)" 3 "a pipe is read"
(head -c 1000 office.json; sleep 0.2; tail -c +1001 office.json) | "$carnet" book check - >out; rc=$?
is "$rc" 0 "a pipe that comes in pieces is read to its end"
"$carnet" book diff - - <office.json >out 2>err; rc=$?
is "$rc $(<err)" "2 carnet: stdin can be read once" "stdin twice is refused"

# ---- diff
book diff office.json office.json
is "$rc $out" "0 no difference" "diff: equal books"
changed 's/"Ana Müller"/"Ana Miller"/; s/"+33 4 78 00 00 01"/"+33 4 78 00 00 02"/'
book diff office.json edited.json
is "$rc" 1 "diff: differences end with 1"
has "$out" 'Ana Miller' "diff: the new value"
has "$out" '+33 4 78 00 00 01' "diff: the old value"
book diff --summary office.json edited.json
is "$rc $(wc -l <<<"$out")" "1 1" "diff --summary: one line"
book diff --json office.json edited.json
is "$rc $(jq -r '.changes | length' <<<"$out")" "1 2" "diff --json: every change"
changed 's/  //g'
book diff office.json edited.json
is "$rc" 0 "diff: spaces between members are no difference"
changed 's/AEx0R1==/ZZZZZZ==/'
book diff office.json edited.json
hasnt "$out$err" ZZZZ "diff: no secret"

# ---- merge
changed 's/"Ana Müller"/"Ana Miller"/'; mv edited.json left.json
changed 's/"Fax Lyon"/"Fax Paris"/'; mv edited.json right.json
book merge office.json left.json right.json -o merged.json
is "$rc" 0 "merge: changes of both sides"
changed 's/"Ana Müller"/"Ana Miller"/; s/"Fax Lyon"/"Fax Paris"/'
book diff merged.json edited.json
is "$rc" 0 "merge: both are there"
changed 's/"Ana Müller"/"Anna Müller"/'; mv edited.json right.json
rm merged.json
book merge office.json left.json right.json -o merged.json
is "$rc $(ls merged.json 2>/dev/null)" "1 " "merge: an open conflict ends with 1 and writes nothing (AB-27)"
has "$out" 'left "Ana Miller"' "merge: the conflict with its values"
book merge --prefer right office.json left.json right.json -o merged.json
is "$rc" 0 "merge --prefer: settles it"
book diff merged.json right.json
is "$rc" 0 "merge --prefer right: as the right side has it"
rm merged.json
book merge --resolve 1/201/name=left office.json left.json right.json -o merged.json
is "$rc $(grep -c 'Ana Miller' merged.json)" "0 1" "merge --resolve: settles the conflict that it names"
book merge --resolve 1/202/name=left office.json left.json right.json
is "$rc" 1 "merge --resolve: and no other"
book merge --resolve 1=right --resolve 1/201=left office.json left.json right.json -o merged.json
is "$rc $(grep -c 'Ana Miller' merged.json)" "0 1" "merge --resolve: a whole list, and an entry after it"
book merge --resolve 1/201=up office.json left.json right.json
is "$rc" 2 "merge --resolve: a side that is none"
book merge --prefer up office.json left.json right.json
is "$rc" 2 "merge --prefer: a side that is none"

# ---- convert
book convert --to carnet_json --reveal-secrets -o same.json office.json
"$carnet" book show --json --reveal-secrets same.json >same2.json
is "$rc $(cmp same.json same2.json && echo same)" "0 same" "convert to its own format: the whole book, secrets too"
book diff same.json office.json
is "$rc" 0 "and it is the same book"
book convert --to carnet_json -o hidden.json office.json
is "$rc $(ls hidden.json 2>/dev/null)" "1 " "convert: a password that is not revealed is a loss"
book convert --to canon_csv "$golden/canon_csv/office.csv" -o same.csv
is "$rc $(cmp same.csv "$golden/canon_csv/office.csv" && echo same)" "0 same" "convert: a Canon CSV over itself is the same file (L2)"
book convert --to canon_csv -o office.csv office.json
is "$rc $(ls office.csv 2>/dev/null)" "1 " "convert: losses that nobody accepted: 1, nothing written (AB-29)"
has "$out" 'nothing is written' "convert: and says so"
has "$out" 'loss' "convert: the ledger"
book convert --to canon_csv office.json
is "$rc" 1 "convert without -o: only says what would be lost"
hash=$("$carnet" book convert --json --to canon_csv office.json | jq -r .hash)
book convert --to canon_csv -o office.csv --accept "$hash" office.json
is "$rc $(ls office.csv)" "0 office.csv" "convert --accept HASH: this very ledger"
rm office.csv
book convert --to canon_csv -o office.csv --accept 0000000000000000 office.json
is "$rc $(ls office.csv 2>/dev/null)" "2 " "convert --accept: the hash of another ledger is none"
book convert --to canon_csv -o office.csv --accept change office.json
is "$rc $(ls office.csv 2>/dev/null)" "1 " "convert --accept: a class that is not the point"
book convert --to canon_csv -o office.csv --accept all --ledger ledger.csv office.json
is "$rc $(head -c 12 ledger.csv)" "0 action,list," "convert --ledger: every line as CSV"
book check office.csv
is "$rc" 0 "convert: what was written is a sound file"
book convert --to canon_csv -o - --accept all office.json
is "$rc $(head -c 21 <<<"$out")" "0 # Canon AddressBook C" "convert -o -: the file to stdout"
has "$err" 'Canon' "convert -o -: the ledger to stderr"
book convert --to nothing office.json
is "$rc" 2 "convert --to: a format that is none"
has "$err" 'canon_csv' "convert --to: says what there is"
book convert --to konica_tsv -o needs.txt office.json
is "$rc $(grep -c -- '--base FILE' <<<"$err")" "2 1" "convert: a format that needs the printer's own file asks for it"
book convert --to konica_tsv office.json
is "$rc $(grep -c 'losses, ledger' <<<"$out")" "1 1" "convert without -o: the losses need no such file"
book convert office.json
is "$rc $err" "2 carnet: --to says the format or the profile to convert to" "convert: without --to"
book convert --to canon_csv --view -o people.csv office.json
is "$rc" 2 "convert --view: a view has its own name (AB-24)"
book convert --to canon_csv --accept all -o people.view.csv office.json
is "$rc $(ls people.view.csv 2>/dev/null)" "2 " "convert: a printer's file has not the name of a view (AB-24)"
book convert --view -o people.view.csv "$golden/canon_csv/office.csv"
is "$rc" 0 "convert --view: for a spreadsheet (AB-23)"
book check people.view.csv
has "$out" 'Spreadsheet view' "check: knows a view"
there=0 other=
formats=$("$carnet" book convert --help | sed -n 's/^Formats://p')
for f in "$golden"/*/*.*; do
	codec=${f%/*} codec=${codec##*/}
	case "$formats " in *" $codec "*) ;; *) continue ;; esac # some are only read
	[ "$codec" != carnet_json ] || continue
	book convert --view -o back.view.csv "$f" && book convert --to "$codec" --base "$f" --accept all -o back back.view.csv
	if cmp -s back "$f"; then there=$((there + 1)); else other="$other $f: $err"; fi
done
is "$((there > 20)) $other" "1 " "convert: from the view over the printer's own file, byte for byte, passwords too ($there samples)"
sed 's/Müller, Jörg/Müller, Georg/' people.view.csv >edited.view.csv
book convert --to canon_csv --base "$golden/canon_csv/office.csv" -o back.csv edited.view.csv
is "$rc $(diff back.csv "$golden/canon_csv/office.csv" | grep -c '^[<>]')" "0 2" "convert: an edit in the view changes its own line and no other"
book convert --to canon_csv --base people.view.csv -o back2.csv office.json
is "$rc" 2 "convert --base: a view is no file of a printer"
cp office.json over.json
book convert --to carnet_json --reveal-secrets -o over.json over.json
is "$rc $(cmp over.json same.json && echo same)" "0 same" "convert: over its own input when it is named so"

# ---- every sample into every format: what is written says what was meant (read back before it is written)
n=0 wrong=
for f in "$golden"/*/*.*; do
	for codec in $formats; do
		base=()
		[ "$codec" != konica_tsv ] || base=(--base "$(ls "$golden"/konica_tsv/*.* | head -1)")
		book convert --to "$codec" "${base[@]}" --accept all --transliterate -o made "$f"
		n=$((n + 1))
		[ "$rc" -eq 0 ] || wrong="$wrong ${f#"$golden/"} → $codec: $err"
	done
done
is "$wrong" "" "convert: every sample into every format ($n), and each file reads back as it was meant"

# ---- search
book search ana office.json
is "$rc $(awk 'NR == 2 {print $1, $2, $3}' <<<"$out")" "0 office.json 1 201" "search: file, list and number"
book search MULLER office.json
is "$rc" 0 "search: case and accents do not count"
book search 78000001 office.json "$golden/canon_csv/office.csv"
is "$rc $(grep -c Lyon <<<"$out")" "0 1" "search: the end of a fax number, whatever stands between the digits"
book search host:files.example office.json
has "$out" files.example.com "search: one kind of place only"
book search --json yamada office.json
is "$(jq -r '.[0] | [.file, .list, .number, .line] | join(" ")' <<<"$out")" "office.json 11 1 88" "search --json: with the line"
book search nowhere office.json
is "$rc$out" 1 "search: nowhere is 1"
book search AEx0R1 office.json
is "$rc" 1 "search: secrets are not found"

# ---- what is wrong with a file, in one line
one_error() { # TEXT WANTED VERB…
	local text=$1 wanted=$2
	shift 2
	book "$@"
	is "$rc $err" "2 carnet: $wanted" "$text"
}
printf '{"carnet": "book.v1",\n "family": x}' >bad.json
one_error "a malformed file: file, line, column" 'bad.json:2:12: family: a value was expected' show bad.json
: >empty
one_error "an empty file" 'empty: the file is empty' show empty
one_error "a file that is not there" 'none.csv: No such file or directory' show none.csv
one_error "a directory" '.: Is a directory' show .
echo 'Dear all, please find below' >letter
one_error "a text that is no address book" 'letter: this is a text of another kind, no address book in a format that is known here' diff letter office.json
head -c 100000 /dev/urandom >random
book show random
is "$rc $(wc -l <<<"$err")" "2 1" "bytes of no format: one line"
has "$err" 'no address book' "and what it is not"
truncate -s $((64 * 1024 * 1024 + 1)) huge
one_error "one byte more than 64 MiB" 'huge: larger than 64 MiB' show huge
cat huge | "$carnet" book show - >out 2>err; rc=$?
is "$rc $(<err)" "2 carnet: (stdin): larger than 64 MiB" "the same from a pipe"
truncate -s $((64 * 1024 * 1024)) huge
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	cp office.json locked && chmod 000 locked && chmod 711 .
	setpriv --reuid 65534 --clear-groups "$carnet" book show "$D/locked" >out 2>err; rc=$?
	is "$rc $(<err)" "2 carnet: $D/locked: Permission denied" "a file that may not be read"
	chmod 700 .
else
	cp office.json locked && chmod 000 locked
	one_error "a file that may not be read" 'locked: Permission denied' show locked
fi
one_error "a verb's unknown flag" "book show has no flag --nonsense" show --nonsense 1 office.json
book nonsense
is "$rc" 2 "a verb that is none"
book show --from
is "$rc" 2 "a flag without its value"
one_error "no file" 'book show needs FILE…' show
printf -- '{}' >--odd
book check -- --odd
is "$rc" 2 "behind -- a name may begin with a dash"
has "$out" '--odd: error' "and it is read"
book check --help
is "$rc" 0 "--help"
has "$out" 'Examples:' "--help has examples"

# ---- stdout that does not take it
"$carnet" book show office.json >/dev/full 2>err; rc=$?
is "$rc $(<err)" "2 carnet: stdout: No space left on device" "a full disk under stdout is said"
"$carnet" book show office.json >&- 2>err; rc=$?
is "$rc $(<err)" "2 carnet: stdout: Bad file descriptor" "a closed stdout is said"
"$carnet" book convert --to carnet_json --reveal-secrets -o closed.json office.json >&- 2>/dev/null
is "$(cmp closed.json same.json && echo same)" same "a file written while stdout is closed holds the book and nothing else"
jq -c '.lists[0].entries = [range(20000) as $i | .lists[0].entries[0] | .key = "\($i)" | .number = $i]' office.json >many.json
(set +o pipefail; "$carnet" book show many.json 2>err | head -1 >out; echo "${PIPESTATUS[0]}" >rc)
is "$(<rc) $(<err)" "141 " "a reader that goes away ends it without a word, like cat"
book convert --to carnet_json --reveal-secrets -o /dev/full office.json
is "$rc $err" "2 carnet: /dev/full: No space left on device" "convert to a full device"

# ---- whole or not at all
echo old >keep.json
(trap '' XFSZ; ulimit -f 1; exec "$carnet" book convert --to carnet_json --reveal-secrets -o keep.json many.json >out 2>err); rc=$?
is "$rc $(<keep.json)" "2 old" "a file that does not fit leaves the old one"
is "$(ls keep.json.* 2>/dev/null)" "" "and nothing beside it"
book convert --to carnet_json -o new.json many.json
torn=0 killed=0
for i in $(seq 20); do
	cp same.json atomic.json
	"$carnet" book convert --to carnet_json -o atomic.json many.json >/dev/null 2>&1 &
	pid=$!
	(sleep "0.$(printf %03d $((i * 13)))"; kill -KILL "$pid") 2>/dev/null &
	wait "$pid" 2>/dev/null || killed=$((killed + 1))
	wait
	cmp -s atomic.json same.json || cmp -s atomic.json new.json || torn=$((torn + 1))
done
is "$torn" 0 "killed at any moment ($killed of 20 times), the file is the old one or the new one"
chmod 640 atomic.json
book convert --to carnet_json --reveal-secrets -o atomic.json office.json
is "$(stat -c %a atomic.json)" 640 "a file that is replaced keeps its mode"
is "$(stat -c %a new.json)" 600 "a new one is its owner's alone"
ln -s atomic.json link.json
book convert --to carnet_json -o link.json many.json
is "$(readlink link.json) $(cmp atomic.json new.json && echo new)" "atomic.json new" "a link stays, what it leads to is replaced"

# ---- terminals
on_tty() { # COLUMNS command: what a terminal gets
	script -qec "stty cols $1; ${*:2}" /dev/null </dev/null
}
esc=$'\033['
has "$(on_tty 120 "$carnet" book show office.json)" "$esc" "colour on a terminal"
hasnt "$(NO_COLOR=1 on_tty 120 "$carnet" book show office.json)" "$esc" "none with NO_COLOR"
has "$(NO_COLOR= on_tty 120 "$carnet" book show office.json)" "$esc" "an empty NO_COLOR says nothing"
book show office.json
hasnt "$out" "$esc" "no colour in a pipe"
is "$(env -u LC_ALL "$carnet" book show office.json | grep -c 'Ana Müller')" 1 "names are shown as they are where no locale is set"
wide=$(NO_COLOR=1 on_tty 70 "$carnet" book show office.json | tr -d '\r' | wc -L)
is "$((wide <= 70))" 1 "a narrow terminal gets narrow tables"
has "$(NO_COLOR=1 on_tty 160 "$carnet" book show office.json)" READING "a wide one more columns"
changed 's/"Ana Müller"/"\\u001b[31mAna\\u202e"/'
book show edited.json
hasnt "$out" $'\033' "a name with controls is shown escaped"
changed 's/"cnreadlang"/"\\u001b]0;x\\u0007"/; s/"charset": "UTF-8"/"charset": "\\u001b[2J"/'
book show edited.json
hasnt "$out" $'\033' "a charset with controls, too"
book show --entry 201 edited.json
hasnt "$out" $'\033' "and the name of a column"

# ---- the README: what it shows is what one gets, but for the numbers
same_numbers() { sed -E 's/ledger [0-9a-f]+/ledger N/; s/[0-9]+/N/g'; }
(
	cd "$golden/../../.." || exit
	PATH=${carnet%/*}:$PATH
	block=$(sed -n '/^    \$ cd tests\/golden/,/^$/s/^    //p' README.md)
	sed -n 's/^\$ //p' <<<"$block" | sed "s|/tmp/|$D/|g" >"$D/readme.sh"
	. "$D/readme.sh"
) 2>&1 | same_numbers >readme.out
missing=$(sed -n '/^    \$ cd tests\/golden/,/^$/s/^    //p' "$golden/../../../README.md" | grep -v '^\$\|^…' | same_numbers | grep -vxFf readme.out)
is "$missing" "" "the README shows what carnet book prints"
is "$(($(wc -l <readme.out) > 10))" 1 "and its commands print something"

# ---- bounds: 2 seconds and 200 MB for whatever 64 MiB say
# bounded FILE: rc, within the bounds; sanitizers have their own memory and time
bounded() {
	if [ -n "$asan" ]; then
		timeout 60 "$carnet" book check "$1" >out 2>err
	else
		timeout 60 prlimit --data=200000000 --cpu="${BOOK_SECONDS:-2}" "$carnet" book check "$1" >out 2>err
	fi
	rc=$?
}
bomb() { # TEXT FILE
	bounded "$2"
	is "$rc" 2 "$1"
	rm -f "$2"
}
times() { head -c "$2" < <(yes "$1" | tr -d '\n'); } # PIECE BYTES
M=$((1024 * 1024))
head='{"carnet": "book.v1", "family": "x", "lists": [{"slot": "1", "entries": ['
bomb "NUL bytes, 64 MiB" huge
{ printf '%s' '{"carnet": "book.v1", "x": '; times '[' $((63 * M)); } >b && bomb "JSON: nesting" b
{ printf '%s"' "$head"; times 'aaaaaaaa' $((63 * M)); } >b && bomb "JSON: an endless text" b
{ printf '%s{"number": ' "$head"; times '11111111' $((63 * M)); } >b && bomb "JSON: an endless number" b
{ printf '%s' "$head"; times '{"key":"1"},' $((63 * M)); } >b && bomb "JSON: five million entries" b
{ printf '%s{"key":"1","members":[' "$head"; times '{"text":""},' $((63 * M)); } >b && bomb "JSON: five million members" b
{ printf '%s' '{"carnet": "book.v1", "lists": ['; times '{"slot":"1","entries":[]},' $((63 * M)); } >b && bomb "JSON: two million lists" b
{ printf '%s{' "$head"; times '"a":1,' $((63 * M)); } >b && bomb "JSON: ten million members that are none" b
{ head -7 "$golden/canon_csv/office.csv"; times ',' $((63 * M)); } >b && bomb "CSV: sixty million columns" b
{ head -7 "$golden/canon_csv/office.csv"; printf '"'; times 'a,' $((63 * M)); } >b && bomb "CSV: a quote that does not end" b
{ head -c 140 "$golden/canon_abk/sales.abk"; printf 'cn: a'; for i in $(seq 16); do times $'\n aaaaaa' $((4 * M)); done; } >b && bomb "abk: endless folding" b
{ echo 'list,number,name,email'; seq 1 4000000 | awk '{print "1," $1 ",a,b"}' | head -c $((63 * M)); } >b && bomb "generic CSV: four million entries" b
{ echo 'list,number,name,email'; printf '1,1,"'; times $'a\nb,' $((63 * M)); } >b && bomb "generic CSV: a cell of 63 MiB" b
{ printf 'version: 1\ndn: cn=a\ncn: a\n'; head -c $((63 * M)) < <(yes ' aaaaa'); } >b && bomb "LDIF: endless folding" b
K=http://www.kyoceramita.com/ws/km-wsdl/setting/address_book
{ printf '<?xml version="1.0"?><k:a xmlns:k="%s">' $K; times '<k:b>' $((63 * M)); } >b && bomb "XML: nesting" b
{ printf '<?xml version="1.0"?><k:a xmlns:k="%s">' $K; times '<k:personal_address/>' $((63 * M)); } >b && bomb "XML: three million elements" b
{ printf '\x1f\x8b\x08'; head -c $M /dev/urandom; } >b && bomb "a packed file is opaque" b
{ printf 'PK\003\004'; head -c $M /dev/urandom; } >b && bomb "a ZIP is opaque" b
printf '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>' >b && bomb "XML: a DTD" b
done_testing
