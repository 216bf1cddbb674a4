#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Delivery of a file by FTP against a real pure-ftpd (devices.md sections 10 and 13): a greeting of many lines, another text for 421.
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. tests/lib/worker.sh
. tests/lib/ftp.sh
PATH=$PATH:/usr/sbin:$PWD/var/peers/usr/sbin:$PWD/var/peers/usr/bin # it cannot be installed beside vsftpd: deploy/install unpacks it
command -v pure-ftpd >/dev/null || { echo "1..0 # SKIP package pure-ftpd is not unpacked (deploy/install unpack)"; exit 0; }
worker_dir
port=$((20000 + RANDOM % 12000)) # below those of outgoing connections
mkdir -p "$D/root/port1" && chmod 0755 "$D" && chown -R nobody "$D/root"
printf 'secret\nsecret\n' | pure-pw useradd printer -f "$D/passwd" -F "$D/pdb" -m -u nobody -g nogroup -d "$D/root" >/dev/null
pure-ftpd -S "127.0.0.1,$port" -c 3 -I 15 -E -C 10 -g "$D/pid" -l "puredb:$D/pdb" >"$D/log" 2>&1 &
ftpd_pid=$!
trap 'release_all; end_one "$ftpd_pid"; rm -rf "$D"' EXIT
within 20 greets "$port" || { cat "$D/log" >&2; not_ok "pure-ftpd starts"; done_testing; }
ok "a real pure-ftpd that takes three sessions"
user='{"name":"c","kind":"user_auth","user":"printer","password":"secret"}'
device port1 "$user"

delivers "$D/root/port1"

device nowhere "$user"
deliver rejected "" "550, no such directory: rejected"
like "$(jq -r .text "$D/last")" "^550 " "with the server's words"
device port1 "${user/secret/wrong}"
deliver auth_refused "" "530, a wrong password: auth_refused"
device port1 "$user"

# ---- ftp_421_is_busy ----
hold 3
deliver session_limit "" "the fourth session is greeted with 421: session_limit, which defers"
like "$(jq -r .text "$D/last")" "^421 3 users" "in the server's words"
release_all
within 10 eval 'deliver_quietly fifth.ps' && ok "a session is free again: delivered" || not_ok "a session is free again: $(cat "$D/last")"
done_testing
