#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A run ends, and somebody reads of it: gateway, storage and a real Exim, from the command line to the mailbox
# (docs/spec/fleet.md section 10, storage.md ST-54).
set -u
cd "$(dirname "$0")/../.."
[ -e var/peers/usr/sbin/exim4 ] || { echo "1..0 # SKIP package exim4-daemon-light is not unpacked (deploy/install unpack)"; exit 0; }
. tests/lib/tap.sh
. deploy/local/stack.sh
B=${B:-build}
D=$(mktemp -d /tmp/cnex.XXXXXX) E=$(mktemp -d /tmp/carnet-exim.XXXXXX)
trap 'tests/lib/exim stop "$E"; stack_down "$D"; rm -rf "$D" "$E"' EXIT
tests/lib/exim make "$E" && tests/lib/exim start "$E" || { not_ok "the mail server starts"; done_testing; }
STACK_INSTANCES="gateway:1 lock:1 scheduler:1 storage:1 sync:1" STACK_DURABLE=0 STACK_REST=unix:$D/rest.sock stack_make "$D" "$B"
stack_env "$D" gateway-1 NOTIFY_EVERY_MS 100
stack_env "$D" gateway-1 WEBHOOK_RETRY_MS 20
stack_env "$D" gateway-1 PUBLIC_URL https://carnet.example
stack_env "$D" storage-1 VAULT_NETWORKS 127.0.0.1
mkdir -p "$D/log"
stack_database "$D" >/dev/null && stack_up "$D" && stack_ready "$D" 60 || { not_ok "the stack starts"; done_testing; }
within 20 [ -s "$D/run/setup-token" ]

rest() { curl -s --unix-socket "$D/rest.sock" -X POST -H 'Content-Type: application/json' "$@"; }
setup=$(rest -c "$D/jar" -d "{\"setup_token\":\"$(cat "$D/run/setup-token")\",\"name\":\"root\",\"password\":\"correct horse battery\"}" http://localhost/api/v1/setup)
(umask 077 && rest -H "Cookie: carnet_session=$(awk '/carnet_session/ {print $7}' "$D/jar")" -H "X-Carnet-Token: $(jq -r .token <<<"$setup")" \
	-d '{"name":"admin","role":"admin"}' http://localhost/api/v1/tokens | jq -rj .token >"$D/token"; printf pass >"$D/pass")
cli() { "$B/bin/carnet" --server "unix:$D/rest.sock" --token-file "$D/token" "$@"; }
mails() { grep -c ' Completed$' "$E/log-main"; }
# What the last mail says, its parts decoded.
last_mail() { perl -MMIME::Base64 -MMIME::QuotedPrint -0777 -ne '
	my $m = (split /^From /m)[-1]; print $m;
	while ($m =~ /Content-Transfer-Encoding: (base64|quoted-printable)\r?\n(?:[^\r\n]+\r?\n)*\r?\n(.*?)(?=\r?\n--|\z)/gsi) {
		print lc $1 eq "base64" ? decode_base64($2) : decode_qp($2), "\n";
	}' "$E/box"; }

check "a mail server is set up: it took a test mail" cli vault add --name post --place "smtps://127.0.0.1:$(cat "$E/smtps")" --account carnet \
	--pin "$(cat "$E/pin")" --sender carnet@example.com --recipients anna@example.com --password-file "$D/pass"
check "somebody is told by mail" cli notify create --name people --kinds run.finished,alarm.\* --mail anna@example.com --language fr --urgent true
cli notify create --name strangers --kinds run.finished --mail eve@elsewhere.example >/dev/null
rest -H "Authorization: Bearer $(cat "$D/token")" \
	-d '{"name":"nightly","kind":"device.probe","targets":{"filter":"name=nobody"},"schedule":{"form":"manual"}}' http://localhost/api/v1/tasks >/dev/null
before=$(mails)
cli task run nightly >/dev/null 2>&1 # over nobody: exit 1 or 3
check "the mail arrives" within 60 eval '[ "$(mails)" -gt "$before" ]'
last_mail >"$D/mail"
like "$(cat "$D/mail")" 'From: .*carnet@example.com' "from the address of the mail server's vault"
like "$(cat "$D/mail")" 'To: .*anna@example.com' "to whom it is for"
like "$(cat "$D/mail")" 'nightly: aucune imprimante' "it says in French which run ended how"
like "$(cat "$D/mail")" 'https://carnet.example/runs/' "and where to look"
like "$(cat "$D/mail")" 'Envoyé par Carnet, abonnement people' "and why it came"
like "$(cat "$D/mail")" '(X-Priority: 1|Importance: high)' "with priority"
check "the other one is given up" within 60 eval '[ "$(cli --json dead-letter list --subscription strangers | jq .total)" = 1 ]'
like "$(cli --json dead-letter list --subscription strangers)" mail_not_allowed "since the server may not send there"
before=$(mails)
stack_psql "$D" -c "select sched.alarm('alarm.scrub_late', 'vault/x', '{\"vault_name\": \"agence\"}')" >/dev/null
check "an alarm arrives, too" within 60 eval '[ "$(mails)" -gt "$before" ]'
like "$(last_mail)" 'agence: copies non relues' "in words"
is "$(stack_psql "$D" -c "select count(*) from gate.delivery where state = 'done'")" 2 "each mail went once"
done_testing
