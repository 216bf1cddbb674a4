#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# When tasks fire, beside PostgreSQL's own arithmetic of time zones.
cd "$(dirname "$0")/../.." || exit 1
SQL_DIR= exec tests/lib/with-pg "${B:-build}/tests/service/schedule_zones"
