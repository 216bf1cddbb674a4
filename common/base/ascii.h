// SPDX-License-Identifier: Apache-2.0
/* Letters and digits of ASCII, whatever the locale of the process says. */
#pragma once

#include "common/base/base.h"

static inline char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static inline bool ascii_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool ascii_alpha(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Equal but for the case of A to Z. */
static inline bool ascii_same(const char *a, const char *b)
{
	while (*a && ascii_lower(*a) == ascii_lower(*b)) {
		a++;
		b++;
	}
	return ascii_lower(*a) == ascii_lower(*b);
}

/* The same of n bytes that may hold anything. */
static inline bool ascii_same_n(const char *a, const char *b, size_t n)
{
	size_t i = 0;

	while (i < n && ascii_lower(a[i]) == ascii_lower(b[i]))
		i++;
	return i == n;
}
