#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Storage after its database and its primary vault are gone: the catalogue comes back from a copy and the key file.
cd "$(dirname "$0")/../.." || exit 1
exec tests/lib/with-pg "${B:-build}/tests/service/storage_rebuild"
