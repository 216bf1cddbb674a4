// SPDX-License-Identifier: Apache-2.0
/* UUIDs: version 7 (RFC 9562) for everything we name ourselves. */
#pragma once

#include "common/base/base.h"

#define UUID_TEXT 37 /* bytes of the text form with its NUL */

struct uuid {
	uint8_t b[16];
};

/* A fresh UUIDv7. ms: Unix time in milliseconds. Random part from getrandom(2). */
struct uuid uuid_v7(uint64_t ms);
/* Reads the 36-character form, either case. 0, or -1 and *ret_id untouched. */
int uuid_parse(const char *s, struct uuid *ret_id) must_check;
/* Writes lower-case text; returns text. */
char *uuid_format(const struct uuid *id, char text[static UUID_TEXT]);
bool uuid_is_nil(const struct uuid *id);
int uuid_cmp(const struct uuid *a, const struct uuid *b);
static inline bool uuid_eq(const struct uuid *a, const struct uuid *b)
{
	return uuid_cmp(a, b) == 0;
}
