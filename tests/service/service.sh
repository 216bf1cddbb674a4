#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# common/service: two example services as processes, rights, deadlines, events, orderly end.
cd "$(dirname "$0")/../.." || exit 1
export B=${B:-build}
exec "$B/tests/service/service_skeleton"
