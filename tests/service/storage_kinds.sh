#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Which versions are stored under which lock, on a private PostgreSQL.
cd "$(dirname "$0")/../.." || exit 1
exec tests/lib/with-pg "${B:-build}/tests/service/storage_kinds"
