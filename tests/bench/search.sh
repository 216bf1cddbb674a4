#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Search over the books of a fleet's whole history, and the comparison of two versions, through the storage service.
# SEARCH_DEVICES × SEARCH_VERSIONS versions; the derived rows are made by SQL, as reading that many books would leave them.
cd "$(dirname "$0")/../.." || exit 1
export B=${B:-build} SEARCH_DEVICES=${SEARCH_DEVICES:-5000} SEARCH_VERSIONS=${SEARCH_VERSIONS:-200}
run() {
	psql -X -q -v ON_ERROR_STOP=1 -v devices="$SEARCH_DEVICES" -v versions="$SEARCH_VERSIONS" "$CARNET_TEST_DB" -f tests/bench/search.sql >/dev/null || exit 1
	exec "$B/tests/bench/storage_search" "${SEARCH_ROUNDS:-100}"
}
if [ -n "${CARNET_TEST_DB:-}" ]; then run; else exec tests/lib/with-pg bash tests/bench/search.sh; fi
