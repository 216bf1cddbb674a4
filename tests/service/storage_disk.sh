#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Storage on a disk that fails, is full, or lost power: a storage process on a private PostgreSQL.
cd "$(dirname "$0")/../.." || exit 1
exec tests/lib/with-pg "${B:-build}/tests/service/storage_disk"
