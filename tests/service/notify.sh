#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Who is told of what: two gateways, a scheduler and receivers with bad days (docs/spec/fleet.md section 10, FL-65..67).
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. deploy/local/stack.sh
B=${B:-build}
D=$(mktemp -d /tmp/cnot.XXXXXX)
trap 'kill "$receiver" 2>/dev/null; stack_down "$D"; rm -rf "$D"' EXIT
mkdir "$D/in"
tests/lib/hook_receiver.pl "$D/in" &
receiver=$!
STACK_INSTANCES="gateway:2 lock:1 scheduler:1 storage:1 sync:1" STACK_DURABLE=0 STACK_REST=unix:$D/rest.sock stack_make "$D" "$B"
for i in 1 2; do
	stack_env "$D" gateway-$i NOTIFY_EVERY_MS 100
	stack_env "$D" gateway-$i WEBHOOK_RETRY_MS 20
	stack_env "$D" gateway-$i WEBHOOK_ANSWER_MS 60000
	stack_env "$D" gateway-$i WEBHOOK_LOOPBACK true
	stack_env "$D" gateway-$i WEBHOOK_RATE 1000
	stack_env "$D" gateway-$i PUBLIC_URL https://carnet.example
done
stack_env "$D" gateway-2 LISTEN "unix:$D/rest2.sock"
mkdir -p "$D/log"
stack_database "$D" >/dev/null && stack_up "$D" && stack_ready "$D" 60 || { not_ok "the stack starts"; done_testing; }
within 20 [ -s "$D/run/setup-token" ]
within 20 [ -s "$D/in/port" ]
url=http://127.0.0.1:$(cat "$D/in/port")

