#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The gateway from outside, over HTTP: sign-in, tokens, roles, problems, origin of changes, audit, OpenAPI.
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. deploy/local/stack.sh
B=${B:-build}
D=$(mktemp -d /tmp/cgw.XXXXXX)
trap 'stack_down "$D"; rm -rf "$D"' EXIT
rest=unix:$D/rest.sock
STACK_INSTANCES="gateway:2 lock:1 scheduler:1 storage:1 sync:1" STACK_DURABLE=0 STACK_REST=$rest stack_make "$D" "$B"
for i in 1 2; do printf 300 >"$D/env/gateway-$i/CARNET_CHECKPOINT_MS"; done
printf 10.0.0.0/8 >"$D/env/gateway-1/CARNET_TRUSTED_PROXIES"
printf 'unix:%s' "$D/rest2.sock" >"$D/env/gateway-2/CARNET_LISTEN"
printf 127.0.0.0/8 >"$D/env/storage-1/CARNET_VAULT_NETWORKS" # servers of this test are here
mkdir -p "$D/log"
stack_database "$D" >/dev/null && stack_up "$D" && stack_ready "$D" 30 || { not_ok "the gateway starts"; done_testing; exit; }
until [ -s "$D/run/setup-token" ]; do sleep 0.05; done
sock=$D/rest.sock

