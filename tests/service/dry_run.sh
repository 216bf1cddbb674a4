#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# carnet … --dry-run: every verb there is, against a server that only lets itself be read. What would change something is shown
# instead, without its secrets, and what is shown is all that happens (fleet.md section 14).
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
B=${B:-build}
D=$(mktemp -d /tmp/cdr.XXXXXX)
trap 'kill $server 2>/dev/null; rm -rf "$D"' EXIT
tests/lib/rest_reader.pl "$D/sock" "$D/asked" &
server=$!
within 30 test -S "$D/sock" || { not_ok "the server starts"; done_testing; }
export CARNET_SERVER=unix:$D/sock CARNET_TOKEN_FILE=$D/token LC_ALL=C.UTF-8
echo some-token >"$D/token"
echo very-secret >"$D/secret"
echo '{"sites": [{"name": "s"}], "devices": [{"name": "d"}], "groups": [{"name": "g", "devices": ["d"]}], "credentials": [{"name": "c", "password": "very-secret"}]}' >"$D/map.json"
printf 'sites:\n  - {name: s}\ntasks:\n  - name: t\n    kind: device.probe\n    schedule: {form: every_days, n: 1, time: "02:30", zone: UTC}\n' >"$D/fleet.yaml"
id=00000000-0000-7000-8000-000000000001
cli() { timeout 60 "$B/bin/carnet" "$@" >"$D/stdout" 2>"$D/stderr" </dev/null; }

# "+": it changes something and shows that; "-": it only asks; the exit code of both is 0 if none is said.
verbs() {
	cat <<END
- device list
- device get x
+ device add --name x
+ device import $D/map.json
+ device set x --site s
+ device suspend x
+ device resume x
+ device retire x
+ device repin x --tls-pin AAAA
+ device approve x --tls-pin AAAA
+ discover 10.1.0.0/24 --no-wait
- candidate list
- candidate show x
+ candidate enrol x y --site s
+ candidate ignore x
- group list
- group get x
+ group create --name x
+ group set x --name y
- group members x
+ group add x --add-devices y
- group preview x
+ group delete x
- site list
+ site set x
+ site delete x
- cred list
+ cred set x --kind user_auth --user u --site s --password-file $D/secret
+ cred delete x
- task list
- task get x
+ task create x --all --password-file $D/secret
+ task set x --active false
+ task run x
+ task activate x
+ task deactivate x
- task next x
- task when --every 1d --at 02:30 --zone UTC
+ task delete x
- window list
- window get x
+ window create x --open 01:00-02:00
+ window set x --open 01:00-02:00
+ window delete x
- window when x
- run list
- run get $id
- 2 run watch $id
- run targets $id
- run outcomes $id
- run changes $id
+ run cancel $id
+ run rerun $id --state failed
- job get $id
+ job cancel $id
- job transitions $id
- worker list
+ backup now --all --password-file $D/secret
- version list
- version show $id
- version diff $id $id
- version export $id -o $D/exported
+ version verify $id
+ version protect $id
+ version unprotect $id
+ version undo $id
+ version mail $id --to a@b.example
- version copies $id
- mail list
+ plan restore $id --to x --mode merge
+ plan import $D/fleet.yaml --to x
+ plan settings $D/fleet.yaml --to x
+ plan distribute x
- 1 plan show $id
+ apply $id
- 2 apply -f $D/fleet.yaml
- export
- fleet export
+ restore $id --to x --mode merge
+ confirm $id
+ revert $id
+ deliver $D/fleet.yaml --to x
+ destinations import $D/fleet.yaml
- destinations import $id
- destinations list
+ dist-book create x --list All=all
+ dist-book save x --list All=all
- dist-book list
- dist-book show x
+ dist-set create x --book y
- dist-set list
- dist-set get x
+ dist-set set x --name y
+ dist-set delete x
+ file add $D/fleet.yaml
- file list
- file show $id
+ file delete $id
- search x
- retention show
+ retention set --kind address_book --last 3
- retention plan
- retention prune --plan 00
- quota show
+ quota set --bytes 1
- drill list
+ vault add --name x --place sftp://h.example/v --account u --password-file $D/secret
- vault candidates
+ vault retire x
- vault list
- erase list
+ erase order --device $id --reason r
+ erase approve $id
- lock list
- lock get $id
+ lock acquire x --op sw_update -- touch $D/commanded
- lock explain x
+ lock renew $id --token 1
+ lock release $id --token 1
+ lock cancel $id
- 75 lock watch
+ lock end $id --reason r
- sync groups
- sync show x
+ sync create --name x
+ sync set x $id --role client
+ sync remove x $id
+ sync delete x
- user list
+ user create x --password-file $D/secret
+ user set x --role viewer
- token list
+ token create --name x
+ token set $id --role viewer
+ token delete $id
- notify list
+ notify create --name x
+ notify set x --active false
+ notify test x
+ notify delete x
- hook list
+ hook create --name x --secret-file $D/secret
+ hook set x --active false
+ hook rotate x
+ hook delete x
- dead-letter list
+ dead-letter replay
- audit list
- audit verify
- 2 book check $D/fleet.yaml
- 2 book show $D/fleet.yaml
- 2 book convert $D/fleet.yaml --to ldif -o $D/converted
- 2 book diff $D/fleet.yaml $D/fleet.yaml
- 2 book merge $D/fleet.yaml $D/fleet.yaml $D/fleet.yaml -o $D/converted
- 2 book search x $D/fleet.yaml
- 1 status
- whoami
+ setup --setup-token-file $D/secret --password-file $D/secret --token-out $D/made
- explain CN-2101
- completion bash
END
}

