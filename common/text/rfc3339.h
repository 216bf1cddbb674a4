// SPDX-License-Identifier: Apache-2.0
/* Instants as text (RFC 3339), for everything that people and programs write to us.
 * The other direction is clock_rfc3339. */
#pragma once

#include "common/base/base.h"

/* "2027-01-05T01:20:30Z", with up to nine decimals and Z or an offset. 1970 to 9999. Unix
 * milliseconds; decimals beyond are cut. 0, or -1 and *ret_ms untouched. */
int rfc3339_parse(const char *s, int64_t *ret_ms) must_check;
