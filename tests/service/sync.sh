#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The sync service as processes on a real PostgreSQL; see sync_groups.c
cd "$(dirname "$0")/../.." || exit 1
export B=${B:-build}
exec tests/lib/with-pg "$B/tests/service/sync_groups"
