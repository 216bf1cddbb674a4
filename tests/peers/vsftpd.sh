#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Delivery of a file by FTP against a real vsftpd (devices.md sections 10 and 13): 421 is busy, wherever it comes (ftp_421_is_busy).
set -u
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. tests/lib/worker.sh
. tests/lib/ftp.sh
PATH=$PATH:/usr/sbin
command -v vsftpd >/dev/null || { echo "1..0 # SKIP package vsftpd is not installed"; exit 0; }
worker_dir
port=$((20000 + RANDOM % 12000)) # below those of outgoing connections
mkdir -p "$D/root/port1" "$D/empty" && chmod 0755 "$D" "$D/root" && chmod 0777 "$D/root/port1"
cat >"$D/v.conf" <<CONF
listen=YES
listen_ipv6=NO
listen_address=127.0.0.1
listen_port=$port
background=NO
anonymous_enable=YES
no_anon_password=NO
anon_upload_enable=YES
anon_umask=022
write_enable=YES
local_enable=NO
anon_root=$D/root
max_clients=3
idle_session_timeout=${IDLE:-900}
secure_chroot_dir=$D/empty
connect_from_port_20=NO
log_ftp_protocol=YES
xferlog_enable=YES
vsftpd_log_file=$D/log
CONF
vsftpd "$D/v.conf" &
ftpd_pid=$!
trap 'release_all; all_down; end_one "$ftpd_pid"; rm -rf "$D"' EXIT
within 20 greets "$port" || { not_ok "vsftpd starts"; done_testing; }
ok "a real vsftpd that takes three sessions"
device port1

delivers "$D/root/port1"

said() { grep -c "FTP command.*\"$1" "$D/log"; }
ran=$(said QUIT)
deliver ok "" "a file again, under another name" second.ps
is "$(said QUIT)" "$((ran + 1))" "QUIT was said"
check "never active: no PORT, no EPRT" eval '[ "$(said PORT)" = 0 ] && [ "$(said EPRT)" = 0 ]'
check "always binary: TYPE I, never TYPE A" eval '[ "$(said "TYPE I")" -gt 0 ] && [ "$(said "TYPE A")" = 0 ]'

device nowhere
deliver rejected "" "550, no such directory: rejected"
like "$(jq -r .text "$D/last")" "^550 " "with the server's words"
device port1
deliver rejected "" "553, a file that is there already: rejected" second.ps

# ---- ftp_421_is_busy ----
hold 3
deliver session_limit "" "the fourth session is greeted with 421: session_limit, which defers"
like "$(jq -r .text "$D/last")" "^421 " "in the server's words"
release_all
within 10 eval 'deliver_quietly fifth.ps' && ok "a session is free again: delivered" || not_ok "a session is free again: $(cat "$D/last")"

# the same word in the middle of the dialogue: the server has an idle time of 2 s, and the command comes after 4
end_one "$ftpd_pid"
sed -i 's/^idle_session_timeout=.*/idle_session_timeout=2/' "$D/v.conf"
vsftpd "$D/v.conf" &
ftpd_pid=$!
within 20 greets "$port"
late=$((port + 1))
for word in USER STOR; do
	tests/peers/ftp_late "$late" "$port" "$word" 4 &
	late_pid=$!
	within 10 greets "$late"
	sed -i "s/\"ftp\": [0-9]*/\"ftp\": $late/" "$D/map"
	deliver session_limit "" "421 for a session left idle, where $word comes too late: session_limit"
	like "$(jq -r .text "$D/last")" "^421 " "in the server's words"
	end_one "$late_pid"
	late=$((late + 1))
done
done_testing
