#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# common/db against a private PostgreSQL that is killed and restarted.
cd "$(dirname "$0")/../.." || exit 1
export B=${B:-build}
for test in pipeline restart migrate; do
	PG_DURABLE=1 SQL_DIR='' tests/lib/with-pg "$B/tests/service/db_$test" || exit 1
done
