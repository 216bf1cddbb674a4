#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Books of stored versions: shown, compared, found. Storage processes on a private PostgreSQL.
cd "$(dirname "$0")/../.." || exit 1
exec tests/lib/with-pg "${B:-build}/tests/service/storage_books"
