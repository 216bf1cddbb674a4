#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What storage leaves on the medium: passports, keys, erasure, looked at with carnet-verify. On a private PostgreSQL.
cd "$(dirname "$0")/../.." || exit 1
exec tests/lib/with-pg "${B:-build}/tests/service/storage_medium"
