#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Versions sent by mail through a real Exim, and opened as who gets them does (storage.md section 8.2).
cd "$(dirname "$0")/../.." || exit 1
[ -e var/peers/usr/sbin/exim4 ] || { echo "1..0 # SKIP package exim4-daemon-light is not unpacked (deploy/install unpack)"; exit 0; }
EXIM_DIR=$(mktemp -d /tmp/carnet-exim.XXXXXX)
export EXIM_DIR
trap 'tests/lib/exim stop "$EXIM_DIR"; rm -rf "$EXIM_DIR"' EXIT
tests/lib/exim make "$EXIM_DIR" && tests/lib/exim start "$EXIM_DIR" || exit 1
tests/lib/with-pg "${B:-build}/tests/peers/exim_mail"
