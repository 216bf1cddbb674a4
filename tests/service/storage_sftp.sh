#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copies on an SFTP server: a storage process on a private PostgreSQL, and a real OpenSSH server.
cd "$(dirname "$0")/../.." || exit 1
PATH=$PATH:/usr/sbin
command -v sshd >/dev/null || { echo "1..0 # SKIP package openssh-server is not installed"; exit 0; }
SSHD_DIR=$(mktemp -d /tmp/carnet-sshd.XXXXXX)
export SSHD_DIR
trap 'tests/lib/sshd stop "$SSHD_DIR"; rm -rf "$SSHD_DIR"' EXIT
tests/lib/sshd make "$SSHD_DIR" && tests/lib/sshd start "$SSHD_DIR" || exit 1
tests/lib/with-pg "${B:-build}/tests/service/storage_sftp"