walk() { # MARK WORDS…
	local mark=$1 wanted=0
	shift
	case $1 in [0-9]*) wanted=$1 && shift ;; esac
	: >"$D/asked"
	cli --dry-run "$@"
	local got=$? first
	is "$got" "$wanted" "$1 ${2:-} --dry-run ends with $wanted"
	[ "$got" = "$wanted" ] || sed 's/^/# /' "$D/stderr" | head -n 5
	[ ! -s "$D/asked" ] || { not_ok "$1 ${2:-} --dry-run changes nothing"; sed 's/^/# sent: /' "$D/asked" | cut -c1-200; }
	first=$(grep -cE '^(POST|PUT|PATCH|DELETE) /' "$D/stdout")
	if [ "$mark" = + ]; then
		[ "$first" -gt 0 ] && ok "$1 ${2:-} --dry-run shows it" || not_ok "$1 ${2:-} --dry-run shows it"
	fi
	! grep -q very-secret "$D/stdout" "$D/stderr" || not_ok "$1 ${2:-} --dry-run shows no secret"
}
while read -r -a line; do walk "${line[@]}"; done < <(verbs)
for f in converted made commanded; do
	[ ! -e "$D/$f" ] || not_ok "--dry-run makes no file $f and runs no command"
done

# a verb that has no line yet is tried with words: whatever it makes of them, it changes nothing
comm -23 <("$B/bin/carnet" completion bash | sed -n 's/^ *\([a-z-]*\)) words="\(.*\)" ;;$/\1 \2/p' |
	awk 'NF == 1 {print $1} {for (i = 2; i <= NF; i++) print $1 " " $i}' | sort) \
	<(verbs | sed 's/^[-+] \([0-9]* \)\?//' | awk '{print $1; print $1 " " $2}' | sort -u) >"$D/more"
while read -r -a line; do
	: >"$D/asked"
	for words in "" "x" "x $id"; do
		# shellcheck disable=SC2086
		cli --dry-run "${line[@]}" $words
	done
	is "$(cat "$D/asked")" "" "${line[*]} --dry-run changes nothing"
done <"$D/more"

cli device import "$D/map.json" --dry-run
is "$(grep -cE '^(POST|PUT)' "$D/stdout")" 5 "what is several requests is shown as all of them"
cli task create x --all --password-file "$D/secret" --dry-run
is "$(tail -n +2 "$D/stdout" | jq -r '[.name, .settings.encryption_password] | join(" ")')" "x …" "a secret is there, but not shown"

# ---- words for yes and no
said() { cli device set x --clear_text "$1" --dry-run && tail -n +2 "$D/stdout" | jq -c .clear_text; }
is "$(for w in true yes on 1 TRUE Yes false no off 0 OFF; do said $w; done | tr '\n' ' ')" \
	"true true true true true true false false false false false " "a switch has four words for on and four for off"
for w in of nein "" 2; do
	cli device set x --clear_text "$w" --dry-run
	is $? 64 "'$w' is none of them"
done
cli task run x --dry-run=maybe
is $? 64 "a flag that stands alone takes only such words"
: >"$D/asked"
cli device retire x --dry-run=no
is "$(cut -d' ' -f1 "$D/asked")" "DELETE" "and off is off"

# ---- nobody answers
cli --timeout 1 device get never
is $? 75 "no answer in time: try later"
for t in 0 x 1x -1 99999999999; do
	cli --timeout "$t" whoami
	is $? 64 "--timeout $t is no time"
done
CARNET_SERVER=unix:$D/nobody cli whoami
is $? 75 "nobody there: try later"
done_testing
