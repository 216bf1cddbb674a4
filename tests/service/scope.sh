#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Roles within groups and sites (fleet.md FL-61, FL-68, FL-69): who sees and changes what, over HTTP, against real services.
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. deploy/local/stack.sh
B=${B:-build}
D=$(mktemp -d /tmp/csc.XXXXXX)
trap 'stack_down "$D"; rm -rf "$D"' EXIT
STACK_INSTANCES="gateway:1 lock:1 scheduler:1 storage:1 sync:1" STACK_DURABLE=0 STACK_REST=unix:$D/rest.sock stack_make "$D" "$B"
mkdir -p "$D/log"
stack_database "$D" >/dev/null && stack_up "$D" && stack_ready "$D" 120 || { not_ok "the services start"; done_testing; exit; }
until [ -s "$D/run/setup-token" ]; do sleep 0.05; done
export CARNET_SERVER=unix:$D/rest.sock CARNET_TOKEN_FILE=$D/admin LC_ALL=C.UTF-8
echo "a password for the administrator" >"$D/password"
carnet() { "$B/bin/carnet" "$@" 2>"$D/stderr"; }
carnet setup --setup-token-file "$D/run/setup-token" --password-file "$D/password" --token-out "$D/admin" >/dev/null

# who method path [json] [Idempotency-Key] → $status, $body. Some hundred times: no process for each.
coproc ASKER { exec tests/lib/asker.pl "$D/rest.sock" "$D/answer"; }
exec {asked}>&"${ASKER[1]}" {answers}<&"${ASKER[0]}"
declare -A secret
as() {
	local json=${4-}
	json=${json//[$'\n\t']/ }
	[ -n "${secret[$1]-}" ] || read -r "secret[$1]" <"$D/$1"
	printf '%s\t%s\t%s\t%s\t%s\n' "$2" "$3" "${secret[$1]}" "$json" "${5-}" >&"$asked"
	read -r status <&"$answers"
	IFS= read -rd '' body <"$D/answer" || true # up to its end
}
field() { jq -r "$1" <<<"$body"; }
make() { as admin POST "$1" "$2" && field .id; } # → id
names() { jq -r '[.items[].name] | sort | join(" ")' <<<"$body"; }

# Lyon has a and b, Metz c and d; the group floor lists b and, in a group below it, c.
for site in Lyon Metz; do as admin PUT "/sites/$site" '{"region":"EU"}'; done
declare -A id
i=0
for pair in a:Lyon b:Lyon c:Metz d:Metz; do
	i=$((i + 1)) name=${pair%:*}
	id[$name]=$(make /devices "{\"name\":\"$name\",\"vendor\":\"canon\",\"family\":\"canon_rui\",\"serial\":\"S$i\",\"address\":\"10.1.0.$i\",\"site\":\"${pair#*:}\"}")
done
id[g-floor]=$(make /groups '{"name":"floor","kind":"static"}')
make /groups '{"name":"below","kind":"static"}' >/dev/null
as admin POST /groups/below/members '{"add_devices":["c"]}'
as admin POST /groups/floor/members '{"add_devices":["b"],"add_groups":["below"]}'
task() { printf '{"name":"%s","kind":"device.probe","active":true,"targets":{%s}}' "$1" "$2"; }
for t in lyon:'"devices":["a","b"]' metz:'"devices":["c"]' mixed:'"devices":["a","c"]' all:'"all":true' floor:'"groups":["floor"]'; do
	id[t-${t%%:*}]=$(make /tasks "$(task "t-${t%%:*}" "${t#*:}")")
done
for t in lyon metz mixed; do
	as admin POST "/tasks/t-$t:run"
	id[r-$t]=$(field .id)
	as admin GET "/runs/${id[r-$t]}/targets"
	id[j-$t]=$(field '.items[0].job')
done

# A version of each, as the catalogue has it.
for name in a c; do
	id[v-$name]=$(stack_psql "$D" -c "insert into store.version (id, tenant_id, device_id, kind, generation, state, run_id, job_id,
		attempt, token, serial, digest, verified_at, committed_at) values (sched.uuid7(), '00000000-0000-7000-8000-000000000001',
		'${id[$name]}', 'address_book', 1, 'committed', sched.uuid7(), sched.uuid7(), 1, 1, 'S', sha256('x'), now(), now()) returning id")
done

token() { # NAME ASSIGNMENTS
	as admin POST /tokens "{\"name\":\"$1\",\"assignments\":[$2]}"
	field .token >"$D/$1"
	id[$1]=$(field .id)
}
token lyon '{"role":"operator","sites":["Lyon"]}'
token floor '{"role":"operator","groups":["floor"]}'
token both '{"role":"operator","sites":["Lyon"],"groups":["floor"]}'
token mixed '{"role":"operator","sites":["Lyon"]},{"role":"viewer","sites":["Metz"]}'
token wide '{"role":"operator","sites":["Lyon"]},{"role":"viewer"}'
token none '{"role":"operator","sites":["Lyon"]}'

# Who sees what: a row per thing, a column per person; a thing that is not seen is not there.
#           path                        lyon floor both mixed wide
table='
/devices/a                               200 404 200 200 200
/devices/c                               404 200 200 200 200
/devices/d                               404 404 404 200 200
/devices/ID-d                            404 404 404 200 200
/devices/nobody                          404 404 404 404 404
/groups/floor                            404 200 200 404 200
/groups/below/members                    404 200 200 404 200
/tasks/t-lyon                            200 404 200 200 200
/tasks/t-metz                            404 200 200 200 200
/tasks/t-mixed                           404 404 200 200 200
/tasks/t-all                             404 404 404 404 200
/tasks/t-floor/next                      404 200 200 404 200
/runs/ID-r-lyon                          200 404 200 200 200
/runs/ID-r-metz                          404 200 200 200 200
/runs/ID-r-mixed                         404 404 200 200 200
/runs/ID-r-mixed/targets                 404 404 200 200 200
/runs/ID-r-mixed/outcomes                404 404 200 200 200
/runs/ID-r-mixed/changes                 404 404 200 200 200
/jobs/ID-j-metz                          404 200 200 200 200
/jobs/ID-j-metz/transitions              404 200 200 200 200
/versions/ID-v-a                         200 404 200 200 200
/versions/ID-v-c                         404 200 200 200 200
/versions/ID-v-c/copies                  404 200 200 200 200
/versions:at?kind=address_book&device=ID-c 404 200 200 200 200'
wrong=
while read -r path wanted; do
	[ -n "$path" ] || continue
	name=${path#*ID-} name=${name%%/*}
	[[ $path == *ID-* ]] && url=${path/ID-$name/${id[$name]}} || url=$path
	for who in lyon floor both mixed wide; do
		as $who GET "$url"
		[ "$status" = "${wanted%% *}" ] || wrong+=" $who:$path=$status"
		wanted=${wanted#* }
		[ "$status" != 404 ] || [[ $body != *10.1.0* ]] || wrong+=" $who:$path leaks"
	done
done <<<"$table"
is "$wrong" "" "each sees what lies within any of the assignments, all else is not there"

lists() { # WHO PATH WANTED
	as "$1" GET "$2"
	is "$(names)" "$3" "$1 lists $2"
}
lists lyon /devices "a b"
lists floor /devices "b c"
lists both /devices "a b c"
lists mixed '/devices?filter=state%20=%20enrolled' "a b c d"
lists lyon /sites Lyon
lists floor /sites "Lyon Metz"
lists lyon /groups ""
lists floor /groups "below floor"
lists lyon /tasks "t-lyon"
lists floor /tasks "t-floor t-metz"
as both GET '/devices?limit=2' && first=$(names)/$(field .total) next=$(field ".next | @uri")
as both GET "/devices?limit=2&cursor=$next"
is "$first $(names) $(field .next)" "a b/3 c null" "a list is cut into pages behind the scope, and counts what is seen"

as lyon GET /versions && is "$(field '[.total, .items[].id] | join(" ")')" "1 ${id[v-a]}" "versions are those of the devices within"
as lyon GET "/versions?device=${id[c]}" && is "$(field .total)" 0 "also when a device is asked for"
as lyon GET "/search?device=${id[c]}" && is "$status $(field '.items | length')" "200 0" "a search finds nothing outside"
as lyon GET "/diff?a=${id[v-a]}&b=${id[v-c]}" && is "$status $(field .reason)" "404 no_version" "nothing is compared with what lies outside"
for what in entries content export; do
	as lyon GET "/versions/${id[v-c]}/$what" && one="$status $(field .reason)"
	as lyon GET "/versions/${id[t-lyon]}/$what"
	is "$one" "$status $(field .reason)" "the $what of a version outside are not there"
	as mixed GET "/versions/${id[v-c]}/$what" && [ "$what" != entries ] && is "$status $(field .reason)" "403 outside" "seen, but not to be taken out: $what"
done
wrong=
for verb in protect unprotect; do
	as lyon POST "/versions/${id[v-a]}:$verb" && [ "$status" = 200 ] || wrong+=" lyon:$verb=$status"
	as lyon POST "/versions/${id[v-c]}:$verb" && [ "$status" = 404 ] || wrong+=" lyon:$verb:c=$status"
	as mixed POST "/versions/${id[v-c]}:$verb" && [ "$status" = 403 ] || wrong+=" mixed:$verb=$status"
done
is "$wrong" "" "versions within are protected, no others"
as lyon GET /runs
is "$(jq -c '[.items[] | [has("id"), has("task_name"), .counts.total]]' <<<"$body")" "[[false,false,2],[false,false,1],[true,true,2]]" \
	"of runs outside only the counts are told (FL-61)"
as lyon GET '/runs?limit=1' && as lyon GET "/runs?limit=2&cursor=$(field ".next | @uri")" && is "$(field '.items | length')" 2 "and they keep their place in the pages"
as lyon GET '/runs?limit=1' && is "$(field '.next | test("[0-9a-f]{8}-")')" false "a cursor names no run outside"
walked= next=
while as lyon GET "/runs?limit=1$next" && walked+=" $(field '.items | length')" && [ "$(field .next)" != null ]; do next="&cursor=$(field '.next | @uri')"; done
is "$walked" " 1 1 1" "a walk through all pages meets each run once"
as lyon GET '/runs?task=t-metz' && is "$(field '.items | length')" 0 "not when they are asked for by name"

# What may be changed: seen and not within = 403 out_of_scope, not seen = not there.
change() { # WHO METHOD PATH JSON WANTED
	as "$1" "$2" "$3" "$4"
	got=$status
	[[ $body =~ '"name":"'([a-z_]+)'"' ]] && got+=" ${BASH_REMATCH[1]}"
	[ "$status" -ge 400 ] || got=done
	[ "$got" = "$5" ] || wrong+=" $1:$2:$3=$got($(field .detail))"
}
wrong=
change lyon PATCH /devices/a '{"model":"m"}' done
change lyon PATCH /devices/c '{"model":"m"}' "404 not_found"
change mixed PATCH /devices/c '{"model":"m"}' "403 out_of_scope"
change wide PATCH /devices/d '{"model":"m"}' "403 out_of_scope"
change lyon PATCH /devices/a '{"site":"Metz"}' "403 out_of_scope"
change lyon PATCH /devices/a '{"site":""}' "403 out_of_scope"
change lyon PATCH /devices/a '{"address":"10.1.0.4"}' "403 out_of_scope"
change mixed POST /devices/c:suspend '' "403 out_of_scope"
change lyon DELETE /devices/d '' "404 not_found"
new() { printf '{"name":"n%s","vendor":"canon","family":"canon_rui","serial":"N%s","address":"10.1.1.%s"%s}' "$1" "$1" "$1" "$2"; }
change lyon POST /devices "$(new 1 ',"site":"Lyon"')" done
change lyon POST /devices "$(new 2 ',"site":"Metz"')" "403 out_of_scope"
change lyon POST /devices "$(new 3 '')" "403 out_of_scope"
change floor POST /devices "$(new 4 ',"site":"Lyon"')" "403 out_of_scope"
change lyon PATCH /tasks/t-lyon '{"active":false}' done
change lyon PATCH /tasks/t-lyon '{"active":true}' done
change lyon PATCH /tasks/t-mixed '{"active":false}' "404 not_found"
change mixed PATCH /tasks/t-mixed '{"active":false}' "403 out_of_scope"
change mixed POST /tasks/t-metz:run '' "403 out_of_scope"
change lyon DELETE /tasks/t-metz '' "404 not_found"
change lyon POST /tasks "$(task o1 '"devices":["a","c"]')" "422 validation_failed"
change mixed POST /tasks "$(task o2 '"devices":["a","c"]')" "403 out_of_scope"
change lyon POST /tasks "$(task o3 '"groups":["floor"]')" "422 validation_failed"
change both POST /tasks "$(task o4 '"filter":"site = Metz"')" "403 out_of_scope"
change lyon POST /tasks "$(task o5 '"all":true')" "403 out_of_scope"
change lyon POST /tasks "$(task own '"filter":"vendor = canon and site = Lyon"' | sed 's/^{/{"owner":"root",/')" done
restore() { printf '{"name":"%s","kind":"ab.restore","active":true,"targets":{"devices":["a"]},"settings":{"source":"%s"}}' "$1" "$2"; }
change lyon POST /tasks "$(restore o7 "${id[v-c]}")" "403 out_of_scope"
change lyon POST /tasks "$(restore o8 "${id[t-lyon]}")" "403 out_of_scope"
change lyon POST /tasks "$(restore o9 "${id[v-a]}")" done
change lyon POST "/runs/${id[r-mixed]}:cancel" '' "404 not_found"
change mixed POST "/runs/${id[r-mixed]}:cancel" '' "403 out_of_scope"
change mixed POST "/runs/${id[r-mixed]}/rerun" '{"states":["ready"]}' "403 out_of_scope"
change mixed POST "/jobs/${id[j-metz]}:cancel" '' "403 out_of_scope"
change both POST "/runs/${id[r-mixed]}:cancel" '' done
is "$wrong" "" "each changes what lies within the assignments of a role that may, and nothing else"
as mixed POST /tasks "$(task o6 '"devices":["a","c"]')"
is "$(field .detail)" "1 of its targets are not within your scope: c" "a refusal names what is seen"
as admin GET /tasks/own && is "$(field .owner)" token:lyon "whoever saves a task within a scope owns it"

# Sync groups are of whoever has all their members; an empty one is nobody's.
member() { printf '/sync-groups/%s/members/%s' "$1" "${id[$2]}"; }
as admin GET /devices/n1 && id[n1]=$(field .id)
for pair in sy-lyon:a sy-both:b sy-both:c sy-empty:; do
	as admin POST /sync-groups "{\"name\":\"${pair%:*}\"}"
	[ -z "${pair#*:}" ] || as admin PUT "$(member "${pair%:*}" "${pair#*:}")" '{"role":"client"}'
done
lists admin /sync-groups "sy-both sy-empty sy-lyon"
lists lyon /sync-groups "sy-lyon"
lists floor /sync-groups "sy-both"
lists mixed /sync-groups "sy-both sy-lyon"
lists wide /sync-groups "sy-both sy-empty sy-lyon"
wrong=
as lyon GET /sync-groups/nobody && one="$status $(field .reason)"
for path in sy-both sy-both/members sy-empty; do
	as lyon GET "/sync-groups/$path" && [ "$status $(field .reason)" = "$one" ] || wrong+=" $path=$status"
done
as mixed GET /sync-groups/sy-both/members && [ "$(field '.items | length')" = 2 ] || wrong+=" members=$body"
change lyon PATCH /sync-groups/sy-lyon '{"note":"n"}' done
change lyon PATCH /sync-groups/sy-both '{"note":"n"}' "404 not_found"
change mixed PATCH /sync-groups/sy-both '{"note":"n"}' "403 out_of_scope"
change wide PATCH /sync-groups/sy-empty '{"note":"n"}' "403 out_of_scope"
change lyon PUT "$(member sy-lyon n1)" '{"role":"client"}' done
change lyon PUT "$(member sy-lyon d)" '{"role":"client"}' "404 not_found"
change mixed PUT "$(member sy-lyon d)" '{"role":"client"}' "403 out_of_scope"
change mixed PUT "$(member sy-both n1)" '{"role":"client"}' "403 out_of_scope"
change mixed DELETE "$(member sy-both c)" '' "403 out_of_scope"
change lyon DELETE "$(member sy-lyon n1)" '' done
change lyon POST /sync-groups '{"name":"sy-new"}' "403 out_of_scope"
change lyon DELETE /sync-groups/sy-lyon '' "403 out_of_scope"
is "$wrong" "" "sync groups are seen and changed by whoever has all their members"
for name in sy-lyon:a sy-both:b sy-both:c; do as admin DELETE "$(member "${name%:*}" "${name#*:}")"; done
for name in sy-lyon sy-both sy-empty; do as admin DELETE "/sync-groups/$name"; done
as admin GET /sync-groups && is "$(field '.items | length')" 0 "none is left"

# What stands at devices, groups and sites: seen where it holds something that is seen, which is all that is named of it;
# changed where all that it names lies within, and it names something.
window() { printf '{"name":"%s","open":[{"start":"00:00","end":"24:00"}],%s}' "$1" "$2"; }
as admin POST /windows "$(window w-lyon '"sites":["Lyon"]')"
as admin POST /windows "$(window w-wide '"sites":["Lyon","Metz"],"devices":["d"],"tasks":["t-metz"]')"
as admin POST /windows "$(window w-metz '"devices":["d"]')"
credential() { printf '{"name":"%s","kind":"password_only","password":"very-secret",%s}' "$1" "$2"; }
as admin POST /credentials "$(credential c-lyon '"site":"Lyon"')"
as admin POST /credentials "$(credential c-floor '"group":"floor"')"
as admin POST /credentials "$(credential c-range '"range":"10.1.0.0/16"')"
as admin POST /credentials "$(credential c-d '"device":"d"')" && id[c-d]=$(field .id)
office=$(curl -s --unix-socket "$D/rest.sock" -H "Authorization: Bearer $(cat "$D/admin")" -H 'Content-Type: application/octet-stream' \
	--data-binary @tests/golden/book/canon_csv/office.csv 'http://localhost/api/v1/files?name=office.csv' | jq -r .id)
as admin POST /destination-list:import "{\"source\":\"$office\"}"
book=$(make /distribution-books '{"name":"Sales","lists":[{"name":"L","all":true}]}')
other=$(make /distribution-books '{"name":"Other","lists":[{"name":"L","all":true}]}')
set_of() { printf '{"name":"%s","book":"%s",%s}' "$1" "$2" "$3"; }
as admin POST /distribution-sets "$(set_of s-lyon "$book" '"devices":["a"]')"
as admin POST /distribution-sets "$(set_of s-wide "$book" '"devices":["a","d"],"groups":["floor"]')"
as admin POST /distribution-sets "$(set_of s-metz "$other" '"devices":["d"]')"
stack_psql "$D" -c "insert into fleet.candidate (id, address, vendor, family, serial, site) values (sched.uuid7(), '10.9.0.1', 'canon', 'canon_rui', 'X1', 'Lyon'),
	(sched.uuid7(), '10.9.0.2', 'canon', 'canon_rui', 'X2', 'Metz'), (sched.uuid7(), '10.9.0.3', 'canon', 'canon_rui', 'X3', 'Lyon'),
	(sched.uuid7(), '10.1.0.4', 'canon', 'canon_rui', 'S4', 'Lyon'), (sched.uuid7(), '10.1.0.1', 'canon', 'canon_rui', 'S1', '')"
lists lyon /windows "w-lyon w-wide"
lists floor /windows "w-lyon w-wide"
lists mixed /windows "w-lyon w-metz w-wide"
lists lyon /distribution-books Sales
lists mixed /distribution-books "Other Sales"
lists wide /distribution-books "Other Sales"
wrong=
as lyon GET /distribution-books/nobody && one="$status $(field .reason)"
for ref in Other "$other"; do as lyon GET "/distribution-books/$ref" && [ "$status $(field .reason)" = "$one" ] || wrong+=" $ref=$status"; done
for ref in Sales "$book"; do as lyon GET "/distribution-books/$ref" && [ "$status $(field .id) $(field '.lists[0].name')" = "200 $book L" ] || wrong+=" $ref=$status"; done
as lyon GET "/versions/$(field .version)/entries" && [ "$status" = 404 ] || wrong+=" entries=$status"
as lyon GET /destination-list && [ "$status $(field .name)" = "403 out_of_scope" ] || wrong+=" destinations=$status"
change lyon PUT "/distribution-books/$book" '{"name":"Sales","lists":[{"name":"L","all":true}]}' "403 out_of_scope"
is "$wrong" "" "a distribution book is seen by whoever sees a set of it, its entries are not"
lists lyon /credentials "c-floor c-lyon c-range"
lists floor /credentials "c-floor c-lyon c-range"
lists mixed /credentials "c-d c-floor c-lyon c-range"
lists lyon /distribution-sets "s-lyon s-wide"
lists floor /distribution-sets "s-wide"
addresses() { as "$1" GET "/candidates${2-}" && jq -r '[.total, .items[].address] | join(" ")' <<<"$body"; }
is "$(addresses lyon) / $(addresses floor) / $(addresses mixed '?filter=site%20=%20Metz')" \
	"3 10.1.0.1 10.9.0.1 10.9.0.3 / 0 / 1 10.9.0.2" "candidates are those proposed for a site of the scope, and its devices"
as lyon GET /windows/w-wide && one=$(jq -c '[.sites, .devices, .tasks]' <<<"$body")
as lyon GET /distribution-sets/s-wide
is "$one $(jq -c '[.n_devices, .devices == ["'"${id[a]}"'"], .groups]' <<<"$body")" '[["Lyon"],[],[]] [2,true,[]]' "what lies outside is not named"
as lyon GET /credentials
is "$(jq -c '[.items[] | select(.name == "c-range" or .name == "c-floor") | [.range, .group]]' <<<"$body")" '[[null,null],[null,null]]' \
	"nor is what a credential is bound to there"
as lyon GET '/devices/a/windows?task=t-metz' && one="$status $(field .reason)"
as lyon GET '/devices/a/windows?task=nobody' && is "$one" "$status $(field .reason)" "a task outside is not there for a device's windows either"
wrong=
for path in /windows/w-metz /devices/d/windows /distribution-sets/s-metz /candidates/10.9.0.2 /candidates/10.1.0.4; do
	as lyon GET "$path" && [ "$status" = 404 ] || wrong+=" $path=$status"
done
change lyon PATCH /windows/w-lyon '{"hard_end":true}' done
change lyon PATCH /windows/w-lyon '{"sites":["Lyon","Metz"]}' "403 out_of_scope"
change lyon PATCH /windows/w-lyon '{"sites":[]}' "403 out_of_scope"
change lyon PATCH /windows/w-lyon '{"devices":["d"]}' "422 validation_failed"
change lyon PATCH /windows/w-wide '{"hard_end":true}' "403 out_of_scope"
change lyon DELETE /windows/w-metz '' "404 not_found"
change mixed DELETE /windows/w-metz '' "403 out_of_scope"
change lyon POST /windows "$(window w1 '"devices":["a"],"tasks":["t-lyon"]')" done
change lyon POST /windows "$(window w2 '"hard_end":true')" "403 out_of_scope"
change mixed POST /windows "$(window w3 '"devices":["a","c"]')" "403 out_of_scope"
change lyon DELETE /windows/w1 '' done
change lyon POST /credentials "$(credential c1 '"device":"a"')" done
change lyon POST /credentials "$(credential c2 '"device":"c"')" "422 validation_failed"
change mixed POST /credentials "$(credential c3 '"device":"c"')" "403 out_of_scope"
change lyon POST /credentials "$(credential c4 '"site":"Metz"')" "403 out_of_scope"
change lyon POST /credentials "$(credential c5 '"range":"10.1.0.1/32"')" "403 out_of_scope"
change lyon POST /credentials "$(credential c-d '"id":"'"${id[c-d]}"'","device":"a"')" "404 not_found"
change mixed POST /credentials "$(credential c-d '"id":"'"${id[c-d]}"'","device":"a"')" "403 out_of_scope"
change lyon DELETE /credentials/c-range '' "403 out_of_scope"
change lyon DELETE /credentials/c-d '' "404 not_found"
change lyon DELETE /credentials/c1 '' done
change lyon POST /distribution-sets "$(set_of s1 "$book" '"devices":["b"]')" done
change lyon POST /distribution-sets "$(set_of s2 "$other" '"devices":["b"]')" "422 validation_failed"
change lyon PATCH /distribution-sets/s-lyon "{\"book\":\"$other\"}" "422 validation_failed"
change mixed PATCH /distribution-sets/s-lyon '{"devices":["a","c"]}' "403 out_of_scope"
change lyon PATCH /distribution-sets/s-wide '{"devices":["a"]}' "403 out_of_scope"
change lyon DELETE /distribution-sets/s1 '' done
change lyon POST /candidates/10.9.0.1:enrol '' done
change lyon POST /candidates/10.9.0.2:enrol '{"site":"Lyon"}' "404 not_found"
change mixed POST /candidates/10.9.0.2:enrol '{"site":"Lyon"}' "403 out_of_scope"
change lyon POST /candidates/10.9.0.3:enrol '{"site":"Metz"}' "403 out_of_scope"
change lyon POST /candidates/10.9.0.3:enrol '{"address":"10.1.0.4"}' "403 out_of_scope"
change lyon POST /candidates/10.9.0.3:ignore '{"reason":"a scanner"}' done
is "$wrong" "" "windows, credentials, distribution sets and candidates are changed by whoever reaches all that they stand for"
as lyon POST /devices:import "{\"devices\":[$(new 5 ',"site":"Lyon"'),$(new 6 ',"site":"Metz"'),$(new 7 ''),
	{\"name\":\"a\",\"vendor\":\"canon\",\"serial\":\"S1\",\"family\":\"canon_rui\",\"address\":\"10.1.0.1\",\"model\":\"M\"},
	{\"name\":\"d\",\"vendor\":\"canon\",\"serial\":\"S4\",\"family\":\"canon_rui\",\"address\":\"10.1.0.4\",\"model\":\"M\"}]}"
is "$(jq -c '[.created, .updated, [.refused[].name]]' <<<"$body")" '[1,1,["n6","n7","d"]]' "of an import what lies outside is refused, the rest is done"

# Locks and events of devices within; the state of the system, not what is where.
lock_of() { # WHO DEVICE → $lock, $token
	as "$1" POST /locks "{\"op\":\"sw_update\",\"devices\":[\"$2\"]}"
	lock=$(field .request) token=$(field '.grants[0].token')
}
lock_of admin d && id[l-d]=$lock t_d=$token
lock_of lyon a && id[l-a]=$lock t_a=$token
held() { as "$1" GET "/locks$2" && jq -r '[.items[].device_name] | sort | join(" ")' <<<"$body"; }
is "$(held lyon '') / $(held mixed '') / $(held floor '') / $(held lyon "/${id[l-a]}")" "a / a d /  / a" "locks are those of the devices within"
as lyon GET "/locks/${id[l-d]}" && one="$status $(field .reason)"
as lyon GET "/locks/${id[t-lyon]}" && is "$one" "$status $(field .reason)" "a lock outside is not there"
wrong=
change lyon POST /locks '{"op":"sw_update","devices":["d"]}' "404 not_found"
change mixed POST /locks '{"op":"sw_update","devices":["d"]}' "403 out_of_scope"
change lyon POST /locks:explain '{"op":"sw_update","devices":["d"]}' "404 not_found"
change mixed POST /locks:explain '{"op":"sw_update","devices":["d"]}' done
for who in lyon mixed; do
	change $who POST "/locks/${id[l-d]}:renew" "{\"token\":$t_d}" "409 lease_lost"
	change $who POST "/locks/${id[l-d]}:release" "{\"token\":$t_d}" "409 lease_lost"
done
change floor POST "/locks/${id[l-a]}:release" "{\"token\":$t_a}" "409 lease_lost"
change lyon POST "/locks/${id[l-a]}:renew" "{\"token\":$t_a}" done
change lyon POST "/locks/${id[l-a]}:release" "{\"token\":$t_a}" done
change admin POST "/locks/${id[l-d]}:release" "{\"token\":$t_d}" done
is "$wrong" "" "each locks, keeps and gives back what lies within"
as lyon GET "/runs/${id[r-metz]}/events" && is "$status" 404 "the stream of a run outside is not there"
as lyon GET "/locks/events?device=d" && is "$status" 404 "nor that of a device's locks"
as lyon GET /status && is "$status $(jq -c '[.components[] | select(.name | startswith("vault"))]' <<<"$body") $(field '.components[] | select(.name == "workers") | .detail')" \
	"200 [] null" "the state of the system says what is up, not how much there is"
stream() { curl -sN --unix-socket "$D/rest.sock" "http://localhost/api/v1/$2" -H "Authorization: Bearer $(cat "$D/$1")" >"$D/$3" & }
: >"$D/all" >"$D/locks"
stream lyon events all && watching=$!
stream lyon locks/events locks && watching+=" $!"
within 20 grep -q retry "$D/all" && within 20 grep -q retry "$D/locks"
for name in d a; do
	as admin POST "/devices/$name:suspend" && as admin POST "/devices/$name:resume"
	lock_of admin $name && as admin POST "/locks/$lock:release" "{\"token\":$token}"
done
as admin POST /tasks/t-metz:run && id[r-new]=$(field .id) && as admin POST "/runs/${id[r-new]}:cancel"
as admin POST /tasks/t-lyon:run && as admin POST "/runs/$(field .id):cancel" && id[r-mine]=$(field .id)
within 30 grep -q "${id[r-mine]}" "$D/all" && within 30 grep -q "${id[a]}" "$D/all" && within 30 grep -q "${id[a]}" "$D/locks" &&
	ok "events of devices, runs and locks within arrive" || not_ok "events of devices, runs and locks within arrive"
is "$(grep -cE "${id[d]}|${id[c]}|${id[r-new]}|t-metz" "$D/all" "$D/locks" | cut -d: -f2 | tr '\n' ' ')" "0 0 " "no others"
kill $watching

# Groups: one's own are no scope, and what they bring lies within; groups of the scope take in only what is within already.
wrong=
change lyon POST /groups '{"name":"own","kind":"static"}' done
change lyon POST /groups/own/members '{"add_devices":["a"]}' done
change lyon POST /groups/own/members '{"add_devices":["c"]}' "422 validation_failed"
change mixed POST /groups/own/members '{"add_devices":["c"]}' "403 out_of_scope"
change lyon PATCH /groups/own '{"name":"ours"}' done
change lyon POST /groups '{"name":"filter","kind":"dynamic","filter":"vendor = canon"}' done
change floor POST /groups/floor/members '{"add_devices":["c"]}' done
change both POST /groups/floor/members '{"add_devices":["a"]}' done
change both POST /groups/floor/members '{"remove_devices":["a"]}' done
change both POST /groups/floor/members '{"add_devices":["d"]}' "422 validation_failed"
change both POST /groups/floor/members '{"add_groups":["ours"]}' done
change both POST /groups/floor/members '{"remove_groups":["ours"]}' done
change both PATCH /groups/floor '{"name":"mine"}' "403 out_of_scope"
change both DELETE /groups/below '' "403 out_of_scope"
change lyon PATCH /groups/floor '{"name":"mine"}' "404 not_found"
change lyon POST /tasks "$(task o10 '"groups":["filter"]')" done
is "$wrong" "" "nobody makes their scope wider by a group"
# b is listed in floor: nobody learns that by asking whether.
finds() { as "$1" GET "/devices?filter=$(jq -rn --arg f "$2" '$f | @uri')" && names; }
is "$(for who in lyon both wide admin; do for group in floor nobody; do echo "$who $group: $(finds $who "site = Lyon and group = $group")"; done; done)" "lyon floor: 
lyon nobody: 
both floor: b
both nobody: 
wide floor: b
wide nobody: 
admin floor: b
admin nobody: " "a filter finds a group that is not seen as little as one that is not there"
is "$(finds lyon 'not group in (floor, nobody)')/$(finds lyon 'group != floor')/$(finds lyon 'group in (floor, ours)')" "10.9.0.1 a b n1 n5/10.9.0.1 a b n1 n5/a" "also the other way round"
asks() { # WHO FILTER → devices of a run of a task with that filter, and of a group
	as "$1" POST /tasks "$(task asks "\"filter\":\"$2\"")" && as "$1" POST /tasks/asks:run && as "$1" GET "/runs/$(field .id)/targets" && names_of=$(jq -r '[.items[].device_name] | sort | join(" ")' <<<"$body")
	as "$1" POST /groups "{\"name\":\"asks\",\"kind\":\"dynamic\",\"filter\":\"$2\"}" && as "$1" POST /groups/asks:preview && echo "$names_of/$(field .total)"
	as admin DELETE /tasks/asks && as admin DELETE /groups/asks
}
is "$(asks lyon 'group = floor') $(asks lyon 'group = nobody') $(asks lyon 'group = ours') $(asks both 'group = floor')" "/0 /0 a/1 b c/2" "nor does one that they save, in a task or a group"
token climb '{"role":"operator","sites":["Lyon"]},{"role":"admin","groups":["floor"]}'
as climb POST /groups/floor/members '{"add_devices":["a"]}' && is "$status $(field .name)" "403 out_of_scope" "nor their role"
# Nor by a device that they move: where they are admin, the device of the site where they are operator.
token mover '{"role":"operator","sites":["Lyon"]},{"role":"admin","sites":["Metz"]}'
token roamer '{"role":"operator"},{"role":"admin","sites":["Metz"],"groups":["floor"]}'
token operator '{"role":"operator","sites":["Lyon","Metz"]}'
moved() { printf '{"devices":[{"name":"%s","vendor":"canon","serial":"%s","family":"canon_rui","address":"%s","model":"M","site":"%s"}]}' "$@"; }
for who in mover roamer; do
	change $who PATCH /devices/a '{"site":"Metz"}' "403 out_of_scope"
	change $who PATCH /devices/a '{"site":"Lyon","model":"m"}' done
	as $who POST /devices:import "$(moved a S1 10.1.0.1 Metz)" && [ "$(jq -c '[.updated, .refused[].reason]' <<<"$body")" = '[0,"it is not within your scope, or changed meanwhile"]' ] || wrong+=" $who:import=$body"
	as $who POST /devices:import "$(moved a S1 10.1.0.1 Lyon)" && [ "$(field .updated)" = 1 ] || wrong+=" $who:import=$body"
	change $who PATCH /devices/d '{"site":"Lyon"}' done
	as admin PATCH /devices/d '{"site":"Metz"}'
done
as admin GET /devices/a && is "$wrong $(field .site)" " Lyon" "nor by a device that they move: where a role of theirs would come to reach it, they need that role before"
change roamer POST /groups/floor/members '{"add_devices":["a"]}' "403 out_of_scope"
change roamer PATCH /devices/b '{"site":"Metz"}' done
change operator PATCH /devices/b '{"site":"Lyon"}' done
change operator PATCH /devices/a '{"site":"Metz"}' done
change operator PATCH /devices/a '{"site":"Lyon"}' done
is "$wrong" "" "whoever has no more at the other end moves it, and so does whoever reaches it by a group"
as lyon POST /groups/filter:preview && one=$(field .total)
as admin POST /groups/filter:preview && is "$one $(field .total)" "5 5" "the filter of somebody with a scope brings what lies within, to everybody"
as lyon GET /groups/ours/members && one=$(names)
as admin PATCH /devices/a '{"site":"Metz"}'
as lyon GET /groups/ours/members && is "$one/$(names)" "a/" "a group that somebody saved shows what they see of it"
change lyon POST /credentials "$(credential c6 '"group":"ours"')" "403 out_of_scope"
is "$wrong" "" "and binds nothing to what is not within any more"
as admin PATCH /devices/a '{"site":"Lyon"}'
change lyon DELETE /groups/ours '' done
batch() { printf '{"name":"%s","kind":"batch","targets":{"devices":["a"]},"settings":{"steps":["%s"]}}' "$1" "$2"; }
change lyon POST /tasks "$(batch b1 t-lyon)" done
change lyon POST /tasks "$(batch b2 t-metz)" "422 validation_failed"
change wide POST /tasks "$(batch b3 t-metz)" "403 out_of_scope"
change lyon POST /tasks '{"name":"b4","kind":"device.discover","settings":{"discover":{"ranges":["10.9.0.0/24"]}}}' "403 out_of_scope"
as admin POST /groups/floor/members '{"remove_devices":["c"]}' && as admin DELETE /distribution-sets/s-wide
is "$wrong" "" "a batch has steps that its owner may change; nobody with a scope discovers"

# A list that grew outside (FL-69): those targets are left out and say so.
as admin PATCH /devices/d '{"site":"Lyon"}'
as lyon PATCH /tasks/own '{"targets":{"filter":"vendor = canon"},"active":true}'
is "$status $(field .name)" "403 out_of_scope" "a filter that reaches further is refused when it is saved"
as admin PATCH /tasks/own '{"targets":{"filter":"vendor = canon"}}'
as lyon POST /tasks/own:run && id[r-own]=$(field .id)
left() { jq -r '[.items[] | select(.cause == "out_of_scope") | .device_name + ":" + .state + ":" + (.code | tostring)] | sort | join(" ")' <<<"$body"; }
as admin GET "/runs/${id[r-own]}/targets"
is "$(left)" "c:skipped:1011" "targets outside the owner's scope end skipped, out_of_scope (CN-1011)"
as lyon GET "/runs/${id[r-own]}/targets"
is "$status $(jq -r '[.items[].device_name] | sort | join(" ")' <<<"$body")" "200 10.9.0.1 a b d n1 n5" "its run is seen, without what lies outside"
as lyon GET "/runs/${id[r-own]}/outcomes"
is "$(jq -c '[.items[] | select(.cause == "out_of_scope") | [.n, .example]]' <<<"$body")" "[[1,null]]" "which is counted and not named"
# Whoever repeats a run is bounded by their own scope, too, when nothing else bounds it any more.
as lyon POST /tasks "$(task again '"devices":["a"]')" && as admin PATCH /tasks/again '{"targets":{"devices":["a","c"]}}'
as lyon POST /tasks/again:run && id[r-again]=$(field .id)
as admin PATCH /tasks/again '{"owner":"root"}'
for who in lyon admin; do
	as $who POST "/runs/${id[r-again]}/rerun" '{"states":["skipped"]}' && as admin GET "/runs/$(field .id)/targets"
	echo "$who $(field '.items | length') $(left)"
done >"$D/left"
is "$(cat "$D/left")" "lyon 1 c:skipped:1011
admin 1 " "a rerun leaves out what lies outside the scope of who starts it, though it was chosen"
as admin PATCH "/tokens/${id[lyon]}" '{"assignments":[{"role":"operator","groups":["floor"]}]}'
as admin POST /tasks/own:run && as admin GET "/runs/$(field .id)/targets"
is "$(left)" "10.9.0.1:skipped:1011 a:skipped:1011 c:skipped:1011 d:skipped:1011 n1:skipped:1011 n5:skipped:1011" "a scope that became narrower counts when the next run starts"

# So does what the owner may do at all, however it was said: by a role, by assignments, or by being switched off.
as admin POST /users '{"name":"eve","role":"operator","password":"a long enough one"}'
make /tasks '{"name":"t-eve","kind":"device.probe","active":true,"owner":"eve","targets":{"devices":["a"]}}' >/dev/null
stopped() { curl -s --unix-socket "$D/rest.sock" -X PATCH -o /dev/null -D - -H "Authorization: Bearer $(cat "$D/admin")" -H 'Content-Type: application/json' \
	-d "$1" http://localhost/api/v1/users/eve | tr -d '\r' | sed -n 's/^Carnet-Tasks-Stopped: //p'; }
starts() { as admin POST /tasks/t-eve:run && as admin GET "/runs/$(field .id)/targets" && left; }
is "$(starts)" "" "the task of an operator starts"
for no in '"role":"viewer"' '"assignments":[{"role":"viewer"}]' '"active":false'; do
	is "$(stopped "{$no}") $(starts)" "1 a:skipped:1011" "not of who may not start one any more: $no"
	is "$(stopped '{"role":"operator","assignments":[],"active":true}') $(starts)" "0 " "and again when they may"
done
as admin PATCH /users/eve '{"active":false}' && as admin PATCH /tasks/t-eve '{"owner":"root"}' && is "$status $(starts)" "200 " "an administrator takes it over"

# What is gone takes its part of the scope with it; nothing ever becomes everything.
lists lyon /devices "b c"
as admin POST /groups/floor/members '{"remove_groups":["below"]}'
lists lyon /devices "b"
as admin DELETE /tasks/t-floor && as admin DELETE /groups/floor
is "$status $(field .reason) $(grep -o "credential 'c-floor'" <<<"$body")" "409 in_use credential 'c-floor'" "a group stays while a credential stands for it"
as admin DELETE /credentials/c-floor && as admin DELETE /groups/floor && is "$status" 200 "without that it goes"
lists lyon /devices ""
as lyon GET /devices/a && is "$status" 404 "an assignment whose group is gone reaches nothing"
as admin POST /groups '{"name":"floor","kind":"static"}' && as admin POST /groups/floor/members '{"add_devices":["a"]}'
lists lyon /devices ""
is "$(carnet token list | awk '$1 == "both" {print $3, $4}')" "operator@site:Lyon operator@group:${id[g-floor]}" "carnet shows where a role counts"
carnet token set "${id[both]}" --assign operator@site:Metz --assign viewer@group:floor >/dev/null
lists both /devices "a c"

# Names of devices are free: of two the one that is seen is meant.
token south '{"role":"operator","sites":["Lyon"]}'
for site in Lyon Metz; do
	id[twin-$site]=$(make /devices "{\"name\":\"MFP-1\",\"vendor\":\"canon\",\"family\":\"canon_rui\",\"serial\":\"T-$site\",\"address\":\"twin.$site\",\"site\":\"$site\"}")
done
as admin GET /devices/MFP-1 && is "$status $(field .reason)" "409 ambiguous" "a name that two devices have means none of them"
as south GET /devices/MFP-1 && is "$status $(field .id)" "200 ${id[twin-Lyon]}" "but to whoever sees only one of them"
as south PATCH /devices/MFP-1 '{"model":"x"}' && is "$status $(field .id)" "200 ${id[twin-Lyon]}" "who may change it, too"
as south GET /devices/MFP-1/windows && is "$status" 200 "or ask for its windows"
as south GET "/devices/${id[twin-Metz]}" && is "$status" 404 "the other one is not there"
carnet token set "${id[both]}" --assign operator@Metz
is $? 64 "and says what an assignment looks like: $(head -n 1 "$D/stderr")"

# An Idempotency-Key names an attempt of one person at one path, never what comes of it (section 13): nobody takes over by it what
# others have made, whatever the key looks like.
token keyed '{"role":"operator","sites":["Lyon"]}'
as admin PATCH /devices/a '{"site":"Lyon"}'
as keyed POST /tasks "$(task k-task '"devices":["a"]')"
seen() { as admin GET "$1" && jq -cS --arg id "$2" '.items[] | select(.id == $id)' <<<"$body"; }
wrong=
attempt() { # PATH LIST THEIRS OWN OTHER: status and id of what came, twice the same
	local theirs before once
	theirs=$(make "$1" "$3") && before=$(seen "$2" "$theirs")
	[ -n "$before" ] || wrong+=" $1:admin=$body"
	as keyed POST "$1" "$4" "$theirs" && once="$status $(field .id) $(field .version)"
	[[ $once == 20[12]* && $once != *"$theirs"* ]] || wrong+=" $1=$once $(field .detail)"
	as keyed POST "$1" "$4" "$theirs" && [ "$status $(field .id) $(field .version)" = "$once" ] || wrong+=" $1:again=$status $(field .detail)"
	as keyed POST "$1" "$5" "$theirs" && [ "$status $(field .reason)" = "409 request_reused" ] || wrong+=" $1:other=$status"
	[ "$(seen "$2" "$theirs")" = "$before" ] || wrong+=" $1:theirs=$(seen "$2" "$theirs") not $before"
}
attempt /windows /windows "$(window k1 '"sites":["Metz"]')" "$(window k2 '"sites":["Lyon"]')" "$(window k3 '"sites":["Lyon"]')"
attempt /credentials /credentials "$(credential k1 '"range":"10.2.0.0/16"')" "$(credential k2 '"site":"Lyon","position":8')" "$(credential k3 '"site":"Lyon","position":9')"
attempt /tasks /tasks "$(task k1 '"all":true')" "$(task k2 '"devices":["a"]')" "$(task k3 '"devices":["a"]')"
attempt /groups /groups '{"name":"k1","kind":"static"}' '{"name":"k2","kind":"static"}' '{"name":"k3","kind":"static"}'
attempt /devices /devices "$(new 91 ',"site":"Metz"')" "$(new 92 ',"site":"Lyon"')" "$(new 93 ',"site":"Lyon"')"
attempt /tasks/k-task:run /runs '' '' '{"override_windows":false}'
is "$wrong" "" "no window, credential, task, group, device or run of others"
as keyed POST /tasks/k-task:run '' again && id[r-k]=$(field .id)
narrowed() { stack_psql "$D" -c "select cardinality(scopes) from sched.run where id = '${id[r-k]}'"; }
one=$(narrowed) && as keyed POST /tasks/k-task:run '' again && is "$(field .id) $(narrowed)" "${id[r-k]} $one" "a run that is asked for again is not narrowed again"
as keyed POST /groups '{"name":"k4","kind":"static"}' once && one=$(field .id)
as admin POST /groups '{"name":"k5","kind":"static"}' once && check "the same key of two people is two attempts" [ "$status $one" != "201 $(field .id)" ]
done_testing
