#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The lock service when things break: chaos with its history checked, and a kill at each crash point (make CRASH=1 or SAN=1).
# PARTS=chaos or crash chooses.
cd "$(dirname "$0")/../.." || exit 1
PARTS=${PARTS:-chaos crash} exec tests/service/lock.sh
