// SPDX-License-Identifier: Apache-2.0
/* UTF-8, RFC 3629. */
#include "common/text/utf8.h"

#include <string.h>

/* Bytes of the character that begins with b, 0 if none does. */
static size_t length_of(uint8_t b)
{
	if (b < 0x80)
		return 1;
	if (b >= 0xc2 && b <= 0xdf)
		return 2;
	if (b >= 0xe0 && b <= 0xef)
		return 3;
	return b >= 0xf0 && b <= 0xf4 ? 4 : 0;
}

/* The second byte decides over overlong forms, surrogates and the upper end. */
static bool second_valid(uint8_t b, uint8_t second)
{
	uint8_t low = b == 0xe0 ? 0xa0 : b == 0xf0 ? 0x90 : 0x80;
	uint8_t high = b == 0xed ? 0x9f : b == 0xf4 ? 0x8f : 0xbf;

	return second >= low && second <= high;
}

/* Bytes of the valid character at s, 0 if there is none within n bytes. */
static size_t character(const uint8_t *s, size_t n)
{
	size_t k = length_of(s[0]);

	if (k == 0 || k > n || (k > 1 && !second_valid(s[0], s[1])))
		return 0;
	for (size_t j = 2; j < k; j++) {
		if ((s[j] & 0xc0) != 0x80)
			return 0;
	}
	return k;
}

size_t utf8_prefix(const void *p, size_t n)
{
	const uint8_t *s = p;
	size_t i = 0;

	while (i < n) {
		uint64_t eight;
		if (n - i >= 8 && (memcpy(&eight, s + i, 8), (eight & 0x8080808080808080u) == 0)) {
			i += 8;
			continue;
		}
		size_t k = character(s + i, n - i);
		if (k == 0)
			break;
		i += k;
	}
	return i;
}

bool utf8_valid(const void *p, size_t n)
{
	return utf8_prefix(p, n) == n;
}

size_t utf8_read(const uint8_t *s, size_t n, uint32_t *ret)
{
	size_t k = character(s, n);

	*ret = k < 2 ? s[0] : s[0] & (0x7fu >> k);
	for (size_t i = 1; i < k; i++)
		*ret = *ret << 6 | (s[i] & 0x3f);
	return k;
}

size_t utf8_write(uint32_t code_point, uint8_t out[static 4])
{
	size_t k = code_point < 0x80 ? 1 : code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;

	for (size_t i = k; i-- > 1; code_point >>= 6)
		out[i] = (uint8_t)(0x80 | (code_point & 0x3f));
	out[0] = (uint8_t)(k == 1 ? code_point : (0xf00u >> k & 0xf0) | code_point);
	return k;
}

void utf8_scrub(char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n;) {
		size_t k = character((uint8_t *)s + i, n - i);
		if (k == 0)
			s[i] = '?';
		i += k == 0 ? 1 : k;
	}
}

size_t utf8_cut(const char *s, size_t max)
{
	size_t n = strnlen(s, max + 1);

	if (n <= max)
		return n;
	n = max;
	while (n > 0 && ((uint8_t)s[n] & 0xc0) == 0x80)
		n--;
	return n;
}

bool utf8_deceives(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || c == 0xfeff ||
	       (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x206f);
}
