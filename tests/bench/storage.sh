#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Storage: sealing beside bare library calls, unchanged books, versions per second (PostgreSQL with fsync), small ones
# beside plain files, memory of a long stream.
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build}
export CARNET_BOOK_INDEX=false # its own figures: search.sh
"$B/tests/bench/storage_rate" seal
PG_DURABLE=1 tests/lib/with-pg "$B/tests/bench/storage_rate" service "${STORAGE_DEVICES:-300}"
PG_DURABLE=1 tests/lib/with-pg "$B/tests/bench/storage_rate" small "${STORAGE_SMALL:-400}"
PG_DURABLE=1 tests/lib/with-pg "$B/tests/bench/storage_rate" memory "${STORAGE_STREAM_MB:-2048}"
