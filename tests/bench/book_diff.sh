#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Diffs of two books of 5,000 entries, from equal to nothing in common: under 10 ms each.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec "${B:-build}/tests/bench/book_diff"
