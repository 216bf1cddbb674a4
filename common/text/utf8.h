// SPDX-License-Identifier: Apache-2.0
/* UTF-8 of the strict kind (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF. */
#pragma once

#include "common/base/base.h"

/* n may be 0. NUL is a valid character here. */
bool utf8_valid(const void *p, size_t n) must_check;
/* Foreign text that must travel: each byte that is not UTF-8 becomes '?'. */
void utf8_scrub(char *s);
/* Bytes of the longest prefix of at most max bytes that does not cut a character of valid text. */
size_t utf8_cut(const char *s, size_t max) must_check;