# method path [body] → $status and $body
ask() {
	body=$(curl -s --unix-socket "$D/rest.sock" -X "$1" -o - -w '\n%{http_code}' -H "Authorization: Bearer ${token:-}" \
		${3:+-H 'Content-Type: application/json' -d "$3"} "http://localhost/api/v1$2")
	status=${body##*$'\n'} body=${body%$'\n'*}
}
field() { jq -r "$1" <<<"$body"; }
sql() { stack_psql "$D" -c "$1"; }
got() { ls "$D/in" | grep -c '^[0-9]*$'; }                                # requests so far
head_of() { sed '/^\r$/q' "$D/in/$1" | tr -d '\r'; }
header() { head_of "$1" | sed -n "s/^$2: //Ip"; }
body_of() { sed '1,/^\r$/d' "$D/in/$1"; }
sent_to() { (cd "$D/in" && grep -l "^POST $1 " [0-9]* 2>/dev/null); }      # requests for a path, in order
ids_of() { for f in $(sent_to "$1"); do body_of "$f" | jq -r .id; done | sort | uniq -c | awk '{print $1}' | xargs; } # how often each event came

post_setup=$(curl -s --unix-socket "$D/rest.sock" -X POST -H 'Content-Type: application/json' -c "$D/jar" \
	-d "{\"setup_token\":\"$(cat "$D/run/setup-token")\",\"name\":\"root\",\"password\":\"correct horse battery\"}" http://localhost/api/v1/setup)
token=$(curl -s --unix-socket "$D/rest.sock" -X POST -H 'Content-Type: application/json' -H "Cookie: carnet_session=$(awk '/carnet_session/ {print $7}' "$D/jar")" \
	-H "X-Carnet-Token: $(jq -r .token <<<"$post_setup")" -d '{"name":"admin","role":"admin"}' http://localhost/api/v1/tokens | jq -r .token)

# ---- what people write ----
ask POST /webhooks '{"name":"a","url":"ftp://x"}'
is "$status $(field .field) $(field .reason)" "422 url webhook_url" "an address that is none is refused with its field"
ask POST /webhooks '{"name":"a","url":"https://u:p@x/"}' && is "$status" 422 "no password in an address"
ask POST /webhooks "{\"name\":\"a\",\"url\":\"$url/ok\",\"token\":\"x\",\"token_header\":\"Host\"}"
is "$status $(field .field)" "422 token_header" "a header of ours is no place for a token"
ask POST /webhooks "{\"name\":\"hook\",\"url\":\"$url/ok\",\"token\":\"s3cret\",\"token_header\":\"X-Mc-Token\"}"
key=$(field .key) hook_version=$(field .version)
is "$status ${#key} $(field .token_set) $(field .token)" "201 64 true null" "a webhook's key is shown once, its token never"
ask GET /webhooks && is "$(field '.items[0].key') $(field '.items[0].name')" "null hook" "a list shows no key"
is "$(sql "select count(*) from gate.webhook where position(decode('$key','hex') in key) > 0 or position('s3cret'::bytea in token) > 0")" 0 "both are sealed at rest"
ask POST /webhooks "{\"name\":\"HOOK\",\"url\":\"$url/ok\"}" && is "$status $(field .reason) $(field .field)" "409 name_taken name" "a name is taken once"
ask POST /subscriptions '{"name":"s","kinds":["run.ended"],"webhook":"hook"}' && is "$status $(field .field)" "422 kinds" "an unknown kind is refused"
ask POST /subscriptions '{"name":"s","kinds":["*"],"webhook":"nobody"}' && is "$status $(field .field)" "422 webhook" "an unknown webhook is refused"
ask POST /subscriptions '{"name":"s","kinds":["*"],"webhook":"hook","mail":["a@example.com"]}' && is "$status" 422 "one way for each subscription"
ask POST /subscriptions '{"name":"s","kinds":["run.*"],"states":["running"],"webhook":"hook"}' && is "$status $(field .field)" "422 states" "a run does not end running"
ask POST /subscriptions '{"name":"runs","kinds":["run.finished"],"states":["empty"],"webhook":"hook"}' && is "$status $(field .active)" "201 true" "somebody is told"

# addresses and mail addresses are secrets of administrators (fleet.md section 12)
root=$token refused=
for role in viewer operator auditor; do
	ask POST /tokens "{\"name\":\"$role\",\"role\":\"$role\"}" && token=$(field .token)
	for what in "GET /webhooks" "GET /subscriptions" "GET /dead-letters" "POST /dead-letters:replay {\"webhook\":\"hook\"}"; do
		read -r method path json <<<"$what"
		ask "$method" "$path" "$json" && [ "$status" = 403 ] || refused+=" $role:$path=$status"
	done
	token=$root
done
is "$refused" "" "nobody else sees webhooks, subscriptions and dead letters, or sends these again"

# ---- a run ends ----
ask POST /tasks '{"name":"nightly","kind":"device.probe","targets":{"filter":"name=nobody"},"schedule":{"form":"manual"}}'
task=$(field .id)
ask POST "/tasks/$task:run" && run=$(field .id)
is "$status" 202 "a run over nobody" || true
[ "$status" = 202 ] && within 20 [ -e "$D/in/0001" ] || { echo "# $body"; grep -h -A12 "ERROR: Addr\\|runtime error" "$D"/log/*/current | sed "s/^/# /"; done_testing; }
is "$(body_of 0001 | jq -r '[.specversion, .type, .subject, .data.state, .data.task_name, .data.url] | join(" ")')" \
	"1.0 carnet.run.finished.v1 run/$run empty nightly https://carnet.example/runs/$run" "the end of a run comes as a CloudEvent"
is "$(header 0001 Content-Type) $(header 0001 X-Mc-Token)" "application/cloudevents+json s3cret" "with its content type and the fixed token"
at=$(header 0001 Carnet-Timestamp)
sign() { { printf '%s.' "$2"; body_of "$1"; } | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$3" -r | cut -d' ' -f1; }
is "$(header 0001 Carnet-Signature)" "v1=$(sign 0001 "$at" "$key")" "signed with the key that was shown (FL-65)"
within 20 eval '[ "$(sql "select count(*) from gate.delivery where state = '"'done'"'")" -gt 0 ]' # noted after the answer
is "$(sql 'select count(*) from gate.delivery where state = '"'done'")" 1 "it is told once"
within 20 eval '[ "$(sql "select count(*) from sched.outbox")" = 0 ]' && ok "the scheduler forgets what is on its way (RL-10)" || not_ok "the scheduler forgets what is on its way (RL-10)"

cli() { printf '%s' "$token" >"$D/token"; "$B/bin/carnet" --server "unix:$D/rest.sock" --token-file "$D/token" "$@"; }
like "$(cli notify list)" 'runs.*run.finished.*empty.*hook' "carnet notify list"
ask POST /webhooks/hook:rotate '{}'
key2=$(field .key)
check "carnet notify test" cli notify test runs
within 20 [ -e "$D/in/0002" ]
at=$(header 0002 Carnet-Timestamp)
is "$(header 0002 Carnet-Signature)" "v1=$(sign 0002 "$at" "$key2"),v1=$(sign 0002 "$at" "$key")" "after a rotation both keys sign for a while"
is "$(body_of 0002 | jq -r .type)" carnet.test.v1 "as a test"

# ---- bad days: one event, a webhook for each ----
n=0
for path in /flaky/2 /busy/1 /cut /gone /away; do
	n=$((n + 1))
	ask POST /webhooks "{\"name\":\"w$n\",\"url\":\"$url$path\"}"
	ask POST /subscriptions "{\"name\":\"s$n\",\"kinds\":[\"run.*\"],\"webhook\":\"w$n\"}"
done
ask POST /webhooks '{"name":"meta","url":"http://169.254.169.254/latest"}'
ask POST /subscriptions '{"name":"s-meta","kinds":["run.finished"],"webhook":"meta"}'
ask POST "/tasks/$task:run"
queued() { [ "$(sql "select count(*) from gate.delivery where state = 'queued'")" = 0 ]; }
met() { [ "$(sql "select count(*) from gate.delivery d join gate.subscription s on s.id = d.subscription where s.name = 's-meta'")" = 1 ] && queued; }
check "all are told or given up" within 60 met
is "$(ids_of /flaky/2)" 3 "500 twice, then taken: the same event three times"
is "$(ids_of /busy/1)" 2 "429: once more"
first=$(header "$(sent_to /busy/1 | head -1)" Carnet-Timestamp) second=$(header "$(sent_to /busy/1 | tail -1)" Carnet-Timestamp)
is "$((second > first))" 1 "not before what Retry-After asks"
is "$(ids_of /cut)" 2 "no answer: once more"
is "$(ids_of /gone) $(ids_of /away)" "1 1" "410 and a redirect are not tried again"
ask GET /dead-letters
is "$(field '[.items[] | .webhook + " " + (.status|tostring) + " " + .cause] | sort | join(", ")')" \
	"meta 0 link_local, w4 410 rejected, w5 307 redirect_refused" "dead letters say why (FL-66, SE-10)"
dead=$(field '.items[] | select(.webhook == "w4").id')
ask PATCH /webhooks/w4 "{\"url\":\"$url/ok4\"}"
ask POST /dead-letters:replay '{}' && is "$status" 422 "which letters?"
is "$(cli --json dead-letter replay --webhook w4 | jq .replayed)" 1 "a dead letter is sent again"
within 20 eval '[ -n "$(sent_to /ok4)" ]'
is "$(body_of "$(sent_to /ok4)" | jq -r .id)" "$dead" "with the same id"
for i in 1 2 3 4 5; do ask DELETE /webhooks/w$i; done
is "$status" 200 "a webhook goes with its subscriptions"
ask DELETE /webhooks/meta
ask GET /subscriptions && is "$(field '[.items[].name] | join(" ")')" runs "and with what it had"

# ---- through a proxy: it is what we connect to, and it resolves the name (SE-9 to SE-12) ----
ask POST /webhooks '{"name":"via","url":"http://hooks.invalid/via","proxy":"https://p:1"}' && is "$status $(field .reason) $(field .field)" "422 webhook_url proxy" "a proxy that is none is refused with its field"
ask POST /webhooks "{\"name\":\"via\",\"url\":\"http://hooks.invalid/via\",\"proxy\":\"$url\"}" && is "$status $(field .proxy)" "201 $url" "a webhook goes through a proxy"
ask POST /webhooks "{\"name\":\"via-tls\",\"url\":\"https://hooks.invalid/x\",\"proxy\":\"$url\",\"token\":\"s3cret\",\"token_header\":\"X-Mc-Token\"}"
ask POST /webhooks "{\"name\":\"via-meta\",\"url\":\"http://169.254.169.254/meta\",\"proxy\":\"$url\"}"
ask POST /webhooks '{"name":"via-away","url":"http://hooks.invalid/x","proxy":"http://169.254.1.1:3128"}'
for h in via via-tls via-meta via-away; do ask POST /subscriptions "{\"name\":\"$h\",\"kinds\":[\"device.*\"],\"webhook\":\"$h\"}"; ask POST "/subscriptions/$h:test"; done
within 30 eval '[ -n "$(sent_to http://hooks.invalid/via)" ]' && within 30 eval 'grep -q "^CONNECT " "$D"/in/[0-9]*'
is "$(body_of "$(sent_to http://hooks.invalid/via)" | jq -r .type)" carnet.test.v1 "a name that nobody resolves here arrives there"
like "$(cd "$D/in" && cat $(grep -l "^CONNECT " [0-9]*))" "CONNECT hooks.invalid:443 " "what is encrypted goes through a tunnel"
is "$(cd "$D/in" && grep -l "^CONNECT " [0-9]* | xargs grep -ci "s3cret\\|carnet-" | grep -c ':[1-9]')" 0 "and the proxy sees neither token nor signature"
within 30 eval '[ "$(sql "select count(*) from gate.delivery where state = '"'dead'"' and cause = '"'link_local'"'")" = 2 ]'
ask GET /dead-letters && is "$(field '[.items[] | select(.cause == "link_local").webhook] | sort | join(" ")')" "via-away via-meta" "neither a refused proxy nor a refused address behind one (SE-10)"
is "$(sent_to http://169.254.169.254/meta | wc -l)" 0 "is asked"
for h in via via-tls via-meta via-away; do ask DELETE "/webhooks/$h"; done

# ---- by mail: no mail server is set up here (storage_mail.sh has one) ----
ask POST /subscriptions '{"name":"people","kinds":["run.finished","job.failed"],"mail":["anna@example.com","Bob@Bücher.example"],"language":"fr","digest":"at_once","urgent":true}'
is "$status $(field '.mail | join(" ")')" "201 anna@example.com Bob@xn--bcher-kva.example" "people are told by mail"
is "$(sql 'select kind from sched.wanted')" job.failed "the scheduler knows that single jobs are wanted before the answer comes"
ask POST /subscriptions '{"name":"x","kinds":["*"],"mail":["no address"]}' && is "$status $(field .field)" "422 mail" "an address that is none"
ask POST /subscriptions/people:test
check "the mail is given up" within 30 queued
ask GET '/dead-letters?subscription=people' && is "$(field '.items[0].cause')" mail_not_set_up "without a mail server it is a dead letter that says so"
ask DELETE /subscriptions/people

# ---- alarms and changed books: storage's transactions write them (storage_books, storage_keep; FL-67) ----
ask POST /webhooks "{\"name\":\"care\",\"url\":\"$url/care\"}"
ask POST /subscriptions '{"name":"fire","kinds":["alarm.fire"],"webhook":"care"}' && is "$status $(field .field)" "422 kinds" "who asks for what never happens is told so"
ask POST /subscriptions '{"name":"care","kinds":["alarm.*","book.changed"],"changes":5,"webhook":"care"}'
is "$status $(field .changes) $(sql "select string_agg(kind, ' ' order by kind) from sched.wanted")" "201 5 book.changed job.failed" "the system knows that changed books are wanted"
sql "insert into store.drill (id, tenant_id, version_id, device_id, kind, generation, target_id, outcome) select x, x, x, x, 'address_book', 1, x, 'differs' from sched.uuid7() x
	; select sched.tell(null, 'book.changed', 'device/x', jsonb_build_object('changes', n)) from unnest(array[4, 5]) n" >/dev/null
check "an alarm and a large change are told" within 30 eval '[ "$(sent_to /care | wc -l)" = 2 ] && queued'
is "$(for f in $(sent_to /care); do body_of "$f" | jq -r '.type + " " + (.data.changes // .data.outcome | tostring)'; done | sort | xargs)" \
	"carnet.alarm.drill_failed.v1 differs carnet.book.changed.v1 5" "a small change is not"
ask DELETE /webhooks/care

# ---- a webhook that is switched off keeps nobody else from being told (FL-66) ----
ask POST /webhooks "{\"name\":\"off\",\"url\":\"$url/off\"}"
off=$(field .id)
ask POST /subscriptions '{"name":"off","kinds":["run.finished"],"webhook":"off"}'
ask POST /webhooks "{\"name\":\"on\",\"url\":\"$url/on\"}"
ask POST /subscriptions '{"name":"on","kinds":["run.finished"],"webhook":"on"}'
ask POST /subscriptions '{"name":"quiet","kinds":["run.finished"],"webhook":"on","active":false}'
ask PATCH /webhooks/off '{"active":false}' && is "$status $(field .active)" "200 false" "a webhook is switched off"
sql "insert into gate.notice (id, kind, subject, at, data) select sched.uuid7(), 'run.finished', 'stuck', now(), '{}' from generate_series(1, 10000);
	insert into gate.delivery (notice, subscription, webhook, due_at) select n.id, s.id, s.webhook, now() from gate.notice n, gate.subscription s
	where n.subject = 'stuck' and s.name = 'off'" >/dev/null
ask POST "/tasks/$task:run"
check "others are told, however much waits for it" within 30 eval '[ -n "$(sent_to /on)" ]'
is "$(sql "select string_agg(s.name, ' ' order by s.name) from gate.delivery d join gate.subscription s on s.id = d.subscription
	join gate.notice n on n.id = d.notice where n.subject = 'run/$(field .id)' and s.name in ('off', 'on', 'quiet')")" on \
	"nothing new is put on its way to it, nor by a subscription that is switched off"
is "$(sql "select count(*) from gate.delivery where webhook = '$off' and state = 'queued'")" 10000 "what was on its way waits for it"
sql "update gate.delivery set due_at = now() - interval '2 days' where webhook = '$off'" >/dev/null
given_up() { [ "$(sql "select count(*) from gate.delivery where webhook = '$off' and state = 'dead' and cause = 'switched_off'")" = 10000 ]; }
check "not for ever" within 60 given_up
ask DELETE /webhooks/off
ask DELETE /webhooks/on
sql "delete from gate.notice n where subject = 'stuck'" >/dev/null

# ---- many at once: two gateways, and one of them dies with the answer in its hand ----
ask POST /webhooks "{\"name\":\"many\",\"url\":\"$url/many\"}"
ask POST /subscriptions '{"name":"many","kinds":["run.finished"],"webhook":"many"}'
for i in $(seq 20); do ask POST "/tasks/$task:run"; done
check "twenty runs are told" within 60 eval '[ "$(sent_to /many | wc -l)" -ge 20 ] && queued'
is "$(ids_of /many)" "$(yes 1 | head -20 | xargs)" "two gateways tell each once"
if ! grep -q webhook.sent "$B/bin/carnet-gateway"; then # built in with CRASH=1 or SAN=1
	ok "# SKIP no crash points"
	done_testing
fi
ask DELETE /subscriptions/runs # the only one that is told now
sql "update gate.webhook set url = '$url/killed' where name = 'many'" >/dev/null
kill_gateway() { s6-svc -wd -T 60000 -dk "$D/s6/gateway-$1"; }
kill_gateway 2
kill_gateway 1
stack_env "$D" gateway-1 CRASH webhook.sent:1
s6-svc -u "$D/s6/gateway-1"
within 60 stack_is_ready "$D" gateway-1
ask POST "/tasks/$task:run"
within 60 eval '[ -n "$(sent_to /killed)" ]'
kill_gateway 1
rm -f "$D/env/gateway-1/CARNET_CRASH"
s6-svc -u "$D/s6/gateway-1"
again() { sql "update gate.delivery set due_at = clock_timestamp() where state = 'queued' and attempts = 1" >/dev/null; [ "$(ids_of /killed)" = 2 ]; }
check "what a killed gateway had sent and not noted is sent again" within 60 again
done_testing
