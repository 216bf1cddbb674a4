#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copies in other vaults: storage processes on a private PostgreSQL.
cd "$(dirname "$0")/../.." || exit 1
exec tests/lib/with-pg "${B:-build}/tests/service/storage_copies"
