#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Copies in a bucket: a storage process on a private PostgreSQL, and an S3 server of ours that checks signatures.
cd "$(dirname "$0")/../.." || exit 1
exec tests/lib/with-pg "${B:-build}/tests/service/storage_s3"