# method path [curl options…] → $status and $body
ask() {
	local method=$1 path=$2
	shift 2
	body=$(curl -s --unix-socket "$sock" -X "$method" -o - -w '\n%{http_code}' "http://localhost$path" "$@")
	status=${body##*$'\n'} body=${body%$'\n'*}
}
post() { ask POST "$1" -H 'Content-Type: application/json' -d "$2" "${@:3}"; }
field() { jq -r "$1" <<<"$body"; }

ask GET /healthz && is "$status" 200 "healthz answers without sign-in"
ask GET /api/v1/devices && is "$status $(field .name)" "401 auth_missing" "nobody is let in without a token"
ask GET /api/v1/nothing && is "$status $(field .name)" "404 not_found" "an unknown path is a problem document"
ask GET /api/v1/devices -H 'Authorization: Bearer 00' && is "$status $(field .name)" "401 auth_refused" "an unknown token is refused"

ask GET /api/v1/devices -H 'Carnet-Protocol: 9 9' && is "$status $(field .needs) $(field .has) $(field .detail)" \
	"400 9 1 command line: carnet needs >= 9, has 1" "who needs a newer server is told so before anything else, in words and numbers (ST-50)"
ask GET /api/v1/devices -H 'Carnet-Protocol: 0' && is "$status $(field .detail)" \
	"400 command line: this server needs >= 1, has 0" "a client that is too old is told so"
ask GET /api/v1/devices -H 'Carnet-Protocol: 9 1' && is "$status" 401 "one that is newer and can do with this server goes on (ST-51)"

post /api/v1/setup '{"setup_token":"wrong","name":"root","password":"correct horse battery"}'
is "$status" 401 "a wrong setup token makes nobody (SE-55)"
post /api/v1/setup "{\"setup_token\":\"$(cat "$D/run/setup-token")\",\"name\":\"root\",\"password\":\"short\"}"
is "$status" 422 "a short password is refused and the setup token stays good"
post /api/v1/setup "{\"setup_token\":\"$(cat "$D/run/setup-token")\",\"name\":\"root\",\"password\":\"correct horse battery\"}" -c "$D/jar"
is "$status $(field .role)" "200 admin" "the setup token makes the first administrator"
csrf=$(field .token)
post /api/v1/setup "{\"setup_token\":\"$(cat "$D/run/setup-token")\",\"name\":\"two\",\"password\":\"correct horse battery\"}"
is "$status" 401 "the setup token is good once"

session=$(awk '/carnet_session/ {print $7}' "$D/jar")
cookie=(-H "Cookie: carnet_session=$session")
ask GET /api/v1/whoami "${cookie[@]}" && is "$(field .name)" root "a cookie is a signed-in person"
post /api/v1/tokens '{"name":"t","role":"admin"}' "${cookie[@]}"
is "$status $(field .reason)" "403 origin" "a change by cookie needs our own token (SE-41)"
post /api/v1/tokens '{"name":"t","role":"admin"}' "${cookie[@]}" -H "X-Carnet-Token: $csrf" -H 'Sec-Fetch-Site: cross-site'
is "$status" 403 "a change from a foreign page is refused"
post /api/v1/tokens '{"name":"admin","role":"admin"}' "${cookie[@]}" -H "X-Carnet-Token: $csrf"
is "$status" 201 "with the proof it is done"
admin=(-H "Authorization: Bearer $(field .token)")

for role in viewer operator auditor; do
	post /api/v1/tokens "{\"name\":\"$role\",\"role\":\"$role\"}" "${admin[@]}"
	printf 'Authorization: Bearer %s' "$(field .token)" >"$D/$role"
done
# An administrator within one site where nothing stands yet: all roles, no reach.
ask PUT /api/v1/sites/Nowhere -H 'Content-Type: application/json' -d '{}' "${admin[@]}"
post /api/v1/tokens '{"name":"scoped","assignments":[{"role":"admin","sites":["Nowhere"]},{"role":"auditor","sites":["Nowhere"]}]}' "${admin[@]}"
printf 'Authorization: Bearer %s' "$(field .token)" >"$D/scoped"
viewer=(-H "$(cat "$D/viewer")") operator=(-H "$(cat "$D/operator")") auditor=(-H "$(cat "$D/auditor")")

# Every route, every role: a role that the message's right does not name is refused with 403 before anything else (rbac,
# FL-68); and what each changing call came to stands in the audit trail (FL-71).
# Whoever has a scope gets nowhere with what does not know scopes (FL-69: deny by default).
knows() { grep -qE "^request $1 0x[0-9a-f]* [a-z]* scoped " schemas/messages/*.msg; }
may() { # ROLE RIGHT
	case $2-$1 in
	viewer-* | reader-viewer | reader-operator | operator-operator | auditor-auditor) ;;
	*) return 1 ;;
	esac
}
wrong= outside=
: >"$D/changes"
while read -r method path _; do
	request=$(awk -v m="$method" -v p="$path" '$1 == m && $2 == p {print $3}' schemas/routes.tab)
	right=$(sed -n "s/^request $request 0x[0-9a-f]* \([a-z]*\) .*/\1/p" schemas/messages/*.msg)
	url=/api/v1$(sed 's/{[a-z]*}/00000000-0000-7000-8000-000000000009/g' <<<"$path")
	for role in viewer operator auditor; do
		ask "$method" "$url" -H "$(cat "$D/$role")" -m 20 -D "$D/head"
		may "$role" "$right" && wanted=open || wanted=403
		[ "$status" = 403 ] && got=403 || got=open
		[ $got = $wanted ] || wrong+=" $role:$method:$path=$status"
		[ "$method" = GET ] && continue
		[ "$right" = viewer ] && [ "$status" -lt 400 ] && continue # asks, changes nothing
		sed -n "s|^X-Carnet-Trace: \([0-9a-f-]*\).*|\1 token:$role $method:$path|p" "$D/head" >>"$D/changes"
	done
	ask "$method" "$url" -H "$(cat "$D/scoped")" -m 20
	knows "$request" && wanted=other || wanted='out_of_scope scope'
	[[ $body = *'"name":"out_of_scope"'*'"reason":"scope"'* ]] && got='out_of_scope scope' || got=other
	[ "$got" = "$wanted" ] || outside+=" $method:$path=$status"
done < <(grep -E '^(GET|POST|PUT|PATCH|DELETE) ' schemas/routes.tab | grep -v -e ' public' -e '/logout')
is "$wrong" "" "each role may do exactly what its messages allow, on every route"
is "$outside" "" "an administrator with a scope is refused on every route that does not know scopes, and on no other (FL-69)"
ask GET "/api/v1/runs/00000000-0000-7000-8000-000000000009/events" -H "$(cat "$D/scoped")" -m 20
is "$status" 404 "the stream of a run that is not there is not there for whoever has a scope"
for path in content export; do
	ask GET "/api/v1/versions/00000000-0000-7000-8000-000000000009/$path" -H "$(cat "$D/viewer")" -m 20
	is "$status $(field .reason)" "403 role" "nor is the $path of a version for viewers"
done
ask GET /api/v1/versions/00000000-0000-7000-8000-000000000009/content "${admin[@]}" -m 20
refused_export() { [ "$(stack_psql "$D" -c "select string_agg(outcome, ' ' order by seq) from gate.audit where object like '%/content' and actor like 'token:admin %'")" = "accepted not_found" ]; }
check "an export that storage refuses stands in the audit trail with its cause" within 20 refused_export
unaudited() {
	stack_psql "$D" -c 'create temp table asked (trace uuid, actor text, what text)' -c "\\copy asked from '$D/changes' delimiter ' '" \
		-c "select what from asked t where not exists (select 1 from gate.audit a where a.trace = t.trace and starts_with(a.actor, t.actor || ' '))"
}
n=$(wc -l <"$D/changes")
check "every changing call of the table was noted, refused ones too ($n)" test "$n" -gt 150
for _ in $(seq 200); do [ -n "$(unaudited)" ] || break; sleep 0.1; done
is "$(unaudited)" "" "and each stands in the audit trail with who asked (FL-71)"

# The table of fleet.md section 12, as data of its own: a = admin, o = operator, v = viewer, u = auditor.
z=00000000-0000-7000-8000-000000000009
table="
aovu GET /devices
aovu GET /groups
aovu GET /tasks
aovu GET /runs
aov- GET /versions/$z/entries
aov- GET /search?q=x
aov- GET /diff?a=$z&b=$z
ao-- POST /tasks
ao-- PATCH /tasks/nobody
ao-- DELETE /tasks/nobody
ao-- POST /tasks/nobody:run
ao-- POST /runs/$z:cancel
ao-- POST /runs/$z/rerun
ao-- POST /devices
ao-- PATCH /devices/nobody
ao-- DELETE /devices/nobody
ao-- POST /devices/nobody:suspend
ao-- POST /devices/nobody:resume
ao-- POST /devices:import
ao-- POST /candidates/nobody:enrol
ao-- POST /groups
ao-- PATCH /groups/nobody
ao-- POST /credentials
ao-- DELETE /credentials/nobody
ao-- POST /devices/nobody:repin
a--- POST /devices/nobody:approve
a--- POST /runs/$z:apply
a--- PUT /retention
a--- POST /retention:prune
a--- POST /erase-orders
a--- POST /erase-orders/$z:approve
a--- GET /users
a--- POST /users
a--- PATCH /users/nobody
a--- GET /tokens
a--- POST /tokens
a--- DELETE /tokens/$z
a--- PUT /sites/nobody
a--- DELETE /sites/nobody
a--- GET /webhooks
a--- POST /webhooks
a--- DELETE /webhooks/nobody
a--- GET /subscriptions
a--- POST /subscriptions
a--- DELETE /subscriptions/nobody
a--- GET /dead-letters
a--- POST /dead-letters:replay
a--- POST /vaults
a--u GET /audit?limit=1
a--u GET /audit:verify
a--- POST /tasks/nobody:run {\"override_windows\":true}
"
printf '%s' "${admin[1]}" >"$D/admin"
wrong=
while read -r who method path json; do
	[ -n "$who" ] || continue
	for role in admin operator viewer auditor; do
		letter=${role:0:1} && [ $role != auditor ] || letter=u
		ask "$method" "/api/v1$path" -H "$(cat "$D/$role")" -m 20 ${json:+-H 'Content-Type: application/json' -d "$json"}
		[[ $who = *$letter* ]] && wanted=open || wanted=403
		[ "$status" = 403 ] && got=403 || got=open
		[ $got = $wanted ] || wrong+=" $role:$method:$path=$status"
	done
done <<<"$table"
is "$wrong" "" "who may do what is the table of fleet.md section 12 (rbac_matrix, FL-68)"

# Without the proof of a session every changing route refuses a cookie.
wrong=
while read -r method path _; do
	ask "$method" "/api/v1$(sed 's/{[a-z]*}/x/g' <<<"$path")" "${cookie[@]}" -H 'Sec-Fetch-Site: cross-site'
	[ "$status" = 403 ] || wrong+=" $method:$path=$status"
done < <(grep -E '^(POST|PUT|PATCH|DELETE) ' schemas/routes.tab | grep -v ' public')
is "$wrong" "" "no changing route accepts a cookie from a foreign page (csrf_all_routes)"

post /api/v1/users '{"name":"anna","role":"operator","password":"a long enough one"}' "${admin[@]}"
is "$status $(field .name)" "201 anna" "an administrator makes a person"
post /api/v1/users '{"name":"ANNA","role":"viewer","password":"a long enough one"}' "${admin[@]}"
is "$status" 409 "names differ by more than case"
ask PATCH /api/v1/users/anna -H 'Content-Type: application/json' -H 'If-Match: "9"' -d '{"role":"viewer"}' "${admin[@]}"
is "$status $(field .if_version) $(field .version)" "412 9 1" "a change names the version it read, and hears which there is (FL-70)"
match() { # METHOD PATH ETAG JSON
	ask "$1" "/api/v1$2" -H 'Content-Type: application/json' -H "If-Match: $3" ${4:+-d "$4"} "${admin[@]}" -D "$D/head"
	status+=" $(sed -n 's/^ETag: "\([0-9]*\)".*/\1/p' "$D/head")"
}
wrong=
post /api/v1/groups '{"name":"etag","kind":"static"}' "${admin[@]}"
post /api/v1/webhooks '{"name":"etag","url":"https://ops.example/in"}' "${admin[@]}"
post /api/v1/sync-groups '{"name":"etag"}' "${admin[@]}"
for what in users/anna groups/etag webhooks/etag sync-groups/etag; do
	match PATCH "/$what" '"9"' '{}' && [ "$status $(field .if_version) $(field .version)" = "412 1 9 1" ] || wrong+=" $what=$status $(field .detail)"
done
match PUT /sites/Nowhere '"0"' '{}' && [ "$status $(field .version)" = "412 1 1" ] || wrong+=" site=$status $(field .version)"
is "$wrong" "" "so does every change that If-Match counts with, in the document and as ETag"
wrong=
none=00000000-0000-7000-8000-000000000009
for what in "PUT /quota {}" "PUT /retention {}" "PUT /distribution-books/$none {}" "PATCH /tokens/$none {}" "DELETE /tokens/$none" \
	"DELETE /sync-groups/etag" "DELETE /sync-groups/etag/members/$none"; do
	read -r method path json <<<"$what"
	match "$method" "$path" '"1"' "$json" && [ "${status% *} $(field .reason)" = "422 if_match" ] || wrong+=" $what=$status $(field .reason)"
done
for etag in '*' '"1", "2"' 1 '"0"'; do
	match PATCH /groups/etag "$etag" '{"name":"other"}' && [ "${status% *} $(field .reason)" = "422 if_match" ] || wrong+=" $etag=$status"
done
is "$wrong" "" "where it does not count, or is none, it is refused and not passed over"
ask PATCH /api/v1/users/root -H 'Content-Type: application/json' -d '{"role":"viewer"}' "${admin[@]}"
is "$status $(field .reason)" "409 break_glass" "the first administrator is never demoted (FL-68)"
ask PATCH /api/v1/users/root -H 'Content-Type: application/json' -d '{"assignments":[{"role":"admin","sites":["Nowhere"]}]}' "${admin[@]}"
is "$status $(field .reason)" "409 break_glass" "nor narrowed"
check "not even past the gateway" eval '! stack_psql "$D" -c "update gate.person set scope = \$\$3 site:Nowhere\$\$ where break_glass" 2>/dev/null'

# Where a role counts (FL-69): said by administrators alone, as a whole, with names that exist.
patch() { ask PATCH "/api/v1/$1" -H 'Content-Type: application/json' -d "$2" "${admin[@]}"; }
post /api/v1/groups '{"name":"third","kind":"static"}' "${admin[@]}" && group=$(field .id)
post /api/v1/groups '{"name":"filtered","kind":"dynamic","filter":"type = I"}' "${admin[@]}"
patch users/anna '{"assignments":[{"role":"operator","sites":["Nowhere"],"groups":["third"]},{"role":"viewer"}]}'
is "$status $(field .role) $(jq -c .assignments <<<"$body")" "200 operator [{\"groups\":[\"$group\"],\"role\":\"operator\",\"sites\":[\"Nowhere\"]},{\"groups\":[],\"role\":\"viewer\",\"sites\":[]}]" "a person has several assignments; role is the highest"
patch users/anna '{"role":"viewer"}' && is "$status $(field .reason)" "409 assignments" "a role alone takes none of them away"
patch users/anna '{"assignments":[]}' && is "$status $(field .reason)" "422 assignments" "nor does an empty list, which would mean everywhere"
for bad in '{"sites":["Nowhere"]}=required' '{"role":"viewer","sites":["Elsewhere"]}=unknown_reference' \
	'{"role":"viewer","groups":["none"]}=unknown_reference' '{"role":"viewer","groups":["filtered"]}=group_kind'; do
	patch users/anna "{\"assignments\":[${bad%=*}]}" && is "$status $(field .reason)" "422 ${bad##*=}" "assignments are judged: ${bad##*=}"
done
patch users/anna '{"role":"viewer","assignments":[]}' && is "$status $(field .role) $(field '.assignments | length')" "200 viewer 0" "with a role it is said: everywhere"
ask GET /api/v1/tokens "${admin[@]}"
is "$(field '.items[] | select(.name == "scoped") | .role + " " + (.assignments | map(.role + "@" + .sites[0]) | join(" "))')" \
	"admin admin@Nowhere auditor@Nowhere" "a token shows its assignments"
id=$(field '.items[] | select(.name == "scoped") | .id')
pages() { # LIST: all of it, one by one, against all of it at once
	local next= all=
	ask GET "/api/v1/$1" "${admin[@]}"
	local whole=$(field '[.items[].name] | join(" ")')
	while
		ask GET "/api/v1/$1?limit=1${next:+&cursor=$next}" "${admin[@]}"
		all+=" $(field '.items[].name')" next=$(field '.next // "" | @uri')
		[ -n "$next" ]
	do :; done
	is "${all# }" "$whole" "$1 come in pages, each once, in order"
}
pages users
pages tokens
patch "tokens/$id" '{"assignments":[{"role":"viewer"}]}' && ask GET /api/v1/quota -H "$(cat "$D/scoped")"
is "$status" 200 "what a token may see counts with its next call"
ask GET /api/v1/whoami -H "$(cat "$D/scoped")" && is "$(jq -c .assignments <<<"$body")" '[{"groups":[],"role":"viewer","sites":[]}]' "and it can ask"
ask PATCH "/api/v1/tokens/$id" -H 'Content-Type: application/json' -d '{"role":"admin"}' -H "$(cat "$D/operator")" && is "$status" 403 "nobody else says so"
patch "tokens/00000000-0000-7000-8000-000000000009" '{"role":"viewer"}' && is "$status" 404 "a token that is not there is not changed"

# What the path says nobody says again, otherwise: neither the query nor the body (FL-71 notes the path).
said() { # METHOD PATH JSON FIELD
	ask "$1" "/api/v1$2" -H 'Content-Type: application/json' ${3:+-d "$3"} "${admin[@]}"
	is "$status $(field .reason) $(field .field)" "400 given_before $4" "$1 $2 $3 is refused"
}
device='"vendor":"canon","family":"canon_rui","site":"Nowhere"'
post /api/v1/devices "{\"name\":\"lobby\",$device,\"serial\":\"L\",\"address\":\"10.9.1.1\"}" "${admin[@]}"
post /api/v1/devices "{\"name\":\"vault-room\",$device,\"serial\":\"V\",\"address\":\"10.9.1.2\"}" "${admin[@]}"
said DELETE '/devices/lobby?ref=vault-room' '' ref
said DELETE '/devices/lobby' '{"ref":"vault-room"}' ref
said DELETE '/devices/lobby?state=enrolled' '' state
said POST '/runs/00000000-0000-7000-8000-000000000009:apply?id=00000000-0000-7000-8000-000000000008' '' id
said PUT /sites/Nowhere '{"name":"Elsewhere"}' name
said GET '/devices?limit=1&limit=2' '' limit
said POST /tasks/x:activate '{"task":{"name":"y"}}' task
ask GET /api/v1/devices "${admin[@]}" && is "$(field '[.items[].state] | unique | join(" ")')" enrolled "and nothing is done to either"
ask PUT /api/v1/sites/Nowhere -H 'Content-Type: application/json' -d '{"name":"Nowhere"}' "${admin[@]}" && is "$status" 200 "the same again is no other"

# Secrets are sealed here; what others sealed, and names of passwords, are not taken (FL-42).
sealed() { # METHOD PATH JSON FIELD
	ask "$1" "/api/v1$2" -H 'Content-Type: application/json' -d "$3" "${admin[@]}"
	is "$status $(field .reason) $(field .field)" "422 made_here $4" "$1 $2: $4 is ours to make"
}
task='"name":"night","kind":"ab.backup","active":true,"targets":{"all":true}'
sealed POST /tasks "{$task,\"settings\":{\"lists\":[\"all\"],\"password_sealed\":\"AAAA\",\"password_id\":\"00000000-0000-7000-8000-000000000009\"}}" settings.password_sealed
post /api/v1/tasks "{$task,\"settings\":{\"lists\":[\"all\"],\"password_set\":true,\"password_id\":\"00000000-0000-7000-8000-000000000009\"}}" "${admin[@]}"
is "$status $(field .reason)" "422 password_required" "a task needs a password, not somebody's word that there is one"
post /api/v1/tasks "{$task,\"settings\":{\"lists\":[\"all\"],\"encryption_password\":\"correct horse\"}}" "${admin[@]}"
is "$status" 201 "with one it is saved" && one=$(field .settings.password_id)
sealed PATCH /tasks/night '{"settings":{"password_sealed":null}}' settings.password_sealed
ask PATCH /api/v1/tasks/night -H 'Content-Type: application/json' -d '{"settings":{"password_id":"00000000-0000-7000-8000-000000000009"}}' "${admin[@]}"
is "$status $(field .settings.password_id)" "200 $one" "which keeps its name"
sealed POST /credentials '{"name":"c","kind":"password_only","site":"Nowhere","sealed":"AAAA"}' sealed
sealed POST /versions/00000000-0000-7000-8000-000000000009:mail '{"to":"b@example.com","password_kdf":"AAAA"}' password_kdf

# The same key twice is one change (section 13).
once=(-H 'Idempotency-Key: once')
post /api/v1/tokens '{"name":"twice","role":"viewer"}' "${admin[@]}" "${once[@]}" && one=$(field .id)
post /api/v1/tokens '{"name":"twice","role":"viewer"}' "${admin[@]}" "${once[@]}"
ask GET /api/v1/whoami -H "Authorization: Bearer $(field .token)" && last=$(field .name)
ask GET /api/v1/tokens "${admin[@]}"
is "$last $(field '[.items[] | select(.name == "twice") | .id] | join(" ")')" "token:twice $one" "one live token, and its last answer holds"
secret='{"name":"keyed","kind":"password_only","password":"correct horse","site":"Nowhere"}'
post /api/v1/credentials "$secret" "${admin[@]}" "${once[@]}" && one="$status $(field .id) $(field .version)"
post /api/v1/credentials "$secret" "${admin[@]}" "${once[@]}"
is "$status $(field .id) $(field .version)" "$one" "one credential, also with a secret" && [ "${one%% *}" = 201 ] || not_ok "it was made: $one"
post /api/v1/credentials "${secret/horse/mare}" "${admin[@]}" "${once[@]}" && is "$status $(field .reason)" "409 request_reused" "another secret is another wish"

# A stream lasts no longer than what it was opened with (SE-42), at whichever gateway: it ends, and who comes back is asked anew.
declare -A stream
open_stream() { # NAME SOCKET CURL-OPTIONS…
	: >"$D/stream"
	curl -sN -m 60 --unix-socket "$2" http://localhost/api/v1/events "${@:3}" >"$D/stream" &
	stream[$1]=$!
	within 20 grep -q retry "$D/stream"
}
sql_of() { stack_psql "$D" -c "$1"; }
over() { # NAME…: all have ended, none by curl's -m
	local name all=0
	for name; do wait "${stream[$name]}"; [ $? != 28 ] || all=1; done
	return $all
}
post /api/v1/tokens '{"name":"watcher","role":"viewer"}' "${admin[@]}" && id=$(field .id) watcher=(-H "Authorization: Bearer $(field .token)")
watch() { open_stream here "$sock" "${watcher[@]}" && open_stream there "$D/rest2.sock" "${watcher[@]}"; }
open_stream other "$sock" "${viewer[@]}"
watch && patch "tokens/$id" '{"role":"operator"}' && check "another role ends the streams of a token, of all gateways" over here there
watch && patch "tokens/$id" '{"role":"operator","assignments":[{"role":"operator","sites":["Nowhere"]}]}' && check "another scope does" over here there
watch && sql_of "update gate.token set expires_at = now() where id = '$id'" && check "the end of its time does" over here there
sql_of "update gate.token set expires_at = null where id = '$id'"
watch && ask DELETE "/api/v1/tokens/$id" "${admin[@]}" && check "and that it is revoked" over here there
ask GET /api/v1/events "${watcher[@]}" && is "$status" 401 "who comes back with it is not let in"
post /api/v1/users '{"name":"ben","role":"operator","password":"a long enough one"}' "${admin[@]}"
sign_in() {
	post /api/v1/login '{"name":"ben","password":"a long enough one"}' -c "$D/ben" && csrf_ben=$(field .token)
	watcher=(-H "Cookie: carnet_session=$(awk '/carnet_session/ {print $7}' "$D/ben")")
	watch
}
sign_in && patch users/ben '{"role":"viewer"}' && check "another role of a person does" over here there
sign_in && post /api/v1/logout '' "${watcher[@]}" -H "X-Carnet-Token: $csrf_ben" && check "so does signing out" over here there
sign_in && sql_of "update gate.session set seen_at = now() - interval '1 day' where person_id = (select id from gate.person where name = 'ben')" && check "and a session that nobody used" over here there
check "the stream of somebody else goes on" eval '[[ " $(jobs -rp | tr "\n" " ") " == *" ${stream[other]} "* ]]'
kill "${stream[other]}"

post /api/v1/login '{"name":"anna","password":"wrong"}' && is "$status" 401 "a wrong password is refused"
one=$body
post /api/v1/login '{"name":"nobody","password":"wrong"}'
is "$(jq -S 'del(.trace)' <<<"$body")" "$(jq -S 'del(.trace)' <<<"$one")" "an unknown name gets the same answer (SE-42)"
for _ in 1 2 3 4 5; do post /api/v1/login '{"name":"anna","password":"wrong"}'; done
is "$status" 429 "the sixth try in a minute is too many"

for name in ANNA Anna aNNa annA ÄNNA; do post /api/v1/login "{\"name\":\"$name\",\"password\":\"wrong\"}" && wrong_as+=" $status"; done
is "$wrong_as" " 429 429 429 429 401" "a name in other letters is no other account"
# Behind the proxy of the setting a request comes from who stands before it: one stranger stops nobody else (FL-71).
from() { post /api/v1/login "{\"name\":\"$2\",\"password\":\"wrong\"}" -H "X-Forwarded-For: 198.51.100.$RANDOM, $1" -H 'X-Forwarded-For: 10.1.2.3'; }
for i in $(seq 21); do from 203.0.113.7 "stranger-$i"; done
is "$status" 429 "twenty sign-ins a minute from one address"
from 203.0.113.8 neighbour && is "$status" 401 "but another address goes on"
ask GET '/api/v1/audit?limit=100' "${auditor[@]}"
is "$(field '[.items[] | select(.verb == "login") | .origin] | .[0:2] | join(" ")')" "203.0.113.8 203.0.113.7" "the audit trail tells which"
sock=$D/rest2.sock from 203.0.113.9 nobody-2 && ask GET '/api/v1/audit?limit=10' "${auditor[@]}"
is "$(field '[.items[] | select(.verb == "login") | .origin][0]')" "" "nobody is believed where no proxy is trusted"

post /api/v1/login '{"name":1}' && is "$status" 422 "a member of the wrong type is refused"
post /api/v1/login '{' && is "$status $(field .name)" "400 parse_error" "malformed JSON is refused with its place"
head -c 2000000 /dev/zero | tr '\0' x >"$D/big"
ask POST /api/v1/login -H 'Content-Type: application/json' --data-binary "@$D/big" && is "$status $(field .reason) $(field .name)" "413 too_long validation_failed" "a body over 1 MiB is refused"
turned() { # STATUS REASON TEXT CURL-OPTIONS…
	local want=$1 reason=$2 text=$3
	shift 3
	ask POST /api/v1/login -D "$D/head" -H 'Accept-Language: fr' "$@"
	is "$status $(field .reason) $(field .title)" "$want $reason $(sed -n "/^word $reason\$/,/^\$/s/^\tfr \"\([^\"]*\)\".*/\1/p" schemas/errors.tab)" "$text"
	check "with what every problem has" eval 'grep -qi "^content-type: application/problem+json" "$D/head" && grep -qi "^x-carnet-trace: $(field .trace)" "$D/head" && [ -n "$(field .hint)" ]'
}
turned 413 too_long "in the reader's language" -H 'Content-Type: application/json' --data-binary "@$D/big"
turned 413 too_long "also when it does not say how long it is" -H 'Content-Type: application/json' -H 'Transfer-Encoding: chunked' --data-binary "@$D/big"
turned 431 too_long "so is a head over 16 KiB" -H "X-Long: $(head -c 17000 /dev/zero | tr '\0' x)"
turned 400 two_lengths "and one with two lengths" -H 'Content-Length: 1' -H 'Transfer-Encoding: chunked' -d x
ask POST /api/v1/login -d 'name=x' && is "$(field .reason)" content_type "a form is not JSON"
ask GET /api/v1/devices -H 'Accept-Language: fr-CA, en;q=0.5'
is "$(field .title)" "$(sed -n '/^CN-2001 /,/^$/s/^\tfr "\([^"]*\)".*/\1/p' schemas/errors.tab)" "problems speak the reader's language"

ask GET /openapi.json && is "$(field .openapi)" 3.1.0 "the OpenAPI document is served"
n=$(grep -cE '^(GET|POST|PUT|PATCH|DELETE) ' schemas/routes.tab)
is "$(jq '[.paths[] | keys[]] | length' <<<"$body")" $((n + 6)) "it holds every route, and what is no message: three streams of events, contents, exports, uploads"

ask GET '/api/v1/search?q=nobody+at%3A2027-05-03&kind=fax' "${viewer[@]}" && is "$status $(field '.items | length')" "200 0" "a viewer searches the books of all devices"
ask GET /api/v1/search "${viewer[@]}" && is "$status $(field .reason)" "422 nothing_to_find" "but must say what to look for"
ask GET '/api/v1/search?q=x&cursor=Zm9v' "${viewer[@]}" && is "$status $(field .reason)" "422 cursor" "a cursor that is none is refused"
ask GET /api/v1/versions/00000000-0000-7000-8000-000000000009/entries "${viewer[@]}" && is "$status" 404 "no version, no book"
ask GET '/api/v1/diff?a=00000000-0000-7000-8000-000000000009' "${viewer[@]}" && is "$status $(field .reason)" "422 required" "a comparison needs two"
post /api/v1/search:reindex '{}' "${admin[@]}" && is "$status" 202 "an administrator has all books read again"

away='"name":"away","place":"sftp://127.0.0.1:1/x","account":"u","pin":"SHA256:x","accept_same_disk":"a test on one machine"'
post /api/v1/vaults "{$away,\"kind\":\"sftp\",\"password\":\"correct horse\"}" "${admin[@]}"
is "$status $(field .reason)" "503 vault_unreachable" "the login of a vault is sealed at the door, storage opens it"
post /api/v1/vaults "{$away,\"kind\":\"sftp\",\"login\":\"AAAA\"}" "${admin[@]}"
is "$status $(field .reason) $(field .field)" "422 made_here login" "what somebody else sealed is not taken"
post /api/v1/vaults "{$away,\"kind\":\"floppy\"}" "${admin[@]}"
is "$status $(field .reason)" "422 vault_kind" "kinds of vaults are known ones"

relay='{"name":"post","kind":"mail","place":"smtp://127.0.0.1:1","account":"u","password":"correct horse","sender":"a@example.com","recipients":"b@example.com"}'
post /api/v1/vaults "$relay" "${operator[@]}" && is "$status" 403 "a mail server is set up by an administrator"
post /api/v1/vaults "$relay" "${admin[@]}" && is "$status $(field .reason)" "503 mail_unreachable" "when it takes a test mail"
letter='"to":"b@example.com","who":"Anna Smith","why":"replaced","description":"one line\ntwo lines\nthree lines"'
mail=/api/v1/versions/00000000-0000-7000-8000-000000000009:mail
post $mail "{$letter}" "${admin[@]}" && is "$status" 422 "a mail is sealed to a key or to a password"
post $mail "{$letter,\"password\":\"correct horse\"}" "${operator[@]}" && is "$status" 403 "which an administrator gives"
post $mail "{$letter,\"password\":\"too short\"}" "${admin[@]}" && is "$status $(field .reason)" "422 mail_password" "of 12 characters at least"
post $mail "{$letter,\"password\":\"three lines and more\"}" "${admin[@]}" && is "$(field .reason)" mail_not_set_up "the key of it is made at the door"
post $mail "{${letter/replaced/correct horse},\"password\":\"correct horse\"}" "${admin[@]}"
is "$status $(field .reason)" "422 mail_password_told" "and it does not travel in the same mail"

ask GET '/api/v1/audit?limit=5' "${admin[@]}" && is "$(field '.items | length')" 5 "the audit trail is paged"
ask GET '/api/v1/audit?limit=5' "${operator[@]}" && is "$status" 403 "which an operator does not read"
ask GET '/api/v1/audit?limit=1000&text=true' "${auditor[@]}"
is "$(field '[.items[] | select(.actor == "root" and .verb == "token_create") | .outcome] | join(" ")')" "done accepted" "an entry says who, what, and how it ended"
like "$(field '[.items[] | select(.actor | startswith("token:operator "))][0].actor')" '^token:operator [0-9a-f-]{36}$' "of a token its id, too: names are not unique"
is "$(stack_psql "$D" -c "select distinct scope from gate.audit where actor like 'token:scoped %'" | xargs)" "3 site:Nowhere 4 site:Nowhere" "and where its role counted"
like "$(stack_psql "$D" -c "select string_agg(distinct concat_ws(' ', verb, actor, outcome), ', ') from gate.audit where outcome in ('rate_limited', 'setup_refused')")" \
	"login anna rate_limited.*setup root setup_refused" "so do tries beyond the limit and wrong setup tokens, once a minute and origin"
is "$(field '[.items[] | select(.outcome == "accepted" or .outcome == "done") | select(.digest == null and .verb != "GET")] | length')" 0 "with the digest of what was asked and answered"
is "$(field '[.items[] | select(.text | test("correct horse|a long enough"))] | length')" 0 "and no password"

# The trail and who would change it (audit_tamper, FL-71): as owner of the tables, behind the gateway's back.
verify() { ask GET /api/v1/audit:verify "${auditor[@]}"; field '[.faults[] | "\(.fault) \(.seq) \(.to)"] | join(", ")'; }
sql() { stack_psql "$D" "$@"; }
is "$(verify)" "" "its chain is whole, says a walk from the first entry to the last"
for change in "update gate.audit set object = 'else' where seq = 3" 'delete from gate.audit where seq = 3' 'truncate gate.audit' 'delete from gate.audit_checkpoint'; do
	check "the database refuses: $change" eval '! sql -c "$change" 2>/dev/null'
	check "also from a session that fires no ordinary trigger" eval '! sql -c "set session_replication_role = replica" -c "$change" 2>/dev/null'
done
signed() { [ "$(sql -c 'select h.seq = (select max(seq) from gate.audit_checkpoint) from gate.audit_head h')" = t ]; }
for _ in $(seq 300); do signed && break; sleep 0.1; done
check "a gateway has signed the head" signed
off='alter table gate.audit disable trigger all; alter table gate.audit_checkpoint disable trigger all'
on='alter table gate.audit enable always trigger only_added_to; alter table gate.audit_checkpoint enable always trigger only_added_to'
sql -c 'create table keep_audit as table gate.audit; create table keep_mark as table gate.audit_checkpoint; create table keep_head as table gate.audit_head'
restore='delete from gate.audit; delete from gate.audit_checkpoint; delete from gate.audit_head; insert into gate.audit table keep_audit;
	insert into gate.audit_checkpoint table keep_mark; insert into gate.audit_head table keep_head'
n=$(sql -c 'select seq from gate.audit_head')
tampered() { # SQL PATTERN TEXT
	sql -c "begin; $off; $1; $on; commit"
	like "$(verify)" "$2" "$3"
	sql -c "begin; $off; $restore; $on; commit"
}
cut="delete from gate.audit where seq > $n - 2; update gate.audit_head set (seq, hash) = (select seq, hash from gate.audit where seq = $n - 2)"
tampered "update gate.audit set object = 'else' where seq = 3" '^changed 3 3$' "a changed entry is found"
tampered 'delete from gate.audit where seq = 5' '^removed 5 5$' "a removed one"
tampered "update gate.audit set seq = -seq where seq >= 7; insert into gate.audit select 7, at, actor, origin, verb, object, outcome, trace, hash, digest
	from gate.audit where seq = 2; update gate.audit set seq = 1 - seq where seq < 0" 'inserted 7 7(,|$)' "one that was put in"
tampered 'update gate.audit set seq = -19 + seq where seq in (8, 11); update gate.audit set seq = -seq where seq < 0' 'moved 8 11, .*moved 11 8(,|$)' "two that changed places"
tampered "$cut" "^cut $((n - 1)) $n\$" "the end cut off: the checkpoint knows"
head=$(sql -c "select seq || ':' || encode(hash, 'hex') from gate.audit_head")
tampered "update gate.audit set actor = 'nobody' where seq = 9; do \$\$ declare a gate.audit; h bytea;
	begin select hash into h from gate.audit where seq = 8;
	for a in select * from gate.audit where seq > 8 order by seq loop
		h := sha256(h || convert_to(gate.audit_text(a), 'UTF8')); update gate.audit set hash = h where seq = a.seq;
	end loop; update gate.audit_head set hash = h; end \$\$" 'rewritten [0-9]+ [0-9]+' "a chain written anew from there on: it is not the one that was signed"
tampered "update gate.audit_checkpoint set signature = decode(repeat('00', 64), 'hex') where seq = $n" "^unsigned $n $n\$" "a checkpoint nobody signed"
printf '%s' "${auditor[0]#*Bearer }${auditor[1]#*Bearer }" | sed 's/^-H//' >"$D/auditor-token"
carnet() { CARNET_SERVER=unix:$sock CARNET_TOKEN_FILE=$D/auditor-token "$B/bin/carnet" "$@"; }
out=$(carnet audit verify --head "$head") && is "${out%%:*}" whole "carnet audit verify says so"
sql -c "begin; $off; $cut; delete from gate.audit_checkpoint where seq > $n - 2; $on; commit"
check "cut off with its checkpoints a trail looks whole" carnet audit verify
out=$(carnet audit verify --head "$head")
is "$? $(grep -c "cut off: entries $((n - 1)) to $n" <<<"$out")" "1 1" "but not to who has kept its head elsewhere"
sql -c "begin; $off; $restore; $on; commit"
grep -rqE 'correct horse|a long enough one' "$D/log" && leaked=yes || leaked=no
is "$leaked" no "no password in the logs"

# What cannot be written to the trail: no session comes of it, and no line is lost (FL-71).
append="function gate.audit_append(text[], text[], text[], text[], text[], uuid[], bytea[], text[])"
sessions() { sql -c 'select count(*) from gate.session'; }
lines() { sql -c "select count(*) from gate.audit where outcome = '$1' and actor = '$2'"; }
sql -c "revoke execute on $append from carnet_gateway"
n=$(sessions) before=$(lines sign_in_refused carla)
post /api/v1/login '{"name":"root","password":"correct horse battery"}'
is "$status $(($(sessions) - n))" "500 0" "no session without its line in the audit trail"
post /api/v1/login '{"name":"carla","password":"wrong"}' && is "$status" 401 "a refusal is told"
said() { grep -rq 'audit trail could not be written.*sign_in_refused' "$D/log"; }
check "what cannot be noted is logged" within 20 said
sql -c "grant execute on $append to carnet_gateway"
late() { [ "$(lines sign_in_refused carla)" = $((before + 1)) ]; }
check "and written when it can be" within 20 late

# two gateways share people, tokens and sessions; killing one harms nobody
sock=$D/rest2.sock
ask GET /api/v1/whoami "${cookie[@]}" && is "$(field .name)" root "a session holds at every gateway"
kill -9 "$(stack_pid "$D" gateway-1)"
ask GET /api/v1/users "${admin[@]}" && is "$status" 200 "the other gateway goes on when one is killed"
stack_pg "$stack_bin/pg_ctl" -D "$D/pg/data" -m immediate -w stop >/dev/null
ask GET /api/v1/users "${admin[@]}" && is "$status" 503 "without a database: try again later"
stack_database_start "$D"
until ask GET /readyz && [ "$status" = 200 ]; do sleep 0.1; done
ask GET /api/v1/users "${admin[@]}" && is "$status" 200 "and it comes back by itself"
done_testing
