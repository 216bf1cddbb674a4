#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Versions sent by mail: a storage process on a private PostgreSQL, and a mail server that has bad days.
cd "$(dirname "$0")/../.." || exit 1
exec tests/lib/with-pg "${B:-build}/tests/service/storage_mail"
