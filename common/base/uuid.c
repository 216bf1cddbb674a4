// SPDX-License-Identifier: Apache-2.0
/* UUIDs, RFC 9562. */
#include "common/base/uuid.h"

#include <string.h>
#include <sys/random.h>

struct uuid uuid_v7(uint64_t ms)
{
	struct uuid id;

	bug_if(getrandom(id.b, sizeof(id.b), 0) != (ssize_t)sizeof(id.b));
	for (int i = 0; i < 6; i++)
		id.b[i] = (uint8_t)(ms >> (40 - 8 * i));
	id.b[6] = (uint8_t)((id.b[6] & 0x0f) | 0x70);
	id.b[8] = (uint8_t)((id.b[8] & 0x3f) | 0x80);
	return id;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool dash_before(size_t byte)
{
	return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

int uuid_parse(const char *s, struct uuid *ret_id)
{
	struct uuid id;

	for (size_t i = 0; i < 16; i++) {
		if (dash_before(i) && *s++ != '-')
			return -1;
		int hi = hex(s[0]);
		int lo = hi < 0 ? -1 : hex(s[1]);
		if (lo < 0)
			return -1;
		id.b[i] = (uint8_t)(hi << 4 | lo);
		s += 2;
	}
	if (*s != '\0')
		return -1;
	*ret_id = id;
	return 0;
}

char *uuid_format(const struct uuid *id, char text[static UUID_TEXT])
{
	static const char digits[] = "0123456789abcdef";
	char *p = text;

	for (size_t i = 0; i < 16; i++) {
		if (dash_before(i))
			*p++ = '-';
		*p++ = digits[id->b[i] >> 4];
		*p++ = digits[id->b[i] & 15];
	}
	*p = '\0';
	return text;
}

bool uuid_is_nil(const struct uuid *id)
{
	static const struct uuid nil;

	return uuid_cmp(id, &nil) == 0;
}

int uuid_cmp(const struct uuid *a, const struct uuid *b)
{
	return memcmp(a->b, b->b, sizeof(a->b));
}
